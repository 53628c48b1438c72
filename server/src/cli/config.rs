//! `guardianflow config`: every setting with its origin.

use std::process::ExitCode;

use clap::{ArgMatches, Args};
use domain::Result;
use serde_json::json;

use super::output::{Align, Format, Rows};
use crate::config::Settings;

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  GF_DATA=/srv/gf guardianflow config")]
pub struct Config {
    #[command(flatten)]
    format: Format,
}

impl Config {
    pub fn run(&self, settings: &Settings, matches: &ArgMatches) -> Result<ExitCode> {
        let described = settings.describe(matches);
        let json: Vec<_> = described
            .iter()
            .map(|[flag, variable, value, origin]| json!({"flag": flag, "variable": variable, "value": value, "origin": origin}))
            .collect();
        let rows = Rows {
            head: vec![
                ("flag", Align::Left),
                ("variable", Align::Left),
                ("value", Align::Left),
                ("origin", Align::Left),
            ],
            rows: described.into_iter().map(Vec::from).collect(),
        };
        self.format.print(&json, &rows)?;
        Ok(ExitCode::SUCCESS)
    }
}
