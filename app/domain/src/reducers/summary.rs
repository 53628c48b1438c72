//! A summary: how a scope did over a range and over an earlier one, with its children and, of the fleet, every site.

use std::{collections::BTreeMap, sync::Arc};

use super::{CellReducer, depends_on_device, mixed};
use crate::{
    cells::{
        CellGroup, Cells, CellsQuery, Detail, Dimension, Filter, GroupKey, MetricDetail, MetricValues, NameTable,
        QueryPart,
    },
    ports::MetricsSnapshot,
    query::{ChildSummary, EarlierQuantiles, LatestValue, MetricSummary, SelectedMetrics, Summary, SummaryQuery},
    scope::{Level, Scope},
    state::{DataState, Health, HealthReport, MetricSiteCounts},
    text::Name,
};

/// Its parts, by their place in the query: the range, the earlier period, the course.
const CURRENT: usize = 0;
const EARLIER: usize = 1;
const COURSE: usize = 2;

/// Whether every site of the fleet is answered for.
pub(super) fn by_site(q: &SummaryQuery) -> bool {
    q.sites && q.scope.level() == Level::Fleet
}

/// What tells the scope's children apart; `None` where they are not asked for.
fn child_dimension(q: &SummaryQuery) -> Option<Dimension> {
    match q.scope.level() {
        _ if !q.children => None,
        Level::Fleet => Some(Dimension::Customer),
        Level::Customer => Some(Dimension::Site),
        Level::Site => Some(Dimension::Zone),
        Level::Zone => None,
    }
}

/// The cells that it needs.
#[must_use]
pub fn cells_query(q: &SummaryQuery, chosen: &SelectedMetrics) -> CellsQuery {
    let by: Vec<Dimension> =
        if by_site(q) { vec![Dimension::Customer, Dimension::Site] } else { child_dimension(q).into_iter().collect() };
    let metrics = || chosen.metrics.iter();
    let current = metrics().map(|(_, column)| MetricDetail {
        latest: true,
        sites: true,
        devices: depends_on_device(column),
        ..MetricDetail::new(column.clone(), Detail::Full)
    });
    let earlier = metrics().map(|(m, column)| {
        let in_full = q.earlier_quantiles.contains(&m.key);
        MetricDetail::new(column.clone(), if in_full { Detail::Full } else { Detail::Means })
    });
    let mut parts = vec![
        QueryPart::over(q.range).group_by(by.iter().copied()).with_metrics(current),
        QueryPart::over(q.earlier).group_by(by.iter().copied()).with_metrics(earlier),
    ];
    parts.extend(q.course.as_ref().map(|course| {
        let means = metrics().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Means));
        QueryPart::over(course.range)
            .with_buckets(course.buckets.clone())
            .group_by(by.iter().copied())
            .with_metrics(means)
    }));
    CellsQuery { filter: Filter { scope: q.scope.clone(), ..Filter::default() }, parts }
}

/// What is known of a site, a child or the whole, by part.
#[derive(Debug, Default)]
struct Tally([Option<Cells>; 3]);

impl Tally {
    fn take(&mut self, part: usize, cells: Cells) {
        match self.0.get_mut(part) {
            Some(Some(known)) => known.merge(&cells),
            Some(none) => *none = Some(cells),
            None => debug_assert!(false, "a summary has no part {part}"),
        }
    }

    fn merge(&mut self, other: Self) {
        for (part, cells) in other.0.into_iter().enumerate() {
            if let Some(cells) = cells {
                self.take(part, cells);
            }
        }
    }

    /// Whether there are rows in the range or in the earlier period; those of the course alone make no child.
    fn seen(&self) -> bool {
        [CURRENT, EARLIER].iter().any(|p| self.0[*p].as_ref().is_some_and(|c| !c.is_empty()))
    }

    fn records(&self) -> u64 {
        self.0[CURRENT].as_ref().map_or(0, |c| c.rows.iter().sum())
    }

    fn simulated(&self) -> bool {
        (0..self.metrics()).any(|m| self.is_simulated(m))
    }

    fn metrics(&self) -> usize {
        self.0.iter().flatten().map(|c| c.metrics.len()).max().unwrap_or(0)
    }

    fn is_simulated(&self, metric: usize) -> bool {
        [CURRENT, EARLIER].iter().filter_map(|p| self.values(*p, metric)).any(|v| v.simulated.iter().any(|s| *s))
    }

    /// The values of a metric in a part that has cells.
    fn values(&self, part: usize, metric: usize) -> Option<&MetricValues> {
        self.0[part].as_ref().filter(|c| !c.is_empty()).map(|c| &c.metrics[metric])
    }
}

/// A summary on its way.
pub struct Reducer<'a> {
    q: &'a SummaryQuery,
    chosen: SelectedMetrics,
    view: Arc<dyn MetricsSnapshot>,
    words: Arc<NameTable>,
    health: HealthReport,
    /// The group whose parts come in.
    open: Option<(GroupKey, Tally)>,
    /// Of the fleet by site: the customer whose sites come in.
    customer: Option<(Name, Tally)>,
    whole: Tally,
    children: BTreeMap<Name, ChildSummary>,
    sites: BTreeMap<(Name, Option<Name>), ChildSummary>,
}

impl CellReducer for Reducer<'_> {
    type Answer = Summary;

    fn take(&mut self, group: CellGroup) {
        if self.open.as_ref().is_some_and(|(key, _)| *key != group.key) {
            self.close();
        }
        self.open.get_or_insert_with(|| (group.key, Tally::default())).1.take(group.part, group.cells);
    }

    fn finish(mut self) -> Self::Answer {
        self.close();
        self.close_customer();
        // Those that were expected to have records, and had none.
        if child_dimension(self.q).is_some() {
            let silent = self.health.children.keys().filter(|n| !self.children.contains_key(*n));
            let silent: Vec<Name> = silent.cloned().collect();
            self.children.extend(silent.into_iter().map(|n| (n.clone(), self.child(&n, None))).collect::<Vec<_>>());
        }
        if by_site(self.q) {
            let silent = self.health.sites.keys().filter(|s| !self.sites.contains_key(*s));
            let silent: Vec<_> = silent.cloned().collect();
            self.sites.extend(silent.into_iter().map(|s| (s.clone(), self.site(&s, None))).collect::<Vec<_>>());
        }
        let q = self.q;
        Summary {
            scope: q.scope.clone(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: self.view.as_of().unwrap_or(q.now),
            metrics: self.shape(&self.whole, &self.health.whole, &self.health.expected),
            simulated: self.whole.simulated(),
            records: self.whole.records(),
            since: self.view.since(&q.scope, q.earlier.from(), q.range.to()),
            present: self.chosen.present,
            health: self.health.whole,
            children: self.children.into_values().collect(),
            sites: self.sites.into_values().collect(),
        }
    }
}

impl<'a> Reducer<'a> {
    #[must_use]
    pub fn new(
        q: &'a SummaryQuery,
        chosen: SelectedMetrics,
        view: Arc<dyn MetricsSnapshot>,
        words: Arc<NameTable>,
    ) -> Self {
        let health = view.health(&q.scope, &q.range, q.now);
        Self {
            q,
            chosen,
            view,
            words,
            health,
            open: None,
            customer: None,
            whole: Tally::default(),
            children: BTreeMap::new(),
            sites: BTreeMap::new(),
        }
    }

    /// The group that came in is whole.
    fn close(&mut self) {
        let Some((key, tally)) = self.open.take() else { return };
        if by_site(self.q) {
            let Some(customer) = self.words.name(&key, Dimension::Customer).cloned() else { return };
            let site = (customer.clone(), self.words.name(&key, Dimension::Site).cloned());
            if tally.seen() || self.health.sites.contains_key(&site) {
                let summary = self.site(&site, Some(&tally));
                self.sites.insert(site, summary);
            }
            if self.customer.as_ref().is_some_and(|(name, _)| *name != customer) {
                self.close_customer();
            }
            self.customer.get_or_insert_with(|| (customer, Tally::default())).1.merge(tally);
            return;
        }
        let name = child_dimension(self.q).and_then(|by| self.words.name(&key, by).cloned());
        self.close_child(name, tally);
    }

    fn close_customer(&mut self) {
        if let Some((name, tally)) = self.customer.take() {
            self.close_child(Some(name).filter(|_| self.q.children), tally);
        }
    }

    fn close_child(&mut self, name: Option<Name>, tally: Tally) {
        if let Some(name) = name.filter(|n| tally.seen() || self.health.children.contains_key(n)) {
            let summary = self.child(&name, Some(&tally));
            self.children.insert(name, summary);
        }
        self.whole.merge(tally);
    }

    fn child(&self, name: &Name, tally: Option<&Tally>) -> ChildSummary {
        self.part(self.q.scope.child(name.clone()), tally, self.health.children.get(name))
    }

    fn site(&self, site: &(Name, Option<Name>), tally: Option<&Tally>) -> ChildSummary {
        let scope = Scope { customer: Some(site.0.clone()), site: site.1.clone(), ..self.q.scope.clone() };
        self.part(scope, tally, self.health.sites.get(site))
    }

    fn part(&self, scope: Scope, tally: Option<&Tally>, health: Option<&(Health, MetricSiteCounts)>) -> ChildSummary {
        let (health, expected) = health.cloned().unwrap_or((Health::default(), [0; 64]));
        ChildSummary {
            metrics: tally.map_or_else(Vec::new, |t| self.shape(t, &health, &expected)),
            simulated: tally.is_some_and(Tally::simulated),
            records: tally.map_or(0, Tally::records),
            health,
            scope,
        }
    }

    fn shape(&self, tally: &Tally, health: &Health, expected: &MetricSiteCounts) -> Vec<MetricSummary> {
        let metrics = self.chosen.metrics.iter().enumerate();
        metrics.filter_map(|(m, _)| self.metric(m, tally, health, expected)).collect()
    }

    /// One metric; `None` when nothing was there to be seen of it.
    fn metric(&self, m: usize, tally: &Tally, health: &Health, expected: &MetricSiteCounts) -> Option<MetricSummary> {
        let (metric, column) = &self.chosen.metrics[m];
        // Without edges there is one cell.
        let (current, earlier) = (tally.values(CURRENT, m), tally.values(EARLIER, m));
        let now = current.map(|v| v.sums.mean(0)).unwrap_or_default();
        let before = earlier.map(|v| v.sums.mean(0)).unwrap_or_default();
        let course = self.course(m, tally);
        if now.n == 0 && before.n == 0 && course.iter().all(Option::is_none) {
            return None;
        }
        let sites = current.and_then(|v| v.sites.as_ref()).map_or(0, |s| s[0].len() as u32);
        // A metric over the limit in the count is expected where anything is.
        let sites_expected =
            self.view.site_count_index(column).map_or(health.sites_expected, |i| expected[i]).max(sites);
        let quantiles = |v: Option<&MetricValues>| v.and_then(|v| v.sums.aggregate(0)?.quantiles());
        let q = quantiles(current);
        let latest = current.and_then(|v| v.latest.as_ref()?[0]);
        Some(MetricSummary {
            metric: metric.key.to_string(),
            unit: metric.unit.to_string(),
            direction: metric.direction,
            value: now.value(),
            previous: before.value(),
            delta: now.value().zip(before.value()).map(|(v, b)| v - b),
            change: None,
            n: now.n,
            weight: now.w,
            sites_reporting: sites,
            sites_expected,
            latest: latest.map(|l| LatestValue { value: l.value, timestamp: l.at }),
            p50: q.map(|q| q[0]),
            p95: q.map(|q| q[1]),
            p99: q.map(|q| q[2]),
            earlier_quantiles: quantiles(earlier).map(|before| EarlierQuantiles::new(before, q)),
            // A metric that fell silent while its places still report other things is stale by itself.
            state: if now.n == 0 && health.state == DataState::Ok { DataState::Stale } else { health.state },
            devices: current.and_then(|v| v.devices.as_ref()).map_or_else(Vec::new, |d| mixed(&d[0])),
            simulated: tally.is_simulated(m),
            assumed: metric.assumed,
            course,
        })
    }

    /// A mean a bucket of the course; empty without one.
    fn course(&self, m: usize, tally: &Tally) -> Vec<Option<f64>> {
        let Some(asked) = &self.q.course else { return vec![] };
        let mut course = vec![None; asked.buckets().len()];
        let Some(cells) = &tally.0[COURSE] else { return course };
        let first = asked.first();
        for (row, bucket) in cells.buckets.iter().enumerate() {
            if let Some(slot) = bucket.checked_sub(first).and_then(|s| course.get_mut(s as usize)) {
                *slot = cells.metrics[m].sums.mean(row).value();
            }
        }
        course
    }
}
