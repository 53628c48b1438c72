//! A folder `mlruns` written by hand, as MLflow's file store writes it.
#![allow(dead_code, reason = "each test binary uses its own part of this")]

use crate::process::Folder;

/// A run to be written.
#[derive(Debug, Clone, Default)]
pub struct WrittenRun<'a> {
    pub id: &'a str,
    pub name: &'a str,
    /// 1 running, 3 finished, 4 failed.
    pub status: u8,
    pub start: i64,
    /// Key and values, one a step.
    pub metrics: Vec<(&'a str, Vec<f64>)>,
    pub params: Vec<(&'a str, &'a str)>,
    pub tags: Vec<(&'a str, &'a str)>,
    pub artifacts: Vec<(&'a str, &'a [u8])>,
}

/// Writes an experiment; `deleted` ones lie in the trash.
pub fn experiment(folder: &Folder, id: &str, name: &str, deleted: bool, tags: &[(&str, &str)]) {
    let (home, stage) = if deleted { (format!(".trash/{id}"), "deleted") } else { (id.to_owned(), "active") };
    let meta = format!(
        "artifact_location: mlflow-artifacts:/{id}\ncreation_time: 1782777600000\nexperiment_id: '{id}'\n\
         last_update_time: 1782777600000\nlifecycle_stage: {stage}\nname: {name}\n"
    );
    folder.write(&format!("mlruns/{home}/meta.yaml"), meta);
    for (key, value) in tags {
        folder.write(&format!("mlruns/{home}/tags/{key}"), value);
    }
}

/// Writes a run of an experiment.
pub fn run(folder: &Folder, experiment: &str, run: &WrittenRun<'_>) {
    let (id, home) = (run.id, format!("mlruns/{experiment}/{}", run.id));
    let artifacts = folder.path(&format!("{home}/artifacts"));
    let end = if run.status == 1 { "null".to_owned() } else { (run.start + 60_000).to_string() };
    let meta = format!(
        "artifact_uri: file://{}\nend_time: {end}\nentry_point_name: ''\nexperiment_id: '{experiment}'\n\
         lifecycle_stage: active\nrun_id: {id}\nrun_name: {}\nrun_uuid: {id}\nsource_name: ''\nsource_type: 4\n\
         source_version: ''\nstart_time: {}\nstatus: {}\ntags: []\nuser_id: kim\n",
        artifacts.display(),
        run.name,
        run.start,
        run.status,
    );
    for kind in ["metrics", "params", "tags", "artifacts"] {
        std::fs::create_dir_all(folder.path(&format!("{home}/{kind}"))).expect("a folder");
    }
    for (key, values) in &run.metrics {
        let lines: String =
            values.iter().enumerate().map(|(i, x)| format!("{} {x} {i}\n", run.start + i as i64)).collect();
        folder.write(&format!("{home}/metrics/{key}"), lines);
    }
    for (kind, pairs) in [("params", &run.params), ("tags", &run.tags)] {
        for (key, value) in pairs {
            folder.write(&format!("{home}/{kind}/{key}"), value);
        }
    }
    for (path, bytes) in &run.artifacts {
        folder.write(&format!("{home}/artifacts/{path}"), bytes);
    }
    folder.write(&format!("{home}/meta.yaml"), meta);
}
