//! What is logged.

use clap::Args;
use domain::{Error, Result, error::Sentence};
use tracing_subscriber::EnvFilter;

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Args)]
#[group(skip)]
pub struct Log {
    /// What to log: error, warn, info, debug, or a filter such as server=debug
    #[arg(id = "log", long = "log", env = "GF_LOG", default_value = "info", value_name = "FILTER", global = true)]
    pub filter: String,
}

impl Subsystem for Log {}

impl Log {
    /// The filter of all crates.
    ///
    /// # Errors
    /// `BadInput` when it cannot be read.
    pub fn directives(&self) -> Result<EnvFilter> {
        let filter = &self.filter;
        // A bare level is meant for our own crates; the engine underneath only warns.
        let filter = if filter.contains(['=', ',']) {
            filter.to_owned()
        } else {
            format!(
                "warn,server={filter},usecases={filter},lake={filter},store={filter},registry={filter},app={filter}"
            )
        };
        let filter = EnvFilter::try_new(&filter)
            .map_err(|e| Error::bad_input(Sentence::only_english(format!("GF_LOG cannot be read: {e}"))))?;
        // It writes lines of the password file that it cannot read to the log.
        let quiet = "sqlx_postgres::options=off".parse();
        Ok(filter.add_directive(
            quiet.map_err(|e| Error::internal(Sentence::only_english("a filter of ours")).with_detail(e))?,
        ))
    }
}
