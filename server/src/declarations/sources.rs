//! `sources.yaml`: how what others wrote becomes records. What it says of a field or a metric takes the place of the built-in rule
//! (`sources.default.yaml`, in the same form). Schema: docs/schema/sources.schema.json.

use std::{collections::BTreeMap, sync::LazyLock};

use domain::{
    mapping::{
        Conversion, FieldRule, JsonPath, MetricKey, MetricOrigin, MetricRule, Origin, OtherMetrics, PathFault,
        RunDocument, RunMapping, SourceMappings, Unit, is_reserved_group,
    },
    metric::{CATALOGUE, Metric, built_in},
    record::TEXT_FIELDS,
    scope::clip_text,
    text::Name,
};

use super::{
    fields::{Fields, entries, number, text, wrong_type},
    sentences,
    yaml::{self, Entry, Node, Result, Value, YamlError},
};

/// The mapping that holds where nothing else is said, as people may copy it.
pub const DEFAULT_MAPPING: &str = include_str!("sources.default.yaml");

const OF_MLFLOW: [&str; 5] = ["import", "experiments", "fields", "metrics", "other_metrics"];
/// Fields of a record that are no texts.
const OTHER_FIELDS: [&str; 2] = ["samples", "simulated"];
/// What a run says of itself, whatever a mapping says.
const OWN_OF_RUN: [&str; 2] = ["run_id", "timestamp"];

/// The built-in mapping; a test reads it.
static BUILT_IN: LazyLock<SourceMappings> = LazyLock::new(|| {
    let read = yaml::parse(DEFAULT_MAPPING).and_then(|node| overlaid(&node, &SourceMappings::default()));
    read.unwrap_or_default()
});

/// What holds without a file.
#[must_use]
pub fn built_in_mappings() -> SourceMappings {
    BUILT_IN.clone()
}

/// Reads what the file says, over the built-in mapping.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(node: &Node) -> Result<SourceMappings> {
    overlaid(node, &BUILT_IN)
}

fn overlaid(node: &Node, base: &SourceMappings) -> Result<SourceMappings> {
    let fields = Fields::of(node, &["mlflow"])?;
    Ok(SourceMappings {
        mlflow: fields.read("mlflow", |n| of_runs(n, &base.mlflow))?.unwrap_or_else(|| base.mlflow.clone()),
    })
}

fn of_runs(node: &Node, base: &RunMapping) -> Result<RunMapping> {
    let fields = Fields::of(node, &OF_MLFLOW)?;
    let mut mapping = base.clone();
    if let Some(import) = fields.read("import", flag)? {
        mapping.import = import;
    }
    if let Some(experiments) = fields.read("experiments", texts)? {
        mapping.experiments = experiments;
    }
    if let Some(node) = fields.get("fields") {
        for entry in entries(node)? {
            let field = field_name(entry)?;
            match field_rule(&entry.value)? {
                Some(rule) => drop(mapping.record.fields.insert(field, rule)),
                None => drop(mapping.record.fields.remove(&field)),
            }
        }
    }
    if let Some(node) = fields.get("metrics") {
        let mut seen: BTreeMap<MetricKey, usize> = BTreeMap::new();
        for entry in entries(node)? {
            let (key, metric) = metric_key(entry)?;
            // Keys are the same in any case.
            if let Some(line) = seen.insert(key.clone(), entry.line) {
                return Err(YamlError::at(entry.line, sentences::same_metric(clip_text(&entry.key), line)));
            }
            match metric_rule(&entry.value, &entry.key, metric)? {
                Some(rule) => drop(mapping.record.metrics.insert(key, rule)),
                None => drop(mapping.record.metrics.remove(&key)),
            }
        }
    }
    if let Some(node) = fields.get("other_metrics") {
        mapping.record.others = match &node.value {
            Value::Bool(true) => OtherMetrics::All,
            Value::Bool(false) => OtherMetrics::None,
            Value::List(_) => OtherMetrics::Like(texts(node)?),
            _ => return Err(wrong_type(node, &sentences::flag_or_names())),
        };
    }
    Ok(mapping)
}

fn flag(node: &Node) -> Result<bool> {
    match node.value {
        Value::Bool(flag) => Ok(flag),
        _ => Err(wrong_type(node, &sentences::flag())),
    }
}

fn texts(node: &Node) -> Result<Vec<String>> {
    let Value::List(list) = &node.value else { return Err(wrong_type(node, &sentences::list_of_texts())) };
    let one = |node: &Node| {
        let text = text(node)?;
        if text.is_empty() { Err(YamlError::at(node.line, sentences::empty_text())) } else { Ok(text.to_owned()) }
    };
    list.iter().map(one).collect()
}

fn field_name(entry: &Entry) -> Result<String> {
    let name = entry.key.as_str();
    if OWN_OF_RUN.contains(&name) {
        return Err(YamlError::at(entry.line, sentences::own_of_run(name)));
    }
    let known = || TEXT_FIELDS.iter().chain(&OTHER_FIELDS).copied().filter(|f| !OWN_OF_RUN.contains(f));
    if known().any(|f| f == name) {
        return Ok(name.to_owned());
    }
    let known = known().collect::<Vec<_>>().join(", ");
    Err(YamlError::at(entry.line, sentences::no_field(clip_text(name), known)))
}

/// A path, several of them, `{path, values, default}` or `{constant}`; `None` for null.
fn field_rule(node: &Node) -> Result<Option<FieldRule>> {
    let plain = |from| FieldRule { from, values: BTreeMap::new(), default: None };
    Ok(Some(match &node.value {
        Value::Null => return Ok(None),
        Value::Map(_) => {
            let fields = Fields::of(node, &["path", "values", "default", "constant"])?;
            let constant = fields.read("constant", |n| name(n).map(str::to_owned))?;
            let paths = fields.read("path", paths)?;
            match (paths, constant) {
                (None, Some(constant)) => {
                    if let Some(node) = fields.get("values").or_else(|| fields.get("default")) {
                        return Err(YamlError::at(node.line, sentences::constant_alone()));
                    }
                    plain(Origin::Constant(constant))
                }
                (Some(paths), None) => FieldRule {
                    from: Origin::Paths(paths),
                    values: fields.read("values", values)?.unwrap_or_default(),
                    default: fields.read("default", |n| name(n).map(str::to_owned))?,
                },
                _ => return Err(YamlError::at(node.line, sentences::path_or_constant())),
            }
        }
        _ => plain(Origin::Paths(paths(node)?)),
    }))
}

/// What is written for which value.
fn values(node: &Node) -> Result<BTreeMap<String, String>> {
    entries(node)?.iter().map(|e| Ok((e.key.clone(), name(&e.value)?.to_owned()))).collect()
}

/// A text that a record may hold.
fn name(node: &Node) -> Result<&str> {
    let given = text(node)?;
    Name::parse(given).map_err(|e| YamlError::at(node.line, sentences::bad_text(&e.sentence())))?;
    Ok(given)
}

fn paths(node: &Node) -> Result<Vec<JsonPath>> {
    match &node.value {
        Value::List(list) if list.is_empty() => Err(YamlError::at(node.line, sentences::no_path_given())),
        Value::List(list) => list.iter().map(path).collect(),
        Value::Text(_) => Ok(vec![path(node)?]),
        _ => Err(wrong_type(node, &sentences::path_or_paths())),
    }
}

fn path(node: &Node) -> Result<JsonPath> {
    let Value::Text(given) = &node.value else { return Err(wrong_type(node, &sentences::path_or_paths())) };
    let path = JsonPath::parse(given).map_err(|fault| {
        let got = clip_text(given);
        YamlError::at(
            node.line,
            match fault.why {
                PathFault::Begin => sentences::path_begins(got),
                PathFault::Name => sentences::path_name(got, fault.at),
                PathFault::Bracket => sentences::path_bracket(got, fault.at),
                PathFault::Other => sentences::path_goes_on(got, fault.at),
                PathFault::Long => sentences::path_long(got),
            },
        )
    })?;
    RunDocument::check(&path)
        .map_err(|known| YamlError::at(node.line, sentences::path_leads_nowhere(clip_text(given), known)))?;
    Ok(path)
}

/// A built-in metric by its key, or another one by `group.leaf`.
fn metric_key(entry: &Entry) -> Result<(MetricKey, Option<&'static Metric>)> {
    if let Some(i) = built_in(&entry.key) {
        let metric = &CATALOGUE[i];
        return Ok((MetricKey { group: metric.group.to_owned(), leaf: metric.key.to_string() }, Some(metric)));
    }
    let got = clip_text(&entry.key);
    let Some((group, leaf)) = entry.key.split_once('.') else {
        return Err(YamlError::at(entry.line, sentences::no_group(got)));
    };
    if let Some(metric) = CATALOGUE.iter().find(|m| m.group == group && m.key.eq_ignore_ascii_case(leaf)) {
        return Ok((MetricKey { group: group.to_owned(), leaf: metric.key.to_string() }, Some(metric)));
    }
    let fits = |part: &str| Name::parse(part).is_ok() && !part.contains(['.', ',', '&', '=']);
    if !fits(group) || !fits(leaf) || is_reserved_group(group) {
        return Err(YamlError::at(entry.line, sentences::bad_metric_name(got)));
    }
    Ok((MetricKey { group: group.to_owned(), leaf: leaf.to_owned() }, None))
}

/// A path, several, `{path, unit, to}` or `{constant}`; `None` for null.
fn metric_rule(node: &Node, key: &str, metric: Option<&Metric>) -> Result<Option<MetricRule>> {
    let origins = match &node.value {
        Value::Null => return Ok(None),
        Value::List(list) if list.is_empty() => return Err(YamlError::at(node.line, sentences::no_path_given())),
        Value::List(list) => list.iter().map(|n| origins(n, key, metric)).collect::<Result<Vec<_>>>()?.concat(),
        _ => origins(node, key, metric)?,
    };
    Ok(Some(MetricRule(origins)))
}

fn origins(node: &Node, key: &str, metric: Option<&Metric>) -> Result<Vec<MetricOrigin>> {
    if !matches!(node.value, Value::Map(_)) {
        return Ok(vec![MetricOrigin::Path(path(node)?, None)]);
    }
    let fields = Fields::of(node, &["path", "unit", "to", "constant"])?;
    match (fields.get("path"), fields.get("constant")) {
        (None, Some(constant)) => {
            if let Some(node) = fields.get("unit").or_else(|| fields.get("to")) {
                return Err(YamlError::at(node.line, sentences::constant_alone()));
            }
            Ok(vec![MetricOrigin::Constant(number(constant)?.to_string())])
        }
        (Some(at), None) => {
            let conversion = conversion(&fields, key, metric)?;
            Ok(paths(at)?.into_iter().map(|path| MetricOrigin::Path(path, conversion)).collect())
        }
        _ => Err(YamlError::at(node.line, sentences::path_or_constant())),
    }
}

/// From `unit` into the metric's own unit: that of the catalogue, or `to`.
fn conversion(fields: &Fields<'_>, key: &str, metric: Option<&Metric>) -> Result<Option<Conversion>> {
    let (from, to) = (fields.get("unit"), fields.get("to"));
    let (from_node, to) = match (from, to, metric) {
        (None, None, _) => return Ok(None),
        (_, Some(to), Some(metric)) => {
            return Err(YamlError::at(to.line, sentences::unit_is_built_in(clip_text(key), own_unit(metric).name)));
        }
        (Some(from), None, Some(metric)) => (from, own_unit(metric)),
        (Some(from), Some(to), None) => (from, unit(to)?),
        (Some(one), None, None) | (None, Some(one), None) => {
            return Err(YamlError::at(one.line, sentences::unit_and_to()));
        }
    };
    let from = unit(from_node)?;
    Conversion::new(from, to).map(Some).ok_or_else(|| {
        let known = Unit::names(Some(to.dimension)).join(", ");
        YamlError::at(from_node.line, sentences::other_unit(from.name, to.name, known))
    })
}

fn unit(node: &Node) -> Result<Unit> {
    let given = text(node)?;
    let known = || Unit::names(None).join(", ");
    Unit::parse(given).ok_or_else(|| YamlError::at(node.line, sentences::no_unit(clip_text(given), known())))
}

/// In which unit records hold a built-in metric.
fn own_unit(metric: &Metric) -> Unit {
    let written = match &*metric.unit {
        "" | "×" => "ratio",
        unit => unit,
    };
    // Every metric of the catalogue is in one of these: a test looks.
    Unit::parse(written).unwrap_or(Unit::RATIO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarations::yaml::parse;

    fn mapping(text: &str) -> Result<RunMapping> {
        Ok(read(&parse(text)?)?.mlflow)
    }

    fn fault(text: &str) -> (usize, String) {
        let fault = mapping(text).expect_err("a fault");
        let korean = fault.reason.korean();
        assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{korean}");
        (fault.line, fault.reason.en)
    }

    #[test]
    fn the_built_in_mapping_can_be_read_and_knows_every_metric_of_the_catalogue() {
        let read = parse(DEFAULT_MAPPING).and_then(|node| overlaid(&node, &SourceMappings::default()));
        let mapping = read.expect("the built-in mapping").mlflow;
        assert_eq!(built_in_mappings().mlflow, mapping);
        assert!(!mapping.import, "the records of a demo are not doubled");
        assert_eq!(mapping.record.metrics.len(), CATALOGUE.len());
        assert!(["customer", "site", "zone", "task"].iter().all(|f| mapping.record.fields.contains_key(*f)));
        for metric in &CATALOGUE {
            assert!(["", "×", own_unit(metric).name].contains(&&*metric.unit), "{}", metric.key);
        }
        // Copied as a file of one's own it says the same.
        assert_eq!(super::tests::mapping(DEFAULT_MAPPING), Ok(mapping));
    }

    #[test]
    fn what_a_file_says_takes_the_place_of_a_rule_and_null_takes_it_away() {
        let built_in = built_in_mappings().mlflow;
        for text in ["", "mlflow:", "mlflow: {}", "mlflow: {fields: , metrics: {}}"] {
            assert_eq!(mapping(text), Ok(built_in.clone()), "{text:?}");
        }
        let ours = mapping(
            "mlflow:
  import: true
  experiments: [\"detect/*\"]
  fields:
    site: {path: [$.tags.plant, $.params.plant], values: {p1: seoul-01}, default: unknown}
    device: {constant: orin}
    zone: ~
  metrics:
    INFERENCE_TIME_MS: {path: $.metrics.latency, unit: s}
    gpu_mem_mb: [$.metrics.mem, {path: $.metrics.gib, unit: GiB}]
    custom.cost: {path: $.params.cost, unit: min, to: h}
    custom.price: {constant: 2.5}
    hota: null
  other_metrics: [val/*]
",
        )
        .expect("a mapping");
        assert!(ours.import && ours.takes("detect/acme") && !ours.takes("other"));
        let fields = &ours.record.fields;
        assert_eq!(fields["site"].values["p1"], "seoul-01");
        assert_eq!(fields["site"].default.as_deref(), Some("unknown"));
        assert_eq!(fields["device"].from, Origin::Constant("orin".into()));
        assert!(!fields.contains_key("zone") && fields["customer"] == built_in.record.fields["customer"]);
        let metric = |group: &str, leaf: &str| {
            let key = MetricKey { group: group.into(), leaf: leaf.into() };
            ours.record.metrics.get(&key).map(|rule| rule.0.as_slice())
        };
        let in_ms = match metric("system", "inference_time_ms") {
            Some([MetricOrigin::Path(path, Some(conversion))]) if path.to_string() == "$.metrics.latency" => {
                conversion.apply(0.02)
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((in_ms, metric("mot", "hota")), (20.0, None));
        assert!(matches!(
            metric("system", "gpu_mem_mb"),
            Some([MetricOrigin::Path(_, None), MetricOrigin::Path(_, Some(_))])
        ));
        assert_eq!(metric("custom", "price"), Some(&[MetricOrigin::Constant("2.5".into())][..]));
        assert_eq!(ours.record.others, OtherMetrics::Like(vec!["val/*".into()]));
    }

    #[test]
    fn every_fault_is_said_with_its_line_and_its_cure() {
        let field = |rule: &str| fault(&format!("mlflow:\n  fields:\n    site: {rule}\n"));
        let metric = |rule: &str| fault(&format!("mlflow:\n  metrics:\n    inference_time_ms: {rule}\n"));
        for (text, line, said) in [
            ("mlflow: {imports: true}", 1, "“imports” is not known here; there is import, experiments, fields"),
            ("http: {}", 1, "“http” is not known here; there is mlflow"),
            ("mlflow: [a]", 1, "a mapping (key: value), not a list"),
            ("mlflow:\n  import: yes", 2, "true or false, not a text"),
            ("mlflow:\n  experiments: detect", 2, "a list of texts, not a text"),
            ("mlflow:\n  experiments: [5]", 2, "quote it"),
            ("mlflow:\n  other_metrics: 5", 2, "true, false or a list of names"),
            (
                "mlflow:\n  fields:\n    place: $.tags.site",
                3,
                "“place” is no field of a record; there is experiment_name, run_name, customer",
            ),
            ("mlflow:\n  fields:\n    run_id: $.tags.id", 3, "the run's own"),
            ("mlflow:\n  metrics:\n    mse: $.metrics.mse", 3, "custom.mse"),
            ("mlflow:\n  metrics:\n    a.b.c: $.metrics.mse", 3, "“a.b.c” cannot be the name of a metric"),
            ("mlflow:\n  metrics:\n    customer.x: $.metrics.mse", 3, "cannot be the name of a metric"),
            ("mlflow:\n  metrics:\n    map50: $.metrics.a\n    mAP50: $.metrics.b", 4, "the same metric as on line 3"),
            ("mlflow:\n  metrics:\n    custom.x: {path: $.metrics.x, unit: s}", 3, "say both unit: and to:"),
            ("mlflow:\n  metrics:\n    custom.x: {path: $.metrics.x, unit: s, to: MB}", 3, "s cannot become MB; B, kB"),
        ] {
            let (at, reason) = fault(text);
            assert!(at == line && reason.contains(said), "{text}: line {at}: {reason}");
        }
        for (rule, said) in [
            (
                "acme",
                "“acme” is no path: a path begins with $, such as $.tags.site; a text that holds for all is {constant: …}",
            ),
            ("$.tag.site", "“$.tag.site” leads nowhere in a run; there is $.run_id, "),
            ("$.tags", "there is $.tags.NAME"),
            ("$.tags..site", "at character 8"),
            ("\"$.tags[x]\"", "at character 8"),
            ("\"$.tags.a]\"", "at character 8"),
            ("5", "a path such as $.tags.site, or a list of them, not a number"),
            ("[]", "at least one path"),
            ("[5]", "not a number"),
            ("{}", "either path: or constant:"),
            ("{path: $.tags.a, constant: b}", "either path: or constant:"),
            ("{constant: b, default: c}", "a constant stands alone"),
            ("{path: $.tags.a, unit: s}", "“unit” is not known here"),
            ("{path: $.tags.a, default: \" x\"}", "blank"),
            ("{path: $.tags.a, values: [a]}", "a mapping"),
            ("{path: $.tags.a, values: {a: 5}}", "quote it"),
        ] {
            let (at, reason) = field(rule);
            assert!(at == 3 && reason.contains(said), "{rule}: line {at}: {reason}");
        }
        for (rule, said) in [
            ("{path: $.metrics.x, unit: sec}", "“sec” is no unit; there is ns, us"),
            ("{path: $.metrics.x, unit: GiB}", "GiB cannot become ms; ns, us, µs, ms, s, min, h can"),
            ("{path: $.metrics.x, unit: 5}", "quote it"),
            ("{path: $.metrics.x, unit: s, to: ms}", "built in: records hold it in ms"),
            ("{constant: fast}", "a finite number, not a text"),
            ("{constant: 5, unit: s}", "a constant stands alone"),
            ("{unit: s}", "either path: or constant:"),
            ("true", "a path such as"),
        ] {
            let (at, reason) = metric(rule);
            assert!(at == 3 && reason.contains(said), "{rule}: line {at}: {reason}");
        }
    }
}
