//! What happened to a model, and what was live at a moment.

use domain::{
    Result,
    registry::{ModelName, Stage, Standing, Version},
    time::{Millis, parse_moment},
};
use leptos::prelude::*;

use super::{
    common::{Drawn, PageContext, alias_tags, crumb, here, v, version_link, version_links},
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
        Some(at) => Some((at, services.models.standing_at(&name, at).await?)),
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
        {live.map(|(at, standing)| was_live(p, &name, at, standing.as_ref()))}
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
