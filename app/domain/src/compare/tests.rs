//! Comparisons of known cells.

use proptest::prelude::*;

use super::*;
use crate::{
    metric::{CATALOGUE, built_in},
    query::FieldCell,
};

fn model(name: &str) -> ModelKey {
    ModelKey::parse(name).expect("a model")
}

/// Model, zone (two to a site), value and weight.
type Row<'a> = (&'a str, u8, f64, f64);

fn report(rows: &[Row<'_>]) -> FieldReport {
    let rows: Vec<_> = rows.iter().map(|r| (*r, &[0][..], "")).collect();
    noted(CATALOGUE[0].clone(), &rows)
}

/// The same in any metric, with days and device.
fn noted(metric: Metric, rows: &[(Row<'_>, &[i32], &str)]) -> FieldReport {
    let name = |t: String| Name::parse(&t).expect("a name");
    let cells = rows.iter().enumerate().map(|(i, ((m, zone, x, w), days, device))| {
        let mut a = Aggregate::default();
        a.add(*x, *w);
        FieldCell {
            place: Place {
                customer: name("c".into()),
                site: Some(name(format!("s{}", zone / 2))),
                zone: Some(name(format!("z{zone}"))),
            },
            model: Some(model(m)),
            n: 1,
            first: Millis(i as i64),
            last: Millis(i as i64),
            days: days.iter().map(|d| Day(*d)).collect(),
            devices: BTreeSet::from([Box::from(*device)]),
            values: vec![a],
        }
    });
    let metrics = vec![metric];
    FieldReport { as_of: Millis(0), simulated: false, metrics, present: vec![], cells: cells.collect() }
}

/// B beside A in the one metric of a report.
fn b_beside_a(r: &FieldReport) -> ComparedMetric {
    ModelResults::of(r, ModelGrouping::Version)
        .compared_models(&model("a:1"), &[model("b:1")])
        .remove(1)
        .figures
        .remove(0)
}

fn same(f: &ComparedMetric) -> PairedDifference {
    f.same.expect("shared zones")
}

/// B is better in both zones, but ran mostly in the hard one (Simpson's paradox).
const PARADOX: [Row<'_>; 4] =
    [("a:1", 0, 0.90, 90.0), ("a:1", 1, 0.50, 10.0), ("b:1", 0, 0.92, 10.0), ("b:1", 1, 0.52, 90.0)];

#[test]
fn who_is_better_in_each_zone_wins_however_the_samples_lie() {
    let r = report(&PARADOX);
    let f = b_beside_a(&r);
    let s = same(&f);
    assert!((s.delta - 0.02).abs() < 1e-12, "{s:?}");
    assert!((s.ours - 0.72).abs() < 1e-12 && (s.base - 0.70).abs() < 1e-12, "both zones weigh 9: {s:?}");
    assert!((f.everywhere.expect("known") + 0.30).abs() < 1e-12, "pooled, the loser leads");
    assert!((f.mix().expect("known") + 0.32).abs() < 1e-12, "the rest is where they ran");
    assert_eq!((s.zones, s.differs_only_by_model()), (2, true));
    let field = ModelResults::of(&r, ModelGrouping::Version);
    let c = field.compared_models(&model("a:1"), &[model("b:1")]);
    assert_eq!(field.sites(0, &c, PlacePairing::Same)[0].best, Some(1), "zone by zone");
    assert_eq!(field.sites(0, &c, PlacePairing::All)[0].best, Some(0), "by value over the whole site");
}

#[test]
fn a_model_that_ran_at_hard_sites_only_is_compared_where_both_ran() {
    // B ran at the hard zone alone, and did better there than A.
    let r = report(&[("a:1", 0, 0.9, 1.0), ("a:1", 1, 0.5, 1.0), ("b:1", 1, 0.6, 1.0)]);
    let field = ModelResults::of(&r, ModelGrouping::Version);
    let c = field.compared_models(&model("a:1"), &[model("b:1")]);
    let f = &c[1].figures[0];
    assert!((f.everywhere.expect("known") + 0.1).abs() < 1e-12, "everywhere it looks worse");
    assert!((same(f).delta - 0.1).abs() < 1e-12, "at the same places it is better");
    assert_eq!((same(f).zones, c[1].shared, c[1].zones), (1, 1, 1));
    let sites = field.sites(0, &c, PlacePairing::Same);
    assert_eq!(sites.len(), 1);
    assert_eq!(sites[0].best, Some(1), "in the zone that both know it leads");
    assert!(same(&sites[0].figures[1]).delta > 0.0);
    assert_eq!(field.sites(0, &c, PlacePairing::All)[0].best, Some(0), "by value over the whole site the first leads");
}

#[test]
fn of_many_at_a_site_the_one_with_the_best_difference_to_the_baseline_leads() {
    let chosen = [model("b:1"), model("c:1"), model("d:1")];
    let lead = |rows: &[Row<'_>]| {
        let r = report(rows);
        let field = ModelResults::of(&r, ModelGrouping::Version);
        let c = field.compared_models(&model("a:1"), &chosen);
        field.sites(0, &c, PlacePairing::Same)[0].best
    };
    // D has the best value, where the baseline never was; C gains most on the baseline, at the harder zone.
    let rows = [("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.81, 1.0), ("c:1", 0, 0.7, 1.0), ("d:1", 1, 0.9, 1.0)];
    assert_eq!(lead(&rows), Some(1));
    let close = [("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.803, 1.0)];
    assert_eq!(lead(&close), None, "a lead too small to matter is none");
    let hard = [("a:1", 1, 0.4, 1.0), ("c:1", 1, 0.9, 1.0)];
    assert_eq!(lead(&[&rows[..3], &hard[..]].concat()), Some(2));
    assert_eq!(lead(&[("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.7, 1.0)]), Some(0), "the baseline's own difference is zero");
    assert_eq!(lead(&[("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.8, 5.0)]), None, "equals have no winner");
    assert_eq!(lead(&[("a:1", 0, 0.8, 1.0), ("d:1", 1, 0.9, 1.0)]), None, "nobody shares a zone");
}

#[test]
fn zones_where_days_or_devices_differ_are_counted() {
    let rows = [
        (("a:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
        (("b:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
        (("a:1", 1, 0.8, 1.0), &[1, 2][..], "T4"),
        (("b:1", 1, 0.8, 1.0), &[1][..], "Orin"),
        (("a:1", 2, 0.8, 1.0), &[1][..], ""),
        (("b:1", 2, 0.8, 1.0), &[2][..], ""),
        // Not shared.
        (("b:1", 3, 0.8, 1.0), &[9][..], "Orin"),
    ];
    let of = |key: &str| same(&b_beside_a(&noted(CATALOGUE[built_in(key).expect("known")].clone(), &rows)));
    let latency = of("inference_time_ms");
    assert_eq!((latency.zones, latency.other_days, latency.other_devices), (3, 2, 1));
    assert_eq!(of("mAP50").other_devices, 1, "a runtime of another device may be less exact, too");
    // Versions of an architecture count together: their days and devices as well.
    let both = [
        (("a:1", 0, 0.8, 1.0), &[1][..], "T4"),
        (("a:2", 0, 0.8, 1.0), &[2][..], "Orin"),
        (("b:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
    ];
    let r = noted(CATALOGUE[built_in("fps").expect("known")].clone(), &both);
    let c = ModelResults::of(&r, ModelGrouping::Architecture).compared_models(&model("a"), &[model("b")]);
    let s = same(&c[1].figures[0]);
    assert_eq!((s.zones, s.other_days, s.other_devices), (1, 0, 1));
    assert_eq!((c[1].shared, c[1].other_days, c[1].other_devices), (1, 0, 1));
}

#[test]
fn without_a_shared_place_there_is_no_difference_at_the_same_places() {
    let r = report(&[("a:1", 0, 0.9, 1.0), ("b:1", 1, 0.6, 1.0)]);
    let c =
        ModelResults::of(&r, ModelGrouping::Version).compared_models(&model("a:1"), &[model("b:1"), model("nobody")]);
    assert_eq!((c.len(), c[1].figures[0].same, c[1].figures[0].mix()), (2, None, None));
    assert!(ModelResults::of(&r, ModelGrouping::Version).compared_models(&model("nobody"), &[]).is_empty());
}

#[test]
fn versions_of_an_architecture_can_be_put_together() {
    let r = report(&[("a:1", 0, 0.9, 1.0), ("a:2", 0, 0.7, 3.0), ("b", 0, 0.6, 1.0)]);
    let field = ModelResults::of(&r, ModelGrouping::Architecture);
    assert_eq!(field.models(), [(&model("a"), 2), (&model("b"), 1)]);
    let c = field.compared_models(&model("a"), &[]);
    assert!((c[0].figures[0].value.expect("known") - 0.75).abs() < 1e-12, "weighted by samples");
}

proptest! {
    #[test]
    fn a_difference_turns_its_sign_with_the_baseline(rows in prop::collection::vec((0usize..2, 0u8..6, 0.0f64..1.0, 0.5f64..9.0), 2..40)) {
        let rows: Vec<_> = rows.into_iter().map(|(m, z, x, w)| (["a:1", "b:1"][m], z, x, w)).collect();
        let r = report(&rows);
        let field = ModelResults::of(&r, ModelGrouping::Version);
        let one = field.compared_models(&model("a:1"), &[model("b:1")]);
        let other = field.compared_models(&model("b:1"), &[model("a:1")]);
        prop_assume!(one.len() == 2 && other.len() == 2);
        for places in [PlacePairing::Same, PlacePairing::All] {
            let (x, y) = (one[1].figures[0].delta(places), other[1].figures[0].delta(places));
            prop_assert_eq!(x.is_some(), y.is_some());
            prop_assert!((x.unwrap_or(0.0) + y.unwrap_or(0.0)).abs() < 1e-12);
        }
        prop_assert_eq!(one[0].figures[0].delta(PlacePairing::Same), one[0].figures[0].value.map(|_| 0.0));
    }

    #[test]
    fn whoever_wins_in_every_shared_zone_wins_there_in_sum_wherever_else_they_ran(
        // Leads that matter: smaller ones make no winner of a site.
        shared in prop::collection::vec((0.0f64..1.0, 0.006f64..1.0, 1.0f64..1e6, 1.0f64..1e6), 1..12),
        alone in prop::collection::vec((0usize..2, 0.0f64..1.0, 1.0f64..1e6), 0..12),
    ) {
        let both = shared.iter().zip(0u8..).flat_map(|((x, lead, v, w), z)| [("a:1", z, *x, *v), ("b:1", z, x + lead, *w)]);
        let rest = alone.iter().zip(100u8..).map(|((m, x, w), z)| (["a:1", "b:1"][*m], z, *x, *w));
        let r = report(&both.chain(rest).collect::<Vec<_>>());
        let f = b_beside_a(&r);
        prop_assert!(same(&f).delta > 0.0, "{:?}", f);
        prop_assert_eq!(same(&f).zones, shared.len());
        let field = ModelResults::of(&r, ModelGrouping::Version);
        let c = field.compared_models(&model("a:1"), &[model("b:1")]);
        for site in field.sites(0, &c, PlacePairing::Same) {
            prop_assert_eq!(site.best, site.figures[1].same.map(|_| 1), "at each site too: {:?}", site);
        }
    }

    #[test]
    fn shares_that_are_proportional_leave_no_mix(
        zones in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0, 0.5f64..1e6), 1..12), k in 0.001f64..1e3,
    ) {
        let rows: Vec<_> =
            zones.iter().zip(0u8..).flat_map(|((a, b, w), z)| [("a:1", z, *a, *w), ("b:1", z, *b, k * w)]).collect();
        let f = b_beside_a(&report(&rows));
        prop_assert!(f.mix().expect("known").abs() < 1e-12, "{:?}", f);
        prop_assert!((same(&f).ours - f.value.expect("known")).abs() < 1e-12, "{:?}", f);
    }

    #[test]
    fn everywhere_is_the_same_places_and_the_mix(rows in prop::collection::vec((0usize..2, 0u8..6, 0.0f64..1.0, 0.5f64..9.0), 2..40)) {
        let rows: Vec<_> = rows.into_iter().map(|(m, z, x, w)| (["a:1", "b:1"][m], z, x, w)).collect();
        let r = report(&rows);
        let c = ModelResults::of(&r, ModelGrouping::Version).compared_models(&model("a:1"), &[model("b:1")]);
        prop_assume!(c.len() == 2);
        let (f, base) = (&c[1].figures[0], c[0].figures[0].value);
        prop_assert_eq!(f.everywhere, f.value.zip(base).map(|(b, a)| b - a), "pooled by samples");
        if let Some(s) = f.same {
            prop_assert_eq!(s.delta, s.ours - s.base);
            prop_assert!((s.delta + f.mix().expect("known") - f.everywhere.expect("known")).abs() < 1e-12);
        }
    }
}
