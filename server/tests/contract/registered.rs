//! A model that records name by its registered version is that model everywhere: in names, trends, comparisons, listings and
//! among the changes; its tags stand beside it.

use std::sync::Arc;

use domain::{
    model::{ModelKey, ModelLink, RegistryVersions},
    ports::{Maintenance, MetricsStore},
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

/// `fleet 1` and `fleet 2` by the run that made them, `fleet 2` also by its tags.
fn links() -> Arc<RegistryVersions> {
    let version = |n: &str| match key(&format!("models:/fleet/{n}")) {
        ModelKey::Registered(version) => version,
        ModelKey::Tagged(_) => unreachable!(),
    };
    let mut links = RegistryVersions::default();
    links.insert_model("fleet");
    links.insert_run("run1", version("1"));
    links.insert_run("run2", version("2"));
    links.insert_tags(&domain::scope::Model::parse("yolov8m:2").expect("a model"), version("2"));
    Arc::new(links)
}

#[tokio::test]
async fn records_belong_to_the_version_that_a_registry_says_and_by_its_name_everywhere() {
    let dir = LakeDir::new();
    let lake = dir.open().await;
    let of = |version: &str, run: &str, customer: &str| json!({"model_architecture": "yolov8m", "model_version": version, "run_id": run, "customer": customer});
    // By its run, by run against tags, by tags, and by nothing that a registry knows.
    take(&lake, [row(2, of("0", "run1", "acme")), row(3, of("2", "run1", "acme"))]).await;
    take(&lake, [row(20, of("2", "run9", "acme")), row(21, of("2", "run2", "acme")), row(22, of("3", "run9", "acme"))])
        .await;
    take(&lake, [row(23, of("4", "run9", "other"))]).await;
    let before = lake.view().generation();
    lake.link(links()).await.expect("linked");
    assert!(lake.view().generation() > before, "who waits for news is told");
    let linked = lake.view().generation();
    lake.link(links()).await.expect("linked");
    assert_eq!(lake.view().generation(), linked, "the same links are no news");

    let directory = lake.directory();
    assert_eq!(directory.model(&key("yolov8m:2")), Ok(key("models:/fleet/2")), "tags are another name of the version");
    assert_eq!(directory.model(&key("models:/fleet/1")), Ok(key("models:/fleet/1")), "no tag leads to it");
    assert!(directory.model(&key("models:/fleet")).is_ok() && directory.model(&key("models:/fleet/9")).is_err());
    assert!(directory.models.contains(&key("models:/fleet/2")) && !directory.models.contains(&key("yolov8m:2")));

    let days = async |model: &str| -> (Vec<u32>, usize) {
        let step = Step::parse("1d").expect("a step");
        let model = Some(key(model));
        let q = TrendQuery { scope: fleet(), model: model.clone(), metric: "mAP50".into(), range: june(), step };
        let trend = lake.trend(&q).await.expect("a trend");
        let q = RecordsQuery { scope: fleet(), model, run: None, metric: None, range: june(), skip: 0, take: 10 };
        let records = lake.records(&q).await.expect("records");
        let day = |at: domain::time::Millis| at.day().to_string()[8..10].parse().expect("a day");
        let mut days: Vec<u32> = records.rows.iter().map(|r| day(r.timestamp)).collect();
        days.sort_unstable();
        assert_eq!(records.total as usize, days.len());
        (days, trend.points.len())
    };
    assert_eq!(days("models:/fleet/1").await, (vec![2, 3], 2));
    assert_eq!(days("models:/fleet/2").await, (vec![20, 21], 2));
    assert_eq!(days("yolov8m:2").await, (vec![20, 21], 2), "an address from before means the same");
    assert_eq!(days("models:/fleet").await, (vec![2, 3, 20, 21], 4));
    assert_eq!(days("yolov8m:3").await, (vec![22], 1));
    let q = ComparisonQuery { scope: fleet(), range: june(), metrics: MetricSelection::All };
    let models = lake.comparison(&q).await.expect("a comparison").models;
    let two = models.iter().find(|m| m.key() == Some(key("models:/fleet/2"))).expect("fleet 2");
    assert_eq!((two.n, two.links.clone()), (2, vec![ModelLink::Run, ModelLink::Tags]));

    // Who is bound to another customer learns of no version.
    let other = lake.view().restricted_to(&domain::text::Name::parse("other").expect("a name"));
    assert_eq!(other.directory().models, [key("yolov8m:4")]);
    for unknown in ["models:/fleet/2", "models:/fleet", "yolov8m:2"] {
        assert!(other.directory().model(&key(unknown)).is_err(), "{unknown}");
    }

    // A registry that is empty again, and another program that opens the lake: records say themselves what they are.
    lake.link(Arc::default()).await.expect("linked");
    assert!(lake.directory().model(&key("models:/fleet/2")).is_err());
    assert_eq!(lake.directory().model(&key("yolov8m:2")), Ok(key("yolov8m:2")));
}
