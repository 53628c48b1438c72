//! Addresses of the pages to which other pages link, and of the stream of events. A page's own address is registered in its
//! folder; a test holds these to it.

use domain::{
    model::ModelKey,
    params::QueryParams,
    scope::{Place, Scope},
    tracking::{ArtifactPath, ExperimentId, RunId},
};

use crate::ui::links::{METRICS_PAGE, PLACE_KEYS, encode, href, pairs};

/// The page of sources.
pub const SOURCES: &str = "/sources";
/// The page of what an import of MLflow's runs would do.
pub const RUN_IMPORT: &str = "/sources/mlflow";
/// The page of experiments.
pub const EXPERIMENTS: &str = "/experiments";
/// The page of the runs of all experiments.
pub const ALL_RUNS: &str = "/experiments/all";
/// The page of runs side by side.
pub const RUN_COMPARISON: &str = "/runs/compare";
/// The page of the images of runs.
pub const RUN_IMAGES: &str = "/runs/images";
/// The page of registered comparisons.
pub const REGISTERED: &str = "/compare/registered";
/// The page of the models of the registry.
pub const MODELS: &str = "/models";
/// The page of webhooks.
pub const WEBHOOKS: &str = "/webhooks";
/// The page of plans of comparisons.
pub const PLAN: &str = "/compare/plan";
/// What a change is made of.
pub const CHANGES: &str = "/changes";
/// How numbers are judged.
pub const STATISTICS: &str = "/statistics";
/// Keys of comparisons alone.
const COMPARE: [&str; 5] = ["models", "baseline", "places", "by", "diff"];
/// Keys that belong to one page alone.
const OWN: [&str; 11] = [
    "metric",
    "model",
    "run",
    "sort",
    "page",
    METRICS_PAGE,
    COMPARE[0],
    COMPARE[1],
    COMPARE[2],
    COMPARE[3],
    COMPARE[4],
];

/// The path of a place's page.
#[must_use]
pub fn place_path(scope: &Scope) -> String {
    let mut path = String::new();
    for (word, name) in [("customers", &scope.customer), ("sites", &scope.site), ("zones", &scope.zone)] {
        if let Some(name) = name {
            path.push('/');
            path.push_str(word);
            path.push('/');
            path.push_str(&encode(name.as_str()));
        }
    }
    if path.is_empty() { "/".into() } else { path }
}

/// The page of a place, with range and filters kept.
#[must_use]
pub fn place(scope: &Scope, params: &QueryParams) -> String {
    let without: Vec<&str> = PLACE_KEYS.iter().chain(&OWN).copied().collect();
    href(&place_path(scope), &pairs(params, &without))
}

/// A page that has its place in the query, for another place.
#[must_use]
pub fn with_scope(path: &str, scope: &Scope, params: &QueryParams) -> String {
    let mut to = params.clone();
    for key in ["sort", "page", METRICS_PAGE, "step", "model", "run"] {
        to.set(key, None);
    }
    put(&mut to, scope);
    href(path, &pairs(&to, &[]))
}

/// The trends page of a scope and a metric.
#[must_use]
pub fn trends(scope: &Scope, metric: &str, params: &QueryParams) -> String {
    with_scope("/trends", scope, &without(params, &COMPARE, metric))
}

/// What a change of a metric in a scope is made of.
#[must_use]
pub fn changes(scope: &Scope, metric: &str, params: &QueryParams) -> String {
    with_scope(CHANGES, scope, &without(params, &COMPARE, metric))
}

/// The trends page of a scope and a metric, of the model that the query names.
#[must_use]
pub fn trends_of_model(scope: &Scope, metric: &str, params: &QueryParams) -> String {
    let mut to = without(params, &COMPARE, metric);
    for key in ["sort", "page", METRICS_PAGE, "step", "run"] {
        to.set(key, None);
    }
    put(&mut to, scope);
    href("/trends", &pairs(&to, &[]))
}

/// The rows behind a metric, without their time: the caller adds `from` and `to`.
#[must_use]
pub fn records(scope: &Scope, metric: &str, params: &QueryParams) -> String {
    let mut to = without(params, &COMPARE, metric);
    for key in ["from", "to", "days", "sort", "page", METRICS_PAGE, "step", "compare", "refresh", "kiosk"] {
        to.set(key, None);
    }
    put(&mut to, scope);
    href("/records", &pairs(&to, &[]))
}

/// The rows of a model in a scope, over the range of the query.
#[must_use]
pub fn records_of_model(scope: &Scope, model: &ModelKey, params: &QueryParams) -> String {
    let mut to = params.clone();
    for key in
        COMPARE.iter().chain(&["metric", "sort", "page", METRICS_PAGE, "step", "compare", "run", "refresh", "kiosk"])
    {
        to.set(key, None);
    }
    to.set("model", Some(model.key()));
    put(&mut to, scope);
    href("/records", &pairs(&to, &[]))
}

/// The comparison with this model as the baseline.
#[must_use]
pub fn compare(model: &ModelKey) -> String {
    href("/compare", &[("baseline".to_owned(), model.key())])
}

/// The plan of a comparison in a scope; of the usual champion and metric where none is named.
#[must_use]
pub fn plan(scope: &Scope, champion: Option<&ModelKey>, metric: Option<&str>) -> String {
    let mut params = QueryParams::default();
    put(&mut params, scope);
    params.task = scope.task.as_ref().map(ToString::to_string);
    params.device = scope.device.as_ref().map(ToString::to_string);
    params.metric = metric.map(str::to_owned);
    let champion = champion.map(|m| ("champion".to_owned(), m.key()));
    href(PLAN, &pairs(&params, &[]).into_iter().chain(champion).collect::<Vec<_>>())
}

/// The page of an experiment's runs.
#[must_use]
pub fn experiment(id: &ExperimentId) -> String {
    format!("{EXPERIMENTS}/{id}")
}

/// The page of a run.
#[must_use]
pub fn run(id: &RunId) -> String {
    format!("/runs/{id}")
}

/// Runs side by side.
#[must_use]
pub fn run_comparison<'r>(ids: impl IntoIterator<Item = &'r RunId>) -> String {
    href(RUN_COMPARISON, &[("ids".to_owned(), listed(ids))])
}

fn listed<'r>(ids: impl IntoIterator<Item = &'r RunId>) -> String {
    ids.into_iter().map(RunId::as_str).collect::<Vec<_>>().join(",")
}

/// Images of runs side by side, or of one run over its steps.
#[must_use]
pub fn run_images<'a>(ids: impl IntoIterator<Item = &'a RunId>) -> String {
    href(RUN_IMAGES, &[("ids".to_owned(), listed(ids))])
}

/// A file of a run, opened on its page.
#[must_use]
pub fn run_file(id: &RunId, file: &ArtifactPath) -> String {
    let folder = file.parent().map(|f| ("folder".to_owned(), f.to_string())).filter(|(_, f)| !f.is_empty());
    let pairs = [("show".to_owned(), "artifacts".to_owned())].into_iter().chain(folder);
    href(&run(id), &pairs.chain([("file".to_owned(), file.to_string())]).collect::<Vec<_>>())
}

/// The records of all time that name a run.
#[must_use]
pub fn records_of_run(id: &RunId) -> String {
    href(
        "/records",
        &[
            ("type".to_owned(), "all".to_owned()),
            ("run".to_owned(), id.to_string()),
            ("days".to_owned(), "4015".to_owned()),
        ],
    )
}

/// The page of a model of the registry.
#[must_use]
pub fn model(name: &str) -> String {
    format!("{MODELS}/{}", encode(name))
}

/// The page of a version of a model.
#[must_use]
pub fn model_version(model: &str, version: &str) -> String {
    format!("{MODELS}/{}/versions/{}", encode(model), encode(version))
}

/// The page on which a version is promoted.
#[must_use]
pub fn model_promote(name: &str) -> String {
    format!("{}/promote", model(name))
}

/// The page on which a model is rolled back.
#[must_use]
pub fn model_rollback(name: &str) -> String {
    format!("{}/rollback", model(name))
}

/// What happened to a model.
#[must_use]
pub fn model_history(name: &str) -> String {
    format!("{}/history", model(name))
}

/// The page of a request to promote.
#[must_use]
pub fn model_request(id: i64) -> String {
    format!("{MODELS}/requests/{id}")
}

/// The comparison of a version of a model with its champion.
#[must_use]
pub fn model_comparison(champion: &ModelKey, challenger: &ModelKey) -> String {
    href("/compare", &[("baseline".to_owned(), champion.key()), ("models".to_owned(), challenger.key())])
}

/// The stream of events about experiments and runs.
#[must_use]
pub fn run_events() -> String {
    "/api/events?topic=runs".to_owned()
}

/// The stream of events about models.
#[must_use]
pub fn model_events() -> String {
    "/api/events?topic=models".to_owned()
}

/// The form that saves the page at an address.
#[must_use]
pub fn save(link: String, name: String) -> String {
    href("/views", &[("act".to_owned(), "save".to_owned()), ("link".to_owned(), link), ("name".to_owned(), name)])
}

/// The stream of events about a place, or about everything.
#[must_use]
pub fn events(place: Option<&Place>) -> String {
    let named = place.map(|p| [("customer", Some(&p.customer)), ("site", p.site.as_ref()), ("zone", p.zone.as_ref())]);
    let pairs = named.into_iter().flatten().filter_map(|(key, name)| Some((key.to_owned(), name?.to_string())));
    href("/api/events", &pairs.collect::<Vec<_>>())
}

/// Names a place in a query.
fn put(params: &mut QueryParams, scope: &Scope) {
    for (key, name) in PLACE_KEYS.iter().zip([&scope.customer, &scope.site, &scope.zone]) {
        params.set(key, name.as_ref().map(ToString::to_string));
    }
}

fn without(params: &QueryParams, keys: &[&str], metric: &str) -> QueryParams {
    let mut to = params.clone();
    for key in keys {
        to.set(key, None);
    }
    to.set("metric", Some(metric.to_owned()));
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::links::with_changes;

    #[test]
    fn names_of_any_kind_make_one_segment_each() {
        let scope = Scope::parse(Some("a b&c=d?"), Some("부산-2"), Some("..x"), None, None).expect("a scope");
        let path = place_path(&scope);
        assert_eq!(path, "/customers/a%20b%26c%3Dd%3F/sites/%EB%B6%80%EC%82%B0-2/zones/..x");
        assert_eq!(place_path(&Scope::default()), "/");
    }

    #[test]
    fn range_and_filters_travel_along_but_sort_and_page_do_not() {
        let params = QueryParams {
            from: Some("now-30d".into()),
            task: Some("detection".into()),
            sort: Some("-n".into()),
            page: Some("2".into()),
            ..QueryParams::default()
        };
        assert_eq!(place(&Scope::default(), &params), "/?task=detection&from=now-30d");
        assert_eq!(
            with_changes("/", &params, true, &[("page", Some("3".into()))]),
            "/?task=detection&from=now-30d&sort=-n&page=3"
        );
        assert!(
            trends(&Scope::default(), "mAP50", &params).starts_with("/trends?task=detection&metric=mAP50&from=now-30d")
        );
    }
}
