//! A run of MLflow as a document, and the record that comes of it.

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Number, Value, json};

use super::{FieldRule, JsonPath, MetricKey, MetricOrigin, Origin, PathStep, RecordMapping};
use crate::{
    record::{MAX_CUSTOM_METRICS, NameNormalizer, ORIGINAL_SPELLING_KEY, Record, Refusal, TEXT_FIELDS},
    scope::clip_text,
    time::Millis,
    tracking::{Experiment, Run, exact_text, is_infinite, lookup},
};

/// What stands at the top of a run.
pub const RUN_ROOTS: [&str; 13] = [
    "run_id",
    "run_name",
    "user",
    "status",
    "start_time",
    "end_time",
    "artifact_uri",
    "params",
    "tags",
    "metrics",
    "experiment",
    "datasets",
    "made",
];
const DATASET: [&str; 4] = ["name", "digest", "context", "source"];
const MADE: [&str; 2] = ["model", "version"];
const EXPERIMENT: [&str; 3] = ["id", "name", "tags"];
/// The group of metrics whose names have none.
const PLAIN_GROUP: &str = "run";
/// What a record of a run is, unless the run says something else.
const CANDIDATE: &str = "candidate";
const EXPERIMENT_TYPE: &str = "experiment_type";

/// What belongs to a run.
#[derive(Debug, Clone, Copy)]
pub struct RunParts<'r> {
    pub run: &'r Run,
    pub experiment: &'r Experiment,
    /// The registered model and version that it made, where that is known.
    pub made: Option<(&'r str, &'r str)>,
}

/// A run as paths see it: `$.tags.customer`, `$.metrics.val/mAP50`, `$.experiment.name`, `$.datasets[0].digest`.
#[derive(Debug, Clone, Copy)]
pub struct RunDocument<'r>(pub RunParts<'r>);

enum Found<'r> {
    Text(Cow<'r, str>),
    Number(f64),
}

impl<'r> RunDocument<'r> {
    /// Whether a path may lead somewhere in a run.
    ///
    /// # Errors
    /// What may stand where it goes astray.
    pub fn check(path: &JsonPath) -> Result<(), String> {
        let named =
            |at: &str, names: &[&str]| Err(names.iter().map(|n| format!("{at}{n}")).collect::<Vec<_>>().join(", "));
        let steps = path.steps();
        let Some(PathStep::Key(root)) = steps.first() else { return named("$.", &RUN_ROOTS) };
        let key = |n: usize| match steps.get(n) {
            Some(PathStep::Key(key)) => Some(key.as_str()),
            _ => None,
        };
        match (root.as_str(), steps.len()) {
            ("params" | "tags" | "metrics", 2) if key(1).is_some() => Ok(()),
            ("params" | "tags" | "metrics", _) => named(&format!("$.{root}."), &["NAME", "…"]),
            ("experiment", 2) if key(1).is_some_and(|k| k != "tags" && EXPERIMENT.contains(&k)) => Ok(()),
            ("experiment", 3) if key(1) == Some("tags") && key(2).is_some() => Ok(()),
            ("experiment", _) => named("$.experiment.", &["id", "name", "tags.NAME"]),
            ("datasets", 3)
                if matches!(steps[1], PathStep::Index(_)) && key(2).is_some_and(|k| DATASET.contains(&k)) =>
            {
                Ok(())
            }
            ("datasets", _) => named("$.datasets[0].", &DATASET),
            ("made", 2) if key(1).is_some_and(|k| MADE.contains(&k)) => Ok(()),
            ("made", _) => named("$.made.", &MADE),
            (root, 1) if RUN_ROOTS.contains(&root) => Ok(()),
            (root, _) if RUN_ROOTS.contains(&root) => named("$.", &[root]),
            _ => named("$.", &RUN_ROOTS),
        }
    }

    fn find(&self, path: &JsonPath) -> Option<Found<'r>> {
        let RunParts { run, experiment, made } = self.0;
        let text = |text: &'r str| Some(Found::Text(Cow::Borrowed(text)));
        let time = |time: Option<Millis>| time.map(|t| Found::Text(Cow::Owned(t.to_string())));
        let key = |n: usize| match path.steps().get(n) {
            Some(PathStep::Key(key)) => Some(key.as_str()),
            _ => None,
        };
        match key(0)? {
            "run_id" => text(run.id.as_str()),
            "run_name" => text(&run.name),
            "user" => text(&run.user),
            "status" => text(run.status.as_str()),
            "start_time" => time(run.start),
            "end_time" => time(run.end),
            "artifact_uri" => text(&run.artifact_uri),
            "params" => text(run.param(key(1)?)?),
            "tags" => text(run.tag(key(1)?)?),
            "metrics" => Some(Found::Number(run.metric(key(1)?)?.value)),
            "experiment" => match key(1)? {
                "id" => text(experiment.id.as_str()),
                "name" => text(&experiment.name),
                _ => text(lookup(&experiment.tags, key(2)?)?),
            },
            "datasets" => {
                let Some(PathStep::Index(n)) = path.steps().get(1) else { return None };
                let dataset = run.datasets.get(*n)?;
                match key(2)? {
                    "name" => text(&dataset.name),
                    "digest" => text(&dataset.digest),
                    "context" => text(&dataset.context),
                    _ => text(&dataset.source),
                }
            }
            "made" => text(if key(1)? == "model" { made?.0 } else { made?.1 }),
            _ => None,
        }
    }

    /// The text of a field; `None` where there is none, or an empty one: tags are often left so.
    fn text(&self, rule: &FieldRule) -> Option<String> {
        let found = match &rule.from {
            Origin::Constant(text) => Some(text.clone()),
            Origin::Paths(paths) => paths.iter().filter_map(|path| self.find(path)).find_map(|found| {
                let text = match found {
                    Found::Text(text) => text.into_owned(),
                    Found::Number(x) => exact_text(x),
                };
                (!text.trim().is_empty()).then_some(text)
            }),
        };
        found.map(|text| rule.values.get(&text).cloned().unwrap_or(text)).or_else(|| rule.default.clone())
    }
}

/// A rule of which no path leads anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfoundRule {
    /// The field or the metric.
    pub of: String,
    pub paths: Vec<String>,
}

fn refuse<T>(code: &'static str, message: String) -> Result<T, Refusal> {
    Err(Refusal { code, message })
}

impl RecordMapping {
    /// The rules whose paths lead nowhere in any of these runs: what was misspelled, or what nobody logs.
    #[must_use]
    pub fn unfound<'r>(&self, runs: impl Iterator<Item = RunDocument<'r>>) -> Vec<UnfoundRule> {
        let fields = self.fields.iter().filter_map(|(name, rule)| match &rule.from {
            Origin::Paths(paths) => Some((name.clone(), paths.clone())),
            Origin::Constant(_) => None,
        });
        let metrics = self.metrics.iter().map(|(key, rule)| {
            let path = |origin: &'_ MetricOrigin| match origin {
                MetricOrigin::Path(path, _) => Some(path.clone()),
                MetricOrigin::Constant(_) => None,
            };
            (key.to_string(), rule.0.iter().filter_map(path).collect::<Vec<_>>())
        });
        let mut left: Vec<(String, Vec<JsonPath>)> = fields.chain(metrics).filter(|(_, p)| !p.is_empty()).collect();
        for run in runs {
            left.retain(|(_, paths)| paths.iter().all(|path| run.find(path).is_none()));
            if left.is_empty() {
                break;
            }
        }
        let told = |(of, paths): (String, Vec<JsonPath>)| UnfoundRule {
            of,
            paths: paths.iter().map(ToString::to_string).collect(),
        };
        left.into_iter().map(told).collect()
    }

    /// The record of a run: at its end, under its id, and a candidate unless the mapping finds something else.
    ///
    /// # Errors
    /// Why there is none.
    pub fn record_of_run(
        &self,
        of: &RunDocument<'_>,
        now: Millis,
        spelling: NameNormalizer,
    ) -> Result<Record, Refusal> {
        let run = of.0.run;
        let Some(end) = run.end else { return refuse("missing", "the run has no end_time".into()) };
        let mut record = Map::new();
        for (field, rule) in &self.fields {
            let Some(text) = of.text(rule) else { continue };
            let value = match field.as_str() {
                "samples" => number_of("samples", &text)?,
                "simulated" => match text.trim().to_ascii_lowercase().as_str() {
                    "true" => json!(true),
                    "false" => json!(false),
                    _ => {
                        let got = clip_text(&text);
                        return refuse("wrong_type", format!("simulated is the text “{got}”, not true or false"));
                    }
                },
                _ => Value::String(text),
            };
            record.insert(field.clone(), value);
        }
        record.entry(EXPERIMENT_TYPE).or_insert_with(|| CANDIDATE.into());
        record.insert("run_id".into(), run.id.as_str().into());
        record.insert("timestamp".into(), end.to_string().into());
        let used = self.put_metrics(of, &mut record)?;
        self.put_others(run, &used, &mut record)?;
        Record::parse_normalized(record, now, spelling)
    }

    /// Metrics that have a rule. Returns the names under which the run has them.
    fn put_metrics<'m>(
        &'m self,
        of: &RunDocument<'_>,
        record: &mut Map<String, Value>,
    ) -> Result<HashSet<&'m str>, Refusal> {
        let mut used = HashSet::new();
        for (key, rule) in &self.metrics {
            for origin in &rule.0 {
                let (value, name) = match origin {
                    MetricOrigin::Constant(number) => (number_of_text(number), None),
                    MetricOrigin::Path(path, conversion) => match of.find(path) {
                        None => continue,
                        Some(Found::Text(text)) if text.trim().is_empty() => continue,
                        Some(Found::Text(text)) => {
                            let Some(x) = number_of_text(&text) else {
                                let got = clip_text(&text);
                                return refuse(
                                    "wrong_type",
                                    format!("{key} ({path}) is the text “{got}”, not a number"),
                                );
                            };
                            (Some(conversion.map_or(x, |c| c.apply(x))), Some(path))
                        }
                        Some(Found::Number(x)) => (Some(conversion.map_or(x, |c| c.apply(x))), Some(path)),
                    },
                };
                let Some(number) = value.and_then(finite) else {
                    let from = name.map_or_else(String::new, |path| format!(" ({path})"));
                    return refuse("not_finite", format!("{key}{from} is not finite"));
                };
                put(record, key.clone(), number);
                if let Some([PathStep::Key(root), PathStep::Key(name)]) = name.map(JsonPath::steps)
                    && root == "metrics"
                {
                    used.insert(name.as_str());
                }
                break;
            }
        }
        Ok(used)
    }

    /// Metrics without a rule, under their own names; what is not finite has no place in a record.
    fn put_others(&self, run: &Run, used: &HashSet<&str>, record: &mut Map<String, Value>) -> Result<(), Refusal> {
        let own = run.metrics.iter().filter(|m| !used.contains(&*m.key) && self.others.takes(&m.key));
        let finite: Vec<_> = own.filter_map(|m| Some((&*m.key, finite(m.value)?))).collect();
        if finite.len() > MAX_CUSTOM_METRICS {
            let n = finite.len();
            let message = format!(
                "the run has {n} metrics without a rule, more than {MAX_CUSTOM_METRICS}; say under other_metrics which are wanted"
            );
            return refuse("out_of_range", message);
        }
        for (name, number) in finite {
            let taken = |key: &MetricKey| {
                let group = record.get(&key.group);
                group.is_some_and(|g| g.as_object().is_none_or(|g| has_leaf(g, &key.leaf)))
            };
            let mut key = MetricKey::of_run_metric(name);
            if taken(&key) || is_reserved_group(&key.group) {
                key = MetricKey::whole(name);
            }
            if taken(&key) {
                return refuse("wrong_type", format!("several metrics of the run would be called {key}"));
            }
            put(record, key, number);
        }
        Ok(())
    }
}

/// Leaves are the same in any case.
fn has_leaf(group: &Map<String, Value>, leaf: &str) -> bool {
    group.keys().any(|known| known.eq_ignore_ascii_case(leaf))
}

/// Whether a group of metrics cannot be called so, because a record has a field of this name.
#[must_use]
pub fn is_reserved_group(name: &str) -> bool {
    TEXT_FIELDS.contains(&name) || ["timestamp", "samples", "simulated", ORIGINAL_SPELLING_KEY].contains(&name)
}

impl MetricKey {
    /// Of a metric of a run: what stands before the last slash is its group.
    fn of_run_metric(name: &str) -> Self {
        let (group, leaf) = name.rsplit_once('/').unwrap_or((PLAIN_GROUP, name));
        Self { group: in_key(group), leaf: in_key(leaf) }
    }

    /// The same with its whole name as the leaf.
    fn whole(name: &str) -> Self {
        Self { group: PLAIN_GROUP.to_owned(), leaf: in_key(name).replace('/', "_") }
    }
}

/// Characters that mean something in addresses, and at the ends blanks, are none of a key's.
fn in_key(text: &str) -> String {
    text.trim().replace(['.', ',', '&', '='], "_")
}

impl std::fmt::Display for MetricKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.group, self.leaf)
    }
}

fn put(record: &mut Map<String, Value>, key: MetricKey, number: Value) {
    match record.entry(key.group).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(group) => drop(group.insert(key.leaf, number)),
        // No rule has a group that is called like a field.
        _ => debug_assert!(false, "a group of metrics is an object"),
    }
}

/// A number that JSON has; MLflow keeps the largest one where infinity was logged.
fn finite(x: f64) -> Option<Value> {
    Number::from_f64(x).filter(|_| !is_infinite(x)).map(Value::Number)
}

fn number_of_text(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

fn number_of(field: &str, text: &str) -> Result<Value, Refusal> {
    match number_of_text(text) {
        Some(x) => match finite(x) {
            Some(number) => Ok(number),
            None => refuse("not_finite", format!("{field} is not finite")),
        },
        None => refuse("wrong_type", format!("{field} is the text “{}”, not a number", clip_text(text))),
    }
}
