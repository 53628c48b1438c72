//! Images of runs: thumbnails of good, odd and hostile files, and the page that shows them side by side without a script.

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use image::{DynamicImage, ExtendedColorType, Frame, ImageEncoder, ImageFormat, Rgb, RgbImage, RgbaImage};
use serde_json::{Value, json};

use crate::{
    fake_mlflow::{Fake, Reply, http, ok},
    fleet::encode,
    mlruns::{WrittenRun, experiment, run},
    process::{self, Folder, Served},
};

const A: &str = "aaaa1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const B: &str = "bbbb1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const EMPTY: &str = "cccc1d4b5c6e7f8a9b0c1d2e3f4a5b6c";
const SVG: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";

fn file(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(vec![]);
    DynamicImage::ImageRgb8(image.clone()).write_to(&mut bytes, format).expect("an image");
    bytes.into_inner()
}

fn plain(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 90]))
}

fn animated() -> Vec<u8> {
    let mut bytes = vec![];
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    for shade in [10, 240] {
        encoder
            .encode_frame(Frame::new(RgbaImage::from_pixel(80, 60, image::Rgba([shade, shade, shade, 255]))))
            .expect("a frame");
    }
    drop(encoder);
    bytes
}

/// A PNG that says it has 200 megapixels, and ends there.
fn huge() -> Vec<u8> {
    let mut bytes = file(&plain(4, 4), ImageFormat::Png);
    bytes[16..20].copy_from_slice(&20_000_u32.to_be_bytes());
    bytes[20..24].copy_from_slice(&10_000_u32.to_be_bytes());
    bytes
}

fn logged(key: &str, step: i64) -> String {
    format!("images/{key}+step+{step}+timestamp+1782777600000+4d5f3b1e-0000-4000-8000-00000000000{}.png", step % 10)
}

fn artifacts_of_a() -> Vec<(String, Vec<u8>)> {
    let png = |width, height| file(&plain(width, height), ImageFormat::Png);
    let mut transparent = vec![];
    let clear = RgbaImage::from_pixel(30, 30, image::Rgba([9, 9, 9, 100]));
    image::codecs::png::PngEncoder::new(&mut transparent)
        .write_image(&clear, 30, 30, ExtendedColorType::Rgba8)
        .expect("an image");
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("photo.jpg", file(&plain(800, 600), ImageFormat::Jpeg)),
        ("wide.png", png(800, 100)),
        ("clear.png", transparent),
        ("moving.gif", animated()),
        ("still.gif", file(&plain(20, 10), ImageFormat::Gif)),
        ("new.webp", file(&plain(64, 48), ImageFormat::WebP)),
        ("old.bmp", file(&plain(64, 48), ImageFormat::Bmp)),
        ("cut.png", png(300, 300)[..300].to_vec()),
        ("text.png", b"this is no image".to_vec()),
        ("empty.png", vec![]),
        ("huge.png", huge()),
        ("script.svg", SVG.to_vec()),
        ("notes.txt", b"text".to_vec()),
        ("p/epoch_1.png", png(64, 48)),
        ("p/epoch_2.png", png(64, 48)),
        ("p/epoch_10.png", png(64, 48)),
    ];
    let steps = [0, 5].map(|step| (logged("val~pred", step), png(64, 48)));
    files.into_iter().map(|(path, bytes)| (path.to_owned(), bytes)).chain(steps).collect()
}

fn write(folder: &Folder, id: &str, name: &str, artifacts: &[(String, Vec<u8>)]) {
    let artifacts = artifacts.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())).collect();
    run(folder, "1", &WrittenRun { id, name, status: 3, start: 1_782_777_600_000, artifacts, ..WrittenRun::default() });
}

fn written() -> Folder {
    let folder = Folder::new();
    experiment(&folder, "1", "detect", false, &[]);
    write(&folder, A, "first", &artifacts_of_a());
    let of_b = [
        ("p/epoch_2.png".to_owned(), file(&plain(32, 24), ImageFormat::Png)),
        ("script.svg".to_owned(), SVG.to_vec()),
        ("wide.png".to_owned(), b"broken".to_vec()),
    ];
    write(&folder, B, "second <b>", &of_b);
    write(&folder, EMPTY, "bare", &[]);
    folder
}

async fn served(folder: &Folder, runs: u64) -> Served {
    let served = Served::start(folder, &[("GF_MLRUNS", &process::text(&folder.path("mlruns")))]).await;
    wait(&served, runs).await;
    served
}

async fn wait(served: &Served, runs: u64) {
    for _ in 0..200 {
        let found = served.json("/api/runs/search?limit=1").await;
        if found["total"] == runs && found["complete"] == true {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the runs were not read:\n{}", served.log());
}

fn thumbnail(run: &str, path: &str, more: &str) -> String {
    format!("/api/runs/{run}/thumbnail?path={}{more}", encode(path))
}

#[tokio::test]
async fn images_of_every_kind_become_small_pictures() {
    let folder = written();
    let site = served(&folder, 3).await;
    for (path, original, small, first_frame) in [
        ("photo.jpg", "800x600", (320, 240), "false"),
        ("wide.png", "800x100", (320, 40), "false"),
        ("clear.png", "30x30", (30, 30), "false"),
        ("moving.gif", "80x60", (80, 60), "true"),
        ("still.gif", "20x10", (20, 10), "false"),
        ("new.webp", "64x48", (64, 48), "false"),
        ("old.bmp", "64x48", (64, 48), "false"),
    ] {
        let answer = site.get(&thumbnail(A, path, "")).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        let head = |name: &str| answer.headers()[name].to_str().expect("a text").to_owned();
        assert_eq!((head("x-image-size").as_str(), head("x-first-frame").as_str()), (original, first_frame), "{path}");
        assert_eq!(
            (head("cache-control").as_str(), head("x-content-type-options").as_str()),
            ("private, no-cache", "nosniff")
        );
        assert!(head("content-security-policy").contains("sandbox") && head("content-type").starts_with("image/"));
        let etag = head("etag");
        let bytes = answer.bytes().await.expect("bytes");
        let drawn = image::load_from_memory(&bytes).expect(path);
        assert_eq!((drawn.width(), drawn.height()), small, "{path}");
        let again = site.get(&thumbnail(A, path, "")).header("if-none-match", &etag).send().await.expect("an answer");
        assert_eq!(again.status(), 304, "{path}");
    }
    // What is transparent stays so; the mark of an animation lies in the lower left corner.
    let pixels = async |path: &str| {
        let bytes = site.get(&thumbnail(A, path, "&size=160")).send().await.expect("an answer").bytes().await;
        image::load_from_memory(&bytes.expect("bytes")).expect("an image").into_rgba8()
    };
    assert_eq!(pixels("clear.png").await.get_pixel(3, 3).0[3], 100);
    let moving = pixels("moving.gif").await;
    let [mark, ground] = [(1, 58), (70, 5)].map(|(x, y)| moving.get_pixel(x, y).0);
    assert!(mark.iter().zip(ground).any(|(a, b)| a.abs_diff(b) > 5), "{mark:?} {ground:?}");
    // Nothing is ever written again under a path with a UUID.
    let kept = site.get(&thumbnail(A, &logged("val~pred", 5), "")).send().await.expect("an answer");
    assert!(kept.headers()["cache-control"].to_str().is_ok_and(|c| c.contains("immutable")), "{kept:?}");
}

#[tokio::test]
async fn what_cannot_be_drawn_says_why_to_programs_and_to_people() {
    let folder = written();
    let site = served(&folder, 3).await;
    for (path, status, part) in [
        ("cut.png", 422, "broken one"),
        ("text.png", 422, "broken one"),
        ("empty.png", 422, "broken one"),
        ("huge.png", 422, "20000 × 10000 pixels, which is 200 megapixels"),
        ("script.svg", 422, "SVG is text"),
        ("notes.txt", 422, "is no PNG"),
        ("nothing.png", 404, "nothing.png"),
    ] {
        let answer = site.get(&thumbnail(A, path, "")).send().await.expect("an answer");
        assert_eq!(answer.status(), status, "{path}");
        let problem: Value = answer.json().await.expect("JSON");
        assert!(problem["detail"].as_str().is_some_and(|d| d.contains(part)), "{path}: {problem}");
        // Pages ask for a picture that says it: no image of a page is ever broken, and nothing of the file is in it.
        let drawn = site.get(&thumbnail(A, path, "&words=en")).send().await.expect("an answer");
        assert_eq!(
            (drawn.status().as_u16(), &drawn.headers()["content-type"]),
            (200, &"image/svg+xml".parse().expect("a type"))
        );
        assert_eq!(drawn.headers()["cache-control"], "private, no-store");
        let svg = drawn.text().await.expect("text");
        assert!(svg.contains("</text></g></svg>") && !svg.contains("script>"), "{svg}");
        let word = part.split_whitespace().last().unwrap_or_default();
        assert!(svg.contains(word), "{path}: {svg}");
    }
    let korean = site.get(&thumbnail(A, "huge.png", "&words=ko")).send().await.expect("an answer");
    assert!(korean.text().await.is_ok_and(|svg| svg.contains("200메가픽셀")));
    for (query, status, part) in [
        (thumbnail(A, "wide.png", "&size=7"), 400, "160, 320, 640, 1280"),
        (thumbnail(A, "wide.png", "&words=fr"), 400, "en or ko"),
        (thumbnail(A, "../../meta.yaml", ""), 400, "path"),
        (thumbnail("ffff", "wide.png", ""), 404, "ffff"),
        (format!("/api/runs/{A}/thumbnail"), 400, "path is missing"),
        (thumbnail(A, "wide.png", "&side=7"), 400, "side"),
    ] {
        let answer = site.get(&query).send().await.expect("an answer");
        let (got, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!(got == status && body.contains(part), "{query}: {got} {body}");
    }
}

fn images(query: &str) -> String {
    format!("/runs/images?{query}")
}

/// What stands in `<main>`, once.
async fn page(site: &Served, query: &str) -> String {
    let (status, html) = site.page(&images(query)).await;
    assert_eq!(status, 200, "{query}: {html}");
    let main = html.split_once("<main").map_or("", |m| m.1);
    main.split_once("</main>").map_or(main, |m| m.0).to_owned()
}

#[tokio::test]
async fn images_of_the_same_name_stand_side_by_side_and_steps_are_links() {
    let folder = written();
    let site = served(&folder, 3).await;
    let name = encode("p/epoch_*.png");
    // The name that most runs have is shown at its last step; who lacks it shows the one before, and says so.
    let both = page(&site, &format!("ids={A},{B}")).await;
    for part in [
        "Step 10 (3 of 3)",
        "step 2: there is none at 10",
        "path=p%2Fepoch_10.png",
        "path=p%2Fepoch_2.png",
        "p/epoch_*.png · 2 of 2 runs",
        "second &lt;b&gt;",
        "Difference from this one",
    ] {
        assert!(both.contains(part), "{part} in {both}");
    }
    assert_eq!(both.matches("<figure>").count(), 2);
    let second = page(&site, &format!("ids={A},{B}&name={name}&step=1")).await;
    assert!(second.contains("There is no image at step 1 or before; the first is at 2."), "{second}");
    assert!(second.contains("step=2\"") && !second.contains("data-step=\"previous\""), "the next is a link: {second}");
    // A single run: all of its steps, each a link, and then one.
    let sheet = page(&site, &format!("ids={A}&name={name}")).await;
    assert_eq!((sheet.matches("<figure>").count(), sheet.matches("class=\"image-frame\"").count()), (3, 3));
    assert!(sheet.contains("step=10") && sheet.contains("aria-current=\"true\" class=\"button\">All steps"), "{sheet}");
    let one = page(&site, &format!("ids={A}&name={name}&step=2&diff={A}")).await;
    assert!(
        one.contains("image-frame difference") && one.contains("path=p%2Fepoch_1.png"),
        "over the step before: {one}"
    );
    // Every image opens.
    let open = one.split("href=\"").find(|h| h.contains("file=p%2Fepoch_2.png")).and_then(|h| h.split_once('"'));
    let open = open.expect("a link").0.replace("&amp;", "&");
    let (status, html) = site.page(&open).await;
    assert!(status == 200 && html.contains("class=\"preview\""), "{open}: {status}");
    let (_, run) = site.page(&format!("/runs/{A}")).await;
    assert!(run.contains(&format!("/runs/images?ids={A}")), "the run leads there");
}

#[tokio::test]
async fn a_difference_says_where_sizes_differ_and_what_cannot_be_compared() {
    let folder = written();
    let site = served(&folder, 3).await;
    let of = async |name: &str| page(&site, &format!("ids={A},{B}&name={}&diff={A}", encode(name))).await;
    let sizes = of("p/epoch_*.png").await;
    for part in [
        "32 × 24 pixels, the other one 64 × 48",
        "black where both are equal",
        "class=\"laid-over\"",
        "compared with this one",
    ] {
        assert!(sizes.contains(part), "{part} in {sizes}");
    }
    assert!(of("wide.png").await.contains("not compared: one of both is no image"));
    // SVG is shown as words, wherever it is.
    let svg = of("script.svg").await;
    assert!(
        svg.matches("SVG is text that may hold scripts").count() == 2 && !svg.contains("path=script.svg&amp;size"),
        "{svg}"
    );
    assert!(!svg.contains("alert(1)"));
}

#[tokio::test]
async fn what_of_the_address_is_wrong_is_said_on_the_page() {
    let folder = written();
    let site = served(&folder, 3).await;
    for (query, said) in [
        (format!("ids={A}&step=x"), "step= is a whole number"),
        (format!("ids={A}&name=nope"), "has an image “nope”"),
        (format!("ids={A},{B}&page=7"), "page 7 is behind them"),
        (format!("ids={A},{B}&diff={EMPTY}"), "diff= is one of the runs shown"),
        (format!("ids={A},x%2Fy"), "x/y"),
    ] {
        let html = page(&site, &query).await;
        assert!(html.contains("the default is shown instead") && html.contains(said), "{query}: {html}");
    }
    let known = page(&site, &format!("ids={A},ffff")).await;
    assert!(known.contains("A run is left out: ") && known.contains("ffff") && known.contains("<figure>"), "{known}");
    assert!(page(&site, "").await.contains("No run is chosen"));
    assert!(page(&site, &format!("ids={EMPTY}")).await.contains("There are no images"));
    let many: Vec<String> = (0..101).map(|i| format!("r{i}")).collect();
    assert!(page(&site, &format!("ids={}", many.join(","))).await.contains("at most 100 runs"));
    for (query, status) in [("ids=ffff", 404), ("ids=ffff,eeee", 404), ("id=1", 400)] {
        assert_eq!(site.page(&images(query)).await.0, status, "{query}");
    }
}

#[tokio::test]
async fn ten_thousand_images_make_a_bounded_page() {
    let folder = Folder::new();
    experiment(&folder, "1", "detect", false, &[]);
    let one = file(&plain(8, 8), ImageFormat::Png);
    // As many steps of one name, as many names without steps, and a name with a few steps among them.
    let steps = (0..10_000).map(|i| format!("samples/step_{i}.png"));
    let names = (0..10_000).map(|i| format!("crops/i{i:05}.png"));
    let few = (0..4).map(|i| format!("val/epoch_{i}.png"));
    let many: Vec<(String, Vec<u8>)> = steps.chain(names).chain(few).map(|path| (path, one.clone())).collect();
    write(&folder, A, "many", &many);
    let site = served(&folder, 1).await;
    let begun = Instant::now();
    let sheet = page(&site, &format!("ids={A}&name=samples%2Fstep_*.png")).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(sheet.contains("12,000 of 20,004 images are offered") && sheet.len() < 60_000, "{}: {sheet}", sheet.len());
    assert_eq!(sheet.matches("<figure>").count(), 24);
    let few = page(&site, &format!("ids={A}&name=val%2Fepoch_*.png")).await;
    assert_eq!(few.matches("<figure>").count(), 4, "a name with a few steps keeps them among many others");
    let found = page(&site, &format!("ids={A}&find=i09999")).await;
    assert!(found.contains("path=crops%2Fi09999.png") && found.len() < 80_000, "{}: {found}", found.len());
    let last = page(&site, &format!("ids={A}&name=samples%2Fstep_*.png&step=9999")).await;
    assert!(last.contains("path=samples%2Fstep_9999.png") && last.len() < 60_000, "{}", last.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mlflow_that_is_silent_holds_no_page_up() {
    let fake = Fake::start(|request, _| {
        let head = request.lines().next().unwrap_or_default();
        let of = |body: Value| Reply::Bytes(ok(body.to_string()));
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
            () if head.contains("/artifacts/list") || head.contains("/get-artifact") => {
                Reply::Late(Duration::from_secs(60), vec![])
            }
            () => Reply::Bytes(ok("{}")),
        }
    })
    .await;
    let folder = Folder::new();
    let site = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &fake.address)]).await;
    wait(&site, 1).await;
    let begun = Instant::now();
    let html = page(&site, "ids=abc1").await;
    assert!(html.contains("cannot be listed just now"), "{html}");
    assert!(begun.elapsed() < Duration::from_secs(14), "{:?}", begun.elapsed());
    let answer = site.get(&thumbnail("abc1", "a.png", "&words=en")).send().await.expect("an answer");
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"image/svg+xml".parse().expect("a type"))
    );
    assert!(begun.elapsed() < Duration::from_secs(28), "{:?}", begun.elapsed());
}
