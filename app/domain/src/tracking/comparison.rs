//! Runs side by side: what each has of every metric, parameter and tag, and how it differs from a baseline.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    filter::number_of,
    metric_name::{RunMetricName, RunMetricNames},
    run::{Run, Text, is_infinite},
};
use crate::{
    choice::{RankCorrelation, spearman},
    metric::ChangeVerdict,
};

/// The most runs that are compared.
pub const MAX_COMPARED: usize = 100;

/// What runs have of one metric: the last values.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricRow {
    pub key: Text,
    pub name: RunMetricName,
    /// By run.
    pub values: Vec<Option<f64>>,
    /// By run, from the baseline to the run; `None` for the baseline, and where either has no number.
    pub differences: Vec<Option<MetricDifference>>,
    /// Whether not all are equal; a missing value is another one, and NaN equals NaN.
    pub differs: bool,
}

/// How a value differs from the baseline's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricDifference {
    pub by: f64,
    /// As a part of the size of the baseline's value; `None` where that is 0.
    pub relative: Option<f64>,
    pub verdict: ChangeVerdict,
}

/// What runs have of one parameter or tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextRow {
    pub key: Text,
    /// By run.
    pub values: Vec<Option<Text>>,
    /// Whether not all are equal; a missing value is another one.
    pub differs: bool,
}

/// Runs side by side, each list by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ComparedRuns {
    pub metrics: Vec<MetricRow>,
    pub params: Vec<TextRow>,
    pub tags: Vec<TextRow>,
}

/// Puts runs side by side; `baseline` is the place of one of them.
#[must_use]
pub fn compare_runs(runs: &[Arc<Run>], baseline: usize, names: &RunMetricNames) -> ComparedRuns {
    let mut metrics: BTreeMap<&Text, Vec<Option<f64>>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        for metric in &run.metrics {
            let values = metrics.entry(&metric.key).or_insert_with(|| vec![None; runs.len()]);
            values[at] = Some(metric.value);
        }
    }
    let metric = |(key, values): (&Text, Vec<Option<f64>>)| {
        let name = names.of(key);
        let before = values.get(baseline).copied().flatten();
        let difference = |(at, value): (usize, &Option<f64>)| {
            let (before, after) = (before?, (*value)?);
            (at != baseline).then(|| difference(before, after, &name)).flatten()
        };
        MetricRow {
            key: key.clone(),
            differences: values.iter().enumerate().map(difference).collect(),
            differs: values.windows(2).any(|w| !same_number(w[0], w[1])),
            values,
            name,
        }
    };
    ComparedRuns {
        metrics: metrics.into_iter().map(metric).collect(),
        params: text_rows(runs, |run| &run.params),
        tags: text_rows(runs, |run| &run.tags),
    }
}

/// From one value to another; `None` from or to what is no number: NaN and infinities.
fn difference(before: f64, after: f64, name: &RunMetricName) -> Option<MetricDifference> {
    let by = after - before;
    let is_number = by.is_finite() && !is_infinite(before) && !is_infinite(after);
    is_number.then(|| MetricDifference {
        by,
        relative: Some(by / before.abs()).filter(|r| r.is_finite()),
        verdict: name.direction.judge(by),
    })
}

fn same_number(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b || (a.is_nan() && b.is_nan()),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn text_rows(runs: &[Arc<Run>], of: impl Fn(&Run) -> &Vec<(Text, Text)>) -> Vec<TextRow> {
    let mut rows: BTreeMap<&Text, Vec<Option<Text>>> = BTreeMap::new();
    for (at, run) in runs.iter().enumerate() {
        for (key, value) in of(run) {
            rows.entry(key).or_insert_with(|| vec![None; runs.len()])[at] = Some(value.clone());
        }
    }
    let row = |(key, values): (&Text, Vec<Option<Text>>)| TextRow {
        key: key.clone(),
        differs: values.windows(2).any(|w| w[0] != w[1]),
        values,
    };
    rows.into_iter().map(row).collect()
}

/// How a parameter goes with a metric over runs.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamCorrelation {
    pub key: Text,
    pub correlation: RankCorrelation,
    /// For a parameter of two texts: the one that counts as the higher. Its correlation says whether runs with it have more.
    pub higher: Option<Text>,
}

/// The rank correlation of each parameter with the values of a metric, the strongest first. Parameters that are numbers are ranked as such;
/// those with exactly two texts as lower and higher; others have no order and are left out, as are those with a single value.
#[must_use]
pub fn correlations(params: &[TextRow], values: &[Option<f64>]) -> Vec<ParamCorrelation> {
    let mut found: Vec<ParamCorrelation> = params.iter().filter_map(|row| correlation(row, values)).collect();
    found.sort_by(|a, b| {
        let strength = |c: &ParamCorrelation| c.correlation.rho.abs();
        strength(b).total_cmp(&strength(a)).then_with(|| a.key.cmp(&b.key))
    });
    found
}

fn correlation(row: &TextRow, values: &[Option<f64>]) -> Option<ParamCorrelation> {
    let present = || row.values.iter().flatten();
    // A text among numbers, such as `auto`, has no rank: it counts as none. A word or two of a scale do not make numbers of the rest.
    let numbers = present().filter(|text| number_of(text).is_some()).count();
    let numeric = numbers > 0 && numbers * 2 >= present().count();
    let mut distinct: Vec<&Text> = present().collect();
    distinct.sort();
    distinct.dedup();
    let higher = match (numeric, distinct.as_slice()) {
        (true, _) => None,
        (false, [_, higher]) => Some((*higher).clone()),
        _ => return None,
    };
    let rank = |text: &Text| match &higher {
        Some(higher) => Some(f64::from(u8::from(text == higher))),
        None => number_of(text),
    };
    let pair = |(text, value): (&Option<Text>, &Option<f64>)| Some((rank(text.as_ref()?)?, (*value)?));
    let pairs: Vec<(f64, f64)> = row.values.iter().zip(values).filter_map(pair).collect();
    Some(ParamCorrelation { key: row.key.clone(), correlation: spearman(&pairs)?, higher })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metric::ChangeVerdict::{Better, Neutral, Worse},
        time::Millis,
        tracking::{ExperimentId, Lifecycle, RunId, RunMetric, RunStatus},
    };

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
            name: id.into(),
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
    fn differences_are_from_the_baseline_and_judged_by_the_metric() {
        let runs = [
            run(
                "a",
                &[("f1", 0.5), ("loss", 2.0), ("zero", 0.0), ("epoch", 1.0), ("same", f64::NAN)],
                &[("lr", "1"), ("b", "2")],
            ),
            run(
                "b",
                &[("f1", 0.75), ("loss", 3.0), ("zero", 1.0), ("epoch", 3.0), ("same", f64::NAN)],
                &[("lr", "2"), ("b", "2")],
            ),
            run("c", &[("f1", f64::NAN), ("loss", f64::MAX)], &[("lr", "1")]),
        ];
        let compared = compare_runs(&runs, 0, &RunMetricNames::default());
        let row = |key: &str| compared.metrics.iter().find(|m| &*m.key == key).expect("a row");
        let told = |key: &str, at: usize| row(key).differences[at].map(|d| (d.by, d.relative, d.verdict));
        assert_eq!(told("f1", 1), Some((0.25, Some(0.5), Better)));
        assert_eq!(told("loss", 1), Some((1.0, Some(0.5), Worse)));
        assert_eq!(told("zero", 1), Some((1.0, None, Neutral)));
        assert_eq!(told("epoch", 1).map(|d| d.2), Some(Neutral));
        assert!((0..3).all(|at| at == 1 || told("f1", at).is_none()), "NaN has no difference, nor has the baseline");
        assert_eq!(told("loss", 2), None, "from a number to infinity no number leads");
        assert!(row("same").differs && row("f1").differs, "a missing value is another one");
        let two = compare_runs(&runs[..2], 1, &RunMetricNames::default());
        let same = two.metrics.iter().find(|m| &*m.key == "same").expect("a row");
        assert!(!same.differs);
        let differing: Vec<&str> = two.params.iter().filter(|p| p.differs).map(|p| &*p.key).collect();
        assert_eq!(differing, ["lr"]);
    }

    #[test]
    fn parameters_with_an_order_are_correlated_and_others_are_not() {
        let rows: [(&str, [&str; 4]); 5] = [
            ("lr", ["0.1", "0.01", "1e-3", "1"]),
            ("optimizer", ["adam", "sgd", "sgd", "adam"]),
            ("model", ["a", "b", "c", "a"]),
            ("same", ["1", "1", "1", "1"]),
            ("mixed", ["1", "auto", "2", "3"]),
        ];
        let row = |(key, values): &(&str, [&str; 4])| TextRow {
            key: (*key).into(),
            values: values.iter().map(|v| Some((*v).into())).collect(),
            differs: true,
        };
        let rows: Vec<TextRow> = rows.iter().map(row).collect();
        let found = correlations(&rows, &[Some(0.3), Some(0.2), Some(0.1), Some(0.4)]);
        let told: Vec<_> =
            found.iter().map(|c| (&*c.key, c.correlation.rho, c.correlation.n, c.higher.as_deref())).collect();
        // A text among numbers has no rank, and counts as none.
        assert_eq!((told.len(), told[2].0, told[2].2), (3, "mixed", 3), "{told:?}");
        assert_eq!((told[0].0, told[0].2, told[0].3), ("lr", 4, None));
        assert!((told[0].1 - 1.0).abs() < 1e-12);
        assert!(told[1].0 == "optimizer" && told[1].1 < -0.8 && told[1].3 == Some("sgd"));
        assert!(correlations(&rows, &[Some(1.0), Some(2.0), None, None]).is_empty(), "two pairs are too few");
    }
}
