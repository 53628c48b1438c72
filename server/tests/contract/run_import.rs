//! Runs become records: once, corrected where a metric has changed, moved where a place has, withdrawn where they make none any more; and
//! a plan says all of it beforehand.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Result,
    access::Actor,
    mapping::RunMapping,
    ports::{AppendCounts, ArtifactBody, CopyStatus, HistoryCopy, MadeByRun, RunCatalog, SourceReport, TrackingKind},
    text::Name,
    time::Millis,
    tracking::{
        ArtifactEntry, ArtifactPath, ByteRange, Experiment, ExperimentId, Lifecycle, MadeVersion, Run, RunId, RunIndex,
        RunMetric, RunStatus, Text,
    },
};
use lake::Lake;
use server::declarations::built_in_mappings;
use store::StateStore;
use usecases::{
    Ingestion, RunImport, Sources, Tracking,
    run_import::{Imported, PlannedStep, StepKind},
};

use crate::support::{Asked, LakeDir, ask, at, scope};

suite!([on_sqlite = crate::support::on_sqlite, on_postgres = crate::support::on_postgres] [
    runs_are_taken_once_and_those_that_make_no_record_are_refused_with_a_reason,
    a_changed_metric_corrects_and_a_changed_place_moves,
    a_run_that_makes_no_record_any_more_takes_it_back,
    a_plan_says_what_an_import_does_and_changes_nothing,
    another_mapping_is_followed,
    what_a_run_made_counts_once_it_is_known_and_stays_when_it_is_forgotten,
    many_runs_go_in_parts,
    experiments_can_be_chosen,
    only_who_may_send_records_imports,
]);

/// A copy of runs in memory.
#[derive(Default)]
struct Catalog {
    index: Mutex<RunIndex>,
    made: Mutex<BTreeMap<String, Arc<MadeByRun>>>,
}

impl Catalog {
    fn put(&self, runs: impl IntoIterator<Item = Run>) {
        let runs = runs.into_iter().map(|run| Arc::new(run.sorted()));
        self.index.lock().unwrap_or_else(PoisonError::into_inner).put_runs(runs);
    }
}

#[async_trait]
impl RunCatalog for Catalog {
    fn index(&self) -> Arc<RunIndex> {
        Arc::new(self.index.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
    fn status(&self) -> CopyStatus {
        CopyStatus {
            kind: TrackingKind::Folder,
            address: "/mlruns".to_owned(),
            version: None,
            as_of: Some(Millis(1)),
            complete: true,
            error: None,
            warning: None,
        }
    }
    fn generation(&self) -> u64 {
        1
    }
    async fn wait_for_change(&self, seen: u64) -> u64 {
        seen
    }
    fn history(&self, _: &Run, _: &str) -> HistoryCopy {
        HistoryCopy { points: None, complete: true, as_of: None, error: None }
    }
    async fn wait_for_history(&self, run: &Run, metric: &str, _: u64) -> HistoryCopy {
        self.history(run, metric)
    }
    fn queue_histories(&self, _: &[Arc<Run>], _: &str) -> usize {
        0
    }
    async fn artifacts(&self, _: &RunId, _: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        Ok(vec![])
    }
    async fn artifact(&self, _: &RunId, _: &ArtifactPath, _: Option<ByteRange>) -> Result<ArtifactBody> {
        Ok(ArtifactBody { size: None, range: None, bytes: Box::pin(futures::stream::empty()) })
    }
    fn made_by(&self, _: &ExperimentId, run: &RunId) -> Option<Arc<MadeByRun>> {
        self.known_products(run)
    }
    fn known_products(&self, run: &RunId) -> Option<Arc<MadeByRun>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(run.as_str()).cloned()
    }
}

/// An MLflow of two experiments, and what takes its runs.
struct House {
    catalog: Arc<Catalog>,
    lake: Arc<Lake>,
    store: Arc<dyn StateStore>,
    import: RunImport,
    mapping: RunMapping,
}

fn experiment(id: &str, name: &str) -> Arc<Experiment> {
    Arc::new(Experiment {
        id: ExperimentId::parse(id).unwrap(),
        name: name.into(),
        lifecycle: Lifecycle::Active,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: vec![],
    })
}

async fn house(dir: &LakeDir) -> House {
    let store = dir.store().await;
    let lake = Arc::new(dir.open_on(store.clone()).await);
    let catalog = Arc::new(Catalog::default());
    catalog.index.lock().unwrap().put_experiments([experiment("1", "detect/acme"), experiment("2", "detect/borealis")]);
    let import = importer(dir, &catalog, &lake, &store);
    House { catalog, lake, store, import, mapping: built_in_mappings().mlflow }
}

fn importer(dir: &LakeDir, catalog: &Arc<Catalog>, lake: &Arc<Lake>, store: &Arc<dyn StateStore>) -> RunImport {
    RunImport::new(
        Tracking::new(Some(catalog.clone()), dir.clock.clone(), None),
        Ingestion::new(lake.clone()),
        Sources::new(store.clone()),
        store.clone(),
        dir.clock.clone(),
    )
}

impl House {
    async fn imported(&self) -> Imported {
        self.import.import(&self.mapping, &[]).await.unwrap()
    }

    async fn source(&self) -> SourceReport {
        self.store.sources().await.unwrap().remove(0)
    }

    /// Sites with the number of their records and the mean of mAP50.
    async fn sites(&self) -> Vec<(String, u64, Option<f64>)> {
        let range = domain::time::TimeRange::new(at("2026-06-01T00:00:00Z"), at("2026-07-01T00:00:00Z")).unwrap();
        let summary = self.lake.summary(&ask(&scope("acme", "candidate"), range)).await.unwrap();
        let mut sites: Vec<_> = summary
            .children
            .iter()
            .filter_map(|c| {
                let m = c.metrics.iter().find(|m| m.metric == "mAP50")?;
                Some((c.scope.site.as_ref()?.to_string(), m.n, m.value))
            })
            .filter(|(_, n, _)| *n > 0)
            .collect();
        sites.sort_by(|a, b| a.0.cmp(&b.0));
        sites
    }
}

fn run(id: &str, site: &str, map50: f64) -> Run {
    let text = |t: &str| Text::from(t);
    let tag = |key: &str, value: &str| (text(key), text(value));
    Run {
        id: RunId::parse(id).unwrap(),
        experiment: ExperimentId::parse("1").unwrap(),
        name: text(id),
        user: text("kim"),
        status: RunStatus::Finished,
        start: Some(at("2026-06-28T09:00:00Z")),
        end: Some(at("2026-06-28T10:00:00Z")),
        artifact_uri: text(""),
        lifecycle: Lifecycle::Active,
        metrics: vec![RunMetric {
            key: text("val/mAP50"),
            value: map50,
            step: 0,
            timestamp: Millis(0),
            extremes: None,
        }],
        params: vec![tag("architecture", "yolov8m")],
        tags: vec![tag("customer", "acme"), tag("site", site), tag("task", "detection")],
        datasets: vec![],
    }
}

fn without_tag(run: Run, key: &str) -> Run {
    Run { tags: run.tags.iter().filter(|(k, _)| &**k != key).cloned().collect(), ..run }
}

const fn counts(taken: u64, duplicate: u64, corrected: u64, withdrawn: u64) -> AppendCounts {
    AppendCounts { taken, duplicate, corrected, withdrawn }
}

async fn runs_are_taken_once_and_those_that_make_no_record_are_refused_with_a_reason(dir: &LakeDir) {
    let house = house(dir).await;
    let unfinished = |id, status| Run { status, ..run(id, "s1", 0.5) };
    house.catalog.put([
        run("a1", "s1", 0.5),
        run("a2", "s2", 0.7),
        without_tag(run("a3", "s1", 0.5), "customer"),
        run("a4", "s1", 81.0),
        unfinished("a5", RunStatus::Running),
        unfinished("a6", RunStatus::Failed),
    ]);
    let first = house.imported().await;
    assert_eq!((first.appended, first.counts.runs), (counts(2, 0, 0, 0), 6));
    let refused: Vec<_> = first.counts.refused.iter().map(|(code, n)| (code.as_str(), *n)).collect();
    assert_eq!(refused, [("missing", 1), ("out_of_range", 1)]);
    assert_eq!(first.counts.left_out, BTreeMap::from([(RunStatus::Running, 1), (RunStatus::Failed, 1)]));
    assert_eq!(house.sites().await, [("s1".into(), 1, Some(0.5)), ("s2".into(), 1, Some(0.7))]);
    let generation = house.lake.generation();
    let second = house.imported().await;
    assert_eq!((second.appended, second.duplicates()), (counts(0, 0, 0, 0), 2));
    assert_eq!(second.counts.refused, first.counts.refused, "what was refused is told each time");
    assert_eq!(house.lake.generation(), generation, "nothing was worked at again");
    let source = house.source().await;
    assert_eq!((source.source.kind.as_str(), source.taken, source.refused_total()), ("mlflow", 2, 2));
    assert!(source.finished && source.error.is_none());
    assert_eq!(source.newest, Some(at("2026-06-28T10:00:00Z")));
    // What is remembered may be lost: the records are known all the same.
    let elsewhere = LakeDir::new();
    let rebuilt = importer(dir, &house.catalog, &house.lake, &elsewhere.store().await);
    assert_eq!(rebuilt.import(&house.mapping, &[]).await.unwrap().appended, counts(0, 2, 0, 0));
    // One that ends later is taken then.
    house.catalog.put([run("a5", "s1", 0.6)]);
    assert_eq!(house.imported().await.appended, counts(1, 0, 0, 0));
}

async fn a_changed_metric_corrects_and_a_changed_place_moves(dir: &LakeDir) {
    let house = house(dir).await;
    house.catalog.put((0..5).map(|n| run(&format!("b{n}"), "s1", 0.5)));
    house.imported().await;
    house.catalog.put([run("b0", "s1", 0.9), run("b1", "s2", 0.5)]);
    let before = house.lake.generation();
    let told = house.imported().await;
    assert_eq!((told.appended, told.counts.moved, told.counts.corrected), (counts(1, 0, 1, 1), 1, 1));
    assert_eq!(house.lake.generation(), before + 1, "in one commit");
    assert_eq!(house.sites().await, [("s1".into(), 4, Some(0.6)), ("s2".into(), 1, Some(0.5))]);
    assert_eq!(dir.superseded().len(), 2);
    // A name that no record is told apart by is content; what a record does not show is nothing.
    house.catalog.put([
        Run { name: "renamed".into(), ..run("b2", "s1", 0.5) },
        Run { user: "lee".into(), ..run("b3", "s1", 0.5) },
    ]);
    let told = house.imported().await;
    assert_eq!((told.appended, told.counts.corrected, told.counts.unchanged), (counts(0, 0, 1, 0), 1, 4));
    // And back again; also to another day.
    house.catalog.put([run("b1", "s1", 0.5), Run { end: Some(at("2026-06-29T10:00:00Z")), ..run("b4", "s1", 0.5) }]);
    assert_eq!(house.imported().await.appended, counts(2, 0, 0, 2));
    assert_eq!(house.sites().await.first().map(|s| s.1), Some(5));
    assert_eq!(house.imported().await.appended, AppendCounts::default());
    assert_eq!((house.source().await.taken, house.source().await.withdrawn), (8, 3));
}

async fn a_run_that_makes_no_record_any_more_takes_it_back(dir: &LakeDir) {
    let house = house(dir).await;
    house.catalog.put([run("c1", "s1", 0.5), run("c2", "s1", 0.7)]);
    house.imported().await;
    house.catalog.put([without_tag(run("c1", "s1", 0.5), "task")]);
    let told = house.imported().await;
    assert_eq!((told.appended, told.counts.withdrawn, told.counts.refused_total()), (counts(0, 0, 0, 1), 1, 1));
    assert_eq!(house.sites().await, [("s1".into(), 1, Some(0.7))]);
    assert_eq!(house.source().await.refused_total(), 1);
    let again = house.imported().await;
    assert_eq!((again.counts.withdrawn, again.counts.refused_total()), (0, 1), "it is refused from now on");
    house.catalog.put([run("c1", "s1", 0.5)]);
    assert_eq!(house.imported().await.appended, counts(1, 0, 0, 0));
    // A run that runs again keeps its record until it has ended.
    house.catalog.put([Run { status: RunStatus::Running, end: None, ..run("c2", "s1", 0.7) }]);
    assert_eq!(house.imported().await.appended, AppendCounts::default());
    assert_eq!(house.sites().await.first().map(|s| s.1), Some(2));
}

async fn a_plan_says_what_an_import_does_and_changes_nothing(dir: &LakeDir) {
    let house = house(dir).await;
    house.catalog.put((0..4).map(|n| run(&format!("d{n}"), "s1", 0.5)));
    house.imported().await;
    house.catalog.put([
        run("d0", "s1", 0.9),
        run("d1", "s2", 0.5),
        without_tag(run("d2", "s1", 0.5), "customer"),
        run("d4", "s3", 0.5),
        run("d5", "s3", f64::NAN),
    ]);
    let generation = house.lake.generation();
    for _ in 0..2 {
        let plan = house.import.plan(&house.mapping, &[], 10).await.unwrap();
        let told = StepKind::ALL.map(|kind| (plan.counts.of(kind), plan.examples.get(&kind).map_or(0, Vec::len)));
        assert_eq!(told, [(1, 1), (1, 1), (1, 1), (1, 1), (1, 1), (0, 0), (1, 1)], "{:?}", plan.counts);
        let moved = &plan.examples[&StepKind::Moved][0];
        assert!(
            matches!(&moved.step, PlannedStep::Moved { from, .. } if from.field("site").map(Name::as_str) == Some("s1"))
        );
        let refused = plan.examples[&StepKind::Refused][0].step.refusal();
        assert_eq!(refused, Some(("not_finite", "detection.mAP50 ($.metrics.val/mAP50) is not finite")));
    }
    assert_eq!((house.lake.generation(), house.sites().await.len()), (generation, 1));
    let none = house.import.plan(&house.mapping, &[], 0).await.unwrap();
    assert!(none.examples.values().all(Vec::is_empty) && none.counts.runs == 6);
    let plan = house.import.plan(&house.mapping, &[], 10).await.unwrap().counts;
    assert_eq!(house.imported().await.counts, plan, "as it was planned");
}

async fn another_mapping_is_followed(dir: &LakeDir) {
    let mut house = house(dir).await;
    house.catalog.put([run("e1", "p1", 0.5), run("e2", "s2", 0.5)]);
    house.imported().await;
    let site = house.mapping.record.fields.get_mut("site").unwrap();
    site.values.insert("p1".into(), "seoul-01".into());
    let told = house.imported().await;
    assert_eq!((told.counts.moved, told.counts.unchanged, told.appended), (1, 1, counts(1, 0, 0, 1)));
    assert_eq!(house.sites().await.iter().map(|s| s.0.as_str()).collect::<Vec<_>>(), ["s2", "seoul-01"]);
}

async fn what_a_run_made_counts_once_it_is_known_and_stays_when_it_is_forgotten(dir: &LakeDir) {
    let house = house(dir).await;
    house.catalog.put([run("f1", "s1", 0.5)]);
    house.imported().await;
    let version = |v: &str| MadeVersion { model: "fleet".into(), version: v.into() };
    let made = |versions| Arc::new(MadeByRun { logged_models: vec![], versions });
    house.catalog.made.lock().unwrap().insert("f1".into(), made(vec![version("3")]));
    let told = house.imported().await;
    assert_eq!((told.counts.moved, told.appended), (1, counts(1, 0, 0, 1)));
    house.catalog.made.lock().unwrap().clear();
    assert_eq!(house.imported().await.counts.unchanged, 1, "what is not known is no change");
    // A correction keeps it too.
    house.catalog.put([run("f1", "s1", 0.6)]);
    assert_eq!(house.imported().await.appended, counts(0, 0, 1, 0));
    house.catalog.made.lock().unwrap().insert("f1".into(), made(vec![version("3"), version("4")]));
    assert_eq!(house.imported().await.counts.moved, 1, "of several none is named");
}

async fn many_runs_go_in_parts(dir: &LakeDir) {
    let house = house(dir).await;
    let many = |map50: f64| {
        (0..5_203i64).map(move |n| {
            let end = at("2026-06-28T10:00:00Z").plus(-n * 60_000);
            Run { end: Some(end), ..run(&format!("{n:032x}"), "s1", map50) }
        })
    };
    house.catalog.put(many(0.5).chain([run("bad", "s1", 81.0)]));
    assert_eq!(house.imported().await.appended, counts(5_203, 0, 0, 0));
    assert_eq!(house.source().await.refused_total(), 1, "counted once");
    house.catalog.put(many(0.6));
    assert_eq!(house.imported().await.appended, counts(0, 0, 5_203, 0));
    let again = house.imported().await;
    assert_eq!((again.duplicates(), again.appended), (5_203, AppendCounts::default()));
}

async fn experiments_can_be_chosen(dir: &LakeDir) {
    let mut house = house(dir).await;
    let other = Run { experiment: ExperimentId::parse("2").unwrap(), ..run("h2", "s2", 0.7) };
    house.catalog.put([run("h1", "s1", 0.5), other]);
    let unknown = house.import.import(&house.mapping, &["nothing".into()]).await.unwrap_err();
    assert!(unknown.message.en.contains("nothing"), "{unknown}");
    let told = house.import.import(&house.mapping, &["detect/borealis".into()]).await.unwrap();
    assert_eq!((told.counts.runs, told.appended), (1, counts(1, 0, 0, 0)));
    house.mapping.experiments = vec!["*/borealis".into()];
    assert_eq!(house.imported().await.counts.runs, 1);
    house.mapping.experiments = vec![];
    assert_eq!(house.imported().await.appended, counts(1, 0, 0, 0));
}

async fn only_who_may_send_records_imports(dir: &LakeDir) {
    let house = house(dir).await;
    house.catalog.put([run("i1", "s1", 0.5)]);
    let viewer = house.import.for_actor(&Actor::Viewer);
    assert!(viewer.plan(&house.mapping, &[], 1).await.is_ok(), "who sees sources and runs sees the plan");
    let refused = viewer.import(&house.mapping, &[]).await.unwrap_err();
    assert_eq!(refused.kind, domain::ErrorKind::Forbidden);
    let bound = house.import.for_actor(&Actor::Bound(Name::parse("acme").unwrap()));
    assert_eq!(bound.plan(&house.mapping, &[], 1).await.unwrap_err().kind, domain::ErrorKind::Forbidden);
    assert_eq!(house.lake.directory().records, 0);
}
