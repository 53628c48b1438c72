//! What is answered: the verdict, the numbers beside it, and what is to be known of them. It is made once, kept as JSON and shown years later; so it
//! has both languages, and its numbers are rounded when it is made.

use serde::{Deserialize, Serialize};

use super::{
    balance::Balance,
    design::{ClusterBy, Design, Estimand, SiteDifference},
    quantile::{LEAST_RECORDS, QuantileDifference},
    rails::RailResult,
    sentences,
    written::{label, twelve, twelve_digits, twelve_or_null},
};
use crate::{error::Sentence, metric::Metric, text::Name, time::Millis};

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

/// What is answered. As JSON it is what is kept; programs get [`Judgement::answer`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub sentence: Sentence,
    pub metrics: Vec<MetricRow>,
    /// Those whose difference is worse by more than the smallest effect that matters, worst first.
    pub worse_sites: Vec<SiteRow>,
    pub balance: Balance,
    pub guard_rails: Vec<RailResult>,
    /// What else is to be known, most important first.
    pub notes: Vec<Sentence>,
    /// Every site, where they are too few for a verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<SiteRow>,
    pub start: Millis,
    pub horizon: Millis,
    pub as_of: Millis,
}

/// A metric in one estimand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricRow {
    pub metric: String,
    pub estimand: Estimand,
    /// Challenger − champion, in the metric's unit; `None` where no site has both.
    #[serde(default, with = "twelve_or_null")]
    pub difference: Option<f64>,
    /// The 95 % interval of one fixed look; `None` with too few degrees of freedom.
    #[serde(default, with = "twelve_or_null")]
    pub low: Option<f64>,
    #[serde(default, with = "twelve_or_null")]
    pub high: Option<f64>,
    pub n_sites: usize,
    /// Of a quantile 0: it is of all records together.
    pub n_days: usize,
    /// What the jackknife leaves out at a time.
    pub clusters: ClusterBy,
}

/// A site in the primary metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SiteRow {
    pub customer: Name,
    pub site: Option<Name>,
    /// Challenger − champion, in the metric's unit.
    #[serde(with = "twelve")]
    pub difference: f64,
    pub n_days: usize,
}

/// A judgement as programs get it: its sentences in English.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer<'j> {
    pub design: Design,
    pub champion: &'j str,
    pub challenger: &'j str,
    pub primary: &'j str,
    pub verdict: Verdict,
    pub provisional: bool,
    pub looks: u32,
    pub sentence: &'j str,
    pub metrics: &'j [MetricRow],
    pub worse_sites: &'j [SiteRow],
    pub balance: &'j Balance,
    pub guard_rails: &'j [RailResult],
    pub notes: Vec<&'j str>,
    #[serde(skip_serializing_if = "<[SiteRow]>::is_empty")]
    pub sites: &'j [SiteRow],
    pub start: Millis,
    pub horizon: Millis,
    pub as_of: Millis,
}

impl Judgement {
    /// What programs get.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        Answer {
            design: self.design,
            champion: &self.champion,
            challenger: &self.challenger,
            primary: &self.primary,
            verdict: self.verdict,
            provisional: self.provisional,
            looks: self.looks,
            sentence: &self.sentence.en,
            metrics: &self.metrics,
            worse_sites: &self.worse_sites,
            balance: &self.balance,
            guard_rails: &self.guard_rails,
            notes: self.notes.iter().map(|n| n.en.as_str()).collect(),
            sites: &self.sites,
            start: self.start,
            horizon: self.horizon,
            as_of: self.as_of,
        }
    }

    /// Adds a quantile of a metric beside the means, such as `inference_time_ms.p95`; one that is not judged is said to be shown alone.
    #[must_use]
    pub fn with_quantile(mut self, metric: &Metric, q: f64, found: &QuantileDifference) -> Self {
        let percentile = format!("{}", (q * 1000.0).round() / 10.0);
        self.metrics.push(MetricRow {
            metric: format!("{}.p{percentile}", metric.key),
            estimand: Estimand::Site,
            difference: Some(twelve_digits(found.difference)),
            low: found.interval.map(|i| twelve_digits(i.0)),
            high: found.interval.map(|i| twelve_digits(i.1)),
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
    pub(super) fn of(s: &SiteDifference) -> Self {
        Self {
            customer: s.customer.clone(),
            site: s.site.clone(),
            difference: twelve_digits(s.difference),
            n_days: s.days.len(),
        }
    }
}
