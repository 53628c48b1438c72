//! The same records give the same answer, whatever rows they are cut into and in whatever order these come.

use super::{super::*, support::*};
use crate::{
    aggregate::WeightedMean,
    scope::{Level, Place},
    time::Day,
};

/// Numbers below `n` that look random.
struct Dice(u32);

impl Dice {
    fn below(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_add(1);
        (((wobble(self.0) + 1.0) / 2.0 * f64::from(n)) as u32).min(n - 1)
    }
}

/// Site, side, day, weight and value.
type Record = (u32, Side, i32, f64, f64);

/// Records of eight sites over 28 days; values of so many decimals, weights from one to a million millions.
fn records(dice: &mut Dice, decimals: u32) -> Vec<Record> {
    let scale = 10f64.powi(decimals as i32);
    let mut all = vec![];
    for site in 0..8 {
        for day in -14..14 {
            for side in [Side::Champion, Side::Challenger] {
                for _ in 0..(if side == Side::Challenger && day < 0 { 0 } else { 12 }) {
                    let weight = [1.0, 3.0, 100.0, 12_345.0, 1e12][dice.below(if site == 0 { 5 } else { 4 }) as usize];
                    let x = 0.7 + 0.2 * wobble(dice.below(1 << 30)) + if side == Side::Challenger { 0.01 } else { 0.0 };
                    all.push((site, side, day, weight, (x * scale).round() / scale));
                }
            }
        }
    }
    all
}

/// Cuts records into rows at random: each goes into one of a few piles, and piles are summed in any order.
fn cut(dice: &mut Dice, records: &[Record]) -> Vec<Series> {
    let mut records = records.to_vec();
    for i in (1..records.len()).rev() {
        records.swap(i, dice.below(i as u32 + 1) as usize);
    }
    let piles = 1 + dice.below(4);
    let mut rows: Vec<(u32, (u32, Side, i32), WeightedMean)> = vec![];
    for (site, side, day, w, x) in records {
        let (pile, key) = (dice.below(piles), (site, side, day));
        match rows.iter_mut().find(|r| r.0 == pile && r.1 == key) {
            Some(row) => row.2.add(x, w),
            None => {
                let mut mean = WeightedMean::default();
                mean.add(x, w);
                rows.push((pile, key, mean));
            }
        }
    }
    let of = |(_, (site, side, day), mean): (u32, (u32, Side, i32), WeightedMean)| Series {
        side,
        place: place("acme", &format!("site-{site}")),
        task: None,
        device: None,
        days: vec![DaySums { day: Day(START + day), records: mean.n, hours: 1, values: vec![mean] }],
    };
    rows.into_iter().map(of).collect()
}

fn text(design: Design, rows: Vec<Series>) -> String {
    let mut question = question(&["mAP50"]);
    question.registration.design = Some(design);
    serde_json::to_string(&judged(&question, rows)).expect("JSON")
}

#[test]
fn values_with_decimals_give_the_same_bits() {
    for seed in 0..4 {
        let mut dice = Dice(seed * 1_000_003);
        let records = records(&mut dice, 2 + 2 * seed);
        let first = cut(&mut dice, &records);
        for _ in 0..4 {
            let again = cut(&mut dice, &records);
            assert_ne!(first, again);
            assert_eq!(Cells::new(1, first.clone()), Cells::new(1, again.clone()), "{seed}");
            for design in [Design::Concurrent, Design::BeforeAfter] {
                assert_eq!(text(design, first.clone()), text(design, again.clone()));
            }
        }
    }
}

#[test]
fn values_of_all_bits_do_but_for_one_cell_in_a_million() {
    let mut dice = Dice(77);
    let records = records(&mut dice, 17);
    let first = Cells::new(1, cut(&mut dice, &records));
    for _ in 0..8 {
        let again = Cells::new(1, cut(&mut dice, &records));
        let pairs = first.series().iter().flat_map(|s| &s.days).zip(again.series().iter().flat_map(|s| &s.days));
        let apart: Vec<_> = pairs.filter(|(a, b)| a != b).collect();
        assert!(apart.is_empty(), "{apart:?}");
    }
}

#[test]
fn equal_records_on_both_sides_differ_by_nothing() {
    let mut dice = Dice(5);
    let mut records = records(&mut dice, 4);
    records.retain(|r| r.1 == Side::Champion);
    let mut rows = cut(&mut dice, &records);
    rows.extend(cut(&mut dice, &records).into_iter().map(|s| Series { side: Side::Challenger, ..s }));
    let found = judged(&question(&["mAP50"]), rows);
    assert!(found.metrics.iter().all(|r| r.difference == Some(0.0)), "{:?}", found.metrics);
}

#[test]
fn changes_are_the_same_as_well() {
    let mut dice = Dice(9);
    let records = records(&mut dice, 4);
    let mut of = || {
        let rows = cut(&mut dice, &records);
        let cells: Vec<ChangeCell> = rows
            .iter()
            .filter(|s| s.side == Side::Champion)
            .map(|s| ChangeCell {
                place: s.place.clone(),
                model: None,
                device: None,
                period: if s.days[0].day.0 < START { Period::Before } else { Period::After },
                day: s.days[0].day,
                mean: s.days[0].values[0],
            })
            .collect();
        let cells_of = Cells::new(1, rows);
        let places: Vec<PlaceMeans> = cells_of
            .series()
            .iter()
            .filter(|s| s.side == Side::Champion)
            .map(|s| PlaceMeans {
                place: Place::clone(&s.place),
                task: None,
                device: None,
                before: s.sum(0, &(Day(START - 14)..Day(START))),
                after: s.sum(0, &(Day(START)..Day(START + 14))),
            })
            .collect();
        let change = delta(Level::Customer, &places, &DailyMeans::default());
        (what_changed(&metric("mAP50"), &cells), change)
    };
    let first = of();
    assert!((0..4).all(|_| of() == first));
    let kept = serde_json::to_string(&first.0).expect("JSON");
    assert_eq!(serde_json::from_str::<Changes>(&kept).expect("changes"), first.0);
    let kept = serde_json::to_string(&first.1).expect("JSON");
    assert_eq!(serde_json::from_str::<Delta>(&kept).expect("a change"), first.1);
    let answer = serde_json::to_value(first.0.answer()).expect("JSON");
    assert!(answer["parts"][0]["sentence"].is_string() && answer["change"].is_number(), "{answer}");
}
