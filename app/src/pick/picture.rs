//! The picture of a choice: what is chosen by against what it costs, with the limits of both.

use domain::{
    chart::{Scatter, ScatterLimit, ScatterPoint, scatter_svg},
    choice::{Front, Standing},
};
use leptos::prelude::*;
use usecases::pick::{PickAnswer, PickMeasure};

use super::words;
use crate::{
    panels::curve::{MOST, number_axis},
    shell::plain_query::PlainQuery,
};

/// So many dots are drawn; those that are not dominated always are.
const DRAWN: usize = 1_500;
/// With more candidates intervals lie on each other.
const WITH_INTERVALS: usize = 40;
/// A limit farther from the values than this part of what they span is not drawn: the dots would lie in a corner.
const NEAR: f64 = 1.0;
/// Colours of charts: what is dominated or breaks a limit, what is not dominated, and the chosen one.
const GREY: u8 = 0;
const FRONT: u8 = 1;
const BEST: u8 = 3;

/// The picture with its legend; nothing where there are not two candidates with both values.
pub(super) fn picture(a: &PlainQuery, answer: &PickAnswer) -> Option<AnyView> {
    let lang = a.fmt.lang;
    let (y, x) = (answer.measures.first()?, answer.measures.get(1)?);
    let colour = |at: usize| match (answer.pick.best == Some(at), answer.fronts[at], &answer.pick.standings[at]) {
        (true, ..) => BEST,
        (_, Front::Efficient, Standing::Meets) => FRONT,
        _ => GREY,
    };
    let mut order: Vec<usize> = (0..answer.candidates.len()).collect();
    // What is drawn last lies on top.
    order.sort_by_key(|at| (answer.pick.best == Some(*at), answer.fronts[*at] == Front::Efficient));
    let skipped = order.len().saturating_sub(DRAWN);
    let few = order.len() <= WITH_INTERVALS;
    let dot = |at: usize| {
        let (quality, cost) = (answer.value(at, 0)?, answer.value(at, 1)?);
        if quality.abs() > MOST || cost.abs() > MOST {
            return None;
        }
        let candidate = &answer.candidates[at];
        let (quality_text, cost_text) = (answer.number(0, quality), answer.number(1, cost));
        Some(ScatterPoint {
            name: format!("{} · {} {quality_text} · {} {cost_text}", candidate.name, y.key, x.key),
            group: at,
            colour: colour(at),
            x: cost,
            y: quality,
            half_width: candidate.values[0].and_then(|v| v.half_width).filter(|_| few),
            label: (answer.pick.best == Some(at)).then(|| candidate.name.clone()),
        })
    };
    let dots: Vec<ScatterPoint> = order.into_iter().skip(skipped).filter_map(dot).collect();
    if dots.len() < 2 {
        return None;
    }
    let ends = |d: &ScatterPoint| {
        let half = d.half_width.unwrap_or_default();
        [d.y - half, d.y + half]
    };
    let across: Vec<f64> = dots.iter().map(|d| d.x).collect();
    let upwards: Vec<f64> = dots.iter().flat_map(ends).collect();
    let limits = [limits(answer, 1, &across), limits(answer, 0, &upwards)].concat();
    let with_limits = |values: Vec<f64>, is_across: bool| {
        let bounds: Vec<f64> = limits.iter().filter(|l| l.across == is_across).map(|l| l.at).collect();
        values.into_iter().chain(bounds)
    };
    let present = [BEST, FRONT, GREY].map(|colour| dots.iter().any(|d| d.colour == colour));
    let drawn = Scatter {
        summary: words::picture(lang, &y.key, &x.key, dots.len()),
        x: number_axis(&a.fmt, label(x), with_limits(across, true)),
        y: number_axis(&a.fmt, label(y), with_limits(upwards, false)),
        dots,
        limits,
    };
    let legend =
        [(BEST, words::legend_best(lang)), (FRONT, words::legend_front(lang)), (GREY, words::legend_grey(lang))];
    let legend = legend.into_iter().zip(present).filter(|(_, present)| *present).map(|((colour, text), _)| {
        view! { <li><svg class="swatch" aria-hidden="true" width="14" height="10"><circle class=format!("mark-dot s{colour}") cx="7" cy="5" r="4"></circle></svg>{text}</li> }
    });
    let more =
        (skipped > 0).then(|| view! { <p class="quiet">{words::not_drawn(lang, a.fmt.count(skipped as u64))}</p> });
    Some(
        view! {
            <ul class="legend">{legend.collect_view()}</ul>
            <div class="drawing tall" inner_html=scatter_svg(&drawn)></div>
            {more}
        }
        .into_any(),
    )
}

fn label(m: &PickMeasure) -> String {
    let unit = &*m.metric.unit;
    if unit.is_empty() { m.key.clone() } else { format!("{} ({unit})", m.key) }
}

/// The limits of a measure that lie near its values: of the first one across the picture, of the second one from its top to its bottom.
fn limits(answer: &PickAnswer, measure: usize, values: &[f64]) -> Vec<ScatterLimit> {
    let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let reach = (high - low) * NEAR;
    let of = answer.limits.iter().filter(|l| l.measure == measure && (low - reach..=high + reach).contains(&l.bound));
    of.map(|l| ScatterLimit { across: measure == 1, at: l.bound, label: answer.limit_text(l) }).collect()
}
