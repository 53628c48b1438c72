//! What MLflow's answers look like: lists and fields that are empty are left out, numbers may be texts, and NaN is one.

use std::collections::HashSet;

use domain::{
    time::Millis,
    tracking::{
        DatasetInput, Experiment, ExperimentId, Lifecycle, LoggedModel, MadeVersion, MetricPoint, Run, RunId,
        RunMetric, RunStatus, Text, lookup,
    },
};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;

/// The body of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ErrorBody {
    #[serde(rename = "error_code")]
    pub code: String,
}

impl ErrorBody {
    /// Empty for what is none.
    pub fn of(body: &[u8]) -> Self {
        serde_json::from_slice(body).unwrap_or_default()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ExperimentsPage {
    pub experiments: Vec<WireExperiment>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireExperiment {
    experiment_id: String,
    name: Text,
    artifact_location: Text,
    lifecycle_stage: String,
    #[serde(deserialize_with = "some_integer")]
    last_update_time: Option<i64>,
    #[serde(deserialize_with = "some_integer")]
    creation_time: Option<i64>,
    tags: Vec<Pair>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pair {
    key: Text,
    value: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct RunsPage<'a> {
    pub runs: Vec<WireRun<'a>>,
    pub next_page_token: String,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct OneRun<'a> {
    pub run: WireRun<'a>,
}

#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "'de: 'a"))]
pub struct WireRun<'a> {
    info: Info,
    #[serde(default)]
    data: Data<'a>,
    #[serde(default)]
    inputs: Inputs,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Info {
    run_id: String,
    /// As older versions name it.
    run_uuid: String,
    experiment_id: String,
    run_name: Text,
    user_id: Text,
    status: String,
    #[serde(deserialize_with = "some_integer")]
    start_time: Option<i64>,
    #[serde(deserialize_with = "some_integer")]
    end_time: Option<i64>,
    artifact_uri: Text,
    lifecycle_stage: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct Data<'a> {
    metrics: Vec<WireMetric<'a>>,
    params: Vec<Pair>,
    tags: Vec<Pair>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireMetric<'a> {
    key: Text,
    /// Read by the standard library: serde_json is not exact, and takes the largest number for none.
    #[serde(borrow)]
    value: Option<&'a RawValue>,
    #[serde(deserialize_with = "integer")]
    timestamp: i64,
    #[serde(deserialize_with = "integer")]
    step: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Inputs {
    dataset_inputs: Vec<WireDatasetInput>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireDatasetInput {
    tags: Vec<Pair>,
    dataset: WireDataset,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireDataset {
    name: Text,
    digest: Text,
    source: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub struct HistoryPage<'a> {
    pub metrics: Vec<WireMetric<'a>>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ArtifactsPage {
    pub files: Vec<WireFile>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireFile {
    pub path: String,
    pub is_dir: bool,
    #[serde(deserialize_with = "some_integer")]
    pub file_size: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ModelsPage {
    pub models: Vec<WireModel>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireModel {
    info: WireModelInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireModelInfo {
    model_id: Text,
    name: Text,
    status: String,
    model_type: Text,
    source_run_id: String,
    #[serde(deserialize_with = "some_integer", alias = "creation_timestamp")]
    creation_timestamp_ms: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct VersionsPage {
    pub model_versions: Vec<WireVersion>,
    pub next_page_token: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WireVersion {
    name: Text,
    #[serde(deserialize_with = "integer")]
    version: i64,
}

/// An integer as a number or as text.
fn integer<'de, D: Deserializer<'de>>(d: D) -> Result<i64, D::Error> {
    some_integer(d).map(Option::unwrap_or_default)
}

fn some_integer<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Integer {
        Number(i64),
        Text(String),
    }
    match Option::<Integer>::deserialize(d)? {
        None => Ok(None),
        Some(Integer::Number(n)) => Ok(Some(n)),
        Some(Integer::Text(t)) => t.parse().map(Some).map_err(|_| D::Error::custom("no integer")),
    }
}

/// A number as JSON has it, or NaN and infinities as texts. Infinities become the largest finite numbers, as MLflow keeps them.
fn number(raw: Option<&RawValue>) -> Option<f64> {
    let text = raw.map_or("0", RawValue::get);
    let text = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    text.parse::<f64>().ok().map(|x| x.clamp(f64::MIN, f64::MAX))
}

fn pairs(pairs: Vec<Pair>) -> Vec<(Text, Text)> {
    pairs.into_iter().map(|p| (p.key, p.value)).collect()
}

/// Deleted things are told apart by one word.
fn lifecycle(stage: &str) -> Lifecycle {
    if stage.eq_ignore_ascii_case("deleted") { Lifecycle::Deleted } else { Lifecycle::Active }
}

impl WireExperiment {
    /// `None` for what has no id that could be one; the log says so.
    pub fn into_domain(self) -> Option<Experiment> {
        let id = ExperimentId::parse(&self.experiment_id)
            .inspect_err(|e| tracing::warn!("an experiment of MLflow is left out: {e}"))
            .ok()?;
        let mut tags = pairs(self.tags);
        tags.sort_by(|a, b| a.0.cmp(&b.0));
        tags.dedup_by(|b, a| a.0 == b.0);
        Some(Experiment {
            id,
            name: self.name,
            lifecycle: lifecycle(&self.lifecycle_stage),
            artifact_location: self.artifact_location,
            created: self.creation_time.map(Millis),
            updated: self.last_update_time.map(Millis),
            tags,
        })
    }
}

impl WireRun<'_> {
    /// `None` for what has no ids that could be some; the log says so. A metric that is no number is left out.
    pub fn into_domain(self) -> Option<Run> {
        let info = self.info;
        let id = if info.run_id.is_empty() { &info.run_uuid } else { &info.run_id };
        let ids = RunId::parse(id).and_then(|id| Ok((id, ExperimentId::parse(&info.experiment_id)?)));
        let (id, experiment) = ids.inspect_err(|e| tracing::warn!("a run of MLflow is left out: {e}")).ok()?;
        let metric = |m: WireMetric<'_>| {
            let value = number(m.value)?;
            Some(RunMetric { key: m.key, value, step: m.step, timestamp: Millis(m.timestamp), extremes: None })
        };
        let mut run = Run {
            id,
            experiment,
            name: info.run_name,
            user: info.user_id,
            // What is none of ours may still go on.
            status: RunStatus::parse(&info.status).unwrap_or(RunStatus::Running),
            start: info.start_time.map(Millis),
            end: info.end_time.map(Millis),
            artifact_uri: info.artifact_uri,
            lifecycle: lifecycle(&info.lifecycle_stage),
            metrics: self.data.metrics.into_iter().filter_map(metric).collect(),
            params: pairs(self.data.params),
            tags: pairs(self.data.tags),
            datasets: self.inputs.dataset_inputs.into_iter().map(WireDatasetInput::into_domain).collect(),
        }
        .sorted();
        // Older versions keep names and users in tags alone.
        for (text, key) in [(&mut run.name, "mlflow.runName"), (&mut run.user, "mlflow.user")] {
            if text.is_empty()
                && let Some(tag) = lookup(&run.tags, key)
            {
                *text = tag.into();
            }
        }
        Some(run)
    }
}

impl WireDatasetInput {
    fn into_domain(self) -> DatasetInput {
        let context = self.tags.into_iter().find(|t| &*t.key == "mlflow.data.context").map(|t| t.value);
        let WireDataset { name, digest, source } = self.dataset;
        DatasetInput { name, digest, context: context.unwrap_or_else(|| "".into()), source }
    }
}

impl WireMetric<'_> {
    /// `None` for what is no number.
    pub fn into_point(self) -> Option<MetricPoint> {
        Some(MetricPoint { step: self.step, timestamp: Millis(self.timestamp), value: number(self.value)? })
    }
}

impl WireModel {
    /// `None` for a model of another run.
    pub fn made_by(self, run: &RunId) -> Option<LoggedModel> {
        let info = self.info;
        let status = info.status.strip_prefix("LOGGED_MODEL_").unwrap_or(&info.status).into();
        let created = info.creation_timestamp_ms.map(Millis);
        (info.source_run_id == run.as_str()).then_some(LoggedModel {
            id: info.model_id,
            name: info.name,
            status,
            kind: info.model_type,
            created,
        })
    }
}

impl WireVersion {
    pub fn into_domain(self) -> MadeVersion {
        MadeVersion { model: self.name, version: self.version.to_string().into() }
    }
}

/// Leaves out what comes a second time.
pub fn once<T, K: std::hash::Hash + Eq>(items: &mut Vec<T>, seen: &mut HashSet<K>, key: impl Fn(&T) -> K) {
    items.retain(|item| seen.insert(key(item)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_exactly_and_infinities_become_the_largest_ones() {
        let body = r#"{"metrics":[{"value":0.30000000000000004},{"value":1.7976931348623157e+308},{"value":"-Infinity"},
            {"value":"Infinity"},{"value":5e-324},{"value":-1e999},{"value":"NaN"},{},{"value":7,"step":"9007199254740993"}]}"#;
        let page: HistoryPage<'_> = serde_json::from_str(body).expect("a page");
        let points: Vec<_> = page.metrics.into_iter().map(|m| m.into_point().expect("a number")).collect();
        let values: Vec<_> = points.iter().map(|p| p.value).collect();
        let expected = [0.1 + 0.2, f64::MAX, f64::MIN, f64::MAX, 5e-324, f64::MIN];
        assert_eq!(values[..6], expected);
        assert!(values[6].is_nan());
        assert_eq!((values[7], values[8], points[8].step), (0.0, 7.0, 9_007_199_254_740_993));
        let wrong: HistoryPage<'_> =
            serde_json::from_str(r#"{"metrics":[{"value":"x"},{"value":[1]}]}"#).expect("a page");
        assert!(wrong.metrics.into_iter().all(|m| m.into_point().is_none()));
    }

    #[test]
    fn a_run_of_an_older_version_and_one_without_anything_are_read() {
        let body = r#"{"info":{"run_uuid":"a1","experiment_id":"0","status":"NEW","start_time":"5"},
            "data":{"tags":[{"key":"mlflow.runName","value":"n"},{"key":"mlflow.user"}]},"surprise":[{}]}"#;
        let run = serde_json::from_str::<WireRun<'_>>(body).expect("a run").into_domain().expect("an id");
        assert_eq!((&*run.name, &*run.user, run.status, run.start), ("n", "", RunStatus::Running, Some(Millis(5))));
        let nobody = serde_json::from_str::<WireRun<'_>>(r#"{"info":{"run_id":"../x","experiment_id":"0"}}"#);
        assert!(nobody.expect("a run").into_domain().is_none());
    }
}
