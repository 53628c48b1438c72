//! The simulated fleet as a job, on a real lake.

use std::{sync::Arc, time::Duration};

use domain::{error::Sentence, ports::JobState};
use server::{
    demo::{Demo, mlruns_folder},
    jobs::{Readiness, Supervisor, run_demo},
};
use tokio_util::sync::CancellationToken;

use crate::support::{Asked, LakeDir};

#[tokio::test]
async fn a_demo_that_is_removed_while_it_is_filled_is_done_and_has_not_failed() {
    let dir = LakeDir::new();
    let store = dir.store().await;
    let lake = Arc::new(dir.open_on(store.clone()).await);
    let simulated = usecases::DemoData::new(usecases::Ingestion::new(lake.clone()), store);
    let folder = tempfile::tempdir().unwrap();
    let mlruns = mlruns_folder(folder.path());
    let demo = Demo { simulated, clock: dir.clock.clone(), mlruns: mlruns.clone(), registry: None };
    let epoch = demo.begin().await.unwrap();
    let (readiness, stop) = (Arc::new(Readiness::default()), CancellationToken::new());
    let jobs = Supervisor::new(stop);
    let (its, told) = (demo.clone(), Arc::clone(&readiness));
    let title = Sentence { en: "the demo".into(), ko: Some("데모".into()) };
    jobs.add("demo", title, move |job| run_demo(its.clone(), epoch, Arc::clone(&told), job));
    let job_board = jobs.job_board();
    while lake.directory().records == 0 {
        assert_eq!(job_board.reports()[0].state, JobState::Running);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(mlruns.is_dir());
    demo.remove().await.unwrap();
    while job_board.reports()[0].state != JobState::Ended {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = &job_board.reports()[0];
    assert_eq!((report.restarts, &report.error), (0, &None));
    assert!(readiness.is_ready(), "pages answer, with what there is");
    lake.refresh().await.unwrap();
    assert_eq!(lake.directory().records, 0, "nothing of it is left");
    assert!(!mlruns.exists());
    jobs.stop(Duration::from_secs(600)).await;
}
