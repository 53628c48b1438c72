//! Every route with the action that it needs. What is not in this list is refused, so nothing is open by accident.

use app::api::SERVER_FUNCTIONS;
use domain::access::Action;
use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Route {
    pub method: String,
    pub path: String,
    pub action: Action,
}

/// Routes apart from server functions: method, path as the router writes it, action.
const ROUTES: &[(&str, &str, Action)] = &[
    ("GET", "/", Action::ReadMetrics),
    ("GET", "/customers/{customer}", Action::ReadMetrics),
    ("GET", "/customers/{customer}/sites/{site}", Action::ReadMetrics),
    ("GET", "/customers/{customer}/sites/{site}/zones/{zone}", Action::ReadMetrics),
    ("GET", "/trends", Action::ReadMetrics),
    ("GET", "/compare", Action::ReadMetrics),
    ("GET", "/records", Action::ReadMetrics),
    ("GET", "/sources", Action::ReadSources),
    ("GET", "/api/metrics/summary", Action::ReadMetrics),
    ("GET", "/api/metrics/trend", Action::ReadMetrics),
    ("GET", "/api/metrics/comparison", Action::ReadMetrics),
    ("GET", "/api/metrics/worst", Action::ReadMetrics),
    ("GET", "/api/metrics/records", Action::ReadMetrics),
    ("GET", "/api/metrics/catalogue", Action::ReadMetrics),
    ("GET", "/api/places", Action::ReadMetrics),
    ("GET", "/api/palette", Action::ReadMetrics),
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

/// The whole list, server functions included; they are read with GET.
#[must_use]
pub fn all() -> Vec<Route> {
    let ours = ROUTES.iter().map(|(m, p, a)| Route { method: (*m).into(), path: (*p).into(), action: *a });
    let functions = SERVER_FUNCTIONS.iter().map(|(p, a)| Route { method: "GET".into(), path: (*p).into(), action: *a });
    ours.chain(functions).collect()
}

/// The action of a route; `None` when it is not in the list. HEAD counts as GET.
#[must_use]
pub fn action(method: &str, path: &str) -> Option<Action> {
    let method = if method == "HEAD" { "GET" } else { method };
    let ours = ROUTES.iter().find(|(m, p, _)| *m == method && *p == path).map(|r| r.2);
    ours.or_else(|| SERVER_FUNCTIONS.iter().find(|(p, _)| *p == path && method == "GET").map(|f| f.1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_server_function_has_its_case() {
        let listed: BTreeSet<String> = SERVER_FUNCTIONS.iter().map(|f| f.0.to_owned()).collect();
        let built: BTreeSet<String> =
            leptos::server_fn::axum::server_fn_paths().map(|(path, _)| path.to_owned()).collect();
        assert_eq!(built, listed, "app::api::SERVER_FUNCTIONS does not name exactly the functions that exist");
    }

    #[tokio::test]
    async fn every_page_has_its_case() {
        use leptos_axum::generate_route_list;
        let pages = generate_route_list(app::App);
        assert!(pages.len() >= 8);
        for page in pages {
            assert!(action("GET", page.path()).is_some(), "{} is in no list", page.path());
        }
    }

    #[test]
    fn reading_is_never_done_with_post() {
        for r in all().into_iter().filter(|r| r.method != "GET") {
            assert!(matches!(r.action, Action::SignIn | Action::SetPreference | Action::WriteRecords), "{r:?}");
        }
    }
}
