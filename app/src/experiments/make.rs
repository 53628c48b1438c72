//! Makes the page of experiments.

use std::collections::BTreeMap;

use domain::{
    Error, Result,
    scope::clip_text,
    tracking::{Lifecycle, RunStatus, Text},
};
use leptos::prelude::*;
use usecases::tracking::{ExperimentRow, ExperimentView, ExperimentsAnswer, ExperimentsQuery};

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
const KEYS: [&str; 7] = ["q", "view", "page", LEVELS[0], LEVELS[1], LEVELS[2], LEVELS[3]];
/// Tags that tell what an experiment is for, from the widest on.
const LEVELS: [&str; 4] = ["customer", "site", "zone", "task"];
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
    for level in LEVELS {
        if let Some(value) = a.get(level).map(str::to_owned) {
            a.forget(level);
            a.push("tag", format!("{level}:{value}"));
        }
    }
    let tags = a.all("tag").map(tag).collect::<Result<Vec<_>>>();
    let tags = tags.map_err(|e| a.refuse("tag", e.message)).unwrap_or_default();
    let mut page = a.understand("page", pages::read).unwrap_or(1);
    let text = a.looked_for("q");
    // All of them: the tags to narrow by are counted over what fits.
    let query = ExperimentsQuery { text: text.clone(), view, tags: tags.clone(), ..ExperimentsQuery::default() };
    let answer = services.runs.experiments(&query)?;
    if page > 1 && (page - 1) * PAGE_ROWS >= answer.total {
        a.refuse("page", sentences::no_page(answer.total, page));
        page = 1;
    }
    let first = (page - 1) * PAGE_ROWS;
    let a = &*a;
    let runs = answer.rows.iter().map(|r| r.runs as u64).sum();
    let rows: Vec<_> = answer.rows.iter().skip(first).take(PAGE_ROWS).map(|r| row(a, r)).collect();
    let paging = Paging { page, size: PAGE_ROWS, total: answer.total, label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let banners = tracking::banners(&a.fmt, a.now, &answer.status);
    let none = rows.is_empty().then(|| {
        let unasked = text.is_empty() && tags.is_empty() && view == ExperimentView::Active;
        let text = if unasked { words::nothing_yet(lang) } else { words::nothing(lang) };
        view! { <p class="quiet">{text}</p> }
    });
    // Before anything was read nobody knows what there is: nothing is said of it but why.
    let known = answer.as_of.is_some();
    let none = none.filter(|_| known);
    let summary = known.then(|| words::summary(lang, a.fmt.count(answer.total as u64), a.fmt.count(runs)));
    let html = view! {
        <p class="lead">
            {summary}" "
            <span class="quiet">{tracking::source_line(&a.fmt, a.now, &answer.status)}</span>
        </p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        {form(a, &text, view, &tags)}
        {facets(a, &answer, &tags)}
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

/// Customers, sites, zones and tasks of the experiments that fit, each of which narrows them further; what was chosen leads back.
fn facets(a: &PlainQuery, answer: &ExperimentsAnswer, tags: &[(String, String)]) -> Option<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let labels = [words::customer(lang), words::site(lang), words::zone(lang), words::task(lang)];
    let of = |row: &ExperimentRow, level: usize| match level {
        0 => row.customer.clone(),
        1 => row.site.clone(),
        2 => row.zone.clone(),
        _ => row.task.clone(),
    };
    let link = |key: &str, value: &str, chosen: bool| {
        let mut pairs = a.pairs_without(&["tag", "page"]);
        let kept = tags.iter().filter(|(k, _)| k != key).map(|(k, v)| format!("{k}:{v}"));
        pairs.extend(kept.chain((!chosen).then(|| format!("{key}:{value}"))).map(|t| ("tag".to_owned(), t)));
        links::href(&a.path, &pairs)
    };
    let mut found = vec![];
    for (level, (key, label)) in LEVELS.into_iter().zip(labels).enumerate() {
        let mut counts: BTreeMap<Text, usize> = BTreeMap::new();
        answer.rows.iter().filter_map(|row| of(row, level)).for_each(|value| *counts.entry(value).or_default() += 1);
        let mut values: Vec<_> = counts.into_iter().collect();
        values.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let value = |(value, n): (Text, usize)| {
            let chosen = tags.iter().any(|(k, v)| k == key && **v == *value);
            let href = link(key, &value, chosen);
            view! { <a href=href aria-current=chosen.then_some("true")><bdi>{value.to_string()}</bdi><small>{a.fmt.count(n as u64)}</small></a> }
        };
        let values: Vec<_> = values.into_iter().take(OFFERED).map(value).collect();
        if !values.is_empty() {
            found.push(view! { <div><dt>{label}</dt><dd>{values}</dd></div> });
        }
    }
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

fn row(a: &PlainQuery, row: &ExperimentRow) -> impl IntoView + use<> {
    let e = &row.experiment;
    let count = |status: RunStatus| {
        let n = RunStatus::ALL.iter().zip(row.by_status).find(|(s, _)| **s == status).map_or(0, |(_, n)| n);
        if n == 0 { NO_VALUE.to_owned() } else { a.fmt.count(n as u64) }
    };
    let place = [&row.customer, &row.site, &row.zone, &row.task];
    let place: Vec<_> = place.into_iter().flatten().map(ToString::to_string).collect();
    let deleted =
        (e.lifecycle == Lifecycle::Deleted).then(|| view! { " "<span class="tag">{words::deleted(a.fmt.lang)}</span> });
    let href = a.to(&addresses::experiment(&e.id));
    view! {
        <tr>
            <th scope="row"><a href=href><bdi>{e.name.to_string()}</bdi></a>{deleted}</th>
            <td class="num">{a.fmt.count(row.runs as u64)}</td>
            <td class="num">{count(RunStatus::Running)}</td>
            <td class="num">{count(RunStatus::Failed)}</td>
            <td>{moment(&a.fmt, row.newest, a.now)}</td>
            <td><bdi>{place.join(" › ")}</bdi></td>
            <td><code>{e.id.to_string()}</code></td>
        </tr>
    }
}
