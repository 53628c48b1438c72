//! Lakes with many metrics outside of the catalogue: questions about a page of them, and names beyond the cap.

use domain::{
    ports::{MetricsStore, RecordSink},
    query::{ComparisonQuery, MetricPage, MetricSelection, RecordsQuery, SummaryQuery},
    scope::Scope,
};
use lake::Lake;
use serde_json::{Map, Value, json};

use crate::support::{Adapter, Asked, Exports, LakeDir, ask, fleet, june, metric, read_back, scope, take};

suite!([on_the_lake = crate::support::local_lake, without_memory = crate::support::lake_without_memory] [
    a_page_of_metrics_is_a_part_of_all_of_them,
    a_page_of_a_comparison_has_the_same_metrics,
    a_page_knows_the_metrics_of_its_scope_alone,
]);

/// A record with these metrics of a group.
fn with(customer: &str, run: &str, names: impl Iterator<Item = String>) -> Value {
    let custom: Map<String, Value> = names.zip(1..).map(|(n, x)| (n, json!(x))).collect();
    json!({"customer": customer, "run_id": run, "model_architecture": "m", "detection": {"mAP50": 0.5}, "custom": custom})
}

/// Sixty names at one customer and three at another, in no order.
async fn sixty(a: &Adapter) {
    let name = |i: usize| format!("m{:02}", i * 37 % 60);
    a.take((0..6).map(|r| with("acme", &format!("{r}"), (r * 10..r * 10 + 10).map(name)))).await;
    a.take([with("other", "o", ["m00", "m59", "z"].map(String::from).into_iter())]).await;
}

fn page(always: &[&str], skip: usize, take: usize) -> MetricSelection {
    MetricSelection::Page(MetricPage { always: always.iter().map(ToString::to_string).collect(), skip, take })
}

async fn a_page_of_metrics_is_a_part_of_all_of_them(a: &Adapter) {
    sixty(a).await;
    let acme = scope("acme", "production");
    let all = a.summary(&acme, june()).await;
    assert_eq!((all.metrics.len(), all.present.len(), all.records), (61, 0, 6));
    let q = SummaryQuery { metrics: page(&["M59", "hota"], 25, 25), ..ask(&acme, june()) };
    let got = a.metrics.summary(&q).await.unwrap();
    let keys: Vec<&str> = all.metrics.iter().map(|m| m.metric.as_str()).collect();
    assert_eq!(got.present, keys, "what there is, in its order");
    let asked = |i: usize| i < 5 || (25..50).contains(&i) || keys[i] == "m59";
    let wanted: Vec<_> = (0..61).filter(|i| asked(*i)).map(|i| all.metrics[i].clone()).collect();
    assert_eq!(got.metrics, wanted);
    assert_eq!(got.children[0].metrics.len(), wanted.len());
    assert_eq!((got.records, got.children[0].records), (6, 6));
    let behind = SummaryQuery { metrics: page(&[], 100, 25), ..ask(&acme, june()) };
    assert_eq!(a.metrics.summary(&behind).await.unwrap().metrics, all.metrics[..5]);
}

async fn a_page_of_a_comparison_has_the_same_metrics(a: &Adapter) {
    sixty(a).await;
    let q = |metrics| ComparisonQuery { scope: scope("acme", "all"), range: june(), metrics };
    let all = a.metrics.field_report(&q(MetricSelection::All)).await.unwrap();
    let got = a.metrics.field_report(&q(page(&["mAP50"], 50, 25))).await.unwrap();
    let keys: Vec<&str> = got.metrics.iter().map(|m| &*m.key).collect();
    assert_eq!(got.present.len(), 61);
    assert_eq!(
        keys,
        [&["mAP50", "m00", "m01", "m02", "m03"][..], &got.present[50..].iter().map(|k| &**k).collect::<Vec<_>>()]
            .concat()
    );
    for (i, m) in got.metrics.iter().enumerate() {
        let at = all.metrics.iter().position(|x| x.key == m.key).expect("one of all");
        assert_eq!(got.cells[0].values[i], all.cells[0].values[at], "{}", m.key);
    }
}

async fn a_page_knows_the_metrics_of_its_scope_alone(a: &Adapter) {
    sixty(a).await;
    let present = async |scope: &Scope, range| {
        let q = SummaryQuery { metrics: page(&[], 0, 25), ..ask(scope, range) };
        a.metrics.summary(&q).await.unwrap().present
    };
    assert_eq!(present(&scope("other", "production"), june()).await, ["mAP50", "m00", "m59", "z"]);
    assert_eq!(present(&scope("other", "candidate"), june()).await, Vec::<String>::new());
    let april = crate::support::range("2026-04-10T00:00:00Z", "2026-04-20T00:00:00Z");
    assert_eq!(present(&fleet(), april).await, Vec::<String>::new());
    assert_eq!(present(&fleet(), june()).await.len(), 62);
}

async fn of(lake: &Lake, key: &str) -> Option<Vec<Option<f64>>> {
    let q = RecordsQuery {
        scope: fleet(),
        model: None,
        run: None,
        metric: Some(key.into()),
        range: june(),
        skip: 0,
        take: 9,
    };
    lake.records(&q).await.ok().map(|r| r.rows.into_iter().map(|row| row.values[0]).collect())
}

async fn known(lake: &Lake) -> Vec<String> {
    lake.directory().custom.to_vec()
}

#[tokio::test]
async fn the_names_that_came_first_stay_known_through_merges_restarts_and_other_processes() {
    let dir = LakeDir::new();
    let open = async || dir.open().await.with_metric_names(2);
    let (lake, other) = (open().await, open().await);
    take(&lake, [with("acme", "1", ["z", "y"].map(String::from).into_iter())]).await;
    take(&other, [with("acme", "2", ["a", "y"].map(String::from).into_iter())]).await;
    take(&lake, [with("acme", "3", ["b"].map(String::from).into_iter())]).await;
    other.refresh().await.unwrap();
    for lake in [&lake, &other, &open().await] {
        assert_eq!(known(lake).await, ["custom.y", "custom.z"]);
        let beyond = lake.directory().beyond.clone();
        assert_eq!(
            (beyond.names.to_vec(), beyond.more, beyond.cap),
            (vec!["custom.a".into(), "custom.b".into()], false, 2)
        );
    }
    lake.compact().await.unwrap();
    let lake = open().await;
    assert_eq!(known(&lake).await, ["custom.y", "custom.z"]);
    let s = lake.summary(&ask(&fleet(), june())).await.unwrap();
    assert_eq!(s.metrics.iter().map(|m| &*m.metric).collect::<Vec<_>>(), ["mAP50", "y", "z"]);
    assert_eq!((of(&lake, "b").await, of(&lake, "z").await), (Some(vec![Some(1.0)]), Some(vec![Some(1.0)])));
    assert!(of(&lake, "c").await.is_none());
    let path = dir.path().join("out.parquet");
    assert_eq!(lake.export_to(&fleet(), june(), &path).await.unwrap(), 3);
    let kept: Vec<_> = read_back(&path).iter().flat_map(|r| r.custom().to_vec()).collect();
    assert!(kept.contains(&("custom.a".into(), 1.0)) && kept.contains(&("custom.b".into(), 1.0)), "{kept:?}");
}

#[tokio::test]
async fn who_raises_the_cap_sees_the_metrics_that_are_there() {
    let dir = LakeDir::new();
    let lake = dir.open().await.with_metric_names(1);
    take(&lake, [with("acme", "1", (0..40).map(|i| format!("m{i:02}")))]).await;
    assert_eq!((known(&lake).await.len(), lake.directory().beyond.names.len()), (1, 39));
    let lake = dir.open().await.with_metric_names(30);
    assert_eq!((known(&lake).await.len(), lake.directory().beyond.names.len()), (30, 10));
    let q = SummaryQuery { metrics: page(&[], 25, 25), ..ask(&fleet(), june()) };
    let s = lake.summary(&q).await.unwrap();
    assert_eq!((s.present.len(), metric(&s.metrics, "m29").value), (31, Some(30.0)));
    let lake = dir.open().await.with_metric_names(0);
    assert_eq!((known(&lake).await.len(), lake.directory().beyond.names.len()), (0, 40));
}

#[tokio::test]
async fn the_demo_takes_its_names_with_it() {
    let dir = LakeDir::new();
    let lake = dir.open().await.with_metric_names(1);
    let mut demo = with("acme", "1", ["demo".to_owned()].into_iter());
    demo["simulated"] = json!(true);
    take(&lake, [demo]).await;
    take(&lake, [with("acme", "2", ["real".to_owned()].into_iter())]).await;
    assert_eq!(known(&lake).await, ["custom.demo"]);
    lake.remove_simulated().await.unwrap();
    assert_eq!((known(&lake).await, lake.directory().beyond.names.len()), (vec!["custom.real".into()], 0));
    assert_eq!(known(&dir.open().await.with_metric_names(1)).await, ["custom.real"]);
}
