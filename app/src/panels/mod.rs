//! Charts and tables that stand on several pages, made from an answer and what is given: language, time zone, place, range and
//! metric. Nothing here knows a request, a page's head or its address: links are given, or there are none.

pub mod curve;
#[cfg(feature = "ssr")]
pub mod curve_form;
pub mod devices;
pub mod heatmap;
pub mod models;
pub mod overlay;
pub mod refusals;
pub mod register;
pub mod tracking;
pub mod trend;
pub mod verdict;

pub(crate) mod words {
    //! The texts of this folder, from `words.toml`.
    include!(concat!(env!("OUT_DIR"), "/panels/words.rs"));
}

mod sentences {
    //! What is refused in this folder, from `sentences.toml`.
    include!(concat!(env!("OUT_DIR"), "/panels/sentences.rs"));
}

use domain::{
    metric::Metric,
    query::Directory,
    scope::Scope,
    time::{Millis, TimeRange},
};

use crate::ui::fmt::Fmt;

/// What every panel is made with.
#[derive(Debug, Clone, Copy)]
pub struct PanelContext<'a> {
    /// Language and time zone.
    pub fmt: &'a Fmt,
    /// Names of places and metrics, as people wrote them down.
    pub directory: &'a Directory,
    pub scope: &'a Scope,
    pub range: TimeRange,
    pub now: Millis,
}

impl PanelContext<'_> {
    /// The place in words.
    #[must_use]
    pub fn title(self) -> String {
        if self.scope.customer.is_none() {
            return words::fleet(self.fmt.lang).to_owned();
        }
        self.name_of(self.scope)
    }

    /// The place in words, and the device where one is chosen.
    #[must_use]
    pub fn scope_text(self) -> String {
        match &self.scope.device {
            Some(device) => format!("{} · {device}", self.title()),
            None => self.title(),
        }
    }

    /// The deepest place of a scope by the name that people gave it, else by that of its records.
    #[must_use]
    pub fn name_of(self, scope: &Scope) -> String {
        if let Some(label) = self.directory.declared.label(scope) {
            return self.fmt.lang.name(label).to_owned();
        }
        let name = [&scope.zone, &scope.site, &scope.customer].into_iter().flatten().next();
        name.map_or_else(String::new, ToString::to_string)
    }

    /// A place in words, without what the panel's scope already says; empty where that is all.
    #[must_use]
    pub fn within(self, place: &Scope) -> String {
        let down_to = [
            Some(Scope { site: None, zone: None, ..place.clone() }).filter(|_| self.scope.customer.is_none()),
            Some(Scope { zone: None, ..place.clone() }).filter(|p| p.site.is_some() && self.scope.site.is_none()),
            Some(place.clone()).filter(|p| p.zone.is_some()),
        ];
        down_to.iter().flatten().map(|p| self.name_of(p)).collect::<Vec<_>>().join(" · ")
    }

    /// The metric behind an answer's number.
    #[must_use]
    pub fn metric(self, key: &str) -> Metric {
        self.directory.metric_of_answer(key)
    }
}
