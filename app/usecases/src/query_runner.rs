//! Makes cells of queries, and answers of cells.

use std::sync::Arc;

use domain::{
    Error, Result,
    cells::{CellGroup, CellsQuery},
    evidence::{Changes, what_changed},
    model::ModelKey,
    ports::{CellsAnswer, MetricsSnapshot, MetricsStore},
    query::{
        ChangesQuery, Comparison, ComparisonQuery, FieldReport, Summary, SummaryQuery, Trend, TrendQuery, WorstZones,
        WorstZonesQuery,
    },
    reducers::{CellReducer, changed, comparison, deltas, field, summary, trend, worst},
    text::Name,
};
use futures::TryStreamExt;

/// Queries put to a store, each worked out again.
pub struct QueryRunner<'s> {
    store: &'s dyn MetricsStore,
    /// The customer outside of which nothing is known.
    within: Option<Name>,
}

/// What the page of a metric asks: all about the same scope and range.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendsQuery {
    pub trend: TrendQuery,
    pub summary: SummaryQuery,
    pub models: ComparisonQuery,
    pub worst: WorstZonesQuery,
}

#[derive(Debug, Clone)]
pub struct Trends {
    pub trend: Trend,
    pub summary: Summary,
    pub models: Comparison,
    pub worst: WorstZones,
}

/// Several queries about the same rows, of which one pass makes all the cells.
#[derive(Debug, Default)]
struct CombinedQuery {
    query: CellsQuery,
    /// By query, where its parts end.
    ends: Vec<usize>,
}

impl CombinedQuery {
    /// # Errors
    /// `Internal` for a query about other rows than those before it: a fault of ours that must not become a wrong number.
    fn and(mut self, cells_query: CellsQuery) -> Result<Self> {
        if !self.ends.is_empty() && self.query.filter != cells_query.filter {
            return Err(Error::internal(crate::sentences::different_rows()));
        }
        self.query.filter = cells_query.filter;
        self.query.parts.extend(cells_query.parts);
        self.ends.push(self.query.parts.len());
        Ok(self)
    }

    /// The query to which a group belongs, and the group as it would be if that alone had been asked.
    fn split_group(&self, mut group: CellGroup) -> (usize, CellGroup) {
        let cells_query = self.ends.partition_point(|end| *end <= group.part);
        group.part -= cells_query.checked_sub(1).map_or(0, |before| self.ends[before]);
        (cells_query, group)
    }
}

async fn reduce<R: CellReducer>(mut reducer: R, mut answer: CellsAnswer) -> Result<R::Answer> {
    while let Some(group) = answer.groups.try_next().await? {
        reducer.take(group);
    }
    Ok(reducer.finish())
}

impl<'s> QueryRunner<'s> {
    #[must_use]
    pub fn new(store: &'s dyn MetricsStore) -> Self {
        Self { store, within: None }
    }

    /// The same for an actor bound to one customer.
    #[must_use]
    pub fn restricted_to(self, customer: Option<Name>) -> Self {
        Self { within: customer, ..self }
    }

    pub(crate) fn view(&self) -> Arc<dyn MetricsSnapshot> {
        self.narrowed(self.store.view())
    }

    fn narrowed(&self, view: Arc<dyn MetricsSnapshot>) -> Arc<dyn MetricsSnapshot> {
        match &self.within {
            Some(customer) => view.restricted_to(customer),
            None => view,
        }
    }

    pub(crate) async fn cells(&self, what: &'static str, mut query: CellsQuery) -> Result<CellsAnswer> {
        query.filter.versions = Arc::clone(&self.store.view().directory().links);
        let answer = self.store.cells(&query).await?;
        let answer = CellsAnswer { view: self.narrowed(Arc::clone(&answer.view)), ..answer };
        let cost = answer.cost;
        tracing::debug!(what, rows = cost.rows, cells = cost.cells, sketches = cost.sketches, "cells were answered");
        Ok(answer)
    }

    /// # Errors
    /// As [`crate::Metrics::summary`].
    pub async fn summary(&self, q: &SummaryQuery) -> Result<Summary> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.select_metrics(&q.metrics, &q.scope, &ranges_of(q));
        let mut together = CombinedQuery::default().and(summary::cells_query(q, &chosen))?;
        if q.changes {
            together = together.and(deltas::places_query(q, &chosen))?;
        }
        let mut answer = self.cells("summary", together.query.clone()).await?;
        let mut summary = summary::Reducer::new(q, chosen.clone(), Arc::clone(&answer.view), Arc::clone(&answer.words));
        let mut places = deltas::Places::new(q, &chosen, Arc::clone(&answer.words));
        while let Some(group) = answer.groups.try_next().await? {
            match together.split_group(group) {
                (0, group) => summary.take(group),
                (_, group) => places.take(group),
            }
        }
        Box::pin(self.with_changes(q, summary.finish(), places)).await
    }

    /// The summary with what is known of its changes, where that was asked for.
    async fn with_changes(
        &self,
        q: &SummaryQuery,
        mut summary: Summary,
        places: deltas::Places<'_>,
    ) -> Result<Summary> {
        if !q.changes {
            return Ok(summary);
        }
        let mut found = places.finish();
        if let Some(days) = found.days_query() {
            let answer = self.cells("days of changes", days).await?;
            let reducer = found.days(Arc::clone(&answer.words));
            found = reduce(reducer, answer).await?;
        }
        found.put_into(&mut summary);
        Ok(summary)
    }

    /// # Errors
    /// As [`crate::Metrics::summary`].
    pub async fn place(&self, q: &SummaryQuery, models: &ComparisonQuery) -> Result<(Summary, Comparison)> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.select_metrics(&q.metrics, &q.scope, &ranges_of(q));
        let of_models = view.select_metrics(&models.metrics, &models.scope, &[models.range]);
        let mut together = CombinedQuery::default()
            .and(summary::cells_query(q, &chosen))?
            .and(comparison::cells_query(models, &of_models))?;
        if q.changes {
            together = together.and(deltas::places_query(q, &chosen))?;
        }
        let mut answer = self.cells("place", together.query.clone()).await?;
        let view = || Arc::clone(&answer.view);
        let mut summary = summary::Reducer::new(q, chosen.clone(), view(), Arc::clone(&answer.words));
        let mut places = deltas::Places::new(q, &chosen, Arc::clone(&answer.words));
        let mut comparison = comparison::Reducer::new(models, of_models, view(), Arc::clone(&answer.words));
        while let Some(group) = answer.groups.try_next().await? {
            match together.split_group(group) {
                (0, group) => summary.take(group),
                (1, group) => comparison.take(group),
                (_, group) => places.take(group),
            }
        }
        Ok((Box::pin(self.with_changes(q, summary.finish(), places)).await?, comparison.finish()))
    }

    /// # Errors
    /// As [`crate::Metrics::trend`].
    pub async fn trends(&self, q: &TrendsQuery) -> Result<Trends> {
        if q.trend.model.is_some() {
            // A model's rows and those of all: two queries.
            let (trend, worst) = (self.trend(&q.trend), self.worst(&q.worst));
            let (trend, worst, place) = futures::future::join3(trend, worst, self.place(&q.summary, &q.models)).await;
            let (summary, models) = place?;
            return Ok(Trends { trend: trend?, summary, models, worst: worst? });
        }
        let view = self.view();
        view.directory().check(&q.trend.scope)?;
        let (metric, column) = view.directory().metric(&q.trend.metric)?;
        let chosen = view.select_metrics(&q.summary.metrics, &q.summary.scope, &ranges_of(&q.summary));
        let of_models = view.select_metrics(&q.models.metrics, &q.models.scope, &[q.models.range]);
        let mut together = CombinedQuery::default()
            .and(trend::cells_query(&q.trend, column.clone()))?
            .and(summary::cells_query(&q.summary, &chosen))?
            .and(comparison::cells_query(&q.models, &of_models))?
            .and(worst::cells_query(&q.worst, column))?;
        if q.summary.changes {
            together = together.and(deltas::places_query(&q.summary, &chosen))?;
        }
        let mut answer = self.cells("trends", together.query.clone()).await?;
        let (view, words) = (|| Arc::clone(&answer.view), || Arc::clone(&answer.words));
        let mut trend = trend::Reducer::new(&q.trend, metric.clone(), view());
        let mut summary = summary::Reducer::new(&q.summary, chosen.clone(), view(), words());
        let mut places = deltas::Places::new(&q.summary, &chosen, words());
        let mut models = comparison::Reducer::new(&q.models, of_models, view(), words());
        let mut worst = worst::Reducer::new(&q.worst, metric, &*answer.view, words());
        while let Some(group) = answer.groups.try_next().await? {
            match together.split_group(group) {
                (0, group) => trend.take(group),
                (1, group) => summary.take(group),
                (2, group) => models.take(group),
                (3, group) => worst.take(group),
                (_, group) => places.take(group),
            }
        }
        let summary = Box::pin(self.with_changes(&q.summary, summary.finish(), places)).await?;
        let trend = trend.finish();
        Ok(Trends { trend, summary, models: models.finish(), worst: worst.finish() })
    }

    /// # Errors
    /// As [`crate::Metrics::trend`].
    pub async fn trend(&self, q: &TrendQuery) -> Result<Trend> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let (metric, column) = view.directory().metric(&q.metric)?;
        let q = &TrendQuery { model: known_model(&*view, q.model.as_ref())?, ..q.clone() };
        let answer = self.cells("trend", trend::cells_query(q, column)).await?;
        let reducer = trend::Reducer::new(q, metric, Arc::clone(&answer.view));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::changes`].
    pub async fn changes(&self, q: &ChangesQuery) -> Result<Changes> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let (metric, column) = view.directory().metric(&q.metric)?;
        let query = changed::cells_query(q, &column);
        let answer = self.cells("changes", query.clone()).await?;
        let reducer = changed::Reducer::new(&query, Arc::clone(&answer.words));
        Ok(what_changed(&metric, &reduce(reducer, answer).await?))
    }

    /// # Errors
    /// As [`crate::Metrics::comparison`].
    pub async fn comparison(&self, q: &ComparisonQuery) -> Result<Comparison> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.select_metrics(&q.metrics, &q.scope, &[q.range]);
        let answer = self.cells("comparison", comparison::cells_query(q, &chosen)).await?;
        let reducer = comparison::Reducer::new(q, chosen, Arc::clone(&answer.view), Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::field_report`].
    pub async fn field_report(&self, q: &ComparisonQuery) -> Result<FieldReport> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.select_metrics(&q.metrics, &q.scope, &[q.range]);
        let answer = self.cells("field report", field::cells_query(q, &chosen)).await?;
        let reducer = field::Reducer::new(q, chosen, &*answer.view, Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::worst`].
    pub async fn worst(&self, q: &WorstZonesQuery) -> Result<WorstZones> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let (metric, column) = view.directory().metric(&q.metric)?;
        let q = &WorstZonesQuery { model: known_model(&*view, q.model.as_ref())?, ..q.clone() };
        let answer = self.cells("worst zones", worst::cells_query(q, column)).await?;
        let reducer = worst::Reducer::new(q, metric, &*answer.view, Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }
}

/// A model that is asked for, by the name that its rows are counted under.
fn known_model(view: &dyn MetricsSnapshot, asked: Option<&ModelKey>) -> Result<Option<ModelKey>> {
    asked.map(|model| view.directory().model(model)).transpose()
}

fn ranges_of(q: &SummaryQuery) -> Vec<domain::time::TimeRange> {
    [q.range, q.earlier].into_iter().chain(q.course.as_ref().map(|c| c.range)).collect()
}
