//! Parallel coordinates over parameters and metrics, the ones that tell most beside the chosen metric, and brushes that grey what lies
//! outside of a range.

use domain::{
    chart::{ParallelAxis, ParallelCoordinates, ParallelLine, parallel_svg},
    metric::Direction,
    tracking::{Column, Reading},
};
use leptos::prelude::*;
use usecases::tracking::RunComparison;

use super::{asked::Asked, colours::colours, relations::numbers, words};
use crate::{
    panels::{curve::number, tracking::run_name},
    shell::plain_query::PlainQuery,
    ui::form::hidden_fields,
};

/// So many runs within all ranges are named.
const NAMED: usize = 5;
/// Axes that fit side by side.
const MAX_AXES: usize = 7;

/// The colour of what lies outside of a range: fainter than runs without a colour of their own.
const OUTSIDE: u8 = 9;

/// An axis with the values of the runs.
struct Shown {
    column: Column,
    values: Vec<Option<f64>>,
    low: f64,
    high: f64,
}

/// The axes that go most with the chosen metric, then other metrics; the chosen metric last. One that is brushed keeps its place, and has one
/// where it would not otherwise.
fn axes(a: &PlainQuery, asked: &Asked, c: &RunComparison, all: &[Column]) -> Vec<Shown> {
    let chosen = c.metric.as_ref().map(|m| Column::Metric(m.clone(), Reading::Last));
    let brushed = asked.brushes.iter().map(|b| b.column.clone());
    let params = c.correlations.iter().filter(|p| p.higher.is_none()).map(|p| Column::Param(p.key.clone()));
    let known =
        |column: &&Column| matches!(column, Column::Metric(key, _) if a.metric_names.of(key).catalogue.is_some());
    let metrics = all.iter().filter(known).chain(all.iter().filter(|c| !known(c))).cloned();
    let mut columns: Vec<Column> = vec![];
    let most = MAX_AXES - usize::from(chosen.is_some());
    let fits = |column: &Column, columns: &[Column]| {
        Some(column) != chosen.as_ref() && !columns.contains(column) && all.contains(column)
    };
    for column in params.chain(metrics) {
        if fits(&column, &columns) && columns.len() < most {
            columns.push(column);
        }
    }
    for column in brushed {
        if fits(&column, &columns) {
            let is_brushed = |c: &Column| asked.brushes.iter().any(|b| b.column == *c);
            // In the place of the last one without a range.
            if columns.len() >= most
                && let Some(last) = columns.iter().rposition(|c| !is_brushed(c))
            {
                columns.remove(last);
            }
            columns.push(column);
        }
    }
    columns.extend(chosen.filter(|c| all.contains(c)));
    let shown = |column: Column| {
        let values = numbers(a, c, &column);
        let ends = values.iter().flatten().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
        Shown { column, values, low: ends.0, high: ends.1 }
    };
    columns.into_iter().map(shown).collect()
}

/// Whether a run lies within all brushes; one without a value lies outside.
fn within(a: &PlainQuery, asked: &Asked, c: &RunComparison) -> Vec<bool> {
    let mut inside = vec![true; c.runs.len()];
    for brush in &asked.brushes {
        let values = numbers(a, c, &brush.column);
        for (inside, value) in inside.iter_mut().zip(values) {
            *inside &= value.is_some_and(|v| (brush.low..=brush.high).contains(&v));
        }
    }
    inside
}

/// The picture with its brushes over columns of `all`, which have numbers; nothing where fewer than two axes have numbers that differ.
pub(super) fn section(a: &PlainQuery, asked: &Asked, c: &RunComparison, all: &[Column]) -> Option<AnyView> {
    let lang = a.fmt.lang;
    let axes = axes(a, asked, c, all);
    if axes.len() < 2 {
        return None;
    }
    let colours = colours(c);
    let inside = within(a, asked, c);
    let drawn_axes = axes.iter().map(|axis| {
        let lower = matches!(&axis.column, Column::Metric(key, _) if a.metric_names.of(key).direction == Direction::LowerIsBetter);
        let (bottom, top) = if lower { (axis.high, axis.low) } else { (axis.low, axis.high) };
        ParallelAxis {
            label: axis.column.key().to_owned(),
            bottom: (bottom, number(&a.fmt, bottom)),
            top: (top, number(&a.fmt, top)),
            brush: asked.brushes.iter().find(|b| b.column == axis.column).map(|b| (b.low, b.high)),
        }
    });
    // Those outside first: what counts lies above them.
    let mut order: Vec<usize> = (0..c.runs.len()).collect();
    order.sort_by_key(|at| (inside[*at], *at == c.baseline));
    let line = |at: usize| ParallelLine {
        name: run_name(&c.runs[at]),
        colour: if inside[at] { colours[at] } else { OUTSIDE },
        values: axes.iter().map(|axis| axis.values[at]).collect(),
    };
    let picture = ParallelCoordinates {
        summary: words::parallel_sentence(lang, axes.len(), c.runs.len()),
        axes: drawn_axes.collect(),
        lines: order.into_iter().map(line).collect(),
    };
    let left = inside.iter().filter(|i| **i).count();
    let told = (!asked.brushes.is_empty()).then(|| {
        let mut names: Vec<String> =
            (0..c.runs.len()).filter(|at| inside[*at]).map(|at| run_name(&c.runs[at])).take(NAMED).collect();
        names.extend((left > NAMED).then(|| "…".to_owned()));
        let ids = (0..c.runs.len()).filter(|at| inside[*at]).map(|at| c.runs[at].id.to_string()).collect::<Vec<_>>();
        let only = (ids.len() >= 2 && ids.len() < c.runs.len()).then(|| {
            let baseline = a.get("baseline").filter(|b| ids.iter().any(|id| id == b)).map(str::to_owned);
            let href = a.with(&[("ids", Some(ids.join(","))), ("brush", None), ("baseline", baseline)]);
            view! { " "<a href=href>{words::only_these(lang)}</a> }
        });
        view! {
            <p role="status"><bdi>{words::brushed(lang, left, c.runs.len(), names.join(", "))}</bdi>{only}
                " "<a data-noscroll="" href=a.with(&[("brush", None)])>{words::brush_none(lang)}</a></p>
        }
    });
    // For dragging along an axis: which column it is, and the values at its bottom and at its top.
    let ends = |axis: &domain::chart::ParallelAxis| serde_json::json!([axis.bottom.0, axis.top.0]);
    let dragged: Vec<_> = axes
        .iter()
        .zip(&picture.axes)
        .map(|(axis, drawn)| serde_json::json!([axis.column.to_string(), ends(drawn)]))
        .collect();
    let dragged = serde_json::Value::from(dragged).to_string();
    let forms: Vec<_> = axes.iter().map(|axis| brush_form(a, asked, axis)).collect();
    Some(
        view! {
            <section class="card chart" aria-labelledby="parallel">
                <h2 id="parallel">{words::parallel(lang)}</h2>
                <p class="quiet">{words::parallel_help(lang)}</p>
                {told}
                <div class="scroll-x" role="region" tabindex="0" aria-label=words::parallel(lang)>
                    <div class="drawing tall parallel" data-axes=dragged inner_html=parallel_svg(&picture)></div>
                </div>
                <details class="more"><summary>{words::brush_by_numbers(lang)}</summary><div class="brushes">{forms}</div></details>
            </section>
        }
        .into_any(),
    )
}

/// The range of one axis as two numbers; what is left empty is open.
fn brush_form(a: &PlainQuery, asked: &Asked, axis: &Shown) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let current = asked.brushes.iter().find(|b| b.column == axis.column);
    let others = asked.brushes.iter().filter(|b| b.column != axis.column).map(|b| ("brush".to_owned(), b.written()));
    let kept: Vec<_> = a.pairs_without(&["brush"]).into_iter().chain(others).collect();
    let end = |v: Option<f64>| v.filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default();
    let (low, high) = (end(current.map(|b| b.low)), end(current.map(|b| b.high)));
    let column = axis.column.to_string();
    let key = axis.column.key().to_owned();
    let (from, to) = (words::brush_from(lang, &key), words::brush_to(lang, &key));
    view! {
        <form class="filters" method="get" action=a.path.clone()>
            {hidden_fields(kept)}
            <input type="hidden" name="brush_of" value=column/>
            <span><bdi>{key}</bdi></span>
            <input type="number" step="any" name="brush_low" aria-label=from placeholder=number(&a.fmt, axis.low) value=low/>
            <input type="number" step="any" name="brush_high" aria-label=to placeholder=number(&a.fmt, axis.high) value=high/>
            <button class="button" type="submit">{words::apply(lang)}</button>
        </form>
    }
}
