//! The designs with periods: staggered starts, what the untreated sites did, and sites that have no time before.

use super::{super::*, support::*};
use crate::time::{DAY, Millis};

/// A site of 14 days before and 14 in the period, with the challenger from day `came` on (never: `None`); a shock to all on day `shock`.
fn site(n: u32, customer: &str, came: Option<i32>, shock: i32, effect: f64, metrics: usize) -> Vec<Series> {
    let value = |d: i32, m: usize, side: Side| {
        let noise = 0.004 * wobble(n * 1_000 + (d + 20) as u32 * 10 + m as u32);
        let own = if side == Side::Challenger { effect + 0.004 * wobble(90_000 + n * 10 + m as u32) } else { 0.0 };
        0.7 + noise + own - if d >= shock { 0.05 } else { 0.0 }
    };
    let days = |from: i32, to: i32, side| -> Vec<(i32, Vec<f64>)> {
        (from..to).map(|d| (d, (0..metrics).map(|m| value(d, m, side)).collect())).collect()
    };
    let at = place(customer, &format!("site-{n:02}"));
    let since = came.unwrap_or(14);
    vec![
        series(Side::Champion, at.clone(), Some("orin"), &days(-14, since, Side::Champion)),
        series(Side::Challenger, at, Some("orin"), &days(since, 14, Side::Challenger)),
    ]
}

/// Treated sites that begin on these days, and so many untreated ones.
fn fleet(came: &[i32], untreated: u32, shock: i32, effect: f64, metrics: usize) -> Vec<Series> {
    let treated =
        came.iter().enumerate().flat_map(|(n, came)| site(n as u32, "acme", Some(*came), shock, effect, metrics));
    treated.chain((0..untreated).flat_map(|n| site(50 + n, "acme", None, shock, 0.0, metrics))).collect()
}

fn asked(design: Design, metrics: &[&str]) -> Question {
    let mut question = question(metrics);
    question.registration.design = Some(design);
    question
}

const STAGGERED: [i32; 8] = [0, 1, 2, 3, 5, 6, 8, 9];

#[test]
fn a_shock_to_all_cancels_whenever_each_site_began() {
    let difference = |design, shock| {
        let found = judged(&asked(design, &["mAP50"]), fleet(&STAGGERED, 6, shock, 0.02, 1));
        is_sound(&found);
        (found.metrics[0].difference.expect("a difference"), found.metrics[1].difference.expect("one"), found)
    };
    let (quiet, _, _) = difference(Design::DifferenceInDifferences, 99);
    for shock in [0, 4, 7, 10] {
        let (site, fleet, found) = difference(Design::DifferenceInDifferences, shock);
        assert!(
            (site - quiet).abs() < 1e-9 && (fleet - 0.02).abs() < 0.004,
            "{shock}: {site} {fleet}, without {quiet}"
        );
        assert_eq!((found.verdict, found.worse_sites.len()), (Verdict::Better, 0), "{}", found.sentence);
        assert!((difference(Design::BeforeAfter, shock).0 - quiet).abs() > 0.01, "alone it does not");
    }
}

#[test]
fn without_five_untreated_sites_nothing_is_taken_away_and_nothing_is_said() {
    let found = judged(&asked(Design::DifferenceInDifferences, &["mAP50"]), fleet(&STAGGERED, 4, 99, 0.05, 1));
    is_sound(&found);
    assert_eq!((found.verdict, found.metrics[0].difference), (Verdict::NotDecisive, None));
    assert!(found.sentence.en.contains("4 sites without the challenger have mAP50"), "{}", found.sentence);
    // A guard-rail that fewer have is not checked, and blocks nothing.
    let mut rows = fleet(&STAGGERED, 6, 99, 0.03, 2);
    let others = rows.iter_mut().filter(|s| s.place.site.as_ref().is_some_and(|n| n.as_str() >= "site-52"));
    others.flat_map(|s| &mut s.days).for_each(|d| d.values[1] = Default::default());
    let found = judged(&asked(Design::DifferenceInDifferences, &["mAP50", "recall"]), rows);
    assert_eq!(found.verdict, Verdict::Better, "{}", found.sentence);
    let rail = found.guard_rails.iter().find(|r| r.metric == "recall").expect("a rail");
    assert_eq!(rail.standing, RailStanding::Unchecked);
    assert!(found.notes.iter().any(|n| n.en.starts_with("Unchecked: Recall has 2 sites without")), "{:?}", found.notes);
    assert_eq!(found.metrics[2].difference, None, "never before/after by another name");
    // The one that fits is another then.
    let found = judged(&question(&["mAP50"]), fleet(&STAGGERED, 4, 99, 0.05, 1));
    assert_eq!(found.design, Design::BeforeAfter);
    assert_eq!(
        judged(&question(&["mAP50"]), fleet(&STAGGERED, 5, 99, 0.05, 1)).design,
        Design::DifferenceInDifferences
    );
}

#[test]
fn untreated_sites_are_one_source_of_variance_however_many_are_treated() {
    let width = |treated: usize| {
        let came: Vec<i32> = (0..treated).map(|i| (i % 8) as i32).collect();
        let found = judged(&asked(Design::DifferenceInDifferences, &["mAP50"]), fleet(&came, 5, 99, 0.02, 1));
        found.metrics[0].high.zip(found.metrics[0].low).map_or(f64::NAN, |(h, l)| h - l)
    };
    assert!(width(40) > 0.4 * width(10), "{} {}", width(10), width(40));
}

#[test]
fn a_latency_beyond_its_limit_is_held_against_other_sites_as_well() {
    let ms = |rows: &mut Vec<Series>, slow: f64| {
        for one in rows.iter_mut() {
            let began = one.side == Side::Challenger;
            one.days.iter_mut().for_each(|d| {
                let load = if d.day.0 >= START + 4 { 5.0 } else { 0.0 };
                let x = 40.0 + load + 0.1 * wobble(d.day.0 as u32 * 7) + if began { slow } else { 0.0 };
                d.values[1] = mean(100.0, x);
            });
        }
    };
    let of = |slow: f64| {
        let mut rows = fleet(&STAGGERED, 6, 99, 0.03, 2);
        ms(&mut rows, slow);
        judged(&asked(Design::DifferenceInDifferences, &["mAP50", "inference_time_ms"]), rows)
    };
    assert_eq!(of(0.0).verdict, Verdict::Better, "everybody is slower since day four: {}", of(0.0).sentence);
    assert_eq!(of(4.0).verdict, Verdict::Worse, "{}", of(4.0).sentence);
}

#[test]
fn sites_where_the_challenger_was_before_have_no_time_before() {
    let mut rows = fleet(&STAGGERED, 0, 99, 0.03, 1);
    // It came to two of them long before.
    for n in [0, 2] {
        let (champion, challenger) = (rows[n].days.clone(), &mut rows[n + 1].days);
        challenger.splice(0..0, champion.into_iter().filter(|d| d.day.0 < START - 5));
    }
    let found = judged(&asked(Design::BeforeAfter, &["mAP50"]), rows.clone());
    assert_eq!(found.metrics[0].n_sites, 6);
    assert!(
        found.notes.iter().any(|n| n.en.starts_with("At 2 sites the challenger was there before")),
        "{:?}",
        found.notes
    );
    rows.truncate(4);
    let found = judged(&asked(Design::BeforeAfter, &["mAP50"]), rows[..2].to_vec());
    assert!(found.sentence.en.contains("there is no time before"), "{}", found.sentence);
}

#[test]
fn a_gap_before_a_superseding_registration_is_no_part_of_either_time() {
    // The challenger came on day −6; what was loaded before ends there, and the period begins on day 0.
    let mut rows = fleet(&[0; 8], 6, 99, 0.03, 1);
    rows.iter_mut().for_each(|s| s.days.retain(|d| d.day.0 < START - 6 || d.day.0 >= START));
    let early = Question { as_of: Millis(day(4).0), ..asked(Design::BeforeAfter, &["mAP50"]) };
    let found = judged(&early, rows.clone());
    // Four days of either: the last ones before it came.
    assert_eq!((found.metrics[0].n_sites, found.metrics[0].n_days), (8, 4));
    let mut other = rows.clone();
    other
        .iter_mut()
        .flat_map(|s| &mut s.days)
        .filter(|d| d.day.0 < START - 10)
        .for_each(|d| d.values[0] = mean(100.0, 0.1));
    assert_eq!(judged(&early, other).metrics, found.metrics, "older days are beyond what is held against four");
    let mut other = rows;
    other
        .iter_mut()
        .flat_map(|s| &mut s.days)
        .filter(|d| d.day.0 == START - 7)
        .for_each(|d| d.values[0] = mean(100.0, 0.1));
    assert_ne!(judged(&early, other).metrics, found.metrics);
}

#[test]
fn a_setting_that_changed_before_splits_periods_and_no_concurrent_comparison() {
    let change = |site: &str, at: Millis| SettingChange { setting: Setting::Threshold, place: place("acme", site), at };
    let of = |design, change: SettingChange| {
        let question = Question { changes: vec![change], ..asked(design, &["mAP50"]) };
        judged(&question, fleet(&[0; 8], 6, 99, 0.03, 1)).verdict
    };
    for design in [Design::BeforeAfter, Design::DifferenceInDifferences] {
        assert_eq!(of(design, change("site-03", day(-5))), Verdict::Unhealthy);
        assert_eq!(of(design, change("site-03", day(5))), Verdict::Unhealthy);
        assert_eq!(of(design, change("site-03", day(-14))), Verdict::Better, "with the first record that counts");
        assert_eq!(of(design, change("site-03", Millis(day(14).0 + DAY))), Verdict::Better, "behind the horizon");
        assert_eq!(of(design, change("site-99", day(5))), Verdict::Better, "where neither is");
    }
    let side = |change: SettingChange| {
        let question = Question { changes: vec![change], ..question(&["mAP50"]) };
        judged(&question, side_by_side(8, &[0.8], &[0.03])).verdict
    };
    assert_eq!(
        (side(change("site-03", day(-1))), side(change("site-03", day(1)))),
        (Verdict::Better, Verdict::Unhealthy)
    );
    assert_eq!(side(change("site-09", day(1))), Verdict::Better, "no place of this comparison");
    let mut zone = change("site-03", day(1));
    zone.place.zone = Some(name("gate"));
    assert_eq!(side(zone), Verdict::Unhealthy, "a zone of what is compared as one");
    let customer =
        SettingChange { place: crate::scope::Place { site: None, ..place("acme", "x") }, ..change("x", day(1)) };
    assert_eq!(side(customer), Verdict::Unhealthy);
}

#[test]
fn customers_of_untreated_sites_are_asked_about_in_one_test() {
    let of = |shock: f64| {
        let mut rows = fleet(&STAGGERED, 9, 99, 0.03, 1);
        for one in &mut rows {
            let n: u32 = one.place.site.as_ref().and_then(|s| s.as_str()[5..].parse().ok()).expect("a number");
            let customer = n % 3;
            one.place.customer = name(&format!("customer-{customer}"));
            if n >= 50 {
                let later = one.days.iter_mut().filter(|d| d.day.0 >= START + 3);
                later.flat_map(|d| &mut d.values).for_each(|v| v.wx += v.w * shock * f64::from(customer));
            }
        }
        judged(&asked(Design::DifferenceInDifferences, &["mAP50"]), rows)
    };
    let found = of(0.04);
    assert_eq!(found.verdict, Verdict::NotDecisive, "{}", found.sentence);
    assert!(found.sentence.en.contains("3 with the challenger and 3 without it"), "{}", found.sentence);
    assert_eq!(of(0.0).verdict, Verdict::Better, "{}", of(0.0).sentence);
}
