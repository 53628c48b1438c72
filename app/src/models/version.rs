//! One version of a model: where it came from, its files, where it runs, and what happened to it.

use std::collections::BTreeSet;

use domain::{
    Result,
    model::{ModelKey, ModelLink},
    query::{ComparisonQuery, MetricSelection},
    registry::{LoggedEvent, ModelVersion, RegistryEvent, RegistryModel, Standing, Version},
    scope::{ExperimentKind, Scope},
    tracking::ArtifactPath,
};
use leptos::prelude::*;

use super::{
    common::{Drawn, PageContext, alias_tags, crumb, here, registry_line, site_list, stage_mark, status_tag, v},
    field, past,
    versions::{of_run, run_link},
    words,
};
use crate::{
    panels::tracking::moment,
    shell::{
        addresses,
        artifacts::{self, FileSource},
    },
    ui::{fmt::NO_VALUE, links},
};

pub(super) async fn page(p: &mut PageContext<'_>, name: &str, version: &str) -> Result<Drawn> {
    let services = p.services;
    let (model, version) = services.models.version(name, version)?;
    let folder = p.a.understand("folder", ArtifactPath::parse).unwrap_or_default();
    let file = p.a.understand("file", ArtifactPath::parse);
    let known = services.models.past(&model.name).await?;
    let records = field::load(services, p.a.now, ExperimentKind::All).await?;
    let told_by = links_of(p, &model, &version).await?;
    let number = version.version.to_string();
    let source = FileSource::Version(&services.models, model.name.as_str(), &number);
    let files = artifacts::section(&p.a, &source, &folder, file.as_ref()).await;
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let of_version: Vec<LoggedEvent> =
        known.events.iter().filter(|e| is_about(&e.event, version.version)).cloned().collect();
    let lines = past::lines(&of_version);
    let happened = match lines.is_empty() {
        true => view! { <p class="quiet">{words::no_history(lang)}</p> }.into_any(),
        false => past::table(p, &lines, words::history_of_version(lang)).into_any(),
    };
    let live = records.version(&model.name, version.version);
    let sites = match live {
        None => view! { <p class="quiet">{words::not_seen(lang, field::DAYS)}</p> }.into_any(),
        Some(seen) => view! {
            <p>{words::seen_at(lang, seen.sites.len(), a.fmt.count(seen.n))}" "<span class="quiet">{told_by}</span></p>
            {site_list(p, &seen.sites, 60)}
        }
        .into_any(),
    };
    let done = (a.get("done") == Some("registered")).then(|| {
        view! { <p class="banner done" role="status"><span class="mark ok" aria-hidden="true">"✓ "</span>{words::is_registered(lang, model.name.as_str(), v(version.version))}</p> }
    });
    let key = ModelKey::Registered(model.name.version(version.version));
    // A comparison of versions without records would be none.
    let compared = model.champion().filter(|c| *c != version.version && live.is_some());
    let compared = compared.filter(|champion| records.version(&model.name, *champion).is_some());
    let compare = compared.map(|champion| {
        let champion = ModelKey::Registered(model.name.version(champion));
        view! { <a class="tool" href=addresses::model_comparison(&champion, &key)>{words::compare_with_champion(lang)}</a> }
    });
    let promote = (p.may && model.champion() != Some(version.version)).then(|| {
        let pairs = [("version".to_owned(), version.version.to_string()), ("to".to_owned(), "production".to_owned())];
        let href = links::href(&addresses::model_promote(model.name.as_str()), &pairs);
        view! { <div class="acts"><a class="button primary" href=href>{words::promote_v(lang, v(version.version))}</a></div> }
    });
    let description = (!version.description.is_empty())
        .then(|| view! { <p class="described"><bdi>{version.description.clone()}</bdi></p> });
    let html = view! {
        {registry_line(&a.fmt, a.now, &services.models.status())}
        {done}
        <section class="card">
            <h2>{words::about_version(lang)}</h2>
            {description}
            {facts(p, &model, &version, &records)}
            {promote}
            <footer>{compare}</footer>
        </section>
        <section class="card" aria-labelledby="live">
            <h2 id="live">{words::live_by_records(lang)}</h2>
            {sites}
        </section>
        {tags(p, &version)}
        {files}
        <section class="card models" aria-labelledby="history">
            <h2 id="history">{words::history_of_version(lang)}</h2>
            {happened}
            <footer><a href=a.to(&addresses::model_history(model.name.as_str()))>{words::whole_history(lang)}</a></footer>
        </section>
    }
    .to_html();
    let title = format!("{} {}", model.name, v(version.version));
    let crumbs = vec![crumb(a, &model.name), here(a, v(version.version))];
    Ok(Drawn { title, crumbs, html })
}

/// By which links records of the version are known as such.
async fn links_of(p: &PageContext<'_>, model: &RegistryModel, version: &ModelVersion) -> Result<String> {
    let lang = p.lang();
    let query = ComparisonQuery {
        scope: Scope { kind: ExperimentKind::All, ..Scope::default() },
        range: field::range(p.a.now)?,
        metrics: MetricSelection::none(),
    };
    let key = ModelKey::Registered(model.name.version(version.version));
    // What cannot be read just now is not told; where it runs is said anyway.
    let Ok(comparison) = p.services.metrics.comparison(&query).await else { return Ok(String::new()) };
    let links: BTreeSet<ModelLink> = comparison
        .models
        .iter()
        .filter(|m| m.key().as_ref() == Some(&key))
        .flat_map(|m| m.links.iter().copied())
        .collect();
    let told = links.into_iter().map(|link| match link {
        ModelLink::Record => words::link_record(lang),
        ModelLink::Run => words::link_run(lang),
        ModelLink::Tags => words::link_tags(lang),
        ModelLink::Architecture => words::link_architecture(lang),
    });
    Ok(told.collect::<Vec<_>>().join(" "))
}

fn facts(
    p: &PageContext<'_>,
    model: &RegistryModel,
    version: &ModelVersion,
    records: &field::FieldRecords,
) -> impl IntoView + use<> {
    let (a, lang, n) = (&p.a, p.lang(), version.version);
    let by = if version.created_by.is_empty() { NO_VALUE.to_owned() } else { version.created_by.clone() };
    let aliases: Vec<_> = model.aliases_of(n).collect();
    let aliases = if aliases.is_empty() { NO_VALUE.into_any() } else { alias_tags(aliases) };
    let status = view! { {stage_mark(lang, version.stage)}{status_tag(lang, version.status)} };
    let facts: Vec<(&'static str, AnyView)> = vec![
        (words::col_stage(lang), status.into_any()),
        (words::col_aliases(lang), aliases),
        (words::col_run(lang), run_link(p, version)),
        (words::source(lang), view! { <code>{version.source.clone()}</code> }.into_any()),
        (words::col_of_run(lang), of_run(p, version, records.metric(&model.name))),
        (words::col_of_fleet(lang), field::cell(&a.fmt, records.version(&model.name, n))),
        (words::col_created(lang), moment(&a.fmt, Some(version.created), a.now).into_any()),
        (words::col_by(lang), view! { <bdi>{by}</bdi> }.into_any()),
    ];
    let message = (!version.status_message.is_empty())
        .then(|| view! { <p class="quiet"><bdi>{version.status_message.clone()}</bdi></p> });
    view! {
        <dl class="facts">{facts.into_iter().map(|(what, value)| view! { <dt>{what}</dt><dd>{value}</dd> }).collect_view()}</dl>
        {message}
    }
}

fn tags(p: &PageContext<'_>, version: &ModelVersion) -> Option<impl IntoView + use<>> {
    let lang = p.lang();
    let rows: Vec<_> = version
        .tags
        .iter()
        .map(|(key, value)| view! { <tr><th scope="row"><bdi>{key.clone()}</bdi></th><td><bdi>{value.clone()}</bdi></td></tr> })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="card pairs-of">
                <h2>{words::tags(lang)}</h2>
                <div class="scroll" role="region" tabindex="0" aria-label=words::tags(lang)>
                    <table>
                        <thead><tr><th scope="col">{words::col_key(lang)}</th><th scope="col">{words::col_value(lang)}</th></tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </section>
        }
    })
}

/// Whether an event is about a version, or made another one champion in its place.
fn is_about(event: &RegistryEvent, version: Version) -> bool {
    let champion = |standing: &Option<Standing>| standing.as_ref().and_then(Standing::champion) == Some(version);
    event.version == Some(version) || champion(&event.before) != champion(&event.after)
}
