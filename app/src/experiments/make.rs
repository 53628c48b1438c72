//! Makes the page of experiments.

use domain::{
    Error, Result,
    scope::clip_text,
    tracking::{
        Lifecycle, RunStatus, Text,
        search::{PLACE_TAGS, RunPlace},
    },
};
use leptos::prelude::*;
use usecases::tracking::{ExperimentRow, ExperimentView, ExperimentsQuery, PlaceFacet, narrower, some_of};

use super::{sentences, words};
use crate::{
    panels::tracking::{self, moment},
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{
        empty::Empty,
        fmt::NO_VALUE,
        form::hidden_fields,
        links,
        pages::{self, Paging},
    },
};

/// So many experiments are on a page.
const PAGE_ROWS: usize = 100;
const KEYS: [&str; 7] = ["q", "view", "page", PLACE_TAGS[0], PLACE_TAGS[1], PLACE_TAGS[2], PLACE_TAGS[3]];
/// So many values of a tag are offered.
const OFFERED: usize = 12;

/// The page of experiments.
///
/// # Errors
/// Unknown keys, and those that are given twice. What of them cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &["tag"])?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let title = words::title(lang).to_owned();
    let html = match services.runs.status()? {
        None => view! { <Empty empty=tracking::no_source(lang)/> }.to_html(),
        Some(_) => content(services, &mut a)?,
    };
    let crumb = Crumb { label: title.clone(), href: a.to(addresses::EXPERIMENTS), ..Crumb::default() };
    let head = a.head(services, vec![crumb], title, addresses::run_events(), generation);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

fn content(services: &Services, a: &mut PlainQuery) -> Result<String> {
    let lang = a.fmt.lang;
    let view = a.understand("view", |text| {
        ExperimentView::parse(text).ok_or_else(|| Error::bad_input(sentences::bad_view(clip_text(text))))
    });
    let view = view.unwrap_or_default();
    let tag = |text: &str| {
        let pair = text.split_once(':').map(|(key, value)| (key.to_owned(), value.to_owned()));
        pair.ok_or_else(|| Error::bad_input(sentences::bad_tag(clip_text(text))))
    };
    // As programs ask for them.
    for level in PLACE_TAGS {
        if let Some(value) = a.get(level).map(str::to_owned) {
            a.forget(level);
            a.push("tag", format!("{level}:{value}"));
        }
    }
    let tags = a.all("tag").map(tag).collect::<Result<Vec<_>>>();
    let tags = tags.map_err(|e| a.refuse("tag", e.message)).unwrap_or_default();
    let mut page = a.understand("page", pages::read).unwrap_or(1);
    let text = a.looked_for("q");
    let mut query = ExperimentsQuery {
        text: text.clone(),
        view,
        tags,
        skip: (page - 1) * PAGE_ROWS,
        limit: PAGE_ROWS,
        facets: true,
    };
    let mut answer = services.runs.experiments(&query)?;
    if page > 1 && (page - 1) * PAGE_ROWS >= answer.total {
        a.refuse("page", sentences::no_page(answer.total, page));
        (page, query.skip) = (1, 0);
        answer = services.runs.experiments(&query)?;
    }
    let a = &*a;
    let rows: Vec<_> = answer.rows.iter().map(|r| row(a, &query, r)).collect();
    let paging = Paging { page, size: PAGE_ROWS, total: answer.total, label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let banners = tracking::banners(&a.fmt, a.now, &answer.status);
    let none = rows.is_empty().then(|| {
        let unasked = text.is_empty() && query.tags.is_empty() && view == ExperimentView::Active;
        let text = if unasked { words::nothing_yet(lang) } else { words::nothing(lang) };
        view! { <p class="quiet">{text}</p> }
    });
    // Before anything was read nobody knows what there is: nothing is said of it but why.
    let known = answer.as_of.is_some();
    let none = none.filter(|_| known);
    let summary =
        known.then(|| words::summary(lang, a.fmt.count(answer.total as u64), a.fmt.count(answer.runs as u64)));
    let html = view! {
        <p class="lead">
            {summary}" "
            <span class="quiet">{tracking::source_line(&a.fmt, a.now, &answer.status)}</span>
        </p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        {form(a, &text, view, &query.tags)}
        {facets(a, &answer.facets, &query.tags)}
        {none}
        {(!rows.is_empty()).then(|| view! {
            <section class="card runs" aria-label=words::title(lang)>
                <div class="scroll" role="region" tabindex="0" aria-label=words::title(lang)>
                    <table>
                        <thead>{head(a)}</thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <footer>{pager}<a class="tool" href="/api/experiments" rel="external">"JSON"</a></footer>
            </section>
        })}
    };
    Ok(html.to_html())
}

fn form(a: &PlainQuery, text: &str, view: ExperimentView, tags: &[(String, String)]) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let tags = tags.iter().map(|(key, value)| ("tag".to_owned(), format!("{key}:{value}")));
    let hidden = a.pairs_without(&["q", "view", "page", "tag"]).into_iter().chain(tags);
    let option = |it: ExperimentView, label: &'static str| {
        let value = if it == ExperimentView::Active { "" } else { it.as_str() };
        view! { <option value=value selected=it == view>{label}</option> }
    };
    view! {
        <form class="filters" method="get" action=addresses::EXPERIMENTS aria-label=words::filter(lang)>
            {hidden_fields(hidden.collect())}
            <label><span>{words::find(lang)}</span><input type="search" name="q" value=text.to_owned() autocomplete="off" spellcheck="false"/></label>
            <label><span>{words::view(lang)}</span>
                <select name="view" data-go="">
                    {option(ExperimentView::Active, words::view_active(lang))}
                    {option(ExperimentView::Deleted, words::view_deleted(lang))}
                    {option(ExperimentView::All, words::view_all(lang))}
                </select>
            </label>
            <button class="button" type="submit">{words::apply(lang)}</button>
            <a class="button" href=a.to(addresses::ALL_RUNS)>{words::all_runs(lang)}</a>
        </form>
    }
}

/// Customers, sites, zones and tasks of the experiments that fit, each of which narrows them further; what was chosen leads back. Who
/// changes a customer leaves its sites and zones.
fn facets(a: &PlainQuery, facets: &[PlaceFacet], tags: &[(String, String)]) -> Option<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let labels = [words::customer(lang), words::site(lang), words::zone(lang), words::task(lang)];
    let link = |level: usize, value: &str, chosen: bool| {
        let gone: Vec<&str> = narrower(level).into_iter().filter_map(|l| PLACE_TAGS.get(l).copied()).collect();
        let mut pairs = a.pairs_without(&["tag", "page"]);
        let kept = tags.iter().filter(|(k, _)| !gone.contains(&&**k)).map(|(k, v)| format!("{k}:{v}"));
        let next = (!chosen).then(|| format!("{}:{value}", PLACE_TAGS[level]));
        pairs.extend(kept.chain(next).map(|t| ("tag".to_owned(), t)));
        links::href(&a.path, &pairs)
    };
    let facet = |facet: &PlaceFacet| {
        let is_chosen = |value: &Text| facet.chosen.as_ref() == Some(value);
        let value = |value: &Text, n: usize| {
            let chosen = is_chosen(value);
            let href = link(facet.level, value, chosen);
            view! { <a href=href aria-current=chosen.then_some("true")><bdi>{value.to_string()}</bdi><small>{a.fmt.count(n as u64)}</small></a> }
        };
        let (first, rest) = facet.values.split_at(facet.values.len().min(OFFERED));
        let mut values: Vec<_> = first.iter().map(|(text, n)| value(text, *n)).collect();
        // What was chosen is there to be taken back.
        let hidden = facet.chosen.as_ref().filter(|chosen| first.iter().all(|(text, _)| text != *chosen));
        values
            .extend(hidden.map(|chosen| value(chosen, rest.iter().find(|(t, _)| t == chosen).map_or(0, |(_, n)| *n))));
        view! { <div><dt>{labels.get(facet.level).copied()}</dt><dd>{values}</dd></div> }
    };
    let found: Vec<_> = facets.iter().map(facet).collect();
    (!found.is_empty()).then(|| view! { <dl class="facets" aria-label=words::narrow(lang)>{found}</dl> })
}

fn head(a: &PlainQuery) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let heads = [
        (words::col_name(lang), false),
        (words::col_runs(lang), true),
        (words::col_running(lang), true),
        (words::col_failed(lang), true),
        (words::col_newest(lang), false),
        (words::col_tags(lang), false),
        (words::col_id(lang), false),
    ];
    view! { <tr>{heads.map(|(label, num)| view! { <th scope="col" class=num.then_some("num")>{label}</th> }).collect_view()}</tr> }
}

/// For whom its runs are, as far as they are looked for.
fn places(query: &ExperimentsQuery, row: &ExperimentRow) -> String {
    let fitting: Vec<_> = row.places.all.iter().filter(|place| query.place_fits(place)).collect();
    let told = |place: &&RunPlace| place.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" › ");
    some_of(fitting.iter().map(told))
}

fn row(a: &PlainQuery, query: &ExperimentsQuery, row: &ExperimentRow) -> impl IntoView + use<> {
    let e = &row.experiment;
    let count = |status: RunStatus| {
        let n = RunStatus::ALL.iter().zip(row.by_status).find(|(s, _)| **s == status).map_or(0, |(_, n)| n);
        if n == 0 { NO_VALUE.to_owned() } else { a.fmt.count(n as u64) }
    };
    let deleted =
        (e.lifecycle == Lifecycle::Deleted).then(|| view! { " "<span class="tag">{words::deleted(a.fmt.lang)}</span> });
    let mut pairs = a.pairs_without(&["q", "view", "page", "tag"]);
    let filter = query.filter_of_runs(&row.places).to_string();
    pairs.extend((!filter.is_empty()).then(|| ("filter".to_owned(), filter)));
    let href = links::href(&addresses::experiment(&e.id), &pairs);
    view! {
        <tr>
            <th scope="row"><a href=href><bdi>{e.name.to_string()}</bdi></a>{deleted}</th>
            <td class="num">{a.fmt.count(row.runs as u64)}</td>
            <td class="num">{count(RunStatus::Running)}</td>
            <td class="num">{count(RunStatus::Failed)}</td>
            <td>{moment(&a.fmt, row.newest, a.now)}</td>
            <td><bdi>{places(query, row)}</bdi></td>
            <td><code>{e.id.to_string()}</code></td>
        </tr>
    }
}
