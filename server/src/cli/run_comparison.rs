//! Runs side by side, as `guardianflow runs compare` prints them.

use std::{collections::BTreeSet, sync::Arc};

use comfy_table::{Cell, Color};
use domain::{
    metric::ChangeVerdict,
    tracking::{Run, RunMetricNames, Text, is_infinite},
};
use serde_json::{Value, json};

use super::{
    experiments::has_colours,
    output::{Align, Head, clipped, harmless, plain_table, table},
    run_texts::{figure, short},
};
use crate::http::runs::json::{Number, RunJson};

/// A metric of which one run has another value than the first run.
struct Difference {
    by: f64,
    verdict: ChangeVerdict,
}

/// All keys of a kind, by name.
fn keys<'a>(runs: &'a [Arc<Run>], of: impl Fn(&'a Run) -> Vec<&'a Text>) -> BTreeSet<&'a Text> {
    runs.iter().flat_map(|r| of(r)).collect()
}

fn metric_keys(runs: &[Arc<Run>]) -> BTreeSet<&Text> {
    keys(runs, |r| r.metrics.iter().map(|m| &m.key).collect())
}

fn param_keys(runs: &[Arc<Run>]) -> BTreeSet<&Text> {
    keys(runs, |r| r.params.iter().map(|p| &p.0).collect())
}

/// How a run differs from the first one; `None` where either has no such metric, or no number.
fn difference(names: &RunMetricNames, first: &Run, other: &Run, key: &str) -> Option<Difference> {
    let [before, after] = [first.metric(key)?.value, other.metric(key)?.value];
    let by = after - before;
    // From or to an infinity no number leads.
    let is_number = by.is_finite() && !is_infinite(before) && !is_infinite(after);
    is_number.then(|| Difference { by, verdict: names.of(key).direction.judge(by) })
}

fn word(verdict: ChangeVerdict) -> Option<&'static str> {
    match verdict {
        ChangeVerdict::Better => Some("better"),
        ChangeVerdict::Worse => Some("worse"),
        ChangeVerdict::Neutral => None,
    }
}

/// For programs.
pub(super) fn value(names: &RunMetricNames, runs: &[Arc<Run>]) -> Value {
    let Some((first, others)) = runs.split_first() else { return Value::Null };
    let metrics: Vec<Value> = metric_keys(runs)
        .into_iter()
        .map(|key| {
            let name = names.of(key);
            let values: Vec<Option<Number>> = runs.iter().map(|r| r.metric(key).map(|m| Number(m.value))).collect();
            let differences: Vec<Value> = others
                .iter()
                .map(|other| match difference(names, first, other, key) {
                    Some(d) => json!({ "by": Number(d.by), "verdict": d.verdict }),
                    None => Value::Null,
                })
                .collect();
            json!({
                "metric": key, "direction": name.direction, "assumed": name.assumed,
                "values": values, "differences": differences,
            })
        })
        .collect();
    let params: Vec<Value> = param_keys(runs)
        .into_iter()
        .map(|key| {
            let values: Vec<Option<&str>> = runs.iter().map(|r| r.param(key)).collect();
            json!({ "param": key, "differs": differs(&values), "values": values })
        })
        .collect();
    let shown: Vec<RunJson<'_>> = runs.iter().map(|r| RunJson::of(r)).collect();
    json!({ "runs": shown, "metrics": metrics, "params": params })
}

fn differs(values: &[Option<&str>]) -> bool {
    values.windows(2).any(|pair| pair[0] != pair[1])
}

/// For people: arrows are coloured by better or worse, or followed by the word where there are no colours.
pub(super) fn text(names: &RunMetricNames, runs: &[Arc<Run>]) -> String {
    let numbered = |what: &str| {
        let heads = (1..=runs.len()).map(|n| (format!("{what} {n}"), Align::Left));
        [(String::new(), Align::Left)].into_iter().chain(heads).collect::<Vec<Head>>()
    };
    let row = |name: &str, of: &dyn Fn(&Run) -> String| {
        [name.to_owned()].into_iter().chain(runs.iter().map(|r| of(r))).collect::<Vec<_>>()
    };
    let about = [
        row("id", &short),
        row("name", &|r| clipped(&r.name)),
        row("experiment", &|r| r.experiment.to_string()),
        row("status", &|r| r.status.as_str().to_owned()),
        row("start", &|r| r.start.map_or_else(String::new, |t| t.to_string())),
    ];
    let mut parts = vec![table(&numbered("run"), &about)];
    if !metric_keys(runs).is_empty() {
        parts.push(format!("Metrics:\n{}", metrics_table(names, runs, has_colours())));
    }
    let mut params = vec![];
    for key in param_keys(runs) {
        let values: Vec<Option<&str>> = runs.iter().map(|r| r.param(key)).collect();
        if differs(&values) {
            let cells = values.iter().map(|v| clipped(v.unwrap_or("–")));
            params.push([clipped(key)].into_iter().chain(cells).collect::<Vec<_>>());
        }
    }
    let all = param_keys(runs).len();
    parts.push(if params.is_empty() {
        format!("Parameters: none of {all} differs")
    } else {
        format!("Parameters that differ ({} of {all}):\n{}", params.len(), table(&numbered("run"), &params))
    });
    parts.join("\n\n")
}

fn metrics_table(names: &RunMetricNames, runs: &[Arc<Run>], colours: bool) -> String {
    let Some((first, others)) = runs.split_first() else { return String::new() };
    let mut head: Vec<Head> = vec![("metric".to_owned(), Align::Left), ("run 1".to_owned(), Align::Right)];
    for n in 2..=runs.len() {
        head.extend([format!("run {n}"), format!("diff ({n}-1)")].map(|h| (h, Align::Right)));
    }
    let mut table = plain_table(&head);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for key in metric_keys(runs) {
        let shown = |run: &Run| run.metric(key).map_or_else(|| "–".to_owned(), |m| figure(m.value));
        let mut cells = vec![Cell::new(harmless(&clipped(key))), Cell::new(shown(first))];
        for other in others {
            cells.push(Cell::new(shown(other)));
            cells.push(
                difference(names, first, other, key).map_or_else(|| Cell::new("–"), |d| difference_cell(&d, colours)),
            );
        }
        table.add_row(cells);
    }
    table.trim_fmt()
}

fn difference_cell(d: &Difference, colours: bool) -> Cell {
    let arrow = match d.by {
        x if x > 0.0 => " ▲",
        x if x < 0.0 => " ▼",
        _ => "",
    };
    let sign = if d.by > 0.0 { "+" } else { "" };
    let text = format!("{sign}{}{arrow}", figure(d.by));
    match (d.verdict, colours) {
        (ChangeVerdict::Better, true) => Cell::new(text).fg(Color::Green),
        (ChangeVerdict::Worse, true) => Cell::new(text).fg(Color::Red),
        (verdict, _) => Cell::new(word(verdict).map_or_else(|| text.clone(), |w| format!("{text} {w}"))),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        time::Millis,
        tracking::{ExperimentId, Lifecycle, RunId, RunMetric, RunStatus},
    };

    use super::*;

    fn run(id: &str, metrics: &[(&str, f64)], params: &[(&str, &str)]) -> Arc<Run> {
        let metric = |(key, value): &(&str, f64)| RunMetric {
            key: (*key).into(),
            value: *value,
            step: 0,
            timestamp: Millis(0),
            extremes: None,
        };
        let run = Run {
            id: RunId::parse(id).expect("an id"),
            experiment: ExperimentId::parse("1").expect("an id"),
            name: "run \u{1b}[31m".into(),
            user: "".into(),
            status: RunStatus::Finished,
            start: None,
            end: None,
            artifact_uri: "".into(),
            lifecycle: Lifecycle::Active,
            metrics: metrics.iter().map(metric).collect(),
            params: params.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
            tags: vec![],
            datasets: vec![],
        };
        Arc::new(run.sorted())
    }

    #[test]
    fn differences_are_told_by_colour_or_by_word() {
        let a = run(
            "aaaa",
            &[("test_total_time", 13.497), ("accuracy", 0.5), ("epoch", 1.0), ("nan", f64::NAN), ("peak", f64::MAX)],
            &[("lr", "1"), ("same", "x")],
        );
        let b = run(
            "bbbb",
            &[("test_total_time", 14.123), ("accuracy", 0.75), ("epoch", 3.0), ("nan", 1.0), ("peak", -1.0)],
            &[("lr", "2"), ("same", "x")],
        );
        let runs = [a, b];
        let plain = metrics_table(&RunMetricNames::default(), &runs, false);
        for part in ["+0.6260 ▲ worse", "+0.2500 ▲ better", "+2 ▲\n", "diff (2-1)"] {
            assert!(format!("{plain}\n").contains(part), "{part} in\n{plain}");
        }
        assert!(!plain.contains('\u{1b}') && !plain.contains("NaN ▲") && !plain.contains("∞ ▼"));
        assert!(
            plain.lines().any(|l| l.trim_start().starts_with("peak") && l.contains('∞') && l.trim_end().ends_with('–')),
            "{plain}"
        );
        let coloured = metrics_table(&RunMetricNames::default(), &runs, true);
        assert!(coloured.contains('\u{1b}') && !coloured.contains("worse"), "{coloured:?}");
        let told = text(&RunMetricNames::default(), &runs);
        assert!(told.contains("Parameters that differ (1 of 2)") && told.contains("\\u{1b}[31m"), "{told}");
        let value = value(&RunMetricNames::default(), &runs);
        assert_eq!(value["metrics"][0]["metric"], "accuracy");
        assert_eq!(value["metrics"][3]["values"], json!(["Infinity", -1.0]));
        assert_eq!(value["metrics"][4]["differences"][0]["verdict"], "worse");
        assert_eq!(value["params"][0], json!({ "param": "lr", "differs": true, "values": ["1", "2"] }));
    }

    #[test]
    fn numbers_are_short() {
        for (x, shown) in [
            (0.0, "0"),
            (-2.0, "-2"),
            (0.75, "0.7500"),
            (1e-9, "1.0000e-9"),
            (f64::MAX, "∞"),
            (f64::NEG_INFINITY, "-∞"),
            (f64::NAN, "NaN"),
            (5e12, "5.0000e12"),
        ] {
            assert_eq!(figure(x), shown);
        }
    }
}
