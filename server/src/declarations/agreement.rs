//! The published schemas and the parsers agree: what one refuses the other refuses, but for what no schema can say.

use domain::declarations::DeclarationFile;
use serde_json::{Map, Value as Json, json};

use super::{
    METRICS_SCHEMA, PLACES_SCHEMA, SOURCES_SCHEMA, read,
    yaml::{self, Node, Value},
};

/// What a program that knows JSON alone sees of a file.
fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Number(n) if n.fract() == 0.0 => json!(*n as i64),
        Value::Number(n) => json!(n),
        Value::Text(t) => json!(t),
        Value::List(list) => list.iter().map(json).collect(),
        Value::Map(entries) => {
            Json::Object(entries.iter().map(|e| (e.key.clone(), json(&e.value))).collect::<Map<_, _>>())
        }
    }
}

/// The part of JSON Schema that the files use. A keyword that is not known here stops the test.
struct Validator(Json);

impl Validator {
    fn new(kind: DeclarationFile) -> Self {
        let text = match kind {
            DeclarationFile::Places => PLACES_SCHEMA,
            DeclarationFile::Metrics => METRICS_SCHEMA,
            DeclarationFile::Sources => SOURCES_SCHEMA,
        };
        Self(serde_json::from_str(text).expect("JSON"))
    }

    fn takes(&self, text: &str) -> bool {
        let node = yaml::parse(text).expect("YAML");
        self.fits(&self.0, &json(&node))
    }

    fn fits(&self, schema: &Json, x: &Json) -> bool {
        let Json::Object(keywords) = schema else { return schema.as_bool().expect("a schema") };
        keywords.iter().all(|(keyword, rule)| self.keeps(keywords, keyword, rule, x))
    }

    fn keeps(&self, schema: &Map<String, Json>, keyword: &str, rule: &Json, x: &Json) -> bool {
        let list = || rule.as_array().expect("a list").iter();
        let number = || rule.as_f64().expect("a number");
        let object = |check: &dyn Fn(&Map<String, Json>) -> bool| x.as_object().is_none_or(check);
        let text = |check: &dyn Fn(&str) -> bool| x.as_str().is_none_or(check);
        let items = |check: &dyn Fn(&Vec<Json>) -> bool| x.as_array().is_none_or(check);
        match keyword {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let name = rule.as_str().and_then(|r| r.strip_prefix("#/$defs/")).expect("a definition");
                self.fits(&self.0["$defs"][name], x)
            }
            "type" if rule.is_array() => list().any(|t| is(t, x)),
            "type" => is(rule, x),
            "enum" => list().any(|v| v == x),
            "oneOf" => list().filter(|s| self.fits(s, x)).count() == 1,
            "anyOf" => list().any(|s| self.fits(s, x)),
            "not" => !self.fits(rule, x),
            "required" => object(&|o| list().all(|k| o.contains_key(k.as_str().expect("a key")))),
            "properties" => object(&|o| o.iter().all(|(k, v)| rule.get(k).is_none_or(|s| self.fits(s, v)))),
            "propertyNames" => object(&|o| o.keys().all(|k| self.fits(rule, &json!(k)))),
            "additionalProperties" => {
                let own = |k: &String| schema.get("properties").is_some_and(|p| p.get(k).is_some());
                object(&|o| o.iter().all(|(k, v)| own(k) || self.fits(rule, v)))
            }
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().expect("a text")).expect("a pattern");
                text(&|t| pattern.is_match(t))
            }
            "minLength" => text(&|t| t.chars().count() as f64 >= number()),
            "maxLength" => text(&|t| t.chars().count() as f64 <= number()),
            "minimum" => x.as_f64().is_none_or(|n| n >= number()),
            "maximum" => x.as_f64().is_none_or(|n| n <= number()),
            "prefixItems" => items(&|v| v.iter().zip(list()).all(|(v, s)| self.fits(s, v))),
            "items" => {
                let before = schema.get("prefixItems").and_then(Json::as_array).map_or(0, Vec::len);
                items(&|v| v.iter().skip(before).all(|v| self.fits(rule, v)))
            }
            "minItems" => items(&|v| v.len() as f64 >= number()),
            other => panic!("the test does not know {other}"),
        }
    }
}

fn is(kind: &Json, x: &Json) -> bool {
    match kind.as_str().expect("a type") {
        "null" => x.is_null(),
        "boolean" => x.is_boolean(),
        "number" => x.is_number(),
        "integer" => x.as_f64().is_some_and(|n| n.fract() == 0.0),
        "string" => x.is_string(),
        "array" => x.is_array(),
        "object" => x.is_object(),
        other => panic!("no type is called {other}"),
    }
}

#[track_caller]
fn agree(kind: DeclarationFile, wrap: impl Fn(&str) -> String, good: &[&str], bad: &[&str], beyond: &[&str]) {
    let schema = Validator::new(kind);
    let takes = |text: &str| read(kind, text).map_err(|f| f.reason.en);
    for text in good.iter().map(|t| wrap(t)) {
        assert!(takes(&text).is_ok() && schema.takes(&text), "{text} {:?}", takes(&text));
    }
    for text in bad.iter().map(|t| wrap(t)) {
        assert!(takes(&text).is_err(), "the parser takes {text}");
        assert!(!schema.takes(&text), "the schema takes {text}");
    }
    // No schema knows the calendar, or what is built in.
    for text in beyond.iter().map(|t| wrap(t)) {
        assert!(takes(&text).is_err() && schema.takes(&text), "{text} {:?}", takes(&text));
    }
}

#[test]
fn whole_files() {
    let same = str::to_owned;
    let places =
        ["customers: 5", "customers: []", "places: {}", "- a", "x", "customers: {a: 1}", "customers: {a: {zones: {}}}"];
    agree(DeclarationFile::Places, same, &["", "customers:", "customers: {a: , b: {}}"], &places, &[]);
    let metrics = ["metrics: 5", "metrics: []", "mse: {}", "metrics: {mse: x}", "metrics: {'': {}}"];
    let twice = ["metrics: {mse: , MSE: }", "metrics: {mAP50: {unit: s}}", "metrics: {hota: {direction: neither}}"];
    agree(DeclarationFile::Metrics, same, &["", "metrics:", "metrics: {mse: , eval.mae: {}}"], &metrics, &twice);
}

#[test]
fn names_of_places() {
    let wrap = |name: &str| format!("customers: {{a: {{sites: {{{name}: {{}}}}}}}}");
    let good = ["s1", "부산-2", "\"a b\"", "'1'", "..x", "\"🚀\""];
    let bad = ["\"\"", "\" a\"", "\"a \"", "a/b", "\"a\\\\b\"", "\"a\\tb\"", "\"..\"", "\".\""];
    agree(DeclarationFile::Places, wrap, &good, &bad, &["\"a\\u202Eb\""]);
}

#[test]
fn fields_of_places() {
    let wrap = |field: &str| format!("customers: {{a: {{sites: {{s: {{zones: {{z: {{{field}}}}}}}}}}}}}");
    let good = [
        "",
        "name: Gate",
        "name: {en: Gate}",
        "name: {ko: 게이트, en: }",
        "name: ",
        "time_zone: Asia/Seoul",
        "time_zone: UTC",
        "time_zone: Etc/GMT+9",
        "cadence: 15m",
        "cadence: 15min",
        "cadence: 1w",
        "cadence: PT15M",
        "cadence: P1DT12H",
        "retired: true",
        "retired: false",
        "retired: 2026-06-30",
        "retired: \"2026-06-30T12:00:00Z\"",
        "name: Gate, time_zone: UTC, cadence: 1h, retired: ",
    ];
    let bad = [
        "colour: red",
        "zones: {}",
        "name: 5",
        "name: [a]",
        "name: {}",
        "name: {fr: a}",
        "name: {en: }",
        "name: \"\"",
        "name: \" a\"",
        "name: \"a\\nb\"",
        "time_zone: 9",
        "time_zone: \"Asia / Seoul\"",
        "cadence: 30",
        "cadence: soon",
        "cadence: 1.5h",
        "cadence: 15 m",
        "retired: yes",
        "retired: 1",
        "retired: now-7d",
        "retired: 2026-6-1",
        "retired: {}",
    ];
    let beyond = ["time_zone: Mars/Olympus", "cadence: 30s", "cadence: 500d", "cadence: PT", "retired: 2026-02-30"];
    agree(DeclarationFile::Places, wrap, &good, &bad, &beyond);
}

#[test]
fn fields_of_metrics() {
    let wrap = |field: &str| format!("metrics: {{mse: {{{field}}}}}");
    let good = [
        "",
        "label: Error",
        "label: {ko: 오차}",
        "unit: ms",
        "unit: \"\"",
        "unit: ",
        "direction: neither",
        "direction: higher_is_better",
        "direction: ",
        "range: [0, 1]",
        "range: [null, 1.5]",
        "range: [0, null]",
        "range: ",
        "precision: 0",
        "precision: 9",
        "smallest_effect: 0",
        "smallest_effect: 0.5",
        "smallest_effect: 3 %",
        "smallest_effect: 0.5%",
        "smallest_effect: .5 %",
        "definition: One.",
        "definition: {en: One., ko: 하나.}",
        "definition: \"a\\nb\"",
    ];
    let bad = [
        "colour: red",
        "label: 5",
        "label: {}",
        "label: \"\"",
        "unit: 5",
        "unit: \" ms\"",
        "unit: seventeen letters",
        "unit: \"a\\tb\"",
        "direction: up",
        "direction: true",
        "range: 1",
        "range: [0]",
        "range: [0, 1, 2]",
        "range: [a, 1]",
        "range: {}",
        "precision: -1",
        "precision: 10",
        "precision: 1.5",
        "precision: \"2\"",
        "smallest_effect: -1",
        "smallest_effect: 3 points",
        "smallest_effect: \"%\"",
        "smallest_effect: -3 %",
        "smallest_effect: true",
        "definition: 5",
        "definition: \"\"",
        "definition: \" \"",
        "definition: {en: }",
    ];
    let beyond = ["range: [1, 0]", "range: [1, 1]", "unit: \"%\", smallest_effect: 3 %"];
    agree(DeclarationFile::Metrics, wrap, &good, &bad, &beyond);
}

#[test]
fn whole_files_of_sources() {
    let same = str::to_owned;
    let good = [
        "",
        "mlflow:",
        "mlflow: {}",
        "mlflow: {import: true}",
        "mlflow: {import: , experiments: , fields: , metrics: }",
    ];
    let bad = [
        "mlflow: 5",
        "mlflow: []",
        "http: {}",
        "- a",
        "mlflow: {import: yes}",
        "mlflow: {experiments: a}",
        "mlflow: {experiments: [5]}",
        "mlflow: {experiments: [\"\"]}",
        "mlflow: {fields: []}",
        "mlflow: {fields: {run_id: $.tags.a}}",
        "mlflow: {fields: {place: $.tags.a}}",
        "mlflow: {metrics: {a.b.c: $.metrics.a}}",
        "mlflow: {metrics: {\"a,b.c\": $.metrics.a}}",
        "mlflow: {other_metrics: 5}",
        "mlflow: {other_metrics: [5]}",
    ];
    // No schema knows what is built in.
    let beyond = [
        "mlflow: {metrics: {mse: $.metrics.mse}}",
        "mlflow: {metrics: {customer.x: $.metrics.mse}}",
        "mlflow: {metrics: {mAP50: $.metrics.a, map50: $.metrics.b}}",
        "mlflow: {metrics: {mAP50: {path: $.metrics.a, unit: s}}}",
        "mlflow: {metrics: {custom.x: {path: $.metrics.a, unit: s}}}",
    ];
    agree(DeclarationFile::Sources, same, &good, &bad, &beyond);
    agree(DeclarationFile::Sources, same, &[super::DEFAULT_MAPPING], &[], &[]);
}

#[test]
fn fields_of_records() {
    let wrap = |rule: &str| format!("mlflow: {{fields: {{site: {rule}}}}}");
    let good = [
        "~",
        "$.tags.site",
        "$.experiment.tags.site",
        "\"$.datasets[0].digest\"",
        "\"$[\\\"tags\\\"]['a.b']\"",
        "[$.tags.a, $.params.b]",
        "{path: $.tags.a}",
        "{path: [$.tags.a, $.run_name], values: {a: b}, default: c}",
        "{path: $.made.model, values: , default: , constant: }",
        "{constant: x}",
        "{constant: x, path: }",
    ];
    let bad = [
        "5",
        "true",
        "acme",
        "[]",
        "[5]",
        "[[$.tags.a]]",
        "$",
        "$.tag.a",
        "$.tags",
        "$.tags.a.b",
        "$.tags..a",
        "\"$.tags[0]\"",
        "\"$.datasets[x].name\"",
        "$.experiment.tag.a",
        "$.run_name.a",
        "{}",
        "{constant: x, path: $.tags.a}",
        "{constant: x, default: y}",
        "{constant: 5}",
        "{constant: \" x\"}",
        "{path: $.tags.a, unit: s}",
        "{path: $.tags.a, values: [a]}",
        "{path: $.tags.a, values: {a: 5}}",
        "{path: $.tags.a, default: \"\"}",
        "{values: {a: b}}",
    ];
    agree(DeclarationFile::Sources, wrap, &good, &bad, &[]);
}

#[test]
fn metrics_of_runs() {
    let wrap = |rule: &str| format!("mlflow: {{metrics: {{custom.x: {rule}}}}}");
    let good = [
        "~",
        "$.metrics.val/x",
        "\"$.metrics.metrics/mAP50-95(B)\"",
        "[$.metrics.a, {path: $.metrics.b, unit: s, to: ms}]",
        "{path: [$.metrics.a, $.params.b]}",
        "{path: $.metrics.a, unit: µs, to: h}",
        "{constant: 2.5}",
        "[$.metrics.a, {constant: 0}]",
    ];
    let bad = [
        "5",
        "x",
        "[]",
        "[[$.metrics.a]]",
        "{}",
        "{constant: fast}",
        "{constant: 5, unit: s}",
        "{constant: 5, path: $.metrics.a}",
        "{unit: s, to: ms}",
        "{path: $.metrics.a, unit: sec, to: ms}",
        "{path: $.metrics.a, unit: 5, to: ms}",
        "{path: $.metric.a}",
        "{path: $.metrics.a, default: 5}",
    ];
    let beyond = ["{path: $.metrics.a, unit: s, to: MB}", "{path: $.metrics.a, to: ms}"];
    agree(DeclarationFile::Sources, wrap, &good, &bad, &beyond);
}
