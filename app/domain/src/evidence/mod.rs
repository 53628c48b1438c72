//! Is the challenger better, and is that change real? The one engine that every verdict, interval and colour comes from. Pure: cells
//! in, judgement out; the same records give the same answer in twelve digits, however they lie in files.
//!
//! Methods and their calibration: docs/statistics.md and `app/domain/tests/calibration.rs`.

mod balance;
mod cells;
mod changed;
mod delta;
mod design;
mod interval;
mod judge;
mod judgement;
mod multiple;
mod plan;
mod policy;
mod quantile;
mod question;
mod rails;
mod registration;
mod settings;
mod sums;
mod verdict;
mod written;

mod sentences {
    include!(concat!(env!("OUT_DIR"), "/evidence/sentences.rs"));
}

#[cfg(test)]
mod tests;

pub use crate::change::{Colour, Delta, DeltaOver};

pub use self::{
    balance::{Balance, Ratio, SiteOff, balance, split_p},
    cells::{Cells, DaySums, Series, Side, SiteSeries, days_before},
    changed::{ChangeCell, Changes, ChangesAnswer, Part, PartAnswer, PartKind, Period, what_changed},
    delta::{DailyMeans, EARLIER_DAYS, PlaceMeans, colours, delta, lag_one},
    design::{ClusterBy, Clustering, Design, Differences, Estimand, Look, SiteDifference, differences, interval},
    interval::{Estimate, Member, groups_differ},
    judge::{judge, metric_rows},
    judgement::{Answer, Judgement, MetricRow, SiteRow, Verdict},
    multiple::{discoveries, holm},
    plan::{Plan, PlannedPower, Variances, WouldDecide, non_central_t_above, plan, power, would_decide},
    policy::{DEFAULT_REQUEST_DAYS, ModelPolicy, PromotionRule, Target},
    quantile::{LEAST_RECORDS, QuantileDifference, SiteValues, quantile_difference},
    question::{Basis, Question},
    rails::{GuardRails, Rail, RailResult, RailStanding, sign},
    registration::{DEFAULT_DAYS, LEAST_DAYS, LEVEL_AT, LEVEL_BEFORE, MOST_DAYS, RegisteredBy, Registration},
    settings::{Setting, SettingChange, device_changes},
    written::{twelve_digits, twelve_digits_of},
};
