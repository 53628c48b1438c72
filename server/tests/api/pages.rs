//! Pages hold their numbers and charts in the first HTML, in the visitor's language.

use serde_json::json;

use crate::{
    fleet::{self, DAY, Fleet, Site, counts},
    process::{Folder, Served, run},
};

const PAGES: [&str; 5] = [
    "/",
    "/customers/acme",
    "/customers/acme/sites/seoul-01",
    "/customers/acme/sites/seoul-01/zones/gate-1",
    "/trends",
];

/// What stands before the first script of the body's data: the text that is read without one.
fn visible(page: &str) -> &str {
    page.split_once("<main").expect("a main part").1.split_once("</main>").expect("its end").0
}

#[tokio::test]
async fn every_page_has_its_numbers_and_a_drawn_line_without_a_script() {
    let site = Site::start(&[]).await;
    for path in PAGES {
        let (status, page) = site.served.page(path).await;
        assert_eq!(status, 200, "{path}");
        let main = visible(&page);
        assert!(!main.contains("<template"), "{path}: content is parked in a template");
        let chart = main.split_once("<svg").map(|s| s.1).unwrap_or_default();
        assert!(chart.contains("<path") && chart.contains(" d=\"M"), "{path}: no drawn line");
        assert!(main.contains("<title>") || main.contains("aria-label"), "{path}: the chart has no name");
        assert!(main.contains("mAP50") && main.contains("0.5"), "{path}: no number");
        assert!(!page.contains("NaN") && !page.contains("None") && !page.contains("Some("), "{path}");
    }
    // The number of records of a zone's last seven days stands on its page as it is.
    let (_, zone) = site.served.page(PAGES[3]).await;
    let (n, _, value) = site
        .fleet
        .sums("/detection/mAP50", |r| r["zone"] == "gate-1" && counts(r, site.fleet.newest - 7 * DAY, i64::MAX));
    let main = visible(&zone);
    assert!(main.contains(&format!("n {n}")) || main.contains(&n.to_string()), "n {n}");
    assert!(main.contains(&format!("{value:.3}")), "{value:.3}");
    let (status, sources) = site.served.page("/sources").await;
    assert_eq!(status, 200);
    assert!(visible(&sources).contains("fleet.jsonl") && visible(&sources).contains("624"), "rows taken are shown");
}

#[tokio::test]
async fn a_difference_to_a_period_that_is_known_in_part_says_from_when_on() {
    let folder = Folder::new();
    let at = |days: i64| fleet::one(fleet::now() - days * DAY - 60_000, json!({}));
    std::fs::write(folder.path("part.jsonl"), fleet::jsonl(&[at(9), at(8), at(1), at(0)])).expect("written");
    run(&["ingest", &folder.text("part.jsonl"), "--data", &folder.data().display().to_string()]).fine();
    let served = Served::start(&folder, &[]).await;
    for (path, noted) in [("/", true), ("/trends", true), ("/?days=4", false)] {
        let (_, page) = served.page(path).await;
        assert_eq!(visible(&page).contains("(records begin "), noted, "{path}");
    }
}

/// The words beside the marks of states in a part of a page.
fn states(part: &str) -> Vec<String> {
    let words = part.split("class=\"state\"").skip(1).filter_map(|s| s.split_once("</span>"));
    words.map(|(_, after)| after.split_once("</span>").map_or(after, |w| w.0).replace("<!>", "")).collect()
}

#[tokio::test]
async fn one_silent_zone_does_not_make_every_number_of_the_fleet_read_stale() {
    let site = Site::start(&[]).await;
    let quiet: Vec<_> = (0..10)
        .map(|i| {
            crate::fleet::one(
                site.fleet.newest - 2 * DAY - i * crate::fleet::CADENCE,
                serde_json::json!({"site": "seoul-01", "zone": "quiet"}),
            )
        })
        .collect();
    let path = site.folder.write("in/quiet.jsonl", crate::fleet::jsonl(&quiet));
    let ran = site.folder.ingest(&[&path]).fine().json();
    assert_eq!(ran["taken"], 10);
    // The server follows within half a second.
    for _ in 0..100 {
        if site.served.json("/api/metrics/summary").await["health"]["places"] == 5 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let (_, page) = site.served.page("/").await;
    let found = states(&page);
    assert!(found.len() > 10 && found.contains(&"1 of 5 stale".to_owned()), "{found:?}");
    assert!(!found.contains(&"stale".to_owned()), "the word alone stands where it holds for all: {found:?}");
    let tiles = page.split_once("class=\"tiles\"").unwrap().1.split_once("</section>").unwrap().0;
    assert_eq!(states(tiles).iter().filter(|s| *s != "1 of 5 stale").count(), 0, "{:?}", states(tiles));
    assert!(tiles.matches("mark stale").count() == states(tiles).len(), "the mark is that of the gravest state");
    assert!(visible(&page).contains("seoul-01: 1 of 3 stale"), "what needs attention counts too");
    let (_, other) = site.served.page("/customers/acme/sites/busan-2").await;
    assert!(states(&other).iter().all(|s| s == "ok"), "{:?}", states(&other));
    let (_, zone) = site.served.page("/customers/acme/sites/seoul-01/zones/quiet").await;
    assert!(states(&zone).iter().all(|s| s == "stale"), "{:?}", states(&zone));
    let korean = site.served.get("/").header("Cookie", "gf_lang=ko").send().await.unwrap().text().await.unwrap();
    assert!(states(&korean).contains(&"5곳 중 1곳 중단".to_owned()), "{:?}", states(&korean));
    // Programs read the worst state and the counts behind it.
    let s = site.served.json("/api/metrics/summary").await;
    assert_eq!((&s["health"]["state"], &s["health"]["stale"]), (&"stale".into(), &1.into()));
    assert_eq!(s["metrics"][0]["state"], "stale");
    let csv = site.served.get("/export/children.csv").send().await.unwrap().text().await.unwrap();
    assert!(csv.contains("state,newest,places,late,stale,failed,metric") && csv.contains(",4,0,1,0,mAP50"), "{csv}");
    let ran = run(&["metrics", "summary", "--data", &crate::process::text(&site.folder.data())]).fine();
    assert!(ran.stdout.contains("4/5"), "{ran:?}");
}

#[tokio::test]
async fn tables_lead_to_places_and_to_their_csv() {
    let site = Site::start(&[]).await;
    let (_, page) = site.served.page("/customers/acme").await;
    assert!(page.contains("href=\"/customers/acme/sites/seoul-01"), "a row leads to its site");
    assert!(page.contains("/export/children.csv?"), "each table has its CSV");
    // The same address with a form's keys is the same view: nothing needs POST.
    for query in [
        "?days=1",
        "?days=30&sort=-mAP50",
        "?from=now-2d&to=now",
        "?task=detection&type=all",
        "?sort=name&page=1",
        "?tz=Asia/Seoul",
    ] {
        let (status, page) = site.served.page(&format!("/customers/acme{query}")).await;
        assert!(status == 200 || (query.contains("sort") && status == 400), "{query}: {status}");
        assert!(page.contains("acme"), "{query}");
    }
    let (_, zoned) = site.served.page("/trends?tz=Asia/Seoul").await;
    assert!(zoned.contains("Asia/Seoul"), "the zone is always named");
}

#[tokio::test]
async fn the_language_is_the_browser_s_or_one_s_own_choice() {
    let site = Site::start(&[]).await;
    for (accept, cookie, lang, text) in [
        ("ko-KR,ko;q=0.9,en;q=0.5", "", "ko", "개요"),
        ("en-GB", "", "en", "Overview"),
        ("fr", "", "en", "Overview"),
        ("", "", "en", "Overview"),
        ("en", "gf_lang=ko", "ko", ""),
        ("ko", "gf_lang=en", "en", "Overview"),
        ("ko", "gf_lang=%00; gf_lang", "ko", ""),
        ("\u{7f}", "gf_lang=xx", "en", "Overview"),
    ] {
        for path in ["/", "/trends", "/sources", "/signin", "/nothing"] {
            let mut request = site.served.get(path).header("Accept", "text/html").header("Cookie", cookie);
            if let Ok(value) = reqwest::header::HeaderValue::from_str(accept) {
                request = request.header("Accept-Language", value);
            }
            let page = request.send().await.unwrap().text().await.unwrap();
            assert!(page.contains(&format!("<html lang=\"{lang}\"")), "{path} {accept} {cookie}: {}", &page[..200]);
            if path != "/signin" && text == "Overview" {
                assert!(page.contains(text), "{path} {accept} {cookie}: no {text}");
            } else if path != "/signin" && lang == "ko" {
                assert!(page.chars().any(|c| ('가'..='힣').contains(&c)), "{path}: no Korean");
            }
        }
    }
    let dark = site.served.get("/").header("Cookie", "gf_theme=dark").send().await.unwrap().text().await.unwrap();
    assert!(dark.contains("data-theme=\"dark\""), "the theme is in the first HTML");
}

#[tokio::test]
async fn an_address_that_can_be_read_in_two_ways_or_in_none_leads_to_a_page_with_a_way_on() {
    let site = Site::start(&[]).await;
    for (path, english, korean) in [
        ("/?days=1&days=2", "“days” is given twice", "“days”이(가) 두 번 주어졌습니다"),
        ("/trends?metric=mAP50&x=1&x=1", "“x” is given twice", "“x”이(가) 두 번 주어졌습니다"),
        ("/compare?customer=%ff", "the address is not UTF-8", "주소가 UTF-8로 적혀 있지 않습니다"),
        ("/records?%ff=1", "the address is not UTF-8", "주소가 UTF-8로 적혀 있지 않습니다"),
        ("/customers/%ff", "the address is not UTF-8", "주소가 UTF-8로 적혀 있지 않습니다"),
        ("/sources?tz=UTC&tz=Asia/Seoul", "“tz” is given twice", "“tz”이(가) 두 번 주어졌습니다"),
    ] {
        for (lang, sentence) in [("en", english), ("ko", korean)] {
            let cookie = format!("gf_lang={lang}");
            let answer = site.served.get(path).header("Cookie", cookie).send().await.unwrap();
            assert_eq!(answer.status(), 400, "{path}");
            let page = answer.text().await.unwrap();
            assert!(page.contains(sentence), "{path} {lang}: {page}");
            assert!(page.contains("href=\"/\" class=\"button\""), "{path} {lang}: no way on");
        }
    }
}

#[tokio::test]
async fn an_empty_folder_says_how_to_begin() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    assert!(
        served.line().is_some_and(|l| l.contains("guardianflow ingest") && l.contains("--demo 1")),
        "the terminal says it"
    );
    for path in ["/", "/trends", "/sources"] {
        let (status, page) = served.page(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(page.contains("guardianflow ingest"), "{path} does not say how to begin");
    }
    let summary = served.json("/api/metrics/summary").await;
    assert_eq!((&summary["metrics"], &summary["children"]), (&serde_json::json!([]), &serde_json::json!([])));
    let comparison = served.json("/api/metrics/comparison").await;
    assert_eq!(comparison["models"], serde_json::json!([]));
    let trend = served.get("/api/metrics/trend?metric=mAP50").send().await.unwrap();
    assert!(trend.status().as_u16() < 500, "{}", trend.status());
    assert_eq!(served.get("/api/metrics/summary?customer=acme").send().await.unwrap().status(), 404);
    // An empty folder has nothing to ask in the terminal either.
    let data = crate::process::text(&folder.path("other"));
    let ran = run(&["metrics", "summary", "--data", &data]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("guardianflow ingest"), "{ran:?}");
}

#[tokio::test]
async fn a_range_without_records_says_so_and_where_the_newest_are() {
    let folder = Folder::new();
    let old = Fleet::ending(crate::fleet::ms("2025-03-05T12:00:00Z"));
    let path = folder.write("old.jsonl", old.jsonl());
    folder.ingest(&[&path]).fine();
    let served = Served::start(&folder, &[]).await;
    for path in PAGES {
        let (status, page) = served.page(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(page.contains("2025") || page.contains("no records") || page.contains("No records"), "{path}");
    }
    let s = served.json("/api/metrics/summary?customer=acme").await;
    let metrics = s["metrics"].as_array().unwrap();
    assert!(metrics.iter().all(|m| m["n"] == 0 && m["value"].is_null()), "{s}");
}

fn around<'a>(page: &'a str, found: &str) -> &'a str {
    let at = page.find(found).unwrap_or_default();
    let begin = page[..at].char_indices().rev().nth(60).map_or(0, |c| c.0);
    page[begin..].get(..160).unwrap_or(&page[begin..])
}

#[tokio::test]
async fn a_metric_whose_name_ends_the_title_stays_text() {
    let folder = Folder::new();
    let leaf = "</title><script>alert(1)</script>";
    let row = crate::fleet::one(crate::fleet::now() - 60_000, serde_json::json!({"custom": {leaf: 0.5}}));
    let path = folder.write("x.jsonl", crate::fleet::jsonl(&[row]));
    folder.ingest(&[&path]).fine();
    let served = Served::start(&folder, &[]).await;
    let leaf = crate::fleet::encode(leaf);
    for path in
        ["/".to_owned(), "/trends".into(), format!("/trends?metric={leaf}"), format!("/trends?metric=custom.{leaf}")]
    {
        let (status, page) = served.page(&path).await;
        assert!(status < 500, "{path}: {status}");
        assert!(!page.contains("<script>alert"), "{path}: {}", around(&page, "<script>alert"));
    }
}

#[tokio::test]
async fn names_that_look_like_html_stay_text() {
    let folder = Folder::new();
    let name = "<img src=x onerror=alert(1)>\"'&";
    let at = crate::fleet::now() - 60_000;
    let records: Vec<_> = (0..5)
        .map(|i| crate::fleet::one(at - i * 60_000, serde_json::json!({"customer": name, "site": name, "model_architecture": name, "model_version": name, "task": name})))
        .collect();
    let path = folder.write("x.jsonl", crate::fleet::jsonl(&records));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 5);
    let served = Served::start(&folder, &[]).await;
    let place = crate::fleet::encode(name);
    for path in [
        "/".to_owned(),
        format!("/customers/{place}"),
        format!("/customers/{place}/sites/{place}"),
        "/trends".into(),
        "/sources".into(),
        format!("/trends?customer={place}&task={place}"),
        format!("/trends?metric={place}"),
        format!("/{place}"),
    ] {
        let (status, page) = served.page(&path).await;
        assert!(status < 500, "{path}: {status}");
        assert!(!page.contains("<img src=x"), "{path}: the name stands unescaped in {}", around(&page, "<img src=x"));
    }
    let svg = served.get(&format!("/export/trend.svg?metric=mAP50&customer={place}")).send().await.unwrap();
    assert_eq!(svg.status(), 200);
    assert!(!svg.text().await.unwrap().contains("<img"), "the drawing too");
}

#[tokio::test]
async fn the_arrow_of_a_tail_is_the_tail_s_and_not_the_mean_s() {
    // Against the day before the mean rose from 25 to 30 ms, while p95 fell from 40 to 30.
    let folder = Folder::new();
    let newest = fleet::now() - 2 * fleet::DAY / 24;
    let row = |ago: i64, i: i64, ms: i64| {
        let fields = json!({"run_id": format!("{i}"), "detection": null, "system": {"inference_time_ms": ms}});
        fleet::one(newest - ago - i * fleet::MINUTE, fields)
    };
    let mut rows: Vec<_> = (0..20).map(|i| row(0, i, 30)).collect();
    rows.extend((0..20).map(|i| row(DAY, i, if i < 10 { 10 } else { 40 })));
    let path = folder.write("x.jsonl", fleet::jsonl(&rows));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], 40);
    let served = Served::start(&folder, &[]).await;
    let (_, page) = served.page("/?days=1").await;
    let tile = page.split_once("Latency p95").expect("a tile").1.split_once("</a>").expect("its end").0;
    assert!(tile.contains("↓10.0") && tile.contains("not judged"), "{tile}");
    assert!(!tile.contains("↑5.0") && tile.contains("vs prior 1 day"), "{tile}");
    let s = served.json("/api/metrics/summary?days=1").await;
    let m = &s["metrics"][0];
    assert_eq!((&m["delta"], &m["previous_p95"], &m["delta_p95"]), (&json!(5.0), &json!(40.0), &json!(-10.0)), "{m}");
}

#[test]
fn no_two_pages_of_the_navigation_have_the_same_key() {
    let keys: Vec<char> = app::PAGES.iter().filter_map(|page| Some(page.navigation.as_ref()?.key)).collect();
    let different: std::collections::BTreeSet<&char> = keys.iter().collect();
    assert!(keys.len() >= 9 && different.len() == keys.len(), "{keys:?}");
}
