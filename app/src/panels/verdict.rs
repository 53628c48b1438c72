//! The numbers of a verdict on a challenger: its word, and the table of metrics with intervals and guard-rails.

use domain::{
    evidence::{Estimand, Judgement, MetricRow, RailResult, RailStanding, Verdict},
    metric::Metric,
    query::Directory,
};
use leptos::prelude::*;

use super::words;
use crate::{
    i18n::Lang,
    ui::fmt::{Fmt, NO_VALUE},
};

/// The picture of an interval, in its own units.
const WIDTH: f64 = 132.0;

/// What the table is made from.
#[derive(Debug, Clone, Copy)]
pub struct VerdictTable<'a> {
    pub fmt: &'a Fmt,
    pub directory: &'a Directory,
    pub judgement: &'a Judgement,
    /// The page that says how numbers are judged.
    pub statistics: &'a str,
}

/// The word of a verdict.
#[must_use]
pub fn word(lang: Lang, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => words::verdict_better(lang),
        Verdict::NotWorse => words::verdict_not_worse(lang),
        Verdict::Worse => words::verdict_worse(lang),
        Verdict::NotDecisive => words::verdict_open(lang),
        Verdict::Unhealthy => words::verdict_unhealthy(lang),
    }
}

/// The word of a verdict, in its colour.
pub fn badge(lang: Lang, verdict: Verdict) -> impl IntoView + use<> {
    let class = match verdict {
        Verdict::Better => "better",
        Verdict::NotWorse => "not-worse",
        Verdict::Worse => "worse",
        Verdict::NotDecisive => "open",
        Verdict::Unhealthy => "unhealthy",
    };
    view! { <strong class=format!("verdict-word {class}")>{word(lang, verdict)}</strong> }
}

/// The table of a judgement; nothing where no site has both sides.
#[must_use]
pub fn table(v: VerdictTable<'_>) -> Option<impl IntoView + use<>> {
    let (lang, j) = (v.fmt.lang, v.judgement);
    let with_value = |m: &&MetricRow| m.estimand == Estimand::Site && m.difference.is_some();
    let rows: Vec<_> = j
        .metrics
        .iter()
        .filter(with_value)
        .map(|site| {
            let (key, tail) = site.metric.split_once(".p").map_or((&*site.metric, None), |(k, p)| (k, Some(p)));
            let metric = v.directory.metric_of_answer(key);
            let fleet = j.metrics.iter().find(|m| m.estimand == Estimand::Fleet && m.metric == site.metric);
            let label = match tail {
                Some(p) => format!("{} p{p}", v.fmt.label(&metric)),
                None => v.fmt.label(&metric),
            };
            let primary =
                (site.metric == j.primary).then(|| view! { " "<span class="tag">{words::decides(lang)}</span> });
            let days = if site.n_days == 0 { NO_VALUE.to_owned() } else { v.fmt.count(site.n_days as u64) };
            view! {
                <tr>
                    <th scope="row">{label}{primary}</th>
                    <td class="num">{figure(v.fmt, Some(site), &metric)}</td>
                    <td class="interval-cell">{picture(site, &metric)}</td>
                    <td class="num">{figure(v.fmt, fleet, &metric)}</td>
                    <td class="num">{v.fmt.count(site.n_sites as u64)}</td>
                    <td class="num">{days}</td>
                    <td>{rails(lang, &j.guard_rails, &site.metric)}</td>
                </tr>
            }
        })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <div class="scroll" role="region" tabindex="0" aria-label=words::verdict_table(lang)>
                <table>
                    <thead><tr>
                        <th scope="col">{words::verdict_metric(lang)}</th>
                        <th scope="col" class="num">{words::typical_site(lang)}</th>
                        <th scope="col"><a href=format!("{}#mean-over-sites-and-its-interval", v.statistics)>{words::interval(lang)}</a></th>
                        <th scope="col" class="num">{words::whole_fleet(lang)}</th>
                        <th scope="col" class="num">{words::n_sites(lang)}</th>
                        <th scope="col" class="num">{words::n_days(lang)}</th>
                        <th scope="col">{words::guard_rail(lang)}</th>
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        }
    })
}

/// A difference with its interval below.
fn figure(fmt: &Fmt, row: Option<&MetricRow>, metric: &Metric) -> impl IntoView + use<> {
    let Some((row, difference)) = row.and_then(|r| Some((r, r.difference?))) else {
        return view! { {NO_VALUE} }.into_any();
    };
    let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
    let bounds = row.low.zip(row.high).map(|(low, high)| fmt.interval(low, high, metric));
    let bounds = bounds.unwrap_or_else(|| words::no_interval(fmt.lang).to_owned());
    view! { {fmt.signed(difference, metric)}{unit}<small class="quiet">{bounds}</small> }.into_any()
}

/// The interval around zero: what is right of it is better. Nothing where there is none.
fn picture(row: &MetricRow, metric: &Metric) -> Option<AnyView> {
    let (difference, low, high) = (row.difference?, row.low?, row.high?);
    let sign = match metric.direction {
        domain::metric::Direction::LowerIsBetter => -1.0,
        _ => 1.0,
    };
    let (low, high) = if sign < 0.0 { (-high, -low) } else { (low, high) };
    let reach = low.abs().max(high.abs());
    if !(reach > 0.0 && reach.is_finite()) {
        return None;
    }
    let x = |v: f64| format!("{:.1}", WIDTH / 2.0 + v / reach * (WIDTH / 2.0 - 6.0));
    let class = if low > 0.0 {
        "better"
    } else if high < 0.0 {
        "worse"
    } else {
        "open"
    };
    let class = if metric.direction == domain::metric::Direction::Neither { "open" } else { class };
    let middle = format!("{:.1}", WIDTH / 2.0);
    Some(
        view! {
            <svg class=format!("interval {class}") viewBox="0 0 132 20" width="132" height="20" aria-hidden="true">
                <line class="zero" x1=middle.clone() x2=middle y1="1" y2="19"></line>
                <line class="bounds" x1=x(low) x2=x(high) y1="10" y2="10"></line>
                <circle cx=x(sign * difference) cy="10" r="3.5"></circle>
            </svg>
        }
        .into_any(),
    )
}

/// How the challenger stands to the guard-rail of a metric, by device where it is about devices.
fn rails(lang: Lang, all: &[RailResult], metric: &str) -> String {
    let word = |r: &RailResult| match r.standing {
        RailStanding::Kept => words::rail_kept(lang),
        RailStanding::Broken => words::rail_broken(lang),
        RailStanding::Undecided => words::rail_undecided(lang),
        RailStanding::Unchecked => words::rail_unchecked(lang),
    };
    let of = all.iter().filter(|r| r.metric == metric);
    let texts: Vec<String> = of
        .map(|r| {
            let place =
                r.place.as_ref().map(|p| p.zone.as_ref().or(p.site.as_ref()).unwrap_or(&p.customer).to_string());
            let at: Vec<String> = place.into_iter().chain(r.device.as_ref().map(ToString::to_string)).collect();
            if at.is_empty() { word(r).to_owned() } else { format!("{}: {}", at.join(", "), word(r)) }
        })
        .collect();
    if texts.is_empty() { NO_VALUE.to_owned() } else { texts.join(" · ") }
}
