//! `guardianflow doctor`: checks the machine, the settings and the data folder with
//! the server's own code, changes nothing, shows no secret, and may run beside a server. One file a group of checks; a check
//! is a small function that returns a [`Finding`].

mod address;
mod database;
mod finding;
mod folder;
mod inputs;
mod machine;
mod program;
mod settings;
mod space;
mod system;
mod tracking;

use std::{sync::Arc, time::Duration};

pub use self::finding::{CheckStatus, Finding};
use crate::config::Settings;

/// How long a group of checks may take: a disk or network folder that hangs is a finding as well.
const TIMEOUT: Duration = Duration::from_secs(20);

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
    found.extend(tracking::checks(&settings).await);
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
