//! Copies that are behind what was imported.

use std::sync::Arc;

use domain::{
    mapping::RunMapping,
    normalization::nfc,
    time::Millis,
    tracking::{Experiment, ExperimentId, Lifecycle, Run, RunId, RunStatus},
};

use super::{
    item::ItemState,
    plan::{Candidate, Planner, StepKind},
};

const MINUTE: i64 = 60_000;

fn candidate(name: &str) -> Candidate {
    let home = ExperimentId::parse("1").expect("an id");
    let run = Run {
        id: RunId::parse("a1").expect("an id"),
        experiment: home.clone(),
        name: name.into(),
        user: "".into(),
        status: RunStatus::Finished,
        start: Some(Millis(1)),
        end: Some(Millis(2)),
        artifact_uri: "".into(),
        lifecycle: Lifecycle::Active,
        metrics: vec![],
        params: vec![],
        tags: vec![],
        datasets: vec![],
    };
    let experiment = Experiment {
        id: home,
        name: "home".into(),
        lifecycle: Lifecycle::Active,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: vec![],
    };
    Candidate { run: Arc::new(run), experiment: Arc::new(experiment), made: None }
}

fn planner(mapping: &RunMapping, minute: i64, is_copy: bool) -> Planner<'_> {
    Planner::new(mapping, Millis(minute * MINUTE), nfc, is_copy)
}

/// What is remembered after a run was imported in each of these states, a minute apart.
fn imported(mapping: &RunMapping, names: &[&str]) -> ItemState {
    let mut known = None;
    for (minute, name) in (0..).zip(names) {
        let (planner, candidate) = (planner(mapping, minute, false), candidate(name));
        let step = planner.step(&candidate, known.as_ref());
        known = planner.state(&candidate, &step, known.as_ref());
    }
    known.expect("a state")
}

#[test]
fn a_copy_that_shows_what_a_run_was_before_changes_nothing_until_it_follows() {
    let mapping = RunMapping::default();
    let known = imported(&mapping, &["first", "second"]);
    let kind =
        |name: &str, minute, is_copy| planner(&mapping, minute, is_copy).step(&candidate(name), Some(&known)).kind();
    assert_eq!(kind("first", 2, true), StepKind::Unchanged, "the copy is behind");
    assert_eq!(kind("first", 2, false), StepKind::Refused, "who reads MLflow anew sees what was changed back");
    assert_eq!(kind("first", 17, true), StepKind::Refused, "a copy is not behind for so long");
    assert_eq!(kind("third", 2, true), StepKind::Refused, "what it never was is new");
}

#[test]
fn rules_that_are_changed_back_count_at_once() {
    let mapping = RunMapping::default();
    let known = imported(&mapping, &["first"]);
    assert!(known.earlier.is_empty());
    let mut others = mapping.clone();
    others.record.others = domain::mapping::OtherMetrics::None;
    let other = planner(&others, 1, true);
    let step = other.step(&candidate("first"), Some(&known));
    let changed = other.state(&candidate("first"), &step, Some(&known)).expect("a state");
    assert!(changed.earlier.is_empty() && changed.since == known.since && changed.seen != known.seen);
    let back = planner(&mapping, 2, true).step(&candidate("first"), Some(&changed));
    assert!(back.changes_something(), "{back:?}");
}
