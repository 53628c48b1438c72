//! Histories, and what runs made: copied when somebody asks.

use std::{sync::Arc, time::Duration};

use domain::{
    ports::RunCatalog,
    tracking::{Extremes, Lifecycle, Run, RunStatus},
};
use tokio::time::Instant;

use super::{
    Running, copy_of, seconds,
    support::{Copies, Mood, Original, START, point, run, run_id},
};

/// Some runs with histories of their metric.
fn original() -> Arc<Original> {
    let original = Original::new();
    original.add_experiment("1", Lifecycle::Active);
    for n in 0..20 {
        let mut run = run(&format!("r{n:02}"), START - n);
        if n == 0 {
            (run.status, run.end) = (RunStatus::Running, None);
        }
        let points = vec![point(0, -1.0), point(1, f64::NAN), point(2, 7.5), point(3, 0.5)];
        original.script().histories.insert((run.id.clone(), "map".into()), points);
        original.add_run(run);
    }
    original
}

async fn running() -> Running {
    let s = Running::start(&original(), &Arc::default());
    seconds(10).await;
    s
}

fn the_run(s: &Running, id: &str) -> Arc<Run> {
    Arc::clone(s.copy.index().run(&run_id(id)).expect("a run"))
}

fn extremes(s: &Running, id: &str) -> Option<Extremes> {
    the_run(s, id).metric("map").expect("a metric").extremes
}

const FOUND: Option<Extremes> = Some(Extremes { min: -1.0, max: 7.5, points: 4 });

#[tokio::test(start_paused = true)]
async fn a_history_is_copied_once_however_many_ask_and_its_extremes_are_kept() {
    let s = running().await;
    let (run, since) = (the_run(&s, "r05"), Instant::now());
    let generation = s.copy.generation();
    assert!(s.copy.history(&run, "map").points.is_none());
    let waits = futures::future::join_all((0..10).map(|_| s.copy.wait_for_history(&run, "map", 5_000))).await;
    assert!(waits.iter().all(|h| h.complete && h.error.is_none() && h.points.as_ref().is_some_and(|p| p.len() == 4)));
    assert_eq!(s.original.asked("history", since), 1);
    assert!(since.elapsed() < Duration::from_secs(1));
    seconds(100).await;
    assert!(s.copy.history(&run, "map").complete && s.original.asked("history", since) == 1, "its run is over");
    assert!(s.copy.generation() > generation && extremes(&s, "r05") == FOUND);
    let kept = s.copies.kept();
    let kept = kept.runs.iter().find(|r| r.id.as_str() == "r05").expect("a run");
    assert_eq!(kept.metric("map").expect("a metric").extremes, FOUND);
}

#[tokio::test(start_paused = true)]
async fn the_history_of_a_run_that_runs_is_followed_while_it_is_asked_for() {
    let s = running().await;
    let since = Instant::now();
    let first = s.copy.wait_for_history(&the_run(&s, "r00"), "map", 5_000).await;
    assert!(!first.complete && first.points.is_some());
    seconds(30).await;
    assert_eq!(s.original.asked("history", since), 1, "nobody asks");
    s.original.script().histories.get_mut(&(run_id("r00"), "map".into())).expect("one").push(point(4, 9.0));
    s.original.change_run("r00", |r| (r.metrics[1].value, r.metrics[1].step) = (9.0, 4));
    seconds(6).await;
    assert_eq!(extremes(&s, "r00"), None, "its metric moved on");
    for _ in 0..20 {
        assert!(s.copy.history(&the_run(&s, "r00"), "map").points.is_some());
        seconds(1).await;
    }
    let asked = s.original.asked("history", since);
    assert!((4..=6).contains(&asked), "{asked}");
    let history = s.copy.history(&the_run(&s, "r00"), "map");
    assert_eq!(history.points.map(|p| p.len()), Some(5));
    assert_eq!(extremes(&s, "r00").map(|e| (e.max, e.points)), Some((9.0, 5)));
    // It ends: what was copied before is not known to be all.
    s.original.change_run("r00", |r| (r.status, r.end) = (RunStatus::Finished, Some(domain::time::Millis(START))));
    seconds(6).await;
    assert!(!s.copy.history(&the_run(&s, "r00"), "map").complete);
    assert!(s.copy.wait_for_history(&the_run(&s, "r00"), "map", 5_000).await.complete);
}

#[tokio::test(start_paused = true)]
async fn a_page_of_runs_is_queued_once_and_filled_in() {
    let s = running().await;
    let runs: Vec<Arc<Run>> = s.copy.index().runs().cloned().collect();
    assert_eq!((s.copy.queue_histories(&runs, "map"), s.copy.queue_histories(&runs, "map")), (20, 0));
    seconds(3).await;
    assert!((0..20).all(|n| extremes(&s, &format!("r{n:02}")) == FOUND));
    assert_eq!(s.copy.queue_histories(&runs[..0], "map"), 0);
}

#[tokio::test(start_paused = true)]
async fn extremes_of_a_metric_that_changed_are_found_anew() {
    let s = running().await;
    s.copy.wait_for_history(&the_run(&s, "r05"), "map", 5_000).await;
    seconds(2).await;
    assert_eq!(extremes(&s, "r05"), FOUND);
    // Somebody logs more to a run that is over, which a sweep sees.
    s.original.script().histories.get_mut(&(run_id("r05"), "map".into())).expect("one").push(point(4, -9.0));
    s.original.change_run("r05", |r| (r.metrics[1].value, r.metrics[1].step) = (-9.0, 4));
    seconds(120).await;
    assert_eq!(extremes(&s, "r05"), Some(Extremes { min: -9.0, max: 7.5, points: 5 }));
}

#[tokio::test(start_paused = true)]
async fn a_history_without_a_number_has_no_extremes_and_one_that_is_not_there_is_empty() {
    let s = running().await;
    s.original.script().histories.insert((run_id("r03"), "loss".into()), vec![point(0, f64::NAN)]);
    let run = the_run(&s, "r03");
    let nan = s.copy.wait_for_history(&run, "loss", 5_000).await;
    let none = s.copy.wait_for_history(&run, "no such metric", 5_000).await;
    assert_eq!((nan.points.map(|p| p.len()), none.points.map(|p| p.len())), (Some(1), Some(0)));
    seconds(2).await;
    assert_eq!(the_run(&s, "r03").metric("loss").expect("it").extremes, None);
}

#[tokio::test(start_paused = true)]
async fn what_failed_says_why_and_is_tried_again_when_it_is_asked_for_later() {
    let s = running().await;
    s.original.script().mood = Mood::Broken;
    let run = the_run(&s, "r05");
    let failed = s.copy.wait_for_history(&run, "map", 5_000).await;
    assert!(failed.error.is_some_and(|e| e.en.contains("broken")) && failed.points.is_none());
    s.original.script().mood = Mood::Well;
    assert!(s.copy.history(&run, "map").error.is_some(), "not at once");
    seconds(6).await;
    let copied = s.copy.wait_for_history(&run, "map", 10_000).await;
    assert!(copied.error.is_none() && copied.complete, "{copied:?}");
}

#[tokio::test(start_paused = true)]
async fn what_a_run_made_is_copied_when_it_is_asked_for_and_pages_are_told() {
    let s = running().await;
    let run = the_run(&s, "r05");
    let (generation, since) = (s.copy.generation(), Instant::now());
    assert!(s.copy.made_by(&run.experiment, &run.id).is_none());
    assert!(s.copy.wait_for_change(generation).await > generation);
    for _ in 0..10 {
        let made = s.copy.made_by(&run.experiment, &run.id).expect("what it made");
        assert_eq!((&*made.versions[0].model, &*made.versions[0].version), ("acme", "3"));
        seconds(1).await;
    }
    assert_eq!((s.original.asked("logged", since), s.original.asked("versions", since)), (1, 1));
    seconds(60).await;
    assert!(s.copy.made_by(&run.experiment, &run.id).is_some(), "what is old is shown until it is copied anew");
    seconds(1).await;
    assert_eq!(s.original.asked("versions", since), 2);
}

#[tokio::test(start_paused = true)]
async fn a_command_copies_a_history_itself() {
    let (original, copies) = (original(), Arc::<Copies>::default());
    let copy = copy_of(&original, &copies);
    copy.refresh_for_command(Duration::from_secs(5), |_| {}).await.expect("a status");
    let index = copy.index();
    let run = index.run(&run_id("r05")).expect("a run");
    let history = copy.wait_for_history(run, "map", 5_000).await;
    assert!(history.complete && history.points.is_some_and(|p| p.len() == 4));
    original.script().mood = Mood::Frozen;
    let since = Instant::now();
    let other = index.run(&run_id("r06")).expect("a run");
    assert!(copy.wait_for_history(other, "map", 2_000).await.points.is_none());
    assert!(since.elapsed() <= Duration::from_millis(2_001));
}
