//! Before a shadow starts: which effect so many sites and days would show, by how the champion's own records scatter.

use std::collections::BTreeSet;

use domain::{
    Error, Result,
    access::{Action, Object, authorize},
    error::Sentence,
    evidence::{Cells, Plan, Side, Variances, days_before, plan},
    metric::Metric,
    model::ModelKey,
    reducers::{CellReducer, evidence as reducer},
    scope::Scope,
    time::{DAY, TimeRange},
};
use futures::TryStreamExt;

use super::{Evidence, USUAL_PRIMARY};
use crate::sentences;

/// So many days of the champion tell how it scatters.
const LOOKED_AT: i64 = 56;

/// A comparison that somebody thinks of.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanQuestion {
    pub champion: ModelKey,
    pub scope: Scope,
    /// As [`super::EvidenceQuestion::metric`].
    pub metric: Option<String>,
    /// The smallest difference that is to be found, in the metric's unit; the smallest that matters, where nobody says.
    pub effect: Option<f64>,
    /// At how many sites; where the champion runs, where nobody says.
    pub sites: Option<u32>,
    /// By the model's policy, where nobody says.
    pub days: Option<u32>,
}

/// What is known of it.
#[derive(Debug, Clone)]
pub struct PlanAnswer {
    pub metric: Metric,
    /// `None` where the champion has too few records to tell how it scatters.
    pub plan: Option<Plan>,
    /// What was asked, with what nobody said.
    pub effect: f64,
    pub sites: u32,
    pub days: u32,
    /// Where the champion runs.
    pub sites_now: u32,
    pub customers_now: u32,
    /// The records that it is reckoned from.
    pub range: TimeRange,
}

impl PlanAnswer {
    /// What it comes to, or why nothing can be told.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        match &self.plan {
            Some(plan) => plan.sentence(&self.metric),
            None => sentences::no_variances(self.sites_now),
        }
    }
}

impl Evidence {
    /// Plans a comparison.
    ///
    /// # Errors
    /// `NotFound` for unknown places and models; `BadInput` for a metric that is unknown or has no better end, and for an effect, a number of sites or days
    /// that is none; `Unavailable` when the records cannot be read.
    pub async fn plan(&self, q: &PlanQuestion) -> Result<PlanAnswer> {
        self.metrics.authorize(&q.scope)?;
        authorize(self.actor(), Action::ReadMetrics, Object::Scope(&q.scope))?;
        let directory = self.metrics.directory();
        let champion = directory.model(&q.champion)?;
        let (metric, column) = directory.metric(q.metric.as_deref().unwrap_or(USUAL_PRIMARY))?;
        if domain::evidence::sign(&metric).is_none() {
            return Err(Error::bad_input(sentences::no_better_end(&metric.label)).at("metric"));
        }
        let bad = |field, sentence| Err(Error::bad_input(sentence).at(field));
        if q.effect.is_some_and(|e| !e.is_finite() || e <= 0.0) {
            return bad("effect", sentences::bad_plan_effect());
        }
        if q.sites.is_some_and(|n| !(2..=10_000).contains(&n)) {
            return bad("sites", sentences::bad_plan_sites());
        }
        if q.days.is_some_and(|n| !(1..=366).contains(&n)) {
            return bad("days", sentences::bad_plan_days());
        }
        let now = self.shared.clock.now();
        // Whole days: the one that runs is not over.
        let end = now.day().start();
        let range = TimeRange::new(end.plus(-LOOKED_AT * DAY), end)?;
        let chosen = domain::query::SelectedMetrics { metrics: vec![(metric.clone(), column)], present: vec![] };
        let query = reducer::cells_query(Side::Champion, &champion, &q.scope, &[range], &chosen, false);
        let mut answer = self.metrics.query_runner().cells("plan", query.clone()).await?;
        let mut sums = reducer::Reducer::new(Side::Champion, &query, std::sync::Arc::clone(&answer.words));
        while let Some(group) = answer.groups.try_next().await? {
            sums.take(group);
        }
        let cells = Cells::new(1, sums.finish());
        // A champion that is younger than that has its own first day.
        let first = cells.series().iter().filter_map(|s| s.days.first()).map(|d| d.day).min();
        let days = first.unwrap_or_else(|| range.from().day())..days_before(range.to());
        let customers: BTreeSet<_> = cells.sites().filter_map(|s| s.customer().cloned()).collect();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let sites_now = count(cells.sites().count());
        let sums = cells.series().iter().map(|s| s.sum(0, &days)).fold((0.0, 0.0), |(w, wx), m| (w + m.w, wx + m.wx));
        let mean = Some(sums.1 / sums.0).filter(|m| m.is_finite()).unwrap_or(0.0);
        let effect = q.effect.unwrap_or_else(|| metric.smallest_effect().of(mean));
        // A plan needs no store: where the policy cannot be read the usual one holds.
        let policy = self.policy_of(&champion).await.unwrap_or_default();
        let planned_days = q.days.unwrap_or_else(|| u32::try_from(policy.days).unwrap_or(14));
        let sites = q.sites.unwrap_or_else(|| sites_now.max(2));
        let found = Variances::of_champion(&cells, 0, &days);
        let plan =
            found.and_then(|variances| plan(effect, sites, planned_days, Some(count(customers.len())), variances));
        Ok(PlanAnswer {
            metric,
            plan,
            effect,
            sites,
            days: planned_days,
            sites_now,
            customers_now: count(customers.len()),
            range,
        })
    }
}
