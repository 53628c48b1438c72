//! Histories and artifacts of runs.

use std::collections::BTreeSet;

use domain::{
    Error, Result,
    chart::{Point, downsample},
    ports::{ArtifactBody, HistoryCopy},
    scope::clip_text,
    time::{Millis, TimeRange},
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, MetricPoint, Run, is_infinite},
};

use super::{HistoryAnswer, Tracking};
use crate::sentences;

impl Tracking {
    /// The history of a metric of a run, as far as it was copied, in at most `points` points. What was not copied yet is queued.
    ///
    /// # Errors
    /// `NotFound` when the run has no such metric; otherwise as [`Tracking::run`].
    pub fn history(&self, run: &str, metric: &str, points: usize) -> Result<HistoryAnswer> {
        let run = self.run_with(run, metric)?;
        Ok(self.reduced(self.catalog()?.history(&run, metric), metric, points))
    }

    /// The same, waiting up to `millis` for what was not copied yet.
    ///
    /// # Errors
    /// As [`Tracking::history`].
    pub async fn wait_for_history(&self, run: &str, metric: &str, points: usize, millis: u64) -> Result<HistoryAnswer> {
        let run = self.run_with(run, metric)?;
        let copy = self.catalog()?.wait_for_history(&run, metric, millis).await;
        Ok(self.reduced(copy, metric, points))
    }

    fn run_with(&self, run: &str, metric: &str) -> Result<std::sync::Arc<Run>> {
        let run = self.run(run)?.run;
        match run.metric(metric) {
            Some(_) => Ok(run),
            None => Err(Error::not_found(sentences::run_without_metric(&run.id, clip_text(metric)))),
        }
    }

    fn reduced(&self, copy: HistoryCopy, metric: &str, points: usize) -> HistoryAnswer {
        let all = copy.points.as_deref().map_or(&[][..], Vec::as_slice);
        HistoryAnswer {
            as_of: copy.as_of,
            complete: copy.complete,
            pending: copy.points.is_none(),
            points: reduce(all, points),
            total: all.len(),
            error: copy.error,
            name: self.metric_names().of(metric),
        }
    }

    /// What is in a folder of a run's artifacts. Waits for the original.
    ///
    /// # Errors
    /// As [`Tracking::run`]; `Unavailable` when the original does not answer.
    pub async fn artifacts(&self, run: &str, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let run = self.run(run)?.run;
        self.catalog()?.artifacts(&run.id, folder).await
    }

    /// A file of a run, or a part of it, as it comes. Waits for the original.
    ///
    /// # Errors
    /// As [`Tracking::artifacts`]; `NotFound` when there is no such file, `BadInput` for a range that begins behind its end.
    pub async fn artifact(&self, run: &str, file: &ArtifactPath, range: Option<ByteRange>) -> Result<ArtifactBody> {
        let run = self.run(run)?.run;
        self.catalog()?.artifact(&run.id, file, range).await
    }
}

/// At most `most` points, in their order: the first, the lowest, the highest, the last and a NaN, in this order of need; then those that
/// stand out most from what is around them; then of equal stretches of the history the first, the lowest, the highest, the last, and a NaN
/// where there is one. Stretches are counted in points, so steps that repeat and clocks that jump do no harm.
#[must_use]
pub fn reduce(points: &[MetricPoint], most: usize) -> Vec<MetricPoint> {
    if points.len() <= most {
        return points.to_vec();
    }
    let mut kept = BTreeSet::new();
    let mut keep = |wanted: &mut dyn Iterator<Item = usize>, until: usize| {
        for i in wanted {
            if kept.len() >= until {
                break;
            }
            kept.insert(i);
        }
        kept.len()
    };
    keep(&mut ends(points).into_iter(), most);
    let outstanding = outstanding(points, most);
    // A picture needs its stretches; of very few points each is worth most where something happens.
    let share = if most < FEW { most / 2 } else { most / 10 };
    let so_far = keep(&mut outstanding.iter().copied(), share);
    // What one stretch can keep is five points.
    let stretches = (most - so_far) / 5;
    if stretches > 0 {
        keep(&mut points_of_stretches(points, stretches).into_iter(), most);
    }
    keep(&mut outstanding.into_iter(), most);
    kept.into_iter().filter_map(|i| points.get(i)).copied().collect()
}

/// Fewer points are no picture.
const FEW: usize = 100;
/// What is around a point: so many stretches of the history are looked at on their own.
const SURROUNDINGS: usize = 64;

/// The places of the first, the lowest, the highest, the last point and of the first NaN.
fn ends(points: &[MetricPoint]) -> Vec<usize> {
    let value = |i: &usize| points.get(*i).map_or(f64::NAN, |p| p.value);
    let known = || (0..points.len()).filter(|i| !value(i).is_nan());
    let order = |a: &usize, b: &usize| value(a).total_cmp(&value(b));
    let nan = (0..points.len()).find(|i| value(i).is_nan());
    let all = [Some(0), known().min_by(order), known().max_by(order), points.len().checked_sub(1), nan];
    all.into_iter().flatten().collect()
}

/// At most `most` places where the history turns, those first that are farthest from the mean of what is around them.
fn outstanding(points: &[MetricPoint], most: usize) -> Vec<usize> {
    let length = points.len().div_ceil(SURROUNDINGS).max(8);
    let mut found: Vec<(f64, usize)> = vec![];
    for (at, around) in points.chunks(length).enumerate() {
        let finite = || around.iter().map(|p| p.value).filter(|v| v.is_finite() && !is_infinite(*v));
        let mean = finite().sum::<f64>() / finite().count().max(1) as f64;
        for i in at * length..at * length + around.len() {
            let value = |i: usize| points.get(i).map(|p| p.value).filter(|v| !v.is_nan());
            let (Some(here), before, after) = (value(i), i.checked_sub(1).and_then(value), value(i + 1)) else {
                continue;
            };
            let (before, after) = (before.unwrap_or(here), after.unwrap_or(here));
            // Of a level top its first point.
            if (here > before && here >= after) || (here < before && here <= after) {
                found.push(((here - mean).abs(), i));
            }
        }
    }
    let farthest = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if found.len() > most {
        found.select_nth_unstable_by(most, farthest);
        found.truncate(most);
    }
    found.sort_unstable_by(farthest);
    found.into_iter().map(|(_, i)| i).collect()
}

/// Of equal stretches the places of the first, the lowest, the highest, the last point, and of a NaN.
fn points_of_stretches(points: &[MetricPoint], stretches: usize) -> Vec<usize> {
    let place = |i: usize| i64::try_from(i).unwrap_or(i64::MAX);
    let point = |(i, p): (usize, &MetricPoint)| Point {
        at: Millis(place(i)),
        value: (!p.value.is_nan()).then_some(p.value),
        n: 1,
    };
    let placed: Vec<Point> = points.iter().enumerate().map(point).collect();
    let Ok(range) = TimeRange::new(Millis(0), Millis(place(points.len()))) else { return vec![] };
    downsample(&placed, &range, stretches).iter().filter_map(|p| usize::try_from(p.at.0).ok()).collect()
}
