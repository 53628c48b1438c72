//! The one question about aggregates, at random: whatever parts, edges, groupings, details and filters it has, each adapter
//! answers what the rows give when they are gone through one by one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    cells::{
        CellGroup, Cells, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TimeBuckets,
        TrackedSets,
    },
    metric::CATALOGUE,
    model::{ModelFields, ModelKey, RegisteredModel, RegistryVersions},
    query::MetricColumn,
    scope::{ExperimentKind, Model, Place, Scope},
    text::Name,
    time::{HOUR, MINUTE, Millis, Ranges, Step, TimeRange},
};
use futures::TryStreamExt;
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::json;

use crate::{
    random::{moment, row},
    reference::{METRICS, Row, numbers},
    soak,
    support::{Adapter, NOW, at, lake_with_little_memory, lake_without_memory, local_lake, near},
};

/// A record as it arrived: with its run and the registered model that it names, and when.
#[derive(Debug, Clone)]
struct Seen {
    row: Row,
    run: &'static str,
    registered: Option<(&'static str, Option<&'static str>)>,
    /// Set when it is taken.
    received: Millis,
    seq: usize,
}

#[derive(Debug, Clone)]
struct Case {
    /// Each with the minutes that pass before it.
    batches: Vec<(i64, Vec<Seen>)>,
    questions: Vec<CellsQuery>,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

impl Seen {
    fn identity(&self) -> String {
        format!("{} {} {:?}", self.row.identity(), self.run, self.registered)
    }

    fn json(&self) -> serde_json::Value {
        let mut json = self.row.json();
        json["run_id"] = json!(self.run);
        json["registered_model"] = json!(self.registered.map(|r| r.0));
        json["registered_version"] = json!(self.registered.and_then(|r| r.1));
        json
    }

    fn place(&self) -> Place {
        Place { customer: name(self.row.customer), site: self.row.site.map(name), zone: self.row.zone.map(name) }
    }

    fn model(&self, versions: &RegistryVersions) -> Option<ModelKey> {
        let said = ModelFields {
            registered_model: self.registered.map(|r| r.0),
            registered_version: self.registered.and_then(|r| r.1),
            architecture: self.row.model.map(|m| m.0),
            version: self.row.model.and_then(|m| m.1),
            run_id: Some(self.run),
        };
        versions.resolve(&said).map(|(key, _)| key)
    }
}

fn seen() -> impl Strategy<Value = Seen> {
    let registered = select(vec![None, None, None, Some(("fleet", Some("1"))), Some(("fleet", None))]);
    (row(), select(vec!["r1", "r2"]), registered).prop_map(|(row, run, registered)| Seen {
        row,
        run,
        registered,
        received: Millis(0),
        seq: 0,
    })
}

fn range() -> impl Strategy<Value = TimeRange> {
    (moment(), moment()).prop_filter_map("a range", |(a, b)| TimeRange::new(a.min(b), a.max(b)).ok())
}

fn buckets() -> impl Strategy<Value = TimeBuckets> {
    let every = (moment(), select(vec!["17m", "3h", "1d"]))
        .prop_map(|(from, step)| TimeBuckets::every(from, Step::parse(step).expect("a step")));
    prop_oneof![
        Just(TimeBuckets::single()),
        prop::collection::vec(moment(), 1..5).prop_map(TimeBuckets::from_instants),
        every,
    ]
}

fn column(metric: usize) -> MetricColumn {
    let key = METRICS[metric];
    CATALOGUE
        .iter()
        .position(|m| m.key == key)
        .map_or(MetricColumn::Custom(format!("custom.{key}")), MetricColumn::BuiltIn)
}

fn wanted() -> impl Strategy<Value = MetricDetail> {
    let detail = select(vec![Detail::Means, Detail::Moments, Detail::Full]);
    (0..METRICS.len(), detail, any::<[bool; 3]>()).prop_map(|(metric, detail, [latest, sites, devices])| MetricDetail {
        column: column(metric),
        detail,
        latest,
        sites,
        devices,
    })
}

fn part() -> impl Strategy<Value = QueryPart> {
    let by = prop::sample::subsequence(Dimension::ALL.to_vec(), 0..=4);
    let noted =
        any::<[bool; 4]>().prop_map(|[sites, zones, devices, days]| TrackedSets { sites, zones, devices, days });
    let ranges = prop::collection::vec(range(), 1..3).prop_map(Ranges::of);
    (ranges, buckets(), by, prop::collection::vec(wanted(), 0..4), noted).prop_map(
        |(ranges, buckets, by, metrics, noted)| {
            QueryPart::over(ranges).with_buckets(buckets).group_by(by).with_metrics(metrics).tracking(noted)
        },
    )
}

fn versions() -> impl Strategy<Value = RegistryVersions> {
    any::<[bool; 2]>().prop_map(|[runs, tags]| {
        let fleet = |version| RegisteredModel { name: name("fleet"), version: Some(name(version)) };
        let mut map = RegistryVersions::default();
        if runs {
            map.insert_run("r2", fleet("2"));
        }
        if tags {
            map.insert_tags(&Model::parse("yolo:1").expect("a model"), fleet("1"));
        }
        map
    })
}

fn question() -> impl Strategy<Value = CellsQuery> {
    let place = select(vec![
        (None, None, None),
        (None, None, None),
        (Some("a"), None, None),
        (Some("a"), Some("s1"), None),
        (Some("a"), Some("s1"), Some("z2")),
    ]);
    let scope = (place, select(vec![None, None, Some("tracking")]), select(vec!["production", "all", "candidate"]))
        .prop_map(|((c, s, z), task, kind)| Scope::parse(c, s, z, task, Some(kind)).expect("a scope"));
    let models = prop_oneof![
        2 => Just(vec![]),
        1 => prop::sample::subsequence(vec!["yolo", "yolo:2", "models:/fleet/1", "models:/fleet", "detr"], 1..3),
    ];
    let devices = prop_oneof![3 => Just(vec![]), 1 => prop::sample::subsequence(vec!["orin", "xavier"], 1..2)];
    let on = (any::<[bool; 4]>(), prop::collection::btree_set(moment().prop_map(Millis::day), 1..4));
    let arrival =
        (prop::option::weighted(0.4, 0i64..60), prop::option::weighted(0.3, select(vec![0, 9 * HOUR, 80 * HOUR])));
    let parts = prop::collection::vec(part(), 1..4);
    (scope, models, devices, prop::option::weighted(0.2, on), arrival, versions(), parts).prop_map(
        |(scope, models, devices, on, (known, within), versions, parts)| CellsQuery {
            filter: Filter {
                scope,
                models: models.into_iter().map(|m| ModelKey::parse(m).expect("a model")).collect(),
                devices: devices.into_iter().map(name).collect(),
                known_at: known.map(|minutes| at(NOW).plus(minutes * MINUTE)),
                received_within: within,
                on: on.map(|(places, days)| Arc::new(pairs(places, &days))),
                versions: Arc::new(versions),
            },
            parts,
        },
    )
}

fn pairs(places: [bool; 4], days: &BTreeSet<domain::time::Day>) -> BTreeSet<(Place, domain::time::Day)> {
    let all =
        [("a", Some("s1"), Some("z1")), ("a", Some("s1"), Some("z2")), ("a", Some("s2"), None), ("b", None, None)];
    let place = |(c, s, z): (&str, Option<&str>, Option<&str>)| Place {
        customer: name(c),
        site: s.map(name),
        zone: z.map(name),
    };
    let chosen = all.into_iter().zip(places).filter(|p| p.1).map(|p| place(p.0));
    chosen.flat_map(|place| days.iter().map(move |day| (place.clone(), *day))).collect()
}

fn case() -> impl Strategy<Value = Case> {
    let batch = (0i64..20, prop::collection::vec(seen(), 1..30));
    let batches = prop::collection::vec(batch, 1..6).prop_flat_map(|batches| {
        // Some come again, as they are and corrected.
        let all: Vec<Seen> = batches.iter().flat_map(|b| b.1.clone()).collect();
        let again = prop::sample::subsequence(all.clone(), 0..=all.len().min(12));
        (Just(batches), again, prop::collection::vec(prop::option::of(0u16..=1000), 12))
    });
    (batches, prop::collection::vec(question(), 8)).prop_map(|((mut batches, again, values), questions)| {
        let corrected = again.into_iter().zip(values).map(|(mut seen, value)| {
            if value.is_some() {
                seen.row.content.values[0] = value;
            }
            seen
        });
        batches.push((7, corrected.collect()));
        Case { batches, questions }
    })
}

/// Everything that arrived, but what was said already.
#[derive(Default)]
struct History(BTreeMap<String, Vec<Seen>>);

impl History {
    fn take(&mut self, batch: &[Seen], received: Millis) {
        for seen in batch {
            let seq = self.0.values().map(Vec::len).sum();
            let known = self.0.entry(seen.identity()).or_default();
            if known.last().is_none_or(|k| k.row.content != seen.row.content) {
                known.push(Seen { received, seq, ..seen.clone() });
            }
        }
    }

    /// What counts, or counted at a moment: of each record the last that had arrived.
    fn known(&self, at: Option<Millis>) -> Vec<&Seen> {
        let mut rows: Vec<&Seen> =
            self.0.values().filter_map(|all| all.iter().rfind(|s| at.is_none_or(|at| s.received <= at))).collect();
        rows.sort_by_key(|s| s.seq);
        rows
    }

    /// The rows that the filter takes, apart from what depends on the part.
    fn rows(&self, filter: &Filter) -> Vec<(&Seen, Option<ModelKey>)> {
        let taken = |s: &Seen, model: Option<&ModelKey>| {
            s.row.lies_in(&filter.scope)
                && (filter.models.is_empty() || model.is_some_and(|m| filter.models.iter().any(|f| f.contains(m))))
                && (filter.devices.is_empty()
                    || s.row.device.is_some_and(|d| filter.devices.iter().any(|f| f.as_str() == d)))
                && filter.on.as_ref().is_none_or(|on| on.contains(&(s.place(), s.row.at.day())))
        };
        let rows = self.known(filter.known_at).into_iter();
        rows.map(|s| (s, s.model(&filter.versions))).filter(|(s, model)| taken(s, model.as_ref())).collect()
    }
}

/// What rows are grouped by, and the stretch.
type Named = (Vec<Option<String>>, u32);

fn grouped<'h>(history: &'h History, filter: &Filter, part: &QueryPart) -> BTreeMap<Named, Vec<&'h Seen>> {
    let mut cells: BTreeMap<Named, Vec<&Seen>> = BTreeMap::new();
    for (seen, model) in history.rows(filter) {
        let row = &seen.row;
        if !part.ranges.iter().any(|r| r.contains(row.at)) {
            continue;
        }
        let bucket = part.buckets.bucket_of(row.at);
        if let (Some(within), Some(end)) = (filter.received_within, part.buckets.bounds(bucket).1)
            && seen.received > end.plus(within)
        {
            continue;
        }
        let by = |d: &Dimension| match d {
            Dimension::Customer => Some(row.customer.to_owned()),
            Dimension::Site => row.site.map(str::to_owned),
            Dimension::Zone => row.zone.map(str::to_owned),
            Dimension::Task => Some(row.task.to_owned()),
            Dimension::Device => row.device.map(str::to_owned),
            Dimension::Model => model.as_ref().map(ModelKey::key),
        };
        cells.entry((part.group_by.iter().map(by).collect(), bucket)).or_default().push(seen);
    }
    cells
}

fn named(words: &NameTable, part: &QueryPart, group: &CellGroup) -> Vec<Option<String>> {
    let by = |d: &Dimension| match d {
        Dimension::Model => words.model(&group.key).map(|m| m.key.key()),
        _ => words.name(&group.key, *d).map(ToString::to_string),
    };
    part.group_by.iter().map(by).collect()
}

macro_rules! same {
    ($got:expr, $want:expr, $($what:tt)+) => {{
        let (got, want): (f64, f64) = ($got, $want);
        prop_assert!(near(got, want), "{}: {got} instead of {want}", format!($($what)+));
    }};
}

fn check_cell(part: &QueryPart, cells: &Cells, row: usize, want: &[&Seen]) -> Result<(), TestCaseError> {
    prop_assert_eq!(cells.rows[row], want.len() as u64);
    let times = || want.iter().map(|s| s.row.at);
    prop_assert_eq!((Some(cells.first[row]), Some(cells.last[row])), (times().min(), times().max()));
    prop_assert_eq!(cells.simulated[row], want.iter().any(|s| s.row.content.simulated));
    let sites = |all: &[&Seen]| all.iter().map(|s| (s.row.customer, s.row.site)).collect::<BTreeSet<_>>().len();
    let zones = want.iter().map(|s| (s.row.customer, s.row.site, s.row.zone)).collect::<BTreeSet<_>>().len();
    let noted = part.noted;
    prop_assert_eq!(cells.sites.as_ref().map(|all| all[row].len()), noted.sites.then(|| sites(want)));
    prop_assert_eq!(cells.zones.as_ref().map(|all| all[row].len()), noted.zones.then_some(zones));
    let devices: BTreeSet<Box<str>> = want.iter().map(|s| s.row.device.unwrap_or_default().into()).collect();
    prop_assert_eq!(cells.devices.as_ref().map(|all| &all[row]), noted.devices.then_some(&devices));
    let days: BTreeSet<_> = times().map(Millis::day).collect();
    prop_assert_eq!(cells.days.as_ref().map(|all| &all[row]), noted.days.then_some(&days));
    prop_assert_eq!(cells.metrics.len(), part.metrics.len());
    for (values, wanted) in cells.metrics.iter().zip(&part.metrics) {
        let metric = (0..METRICS.len()).find(|m| column(*m) == wanted.column).expect("a metric of ours");
        let have: Vec<&Seen> = want.iter().copied().filter(|s| s.row.value(metric).is_some()).collect();
        let rows: Vec<&Row> = have.iter().map(|s| &s.row).collect();
        let sum =
            |f: fn(f64, f64) -> f64| -> f64 { rows.iter().filter_map(|r| Some(f(r.weight(), r.value(metric)?))).sum() };
        let mean = values.sums.mean(row);
        prop_assert_eq!(mean.n, have.len() as u64);
        same!(mean.w, sum(|w, _| w), "Σw");
        same!(mean.wx, sum(|w, x| w * x), "Σwx");
        prop_assert_eq!(values.sums.moments(row).is_some(), wanted.detail > Detail::Means);
        if let Some(spread) = values.sums.moments(row) {
            same!(spread.ww, sum(|w, _| w * w), "Σw²");
            same!(spread.wxx, sum(|w, x| w * x * x), "Σwx²");
        }
        let numbers = numbers(&rows, metric);
        prop_assert_eq!(values.sums.aggregate(row).is_some(), wanted.detail == Detail::Full);
        if let Some(full) = values.sums.aggregate(row) {
            prop_assert_eq!((full.min, full.max), (numbers.as_ref().map(|n| n.min), numbers.as_ref().map(|n| n.max)));
            prop_assert_eq!(full.quantiles().is_some(), numbers.is_some());
            for (got, want) in full.quantiles().iter().flatten().zip(numbers.iter().flat_map(|n| [n.p50, n.p95, n.p99]))
            {
                same!(*got, want, "a quantile");
            }
        }
        prop_assert_eq!(values.simulated[row], have.iter().any(|s| s.row.content.simulated));
        let latest = values.latest.as_ref().map(|all| all[row].map(|l| (l.at, l.value)));
        prop_assert_eq!(latest, wanted.latest.then(|| numbers.map(|n| n.latest)));
        prop_assert_eq!(values.sites.as_ref().map(|all| all[row].len()), wanted.sites.then(|| sites(&have)));
        let on: BTreeSet<Box<str>> = have.iter().filter_map(|s| s.row.device.map(Into::into)).collect();
        prop_assert_eq!(values.devices.as_ref().map(|all| &all[row]), wanted.devices.then_some(&on));
    }
    Ok(())
}

async fn check(a: &Adapter, history: &History, query: &CellsQuery) -> Result<(), TestCaseError> {
    let answer = a.store.cells(query).await.expect("cells");
    let (words, cost) = (answer.words, answer.cost);
    let groups: Vec<CellGroup> = answer.groups.try_collect().await.expect("groups");
    prop_assert!(words.names.is_sorted() && words.models.is_sorted_by_key(|m| &m.key), "numbers sort as names do");
    prop_assert!(groups.is_sorted_by(|a, b| (a.key, a.part) < (b.key, b.part)), "by key and then by part, each once");
    prop_assert_eq!(cost.cells, groups.iter().map(|g| g.cells.len() as u64).sum::<u64>());
    prop_assert_eq!(cost.sketches, groups.iter().map(|g| g.cells.sketches()).sum::<u64>());
    for (number, part) in query.parts.iter().enumerate() {
        let want = grouped(history, &query.filter, part);
        prop_assert!(cost.rows >= want.values().map(|rows| rows.len() as u64).sum::<u64>());
        let mut got = BTreeSet::new();
        for group in groups.iter().filter(|g| g.part == number) {
            prop_assert!(!group.cells.is_empty() && group.cells.buckets.is_sorted_by(|a, b| a < b));
            let name = named(&words, part, group);
            for (row, bucket) in group.cells.buckets.iter().enumerate() {
                let key = (name.clone(), *bucket);
                let Some(rows) = want.get(&key) else {
                    return Err(TestCaseError::fail(format!("{key:?} has no rows")));
                };
                check_cell(part, &group.cells, row, rows)
                    .map_err(|e| TestCaseError::fail(format!("part {number}, {key:?}: {e}")))?;
                prop_assert!(got.insert(key), "a cell came twice");
            }
        }
        prop_assert_eq!(got, want.into_keys().collect::<BTreeSet<_>>(), "part {}", number);
    }
    // What was sent elsewhere and back is the same.
    let sent = postcard::to_allocvec(&groups).expect("bytes");
    prop_assert_eq!(&postcard::from_bytes::<Vec<CellGroup>>(&sent).expect("groups"), &groups);
    Ok(())
}

async fn play(a: &Adapter, case: &Case) -> Result<(), TestCaseError> {
    let mut history = History::default();
    let mut now = at(NOW);
    for (minutes, batch) in &case.batches {
        now = now.plus(minutes * MINUTE);
        a.clock.set(&now.to_string());
        a.take(batch.iter().map(Seen::json)).await;
        history.take(batch, now);
    }
    for (i, query) in case.questions.iter().enumerate() {
        if i == case.questions.len() / 2 {
            a.sink.compact().await.expect("tidied");
        }
        check(a, &history, query).await.map_err(|e| TestCaseError::fail(format!("{e}\nasked: {query:?}")))?;
    }
    // Cells of two halves of the time merge into those of the whole.
    let Some(query) = case.questions.first() else { return Ok(()) };
    let whole = QueryPart::over(all_time())
        .group_by([Dimension::Site])
        .with_metrics([MetricDetail::new(column(0), Detail::Full)]);
    let middle = at("2026-06-28T00:00:00Z");
    let half = |range: TimeRange| QueryPart { ranges: Ranges::of([range]), ..whole.clone() };
    let halves = [TimeRange::new(all_time().from(), middle), TimeRange::new(middle, all_time().to())];
    let halves = halves.map(|h| half(h.expect("a range")));
    let filter = Filter { scope: Scope { kind: ExperimentKind::All, ..Scope::default() }, ..query.filter.clone() };
    let [first, second] = halves;
    let asked = CellsQuery { filter, parts: vec![whole, first, second] };
    let mut groups: Vec<CellGroup> =
        a.store.cells(&asked).await.expect("cells").groups.try_collect().await.expect("groups");
    while let Some(CellGroup { key, cells: mut whole, part: 0 }) = (!groups.is_empty()).then(|| groups.remove(0)) {
        let mut merged = Cells::for_part(&asked.parts[0]);
        while groups.first().is_some_and(|g| g.key == key && g.part > 0) {
            merged.merge(&groups.remove(0).cells);
        }
        let told = |c: &Cells| (c.buckets.clone(), c.rows.clone(), c.first.clone(), c.last.clone(), c.sketches());
        prop_assert_eq!(told(&merged), told(&whole));
        let full = |c: &mut Cells| c.metrics[0].sums.aggregate(0).map(|f| (f.mean().n, f.min, f.max, f.quantiles()));
        prop_assert_eq!(full(&mut merged), full(&mut whole));
    }
    prop_assert!(groups.is_empty(), "a half has a group that the whole has not");
    Ok(())
}

fn all_time() -> TimeRange {
    TimeRange::new(at("2026-01-01T00:00:00Z"), at("2026-07-02T00:00:00Z")).expect("a range")
}

fn run<F: Future<Output = Adapter>>(open: impl Fn() -> F) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let config =
        Config { cases: 16 * soak::times(), max_shrink_iters: 40, source_file: Some(file!()), ..Config::default() };
    TestRunner::new(config)
        .run(&case(), |case| runtime.block_on(async { play(&open().await, &case).await }))
        .unwrap_or_else(|e| panic!("{e}"));
}

#[test]
fn random_cells_agree_with_the_rows_on_the_lake() {
    run(local_lake);
}

#[test]
fn random_cells_agree_with_the_rows_without_memory() {
    run(lake_without_memory);
}

#[test]
fn random_cells_agree_with_the_rows_with_little_memory() {
    run(lake_with_little_memory);
}
