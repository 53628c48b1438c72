//! How a page is registered: once, in its folder. Routes, navigation, palette, keys, and who may read what follow from it.

use domain::access::Action;

use crate::i18n::Lang;

/// A page, or several that are drawn alike: where it is, who may read it, and how one gets there.
#[derive(Debug)]
pub struct PageSpec {
    /// The patterns of its paths, with `:name` for a part that differs; see [`routes!`](crate::routes).
    pub paths: &'static [&'static str],
    /// What its reader must be allowed to do.
    pub action: Action,
    pub functions: &'static [Function],
    /// `None` for a page that others lead to.
    pub navigation: Option<Navigation>,
}

/// A server function: its path below `/sf`, how it is called, and what its caller must be allowed to do.
#[derive(Debug)]
pub struct Function {
    pub path: &'static str,
    pub method: &'static str,
    pub action: Action,
}

/// How a page stands in the rail, the palette and the list of keys; its first path is where they lead.
#[derive(Debug)]
pub struct Navigation {
    pub icon: &'static str,
    pub label: fn(Lang) -> &'static str,
    /// The letter that leads there after `g`.
    pub key: char,
    /// Where the paths begin of pages that have no place of their own in the rail and belong to this one.
    pub beneath: &'static [&'static str],
}

/// Paths of pages where the pattern of another page has a name: there they name nothing.
const NO_NAMES: [&str; 2] = ["/runs/images", "/runs/compare"];

impl PageSpec {
    /// Its first path.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.paths.first().copied().unwrap_or("/")
    }

    /// Whether `path` is that of one of its pages, to mark it in the navigation.
    #[must_use]
    pub fn is_at(&self, path: &str) -> bool {
        let beneath = self.navigation.as_ref().map_or(&[][..], |n| n.beneath);
        self.paths.iter().chain(beneath).any(|p| match fixed(p) {
            "/" => path == "/",
            fixed => path.starts_with(fixed),
        })
    }

    /// Whether its pages answer at `path`, if the names in it can be read.
    #[must_use]
    pub fn matches_path(&self, path: &str) -> bool {
        self.paths.iter().any(|p| match p.split_once(':') {
            Some((fixed, rest)) => {
                // A word behind the last name is a page of its own: `/experiments/:experiment/pick`.
                let tail = rest.split_once('/').map_or("", |t| t.1);
                let ends = tail.is_empty() || tail.contains(':') || path.ends_with(&format!("/{tail}"));
                path.starts_with(fixed) && ends && !NO_NAMES.contains(&path)
            }
            None => path == *p,
        })
    }
}

/// What stands in a pattern before its first name.
fn fixed(pattern: &str) -> &str {
    pattern.split_once("/:").map_or(pattern, |p| p.0)
}

/// Defines the routes of a page, all drawn by one component, and `PATHS`, their patterns. Pages are resolved before they are
/// sent: what they show never waits for a script.
#[macro_export]
macro_rules! routes {
    ($view:ident: $($path:tt),+ $(,)?) => {
        /// The patterns of its paths.
        const PATHS: &[&str] = &[$($path),+];

        /// Its routes.
        #[leptos::prelude::component(transparent)]
        pub fn Routes() -> impl leptos_router::MatchNestedRoutes + Clone {
            leptos::prelude::view! {
                $(<leptos_router::components::Route
                    path=leptos_router::path!($path)
                    view=$view
                    ssr=leptos_router::SsrMode::Async
                />)+
            }
            .into_inner()
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_knows_its_paths() {
        let page_spec = PageSpec {
            paths: &["/", "/customers/:customer", "/customers/:customer/sites/:site"],
            action: Action::ReadMetrics,
            functions: &[],
            navigation: None,
        };
        assert_eq!(page_spec.path(), "/");
        for path in ["/", "/customers/a", "/customers/a/sites/b"] {
            assert!(page_spec.is_at(path) && page_spec.matches_path(path), "{path}");
        }
        for path in ["/trends", "/custom"] {
            assert!(!page_spec.is_at(path) && !page_spec.matches_path(path), "{path}");
        }
        assert!(!page_spec.matches_path("/customers"), "no page is there");
        let navigation = Some(Navigation { icon: "", label: |_| "", key: 'e', beneath: &["/runs"] });
        let with_runs = PageSpec { paths: &["/experiments"], navigation, ..page_spec };
        assert!(
            with_runs.is_at("/runs/compare") && !with_runs.matches_path("/runs/compare"),
            "marked, not answered there"
        );
    }
}
