//! A query about cells as the fold works on it: which columns it reads, and which parts want what of which metric.

use std::collections::BTreeSet;

use domain::{
    cells::{CellsQuery, Detail, Dimension, GroupKey, QueryPart},
    query::MetricColumn,
    time::{DAY, Millis, Ranges},
};

use super::{batch::RowBatch, interner::Interner};

/// What is to be folded.
#[derive(Debug)]
pub struct Plan {
    pub query: CellsQuery,
    /// Columns of text that are read; others name them by their place here.
    pub texts: Vec<&'static str>,
    /// Every metric of any part, once.
    pub metrics: Vec<MetricColumn>,
    pub groupings: Vec<GroupingSet>,
    /// The columns that say to which model a row belongs, in the order of [`domain::model::ModelFields`], where that matters.
    pub model: Vec<usize>,
    /// The columns of devices and places, where they matter.
    pub device: Option<usize>,
    pub place: Vec<usize>,
    /// Whether it matters when rows arrived.
    pub arrivals: bool,
}

/// Parts that group rows by the same: for each grouping set, rows are cut into spans once. What another grouping set distinguishes does not cut
/// the spans of this one short, and neither do short steps those of parts without.
#[derive(Debug)]
pub struct GroupingSet {
    pub group_by: Vec<Dimension>,
    /// Whether its parts are cut into buckets that are much shorter than the day of a file.
    fine: bool,
    /// The numbers of its parts, and all that they look at.
    pub parts: Vec<usize>,
    pub ranges: Ranges,
    pub metrics: Vec<PlannedMetric>,
    /// The columns of `group_by`.
    pub group: Vec<usize>,
    /// Whether its spans are distinguished by place, by device, by model.
    pub by_place: bool,
    pub by_device: bool,
    pub by_model: bool,
}

/// A metric, and which parts of a grouping set want it.
#[derive(Debug)]
pub struct PlannedMetric {
    /// Its place in [`Plan::metrics`].
    pub column: usize,
    pub uses: Vec<MetricUse>,
}

/// A part by its place in its grouping set, and the place among the part's metrics.
#[derive(Debug, Clone, Copy)]
pub struct MetricUse {
    pub part: usize,
    pub at: usize,
    /// Whether it is more than means, and whether it is the newest value as well.
    pub spread: bool,
    pub latest: bool,
}

/// The columns that hold a dimension.
fn columns_of(by: Dimension, runs: bool) -> Vec<&'static str> {
    match by {
        Dimension::Customer => vec!["customer"],
        Dimension::Site => vec!["site"],
        Dimension::Zone => vec!["zone"],
        Dimension::Task => vec!["task"],
        Dimension::Device => vec!["device"],
        Dimension::Model => MODEL_COLUMNS.into_iter().chain(runs.then_some(RUN_ID_COLUMN)).collect(),
    }
}

impl Plan {
    pub fn new(query: CellsQuery) -> Self {
        let filter = &query.filter;
        let (of_devices, of_models, on) = (!filter.devices.is_empty(), !filter.models.is_empty(), filter.on.is_some());
        let runs = filter.versions.has_runs();
        let mut plan = Self {
            texts: vec![],
            metrics: vec![],
            groupings: vec![],
            model: vec![],
            device: None,
            place: vec![],
            arrivals: filter.known_at.is_some() || filter.received_within.is_some(),
            query,
        };
        let parts = std::mem::take(&mut plan.query.parts);
        for (number, part) in parts.iter().enumerate() {
            let fine = part.buckets.shortest_ms().is_some_and(|ms| ms < DAY / 2);
            let grouping =
                plan.groupings.iter().position(|l| l.group_by == part.group_by && l.fine == fine).unwrap_or_else(
                    || {
                        let group_by = part.group_by.clone();
                        let group =
                            group_by.iter().flat_map(|by| columns_of(*by, runs)).map(|name| plan.text(name)).collect();
                        let by_model = of_models || group_by.contains(&Dimension::Model);
                        plan.groupings.push(GroupingSet {
                            parts: vec![],
                            ranges: Ranges::of([]),
                            metrics: vec![],
                            group,
                            by_place: on,
                            by_device: of_devices,
                            by_model,
                            group_by,
                            fine,
                        });
                        plan.groupings.len() - 1
                    },
                );
            let columns: Vec<usize> = part.metrics.iter().map(|w| plan.metric(&w.column)).collect();
            plan.groupings[grouping].take(number, part, &columns);
        }
        plan.query.parts = parts;
        for number in 0..plan.groupings.len() {
            let grouping = &plan.groupings[number];
            let ranges = Ranges::of(plan.parts_of(grouping).flat_map(|p| p.ranges.iter().copied()));
            plan.groupings[number].ranges = ranges;
        }
        if plan.groupings.iter().any(|l| l.by_model) {
            plan.model = columns_of(Dimension::Model, runs).into_iter().map(|name| plan.text(name)).collect();
        }
        if plan.groupings.iter().any(|l| l.by_device) {
            plan.device = Some(plan.text("device"));
        }
        if plan.groupings.iter().any(|l| l.by_place) {
            plan.place = ["customer", "site", "zone"].map(|name| plan.text(name)).into();
        }
        plan
    }

    fn text(&mut self, name: &'static str) -> usize {
        place_of(&mut self.texts, &name)
    }

    fn metric(&mut self, column: &MetricColumn) -> usize {
        place_of(&mut self.metrics, column)
    }

    /// The columns that the fold reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["timestamp", "seq", "samples", "simulated"];
        columns.extend(&self.texts);
        if self.arrivals {
            columns.push("received_at");
        }
        columns.extend(self.metrics.iter().map(super::columns::metric_source_column));
        once(columns)
    }

    /// Everything that any part looks at, and nothing between.
    pub fn time_ranges(&self) -> Ranges {
        self.query.time_ranges()
    }

    /// The parts of a grouping set.
    pub fn parts_of<'p>(&'p self, grouping: &'p GroupingSet) -> impl Iterator<Item = &'p QueryPart> {
        grouping.parts.iter().map(|p| &self.query.parts[*p])
    }
}

impl GroupingSet {
    /// The key of a row's group. Names are interned in `names`; `model` is the number of the row's model.
    pub(super) fn group_key(
        &self,
        names: &mut Interner<Box<str>>,
        rows: &RowBatch<'_>,
        row: usize,
        model: u32,
    ) -> GroupKey {
        let mut key = GroupKey::default();
        let mut columns = self.group.iter();
        for by in &self.group_by {
            key.0[*by as usize] = if *by == Dimension::Model {
                columns.by_ref().take(self.model_columns()).for_each(drop);
                model
            } else {
                columns.next().map_or(0, |c| rows.texts[*c].number(row, |t| names.intern_text(t) + 1))
            };
        }
        key
    }

    /// How many of the columns of its groups are those of models.
    pub fn model_columns(&self) -> usize {
        self.group.len() - self.group_by.iter().filter(|by| **by != Dimension::Model).count()
    }

    fn take(&mut self, number: usize, part: &QueryPart, columns: &[usize]) {
        self.by_place |= part.noted.sites || part.noted.zones || part.metrics.iter().any(|w| w.sites);
        self.by_device |= part.noted.devices || part.metrics.iter().any(|w| w.devices);
        for (at, (wanted, column)) in part.metrics.iter().zip(columns).enumerate() {
            let m = self.metrics.iter().position(|m| m.column == *column).unwrap_or_else(|| {
                self.metrics.push(PlannedMetric { column: *column, uses: vec![] });
                self.metrics.len() - 1
            });
            let spread = wanted.detail > Detail::Means;
            let want = MetricUse { part: self.parts.len(), at, spread, latest: wanted.latest };
            self.metrics[m].uses.push(want);
        }
        self.parts.push(number);
    }
}

/// The place of a thing in a list, to which it is added where it is missing.
fn place_of<T: PartialEq + Clone>(all: &mut Vec<T>, thing: &T) -> usize {
    all.iter().position(|t| t == thing).unwrap_or_else(|| {
        all.push(thing.clone());
        all.len() - 1
    })
}

/// What a row says of its model, in the order of [`domain::model::ModelFields`].
pub const MODEL_COLUMNS: [&str; 4] = ["registered_model", "registered_version", "model_architecture", "model_version"];
pub const RUN_ID_COLUMN: &str = "run_id";

fn once(mut columns: Vec<&'static str>) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    columns.retain(|c| seen.insert(*c));
    columns
}

/// An interval in which every part of a grouping set has the same bucket, at least, and which; `None` for a part that does not
/// look there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BucketSpan {
    pub from: i64,
    pub to: i64,
    pub buckets: Vec<Option<u32>>,
}

impl BucketSpan {
    pub fn contains(&self, t: i64) -> bool {
        (self.from..self.to).contains(&t)
    }

    /// Whether any part looks there.
    pub fn is_relevant(&self) -> bool {
        self.buckets.iter().any(Option::is_some)
    }

    /// Becomes the span in which a moment lies.
    pub fn move_to(&mut self, plan: &Plan, grouping: &GroupingSet, at: Millis) {
        let (mut from, mut to) = (i64::MIN, i64::MAX);
        let mut narrow = |begin: i64, end: i64| {
            for edge in [begin, end] {
                if edge <= at.0 { from = from.max(edge) } else { to = to.min(edge) }
            }
        };
        if plan.query.filter.on.is_some() {
            let day = at.0.div_euclid(DAY) * DAY;
            narrow(day, day + DAY);
        }
        let mut bucket = |part: &QueryPart| {
            let mut inside = false;
            for range in part.ranges.iter() {
                narrow(range.from().0, range.to().0);
                inside |= range.contains(at);
            }
            let (bucket, (begin, end)) = inside.then(|| part.buckets.bucket_and_bounds(at))?;
            narrow(begin.map_or(i64::MIN, |t| t.0), end.map_or(i64::MAX, |t| t.0));
            Some(bucket)
        };
        self.buckets.clear();
        self.buckets.extend(plan.parts_of(grouping).map(&mut bucket));
        (self.from, self.to) = (from, to);
    }
}
