//! The verdict on the first challenger beside the baseline: the sentence, the numbers that it is made of, and what is to be known of them.

use domain::{
    Error, ErrorKind, Result,
    compare::ComparedModel,
    evidence::{Design, RegisteredBy, SiteRow},
    metric::Metric,
    model::ModelKey,
    params::QueryParams,
    scope::Scope,
};
use leptos::prelude::*;
use usecases::evidence::{EvidenceAnswer, EvidenceQuestion};

use super::words;
use crate::{
    i18n::Lang,
    panels::verdict::{self, VerdictTable},
    shell::{addresses, context::Services, page_query::PageQuery},
    ui::links,
};

/// So many sites that got worse are named.
const WORSE: usize = 5;

/// The card of a verdict, as HTML; `None` where no challenger is chosen.
///
/// # Errors
/// Faults of ours. What is wrong with the question, or cannot be read just now, is said in the card.
pub(super) async fn card(
    services: &Services,
    a: &PageQuery,
    compared_models: &[ComparedModel],
    metric: &Metric,
) -> Result<Option<String>> {
    let Some(([base, first], others)) = compared_models.split_first_chunk::<2>() else { return Ok(None) };
    // Opening the page registers nothing about a model that was replaced; naming it does.
    let named = a.q.models.contains(&first.model) || a.q.baseline.is_some();
    if !named && first.last.plus(domain::time::DAY) < base.last {
        return Ok(None);
    }
    // A range that nobody named is that of the page, not of a question.
    let shown = a.params.from.is_some() || a.params.to.is_some() || a.params.days.is_some();
    let question = EvidenceQuestion {
        champion: base.model.clone(),
        challenger: first.model.clone(),
        scope: a.q.scope.clone(),
        metric: Some(metric.key.to_string()),
        design: None,
        shown: shown.then_some(a.q.range),
    };
    let others: Vec<&ModelKey> = others.iter().map(|c| &c.model).collect();
    match services.evidence.judge(&question).await {
        Ok(answer) => Ok(Some(of(a, &answer, &others, shown))),
        // Where registrations cannot be read just now the rest of the page stays.
        Err(e) if e.kind != ErrorKind::Internal => Ok(Some(without(a.fmt.lang, &e))),
        Err(e) => Err(e),
    }
}

/// Why there is none.
fn without(lang: Lang, e: &Error) -> String {
    let why = lang.reason(&e.message).to_owned();
    view! {
        <section class="card verdict" aria-labelledby="verdict">
            <h2 id="verdict">{words::verdict_none(lang)}</h2>
            <p class="quiet"><bdi>{why}</bdi></p>
        </section>
    }
    .to_html()
}

fn of(a: &PageQuery, answer: &EvidenceAnswer, others: &[&ModelKey], shown: bool) -> String {
    let lang = a.fmt.lang;
    let j = &answer.judgement;
    let provisional = j.provisional.then(|| {
        let left = words::days_left(lang, answer.days_left);
        view! { <span class="tag">{words::provisional(lang)}" · "{left}</span> }
    });
    let sites: &[SiteRow] = if j.sites.is_empty() { &j.worse_sites } else { &j.sites };
    let sites = (!sites.is_empty()).then(|| {
        let head = if j.sites.is_empty() {
            words::worse_sites(lang, sites.len())
        } else {
            words::site_by_site(lang).to_owned()
        };
        let metric = a.metric(&j.primary);
        let rows: Vec<_> = sites
            .iter()
            .take(if j.sites.is_empty() { WORSE } else { sites.len() })
            .map(|s| {
                let customer = Scope { customer: Some(s.customer.clone()), ..Scope::default() };
                let scope = Scope { site: s.site.clone(), ..customer };
                let href = addresses::with_scope("/compare", &scope, &a.params);
                let size = a.fmt.signed(s.difference, &metric);
                view! { <li><a href=href><bdi>{a.name_of(&scope)}</bdi></a>" "{size}</li> }
            })
            .collect();
        view! { <div class="sites"><h3>{head}</h3><ul>{rows}</ul></div> }
    });
    let notes: Vec<_> = j.notes.iter().map(|n| view! { <li><bdi>{lang.reason(n).to_owned()}</bdi></li> }).collect();
    let others: Vec<_> = others
        .iter()
        .map(|m| {
            let (baseline, key) = (answer.registration.champion.key(), m.key());
            let params = QueryParams { baseline: Some(baseline), models: Some(key), ..a.params.clone() };
            let href = links::href("/compare", &links::pairs(&params, &["page", links::METRICS_PAGE, "sort"]));
            view! { " "<a href=href><bdi>{m.to_string()}</bdi></a> }
        })
        .collect();
    let others = (!others.is_empty()).then(|| view! { <p class="quiet">{words::other_verdicts(lang)}{others}</p> });
    let sentence = lang.reason(&j.sentence).to_owned();
    let table = VerdictTable { fmt: &a.fmt, directory: &a.directory, judgement: j, statistics: addresses::STATISTICS };
    view! {
        <section class="card verdict" aria-labelledby="verdict">
            <p class="verdict-head">{verdict::badge(lang, j.verdict)}" "{provisional}</p>
            <h2 id="verdict"><bdi>{sentence}</bdi></h2>
            {verdict::table(table)}
            <p class="quiet">{period(a, answer, shown)}</p>
            {sites}
            <details>
                <summary>{words::verdict_notes(lang, j.notes.len())}</summary>
                <ul class="notes-list">{notes}</ul>
            </details>
            {others}
            <footer>
                <a class="tool" href=format!("{}#verdict", addresses::STATISTICS)>{words::verdict_how(lang)}</a>
                <a class="tool" href=registered(a, answer)>{words::registered(lang)}</a>
                <a class="tool" href=addresses::plan(&a.q.scope, Some(&answer.registration.champion), Some(&answer.registration.primary))>{words::plan(lang)}</a>
            </footer>
        </section>
    }
    .to_html()
}

/// What the verdict is about, who registered it, and how often somebody looked.
fn period(a: &PageQuery, answer: &EvidenceAnswer, shown: bool) -> String {
    let lang = a.fmt.lang;
    let r = &answer.registration;
    let [start, horizon] = [r.start, r.horizon].map(|at| a.fmt.moment(at, a.q.now));
    let mut text = match &r.registered_by {
        RegisteredBy::FirstLook => words::period_first_look(lang, &start, &horizon),
        RegisteredBy::Actor(name) => words::period_registered(lang, &start, &horizon, name),
    };
    text = format!("{text} {}", words::looks(lang, answer.judgement.looks));
    if shown {
        let [from, to] = [a.q.range.from(), a.q.range.to()].map(|at| a.fmt.moment(at, a.q.now));
        text = format!("{text} {}", words::shown_range(lang, from, to));
    }
    let design = match answer.judgement.design {
        Design::Concurrent => words::design_concurrent(lang),
        Design::BeforeAfter => words::design_before_after(lang),
        Design::DifferenceInDifferences => words::design_did(lang),
    };
    format!("{design} {text}")
}

/// The list of registered comparisons, with what would be registered in the place of this one.
fn registered(a: &PageQuery, answer: &EvidenceAnswer) -> String {
    let r = &answer.registration;
    let mut pairs = vec![
        ("champion".to_owned(), r.champion.key()),
        ("challenger".to_owned(), r.challenger.key()),
        ("metric".to_owned(), r.primary.clone()),
    ];
    pairs.extend(place_pairs(a));
    pairs.extend(answer.kept.as_ref().map(|k| ("supersedes".to_owned(), k.id.0.to_string())));
    links::href(addresses::REGISTERED, &pairs)
}

/// Place, task and device of the page.
fn place_pairs(a: &PageQuery) -> Vec<(String, String)> {
    let kept = ["customer", "site", "zone", "task", "device", "tz"];
    kept.iter().filter_map(|key| Some(((*key).to_owned(), a.params.get(key)?.to_owned()))).collect()
}
