//! Whatever comes in gets a sentence.

use super::{super::*, support::*};
use crate::{metric::Metric, scope::Scope, time::Millis};

fn not_decisive(judged: &Judgement, said: &str) {
    is_sound(judged);
    assert_eq!(judged.verdict, Verdict::NotDecisive, "{}", judged.sentence);
    assert!(judged.sentence.en.contains(said), "{}", judged.sentence);
}

#[test]
fn no_record_at_all() {
    let found = judged(&question(&["mAP50"]), vec![]);
    not_decisive(&found, "no site has mAP50 of both models");
    assert_eq!((found.metrics[0].difference, found.metrics[0].n_sites), (None, 0));
}

#[test]
fn a_model_with_no_shared_site() {
    let mut rows = side_by_side(12, &[0.8], &[0.02]);
    rows.retain(|s| (s.side == Side::Champion) == (s.place.site.as_ref().is_some_and(|n| n.as_str() < "site-06")));
    let found = judged(&question(&["mAP50"]), rows);
    not_decisive(&found, "no site has mAP50 of both models");
}

#[test]
fn one_site() {
    let found = judged(&question(&["mAP50"]), side_by_side(1, &[0.8], &[0.02]));
    not_decisive(&found, "share 1 site with mAP50.");
    assert_eq!(found.sites.len(), 1);
    assert!(found.metrics.iter().all(|r| r.difference.is_some() && r.low.is_none() && r.high.is_none()));
}

#[test]
fn identical_values() {
    let mut rows = side_by_side(8, &[0.8], &[0.0]);
    for i in (0..rows.len()).step_by(2) {
        let days = rows[i].days.clone();
        rows[i + 1].days = days;
    }
    not_decisive(&judged(&question(&["mAP50"]), rows.clone()), "exactly the same difference");
    // And a constant beside it.
    for value in
        rows.iter_mut().filter(|s| s.side == Side::Challenger).flat_map(|s| &mut s.days).flat_map(|d| &mut d.values)
    {
        value.wx += 0.02 * value.w;
    }
    not_decisive(&judged(&question(&["mAP50"]), rows), "exactly the same difference");
}

#[test]
fn a_metric_that_is_missing_on_one_side() {
    let mut rows = side_by_side(8, &[0.8, 0.7], &[0.02, 0.02]);
    let challenger = rows.iter_mut().filter(|s| s.side == Side::Challenger);
    challenger.flat_map(|s| &mut s.days).for_each(|d| d.values[1] = Default::default());
    let found = judged(&question(&["mAP50", "recall"]), rows.clone());
    is_sound(&found);
    assert_eq!(found.verdict, Verdict::Better, "{}", found.sentence);
    assert!(found.notes.iter().any(|n| n.en.contains("Unchecked: Recall")), "{:?}", found.notes);
    not_decisive(
        &judged(
            &Question {
                registration: Registration { primary: "recall".into(), ..question(&["recall"]).registration },
                ..question(&["mAP50", "recall"])
            },
            rows,
        ),
        "no site has Recall",
    );
}

#[test]
fn weights_of_a_million_millions() {
    let mut rows = side_by_side(8, &[0.8], &[0.02]);
    for value in rows.iter_mut().take(2).flat_map(|s| &mut s.days).flat_map(|d| &mut d.values) {
        *value = mean(1e12, value.wx / value.w);
    }
    let found = judged(&question(&["mAP50"]), rows.clone());
    is_sound(&found);
    assert_eq!(found.verdict, Verdict::Better, "a typical site is one of eight: {}", found.sentence);
    assert!(found.metrics[1].difference.is_some() && found.metrics[1].low.is_none(), "{:?}", found.metrics[1]);
    assert!(found.notes.iter().any(|n| n.en.contains("nearly all samples")), "{:?}", found.notes);
    for w in [1e-300, 1e300, f64::MAX, 0.0, -1.0, f64::NAN, f64::INFINITY] {
        rows[0].days.iter_mut().for_each(|d| d.values[0] = mean(w, 0.8));
        is_sound(&judged(&question(&["mAP50"]), rows.clone()));
    }
}

#[test]
fn a_challenger_that_ran_two_hours() {
    let mut rows = side_by_side(8, &[0.8], &[0.02]);
    for one in rows.iter_mut().filter(|s| s.side == Side::Challenger) {
        one.days.truncate(1);
        one.days[0].hours = 0b1100;
    }
    not_decisive(&judged(&question(&["mAP50"]), rows), "share 1 day of mAP50 so far");
}

#[test]
fn clocks_of_a_site_an_hour_off() {
    let mut rows = side_by_side(8, &[0.8], &[0.02]);
    for one in &mut rows {
        let off = one.side == Side::Challenger && one.place.site.as_ref().is_some_and(|n| n.as_str() == "site-03");
        one.days.iter_mut().for_each(|d| d.hours = if off { 0b11_1110_0000 } else { 0b1_1111_0000 });
    }
    let found = judged(&question(&["mAP50"]), rows);
    is_sound(&found);
    let said: Vec<&str> = found.notes.iter().map(|n| n.en.as_str()).filter(|n| n.contains("clocks")).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].contains("site-03 (acme) seem to be 1 hour apart"), "{said:?}");
}

#[test]
fn a_horizon_in_the_past_and_other_registrations_that_are_none() {
    let registration =
        Registration { registered_by: RegisteredBy::Actor(name("kim")), ..question(&["mAP50"]).registration };
    let refused = |r: Registration, old: Option<&Registration>| r.check(old).expect_err("refused").message.en;
    let at = |n: i32| Registration { registered_at: day(n), ..registration.clone() };
    assert!(refused(at(15), None).contains("lies in the past"));
    assert!(at(3).check(None).is_ok());
    let with = |change: fn(&mut Registration)| {
        let mut one = registration.clone();
        change(&mut one);
        refused(one, None)
    };
    assert!(with(|r| r.horizon = r.start).contains("before the start"));
    assert!(with(|r| r.horizon = r.start.plus(1000)).contains("at least 3 days"));
    assert!(with(|r| r.margin = Some(f64::NAN)).contains("margin"));
    assert!(with(|r| r.minimum_effect = Some(0.0)).contains("minimum effect"));
    assert!(with(|r| r.share = Some(-1.0)).contains("share"));
    assert!(with(|r| r.challenger = r.champion.clone()).contains("itself"));
    assert!(with(|r| r.horizon = Millis(i64::MAX)).contains("at most 366 days"));
    assert!(refused(at(3), Some(&registration)).contains("no earlier than now"));
    let later = Registration { start: day(4), horizon: day(20), ..at(3) };
    assert!(later.clone().check(Some(&registration)).is_ok());
    let elsewhere =
        Registration { scope: Scope::parse(Some("acme"), None, None, None, None).expect("a scope"), ..later };
    assert!(refused(elsewhere, Some(&registration)).contains("same models"));
}

#[test]
fn questions_that_are_none() {
    let refused =
        |q: &Question| judge(q, &Cells::new(1, side_by_side(5, &[0.8], &[0.0]))).expect_err("refused").message.en;
    let mut q = question(&["mAP50"]);
    q.registration.primary = "mota".into();
    assert!(refused(&q).contains("“mota” is none of the metrics"));
    let mut q = question(&["mAP50"]);
    q.registration.claims = vec!["recall".into()];
    assert!(refused(&q).contains("recall"));
    assert!(refused(&question(&["gpu_util"])).contains("neither more nor less GPU utilisation is better"));
    // A metric more than the cells have.
    let mut q = question(&["mAP50", "recall"]);
    q.registration.primary = "recall".into();
    assert!(refused(&q).contains("recall"));
    let early = Question { as_of: day(-1), ..question(&["mAP50"]) };
    not_decisive(&judged(&early, side_by_side(8, &[0.8], &[0.02])), "begins at");
}

#[test]
fn runs_without_repeats_are_weaker() {
    let q = Question { basis: Basis::RunsWithoutRepeats, ..question(&["mAP50"]) };
    not_decisive(&judged(&q, side_by_side(8, &[0.8], &[0.02])), "weaker");
}

#[test]
fn plans_changes_and_quantiles_of_nothing() {
    let v = Variances { between: 0.0, day: 0.0 };
    assert!(
        plan(f64::NAN, 5, 14, None, v).is_none()
            && plan(-0.1, 5, 14, None, v).is_none()
            && plan(0.1, 0, 14, None, v).is_none()
    );
    assert_eq!(plan(0.1, 5, 14, None, v).map(|p| p.as_planned.power), Some(1.0));
    assert_eq!(power(0.1, f64::NAN, 5), 0.0);
    assert_eq!(Variances::of(&[]), None);
    let nothing = delta(crate::scope::Level::Fleet, &[], &DailyMeans::default());
    let m: Metric = metric("mAP50");
    assert_eq!((nothing.same, nothing.over, nothing.colour(&m)), (None, DeltaOver::TooFew, Colour::TooFew));
    assert!(nothing.sentence(&m, Colour::TooFew).en.contains("no place"));
    assert_eq!(what_changed(&m, &[]), Changes { change: None, parts: vec![] });
    assert_eq!(quantile_difference(&[], 0.95), None);
}
