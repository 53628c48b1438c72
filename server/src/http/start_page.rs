//! The page that somebody starts with: `/` leads there, but from a page of ours it leads to the overview.

use std::time::Duration;

use axum::{
    extract::{Request, State as Shared},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::Response,
};
use domain::access::Actor;

use super::{AppState, middleware::host, pages};

/// The overview does not wait longer for the store.
const TIMEOUT: Duration = Duration::from_secs(1);

pub async fn start_page(Shared(state): Shared<AppState>, request: Request, next: Next) -> Response {
    let asks = request.method() == Method::GET || request.method() == Method::HEAD;
    let is_root = request.uri().path() == "/" && request.uri().query().is_none();
    if asks && is_root && !from_here(request.headers(), host(&request).as_deref()) {
        let visitor = request.extensions().get::<app::shell::context::Request>();
        if let Some(actor) = visitor.map(|v| v.actor.clone())
            && let Some(link) = start_address(&state, &actor).await
        {
            return pages::see_other(&link);
        }
    }
    next.run(request).await
}

/// The address that an actor starts with; `None` when that is the overview, and when the store does not say.
pub async fn start_address(state: &AppState, actor: &Actor) -> Option<String> {
    let views = state.views_for(actor);
    let start = tokio::time::timeout(TIMEOUT, views.start()).await.ok()?.ok()??;
    Some(start.link.as_str().to_owned()).filter(|link| link != "/")
}

/// Whether a link of one of our pages led here.
fn from_here(headers: &HeaderMap, host: Option<&str>) -> bool {
    let text = |name| headers.get(name).and_then(|h: &axum::http::HeaderValue| h.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => site == "same-origin",
        // Browsers that do not say so name the page.
        None => text(header::REFERER.as_str())
            .and_then(|page| page.split_once("://"))
            .is_some_and(|(_, rest)| host.is_some_and(|host| rest.split('/').next() == Some(host))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::from_here;

    #[test]
    fn a_link_of_ours_leads_to_the_overview() {
        let from = |name: &'static str, value: &'static str| {
            let head = (HeaderName::from_static(name), HeaderValue::from_static(value));
            from_here(&HeaderMap::from_iter([head]), Some("localhost:3000"))
        };
        assert!(from("sec-fetch-site", "same-origin") && from("referer", "http://localhost:3000/views"));
        assert!(!from("sec-fetch-site", "none") && !from("sec-fetch-site", "cross-site"));
        assert!(!from("referer", "http://localhost:3001/") && !from("referer", "localhost:3000"));
        assert!(!from_here(&HeaderMap::new(), Some("localhost:3000")));
    }
}
