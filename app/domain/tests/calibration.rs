//! Whether intervals cover what they say and verdicts err as rarely as they say, by simulation with known truth. Seeded. A sample in `make test`;
//! with `GF_SOAK` the ≥ 10,000 repetitions of docs/statistics.md, which `make soak` takes in the release profile.
#![cfg(feature = "evidence")]

#[path = "calibration/fleet.rs"]
mod fleet;

use domain::evidence::{
    Colour, DailyMeans, Delta, Design, PlaceMeans, SiteValues, Variances, Verdict, colours, delta, judge, plan,
    quantile_difference,
};
use fleet::{Fleet, Random, name};

/// How often each is repeated.
fn repetitions(sample: u32) -> u32 {
    match std::env::var("GF_SOAK") {
        Ok(times) if times != "1" => 10_000,
        _ => sample,
    }
}

/// Three standard errors of a share of so many.
fn three_errors(share: f64, n: u32) -> f64 {
    3.0 * (share * (1.0 - share) / f64::from(n)).sqrt()
}

/// Coverage in % of the intervals of a typical site and of the fleet at one look.
fn coverage(fleet: &Fleet, n: u32, seed: u64) -> [f64; 2] {
    let mut random = Random::seeded(seed);
    let mut covered = [0u32; 2];
    for _ in 0..n {
        let question = fleet.question(fleet.days);
        let judged = judge(&question, &fleet.cells(&mut random)).expect("a judgement");
        for (row, count) in judged.metrics.iter().take(2).zip(&mut covered) {
            let (low, high) = (row.low.unwrap_or(f64::NEG_INFINITY), row.high.unwrap_or(f64::INFINITY));
            *count += u32::from((low..=high).contains(&fleet.effect));
        }
    }
    covered.map(|c| 100.0 * f64::from(c) / f64::from(n))
}

/// The share in % of comparisons that are called so at any look from the first day to the horizon, looked at every day.
fn called(fleet: &Fleet, n: u32, seed: u64, verdicts: &[Verdict]) -> Vec<f64> {
    let mut random = Random::seeded(seed);
    let mut counts = vec![0u32; verdicts.len()];
    for _ in 0..n {
        let cells = fleet.cells(&mut random);
        let mut seen = vec![false; verdicts.len()];
        for day in 1..=fleet.days {
            let verdict = judge(&fleet.question(day), &cells).expect("a judgement").verdict;
            verdicts.iter().zip(&mut seen).for_each(|(v, seen)| *seen |= *v == verdict);
        }
        counts.iter_mut().zip(seen).for_each(|(c, seen)| *c += u32::from(seen));
    }
    counts.into_iter().map(|c| 100.0 * f64::from(c) / f64::from(n)).collect()
}

fn check_coverage(what: &str, fleet: &Fleet, n: u32) {
    let [site, whole] = coverage(fleet, n, 7);
    println!("{what}: {} sites: site {site:.1}, fleet {whole:.1} ({n} times)", fleet.sites);
    let slack = 100.0 * three_errors(0.05, n);
    assert!((93.0 - slack..=97.0 + slack).contains(&site), "{what}: a typical site is covered by {site} %");
    assert!(whole >= 93.0 - slack, "{what}: the fleet is covered by {whole} %");
}

#[test]
fn intervals_cover_what_they_say_side_by_side() {
    let n = repetitions(300);
    for sites in [5, 8, 12, 24, 100] {
        let n = if sites == 100 && n <= 300 { 60 } else { n };
        check_coverage("concurrent, equal", &Fleet { sites, ..Fleet::default() }, n);
        check_coverage("concurrent, unequal", &Fleet { sites, unequal: 1.0, ..Fleet::default() }, n);
    }
}

#[test]
fn intervals_cover_what_they_say_of_periods() {
    let n = repetitions(200);
    for sites in [5, 8, 12, 24, 100] {
        let n = if sites == 100 && n <= 300 { 40 } else { n };
        let before = Fleet { sites, design: Design::BeforeAfter, unequal: 1.0, ..Fleet::default() };
        check_coverage("before/after", &before, n);
        let shock =
            Fleet { sites, design: Design::DifferenceInDifferences, unequal: 1.0, shock: 0.02, ..Fleet::default() };
        check_coverage("difference in differences with a shock to all", &shock, n);
    }
}

#[test]
fn sites_that_begin_on_different_days_are_held_against_their_own() {
    let n = repetitions(80);
    // A shock to all in the middle, and one of each day: alone each site's difference would hold them.
    let shocks = Fleet {
        design: Design::DifferenceInDifferences,
        staggered: true,
        shock: -0.04,
        shock_day: 6,
        daily_shock: 0.02,
        ..Fleet::default()
    };
    for (sites, untreated) in [(5, 5), (8, 8), (12, 5), (12, 12), (24, 24), (100, 10)] {
        let n = if sites == 100 && n < 10_000 { 20 } else { n };
        let fleet = Fleet { sites, untreated: Some(untreated), ..shocks.clone() };
        check_coverage(&format!("staggered, shocks to all, {untreated} untreated, equal"), &fleet, n);
        let unequal = Fleet { unequal: 1.0, ..fleet };
        check_coverage(&format!("staggered, shocks to all, {untreated} untreated, unequal"), &unequal, n);
    }
    let nothing = Fleet { effect: 0.0, missing: true, sites: 8, site_sd: 0.01, ..shocks };
    check_looks("staggered, shocks to all", &nothing, if n < 10_000 { n / 2 } else { n });
}

#[test]
fn customers_differ_by_chance_as_rarely_as_one_test_says() {
    let n = repetitions(200);
    let periods = Fleet { design: Design::DifferenceInDifferences, ..Fleet::default() };
    let together =
        Fleet { staggered: true, together: true, shock: -0.04, shock_day: 6, daily_shock: 0.02, ..periods.clone() };
    for (fleet, most, what) in [
        (Fleet::default(), 0.05, "concurrent"),
        (periods, 0.05, "difference in differences"),
        // What untreated sites did over a customer's days is in all of its sites: a limit that docs/statistics.md names.
        (together.clone(), 0.07, "whose sites begin together, beside 12 others"),
        (Fleet { untreated: Some(5), ..together }, 0.07, "whose sites begin together, beside 5 others"),
    ] {
        let fleet = Fleet { customers: 3, ..fleet };
        let mut random = Random::seeded(23);
        let said = (0..n).filter(|_| {
            let judged = judge(&fleet.question(14), &fleet.cells(&mut random)).expect("a judgement");
            judged.sentence.en.contains("differ from each other")
        });
        let share = 100.0 * said.count() as f64 / f64::from(n);
        println!("{what}: three customers of which none differs are said to differ in {share:.1} % ({n} times)");
        assert!(share <= 100.0 * (most + three_errors(most, n)), "{share}");
    }
}

#[test]
fn guard_rails_and_further_claims_make_nothing_better_that_is_not() {
    let n = repetitions(60);
    // Rails with the champion's own values, and rails that lie at their margins, beside a primary that does nothing or is better by far.
    let of = |kept: f64| Fleet {
        sites: 12,
        site_sd: 0.01,
        rails: vec![("recall", 0.02, kept), ("precision", 0.02, kept)],
        hours: true,
        ..Fleet::nothing()
    };
    let verdicts = [Verdict::Better, Verdict::Worse, Verdict::Unhealthy];
    let check = |what: &str, fleet: &Fleet, most_better: f64, most_worse: f64| {
        let found = called(fleet, n, 29, &verdicts);
        println!(
            "three metrics, {what}: better {:.2} %, worse {:.2} %, unhealthy {:.2} % ({n} times)",
            found[0], found[1], found[2]
        );
        assert!(found[0] <= 100.0 * (most_better + three_errors(most_better, n)), "{what}: {found:?}");
        assert!(found[1] <= 100.0 * (most_worse + three_errors(most_worse, n)), "{what}: {found:?}");
        assert!(found[2] <= 1.0 + 100.0 * three_errors(0.01, n), "{what}: {found:?}");
    };
    check("no effect, rails truly kept", &of(0.0), 0.025, 0.025);
    check("no effect, all three claimed", &Fleet { claimed: true, ..of(0.0) }, 0.025, 0.025);
    check("no effect, rails at their margins", &of(-0.02), 0.025, 0.05);
    check("better by far, rails truly kept", &Fleet { effect: 0.04, ..of(0.0) }, 1.0, 0.025);
    check("better by far, rails at their margins", &Fleet { effect: 0.04, ..of(-0.02) }, 0.025, 0.05);
}

#[test]
fn records_that_are_cut_otherwise_are_judged_the_same() {
    let n = repetitions(20);
    let mut apart = 0;
    for design in [Design::Concurrent, Design::BeforeAfter, Design::DifferenceInDifferences] {
        let rails = vec![("recall", 0.02, 0.0)];
        let fleet = Fleet { sites: 8, design, unequal: 1.0, staggered: true, rails, ..Fleet::default() };
        let mut random = Random::seeded(31);
        for _ in 0..n {
            let rows = fleet.rows(&mut random);
            let cut = Fleet::recut(&mut random, &rows);
            let text = |rows: Vec<domain::evidence::Series>| {
                let judged = judge(&fleet.question(14), &domain::evidence::Cells::new(2, rows)).expect("a judgement");
                serde_json::to_string(&judged).expect("JSON")
            };
            apart += u32::from(text(rows) != text(cut));
        }
    }
    println!("of {} comparisons whose records were cut otherwise {apart} have another digit", 3 * n);
    assert!(f64::from(apart) <= 0.002 * f64::from(3 * n), "{apart}");
}

#[test]
fn customers_whose_sites_share_a_shock_are_handled() {
    let n = repetitions(200);
    for (sites, customers, skewed) in [(12, 3, false), (24, 6, false), (24, 6, true), (48, 12, true), (100, 5, false)] {
        let fleet = Fleet { sites, customers, skewed, customer_shock: 0.01, ..Fleet::default() };
        let [site, whole] = coverage(&fleet, n, 5);
        let nothing = Fleet { effect: 0.0, ..fleet.clone() };
        let better = called(&nothing, if n < 10_000 { n / 4 } else { n }, 6, &[Verdict::Better]);
        println!(
            "{customers} customers of {sites} sites, shock .01: site {site:.1}, fleet {whole:.1}; wrong better {:.2}",
            better[0]
        );
        let slack = 100.0 * three_errors(0.05, n);
        assert!(customers < 5 || (93.0 - slack..=97.0 + slack).contains(&site), "{site}");
    }
}

#[test]
fn looking_every_day_finds_nothing_where_there_is_nothing() {
    let n = repetitions(100);
    for (sites, site_sd, days) in
        [(5, 0.0, 14), (8, 0.01, 14), (12, 0.005, 30), (24, 0.02, 30), (12, 0.02, 14), (5, 0.0, 30)]
    {
        if n <= 300 && days == 30 && sites > 5 {
            continue;
        }
        let fleet = Fleet { sites, site_sd, days, ..Fleet::nothing() };
        check_looks("side by side", &fleet, n);
    }
    check_looks("side by side, hours known", &Fleet { sites: 8, site_sd: 0.01, hours: true, ..Fleet::nothing() }, n);
    let correlated = Fleet { sites: 8, site_sd: 0.01, correlation: 0.3, ..Fleet::nothing() };
    check_looks("side by side, days correlated by 0.3", &correlated, n);
    for (design, what) in
        [(Design::BeforeAfter, "before/after"), (Design::DifferenceInDifferences, "difference in differences")]
    {
        check_looks(what, &Fleet { sites: 8, site_sd: 0.01, design, ..Fleet::nothing() }, n);
    }
}

fn check_looks(what: &str, fleet: &Fleet, n: u32) {
    let Fleet { sites, site_sd, days, .. } = *fleet;
    let found = called(fleet, n, 3, &[Verdict::Better, Verdict::Unhealthy]);
    println!(
        "{what}, {sites} sites, sd {site_sd}, {days} days, a look a day: better {:.2} %, unhealthy {:.2} % ({n} times)",
        found[0], found[1]
    );
    assert!(found[0] <= 2.5 + 100.0 * three_errors(0.025, n), "{found:?}");
    assert!(found[1] <= 1.0 + 100.0 * three_errors(0.01, n), "{found:?}");
}

#[test]
fn the_plan_says_how_often_an_effect_is_found() {
    let n = repetitions(120);
    for (sites, effect) in [(8, 0.02), (12, 0.015), (24, 0.015)] {
        let fleet = Fleet { sites, effect, days: 14, whole_days: true, ..Fleet::default() };
        let planned =
            plan(effect, sites, 14, None, Variances { between: 0.02 * 0.02, day: 0.03 * 0.03 }).expect("a plan");
        let mut random = Random::seeded(11);
        let better = (0..n).filter(|_| {
            let judged = judge(&fleet.question(14), &fleet.cells(&mut random)).expect("a judgement");
            judged.verdict == Verdict::Better
        });
        let found = better.count() as f64 / f64::from(n);
        println!("{sites} sites, effect {effect}: power planned {:.3}, found {found:.3}", planned.as_planned.power);
        assert!((found - planned.as_planned.power).abs() < 0.02 + three_errors(found.clamp(0.05, 0.95), n));
    }
}

#[test]
fn a_table_of_noise_is_grey() {
    let n = repetitions(60);
    let mut random = Random::seeded(13);
    let metric = fleet::metric_of("mAP50");
    let mut wrong = [0u32; 3];
    for _ in 0..n {
        // Places too few, so days tell; neighbours correlated by 0.3. Shocks large enough to matter if they were real.
        let rows: Vec<Delta> = (0..20).map(|_| days_of_noise(&mut random, 0.3, 0.03, 0.0)).collect();
        let by_days: Vec<_> = rows.iter().map(|d| (&metric, *d)).collect();
        let sites: Vec<Delta> = (0..20).map(|_| sites_of_noise(&mut random)).collect();
        let rows: Vec<Delta> = (0..20).map(|_| days_of_noise(&mut random, 0.3, 0.03, 1.0)).collect();
        let by_unequal: Vec<_> = rows.iter().map(|d| (&metric, *d)).collect();
        let by_sites: Vec<_> = sites.iter().map(|d| (&metric, *d)).collect();
        for (table, wrong) in [by_days, by_sites, by_unequal].iter().zip(&mut wrong) {
            let coloured = colours(table).iter().any(|c| matches!(c, Colour::Better | Colour::Worse));
            *wrong += u32::from(coloured);
        }
    }
    // Where all is noise, every discovery is false: the rate is the share of tables with any.
    let [days, sites, unequal] = wrong.map(|w| 100.0 * f64::from(w) / f64::from(n));
    println!(
        "tables of 20 changes that are noise, with a colour: over days {days:.1} %, of unequal samples {unequal:.1} %, over sites {sites:.1} % ({n} times)"
    );
    let most = 10.0 + 100.0 * three_errors(0.1, n);
    assert!(days <= most && sites <= most && unequal <= most);
}

/// Samples of days have this log-sd.
fn days_of_noise(random: &mut Random, correlation: f64, sd: f64, log_sd: f64) -> Delta {
    let mut at = random.normal() * sd;
    let mut course = |n: usize| -> Vec<Option<f64>> {
        let mut day = || {
            at = correlation * at + (1.0 - correlation * correlation).sqrt() * sd * random.normal();
            Some(0.8 + at)
        };
        (0..n).map(|_| day()).collect()
    };
    let (earlier, before, after) = (course(60), course(28), course(28));
    let mut weights = || -> Vec<f64> { (0..28).map(|_| (log_sd * random.normal()).exp()).collect() };
    let (before_weights, after_weights) = (weights(), weights());
    let mean = |days: &[Option<f64>], weights: &[f64]| {
        let wx = days.iter().flatten().zip(weights).map(|(x, w)| w * x).sum();
        domain::aggregate::WeightedMean { n: 28, w: weights.iter().sum(), wx }
    };
    let place = domain::scope::Place { customer: name("c", 0), site: Some(name("s", 0)), zone: Some(name("z", 0)) };
    let (first, second) = (mean(&before, &before_weights), mean(&after, &after_weights));
    let means = PlaceMeans { place, task: None, device: None, before: first, after: second };
    let daily = DailyMeans { earlier, before, after, before_weights, after_weights };
    delta(domain::scope::Level::Zone, &[means], &daily)
}

fn sites_of_noise(random: &mut Random) -> Delta {
    let mut mean = || {
        let w = (0.7 * random.normal()).exp() * 1_000.0;
        domain::aggregate::WeightedMean { n: 100, w, wx: w * (0.8 + 0.02 * random.normal()) }
    };
    let places: Vec<PlaceMeans> = (0..8)
        .map(|s| {
            let place = domain::scope::Place { customer: name("c", 0), site: Some(name("s", s)), zone: None };
            PlaceMeans { place, task: None, device: None, before: mean(), after: mean() }
        })
        .collect();
    delta(domain::scope::Level::Customer, &places, &DailyMeans::default())
}

#[test]
fn quantiles_cover_what_they_say_where_counts_are_unequal() {
    let n = repetitions(150);
    for sites in [5, 12, 24] {
        let mut random = Random::seeded(17);
        let mut covered = 0;
        for time in 0..n {
            let values: Vec<_> = (0..sites)
                .map(|s| {
                    let shift = 20.0 + 2.0 * random.normal();
                    let mut sketch = |n: usize| {
                        let mut sketch = domain::sketch::QuantileSketch::default();
                        (0..n).for_each(|_| sketch.add(shift * (0.3 * random.normal()).exp()));
                        sketch
                    };
                    // Another name, another sample.
                    (name("c", time), name("s", s), sketch(400), sketch(100))
                })
                .collect();
            let sites: Vec<SiteValues<'_>> = values
                .iter()
                .map(|(customer, site, a, b)| SiteValues { customer, site: Some(site), champion: a, challenger: b })
                .collect();
            let found = quantile_difference(&sites, 0.95).expect("quantiles");
            covered += u32::from(found.interval.is_some_and(|(low, high)| (low..=high).contains(&0.0)));
        }
        let share = 100.0 * f64::from(covered) / f64::from(n);
        println!("p95 of 400 against 100 records, {sites} sites: {share:.1} ({n} times)");
        assert!(share >= 93.0 - 100.0 * three_errors(0.05, n), "{share}");
    }
}
