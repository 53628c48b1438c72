//! Makes cells of questions, and answers of cells.

use std::sync::Arc;

use domain::{
    Error, Result,
    answers::{Reduce, comparison, field, summary, trend, worst},
    cells::{CellsQuery, Group},
    model::VersionMap,
    ports::{Answer, MetricsStore, View},
    query::{Comparison, ComparisonQuery, FieldReport, Summary, SummaryQuery, Trend, TrendQuery, Worst, WorstQuery},
    text::Name,
};
use futures::TryStreamExt;

/// Questions put to a store, each worked out anew.
pub struct Questions<'s> {
    store: &'s dyn MetricsStore,
    versions: Arc<VersionMap>,
    /// The customer outside of which nothing is known.
    within: Option<Name>,
}

/// What the page of a metric asks: all about the same scope and range.
#[derive(Debug, Clone, PartialEq)]
pub struct TrendsQuery {
    pub trend: TrendQuery,
    pub summary: SummaryQuery,
    pub models: ComparisonQuery,
    pub worst: WorstQuery,
}

#[derive(Debug, Clone)]
pub struct Trends {
    pub trend: Trend,
    pub summary: Summary,
    pub models: Comparison,
    pub worst: Worst,
}

/// Several questions about the same rows, of which one pass makes all the cells.
#[derive(Debug, Default)]
struct Together {
    query: CellsQuery,
    /// By question, where its parts end.
    ends: Vec<usize>,
}

impl Together {
    /// # Errors
    /// `Internal` for a question about other rows than those before it: a fault of ours that must not become a wrong number.
    fn and(mut self, question: CellsQuery) -> Result<Self> {
        if !self.ends.is_empty() && self.query.filter != question.filter {
            return Err(Error::internal(crate::sentences::different_rows()));
        }
        self.query.filter = question.filter;
        self.query.parts.extend(question.parts);
        self.ends.push(self.query.parts.len());
        Ok(self)
    }

    /// The question to which a group belongs, and the group as it would be if that alone had been asked.
    fn whose(&self, mut group: Group) -> (usize, Group) {
        let question = self.ends.partition_point(|end| *end <= group.part);
        group.part -= question.checked_sub(1).map_or(0, |before| self.ends[before]);
        (question, group)
    }
}

async fn reduce<R: Reduce>(mut reducer: R, mut answer: Answer) -> Result<R::Answer> {
    while let Some(group) = answer.groups.try_next().await? {
        reducer.take(group);
    }
    Ok(reducer.finish())
}

impl<'s> Questions<'s> {
    #[must_use]
    pub fn to(store: &'s dyn MetricsStore, versions: Arc<VersionMap>) -> Self {
        Self { store, versions, within: None }
    }

    /// The same for whoever may know of one customer only.
    #[must_use]
    pub fn within(self, customer: Option<Name>) -> Self {
        Self { within: customer, ..self }
    }

    pub(crate) fn view(&self) -> Arc<dyn View> {
        self.narrowed(self.store.view())
    }

    fn narrowed(&self, view: Arc<dyn View>) -> Arc<dyn View> {
        match &self.within {
            Some(customer) => view.within(customer),
            None => view,
        }
    }

    async fn cells(&self, what: &'static str, mut query: CellsQuery) -> Result<Answer> {
        query.filter.versions = Arc::clone(&self.versions);
        let answer = self.store.cells(&query).await?;
        let answer = Answer { view: self.narrowed(Arc::clone(&answer.view)), ..answer };
        let cost = answer.cost;
        tracing::debug!(what, rows = cost.rows, cells = cost.cells, sketches = cost.sketches, "cells were answered");
        Ok(answer)
    }

    /// # Errors
    /// As [`crate::Metrics::summary`].
    pub async fn summary(&self, q: &SummaryQuery) -> Result<Summary> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.chosen(&q.metrics, &q.scope, &looked_at(q));
        let answer = self.cells("summary", summary::question(q, &chosen)).await?;
        let reducer = summary::Reducer::new(q, chosen, Arc::clone(&answer.view), Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::summary`].
    pub async fn place(&self, q: &SummaryQuery, models: &ComparisonQuery) -> Result<(Summary, Comparison)> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.chosen(&q.metrics, &q.scope, &looked_at(q));
        let of_models = view.chosen(&models.metrics, &models.scope, &[models.range]);
        let together =
            Together::default().and(summary::question(q, &chosen))?.and(comparison::question(models, &of_models))?;
        let mut answer = self.cells("place", together.query.clone()).await?;
        let view = || Arc::clone(&answer.view);
        let mut summary = summary::Reducer::new(q, chosen, view(), Arc::clone(&answer.words));
        let mut comparison = comparison::Reducer::new(models, of_models, view(), Arc::clone(&answer.words));
        while let Some(group) = answer.groups.try_next().await? {
            match together.whose(group) {
                (0, group) => summary.take(group),
                (_, group) => comparison.take(group),
            }
        }
        Ok((summary.finish(), comparison.finish()))
    }

    /// # Errors
    /// As [`crate::Metrics::trend`].
    pub async fn trends(&self, q: &TrendsQuery) -> Result<Trends> {
        if q.trend.model.is_some() {
            // A model's rows and those of all: two questions.
            let (trend, worst) = (self.trend(&q.trend), self.worst(&q.worst));
            let (trend, worst, place) = futures::future::join3(trend, worst, self.place(&q.summary, &q.models)).await;
            let (summary, models) = place?;
            return Ok(Trends { trend: trend?, summary, models, worst: worst? });
        }
        let view = self.view();
        view.directory().check(&q.trend.scope)?;
        let (metric, column) = view.directory().metric(&q.trend.metric)?;
        let chosen = view.chosen(&q.summary.metrics, &q.summary.scope, &looked_at(&q.summary));
        let of_models = view.chosen(&q.models.metrics, &q.models.scope, &[q.models.range]);
        let together = Together::default()
            .and(trend::question(&q.trend, column.clone()))?
            .and(summary::question(&q.summary, &chosen))?
            .and(comparison::question(&q.models, &of_models))?
            .and(worst::question(&q.worst, column))?;
        let mut answer = self.cells("trends", together.query.clone()).await?;
        let (view, words) = (|| Arc::clone(&answer.view), || Arc::clone(&answer.words));
        let mut trend = trend::Reducer::new(&q.trend, metric.clone(), view());
        let mut summary = summary::Reducer::new(&q.summary, chosen, view(), words());
        let mut models = comparison::Reducer::new(&q.models, of_models, view(), words());
        let mut worst = worst::Reducer::new(&q.worst, metric, &*answer.view, words());
        while let Some(group) = answer.groups.try_next().await? {
            match together.whose(group) {
                (0, group) => trend.take(group),
                (1, group) => summary.take(group),
                (2, group) => models.take(group),
                (_, group) => worst.take(group),
            }
        }
        let (trend, summary) = (trend.finish(), summary.finish());
        Ok(Trends { trend, summary, models: models.finish(), worst: worst.finish() })
    }

    /// # Errors
    /// As [`crate::Metrics::trend`].
    pub async fn trend(&self, q: &TrendQuery) -> Result<Trend> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let (metric, column) = view.directory().metric(&q.metric)?;
        if let Some(model) = &q.model {
            view.directory().check_model(model)?;
        }
        let answer = self.cells("trend", trend::question(q, column)).await?;
        let reducer = trend::Reducer::new(q, metric, Arc::clone(&answer.view));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::comparison`].
    pub async fn comparison(&self, q: &ComparisonQuery) -> Result<Comparison> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.chosen(&q.metrics, &q.scope, &[q.range]);
        let answer = self.cells("comparison", comparison::question(q, &chosen)).await?;
        let reducer = comparison::Reducer::new(q, chosen, Arc::clone(&answer.view), Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::field_report`].
    pub async fn field_report(&self, q: &ComparisonQuery) -> Result<FieldReport> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let chosen = view.chosen(&q.metrics, &q.scope, &[q.range]);
        let answer = self.cells("field report", field::question(q, &chosen)).await?;
        let reducer = field::Reducer::new(q, chosen, &*answer.view, Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }

    /// # Errors
    /// As [`crate::Metrics::worst`].
    pub async fn worst(&self, q: &WorstQuery) -> Result<Worst> {
        let view = self.view();
        view.directory().check(&q.scope)?;
        let (metric, column) = view.directory().metric(&q.metric)?;
        if let Some(model) = &q.model {
            view.directory().check_model(model)?;
        }
        let answer = self.cells("worst zones", worst::question(q, column)).await?;
        let reducer = worst::Reducer::new(q, metric, &*answer.view, Arc::clone(&answer.words));
        reduce(reducer, answer).await
    }
}

fn looked_at(q: &SummaryQuery) -> Vec<domain::time::TimeRange> {
    [q.range, q.earlier].into_iter().chain(q.course.as_ref().map(|c| c.range)).collect()
}
