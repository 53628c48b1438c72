//! Makes the page of a choice.

use domain::{
    Error, ErrorKind, Result,
    compare::ModelGrouping,
    metric::CATALOGUE,
    model::ModelKey,
    tracking::{ExperimentId, filter::Filter},
};
use leptos::prelude::*;
use usecases::pick::{FleetPick, FleetPickQuery, LimitQuery, RunPick, RunPickQuery};

use super::{
    asked::{Asked, KEYS, LISTS, params},
    content::{self, Offered},
    words,
};
use crate::{
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::empty::Empty,
};

/// What is chosen by when nobody says, and what it is held against, first come first served.
const BEST: [&str; 3] = ["mAP50", "mAP50_95", "hota"];
const COST: [&str; 4] = ["inference_time_ms", "model_size_mb", "gpu_mem_mb", "fps"];

/// The page of models at an address.
///
/// # Errors
/// Unknown keys, and a scope that cannot be read or is unknown. What else cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &LISTS)?;
    let asked = Asked::read(&mut a);
    of_fleet(services, a, asked).await
}

/// The page of an experiment's runs at an address.
///
/// # Errors
/// Unknown keys, and an experiment that there is not. What else cannot be read is said on the page.
pub async fn page_of_runs(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &LISTS)?;
    let mut asked = Asked::read(&mut a);
    let lang = a.fmt.lang;
    let id = a.behind("/experiments/")?;
    let id = ExperimentId::parse(id.trim_end_matches("/pick"))?;
    let crumb = |label: String, href: String| Crumb { label, href, ..Crumb::default() };
    let mut crumbs = vec![crumb(words::experiments(lang).into(), a.to(addresses::EXPERIMENTS))];
    let title = words::title_runs(lang).to_owned();
    let html = if services.runs.status()?.is_none() {
        view! { <Empty empty=tracking::no_source(lang)/> }.to_html()
    } else {
        let experiment = services.runs.experiment(id.as_str())?;
        crumbs.push(crumb(experiment.name.to_string(), a.to(&addresses::experiment(&id))));
        let filter = a.understand("filter", |text| Ok(Filter::parse(text)?)).unwrap_or_default();
        let names = a.metric_names.clone();
        let query = RunPickQuery {
            experiment: id.to_string(),
            filter,
            best: asked.best.clone(),
            cost: asked.cost.clone(),
            limits: asked.limits.clone(),
            baseline: asked.baseline.clone(),
        };
        // A cost that nobody named: the first one of the catalogue that the runs have.
        let known = services.runs.pick(&RunPickQuery {
            limits: vec![],
            cost: None,
            best: None,
            baseline: None,
            ..query.clone()
        });
        match known {
            Err(e) if e.kind == ErrorKind::NotFound => {
                view! { <p class="quiet">{lang.reason(&e.message).to_owned()}</p> }.to_html()
            }
            Err(e) => return Err(e),
            Ok(known) => {
                let is = |key: &str, wanted: &str| names.of(key).catalogue.is_some_and(|m| m.key == wanted);
                let cost = COST.iter().find_map(|c| known.metrics.iter().find(|key| is(key, c)).cloned());
                let query = RunPickQuery { cost: query.cost.clone().or(cost), ..query };
                let pick = answered(services, &mut a, &mut asked, query).await?;
                let baseline = pick.runs.iter().map(|r| (r.id.to_string(), tracking::run_name(r))).take(200).collect();
                let offered = Offered { metrics: pick.metrics.clone(), baselines: baseline, fleet: false };
                let href = |a: &PlainQuery, id: &str| a.to(&format!("/runs/{id}"));
                let lead = tracking::source_line(&a.fmt, a.now, &pick.status);
                let banners = tracking::banners(&a.fmt, a.now, &pick.status);
                let chosen = content::answer(&a, &pick.answer, href);
                view! {
                    <p class="lead quiet">{lead}</p>
                    <div class="notes" inner_html=banners></div>
                    {tracking::mistakes(lang, a.mistakes())}
                    {content::form(&a, &asked, &pick.answer, &offered)}
                    {chosen}
                }
                .to_html()
            }
        }
    };
    crumbs.push(crumb(title.clone(), a.with(&[])));
    let head = a.head(services, crumbs, title, addresses::run_events(), services.runs.generation());
    Ok(DrawnView::new(head, words::about(lang), &html))
}

async fn of_fleet(services: &Services, mut a: PlainQuery, mut asked: Asked) -> Result<DrawnView> {
    let lang = a.fmt.lang;
    let read = params(&a).read(a.now, &a.fmt.zone)?;
    let scope = read.comparison();
    let directory = services.metrics.directory();
    directory.check(&scope.scope)?;
    services.metrics.check_visible(&scope.scope)?;
    let measured = |key: &&str| directory.built_in.iter().any(|i| CATALOGUE[*i].key == **key);
    let first = |list: &[&'static str]| list.iter().find(|key| measured(key)).map(|key| (*key).to_owned());
    let by = a.understand("by", ModelGrouping::parse).unwrap_or_default();
    let baseline = a.understand("baseline", ModelKey::parse);
    let title = words::title_fleet(lang).to_owned();
    let best = asked.best.clone().or_else(|| first(&BEST));
    let html = match best {
        None => view! { <p class="quiet">{words::nothing_measured(lang)}</p> }.to_html(),
        Some(best) => {
            let cost = asked.cost.clone().or_else(|| first(&COST)).filter(|c| *c != best);
            let query = FleetPickQuery {
                scope: scope.scope,
                range: scope.range,
                best,
                cost,
                limits: asked.limits.clone(),
                baseline,
                by,
            };
            let found = answered(services, &mut a, &mut asked, query).await;
            match found {
                Err(e) if matches!(e.kind, ErrorKind::NotFound | ErrorKind::BadInput) => {
                    let text = lang.reason(&e.message).to_owned();
                    view! { {tracking::mistakes(lang, a.mistakes())}<p class="banner bad">{text}</p> }.to_html()
                }
                Err(e) => return Err(e),
                Ok(pick) => fleet_content(&a, &asked, &pick, &directory),
            }
        }
    };
    let crumbs = vec![
        Crumb { label: words::compare(lang).into(), href: a.to("/compare"), ..Crumb::default() },
        Crumb { label: title.clone(), href: a.with(&[]), ..Crumb::default() },
    ];
    let generation = u64::try_from(services.metrics.generation_in(&read.comparison().scope)).unwrap_or_default();
    let place = read.comparison().scope.place();
    let head = a.head(services, crumbs, title, addresses::events(place.as_ref()), generation);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

fn fleet_content(
    a: &PlainQuery,
    asked: &Asked,
    pick: &usecases::pick::FleetPick,
    directory: &domain::query::Directory,
) -> String {
    let lang = a.fmt.lang;
    let Some(first) = pick.devices.first() else { return String::new() };
    let metrics = directory.built_in.iter().map(|i| CATALOGUE[*i].key.to_string());
    let mut baselines: Vec<(String, String)> = vec![];
    for d in &pick.devices {
        let ranked = d.answer.candidates.iter().map(|c| (c.id.clone(), c.name.clone()));
        for model in ranked.chain(d.unranked.iter().map(|(m, _)| (m.key(), m.to_string()))) {
            if !baselines.contains(&model) {
                baselines.push(model);
            }
        }
    }
    let offered = Offered { metrics: metrics.collect(), baselines, fleet: true };
    let href = |a: &PlainQuery, id: &str| {
        crate::ui::links::href(
            "/compare",
            &[
                ("baseline".to_owned(), a.get("baseline").unwrap_or(id).to_owned()),
                ("models".to_owned(), id.to_owned()),
            ],
        )
    };
    let devices = pick.devices.iter().map(|d| {
        let device = d.device.as_ref().map_or_else(|| words::any_device(lang).to_owned(), ToString::to_string);
        let title = words::on_device(lang, &device, d.baseline.to_string());
        let unranked = (!d.unranked.is_empty()).then(|| {
            let names: Vec<String> = d.unranked.iter().map(|(m, n)| words::unranked_one(lang, m.to_string(), a.fmt.count(*n))).collect();
            view! { <p class="quiet">{words::unranked(lang, names.join(", "))}</p> }
        });
        view! { <section class="device"><h2><bdi>{title}</bdi></h2>{content::answer(a, &d.answer, href)}{unranked}</section> }
    });
    let simulated = pick.simulated.then(|| view! { <p class="banner">{words::simulated(lang)}</p> });
    view! {
        <p class="lead quiet">{words::fleet_lead(lang)}</p>
        {simulated}
        {tracking::mistakes(lang, a.mistakes())}
        {content::form(a, asked, &first.answer, &offered)}
        {devices.collect_view()}
    }
    .to_html()
}

/// A question of which parts may be wrong.
trait Question: Clone + Send + Sync {
    type Answer: Send;
    fn ask(&self, services: &Services) -> impl Future<Output = Result<Self::Answer>> + Send;
    fn limits(&mut self) -> &mut Vec<LimitQuery>;
    /// Takes a part out: `baseline`, `cost` or `best`.
    fn forget(&mut self, part: &str);
}

impl Question for RunPickQuery {
    type Answer = RunPick;

    async fn ask(&self, services: &Services) -> Result<RunPick> {
        services.runs.pick(self)
    }

    fn limits(&mut self) -> &mut Vec<LimitQuery> {
        &mut self.limits
    }

    fn forget(&mut self, part: &str) {
        match part {
            "baseline" => self.baseline = None,
            "cost" => self.cost = None,
            _ => self.best = None,
        }
    }
}

impl Question for FleetPickQuery {
    type Answer = FleetPick;

    async fn ask(&self, services: &Services) -> Result<FleetPick> {
        services.metrics.pick(self).await
    }

    fn limits(&mut self) -> &mut Vec<LimitQuery> {
        &mut self.limits
    }

    fn forget(&mut self, part: &str) {
        match part {
            "baseline" => self.baseline = None,
            // What is chosen by has to be something.
            "cost" => self.cost = None,
            _ => {}
        }
    }
}

/// The answer to a question of which parts may be wrong. Each wrong part is said and taken out of the address and of what is asked, the
/// others stay: a limit that cannot be kept to is no reason to forget the others.
async fn answered<Q: Question>(
    services: &Services,
    a: &mut PlainQuery,
    asked: &mut Asked,
    mut query: Q,
) -> Result<Q::Answer> {
    let mistake = |e: &Error| matches!(e.kind, ErrorKind::BadInput | ErrorKind::NotFound);
    match query.ask(services).await {
        Err(e) if mistake(&e) => {}
        answer => return answer,
    }
    let limits = std::mem::take(query.limits());
    if let Err(e) = query.ask(services).await {
        let given = ["baseline", "cost", "best"].map(|part| a.get(part).map(|_| part));
        let mut mended = false;
        for part in given.into_iter().flatten() {
            let mut without = query.clone();
            without.forget(part);
            if without.ask(services).await.is_ok() {
                a.refuse(part, e.message.clone());
                (query, mended) = (without, true);
                break;
            }
        }
        // None of them alone: all of them.
        if !mended {
            for part in given.into_iter().flatten() {
                query.forget(part);
                a.forget(part);
            }
            a.mistake(e.message);
        }
    }
    query.ask(services).await?;
    for limit in limits {
        query.limits().push(limit);
        match query.ask(services).await {
            Err(e) if mistake(&e) => {
                query.limits().pop();
                a.refuse("limit", e.message);
            }
            Err(e) => return Err(e),
            Ok(_) => {}
        }
    }
    asked.limits.clone_from(query.limits());
    a.forget("limit");
    asked.limits.iter().for_each(|l| a.push("limit", l.to_string()));
    query.ask(services).await
}
