//! How parameters go with the chosen metric: rank correlations, with their caution, and two columns against each other.

use domain::{
    chart::{Scatter, ScatterPoint, scatter_svg},
    tracking::{Column, Reading, Value, filter::number_of},
};
use leptos::prelude::*;
use usecases::tracking::RunComparison;

use super::{asked::Asked, colours::colours, words};
use crate::{
    panels::{
        curve::{MOST, number, number_axis},
        tracking::run_name,
    },
    shell::plain_query::PlainQuery,
};

/// So many correlations are listed.
const LISTED: usize = 12;

/// Both, side by side.
pub(super) fn section(a: &PlainQuery, asked: &Asked, c: &RunComparison, offered: &[Column]) -> impl IntoView + use<> {
    view! { <div class="pairs">{correlations(a, c)}{scatter(a, asked, c, offered)}</div> }
}

fn correlations(a: &PlainQuery, c: &RunComparison) -> Option<AnyView> {
    let lang = a.fmt.lang;
    let metric = c.metric.as_ref()?.to_string();
    let row = |p: &domain::tracking::ParamCorrelation| {
        let rho = p.correlation.rho;
        let name = match &p.higher {
            Some(text) => format!("{} = {text}", p.key),
            None => p.key.to_string(),
        };
        let sign = if rho < 0.0 { "−" } else { "+" };
        // From the middle to the left or to the right, in percent of the bar.
        let (x, width) = if rho < 0.0 { (50.0 + rho * 50.0, -rho * 50.0) } else { (50.0, rho * 50.0) };
        let href = a.with(&[("x", Some(Column::Param(p.key.clone()).to_string())), ("y", None)]);
        view! {
            <tr>
                <th scope="row"><a data-noscroll="" href=href><bdi>{name}</bdi></a></th>
                <td class="num">{format!("{sign}{}", a.fmt.decimal(rho.abs(), 2))}</td>
                <td><svg class="bar" aria-hidden="true" width="100" height="10"><line class="grid" x1="50" x2="50" y1="0" y2="10"></line><rect x=format!("{x:.1}") y="2" width=format!("{width:.1}") height="6"></rect></svg></td>
                <td class="num">{a.fmt.count(p.correlation.n as u64)}</td>
            </tr>
        }
    };
    let rows: Vec<_> = c.correlations.iter().take(LISTED).map(row).collect();
    let content = if rows.is_empty() {
        view! { <p class="quiet">{words::no_correlation(lang)}</p> }.into_any()
    } else {
        view! {
            <div class="scroll" role="region" tabindex="0" aria-label=words::correlation(lang, &metric)>
                <table>
                    <thead><tr>
                        <th scope="col">{words::parameter(lang)}</th><th scope="col" class="num">"ρ"</th>
                        <th scope="col"><span class="said">{words::correlation(lang, &metric)}</span></th><th scope="col" class="num">"n"</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    let caution = (!c.correlations.is_empty()).then(|| {
        let n = c.correlations.iter().map(|p| p.correlation.n).max().unwrap_or_default();
        view! { <p class="quiet">{words::caution(lang, n)}</p> }
    });
    Some(view! { <section class="card runs"><h2><bdi>{words::correlation(lang, &metric)}</bdi></h2>{content}{caution}</section> }.into_any())
}

/// What of a column can be put on an axis.
pub(super) fn numbers(a: &PlainQuery, c: &RunComparison, column: &Column) -> Vec<Option<f64>> {
    let column = a.metric_names.settled(column);
    let of = |run: &domain::tracking::Run| match column.value(run)? {
        Value::Number(x) => Some(x),
        Value::Time(t) => Some(t.0 as f64),
        Value::Text(text) => number_of(text),
        Value::Status(_) => None,
    };
    c.runs.iter().map(|run| of(run).filter(|x: &f64| x.abs() <= MOST)).collect()
}

/// Columns of which at least two runs have numbers that differ: metrics, then parameters.
pub(super) fn numeric(a: &PlainQuery, c: &RunComparison) -> Vec<Column> {
    let metrics = c.rows.metrics.iter().filter(|m| m.differs).map(|m| Column::Metric(m.key.clone(), Reading::Last));
    let params = c.rows.params.iter().filter(|p| p.differs).map(|p| Column::Param(p.key.clone()));
    let varies = |column: &Column| {
        let mut values = numbers(a, c, column).into_iter().flatten();
        let first = values.next();
        values.any(|v| Some(v) != first)
    };
    metrics.chain(params).filter(varies).collect()
}

fn scatter(a: &PlainQuery, asked: &Asked, c: &RunComparison, offered: &[Column]) -> Option<AnyView> {
    let lang = a.fmt.lang;
    let chosen = c.metric.as_ref().map(|m| Column::Metric(m.clone(), Reading::Last));
    let y = asked.y.clone().or(chosen).or_else(|| offered.first().cloned())?;
    let strongest = c.correlations.iter().find(|p| p.higher.is_none()).map(|p| Column::Param(p.key.clone()));
    let x = asked.x.clone().or(strongest).or_else(|| offered.iter().find(|o| **o != y).cloned())?;
    let colours = colours(c);
    let (xs, ys) = (numbers(a, c, &x), numbers(a, c, &y));
    let dots: Vec<ScatterPoint> = xs
        .iter()
        .zip(&ys)
        .enumerate()
        .filter_map(|(at, (x_value, y_value))| {
            let (x_value, y_value) = ((*x_value)?, (*y_value)?);
            let name = run_name(&c.runs[at]);
            let told =
                format!("{name} · {} {} · {} {}", x.key(), number(&a.fmt, x_value), y.key(), number(&a.fmt, y_value));
            Some(ScatterPoint {
                name: told,
                group: at,
                colour: colours[at],
                x: x_value,
                y: y_value,
                half_width: None,
                label: None,
            })
        })
        .collect();
    let options = |chosen: &Column| {
        let mut all = offered.to_vec();
        if !all.contains(chosen) {
            all.push(chosen.clone());
        }
        let option = |column: Column| view! { <option value=column.to_string() selected=column == *chosen>{column.key().to_owned()}</option> };
        all.into_iter().map(option).collect_view()
    };
    let title = words::scatter(lang, y.key(), x.key());
    let picture = if dots.len() < 2 {
        view! { <p class="quiet">{words::scatter_none(lang, dots.len())}</p> }.into_any()
    } else {
        let drawn = Scatter {
            summary: words::scatter_sentence(lang, &title, dots.len()),
            x: number_axis(&a.fmt, x.key().to_owned(), dots.iter().map(|d| d.x)),
            y: number_axis(&a.fmt, y.key().to_owned(), dots.iter().map(|d| d.y)),
            dots,
            limits: vec![],
        };
        view! { <div class="drawing tall" inner_html=scatter_svg(&drawn)></div> }.into_any()
    };
    Some(
        view! {
            <section class="card chart">
                <h2><bdi>{title}</bdi></h2>
                <form class="filters" method="get" action=a.path.clone()>
                    {a.hidden_without(&["x", "y"])}
                    <label><span>{words::axis_x(lang)}</span><select name="x" data-go="">{options(&x)}</select></label>
                    <label><span>{words::axis_y(lang)}</span><select name="y" data-go="">{options(&y)}</select></label>
                    <noscript><button class="button" type="submit">{words::apply(lang)}</button></noscript>
                </form>
                {picture}
            </section>
        }
        .into_any(),
    )
}
