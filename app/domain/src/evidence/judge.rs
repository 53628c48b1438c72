//! How the judgement of a comparison is made.

use std::ops::Range;

use super::{
    balance::{Balance, balance},
    cells::{Cells, days_before},
    design::{Design, Differences, Estimand, LEAST_CLUSTERS, Look, SiteDifference, differences, interval},
    interval::Estimate,
    judgement::{Judgement, MetricRow, SiteRow},
    multiple::holm,
    question::Question,
    rails::{self, Checked, CheckedRail, PRIMARY_SHARE, Rail, sign},
    registration::Registration,
    sentences,
    settings::splits,
    verdict::Material,
    written::{label, twelve_digits},
};
use crate::{
    error::{Error, Result},
    metric::{ChangeVerdict, Metric},
    scope::Place,
    time::{Day, Millis},
};

/// Judges a challenger. The cells are those of the registered period as far as it has come, and of a time before, as
/// [`crate::reducers::evidence::ranges`] says.
///
/// # Errors
/// `BadInput` where the registration is no registration, the primary or a claim is no metric of the cells, and where neither more nor less of
/// the primary is better. Whatever the cells hold is answered: with a sentence where it is not enough.
pub fn judge(question: &Question, cells: &Cells) -> Result<Judgement> {
    let registration = question.registration.clone().check(None)?;
    let primary = number(question, cells, &registration.primary)?;
    let metric = &question.metrics[primary];
    let sign = sign(metric).ok_or_else(|| Error::bad_input(sentences::no_direction(&label(metric))).at("metric"))?;
    let claims = registration.claims.iter().map(|c| number(question, cells, c)).collect::<Result<Vec<usize>>>()?;
    let days = period(&registration, question.as_of);
    let no_margin = |_: &Place| Some(0.0);
    let look = |metric| Look { metric, days: &days, device: None, margin: &no_margin };
    let design = registration.design.unwrap_or_else(|| Design::fitting(cells, &look(primary)));
    let level = registration.level(question.as_of);
    let concurrent = design == Design::Concurrent;
    let traffic = if concurrent { balance(cells, &days, registration.share) } else { Balance::fine() };

    // The primary, with the margin of each place.
    let found = differences(design, cells, &look(primary));
    let champion = found.champion().unwrap_or(0.0);
    let by_rule = PRIMARY_SHARE * champion.abs();
    let margin_at = |place: &Place| match (registration.margin, registration.rails.at(&metric.key, place)) {
        (Some(margin), _) | (None, Rail::Margin(margin)) => Some(margin),
        (None, Rail::DeviceLimit(_) | Rail::Off) => Some(by_rule),
    };
    let found = differences(design, cells, &Look { margin: &margin_at, ..look(primary) });
    let gain = found.estimate(Estimand::Site, sign, 0.0);
    let left = found.estimate(Estimand::Site, sign, 1.0);
    let superior = superior(gain.as_ref(), level, &|| {
        let gains = claims.iter().filter(|c| **c != primary).map(|c| {
            let sign = rails::sign(&question.metrics[*c])?;
            let gain = differences(design, cells, &look(*c)).estimate(Estimand::Site, sign, 0.0)?;
            Some(gain.p_above(0.0))
        });
        gains.map(|p| p.unwrap_or(1.0)).collect()
    });
    let checked = Checked { cells, design, days: &days, rails: &registration.rails, level };
    let numbered = question.metrics.iter().enumerate().take(cells.metrics());
    let mut checks: Vec<CheckedRail> =
        numbered.clone().filter(|(i, _)| *i != primary).flat_map(|(i, m)| checked.check(i, m)).collect();
    let unmeasured = registration.rails.metrics().filter(|k| !numbered.clone().any(|(_, m)| m.key == *k));
    checks.extend(unmeasured.map(|key| CheckedRail::unchecked(key, rails::Basis::NoRecords)));
    // A limit by device holds for the primary as well; a margin of its is the primary's own.
    checks.extend(checked.check(primary, metric).into_iter().filter(|r| r.result.device.is_some()));

    let clustering = found.clustering();
    let margin = found.typical(&|s| s.margin).map_or(by_rule, |e| e.mean);
    let balance = traffic;
    let splits =
        splits(&question.changes, design, cells, &days, (registration.start, registration.horizon.min(question.as_of)));
    let material = Material {
        design,
        splits,
        days: &days,
        found,
        sign,
        margin,
        gain,
        left,
        clustering,
        rails: checks,
        balance,
        superior,
        level,
    };
    let (verdict, sentence) = material.verdict(question, metric);
    let notes = material.notes(question, metric, cells);
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
        metrics: metric_rows(question, design, cells, &days)?,
        worse_sites: worse_sites(metric, &found),
        balance,
        guard_rails: rails.into_iter().map(|r| r.result).collect(),
        notes,
        sites: if sites.len() < LEAST_CLUSTERS { sites } else { vec![] },
        start: registration.start,
        horizon: registration.horizon,
        as_of: question.as_of,
    })
}

/// Every metric in both estimands over a stretch of days: those of the registered period, or what somebody wants shown; then of cells that were
/// loaded for that. No verdict depends on it.
///
/// # Errors
/// `BadInput` where the primary is no metric of the cells.
pub fn metric_rows(question: &Question, design: Design, cells: &Cells, days: &Range<Day>) -> Result<Vec<MetricRow>> {
    number(question, cells, &question.registration.primary)?;
    let no_margin = |_: &Place| Some(0.0);
    let of = |(metric, m): (usize, &Metric)| {
        let found = differences(design, cells, &Look { metric, days, device: None, margin: &no_margin });
        let clusters = found.clustering().by;
        [Estimand::Site, Estimand::Fleet].map(|estimand| {
            let estimate = found.estimate(estimand, 1.0, 0.0);
            let bounds = estimate.and_then(|e| interval(&e, estimand));
            MetricRow {
                metric: m.key.to_string(),
                estimand,
                difference: estimate.map(|e| twelve_digits(e.mean)),
                low: bounds.map(|b| twelve_digits(b.0)),
                high: bounds.map(|b| twelve_digits(b.1)),
                n_sites: found.treated.len(),
                n_days: found.days(),
                clusters,
            }
        })
    };
    Ok(question.metrics.iter().enumerate().take(cells.metrics()).flat_map(of).collect())
}

/// The number of a metric of the cells, however it is spelt.
fn number(question: &Question, cells: &Cells, key: &str) -> Result<usize> {
    let found = question.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
    found.filter(|i| *i < cells.metrics()).ok_or_else(|| Error::bad_input(sentences::not_measured(key)).at("metric"))
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

fn worse_sites(metric: &Metric, found: &Differences) -> Vec<SiteRow> {
    let worse = |s: &&SiteDifference| {
        metric.direction.judge(s.difference) == ChangeVerdict::Worse
            && metric.exceeds_smallest_effect(s.difference, Some(s.champion))
    };
    let mut rows: Vec<SiteRow> = found.treated.iter().filter(worse).map(SiteRow::of).collect();
    rows.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
    rows
}
