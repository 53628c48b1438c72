//! How a verdict comes about from the differences, the guard-rails and the balance, and what is said of it.

use std::ops::Range;

use super::{
    balance::{Balance, Ratio, clocks_apart},
    cells::Cells,
    design::{ClusterBy, Clustering, Design, Differences, Estimand, LEAST_CLUSTERS, interval},
    interval::Estimate,
    judge::{Basis, Question},
    judgement::Verdict,
    plan::{WouldDecide, would_decide},
    rails::{CheckedRail, RailResult, RailStanding},
    registration::LEAST_DAYS,
    sentences,
    settings::Setting,
    written::{label, percent, place_of_customer, plain, signed},
};
use crate::{
    error::Sentence,
    metric::Metric,
    scope::Place,
    time::{DAY, Day, Millis},
};

/// Everything that the verdict is made of.
pub struct Material {
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

impl Material {
    /// The first that matches.
    pub fn verdict(&self, question: &Question, metric: &Metric, days: &Range<Day>) -> (Verdict, Sentence) {
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
        let broken = self.rails.iter().find(|r| r.result.standing == RailStanding::Broken);
        let open = |r: &&CheckedRail| r.result.standing == RailStanding::Undecided;
        let doubtful: Vec<&CheckedRail> = self.rails.iter().filter(open).collect();
        let (verdict, said) = if left.p_below(0.0) < self.level {
            (
                Verdict::Worse,
                sentences::worse(&registration.challenger, &name, &difference, n, plain(metric, self.margin)),
            )
        } else if let Some(rail) = broken {
            (Verdict::Worse, sentences::worse_by_rail(&registration.challenger, &rail_name(question, &rail.result)))
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
        doubtful: &[&CheckedRail],
    ) -> Sentence {
        let registration = &question.registration;
        let name = label(metric);
        // What keeps it open is the primary or, where that is settled, the first rail in doubt.
        let settled = self.superior || left.p_above(0.0) < self.level;
        let (about, would) = match doubtful.first() {
            Some(rail) if settled => {
                let would = match &rail.basis {
                    Some((estimate, found)) if !rail.result.by_mean_alone => would_decide(estimate, &found.treated),
                    Some(_) if rail.result.by_mean_alone => {
                        return sentences::rail_by_mean(&rail_name(question, &rail.result), rail.result.n_sites);
                    }
                    _ => WouldDecide::Nothing,
                };
                (sentences::rail_open(&rail_name(question, &rail.result)), would)
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

    pub fn notes(&self, question: &Question, cells: &Cells, design: Design, days: &Range<Day>) -> Vec<Sentence> {
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
            match rail.result.standing {
                RailStanding::Unchecked => notes.push(sentences::unchecked(&rail_name(question, &rail.result))),
                _ if rail.result.by_mean_alone => {
                    notes.push(sentences::rail_by_mean(&rail_name(question, &rail.result), rail.result.n_sites))
                }
                _ => {}
            }
        }
        if design == Design::Concurrent && self.balance.records.is_none_or(|r| r.n_sites < 2) {
            notes.push(sentences::balance_unknown());
        }
        for (customer, site, hours) in clocks_apart(cells, days) {
            let place = Place { customer, site, zone: None };
            notes.push(sentences::clocks_apart(place_of_customer(&place), hours.abs()));
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
