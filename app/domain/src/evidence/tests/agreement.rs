//! The same numbers as scipy and a plain delete-one loop in numpy, to 1e-9 (fixtures/make.py).

use serde::Deserialize;

use super::{
    super::*,
    support::{START, metric, name, question},
};
use crate::{
    aggregate::WeightedMean,
    scope::{Level, Place},
    student::{t_above, t_exceeded},
    time::Day,
};

#[derive(Deserialize)]
struct Scipy {
    t: Vec<T>,
    power: Vec<Power>,
    clusters: Vec<Clusters>,
    one_sample: Vec<OneSample>,
    welch: Vec<Welch>,
    groups: Vec<Groups>,
    cells: Vec<(i32, i32, i32, u8, f64, f64)>,
    concurrent: [Bounds; 2],
    before_after: [Bounds; 2],
    difference_in_differences: [Bounds; 2],
    days: Days,
}

#[derive(Deserialize)]
struct T {
    df: f64,
    x: f64,
    above: f64,
    p: f64,
    exceeded: f64,
}

#[derive(Deserialize)]
struct Power {
    t: f64,
    df: f64,
    delta: f64,
    above: f64,
}

#[derive(Deserialize)]
struct Bounds {
    mean: f64,
    variance: f64,
    df: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Clusters {
    groups: Vec<Vec<(f64, f64)>>,
    #[serde(flatten)]
    bounds: Bounds,
}

#[derive(Deserialize)]
struct OneSample {
    x: Vec<f64>,
    bound: f64,
    p: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Welch {
    a: Vec<f64>,
    b: Vec<f64>,
    t: f64,
    df: f64,
    p: f64,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Vec<f64>>,
    p: f64,
}

#[derive(Deserialize)]
struct Days {
    earlier: Vec<f64>,
    before: Vec<f64>,
    after: Vec<f64>,
    correlation: f64,
    p: f64,
    #[serde(flatten)]
    bounds: Bounds,
}

fn scipy() -> Scipy {
    serde_json::from_str(include_str!("../fixtures/scipy.json")).expect("the fixture")
}

#[track_caller]
fn equal(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{ours} is not {theirs}");
}

fn each(values: &[f64]) -> Estimate {
    let member = |(cluster, value): (usize, &f64)| Member { cluster, weight: 1.0, value: *value };
    Estimate::of(&values.iter().enumerate().map(member).collect::<Vec<_>>()).expect("values")
}

#[track_caller]
fn same_bounds(ours: &Estimate, theirs: &Bounds) {
    equal(ours.mean, theirs.mean);
    equal(ours.variance, theirs.variance);
    equal(ours.df, theirs.df);
    let (low, high) = ours.interval(0.0).expect("an interval");
    equal(low, theirs.low);
    equal(high, theirs.high);
}

#[test]
fn distributions_are_those_of_scipy() {
    let scipy = scipy();
    for t in &scipy.t {
        equal(t_above(t.x, t.df), t.above);
        let exceeded = t_exceeded(t.p, t.df);
        assert!((exceeded / t.exceeded - 1.0).abs() < 1e-9, "{exceeded} is not {}", t.exceeded);
    }
    for p in &scipy.power {
        equal(non_central_t_above(p.t, p.df, p.delta), p.above);
    }
}

#[test]
fn t_welch_and_f_are_those_of_scipy() {
    let scipy = scipy();
    for one in &scipy.one_sample {
        let estimate = each(&one.x);
        equal(estimate.p_above(one.bound), one.p);
        let (low, high) = estimate.interval(1.0).expect("an interval");
        equal(low, one.low);
        equal(high, one.high);
    }
    for w in &scipy.welch {
        let estimate = each(&w.a).minus(&each(&w.b));
        equal(estimate.mean / estimate.error(), w.t);
        equal(estimate.df, w.df);
        equal(2.0 * estimate.p_above(0.0).min(estimate.p_below(0.0)), w.p);
        let (low, high) = estimate.interval(1.0).expect("an interval");
        equal(low, w.low);
        equal(high, w.high);
    }
    for g in &scipy.groups {
        equal(groups_differ(&g.groups).expect("a probability"), g.p);
    }
}

#[test]
fn the_jackknife_is_that_of_a_plain_loop() {
    for c in scipy().clusters {
        let members: Vec<Member> = c
            .groups
            .iter()
            .enumerate()
            .flat_map(|(cluster, g)| {
                g.iter().map(move |(weight, value)| Member { cluster, weight: *weight, value: *value })
            })
            .collect();
        same_bounds(&Estimate::of(&members).expect("members"), &c.bounds);
    }
}

#[test]
fn designs_are_those_of_plain_loops_over_cells() {
    let scipy = scipy();
    let rows = scipy.cells.iter().map(|(site, zone, day, side, w, x)| Series {
        side: if *side == 0 { Side::Champion } else { Side::Challenger },
        place: Place {
            customer: name("acme"),
            site: Some(name(&format!("{site:02}"))),
            zone: Some(name(&format!("{zone}"))),
        },
        task: None,
        device: None,
        days: vec![DaySums {
            day: Day(START + day),
            records: 1,
            hours: 0,
            values: vec![WeightedMean { n: 1, w: *w, wx: w * x }],
        }],
    });
    let cells = Cells::new(1, rows);
    let mut question = question(&["mAP50"]);
    question.registration.horizon = super::support::day(10);
    for (design, expected) in [
        (Design::Concurrent, &scipy.concurrent),
        (Design::BeforeAfter, &scipy.before_after),
        (Design::DifferenceInDifferences, &scipy.difference_in_differences),
    ] {
        question.registration.design = Some(design);
        let judged = judge(&question, &cells).expect("a judgement");
        for (row, bounds) in judged.metrics.iter().zip(expected) {
            equal(row.difference.expect("a difference"), bounds.mean);
            equal(row.low.expect("a bound"), bounds.low);
            equal(row.high.expect("a bound"), bounds.high);
            assert_eq!(row.n_sites, 7);
        }
    }
    let found = |design| {
        let margin = |_: &Place| Some(0.0);
        let look = Look { metric: 0, days: &(Day(START)..Day(START + 10)), device: None, margin: &margin };
        differences(design, &cells, &look)
    };
    let fleet = found(Design::DifferenceInDifferences).estimate(Estimand::Fleet, 1.0, 0.0).expect("a difference");
    same_bounds(&fleet, &scipy.difference_in_differences[1]);
}

#[test]
fn days_of_a_change_are_those_of_scipy() {
    let days = scipy().days;
    let some = |all: &[f64]| all.iter().copied().map(Some).collect::<Vec<_>>();
    let daily = DailyMeans {
        earlier: some(&days.earlier),
        before: some(&days.before),
        after: some(&days.after),
        ..DailyMeans::default()
    };
    let mean = |all: &[f64]| WeightedMean { n: 7, w: 7.0, wx: all.iter().sum() };
    let place = super::support::place("acme", "one");
    let places = [PlaceMeans { place, task: None, device: None, before: mean(&days.before), after: mean(&days.after) }];
    let found = delta(Level::Site, &places, &daily);
    equal(found.same.expect("a change"), days.bounds.mean);
    equal(found.low.expect("a bound"), days.bounds.low);
    equal(found.high.expect("a bound"), days.bounds.high);
    equal(found.p.expect("a probability"), days.p);
    let DeltaOver::Days { days: 7, correlation } = found.over else { panic!("{:?}", found.over) };
    equal(correlation, days.correlation);
    let expected = if days.p < 0.05 { Colour::Worse } else { Colour::WithinNoise };
    assert_eq!(found.colour(&metric("mAP50")), expected);
}
