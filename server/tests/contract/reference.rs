//! The arithmetic of product.md once more, as plainly as it can be written: over all rows in memory, no index, no merging.
//! What the adapters answer is compared with this.

use std::collections::BTreeMap;

use domain::{
    ports::AppendCounts,
    scope::{Model, Scope},
    time::{Millis, Step, TimeRange},
};
use serde_json::{Value, json};

/// One generated record. Small alphabets, so that identities meet again.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub at: Millis,
    pub customer: &'static str,
    pub site: Option<&'static str>,
    pub zone: Option<&'static str>,
    pub task: &'static str,
    pub kind: Option<&'static str>,
    pub model: Option<(&'static str, Option<&'static str>)>,
    pub device: Option<&'static str>,
    pub content: Content,
}

/// What is no part of the identity.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub samples: Option<u32>,
    pub simulated: bool,
    /// In thousandths: mAP50, latency, and the metric `mse` that no catalogue knows.
    pub values: [Option<u16>; METRICS.len()],
}

/// The keys of the generated metrics.
pub const METRICS: [&str; 3] = ["mAP50", "inference_time_ms", "mse"];

impl Row {
    pub fn json(&self) -> Value {
        let x = |i: usize| self.value(i).map_or(Value::Null, |v| json!(v));
        json!({
            "timestamp": self.at.to_string(), "customer": self.customer, "site": self.site, "zone": self.zone,
            "task": self.task, "experiment_type": self.kind, "model_architecture": self.model.map(|m| m.0),
            "model_version": self.model.and_then(|m| m.1), "device": self.device, "samples": self.content.samples,
            "simulated": self.content.simulated, "detection": {"mAP50": x(0)}, "system": {"inference_time_ms": x(1)},
            "custom": {"mse": x(2)},
        })
    }

    pub fn value(&self, metric: usize) -> Option<f64> {
        self.content.values[metric].map(|v| f64::from(v) / 1000.0)
    }

    pub fn weight(&self) -> f64 {
        f64::from(self.content.samples.unwrap_or(1))
    }

    pub fn identity(&self) -> String {
        let Self { at, customer, site, zone, task, kind, model, device, content: _ } = self;
        format!("{:?}", (at, customer, site, zone, task, kind, model, device))
    }

    pub fn lies_in(&self, scope: &Scope) -> bool {
        let fits = |asked: &Option<domain::text::Name>, have: Option<&str>| {
            asked.as_ref().is_none_or(|a| Some(a.as_str()) == have)
        };
        fits(&scope.customer, Some(self.customer))
            && fits(&scope.site, self.site)
            && fits(&scope.zone, self.zone)
            && fits(&scope.task, Some(self.task))
            && fits(&scope.device, self.device)
            && match scope.kind.as_str() {
                "production" => self.kind.is_none() || self.kind == Some("production"),
                "candidate" => self.kind == Some("candidate"),
                _ => true,
            }
    }

    /// Its model as addresses write it.
    pub fn model_key(&self) -> Option<String> {
        self.model.map(|(a, v)| v.map_or_else(|| a.to_owned(), |v| format!("{a}:{v}")))
    }

    pub fn is_of(&self, model: &Model) -> bool {
        self.model.is_some_and(|(a, v)| {
            a == model.architecture.as_str() && model.version.as_ref().is_none_or(|m| Some(m.as_str()) == v)
        })
    }
}

/// The rows that count, each with its arrival number.
#[derive(Debug, Default)]
pub struct Reference {
    rows: BTreeMap<String, (usize, Row)>,
    arrived: usize,
}

impl Reference {
    pub fn take(&mut self, batch: &[Row]) -> AppendCounts {
        let mut counts = AppendCounts::default();
        for row in batch {
            self.arrived += 1;
            let key = row.identity();
            match self.rows.get(&key) {
                Some((_, known)) if known.content == row.content => {
                    counts.duplicate += 1;
                    continue;
                }
                Some(_) => counts.corrected += 1,
                None => counts.taken += 1,
            }
            self.rows.insert(key, (self.arrived, row.clone()));
        }
        counts
    }

    /// The rows of a scope, in order of arrival.
    pub fn rows(&self, scope: &Scope) -> Vec<&Row> {
        let mut rows: Vec<&(usize, Row)> = self.rows.values().filter(|(_, r)| r.lies_in(scope)).collect();
        rows.sort_by_key(|(arrival, _)| *arrival);
        rows.into_iter().map(|(_, r)| r).collect()
    }

    pub fn remove_simulated(&mut self) -> u64 {
        let before = self.rows.len();
        self.rows.retain(|_, (_, r)| !r.content.simulated);
        (before - self.rows.len()) as u64
    }
}

/// The numbers of one metric over some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    pub n: u64,
    pub weight: f64,
    pub mean: f64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub latest: (Millis, f64),
}

/// `None` when no row has the metric.
pub fn numbers(rows: &[&Row], metric: usize) -> Option<Numbers> {
    let have: Vec<(&Row, f64)> = rows.iter().filter_map(|r| Some((*r, r.value(metric)?))).collect();
    let weight: f64 = have.iter().map(|(r, _)| r.weight()).sum();
    let mut sorted: Vec<f64> = have.iter().map(|(_, x)| *x).collect();
    sorted.sort_by(f64::total_cmp);
    // The k-th of n values lies at (k - 1) / (n - 1); between two, linearly.
    let quantile = |q: f64| {
        let position = q * (sorted.len() - 1) as f64;
        let (low, high) = (sorted[position.floor() as usize], sorted[position.ceil() as usize]);
        low + (high - low) * position.fract()
    };
    // Rows are in order of arrival, and max_by_key gives the last of equals.
    let (newest, latest) = have.iter().max_by_key(|(r, _)| r.at)?;
    Some(Numbers {
        n: have.len() as u64,
        weight,
        mean: have.iter().map(|(r, x)| r.weight() * x).sum::<f64>() / weight,
        min: sorted[0],
        max: sorted[sorted.len() - 1],
        p50: quantile(0.5),
        p95: quantile(0.95),
        p99: quantile(0.99),
        latest: (newest.at, *latest),
    })
}

pub fn within<'a>(rows: &[&'a Row], range: &TimeRange) -> Vec<&'a Row> {
    rows.iter().copied().filter(|r| range.from() <= r.at && r.at < range.to()).collect()
}

/// The rows of each step, by the step's start; steps lie on whole multiples since the epoch.
pub fn by_step<'a>(rows: &[&'a Row], step: Step) -> BTreeMap<Millis, Vec<&'a Row>> {
    let mut steps: BTreeMap<Millis, Vec<&Row>> = BTreeMap::new();
    for r in rows {
        steps.entry(Millis(r.at.0 / step.ms() * step.ms())).or_default().push(r);
    }
    steps
}
