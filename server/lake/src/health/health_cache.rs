//! Health as it is kept: for each place, task and type what each of its last days says. A commit changes the days whose files it
//! changes; the clock changes nothing but which days count, and how often a place reports.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    scope::{ExperimentKind, Scope},
    state::{CADENCE_WINDOW_MS, EXPECTED_WITHIN_MS, cadence},
    text::Name,
    time::{DAY, Day, MINUTE, Millis, TimeRange},
};

use super::{
    Activity, MetricBits, ReportingInterval,
    minutes::{MinuteCollector, MinuteSet},
};
use crate::snapshot::{IndexedFile, Snapshot};

/// A moment in a day that never comes.
const NEVER: u32 = u32::MAX;
/// So many answers to “how often does it report” are remembered for a place: one for each way in which people look at it.
const ANSWERS: usize = 4;

/// What is kept of all places, by their numbers in a snapshot.
#[derive(Debug, Clone, Default)]
pub struct HealthCache {
    /// Days from this one on; none before something was kept.
    from: Option<Day>,
    places: Vec<Arc<PlaceHealth>>,
}

/// What is kept of one place.
#[derive(Debug, Default)]
pub struct PlaceHealth {
    task_histories: Vec<TaskHistory>,
    /// Goes with every change of the lanes.
    known: Mutex<Vec<CachedCadence>>,
}

impl Clone for PlaceHealth {
    fn clone(&self) -> Self {
        Self { task_histories: self.task_histories.clone(), known: Mutex::default() }
    }
}

/// One task and type of a place.
#[derive(Debug, Clone)]
struct TaskHistory {
    task: Arc<str>,
    kind: Option<Arc<str>>,
    /// In order.
    days: Vec<CachedDay>,
}

/// What the records of one day say. Moments are milliseconds of the day.
#[derive(Debug, Clone)]
struct CachedDay {
    day: Day,
    newest: u32,
    /// The newest in files that can be read, and in those that cannot; [`NEVER`] where there are none.
    readable: u32,
    unreadable: u32,
    /// Where the newest is: the number of a file, and of an entry in its index.
    file: i64,
    entry: u32,
    metrics: MetricBits,
    /// None of days that say nothing about how often the place reports any more.
    minutes: MinuteSet,
}

/// How often a place reports, as it was worked out, and from when until when it is true.
#[derive(Debug, Clone)]
struct CachedCadence {
    task: Option<Name>,
    kind: ExperimentKind,
    from: Millis,
    until: Millis,
    cadence: i64,
}

/// A day while its files are read.
#[derive(Debug, Default)]
struct DayBuilder {
    newest: Option<(i64, i64, u32)>,
    readable: Option<i64>,
    unreadable: Option<i64>,
    metrics: MetricBits,
    minutes: MinuteCollector,
}

impl DayBuilder {
    fn add(&mut self, view: &IndexedFile, entry: u32) {
        let e = &view.index.entries[entry as usize];
        // Of the same moment the later entry counts, as it does for who reads all indexes in order.
        self.newest = self.newest.max(Some((e.last(), view.file.id, entry)));
        let newest = if view.failed.is_none() { &mut self.readable } else { &mut self.unreadable };
        *newest = (*newest).max(Some(e.last()));
        self.metrics |= super::reported(view, e);
        self.minutes.extend(view.index.minutes(e));
    }

    fn kept(self, day: Day, with_minutes: bool) -> Option<CachedDay> {
        let (newest, file, entry) = self.newest?;
        let of_day = |t: i64| u32::try_from(t - day.start().0).unwrap_or(NEVER - 1);
        Some(CachedDay {
            day,
            newest: of_day(newest),
            readable: self.readable.map_or(NEVER, of_day),
            unreadable: self.unreadable.map_or(NEVER, of_day),
            file,
            entry,
            metrics: self.metrics,
            minutes: if with_minutes { self.minutes.to_set() } else { MinuteSet::default() },
        })
    }
}

impl CachedDay {
    fn at(&self, moment: u32) -> Option<Millis> {
        (moment != NEVER).then(|| self.day.start().plus(i64::from(moment)))
    }

    fn newest(&self) -> Millis {
        self.day.start().plus(i64::from(self.newest))
    }
}

/// The days of which minutes are needed, where days are kept from one on. Both reach a day further back than the present moment
/// needs: clocks are set back now and then.
fn minutes_from(from: Day) -> Day {
    Day(from.0 + ((EXPECTED_WITHIN_MS - CADENCE_WINDOW_MS) / DAY) as i32)
}

impl HealthCache {
    /// What is kept of a snapshot, after what was kept of the one before it.
    pub fn updated_from(before: &Snapshot, now: &Snapshot, at: Millis) -> Self {
        let first = at.plus(-EXPECTED_WITHIN_MS).day();
        let from = Day(first.0 - 1);
        let kept = before.kept.from.filter(|from| *from <= first && before.directory.custom == now.directory.custom);
        let mut this = if kept.is_some() { before.kept.clone() } else { Self::default() };
        this.places.resize_with(now.places.len(), Arc::default);
        let mut changed: BTreeMap<Day, HashSet<u32>> = BTreeMap::new();
        let mut note = |view: &IndexedFile| {
            if view.file.day >= from {
                changed.entry(view.file.day).or_default().extend(view.names.places());
            }
        };
        if kept.is_some() {
            differing(&before.files, &now.files).for_each(note);
        } else {
            now.files.iter().for_each(&mut note);
        }
        if kept.is_some_and(|kept| kept < from) {
            this.places.iter_mut().for_each(|p| forget(p, from));
        }
        this.from = Some(kept.map_or(from, |kept| kept.max(from)));
        let mut views: BTreeMap<Day, Vec<&IndexedFile>> = BTreeMap::new();
        for view in now.files.iter().filter(|v| changed.contains_key(&v.file.day)) {
            views.entry(view.file.day).or_default().push(view);
        }
        let anew = kept.is_none();
        for (day, places) in changed {
            this.read(day, &places, views.get(&day).map(Vec::as_slice).unwrap_or_default(), minutes_from(from) <= day);
        }
        if anew {
            let (places, bytes) = (this.places.len(), this.bytes());
            tracing::debug!(places, bytes, "the health of places is kept");
        }
        this
    }

    /// Reads what one day says of some places, all its files.
    fn read(&mut self, day: Day, places: &HashSet<u32>, views: &[&IndexedFile], with_minutes: bool) {
        for place in places {
            let known = &mut self.places[*place as usize];
            if known
                .task_histories
                .iter()
                .any(|task_history| task_history.days.binary_search_by_key(&day, |d| d.day).is_ok())
            {
                let task_histories = &mut Arc::make_mut(known).task_histories;
                task_histories.iter_mut().for_each(|task_history| task_history.days.retain(|d| d.day != day));
            }
        }
        let mut gathered: HashMap<(u32, usize), DayBuilder> = HashMap::new();
        for view in views {
            for ((entry, e), place) in (0u32..).zip(&view.index.entries).zip(view.places.iter()) {
                if !places.contains(place) {
                    continue;
                }
                let (task, kind) = (view.index.task(e), view.index.kind_text(e));
                let known = &mut self.places[*place as usize];
                let is = |task_history: &TaskHistory| task_history.task == *task && task_history.kind.as_ref() == kind;
                let task_history = known.task_histories.iter().position(is).unwrap_or_else(|| {
                    let task_histories = &mut Arc::make_mut(known).task_histories;
                    task_histories.push(TaskHistory { task: Arc::clone(task), kind: kind.cloned(), days: vec![] });
                    task_histories.len() - 1
                });
                gathered.entry((*place, task_history)).or_default().add(view, entry);
            }
        }
        for ((place, task_history), day_of_lane) in gathered {
            let Some(kept) = day_of_lane.kept(day, with_minutes) else { continue };
            let days = &mut Arc::make_mut(&mut self.places[place as usize]).task_histories[task_history].days;
            let behind = days.partition_point(|d| d.day < day);
            days.insert(behind, kept);
        }
    }

    /// Whether it reaches back to a moment.
    pub fn covers(&self, t: Millis) -> bool {
        self.from.is_some_and(|from| from <= t.day())
    }

    pub fn place_health(&self, place: usize) -> Option<&Arc<PlaceHealth>> {
        self.places.get(place)
    }

    /// Bytes that are held, without what allocators add.
    pub(super) fn bytes(&self) -> usize {
        let day = |d: &CachedDay| size_of::<CachedDay>() + d.minutes.bytes();
        let task_history = |l: &TaskHistory| size_of::<TaskHistory>() + l.days.iter().map(day).sum::<usize>();
        let place =
            |p: &Arc<PlaceHealth>| size_of::<PlaceHealth>() + p.task_histories.iter().map(task_history).sum::<usize>();
        self.places.iter().map(place).sum()
    }
}

/// Files that only one of two snapshots has, or that only one can read. Both are in order of their numbers.
fn differing<'v>(before: &'v [IndexedFile], now: &'v [IndexedFile]) -> impl Iterator<Item = &'v IndexedFile> {
    let (mut before, mut now) = (before.iter().peekable(), now.iter().peekable());
    std::iter::from_fn(move || {
        loop {
            let (old, new) = (before.peek(), now.peek());
            match (old.map(|v| v.file.id), new.map(|v| v.file.id)) {
                (None, None) => return None,
                (Some(a), Some(b)) if a == b => {
                    let (old, new) = (before.next()?, now.next()?);
                    if old.failed.is_some() != new.failed.is_some() {
                        return Some(new);
                    }
                }
                (Some(a), b) if b.is_none_or(|b| a < b) => return before.next(),
                _ => return now.next(),
            }
        }
    })
}

/// Forgets days before one, and the minutes of those that are too old to say how often a place reports.
fn forget(place: &mut Arc<PlaceHealth>, from: Day) {
    let minutes = minutes_from(from);
    let old = |d: &CachedDay| d.day < from || (d.day < minutes && d.minutes.bytes() > 0);
    if !place.task_histories.iter().any(|task_history| task_history.days.iter().any(old)) {
        return;
    }
    let task_histories = &mut Arc::make_mut(place).task_histories;
    for task_history in task_histories.iter_mut() {
        task_history.days.retain(|d| d.day >= from);
        task_history.days.iter_mut().filter(|d| d.day < minutes).for_each(|d| d.minutes = MinuteSet::default());
    }
    task_histories.retain(|task_history| !task_history.days.is_empty());
}

impl PlaceHealth {
    fn task_histories(&self, scope: &Scope) -> impl Iterator<Item = &TaskHistory> {
        self.task_histories.iter().filter(|task_history| {
            scope.kind.includes(task_history.kind.as_deref())
                && scope.task.as_ref().is_none_or(|t| t.as_str() == &*task_history.task)
        })
    }

    /// What the place did as of a moment, within thirty days before it; `Err` where some records are younger than the moment:
    /// what is kept says nothing of that. `Ok(None)` where there was nothing.
    pub(super) fn activity<'s>(
        self: &'s Arc<Self>,
        snapshot: &'s Snapshot,
        scope: &Scope,
        range: &TimeRange,
        at: Millis,
    ) -> Result<Option<Activity<'s>>, YoungerRecords> {
        let expected_from = at.plus(-EXPECTED_WITHIN_MS);
        let mut newest: Option<(Millis, i64, u32)> = None;
        let mut a = Activity { usual: ReportingInterval::HealthCache(self), ..Activity::default() };
        for day in self.task_histories(scope).flat_map(|task_history| &task_history.days) {
            let last = day.newest();
            if last >= at {
                return Err(YoungerRecords);
            }
            if last < expected_from {
                continue;
            }
            newest = newest.max(Some((last, day.file, day.entry)));
            a.failed = a.failed.max(day.at(day.unreadable).filter(|t| *t >= expected_from));
            a.reported |= day.at(day.readable) >= Some(range.from());
            // The day on which the thirty days begin is not known by its hours: see `super::first_day`.
            if day.day.start() >= expected_from {
                a.metrics |= day.metrics;
            }
        }
        let Some((last, file, entry)) = newest else { return Ok(None) };
        a.newest = Some(last);
        a.source = snapshot.files.binary_search_by_key(&file, |v| v.file.id).ok().and_then(|i| {
            let index = &snapshot.files[i].index;
            index.source(index.entries.get(entry as usize)?)
        });
        Ok(Some(a))
    }

    /// The last moment until which the place is certain to report more often than every `cadence` ms, as its minutes are forgotten one by
    /// one. Each that goes takes the oldest gap with it: for the median to reach `cadence`, those below it must no longer be most.
    pub fn cadence_valid_until(&self, scope: &Scope, at: Millis, cadence: i64) -> Millis {
        let (mut minutes, _) = self.minutes(scope, at);
        minutes.sort_unstable();
        minutes.dedup();
        let gaps = minutes.len().saturating_sub(1);
        let below = minutes.windows(2).filter(|w| (w[1] - w[0]) * MINUTE < cadence).count();
        // With fewer than three gaps it is taken for one that reports once a day.
        let must_go = below.saturating_sub(gaps - below).min(gaps.saturating_sub(2));
        match must_go.checked_sub(1).and_then(|last| minutes.get(last)) {
            Some(minute) => Millis(minute * MINUTE).plus(CADENCE_WINDOW_MS),
            None => at,
        }
    }

    /// The minutes that tell how often the place reports, and the first that will once it is over.
    fn minutes(&self, scope: &Scope, at: Millis) -> (Vec<i64>, i64) {
        let (oldest, now) = (super::first_minute(at), at.0.div_euclid(MINUTE));
        let mut minutes: Vec<i64> = vec![];
        let mut next = i64::MAX;
        for day in self
            .task_histories(scope)
            .flat_map(|task_history| &task_history.days)
            .filter(|d| d.day.0 >= at.plus(-CADENCE_WINDOW_MS).day().0)
        {
            let base = day.day.start().0 / MINUTE;
            for minute in day.minutes.iter().map(|m| base + i64::from(m)).filter(|m| *m >= oldest) {
                if minute < now {
                    minutes.push(minute);
                } else {
                    next = next.min(minute);
                }
            }
        }
        (minutes, next)
    }

    /// How often the place reports as of a moment, and until when that stays true if nothing is committed.
    pub fn cadence(&self, scope: &Scope, at: Millis) -> (i64, Millis) {
        let asks = |k: &CachedCadence| k.task == scope.task && k.kind == scope.kind;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(k) = known.iter().find(|k| asks(k) && k.from <= at && at <= k.until) {
            return (k.cadence, k.until);
        }
        let (mut minutes, next) = self.minutes(scope, at);
        let first = minutes.iter().copied().min();
        // A minute counts when it is over, until its beginning lies fourteen days back.
        let comes = Millis(next.saturating_add(1).saturating_mul(MINUTE).saturating_sub(1));
        let goes = first.map_or(Millis(i64::MAX), |m| Millis(m * MINUTE).plus(CADENCE_WINDOW_MS));
        let answer = CachedCadence {
            task: scope.task.clone(),
            kind: scope.kind,
            from: at,
            until: comes.min(goes),
            cadence: cadence(&mut minutes),
        };
        known.retain(|k| !asks(k));
        known.truncate(ANSWERS - 1);
        known.insert(0, answer.clone());
        (answer.cadence, answer.until)
    }
}

/// Some records are younger than the moment that is asked about.
#[derive(Debug, Clone, Copy)]
pub struct YoungerRecords;
