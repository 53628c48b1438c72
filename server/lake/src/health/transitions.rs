//! Which places change their state, and when: by commits, and by the clock alone. Each change is told at the moment at which it
//! came about; what arrives late adds changes and rewrites none.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{
    declarations::PlaceDeclaration,
    scope::{ExperimentKind, Scope},
    state::{DEFAULT_CADENCE_MS, DataState, EXPECTED_WITHIN_MS, Transition, Transitions},
    time::{Millis, TimeRange},
};

use super::{Activity, Slots, end_of_minute, health_cache::YoungerRecords};
use crate::snapshot::Snapshot;

/// So many changes are remembered for who follows them.
const MAX_REMEMBERED_TRANSITIONS: usize = 16_384;
/// A clock that is put forward is followed moment by moment up to so many evaluations; then the present state is reported.
const MAX_EVALUATIONS: usize = 50_000;

/// The state of every place, as it was told last.
#[derive(Debug, Default)]
pub struct TransitionTracker {
    /// `None` before the first look: what is the case when it begins is no change.
    now: Option<Millis>,
    states: Vec<DataState>,
    /// When each place is to be looked at again if nothing is committed: by place, and in order.
    looks: Vec<Millis>,
    due: BTreeSet<(Millis, u32)>,
    told: VecDeque<Transition>,
    /// Of the newest change; they count from 1.
    number: u64,
    /// What is found is no change.
    silent: bool,
}

impl TransitionTracker {
    /// Whether anybody wants to know. An ingest alone asks nothing, and does not pay for it.
    pub fn is_started(&self) -> bool {
        self.now.is_some()
    }

    /// Moves on to a moment by the clock alone. Returns the places whose state changed.
    pub fn advance(&mut self, snapshot: &Snapshot, now: Millis) -> BTreeSet<u32> {
        let mut changed = BTreeSet::new();
        let Some(before) = self.now.replace(now) else { return changed };
        if now < before {
            // The clock was set back.
            for place in 0..self.states.len() as u32 {
                self.look(snapshot, place, now, &mut changed);
            }
            return changed;
        }
        let mut looks = 0;
        while let Some((at, place)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            looks += 1;
            self.look(snapshot, place, if looks > MAX_EVALUATIONS { now } else { at }, &mut changed);
        }
        changed
    }

    /// Follows a commit, or whatever else made another snapshot. Returns the places whose state changed.
    pub fn apply_snapshot(&mut self, before: &Snapshot, after: &Snapshot, now: Millis) -> BTreeSet<u32> {
        let revision = |s: &Snapshot| s.directory.declared.revision();
        self.silent = self.now.is_none();
        let mut changed = self.advance(before, now);
        for place in self.states.len()..after.places.len() {
            // What is written down is expected before it reports for the first time.
            let named = after.leaf(place).is_some_and(|facts| !facts.retired_at(now));
            self.states.push(if named { DataState::Stale } else { DataState::NoDataExpected });
            self.looks.push(Millis(i64::MAX));
        }
        let all = self.silent || before.failing != after.failing || revision(before) != revision(after);
        for place in 0..after.places.len() {
            let same = || match (before.kept.place_health(place), after.kept.place_health(place)) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            };
            if all || !same() || after.reports_seldom(place) {
                self.look(after, place as u32, now, &mut changed);
            }
        }
        self.silent = false;
        changed
    }

    /// Evaluates a place's state at a moment, and when it has to be evaluated again.
    fn look(&mut self, snapshot: &Snapshot, place: u32, at: Millis, changed: &mut BTreeSet<u32>) {
        let slot = place as usize;
        let (to, until) = snapshot.state_of(slot, at);
        let next = until.plus(1).max(at.plus(1));
        self.due.remove(&(self.looks[slot], place));
        self.looks[slot] = next;
        if next.0 < i64::MAX {
            self.due.insert((next, place));
        }
        let from = std::mem::replace(&mut self.states[slot], to);
        if from == to {
            return;
        }
        changed.insert(place);
        if self.silent {
            return;
        }
        self.number += 1;
        let place = snapshot.places[slot].clone();
        self.told.push_back(Transition { number: self.number, place, from, to, when: at });
        if self.told.len() > MAX_REMEMBERED_TRANSITIONS {
            self.told.pop_front();
        }
    }

    /// The changes after one, as far as they are remembered; after none, all of them.
    pub fn since(&self, number: u64) -> Transitions {
        let behind = self.told.partition_point(|t| t.number <= number);
        let changes: Vec<Transition> = self.told.range(behind..).cloned().collect();
        let first = changes.first().map_or(self.number + 1, |t| t.number);
        Transitions { changes, missed: (first - 1).saturating_sub(number), newest: self.number }
    }

    /// The state of each place as it was told.
    #[cfg(test)]
    pub(super) fn states(&self) -> &[DataState] {
        &self.states
    }
}

impl Snapshot {
    /// The state of a place at a moment, of production records of every task, and until when it stays if nothing is committed.
    pub(super) fn state_of(&self, place: usize, at: Millis) -> (DataState, Millis) {
        let scope = Scope::default();
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        let nothing = (DataState::NoDataExpected, Millis(i64::MAX));
        let Ok(range) = TimeRange::new(expected_from, at) else { return nothing };
        let kept = self.kept.place_health(place).filter(|_| self.kept.covers(expected_from));
        let (activity, known_until) =
            match kept.map_or(Err(YoungerRecords), |kept| kept.activity(self, &scope, &range, at)) {
                Ok(activity) => (activity, Millis(i64::MAX)),
                Err(YoungerRecords) => (self.read_one(&scope, &range, at, place), end_of_minute(at)),
            };
        let facts = self.written.get(place).map(|w| &w.facts);
        let known = activity.and_then(|a| Some((a.newest.filter(|n| *n >= expected_from)?, a)));
        let (state, until) = match known {
            Some((newest, mut activity)) => activity.state(&scope, facts, &self.failing, newest, at),
            None => self.state_of_silent(place, at),
        };
        (state, until.min(known_until))
    }

    fn read_one(&self, scope: &Scope, range: &TimeRange, at: Millis, place: usize) -> Option<Activity<'_>> {
        let mut activity = None;
        let number = place as u32;
        let files = self.files.iter().filter(|v| v.names.places().binary_search(&number).is_ok());
        self.read_files(files, scope, range, at, &mut Slots::One(place, &mut activity));
        activity
    }

    /// What is written down of a place that is expected because it is named.
    fn leaf(&self, place: usize) -> Option<&PlaceDeclaration> {
        let written = self.written.get(place)?;
        let leaf = self.directory.declared.expected_places().get(written.expected_index()?)?;
        (*leaf == self.places[place]).then_some(&written.facts)
    }

    /// Whether what is kept of a place may not say when it came last.
    fn reports_seldom(&self, place: usize) -> bool {
        self.leaf(place).and_then(|facts| facts.cadence).is_some_and(|c| DataState::limits(c).1 > EXPECTED_WITHIN_MS)
    }

    /// The state of a place that has been silent for thirty days: nothing is expected of it, unless it is named itself, with
    /// nothing within it that reports for it.
    fn state_of_silent(&self, place: usize, at: Millis) -> (DataState, Millis) {
        let never = Millis(i64::MAX);
        let leaf = self.leaf(place).filter(|facts| !facts.retired_at(at));
        let shared = || {
            let own = self.written[place].expected_index();
            self.written.iter().enumerate().any(|(other, w)| other != place && w.expected_index() == own)
        };
        let Some(facts) = leaf.filter(|_| !shared()) else { return (DataState::NoDataExpected, never) };
        let ends = facts.retired.map_or(never, |since| since.plus(-1));
        let cadence = facts.cadence.unwrap_or(DEFAULT_CADENCE_MS);
        let (late, stale) = DataState::limits(cadence);
        if stale <= EXPECTED_WITHIN_MS {
            return (DataState::Stale, ends);
        }
        // It comes so seldom that thirty days do not say it: when it came last is no longer kept.
        let number = place as u32;
        let entries = self.files.iter().filter(|v| v.names.places().binary_search(&number).is_ok()).flat_map(|v| {
            let own = v.index.entries.iter().zip(v.places.iter()).filter(|(_, p)| **p == number);
            own.filter(|(e, _)| ExperimentKind::Production.includes(v.index.kind(e))).map(|(e, _)| e.last())
        });
        let Some(newest) = entries.filter(|t| *t < at.0).max().map(Millis) else { return (DataState::Stale, ends) };
        let next = [newest.plus(late - 1), newest.plus(stale - 1)].into_iter().filter(|t| *t >= at).min();
        (DataState::of(at.0 - newest.0, cadence), next.map_or(ends, |t| t.min(ends)))
    }
}
