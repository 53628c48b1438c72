//! What people see. Compiled twice: for the server (`ssr`), where pages are made whole, and for the browser (`hydrate`),
//! where they are hydrated. Nothing here can name a database, a file or a socket.
//!
//! A page is a folder; what pages share is in `shell` (what surrounds them), `panels` (charts and tables of several pages)
//! and `ui` (the kit).

#![recursion_limit = "512"]
// Component macros make functions that take what they are given by value.
#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value)]

pub mod i18n;
#[cfg(feature = "ssr")]
pub mod panels;
pub mod shell;
pub mod ui;

pub mod catalogue;
pub mod changes;
pub mod compare;
pub mod experiments;
pub mod images;
pub mod models;
pub mod pick;
pub mod place;
pub mod plan;
pub mod records;
pub mod registered;
pub mod run;
pub mod run_compare;
pub mod run_import;
pub mod run_pick;
pub mod runs;
pub mod sources;
pub mod statistics;
pub mod trends;
pub mod views;
pub mod webhooks;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    MatchNestedRoutes,
    components::{Router, Routes},
};

use crate::shell::{error_view::NotFound, frame::Frame, page_spec::PageSpec, prefs::Prefs};

/// Lists the pages: their registrations and routes.
macro_rules! page_list {
    ($($page_spec:ident),+ $(,)?) => {
        /// Every page, in the order of the navigation.
        pub const PAGES: &[&PageSpec] = &[$(&$page_spec::PAGE),+];

        #[component(transparent)]
        fn PageRoutes() -> impl MatchNestedRoutes + Clone {
            view! { $(<$page_spec::Routes/>)+ }.into_inner()
        }
    };
}

// The router takes the first that fits: a fixed path stands before one that has a name there.
page_list![
    place,
    trends,
    changes,
    pick,
    plan,
    registered,
    run_pick,
    compare,
    experiments,
    models,
    webhooks,
    runs,
    run_compare,
    images,
    run,
    records,
    sources,
    run_import,
    catalogue,
    statistics,
    views
];

/// The document around the app.
#[cfg(feature = "ssr")]
pub fn document(options: LeptosOptions) -> impl IntoView {
    shell::document::document(options, App)
}

/// The app: the frame, and in it the page of the address.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let prefs = Prefs::provide();
    view! {
        <Title formatter=window_title/>
        <Router>
            <Frame prefs=prefs page_list=PAGES>
                <Routes fallback=NotFound>
                    <PageRoutes/>
                </Routes>
            </Frame>
        </Router>
    }
}

/// The title of the browser's window. On the server it becomes HTML, which leptos_meta does not escape.
fn window_title(page: String) -> String {
    let title = if page.is_empty() { "GuardianFlow".to_owned() } else { format!("{page} · GuardianFlow") };
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use std::collections::BTreeSet;

    use domain::{model::ModelKey, params::QueryParams, scope::Scope, tracking::RunId};

    use super::PAGES;
    use crate::shell::addresses;

    #[test]
    fn paths_functions_and_keys_are_registered_once() {
        let once = |all: Vec<String>| all.len() == all.iter().collect::<BTreeSet<_>>().len();
        assert!(once(PAGES.iter().flat_map(|r| r.paths).map(ToString::to_string).collect()));
        assert!(once(PAGES.iter().flat_map(|r| r.functions).map(|f| f.path.to_owned()).collect()));
        assert!(once(PAGES.iter().filter_map(|r| r.navigation.as_ref()).map(|n| n.key.to_string()).collect()));
    }

    #[test]
    fn what_pages_link_to_is_registered() {
        let (fleet, params) = (Scope::default(), QueryParams::default());
        let model = ModelKey::parse("a:1").expect("a model");
        let links = [
            addresses::place(&Scope::parse(Some("a"), Some("b"), Some("c"), None, None).expect("a scope"), &params),
            addresses::trends(&fleet, "mAP50", &params),
            addresses::trends_of_model(&fleet, "mAP50", &params),
            addresses::records(&fleet, "mAP50", &params),
            addresses::compare(&model),
            addresses::changes(&fleet, "mAP50", &params),
            addresses::plan(&fleet, Some(&model), Some("mAP50")),
            addresses::STATISTICS.to_owned(),
            addresses::SOURCES.to_owned(),
            addresses::RUN_IMPORT.to_owned(),
            addresses::save("/".into(), "x".into()),
            addresses::run_images(&[RunId::parse("abc").expect("an id")]),
            addresses::run_comparison(&[RunId::parse("abc").expect("an id")]),
        ];
        for link in links {
            let path = link.split('?').next().unwrap_or_default();
            assert!(PAGES.iter().any(|r| r.matches_path(path)), "{link}");
        }
    }

    #[test]
    fn a_word_behind_a_name_is_a_page_of_its_own() {
        let first = |path: &str| PAGES.iter().find(|r| r.matches_path(path)).map(|r| r.functions[0].path);
        let found = ["/experiments/5", "/experiments/5/pick", "/compare/pick", "/compare"].map(first);
        assert_eq!(found, [Some("/sf/runs"), Some("/sf/run-pick"), Some("/sf/pick"), Some("/sf/compare")]);
    }

    #[test]
    fn a_fixed_path_is_one_page_s_and_the_router_comes_to_it_first() {
        let fixed = PAGES.iter().flat_map(|r| r.paths).filter(|p| !p.contains(':') && p.matches('/').count() > 1);
        let fixed: Vec<_> = fixed.copied().collect();
        assert!(fixed.contains(&addresses::RUN_IMAGES) && fixed.contains(&addresses::RUN_COMPARISON));
        for path in fixed {
            assert_eq!(PAGES.iter().filter(|r| r.matches_path(path)).count(), 1, "{path}");
            let folder = path.rsplit_once('/').map_or("", |p| p.0).to_owned() + "/:";
            let at = |wanted: &dyn Fn(&str) -> bool| PAGES.iter().position(|r| r.paths.iter().any(|p| wanted(p)));
            let named = at(&|p| p.starts_with(&folder));
            assert!(named.is_none_or(|named| at(&|p| p == path) < Some(named)), "{path}");
        }
    }
}
