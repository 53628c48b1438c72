//! The catalogue and what is assumed of other metrics.

use super::*;

#[test]
fn keys_are_found_in_any_case_and_with_a_dash() {
    for (text, key) in
        [("map50", "mAP50"), ("MAP50-95", "mAP50_95"), ("HOTA", "hota"), ("Inference_Time_MS", "inference_time_ms")]
    {
        assert_eq!(built_in(text).map(|i| &*CATALOGUE[i].key), Some(key));
    }
    assert_eq!(built_in("mse"), None);
}

#[test]
fn directions_of_strangers_follow_the_name_rule() {
    let of = |k: &str| Metric::uncatalogued(k).direction;
    assert_eq!(of("val_loss"), Direction::LowerIsBetter);
    assert_eq!(of("test_total_time"), Direction::LowerIsBetter);
    assert_eq!(of("custom.mse"), Direction::LowerIsBetter);
    assert_eq!(of("top1_acc"), Direction::HigherIsBetter);
    assert_eq!(of("mAP75"), Direction::HigherIsBetter);
    assert_eq!(of("epoch"), Direction::Neither);
}

#[test]
fn the_smallest_change_that_matters_follows_from_range_and_unit() {
    let of = |key: &str, base: f64| built_in(key).map(|i| CATALOGUE[i].smallest_effect().of(base));
    for key in ["mAP50", "mAP50_95", "precision", "recall", "mota", "idf1", "hota"] {
        assert_eq!(of(key, 0.8), Some(0.005), "{key}");
    }
    assert_eq!((of("gpu_util", 60.0), of("cpu_util", 1.0)), (Some(2.0), Some(2.0)), "points, not per cent of them");
    assert_eq!((of("inference_time_ms", 20.0), of("fps", 50.0)), (Some(0.4), Some(1.0)));
    assert_eq!(of("accuracy_drop", -0.5), Some(0.01), "2 % of the size of a value below zero");
    let own = Metric { effect: Some(SmallestEffect::Share(0.1)), ..CATALOGUE[0].clone() };
    assert_eq!(own.smallest_effect().of(0.5), 0.05, "what was written down comes first");
}

#[test]
fn a_change_as_large_as_the_smallest_matters() {
    let metric = |key: &str| built_in(key).map(|i| CATALOGUE[i].clone()).expect("built in");
    assert!(
        metric("mAP50").exceeds_smallest_effect(0.805 - 0.8, Some(0.8))
            && !metric("mAP50").exceeds_smallest_effect(-0.0049, Some(0.8))
    );
    assert!(metric("inference_time_ms").exceeds_smallest_effect(-0.4, Some(20.0)));
    assert!(!metric("inference_time_ms").exceeds_smallest_effect(0.39, Some(20.0)));
    assert!(metric("inference_time_ms").exceeds_smallest_effect(0.01, None), "of nothing known no share can be taken");
    assert!(
        !metric("gpu_util").exceeds_smallest_effect(1.9, Some(60.0))
            && metric("gpu_util").exceeds_smallest_effect(2.0, None)
    );
}

#[test]
fn a_change_is_read_by_direction() {
    assert_eq!(Direction::HigherIsBetter.judge(-0.1), ChangeVerdict::Worse);
    assert_eq!(Direction::LowerIsBetter.judge(-3.0), ChangeVerdict::Better);
    assert_eq!(Direction::Neither.judge(5.0), ChangeVerdict::Neutral);
    assert_eq!(Direction::HigherIsBetter.judge(0.0), ChangeVerdict::Neutral);
}

#[test]
fn catalogue_columns_are_group_and_lower_case_key() {
    for m in &CATALOGUE {
        assert_eq!(m.column, format!("{}_{}", m.group, m.key.to_ascii_lowercase()));
        assert!(m.range.0 < m.range.1 && m.definition.ends_with('.') && !m.definition_ko.is_empty());
    }
}
