//! Paths, units, and the records that come of runs.

use super::*;
use crate::{
    record::{Record, Refusal},
    time::Millis,
    tracking::{DatasetInput, Experiment, ExperimentId, Lifecycle, Run, RunId, RunMetric, RunStatus, Text},
};
use proptest::prelude::*;

const NOW: Millis = Millis(1_782_820_800_000);

fn path(text: &str) -> JsonPath {
    JsonPath::parse(text).unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

fn run(params: &[(&str, &str)], tags: &[(&str, &str)], metrics: &[(&str, f64)]) -> Run {
    let pairs = |of: &[(&str, &str)]| of.iter().map(|(k, v)| (Text::from(*k), Text::from(*v))).collect();
    let metric = |(key, value): &(&str, f64)| RunMetric {
        key: (*key).into(),
        value: *value,
        step: 0,
        timestamp: Millis(0),
        extremes: None,
    };
    Run {
        id: RunId::parse("3a2f").expect("an id"),
        experiment: ExperimentId::parse("1").expect("an id"),
        name: "first".into(),
        user: "kim".into(),
        status: RunStatus::Finished,
        start: Some(Millis(NOW.0 - 7_200_000)),
        end: Some(Millis(NOW.0 - 3_600_000)),
        artifact_uri: "s3://a".into(),
        lifecycle: Lifecycle::Active,
        metrics: metrics.iter().map(metric).collect(),
        params: pairs(params),
        tags: pairs(tags),
        datasets: vec![DatasetInput {
            name: "yard".into(),
            digest: "ab".into(),
            context: "".into(),
            source: "s".into(),
        }],
    }
    .sorted()
}

fn experiment() -> Experiment {
    Experiment {
        id: ExperimentId::parse("1").expect("an id"),
        name: "detect/acme".into(),
        lifecycle: Lifecycle::Active,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: vec![("site".into(), "of the experiment".into())],
    }
}

fn field(from: &[&str]) -> FieldRule {
    FieldRule { from: Origin::Paths(from.iter().map(|p| path(p)).collect()), values: BTreeMap::new(), default: None }
}

fn metric(from: &str, units: Option<(&str, &str)>) -> MetricRule {
    let unit = |name| Unit::parse(name).expect("a unit");
    let conversion = units.map(|(from, to)| Conversion::new(unit(from), unit(to)).expect("a conversion"));
    MetricRule(vec![MetricOrigin::Path(path(from), conversion)])
}

fn key(text: &str) -> MetricKey {
    let (group, leaf) = text.split_once('.').expect("a key");
    MetricKey { group: group.to_owned(), leaf: leaf.to_owned() }
}

fn mapping() -> RecordMapping {
    RecordMapping {
        fields: [
            ("customer", field(&["$.tags.customer"])),
            ("site", field(&["$.tags.site", "$.experiment.tags.site"])),
            ("task", field(&["$.tags.task"])),
            ("experiment_name", field(&["$.experiment.name"])),
            ("registered_model", field(&["$.made.model"])),
            ("registered_version", field(&["$.made.version"])),
            ("samples", field(&["$.params.images"])),
            ("simulated", field(&["$.tags.simulated"])),
        ]
        .map(|(name, rule)| (name.to_owned(), rule))
        .into(),
        metrics: BTreeMap::from([
            (key("detection.mAP50"), metric("$.metrics.val/mAP50", None)),
            (key("system.inference_time_ms"), metric("$.metrics.latency", Some(("s", "ms")))),
        ]),
        others: OtherMetrics::All,
    }
}

const TAGS: [(&str, &str); 2] = [("customer", "acme"), ("task", "detection")];

fn record(mapping: &RecordMapping, run: &Run) -> Result<Record, Refusal> {
    let parts = RunParts { run, experiment: &experiment(), made: Some(("fleet", "3")) };
    mapping.record_of_run(&RunDocument(parts), NOW, |_| None)
}

fn custom(record: &Record) -> Vec<(&str, f64)> {
    record.custom().iter().map(|(k, x)| (k.as_str(), *x)).collect()
}

#[test]
fn a_run_becomes_a_record_at_its_end() {
    let run = run(
        &[("images", "120")],
        &[("customer", "acme"), ("site", ""), ("task", "detection"), ("simulated", "True")],
        &[
            ("val/mAP50", 0.8),
            ("latency", 0.0184),
            ("val/box_loss", 1.5),
            ("accuracy", 0.9),
            ("a.b/c=d", 2.0),
            ("nan", f64::NAN),
        ],
    );
    let record = record(&mapping(), &run).expect("a record");
    let identity = record.identity();
    let field = |name| identity.field(name).map(ToString::to_string);
    assert_eq!(identity.timestamp(), Millis(NOW.0 - 3_600_000));
    for (name, value) in [
        ("run_id", Some("3a2f")),
        ("customer", Some("acme")),
        // An empty tag is none: the next path counts.
        ("site", Some("of the experiment")),
        ("zone", None),
        ("experiment_type", Some("candidate")),
        ("registered_model", Some("fleet")),
        ("registered_version", Some("3")),
    ] {
        assert_eq!(field(name).as_deref(), value, "{name}");
    }
    assert_eq!((record.samples(), record.simulated()), (Some(120.0), true));
    assert_eq!((record.built_in()[0], record.built_in()[7]), (Some(0.8), Some(18.4)));
    assert_eq!(custom(&record), [("a_b.c_d", 2.0), ("run.accuracy", 0.9), ("val.box_loss", 1.5)]);
}

#[test]
fn rules_may_rename_values_fall_back_and_be_constant() {
    let mut mapping = mapping();
    let values = BTreeMap::from([("detect".to_owned(), "detection".to_owned())]);
    mapping.fields.insert("task".to_owned(), FieldRule { values, ..field(&["$.tags.task"]) });
    mapping.fields.insert("zone".to_owned(), FieldRule { default: Some("gate".to_owned()), ..field(&["$.tags.zone"]) });
    let constant = |text: &str| Origin::Constant(text.to_owned());
    mapping.fields.insert("device".to_owned(), FieldRule { from: constant("orin"), ..field(&[]) });
    mapping.fields.insert("experiment_type".to_owned(), field(&["$.tags.experiment_type"]));
    mapping.metrics.insert(key("custom.price"), MetricRule(vec![MetricOrigin::Constant("2.5".to_owned())]));
    let tags = [("customer", "acme"), ("task", "detect"), ("experiment_type", "production")];
    let record = record(&mapping, &run(&[], &tags, &[])).expect("a record");
    let identity = record.identity();
    let found = ["task", "zone", "device", "experiment_type"].map(|f| identity.field(f).map(ToString::to_string));
    assert_eq!(found, ["detection", "gate", "orin", "production"].map(|t| Some(t.to_owned())));
    assert_eq!(custom(&record), [("custom.price", 2.5)]);
}

#[test]
fn metrics_without_a_rule_come_as_they_are_called_unless_told_otherwise() {
    let metrics =
        [("val/mAP50", 0.8), ("train/mAP50", 0.9), ("system/inference_time_ms", 20.0), ("customer/loss", 1.0)];
    let found = |others| {
        let record = record(&RecordMapping { others, ..mapping() }, &run(&[], &TAGS, &metrics)).expect("a record");
        custom(&record).iter().map(|(k, _)| (*k).to_owned()).collect::<Vec<_>>()
    };
    // A group cannot be called like a field, and one metric of a group is no other's: then the whole name is the leaf.
    assert_eq!(found(OtherMetrics::All), ["run.customer_loss", "train.mAP50"]);
    assert_eq!(found(OtherMetrics::None), Vec::<String>::new());
    assert_eq!(found(OtherMetrics::Like(vec!["tr*50".into()])), ["train.mAP50"]);
    let both = [("val/mAP50", 0.8), ("latency", 0.01), ("system/inference_time_ms", 20.0)];
    let record = record(&mapping(), &run(&[], &TAGS, &both)).expect("a record");
    assert_eq!((record.built_in()[7], custom(&record)), (Some(10.0), vec![("run.system_inference_time_ms", 20.0)]));
}

#[test]
fn what_makes_no_record_is_refused_with_its_reason() {
    let many: Vec<(String, f64)> = (0..300).map(|n| (format!("m{n}"), 1.0)).collect();
    let many: Vec<(&str, f64)> = many.iter().map(|(k, x)| (k.as_str(), *x)).collect();
    let good = [("val/mAP50", 0.8)];
    for (params, tags, metrics, code, said) in [
        (&[][..], &[("task", "t")][..], &good[..], "missing", "customer is missing"),
        (&[], &[("customer", "a")], &good, "missing", "task is missing"),
        (&[], &TAGS, &[], "no_metric", "no metric"),
        (&[], &TAGS, &[("val/mAP50", f64::NAN)], "not_finite", "detection.mAP50 ($.metrics.val/mAP50) is not finite"),
        (&[], &TAGS, &[("val/mAP50", f64::MAX)], "not_finite", "not finite"),
        (&[], &TAGS, &[("val/mAP50", 81.0)], "out_of_range", "outside of 0 to 1"),
        (&[("images", "many")], &TAGS, &good, "wrong_type", "“many”, not a number"),
        (&[("images", "0")], &TAGS, &good, "out_of_range", "samples is 0"),
        (&[], &[("customer", "a/b"), ("task", "t")], &good, "bad_name", "customer"),
        (&[], &[("customer", "a"), ("task", "t"), ("simulated", "maybe")], &good, "wrong_type", "not true or false"),
        (&[], &TAGS, &[("a.b", 1.0), ("a_b", 2.0)], "wrong_type", "run.a_b"),
        (&[], &TAGS, &many, "out_of_range", "other_metrics"),
    ] {
        let refusal = record(&mapping(), &run(params, tags, metrics)).expect_err(said);
        assert_eq!(refusal.code, code, "{refusal}");
        assert!(refusal.message.contains(said), "{refusal} does not say {said}");
        assert!(Refusal::CODES.contains(&refusal.code));
    }
    let unended = Run { end: None, ..run(&[], &TAGS, &good) };
    assert_eq!(record(&mapping(), &unended).map_err(|r| r.message), Err("the run has no end_time".into()));
}

#[test]
fn paths_are_read_as_they_are_printed() {
    for (text, printed) in [
        ("$", "$"),
        ("$.tags.customer", "$.tags.customer"),
        ("$.metrics.metrics/mAP50-95(B)", "$.metrics.metrics/mAP50-95(B)"),
        ("$[\"tags\"]['a.b']", "$.tags[\"a.b\"]"),
        ("$.datasets[0].digest", "$.datasets[0].digest"),
        ("$.params.learning rate", "$.params.learning rate"),
        ("$['say \"hi\"']", "$['say \"hi\"']"),
    ] {
        assert_eq!(path(text).to_string(), printed);
        assert_eq!(path(printed), path(text));
    }
    for (text, at, why) in [
        ("tags.customer", 1, PathFault::Begin),
        ("", 1, PathFault::Begin),
        ("$.", 3, PathFault::Name),
        ("$.tags..a", 8, PathFault::Name),
        ("$tags", 2, PathFault::Other),
        ("$.부산[x]", 6, PathFault::Bracket),
        ("$.a[\"b]", 5, PathFault::Bracket),
        ("$[-1]", 3, PathFault::Bracket),
        ("$[99999999999999999999]", 3, PathFault::Bracket),
    ] {
        assert_eq!(JsonPath::parse(text), Err(PathError { at, why }), "{text}");
    }
    assert!(matches!(JsonPath::parse(&format!("${}", ".a".repeat(17))), Err(PathError { why: PathFault::Long, .. })));
}

#[test]
fn paths_that_lead_nowhere_in_a_run_say_what_there_is() {
    for good in [
        "$.run_name",
        "$.params.a",
        "$.tags['a.b']",
        "$.experiment.tags.x",
        "$.datasets[1].name",
        "$.made.version",
        "$.end_time",
    ] {
        assert_eq!(RunDocument::check(&path(good)), Ok(()), "{good}");
    }
    for (bad, said) in [
        ("$", "$.run_id, "),
        ("$.tag.customer", "$.tags"),
        ("$.params", "$.params.NAME"),
        ("$.params.a.b", "$.params.NAME"),
        ("$.run_name.x", "$.run_name"),
        ("$.experiment.tag.x", "$.experiment.tags.NAME"),
        ("$.datasets.name", "$.datasets[0].name"),
        ("$.made.run", "$.made.model"),
        ("$[0]", "$.run_id, "),
    ] {
        let known = RunDocument::check(&path(bad)).expect_err(bad);
        assert!(known.contains(said), "{bad}: {known}");
    }
}

#[test]
fn units_become_each_other_without_losing_digits() {
    let convert = |x: f64, from: &str, to: &str| {
        let unit = |name| Unit::parse(name).expect("a unit");
        Conversion::new(unit(from), unit(to)).map(|c| c.apply(x))
    };
    for (x, from, to, y) in [
        (0.0184, "s", "ms", 18.4),
        (18_400.0, "us", "ms", 18.4),
        (81.2, "percent", "ratio", 0.812),
        (0.612, "ratio", "%", 61.2),
        (1.5, "GiB", "MB", 1_610.612_736),
        (120.0, "1/min", "fps", 2.0),
        (5.0, "ms", "ms", 5.0),
    ] {
        assert_eq!(convert(x, from, to), Some(y), "{x} {from} in {to}");
    }
    assert_eq!((convert(1.0, "s", "MB"), Unit::parse("sec")), (None, None));
    assert!(Unit::names(Some(Dimension::Time)).contains(&"ms") && Unit::names(None).len() > 15);
}

#[test]
fn stars_stand_for_any_text() {
    for (pattern, name, expected) in [
        ("detect/*", "detect/acme", true),
        ("detect/*", "detect", false),
        ("*", "", true),
        ("a*b*c", "axbxc", true),
        ("a*b*c", "abxx", false),
        ("a*a", "a", false),
        ("detect", "detect/acme", false),
        ("부*", "부산", true),
    ] {
        assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
    }
}

proptest! {
    #[test]
    fn no_text_of_a_path_breaks_anything(text in "[$.\\[\\]\"'a-c0-9 부]{0,20}") {
        if let Ok(read) = JsonPath::parse(&text) {
            prop_assert_eq!(JsonPath::parse(&read.to_string()), Ok(read));
        }
    }

    #[test]
    fn whatever_a_run_holds_there_is_a_record_or_a_reason(
        tags in prop::collection::vec(("(customer|site|zone|task|simulated)", "\\PC{0,12}"), 0..6),
        metrics in prop::collection::vec(("[a-b./=]{0,6}", any::<f64>()), 0..6),
    ) {
        let tags: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let metrics: Vec<(&str, f64)> = metrics.iter().map(|(k, x)| (k.as_str(), *x)).collect();
        match record(&mapping(), &run(&[], &tags, &metrics)) {
            Ok(record) => prop_assert!(record.custom().iter().all(|(_, x)| x.is_finite())),
            Err(refusal) => prop_assert!(Refusal::CODES.contains(&refusal.code), "{}", refusal),
        }
    }
}
