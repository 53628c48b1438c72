//! What a comparison says in words: who leads, what is owed to where models ran, and the values behind a difference.

use domain::{
    compare::{ComparedMetric, ComparedModel, PairedDifference, PlacePairing},
    metric::{ChangeVerdict, Metric},
    query::FieldReport,
};

use super::words;
use crate::{
    shell::page_query::PageQuery,
    ui::{
        delta::{DeltaView, Movement},
        fmt::Fmt,
    },
};

/// One sentence: who leads in the metric, or that nobody can be compared.
pub(super) fn headline(
    a: &PageQuery,
    r: &FieldReport,
    compared_models: &[ComparedModel],
    leading_metric: usize,
) -> String {
    let lang = a.fmt.lang;
    let metric = &r.metrics[leading_metric];
    let Some((base, others)) = compared_models.split_first() else { return String::new() };
    let label = a.fmt.label(metric);
    let best = others
        .iter()
        .filter_map(|c| Some((c, c.figures[leading_metric].delta(a.q.places)?)))
        .max_by(|x, y| goodness(metric, x.1).total_cmp(&goodness(metric, y.1)));
    let Some((c, delta)) = best else {
        return words::finding_none(lang, label, &base.model);
    };
    let shown = difference(a, &c.figures[leading_metric], metric)
        .or_else(|| a.fmt.difference(Some(delta), metric))
        .map_or_else(String::new, |d| format!("{} {}", d.text(), d.word));
    let zones = match a.q.places {
        PlacePairing::Same => {
            let zones = c.figures[leading_metric].same.map_or(0, |s| s.zones);
            words::shared(lang, zones)
        }
        PlacePairing::All => words::everywhere(lang).to_owned(),
    };
    words::finding(lang, &c.model, &base.model, label, shown, zones)
}

/// A difference to the baseline: judged at the same places; everywhere, where it holds where the models ran as well, shown alone.
pub(super) fn difference(a: &PageQuery, f: &ComparedMetric, metric: &Metric) -> Option<DeltaView> {
    match a.q.places {
        PlacePairing::Same => {
            // The rest of the difference is said in words beside it.
            let judged = a.fmt.change(f.judged.as_ref().filter(|j| j.delta.same.is_some()), metric)?;
            let bounds = f.judged.and_then(|j| j.delta.low.zip(j.delta.high));
            let note = bounds.map_or_else(String::new, |(low, high)| a.fmt.interval(low, high, metric));
            Some(DeltaView { note, ..judged })
        }
        PlacePairing::All => a.fmt.difference(f.delta(a.q.places), metric),
    }
}

/// Larger is better, whatever the metric's direction.
fn goodness(metric: &Metric, delta: f64) -> f64 {
    match metric.direction.judge(delta) {
        ChangeVerdict::Better => delta.abs(),
        ChangeVerdict::Worse => -delta.abs(),
        ChangeVerdict::Neutral => 0.0,
    }
}

/// What the difference everywhere owes to where the models ran, where that is most; or that more than the model is another one.
pub(super) fn mix_explanation(
    fmt: &Fmt,
    metric: &Metric,
    compared_models: &[ComparedModel],
    leading_metric: usize,
) -> String {
    let lang = fmt.lang;
    let mut found: Option<(&ComparedModel, PairedDifference, f64, f64)> = None;
    // What rounds to nothing is no mix, and then what differs besides matters most.
    let weight = |same: &PairedDifference, mix: f64| {
        (shown_mix(fmt, mix, metric).map_or(0.0, |_| mix.abs()), !same.differs_only_by_model())
    };
    for c in compared_models.iter().skip(1) {
        let f = &c.figures[leading_metric];
        if let (Some(same), Some(everywhere), Some(mix)) = (f.same, f.everywhere, f.mix())
            && found.as_ref().is_none_or(|(_, s, _, m)| weight(&same, mix) > weight(s, *m))
        {
            found = Some((c, same, everywhere, mix));
        }
    }
    let Some((c, same, everywhere, mix)) = found else { return words::explained_short(lang).to_owned() };
    let unlike = other_differences(fmt, same.zones, same.other_days, same.other_devices);
    let mix = shown_mix(fmt, mix, metric);
    let signed = |d: f64| fmt.difference(Some(d), metric).map_or_else(String::new, |d| d.text());
    let (model, zones, same, everywhere) = (&c.model, same.zones, signed(same.delta), signed(everywhere));
    match (mix, unlike) {
        (None, None) => words::explained_short(lang).to_owned(),
        (Some(mix), None) => words::explained(lang, model, same, zones, everywhere, mix),
        (Some(mix), Some(unlike)) => words::explained_unlike(lang, model, same, zones, everywhere, mix, unlike),
        (None, Some(unlike)) => words::unlike(lang, model, same, zones, unlike),
    }
}

/// The part of a difference that is where the models ran; `None` where it rounds to nothing.
fn shown_mix(fmt: &Fmt, mix: f64, metric: &Metric) -> Option<String> {
    fmt.difference(Some(mix), metric).filter(|d| d.way != Movement::Stayed).map(|d| d.text())
}

/// In how many shared zones more than the model is another one; `None` when in none.
pub(super) fn other_differences(fmt: &Fmt, zones: usize, days: usize, devices: usize) -> Option<String> {
    let lang = fmt.lang;
    let [shown_days, shown_devices, zones] = [days, devices, zones].map(|n| fmt.count(n as u64));
    match (days, devices) {
        (0, 0) => None,
        (_, 0) => Some(words::unlike_days(lang, shown_days, zones)),
        (0, _) => Some(words::unlike_devices(lang, shown_devices, zones)),
        _ => Some(words::unlike_both(lang, shown_days, shown_devices, zones)),
    }
}

/// Where a figure's difference everywhere is another one than at the same places: the two values there, and the rest.
pub(super) fn values_at_same_places(fmt: &Fmt, f: &ComparedMetric, metric: &Metric) -> Vec<String> {
    let lang = fmt.lang;
    let Some((same, mix)) = f.same.zip(f.mix().and_then(|mix| shown_mix(fmt, mix, metric))) else { return vec![] };
    let (ours, base) = (fmt.value(Some(same.ours), metric), fmt.value(Some(same.base), metric));
    let rest = if same.differs_only_by_model() { words::mix(lang, mix) } else { words::mix_unlike(lang, mix) };
    vec![words::same_values(lang, ours, base), rest]
}

#[cfg(test)]
mod tests {
    use domain::{
        metric::{CATALOGUE, built_in},
        model::ModelKey,
        time::Millis,
    };
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Lang;

    fn metric(key: &str) -> Metric {
        CATALOGUE[built_in(key).expect("known")].clone()
    }

    #[test]
    fn what_is_better_does_not_depend_on_the_sign() {
        assert!(goodness(&metric("mAP50"), 0.1) > goodness(&metric("mAP50"), -0.2));
        assert!(goodness(&metric("inference_time_ms"), -1.0) > goodness(&metric("inference_time_ms"), 0.5));
    }

    /// A compared model by its differences: at the same places, everywhere; and in how many of four zones days and devices differ.
    fn compared_model(text: &str, delta: f64, everywhere: f64, unlike: (usize, usize)) -> ComparedModel {
        let same = PairedDifference {
            delta,
            ours: 0.5 + delta,
            base: 0.5,
            zones: 4,
            other_days: unlike.0,
            other_devices: unlike.1,
        };
        ComparedModel {
            model: ModelKey::parse(text).expect("a model"),
            n: 8,
            zones: 4,
            shared: 4,
            other_days: unlike.0,
            other_devices: unlike.1,
            first: Millis(0),
            last: Millis(1),
            figures: vec![ComparedMetric {
                same: Some(same),
                everywhere: Some(everywhere),
                ..ComparedMetric::default()
            }],
        }
    }

    fn sentence(lang: Lang, others: &[ComparedModel]) -> String {
        let all = [&[compared_model("a:1", 0.0, 0.0, (0, 0))], others].concat();
        mix_explanation(&Fmt { lang, zone: TimeZone::UTC }, &metric("inference_time_ms"), &all, 0)
    }

    #[test]
    fn the_rest_is_where_they_ran_only_where_nothing_else_differs() {
        let said = |unlike| sentence(Lang::En, &[compared_model("b:1", 2.0, -3.0, unlike)]);
        let begin = "b 1: ↑2.0 at the 4 zones where both ran, ↓3.0 everywhere. The rest (↓5.0) is ";
        assert_eq!(said((0, 0)), format!("{begin}where they ran."));
        let not = format!("{begin}not where they ran alone: ");
        assert_eq!(said((3, 0)), format!("{not}the days differ at 3 of 4 zones."));
        assert_eq!(said((0, 1)), format!("{not}the devices differ at 1 of 4 zones."));
        assert_eq!(said((3, 1)), format!("{not}the days differ at 3 and the devices at 1 of 4 zones."));
        let korean = sentence(Lang::Ko, &[compared_model("b:1", 2.0, -3.0, (3, 0))]);
        assert!(korean.contains("장소만의 차이가 아닙니다") && korean.contains("4곳 중 3곳"), "{korean}");
    }

    #[test]
    fn without_a_mix_it_is_said_all_the_same_that_days_or_devices_differ() {
        let like = compared_model("c:1", 1.0, 1.01, (0, 0));
        assert_eq!(sentence(Lang::En, std::slice::from_ref(&like)), words::explained_short(Lang::En));
        assert_eq!(sentence(Lang::En, &[]), words::explained_short(Lang::En));
        // Which of the two comes first does not matter, nor that the mix of the other is larger below what is shown.
        let unlike = compared_model("b:1", 1.0, 1.0, (2, 0));
        let said = "b 1: ↑1.0 at the 4 zones where both ran, but more than the model differs there: the days differ at 2 of 4 zones.";
        for others in [[like.clone(), unlike.clone()], [unlike, like]] {
            assert_eq!(sentence(Lang::En, &others), said);
        }
    }

    #[test]
    fn a_cell_says_the_two_values_behind_a_difference_that_the_others_do_not_show() {
        let fmt = Fmt { lang: Lang::En, zone: TimeZone::UTC };
        let lines = |everywhere, unlike| {
            values_at_same_places(&fmt, &compared_model("b:1", 0.02, everywhere, unlike).figures[0], &metric("mAP50"))
        };
        assert_eq!(lines(-0.30, (0, 0)), ["same places 0.520, baseline 0.500", "where they ran ↓0.320"]);
        assert_eq!(lines(-0.30, (1, 0))[1], "where, when or on what they ran ↓0.320");
        assert!(lines(0.02, (1, 0)).is_empty());
    }
}
