//! Files of exactly what a list of runs shows: its filter, order, columns or groups, as CSV, JSON or Parquet. All rows, unless the
//! address says how many.

use std::sync::Arc;

use axum::{
    extract::RawQuery,
    http::header,
    response::{IntoResponse, Response},
};
use domain::{
    params::known_pairs,
    tracking::{Attribute, Column, Reading, Run, Value, exact_text},
};
use usecases::{
    Tracking,
    tracking::{MAX_ROWS, RUNS_KEYS, RunsGroups, RunsParams},
};

use super::{
    Answer, bytes_of,
    file_column::FileColumn,
    json::{Number, RowJson},
    texts,
};
use crate::{
    http::{ActorServices, csv as rfc4180},
    startup::{TableColumn, write_table},
};

/// The rows of a file.
enum View {
    Runs(Vec<Arc<Run>>, Vec<(String, FileColumn)>),
    Groups(RunsGroups),
}

/// What a list of runs shows.
fn view(runs: &Tracking, query: Option<&str>) -> domain::Result<View> {
    let known: Vec<&str> = RUNS_KEYS.into_iter().filter(|k| *k != "facets").collect();
    let pairs = known_pairs(query.unwrap_or_default(), &known)?;
    let asked = RunsParams::read(texts(&pairs), MAX_ROWS)?;
    let mut query = asked.query;
    if query.group_by.is_some() {
        let columns = match asked.columns {
            Some(columns) => columns,
            None => {
                let look = usecases::tracking::RunsQuery { group_by: None, limit: 0, ..query.clone() };
                runs.search(&look)?.default_columns
            }
        };
        query.group_metrics = columns.into_iter().filter(|c| matches!(c, Column::Metric(..))).collect();
        query.limit = 0;
        let answer = runs.search(&query)?;
        return Ok(match answer.groups {
            Some(groups) => View::Groups(groups),
            None => View::Runs(vec![], vec![]),
        });
    }
    let answer = runs.search(&query)?;
    let columns = asked.columns.unwrap_or(answer.default_columns);
    let first = [Attribute::RunId, Attribute::RunName].map(Column::Attribute);
    let rest = columns.into_iter().filter(|c| !first.contains(c));
    let columns = first.iter().cloned().chain(rest).flat_map(|c| {
        let (head, settled) = (heading(&c), answer.names.settled(&c));
        // Where another value than the last one was asked for, a column beside it says whether it is that.
        let from = matches!(c, Column::Metric(_, reading) if reading != Reading::Last);
        let from = from.then(|| (format!("{head} from"), FileColumn::Origin(settled.clone())));
        [Some((head, FileColumn::Value(settled))), from].into_iter().flatten()
    });
    let columns = columns.collect();
    Ok(View::Runs(answer.rows, columns))
}

/// The name of a column, as MLflow's own files have it: `run_id`, `metrics.f1`, `params.learning rate`.
fn heading(column: &Column) -> String {
    match column {
        Column::Attribute(a) => a.as_str().to_owned(),
        Column::Metric(key, reading) if *reading == Reading::Last => format!("metrics.{key}"),
        Column::Metric(key, reading) => format!("{}(metrics.{key})", reading.as_str()),
        Column::Param(key) => format!("params.{key}"),
        Column::Tag(key) => format!("tags.{key}"),
    }
}

/// The columns of a group's metric, behind its name.
const GROUP_PARTS: [&str; 6] = ["mean", "half_width_95", "n", "min", "max", "without_history"];

fn group_heads(groups: &RunsGroups) -> Vec<String> {
    let names = groups.metrics.iter().map(heading);
    let metrics = names.flat_map(|name| GROUP_PARTS.map(|part| format!("{name} {part}")));
    [heading(&groups.by), "runs".to_owned()].into_iter().chain(metrics).collect()
}

/// The numbers of a group's metrics, in the order of [`group_heads`] behind the first two.
fn group_numbers(groups: &RunsGroups, row: usize) -> Vec<Option<f64>> {
    let metrics = groups.groups.get(row).map(|g| g.metrics.as_slice()).unwrap_or_default();
    let known = |x: f64| (!x.is_nan()).then_some(x);
    metrics
        .iter()
        .flat_map(|m| {
            let counted = Some(m.without_history as f64);
            [known(m.mean), m.half_width, Some(m.n as f64), known(m.min), known(m.max), counted]
        })
        .collect()
}

fn attachment(name: &str, kind: &'static str, body: impl IntoResponse) -> Response {
    let heads = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (heads, body).into_response()
}

fn cell(value: Option<Value<'_>>) -> String {
    match value {
        None => String::new(),
        Some(Value::Number(x)) => exact_text(x),
        Some(Value::Text(text)) => text.to_owned(),
        Some(Value::Time(t)) => t.to_string(),
        Some(Value::Status(status)) => status.as_str().to_owned(),
    }
}

pub async fn csv(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let (heads, rows): (Vec<String>, Vec<Vec<String>>) = match view(&s.runs, q.as_deref())? {
        View::Runs(runs, columns) => {
            let row = |run: &Arc<Run>| columns.iter().map(|(_, c)| cell(c.value(run))).collect();
            let rows = runs.iter().map(row).collect();
            (columns.into_iter().map(|c| c.0).collect(), rows)
        }
        View::Groups(groups) => {
            let number = |x: Option<f64>| x.map_or_else(String::new, exact_text);
            let row = |(i, g): (usize, &domain::tracking::search::RunGroup)| {
                let first = [g.value.as_deref().unwrap_or_default().to_owned(), g.runs.to_string()];
                first.into_iter().chain(group_numbers(&groups, i).into_iter().map(number)).collect()
            };
            (group_heads(&groups), groups.groups.iter().enumerate().map(row).collect())
        }
    };
    let heads: Vec<&str> = heads.iter().map(String::as_str).collect();
    Ok(attachment("runs.csv", "text/csv; charset=utf-8", rfc4180::to_csv(&heads, &rows)))
}

pub async fn json_file(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let body = match view(&s.runs, q.as_deref())? {
        View::Runs(runs, columns) => bytes_of(&runs.iter().map(|run| RowJson(run, &columns)).collect::<Vec<_>>())?,
        View::Groups(groups) => {
            let heads = group_heads(&groups);
            let row = |(i, g): (usize, &domain::tracking::search::RunGroup)| {
                let first = [serde_json::json!(g.value.as_deref()), serde_json::json!(g.runs)];
                let numbers = group_numbers(&groups, i).into_iter().map(|x| serde_json::json!(x.map(Number)));
                heads.iter().cloned().zip(first.into_iter().chain(numbers)).collect::<serde_json::Map<_, _>>()
            };
            bytes_of(&groups.groups.iter().enumerate().map(row).collect::<Vec<_>>())?
        }
    };
    Ok(attachment("runs.json", "application/json", body))
}

pub async fn parquet(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let columns: Vec<(String, TableColumn)> = match view(&s.runs, q.as_deref())? {
        View::Runs(runs, columns) => columns.into_iter().map(|(name, c)| (name, table_column(&runs, &c))).collect(),
        View::Groups(groups) => {
            let texts = groups.groups.iter().map(|g| g.value.as_deref().map(str::to_owned)).collect();
            let counts = groups.groups.iter().map(|g| i64::try_from(g.runs).ok()).collect();
            let rows: Vec<_> = (0..groups.groups.len()).map(|i| group_numbers(&groups, i)).collect();
            let numbers = |at: usize| TableColumn::Number(rows.iter().map(|r| r.get(at).copied().flatten()).collect());
            let metrics = (0..groups.metrics.len() * GROUP_PARTS.len()).map(numbers);
            let values = [TableColumn::Text(texts), TableColumn::Count(counts)].into_iter().chain(metrics);
            group_heads(&groups).into_iter().zip(values).collect()
        }
    };
    Ok(attachment("runs.parquet", "application/vnd.apache.parquet", write_table(columns)?))
}

fn table_column(runs: &[Arc<Run>], column: &FileColumn) -> TableColumn {
    let values = runs.iter().map(|run| column.value(run));
    let number = |v: Option<Value<'_>>| if let Some(Value::Number(x)) = v { Some(x) } else { None };
    let time = |v: Option<Value<'_>>| if let Some(Value::Time(t)) = v { Some(t) } else { None };
    let FileColumn::Value(column) = column else {
        return TableColumn::Text(values.map(|v| v.map(|v| cell(Some(v)))).collect());
    };
    match column {
        Column::Metric(..) | Column::Attribute(Attribute::Duration) => {
            TableColumn::Number(values.map(number).collect())
        }
        Column::Attribute(Attribute::StartTime | Attribute::EndTime) => TableColumn::Time(values.map(time).collect()),
        _ => TableColumn::Text(values.map(|v| v.map(|v| cell(Some(v)))).collect()),
    }
}
