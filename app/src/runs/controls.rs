//! What stands above a list of runs: the search box, what to narrow by, and how the list is shown.

use domain::tracking::{
    Column, Reading,
    filter::{Expr, Field, Filter, FilterError, Match, Test},
    search::{Facet, FacetValue, KeyCount},
};
use leptos::prelude::*;
use usecases::tracking::RunsAnswer;

use super::{
    asked::{Asked, EDIT_COLUMNS, MOST_COLUMNS, written},
    columns::{kind, name, reading_name},
    words,
};
use crate::{
    i18n::Lang,
    shell::{addresses, plain_query::PlainQuery},
    ui::{icon::Icon, links},
};

/// So many facets are named while they are folded.
const NAMED: usize = 6;
/// So many values of a facet are offered.
const OFFERED: usize = 8;
/// So many columns that are not shown are offered; others are found by name.
const OFFERED_COLUMNS: usize = 60;

/// The search box. A mistake is shown under it, at its place; how keys without a prefix were understood as well.
pub(super) fn search_box(a: &PlainQuery, asked: &Asked, answer: &RunsAnswer) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let fault = asked.filter.as_ref().err().map(|e| fault(lang, asked, e));
    let is_bad = fault.is_some().then_some("true");
    let understood: Vec<String> = answer
        .understood
        .iter()
        .map(|bare| {
            let others: Vec<String> = bare.others.iter().map(ToString::to_string).collect();
            let field = bare.field.to_string();
            if others.is_empty() {
                words::understood(lang, &*bare.key, field)
            } else {
                words::understood_of(lang, &*bare.key, field, others.join(", "))
            }
        })
        .collect();
    let clear = (!asked.text.is_empty() || !asked.picked.is_empty()).then(|| {
        let mut pairs = a.pairs_without(&["filter", "pick", "page"]);
        pairs.retain(|(_, value)| !value.is_empty());
        view! { <a class="button" href=links::href(&a.path, &pairs)>{words::clear(lang)}</a> }
    });
    view! {
        <form class="ask card" method="get" action=a.path.clone() role="search">
            {a.hidden_without(&["filter", "page"])}
            <div class="line-of">
                <label>
                    <span>{words::filter(lang)}</span>
                    <input name="filter" type="search" value=asked.text.clone() placeholder="metrics.mAP50 > 0.8 AND tags.site = 'north'"
                        autocomplete="off" autocapitalize="none" spellcheck="false" aria-invalid=is_bad aria-describedby="filter-note"/>
                </label>
                <button class="button primary" type="submit"><Icon name="search"/>{words::search(lang)}</button>
                {clear}
            </div>
            <div id="filter-note">
                {fault}
                {understood.into_iter().map(|text| view! { <p class="quiet"><small>{text}</small></p> }).collect_view()}
                <details class="more">
                    <summary>{words::grammar(lang)}</summary>
                    {grammar(lang)}
                </details>
            </div>
        </form>
    }
}

/// What is wrong with a filter, and where.
fn fault(lang: Lang, asked: &Asked, e: &FilterError) -> AnyView {
    let said = lang.reason(&e.sentence()).to_owned();
    if asked.is_cut {
        let cut = words::filter_cut(lang);
        return view! { <p class="fault" role="alert">{said}" "{cut}</p> }.into_any();
    }
    let text = &*asked.text;
    let at = e.at.min(text.len());
    // At the end there is nothing to underline but the end itself.
    let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
    let here: String = rest.chars().take(1).collect();
    let behind = rest.get(here.len()..).unwrap_or_default().to_owned();
    let here = if here.is_empty() { " ␣".to_owned() } else { here };
    view! {
        <p class="fault" role="alert">{said}</p>
        <pre class="where"><code>{before.to_owned()}<mark>{here}</mark>{behind}</code></pre>
    }
    .into_any()
}

/// The grammar by examples.
fn grammar(lang: Lang) -> impl IntoView + use<> {
    let examples = [
        ("metrics.mAP50 > 0.8 AND metrics.`val loss` <= 0.2", words::grammar_metrics(lang)),
        ("params.lr >= 0.001 AND params.optimizer IN ('adamw', 'sgd')", words::grammar_params(lang)),
        ("tags.site = 'north' OR NOT tags.zone LIKE 'z0%'", words::grammar_tags(lang)),
        ("status = 'FAILED' AND start_time > '2026-06-01'", words::grammar_attributes(lang)),
        ("\"detect-acme\"", words::grammar_name(lang)),
    ];
    let row = |(example, what): (&'static str, &'static str)| view! { <dt><code>{example}</code></dt><dd>{what}</dd> };
    view! { <dl class="facts">{examples.map(row).collect_view()}</dl> }
}

/// Values to narrow by. What is chosen is marked, and leads back.
pub(super) fn facets(a: &PlainQuery, asked: &Asked, answer: &RunsAnswer) -> Option<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let filter = asked.filter.as_ref().ok()?;
    let facet = |facet: &Facet| {
        let value = |v: &FacetValue| {
            let condition = condition(&facet.column, &v.value);
            let (chosen, without) = without(filter, &condition);
            let next = if chosen { without } else { filter.clone().and(Filter { root: Some(condition) }) };
            let href = a.with(&[("filter", Some(next.to_string())), ("page", None)]);
            let label = v.value.to_string();
            view! { <a href=href aria-current=chosen.then_some("true") title=label><bdi>{v.value.to_string()}</bdi><small>{a.fmt.count(v.runs as u64)}</small></a> }
        };
        let values: Vec<_> = facet.values.iter().filter(|v| v.runs > 0).take(OFFERED).map(value).collect();
        (!values.is_empty())
            .then(|| view! { <div><dt><bdi>{name(lang, &facet.column)}</bdi></dt><dd>{values}</dd></div> })
    };
    let found: Vec<_> = answer.facets.iter().filter_map(facet).collect();
    let named: Vec<String> = answer.facets.iter().take(NAMED).map(|f| name(lang, &f.column)).collect();
    // Folded, so that the first rows are seen; open for whoever narrows already.
    let open = (!asked.text.is_empty()).then_some("");
    (!found.is_empty()).then(|| {
        view! {
            <details class="more" open=open>
                <summary>{words::narrow(lang, named.join(", "))}</summary>
                <dl class="facets">{found}</dl>
            </details>
        }
    })
}

/// That a column has a value.
pub(super) fn condition(column: &Column, value: &domain::tracking::Text) -> Expr {
    let field = match column {
        Column::Attribute(a) => Field::Attribute(*a),
        Column::Metric(key, _) => Field::Metric(key.clone()),
        Column::Param(key) => Field::Param(key.clone()),
        Column::Tag(key) => Field::Tag(key.clone()),
    };
    Expr::Test(field, Test::Text(Match::Equal, value.clone()))
}

/// Whether a filter asks for a condition beside all others, and the filter without it.
fn without(filter: &Filter, condition: &Expr) -> (bool, Filter) {
    match &filter.root {
        Some(root) if root == condition => (true, Filter::default()),
        Some(Expr::And(parts)) if parts.contains(condition) => {
            let mut left: Vec<Expr> = parts.iter().filter(|p| *p != condition).cloned().collect();
            let root = if left.len() > 1 { Some(Expr::And(left)) } else { left.pop() };
            (true, Filter { root })
        }
        _ => (false, filter.clone()),
    }
}

/// Which value of metrics, grouped by what, and how many rows.
pub(super) fn turns(a: &PlainQuery, asked: &Asked, answer: &RunsAnswer) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let readings = [Reading::Last, Reading::Best, Reading::Min, Reading::Max].map(|reading| {
        let value = if reading == Reading::Last { "" } else { reading.as_str() };
        view! { <option value=value selected=reading == asked.reading>{reading_name(lang, reading)}</option> }
    });
    let few = |k: &&KeyCount| k.values.is_some_and(|n| n > 1);
    let params = answer.columns.params.iter().filter(few).map(|k| Column::Param(k.key.clone()));
    let tags = answer.columns.tags.iter().filter(few).filter(|k| !k.key.starts_with("mlflow."));
    let mut by: Vec<Column> = params.chain(tags.map(|k| Column::Tag(k.key.clone()))).take(40).collect();
    // One that was typed into the address.
    by.extend(asked.group.clone().filter(|g| !by.contains(g)));
    let by = by.into_iter().map(|column| {
        let (value, label) = (column.to_string(), format!("{} · {}", name(lang, &column), kind(a, &column)));
        let label = label.trim_end_matches(" · ").to_owned();
        view! { <option value=value selected=asked.group.as_ref() == Some(&column)>{label}</option> }
    });
    let by: Vec<_> = by.collect();
    let pick = (a.path != addresses::ALL_RUNS && !answer.columns.metrics.is_empty()).then(|| {
        let filter = a.get("filter").map(|f| ("filter".to_owned(), f.to_owned())).into_iter().collect::<Vec<_>>();
        let href = links::href(&format!("{}/pick", a.path.trim_end_matches('/')), &filter);
        view! { <a class="button" href=href>{words::pick_best(lang)}</a> }
    });
    view! {
        <form class="ask" method="get" action=a.path.clone()>
            {a.hidden_without(&["reading", "group", "page"])}
            <div class="turns">
                <label><span>{words::reading(lang)}</span><select name="reading" data-go="">{readings.collect_view()}</select></label>
                <label><span>{words::group(lang)}</span>
                    <select name="group" data-go=""><option value="" selected=asked.group.is_none()>{words::group_none(lang)}</option>{by}</select>
                </label>
                <noscript><button class="button" type="submit">{words::apply(lang)}</button></noscript>
                {pick}
            </div>
        </form>
    }
}

/// The columns: those that are shown, to be moved and taken away, and others, to be added.
pub(super) fn chooser(a: &PlainQuery, asked: &Asked, shown: &[Column], answer: &RunsAnswer) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let find = &*asked.find;
    // Without the reading, which is chosen elsewhere.
    let plain: Vec<Column> = asked.columns.clone().unwrap_or_else(|| answer.default_columns.clone());
    let to = |columns: &[Column]| a.with(&[("cols", Some(written(columns))), ("edit", Some(EDIT_COLUMNS.to_owned()))]);
    let act = |columns: Vec<Column>, label: String, sign: &'static str| {
        let href = to(&columns);
        view! { " "<a class="act" data-noscroll="" href=href title=label.clone() aria-label=label>{sign}</a> }
    };
    let chosen: Vec<_> = plain
        .iter()
        .enumerate()
        .map(|(i, column)| {
            let label = name(lang, column);
            let without: Vec<Column> = plain.iter().filter(|c| *c != column).cloned().collect();
            let earlier = (i > 0).then(|| {
                let mut moved = plain.clone();
                moved.swap(i - 1, i);
                act(moved, words::move_left(lang, &label), "←")
            });
            let later = (i + 1 < plain.len()).then(|| {
                let mut moved = plain.clone();
                moved.swap(i, i + 1);
                act(moved, words::move_right(lang, &label), "→")
            });
            let remove = act(without, words::remove(lang, &label), "×");
            let title = label.clone();
            view! { <li title=title><bdi>{label}</bdi>" "<small class="quiet">{kind(a, column)}</small>{earlier}{later}{remove}</li> }
        })
        .collect();
    let c = &answer.columns;
    let metrics = c.metrics.iter().map(|k| (Column::Metric(k.key.clone(), Reading::Last), k.runs));
    let params = c.params.iter().map(|k| (Column::Param(k.key.clone()), k.runs));
    let tags = c.tags.iter().map(|k| (Column::Tag(k.key.clone()), k.runs));
    let attributes = domain::tracking::Attribute::ALL.map(|x| (Column::Attribute(x), c.runs));
    let wanted = find.to_lowercase();
    let fits = |column: &Column| wanted.is_empty() || name(lang, column).to_lowercase().contains(&wanted);
    let all = metrics.chain(params).chain(tags).chain(attributes);
    let mut others: Vec<(Column, usize)> = all.filter(|(column, _)| fits(column) && !plain.contains(column)).collect();
    let total = others.len();
    others.sort_by_key(|(_, runs)| std::cmp::Reverse(*runs));
    let full = plain.len() >= MOST_COLUMNS;
    let offered: Vec<_> = others
        .into_iter()
        .take(OFFERED_COLUMNS)
        .map(|(column, runs)| {
            let label = name(lang, &column);
            let mut more = plain.clone();
            more.push(column.clone());
            let add = (!full).then(|| act(more, words::add(lang, &label), "+"));
            let count = words::in_runs(lang, a.fmt.count(runs as u64));
            let title = label.clone();
            view! { <li title=title><bdi>{label}</bdi>" "<small class="quiet">{kind(a, &column)}" · "{count}</small>{add}</li> }
        })
        .collect();
    let rest =
        (total > OFFERED_COLUMNS).then(|| words::more_columns(lang, a.fmt.count((total - OFFERED_COLUMNS) as u64)));
    let default = asked.columns.is_some().then(|| {
        view! { " "<a href=a.with(&[("cols", None)])>{words::default_columns(lang)}</a> }
    });
    let open = (!find.is_empty() || a.get("edit") == Some(EDIT_COLUMNS)).then_some("");
    view! {
        <details class="columns" open=open>
            <summary><Icon name="table"/>{words::columns(lang, shown.len())}</summary>
            <ul>{chosen}</ul>
            <form class="filters" method="get" action=a.path.clone()>
                {a.hidden_without(&["cols", "find", "edit"])}
                <input type="hidden" name="edit" value=EDIT_COLUMNS/>
                <label class="wide"><span>{words::columns_text(lang)}</span><input name="cols" value=written(&plain) autocomplete="off" spellcheck="false"/></label>
                <label><span>{words::columns_find(lang)}</span><input type="search" name="find" value=find.to_owned() autocomplete="off" spellcheck="false"/></label>
                <button class="button" type="submit">{words::apply(lang)}</button>
                {default}
            </form>
            <ul>{offered}</ul>
            {rest.map(|text| view! { <p class="quiet">{text}</p> })}
        </details>
    }
}
