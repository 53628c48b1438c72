//! The copy against an original that shows each fault on purpose; `server/tests/contract` holds it against real ones. Time is tokio's,
//! held still: it jumps to when something is due.

mod on_demand;
mod outages;
mod refreshing;
mod support;

use std::{sync::Arc, time::Duration};

use domain::ports::RunCatalog;
use tokio::task::AbortHandle;

use self::support::{Copies, Original, TokioClock};
use super::BackgroundCopy;

/// A copy that is running, with what it copies and where it is kept.
struct Running {
    original: Arc<Original>,
    copies: Arc<Copies>,
    copy: Arc<BackgroundCopy>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(original: &Arc<Original>, copies: &Arc<Copies>) -> Self {
        let copy = Arc::new(copy_of(original, copies));
        let running = Arc::clone(&copy);
        let task = tokio::spawn(async move { running.run().await }).abort_handle();
        Self { original: Arc::clone(original), copies: Arc::clone(copies), copy, task }
    }

    /// The ids of the runs that are shown, in order.
    fn ids(&self) -> Vec<String> {
        ids(&self.copy)
    }
}

fn copy_of(original: &Arc<Original>, copies: &Arc<Copies>) -> BackgroundCopy {
    BackgroundCopy::new(original.clone(), copies.clone(), Arc::new(TokioClock(original.begun)))
}

fn ids(copy: &BackgroundCopy) -> Vec<String> {
    let mut ids: Vec<String> = copy.index().runs().map(|r| r.id.to_string()).collect();
    ids.sort();
    ids
}

async fn seconds(n: u64) {
    tokio::time::sleep(Duration::from_secs(n)).await;
}
