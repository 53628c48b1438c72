//! The arithmetic over rows: groups them, and folds each metric of a row into the aggregate of its group, its period and
//! its time step. One pass answers everything that a page asks of the same rows.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use datafusion::arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Float64Array, Int32Array, RecordBatch,
        StringArray, StringViewArray,
    },
    datatypes::{Float64Type, Int32Type, Int64Type, TimestampMillisecondType},
};
use domain::{
    aggregate::{Aggregate, Latest, Mean},
    query::MetricColumn,
    time::{Day, Millis, Ranges, Step, TimeRange},
};

use crate::maps;

/// The text values that rows of one group share; empty for the group of all.
pub type GroupKey = Vec<Option<Box<str>>>;

/// What is to be folded.
#[derive(Debug, Clone)]
pub struct Plan {
    pub metrics: Vec<MetricColumn>,
    /// Columns whose values make a group.
    pub group_by: Vec<&'static str>,
    /// Whether to tell sites and zones apart.
    pub places: bool,
    pub devices: Devices,
    /// Whether to note the days and the devices of all rows of a group, whatever metrics they have.
    pub conditions: bool,
    /// Rows in it are aggregated in full.
    pub range: TimeRange,
    /// Rows in it give a mean.
    pub previous: Option<TimeRange>,
    /// By metric: whether rows of the earlier period are aggregated in full as well. Beyond its end nothing is.
    pub tails: Vec<bool>,
    /// Rows in it give a mean a step. Steps are counted from the range's own beginning, so that none is cut off: half a
    /// day at the end would look like a change.
    pub course: Option<(TimeRange, Step)>,
    /// Rows in `range` are aggregated in full per step, and not as a whole.
    pub steps: Option<Step>,
}

/// Of which metrics to note on what devices their values were measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Devices {
    OfNone,
    /// Of those whose numbers depend on it.
    WhereItMatters,
    OfAll,
}

impl Plan {
    /// Whether to tell devices apart.
    fn by_device(&self) -> bool {
        self.conditions || self.devices != Devices::OfNone
    }

    /// The columns that the fold reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["timestamp", "seq", "samples", "simulated"];
        if self.places {
            columns.extend(["customer", "site", "zone"]);
        }
        if self.by_device() {
            columns.push("device");
        }
        columns.extend(&self.group_by);
        for m in &self.metrics {
            columns.push(source_column(m));
        }
        let mut seen = BTreeSet::new();
        columns.retain(|c| seen.insert(*c));
        columns
    }

    /// Everything that any part of the plan looks at, and nothing between.
    pub fn reach(&self) -> Ranges {
        Ranges::of([Some(self.range), self.previous, self.course.map(|c| c.0)].into_iter().flatten())
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
    /// Whether a row lies in the earlier period.
    pub before: bool,
    /// Zones with rows within the range, by the hash of their place.
    pub zones: BTreeSet<u64>,
    /// By metric: whether a simulated row is in it, which sites reported it, on which devices it was measured.
    pub simulated: Vec<bool>,
    pub sites: Vec<BTreeSet<u64>>,
    pub devices: Vec<BTreeSet<Box<str>>>,
    pub first: Millis,
    pub last: Millis,
    /// Of the rows within the range, where the plan wants it: their UTC days, and their devices, an empty text for none.
    pub days: BTreeSet<Day>,
    pub named: BTreeSet<Box<str>>,
    /// By metric.
    pub current: Vec<Aggregate>,
    pub previous: Vec<Mean>,
    /// In full, of the metrics of which the plan wants it.
    pub earlier: Vec<Option<Box<Aggregate>>>,
    /// By step, then metric; empty without a course.
    pub course: Vec<Vec<Mean>>,
    /// What was put last into `sites`, by metric, and into `zones`: rows of a place lie together.
    last_site: Vec<Option<u64>>,
    last_zone: Option<u64>,
    /// By step since the start of the range, then metric; a step without rows is empty.
    pub steps: Vec<Vec<Aggregate>>,
}

impl Group {
    pub fn new(plan: &Plan) -> Self {
        let m = plan.metrics.len();
        let buckets = plan.course.map_or(0, |(r, s)| Plan::course_steps(&r, s));
        Self {
            rows: 0,
            before: false,
            zones: BTreeSet::new(),
            simulated: vec![false; m],
            sites: vec![BTreeSet::new(); m],
            devices: vec![BTreeSet::new(); m],
            first: Millis(i64::MAX),
            last: Millis(i64::MIN),
            days: BTreeSet::new(),
            named: BTreeSet::new(),
            current: vec![Aggregate::default(); m],
            previous: vec![Mean::default(); m],
            earlier: (0..m).map(|i| plan.tails.get(i).is_some_and(|t| *t).then(Box::default)).collect(),
            course: vec![vec![Mean::default(); m]; buckets],
            last_site: vec![None; m],
            last_zone: None,
            steps: Vec::new(),
        }
    }

    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.before |= other.before;
        self.zones.extend(&other.zones);
        self.simulated.iter_mut().zip(&other.simulated).for_each(|(a, b)| *a |= b);
        self.sites.iter_mut().zip(&other.sites).for_each(|(a, b)| a.extend(b));
        self.devices.iter_mut().zip(&other.devices).for_each(|(a, b)| a.extend(b.iter().cloned()));
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.days.extend(&other.days);
        self.named.extend(other.named.iter().cloned());
        self.current.iter_mut().zip(&other.current).for_each(|(a, b)| a.merge(b));
        self.previous.iter_mut().zip(&other.previous).for_each(|(a, b)| a.merge(b));
        for (ours, theirs) in self.earlier.iter_mut().zip(&other.earlier) {
            if let (Some(ours), Some(theirs)) = (ours, theirs) {
                ours.merge(theirs);
            }
        }
        for (a, b) in self.course.iter_mut().zip(&other.course) {
            a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        }
        for (step, theirs) in other.steps.iter().enumerate().filter(|(_, theirs)| !theirs.is_empty()) {
            self.step(step, theirs.len()).iter_mut().zip(theirs).for_each(|(a, b)| a.merge(b));
        }
    }

    fn step(&mut self, step: usize, metrics: usize) -> &mut [Aggregate] {
        if step >= self.steps.len() {
            self.steps.resize(step + 1, vec![]);
        }
        let aggregates = &mut self.steps[step];
        aggregates.resize(metrics, Aggregate::default());
        aggregates
    }

    /// Folds the values of metric `m` of `metrics` in a run of rows in.
    fn add(
        &mut self,
        m: usize,
        metrics: usize,
        run: &Run,
        values: &Float64Array,
        rows: &Batch<'_>,
        devices: Option<&Text<'_>>,
    ) {
        let all = &values.values()[run.rows.clone()];
        let nulls = values.nulls().map(|n| n.slice(run.rows.start, all.len()));
        let device = device_of(run, devices);
        match nulls {
            Some(n) if n.null_count() == all.len() => {}
            Some(n) if n.null_count() > 0 => self.add_at(m, metrics, run, all, rows, device, || n.valid_indices()),
            _ => self.add_at(m, metrics, run, all, rows, device, || 0..all.len()),
        }
    }

    /// The same for a metric that only some `few` rows of the run have; there is at least one.
    fn add_few(
        &mut self,
        m: usize,
        metrics: usize,
        run: &Run,
        (few, values): (&[usize], &[f64]),
        rows: &Batch<'_>,
        devices: Option<&Text<'_>>,
    ) {
        let (start, values) = (run.rows.start, &values[run.rows.clone()]);
        let device = device_of(run, devices);
        self.add_at(m, metrics, run, values, rows, device, || few.iter().map(|row| row - start));
    }

    /// The same for the values at `places` of the run; there is at least one.
    #[inline]
    #[expect(clippy::too_many_arguments, reason = "what a row is made of, once")]
    fn add_at<I: Iterator<Item = usize>>(
        &mut self,
        m: usize,
        metrics: usize,
        run: &Run,
        all: &[f64],
        rows: &Batch<'_>,
        device: Option<&str>,
        places: impl Fn() -> I,
    ) {
        let (slot, time) = (&run.slot, &run.slot.time);
        let weights = &rows.weights[run.rows.clone()];
        let mut sums = Mean::default();
        for i in places() {
            sums.add(all[i], weights[i]);
        }
        let (times, seqs) = (&rows.times[run.rows.clone()], &rows.seqs[run.rows.clone()]);
        let newest = || {
            let i = if run.ascending { places().last() } else { places().max_by_key(|i| (times[*i], seqs[*i])) };
            i.map(|i| Latest { at: Millis(times[i]), seq: seqs[i], value: all[i] })
        };
        self.simulated[m] |= slot.simulated && (time.current || time.previous);
        if time.previous {
            self.previous[m].merge(&sums);
            if let Some(full) = &mut self.earlier[m]
                && let Some(newest) = newest()
            {
                full.take(&sums, places().map(|i| all[i]), newest);
            }
        }
        if let Some(step) = time.course {
            self.course[step][m].merge(&sums);
        }
        if time.current && self.last_site[m] != Some(slot.site) {
            self.last_site[m] = Some(slot.site);
            self.sites[m].insert(slot.site);
        }
        if let Some(d) = device
            && !self.devices[m].contains(d)
        {
            self.devices[m].insert(d.into());
        }
        let full = match time.step {
            Some(step) => &mut self.step(step, metrics)[m],
            None if time.current => &mut self.current[m],
            None => return,
        };
        if let Some(newest) = newest() {
            full.take(&sums, places().map(|i| all[i]), newest);
        }
    }
}

/// The device of a run within the range asked about, where devices are wanted.
fn device_of<'t>(run: &Run, devices: Option<&'t Text<'_>>) -> Option<&'t str> {
    devices.filter(|_| run.slot.time.current).and_then(|d| d.get(run.rows.start))
}

/// A fold under way. Each core has one; at the end they are merged.
#[derive(Debug)]
pub struct Fold {
    plan: Arc<Plan>,
    numbers: HashMap<GroupKey, usize>,
    groups: Vec<Group>,
}

/// Where rows belong.
#[derive(Clone, Copy)]
struct Slot {
    group: usize,
    /// Hashes of the rows' site and of their zone.
    site: u64,
    zone: u64,
    simulated: bool,
    time: Time,
}

/// Which parts of a plan a moment belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Time {
    current: bool,
    previous: bool,
    course: Option<usize>,
    step: Option<usize>,
}

/// From when until before when it is the same [`Time`], at least.
struct Span {
    from: i64,
    to: i64,
    time: Time,
}

impl Span {
    fn of(plan: &Plan, at: Millis) -> Self {
        let (mut from, mut to) = (i64::MIN, i64::MAX);
        let mut within = |begin: i64, end: i64| {
            let inside = (begin..end).contains(&at.0);
            for edge in [begin, end] {
                if edge <= at.0 { from = from.max(edge) } else { to = to.min(edge) }
            }
            inside
        };
        let mut inside = |range: &TimeRange| within(range.from().0, range.to().0);
        let current = inside(&plan.range);
        let previous = plan.previous.as_ref().is_some_and(&mut inside);
        let course = plan.course.filter(|(range, _)| inside(range)).map(|(range, step)| (range.from(), step));
        let step = plan.steps.filter(|_| current).map(|step| (step.floor(plan.range.from()), step));
        let mut bucket = |(first, step): (Millis, Step)| {
            let number = (at.0 - first.0) / step.ms();
            let begin = first.0 + number * step.ms();
            within(begin, begin + step.ms());
            number as usize
        };
        let time = Time { current, previous, course: course.map(&mut bucket), step: step.map(&mut bucket) };
        Self { from, to, time }
    }
}

/// Rows one after the other that belong to the same, and were measured on the same device. Files are sorted by place and
/// time, so there are few.
struct Run {
    rows: Range<usize>,
    slot: Slot,
    /// Whether each is newer than the one before.
    ascending: bool,
}

/// Of a batch, what every metric needs.
struct Batch<'a> {
    times: &'a [i64],
    seqs: &'a [i64],
    weights: Cow<'a, [f64]>,
    devices: Option<Text<'a>>,
}

impl Fold {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, numbers: HashMap::new(), groups: Vec::new() }
    }

    /// Folds the rows of a batch in that lie in `chosen`, ranges that ascend and do not touch.
    pub fn add(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> Result<(), String> {
        let find = |name| find(batch, name);
        let text = |name| find(name).and_then(Text::of);
        let weights = find("samples")?.as_primitive::<Float64Type>();
        let rows = Batch {
            times: find("timestamp")?.as_primitive::<TimestampMillisecondType>().values(),
            seqs: find("seq")?.as_primitive::<Int64Type>().values(),
            // A record that does not say on how many samples it stands counts once.
            weights: match weights.null_count() {
                0 => Cow::Borrowed(weights.values()),
                _ => weights.iter().map(|w| w.unwrap_or(1.0)).collect(),
            },
            devices: if self.plan.by_device() { Some(text("device")?) } else { None },
        };
        let plan = Arc::clone(&self.plan);
        let keys = plan.group_by.iter().map(|name| text(name)).collect::<Result<Vec<_>, _>>()?;
        let place = if plan.places { vec![text("customer")?, text("site")?, text("zone")?] } else { vec![] };
        let runs = self.runs(chosen, &rows, &keys, &place, find("simulated")?.as_boolean());
        self.note(&runs, &rows);
        let custom = maps::gather(batch, &plan.metrics, chosen)?;
        let mut scattered = vec![0.0; if custom.is_empty() { 0 } else { rows.times.len() }];
        for (m, metric) in plan.metrics.iter().enumerate() {
            let devices = rows.devices.as_ref().filter(|_| match plan.devices {
                Devices::OfNone => false,
                Devices::WhereItMatters => depends_on_device(metric),
                Devices::OfAll => true,
            });
            if let (MetricColumn::Custom(_), Some(values)) = (metric, custom.get(m)) {
                values.rows.iter().zip(&values.values).for_each(|(row, x)| scattered[*row] = *x);
                for run in &runs {
                    let part = values.within(&run.rows);
                    if !part.is_empty() {
                        let few = (&values.rows[part], scattered.as_slice());
                        self.groups[run.slot.group].add_few(m, plan.metrics.len(), run, few, &rows, devices);
                    }
                }
                continue;
            }
            let values = values_of(batch, metric)?;
            if values.null_count() == values.len() {
                continue;
            }
            for run in &runs {
                self.groups[run.slot.group].add(m, plan.metrics.len(), run, &values, &rows, devices);
            }
        }
        Ok(())
    }

    /// Cuts the chosen rows of a batch into runs.
    fn runs(
        &mut self,
        chosen: &[Range<usize>],
        rows: &Batch<'_>,
        keys: &[Text<'_>],
        place: &[Text<'_>],
        simulated: &BooleanArray,
    ) -> Vec<Run> {
        let plan = Arc::clone(&self.plan);
        let changes = |texts: &[Text<'_>]| {
            let mut changes = BooleanBufferBuilder::new(rows.times.len());
            changes.append_n(rows.times.len(), false);
            texts.iter().for_each(|t| t.mark_changes(&mut changes));
            changes
        };
        let (of_group, of_place, of_device) = (changes(keys), changes(place), changes(rows.devices.as_slice()));
        let is_simulated = |row: usize| simulated.is_valid(row) && simulated.value(row);
        let mut runs: Vec<Run> = Vec::new();
        // A champion and its challenger take turns: the first row of each of the last few groups.
        let mut recent: Vec<(usize, usize)> = Vec::new();
        let mut span = Span::of(&plan, Millis(i64::MIN));
        // At the beginning of a range the row before is none of ours.
        let each = chosen.iter().flat_map(|range| range.clone().map(|row| (row, row == range.start)));
        for (row, first) in each {
            let t = &rows.times[row];
            let moved = !(span.from..span.to).contains(t);
            let before = if first { None } else { runs.last_mut() };
            let fresh = moved || of_group.get_bit(row) || of_place.get_bit(row) || of_device.get_bit(row);
            let before = match before {
                Some(run) if !fresh && run.slot.simulated == is_simulated(row) => {
                    run.rows.end = row + 1;
                    run.ascending &= (rows.times[row - 1], rows.seqs[row - 1]) <= (*t, rows.seqs[row]);
                    continue;
                }
                other => other.map(|run| run.slot),
            };
            if moved {
                span = Span::of(&plan, Millis(*t));
            }
            let group = match before {
                Some(slot) if !of_group.get_bit(row) => slot.group,
                _ => match recent.iter().find(|(other, _)| keys.iter().all(|k| k.same(row, *other))) {
                    Some((_, group)) => *group,
                    None => {
                        let group = self.group_of(keys.iter().map(|k| k.get(row).map(Box::from)).collect());
                        recent.truncate(3);
                        recent.insert(0, (row, group));
                        group
                    }
                },
            };
            let (site, zone) = match before {
                Some(slot) if !of_place.get_bit(row) => (slot.site, slot.zone),
                _ => (hash(place.get(..2).unwrap_or_default(), row), hash(place, row)),
            };
            let slot = Slot { group, site, zone, simulated: is_simulated(row), time: span.time };
            runs.push(Run { rows: row..row + 1, slot, ascending: true });
        }
        runs
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
    fn note(&mut self, runs: &[Run], rows: &Batch<'_>) {
        for run in runs {
            let group = &mut self.groups[run.slot.group];
            group.before |= run.slot.time.previous;
            if !run.slot.time.current {
                continue;
            }
            group.rows += run.rows.len() as u64;
            let times = &rows.times[run.rows.clone()];
            let (mut first, mut last) = (i64::MAX, i64::MIN);
            for t in times {
                (first, last) = (first.min(*t), last.max(*t));
            }
            group.first = group.first.min(Millis(first));
            group.last = group.last.max(Millis(last));
            if self.plan.conditions {
                let device = rows.devices.as_ref().and_then(|d| d.get(run.rows.start)).unwrap_or_default();
                if !group.named.contains(device) {
                    group.named.insert(device.into());
                }
                // A file holds one day: the rows of a run are seldom of several.
                if Millis(first).day() == Millis(last).day() {
                    group.days.insert(Millis(first).day());
                } else {
                    group.days.extend(times.iter().map(|t| Millis(*t).day()));
                }
            }
            if group.last_zone != Some(run.slot.zone) {
                group.last_zone = Some(run.slot.zone);
                group.zones.insert(run.slot.zone);
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
}

fn depends_on_device(metric: &MetricColumn) -> bool {
    matches!(metric, MetricColumn::BuiltIn(i) if domain::metric::CATALOGUE[*i].depends_on_device())
}

/// A column of text: as files give it, or as numbers into a dictionary, as memory holds it.
enum Text<'a> {
    Views(&'a StringViewArray),
    Numbers { keys: &'a Int32Array, words: &'a StringArray },
}

impl<'a> Text<'a> {
    fn of(column: &'a ArrayRef) -> Result<Self, String> {
        if let Some(views) = column.as_string_view_opt() {
            return Ok(Self::Views(views));
        }
        let numbers = column.as_dictionary_opt::<Int32Type>();
        numbers
            .and_then(|d| Some(Self::Numbers { keys: d.keys(), words: d.values().as_string_opt()? }))
            .ok_or_else(|| format!("a column of {} is no text", column.data_type()))
    }

    fn get(&self, row: usize) -> Option<&'a str> {
        match self {
            Self::Views(views) => views.is_valid(row).then(|| views.value(row)),
            Self::Numbers { keys, words } => keys.is_valid(row).then(|| words.value(keys.value(row) as usize)),
        }
    }

    /// Marks the rows that say something else than the row before.
    fn mark_changes(&self, changes: &mut BooleanBufferBuilder) {
        let (numbers, nulls) = match self {
            Self::Numbers { keys, .. } => (Some(keys.values()), keys.nulls()),
            Self::Views(views) => (None, views.nulls()),
        };
        // Where no row has a text all say the same.
        if nulls.is_some_and(|n| n.null_count() == n.len()) {
            return;
        }
        // Most often the numbers say it.
        let alike = |row: usize| {
            numbers.is_some_and(|n| n[row] == n[row - 1])
                && nulls.is_none_or(|n| n.is_valid(row) == n.is_valid(row - 1))
        };
        for row in 1..changes.len() {
            if !alike(row) && !self.same(row, row - 1) {
                changes.set_bit(row, true);
            }
        }
    }

    /// Whether two rows say the same.
    fn same(&self, row: usize, other: usize) -> bool {
        let alike = match self {
            Self::Views(a) => a.is_valid(row) && a.is_valid(other) && a.views()[row] == a.views()[other],
            Self::Numbers { keys, .. } => {
                keys.is_valid(row) && keys.is_valid(other) && keys.value(row) == keys.value(other)
            }
        };
        // Equal texts may have two numbers, and long ones two views.
        alike || self.get(row) == self.get(other)
    }
}

fn hash(columns: &[Text<'_>], row: usize) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    for c in columns {
        let text = c.get(row);
        hasher.update(text.unwrap_or_default().as_bytes());
        // No name holds a control character: it cannot be mistaken for one's end.
        hasher.update(if text.is_some() { b"\x01" } else { b"\x02" });
    }
    hasher.digest()
}

/// A column of a batch.
///
/// # Errors
/// When the batch has no such column: our own fault.
pub fn find<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    batch.column_by_name(name).ok_or_else(|| format!("the column {name} is missing"))
}

/// The column in which the values of a metric are.
pub fn source_column(metric: &MetricColumn) -> &'static str {
    match metric {
        MetricColumn::BuiltIn(i) => crate::scan::metric_column(*i),
        MetricColumn::Custom(_) => "metrics",
    }
}

/// The values of a metric in a batch.
///
/// # Errors
/// When the batch lacks its column.
pub fn values_of(batch: &RecordBatch, metric: &MetricColumn) -> Result<Float64Array, String> {
    let column = find(batch, source_column(metric))?;
    Ok(match metric {
        MetricColumn::BuiltIn(_) => column.as_primitive().clone(),
        MetricColumn::Custom(name) => maps::column(column.as_map(), name),
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use datafusion::arrow::{
        array::{DictionaryArray, Int64Array, TimestampMillisecondArray},
        compute::filter_record_batch,
    };
    use domain::time::MINUTE;
    use proptest::prelude::*;

    use super::*;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(Millis(from * MINUTE), Millis(to * MINUTE)).unwrap()
    }

    /// The parts of a plan that a moment belongs to, straight from their meaning.
    fn time_of(plan: &Plan, at: Millis) -> Time {
        let current = plan.range.contains(at);
        let since = |first: Millis, step: Step| usize::try_from((at.0 - first.0) / step.ms()).unwrap();
        Time {
            current,
            previous: plan.previous.is_some_and(|p| p.contains(at)),
            course: plan.course.filter(|(r, _)| r.contains(at)).map(|(r, step)| since(r.from(), step)),
            step: plan.steps.filter(|_| current).map(|step| since(step.floor(plan.range.from()), step)),
        }
    }

    /// Rows of (model, minute, value, simulated), in memory's form.
    fn batch(rows: &[(u8, i64, Option<f64>, bool)]) -> RecordBatch {
        let times = rows.iter().map(|r| r.1 * MINUTE);
        let times = TimestampMillisecondArray::from_iter_values(times).with_timezone("UTC");
        let models: DictionaryArray<Int32Type> =
            rows.iter().map(|r| ["a", "b", "c"].get(usize::from(r.0)).copied()).collect();
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("timestamp", Arc::new(times)),
            ("seq", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64))),
            ("samples", Arc::new(rows.iter().map(|r| (r.1 % 3 > 0).then_some(r.1 as f64)).collect::<Float64Array>())),
            ("simulated", Arc::new(rows.iter().map(|r| Some(r.3)).collect::<BooleanArray>())),
            ("model_architecture", Arc::new(models)),
            (crate::scan::metric_column(0), Arc::new(rows.iter().map(|r| r.2).collect::<Float64Array>())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap()
    }

    proptest! {
        #[test]
        fn rows_folded_where_they_lie_are_folded_as_rows_copied_together(
            rows in prop::collection::vec((0u8..4, 0i64..200, prop::option::of(-1.0f64..1.0), any::<bool>()), 1..120),
            cuts in prop::collection::vec((1usize..12, 1usize..12), 1..20), by_steps in any::<bool>(),
        ) {
            let plan = Arc::new(Plan {
                metrics: vec![MetricColumn::BuiltIn(0)],
                group_by: vec!["model_architecture"],
                places: false,
                devices: Devices::OfNone,
                conditions: false,
                range: range(60, 150),
                previous: Some(range(20, 60)),
                tails: vec![true],
                course: Some((range(0, 200), Step::parse("7m").unwrap())),
                steps: by_steps.then(|| Step::parse("1h").unwrap()),
            });
            let mut chosen: Vec<Range<usize>> = vec![];
            let mut at = 0;
            for (skip, take) in cuts {
                let range = (at + skip).min(rows.len())..(at + skip + take).min(rows.len());
                at = range.end;
                chosen.extend((!range.is_empty()).then_some(range));
            }
            let mask: BooleanArray = (0..rows.len()).map(|i| Some(chosen.iter().any(|r| r.contains(&i)))).collect();
            let all = batch(&rows);
            let copied = filter_record_batch(&all, &mask).unwrap();
            let (mut there, mut here) = (Fold::new(Arc::clone(&plan)), Fold::new(plan));
            there.add(&all, &chosen).unwrap();
            here.add(&copied, std::slice::from_ref(&(0..copied.num_rows()))).unwrap();
            // Runs are cut at other places, so sums differ in their last digit.
            let told = |f: Fold| -> Vec<_> {
                let tell = |a: &Aggregate| (a.mean.n, (a.mean.wx * 1e6).round(), a.min, a.max, a.latest, a.quantiles());
                let one = |(key, g): (GroupKey, Group)| {
                    let before = (g.previous[0].n, g.earlier[0].as_deref().map(tell));
                    let course: Vec<_> = g.course.iter().map(|c| (c[0].n, (c[0].wx * 1e6).round())).collect();
                    let steps: Vec<_> = g.steps.iter().map(|s| s.first().map(tell)).collect();
                    (key, (g.rows, g.first, g.last, g.simulated), tell(&g.current[0]), before, course, steps)
                };
                f.finish().into_iter().map(one).collect()
            };
            prop_assert_eq!(told(there), told(here));
        }

        #[test]
        fn every_moment_of_a_span_belongs_to_the_same_parts(
            begin in 0i64..200, length in 1i64..200, before in 1i64..200, course in 0i64..300, at in 0i64..600 * MINUTE,
            step in prop::sample::select(vec!["1m", "7m", "1h"]), with in prop::array::uniform3(any::<bool>()),
        ) {
            let step = Step::parse(step).unwrap();
            let plan = Plan {
                metrics: vec![],
                group_by: vec![],
                places: false,
                devices: Devices::OfNone,
                conditions: false,
                range: range(100 + begin, 100 + begin + length),
                tails: vec![],
                previous: with[0].then(|| range(100 + begin - before.min(100), 100 + begin)),
                course: with[1].then(|| (range(course, course + 150), step)),
                steps: with[2].then_some(step),
            };
            let span = Span::of(&plan, Millis(at));
            prop_assert_eq!(span.time, time_of(&plan, Millis(at)));
            prop_assert!((span.from..span.to).contains(&at));
            for other in [span.from.max(0), (span.from.max(0) + at) / 2, at, span.to.min(601 * MINUTE) - 1] {
                prop_assert_eq!(time_of(&plan, Millis(other)), span.time, "{} and {}", at, other);
            }
        }
    }
}
