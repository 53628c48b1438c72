//! Order, pages, facets, groups and columns.

use std::{cmp::Ordering, collections::HashMap};

use proptest::prelude::*;

use super::{order::Rank, *};
use crate::{
    time::Millis,
    tracking::{
        Attribute, Column, Experiment, ExperimentId, Extremes, IndexedExperiment, Lifecycle, RunId, RunIndex,
        RunMetric, RunMetricNames, RunStatus, Text,
        filter::{BareKey, Field},
    },
};

fn experiment(id: &str, tags: &[(&str, &str)]) -> Arc<Experiment> {
    Arc::new(Experiment {
        id: ExperimentId::parse(id).expect("an id"),
        name: format!("experiment {id}").into(),
        lifecycle: Lifecycle::Active,
        artifact_location: "".into(),
        created: None,
        updated: None,
        tags: tags.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
    })
}

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn run(id: usize, home: &str, start: i64, metrics: &[(&str, f64)], params: Pairs<'_>, tags: Pairs<'_>) -> Run {
    let metric = |(key, value): &(&str, f64)| RunMetric {
        key: (*key).into(),
        value: *value,
        step: 0,
        timestamp: Millis(0),
        extremes: None,
    };
    let pairs = |list: Pairs<'_>| list.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    Run {
        id: RunId::parse(&format!("r{id:05}")).expect("an id"),
        experiment: ExperimentId::parse(home).expect("an id"),
        name: format!("run {id}").into(),
        user: "kim".into(),
        status: if id % 4 == 3 { RunStatus::Failed } else { RunStatus::Finished },
        start: Some(Millis(start)),
        end: None,
        artifact_uri: "".into(),
        lifecycle: Lifecycle::Active,
        metrics: metrics.iter().map(metric).collect(),
        params: pairs(params),
        tags: pairs(tags),
        datasets: vec![],
    }
    .sorted()
}

fn searched(experiments: Vec<Arc<Experiment>>, runs: Vec<Run>) -> Vec<Searched> {
    let mut index = RunIndex::default();
    index.put_experiments(experiments);
    index.put_runs(runs.into_iter().map(Arc::new));
    let of =
        |e: &Arc<IndexedExperiment>| Searched { experiment: e.clone(), summary: Arc::new(ExperimentSummary::of(e)) };
    index.experiments().map(of).collect()
}

fn names() -> RunMetricNames {
    RunMetricNames::default()
}

fn found(among: &[Searched], filter: &str, sort: &str, skip: usize, limit: usize) -> Found {
    let (filter, sort) = (Filter::parse(filter).expect(filter), resolved(sort, |_| false).0.settled(&names()));
    search(among, &Search { filter: &filter, sort: &sort, skip, limit, facets: true })
}

fn resolved(sort: &str, known: impl Fn(&Field) -> bool) -> (Sort, Vec<BareKey>) {
    AskedSort::parse(sort).expect(sort).resolve(known, &names())
}

fn ids(found: &Found) -> Vec<usize> {
    found.rows.iter().filter_map(|r| r.id.as_str()[1..].parse().ok()).collect()
}

#[test]
fn numbers_sort_before_texts_and_what_is_missing_comes_last_in_both_directions() {
    let value = |i: usize| [("lr", ["10", "9", "adam", "1e-3", "Adam"][i])];
    let mut runs: Vec<Run> = (0..5).map(|i| run(i, "1", 0, &[("f1", i as f64)], &value(i), &[])).collect();
    runs.push(run(5, "1", 9, &[("f1", f64::NAN)], &[], &[]));
    runs.push(run(6, "1", 9, &[], &[], &[]));
    let among = searched(vec![experiment("1", &[])], runs);
    for (sort, expected) in [
        ("params.lr", vec![3, 1, 0, 4, 2, 5, 6]),
        ("params.lr desc", vec![0, 1, 3, 2, 4, 5, 6]),
        ("-metrics.f1", vec![4, 3, 2, 1, 0, 5, 6]),
        ("metrics.f1 ASC", vec![0, 1, 2, 3, 4, 5, 6]),
        ("", vec![5, 6, 0, 1, 2, 3, 4]),
        ("start_time asc", vec![0, 1, 2, 3, 4, 5, 6]),
        ("attributes.status", vec![3, 5, 6, 0, 1, 2, 4]),
        ("metrics.absent", vec![5, 6, 0, 1, 2, 3, 4]),
        ("best(metrics.f1)", vec![4, 3, 2, 1, 0, 5, 6]),
        ("best(metrics.loss)", vec![5, 6, 0, 1, 2, 3, 4]),
    ] {
        assert_eq!(ids(&found(&among, "", sort, 0, 100)), expected, "{sort}");
        // Pages of two are the same list.
        let paged: Vec<usize> = (0..4).flat_map(|p| ids(&found(&among, "", sort, p * 2, 2))).collect();
        assert_eq!(paged, expected, "{sort}, paged");
    }
    let beyond = found(&among, "metrics.f1 >= 1", "metrics.f1", 50, 10);
    assert_eq!((beyond.total, beyond.rows.len()), (4, 0));
    assert_eq!(found(&among, "", "metrics.f1", 0, 0).total, 7);
}

#[test]
fn a_sort_is_read_and_printed() {
    for (text, printed) in [
        ("metrics.f1 desc", "metrics.f1 desc"),
        ("-metrics.f1", "metrics.f1 desc"),
        ("params.`learning rate`", "params.`learning rate` asc"),
        ("best(metrics.f1)", "best(metrics.f1) desc"),
        ("best( metrics.val_loss )", "best(metrics.val_loss) asc"),
        ("min(metrics.mAP50-95(B)) desc", "min(metrics.`mAP50-95(B)`) desc"),
        ("end_time", "attributes.end_time asc"),
        ("", "attributes.start_time desc"),
        ("f1", "metrics.f1 asc"),
        ("-f1, params.lr", "metrics.f1 desc, params.lr asc"),
        ("`learning rate` desc,start_time", "metrics.`learning rate` desc, attributes.start_time asc"),
        ("best(val/mAP50)", "best(metrics.val/mAP50) desc"),
        ("best(val_loss), -best(f1)", "best(metrics.val_loss) asc, best(metrics.f1) desc"),
        ("min(`val loss`)", "min(metrics.`val loss`) asc"),
    ] {
        let sort = resolved(text, |_| false).0;
        assert_eq!(sort.to_string(), printed);
        assert_eq!(resolved(printed, |_| false).0, sort);
    }
    for text in [
        "f1 f2",
        "f1,,f2",
        "-f1 desc",
        "best(f1",
        "worst(f1)",
        "``",
        "-metrics.f1 desc",
        "metrics.f1 down",
        "best(params.x)",
        "best(metrics.f1",
        "metrics.",
        "dataset.name",
        "x)",
    ] {
        let e = AskedSort::parse(text).expect_err(text);
        assert!(e.why.ko.is_some(), "{text}");
    }
    let many = ["f1"; crate::tracking::asked_sort::MAX_SORT_KEYS + 1].join(", ");
    assert!(AskedSort::parse(&many).expect_err("nine").why.en.contains("at most 8 keys"));
}

#[test]
fn a_key_without_a_prefix_is_what_has_that_name_as_in_filters() {
    for (has, expected) in [
        (&["metrics.status", "params.status"][..], "metrics.status desc"),
        (&["params.status", "tags.status"][..], "params.status desc"),
        (&["tags.status"][..], "tags.status desc"),
        (&[][..], "attributes.status desc"),
    ] {
        let (sort, understood) = resolved("-status, status", |f| has.contains(&&*f.to_string()));
        assert_eq!(
            sort.keys[..1],
            [SortKey { by: Column::parse(&expected[..expected.len() - 5]).expect("a column"), descending: true }]
        );
        assert_eq!((understood.len(), sort.keys.len()), (1, 2));
        let filter = Filter::parse("status = 'x'").expect("a filter").resolve(|f| has.contains(&&*f.to_string()));
        assert_eq!(filter.1, understood);
    }
}

#[test]
fn of_equal_runs_the_next_key_counts() {
    let lr = ["0.1", "0.01", "0.1", "0.01"];
    let run = |i: usize| run(i, if i == 3 { "2" } else { "1" }, 0, &[("f1", (i / 3) as f64)], &[("lr", lr[i])], &[]);
    let experiments = vec![experiment("1", &[]), experiment("2", &[])];
    let two = searched(experiments, (0..4).map(run).collect());
    for (sort, expected) in [
        ("metrics.f1 desc, params.lr", [3, 1, 0, 2]),
        ("metrics.f1, params.lr desc", [0, 2, 1, 3]),
        ("params.lr, -metrics.f1", [3, 1, 0, 2]),
        ("metrics.absent, params.lr, run_name desc", [3, 1, 2, 0]),
    ] {
        assert_eq!(ids(&found(&two, "", sort, 0, 10)), expected, "{sort}");
        let mut few: Vec<Arc<Run>> = (0..4).map(|i| Arc::new(run(i))).collect();
        sort_runs(&mut few, &resolved(sort, |_| false).0);
        let few: Vec<usize> = few.iter().filter_map(|r| r.id.as_str()[1..].parse().ok()).collect();
        assert_eq!(few, expected, "{sort}");
    }
    let one = searched(vec![experiment("1", &[])], (0..3).map(run).collect());
    assert_eq!(ids(&found(&one, "", "metrics.f1, params.lr", 0, 2)), [1, 0]);
}

#[test]
fn smallest_and_largest_values_count_where_they_are_known_and_stand_ins_are_counted() {
    let mut runs: Vec<Run> = (0..3).map(|i| run(i, "1", 0, &[("loss", i as f64)], &[], &[])).collect();
    runs[2].metrics[0].extremes = Some(Extremes { min: -5.0, max: 9.0, points: 10 });
    let among = searched(vec![experiment("1", &[])], runs);
    let best = found(&among, "", "best(metrics.loss)", 0, 10);
    assert_eq!((ids(&best), best.stand_ins), (vec![2, 0, 1], 2));
    assert_eq!(ids(&found(&among, "", "max(metrics.loss) desc", 0, 10)), [2, 1, 0]);
    assert_eq!(found(&among, "", "metrics.loss", 0, 10).stand_ins, 0);
}

#[test]
fn facets_count_what_passes_and_name_what_does_not() {
    let runs = (0..40).map(|i| {
        let site = ["busan", "seoul"][i % 2];
        let (model, seed) = (["yolov8", "detr", "rtdetr"][i % 3], i.to_string());
        let tags = [("site", site), ("mlflow.user", site), ("note", ["x"; 2][i % 2])];
        let params = [("model", model), ("seed", seed.as_str()), ("constant", "1")];
        run(i, "1", i as i64, &[], &params, &tags[..if i % 5 == 0 { 3 } else { 2 }])
    });
    let among = searched(vec![experiment("1", &[])], runs.collect());
    let all = found(&among, "tags.site = 'busan'", "", 0, 5);
    let names: Vec<String> = all.facets.iter().map(|f| f.column.to_string()).collect();
    assert_eq!(names, ["attributes.status", "tags.site", "params.model", "tags.note"]);
    let site = &all.facets[1].values;
    assert_eq!(
        site.iter().map(|v| (&*v.value, v.runs, v.all)).collect::<Vec<_>>(),
        [("busan", 20, 20), ("seoul", 0, 20)]
    );
    let status: HashMap<&str, usize> = all.facets[0].values.iter().map(|v| (&*v.value, v.runs)).collect();
    assert_eq!(status, HashMap::from([("FINISHED", 20), ("FAILED", 0)]));
}

#[test]
fn facets_of_several_experiments_are_put_together() {
    let runs = (0..8).map(|i| {
        let home = ["1", "2"][i % 2];
        run(i, home, 0, &[("f1", 1.0)], &[("model", ["a", "b", "c", "a"][i % 4])], &[])
    });
    let among = searched(vec![experiment("1", &[]), experiment("2", &[])], runs.collect());
    let facets = found(&among, "", "", 0, 100).facets;
    let model = facets.iter().find(|f| f.column == Column::param("model")).expect("a facet");
    let counts: Vec<_> = model.values.iter().map(|v| (&*v.value, v.runs, v.all)).collect();
    assert_eq!(counts, [("a", 4, 4), ("b", 2, 2), ("c", 2, 2)]);
    let columns = RunColumns::merged(among.iter().map(|s| &*s.summary.columns));
    assert_eq!((columns.runs, columns.metrics[0].runs, columns.has_param("model")), (8, 8, true));
    // Of equal starts by id, over both experiments.
    assert_eq!(ids(&found(&among, "", "", 0, 100)), (0..8).collect::<Vec<_>>());
}

#[test]
fn groups_have_a_mean_with_its_interval_over_repeats() {
    let lr = ["0.1", "0.01", "0.1", "0.1", "0.01"];
    let f1 = [1.0, 5.0, 2.0, 3.0, f64::NAN];
    let mut runs: Vec<Run> = (0..5).map(|i| run(i, "1", 0, &[("f1", f1[i])], &[("lr", lr[i])], &[])).collect();
    runs.push(run(5, "1", 0, &[("f1", f64::MAX)], &[], &[]));
    let among = searched(vec![experiment("1", &[])], runs);
    let filter = Filter::default();
    let (groups, left_out) =
        group_runs(&among, &filter, &Column::param("lr"), &[Column::metric("f1"), Column::metric("no")]);
    let values: Vec<_> = groups.iter().map(|g| (g.value.as_deref(), g.runs)).collect();
    assert_eq!((values, left_out), (vec![(Some("0.01"), 2), (Some("0.1"), 3), (None, 1)], 0));
    let (one, three, none) = (groups[0].metrics[0], groups[1].metrics[0], groups[2].metrics[0]);
    assert_eq!((one.n, one.mean, one.half_width), (1, 5.0, None));
    assert_eq!((three.n, three.mean, three.min, three.max), (3, 2.0, 1.0, 3.0));
    assert!(three.half_width.is_some_and(|w| (w - 2.484_137_7).abs() < 1e-6), "{three:?}");
    assert!(none.n == 0 && none.mean.is_nan() && groups[1].metrics[1].n == 0);
    let max = Column::Metric("f1".into(), crate::tracking::Reading::Max);
    let (maxima, _) = group_runs(&among, &filter, &Column::param("lr"), &[max]);
    let told: Vec<_> = maxima.iter().map(|g| (g.metrics[0].n, g.metrics[0].without_history)).collect();
    assert_eq!(told, [(0, 2), (0, 3), (0, 1)], "a last value is no maximum: it stays out");
    let (by_status, _) = group_runs(&among, &filter, &Column::Attribute(Attribute::Status), &[]);
    assert_eq!(by_status.len(), 2);
}

#[test]
fn spellings_of_one_number_are_one_group() {
    let lr = ["1e-3", "0.001", "1E-3", "0.0010", "adam", "Adam", "-0", "0.0"];
    let run = |i: usize| run(i, if i.is_multiple_of(2) { "1" } else { "2" }, 0, &[], &[("lr", lr[i])], &[]);
    let among = searched(vec![experiment("1", &[]), experiment("2", &[])], (0..8).map(run).collect());
    let (groups, _) = group_runs(&among, &Filter::default(), &Column::param("lr"), &[]);
    let told: Vec<_> = groups.iter().map(|g| (g.value.as_deref(), g.runs)).collect();
    assert_eq!(told, [(Some("-0"), 2), (Some("1E-3"), 4), (Some("Adam"), 1), (Some("adam"), 1)]);
}

#[test]
fn many_groups_are_the_largest_ones() {
    let runs = (0..MAX_GROUPS + 50).map(|i| {
        let seed = (i % (MAX_GROUPS + 20)).to_string();
        run(i, "1", 0, &[], &[("seed", &seed)], &[])
    });
    let among = searched(vec![experiment("1", &[])], runs.collect());
    let (groups, left_out) = group_runs(&among, &Filter::default(), &Column::param("seed"), &[]);
    assert_eq!((groups.len(), left_out, groups[29].runs), (MAX_GROUPS, 20, 2));
}

#[test]
fn columns_come_from_the_tag_else_from_what_most_runs_have() {
    let runs = (0..6).map(|i| {
        let lr = ["0.1", "0.2"][i % 2];
        let metrics = [("zeta", 1.0), ("val/mAP50", 1.0), ("rare", 1.0)];
        run(i, "1", 0, &metrics[..if i == 0 { 3 } else { 2 }], &[("lr", lr), ("constant", "x")], &[])
    });
    let runs: Vec<Run> = runs.collect();
    let shown = |tags: &[(&str, &str)]| {
        let among = searched(vec![experiment("1", tags)], runs.clone());
        let columns = chosen_columns(&[&among[0].experiment.experiment], &among[0].summary.columns, &names());
        columns.iter().map(Column::to_string).collect::<Vec<_>>().join(", ")
    };
    let chosen =
        "attributes.status, attributes.start_time, attributes.duration, metrics.val/mAP50, metrics.zeta, params.lr";
    assert_eq!(shown(&[]), chosen);
    assert_eq!(
        shown(&[(COLUMNS_TAG, "metrics.zeta, best(metrics.`val/mAP50`),status")]),
        "metrics.zeta, best(metrics.val/mAP50), attributes.status"
    );
    assert_eq!(shown(&[(COLUMNS_TAG, "metrics.zeta; nonsense")]), chosen, "a tag with a mistake is as none");
    assert_eq!(shown(&[(COLUMNS_TAG, "")]), chosen);
}

#[test]
fn runs_know_what_is_below_them() {
    let mut runs = vec![run(0, "1", 0, &[], &[], &[])];
    runs.extend((1..4).map(|i| run(i, "1", i as i64, &[], &[], &[(PARENT_TAG, "r00000")])));
    let among = searched(vec![experiment("1", &[])], runs);
    let (summary, home) = (&among[0].summary, &among[0].experiment);
    let below: Vec<&str> = summary.children(home, "r00000").map(|r| r.id.as_str()).collect();
    assert_eq!(below, ["r00003", "r00002", "r00001"]);
    assert_eq!(summary.children(home, "r00001").len(), 0);
}

#[test]
fn thousands_of_metrics_are_counted() {
    let keys: Vec<String> = (0..12_000).map(|i| format!("m/{i:05}")).collect();
    let runs = (0..10).map(|r| {
        let mine: Vec<(&str, f64)> = keys.iter().skip(r).step_by(1 + r % 3).map(|k| (k.as_str(), 1.0)).collect();
        run(r, "1", 0, &mine, &[], &[])
    });
    let among = searched(vec![experiment("1", &[])], runs.collect());
    let columns = &among[0].summary.columns;
    let naive = |key: &str| among[0].experiment.runs().iter().filter(|r| r.metric(key).is_some()).count();
    assert_eq!(columns.metrics.len(), 12_000);
    assert!(columns.metrics.iter().step_by(371).all(|k| k.runs == naive(&k.key)));
    assert!(columns.metrics.is_sorted_by(|a, b| a.key < b.key));
}

fn ranks() -> impl Strategy<Value = Option<Text>> {
    let text = prop::sample::select(vec!["10", "9", "9a", "1a", "2", "", "-0.5", "1e3", "nan", "inf", "한"]);
    prop::option::weighted(0.9, text.prop_map(Text::from))
}

proptest! {
    #[test]
    fn the_order_is_total_and_pages_are_parts_of_the_sorted_list(
        values in prop::collection::vec((ranks(), prop::option::of(prop::num::f64::ANY), 0..3_i64), 0..40),
        by_param in any::<bool>(),
        descending in any::<bool>(),
        (skip, limit) in (0..45_usize, 0..45_usize),
    ) {
        let made = values.iter().enumerate().map(|(i, (text, number, start))| {
            let param = text.as_ref().map(|t| ("p", &**t));
            let metric = number.map(|x| ("m", x));
            run(i, ["1", "2"][i % 2], *start, metric.as_slice(), param.as_slice(), &[])
        });
        let among = searched(vec![experiment("1", &[]), experiment("2", &[])], made.collect());
        let by = if by_param { Column::param("p") } else { Column::metric("m") };
        let sort = Sort::by(by.clone(), descending);
        let filter = Filter::default();
        let all = search(&among, &Search { filter: &filter, sort: &sort, skip: 0, limit: usize::MAX, facets: false });
        prop_assert_eq!(all.rows.len(), values.len());
        let page = search(&among, &Search { filter: &filter, sort: &sort, skip, limit, facets: false });
        let part: Vec<_> = all.rows.iter().skip(skip).take(limit).map(|r| r.id.clone()).collect();
        prop_assert_eq!(page.rows.iter().map(|r| r.id.clone()).collect::<Vec<_>>(), part);
        let rank = |r: &Run| match by.value(r) {
            Some(crate::tracking::Value::Text(t)) => (0, Some(t.to_owned())),
            Some(crate::tracking::Value::Number(x)) => (i32::from(x.is_nan()), Some(x.to_string())),
            _ => (9, None),
        };
        // What is missing comes last, NaN before it.
        prop_assert!(all.rows.iter().map(|r| rank(r).0).is_sorted());
    }

    #[test]
    fn ranks_are_in_one_order(a in ranks(), b in ranks(), c in ranks(), down in any::<bool>()) {
        fn rank(text: &Option<Text>) -> Rank<'_> {
            text.as_deref().map_or(Rank::Missing, Rank::of_text)
        }
        let compare = |x: &Option<Text>, y: &Option<Text>| rank(x).compare(rank(y), down);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        if compare(&a, &b) != Ordering::Greater && compare(&b, &c) != Ordering::Greater {
            prop_assert_ne!(compare(&a, &c), Ordering::Greater);
        }
    }
}
