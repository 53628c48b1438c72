//! An original that is killed, frozen or broken: how soon that is said, how often it is asked, and that nothing waits for it.

use std::{sync::Arc, time::Duration};

use domain::{
    ErrorKind,
    ports::RunCatalog,
    tracking::{ArtifactPath, Lifecycle},
};
use tokio::time::Instant;

use super::{
    Running, seconds,
    support::{Mood, Original, START, run, run_id},
};

async fn running() -> Running {
    let original = Original::new();
    original.add_experiment("1", Lifecycle::Active);
    for n in 0..40 {
        original.add_run(run(&format!("r{n:02}"), START - n));
    }
    let s = Running::start(&original, &Arc::default());
    seconds(30).await;
    assert!(s.copy.status().complete && s.copy.status().error.is_none());
    s
}

/// How long until the status says so.
async fn until(s: &Running, error: bool) -> Duration {
    let since = Instant::now();
    while s.copy.status().error.is_some() != error {
        tokio::time::sleep(Duration::from_millis(10)).await;
        assert!(since.elapsed() < Duration::from_secs(60), "never");
    }
    since.elapsed()
}

#[tokio::test(start_paused = true)]
async fn that_it_is_killed_or_frozen_is_said_within_three_seconds_and_that_it_is_back_too() {
    let s = running().await;
    for mood in [Mood::Killed, Mood::Frozen, Mood::Killed, Mood::Frozen] {
        // At any moment of its rhythm.
        for offset in [0, 130, 370, 610, 890, 2_050] {
            tokio::time::sleep(Duration::from_millis(offset)).await;
            let generation = s.copy.generation();
            s.original.script().mood = mood;
            let took = until(&s, true).await;
            assert!(took < Duration::from_millis(2_700), "{mood:?}: {took:?}");
            assert!(s.copy.generation() > generation, "pages are told");
            seconds(20).await;
            assert!(s.copy.status().error.is_some());
            s.original.script().mood = Mood::Well;
            let took = until(&s, false).await;
            assert!(took < Duration::from_secs(7), "{mood:?}: back after {took:?}");
            seconds(40).await;
        }
    }
    assert_eq!(s.ids().len(), 40);
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_at_most_twice_a_second_while_it_fails() {
    let s = running().await;
    for mood in [Mood::Killed, Mood::Frozen, Mood::Broken] {
        s.original.script().mood = mood;
        seconds(1).await;
        let since = Instant::now();
        let index = s.copy.index();
        for _ in 0..60 {
            // As pages that are looked at would.
            for run in index.runs() {
                s.copy.history(run, "map");
                s.copy.made_by(&run.experiment, &run.id);
            }
            seconds(1).await;
        }
        let asked = s.original.asked("", since);
        assert!(asked <= 120, "{mood:?}: {asked} questions in 60 s");
        if mood != Mood::Broken {
            assert!(asked <= 25, "{mood:?}: {asked} questions in 60 s, one probe at a time");
        }
        assert!(s.copy.status().error.is_some(), "{mood:?}");
        s.original.script().mood = Mood::Well;
        seconds(60).await;
        assert_eq!(s.copy.status().error, None, "{mood:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_is_sent_to_one_that_is_frozen() {
    let s = running().await;
    s.original.script().mood = Mood::Frozen;
    seconds(120).await;
    let script = s.original.script();
    let probes: Vec<Instant> = script.asked.iter().filter(|a| a.1 == "probe").map(|a| a.0).collect();
    let late = probes.iter().rev().take(10).collect::<Vec<_>>();
    assert!(late.windows(2).all(|two| *two[0] - *two[1] >= Duration::from_millis(1_500)), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_waits_for_one_that_is_frozen_but_what_was_asked_of_it() {
    let s = running().await;
    s.original.script().mood = Mood::Frozen;
    let index = s.copy.index();
    let run = index.run(&run_id("r01")).expect("a run");
    let since = Instant::now();
    // Before it is known to be away, no longer than until it is.
    let failed = s.copy.artifacts(&run.id, &ArtifactPath::default()).await.expect_err("away");
    assert_eq!(failed.kind, ErrorKind::Unavailable);
    assert!(since.elapsed() <= Duration::from_secs(5), "{:?}", since.elapsed());
    // And when it is known, at once.
    until(&s, true).await;
    seconds(5).await;
    let since = Instant::now();
    let folder = s.copy.artifacts(&run.id, &ArtifactPath::default()).await.expect_err("away");
    let file = s.copy.artifact(&run.id, &ArtifactPath::default(), None).await.err().expect("away");
    assert!(folder.message.ko.is_some() && file.message.en.contains("http://mlflow:5000"), "{file:?}");
    let history = s.copy.wait_for_history(run, "map", 5_000).await;
    assert!(history.points.is_none() && history.error.is_some());
    assert_eq!(s.copy.made_by(&run.experiment, &run.id).map(|m| m.versions.clone()), None);
    assert_eq!(since.elapsed(), Duration::ZERO);
    // It is copied when the original is back, without being asked for again.
    s.original.script().mood = Mood::Well;
    seconds(15).await;
    assert!(s.copy.history(run, "map").points.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_original_that_is_slow_is_away_and_its_copy_grows_old() {
    let s = running().await;
    let as_of = s.copy.status().as_of;
    s.original.script().takes = Duration::from_secs(10);
    until(&s, true).await;
    seconds(60).await;
    assert!(
        s.copy.status().error.is_some() && s.copy.status().as_of <= as_of.map(|t| domain::time::Millis(t.0 + 15_000))
    );
}

#[tokio::test(start_paused = true)]
async fn an_original_that_takes_seconds_to_answer_is_copied_and_said_to_be_slow() {
    for takes in [2, 4] {
        let original = Original::new();
        original.add_experiment("1", Lifecycle::Active);
        original.add_run(run("r1", START));
        original.script().takes = Duration::from_secs(takes);
        let s = Running::start(&original, &Arc::default());
        seconds(120).await;
        assert_eq!(s.ids().len(), 1);
        for _ in 0..60 {
            seconds(1).await;
            let status = s.copy.status();
            assert_eq!(status.error, None, "it is not said to be away in between");
            assert!(status.warning.is_some_and(|w| w.en.contains(&format!("takes {takes} s"))));
        }
        // Frozen, it is away all the same, and back at once.
        s.original.script().mood = Mood::Frozen;
        assert!(until(&s, true).await < Duration::from_secs(15));
        s.original.script().mood = Mood::Well;
        s.original.script().takes = Duration::ZERO;
        until(&s, false).await;
        seconds(10).await;
        assert_eq!(s.copy.status().warning, None);
    }
}
