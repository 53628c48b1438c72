//! Makes the page of a run.

use domain::{
    Error, Result,
    scope::{Scope, clip_text},
    tracking::{ArtifactPath, Run},
};
use leptos::prelude::*;
use usecases::tracking::RunAnswer;

use super::{curves, html, sentences, words};
use crate::{
    panels::{curve::CurveStyle, register::RegisterForm, tracking},
    shell::{
        addresses,
        artifacts::{self, FileSource},
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{
        links,
        menu::Link,
        pages::{self, Paging},
    },
};

/// The value of `show=` for the files.
const ARTIFACTS: &str = "artifacts";
/// The keys of the page.
const KEYS: [&str; 8] = ["show", "find", "axis", "scale", "smooth", "page", "folder", "file"];

/// The page of the run at an address.
///
/// # Errors
/// An id that is none or of no run; unknown keys, and those that are given twice. What of them cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let answer = services.runs.run(&a.behind("/runs/")?)?;
    let run = &*answer.run;
    let title = tracking::run_name(run);
    let crumb =
        |label: String, href: String, what: &str| Crumb { label, href, what: what.to_owned(), siblings: vec![] };
    let experiment = &answer.experiment;
    let crumbs = vec![
        crumb(words::experiments(lang).into(), a.to(addresses::EXPERIMENTS), ""),
        crumb(experiment.name.to_string(), a.to(&addresses::experiment(&experiment.id)), words::what_experiment(lang)),
        crumb(title.clone(), a.to(&addresses::run(&run.id)), ""),
    ];
    let show = a.understand("show", |text| match text {
        ARTIFACTS => Ok(()),
        other => Err(Error::bad_input(sentences::bad_tab(clip_text(other)))),
    });
    let content = if show.is_some() {
        let folder = a.understand("folder", ArtifactPath::parse).unwrap_or_default();
        let file = a.understand("file", ArtifactPath::parse);
        artifacts::section(&a, &FileSource::Run(&services.runs, run), &folder, file.as_ref()).await
    } else {
        overview(services, &mut a, &answer)?
    };
    let banners = tracking::banners(&a.fmt, a.now, &answer.status);
    let html = view! {
        <p class="lead quiet">{tracking::source_line(&a.fmt, a.now, &answer.status)}</p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        {tabs(&a, run, show.is_some(), services.runs.has_images(run))}
        {content}
    };
    let head = a.head(services, crumbs, title, addresses::run_events(), generation);
    Ok(DrawnView::new(head, words::about(lang), &html.to_html()))
}

/// Overview and artifacts, and the way to the images unless it is known that there are none. MLflow is not asked for the first.
fn tabs(a: &PlainQuery, run: &Run, artifacts: bool, has_images: Option<bool>) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let images = (has_images != Some(false)).then(|| {
        let href = addresses::run_images([&run.id]);
        view! { <li><a href=href>{words::tab_images(lang)}</a></li> }
    });
    let path = addresses::run(&run.id);
    let tab = |label: &'static str, key: Option<&'static str>, current: bool| {
        let query: Vec<_> = key.map(|k| ("show".to_owned(), k.to_owned())).into_iter().collect();
        let href = links::href(&path, &query);
        view! { <li><a href=href aria-current=current.then_some("page")>{label}</a></li> }
    };
    view! {
        <nav class="tabs" aria-label=words::tabs(lang)>
            <ul>{tab(words::tab_overview(lang), None, !artifacts)}{tab(words::tab_artifacts(lang), Some(ARTIFACTS), artifacts)}{images}</ul>
        </nav>
    }
}

fn overview(services: &Services, a: &mut PlainQuery, answer: &RunAnswer) -> Result<AnyView> {
    let (lang, run) = (a.fmt.lang, &*answer.run);
    let find = &*a.looked_for("find");
    let style = CurveStyle {
        axis: a.understand("axis", CurveStyle::read_axis).unwrap_or_default(),
        log_scale: a.understand("scale", CurveStyle::read_scale).unwrap_or_default(),
        smoothing: a.understand("smooth", CurveStyle::read_smoothing).unwrap_or_default(),
    };
    let mut page = a.understand("page", pages::read).unwrap_or(1);
    let any = !curves::with_curves(&a.metric_names, run, "").is_empty();
    let metrics = curves::with_curves(&a.metric_names, run, find);
    if page > 1 && (page - 1) * curves::CURVES >= metrics.len() {
        a.refuse("page", sentences::no_page(metrics.len(), page));
        page = 1;
    }
    let a = &*a;
    let mut figures = vec![];
    for metric in metrics.iter().skip((page - 1) * curves::CURVES).take(curves::CURVES) {
        let history = services.runs.history(run.id.as_str(), &metric.key, curves::points(style))?;
        figures.push(curves::figure(a, run, metric, &history, style)?);
    }
    let paging = Paging { page, size: curves::CURVES, total: metrics.len(), label: words::pages(lang) };
    let nothing = figures.is_empty().then(|| {
        let text = if any { words::no_such(lang) } else { words::no_curves(lang) };
        view! { <p class="quiet">{text}</p> }
    });
    let deleted = (run.lifecycle == domain::tracking::Lifecycle::Deleted)
        .then(|| view! { <p class="banner late">{words::deleted(lang)}</p> });
    Ok(view! {
        {deleted}
        {html::facts(a, run, answer.made.clone(), run_links(services, a, answer))}
        {registering(services, a, run)?}
        <section aria-labelledby="curves">
            <h2 id="curves">{words::curves(lang)}</h2>
            {(any || !find.is_empty()).then(|| curves::form(a, style, find))}
            {nothing}
            <div class="curves">{figures}</div>
            {pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]))}
        </section>
        {html::metrics(a, run, find, format!("/api/runs/{}", run.id))}
        {html::pairs(a, run, find)}
    }
    .into_any())
}

/// The form that makes a version of it, for whoever may and where versions are registered with us.
fn registering(services: &Services, a: &PlainQuery, run: &Run) -> Result<Option<AnyView>> {
    if !(services.models.may_change() && services.models.is_embedded()) {
        return Ok(None);
    }
    let form = RegisterForm {
        lang: a.fmt.lang,
        action: addresses::MODELS,
        run: run.id.to_string(),
        model: String::new(),
        path: String::new(),
        description: String::new(),
        fault: None,
    };
    let index = services.models.index()?;
    Ok(Some(form.draw(index.models().map(|m| m.name.as_str()))))
}

fn run_links(services: &Services, a: &PlainQuery, answer: &RunAnswer) -> html::RunLinks {
    let run = &*answer.run;
    let to =
        |other: &Run| Link { label: tracking::run_name(other), href: a.to(&addresses::run(&other.id)), current: false };
    let mlflow = services
        .mlflow_url
        .as_ref()
        .map(|base| format!("{}/#/experiments/{}/runs/{}", base.trim_end_matches('/'), run.experiment, run.id));
    // A place of the fleet, when the run names one that can be addressed.
    let place = Scope::parse(run.tag("customer"), run.tag("site"), run.tag("zone"), None, None).ok();
    let place = place.filter(|s| s.customer.is_some()).map(|scope| Link {
        label: [&scope.customer, &scope.site, &scope.zone]
            .into_iter()
            .flatten()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" › "),
        href: a.to(&addresses::place_path(&scope)),
        current: false,
    });
    html::RunLinks {
        mlflow,
        records: Some(addresses::records_of_run(&run.id)),
        place,
        parent: answer.parent.as_deref().map(to),
        children: answer.children.iter().map(|c| to(c)).collect(),
        version: addresses::model_version,
    }
}
