//! What happened to a model, and what was live at a moment.

use domain::{
    Result,
    registry::{ModelName, Stage, Standing, Version},
    scope::{ExperimentKind, Scope},
    time::{DAY, HOUR, Millis, TimeRange, parse_moment},
};
use leptos::prelude::*;

use super::{
    common::{Drawn, PageContext, alias_tags, crumb, here, v, version_link, version_links},
    field::{self, FieldRecords, FieldVersion},
    past, sentences, words,
};
use crate::{
    shell::addresses,
    ui::{
        fmt::NO_VALUE,
        links,
        pages::{self, Paging},
    },
};

/// So many lines are on a page.
const PAGE_ROWS: usize = 50;

pub(super) async fn page(p: &mut PageContext<'_>, name: &str) -> Result<Drawn> {
    let services = p.services;
    let name = ModelName::parse(name)?;
    let known = services.models.past(&name).await?;
    if known.events.is_empty() {
        // Nothing is known of it: whether there is such a model is the registry's to say.
        services.models.model(name.as_str())?;
    }
    let (now, zone) = (p.a.now, p.a.fmt.zone.clone());
    let at = p.a.understand("at", |text| parse_moment(text, now, &zone));
    let live = match at {
        Some(at) => {
            let day = TimeRange::new(at.plus(-DAY), at.plus(1))?;
            let records = field::load_between(services, day, ExperimentKind::Production).await?;
            Some((at, services.models.standing_at(&name, at).await?, records))
        }
        None => None,
    };
    let lines = past::lines(&known.events);
    let mut page = p.a.understand("page", pages::read).unwrap_or(1);
    if page > 1 && (page - 1) * PAGE_ROWS >= lines.len() {
        p.a.refuse("page", sentences::no_page(lines.len(), page));
        page = 1;
    }
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let paging = Paging { page, size: PAGE_ROWS, total: lines.len(), label: words::pages_of_history(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let shown: Vec<_> = lines.into_iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).collect();
    let file =
        |kind: &str| links::href(&format!("/export/model_history.{kind}"), &[("model".to_owned(), name.to_string())]);
    let table = if shown.is_empty() {
        view! { <p class="quiet">{words::nothing_happened(lang)}</p> }.into_any()
    } else {
        past::table(p, &shown, words::history(lang)).into_any()
    };
    let html = view! {
        {moment_form(p, &name, at)}
        {live.map(|(at, standing, records)| view! { {was_live(p, &name, at, standing.as_ref())}{by_records(p, &name, at, &records)} })}
        <section class="card models" aria-labelledby="history">
            <h2 id="history">{words::history(lang)}</h2>
            {table}
            <footer>{pager}
                <a class="tool" href=file("csv") rel="external">"CSV"</a>
                <a class="tool" href=file("json") rel="external">"JSON"</a></footer>
        </section>
    }
    .to_html();
    let title = words::history_of(lang, name.as_str());
    Ok(Drawn { title, crumbs: vec![crumb(a, &name), here(a, words::history(lang).to_owned())], html })
}

/// The form that asks what was live at a moment.
fn moment_form(p: &PageContext<'_>, name: &ModelName, at: Option<Millis>) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let value = at.map(|at| a.fmt.strftime(at, "%Y-%m-%dT%H:%M"));
    view! {
        <form class="filters" method="get" action=addresses::model_history(name.as_str()) aria-label=words::what_was_live(lang)>
            {a.hidden_without(&["at", "page"])}
            <label><span>{words::what_was_live_at(lang, a.fmt.zone_name())}</span><input type="datetime-local" name="at" value=value required=true/></label>
            <button class="button" type="submit">{words::show(lang)}</button>
        </form>
    }
}

fn was_live(p: &PageContext<'_>, name: &ModelName, at: Millis, standing: Option<&Standing>) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let when = a.fmt.strftime(at, "%Y-%m-%d %H:%M %Z");
    let content = match standing {
        None => view! { <p class="quiet">{words::not_known_then(lang)}</p> }.into_any(),
        Some(standing) => {
            let champion = match standing.champion() {
                Some(champion) => {
                    view! { <p class="finding">{version_link(a, name, champion)}" "{words::was_champion(lang)}</p> }
                        .into_any()
                }
                None => view! { <p class="finding">{words::was_without(lang)}</p> }.into_any(),
            };
            let staged = |stage: Stage| {
                let found: Vec<Version> =
                    standing.stages.iter().filter(|(_, s)| **s == stage).map(|(v, _)| *v).collect();
                version_links(a, name, &found)
            };
            let aliases: Vec<_> = standing
                .aliases
                .iter()
                .map(|(alias, version)| view! { <div>{alias_tags([alias])}" "{v(*version)}</div> })
                .collect();
            let aliases = if aliases.is_empty() { NO_VALUE.into_any() } else { aliases.into_any() };
            view! {
                {champion}
                <dl class="facts">
                    <dt>{Stage::Production.as_str()}</dt><dd>{staged(Stage::Production)}</dd>
                    <dt>{Stage::Staging.as_str()}</dt><dd>{staged(Stage::Staging)}</dd>
                    <dt>{words::col_aliases(lang)}</dt><dd>{aliases}</dd>
                </dl>
            }
            .into_any()
        }
    };
    view! {
        <section class="card" aria-labelledby="live">
            <h2 id="live">{words::live_at(lang, when)}</h2>
            {content}
        </section>
    }
}

/// Where versions ran at a moment, by the production records of the day before it.
fn by_records(p: &PageContext<'_>, name: &ModelName, at: Millis, records: &FieldRecords) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let (from, to) = (links::moment(at.plus(-HOUR)), links::moment(at));
    let site = |(scope, n): &(Scope, u64)| {
        let range = [("from", &from), ("to", &to)].map(|(key, at)| (key.to_owned(), at.clone().unwrap_or_default()));
        let href = links::href(&addresses::place_path(scope), &range);
        let name = [&scope.customer, &scope.site].into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
        view! { <li><a href=href><bdi>{name.join(" › ")}</bdi></a>" "<small class="quiet">{words::records(lang, a.fmt.count(*n))}</small></li> }
    };
    let version = |(version, field): (Version, &FieldVersion)| {
        let sites: Vec<_> = field.sites.iter().map(site).collect();
        view! {
            <h3>{version_link(a, name, version)}" "<small class="quiet">{words::n_sites(lang, field.sites.len())}</small></h3>
            <ul class="site-list">{sites}</ul>
        }
    };
    let versions: Vec<_> = records.of_model(name).map(version).collect();
    let none = versions.is_empty().then(|| view! { <p class="quiet">{words::no_records_then(lang)}</p> });
    view! {
        <section class="card" aria-labelledby="by-records">
            <h2 id="by-records">{words::ran_then(lang)}</h2>
            {none}
            {versions}
        </section>
    }
}
