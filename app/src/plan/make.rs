//! Makes the page of a plan.

use domain::{
    Error, ErrorKind, Result,
    evidence::sign,
    metric::{CATALOGUE, Metric},
    model::ModelKey,
    params::{QueryParams, whole_number},
    query::{ComparisonQuery, Directory, MetricSelection},
    scope::{ExperimentKind, Scope, clip_text},
    time::TimeRange,
};
use leptos::prelude::*;
use usecases::evidence::{PlanAnswer, PlanQuestion, USUAL_PRIMARY};

use super::{
    grid::{Grid, is_enough, percent, step, steps},
    sentences, words,
};
use crate::{
    panels::{PanelContext, tracking},
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{fmt::Fmt, links},
};

/// The keys of the page.
const KEYS: [&str; 10] =
    ["customer", "site", "zone", "task", "device", "champion", "metric", "effect", "sites", "days"];
/// Those that say where.
const SCOPE: [&str; 5] = ["customer", "site", "zone", "task", "device"];
/// Models that ran in production in so many last days are proposed.
const RECENT: u32 = 28;
/// So many of them.
const OFFERED: usize = 100;
/// As `usecases::Evidence::plan` allows.
const MOST_SITES: usize = 10_000;
const MOST_DAYS: usize = 366;

/// What the form offers.
struct Offered {
    models: Vec<ModelKey>,
    /// Keys with labels.
    metrics: Vec<(String, String)>,
}

/// The page at an address.
///
/// # Errors
/// Unknown keys, and a scope that cannot be read or is unknown; what cannot be answered just now. What else cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let lang = a.fmt.lang;
    let mut params = QueryParams::default();
    for key in SCOPE.into_iter().chain(["tz"]) {
        params.set(key, a.get(key).map(str::to_owned));
    }
    let read = params.read(a.now, &a.fmt.zone)?.with_default_kind(ExperimentKind::Production);
    let directory = services.metrics.directory();
    directory.check(&read.scope)?;
    services.metrics.check_visible(&read.scope)?;
    let recent = TimeRange::last_days(RECENT, a.now)?;
    let ran = ComparisonQuery { scope: read.scope.clone(), range: recent, metrics: MetricSelection::none() };
    let ran = services.metrics.comparison(&ran).await?;
    let mut models: Vec<ModelKey> =
        ran.models.iter().filter_map(domain::query::ModelSummary::key).take(OFFERED).collect();
    // Where none ran lately, those there are.
    if models.is_empty() {
        models.extend(directory.models.iter().take(OFFERED).cloned());
    }
    let champion = a.understand("champion", |text| {
        let model = ModelKey::parse(text)?;
        directory.model(&model)
    });
    let metrics = metrics(&a.fmt, &directory);
    let offered = Offered { models, metrics };
    let usual = offered.metrics.iter().find(|m| m.0 == USUAL_PRIMARY).or(offered.metrics.first()).map(|m| m.0.clone());
    let html = match (champion.or_else(|| offered.models.first().cloned()), usual) {
        (Some(champion), Some(usual)) => {
            let question = question(&mut a, champion, read.scope.clone(), &usual, &directory);
            let panel = PanelContext {
                fmt: &a.fmt.clone(),
                directory: &directory,
                scope: &read.scope,
                range: recent,
                now: a.now,
            };
            match services.evidence.plan(&question).await {
                Ok(answer) => answered(&a, &question, &offered, &answer, &panel.scope_text(), ran.simulated),
                Err(e) if matches!(e.kind, ErrorKind::BadInput | ErrorKind::NotFound) => {
                    a.mistake(e.message);
                    view! { {tracking::mistakes(lang, a.mistakes())}{form(&a, &question, &offered, None)} }.to_html()
                }
                Err(e) => return Err(e),
            }
        }
        _ => view! { <p class="quiet">{words::nothing_measured(lang)}</p> }.to_html(),
    };
    let title = words::title(lang).to_owned();
    let crumbs = vec![
        Crumb { label: words::compare(lang).into(), href: a.to("/compare"), ..Crumb::default() },
        Crumb { label: title.clone(), href: a.with(&[]), ..Crumb::default() },
    ];
    let generation = u64::try_from(services.metrics.generation_in(&read.scope)).unwrap_or_default();
    let head = a.head(services, crumbs, title, addresses::events(read.scope.place().as_ref()), generation);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

/// The metrics that are measured and have a better end.
fn metrics(fmt: &Fmt, d: &Directory) -> Vec<(String, String)> {
    let built_in = d.built_in.iter().map(|i| (CATALOGUE[*i].key.to_string(), d.declared.built_in(*i).clone()));
    let custom = (0..d.custom.len()).map(|i| d.custom_metric(i).0).map(|m| (m.key.to_string(), m));
    let known = built_in.chain(custom).filter(|(_, m)| sign(m).is_some());
    known.map(|(key, m)| (key, fmt.label(&m))).collect()
}

/// What is asked; what of it cannot be read is taken as not given.
fn question(a: &mut PlainQuery, champion: ModelKey, scope: Scope, usual: &str, directory: &Directory) -> PlanQuestion {
    let metric = a.understand("metric", |text| {
        let (metric, column) = directory.metric(text)?;
        let known = sign(&metric).is_some() && directory.has(&column);
        if known { Ok(directory.key(&column)) } else { Err(Error::bad_input(sentences::bad_metric(clip_text(text)))) }
    });
    let effect = a.understand("effect", |text| {
        let size = text.trim().replace(',', ".").parse().ok().filter(|x: &f64| x.is_finite() && *x > 0.0);
        size.ok_or_else(|| Error::bad_input(sentences::bad_effect(clip_text(text))))
    });
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let sites = a.understand("sites", |text| whole_number("sites", text.trim(), 2, MOST_SITES)).map(number);
    let days = a.understand("days", |text| whole_number("days", text.trim(), 1, MOST_DAYS)).map(number);
    PlanQuestion { champion, scope, metric: Some(metric.unwrap_or_else(|| usual.to_owned())), effect, sites, days }
}

fn answered(
    a: &PlainQuery,
    question: &PlanQuestion,
    offered: &Offered,
    answer: &PlanAnswer,
    place: &str,
    simulated: bool,
) -> String {
    let lang = a.fmt.lang;
    // It may be a part of a longer one.
    let sentence = format!("{}.", lang.reason(&answer.sentence()).trim_end_matches('.'));
    let title = words::asked(lang, question.champion.to_string(), place);
    let picture = answer.plan.as_ref().map(|plan| {
        let (between, day) = (plan.variances.between.max(0.0).sqrt(), plan.variances.day.max(0.0).sqrt());
        let [between, day] = [between, day].map(|sd| fine(&a.fmt, sd, &answer.metric));
        let picture = view! { <div>{table(a, answer, &Grid::of(plan))}</div> };
        let why = view! { <p>{words::variances(lang, between, day)}</p><p>{words::reading(lang)}</p> };
        (picture, why)
    });
    let (picture, why) = picture.unzip();
    let from = words::reckoned(
        lang,
        a.fmt.date(answer.range.from()),
        a.fmt.date(answer.range.to().plus(-1)),
        answer.sites_now,
        answer.customers_now,
    );
    let simulated = simulated.then(|| view! { <p class="banner">{words::simulated(lang)}</p> });
    let method = format!("{}#plan", a.to(addresses::STATISTICS));
    view! {
        <p class="lead quiet">{words::lead(lang)}</p>
        {simulated}
        {tracking::mistakes(lang, a.mistakes())}
        {form(a, question, offered, Some(answer))}
        <section class="card planned" aria-labelledby="planned">
            <p class="quiet"><bdi>{title}</bdi></p>
            <h2 id="planned"><bdi>{sentence}</bdi></h2>
            <div class="plan-body">
                {picture}
                <div class="plan-why">
                    {why}
                    <p class="quiet">{from}" "<a href=method>{words::method_more(lang)}</a></p>
                    <p><a class="button primary" href=register(a, question, answer)>{words::register(lang)}</a></p>
                </div>
            </div>
        </section>
    }
    .to_html()
}

/// The form that registers what is planned.
fn register(a: &PlainQuery, question: &PlanQuestion, answer: &PlanAnswer) -> String {
    let pair = |key: &str, value: String| (key.to_owned(), value);
    let where_to = SCOPE.into_iter().chain(["tz"]).filter_map(|key| Some(pair(key, a.get(key)?.to_owned())));
    let asked = [
        pair("champion", question.champion.key()),
        pair("metric", answer.metric.key.to_string()),
        pair("days", answer.days.to_string()),
        pair("minimum_effect", answer.effect.to_string()),
    ];
    links::href(addresses::REGISTERED, &where_to.chain(asked).collect::<Vec<_>>())
}

/// A size in the digits of its metric, or in those that show two of its own where these would change it.
fn fine(fmt: &Fmt, x: f64, metric: &Metric) -> String {
    let unit = 10f64.powi(i32::from(metric.precision));
    let holds = ((x * unit).round() / unit - x).abs() <= x * 0.005;
    let wanted = if x > 0.0 && x.is_finite() && !holds { (1.0 - x.log10().floor()).clamp(0.0, 9.0) as u8 } else { 0 };
    let metric = Metric { precision: metric.precision.max(wanted), ..metric.clone() };
    fmt.with_unit(Some(x), &metric)
}

/// What is planned. Fields that nobody filled say what is taken for them.
fn form(
    a: &PlainQuery,
    question: &PlanQuestion,
    offered: &Offered,
    answer: Option<&PlanAnswer>,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let option =
        |value: String, label: String, chosen: bool| view! { <option value=value selected=chosen>{label}</option> };
    let other = (!offered.models.contains(&question.champion)).then_some(&question.champion);
    let models = offered.models.iter().chain(other).map(|m| option(m.key(), m.to_string(), *m == question.champion));
    let models: Vec<_> = models.collect();
    let metric = question.metric.clone().unwrap_or_default();
    let metrics: Vec<_> =
        offered.metrics.iter().map(|(key, label)| option(key.clone(), label.clone(), *key == metric)).collect();
    let given = |key: &str| a.get(key).map(str::to_owned);
    let usual = |text: String| answer.map(|_| text);
    let effect = answer.map(|p| fine(&a.fmt, p.effect, &p.metric));
    let sites = answer.and_then(|p| usual(p.sites.to_string()));
    let days = answer.and_then(|p| usual(p.days.to_string()));
    view! {
        <form class="filters planning" method="get" action=a.path.clone() aria-label=words::question(lang)>
            {a.hidden_without(&["champion", "metric", "effect", "sites", "days"])}
            <label><span>{words::champion(lang)}</span><select name="champion" data-go="">{models}</select></label>
            <label><span>{words::metric(lang)}</span><select name="metric" data-go="">{metrics}</select></label>
            <label><span>{words::effect(lang)}</span><input name="effect" inputmode="decimal" autocomplete="off" value=given("effect") placeholder=effect/></label>
            <label><span>{words::sites(lang)}</span><input name="sites" inputmode="numeric" autocomplete="off" value=given("sites") placeholder=sites/></label>
            <label><span>{words::days(lang)}</span><input name="days" inputmode="numeric" autocomplete="off" value=given("days") placeholder=days/></label>
            <button class="button" type="submit">{words::apply(lang)}</button>
        </form>
    }
}

/// Powers by sites and days, shaded; what was planned is marked.
fn table(a: &PlainQuery, answer: &PlanAnswer, grid: &Grid) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let heads: Vec<_> = grid.days.iter().map(|d| view! { <th scope="col">{words::n_days(lang, d)}</th> }).collect();
    let cell = |sites: u32, days: u32, power: f64| {
        let shown = percent(power);
        let planned = sites == answer.sites && days == answer.days;
        let class = format!("p{}{}", step(shown), if planned { " as-planned" } else { "" });
        let text = format!("{shown} %");
        let text = if is_enough(power) { view! { <strong>{text}</strong> }.into_any() } else { text.into_any() };
        let mark = planned.then(|| view! { " "<small>{words::planned(lang)}</small> });
        view! { <td class=class>{text}{mark}</td> }
    };
    let rows: Vec<_> = grid
        .rows
        .iter()
        .map(|(sites, powers)| {
            let cells: Vec<_> = grid.days.iter().zip(powers).map(|(d, p)| cell(*sites, *d, *p)).collect();
            view! { <tr><th scope="row">{words::n_sites(lang, sites)}</th>{cells}</tr> }
        })
        .collect();
    let legend: Vec<_> = steps()
        .map(|(step, from, to)| {
            let text = match to {
                Some(to) => format!("{from}–{to} %"),
                None => words::enough(lang, from),
            };
            view! { <li><svg class=format!("swatch p{step}") aria-hidden="true" width="14" height="10"><rect x="0.5" y="0.5" width="13" height="9"></rect></svg>{text}</li> }
        })
        .collect();
    let name = words::table(lang, fine(&a.fmt, answer.effect, &answer.metric), a.fmt.label(&answer.metric));
    view! {
        <p class="caption">{name.clone()}</p>
        <div class="scroll" role="region" tabindex="0" aria-label=name>
            <table class="powers">
                <thead><tr><th scope="col">{words::sites_by_days(lang)}</th>{heads}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <ul class="legend">{legend}</ul>
    }
}
