//! Writes the demo's training runs as MLflow's file store writes them, into a folder of their own within the data folder, so that
//! experiments and runs are there without an MLflow server: by this program and by MLflow's own client alike.
#![expect(clippy::disallowed_methods, reason = "runs on a blocking thread")]

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use domain::{
    registry::{Stage, Standing, Version},
    time::Millis,
    tracking::RunStatus,
};
use serde_json::{Value, json};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

use super::{
    fleet::Fleet,
    models::MODELS,
    run_files::run_files,
    training::{EXPERIMENTS, TrainingRun, training_runs},
};

const NAME: &str = "mlruns-demo";
/// While it is written.
const UNFINISHED: &str = ".mlruns-demo-";
/// Says what the folder was made of.
const STAMP: &str = ".simulated";
/// Grows when what is written changes.
const FORMAT: u32 = 4;

/// Where the demo's runs are, in a data folder.
#[must_use]
pub fn mlruns_folder(data_folder: &Path) -> PathBuf {
    data_folder.join(NAME)
}

/// Writes the folder, all at once, unless it is there already.
///
/// # Errors
/// When it cannot be written; then it is as it was.
pub fn write_runs(folder: &Path, epoch: Millis) -> io::Result<()> {
    let folder = std::path::absolute(folder)?;
    let stamp = format!("{FORMAT} {}\n", epoch.0);
    if fs::read_to_string(folder.join(STAMP)).is_ok_and(|s| s == stamp) {
        return Ok(());
    }
    let home = folder.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(home)?;
    remove_unfinished(home)?;
    let part = tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(home)?;
    let mut writer = Writer { root: part.path(), folder: &folder };
    writer.all(&training_runs(&Fleet::new(), epoch), epoch)?;
    writer.text(STAMP, &stamp)?;
    remove_runs(&folder)?;
    fs::rename(part.path(), &folder)
}

/// Removes the folder. One that is not there is no fault.
///
/// # Errors
/// When it cannot be removed.
pub fn remove_runs(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// What a crash left behind.
fn remove_unfinished(home: &Path) -> io::Result<()> {
    for entry in fs::read_dir(home)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

struct Writer<'w> {
    /// Where it is written.
    root: &'w Path,
    /// Where it will be.
    folder: &'w Path,
}

impl Writer<'_> {
    fn bytes(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)
    }

    fn text(&mut self, path: &str, content: &str) -> io::Result<()> {
        self.bytes(path, content.as_bytes())
    }

    /// A `meta.yaml`: a line a field, in order. What JSON writes of a text or number, YAML reads.
    fn meta(&mut self, folder: &str, fields: &[(&str, Value)]) -> io::Result<()> {
        let mut lines: Vec<String> = fields.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        lines.sort();
        self.text(&format!("{folder}/meta.yaml"), &lines.concat())
    }

    fn address(&self, path: &str) -> String {
        let path = self.folder.join(path);
        Url::from_file_path(&path).map_or_else(|()| path.display().to_string(), String::from)
    }

    fn all(&mut self, runs: &[TrainingRun], epoch: Millis) -> io::Result<()> {
        fs::create_dir_all(self.root.join(".trash"))?;
        for (i, experiment) in EXPERIMENTS.iter().enumerate() {
            let own: Vec<&TrainingRun> = runs.iter().filter(|r| r.experiment == i).collect();
            let id = experiment.id();
            let began = own.iter().map(|r| r.start).min().unwrap_or(epoch);
            let fields = [
                ("artifact_location", json!(self.address(&id))),
                ("creation_time", json!(began.0 - 60_000)),
                ("experiment_id", json!(id)),
                ("last_update_time", json!(began.0 - 60_000)),
                ("lifecycle_stage", json!("active")),
                ("name", json!(experiment.name)),
            ];
            self.meta(&id, &fields)?;
            self.text(&format!("{id}/tags/mlflow.note.content"), experiment.note)?;
            self.text(&format!("{id}/tags/task"), experiment.task.as_str())?;
            let dataset = self.dataset(&id, experiment.task.as_str())?;
            for run in own {
                self.run(&id, run, &dataset)?;
            }
        }
        self.versions(runs, epoch)
    }

    fn dataset(&mut self, experiment: &str, task: &str) -> io::Result<String> {
        let name = format!("fleet-{task}");
        let id = format!("{:032x}", xxh3_128(name.as_bytes()));
        let source = json!({"uri": format!("s3://fleet-pictures/{task}/2026-05")}).to_string();
        let fields = [
            ("digest", json!(&id[..8])),
            ("name", json!(name)),
            ("profile", json!("{\"pictures\": 48210}")),
            ("schema", Value::Null),
            ("source", json!(source)),
            ("source_type", json!("s3")),
        ];
        self.meta(&format!("{experiment}/datasets/{id}"), &fields)?;
        Ok(id)
    }

    fn run(&mut self, experiment: &str, run: &TrainingRun, dataset: &str) -> io::Result<()> {
        let folder = format!("{experiment}/{}", run.id);
        // The numbers of MLflow's protocol.
        let status = match run.status {
            RunStatus::Running => 1,
            RunStatus::Scheduled => 2,
            RunStatus::Finished => 3,
            RunStatus::Failed => 4,
            RunStatus::Killed => 5,
        };
        let fields = [
            ("artifact_uri", json!(self.address(&format!("{folder}/artifacts")))),
            ("end_time", json!(run.end.map(|t| t.0))),
            ("entry_point_name", json!("")),
            ("experiment_id", json!(experiment)),
            ("lifecycle_stage", json!("active")),
            ("run_id", json!(run.id)),
            ("run_name", json!(run.name)),
            ("source_name", json!("")),
            ("source_type", json!(4)),
            ("source_version", json!("")),
            ("start_time", json!(run.start.0)),
            ("status", json!(status)),
            ("tags", json!([])),
            ("user_id", json!(run.user)),
        ];
        self.meta(&folder, &fields)?;
        for kind in ["metrics", "params", "artifacts"] {
            fs::create_dir_all(self.root.join(&folder).join(kind))?;
        }
        for (key, points) in &run.metrics {
            let line = |p: &domain::tracking::MetricPoint| format!("{} {} {}\n", p.timestamp.0, p.value, p.step);
            self.text(&format!("{folder}/metrics/{key}"), &points.iter().map(line).collect::<String>())?;
        }
        for (key, value) in &run.params {
            self.text(&format!("{folder}/params/{key}"), value)?;
        }
        for (key, value) in &run.tags {
            self.text(&format!("{folder}/tags/{key}"), value)?;
        }
        for (path, content) in run_files(run) {
            self.bytes(&format!("{folder}/artifacts/{path}"), &content)?;
        }
        let input = format!("{:032x}", xxh3_128(format!("{dataset}{}", run.id).as_bytes()));
        let fields = [
            ("destination_id", json!(dataset)),
            ("destination_type", json!("RUN")),
            ("source_id", json!(dataset)),
            ("source_type", json!("DATASET")),
            ("tags", json!({"mlflow.data.context": "training"})),
        ];
        self.meta(&format!("{folder}/inputs/{input}"), &fields)
    }

    /// Registered models, as our own registry has them: MLflow's client sees the same.
    fn versions(&mut self, runs: &[TrainingRun], epoch: Millis) -> io::Result<()> {
        for model in &MODELS {
            let name = model.name;
            let home = format!("models/{name}");
            let standing = model.standing(runs, epoch).map_err(io::Error::other)?;
            for (run, number) in model.runs(runs).into_iter().zip(1_u32..) {
                let made = run.end.unwrap_or(run.start).0;
                let times = |more: &[(&'static str, Value)]| {
                    let times = [("creation_timestamp", json!(made)), ("last_updated_timestamp", json!(made))];
                    [&times, more].concat()
                };
                if number == 1 {
                    self.meta(
                        &home,
                        &times(&[("description", json!("Of the simulated fleet")), ("name", json!(name))]),
                    )?;
                }
                let experiment = EXPERIMENTS[run.experiment].id();
                let source = self.address(&format!("{experiment}/{}/artifacts/model", run.id));
                let fields = times(&[
                    ("current_stage", json!(stage_of(&standing, number))),
                    ("description", Value::Null),
                    ("name", json!(name)),
                    ("run_id", json!(run.id)),
                    ("run_link", Value::Null),
                    ("source", json!(source)),
                    ("status", json!("READY")),
                    ("status_message", Value::Null),
                    ("storage_location", json!(source)),
                    ("user_id", json!(run.user)),
                    ("version", json!(number)),
                ]);
                let version = format!("{home}/version-{number}");
                self.meta(&version, &fields)?;
                self.text(&format!("{version}/tags/model_version"), run.model.version)?;
            }
            for (alias, version) in &standing.aliases {
                self.text(&format!("{home}/aliases/{alias}"), &version.to_string())?;
            }
        }
        Ok(())
    }
}

fn stage_of(standing: &Standing, number: u32) -> &'static str {
    Version::new(number).map_or(Stage::None, |version| standing.stage(version)).as_str()
}

#[cfg(test)]
mod tests {
    use domain::ports::RunSelection;

    use super::*;
    use crate::startup::local_store;

    const EPOCH: Millis = Millis(1_795_000_000_000);

    #[tokio::test]
    async fn the_folder_is_written_once_read_and_removed() {
        let data = tempfile::tempdir().expect("a folder");
        let folder = mlruns_folder(&data.path().join("data"));
        write_runs(&folder, EPOCH).expect("written");
        let written = fs::metadata(folder.join(STAMP)).and_then(|m| m.modified()).expect("a stamp");
        fs::create_dir(folder.with_file_name(".mlruns-demo-x")).expect("left by a crash");
        write_runs(&folder, EPOCH).expect("written");
        assert_eq!(fs::metadata(folder.join(STAMP)).and_then(|m| m.modified()).expect("a stamp"), written, "once");

        let store = local_store(&folder);
        let experiments: Vec<_> = store.experiments().await.expect("experiments").into_iter().map(|e| e.id).collect();
        let read = store.runs(&experiments, &RunSelection::All, 1_000, None).await.expect("runs").runs;
        let expected = training_runs(&Fleet::new(), EPOCH);
        assert_eq!((experiments.len(), read.len()), (4, expected.len()));
        for run in &read {
            let own = expected.iter().find(|r| r.id == run.id.as_str()).expect("a run");
            assert_eq!((&*run.name, run.status, run.end), (own.name.as_str(), own.status, own.end));
            assert_eq!((run.params.len(), run.tags.len()), (own.params.len(), own.tags.len()));
            assert_eq!((run.metrics.len(), run.datasets.len()), (own.metrics.len(), 1));
            let versions = store.model_versions(&run.id).await.expect("versions");
            let registered = MODELS.iter().flat_map(|m| m.runs(&expected)).filter(|r| r.id == own.id).count();
            assert_eq!(versions.len(), registered, "{}", own.name);
            let files = store.artifacts(&run.id, &Default::default()).await.expect("files");
            assert_eq!(files.is_empty(), run_files(own).is_empty());
        }

        // Another beginning, another folder; and what a crash left is gone.
        write_runs(&folder, EPOCH.plus(1)).expect("written");
        assert!(!folder.with_file_name(".mlruns-demo-x").exists());
        remove_runs(&folder).expect("removed");
        remove_runs(&folder).expect("there is none");
        assert!(!folder.exists());
    }
}
