//! The limits of a choice, each a form of its own: a field, and where scripts run a slider over the values that candidates have.

use domain::choice::LimitSide;
use leptos::prelude::*;
use usecases::pick::{Bound, LimitQuery, PickAnswer};

use super::{
    asked::{Asked, side_word},
    words,
};
use crate::shell::plain_query::PlainQuery;

/// A slider has about so many steps.
const SLIDER_STEPS: usize = 200;

/// The limits that are asked for.
pub(super) fn given(a: &PlainQuery, asked: &Asked, answer: &PickAnswer) -> Vec<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let form = |(at, limit): (usize, &LimitQuery)| {
        let text = limit.to_string();
        let remove = words::remove(lang, text.replace("<=", " ≤ ").replace(">=", " ≥ "));
        let bound = text.rsplit_once('=').map(|b| b.1.to_owned()).unwrap_or_default();
        let sign = if limit.side == LimitSide::AtMost { " ≤" } else { " ≥" };
        let (name, metric) = (limit.metric.clone(), limit.metric.clone());
        view! {
            <form class="filters limit" method="get" action=a.path.clone()>
                {a.hidden_without(&[])}
                <input type="hidden" name="limit_of" value=metric/><input type="hidden" name="limit_side" value=side_word(limit.side)/>
                <label><span><bdi>{name}</bdi>{sign}</span><input name="limit_bound" value=bound size="9" autocomplete="off"/></label>
                {slider(a, limit, at, answer)}
                <button class="button" type="submit">{words::apply(lang)}</button>
                <a class="act" data-noscroll="" href=asked.without(a, at) title=remove.clone() aria-label=remove>"×"</a>
            </form>
        }
    };
    asked.limits.iter().enumerate().map(form).collect()
}

/// A slider from the lowest to the highest value that a candidate has; beside the baseline it tells how far from its value. It has no name:
/// `app/elements/drawn.ts` writes what it tells into the field before it.
fn slider(a: &PlainQuery, limit: &LimitQuery, at: usize, answer: &PickAnswer) -> Option<impl IntoView + use<>> {
    let read = answer.limits.get(at)?;
    let (base, now) = match limit.bound {
        Bound::Value(v) => (None, v),
        Bound::FromBaseline(offset) => (Some(read.bound - offset), offset),
    };
    let values =
        (0..answer.candidates.len()).filter_map(|c| answer.value(c, read.measure)).map(|v| v - base.unwrap_or(0.0));
    let (low, high) = values.chain([now]).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    // One value is no range.
    if high <= low {
        return None;
    }
    let (ticks, digits) = domain::chart::value_ticks(low, high, SLIDER_STEPS);
    let ((first, last), step) = (ticks.first().zip(ticks.last())?, ticks.get(1)? - ticks.first()?);
    let write = |v: f64| format!("{v:.*}", usize::from(digits));
    let label = words::slider(a.fmt.lang, &limit.metric);
    let mark = base.map(|_| "base");
    Some(view! {
        <input class="scripted" type="range" min=write(*first) max=write(*last) step=write(step) value=write(now) data-slides=mark.unwrap_or("") aria-label=label/>
    })
}
