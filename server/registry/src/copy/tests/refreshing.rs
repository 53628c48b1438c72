//! What steps and sweeps find, and what is kept.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use domain::{
    ports::RunCatalog,
    time::Millis,
    tracking::{ExperimentId, Extremes, Lifecycle, RunStatus},
};
use tokio::time::Instant;

use super::{
    Running, copy_of, ids, seconds,
    support::{Copies, Mood, Original, START, run, run_id, text},
};

const HOUR: i64 = 3_600_000;

fn original(runs: usize) -> Arc<Original> {
    let original = Original::new();
    original.add_experiment("1", Lifecycle::Active);
    for n in 0..runs {
        original.add_run(run(&format!("r{n:04}"), START - 10 * HOUR - n as i64));
    }
    original
}

#[tokio::test(start_paused = true)]
async fn the_first_sweep_shows_its_parts_and_says_when_it_is_done() {
    let original = original(1_200);
    original.script().takes = Duration::from_millis(700);
    let s = Running::start(&original, &Arc::default());
    let mut parts = vec![];
    while !s.copy.status().complete {
        let seen = s.copy.generation();
        assert_eq!(s.copy.wait_for_change(seen).await, s.copy.generation());
        parts.push(s.ids().len());
    }
    parts.dedup();
    assert_eq!(parts, [0, 500, 1_000, 1_200]);
    seconds(1).await;
    assert_eq!((s.copies.kept().runs.len(), s.copies.kept().progress.as_str()), (1_200, r#"{"complete":true}"#));
    assert!(s.copy.status().error.is_none() && s.copy.status().version.as_deref() == Some("3.17.2"));
}

#[tokio::test(start_paused = true)]
async fn a_step_finds_what_runs_what_started_and_what_ended_also_by_another_clock() {
    let original = original(3);
    let s = Running::start(&original, &Arc::default());
    seconds(20).await;
    let now = START + 20_000;
    // Started two minutes ago by their clock; and one that runs since yesterday.
    original.add_run(run("started", now - 120_000));
    let mut long = run("long", now - 24 * HOUR);
    (long.status, long.end) = (RunStatus::Running, None);
    original.add_run(long);
    seconds(6).await;
    assert_eq!(s.ids(), ["long", "r0000", "r0001", "r0002", "started"]);
    assert_eq!(s.copy.index().run(&run_id("long")).expect("a run").status, RunStatus::Running);
    // It ended by a clock that is an hour late.
    original.change_run("long", |r| (r.status, r.end) = (RunStatus::Failed, Some(Millis(now - HOUR))));
    seconds(6).await;
    assert_eq!(s.copy.index().run(&run_id("long")).expect("a run").status, RunStatus::Failed);
    // One that runs is deleted.
    original.change_run("long", |r| r.status = RunStatus::Running);
    seconds(70).await;
    assert_eq!(s.copy.index().run(&run_id("long")).expect("a run").status, RunStatus::Running);
    original.script().runs.remove(&run_id("long"));
    seconds(6).await;
    assert!(!s.ids().contains(&"long".to_owned()), "removed without a sweep");
    assert_eq!(s.copies.kept_ids(), s.ids());
}

#[tokio::test(start_paused = true)]
async fn a_sweep_finds_edits_deletions_and_runs_with_old_times() {
    let original = original(5);
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    original.change_run("r0002", |r| r.tags = vec![(text("verdict"), text("good"))]);
    original.script().runs.remove(&run_id("r0003"));
    original.change_run("r0004", |r| r.lifecycle = Lifecycle::Deleted);
    original.add_run(run("imported", START - 1_000 * HOUR));
    seconds(120).await;
    assert_eq!(s.ids(), ["imported", "r0000", "r0001", "r0002"]);
    assert_eq!(s.copy.index().run(&run_id("r0002")).expect("a run").tag("verdict"), Some("good"));
    assert_eq!(s.copies.kept_ids(), s.ids());
}

#[tokio::test(start_paused = true)]
async fn many_deletions_are_believed_after_a_second_look_and_a_sample() {
    let original = original(700);
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    original.script().runs.retain(|_, r| r.start >= Some(Millis(START - 10 * HOUR - 99)));
    let since = Instant::now();
    seconds(200).await;
    assert_eq!((s.ids().len(), s.copies.kept_ids().len()), (100, 100));
    assert_eq!(original.asked("run r", since), 50, "a sample is asked for");
}

#[tokio::test(start_paused = true)]
async fn an_original_that_lists_no_runs_but_has_them_loses_none_of_ours() {
    let original = original(80);
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    original.script().lists_nothing = true;
    let since = Instant::now();
    seconds(400).await;
    assert_eq!(s.ids().len(), 80);
    assert!(original.asked("run r", since) >= 80, "each was asked for");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_rows_shift_between_pages() {
    let original = original(60);
    original.script().rows = 20;
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    assert_eq!(s.ids().len(), 60);
    // While the second sweep is between its first two pages a run of the first page goes, so the first run of the second page
    // is on no page: r0020 must stay.
    let pages = original.script().pages;
    original.script().delete_after_page = Some((pages + 1, run_id("r0005")));
    // r0005 was seen before it went: the third one misses it.
    let since = Instant::now();
    seconds(200).await;
    assert!(original.script().delete_after_page.is_none() && original.asked("run r0020", since) == 1);
    assert_eq!(s.ids().len(), 59);
    assert!(s.ids().contains(&"r0020".to_owned()) && !s.ids().contains(&"r0005".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_shifted_out_of_the_first_sweep_is_found_by_the_second() {
    let original = original(60);
    original.script().rows = 20;
    original.script().delete_after_page = Some((1, run_id("r0005")));
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    assert!(s.copy.status().complete && !s.ids().contains(&"r0020".to_owned()), "it was on no page");
    seconds(70).await;
    assert_eq!(s.ids().len(), 59);
    assert!(s.ids().contains(&"r0020".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn experiments_are_renamed_deleted_restored_and_an_empty_list_is_doubted() {
    let original = original(3);
    original.add_experiment("2", Lifecycle::Active);
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    let id = |text: &str| ExperimentId::parse(text).expect("an id");
    original.script().experiments.get_mut(&id("2")).expect("one").name = text("renamed");
    original.script().experiments.get_mut(&id("1")).expect("one").lifecycle = Lifecycle::Deleted;
    seconds(6).await;
    let index = s.copy.index();
    assert!(index.find_experiment("renamed").is_some() && index.experiments().len() == 2);
    assert_eq!((index.runs().len(), s.copies.kept_ids().len()), (3, 3), "its page goes on showing what was known");
    original.change_run("r0001", |r| r.name = text("changed meanwhile"));
    original.script().experiments.get_mut(&id("1")).expect("one").lifecycle = Lifecycle::Active;
    seconds(10).await;
    assert_eq!(s.ids().len(), 3, "restored with its runs");
    let changed = s.copy.index().runs().filter(|r| &*r.name == "changed meanwhile").count();
    assert_eq!(changed, 1, "they are looked at without waiting for a sweep of everything");
    let list = std::mem::take(&mut original.script().experiments);
    seconds(6).await;
    assert_eq!((s.ids().len(), s.copy.index().experiments().len()), (3, 2), "one empty list is not believed");
    original.script().experiments = list;
    seconds(12).await;
    original.script().experiments.clear();
    seconds(20).await;
    assert_eq!((s.ids().len(), s.copy.index().experiments().len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_moves_and_nothing_is_written_while_nothing_changes() {
    let original = original(30);
    original.add_run({
        let mut running = run("running", START - 1_000);
        (running.status, running.end) = (RunStatus::Running, None);
        running
    });
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    let (generation, index) = (s.copy.generation(), s.copy.index());
    let (runs, writes) = (s.copies.runs_written.load(Ordering::SeqCst), s.copies.writes.load(Ordering::SeqCst));
    let as_of = s.copy.status().as_of;
    seconds(600).await;
    assert_eq!(s.copy.generation(), generation, "a metric that is NaN is no change either");
    assert!(Arc::ptr_eq(&index, &s.copy.index()));
    assert_eq!(s.copies.runs_written.load(Ordering::SeqCst), runs);
    assert!(s.copies.writes.load(Ordering::SeqCst) - writes <= 10, "the age alone, once a minute");
    assert!(s.copy.status().as_of > as_of);
    original.change_run("running", |r| r.metrics[1].value = 0.6);
    seconds(6).await;
    assert_eq!(s.copy.generation(), generation + 1);
    assert_eq!(s.copies.runs_written.load(Ordering::SeqCst), runs + 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_shows_what_was_kept_while_the_original_is_away() {
    let (original, copies) = (original(30), Arc::<Copies>::default());
    let s = Running::start(&original, &copies);
    seconds(10).await;
    let (before, as_of) = (s.copy.generation(), copies.kept().as_of);
    drop(s);
    original.script().mood = Mood::Frozen;
    seconds(60).await;
    let s = Running::start(&original, &copies);
    seconds(3).await;
    let status = s.copy.status();
    assert_eq!((s.ids().len(), status.complete, status.as_of), (30, true, as_of));
    assert!(status.error.is_some() && s.copy.generation() > before);
    original.script().mood = Mood::Well;
    original.script().runs.remove(&run_id("r0001"));
    seconds(120).await;
    assert_eq!((s.ids().len(), s.copy.status().error), (29, None));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_was_kept_is_not_taken_for_the_whole() {
    let (original, copies) = (original(1_200), Arc::<Copies>::default());
    original.script().takes = Duration::from_secs(1);
    let s = Running::start(&original, &copies);
    while s.ids().len() < 500 {
        seconds(1).await;
    }
    seconds(1).await;
    drop(s);
    original.script().mood = Mood::Killed;
    let s = Running::start(&original, &copies);
    seconds(3).await;
    assert!(!s.copy.status().complete && (500..1_200).contains(&s.ids().len()));
    original.script().mood = Mood::Well;
    seconds(30).await;
    assert_eq!((s.copy.status().complete, s.ids().len()), (true, 1_200));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_saved_is_saved_later() {
    let (original, copies) = (original(30), Arc::<Copies>::default());
    copies.failing.store(3, Ordering::SeqCst);
    let s = Running::start(&original, &copies);
    seconds(40).await;
    assert_eq!((s.ids().len(), copies.kept_ids().len(), copies.kept().experiments.len()), (30, 30, 1));
    assert!(copies.kept().progress.contains("true"));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_asks_at_most_twice_a_second_and_rests_ten_times_as_long() {
    let original = original(400);
    original.script().rows = 10;
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    assert!(s.copy.status().complete, "the first one loses no time");
    let since = Instant::now();
    seconds(600).await;
    let script = original.script();
    let pages: Vec<Instant> =
        script.asked.iter().filter(|(at, text)| *at >= since && text.contains("All")).map(|a| a.0).collect();
    assert!(pages.len() >= 80, "two sweeps of 40 pages, {}", pages.len());
    assert!(pages.windows(2).all(|two| two[1] - two[0] >= Duration::from_millis(500)));
    assert!(pages.len() <= 160, "{}", pages.len());
}

#[tokio::test(start_paused = true)]
async fn a_command_refreshes_once_and_copies_everything_when_nothing_was_copied() {
    let (original, copies) = (original(1_200), Arc::<Copies>::default());
    let mut told = vec![];
    let copy = copy_of(&original, &copies);
    let status = copy.refresh_for_command(Duration::from_secs(5), |n| told.push(n)).await.expect("a status");
    assert_eq!((status.complete, status.error, ids(&copy).len()), (true, None, 1_200));
    assert_eq!(told.last(), Some(&1_200));
    // The next one takes what was kept, and what is new.
    seconds(3_600).await;
    original.add_run(run("new", START + HOUR));
    let since = Instant::now();
    let copy = copy_of(&original, &copies);
    let status = copy.refresh_for_command(Duration::from_secs(5), |_| panic!("no sweep")).await.expect("a status");
    assert_eq!((status.complete, ids(&copy).len(), original.asked("All", since)), (true, 1_201, 0));
    // And when the original is away, the age is told.
    seconds(3_600).await;
    original.script().mood = Mood::Frozen;
    let copy = copy_of(&original, &copies);
    let status = copy.refresh_for_command(Duration::from_secs(5), |_| {}).await.expect("a status");
    assert!(status.error.is_some() && status.complete && ids(&copy).len() == 1_201);
    assert_eq!(status.as_of, copies.kept().as_of);
}

#[tokio::test(start_paused = true)]
async fn extremes_that_the_original_knows_are_taken_and_stay_with_their_metric() {
    let original = original(1);
    let extremes = Extremes { min: 0.0, max: 1.0, points: 9 };
    original.change_run("r0000", |r| r.metrics[1].extremes = Some(extremes));
    let s = Running::start(&original, &Arc::default());
    seconds(10).await;
    let of = |s: &Running| s.copy.index().run(&run_id("r0000")).expect("a run").metric("map").expect("it").extremes;
    assert_eq!(of(&s), Some(extremes));
    original.change_run("r0000", |r| r.metrics[1].extremes = None);
    seconds(100).await;
    assert_eq!(of(&s), Some(extremes), "its value is the same");
}
