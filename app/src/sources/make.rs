//! Makes the sources page: who delivered what, when, and what was refused and why.

use domain::{
    Result,
    custom_metrics::MetricsOverLimit,
    declarations::{DeclarationFile, DeclarationFileState},
    error::Sentence,
    params::QueryParams,
    ports::{CopyStatus, JobReport, JobState, SourceReport, TrackingKind, UnreadablePart},
    scope::Scope,
    time::Millis,
};

use super::{
    view::SourcesView,
    volume::{self, whole_days},
    words,
};
use crate::{
    panels::{self, refusals::reason_of, words as panel_words},
    shell::{
        addresses::{self, SOURCES},
        context::{Request, Services},
        head::{PageAddress, plain_head},
        no_data::empty_view,
        page_query::PageQuery,
        words as shell_words,
    },
    ui::{
        fmt::{Fmt, NO_VALUE},
        table::{
            Cell, TableView,
            build::{self, Column, PageLink, Row, SortKey, last_two_path_parts, plain_column, time_cell},
        },
    },
};

/// So many metrics over the limit are named.
const NAMED_BEYOND: usize = 10;

/// The page of all sources.
///
/// # Errors
/// What cannot be read, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<SourcesView> {
    let a = PageQuery::read(services, request, params).await?;
    let lang = a.fmt.lang;
    let directory = services.metrics.directory();
    let failed = services.metrics.unreadable();
    let reports = services.sources.reports().await?;
    let copied_runs = services.runs.copied_runs()?;
    let head = plain_head(
        services,
        &a,
        PageAddress::Installation(SOURCES),
        words::title(lang).into(),
        directory.simulated > 0,
    )
    .await;
    let taken = reports.iter().map(|r| r.taken).sum();
    let refused = reports.iter().map(SourceReport::refused_total).sum();
    let summary = if reports.is_empty() {
        words::none(lang).to_owned()
    } else {
        words::summary(lang, a.fmt.count(reports.len() as u64), a.fmt.count(taken), a.fmt.count(refused))
    };
    let tracking = services.runs.status()?;
    let empty = (directory.records == 0 && reports.is_empty()).then(|| {
        let mut view = empty_view(&a, &directory, None);
        match (&tracking, copied_runs) {
            (None, _) => {}
            (Some(_), 0) => view.text = words::none_but_tracking(lang).to_owned(),
            (Some(_), n) => view.text = words::none_but_runs(lang, a.fmt.count(n as u64)),
        }
        view
    });
    let said = |why: Option<&Sentence>| why.map(|why| lang.reason(why).to_owned());
    Ok(SourcesView {
        head,
        empty,
        summary,
        jobs: jobs_table(&a.fmt, &(services.jobs)()),
        tracking: tracking.as_ref().map(|s| tracking_table(&a, s, copied_runs)),
        tracking_error: said(tracking.as_ref().and_then(|s| s.error.as_ref())),
        tracking_warning: said(tracking.as_ref().and_then(|s| s.warning.as_ref())),
        failed: (!failed.is_empty()).then(|| failed_table(&a.fmt, &failed)),
        written: written_table(&a, &(services.written)()),
        beyond: beyond_table(&a, &directory.beyond),
        sources: if reports.is_empty() { None } else { Some(sources_table(&a, &reports)?) },
        volume: volume::chart(&a.fmt, &whole_days(services.metrics.volume(), a.q.now), directory.simulated > 0),
    })
}

/// Jobs with errors; `None` when there are none.
fn jobs_table(fmt: &Fmt, jobs: &[JobReport]) -> Option<TableView> {
    let lang = fmt.lang;
    let state = |r: &JobReport| match r.state {
        JobState::Running | JobState::Ended => None,
        JobState::Troubled => Some(words::job_troubled(lang)),
        JobState::Restarting => Some(words::job_restarting(lang)),
    };
    let row = |r: &JobReport| {
        let state = state(r)?;
        Some(vec![
            Cell::Name { text: fmt.lang.reason(&r.title).to_owned(), href: None, state: None },
            Cell::Text(state.to_owned()),
            Cell::Number { text: fmt.count(r.restarts), href: None },
            Cell::Text(r.error.as_ref().map_or(NO_VALUE, |e| fmt.lang.reason(e)).to_owned()),
        ])
    };
    let rows: Vec<_> = jobs.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| TableView {
        caption: words::jobs(lang).into(),
        columns: vec![
            plain_column(words::col_job(lang), false),
            plain_column(panel_words::col_state(lang), false),
            plain_column(words::col_restarts(lang), true),
            plain_column(words::col_reasons(lang), false),
        ],
        rows,
        csv: None,
        pager: None,
        foot: Some(words::jobs_help(lang).into()),
    })
}

/// Where experiments and runs come from, and how their copy stands.
fn tracking_table(a: &PageQuery, status: &CopyStatus, runs: usize) -> TableView {
    let lang = a.fmt.lang;
    let kind = match status.kind {
        TrackingKind::Server => words::tracking_server(lang),
        TrackingKind::Folder => words::tracking_folder(lang),
        TrackingKind::Database => words::tracking_database(lang),
    };
    // Why is said above the table: in it a sentence would lie beside a small screen.
    let state = match (&status.error, status.complete) {
        (Some(_), _) => words::tracking_away(lang),
        (None, true) => words::tracking_fine(lang),
        (None, false) => words::tracking_partial(lang),
    };
    let trouble = status.error.as_ref().map(|_| a.fmt.state(domain::state::DataState::SourceError));
    TableView {
        caption: words::tracking(lang).into(),
        columns: vec![
            plain_column(panel_words::col_source(lang), false),
            plain_column(panel_words::col_type(lang), false),
            plain_column(words::tracking_version(lang), false),
            plain_column(words::tracking_runs(lang), true),
            plain_column(words::tracking_as_of(lang), true),
            plain_column(panel_words::col_state(lang), false),
            plain_column(words::tracking_records(lang), false),
        ],
        rows: vec![vec![
            Cell::Name { text: status.address.clone(), href: None, state: trouble },
            Cell::Text(kind.into()),
            Cell::Text(status.version.clone().unwrap_or_else(|| NO_VALUE.into())),
            Cell::Number { text: a.fmt.count(runs as u64), href: None },
            copied_cell(&a.fmt, status.as_of, a.q.now),
            Cell::Text(state.to_owned()),
            Cell::Link { text: words::tracking_plan(lang).into(), href: addresses::RUN_IMPORT.into() },
        ]],
        csv: None,
        pager: None,
        foot: Some(words::tracking_help(lang).into()),
    }
}

/// How old the copy is, as pages of experiments say it.
fn copied_cell(fmt: &Fmt, at: Option<Millis>, now: Millis) -> Cell {
    match (at, time_cell(fmt, at, now)) {
        (Some(copied), Cell::Time { at, full, .. }) => {
            let age = panels::tracking::age(fmt, now.0 - copied.0);
            Cell::Time { at, short: panel_words::tracking_as_of(fmt.lang, age), full }
        }
        (_, cell) => cell,
    }
}

fn failed_table(fmt: &Fmt, failed: &[UnreadablePart]) -> TableView {
    let lang = fmt.lang;
    TableView {
        caption: words::lake(lang).into(),
        columns: vec![
            plain_column(panel_words::col_source(lang), false),
            plain_column(words::col_rows(lang), true),
            plain_column(words::col_reasons(lang), false),
        ],
        rows: failed
            .iter()
            .map(|f| {
                vec![
                    Cell::Name {
                        text: f.name.clone(),
                        href: None,
                        state: Some(fmt.state(domain::state::DataState::SourceError)),
                    },
                    Cell::Number { text: fmt.count(f.rows), href: None },
                    Cell::Text(fmt.lang.reason(&f.reason).to_owned()),
                ]
            })
            .collect(),
        csv: None,
        pager: None,
        foot: Some(words::lake_help(lang).into()),
    }
}

/// The status of `places.yaml`, `metrics.yaml` and `sources.yaml`; nothing where none is there.
fn written_table(a: &PageQuery, states: &[DeclarationFileState]) -> Option<TableView> {
    let lang = a.fmt.lang;
    let there = states.iter().filter(|f| f.read.is_some() || f.fault.is_some());
    let row = |f: &DeclarationFileState| {
        let n = a.fmt.count(f.entries as u64);
        let entries = match f.kind {
            DeclarationFile::Places => words::written_places(lang, n),
            DeclarationFile::Metrics => words::written_metrics(lang, n),
            DeclarationFile::Sources => words::written_rules(lang, n),
        };
        let in_force = f.read.map(|_| entries);
        let trouble = f.fault.as_ref().map(|fault| {
            let line = fault.line.map_or_else(String::new, |l| words::written_line(lang, l));
            let kept = if f.read.is_some() { words::written_kept(lang) } else { words::written_nothing(lang) };
            format!("{line}{} · {kept}", a.fmt.lang.reason(&fault.reason))
        });
        vec![
            Cell::Name {
                text: last_two_path_parts(&f.path),
                href: None,
                state: f.fault.as_ref().map(|_| a.fmt.state(domain::state::DataState::SourceError)),
            },
            Cell::Text(in_force.unwrap_or_else(|| NO_VALUE.into())),
            time_cell(&a.fmt, f.read, a.q.now),
            time_cell(&a.fmt, f.fault.as_ref().map(|fault| fault.since), a.q.now),
            Cell::Text(trouble.unwrap_or_else(|| words::written_fine(lang).to_owned())),
        ]
    };
    let rows: Vec<_> = there.map(row).collect();
    (!rows.is_empty()).then(|| TableView {
        caption: words::written_title(lang).into(),
        columns: vec![
            plain_column(words::written_file(lang), false),
            plain_column(words::written_in_force(lang), false),
            plain_column(words::col_last_read(lang), true),
            plain_column(words::written_since(lang), true),
            plain_column(panel_words::col_state(lang), false),
        ],
        rows,
        csv: None,
        pager: None,
        foot: None,
    })
}

/// Metrics over the limit, and what to do about it.
fn beyond_table(a: &PageQuery, beyond: &MetricsOverLimit) -> Option<TableView> {
    let lang = a.fmt.lang;
    let n = a.fmt.count(beyond.names.len() as u64);
    let caption = match (beyond.names.is_empty(), beyond.more) {
        (true, false) => return None,
        (_, false) => words::beyond(lang, &n),
        (_, true) => words::beyond_more(lang, &n),
    };
    let name = |full: &String| Cell::Name {
        text: full.clone(),
        href: Some(addresses::records(&Scope::default(), full, &a.params)),
        state: None,
    };
    let named = beyond.names.iter().take(NAMED_BEYOND).map(|full| vec![name(full)]);
    Some(TableView {
        caption,
        columns: vec![plain_column(panel_words::col_metric(lang), false)],
        rows: named.collect(),
        csv: None,
        pager: None,
        foot: Some(words::beyond_help(lang, a.fmt.count(beyond.cap as u64))),
    })
}

fn sources_table(a: &PageQuery, reports: &[SourceReport]) -> Result<TableView> {
    let lang = a.fmt.lang;
    let column = |key, label: &str, numeric| Column { key, label: label.to_owned(), numeric };
    let columns = vec![
        column("name", panel_words::col_source(lang), false),
        column("state", panel_words::col_state(lang), false),
        column("kind", panel_words::col_type(lang), false),
        column("taken", words::col_taken(lang), true),
        column("duplicate", words::col_duplicate(lang), true),
        column("corrected", words::col_corrected(lang), true),
        column("withdrawn", words::col_withdrawn(lang), true),
        column("refused", words::col_refused(lang), true),
        column("", words::col_reasons(lang), false),
        column("newest", panel_words::col_newest(lang), true),
        column("last", words::col_last_read(lang), true),
    ];
    let rows = reports.iter().map(|r| row(a, r)).collect();
    let at = PageLink { path: SOURCES, q: &a.q, params: &a.params, in_path: false };
    build::build(&a.fmt, words::files(lang).into(), columns, rows, &at, Some("/export/sources.csv".into()))
}

fn row(a: &PageQuery, r: &SourceReport) -> Row {
    let lang = a.fmt.lang;
    let kind = match r.source.kind.as_str() {
        "demo" => words::source_demo(lang),
        "stdin" => words::source_stdin(lang),
        "folder" => words::source_folder(lang),
        "api" => words::source_api(lang),
        "mlflow" => words::source_mlflow(lang),
        _ => words::source_file(lang),
    };
    let state = match (&r.error, r.finished || r.source.kind == "demo") {
        (Some(reason), _) => words::source_failed(lang, a.fmt.lang.reason(reason)),
        (None, true) => words::source_ok(lang).to_owned(),
        (None, false) => words::source_partial(lang).to_owned(),
    };
    let reasons: Vec<String> =
        r.refused.iter().map(|(reason, n)| format!("{} {}", reason_of(lang, reason), a.fmt.count(*n))).collect();
    let reasons = if reasons.is_empty() { NO_VALUE.to_owned() } else { reasons.join(", ") };
    let number = |n: u64| Cell::Number { text: a.fmt.count(n), href: None };
    let key = |n: u64| SortKey::Number(Some(n as f64));
    let trouble = r.error.is_some().then(|| a.fmt.state(domain::state::DataState::SourceError));
    Row {
        cells: vec![
            Cell::Name {
                text: match r.source.kind.as_str() {
                    "demo" => shell_words::source_demo_name(lang).into(),
                    "api" => r.source.name.clone(),
                    "mlflow" => words::source_mlflow_name(lang).into(),
                    _ => last_two_path_parts(&r.source.name),
                },
                href: (r.source.kind == "mlflow").then(|| addresses::RUN_IMPORT.to_owned()),
                state: trouble,
            },
            Cell::Text(state),
            Cell::Text(kind.into()),
            number(r.taken),
            number(r.duplicate),
            number(r.corrected),
            number(r.withdrawn),
            number(r.refused_total()),
            Cell::Text(reasons),
            time_cell(&a.fmt, r.newest, a.q.now),
            time_cell(&a.fmt, Some(r.last), a.q.now),
        ],
        keys: vec![
            SortKey::Text(r.source.name.clone()),
            SortKey::Number(Some(f64::from(u8::from(r.error.is_none())))),
            SortKey::Text(kind.into()),
            key(r.taken),
            key(r.duplicate),
            key(r.corrected),
            key(r.withdrawn),
            key(r.refused_total()),
            SortKey::Number(None),
            SortKey::Number(r.newest.map(|m| m.0 as f64)),
            SortKey::Number(Some(r.last.0 as f64)),
        ],
    }
}
