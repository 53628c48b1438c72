//! Makes the sources page: who delivered what, when, and what was refused and why.

use domain::{
    Result,
    ask::Ask,
    custom::Beyond,
    declared::{FileKind, FileState},
    ports::{JobReport, JobState, SourceReport, Unreadable},
    scope::Scope,
};

use super::{
    view::SourcesView,
    volume::{self, whole_days},
};
use crate::{
    i18n::{Texts, fill},
    shell::{
        addresses::{self, SOURCES},
        context::{Request, Services},
        head::{PageAddress, plain_head},
        no_data::empty,
        page_query::PageQuery,
    },
    ui::{
        fmt::{Fmt, NONE},
        table::{
            Cell, TableView,
            build::{self, Column, Key, PageLink, Row, plain, short_path, time_cell},
        },
    },
};

/// So many metrics for which there was no room are named.
const NAMED_BEYOND: usize = 10;

/// The page of all sources.
///
/// # Errors
/// What cannot be read, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<SourcesView> {
    let a = PageQuery::read(services, request, ask).await?;
    let t = a.fmt.texts();
    let directory = services.metrics.directory();
    let failed = services.metrics.unreadable();
    let reports = services.sources.reports().await?;
    let head =
        plain_head(services, &a, PageAddress::Installation(SOURCES), t.sources_title.into(), directory.simulated > 0)
            .await;
    let taken = reports.iter().map(|r| r.taken).sum();
    let refused = reports.iter().map(SourceReport::refused_total).sum();
    let summary = if reports.is_empty() {
        t.sources_none.to_owned()
    } else {
        let holes = [
            ("n", &*a.fmt.count(reports.len() as u64)),
            ("taken", &a.fmt.count(taken)),
            ("refused", &a.fmt.count(refused)),
        ];
        fill(t.sources_summary, &holes)
    };
    Ok(SourcesView {
        head,
        empty: (directory.records == 0 && reports.is_empty()).then(|| empty(&a, &directory, None)),
        summary,
        jobs: jobs_table(&a.fmt, &(services.jobs)()),
        failed: (!failed.is_empty()).then(|| failed_table(&a.fmt, &failed)),
        written: written_table(&a, &(services.written)()),
        beyond: beyond_table(&a, &directory.beyond),
        sources: if reports.is_empty() { None } else { Some(sources_table(&a, &reports)?) },
        volume: volume::chart(&a.fmt, &whole_days(services.metrics.volume(), a.q.now), directory.simulated > 0),
    })
}

/// Jobs in trouble; `None` when there are none.
fn jobs_table(fmt: &Fmt, jobs: &[JobReport]) -> Option<TableView> {
    let t = fmt.texts();
    let state = |r: &JobReport| match r.state {
        JobState::Running | JobState::Ended => None,
        JobState::Troubled => Some(t.job_troubled),
        JobState::Restarting => Some(t.job_restarting),
    };
    let row = |r: &JobReport| {
        let state = state(r)?;
        Some(vec![
            Cell::Name { text: fmt.lang.reason(&r.title).to_owned(), href: None, state: None },
            Cell::Text(state.to_owned()),
            Cell::Number { text: fmt.count(r.restarts), href: None },
            Cell::Text(r.error.as_ref().map_or(NONE, |e| fmt.lang.reason(e)).to_owned()),
        ])
    };
    let rows: Vec<_> = jobs.iter().filter_map(row).collect();
    (!rows.is_empty()).then(|| TableView {
        caption: t.sources_jobs.into(),
        columns: vec![
            plain(t.col_job, false),
            plain(t.col_state, false),
            plain(t.col_restarts, true),
            plain(t.col_reasons, false),
        ],
        rows,
        csv: None,
        pager: None,
        foot: Some(t.sources_jobs_help.into()),
    })
}

fn failed_table(fmt: &Fmt, failed: &[Unreadable]) -> TableView {
    let t = fmt.texts();
    TableView {
        caption: t.sources_lake.into(),
        columns: vec![plain(t.col_source, false), plain(t.col_rows, true), plain(t.col_reasons, false)],
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
        foot: Some(t.sources_lake_help.into()),
    }
}

/// How it stands with `places.yaml` and `metrics.yaml`; nothing where neither is there.
fn written_table(a: &PageQuery, states: &[FileState]) -> Option<TableView> {
    let t = a.fmt.texts();
    let there = states.iter().filter(|f| f.read.is_some() || f.fault.is_some());
    let row = |f: &FileState| {
        let entries = match f.kind {
            FileKind::Places => t.written_places,
            FileKind::Metrics => t.written_metrics,
        };
        let in_force = f.read.map(|_| fill(entries, &[("n", &a.fmt.count(f.entries as u64))]));
        let trouble = f.fault.as_ref().map(|fault| {
            let line = fault.line.map_or_else(String::new, |l| fill(t.written_line, &[("line", &l.to_string())]));
            let kept = if f.read.is_some() { t.written_kept } else { t.written_nothing };
            format!("{line}{} · {kept}", a.fmt.lang.reason(&fault.reason))
        });
        vec![
            Cell::Name {
                text: short_path(&f.path),
                href: None,
                state: f.fault.as_ref().map(|_| a.fmt.state(domain::state::DataState::SourceError)),
            },
            Cell::Text(in_force.unwrap_or_else(|| NONE.into())),
            time_cell(&a.fmt, f.read, a.q.now),
            time_cell(&a.fmt, f.fault.as_ref().map(|fault| fault.since), a.q.now),
            Cell::Text(trouble.unwrap_or_else(|| t.written_fine.to_owned())),
        ]
    };
    let rows: Vec<_> = there.map(row).collect();
    (!rows.is_empty()).then(|| TableView {
        caption: t.written_title.into(),
        columns: vec![
            plain(t.written_file, false),
            plain(t.written_in_force, false),
            plain(t.col_last_read, true),
            plain(t.written_since, true),
            plain(t.col_state, false),
        ],
        rows,
        csv: None,
        pager: None,
        foot: None,
    })
}

/// Metrics for which the lake had no room, and what to do about it.
fn beyond_table(a: &PageQuery, beyond: &Beyond) -> Option<TableView> {
    let t = a.fmt.texts();
    let n = a.fmt.count(beyond.names.len() as u64);
    let caption = match (beyond.names.is_empty(), beyond.more) {
        (true, false) => return None,
        (_, false) => fill(t.sources_beyond, &[("n", &n)]),
        (_, true) => fill(t.sources_beyond_more, &[("n", &n)]),
    };
    let name = |full: &String| Cell::Name {
        text: full.clone(),
        href: Some(addresses::records(&Scope::default(), full, &a.ask)),
        state: None,
    };
    let named = beyond.names.iter().take(NAMED_BEYOND).map(|full| vec![name(full)]);
    Some(TableView {
        caption,
        columns: vec![plain(t.col_metric, false)],
        rows: named.collect(),
        csv: None,
        pager: None,
        foot: Some(fill(t.sources_beyond_help, &[("cap", &a.fmt.count(beyond.cap as u64))])),
    })
}

fn sources_table(a: &PageQuery, reports: &[SourceReport]) -> Result<TableView> {
    let t = a.fmt.texts();
    let column = |key, label: &str, numeric| Column { key, label: label.to_owned(), numeric };
    let columns = vec![
        column("name", t.col_source, false),
        column("state", t.col_state, false),
        column("kind", t.col_type, false),
        column("taken", t.col_taken, true),
        column("duplicate", t.col_duplicate, true),
        column("corrected", t.col_corrected, true),
        column("refused", t.col_refused, true),
        column("", t.col_reasons, false),
        column("newest", t.col_newest, true),
        column("last", t.col_last_read, true),
    ];
    let rows = reports.iter().map(|r| row(a, r)).collect();
    let at = PageLink { path: SOURCES, q: &a.q, ask: &a.ask, in_path: false };
    build::build(&a.fmt, t.sources_files.into(), columns, rows, &at, Some("/export/sources.csv".into()))
}

/// Why rows were refused, in words; codes of a newer version stay codes.
fn reason_of<'a>(t: &Texts, code: &'a str) -> &'a str {
    match code {
        "too_long" => t.refused_too_long,
        "invalid_utf8" => t.refused_invalid_utf8,
        "invalid_json" => t.refused_invalid_json,
        "not_an_object" => t.refused_not_an_object,
        "missing" => t.refused_missing,
        "wrong_type" => t.refused_wrong_type,
        "bad_name" => t.refused_bad_name,
        "bad_time" => t.refused_bad_time,
        "too_old" => t.refused_too_old,
        "future" => t.refused_future,
        "not_finite" => t.refused_not_finite,
        "out_of_range" => t.refused_out_of_range,
        "no_metric" => t.refused_no_metric,
        other => other,
    }
}

fn row(a: &PageQuery, r: &SourceReport) -> Row {
    let t = a.fmt.texts();
    let kind = match r.source.kind.as_str() {
        "demo" => t.source_demo,
        "stdin" => t.source_stdin,
        "folder" => t.source_folder,
        "api" => t.source_api,
        _ => t.source_file,
    };
    let state = match (&r.error, r.finished || r.source.kind == "demo") {
        (Some(reason), _) => fill(t.source_failed, &[("reason", a.fmt.lang.reason(reason))]),
        (None, true) => t.source_ok.to_owned(),
        (None, false) => t.source_partial.to_owned(),
    };
    let reasons: Vec<String> =
        r.refused.iter().map(|(reason, n)| format!("{} {}", reason_of(t, reason), a.fmt.count(*n))).collect();
    let reasons = if reasons.is_empty() { NONE.to_owned() } else { reasons.join(", ") };
    let number = |n: u64| Cell::Number { text: a.fmt.count(n), href: None };
    let key = |n: u64| Key::Number(Some(n as f64));
    let trouble = r.error.is_some().then(|| a.fmt.state(domain::state::DataState::SourceError));
    Row {
        cells: vec![
            Cell::Name {
                text: match r.source.kind.as_str() {
                    "demo" => t.source_demo_name.into(),
                    "api" => r.source.name.clone(),
                    _ => short_path(&r.source.name),
                },
                href: None,
                state: trouble,
            },
            Cell::Text(state),
            Cell::Text(kind.into()),
            number(r.taken),
            number(r.duplicate),
            number(r.corrected),
            number(r.refused_total()),
            Cell::Text(reasons),
            time_cell(&a.fmt, r.newest, a.q.now),
            time_cell(&a.fmt, Some(r.last), a.q.now),
        ],
        keys: vec![
            Key::Text(r.source.name.clone()),
            Key::Number(Some(f64::from(u8::from(r.error.is_none())))),
            Key::Text(kind.into()),
            key(r.taken),
            key(r.duplicate),
            key(r.corrected),
            key(r.refused_total()),
            Key::Number(None),
            Key::Number(r.newest.map(|m| m.0 as f64)),
            Key::Number(Some(r.last.0 as f64)),
        ],
    }
}

#[cfg(test)]
mod tests {
    use domain::record::Refusal;

    use super::reason_of;
    use crate::i18n::Lang;

    #[test]
    fn every_reason_for_refusing_a_row_has_words_in_both_languages() {
        for code in Refusal::CODES {
            let words = [Lang::En, Lang::Ko].map(|l| reason_of(l.texts(), code));
            assert!(words[0] != code && words[1].chars().any(|c| ('가'..='힣').contains(&c)), "{code}: {words:?}");
        }
    }
}
