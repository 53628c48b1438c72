//! Models side by side: what each did, and how it differs from a baseline, everywhere or only where both ran. The
//! arithmetic alone; whether a difference is decisive is another question (paired evidence, at promotion).

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    aggregate::{Aggregate, Mean},
    error::{Error, Result},
    metric::{Change, Metric},
    query::FieldReport,
    say,
    scope::{Model, Place, clip},
    text::Name,
    time::Millis,
};

/// Models that one picture can hold.
pub const MOST_MODELS: usize = 8;

/// Which places a difference counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Places {
    /// Only zones where both the model and the baseline reported the metric.
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
            _ => Err(Error::bad_input(say!(
                "places is same or all, not “{got}”",
                "places는 same 또는 all입니다. 받은 값: “{got}”",
                got = clip(text)
            ))),
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
            _ => Err(Error::bad_input(say!(
                "by is version or architecture, not “{got}”",
                "by는 version 또는 architecture입니다. 받은 값: “{got}”",
                got = clip(text)
            ))),
        }
    }
}

/// One model of the field.
#[derive(Debug, Clone, PartialEq)]
pub struct Contender {
    pub model: Model,
    pub n: u64,
    pub zones: usize,
    /// Zones where the baseline ran as well.
    pub shared: usize,
    pub first: Millis,
    pub last: Millis,
    /// By [`FieldReport::metrics`].
    pub figures: Vec<Figure>,
}

/// How a model did in one metric, and how that differs from the baseline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figure {
    /// Over every zone of the model.
    pub value: Option<f64>,
    pub n: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// The model's value minus the baseline's, over every zone of either.
    pub everywhere: Option<f64>,
    /// The same over the zones where both reported this metric.
    pub same: Option<f64>,
    /// How many zones these are.
    pub shared: usize,
}

impl Figure {
    #[must_use]
    pub fn delta(&self, places: Places) -> Option<f64> {
        match places {
            Places::Same => self.same,
            Places::All => self.everywhere,
        }
    }
}

/// One site in one metric: what each model did there.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteContest {
    pub customer: Name,
    pub site: Option<Name>,
    /// By contender: value, and difference to the baseline by the same rule as the table's.
    pub figures: Vec<(Option<f64>, Option<f64>)>,
    /// The contender with the best value, where at least two have one and the metric has a direction.
    pub best: Option<usize>,
}

/// By place, what is known of each metric.
type Cells<'r> = BTreeMap<&'r Place, Cow<'r, [Aggregate]>>;

/// The field of a report, told apart by model.
#[derive(Debug)]
pub struct Field<'r> {
    report: &'r FieldReport,
    /// Most records first.
    models: Vec<(Model, Cells<'r>, u64, Millis, Millis)>,
}

impl<'r> Field<'r> {
    /// Rows that name no model count for nothing.
    #[must_use]
    pub fn of(report: &'r FieldReport, by: By) -> Self {
        let mut found: BTreeMap<Model, (Cells<'r>, u64, Millis, Millis)> = BTreeMap::new();
        for cell in &report.cells {
            let Some(architecture) = cell.architecture.as_deref().and_then(|a| Name::parse(a).ok()) else { continue };
            let version = cell.version.as_deref().filter(|_| by == By::Version).and_then(|v| Name::parse(v).ok());
            let entry = found
                .entry(Model { architecture, version })
                .or_insert_with(|| (Cells::new(), 0, cell.first, cell.last));
            match entry.0.get_mut(&cell.place) {
                Some(values) => values.to_mut().iter_mut().zip(&cell.values).for_each(|(a, b)| a.merge(b)),
                None => drop(entry.0.insert(&cell.place, Cow::Borrowed(&cell.values))),
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
    pub fn models(&self) -> Vec<(&Model, u64)> {
        self.models.iter().map(|m| (&m.0, m.2)).collect()
    }

    /// Every other model that ran: the number of zones where the baseline ran as well, and of its records.
    #[must_use]
    pub fn challengers(&self, baseline: &Model) -> Vec<(&Model, usize, u64)> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let others = self.models.iter().filter(|m| m.0 != *baseline);
        others.map(|m| (&m.0, met(&m.1, &base.1), m.2)).collect()
    }

    /// The chosen models against the baseline, which comes first. Models that did not run are left out.
    #[must_use]
    pub fn contenders(&self, baseline: &Model, chosen: &[Model]) -> Vec<Contender> {
        let Some(base) = self.models.iter().find(|m| m.0 == *baseline) else { return vec![] };
        let mut seen = BTreeSet::from([baseline]);
        let others = chosen.iter().filter(|m| seen.insert(m)).filter_map(|m| self.models.iter().find(|x| x.0 == *m));
        std::iter::once(base)
            .chain(others)
            .map(|m| Contender {
                model: m.0.clone(),
                n: m.2,
                zones: m.1.len(),
                shared: met(&m.1, &base.1),
                first: m.3,
                last: m.4,
                figures: (0..self.report.metrics.len()).map(|i| whole_figure(i, &m.1, &base.1)).collect(),
            })
            .collect()
    }

    /// Where which contender wins, in one metric; sites in order of customer and name.
    #[must_use]
    pub fn sites(&self, metric: usize, contenders: &[Contender], places: Places) -> Vec<SiteContest> {
        let cells: Vec<&Cells<'r>> =
            contenders.iter().filter_map(|c| self.models.iter().find(|m| m.0 == c.model).map(|m| &m.1)).collect();
        let Some(base) = cells.first() else { return vec![] };
        let sites: BTreeSet<(&Name, &Option<Name>)> =
            cells.iter().flat_map(|c| c.keys().map(|p| (&p.customer, &p.site))).collect();
        sites
            .into_iter()
            .map(|(customer, site)| {
                let here = |p: &Place| p.customer == *customer && p.site == *site;
                let figures: Vec<(Option<f64>, Option<f64>)> = cells
                    .iter()
                    .map(|c| {
                        let f = figure(metric, c, base, here);
                        (f.value, f.delta(places))
                    })
                    .collect();
                SiteContest {
                    customer: customer.clone(),
                    site: site.clone(),
                    best: best(&self.report.metrics[metric], &figures),
                    figures,
                }
            })
            .filter(|s| s.figures.iter().any(|f| f.0.is_some()))
            .collect()
    }
}

fn best(metric: &Metric, figures: &[(Option<f64>, Option<f64>)]) -> Option<usize> {
    let known: Vec<(usize, f64)> = figures.iter().enumerate().filter_map(|(i, f)| Some((i, f.0?))).collect();
    let better = |a: f64, b: f64| metric.direction.read(a - b) == Change::Better;
    let (first, rest) = known.split_first()?;
    if rest.is_empty() {
        return None;
    }
    let top = rest.iter().fold(*first, |top, k| if better(k.1, top.1) { *k } else { top });
    // Equal values have no winner.
    known.iter().all(|k| k.0 == top.0 || better(top.1, k.1)).then_some(top.0)
}

/// In how many places both ran.
fn met(ours: &Cells<'_>, base: &Cells<'_>) -> usize {
    ours.keys().filter(|p| base.contains_key(*p)).count()
}

/// A model's figure over the places for which `within` holds; without quantiles, which are no matter of means.
fn figure(metric: usize, ours: &Cells<'_>, base: &Cells<'_>, within: impl Fn(&Place) -> bool) -> Figure {
    let reported = |cells: &Cells<'_>, p: &Place| cells.get(p).is_some_and(|v| v[metric].mean.n > 0);
    let shared = |p: &Place| within(p) && reported(ours, p) && reported(base, p);
    let sum = |cells: &Cells<'_>, counts: &dyn Fn(&Place) -> bool| {
        let mut whole = Mean::default();
        cells.iter().filter(|(p, _)| counts(p)).for_each(|(_, v)| whole.merge(&v[metric].mean));
        whole
    };
    let minus = |a: &Mean, b: &Mean| Some(a.value()? - b.value()?);
    let all = sum(ours, &within);
    Figure {
        value: all.value(),
        n: all.n,
        p50: None,
        p95: None,
        everywhere: minus(&all, &sum(base, &within)),
        same: minus(&sum(ours, &shared), &sum(base, &shared)),
        shared: ours.keys().filter(|p| shared(p)).count(),
    }
}

/// The same over every place, with quantiles.
fn whole_figure(metric: usize, ours: &Cells<'_>, base: &Cells<'_>) -> Figure {
    let mut whole = Aggregate::default();
    ours.values().for_each(|v| whole.merge(&v[metric]));
    let quantiles = whole.quantiles();
    Figure { p50: quantiles.map(|q| q[0]), p95: quantiles.map(|q| q[1]), ..figure(metric, ours, base, |_| true) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{metric::CATALOGUE, query::FieldCell};

    fn model(name: &str) -> Model {
        Model::parse(name).expect("a model")
    }

    fn report(rows: &[(&str, u8, f64, f64)]) -> FieldReport {
        let name = |t: String| Name::parse(&t).expect("a name");
        let cells = rows.iter().enumerate().map(|(i, (m, zone, x, w))| {
            let (architecture, version) = m.split_once(':').map_or((*m, None), |(a, v)| (a, Some(v)));
            let mut a = Aggregate::default();
            a.add(*x, *w, Millis(i as i64), i as i64);
            FieldCell {
                place: Place {
                    customer: name("c".into()),
                    site: Some(name(format!("s{}", zone / 2))),
                    zone: Some(name(format!("z{zone}"))),
                },
                architecture: Some(architecture.to_owned()),
                version: version.map(str::to_owned),
                n: 1,
                first: Millis(i as i64),
                last: Millis(i as i64),
                values: vec![a],
            }
        });
        let metrics = vec![CATALOGUE[0].clone()];
        FieldReport { as_of: Millis(0), simulated: false, metrics, present: vec![], cells: cells.collect() }
    }

    #[test]
    fn a_model_that_ran_at_hard_sites_only_is_compared_where_both_ran() {
        // B ran at the hard zone alone, and did better there than A.
        let r = report(&[("a:1", 0, 0.9, 1.0), ("a:1", 1, 0.5, 1.0), ("b:1", 1, 0.6, 1.0)]);
        let field = Field::of(&r, By::Version);
        let c = field.contenders(&model("a:1"), &[model("b:1")]);
        let f = &c[1].figures[0];
        assert!((f.everywhere.expect("known") + 0.1).abs() < 1e-12, "everywhere it looks worse");
        assert!((f.same.expect("known") - 0.1).abs() < 1e-12, "at the same places it is better");
        assert_eq!((f.shared, c[1].shared, c[1].zones), (1, 1, 1));
        let sites = field.sites(0, &c, Places::Same);
        assert_eq!(sites.len(), 1);
        assert_eq!(sites[0].best, Some(0), "by value over the whole site the first leads");
        assert!(sites[0].figures[1].1.expect("known") > 0.0);
    }

    #[test]
    fn without_a_shared_place_there_is_no_difference_at_the_same_places() {
        let r = report(&[("a:1", 0, 0.9, 1.0), ("b:1", 1, 0.6, 1.0)]);
        let c = Field::of(&r, By::Version).contenders(&model("a:1"), &[model("b:1"), model("nobody")]);
        assert_eq!((c.len(), c[1].figures[0].same, c[1].figures[0].shared), (2, None, 0));
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
            prop_assert_eq!(one[0].figures[0].same, one[0].figures[0].value.map(|_| 0.0));
        }
    }
}
