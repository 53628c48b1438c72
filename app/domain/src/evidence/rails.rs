//! Guard-rails: what a challenger may not break however good it is in the primary metric. They are set by place and inherited: customer → site →
//! zone.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use super::{
    cells::Cells,
    design::{Design, Differences, Estimand, LEAST_CLUSTERS, Look, differences},
    interval::Estimate,
    written::{twelve_digits, twelve_or_null},
};
use crate::{
    metric::{Direction, Metric},
    scope::{Place, Scope},
    text::Name,
    time::Day,
};

/// How much worse a metric of accuracy may be, where nobody says otherwise.
const ACCURACY_MARGIN: f64 = 0.01;
const ACCURACY: [&str; 7] = ["mAP50", "mAP50_95", "precision", "recall", "mota", "idf1", "hota"];
/// Milliseconds for a frame.
const MOST_MS: f64 = 30.0;
/// Where the champion itself is beyond a limit, the challenger counts as no worse within this share of the champion's mean: two equal
/// models could never be told to be so with less.
const SHARE_OF_CHAMPION: f64 = 0.02;
/// The margin of a primary metric that has no rail: a share of the champion's mean.
pub const PRIMARY_SHARE: f64 = 0.02;

/// A rail for one metric.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rail {
    /// The difference may be worse by so much at most, in the metric's unit; not below zero.
    Margin(f64),
    /// On each device the challenger's mean is at most so much (at least, where more is better), or no worse than the champion's where that is
    /// beyond the limit.
    DeviceLimit(f64),
    /// None here, whatever is set above.
    Off,
}

/// The rails of a model, by place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GuardRails {
    levels: Vec<RailsOf>,
}

/// The rails set at one place; at none: for everywhere.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct RailsOf {
    place: Option<Place>,
    rails: BTreeMap<String, Rail>,
}

impl Default for GuardRails {
    fn default() -> Self {
        let accuracy = ACCURACY.map(|key| (key.to_owned(), Rail::Margin(ACCURACY_MARGIN)));
        let latency = ("inference_time_ms".to_owned(), Rail::DeviceLimit(MOST_MS));
        Self { levels: vec![RailsOf { place: None, rails: accuracy.into_iter().chain([latency]).collect() }] }
    }
}

impl GuardRails {
    /// Those that may hold somewhere in a scope, of metrics that `known` names: whoever asks about a customer learns nothing of others.
    #[must_use]
    pub fn within(mut self, scope: &Scope, known: impl Fn(&str) -> bool) -> Self {
        let same = |asked: &Option<Name>, set: &Option<Name>| asked.is_none() || set.is_none() || asked == set;
        let meets = |place: &Place| {
            same(&scope.customer, &Some(place.customer.clone()))
                && same(&scope.site, &place.site)
                && same(&scope.zone, &place.zone)
        };
        self.levels.retain(|level| level.place.as_ref().is_none_or(meets));
        for level in &mut self.levels {
            level.rails.retain(|metric, _| known(metric));
        }
        self.levels.retain(|level| !level.rails.is_empty());
        self
    }

    /// None at all, for whoever sets all of them.
    #[must_use]
    pub fn none() -> Self {
        Self { levels: vec![] }
    }

    /// Sets a rail at a place, or everywhere. A margin below zero and what is no number switch it off.
    #[must_use]
    pub fn with(mut self, place: Option<Place>, metric: &str, rail: Rail) -> Self {
        let rail = match rail {
            Rail::Margin(margin) if !(margin.is_finite() && margin >= 0.0) => Rail::Off,
            Rail::DeviceLimit(limit) if !limit.is_finite() => Rail::Off,
            rail => rail,
        };
        match self.levels.iter_mut().find(|l| l.place == place) {
            Some(level) => {
                level.rails.insert(metric.to_owned(), rail);
            }
            None => self.levels.push(RailsOf { place, rails: BTreeMap::from([(metric.to_owned(), rail)]) }),
        }
        self
    }

    /// Takes away what is set for a metric at a place, or everywhere: then what is set above it holds again.
    #[must_use]
    pub fn without(mut self, place: Option<&Place>, metric: &str) -> Self {
        if let Some(level) = self.levels.iter_mut().find(|l| l.place.as_ref() == place) {
            level.rails.remove(metric);
        }
        self.levels.retain(|l| !l.rails.is_empty());
        self
    }

    /// All that is set: the place (none: everywhere), the metric and its rail. By place, what holds everywhere first, then by metric.
    pub fn levels(&self) -> impl Iterator<Item = (Option<&Place>, &str, Rail)> {
        let mut levels: Vec<&RailsOf> = self.levels.iter().collect();
        levels.sort_by_key(|l| l.place.as_ref());
        levels.into_iter().flat_map(|l| l.rails.iter().map(|(key, rail)| (l.place.as_ref(), key.as_str(), *rail)))
    }

    /// The rail that holds for a metric at a place: the one that is set nearest.
    #[must_use]
    pub fn at(&self, metric: &str, place: &Place) -> Rail {
        let set =
            |at: Option<Place>| self.levels.iter().find(|l| l.place == at).and_then(|l| l.rails.get(metric)).copied();
        place.ancestors().find_map(|p| set(Some(p))).or_else(|| set(None)).unwrap_or(Rail::Off)
    }

    /// Where the rail is set that holds for a metric at a place: the nearest place, or everywhere.
    fn set_at(&self, metric: &str, place: &Place) -> Option<Place> {
        let sets =
            |at: &Place| self.levels.iter().any(|l| l.place.as_ref() == Some(at) && l.rails.contains_key(metric));
        place.ancestors().find(sets)
    }

    /// Where rails for a metric are set; `None` stands for everywhere.
    fn places_of(&self, metric: &str) -> Vec<Option<&Place>> {
        let mut places: Vec<Option<&Place>> =
            self.levels.iter().filter(|l| l.rails.contains_key(metric)).map(|l| l.place.as_ref()).collect();
        places.sort_unstable();
        places
    }

    /// Whether any place has a rail for a metric.
    #[must_use]
    pub fn names(&self, metric: &str) -> bool {
        self.levels.iter().any(|l| l.rails.get(metric).is_some_and(|r| *r != Rail::Off))
    }

    /// Every metric that has a rail anywhere.
    pub fn metrics(&self) -> impl Iterator<Item = &str> {
        let mut keys: Vec<&str> = self.levels.iter().flat_map(|l| l.rails.keys().map(String::as_str)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().filter(|k| self.names(k))
    }
}

/// How the challenger stands to a rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RailStanding {
    /// Not worse than it allows.
    Kept,
    /// Entirely beyond it.
    Broken,
    /// Neither is certain.
    Undecided,
    /// One of the sides has no record of it: it blocks nothing.
    Unchecked,
}

/// One rail, on one device where it is about devices.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RailResult {
    pub metric: String,
    /// Where it is set; none for everywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<Name>,
    pub standing: RailStanding,
    /// How much is left to the rail, more is better, and below zero it is broken; in the metric's unit.
    #[serde(default, with = "twelve_or_null")]
    pub left: Option<f64>,
    pub n_sites: usize,
    /// There are too few sites for an interval: it was judged by its mean alone.
    #[serde(default)]
    pub by_mean_alone: bool,
}

/// A result, and what it was made of.
#[derive(Debug, Clone)]
pub struct CheckedRail {
    pub result: RailResult,
    pub basis: Basis,
}

/// What a rail was checked on, or why it was not.
#[derive(Debug, Clone)]
pub enum Basis {
    /// The distance to the rail, and the sites that it is the mean of.
    Checked(Estimate, Differences),
    /// One of the sides has no record of the metric.
    NoRecords,
    /// Neither more nor less of it is better.
    NoDirection,
    /// So few sites without the challenger have it that nothing can be taken away.
    FewUntreated(usize),
}

impl CheckedRail {
    /// Of a metric that is not checked.
    #[must_use]
    pub fn unchecked(metric: &str, basis: Basis) -> Self {
        let result = RailResult {
            metric: metric.to_owned(),
            place: None,
            device: None,
            standing: RailStanding::Unchecked,
            left: None,
            n_sites: 0,
            by_mean_alone: false,
        };
        Self { result, basis }
    }
}

/// 1 where more is better, −1 where less is; `None` where neither.
#[must_use]
pub fn sign(metric: &Metric) -> Option<f64> {
    match metric.direction {
        Direction::HigherIsBetter => Some(1.0),
        Direction::LowerIsBetter => Some(-1.0),
        Direction::Neither => None,
    }
}

/// What rails are checked on.
pub struct Checked<'q> {
    pub cells: &'q Cells,
    pub design: Design,
    pub days: &'q Range<Day>,
    pub rails: &'q GuardRails,
    /// One-sided.
    pub level: f64,
}

impl Checked<'_> {
    /// The rail of a metric: one result, or one a device. Metrics without a rail have none; those that neither more nor less is better of are unchecked.
    #[must_use]
    pub fn check(&self, number: usize, metric: &Metric) -> Vec<CheckedRail> {
        let key = &*metric.key;
        if !self.rails.names(key) {
            return vec![];
        }
        let Some(sign) = sign(metric) else { return vec![CheckedRail::unchecked(key, Basis::NoDirection)] };
        let mut results: Vec<CheckedRail> = vec![];
        let mut few_untreated = None;
        // Each where it is set: what holds at one customer is not made up for by others.
        for at in self.rails.places_of(key) {
            let (of_place, few) = self.check_at(number, key, sign, at);
            results.extend(of_place);
            few_untreated = few_untreated.or(few);
        }
        if results.is_empty() {
            let why = few_untreated.map_or(Basis::NoRecords, Basis::FewUntreated);
            results.push(CheckedRail::unchecked(key, why));
        }
        results
    }

    /// The rail that is set at a place, and, where sites without the challenger are too few to check it, how many they are.
    fn check_at(&self, number: usize, key: &str, sign: f64, at: Option<&Place>) -> (Vec<CheckedRail>, Option<usize>) {
        let mut results: Vec<CheckedRail> = vec![];
        let holds = |place: &Place| self.rails.set_at(key, place).as_ref() == at;
        let margin = |place: &Place| match self.rails.at(key, place) {
            Rail::Margin(margin) if holds(place) => Some(margin),
            _ => None,
        };
        let found = self.differences(self.design, number, None, &margin);
        // What is missing where nothing can be told.
        let mut few_untreated = (found.without_untreated > 0).then(|| found.untreated_at_once());
        let left = found.estimate(Estimand::Site, sign, 1.0);
        results.extend(left.map(|left| self.result(key, at, None, left, found)));
        let limit = |place: &Place| match self.rails.at(key, place) {
            Rail::DeviceLimit(limit) if holds(place) => Some(limit),
            _ => None,
        };
        // The challenger's own mean is held against a limit without a look at what other sites did.
        let alone = match self.design {
            Design::DifferenceInDifferences => Design::BeforeAfter,
            Design::Concurrent | Design::BeforeAfter => self.design,
        };
        let mut devices: Vec<Option<&Name>> = self.cells.series().iter().map(|s| s.device.as_ref()).collect();
        devices.sort_unstable();
        devices.dedup();
        for device in devices {
            let found = self.differences(alone, number, Some(device), &limit);
            let Some(champion) = found.champion() else { continue };
            // Of one device; the limit may differ by place, so the champion is held against it site by site as well.
            let beyond = found.treated.iter().map(|s| s.overlap * sign * (s.champion - s.margin)).sum::<f64>() < 0.0;
            let (left, found) = if beyond {
                let found = self.differences(self.design, number, Some(device), &limit);
                few_untreated = few_untreated.or((found.without_untreated > 0).then(|| found.untreated_at_once()));
                let gain = found.estimate(Estimand::Site, sign, 0.0);
                (gain.map(|gain| gain.moved(SHARE_OF_CHAMPION * champion.abs())), found)
            } else {
                (found.typical(&|s| sign * (s.challenger - s.margin)), found)
            };
            results.extend(left.map(|left| self.result(key, at, device.cloned(), left, found)));
        }
        (results, few_untreated)
    }

    /// With fewer than five sites by the mean alone: it may hold a verdict up, and breaks nothing.
    fn result(
        &self,
        key: &str,
        at: Option<&Place>,
        device: Option<Name>,
        left: Estimate,
        found: Differences,
    ) -> CheckedRail {
        let enough = found.treated.len() >= LEAST_CLUSTERS;
        let by_mean = if left.mean >= 0.0 { RailStanding::Kept } else { RailStanding::Undecided };
        let result = RailResult {
            metric: key.to_owned(),
            place: at.cloned(),
            device,
            standing: if enough { self.standing(&left) } else { by_mean },
            left: Some(twelve_digits(left.mean)),
            n_sites: found.treated.len(),
            by_mean_alone: !enough,
        };
        CheckedRail { result, basis: Basis::Checked(left, found) }
    }

    fn differences(
        &self,
        design: Design,
        metric: usize,
        device: Option<Option<&Name>>,
        margin: &dyn Fn(&Place) -> Option<f64>,
    ) -> Differences {
        differences(design, self.cells, &Look { metric, days: self.days, device, margin })
    }

    fn standing(&self, left: &Estimate) -> RailStanding {
        if left.p_below(0.0) < self.level {
            RailStanding::Broken
        } else if left.p_above(0.0) < self.level {
            RailStanding::Kept
        } else {
            RailStanding::Undecided
        }
    }
}
