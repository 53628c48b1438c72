//! Writes the overview of a run: what it is, its metrics, parameters and tags.

use std::sync::Arc;

use domain::{
    ports::MadeByRun,
    tracking::{Run, RunMetric, Text, exact_text},
};
use leptos::prelude::*;

use super::words;
use crate::{
    panels::{
        curve::number,
        tracking::{moment, run_duration, status_mark},
    },
    shell::plain_query::PlainQuery,
    ui::{fmt::NO_VALUE, menu::Link},
};

/// So many rows of a table of names and values are shown; others are found by name.
const MOST_ROWS: usize = 200;
/// Tags that MLflow sets for itself are no news to anybody.
const SYSTEM: &str = "mlflow.";

/// A fact: what it is, and its HTML.
type Fact = (&'static str, AnyView);

/// Where the parts of the page lead.
pub(super) struct RunLinks {
    /// The page of the run in MLflow's own UI.
    pub mlflow: Option<String>,
    pub records: Option<String>,
    pub place: Option<Link>,
    pub parent: Option<Link>,
    pub children: Vec<Link>,
    /// Where a registered version is looked at.
    pub version: fn(&str, &str) -> String,
}

/// What the run is.
pub(super) fn facts(a: &PlainQuery, run: &Run, made: Option<Arc<MadeByRun>>, links: RunLinks) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let text = |t: &str| bdi(t);
    let mut facts: Vec<Fact> = vec![
        (words::status(lang), status_mark(lang, run.status).into_any()),
        (words::started(lang), moment(&a.fmt, run.start, a.now).into_any()),
        (words::ended(lang), moment(&a.fmt, run.end, a.now).into_any()),
        (words::took(lang), run_duration(&a.fmt, run, a.now).into_any()),
    ];
    let user = run.tag("mlflow.user").filter(|u| !u.is_empty()).unwrap_or(&run.user);
    if !user.is_empty() {
        facts.push((words::by(lang), text(user)));
    }
    facts.extend(links.place.map(|to| (words::place(lang), anchor(to))));
    facts.extend(run.tag("mlflow.source.name").map(|name| (words::source(lang), text(name))));
    facts.extend(run.tag("mlflow.source.git.commit").map(|commit| (words::commit(lang), code(commit))));
    facts.extend(links.parent.map(|to| (words::parent(lang), anchor(to))));
    if !links.children.is_empty() {
        let children: Vec<_> = links.children.into_iter().map(|to| view! { {anchor(to)}" " }).collect();
        facts.push((words::children(lang), children.into_any()));
    }
    if !run.datasets.is_empty() {
        let one = |d: &domain::tracking::DatasetInput| {
            let context = if d.context.is_empty() { String::new() } else { format!(" · {}", d.context) };
            view! { <div>{bdi(&d.name)}" "<code>{d.digest.to_string()}</code><span class="quiet">{context}</span></div> }
        };
        facts.push((words::datasets(lang), run.datasets.iter().map(one).collect_view().into_any()));
    }
    facts.push((words::made(lang), made_by(lang, made.as_deref(), links.version)));
    facts.extend(links.records.map(|href| {
        (words::records(lang), anchor(Link { label: words::records_of(lang).into(), href, current: false }))
    }));
    facts.push((words::id(lang), code(run.id.as_str())));
    facts.push((words::artifact_uri(lang), code(&run.artifact_uri)));
    let mlflow = links.mlflow.map(|href| {
        view! { <a class="tool" href=href rel="external noopener noreferrer" target="_blank">{words::in_mlflow(lang)}" ↗"</a> }
    });
    view! {
        <section class="card">
            <h2>{words::facts(lang)}</h2>
            <dl class="facts">
                {facts.into_iter().map(|(what, value)| view! { <dt>{what}</dt><dd>{value}</dd> }).collect_view()}
            </dl>
            <footer><span class="quiet">{words::read_only(lang)}</span>{mlflow}</footer>
        </section>
    }
}

fn bdi(text: &str) -> AnyView {
    view! { <bdi>{text.to_owned()}</bdi> }.into_any()
}

fn code(text: &str) -> AnyView {
    view! { <code>{text.to_owned()}</code> }.into_any()
}

fn anchor(to: Link) -> AnyView {
    view! { <a href=to.href><bdi>{to.label}</bdi></a> }.into_any()
}

fn made_by(lang: crate::i18n::Lang, made: Option<&MadeByRun>, to: fn(&str, &str) -> String) -> AnyView {
    let Some(made) = made else {
        return view! { <span class="quiet">{words::made_unknown(lang)}</span> }.into_any();
    };
    if made.versions.is_empty() && made.logged_models.is_empty() {
        return view! { <span class="quiet">{words::made_nothing(lang)}</span> }.into_any();
    }
    let versions = made.versions.iter().map(|v| {
        let (label, href) = (words::made_version(lang, &*v.model, &*v.version), to(&v.model, &v.version));
        view! { <div><a href=href><bdi>{label}</bdi></a></div> }
    });
    let logged = made.logged_models.iter().map(|m| {
        view! { <div><bdi>{words::made_logged(lang, &*m.name)}</bdi>" "<span class="quiet">{m.status.to_string()}</span></div> }
    });
    view! { {versions.collect_view()}{logged.collect_view()} }.into_any()
}

/// All metrics, or those whose names contain `find`.
pub(super) fn metrics(a: &PlainQuery, run: &Run, find: &str, json: String) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let fitting: Vec<&RunMetric> = run.metrics.iter().filter(|m| fits(&m.key, find)).collect();
    let total = fitting.len();
    let row = |m: &&RunMetric| {
        let known = a.metric_names.of(&m.key);
        let which = match known.direction {
            domain::metric::Direction::HigherIsBetter => words::higher(lang),
            domain::metric::Direction::LowerIsBetter => words::lower(lang),
            domain::metric::Direction::Neither => words::unknown(lang),
        };
        let better = if known.assumed && known.is_known() { words::assumed(lang, which) } else { which.to_owned() };
        let value = |v: Option<f64>| v.map_or_else(|| NO_VALUE.to_owned(), |v| number(&a.fmt, v));
        let [min, max] = [m.extremes.map(|e| e.min), m.extremes.map(|e| e.max)].map(value);
        let points = m.extremes.map_or_else(|| NO_VALUE.to_owned(), |e| a.fmt.count(e.points));
        let exact = exact_text(m.value);
        view! {
            <tr>
                <th scope="row"><bdi>{m.key.to_string()}</bdi></th>
                <td class="num" title=exact>{number(&a.fmt, m.value)}</td>
                <td class="num">{a.fmt.decimal(m.step as f64, 0)}</td>
                <td class="num">{min}</td><td class="num">{max}</td><td class="num">{points}</td>
                <td>{better}</td>
            </tr>
        }
    };
    let rows = fitting.iter().take(MOST_ROWS).map(row).collect_view();
    let heads = [
        (words::col_metric(lang), false),
        (words::col_last(lang), true),
        (words::col_step(lang), true),
        (words::col_min(lang), true),
        (words::col_max(lang), true),
        (words::col_points(lang), true),
        (words::col_better(lang), false),
    ];
    view! {
        <section class="card runs">
            <h2>{words::metrics(lang)}</h2>
            {if total == 0 {
                view! { <p class="quiet">{if run.metrics.is_empty() { words::none_metrics(lang) } else { words::no_such(lang) }}</p> }.into_any()
            } else {
                view! {
                    <div class="scroll" role="region" tabindex="0" aria-label=words::metrics(lang)>
                        <table>
                            <thead><tr>{heads.map(|(label, num)| view! { <th scope="col" class=num.then_some("num")>{label}</th> }).collect_view()}</tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }.into_any()
            }}
            <footer>
                {(total > MOST_ROWS).then(|| view! { <span class="quiet">{words::shown_of(lang, MOST_ROWS, a.fmt.count(total as u64))}</span> })}
                <a class="tool" href=json rel="external">{words::history_json(lang)}</a>
            </footer>
        </section>
    }
}

/// Whether a name contains what is looked for, in any case.
pub(super) fn fits(name: &str, find: &str) -> bool {
    find.is_empty() || name.to_lowercase().contains(&find.to_lowercase())
}

/// Parameters and tags. What MLflow sets for itself comes last.
pub(super) fn pairs(a: &PlainQuery, run: &Run, find: &str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let (own, system): (Vec<_>, Vec<_>) = run.tags.iter().partition(|(key, _)| !key.starts_with(SYSTEM));
    let tags: Vec<&(Text, Text)> = own.into_iter().chain(system).collect();
    let params: Vec<&(Text, Text)> = run.params.iter().collect();
    view! {
        <div class="pairs">
            {table(a, words::params(lang), &params, find, words::none_params(lang))}
            {table(a, words::tags(lang), &tags, find, words::none_tags(lang))}
        </div>
    }
}

fn table(
    a: &PlainQuery,
    caption: &'static str,
    pairs: &[&(Text, Text)],
    find: &str,
    none: &'static str,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let fitting: Vec<_> = pairs.iter().filter(|(key, _)| fits(key, find)).collect();
    let total = fitting.len();
    let rows = fitting.iter().take(MOST_ROWS).map(|(key, value)| {
        let value = if value.len() > 120 || value.contains('\n') {
            view! { <pre>{value.to_string()}</pre> }.into_any()
        } else {
            bdi(value)
        };
        view! { <tr><th scope="row"><bdi>{key.to_string()}</bdi></th><td>{value}</td></tr> }
    });
    let rows = rows.collect_view();
    view! {
        <section class="card">
            <h2>{caption}</h2>
            {if total == 0 {
                view! { <p class="quiet">{none}</p> }.into_any()
            } else {
                view! {
                    <div class="scroll" role="region" tabindex="0" aria-label=caption>
                        <table>
                            <thead><tr><th scope="col">{words::col_key(lang)}</th><th scope="col">{words::col_value(lang)}</th></tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                }.into_any()
            }}
            {(total > MOST_ROWS).then(|| view! { <footer><span class="quiet">{words::shown_of(lang, MOST_ROWS, a.fmt.count(total as u64))}</span></footer> })}
        </section>
    }
}
