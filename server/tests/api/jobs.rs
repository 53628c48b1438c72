//! What runs beside requests is named with how it does, begins again when it failed, and stops with the server.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    fleet,
    process::{Folder, Served, text},
};

/// Patience for a job that begins again: its pauses are 1, 2, 4, 8 seconds.
const SOON: Duration = Duration::from_secs(30);

async fn body(served: &Served, away: bool) -> (u16, Value) {
    let mut request = served.get("/readyz");
    if away {
        request = request.header("X-Forwarded-For", "203.0.113.9");
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

fn job<'a>(body: &'a Value, name: &str) -> &'a Value {
    let jobs = body["jobs"].as_array().expect("a list");
    jobs.iter().find(|j| j["name"] == name).unwrap_or_else(|| panic!("no {name} in {body}"))
}

async fn until(served: &Served, is: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let (status, body) = body(served, false).await;
        assert_eq!(status, 200, "pages answer whatever jobs do: {body}");
        if is(&body) {
            return body;
        }
        assert!(begun.elapsed() < SOON, "{body}\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn sources(served: &Served, lang: &str) -> String {
    let request = served.get("/sources").header("Accept", "text/html").header("Accept-Language", lang);
    let page = request.send().await.unwrap().text().await.unwrap();
    page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0.to_owned()
}

/// A server whose job that watches a folder cannot have its lock.
async fn without_lock() -> (Folder, Served) {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("in")).unwrap();
    std::fs::create_dir_all(folder.data().join("ingest-dir.lock")).unwrap();
    let served = Served::start(&folder, &[("GF_INGEST_DIR", &folder.text("in"))]).await;
    (folder, served)
}

#[tokio::test]
async fn when_all_is_well_each_job_is_named_and_pages_say_nothing() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[("GF_INGEST_DIR", &folder.text("in"))]).await;
    let (status, told) = body(&served, false).await;
    assert_eq!((status, &told["ready"]), (200, &json!(true)));
    for name in ["manifest", "folder"] {
        assert_eq!(*job(&told, name), json!({"name": name, "state": "running", "restarts": 0}), "{told}");
    }
    assert!(!sources(&served, "en").await.contains("Background work"));
}

#[tokio::test]
async fn a_job_that_cannot_have_its_lock_is_named_and_goes_on_when_it_can() {
    let (folder, mut served) = without_lock().await;
    let told = until(&served, |b| job(b, "folder")["restarts"].as_u64() >= Some(1)).await;
    let failed = job(&told, "folder");
    assert_eq!(failed["state"], "restarting", "{told}");
    assert!(failed["error"].as_str().unwrap().contains("ingest-dir.lock"), "{told}");
    assert_eq!(job(&told, "manifest")["state"], "running");
    // Whoever may not see sources sees that it fails, and no more.
    let (status, away) = body(&served, true).await;
    assert_eq!((status, job(&away, "folder")["error"].is_null()), (200, true), "{away}");
    assert!(!away.to_string().contains(&text(&folder.path(""))), "{away}");
    for (lang, words) in [
        ("en", ["Background work in trouble", "Taking records from the watched folder", "cannot lock"]),
        ("ko", ["문제가 생긴 백그라운드 작업", "지정한 폴더에서 레코드 수집", "잠금 파일을 사용할 수 없습니다"]),
    ] {
        let page = sources(&served, lang).await;
        for word in words {
            assert!(page.contains(word), "{lang}: no {word} in {page}");
        }
    }
    std::fs::remove_dir(folder.data().join("ingest-dir.lock")).unwrap();
    let row = fleet::one(fleet::now() - 60_000, json!({"run_id": "after"}));
    std::fs::write(folder.path("in/a.jsonl"), format!("{row}\n")).unwrap();
    let told = until(&served, |b| job(b, "folder")["state"] == "running").await;
    let well = job(&told, "folder");
    assert!(well["error"].is_null() && well["last_error"].is_string(), "a monitor that looks for errors rests: {well}");
    let begun = Instant::now();
    while !sources(&served, "en").await.contains("a.jsonl") {
        assert!(begun.elapsed() < SOON, "what was appended is not taken:\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!sources(&served, "en").await.contains("Background work"), "nothing is left to say");
    served.lives_without_panic();
}

#[tokio::test]
async fn a_server_whose_job_waits_to_begin_again_stops_promptly_and_well() {
    let (_folder, served) = without_lock().await;
    until(&served, |b| job(b, "folder")["restarts"].as_u64() >= Some(2)).await;
    let (status, took) = tokio::task::spawn_blocking(|| served.stop()).await.unwrap();
    assert!(status.success(), "{status:?}");
    assert!(took < Duration::from_secs(3), "it took {took:?}");
}
