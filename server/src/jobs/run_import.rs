//! Takes runs as records by itself, where `sources.yaml` asks for it.

use std::time::Duration;

use domain::{Result, error::Sentence, mapping::RunMapping, ports::AppendCounts};
use tokio::time::Instant;
use usecases::{RunImport, Tracking};

use super::{Job, JobEnd};

/// How often it is looked whether the copy of the runs has moved or the mapping has changed.
const LOOK: Duration = Duration::from_secs(2);
/// What could not be imported is tried again after this.
const AGAIN: Duration = Duration::from_secs(20);
/// Time itself changes something too: runs that ended ahead of our clock. And /sources says that somebody looks.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// What was imported last, and what it came to.
struct Done {
    generation: u64,
    mapping: RunMapping,
    at: Instant,
    error: Option<Sentence>,
}

/// Imports what is new in the copy of MLflow's runs, as long as the mapping says so.
///
/// # Errors
/// None: it tries again by itself.
pub async fn import_runs(
    import: RunImport,
    runs: Tracking,
    mapping: impl Fn() -> RunMapping,
    job: Job,
) -> Result<JobEnd> {
    let mut done: Option<Done> = None;
    while !job.pause(LOOK).await {
        let mapping = mapping();
        if !mapping.import {
            done = None;
            continue;
        }
        let (generation, status) = (runs.generation(), runs.status()?);
        // Before anything was copied there is nothing to say of it.
        if status.as_ref().is_none_or(|s| s.as_of.is_none()) {
            continue;
        }
        let due = done.as_ref().is_none_or(|d| {
            let waited = d.at.elapsed();
            let same = d.generation == generation && d.mapping == mapping;
            if d.error.is_some() { waited >= AGAIN } else { !same || waited >= AT_LEAST_EVERY }
        });
        if !due {
            continue;
        }
        // What is wrong with MLflow is no trouble of the job.
        let outcome = match status.and_then(|s| s.error) {
            Some(why) => Err(why),
            None => match import.import(&mapping, &[]).await {
                Ok(imported) => Ok(imported.appended),
                Err(e) => {
                    job.report_error(&e);
                    Err(e.message)
                }
            },
        };
        let error = match outcome {
            Ok(a) => {
                if a != AppendCounts::default() {
                    tracing::info!(
                        taken = a.taken,
                        corrected = a.corrected,
                        withdrawn = a.withdrawn,
                        "runs were imported"
                    );
                }
                job.report_ok();
                None
            }
            Err(why) => {
                let is_known = done.as_ref().is_some_and(|d| d.error.as_ref() == Some(&why));
                if !is_known && let Err(e) = import.note_failure(&why).await {
                    tracing::warn!(error = %e, "that runs could not be imported is not written");
                }
                Some(why)
            }
        };
        done = Some(Done { generation, mapping, at: Instant::now(), error });
    }
    Ok(JobEnd::Stopped)
}
