//! The log of models as files: a row an event, as it was written.

use app::shell::context::Request;
use axum::{Extension, extract::RawQuery, response::Response};
use domain::{
    ports::EventsQuery,
    registry::{LoggedEvent, ModelName},
    time::parse_moment,
};
use serde_json::{Value, json};

use super::{
    super::{ActorServices, export, problem::Problem, runs::text},
    composed,
    json::event,
    pairs,
};

/// The columns of the CSV.
const COLUMNS: [&str; 17] = [
    "number",
    "at",
    "model",
    "what",
    "outcome",
    "version",
    "actor",
    "outside",
    "reason",
    "operation",
    "request",
    "verdict",
    "champion_before",
    "champion_after",
    "stages_after",
    "note",
    "hash",
];

/// The events that a query asks for, oldest first.
async fn events(services: &ActorServices, query: Option<&str>, r: &Request) -> Result<Vec<LoggedEvent>, Problem> {
    let pairs = pairs(query, &["model", "from", "to"])?;
    let now = services.0.clock.now();
    let moment =
        |key: &'static str| text(&pairs, key).map(|t| parse_moment(t, now, &r.zone).map_err(|e| e.at(key))).transpose();
    let model = text(&pairs, "model").map(|name| ModelName::parse(&composed(name.to_owned()))).transpose()?;
    let (from, to) = (moment("from")?, moment("to")?);
    let query = EventsQuery { model, from, to, ..EventsQuery::default() };
    Ok(services.0.models.events(&query).await?)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn row(logged: &LoggedEvent) -> Vec<String> {
    let e = event(logged);
    let of = |key: &str| cell(&e[key]);
    let mut row: Vec<String> =
        ["number", "at", "name", "what", "outcome", "version", "actor", "outside", "reason"].map(of).into();
    row.extend(["operation", "request"].map(of));
    let stages = if e["after"].is_null() { String::new() } else { cell(&e["after"]["stages"]) };
    row.extend([
        cell(&e["evidence"]["verdict"]),
        cell(&e["before"]["champion"]),
        cell(&e["after"]["champion"]),
        stages,
    ]);
    row.extend(["note", "hash"].map(of));
    row
}

pub async fn history_csv(
    services: ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Result<Response, Problem> {
    let events = events(&services, q.as_deref(), &r).await?;
    let rows: Vec<_> = events.iter().map(row).collect();
    Ok(export::table("model_history.csv", &COLUMNS, &rows))
}

pub async fn history_json(
    services: ActorServices,
    RawQuery(q): RawQuery,
    Extension(r): Extension<Request>,
) -> Result<Response, Problem> {
    let events = events(&services, q.as_deref(), &r).await?;
    let body = json!({ "events": events.iter().map(event).collect::<Vec<_>>() });
    Ok(export::file("model_history.json", "application/json", body.to_string()))
}
