//! The changes beside the numbers of a summary: how much of each is the same places doing otherwise, and whether that is more than noise. Two
//! queries: the places of both periods, and, of what has too few places, the mean of each day.

use std::{collections::BTreeMap, sync::Arc};

use super::CellReducer;
use crate::{
    aggregate::WeightedMean,
    cells::{CellGroup, CellsQuery, Detail, Dimension, Filter, MetricDetail, NameTable, QueryPart, TimeBuckets},
    evidence::{DailyMeans, Delta, DeltaOver, EARLIER_DAYS, PlaceMeans, colours, delta},
    metric::Metric,
    query::{ChildSummary, MetricChange, MetricSummary, SelectedMetrics, Summary, SummaryQuery},
    scope::{Level, Place},
    text::Name,
    time::{DAY, Step, TimeRange},
};

/// Parts of the query about places.
const AFTER: usize = 0;
const BEFORE: usize = 1;

/// The cells of the places in both periods.
#[must_use]
pub fn places_query(q: &SummaryQuery, chosen: &SelectedMetrics) -> CellsQuery {
    let by = [Dimension::Customer, Dimension::Site, Dimension::Zone, Dimension::Task, Dimension::Device];
    let part = |range: TimeRange| QueryPart::over(range).group_by(by).with_metrics(means(chosen));
    CellsQuery { filter: filter(q), parts: vec![part(q.range), part(q.earlier)] }
}

fn filter(q: &SummaryQuery) -> Filter {
    Filter { scope: q.scope.clone(), ..Filter::default() }
}

fn means(chosen: &SelectedMetrics) -> impl Iterator<Item = MetricDetail> {
    chosen.metrics.iter().map(|(_, column)| MetricDetail::new(column.clone(), Detail::Means))
}

/// What a summary answers for: the whole, a child, or a site of the fleet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Whole,
    Child(Name),
    Site(Name, Option<Name>),
}

impl Member {
    fn level(&self, q: &SummaryQuery) -> Level {
        match (self, q.scope.level()) {
            (Self::Whole, level) => level,
            (Self::Site(..), _) | (Self::Child(_), Level::Customer) => Level::Site,
            (Self::Child(_), Level::Fleet) => Level::Customer,
            (Self::Child(_), Level::Site | Level::Zone) => Level::Zone,
        }
    }

    /// Those that a place counts for.
    fn of(place: &Place, q: &SummaryQuery) -> impl Iterator<Item = Self> {
        let child = match q.scope.level() {
            _ if !q.children => None,
            Level::Fleet => Some(place.customer.clone()),
            Level::Customer => place.site.clone(),
            Level::Site => place.zone.clone(),
            Level::Zone => None,
        };
        let site = super::summary::by_site(q).then(|| Self::Site(place.customer.clone(), place.site.clone()));
        [Some(Self::Whole), child.map(Self::Child), site].into_iter().flatten()
    }
}

/// A zone, task and device in both periods, by metric.
struct Cell {
    place: Place,
    task: Option<Name>,
    device: Option<Name>,
    /// Before and after.
    sums: Vec<[WeightedMean; 2]>,
}

/// The places of a summary on their way.
pub struct Places<'a> {
    q: &'a SummaryQuery,
    chosen: &'a SelectedMetrics,
    words: Arc<NameTable>,
    open: Option<([u32; 6], Cell)>,
    cells: Vec<Cell>,
}

impl<'a> Places<'a> {
    #[must_use]
    pub fn new(q: &'a SummaryQuery, chosen: &'a SelectedMetrics, words: Arc<NameTable>) -> Self {
        Self { q, chosen, words, open: None, cells: vec![] }
    }
}

impl<'a> CellReducer for Places<'a> {
    type Answer = Deltas<'a>;

    fn take(&mut self, group: CellGroup) {
        let key = group.key.0;
        if self.open.as_ref().is_none_or(|(open, _)| *open != key) {
            self.cells.extend(self.open.take().map(|(_, cell)| cell));
            let name = |by| self.words.name(&group.key, by).cloned();
            let Some(customer) = name(Dimension::Customer) else { return };
            let place = Place { customer, site: name(Dimension::Site), zone: name(Dimension::Zone) };
            let sums = vec![[WeightedMean::default(); 2]; self.chosen.metrics.len()];
            let cell = Cell { place, task: name(Dimension::Task), device: name(Dimension::Device), sums };
            self.open = Some((key, cell));
        }
        let Some((_, cell)) = &mut self.open else { return };
        let period = match group.part {
            AFTER => 1,
            BEFORE => 0,
            _ => return,
        };
        for row in 0..group.cells.len() {
            for (sums, metric) in cell.sums.iter_mut().zip(&group.cells.metrics) {
                sums[period].merge(&metric.sums.mean(row));
            }
        }
    }

    fn finish(mut self) -> Deltas<'a> {
        self.cells.extend(self.open.take().map(|(_, cell)| cell));
        let mut of: BTreeMap<Member, Vec<usize>> = BTreeMap::new();
        for (i, cell) in self.cells.iter().enumerate() {
            for member in Member::of(&cell.place, self.q) {
                of.entry(member).or_default().push(i);
            }
        }
        let mut deltas = Deltas { q: self.q, chosen: self.chosen, cells: self.cells, of, found: BTreeMap::new() };
        deltas.found = deltas.of.keys().map(|m| (m.clone(), deltas.member(m, |_| DailyMeans::default()))).collect();
        deltas
    }
}

/// The changes of a summary.
pub struct Deltas<'a> {
    q: &'a SummaryQuery,
    chosen: &'a SelectedMetrics,
    cells: Vec<Cell>,
    /// The numbers of the cells that count for it.
    of: BTreeMap<Member, Vec<usize>>,
    /// By metric.
    found: BTreeMap<Member, Vec<Delta>>,
}

impl<'a> Deltas<'a> {
    fn member(&self, member: &Member, daily: impl Fn(usize) -> DailyMeans) -> Vec<Delta> {
        let level = member.level(self.q);
        let cells = self.of.get(member).map_or(&[][..], Vec::as_slice);
        let of = |metric: usize| {
            let means = |i: &usize| {
                let cell = &self.cells[*i];
                let [before, after] = cell.sums[metric];
                let some = before.n > 0 || after.n > 0;
                some.then(|| PlaceMeans {
                    place: cell.place.clone(),
                    task: cell.task.clone(),
                    device: cell.device.clone(),
                    before,
                    after,
                })
            };
            delta(level, &cells.iter().filter_map(means).collect::<Vec<_>>(), &daily(metric))
        };
        (0..self.chosen.metrics.len()).map(of).collect()
    }

    /// Whether a change needs days to be told from noise: it has too few places.
    fn needs_days(delta: &Delta) -> bool {
        delta.same.is_some() && delta.over == DeltaOver::TooFew
    }

    /// The cells of the days, where any change needs them.
    #[must_use]
    pub fn days_query(&self) -> Option<CellsQuery> {
        if !self.found.values().flatten().any(Self::needs_days) {
            return None;
        }
        // Days are counted from the beginning of each period, so that both have the same.
        let step = Step::parse("1d").ok()?;
        let by: Vec<Dimension> = match self.q.scope.level() {
            Level::Fleet if super::summary::by_site(self.q) => vec![Dimension::Customer, Dimension::Site],
            _ if !self.q.children => vec![],
            Level::Fleet => vec![Dimension::Customer],
            Level::Customer => vec![Dimension::Site],
            Level::Site => vec![Dimension::Zone],
            Level::Zone => vec![],
        };
        let part = |range: TimeRange| {
            let days = TimeBuckets::every(range.from(), step);
            QueryPart::over(range).with_buckets(days).group_by(by.clone()).with_metrics(means(self.chosen))
        };
        let before = self.q.earlier.from();
        let earlier = TimeRange::new(before.plus(-(EARLIER_DAYS as i64) * DAY), before).ok()?;
        Some(CellsQuery {
            filter: filter(self.q),
            parts: [self.q.range, self.q.earlier, earlier].into_iter().map(part).collect(),
        })
    }

    /// Whoever takes the cells of [`Deltas::days_query`] in.
    #[must_use]
    pub fn days(self, words: Arc<NameTable>) -> Days<'a> {
        Days { deltas: self, words, sums: BTreeMap::new() }
    }

    /// Writes the changes, with their colours, into the summary that they are of. Those beside each other are one table: of the whole its metrics,
    /// of the children and of the sites those of each metric.
    pub fn put_into(&self, summary: &mut Summary) {
        self.put_row(&Member::Whole, &mut summary.metrics);
        let child = |c: &ChildSummary| {
            let name = match self.q.scope.level() {
                Level::Fleet => c.scope.customer.clone(),
                Level::Customer => c.scope.site.clone(),
                Level::Site | Level::Zone => c.scope.zone.clone(),
            };
            name.map(Member::Child)
        };
        self.put_columns(&mut summary.children, child);
        let site = |c: &ChildSummary| c.scope.customer.clone().map(|name| Member::Site(name, c.scope.site.clone()));
        self.put_columns(&mut summary.sites, site);
    }

    fn metric(&self, key: &str) -> Option<(usize, &Metric)> {
        self.chosen.metrics.iter().enumerate().find(|(_, (m, _))| *m.key == *key).map(|(i, (m, _))| (i, m))
    }

    fn put_row(&self, member: &Member, metrics: &mut [MetricSummary]) {
        let Some(found) = self.found.get(member) else { return };
        let known: Vec<(&mut MetricSummary, &Metric, Delta)> =
            metrics.iter_mut().filter_map(|m| self.metric(&m.metric).map(|(i, of)| (m, of, found[i]))).collect();
        put(known);
    }

    fn put_columns(&self, children: &mut [ChildSummary], member: impl Fn(&ChildSummary) -> Option<Member>) {
        for (i, (metric, _)) in self.chosen.metrics.iter().enumerate() {
            let known = children.iter_mut().filter_map(|c| {
                let delta = *self.found.get(&member(c)?)?.get(i)?;
                c.metrics.iter_mut().find(|m| *m.metric == *metric.key).map(|m| (m, metric, delta))
            });
            put(known.collect());
        }
    }
}

/// The changes of one table, coloured together.
fn put(table: Vec<(&mut MetricSummary, &Metric, Delta)>) {
    let cells: Vec<(&Metric, Delta)> = table.iter().map(|(_, metric, delta)| (*metric, *delta)).collect();
    for ((summary, _, delta), colour) in table.into_iter().zip(colours(&cells)) {
        summary.change = Some(MetricChange { delta, colour });
    }
}

/// The daily means of a summary on their way.
pub struct Days<'a> {
    deltas: Deltas<'a>,
    words: Arc<NameTable>,
    /// By member, and of it by metric, part and day.
    sums: BTreeMap<Member, Vec<[BTreeMap<u32, WeightedMean>; 3]>>,
}

impl<'a> CellReducer for Days<'a> {
    type Answer = Deltas<'a>;

    fn take(&mut self, group: CellGroup) {
        let q = self.deltas.q;
        let name = |by| self.words.name(&group.key, by).cloned();
        let child = match q.scope.level() {
            Level::Fleet => name(Dimension::Customer),
            Level::Customer => name(Dimension::Site),
            Level::Site | Level::Zone => name(Dimension::Zone),
        };
        let site = name(Dimension::Customer).filter(|_| super::summary::by_site(q));
        let members = [
            Some(Member::Whole),
            child.map(Member::Child),
            site.map(|customer| Member::Site(customer, name(Dimension::Site))),
        ];
        for member in members.into_iter().flatten() {
            let metrics = self.deltas.chosen.metrics.len();
            let sums = self.sums.entry(member).or_insert_with(|| vec![Default::default(); metrics]);
            for (sums, metric) in sums.iter_mut().zip(&group.cells.metrics) {
                let Some(days) = sums.get_mut(group.part) else { continue };
                for (row, day) in group.cells.buckets.iter().enumerate() {
                    days.entry(*day).or_default().merge(&metric.sums.mean(row));
                }
            }
        }
    }

    fn finish(self) -> Deltas<'a> {
        let Self { mut deltas, sums, .. } = self;
        let q = deltas.q;
        let days = |sums: &BTreeMap<u32, WeightedMean>, length: i64| -> Vec<Option<f64>> {
            // A day that is not half over would weigh as much as a whole one.
            let whole = (length + DAY / 2) / DAY;
            (1..=whole).map(|d| sums.get(&(d as u32)).and_then(WeightedMean::value)).collect()
        };
        let weights = |sums: &BTreeMap<u32, WeightedMean>, length: i64| -> Vec<f64> {
            (1..=(length + DAY / 2) / DAY).map(|d| sums.get(&(d as u32)).map_or(0.0, |m| m.w)).collect()
        };
        let daily = |of: &[BTreeMap<u32, WeightedMean>; 3]| DailyMeans {
            after: days(&of[0], q.range.length()),
            before: days(&of[1], q.earlier.length()),
            earlier: days(&of[2], EARLIER_DAYS as i64 * DAY),
            after_weights: weights(&of[0], q.range.length()),
            before_weights: weights(&of[1], q.earlier.length()),
        };
        let mut found = std::mem::take(&mut deltas.found);
        for (member, known) in &mut found {
            let (true, Some(sums)) = (known.iter().any(Deltas::needs_days), sums.get(member)) else { continue };
            let with_days = deltas.member(member, |metric| daily(&sums[metric]));
            for (known, with_days) in known.iter_mut().zip(with_days) {
                if Deltas::needs_days(known) {
                    *known = with_days;
                }
            }
        }
        deltas.found = found;
        deltas
    }
}
