//! The use case over a copy in memory.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use domain::{
    ErrorKind,
    access::Role,
    ports::{ArtifactBody, HistoryCopy, TrackingKind},
    text::Name,
    token_name::TokenName,
    tracking::{
        ArtifactEntry, ArtifactPath, Attribute, ByteRange, ExperimentId, Extremes, MetricPoint, RunMetric, RunStatus,
        search::{AskedSort, ExperimentSummary},
    },
};

use super::*;
use crate::tracking::files::reduce;

struct Still;

impl Clock for Still {
    fn now(&self) -> Millis {
        Millis(1_000)
    }
}

#[derive(Default)]
struct Copy {
    index: Mutex<Arc<RunIndex>>,
    queued: AtomicUsize,
    incomplete: bool,
    /// What is in folders, and how often one was asked for.
    files: Mutex<Vec<ArtifactEntry>>,
    listed: AtomicUsize,
}

#[async_trait]
impl RunCatalog for Copy {
    fn index(&self) -> Arc<RunIndex> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    fn status(&self) -> CopyStatus {
        CopyStatus {
            kind: TrackingKind::Server,
            address: "http://mlflow.example.com".to_owned(),
            version: None,
            as_of: Some(Millis(500)),
            complete: !self.incomplete,
            error: None,
            warning: None,
        }
    }
    fn generation(&self) -> u64 {
        7
    }
    async fn wait_for_change(&self, seen: u64) -> u64 {
        seen + 1
    }
    fn history(&self, _: &Run, metric: &str) -> HistoryCopy {
        let point =
            |i: i32| MetricPoint { step: i64::from(i), timestamp: Millis(i64::from(i)), value: f64::from(i % 7) };
        let points = (metric == "f1").then(|| Arc::new((0..100).map(point).collect()));
        HistoryCopy { points, complete: true, as_of: Some(Millis(400)), error: None }
    }
    async fn wait_for_history(&self, run: &Run, metric: &str, _: u64) -> HistoryCopy {
        self.history(run, metric)
    }
    fn queue_histories(&self, runs: &[Arc<Run>], _: &str) -> usize {
        self.queued.fetch_add(runs.len(), Ordering::Relaxed);
        runs.len()
    }
    async fn artifacts(&self, _: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        self.listed.fetch_add(1, Ordering::Relaxed);
        if folder.as_str() == "broken" {
            return Err(Error::unavailable(domain::error::Sentence::only_english("away")));
        }
        let all = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(all.iter().filter(|e| e.path.parent().as_ref() == Some(folder)).cloned().collect())
    }
    async fn artifact(&self, _: &RunId, _: &ArtifactPath, _: Option<ByteRange>) -> Result<ArtifactBody> {
        Ok(ArtifactBody { size: Some(0), range: None, bytes: Box::pin(futures::stream::empty()) })
    }
    fn made_by(&self, _: &ExperimentId, _: &RunId) -> Option<Arc<MadeByRun>> {
        None
    }
    fn known_products(&self, _: &RunId) -> Option<Arc<MadeByRun>> {
        None
    }
}

fn experiment(id: &str, name: &str, lifecycle: Lifecycle) -> Arc<Experiment> {
    Arc::new(Experiment {
        id: ExperimentId::parse(id).expect("an id"),
        name: name.into(),
        lifecycle,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: vec![("customer".into(), "acme".into())],
    })
}

fn run(id: &str, start: i64, metrics: &[(&str, f64)]) -> Run {
    let metric = |(key, value): &(&str, f64)| RunMetric {
        key: (*key).into(),
        value: *value,
        step: 0,
        timestamp: Millis(0),
        extremes: None,
    };
    Run {
        id: RunId::parse(id).expect("an id"),
        experiment: ExperimentId::parse("1").expect("an id"),
        name: id.into(),
        user: "kim".into(),
        status: RunStatus::Finished,
        start: Some(Millis(start)),
        end: None,
        artifact_uri: "".into(),
        lifecycle: Lifecycle::Active,
        metrics: metrics.iter().map(metric).collect(),
        params: vec![],
        tags: vec![],
        datasets: vec![],
    }
    .sorted()
}

/// Three runs of an active experiment, and a deleted one.
fn copied() -> (Arc<Copy>, Tracking) {
    let mut index = RunIndex::default();
    index.put_experiments([experiment("1", "detect", Lifecycle::Active), experiment("2", "old", Lifecycle::Deleted)]);
    let child = Run { tags: vec![(PARENT_TAG.into(), "aaaa1111".into())], ..run("bbbb0000", 30, &[("f1", f64::NAN)]) };
    let runs = [
        run("aaaa1111", 10, &[("f1", 0.5), ("val_loss", 0.2)]),
        run("aaaa2222", 20, &[("f1", 0.7), ("val_loss", 0.1)]),
        child,
    ];
    index.put_runs(runs.map(Arc::new));
    let copy = Arc::new(Copy { index: Mutex::new(Arc::new(index)), ..Copy::default() });
    (copy.clone(), Tracking::new(Some(copy), Arc::new(Still), None))
}

#[test]
fn only_who_may_read_runs_is_answered() {
    let (_, tracking) = copied();
    let bound = Actor::Bound(Name::parse("acme").expect("a name"));
    let viewer = Actor::Named { name: TokenName::parse("kim").expect("a name"), role: Role::Viewer };
    for (actor, may) in [(bound, false), (Actor::Anonymous, false), (Actor::Viewer, true), (viewer, true)] {
        let seen = tracking.for_actor(&actor);
        assert_eq!(seen.may_read(), may, "{actor:?}");
        let refused = |kind: Option<ErrorKind>| assert_eq!(kind.is_some_and(|k| k == ErrorKind::Forbidden), !may);
        refused(seen.status().err().map(|e| e.kind));
        refused(seen.experiments(&ExperimentsQuery::default()).err().map(|e| e.kind));
        refused(seen.search(&RunsQuery::default()).err().map(|e| e.kind));
        refused(seen.run("aaaa1111").err().map(|e| e.kind));
        refused(seen.history("aaaa1111", "f1", 10).err().map(|e| e.kind));
        refused(seen.queue_extremes(&[], "f1").err().map(|e| e.kind));
    }
}

#[test]
fn without_a_source_there_is_no_status_and_a_sentence_says_how_to_get_one() {
    let none = Tracking::new(None, Arc::new(Still), None);
    assert_eq!((none.status(), none.generation()), (Ok(None), 0));
    let e = none.experiments(&ExperimentsQuery::default()).expect_err("nothing");
    assert_eq!(
        (e.kind, e.message.en.as_str()),
        (ErrorKind::NotFound, "no experiments: set MLFLOW_TRACKING_URI or GF_MLRUNS")
    );
}

#[test]
fn deleted_experiments_are_listed_when_asked_and_narrowed_by_name_and_tag() {
    let (_, tracking) = copied();
    let names = |query: ExperimentsQuery| {
        let answer = tracking.experiments(&query).expect("experiments");
        answer.rows.iter().map(|r| (r.experiment.name.to_string(), r.runs)).collect::<Vec<_>>()
    };
    let all = ExperimentsQuery::default();
    assert_eq!(names(all.clone()), [("detect".to_owned(), 3)]);
    assert_eq!(names(ExperimentsQuery { view: ExperimentView::Deleted, ..all.clone() }), [("old".to_owned(), 0)]);
    assert_eq!(names(ExperimentsQuery { view: ExperimentView::All, ..all.clone() }).len(), 2);
    assert_eq!(names(ExperimentsQuery { text: " TECT".to_owned(), ..all.clone() }).len(), 1);
    assert_eq!(names(ExperimentsQuery { tags: vec![("customer".to_owned(), "other".to_owned())], ..all }).len(), 0);
}

/// One experiment for acme whose runs are at two sites and for another customer, one without tags, one without runs.
fn of_customers() -> Tracking {
    let mut index = RunIndex::default();
    let untagged = |id: &str, name: &str| {
        Arc::new(Experiment { tags: vec![], ..(*experiment(id, name, Lifecycle::Active)).clone() })
    };
    let experiments = [
        experiment("1", "of acme", Lifecycle::Active),
        untagged("2", "of runs"),
        experiment("3", "empty", Lifecycle::Active),
    ];
    index.put_experiments(experiments);
    let tagged = |n: usize, home: &str, tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let experiment = ExperimentId::parse(home).expect("an id");
        Arc::new(Run { tags, experiment, ..run(&format!("aaaa{n}"), n as i64, &[]) }.sorted())
    };
    index.put_runs([
        tagged(1, "1", &[("site", "north"), ("task", "detect")]),
        tagged(2, "1", &[("customer", "beta"), ("site", "south"), ("zone", "z1")]),
        tagged(3, "2", &[("customer", "acme"), ("site", "south")]),
        tagged(4, "2", &[("customer", "beta"), ("site", "north"), ("zone", "z2"), ("task", "count")]),
        tagged(5, "2", &[]),
    ]);
    let copy = Arc::new(Copy { index: Mutex::new(Arc::new(index)), ..Copy::default() });
    Tracking::new(Some(copy), Arc::new(Still), None)
}

#[test]
fn an_experiment_is_for_everybody_that_it_or_one_of_its_runs_is_tagged_with() {
    let tracking = of_customers();
    let ask = |tags: &[(&str, &str)]| {
        let tags = tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let query = ExperimentsQuery { tags, facets: true, ..ExperimentsQuery::default() };
        let answer = tracking.experiments(&query).expect("experiments");
        let rows = answer.rows.iter().map(|r| (r.experiment.id.to_string(), query.filter_of_runs(&r.places)));
        (rows.map(|(id, f)| format!("{id} {f}").trim().to_owned()).collect::<Vec<_>>(), answer.facets)
    };
    for (tags, expected) in [
        (
            &[("customer", "acme")][..],
            vec!["2 tags.customer = 'acme'", "1 tags.customer = 'acme' OR tags.customer IS NULL", "3"],
        ),
        (&[("customer", "beta")], vec!["2 tags.customer = 'beta'", "1 tags.customer = 'beta'"]),
        (&[("customer", "acme"), ("site", "south")], vec!["2 tags.customer = 'acme' AND tags.site = 'south'"]),
        (&[("customer", "beta"), ("site", "south")], vec!["1 tags.customer = 'beta' AND tags.site = 'south'"]),
        (
            &[("customer", "acme"), ("site", "north")],
            vec!["1 (tags.customer = 'acme' OR tags.customer IS NULL) AND tags.site = 'north'"],
        ),
        (&[("task", "detect")], vec!["1 tags.task = 'detect'"]),
        (&[("customer", "beta"), ("task", "detect")], vec![]),
        (&[("site", "north")], vec!["2 tags.site = 'north'", "1 tags.site = 'north'"]),
        (&[("customer", "acme"), ("customer", "beta")], vec![]),
        (&[("owner", "kim")], vec![]),
    ] {
        assert_eq!(ask(tags).0, expected, "{tags:?}");
    }
    let offered = |tags: &[(&str, &str)]| {
        let facet = |f: &PlaceFacet| {
            let values = f.values.iter().map(|(value, n)| format!("{value} {n}")).collect::<Vec<_>>();
            format!("{}: {}", domain::tracking::search::PLACE_TAGS[f.level], values.join(", "))
        };
        ask(tags).1.iter().map(facet).collect::<Vec<_>>()
    };
    assert_eq!(offered(&[]), ["customer: acme 3, beta 2", "task: count 1, detect 1"]);
    let of_beta = ["customer: acme 3, beta 2", "site: north 1, south 1", "task: count 1"];
    assert_eq!(offered(&[("customer", "beta")]), of_beta);
    assert_eq!(
        offered(&[("customer", "beta"), ("site", "north")]),
        ["customer: acme 3, beta 2", "site: north 1, south 1", "zone: z2 1", "task: count 1"]
    );
    assert_eq!(offered(&[("task", "count")]), ["customer: beta 1", "task: count 1, detect 1"]);
    assert_eq!(offered(&[("site", "north")])[1], "site: north 2, south 2", "it can be taken back");
    let rows = tracking.experiments(&ExperimentsQuery::default()).expect("experiments").rows;
    assert_eq!(rows.iter().map(|r| told(&r.places, 0)).collect::<Vec<_>>(), ["acme, beta", "acme, beta", "acme"]);
}

#[test]
fn a_run_is_found_by_an_unambiguous_beginning_with_what_is_below_and_above() {
    let (_, tracking) = copied();
    let parent = tracking.run("aaaa1").expect("a run");
    assert_eq!((parent.children.len(), parent.children_total, &*parent.experiment.name), (1, 1, "detect"));
    let child = tracking.run("b").expect("a run");
    assert_eq!(child.parent.map(|p| p.id.to_string()).as_deref(), Some("aaaa1111"));
    let several = tracking.run("aaaa").expect_err("two");
    assert!(several.kind == ErrorKind::BadInput && several.message.en.contains("2 runs, such as aaaa1111, aaaa2222"));
    assert_eq!(tracking.run("../x").expect_err("no id").kind, ErrorKind::BadInput);
    let none = tracking.run("cccc").expect_err("none");
    assert!(none.kind == ErrorKind::NotFound && none.message.en.contains("there was no run"), "{none}");
}

#[test]
fn a_run_that_vanished_says_when_it_was_last_seen() {
    let (copy, tracking) = copied();
    assert_eq!(tracking.search(&RunsQuery { limit: 10, ..RunsQuery::default() }).expect("runs").total, 3);
    let mut index = (*copy.index()).clone();
    index.remove_runs([&RunId::parse("aaaa1111").expect("an id")]);
    *copy.index.lock().expect("a lock") = Arc::new(index);
    let gone = tracking.run("aaaa1111").expect_err("gone");
    assert!(
        gone.kind == ErrorKind::NotFound && gone.message.en.contains("last seen at 1970-01-01T00:00:00.5"),
        "{gone}"
    );
    // What is known of the experiment follows.
    let left = tracking.search(&RunsQuery { limit: 10, facets: true, ..RunsQuery::default() }).expect("runs");
    assert_eq!((left.total, left.columns.runs, left.children), (2, 2, vec![0, 0]));
}

#[test]
fn the_best_run_follows_the_name_of_the_metric_or_what_was_asked() {
    let (_, tracking) = copied();
    let best = |metric: &str, ascending| {
        let best = tracking.best("detect", metric, ascending, &Filter::default());
        best.map(|b| (b.run.id.to_string(), b.value, b.ascending))
    };
    assert_eq!(best("f1", None), Ok(("aaaa2222".to_owned(), 0.7, false)));
    assert_eq!(best("f1", Some(true)), Ok(("aaaa1111".to_owned(), 0.5, true)));
    assert_eq!(best("val_loss", None), Ok(("aaaa2222".to_owned(), 0.1, true)));
    let none = best("loss", None).expect_err("no such metric");
    assert!(none.kind == ErrorKind::NotFound && none.message.en.contains("there are val_loss, f1"), "{none}");
    assert_eq!(tracking.best("nobody", "f1", None, &Filter::default()).expect_err("none").kind, ErrorKind::NotFound);
}

#[test]
fn metrics_that_may_have_been_meant_come_first() {
    let keys = ["alpha/epoch", "lr", "train/box_loss", "val/box_loss", "val/mAP50", "val/mAP50-95", "valid", "zmap"];
    let metrics: Vec<(&str, f64)> = keys.iter().map(|key| (*key, 1.0)).collect();
    let columns = ExperimentSummary::of(&indexed(run("aaaa", 0, &metrics))).columns;
    for (asked, expected) in [
        ("val_mAP50", "val/mAP50, val/mAP50-95, val/box_loss"),
        ("valMAP50", "val/mAP50, val/mAP50-95, val/box_loss"),
        ("box-loss.val", "val/box_loss, train/box_loss, val/mAP50"),
        ("map", "zmap"),
    ] {
        let (named, others) = similar(&columns, asked);
        assert!(named.join(", ").starts_with(expected) && others == 8, "{asked}: {named:?}");
    }
}

fn indexed(run: Run) -> Arc<IndexedExperiment> {
    let mut index = RunIndex::default();
    index.put_experiments([experiment("1", "detect", Lifecycle::Active)]);
    index.put_runs([Arc::new(run)]);
    index.experiments().next().expect("an experiment").clone()
}

#[test]
fn lists_carry_columns_groups_and_how_keys_were_understood() {
    let (_, tracking) = copied();
    let query = RunsQuery {
        experiments: vec!["detect".to_owned(), "1".to_owned()],
        filter: Filter::parse("f1 > 0.1").expect("a filter"),
        sort: AskedSort::parse("best(f1)").expect("a sort"),
        limit: 1,
        group_by: Some(Column::Attribute(Attribute::Status)),
        group_metrics: vec![Column::metric("f1")],
        ..RunsQuery::default()
    };
    let answer = tracking.search(&query).expect("runs");
    assert_eq!((answer.experiments.len(), answer.total, answer.stand_ins), (1, 2, 2), "one experiment, named twice");
    assert_eq!((answer.rows[0].id.as_str(), answer.sort.to_string()), ("aaaa2222", "best(metrics.f1) desc".to_owned()));
    assert_eq!(answer.understood.len(), 1, "the same key in the filter and in the order");
    let by_key = RunsQuery { sort: AskedSort::parse("val_loss").expect("a sort"), limit: 1, ..RunsQuery::default() };
    let by_key = tracking.search(&by_key).expect("runs");
    assert_eq!((by_key.rows[0].id.as_str(), by_key.understood.len()), ("aaaa2222", 1));
    assert_eq!(answer.understood[0].field, Field::Metric("f1".into()));
    let groups = answer.groups.expect("groups");
    assert_eq!((groups.groups.len(), groups.groups[0].metrics[0].n), (1, 2));
    assert!(answer.default_columns.contains(&Column::metric("f1")));
}

#[test]
fn histories_are_reduced_and_extremes_queued_only_where_they_are_not_known() {
    let (copy, tracking) = copied();
    let history = tracking.history("aaaa1111", "f1", 40).expect("a history");
    assert_eq!((history.total, history.complete, history.pending), (100, true, false));
    assert!(history.points.len() <= 40 && history.points.iter().any(|p| p.value == 6.0));
    let waiting = tracking.history("aaaa1111", "val_loss", 40).expect("a history");
    assert!(waiting.pending && waiting.points.is_empty());
    assert_eq!(tracking.history("aaaa1111", "nope", 40).expect_err("none").kind, ErrorKind::NotFound);
    let mut known = run("cccc", 0, &[("f1", 1.0)]);
    known.metrics[0].extremes = Some(Extremes { min: 0.0, max: 1.0, points: 2 });
    let rows = [Arc::new(known), Arc::new(run("dddd", 0, &[("f1", 1.0)])), Arc::new(run("eeee", 0, &[]))];
    assert_eq!((tracking.queue_extremes(&rows, "f1"), copy.queued.load(Ordering::Relaxed)), (Ok(1), 1));
}

#[test]
fn reducing_keeps_spikes_ends_and_gaps_of_any_history() {
    // Steps that repeat, a clock that jumps, NaN.
    let point = |i: usize| MetricPoint {
        step: (i / 3) as i64,
        timestamp: Millis(if i.is_multiple_of(11) { -5 } else { i as i64 }),
        value: match i {
            7_000 | 20_000 | 33_000 => 1e6,
            12_345 => f64::NAN,
            40_000 => -1e6,
            _ => (i as f64).sin(),
        },
    };
    let all: Vec<MetricPoint> = (0..50_000).map(point).collect();
    for most in [4, 5, 7, 10, 20, 99, 100, 320, 1_000, 2_500] {
        let kept = reduce(&all, most);
        assert!(kept.len() <= most, "{} of at most {most}", kept.len());
        assert!(kept.iter().any(|p| p.value == 1e6) && kept.iter().any(|p| p.value == -1e6));
        assert_eq!((kept[0].step, kept[kept.len() - 1].step), (0, 16_666));
    }
    // However few they are: what there is room for stands out.
    for most in [10, 20, 320] {
        let few = reduce(&all, most);
        assert_eq!(few.iter().filter(|p| p.value == 1e6).count(), 3, "of {most}");
        assert!(few.iter().any(|p| p.value.is_nan()));
    }
    let very_few = |most| reduce(&all, most).iter().map(|p| p.value).collect::<Vec<_>>();
    assert_eq!(very_few(1), [0.0]);
    assert_eq!(very_few(2), [0.0, -1e6]);
    assert_eq!(very_few(3), [0.0, 1e6, -1e6]);
    let plain: Vec<MetricPoint> = all.iter().map(|p| MetricPoint { value: 1.0, ..*p }).collect();
    assert!([1, 2, 10, 20, 500].into_iter().all(|most| (1..=most).contains(&reduce(&plain, most).len())));
    assert_eq!(reduce(&all[..5], 10).len(), 5);
    assert!(reduce(&[], 10).is_empty());
}

/// Folders end with a slash.
fn files(paths: &[&str]) -> Vec<ArtifactEntry> {
    let entry = |text: &&str| ArtifactEntry {
        path: ArtifactPath::parse(text).expect("a path"),
        size: None,
        is_folder: text.ends_with('/'),
    };
    paths.iter().map(entry).collect()
}

#[tokio::test]
async fn images_are_looked_for_two_levels_deep_and_asked_for_once() {
    let (copy, tracking) = copied();
    let run = tracking.run("aaaa1111").expect("a run").run;
    assert_eq!(tracking.has_images(&run), None);
    *copy.files.lock().expect("files") = files(&[
        "a.png",
        "notes.md",
        "p/",
        "p/epoch_1.png",
        "p/q/",
        "p/q/step_2.jpg",
        "p/q/r/",
        "p/q/r/deep.png",
        "images/",
        "images/k+step+4+timestamp+1+u.png",
    ]);
    let (one, other) = tokio::join!(tracking.images(&run), tracking.images(&run));
    let images = one.expect("images");
    assert_eq!(other, Ok(images.clone()));
    let names: Vec<&str> = images.series.iter().map(|s| &*s.name).collect();
    assert_eq!(names, ["a.png", "k", "p/epoch_*.png", "p/q/step_*.jpg"]);
    assert!(images.is_partial && images.left_out == 0 && images.trouble.is_none(), "one lies deeper: {images:?}");
    assert_eq!((copy.listed.load(Ordering::Relaxed), tracking.has_images(&run)), (4, Some(true)));
    tracking.images(&run).await.expect("images");
    assert_eq!(copy.listed.load(Ordering::Relaxed), 4, "they are remembered");
}

#[tokio::test]
async fn of_twenty_thousand_images_a_bounded_number_is_kept_and_the_rest_is_counted() {
    let (copy, tracking) = copied();
    let run = tracking.run("aaaa1111").expect("a run").run;
    let many: Vec<String> = (0..20_000).map(|i| format!("many/{i:06}.png")).collect();
    let many: Vec<&str> = std::iter::once("many/").chain(many.iter().map(String::as_str)).collect();
    *copy.files.lock().expect("files") = files(&many);
    let images = tracking.images(&run).await.expect("images");
    let steps: Vec<i64> = images.series("many/*.png").expect("one name").steps().collect();
    assert_eq!((images.left_out, images.is_partial), (8_000, false));
    assert_eq!((steps.len(), steps.first(), steps.last()), (12_000, Some(&0), Some(&19_999)));
    // Of thousands of folders a hundred are listed.
    let (copy, tracking) = copied();
    let folders: Vec<String> = (0..3_000).map(|i| format!("f{i}/")).collect();
    *copy.files.lock().expect("files") = files(&folders.iter().map(String::as_str).collect::<Vec<_>>());
    let images = tracking.images(&run).await.expect("images");
    assert!(images.is_partial && copy.listed.load(Ordering::Relaxed) == 101);
}

#[tokio::test]
async fn a_folder_that_cannot_be_listed_is_said_and_not_remembered() {
    let (copy, tracking) = copied();
    let run = tracking.run("aaaa1111").expect("a run").run;
    *copy.files.lock().expect("files") = files(&["a.png", "broken/"]);
    for asked in [2, 4] {
        let images = tracking.images(&run).await.expect("images");
        assert_eq!(images.trouble.as_ref().map(|s| &*s.en), Some("away"));
        assert_eq!((images.series.len(), copy.listed.load(Ordering::Relaxed)), (1, asked));
    }
    let bound = tracking.for_actor(&Actor::Bound(Name::parse("acme").expect("a name")));
    assert_eq!(bound.images(&run).await.map_err(|e| e.kind), Err(ErrorKind::Forbidden));
}
