//! Questions about records and their answers. Field names of the answers are the public REST format.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    cells::Edges,
    custom::{Beyond, Custom},
    declared::Declared,
    error::{Error, Result},
    metric::{Aggregation, CATALOGUE, Direction, Metric, built_in},
    model::{Link, ModelKey, Registered},
    scope::{Model, ModelTags, Place, Scope, clip},
    sentences,
    state::{DataState, Health},
    text::Name,
    time::{Millis, Step, TimeRange},
};

/// Metrics that a question is about: what nobody looks at need not be worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Metrics {
    #[default]
    All,
    /// Those with these keys, as answers write them.
    Only(Vec<String>),
    /// What a page shows of a scope that may have thousands.
    Page(MetricPage),
}

/// Some of the metrics that a scope has, in their order: the first [`LEADING`], and `take` of them after `skip`; beside them
/// those of `always`, whether the scope has them or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricPage {
    /// Keys, in any case.
    pub always: Vec<String>,
    pub skip: usize,
    pub take: usize,
}

/// So many of a scope's metrics are on every page of them: what it is judged by where the catalogue's are missing.
pub const LEADING: usize = 5;

impl Metrics {
    pub fn only(keys: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Only(keys.into_iter().map(Into::into).collect())
    }

    #[must_use]
    pub fn none() -> Self {
        Self::Only(vec![])
    }

    /// Those that are judged by their tail: latencies.
    #[must_use]
    pub fn with_tail() -> Self {
        Self::only(CATALOGUE.iter().filter(|m| m.aggregation == Aggregation::WeightedMeanAndTail).map(|m| &*m.key))
    }

    #[must_use]
    pub fn holds(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(keys) => keys.iter().any(|k| k == key),
            // Its place among the scope's decides as well.
            Self::Page(page) => page.always.iter().any(|k| k.eq_ignore_ascii_case(key)),
        }
    }
}

/// How a scope did over a range, against an earlier one.
#[derive(Debug, Clone, PartialEq)]
pub struct SummaryQuery {
    pub scope: Scope,
    pub range: TimeRange,
    /// The period with which it is compared; see [`crate::time::Against`].
    pub earlier: TimeRange,
    /// Also answer for each child of the scope.
    pub children: bool,
    /// Of the fleet: also answer for each site.
    pub sites: bool,
    /// About which metrics.
    pub metrics: Metrics,
    /// Of which of these the earlier period's quantiles are given as well: they cost as much as those of the range.
    pub earlier_quantiles: Metrics,
    /// Also give the course of each metric.
    pub course: Option<Course>,
    /// The present moment: ages are taken at min(`to`, now).
    pub now: Millis,
}

/// Over which range a course goes, and where it is cut.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub range: TimeRange,
    pub edges: Edges,
}

impl Course {
    /// In steps from the range's own beginning, so that none is cut off: half a day at the end would look like a change.
    #[must_use]
    pub fn of_steps(range: TimeRange, step: Step) -> Self {
        Self { range, edges: Edges::every(range.from(), step) }
    }

    /// Cut at these instants. The first begins it, the last ends it.
    ///
    /// # Errors
    /// Fewer than two of them.
    pub fn between(instants: &[Millis]) -> Result<Self> {
        let mut sorted = instants.to_vec();
        sorted.sort_unstable();
        let ends = sorted.first().zip(sorted.last()).ok_or_else(|| Error::internal(sentences::no_instants()))?;
        Ok(Self { range: TimeRange::new(*ends.0, *ends.1)?, edges: Edges::at(sorted) })
    }

    /// The number of its first stretch.
    pub(crate) fn first(&self) -> u32 {
        self.edges.stretch(self.range.from())
    }

    /// Its stretches: from when until before when each lasts, the last as long as the edges say.
    #[must_use]
    pub fn stretches(&self) -> Vec<(Millis, Millis)> {
        let last = self.edges.stretch(self.range.to().plus(-1));
        let ends = |stretch: u32| {
            let (from, to) = self.edges.bounds(stretch);
            (from.unwrap_or(self.range.from()), to.unwrap_or(self.range.to()))
        };
        (self.first()..=last).map(ends).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    /// When the newest arrival was that the answer knows of.
    pub as_of: Millis,
    pub health: Health,
    pub simulated: bool,
    pub metrics: Vec<MetricSummary>,
    /// When the scope's records begin, where that is after the beginning of the earlier period.
    #[serde(skip)]
    pub since: Option<Millis>,
    /// Records in the range.
    #[serde(skip)]
    pub records: u64,
    /// The keys of all metrics that the scope has, in their order, when a page of them was asked for.
    #[serde(skip)]
    pub present: Vec<String>,
    pub children: Vec<ChildSummary>,
    /// Every site of the fleet, when asked for.
    #[serde(skip)]
    pub sites: Vec<ChildSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChildSummary {
    pub scope: Scope,
    pub health: Health,
    pub simulated: bool,
    /// Records in the range.
    #[serde(skip)]
    pub records: u64,
    pub metrics: Vec<MetricSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricSummary {
    pub metric: String,
    pub unit: String,
    pub direction: Direction,
    /// Σwx/Σw over the range.
    pub value: Option<f64>,
    /// The same over the earlier period.
    pub previous: Option<f64>,
    /// `value` minus `previous`.
    pub delta: Option<f64>,
    /// Records in the range that have this metric.
    pub n: u64,
    /// Σw of these records.
    pub weight: f64,
    pub sites_reporting: u32,
    pub sites_expected: u32,
    pub latest: Option<LatestValue>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    /// The quantiles over the earlier period, and by how much those of the range differ from them; where asked for.
    #[serde(flatten)]
    pub earlier_quantiles: Option<EarlierQuantiles>,
    pub state: DataState,
    /// The devices whose numbers were put together, where that matters and there is more than one.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<String>,
    /// True when at least one record behind the number is simulated.
    pub simulated: bool,
    /// True when direction and range were guessed from the name.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub assumed: bool,
    #[serde(skip)]
    /// The mean of each stretch of the question's course; `None` where no record was.
    pub course: Vec<Option<f64>>,
}

/// A difference is `None` where the range has no record with the metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlierQuantiles {
    pub previous_p50: f64,
    pub previous_p95: f64,
    pub previous_p99: f64,
    pub delta_p50: Option<f64>,
    pub delta_p95: Option<f64>,
    pub delta_p99: Option<f64>,
}

impl EarlierQuantiles {
    /// From p50, p95 and p99 of the earlier period and of the range.
    #[must_use]
    pub fn new(before: [f64; 3], now: Option<[f64; 3]>) -> Self {
        let delta = |i: usize| now.map(|now| now[i] - before[i]);
        Self {
            previous_p50: before[0],
            previous_p95: before[1],
            previous_p99: before[2],
            delta_p50: delta(0),
            delta_p95: delta(1),
            delta_p99: delta(2),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatestValue {
    pub value: f64,
    pub timestamp: Millis,
}

/// How one metric moved.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    pub metric: String,
    pub range: TimeRange,
    pub step: Step,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub step: Step,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// The devices on which the values were measured, as far as their records name one.
    pub devices: Vec<String>,
    /// Only steps with records, in order of time.
    pub points: Vec<TrendPoint>,
    /// First records of a model version in the scope within the range; at most twenty.
    pub changes: Vec<ModelChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrendPoint {
    /// The start of the step.
    pub t: Millis,
    pub value: f64,
    pub n: u64,
    pub min: f64,
    pub max: f64,
    pub p50: f64,
    pub p95: f64,
}

/// A model version that was not seen in the scope before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChange {
    pub t: Millis,
    /// Its tags as they were first seen; empty for none.
    pub architecture: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_version: Option<String>,
    /// In how many zones it appeared, until a day passed without another.
    pub zones: u32,
}

impl ModelChange {
    /// The model as people read it.
    #[must_use]
    pub fn name(&self) -> String {
        let (name, version) = match &self.registered_model {
            Some(name) => (name.as_str(), self.registered_version.as_deref()),
            None => (self.architecture.as_str(), Some(self.version.as_str())),
        };
        ModelTags { architecture: name, version }.to_string()
    }
}

/// Where one metric is worst, by zone and device.
#[derive(Debug, Clone, PartialEq)]
pub struct WorstQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    pub metric: String,
    pub range: TimeRange,
    /// How many rows at most.
    pub limit: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worst {
    pub scope: Scope,
    pub metric: String,
    pub unit: String,
    pub direction: Direction,
    /// Which quantile `tail` is: 0.95, or 0.05 where more is better.
    pub quantile: f64,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// Worst first.
    pub rows: Vec<WorstRow>,
    /// How many there are in all.
    pub of: usize,
}

/// A zone on one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstRow {
    #[serde(flatten)]
    pub place: Place,
    pub device: Option<Name>,
    /// The quantile over records that [`Worst::quantile`] names.
    pub tail: f64,
    pub p50: f64,
    /// The mean weighted by samples.
    pub value: f64,
    /// Records.
    pub n: u64,
    pub simulated: bool,
}

/// How the models of a scope did side by side.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonQuery {
    pub scope: Scope,
    pub range: TimeRange,
    /// About which metrics.
    pub metrics: Metrics,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    pub simulated: bool,
    /// By number of records, most first.
    pub models: Vec<ModelSummary>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelSummary {
    /// As its records say; `None` where they say nothing, or not the same.
    pub architecture: Option<String>,
    pub version: Option<String>,
    /// The version of a registry that its records belong to, where one is known.
    pub registered_model: Option<String>,
    pub registered_version: Option<String>,
    /// How it is known which model its records belong to.
    pub links: Vec<Link>,
    pub n: u64,
    /// In how many zones it ran.
    pub zones: u32,
    pub first: Millis,
    pub last: Millis,
    /// The devices on which it ran, as far as its records name one.
    pub devices: Vec<String>,
    pub metrics: BTreeMap<String, ModelMetric>,
}

impl ModelSummary {
    /// The model that it is about; `None` where its records name none.
    #[must_use]
    pub fn key(&self) -> Option<ModelKey> {
        let name = |t: &Option<String>| t.as_deref().and_then(|t| Name::stored(t).ok());
        if let Some(model) = name(&self.registered_model) {
            return Some(ModelKey::Registered(Registered { name: model, version: name(&self.registered_version) }));
        }
        Some(Model { architecture: name(&self.architecture)?, version: name(&self.version) }.into())
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelMetric {
    pub value: Option<f64>,
    pub n: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// As in [`MetricSummary`].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub devices: Vec<String>,
}

/// Which rows are behind a number: newest first, `take` of them after `skip`.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordsQuery {
    pub scope: Scope,
    pub model: Option<ModelKey>,
    /// Only rows that have this metric.
    pub metric: Option<String>,
    pub range: TimeRange,
    pub skip: usize,
    pub take: usize,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Records {
    pub scope: Scope,
    pub from: Millis,
    pub to: Millis,
    pub as_of: Millis,
    /// Rows there are, also those on other pages.
    pub total: u64,
    pub simulated: bool,
    /// The metrics whose values the rows give, in order.
    pub metrics: Vec<String>,
    pub rows: Vec<RecordRow>,
}

/// One stored row, with where it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordRow {
    pub timestamp: Millis,
    pub customer: String,
    pub site: Option<String>,
    pub zone: Option<String>,
    pub task: String,
    pub experiment_type: Option<String>,
    pub architecture: Option<String>,
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub registered_version: Option<String>,
    pub device: Option<String>,
    pub run_id: Option<String>,
    pub samples: Option<f64>,
    /// By [`Records::metrics`].
    pub values: Vec<Option<f64>>,
    /// The file or door through which it came, and the line in it.
    pub source: Option<String>,
    pub line: Option<i64>,
    pub received_at: Option<Millis>,
    pub simulated: bool,
}

/// How each model did in each zone: what comparisons are made of.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldReport {
    pub as_of: Millis,
    pub simulated: bool,
    /// The metrics asked about that any row has, in order; aggregates follow it.
    pub metrics: Vec<Metric>,
    /// As [`Summary::present`].
    pub present: Vec<String>,
    pub cells: Vec<FieldCell>,
}

/// One model in one zone.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldCell {
    pub place: Place,
    /// `None` where rows name none.
    pub model: Option<ModelKey>,
    pub n: u64,
    pub first: Millis,
    pub last: Millis,
    /// UTC days with rows of the range.
    pub days: std::collections::BTreeSet<crate::time::Day>,
    /// Devices named by its rows; an empty text where a row names none.
    pub devices: std::collections::BTreeSet<Box<str>>,
    /// By [`FieldReport::metrics`].
    pub values: Vec<crate::aggregate::Aggregate>,
}

/// Everything known by name: for filters, switchers and "does this exist".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    pub places: Vec<Place>,
    pub tasks: Vec<Name>,
    pub models: Vec<ModelKey>,
    /// Devices, each with the places of its records.
    pub devices: Arc<BTreeMap<Name, BTreeSet<Place>>>,
    /// There are files from before devices were noted: their records may name others.
    pub more_devices: bool,
    /// There are files from before registered models were noted: their records may name others.
    pub more_models: bool,
    /// Model versions in the order in which they first appeared: what their colours follow.
    pub by_age: Vec<ModelKey>,
    /// Metrics outside of the catalogue, as `group.leaf`.
    pub custom: Custom,
    /// Those for which there was no room.
    pub beyond: Beyond,
    /// Catalogue metrics that at least one record has, by catalogue index.
    pub built_in: Vec<usize>,
    /// What people have written down about places and metrics. Places that are named there are among `places`.
    pub declared: Arc<Declared>,
    /// How many records there are, and of these simulated.
    pub records: u64,
    pub simulated: u64,
    pub oldest: Option<Millis>,
    pub newest: Option<Millis>,
}

/// A metric that nobody knows, as an error.
#[must_use]
pub fn unknown_metric(key: &str) -> Error {
    Error::bad_input(sentences::unknown_metric(clip(key)))
}

impl Directory {
    /// Refuses a scope that names something unknown.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], naming the unknown thing.
    pub fn check(&self, scope: &Scope) -> Result<()> {
        if let Some(task) = &scope.task
            && !self.tasks.contains(task)
        {
            return Err(Error::not_found(sentences::unknown_task(clip(task.as_str()))));
        }
        if let Some(device) = &scope.device
            && !self.more_devices
            && !self.devices.contains_key(device)
        {
            return Err(Error::not_found(sentences::unknown_device(clip(device.as_str()))));
        }
        if scope.customer.is_none() || self.places.iter().any(|p| scope.holds(p)) {
            return Ok(());
        }
        let unknown = match (&scope.zone, &scope.site, &scope.customer) {
            (Some(z), Some(_), _) if self.places.iter().any(|p| Scope { zone: None, ..scope.clone() }.holds(p)) => {
                sentences::unknown_zone(clip(z.as_str()))
            }
            (_, Some(s), _) if self.places.iter().any(|p| Some(&p.customer) == scope.customer.as_ref()) => {
                sentences::unknown_site(clip(s.as_str()))
            }
            (_, _, Some(c)) => sentences::unknown_customer(clip(c.as_str())),
            _ => return Ok(()),
        };
        Err(Error::not_found(unknown))
    }

    /// Refuses a model that no record names.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], naming it.
    pub fn check_model(&self, model: &ModelKey) -> Result<()> {
        if self.models.iter().any(|m| model.holds(m)) || (self.more_models && model.registered().is_some()) {
            return Ok(());
        }
        Err(Error::not_found(sentences::unknown_model(clip(&model.key()))))
    }

    /// The devices of a scope's places, sorted.
    pub fn devices_in(&self, scope: &Scope) -> impl Iterator<Item = &Name> {
        self.devices.iter().filter(|(_, places)| places.iter().any(|p| scope.holds(p))).map(|(device, _)| device)
    }

    /// The names one level below the scope, sorted.
    #[must_use]
    pub fn children(&self, scope: &Scope) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.places.iter().filter(|p| scope.holds(p)).filter_map(|p| scope.child_of(p)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Finds a metric by its key: a catalogue key in any case, a leaf name that only one group has, or `group.leaf`.
    ///
    /// # Errors
    /// Unknown, or a leaf that more than one group has.
    pub fn metric(&self, key: &str) -> Result<(Metric, MetricColumn)> {
        if let Some(i) = built_in(key) {
            return Ok((self.declared.built_in(i).clone(), MetricColumn::BuiltIn(i)));
        }
        match self.custom.find(key)[..] {
            [place] => Ok(self.custom_metric(place)),
            [a, b, ..] => Err(Error::bad_input(sentences::several_groups(clip(key), &self.custom[a], &self.custom[b]))),
            [] if !self.beyond.names.find(key).is_empty() => {
                Err(Error::bad_input(sentences::beyond_cap(clip(key), self.beyond.cap)))
            }
            [] => Err(unknown_metric(key)),
        }
    }

    /// The metric at a place of [`Directory::custom`].
    #[must_use]
    pub fn custom_metric(&self, place: usize) -> (Metric, MetricColumn) {
        let full = &self.custom[place];
        (self.declared.custom(full, self.custom.key(place)), MetricColumn::Custom(full.clone()))
    }

    /// As [`Directory::metric`], for whoever looks at records: they also hold the metrics for which there was no room. Those
    /// that are not remembered are found by their full name.
    ///
    /// # Errors
    /// Unknown, or a leaf that more than one group has.
    pub fn metric_of_records(&self, key: &str) -> Result<(Metric, MetricColumn)> {
        let known = self.metric(key);
        if known.is_ok() || !self.custom.find(key).is_empty() {
            return known;
        }
        let full = match self.beyond.names.find(key)[..] {
            [place] => self.beyond.names[place].clone(),
            [] if self.beyond.more && key.contains('.') => key.to_owned(),
            _ => return known,
        };
        Ok((self.declared.custom(&full, &full), MetricColumn::Custom(full)))
    }

    /// A metric by the key that an answer gave it.
    #[must_use]
    pub fn answered(&self, key: &str) -> Metric {
        self.metric_of_records(key).map_or_else(|_| Metric::assumed(key), |m| m.0)
    }

    /// Whether any record has the metric.
    #[must_use]
    pub fn has(&self, column: &MetricColumn) -> bool {
        match column {
            MetricColumn::BuiltIn(i) => self.built_in.contains(i),
            MetricColumn::Custom(full) => self.custom.place(full).is_some(),
        }
    }

    /// The shortest key of a metric.
    #[must_use]
    pub fn key(&self, column: &MetricColumn) -> String {
        match column {
            MetricColumn::BuiltIn(i) => CATALOGUE[*i].key.to_string(),
            MetricColumn::Custom(full) => self.key_of(full),
        }
    }

    /// The shortest key of a metric outside of the catalogue: its leaf, or `group.leaf` where leaves collide.
    #[must_use]
    pub fn key_of(&self, full: &str) -> String {
        self.custom.place(full).map_or(full, |place| self.custom.key(place)).to_owned()
    }
}

/// Where the values of a metric are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MetricColumn {
    /// A column of its own: the index in the catalogue.
    BuiltIn(usize),
    /// An entry of the map, by its full name `group.leaf`.
    Custom(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory() -> Directory {
        let name = |t: &str| Name::parse(t).expect("a name");
        Directory {
            places: vec![
                Place { customer: name("a"), site: Some(name("s1")), zone: Some(name("z1")) },
                Place { customer: name("a"), site: Some(name("s1")), zone: Some(name("z2")) },
                Place { customer: name("b"), site: None, zone: None },
            ],
            tasks: vec![name("detection")],
            devices: Arc::new(BTreeMap::from([
                (name("orin"), BTreeSet::from([Place { customer: name("b"), site: None, zone: None }])),
                (name("xavier"), BTreeSet::new()),
            ])),
            custom: ["custom.mse", "eval.mae", "train.mae", "custom.precision"].map(String::from).to_vec().into(),
            ..Directory::default()
        }
    }

    #[test]
    fn unknown_places_are_named() {
        let d = directory();
        let check = |c, s, z| d.check(&Scope::parse(c, s, z, None, None).expect("a scope")).map_err(|e| e.message.en);
        assert_eq!(check(Some("a"), Some("s1"), Some("z2")), Ok(()));
        assert_eq!(check(None, None, None), Ok(()));
        assert_eq!(check(Some("x"), None, None), Err("no customer is called “x”".into()));
        assert_eq!(check(Some("a"), Some("s9"), None), Err("no site is called “s9”".into()));
        assert_eq!(check(Some("a"), Some("s1"), Some("z9")), Err("no zone is called “z9”".into()));
    }

    #[test]
    fn a_device_that_no_record_names_is_unknown_where_all_are_known() {
        let on = |device: &str| Scope::default().on(Some(device)).expect("a scope");
        let d = directory();
        assert_eq!(d.check(&on("orin")), Ok(()));
        assert_eq!(
            d.check(&on("none")).map_err(|e| (e.kind, e.message.en)),
            Err((crate::ErrorKind::NotFound, "no record names the device “none”".into()))
        );
        assert_eq!(Directory { more_devices: true, ..directory() }.check(&on("none")), Ok(()));
        let place = |c| Scope::parse(Some(c), None, None, None, None).expect("a scope");
        assert_eq!(d.devices_in(&place("b")).map(Name::as_str).collect::<Vec<_>>(), ["orin"]);
        assert_eq!(d.devices_in(&place("a")).count(), 0);
    }

    #[test]
    fn leaves_that_collide_keep_their_group() {
        let d = directory();
        assert_eq!(d.key_of("custom.mse"), "mse");
        assert_eq!(d.key_of("eval.mae"), "eval.mae");
        assert_eq!(d.key_of("custom.precision"), "custom.precision", "detection has a precision");
        assert_eq!(d.metric("mse").map(|m| m.1), Ok(MetricColumn::Custom("custom.mse".into())));
        assert_eq!(d.metric("precision").map(|m| m.1), Ok(MetricColumn::BuiltIn(2)));
        assert!(d.metric("mae").is_err() && d.metric("nothing").is_err());
        assert!(d.metric("train.mae").is_ok());
    }

    #[test]
    fn records_know_the_metrics_for_which_there_was_no_room() {
        let names = Custom::from(["late.loss", "late.mse", "a.x", "b.x"].map(String::from).to_vec());
        let mut d = Directory { beyond: Beyond { names, more: false, cap: 4 }, ..directory() };
        let full = |d: &Directory, key: &str| d.metric_of_records(key).map(|m| m.1).ok();
        let custom = |name: &str| Some(MetricColumn::Custom(name.into()));
        assert_eq!((d.metric("loss").is_err(), full(&d, "LOSS")), (true, custom("late.loss")));
        assert_eq!(full(&d, "mse"), custom("custom.mse"), "what the lake knows comes first");
        assert_eq!((full(&d, "x"), full(&d, "a.x")), (None, custom("a.x")));
        assert_eq!((full(&d, "mae"), full(&d, "c.y")), (None, None));
        d.beyond.more = true;
        assert_eq!((full(&d, "c.y"), full(&d, "y")), (custom("c.y"), None));
    }
}
