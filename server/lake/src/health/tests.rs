//! What is kept says what the indexes say, after whatever happened to files and clocks; and changes of state are told at the
//! moment at which they come about.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    declarations::{Declarations, PlaceDeclaration},
    error::Sentence,
    scope::{Place, Scope},
    state::{DataState, Transition},
    time::{DAY, Day, HOUR, MINUTE, Millis, TimeRange},
};
use proptest::{
    prelude::*,
    test_runner::{TestCaseError, TestCaseResult},
};

use super::{HealthCache, TransitionTracker};
use crate::{
    failing_sources::FailingSources,
    index::{Entry, FileIndex},
    loaded_index::LoadedIndex,
    ports::LakeFile,
    snapshot::{FileLease, FileNames, IndexedFile, Snapshot},
};

/// 2026-06-30T12:00:00Z.
const NOW: i64 = 1_782_820_800_000;
const PLACES: usize = 3;
const TASKS: [&str; 2] = ["detection", "tracking"];
const SOURCES: [&str; 2] = ["/in/a.jsonl", "/in/b.jsonl"];

#[derive(Debug, Clone)]
struct Rows {
    place: usize,
    task: usize,
    candidate: bool,
    /// Since the beginning of the day.
    first: i64,
    /// How often, and how many.
    every: i64,
    n: i64,
    metrics: u16,
    source: u32,
}

#[derive(Debug, Clone)]
enum Step {
    /// A file of a day, counted from the present one.
    Publish(i32, Vec<Rows>),
    /// By their place among those that are there.
    Retire(usize),
    UnreadablePart(usize),
    Readable(usize),
    Source(u32, bool),
    /// What is written down of a place: its cadence, and since when it is retired, counted from now.
    Declare(usize, Option<i64>, Option<i64>),
    Clock(i64),
}

fn rows() -> impl Strategy<Value = Rows> {
    let every = prop_oneof![Just(1_000), Just(MINUTE), Just(10 * MINUTE), Just(HOUR), Just(4 * HOUR)];
    (0..PLACES, 0..2usize, prop::bool::weighted(0.2), 0..DAY, every, 1i64..80, any::<u16>(), 0u32..3).prop_map(
        |(place, task, candidate, first, every, n, metrics, source)| Rows {
            place,
            task,
            candidate,
            first,
            every,
            n,
            metrics,
            source,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    let day = prop_oneof![4 => -2..1i32, 2 => -35..1i32, 1 => 0..2i32, 1 => -17..-12i32];
    let clock = prop_oneof![
        3 => 0..HOUR,
        2 => 0..3 * DAY,
        1 => -HOUR..0,
        1 => -3 * DAY..0,
        1 => 0..40 * DAY
    ];
    prop_oneof![
        6 => (day, prop::collection::vec(rows(), 1..4)).prop_map(|(day, rows)| Step::Publish(day, rows)),
        1 => any::<usize>().prop_map(Step::Retire),
        1 => any::<usize>().prop_map(Step::UnreadablePart),
        1 => any::<usize>().prop_map(Step::Readable),
        1 => (0..2u32, any::<bool>()).prop_map(|(source, fails)| Step::Source(source, fails)),
        1 => (0..PLACES, prop::option::of(MINUTE..40 * DAY), prop::option::weighted(0.3, -DAY..DAY))
            .prop_map(|(place, cadence, retired)| Step::Declare(place, cadence, retired)),
        4 => clock.prop_map(Step::Clock),
    ]
}

fn place(n: usize) -> Place {
    let name = |text: String| text.try_into().expect("a name");
    // Each has a site of its own, so that a report tells them apart.
    Place { customer: name("acme".into()), site: Some(name(format!("s{n}"))), zone: Some(name("z".into())) }
}

fn view(id: i64, day: Day, all: &[Rows]) -> IndexedFile {
    let texts: Vec<Arc<str>> = ["acme", "z", "candidate", TASKS[0], TASKS[1], "s0", "s1", "s2"].map(Arc::from).into();
    let entry = |r: &Rows| {
        let (begin, end) = (day.start().0 + r.first, day.start().0 + DAY - 1);
        let times: Vec<i64> = (0..r.n).map(|i| begin + i * r.every).filter(|t| *t <= end).collect();
        let mut minutes: Vec<u16> = times.iter().map(|t| ((t - day.start().0) / MINUTE) as u16).collect();
        minutes.dedup();
        Entry {
            customer: 0,
            site: Some(5 + r.place as u32),
            zone: Some(1),
            task: 3 + r.task as u32,
            architecture: None,
            version: None,
            kind: r.candidate.then_some(2),
            registered_model: None,
            registered_version: None,
            metrics: r.metrics,
            custom: vec![],
            beyond: false,
            n: times.len() as u32,
            simulated: false,
            first: begin,
            last: times.last().copied().unwrap_or(begin),
            source: Some(r.source).filter(|s| *s < 2),
            minutes,
        }
    };
    let index = LoadedIndex::from(FileIndex {
        texts,
        entries: all.iter().map(entry).collect(),
        custom: vec![],
        values: None,
        devices: None,
        sources: SOURCES.map(Arc::from).into(),
        registered: true,
    });
    let places: Arc<[u32]> = all.iter().map(|r| r.place as u32).collect();
    let (from, to) = index.entries.iter().fold((i64::MAX, i64::MIN), |(a, b), e| (a.min(e.first), b.max(e.last())));
    let file = LakeFile {
        id,
        path: format!("{id}.parquet"),
        day,
        rows: 1,
        bytes: 1,
        from: Millis(from),
        to: Millis(to),
        simulated: 0,
        received: Millis(NOW),
    };
    IndexedFile {
        file,
        names: Arc::new(FileNames::of(&index, &places)),
        index: Arc::new(index),
        places,
        custom: Arc::default(),
        unindexed: None,
        failed: None,
        lease: Arc::new(FileLease::new(Arc::new(crate::FolderObjects::at("nowhere".as_ref())), "none".into())),
    }
}

fn scopes() -> Vec<Scope> {
    let scope = |site, task, kind| Scope::parse(Some("acme"), site, None, task, Some(kind)).expect("a scope");
    vec![
        Scope::default(),
        scope(None, None, "all"),
        scope(None, None, "candidate"),
        scope(Some("s1"), None, "production"),
        scope(None, Some(TASKS[1]), "all"),
    ]
}

/// Ends now, before, later; of every length about which something is kept, and longer ones.
fn ranges(now: Millis) -> Vec<TimeRange> {
    let ends = [0, -1, -5 * MINUTE - 7, -DAY, 2 * DAY];
    let lengths = [1_000, HOUR, 7 * DAY, 30 * DAY, 40 * DAY];
    let range = |(end, length): (i64, i64)| {
        TimeRange::new(now.plus(end.min(0) - length), now.plus(end)).expect("a range").to_owned()
    };
    ends.into_iter().flat_map(|end| lengths.map(|length| (end, length))).map(range).collect()
}

/// The state of each place as the indexes have it.
fn states(snapshot: &Snapshot, at: Millis) -> Vec<DataState> {
    let range = TimeRange::new(at.plus(-DAY), at).expect("a range");
    let report = snapshot.health_from_indexes(&Scope::default(), &range, at);
    let state = |p: &Place| {
        let own = report.sites.get(&(p.customer.clone(), p.site.clone()));
        own.map_or(DataState::NoDataExpected, |h| h.0.state)
    };
    snapshot.places.iter().map(state).collect()
}

struct World {
    now: Millis,
    files: Vec<IndexedFile>,
    failing: BTreeMap<u32, Millis>,
    facts: BTreeMap<Place, PlaceDeclaration>,
    revision: u64,
    /// All that was ever told.
    told: Vec<Transition>,
    snapshot: Snapshot,
    watch: TransitionTracker,
    heard: u64,
    ids: i64,
}

impl World {
    fn new() -> Self {
        let mut this = Self {
            now: Millis(NOW),
            files: vec![],
            failing: BTreeMap::new(),
            facts: BTreeMap::new(),
            revision: 0,
            told: vec![],
            snapshot: Snapshot::default(),
            watch: TransitionTracker::default(),
            heard: 0,
            ids: 0,
        };
        this.commit();
        this
    }

    fn commit(&mut self) {
        let failing = self.failing.iter().map(|(s, since)| (SOURCES[*s as usize].to_owned(), *since)).collect();
        let mut after = Snapshot::default();
        after.files = self.files.clone();
        after.places = Arc::new((0..PLACES).map(place).collect());
        after.failing = FailingSources::new(failing);
        let mut after = after.with_declared(Arc::new(Declarations::new(self.facts.clone(), vec![], self.revision)));
        after.kept = HealthCache::updated_from(&self.snapshot, &after, self.now);
        self.watch.apply_snapshot(&self.snapshot, &after, self.now);
        self.snapshot = after;
    }

    fn some(&mut self, n: usize) -> Option<&mut IndexedFile> {
        let all = self.files.len();
        self.files.get_mut(n.checked_rem(all)?)
    }

    fn play(&mut self, step: &Step) -> TestCaseResult {
        match step {
            Step::Publish(day, rows) => {
                self.ids += 1;
                self.files.push(view(self.ids, Day(self.now.day().0 + day), rows));
            }
            Step::Retire(n) => {
                if let Some(at) = n.checked_rem(self.files.len()) {
                    self.files.remove(at);
                }
            }
            Step::UnreadablePart(n) => {
                let why = Sentence::only_english("it is damaged");
                self.some(*n).into_iter().for_each(|v| v.failed = Some(why.clone()));
            }
            Step::Readable(n) => drop(self.some(*n).map(|v| v.failed = None)),
            Step::Source(source, true) => drop(self.failing.insert(*source, self.now)),
            Step::Source(source, false) => drop(self.failing.remove(source)),
            Step::Declare(n, cadence, retired) => {
                let retired = retired.map(|by| self.now.plus(by));
                self.facts
                    .insert(place(*n), PlaceDeclaration { cadence: *cadence, retired, ..PlaceDeclaration::default() });
                self.revision += 1;
            }
            Step::Clock(by) => return self.pass(*by),
        }
        self.commit();
        self.check(&[])
    }

    /// Lets time pass, or sets the clock back, without a commit.
    fn pass(&mut self, by: i64) -> TestCaseResult {
        let (before, from) = (states(&self.snapshot, self.now), self.now);
        self.now = self.now.plus(by);
        self.watch.advance(&self.snapshot, self.now);
        let told = self.watch.since(self.heard).changes;
        // Of a moment within an entry indexes know the minute, and what happens within it is not told apart.
        let younger = self.files.iter().any(|v| v.file.to >= from.min(self.now));
        if by > 0 && !younger {
            self.moment_by_moment(before, from, &told)?;
        }
        self.check(&told)
    }

    /// Between two moments every place is in the state that was told last.
    fn moment_by_moment(&self, mut state: Vec<DataState>, from: Millis, told: &[Transition]) -> TestCaseResult {
        let mut left = told.iter().peekable();
        let span = self.now.0 - from.0;
        let mut moments: Vec<i64> = (0..20).map(|i| from.0 + span * i / 19).collect();
        moments.extend(told.iter().take(40).flat_map(|t| [t.when.0 - 1, t.when.0]));
        moments.retain(|t| (from.0..=self.now.0).contains(t));
        moments.sort_unstable();
        for at in moments.into_iter().map(Millis) {
            while let Some(t) = left.next_if(|t| t.when <= at) {
                let n = self.snapshot.places.iter().position(|p| *p == t.place).expect("a place");
                prop_assert_eq!(state[n], t.from);
                state[n] = t.to;
            }
            prop_assert_eq!(&state, &states(&self.snapshot, at), "at {}, told {:?}", at, told);
        }
        Ok(())
    }

    fn check(&mut self, told: &[Transition]) -> TestCaseResult {
        for scope in scopes() {
            for range in ranges(self.now) {
                let kept = format!("{:?}", self.snapshot.health_of(&scope, &range, self.now));
                let read = format!("{:?}", self.snapshot.health_from_indexes(&scope, &range, self.now));
                prop_assert_eq!(kept, read, "{:?} {:?} at {}", scope, range, self.now);
            }
        }
        let looked: Vec<DataState> = (0..PLACES).map(|p| self.snapshot.state_of(p, self.now).0).collect();
        prop_assert_eq!(looked, states(&self.snapshot, self.now));
        let news = self.watch.since(self.heard);
        prop_assert_eq!(news.missed, 0);
        prop_assert!(news.changes.starts_with(told));
        prop_assert!(news.changes.iter().all(|t| t.from != t.to && t.when <= self.now));
        self.told.extend(news.changes);
        self.heard = news.newest;
        prop_assert_eq!(&self.watch.since(0).changes, &self.told, "what was told stays told");
        // Of a record that is younger than the moment, indexes know when its minute is over.
        if self.files.iter().all(|v| v.file.to < Millis(self.now.0 - MINUTE)) {
            prop_assert_eq!(self.watch.states(), states(&self.snapshot, self.now), "at {}", self.now);
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_kept_says_what_the_indexes_say(steps in prop::collection::vec(step(), 1..14)) {
        let mut world = World::new();
        for step in &steps {
            world.play(step).map_err(|e| TestCaseError::fail(format!("after {step:?}: {e}")))?;
        }
        // Whoever opens the lake now knows the same.
        let mut anew = world.snapshot.clone();
        anew.kept = HealthCache::updated_from(&Snapshot::default(), &anew, world.now);
        for range in ranges(world.now) {
            let of = |s: &Snapshot| format!("{:?}", s.health_of(&Scope::default(), &range, world.now));
            prop_assert_eq!(of(&anew), of(&world.snapshot));
        }
    }
}

/// A place that reports every ten minutes for a day.
fn steady() -> Rows {
    Rows { place: 0, task: 0, candidate: false, first: 0, every: 10 * MINUTE, n: 72, metrics: 1, source: 0 }
}

#[test]
fn states_change_at_their_moments_and_what_comes_late_rewrites_none() {
    let mut world = World::new();
    world.now = Millis(NOW - HOUR / 10);
    // From midnight until 11:50.
    world.play(&Step::Publish(0, vec![steady()])).expect("a commit");
    let last = NOW - 10 * MINUTE;
    let told = |world: &World| -> Vec<(DataState, DataState, i64)> {
        world.watch.since(0).changes.iter().map(|t| (t.from, t.to, t.when.0 - last)).collect()
    };
    let (none, ok, late, stale) = (DataState::NoDataExpected, DataState::Ok, DataState::Late, DataState::Stale);
    assert_eq!(told(&world), [(none, ok, 4 * MINUTE)]);
    world.play(&Step::Clock(5 * HOUR)).expect("time");
    let mut expected = vec![(none, ok, 4 * MINUTE), (ok, late, 30 * MINUTE), (late, stale, 100 * MINUTE + 1)];
    assert_eq!(told(&world), expected);
    // Records of 12:00 to 12:20 come hours later: now it is stale still, and was.
    let between = Rows { first: 12 * HOUR, n: 3, ..steady() };
    world.play(&Step::Publish(0, vec![between])).expect("a commit");
    assert_eq!(told(&world), expected);
    let fresh = Rows { first: world.now.0 - world.now.day().start().0 - MINUTE, n: 1, ..steady() };
    world.play(&Step::Publish(0, vec![fresh])).expect("a commit");
    expected.push((stale, ok, world.now.0 - last));
    assert_eq!(told(&world), expected);
    world.play(&Step::Clock(40 * DAY)).expect("time");
    let after: Vec<DataState> = world.watch.since(0).changes.iter().skip(4).map(|t| t.to).collect();
    assert_eq!(after, [late, stale, none], "forgotten after thirty days");
}

#[test]
fn a_record_of_this_very_moment_is_seen_when_the_minute_is_over() {
    let mut world = World::new();
    world.play(&Step::Publish(0, vec![Rows { first: 12 * HOUR, n: 1, ..steady() }])).expect("a commit");
    assert_eq!(world.watch.since(0).changes, [], "indexes know minutes that are over");
    world.play(&Step::Clock(HOUR)).expect("time");
    let told: Vec<_> = world.watch.since(0).changes.iter().map(|t| (t.to, t.when.0 - NOW)).collect();
    assert_eq!(told, [(DataState::Ok, MINUTE)]);
}

#[test]
fn a_place_is_kept_in_few_bytes() {
    let mut world = World::new();
    for day in -30..1 {
        world.play(&Step::Publish(day, vec![steady()])).expect("a commit");
    }
    let bytes = world.snapshot.kept.bytes();
    println!("{bytes} bytes for a place that reports every ten minutes");
    assert!(bytes < 6_000, "{bytes}");
}
