//! What runs beside requests: following the manifest, keeping the lake's files in order, and the simulated fleet. Each job can
//! be run again at any time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::time::Millis;
use lake::{How, Lake};

use crate::demo::{Demo, FIRST_DAYS};

/// How often other processes' commits are looked for: rows are visible well within two seconds.
const FOLLOW: Duration = Duration::from_millis(500);
/// How often it is looked whether files can be read again that could not; each has its own pace below that.
const HEAL: Duration = Duration::from_millis(250);
/// How often it is looked whether files have come together that are worth merging.
const MERGE: Duration = Duration::from_secs(2);
/// After a merge that could not be finished: whoever overtook it is still busy.
const MERGE_LATER: Duration = Duration::from_secs(20);
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

/// Keeps the lake's view up with the manifest, which other processes also write.
pub async fn follow_manifest(lake: Arc<Lake>) {
    let mut trouble = false;
    loop {
        tokio::time::sleep(FOLLOW).await;
        match lake.refresh().await {
            Ok(_) => trouble = false,
            Err(e) if !trouble => {
                trouble = true;
                tracing::error!(error = %e, detail = ?e.detail, "cannot follow the manifest; trying again");
            }
            Err(_) => {}
        }
    }
}

/// Merges small files of the lake beside everything else, and tries files again that could not be read.
pub async fn keep_lake(lake: Arc<Lake>) {
    tokio::join!(merge_files(&lake), heal_files(&lake));
}

async fn merge_files(lake: &Lake) {
    loop {
        tokio::time::sleep(MERGE).await;
        match lake.prepare_merge(How::Beside).await {
            Ok(None) => continue,
            Ok(Some(prepared)) => match lake.commit_merge(prepared).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(e) => tracing::error!(error = %e, detail = ?e.detail, "small files could not be merged"),
            },
            Err(e) => tracing::error!(error = %e, detail = ?e.detail, "small files could not be merged"),
        }
        tokio::time::sleep(MERGE_LATER).await;
    }
}

async fn heal_files(lake: &Lake) {
    let mut trouble = false;
    loop {
        tokio::time::sleep(HEAL).await;
        match lake.heal().await {
            Ok(_) => trouble = false,
            Err(e) if !std::mem::replace(&mut trouble, true) => {
                tracing::error!(error = %e, detail = ?e.detail, "files that could not be read are tried again later");
            }
            Err(_) => {}
        }
    }
}

/// Fills the demo's past, newest days first, then lets it grow until it is removed.
pub async fn run_demo(demo: Demo, epoch: Millis, readiness: Arc<Readiness>) {
    let filled = demo.fill(epoch, |days| {
        readiness.demo_days.store(days, Ordering::Relaxed);
        if days >= FIRST_DAYS {
            readiness.ready.store(true, Ordering::Release);
        }
    });
    if let Err(e) = filled.await {
        tracing::error!(error = %e, detail = ?e.detail, "the simulated fleet could not be filled in");
    } else if let Err(e) = demo.sink.tidy().await {
        tracing::warn!(error = %e, "small files stay as they are");
    }
    readiness.set_ready();
    loop {
        match demo.epoch().await {
            Ok(Some(e)) if e == epoch => {
                if let Err(e) = demo.grow(epoch).await {
                    tracing::error!(error = %e, detail = ?e.detail, "the simulated fleet could not grow");
                }
            }
            Ok(_) => return tracing::info!("the simulated fleet was removed"),
            Err(e) => tracing::error!(error = %e, "cannot read the manifest"),
        }
        tokio::time::sleep(GROW).await;
    }
}
