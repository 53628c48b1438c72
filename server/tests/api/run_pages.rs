//! Pages of experiments and runs when addresses ask for what there is not, and when names hold what HTML may not.

use std::time::Duration;

use crate::{
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Served},
    wire::{request, send},
};

const RUN: &str = "3a2f1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const PARAM: &str = "nul\0bell\u{7}esc\u{1b}del\u{7f}c1\u{85}\u{202e}turned";

fn written() -> Folder {
    let folder = Folder::new();
    experiment(&folder, "1", "detect", false, &[("site", "busan\u{1}")]);
    experiment(&folder, "2", "other", false, &[]);
    let picture: &[u8] = b"\x89PNG\r\n\x1a\njunk that is no picture";
    let one = WrittenRun {
        id: RUN,
        name: "first",
        status: 3,
        start: 1_782_777_600_000,
        metrics: vec![("loss", vec![1.0, f64::NAN, 0.5]), ("peak", vec![f64::INFINITY])],
        params: vec![("note", PARAM), ("\u{1}key", "x")],
        tags: vec![("site", "north")],
        artifacts: vec![("model/MLmodel", b"flavors: {}\n"), ("empty.txt", b""), ("broken.png", picture)],
    };
    run(&folder, "1", &one);
    folder
}

async fn served(folder: &Folder) -> Served {
    let served = Served::start(folder, &[("GF_MLRUNS", &process::text(&folder.path("mlruns")))]).await;
    for _ in 0..200 {
        let found = served.json("/api/runs/search?limit=1").await;
        if found["total"] == 1 && found["complete"] == true {
            return served;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the runs were not read:\n{}", served.log());
}

/// The page, without the form that leads back to where one is.
async fn page(site: &Served, path: &str) -> String {
    let (status, html) = site.page(path).await;
    assert_eq!(status, 200, "{path}: {html}");
    let mut parts = html.split(r#"name="back" value=""#);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |html, part| html + part.split_once('"').map_or("", |p| p.1))
}

#[tokio::test]
async fn dots_in_a_path_lead_nowhere() {
    let folder = written();
    let site = served(&folder).await;
    for path in
        ["/runs/%2e%2e", "/runs/%2E", "/experiments/.%2e", "/experiments/..", "/runs/x/%2e%2e/%2e%2e", "/runs/a\\.."]
    {
        let asked = request(site.port, "GET", path, &[("Accept", "text/html")], b"");
        let answer = send(site.port, &asked).await.expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("There is no page at this address."), "{path}: {}", answer.body);
    }
    for path in ["/api/runs/%2e%2e", "/api/runs/%2e%2e/artifacts", "/export/%2e%2e/x"] {
        let answer = send(site.port, &request(site.port, "GET", path, &[], b"")).await.expect("an answer");
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.all("content-type").contains(&"application/problem+json"), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn experiments_are_narrowed_by_the_places_of_their_runs_level_by_level() {
    let folder = written();
    for (n, customer, zone) in [(1, "acme", "z1"), (2, "beta", "z2")] {
        let id = format!("{n}a2f1d4b5c6e7f8a9b0c1d2e3f4a5b6c");
        let tags = vec![("customer", customer), ("site", "south"), ("zone", zone), ("task", "detect")];
        run(
            &folder,
            "2",
            &WrittenRun { id: &id, name: "tagged\u{202e}gpj.exe", status: 3, start: 1, tags, ..WrittenRun::default() },
        );
    }
    let site = Served::start(&folder, &[("GF_MLRUNS", &process::text(&folder.path("mlruns")))]).await;
    let mut all = String::new();
    for _ in 0..200 {
        all = page(&site, "/experiments").await;
        if all.contains("tag=customer:beta") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(all.contains("tag=customer:acme") && all.contains("tag=task:detect"), "{all}");
    assert!(!all.contains("tag=site"), "sites are below a customer: {all}");
    let acme = page(&site, "/experiments?customer=acme&task=detect").await;
    assert!(acme.contains("tag=customer:acme&amp;tag=task:detect&amp;tag=site:south"), "{acme}");
    assert!(acme.contains("/experiments/2?filter=tags.customer%20%3D%20'acme'%20AND%20tags.task"), "{acme}");
    assert!(!acme.contains("href=\"/experiments/1"), "nothing of it is acme's: {acme}");
    let south = page(&site, "/experiments?customer=acme&site=south&zone=z1").await;
    assert!(south.contains("aria-current=\"true\"><bdi>z1<"), "{south}");
    let palette = site.page("/api/palette/runs?text=tagged").await.1;
    assert!(palette.contains(r"tagged\\u{202e}gpj.exe") && !palette.contains('\u{202e}'), "{palette}");
    // Another customer has other sites.
    assert!(south.contains("href=\"/experiments?tag=customer:beta\""), "{south}");
    assert!(page(&site, "/experiments?customer=acme&zone=z2").await.contains("No experiment fits"));
}

#[tokio::test]
async fn what_of_an_address_is_wrong_is_said_and_handed_on_by_no_link() {
    let folder = written();
    let site = served(&folder).await;
    for (path, key, said) in [
        ("/experiments/1", "sort=nope%28", "metrics.f1 desc"),
        ("/experiments/1", "cols=nope%28", "metrics.f1, params.lr"),
        ("/experiments/1", "group=nope", "at character 1"),
        ("/experiments/1", "page=x", "page= is a number from 1 on"),
        ("/experiments/1", "page=1000001", "there is 1 run,"),
        ("/experiments/1", "page=99999999999999999999999", "there is 1 run,"),
        ("/experiments/1", "rows=0", "rows= is a number from 1 to 500"),
        ("/experiments/1", "reading=nope", "reading= is last"),
        ("/experiments/1", "pick=%27", "'"),
        ("/experiments", "view=nope", "view= is active"),
        ("/experiments", "tag=nope", "tag= is a key"),
        ("/experiments", "page=7", "there are 2 experiments"),
        (&format!("/runs/{RUN}"), "axis=nope", "axis= is step"),
        (&format!("/runs/{RUN}"), "smooth=7", "smooth= is a number"),
        (&format!("/runs/{RUN}"), "page=7", "there is 1 curve,"),
        (&format!("/runs/{RUN}"), "show=nope", "show= is artifacts"),
        (&format!("/runs/{RUN}"), "show=artifacts&folder=..%2Fx", "path"),
    ] {
        let html = page(&site, &format!("{path}?{key}")).await;
        assert!(html.contains("the default is shown instead") && html.contains(said), "{path}?{key}: {html}");
        let (name, value) = key.rsplit_once('&').unwrap_or(("", key)).1.split_once('=').expect("a pair");
        assert!(
            !html.contains(&format!("{name}={value}\"")) && !html.contains(&format!("name=\"{name}\" value=\"{value}")),
            "{path}?{key}"
        );
    }
    // A filter is corrected where it was typed, and is on no link.
    let wrong = page(&site, "/experiments/1?filter=metrics.loss%20%3E%20mistaken").await;
    assert!(wrong.contains("at character 16") && wrong.contains("The filter cannot be read"), "{wrong}");
    assert!(wrong.contains(r#"name="filter" type="search" value="metrics.loss &gt; mistaken""#), "{wrong}");
    assert!(!wrong.contains("filter=metrics.loss"), "{wrong}");
    // Programs are refused as ever.
    assert_eq!(site.page("/api/runs/search?sort=nope%28").await.0, 400);
}

#[tokio::test]
async fn a_filter_of_any_length_makes_no_large_page() {
    let folder = written();
    let site = served(&folder).await;
    let usual = page(&site, "/experiments/1").await.len();
    let long = "é".repeat(10_000);
    let html = page(&site, &format!("/experiments/1?filter={long}")).await;
    assert!(html.len() < usual + 12_000, "{} beside {usual}", html.len());
    assert!(html.contains("longer than 4096 bytes") && html.contains("The box holds the beginning of it."), "{html}");
    // In the box, and once more in what the program takes over.
    assert_eq!(html.matches(&"é".repeat(2_048)).count(), 2);
    assert!(!html.contains(&"é".repeat(2_049)) && !html.contains(&"%C3%A9".repeat(100)));
    for key in ["find", "edit", "sort", "cols", "group"] {
        let html = page(&site, &format!("/experiments/1?{key}={}", "x".repeat(30_000))).await;
        assert!(html.len() < usual + 2_000, "{key}: {} beside {usual}", html.len());
    }
}

#[tokio::test]
async fn control_characters_are_shown_and_stay_what_they_are_for_programs() {
    let folder = written();
    let site = served(&folder).await;
    let bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\r');
    let shown = "nul␀bell␇esc␛del␡c1\u{fffd}";
    for path in [
        "/experiments",
        "/experiments/1?cols=params.note,params.%60%01key%60",
        "/experiments/1?group=params.note",
        &format!("/runs/{RUN}"),
    ] {
        let html = page(&site, path).await;
        let found = html
            .char_indices()
            .find(|(_, c)| bad(*c))
            .map(|(i, _)| html[i.saturating_sub(60)..].chars().take(120).collect::<String>());
        assert_eq!(found, None, "{path}");
        assert!(!html.contains('\u{202e}'), "{path} turns letters around");
        let cell = format!("<bdi>{shown}\\u{{202e}}turned</bdi>");
        assert_eq!(html.contains(&cell), path != "/experiments", "{path}: {html}");
    }
    let columns = "columns=params.note,params.%60%01key%60,metrics.peak";
    let csv =
        site.get(&format!("/export/runs.csv?{columns}")).send().await.expect("an answer").text().await.expect("text");
    assert!(
        csv.contains(shown) && csv.contains("params.␁key") && csv.contains(",Infinity\r\n") && !csv.contains(bad),
        "{csv:?}"
    );
    let json = site.json(&format!("/export/runs.json?{columns}")).await;
    assert_eq!((&json[0]["params.note"], &json[0]["metrics.peak"]), (&PARAM.into(), &"Infinity".into()));
}

#[tokio::test]
async fn files_that_are_missing_empty_or_broken_say_so() {
    let folder = written();
    let site = served(&folder).await;
    for (query, said) in [
        ("file=nothing.txt", "There is no file “nothing.txt”"),
        ("file=no%2Ffolder%2Fx.bin", "There is no file “no/folder/x.bin”"),
        ("folder=nothing", "the run has no folder nothing"),
        ("folder=empty.txt", "empty.txt is a file"),
        ("file=empty.txt", "The file is empty."),
        ("file=broken.png", "named like a picture and is none"),
        ("folder=model&file=broken.png", "named like a picture and is none"),
    ] {
        let html = page(&site, &format!("/runs/{RUN}?show=artifacts&{query}")).await;
        assert!(html.contains(said) && !html.contains("There is no preview"), "{query}: {html}");
    }
    let opened = page(&site, &format!("/runs/{RUN}?show=artifacts&file=model")).await;
    assert!(opened.contains("<bdi>MLmodel</bdi>") && !opened.contains("class=\"preview\""), "{opened}");
    let root = page(&site, &format!("/runs/{RUN}?show=artifacts")).await;
    assert!(root.contains("0 B") && !root.contains("size unknown"), "{root}");
}

#[tokio::test]
async fn a_deleted_experiment_keeps_its_page_and_the_runs_that_are_known() {
    let folder = written();
    let site = served(&folder).await;
    // As MLflow does it: what is read meanwhile is whole.
    let meta = std::fs::read_to_string(folder.path("mlruns/1/meta.yaml"))
        .expect("a text")
        .replace("lifecycle_stage: active", "lifecycle_stage: deleted");
    folder.write("mlruns/1/meta.new", meta);
    std::fs::rename(folder.path("mlruns/1/meta.new"), folder.path("mlruns/1/meta.yaml")).expect("renamed");
    std::fs::create_dir_all(folder.path("mlruns/.trash")).expect("a folder");
    std::fs::rename(folder.path("mlruns/1"), folder.path("mlruns/.trash/1")).expect("renamed");
    for _ in 0..300 {
        if page(&site, "/experiments/1").await.contains("This experiment was deleted in MLflow") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let html = page(&site, "/experiments/1").await;
    for part in
        ["This experiment was deleted in MLflow", r#"<a href="/experiments">Other experiments</a>"#, "<bdi>first</bdi>"]
    {
        assert!(html.contains(part), "{part} in {html}");
    }
}
