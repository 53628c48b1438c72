//! How a verdict comes about from the differences, the guard-rails and the balance, and what is said of it.

use std::ops::Range;

use super::{
    balance::{Balance, Ratio, clocks_apart},
    cells::{Cells, days_before},
    design::{ClusterBy, Clustering, Design, Differences, Estimand, LEAST_CLUSTERS, interval},
    interval::Estimate,
    judgement::Verdict,
    plan::{Variances, WouldDecide, power, would_decide},
    question::{Basis, Question},
    rails::{self, CheckedRail, RailResult, RailStanding},
    registration::LEAST_DAYS,
    sentences,
    settings::{Setting, SettingChange},
    written::{label, percent, place_of_customer, plain, signed},
};
use crate::{
    error::Sentence,
    metric::Metric,
    scope::Place,
    time::{DAY, Day},
};

/// Differences that scatter by a smaller share of the values than this are no measurements: they are a copy, or a constant.
const NO_SCATTER: f64 = 1e-9;

/// Everything that the verdict is made of.
pub struct Material<'q> {
    pub design: Design,
    /// The days of the registered period that have begun.
    pub days: &'q Range<Day>,
    /// A setting that changed midway.
    pub splits: Option<&'q SettingChange>,
    /// The primary's differences, its sign, its mean margin, and the distance to it.
    pub found: Differences,
    pub sign: f64,
    pub margin: f64,
    /// The typical difference where more is better, and the same plus the margin.
    pub gain: Option<Estimate>,
    pub left: Option<Estimate>,
    pub clustering: Clustering,
    pub rails: Vec<CheckedRail>,
    pub balance: Balance,
    pub superior: bool,
    pub level: f64,
}

impl Material<'_> {
    /// The first that matches: unhealthy; too little for any verdict; worse, by the primary or by a guard-rail, which breaks a challenger whether or
    /// not the primary can be judged; better; not worse; else not decisive.
    pub fn verdict(&self, question: &Question, metric: &Metric) -> (Verdict, Sentence) {
        let registration = &question.registration;
        let name = label(metric);
        if let Some(why) = self.unhealthy() {
            return (Verdict::Unhealthy, why);
        }
        if let Some(why) = self.too_little(question, &name) {
            return (Verdict::NotDecisive, why);
        }
        // Both are there where sites are.
        let (Some(gain), Some(left)) = (self.gain, self.left) else {
            return (Verdict::NotDecisive, sentences::no_shared_site(&name));
        };
        let unsound = self.unsound(&gain, &name);
        let challenger = &registration.challenger;
        let difference = signed(metric, self.sign * gain.mean);
        let n = self.found.treated.len();
        let broken = self.rails.iter().find(|r| r.result.standing == RailStanding::Broken);
        let open = |r: &&CheckedRail| r.result.standing == RailStanding::Undecided;
        let doubtful: Vec<&CheckedRail> = self.rails.iter().filter(open).collect();
        let margin = || plain(metric, self.margin);
        let (verdict, said) = if unsound.is_none() && left.p_below(0.0) < self.level {
            (Verdict::Worse, sentences::worse(challenger, &name, &difference, n, margin()))
        } else if let Some(rail) = broken {
            (Verdict::Worse, sentences::worse_by_rail(challenger, &rail_name(question, &rail.result)))
        } else if let Some(why) = unsound {
            return (Verdict::NotDecisive, why);
        } else if self.superior && doubtful.is_empty() {
            (Verdict::Better, sentences::better(challenger, &name, &difference, n))
        } else if left.p_above(0.0) < self.level && doubtful.is_empty() {
            (Verdict::NotWorse, sentences::not_worse(challenger, &name, &difference, n, margin()))
        } else {
            return (Verdict::NotDecisive, self.not_decisive(question, metric, &left, &doubtful));
        };
        let provisional = registration.is_provisional(question.as_of);
        let sentence = if provisional { sentences::provisional(registration.horizon.day(), &said) } else { said };
        (verdict, sentence)
    }

    fn unhealthy(&self) -> Option<Sentence> {
        if let Some(change) = self.splits {
            let what = match change.setting {
                Setting::Rule => sentences::the_rule(),
                Setting::Device => sentences::the_device(),
                Setting::Threshold => sentences::the_threshold(),
            };
            return Some(sentences::unhealthy_changed(&what, place_of_customer(&change.place), change.at.day()));
        }
        if self.balance.healthy {
            return None;
        }
        let off = |r: Option<Ratio>| r.filter(Ratio::off);
        match (off(self.balance.records), off(self.balance.hours)) {
            (Some(r), _) => Some(sentences::unhealthy_records(percent(r.ratio), r.n_sites)),
            (None, Some(r)) => Some(sentences::unhealthy_hours(percent(r.ratio), r.n_sites)),
            (None, None) => None,
        }
    }

    /// What is missing for any verdict, that of a guard-rail included.
    fn too_little(&self, question: &Question, name: &Sentence) -> Option<Sentence> {
        let (n, days) = (self.found.treated.len(), self.found.days());
        if question.basis == Basis::RunsWithoutRepeats {
            return Some(sentences::weaker());
        }
        if question.as_of <= question.registration.start || self.days.is_empty() {
            return Some(sentences::not_begun(question.registration.start.in_words()));
        }
        if n == 0 && self.found.without_untreated > 0 {
            return Some(sentences::few_untreated(self.found.untreated_at_once(), name, LEAST_CLUSTERS));
        }
        if n == 0 && self.found.without_before > 0 {
            return Some(sentences::nothing_before(self.found.without_before));
        }
        if n == 0 {
            return Some(sentences::no_shared_site(name));
        }
        if n < LEAST_CLUSTERS {
            return Some(sentences::few_sites(n, name, LEAST_CLUSTERS));
        }
        let few = (days as i64) < LEAST_DAYS;
        match self.design {
            Design::Concurrent => few.then(|| sentences::few_days(days, name, LEAST_DAYS)),
            _ => few.then(|| sentences::few_days_since(days, name, LEAST_DAYS)),
        }
    }

    /// Why the primary cannot be judged however its numbers lie.
    fn unsound(&self, gain: &Estimate, name: &Sentence) -> Option<Sentence> {
        if self.clustering.customers_differ() {
            let Clustering { customers, untreated, .. } = self.clustering;
            return Some(if untreated > 0 {
                sentences::customers_of_either_differ(customers, untreated, LEAST_CLUSTERS)
            } else {
                sentences::customers_differ(customers, LEAST_CLUSTERS)
            });
        }
        if gain.df <= 0.0 {
            return Some(sentences::one_cluster());
        }
        let values = |s: &super::design::SiteDifference| s.champion.abs().max(s.challenger.abs());
        let largest = self.found.treated.iter().map(values).fold(0.0, f64::max);
        (gain.error() <= NO_SCATTER * largest).then(|| sentences::identical(self.found.treated.len(), name))
    }

    fn not_decisive(
        &self,
        question: &Question,
        metric: &Metric,
        left: &Estimate,
        doubtful: &[&CheckedRail],
    ) -> Sentence {
        let name = label(metric);
        // What keeps it open is the primary or, where that is settled, the first rail in doubt.
        let would = would_decide(left, &self.found.treated);
        let settled = self.superior || left.p_above(0.0) < self.level || would == WouldDecide::Horizon;
        if let (true, Some(rail)) = (settled, doubtful.first()) {
            let called = rail_name(question, &rail.result);
            if rail.result.by_mean_alone {
                let n = rail.result.n_sites;
                let what = sentences::more_sites(LEAST_CLUSTERS.saturating_sub(n));
                return sentences::not_decisive(&sentences::rail_mean_beyond(&called, n), &what);
            }
            let (would, by) = match &rail.basis {
                rails::Basis::Checked(estimate, found) => {
                    (would_decide(estimate, &found.treated), found.clustering().by)
                }
                _ => (WouldDecide::Nothing, ClusterBy::Site),
            };
            return sentences::not_decisive(&sentences::rail_open(&called), &what_decides(question, would, by));
        }
        let about = match self.gain.map(|g| g.scaled(self.sign)).and_then(|g| g.interval(1.0)) {
            Some((low, high)) => sentences::open(&name, signed(metric, low), signed(metric, high)),
            None => sentences::open_without(&name),
        };
        sentences::not_decisive(&about, &what_decides(question, would, self.clustering.by))
    }

    /// What else is to be known.
    pub fn notes(&self, question: &Question, metric: &Metric, cells: &Cells) -> Vec<Sentence> {
        let registration = &question.registration;
        let mut notes = vec![];
        notes.push(match self.design {
            Design::Concurrent => sentences::by_concurrent(),
            Design::BeforeAfter => sentences::by_before_after(),
            Design::DifferenceInDifferences => sentences::by_difference(self.found.untreated()),
        });
        if self.found.without_before > 0 {
            notes.push(sentences::without_before(self.found.without_before));
        }
        if self.found.without_untreated > 0 {
            notes.push(sentences::without_untreated(self.found.without_untreated, LEAST_CLUSTERS));
        }
        if self.clustering.by == ClusterBy::Customer {
            notes.push(sentences::by_customers(self.clustering.customers));
        } else if self.clustering.customers > 1 {
            notes.push(sentences::by_sites(self.clustering.customers));
        }
        let fleet = self.found.estimate(Estimand::Fleet, 1.0, 0.0);
        if fleet.is_some_and(|f| interval(&f, Estimand::Fleet).is_none()) && self.found.treated.len() > 2 {
            notes.push(sentences::no_fleet_interval());
        }
        notes.extend(self.rails.iter().filter_map(|rail| {
            let name = || rail_name(question, &rail.result);
            match rail.basis {
                rails::Basis::NoRecords => Some(sentences::unchecked(&name())),
                rails::Basis::NoDirection => Some(sentences::unchecked_direction(&name())),
                rails::Basis::FewUntreated(n) => Some(sentences::unchecked_untreated(&name(), n, LEAST_CLUSTERS)),
                rails::Basis::Checked(..) => {
                    rail.result.by_mean_alone.then(|| sentences::rail_by_mean(&name(), rail.result.n_sites))
                }
            }
        }));
        if self.design == Design::Concurrent && self.balance.records.is_none_or(|r| r.n_sites < 2) {
            notes.push(sentences::balance_unknown());
        }
        for (customer, site, hours) in clocks_apart(cells, self.days) {
            let place = Place { customer, site, zone: None };
            notes.push(sentences::clocks_apart(place_of_customer(&place), hours.abs()));
        }
        if cells.unusable() > 0 {
            notes.push(sentences::unusable(cells.unusable()));
        }
        notes.extend(registration.minimum_effect.map(|effect| self.planned_for(question, metric, effect)));
        let registered = registration.registered_at;
        let seen = self.found.treated.iter().any(|s| s.days.first().is_some_and(|d| *d < registered.day()));
        if seen && registered > registration.start.plus(DAY) {
            notes.push(sentences::registered_late(registered.day()));
        }
        notes.push(sentences::one_look());
        notes
    }

    /// What the comparison was planned for, and how probable it is to be found with the sites that there are.
    fn planned_for(&self, question: &Question, metric: &Metric, effect: f64) -> Sentence {
        let registration = &question.registration;
        let days = days_before(registration.horizon).0.saturating_sub(registration.start.day().0);
        let days = u32::try_from(days).unwrap_or(0);
        let sites = u32::try_from(self.found.treated.len()).unwrap_or(u32::MAX);
        let clusters = match self.clustering.by {
            ClusterBy::Site => sites,
            ClusterBy::Customer => u32::try_from(self.clustering.customers).unwrap_or(u32::MAX),
        };
        // What untreated sites scatter is no part of the plan.
        let judged = self.found.treated.len() >= LEAST_CLUSTERS && self.design != Design::DifferenceInDifferences;
        let found = Variances::of(&self.found.treated)
            .filter(|_| judged)
            .map(|v| power(effect, v.error(sites, days), clusters));
        let effect = plain(metric, effect);
        match found {
            Some(power) => sentences::planned_with(effect, sites, percent(power)),
            None => sentences::planned_for(effect),
        }
    }
}

/// What would decide. Before the horizon hardly anything does; so days are held against those that are left to it.
fn what_decides(question: &Question, would: WouldDecide, by: ClusterBy) -> Sentence {
    let registration = &question.registration;
    let waits = registration.is_provisional(question.as_of);
    let horizon = registration.horizon.day();
    match would {
        WouldDecide::Horizon if waits => sentences::at_horizon(horizon),
        WouldDecide::Days(n) if waits && n <= registration.days_left(question.as_of) => sentences::at_horizon(horizon),
        WouldDecide::Days(n) if waits => sentences::beyond_horizon(horizon, n),
        WouldDecide::Days(n) => sentences::more_days(n),
        WouldDecide::Horizon | WouldDecide::Nothing => sentences::nothing_decides(),
        WouldDecide::Clusters(n) if by == ClusterBy::Customer => sentences::more_customers(n),
        WouldDecide::Clusters(n) => sentences::more_sites(n),
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
    let name = match &rail.device {
        Some(device) => sentences::on_device(&name, device),
        None => name,
    };
    match &rail.place {
        Some(place) => sentences::rail_at(&name, place_of_customer(place)),
        None => name,
    }
}
