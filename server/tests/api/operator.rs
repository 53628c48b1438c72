//! With a token one signs in, wherever one is. Names for others without a token make a server that can only be read. With neither,
//! who is at this machine is the operator.

use crate::{
    fleet::Site,
    process::{Folder, run, text},
    wire::{Answer, request, send},
};

const TOKEN: &str = "a-token-of-more-than-thirty-two-bytes";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const AWAY: (&str, &str) = ("X-Forwarded-For", "203.0.113.9");
const NAMED: (&str, &str) = ("Host", "metrics.example.com");

async fn site() -> Site {
    Site::start(&[("GF_OPERATOR_TOKEN", TOKEN), ("GF_HOSTS", NAMED.1)]).await
}

async fn ask(site: &Site, method: &str, path: &str, heads: &[(&str, &str)], body: &str) -> Answer {
    let port = site.served.port;
    send(port, &request(port, method, path, heads, body.as_bytes())).await.expect("an answer")
}

const PATHS: [&str; 6] =
    ["/", "/trends", "/sources", "/api/metrics/summary", "/export/sources.csv", "/sf/sources?ask[page]=1"];
const NDJSON: (&str, &str) = ("Content-Type", "application/x-ndjson");
/// What nginx sends with its defaults, whoever its visitor is: the host of its upstream (as `ask` does), and nothing of them.
const NGINX: &[(&str, &str)] = &[("X-Nothing", "said"), ("Accept", "*/*")];

fn record() -> String {
    crate::fleet::one(crate::fleet::now() - 60_000, serde_json::json!({"run_id": "proxy"})).to_string()
}

#[tokio::test]
async fn with_a_token_nobody_is_believed_to_be_at_this_machine() {
    let (with_hosts, alone) = (site().await, Site::start(&[("GF_OPERATOR_TOKEN", TOKEN)]).await);
    let bearer = format!("Bearer {TOKEN}");
    for site in [&with_hosts, &alone] {
        for path in PATHS {
            let answer = ask(site, "GET", path, NGINX, "").await;
            assert_eq!((answer.status, answer.all("content-type")), (401, vec!["application/problem+json"]), "{path}");
            assert!(!answer.body.contains("acme"), "{path}");
            assert_eq!(ask(site, "GET", path, &[("Authorization", &bearer)], "").await.status, 200, "{path}");
        }
        let page = ask(site, "GET", "/trends", &[("Accept", "text/html")], "").await;
        assert_eq!(page.status, 303, "people are led to sign in");
        let sent = ask(site, "POST", "/api/metrics/records", &[NDJSON], &record()).await;
        assert_eq!(sent.status, 401, "{}", sent.body);
        let sent = ask(site, "POST", "/api/metrics/records", &[NDJSON, ("Authorization", &bearer)], &record()).await;
        assert_eq!(sent.status, 200, "{}", sent.body);
        assert!(!site.served.log().contains("GF_HOSTS"), "nothing to warn of: {}", site.served.log());
    }
    assert_eq!(alone.served.line(), None, "nor to say");
}

#[tokio::test]
async fn with_hosts_and_no_token_everybody_reads_and_nobody_acts() {
    let site = Site::start(&[("GF_HOSTS", NAMED.1)]).await;
    for heads in [NGINX, &[], &[AWAY], &[NAMED], &[NAMED, AWAY]] {
        for path in PATHS {
            assert_eq!(ask(&site, "GET", path, heads, "").await.status, 200, "{path} {heads:?}");
        }
        let sent = ask(&site, "POST", "/api/metrics/records", &[heads, &[NDJSON]].concat(), &record()).await;
        assert_eq!(sent.status, 403, "{heads:?}: {}", sent.body);
        assert!(sent.body.contains("can only be read"), "it says why: {}", sent.body);
        // Whatever a page lets its visitor send is their own choice of language and theme.
        let page = ask(&site, "GET", "/", &[heads, &[("Accept", "text/html")]].concat(), "").await.body;
        let posts: Vec<_> = page.split("<form").skip(1).filter(|f| f.contains("method=\"post\"")).collect();
        assert!(!posts.is_empty() && posts.iter().all(|f| f.contains("action=\"/preferences\"")), "{posts:?}");
        assert!(!page.contains("formaction"), "nothing to sign out of");
        assert_eq!(ask(&site, "POST", "/preferences", &[heads, &[FORM]].concat(), "lang=ko").await.status, 303);
    }
    let signin = ask(&site, "POST", "/signin", &[FORM], &format!("token={TOKEN}")).await;
    assert_eq!((signin.status, signin.all("set-cookie").len()), (403, 0));
    let log = site.served.log();
    assert!(log.contains("WARN") && log.contains("GF_HOSTS") && log.contains("GF_OPERATOR_TOKEN"), "{log}");
    assert_eq!(ask(&site, "GET", "/", &[("Host", "other.example.com")], "").await.status, 421);
}

#[tokio::test]
async fn with_neither_token_nor_hosts_the_caller_on_loopback_is_the_operator_unless_a_proxy_speaks() {
    let site = Site::start(&[("GF_HOSTS", "")]).await;
    let said = site.served.line().expect("a line at the start");
    assert!(said.contains("not behind a proxy") && said.contains("GF_OPERATOR_TOKEN"), "{said}");
    let sent = ask(&site, "POST", "/api/metrics/records", &[NDJSON], &record()).await;
    assert_eq!(sent.status, 200, "{}", sent.body);
    for path in PATHS {
        assert_eq!(ask(&site, "GET", path, &[], "").await.status, 200, "{path}");
        for head in ["X-Forwarded-For", "x-forwarded-host", "Forwarded", "X-Real-IP"].map(|h| (h, "127.0.0.1")) {
            let answer = ask(&site, "GET", path, &[head, ("Accept", "application/json")], "").await;
            assert_eq!(answer.status, 401, "{path} with {head:?}");
            assert_eq!(answer.all("content-type"), ["application/problem+json"], "{path}");
            assert!(!answer.body.contains("acme"));
        }
    }
}

#[tokio::test]
async fn a_visitor_is_led_to_sign_in_and_back() {
    let site = site().await;
    let html = ("Accept", "text/html,application/xhtml+xml");
    let answer = ask(&site, "GET", "/trends?metric=hota&days=30", &[AWAY, html], "").await;
    assert_eq!(answer.status, 303);
    let to = answer.all("location")[0].to_owned();
    assert!(to.starts_with("/signin?back="), "{to}");
    let form = ask(&site, "GET", &to, &[AWAY, html], "").await;
    assert_eq!(form.status, 200);
    assert!(
        form.body.contains(r#"type="password""#) && form.body.contains("value=\"/trends?metric=hota&amp;days=30\"")
    );
    assert!(!form.body.contains("<script"), "the sign-in page has no script");
    // The API is for programs: it never redirects.
    let api = ask(&site, "GET", "/api/metrics/summary", &[AWAY, html], "").await;
    assert_eq!((api.status, api.all("location").len()), (401, 0));
    // What could break out of the form stays in it.
    let evil = ask(&site, "GET", "/signin?back=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E", &[AWAY], "").await;
    assert!(!evil.body.contains("<script"), "{}", evil.body);
}

#[tokio::test]
async fn a_program_sends_the_token_as_bearer() {
    let site = site().await;
    let bearer = |t: &str| format!("Bearer {t}");
    for (given, status) in [
        (bearer(TOKEN), 200),
        (bearer(&TOKEN[1..]), 401),
        (bearer(&format!("{TOKEN}x")), 401),
        (bearer(""), 401),
        (format!("Basic {TOKEN}"), 401),
        (TOKEN.to_owned(), 401),
    ] {
        let answer = ask(&site, "GET", "/api/metrics/summary", &[AWAY, ("Authorization", &given)], "").await;
        assert_eq!(answer.status, status, "{given}");
    }
    let none = Site::start(&[]).await;
    let answer = ask(&none, "GET", "/api/metrics/summary", &[AWAY, ("Authorization", "Bearer ")], "").await;
    assert_eq!(answer.status, 401, "without a token nobody signs in");
}

#[tokio::test]
async fn signing_in_gives_a_session_that_ends_with_signing_out() {
    let site = site().await;
    let wrong = ask(&site, "POST", "/signin", &[AWAY, FORM], "token=wrong&back=/trends").await;
    assert_eq!((wrong.status, wrong.all("set-cookie").len()), (403, 0));
    assert!(wrong.body.contains("role=\"alert\"") && !wrong.body.contains(TOKEN));

    let body = format!("token={TOKEN}&back=/trends");
    let right = ask(&site, "POST", "/signin", &[AWAY, FORM], &body).await;
    assert_eq!((right.status, right.all("location")), (303, vec!["/trends"]));
    let cookie = right.all("set-cookie")[0].to_owned();
    assert!(
        cookie.starts_with("gf_session=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    assert!(!cookie.contains("Domain") && cookie.contains("Max-Age="), "{cookie}");

    // Under a public name TLS is in front: the prefix keeps the cookie to host and TLS.
    let named = ask(&site, "POST", "/signin", &[NAMED, FORM], &body).await;
    assert_eq!(named.status, 303);
    let secure = named.all("set-cookie")[0].to_owned();
    for part in ["__Host-gf_session=", "Path=/", "HttpOnly", "Secure", "SameSite=Lax"] {
        assert!(secure.contains(part), "{part} is not in {secure}");
    }
    assert!(!secure.contains("Domain"));

    let pair = secure.split(';').next().unwrap().to_owned();
    assert!(!pair.contains(TOKEN), "the token itself is never in the cookie");
    let with = |c: &str| [NAMED, ("Cookie", c)].map(|(a, b)| (a.to_owned(), b.to_owned()));
    for (c, status) in [
        (pair.clone(), 200),
        (format!("{pair}0"), 401),
        (pair[..pair.len() - 1].to_owned(), 401),
        ("__Host-gf_session=99999999999.".into(), 401),
    ] {
        let heads = with(&c);
        let heads: Vec<_> = heads.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(ask(&site, "GET", "/api/metrics/summary", &heads, "").await.status, status, "{c}");
    }
    let out = ask(&site, "POST", "/signout", &[NAMED, ("Cookie", &pair)], "").await;
    assert_eq!(out.status, 303);
    let ended: Vec<_> = out.all("set-cookie");
    assert!(
        ended.iter().any(|c| c.starts_with("__Host-gf_session=;") && c.contains("Max-Age=0") && c.contains("Secure")),
        "{ended:?}"
    );
    assert!(!site.served.log().contains(TOKEN), "the token is not in the log");
}

#[tokio::test]
async fn signing_in_leads_only_to_addresses_of_ours() {
    let site = site().await;
    for bad in ["//evil.example.com", "https://evil.example.com", "/\\evil.example.com", "/%0d%0aX: y"] {
        let body = format!("token={TOKEN}&back={}", crate::fleet::encode(bad));
        let answer = ask(&site, "POST", "/signin", &[FORM], &body).await;
        let to = answer.all("location")[0];
        assert!(
            answer.status == 303 && to.starts_with('/') && !to.starts_with("//") && !to.contains('\\'),
            "{bad}: {to}"
        );
        assert!(answer.all("x").is_empty());
    }
    for bad in ["", "token", "back=/", "token=%ff", "token=a&token=b"] {
        let status = ask(&site, "POST", "/signin", &[FORM], bad).await.status;
        assert!((400..500).contains(&status), "{bad}: {status}");
    }
}

#[test]
fn an_address_that_others_reach_needs_a_long_token() {
    let folder = Folder::new();
    let data = text(&folder.data());
    for addr in ["0.0.0.0:0", "[::]:0", "192.0.2.1:3000"] {
        let ran = run(&["serve", "--data", &data, "--addr", addr]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.stderr.contains("GF_OPERATOR_TOKEN") && ran.stderr.contains("32"), "{ran:?}");
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    let short = "a-short-secret";
    let ran = run(&["serve", "--data", &data, "--addr", "127.0.0.1:0", "--operator-token", short]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("32"), "{ran:?}");
    assert!(!ran.stderr.contains(short), "a secret is not repeated: {}", ran.stderr);
    let mut command = crate::process::clean(crate::process::binary());
    command.args(["serve", "--data", &data]).env("GF_ADDR", "127.0.0.1:0").env("GF_OPERATOR_TOKEN", short);
    let ran = crate::process::finish(command);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(!ran.stderr.contains(short), "a secret is not repeated: {}", ran.stderr);
}
