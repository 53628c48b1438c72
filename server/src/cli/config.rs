//! `guardianflow config`: every setting with its origin.

use std::process::ExitCode;

use clap::{ArgMatches, Args};
use domain::Result;

use super::output::{Align, Format, OutputTable};
use crate::config::Settings;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  GF_DATA=/srv/gf guardianflow config")]
pub struct Config {
    #[command(flatten)]
    format: Format,
}

impl Config {
    pub fn run(&self, settings: &Settings, matches: &ArgMatches) -> Result<ExitCode> {
        let all = settings.effective_settings(matches);
        let rows = all.iter().map(|s| [&s.row.flag, &s.row.variable, &s.value, s.origin].map(str::to_owned).to_vec());
        let head = ["flag", "variable", "value", "origin"].map(|h| (h, Align::Left)).to_vec();
        self.format.print(&all, &OutputTable { head, rows: rows.collect() })?;
        Ok(ExitCode::SUCCESS)
    }
}
