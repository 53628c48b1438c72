//! What an MLflow that fails in the middle of a promotion leads to: each fault has an outcome that is told and written down.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    mlflow::MlflowProcess,
    process::{Folder, Served},
    promotion_asks::{
        OVER_SQLITE, Stands, answer, ask_mlflow, fill_mlflow, history, log_is_whole, nobody_is_blamed_for_others,
        promotion, set_alias, stage_body, until_known,
    },
    promotion_proxy::{Act, Proxy},
};

/// A server with an MLflow behind a proxy, and a model of three versions of which 1 is the champion.
struct Site {
    proxy: Proxy,
    served: Served,
    mlflow: String,
    model: String,
    before: Stands,
    _folder: Folder,
}

impl Site {
    async fn start(mlflow: &str, model: &str) -> Self {
        let model = format!("{model}-{}", std::process::id());
        fill_mlflow(mlflow, &model, 3).await;
        set_alias(mlflow, &model, "champion", 1).await;
        let body = stage_body(&model, 1, "Production");
        ask_mlflow(mlflow, Method::POST, "model-versions/transition-stage", body).await;
        let proxy = Proxy::before(mlflow).await;
        let folder = Folder::new();
        let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &proxy.address)]).await;
        until_known(&served, &model).await;
        let before = Stands::in_mlflow(mlflow, &model).await;
        Self { proxy, served, mlflow: mlflow.to_owned(), model, before, _folder: folder }
    }

    async fn promote(&self, version: &str) -> (u16, Value) {
        answer(promotion(&self.served, &self.model, version, Some("1"))).await
    }

    async fn now(&self) -> Stands {
        Stands::in_mlflow(&self.mlflow, &self.model).await
    }

    /// Version 2 is the champion, and everything agrees.
    async fn is_applied(&self) {
        let now = self.now().await;
        assert_eq!((now.champion(), now.in_stage("Production")), (Some("2"), vec!["2"]), "{now:?}");
        assert_eq!(now.aliases["rollback"], "1");
    }

    /// What the log says at last, checked with the registry.
    async fn ended(&self) -> Vec<Value> {
        let events = history(&self.served, &self.model).await;
        let last = events.iter().rev().find(|e| !e["after"].is_null()).expect("a standing");
        assert_eq!(Stands::logged(&last["after"]), self.now().await, "{events:?}");
        nobody_is_blamed_for_others(&events);
        log_is_whole(&self.served).await;
        events
    }

    /// A promotion without a fault works.
    async fn works_again(&self, version: &str) {
        let champion = self.now().await.champion().map(str::to_owned);
        let (status, body) = answer(promotion(&self.served, &self.model, version, champion.as_deref())).await;
        assert_eq!((status, &body["outcome"]), (200, &json!("applied")), "{body}");
    }
}

#[tokio::test]
async fn a_promotion_that_mlflow_made_and_did_not_answer_is_applied_once() {
    let site = Site::start(&OVER_SQLITE.address, "swallowed").await;
    site.proxy.next(Act::Swallow);
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["outcome"]), (200, &json!("applied")), "{body}");
    assert_eq!(site.proxy.moves.load(Ordering::SeqCst), 1);
    site.is_applied().await;
    site.ended().await;
    site.works_again("3").await;
}

#[tokio::test]
async fn a_promotion_that_mlflow_was_too_busy_for_is_not_applied_and_everything_is_as_before() {
    let site = Site::start(&OVER_SQLITE.address, "busy").await;
    site.proxy.next(Act::Answer("503 Service Unavailable"));
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["outcome"]), (502, &json!("not_applied")), "{body}");
    assert!(body["detail"].as_str().is_some_and(|d| d.contains("503")), "{body}");
    assert_eq!(site.now().await, site.before);
    let events = site.ended().await;
    assert!(events.iter().all(|e| e["outside"] == false), "{events:?}");
    site.works_again("2").await;
}

#[tokio::test]
async fn a_version_that_is_deleted_before_it_becomes_the_champion_does_not_and_it_is_said_why() {
    let site = Site::start(&OVER_SQLITE.address, "deleted").await;
    let (mlflow, model) = (site.mlflow.clone(), site.model.clone());
    site.proxy.next(Act::First(Box::new(move || {
        Box::pin(async move {
            ask_mlflow(&mlflow, Method::DELETE, "model-versions/delete", json!({"name": model, "version": "2"})).await;
        })
    })));
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["outcome"]), (502, &json!("not_applied")), "{body}");
    assert!(body["detail"].as_str().is_some_and(|d| d.contains(&site.model)), "{body}");
    let now = site.now().await;
    assert_eq!((&now.aliases, &now.stages), (&site.before.aliases, &site.before.stages));
    assert_eq!(now.versions, ["1", "3"]);
    let events = site.ended().await;
    assert_eq!(
        (&events.last().unwrap()["what"], &events.last().unwrap()["outside"]),
        (&json!("changed_outside"), &json!(true))
    );
    site.works_again("3").await;
}

#[tokio::test]
async fn a_champion_that_somebody_moves_at_the_same_moment_is_theirs_and_so_it_is_written_down() {
    let site = Site::start(&OVER_SQLITE.address, "overtaken").await;
    let (mlflow, model) = (site.mlflow.clone(), site.model.clone());
    site.proxy.next(Act::Then(Box::new(move || {
        Box::pin(async move {
            set_alias(&mlflow, &model, "champion", 3).await;
        })
    })));
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["outcome"], &body["champion"]), (409, &json!("overtaken"), &json!("3")), "{body}");
    assert!(body["detail"].as_str().is_some_and(|d| d.contains("v3")), "{body}");
    assert_eq!(site.now().await.champion(), Some("3"));
    let events = site.ended().await;
    let [.., ended, outside] = &events[..] else { panic!("{events:?}") };
    assert_eq!(ended["outcome"], "overtaken");
    assert!(ended["note"].as_str().is_some_and(|n| n.contains("v3")), "{ended}");
    assert_eq!((&outside["outside"], &outside["after"]["champion"]), (&json!(true), &json!("3")), "{outside}");
    // Whoever asks with what they saw before is told that it was outside.
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["champion"]), (409, &json!("3")), "{body}");
    assert!(body["detail"].as_str().is_some_and(|d| d.contains("outside")), "{body}");
    site.works_again("2").await;
}

#[tokio::test]
async fn a_promotion_in_a_frozen_mlflow_is_pending_until_it_answers_and_others_are_refused_at_once() {
    let mlflow = Arc::new(MlflowProcess::start(None, None, &[]));
    let site = Site::start(&mlflow.address, "frozen").await;
    let frozen = mlflow.clone();
    site.proxy.next(Act::First(Box::new(move || Box::pin(async move { frozen.freeze() }))));
    let begun = Instant::now();
    let (status, body) = site.promote("2").await;
    assert_eq!((status, &body["outcome"]), (202, &json!("pending")), "{body}");
    println!("pending after {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(25));
    while site.served.json("/api/models").await["registry"]["error"].is_null() {
        assert!(begun.elapsed() < Duration::from_secs(30), "nobody says that MLflow is away");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    let (status, body) = site.promote("3").await;
    assert_eq!(status, 503, "{body}");
    assert!(asked.elapsed() < Duration::from_secs(1), "{:?}", asked.elapsed());
    assert!(body["detail"].as_str().is_some_and(|d| d.contains("as of 20")), "{body}");
    // What is shown stays.
    assert_eq!(site.served.json(&format!("/api/models/{}/champion", site.model)).await["version"], "1");
    mlflow.thaw();
    let thawed = Instant::now();
    let outcome = loop {
        let events = history(&site.served, &site.model).await;
        let ended = events.iter().find(|e| !e["operation"].is_null() && e["outcome"] != "begun");
        if let Some(ended) = ended {
            break ended["outcome"].as_str().unwrap().to_owned();
        }
        assert!(thawed.elapsed() < Duration::from_secs(20), "{events:?}\n{}", site.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    println!("{outcome} {:?} after MLflow went on", thawed.elapsed());
    match outcome.as_str() {
        "applied" => site.is_applied().await,
        "not_applied" => assert_eq!(site.now().await, site.before),
        other => panic!("{other}"),
    }
    // What MLflow had not read yet was not taken back and made afterwards.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let events = site.ended().await;
    assert!(events.iter().all(|e| e["outside"] == false), "{events:?}");
    site.works_again("3").await;
}
