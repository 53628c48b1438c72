//! The table of a plan: how likely the difference is found, by sites and days.

use domain::evidence::{Plan, power};

/// From this power on a plan is said to be enough.
const ENOUGH: f64 = 0.8;
/// Of fewer sites or customers, and of fewer days, there is no verdict.
const LEAST: u32 = 5;
const LEAST_DAYS: u32 = 3;
/// Shades of cells, palest first.
const STEPS: usize = 5;

/// Powers by sites, then days, with those that were planned among them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grid {
    pub days: Vec<u32>,
    pub rows: Vec<(u32, Vec<f64>)>,
}

impl Grid {
    pub(super) fn of(plan: &Plan) -> Self {
        let planned = plan.as_planned;
        let days = sorted(plan.grid.iter().map(|p| p.days).chain([planned.days]));
        let sites = sorted(plan.grid.iter().map(|p| p.sites).chain([planned.sites]));
        let known = |sites: u32, days: u32| {
            let mut all = plan.grid.iter().chain([&plan.as_planned]);
            all.find(|p| (p.sites, p.days) == (sites, days)).map(|p| p.power)
        };
        // As `domain::evidence::plan` reckons, without all that a plan has besides.
        let at = |sites: u32, days: u32| {
            if let Some(known) = known(sites, days) {
                return known;
            }
            if sites < LEAST || days < LEAST_DAYS {
                return 0.0;
            }
            let clusters = plan.customers.map(|c| c.min(sites)).filter(|c| *c >= LEAST).unwrap_or(sites);
            power(plan.effect, plan.variances.error(sites, days), clusters)
        };
        let row = |sites: u32| (sites, days.iter().map(|d| at(sites, *d)).collect());
        Self { rows: sites.into_iter().map(row).collect(), days }
    }
}

fn sorted(all: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut all: Vec<u32> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// A power in whole per cent, as it is shown and shaded: what shows as 80 % is enough.
pub(super) fn percent(power: f64) -> u8 {
    (power.clamp(0.0, 1.0) * 100.0).round() as u8
}

/// The shade of a power in per cent; the last one is enough.
pub(super) fn step(percent: u8) -> usize {
    (usize::from(percent) / 20).min(STEPS - 1)
}

/// The bounds of each shade, in per cent; the last one has no upper one.
pub(super) fn steps() -> impl Iterator<Item = (usize, usize, Option<usize>)> {
    (0..STEPS).map(|s| (s, s * 20, (s + 1 < STEPS).then_some(s * 20 + 19)))
}

/// Whether it is enough.
pub(super) fn is_enough(power: f64) -> bool {
    power >= ENOUGH || percent(power) >= 80
}

#[cfg(test)]
mod tests {
    use domain::evidence::{Variances, plan};

    use super::*;

    #[test]
    fn what_was_planned_stands_in_its_place_among_the_usual() {
        let found = plan(0.02, 22, 21, None, Variances { between: 0.0004, day: 0.0009 }).expect("a plan");
        let grid = Grid::of(&found);
        assert_eq!(grid.days, [3, 7, 14, 21, 30, 60]);
        assert_eq!(grid.rows.iter().map(|r| r.0).collect::<Vec<_>>(), [5, 8, 12, 22, 24, 50, 100]);
        assert_eq!(grid.rows[3].1[3], found.as_planned.power);
        // More sites and more days find more.
        assert!(grid.rows.iter().all(|r| r.1.is_sorted()));
        assert!((0..grid.days.len()).all(|d| grid.rows.iter().map(|r| r.1[d]).is_sorted()));
        // The engine says the same of what it was not asked for.
        let moved = plan(0.02, 22, 30, None, found.variances).expect("a plan");
        assert_eq!(grid.rows[3].1[4], moved.as_planned.power);
        let few = plan(0.02, 4, 2, Some(7), found.variances).expect("a plan");
        assert!(Grid::of(&few).rows[0].1.iter().all(|p| *p == 0.0));
        let customers = plan(0.02, 30, 21, Some(7), found.variances).expect("a plan");
        let planned = plan(0.02, 30, 7, Some(7), found.variances).expect("a plan").as_planned.power;
        assert_eq!(Grid::of(&customers).rows[4].0, 30);
        assert_eq!(Grid::of(&customers).rows[4].1[1], planned);
        let usual = Grid::of(&plan(0.02, 24, 14, None, found.variances).expect("a plan"));
        assert_eq!((usual.days.len(), usual.rows.len()), (5, 6));
    }

    #[test]
    fn eighty_per_cent_begin_the_last_shade() {
        assert_eq!([0, 19, 20, 59, 79, 80, 100].map(step), [0, 0, 1, 2, 3, 4, 4]);
        assert_eq!(
            [0.0, 0.794, 0.796, 1.0].map(|p| (percent(p), is_enough(p))),
            [(0, false), (79, false), (80, true), (100, true)]
        );
        assert_eq!(steps().last(), Some((4, 80, None)));
    }
}
