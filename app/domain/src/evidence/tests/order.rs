//! Which verdict comes first, what is said where nothing decides, balance and plans.

use super::{super::*, support::*};

#[test]
fn a_broken_guard_rail_counts_where_the_primary_cannot_be_judged() {
    // The same mAP50 to the last bit, and a recall that falls.
    let mut rows = side_by_side(8, &[0.8, 0.7], &[0.0, -0.05]);
    for i in (0..rows.len()).step_by(2) {
        let champion: Vec<_> = rows[i].days.iter().map(|d| d.values[0]).collect();
        rows[i + 1].days.iter_mut().zip(champion).for_each(|(d, v)| d.values[0] = v);
    }
    let found = judged(&question(&["mAP50", "recall"]), rows.clone());
    assert_eq!(found.verdict, Verdict::Worse, "{}", found.sentence);
    assert!(found.sentence.en.contains("the guard-rail on Recall is broken"), "{}", found.sentence);
    // With four sites there is no verdict, whatever a rail says.
    rows.truncate(8);
    let found = judged(&question(&["mAP50", "recall"]), rows.clone());
    assert_eq!((found.verdict, found.sites.len()), (Verdict::NotDecisive, 4), "{}", found.sentence);
    // And what did not see the same is no verdict at all.
    let change = SettingChange { setting: Setting::Rule, place: place("acme", "site-01"), at: day(5) };
    let question = Question { changes: vec![change], ..question(&["mAP50", "recall"]) };
    assert_eq!(judged(&question, rows).verdict, Verdict::Unhealthy);
}

#[test]
fn a_rail_of_few_sites_is_judged_by_its_mean_and_breaks_nothing() {
    let of = |effect: f64| {
        let mut rows = side_by_side(8, &[0.8, 0.7], &[0.03, effect]);
        for one in rows.iter_mut().skip(4) {
            one.days.iter_mut().for_each(|d| d.values[1] = Default::default());
        }
        let found = judged(&question(&["mAP50", "recall"]), rows);
        is_sound(&found);
        found
    };
    let kept = of(0.0);
    assert_eq!(kept.verdict, Verdict::Better, "{}", kept.sentence);
    let rail = kept.guard_rails.iter().find(|r| r.metric == "recall").expect("a rail");
    assert_eq!((rail.standing, rail.by_mean_alone, rail.n_sites), (RailStanding::Kept, true, 2));
    assert!(kept.notes.iter().any(|n| n.en.contains("Recall has 2 sites and is judged by the mean alone")));
    let beyond = of(-0.05);
    assert_eq!(beyond.verdict, Verdict::NotDecisive, "{}", beyond.sentence);
    assert!(
        beyond.sentence.en.contains("the mean of Recall lies beyond its guard-rail at 2 sites"),
        "{}",
        beyond.sentence
    );
    assert!(beyond.sentence.en.contains("about 3 more sites would"), "{}", beyond.sentence);
}

#[test]
fn before_the_horizon_days_are_held_against_those_that_are_left() {
    let mut early = Question { as_of: day(5), ..question(&["mAP50"]) };
    let said = |q: &Question, effect: f64| judged(q, side_by_side(8, &[0.8], &[effect])).sentence.en;
    let effects = || (0..60).map(|i| -0.016 + 0.0001 * f64::from(i));
    let all: Vec<String> = effects().map(|e| said(&early, e)).collect();
    assert!(all.iter().all(|s| !s.contains('∞') && !s.contains("more days would decide, in a new")), "{all:?}");
    assert!(all.iter().any(|s| s.contains("if it stays so, the horizon on 2024-10-18 will decide")), "{all:?}");
    let late = all.iter().any(|s| s.contains("the horizon on 2024-10-18 will come too early: about"));
    let sites = all.iter().any(|s| s.contains("days will not decide"));
    assert!(late || sites, "{all:?}");
    // Once it is over, more days need another registration.
    early.as_of = day(14);
    let all: Vec<String> = effects().map(|e| said(&early, e)).collect();
    assert!(all.iter().all(|s| !s.contains("the horizon on")), "{all:?}");
}

#[test]
fn a_canary_is_healthy_and_midnight_is_no_clock() {
    // One record in twenty, in fewer hours.
    let mut rows = side_by_side(8, &[0.8], &[0.03]);
    for one in rows.iter_mut().filter(|s| s.side == Side::Challenger) {
        one.days.iter_mut().for_each(|d| (d.records, d.hours) = (5, 0b1001_0010_0100));
    }
    let mut shared = question(&["mAP50"]);
    shared.registration.share = Some(0.05);
    let found = judged(&shared, rows.clone());
    assert_eq!(found.verdict, Verdict::Better, "{}", found.sentence);
    assert!(found.balance.hours.is_some_and(|h| (h.ratio - 1.0).abs() < 0.05), "{:?}", found.balance);
    // It covers half of its own hours since the seventh day.
    let late = |s: &mut Series| s.days.iter_mut().skip(6).for_each(|d| d.hours = 0b1_0010_0000);
    rows.iter_mut().filter(|s| s.side == Side::Challenger).for_each(late);
    assert_eq!(judged(&shared, rows).verdict, Verdict::Unhealthy);

    // A night shift from 20:00 to 04:00, the challenger's clock an hour ahead: what is moved lies on the other side of midnight.
    let mut rows = side_by_side(8, &[0.8], &[0.03]);
    for one in &mut rows {
        let ahead = one.side == Side::Challenger && one.place.site.as_ref().is_some_and(|n| n.as_str() == "site-03");
        one.days.iter_mut().for_each(|d| d.hours = if ahead { 0xE0_001F } else { 0xF0_000F });
    }
    let said = |rows: Vec<Series>| {
        let notes = judged(&question(&["mAP50"]), rows).notes;
        notes.into_iter().map(|n| n.en).filter(|n| n.contains("clocks")).collect::<Vec<_>>()
    };
    assert_eq!(said(rows.clone()).len(), 1, "{:?}", said(rows.clone()));
    assert!(said(rows.clone())[0].contains("site-03 (acme) seem to be 1 hour apart"), "{:?}", said(rows.clone()));
    // Around the clock nothing tells.
    rows.iter_mut().flat_map(|s| &mut s.days).for_each(|d| d.hours = 0xFF_FFFF);
    assert_eq!(said(rows), Vec::<String>::new());
}

#[test]
fn a_plan_knows_what_a_verdict_needs() {
    let v = Variances { between: 1e-4, day: 1e-4 };
    let of = |sites, days, customers| plan(0.05, sites, days, customers, v).expect("a plan").as_planned.power;
    assert_eq!((of(4, 14, None), of(5, 2, None), of(1, 14, None)), (0.0, 0.0, 0.0));
    assert!(of(5, 3, None) > 0.9);
    let few = plan(0.05, 2, 2, None, v).expect("a plan");
    assert_eq!((few.days_needed, few.sites_needed), (None, None), "two days are none, however many sites");
    assert_eq!(plan(0.05, 2, 14, None, v).expect("a plan").sites_needed, Some(5));
    // Five customers and more are the clusters; fewer are not.
    let v = Variances { between: 4e-4, day: 9e-4 };
    let of = |customers| plan(0.012, 24, 14, customers, v).expect("a plan").as_planned.power;
    assert!(of(Some(6)) < of(Some(12)) && of(Some(12)) < of(None), "{} {} {}", of(Some(6)), of(Some(12)), of(None));
    assert_eq!((of(Some(4)), of(Some(99))), (of(None), of(None)));
}

#[test]
fn what_was_planned_for_is_said() {
    let mut asked = question(&["mAP50"]);
    let notes = |q: &Question, sites| judged(q, side_by_side(sites, &[0.8], &[0.0])).notes;
    let said = |q: &Question, sites| notes(q, sites).into_iter().map(|n| n.en).find(|n| n.contains("planned"));
    assert_eq!(said(&asked, 8), None);
    asked.registration.minimum_effect = Some(0.02);
    let said_of_8 = said(&asked, 8).expect("a note");
    assert!(said_of_8.starts_with("It was planned for an effect of 0.020: as these 8 sites scatter"), "{said_of_8}");
    assert_eq!(said(&asked, 3).as_deref(), Some("It was planned for an effect of 0.020."));
}

#[test]
fn a_colour_needs_its_own_interval_beside_the_table() {
    let m = metric("mAP50");
    let of = |p: f64| {
        let over = DeltaOver::Sites(8);
        let (same, before) = (Some(0.05), Some(0.8));
        Delta { change: same, same, mix: Some(0.0), low: None, high: None, p: Some(p), over, before }
    };
    // By Benjamini and Hochberg at a tenth the third is a discovery.
    let table = [(&m, of(0.001)), (&m, of(0.002)), (&m, of(0.08)), (&m, of(0.04))];
    assert_eq!(colours(&table), vec![Colour::Better, Colour::Better, Colour::WithinNoise, Colour::Better]);
}

#[test]
fn late_is_said_only_of_records_that_were_there() {
    let mut late = question(&["mAP50"]);
    late.registration.registered_at = day(5);
    let said = |q: &Question, rows| judged(q, rows).notes.iter().any(|n| n.en.starts_with("It was registered on"));
    assert!(said(&late, side_by_side(8, &[0.8], &[0.0])));
    let mut rows = side_by_side(8, &[0.8], &[0.0]);
    rows.iter_mut().for_each(|s| s.days.retain(|d| d.day.0 >= START + 5));
    assert!(!said(&late, rows));
}
