//! Is the challenger better? What the real server and the command line answer about fleets whose truth is known, how a comparison is registered by
//! its first look, and what a change is made of.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{
    fleet::{self, DAY, ms, near, rfc},
    process::{Folder, Served},
};

const HOUR: i64 = 60 * fleet::MINUTE;
/// When records come on a day.
const HOURS: [i64; 4] = [2, 8, 14, 20];
/// The champion det:1 and the challenger det:2.
pub const PAIR: &str = "champion=det:1&challenger=det:2";
/// By how much sites differ from what is typical, where a test wants them to.
const SPREAD: [f64; 8] = [-1.5, -1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 1.5];

/// The beginning of a UTC day.
pub fn day(ago: i64) -> i64 {
    fleet::now().div_euclid(DAY) * DAY - ago * DAY
}

/// From −0.5 to 0.5, the same for the same number (SplitMix64).
fn noise(n: i64) -> f64 {
    let mut z = (n as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z >> 11) as f64 / (1u64 << 53) as f64 - 0.5
}

pub fn record(customer: &str, site: i64, at: i64, challenger: bool, x: f64) -> Value {
    let (version, kind) = if challenger { ("2", "candidate") } else { ("1", "production") };
    fleet::one(
        at,
        json!({"customer": customer, "site": format!("s{site}"), "device": "orin", "experiment_type": kind,
               "model_architecture": "det", "model_version": version, "detection": {"mAP50": x, "recall": x - 0.1},
               "system": {"inference_time_ms": 20.0 + noise(at + site), "gpu_util": 50.0}}),
    )
}

/// Champion and challenger side by side at the sites of a customer, from a day ago to another one (both with records); at each site the challenger's
/// values are the champion's and its gain, and each value scatters by itself as far as `scatter` says.
pub fn fleet_of(customer: &str, sites: i64, days: [i64; 2], gain: impl Fn(i64) -> f64, scatter: f64) -> Vec<Value> {
    let mut records = vec![];
    for site in 0..sites {
        for ago in days[1]..=days[0] {
            for (slot, hour) in HOURS.into_iter().enumerate() {
                let at = day(ago) + hour * HOUR + site * 1000;
                let n = ((site * 1_000 + ago) * 10 + slot as i64) * 2;
                let common = 0.7 + 0.02 * noise(site * 7_919) + 0.02 * noise(n * 31);
                records.push(record(customer, site, at, false, common + scatter * noise(n)));
                records.push(record(customer, site, at, true, common + gain(site) + scatter * noise(n + 1)));
            }
        }
    }
    records
}

fn is_challenger(r: &Value) -> bool {
    r["model_version"] == "2"
}

fn at(r: &Value) -> i64 {
    ms(r["timestamp"].as_str().expect("a time"))
}

/// A folder with these records.
pub fn folder_of(records: &[Value]) -> Folder {
    let folder = Folder::new();
    let path = folder.write("in/records.jsonl", fleet::jsonl(records));
    assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], records.len());
    folder
}

pub async fn post_records(served: &Served, records: &[Value]) {
    let sent = served.post("/api/metrics/records").header("Content-Type", "application/x-ndjson");
    let answer = sent.body(fleet::jsonl(records)).send().await.expect("an answer");
    let (status, body) = (answer.status(), answer.text().await.expect("a body"));
    assert!(status == 200 && body.contains(&format!("\"taken\":{}", records.len())), "{status} {body}");
}

pub async fn registrations(served: &Served) -> Vec<Value> {
    let mut all = served.json("/api/evidence/registrations").await;
    serde_json::from_value(all["comparisons"].take()).expect("a list")
}

/// The registrations, when there are so many; two seconds are enough for that.
pub async fn registered(served: &Served, n: usize) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let all = registrations(served).await;
        if all.len() >= n {
            assert_eq!(all.len(), n, "{all:?}");
            return all;
        }
        assert!(begun.elapsed() < Duration::from_secs(2), "not noted: {all:?}\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The row of a metric.
fn row<'a>(answer: &'a Value, metric: &str, estimand: &str) -> &'a Value {
    let rows = answer["metrics"].as_array().expect("rows");
    let found = rows.iter().find(|r| r["metric"] == metric && r["estimand"] == estimand);
    found.unwrap_or_else(|| panic!("no {metric} of {estimand} in {answer}"))
}

fn number(v: &Value) -> f64 {
    v.as_f64().filter(|x| x.is_finite()).unwrap_or_else(|| panic!("{v} is no number"))
}

fn said(answer: &Value) -> String {
    let notes = answer["notes"].as_array().expect("notes").iter().filter_map(Value::as_str);
    std::iter::once(answer["sentence"].as_str().expect("a sentence")).chain(notes).collect::<Vec<_>>().join(" | ")
}

/// Numbers wherever there must be numbers: of a typical site with its bounds from two sites on, and of the fleet.
#[track_caller]
fn sound(answer: &Value) {
    let text = answer.to_string();
    for word in ["NaN", "nan", "Infinity", "inf\"", "-inf", "∞"] {
        let found =
            answer["sentence"].as_str().is_some_and(|s| s.contains(word)) || text.contains(&format!("\"{word}\""));
        assert!(!found && !said(answer).contains("NaN"), "{word} in {text}");
    }
    assert!(answer["sentence"].as_str().is_some_and(|s| s.len() > 20 && s.ends_with('.')), "{text}");
    for r in answer["metrics"].as_array().expect("rows") {
        let sites = r["n_sites"].as_u64().expect("a count");
        assert_eq!(r["difference"].is_number(), sites > 0, "{r}");
        if sites >= 2 && r["estimand"] == "site" && r["n_days"] != 0 {
            let [low, mid, high] = ["low", "difference", "high"].map(|k| number(&r[k]));
            assert!(low <= mid && mid <= high, "{r}");
        }
        assert_eq!(r["low"].is_null(), r["high"].is_null(), "{r}");
    }
    for key in ["records", "hours"] {
        let ratio = &answer["balance"][key];
        assert!(ratio.is_null() || (ratio["ratio"].is_number() && ratio["p"].is_number()), "{ratio}");
    }
    for r in answer["guard_rails"].as_array().expect("rails") {
        assert_eq!(r["left"].is_number(), r["standing"] != "unchecked", "{r}");
    }
}

/// A judgement, which must be sound.
async fn judged(served: &Served, query: &str) -> Value {
    let answer = served.json(&format!("/api/evidence?{PAIR}&{query}")).await;
    sound(&answer);
    answer
}

#[tokio::test]
async fn each_verdict_follows_from_the_records_and_every_field_is_answered() {
    let mut records = fleet_of("up", 8, [6, 1], |s| 0.05 + 0.002 * SPREAD[s as usize], 0.01);
    records.extend(fleet_of("down", 8, [6, 1], |s| -0.05 + 0.002 * SPREAD[s as usize], 0.01));
    records.extend(fleet_of("rough", 8, [6, 1], |s| 0.05 * SPREAD[s as usize], 0.01));
    let mut halts = fleet_of("halts", 12, [10, 1], |_| 0.05, 0.01);
    // At ten of twelve sites the challenger is gone after half the time.
    halts.retain(|r| !(is_challenger(r) && at(r) > day(5) && !["s0", "s1"].contains(&r["site"].as_str().unwrap())));
    records.extend(halts);
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    for (customer, verdict, words) in [
        ("up", "better", "det 2 is better: mAP50"),
        ("down", "worse", "det 2 is worse: mAP50"),
        ("rough", "not_decisive", "Not decisive: the difference in mAP50 at a typical site may lie anywhere from"),
        ("halts", "unhealthy", "Unhealthy: the challenger has"),
    ] {
        let a = judged(&served, &format!("customer={customer}")).await;
        assert_eq!((&a["verdict"], &a["provisional"]), (&json!(verdict), &json!(true)), "{customer}: {}", said(&a));
        assert!(a["sentence"].as_str().unwrap().contains(words), "{customer}: {}", a["sentence"]);
        assert_eq!(a["sentence"].as_str().unwrap().starts_with("Provisional until "), words.starts_with("det"));
        for (key, is) in
            [("champion", "det:1"), ("challenger", "det:2"), ("primary", "mAP50"), ("design", "concurrent")]
        {
            assert_eq!(a[key], is, "{a}");
        }
        assert_eq!((&a["looks"], &a["balance"]["healthy"]), (&json!(1), &json!(verdict != "unhealthy")));
        assert!((fleet::now() - ms(a["as_of"].as_str().expect("a time"))).abs() < 60_000, "{}", a["as_of"]);
        for estimand in ["site", "fleet"] {
            for metric in ["mAP50", "recall", "inference_time_ms"] {
                let r = row(&a, metric, estimand);
                let keys = ["metric", "estimand", "difference", "low", "high", "n_sites", "n_days"];
                assert!(keys.iter().all(|k| r.get(k).is_some()), "{r}");
            }
        }
        let site = row(&a, "mAP50", "site");
        let n = if customer == "halts" { 12 } else { 8 };
        assert_eq!((&site["n_sites"], site["n_days"].as_u64() >= Some(6)), (&json!(n), true), "{site}");
        assert_eq!(a["worse_sites"].as_array().expect("sites").len() >= 8, verdict == "worse", "{}", a["worse_sites"]);
        // Student's t at which p is .0001 one-sided, with seven degrees of freedom; the interval is 2.3646 standard errors to either side.
        let t = number(&site["difference"]).abs() / (number(&site["high"]) - number(&site["low"])) * 2.0 * 2.3646;
        match verdict {
            "better" | "worse" => assert!(t > 7.063, "{t}: {site}"),
            "not_decisive" => assert!(t < 7.063, "{t}: {site}"),
            _ => {}
        }
    }
    assert_eq!(registered(&served, 4).await.len(), 4);
}

#[tokio::test]
async fn a_difference_that_decides_at_the_horizon_does_not_before() {
    // t = 3.4 with seven degrees of freedom: one-sided p = .006.
    let gain = |s: i64| 0.012 + 0.01 * SPREAD[s as usize];
    let records = [fleet_of("soon", 8, [6, 1], gain, 0.0), fleet_of("past", 8, [20, 7], gain, 0.0)].concat();
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    for (customer, verdict, provisional) in [("soon", "not_decisive", true), ("past", "better", false)] {
        let a = judged(&served, &format!("customer={customer}")).await;
        assert_eq!((&a["verdict"], &a["provisional"]), (&json!(verdict), &json!(provisional)), "{}", said(&a));
        let site = row(&a, "mAP50", "site");
        assert!((number(&site["difference"]) - 0.012).abs() < 1e-9, "{site}");
        // The standard error of the eight sites, by hand.
        let sd = (SPREAD.iter().map(|e| (0.01 * e).powi(2)).sum::<f64>() / 7.0).sqrt();
        let half = 2.364_624_251_592_785 * sd / 8f64.sqrt();
        assert!((number(&site["high"]) - 0.012 - half).abs() < 1e-9, "{site}");
        assert_eq!(a["days_left"].as_u64().expect("days") > 0, provisional, "{a}");
    }
}

#[tokio::test]
async fn the_numbers_are_the_same_however_the_records_came() {
    let mut records = fleet_of("acme", 7, [9, 1], |s| 0.01 * s as f64, 0.2);
    for (i, r) in records.iter_mut().enumerate() {
        r["samples"] = json!(1 + i * 37 % 11);
        r["zone"] = json!(format!("z{}", i / 2 % 3));
    }
    let metrics = async |served: &Served| {
        let body = served.get(&format!("/api/evidence?{PAIR}&customer=acme")).send().await.expect("an answer");
        let body = body.text().await.expect("a body");
        let from = body.find("\"metrics\":").unwrap_or_else(|| panic!("{body}"));
        body[from..body.find("\"worse_sites\"").expect("sites")].to_owned()
    };
    let folder = folder_of(&records);
    let whole = metrics(&Served::start(&folder, &[]).await).await;
    assert!(whole.contains("\"fleet\"") && whole.len() > 500, "{whole}");
    records.sort_by_key(|r| (noise(at(r) % 1_000_003) * 1e9) as i64);
    let folder = Folder::new();
    let parts: Vec<&[Value]> = records.chunks(records.len() / 5 + 1).collect();
    for (i, part) in parts[..3].iter().enumerate() {
        let path = folder.write(&format!("in/{}.jsonl", 9 - i), fleet::jsonl(part));
        assert_eq!(folder.ingest(&[&path]).fine().json()["taken"], part.len());
    }
    let served = Served::start(&folder, &[]).await;
    for part in &parts[3..] {
        post_records(&served, part).await;
    }
    assert_eq!(metrics(&served).await, whole);
}

#[tokio::test]
async fn the_first_look_registers_and_a_day_counts_once_and_a_restart_forgets_nothing() {
    let records = fleet_of("acme", 6, [6, 1], |_| 0.05, 0.01);
    let first = records.iter().filter(|r| is_challenger(r)).map(at).min().expect("a record");
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    assert_eq!(registrations(&served).await, [] as [Value; 0]);
    let today = day(0);
    let a = judged(&served, "customer=acme").await;
    assert_eq!((&a["comparison"], &a["registered_by"]), (&Value::Null, &json!("first_look")), "{a}");
    let all = registered(&served, 1).await;
    let is = json!({"champion": "det:1", "challenger": "det:2", "customer": "acme", "site": null, "metric": "mAP50",
        "start": rfc(first), "horizon": rfc(first + 14 * DAY), "registered_by": "first_look", "supersedes": null,
        "superseded_by": null, "verdict": null, "sentence": null, "margin": null});
    for (key, value) in is.as_object().expect("an object") {
        assert_eq!(&all[0][key], value, "{key} of {}", all[0]);
    }
    let seen = async |served: &Served, id: &Value| served.json(&format!("/api/evidence/registrations/{id}")).await;
    let id = all[0]["id"].clone();
    // A registration is noted just before its look.
    tokio::time::sleep(Duration::from_millis(200)).await;
    for _ in 0..3 {
        let again = judged(&served, "customer=acme&metric=MAP50").await;
        assert_eq!(again["comparison"], id);
        assert!(again["looks"] == 1 || day(0) != today, "{again}");
    }
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let one = seen(&served, &id).await;
    assert!(one["looks"] == 1 || day(0) != today, "{one}");
    assert_eq!(registrations(&served).await, std::slice::from_ref(&one));
    served.stop();
    let served = Served::start(&folder, &[]).await;
    assert_eq!(registrations(&served).await, [one]);
    assert_eq!(judged(&served, "customer=acme").await["comparison"], id);
    let gone = served.get("/api/evidence/registrations/77").send().await.expect("an answer");
    assert_eq!(gone.status(), 404);
}

#[tokio::test]
async fn who_only_looks_at_a_model_without_records_registers_nothing() {
    let records = fleet_of("acme", 6, [6, 1], |_| 0.05, 0.01);
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    let unknown = served.get("/api/evidence?champion=det:1&challenger=det:9&customer=acme").send().await.unwrap();
    assert_eq!(unknown.status(), 404, "{}", unknown.text().await.unwrap());
    let known = served.json("/api/evidence?champion=det:2&challenger=det:1&customer=acme&days=2").await;
    assert_ne!(known["verdict"], "better", "{known}");
    assert_eq!(registered(&served, 1).await[0]["challenger"], "det:1");
}

#[tokio::test]
async fn a_verdict_of_the_horizon_stays_whatever_comes_later_and_numbers_that_are_shown_move() {
    let folder = folder_of(&fleet_of("acme", 6, [20, 7], |_| 0.05, 0.01));
    let served = Served::start(&folder, &[]).await;
    let before = judged(&served, "customer=acme").await;
    assert_eq!(
        (&before["verdict"], &before["provisional"], &before["days_left"]),
        (&json!("better"), &json!(false), &json!(0))
    );
    let begun = Instant::now();
    while registrations(&served).await.first().is_none_or(|r| r["verdict"].is_null()) {
        assert!(begun.elapsed() < Duration::from_secs(2), "{}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = registrations(&served).await;
    assert_eq!((&kept[0]["verdict"], &kept[0]["sentence"]), (&before["verdict"], &before["sentence"]));
    let shown = format!("customer=acme&from={}&to={}", rfc(day(20)), rfc(day(6)));
    let shown_before = judged(&served, &shown).await;
    assert_eq!(shown_before["metrics"].as_array().unwrap().len() % 2, 0, "{shown_before}");
    // Much worse ones of the same days, which came late.
    let late: Vec<Value> =
        (0..6).flat_map(|site| (7..=20).map(move |ago| record("acme", site, day(ago) + 5 * HOUR, true, 0.1))).collect();
    post_records(&served, &late).await;
    let after = judged(&served, "customer=acme").await;
    for key in ["verdict", "sentence", "metrics", "guard_rails", "balance", "as_of", "start", "horizon"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let shown_after = judged(&served, &shown).await;
    assert_eq!((&shown_after["verdict"], &shown_after["sentence"]), (&before["verdict"], &before["sentence"]));
    let [x, y] = [&shown_before, &shown_after].map(|a| number(&row(a, "mAP50", "site")["difference"]));
    assert!(x > 0.04 && y < 0.0, "{x} {y}");
    assert_eq!(registrations(&served).await.len(), 1);
}

#[tokio::test]
async fn the_first_look_at_other_days_keeps_the_verdict_with_its_own_numbers() {
    let folder = folder_of(&fleet_of("acme", 6, [20, 7], |_| 0.05, 0.01));
    let served = Served::start(&folder, &[]).await;
    let shown = judged(&served, &format!("customer=acme&from={}&to={}", rfc(day(9)), rfc(day(7)))).await;
    assert_eq!((&shown["verdict"], &row(&shown, "mAP50", "site")["n_days"]), (&json!("better"), &json!(2)));
    let begun = Instant::now();
    while registrations(&served).await.first().is_none_or(|r| r["verdict"].is_null()) {
        assert!(begun.elapsed() < Duration::from_secs(2), "{}", served.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let kept = judged(&served, "customer=acme").await;
    assert_eq!((&kept["verdict"], &row(&kept, "mAP50", "site")["n_days"]), (&json!("better"), &json!(14)), "{kept}");
}

#[tokio::test]
async fn another_design_and_another_time_are_shown_and_move_no_verdict() {
    let mut records = fleet_of("acme", 6, [6, 1], |_| 0.05, 0.01);
    // The champion, a week earlier and better by .1 than later.
    let earlier = fleet_of("acme", 6, [13, 7], |_| 0.0, 0.01).into_iter().filter(|r| !is_challenger(r));
    records.extend(earlier.map(|mut r| {
        r["detection"]["mAP50"] = json!(r["detection"]["mAP50"].as_f64().unwrap() + 0.1);
        r
    }));
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    let usual = judged(&served, "customer=acme").await;
    registered(&served, 1).await;
    assert!(usual.get("shown_design").is_none(), "{usual}");
    let other = judged(&served, "customer=acme&design=before_after").await;
    assert_eq!((&other["verdict"], &other["sentence"]), (&usual["verdict"], &usual["sentence"]));
    assert_eq!((&other["shown_design"], &other["design"]), (&json!("before_after"), &json!("concurrent")), "{other}");
    let [same, moved] = [&usual, &other].map(|a| number(&row(a, "mAP50", "site")["difference"]));
    assert!((same - 0.05).abs() < 0.01 && (moved + 0.05).abs() < 0.02, "{same} {moved}");
    let shown = judged(&served, &format!("customer=acme&from={}&to={}", rfc(day(3)), rfc(day(1)))).await;
    assert_eq!((&shown["verdict"], &row(&shown, "mAP50", "site")["n_days"]), (&usual["verdict"], &json!(2)));
    let bad = served.get(&format!("/api/evidence?{PAIR}&customer=acme&design=nonsense")).send().await.unwrap();
    assert_eq!(bad.status(), 400);
    assert!(bad.text().await.unwrap().contains("say concurrent, before_after or difference_in_differences"));
    assert_eq!(registrations(&served).await.len(), 1);
}

#[tokio::test]
async fn bad_input_gets_a_sentence_each_and_never_what_is_no_number() {
    let with = |records: &mut Vec<Value>, path: &str, value: &dyn Fn(&Value) -> Option<Value>| {
        for r in records.iter_mut() {
            if let Some(v) = value(r) {
                *r.pointer_mut(path).unwrap_or_else(|| panic!("no {path}")) = v;
            }
        }
    };
    let few = |customer: &str| fleet_of(customer, 6, [6, 1], |_| 0.05, 0.05);
    let site = |r: &Value| r["site"].as_str().expect("a site")[1..].parse::<i64>().expect("a number");
    let mut apart = few("apart");
    apart.retain(|r| is_challenger(r) == (site(r) < 3));
    let single = fleet_of("single", 1, [6, 1], |_| 0.05, 0.05);
    let mut same = few("same");
    with(&mut same, "/detection", &|_| Some(json!({"mAP50": 0.5, "recall": 0.5})));
    let mut missing = few("missing");
    with(&mut missing, "/detection", &|r| is_challenger(r).then(|| json!({"recall": 0.5 + 0.1 * noise(at(r))})));
    let mut heavy = few("heavy");
    heavy.iter_mut().filter(|r| site(r) == 0).for_each(|r| r["samples"] = json!(1_000_000_000_000_u64));
    let mut all_heavy = few("all-heavy");
    all_heavy.iter_mut().for_each(|r| r["samples"] = json!(1_000_000_000_000_u64));
    let mut brief = few("brief");
    brief.retain(|r| !is_challenger(r) || (at(r) > day(1) + 7 * HOUR && at(r) < day(1) + 9 * HOUR));
    let mut clock = vec![];
    for (s, ago, hour, late) in
        (0..6).flat_map(|s| (1..=6).flat_map(move |d| (6..12).flat_map(move |h| [(s, d, h, false), (s, d, h, true)])))
    {
        let ahead = if late && s == 2 { HOUR } else { 0 };
        let x = 0.7 + 0.05 * noise(s * 100_000 + ago * 1000 + hour * 10 + i64::from(late));
        clock.push(record("clock", s, day(ago) + hour * HOUR + 60_000 + ahead, late, x));
    }
    let records = [apart, single, same, missing, heavy, all_heavy, brief, clock].concat();
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    for (customer, verdict, words) in [
        ("apart", Some("not_decisive"), "no site has mAP50 of both models"),
        ("single", Some("not_decisive"), "the two share 1 site with mAP50"),
        ("same", Some("not_decisive"), "all 6 sites show exactly the same difference in mAP50"),
        ("missing", Some("not_decisive"), "no site has mAP50 of both models"),
        ("heavy", None, "A few sites have nearly all samples of the fleet, so its row has no interval"),
        ("all-heavy", None, "det 2 is better"),
        ("brief", Some("not_decisive"), "the two share 1 day of mAP50 so far; at least 3 are needed"),
        ("clock", None, "The clocks of the two models at s2 (clock) seem to be 1 hour apart"),
    ] {
        let a = judged(&served, &format!("customer={customer}")).await;
        assert!(verdict.is_none_or(|v| a["verdict"] == v), "{customer}: {}", said(&a));
        assert!(said(&a).contains(words), "{customer}: {}", said(&a));
        let has_sites = ["single", "apart", "missing"].contains(&customer);
        assert!(!has_sites || a["sites"].as_array().map_or(0, Vec::len) == usize::from(customer == "single"), "{a}");
        if customer.ends_with("heavy") {
            let [one, fleet] = ["site", "fleet"].map(|e| row(&a, "mAP50", e));
            assert!(
                (number(&one["difference"]) - 0.05).abs() < 0.02 && fleet["difference"].is_number(),
                "{one} {fleet}"
            );
        }
        for design in ["concurrent", "before_after", "difference_in_differences"] {
            judged(&served, &format!("customer={customer}&design={design}")).await;
        }
    }
    // All of it together, which no single customer decides.
    judged(&served, "days=30").await;
}

/// Records of two weeks: a site that gets another model, one that gets another device, one that does worse, one that goes and one that comes.
fn changing() -> Vec<Value> {
    let mut records = vec![];
    for ago in 1..=14 {
        let later = ago <= 7;
        for slot in 0..6 {
            let at = day(ago) + slot * 3 * HOUR;
            let x = 0.6 + 0.01 * noise(ago * 100 + slot);
            let mut add = |site: i64, x: f64, version: &str, device: &str, samples: i64| {
                let mut r = record("acme", site, at, false, x);
                (r["model_version"], r["device"], r["samples"]) = (json!(version), json!(device), json!(samples));
                records.push(r);
            };
            let moved = later && slot > 1;
            add(0, if moved { x - 0.1 } else { x }, if moved { "2" } else { "1" }, "orin", 3);
            add(1, if moved { x + 0.05 } else { x }, "1", if moved { "nano" } else { "orin" }, 2);
            add(2, if later { x - 0.04 } else { x }, "1", "orin", if later { 9 } else { 4 });
            add(if later { 4 } else { 3 }, x + 0.2, "1", "orin", 1);
        }
    }
    let fresh = (1..=2).map(|ago| record("fresh", 0, day(ago) + HOUR, false, 0.5));
    records.into_iter().chain(fresh).collect()
}

#[tokio::test]
async fn a_change_is_the_sum_of_its_parts_each_with_its_kind_and_sentence() {
    let records = changing();
    let folder = folder_of(&records);
    let served = Served::start(&folder, &[]).await;
    let range = format!("from={}&to={}", rfc(day(7)), rfc(day(0)));
    let a = served.json(&format!("/api/changes?customer=acme&metric=mAP50&{range}")).await;
    let mean = |from: i64, to: i64| {
        let of = |r: &&Value| r["customer"] == "acme" && from <= at(r) && at(r) < to;
        let w = |r: &Value| r["samples"].as_f64().expect("a number");
        let x = |r: &Value| r["detection"]["mAP50"].as_f64().expect("a number");
        let sums = records.iter().filter(of).fold((0.0, 0.0), |s, r| (s.0 + w(r), s.1 + w(r) * x(r)));
        sums.1 / sums.0
    };
    let change = mean(day(7), day(0)) - mean(day(14), day(7));
    assert!(change.abs() > 0.01 && near(&a["change"], change), "{change}: {}", a["change"]);
    let parts = a["parts"].as_array().expect("parts");
    let sum: f64 = parts.iter().map(|p| number(&p["size"])).sum();
    assert!((sum - number(&a["change"])).abs() < 1e-12, "{sum} is not {}", a["change"]);
    assert!(parts.windows(2).all(|p| number(&p[0]["size"]).abs() >= number(&p[1]["size"]).abs()), "largest first");
    let find = |kind: &str, site: &str| {
        let found = parts.iter().find(|p| p["kind"] == kind && p["place"]["site"] == site);
        found.unwrap_or_else(|| panic!("no {kind} at {site} in {a}"))
    };
    for (kind, site, words) in [
        ("model", "s0", "since det 2"),
        ("device", "s1", "since nano"),
        ("own", "s2", "with the same model det 1 on orin"),
        ("mix", "s2", "has a larger share of the samples"),
        ("mix", "s3", "no longer reports"),
        ("mix", "s4", "now reports"),
    ] {
        let p = find(kind, site);
        assert!(p["sentence"].as_str().is_some_and(|s| s.contains(words) && s.contains(site)), "{p}");
        let [low, size, high] = ["low", "size", "high"].map(|k| number(&p[k]));
        assert!(low <= size && size <= high, "{p}");
    }
    assert_eq!((&find("model", "s0")["model"], &find("device", "s1")["device"]), (&json!("det:2"), &json!("nano")));
    assert!(number(&find("own", "s2")["size"]) < 0.0 && number(&find("device", "s1")["size"]) > 0.0);
    // The same from the command line.
    let ran = folder.run(&[
        "metrics",
        "changes",
        "--json",
        "--customer",
        "acme",
        "--metric",
        "mAP50",
        "--from",
        &rfc(day(7)),
        "--to",
        &rfc(day(0)),
    ]);
    assert_eq!(ran.fine().json(), a);
    // Nothing to change from.
    let fresh = served.json(&format!("/api/changes?customer=fresh&metric=mAP50&{range}")).await;
    assert_eq!((&fresh["change"], &fresh["parts"]), (&Value::Null, &json!([])), "{fresh}");
    for (query, status, words) in [
        ("customer=acme&metric=nonsense", 404, "nonsense"),
        ("customer=acme", 400, "metric"),
        ("customer=nobody&metric=mAP50", 404, "nobody"),
        ("customer=acme&metric=mAP50&colour=red", 400, "colour"),
        ("customer=acme&metric=mAP50&days=0", 400, "days"),
    ] {
        let answer = served.get(&format!("/api/changes?{query}")).send().await.expect("an answer");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{query}");
        let (got, body) = (answer.status().as_u16(), answer.text().await.expect("a body"));
        assert!((got == status || got == 400) && body.contains(words), "{query}: {got} {body}");
    }
}

#[test]
fn the_command_line_says_the_verdict_by_its_exit_code_and_the_same_json_as_the_server() {
    let records = [
        fleet_of("past", 6, [20, 7], |_| 0.05, 0.01),
        fleet_of("up", 6, [6, 1], |_| 0.05, 0.01),
        fleet_of("down", 6, [6, 1], |_| -0.05, 0.01),
        fleet_of("rough", 8, [49, 1], |s| 0.05 * SPREAD[s as usize], 0.01),
    ];
    let folder = folder_of(&records.concat());
    let compare = |customer: &str, more: &[&str]| {
        folder.run(&[&["models", "compare", "det:1", "det:2", "--customer", customer], more].concat())
    };
    for (customer, code, words) in [
        ("past", 0, "det 2 is better"),
        ("up", 3, "Provisional until"),
        ("down", 4, "det 2 is worse"),
        ("rough", 3, "Not decisive"),
    ] {
        let (ran, json) = (compare(customer, &[]), compare(customer, &["--json"]));
        assert_eq!((ran.code, json.code), (Some(code), Some(code)), "{customer}: {ran:?}");
        assert!(ran.stdout.contains(words) && ran.stdout.contains("typical site"), "{customer}: {}", ran.stdout);
        sound(&json.json());
    }
    let wrong = compare("nobody", &[]);
    assert!(wrong.code.is_some_and(|c| c == 1 || c == 2) && wrong.stderr.contains("nobody"), "{wrong:?}");
    let same = folder.run(&["models", "compare", "det:1", "det:1"]);
    assert!(same.code.is_some_and(|c| c == 1 || c == 2) && same.stderr.contains("held against itself"), "{same:?}");
    let listed = folder.run(&["models", "comparisons", "--json"]).fine().json();
    assert_eq!(listed["comparisons"].as_array().map(Vec::len), Some(4), "{listed}");
    let table = folder.run(&["models", "comparisons"]).fine().stdout;
    assert!(table.contains("open") && table.contains("better") && table.contains("not decisive"), "{table}");
    let named =
        ["models", "register", "det:1", "det:2", "--customer", "up", "--days", "20", "--metric", "recall", "--json"];
    let kept = folder.run(&named).fine().json();
    assert_eq!((&kept["metric"], &kept["looks"]), (&json!("recall"), &json!(0)), "{kept}");
    let twice = folder.run(&named);
    let names = format!("comparison {} asks the same and is in force", kept["id"]);
    assert!(twice.code.is_some_and(|c| c == 1 || c == 2) && twice.stderr.contains(&names), "{twice:?}");
    let plan = ["models", "plan", "det:1", "--effect", "0.01", "--sites", "12", "--customer", "rough"];
    let plan_json = folder.run(&[&plan[..], &["--json"]].concat()).fine().json();
    let told = folder.run(&plan).fine().stdout;
    assert!(told.contains("With 12 sites and 14 days") && told.contains("Power by sites and days"), "{told}");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let served = Served::start(&folder, &[]).await;
        let from_server = served.json("/api/evidence/plan?champion=det:1&effect=0.01&sites=12&customer=rough").await;
        assert_eq!(from_server, plan_json);
        assert_eq!(
            served.json("/api/evidence/registrations").await,
            folder.run(&["models", "comparisons", "--json"]).json()
        );
        for customer in ["past", "up", "down"] {
            let [mut a, mut b] =
                [judged(&served, &format!("customer={customer}")).await, compare(customer, &["--json"]).json()];
            for answer in [&mut a, &mut b] {
                let object = answer.as_object_mut().expect("an object");
                object.remove("looks");
                object.remove("as_of");
            }
            assert_eq!(a, b, "{customer}");
        }
    });
}
