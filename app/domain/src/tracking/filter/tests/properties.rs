//! Filters against a plain reading of their definition, and texts of all kinds.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::*;
use crate::tracking::{
    Experiment, RunId, RunIndex,
    search::{ExperimentSummary, Search, Searched, Sort, search},
};

/// LIKE as its definition says, without care for time.
fn naive_like(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('%', rest)) => (0..=text.len()).any(|n| naive_like(rest, &text[n..])),
        Some(('_', rest)) => !text.is_empty() && naive_like(rest, &text[1..]),
        Some((c, rest)) => text.first() == Some(c) && naive_like(rest, &text[1..]),
    }
}

/// What passes, as the documentation says it: the values of a run as texts and numbers by name, each test on its own.
fn naive(expr: &Expr, run: &Run) -> bool {
    let lower = |t: &str| t.to_lowercase().chars().collect::<Vec<_>>();
    match expr {
        Expr::And(parts) => parts.iter().filter(|p| !naive(p, run)).count() == 0,
        Expr::Or(parts) => parts.iter().filter(|p| naive(p, run)).count() > 0,
        Expr::Not(inner) => !naive(inner, run),
        Expr::Word(word) => run.name.to_lowercase().contains(&word.to_lowercase()),
        Expr::Test(field, test) => {
            let found = |list: &[(Text, Text)], key: &Text| -> Vec<String> {
                list.iter().filter(|(k, _)| k == key).map(|(_, v)| v.to_string()).collect()
            };
            let (numbers, texts): (Option<Vec<f64>>, Vec<String>) = match field {
                Field::Metric(key) => {
                    (Some(run.metrics.iter().filter(|m| m.key == *key).map(|m| m.value).collect()), vec![])
                }
                Field::Param(key) => (None, found(&run.params, key)),
                Field::Tag(key) => (None, found(&run.tags, key)),
                Field::Attribute(Attribute::StartTime) => {
                    (Some(run.start.iter().map(|t| t.0 as f64).collect()), vec![])
                }
                Field::Attribute(Attribute::EndTime) => (Some(run.end.iter().map(|t| t.0 as f64).collect()), vec![]),
                Field::Attribute(Attribute::Status) => (None, vec![run.status.as_str().to_owned()]),
                Field::Attribute(_) => (None, vec![run.name.to_string()]),
                Field::Dataset(_) => (None, run.datasets.iter().map(|d| d.name.to_string()).collect()),
                Field::Bare(_) => (None, vec![]),
            };
            match test {
                Test::Null(is) => (numbers.map_or(texts.len(), |n| n.len()) == 0) == *is,
                Test::Number(order, x) => numbers
                    .unwrap_or_else(|| texts.iter().filter_map(|t| t.parse().ok()).collect())
                    .iter()
                    .any(|value| order.holds(*value, *x)),
                Test::Text(Match::Equal, t) => texts.iter().any(|x| **x == **t),
                Test::Text(Match::Unequal, t) => texts.iter().any(|x| **x != **t),
                Test::Text(Match::Like, t) => {
                    texts.iter().any(|x| naive_like(&t.chars().collect::<Vec<_>>(), &x.chars().collect::<Vec<_>>()))
                }
                Test::Text(Match::ILike, t) => texts.iter().any(|x| naive_like(&lower(t), &lower(x))),
                Test::Among(is, list) => {
                    let is_listed = |as_text: Option<&str>, as_number: Option<f64>| {
                        list.iter().any(|l| match l {
                            Listed::Text(t) => as_text == Some(&**t),
                            Listed::Number(x) => as_number == Some(*x),
                        })
                    };
                    match numbers {
                        Some(numbers) => numbers.iter().any(|x| is_listed(None, Some(*x)) == *is),
                        None => texts.iter().any(|t| is_listed(Some(t), t.parse().ok()) == *is),
                    }
                }
                Test::In(is, list) => texts.iter().any(|x| list.iter().any(|t| **t == **x) == *is),
            }
        }
    }
}

fn keys() -> impl Strategy<Value = Text> {
    prop::sample::select(vec!["a", "b", "lr", "val/mAP50", "x y", "back`tick", "IN", "metrics.a", "ключ"])
        .prop_map(text)
}

fn values() -> impl Strategy<Value = Text> {
    prop_oneof![
        prop::sample::select(vec![
            "", "a", "0.5", "1", "yolo", "YOLO", "it's", "\"", "'\"", "50%", "a_b", "Straße", "İ"
        ])
        .prop_map(text),
        "[ab%_'\"]{0,6}".prop_map(|t| text(&t)),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![
        prop::sample::select(vec![0.0, 0.5, 1.0, -1.0, f64::MAX, f64::MIN_POSITIVE]),
        any::<f64>().prop_filter("finite", |x| x.is_finite()),
    ]
}

fn orders() -> impl Strategy<Value = Order> {
    use Order::*;
    prop::sample::select(vec![Greater, AtLeast, Equal, Unequal, AtMost, Less])
}

fn text_tests() -> impl Strategy<Value = Test> {
    use Match::*;
    prop_oneof![
        (prop::sample::select(vec![Equal, Unequal, Like, ILike]), values()).prop_map(|(m, t)| Test::Text(m, t)),
        (any::<bool>(), prop::collection::vec(values(), 1..4)).prop_map(|(is, list)| Test::In(is, list)),
        any::<bool>().prop_map(Test::Null),
    ]
}

fn number_tests() -> impl Strategy<Value = Test> {
    let listed = prop::collection::vec(numbers().prop_map(Listed::Number), 1..4);
    prop_oneof![
        (orders(), numbers()).prop_map(|(o, x)| Test::Number(o, x)),
        (any::<bool>(), listed).prop_map(|(is, list)| Test::Among(is, list)),
        any::<bool>().prop_map(Test::Null),
    ]
}

/// Lists of texts and at least one number.
fn mixed_lists() -> impl Strategy<Value = Test> {
    let one = || prop_oneof![values().prop_map(Listed::Text), numbers().prop_map(Listed::Number)];
    (any::<bool>(), prop::collection::vec(one(), 0..3), numbers()).prop_map(|(is, mut list, x)| {
        list.push(Listed::Number(x));
        Test::Among(is, list)
    })
}

fn filters() -> impl Strategy<Value = Expr> {
    let both = || prop_oneof![text_tests(), number_tests(), mixed_lists()];
    let time = prop::sample::select(vec![Attribute::StartTime, Attribute::EndTime]);
    let texts = prop::sample::select(vec![Attribute::Status, Attribute::RunName]);
    let leaf = prop_oneof![
        (keys().prop_map(Field::Metric), number_tests()).prop_map(|(f, t)| Expr::Test(f, t)),
        (keys().prop_map(Field::Param), both()).prop_map(|(f, t)| Expr::Test(f, t)),
        (keys().prop_map(Field::Tag), both()).prop_map(|(f, t)| Expr::Test(f, t)),
        (keys().prop_map(Field::Bare), both()).prop_map(|(f, t)| Expr::Test(f, t)),
        (time.prop_map(Field::Attribute), number_tests()).prop_map(|(f, t)| Expr::Test(f, t)),
        (texts.prop_map(Field::Attribute), text_tests()).prop_map(|(f, t)| Expr::Test(f, t)),
        text_tests().prop_map(|t| Expr::Test(Field::Dataset(DatasetPart::Name), t)),
        values().prop_filter("a word", |w| !w.is_empty()).prop_map(Expr::Word),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|e| Expr::Not(Box::new(e))),
        ]
    })
}

fn runs() -> impl Strategy<Value = Run> {
    let pairs = || prop::collection::vec((keys(), values()), 0..5);
    let value = prop_oneof![4 => numbers(), 1 => Just(f64::NAN)];
    let metrics = prop::collection::vec((keys(), value), 0..5);
    let status = prop::sample::select(RunStatus::ALL.to_vec());
    let moment = || prop::option::of((-2_i64..3).prop_map(Millis));
    let datasets = prop::collection::vec(values(), 0..3);
    (values(), pairs(), pairs(), metrics, status, moment(), moment(), datasets).prop_map(
        |(name, params, tags, metrics, status, start, end, datasets)| {
            let metric = |(key, value)| RunMetric { key, value, step: 0, timestamp: Millis(0), extremes: None };
            let dataset = |name| DatasetInput { name, digest: text(""), context: text(""), source: text("") };
            Run {
                name,
                params,
                tags,
                status,
                start,
                end,
                metrics: metrics.into_iter().map(metric).collect(),
                datasets: datasets.into_iter().map(dataset).collect(),
                ..run()
            }
            .sorted()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_does_harm(text in prop_oneof![
        any::<String>(),
        // Made of what the grammar is made of.
        prop::collection::vec(prop::sample::select(vec![
            "metrics.", "params.", "tags", ".", "attributes.", "dataset.name", "a", "`", "\"", "'", "(", ")", " ", "AND", " OR ",
            "NOT ", "IN", " IS ", "NULL", "LIKE", ">", ">=", "=", "!=", "!", "0.5", "-", "1e", ",", "'x'", "é", "\u{202E}", "\0", "best(", "desc",
        ]), 0..24).prop_map(|parts| parts.concat()),
    ]) {
        match Filter::parse(&text) {
            Ok(filter) => prop_assert_eq!(Filter::parse(&filter.to_string()), Ok(filter)),
            Err(e) => {
                prop_assert!(text.is_char_boundary(e.at) && text[..e.at].chars().count() + 1 == e.column);
            }
        }
        let _ = crate::tracking::Column::parse_list(&text);
        let _ = crate::tracking::search::AskedSort::parse(&text);
    }

    #[test]
    fn what_is_printed_reads_the_same(expr in filters()) {
        let filter = Filter { root: Some(expr) };
        let printed = filter.to_string();
        prop_assume!(printed.len() <= MAX_FILTER);
        prop_assert_eq!(Filter::parse(&printed).map_err(|e| format!("{printed}: {}", e.sentence())), Ok(filter));
    }

    #[test]
    fn the_same_runs_pass_as_by_the_definition(expr in filters(), runs in prop::collection::vec(runs(), 1..6)) {
        let filter = Filter { root: Some(expr.clone()) };
        let runs: Vec<Run> = (0..).zip(runs).map(|(i, run)| Run { id: id(i), ..run }).collect();
        let passing: BTreeSet<RunId> = runs.iter().filter(|r| naive(&expr, r)).map(|r| r.id.clone()).collect();
        for run in &runs {
            prop_assert_eq!(filter.matches(run), passing.contains(&run.id), "{} of {:?}", filter, run);
        }
        // Among many, by arrays of values.
        let found = search(&[searched(runs)], &Search { filter: &filter, sort: &Sort::default(), skip: 0, limit: 9, facets: false });
        prop_assert_eq!(found.total, passing.len());
        let rows: BTreeSet<RunId> = found.rows.iter().map(|r| r.id.clone()).collect();
        prop_assert_eq!(rows, passing, "{}", filter);
    }
}

fn id(i: u8) -> RunId {
    RunId::parse(&format!("r{i}")).expect("an id")
}

fn searched(runs: Vec<Run>) -> Searched {
    let home = Experiment {
        id: run().experiment,
        name: text("home"),
        lifecycle: Lifecycle::Active,
        artifact_location: text(""),
        created: None,
        updated: None,
        tags: vec![],
    };
    let mut index = RunIndex::default();
    index.put_experiments([Arc::new(home)]);
    index.put_runs(runs.into_iter().map(Arc::new));
    let experiment = index.experiment(&run().experiment).expect("an experiment").clone();
    Searched { summary: Arc::new(ExperimentSummary::of(&experiment)), experiment }
}
