//! What evidence is made of: by side, place, task and device, the sums of each UTC day. However the same records are cut into
//! rows and in whatever order these come, the same cells result (`sums.rs`).

use std::ops::Range;

use super::sums::MeanSum;
use crate::{
    aggregate::WeightedMean,
    scope::Place,
    text::Name,
    time::{Day, Millis},
};

/// Whose records they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The model in production.
    Champion,
    /// The model that is to replace it; its records may be of any type.
    Challenger,
}

/// The records of one UTC day.
#[derive(Debug, Clone, PartialEq)]
pub struct DaySums {
    pub day: Day,
    pub records: u64,
    /// The UTC hours in which there are records, a bit each; none where that was not asked for.
    pub hours: u32,
    /// By metric, in the order of [`super::Question::metrics`]; without records where the day has no value.
    pub values: Vec<WeightedMean>,
}

/// The days of one side in one place, task and device.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub side: Side,
    pub place: Place,
    pub task: Option<Name>,
    pub device: Option<Name>,
    pub days: Vec<DaySums>,
}

/// Everything that a comparison is judged by.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells {
    metrics: usize,
    /// By place, task, device and side, each once; days ascend, each once.
    series: Vec<Series>,
    unusable: u64,
}

impl Cells {
    /// Takes rows of `metrics` values in. Sums that are no numbers, and weights that are not positive, count as absent
    /// ([`Cells::unusable`]).
    #[must_use]
    pub fn new(metrics: usize, rows: impl IntoIterator<Item = Series>) -> Self {
        let mut series: Vec<Series> = rows.into_iter().collect();
        series.sort_by(|a, b| a.key().cmp(&b.key()));
        let mut unusable = 0;
        let mut merged: Vec<Series> = Vec::with_capacity(series.len());
        for mut one in series {
            for value in one.days.iter_mut().flat_map(|d| &mut d.values) {
                let usable = value.w.is_finite() && value.wx.is_finite() && value.w > 0.0;
                if value.n > 0 && !usable {
                    (*value, unusable) = (WeightedMean::default(), unusable + value.n);
                }
            }
            match merged.last_mut() {
                Some(last) if last.key() == one.key() => last.days.append(&mut one.days),
                _ => merged.push(one),
            }
        }
        for one in &mut merged {
            one.days = one_a_day(std::mem::take(&mut one.days), metrics, &mut unusable);
        }
        merged.retain(|s| !s.days.is_empty());
        Self { metrics, series: merged, unusable }
    }

    /// How many records of a metric were left out because their sums are no numbers.
    #[must_use]
    pub fn unusable(&self) -> u64 {
        self.unusable
    }

    /// How many metrics a day has.
    #[must_use]
    pub fn metrics(&self) -> usize {
        self.metrics
    }

    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// By site, in order of customer and name: its series.
    pub fn sites(&self) -> impl Iterator<Item = SiteSeries<'_>> {
        self.series
            .chunk_by(|a, b| a.place.customer == b.place.customer && a.place.site == b.place.site)
            .map(|series| SiteSeries { series })
    }

    /// The first day of the challenger; `None` where it has none.
    #[must_use]
    pub fn first_of_challenger(&self) -> Option<Day> {
        self.series.iter().filter(|s| s.side == Side::Challenger).filter_map(|s| s.days.first()).map(|d| d.day).min()
    }
}

impl Series {
    fn key(&self) -> (&Place, &Option<Name>, &Option<Name>, Side) {
        (&self.place, &self.task, &self.device, self.side)
    }

    fn same_cell(&self, other: &Self) -> bool {
        self.place == other.place && self.task == other.task && self.device == other.device
    }

    /// Its days within a stretch.
    #[must_use]
    pub fn within(&self, days: &Range<Day>) -> &[DaySums] {
        let from = self.days.partition_point(|d| d.day < days.start);
        let to = self.days.partition_point(|d| d.day < days.end);
        self.days.get(from..to).unwrap_or_default()
    }

    /// A metric's sums over a stretch of days.
    #[must_use]
    pub fn sum(&self, metric: usize, days: &Range<Day>) -> WeightedMean {
        self.within(days).iter().fold(WeightedMean::default(), |mut all, d| {
            all.merge(&d.value(metric));
            all
        })
    }
}

impl DaySums {
    /// A metric's sums; none where the row is shorter than it should be.
    #[must_use]
    pub fn value(&self, metric: usize) -> WeightedMean {
        self.values.get(metric).copied().unwrap_or_default()
    }
}

/// The series of one site; never empty.
#[derive(Debug, Clone, Copy)]
pub struct SiteSeries<'c> {
    pub series: &'c [Series],
}

impl<'c> SiteSeries<'c> {
    #[must_use]
    pub fn customer(&self) -> Option<&'c Name> {
        self.series.first().map(|s| &s.place.customer)
    }

    #[must_use]
    pub fn site(&self) -> Option<&'c Name> {
        self.series.first().and_then(|s| s.place.site.as_ref())
    }

    pub fn of(&self, side: Side) -> impl Iterator<Item = &'c Series> {
        self.series.iter().filter(move |s| s.side == side)
    }

    /// Zone, task and device by themselves: what the champion and what the challenger has there.
    pub fn cells(&self) -> impl Iterator<Item = (Option<&'c Series>, Option<&'c Series>)> {
        self.series.chunk_by(Series::same_cell).map(|cell| {
            let of = |side| cell.iter().find(|s| s.side == side);
            (of(Side::Champion), of(Side::Challenger))
        })
    }
}

/// Days in order, rows of the same day put together: which of them came first is no matter, nor how many they are. Sums that no number holds count
/// as absent; of how many records, is counted.
fn one_a_day(mut days: Vec<DaySums>, metrics: usize, unusable: &mut u64) -> Vec<DaySums> {
    // Most often each day stands there once and in order.
    if !days.is_sorted_by(|a, b| a.day < b.day) {
        let bits = |d: &DaySums| d.values.iter().map(|v| (v.n, v.w.to_bits(), v.wx.to_bits())).collect::<Vec<_>>();
        days.sort_by(|a, b| a.day.cmp(&b.day).then_with(|| bits(a).cmp(&bits(b))));
    }
    let mut sums: Vec<MeanSum> = vec![];
    let mut of_day = |rows: &[DaySums]| {
        sums.clear();
        sums.resize(metrics, MeanSum::default());
        for row in rows {
            sums.iter_mut().zip(&row.values).for_each(|(sum, value)| sum.add(value));
        }
        let mut value = |sum: &MeanSum| {
            let mean = sum.mean();
            let usable = mean.n == 0 || (mean.w.is_finite() && mean.wx.is_finite() && mean.w > 0.0);
            *unusable += if usable { 0 } else { mean.n };
            if usable { mean } else { WeightedMean::default() }
        };
        DaySums {
            day: rows[0].day,
            records: rows.iter().map(|r| r.records).sum(),
            hours: rows.iter().fold(0, |all, r| all | r.hours),
            values: sums.iter().map(&mut value).collect(),
        }
    };
    days.chunk_by(|a, b| a.day == b.day).map(&mut of_day).collect()
}

/// The days that begin before a moment: the day in which it lies is one of them, unless it begins with it.
#[must_use]
pub fn days_before(moment: Millis) -> Day {
    let day = moment.day();
    if day.start() < moment { Day(day.0.saturating_add(1)) } else { day }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::DAY;

    fn name(t: &str) -> Name {
        Name::parse(t).expect("a name")
    }

    fn series(site: &str, side: Side, days: &[(i32, f64, f64)]) -> Series {
        let place = Place { customer: name("c"), site: Some(name(site)), zone: None };
        let day = |(day, w, x): &(i32, f64, f64)| DaySums {
            day: Day(*day),
            records: 1,
            hours: 1,
            values: vec![WeightedMean { n: 1, w: *w, wx: w * x }],
        };
        Series { side, place, task: None, device: None, days: days.iter().map(day).collect() }
    }

    #[test]
    fn the_order_and_the_cut_of_rows_do_not_matter() {
        let whole = [
            series("a", Side::Champion, &[(1, 1.0, 0.1), (2, 2.0, 0.7), (2, 3.0, 0.9)]),
            series("b", Side::Challenger, &[(1, 1.0, 0.3)]),
        ];
        let parts = [
            series("b", Side::Challenger, &[(1, 1.0, 0.3)]),
            series("a", Side::Champion, &[(2, 3.0, 0.9)]),
            series("a", Side::Champion, &[(2, 2.0, 0.7), (1, 1.0, 0.1)]),
        ];
        let (whole, parts) = (Cells::new(1, whole), Cells::new(1, parts));
        assert_eq!(whole, parts);
        assert_eq!((whole.series().len(), whole.sites().count(), whole.unusable()), (2, 2, 0));
        assert_eq!(whole.series()[0].sum(0, &(Day(0)..Day(3))).n, 3);
        assert_eq!(whole.series()[0].within(&(Day(2)..Day(9))).len(), 1);
    }

    #[test]
    fn sums_that_are_no_numbers_are_left_out_and_counted() {
        let rows = [series("a", Side::Champion, &[(1, f64::NAN, 1.0), (2, 1.0, f64::INFINITY), (3, -1.0, 0.5)])];
        let cells = Cells::new(2, rows);
        assert_eq!((cells.unusable(), cells.series()[0].sum(0, &(Day(0)..Day(9))).n), (3, 0));
        assert_eq!(cells.series()[0].days[0].value(7), WeightedMean::default());
    }

    #[test]
    fn a_day_that_begins_before_a_moment_lies_before_it() {
        assert_eq!((days_before(Millis(DAY)), days_before(Millis(DAY + 1))), (Day(1), Day(2)));
    }
}
