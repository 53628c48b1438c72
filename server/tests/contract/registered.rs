//! A model that records name by its registered version is that model everywhere: in names, trends, comparisons, listings and
//! among the changes; its tags stand beside it.

use domain::{
    model::{ModelKey, ModelLink},
    ports::MetricsStore,
    query::{ComparisonQuery, MetricSelection, RecordsQuery, TrendQuery},
    time::Step,
};
use serde_json::{Value, json};

use crate::support::{Asked, LakeDir, fleet, june, take};

fn row(day: u32, fields: Value) -> Value {
    let mut row = json!({"timestamp": format!("2026-06-{day:02}T10:00:00Z"), "detection": {"mAP50": 0.5}});
    if let (Some(row), Value::Object(more)) = (row.as_object_mut(), fields) {
        row.extend(more);
    }
    row
}

fn key(text: &str) -> ModelKey {
    ModelKey::parse(text).expect("a model")
}

#[tokio::test]
async fn a_registered_version_is_one_model_under_whatever_tags() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let tags = json!({"model_architecture": "yolov8m", "model_version": "1"});
    let mut registered = json!({"model_architecture": "yolov8m", "model_version": "2"});
    registered["registered_model"] = json!("fleet-detector");
    registered["registered_version"] = json!("7");
    let mut other_tags = registered.clone();
    other_tags["model_version"] = json!("2-int8");
    take(&lake, [row(2, tags.clone()), row(3, tags)]).await;
    take(&lake, [row(20, registered.clone()), row(21, registered), row(22, other_tags)]).await;
    let model = key("models:/fleet-detector/7");
    for lake in [lake, dir.open().await] {
        let directory = lake.directory();
        assert_eq!(directory.models, [key("yolov8m:1"), model.clone()], "no tag of rows that name a registered model");
        assert_eq!(directory.models_by_age, directory.models);
        assert!(directory.model(&key("models:/fleet-detector")).is_ok());
        assert!(directory.model(&key("models:/fleet-detector/8")).is_err());
        assert!(directory.model(&key("yolov8m:2")).is_err());

        let step = Step::parse("1d").expect("a step");
        let q = TrendQuery { scope: fleet(), model: Some(model.clone()), metric: "mAP50".into(), range: june(), step };
        let trend = lake.trend(&q).await.expect("a trend");
        assert_eq!(trend.points.len(), 3);
        let change = &lake.trend(&TrendQuery { model: None, ..q }).await.expect("a trend").changes[..];
        let [change] = change else { panic!("{change:?}") };
        assert_eq!((change.name().as_str(), &*change.architecture), ("fleet-detector 7", "yolov8m"));
        assert_eq!(change.registered_version.as_deref(), Some("7"));

        let q = ComparisonQuery { scope: fleet(), range: june(), metrics: MetricSelection::All };
        let models = lake.comparison(&q).await.expect("a comparison").models;
        let told = |i: usize| {
            let m = &models[i];
            (m.n, m.architecture.as_deref(), m.version.as_deref(), m.registered_model.as_deref(), m.links.clone())
        };
        // Its rows agree on the architecture, and not on the version.
        assert_eq!(told(0), (3, Some("yolov8m"), None, Some("fleet-detector"), vec![ModelLink::Record]));
        assert_eq!(told(1), (2, Some("yolov8m"), Some("1"), None, vec![ModelLink::Architecture]));

        let q = RecordsQuery {
            scope: fleet(),
            model: Some(key("models:/fleet-detector")),
            run: None,
            metric: None,
            range: june(),
            skip: 0,
            take: 10,
        };
        let rows = lake.records(&q).await.expect("records").rows;
        let named = rows.iter().filter(|r| r.registered_model.as_deref() == Some("fleet-detector"));
        assert_eq!((rows.len(), named.count()), (3, 3));
    }
}
