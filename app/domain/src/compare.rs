//! Models side by side: what each did, and how it differs from a baseline, everywhere or only where both ran. The
//! arithmetic alone; whether a difference is decisive is another question (paired evidence, at promotion).

use std::{
    borrow::Cow,
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
};

mod paired;

use paired::Pairs;
pub use paired::Same;

use crate::{
    aggregate::{Aggregate, Mean},
    error::{Error, Result},
    metric::{Change, Metric},
    model::ModelKey,
    query::FieldReport,
    scope::{Place, clip},
    sentences,
    text::Name,
    time::{Day, Millis},
};

/// Models that one picture can hold.
pub const MOST_MODELS: usize = 8;

/// Which places a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Places {
    /// Only zones where both the model and the baseline reported the metric, each compared with itself.
    #[default]
    Same,
    /// Every zone of either: where a model ran weighs in as well as how it did.
    All,
}

impl Places {
    /// # Errors
    /// Names the two accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "same" => Ok(Self::Same),
            "all" => Ok(Self::All),
            _ => Err(Error::bad_input(sentences::bad_places(clip(text)))),
        }
    }
}

/// What counts as one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    #[default]
    Version,
    /// All versions of an architecture together.
    Architecture,
}

impl By {
    /// # Errors
    /// Names the two accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "version" => Ok(Self::Version),
            "architecture" => Ok(Self::Architecture),
            _ => Err(Error::bad_input(sentences::bad_by(clip(text)))),
        }
    }
}

/// One model of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct Contender {
    pub model: ModelKey,
    pub n: u64,
    pub zones: usize,
    /// Zones where the baseline ran as well; in how many of these the two ran on different UTC days, or devices.
    pub shared: usize,
    pub other_days: usize,
    pub other_devices: usize,
    pub first: Millis,
    pub last: Millis,
    /// By [`FieldReport::metrics`].
    pub figures: Vec<Figure>,
}

/// How a model did in one metric, and how that differs from the baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    /// Over every zone of the model: Σwx/Σw.
    pub value: Option<f64>,
    pub n: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// The model's value minus the baseline's, over every zone of either.
    pub everywhere: Option<f64>,
    /// The two over the zones where both reported this metric.
    pub same: Option<Same>,
}

impl Figure {
    #[must_use]
    pub fn delta(&self, places: Places) -> Option<f64> {
        match places {
            Places::Same => self.same.map(|s| s.delta),
            Places::All => self.everywhere,
        }
    }

    /// What contenders of a site are ranked by: at the same places the difference to the baseline, whose own is zero;
    /// everywhere the value.
    #[must_use]
    pub fn rank(&self, places: Places) -> Option<f64> {
        match places {
            Places::Same => self.delta(places),
            Places::All => self.value,
        }
    }

    /// What the difference everywhere owes to where the two ran, and how much in each place: it minus the one at the same
    /// places. Zero where both ran in the same zones, with the same shares of their samples.
    #[must_use]
    pub fn mix(&self) -> Option<f64> {
        Some(self.everywhere? - self.same?.delta)
    }
}

/// One site in one metric: what each model did there.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteContest {
    pub customer: Name,
    pub site: Option<Name>,
    /// By contender, over the zones of the site; without quantiles.
    pub figures: Vec<Figure>,
    /// The contender that did best by [`Figure::rank`], where at least two can be compared, the metric has a direction and the
    /// lead matters.
    pub best: Option<usize>,
}

/// A model in one place.
#[derive(Debug, Clone)]
struct Ran<'r> {
    values: Cow<'r, [Aggregate]>,
    days: Cow<'r, BTreeSet<Day>>,
    devices: Cow<'r, BTreeSet<Box<str>>>,
}

/// By place, what is known of a model.
type Cells<'r> = BTreeMap<&'r Place, Ran<'r>>;

/// The field of a report, told apart by model.
#[derive(Debug)]
pub struct Field<'r> {
    report: &'r FieldReport,
    /// Most records first.
    models: Vec<(ModelKey, Cells<'r>, u64, Millis, Millis)>,
}

impl<'r> Field<'r> {
    /// Rows that name no model count for nothing.
    #[must_use]
    pub fn of(report: &'r FieldReport, by: By) -> Self {
        let mut found: BTreeMap<ModelKey, (Cells<'r>, u64, Millis, Millis)> = BTreeMap::new();
        for cell in &report.cells {
            let Some(model) = &cell.model else { continue };
            let model = if by == By::Version { model.clone() } else { model.any_version() };
            let entry = found.entry(model).or_insert_with(|| (Cells::new(), 0, cell.first, cell.last));
            match entry.0.get_mut(&cell.place) {
                Some(ran) => {
                    ran.values.to_mut().iter_mut().zip(&cell.values).for_each(|(a, b)| a.merge(b));
                    ran.days.to_mut().extend(&cell.days);
                    ran.devices.to_mut().extend(cell.devices.iter().cloned());
                }
                None => {
                    let ran = Ran {
                        values: Cow::Borrowed(&cell.values),
                        days: Cow::Borrowed(&cell.days),
                        devices: Cow::Borrowed(&cell.devices),
                    };
                    entry.0.insert(&cell.place, ran);
                }
            }
            entry.1 += cell.n;
            entry.2 = entry.2.min(cell.first);
            entry.3 = entry.3.max(cell.last);
        }
        let mut models: Vec<_> = found.into_iter().map(|(m, (cells, n, f, l))| (m, cells, n, f, l)).collect();
        models.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        Self { report, models }
    }

    /// Every model that ran, with the number of its records, most first.
    #[must_use]
    pub fn models(&self) -> Vec<(&ModelKey, u64)> {
        self.models.iter().map(|m| (&m.0, m.2)).collect()
    }

    /// Every other model that ran: the number of zones where the baseline ran as well, and of its records.
    #[must_use]
    pub fn challengers(&self, baseline: &ModelKey) -> Vec<(&ModelKey, usize, u64)> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let others = self.models.iter().filter(|m| m.0 != *baseline);
        others.map(|m| (&m.0, met(&m.1, &base.1), m.2)).collect()
    }

    /// The chosen models against the baseline, which comes first. Models that did not run are left out.
    #[must_use]
    pub fn contenders(&self, baseline: &ModelKey, chosen: &[ModelKey]) -> Vec<Contender> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let mut seen = BTreeSet::from([baseline]);
        let others = chosen.iter().filter(|m| seen.insert(m)).filter_map(|m| self.models.iter().find(|x| x.0 == *m));
        std::iter::once(base)
            .chain(others)
            .map(|m| {
                let zones = beside(&m.1, &base.1);
                Contender {
                    model: m.0.clone(),
                    n: m.2,
                    zones: m.1.len(),
                    shared: zones.iter().filter(|z| z.ours.is_some() && z.base.is_some()).count(),
                    other_days: zones.iter().filter(|z| z.other_days).count(),
                    other_devices: zones.iter().filter(|z| z.other_devices).count(),
                    first: m.3,
                    last: m.4,
                    figures: (0..self.report.metrics.len()).map(|i| whole_figure(i, &zones)).collect(),
                }
            })
            .collect()
    }

    /// Where which contender wins, in one metric; sites in order of customer and name.
    #[must_use]
    pub fn sites(&self, metric: usize, contenders: &[Contender], places: Places) -> Vec<SiteContest> {
        let cells: Vec<&Cells<'r>> =
            contenders.iter().filter_map(|c| self.models.iter().find(|m| m.0 == c.model).map(|m| &m.1)).collect();
        let Some(base) = cells.first() else { return vec![] };
        let kind = &self.report.metrics[metric];
        let mut found: BTreeMap<SiteKey<'r>, Vec<Figure>> = BTreeMap::new();
        for (i, c) in cells.iter().enumerate() {
            // By place, so that the zones of a site lie together.
            for zones in beside(c, base).chunk_by(|x, y| x.site() == y.site()) {
                let figures = found.entry(zones[0].site()).or_insert_with(|| vec![Figure::default(); cells.len()]);
                figures[i] = figure(metric, zones);
            }
        }
        found
            .into_iter()
            .filter(|(_, figures)| figures.iter().any(|f| f.value.is_some()))
            .map(|((customer, site), figures)| SiteContest {
                customer: customer.clone(),
                site: site.clone(),
                best: best(kind, &figures, places),
                figures,
            })
            .collect()
    }
}

type SiteKey<'r> = (&'r Name, &'r Option<Name>);

/// Who did best. Of several models each difference stands on its own zones; the baseline is what they have in common.
fn best(metric: &Metric, figures: &[Figure], places: Places) -> Option<usize> {
    let known: Vec<(usize, f64)> = figures.iter().enumerate().filter_map(|(i, f)| Some((i, f.rank(places)?))).collect();
    let better = |a: f64, b: f64| metric.direction.read(a - b) == Change::Better;
    let (first, rest) = known.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let top = rest.iter().fold(*first, |top, k| if better(k.1, top.1) { *k } else { top });
    // Equals have no winner, and a lead too small to matter is none: beside it the differences read "negligible".
    let level = |k: &(usize, f64)| match places {
        Places::Same => figures.first().and_then(|f| f.value),
        Places::All => Some(k.1),
    };
    let leads = |k: &(usize, f64)| better(top.1, k.1) && metric.matters(top.1 - k.1, level(k));
    known.iter().all(|k| k.0 == top.0 || leads(k)).then_some(top.0)
}

/// In how many places both ran.
fn met(ours: &Cells<'_>, base: &Cells<'_>) -> usize {
    ours.keys().filter(|p| base.contains_key(*p)).count()
}

/// A zone in which at least one of the two ran.
#[derive(Debug, Clone, Copy)]
struct Beside<'f, 'r> {
    place: &'r Place,
    ours: Option<&'f Ran<'r>>,
    base: Option<&'f Ran<'r>>,
    other_days: bool,
    other_devices: bool,
}

impl<'r> Beside<'_, 'r> {
    fn site(&self) -> SiteKey<'r> {
        (&self.place.customer, &self.place.site)
    }
}

/// The zones of either, by place: two lists in order, merged.
fn beside<'f, 'r>(ours: &'f Cells<'r>, base: &'f Cells<'r>) -> Vec<Beside<'f, 'r>> {
    let mut zones = Vec::with_capacity(ours.len().max(base.len()));
    let (mut ours, mut base) = (ours.iter().peekable(), base.iter().peekable());
    loop {
        let order = match (ours.peek(), base.peek()) {
            (Some(b), Some(a)) => b.0.cmp(a.0),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        let b = if order.is_le() { ours.next() } else { None };
        let a = if order.is_ge() { base.next() } else { None };
        let Some((place, _)) = b.or(a) else { return zones };
        let (ours, base) = (b.map(|b| b.1), a.map(|a| a.1));
        let differ = |by: fn(&Ran<'r>, &Ran<'r>) -> bool| ours.zip(base).is_some_and(|(b, a)| by(b, a));
        let other_days = differ(|b, a| b.days != a.days);
        let other_devices = differ(|b, a| b.devices != a.devices);
        zones.push(Beside { place, ours, base, other_days, other_devices });
    }
}

/// A model's figure over some zones; without quantiles, which are no matter of means.
fn figure(i: usize, zones: &[Beside<'_, '_>]) -> Figure {
    let (mut ours, mut base, mut pairs) = (Mean::default(), Mean::default(), Pairs::default());
    for zone in zones {
        let of = |ran: Option<&Ran<'_>>| ran.map(|r| *r.values[i].mean()).filter(|m| m.n > 0);
        let (b, a) = (of(zone.ours), of(zone.base));
        ours.merge(&b.unwrap_or_default());
        base.merge(&a.unwrap_or_default());
        if let (Some(b), Some(a)) = (b, a) {
            // Of any metric: a device's runtime may round a model's weights, which its accuracy feels as well.
            pairs.add(&b, &a, zone.other_days, zone.other_devices);
        }
    }
    Figure {
        value: ours.value(),
        n: ours.n,
        p50: None,
        p95: None,
        everywhere: ours.value().zip(base.value()).map(|(b, a)| b - a),
        same: pairs.same(),
    }
}

/// The same with quantiles.
fn whole_figure(i: usize, zones: &[Beside<'_, '_>]) -> Figure {
    let mut whole = Aggregate::default();
    zones.iter().filter_map(|z| z.ours).for_each(|ran| whole.merge(&ran.values[i]));
    let quantiles = whole.quantiles();
    Figure { p50: quantiles.map(|q| q[0]), p95: quantiles.map(|q| q[1]), ..figure(i, zones) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        metric::{CATALOGUE, built_in},
        query::FieldCell,
    };

    fn model(name: &str) -> ModelKey {
        ModelKey::parse(name).expect("a model")
    }

    /// Model, zone (two to a site), value and weight.
    type Row<'a> = (&'a str, u8, f64, f64);

    fn report(rows: &[Row<'_>]) -> FieldReport {
        let rows: Vec<_> = rows.iter().map(|r| (*r, &[0][..], "")).collect();
        noted(CATALOGUE[0].clone(), &rows)
    }

    /// The same in any metric, with days and device.
    fn noted(metric: Metric, rows: &[(Row<'_>, &[i32], &str)]) -> FieldReport {
        let name = |t: String| Name::parse(&t).expect("a name");
        let cells = rows.iter().enumerate().map(|(i, ((m, zone, x, w), days, device))| {
            let mut a = Aggregate::default();
            a.add(*x, *w);
            FieldCell {
                place: Place {
                    customer: name("c".into()),
                    site: Some(name(format!("s{}", zone / 2))),
                    zone: Some(name(format!("z{zone}"))),
                },
                model: Some(model(m)),
                n: 1,
                first: Millis(i as i64),
                last: Millis(i as i64),
                days: days.iter().map(|d| Day(*d)).collect(),
                devices: BTreeSet::from([Box::from(*device)]),
                values: vec![a],
            }
        });
        let metrics = vec![metric];
        FieldReport { as_of: Millis(0), simulated: false, metrics, present: vec![], cells: cells.collect() }
    }

    /// B beside A in the one metric of a report.
    fn b_beside_a(r: &FieldReport) -> Figure {
        Field::of(r, By::Version).contenders(&model("a:1"), &[model("b:1")]).remove(1).figures.remove(0)
    }

    fn same(f: &Figure) -> Same {
        f.same.expect("shared zones")
    }

    /// B is better in both zones, but ran mostly in the hard one (Simpson's paradox).
    const PARADOX: [Row<'_>; 4] =
        [("a:1", 0, 0.90, 90.0), ("a:1", 1, 0.50, 10.0), ("b:1", 0, 0.92, 10.0), ("b:1", 1, 0.52, 90.0)];

    #[test]
    fn who_is_better_in_each_zone_wins_however_the_samples_lie() {
        let r = report(&PARADOX);
        let f = b_beside_a(&r);
        let s = same(&f);
        assert!((s.delta - 0.02).abs() < 1e-12, "{s:?}");
        assert!((s.ours - 0.72).abs() < 1e-12 && (s.base - 0.70).abs() < 1e-12, "both zones weigh 9: {s:?}");
        assert!((f.everywhere.expect("known") + 0.30).abs() < 1e-12, "pooled, the loser leads");
        assert!((f.mix().expect("known") + 0.32).abs() < 1e-12, "the rest is where they ran");
        assert_eq!((s.zones, s.like_with_like()), (2, true));
        let field = Field::of(&r, By::Version);
        let c = field.contenders(&model("a:1"), &[model("b:1")]);
        assert_eq!(field.sites(0, &c, Places::Same)[0].best, Some(1), "zone by zone");
        assert_eq!(field.sites(0, &c, Places::All)[0].best, Some(0), "by value over the whole site");
    }

    #[test]
    fn a_model_that_ran_at_hard_sites_only_is_compared_where_both_ran() {
        // B ran at the hard zone alone, and did better there than A.
        let r = report(&[("a:1", 0, 0.9, 1.0), ("a:1", 1, 0.5, 1.0), ("b:1", 1, 0.6, 1.0)]);
        let field = Field::of(&r, By::Version);
        let c = field.contenders(&model("a:1"), &[model("b:1")]);
        let f = &c[1].figures[0];
        assert!((f.everywhere.expect("known") + 0.1).abs() < 1e-12, "everywhere it looks worse");
        assert!((same(f).delta - 0.1).abs() < 1e-12, "at the same places it is better");
        assert_eq!((same(f).zones, c[1].shared, c[1].zones), (1, 1, 1));
        let sites = field.sites(0, &c, Places::Same);
        assert_eq!(sites.len(), 1);
        assert_eq!(sites[0].best, Some(1), "in the zone that both know it leads");
        assert!(same(&sites[0].figures[1]).delta > 0.0);
        assert_eq!(field.sites(0, &c, Places::All)[0].best, Some(0), "by value over the whole site the first leads");
    }

    #[test]
    fn of_many_at_a_site_the_one_with_the_best_difference_to_the_baseline_leads() {
        let chosen = [model("b:1"), model("c:1"), model("d:1")];
        let lead = |rows: &[Row<'_>]| {
            let r = report(rows);
            let field = Field::of(&r, By::Version);
            let c = field.contenders(&model("a:1"), &chosen);
            field.sites(0, &c, Places::Same)[0].best
        };
        // D has the best value, where the baseline never was; C gains most on the baseline, at the harder zone.
        let rows = [("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.81, 1.0), ("c:1", 0, 0.7, 1.0), ("d:1", 1, 0.9, 1.0)];
        assert_eq!(lead(&rows), Some(1));
        let close = [("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.803, 1.0)];
        assert_eq!(lead(&close), None, "a lead too small to matter is none");
        let hard = [("a:1", 1, 0.4, 1.0), ("c:1", 1, 0.9, 1.0)];
        assert_eq!(lead(&[&rows[..3], &hard[..]].concat()), Some(2));
        assert_eq!(
            lead(&[("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.7, 1.0)]),
            Some(0),
            "the baseline's own difference is zero"
        );
        assert_eq!(lead(&[("a:1", 0, 0.8, 1.0), ("b:1", 0, 0.8, 5.0)]), None, "equals have no winner");
        assert_eq!(lead(&[("a:1", 0, 0.8, 1.0), ("d:1", 1, 0.9, 1.0)]), None, "nobody shares a zone");
    }

    #[test]
    fn zones_where_days_or_devices_differ_are_counted() {
        let rows = [
            (("a:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
            (("b:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
            (("a:1", 1, 0.8, 1.0), &[1, 2][..], "T4"),
            (("b:1", 1, 0.8, 1.0), &[1][..], "Orin"),
            (("a:1", 2, 0.8, 1.0), &[1][..], ""),
            (("b:1", 2, 0.8, 1.0), &[2][..], ""),
            // Not shared.
            (("b:1", 3, 0.8, 1.0), &[9][..], "Orin"),
        ];
        let of = |key: &str| same(&b_beside_a(&noted(CATALOGUE[built_in(key).expect("known")].clone(), &rows)));
        let latency = of("inference_time_ms");
        assert_eq!((latency.zones, latency.other_days, latency.other_devices), (3, 2, 1));
        assert_eq!(of("mAP50").other_devices, 1, "a runtime of another device may be less exact, too");
        // Versions of an architecture count together: their days and devices as well.
        let both = [
            (("a:1", 0, 0.8, 1.0), &[1][..], "T4"),
            (("a:2", 0, 0.8, 1.0), &[2][..], "Orin"),
            (("b:1", 0, 0.8, 1.0), &[1, 2][..], "T4"),
        ];
        let r = noted(CATALOGUE[built_in("fps").expect("known")].clone(), &both);
        let c = Field::of(&r, By::Architecture).contenders(&model("a"), &[model("b")]);
        let s = same(&c[1].figures[0]);
        assert_eq!((s.zones, s.other_days, s.other_devices), (1, 0, 1));
        assert_eq!((c[1].shared, c[1].other_days, c[1].other_devices), (1, 0, 1));
    }

    #[test]
    fn without_a_shared_place_there_is_no_difference_at_the_same_places() {
        let r = report(&[("a:1", 0, 0.9, 1.0), ("b:1", 1, 0.6, 1.0)]);
        let c = Field::of(&r, By::Version).contenders(&model("a:1"), &[model("b:1"), model("nobody")]);
        assert_eq!((c.len(), c[1].figures[0].same, c[1].figures[0].mix()), (2, None, None));
        assert!(Field::of(&r, By::Version).contenders(&model("nobody"), &[]).is_empty());
    }

    #[test]
    fn versions_of_an_architecture_can_be_put_together() {
        let r = report(&[("a:1", 0, 0.9, 1.0), ("a:2", 0, 0.7, 3.0), ("b", 0, 0.6, 1.0)]);
        let field = Field::of(&r, By::Architecture);
        assert_eq!(field.models(), [(&model("a"), 2), (&model("b"), 1)]);
        let c = field.contenders(&model("a"), &[]);
        assert!((c[0].figures[0].value.expect("known") - 0.75).abs() < 1e-12, "weighted by samples");
    }

    proptest! {
        #[test]
        fn a_difference_turns_its_sign_with_the_baseline(rows in prop::collection::vec((0usize..2, 0u8..6, 0.0f64..1.0, 0.5f64..9.0), 2..40)) {
            let rows: Vec<_> = rows.into_iter().map(|(m, z, x, w)| (["a:1", "b:1"][m], z, x, w)).collect();
            let r = report(&rows);
            let field = Field::of(&r, By::Version);
            let one = field.contenders(&model("a:1"), &[model("b:1")]);
            let other = field.contenders(&model("b:1"), &[model("a:1")]);
            prop_assume!(one.len() == 2 && other.len() == 2);
            for places in [Places::Same, Places::All] {
                let (x, y) = (one[1].figures[0].delta(places), other[1].figures[0].delta(places));
                prop_assert_eq!(x.is_some(), y.is_some());
                prop_assert!((x.unwrap_or(0.0) + y.unwrap_or(0.0)).abs() < 1e-12);
            }
            prop_assert_eq!(one[0].figures[0].delta(Places::Same), one[0].figures[0].value.map(|_| 0.0));
        }

        #[test]
        fn whoever_wins_in_every_shared_zone_wins_there_in_sum_wherever_else_they_ran(
            // Leads that matter: smaller ones make no winner of a site.
            shared in prop::collection::vec((0.0f64..1.0, 0.006f64..1.0, 1.0f64..1e6, 1.0f64..1e6), 1..12),
            alone in prop::collection::vec((0usize..2, 0.0f64..1.0, 1.0f64..1e6), 0..12),
        ) {
            let both = shared.iter().zip(0u8..).flat_map(|((x, lead, v, w), z)| [("a:1", z, *x, *v), ("b:1", z, x + lead, *w)]);
            let rest = alone.iter().zip(100u8..).map(|((m, x, w), z)| (["a:1", "b:1"][*m], z, *x, *w));
            let r = report(&both.chain(rest).collect::<Vec<_>>());
            let f = b_beside_a(&r);
            prop_assert!(same(&f).delta > 0.0, "{:?}", f);
            prop_assert_eq!(same(&f).zones, shared.len());
            let field = Field::of(&r, By::Version);
            let c = field.contenders(&model("a:1"), &[model("b:1")]);
            for site in field.sites(0, &c, Places::Same) {
                prop_assert_eq!(site.best, site.figures[1].same.map(|_| 1), "at each site too: {:?}", site);
            }
        }

        #[test]
        fn shares_that_are_proportional_leave_no_mix(
            zones in prop::collection::vec((0.0f64..1.0, 0.0f64..1.0, 0.5f64..1e6), 1..12), k in 0.001f64..1e3,
        ) {
            let rows: Vec<_> =
                zones.iter().zip(0u8..).flat_map(|((a, b, w), z)| [("a:1", z, *a, *w), ("b:1", z, *b, k * w)]).collect();
            let f = b_beside_a(&report(&rows));
            prop_assert!(f.mix().expect("known").abs() < 1e-12, "{:?}", f);
            prop_assert!((same(&f).ours - f.value.expect("known")).abs() < 1e-12, "{:?}", f);
        }

        #[test]
        fn everywhere_is_the_same_places_and_the_mix(rows in prop::collection::vec((0usize..2, 0u8..6, 0.0f64..1.0, 0.5f64..9.0), 2..40)) {
            let rows: Vec<_> = rows.into_iter().map(|(m, z, x, w)| (["a:1", "b:1"][m], z, x, w)).collect();
            let r = report(&rows);
            let c = Field::of(&r, By::Version).contenders(&model("a:1"), &[model("b:1")]);
            prop_assume!(c.len() == 2);
            let (f, base) = (&c[1].figures[0], c[0].figures[0].value);
            prop_assert_eq!(f.everywhere, f.value.zip(base).map(|(b, a)| b - a), "pooled by samples");
            if let Some(s) = f.same {
                prop_assert_eq!(s.delta, s.ours - s.base);
                prop_assert!((s.delta + f.mix().expect("known") - f.everywhere.expect("known")).abs() < 1e-12);
            }
        }
    }
}
