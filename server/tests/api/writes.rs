//! Every route that writes, by every way in which a request may have come, and by everybody: what another site makes a browser send
//! does nothing, and what somebody may not do is refused.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use clap::Parser;
use domain::{
    access::{Action, Actor, Object, Role, can},
    ports::SessionStart,
    text::Name,
    token::{SecretHash, TokenName},
};
use serde_json::json;
use server::{
    auth::{Authenticator, PreAuthenticated},
    config::Settings,
    declarations::DeclarationFiles,
    http::{self, routes},
    jobs::{Readiness, Supervisor},
    startup,
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use usecases::access::hash;

use crate::{
    process::Folder,
    tokens::{OPERATOR, on, token},
};

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    settings: Settings,
}

struct Server {
    router: Router,
    parts: startup::AppServices,
    authenticator: Arc<Authenticator>,
    folder: Folder,
    _supervisor: Supervisor,
}

/// A server in this process, so that somebody bound to a customer can stand in front of it too.
async fn server(folder: Folder, args: &[&str]) -> Server {
    let data = folder.path("data").display().to_string();
    let settings = Command::parse_from([&["test", "--data", &data], args].concat()).settings;
    let parts = startup::open(&settings).await.expect("a data folder");
    let written = Arc::new(DeclarationFiles::open(&settings, parts.clock.clone()).expect("what is written down"));
    let readiness = Arc::new(Readiness::default());
    readiness.set_ready();
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(stop.clone());
    let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let state = http::AppState::new(&settings, address, &parts, written, readiness, supervisor.job_board(), stop);
    state.authenticator.follow().await.expect("tokens");
    Server {
        authenticator: state.authenticator.clone(),
        router: http::router(state),
        parts,
        folder,
        _supervisor: supervisor,
    }
}

/// What a request shows to say who sent it.
enum Shows {
    Nothing,
    /// That it comes from this machine.
    Peer,
    Bearer(String),
    /// A session that was begun just before, with this token.
    Session(String),
    Cookie(String),
    /// Its sender is known by a layer in front.
    Layer,
}

/// Who sends a request: what they are called in the table, who they are, what they show, and what they get where they do not
/// just write records or views.
struct Caller {
    name: &'static str,
    actor: Actor,
    shows: Shows,
    /// What becomes of a write of records, and of one of views.
    records: u16,
    views: u16,
}

const DONE: u16 = 200;

/// Everybody who sends something to a server with tokens.
async fn callers(s: &Server) -> Vec<Caller> {
    let tokens =
        ["kim", "lee", "park"].map(|name| token(&s.folder, name, if name == "kim" { "viewer" } else { "operator" }));
    let [kim, lee, park] = tokens;
    s.authenticator.follow().await.expect("tokens");
    let cookie_of_park = sign_in(s, &park).await;
    on(&s.folder, &["tokens", "revoke", "park"]).fine();
    s.authenticator.follow().await.expect("tokens");
    // A session that has ended.
    let secret = "0123456789abcdef".repeat(4);
    let store =
        store::open(&store::Location::Sqlite(s.folder.data().join("guardianflow.sqlite"))).await.expect("a store");
    let now = crate::fleet::now();
    let [begun, ended] = [now - 9 * 3_600_000, now - 3_600_000].map(domain::time::Millis);
    let proof = SecretHash([0; 32]);
    assert!(store.begin(&hash(&secret), &SessionStart::Operator(proof), begun, ended).await.expect("a session"));
    let named = |name: &str, role| Actor::Named { name: TokenName::parse(name).expect("a name"), role };
    let (viewer, operator) = (named("kim", Role::Viewer), named("lee", Role::Operator));
    let caller = |name, actor, shows, records, views| Caller { name, actor, shows, records, views };
    let bound = Actor::Bound(Name::parse("acme").expect("a name"));
    vec![
        caller("nobody", Actor::Anonymous, Shows::Nothing, 401, 401),
        caller("this machine", Actor::Anonymous, Shows::Peer, 401, 401),
        caller("viewer", viewer.clone(), Shows::Bearer(kim.clone()), 403, DONE),
        caller("viewer, session", viewer, Shows::Session(kim), 403, DONE),
        caller("operator", operator.clone(), Shows::Bearer(lee.clone()), DONE, DONE),
        caller("operator, session", operator, Shows::Session(lee), DONE, DONE),
        caller("operator's token", Actor::Operator, Shows::Bearer(OPERATOR.into()), DONE, DONE),
        caller("its session", Actor::Operator, Shows::Session(OPERATOR.into()), DONE, DONE),
        caller("bound", bound, Shows::Layer, 403, 403),
        caller("revoked", Actor::Anonymous, Shows::Bearer(park), 401, 401),
        caller("revoked, session", Actor::Anonymous, Shows::Cookie(cookie_of_park), 401, 401),
        caller("expired session", Actor::Anonymous, Shows::Cookie(format!("gf_session={secret}")), 401, 401),
    ]
}

/// The cookie of a new session.
async fn sign_in(s: &Server, token: &str) -> String {
    let form = Request::post("/signin").header("host", "127.0.0.1:1").header("content-type", FORM);
    let answer =
        s.router.clone().oneshot(form.body(Body::from(format!("token={token}&back=/"))).expect("a request")).await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().expect("text");
    cookie.split(';').next().expect("a cookie").to_owned()
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Whence a request comes: what that is called, its headers, and whether another site may have sent it.
type Way = (&'static str, &'static [(&'static str, &'static str)], bool);

const WAYS: [Way; 9] = [
    ("same origin", &[("sec-fetch-site", "same-origin"), ("origin", "http://127.0.0.1:1")], false),
    ("typed by hand", &[("sec-fetch-site", "none")], false),
    ("a program", &[], false),
    ("an old browser", &[("origin", "http://127.0.0.1:1")], false),
    ("cross site", &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example.com")], true),
    ("same site", &[("sec-fetch-site", "same-site"), ("origin", "http://a.127.0.0.1:1")], true),
    ("foreign origin", &[("origin", "https://evil.example.com")], true),
    ("another port", &[("origin", "http://127.0.0.1:2")], true),
    ("no origin to name", &[("origin", "null")], true),
];

/// What a route is sent that does something, by its path: content type and body.
fn body(path: &str, n: usize, own: i64) -> (&'static str, String) {
    match path {
        "/api/views" => ("application/json", json!({"name": format!("view {n}"), "link": "/"}).to_string()),
        "/api/views/{id}" => ("application/json", json!({"name": format!("new name {n}")}).to_string()),
        "/api/start-page" => ("application/json", json!({"view": own}).to_string()),
        "/api/metrics/records" => {
            let record = crate::fleet::one(crate::fleet::now() - 60_000, json!({"run_id": format!("run {n}")}));
            ("application/x-ndjson", record.to_string())
        }
        // Each of its four acts in turn.
        "/views" => match n % 4 {
            0 => (FORM, format!("act=save&name=view+{n}&link=%2F&shared=false&key=key-{n}")),
            1 => (FORM, format!("act=change&view={own}&name=new+name+{n}&shared=false")),
            2 => (FORM, format!("act=delete&view={own}")),
            _ => (FORM, format!("act=start&view={own}")),
        },
        // A comparison of its own each time.
        "/api/evidence/registrations" => {
            let text = json!({"champion": "a:1", "challenger": "b:1", "metric": "mAP50", "horizon": "now+9d"});
            ("application/json", text.to_string())
        }
        "/api/evidence/policy" => ("application/json", json!({"model": "a"}).to_string()),
        "/compare/registered" => (FORM, "act=register&champion=a%3A1&challenger=b%3A1&days=9".into()),
        // A version each time; what is done to it is done once, and then refused.
        "/api/models/{name}/versions" => ("application/json", json!({"source": "s3://models/m"}).to_string()),
        "/api/models/{name}/challenger" => ("application/json", json!({"version": "1", "reason": "why"}).to_string()),
        "/api/models/{name}/promotions" | "/api/models/{name}/requests" => {
            let text = json!({"version": "1", "to": "staging", "expected": null, "reason": format!("why {n}")});
            ("application/json", text.to_string())
        }
        "/api/models/{name}/rollback" => ("application/json", json!({"expected": null, "reason": "why"}).to_string()),
        "/api/requests/{id}/approve" | "/api/requests/{id}/reject" => {
            ("application/json", json!({"comment": "why"}).to_string())
        }
        form if form == "/models" || form.starts_with("/models/") => {
            (FORM, format!("act=promote&model=m&version=1&to=staging&expected=&reason=why&key=key-{n}"))
        }
        // Nobody is ever there.
        "/api/webhooks" => ("application/json", json!({"url": format!("https://hooks.invalid/{n}")}).to_string()),
        "/webhooks" => (FORM, format!("act=add&url=https%3A%2F%2Fhooks.invalid%2F{n}&promotion=promotion")),
        path if path.starts_with("/api/webhooks/") => ("application/json", String::new()),
        "/signin" => (FORM, format!("token={OPERATOR}&back=/")),
        "/signout" => (FORM, String::new()),
        "/preferences" => (FORM, "lang=ko&back=/".into()),
        other => panic!("what is {other} sent?"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_writing_route_refuses_other_sites_and_whoever_may_not() {
    let s = server(Folder::new(), &["--operator-token", OPERATOR]).await;
    let callers = callers(&s).await;
    matrix(&s, &callers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tokens_this_machine_writes_and_no_other_does() {
    let s = server(Folder::new(), &[]).await;
    let callers = [
        Caller { name: "this machine", actor: Actor::Operator, shows: Shows::Peer, records: DONE, views: DONE },
        Caller { name: "another", actor: Actor::Anonymous, shows: Shows::Nothing, records: 401, views: 401 },
    ];
    matrix(&s, &callers).await;
}

/// Sends every writing route what it does something with, as every caller, in every way, and prints what they got: to a request of our
/// own pages, and to one of another site.
async fn matrix(s: &Server, callers: &[Caller]) {
    let writing: Vec<routes::Route> = routes::all().into_iter().filter(|r| r.method != "GET").collect();
    assert!(writing.len() >= 10, "{writing:?}");
    print!("{:<28}", "own page / other site");
    callers.iter().for_each(|c| print!(" {:>17}", c.name));
    println!();
    let (mut n, mut passed, mut foreign, mut forbidden) = (0, 0, 0, 0);
    for route in &writing {
        print!("{:<28}", format!("{} {}", route.method, route.path));
        for caller in callers {
            let actor = &caller.actor;
            let mut shown = vec![];
            for (way, heads, is_foreign) in WAYS {
                n += 1;
                // Something of their own that the request could change.
                let own = match actor.name() {
                    Some(_) => {
                        let views = s.parts.views.for_actor(actor);
                        for view in views.list().await.expect("views").views {
                            views.delete(view.id).await.expect("deleted");
                        }
                        let kept = views.create(&format!("own {n}"), "/trends", false, None).await.expect("a view");
                        let domain::ports::CreateOutcome::New(view) = kept else { panic!("{kept:?}") };
                        view.id.0
                    }
                    None => 4711,
                };
                let cookie = match &caller.shows {
                    Shows::Session(token) => Some(sign_in(s, token).await),
                    Shows::Cookie(cookie) => Some(cookie.clone()),
                    _ => None,
                };
                let before = kept(s, actor).await;
                let (kind, text) = body(&route.path, n, own);
                let path = route.path.replace("{id}", &own.to_string()).replace("{name}", "m");
                let path = path.replace("{model}", "m").replace("{version}", "1").replace("{request}", "1");
                let mut request = Request::builder()
                    .method(&*route.method)
                    .uri(&path)
                    .header("host", "127.0.0.1:1")
                    .header("content-type", kind);
                for (name, value) in heads {
                    request = request.header(*name, *value);
                }
                if let Some(cookie) = cookie {
                    request = request.header("cookie", cookie);
                }
                if let Shows::Bearer(token) = &caller.shows {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                let mut request = request.body(Body::from(text)).expect("a request");
                match caller.shows {
                    Shows::Layer => drop(request.extensions_mut().insert(PreAuthenticated(actor.clone()))),
                    Shows::Peer => {
                        let peer: SocketAddr = "127.0.0.1:50000".parse().expect("an address");
                        request.extensions_mut().insert(ConnectInfo(peer));
                    }
                    _ => {}
                }
                let answer = s.router.clone().oneshot(request).await.expect("an answer");
                let status = answer.status().as_u16();
                if matches!(way, "same origin" | "cross site") {
                    shown.push(status.to_string());
                }
                let what = format!("{} {} as {} by {way}", route.method, route.path, caller.name);
                let expected = match route.action {
                    _ if is_foreign => 403,
                    Action::WriteRecords => caller.records,
                    Action::WriteViews => caller.views,
                    // Whoever sends records registers comparisons, and sets what models are judged by.
                    Action::WriteEvidence | Action::WriteModels => caller.records,
                    // With the operator's token, where there is one.
                    Action::SignIn if route.path == "/signin" && !s.authenticator.has_operator_token() => 403,
                    Action::SignIn | Action::SetPreference => DONE,
                    other => panic!("{other:?} is no write"),
                };
                if is_foreign {
                    assert_eq!(status, 403, "{what}");
                    assert!(answer.headers().get("set-cookie").is_none(), "{what}");
                    foreign += 1;
                } else if expected == DONE {
                    assert!(can(actor, route.action, Object::Any), "{what}");
                    // Whether it can be done is another matter: these models have no records, and of a question one is in force.
                    let judged = match route.action {
                        Action::WriteEvidence => matches!(status, 400 | 404),
                        // What was done before cannot be done again.
                        Action::WriteModels => matches!(status, 400 | 404 | 409),
                        _ => false,
                    };
                    assert!((200..400).contains(&status) || judged, "{what}: {status}");
                    passed += 1;
                    continue;
                } else {
                    assert_eq!(status, expected, "{what}");
                    assert!(!can(actor, route.action, Object::Any) || route.path == "/signin", "{what}");
                    forbidden += 1;
                }
                assert_eq!(kept(s, actor).await, before, "{what} did something");
            }
            print!(" {:>17}", shown.join(" / "));
        }
        println!();
    }
    println!(
        "{} writing routes: {passed} requests passed, {foreign} of other sites and {forbidden} others refused",
        writing.len()
    );
    assert_eq!((n, foreign), (writing.len() * callers.len() * 9, writing.len() * callers.len() * 5));
    assert!(passed >= 20 * callers.len() && forbidden >= 14 * callers.len(), "{passed} {forbidden}");
}

/// All that a write could have changed: views, the start page, and how many records there are.
async fn kept(s: &Server, actor: &Actor) -> String {
    let views = s.parts.views.for_actor(actor).list().await.ok();
    let models = s.parts.models.index().expect("models");
    format!("{views:?} {:?} {models:?}", s.parts.metrics.volume())
}

#[test]
fn what_is_in_the_list_as_a_write_is_one() {
    for route in routes::all() {
        let writes = route.method != "GET";
        let is_valid_session = matches!(route.action, Action::SignIn | Action::SetPreference);
        assert!(!writes || is_valid_session || route.action.is_write(), "{route:?}");
        assert!(writes || !route.action.is_write(), "{route:?}");
    }
}
