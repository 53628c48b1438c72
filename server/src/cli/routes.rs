//! `guardianflow routes`: every route with the action that it needs.

use std::process::ExitCode;

use clap::Args;
use domain::Result;

use super::output::{Align, Format, OutputTable};
use crate::http::routes;

#[derive(Debug, Args)]
pub struct Routes {
    #[command(flatten)]
    format: Format,
}

impl Routes {
    pub fn run(&self) -> Result<ExitCode> {
        let all = routes::all();
        let action =
            |r: &routes::Route| serde_json::to_value(r.action).ok().and_then(|v| v.as_str().map(str::to_owned));
        let rows = OutputTable {
            head: vec![("method", Align::Left), ("path", Align::Left), ("action", Align::Left)],
            rows: all.iter().map(|r| vec![r.method.clone(), r.path.clone(), action(r).unwrap_or_default()]).collect(),
        };
        self.format.print(&all, &rows)?;
        Ok(ExitCode::SUCCESS)
    }
}
