//! Makes the head of a page: the way here, the time picker, the earlier periods, and how it follows new records.

use domain::{
    params::RefreshInterval,
    query::Directory,
    saved_view::MAX_VIEW_NAME,
    scope::Scope,
    text::Name,
    time::{EarlierPeriod, Millis},
};

use super::{
    addresses,
    context::Services,
    page_query::PageQuery,
    top::{Crumb, LiveUpdates, PageHead, RangeBar},
    words,
};
use crate::{
    i18n::Lang,
    panels::words as panel_words,
    ui::{
        links::{self, METRICS_PAGE},
        menu::{Choices, Link},
    },
};

/// Where a page stands.
#[derive(Debug, Clone, Copy)]
pub enum PageAddress {
    /// At a place, whose names are its path.
    Place,
    /// At this path; the place is in the query.
    Fixed(&'static str),
    /// At this path, showing the same whatever place is chosen.
    Installation(&'static str),
}

impl PageAddress {
    fn path(self, a: &PageQuery) -> String {
        match self {
            Self::Place => addresses::place_path(&a.q.scope),
            Self::Fixed(path) | Self::Installation(path) => path.to_owned(),
        }
    }
    fn of_all(self) -> bool {
        matches!(self, Self::Installation(_))
    }
    fn in_path(self) -> bool {
        matches!(self, Self::Place)
    }
    fn to(self, scope: &Scope, a: &PageQuery) -> String {
        match self {
            Self::Place => addresses::place(scope, &a.params),
            Self::Fixed(path) | Self::Installation(path) => addresses::with_scope(path, scope, &a.params),
        }
    }
}

/// What surrounds every page that is about a scope and a range.
pub async fn head(
    services: &Services,
    a: &PageQuery,
    directory: &Directory,
    at: PageAddress,
    title: String,
    simulated: bool,
) -> PageHead {
    let lang = a.fmt.lang;
    let mut crumbs = Vec::new();
    let mut scope = Scope { task: a.q.scope.task.clone(), kind: a.q.scope.kind, ..Scope::default() };
    crumbs.push(Crumb {
        label: panel_words::fleet(lang).into(),
        href: at.to(&scope, a),
        what: String::new(),
        siblings: vec![],
    });
    for (name, what) in [
        (&a.q.scope.customer, panel_words::col_customer(lang)),
        (&a.q.scope.site, panel_words::col_site(lang)),
        (&a.q.scope.zone, panel_words::col_zone(lang)),
    ] {
        let Some(name) = name else { break };
        let sibling = |s: Name| {
            let (current, beside) = (s == *name, scope.child(s));
            Link { current, href: at.to(&beside, a), label: a.name_of(&beside) }
        };
        let siblings = directory.children(&scope).into_iter().map(sibling).collect();
        scope = scope.child(name.clone());
        crumbs.push(Crumb { label: a.name_of(&scope), href: at.to(&scope, a), what: what.to_owned(), siblings });
    }
    PageHead {
        range: Some(range_bar(a, at)),
        against: Some(against(a, at)),
        crumbs,
        ..plain_head(services, a, at, title, simulated).await
    }
}

/// The head of a page without a place and a range.
pub async fn plain_head(
    services: &Services,
    a: &PageQuery,
    at: PageAddress,
    title: String,
    simulated: bool,
) -> PageHead {
    let save = services.views.may_keep(false).then(|| save(a, at, &title));
    PageHead {
        lang: a.fmt.lang,
        crumbs: vec![Crumb { label: title.clone(), href: at.path(a), what: String::new(), siblings: vec![] }],
        title,
        range: None,
        against: None,
        live: Some(live(a, at)),
        save,
        simulated,
        filling: (services.filling)(),
        failed_files: services.metrics.unreadable().len(),
    }
}

/// Where this page is saved, with a name to begin with.
fn save(a: &PageQuery, at: PageAddress, title: &str) -> String {
    let name = match at {
        PageAddress::Fixed(_) => format!("{title} · {}", a.title()),
        PageAddress::Place | PageAddress::Installation(_) => title.to_owned(),
    };
    let name: String = name.chars().take(MAX_VIEW_NAME).collect();
    addresses::save(links::with_changes(&at.path(a), &a.params, at.in_path(), &[]), name.trim().to_owned())
}

/// How the page follows new records, and the other ways to.
fn live(a: &PageQuery, at: PageAddress) -> LiveUpdates {
    let lang = a.fmt.lang;
    let link = |key: Option<String>| links::with_changes(&at.path(a), &a.params, at.in_path(), &[("refresh", key)]);
    LiveUpdates {
        text: words::as_of(lang, a.fmt.strftime(a.q.now, "%H:%M:%S %Z")),
        at: a.asked_at.0,
        generation: if at.of_all() { a.generation_of_all } else { a.generation },
        feed: addresses::events(if at.of_all() { None } else { a.q.scope.place() }.as_ref()),
        range: a.q.range.length(),
        // A range that is over does not change any more.
        open: a.q.range.to() >= a.q.now,
        refresh: a.q.refresh.as_str().to_owned(),
        words: live_words(lang),
        choices: refresh_choices(lang, a.q.refresh, link),
    }
}

/// The texts of `app/elements/live.ts`, as JSON.
pub(super) fn live_words(lang: Lang) -> String {
    serde_json::json!({
        "updated": words::live_updated(lang, "{age}"), "now": words::live_now(lang), "live": words::live_live(lang), "off": words::live_off(lang), "paused": words::live_paused(lang),
        "late": words::live_late(lang), "seconds": words::live_seconds(lang, "{n}"), "minutes": words::live_minutes(lang, "{n}"), "hours": words::live_hours(lang, "{n}"),
    })
    .to_string()
}

/// How often the page may follow. `link` leads to the same page with another `refresh=`, or without.
pub(super) fn refresh_choices(
    lang: Lang,
    current: RefreshInterval,
    link: impl Fn(Option<String>) -> String,
) -> Vec<Link> {
    let names = [
        words::refresh_auto(lang),
        words::refresh_off(lang),
        words::refresh_5s(lang),
        words::refresh_30s(lang),
        words::refresh_1m(lang),
    ];
    let choice = |(refresh, label): (RefreshInterval, &str)| Link {
        label: label.to_owned(),
        href: link((refresh != RefreshInterval::default()).then(|| refresh.as_str().to_owned())),
        current: refresh == current,
    };
    RefreshInterval::ALL.into_iter().zip(names).map(choice).collect()
}

/// The earlier periods that can be shown for comparison.
fn against(a: &PageQuery, at: PageAddress) -> Choices {
    let lang = a.fmt.lang;
    let kinds = [
        (None, words::against_none(lang)),
        (Some(("previous", EarlierPeriod::Previous)), words::against_previous(lang)),
        (Some(("week", EarlierPeriod::Week)), words::against_week(lang)),
        (Some(("year", EarlierPeriod::Year)), words::against_year(lang)),
    ];
    let link = |key: Option<&str>| {
        links::with_changes(&at.path(a), &a.params, at.in_path(), &[("compare", key.map(str::to_owned))])
    };
    Choices {
        label: a.q.against.map_or(words::against(lang), |_| a.earlier_name()).to_owned(),
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

fn range_bar(a: &PageQuery, at: PageAddress) -> RangeBar {
    let lang = a.fmt.lang;
    let path = at.path(a);
    let link = |from: Option<String>, to: Option<String>| {
        let turned = [("from", from), ("to", to), ("days", None), ("page", None), (METRICS_PAGE, None)];
        links::with_changes(&path, &a.params, at.in_path(), &turned)
    };
    let presets: [(&str, &str); 4] = [
        ("now-24h", words::range_24h(lang)),
        ("now-7d", words::range_7d(lang)),
        ("now-30d", words::range_30d(lang)),
        ("now-90d", words::range_90d(lang)),
    ];
    let current = presets.iter().find(|p| a.q.since.as_deref() == Some(p.0));
    let field = |m: Millis| a.fmt.strftime(m, "%Y-%m-%dT%H:%M");
    let label = current.map_or_else(
        || {
            let [from, to] = [a.q.range.from(), a.q.range.to()].map(|end| a.fmt.moment(end, a.q.now));
            words::range_custom(lang, from, to)
        },
        |p| p.1.to_owned(),
    );
    let earlier = a.q.range.previous();
    let later_to = a.q.range.to().plus(a.q.range.length()).min(a.q.now);
    RangeBar {
        label,
        zone: words::range_zone(lang, a.fmt.zone_name()),
        zones: zones(a, &path, at),
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
            if at.in_path() {
                without.extend(["customer", "site", "zone"]);
            }
            links::pairs(&a.params, &without)
        },
    }
}

/// The other clocks by which the page can be read: the place's own, and, once one was chosen, the visitor's.
fn zones(a: &PageQuery, path: &str, at: PageAddress) -> Vec<Link> {
    let lang = a.fmt.lang;
    let link = |label: String, tz: Option<String>| Link {
        label,
        href: links::with_changes(path, &a.params, at.in_path(), &[("tz", tz)]),
        current: false,
    };
    let own = a.q.own_zone.then(|| link(words::zone_own(lang).to_owned(), None));
    let here = a.directory.declared.time_zone(&a.q.scope).filter(|tz| *tz != a.fmt.zone_name());
    let here = here.map(|tz| link(words::zone_here(lang, tz), Some(tz.to_owned())));
    here.into_iter().chain(own).collect()
}
