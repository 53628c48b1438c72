//! Curves of one metric over the runs, in one picture.

use std::sync::Arc;

use domain::{Result, metric::Metric, tracking::Run};
use leptos::prelude::*;
use usecases::tracking::{HistoryAnswer, RunComparison};

use super::{
    asked::Asked,
    colours::{COLOURS, colours},
    words,
};
use crate::{
    panels::{
        curve_form,
        overlay::{RunCurve, overlay},
        tracking::run_name,
    },
    shell::{context::Services, plain_query::PlainQuery},
    ui::chart::{Chart, PictureTools},
};

/// So many points of a history are drawn from; smoothing is done over all of them.
const POINTS: usize = 6_000;

/// A run with its curve.
struct Curve {
    name: String,
    colour: u8,
    history: HistoryAnswer,
}

/// The picture with what is chosen of it; nothing where no run has more than one point of any metric.
pub(super) fn section(
    services: &Services,
    a: &PlainQuery,
    asked: &Asked,
    c: &RunComparison,
) -> Result<Option<AnyView>> {
    let lang = a.fmt.lang;
    let has_curve =
        |run: &Run, key: &str| run.metric(key).is_some_and(|m| m.extremes.map_or(m.step != 0, |e| e.points > 1));
    let keys: Vec<String> = c
        .rows
        .metrics
        .iter()
        .filter(|m| c.runs.iter().any(|run| has_curve(run, &m.key)))
        .map(|m| m.key.to_string())
        .collect();
    let wanted = asked.curve.as_deref().or(c.metric.as_deref());
    let Some(key) = wanted.filter(|w| keys.iter().any(|k| k == w)).or(keys.first().map(String::as_str)) else {
        return Ok(None);
    };
    let colours = colours(c);
    // The baseline first, and as many others as there are colours, in the order of the table.
    let order = std::iter::once(c.baseline).chain((0..c.runs.len()).filter(|at| *at != c.baseline));
    let with: Vec<usize> = order.filter(|at| has_curve(&c.runs[*at], key)).collect();
    let points = if asked.style.smoothing > 0.0 { usize::MAX } else { POINTS };
    let mut curves: Vec<Curve> = vec![];
    let mut pending = 0;
    for at in with.iter().copied().take(COLOURS) {
        let run: &Arc<Run> = &c.runs[at];
        let history = services.runs.history(run.id.as_str(), key, points)?;
        pending += usize::from(history.pending);
        if !history.pending {
            let colour = if colours[at] == 0 { COLOURS as u8 } else { colours[at] };
            curves.push(Curve { name: run_name(run), colour, history });
        }
    }
    let drawn: Vec<RunCurve<'_>> =
        curves.iter().map(|c| RunCurve { run: &c.name, colour: c.colour, points: &c.history.points }).collect();
    let mut described = a.metric_names.of(key).catalogue.unwrap_or_else(|| Metric::uncatalogued(key));
    (described.label, described.label_ko) = (key.to_owned().into(), key.to_owned().into());
    let picture = if drawn.is_empty() {
        None
    } else {
        let mut chart = overlay(
            &a.fmt,
            &described,
            &drawn,
            asked.style,
            PictureTools { file: key.to_owned(), ..PictureTools::default() },
        )?;
        if with.len() > COLOURS {
            chart.note = words::curves_some(lang, COLOURS, with.len());
        }
        let names = curves.iter().map(|c| {
            view! { <li><svg class="swatch" aria-hidden="true" width="14" height="8"><line class=format!("line s{}", c.colour) x1="0" x2="14" y1="4" y2="4"></line></svg><bdi>{c.name.clone()}</bdi></li> }
        });
        let names: Vec<_> = names.collect();
        Some(view! { <Chart chart lang/><ul class="legend">{names}</ul> })
    };
    let waiting = (pending > 0).then(|| {
        view! { <p role="status">{words::curves_pending(lang, pending)}" "<a href=a.with(&[])>{words::look_again(lang)}</a></p> }
    });
    Ok(Some(
        view! {
            <section aria-labelledby="curves">
                <h2 id="curves">{words::curves(lang)}</h2>
                {form(a, asked, &keys, key)}
                {waiting}
                {picture}
            </section>
        }
        .into_any(),
    ))
}

fn form(a: &PlainQuery, asked: &Asked, keys: &[String], key: &str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let option = |value: &str, label: &str, chosen: bool| {
        view! { <option value=value.to_owned() selected=chosen>{label.to_owned()}</option> }
    };
    let metrics = keys.iter().map(|k| option(k, k, k == key)).collect_view();
    view! {
        <form class="filters" method="get" action=a.path.clone()>
            {a.hidden_without(&[&curve_form::KEYS[..], &["curve"]].concat())}
            <label><span>{words::curve(lang)}</span><select name="curve" data-go="">{metrics}</select></label>
            {curve_form::style_fields(lang, asked.style, a.get("smooth").unwrap_or_default(), words::axis_time(lang))}
            <noscript><button class="button" type="submit">{words::apply(lang)}</button></noscript>
        </form>
    }
}
