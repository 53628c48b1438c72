//! Every route with the action that it needs. What is not in this list is refused, so nothing is open by accident.

use std::{collections::HashMap, sync::LazyLock};

use app::{PAGES, shell::page_spec::Function};
use domain::access::Action;
use serde::Serialize;

use crate::page_paths::{forms, pages};

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub action: Action,
}

/// Routes apart from pages and their server functions, which are registered in `app`: method, path as the router writes it, action.
const ROUTES: &[(&str, &str, Action)] = &[
    ("GET", "/api/metrics/summary", Action::ReadMetrics),
    ("GET", "/api/metrics/trend", Action::ReadMetrics),
    ("GET", "/api/metrics/comparison", Action::ReadMetrics),
    ("GET", "/api/metrics/worst", Action::ReadMetrics),
    ("GET", "/api/metrics/records", Action::ReadMetrics),
    ("GET", "/api/metrics/catalogue", Action::ReadMetrics),
    ("GET", "/api/places", Action::ReadMetrics),
    ("GET", "/api/palette", Action::ReadMetrics),
    ("GET", "/api/palette/runs", Action::ReadRuns),
    ("GET", "/api/views", Action::ReadViews),
    ("POST", "/api/views", Action::WriteViews),
    ("PATCH", "/api/views/{id}", Action::WriteViews),
    ("DELETE", "/api/views/{id}", Action::WriteViews),
    ("PUT", "/api/start-page", Action::WriteViews),
    ("DELETE", "/api/start-page", Action::WriteViews),
    ("GET", "/export/compare.svg", Action::ReadMetrics),
    ("GET", "/export/heat.svg", Action::ReadMetrics),
    ("GET", "/export/volume.svg", Action::ReadSources),
    ("GET", "/export/compare.csv", Action::ReadMetrics),
    ("GET", "/export/compare_sites.csv", Action::ReadMetrics),
    ("GET", "/export/records.csv", Action::ReadMetrics),
    ("POST", "/api/metrics/records", Action::WriteRecords),
    ("GET", "/api/events", Action::ReadMetrics),
    ("GET", "/export/children.csv", Action::ReadMetrics),
    ("GET", "/export/metrics.csv", Action::ReadMetrics),
    ("GET", "/export/models.csv", Action::ReadMetrics),
    ("GET", "/export/worst_zones.csv", Action::ReadMetrics),
    ("GET", "/export/trend.csv", Action::ReadMetrics),
    ("GET", "/export/trend.svg", Action::ReadMetrics),
    ("GET", "/export/sources.csv", Action::ReadSources),
    ("GET", "/export/volume.csv", Action::ReadSources),
    ("GET", "/api/experiments", Action::ReadRuns),
    ("GET", "/api/runs/search", Action::ReadRuns),
    ("GET", "/api/runs/best", Action::ReadRuns),
    ("GET", "/api/runs/compare", Action::ReadRuns),
    ("GET", "/api/runs/pick", Action::ReadRuns),
    ("GET", "/api/pick", Action::ReadMetrics),
    ("GET", "/api/runs/{id}", Action::ReadRuns),
    ("GET", "/api/runs/{id}/history", Action::ReadRuns),
    ("GET", "/api/runs/{id}/artifacts", Action::ReadRuns),
    ("GET", "/api/runs/{id}/artifacts/file", Action::ReadRuns),
    ("GET", "/api/runs/{id}/thumbnail", Action::ReadRuns),
    ("GET", "/export/runs.csv", Action::ReadRuns),
    ("GET", "/export/runs.json", Action::ReadRuns),
    ("GET", "/export/runs.parquet", Action::ReadRuns),
    ("GET", "/export/model_history.csv", Action::ReadModels),
    ("GET", "/export/model_history.json", Action::ReadModels),
    ("GET", "/api/evidence", Action::ReadMetrics),
    ("GET", "/api/evidence/registrations", Action::ReadMetrics),
    ("POST", "/api/evidence/registrations", Action::WriteEvidence),
    ("GET", "/api/evidence/registrations/{id}", Action::ReadMetrics),
    ("GET", "/api/evidence/plan", Action::ReadMetrics),
    ("GET", "/api/evidence/policy", Action::ReadMetrics),
    ("PUT", "/api/evidence/policy", Action::WriteEvidence),
    ("GET", "/api/changes", Action::ReadMetrics),
    ("GET", "/api/models", Action::ReadModels),
    ("GET", "/api/models/{name}", Action::ReadModels),
    ("GET", "/api/models/{name}/champion", Action::ReadModels),
    ("GET", "/api/models/{name}/history", Action::ReadModels),
    ("GET", "/api/models/{name}/versions", Action::ReadModels),
    ("POST", "/api/models/{name}/versions", Action::WriteModels),
    ("GET", "/api/models/{name}/versions/{version}", Action::ReadModels),
    ("GET", "/api/models/{name}/versions/{version}/artifacts", Action::ReadModels),
    ("GET", "/api/models/{name}/versions/{version}/artifacts/file", Action::ReadModels),
    ("POST", "/api/models/{name}/challenger", Action::WriteModels),
    ("POST", "/api/models/{name}/promotions", Action::WriteModels),
    ("POST", "/api/models/{name}/rollback", Action::WriteModels),
    ("GET", "/api/models/{name}/requests", Action::ReadModels),
    ("POST", "/api/models/{name}/requests", Action::WriteModels),
    ("GET", "/api/requests/{id}", Action::ReadModels),
    ("POST", "/api/requests/{id}/approve", Action::WriteModels),
    ("POST", "/api/requests/{id}/reject", Action::WriteModels),
    ("GET", "/api/audit", Action::ReadModels),
    ("GET", "/api/audit/verify", Action::ReadModels),
    ("GET", "/api/webhooks", Action::ReadModels),
    ("POST", "/api/webhooks", Action::WriteModels),
    ("DELETE", "/api/webhooks/{id}", Action::WriteModels),
    ("POST", "/api/webhooks/{id}/pause", Action::WriteModels),
    ("POST", "/api/webhooks/{id}/resume", Action::WriteModels),
    ("POST", "/api/webhooks/{id}/test", Action::WriteModels),
    ("GET", "/api/webhooks/deliveries", Action::ReadModels),
    ("POST", "/api/webhooks/deliveries/{id}/replay", Action::WriteModels),
    ("GET", "/mlflow/models", Action::ReadModels),
    ("GET", "/mlflow/models/{name}/versions", Action::ReadModels),
    ("GET", "/mlflow/models/{name}/metrics", Action::ReadModels),
    ("GET", "/healthz", Action::Probe),
    ("GET", "/readyz", Action::Probe),
    ("GET", "/signin", Action::SignIn),
    ("POST", "/signin", Action::SignIn),
    ("POST", "/signout", Action::SignIn),
    ("POST", "/preferences", Action::SetPreference),
    ("GET", "/pkg/{*file}", Action::SignIn),
    ("GET", "/elements/{*file}", Action::SignIn),
    ("GET", "/favicon.svg", Action::SignIn),
];

/// The server functions of pages.
fn functions() -> impl Iterator<Item = &'static Function> {
    PAGES.iter().flat_map(|page_spec| page_spec.functions)
}

/// The whole list: pages, what programs ask, server functions.
#[must_use]
pub fn all() -> Vec<Route> {
    let route = |method: &str, path: String, action| Route { method: method.to_owned(), path, action };
    let pages = pages().map(|(path, action)| route("GET", path, action));
    let ours = ROUTES.iter().map(|(method, path, action)| route(method, (*path).to_owned(), *action));
    let functions = functions().map(|f| route(f.method, f.path.to_owned(), f.action));
    // Forms that are sent to the page on which they stand.
    let forms = forms().into_iter().filter(|(path, f)| path != f.path);
    let forms = forms.map(|(path, f)| route(f.method, path, f.action));
    pages.chain(ours).chain(functions).chain(forms).collect()
}

/// The list as it is looked up.
static BY_NAME: LazyLock<HashMap<(String, String), Action>> =
    LazyLock::new(|| all().into_iter().map(|r| ((r.method, r.path), r.action)).collect());

/// The action of a route; `None` when it is not in the list. HEAD counts as GET.
#[must_use]
pub fn action(method: &str, path: &str) -> Option<Action> {
    let method = if method == "HEAD" { "GET" } else { method };
    BY_NAME.get(&(method.to_owned(), path.to_owned())).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_server_function_has_its_case() {
        let listed: BTreeSet<(String, String)> =
            functions().map(|f| (f.path.to_owned(), f.method.to_owned())).collect();
        let built: BTreeSet<(String, String)> = leptos::server_fn::axum::server_fn_paths()
            .map(|(path, method)| (path.to_owned(), method.to_string()))
            .collect();
        assert_eq!(built, listed, "the rooms do not name exactly the functions that exist, with their methods");
    }

    #[tokio::test]
    async fn every_page_has_its_case() {
        use leptos_axum::generate_route_list;
        let pages = generate_route_list(app::App);
        assert!(pages.len() >= 8);
        for page in &pages {
            assert!(action("GET", page.path()).is_some(), "{} is in no list", page.path());
        }
        let built: BTreeSet<String> = pages.iter().map(|page| page.path().to_owned()).collect();
        let listed: BTreeSet<String> = crate::page_paths::pages().map(|page| page.0).collect();
        assert_eq!(built, listed, "what the rooms name and what the app answers");
    }

    #[test]
    fn reading_is_never_done_with_post() {
        for r in all().into_iter().filter(|r| r.method != "GET") {
            let writes = r.action.is_write() || matches!(r.action, Action::SignIn | Action::SetPreference);
            assert!(writes, "{r:?}");
        }
    }

    #[test]
    fn what_changes_something_is_never_done_with_get() {
        assert!(all().into_iter().all(|r| r.method != "GET" || !r.action.is_write()));
    }

    #[test]
    fn saved_views_lead_to_pages_and_nothing_else() {
        let pages = crate::page_paths::measured();
        let has = |path: &str| pages.iter().any(|p| p == path);
        assert!(pages.len() >= 8 && has("/") && has("/customers/{customer}"), "{pages:?}");
        let other =
            ["/api", "/export", "/sign", "/pkg", "/elements", "/healthz", "/readyz", "/favicon", "/pref", "/sf"];
        assert!(pages.iter().all(|p| other.iter().all(|o| !p.starts_with(o))), "{pages:?}");
    }
}
