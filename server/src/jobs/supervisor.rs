//! Keeps jobs running: one that panics or fails begins again, later and later; each is named with how it does; all of them are told
//! when the server stops, and are waited for.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    Error, Result,
    error::Sentence,
    ports::{JobReport, JobState},
};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker},
};

use super::sentences;

/// How a job ends that has not failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobEnd {
    /// There is nothing more to do.
    Done,
    /// It was asked to stop.
    Stopped,
}

/// How long to wait before a job begins again.
#[derive(Debug, Clone, Copy)]
struct Backoff {
    first: Duration,
    most: Duration,
    /// Who ran so long ran well: what was before is forgotten.
    well: Duration,
    next: Duration,
}

impl Backoff {
    const fn new(first: Duration, most: Duration, well: Duration) -> Self {
        Self { first, most, well, next: first }
    }

    /// The pause after a run of this length that failed: twice the one before, up to the most.
    fn after(&mut self, ran: Duration) -> Duration {
        if ran >= self.well {
            self.next = self.first;
        }
        let pause = self.next;
        self.next = (pause * 2).min(self.most);
        pause
    }
}

const BACKOFF: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(60), Duration::from_secs(60));

/// The status of all jobs.
#[derive(Debug, Clone, Default)]
pub struct JobBoard(Arc<Mutex<Vec<JobReport>>>);

impl JobBoard {
    /// In the order in which they were added.
    #[must_use]
    pub fn reports(&self) -> Vec<JobReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, report: JobReport) -> usize {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(report);
        all.len() - 1
    }

    fn change(&self, at: usize, change: impl FnOnce(&mut JobReport)) {
        if let Some(report) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get_mut(at) {
            change(report);
        }
    }
}

/// What a job has of its supervisor.
#[derive(Debug, Clone)]
pub struct Job {
    name: &'static str,
    stop: CancellationToken,
    job_board: JobBoard,
    at: usize,
}

impl Job {
    /// Waits; says whether to stop.
    #[must_use = "a job that is told to stop has to"]
    pub async fn pause(&self, time: Duration) -> bool {
        tokio::select! { () = sleep(time) => false, () = self.stop.cancelled() => true }
    }

    /// Returns when the job is to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Reports an error of a job that tries again by itself; the same error is logged once.
    pub fn report_error(&self, error: &Error) {
        self.job_board.change(self.at, |r| {
            if r.state != JobState::Troubled || r.error.as_ref() != Some(&error.message) {
                tracing::error!(job = self.name, %error, detail = ?error.detail, "a job is in trouble; trying again");
            }
            (r.state, r.error) = (JobState::Troubled, Some(error.message.clone()));
        });
    }

    /// Reports that the job works again.
    pub fn report_ok(&self) {
        self.job_board.change(self.at, |r| {
            if r.state != JobState::Running {
                tracing::info!(job = self.name, "a job is well again");
            }
            r.state = JobState::Running;
        });
    }
}

/// Runs jobs until it is to stop.
#[derive(Debug, Clone)]
pub struct Supervisor {
    tracker: TaskTracker,
    stop: CancellationToken,
    job_board: JobBoard,
    backoff: Backoff,
}

impl Supervisor {
    /// Jobs stop when `stop` is cancelled.
    #[must_use]
    pub fn new(stop: CancellationToken) -> Self {
        Self { tracker: TaskTracker::new(), stop, job_board: JobBoard::default(), backoff: BACKOFF }
    }

    #[must_use]
    pub fn job_board(&self) -> JobBoard {
        self.job_board.clone()
    }

    /// Begins a job and keeps it running. `name` is for programs, `title` for people; `run` is called for each beginning.
    pub fn add<F>(&self, name: &'static str, title: Sentence, run: impl Fn(Job) -> F + Send + Sync + 'static)
    where
        F: Future<Output = Result<JobEnd>> + Send + 'static,
    {
        let report = JobReport { name, title, state: JobState::Running, restarts: 0, error: None };
        let at = self.job_board.add(report);
        let job = Job { name, stop: self.stop.clone(), job_board: self.job_board.clone(), at };
        self.tracker.spawn(supervise(job, self.backoff, run));
    }

    /// Tells all jobs to stop and waits for them, at most so long.
    pub async fn stop(self, patience: Duration) {
        self.stop.cancel();
        self.tracker.close();
        if timeout(patience, self.tracker.wait()).await.is_err() {
            tracing::warn!("{} jobs did not stop within {patience:?} and are broken off", self.tracker.len());
        }
    }
}

async fn supervise<F>(job: Job, mut backoff: Backoff, run: impl Fn(Job) -> F + Send + Sync + 'static)
where
    F: Future<Output = Result<JobEnd>> + Send + 'static,
{
    let run = Arc::new(run);
    let mut again = false;
    loop {
        let begun = Instant::now();
        let (this, its) = (Arc::clone(&run), job.clone());
        // In a task of its own, so that a panic ends the task alone.
        let mut task = AbortOnDropHandle::new(tokio::spawn(async move { this(its).await }));
        let ended = tokio::select! {
            ended = &mut task => ended,
            // Not at once: a job that fails as it begins would be well between two failures.
            () = sleep(backoff.first), if again => {
                job.report_ok();
                task.await
            }
        };
        let error = match ended {
            Ok(Ok(JobEnd::Done)) => return job.job_board.change(job.at, |r| r.state = JobState::Ended),
            _ if job.stop.is_cancelled() => return job.job_board.change(job.at, |r| r.state = JobState::Ended),
            Ok(Ok(JobEnd::Stopped)) => Error::internal(sentences::ended()),
            Ok(Err(e)) => e,
            Err(e) => Error::internal(sentences::broke_off()).with_detail(panicked(e)),
        };
        let pause = backoff.after(begun.elapsed());
        tracing::error!(job = job.name, %error, detail = ?error.detail, "a job failed; it begins again in {pause:?}");
        job.job_board.change(job.at, |r| {
            (r.state, r.error) = (JobState::Restarting, Some(error.message));
            r.restarts += 1;
        });
        if job.pause(pause).await {
            return job.job_board.change(job.at, |r| r.state = JobState::Ended);
        }
        again = true;
    }
}

/// What a panic said.
fn panicked(e: tokio::task::JoinError) -> String {
    let Ok(panic) = e.try_into_panic() else { return "it was cancelled".into() };
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("a panic without a message").to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::Notify;

    use super::*;

    const S: Duration = Duration::from_secs(1);
    const LONG: Duration = Duration::from_secs(600);

    fn eager() -> Supervisor {
        let first = Duration::from_millis(1);
        Supervisor { backoff: Backoff::new(first, first * 4, LONG), ..Supervisor::new(CancellationToken::new()) }
    }

    fn title() -> Sentence {
        Sentence { en: "a job".into(), ko: Some("작업".into()) }
    }

    async fn until(job_board: &JobBoard, is: impl Fn(&JobReport) -> bool) -> JobReport {
        loop {
            if let Some(report) = job_board.reports().into_iter().find(&is) {
                return report;
            }
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute_and_is_short_again_after_running_well() {
        let mut backoff = BACKOFF;
        let pauses: Vec<u64> = (0..8).map(|_| backoff.after(S).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.after(59 * S), 60 * S, "that was not well");
        assert_eq!([backoff.after(60 * S), backoff.after(S)], [S, 2 * S]);
    }

    #[tokio::test]
    async fn a_job_that_panics_fails_or_ends_by_itself_begins_again_until_it_runs() {
        let jobs = eager();
        let runs = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&runs);
        jobs.add("odd", title(), move |job| {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => panic!("the secret of run {run}"),
                    1 => Err(Error::unavailable(Sentence::from_io(&std::io::ErrorKind::StorageFull.into()))),
                    2 => Ok(JobEnd::Stopped),
                    _ => {
                        job.stopped().await;
                        Ok(JobEnd::Stopped)
                    }
                }
            }
        });
        let job_board = jobs.job_board();
        let first = until(&job_board, |r| r.restarts == 1).await;
        let said = first.error.expect("a sentence");
        assert!(!said.en.contains("secret") && said.ko.is_some(), "{said:?}");
        until(&job_board, |r| r.restarts == 2 && r.error.as_ref().is_some_and(|e| e.en == "the disk is full")).await;
        let well = until(&job_board, |r| r.restarts == 3 && r.state == JobState::Running).await;
        assert_eq!(well.error.map(|e| e.en).as_deref(), Some("it ended by itself"), "the last one is kept");
        assert_eq!(runs.load(Ordering::SeqCst), 4);
        jobs.stop(LONG).await;
        assert_eq!(job_board.reports()[0].state, JobState::Ended);
    }

    #[tokio::test]
    async fn a_job_that_is_done_ends_and_one_in_trouble_goes_on_by_itself() {
        let jobs = eager();
        let go = Arc::new(Notify::new());
        jobs.add("done", title(), |_| async { Ok(JobEnd::Done) });
        let heard = Arc::clone(&go);
        jobs.add("troubled", title(), move |job| {
            let go = Arc::clone(&heard);
            async move {
                job.report_error(&Error::unavailable(Sentence::only_english("no lake")));
                go.notified().await;
                job.report_ok();
                job.stopped().await;
                Ok(JobEnd::Stopped)
            }
        });
        let job_board = jobs.job_board();
        until(&job_board, |r| r.name == "done" && r.state == JobState::Ended).await;
        until(&job_board, |r| r.name == "troubled" && r.state == JobState::Troubled && r.error.is_some()).await;
        go.notify_one();
        until(&job_board, |r| r.name == "troubled" && r.state == JobState::Running).await;
        assert!(job_board.reports().iter().all(|r| r.restarts == 0), "{:?}", job_board.reports());
        jobs.stop(LONG).await;
    }

    #[tokio::test]
    async fn stopping_waits_for_work_and_neither_for_pauses_nor_for_ever() {
        let mut jobs = eager();
        jobs.backoff = Backoff::new(LONG, LONG, LONG);
        jobs.add("failed", title(), |_| async { Err(Error::unavailable(Sentence::only_english("no"))) });
        let worked = Arc::new(AtomicU64::new(0));
        let work = Arc::clone(&worked);
        jobs.add("busy", title(), move |job| {
            let work = Arc::clone(&work);
            async move {
                job.stopped().await;
                sleep(Duration::from_millis(5)).await;
                work.fetch_add(1, Ordering::SeqCst);
                Ok(JobEnd::Stopped)
            }
        });
        until(&jobs.job_board(), |r| r.name == "failed" && r.restarts == 1).await;
        jobs.stop(LONG).await;
        assert_eq!(worked.load(Ordering::SeqCst), 1, "it ended what it was at");

        let deaf = eager();
        deaf.add("deaf", title(), |_| std::future::pending());
        deaf.stop(Duration::from_millis(5)).await;
    }
}
