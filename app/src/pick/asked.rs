//! What the address of a choice asks for.

use domain::{choice::LimitSide, params::QueryParams};
use usecases::pick::{LimitQuery, MAX_LIMITS};

use crate::shell::plain_query::PlainQuery;

/// The keys of the page.
pub(super) const KEYS: [&str; 17] = [
    "best",
    "cost",
    "baseline",
    "filter",
    "customer",
    "site",
    "zone",
    "task",
    "type",
    "device",
    "days",
    "from",
    "to",
    "by",
    "limit_of",
    "limit_side",
    "limit_bound",
];
/// Keys that may come several times.
pub(super) const LISTS: [&str; 1] = ["limit"];
/// Keys that say where and when of the fleet.
const SCOPE: [&str; 9] = ["customer", "site", "zone", "task", "type", "device", "days", "from", "to"];

pub(super) struct Asked {
    pub best: Option<String>,
    pub cost: Option<String>,
    pub baseline: Option<String>,
    pub limits: Vec<LimitQuery>,
}

impl Asked {
    /// What cannot be read is taken out of the query and said on the page. A limit that the fields of a form ask for stands in the place of
    /// the one of the same metric and side.
    pub(super) fn read(a: &mut PlainQuery) -> Self {
        let text = |a: &PlainQuery, key: &str| a.get(key).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let field = text(a, "limit_of").zip(text(a, "limit_bound"));
        let sign = if a.get("limit_side") == Some("least") { ">=" } else { "<=" };
        let field = field.map(|(metric, bound)| format!("{metric}{sign}{bound}"));
        // Also as REST writes several.
        let texts =
            a.all("limit").flat_map(|t| t.split(';')).map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let texts: Vec<String> = texts.chain(field).collect();
        let mut limits: Vec<LimitQuery> = vec![];
        for text in texts.into_iter().take(MAX_LIMITS * 2) {
            match LimitQuery::parse(&text) {
                Ok(limit) => {
                    limits.retain(|l| l.metric != limit.metric || l.side != limit.side);
                    limits.push(limit);
                }
                Err(e) => a.refuse("limit", e.message),
            }
        }
        limits.truncate(MAX_LIMITS);
        ["limit", "limit_of", "limit_side", "limit_bound"].iter().for_each(|key| a.forget(key));
        limits.iter().for_each(|l| a.push("limit", l.to_string()));
        Self { best: text(a, "best"), cost: text(a, "cost"), baseline: text(a, "baseline"), limits }
    }

    /// The same page without one of the limits.
    pub(super) fn without(&self, a: &PlainQuery, at: usize) -> String {
        let kept =
            self.limits.iter().enumerate().filter(|(i, _)| *i != at).map(|(_, l)| ("limit".to_owned(), l.to_string()));
        let pairs: Vec<_> = a.pairs_without(&["limit"]).into_iter().chain(kept).collect();
        crate::ui::links::href(&a.path, &pairs)
    }
}

/// Where and when of the fleet, as other pages write it.
pub(super) fn params(a: &PlainQuery) -> QueryParams {
    let mut params = QueryParams::default();
    for key in SCOPE.into_iter().chain(["tz"]) {
        params.set(key, a.get(key).map(str::to_owned));
    }
    params
}

/// The word of a side in forms.
pub(super) fn side_word(side: LimitSide) -> &'static str {
    match side {
        LimitSide::AtMost => "most",
        LimitSide::AtLeast => "least",
    }
}
