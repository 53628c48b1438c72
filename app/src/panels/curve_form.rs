//! The choices of how curves of runs are drawn, as fields of a form.

use leptos::prelude::*;

use super::{
    curve::{CurveAxis, CurveStyle, SMOOTHING_WEIGHTS},
    words,
};
use crate::i18n::Lang;

/// The keys that the fields ask for.
pub const KEYS: [&str; 3] = ["axis", "scale", "smooth"];

/// Axis, scale and smoothing; `weight` is that of smoothing as it was asked for, `clock` names an axis of time. Each field sends its form
/// when it is changed.
pub fn style_fields(lang: Lang, style: CurveStyle, weight: &str, clock: &'static str) -> impl IntoView + use<> {
    let option = |value: &str, label: &str, chosen: bool| {
        view! { <option value=value.to_owned() selected=chosen>{label.to_owned()}</option> }
    };
    let other = (!weight.is_empty() && !SMOOTHING_WEIGHTS.contains(&weight)).then(|| option(weight, weight, true));
    let weights = SMOOTHING_WEIGHTS.iter().map(|w| option(w, w, *w == weight)).collect_view();
    let time = style.axis == CurveAxis::Time;
    view! {
        <label><span>{words::curve_axis(lang)}</span>
            <select name="axis" data-go="">{option("", words::curve_axis_step(lang), !time)}{option("time", clock, time)}</select>
        </label>
        <label><span>{words::curve_scale(lang)}</span>
            <select name="scale" data-go="">{option("", words::curve_scale_linear(lang), !style.log_scale)}{option("log", words::curve_scale_log(lang), style.log_scale)}</select>
        </label>
        <label><span>{words::curve_smoothing(lang)}</span>
            <select name="smooth" data-go="">{option("", words::curve_smoothing_none(lang), weight.is_empty())}{weights}{other}</select>
        </label>
    }
}
