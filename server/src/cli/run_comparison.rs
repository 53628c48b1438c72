//! Runs side by side, as `guardianflow runs compare` prints them.

use std::sync::Arc;

use comfy_table::{Cell, Color};
use domain::{
    metric::ChangeVerdict,
    tracking::{ComparedRuns, MetricDifference, Run},
};

use super::{
    experiments::has_colours,
    output::{Align, Head, clipped, harmless, plain_table, table},
    run_texts::{figure, short},
};

fn word(verdict: ChangeVerdict) -> Option<&'static str> {
    match verdict {
        ChangeVerdict::Better => Some("better"),
        ChangeVerdict::Worse => Some("worse"),
        ChangeVerdict::Neutral => None,
    }
}

/// For people: arrows are coloured by better or worse, or followed by the word where there are no colours.
/// The first run is the baseline.
pub(super) fn text(runs: &[Arc<Run>], rows: &ComparedRuns) -> String {
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
    if !rows.metrics.is_empty() {
        parts.push(format!("Metrics:\n{}", metrics_table(rows, has_colours())));
    }
    let mut params = vec![];
    for row in rows.params.iter().filter(|row| row.differs) {
        let cells = row.values.iter().map(|v| clipped(v.as_deref().unwrap_or("–")));
        params.push([clipped(&row.key)].into_iter().chain(cells).collect::<Vec<_>>());
    }
    let all = rows.params.len();
    parts.push(if params.is_empty() {
        format!("Parameters: none of {all} differs")
    } else {
        format!("Parameters that differ ({} of {all}):\n{}", params.len(), table(&numbered("run"), &params))
    });
    parts.join("\n\n")
}

fn metrics_table(rows: &ComparedRuns, colours: bool) -> String {
    let runs = rows.metrics.first().map_or(0, |m| m.values.len());
    let mut head: Vec<Head> = vec![("metric".to_owned(), Align::Left), ("run 1".to_owned(), Align::Right)];
    for n in 2..=runs {
        head.extend([format!("run {n}"), format!("diff ({n}-1)")].map(|h| (h, Align::Right)));
    }
    let mut table = plain_table(&head);
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for row in &rows.metrics {
        let mut cells = vec![Cell::new(harmless(&clipped(&row.key)))];
        for (at, (value, difference)) in row.values.iter().zip(&row.differences).enumerate() {
            cells.push(Cell::new(value.map_or_else(|| "–".to_owned(), figure)));
            if at > 0 {
                cells.push(difference.map_or_else(|| Cell::new("–"), |d| difference_cell(&d, colours)));
            }
        }
        table.add_row(cells);
    }
    table.trim_fmt()
}

fn difference_cell(d: &MetricDifference, colours: bool) -> Cell {
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
        tracking::{ExperimentId, Lifecycle, RunId, RunMetric, RunMetricNames, RunStatus, compare_runs},
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
        let rows = compare_runs(&runs, 0, &RunMetricNames::default());
        let plain = metrics_table(&rows, false);
        for part in ["+0.6260 ▲ worse", "+0.2500 ▲ better", "+2 ▲\n", "diff (2-1)"] {
            assert!(format!("{plain}\n").contains(part), "{part} in\n{plain}");
        }
        assert!(!plain.contains('\u{1b}') && !plain.contains("NaN ▲") && !plain.contains("∞ ▼"));
        assert!(
            plain.lines().any(|l| l.trim_start().starts_with("peak") && l.contains('∞') && l.trim_end().ends_with('–')),
            "{plain}"
        );
        let coloured = metrics_table(&rows, true);
        assert!(coloured.contains('\u{1b}') && !coloured.contains("worse"), "{coloured:?}");
        let told = text(&runs, &rows);
        assert!(told.contains("Parameters that differ (1 of 2)") && told.contains("\\u{1b}[31m"), "{told}");
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
