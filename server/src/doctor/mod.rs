//! `guardianflow doctor`: checks the machine, the settings and the data folder with
//! the server's own code, changes nothing, shows no secret, and may run beside a server. One file a group of checks; a check
//! is a small function that returns a [`Finding`].

mod address;
mod database;
mod folder;
mod inputs;
mod machine;
mod program;
mod settings;
mod space;
mod system;

use std::{sync::Arc, time::Duration};

use serde::Serialize;

use crate::config::Settings;

/// How long a group of checks may take: a disk or network folder that hangs is a finding as well.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    Ok,
    /// The server works; somebody should know all the same.
    Warning,
    /// The server does not start, or does not do what the settings ask for.
    Error,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// For programs; people read it with spaces.
    pub name: &'static str,
    pub state: CheckStatus,
    /// What was seen, with the thing that it was seen at.
    pub seen: String,
    /// What to do; absent when nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
}

impl Finding {
    fn ok(name: &'static str, seen: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Ok, seen: seen.into(), cure: None }
    }
    fn warning(name: &'static str, seen: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Warning, seen: seen.into(), cure: Some(cure.into()) }
    }
    fn error(name: &'static str, seen: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { name, state: CheckStatus::Error, seen: seen.into(), cure: Some(cure.into()) }
    }
}

/// Every check, in the order in which one would look.
pub async fn run(settings: Settings) -> Vec<Finding> {
    let settings = Arc::new(settings);
    let mut found = program::checks().await;
    found.extend(blocking("program", &settings, program::check_site_files).await);
    found.extend(blocking("settings", &settings, settings::checks).await);
    found.extend(address::checks(settings.serve.addr).await);
    found.extend(blocking("data_folder", &settings, folder::checks).await);
    found.extend(blocking("disk_space", &settings, space::checks).await);
    let (database, newest) = match tokio::time::timeout(TIMEOUT, database::checks(&settings)).await {
        Ok(looked) => looked,
        Err(_) => (vec![hangs("database")], None),
    };
    found.extend(database);
    found.extend(blocking("inputs", &settings, inputs::checks).await);
    found.extend(blocking("machine", &settings, move |_| machine::checks(newest)).await);
    found
}

/// Runs a group of checks that waits for disks on a thread of its own.
async fn blocking(
    name: &'static str,
    settings: &Arc<Settings>,
    checks: impl FnOnce(&Settings) -> Vec<Finding> + Send + 'static,
) -> Vec<Finding> {
    let settings = Arc::clone(settings);
    match tokio::time::timeout(TIMEOUT, tokio::task::spawn_blocking(move || checks(&settings))).await {
        Ok(Ok(found)) => found,
        Ok(Err(e)) => vec![Finding::error(name, format!("the check broke off: {e}"), "Please report this.")],
        Err(_) => vec![hangs(name)],
    }
}

fn hangs(name: &'static str) -> Finding {
    let seen = format!("no answer within {} seconds", TIMEOUT.as_secs());
    Finding::error(
        name,
        seen,
        "A disk or a network folder does not answer: look at its mount, or choose another folder.",
    )
}
