//! What the name of a run's metric tells of it. Training code writes `val/mAP50`, `metrics/mAP50-95(B)`, `test_total_time`, `trainLoss`:
//! the catalogue knows some of them by their last words, and a rule of names others.

use std::sync::Arc;

use super::column::{Column, Reading};
use crate::{
    declarations::Declarations,
    metric::{self, Direction, Metric},
};

/// How the metrics of runs are read: by the catalogue with what `metrics.yaml` says beside it, else by the rule of names. The default
/// knows the built-in catalogue alone.
#[derive(Debug, Clone, Default)]
pub struct RunMetricNames(Arc<Declarations>);

/// What is known of a metric by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct RunMetricName {
    /// The metric of the catalogue that it is.
    pub catalogue: Option<Metric>,
    /// `Neither` when nothing says which way is better.
    pub direction: Direction,
    /// Whether the direction was guessed from the name.
    pub assumed: bool,
}

impl RunMetricNames {
    #[must_use]
    pub fn new(declared: Arc<Declarations>) -> Self {
        Self(declared)
    }

    /// What is known of a metric: of its whole name, else of its last words.
    #[must_use]
    pub fn of(&self, key: &str) -> RunMetricName {
        // Ultralytics writes the head of the model behind the metric: `mAP50(B)`.
        let name = match key.strip_suffix(')').and_then(|k| k.rsplit_once('(')) {
            Some((name, head)) if !name.is_empty() && head.chars().all(char::is_alphanumeric) => name,
            _ => key,
        };
        let known = |name: &str| match metric::built_in(name) {
            Some(i) => Some(self.0.built_in(i)),
            None => self.0.custom_metric(name),
        };
        let found = word_starts(name).into_iter().find_map(|at| known(name.get(at..)?));
        match found {
            Some(metric) => {
                RunMetricName { direction: metric.direction, assumed: metric.assumed, catalogue: Some(metric.clone()) }
            }
            None => RunMetricName { catalogue: None, direction: guess(name), assumed: true },
        }
    }

    /// A column whose best reading is said as the smallest or the largest.
    #[must_use]
    pub fn settled(&self, column: &Column) -> Column {
        match column {
            Column::Metric(key, Reading::Best) => {
                let lowest = self.of(key).lower_is_better();
                Column::Metric(key.clone(), if lowest { Reading::Min } else { Reading::Max })
            }
            other => other.clone(),
        }
    }
}

impl RunMetricName {
    /// Whether the smallest value is the best one. Of a metric of which nothing is known the largest one counts.
    #[must_use]
    pub fn lower_is_better(&self) -> bool {
        self.direction == Direction::LowerIsBetter
    }

    /// Whether it is known, or assumed, which way is better.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.direction != Direction::Neither
    }
}

fn is_separator(c: char) -> bool {
    matches!(c, '/' | '_' | '-' | '.' | ' ' | ':')
}

/// Where words begin, in bytes: at the beginning, behind a separator, and where a small letter is followed by a capital one.
fn word_starts(name: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut before = None;
    for (at, c) in name.char_indices() {
        let begins = before.is_some_and(|b: char| is_separator(b) || (b.is_lowercase() && c.is_uppercase()));
        if begins && !is_separator(c) {
            starts.push(at);
        }
        before = Some(c);
    }
    starts
}

/// All words of a name in small letters: those between separators, and those that case tells apart.
#[must_use]
pub fn metric_words(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let whole = lower.split(is_separator).map(str::to_owned);
    let starts = word_starts(name);
    let ends = starts.iter().skip(1).copied().chain([name.len()]);
    let parts = starts.iter().zip(ends).filter_map(|(from, to)| name.get(*from..to));
    let parts = parts.map(|w| w.trim_end_matches(is_separator).to_lowercase());
    whole.chain(parts).collect()
}

/// The rule of names.
fn guess(name: &str) -> Direction {
    metric::direction_of_words(metric_words(name).iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::metric::CATALOGUE;

    #[test]
    fn separators_and_case_tell_words_apart() {
        use Direction::{HigherIsBetter as Up, LowerIsBetter as Down, Neither};
        for (key, direction, assumed, catalogue) in [
            ("val/mAP50", Up, false, Some("mAP50")),
            ("metrics/mAP50-95(B)", Up, false, Some("mAP50_95")),
            ("val_mAP50_95", Up, false, Some("mAP50_95")),
            ("metrics/precision(B)", Up, false, Some("precision")),
            ("valRecall", Up, false, Some("recall")),
            ("edge.inference_time_ms", Down, false, Some("inference_time_ms")),
            ("accuracy_drop", Down, false, Some("accuracy_drop")),
            ("system/gpu_util", Neither, false, Some("gpu_util")),
            ("test_total_time", Down, true, None),
            ("train_loss", Down, true, None),
            ("train/box_loss", Down, true, None),
            ("trainLoss", Down, true, None),
            ("latency_p95_ms", Down, true, None),
            ("latencyMs", Down, true, None),
            ("accuracy", Up, true, None),
            ("val_f1", Up, true, None),
            ("F1", Up, true, None),
            ("r2 score", Up, true, None),
            ("top1_acc", Up, true, None),
            ("val/mAP75", Up, true, None),
            ("epoch", Neither, true, None),
            ("lr", Neither, true, None),
            ("", Neither, true, None),
            ("정확도", Neither, true, None),
            ("é(é)", Neither, true, None),
        ] {
            let name = RunMetricNames::default().of(key);
            let found = (name.direction, name.assumed, name.catalogue.as_ref().map(|m| &*m.key));
            assert_eq!(found, (direction, assumed, catalogue), "{key}");
        }
    }

    #[test]
    fn what_is_declared_counts_before_the_rule_of_names() {
        let declared = |key: &str, direction| Metric { direction, assumed: false, ..Metric::uncatalogued(key) };
        let metrics = vec![
            declared("jitter", Direction::LowerIsBetter),
            declared("mse", Direction::HigherIsBetter),
            Metric { direction: Direction::LowerIsBetter, ..CATALOGUE[0].clone() },
        ];
        let names = RunMetricNames::new(Arc::new(Declarations::new(BTreeMap::new(), metrics, 1)));
        for key in ["jitter", "val/Jitter", "testJitter", CATALOGUE[0].key.as_ref()] {
            assert_eq!((names.of(key).direction, names.of(key).assumed), (Direction::LowerIsBetter, false), "{key}");
        }
        assert_eq!(names.of("val_mse").direction, Direction::HigherIsBetter);
        assert_eq!(names.of("val_rmse").direction, Direction::LowerIsBetter);
        let best = |key: &str| names.settled(&Column::Metric(key.into(), Reading::Best)).to_string();
        assert_eq!((best("jitter"), best("f1")), ("min(metrics.jitter)".to_owned(), "max(metrics.f1)".to_owned()));
    }
}
