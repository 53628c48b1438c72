//! REST answers have the public format and hold the numbers of the records.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::fleet::{CADENCE, DAY, SHADOWED, Site, counts, encode, ms, near, rfc};

fn keys(v: &Value) -> BTreeSet<&str> {
    v.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[track_caller]
fn has(v: &Value, wanted: &[&str]) {
    let have = keys(v);
    for k in wanted {
        assert!(have.contains(k), "{k} is not in {v}");
    }
}

fn metric<'a>(v: &'a Value, key: &str) -> &'a Value {
    let all = v["metrics"].as_array().expect("metrics");
    all.iter().find(|m| m["metric"] == key).unwrap_or_else(|| panic!("no {key} in {v}"))
}

fn children<'a>(v: &'a Value, level: &str) -> BTreeSet<&'a str> {
    let all = v["children"].as_array().expect("children");
    all.iter().map(|c| c["scope"][level].as_str().expect("a name of the child's level")).collect()
}

#[tokio::test]
async fn a_summary_has_the_public_format_and_the_numbers_of_its_records() {
    let site = Site::start(&[]).await;
    // Both ends lie on records: the first is in, the last is not.
    let (from, to) = (site.fleet.newest - DAY, site.fleet.newest);
    let url = format!("/api/metrics/summary?customer=acme&from={}&to={}", rfc(from), rfc(to));
    let s = site.served.json(&url).await;
    has(&s, &["scope", "from", "to", "as_of", "metrics", "children"]);
    assert_eq!(keys(&s["scope"]), ["customer", "device", "site", "task", "type", "zone"].into());
    assert_eq!((&s["scope"]["customer"], &s["scope"]["type"]), (&"acme".into(), &"production".into()));
    assert!(s["scope"]["site"].is_null() && s["scope"]["zone"].is_null() && s["scope"]["task"].is_null());
    assert_eq!((ms(s["from"].as_str().unwrap()), ms(s["to"].as_str().unwrap())), (from, to));
    ms(s["as_of"].as_str().expect("a time"));

    let m = metric(&s, "mAP50");
    has(
        m,
        &[
            "metric",
            "unit",
            "direction",
            "value",
            "previous",
            "delta",
            "n",
            "weight",
            "sites_reporting",
            "sites_expected",
            "latest",
            "p50",
            "p95",
            "state",
        ],
    );
    let of = |from, to| site.fleet.sums("/detection/mAP50", |r| r["customer"] == "acme" && counts(r, from, to));
    let (n, weight, value) = of(from, to);
    assert_eq!(n, 3 * 48);
    assert_eq!(m["n"], n);
    assert!(near(&m["weight"], weight) && near(&m["value"], value), "{m}");
    let previous = of(from - DAY, from).2;
    assert!(near(&m["previous"], previous) && near(&m["delta"], value - previous), "{m}");
    assert_eq!(m["direction"], "higher_is_better");
    assert_eq!((&m["sites_reporting"], &m["sites_expected"]), (&2.into(), &2.into()));
    assert_eq!(ms(m["latest"]["timestamp"].as_str().expect("a time")), to - CADENCE, "`to` is exclusive");
    assert!(m["latest"]["value"].is_f64());
    let latency = metric(&s, "inference_time_ms");
    assert_eq!((&latency["unit"], &latency["direction"]), (&"ms".into(), &"lower_is_better".into()));
    let (p50, p95) = (latency["p50"].as_f64().expect("p50"), latency["p95"].as_f64().expect("p95"));
    assert!((10.0..=p95).contains(&p50) && p95 <= 19.0, "{latency}");
    assert_eq!(metric(&s, "mse")["assumed"], true, "a metric outside of the catalogue says so");
    for child in s["children"].as_array().unwrap() {
        has(child, &["scope", "metrics"]);
        has(metric(child, "mAP50"), &["metric", "unit", "value", "n", "state", "latest"]);
    }
}

#[tokio::test]
async fn children_are_one_level_below_the_scope() {
    let site = Site::start(&[]).await;
    let fleet = site.served.json("/api/metrics/summary").await;
    assert_eq!(children(&fleet, "customer"), ["acme", "부산 항만"].into());
    let customer = site.served.json("/api/metrics/summary?customer=acme").await;
    assert_eq!(children(&customer, "site"), ["busan-2", "seoul-01"].into());
    let one = site.served.json("/api/metrics/summary?customer=acme&site=seoul-01&days=2").await;
    assert_eq!(children(&one, "zone"), ["gate-1", "gate-2"].into());
    let length = ms(one["to"].as_str().unwrap()) - ms(one["from"].as_str().unwrap());
    assert_eq!(length, 2 * DAY);
    let default = ms(fleet["to"].as_str().unwrap()) - ms(fleet["from"].as_str().unwrap());
    assert_eq!(default, 7 * DAY);
    assert_eq!(metric(&fleet, "mAP50")["state"], "ok", "everything has just reported");
    // A task and a type narrow the scope, and the scope says so.
    let tracking = site.served.json("/api/metrics/summary?task=tracking").await;
    assert_eq!(tracking["scope"]["task"], "tracking");
    assert_eq!(metric(&tracking, "mAP50")["n"], 144);
    let candidates = site.served.json("/api/metrics/summary?type=candidate").await;
    assert_eq!(
        (&candidates["scope"]["type"], &metric(&candidates, "mAP50")["n"]),
        (&"candidate".into(), &SHADOWED.into())
    );
}

#[tokio::test]
async fn a_trend_is_cut_into_steps_and_says_each_step_s_numbers() {
    let site = Site::start(&[]).await;
    let (from, to) = (site.fleet.newest - DAY, site.fleet.newest);
    let base = format!("/api/metrics/trend?customer=acme&site=seoul-01&zone=gate-1&from={}&to={}", rfc(from), rfc(to));
    let t = site.served.json(&format!("{base}&metric=map50&step=1h")).await;
    has(&t, &["metric", "unit", "step", "as_of", "points"]);
    assert_eq!((&t["metric"], &t["step"]), (&"mAP50".into(), &"1h".into()));
    let points = t["points"].as_array().expect("points");
    let mut n = 0;
    for p in points {
        has(p, &["t", "value", "n", "min", "max", "p50", "p95"]);
        let at = ms(p["t"].as_str().expect("a time"));
        assert_eq!(at % 3_600_000, 0, "steps lie on whole hours");
        let (count, _, mean) = site
            .fleet
            .sums("/detection/mAP50", |r| r["zone"] == "gate-1" && counts(r, at.max(from), (at + 3_600_000).min(to)));
        assert!(p["n"] == count && near(&p["value"], mean), "{p}: {count} {mean}");
        let number = |k: &str| p[k].as_f64().expect("a number");
        assert!(
            number("min") <= number("p50") && number("p50") <= number("p95") && number("p95") <= number("max"),
            "{p}"
        );
        n += count;
    }
    assert_eq!(n, 48);
    let iso = site.served.json(&format!("{base}&metric=mAP50&step=PT1H")).await;
    assert_eq!(iso["points"], t["points"], "1h and PT1H are the same step");
    // A model narrows it.
    let model = |m: &str| format!("/api/metrics/trend?metric=mAP50&type=all&model={m}&step=1h");
    let sum = |t: &Value| t["points"].as_array().unwrap().iter().map(|p| p["n"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(sum(&site.served.json(&model("yolov8m:1.2.0")).await), SHADOWED);
    assert_eq!(sum(&site.served.json(&model("rtdetr")).await), 144);
    assert_eq!(site.served.get(&model("nobody")).send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn without_a_step_a_trend_has_about_three_hundred_points() {
    let site = Site::start(&[]).await;
    for days in [1, 3, 7, 30, 90, 365] {
        let t = site.served.json(&format!("/api/metrics/trend?metric=mAP50&days={days}")).await;
        let text = t["step"].as_str().expect("a step");
        let (number, unit) = text.split_at(text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let unit = match unit {
            "m" | "min" => 1,
            "h" => 60,
            "d" => 1_440,
            other => panic!("{other}"),
        };
        let points = days * 1_440 / (number.parse::<i64>().expect("a number") * unit);
        assert!((150..=450).contains(&points), "{days} days in steps of {text} are {points} points");
    }
}

#[tokio::test]
async fn a_comparison_puts_models_side_by_side_and_counts_all_types() {
    let site = Site::start(&[]).await;
    let c = site
        .served
        .json(&format!(
            "/api/metrics/comparison?customer=acme&task=detection&from=now-4d&to={}",
            rfc(site.fleet.newest + 1)
        ))
        .await;
    has(&c, &["as_of", "models"]);
    assert_eq!(c["scope"]["type"], "all");
    let models = c["models"].as_array().expect("models");
    assert_eq!(models.len(), 3);
    for (architecture, version, n) in
        [("yolov8m", "1.1.0", 288), ("rtdetr", "1.1.0", 144), ("yolov8m", "1.2.0", SHADOWED)]
    {
        let m = models
            .iter()
            .find(|m| m["architecture"] == architecture && m["version"] == version)
            .unwrap_or_else(|| panic!("no {architecture} {version} in {c}"));
        assert_eq!(m["n"], n);
        let map = &m["metrics"]["mAP50"];
        has(map, &["value", "n", "p50", "p95"]);
        let sums = site.fleet.sums("/detection/mAP50", |r| {
            r["customer"] == "acme" && r["model_architecture"] == architecture && r["model_version"] == version
        });
        assert!(map["n"] == sums.0 && near(&map["value"], sums.2), "{map}: {sums:?}");
    }
    assert_eq!(models[0]["n"], 288, "most records first");
}

#[tokio::test]
async fn an_answer_that_is_still_good_is_not_sent_again() {
    let site = Site::start(&[]).await;
    let (from, to) = (rfc(site.fleet.newest - DAY), rfc(site.fleet.newest));
    for path in [
        format!("/api/metrics/summary?from={from}&to={to}"),
        format!("/api/metrics/trend?metric=mAP50&from={from}&to={to}"),
        format!("/api/metrics/comparison?from={from}&to={to}"),
    ] {
        let first = site.served.get(&path).send().await.unwrap();
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let body = first.text().await.unwrap();
        for (given, status) in [(tag.clone(), 304), (format!("\"x\", {tag}"), 304), ("W/\"x\"".into(), 200)] {
            let again = site.served.get(&path).header("If-None-Match", &given).send().await.unwrap();
            let (got, again_tag) = (again.status(), again.headers()["etag"].to_str().unwrap().to_owned());
            let again_body = again.text().await.unwrap();
            assert_eq!(got, status, "{path} {given}: the same question had two answers:\n{body}\n{again_body}");
            assert_eq!(again_tag, tag);
            assert_eq!(again_body.is_empty(), status == 304);
        }
        // A new record in the range makes another answer.
        let fresh = crate::fleet::one(site.fleet.newest - 7 * CADENCE - 1, serde_json::json!({"run_id": path}));
        let file = site.folder.write("in/fresh.jsonl", crate::fleet::jsonl(&[fresh]));
        assert_eq!(site.folder.ingest(&[&file]).fine().json()["taken"], 1);
        let mut changed = false;
        for _ in 0..40 {
            let again = site.served.get(&path).header("If-None-Match", &tag).send().await.unwrap();
            changed |= again.status() == 200;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(changed, "{path} is as before");
    }
}

#[tokio::test]
async fn names_of_every_script_lead_to_their_place() {
    let site = Site::start(&[]).await;
    let (customer, pier, crane) = (encode("부산 항만"), encode("pier 7"), encode("crane #1"));
    let s = site.served.json(&format!("/api/metrics/summary?customer={customer}&site={pier}&zone={crane}")).await;
    assert_eq!((&s["scope"]["customer"], &s["scope"]["zone"]), (&"부산 항만".into(), &"crane #1".into()));
    assert_eq!(metric(&s, "mAP50")["n"], 144);
    let (status, page) = site.served.page(&format!("/customers/{customer}/sites/{pier}/zones/{crane}")).await;
    assert_eq!(status, 200);
    assert!(page.contains("crane #1") && page.contains("부산 항만"));
}
