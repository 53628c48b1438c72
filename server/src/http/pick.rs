//! Which model, which run: `/api/pick` and `/api/runs/pick`, and what `guardianflow pick --json` prints.

use axum::{extract::RawQuery, http::HeaderMap};
use domain::{
    Error, Result,
    choice::{Front, LimitSide, Standing},
    error::Sentence,
    metric::Direction,
    model::ModelKey,
    params::{QueryParams, pairs},
    time::Millis,
    tracking::filter::Filter,
};
use jiff::tz::TimeZone;
use serde::Serialize;
use usecases::pick::{FleetPick, FleetPickQuery, LimitQuery, PickAnswer, RunPick, RunPickQuery};

use super::{
    ActorServices,
    api::{Answer, SUMMARY},
    runs, sentences,
};

/// An answer; lists by candidate are in the order of `candidates`, and numbers of measures in that of `measures`.
#[derive(Serialize)]
pub struct PickJson<'a> {
    measures: Vec<MeasureJson<'a>>,
    limits: Vec<LimitJson<'a>>,
    /// The id of the chosen one.
    best: Option<&'a str>,
    candidates: Vec<CandidateJson<'a>>,
    /// The answer in words.
    sentences: Vec<&'a str>,
}

#[derive(Serialize)]
struct MeasureJson<'a> {
    metric: &'a str,
    unit: &'a str,
    direction: Direction,
}

#[derive(Serialize)]
struct LimitJson<'a> {
    metric: &'a str,
    side: &'static str,
    bound: f64,
    /// The id of the one that would be best without this limit, where that is another one.
    instead: Option<&'a str>,
}

#[derive(Serialize)]
struct CandidateJson<'a> {
    id: &'a str,
    name: &'a str,
    values: Vec<Option<ValueJson>>,
    /// `meets`, `breaks` or `unknown`.
    standing: &'static str,
    /// The metrics of the limits that it breaks.
    breaks: Vec<&'a str>,
    /// `efficient`, `dominated` or `unknown`, by the first two measures.
    front: &'static str,
}

#[derive(Serialize)]
struct ValueJson {
    value: f64,
    n: u64,
    sites: u64,
    half_width_95: Option<f64>,
}

impl<'a> PickJson<'a> {
    #[must_use]
    pub fn of(answer: &'a PickAnswer) -> Self {
        let key = |measure: usize| answer.measures.get(measure).map_or("", |m| &*m.key);
        let id = |candidate: usize| answer.candidates.get(candidate).map(|c| &*c.id);
        let limits = answer.limits.iter().enumerate().map(|(at, limit)| LimitJson {
            metric: key(limit.measure),
            side: match limit.side {
                LimitSide::AtMost => "at_most",
                LimitSide::AtLeast => "at_least",
            },
            bound: limit.bound,
            instead: answer.pick.binding.iter().find(|b| b.limit == at).and_then(|b| id(b.instead)),
        });
        let candidates = answer.candidates.iter().enumerate().map(|(at, c)| {
            let standing = &answer.pick.standings[at];
            CandidateJson {
                id: &c.id,
                name: &c.name,
                values: c
                    .values
                    .iter()
                    .map(|v| {
                        v.map(|v| ValueJson { value: v.value, n: v.n, sites: v.sites, half_width_95: v.half_width })
                    })
                    .collect(),
                standing: match standing {
                    Standing::Meets => "meets",
                    Standing::Breaks(_) => "breaks",
                    Standing::Unknown(_) => "unknown",
                },
                breaks: match standing {
                    Standing::Breaks(broken) => broken.iter().map(|l| key(answer.limits[*l].measure)).collect(),
                    _ => vec![],
                },
                front: match answer.fronts[at] {
                    Front::Efficient => "efficient",
                    Front::Dominated => "dominated",
                    Front::Unknown => "unknown",
                },
            }
        });
        Self {
            measures: answer
                .measures
                .iter()
                .map(|m| MeasureJson { metric: &m.key, unit: &m.metric.unit, direction: m.direction })
                .collect(),
            limits: limits.collect(),
            best: answer.pick.best.and_then(id),
            candidates: candidates.collect(),
            sentences: answer.sentences.iter().map(|s: &Sentence| &*s.en).collect(),
        }
    }
}

#[derive(Serialize)]
pub struct RunPickJson<'a> {
    as_of: Option<Millis>,
    complete: bool,
    experiment: &'a str,
    #[serde(flatten)]
    answer: PickJson<'a>,
}

impl<'a> RunPickJson<'a> {
    #[must_use]
    pub fn of(pick: &'a RunPick) -> Self {
        Self {
            as_of: pick.as_of,
            complete: pick.status.complete,
            experiment: &pick.experiment.name,
            answer: PickJson::of(&pick.answer),
        }
    }
}

#[derive(Serialize)]
pub struct FleetPickJson<'a> {
    as_of: Millis,
    simulated: bool,
    devices: Vec<DeviceJson<'a>>,
}

#[derive(Serialize)]
struct DeviceJson<'a> {
    device: Option<&'a str>,
    baseline: String,
    /// Over how many records.
    n: u64,
    #[serde(flatten)]
    answer: PickJson<'a>,
    /// Models that never ran where the baseline did.
    unranked: Vec<String>,
}

impl<'a> FleetPickJson<'a> {
    #[must_use]
    pub fn of(pick: &'a FleetPick) -> Self {
        let device = |d: &'a usecases::pick::DevicePick| DeviceJson {
            device: d.device.as_ref().map(|n| n.as_str()),
            baseline: d.baseline.key(),
            n: d.n,
            answer: PickJson::of(&d.answer),
            unranked: d.unranked.iter().map(|(model, _)| model.key()).collect(),
        };
        Self { as_of: pick.as_of, simulated: pick.simulated, devices: pick.devices.iter().map(device).collect() }
    }
}

/// What models are chosen by when nobody says.
const BEST: &str = "mAP50";

/// What both interfaces take beside where to choose. `limit` holds one limit, or several with `;` between them.
struct Asked {
    best: Option<String>,
    cost: Option<String>,
    baseline: Option<String>,
    limits: Vec<LimitQuery>,
}

/// Takes the keys of a choice out of pairs.
fn asked(all: &mut Vec<(String, String)>) -> Result<Asked> {
    let mut asked = Asked { best: None, cost: None, baseline: None, limits: vec![] };
    let mut rest = vec![];
    for (key, text) in all.drain(..) {
        let place = match key.as_str() {
            "limit" => {
                for limit in text.split(';').map(str::trim).filter(|limit| !limit.is_empty()) {
                    asked.limits.push(LimitQuery::parse(limit)?);
                }
                continue;
            }
            "best" => &mut asked.best,
            "cost" => &mut asked.cost,
            "baseline" => &mut asked.baseline,
            _ => {
                rest.push((key, text));
                continue;
            }
        };
        *place = Some(text).filter(|t| !t.is_empty());
    }
    *all = rest;
    Ok(asked)
}

/// The best model under limits, device by device.
pub async fn fleet(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let mut given = pairs(q.as_deref().unwrap_or_default())?;
    let asked = asked(&mut given)?;
    let params = QueryParams::from_pairs(given.iter().map(|(k, v)| (k.as_str(), v.as_str())), &SUMMARY)?;
    let range = params.read(s.clock.now(), &TimeZone::UTC)?.comparison();
    let query = FleetPickQuery {
        scope: range.scope,
        range: range.range,
        best: asked.best.unwrap_or_else(|| BEST.to_owned()),
        cost: asked.cost,
        limits: asked.limits,
        baseline: asked.baseline.as_deref().map(ModelKey::parse).transpose()?,
        by: domain::compare::ModelGrouping::default(),
    };
    let pick = s.metrics.pick(&query).await?;
    Ok(axum::response::IntoResponse::into_response(axum::Json(FleetPickJson::of(&pick))))
}

/// The best run of an experiment under limits.
pub async fn of_runs(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let mut given = pairs(q.as_deref().unwrap_or_default())?;
    let asked = asked(&mut given)?;
    let known = ["experiment", "filter"];
    if let Some((key, _)) = given.iter().find(|(key, _)| !known.contains(&&**key)) {
        return Err(domain::params::unknown_key(key, &known).into());
    }
    let text = |key: &str| given.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).filter(|t| !t.is_empty());
    let query = RunPickQuery {
        experiment: text("experiment")
            .ok_or_else(|| Error::bad_input(sentences::key_missing("experiment")))?
            .to_owned(),
        filter: Filter::parse(text("filter").unwrap_or_default()).map_err(Error::from)?,
        best: asked.best,
        cost: asked.cost,
        limits: asked.limits,
        baseline: asked.baseline,
    };
    runs::out_of_copy(&s.runs, &headers, "pick", q.as_deref(), || {
        runs::bytes_of(&RunPickJson::of(&s.runs.pick(&query)?))
    })
}
