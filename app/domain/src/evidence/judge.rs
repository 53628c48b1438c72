//! The verdict on a challenger: what is asked, and what is answered.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    balance::{Balance, balance, clocks_apart},
    cells::{Cells, days_before},
    design::{ClusterBy, Clustering, Design, Differences, Estimand, LEAST_CLUSTERS, Look, differences, interval},
    interval::Estimate,
    multiple::holm,
    plan::{WouldDecide, would_decide},
    quantile::{LEAST_RECORDS, QuantileDifference},
    rails::{Checked, GuardRails, PRIMARY_SHARE, Rail, RailResult, RailStanding, sign},
    registration::{LEAST_DAYS, Registration},
    sentences,
    written::{all_in_english, in_english, label, percent, plain, signed, twelve_digits_of, twelve_digits_or_null},
};
use crate::{
    error::{Error, Result, Sentence},
    metric::{ChangeVerdict, Metric},
    scope::Place,
    text::Name,
    time::{DAY, Day, Millis},
};

/// What a judgement is about.
#[derive(Debug, Clone)]
pub struct Question {
    pub registration: Registration,
    /// The one that fits where nobody said.
    pub design: Option<Design>,
    /// The metrics of the cells, in their order; the primary is one of them.
    pub metrics: Vec<Metric>,
    /// Keys of further metrics of which superiority is claimed together with the primary (Holm).
    pub claims: Vec<String>,
    pub rails: GuardRails,
    /// What the records are of.
    pub basis: Basis,
    /// Settings that changed, whenever.
    pub changes: Vec<SettingChange>,
    /// The moment of the look: later records do not count, nor those behind the horizon.
    pub as_of: Millis,
    /// How many days somebody looked, this one included.
    pub looks: u32,
    /// The days that metrics are shown of; those of the registered period where nobody said. The verdict does not depend on it.
    pub shown: Option<Range<Day>>,
}

/// What the compared values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// Records of the field.
    #[default]
    Records,
    /// Metrics of runs, one each: nothing tells how they would scatter.
    RunsWithoutRepeats,
}

/// A setting of a place that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingChange {
    pub setting: Setting,
    pub place: Place,
    pub at: Millis,
}

/// What splits a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    Rule,
    Device,
    Threshold,
}

/// The verdict, in the order in which they are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The two did not see the same: no number counts.
    Unhealthy,
    /// The primary or a guard-rail lies entirely beyond its margin.
    Worse,
    /// The primary is superior, and no guard-rail is broken or in doubt.
    Better,
    /// All within margins.
    NotWorse,
    NotDecisive,
}

/// The answer; serialised as REST gives it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    pub design: Design,
    /// As addresses write them.
    pub champion: String,
    pub challenger: String,
    pub primary: String,
    pub verdict: Verdict,
    /// Before the horizon.
    pub provisional: bool,
    pub looks: u32,
    #[serde(serialize_with = "in_english")]
    pub sentence: Sentence,
    pub metrics: Vec<MetricRow>,
    /// Those whose difference is worse by more than the smallest effect that matters, worst first.
    pub worse_sites: Vec<SiteRow>,
    pub balance: Balance,
    pub guard_rails: Vec<RailResult>,
    /// What else is to be known, most important first.
    #[serde(serialize_with = "all_in_english")]
    pub notes: Vec<Sentence>,
    /// Every site, where they are too few for a verdict.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteRow>,
    pub start: Millis,
    pub horizon: Millis,
    pub as_of: Millis,
}

/// A metric in one estimand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MetricRow {
    pub metric: String,
    pub estimand: Estimand,
    /// Challenger − champion, in the metric's unit; `None` where no site has both.
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub difference: Option<f64>,
    /// The 95 % interval of one fixed look; `None` with too few degrees of freedom.
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub low: Option<f64>,
    #[serde(serialize_with = "twelve_digits_or_null")]
    pub high: Option<f64>,
    pub n_sites: usize,
    /// Of a quantile 0: it is of all records together.
    pub n_days: usize,
    /// What the jackknife leaves out at a time.
    pub clusters: ClusterBy,
}

/// A site in the primary metric.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SiteRow {
    pub customer: Name,
    pub site: Option<Name>,
    #[serde(serialize_with = "twelve_digits_of")]
    pub difference: f64,
    pub n_days: usize,
}

/// Everything that the verdict is made of.
struct Material {
    /// The primary's differences, its sign, its mean margin, and the distance to it.
    found: Differences,
    sign: f64,
    margin: f64,
    /// The typical difference where more is better, and the same plus the margin.
    gain: Option<Estimate>,
    left: Option<Estimate>,
    clustering: Clustering,
    rails: Vec<RailResult>,
    balance: Balance,
    superior: bool,
    level: f64,
}

/// Judges a challenger.
///
/// # Errors
/// `BadInput` where the registration is no registration, the primary or a claim is no metric of the cells, and where neither more nor less of
/// the primary is better. Whatever the cells hold is answered: with a sentence where it is not enough.
pub fn judge(question: &Question, cells: &Cells) -> Result<Judgement> {
    let registration = question.registration.clone().check(None)?;
    let number = |key: &str| {
        let found = question.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
        found
            .filter(|i| *i < cells.metrics())
            .ok_or_else(|| Error::bad_input(sentences::not_measured(key)).at("metric"))
    };
    let primary = number(&registration.primary)?;
    let metric = &question.metrics[primary];
    let sign = sign(metric).ok_or_else(|| Error::bad_input(sentences::no_direction(&label(metric))).at("metric"))?;
    let claims = question.claims.iter().map(|c| number(c)).collect::<Result<Vec<usize>>>()?;
    let days = period(&registration, question.as_of);
    let no_margin = |_: &Place| Some(0.0);
    let look = |metric| Look { metric, days: &days, device: None, margin: &no_margin };
    let design = question.design.unwrap_or_else(|| Design::fitting(cells, &look(primary)));
    let level = registration.level(question.as_of);
    let concurrent = design == Design::Concurrent;
    let traffic = if concurrent { balance(cells, &days, registration.share) } else { Balance::fine() };

    // The primary, with the margin of each place.
    let found = differences(design, cells, &look(primary));
    let champion = found.champion().unwrap_or(0.0);
    let by_rule = PRIMARY_SHARE * champion.abs();
    let margin_at = |place: &Place| match (registration.margin, question.rails.at(&metric.key, place)) {
        (Some(margin), _) | (None, Rail::Margin(margin)) => Some(margin),
        (None, Rail::DeviceLimit(_) | Rail::Off) => Some(by_rule),
    };
    let found = differences(design, cells, &Look { margin: &margin_at, ..look(primary) });
    let gain = found.estimate(Estimand::Site, sign, 0.0);
    let left = found.estimate(Estimand::Site, sign, 1.0);
    let superior = superior(gain.as_ref(), level, &|| {
        let gains = claims.iter().filter(|c| **c != primary).map(|c| {
            let sign = super::rails::sign(&question.metrics[*c])?;
            let gain = differences(design, cells, &look(*c)).estimate(Estimand::Site, sign, 0.0)?;
            Some(gain.p_above(0.0))
        });
        gains.map(|p| p.unwrap_or(1.0)).collect()
    });
    let checked = Checked { cells, design, days: &days, rails: &question.rails, level };
    let numbered = question.metrics.iter().enumerate().take(cells.metrics());
    let mut rails: Vec<RailResult> =
        numbered.clone().filter(|(i, _)| *i != primary).flat_map(|(i, m)| checked.check(i, m)).collect();
    let unmeasured = question.rails.metrics().filter(|k| !numbered.clone().any(|(_, m)| m.key == *k));
    rails.extend(unmeasured.map(RailResult::unchecked));
    // A limit by device holds for the primary as well; a margin of its is the primary's own.
    rails.extend(checked.check(primary, metric).into_iter().filter(|r| r.device.is_some()));

    let clustering = found.clustering();
    let margin = found.typical(&|s| s.margin).map_or(by_rule, |e| e.mean);
    let balance = traffic;
    let material = Material { found, sign, margin, gain, left, clustering, rails, balance, superior, level };
    let (verdict, sentence) = material.verdict(question, metric, &days);
    let notes = material.notes(question, cells, design, &days);
    let shown = question.shown.as_ref().unwrap_or(&days);
    let rows = numbered.flat_map(|(i, m)| metric_rows(m, design, cells, &Look { days: shown, ..look(i) })).collect();
    let Material { found, balance, rails, .. } = material;
    let sites: Vec<SiteRow> = found.treated.iter().map(SiteRow::of).collect();
    Ok(Judgement {
        design,
        champion: registration.champion.key(),
        challenger: registration.challenger.key(),
        primary: metric.key.to_string(),
        verdict,
        provisional: registration.is_provisional(question.as_of),
        looks: question.looks,
        sentence,
        metrics: rows,
        worse_sites: worse_sites(metric, &found),
        balance,
        guard_rails: rails,
        notes,
        sites: if sites.len() < LEAST_CLUSTERS { sites } else { vec![] },
        start: registration.start,
        horizon: registration.horizon,
        as_of: question.as_of,
    })
}

/// The UTC days of the registered period that have begun.
fn period(registration: &Registration, as_of: Millis) -> Range<Day> {
    let from = registration.start.day();
    from..days_before(registration.horizon.min(as_of)).max(from)
}

/// Whether the primary is superior beside the other claims.
fn superior(gain: Option<&Estimate>, level: f64, others: &dyn Fn() -> Vec<f64>) -> bool {
    let Some(p) = gain.map(|g| g.p_above(0.0)) else { return false };
    // Holm only ever raises it.
    p < level && {
        let mut all = vec![p];
        all.extend(others());
        holm(&all)[0] < level
    }
}

fn metric_rows(metric: &Metric, design: Design, cells: &Cells, look: &Look<'_>) -> [MetricRow; 2] {
    let found = differences(design, cells, look);
    let clusters = found.clustering().by;
    [Estimand::Site, Estimand::Fleet].map(|estimand| {
        let estimate = found.estimate(estimand, 1.0, 0.0);
        let bounds = estimate.and_then(|e| interval(&e, estimand));
        MetricRow {
            metric: metric.key.to_string(),
            estimand,
            difference: estimate.map(|e| e.mean),
            low: bounds.map(|b| b.0),
            high: bounds.map(|b| b.1),
            n_sites: found.treated.len(),
            n_days: found.days(),
            clusters,
        }
    })
}

fn worse_sites(metric: &Metric, found: &Differences) -> Vec<SiteRow> {
    let worse = |s: &&super::design::SiteDifference| {
        metric.direction.judge(s.difference) == ChangeVerdict::Worse
            && metric.exceeds_smallest_effect(s.difference, Some(s.champion))
    };
    let mut rows: Vec<SiteRow> = found.treated.iter().filter(worse).map(SiteRow::of).collect();
    rows.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
    rows
}

impl Judgement {
    /// Adds a quantile of a metric beside the means, such as `inference_time_ms.p95`; one that is not judged is said to be shown alone.
    #[must_use]
    pub fn with_quantile(mut self, metric: &Metric, q: f64, found: &QuantileDifference) -> Self {
        let percentile = format!("{}", (q * 1000.0).round() / 10.0);
        self.metrics.push(MetricRow {
            metric: format!("{}.p{percentile}", metric.key),
            estimand: Estimand::Site,
            difference: Some(found.difference),
            low: found.interval.map(|i| i.0),
            high: found.interval.map(|i| i.1),
            n_sites: found.n_sites,
            n_days: 0,
            clusters: found.clusters,
        });
        if !found.judged {
            self.notes.push(sentences::quantile_shown(percentile, &label(metric), LEAST_RECORDS));
        }
        self
    }
}

impl SiteRow {
    fn of(s: &super::design::SiteDifference) -> Self {
        Self { customer: s.customer.clone(), site: s.site.clone(), difference: s.difference, n_days: s.days.len() }
    }
}

impl Material {
    /// The first that matches.
    fn verdict(&self, question: &Question, metric: &Metric, days: &Range<Day>) -> (Verdict, Sentence) {
        let registration = &question.registration;
        let name = label(metric);
        if let Some(why) = self.unhealthy(question) {
            return (Verdict::Unhealthy, why);
        }
        if let Some(why) = self.undecidable(question, &name, days) {
            return (Verdict::NotDecisive, why);
        }
        // Both are there where something is to be told from.
        let (Some(gain), Some(left)) = (self.gain, self.left) else {
            return (Verdict::NotDecisive, sentences::no_shared_site(&name));
        };
        let difference = signed(metric, self.sign * gain.mean);
        let n = self.found.treated.len();
        let broken = self.rails.iter().find(|r| r.standing == RailStanding::Broken);
        let open = |r: &&RailResult| r.standing == RailStanding::Undecided;
        let doubtful: Vec<&RailResult> = self.rails.iter().filter(open).collect();
        let (verdict, said) = if left.p_below(0.0) < self.level {
            (
                Verdict::Worse,
                sentences::worse(&registration.challenger, &name, &difference, n, plain(metric, self.margin)),
            )
        } else if let Some(rail) = broken {
            (Verdict::Worse, sentences::worse_by_rail(&registration.challenger, &rail_name(question, rail)))
        } else if self.superior && doubtful.is_empty() {
            (Verdict::Better, sentences::better(&registration.challenger, &name, &difference, n))
        } else if left.p_above(0.0) < self.level && doubtful.is_empty() {
            let sentence =
                sentences::not_worse(&registration.challenger, &name, &difference, n, plain(metric, self.margin));
            (Verdict::NotWorse, sentence)
        } else {
            return (Verdict::NotDecisive, self.not_decisive(question, metric, &left, &doubtful));
        };
        let provisional = registration.is_provisional(question.as_of);
        let sentence = if provisional { sentences::provisional(registration.horizon.day(), &said) } else { said };
        (verdict, sentence)
    }

    fn unhealthy(&self, question: &Question) -> Option<Sentence> {
        let registration = &question.registration;
        let within = |at: Millis| at > registration.start && at < registration.horizon.min(question.as_of);
        if let Some(change) = question.changes.iter().find(|c| within(c.at)) {
            let what = match change.setting {
                Setting::Rule => sentences::the_rule(),
                Setting::Device => sentences::the_device(),
                Setting::Threshold => sentences::the_threshold(),
            };
            return Some(sentences::unhealthy_changed(&what, place_name(&change.place), change.at.day()));
        }
        if self.balance.healthy {
            return None;
        }
        let off = |r: Option<super::balance::Ratio>| r.filter(super::balance::Ratio::off);
        match (off(self.balance.records), off(self.balance.hours)) {
            (Some(r), _) => Some(sentences::unhealthy_records(percent(r.ratio), r.n_sites)),
            (None, Some(r)) => Some(sentences::unhealthy_hours(percent(r.ratio), r.n_sites)),
            (None, None) => None,
        }
    }

    /// Why there is no verdict however the numbers lie.
    fn undecidable(&self, question: &Question, name: &Sentence, days: &Range<Day>) -> Option<Sentence> {
        let (n, shared) = (self.found.treated.len(), self.found.days());
        if question.basis == Basis::RunsWithoutRepeats {
            return Some(sentences::weaker());
        }
        if question.as_of <= question.registration.start || days.is_empty() {
            return Some(sentences::not_begun(question.registration.start));
        }
        if n == 0 {
            return Some(sentences::no_shared_site(name));
        }
        if n < LEAST_CLUSTERS {
            return Some(sentences::few_sites(n, LEAST_CLUSTERS));
        }
        if (shared as i64) < LEAST_DAYS {
            return Some(sentences::few_days(shared, LEAST_DAYS));
        }
        if self.clustering.customers_differ() {
            return Some(sentences::customers_differ(self.clustering.customers, LEAST_CLUSTERS));
        }
        let gain = self.gain?;
        if gain.df <= 0.0 {
            return Some(sentences::one_cluster());
        }
        // Differences that all are the same number are no measurement: a copy, or a constant.
        let largest = self.found.treated.iter().map(|s| s.champion.abs().max(s.challenger.abs())).fold(0.0, f64::max);
        (gain.error() <= 1e-13 * largest).then(|| sentences::identical(n, name))
    }

    fn not_decisive(
        &self,
        question: &Question,
        metric: &Metric,
        left: &Estimate,
        doubtful: &[&RailResult],
    ) -> Sentence {
        let registration = &question.registration;
        let name = label(metric);
        // What keeps it open is the primary or, where that is settled, the first rail in doubt.
        let settled = self.superior || left.p_above(0.0) < self.level;
        let (about, would) = match doubtful.first() {
            Some(rail) if settled => {
                let would = match &rail.basis {
                    Some((_, estimate, found)) if !rail.by_mean_alone => would_decide(estimate, &found.treated),
                    Some(_) if rail.by_mean_alone => {
                        return sentences::rail_by_mean(&rail_name(question, rail), rail.n_sites);
                    }
                    _ => WouldDecide::Nothing,
                };
                (sentences::rail_open(&rail_name(question, rail)), would)
            }
            _ => {
                let bounds = self.gain.map(|g| g.scaled(self.sign, 0.0)).and_then(|g| g.interval(1.0));
                let bound = |x: Option<f64>| x.map_or_else(|| "∞".to_owned(), |x| signed(metric, x));
                let (low, high) = (bound(bounds.map(|b| b.0)), bound(bounds.map(|b| b.1)));
                (sentences::open(&name, low, high), would_decide(left, &self.found.treated))
            }
        };
        let waits = registration.is_provisional(question.as_of);
        let what = match would {
            WouldDecide::Horizon if waits => sentences::at_horizon(registration.horizon.day()),
            WouldDecide::Horizon | WouldDecide::Nothing => sentences::nothing_decides(),
            WouldDecide::Days(n) => sentences::more_days(n),
            WouldDecide::Clusters(n) if self.clustering.by == ClusterBy::Customer => sentences::more_customers(n),
            WouldDecide::Clusters(n) => sentences::more_sites(n),
        };
        sentences::not_decisive(&about, &what)
    }

    fn notes(&self, question: &Question, cells: &Cells, design: Design, days: &Range<Day>) -> Vec<Sentence> {
        let registration = &question.registration;
        let mut notes = vec![];
        notes.push(match design {
            Design::Concurrent => sentences::by_concurrent(),
            Design::BeforeAfter => sentences::by_before_after(),
            Design::DifferenceInDifferences => sentences::by_difference(self.found.untreated.len()),
        });
        if self.clustering.by == ClusterBy::Customer {
            notes.push(sentences::by_customers(self.clustering.customers));
        } else if self.clustering.customers > 1 {
            notes.push(sentences::by_sites(self.clustering.customers));
        }
        let fleet = self.found.estimate(Estimand::Fleet, 1.0, 0.0);
        if fleet.is_some_and(|f| interval(&f, Estimand::Fleet).is_none()) && self.found.treated.len() > 2 {
            notes.push(sentences::no_fleet_interval());
        }
        for rail in &self.rails {
            match rail.standing {
                RailStanding::Unchecked => notes.push(sentences::unchecked(&rail_name(question, rail))),
                _ if rail.by_mean_alone => {
                    notes.push(sentences::rail_by_mean(&rail_name(question, rail), rail.n_sites))
                }
                _ => {}
            }
        }
        if design == Design::Concurrent && self.balance.records.is_none_or(|r| r.n_sites < 2) {
            notes.push(sentences::balance_unknown());
        }
        for (customer, site, hours) in clocks_apart(cells, days) {
            let place = Place { customer, site, zone: None };
            notes.push(sentences::clocks_apart(place_name(&place), hours.abs()));
        }
        if cells.unusable() > 0 {
            notes.push(sentences::unusable(cells.unusable()));
        }
        if registration.registered_at > registration.start.plus(DAY) {
            notes.push(sentences::registered_late(registration.registered_at.day()));
        }
        notes.push(sentences::one_look(question.looks));
        notes
    }
}

/// A rail as it is called: the metric, and the device where it is about one.
fn rail_name(question: &Question, rail: &RailResult) -> Sentence {
    let known = question.metrics.iter().find(|m| m.key == rail.metric.as_str()).cloned();
    let metric = known.unwrap_or_else(|| {
        let built_in = crate::metric::built_in(&rail.metric).map(|i| crate::metric::CATALOGUE[i].clone());
        built_in.unwrap_or_else(|| Metric::uncatalogued(&rail.metric))
    });
    let name = label(&metric);
    match &rail.device {
        Some(device) => sentences::on_device(&name, device),
        None => name,
    }
}

/// A place by its deepest name and its customer.
fn place_name(place: &Place) -> String {
    let deepest = place.zone.as_ref().or(place.site.as_ref());
    deepest.map_or_else(|| place.customer.to_string(), |name| format!("{name} ({})", place.customer))
}
