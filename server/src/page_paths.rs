//! The paths of pages as the router writes them, from their registrations.

use app::PAGES;
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

/// `/customers/:customer` as `/customers/{customer}`.
fn pattern(path: &str) -> String {
    let part = |p: &str| p.strip_prefix(':').map_or_else(|| p.to_owned(), |name| format!("{{{name}}}"));
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
