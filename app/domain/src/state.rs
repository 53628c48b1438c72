//! The five data states: whether a place delivers records as it is expected to. Not whether its numbers are good.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    scope::Place,
    text::Name,
    time::{DAY, HOUR, MINUTE, Millis},
};

/// Places seen within this time before the moment asked about are expected to report.
pub const EXPECTED_WITHIN_MS: i64 = 30 * DAY;
/// A place's cadence is read from this much of its past.
pub const CADENCE_WINDOW_MS: i64 = 14 * DAY;
/// The cadence of a place with too little history.
pub const DEFAULT_CADENCE_MS: i64 = DAY;

/// In order of severity; a scope has the worst state of its expected places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataState {
    /// No history, or retired.
    NoDataExpected,
    /// Younger than three cadences.
    Ok,
    /// Up to max(4 cadences, min(10 cadences, 24 h)).
    Late,
    /// Older than that.
    Stale,
    /// The last read of its source failed.
    SourceError,
}

impl DataState {
    /// The state of a place whose newest record is `age` ms old and that usually reports every `cadence` ms.
    #[must_use]
    pub fn of(age: i64, cadence: i64) -> Self {
        let (late, stale) = Self::limits(cadence);
        if age < late {
            Self::Ok
        } else if age < stale {
            Self::Late
        } else {
            Self::Stale
        }
    }

    /// From which age on a place is late, and from which it is stale, in ms.
    #[must_use]
    pub fn limits(cadence: i64) -> (i64, i64) {
        (3 * cadence, (4 * cadence).max((10 * cadence).min(24 * HOUR)) + 1)
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoDataExpected => "no_data_expected",
            Self::Ok => "ok",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::SourceError => "source_error",
        }
    }
}

/// The median gap in ms between distinct minutes with records; `minutes` are minutes since the epoch in any order.
/// 24 h when there are fewer than three gaps.
#[must_use]
pub fn cadence(minutes: &mut Vec<i64>) -> i64 {
    minutes.sort_unstable();
    minutes.dedup();
    let mut gaps: Vec<i64> = minutes.windows(2).map(|w| w[1] - w[0]).collect();
    if gaps.len() < 3 {
        return DEFAULT_CADENCE_MS;
    }
    gaps.sort_unstable();
    let mid = gaps.len() / 2;
    let twice = if gaps.len() % 2 == 1 { 2 * gaps[mid] } else { gaps[mid - 1] + gaps[mid] };
    (twice * MINUTE / 2).max(MINUTE)
}

/// How places changed their state, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transitions {
    pub changes: Vec<Transition>,
    /// How many before these are not remembered any more.
    pub missed: u64,
    /// The number of the newest there is, of whichever place.
    pub newest: u64,
}

/// A place that changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// From 1, in the order in which they were noticed; counted again whenever a process begins.
    pub number: u64,
    pub place: Place,
    pub from: DataState,
    pub to: DataState,
    /// When it came about: of the clock's own the exact moment, else when the commit was seen.
    pub when: Millis,
}

/// The health of a scope: how its expected places deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub state: DataState,
    /// Expected places in the scope.
    pub places: u32,
    /// How many of them are late, stale, or in error.
    pub late: u32,
    pub stale: u32,
    pub failed: u32,
    /// Sites that are expected, and those of them that reported within the range asked about. A customer without
    /// sites counts as one.
    pub sites_expected: u32,
    pub sites_reporting: u32,
    /// The newest record of the scope, before the moment asked about.
    pub newest: Option<Millis>,
}

/// Counts of sites by metric: the catalogue's first, then others in the order of the directory, as far as there is room.
pub type MetricSiteCounts = [u32; 64];

/// Health by scope: of the scope itself, of each child, of each site; and the sites expected to report each metric.
#[derive(Debug, Clone)]
pub struct HealthReport {
    pub whole: Health,
    pub expected: MetricSiteCounts,
    pub children: BTreeMap<Name, (Health, MetricSiteCounts)>,
    /// Of every site, by customer and site.
    pub sites: BTreeMap<(Name, Option<Name>), (Health, MetricSiteCounts)>,
}

impl Default for Health {
    fn default() -> Self {
        Self {
            state: DataState::NoDataExpected,
            places: 0,
            late: 0,
            stale: 0,
            failed: 0,
            sites_expected: 0,
            sites_reporting: 0,
            newest: None,
        }
    }
}

impl Health {
    /// How many places are in the state of the whole.
    #[must_use]
    pub fn places_in_worst_state(&self) -> u32 {
        match self.state {
            DataState::Late => self.late,
            DataState::Stale => self.stale,
            DataState::SourceError => self.failed,
            DataState::Ok | DataState::NoDataExpected => self.places,
        }
    }

    /// How many places are late, silent or in error.
    #[must_use]
    pub fn unhealthy(&self) -> u32 {
        self.late + self.stale + self.failed
    }

    /// Counts one expected place in.
    pub fn add(&mut self, state: DataState, newest: Option<Millis>) {
        self.newest = self.newest.max(newest);
        if state == DataState::NoDataExpected {
            return;
        }
        self.places += 1;
        match state {
            DataState::Late => self.late += 1,
            DataState::Stale => self.stale += 1,
            DataState::SourceError => self.failed += 1,
            DataState::Ok | DataState::NoDataExpected => {}
        }
        self.state = self.state.max(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn states_change_at_their_limits() {
        let every_30_min = 30 * MINUTE;
        assert_eq!(DataState::of(90 * MINUTE - 1, every_30_min), DataState::Ok);
        assert_eq!(DataState::of(90 * MINUTE, every_30_min), DataState::Late);
        assert_eq!(DataState::of(5 * HOUR, every_30_min), DataState::Late, "ten cadences");
        assert_eq!(DataState::of(5 * HOUR + 1, every_30_min), DataState::Stale);
        // Once a day: ten cadences are more than 24 h, four are not less.
        assert_eq!(DataState::of(4 * DAY, DAY), DataState::Late);
        assert_eq!(DataState::of(4 * DAY + 1, DAY), DataState::Stale);
        // Every four hours: min(40 h, 24 h) is above four cadences.
        assert_eq!(DataState::of(24 * HOUR, 4 * HOUR), DataState::Late);
    }

    #[test]
    fn cadence_is_the_median_gap_of_distinct_minutes() {
        assert_eq!(cadence(&mut vec![0, 30, 60]), DAY, "two gaps are too few");
        assert_eq!(cadence(&mut vec![0, 30, 60, 90, 30, 0]), 30 * MINUTE);
        assert_eq!(cadence(&mut vec![0, 10, 30, 60, 1000]), 25 * MINUTE, "mean of the middle two");
        assert_eq!(cadence(&mut vec![0, 1, 2, 3, 4]), MINUTE);
    }

    #[test]
    fn a_scope_takes_its_gravest_state_and_counts() {
        let mut h = Health::default();
        for s in [DataState::Ok, DataState::Late, DataState::NoDataExpected, DataState::Late] {
            h.add(s, None);
        }
        assert_eq!((h.state, h.places, h.late), (DataState::Late, 3, 2));
        assert_eq!((h.places_in_worst_state(), h.unhealthy()), (2, 2));
        h.add(DataState::Stale, None);
        assert_eq!((h.places_in_worst_state(), h.unhealthy()), (1, 3), "those that are merely late are not stale");
    }

    proptest! {
        #[test]
        fn growing_older_never_heals(age in 0i64..100 * DAY, more in 0i64..10 * DAY, cadence in MINUTE..3 * DAY) {
            prop_assert!(DataState::of(age, cadence) <= DataState::of(age + more, cadence));
        }
    }
}
