//! The verdict on the first challenger beside the baseline: the sentence, the numbers that it is made of, and what is to be known of them.

use domain::{
    Error, ErrorKind, Result,
    compare::ComparedModel,
    evidence::{Design, Estimand, MetricRow, RailResult, RailStanding, RegisteredBy, SiteRow, Verdict},
    metric::Metric,
    model::ModelKey,
    params::QueryParams,
    scope::Scope,
};
use leptos::prelude::*;
use usecases::evidence::{EvidenceAnswer, EvidenceQuestion};

use super::words;
use crate::{
    i18n::Lang,
    shell::{addresses, context::Services, page_query::PageQuery},
    ui::{fmt::NO_VALUE, links},
};

/// So many sites that got worse are named.
const WORSE: usize = 5;
/// The picture of an interval, in its own units.
const WIDTH: f64 = 132.0;

/// The card of a verdict, as HTML; `None` where no challenger is chosen.
///
/// # Errors
/// Faults of ours. What is wrong with the question, or cannot be read just now, is said in the card.
pub(super) async fn card(
    services: &Services,
    a: &PageQuery,
    compared_models: &[ComparedModel],
    metric: &Metric,
) -> Result<Option<String>> {
    let Some(([base, first], others)) = compared_models.split_first_chunk::<2>() else { return Ok(None) };
    // Opening the page registers nothing about a model that was replaced; naming it does.
    let named = a.q.models.contains(&first.model) || a.q.baseline.is_some();
    if !named && first.last.plus(domain::time::DAY) < base.last {
        return Ok(None);
    }
    // A range that nobody named is that of the page, not of a question.
    let shown = a.params.from.is_some() || a.params.to.is_some() || a.params.days.is_some();
    let question = EvidenceQuestion {
        champion: base.model.clone(),
        challenger: first.model.clone(),
        scope: a.q.scope.clone(),
        metric: Some(metric.key.to_string()),
        design: None,
        shown: shown.then_some(a.q.range),
    };
    let others: Vec<&ModelKey> = others.iter().map(|c| &c.model).collect();
    match services.evidence.judge(&question).await {
        Ok(answer) => Ok(Some(of(a, &answer, &others, shown))),
        // Where registrations cannot be read just now the rest of the page stays.
        Err(e) if e.kind != ErrorKind::Internal => Ok(Some(without(a.fmt.lang, &e))),
        Err(e) => Err(e),
    }
}

/// Why there is none.
fn without(lang: Lang, e: &Error) -> String {
    let why = lang.reason(&e.message).to_owned();
    view! {
        <section class="card verdict" aria-labelledby="verdict">
            <h2 id="verdict">{words::verdict_none(lang)}</h2>
            <p class="quiet"><bdi>{why}</bdi></p>
        </section>
    }
    .to_html()
}

fn of(a: &PageQuery, answer: &EvidenceAnswer, others: &[&ModelKey], shown: bool) -> String {
    let lang = a.fmt.lang;
    let j = &answer.judgement;
    let (class, word) = match j.verdict {
        Verdict::Better => ("better", words::verdict_better(lang)),
        Verdict::NotWorse => ("not-worse", words::verdict_not_worse(lang)),
        Verdict::Worse => ("worse", words::verdict_worse(lang)),
        Verdict::NotDecisive => ("open", words::verdict_open(lang)),
        Verdict::Unhealthy => ("unhealthy", words::verdict_unhealthy(lang)),
    };
    let provisional = j.provisional.then(|| {
        let left = words::days_left(lang, answer.days_left);
        view! { <span class="tag">{words::provisional(lang)}" · "{left}</span> }
    });
    let sites: &[SiteRow] = if j.sites.is_empty() { &j.worse_sites } else { &j.sites };
    let sites = (!sites.is_empty()).then(|| {
        let head = if j.sites.is_empty() {
            words::worse_sites(lang, sites.len())
        } else {
            words::site_by_site(lang).to_owned()
        };
        let metric = a.metric(&j.primary);
        let rows: Vec<_> = sites
            .iter()
            .take(if j.sites.is_empty() { WORSE } else { sites.len() })
            .map(|s| {
                let customer = Scope { customer: Some(s.customer.clone()), ..Scope::default() };
                let scope = Scope { site: s.site.clone(), ..customer };
                let href = addresses::with_scope("/compare", &scope, &a.params);
                let size = a.fmt.signed(s.difference, &metric);
                view! { <li><a href=href><bdi>{a.name_of(&scope)}</bdi></a>" "{size}</li> }
            })
            .collect();
        view! { <div class="sites"><h3>{head}</h3><ul>{rows}</ul></div> }
    });
    let notes: Vec<_> = j.notes.iter().map(|n| view! { <li><bdi>{lang.reason(n).to_owned()}</bdi></li> }).collect();
    let others: Vec<_> = others
        .iter()
        .map(|m| {
            let (baseline, key) = (answer.registration.champion.key(), m.key());
            let params = QueryParams { baseline: Some(baseline), models: Some(key), ..a.params.clone() };
            let href = links::href("/compare", &links::pairs(&params, &["page", links::METRICS_PAGE, "sort"]));
            view! { " "<a href=href><bdi>{m.to_string()}</bdi></a> }
        })
        .collect();
    let others = (!others.is_empty()).then(|| view! { <p class="quiet">{words::other_verdicts(lang)}{others}</p> });
    let sentence = lang.reason(&j.sentence).to_owned();
    view! {
        <section class="card verdict" aria-labelledby="verdict">
            <p class="verdict-head"><strong class=format!("verdict-word {class}")>{word}</strong>" "{provisional}</p>
            <h2 id="verdict"><bdi>{sentence}</bdi></h2>
            {table(a, answer)}
            <p class="quiet">{period(a, answer, shown)}</p>
            {sites}
            <details>
                <summary>{words::verdict_notes(lang, j.notes.len())}</summary>
                <ul class="notes-list">{notes}</ul>
            </details>
            {others}
            <footer>
                <a class="tool" href=format!("{}#verdict", addresses::STATISTICS)>{words::verdict_how(lang)}</a>
                <a class="tool" href=registered(a, answer)>{words::registered(lang)}</a>
                <a class="tool" href=addresses::plan(&a.q.scope, Some(&answer.registration.champion), Some(&answer.registration.primary))>{words::plan(lang)}</a>
            </footer>
        </section>
    }
    .to_html()
}

/// What the verdict is about, who registered it, and how often somebody looked.
fn period(a: &PageQuery, answer: &EvidenceAnswer, shown: bool) -> String {
    let lang = a.fmt.lang;
    let r = &answer.registration;
    let [start, horizon] = [r.start, r.horizon].map(|at| a.fmt.moment(at, a.q.now));
    let mut text = match &r.registered_by {
        RegisteredBy::FirstLook => words::period_first_look(lang, &start, &horizon),
        RegisteredBy::Actor(name) => words::period_registered(lang, &start, &horizon, name),
    };
    text = format!("{text} {}", words::looks(lang, answer.judgement.looks));
    if shown {
        let [from, to] = [a.q.range.from(), a.q.range.to()].map(|at| a.fmt.moment(at, a.q.now));
        text = format!("{text} {}", words::shown_range(lang, from, to));
    }
    let design = match answer.judgement.design {
        Design::Concurrent => words::design_concurrent(lang),
        Design::BeforeAfter => words::design_before_after(lang),
        Design::DifferenceInDifferences => words::design_did(lang),
    };
    format!("{design} {text}")
}

/// The list of registered comparisons, with what would be registered in the place of this one.
fn registered(a: &PageQuery, answer: &EvidenceAnswer) -> String {
    let r = &answer.registration;
    let mut pairs = vec![
        ("champion".to_owned(), r.champion.key()),
        ("challenger".to_owned(), r.challenger.key()),
        ("metric".to_owned(), r.primary.clone()),
    ];
    pairs.extend(place_pairs(a));
    pairs.extend(answer.kept.as_ref().map(|k| ("supersedes".to_owned(), k.id.0.to_string())));
    links::href(addresses::REGISTERED, &pairs)
}

/// Place, task and device of the page.
fn place_pairs(a: &PageQuery) -> Vec<(String, String)> {
    let kept = ["customer", "site", "zone", "task", "device", "tz"];
    kept.iter().filter_map(|key| Some(((*key).to_owned(), a.params.get(key)?.to_owned()))).collect()
}

fn table(a: &PageQuery, answer: &EvidenceAnswer) -> Option<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let j = &answer.judgement;
    let with_value = |m: &&MetricRow| m.estimand == Estimand::Site && m.difference.is_some();
    let rows: Vec<_> = j
        .metrics
        .iter()
        .filter(with_value)
        .map(|site| {
            let (key, tail) = site.metric.split_once(".p").map_or((&*site.metric, None), |(k, p)| (k, Some(p)));
            let metric = a.metric(key);
            let fleet = j.metrics.iter().find(|m| m.estimand == Estimand::Fleet && m.metric == site.metric);
            let label = match tail {
                Some(p) => format!("{} p{p}", a.fmt.label(&metric)),
                None => a.fmt.label(&metric),
            };
            let primary =
                (site.metric == j.primary).then(|| view! { " "<span class="tag">{words::decides(lang)}</span> });
            let days = if site.n_days == 0 { NO_VALUE.to_owned() } else { a.fmt.count(site.n_days as u64) };
            view! {
                <tr>
                    <th scope="row">{label}{primary}</th>
                    <td class="num">{figure(a, Some(site), &metric)}</td>
                    <td class="interval-cell">{picture(site, &metric)}</td>
                    <td class="num">{figure(a, fleet, &metric)}</td>
                    <td class="num">{a.fmt.count(site.n_sites as u64)}</td>
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
                        <th scope="col"><a href=format!("{}#mean-over-sites-and-its-interval", addresses::STATISTICS)>{words::interval(lang)}</a></th>
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
fn figure(a: &PageQuery, row: Option<&MetricRow>, metric: &Metric) -> impl IntoView + use<> {
    let Some((row, difference)) = row.and_then(|r| Some((r, r.difference?))) else {
        return view! { {NO_VALUE} }.into_any();
    };
    let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
    let bounds = row.low.zip(row.high).map(|(low, high)| a.fmt.interval(low, high, metric));
    let bounds = bounds.unwrap_or_else(|| words::no_interval(a.fmt.lang).to_owned());
    view! { {a.fmt.signed(difference, metric)}{unit}<small class="quiet">{bounds}</small> }.into_any()
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
