//! What the page of a choice shows: the form, the answer in sentences, the picture and the candidates.

use domain::choice::{Front, Standing};
use leptos::prelude::*;
use usecases::pick::{PickAnswer, PickedValue, told_bound};

use super::{asked::Asked, limits, picture, words};
use crate::{shell::plain_query::PlainQuery, ui::fmt::NO_VALUE};

/// So many candidates are listed.
const LISTED: usize = 200;

/// What the form offers.
pub(super) struct Offered {
    pub metrics: Vec<String>,
    /// Ids with names.
    pub baselines: Vec<(String, String)>,
    pub fleet: bool,
}

/// What is chosen by, what it is held against, and the limits.
pub(super) fn form(a: &PlainQuery, asked: &Asked, answer: &PickAnswer, offered: &Offered) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let option = |value: &str, label: &str, chosen: bool| {
        view! { <option value=value.to_owned() selected=chosen>{label.to_owned()}</option> }
    };
    let measure = |at: usize| answer.measures.get(at).map(|m| m.key.clone()).unwrap_or_default();
    // The second measure is the cost where one was asked for; else that of a limit.
    let cost = asked.cost.clone().unwrap_or_else(|| measure(1));
    let metrics = |chosen: &str| {
        let other =
            (!chosen.is_empty() && offered.metrics.iter().all(|m| m != chosen)).then(|| option(chosen, chosen, true));
        let all: Vec<_> = offered.metrics.iter().map(|m| option(m, m, m == chosen)).collect();
        view! { {all}{other} }
    };
    let baseline = a.get("baseline").unwrap_or_default();
    let baselines: Vec<_> = offered.baselines.iter().map(|(id, name)| option(id, name, id == baseline)).collect();
    let nobody = if offered.fleet { words::baseline_most(lang) } else { words::baseline_none(lang) };
    view! {
        <section class="card picking" aria-label=words::question(lang)>
            <form class="filters" method="get" action=a.path.clone()>
                {a.hidden_without(&["best", "cost", "baseline"])}
                <label><span>{words::best(lang)}</span><select name="best" data-go="">{metrics(&measure(0))}</select></label>
                <label><span>{words::cost(lang)}</span><select name="cost" data-go="">{metrics(&cost)}</select></label>
                <label><span>{words::baseline(lang)}</span><select name="baseline" data-go=""><option value="">{nobody}</option>{baselines}</select></label>
                <noscript><button class="button" type="submit">{words::apply(lang)}</button></noscript>
            </form>
            {limits::given(a, asked, answer)}
            <form class="filters limit" method="get" action=a.path.clone()>
                {a.hidden_without(&[])}
                <label><span>{if asked.limits.is_empty() { words::first_limit(lang) } else { words::new_limit(lang) }}</span><select name="limit_of">{metrics(&cost)}</select></label>
                <label><span class="said">{words::side(lang)}</span><select name="limit_side"><option value="most">"≤"</option><option value="least">"≥"</option></select></label>
                <label><span>{words::bound(lang)}</span><input name="limit_bound" size="9" autocomplete="off" placeholder="30"/></label>
                <button class="button" type="submit">{words::add(lang)}</button>
            </form>
            <p class="quiet">{words::limits_help(lang)}</p>
        </section>
    }
}

/// The answer of one device, or of the runs; `href` leads to a candidate by its id.
pub(super) fn answer(
    a: &PlainQuery,
    answer: &PickAnswer,
    href: fn(&PlainQuery, &str) -> String,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let sentences: Vec<_> = answer.sentences.iter().map(|s| lang.reason(s).to_owned()).collect();
    let mut told = sentences.into_iter().map(|text| view! { <p><bdi>{text}</bdi></p> });
    let first = told.next();
    let rest: Vec<_> = told.collect();
    view! {
        <div class="card finding-card">
            <div class="finding" role="status">{first}</div>
            <div class="quiet">{rest}</div>
            {picture::picture(a, answer)}
        </div>
        {table(a, answer, href)}
    }
}

fn table(a: &PlainQuery, answer: &PickAnswer, href: fn(&PlainQuery, &str) -> String) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let order = answer.ranked();
    let heads: Vec<_> = answer
        .measures
        .iter()
        .map(|m| {
            let arrow = match m.direction {
                domain::metric::Direction::HigherIsBetter => " ↑",
                domain::metric::Direction::LowerIsBetter => " ↓",
                domain::metric::Direction::Neither => "",
            };
            view! { <th scope="col" class="num"><bdi>{m.key.clone()}</bdi>{arrow}</th> }
        })
        .collect();
    let total = order.len();
    let (with_limits, with_fronts) = (!answer.limits.is_empty(), answer.measures.len() > 1);
    let rows: Vec<_> = order
        .into_iter()
        .take(LISTED)
        .map(|at| {
            let candidate = &answer.candidates[at];
            let cells: Vec<_> = candidate.values.iter().map(|v| cell(a, *v)).collect();
            let standing = match &answer.pick.standings[at] {
                Standing::Meets => words::kept(lang).to_owned(),
                Standing::Breaks(broken) => {
                    let broken: Vec<String> = broken.iter().map(|l| answer.limit_text(&answer.limits[*l])).collect();
                    words::breaks(lang, broken.join(", "))
                }
                Standing::Unknown(lacks) => {
                    let keys: Vec<&str> = lacks.iter().map(|m| &*answer.measures[*m].key).collect();
                    words::lacks(lang, keys.join(", "))
                }
            };
            let front = match answer.fronts[at] {
                Front::Efficient => words::efficient(lang),
                Front::Dominated => words::dominated(lang),
                Front::Unknown => NO_VALUE,
            };
            let best = answer.pick.best == Some(at);
            let class = match (best, answer.fronts[at], &answer.pick.standings[at]) {
                (true, ..) => Some("best"),
                (_, Front::Dominated, _) | (_, _, Standing::Breaks(_) | Standing::Unknown(_)) => Some("quiet"),
                _ => None,
            };
            let mark = best.then(|| view! { " "<span class="tag">{words::chosen(lang)}</span> });
            view! {
                <tr class=class><th scope="row"><a href=href(a, &candidate.id)><bdi>{candidate.name.clone()}</bdi></a>{mark}</th>{cells}{with_limits.then(|| view! { <td>{standing}</td> })}{with_fronts.then(|| view! { <td>{front}</td> })}</tr>
            }
        })
        .collect();
    let more = (total > LISTED)
        .then(|| view! { <span class="quiet">{words::not_listed(lang, LISTED, a.fmt.count(total as u64))}</span> });
    view! {
        <div class="card runs">
            <div class="scroll" role="region" tabindex="0" aria-label=words::candidates(lang)>
                <table>
                    <thead><tr>
                        <th scope="col">{words::candidate(lang)}</th>{heads}
                        {with_limits.then(|| view! { <th scope="col">{words::limits(lang)}</th> })}
                        {with_fronts.then(|| view! { <th scope="col">{words::front(lang)}</th> })}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
            {more.map(|more| view! { <footer>{more}</footer> })}
        </div>
    }
}

fn cell(a: &PlainQuery, value: Option<PickedValue>) -> AnyView {
    let Some(v) = value else { return view! { <td class="num">{NO_VALUE}</td> }.into_any() };
    let interval = PickAnswer::half_width(&v).map(|w| format!(" ± {w}"));
    let title = (v.sites > 0).then(|| words::value_of(a.fmt.lang, a.fmt.count(v.n), v.sites));
    view! { <td class="num" title=title>{told_bound(v.value)}<span class="quiet">{interval}</span></td> }.into_any()
}
