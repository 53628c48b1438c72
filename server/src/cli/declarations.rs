//! `guardianflow places`, `guardianflow metrics list`, `guardianflow check`: what is written down about places and metrics.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use domain::{Result, declarations::DeclarationFileState, ports::Clock, query::Directory};

use super::output::{Align, Format, OutputTable, print};
use crate::{
    config::Settings,
    declarations::{self, Content, DeclarationFiles, METRICS_SCHEMA, PLACES_SCHEMA, SOURCES_SCHEMA},
    http::declarations::{EffectRow, catalogue_of, places_of},
    startup::{self, SystemClock},
};

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    format: Format,
}

/// What is known by name, with what both files say.
async fn known(settings: &Settings) -> Result<(Arc<Directory>, Vec<DeclarationFileState>)> {
    let files = DeclarationFiles::open(settings, Arc::new(SystemClock))?;
    let declared = Arc::new(files.declared());
    if settings.data.is_empty() {
        // Inspection creates nothing.
        return Ok((Arc::new(Directory { declared, ..Directory::default() }), files.states()));
    }
    let directory = startup::with(settings, async |services| {
        services.maintenance.declare(declared).await?;
        Ok(services.metrics.directory())
    })
    .await?;
    Ok((directory, files.states()))
}

impl List {
    pub async fn places(&self, settings: &Settings) -> Result<ExitCode> {
        let (directory, states) = known(settings).await?;
        let places = places_of(&directory, SystemClock.now(), &states);
        let head = ["customer", "site", "zone", "name_en", "name_ko", "time_zone", "cadence", "retired", "named"];
        let text = |x: Option<&str>| x.unwrap_or_default().to_owned();
        let rows = places.places.iter().map(|p| {
            vec![
                p.customer.to_string(),
                text(p.site.as_ref().map(|n| n.as_str())),
                text(p.zone.as_ref().map(|n| n.as_str())),
                p.name.en.clone(),
                p.name.ko.clone(),
                text(p.time_zone.as_deref()),
                text(p.cadence.as_deref()),
                p.retired_since.map_or_else(|| p.retired.to_string(), |since| since.to_string()),
                p.named.to_string(),
            ]
        });
        let rows = OutputTable { rows: rows.collect(), head: head.map(|h| (h, Align::Left)).to_vec() };
        self.format.print(&places, &rows)?;
        Ok(ExitCode::SUCCESS)
    }

    pub async fn metrics(&self, settings: &Settings) -> Result<ExitCode> {
        let (directory, states) = known(settings).await?;
        let catalogue = catalogue_of(&directory, &states);
        let end = |x: Option<f64>| x.map_or_else(|| "…".to_owned(), |x| x.to_string());
        let rows = catalogue.metrics.iter().map(|m| {
            vec![
                m.metric.clone(),
                m.label.en.clone(),
                m.label.ko.clone(),
                m.unit.clone(),
                name_of(m.direction),
                format!("{}..{}", end(m.range[0]), end(m.range[1])),
                m.precision.to_string(),
                match m.smallest_effect {
                    EffectRow::Size(size) => size.to_string(),
                    EffectRow::Share(share) => format!("{} %", share * 100.0),
                },
                name_of(m.origin),
                if m.assumed { "assumed" } else { "" }.to_owned(),
                m.seen.to_string(),
            ]
        });
        let left = |h| (h, Align::Left);
        let right = |h| (h, Align::Right);
        let mut head = ["metric", "label_en", "label_ko", "unit", "direction", "range"].map(left).to_vec();
        head.extend(["precision", "smallest_effect"].map(right));
        head.extend(["origin", "assumed", "seen"].map(left));
        self.format.print(&catalogue, &OutputTable { head, rows: rows.collect() })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A word as JSON writes it.
fn name_of(word: impl serde::Serialize) -> String {
    serde_json::to_value(word).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Schema {
    Places,
    Metrics,
    Sources,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The files to check; without any those of the settings, as far as they are there
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print the JSON Schema of a file instead
    #[arg(long, conflicts_with = "files")]
    schema: Option<Schema>,
}

impl Check {
    pub fn run(&self, settings: &Settings) -> Result<ExitCode> {
        match self.schema {
            Some(Schema::Places) => return print(PLACES_SCHEMA).map(|()| ExitCode::SUCCESS),
            Some(Schema::Metrics) => return print(METRICS_SCHEMA).map(|()| ExitCode::SUCCESS),
            Some(Schema::Sources) => return print(SOURCES_SCHEMA).map(|()| ExitCode::SUCCESS),
            None => {}
        }
        let mut files = self.files.clone();
        if files.is_empty() {
            // One that somebody named should be there; the others need not.
            let own = [
                (settings.places_file(), settings.declared.places.is_some()),
                (settings.metrics_file(), settings.declared.metrics.is_some()),
                (settings.sources_file(), settings.declared.sources.is_some()),
            ];
            files.extend(own.into_iter().filter(|(path, named)| *named || path.exists()).map(|f| f.0));
        }
        for path in &files {
            let what = match declarations::check(path)? {
                Content::Places(p) => format!("{} places", p.len()),
                Content::Metrics(m) => format!("{} metrics", m.len()),
                Content::Sources(_) => "rules for runs of MLflow".to_owned(),
            };
            print(&format!("{}: fine, {what}", path.display()))?;
        }
        if files.is_empty() {
            print(&format!(
                "there is neither {} nor {} nor {}",
                settings.places_file().display(),
                settings.metrics_file().display(),
                settings.sources_file().display()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
