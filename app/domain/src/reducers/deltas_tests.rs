//! The changes of a summary, over rows made here.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    CellReducer, deltas,
    tests::{PLAIN, Row, asked, cells_of, chosen, hours, rows, summary_of},
};
use crate::{
    change::{Colour, DeltaOver},
    compare::overlap_weight,
    query::{MetricSummary, Summary, SummaryQuery},
    time::{HOUR, Millis},
};

fn changed(rows: &[Row], q: &SummaryQuery) -> Summary {
    let mut summary = summary_of(rows, q, &[]);
    let chosen = chosen();
    let (words, groups) = cells_of(rows, &deltas::places_query(q, &chosen));
    let mut places = deltas::Places::new(q, &chosen, words);
    groups.into_iter().for_each(|g| places.take(g));
    let mut found = places.finish();
    if let Some(query) = found.days_query() {
        let (words, groups) = cells_of(rows, &query);
        let mut days = found.days(words);
        groups.into_iter().for_each(|g| days.take(g));
        found = days.finish();
    }
    found.put_into(&mut summary);
    summary
}

/// Σω(x₂−x₁)/Σω over zones and devices, written down plainly.
fn at_the_same_places(rows: &[Row], q: &SummaryQuery, of: impl Fn(&Row) -> bool) -> Option<f64> {
    let mut cells: BTreeMap<_, [(f64, f64); 2]> = BTreeMap::new();
    for row in rows.iter().filter(|r| of(r)) {
        let at = Millis(row.hour * HOUR);
        let period = match (q.earlier.contains(at), q.range.contains(at)) {
            (true, _) => 0,
            (_, true) => 1,
            _ => continue,
        };
        let cell = &mut cells.entry((row.customer, row.site, row.zone, row.device)).or_default()[period];
        cell.0 += f64::from(row.samples);
        cell.1 += f64::from(row.samples) * row.value;
    }
    let both = cells.values().filter(|[a, b]| a.0 > 0.0 && b.0 > 0.0);
    let (w, wx) = both.fold((0.0, 0.0), |sum, [a, b]| {
        let w = overlap_weight(a.0, b.0);
        (sum.0 + w, sum.1 + w * (b.1 / b.0 - a.1 / a.0))
    });
    (w > 0.0).then(|| wx / w)
}

proptest! {
    #[test]
    fn a_change_is_that_of_the_same_places_and_mix_for_the_whole_each_child_and_each_site(rows in rows(), sites in any::<bool>()) {
        let q = SummaryQuery { sites, changes: true, ..asked("", hours(24, 48)) };
        let got = changed(&rows, &q);
        // Sums are rounded to 34 bits before they are set against each other.
        let near = |a: f64, b: f64| (a - b).abs() < 1e-7;
        let check = |metrics: &[MetricSummary], of: &dyn Fn(&Row) -> bool| {
            let Some(m) = metrics.first() else { return true };
            let Some(change) = m.change else { return false };
            let want = at_the_same_places(&rows, &q, of);
            let (same, mix) = (change.delta.same, change.delta.mix);
            same.is_some() == want.is_some()
                && same.zip(want).is_none_or(|(a, b)| near(a, b))
                && m.delta.zip(same).zip(mix).is_none_or(|((all, same), mix)| near(all, same + mix))
        };
        prop_assert!(check(&got.metrics, &|_| true));
        for c in &got.children {
            let customer = c.scope.customer.as_ref().expect("a customer").as_str();
            prop_assert!(check(&c.metrics, &|r| r.customer == customer));
        }
        for s in &got.sites {
            let (c, n) = (s.scope.customer.as_ref().expect("a name"), s.scope.site.as_ref().expect("a name"));
            prop_assert!(check(&s.metrics, &|r| r.customer == c.as_str() && r.site == n.as_str()));
        }
    }
}

/// Two zones for 60 days before and two periods of a week; the later one is `lower` by so much. Days differ by their number.
fn weeks(lower: f64) -> Vec<Row> {
    let days = 0i64..74;
    let row = |day: i64| {
        let noise = ((day * 7919) % 13) as f64 / 10.0;
        let value = 20.0 + noise - if day >= 67 { lower } else { 0.0 };
        ["y", "z"].map(|zone| Row { hour: day * 24 + 3, zone, value, ..PLAIN })
    };
    days.flat_map(row).collect()
}

#[test]
fn where_places_are_too_few_days_tell_a_change_from_noise() {
    let q = SummaryQuery { changes: true, ..asked("", hours(67 * 24, 74 * 24)) };
    let of = |lower| changed(&weeks(lower), &q).metrics[0].change.expect("a change");
    let large = of(5.0);
    assert!(matches!(large.delta.over, DeltaOver::Days { days: 7, .. }), "{large:?}");
    // Latency is better when lower.
    assert_eq!(large.colour, Colour::Better);
    assert_eq!(of(0.0).colour, Colour::WithinNoise);
}

#[test]
fn a_period_of_less_than_five_days_and_places_tells_nothing() {
    let q = SummaryQuery { changes: true, ..asked("", hours(70 * 24, 74 * 24)) };
    let change = changed(&weeks(5.0), &q).metrics[0].change.expect("a change");
    assert_eq!((change.delta.over, change.colour, change.delta.low), (DeltaOver::TooFew, Colour::TooFew, None));
}

#[test]
fn with_five_customers_these_are_what_is_counted_and_no_day_is_asked_for() {
    let rows: Vec<Row> = ["a", "b", "c", "d", "e", "f"]
        .into_iter()
        .enumerate()
        .flat_map(|(i, customer)| {
            let noise = i as f64 / 10.0;
            [(1, 10.0), (25, 14.0 + noise)].map(|(hour, value)| Row { hour, customer, value, ..PLAIN })
        })
        .collect();
    let q = SummaryQuery { children: false, changes: true, ..asked("", hours(24, 48)) };
    let chosen = chosen();
    let (words, groups) = cells_of(&rows, &deltas::places_query(&q, &chosen));
    let mut places = deltas::Places::new(&q, &chosen, words);
    groups.into_iter().for_each(|g| places.take(g));
    assert!(places.finish().days_query().is_none());
    let change = changed(&rows, &q).metrics[0].change.expect("a change");
    assert_eq!((change.delta.over, change.colour), (DeltaOver::Customers(6), Colour::Worse));
}
