//! A download on the command line that is stopped.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    fake_mlflow::{Fake, Reply, http, ok},
    process::{self, Folder},
};

/// An MLflow with one run, of which a file comes by a byte at a time.
async fn slow() -> Fake {
    Fake::start(|request, _| {
        let head = request.lines().next().unwrap_or_default();
        let of = |body: serde_json::Value| Reply::Bytes(ok(body.to_string()));
        match () {
            () if head.contains("/version") => Reply::Bytes(http("200 OK", "text/html", "3.17.2")),
            () if head.contains("/experiments/search") => {
                of(json!({"experiments": [{"experiment_id": "7", "name": "slow", "lifecycle_stage": "active"}]}))
            }
            () if head.contains("/runs/search") => {
                let info =
                    json!({"run_id": "abc1", "experiment_id": "7", "status": "FINISHED", "lifecycle_stage": "active"});
                of(json!({"runs": [{"info": info}]}))
            }
            () if head.contains("/artifacts/list") => {
                of(json!({"files": [{"path": "big.bin", "file_size": "999999"}]}))
            }
            () if head.contains("/get-artifact") => {
                Reply::Trickle(b"HTTP/1.1 200 OK\r\ncontent-length: 999999\r\n\r\n".to_vec())
            }
            () => Reply::Bytes(ok("{}")),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_is_stopped_leaves_no_part_of_a_file() {
    let fake = slow().await;
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new();
        let out = folder.path("out");
        let mut command = folder.command(&["runs", "artifacts", "abc1", "big.bin", "--download", &process::text(&out)]);
        command.env("MLFLOW_TRACKING_URI", &fake.address);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        let mut child = command.spawn().expect("a command that starts");
        let files = || std::fs::read_dir(&out).map_or(0, Iterator::count);
        let begun = Instant::now();
        while files() == 0 {
            let ended = child.try_wait().expect("a state");
            assert!(ended.is_none() && begun.elapsed() < Duration::from_secs(30), "it never wrote: {ended:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let mut kill = process::clean("kill");
        kill.args([signal, &child.id().to_string()]);
        process::finish(kill);
        let ended =
            tokio::task::spawn_blocking(move || child.wait_with_output()).await.expect("a wait").expect("an end");
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!((ended.status.code(), files()), (Some(1), 0), "{signal}: {said}");
        assert!(said.contains("the download was stopped"), "{signal}: {said}");
    }
}
