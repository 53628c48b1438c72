//! Settings that changed while a comparison ran: they split the series, so that what lies before and what lies behind is not the same.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    cells::{Cells, Side},
    design::{Design, counts_since, seam},
};
use crate::{
    scope::Place,
    text::Name,
    time::{Day, Millis},
};

/// On either device a place has at least so many days: what stood there once was tried out.
const LEAST_ON_A_DEVICE: usize = 2;

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

/// The changes of device that records tell of: a zone and task of one side whose records all came from one device up to a day, and all from
/// another one from a later day on, with two days on each at least. `days` are those that are compared. By place and moment, each once.
#[must_use]
pub fn device_changes(cells: &Cells, days: &Range<Day>) -> Vec<SettingChange> {
    let mut found: Vec<SettingChange> = vec![];
    for side in [Side::Champion, Side::Challenger] {
        let series: Vec<_> = cells.series().iter().filter(|s| s.side == side).collect();
        // Series of a place and task follow each other.
        for of_task in series.chunk_by(|a, b| a.place == b.place && a.task == b.task) {
            let mut devices: Vec<(Option<&Name>, Day, Day, usize)> = of_task
                .iter()
                .filter_map(|s| {
                    let mut ran = s.within(days).iter().filter(|d| d.records > 0).map(|d| d.day);
                    let first = ran.next()?;
                    let (last, n) = ran.fold((first, 1), |(_, n), day| (day, n + 1));
                    Some((s.device.as_ref(), first, last, n))
                })
                .collect();
            devices.sort_by_key(|d| d.1);
            for pair in devices.windows(2) {
                let (before, after) = (pair[0], pair[1]);
                let alone = devices.iter().all(|d| *d == before || *d == after || d.2 < before.1 || d.1 > after.2);
                let long = before.3 >= LEAST_ON_A_DEVICE && after.3 >= LEAST_ON_A_DEVICE;
                // Records that name no device tell of none.
                let named = before.0.is_some() && after.0.is_some();
                if named && alone && long && before.2 < after.1 {
                    let place = of_task[0].place.clone();
                    found.push(SettingChange { setting: Setting::Device, place, at: after.1.start() });
                }
            }
        }
    }
    found.sort_by(|a, b| (&a.place, a.at).cmp(&(&b.place, b.at)));
    found.dedup();
    found
}

/// The first change that splits what is compared: of a place that both sides share, between the first record that counts there and the end. In the designs
/// with periods the time before counts as well. `start` and `end` are the moments of the registered period as far as it has come, `days` its days.
#[must_use]
pub fn splits<'q>(
    changes: &'q [SettingChange],
    design: Design,
    cells: &Cells,
    days: &Range<Day>,
    (start, end): (Millis, Millis),
) -> Option<&'q SettingChange> {
    let mut shared: Vec<(&Place, Millis)> = vec![];
    let seam = seam(cells, days);
    for site in cells.sites() {
        let since = match design {
            Design::Concurrent => Some(start),
            Design::BeforeAfter | Design::DifferenceInDifferences => {
                counts_since(&site, days, seam).map(|day| day.start().min(start))
            }
        };
        let Some(since) = since else { continue };
        let there = since.day()..days.end;
        for (champion, challenger) in site.cells() {
            if let (Some(a), Some(b)) = (champion, challenger)
                && !b.within(days).is_empty()
                && !a.within(if design == Design::Concurrent { days } else { &there }).is_empty()
            {
                shared.push((&a.place, since));
            }
        }
    }
    let concerns = |change: &&SettingChange| {
        change.at < end
            && shared.iter().any(|(place, since)| {
                change.at > *since && (change.place.contains(place) || place.contains(&change.place))
            })
    };
    changes.iter().filter(concerns).min_by(|a, b| (a.at, &a.place).cmp(&(b.at, &b.place)))
}
