//! What pages and server functions find in their context: the services of this request, and what is known of who sent it.

use std::sync::Arc;

use domain::{
    access::Actor,
    declarations::DeclarationFileState,
    mapping::SourceMappings,
    ports::{Clock, JobReport},
};
use jiff::tz::TimeZone;

use super::theme::Theme;
use crate::i18n::Lang;

/// What pages need, as far as their visitor may use it.
#[derive(Clone)]
pub struct Services {
    pub metrics: Arc<usecases::Metrics>,
    pub sources: Arc<usecases::Sources>,
    pub views: Arc<usecases::Views>,
    /// Verdicts, registered comparisons, plans.
    pub evidence: Arc<usecases::Evidence>,
    /// Experiments and runs.
    pub runs: Arc<usecases::Tracking>,
    /// Models, their champions and how they are changed.
    pub models: Arc<usecases::Models>,
    /// Who is told of what happens to models.
    pub webhooks: Arc<usecases::Webhooks>,
    /// Runs that become records, and the rules by which they do.
    pub run_import: Arc<usecases::RunImport>,
    pub mappings: Arc<dyn Fn() -> SourceMappings + Send + Sync>,
    pub clock: Arc<dyn Clock>,
    pub files: Arc<Files>,
    /// Where people see MLflow's own pages, for links; `None` where nobody said.
    pub mlflow_url: Option<Arc<str>>,
    /// Days of the demo that are in, while it is being filled.
    pub filling: Arc<dyn Fn() -> Option<i64> + Send + Sync>,
    /// What runs in the background, and how it does.
    pub jobs: Arc<dyn Fn() -> Vec<JobReport> + Send + Sync>,
    /// The status of `places.yaml`, `metrics.yaml` and `sources.yaml`.
    pub written: Arc<dyn Fn() -> Vec<DeclarationFileState> + Send + Sync>,
}

/// What pages load; names change with the content.
#[derive(Debug, Clone, Default)]
pub struct Files {
    /// The style sheet's own text, where it was built to stand in pages.
    pub style: Option<String>,
    /// The address of the script that makes charts and shortcuts interactive, where it was built.
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
