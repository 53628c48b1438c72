//! Sends webhooks.

use std::time::{Duration, Instant};

use domain::Result;
use futures::{StreamExt, stream::FuturesUnordered};

use super::supervisor::{Job, JobEnd};

/// How often it is looked whether something is due.
const LOOK: Duration = Duration::from_millis(500);
/// How often it is looked whether something is to be forgotten.
const FORGET: Duration = Duration::from_secs(600);
/// The most deliveries on their way at once: receivers that do not answer take ten seconds each and keep nobody else waiting.
const AT_ONCE: usize = 64;

/// Sends what is due, and tries again what failed.
///
/// # Errors
/// None: it tries again by itself.
pub async fn send_webhooks(webhooks: usecases::Webhooks, job: Job) -> Result<JobEnd> {
    let mut sending = FuturesUnordered::new();
    let mut forgot: Option<Instant> = None;
    loop {
        let mut done = Ok(());
        if sending.len() < AT_ONCE {
            match webhooks.claim(AT_ONCE - sending.len()).await {
                Ok(claimed) => sending.extend(claimed.into_iter().map(|claimed| {
                    let webhooks = webhooks.clone();
                    async move { webhooks.deliver(&claimed).await }
                })),
                Err(e) => done = Err(e),
            }
        }
        if done.is_ok() && forgot.is_none_or(|at| at.elapsed() >= FORGET) {
            done = webhooks.forget().await.map(drop);
            forgot = Some(Instant::now());
        }
        match done {
            Ok(()) => job.report_ok(),
            Err(e) => job.report_error(&e),
        }
        tokio::select! {
            stopping = job.pause(LOOK) => if stopping { break },
            Some(delivered) = sending.next() => if let Err(e) = delivered { job.report_error(&e) },
        }
    }
    // What is on its way has ten seconds at most; what is not written down by the end is sent again.
    while sending.next().await.is_some() {}
    Ok(JobEnd::Stopped)
}
