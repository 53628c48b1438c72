//! The arithmetic over rows: groups them, and folds each metric of a row into the cells to which the row belongs. One pass
//! answers all parts of a question.

mod part;
mod plan;
mod text;

use std::{
    borrow::Cow,
    collections::HashMap,
    ops::Range,
    sync::Arc,
};

use datafusion::arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, Float64Array, PrimitiveArray, RecordBatch},
    datatypes::{Float64Type, Int64Type, TimestampMillisecondType},
};
use domain::{
    aggregate::{Latest, Mean, Spread},
    cells::{Cost, Dimension, Group, Key, ModelSeen, Sums, Words},
    model::{ModelKey, Said, Tags},
    query::MetricColumn,
    scope::Place,
    text::Name,
    time::Millis,
};

pub use self::plan::Plan;
use self::{
    part::{NONE, PartFold},
    plan::{MODEL, Metric, RUN, Span},
    text::{Text, hash},
};
use crate::maps;

/// A fold under way. Each core has one; at the end they are merged.
pub struct Fold {
    plan: Arc<Plan>,
    names: Numbers<Box<str>>,
    models: Models,
    /// By grouping.
    groups: Vec<Numbers<Key>>,
    parts: Vec<PartFold>,
    rows: u64,
}

/// Things numbered in the order in which they came.
#[derive(Debug)]
struct Numbers<T> {
    numbers: HashMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Numbers<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), all: vec![] }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Numbers<T> {
    fn of(&mut self, thing: T) -> u32 {
        *self.numbers.entry(thing).or_insert_with_key(|thing| {
            self.all.push(thing.clone());
            self.all.len() as u32 - 1
        })
    }
}

impl Numbers<Box<str>> {
    fn of_text(&mut self, text: &str) -> u32 {
        self.numbers.get(text).copied().unwrap_or_else(|| self.of(text.into()))
    }
}

/// The models that rows name; see [`domain::model`].
#[derive(Default)]
struct Models {
    /// By what a row says, the number of its model; 0 for a row that says nothing.
    said: HashMap<[Option<Box<str>>; 5], u32>,
    /// Model `i` has the number `i + 1`.
    numbers: HashMap<ModelKey, u32>,
    seen: Vec<ModelSeen>,
    /// By number, whether the question's filter takes it.
    taken: Vec<bool>,
}

/// Rows one after the other that belong to the same cells, and were measured on the same device. Files are sorted by place and
/// time, so there are few.
struct Run {
    rows: Range<usize>,
    simulated: bool,
    /// Hashes of the rows' site and of their zone.
    site: u64,
    zone: u64,
    /// Whether each is newer than the one before.
    ascending: bool,
}

/// The runs of a batch, and of each the cell in every part.
struct Runs {
    all: Vec<Run>,
    parts: usize,
    cells: Vec<u32>,
}

impl Runs {
    /// The cell to which a run belongs in a part; `None` where the part does not look at it.
    #[inline]
    fn cell(&self, run: usize, part: usize) -> Option<usize> {
        let cell = self.cells[run * self.parts + part];
        (cell != NONE).then_some(cell as usize)
    }
}

/// Of a batch, what every metric needs.
struct Batch<'a> {
    times: &'a [i64],
    seqs: &'a [i64],
    weights: Cow<'a, [f64]>,
    simulated: &'a BooleanArray,
    received: Option<&'a PrimitiveArray<TimestampMillisecondType>>,
    /// Columns of text by name.
    texts: HashMap<&'static str, Text<'a>>,
}

impl<'a> Batch<'a> {
    fn of(batch: &'a RecordBatch, plan: &Plan) -> Result<Self, String> {
        let find = |name| find(batch, name);
        let weights = find("samples")?.as_primitive::<Float64Type>();
        Ok(Self {
            times: find("timestamp")?.as_primitive::<TimestampMillisecondType>().values(),
            seqs: find("seq")?.as_primitive::<Int64Type>().values(),
            // A record that does not say on how many samples it stands counts once.
            weights: match weights.null_count() {
                0 => Cow::Borrowed(weights.values()),
                _ => weights.iter().map(|w| w.unwrap_or(1.0)).collect(),
            },
            simulated: find("simulated")?.as_boolean(),
            received: if plan.arrivals { Some(find("received_at")?.as_primitive()) } else { None },
            texts: plan
                .texts()
                .into_iter()
                .map(|name| Ok((name, Text::of(find(name)?)?)))
                .collect::<Result<_, String>>()?,
        })
    }

    fn text(&self, name: &str, row: usize) -> Option<&'a str> {
        self.texts.get(name)?.get(row)
    }

    fn is_simulated(&self, row: usize) -> bool {
        self.simulated.is_valid(row) && self.simulated.value(row)
    }

    /// Whether two rows say the same in these columns.
    fn same(&self, columns: &[&'static str], row: usize, other: usize) -> bool {
        columns.iter().all(|name| self.texts.get(name).is_none_or(|t| t.same(row, other)))
    }

    fn hash(&self, columns: &[&'static str], row: usize) -> u64 {
        hash(columns.iter().filter_map(|name| self.texts.get(name)), row)
    }
}

/// The columns that hold a dimension.
fn columns_of(by: Dimension, plan: &Plan) -> Vec<&'static str> {
    match by {
        Dimension::Customer => vec!["customer"],
        Dimension::Site => vec!["site"],
        Dimension::Zone => vec!["zone"],
        Dimension::Task => vec!["task"],
        Dimension::Device => vec!["device"],
        Dimension::Model => MODEL.into_iter().chain(plan.runs.then_some(RUN)).collect(),
    }
}

impl Models {
    /// The number of a row's model.
    fn of(&mut self, plan: &Plan, rows: &Batch<'_>, row: usize) -> u32 {
        let run = if plan.runs { rows.text(RUN, row) } else { None };
        let [a, b, c, d] = MODEL.map(|name| rows.text(name, row));
        let said = [a, b, c, d, run].map(|t| t.map(Box::from));
        if let Some(number) = self.said.get(&said) {
            return *number;
        }
        let of = Said { registered_model: a, registered_version: b, architecture: c, version: d, run_id: run };
        let filter = &plan.query.filter;
        let number = filter.versions.key_of(&of).map_or(0, |(key, link)| {
            let name = |t: Option<&str>| t.and_then(|t| Name::stored(t).ok());
            let number = self.number(key, filter.models.as_slice());
            let tags = &mut self.seen[number as usize - 1].tags;
            tags.architectures.insert(name(c));
            tags.versions.insert(name(d));
            tags.links.insert(link);
            number
        });
        self.said.insert(said, number);
        number
    }

    fn number(&mut self, key: ModelKey, wanted: &[ModelKey]) -> u32 {
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.taken.push(wanted.is_empty() || wanted.iter().any(|w| w.holds(key)));
            self.seen.push(ModelSeen { key: key.clone(), tags: Tags::default() });
            self.seen.len() as u32
        })
    }

    /// Whether the filter takes rows of a number; those of no model only when none is asked for.
    fn takes(&self, number: u32, plan: &Plan) -> bool {
        number.checked_sub(1).map_or(plan.query.filter.models.is_empty(), |i| self.taken[i as usize])
    }
}

impl Fold {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            names: Numbers::default(),
            models: Models::default(),
            groups: plan.groupings.iter().map(|_| Numbers::default()).collect(),
            parts: plan.query.parts.iter().map(PartFold::new).collect(),
            rows: 0,
            plan,
        }
    }

    /// Folds the rows of a batch in that lie in `chosen`, ranges that ascend and do not touch.
    pub fn add(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> Result<(), String> {
        let plan = Arc::clone(&self.plan);
        let rows = Batch::of(batch, &plan)?;
        self.rows += chosen.iter().map(|r| r.len() as u64).sum::<u64>();
        let runs = self.runs(chosen, &rows);
        self.note(&runs, &rows);
        let columns: Vec<MetricColumn> = plan.metrics.iter().map(|m| m.column.clone()).collect();
        let custom = maps::gather(batch, &columns, chosen)?;
        let mut scattered = vec![0.0; if custom.is_empty() { 0 } else { rows.times.len() }];
        for (m, metric) in plan.metrics.iter().enumerate() {
            if let (MetricColumn::Custom(_), Some(values)) = (&metric.column, custom.get(m)) {
                values.rows.iter().zip(&values.values).for_each(|(row, x)| scattered[*row] = *x);
                for (r, run) in runs.all.iter().enumerate() {
                    let few = &values.rows[values.within(&run.rows)];
                    if !few.is_empty() {
                        let all = &scattered[run.rows.clone()];
                        self.fold(metric, &runs, r, all, &rows, || few.iter().map(|row| row - run.rows.start));
                    }
                }
                continue;
            }
            let values = find(batch, source_column(&metric.column))?.as_primitive::<Float64Type>();
            for (r, run) in runs.all.iter().enumerate() {
                let all = &values.values()[run.rows.clone()];
                let nulls = values.nulls().map(|n| n.slice(run.rows.start, all.len()));
                match nulls {
                    Some(n) if n.null_count() == all.len() => {}
                    Some(n) if n.null_count() > 0 => self.fold(metric, &runs, r, all, &rows, || n.valid_indices()),
                    _ => self.fold(metric, &runs, r, all, &rows, || 0..all.len()),
                }
            }
        }
        Ok(())
    }

    /// Folds the values of a metric at `places` of a run in; there is at least one.
    #[inline]
    fn fold<I: Iterator<Item = usize>>(
        &mut self,
        metric: &Metric,
        runs: &Runs,
        r: usize,
        all: &[f64],
        rows: &Batch<'_>,
        places: impl Fn() -> I,
    ) {
        let run = &runs.all[r];
        let weights = &rows.weights[run.rows.clone()];
        let mut sums = Spread::default();
        if metric.spread {
            places().for_each(|i| sums.add(all[i], weights[i]));
        } else {
            let mut mean = Mean::default();
            places().for_each(|i| mean.add(all[i], weights[i]));
            sums.mean = mean;
        }
        let (times, seqs) = (&rows.times[run.rows.clone()], &rows.seqs[run.rows.clone()]);
        let newest = if metric.latest {
            let i = if run.ascending { places().last() } else { places().max_by_key(|i| (times[*i], seqs[*i])) };
            i.map(|i| Latest { at: Millis(times[i]), seq: seqs[i], value: all[i] })
        } else {
            None
        };
        for want in &metric.wants {
            let Some(cell) = runs.cell(r, want.part) else { continue };
            let part = &mut self.parts[want.part];
            let values = &mut part.cells.metrics[want.at];
            match &mut values.sums {
                Sums::Means(cells) => cells[cell].merge(&sums.mean),
                Sums::Spread(cells) => cells[cell].merge(&sums),
                Sums::Full(cells) => {
                    let one = places().next().map_or(0.0, |i| all[i]);
                    cells[cell].take(&sums, one, places().map(|i| all[i]));
                }
            }
            values.simulated[cell] |= run.simulated;
            if let Some(latest) = &mut values.latest {
                Latest::merge(&mut latest[cell], newest);
            }
            if let Some(devices) = &mut values.devices
                && let Some(device) = rows.text("device", run.rows.start)
                && !devices[cell].contains(device)
            {
                devices[cell].insert(device.into());
            }
            part.note_site(want.at, cell, run.site);
        }
    }

    /// Cuts the chosen rows into runs.
    fn runs(&mut self, chosen: &[Range<usize>], rows: &Batch<'_>) -> Runs {
        let plan = Arc::clone(&self.plan);
        let mut changes = BooleanBufferBuilder::new(rows.times.len());
        changes.append_n(rows.times.len(), false);
        rows.texts.values().for_each(|t| t.mark_changes(&mut changes));
        let columns: Vec<Vec<&'static str>> =
            plan.groupings.iter().map(|g| g.iter().flat_map(|by| columns_of(*by, &plan)).collect()).collect();
        let place: &[&str] = if plan.places { &["customer", "site", "zone"] } else { &[] };
        let model = if plan.models { columns_of(Dimension::Model, &plan) } else { vec![] };
        let mut runs = Runs { all: vec![], parts: plan.query.parts.len(), cells: vec![] };
        // Empty, so that the first row finds its own.
        let mut span = Span::default();
        // A champion and its challenger take turns: by grouping, the first row of each of the last few groups.
        let mut recent: Vec<Vec<(usize, u32)>> = vec![vec![]; plan.groupings.len()];
        let mut groups: Vec<u32> = vec![NONE; plan.groupings.len()];
        let mut number = 0;
        let mut arrived = Arrived::InTime;
        let (mut site, mut zone, mut taken) = (0, 0, true);
        // The row before, where it is one of ours.
        let mut before: Option<usize> = None;
        let each = chosen.iter().flat_map(|range| range.clone().map(|row| (row, row == range.start)));
        for (row, first) in each {
            let t = rows.times[row];
            let moved = !(span.from..span.to).contains(&t);
            if moved {
                span = Span::of(&plan, Millis(t));
            }
            let in_time = if plan.arrivals { arrival(&plan, &span, rows, row) } else { Arrived::InTime };
            let said = first || before.is_none() || changes.get_bit(row);
            if !said && !moved && in_time == arrived {
                if !taken || arrived == Arrived::TooLate {
                    before = Some(row);
                    continue;
                }
                if let Some(run) = runs.all.last_mut()
                    && run.rows.end == row
                    && run.simulated == rows.is_simulated(row)
                {
                    run.rows.end = row + 1;
                    run.ascending &= (rows.times[row - 1], rows.seqs[row - 1]) <= (t, rows.seqs[row]);
                    before = Some(row);
                    continue;
                }
            }
            arrived = in_time;
            if said {
                let other = before.filter(|_| !first);
                if !place.is_empty() && other.is_none_or(|o| !rows.same(place, row, o)) {
                    (site, zone) = (rows.hash(&place[..2], row), rows.hash(place, row));
                }
                if plan.models && other.is_none_or(|o| !rows.same(&model, row, o)) {
                    number = self.models.of(&plan, rows, row);
                }
                for (g, columns) in columns.iter().enumerate() {
                    if other.is_some_and(|o| groups[g] != NONE && rows.same(columns, row, o)) {
                        continue;
                    }
                    let known = recent[g].iter().find(|(other, _)| rows.same(columns, row, *other));
                    groups[g] = known.map(|(_, group)| *group).unwrap_or_else(|| {
                        let key = key(&mut self.names, &plan.groupings[g], rows, row, number);
                        let group = self.groups[g].of(key);
                        recent[g].truncate(3);
                        recent[g].insert(0, (row, group));
                        group
                    });
                }
            }
            if said || moved {
                taken = self.takes(&plan, rows, row, number);
            }
            before = Some(row);
            if !taken || arrived == Arrived::TooLate {
                continue;
            }
            runs.all.push(Run { rows: row..row + 1, simulated: rows.is_simulated(row), site, zone, ascending: true });
            for (p, part) in self.parts.iter_mut().enumerate() {
                let stretch = span.stretches[p].filter(|_| arrived.counts_in(p));
                runs.cells.push(stretch.map_or(NONE, |s| part.cell(groups[plan.grouping[p]], s)));
            }
        }
        runs
    }

    /// Whether the question's filter takes a row, apart from its scope, its time and its arrival.
    fn takes(&self, plan: &Plan, rows: &Batch<'_>, row: usize, model: u32) -> bool {
        let filter = &plan.query.filter;
        let device = || rows.text("device", row);
        (!plan.models || self.models.takes(model, plan))
            && (filter.devices.is_empty() || device().is_some_and(|d| filter.devices.iter().any(|f| f.as_str() == d)))
            && filter.on.as_ref().is_none_or(|on| {
                let name = |column| rows.text(column, row).and_then(|t| Name::stored(t).ok());
                let Some(customer) = name("customer") else { return false };
                on.contains(&(
                    Place { customer, site: name("site"), zone: name("zone") },
                    Millis(rows.times[row]).day(),
                ))
            })
    }

    /// What is noted of rows apart from their metrics.
    fn note(&mut self, runs: &Runs, rows: &Batch<'_>) {
        for (r, run) in runs.all.iter().enumerate() {
            let times = &rows.times[run.rows.clone()];
            let (mut first, mut last) = (i64::MAX, i64::MIN);
            for t in times {
                (first, last) = (first.min(*t), last.max(*t));
            }
            for p in 0..runs.parts {
                let Some(cell) = runs.cell(r, p) else { continue };
                let part = &mut self.parts[p];
                let cells = &mut part.cells;
                cells.rows[cell] += run.rows.len() as u64;
                cells.first[cell] = cells.first[cell].min(Millis(first));
                cells.last[cell] = cells.last[cell].max(Millis(last));
                cells.simulated[cell] |= run.simulated;
                if let Some(devices) = &mut cells.devices {
                    let device = rows.text("device", run.rows.start).unwrap_or_default();
                    if !devices[cell].contains(device) {
                        devices[cell].insert(device.into());
                    }
                }
                if let Some(days) = &mut cells.days {
                    // A file holds one day: the rows of a run are seldom of several.
                    if Millis(first).day() == Millis(last).day() {
                        days[cell].insert(Millis(first).day());
                    } else {
                        days[cell].extend(times.iter().map(|t| Millis(*t).day()));
                    }
                }
                part.note_place(cell, run.site, run.zone);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        let names: Vec<u32> = other.names.all.iter().map(|text| self.names.of_text(text)).collect();
        let wanted = self.plan.query.filter.models.clone();
        let models: Vec<u32> = other
            .models
            .seen
            .into_iter()
            .map(|theirs| {
                let number = self.models.number(theirs.key, &wanted);
                let tags = &mut self.models.seen[number as usize - 1].tags;
                tags.architectures.extend(theirs.tags.architectures);
                tags.versions.extend(theirs.tags.versions);
                tags.links.extend(theirs.tags.links);
                number
            })
            .collect();
        let groups: Vec<Vec<u32>> = self
            .groups
            .iter_mut()
            .zip(&other.groups)
            .map(|(ours, theirs)| theirs.all.iter().map(|key| ours.of(renumbered(key, &names, &models))).collect())
            .collect();
        for ((ours, theirs), grouping) in self.parts.iter_mut().zip(&other.parts).zip(&self.plan.grouping) {
            ours.merge(theirs, &groups[*grouping]);
        }
    }

    /// The groups, by key and then by part.
    pub fn finish(self) -> (Words, Vec<Group>, Cost) {
        let (names, name_numbers) = sorted(self.names.all.iter().map(|t| stored(t)).collect(), Clone::clone);
        let (models, model_numbers) = sorted(self.models.seen, |m| m.key.clone());
        let model_numbers: Vec<u32> = model_numbers.into_iter().map(|n| n + 1).collect();
        let mut groups = vec![];
        let mut cost = Cost { rows: self.rows, ..Cost::default() };
        for (number, part) in self.parts.into_iter().enumerate() {
            let keys = &self.groups[self.plan.grouping[number]].all;
            for (group, cells) in part.finish() {
                cost.cells += cells.len() as u64;
                cost.sketches += cells.sketches();
                let key = renumbered(&keys[group as usize], &name_numbers, &model_numbers);
                groups.push(Group { part: number, key, cells });
            }
        }
        groups.sort_by_key(|g| (g.key, g.part));
        (Words { names, models }, groups, cost)
    }
}

/// Whether a row arrived in time to count.
#[derive(Debug, PartialEq, Eq)]
enum Arrived {
    InTime,
    TooLate,
    /// By part.
    For(Box<[bool]>),
}

impl Arrived {
    fn counts_in(&self, part: usize) -> bool {
        match self {
            Self::InTime => true,
            Self::TooLate => false,
            Self::For(parts) => parts[part],
        }
    }
}

fn arrival(plan: &Plan, span: &Span, rows: &Batch<'_>, row: usize) -> Arrived {
    // Of a row that does not say when it arrived nothing speaks against it.
    let Some(received) = rows.received.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else { return Arrived::InTime };
    let filter = &plan.query.filter;
    if filter.known_at.is_some_and(|known| received > known.0) {
        return Arrived::TooLate;
    }
    let Some(within) = filter.received_within else { return Arrived::InTime };
    let in_time = |(part, stretch): (&domain::cells::Part, &Option<u32>)| {
        let end = stretch.and_then(|s| part.edges.bounds(s).1);
        end.is_none_or(|end| received <= end.0.saturating_add(within))
    };
    Arrived::For(plan.query.parts.iter().zip(&span.stretches).map(in_time).collect())
}

fn key(names: &mut Numbers<Box<str>>, grouping: &[Dimension], rows: &Batch<'_>, row: usize, model: u32) -> Key {
    let mut key = Key::default();
    for by in grouping {
        let text = |column| rows.text(column, row);
        let mut number = |text: Option<&str>| text.map_or(0, |t| names.of_text(t) + 1);
        key.0[*by as usize] = match by {
            Dimension::Customer => number(text("customer")),
            Dimension::Site => number(text("site")),
            Dimension::Zone => number(text("zone")),
            Dimension::Task => number(text("task")),
            Dimension::Device => number(text("device")),
            Dimension::Model => model,
        };
    }
    key
}

/// A name as it is stored. A text that is none any more stands for the lot.
#[expect(clippy::expect_used, reason = "a constant that a test of Name covers")]
fn stored(text: &str) -> Name {
    Name::stored(text).unwrap_or_else(|_| Name::parse("unnamed").expect("a name"))
}

/// The same in order, each once, and by old place the new one.
fn sorted<T, K: Ord>(all: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<u32>) {
    let mut numbers = vec![0; all.len()];
    let mut order: Vec<(usize, T)> = all.into_iter().enumerate().collect();
    order.sort_by_key(|(_, thing)| key(thing));
    let mut once: Vec<T> = Vec::with_capacity(order.len());
    for (old, thing) in order {
        if once.last().is_none_or(|last| key(last) != key(&thing)) {
            once.push(thing);
        }
        numbers[old] = once.len() as u32 - 1;
    }
    (once, numbers)
}

/// The same key where names and models have other numbers: `names` by old number, `models` by old number less one.
fn renumbered(key: &Key, names: &[u32], models: &[u32]) -> Key {
    let mut renumbered = Key::default();
    for by in Dimension::ALL {
        let Some(old) = key.number(by).checked_sub(1) else { continue };
        renumbered.0[by as usize] =
            if by == Dimension::Model { models[old as usize] } else { names[old as usize] + 1 };
    }
    renumbered
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
        datatypes::Int32Type,
    };
    use domain::{
        aggregate::Aggregate,
        cells::{CellsQuery, Detail, Edges, Filter, Noted, Part, Wanted},
        time::{MINUTE, Ranges, Step, TimeRange},
    };
    use proptest::prelude::*;

    use super::*;

    fn range(from: i64, to: i64) -> TimeRange {
        TimeRange::new(Millis(from * MINUTE), Millis(to * MINUTE)).unwrap()
    }

    /// Rows of (model, minute, value, simulated, minutes until they arrived), in memory's form.
    type Told = (u8, i64, Option<f64>, bool, Option<i64>);

    fn batch(rows: &[Told]) -> RecordBatch {
        let times = |all: Vec<Option<i64>>| {
            Arc::new(all.into_iter().collect::<TimestampMillisecondArray>().with_timezone("UTC")) as ArrayRef
        };
        let text = |all: Vec<Option<&str>>| Arc::new(all.into_iter().collect::<DictionaryArray<Int32Type>>()) as ArrayRef;
        let floats = |all: Vec<Option<f64>>| Arc::new(all.into_iter().collect::<Float64Array>()) as ArrayRef;
        let none = || text(vec![None; rows.len()]);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("timestamp", times(rows.iter().map(|r| Some(r.1 * MINUTE)).collect())),
            ("received_at", times(rows.iter().map(|r| r.4.map(|late| (r.1 + late) * MINUTE)).collect())),
            ("seq", Arc::new(Int64Array::from_iter_values(0..rows.len() as i64))),
            ("samples", floats(rows.iter().map(|r| (r.1 % 3 > 0).then_some(r.1 as f64)).collect())),
            ("simulated", Arc::new(rows.iter().map(|r| Some(r.3)).collect::<BooleanArray>())),
            ("customer", text(vec![Some("c"); rows.len()])),
            ("site", text(rows.iter().map(|r| (r.1 % 2 > 0).then_some("s")).collect())),
            ("zone", none()),
            ("registered_model", none()),
            ("registered_version", none()),
            (
                "model_architecture",
                text(rows.iter().map(|r| ["a", "b", "c"].get(usize::from(r.0)).copied()).collect()),
            ),
            ("model_version", none()),
            (crate::scan::metric_column(0), floats(rows.iter().map(|r| r.2).collect())),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, c)| (name, c, true))).unwrap()
    }

    fn wanted(detail: Detail) -> Wanted {
        Wanted { latest: true, sites: true, ..Wanted::new(MetricColumn::BuiltIn(0), detail) }
    }

    /// Parts of every kind: without and with edges, over ranges apart, by model and not, of every detail.
    fn parts() -> Vec<Part> {
        let step = |text| Step::parse(text).unwrap();
        vec![
            Part::over(range(60, 150)).by([Dimension::Model]).of([wanted(Detail::Full)]),
            Part::over(Ranges::of([range(20, 60), range(90, 100)]))
                .of([wanted(Detail::Means)])
                .noting(Noted { sites: true, zones: true, devices: false, days: true }),
            Part::over(range(0, 200))
                .cut(Edges::every(Millis(0), step("7m")))
                .by([Dimension::Site, Dimension::Model])
                .of([wanted(Detail::Spread)]),
            Part::over(range(10, 190)).cut(Edges::at([30, 31, 140].map(|m| Millis(m * MINUTE)))),
        ]
    }

    fn told(fold: Fold) -> Vec<String> {
        let (words, groups, _) = fold.finish();
        let group = |g: &Group| {
            let c = &g.cells;
            // Runs are cut at other places, so sums differ in their last digit.
            let round = |x: f64| (x * 1e6).round();
            let values = |m: &domain::cells::Values, row: usize| {
                let spread = m.sums.spread(row).map(|s| (round(s.ww), round(s.wxx)));
                let full = m.sums.full(row).map(|a: &Aggregate| (a.min, a.max, a.quantiles()));
                let mean = m.sums.mean(row);
                let latest = m.latest.as_ref().map(|l| l[row]);
                let sites = m.sites.as_ref().map(|s| &s[row]);
                format!("{} {} {spread:?} {full:?} {latest:?} {sites:?}", mean.n, round(mean.wx))
            };
            let row = |row: usize| {
                let noted = (c.sites.as_ref().map(|s| &s[row]), c.zones.as_ref().map(|s| &s[row]));
                let days = c.days.as_ref().map(|d| &d[row]);
                let values: Vec<_> = c.metrics.iter().map(|m| values(m, row)).collect();
                let times = (c.first[row], c.last[row]);
                format!("{}: {} {times:?} {} {noted:?} {days:?} {values:?}", c.stretches[row], c.rows[row], c.simulated[row])
            };
            let name = (words.name(&g.key, Dimension::Site), words.model(&g.key).map(|m| m.key.to_string()));
            format!("{} {name:?} {:?}", g.part, (0..c.len()).map(row).collect::<Vec<_>>())
        };
        groups.iter().map(group).collect()
    }

    proptest! {
        #[test]
        fn rows_folded_where_they_lie_are_folded_as_rows_copied_together_and_on_two_cores(
            rows in prop::collection::vec(
                (0u8..4, 0i64..200, prop::option::of(-1.0f64..1.0), any::<bool>(), prop::option::of(0i64..90)), 1..120),
            cuts in prop::collection::vec((1usize..12, 1usize..12), 1..20),
            known_at in prop::option::of(0i64..250), received_within in prop::option::of(0i64..40),
            model in prop::option::of(Just("b")),
        ) {
            let filter = Filter {
                known_at: known_at.map(|m| Millis(m * MINUTE)),
                received_within: received_within.map(|m| m * MINUTE),
                models: model.into_iter().map(|m| ModelKey::parse(m).unwrap()).collect(),
                ..Filter::default()
            };
            let plan = Arc::new(Plan::new(CellsQuery { filter, parts: parts() }));
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
            let half = copied.num_rows() / 2;
            let fold = || Fold::new(Arc::clone(&plan));
            let (mut there, mut here, mut first, mut second) = (fold(), fold(), fold(), fold());
            there.add(&all, &chosen).unwrap();
            here.add(&copied, std::slice::from_ref(&(0..copied.num_rows()))).unwrap();
            first.add(&copied, std::slice::from_ref(&(half..copied.num_rows()))).unwrap();
            second.add(&copied, std::slice::from_ref(&(0..half))).unwrap();
            first.merge(second);
            let here = told(here);
            prop_assert_eq!(told(there), here.clone());
            prop_assert_eq!(told(first), here);
        }

        #[test]
        fn every_moment_of_a_span_has_the_same_stretches(
            ranges in prop::collection::vec((0i64..300, 1i64..200), 1..4), edges in prop::collection::vec(0i64..600, 0..4),
            from in 0i64..300, step in prop::sample::select(vec!["1m", "7m", "1h"]), at in 0i64..600 * MINUTE,
        ) {
            let ranges = Ranges::of(ranges.into_iter().map(|(from, length)| range(from, from + length)));
            let every = Edges::every(Millis(from * MINUTE), Step::parse(step).unwrap());
            let parts = vec![
                Part::over(ranges.clone()).cut(every),
                Part::over(range(100, 500)).cut(Edges::at(edges.into_iter().map(|m| Millis(m * MINUTE)))),
                Part::over(ranges),
            ];
            let plan = Plan::new(CellsQuery { filter: Filter::default(), parts });
            let stretches = |at: Millis| -> Vec<Option<u32>> {
                plan.query.parts.iter().map(|p| p.ranges.contains(at).then(|| p.edges.stretch(at))).collect()
            };
            let span = Span::of(&plan, Millis(at));
            prop_assert_eq!(&span.stretches, &stretches(Millis(at)));
            prop_assert!((span.from..span.to).contains(&at));
            for other in [span.from.max(0), i64::midpoint(span.from.max(0), at), at, span.to.min(601 * MINUTE) - 1] {
                prop_assert_eq!(&stretches(Millis(other)), &span.stretches, "{} and {}", at, other);
            }
        }
    }
}
