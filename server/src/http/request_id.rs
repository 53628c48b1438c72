//! Every request has a name of its own: in the log beside all that is said of it, in its answer, and on the page that says that
//! it failed. Names from outside are not taken over: what is in our log is ours.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use xxhash_rust::xxh3::xxh3_64_with_seed;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static CURRENT: String;
}

/// The name of the request that is being answered; `None` outside of one, and in tasks that it started.
#[must_use]
pub fn request_id() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Sixteen hexadecimal digits that no other request of this process has, nor any of another run, as far as chance goes.
#[expect(clippy::disallowed_methods, reason = "a seed, not a time that anything is told by")]
fn new_request_id() -> String {
    static SEED: LazyLock<u64> = LazyLock::new(|| {
        let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64);
        nanos ^ u64::from(std::process::id()).rotate_left(32)
    });
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{:016x}", xxh3_64_with_seed(&number.to_le_bytes(), *SEED))
}

/// Gives a request its name, and says it in the answer.
pub async fn with_request_id(mut request: Request, next: Next) -> Response {
    request.headers_mut().remove(HEADER);
    let id = new_request_id();
    // Of the highest level, so that it is there whatever is logged.
    let span = tracing::error_span!("request", %id);
    let mut response = CURRENT.scope(id.clone(), next.run(request)).instrument(span).await;
    if let Ok(value) = HeaderValue::try_from(id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{new_request_id, request_id};

    #[test]
    fn names_are_short_and_not_given_twice() {
        let names: BTreeSet<String> = (0..100_000).map(|_| new_request_id()).collect();
        assert_eq!(names.len(), 100_000);
        assert!(names.iter().all(|n| n.len() == 16 && n.bytes().all(|b| b.is_ascii_hexdigit())));
        assert_eq!(request_id(), None, "outside of a request there is none");
    }
}
