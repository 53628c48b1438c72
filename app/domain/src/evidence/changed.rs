//! What changed: the change of a mean over a scope as an exact sum of parts, nested place → model → device.
//!
//! Per level, with shares s₁, s₂ and values x₁, x₂ of its members, ω̃ = ω/Σω over members in both periods and R = (V₁+V₂)/2 of the level's
//! own means: the change V₂ − V₁ is Σω̃(x₂−x₁), each term of which is split at the next level, plus the mix (s₂−ω̃)(x₂−R) − (s₁−ω̃)(x₁−R) of each member,
//! absent terms dropped. The parts add up to the change.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    design::LEAST_CLUSTERS,
    interval::Estimate,
    sentences,
    sums::MeanSum,
    written::{fifteen, fifteen_digits, fifteen_or_null, place_name, signed, twelve_digits_of, twelve_digits_or_null},
};
use crate::{
    aggregate::WeightedMean, error::Sentence, metric::Metric, model::ModelKey, paired::overlap_weight, scope::Place,
    text::Name, time::Day,
};

/// One of the two periods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    Before,
    After,
}

/// A metric on one day in one place, of one model on one device.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeCell {
    /// As deep as parts are to be told apart: a site, or a zone.
    pub place: Place,
    pub model: Option<ModelKey>,
    pub device: Option<Name>,
    pub period: Period,
    pub day: Day,
    pub mean: WeightedMean,
}

/// What a part of a change is owed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// The same place, model and device did otherwise.
    Own,
    /// Another model, or other shares of models, at a place.
    Model,
    /// Another device, or other shares of devices, of a model at a place.
    Device,
    /// A place came, went, or has another share of the samples.
    Mix,
}

/// A part of a change. As JSON it is what may be kept and read again; programs get [`Part::answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub kind: PartKind,
    pub place: Place,
    /// Of a part by model: the one that gained most there.
    pub model: Option<String>,
    /// Of a part by device: the one that gained most there.
    pub device: Option<Name>,
    /// In the metric's unit.
    #[serde(with = "fifteen")]
    pub size: f64,
    /// The 95 % interval by a delete-one-day jackknife; `None` with fewer than five days in either period.
    #[serde(default, with = "fifteen_or_null")]
    pub low: Option<f64>,
    #[serde(default, with = "fifteen_or_null")]
    pub high: Option<f64>,
    pub sentence: Sentence,
}

/// A change, taken apart. As JSON it is what may be kept and read again; programs get [`Changes::answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// The mean after minus the mean before; `None` where one of the periods has no record.
    #[serde(default, with = "fifteen_or_null")]
    pub change: Option<f64>,
    /// Largest first.
    pub parts: Vec<Part>,
}

/// A part as programs get it: twelve digits, and its sentence in English.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PartAnswer<'c> {
    pub kind: PartKind,
    pub place: &'c Place,
    pub model: Option<&'c str>,
    pub device: Option<&'c Name>,
    #[serde(serialize_with = "twelve_digits_of")]
    pub size: f64,
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub low: Option<f64>,
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub high: Option<f64>,
    pub sentence: &'c str,
}

/// A change as programs get it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangesAnswer<'c> {
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub change: Option<f64>,
    pub parts: Vec<PartAnswer<'c>>,
}

impl Part {
    /// What programs get.
    #[must_use]
    pub fn answer(&self) -> PartAnswer<'_> {
        PartAnswer {
            kind: self.kind,
            place: &self.place,
            model: self.model.as_deref(),
            device: self.device.as_ref(),
            size: self.size,
            low: self.low,
            high: self.high,
            sentence: &self.sentence.en,
        }
    }
}

impl Changes {
    /// What programs get.
    #[must_use]
    pub fn answer(&self) -> ChangesAnswer<'_> {
        ChangesAnswer { change: self.change, parts: self.parts.iter().map(Part::answer).collect() }
    }
}

/// Numbers of place, model and device, so that keys are compared fast; they ascend as their names do.
type Path = [usize; 3];
/// A part: its kind, and the path down to where it stands; behind that zeros.
type Key = (PartKind, Path);

/// The sums of one path in both periods.
#[derive(Clone, Copy)]
struct Leaf {
    path: Path,
    sums: [WeightedMean; 2],
}

/// Takes the change of a metric apart. Cells come in any order; those whose sums are no numbers are left out.
#[must_use]
pub fn what_changed(metric: &Metric, cells: &[ChangeCell]) -> Changes {
    let cells = one_a_day(cells);
    let cells: Vec<&ChangeCell> = cells.iter().collect();
    let places: Vec<&Place> = distinct(cells.iter().map(|c| &c.place));
    let models: Vec<&Option<ModelKey>> = distinct(cells.iter().map(|c| &c.model));
    let devices: Vec<&Option<Name>> = distinct(cells.iter().map(|c| &c.device));
    let paths: Vec<Path> = cells
        .iter()
        .map(|c| {
            let at =
                [places.binary_search(&&c.place), models.binary_search(&&c.model), devices.binary_search(&&c.device)];
            at.map(|at| at.unwrap_or_default())
        })
        .collect();
    let whole = leaves(&cells, &paths, None);
    let Some(change) = change_of(&whole) else { return Changes { change: None, parts: vec![] } };
    let sizes = parts(&whole);
    let intervals = jackknife(&cells, &paths, &sizes);
    let gained = |leaves: &[&Leaf], level: usize| {
        let total = |period: usize| leaves.iter().map(|l| l.sums[period].w).sum::<f64>();
        let (w1, w2) = (total(0), total(1));
        let mut shares: BTreeMap<usize, f64> = BTreeMap::new();
        leaves.iter().for_each(|l| *shares.entry(l.path[level]).or_default() += l.sums[1].w / w2 - l.sums[0].w / w1);
        shares.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).map(|s| s.0)
    };
    let mut found: Vec<Part> = sizes
        .iter()
        .filter(|(_, size)| **size != 0.0)
        .map(|((kind, path), size)| {
            let below =
                |depth: usize| -> Vec<&Leaf> { whole.iter().filter(|l| l.path[..depth] == path[..depth]).collect() };
            let (model, device) = match kind {
                PartKind::Mix => (None, None),
                PartKind::Model => (gained(&below(1), 1), None),
                PartKind::Device => (Some(path[1]), gained(&below(2), 2)),
                PartKind::Own => (Some(path[1]), Some(path[2])),
            };
            let there = below(1);
            let present = |period: usize| there.iter().any(|l| l.sums[period].n > 0);
            let share = |period: usize| {
                let of = |leaves: &mut dyn Iterator<Item = &Leaf>| leaves.map(|l| l.sums[period].w).sum::<f64>();
                of(&mut there.iter().copied()) / of(&mut whole.iter())
            };
            let place = places[path[0]].clone();
            let model = model.and_then(|m| models[m].as_ref());
            let device = device.and_then(|d| devices[d].clone());
            let (size_said, at) = (signed(metric, *size), place_name(&place));
            let sentence = match (kind, model, &device) {
                (PartKind::Mix, ..) if !present(1) => sentences::part_gone(size_said, at),
                (PartKind::Mix, ..) if !present(0) => sentences::part_new(size_said, at),
                (PartKind::Mix, ..) if share(1) > share(0) => sentences::part_more(size_said, at),
                (PartKind::Mix, ..) => sentences::part_less(size_said, at),
                (PartKind::Model, Some(model), _) => sentences::part_model(size_said, at, model),
                (PartKind::Model, None, _) => sentences::part_models(size_said, at),
                (PartKind::Device, _, Some(device)) => sentences::part_device(size_said, at, device),
                (PartKind::Device, _, None) => sentences::part_devices(size_said, at),
                (PartKind::Own, Some(model), Some(device)) => sentences::part_own(size_said, at, model, device),
                (PartKind::Own, Some(model), None) => sentences::part_own_model(size_said, at, model),
                (PartKind::Own, None, _) => sentences::part_own_place(size_said, at),
            };
            let bounds = intervals.as_ref().and_then(|i| i.get(&(*kind, *path))).copied();
            Part {
                kind: *kind,
                place,
                model: model.map(ModelKey::key),
                device,
                size: fifteen_digits(*size),
                low: bounds.map(|b| fifteen_digits(b.0)),
                high: bounds.map(|b| fifteen_digits(b.1)),
                sentence,
            }
        })
        .collect();
    found.sort_by(|a, b| b.size.abs().total_cmp(&a.size.abs()));
    let before = mean_of(&whole, 0);
    say_rest(metric, before, &mut found);
    Changes { change: Some(fifteen_digits(change)), parts: found }
}

/// Cells of the same path and day put together, in order; those whose sums are no numbers are left out.
fn one_a_day(cells: &[ChangeCell]) -> Vec<ChangeCell> {
    let usable = |c: &&ChangeCell| c.mean.n > 0 && c.mean.w.is_finite() && c.mean.w > 0.0 && c.mean.wx.is_finite();
    let mut cells: Vec<&ChangeCell> = cells.iter().filter(usable).collect();
    let bits = |c: &ChangeCell| (c.mean.n, c.mean.w.to_bits(), c.mean.wx.to_bits());
    fn key(c: &ChangeCell) -> (&Place, &Option<ModelKey>, &Option<Name>, Period, Day) {
        (&c.place, &c.model, &c.device, c.period, c.day)
    }
    cells.sort_by(|a, b| (key(a), bits(a)).cmp(&(key(b), bits(b))));
    let of_day = |rows: &[&ChangeCell]| {
        let mut sum = MeanSum::default();
        rows.iter().for_each(|c| sum.add(&c.mean));
        ChangeCell { mean: sum.mean(), ..rows[0].clone() }
    };
    let merged = cells.chunk_by(|a, b| key(a) == key(b)).map(of_day);
    merged.filter(|c| usable(&c)).collect()
}

fn distinct<'c, T: Ord>(all: impl Iterator<Item = &'c T>) -> Vec<&'c T> {
    all.collect::<BTreeSet<&T>>().into_iter().collect()
}

/// The sums by path, in order, without the cells of one day of a period.
fn leaves(cells: &[&ChangeCell], paths: &[Path], without: Option<(Period, Day)>) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = vec![];
    for (cell, path) in cells.iter().zip(paths) {
        if without == Some((cell.period, cell.day)) {
            continue;
        }
        if leaves.last().is_none_or(|l| l.path != *path) {
            leaves.push(Leaf { path: *path, sums: [WeightedMean::default(); 2] });
        }
        if let Some(last) = leaves.last_mut() {
            last.sums[cell.period as usize].merge(&cell.mean);
        }
    }
    leaves
}

fn merged(leaves: &[Leaf], period: usize) -> WeightedMean {
    leaves.iter().fold(WeightedMean::default(), |mut all, l| {
        all.merge(&l.sums[period]);
        all
    })
}

fn mean_of(leaves: &[Leaf], period: usize) -> Option<f64> {
    merged(leaves, period).value()
}

fn change_of(leaves: &[Leaf]) -> Option<f64> {
    Some(mean_of(leaves, 1)? - mean_of(leaves, 0)?).filter(|c| c.is_finite())
}

/// The parts of a change. Empty where one of the periods has no record.
fn parts(leaves: &[Leaf]) -> BTreeMap<Key, f64> {
    let mut found = BTreeMap::new();
    split(leaves, 0, 1.0, &mut found);
    found
}

fn split(leaves: &[Leaf], level: usize, factor: f64, found: &mut BTreeMap<Key, f64>) {
    let all = [merged(leaves, 0), merged(leaves, 1)];
    let (Some(v1), Some(v2)) = (all[0].value(), all[1].value()) else { return };
    let middle = f64::midpoint(v1, v2);
    let members: Vec<(&[Leaf], [WeightedMean; 2])> =
        leaves.chunk_by(|a, b| a.path[level] == b.path[level]).map(|m| (m, [merged(m, 0), merged(m, 1)])).collect();
    let overlap = |sums: &[WeightedMean; 2]| match (sums[0].value(), sums[1].value()) {
        (Some(_), Some(_)) => overlap_weight(sums[0].w, sums[1].w),
        _ => 0.0,
    };
    let overlaps: f64 = members.iter().map(|m| overlap(&m.1)).sum();
    let mut mix_of_level = 0.0;
    for (member, sums) in &members {
        let own = if overlaps > 0.0 { overlap(sums) / overlaps } else { 0.0 };
        let term = |period: usize| {
            let x = sums[period].value()?;
            Some((sums[period].w / all[period].w - own) * (x - middle))
        };
        let mix = term(1).unwrap_or(0.0) - term(0).unwrap_or(0.0);
        let path = member[0].path;
        if level == 0 {
            found.insert((PartKind::Mix, [path[0], 0, 0]), factor * mix);
        } else {
            mix_of_level += mix;
        }
        if let (Some(x1), Some(x2), true) = (sums[0].value(), sums[1].value(), own > 0.0) {
            if level == 2 {
                found.insert((PartKind::Own, path), factor * own * (x2 - x1));
            } else {
                split(member, level + 1, factor * own, found);
            }
        }
    }
    let path = leaves[0].path;
    match level {
        1 if members.len() > 1 => drop(found.insert((PartKind::Model, [path[0], 0, 0]), factor * mix_of_level)),
        2 if members.len() > 1 => drop(found.insert((PartKind::Device, [path[0], path[1], 0]), factor * mix_of_level)),
        _ => {}
    }
}

/// The interval of each part: of each period, every day is left out once.
fn jackknife(cells: &[&ChangeCell], paths: &[Path], sizes: &BTreeMap<Key, f64>) -> Option<BTreeMap<Key, (f64, f64)>> {
    let days = |period| cells.iter().filter(|c| c.period == period).map(|c| c.day).collect::<BTreeSet<Day>>();
    let both = [Period::Before, Period::After].map(|p| (p, days(p)));
    if both.iter().any(|(_, days)| days.len() < LEAST_CLUSTERS) {
        return None;
    }
    let mut variances: BTreeMap<Key, f64> = sizes.keys().map(|k| (*k, 0.0)).collect();
    let mut df = -2.0;
    for (period, days) in &both {
        let n = days.len() as f64;
        df += n;
        for day in days {
            let left = parts(&leaves(cells, paths, Some((*period, *day))));
            for (key, variance) in &mut variances {
                let shift = left.get(key).copied().unwrap_or(0.0) - sizes[key];
                *variance += shift * shift * (n - 1.0) / n;
            }
        }
    }
    let bounds = |(key, variance)| {
        let estimate = Estimate { mean: sizes[&key], variance, df, clusters: 0 };
        Some((key, estimate.interval(0.0)?))
    };
    Some(variances.into_iter().filter_map(bounds).collect())
}

/// Adds to the largest part that the rest of its customer is unchanged, where that is so.
fn say_rest(metric: &Metric, before: Option<f64>, parts: &mut [Part]) {
    let Some(first) = parts.first() else { return };
    let matters = |x: f64| metric.exceeds_smallest_effect(x, before);
    let others = || parts.iter().skip(1).filter(|p| p.place.customer == first.place.customer);
    let elsewhere = others().any(|p| p.place != first.place);
    let rest: f64 = others().filter(|p| p.place != first.place).map(|p| p.size.abs()).sum();
    if matters(first.size) && elsewhere && !matters(rest) {
        let customer = first.place.customer.clone();
        let sentence = sentences::rest_unchanged(&parts[0].sentence, customer);
        parts[0].sentence = sentence;
    }
}
