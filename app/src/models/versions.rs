//! The versions of a model: a table, newest first, and how their metric moved from one to the next.

use domain::{
    chart::{Axis, Chart, ColourMode, Point, Series, WidthMode, svg, value_ticks},
    metric::Metric,
    registry::{ModelVersion, RegistryModel, Version},
    time::{Millis, TimeRange},
};
use leptos::prelude::*;

use super::{
    common::{PageContext, alias_tags, stage_mark, status_tag, v, version_link},
    field::{self, FieldRecords, FieldVersion},
    sentences, words,
};
use crate::{
    panels::{
        curve::number,
        tracking::{moment, run_name},
    },
    shell::addresses,
    ui::{
        fmt::NO_VALUE,
        links,
        pages::{self, Paging},
    },
};

/// So many versions are on a page.
pub(super) const PAGE_ROWS: usize = 50;
/// So many versions are in the chart, the newest of those with records.
const CHART_VERSIONS: usize = 24;
/// Half of the width of an interval's bar; versions are 1,000 apart.
const BAR: i64 = 24;
/// How many ticks the axis of values has, about.
const TICKS: usize = 4;

/// The table of versions.
pub(super) fn section(p: &mut PageContext<'_>, model: &RegistryModel, records: &FieldRecords) -> AnyView {
    let total = model.versions.len();
    let mut page = p.a.understand("page", pages::read).unwrap_or(1);
    if page > 1 && (page - 1) * PAGE_ROWS >= total {
        p.a.refuse("page", sentences::no_page(total, page));
        page = 1;
    }
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let shown = model.versions.values().rev().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS);
    let primary = records.metric(&model.name).cloned();
    let rows: Vec<_> = shown.map(|version| row(p, model, version, records, primary.as_ref())).collect();
    let paging = Paging { page, size: PAGE_ROWS, total, label: words::pages_of_versions(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page), ("done", None), ("operation", None)]));
    let mut heads = vec![
        words::col_version(lang),
        words::col_stage(lang),
        words::col_aliases(lang),
        words::col_run(lang),
        words::col_of_run(lang),
        words::col_of_fleet(lang),
        words::col_created(lang),
        words::col_by(lang),
        words::col_description(lang),
    ];
    heads.extend(p.may.then(|| words::col_acts(lang)));
    let heads: Vec<_> = heads.into_iter().map(|head| view! { <th scope="col">{head}</th> }).collect();
    let json = format!("/api/models/{}/versions", links::encode(model.name.as_str()));
    view! {
        <section class="card models" aria-labelledby="versions">
            <h2 id="versions">{words::versions(lang)}</h2>
            <div class="scroll" role="region" tabindex="0" aria-label=words::versions(lang)>
                <table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
            </div>
            <footer>{pager}<span class="quiet">{words::fleet_is(lang, field::DAYS)}</span><a class="tool" href=json rel="external">"JSON"</a></footer>
        </section>
    }
    .into_any()
}

/// The metric of a version's run, by the rule that says which metric of the catalogue a name is.
pub(super) fn of_run(p: &PageContext<'_>, version: &ModelVersion, primary: Option<&Metric>) -> AnyView {
    let run = version.run.as_deref().and_then(|id| p.services.runs.known(id));
    let Some(run) = run else { return NO_VALUE.into_any() };
    let wanted = primary.map_or("mAP50", |m| &*m.key);
    let found = run.metrics.iter().find(|m| p.a.metric_names.of(&m.key).catalogue.is_some_and(|c| c.key == wanted));
    match found {
        Some(metric) => {
            view! { {number(&p.a.fmt, metric.value)}<small class="quiet"><bdi>{metric.key.to_string()}</bdi></small> }
                .into_any()
        }
        None => NO_VALUE.into_any(),
    }
}

/// The run that made a version.
pub(super) fn run_link(p: &PageContext<'_>, version: &ModelVersion) -> AnyView {
    let Some(id) = version.run.as_deref().filter(|run| !run.is_empty()) else { return NO_VALUE.into_any() };
    match p.services.runs.known(id) {
        Some(run) => view! { <a href=p.a.to(&addresses::run(&run.id))><bdi>{run_name(&run)}</bdi></a> }.into_any(),
        None => view! { <code>{id.to_owned()}</code> }.into_any(),
    }
}

fn row(
    p: &PageContext<'_>,
    model: &RegistryModel,
    version: &ModelVersion,
    records: &FieldRecords,
    primary: Option<&Metric>,
) -> impl IntoView + use<> {
    let (a, lang, n) = (&p.a, p.lang(), version.version);
    let acts = p.may.then(|| {
        let champion = model.champion() == Some(n) && !model.disagrees();
        let act = |href: String, label: &'static str, name: String| {
            view! { <a class="act" href=href aria-label=name>{label}</a> }
        };
        let promote = (!champion).then(|| {
            let pairs = [("version".to_owned(), n.to_string()), ("to".to_owned(), "production".to_owned())];
            let href = links::href(&addresses::model_promote(model.name.as_str()), &pairs);
            act(href, words::promote(lang), words::promote_name(lang, v(n)))
        });
        let challenge = (model.champion() != Some(n) && model.challenger() != Some(n)).then(|| {
            let href = a.with(&[("version", Some(n.to_string())), ("done", None), ("operation", None)]);
            act(format!("{href}#challenger"), words::make_challenger(lang), words::challenger_name(lang, v(n)))
        });
        view! { <td class="acts-of">{promote}{challenge}</td> }
    });
    let by = if version.created_by.is_empty() { NO_VALUE.to_owned() } else { version.created_by.clone() };
    view! {
        <tr>
            <th scope="row">{version_link(a, &model.name, n)}{status_tag(lang, version.status)}</th>
            <td>{stage_mark(lang, version.stage)}</td>
            <td>{alias_tags(model.aliases_of(n))}</td>
            <td>{run_link(p, version)}</td>
            <td>{of_run(p, version, primary)}</td>
            <td>{field::cell(&a.fmt, records.version(&model.name, n))}</td>
            <td>{moment(&a.fmt, Some(version.created), a.now)}</td>
            <td><bdi>{by}</bdi></td>
            <td class="long"><bdi>{version.description.clone()}</bdi></td>
            {acts}
        </tr>
    }
}

/// The metric by version, with its interval; nothing where fewer than two versions have records.
pub(super) fn chart(p: &PageContext<'_>, model: &RegistryModel, records: &FieldRecords) -> Option<AnyView> {
    let (fmt, lang) = (&p.a.fmt, p.lang());
    let metric = records.metric(&model.name)?;
    let known = |version: &Version| -> Option<(Version, &field::FieldValue)> {
        let FieldVersion { value, .. } = records.version(&model.name, *version)?;
        Some((*version, value.as_ref().filter(|v| v.metric.key == metric.key)?))
    };
    let mut values: Vec<_> = model.versions.keys().rev().filter_map(known).take(CHART_VERSIONS).collect();
    values.reverse();
    if values.len() < 2 {
        return None;
    }
    // Versions at equal distances, each in the middle of a place of its own.
    let at = |i: usize| Millis(i as i64 * 1_000 + 500);
    let ends = values.iter().flat_map(|(_, f)| [f.value - f.half.unwrap_or(0.0), f.value + f.half.unwrap_or(0.0)]);
    let (low, high) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(x), h.max(x)));
    let (ticks, digits) = value_ticks(low, high, TICKS);
    let label = fmt.label(metric);
    let texts: Vec<String> = values
        .iter()
        .map(|(version, f)| format!("{} {}", v(*version), fmt.decimal(f.value, metric.precision)))
        .collect();
    let summary = words::by_version_sentence(lang, &label, texts.join(", "));
    // Versions are no course of time: each is a dot on the bar of its interval.
    let series = values.iter().enumerate().map(|(i, (_, f))| Series {
        name: label.clone(),
        colour: 1,
        points: vec![Point::new(at(i), f.value, f.n)],
        band: f.half.map_or_else(Vec::new, |half| {
            [-BAR, BAR].map(|side| (at(i).plus(side), f.value - half, f.value + half)).into()
        }),
        end_label: String::new(),
        shift: 0,
    });
    let described = Chart {
        summary: summary.clone(),
        range: TimeRange::new(Millis(0), Millis(values.len() as i64 * 1_000)).ok()?,
        step: 1_000,
        x_ticks: values.iter().enumerate().map(|(i, (version, _))| (at(i), v(*version))).collect(),
        y: Axis { label: label.clone(), ticks: ticks.into_iter().map(|t| (t, fmt.decimal(t, digits))).collect() },
        series: series.collect(),
        thresholds: vec![],
        markers: vec![],
    };
    let drawn = svg(&described, ColourMode::Page, WidthMode::Fluid);
    Some(
        view! {
            <figure class="card chart by-version">
                <h2>{words::by_version(lang, label)}</h2>
                <div class="drawing" inner_html=drawn></div>
                <figcaption>{summary}</figcaption>
            </figure>
        }
        .into_any(),
    )
}
