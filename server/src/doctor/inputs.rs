//! What people put there: the watched folder, places.yaml, metrics.yaml and sources.yaml.
#![expect(clippy::disallowed_methods, reason = "a blocking thread of a command that serves nobody")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::error::Sentence;

use super::finding::Finding;
use crate::{
    config::Settings,
    declarations::{self, Content},
};

pub fn checks(settings: &Settings) -> Vec<Finding> {
    vec![
        watched(settings.ingest.dir.as_deref(), &settings.data.folder),
        written(&DeclarationInput {
            name: "places_yaml",
            path: settings.places_file(),
            variable: settings.declared.places.as_ref().map(|_| "GF_PLACES (--places)"),
            is_kind: |c| matches!(c, Content::Places(_)),
        }),
        written(&DeclarationInput {
            name: "metrics_yaml",
            path: settings.metrics_file(),
            variable: settings.declared.metrics.as_ref().map(|_| "GF_METRICS (--metrics)"),
            is_kind: |c| matches!(c, Content::Metrics(_)),
        }),
        written(&DeclarationInput {
            name: "sources_yaml",
            path: settings.sources_file(),
            variable: settings.declared.sources.as_ref().map(|_| "GF_SOURCES (--sources)"),
            is_kind: |c| matches!(c, Content::Sources(_)),
        }),
    ]
}

/// That it is not a folder of the lake's own is looked at with the settings.
fn watched(folder: Option<&Path>, data: &Path) -> Finding {
    const NAME: &str = "watched_folder";
    let Some(folder) = folder else { return Finding::ok(NAME, "none is set") };
    let at = folder.display();
    if let Err(e) = fs::read_dir(folder) {
        let seen = format!("{at} cannot be listed: {}", Sentence::from_io(&e));
        return Finding::error(
            NAME,
            seen,
            "Make the folder and let the server's user read it, or correct --ingest-dir or GF_INGEST_DIR.",
        );
    }
    let whole = |p: &Path| p.canonicalize().or_else(|_| std::path::absolute(p)).unwrap_or_else(|_| p.to_owned());
    if whole(folder).starts_with(whole(data)) {
        return Finding::warning(
            NAME,
            format!("{at} lies in the data folder, which is the server's own"),
            "Watch a folder outside of the data folder.",
        );
    }
    Finding::ok(NAME, format!("{at} can be read"))
}

struct DeclarationInput {
    name: &'static str,
    path: PathBuf,
    /// What names the file, when something does: then it has to be there.
    variable: Option<&'static str>,
    is_kind: fn(&Content) -> bool,
}

fn written(file: &DeclarationInput) -> Finding {
    let at = file.path.display();
    if !file.path.exists() {
        return match file.variable {
            None => Finding::ok(file.name, "there is none, and none is needed"),
            Some(variable) => Finding::error(
                file.name,
                format!("{variable} names {at}, and there is no such file"),
                format!("Correct or unset {variable}."),
            ),
        };
    }
    match declarations::check(&file.path) {
        Ok(content) if content.is_empty() || (file.is_kind)(&content) => {
            Finding::ok(file.name, format!("{at} is fine, entries: {}", content.len()))
        }
        Ok(_) => Finding::error(
            file.name,
            format!(
                "{at} is another file: places.yaml begins with `customers:`, metrics.yaml with `metrics:`, sources.yaml with `mlflow:`"
            ),
            "Exchange the files, or what GF_PLACES, GF_METRICS and GF_SOURCES name.",
        ),
        Err(e) => Finding::error(
            file.name,
            e.to_string(),
            format!(
                "Correct the file; `guardianflow check {at}` says whether it is fine. Until then nothing of it is in force."
            ),
        ),
    }
}
