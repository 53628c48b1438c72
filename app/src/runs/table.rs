//! The table of runs: rows to be selected, columns to be sorted by.

use std::sync::Arc;

use domain::tracking::{Attribute, Column, Run, search::Sort};
use leptos::prelude::*;
use usecases::tracking::RunsAnswer;

use super::{
    asked::{Asked, written},
    columns::{cell, is_number, kind, largest_first, name},
    words,
};
use crate::{
    panels::tracking::run_name,
    shell::{addresses, plain_query::PlainQuery},
    ui::{
        icon::Icon,
        links,
        pages::{self, Paging},
    },
};

/// The rows of the page. `one` where they are of a single experiment.
pub(super) fn table(
    a: &PlainQuery,
    asked: &Asked,
    shown: &[Column],
    answer: &RunsAnswer,
    one: bool,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let several = !one;
    let heads: Vec<_> = shown.iter().map(|c| head(a, &answer.sort, c)).collect();
    let home = |run: &Run| answer.experiments.iter().find(|e| several && e.id == run.experiment).map(|e| &*e.name);
    let rows = answer.rows.iter().zip(&answer.children);
    let rows: Vec<_> = rows.map(|(run, children)| row(a, shown, run, *children, home(run))).collect();
    let paging = Paging { page: asked.page, size: asked.rows, total: answer.total, label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let experiment = several.then(|| view! { <th scope="col">{words::col_experiment(lang)}</th> });
    let name_head = head(a, &answer.sort, &Column::Attribute(Attribute::RunName));
    view! {
        <form class="card runs" method="get" action=a.path.clone()>
            {a.hidden_without(&["pick", "page"])}
            <div class="scroll" role="region" tabindex="0" aria-label=words::table(lang)>
                <table>
                    <thead><tr><th class="pick"><span class="said">{words::pick(lang)}</span></th>{name_head}{experiment}{heads}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <footer>
                <button class="button" type="submit" formaction=addresses::RUN_COMPARISON data-needs="2">{words::compare(lang)}</button>
                <button class="button" type="submit">{words::only_these(lang)}</button>
                {pager}
                {files(asked, answer, shown, one)}
            </footer>
        </form>
    }
}

fn head(a: &PlainQuery, sort: &Sort, column: &Column) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let sorted = sort.first_by(column);
    let next = Sort::by(column.clone(), sorted.map_or_else(|| largest_first(a, column), |down| !down));
    let href = a.with(&[("sort", Some(next.to_string())), ("page", None)]);
    let (order, arrow) = match sorted {
        None => (None, ""),
        Some(true) => (Some("descending"), "▼"),
        Some(false) => (Some("ascending"), "▲"),
    };
    let label = name(lang, column);
    let small = kind(a, column);
    let title = column.to_string();
    view! {
        <th scope="col" class=is_number(column).then_some("num") aria-sort=order>
            <a data-noscroll="" href=href title=title><bdi>{label}</bdi>{(!arrow.is_empty()).then(|| view! { <span class="arrow" aria-hidden="true">{arrow}</span> })}</a>
            {(!small.is_empty()).then(|| view! { <small class="quiet">{small}</small> })}
        </th>
    }
}

/// `home` is the name of its experiment, where that is shown.
fn row(a: &PlainQuery, shown: &[Column], run: &Arc<Run>, children: usize, home: Option<&str>) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let id = run.id.to_string();
    let label = run_name(run);
    let title = label.clone();
    let pick = words::pick_run(lang, &label);
    let below = (children > 0).then(|| view! { " "<small class="quiet">{words::children(lang, children)}</small> });
    let child = run.tag(domain::tracking::search::PARENT_TAG).map(|_| "child");
    let experiment = home.map(|name| {
        let href = a.to(&addresses::experiment(&run.experiment));
        view! { <td><a href=href><bdi>{name.to_owned()}</bdi></a></td> }
    });
    let cells: Vec<_> = shown.iter().map(|c| cell(a, c, run, a.now)).collect();
    let href = a.to(&addresses::run(&run.id));
    view! {
        <tr>
            <td class="pick"><input type="checkbox" name="pick" value=id data-row="" aria-label=pick/></td>
            <th scope="row" class=child title=title><a href=href><bdi>{label}</bdi></a>{below}</th>
            {experiment}{cells}
        </tr>
    }
}

/// Files of exactly what is shown, all of its pages.
pub(super) fn files(asked: &Asked, answer: &RunsAnswer, shown: &[Column], one: bool) -> impl IntoView + use<> {
    let mut query: Vec<(String, String)> = vec![];
    let mut put = |key: &str, text: String| {
        if !text.is_empty() {
            query.push((key.to_owned(), text));
        }
    };
    if let Some(experiment) = answer.experiments.first().filter(|_| one) {
        put("experiment", experiment.id.to_string());
    }
    put("filter", asked.whole_filter().to_string());
    put("sort", answer.sort.to_string());
    put("columns", written(shown));
    put("group", asked.group.as_ref().map(ToString::to_string).unwrap_or_default());
    [("CSV", "csv"), ("JSON", "json"), ("Parquet", "parquet")]
        .map(|(label, end)| {
            let href = links::href(&format!("/export/runs.{end}"), &query);
            view! { <a class="tool" href=href rel="external" download=""><Icon name="download"/>{label}</a> }
        })
        .collect_view()
}
