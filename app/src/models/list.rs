//! The list of models: which version is the champion of each, how it does, and what is to be looked after.

use std::collections::BTreeMap;

use domain::{
    Error, Result,
    ports::RegistryKind,
    registry::{CHAMPION, EventAct, LoggedEvent, ModelName, ROLLBACK, RegistryIndex, RegistryModel, Stage, Version},
    scope::{ExperimentKind, clip_text},
};
use leptos::prelude::*;

use super::{
    common::{Drawn, PageContext, disagreement, registry_line, v, version_link, version_links},
    field::{self, FieldRecords},
    past, sentences, words,
};
use crate::{
    panels::{register::RegisterForm, tracking::moment},
    shell::addresses,
    ui::{
        empty::{Empty, EmptyView},
        fmt::{NO_VALUE, capital},
        links,
        pages::{self, Paging},
    },
};

/// So many models are on a page.
const PAGE_ROWS: usize = 50;
/// So many open requests are named above the list.
const REQUESTS: usize = 20;

/// What is looked for by `health=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Health {
    Warning,
    NoChampion,
    NoRecords,
    Requests,
}

impl Health {
    const ALL: [Self; 4] = [Self::Warning, Self::NoChampion, Self::NoRecords, Self::Requests];

    fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::NoChampion => "no_champion",
            Self::NoRecords => "no_records",
            Self::Requests => "requests",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|h| h.as_str() == text);
        found.ok_or_else(|| Error::bad_input(sentences::bad_health(clip_text(text))))
    }
}

/// What is asked for.
struct Wanted {
    text: String,
    stage: Option<Stage>,
    alias: Option<String>,
    health: Option<Health>,
}

/// What is known of all models beside the registry.
struct Known {
    records: FieldRecords,
    last: BTreeMap<ModelName, LoggedEvent>,
    requests: BTreeMap<ModelName, usize>,
}

pub(super) async fn page(p: &mut PageContext<'_>) -> Result<Drawn> {
    let lang = p.lang();
    let a = &mut p.a;
    let wanted = Wanted {
        text: a.looked_for("q"),
        stage: a.understand("stage", Stage::parse),
        alias: a.understand("alias", |text| Ok(text.to_owned())),
        health: a.understand("health", Health::parse),
    };
    let mut page = a.understand("page", pages::read).unwrap_or(1);
    let services = p.services;
    let (index, status) = (services.models.index()?, services.models.status());
    let open = services.models.open_requests(None).await?;
    let mut requests: BTreeMap<ModelName, usize> = BTreeMap::new();
    for kept in &open {
        *requests.entry(kept.request.model.clone()).or_default() += 1;
    }
    let last = services.models.last_changes().await?.into_iter().map(|e| (e.event.model.clone(), e)).collect();
    let records = field::load(services, p.a.now, ExperimentKind::All).await?;
    let known = Known { records, last, requests };
    let found: Vec<_> = index.models().filter(|m| fits(m, &wanted, &known)).collect();
    if page > 1 && (page - 1) * PAGE_ROWS >= found.len() {
        p.a.refuse("page", sentences::no_page(found.len(), page));
        page = 1;
    }
    let p = &*p;
    let a = &p.a;
    let rows: Vec<_> = found.iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).map(|m| row(p, m, &known)).collect();
    let paging = Paging { page, size: PAGE_ROWS, total: found.len(), label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let title = words::title(lang).to_owned();
    let line = view! { {registry_line(&a.fmt, a.now, &status)}{registering(p, &index)} };
    if index.models().len() == 0 {
        let empty = (status.as_of.is_some() || status.kind == RegistryKind::Embedded)
            .then(|| view! { <Empty empty=empty(p, status.kind)/> });
        let html = view! { {line}{empty} }.to_html();
        return Ok(Drawn { title, crumbs: vec![], html });
    }
    let none = rows.is_empty().then(|| view! { <p class="quiet">{words::nothing_fits(lang)}</p> });
    let asked: Vec<_> = open.iter().take(REQUESTS).map(|kept| past::request_line(p, kept)).collect();
    let asked = (!asked.is_empty()).then(|| {
        view! {
            <section class="card" aria-labelledby="open-requests">
                <h2 id="open-requests">{words::open_requests(lang)}</h2>
                <ul class="lines">{asked}</ul>
            </section>
        }
    });
    let mut heads = vec![
        words::col_model(lang),
        words::col_champion(lang),
        words::col_challenger(lang),
        words::col_production(lang),
        words::col_staging(lang),
        words::col_quality(lang),
        words::col_last_change(lang),
        words::col_requests(lang),
    ];
    heads.extend(p.may.then(|| words::col_acts(lang)));
    let head: Vec<_> = heads.into_iter().map(|label| view! { <th scope="col">{label}</th> }).collect();
    let html = view! {
        {line}
        {form(p, &wanted)}
        {asked}
        {none}
        {(!rows.is_empty()).then(|| view! {
            <section class="card models" aria-label=title.clone()>
                <div class="scroll" role="region" tabindex="0" aria-label=title.clone()>
                    <table>
                        <thead><tr>{head}</tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <footer>{pager}<span class="quiet">{words::quality_is(lang, field::DAYS)}</span>
                    <a class="tool" href="/export/model_history.csv" rel="external">{words::log_csv(lang)}</a>
                    <a class="tool" href=a.to(addresses::WEBHOOKS)>{words::webhooks(lang)}</a>
                    <a class="tool" href="/api/models" rel="external">"JSON"</a></footer>
            </section>
        })}
    }
    .to_html();
    Ok(Drawn { title, crumbs: vec![], html })
}

/// The form of a run's page that was refused.
fn registering(p: &PageContext<'_>, index: &RegistryIndex) -> Option<AnyView> {
    if !p.is_refused("register") {
        return None;
    }
    let sent = |name: &str| p.sent(name).unwrap_or_default();
    let field = p.refused.as_ref().and_then(|r| r.error.field.clone());
    let form = RegisterForm {
        lang: p.lang(),
        action: addresses::MODELS,
        run: sent("run"),
        model: sent("model"),
        path: sent("path"),
        description: sent("reason"),
        fault: field.and_then(|field| Some((field.clone(), capital(&p.fault_of(&field)?)))),
    };
    Some(form.draw(index.models().map(|m| m.name.as_str())))
}

/// How the first model is registered.
fn empty(p: &PageContext<'_>, kind: RegistryKind) -> EmptyView {
    let lang = p.lang();
    let (text, commands) = match kind {
        RegistryKind::Mlflow => (
            words::empty_mlflow(lang),
            vec![(
                words::empty_mlflow_how(lang).to_owned(),
                "mlflow.register_model(\"runs:/RUN_ID/model\", \"detector\")".to_owned(),
            )],
        ),
        RegistryKind::Embedded => (
            words::empty_embedded(lang),
            vec![
                (words::empty_cli(lang).to_owned(), "guardianflow models add detector --run RUN_ID".to_owned()),
                (
                    words::empty_post(lang).to_owned(),
                    "POST /api/models/detector/versions {\"run_id\":\"…\",\"path\":\"model\"}".to_owned(),
                ),
            ],
        ),
    };
    EmptyView { title: words::empty_title(lang).into(), text: text.into(), commands, action: None }
}

fn fits(model: &RegistryModel, wanted: &Wanted, known: &Known) -> bool {
    let named = model.name.as_str().to_lowercase().contains(&wanted.text.to_lowercase());
    let staged = wanted.stage.is_none_or(|stage| model.in_stage(stage).next().is_some());
    let aliased = wanted.alias.as_ref().is_none_or(|alias| model.alias(alias).is_some());
    let healthy = wanted.health.is_none_or(|health| match health {
        Health::Warning => model.disagrees(),
        Health::NoChampion => model.champion().is_none(),
        Health::NoRecords => {
            model.champion().is_some_and(|champion| known.records.version(&model.name, champion).is_none())
        }
        Health::Requests => known.requests.contains_key(&model.name),
    });
    named && staged && aliased && healthy
}

fn form(p: &PageContext<'_>, wanted: &Wanted) -> impl IntoView + use<> {
    let lang = p.lang();
    let option = |value: &'static str, label: &str, chosen: bool| {
        view! { <option value=value selected=chosen>{label.to_owned()}</option> }
    };
    let stages = Stage::ALL.map(|stage| option(stage.as_str(), stage.as_str(), wanted.stage == Some(stage)));
    let health = Health::ALL.map(|health| {
        let label = match health {
            Health::Warning => words::health_warning(lang),
            Health::NoChampion => words::health_no_champion(lang),
            Health::NoRecords => words::health_no_records(lang),
            Health::Requests => words::health_requests(lang),
        };
        option(health.as_str(), label, wanted.health == Some(health))
    });
    view! {
        <form class="filters" method="get" action=addresses::MODELS aria-label=words::filter(lang)>
            {p.a.hidden_without(&["q", "stage", "alias", "health", "page"])}
            <label><span>{words::find(lang)}</span><input type="search" name="q" value=wanted.text.clone() autocomplete="off" spellcheck="false"/></label>
            <label><span>{words::with_stage(lang)}</span><select name="stage" data-go="">{option("", words::any(lang), false)}{stages.collect_view()}</select></label>
            <label><span>{words::with_alias(lang)}</span><input name="alias" value=wanted.alias.clone().unwrap_or_default() placeholder=CHAMPION autocomplete="off" spellcheck="false"/></label>
            <label><span>{words::with_health(lang)}</span><select name="health" data-go="">{option("", words::any(lang), false)}{health.collect_view()}</select></label>
            <button class="button" type="submit">{words::apply(lang)}</button>
        </form>
    }
}

fn row(p: &PageContext<'_>, model: &RegistryModel, known: &Known) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let link = |version: Option<Version>| match version {
        Some(version) => version_link(a, &model.name, version),
        None => NO_VALUE.into_any(),
    };
    let staged = |stage: Stage| version_links(a, &model.name, &model.in_stage(stage).take(3).collect::<Vec<_>>());
    let warning = disagreement(lang, model).map(
        |text| view! { <small class="warns"><span class="mark late" aria-hidden="true">"▲ "</span>{text}</small> },
    );
    let champion = model.champion();
    let quality = match champion {
        Some(champion) => field::cell(&a.fmt, known.records.version(&model.name, champion)),
        None => NO_VALUE.into_any(),
    };
    // When a model was seen first says nothing of when it changed.
    let last = known.last.get(&model.name).filter(|e| e.event.act != EventAct::FirstSeen);
    let last = match last {
        Some(event) => {
            let who = past::who(lang, &event.event.actor);
            view! { {moment(&a.fmt, Some(event.event.at), a.now)}<small class="quiet">{who}</small> }.into_any()
        }
        None => NO_VALUE.into_any(),
    };
    let open = known.requests.get(&model.name).map_or_else(|| NO_VALUE.to_owned(), |n| a.fmt.count(*n as u64));
    view! {
        <tr>
            <th scope="row"><a href=a.to(&addresses::model(model.name.as_str()))><bdi>{model.name.to_string()}</bdi></a>{warning}</th>
            <td>{link(champion)}</td>
            <td>{link(model.challenger())}</td>
            <td>{staged(Stage::Production)}</td>
            <td>{staged(Stage::Staging)}</td>
            <td>{quality}</td>
            <td>{last}</td>
            <td>{open}</td>
            {p.may.then(|| view! { <td class="acts-of">{acts(p, model)}</td> })}
        </tr>
    }
}

/// Where the challenger is promoted, and where the champion is rolled back.
fn acts(p: &PageContext<'_>, model: &RegistryModel) -> impl IntoView + use<> {
    let (a, lang, name) = (&p.a, p.lang(), model.name.as_str());
    let act = |href: String, label: String| {
        let named = format!("{label} {name}");
        view! { <a class="act" href=href aria-label=named>{label}</a> }
    };
    let challenger = model.challenger().filter(|c| model.champion() != Some(*c));
    let promote = challenger.map(|challenger| {
        let pairs = [("version".to_owned(), challenger.to_string()), ("to".to_owned(), "production".to_owned())];
        act(links::href(&addresses::model_promote(name), &pairs), words::promote_v(lang, v(challenger)))
    });
    let back = model.alias(ROLLBACK).filter(|_| model.champion().is_some());
    let back = back.map(|to| act(a.to(&addresses::model_rollback(name)), words::roll_back_to(lang, v(to))));
    view! { {promote}{back} }
}
