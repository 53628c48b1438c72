//! The arithmetic over rows: groups them, and folds each metric of a row into the aggregate of its group, its period and
//! its time step. One pass answers everything that a page asks of the same rows.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use datafusion::arrow::{
    array::{Array, AsArray, Float64Array, MapArray, RecordBatch, StringViewArray},
    datatypes::{Float64Type, Int64Type, TimestampMillisecondType},
};
use domain::{
    aggregate::{Aggregate, Mean},
    query::MetricColumn,
    time::{Millis, Step, TimeRange},
};

/// The text values that rows of one group share; empty for the group of all.
pub type GroupKey = Vec<Option<Box<str>>>;

/// What is to be folded.
#[derive(Debug, Clone)]
pub struct Plan {
    pub metrics: Vec<MetricColumn>,
    /// Columns whose values make a group.
    pub group_by: Vec<&'static str>,
    /// Whether to tell sites, zones and devices apart.
    pub places: bool,
    /// Rows in it are aggregated in full.
    pub range: TimeRange,
    /// Rows in it give a mean.
    pub previous: Option<TimeRange>,
    /// Rows in it give a mean a step. Steps are counted from the range's own beginning, so that none is cut off: half a
    /// day at the end would look like a change.
    pub course: Option<(TimeRange, Step)>,
    /// Rows in `range` are aggregated in full per step as well.
    pub steps: Option<Step>,
}

impl Plan {
    /// The columns that the fold reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["timestamp", "seq", "samples", "simulated"];
        if self.places {
            columns.extend(["device", "customer", "site", "zone"]);
        }
        columns.extend(&self.group_by);
        for m in &self.metrics {
            columns.push(match m {
                MetricColumn::BuiltIn(i) => crate::scan::metric_column(*i),
                MetricColumn::Custom(_) => "metrics",
            });
        }
        let mut seen = BTreeSet::new();
        columns.retain(|c| seen.insert(*c));
        columns
    }

    /// Everything that any part of the plan looks at.
    pub fn reach(&self) -> TimeRange {
        let mut reach = self.range;
        if let Some(p) = &self.previous {
            reach = reach.hull(p);
        }
        if let Some((c, _)) = &self.course {
            reach = reach.hull(c);
        }
        reach
    }

    fn course_steps(range: &TimeRange, step: Step) -> usize {
        usize::try_from((range.length() - 1) / step.ms() + 1).unwrap_or(0)
    }
}

/// What was found about one group.
#[derive(Debug, Clone)]
pub struct Group {
    /// Rows within the range.
    pub rows: u64,
    /// Zones with rows within the range, by the hash of their place.
    pub zones: BTreeSet<u64>,
    /// By metric: whether a simulated row is in it, which sites reported it, on which devices it was measured.
    pub simulated: Vec<bool>,
    pub sites: Vec<BTreeSet<u64>>,
    pub devices: Vec<BTreeSet<Box<str>>>,
    pub first: Millis,
    pub last: Millis,
    /// By metric.
    pub current: Vec<Aggregate>,
    pub previous: Vec<Mean>,
    /// By step, then metric; empty without a course.
    pub course: Vec<Vec<Mean>>,
    /// By step since the start of the range, then metric.
    pub steps: HashMap<usize, Vec<Aggregate>>,
}

impl Group {
    fn new(plan: &Plan) -> Self {
        let m = plan.metrics.len();
        let buckets = plan.course.map_or(0, |(r, s)| Plan::course_steps(&r, s));
        Self {
            rows: 0,
            zones: BTreeSet::new(),
            simulated: vec![false; m],
            sites: vec![BTreeSet::new(); m],
            devices: vec![BTreeSet::new(); m],
            first: Millis(i64::MAX),
            last: Millis(i64::MIN),
            current: vec![Aggregate::default(); m],
            previous: vec![Mean::default(); m],
            course: vec![vec![Mean::default(); m]; buckets],
            steps: HashMap::new(),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.zones.extend(&other.zones);
        self.simulated.iter_mut().zip(&other.simulated).for_each(|(a, b)| *a |= b);
        self.sites.iter_mut().zip(&other.sites).for_each(|(a, b)| a.extend(b));
        self.devices.iter_mut().zip(&other.devices).for_each(|(a, b)| a.extend(b.iter().cloned()));
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.current.iter_mut().zip(&other.current).for_each(|(a, b)| a.merge(b));
        self.previous.iter_mut().zip(&other.previous).for_each(|(a, b)| a.merge(b));
        for (a, b) in self.course.iter_mut().zip(&other.course) {
            a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        }
        for (bucket, theirs) in &other.steps {
            let ours = self.steps.entry(*bucket).or_insert_with(|| vec![Aggregate::default(); theirs.len()]);
            ours.iter_mut().zip(theirs).for_each(|(a, b)| a.merge(b));
        }
    }
}

/// A fold under way. Each core has one; at the end they are merged.
#[derive(Debug)]
pub struct Fold {
    plan: Arc<Plan>,
    numbers: HashMap<GroupKey, usize>,
    groups: Vec<Group>,
}

/// Where a row belongs in time.
#[derive(Clone, Copy, Default)]
struct Slot {
    group: usize,
    /// Hashes of the row's site and of its zone.
    site: u64,
    zone: u64,
    simulated: bool,
    current: bool,
    previous: bool,
    course: Option<u32>,
    step: Option<u32>,
}

impl Fold {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, numbers: HashMap::new(), groups: Vec::new() }
    }

    /// Folds one batch in.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), String> {
        let find = |name: &str| batch.column_by_name(name).ok_or_else(|| format!("the column {name} is missing"));
        let times = find("timestamp")?.as_primitive::<TimestampMillisecondType>();
        let seqs = find("seq")?.as_primitive::<Int64Type>();
        let weights = find("samples")?.as_primitive::<Float64Type>();
        let slots = self.slots(batch, times.values())?;
        self.note(&slots, times.values());
        let plan = Arc::clone(&self.plan);
        let devices = if plan.places { Some(find("device")?.as_string_view()) } else { None };
        let devices = devices.filter(|d| d.null_count() < d.len());
        for (m, metric) in plan.metrics.iter().enumerate() {
            let devices = devices.filter(|_| depends_on_device(metric));
            // Rows of a site lie together: a set is only asked when the site changes.
            let mut last_site = None;
            let weight = |row: usize| if weights.is_valid(row) { weights.value(row) } else { 1.0 };
            let mut fold = |row: usize, x: f64| {
                let slot = slots[row];
                let (w, at, seq) = (weight(row), Millis(times.value(row)), seqs.value(row));
                let group = &mut self.groups[slot.group];
                group.simulated[m] |= slot.simulated && (slot.current || slot.previous);
                if slot.current {
                    group.current[m].add(x, w, at, seq);
                    if last_site != Some((slot.group, slot.site)) {
                        last_site = Some((slot.group, slot.site));
                        group.sites[m].insert(slot.site);
                    }
                    if let Some(d) = devices.filter(|d| d.is_valid(row) && !group.devices[m].contains(d.value(row))) {
                        group.devices[m].insert(d.value(row).into());
                    }
                }
                if slot.previous {
                    group.previous[m].add(x, w);
                }
                if let Some(b) = slot.course {
                    group.course[b as usize][m].add(x, w);
                }
                if let Some(b) = slot.step {
                    let n = plan.metrics.len();
                    let step = group.steps.entry(b as usize).or_insert_with(|| vec![Aggregate::default(); n]);
                    step[m].add(x, w, at, seq);
                }
            };
            match metric {
                MetricColumn::BuiltIn(i) => {
                    let values: &Float64Array = find(crate::scan::metric_column(*i))?.as_primitive();
                    if values.null_count() == 0 {
                        values.values().iter().enumerate().for_each(|(row, x)| fold(row, *x));
                    } else {
                        (0..values.len()).filter(|r| values.is_valid(*r)).for_each(|r| fold(r, values.value(r)));
                    }
                }
                MetricColumn::Custom(name) => custom_values(find("metrics")?.as_map(), name, fold),
            }
        }
        Ok(())
    }

    fn slots(&mut self, batch: &RecordBatch, times: &[i64]) -> Result<Vec<Slot>, String> {
        let keys: Result<Vec<&StringViewArray>, String> = Arc::clone(&self.plan)
            .group_by
            .iter()
            .map(|name| {
                Ok(batch.column_by_name(name).ok_or_else(|| format!("the column {name} is missing"))?.as_string_view())
            })
            .collect();
        let keys = keys?;
        let plan = Arc::clone(&self.plan);
        let text = |name: &str| {
            Ok::<_, String>(
                batch.column_by_name(name).ok_or_else(|| format!("the column {name} is missing"))?.as_string_view(),
            )
        };
        let place = if plan.places { vec![text("customer")?, text("site")?, text("zone")?] } else { vec![] };
        let simulated = batch.column_by_name("simulated").ok_or("the column simulated is missing")?.as_boolean();
        let mut slots: Vec<Slot> = Vec::with_capacity(times.len());
        let mut last: Option<(usize, usize)> = None;
        for (row, t) in times.iter().enumerate() {
            // Files are sorted, so a row's group is nearly always that of the row before.
            let same = |other: usize| keys.iter().all(|k| equal(k, row, other));
            let group = match last {
                Some((before, group)) if same(before) => group,
                _ => self.group_of(keys.iter().map(|k| k.is_valid(row).then(|| k.value(row).into())).collect()),
            };
            last = Some((row, group));
            let (site, zone) = match slots.last() {
                Some(before) if place.iter().all(|k| equal(k, row, row - 1)) => (before.site, before.zone),
                _ => (hash(place.get(..2).unwrap_or_default(), row), hash(&place, row)),
            };
            let at = Millis(*t);
            let bucket = |range: &TimeRange, step: Step, first: Millis| {
                range.contains(at).then(|| ((at.0 - first.0) / step.ms()) as u32)
            };
            slots.push(Slot {
                group,
                site,
                zone,
                simulated: simulated.is_valid(row) && simulated.value(row),
                current: plan.range.contains(at),
                previous: plan.previous.is_some_and(|p| p.contains(at)),
                course: plan.course.and_then(|(range, step)| bucket(&range, step, range.from())),
                step: plan.steps.and_then(|step| bucket(&plan.range, step, step.floor(plan.range.from()))),
            });
        }
        Ok(slots)
    }

    fn group_of(&mut self, key: GroupKey) -> usize {
        if let Some(g) = self.numbers.get(&key) {
            return *g;
        }
        self.groups.push(Group::new(&self.plan));
        self.numbers.insert(key, self.groups.len() - 1);
        self.groups.len() - 1
    }

    /// What is noted of rows apart from their metrics.
    fn note(&mut self, slots: &[Slot], times: &[i64]) {
        let mut last_zone = None;
        for (slot, t) in slots.iter().zip(times).filter(|(slot, _)| slot.current) {
            let group = &mut self.groups[slot.group];
            group.rows += 1;
            group.first = group.first.min(Millis(*t));
            group.last = group.last.max(Millis(*t));
            if last_zone != Some((slot.group, slot.zone)) {
                last_zone = Some((slot.group, slot.zone));
                group.zones.insert(slot.zone);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        let mut theirs: Vec<(GroupKey, usize)> = other.numbers.into_iter().collect();
        theirs.sort_by_key(|(_, number)| *number);
        for (key, number) in theirs {
            let ours = self.group_of(key);
            self.groups[ours].merge(&other.groups[number]);
        }
    }

    /// The groups by key, in order of the key.
    pub fn finish(self) -> std::collections::BTreeMap<GroupKey, Group> {
        let mut groups: Vec<Option<Group>> = self.groups.into_iter().map(Some).collect();
        self.numbers.into_iter().filter_map(|(key, number)| Some((key, groups[number].take()?))).collect()
    }

    /// All groups together.
    pub fn total(&self) -> Group {
        let mut total = Group::new(&self.plan);
        self.groups.iter().for_each(|g| total.merge(g));
        total
    }
}

fn depends_on_device(metric: &MetricColumn) -> bool {
    matches!(metric, MetricColumn::BuiltIn(i) if domain::metric::CATALOGUE[*i].depends_on_device())
}

/// Whether two rows of a column say the same.
fn equal(column: &StringViewArray, row: usize, other: usize) -> bool {
    column.is_valid(row) == column.is_valid(other)
        && (column.is_null(row)
            || column.views()[row] == column.views()[other]
            || column.value(row) == column.value(other))
}

fn hash(columns: &[&StringViewArray], row: usize) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for c in columns {
        if c.is_valid(row) {
            hasher.update(c.value(row).as_bytes());
        }
        // No name holds a control character: it cannot be mistaken for one's end.
        hasher.update(if c.is_valid(row) { b"\x01" } else { b"\x02" });
    }
    hasher.digest()
}

pub fn custom_values(maps: &MapArray, name: &str, mut fold: impl FnMut(usize, f64)) {
    let keys = maps.keys().as_string_opt::<i32>();
    let views = maps.keys().as_string_view_opt();
    let values = maps.values().as_primitive::<Float64Type>();
    let offsets = maps.value_offsets();
    for row in (0..maps.len()).filter(|r| maps.is_valid(*r)) {
        for i in offsets[row] as usize..offsets[row + 1] as usize {
            let key = keys.map(|k| k.value(i)).or_else(|| views.map(|k| k.value(i)));
            if key == Some(name) && values.is_valid(i) {
                fold(row, values.value(i));
            }
        }
    }
}
