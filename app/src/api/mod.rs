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
    //! What server functions find in their context.

    use std::sync::Arc;

    use domain::{
        access::{Action, Actor, Object, authorize},
        declared::FileState,
        ports::{Clock, MetricsStore, SourceLedger},
    };
    use jiff::tz::TimeZone;
    use leptos::prelude::{expect_context, use_context};

    use super::PageError;
    use crate::{i18n::Lang, ui::prefs::Theme};

    /// The ports that pages need.
    #[derive(Clone)]
    pub struct Services {
        pub metrics: Arc<dyn MetricsStore>,
        pub ledger: Arc<dyn SourceLedger>,
        pub clock: Arc<dyn Clock>,
        pub files: Arc<Files>,
        /// Days of the demo that are in, while it is being filled.
        pub filling: Arc<dyn Fn() -> Option<i64> + Send + Sync>,
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
    }

    impl Services {
        /// The services and the request, if its actor may do `action`.
        pub fn for_action(action: Action) -> Result<(Self, Request), PageError> {
            let request: Request = expect_context();
            authorize(&request.actor, action, Object::Installation)?;
            Ok((expect_context(), request))
        }
    }

    impl std::fmt::Debug for Services {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Services")
        }
    }

    /// Sets the status of the answer in hand; without one (a test) nothing.
    pub(crate) fn answer_with(kind: domain::ErrorKind) {
        if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
            response.set_status(super::error::status(kind));
        }
    }
}

#[cfg(feature = "ssr")]
pub(crate) use server::answer_with;
