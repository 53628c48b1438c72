//! `metrics.yaml`: how metrics are called and read. Built-in ones can be called otherwise, and others can be described, so that
//! their direction is not guessed any more. Schema: docs/schema/metrics.schema.json.

use app::i18n::Lang;
use domain::{
    declarations::LocalizedText,
    metric::{CATALOGUE, Direction, Metric, SmallestEffect, built_in},
    scope::clip_text,
    text::Name,
};

use super::{
    fields::{Fields, definition, entries, label, number, text, wrong_type},
    sentences, words,
    yaml::{Entry, Node, Result, Value, YamlError},
};

const KNOWN: [&str; 7] = ["label", "unit", "direction", "range", "precision", "smallest_effect", "definition"];
/// The longest unit, in characters.
const UNIT: usize = 16;
/// Digits behind the point that can be shown.
const DIGITS: u8 = 9;

/// Reads what the file says: whole metrics, of which some are changed entries of the catalogue.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(node: &Node) -> Result<Vec<Metric>> {
    let fields = Fields::of(node, &["metrics"])?;
    let Some(node) = fields.get("metrics") else { return Ok(vec![]) };
    let mut found: Vec<(Metric, usize)> = Vec::new();
    for entry in entries(node)? {
        let metric = metric(entry)?;
        // Keys are the same in any case.
        if let Some((_, line)) = found.iter().find(|(m, _)| m.key.eq_ignore_ascii_case(&metric.key)) {
            return Err(YamlError::at(entry.line, sentences::same_metric(clip_text(&entry.key), line)));
        }
        found.push((metric, entry.line));
    }
    Ok(found.into_iter().map(|f| f.0).collect())
}

fn metric(entry: &Entry) -> Result<Metric> {
    let fields = Fields::of(&entry.value, &KNOWN)?;
    let known = built_in(&entry.key);
    let mut metric = match known {
        Some(i) => CATALOGUE[i].clone(),
        None => {
            let name = Name::parse(&entry.key)
                .map_err(|e| YamlError::at(entry.line, sentences::bad_name(clip_text(&entry.key), &e.sentence())))?;
            Metric::uncatalogued(name.as_str())
        }
    };
    let named = LocalizedText { en: metric.label.to_string(), ko: metric.label_ko.to_string() };
    if let Some(l) = fields.read("label", |n| label(n, known.map(|_| &named)))? {
        (metric.label, metric.label_ko) = (l.en.into(), l.ko.into());
    }
    let defined = LocalizedText { en: metric.definition.to_string(), ko: metric.definition_ko.to_string() };
    let definition = fields.read("definition", |n| definition(n, known.map(|_| &defined)))?;
    if known.is_some() {
        // What records hold is decided: in which unit they come, and which values are refused.
        for key in ["unit", "range"] {
            if let Some(node) = fields.get(key) {
                return Err(fixed(node, &entry.key, key));
            }
        }
    }
    if let Some(unit) = fields.read("unit", unit)? {
        metric.unit = unit.into();
    }
    if let Some(node) = fields.get("direction") {
        if known.is_some() && metric.direction != Direction::Neither {
            return Err(fixed(node, &entry.key, "direction"));
        }
        metric.direction = direction(node)?;
        metric.assumed = false;
    }
    if let Some(range) = fields.read("range", range)? {
        metric.range = range;
    }
    if let Some(precision) = fields.read("precision", precision)? {
        metric.precision = precision;
    }
    metric.effect = fields.read("smallest_effect", |n| effect(n, &metric.unit))?;
    match definition {
        Some(d) => (metric.definition, metric.definition_ko) = (d.en.into(), d.ko.into()),
        // Without a definition the direction alone is said, and that is not assumed any more.
        None if known.is_none() && !metric.assumed => {
            metric.definition = words::described(Lang::En).into();
            metric.definition_ko = words::described(Lang::Ko).into();
        }
        None => {}
    }
    Ok(metric)
}

fn fixed(node: &Node, key: &str, what: &str) -> YamlError {
    YamlError::at(node.line, sentences::built_in(clip_text(key), what))
}

fn unit(node: &Node) -> Result<String> {
    let given = text(node)?;
    let fits = given.chars().count() <= UNIT && given.trim() == given && !given.chars().any(char::is_control);
    if fits {
        return Ok(given.to_owned());
    }
    Err(YamlError::at(node.line, sentences::bad_unit(UNIT)))
}

fn direction(node: &Node) -> Result<Direction> {
    match text(node)? {
        "higher_is_better" => Ok(Direction::HigherIsBetter),
        "lower_is_better" => Ok(Direction::LowerIsBetter),
        "neither" => Ok(Direction::Neither),
        other => Err(YamlError::at(node.line, sentences::bad_direction(clip_text(other)))),
    }
}

/// `[lowest, highest]`, either of which may be null: no end.
fn range(node: &Node) -> Result<(f64, f64)> {
    let bad = || wrong_type(node, &sentences::two_ends());
    let Value::List(ends) = &node.value else { return Err(bad()) };
    let [low, high] = ends.as_slice() else {
        return Err(YamlError { reason: sentences::bad_range(), ..bad() });
    };
    let end = |node: &Node, open: f64| if node.value == Value::Null { Ok(open) } else { number(node) };
    let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
    if low < high {
        return Ok((low, high));
    }
    Err(YamlError::at(node.line, sentences::reversed()))
}

fn precision(node: &Node) -> Result<u8> {
    match number(node)? {
        n if n.fract() == 0.0 && (0.0..=f64::from(DIGITS)).contains(&n) => Ok(n as u8),
        _ => Err(YamlError::at(node.line, sentences::bad_precision(DIGITS))),
    }
}

/// A size in the metric's unit, or a share of the value such as `3 %`.
fn effect(node: &Node, unit: &str) -> Result<SmallestEffect> {
    let bad = || YamlError::at(node.line, sentences::bad_effect());
    let (n, share) = match &node.value {
        Value::Number(n) => (Some(*n), false),
        Value::Text(text) => (text.strip_suffix('%').map(str::trim).and_then(|n| n.parse::<f64>().ok()), true),
        _ => return Err(bad()),
    };
    let n = n.filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(bad)?;
    if share && unit == "%" {
        return Err(YamlError::at(node.line, sentences::effect_in_points()));
    }
    Ok(if share { SmallestEffect::Share(n / 100.0) } else { SmallestEffect::Size(n) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declarations::yaml::parse;

    fn metrics(text: &str) -> Result<Vec<Metric>> {
        read(&parse(text)?)
    }

    fn one(fields: &str) -> Metric {
        metrics(&format!("metrics:\n  mse: {fields}\n")).expect(fields).remove(0)
    }

    fn fault(text: &str) -> (usize, String) {
        metrics(text).map_err(|f| (f.line, f.reason.en)).expect_err("a fault")
    }

    #[test]
    fn a_metric_of_one_s_own_is_described_whole() {
        let m = one(
            "{label: {en: Squared error, ko: 제곱 오차}, unit: px², direction: lower_is_better, range: [0, null], precision: 4,
             smallest_effect: 3 %, definition: Mean of squares.}",
        );
        assert_eq!((&*m.key, &*m.label, &*m.label_ko, &*m.unit), ("mse", "Squared error", "제곱 오차", "px²"));
        assert_eq!((m.direction, m.range, m.precision), (Direction::LowerIsBetter, (0.0, f64::INFINITY), 4));
        assert_eq!((m.effect, m.assumed), (Some(SmallestEffect::Share(0.03)), false));
        assert_eq!((&*m.definition, &*m.definition_ko), ("Mean of squares.", "Mean of squares."));
    }

    #[test]
    fn labels_fall_back_to_each_other_and_those_of_built_in_metrics_to_the_catalogue() {
        assert_eq!(&*one("{label: {ko: 오차}}").label, "오차");
        assert_eq!(&*one("{label: {en: Error}}").label_ko, "Error");
        assert_eq!(&*one("{label: Error}").label_ko, "Error");
        let m =
            metrics("metrics: {FPS: {label: {en: Frame rate}}, inference-time-ms: {label: Speed}}").expect("metrics");
        assert_eq!((&*m[0].key, &*m[0].label, &*m[0].label_ko), ("fps", "Frame rate", "FPS"));
        assert_eq!((&*m[1].key, &*m[1].label_ko), ("inference_time_ms", "Speed"));
    }

    #[test]
    fn a_direction_that_is_not_said_stays_assumed() {
        let m = one("{label: Error}");
        assert_eq!((m.direction, m.assumed), (Direction::LowerIsBetter, true), "the name rule");
        assert!(!one("{direction: neither}").assumed);
        assert_eq!(one("").label, "mse");
    }

    #[test]
    fn the_smallest_effect_is_a_size_or_a_share() {
        assert_eq!(one("{smallest_effect: 0.25}").effect, Some(SmallestEffect::Size(0.25)));
        assert_eq!(one("{smallest_effect: 0}").effect, Some(SmallestEffect::Size(0.0)));
        assert_eq!(one("{smallest_effect: 0.5%}").effect, Some(SmallestEffect::Share(0.005)));
        assert_eq!(
            one("{range: [0, 1]}").smallest_effect(),
            SmallestEffect::Size(0.005),
            "the rule for 0..1 holds for all"
        );
    }

    #[test]
    fn what_a_built_in_metric_is_cannot_be_changed() {
        for field in ["unit: s", "range: [0, 2]", "direction: lower_is_better"] {
            let what = field.split(':').next().expect("a key");
            let text = format!("metrics:\n  mAP50:\n    label: X\n    {field}\n");
            assert_eq!(fault(&text), (4, format!("“mAP50” is built in: its {what} is what it is")));
        }
        let m =
            metrics("metrics: {gpu_util: {direction: higher_is_better, precision: 1}}").expect("it had no direction");
        assert_eq!((m[0].direction, m[0].precision), (Direction::HigherIsBetter, 1));
    }

    #[test]
    fn every_fault_is_said_with_its_line() {
        let of = |field: &str| fault(&format!("metrics:\n  mse:\n    {field}\n"));
        assert!(of("colour: red").1.starts_with("“colour” is not known here; there is label, unit"));
        assert_eq!(of("direction: up").0, 3);
        assert_eq!(of("unit: 5").1, "here belongs a text, not a number (quote it: \"…\")");
        assert_eq!(of("unit: way too long for a unit").0, 3);
        for bad in ["[1, 0]", "[1, 1]", "[0]", "[0, 1, 2]", "0..1", "[a, 1]", "[0, .nan]", "[0, .inf]"] {
            assert_eq!(of(&format!("range: {bad}")).0, 3, "{bad}");
        }
        for bad in ["-1", "1.5", "10", "many"] {
            assert_eq!(of(&format!("precision: {bad}")).0, 3, "{bad}");
        }
        for bad in ["-1", "3 points", "%", "-3 %", "inf %", "true", "[1]"] {
            assert_eq!(of(&format!("smallest_effect: {bad}")).0, 3, "{bad}");
        }
        assert_eq!(of("smallest_effect: 3 %\n    unit: \"%\"").0, 3);
        assert_eq!(of("definition: \"\"").0, 3);
        assert_eq!(of("label: \"a\\tb\"").0, 3);
        assert_eq!(of("label: x\n  MSE: {}"), (4, "“MSE” is the same metric as on line 2".into()));
        assert_eq!(fault("metrics:\n  mAP50: {}\n  map50: {}").0, 3);
        assert_eq!(fault("metrics:\n  ' x': {}").0, 2);
        assert_eq!(fault("metrics: [mse]").0, 1);
    }
}
