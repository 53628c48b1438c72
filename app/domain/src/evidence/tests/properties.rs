//! What must hold for any cells.

use proptest::prelude::*;

use super::{super::*, support::*};
use crate::{model::ModelKey, time::Day};

fn weight() -> impl Strategy<Value = f64> {
    prop_oneof![8 => (0.0f64..4.0).prop_map(|e| 10f64.powf(e)), 1 => Just(1e12), 1 => Just(1e-9)]
}

/// Site, side, day, device, weight and value.
type Row = (u8, bool, i8, bool, f64, f64);

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0u8..14, any::<bool>(), -14i8..14, any::<bool>(), weight(), 0.0f64..1.0), 0..300)
}

fn cells(rows: &[Row]) -> Cells {
    // The challenger comes to most sites in the period, and to a third of them never.
    let there = |(site, champion, day, ..): &&Row| *champion || (site % 3 > 0 && (*day >= 0 || *site == 1));
    let series = rows.iter().filter(there).map(|(site, side, day, device, w, x)| {
        let side = if *side { Side::Champion } else { Side::Challenger };
        let place = place(&format!("c{}", site % 6), &format!("s{site}"));
        let mut one = series(side, place, Some(if *device { "orin" } else { "t4" }), &[(i32::from(*day), vec![*x])]);
        one.days[0].values[0] = mean(*w, *x);
        one
    });
    Cells::new(1, series)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_cells_in_any_order_get_one_sound_answer(rows in rows(), design in 0..4usize, seed in any::<u64>(), day in 0i32..16) {
        let designs = [None, Some(Design::Concurrent), Some(Design::BeforeAfter), Some(Design::DifferenceInDifferences)];
        let mut question = Question { as_of: super::support::day(day), ..question(&["mAP50"]) };
        question.registration.design = designs[design];
        let found = judge(&question, &cells(&rows)).expect("a judgement");
        is_sound(&found);
        let mut mixed = rows.clone();
        let n = mixed.len().max(1);
        for i in 0..mixed.len() {
            mixed.swap(i, (seed as usize).wrapping_mul(i + 7) % n);
        }
        let text = |j: &Judgement| serde_json::to_string(j).expect("JSON");
        prop_assert_eq!(text(&found), text(&judge(&question, &cells(&mixed)).expect("a judgement")));
    }

    #[test]
    fn turning_the_sides_turns_the_difference(rows in rows()) {
        let rows: Vec<Row> = rows.into_iter().filter(|r| r.0 % 3 > 0 && r.2 >= 0).collect();
        let turned: Vec<Row> = rows.iter().map(|r| (r.0, !r.1, r.2, r.3, r.4, r.5)).collect();
        let mut question = question(&["mAP50"]);
        question.registration.design = Some(Design::Concurrent);
        let of = |rows: &[Row]| judge(&question, &cells(rows)).expect("a judgement").metrics[0].clone();
        let (one, other) = (of(&rows), of(&turned));
        prop_assert_eq!(one.n_sites, other.n_sites);
        let close = |a: Option<f64>, b: Option<f64>| match (a, b) {
            (Some(a), Some(b)) => (a + b).abs() < 1e-9,
            (a, b) => a.is_none() && b.is_none(),
        };
        prop_assert!(close(one.difference, other.difference) && close(one.low, other.high), "{:?} {:?}", one, other);
    }

    #[test]
    fn the_parts_of_a_change_add_up_to_it(
        rows in prop::collection::vec((0u8..5, 0u8..3, 0u8..3, any::<bool>(), 0u8..8, weight(), -1.0f64..1.0), 1..80),
    ) {
        let cells: Vec<ChangeCell> = rows
            .iter()
            .map(|(site, model, device, after, day, w, x)| ChangeCell {
                place: place(&format!("c{}", site % 2), &format!("s{site}")),
                model: (*model > 0).then(|| ModelKey::parse(&format!("m:{model}")).expect("a model")),
                device: (*device > 0).then(|| name(&format!("d{device}"))),
                period: if *after { Period::After } else { Period::Before },
                day: Day(START + i32::from(*day) + 10 * i32::from(*after)),
                mean: mean(*w, *x),
            })
            .collect();
        let found = what_changed(&metric("mota"), &cells);
        let total: f64 = found.parts.iter().map(|p| p.size).sum();
        match found.change {
            Some(change) => prop_assert!((total - change).abs() < 1e-12, "{} is not {}", total, change),
            None => prop_assert!(found.parts.is_empty()),
        }
        for part in &found.parts {
            prop_assert!(part.size.is_finite() && part.low.is_none_or(f64::is_finite) && part.sentence.ko.is_some());
        }
        let mut turned = cells.clone();
        turned.reverse();
        prop_assert_eq!(found, what_changed(&metric("mota"), &turned));
    }

    #[test]
    fn with_equal_weights_the_jackknife_is_the_t_test(values in prop::collection::vec(-1.0f64..1.0, 2..40)) {
        let member = |(cluster, value): (usize, &f64)| Member { cluster, weight: 7.0, value: *value };
        let found = Estimate::of(&values.iter().enumerate().map(member).collect::<Vec<_>>()).expect("values");
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0) / n;
        prop_assert!((found.mean - mean).abs() < 1e-12 && (found.variance - variance).abs() < 1e-12);
        prop_assert!((found.df - (n - 1.0)).abs() < 1e-9);
    }
}
