//! `metrics.yaml`: how metrics are called and read. Built-in ones can be called otherwise, and others can be described, so that
//! their direction is not guessed any more. Schema: docs/schema/metrics.schema.json.

use domain::{
    declared::Label,
    metric::{CATALOGUE, Direction, Effect, Metric, built_in},
    say,
    scope::clip,
    text::Name,
};

use super::{
    fields::{Fields, definition, entries, label, number, text, wrong},
    yaml::{Entry, Fault, Node, Result, Value},
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
            return Err(Fault::at(
                entry.line,
                say!(
                    "“{got}” is the same metric as on line {line}",
                    "“{got}”: {line}번째 줄과 같은 지표입니다",
                    got = clip(&entry.key)
                ),
            ));
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
            let name = Name::parse(&entry.key).map_err(|e| {
                let got = clip(&entry.key);
                Fault::at(entry.line, say!("the name “{got}” {e}", "이름 “{got}”: {why}", why = e.korean()))
            })?;
            Metric::assumed(name.as_str())
        }
    };
    let named = Label { en: metric.label.to_string(), ko: metric.label_ko.to_string() };
    if let Some(l) = fields.read("label", |n| label(n, known.map(|_| &named)))? {
        (metric.label, metric.label_ko) = (l.en.into(), l.ko.into());
    }
    let defined = Label { en: metric.definition.to_string(), ko: metric.definition_ko.to_string() };
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
            metric.definition = "Brought by the records; described in metrics.yaml.".into();
            metric.definition_ko = "레코드에 포함된 지표이며 metrics.yaml에 설명되어 있습니다.".into();
        }
        None => {}
    }
    Ok(metric)
}

fn fixed(node: &Node, key: &str, what: &str) -> Fault {
    let got = clip(key);
    Fault::at(
        node.line,
        say!(
            "“{got}” is built in: its {what} is what it is",
            "“{got}”: 기본 제공 지표이므로 {what}을(를) 바꿀 수 없습니다"
        ),
    )
}

fn unit(node: &Node) -> Result<String> {
    let given = text(node)?;
    let fits = given.chars().count() <= UNIT && given.trim() == given && !given.chars().any(char::is_control);
    if fits {
        return Ok(given.to_owned());
    }
    Err(Fault::at(
        node.line,
        say!(
            "a unit has at most {UNIT} characters, no blank at its ends and no control characters",
            "단위는 최대 {UNIT}자이며 앞뒤 공백과 제어 문자를 쓸 수 없습니다"
        ),
    ))
}

fn direction(node: &Node) -> Result<Direction> {
    match text(node)? {
        "higher_is_better" => Ok(Direction::HigherIsBetter),
        "lower_is_better" => Ok(Direction::LowerIsBetter),
        "neither" => Ok(Direction::Neither),
        other => Err(Fault::at(
            node.line,
            say!(
                "direction is higher_is_better, lower_is_better or neither, not “{got}”",
                "direction은 higher_is_better, lower_is_better, neither 중 하나입니다. 받은 값: “{got}”",
                got = clip(other)
            ),
        )),
    }
}

/// `[lowest, highest]`, either of which may be null: no end.
fn range(node: &Node) -> Result<(f64, f64)> {
    let bad = || wrong(node, "a list of two ends such as [0, 1] or [0, null]", "두 끝값의 목록(예: [0, 1], [0, null])");
    let Value::List(ends) = &node.value else { return Err(bad()) };
    let [low, high] = ends.as_slice() else {
        return Err(Fault {
            reason: say!(
                "a range has two ends, such as [0, 1] or [0, null]",
                "범위는 두 끝값으로 적습니다. 예: [0, 1], [0, null]"
            ),
            ..bad()
        });
    };
    let end = |node: &Node, open: f64| if node.value == Value::Null { Ok(open) } else { number(node) };
    let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
    if low < high {
        return Ok((low, high));
    }
    Err(Fault::at(node.line, say!("the range is reversed or empty", "범위가 거꾸로이거나 비어 있습니다")))
}

fn precision(node: &Node) -> Result<u8> {
    match number(node)? {
        n if n.fract() == 0.0 && (0.0..=f64::from(DIGITS)).contains(&n) => Ok(n as u8),
        _ => Err(Fault::at(
            node.line,
            say!("precision is a whole number from 0 to {DIGITS}", "precision은 0에서 {DIGITS} 사이의 정수입니다"),
        )),
    }
}

/// A size in the metric's unit, or a share of the value such as `3 %`.
fn effect(node: &Node, unit: &str) -> Result<Effect> {
    let bad = || {
        Fault::at(
            node.line,
            say!(
                "smallest_effect is a number that is not negative, or a share of the value such as 3 %",
                "smallest_effect는 0 이상의 수이거나 값에 대한 비율(예: 3 %)입니다"
            ),
        )
    };
    let (n, share) = match &node.value {
        Value::Number(n) => (Some(*n), false),
        Value::Text(text) => (text.strip_suffix('%').map(str::trim).and_then(|n| n.parse::<f64>().ok()), true),
        _ => return Err(bad()),
    };
    let n = n.filter(|n| n.is_finite() && *n >= 0.0).ok_or_else(bad)?;
    if share && unit == "%" {
        return Err(Fault::at(
            node.line,
            say!(
                "this metric is a percentage: say points as a number, without the sign",
                "이 지표는 백분율입니다. 기호 없이 퍼센트포인트를 숫자로 적으세요"
            ),
        ));
    }
    Ok(if share { Effect::Share(n / 100.0) } else { Effect::Size(n) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::declared::yaml::parse;

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
        assert_eq!((m.effect, m.assumed), (Some(Effect::Share(0.03)), false));
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
        assert_eq!(one("{smallest_effect: 0.25}").effect, Some(Effect::Size(0.25)));
        assert_eq!(one("{smallest_effect: 0}").effect, Some(Effect::Size(0.0)));
        assert_eq!(one("{smallest_effect: 0.5%}").effect, Some(Effect::Share(0.005)));
        assert_eq!(one("{range: [0, 1]}").smallest_effect(), Effect::Size(0.005), "the rule for 0..1 holds for all");
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
