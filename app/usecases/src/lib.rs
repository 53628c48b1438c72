//! What can be asked and done: a typed request in, a typed answer out. Pages, REST, the command line and exports come through
//! here, and nothing else talks to the ports.

mod joined;
mod questions;

use std::{path::Path, sync::Arc};

use domain::{
    Result,
    model::VersionMap,
    ports::{FailedFile, MetricsStore, View},
    query::{
        Comparison, ComparisonQuery, Directory, FieldReport, Records, RecordsQuery, Summary, SummaryQuery, Trend,
        TrendQuery, Worst, WorstQuery,
    },
    scope::Scope,
    time::{Day, TimeRange},
};
pub use crate::questions::{Questions, Trends, TrendsQuery};
use crate::joined::UnderWay;

/// Questions about records. Equal questions that are asked at the same time share an answer.
pub struct Metrics {
    store: Arc<dyn MetricsStore>,
    versions: Arc<VersionMap>,
    summaries: UnderWay<Summary>,
    places: UnderWay<(Summary, Comparison)>,
    trends: UnderWay<Trends>,
    one_trend: UnderWay<Trend>,
    comparisons: UnderWay<Comparison>,
    reports: UnderWay<FieldReport>,
    worst: UnderWay<Worst>,
    records: UnderWay<Records>,
}

impl Metrics {
    #[must_use]
    pub fn new(store: Arc<dyn MetricsStore>) -> Self {
        Self {
            store,
            versions: Arc::default(),
            summaries: UnderWay::default(),
            places: UnderWay::default(),
            trends: UnderWay::default(),
            one_trend: UnderWay::default(),
            comparisons: UnderWay::default(),
            reports: UnderWay::default(),
            worst: UnderWay::default(),
            records: UnderWay::default(),
        }
    }

    /// What is known now without reading a row.
    #[must_use]
    pub fn view(&self) -> Arc<dyn View> {
        self.store.view()
    }

    /// What there is to ask about.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(self.view().directory())
    }

    /// A number that changes whenever an answer could: the base of ETags.
    #[must_use]
    pub fn generation(&self) -> i64 {
        self.view().generation()
    }

    /// Lake files that cannot be read, with the reason.
    #[must_use]
    pub fn failed_files(&self) -> Vec<FailedFile> {
        self.view().failed_files()
    }

    /// Records by day of event, in order of days.
    #[must_use]
    pub fn volume(&self) -> Vec<(Day, u64)> {
        self.view().volume()
    }

    /// How a scope did over a range, against an earlier one.
    ///
    /// # Errors
    /// `NotFound` for unknown names, `Unavailable` when the records cannot be read.
    pub async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.summaries.join(self.key(query), async move { Questions::to(&*store, versions).summary(&q).await }).await
    }

    /// The same with the models that ran there: what the page of a place shows, of one pass.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn place(&self, query: &SummaryQuery, models: &ComparisonQuery) -> Result<(Summary, Comparison)> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), (query.clone(), models.clone()));
        let key = self.key(&q);
        self.places.join(key, async move { Questions::to(&*store, versions).place(&q.0, &q.1).await }).await
    }

    /// What the page of a metric shows, of one pass where it is about every model.
    ///
    /// # Errors
    /// As [`Self::trend`].
    pub async fn trends(&self, query: &TrendsQuery) -> Result<Trends> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.trends.join(self.key(query), async move { Questions::to(&*store, versions).trends(&q).await }).await
    }

    /// How one metric moved.
    ///
    /// # Errors
    /// As [`Self::summary`]; `BadInput` for an unknown metric.
    pub async fn trend(&self, query: &TrendQuery) -> Result<Trend> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.one_trend.join(self.key(query), async move { Questions::to(&*store, versions).trend(&q).await }).await
    }

    /// The models of a scope side by side, wherever they ran.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.comparisons.join(self.key(query), async move { Questions::to(&*store, versions).comparison(&q).await }).await
    }

    /// How each model did in each zone.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn field_report(&self, query: &ComparisonQuery) -> Result<FieldReport> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.reports.join(self.key(query), async move { Questions::to(&*store, versions).field_report(&q).await }).await
    }

    /// Where one metric is worst.
    ///
    /// # Errors
    /// As [`Self::trend`].
    pub async fn worst(&self, query: &WorstQuery) -> Result<Worst> {
        let (store, versions, q) = (Arc::clone(&self.store), Arc::clone(&self.versions), query.clone());
        self.worst.join(self.key(query), async move { Questions::to(&*store, versions).worst(&q).await }).await
    }

    /// The rows themselves, newest first.
    ///
    /// # Errors
    /// As [`Self::summary`]; `BadInput` for an unknown metric.
    pub async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        let (store, q) = (Arc::clone(&self.store), query.clone());
        self.records.join(self.key(query), async move { store.records(&q).await }).await
    }

    /// Writes the records of a range as one Parquet file that can be ingested again. Returns the number of rows.
    ///
    /// # Errors
    /// `Unavailable`, naming the file that could not be written or read.
    pub async fn export(&self, scope: &Scope, range: TimeRange, to: &Path) -> Result<u64> {
        self.store.export(scope, range, to).await
    }

    /// Names a question by what its answer depends on. Who joins must not get an answer that is older than his question: the
    /// generation is part of it, and so is what was written down about places and metrics.
    fn key(&self, query: &impl std::fmt::Debug) -> String {
        let view = self.view();
        format!("{} {} {query:?}", view.generation(), view.directory().declared.revision())
    }
}
