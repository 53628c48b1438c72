//! How places deliver: [`domain::state`]. What they do now is kept ([`kept`]) and moves on with commits and the clock
//! ([`transitions`]); what they did at a past moment, and in ranges of more than thirty days, the indexes say.

mod expected;
mod health_cache;
mod minutes;
#[cfg(test)]
mod tests;
mod transitions;

use std::collections::BTreeMap;

use domain::{
    declarations::PlaceDeclaration,
    scope::{ExperimentKind, Scope},
    state::{CADENCE_WINDOW_MS, DataState, EXPECTED_WITHIN_MS, Health, HealthReport, MetricSiteCounts, cadence},
    text::Name,
    time::{MINUTE, Millis, TimeRange},
};

use self::health_cache::PlaceHealth;
pub use self::{expected::DeclaredPlace, health_cache::HealthCache, transitions::TransitionTracker};
use crate::{
    failing_sources::FailingSources,
    loaded_index::LoadedEntry,
    metrics,
    snapshot::{IndexedFile, Snapshot},
};

/// A set of metrics: the catalogue's first, then others in the order of the directory, as far as there is room.
type MetricBits = u64;

/// How a place did: what [`Health`] needs of it.
#[derive(Debug, Clone, Default)]
struct Activity<'a> {
    newest: Option<Millis>,
    /// Where the newest record came from, where that is known.
    source: Option<&'a str>,
    usual: ReportingInterval<'a>,
    reported: bool,
    /// The newest record that cannot be read.
    failed: Option<Millis>,
    metrics: MetricBits,
}

/// What tells how often a place reports.
#[derive(Debug, Clone)]
enum ReportingInterval<'a> {
    /// Minutes with records, since the epoch, in any order.
    MinuteSet(Vec<i64>),
    HealthCache(&'a PlaceHealth),
}

impl Default for ReportingInterval<'_> {
    fn default() -> Self {
        Self::MinuteSet(vec![])
    }
}

impl Activity<'_> {
    /// How often the place reports as of a moment, and until when that is known to stay so.
    fn cadence(&mut self, scope: &Scope, facts: Option<&PlaceDeclaration>, at: Millis) -> (i64, Millis) {
        match (facts.and_then(|f| f.cadence), &mut self.usual) {
            (Some(written), _) => (written, Millis(i64::MAX)),
            (None, ReportingInterval::MinuteSet(minutes)) => (cadence(minutes), end_of_minute(at)),
            (None, ReportingInterval::HealthCache(place)) => place.cadence(scope, at),
        }
    }

    /// The state of a place that was heard of within thirty days, and until when it stays if nothing is committed.
    fn state(
        &mut self,
        scope: &Scope,
        facts: Option<&PlaceDeclaration>,
        failing: &FailingSources,
        newest: Millis,
        at: Millis,
    ) -> (DataState, Millis) {
        let before = |t: Millis| Some(t.plus(-1)).filter(|_| t > at);
        let (retires, forgotten) = (facts.and_then(|f| f.retired), newest.plus(EXPECTED_WITHIN_MS + 1));
        let ends = [retires.and_then(before), before(forgotten)].into_iter().flatten().min();
        let ends = ends.unwrap_or(Millis(i64::MAX));
        if facts.is_some_and(|f| f.retired_at(at)) {
            // Still known, but nothing is expected of it any more.
            return (DataState::NoDataExpected, ends);
        }
        let fails = self.source.and_then(|s| failing.since(s));
        if let Some(unreadable) = self.failed {
            return (DataState::SourceError, ends.min(unreadable.plus(EXPECTED_WITHIN_MS)));
        }
        if fails.is_some_and(|since| since <= at) {
            return (DataState::SourceError, ends);
        }
        let ends = fails.and_then(before).map_or(ends, |t| t.min(ends));
        // However often it reports: no cadence is below a minute.
        let fresh = before(newest.plus(DataState::limits(MINUTE).0));
        if let Some(until) = fresh {
            return (DataState::Ok, until.min(ends));
        }
        let (cadence, until) = self.cadence(scope, facts, at);
        let (late, stale) = DataState::limits(cadence);
        let state = DataState::of(at.0 - newest.0, cadence);
        if state == DataState::Stale {
            let until = self.stale_until(scope, facts, newest, at).max(until);
            return (state, until.min(ends));
        }
        let next = [before(newest.plus(late)), before(newest.plus(stale))];
        (state, next.into_iter().flatten().fold(ends.min(until), Millis::min))
    }

    /// Until when a place stays stale at least if nothing is committed: it grows well again only by being taken for one that reports
    /// more seldom, as its minutes are forgotten.
    fn stale_until(&self, scope: &Scope, facts: Option<&PlaceDeclaration>, newest: Millis, at: Millis) -> Millis {
        match &self.usual {
            _ if facts.is_some_and(|f| f.cadence.is_some()) => Millis(i64::MAX),
            ReportingInterval::MinuteSet(_) => at,
            ReportingInterval::HealthCache(place) => place.cadence_valid_until(scope, at, (at.0 - newest.0) / 10),
        }
    }
}

/// Where it is gathered what places did.
enum Slots<'a, 's> {
    /// Of several, by their numbers.
    Inside(&'a [bool], &'a mut [Option<Activity<'s>>]),
    One(usize, &'a mut Option<Activity<'s>>),
}

impl<'s> Slots<'_, 's> {
    fn of(&mut self, place: usize) -> Option<&mut Option<Activity<'s>>> {
        match self {
            Self::Inside(inside, slots) => inside[place].then(|| &mut slots[place]),
            Self::One(this, slot) => (place == *this).then_some(slot),
        }
    }
}

/// One site while its places are counted.
#[derive(Debug, Clone, Copy, Default)]
struct SiteTally {
    reported: bool,
    metrics: MetricBits,
}

impl SiteTally {
    fn add(&mut self, a: &Activity<'_>) {
        self.reported |= a.reported;
        self.metrics |= a.metrics;
    }

    fn count(self, health: &mut Health, expected: &mut MetricSiteCounts) {
        health.sites_expected += 1;
        health.sites_reporting += u32::from(self.reported);
        for (metric_bit, n) in expected.iter_mut().enumerate() {
            *n += u32::from(self.metrics >> metric_bit & 1 == 1);
        }
    }
}

/// The first minute, since the epoch, that tells how often a place reports: it begins at most fourteen days before.
fn first_minute(at: Millis) -> i64 {
    -(-at.plus(-CADENCE_WINDOW_MS).0).div_euclid(MINUTE)
}

/// The last moment of the minute: what indexes say of a moment before their newest record is true of the whole minute.
fn end_of_minute(at: Millis) -> Millis {
    Millis((at.0.div_euclid(MINUTE) + 1) * MINUTE - 1)
}

/// The metrics that an entry reports.
fn reported(view: &IndexedFile, e: &LoadedEntry) -> MetricBits {
    let metric_bit = |i: &u16| metrics::metric_bit(view.custom[usize::from(*i)]);
    view.index.reported(e).iter().map(metric_bit).fold(MetricBits::from(e.metrics), |all, metric_bit| all | metric_bit)
}

/// Whether an entry is of the task and type that a scope asks for.
fn asked(scope: &Scope, view: &IndexedFile, e: &LoadedEntry) -> bool {
    scope.kind.includes(view.index.kind(e)) && scope.task.as_ref().is_none_or(|t| t.as_str() == &**view.index.task(e))
}

impl Snapshot {
    /// See [`domain::ports::MetricsSnapshot::health`].
    pub fn health_of(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        let at = range.to().min(now);
        let inside: Vec<bool> = self.places.iter().map(|p| scope.contains(p)).collect();
        let active = self.activities(scope, range, at, &inside);
        self.report(scope, range, at, active)
    }

    /// The same from the indexes alone.
    #[cfg(test)]
    fn health_from_indexes(&self, scope: &Scope, range: &TimeRange, now: Millis) -> HealthReport {
        let at = range.to().min(now);
        let inside: Vec<bool> = self.places.iter().map(|p| scope.contains(p)).collect();
        let mut active: Vec<Option<Activity<'_>>> = vec![None; self.places.len()];
        self.read_indexes(scope, range, at, &inside, &mut active);
        self.report(scope, range, at, active)
    }

    fn report<'s>(
        &'s self,
        scope: &Scope,
        range: &TimeRange,
        at: Millis,
        mut active: Vec<Option<Activity<'s>>>,
    ) -> HealthReport {
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        let mut report = self.tally(scope, &mut active, at, expected_from);
        // A query about one task or candidates alone needs less than what a named place is expected to bring.
        if scope.task.is_none() && scope.kind != ExperimentKind::Candidate {
            self.expect_declared_places(&mut report, scope, &active, at, expected_from.min(range.from()));
        }
        report
    }

    /// What the places `inside` did as of a moment: as it is kept, where that says it.
    fn activities<'s>(
        &'s self,
        scope: &Scope,
        range: &TimeRange,
        at: Millis,
        inside: &[bool],
    ) -> Vec<Option<Activity<'s>>> {
        let mut active: Vec<Option<Activity<'s>>> = vec![None; self.places.len()];
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        if range.from() < expected_from || !self.kept.covers(expected_from) {
            self.read_indexes(scope, range, at, inside, &mut active);
            return active;
        }
        let mut younger = vec![];
        for (place, slot) in active.iter_mut().enumerate().filter(|(place, _)| inside[*place]) {
            match self.kept.place_health(place).map(|kept| kept.activity(self, scope, range, at)) {
                Some(Ok(activity)) => *slot = activity,
                Some(Err(health_cache::YoungerRecords)) => younger.push(place),
                None => {}
            }
        }
        self.first_day(scope, expected_from, inside, &mut active);
        if !younger.is_empty() {
            let mut these = vec![false; self.places.len()];
            younger.into_iter().for_each(|place| these[place] = true);
            self.read_indexes(scope, range, at, &these, &mut active);
        }
        active
    }

    /// Adds the metrics of the day on which expectations begin: what was reported earlier that day does not count.
    fn first_day(&self, scope: &Scope, from: Millis, inside: &[bool], active: &mut [Option<Activity<'_>>]) {
        if from == from.day().start() {
            return;
        }
        for view in self.files.iter().filter(|v| v.file.day == from.day()) {
            for (e, place) in view.index.entries.iter().zip(view.places.iter()) {
                let place = *place as usize;
                if inside[place]
                    && e.last() >= from.0
                    && asked(scope, view, e)
                    && let Some(a) = &mut active[place]
                {
                    a.metrics |= reported(view, e);
                }
            }
        }
    }

    fn read_indexes<'s>(
        &'s self,
        scope: &Scope,
        range: &TimeRange,
        at: Millis,
        inside: &[bool],
        active: &mut [Option<Activity<'s>>],
    ) {
        self.read_files(self.files.iter(), scope, range, at, &mut Slots::Inside(inside, active));
    }

    /// Reads what indexes say of the places that have a slot.
    fn read_files<'s>(
        &'s self,
        files: impl Iterator<Item = &'s IndexedFile>,
        scope: &Scope,
        range: &TimeRange,
        at: Millis,
        slots: &mut Slots<'_, 's>,
    ) {
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        let from = expected_from.min(range.from());
        let (oldest, youngest) = (first_minute(at), at.0.div_euclid(MINUTE));
        for view in files.filter(|v| v.file.to >= from && v.file.from < at) {
            let day_start = view.file.day.start();
            for (e, place) in view.index.entries.iter().zip(view.places.iter()) {
                let Some(slot) = slots.of(*place as usize).filter(|_| asked(scope, view, e)) else { continue };
                let Some(newest) = view.index.newest_before(e, at, day_start).filter(|newest| *newest >= from) else {
                    continue;
                };
                let a = slot.get_or_insert_default();
                if a.newest.is_none_or(|n| n <= newest) {
                    a.newest = Some(newest);
                    // Of a moment within an entry it is not known which of the entry's sources it was.
                    a.source = view.index.source(e).filter(|_| e.last() < at.0);
                }
                if view.failed.is_some() {
                    a.failed = a.failed.max(Some(newest));
                }
                a.metrics |= reported(view, e);
                // What cannot be read is excluded from all numbers.
                a.reported |= view.failed.is_none() && newest >= range.from() && e.first < range.to().0;
                let base = day_start.0 / MINUTE;
                if let ReportingInterval::MinuteSet(minutes) = &mut a.usual {
                    let all = view.index.minutes(e).iter().map(|m| base + i64::from(*m));
                    minutes.extend(all.filter(|m| *m >= oldest && *m < youngest));
                }
            }
        }
    }

    fn tally(
        &self,
        scope: &Scope,
        active: &mut [Option<Activity<'_>>],
        at: Millis,
        expected_from: Millis,
    ) -> HealthReport {
        let mut report = HealthReport {
            whole: Health::default(),
            expected: [0; 64],
            children: BTreeMap::new(),
            sites: BTreeMap::new(),
        };
        let nothing = || (Health::default(), [0; 64]);
        // A child's sites are counted apart: below a site the children are zones, and several of them share one site.
        let mut sites: BTreeMap<(&Name, Option<&Name>), SiteTally> = BTreeMap::new();
        let mut child_sites: BTreeMap<(&Name, &Name, Option<&Name>), SiteTally> = BTreeMap::new();
        for (number, (place, slot)) in self.places.iter().zip(active).enumerate() {
            let Some(a) = slot else { continue };
            let Some(newest) = a.newest.filter(|n| *n >= expected_from) else { continue };
            let facts = self.written.get(number).map(|w| &w.facts);
            let (state, _) = a.state(scope, facts, &self.failing, newest, at);
            report.whole.add(state, Some(newest));
            let own = report.sites.entry((place.customer.clone(), place.site.clone())).or_insert_with(nothing);
            own.0.add(state, Some(newest));
            let child = scope.child_of(place);
            if let Some(child) = child {
                report.children.entry(child.clone()).or_insert_with(nothing).0.add(state, Some(newest));
            }
            if state == DataState::NoDataExpected {
                continue;
            }
            sites.entry((&place.customer, place.site.as_ref())).or_default().add(a);
            if let Some(child) = child {
                child_sites.entry((child, &place.customer, place.site.as_ref())).or_default().add(a);
            }
        }
        for ((customer, site), tally) in sites {
            tally.count(&mut report.whole, &mut report.expected);
            let own = report.sites.entry((customer.clone(), site.cloned())).or_insert_with(nothing);
            tally.count(&mut own.0, &mut own.1);
        }
        for ((child, ..), tally) in child_sites {
            let own = report.children.entry(child.clone()).or_insert_with(nothing);
            tally.count(&mut own.0, &mut own.1);
        }
        report
    }
}
