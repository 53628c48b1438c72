//! Server functions: each authorises, asks one port, and hands finished views to the page. One file a resource.
//! They live under `/sf` with stable names; reading ones answer GET.

pub mod compare;
pub mod error;
pub mod place;
pub mod records;
pub mod sources;
pub mod trends;

use domain::access::Action;

pub use error::PageError;

/// Every server function with the action that it needs. A function that is missing here fails the build's tests.
pub const SERVER_FUNCTIONS: [(&str, Action); 5] = [
    ("/sf/place", Action::ReadMetrics),
    ("/sf/trends", Action::ReadMetrics),
    ("/sf/compare", Action::ReadMetrics),
    ("/sf/records", Action::ReadMetrics),
    ("/sf/sources", Action::ReadSources),
];

#[cfg(feature = "ssr")]
pub use server::{Files, Request, Services};

#[cfg(feature = "ssr")]
mod server {
    //! What server functions find in their context, and the edge at which their answers become HTTP.

    use std::{future::Future, sync::Arc};

    use domain::{
        Error, ErrorKind,
        access::{Action, Actor, Object, authorize},
        declared::FileState,
        ports::{Clock, JobReport},
    };
    use jiff::tz::TimeZone;
    use leptos::prelude::{expect_context, use_context};
    use tracing::{Instrument, Span};

    use super::PageError;
    use crate::{i18n::Lang, ui::prefs::Theme, view::Sent};

    /// What pages need, as far as their visitor may use it.
    #[derive(Clone)]
    pub struct Services {
        pub metrics: Arc<usecases::Metrics>,
        pub sources: Arc<usecases::Sources>,
        pub clock: Arc<dyn Clock>,
        pub files: Arc<Files>,
        /// Days of the demo that are in, while it is being filled.
        pub filling: Arc<dyn Fn() -> Option<i64> + Send + Sync>,
        /// What runs beside requests, and how it does.
        pub jobs: Arc<dyn Fn() -> Vec<JobReport> + Send + Sync>,
        /// How it stands with `places.yaml` and `metrics.yaml`.
        pub written: Arc<dyn Fn() -> Vec<FileState> + Send + Sync>,
    }

    /// What pages load; names change with the content.
    #[derive(Debug, Clone, Default)]
    pub struct Files {
        /// The style sheet's own text, where it was built to stand in pages.
        pub style: Option<String>,
        /// The address of the script that makes charts and shortcuts alive, where it was built.
        pub elements: Option<String>,
        /// The address of the script that starts the program, and the program's own.
        pub script: String,
        pub program: String,
    }

    /// What is known of the request: who asks, in which language, zone and theme.
    #[derive(Debug, Clone)]
    pub struct Request {
        pub actor: Actor,
        pub lang: Lang,
        pub theme: Theme,
        pub zone: TimeZone,
        /// True when signing out makes sense.
        pub signed_in: bool,
        /// Names the request in the log and on the page that says why it failed.
        pub id: String,
    }

    impl std::fmt::Debug for Services {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Services")
        }
    }

    /// Answers a server function: asks when the request's actor may do `action`, and makes of an error what a page may know.
    pub(crate) async fn answer<T, F>(
        action: Action,
        ask: impl FnOnce(Services, Request) -> F,
    ) -> Result<Sent<T>, PageError>
    where
        F: Future<Output = domain::Result<T>>,
    {
        let (services, request): (Services, Request) = (expect_context(), expect_context());
        let span = span(&request.id);
        let answered = async {
            authorize(&request.actor, action, Object::Any)?;
            ask(services, request).await
        };
        answered.instrument(span).await.map(Sent).map_err(refuse)
    }

    /// What names the request in the log. Leptos loads what a page shows in a task of its own, where the request's span is not.
    fn span(id: &str) -> Span {
        let span = Span::current();
        if span.is_none() { tracing::error_span!("request", %id) } else { span }
    }

    /// The one place where an error leaves for a page: the page reads its sentence and the request's id, the log its detail
    /// beside that id, and the answer gets the status of its kind.
    pub(crate) fn refuse(e: Error) -> PageError {
        let id = use_context::<Request>().map(|r| r.id);
        let detail = e.detail.as_deref().unwrap_or_default();
        span(id.as_deref().unwrap_or_default()).in_scope(|| match e.kind {
            ErrorKind::Internal => tracing::error!(error = %e, detail, "a page failed"),
            ErrorKind::Unavailable => tracing::warn!(error = %e, detail, "a page failed"),
            // The visitor's own; they are told all that there is to say.
            ErrorKind::BadInput | ErrorKind::NotFound | ErrorKind::Forbidden => {
                tracing::debug!(error = %e, detail, "a page has no answer");
            }
        });
        answer_with(e.kind);
        PageError { kind: e.kind, message: e.message, request: id }
    }

    /// Sets the status of the answer in hand; without one (a test) nothing.
    pub(crate) fn answer_with(kind: ErrorKind) {
        if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
            response.set_status(super::error::status(kind));
        }
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::{answer, answer_with, refuse};
