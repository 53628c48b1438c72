//! Makes the page of registered comparisons.

use domain::{
    Result,
    evidence::{RegisteredBy, Verdict},
    metric::Metric,
    model::ModelKey,
    ports::KeptComparison,
    scope::Scope,
};
use leptos::prelude::*;

use super::{
    fields::{Fields, text_field},
    rails, words,
};
use crate::{
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        error::set_status,
        plain_query::PlainQuery,
        refused::Refused,
        top::Crumb,
    },
    ui::{
        links,
        pages::{self, Paging},
    },
};

/// The keys of the page: what the form begins with, whose guard-rails are shown, and what was done.
const KEYS: [&str; 15] = [
    "champion",
    "challenger",
    "customer",
    "site",
    "zone",
    "task",
    "device",
    "metric",
    "days",
    "minimum_effect",
    "supersedes",
    "model",
    "done",
    "id",
    "page",
];
/// Fields that can be seen: what is wrong with one is said beside it.
const SEEN: [&str; 13] = [
    "champion",
    "challenger",
    "metric",
    "customer",
    "site",
    "zone",
    "task",
    "device",
    "start",
    "days",
    "margin",
    "minimum_effect",
    "bound",
];
/// So many comparisons are on a page.
const PAGE_ROWS: usize = 50;

/// The page.
///
/// # Errors
/// Unknown keys, and those that are given twice; what cannot be read just now. What of the keys cannot be read is said on the page.
pub async fn page(
    services: &Services,
    request: &Request,
    address: &str,
    refused: Option<Refused>,
) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let lang = a.fmt.lang;
    let title = words::title(lang).to_owned();
    let page = a.understand("page", pages::read).unwrap_or(1);
    let refused = refused.filter(|r| r.path == a.path);
    // The form that was refused stands in the page again.
    let act = |r: &Refused, wanted: &str| r.fields.iter().any(|(k, v)| k == "act" && v == wanted);
    let of_rails = refused.as_ref().filter(|r| !act(r, "register"));
    let model_text = a.get("model").map(str::to_owned);
    let model_text =
        of_rails.and_then(|r| r.fields.iter().find(|(k, _)| k == "champion").map(|f| f.1.clone())).or(model_text);
    if let Some(text) = model_text {
        a.put("model", text);
    }
    let model = a.understand("model", ModelKey::parse);
    let model = match model {
        Some(model) => match services.metrics.directory().model(&model) {
            Ok(model) => Some(model),
            Err(e) => {
                a.refuse("model", e.message);
                None
            }
        },
        None => None,
    };
    let all = services.evidence.comparisons().await?;
    let shown: Vec<&KeptComparison> = all.iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).collect();
    let paging = Paging { page, size: PAGE_ROWS, total: all.len(), label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let done = match a.get("done") {
        Some("registered") => Some(words::done_registered(lang, a.get("id").unwrap_or_default())),
        Some("rail") => Some(words::done_rail(lang).to_owned()),
        _ => None,
    };
    // What is wrong with a field that nobody sees is said above.
    let beside = |field: &Option<String>| field.as_deref().is_some_and(|f| SEEN.contains(&f));
    let general = refused.as_ref().map(|r| &r.error).filter(|e| !beside(&e.field));
    let general = general.map(|e| lang.message(e.message.clone()));
    let guard_rails = match &model {
        Some(model) => Some(rails::section(services, &a, model, of_rails).await?),
        None => None,
    };
    let registering = refused.as_ref().filter(|r| act(r, "register"));
    let may = services.evidence.may_register(&Scope::default());
    if let Some(refused) = &refused {
        set_status(refused.error.kind);
    }
    let a = &a;
    let form = may.then(|| form(a, registering));
    let rows: Vec<_> = shown.into_iter().map(|kept| row(services, a, kept, may)).collect();
    let html = view! {
        {done.map(|text| view! { <p class="banner done" role="status">{text}</p> })}
        {general.map(|text| view! { <p class="banner bad" role="alert">{text}</p> })}
        {tracking::mistakes(lang, a.mistakes())}
        <p class="lead quiet">{words::lead(lang)}" "<a href=format!("{}#verdict", a.to(addresses::STATISTICS))>{words::how(lang)}</a></p>
        <section class="card registered" aria-labelledby="registered-list">
            <h2 id="registered-list">{words::list(lang)}</h2>
            {if rows.is_empty() {
                view! { <p class="quiet">{words::none(lang)}</p> }.into_any()
            } else {
                view! {
                    <div class="scroll" role="region" tabindex="0" aria-label=words::list(lang)>
                        <table>
                            <thead><tr>
                                <th scope="col" class="num">"#"</th>
                                <th scope="col">{words::col_models(lang)}</th>
                                <th scope="col">{words::col_where(lang)}</th>
                                <th scope="col">{words::col_metric(lang)}</th>
                                <th scope="col">{words::col_period(lang)}</th>
                                <th scope="col">{words::col_by(lang)}</th>
                                <th scope="col" class="num">{words::col_looks(lang)}</th>
                                <th scope="col">{words::col_state(lang)}</th>
                            </tr></thead>
                            <tbody>{rows}</tbody>
                        </table>
                    </div>
                    <footer>{pager}</footer>
                }
                .into_any()
            }}
        </section>
        {form}
        {guard_rails}
    }
    .to_html();
    let crumbs = vec![
        Crumb { label: words::compare(lang).into(), href: a.to("/compare"), ..Crumb::default() },
        Crumb { label: title.clone(), href: a.with(&[("done", None), ("id", None)]), ..Crumb::default() },
    ];
    let generation = u64::try_from(services.metrics.generation_in(&Scope::default())).unwrap_or_default();
    let mut head = a.head(services, crumbs, title, addresses::events(None), generation);
    // What somebody types stays: the page is not drawn again by itself.
    head.live = None;
    Ok(DrawnView::new(head, words::about(lang), &html))
}

fn row(services: &Services, a: &PlainQuery, kept: &KeptComparison, may: bool) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let r = &kept.registration;
    let directory = services.metrics.directory();
    let metric = directory.metric(&r.primary).map_or_else(|_| Metric::uncatalogued(&r.primary), |m| m.0);
    let place: Vec<(String, String)> =
        [("customer", &r.scope.customer), ("site", &r.scope.site), ("zone", &r.scope.zone)]
            .into_iter()
            .filter_map(|(key, name)| Some((key.to_owned(), name.as_ref()?.to_string())))
            .collect();
    let mut where_it_is: Vec<String> = place.iter().map(|p| p.1.clone()).collect();
    where_it_is.extend([&r.scope.task, &r.scope.device].into_iter().flatten().map(ToString::to_string));
    let where_it_is =
        if where_it_is.is_empty() { words::everywhere(lang).to_owned() } else { where_it_is.join(" › ") };
    let more = [("task", &r.scope.task), ("device", &r.scope.device)];
    let more = more.into_iter().filter_map(|(key, name)| Some((key.to_owned(), name.as_ref()?.to_string())));
    let compared: Vec<(String, String)> = [("baseline", r.champion.key()), ("models", r.challenger.key())]
        .into_iter()
        .chain([("metric", r.primary.clone())])
        .map(|(key, value)| (key.to_owned(), value))
        .chain(place.clone())
        .chain(more.clone())
        .collect();
    let by = match &r.registered_by {
        RegisteredBy::FirstLook => words::first_look(lang).to_owned(),
        RegisteredBy::Actor(name) => name.to_string(),
    };
    let [start, horizon] = [r.start, r.horizon].map(|at| a.fmt.moment(at, a.now));
    let registered = words::registered_on(lang, by, a.fmt.moment(r.registered_at, a.now));
    let state = match (kept.superseded_by, &kept.verdict) {
        (Some(by), _) => {
            view! { <a href=format!("#comparison-{}", by.0)>{words::superseded(lang, by.0)}</a> }.into_any()
        }
        (None, Some(verdict)) => {
            let word = match verdict.judgement.verdict {
                Verdict::Better => words::better(lang),
                Verdict::NotWorse => words::not_worse(lang),
                Verdict::Worse => words::worse(lang),
                Verdict::NotDecisive => words::not_decisive(lang),
                Verdict::Unhealthy => words::unhealthy(lang),
            };
            let sentence = lang.reason(&verdict.judgement.sentence).to_owned();
            view! { <strong>{word}</strong><small class="quiet"><bdi>{sentence}</bdi></small> }.into_any()
        }
        (None, None) => match r.days_left(a.now) {
            0 => view! { {words::over(lang)} }.into_any(),
            left => view! { {words::open(lang, left)} }.into_any(),
        },
    };
    let again = (may && kept.superseded_by.is_none()).then(|| {
        let pairs = [("champion", r.champion.key()), ("challenger", r.challenger.key()), ("metric", r.primary.clone())]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .chain(place)
            .chain(more)
            .chain([("supersedes".to_owned(), kept.id.0.to_string())])
            .collect::<Vec<_>>();
        let name = words::supersede_name(lang, kept.id.0);
        view! { " "<a class="act" href=format!("{}#register", links::href(addresses::REGISTERED, &pairs)) aria-label=name>{words::supersede(lang)}</a> }
    });
    let supersedes = kept.supersedes.map(|old| words::supersedes(lang, old.0));
    let rails_href = links::href(addresses::REGISTERED, &[("model".to_owned(), r.challenger.any_version().key())]);
    view! {
        <tr id=format!("comparison-{}", kept.id.0)>
            <td class="num">{kept.id.0}</td>
            <th scope="row">
                <a href=links::href("/compare", &compared)><bdi>{r.challenger.to_string()}</bdi></a>
                <small class="quiet">{words::against(lang, r.champion.to_string())}</small>
            </th>
            <td><bdi>{where_it_is}</bdi></td>
            <td>{a.fmt.label(&metric)}<small><a href=format!("{rails_href}#rails")>{words::rails_link(lang)}</a></small></td>
            <td>{words::period(lang, start, horizon)}</td>
            <td>{registered}<small class="quiet">{supersedes}</small></td>
            <td class="num">{kept.looks}</td>
            <td>{state}{again}</td>
        </tr>
    }
}

/// The form that registers a comparison.
fn form(a: &PlainQuery, refused: Option<&Refused>) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let fields = Fields { a, refused };
    let line = |name: &'static str, label: &str, help: &str| text_field(&fields, "r", name, label, help);
    let supersedes = fields.value("supersedes");
    let note = (!supersedes.is_empty()).then(|| view! { <p>{words::will_supersede(lang, &supersedes)}</p> });
    let open = refused.is_some() || a.get("champion").is_some();
    view! {
        <section class="card form registering" aria-labelledby="register">
            <h2 id="register">{words::register(lang)}</h2>
            <details open=open>
                <summary>{words::register_open(lang)}</summary>
                <form method="post" action=addresses::REGISTERED>
                    <input type="hidden" name="act" value="register"/>
                    <input type="hidden" name="supersedes" value=supersedes/>
                    {note}
                    <div class="fields">
                        {line("champion", words::champion(lang), words::champion_help(lang))}
                        {line("challenger", words::challenger(lang), words::champion_help(lang))}
                        {line("metric", words::metric(lang), words::metric_help(lang))}
                        {line("customer", words::customer(lang), words::place_help(lang))}
                        {line("site", words::site(lang), words::place_help(lang))}
                        {line("task", words::task(lang), words::place_help(lang))}
                        {line("device", words::device(lang), words::place_help(lang))}
                        {line("start", words::start(lang), words::start_help(lang))}
                        {line("days", words::days(lang), words::days_help(lang))}
                        {line("margin", words::margin(lang), words::margin_help(lang))}
                        {line("minimum_effect", words::minimum_effect(lang), words::minimum_effect_help(lang))}
                    </div>
                    <div class="acts"><button class="button primary">{words::register_do(lang)}</button></div>
                </form>
            </details>
        </section>
    }
}
