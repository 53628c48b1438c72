//! What stands where in the folder, and what its files say.
#![expect(clippy::disallowed_methods, reason = "called on blocking threads only")]

use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use domain::{
    time::Millis,
    tracking::{DatasetInput, Experiment, ExperimentId, Lifecycle, LoggedModel, MadeVersion, RunId, RunStatus, Text},
};

use crate::local::{
    beneath::Beneath,
    yaml::{Fields, LARGEST},
};

pub(super) const META: &str = "meta.yaml";
pub(super) const TRASH: &str = ".trash";
/// Registered models beside experiments, and logged models within one.
pub(super) const MODELS: &str = "models";
/// Folders within an experiment that hold no run.
const RESERVED: [&str; 4] = ["tags", "datasets", "traces", MODELS];
/// What stands in the place of a stage when a version was deleted.
const DELETED_STAGE: &str = "Deleted_Internal";

/// The longest value of a parameter or tag that is read, in bytes; of a longer one the beginning.
const LONGEST_VALUE: u64 = 256 << 10;

/// The most files below one folder, and how deep keys may be.
const MOST_FILES: usize = 100_000;
const DEEPEST: usize = 16;

/// What the `meta.yaml` of a run says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RunMeta {
    pub experiment: ExperimentId,
    pub name: Text,
    pub user: Text,
    pub status: RunStatus,
    pub start: Option<Millis>,
    pub end: Option<Millis>,
    pub artifact_uri: Text,
    pub lifecycle: Lifecycle,
}

/// Names of the folders in a folder, in order. Links are none.
pub(super) fn folders(path: &Path) -> io::Result<Vec<String>> {
    let mut names: Vec<String> = fs::read_dir(path)?
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    Ok(names)
}

/// As [`folders`], none where the folder is not there.
pub(super) fn folders_or_none(path: &Path) -> io::Result<Vec<String>> {
    match folders(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(vec![]),
        other => other,
    }
}

/// Ids of what may be runs of an experiment, in order.
pub(super) fn run_ids(experiment: &Path) -> io::Result<Vec<RunId>> {
    let names = folders_or_none(experiment)?;
    Ok(names.iter().filter(|n| !RESERVED.contains(&n.as_str())).filter_map(|n| RunId::parse(n).ok()).collect())
}

/// The files below a folder with their keys, their paths below it with `/` in between, in order. Links are left out.
pub(super) fn keys(folder: &Path) -> Vec<(String, Metadata)> {
    let mut found = Vec::new();
    if !fs::symlink_metadata(folder).is_ok_and(|seen| seen.is_dir()) {
        return found;
    }
    let mut open = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((path, prefix, depth)) = open.pop() {
        let Ok(entries) = fs::read_dir(path) else { continue };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Ok(kind) = entry.file_type() else { continue };
            let key = format!("{prefix}{name}");
            if kind.is_dir() && depth < DEEPEST {
                open.push((entry.path(), format!("{key}/"), depth + 1));
            } else if kind.is_file() && found.len() < MOST_FILES {
                found.extend(entry.metadata().ok().map(|seen| (key, seen)));
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

/// Keys and values of the files below a folder.
pub(super) fn values(root: &Beneath, folder: &Path) -> Vec<(Text, Text)> {
    let read = |key: &str| root.read(&folder.join(key), LONGEST_VALUE).ok();
    keys(&root.path().join(folder))
        .into_iter()
        .filter_map(|(key, _)| {
            let value = read(&key)?;
            Some((Text::from(key), Text::from(String::from_utf8_lossy(&value))))
        })
        .collect()
}

pub(super) fn fields(root: &Beneath, folder: &Path) -> Option<Fields> {
    Fields::parse(&root.read(&folder.join(META), LARGEST).ok()?)
}

/// `None` for what is half written, or says that it is another experiment.
pub(super) fn experiment(root: &Beneath, folder: &Path, id: ExperimentId) -> Option<Experiment> {
    let meta = fields(root, folder)?;
    if meta.text("experiment_id") != Some(id.as_str()) {
        return None;
    }
    let mut tags = values(root, &folder.join("tags"));
    tags.sort();
    Some(Experiment {
        id,
        name: meta.text("name")?.into(),
        lifecycle: lifecycle(&meta),
        artifact_location: meta.text("artifact_location").unwrap_or_default().into(),
        created: meta.number("creation_time").map(Millis),
        updated: meta.number("last_update_time").map(Millis),
        tags,
    })
}

/// `None` for what is half written (MLflow writes its fields in order, `user_id` last), or says that it is another run.
pub(super) fn run(fields: &Fields, experiment: &ExperimentId, id: &RunId) -> Option<RunMeta> {
    let own = fields.text("run_id").or_else(|| fields.text("run_uuid")) == Some(id.as_str());
    let at_home = fields.text("experiment_id") == Some(experiment.as_str());
    if !own || !at_home || !fields.has("user_id") {
        return None;
    }
    Some(RunMeta {
        experiment: experiment.clone(),
        name: fields.text("run_name").or_else(|| fields.text("name")).unwrap_or_default().into(),
        user: fields.text("user_id").unwrap_or_default().into(),
        status: status(fields.text("status").unwrap_or("1"))?,
        start: fields.number("start_time").map(Millis),
        end: fields.number("end_time").map(Millis),
        artifact_uri: fields.text("artifact_uri").unwrap_or_default().into(),
        lifecycle: lifecycle(fields),
    })
}

/// MLflow writes the number of its protocol.
fn status(text: &str) -> Option<RunStatus> {
    Some(match text {
        "1" => RunStatus::Running,
        "2" => RunStatus::Scheduled,
        "3" => RunStatus::Finished,
        "4" => RunStatus::Failed,
        "5" => RunStatus::Killed,
        name => RunStatus::parse(name)?,
    })
}

fn lifecycle(fields: &Fields) -> Lifecycle {
    if fields.text("lifecycle_stage") == Some("deleted") { Lifecycle::Deleted } else { Lifecycle::Active }
}

/// The datasets that a run read, by name.
pub(super) fn datasets(root: &Beneath, experiment: &Path, run: &Path) -> Vec<DatasetInput> {
    let inputs = run.join("inputs");
    let names = folders_or_none(&root.path().join(&inputs)).unwrap_or_default();
    let mut found: Vec<DatasetInput> = names
        .iter()
        .filter_map(|name| {
            let input = fields(root, &inputs.join(name))?;
            if input.text("source_type") != Some("DATASET") {
                return None;
            }
            // An id and nothing else: it becomes a path.
            let id = RunId::parse(input.text("source_id")?).ok()?;
            let dataset = fields(root, &experiment.join("datasets").join(id.as_str()))?;
            let text = |key: &str| Text::from(dataset.text(key).unwrap_or_default());
            Some(DatasetInput {
                name: text("name"),
                digest: text("digest"),
                context: input.inner_text("tags", "mlflow.data.context").unwrap_or_default().into(),
                source: text("source"),
            })
        })
        .collect();
    found.sort_by(|a, b| (&a.name, &a.digest, &a.context).cmp(&(&b.name, &b.digest, &b.context)));
    found
}

/// The models within an experiment that a run logged, oldest first.
pub(super) fn logged_models(root: &Beneath, experiment: &Path, run: &RunId) -> io::Result<Vec<LoggedModel>> {
    let models = experiment.join(MODELS);
    let mut found: Vec<LoggedModel> = folders_or_none(&root.path().join(&models))?
        .iter()
        .filter_map(|name| fields(root, &models.join(name)))
        .filter(|meta| meta.text("source_run_id") == Some(run.as_str()) && lifecycle(meta) == Lifecycle::Active)
        .filter_map(|meta| {
            Some(LoggedModel {
                id: meta.text("model_id")?.into(),
                name: meta.text("name").unwrap_or_default().into(),
                status: model_status(meta.text("status").unwrap_or_default()).into(),
                kind: meta.text("model_type").unwrap_or_default().into(),
                created: meta.number("creation_timestamp").map(Millis),
            })
        })
        .collect();
    found.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    Ok(found)
}

/// The number of MLflow's protocol as its name without prefix.
pub(crate) fn model_status(number: &str) -> &str {
    match number {
        "0" => "UNSPECIFIED",
        "1" => "PENDING",
        "2" => "READY",
        "3" => "UPLOAD_FAILED",
        other => other,
    }
}

/// The versions of registered models that were made from a run.
pub(super) fn model_versions(root: &Beneath, run: &RunId) -> io::Result<Vec<MadeVersion>> {
    let models = PathBuf::from(MODELS);
    let mut found = Vec::new();
    for model in folders_or_none(&root.path().join(&models))? {
        let folder = models.join(&model);
        for version in folders_or_none(&root.path().join(&folder))? {
            let meta = version.starts_with("version-").then(|| fields(root, &folder.join(&version))).flatten();
            let Some(meta) = meta else { continue };
            if meta.text("run_id") == Some(run.as_str()) && meta.text("current_stage") != Some(DELETED_STAGE) {
                let (model, version) = (meta.text("name").unwrap_or(&model), meta.text("version").unwrap_or_default());
                found.push(MadeVersion { model: model.into(), version: version.into() });
            }
        }
    }
    found.sort();
    Ok(found)
}
