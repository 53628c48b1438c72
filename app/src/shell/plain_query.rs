//! The query of a page that is not about a place and a range: its own keys, and what every page takes along.

use domain::{
    Result,
    error::Sentence,
    params::{KEYS, QueryParams, RefreshInterval, decode, given_twice, too_long, unknown_key},
    time::Millis,
    tracking::{RunMetricNames, filter::MAX_FILTER},
};

use leptos::prelude::IntoView;

use super::{
    context::{Request, Services},
    head::{live_words, refresh_choices},
    top::{Crumb, LiveUpdates, PageHead},
    words,
};
use crate::ui::{fmt::Fmt, form::hidden_fields, links};

/// What such a page takes along from others, and hands on.
const KEPT: [&str; 3] = ["tz", "refresh", "kiosk"];

/// The longest text that is looked for in names, in characters: no name of MLflow's is longer.
const MAX_FIND: usize = 500;

/// An address, read once.
pub struct PlainQuery {
    /// As it stands in the address.
    pub path: String,
    pub fmt: Fmt,
    /// The server's clock when it was asked.
    pub now: Millis,
    /// How the metrics of runs are read.
    pub metric_names: RunMetricNames,
    refresh: RefreshInterval,
    /// In their order; those of other pages are not among them.
    pairs: Vec<(String, String)>,
    mistakes: Vec<Sentence>,
}

impl PlainQuery {
    /// Reads path and query as they stand in an address. `keys` are the page's own; those of other pages are passed over, because the
    /// palette takes them along.
    ///
    /// # Errors
    /// A key that nobody knows, or one that is given twice and is not among `lists`; what is no UTF-8, and a zone or a refresh interval that
    /// there is not.
    pub fn read(services: &Services, request: &Request, address: &str, keys: &[&str], lists: &[&str]) -> Result<Self> {
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut pairs: Vec<(String, String)> = vec![];
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?);
            if keys.contains(&&*key) || KEPT.contains(&&*key) {
                if pairs.iter().any(|(k, _)| *k == key) {
                    return Err(given_twice(&key));
                }
            } else if !lists.contains(&&*key) {
                if KEYS.contains(&&*key) {
                    continue;
                }
                let known: Vec<&str> = keys.iter().chain(lists).chain(&KEPT).copied().collect();
                return Err(unknown_key(&key, &known));
            }
            if !value.is_empty() {
                pairs.push((key, value));
            }
        }
        let given = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, value)| &**value);
        let kept = QueryParams {
            tz: given("tz").map(str::to_owned),
            refresh: given("refresh").map(str::to_owned),
            kiosk: given("kiosk").map(str::to_owned),
            ..QueryParams::default()
        };
        let now = services.clock.now();
        let q = kept.read(now, &request.zone)?;
        Ok(Self {
            path: path.to_owned(),
            fmt: Fmt { lang: request.lang, zone: q.zone },
            now,
            metric_names: services.runs.metric_names(),
            refresh: q.refresh,
            pairs,
            mistakes: vec![],
        })
    }

    /// What a key says; `None` when it is not given, or cannot be read: see [`PlainQuery::refuse`].
    pub fn understand<T>(&mut self, key: &str, read: impl FnOnce(&str) -> Result<T>) -> Option<T> {
        let text = self.get(key)?;
        let known = if text.len() > MAX_FILTER { Err(too_long(key, MAX_FILTER, text)) } else { read(text) };
        known.map_err(|e| self.refuse(key, e.message)).ok()
    }

    /// What is looked for in names; empty for all.
    pub fn looked_for(&mut self, key: &str) -> String {
        let short = |text: &str| {
            let is_short = text.chars().count() <= MAX_FIND;
            if is_short { Ok(text.to_owned()) } else { Err(too_long(key, MAX_FIND, text)) }
        };
        self.understand(key, short).unwrap_or_default()
    }

    /// Takes a key as not given: no link of the page hands it on, and the page says why.
    pub fn refuse(&mut self, key: &str, why: Sentence) {
        self.forget(key);
        self.mistakes.push(why);
    }

    /// Says what is wrong with the address beside its keys.
    pub fn mistake(&mut self, why: Sentence) {
        self.mistakes.push(why);
    }

    /// Takes a key as not given.
    pub fn forget(&mut self, key: &str) {
        self.pairs.retain(|(k, _)| k != key);
    }

    /// Has links say something in the place of what was given; the empty text removes a key.
    pub fn put(&mut self, key: &str, value: String) {
        self.forget(key);
        if !value.is_empty() {
            self.pairs.insert(0, (key.to_owned(), value));
        }
    }

    /// Has links say one more value of a key that may be given several times.
    pub fn push(&mut self, key: &str, value: String) {
        self.pairs.push((key.to_owned(), value));
    }

    /// Why keys were refused.
    #[must_use]
    pub fn mistakes(&self) -> &[Sentence] {
        &self.mistakes
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of a key that may be given several times.
    pub fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.pairs.iter().filter(move |(k, _)| k == key).map(|(_, value)| &**value)
    }

    /// The part of the path behind `prefix`, decoded; empty where there is none.
    ///
    /// # Errors
    /// One that is no UTF-8.
    pub fn behind(&self, prefix: &str) -> Result<String> {
        decode(self.path.strip_prefix(prefix).unwrap_or_default().trim_matches('/'))
    }

    /// The pairs of the query without some keys: for forms, and for links elsewhere.
    #[must_use]
    pub fn pairs_without(&self, without: &[&str]) -> Vec<(String, String)> {
        self.pairs.iter().filter(|(k, _)| !without.contains(&&**k)).cloned().collect()
    }

    /// The pairs of the query without some keys, as they travel along with a form.
    #[must_use]
    pub fn hidden_without(&self, without: &[&str]) -> impl IntoView + use<> {
        hidden_fields(self.pairs_without(without))
    }

    /// The same page with some keys changed; `None` and the empty text remove one.
    #[must_use]
    pub fn with(&self, changes: &[(&str, Option<String>)]) -> String {
        let keys: Vec<&str> = changes.iter().map(|(key, _)| *key).collect();
        let mut pairs = self.pairs_without(&keys);
        let given = changes.iter().filter_map(|(key, value)| Some(((*key).to_owned(), value.clone()?)));
        pairs.extend(given.filter(|(_, value)| !value.is_empty()));
        links::href(&self.path, &pairs)
    }

    /// Another page, with what every page takes along.
    #[must_use]
    pub fn to(&self, path: &str) -> String {
        let kept = self.pairs.iter().filter(|(k, _)| KEPT.contains(&&**k)).cloned().collect::<Vec<_>>();
        links::href(path, &kept)
    }

    /// The head of the page. `feed` is where its news is told of, `generation` what it shows.
    #[must_use]
    pub fn head(
        &self,
        services: &Services,
        crumbs: Vec<Crumb>,
        title: String,
        feed: String,
        generation: u64,
    ) -> PageHead {
        let lang = self.fmt.lang;
        let save = services.views.may_keep(false).then(|| {
            let name: String = title.chars().take(domain::saved_view::MAX_VIEW_NAME).collect();
            super::addresses::save(self.with(&[]), name.trim().to_owned())
        });
        PageHead {
            lang,
            title,
            crumbs,
            range: None,
            against: None,
            live: Some(LiveUpdates {
                text: words::as_of(lang, self.fmt.strftime(self.now, "%H:%M:%S %Z")),
                at: self.now.0,
                generation: i64::try_from(generation).unwrap_or(i64::MAX),
                feed,
                // As if it were an hour: it follows as often as a page that shows one.
                range: domain::time::HOUR,
                open: true,
                refresh: self.refresh.as_str().to_owned(),
                words: live_words(lang),
                choices: refresh_choices(lang, self.refresh, |key| self.with(&[("refresh", key)])),
            }),
            save,
            simulated: false,
            filling: None,
            failed_files: 0,
        }
    }
}
