//! The table of a comparison: what each run has, and how it differs from the baseline.

use domain::{
    metric::{ChangeVerdict, Direction},
    tracking::{Attribute, Column, MetricDifference, MetricRow, Reading, TextRow, search::Sort},
};
use leptos::prelude::*;
use usecases::tracking::RunComparison;

use super::{
    asked::{Asked, Layout},
    colours::colours,
    words,
};
use crate::{
    i18n::Lang,
    panels::{
        curve::{number, number_beside},
        tracking::{moment, run_duration, run_name, status_mark},
    },
    shell::{addresses, plain_query::PlainQuery},
    ui::{
        fmt::NO_VALUE,
        links,
        pages::{self, Paging},
    },
};

/// With more runs each has a row, unless somebody says otherwise.
const FEW: usize = 6;
/// So many metrics, parameters and tags are on a page where each is a row.
const PAGE_ROWS: usize = 100;
/// And where each is a column.
const PAGE_COLUMNS: usize = 12;
/// The forms of the buttons beside each run. Links would name all runs, each of them: a hundred times a hundred ids.
const BASELINE_FORM: &str = "as-baseline";
const WITHOUT_FORM: &str = "without-run";
/// A text that is longer is cut; all of it stands in its title.
const MAX_TEXT: usize = 80;

/// A metric, a parameter or a tag.
#[derive(Clone, Copy)]
enum Item<'a> {
    Metric(&'a MetricRow),
    Param(&'a TextRow),
    Tag(&'a TextRow),
}

impl Item<'_> {
    fn column(&self) -> Column {
        match self {
            Self::Metric(m) => Column::Metric(m.key.clone(), Reading::Last),
            Self::Param(p) => Column::Param(p.key.clone()),
            Self::Tag(t) => Column::Tag(t.key.clone()),
        }
    }

    fn key(&self) -> &str {
        match self {
            Self::Metric(m) => &m.key,
            Self::Param(t) | Self::Tag(t) => &t.key,
        }
    }

    fn differs(&self) -> bool {
        match self {
            Self::Metric(m) => m.differs,
            Self::Param(t) | Self::Tag(t) => t.differs,
        }
    }
}

/// All that there is: metrics that are known by name first, then parameters, then tags of people, then MLflow's own.
fn items(c: &RunComparison) -> Vec<Item<'_>> {
    let mut metrics: Vec<&MetricRow> = c.rows.metrics.iter().collect();
    metrics.sort_by_key(|m| m.name.catalogue.is_none());
    let own = |t: &&TextRow| !t.key.starts_with("mlflow.");
    // The name of each run stands at its head.
    let others = c.rows.tags.iter().filter(|t| !own(t) && &*t.key != "mlflow.runName");
    let tags = c.rows.tags.iter().filter(own).chain(others);
    metrics
        .into_iter()
        .map(Item::Metric)
        .chain(c.rows.params.iter().map(Item::Param))
        .chain(tags.map(Item::Tag))
        .collect()
}

fn layout(asked: &Asked, c: &RunComparison) -> Layout {
    asked.layout.unwrap_or(if c.runs.len() <= FEW { Layout::Columns } else { Layout::Rows })
}

/// What is shown of all that there is.
fn shown<'c>(asked: &Asked, c: &'c RunComparison) -> (Vec<Item<'c>>, usize) {
    let all = items(c);
    let differing = all.iter().filter(|i| i.differs()).count();
    let find = asked.find.to_lowercase();
    let fits =
        |i: &Item<'_>| (!asked.differing || i.differs()) && (find.is_empty() || i.key().to_lowercase().contains(&find));
    (all.into_iter().filter(fits).collect(), differing)
}

/// What is above the table: what to look for, which metric counts, and how the table lies.
pub(super) fn controls(a: &PlainQuery, asked: &Asked, c: &RunComparison) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let metrics = c.rows.metrics.iter().map(|m| {
        let (key, label) = (m.key.to_string(), m.key.to_string());
        view! { <option value=key selected=c.metric.as_ref() == Some(&m.key)>{label}</option> }
    });
    let runs = c.runs.iter().enumerate().map(|(at, run)| {
        view! { <option value=run.id.to_string() selected=at == c.baseline>{run_name(run)}</option> }
    });
    let (_, differing) = shown(asked, c);
    let all = items(c).len();
    let choice = |label: &'static str, n: Option<usize>, key: &str, value: Option<&str>, current: bool| {
        let href = a.with(&[(key, value.map(str::to_owned)), ("page", None)]);
        let n = n.map(|n| view! { <small>{a.fmt.count(n as u64)}</small> });
        view! { <a data-noscroll="" href=href aria-current=current.then_some("true")>{label}{n}</a> }
    };
    let lies = layout(asked, c);
    view! {
        <form class="filters" method="get" action=a.path.clone() aria-label=words::controls(lang)>
            {a.hidden_without(&["find", "metric", "baseline", "page"])}
            <label><span>{words::baseline(lang)}</span><select name="baseline" data-go="">{runs.collect_view()}</select></label>
            {c.metric.is_some().then(|| view! {
                <label><span>{words::metric(lang)}</span><select name="metric" data-go="">{metrics.collect_view()}</select></label>
            })}
            <label><span>{words::find(lang)}</span><input name="find" type="search" value=asked.find.clone() autocomplete="off" spellcheck="false"/></label>
            <button class="button" type="submit">{words::apply(lang)}</button>
        </form>
        <dl class="facets" aria-label=words::shown(lang)>
            <div><dt>{words::rows(lang)}</dt><dd>
                {choice(words::rows_all(lang), Some(all), "diff", None, !asked.differing)}
                {choice(words::rows_differing(lang), Some(differing), "diff", Some("1"), asked.differing)}
            </dd></div>
            <div><dt>{words::layout(lang)}</dt><dd>
                {choice(words::layout_columns(lang), None, "layout", Some("columns"), lies == Layout::Columns)}
                {choice(words::layout_rows(lang), None, "layout", Some("rows"), lies == Layout::Rows)}
            </dd></div>
        </dl>
    }
}

/// The table as it is asked for.
pub(super) fn table(a: &PlainQuery, asked: &Asked, c: &RunComparison, images: &str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let (items, _) = shown(asked, c);
    let lies = layout(asked, c);
    let size = if lies == Layout::Columns { PAGE_ROWS } else { PAGE_COLUMNS };
    let total = items.len();
    // A page behind the last one is the last one.
    let page = asked.page.min(total.div_ceil(size).max(1));
    let part: Vec<Item<'_>> = items.into_iter().skip((page - 1) * size).take(size).collect();
    let paging = Paging { page, size, total, label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let ids = c.runs.iter().map(|r| r.id.to_string()).collect::<Vec<_>>().join(",");
    let json = links::href(
        "/api/runs/compare",
        &[("ids".to_owned(), ids), ("baseline".to_owned(), c.runs[c.baseline].id.to_string())],
    );
    let inner = match lies {
        Layout::Columns => in_columns(a, c, &part),
        Layout::Rows => in_rows(a, c, &part),
    };
    let class = if lies == Layout::Columns { "card runs compared by-column" } else { "card runs compared" };
    let of_buttons = |id: &'static str, without: &[&str]| {
        view! { <form id=id method="get" action=a.path.clone() hidden="">{a.hidden_without(without)}</form> }
    };
    view! {
        <div class=class>
            {of_buttons(BASELINE_FORM, &["baseline"])}
            {of_buttons(WITHOUT_FORM, &[])}
            <div class="scroll" role="region" tabindex="0" aria-label=words::table(lang)><table>{inner}</table></div>
            <footer>
                {pager}
                <a class="tool" href=images.to_owned()>{words::images(lang)}</a>
                <a class="tool" href=json rel="external">"JSON"</a>
            </footer>
        </div>
    }
}

/// Sorts the runs by a column; the best first where that is known, and on the second click the other way.
fn sort_link(a: &PlainQuery, c: &RunComparison, column: &Column) -> (String, &'static str, Option<&'static str>) {
    let current = c.sort.as_ref().and_then(|s| s.first_by(column));
    let largest = match column {
        Column::Metric(key, _) => !a.metric_names.of(key).lower_is_better(),
        _ => false,
    };
    let descending = current.map_or(largest, |down| !down);
    let href = a.with(&[("sort", Some(Sort::by(column.clone(), descending).to_string()))]);
    match current {
        None => (href, "", None),
        Some(true) => (href, " ▼", Some("descending")),
        Some(false) => (href, " ▲", Some("ascending")),
    }
}

/// What a group of rows is.
fn group(lang: Lang, item: &Item<'_>) -> &'static str {
    match item {
        Item::Metric(_) => words::metrics(lang),
        Item::Param(_) => words::params(lang),
        Item::Tag(_) => words::tags(lang),
    }
}

/// Which way a metric is better, where that is known.
fn direction(lang: Lang, item: &Item<'_>) -> Option<&'static str> {
    let Item::Metric(m) = item else { return None };
    match m.name.direction {
        Direction::HigherIsBetter => Some(words::kind_higher(lang)),
        Direction::LowerIsBetter => Some(words::kind_lower(lang)),
        Direction::Neither => None,
    }
}

/// Name and direction of an item, which sorts the runs.
fn item_head(a: &PlainQuery, c: &RunComparison, item: &Item<'_>, scope: &'static str) -> impl IntoView + use<> {
    let column = item.column();
    let (href, arrow, order) = sort_link(a, c, &column);
    let num = (matches!(item, Item::Metric(_)) && scope == "col").then_some("num");
    let sorted = (scope == "col").then_some(order).flatten();
    view! {
        <th scope=scope class=num aria-sort=sorted>
            <a data-noscroll="" href=href title=column.to_string()><bdi>{item.key().to_owned()}</bdi>{arrow}</a>
            {direction(a.fmt.lang, item).map(|d| view! { <small class="quiet">{d}</small> })}
        </th>
    }
}

/// The name of a run with its colour, and what can be done with it.
fn run_head(a: &PlainQuery, c: &RunComparison, at: usize, colour: u8, scope: &'static str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let run = &c.runs[at];
    let name = run_name(run);
    let id = run.id.to_string();
    let base = if at == c.baseline {
        view! { <span class="tag">{words::is_baseline(lang)}</span> }.into_any()
    } else {
        let label = words::make_baseline(lang, &name);
        view! { <button class="act" type="submit" form=BASELINE_FORM name="baseline" value=id.clone() title=label.clone() aria-label=label>{words::as_baseline(lang)}</button> }.into_any()
    };
    let without = (c.runs.len() > 2).then(|| {
        let label = words::leave_out(lang, &name);
        view! { <button class="act" type="submit" form=WITHOUT_FORM name="without" value=id.clone() title=label.clone() aria-label=label>"×"</button> }
    });
    let experiment = c.experiments.get(at).map(|e| e.name.to_string()).unwrap_or_default();
    let class = if at == c.baseline { "run-head baseline" } else { "run-head" };
    let title = format!("{name} · {experiment} · {id}");
    view! {
        <th scope=scope class=class title=title>
            <svg class="swatch" aria-hidden="true" width="14" height="8"><line class=format!("line s{colour}") x1="0" x2="14" y1="4" y2="4"></line></svg>" "
            <a href=a.to(&addresses::run(&run.id))><bdi>{name}</bdi></a>
            <small>{base}{without}</small>
        </th>
    }
}

/// The difference of a value from the baseline's.
fn difference(a: &PlainQuery, d: &MetricDifference, value: f64) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let (class, word) = match d.verdict {
        ChangeVerdict::Better => ("delta better", Some(words::better(lang))),
        ChangeVerdict::Worse => ("delta worse", Some(words::worse(lang))),
        ChangeVerdict::Neutral => ("delta", None),
    };
    let arrow = if d.by > 0.0 { "↑" } else { "↓" };
    let share = d.relative.filter(|r| r.abs() < 100.0);
    let share = share.map(|r| format!(" ({}{} %)", if r > 0.0 { "+" } else { "−" }, a.fmt.decimal(r.abs() * 100.0, 1)));
    let word = word.map(|w| format!(" {w}"));
    view! { <small class=class>{format!("{arrow}{}", number_beside(&a.fmt, d.by.abs(), value))}{share}{word}</small> }
}

fn cell(a: &PlainQuery, c: &RunComparison, item: &Item<'_>, at: usize) -> AnyView {
    let base = if at == c.baseline { " baseline" } else { "" };
    match item {
        Item::Metric(m) => {
            let value = m.values.get(at).copied().flatten();
            let text = value.map_or_else(|| NO_VALUE.to_owned(), |v| number(&a.fmt, v));
            let exact = value.map(domain::tracking::exact_text);
            let change = m.differences.get(at).copied().flatten().filter(|d| d.by != 0.0).zip(value);
            let change = change.map(|(d, value)| difference(a, &d, value));
            view! { <td class=format!("num{base}") title=exact>{text}{change}</td> }.into_any()
        }
        Item::Param(t) | Item::Tag(t) => {
            let Some(text) = t.values.get(at).and_then(|v| v.as_ref()) else {
                return view! { <td class=base.trim()>{NO_VALUE}</td> }.into_any();
            };
            let other = t.values.get(c.baseline).and_then(|v| v.as_ref()) != Some(text);
            let cut = text.chars().count() > MAX_TEXT;
            let short: String =
                if cut { text.chars().take(MAX_TEXT).chain(['…']).collect() } else { text.to_string() };
            let title = cut.then(|| text.to_string());
            let class = format!("{}{base}", if other { "other" } else { "" });
            view! { <td class=class.trim().to_owned() title=title><bdi>{short}</bdi></td> }.into_any()
        }
    }
}

fn in_columns(a: &PlainQuery, c: &RunComparison, items: &[Item<'_>]) -> AnyView {
    let lang = a.fmt.lang;
    let colours = colours(c);
    let heads: Vec<_> = (0..c.runs.len()).map(|at| run_head(a, c, at, colours[at], "col")).collect();
    let fact = |label: &'static str, attribute: Attribute, of: &dyn Fn(usize) -> AnyView| {
        let (href, arrow, _) = sort_link(a, c, &Column::Attribute(attribute));
        let cells: Vec<_> = (0..c.runs.len())
            .map(|at| {
                let base = (at == c.baseline).then_some("baseline");
                view! { <td class=base>{of(at)}</td> }
            })
            .collect();
        view! { <tr><th scope="row"><a data-noscroll="" href=href>{label}{arrow}</a></th>{cells}</tr> }
    };
    let mut last = None;
    let mut rows = vec![];
    for item in items {
        let name = group(lang, item);
        let first = last.replace(name) != Some(name);
        let head =
            first.then(|| view! { <tr class="group"><th scope="rowgroup" colspan=c.runs.len() + 1>{name}</th></tr> });
        let cells: Vec<AnyView> = (0..c.runs.len()).map(|at| cell(a, c, item, at)).collect();
        rows.push(view! { {head}<tr>{item_head(a, c, item, "row")}{cells}</tr> });
    }
    view! {
        <thead><tr><th scope="col"><span class="said">{words::table(lang)}</span></th>{heads}</tr></thead>
        <tbody>
            {fact(words::status(lang), Attribute::Status, &|at| status_mark(lang, c.runs[at].status).into_any())}
            {fact(words::started(lang), Attribute::StartTime, &|at| moment(&a.fmt, c.runs[at].start, a.now).into_any())}
            {fact(words::took(lang), Attribute::Duration, &|at| run_duration(&a.fmt, &c.runs[at], a.now).into_any())}
            {rows}
        </tbody>
    }
    .into_any()
}

fn in_rows(a: &PlainQuery, c: &RunComparison, items: &[Item<'_>]) -> AnyView {
    let lang = a.fmt.lang;
    let colours = colours(c);
    let heads: Vec<_> = items.iter().map(|item| item_head(a, c, item, "col")).collect();
    let rows: Vec<_> = (0..c.runs.len())
        .map(|at| {
            let cells: Vec<AnyView> = items.iter().map(|item| cell(a, c, item, at)).collect();
            view! { <tr>{run_head(a, c, at, colours[at], "row")}<td>{status_mark(lang, c.runs[at].status)}</td>{cells}</tr> }
        })
        .collect();
    let (href, arrow, order) = sort_link(a, c, &Column::Attribute(Attribute::RunName));
    view! {
        <thead><tr>
            <th scope="col" aria-sort=order><a data-noscroll="" href=href>{words::run(lang)}{arrow}</a></th>
            <th scope="col">{words::status(lang)}</th>
            {heads}
        </tr></thead>
        <tbody>{rows}</tbody>
    }
    .into_any()
}
