//! One model: its champion and how it does, its versions, what is asked for, and what happened last.

use domain::{
    Result,
    registry::{ROLLBACK, RegistryModel},
    scope::ExperimentKind,
    tracking::Lifecycle,
};
use leptos::prelude::*;
use usecases::models::ModelPast;

use super::{
    common::{Drawn, PageContext, crumb, disagreement, hidden, registry_line, text_area, v, version_link, warning},
    field::{self, FieldRecords},
    past, result, versions, words,
};
use crate::{
    shell::addresses,
    ui::{fmt::capital, links},
};

/// So many lines of the history are shown.
const LINES: usize = 10;

pub(super) async fn page(p: &mut PageContext<'_>, name: &str) -> Result<Drawn> {
    let services = p.services;
    let model = services.models.model(name)?;
    let done = result::banner(p, &model).await?;
    let known = services.models.past(&model.name).await?;
    let open = services.models.open_requests(Some(&model.name)).await?;
    let records = field::load(services, p.a.now, ExperimentKind::All).await?;
    let warnings = warnings(p, &model, &known).await?;
    let table = versions::section(p, &model, &records);
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let asked: Vec<_> = open.iter().map(|kept| past::request_line(p, kept)).collect();
    let asked = (!asked.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="open-requests">
                <h2 id="open-requests">{words::open_requests(lang)}</h2>
                <ul class="lines">{asked}</ul>
            </section>
        }
    });
    let mut lines = past::lines(&known.events);
    let total = lines.len();
    lines.truncate(LINES);
    let status = services.models.status();
    let description = (!model.description.is_empty())
        .then(|| view! { <p class="described"><bdi>{model.description.clone()}</bdi></p> });
    let html = view! {
        {registry_line(&a.fmt, a.now, &status)}
        {done}
        {warnings.into_iter().map(warning).collect_view()}
        {repair(p, &model)}
        {head(p, &model, &known, &records)}
        {description}
        {asked}
        {table}
        {versions::chart(p, &model, &records)}
        {p.may.then(|| challenger(p, &model))}
        <section class="card models" aria-labelledby="history">
            <h2 id="history">{words::history(lang)}</h2>
            {past::table(p, &lines, words::history(lang))}
            <footer><a href=a.to(&addresses::model_history(model.name.as_str()))>{words::all_history(lang, total)}</a></footer>
        </section>
    }
    .to_html();
    Ok(Drawn { title: model.name.to_string(), crumbs: vec![crumb(a, &model.name)], html })
}

/// What should be looked after before somebody needs it.
async fn warnings(p: &PageContext<'_>, model: &RegistryModel, known: &ModelPast) -> Result<Vec<String>> {
    let lang = p.lang();
    let mut found = vec![];
    let target = known.rollback.map(|t| t.version);
    let looked = [(model.champion(), words::the_champion(lang)), (target, words::the_rollback(lang))];
    let looked: Vec<_> = looked.into_iter().filter_map(|(version, what)| Some((version?, what))).collect();
    let files = looked.iter().map(|(version, _)| p.services.models.missing_files(&model.name, *version));
    for ((version, what), missing) in looked.iter().copied().zip(futures::future::join_all(files).await) {
        let run = model.version(version).and_then(|m| p.services.runs.known(m.run.as_deref()?));
        if run.is_some_and(|run| run.lifecycle == Lifecycle::Deleted) {
            found.push(words::run_is_deleted(lang, v(version), what));
        }
        if let Some(why) = missing? {
            found.push(words::files_are_gone(lang, v(version), what, &why));
        }
    }
    Ok(found)
}

/// Says that champion and Production disagree, and brings them together.
fn repair(p: &PageContext<'_>, model: &RegistryModel) -> Option<AnyView> {
    let lang = p.lang();
    let (text, champion) = (disagreement(lang, model)?, model.champion()?);
    let form = p.may.then(|| {
        let usual = words::repair_reason(lang, v(champion));
        let fields = hidden(&[
            ("act", "repair".to_owned()),
            ("model", model.name.to_string()),
            ("expected", champion.to_string()),
        ]);
        view! {
            <form method="post" action=p.own_address()>
                {fields}
                {text_area(p, "repair", words::reason(lang), words::reason_help(lang), &usual, true)}
                <div class="acts"><button class="button">{words::repair_button(lang, v(champion))}</button></div>
            </form>
        }
    });
    Some(
        view! {
            <section class="card warned" aria-labelledby="disagreement">
                <h2 id="disagreement"><span class="mark late" aria-hidden="true">"▲ "</span>{text}</h2>
                <p class="quiet">{words::disagrees_why(lang)}</p>
                {form}
            </section>
        }
        .into_any(),
    )
}

/// The champion, since when, how it does, and what can be done.
fn head(
    p: &PageContext<'_>,
    model: &RegistryModel,
    known: &ModelPast,
    records: &FieldRecords,
) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let champion = match model.champion() {
        None => view! { <p class="finding">{words::without_champion(lang)}</p> }.into_any(),
        Some(champion) => {
            let since = known.periods.last().filter(|live| live.version == champion && live.to.is_none()).map(|live| {
                let at = a.fmt.moment(live.from, a.now);
                if live.since_before { words::champion_since_before(lang, at) } else { words::champion_since(lang, at) }
            });
            let version = records.version(&model.name, champion);
            let sites = version.map(|f| super::common::site_list(p, &f.sites, 6));
            view! {
                <p class="finding">{version_link(a, &model.name, champion)}" "{words::is_champion(lang)}</p>
                <p class="quiet">{since}</p>
                <p class="quality">{field::cell(&a.fmt, version)}</p>
                {sites}
            }
            .into_any()
        }
    };
    let others =
        [(words::col_challenger(lang), model.challenger()), (words::row_rollback(lang), model.alias(ROLLBACK))];
    let others = others.into_iter().filter_map(|(what, version)| {
        let link = version_link(a, &model.name, version?);
        Some(view! { <dt>{what}</dt><dd>{link}</dd> })
    });
    let others: Vec<_> = others.collect();
    let name = model.name.as_str();
    let acts = p.may.then(|| {
        let back = known.rollback.map(|target| {
            let href = a.to(&addresses::model_rollback(name));
            view! { <a class="button" href=href>{words::roll_back_to(lang, v(target.version))}</a> }
        });
        // The newest one is as often the one that was just left: of others their rows lead on.
        let first = model.versions.keys().next_back().copied().filter(|_| model.champion().is_none());
        let next = model.challenger().or(first);
        let promote = next.map(|next| {
            let pairs = [("version".to_owned(), next.to_string()), ("to".to_owned(), "production".to_owned())];
            let href = links::href(&addresses::model_promote(name), &pairs);
            view! { <a class="button primary" href=href>{words::promote_v(lang, v(next))}</a> }
        });
        view! { <div class="acts">{promote}{back}</div> }
    });
    view! {
        <section class="card model-head" aria-label=words::the_champion(lang)>
            <div>{champion}</div>
            {(!others.is_empty()).then(|| view! { <dl class="facts">{others}</dl> })}
            {acts}
        </section>
    }
}

/// The form that names the version that is to become the champion.
fn challenger(p: &PageContext<'_>, model: &RegistryModel) -> Option<AnyView> {
    let lang = p.lang();
    let chosen = p.sent("version").or_else(|| p.a.get("version").map(str::to_owned));
    let could = model.versions.keys().rev().copied().filter(|version| Some(*version) != model.champion());
    let options: Vec<_> = could
        .take(versions::PAGE_ROWS)
        .map(|version| {
            let value = version.to_string();
            let selected = chosen.as_deref() == Some(&*value);
            view! { <option value=value selected=selected>{v(version)}</option> }
        })
        .collect();
    if options.is_empty() {
        return None;
    }
    let fault = p.fault_of("version").filter(|_| p.is_refused("challenger"));
    let open = p.is_refused("challenger") || p.a.get("version").is_some();
    let fields = hidden(&[("act", "challenger".to_owned()), ("model", model.name.to_string())]);
    Some(
        view! {
            <section class="card registering" aria-labelledby="challenger">
                <h2 id="challenger">{words::make_challenger(lang)}</h2>
                <p class="quiet">{words::challenger_help(lang)}</p>
                <details open=open>
                    <summary>{words::challenger_choose(lang)}</summary>
                    <form method="post" action=p.own_address()>
                        {fields}
                        <div class="fields">
                            <div class="field">
                                <label for="challenger-version">{words::col_version(lang)}</label>
                                <select id="challenger-version" name="version">{options}</select>
                                {fault.map(|why| view! { <p class="fault" role="alert">{capital(&why)}</p> })}
                            </div>
                            {text_area(p, "challenger", words::reason(lang), words::reason_help(lang), "", true)}
                        </div>
                        <div class="acts"><button class="button">{words::make_challenger(lang)}</button></div>
                    </form>
                </details>
            </section>
        }
        .into_any(),
    )
}
