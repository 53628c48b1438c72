//! The arithmetic over rows: groups them, and folds each metric of a row into the cells to which the row belongs. One pass
//! answers all parts of a query.

mod arrival;
mod batch;
mod columns;
mod interner;
mod models;
mod part;
mod plan;
#[cfg(test)]
mod tests;
mod text;

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::Float64Type,
};
use domain::{
    aggregate::{Moments, NewestValue, WeightedMean},
    cells::{CellGroup, GroupKey, MetricSums, NameTable, QueryCost},
    query::MetricColumn,
    scope::Place,
    text::Name,
    time::Millis,
};

use self::{
    arrival::{ArrivedInTime, arrived_in_time},
    batch::{
        DEVICE_CHANGED, GROUP_CHANGED, MODEL_CHANGED, PLACE_CHANGED, RowBatch, RowSpan, RowSpans, common_prefix_len,
    },
    interner::{Interner, remapped, sort_and_remap},
    models::{ModelInterner, RecentModels},
    part::{NO_CELL, PartFold},
    plan::{BucketSpan, GroupingSet, MetricUse, PlannedMetric},
};
pub use self::{
    columns::{column_named, metric_source_column, values_of},
    plan::{MODEL_COLUMNS, Plan, RUN_ID_COLUMN},
};
use crate::metric_maps;

/// A fold under way. Each core has one; at the end they are merged.
pub struct Fold {
    plan: Arc<Plan>,
    names: Interner<Box<str>>,
    models: ModelInterner,
    /// By grouping set.
    groups: Vec<Interner<GroupKey>>,
    /// In the order of the query.
    parts: Vec<PartFold>,
    rows: u64,
}

/// In spans shorter than this it is quicker to look at each row than to prepare for many.
const SHORT_SPAN_ROWS: usize = 32;

impl Fold {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            names: Interner::default(),
            models: ModelInterner::default(),
            groups: plan.groupings.iter().map(|_| Interner::default()).collect(),
            parts: plan.query.parts.iter().map(PartFold::new).collect(),
            rows: 0,
            plan,
        }
    }

    /// Folds the rows of a batch in that lie in `chosen`, ranges that ascend and do not touch.
    pub fn add(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> Result<(), String> {
        let plan = Arc::clone(&self.plan);
        let rows = RowBatch::of(batch, &plan)?;
        self.rows += chosen.iter().map(|r| r.len() as u64).sum::<u64>();
        let spans: Vec<RowSpans> =
            (0..plan.groupings.len()).map(|grouping| self.spans(grouping, chosen, &rows)).collect();
        for (grouping, spans) in plan.groupings.iter().zip(&spans) {
            self.note(grouping, spans, &rows);
        }
        let custom = metric_maps::gather(batch, &plan.metrics, chosen)?;
        let mut scattered = vec![0.0; if custom.is_empty() { 0 } else { rows.times.len() }];
        for (m, column) in plan.metrics.iter().enumerate() {
            let groupings = plan.groupings.iter().zip(&spans);
            let wanted = groupings.filter_map(|(grouping, spans)| {
                Some((grouping, grouping.metrics.iter().find(|l| l.column == m)?, spans))
            });
            if let (MetricColumn::Custom(_), Some(values)) = (column, custom.get(m)) {
                values.rows.iter().zip(&values.values).for_each(|(row, x)| scattered[*row] = *x);
                for (grouping, metric, spans) in wanted {
                    for (r, span) in spans.all.iter().enumerate() {
                        let few = &values.rows[values.within(&span.rows)];
                        if !few.is_empty() {
                            let at = || few.iter().map(|row| row - span.rows.start);
                            self.fold((grouping, metric), spans, r, &scattered[span.rows.clone()], &rows, at);
                        }
                    }
                }
                continue;
            }
            let values = column_named(batch, metric_source_column(column))?.as_primitive::<Float64Type>();
            if values.null_count() == values.len() {
                continue;
            }
            let nulls = values.nulls().filter(|n| n.null_count() > 0);
            for (grouping, metric, spans) in wanted {
                for (r, span) in spans.all.iter().enumerate() {
                    let all = &values.values()[span.rows.clone()];
                    if let Some(n) = nulls.filter(|_| all.len() < SHORT_SPAN_ROWS) {
                        let valid = || (0..all.len()).filter(|i| n.is_valid(span.rows.start + i));
                        if valid().next().is_some() {
                            self.fold((grouping, metric), spans, r, all, &rows, valid);
                        }
                        continue;
                    }
                    match nulls.map(|n| n.slice(span.rows.start, all.len())) {
                        Some(n) if n.null_count() == all.len() => {}
                        Some(n) if n.null_count() > 0 => {
                            self.fold((grouping, metric), spans, r, all, &rows, || n.valid_indices());
                        }
                        _ => self.fold((grouping, metric), spans, r, all, &rows, || 0..all.len()),
                    }
                }
            }
        }
        Ok(())
    }

    /// Folds the values of a metric at `places` of a span in; there is at least one.
    #[inline]
    fn fold<I: Iterator<Item = usize>>(
        &mut self,
        (grouping, metric): (&GroupingSet, &PlannedMetric),
        spans: &RowSpans,
        r: usize,
        all: &[f64],
        rows: &RowBatch<'_>,
        places: impl Fn() -> I,
    ) {
        let span = &spans.all[r];
        let weights = &rows.weights[span.rows.clone()];
        // What is wanted in this span: another part of the grouping set may want more, elsewhere.
        let wanted = |of: fn(&MetricUse) -> bool| metric.uses.iter().any(|w| of(w) && spans.cell(r, w.part).is_some());
        let mut sums = Moments::default();
        if wanted(|w| w.spread) {
            places().for_each(|i| sums.add(all[i], weights[i]));
        } else {
            let mut mean = WeightedMean::default();
            places().for_each(|i| mean.add(all[i], weights[i]));
            sums.mean = mean;
        }
        let (times, seqs) = (&rows.times[span.rows.clone()], &rows.seqs[span.rows.clone()]);
        let newest = if wanted(|w| w.latest) {
            let i = if span.ascending { places().last() } else { places().max_by_key(|i| (times[*i], seqs[*i])) };
            i.map(|i| NewestValue { at: Millis(times[i]), seq: seqs[i], value: all[i] })
        } else {
            None
        };
        for want in &metric.uses {
            let Some(cell) = spans.cell(r, want.part) else { continue };
            let part = &mut self.parts[grouping.parts[want.part]];
            let values = &mut part.cells.metrics[want.at];
            match &mut values.sums {
                MetricSums::Means(cells) => cells[cell].merge(&sums.mean),
                MetricSums::Moments(cells) => cells[cell].merge(&sums),
                MetricSums::Full(cells) => {
                    let one = places().next().map_or(0.0, |i| all[i]);
                    cells[cell].add_summed(&sums, one, places().map(|i| all[i]));
                }
            }
            values.simulated[cell] |= span.simulated;
            if let Some(latest) = &mut values.latest {
                NewestValue::merge(&mut latest[cell], newest);
            }
            if let Some(devices) = &mut values.devices
                && let Some(device) = self.plan.device.and_then(|column| rows.text(column, span.rows.start))
                && !devices[cell].contains(device)
            {
                devices[cell].insert(device.into());
            }
            if values.sites.is_some() {
                part.note_site(want.at, cell, span.site);
            }
        }
    }

    /// Cuts the chosen rows into the spans of a grouping set.
    fn spans(&mut self, number: usize, chosen: &[Range<usize>], rows: &RowBatch<'_>) -> RowSpans {
        let plan = Arc::clone(&self.plan);
        let grouping = &plan.groupings[number];
        let only = |columns: &[usize], matter: bool| if matter { columns.to_vec() } else { vec![] };
        let (places, models) = (only(&plan.place, grouping.by_place), only(&plan.model, grouping.by_model));
        let devices = only(plan.device.as_slice(), grouping.by_device);
        let mut spans = RowSpans { all: vec![], parts: grouping.parts.len(), cells: vec![] };
        if !rows.time_bounds().is_some_and(|(first, last)| grouping.ranges.overlaps(first, last)) {
            return spans;
        }
        let mut changes = vec![0; rows.times.len()];
        for (mark, columns) in [
            (GROUP_CHANGED, &grouping.group),
            (PLACE_CHANGED, &places),
            (MODEL_CHANGED, &models),
            (DEVICE_CHANGED, &devices),
        ] {
            columns.iter().for_each(|c| rows.texts[*c].mark_changes(&mut changes, mark));
        }
        rows.mark_simulated(&mut changes);
        // Empty, so that the first row finds its own.
        let mut bucket_span = BucketSpan::default();
        let mut last_models = RecentModels::default();
        let (mut group, mut model, mut site, mut zone) = (NO_CELL, 0, 0, 0);
        let mut taken = true;
        for range in chosen {
            // Nothing is known yet of the row before: it is none of ours, or was passed by.
            let mut anew = true;
            let mut begin = range.start;
            while begin < range.end {
                let said_until = begin + common_prefix_len(&changes[begin..range.end], |c| *c == 0);
                let mut row = begin;
                while row < said_until {
                    let moved = !bucket_span.contains(rows.times[row]);
                    if moved {
                        bucket_span.move_to(&plan, grouping, Millis(rows.times[row]));
                    }
                    let same = row..row + common_prefix_len(&rows.times[row..said_until], |t| bucket_span.contains(*t));
                    let changed = if anew { u8::MAX } else { changes[row] * u8::from(row == begin) };
                    row = same.end;
                    if !bucket_span.is_relevant() {
                        anew |= changed > 0;
                        continue;
                    }
                    anew = false;
                    let row = same.start;
                    if changed & PLACE_CHANGED > 0 {
                        (site, zone) = (rows.hash(places.get(..2).unwrap_or_default(), row), rows.hash(&places, row));
                    }
                    if grouping.by_model && changed & MODEL_CHANGED > 0 {
                        model = last_models.number(rows, &models, row, || self.models.model_number(&plan, rows, row));
                    }
                    if changed & GROUP_CHANGED > 0 {
                        group = self.groups[number].intern(grouping.group_key(&mut self.names, rows, row, model));
                    }
                    if changed > 0 || moved {
                        taken = self.includes(&plan, grouping, rows, row, model);
                    }
                    if !taken {
                        continue;
                    }
                    let simulated = rows.is_simulated(row);
                    let ascending = rows.is_ascending(&same);
                    let mut take = |rows: Range<usize>, arrived: &ArrivedInTime| {
                        if *arrived == ArrivedInTime::TooLate {
                            return;
                        }
                        spans.all.push(RowSpan { rows, simulated, site, zone, ascending });
                        for (p, part) in grouping.parts.iter().enumerate() {
                            let bucket = bucket_span.buckets[p].filter(|_| arrived.counts_in(p));
                            spans.cells.push(bucket.map_or(NO_CELL, |s| self.parts[*part].cell(group, s)));
                        }
                    };
                    if !plan.arrivals {
                        take(same, &ArrivedInTime::InTime);
                        continue;
                    }
                    let arrived: Vec<ArrivedInTime> =
                        same.clone().map(|row| arrived_in_time(&plan, grouping, &bucket_span, rows, row)).collect();
                    let mut from = same.start;
                    for some in arrived.chunk_by(PartialEq::eq) {
                        take(from..from + some.len(), &some[0]);
                        from += some.len();
                    }
                }
                begin = said_until;
            }
        }
        spans
    }

    /// Whether the query's filter takes a row, apart from its scope, its time and its arrival.
    fn includes(&self, plan: &Plan, grouping: &GroupingSet, rows: &RowBatch<'_>, row: usize, model: u32) -> bool {
        let filter = &plan.query.filter;
        let device = || rows.text(plan.device?, row);
        (!grouping.by_model || self.models.includes(model, plan))
            && (filter.devices.is_empty() || device().is_some_and(|d| filter.devices.iter().any(|f| f.as_str() == d)))
            && filter.on.as_ref().is_none_or(|on| {
                let name = |i: usize| rows.text(plan.place[i], row).and_then(|t| Name::parse_stored(t).ok());
                let Some(customer) = name(0) else { return false };
                on.contains(&(Place { customer, site: name(1), zone: name(2) }, Millis(rows.times[row]).day()))
            })
    }

    /// What is noted of rows apart from their metrics.
    fn note(&mut self, grouping: &GroupingSet, spans: &RowSpans, rows: &RowBatch<'_>) {
        for (r, span) in spans.all.iter().enumerate() {
            let times = &rows.times[span.rows.clone()];
            let (first, last) = match times {
                [first, .., last] if span.ascending => (*first, *last),
                [only] => (*only, *only),
                _ => times.iter().fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(*t), last.max(*t))),
            };
            for (p, number) in grouping.parts.iter().enumerate() {
                let Some(cell) = spans.cell(r, p) else { continue };
                let part = &mut self.parts[*number];
                let cells = &mut part.cells;
                cells.rows[cell] += span.rows.len() as u64;
                cells.first[cell] = cells.first[cell].min(Millis(first));
                cells.last[cell] = cells.last[cell].max(Millis(last));
                cells.simulated[cell] |= span.simulated;
                if let Some(devices) = &mut cells.devices {
                    let device =
                        self.plan.device.and_then(|column| rows.text(column, span.rows.start)).unwrap_or_default();
                    if !devices[cell].contains(device) {
                        devices[cell].insert(device.into());
                    }
                }
                if let Some(days) = &mut cells.days {
                    // A file holds one day: the rows of a span are seldom of several.
                    if Millis(first).day() == Millis(last).day() {
                        days[cell].insert(Millis(first).day());
                    } else {
                        days[cell].extend(times.iter().map(|t| Millis(*t).day()));
                    }
                }
                part.note_place(cell, span.site, span.zone);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        let names: Vec<u32> = other.names.all.iter().map(|text| self.names.intern_text(text)).collect();
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
            .map(|(ours, theirs)| theirs.all.iter().map(|key| ours.intern(remapped(key, &names, &models))).collect())
            .collect();
        for (grouping, groups) in self.plan.groupings.iter().zip(groups) {
            for part in &grouping.parts {
                self.parts[*part].merge(&other.parts[*part], &groups);
            }
        }
    }

    /// The groups, by key and then by part.
    pub fn finish(self) -> (NameTable, Vec<CellGroup>, QueryCost) {
        let (names, name_numbers) = sort_and_remap(self.names.all.iter().map(|t| stored(t)).collect(), Clone::clone);
        let (models, model_numbers) = sort_and_remap(self.models.seen, |m| m.key.clone());
        let model_numbers: Vec<u32> = model_numbers.into_iter().map(|n| n + 1).collect();
        let mut groups = vec![];
        let mut cost = QueryCost { rows: self.rows, ..QueryCost::default() };
        let mut grouping_of = vec![0; self.parts.len()];
        for (number, grouping) in self.plan.groupings.iter().enumerate() {
            grouping.parts.iter().for_each(|part| grouping_of[*part] = number);
        }
        for (number, part) in self.parts.into_iter().enumerate() {
            let keys = &self.groups[grouping_of[number]].all;
            for (group, cells) in part.finish() {
                cost.cells += cells.len() as u64;
                cost.sketches += cells.sketches();
                let key = remapped(&keys[group as usize], &name_numbers, &model_numbers);
                groups.push(CellGroup { part: number, key, cells });
            }
        }
        groups.sort_by_key(|g| (g.key, g.part));
        (NameTable { names, models }, groups, cost)
    }
}

/// A name as it is stored. A text that is none any more becomes a common placeholder name.
#[expect(clippy::expect_used, reason = "a constant that a test of Name covers")]
fn stored(text: &str) -> Name {
    Name::parse_stored(text).unwrap_or_else(|_| Name::parse("unnamed").expect("a name"))
}
