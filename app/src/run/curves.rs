//! The curves of a run: one small picture a metric that has more than one point.

use domain::{
    Result,
    tracking::{Run, RunMetric, RunMetricNames},
};
use leptos::prelude::*;
use usecases::tracking::HistoryAnswer;

use super::{html::fits, words};
use crate::{
    panels::{
        curve::{CurveStyle, curve},
        curve_form,
        tracking::age,
    },
    shell::plain_query::PlainQuery,
    ui::chart::{Chart, PictureTools},
};

/// So many pictures are on a page.
pub(super) const CURVES: usize = 12;
/// So many points of a history are drawn from, far more than a picture has columns; smoothing is done over all of them.
const POINTS: usize = 6_000;

/// The metrics that have a curve, as far as that is known without their history, and whose names contain `find`.
pub(super) fn with_curves<'r>(names: &RunMetricNames, run: &'r Run, find: &str) -> Vec<&'r RunMetric> {
    let has = |m: &&RunMetric| m.extremes.map_or(m.step != 0, |e| e.points > 1);
    let mut metrics: Vec<&RunMetric> = run.metrics.iter().filter(has).filter(|m| fits(&m.key, find)).collect();
    // What the catalogue knows by name comes first: that is what a run is judged by.
    metrics.sort_by_cached_key(|m| names.of(&m.key).catalogue.is_none());
    metrics
}

/// How the curves are drawn, and which.
pub(super) fn form(a: &PlainQuery, style: CurveStyle, find: &str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    view! {
        <form class="filters" method="get" action=a.path.clone()>
            {a.hidden_without(&[&curve_form::KEYS[..], &["find", "page"]].concat())}
            <label><span>{words::find(lang)}</span><input name="find" type="search" value=find.to_owned() autocomplete="off" spellcheck="false"/></label>
            {curve_form::style_fields(lang, style, a.get("smooth").unwrap_or_default(), words::axis_time(lang))}
            <button class="button" type="submit">{words::apply(lang)}</button>
        </form>
    }
}

/// How many points of a history the style needs.
pub(super) fn points(style: CurveStyle) -> usize {
    if style.smoothing > 0.0 { usize::MAX } else { POINTS }
}

/// One picture, or why it is not there yet.
pub(super) fn figure(
    a: &PlainQuery,
    run: &Run,
    metric: &RunMetric,
    history: &HistoryAnswer,
    style: CurveStyle,
) -> Result<AnyView> {
    let lang = a.fmt.lang;
    if history.pending {
        return Ok(waiting(a, metric, history));
    }
    let mut described =
        history.name.catalogue.clone().unwrap_or_else(|| domain::metric::Metric::uncatalogued(&metric.key));
    // As the run calls it: `val/mAP50` and `train/mAP50` are two curves.
    (described.label, described.label_ko) = (metric.key.to_string().into(), metric.key.to_string().into());
    let tools = PictureTools { file: metric.key.to_string(), ..PictureTools::default() };
    let mut chart = curve(&a.fmt, &described, &history.points, history.total, style, tools)?;
    let growing = history.as_of.filter(|_| !history.complete && !run.status.is_over());
    if let Some(at) = growing {
        chart.note = format!("{} {}", chart.note, words::growing(lang, age(&a.fmt, a.now.0 - at.0))).trim().to_owned();
    }
    if let Some(why) = &history.error {
        chart.note = format!("{} {}", chart.note, words::waiting_failed(lang, why)).trim().to_owned();
    }
    Ok(view! { <Chart chart lang/> }.into_any())
}

fn waiting(a: &PlainQuery, metric: &RunMetric, history: &HistoryAnswer) -> AnyView {
    let lang = a.fmt.lang;
    let text = match &history.error {
        Some(why) => words::waiting_failed(lang, why),
        None => words::waiting(lang).to_owned(),
    };
    let again = a.with(&[]);
    view! {
        <section class="card waiting">
            <h2><bdi>{metric.key.to_string()}</bdi></h2>
            <p role="status">{text}</p>
            <p><a href=again>{words::waiting_look(lang)}</a></p>
        </section>
    }
    .into_any()
}
