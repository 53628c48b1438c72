//! Makes the records page: the rows behind a number, newest first, with where each came from.

use domain::{
    Error, Result,
    params::QueryParams,
    query::{RecordRow, Records},
    scope::{ExperimentKind, ModelTags, Scope},
};

use super::{sentences, view::RecordsView, words};
use crate::{
    panels::words as panel_words,
    shell::{
        addresses,
        context::{Request, Services},
        filters::device_filter,
        head::{PageAddress, head},
        no_data::empty_view,
        page_query::PageQuery,
        words as shell_words,
    },
    ui::{
        fmt::{Fmt, NO_VALUE},
        links,
        table::{
            Cell, ColumnView, Pager, TableView,
            build::{PAGE_ROWS, last_two_path_parts, plain_column, time_cell},
        },
        words as ui_words,
    },
};

/// The page of the records that `params` names.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now; a page beyond the last one.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<RecordsView> {
    let a = PageQuery::read(services, request, params).await?;
    let lang = a.fmt.lang;
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let query = a.q.records(PAGE_ROWS);
    let records = services.metrics.records(&query).await?;
    if query.skip > 0 && query.skip as u64 >= records.total {
        return Err(Error::not_found(sentences::no_page(records.total, a.q.page)));
    }
    let head =
        head(services, &a, &directory, PageAddress::Fixed("/records"), words::title(lang).into(), records.simulated)
            .await;
    let nothing = records.total == 0;
    let [from, to] = [a.q.range.from(), a.q.range.to()].map(|end| a.fmt.moment(end, a.q.now));
    Ok(RecordsView {
        head,
        filter: device_filter(&a, &directory, "/records".into(), false),
        empty: nothing.then(|| empty_view(&a, &directory, None)),
        summary: match &a.q.run {
            Some(run) => {
                words::summary_of_run(lang, a.fmt.count(records.total), run.as_str(), a.scope_text(), from, to)
            }
            None => words::summary(lang, a.fmt.count(records.total), a.scope_text(), from, to),
        },
        table: (!nothing).then(|| table(services, &a, &records, query.skip)),
    })
}

fn table(services: &Services, a: &PageQuery, r: &Records, skip: usize) -> TableView {
    let lang = a.fmt.lang;
    let metrics: Vec<_> = r.metrics.iter().map(|key| a.metric(key)).collect();
    let mut columns: Vec<ColumnView> = vec![plain_column(panel_words::col_time(lang), false)];
    columns.extend(
        [
            panel_words::col_place(lang),
            shell_words::filter_task(lang),
            panel_words::col_model(lang),
            panel_words::col_device(lang),
        ]
        .map(|c| plain_column(c, false)),
    );
    let with_runs = r.rows.iter().any(|row| row.run_id.is_some());
    columns.extend(with_runs.then(|| plain_column(words::col_run(lang), false)));
    columns.extend(metrics.iter().map(|m| plain_column(&a.fmt.label(m), true)));
    columns.push(plain_column(words::col_samples(lang), true));
    columns.extend([panel_words::col_type(lang), panel_words::col_source(lang)].map(|c| plain_column(c, false)));
    columns.extend([words::col_line(lang), words::col_received(lang)].map(|c| plain_column(c, true)));
    let rows = r
        .rows
        .iter()
        .map(|row| {
            let text = |x: Option<&str>| Cell::Text(x.unwrap_or(NO_VALUE).to_owned());
            let number = |text: String| Cell::Number { text, href: None };
            let mut cells = vec![Cell::Name { text: moment(&a.fmt, row), href: None, state: None }];
            cells.push(place(a, row));
            cells.extend([text(Some(&row.task)), Cell::Text(model(row)), text(row.device.as_deref())]);
            cells.extend(with_runs.then(|| run(services, row)));
            cells.extend(row.values.iter().zip(&metrics).map(|(v, m)| number(a.fmt.with_unit(*v, m))));
            cells.push(number(row.samples.map_or_else(|| "1".to_owned(), |s| s.to_string())));
            cells.push(text(Some(
                match row.experiment_type.as_deref().unwrap_or(ExperimentKind::Production.as_str()) {
                    "production" => shell_words::type_production(lang),
                    "candidate" => shell_words::type_candidate(lang),
                    other => other,
                },
            )));
            cells.push(Cell::Text(source(a, row)));
            cells.push(number(row.line.map_or_else(|| NO_VALUE.to_owned(), |l| l.to_string())));
            cells.push(time_cell(&a.fmt, row.received_at, a.q.now));
            cells
        })
        .collect();
    let last = skip + r.rows.len();
    let page = skip / PAGE_ROWS + 1;
    let link = |page: usize| {
        links::with_changes("/records", &a.params, false, &[("page", (page > 1).then(|| page.to_string()))])
    };
    TableView {
        caption: words::table(lang).into(),
        columns,
        rows,
        csv: Some(links::href("/export/records.csv", &links::pairs(&a.params, &["page", "sort", "refresh", "kiosk"]))),
        pager: (r.total > PAGE_ROWS as u64).then(|| Pager {
            label: ui_words::page_of(lang, skip + 1, last, a.fmt.count(r.total)),
            previous: (page > 1).then(|| link(page - 1)),
            next: ((last as u64) < r.total).then(|| link(page + 1)),
        }),
        foot: Some(shell_words::range_zone(lang, a.fmt.zone_name())),
    }
}

/// The file or interface through which it came. The simulated fleet is its own source; other rows may say that they are simulated.
fn source(a: &PageQuery, row: &RecordRow) -> String {
    let lang = a.fmt.lang;
    match row.source.as_deref() {
        Some(domain::ports::DEMO_SOURCE) => shell_words::source_demo_name(lang).to_owned(),
        name => {
            let name = name.map_or_else(|| NO_VALUE.to_owned(), last_two_path_parts);
            if row.simulated { format!("{name} · {}", ui_words::simulated(lang)) } else { name }
        }
    }
}

/// So much of the id of a run is shown.
const SHOWN_ID: usize = 8;

/// The run that it names, and the way there where it was copied.
fn run(services: &Services, row: &RecordRow) -> Cell {
    let Some(id) = row.run_id.as_deref() else { return Cell::Text(NO_VALUE.to_owned()) };
    let text = id.chars().take(SHOWN_ID).collect();
    match services.runs.known(id) {
        Some(run) => Cell::Link { text, href: addresses::run(&run.id) },
        None => Cell::Text(text),
    }
}

/// Where it was measured.
fn place(a: &PageQuery, row: &RecordRow) -> Cell {
    let names = [Some(&row.customer), row.site.as_ref(), row.zone.as_ref()];
    let scope = Scope::parse(Some(&row.customer), row.site.as_deref(), row.zone.as_deref(), None, None);
    let text = match &scope {
        Ok(scope) => a.panel().within(scope),
        Err(_) => names.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" · "),
    };
    Cell::Link {
        text: if text.is_empty() { NO_VALUE.to_owned() } else { text },
        href: scope.map(|s| addresses::place(&s, &a.params)).unwrap_or_default(),
    }
}

fn moment(fmt: &Fmt, row: &RecordRow) -> String {
    let whole = row.timestamp.0.rem_euclid(1_000) == 0;
    fmt.strftime(row.timestamp, if whole { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.3f" })
}

fn model(row: &RecordRow) -> String {
    let tagged = row.architecture.as_deref().map(|a| (a, row.version.as_deref()));
    let registered = row.registered_model.as_deref().map(|m| (m, row.registered_version.as_deref()));
    let words = |(architecture, version)| ModelTags { architecture, version }.to_string();
    registered.or(tagged).map_or_else(|| NO_VALUE.to_owned(), words)
}
