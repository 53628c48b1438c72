//! The contract of [`TrackingCopies`]: what was copied comes back whole, changes are kept together, and one source has the place.

use std::sync::Arc;

use domain::{
    ports::{CopyChanges, TrackingCopies},
    time::Millis,
    tracking::{DatasetInput, Experiment, ExperimentId, Extremes, Lifecycle, Run, RunId, RunMetric, RunStatus},
};

use crate::support::LakeDir;

/// A copy, and a second handle on the same store.
pub struct Copies {
    copies: Arc<dyn TrackingCopies>,
    other: Arc<dyn TrackingCopies>,
    _keep: LakeDir,
}

async fn copies(dir: LakeDir) -> Copies {
    let (copies, other) = (dir.store().await, dir.store().await);
    Copies { copies, other, _keep: dir }
}

async fn sqlite() -> Copies {
    copies(crate::support::on_sqlite().await).await
}

async fn postgres() -> Copies {
    copies(crate::support::on_postgres().await).await
}

suite!([on_sqlite = super::sqlite, on_postgres = super::postgres] [
    a_source_that_was_never_copied_has_nothing,
    what_was_copied_comes_back_as_it_was,
    runs_and_experiments_are_replaced_and_removed_by_id,
    a_change_of_nothing_moves_the_age_and_the_progress,
    another_source_takes_the_place_and_says_so,
    many_runs_are_kept_at_once_and_their_texts_are_shared,
    processes_that_save_at_once_lose_nothing,
]);

pub const SOURCE: &str = "http://mlflow:5000";

pub fn experiment(id: &str, name: &str) -> Arc<Experiment> {
    Arc::new(Experiment {
        id: ExperimentId::parse(id).unwrap(),
        name: name.into(),
        lifecycle: Lifecycle::Active,
        artifact_location: "mlflow-artifacts:/1".into(),
        created: Some(Millis(1)),
        updated: None,
        tags: vec![("customer".into(), "acme".into())],
    })
}

pub fn run(id: &str, name: &str) -> Arc<Run> {
    let metric = |key: &str, value, extremes| RunMetric {
        key: key.into(),
        value,
        step: i64::MAX,
        timestamp: Millis(7),
        extremes,
    };
    let extremes = Extremes { min: -0.1 - 0.2, max: f64::MAX, points: 3 };
    Arc::new(Run {
        id: RunId::parse(id).unwrap(),
        experiment: ExperimentId::parse("1").unwrap(),
        name: name.into(),
        user: "김 \u{202E}<script>\0".into(),
        status: RunStatus::Running,
        start: Some(Millis(-5)),
        end: None,
        artifact_uri: "s3://b/x".into(),
        lifecycle: Lifecycle::Active,
        metrics: vec![
            metric("inf", f64::INFINITY, None),
            metric("loss", f64::NAN, None),
            metric("map", 0.1, Some(extremes)),
        ],
        params: vec![("lr".into(), "0.1".into()), ("비율".into(), "x".repeat(10_000).into())],
        tags: vec![("t".into(), "\u{1F600}".into())],
        datasets: vec![DatasetInput { name: "d".into(), digest: "1".into(), context: "".into(), source: "{}".into() }],
    })
}

fn changes(runs: Vec<Arc<Run>>) -> CopyChanges {
    CopyChanges { runs, progress: "p".into(), as_of: Millis(9), ..CopyChanges::default() }
}

/// NaN is not equal to itself.
fn text(run: &Run) -> String {
    format!("{run:?}")
}

impl Copies {
    async fn save(&self, changes: CopyChanges) -> bool {
        self.copies.save_copy(SOURCE, &changes).await.unwrap()
    }
    async fn run_ids(&self, source: &str) -> Vec<String> {
        let runs = self.other.load_copy(source).await.unwrap().runs;
        runs.iter().map(|r| r.id.to_string()).collect()
    }
}

async fn a_source_that_was_never_copied_has_nothing(s: &Copies) {
    let kept = s.copies.load_copy(SOURCE).await.unwrap();
    assert!(kept.as_of.is_none() && kept.runs.is_empty() && kept.experiments.is_empty() && kept.progress.is_empty());
}

async fn what_was_copied_comes_back_as_it_was(s: &Copies) {
    let (e, r) = (experiment("1", "detect/acme 'x';--"), run("a1", "n"));
    let all = CopyChanges { experiments: vec![e.clone()], ..changes(vec![r.clone()]) };
    assert!(!s.save(all).await, "there was none before");
    let kept = s.other.load_copy(SOURCE).await.unwrap();
    assert_eq!((kept.as_of, &*kept.progress), (Some(Millis(9)), "p"));
    assert_eq!(kept.experiments, [(*e).clone()]);
    assert_eq!(kept.runs.iter().map(text).collect::<Vec<_>>(), [text(&r)]);
}

async fn runs_and_experiments_are_replaced_and_removed_by_id(s: &Copies) {
    let first = CopyChanges {
        experiments: vec![experiment("1", "a"), experiment("2", "b")],
        ..changes(vec![run("a", "old"), run("b", "b"), run("c", "c")])
    };
    s.save(first).await;
    let then = CopyChanges {
        experiments: vec![experiment("1", "renamed")],
        removed_experiments: vec![ExperimentId::parse("2").unwrap(), ExperimentId::parse("77").unwrap()],
        removed_runs: vec![RunId::parse("b").unwrap(), RunId::parse("unknown").unwrap()],
        ..changes(vec![run("a", "new"), run("d", "d")])
    };
    assert!(s.save(then).await);
    let kept = s.other.load_copy(SOURCE).await.unwrap();
    assert_eq!(kept.experiments.iter().map(|e| &*e.name).collect::<Vec<_>>(), ["renamed"]);
    assert_eq!(
        kept.runs.iter().map(|r| (r.id.as_str(), &*r.name)).collect::<Vec<_>>(),
        [("a", "new"), ("c", "c"), ("d", "d")]
    );
}

async fn a_change_of_nothing_moves_the_age_and_the_progress(s: &Copies) {
    s.save(changes(vec![run("a", "a")])).await;
    assert!(s.save(CopyChanges { progress: "q".into(), as_of: Millis(10), ..CopyChanges::default() }).await);
    let kept = s.other.load_copy(SOURCE).await.unwrap();
    assert_eq!((kept.as_of, &*kept.progress, kept.runs.len()), (Some(Millis(10)), "q", 1));
}

async fn another_source_takes_the_place_and_says_so(s: &Copies) {
    s.save(changes(vec![run("a", "a")])).await;
    let experiments = CopyChanges { experiments: vec![experiment("5", "e")], ..changes(vec![run("b", "b")]) };
    assert!(!s.copies.save_copy("/srv/mlruns", &experiments).await.unwrap());
    assert_eq!((s.run_ids("/srv/mlruns").await, s.run_ids(SOURCE).await), (vec!["b".to_owned()], vec![]));
    // Whoever copies the first one learns that what it saved before is gone.
    assert!(!s.save(changes(vec![run("c", "c")])).await);
    let kept = s.other.load_copy(SOURCE).await.unwrap();
    assert_eq!((kept.runs.len(), kept.experiments.len()), (1, 0));
    assert_eq!(s.run_ids("/srv/mlruns").await, Vec::<String>::new());
}

async fn many_runs_are_kept_at_once_and_their_texts_are_shared(s: &Copies) {
    let runs: Vec<Arc<Run>> = (0..1_203).map(|n| run(&format!("r{n:05}"), "same")).collect();
    s.save(changes(runs)).await;
    let kept = s.other.load_copy(SOURCE).await.unwrap();
    assert_eq!(kept.runs.len(), 1_203);
    let (first, last) = (&kept.runs[0], &kept.runs[1_202]);
    assert_eq!((first.id.as_str(), last.id.as_str()), ("r00000", "r01202"));
    assert!(Arc::ptr_eq(&first.params[1].1, &last.params[1].1), "of 10,000 bytes there is one");
}

async fn processes_that_save_at_once_lose_nothing(s: &Copies) {
    s.save(changes(vec![])).await;
    let saves = (0..8).map(|n| {
        let copies = if n % 2 == 0 { &s.copies } else { &s.other };
        let own = run(&format!("own{n}"), "own");
        let shared = (0..20).map(|m| run(&format!("shared{:02}", (m + n) % 20), "shared"));
        let all = changes(std::iter::once(own).chain(shared).collect());
        async move { copies.save_copy(SOURCE, &all).await.unwrap() }
    });
    assert!(futures::future::join_all(saves).await.iter().all(|there| *there));
    assert_eq!(s.run_ids(SOURCE).await.len(), 28);
}
