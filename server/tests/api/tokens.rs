//! Named tokens and sessions: who gets in, for how long, and how soon not any more, on every server of the data folder.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{ConnectOptions, Executor, sqlite::SqliteConnectOptions};

use crate::{
    fleet,
    process::{Folder, Ran, Served, run, text},
    wire::{Answer, request, send},
};

pub const OPERATOR: &str = "an-operator-token-of-more-than-32-bytes";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
/// Any route that only those who may read get an answer of.
const READ: &str = "/api/places";

/// A command on the data folder.
pub fn on(folder: &Folder, args: &[&str]) -> Ran {
    run(&[args, &["--data", &text(&folder.data())]].concat())
}

/// A new token of a name.
pub fn token(folder: &Folder, name: &str, role: &str) -> String {
    on(folder, &["tokens", "add", name, "--role", role]).fine().stdout.trim().to_owned()
}

pub async fn ask(served: &Served, method: &str, path: &str, heads: &[(&str, &str)], body: &str) -> Answer {
    send(served.port, &request(served.port, method, path, heads, body.as_bytes())).await.expect("an answer")
}

/// The status of a read with a bearer token.
async fn by_token(served: &Served, token: &str) -> u16 {
    ask(served, "GET", READ, &[("Authorization", &format!("Bearer {token}"))], "").await.status
}

/// The status of a read with the cookie of a session.
async fn by_cookie(served: &Served, cookie: &str) -> u16 {
    ask(served, "GET", READ, &[("Cookie", cookie)], "").await.status
}

async fn sign_in(served: &Served, token: &str) -> Answer {
    ask(served, "POST", "/signin", &[FORM], &format!("token={token}&back=/trends")).await
}

/// The cookie of a new session.
pub async fn session(served: &Served, token: &str) -> String {
    let answer = sign_in(served, token).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.all("set-cookie")[0].split(';').next().expect("a cookie").to_owned();
    assert!(cookie.starts_with("gf_session=") && !cookie.contains(token), "{cookie}");
    cookie
}

/// How long it takes until something is so.
async fn until(what: &str, is: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < Duration::from_secs(10), "not within ten seconds: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

#[test]
fn tokens_are_shown_once_and_listed_without_themselves() {
    let folder = Folder::new();
    assert_eq!(on(&folder, &["tokens", "list", "--json"]).fine().json(), json!([]));
    assert!(!folder.data().exists(), "nothing is made only to look");
    let kim = token(&folder, "kim", "viewer");
    assert!(kim.starts_with("gf_") && kim.len() == 67, "{kim}");
    let lee = token(&folder, "이 순신", "operator");
    assert_ne!(kim, lee);
    for (args, code) in [
        (&["tokens", "add", "kim", "--role", "operator"][..], 2),
        (&["tokens", "add", "operator", "--role", "operator"], 2),
        (&["tokens", "add", "", "--role", "viewer"], 2),
        (&["tokens", "add", "a\tb", "--role", "viewer"], 2),
        (&["tokens", "add", "park", "--role", "king"], 2),
        (&["tokens", "add", "park"], 2),
        (&["tokens", "revoke", "park"], 1),
    ] {
        let ran = on(&folder, args);
        assert!(ran.code == Some(code) && ran.stdout.is_empty() && !ran.stderr.is_empty(), "{args:?}: {ran:?}");
    }
    let revoked = on(&folder, &["tokens", "revoke", "kim"]).fine();
    assert_eq!(on(&folder, &["tokens", "revoke", "kim"]).code, Some(1));
    let list = on(&folder, &["tokens", "list", "--json"]).fine();
    let rows = list.json();
    let row = |i: usize, key: &str| rows[i][key].clone();
    assert_eq!((row(0, "name"), row(0, "role")), (json!("kim"), json!("viewer")));
    assert!(row(0, "revoked").is_string() && row(1, "revoked").is_null() && row(1, "last_use").is_null(), "{rows}");
    assert_eq!((row(1, "name"), row(1, "role")), (json!("이 순신"), json!("operator")));
    // The same name, put together in another way.
    let apart = "\u{110B}\u{1175} \u{1109}\u{116E}\u{11AB}\u{1109}\u{1175}\u{11AB}";
    assert_eq!(on(&folder, &["tokens", "add", apart, "--role", "viewer"]).code, Some(2));
    let table = on(&folder, &["tokens", "list"]).fine();
    for said in [&revoked, &list, &table] {
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(!all.contains(&kim) && !all.contains(&lee) && !all.contains(&kim[3..]), "{all}");
    }
    let kept = std::fs::read(folder.data().join("guardianflow.sqlite")).expect("a database");
    let log = std::fs::read(folder.data().join("guardianflow.sqlite-wal")).unwrap_or_default();
    for (secret, file) in [(&kim, &kept), (&kim, &log), (&lee, &kept), (&lee, &log)] {
        assert!(!file.windows(32).any(|w| w == &secret.as_bytes()[3..35]), "it is kept as it is");
    }
}

#[tokio::test]
async fn from_the_first_token_on_everybody_signs_in_also_when_it_is_revoked() {
    let folder = Folder::new();
    let served = Served::start(&folder, &[]).await;
    assert_eq!(ask(&served, "GET", READ, &[], "").await.status, 200, "whoever is at this machine");
    let kim = token(&folder, "kim", "viewer");
    let heard = until("nobody is local", async || ask(&served, "GET", READ, &[], "").await.status == 401).await;
    assert!(heard < Duration::from_secs(2), "{heard:?}");
    assert_eq!(by_token(&served, &kim).await, 200);
    let lee = token(&folder, "lee", "operator");
    until("it is known", async || by_token(&served, &lee).await == 200).await;
    // What a role may do.
    let record = fleet::one(fleet::now() - 60_000, json!({"run_id": "by-token"})).to_string();
    let bearer = |t: &str| format!("Bearer {t}");
    for (token, status) in [(&kim, 403), (&lee, 200)] {
        let heads = [NDJSON, ("Authorization", &*bearer(token))];
        let sent = ask(&served, "POST", "/api/metrics/records", &heads, &record).await;
        assert_eq!(sent.status, status, "{}", sent.body);
        assert_eq!(sent.body.contains("kim may not do this"), status == 403, "{}", sent.body);
        assert_eq!(ask(&served, "GET", "/sources", &heads[1..], "").await.status, 200);
    }
    let bent = format!("{}0", &kim[..kim.len() - 1]);
    let other = format!("gf_{}", "0".repeat(64));
    for wrong in [&kim[..kim.len() - 1], &kim[3..], &kim.to_uppercase(), &format!("{kim}x"), "gf_", &other] {
        assert_eq!(by_token(&served, wrong).await, 401, "{wrong}");
    }
    assert_eq!(by_token(&served, &bent).await, if bent == kim { 200 } else { 401 });
    // Revoking opens nothing.
    for name in ["kim", "lee"] {
        on(&folder, &["tokens", "revoke", name]).fine();
    }
    until("it is revoked", async || by_token(&served, &kim).await == 401 && by_token(&served, &lee).await == 401).await;
    assert_eq!(ask(&served, "GET", READ, &[], "").await.status, 401);
    drop(served);
    let again = Served::start(&folder, &[("GF_HOSTS", "metrics.example.com")]).await;
    assert_eq!(ask(&again, "GET", READ, &[], "").await.status, 401, "nor at the next start");
    assert!(!again.log().contains("everybody who reaches"), "{}", again.log());
}

#[tokio::test]
async fn a_session_outlives_the_server_and_ends_with_signing_out_for_every_copy_of_its_cookie() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "viewer");
    let served = Served::start(&folder, &[]).await;
    let page = ask(&served, "GET", "/signin", &[], "").await;
    assert!(page.body.contains(r#"name="token""#), "{}", page.body);
    let answer = sign_in(&served, &kim).await;
    assert_eq!((answer.status, answer.all("location")), (303, vec!["/trends"]));
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"] {
        assert!(answer.all("set-cookie")[0].contains(part), "{part}");
    }
    let (one, two) = (session(&served, &kim).await, session(&served, &kim).await);
    assert_ne!(one, two);
    drop(served);
    let served = Served::start(&folder, &[]).await;
    assert_eq!((by_cookie(&served, &one).await, by_cookie(&served, &two).await), (200, 200));
    // None but the whole secret opens, nor what was a session before there were any in the store.
    let secret = one.split_once('=').expect("a cookie").1;
    for at in 0..secret.len() {
        let mut bent = secret.to_owned().into_bytes();
        bent[at] = if bent[at] == b'0' { b'1' } else { b'0' };
        let bent = String::from_utf8(bent).expect("ASCII");
        assert_eq!(by_cookie(&served, &format!("gf_session={bent}")).await, 401, "byte {at}");
    }
    let old = format!("gf_session={}.{}", fleet::now() / 1_000 + 3_600, "a".repeat(64));
    for wrong in [&*old, "gf_session=", &format!("gf_session={kim}"), &format!("{one}0")] {
        assert_eq!(by_cookie(&served, wrong).await, 401, "{wrong}");
    }
    let out = ask(&served, "POST", "/signout", &[("Cookie", &one)], "").await;
    assert_eq!(out.status, 303);
    assert!(out.all("set-cookie").iter().any(|c| c.starts_with("gf_session=;") && c.contains("Max-Age=0")));
    for _ in 0..100 {
        assert_eq!(by_cookie(&served, &one).await, 401);
    }
    assert_eq!(by_cookie(&served, &two).await, 200, "another session of the same token");
    let log = served.log();
    assert!(log.contains("signed out") && log.contains("kim"), "{log}");
}

#[tokio::test]
async fn whoever_is_revoked_or_signed_out_is_so_on_every_server_within_a_second() {
    let folder = Folder::new();
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "operator"));
    let (one, two) = (Served::start(&folder, &[]).await, Served::start(&folder, &[]).await);
    let (of_kim, of_lee) = (session(&one, &kim).await, session(&one, &lee).await);
    for served in [&one, &two] {
        assert_eq!((by_cookie(served, &of_kim).await, by_cookie(served, &of_lee).await), (200, 200));
        assert_eq!(by_token(served, &kim).await, 200);
    }
    on(&folder, &["tokens", "revoke", "kim"]).fine();
    let heard = until("kim is out", async || {
        let mut statuses = vec![];
        for served in [&one, &two] {
            statuses.extend([by_cookie(served, &of_kim).await, by_token(served, &kim).await]);
        }
        statuses == [401; 4]
    })
    .await;
    assert!(heard < Duration::from_secs(2), "{heard:?}");
    assert_eq!(by_cookie(&two, &of_lee).await, 200, "others are not asked to sign in again");
    assert_eq!(sign_in(&two, &kim).await.status, 403);
    ask(&one, "POST", "/signout", &[("Cookie", &of_lee)], "").await;
    assert_eq!(by_cookie(&one, &of_lee).await, 401);
    let heard = until("lee is out", async || by_cookie(&two, &of_lee).await == 401).await;
    assert!(heard < Duration::from_secs(2), "{heard:?}");
}

#[tokio::test]
async fn another_operator_token_ends_the_sessions_of_the_last_one_and_no_others() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "operator");
    let served = Served::start(&folder, &[("GF_OPERATOR_TOKEN", OPERATOR)]).await;
    let (of_operator, of_kim) = (session(&served, OPERATOR).await, session(&served, &kim).await);
    assert_eq!((by_cookie(&served, &of_operator).await, by_cookie(&served, &of_kim).await), (200, 200));
    assert!(served.log().contains("actor=\"operator\""), "{}", served.log());
    drop(served);
    for (env, is_valid_session) in [
        (&[("GF_OPERATOR_TOKEN", "another-operator-token-of-32-bytes")][..], 401),
        (&[], 401),
        (&[("GF_OPERATOR_TOKEN", OPERATOR)], 200),
    ] {
        let served = Served::start(&folder, env).await;
        assert_eq!(
            (by_cookie(&served, &of_operator).await, by_cookie(&served, &of_kim).await),
            (is_valid_session, 200),
            "{env:?}"
        );
    }
}

#[tokio::test]
async fn while_the_database_takes_no_writes_who_is_signed_in_reads_on_and_others_are_told() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "viewer");
    let served = Served::start(&folder, &[]).await;
    let cookie = session(&served, &kim).await;
    assert_eq!(by_cookie(&served, &cookie).await, 200);
    let mut held =
        SqliteConnectOptions::new().filename(folder.data().join("guardianflow.sqlite")).connect().await.unwrap();
    held.execute("BEGIN IMMEDIATE").await.unwrap();
    let refused = sign_in(&served, &kim).await;
    assert_eq!((refused.status, refused.all("set-cookie").len()), (503, 0), "{}", refused.body);
    assert!(refused.body.contains("nobody can sign in just now") && !refused.body.contains(&kim), "{}", refused.body);
    let out = ask(&served, "POST", "/signout", &[("Cookie", &cookie)], "").await;
    assert_eq!((out.status, out.all("set-cookie").len()), (503, 0));
    assert!(out.body.contains("you are still signed in"), "{}", out.body);
    assert_eq!((by_cookie(&served, &cookie).await, by_token(&served, &kim).await), (200, 200));
    held.execute("ROLLBACK").await.unwrap();
    until("it is possible again", async || sign_in(&served, &kim).await.status == 303).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_guesses_in_masses_are_refused_without_a_look_and_keep_nobody_out() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "viewer");
    let served = Served::start(&folder, &[("GF_OPERATOR_TOKEN", OPERATOR)]).await;
    let guesses: Vec<_> =
        (0..40).map(|n| sign_in(&served, if n % 2 == 0 { "gf_guess" } else { &OPERATOR[1..] })).collect();
    let right = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        (sign_in(&served, &kim).await.status, sign_in(&served, OPERATOR).await.status)
    };
    let wrong = async {
        let mut answers = vec![];
        for answer in futures::future::join_all(guesses).await {
            assert!(answer.all("set-cookie").is_empty());
            if answer.status == 429 {
                assert_eq!(answer.all("retry-after"), ["1"]);
                assert!(answer.body.contains("many wrong tokens"), "{}", answer.body);
            }
            answers.push(answer.status);
        }
        answers
    };
    let (statuses, right) = tokio::join!(wrong, right);
    assert_eq!(right, (303, 303), "the right ones");
    let count = |status| statuses.iter().filter(|s| **s == status).count();
    assert!(count(429) > 0 && count(403) >= 10 && count(403) + count(429) == 40, "{statuses:?}");
}

#[tokio::test]
async fn a_stream_ends_when_its_listener_is_revoked() {
    let folder = Folder::new();
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "viewer"));
    let served = Served::start(&folder, &[]).await;
    let listen = async |token: &str| {
        let answer = served.get("/api/events").bearer_auth(token).send().await.expect("a stream");
        assert_eq!(answer.status(), 200);
        answer
    };
    let (mut of_kim, mut of_lee) = (listen(&kim).await, listen(&lee).await);
    on(&folder, &["tokens", "revoke", "kim"]).fine();
    let ended = async { while of_kim.chunk().await.is_ok_and(|c| c.is_some()) {} };
    tokio::time::timeout(Duration::from_secs(15), ended).await.expect("its end within a tick");
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(11) {
        let next = tokio::time::timeout(Duration::from_secs(12), of_lee.chunk()).await;
        assert!(next.is_ok_and(|c| c.is_ok_and(|c| c.is_some())), "others listen on");
    }
}

#[tokio::test]
async fn the_log_names_actors_and_holds_no_token_and_no_session() {
    let folder = Folder::new();
    let kim = token(&folder, "kim", "viewer");
    let served = Served::start(&folder, &[("GF_LOG", "debug"), ("GF_OPERATOR_TOKEN", OPERATOR)]).await;
    let cookie = session(&served, &kim).await;
    let by_operator = session(&served, OPERATOR).await;
    by_token(&served, &kim).await;
    let mut said = String::new();
    for wrong in [&*format!("{kim}0"), "gf_wrong-guess-of-somebody"] {
        said += &sign_in(&served, wrong).await.body;
    }
    for token in [&*kim, OPERATOR] {
        let heads = [("Authorization", &*format!("Bearer {token}")), ("Content-Type", "application/json")];
        for body in ["{}", r#"{"name":"a view","link":"/trends"}"#, r#"{"name":"a view","link":"//evil"}"#] {
            said += &ask(&served, "POST", "/api/views", &heads, body).await.body;
        }
        said += &ask(&served, "GET", "/api/nothing", &heads, "").await.body;
    }
    ask(&served, "POST", "/signout", &[("Cookie", &cookie)], "").await;
    on(&folder, &["tokens", "revoke", "kim"]).fine();
    said += &ask(&served, "GET", READ, &[("Cookie", &cookie)], "").await.body;
    let log = served.log();
    for line in [
        "signed in actor=\"kim\"",
        "signed in actor=\"operator\"",
        "signed out actor=\"kim\"",
        "a view was saved actor=\"kim\"",
    ] {
        assert!(log.contains(line), "{line} is not in:\n{log}");
    }
    let secrets = [&kim[3..], OPERATOR, &cookie["gf_session=".len()..], &by_operator["gf_session=".len()..]];
    for secret in secrets.into_iter().chain(["wrong-guess"]) {
        assert!(!log.contains(secret) && !said.contains(secret), "{secret} is told");
    }
}

#[tokio::test]
async fn the_last_use_is_written_beside_requests() {
    let folder = Folder::new();
    let (kim, lee) = (token(&folder, "kim", "viewer"), token(&folder, "lee", "viewer"));
    let served = Served::start(&folder, &[]).await;
    let used = |i: usize| on(&folder, &["tokens", "list", "--json"]).fine().json()[i]["last_use"].clone();
    assert_eq!((used(0), used(1)), (Value::Null, Value::Null));
    let before = fleet::now();
    by_token(&served, &kim).await;
    let cookie = session(&served, &lee).await;
    until("it is written", async || used(0).is_string() && used(1).is_string()).await;
    let first = fleet::ms(used(0).as_str().expect("a time"));
    assert!((before..=fleet::now()).contains(&first), "{first}");
    // Not again within the minute, but at the end.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    by_token(&served, &kim).await;
    by_cookie(&served, &cookie).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert_eq!(fleet::ms(used(0).as_str().expect("a time")), first);
    let (ended, _) = served.stop();
    assert!(ended.success());
    assert!(fleet::ms(used(0).as_str().expect("a time")) > first);
}
