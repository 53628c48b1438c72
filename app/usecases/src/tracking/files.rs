//! Histories and artifacts of runs.

use domain::{
    Error, Result,
    chart::{Point, downsample},
    ports::{ArtifactBody, HistoryCopy},
    scope::clip_text,
    time::{Millis, TimeRange},
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, MetricPoint, Run},
};

use super::{HistoryAnswer, Tracking};
use crate::sentences;

impl Tracking {
    /// The history of a metric of a run, as far as it was copied, in at most about `points` points. What was not copied yet is queued.
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

/// At most `most` points (at least 10): of equal stretches of the history the first, the lowest, the highest, the last, and a NaN where
/// there is one. Stretches are counted in points, so steps that repeat and clocks that jump do no harm.
#[must_use]
pub fn reduce(points: &[MetricPoint], most: usize) -> Vec<MetricPoint> {
    if points.len() <= most {
        return points.to_vec();
    }
    // What one column of the picture can keep.
    let columns = (most / 5).max(2);
    let place = |i: usize| i64::try_from(i).unwrap_or(i64::MAX);
    let point = |(i, p): (usize, &MetricPoint)| Point {
        at: Millis(place(i)),
        value: (!p.value.is_nan()).then_some(p.value),
        n: 1,
    };
    let placed: Vec<Point> = points.iter().enumerate().map(point).collect();
    let Ok(range) = TimeRange::new(Millis(0), Millis(place(points.len()))) else { return points.to_vec() };
    let kept = downsample(&placed, &range, columns);
    kept.iter().filter_map(|p| usize::try_from(p.at.0).ok().and_then(|i| points.get(i)).copied()).collect()
}
