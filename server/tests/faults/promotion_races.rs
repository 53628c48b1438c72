//! Many who promote at once, by the real server: of those who saw the same champion one is first, and what others did outside is theirs.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    mlflow::MlflowProcess,
    postgres::Database,
    process::{Folder, Served},
    promotion_asks::{
        OVER_POSTGRES, OVER_SQLITE, Stands, answer, fill_mlflow, history, log_is_whole, nobody_is_blamed_for_others,
        promotion, set_alias, stage_body, try_mlflow, until_known,
    },
    soak,
};

const PROMOTERS: u32 = 16;

fn rounds() -> u32 {
    if soak::times() > 1 { 1_000 } else { 20 }
}

/// Registers versions in our own registry.
async fn register(served: &Served, model: &str, versions: u32) {
    for n in 0..versions {
        let body = json!({"source": format!("s3://models/{n}"), "description": ""});
        let (status, said) = answer(served.post(&format!("/api/models/{model}/versions")).json(&body)).await;
        assert_eq!(status, 201, "{said}");
    }
}

/// Rounds of promoters who all saw the same champion, spread over servers of one data folder.
async fn race(servers: &[Served]) {
    let model = "raced";
    register(&servers[0], model, PROMOTERS + 1).await;
    for served in servers {
        until_known(served, model).await;
    }
    // All versions have to be known to all.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let registered = log_is_whole(&servers[0]).await.len();
    let mut champion: Option<String> = None;
    let (begun, rounds) = (Instant::now(), rounds());
    for round in 0..rounds {
        let versions = (1..=PROMOTERS + 1).map(|n| n.to_string()).filter(|v| Some(v) != champion.as_ref());
        let asked = versions.take(PROMOTERS as usize).zip(servers.iter().cycle()).map(|(version, served)| {
            let request = promotion(served, model, &version, champion.as_deref());
            async move { (version, answer(request).await) }
        });
        let answers = join_all(asked).await;
        let won: Vec<_> = answers.iter().filter(|(_, (status, _))| *status == 200).collect();
        let lost = answers.iter().filter(|(_, (status, _))| *status == 409).count();
        assert_eq!((won.len(), lost), (1, PROMOTERS as usize - 1), "round {round}: {answers:?}");
        assert_eq!(won[0].1.1["outcome"], "applied");
        // Who was too late is told of somebody, or that there is somebody at it.
        for (_, (_, body)) in answers.iter().filter(|(_, (status, _))| *status == 409) {
            assert!(body["detail"].as_str().is_some_and(|d| !d.is_empty()), "{body}");
        }
        champion = Some(won[0].0.clone());
    }
    println!("{rounds} rounds of {PROMOTERS} with {} servers in {:?}", servers.len(), begun.elapsed());
    let events = log_is_whole(&servers[0]).await;
    assert_eq!(events.len(), registered + 2 * rounds as usize, "a promotion begins and ends, and nothing else happens");
    let ended = |outcome: &str| events.iter().filter(|e| e["outcome"] == outcome).count();
    assert_eq!((ended("begun"), ended("applied")), (rounds as usize, rounds as usize));
    nobody_is_blamed_for_others(
        &history(&servers[0], model).await.into_iter().filter(|e| e["what"] != "registered").collect::<Vec<_>>(),
    );
    // A server knows at once what it did, and within its next look what another one did.
    for served in servers {
        let begun = Instant::now();
        loop {
            let now = served.json(&format!("/api/models/{model}")).await;
            if (&now["champion"], &now["stages"]["Production"]) == (&json!(champion), &json!([champion])) {
                break;
            }
            assert!(servers.len() > 1 && begun.elapsed() < Duration::from_secs(10), "{champion:?}: {now}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn of_sixteen_who_saw_the_same_champion_one_promotes_on_sqlite() {
    let folder = Folder::new();
    race(&[Served::start(&folder, &[]).await]).await;
}

#[tokio::test]
async fn of_sixteen_who_saw_the_same_champion_one_promotes_by_two_processes_on_postgres() {
    let folder = Folder::with(Database::durable());
    let first = Served::start(&folder, &[]).await;
    let second = Served::start(&folder, &[]).await;
    race(&[first, second]).await;
}

#[tokio::test]
async fn twenty_five_who_promote_at_once_in_mlflow_succeed_one_after_another() {
    const MANY: u32 = 25;
    let mlflow: &MlflowProcess = if soak::times() > 1 { &OVER_POSTGRES } else { &OVER_SQLITE };
    let model = format!("crowd-{}", std::process::id());
    fill_mlflow(&mlflow.address, &model, MANY).await;
    let folder = Folder::new();
    let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", &mlflow.address)]).await;
    until_known(&served, &model).await;
    let begun = Instant::now();
    let (mut champion, mut left): (Option<String>, BTreeSet<u32>) = (None, (1..=MANY).collect());
    // In each turn all who are left saw the same champion.
    let turns = if soak::times() > 1 { MANY } else { 3 };
    for turn in 0..turns {
        let asked = left.iter().map(|version| {
            let request = promotion(&served, &model, &version.to_string(), champion.as_deref());
            async move { (*version, answer(request).await) }
        });
        let answers = join_all(asked).await;
        let won: Vec<u32> = answers.iter().filter(|(_, (status, _))| *status == 200).map(|(v, _)| *v).collect();
        assert_eq!(won.len(), 1, "turn {turn}: {answers:?}");
        assert!(answers.iter().all(|(_, (status, _))| [200, 409].contains(status)), "turn {turn}: {answers:?}");
        left.remove(&won[0]);
        champion = Some(won[0].to_string());
        let now = Stands::in_mlflow(&mlflow.address, &model).await;
        assert_eq!(
            (now.champion(), now.in_stage("Production")),
            (champion.as_deref(), vec![champion.as_deref().unwrap()])
        );
    }
    println!("{turns} turns of up to {MANY} in {:?}", begun.elapsed());
    let events = history(&served, &model).await;
    nobody_is_blamed_for_others(&events);
    assert_eq!(events.iter().filter(|e| e["outcome"] == "applied").count(), turns as usize);
    assert!(events.iter().all(|e| e["outside"] == false), "{events:?}");
    log_is_whole(&served).await;
}

/// Somebody who changes a model in MLflow and knows nothing of us.
async fn meddle(address: String, model: String, seed: u64, stop: Arc<AtomicBool>) -> u64 {
    let mut turn = 0;
    while !stop.load(Ordering::Relaxed) {
        let random = soak::random(seed ^ (turn << 8));
        let version = 1 + (random >> 8) as u32 % 12;
        let text = version.to_string();
        let stage = ["None", "Staging", "Production", "Archived"][(random >> 40) as usize % 4];
        let (method, call, body) = match random % 8 {
            0..=2 => {
                (Method::POST, "registered-models/alias", json!({"name": model, "alias": "champion", "version": text}))
            }
            3 => (Method::POST, "registered-models/alias", json!({"name": model, "alias": "shadow", "version": text})),
            4..=6 => (Method::POST, "model-versions/transition-stage", stage_body(&model, version, stage)),
            _ if turn % 5 == 0 && version > 6 => {
                (Method::DELETE, "model-versions/delete", json!({"name": model, "version": text}))
            }
            _ => (Method::DELETE, "registered-models/alias", json!({"name": model, "alias": "rollback"})),
        };
        // A version may be gone.
        try_mlflow(&address, method, call, Some(&body)).await;
        turn += 1;
        tokio::time::sleep(Duration::from_millis(50 + random % 300)).await;
    }
    turn
}

/// Waits until the log says what MLflow says.
async fn until_logged(served: &Served, address: &str, model: &str) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let (now, events) = (Stands::in_mlflow(address, model).await, history(served, model).await);
        let last = events.iter().rev().find(|e| !e["after"].is_null());
        if last.is_some_and(|last| Stands::logged(&last["after"]) == now) {
            return events;
        }
        assert!(begun.elapsed() < Duration::from_secs(45), "{now:?}\n{last:?}\n{}", served.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn what_is_changed_outside_is_in_the_log_as_it_was_seen_and_nobody_is_blamed_for_it() {
    let address = &OVER_SQLITE.address;
    let model = format!("meddled-{}", std::process::id());
    fill_mlflow(address, &model, 12).await;
    set_alias(address, &model, "champion", 1).await;
    let folder = Folder::new();
    let served = Served::start(&folder, &[("MLFLOW_TRACKING_URI", address)]).await;
    until_known(&served, &model).await;
    let seed = soak::random(u64::from(std::process::id()));
    println!("seed {seed}");
    let long = Duration::from_secs(if soak::times() > 1 { 60 } else { 6 });

    // They alone: whatever we have shown is in the log.
    let stop = Arc::new(AtomicBool::new(false));
    let meddlers: Vec<_> =
        (0..2).map(|n| tokio::spawn(meddle(address.clone(), model.clone(), seed + n, stop.clone()))).collect();
    let (begun, mut shown) = (Instant::now(), BTreeSet::new());
    while begun.elapsed() < long {
        shown.insert(Stands::shown(&served.json(&format!("/api/models/{model}")).await));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let changes: u64 = join_all(meddlers).await.into_iter().map(|n| n.unwrap()).sum();
    let events = until_logged(&served, address, &model).await;
    nobody_is_blamed_for_others(&events);
    let logged: BTreeSet<Stands> =
        events.iter().filter(|e| !e["after"].is_null()).map(|e| Stands::logged(&e["after"])).collect();
    let missing: Vec<_> = shown.difference(&logged).collect();
    println!("{changes} changes outside, {} states shown, {} logged", shown.len(), logged.len());
    assert!(missing.is_empty(), "{} states were shown and not logged: {missing:?}", missing.len());
    assert!(events.iter().skip(1).all(|e| e["outside"] == true && e["actor"].is_null()), "{events:?}");

    // They beside us.
    let stop = Arc::new(AtomicBool::new(false));
    let meddlers: Vec<_> =
        (5..7).map(|n| tokio::spawn(meddle(address.clone(), model.clone(), seed + n, stop.clone()))).collect();
    let (begun, mut tries, mut outcomes) = (Instant::now(), 0_u64, std::collections::BTreeMap::<String, u32>::new());
    // On a busy machine all are overtaken for a while.
    let applied = |outcomes: &std::collections::BTreeMap<String, u32>| outcomes.contains_key("applied");
    while begun.elapsed() < long || (!applied(&outcomes) && begun.elapsed() < 5 * long) {
        let now = Stands::in_mlflow(address, &model).await;
        let version = (1 + soak::random(seed ^ tries) % 6).to_string();
        let (status, body) = answer(promotion(&served, &model, &version, now.champion())).await;
        let outcome = body["outcome"].as_str().map_or_else(|| status.to_string(), str::to_owned);
        *outcomes.entry(outcome).or_default() += 1;
        tries += 1;
    }
    stop.store(true, Ordering::Relaxed);
    join_all(meddlers).await;
    println!("{tries} promotions beside them: {outcomes:?}");
    // Alone again.
    let now = Stands::in_mlflow(address, &model).await;
    let version = if now.champion() == Some("1") { "2" } else { "1" };
    let (status, body) = answer(promotion(&served, &model, version, now.champion())).await;
    assert_eq!((status, &body["outcome"]), (200, &json!("applied")), "{body}");
    let events = until_logged(&served, address, &model).await;
    nobody_is_blamed_for_others(&events);
    let count = |outcome: &str| events.iter().filter(|e| e["outcome"] == outcome).count();
    assert_eq!(count("begun"), count("applied") + count("not_applied") + count("overtaken"), "{outcomes:?}");
    log_is_whole(&served).await;
}

#[tokio::test]
async fn a_key_that_is_sent_fifty_times_at_once_promotes_once_and_is_answered_alike() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    let model = "keyed";
    register(&served, model, 3).await;
    until_known(&served, model).await;
    for (version, expected) in [("2", None), ("3", Some("2"))] {
        let key = format!("key-{version}");
        let asked =
            (0..50).map(|_| answer(promotion(&served, model, version, expected).header("Idempotency-Key", &key)));
        let mut answers = join_all(asked).await;
        let first = answers.iter().filter(|(_, body)| body["again"] == false).count();
        assert_eq!(first, 1, "{answers:?}");
        for (status, body) in &mut answers {
            assert_eq!(*status, 200, "{body}");
            body["again"] = Value::Null;
        }
        assert!(answers.iter().all(|a| *a == answers[0]), "{answers:?}");
        let events = history(&served, model).await;
        let begun = events.iter().filter(|e| e["outcome"] == "begun" && e["version"] == version).count();
        assert_eq!(begun, 1, "{events:?}");
    }
    let (status, body) = answer(promotion(&served, model, "1", Some("3")).header("Idempotency-Key", "key-2")).await;
    assert_eq!(status, 422, "{body}");
    assert_eq!(served.json(&format!("/api/models/{model}")).await["champion"], "3");
    log_is_whole(&served).await;
}

#[tokio::test]
async fn whoever_comes_too_late_is_told_who_was_first_however_much_was_written_down_since() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    register(&served, "overtaken", 2).await;
    until_known(&served, "overtaken").await;
    assert_eq!(answer(promotion(&served, "overtaken", "1", None)).await.0, 200);
    let too_late = async || {
        let (status, body) = answer(promotion(&served, "overtaken", "2", None)).await;
        assert_eq!((status, &body["champion"]), (409, &json!("1")), "{body}");
        body["detail"].as_str().unwrap_or_default().to_owned()
    };
    let told = too_late().await;
    assert!(told.contains("made it so at"), "{told}");
    // More lines than are looked through first.
    register(&served, "beside", 210).await;
    assert_eq!(too_late().await, told);
}
