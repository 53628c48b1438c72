//! What every page is made of beside its own content: the question as it was read, the head with its way here, the time
//! picker, how it follows new records, and what stands there when nothing is to be shown.

use std::sync::Arc;

use domain::{
    Result,
    ask::{Ask, Question, Refresh},
    metric::Metric,
    query::{Directory, Summary, Trend, TrendQuery},
    scope::{Kind, Level, Scope},
    text::Name,
    time::{Against, DAY, Millis, SECOND, Step, TimeRange},
};

use super::{
    charts::{ChartLinks, Earlier},
    fmt::Fmt,
    links::{self, METRICS_PAGE},
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{Choices, Crumb, EmptyView, Head, Link, Live, RangeBar},
};

/// What the request's question comes to, read once.
pub struct Asked {
    pub q: Question,
    /// Its texts, for links alone.
    pub ask: Ask,
    pub fmt: Fmt,
    asked_at: Millis,
    /// What there is, with what people have written down about it.
    pub directory: Arc<Directory>,
    /// What the answer knows of, at least: of its scope, and of everything.
    generation: i64,
    generation_of_all: i64,
}

impl Asked {
    /// # Errors
    /// What cannot be read.
    pub async fn read(services: &Services, request: &Request, ask: Ask) -> Result<Self> {
        // Before anything is read: what comes meanwhile may be missing from the answer, and is told of again.
        let view = services.metrics.view();
        let directory = services.metrics.directory();
        let asked_at = services.clock.now();
        // To the second, and not before what has just come: pages that are told of the same news ask the same question.
        let now = Millis((asked_at.0 + SECOND - 1).div_euclid(SECOND) * SECOND);
        let q = ask.read(now, &request.zone)?;
        let [generation, generation_of_all] = [&q.scope, &Scope::default()].map(|scope| view.generation_in(scope));
        Ok(Self {
            fmt: Fmt { lang: request.lang, zone: q.zone.clone() },
            q,
            ask,
            asked_at,
            directory,
            generation,
            generation_of_all,
        })
    }

    /// The same on a page that counts this type of records when none is named. Links name it then: it holds where they lead too.
    #[must_use]
    pub fn or_kind(mut self, kind: Kind) -> Self {
        self.q = self.q.or_kind(kind);
        self.ask.kind = Some(self.q.scope.kind.as_str().to_owned());
        self
    }

    /// The same on a page that is about this metric when none is named.
    #[must_use]
    pub fn or_metric(mut self, metric: &str) -> Self {
        self.ask.metric = Some(self.q.metric.get_or_insert_with(|| metric.to_owned()).clone());
        self
    }

    /// The place in words.
    #[must_use]
    pub fn title(&self) -> String {
        if self.q.scope.customer.is_none() {
            return self.fmt.texts().fleet.to_owned();
        }
        self.name_of(&self.q.scope)
    }

    /// The deepest place of a scope by the name that people gave it, else by that of its records.
    #[must_use]
    pub fn name_of(&self, scope: &Scope) -> String {
        if let Some(label) = self.directory.declared.label(scope) {
            return self.fmt.lang.name(label).to_owned();
        }
        let name = [&scope.zone, &scope.site, &scope.customer].into_iter().flatten().next();
        name.map_or_else(String::new, ToString::to_string)
    }

    /// A place in words, without what the page's scope already says; empty where that is all.
    #[must_use]
    pub fn within(&self, place: &Scope) -> String {
        let down_to = [
            Some(Scope { site: None, zone: None, ..place.clone() }).filter(|_| self.q.scope.customer.is_none()),
            Some(Scope { zone: None, ..place.clone() }).filter(|p| p.site.is_some() && self.q.scope.site.is_none()),
            Some(place.clone()).filter(|p| p.zone.is_some()),
        ];
        down_to.iter().flatten().map(|p| self.name_of(p)).collect::<Vec<_>>().join(" · ")
    }

    /// The metric behind an answer's number.
    #[must_use]
    pub fn metric(&self, key: &str) -> Metric {
        self.directory.answered(key)
    }

    /// The place in words, and the device where one is chosen.
    #[must_use]
    pub fn scope_text(&self) -> String {
        match &self.q.scope.device {
            Some(device) => format!("{} · {device}", self.title()),
            None => self.title(),
        }
    }

    /// The question about a metric, for files.
    #[must_use]
    pub fn query(&self, metric: &str) -> Vec<(String, String)> {
        let mut ask = self.ask.clone();
        ask.metric = Some(metric.to_owned());
        links::pairs(&ask, &["sort", "page", METRICS_PAGE, "refresh", "kiosk"])
    }

    /// The period with which numbers are compared.
    #[must_use]
    pub fn earlier(&self) -> TimeRange {
        self.q.against.unwrap_or_default().of(&self.q.range)
    }

    /// When the scope's records begin, where that is well within the earlier period: then its numbers stand on a part of it, and
    /// whoever reads a difference has to know.
    #[must_use]
    pub fn earlier_note(&self, summary: &Summary) -> String {
        let earlier = self.earlier();
        let since = summary.since.filter(|o| o.0 - earlier.from().0 > earlier.length() / 20 && *o < earlier.to());
        since.map_or_else(String::new, |o| {
            format!(" {}", fill(self.fmt.texts().earlier_since, &[("date", &self.fmt.moment(o, self.q.now))]))
        })
    }

    /// Its name in a title, with what it lacks.
    #[must_use]
    pub fn earlier_title(&self, summary: &Summary) -> String {
        format!("{}{}", self.earlier_name(), self.earlier_note(summary))
    }

    /// Its name in a sentence.
    #[must_use]
    pub fn earlier_name(&self) -> &'static str {
        self.earlier_words().0
    }

    /// Its name as a head.
    #[must_use]
    pub fn earlier_head(&self) -> &'static str {
        self.earlier_words().1
    }

    fn earlier_words(&self) -> (&'static str, &'static str) {
        let t = self.fmt.texts();
        match self.q.against.unwrap_or_default() {
            Against::Previous => (t.earlier_previous, t.against_previous),
            Against::Week => (t.earlier_week, t.against_week),
            Against::Year => (t.earlier_year, t.against_year),
        }
    }

    /// A trend, and the earlier period to lay over it when one was asked for.
    ///
    /// # Errors
    /// As [`usecases::Metrics::trend`].
    pub async fn trend(&self, services: &Services, query: &TrendQuery) -> Result<(Trend, Option<Earlier>)> {
        let (now, then) =
            futures::future::join(services.metrics.trend(query), self.earlier_trend(services, query)).await;
        Ok((now?, then?))
    }

    /// The earlier period to lay over a trend, when one was asked for.
    ///
    /// # Errors
    /// As [`usecases::Metrics::trend`].
    pub async fn earlier_trend(&self, services: &Services, query: &TrendQuery) -> Result<Option<Earlier>> {
        let Some(against) = self.q.against else { return Ok(None) };
        let earlier = TrendQuery { range: against.of(&query.range), ..query.clone() };
        let (trend, name) = (services.metrics.trend(&earlier).await?, self.earlier_name().to_owned());
        Ok(Some(Earlier { trend, shift: against.shift(&query.range), name }))
    }

    /// Where the chart of a metric leads; what it links to shows the same steps.
    #[must_use]
    pub fn chart_links(&self, metric: &str, step: Step) -> ChartLinks {
        let mut query = self.query(metric);
        query.retain(|(k, _)| k != "step");
        query.push(("step".into(), step.to_string()));
        let link = links::trends(&self.q.scope, metric, &self.ask);
        ChartLinks {
            query,
            link: format!("{link}&step={step}"),
            details: None,
            records: Some(links::records(&self.q.scope, metric, &self.ask)),
        }
    }
}

/// Where a page stands.
#[derive(Debug, Clone, Copy)]
pub enum Where {
    /// At a place, whose names are its path.
    Place,
    /// At this path; the place is in the query.
    Page(&'static str),
}

impl Where {
    fn path(self, a: &Asked) -> String {
        match self {
            Self::Place => links::place_path(&a.q.scope),
            Self::Page(path) => path.to_owned(),
        }
    }
    /// Whether it shows the same whatever scope is chosen.
    fn of_all(self) -> bool {
        matches!(self, Self::Page("/sources"))
    }
    fn in_path(self) -> bool {
        matches!(self, Self::Place)
    }
    fn to(self, scope: &Scope, a: &Asked) -> String {
        match self {
            Self::Place => links::place(scope, &a.ask),
            Self::Page(path) => links::scoped(path, scope, &a.ask),
        }
    }
}

/// What stands around every page that is about a scope and a range.
pub async fn head(
    services: &Services,
    a: &Asked,
    directory: &Directory,
    place: Where,
    title: String,
    simulated: bool,
) -> Head {
    let t = a.fmt.texts();
    let mut crumbs = Vec::new();
    let mut scope = Scope { task: a.q.scope.task.clone(), kind: a.q.scope.kind, ..Scope::default() };
    crumbs.push(Crumb { label: t.fleet.into(), href: place.to(&scope, a), what: String::new(), siblings: vec![] });
    for (name, what) in
        [(&a.q.scope.customer, t.col_customer), (&a.q.scope.site, t.col_site), (&a.q.scope.zone, t.col_zone)]
    {
        let Some(name) = name else { break };
        let sibling = |s: Name| {
            let (current, beside) = (s == *name, scope.child(s));
            Link { current, href: place.to(&beside, a), label: a.name_of(&beside) }
        };
        let siblings = directory.children(&scope).into_iter().map(sibling).collect();
        scope = scope.child(name.clone());
        crumbs.push(Crumb { label: a.name_of(&scope), href: place.to(&scope, a), what: what.to_owned(), siblings });
    }
    Head {
        range: Some(range_bar(a, place)),
        against: Some(against(a, place)),
        crumbs,
        ..plain_head(services, a, place, title, simulated).await
    }
}

/// The head of a page without a place and a range.
pub async fn plain_head(services: &Services, a: &Asked, place: Where, title: String, simulated: bool) -> Head {
    Head {
        lang: a.fmt.lang,
        crumbs: vec![Crumb { label: title.clone(), href: place.path(a), what: String::new(), siblings: vec![] }],
        title,
        range: None,
        against: None,
        live: live(a, place),
        simulated,
        filling: (services.filling)(),
        failed_files: services.metrics.unreadable().len(),
    }
}

/// How the page follows new records, and the other ways to.
fn live(a: &Asked, place: Where) -> Live {
    let t = a.fmt.texts();
    let words = serde_json::json!({
        "updated": t.live_updated, "now": t.live_now, "live": t.live_live, "off": t.live_off, "paused": t.live_paused,
        "late": t.live_late, "seconds": t.live_seconds, "minutes": t.live_minutes, "hours": t.live_hours,
    });
    let choice = |refresh: Refresh, label: &'static str| Link {
        label: label.to_owned(),
        href: links::changed(
            &place.path(a),
            &a.ask,
            place.in_path(),
            &[("refresh", (refresh != Refresh::default()).then(|| refresh.as_str().to_owned()))],
        ),
        current: refresh == a.q.refresh,
    };
    let names = [t.refresh_auto, t.refresh_off, t.refresh_5s, t.refresh_30s, t.refresh_1m];
    Live {
        text: fill(t.as_of, &[("time", &a.fmt.strftime(a.q.now, "%H:%M:%S %Z"))]),
        at: a.asked_at.0,
        generation: if place.of_all() { a.generation_of_all } else { a.generation },
        feed: links::events(if place.of_all() { None } else { a.q.scope.place() }.as_ref()),
        range: a.q.range.length(),
        // A range that is over does not change any more.
        open: a.q.range.to() >= a.q.now,
        refresh: a.q.refresh.as_str().to_owned(),
        words: words.to_string(),
        choices: Refresh::ALL.into_iter().zip(names).map(|(r, l)| choice(r, l)).collect(),
    }
}

/// The earlier periods that can be shown beside.
fn against(a: &Asked, place: Where) -> Choices {
    let t = a.fmt.texts();
    let kinds = [
        (None, t.against_none),
        (Some(("previous", Against::Previous)), t.against_previous),
        (Some(("week", Against::Week)), t.against_week),
        (Some(("year", Against::Year)), t.against_year),
    ];
    let link = |key: Option<&str>| {
        links::changed(&place.path(a), &a.ask, place.in_path(), &[("compare", key.map(str::to_owned))])
    };
    Choices {
        label: a.q.against.map_or(t.against, |_| a.earlier_name()).to_owned(),
        links: kinds
            .into_iter()
            .map(|(kind, label)| Link {
                label: label.to_owned(),
                href: link(kind.map(|k| k.0)),
                current: kind.map(|k| k.1) == a.q.against,
            })
            .collect(),
    }
}

fn range_bar(a: &Asked, place: Where) -> RangeBar {
    let t = a.fmt.texts();
    let path = place.path(a);
    let link = |from: Option<String>, to: Option<String>| {
        let turned = [("from", from), ("to", to), ("days", None), ("page", None), (METRICS_PAGE, None)];
        links::changed(&path, &a.ask, place.in_path(), &turned)
    };
    let presets: [(&str, &str); 4] =
        [("now-24h", t.range_24h), ("now-7d", t.range_7d), ("now-30d", t.range_30d), ("now-90d", t.range_90d)];
    let current = presets.iter().find(|p| a.q.since.as_deref() == Some(p.0));
    let field = |m: Millis| a.fmt.strftime(m, "%Y-%m-%dT%H:%M");
    let label = current.map_or_else(
        || {
            let ends =
                [("from", &*a.fmt.moment(a.q.range.from(), a.q.now)), ("to", &a.fmt.moment(a.q.range.to(), a.q.now))];
            fill(t.range_custom, &ends)
        },
        |p| p.1.to_owned(),
    );
    let earlier = a.q.range.previous();
    let later_to = a.q.range.to().plus(a.q.range.length()).min(a.q.now);
    RangeBar {
        label,
        zone: fill(t.range_zone, &[("tz", &a.fmt.zone_name())]),
        zones: zones(a, &path, place),
        presets: presets
            .iter()
            .map(|(from, label)| Link {
                label: (*label).to_owned(),
                href: link(Some((*from).to_owned()), None),
                current: current.is_some_and(|c| c.0 == *from),
            })
            .collect(),
        earlier: link(links::moment(earlier.from()), links::moment(earlier.to())),
        later: (a.q.range.to() < a.q.now)
            .then(|| link(links::moment(later_to.plus(-a.q.range.length())), links::moment(later_to))),
        from: field(a.q.range.from()),
        to: field(a.q.range.to()),
        action: path.clone(),
        hidden: {
            let mut without = vec!["from", "to", "days", "page", METRICS_PAGE];
            if place.in_path() {
                without.extend(["customer", "site", "zone"]);
            }
            links::pairs(&a.ask, &without)
        },
    }
}

/// The other clocks by which the page can be read: the place's own, and, once one was chosen, the visitor's.
fn zones(a: &Asked, path: &str, place: Where) -> Vec<Link> {
    let t = a.fmt.texts();
    let link = |label: String, tz: Option<String>| Link {
        label,
        href: links::changed(path, &a.ask, place.in_path(), &[("tz", tz)]),
        current: false,
    };
    let own = a.q.own_zone.then(|| link(t.zone_own.to_owned(), None));
    let here = a.directory.declared.time_zone(&a.q.scope).filter(|tz| *tz != a.fmt.zone_name());
    let here = here.map(|tz| link(fill(t.zone_here, &[("tz", tz)]), Some(tz.to_owned())));
    here.into_iter().chain(own).collect()
}

/// Why there is nothing, and what to do.
pub fn empty(a: &Asked, directory: &Directory, newest_here: Option<Millis>) -> EmptyView {
    let t = a.fmt.texts();
    if directory.records == 0 {
        return EmptyView {
            title: t.empty_title.into(),
            text: t.empty_text.into(),
            commands: vec![
                (t.empty_do.into(), "guardianflow ingest metrics_2026-06-30.jsonl".into()),
                (t.empty_demo.into(), "guardianflow serve --demo 1".into()),
            ],
            action: None,
        };
    }
    let path = links::place_path(&a.q.scope);
    // What is known of a place's newest record is not known of a device's.
    let newest = newest_here.or(directory.newest.filter(|_| a.q.scope.level() == Level::Fleet));
    let newest = newest.filter(|_| a.q.scope.device.is_none());
    let (text, action) = match newest {
        Some(newest) => {
            let around = [
                ("from", links::moment(newest.plus(-7 * DAY))),
                ("to", links::moment(newest.plus(1_000))),
                ("days", None),
            ];
            let href = links::changed(&path, &a.ask, true, &around);
            (
                fill(t.empty_range_text, &[("newest", &a.fmt.moment(newest, a.q.now))]),
                Link { label: t.empty_range_do.into(), href, current: false },
            )
        }
        None => {
            let wide = [("from", Some("now-90d".to_owned())), ("to", None), ("days", None)];
            let href = links::changed(&path, &a.ask, true, &wide);
            let declared = &directory.declared;
            let place = a.q.scope.place();
            let text = match place.as_ref().and_then(|p| declared.facts(p)) {
                Some(facts) if facts.retired_at(a.q.now) => t.empty_retired,
                // Only what lies here and is named: nothing is said of a place between named ones.
                Some(_) if place.is_some_and(|p| declared.places().contains_key(&p)) => t.empty_expected,
                _ => t.empty_range_never,
            };
            (text.into(), Link { label: t.empty_widen.into(), href, current: false })
        }
    };
    EmptyView { title: t.empty_range_title.into(), text, commands: vec![], action: Some(action) }
}
