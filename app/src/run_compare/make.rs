//! Makes the page of a comparison of runs.

use domain::{ErrorKind, Result, tracking::RunId};
use leptos::prelude::*;
use usecases::tracking::{RunComparison, RunComparisonQuery};

use super::{
    asked::{Asked, KEYS, LISTS},
    curves, parallel, relations, table, words,
};
use crate::{
    panels::tracking::{self, run_name},
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::empty::Empty,
};

/// The page at an address.
///
/// # Errors
/// Unknown keys, those that are given twice, and runs that there are not. What else cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &LISTS)?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let mut asked = Asked::read(&mut a);
    leave_out_gone(services, &mut a, &mut asked);
    let title = words::title(lang).to_owned();
    let mut crumbs =
        vec![Crumb { label: words::experiments(lang).into(), href: a.to(addresses::EXPERIMENTS), ..Crumb::default() }];
    let html = if services.runs.status()?.is_none() {
        view! { <Empty empty=tracking::no_source(lang)/> }.to_html()
    } else if asked.runs.len() < 2 {
        few(&a, &asked)
    } else {
        let c = compared(services, &mut a, &asked)?;
        // One experiment is a place to go back to.
        if let [first, rest @ ..] = &c.experiments[..]
            && rest.iter().all(|e| e.id == first.id)
        {
            let href = a.to(&addresses::experiment(&first.id));
            crumbs.push(Crumb {
                label: first.name.to_string(),
                href,
                what: words::what_experiment(lang).into(),
                siblings: vec![],
            });
        }
        content(services, &a, &asked, &c)?
    };
    crumbs.push(Crumb { label: title.clone(), href: a.with(&[]), ..Crumb::default() });
    let head = a.head(services, crumbs, title, addresses::run_events(), generation);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

/// Runs that are gone are said and left out where at least two others are there: a link is older than what it names.
fn leave_out_gone(services: &Services, a: &mut PlainQuery, asked: &mut Asked) {
    let (mut there, mut gone) = (vec![], vec![]);
    for id in &asked.runs {
        if services.runs.known(id).is_some() {
            there.push(id.clone());
            continue;
        }
        // The beginning of an id, or none.
        match services.runs.run(id) {
            Err(e) if e.kind == ErrorKind::NotFound => gone.push(e.message),
            _ => there.push(id.clone()),
        }
    }
    if there.len() < 2 || gone.is_empty() {
        return;
    }
    gone.into_iter().for_each(|why| a.mistake(why));
    a.put("ids", there.join(","));
    asked.runs = there;
}

/// The comparison; a baseline or a metric that does not fit is said, and left out.
fn compared(services: &Services, a: &mut PlainQuery, asked: &Asked) -> Result<RunComparison> {
    let whole = RunComparisonQuery {
        runs: asked.runs.clone(),
        baseline: asked.baseline.clone(),
        sort: asked.sort.clone(),
        metric: asked.metric.clone(),
    };
    let plain = RunComparisonQuery { baseline: None, metric: None, ..whole.clone() };
    match services.runs.compare(&whole) {
        Err(e) if asked.baseline.is_some() || asked.metric.is_some() => {
            // Without them it may work: then they were at fault, one or both.
            services.runs.compare(&plain).map_err(|_| e)?;
            let mut query = plain;
            for key in ["baseline", "metric"] {
                let with = match key {
                    "baseline" => RunComparisonQuery { baseline: asked.baseline.clone(), ..query.clone() },
                    _ => RunComparisonQuery { metric: asked.metric.clone(), ..query.clone() },
                };
                match services.runs.compare(&with) {
                    Ok(_) => query = with,
                    Err(e) => a.refuse(key, e.message),
                }
            }
            services.runs.compare(&query)
        }
        answer => answer,
    }
}

/// What to do where fewer than two runs are named.
fn few(a: &PlainQuery, asked: &Asked) -> String {
    let lang = a.fmt.lang;
    let one = asked.runs.first().and_then(|id| RunId::parse(id).ok());
    let one = one.map(|id| view! { " "<a href=a.to(&addresses::run(&id))>{words::the_one(lang)}</a> });
    view! {
        {tracking::mistakes(lang, a.mistakes())}
        <section class="card">
            <h2>{words::few_title(lang)}</h2>
            <p>{words::few_text(lang)}</p>
            <p><a class="button" href=a.to(addresses::ALL_RUNS)>{words::few_go(lang)}</a>{one}</p>
        </section>
    }
    .to_html()
}

fn content(services: &Services, a: &PlainQuery, asked: &Asked, c: &RunComparison) -> Result<String> {
    let lang = a.fmt.lang;
    let banners = tracking::banners(&a.fmt, a.now, &c.status);
    let base = run_name(&c.runs[c.baseline]);
    let others = c.runs.len().saturating_sub(1);
    let places: std::collections::HashSet<_> = c.experiments.iter().map(|e| &e.id).collect();
    let lead = match places.len() {
        0 | 1 => words::lead(lang, others, &base),
        n => words::lead_of(lang, others, &base, n),
    };
    let numeric = relations::numeric(a, c);
    let images = addresses::run_images(c.runs.iter().map(|r| &r.id));
    Ok(view! {
        <p class="lead"><bdi>{lead}</bdi>" "<span class="quiet">{tracking::source_line(&a.fmt, a.now, &c.status)}</span></p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        <p class="quiet">{words::weaker(lang)}" "<a href=format!("{}#verdict", a.to(addresses::STATISTICS))>{words::weaker_how(lang)}</a></p>
        {table::controls(a, asked, c)}
        {table::table(a, asked, c, &images)}
        {curves::section(services, a, asked, c)?}
        {parallel::section(a, asked, c, &numeric)}
        {relations::section(a, asked, c, &numeric)}
    }
    .to_html())
}
