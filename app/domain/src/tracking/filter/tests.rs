//! The grammar, its errors, and what passes.

mod properties;

use super::*;
use crate::tracking::{column::Attribute, run::Text};
use crate::{
    error::Error,
    time::Millis,
    tracking::{DatasetInput, ExperimentId, Lifecycle, RunId, RunMetric, RunStatus},
};

fn text(t: &str) -> Text {
    t.into()
}

fn run() -> Run {
    let metric = |key: &str, value| RunMetric { key: text(key), value, step: 3, timestamp: Millis(5), extremes: None };
    let pair = |(k, v): (&str, &str)| (text(k), text(v));
    Run {
        id: RunId::parse("0123456789abcdef0123456789abcdef").expect("an id"),
        experiment: ExperimentId::parse("7").expect("an id"),
        name: text("YOLOv8 baseline 부산"),
        user: text("kim"),
        status: RunStatus::Finished,
        start: Some(Millis::parse("2026-06-30T00:00:00Z").expect("a time")),
        end: None,
        artifact_uri: text("mlflow-artifacts:/7/0123/artifacts"),
        lifecycle: Lifecycle::Active,
        metrics: vec![
            metric("f1", 0.9),
            metric("broken", f64::NAN),
            metric("val/mAP50", 0.5),
            metric("metrics/mAP50-95(B)", 0.4),
        ],
        params: [("lr", "0.001"), ("model", "yolov8m"), ("learning rate", "1e-3"), ("quote", "it's \"so\"")]
            .map(pair)
            .into(),
        tags: [("site", "busan"), ("mlflow.source.name", "train.py"), ("note", "50% done_now")].map(pair).into(),
        datasets: vec![
            DatasetInput { name: text("coco"), digest: text("d1"), context: text("training"), source: text("s3://x") },
            DatasetInput { name: text("own"), digest: text("d2"), context: text("eval"), source: text("") },
        ],
    }
    .sorted()
}

fn passes(filter: &str) -> bool {
    let read = Filter::parse(filter).unwrap_or_else(|e| panic!("{filter}: {}", e.sentence()));
    let printed = read.to_string();
    assert_eq!(Filter::parse(&printed).as_ref(), Ok(&read), "{filter} is printed as {printed}");
    read.matches(&run())
}

#[test]
fn what_mlflow_s_grammar_asks_passes_as_there() {
    for filter in [
        "",
        "  ",
        "metrics.f1 > 0.8",
        "metric.f1 >= 0.9",
        "metrics.f1 = .9",
        "metrics.f1 = 9e-1",
        "metrics.f1 != -1",
        "metrics.f1<=0.9 and metrics.f1<1",
        "metrics.`val/mAP50` = 0.5",
        "metrics.\"val/mAP50\" = 0.5",
        "metrics.broken != 1",
        "params.model = 'yolov8m'",
        "param.model = \"yolov8m\"",
        "parameter.model != 'resnet'",
        "parameters.model LIKE 'yolo%'",
        "params.model ILIKE 'YOLO%'",
        "params.model like '%v8_'",
        "params.`learning rate` = '1e-3'",
        "params.absent IS NULL",
        "params.model IS NOT NULL",
        "tags.site = 'busan' AND tag.mlflow.source.name = 'train.py'",
        "tags.`mlflow.source.name` LIKE '%.py'",
        "attributes.status = 'FINISHED'",
        "attribute.run_name ILIKE 'yolo%'",
        "attr.user_id = 'kim'",
        "run.artifact_uri LIKE 'mlflow-artifacts:%'",
        "status != 'FAILED'",
        "attributes.`Run Name` LIKE '%baseline%'",
        "attributes.start_time = 1782777600000",
        "Created < 1782777600001",
        "attributes.run_id IN ('0123456789abcdef0123456789abcdef', 'x')",
        "run_id NOT IN ('x')",
        "dataset.name = 'own'",
        "datasets.context LIKE 'eva_'",
        "dataset.digest IN ('d9', 'd1')",
    ] {
        let filter = Filter::parse(filter).expect(filter).resolve(|_| false).0;
        assert!(passes(&filter.to_string()), "{filter}");
    }
    for filter in [
        "metrics.f1 > 0.9",
        "metrics.absent != 1",
        "metrics.broken = 1",
        "metrics.broken < 1",
        "metrics.broken >= 1",
        "params.model = 'YOLOV8M'",
        "params.model LIKE 'YOLO%'",
        "params.absent != 'x'",
        "params.model LIKE 'yolo'",
        "tags.site != 'busan'",
        "attributes.status = 'finished'",
        "attributes.end_time > 0",
        "dataset.name = 'nothing'",
    ] {
        assert!(!passes(filter), "{filter}");
    }
}

#[test]
fn what_mlflow_refuses_is_answered_too() {
    for filter in [
        "metrics.f1 > 1 OR metrics.f1 > 0.5",
        "NOT metrics.f1 > 1",
        "NOT (params.model = 'x' OR params.lr > 1) AND metrics.f1 == 0.9",
        "((metrics.f1 > 0.5))",
        "params.lr > 0.0001 AND params.lr <= 0.001",
        "params.lr = 1e-3",
        "tags.site IN ('seoul', 'busan')",
        "params.model NOT IN ('a')",
        "params.lr IN (0.1, 1e-3)",
        "params.`learning rate` IN (0.001)",
        "params.lr IN ('auto', .001)",
        "params.lr NOT IN (0.1, 0.01)",
        "params.model NOT IN (0.1)",
        "metrics.f1 IN (0.5, 0.9)",
        "metrics.f1 NOT IN (0.5)",
        "metrics.broken NOT IN (0.5)",
        "tags.site IN (1, 'busan')",
        "attributes.start_time IN (1782777600000)",
        "metrics.absent IS NULL AND metrics.f1 IS NOT NULL",
        "attributes.end_time IS NULL",
        "attributes.start_time >= '2026-06-30' AND start_time < '2026-06-30T00:00:01+00:00'",
        "attributes.experiment_id = '7'",
        "yolov8",
        "BASELINE",
        "부산",
        "baseline yolo",
        "'v8 base'",
        "\"v8 base\" AND metrics.f1 > 0.5",
        "metrics.metrics/mAP50-95(B) > 0.3",
        "params.quote = 'it''s \"so\"'",
        "params.quote = \"it's \"\"so\"\"\"",
        "tags.note LIKE '50%done_now'",
    ] {
        let filter = Filter::parse(filter).expect(filter).resolve(|_| false).0;
        assert!(passes(&filter.to_string()), "{filter}");
    }
    for filter in [
        "yolov9",
        "baseline resnet",
        "params.model > 0",
        "tags.absent NOT IN ('a')",
        "tags.absent NOT IN (1)",
        "params.lr IN (0.1)",
        "params.lr NOT IN (0.001)",
        "params.model IN (0.1)",
        "metrics.f1 IN (0.5)",
        "metrics.broken IN (0.5)",
        "NOT yolo",
        "attributes.duration > 0",
    ] {
        assert!(!passes(filter), "{filter}");
    }
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    for (filter, printed) in [
        ("a=1 or b=1 and not c=1", "`a` = 1.0 OR `b` = 1.0 AND NOT `c` = 1.0"),
        ("(a=1 or b=1) and c=1", "(`a` = 1.0 OR `b` = 1.0) AND `c` = 1.0"),
        ("not (a=1 and b=1)", "NOT (`a` = 1.0 AND `b` = 1.0)"),
        ("x y or z", "'x' AND 'y' OR 'z'"),
        ("NOT NOT x", "NOT NOT 'x'"),
        ("metrics.`a``b` > 1e300", "metrics.`a``b` > 1e300"),
        ("\"AND\"", "'AND'"),
        ("tags.\"x\" is null", "tags.x IS NULL"),
    ] {
        assert_eq!(Filter::parse(filter).expect(filter).to_string(), printed);
        passes(filter);
    }
}

#[test]
fn what_does_not_fit_is_pointed_at_with_an_example_that_fits() {
    // Text, character from 1, a part of the reason.
    for (filter, column, why) in [
        ("metrics.f1 >", 13, "a number without quotes"),
        ("metrics.f1 > '0.9'", 14, "a number without quotes"),
        ("metrics.f1 > high", 14, "a number without quotes"),
        ("metrics.f1 > 1e999", 14, "a number without quotes"),
        ("metrics.f1 > NaN", 14, "a number without quotes"),
        ("metrics.f1 LIKE '1%'", 17, "this is a number"),
        ("metrics.f1 IN ('1')", 16, "numbers are expected here"),
        ("metrics.f1 IN 1", 15, "numbers are expected here"),
        ("params.lr IN (0.1, auto)", 20, "numbers, or texts between quotes"),
        ("params.lr IN (0.1 0.2)", 19, "numbers, or texts between quotes"),
        ("attributes.status IN (1)", 23, "texts between quotes are expected"),
        ("metrics.f1", 11, "a comparison"),
        ("metrics.f1 ~ 1", 12, "a comparison"),
        ("metrics. > 1", 9, "a metric, a parameter"),
        ("metrics.`` > 1", 9, "a metric, a parameter"),
        ("params.lr > '0.1'", 13, "write a number without quotes"),
        ("params.model = yolo", 16, "a number, or a text between quotes"),
        ("params.model LIKE yolo", 19, "a text between quotes"),
        ("params.model = 'yolo", 16, "not closed"),
        ("params.`model = 'yolo'", 8, "not closed"),
        ("params.a = 'b' params.c = 'd'", 16, "AND or OR"),
        ("yolo params.c = 'd'", 6, "AND or OR"),
        ("부산 AND 서울 = ", 13, "a number, or a text"),
        ("tags.site IN 'busan'", 14, "between parentheses"),
        ("tags.site IN ('busan'", 22, "between parentheses"),
        ("tags.site IN ('busan',)", 23, "between parentheses"),
        ("tags.site IN ()", 15, "between parentheses"),
        ("attributes.name = 'x'", 12, "no attribute is called “name”"),
        ("attributes.status = 5", 21, "a text between quotes"),
        ("status = RUNNING", 10, "a text between quotes"),
        ("start_time > 'yesterday'", 14, "a date or an RFC 3339 time"),
        ("dataset.source = 'x'", 9, "name, digest and context"),
        ("(metrics.f1 > 1", 16, "closing parenthesis"),
        ("metrics.f1 > 1)", 15, "closes nothing"),
        ("AND metrics.f1 > 1", 1, "a condition or a word"),
        ("metrics.f1 > 1 AND", 19, "a condition or a word"),
        ("metrics.f1 > 1 OR OR x", 19, "a condition or a word"),
        ("NOT", 4, "a condition or a word"),
        ("''", 1, "a condition or a word"),
        (";drop table runs", 1, "a condition or a word"),
        ("metrics.f1 > 1; x", 15, "AND or OR"),
        ("\0", 1, "a condition or a word"),
    ] {
        let e = Filter::parse(filter).expect_err(filter);
        assert!(e.why.en.contains(why), "{filter}: {}", e.why.en);
        assert_eq!(e.column, column, "{filter}: {}", e.sentence());
        assert_eq!(filter.char_indices().nth(column - 1).map_or(filter.len(), |(at, _)| at), e.at, "{filter}");
        assert!(Filter::parse(e.example).is_ok(), "the example {} does not fit", e.example);
        let told = Error::from(e);
        assert!(told.message.ko.is_some() && told.field == Some("filter"), "{told:?}");
    }
}

#[test]
fn length_and_depth_have_limits() {
    let two_kb = format!("metrics.f1 > 0 {}", "AND metrics.f1 > 0 ".repeat(105));
    assert!(two_kb.len() > 2000 && passes(&two_kb));
    let deep = |n: usize| format!("{}metrics.f1 > 0{}", "(".repeat(n), ")".repeat(n));
    assert!(passes(&deep(16)) && passes(&deep(MAX_DEPTH)) && passes(&format!("{}metrics.f1 > 0", "NOT ".repeat(32))));
    for (filter, why) in [
        (deep(MAX_DEPTH + 1), "nested more than"),
        (format!("{}x", "NOT ".repeat(MAX_DEPTH + 1)), "nested more than"),
        ("(".repeat(4000), "nested more than"),
        (format!("tags.x = '{}'", "a".repeat(10_000)), "longer than"),
    ] {
        let e = Filter::parse(&filter).expect_err("too much");
        assert!(e.why.en.contains(why), "{}", e.why);
    }
}

#[test]
fn keys_without_a_prefix_are_what_runs_have() {
    let filter = Filter::parse("lr > 0.1 AND status = 'x' AND acc > 1 AND nothing = 1 OR lr < 2").expect("a filter");
    let known = |f: &Field| {
        [Field::Param(text("lr")), Field::Tag(text("lr")), Field::Tag(text("status")), Field::Metric(text("acc"))]
            .contains(f)
    };
    let (resolved, understood) = filter.resolve(known);
    assert_eq!(
        resolved.to_string(),
        "params.lr > 0.1 AND tags.status = 'x' AND metrics.acc > 1.0 AND metrics.nothing = 1.0 OR params.lr < 2.0"
    );
    let others: Vec<_> = understood.iter().map(|u| (u.key.to_string(), u.others.clone())).collect();
    assert_eq!(
        others,
        [
            ("lr".to_owned(), vec![Field::Tag(text("lr"))]),
            ("status".to_owned(), vec![Field::Attribute(Attribute::Status)]),
            ("acc".to_owned(), vec![]),
            ("nothing".to_owned(), vec![]),
        ]
    );
}

#[test]
fn two_filters_are_put_together() {
    let read = |t: &str| Filter::parse(t).expect(t);
    let both = read("a = 1 AND b = 1").and(read("c = 1 OR d = 1")).and(read("")).and(read("e = 1"));
    assert_eq!(both.to_string(), "`a` = 1.0 AND `b` = 1.0 AND (`c` = 1.0 OR `d` = 1.0) AND `e` = 1.0");
}
