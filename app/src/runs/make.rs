//! Makes the page of the runs of an experiment, or of all.

use domain::{
    Result,
    tracking::{Column, ExperimentId, Lifecycle, Reading},
};
use leptos::prelude::*;
use usecases::tracking::{RunsAnswer, RunsQuery};

use super::{
    asked::{Asked, KEYS, LISTS},
    controls, groups, sentences, table, words,
};
use crate::{
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{empty::Empty, menu::Link},
};

/// What stands in the path in place of an id for the runs of all experiments.
const ALL: &str = "all";
/// So many runs of groups are asked for their histories at once.
const QUEUED: usize = 1_000;
/// So many experiments are offered beside this one.
const SIBLINGS: usize = 40;

/// The page at an address.
///
/// # Errors
/// An experiment that there is not; unknown keys, and those that are given twice. What of them cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &LISTS)?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let mut asked = Asked::read(&mut a);
    let id = a.behind("/experiments/")?;
    let named = if id == ALL { vec![] } else { vec![ExperimentId::parse(&id)?.to_string()] };
    let title = |answer: &RunsAnswer| match (&answer.experiments[..], named.is_empty()) {
        ([experiment], false) => experiment.name.to_string(),
        _ => words::all_runs(lang).to_owned(),
    };
    if services.runs.status()?.is_none() {
        let crumb =
            Crumb { label: words::experiments(lang).into(), href: a.to(addresses::EXPERIMENTS), ..Crumb::default() };
        let html = view! { <Empty empty=tracking::no_source(lang)/> }.to_html();
        let title = words::experiments(lang).to_owned();
        let head = a.head(services, vec![crumb], title, addresses::run_events(), generation);
        return Ok(DrawnView::new(head, words::about(lang), &html));
    }
    let mut query = RunsQuery {
        experiments: named.clone(),
        filter: asked.whole_filter(),
        sort: asked.sort.clone(),
        skip: (asked.page - 1) * asked.rows,
        limit: asked.rows,
        facets: true,
        ..RunsQuery::default()
    };
    let mut answer = services.runs.search(&query)?;
    if asked.page > 1 && query.skip >= answer.total {
        a.refuse("page", sentences::no_page(answer.total, asked.page));
        (asked.page, query.skip) = (1, 0);
        answer = services.runs.search(&query)?;
    }
    let shown = asked.shown(&answer.default_columns);
    if let Some(by) = &asked.group {
        let metrics = shown.iter().filter(|c| matches!(c, Column::Metric(..))).cloned().collect();
        let grouped = RunsQuery {
            group_by: Some(by.clone()),
            group_metrics: metrics,
            limit: 0,
            skip: 0,
            facets: false,
            ..query.clone()
        };
        answer.groups = services.runs.search(&grouped)?.groups;
    }
    queue(services, &asked, &shown, &query, &answer)?;
    let title = title(&answer);
    let crumbs = crumbs(services, &a, &answer, &named, &title)?;
    let head = a.head(services, crumbs, title, addresses::run_events(), generation);
    let html = content(&a, &asked, &shown, &answer, !named.is_empty());
    Ok(DrawnView::new(head, words::about(lang), &html))
}

/// Asks for the histories of what is shown where another value than the last one is wanted: they are copied, and the page fills in.
fn queue(services: &Services, asked: &Asked, shown: &[Column], query: &RunsQuery, answer: &RunsAnswer) -> Result<()> {
    let read: Vec<&Column> = shown
        .iter()
        .chain(answer.sort.columns())
        .filter(|c| matches!(c, Column::Metric(_, r) if *r != Reading::Last))
        .collect();
    if read.is_empty() {
        return Ok(());
    }
    // The runs of groups are on no page: the latest of them come first.
    let grouped = match asked.group {
        Some(_) => {
            Some(services.runs.search(&RunsQuery { skip: 0, limit: QUEUED, facets: false, ..query.clone() })?.rows)
        }
        None => None,
    };
    for column in read {
        services.runs.queue_extremes(grouped.as_ref().unwrap_or(&answer.rows), column.key())?;
    }
    Ok(())
}

fn crumbs(
    services: &Services,
    a: &PlainQuery,
    answer: &RunsAnswer,
    named: &[String],
    title: &str,
) -> Result<Vec<Crumb>> {
    let lang = a.fmt.lang;
    let all =
        services.runs.experiments(&usecases::tracking::ExperimentsQuery { limit: SIBLINGS, ..Default::default() })?;
    let here = answer.experiments.first().filter(|_| !named.is_empty()).map(|e| e.id.clone());
    let sibling = |row: &usecases::tracking::ExperimentRow| Link {
        label: row.experiment.name.to_string(),
        href: a.to(&addresses::experiment(&row.experiment.id)),
        current: here.as_ref() == Some(&row.experiment.id),
    };
    Ok(vec![
        Crumb { label: words::experiments(lang).into(), href: a.to(addresses::EXPERIMENTS), ..Crumb::default() },
        Crumb {
            label: title.to_owned(),
            href: a.to(&a.path),
            what: words::what_experiment(lang).into(),
            siblings: all.rows.iter().map(sibling).collect(),
        },
    ])
}

fn content(a: &PlainQuery, asked: &Asked, shown: &[Column], answer: &RunsAnswer, one: bool) -> String {
    let lang = a.fmt.lang;
    let banners = tracking::banners(&a.fmt, a.now, &answer.status);
    let count = a.fmt.count(answer.total as u64);
    let all = a.fmt.count(answer.columns.runs as u64);
    // Before anything was read nobody knows what there is.
    let known = answer.as_of.is_some();
    let found = if !known {
        String::new()
    } else if asked.filter.is_err() {
        words::found_not_filtered(lang, all)
    } else if answer.total == answer.columns.runs {
        words::found_all(lang, count)
    } else {
        words::found(lang, count, all)
    };
    let picked = (!asked.picked.is_empty()).then(|| words::picked(lang, asked.picked.len()));
    let is_read = |c: &&Column| matches!(c, Column::Metric(_, reading) if *reading != Reading::Last);
    let waits = |c: &Column| answer.rows.iter().any(|r| r.metric(c.key()).is_some_and(|m| m.extremes.is_none()));
    let fetching = answer.groups.is_none() && answer.stand_ins == 0 && shown.iter().filter(is_read).any(waits);
    let fetching = fetching.then(|| {
        view! { <p class="quiet" role="status">{words::fetching(lang)}" "<a href=a.with(&[])>{words::look_again(lang)}</a></p> }
    });
    let stand_ins = (answer.stand_ins > 0).then(|| words::stand_ins(lang, a.fmt.count(answer.stand_ins as u64)));
    let deleted = answer.experiments.first().filter(|e| one && e.lifecycle == Lifecycle::Deleted).map(|_| {
        let others = a.to(addresses::EXPERIMENTS);
        view! { <p class="banner late">{words::deleted(lang)}" "<a href=others>{words::deleted_others(lang)}</a></p> }
    });
    let list = match &answer.groups {
        Some(found) => {
            let files = table::files(asked, answer, shown, one).into_any();
            groups::table(a, &asked.whole_filter(), found, files).into_any()
        }
        None if !known => ().into_any(),
        None if answer.rows.is_empty() => {
            let text = match (answer.columns.runs, deleted.is_some()) {
                (0, true) => words::nothing_left(lang),
                (0, false) => words::nothing_yet(lang),
                _ => words::nothing(lang),
            };
            view! { <p class="quiet">{text}</p> }.into_any()
        }
        None => table::table(a, asked, shown, answer, one).into_any(),
    };
    view! {
        <p class="lead"><span role="status">{found}{picked}</span>" "<span class="quiet">{tracking::source_line(&a.fmt, a.now, &answer.status)}</span></p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        {deleted}
        {controls::search_box(a, asked, answer)}
        {controls::facets(a, asked, answer)}
        {controls::turns(a, asked, answer)}
        {controls::chooser(a, asked, shown, answer)}
        {stand_ins.map(|text| view! { <p class="quiet" role="status">{text}</p> })}
        {fetching}
        {list}
    }
    .to_html()
}
