//! Runs side by side, for programs: what `/api/runs/compare` and `guardianflow runs compare --json` answer.

use axum::{extract::RawQuery, http::HeaderMap};
use domain::{
    Error,
    metric::{ChangeVerdict, Direction},
    params::known_pairs,
    time::Millis,
    tracking::{ComparedRuns, MetricRow, ParamCorrelation, RunId, TextRow, search::AskedSort},
};
use serde::Serialize;
use usecases::tracking::{RunComparison, RunComparisonQuery};

use super::{
    Answer, bytes_of,
    json::{Number, RunJson},
    needed, out_of_copy, text,
};
use crate::http::ActorServices;

/// Lists by run are in the order of `runs`.
#[derive(Serialize)]
pub struct ComparisonJson<'a> {
    as_of: Option<Millis>,
    complete: bool,
    baseline: &'a RunId,
    runs: Vec<RunJson<'a>>,
    metrics: Vec<MetricJson<'a>>,
    params: Vec<TextJson<'a>>,
    tags: Vec<TextJson<'a>>,
    /// What parameters are correlated with.
    metric: Option<&'a str>,
    correlations: Vec<CorrelationJson<'a>>,
}

#[derive(Serialize)]
struct MetricJson<'a> {
    metric: &'a str,
    direction: Direction,
    /// Whether the direction was guessed from the name.
    assumed: bool,
    differs: bool,
    values: Vec<Option<Number>>,
    /// From the baseline; null for itself.
    differences: Vec<Option<DifferenceJson>>,
}

#[derive(Serialize)]
struct DifferenceJson {
    by: f64,
    /// As a part of the size of the baseline's value.
    relative: Option<f64>,
    verdict: ChangeVerdict,
}

#[derive(Serialize)]
struct TextJson<'a> {
    key: &'a str,
    differs: bool,
    values: Vec<Option<&'a str>>,
}

#[derive(Serialize)]
struct CorrelationJson<'a> {
    param: &'a str,
    /// Spearman's, from −1 to 1.
    rho: f64,
    n: usize,
    /// Of a parameter of two texts: the one that counts as the higher.
    higher: Option<&'a str>,
}

impl<'a> ComparisonJson<'a> {
    /// `differing` leaves out what is equal in all runs.
    #[must_use]
    pub fn of(c: &'a RunComparison, differing: bool) -> Self {
        let ComparedRuns { metrics, params, tags } = &c.rows;
        let metric = |m: &'a MetricRow| MetricJson {
            metric: &m.key,
            direction: m.name.direction,
            assumed: m.name.assumed,
            differs: m.differs,
            values: m.values.iter().map(|v| v.map(Number)).collect(),
            differences: m
                .differences
                .iter()
                .map(|d| d.map(|d| DifferenceJson { by: d.by, relative: d.relative, verdict: d.verdict }))
                .collect(),
        };
        let text = |t: &'a TextRow| TextJson {
            key: &t.key,
            differs: t.differs,
            values: t.values.iter().map(|v| v.as_deref()).collect(),
        };
        let texts = |rows: &'a [TextRow]| rows.iter().filter(|t| t.differs || !differing).map(text).collect();
        let correlation = |p: &'a ParamCorrelation| CorrelationJson {
            param: &p.key,
            rho: p.correlation.rho,
            n: p.correlation.n,
            higher: p.higher.as_deref(),
        };
        Self {
            as_of: c.as_of,
            complete: c.status.complete,
            baseline: &c.runs[c.baseline].id,
            runs: c.runs.iter().map(|r| RunJson::of(r)).collect(),
            metrics: metrics.iter().filter(|m| m.differs || !differing).map(metric).collect(),
            params: texts(params),
            tags: texts(tags),
            metric: c.metric.as_deref(),
            correlations: c.correlations.iter().map(correlation).collect(),
        }
    }
}

/// Runs side by side: `ids` with commas between them, each an id or the beginning of one.
pub async fn compare(ActorServices(s): ActorServices, RawQuery(q): RawQuery, headers: HeaderMap) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["ids", "baseline", "sort", "metric", "diff"])?;
    let ids = needed(&pairs, "ids")?.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
    let given = |key: &str| text(&pairs, key).map(str::to_owned);
    let query = RunComparisonQuery {
        runs: ids.collect(),
        baseline: given("baseline"),
        sort: match text(&pairs, "sort") {
            Some(sort) => Some(AskedSort::parse(sort).map_err(Error::from)?),
            None => None,
        },
        metric: given("metric"),
    };
    let differing = text(&pairs, "diff").map(|t| domain::params::flag("diff", t)).transpose()?.unwrap_or(false);
    out_of_copy(&s.runs, &headers, "compare", q.as_deref(), || {
        bytes_of(&ComparisonJson::of(&s.runs.compare(&query)?, differing))
    })
}
