//! The paths of pages as the router writes them, from their registrations.

use app::{
    PAGES,
    shell::page_spec::{Function, PageSpec},
};
use domain::access::Action;

/// The paths of pages, as the router writes them, with the action that each needs.
pub fn pages() -> impl Iterator<Item = (String, Action)> {
    PAGES.iter().flat_map(|page_spec| page_spec.paths.iter().map(|path| (pattern(path), page_spec.action)))
}

/// The paths of the pages that show what is measured: what a saved view may lead to.
#[must_use]
pub fn measured() -> Vec<String> {
    let shows = |action| matches!(action, Action::ReadMetrics | Action::ReadSources);
    pages().filter(|page| shows(page.1)).map(|page| page.0).collect()
}

/// Where forms of pages are sent, as the router writes it, each with its function: to the function's own path, and to every page of a registration whose
/// first page has that path.
#[must_use]
pub fn forms() -> Vec<(String, &'static Function)> {
    let of_page = |page_spec: &&'static PageSpec| {
        let post = page_spec.functions.iter().filter(|f| f.method == "POST" && !f.path.starts_with("/sf/"));
        let paths = page_spec.paths;
        let sent = post.flat_map(move |f| {
            let others = paths.iter().skip(1).filter(move |_| f.path == paths[0]);
            std::iter::once(f.path.to_owned()).chain(others.map(|p| pattern(p))).map(move |path| (path, f))
        });
        sent.collect::<Vec<_>>()
    };
    PAGES.iter().flat_map(of_page).collect()
}

/// `/customers/:customer` as `/customers/{customer}`.
fn pattern(path: &str) -> String {
    let part = |p: &str| p.strip_prefix(':').map_or_else(|| p.to_owned(), |name| format!("{{{name}}}"));
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
