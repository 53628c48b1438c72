//! Which places change their state, and when: by commits, and by the clock alone. Each change is told at the moment at which it
//! came about; what arrives late adds changes and rewrites none.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use domain::{
    scope::{Place, Scope},
    state::{DataState, EXPECTED_FOR, Transition},
    time::{HOUR, Millis, TimeRange},
};

use super::{Activity, end_of_minute, kept::Younger};
use crate::snapshot::Snapshot;

/// So many changes are remembered for who follows them.
const REMEMBERED: usize = 4_096;
/// A clock that is put forward is followed moment by moment up to so many changes; then the present state is told.
const MOST_STEPS: usize = 1_000_000;

/// The state of every place, as it was told last.
#[derive(Debug, Default)]
pub struct Watch {
    /// `None` before the first look: what is the case when it begins is no change.
    now: Option<Millis>,
    states: Vec<DataState>,
    /// When each place is to be looked at again if nothing is committed: by place, and in order.
    looks: Vec<Millis>,
    due: BTreeSet<(Millis, u32)>,
    told: VecDeque<Transition>,
    /// Of the newest change; they count from 1.
    number: u64,
}

impl Watch {
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
        let mut steps = 0;
        while let Some((at, place)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            steps += 1;
            self.look(snapshot, place, if steps > MOST_STEPS { now } else { at }, &mut changed);
        }
        changed
    }

    /// Follows a commit, or whatever else made another snapshot.
    pub fn follow(&mut self, before: &Snapshot, after: &Snapshot, now: Millis) {
        let begins = self.now.is_none();
        let mut changed = self.advance(before, now);
        let known = self.states.len();
        for place in &after.places[known..] {
            // What is written down is expected before it reports for the first time.
            let named = after.directory.declared.leaves().contains(place);
            self.states.push(if named { DataState::Stale } else { DataState::NoDataExpected });
            self.looks.push(Millis(i64::MAX));
        }
        let all = begins
            || before.failing != after.failing
            || before.directory.declared.revision() != after.directory.declared.revision();
        for place in 0..after.places.len() {
            let same = || match (before.kept.place(place), after.kept.place(place)) {
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            };
            if all || !same() {
                self.look(after, place as u32, now, &mut changed);
            }
        }
        if begins {
            (self.number, self.told) = (0, VecDeque::new());
        }
    }

    /// Looks how a place does at a moment, and when to look again.
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
        self.number += 1;
        let place = snapshot.places[slot].clone();
        self.told.push_back(Transition { number: self.number, place, from, to, when: at });
        if self.told.len() > REMEMBERED {
            self.told.pop_front();
        }
    }

    /// The changes after one, as far as they are remembered; after none, all of them.
    pub fn since(&self, number: u64) -> Vec<Transition> {
        let behind = self.told.partition_point(|t| t.number <= number);
        self.told.range(behind..).cloned().collect()
    }
}

impl Snapshot {
    /// The state of a place at a moment, of production records of every task, and until when it stays if nothing is committed.
    pub(super) fn state_of(&self, place: usize, at: Millis) -> (DataState, Millis) {
        let scope = Scope::default();
        let expected_from = at.plus(-EXPECTED_FOR);
        let nothing = (DataState::NoDataExpected, Millis(i64::MAX));
        let Ok(range) = TimeRange::new(expected_from, at) else { return nothing };
        let kept = self.kept.place(place).filter(|_| self.kept.reaches(expected_from));
        let (activity, known_until) = match kept.map_or(Err(Younger), |kept| kept.activity(self, &scope, &range, at)) {
            Ok(activity) => (activity, Millis(i64::MAX)),
            Err(Younger) => (self.read_one(&scope, &range, at, place), end_of_minute(at)),
        };
        let facts = self.written.get(place).map(|w| &w.facts);
        let known = activity.and_then(|a| Some((a.newest.filter(|n| *n >= expected_from)?, a)));
        let (state, until) = match known {
            Some((newest, mut activity)) => activity.state(&scope, facts, &self.failing, newest, at),
            None => self.state_of_silent(&self.places[place], at),
        };
        (state, until.min(known_until))
    }

    fn read_one(&self, scope: &Scope, range: &TimeRange, at: Millis, place: usize) -> Option<Activity<'_>> {
        let mut this = vec![false; self.places.len()];
        let mut active: Vec<Option<Activity<'_>>> = vec![None; self.places.len()];
        this[place] = true;
        self.read_indexes(scope, range, at, &this, &mut active);
        active[place].take()
    }

    /// The state of a place that has been silent for thirty days: nothing is expected of it, unless it is written down.
    fn state_of_silent(&self, place: &Place, at: Millis) -> (DataState, Millis) {
        let declared = &self.directory.declared;
        let range = TimeRange::new(at.plus(-EXPECTED_FOR), at);
        let (true, Ok(range)) = (declared.leaves().contains(place), range) else {
            return (DataState::NoDataExpected, Millis(i64::MAX));
        };
        let scope = Scope {
            customer: Some(place.customer.clone()),
            site: place.site.clone(),
            zone: place.zone.clone(),
            ..Scope::default()
        };
        // When it was heard of last is not kept: how long ago that is changes little any more.
        (self.health_of(&scope, &range, at).whole.state, at.plus(HOUR))
    }
}
