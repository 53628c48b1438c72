//! What can be asked and done: a typed request in, a typed answer out. Pages, REST, the command line and exports come through
//! here, and nothing else talks to the ports of records and sources.

pub mod access;
mod coalescer;
pub mod evidence;
mod query_runner;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/sentences.rs"));
}
mod ingestion;
pub mod models;
pub mod pick;
pub mod run_import;
mod sources;
pub mod tracking;
mod views;
pub mod webhooks;

use std::sync::Arc;

use crate::coalescer::Coalescer;
pub use crate::{
    access::Access,
    evidence::Evidence,
    ingestion::{DemoData, Ingestion},
    models::Models,
    query_runner::{QueryRunner, Trends, TrendsQuery},
    run_import::RunImport,
    sources::Sources,
    tracking::Tracking,
    views::{ActorViews, Views, new_key},
    webhooks::Webhooks,
};
use domain::{
    Result,
    access::{Action, Actor, Object, authorize},
    evidence::Changes,
    ports::{MetricsSnapshot, MetricsStore, RestartableWriter, UnreadablePart},
    query::{
        ChangesQuery, Comparison, ComparisonQuery, Directory, FieldReport, MetricColumn, RecordRow, Records,
        RecordsQuery, Summary, SummaryQuery, Trend, TrendQuery, WorstZones, WorstZonesQuery,
    },
    scope::Scope,
    state::Transitions,
    text::Name,
    time::{Day, TimeRange},
};

/// Queries about records, of one actor: each is answered only as far as that may read. Equal queries that are asked at the
/// same time share an answer.
#[derive(Clone)]
pub struct Metrics {
    actor: Actor,
    shared: Arc<Shared>,
}

/// What all who ask have in common.
struct Shared {
    store: Arc<dyn MetricsStore>,
    summaries: Coalescer<Summary>,
    places: Coalescer<(Summary, Comparison)>,
    trends: Coalescer<Trends>,
    one_trend: Coalescer<Trend>,
    changes: Coalescer<Changes>,
    comparisons: Coalescer<Comparison>,
    reports: Coalescer<FieldReport>,
    worst: Coalescer<WorstZones>,
    records: Coalescer<Records>,
}

impl Metrics {
    /// For the operator; see [`Metrics::for_actor`].
    #[must_use]
    pub fn new(store: Arc<dyn MetricsStore>) -> Self {
        let shared = Shared {
            store,
            summaries: Coalescer::default(),
            places: Coalescer::default(),
            trends: Coalescer::default(),
            one_trend: Coalescer::default(),
            changes: Coalescer::default(),
            comparisons: Coalescer::default(),
            reports: Coalescer::default(),
            worst: Coalescer::default(),
            records: Coalescer::default(),
        };
        Self { actor: Actor::Operator, shared: Arc::new(shared) }
    }

    pub(crate) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The same for another actor.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), shared: Arc::clone(&self.shared) }
    }

    /// The same for subscriptions to a scope, which may be unknown yet.
    ///
    /// # Errors
    /// `Forbidden` for a scope that holds more than the actor may see.
    pub fn check_visible(&self, scope: &Scope) -> Result<()> {
        authorize(&self.actor, Action::ReadMetrics, Object::Scope(scope))
    }

    /// The one customer of which the actor may know, where it is bound to one.
    #[must_use]
    pub fn customer(&self) -> Option<&Name> {
        self.actor.customer()
    }

    /// What is known now without reading a row.
    #[must_use]
    pub fn view(&self) -> Arc<dyn MetricsSnapshot> {
        self.query_runner().view()
    }

    pub(crate) fn query_runner(&self) -> QueryRunner<'_> {
        let customer = self.actor.customer().cloned();
        QueryRunner::new(&*self.shared.store).restricted_to(customer)
    }

    /// Whether the records of a scope may be read. What lies outside of what the actor may know is as unknown as what nobody knows.
    ///
    /// # Errors
    /// `NotFound` for unknown names, `Forbidden` for a scope that holds more than the actor may see.
    pub fn authorize(&self, scope: &Scope) -> Result<()> {
        self.directory().check(scope)?;
        self.check_visible(scope)
    }

    /// What there is to ask about.
    #[must_use]
    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(self.view().directory())
    }

    /// A number that changes whenever an answer about the scope could: the base of ETags, and what a page follows.
    #[must_use]
    pub fn generation_in(&self, scope: &Scope) -> i64 {
        self.view().generation_in(scope)
    }

    /// The generation of the records as subscribers were notified last. It never falls.
    #[must_use]
    pub fn notified_generation(&self) -> i64 {
        self.shared.store.notified_generation()
    }

    /// Waits until [`Metrics::notified_generation`] is another than `seen`, and returns it.
    pub async fn wait_for_change(&self, seen: i64) -> i64 {
        self.shared.store.wait_for_change(seen).await
    }

    /// How places of a scope changed their state after the change of a number, as far as that is remembered, in order.
    ///
    /// # Errors
    /// `Forbidden` for a scope that holds more than the actor may see.
    pub fn transitions(&self, scope: &Scope, after: u64) -> Result<Transitions> {
        self.check_visible(scope)?;
        let mut told = self.shared.store.transitions(after);
        told.changes.retain(|t| scope.contains(&t.place));
        Ok(told)
    }

    /// Parts of the records that cannot be read, with the reason.
    #[must_use]
    pub fn unreadable(&self) -> Vec<UnreadablePart> {
        self.view().unreadable()
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
        let answer = |this: Self, q: SummaryQuery| async move { this.query_runner().summary(&q).await };
        self.coalesced(&self.shared.summaries, &query.scope, query, answer).await
    }

    /// The same with the models that ran there: what the page of a place shows, of one pass.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn place(&self, query: &SummaryQuery, models: &ComparisonQuery) -> Result<(Summary, Comparison)> {
        self.authorize(&models.scope)?;
        let both = (query.clone(), models.clone());
        let answer = |this: Self, (q, models)| async move { this.query_runner().place(&q, &models).await };
        self.coalesced(&self.shared.places, &query.scope, &both, answer).await
    }

    /// What the page of a metric shows, of one pass where it is about every model.
    ///
    /// # Errors
    /// As [`Self::trend`].
    pub async fn trends(&self, query: &TrendsQuery) -> Result<Trends> {
        for scope in [&query.summary.scope, &query.models.scope, &query.worst.scope] {
            self.authorize(scope)?;
        }
        let answer = |this: Self, q: TrendsQuery| async move { this.query_runner().trends(&q).await };
        self.coalesced(&self.shared.trends, &query.trend.scope, query, answer).await
    }

    /// How one metric moved.
    ///
    /// # Errors
    /// As [`Self::summary`]; `BadInput` for an unknown metric.
    pub async fn trend(&self, query: &TrendQuery) -> Result<Trend> {
        let answer = |this: Self, q: TrendQuery| async move { this.query_runner().trend(&q).await };
        self.coalesced(&self.shared.one_trend, &query.scope, query, answer).await
    }

    /// What a metric's change is made of: places, models and devices, largest part first.
    ///
    /// # Errors
    /// As [`Self::trend`].
    pub async fn changes(&self, query: &ChangesQuery) -> Result<Changes> {
        let answer = |this: Self, q: ChangesQuery| async move { this.query_runner().changes(&q).await };
        self.coalesced(&self.shared.changes, &query.scope, query, answer).await
    }

    /// The models of a scope side by side, wherever they ran.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison> {
        let answer = |this: Self, q: ComparisonQuery| async move { this.query_runner().comparison(&q).await };
        self.coalesced(&self.shared.comparisons, &query.scope, query, answer).await
    }

    /// How each model did in each zone.
    ///
    /// # Errors
    /// As [`Self::summary`].
    pub async fn field_report(&self, query: &ComparisonQuery) -> Result<FieldReport> {
        let answer = |this: Self, q: ComparisonQuery| async move { this.query_runner().field_report(&q).await };
        self.coalesced(&self.shared.reports, &query.scope, query, answer).await
    }

    /// Where one metric is worst.
    ///
    /// # Errors
    /// As [`Self::trend`].
    pub async fn worst(&self, query: &WorstZonesQuery) -> Result<WorstZones> {
        let answer = |this: Self, q: WorstZonesQuery| async move { this.query_runner().worst(&q).await };
        self.coalesced(&self.shared.worst, &query.scope, query, answer).await
    }

    /// The rows themselves, newest first.
    ///
    /// # Errors
    /// As [`Self::summary`]; `BadInput` for an unknown metric.
    pub async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.authorize(&query.scope)?;
        let directory = self.directory();
        let mut q = query.clone();
        if let Some(model) = &mut q.model {
            *model = directory.model(model)?;
        }
        if self.actor.customer().is_some()
            && let Some(metric) = &mut q.metric
        {
            // By its full name: among all others the key may be one of several.
            *metric = match directory.metric(metric)?.1 {
                MetricColumn::Custom(full) => full,
                column @ MetricColumn::BuiltIn(_) => directory.key(&column),
            };
        }
        let answer = |this: Self, q| async move { this.shared.store.records(&q).await };
        let records = self.coalesced(&self.shared.records, &query.scope, &q, answer).await?;
        Ok(self.narrowed(records))
    }

    /// Rows as shown to an actor bound to one customer: without what others report and deliver.
    fn narrowed(&self, records: Records) -> Records {
        if self.actor.customer().is_none() {
            return records;
        }
        let directory = self.directory();
        let known = |key: &String| directory.metric(key).is_ok_and(|(_, column)| directory.has(&column));
        let kept: Vec<bool> = records.metrics.iter().map(known).collect();
        let only =
            |values: Vec<Option<f64>>| values.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|v| v.0).collect();
        let row = |row: RecordRow| RecordRow { values: only(row.values), source: None, line: None, ..row };
        let metrics = records.metrics.iter().zip(&kept).filter(|(_, kept)| **kept).map(|m| m.0);
        Records {
            as_of: self.view().as_of().unwrap_or(records.to),
            metrics: metrics
                .map(|key| directory.metric(key).map_or_else(|_| key.clone(), |m| directory.key(&m.1)))
                .collect(),
            rows: records.rows.into_iter().map(row).collect(),
            ..records
        }
    }

    /// Writes the records of a range as Parquet that can be ingested again: all of them or none. Returns the number of rows.
    ///
    /// # Errors
    /// `Unavailable` when the output takes no more, or naming what cannot be read; what was written by then is invalid.
    pub async fn export(&self, scope: &Scope, range: TimeRange, to: &mut dyn RestartableWriter) -> Result<u64> {
        self.authorize(scope)?;
        self.shared.store.export(scope, range, to).await
    }

    /// The answer to a query about a scope, where that may be read: worked out once for all who ask the same meanwhile.
    async fn coalesced<Q, T, F>(
        &self,
        coalescer: &Coalescer<T>,
        scope: &Scope,
        query: &Q,
        answer: impl FnOnce(Self, Q) -> F,
    ) -> Result<T>
    where
        Q: Clone + std::fmt::Debug,
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        self.authorize(scope)?;
        coalescer.join(self.key(scope, query), answer(self.clone(), query.clone())).await
    }

    /// Names a query by what its answer depends on. Who joins must not get an answer that is older than the query: the
    /// generation is part of it, and so is what was written down about places and metrics.
    pub(crate) fn key(&self, scope: &Scope, query: &impl std::fmt::Debug) -> String {
        let view = self.view();
        let (generation, directory) = (view.generation_in(scope), view.directory());
        let (declared, links) = (directory.declared.revision(), directory.links.revision());
        // What is known of names and arrivals depends on who asks.
        format!("{generation} {declared} {links} {:?} {query:?}", self.actor.customer())
    }
}
