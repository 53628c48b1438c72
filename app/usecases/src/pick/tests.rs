//! Limits as people write them, and answers in words.

use domain::{
    choice::{Front, Limit, Standing},
    metric::{Direction, Metric},
};

use super::{answer::told_bound_of, *};

#[test]
fn a_limit_is_read_as_it_is_written() {
    for text in ["inference_time_ms<=30", "mAP50>=0.8", "mAP50>=base-0.01", "size<=base+2", "a<b<=-1.5", "fps>=base"] {
        assert_eq!(LimitQuery::parse(text).map(|l| l.to_string()).ok().as_deref(), Some(text));
    }
    assert_eq!(LimitQuery::parse(" mAP50 ≥ 0.8 ").map(|l| l.to_string()).ok().as_deref(), Some("mAP50>=0.8"));
    for text in [
        "",
        "mAP50",
        "mAP50>0.8",
        "<=3",
        "mAP50>=",
        "mAP50>=x",
        "mAP50>=NaN",
        "mAP50>=inf",
        "mAP50>=base0.1",
        "a>=base-",
    ] {
        assert!(LimitQuery::parse(text).is_err(), "{text}");
    }
}

fn measure(key: &str, direction: Direction, unit: &'static str) -> PickMeasure {
    PickMeasure { key: key.into(), metric: Metric { unit: unit.into(), ..Metric::uncatalogued(key) }, direction }
}

fn answer(limits: Vec<Limit>) -> PickAnswer {
    let measures = vec![
        measure("mAP50", Direction::HigherIsBetter, ""),
        measure("inference_time_ms", Direction::LowerIsBetter, "ms"),
    ];
    let candidate = |(name, quality, ms): (&str, f64, Option<f64>)| PickCandidate {
        name: name.into(),
        id: name.into(),
        values: [Some(quality), ms]
            .map(|v| v.map(|value| PickedValue { value, n: 1, sites: 0, half_width: None }))
            .into(),
    };
    let candidates =
        [("large", 0.91, Some(41.5)), ("medium", 0.88, Some(22.0)), ("poor", 0.5, Some(30.0)), ("new", 0.99, None)];
    PickAnswer::of(measures, limits, candidates.map(candidate).into())
}

fn most(bound: f64) -> Limit {
    Limit { measure: 1, side: LimitSide::AtMost, bound }
}

#[test]
fn the_answer_says_what_is_best_and_what_binds() {
    let picked = answer(vec![most(30.0)]);
    let told: Vec<&str> = picked.sentences.iter().map(|s| &*s.en).collect();
    assert_eq!(
        told,
        [
            "medium is the best of the 2 of 4 that keep to the limits: mAP50 0.88.",
            "inference_time_ms ≤ 30 ms binds: without it large would be best with 0.91; it has 41.5 ms.",
            "1 lacks a value that is needed and is left out.",
        ]
    );
    assert_eq!(picked.fronts, [Front::Efficient, Front::Efficient, Front::Dominated, Front::Unknown]);
    assert_eq!(picked.pick.standings[3], Standing::Unknown(vec![1]));
    assert!(picked.sentences.iter().all(|s| s.ko.is_some()));
}

#[test]
fn where_nothing_fits_the_answer_says_what_would_have_to_give() {
    let picked = answer(vec![most(10.0)]);
    assert_eq!(picked.pick.best, None);
    assert_eq!(picked.sentences[0].en, "None of the 4 keeps to all limits.");
    assert_eq!(
        picked.sentences[1].en,
        "With inference_time_ms ≤ 22 ms in the place of 10 ms, medium with 0.88 would do."
    );
}

#[test]
fn what_would_do_does_when_it_is_taken_at_its_word() {
    // A bound that five digits would round to the wrong side of the value.
    for (value, side, text) in [
        (0.859_946, LimitSide::AtLeast, "0.85994"),
        (0.859_944, LimitSide::AtLeast, "0.85994"),
        (19.123_46, LimitSide::AtMost, "19.124"),
        (22.0, LimitSide::AtMost, "22"),
        (-0.5, LimitSide::AtLeast, "-0.5"),
        (1.234_567e-12, LimitSide::AtMost, "1.235e-12"),
    ] {
        let told = told_bound_of(value, side);
        assert_eq!(told, text);
        let bound: f64 = told.parse().expect("a number");
        assert!(if side == LimitSide::AtMost { value <= bound } else { value >= bound }, "{told}");
    }
}

#[test]
fn models_whose_intervals_overlap_are_said_to_be_alike() {
    let with = |name: &str, value: f64, half_width: f64| {
        let value = PickedValue { value, n: 10, sites: 5, half_width: Some(half_width) };
        PickCandidate { name: name.into(), id: name.into(), values: vec![Some(value)] }
    };
    let of = |half_width: f64| {
        let candidates = vec![with("one", 0.80, 0.001), with("two", 0.81, half_width)];
        PickAnswer::of(vec![measure("mAP50", Direction::HigherIsBetter, "")], vec![], candidates)
            .sentences
            .into_iter()
            .map(|s| s.en)
            .collect::<Vec<_>>()
    };
    assert!(of(0.02)[1].starts_with("It cannot be told apart from one with 0.8"), "{:?}", of(0.02));
    assert!(of(0.001).iter().all(|s| !s.contains("told apart")), "{:?}", of(0.001));
}

#[test]
fn numbers_have_the_digits_that_count() {
    for (value, text) in
        [(0.0, "0"), (30.0, "30"), (0.8765, "0.8765"), (41.50, "41.5"), (123_456.7, "123457"), (1e-9, "1.000e-9")]
    {
        assert_eq!(told_bound(value), text);
    }
}
