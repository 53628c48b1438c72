//! Files behind pages and the language of who asks: what is in a table never changes with it, why one cannot be had does. Programs
//! read English.

use reqwest::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE};
use server::http::routes;

use crate::fleet::Site;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const KOREAN: &str = "gf_lang=ko";

/// Every file behind a page.
fn exports() -> Vec<String> {
    let found: Vec<String> = routes::all().into_iter().map(|r| r.path).filter(|path| is_of_metrics(path)).collect();
    assert!(found.len() >= 13, "{found:?}");
    found
}

fn is_korean(text: &str) -> bool {
    text.chars().any(|c| ('가'..='힣').contains(&c))
}

/// A file of records or sources. Those of runs are asked otherwise, and have tests of their own.
fn is_of_metrics(path: &str) -> bool {
    let other = ["/export/runs.", "/export/model_history."];
    path.starts_with("/export/") && !other.iter().any(|other| path.starts_with(other))
}

/// Status, kind and body of an answer.
async fn ask(site: &Site, path: &str, heads: &[(reqwest::header::HeaderName, &str)]) -> (u16, String, String) {
    let request = heads.iter().fold(site.served.get(path), |r, (name, value)| r.header(name, *value));
    let answer = request.send().await.expect("an answer");
    let kind = answer.headers().get(CONTENT_TYPE).map_or_else(String::new, |k| k.to_str().unwrap().to_owned());
    let varies = answer.headers().get_all("vary").iter().any(|v| v.to_str().unwrap().contains("accept"));
    assert!(varies, "{path} varies by what is accepted");
    (answer.status().as_u16(), kind, answer.text().await.expect("text"))
}

/// A visitor reads a page, in their language; a program the problem. All get the same status.
async fn refused(site: &Site, path: &str, status: u16, en: &str) {
    let english = ask(site, path, &[(ACCEPT, BROWSER)]).await;
    let by_cookie = ask(site, path, &[(ACCEPT, BROWSER), (COOKIE, KOREAN)]).await;
    let by_header = ask(site, path, &[(ACCEPT, BROWSER), (ACCEPT_LANGUAGE, "ko-KR,ko;q=0.9,en;q=0.8")]).await;
    for (found, kind, body) in [&english, &by_cookie, &by_header] {
        assert_eq!((*found, &**kind), (status, "text/html; charset=utf-8"), "{path}: {body}");
        assert!(body.contains("class=\"quiet\"") && body.contains("<a class=\"button\" href=\"/\">"), "{path}: {body}");
    }
    let (_, _, english) = english;
    assert!(english.contains("<html lang=\"en\"") && english.contains(en) && !is_korean(&english), "{path}: {english}");
    for (_, _, korean) in [by_cookie, by_header] {
        assert!(korean.contains("<html lang=\"ko\""), "{path}: {korean}");
        let said = korean.split("<p>").nth(1).and_then(|p| p.split("</p>").next()).expect("a sentence");
        assert!(is_korean(said) && !said.contains(en), "{path}: {said}");
    }
    for accept in [None, Some("*/*"), Some("application/json")] {
        let mut heads = vec![(COOKIE, KOREAN), (ACCEPT_LANGUAGE, "ko")];
        heads.extend(accept.map(|a| (ACCEPT, a)));
        let (found, kind, body) = ask(site, path, &heads).await;
        assert_eq!((found, &*kind), (status, "application/problem+json"), "{path}: {body}");
        let problem: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(problem["status"], status, "{path}");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(en) && !is_korean(d)), "{path}: {problem}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_had_says_so_in_the_visitor_s_language() {
    let site = Site::start(&[]).await;
    for path in exports() {
        refused(&site, &format!("{path}?days=%FF"), 400, "the address is not UTF-8").await;
        // These depend on no question.
        if !["sources", "volume"].iter().any(|name| path.starts_with(&format!("/export/{name}."))) {
            refused(&site, &format!("{path}?days=none"), 400, "days is a number from 1 to 4015").await;
            refused(&site, &format!("{path}?metric=mAP50&customer=nobody"), 404, "no customer is called").await;
        }
    }
    for end in ["csv", "json", "parquet"] {
        let file = format!("/export/runs.{end}");
        refused(&site, &format!("{file}?filter=metrics.f1+%3E"), 400, "at character").await;
        refused(&site, &format!("{file}?sort=nonsense("), 400, "at character").await;
        refused(&site, &file, 404, "no experiments: set").await;
    }
    for end in ["csv", "json"] {
        refused(&site, &format!("/export/model_history.{end}?days=7"), 400, "not known here").await;
        refused(&site, &format!("/export/model_history.{end}?from=never"), 400, "no time").await;
    }
    refused(&site, "/export/trend.csv", 400, "say which metric").await;
    refused(&site, "/export/heat.svg", 404, "only a customer with records").await;
    refused(&site, "/export/compare.svg?days=30", 404, "there is no such picture").await;
    refused(&site, "/export/nothing.csv", 404, "there is nothing at this address").await;
}

#[tokio::test]
async fn what_is_asked_for_is_no_markup_in_what_is_answered() {
    let site = Site::start(&[]).await;
    let asked = "/export/children.csv?%3Cimg%20src=x";
    for language in ["gf_lang=en", KOREAN] {
        let (status, _, body) = ask(&site, asked, &[(ACCEPT, BROWSER), (COOKIE, language)]).await;
        assert_eq!(status, 400);
        assert!(body.contains("“&lt;img src”") && !body.contains("<img"), "{body}");
    }
    let answer = site.served.get(asked).header(ACCEPT, BROWSER).send().await.expect("an answer");
    let policy = answer.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none';") && !policy.contains("script-src"), "{policy}");
    assert_eq!(answer.headers().get_all("content-security-policy").iter().count(), 1);
    assert_eq!(answer.headers()["cache-control"], "private, no-cache");
}

/// A table with twelve digits of each number: the order in which several cores add is not fixed, and with it the last digit.
fn rounded(table: &str) -> Vec<String> {
    let cell = |text: &str| match text.parse::<f64>() {
        Ok(x) if text.contains('.') => format!("{x:.11e}"),
        _ => text.to_owned(),
    };
    table.lines().map(|line| line.split(',').map(cell).collect::<Vec<_>>().join(",")).collect()
}

#[tokio::test]
async fn tables_are_the_same_in_every_language_and_pictures_speak_the_visitor_s() {
    let site = Site::start(&[]).await;
    for path in exports() {
        let asked = match &*path {
            "/export/compare.svg" => format!("{path}?days=30&picture=scatter"),
            "/export/heat.svg" => format!("{path}?days=30&customer=acme"),
            "/export/sources.csv" | "/export/volume.csv" | "/export/volume.svg" => path.clone(),
            // Of a range that is over: nothing in it depends on when it is asked.
            _ => format!("{path}?metric=mAP50&from=now-20d%2Fd&to=now-1d%2Fd"),
        };
        let english = ask(&site, &asked, &[(ACCEPT, BROWSER)]).await;
        let korean = ask(&site, &asked, &[(ACCEPT, BROWSER), (COOKIE, KOREAN)]).await;
        assert_eq!((english.0, korean.0), (200, 200), "{asked}: {}", english.2);
        if path.ends_with(".svg") {
            assert!(!is_korean(&english.2) && is_korean(&korean.2), "{asked}");
        } else {
            assert_eq!(rounded(&english.2), rounded(&korean.2), "{asked}");
            assert!(english.2.lines().count() > 1, "{asked} has rows");
        }
    }
}
