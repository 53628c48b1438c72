//! Runs put together by a parameter or a tag: how many, and the mean of each metric with its interval.

use domain::tracking::{
    Column, Text,
    filter::{Expr, Filter, Order, Test, number_of},
    search::{GroupMetric, RunGroup},
};
use leptos::prelude::*;
use usecases::tracking::RunsGroups;

use super::{
    columns::{kind, name},
    controls::condition,
    words,
};
use crate::{panels::curve::number, shell::plain_query::PlainQuery, ui::fmt::NO_VALUE};

/// The table of groups. Each leads to its runs.
pub(super) fn table(a: &PlainQuery, filter: &Filter, groups: &RunsGroups, files: AnyView) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let heads: Vec<_> = groups
        .metrics
        .iter()
        .map(|c| view! { <th scope="col" class="num"><bdi>{name(lang, c)}</bdi><small class="quiet">{kind(a, c)}</small></th> })
        .collect();
    let rows: Vec<_> = groups.groups.iter().map(|g| row(a, filter, &groups.by, g)).collect();
    let left_out = (groups.left_out > 0).then(
        || view! { <span class="quiet">{words::groups_left_out(lang, a.fmt.count(groups.left_out as u64))}</span> },
    );
    let waiting = groups.groups.iter().flat_map(|g| &g.metrics).any(|m| m.without_history > 0);
    let waiting = waiting.then(|| view! { <span role="status">{words::groups_waiting(lang)}" "<a href=a.with(&[])>{words::look_again(lang)}</a></span> });
    let caption = words::groups(lang, name(lang, &groups.by));
    view! {
        <section class="card runs">
            <h2><bdi>{caption.clone()}</bdi></h2>
            <div class="scroll" role="region" tabindex="0" aria-label=caption>
                <table>
                    <thead><tr>
                        <th scope="col"><bdi>{name(lang, &groups.by)}</bdi><small class="quiet">{kind(a, &groups.by)}</small></th>
                        <th scope="col" class="num">{words::col_runs(lang)}</th>
                        {heads}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            <footer><span class="quiet">{words::groups_help(lang)}</span>{waiting}{left_out}{files}</footer>
        </section>
    }
}

fn row(a: &PlainQuery, filter: &Filter, by: &Column, group: &RunGroup) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let head = match &group.value {
        Some(value) => {
            let narrowed = filter.clone().and(Filter { root: Some(of_group(by, value)) });
            let href = a.with(&[("filter", Some(narrowed.to_string())), ("group", None), ("page", None)]);
            view! { <a href=href><bdi>{value.to_string()}</bdi></a> }.into_any()
        }
        None => view! { <span class="quiet">{words::group_without(lang)}</span> }.into_any(),
    };
    let cells: Vec<_> = group.metrics.iter().map(|m| cell(a, m)).collect();
    view! { <tr><th scope="row">{head}</th><td class="num">{a.fmt.count(group.runs as u64)}</td>{cells}</tr> }
}

/// That a run belongs to a group: a parameter or tag that is a number is compared as one, as groups are made.
fn of_group(by: &Column, value: &Text) -> Expr {
    let text = condition(by, value);
    let number = number_of(value).filter(|x| x.is_finite() && matches!(by, Column::Param(_) | Column::Tag(_)));
    match (text, number) {
        (Expr::Test(field, _), Some(x)) => Expr::Test(field, Test::Number(Order::Equal, x)),
        (text, _) => text,
    }
}

fn cell(a: &PlainQuery, m: &GroupMetric) -> AnyView {
    let lang = a.fmt.lang;
    let without = (m.without_history > 0).then(|| {
        view! { " "<small class="quiet">{words::group_without_history(lang, a.fmt.count(m.without_history))}</small> }
    });
    if m.n == 0 {
        return view! { <td class="num">{NO_VALUE}{without}</td> }.into_any();
    }
    let interval = m.half_width.map(|w| format!(" ± {}", number(&a.fmt, w)));
    let title = words::group_cell(lang, a.fmt.count(m.n), number(&a.fmt, m.min), number(&a.fmt, m.max));
    view! { <td class="num" title=title>{number(&a.fmt, m.mean)}<span class="quiet">{interval}</span>{without}</td> }
        .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_numbers_leads_to_all_of_its_spellings() {
        let of = |by: Column, value: &str| of_group(&by, &value.into()).to_string();
        assert_eq!(of(Column::param("lr"), "1e-3"), "params.lr = 0.001");
        assert_eq!(of(Column::param("lr"), "auto"), "params.lr = 'auto'");
        assert_eq!(of(Column::param("lr"), "1e999"), "params.lr = '1e999'");
        assert_eq!(of(Column::Attribute(domain::tracking::Attribute::RunName), "7"), "attributes.run_name = '7'");
    }
}
