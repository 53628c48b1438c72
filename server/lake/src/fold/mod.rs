//! The arithmetic over rows: groups them, and folds each metric of a row into the cells to which the row belongs. One pass
//! answers all parts of a question.

mod arrival;
mod batch;
mod columns;
mod models;
mod numbers;
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
    aggregate::{Latest, Mean, Spread},
    cells::{Cost, Dimension, Group, Key, Sums, Words},
    query::MetricColumn,
    scope::Place,
    text::Name,
    time::Millis,
};

use self::{
    arrival::{Arrived, arrival},
    batch::{Batch, DEVICE, GROUP, MODEL, PLACE, Run, Runs, alike},
    models::{Models, Recent},
    numbers::{Numbers, renumbered, sorted},
    part::{NONE, PartFold},
    plan::{Lane, Metric, Span, Want},
};
pub use self::{
    columns::{find, source_column, values_of},
    plan::Plan,
};
use crate::maps;

/// A fold under way. Each core has one; at the end they are merged.
pub struct Fold {
    plan: Arc<Plan>,
    names: Numbers<Box<str>>,
    models: Models,
    /// By lane.
    groups: Vec<Numbers<Key>>,
    /// In the order of the question.
    parts: Vec<PartFold>,
    rows: u64,
}

/// In runs shorter than this it is quicker to look at each row than to prepare for many.
const SHORT: usize = 32;

impl Fold {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self {
            names: Numbers::default(),
            models: Models::default(),
            groups: plan.lanes.iter().map(|_| Numbers::default()).collect(),
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
        let runs: Vec<Runs> = (0..plan.lanes.len()).map(|lane| self.runs(lane, chosen, &rows)).collect();
        for (lane, runs) in plan.lanes.iter().zip(&runs) {
            self.note(lane, runs, &rows);
        }
        let custom = maps::gather(batch, &plan.metrics, chosen)?;
        let mut scattered = vec![0.0; if custom.is_empty() { 0 } else { rows.times.len() }];
        for (m, column) in plan.metrics.iter().enumerate() {
            let lanes = plan.lanes.iter().zip(&runs);
            let wanted =
                lanes.filter_map(|(lane, runs)| Some((lane, lane.metrics.iter().find(|l| l.column == m)?, runs)));
            if let (MetricColumn::Custom(_), Some(values)) = (column, custom.get(m)) {
                values.rows.iter().zip(&values.values).for_each(|(row, x)| scattered[*row] = *x);
                for (lane, metric, runs) in wanted {
                    for (r, run) in runs.all.iter().enumerate() {
                        let few = &values.rows[values.within(&run.rows)];
                        if !few.is_empty() {
                            let at = || few.iter().map(|row| row - run.rows.start);
                            self.fold((lane, metric), runs, r, &scattered[run.rows.clone()], &rows, at);
                        }
                    }
                }
                continue;
            }
            let values = find(batch, source_column(column))?.as_primitive::<Float64Type>();
            if values.null_count() == values.len() {
                continue;
            }
            let nulls = values.nulls().filter(|n| n.null_count() > 0);
            for (lane, metric, runs) in wanted {
                for (r, run) in runs.all.iter().enumerate() {
                    let all = &values.values()[run.rows.clone()];
                    if let Some(n) = nulls.filter(|_| all.len() < SHORT) {
                        let valid = || (0..all.len()).filter(|i| n.is_valid(run.rows.start + i));
                        if valid().next().is_some() {
                            self.fold((lane, metric), runs, r, all, &rows, valid);
                        }
                        continue;
                    }
                    match nulls.map(|n| n.slice(run.rows.start, all.len())) {
                        Some(n) if n.null_count() == all.len() => {}
                        Some(n) if n.null_count() > 0 => {
                            self.fold((lane, metric), runs, r, all, &rows, || n.valid_indices());
                        }
                        _ => self.fold((lane, metric), runs, r, all, &rows, || 0..all.len()),
                    }
                }
            }
        }
        Ok(())
    }

    /// Folds the values of a metric at `places` of a run in; there is at least one.
    #[inline]
    fn fold<I: Iterator<Item = usize>>(
        &mut self,
        (lane, metric): (&Lane, &Metric),
        runs: &Runs,
        r: usize,
        all: &[f64],
        rows: &Batch<'_>,
        places: impl Fn() -> I,
    ) {
        let run = &runs.all[r];
        let weights = &rows.weights[run.rows.clone()];
        // What is wanted in this run: another part of the lane may want more, elsewhere.
        let wanted = |of: fn(&Want) -> bool| metric.wants.iter().any(|w| of(w) && runs.cell(r, w.part).is_some());
        let mut sums = Spread::default();
        if wanted(|w| w.spread) {
            places().for_each(|i| sums.add(all[i], weights[i]));
        } else {
            let mut mean = Mean::default();
            places().for_each(|i| mean.add(all[i], weights[i]));
            sums.mean = mean;
        }
        let (times, seqs) = (&rows.times[run.rows.clone()], &rows.seqs[run.rows.clone()]);
        let newest = if wanted(|w| w.latest) {
            let i = if run.ascending { places().last() } else { places().max_by_key(|i| (times[*i], seqs[*i])) };
            i.map(|i| Latest { at: Millis(times[i]), seq: seqs[i], value: all[i] })
        } else {
            None
        };
        for want in &metric.wants {
            let Some(cell) = runs.cell(r, want.part) else { continue };
            let part = &mut self.parts[lane.parts[want.part]];
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
                && let Some(device) = self.plan.device.and_then(|column| rows.text(column, run.rows.start))
                && !devices[cell].contains(device)
            {
                devices[cell].insert(device.into());
            }
            if values.sites.is_some() {
                part.note_site(want.at, cell, run.site);
            }
        }
    }

    /// Cuts the chosen rows into the runs of a lane.
    fn runs(&mut self, number: usize, chosen: &[Range<usize>], rows: &Batch<'_>) -> Runs {
        let plan = Arc::clone(&self.plan);
        let lane = &plan.lanes[number];
        let only = |columns: &[usize], matter: bool| if matter { columns.to_vec() } else { vec![] };
        let (places, models) = (only(&plan.place, lane.by_place), only(&plan.model, lane.by_model));
        let devices = only(plan.device.as_slice(), lane.by_device);
        let mut runs = Runs { all: vec![], parts: lane.parts.len(), cells: vec![] };
        if !rows.ends().is_some_and(|(first, last)| lane.ranges.meet(first, last)) {
            return runs;
        }
        let mut changes = vec![0; rows.times.len()];
        for (mark, columns) in [(GROUP, &lane.group), (PLACE, &places), (MODEL, &models), (DEVICE, &devices)] {
            columns.iter().for_each(|c| rows.texts[*c].mark_changes(&mut changes, mark));
        }
        rows.mark_simulated(&mut changes);
        // Empty, so that the first row finds its own.
        let mut span = Span::default();
        let mut last_models = Recent::default();
        let (mut group, mut model, mut site, mut zone) = (NONE, 0, 0, 0);
        let mut taken = true;
        for range in chosen {
            // Nothing is known yet of the row before: it is none of ours, or was passed by.
            let mut anew = true;
            let mut begin = range.start;
            while begin < range.end {
                let said_until = begin + alike(&changes[begin..range.end], |c| *c == 0);
                let mut row = begin;
                while row < said_until {
                    let moved = !span.holds(rows.times[row]);
                    if moved {
                        span.move_to(&plan, lane, Millis(rows.times[row]));
                    }
                    let same = row..row + alike(&rows.times[row..said_until], |t| span.holds(*t));
                    let changed = if anew { u8::MAX } else { changes[row] * u8::from(row == begin) };
                    row = same.end;
                    if !span.matters() {
                        anew |= changed > 0;
                        continue;
                    }
                    anew = false;
                    let row = same.start;
                    if changed & PLACE > 0 {
                        (site, zone) = (rows.hash(places.get(..2).unwrap_or_default(), row), rows.hash(&places, row));
                    }
                    if lane.by_model && changed & MODEL > 0 {
                        model = last_models.number(rows, &models, row, || self.models.of(&plan, rows, row));
                    }
                    if changed & GROUP > 0 {
                        group = self.groups[number].of(key(&mut self.names, lane, rows, row, model));
                    }
                    if changed > 0 || moved {
                        taken = self.takes(&plan, lane, rows, row, model);
                    }
                    if !taken {
                        continue;
                    }
                    let simulated = rows.is_simulated(row);
                    let ascending = rows.ascend(&same);
                    let mut take = |rows: Range<usize>, arrived: &Arrived| {
                        if *arrived == Arrived::TooLate {
                            return;
                        }
                        runs.all.push(Run { rows, simulated, site, zone, ascending });
                        for (p, part) in lane.parts.iter().enumerate() {
                            let stretch = span.stretches[p].filter(|_| arrived.counts_in(p));
                            runs.cells.push(stretch.map_or(NONE, |s| self.parts[*part].cell(group, s)));
                        }
                    };
                    if !plan.arrivals {
                        take(same, &Arrived::InTime);
                        continue;
                    }
                    let arrived: Vec<Arrived> =
                        same.clone().map(|row| arrival(&plan, lane, &span, rows, row)).collect();
                    let mut from = same.start;
                    for some in arrived.chunk_by(PartialEq::eq) {
                        take(from..from + some.len(), &some[0]);
                        from += some.len();
                    }
                }
                begin = said_until;
            }
        }
        runs
    }

    /// Whether the question's filter takes a row, apart from its scope, its time and its arrival.
    fn takes(&self, plan: &Plan, lane: &Lane, rows: &Batch<'_>, row: usize, model: u32) -> bool {
        let filter = &plan.query.filter;
        let device = || rows.text(plan.device?, row);
        (!lane.by_model || self.models.takes(model, plan))
            && (filter.devices.is_empty() || device().is_some_and(|d| filter.devices.iter().any(|f| f.as_str() == d)))
            && filter.on.as_ref().is_none_or(|on| {
                let name = |i: usize| rows.text(plan.place[i], row).and_then(|t| Name::stored(t).ok());
                let Some(customer) = name(0) else { return false };
                on.contains(&(Place { customer, site: name(1), zone: name(2) }, Millis(rows.times[row]).day()))
            })
    }

    /// What is noted of rows apart from their metrics.
    fn note(&mut self, lane: &Lane, runs: &Runs, rows: &Batch<'_>) {
        for (r, run) in runs.all.iter().enumerate() {
            let times = &rows.times[run.rows.clone()];
            let (first, last) = match times {
                [first, .., last] if run.ascending => (*first, *last),
                [only] => (*only, *only),
                _ => times.iter().fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(*t), last.max(*t))),
            };
            for (p, number) in lane.parts.iter().enumerate() {
                let Some(cell) = runs.cell(r, p) else { continue };
                let part = &mut self.parts[*number];
                let cells = &mut part.cells;
                cells.rows[cell] += run.rows.len() as u64;
                cells.first[cell] = cells.first[cell].min(Millis(first));
                cells.last[cell] = cells.last[cell].max(Millis(last));
                cells.simulated[cell] |= run.simulated;
                if let Some(devices) = &mut cells.devices {
                    let device =
                        self.plan.device.and_then(|column| rows.text(column, run.rows.start)).unwrap_or_default();
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
        for (lane, groups) in self.plan.lanes.iter().zip(groups) {
            for part in &lane.parts {
                self.parts[*part].merge(&other.parts[*part], &groups);
            }
        }
    }

    /// The groups, by key and then by part.
    pub fn finish(self) -> (Words, Vec<Group>, Cost) {
        let (names, name_numbers) = sorted(self.names.all.iter().map(|t| stored(t)).collect(), Clone::clone);
        let (models, model_numbers) = sorted(self.models.seen, |m| m.key.clone());
        let model_numbers: Vec<u32> = model_numbers.into_iter().map(|n| n + 1).collect();
        let mut groups = vec![];
        let mut cost = Cost { rows: self.rows, ..Cost::default() };
        let mut lane_of = vec![0; self.parts.len()];
        for (number, lane) in self.plan.lanes.iter().enumerate() {
            lane.parts.iter().for_each(|part| lane_of[*part] = number);
        }
        for (number, part) in self.parts.into_iter().enumerate() {
            let keys = &self.groups[lane_of[number]].all;
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

fn key(names: &mut Numbers<Box<str>>, lane: &Lane, rows: &Batch<'_>, row: usize, model: u32) -> Key {
    let mut key = Key::default();
    let mut columns = lane.group.iter();
    for by in &lane.group_by {
        key.0[*by as usize] = if *by == Dimension::Model {
            columns.by_ref().take(lane.model_columns()).for_each(drop);
            model
        } else {
            columns.next().map_or(0, |c| rows.texts[*c].number(row, |t| names.of_text(t) + 1))
        };
    }
    key
}

/// A name as it is stored. A text that is none any more stands for the lot.
#[expect(clippy::expect_used, reason = "a constant that a test of Name covers")]
fn stored(text: &str) -> Name {
    Name::stored(text).unwrap_or_else(|_| Name::parse("unnamed").expect("a name"))
}
