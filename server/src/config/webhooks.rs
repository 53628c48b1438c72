//! Webhooks. Which private receivers are allowed stands with the other ways out, in `tracking.rs`.

use std::path::Path;

use clap::Args;
use domain::{Result, webhook::RetrySchedule};

use super::subsystem::Subsystem;

#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct Webhooks {
    /// Milliseconds to wait after each try that failed, separated by commas: for tests, which do not wait for hours
    #[arg(long, env = "GF_WEBHOOK_RETRIES", value_name = "MS", default_value = "", hide = true, global = true)]
    webhook_retries: String,
}

impl Subsystem for Webhooks {
    fn check(&self, _: &Path) -> Result<()> {
        self.retries().map(drop)
    }
}

impl Webhooks {
    /// When a delivery is tried again.
    ///
    /// # Errors
    /// `BadInput`, naming what is no number.
    pub fn retries(&self) -> Result<RetrySchedule> {
        RetrySchedule::parse(&self.webhook_retries)
    }
}
