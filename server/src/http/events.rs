//! `GET /api/events`: tells listeners that records have changed, as server-sent events: those of a place when one is named.
//! Of records it says that there is something new, never what: the listener asks again for what it shows. Of places that change
//! their state it says which, from what to what, and when. With `topic=runs` it tells that experiments and runs have changed, with
//! `topic=models` that models of the registry have.

use std::{collections::VecDeque, convert::Infallible, sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use domain::{Error, changes::EventTopic, params::QueryParams, scope::Scope, state::Transition, time::Millis};
use jiff::tz::TimeZone;
use serde_json::json;
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, Interval, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{ActorServices, AppState, problem::Problem, sentences};
use crate::auth::{AnonymousAccess, Authenticator, PresentedCredential};

/// So many may listen at once.
pub const MAX_LISTENERS: usize = 1_000;
/// At most one event of records in this time to each listener; what comes between is one event.
const MIN_EVENT_INTERVAL: Duration = Duration::from_millis(500);
/// The same of runs and models: while runs go on their metrics change all the time.
const MIN_COPY_INTERVAL: Duration = Duration::from_secs(2);
/// So many changes of state are told at once, each by itself.
const MAX_STATE_EVENTS: usize = 256;
/// Heartbeat, so that a listener can tell an idle connection from a broken one.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// How long a listener waits before it connects again.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

pub async fn events(
    Shared(s): Shared<AppState>,
    ActorServices(services): ActorServices,
    Extension(shown): Extension<PresentedCredential>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = asked(&headers, q.as_deref(), services.clock.now())?;
    match asked.topic {
        EventTopic::Records => services.metrics.check_visible(&asked.scope)?,
        EventTopic::Runs => drop(services.runs.status()?),
        EventTopic::Models => drop(services.models.index()?),
    }
    let Ok(place) = s.listeners.clone().try_acquire_owned() else {
        let text = format!("{MAX_LISTENERS} listen already; ask again later");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, text));
    };
    let now = Instant::now();
    let connection = Connection {
        stop: s.stop.clone(),
        anonymous_access: s.authenticator.anonymous_access(),
        authenticator: Arc::clone(&s.authenticator),
        shown,
        heartbeat: interval_at(now + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL),
        _place: place,
    };
    let mut response = match asked.topic {
        EventTopic::Runs | EventTopic::Models => {
            let copy = match asked.topic {
                EventTopic::Models => Copied::Models(services.models),
                _ => Copied::Runs(services.runs),
            };
            let listener = CopyListener::new(copy, asked.last, connection);
            Sse::new(futures::stream::unfold(listener, |mut listener| async move {
                let event = listener.next().await?;
                Some((Ok::<_, Infallible>(event), listener))
            }))
            .into_response()
        }
        EventTopic::Records => {
            let listener = Listener::new(services.metrics, asked, connection)?;
            Sse::new(futures::stream::unfold(listener, |mut listener| async move {
                let event = listener.next().await?;
                Some((Ok::<_, Infallible>(event), listener))
            }))
            .into_response()
        }
    };
    let heads = response.headers_mut();
    heads.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers answers before it passes them on would make them late.
    heads.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// What a listener wants to hear of.
struct Asked {
    topic: EventTopic,
    /// Of records.
    scope: Scope,
    /// The generation that it has seen.
    last: Option<i64>,
}

/// What of, and the generation that the listener has seen: from the header that browsers send when they connect again, or from the
/// address. One that makes no sense is none.
fn asked(headers: &HeaderMap, query: Option<&str>, now: Millis) -> domain::Result<Asked> {
    let mut pairs = domain::params::pairs(query.unwrap_or_default())?;
    let mut take = |wanted: &str| pairs.iter().position(|(key, _)| key == wanted).map(|at| pairs.remove(at).1);
    let (given, topic) = (take("last"), take("topic"));
    let topic = match topic.as_deref() {
        None | Some("records") => EventTopic::Records,
        Some("runs") => EventTopic::Runs,
        Some("models") => EventTopic::Models,
        Some(_) => return Err(Error::bad_input(sentences::unknown_topic())),
    };
    let texts = pairs.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    let known: &[&str] = if topic == EventTopic::Records { &["customer", "site", "zone"] } else { &[] };
    let scope = QueryParams::from_pairs(texts, known)?.read(now, &TimeZone::UTC)?.scope;
    let header = headers.get("last-event-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
    Ok(Asked { topic, scope, last: header.or(given).and_then(|t| t.trim().parse().ok()) })
}

/// What every listener has. Its place is free again when it is dropped.
struct Connection {
    stop: CancellationToken,
    authenticator: Arc<Authenticator>,
    /// By what it is known who listens, and who somebody was then that shows nothing.
    shown: PresentedCredential,
    anonymous_access: AnonymousAccess,
    heartbeat: Interval,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// A heartbeat, when it is due; `None` when whoever listens may not any more.
    async fn beat(&self) -> Option<Event> {
        self.authenticator.is_still_valid(&self.shown, self.anonymous_access).await.then(heartbeat)
    }
}

/// What is copied from elsewhere, and can be told to have changed.
#[derive(Clone)]
enum Copied {
    Runs(Arc<usecases::Tracking>),
    Models(Arc<usecases::Models>),
}

impl Copied {
    fn topic(&self) -> EventTopic {
        match self {
            Self::Runs(_) => EventTopic::Runs,
            Self::Models(_) => EventTopic::Models,
        }
    }

    fn generation(&self) -> u64 {
        match self {
            Self::Runs(runs) => runs.generation(),
            Self::Models(models) => models.generation(),
        }
    }

    async fn wait_for_change(&self, told: u64) {
        match self {
            Self::Runs(runs) => runs.wait_for_change(told).await,
            Self::Models(models) => models.wait_for_change(told).await,
        };
    }
}

/// Hears that something copied has changed.
struct CopyListener {
    copy: Copied,
    /// The generation that was told of last.
    told: u64,
    first: Option<Event>,
    not_before: Instant,
    connection: Connection,
}

impl CopyListener {
    fn new(copy: Copied, last: Option<i64>, connection: Connection) -> Self {
        let told = copy.generation();
        let missed = last.is_some_and(|l| u64::try_from(l) != Ok(told));
        let first = if missed { changed(copy.topic(), told) } else { heartbeat() }.retry(RECONNECT_DELAY);
        let now = Instant::now();
        let not_before = if missed { now + MIN_COPY_INTERVAL } else { now };
        Self { copy, told, first: Some(first), not_before, connection }
    }

    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let (copy, told, not_before) = (self.copy.clone(), self.told, self.not_before);
        let news = async {
            copy.wait_for_change(told).await;
            sleep_until(not_before).await;
        };
        tokio::select! {
            biased;
            () = self.connection.stop.cancelled() => None,
            _ = self.connection.heartbeat.tick() => self.connection.beat().await,
            () = news => {
                (self.told, self.not_before) = (self.copy.generation(), Instant::now() + MIN_COPY_INTERVAL);
                Some(changed(self.copy.topic(), self.told))
            }
        }
    }
}

/// Hears of the records and the states of a place.
struct Listener {
    /// Up to which change of all records it has looked.
    seen: i64,
    metrics: Arc<usecases::Metrics>,
    scope: Scope,
    /// The generation that was told of last.
    told: i64,
    /// The number of the last change of a state that was told.
    heard: u64,
    /// What is told before anything else.
    waiting: VecDeque<Event>,
    first: Option<Event>,
    /// There is something to tell.
    news: bool,
    not_before: Instant,
    connection: Connection,
}

impl Listener {
    fn new(metrics: Arc<usecases::Metrics>, asked: Asked, connection: Connection) -> domain::Result<Self> {
        let scope = asked.scope;
        // Before the generation is read: what comes in between is heard of.
        let seen = metrics.notified_generation();
        let heard = metrics.transitions(&scope, 0)?.newest;
        let generation = metrics.generation_in(&scope);
        let missed = asked.last.is_some_and(|l| l != generation);
        let first = if missed { changed(EventTopic::Records, generation) } else { heartbeat() }.retry(RECONNECT_DELAY);
        let now = Instant::now();
        let mut listener = Self {
            seen,
            metrics,
            scope,
            told: generation,
            heard,
            waiting: VecDeque::new(),
            first: Some(first),
            news: false,
            not_before: if missed { now + MIN_EVENT_INTERVAL } else { now },
            connection,
        };
        let states = listener.states();
        listener.waiting.extend(states);
        Ok(listener)
    }

    /// The next event; `None` when the server stops, and when whoever listens may not any more.
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(event);
            }
            tokio::select! {
                biased;
                () = self.connection.stop.cancelled() => return None,
                () = sleep_until(self.not_before), if self.news => {
                    self.news = false;
                    self.not_before = Instant::now() + MIN_EVENT_INTERVAL;
                    self.seen = self.metrics.notified_generation();
                    self.told = self.metrics.generation_in(&self.scope);
                    let states = self.states();
                    self.waiting.extend(states);
                    self.waiting.push_back(changed(EventTopic::Records, self.told));
                }
                seen = self.metrics.wait_for_change(self.seen), if !self.news => {
                    self.seen = seen;
                    // What has come elsewhere is no news here.
                    self.news = self.metrics.generation_in(&self.scope) != self.told;
                }
                _ = self.connection.heartbeat.tick() => return self.connection.beat().await,
            }
        }
    }
}

impl Listener {
    /// How places have changed their state since the last of it was told: each, or that there is too much to tell.
    fn states(&mut self) -> Vec<Event> {
        let told = self.metrics.transitions(&self.scope, self.heard).unwrap_or_default();
        self.heard = told.newest;
        if told.missed > 0 || told.changes.len() > MAX_STATE_EVENTS {
            return vec![Event::default().event("state").data(r#"{"missed":true}"#)];
        }
        told.changes.iter().map(state).collect()
    }
}

fn state(change: &Transition) -> Event {
    let place = &change.place;
    let data = json!({
        "customer": place.customer, "site": place.site, "zone": place.zone,
        "from": change.from, "to": change.to, "when": change.when,
    });
    Event::default().event("state").data(data.to_string())
}

/// There is something new since.
fn changed(topic: EventTopic, generation: impl std::fmt::Display) -> Event {
    Event::default().event(topic.as_str()).id(generation.to_string()).data(format!(r#"{{"generation":{generation}}}"#))
}

fn heartbeat() -> Event {
    Event::default().event("tick").data("{}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_from_header_or_address_and_nonsense_is_nothing() {
        let header = |text: &str| {
            let mut heads = HeaderMap::new();
            heads.insert("last-event-id", text.parse().expect("a header"));
            heads
        };
        let none = HeaderMap::new();
        let now = Millis(1_782_820_800_000);
        let last_seen = |headers: &HeaderMap, query| asked(headers, query, now).map(|a| a.last);
        assert_eq!(last_seen(&none, None), Ok(None));
        assert_eq!(last_seen(&none, Some("last=7")), Ok(Some(7)));
        assert_eq!(last_seen(&header("9"), Some("last=7")), Ok(Some(9)));
        let place = asked(&none, Some("customer=a&last=7&site=s"), now).map(|a| (a.scope.level(), a.last));
        assert_eq!(place, Ok((domain::scope::Level::Site, Some(7))));
        assert!(last_seen(&none, Some("site=s")).is_err(), "a site needs its customer");
        for nonsense in ["", "seven", "1e3", "99999999999999999999"] {
            assert_eq!(last_seen(&header(nonsense), None), Ok(None), "{nonsense}");
        }
        assert!(last_seen(&none, Some("first=7")).is_err());
        let topic = |query| asked(&none, Some(query), now).map(|a| (a.topic, a.last));
        assert_eq!(topic("topic=runs&last=7"), Ok((EventTopic::Runs, Some(7))));
        assert_eq!(topic("topic=records&customer=a"), Ok((EventTopic::Records, None)));
        assert!(topic("topic=runs&customer=a").is_err() && topic("topic=weather").is_err());
    }
}
