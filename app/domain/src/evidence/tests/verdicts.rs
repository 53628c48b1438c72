//! The verdicts, one after the other, and what is said.

use super::{super::*, support::*};
use crate::{
    scope::{Level, Place},
    sketch::QuantileSketch,
    time::Day,
};

fn verdict(metrics: &[&str], base: &[f64], effects: &[f64]) -> Judgement {
    let found = judged(&question(metrics), side_by_side(8, base, effects));
    is_sound(&found);
    found
}

#[test]
fn each_verdict_has_its_sentence() {
    let better = verdict(&["mAP50"], &[0.8], &[0.03]);
    assert_eq!(better.verdict, Verdict::Better, "{}", better.sentence);
    assert!(better.sentence.en.starts_with("yolov10l 1.0.0 is better: mAP50 differs by +0.0"), "{}", better.sentence);
    assert!(better.sentence.korean().contains("더 좋습니다"), "{:?}", better.sentence.ko);
    let not_worse = verdict(&["mAP50"], &[0.8], &[0.0]);
    assert_eq!(not_worse.verdict, Verdict::NotWorse, "{}", not_worse.sentence);
    let worse = verdict(&["mAP50"], &[0.8], &[-0.04]);
    assert_eq!(worse.verdict, Verdict::Worse, "{}", worse.sentence);
    assert_eq!(worse.worse_sites.len(), 8);
    assert!(worse.worse_sites.is_sorted_by(|a, b| a.difference <= b.difference));
    let open = verdict(&["mAP50"], &[0.8], &[-0.010]);
    assert_eq!(open.verdict, Verdict::NotDecisive, "{}", open.sentence);
    assert!(open.sentence.en.contains("may lie anywhere from −0.0"), "{}", open.sentence);
}

#[test]
fn less_is_better_where_less_is() {
    let faster = verdict(&["inference_time_ms"], &[20.0], &[-2.0]);
    assert_eq!(faster.verdict, Verdict::Better, "{}", faster.sentence);
    assert!(faster.sentence.en.contains("−2.0 ms") || faster.sentence.en.contains("−1.9 ms"), "{}", faster.sentence);
    assert_eq!(verdict(&["inference_time_ms"], &[20.0], &[3.0]).verdict, Verdict::Worse);
}

#[test]
fn a_guard_rail_breaks_a_challenger_that_is_better() {
    let both = |ms: f64, effect: f64| verdict(&["mAP50", "inference_time_ms"], &[0.8, ms], &[0.03, effect]);
    assert_eq!(both(20.0, 2.0).verdict, Verdict::Better);
    let slow = both(20.0, 15.0);
    assert_eq!(slow.verdict, Verdict::Worse, "{}", slow.sentence);
    assert!(slow.sentence.en.contains("the guard-rail on Latency on orin is broken"), "{}", slow.sentence);
    // The champion itself is beyond 30 ms.
    assert_eq!(both(40.0, -1.0).verdict, Verdict::Better);
    assert_eq!(both(40.0, 3.0).verdict, Verdict::Worse);
    let recall = verdict(&["mAP50", "recall"], &[0.8, 0.7], &[0.03, -0.05]);
    assert_eq!(recall.verdict, Verdict::Worse);
    let doubtful = verdict(&["mAP50", "recall"], &[0.8, 0.7], &[0.03, -0.0085]);
    assert_eq!(doubtful.verdict, Verdict::NotDecisive, "{}", doubtful.sentence);
    assert!(doubtful.sentence.en.contains("guard-rail on Recall"), "{}", doubtful.sentence);
}

#[test]
fn rails_are_inherited_and_the_nearest_holds() {
    let site = place("acme", "site-00");
    let zone = Place { zone: Some(name("gate")), ..site.clone() };
    let customer = Place { site: None, ..site.clone() };
    let rails = GuardRails::default()
        .with(Some(customer), "recall", Rail::Margin(0.1))
        .with(Some(zone.clone()), "recall", Rail::Off)
        .with(None, "fps", Rail::Margin(f64::NAN));
    assert_eq!(rails.at("recall", &zone), Rail::Off);
    assert_eq!(rails.at("recall", &site), Rail::Margin(0.1));
    assert_eq!(rails.at("recall", &place("other", "site-00")), Rail::Margin(0.01));
    assert_eq!((rails.at("inference_time_ms", &zone), rails.at("fps", &zone)), (Rail::DeviceLimit(30.0), Rail::Off));
    let mut wide = question(&["mAP50", "recall"]);
    wide.registration.rails = rails;
    let found = judged(&wide, side_by_side(8, &[0.8, 0.7], &[0.03, -0.05]));
    assert_eq!(found.verdict, Verdict::Better, "{}", found.sentence);
}

#[test]
fn before_the_horizon_a_verdict_is_provisional_and_harder() {
    let early = Question { as_of: day(9), ..question(&["mAP50"]) };
    let found = judged(&early, side_by_side(8, &[0.8], &[0.03]));
    assert!(found.provisional && found.verdict == Verdict::Better, "{}", found.sentence);
    assert!(found.sentence.en.starts_with("Provisional until 2024-10-18: "), "{}", found.sentence);
    let small = judged(&early, side_by_side(8, &[0.8], &[0.006]));
    assert_eq!(small.verdict, Verdict::NotDecisive, "{}", small.sentence);
    assert!(small.sentence.en.contains("if it stays so, the horizon on"), "{}", small.sentence);
    assert_eq!(judged(&question(&["mAP50"]), side_by_side(8, &[0.8], &[0.006])).verdict, Verdict::Better);
    let left = |n: i32, ms: i64| early.registration.days_left(day(n).plus(ms));
    assert_eq!((left(9, 0), left(9, 1), left(13, 1), left(14, 0), left(20, 0)), (5, 5, 1, 0, 0));
}

#[test]
fn records_behind_the_horizon_and_before_the_start_change_nothing() {
    let rows = side_by_side(8, &[0.8], &[0.03]);
    let mut more = rows.clone();
    for one in &mut more {
        let site =
            series(one.side, one.place.clone(), Some("orin"), &[(-3, vec![0.1]), (14, vec![0.9]), (15, vec![0.1])]);
        one.days.extend(site.days);
    }
    assert_eq!(judged(&question(&["mAP50"]), rows), judged(&question(&["mAP50"]), more));
}

#[test]
fn settings_that_changed_and_traffic_that_moved_are_unhealthy() {
    let change = SettingChange { setting: Setting::Threshold, place: place("acme", "site-01"), at: day(5) };
    let changed = Question { changes: vec![change.clone()], ..question(&["mAP50"]) };
    let found = judged(&changed, side_by_side(8, &[0.8], &[0.03]));
    assert_eq!(found.verdict, Verdict::Unhealthy);
    assert!(found.sentence.en.contains("the threshold of site-01 (acme) changed on"), "{}", found.sentence);
    let before = Question { changes: vec![SettingChange { at: day(-1), ..change }], ..question(&["mAP50"]) };
    assert_eq!(judged(&before, side_by_side(8, &[0.8], &[0.03])).verdict, Verdict::Better);

    let mut rows = side_by_side(8, &[0.8], &[0.03]);
    for (s, one) in rows.iter_mut().filter(|s| s.side == Side::Challenger).enumerate() {
        one.days.iter_mut().skip(6).for_each(|d| d.records = 50 + s as u64);
    }
    let found = judged(&question(&["mAP50"]), rows.clone());
    assert_eq!(found.verdict, Verdict::Unhealthy, "{}", found.sentence);
    assert!(found.sentence.en.contains("of the records expected") && !found.balance.healthy, "{}", found.sentence);
    assert_eq!(found.balance.sites_off.len(), 8);
    // scipy.stats.chisquare([480, 520], [500, 500])
    assert!(split_p(480, 520, 0.5).is_some_and(|p| (p - 0.205_903_210_732_068_38).abs() < 1e-9));
    assert_eq!((split_p(0, 0, 0.5), split_p(1, 1, 1.0)), (None, None));
    // One site alone is told and does not judge.
    let mut rows = side_by_side(8, &[0.8], &[0.03]);
    rows[1].days.iter_mut().skip(6).for_each(|d| d.records = 20);
    let found = judged(&question(&["mAP50"]), rows);
    assert_eq!((found.verdict, found.balance.sites_off.len()), (Verdict::Better, 1));
    // A registered share that is not kept; and outages of both sides, which are nobody's fault.
    let mut shared = question(&["mAP50"]);
    shared.registration.share = Some(0.1);
    assert_eq!(judged(&shared, side_by_side(8, &[0.8], &[0.03])).verdict, Verdict::Unhealthy);
    let mut rows = side_by_side(8, &[0.8], &[0.03]);
    rows.iter_mut().for_each(|s| {
        s.days.retain(|d| (d.day.0 + s.place.site.as_ref().map_or(0, |n| n.as_str().len() as i32)) % 4 != 0)
    });
    assert_eq!(judged(&question(&["mAP50"]), rows).verdict, Verdict::Better);
}

/// Sites of several customers, whose sites share a shock.
fn of_customers(customers: u32, sites: u32, shock: f64) -> Vec<Series> {
    let mut rows = side_by_side(customers * sites, &[0.8], &[0.0]);
    for (i, pair) in rows.chunks_mut(2).enumerate() {
        let customer = i as u32 / sites;
        for one in pair {
            one.place.customer = name(&format!("customer-{customer}"));
            if one.side == Side::Challenger {
                one.days
                    .iter_mut()
                    .flat_map(|d| &mut d.values)
                    .for_each(|v| v.wx += v.w * shock * wobble(77 + customer));
            }
        }
    }
    rows
}

#[test]
fn customers_are_the_clusters_where_there_are_five_and_are_asked_about_where_there_are_fewer() {
    let few = judged(&question(&["mAP50"]), of_customers(3, 5, 0.05));
    assert_eq!(few.verdict, Verdict::NotDecisive, "{}", few.sentence);
    assert!(few.sentence.en.contains("the 3 customers differ"), "{}", few.sentence);
    let alike = judged(&question(&["mAP50"]), of_customers(3, 5, 0.0));
    assert_eq!(alike.verdict, Verdict::NotWorse, "{}", alike.sentence);
    assert!(alike.notes.iter().any(|n| n.en.starts_with("With 3 customers")), "{:?}", alike.notes);
    let many = judged(&question(&["mAP50"]), of_customers(6, 4, 0.05));
    assert_eq!(many.metrics[0].clusters, ClusterBy::Customer);
    let sites = judged(&question(&["mAP50"]), of_customers(1, 24, 0.0));
    assert_eq!(sites.metrics[0].clusters, ClusterBy::Site);
    let width = |j: &Judgement| j.metrics[0].high.zip(j.metrics[0].low).map_or(f64::NAN, |(h, l)| h - l);
    assert!(width(&many) > 3.0 * width(&sites), "a shock of customers is in the interval");
}

#[test]
fn holm_is_over_claims_of_superiority() {
    let mut one = question(&["mAP50", "recall"]);
    one.registration.rails = GuardRails::default().without(None, "recall");
    let mut two = one.clone();
    two.registration.claims = vec!["recall".into(), "mAP50".into()];
    let mut lost = 0;
    for effect in (0..60).map(|i| f64::from(i) * 0.0002) {
        let rows = || side_by_side(8, &[0.8, 0.7], &[effect, 0.0]);
        let (alone, beside) = (judged(&one, rows()), judged(&two, rows()));
        assert_eq!(alone.metrics, beside.metrics, "intervals are not adjusted");
        assert!(alone.verdict == Verdict::Better || beside.verdict != Verdict::Better, "a claim more never helps");
        lost += u32::from(alone.verdict != beside.verdict);
        // With a second claim that holds by far, the first needs no more than alone.
        let rows = side_by_side(8, &[0.8, 0.7], &[effect, 0.1]);
        assert_eq!(judged(&two, rows).verdict, alone.verdict);
    }
    assert!(lost > 0, "an effect that is claimed alone is lost beside a claim that does not hold");
}

#[test]
fn the_answer_is_that_of_rest() {
    let found = verdict(&["mAP50"], &[0.8], &[0.03]);
    let json = serde_json::to_value(found.answer()).expect("JSON");
    let keys = [
        "design",
        "champion",
        "challenger",
        "primary",
        "verdict",
        "provisional",
        "looks",
        "sentence",
        "metrics",
        "worse_sites",
        "balance",
        "as_of",
    ];
    assert!(keys.iter().all(|k| json.get(k).is_some()), "{json}");
    assert_eq!((json["design"].as_str(), json["verdict"].as_str()), (Some("concurrent"), Some("better")));
    assert_eq!(
        (json["champion"].as_str(), json["challenger"].as_str()),
        (Some("yolov8m:1.0.0"), Some("yolov10l:1.0.0"))
    );
    let row = &json["metrics"][0];
    for key in ["metric", "estimand", "difference", "low", "high", "n_sites", "n_days"] {
        assert!(row.get(key).is_some(), "{row}");
    }
    assert_eq!((row["estimand"].as_str(), json["metrics"][1]["estimand"].as_str()), (Some("site"), Some("fleet")));
    assert!(json["sentence"].is_string() && json["as_of"].as_str() == Some("2024-10-19T00:00:00Z"));
}

#[test]
fn a_plan_grows_with_sites_days_and_effect() {
    let v = Variances { between: 4e-4, day: 9e-4 };
    let of = |effect, sites, days| plan(effect, sites, days, None, v).expect("a plan").as_planned.power;
    assert!(
        of(0.02, 12, 14) > of(0.02, 8, 14) && of(0.02, 8, 14) > of(0.02, 8, 3) && of(0.03, 8, 14) > of(0.02, 8, 14)
    );
    let planned = plan(0.02, 12, 14, None, v).expect("a plan");
    let days = planned.days_needed.expect("days");
    assert!(of(0.02, 12, days) >= 0.8 && of(0.02, 12, days - 1) < 0.8);
    assert_eq!(
        plan(0.001, 8, 14, None, v).expect("a plan").days_needed,
        None,
        "days do not take sites' differences away"
    );
    assert_eq!(planned.grid.len(), 30);
    let said = planned.sentence(&metric("mAP50")).en;
    assert!(said.starts_with("With 12 sites and 14 days, a true difference of 0.020 in mAP50"), "{said}");
    let few = plan(0.02, 6, 14, None, v).expect("a plan").sentence(&metric("mAP50")).en;
    assert!(few.contains("; days will not make it 80 %; ") && few.ends_with(" sites would."), "{few}");
    let short = plan(0.025, 8, 3, None, v).expect("a plan").sentence(&metric("mAP50")).en;
    assert!(short.contains(" days would make it 80 %."), "{short}");
    // From a champion of 28 days alone.
    let rows: Vec<Series> = (0..10)
        .map(|s| {
            let days: Vec<(i32, Vec<f64>)> =
                (0..28).map(|d| (d, vec![0.8 + 0.01 * wobble(s * 100 + d as u32)])).collect();
            series(Side::Champion, place("acme", &format!("s{s}")), None, &days)
        })
        .collect();
    let v = Variances::of_champion(&Cells::new(1, rows), 0, &(Day(START)..Day(START + 28))).expect("variances");
    // Uniform in ±0.01: a variance of 3.3e-5 a side.
    assert!((v.day / 6.67e-5 - 1.0).abs() < 0.3 && v.between < 1e-5, "{v:?}");
}

#[test]
fn a_change_is_coloured_outside_of_its_noise_alone() {
    let m = metric("mAP50");
    let places = |shift: f64, noise: f64| -> Vec<PlaceMeans> {
        (0..8)
            .map(|s| {
                let x = 0.7 + 0.01 * f64::from(s);
                let (before, after) =
                    (mean(100.0, x), mean(120.0, x + shift + noise * if s % 2 == 0 { 1.0 } else { -1.0 }));
                PlaceMeans { place: place("acme", &format!("s{s}")), task: None, device: None, before, after }
            })
            .collect()
    };
    let of = |shift, noise| {
        let found = delta(Level::Customer, &places(shift, noise), &DailyMeans::default());
        (found.over, found.colour(&m), found.sentence(&m, found.colour(&m)).en)
    };
    assert_eq!(of(-0.03, 0.01).1, Colour::Worse);
    assert_eq!(of(0.03, 0.01).1, Colour::Better);
    let (over, colour, said) = of(0.01, 0.08);
    assert_eq!((over, colour), (DeltaOver::Sites(8), Colour::WithinNoise));
    assert!(said.contains("within noise") && said.contains("over 8 sites"), "{said}");
    assert_eq!(of(0.003, 0.0001).1, Colour::WithinNoise, "certain, and too small to matter");
    let four = delta(Level::Customer, &places(0.05, 0.001)[..4], &DailyMeans::default());
    assert_eq!((four.over, four.colour(&m)), (DeltaOver::TooFew, Colour::TooFew));
    // Another mix alone: the same values in every place, other weights.
    let mut moved = places(0.0, 0.0);
    moved.iter_mut().enumerate().for_each(|(i, p)| p.after = mean(100.0 * (1 + i) as f64, p.after.wx / p.after.w));
    let found = delta(Level::Customer, &moved, &DailyMeans::default());
    assert!(found.same.is_some_and(|x| x.abs() < 1e-12) && found.mix.is_some_and(|x| x > 0.01), "{found:?}");
    assert_ne!(found.colour(&m), Colour::Better);
}

#[test]
fn what_changed_names_the_site_the_model_and_the_dark() {
    let m = metric("mAP50");
    let mut cells = vec![];
    for (site, customer) in [("Busan-1", "B"), ("Busan-2", "B"), ("Seoul-1", "A")] {
        for day in 0..14 {
            let period = if day < 7 { Period::Before } else { Period::After };
            let hit = site == "Busan-2" && day >= 7;
            if site == "Seoul-1" && day >= 7 {
                continue;
            }
            let x = if site == "Seoul-1" { 0.9 } else { 0.8 } - if hit { 0.1 } else { 0.0 } + 0.002 * wobble(day * 7);
            let key = if hit { "yolov10l:1.0.0" } else { "yolov8m:1.1.0" };
            cells.push(ChangeCell {
                place: place(customer, site),
                model: Some(crate::model::ModelKey::parse(key).expect("a model")),
                device: Some(name("orin")),
                period,
                day: Day(START + day as i32),
                mean: mean(100.0, x),
            });
        }
    }
    let found = what_changed(&m, &cells);
    let said: Vec<&str> = found.parts.iter().map(|p| p.sentence.en.as_str()).collect();
    assert_eq!(found.parts[0].kind, PartKind::Model, "{said:?}");
    assert!(said[0].contains("at Busan-2 since yolov10l 1.0.0; the rest of B is unchanged"), "{said:?}");
    assert!(found.parts[0].high.is_some_and(|h| h < 0.0) && found.parts[0].low.is_some(), "{:?}", found.parts[0]);
    assert!(said.iter().any(|s| s.contains("because Seoul-1 no longer reports")), "{said:?}");
    cells.retain(|c| c.day.0 < START + 4 || c.day.0 >= START + 7);
    assert!(what_changed(&m, &cells).parts.iter().all(|p| p.low.is_none()), "four days have no interval");
}

#[test]
fn quantiles_are_judged_with_a_hundred_records_a_side() {
    let sketches = |n: u32, factor: f64| -> Vec<QuantileSketch> {
        let of = |s: u32| {
            let mut sketch = QuantileSketch::default();
            (0..n).for_each(|i| sketch.add(factor * (20.0 + 5.0 * wobble(s * 5_000 + i) + wobble(s))));
            sketch
        };
        (0..6).map(of).collect()
    };
    let sites: Vec<_> = (0..6).map(|s| name(&format!("s{s}"))).collect();
    let customer = name("acme");
    let of = |a: &[QuantileSketch], b: &[QuantileSketch]| {
        let values: Vec<SiteValues<'_>> = sites
            .iter()
            .zip(a.iter().zip(b))
            .map(|(site, (champion, challenger))| SiteValues {
                customer: &customer,
                site: Some(site),
                champion,
                challenger,
            })
            .collect();
        let mut turned = values.clone();
        turned.reverse();
        let found = quantile_difference(&values, 0.95).expect("a quantile");
        assert_eq!(quantile_difference(&turned, 0.95), Some(found), "in any order");
        found
    };
    let found = of(&sketches(900, 1.0), &sketches(100, 1.1));
    assert!(found.judged && (found.difference - 2.4).abs() < 0.5, "{found:?}");
    let few = of(&sketches(900, 1.0), &sketches(99, 1.1));
    assert!(!few.judged && few.too_few == 6 && few.difference.is_finite(), "{few:?}");
    let answer = verdict(&["mAP50"], &[0.8], &[0.03]).with_quantile(&metric("inference_time_ms"), 0.95, &few);
    is_sound(&answer);
    assert_eq!(answer.metrics[2].metric, "inference_time_ms.p95");
    assert!(answer.notes.last().is_some_and(|n| n.en.starts_with("The p95 of Latency is shown and not judged")));
}

#[test]
fn what_is_kept_is_read_again() {
    let mut asked = question(&["mAP50", "recall", "inference_time_ms"]);
    asked.registration.rails =
        asked.registration.rails.with(Some(place("acme", "site-01")), "recall", Rail::Margin(0.1));
    asked.registration.claims = vec!["recall".into()];
    asked.registration.design = Some(Design::Concurrent);
    let text = serde_json::to_string(&asked.registration).expect("JSON");
    assert_eq!(serde_json::from_str::<Registration>(&text).expect("a registration"), asked.registration);
    // One of an earlier version, with a field of a later one.
    let mut json = serde_json::to_value(&asked.registration).expect("JSON");
    let fields = json.as_object_mut().expect("an object");
    ["design", "claims", "rails", "margin"].iter().for_each(|k| drop(fields.remove(*k)));
    fields.insert("colour".into(), "blue".into());
    let old: Registration = serde_json::from_value(json).expect("a registration");
    assert_eq!((old.design, old.claims.len(), old.rails), (None, 0, GuardRails::default()));

    let found = judged(&asked, side_by_side(8, &[0.8, 0.7, 20.0], &[0.03, 0.001, 1.0]));
    let text = serde_json::to_string(&found).expect("JSON");
    let read: Judgement = serde_json::from_str(&text).expect("a judgement");
    assert_eq!(read, found);
    assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
    assert!(read.sentence.ko.is_some() && read.notes.iter().all(|n| n.ko.is_some()));
    let answer = serde_json::to_string(&found.answer()).expect("JSON");
    assert!(!answer.contains("\"ko\"") && !answer.contains("basis") && answer.contains("\"guard_rails\""), "{answer}");
    assert!(found.metrics.iter().all(|r| r.difference == r.difference.map(twelve_digits)));
}

#[test]
fn what_is_set_is_listed_and_taken_away() {
    let site = place("acme", "site-00");
    let rails = GuardRails::default().with(Some(site.clone()), "recall", Rail::Margin(0.1));
    let listed: Vec<_> = rails.levels().collect();
    assert_eq!((listed.len(), listed[8]), (9, (Some(&site), "recall", Rail::Margin(0.1))));
    assert!(listed[..8].iter().all(|l| l.0.is_none()) && listed.is_sorted_by_key(|l| (l.0, l.1)));
    assert_eq!(rails.clone().without(Some(&site), "recall"), GuardRails::default());
    assert_eq!(rails.without(None, "recall").at("recall", &place("b", "c")), Rail::Off);
}

#[test]
fn the_same_comparison_whatever_its_type_and_spelling() {
    let one = question(&["mAP50"]).registration;
    let mut other = one.clone();
    other.scope.kind = crate::scope::ExperimentKind::Candidate;
    other.primary = "map50".into();
    assert!(one.same_comparison(&other) && other.same_comparison(&one));
    assert_eq!(other.check(None).expect("a registration").scope.kind, crate::scope::ExperimentKind::All);
    let look = |days| {
        let Registration { champion, challenger, scope, .. } = one.clone();
        Registration::first_look(champion, challenger, scope, "mAP50", day(0), day(1), GuardRails::default(), days)
    };
    assert_eq!((look(30).horizon, look(0).horizon, look(i64::MAX).horizon), (day(30), day(3), day(366)));
    assert_eq!(DEFAULT_DAYS, 14);
}

#[test]
fn a_device_that_was_changed_is_found() {
    let at = |device: &str, from: i32, to: i32| {
        let days: Vec<(i32, Vec<f64>)> = (from..to).map(|d| (d, vec![0.8])).collect();
        series(Side::Challenger, place("acme", "one"), Some(device), &days)
    };
    let of = |rows: Vec<Series>| device_changes(&Cells::new(1, rows), &(Day(START)..Day(START + 14)));
    let changed = of(vec![at("t4", 0, 5), at("orin", 6, 14)]);
    assert_eq!(changed, vec![SettingChange { setting: Setting::Device, place: place("acme", "one"), at: day(6) }]);
    assert_eq!(of(vec![at("t4", 0, 7), at("orin", 6, 14)]), vec![], "both on one day");
    assert_eq!(of(vec![at("t4", 0, 1), at("orin", 6, 14)]), vec![], "one day is a trial");
    assert_eq!(of(vec![at("t4", -5, 0), at("orin", 0, 14)]), vec![], "before the period");
    assert_eq!(of(vec![at("t4", 0, 5), at("orin", 5, 9), at("t4", 9, 14)]), vec![], "back again is no change for good");
    assert_eq!(of(vec![at("t4", 0, 4), at("orin", 4, 8), at("a2", 8, 14)]).len(), 2);
}
