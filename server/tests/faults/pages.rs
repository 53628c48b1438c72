//! A page that fails says which request it was, and nothing else of what went wrong inside; the log says the rest beside that name.

use serde_json::Value;
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};

use crate::{
    fleet::Site,
    process::{Served, text},
};

/// What must be in the log and nowhere else.
const DETAIL: &str = "no such table";

/// Takes the ledger of sources away under a running server.
async fn without_ledger(site: &Site) {
    let database = site.folder.data().join("guardianflow.sqlite");
    let mut db = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    for drop in ["DROP TABLE source_refused", "DROP TABLE source"] {
        sqlx::query(drop).execute(&mut db).await.unwrap();
    }
}

/// The answer's name, which every answer has, and its text.
async fn failed(served: &Served, path: &str, lang: &str) -> (String, String) {
    failed_as(served, path, "text/html", lang).await
}

async fn failed_as(served: &Served, path: &str, accept: &str, lang: &str) -> (String, String) {
    let request = served.get(path).header("Accept", accept).header("Accept-Language", lang);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 503, "{path}");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    (id, answer.text().await.unwrap())
}

/// The one line of the log that tells why this request failed.
#[track_caller]
fn told(site: &Site, id: &str) {
    let log = site.served.log();
    let lines: Vec<&str> = log.lines().filter(|l| l.contains(id) && l.contains(DETAIL)).collect();
    assert_eq!(lines.len(), 1, "{id} in\n{log}");
}

#[track_caller]
fn keeps_silent(site: &Site, body: &str) {
    for inner in [DETAIL, "sqlite", "SELECT", &text(&site.folder.path(""))] {
        assert!(!body.contains(inner), "{inner} is told to the visitor: {body}");
    }
}

#[tokio::test]
async fn a_page_that_fails_names_the_request_under_which_the_log_has_the_detail() {
    let mut site = Site::start(&[]).await;
    assert_eq!(site.served.page("/sources").await.0, 200);
    without_ledger(&site).await;
    for (lang, words) in [("en", "Request ID"), ("ko", "요청 ID")] {
        let (id, page) = failed(&site.served, "/sources", lang).await;
        let main = page.split_once("<main").unwrap().1.split_once("</main>").unwrap().0;
        assert!(main.contains(words) && main.contains(&format!("<code>{id}</code>")), "{lang}: {main}");
        // Behind the document stands what the page comes alive with: the same.
        assert!(page.matches(&id).count() >= 2, "{lang}: once alive it would say another");
        keeps_silent(&site, &page);
        told(&site, &id);
    }
    let (id, body) = failed(&site.served, "/sf/sources?ask[page]=1", "en").await;
    let error: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(error["request"], id, "{error}");
    keeps_silent(&site, &body);
    told(&site, &id);
    // A browser that opened a file of a page reads a page too.
    for (lang, words) in [("en", "Request ID"), ("ko", "요청 ID")] {
        let (id, page) = failed(&site.served, "/export/sources.csv", lang).await;
        assert!(page.contains(&format!("{words} <code>{id}</code>")), "{lang}: {page}");
        keeps_silent(&site, &page);
        told(&site, &id);
    }
    let (id, body) = failed_as(&site.served, "/export/sources.csv", "*/*", "ko").await;
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["request_id"], id, "{problem}");
    keeps_silent(&site, &body);
    told(&site, &id);
    // Other pages go on.
    assert_eq!(site.served.page("/").await.0, 200);
    site.served.lives_without_panic();
}
