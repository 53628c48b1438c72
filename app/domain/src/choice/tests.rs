//! Choices against plain readings of their definitions, and against a published table of detectors.

use proptest::prelude::*;

use super::*;

/// Whether `a` dominates `b`, as the definition says.
fn dominates(a: (f64, f64), b: (f64, f64)) -> bool {
    a.0 >= b.0 && a.1 >= b.1 && (a.0 > b.0 || a.1 > b.1)
}

fn naive_front(points: &[Option<(f64, f64)>]) -> Vec<Front> {
    let known = |p: &Option<(f64, f64)>| p.filter(|(x, y)| x.is_finite() && y.is_finite());
    let standing = |p: &Option<(f64, f64)>| match known(p) {
        None => Front::Unknown,
        Some(p) if points.iter().filter_map(known).any(|other| dominates(other, p)) => Front::Dominated,
        Some(_) => Front::Efficient,
    };
    points.iter().map(standing).collect()
}

fn values() -> impl Strategy<Value = f64> {
    prop_oneof![
        // Few different ones: equal values are what goes wrong.
        8 => prop::sample::select(vec![-1.0, -0.0, 0.0, 0.5, 1.0, 2.0]),
        4 => -3.0..3.0_f64,
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn the_front_is_that_of_the_definition(points in prop::collection::vec(prop::option::weighted(0.9, (values(), values())), 0..40)) {
        prop_assert_eq!(front(&points), naive_front(&points));
    }

    #[test]
    fn the_pick_meets_the_limits_and_nothing_that_does_is_better(
        candidates in prop::collection::vec(prop::collection::vec(prop::option::weighted(0.9, values()), 3), 0..20),
        limits in prop::collection::vec((0..3_usize, any::<bool>(), -2.0..2.0_f64), 0..4),
        highest in any::<bool>(),
    ) {
        let side = |most: bool| if most { LimitSide::AtMost } else { LimitSide::AtLeast };
        let limits: Vec<Limit> = limits.into_iter().map(|(measure, most, bound)| Limit { measure, side: side(most), bound }).collect();
        let picked = pick(&candidates, &limits, 0, highest);
        let known = |c: &Vec<Option<f64>>, m: usize| c[m].filter(|v| v.is_finite());
        let fits = |c: &Vec<Option<f64>>, limits: &[Limit]| {
            known(c, 0).is_some() && limits.iter().all(|l| known(c, l.measure).is_some_and(|v| l.holds(v)))
        };
        let better = |a: f64, b: f64| if highest { a > b } else { a < b };
        match picked.best {
            None => prop_assert!(candidates.iter().all(|c| !fits(c, &limits))),
            Some(best) => {
                prop_assert!(fits(&candidates[best], &limits));
                let x = known(&candidates[best], 0).expect("a value");
                prop_assert!(candidates.iter().filter(|c| fits(c, &limits)).all(|c| !better(known(c, 0).expect("a value"), x)));
                for b in &picked.binding {
                    prop_assert!(better(known(&candidates[b.instead], 0).expect("a value"), x));
                }
            }
        }
        // What is said to be enough is enough.
        for near in &picked.nearest {
            let given: Vec<Limit> = limits.iter().enumerate().map(|(i, l)| {
                let bound = near.gives.iter().find(|(g, _)| *g == i).map_or(l.bound, |(_, bound)| *bound);
                Limit { bound, ..*l }
            }).collect();
            prop_assert!(fits(&candidates[near.candidate], &given), "{:?} of {:?}", near, limits);
        }
    }

    #[test]
    fn rank_correlation_is_pearson_s_over_ranks_and_follows_any_growth(pairs in prop::collection::vec((values(), values()), 0..30)) {
        let clean: Vec<(f64, f64)> = pairs.iter().copied().filter(|(a, b)| !a.is_nan() && !b.is_nan()).collect();
        let rank = |all: &[f64], x: f64| {
            let below = all.iter().filter(|v| **v < x).count() as f64;
            let equal = all.iter().filter(|v| **v == x).count() as f64;
            below + (equal + 1.0) / 2.0
        };
        let (a, b): (Vec<f64>, Vec<f64>) = clean.iter().copied().unzip();
        let ranked: Vec<(f64, f64)> = clean.iter().map(|(x, y)| (rank(&a, *x), rank(&b, *y))).collect();
        let n = ranked.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| ranked.iter().map(of).sum::<f64>() / n;
        let (ma, mb) = (mean(|p| p.0), mean(|p| p.1));
        let sum = |of: &dyn Fn(&(f64, f64)) -> f64| ranked.iter().map(of).sum::<f64>();
        let expected = sum(&|p| (p.0 - ma) * (p.1 - mb)) / (sum(&|p| (p.0 - ma).powi(2)) * sum(&|p| (p.1 - mb).powi(2))).sqrt();
        match spearman(&pairs) {
            None => prop_assert!(clean.len() < 3 || !expected.is_finite()),
            Some(found) => {
                prop_assert_eq!(found.n, clean.len());
                prop_assert!((found.rho - expected).abs() < 1e-12, "{} {}", found.rho, expected);
                let grown: Vec<(f64, f64)> = clean.iter().map(|(x, y)| (x.signum() * x.abs().sqrt(), *y)).collect();
                prop_assert!(spearman(&grown).is_some_and(|g| (g.rho - found.rho).abs() < 1e-12));
            }
        }
    }
}

#[test]
fn what_binds_is_said_with_what_would_be_better() {
    // mAP50, inference time in ms, size in MB.
    let models = [[0.90, 40.0, 100.0], [0.85, 25.0, 60.0], [0.80, 10.0, 20.0], [0.95, 28.0, 300.0]];
    let models: Vec<Vec<Option<f64>>> = models.iter().map(|m| m.iter().map(|v| Some(*v)).collect()).collect();
    let most = |measure, bound| Limit { measure, side: LimitSide::AtMost, bound };
    let picked = pick(&models, &[most(1, 30.0), most(2, 100.0)], 0, true);
    assert_eq!(picked.best, Some(1));
    assert_eq!(picked.binding, [Binding { limit: 0, instead: 0 }, Binding { limit: 1, instead: 3 }]);
    assert_eq!(picked.standings[3], Standing::Breaks(vec![1]));
    // Nothing meets these: either of them may give.
    let picked = pick(&models, &[most(1, 9.0), Limit { measure: 0, side: LimitSide::AtLeast, bound: 0.8 }], 0, true);
    assert_eq!((picked.best, picked.nearest), (None, vec![Nearest { candidate: 2, gives: vec![(0, 10.0)] }]));
    // One alone is not enough.
    let picked = pick(&models, &[most(1, 9.0), most(2, 10.0)], 0, true);
    assert_eq!(picked.nearest, [Nearest { candidate: 2, gives: vec![(0, 10.0), (1, 20.0)] }]);
    let lacking = pick(&[vec![Some(0.9), None, Some(1.0)]], &[most(1, 30.0)], 0, true);
    assert_eq!((lacking.best, &lacking.standings[0]), (None, &Standing::Unknown(vec![1])));
    assert_eq!(pick(&[], &[], 0, true).best, None);
}

/// Detectors as OpenMMLab publishes them: name, ms an image, box AP.
fn published() -> Vec<(&'static str, f64, f64)> {
    let lines = include_str!("fixtures/mmdet.csv").lines().skip(2);
    let row = |line: &'static str| {
        let mut cells = line.split(',');
        Some((cells.next()?, cells.next()?.parse().ok()?, cells.next()?.parse().ok()?))
    };
    lines.map(|line| row(line).expect(line)).collect()
}

#[test]
fn of_published_detectors_the_ones_on_the_front_are_known_and_the_best_within_60_ms() {
    let detectors = published();
    assert_eq!(detectors.len(), 189);
    // Of time the smaller is better.
    let points: Vec<_> = detectors.iter().map(|(_, ms, ap)| Some((-ms, *ap))).collect();
    let mut efficient: Vec<_> = detectors.iter().zip(front(&points)).filter(|(_, f)| *f == Front::Efficient).collect();
    efficient.sort_by(|a, b| a.0.1.total_cmp(&b.0.1));
    let names: Vec<&str> = efficient.iter().map(|((name, ..), _)| *name).collect();
    assert_eq!(
        names,
        [
            "ssdlite_mobilenetv2-scratch_8xb24-600e_coco",
            "yolov3_d53_320_273e_coco",
            "yolov3_d53_mstrain-416_273e_coco",
            "yolov3_d53_mstrain-608_273e_coco",
            "fovea_r50_fpn_4xb4-2x_coco",
            "retinanet_r50_nasfpn_crop640-50e_coco",
            "gfl_r50_fpn_ms-2x_coco",
            "gfl_r101_fpn_ms-2x_coco",
            "gfl_r101-dconv-c3-c5_fpn_ms-2x_coco",
            "gfl_x101-32x4d-dconv-c4-c5_fpn_ms-2x_coco",
        ]
    );
    let values: Vec<_> = detectors.iter().map(|(_, ms, ap)| vec![Some(*ap), Some(*ms)]).collect();
    let within = Limit { measure: 1, side: LimitSide::AtMost, bound: 60.0 };
    let picked = pick(&values, &[within], 0, true);
    assert_eq!(picked.best.map(|i| detectors[i].0), Some("gfl_r50_fpn_ms-2x_coco"));
    assert_eq!(
        picked.binding.first().map(|b| detectors[b.instead].0),
        Some("gfl_x101-32x4d-dconv-c4-c5_fpn_ms-2x_coco")
    );
}
