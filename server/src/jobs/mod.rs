//! What runs in the background: following the manifest, keeping the lake's files in order, and the simulated fleet. Each job can
//! be run again at any time, and a supervisor does so.

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/jobs/sentences.rs"));
}
mod run_import;
mod supervisor;
mod webhooks;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Result, ports::Maintenance, time::Millis};

pub use self::{
    run_import::import_runs,
    supervisor::{Job, JobBoard, JobEnd, Supervisor},
    webhooks::send_webhooks,
};
use crate::{
    auth::Authenticator,
    demo::{Demo, READY_AFTER_DAYS},
};

/// How often other processes' commits are looked for: rows are visible well within two seconds.
const FOLLOW: Duration = Duration::from_millis(500);
/// How often it is looked whether files can be read again that could not; each has its own pace below that.
const HEAL: Duration = Duration::from_millis(250);
/// How often all files are listed, none of them read: queries answered from memory do not check that files exist.
const INSPECT: Duration = Duration::from_secs(10);
/// How often it is looked whether files have come together that are worth merging.
const MERGE: Duration = Duration::from_secs(2);
/// After a merge that could not be finished: another process is still busy.
const MERGE_LATER: Duration = Duration::from_secs(20);
/// How often sessions and keys that are over are forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// How often it is looked whether a change of a model was left behind.
const SETTLE: Duration = Duration::from_secs(2);
/// How often the simulated fleet grows.
const GROW: Duration = Duration::from_secs(10);

/// Whether pages can answer.
#[derive(Debug, Default)]
pub struct Readiness {
    ready: AtomicBool,
    /// Days of the demo that are in; -1 when nothing is being filled.
    demo_days: AtomicI64,
}

impl Readiness {
    pub fn set_ready(&self) {
        self.demo_days.store(-1, Ordering::Relaxed);
        self.ready.store(true, Ordering::Release);
    }
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
    /// Days of the demo that are in, while it is being filled.
    #[must_use]
    pub fn demo_days(&self) -> Option<i64> {
        Some(self.demo_days.load(Ordering::Relaxed)).filter(|d| *d >= 0)
    }
}

/// Keeps the lake's view up with the manifest, which other processes also write, and with the clock: places grow late.
///
/// # Errors
/// None: it tries again by itself.
pub async fn follow_manifest(maintenance: Arc<dyn Maintenance>, job: Job) -> Result<JobEnd> {
    while !job.pause(FOLLOW).await {
        match maintenance.follow().await {
            Ok(_) => job.report_ok(),
            Err(e) => job.report_error(&e),
        }
        maintenance.advance_clock().await;
    }
    Ok(JobEnd::Stopped)
}

/// Writes down who looked at comparisons: behind the answers, like an access log.
///
/// # Errors
/// None: it tries again by itself.
pub async fn note_looks(evidence: usecases::Evidence, job: Job) -> Result<JobEnd> {
    loop {
        let stopping = job.pause(FOLLOW).await;
        match evidence.write_looks().await {
            Ok(()) => job.report_ok(),
            Err(e) => job.report_error(&e),
        }
        if stopping {
            return Ok(JobEnd::Stopped);
        }
    }
}

/// Keeps the gate up with tokens and sessions, which other processes also add and end.
///
/// # Errors
/// None: it tries again by itself.
pub async fn follow_access(authenticator: Arc<Authenticator>, job: Job) -> Result<JobEnd> {
    let mut tidied: Option<Instant> = None;
    loop {
        let mut done = authenticator.follow().await;
        if done.is_ok() {
            done = authenticator.note_uses(false).await;
        }
        if done.is_ok() && tidied.is_none_or(|at| at.elapsed() >= FORGET) {
            done = authenticator.compact().await;
            tidied = Some(Instant::now());
        }
        match done {
            Ok(()) => job.report_ok(),
            Err(e) => job.report_error(&e),
        }
        if job.pause(FOLLOW).await {
            // What was used in the last minute.
            if let Err(e) = authenticator.note_uses(true).await {
                tracing::warn!(error = %e, "when tokens were used last is not written");
            }
            return Ok(JobEnd::Stopped);
        }
    }
}

/// Merges small files of the lake in the background.
///
/// # Errors
/// None: it tries again by itself.
pub async fn merge_files(maintenance: Arc<dyn Maintenance>, job: Job) -> Result<JobEnd> {
    while !job.pause(MERGE).await {
        match maintenance.merge().await {
            Ok(true) => job.report_ok(),
            Ok(false) => {
                job.report_ok();
                if job.pause(MERGE_LATER).await {
                    break;
                }
            }
            Err(e) => {
                job.report_error(&e);
                if job.pause(MERGE_LATER).await {
                    break;
                }
            }
        }
    }
    Ok(JobEnd::Stopped)
}

/// Tries files of the lake again that could not be read, and finds out which cannot be any more.
///
/// # Errors
/// None: it tries again by itself.
pub async fn retry_unreadable_files(maintenance: Arc<dyn Maintenance>, job: Job) -> Result<JobEnd> {
    let (mut looked, mut inspected) = (Instant::now(), Ok(0));
    while !job.pause(HEAL).await {
        let healed = maintenance.retry_unreadable().await;
        if looked.elapsed() >= INSPECT {
            inspected = maintenance.inspect().await;
            looked = Instant::now();
        }
        // A look that failed is in the way until the next one.
        match healed.and(inspected.clone()) {
            Ok(_) => job.report_ok(),
            Err(e) => job.report_error(&e),
        }
    }
    Ok(JobEnd::Stopped)
}

/// Copies experiments and runs. What is wrong with the original is told by the status of the copy and is no trouble of the job.
///
/// # Errors
/// None: it tries again by itself.
pub async fn copy_tracking(copying: impl Future<Output = ()>, job: Job) -> Result<JobEnd> {
    tokio::select! {
        () = copying => Ok(JobEnd::Done),
        // What was copied and is not saved yet is copied again after the next start.
        () = job.stopped() => Ok(JobEnd::Stopped),
    }
}

/// Copies models. What is wrong with the registry is told by the status of the copy and is no trouble of the job.
///
/// # Errors
/// None: it tries again by itself.
pub async fn copy_models(copying: impl Future<Output = ()>, job: Job) -> Result<JobEnd> {
    copy_tracking(copying, job).await
}

/// Ends what a crash left behind, and writes down what was changed outside.
///
/// # Errors
/// None: it tries again by itself.
pub async fn follow_models(models: usecases::Models, job: Job) -> Result<JobEnd> {
    let mut seen = 0;
    let mut looked = Instant::now();
    loop {
        let done = models.follow().await;
        match &done {
            Ok(()) => job.report_ok(),
            Err(e) => job.report_error(e),
        }
        // Soon when the copy moves, and now and then for what a process that died has left.
        loop {
            if job.pause(FOLLOW).await {
                return Ok(JobEnd::Stopped);
            }
            let now = models.generation();
            if now != seen || done.is_err() || looked.elapsed() >= SETTLE {
                (seen, looked) = (now, Instant::now());
                break;
            }
        }
    }
}

/// Lets records belong to the versions that the registry says, whenever that moves.
///
/// # Errors
/// None: it tries again by itself.
pub async fn link_records(models: usecases::Models, lake: Arc<dyn Maintenance>, job: Job) -> Result<JobEnd> {
    loop {
        let seen = models.generation();
        let done = lake.link(models.links()).await;
        match &done {
            Ok(()) => job.report_ok(),
            Err(e) => job.report_error(e),
        }
        tokio::select! {
            _ = models.wait_for_change(seen), if done.is_ok() => {}
            () = tokio::time::sleep(SETTLE), if done.is_err() => {}
            () = job.stopped() => return Ok(JobEnd::Stopped),
        }
    }
}

/// Fills the demo's past, newest days first, then lets it grow until it is removed.
///
/// # Errors
/// When it cannot be filled; run again, it goes on where it was.
pub async fn run_demo(demo: Demo, epoch: Millis, readiness: Arc<Readiness>, job: Job) -> Result<JobEnd> {
    let filled = demo.fill(epoch, |days| {
        readiness.demo_days.store(days, Ordering::Relaxed);
        if days >= READY_AFTER_DAYS {
            readiness.ready.store(true, Ordering::Release);
        }
    });
    let filled = tokio::select! {
        filled = filled => filled,
        // A day that was not committed is taken again at the next start.
        () = job.stopped() => return Ok(JobEnd::Stopped),
    };
    if filled.is_ok()
        && let Err(e) = demo.simulated.compact().await
    {
        tracing::warn!(error = %e, "small files stay as they are");
    }
    // Pages can answer, also with less than was meant.
    readiness.set_ready();
    filled?;
    loop {
        match demo.simulated.epoch().await {
            Ok(Some(e)) if e == epoch => match demo.grow(epoch).await {
                Ok(_) => job.report_ok(),
                Err(e) => job.report_error(&e),
            },
            Ok(_) => {
                tracing::info!("the simulated fleet was removed");
                return Ok(JobEnd::Done);
            }
            Err(e) => job.report_error(&e),
        }
        if job.pause(GROW).await {
            return Ok(JobEnd::Stopped);
        }
    }
}
