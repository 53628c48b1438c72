//! `GET /api/events`: tells whoever listens that the records have changed, as server-sent events. Says that there is something
//! new, never what: the listener asks again for what it shows.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{RawQuery, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response, Sse, sse::Event},
};
use domain::{Error, scope::clip};
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, Interval, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{State, problem::Problem};

/// So many may listen at once.
pub const MOST_LISTENERS: usize = 1_000;
/// At most one event of records in this time to each listener; what comes between is one event.
const PACE: Duration = Duration::from_millis(500);
/// A sign of life, so that a listener can tell silence from a broken connection.
const TICK: Duration = Duration::from_secs(10);
/// How long a listener waits before it connects again.
const RETRY: Duration = Duration::from_secs(2);

pub async fn events(Shared(s): Shared<State>, RawQuery(q): RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let last = last_seen(&headers, q.as_deref())?;
    let Ok(place) = s.listeners.clone().try_acquire_owned() else {
        let text = format!("{MOST_LISTENERS} listen already; ask again later");
        return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, text));
    };
    let mut changes = s.changes.clone();
    let generation = *changes.borrow_and_update();
    let missed = last.is_some_and(|l| l != generation);
    let first = if missed { records(generation) } else { tick() }.retry(RETRY);
    let now = Instant::now();
    let listener = Listener {
        changes,
        stop: s.stop.clone(),
        first: Some(first),
        news: false,
        not_before: if missed { now + PACE } else { now },
        tick: interval_at(now + TICK, TICK),
        _place: place,
    };
    let stream = futures::stream::unfold(listener, |mut listener| async move {
        let event = listener.next().await?;
        Some((Ok::<_, Infallible>(event), listener))
    });
    let mut response = Sse::new(stream).into_response();
    let heads = response.headers_mut();
    heads.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that gathers answers before it passes them on would make them late.
    heads.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// The generation that the listener has seen: from the header that browsers send when they connect again, or from the
/// address. One that makes no sense is none.
fn last_seen(headers: &HeaderMap, query: Option<&str>) -> domain::Result<Option<i64>> {
    let mut given = None;
    for (key, value) in domain::ask::pairs(query.unwrap_or_default())? {
        if key != "last" {
            return Err(Error::bad_input(format!("“{}” is not known here; there is only last", clip(&key))));
        }
        given = Some(value);
    }
    let header = headers.get("last-event-id").and_then(|v| v.to_str().ok()).map(str::to_owned);
    Ok(header.or(given).and_then(|t| t.trim().parse().ok()))
}

/// One connection. Its place is free again when it is dropped.
struct Listener {
    changes: watch::Receiver<i64>,
    stop: CancellationToken,
    first: Option<Event>,
    /// There is something to tell.
    news: bool,
    not_before: Instant,
    tick: Interval,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    /// The next event; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                () = sleep_until(self.not_before), if self.news => {
                    self.news = false;
                    self.not_before = Instant::now() + PACE;
                    return Some(records(*self.changes.borrow_and_update()));
                }
                changed = self.changes.changed(), if !self.news => {
                    changed.ok()?;
                    self.news = true;
                }
                _ = self.tick.tick() => return Some(tick()),
            }
        }
    }
}

fn records(generation: i64) -> Event {
    Event::default().event("records").id(generation.to_string()).data(format!(r#"{{"generation":{generation}}}"#))
}

fn tick() -> Event {
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
        assert_eq!(last_seen(&none, None), Ok(None));
        assert_eq!(last_seen(&none, Some("last=7")), Ok(Some(7)));
        assert_eq!(last_seen(&header("9"), Some("last=7")), Ok(Some(9)));
        for nonsense in ["", "seven", "1e3", "99999999999999999999"] {
            assert_eq!(last_seen(&header(nonsense), None), Ok(None), "{nonsense}");
        }
        assert!(last_seen(&none, Some("first=7")).is_err());
    }
}
