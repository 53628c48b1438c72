//! Names, expectations and metrics that people have written down: seen on pages, REST and in the terminal; a change is taken,
//! a faulty one is said with its line.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::{
    fleet::{Fleet, Site, ZONES, jsonl, now, one},
    process::{Folder, Ran, Served, binary, clean, finish, run, text},
};

const PLACES: &str = "\
customers:
  acme:
    name: {en: Acme Corporation, ko: 에이크미}
    sites:
      seoul-01:
        name: {en: Seoul plant, ko: 서울 공장}
        time_zone: Asia/Seoul
        zones:
          gate-1: {name: Main gate}
      busan-2:
      incheon-3: {name: Incheon}
";

const METRICS: &str = "\
metrics:
  mAP50:
    label: {en: Accuracy, ko: 정확도 지수}
    smallest_effect: 0.5
  mse:
    label: {en: Squared error, ko: 제곱 오차}
    unit: px
    direction: lower_is_better
    precision: 4
";

/// The fleet with these files in its data folder.
async fn site(files: &[(&str, &str)]) -> Site {
    let folder = Folder::new();
    let fleet = Fleet::new();
    folder.ingest(&[&folder.write("in/fleet.jsonl", fleet.jsonl())]).fine();
    for (name, content) in files {
        folder.write(&format!("data/{name}"), content);
    }
    let served = Served::start(&folder, &[]).await;
    Site { fleet, served, folder }
}

async fn page(site: &Site, path: &str, lang: &str) -> String {
    let request = site.served.get(path).header("Accept", "text/html").header("Cookie", format!("gf_lang={lang}"));
    let answer = request.send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    answer.text().await.expect("a body")
}

/// What is read: without scripts and the data for hydration.
fn seen(page: &str) -> &str {
    page.split_once("<body").expect("a body").1.split("<script").next().expect("its text")
}

/// Asks until the answer is as wanted.
async fn until(site: &Site, path: &str, lang: &str, wanted: impl Fn(&str) -> bool) -> String {
    let begun = Instant::now();
    loop {
        let page = page(site, path, lang).await;
        if wanted(&page) {
            return page;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{path} stays\n{}", seen(&page));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn find<'a>(rows: &'a Value, key: &str, value: &str) -> &'a Value {
    let rows = rows.as_array().expect("a list");
    rows.iter().find(|r| r[key] == value).unwrap_or_else(|| panic!("no {value} in {rows:?}"))
}

#[tokio::test]
async fn pages_show_the_names_that_people_gave_and_links_keep_those_of_the_records() {
    let site = site(&[("places.yaml", PLACES)]).await;
    for (lang, customer, plant) in [("en", "Acme Corporation", "Seoul plant"), ("ko", "에이크미", "서울 공장")]
    {
        let overview = page(&site, "/", lang).await;
        assert!(seen(&overview).contains(customer) && overview.contains("href=\"/customers/acme"), "{lang}");
        let of_customer = page(&site, "/customers/acme", lang).await;
        assert!(of_customer.contains(&format!("<h1><bdi>{customer}</bdi></h1>")), "{lang}: the title");
        assert!(seen(&of_customer).contains(plant), "{lang}: the table of sites");
        assert!(of_customer.contains(&format!("{plant} · ")), "{lang}: cells of the heat strip");
        let zone = page(&site, "/customers/acme/sites/seoul-01/zones/gate-1", lang).await;
        assert!(zone.contains(&format!("<bdi>{plant}</bdi></a>")), "{lang}: the way here");
        assert!(zone.contains("<h1><bdi>Main gate</bdi></h1>"), "{lang}: one name is for both languages");
        let records = page(&site, "/records?customer=acme&site=seoul-01", lang).await;
        assert!(seen(&records).contains("Main gate"), "{lang}");
        let compare = page(&site, "/compare", lang).await;
        assert!(seen(&compare).contains(&format!("{customer} · {plant}")), "{lang}: site by site");
        let palette = site.served.json(&format!("/api/palette?lang={lang}")).await;
        assert_eq!(palette["shown"]["acme\nseoul-01"], plant, "{lang}");
        let acme = palette["places"].as_array().expect("a tree").iter().find(|c| c[0] == "acme").expect("acme");
        let sites = acme[1].as_array().expect("sites");
        assert!(
            sites.iter().any(|s| s[0] == "seoul-01"),
            "{lang}: the name of the records is found as well: {sites:?}"
        );
    }
    let csv = site.served.page("/export/children.csv?customer=acme").await.1;
    assert!(csv.contains("seoul-01") && !csv.contains("Seoul plant"), "{csv}");
    let summary = site.served.json("/api/metrics/summary?customer=acme").await;
    assert_eq!(summary["children"][0]["scope"]["customer"], "acme");
}

#[tokio::test]
async fn a_named_site_that_never_reported_is_expected_and_has_a_page_that_says_so() {
    let site = site(&[("places.yaml", PLACES)]).await;
    let summary = site.served.json("/api/metrics/summary?customer=acme").await;
    let h = &summary["health"];
    assert_eq!((&h["sites_expected"], &h["sites_reporting"], &h["stale"]), (&3.into(), &2.into(), &1.into()), "{h}");
    for (lang, attention, empty) in [
        ("en", "Incheon has never reported, but places.yaml names it", "places.yaml names this place"),
        ("ko", "Incheon 아직 보고 없음", "places.yaml에 등록된 곳이므로"),
    ] {
        assert!(seen(&page(&site, "/customers/acme", lang).await).contains(attention), "{lang}");
        assert!(seen(&page(&site, "/customers/acme/sites/incheon-3", lang).await).contains(empty), "{lang}");
    }
    assert_eq!(site.served.page("/customers/acme/sites/nowhere").await.0, 404);
}

#[tokio::test]
async fn a_retired_site_is_not_expected() {
    let folder = Folder::new();
    let old = 20 * 24 * 60 * 60_000;
    let records = [
        one(now() - 60_000, serde_json::json!({"site": "here"})),
        one(now() - old, serde_json::json!({"site": "gone"})),
    ];
    folder.ingest(&[&folder.write("in/two.jsonl", jsonl(&records))]).fine();
    let served = Served::start(&folder, &[]).await;
    let site = Site { fleet: Fleet::new(), served, folder };
    let health = async || site.served.json("/api/metrics/summary?customer=acme&days=30").await["health"].clone();
    let before = health().await;
    assert_eq!((&before["sites_expected"], &before["state"]), (&2.into(), &"stale".into()));
    site.folder.write("data/places.yaml", "customers: {acme: {sites: {gone: {retired: true}}}}");
    until(&site, "/customers/acme", "en", |p| seen(p).contains("no data expected")).await;
    let after = health().await;
    assert_eq!((&after["sites_expected"], &after["state"], &after["places"]), (&1.into(), &"ok".into(), &1.into()));
}

#[tokio::test]
async fn pages_of_a_site_offer_its_time_zone() {
    let site = site(&[("places.yaml", PLACES)]).await;
    for path in [
        "/customers/acme/sites/seoul-01",
        "/customers/acme/sites/seoul-01/zones/gate-2",
        "/trends?customer=acme&site=seoul-01",
    ] {
        let offered = page(&site, path, "en").await;
        assert!(
            offered.contains("Use the time of this place, Asia/Seoul") && offered.contains("tz=Asia%2FSeoul"),
            "{path}"
        );
    }
    for path in ["/", "/customers/acme", "/customers/acme/sites/busan-2"] {
        assert!(!page(&site, path, "en").await.contains("Use the time of this place"), "{path}");
    }
    let there = page(&site, "/customers/acme/sites/seoul-01?tz=Asia/Seoul", "en").await;
    assert!(there.contains("Times in Asia/Seoul") && !there.contains("Use the time of this place"));
    assert!(there.contains("Use my own time zone") && there.contains("href=\"/customers/acme/sites/seoul-01\""));
}

#[tokio::test]
async fn metrics_are_called_and_read_as_they_were_described() {
    let site = site(&[("metrics.yaml", METRICS)]).await;
    for (lang, accuracy, error, small) in
        [("en", "Accuracy", "Squared error", "too few to tell"), ("ko", "정확도 지수", "제곱 오차", "판단하기에 부족")]
    {
        let place = page(&site, "/customers/acme?days=1", lang).await;
        assert!(seen(&place).contains(accuracy) && seen(&place).contains(error), "{lang}");
        assert!(!seen(&place).contains("direction assumed") && !seen(&place).contains("방향 추정"), "{lang}");
        let trends = page(&site, "/trends?metric=mse", lang).await;
        assert!(trends.contains(&format!("{error} (px)")), "{lang}: the axis");
        assert!(trends.contains(&format!(">{error}</option>")), "{lang}: the choice of metrics");
        let compare = page(&site, "/compare", lang).await;
        assert!(seen(&compare).contains(accuracy), "{lang}");
        // The challenger is better by 0.1, at fewer places than tell it from noise.
        assert!(seen(&compare).contains(small), "{lang}");
    }
    let summary = site.served.json("/api/metrics/summary").await;
    let mse = find(&summary["metrics"], "metric", "mse");
    assert_eq!((&mse["direction"], &mse["unit"]), (&"lower_is_better".into(), &"px".into()));
    assert!(mse["assumed"].is_null(), "{mse}");
}

#[tokio::test]
async fn without_files_nothing_is_different() {
    let site = site(&[]).await;
    assert!(!seen(&page(&site, "/sources", "en").await).contains("Names, expectations and mappings"));
    let summary = site.served.json("/api/metrics/summary").await;
    assert_eq!(find(&summary["metrics"], "metric", "mse")["assumed"], true);
    let places = site.served.json("/api/places").await;
    assert_eq!(places["places"].as_array().map(Vec::len), Some(ZONES.len()));
    assert!(places["places"].as_array().expect("a list").iter().all(|p| p["named"] == false));
    assert_eq!((&places["file"]["read"], &places["file"]["fault"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_change_is_taken_and_a_faulty_one_keeps_the_last_good_file_and_is_said_with_its_line() {
    let site = site(&[("places.yaml", PLACES)]).await;
    let tag = async || {
        let answer =
            site.served.get("/api/metrics/summary?from=2026-01-01&to=2026-01-02").send().await.expect("an answer");
        answer.headers()["etag"].to_str().expect("a text").to_owned()
    };
    let before = tag().await;
    site.folder.write("data/places.yaml", PLACES.replace("Seoul plant", "Seoul works"));
    until(&site, "/customers/acme", "en", |p| seen(p).contains("Seoul works")).await;
    assert_ne!(tag().await, before, "whoever has the old answer is not told that it is still the same");
    site.folder.write("data/places.yaml", PLACES.replace("time_zone: Asia/Seoul", "time_zone: Asia/Soul"));
    let said = until(&site, "/sources", "en", |p| seen(p).contains("line 7: ")).await;
    assert!(seen(&said).contains("no time zone is called “Asia/Soul” · what was read before stays in force"));
    let korean = page(&site, "/sources", "ko").await;
    assert!(seen(&korean).contains("7번째 줄: 이름이 “Asia/Soul”인 시간대가 없습니다"), "{}", seen(&korean));
    assert!(
        site.served.log().contains("places.yaml: line 7: no time zone is called “Asia/Soul”"),
        "{}",
        site.served.log()
    );
    assert!(seen(&page(&site, "/customers/acme", "en").await).contains("Seoul works"), "the last good one");
    let file = site.served.json("/api/places").await["file"].clone();
    assert_eq!(
        (&file["fault"]["line"], &file["kind"], &file["entries"]),
        (&7.into(), &"places".into(), &5.into()),
        "{file}"
    );
    site.folder.write("data/places.yaml", PLACES);
    until(&site, "/sources", "en", |p| !seen(p).contains("line 7: ")).await;
    until(&site, "/customers/acme", "en", |p| seen(p).contains("Seoul plant")).await;
}

#[tokio::test]
async fn a_file_that_is_faulty_at_start_is_said_and_stops_nobody() {
    let mut site = site(&[("metrics.yaml", "metrics:\n  mAP50: {unit: s}\n"), ("places.yaml", PLACES)]).await;
    let said = page(&site, "/sources", "en").await;
    assert!(seen(&said).contains("line 2: “mAP50” is built in: its unit is what it is · nothing of it is in force"));
    assert!(site.served.log().contains("metrics.yaml: line 2:"), "{}", site.served.log());
    assert!(seen(&page(&site, "/customers/acme", "en").await).contains("Seoul plant"), "the other file is fine");
    site.served.lives_without_panic();
}

#[tokio::test]
async fn programs_see_places_and_metrics_as_they_are_known() {
    let site = site(&[("places.yaml", PLACES), ("metrics.yaml", METRICS)]).await;
    let places = site.served.json("/api/places").await["places"].clone();
    let gate = find(&places, "zone", "gate-1");
    assert_eq!(
        (&gate["name"]["en"], &gate["time_zone"], &gate["named"]),
        (&"Main gate".into(), &"Asia/Seoul".into(), &true.into())
    );
    let other = find(&places, "zone", "gate-2");
    assert_eq!(
        (&other["name"]["ko"], &other["time_zone"], &other["named"]),
        (&"gate-2".into(), &"Asia/Seoul".into(), &false.into())
    );
    assert_eq!(find(&places, "site", "incheon-3")["zone"], Value::Null);
    let metrics = site.served.json("/api/metrics/catalogue").await["metrics"].clone();
    assert_eq!(metrics.as_array().map(Vec::len), Some(16));
    let map50 = find(&metrics, "metric", "mAP50");
    assert_eq!((&map50["label"]["ko"], &map50["origin"]), (&"정확도 지수".into(), &"file".into()));
    assert_eq!((&map50["smallest_effect"]["size"], &map50["range"]), (&0.5.into(), &serde_json::json!([0.0, 1.0])));
    let mse = find(&metrics, "metric", "mse");
    assert_eq!((&mse["origin"], &mse["assumed"], &mse["seen"]), (&"file".into(), &false.into(), &true.into()));
    assert_eq!((&mse["range"], &mse["smallest_effect"]["share"]), (&serde_json::json!([null, null]), &0.02.into()));
    assert_eq!(find(&metrics, "metric", "hota")["origin"], "built_in");
}

fn with(folder: &Folder, args: &[&str], env: &[(&str, &str)]) -> Ran {
    let mut command = clean(binary());
    command.args(args).args(["--data", &text(&folder.data())]).envs(env.iter().copied());
    finish(command)
}

#[test]
fn the_terminal_lists_places_and_metrics() {
    let folder = Folder::new();
    folder.write("data/places.yaml", PLACES);
    folder.write("data/metrics.yaml", METRICS);
    // Before there is a record, and without making anything.
    let listed = with(&folder, &["places", "--json"], &[]).fine().json();
    assert_eq!(listed["places"].as_array().map(Vec::len), Some(5));
    assert!(!folder.data().join("lake").exists());
    folder.ingest(&[&folder.write("in/fleet.jsonl", Fleet::new().jsonl())]).fine();
    let csv = with(&folder, &["places", "--csv"], &[]).fine().stdout;
    assert!(csv.starts_with("customer,site,zone,name_en,name_ko,time_zone,cadence,retired,named\r\n"), "{csv}");
    assert!(csv.contains("acme,seoul-01,gate-1,Main gate,Main gate,Asia/Seoul,,false,true"), "{csv}");
    let table = with(&folder, &["metrics", "list"], &[]).fine().stdout;
    assert!(table.contains("Squared error") && table.contains("lower_is_better"), "{table}");
    let summary = with(&folder, &["metrics", "summary", "--json"], &[]).fine().json();
    assert_eq!(find(&summary["metrics"], "metric", "mse")["unit"], "px", "the same engine");
}

#[test]
fn files_are_checked_before_they_are_taken() {
    let folder = Folder::new();
    let good = folder.write("new.yaml", PLACES);
    let fine = with(&folder, &["check", &good], &[]).fine().stdout;
    assert!(fine.contains("fine, 5 places"), "{fine}");
    let bad = folder.write("bad.yaml", "metrics:\n  mse:\n    direction: up\n");
    let ran = with(&folder, &["check", &good, &bad], &[]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("bad.yaml: line 3: direction is higher_is_better, lower_is_better or neither"),
        "{ran:?}"
    );
    let neither = folder.write("neither.yaml", "sites: {}\n");
    assert_eq!(with(&folder, &["check", &neither], &[]).code, Some(2));
    assert_eq!(with(&folder, &["check", "/nowhere/places.yaml"], &[]).code, Some(1));
    // Without a name those of the settings.
    assert!(with(&folder, &["check"], &[]).fine().stdout.contains("there is neither"));
    assert_eq!(with(&folder, &["check"], &[("GF_METRICS", &bad)]).code, Some(2));
    let schema = run(&["check", "--schema", "places"]).fine().json();
    assert_eq!(schema["title"], "places.yaml of GuardianFlow");
}

#[test]
fn a_file_that_was_named_must_be_there_at_start() {
    let folder = Folder::new();
    for (variable, flag) in [("GF_PLACES", "--places"), ("GF_METRICS", "--metrics")] {
        for ran in [
            with(&folder, &["serve", "--addr", "127.0.0.1:0"], &[(variable, "/nowhere/x.yaml")]),
            with(&folder, &["serve", "--addr", "127.0.0.1:0", flag, "/nowhere/x.yaml"], &[]),
        ] {
            assert_eq!(ran.code, Some(2), "{ran:?}");
            assert!(ran.stderr.contains(&format!("{variable} ({flag}) names /nowhere/x.yaml")), "{ran:?}");
        }
    }
    let rows = with(&folder, &["config", "--json"], &[("GF_PLACES", "/srv/places.yaml")]).fine().json();
    let places = find(&rows, "variable", "GF_PLACES");
    assert_eq!((&places["value"], &places["origin"]), (&"/srv/places.yaml".into(), &"environment".into()));
    let metrics = find(&rows, "variable", "GF_METRICS");
    assert_eq!(metrics["origin"], "default");
    assert!(metrics["value"].as_str().is_some_and(|v| v.ends_with("data/metrics.yaml")), "{metrics}");
}
