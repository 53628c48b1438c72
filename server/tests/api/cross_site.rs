//! Other sites cannot write through a visitor's browser, and nobody is led away from here.

use crate::{
    fleet::Site,
    wire::{request, send},
};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[tokio::test]
async fn writes_that_come_from_another_site_are_refused() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let ours = format!("http://127.0.0.1:{port}");
    let foreign: [&[(&str, &str)]; 8] = [
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "cross-site"), ("Origin", &ours)],
        &[("Sec-Fetch-Site", "same-site"), ("Origin", "http://evil.example.com")],
        &[("Sec-Fetch-Site", "nonsense"), ("Origin", "http://evil.example.com")],
        &[("Origin", "https://evil.example.com")],
        &[("Origin", "null")],
        &[("Origin", "http://127.0.0.1:1")],
        &[("Origin", "http://127.0.0.1.evil.example.com")],
    ];
    for path in
        ["/preferences", "/signin", "/signout", "/sf/place", "/sf/trends", "/sf/sources", "/", "/api/metrics/summary"]
    {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            for heads in foreign {
                let heads = [&[FORM], heads].concat();
                let body = b"lang=ko&token=x&back=/";
                let answer = send(port, &request(port, method, path, &heads, body)).await.expect("an answer");
                assert_eq!(answer.status, 403, "{method} {path} {heads:?}");
                assert!(answer.all("set-cookie").is_empty() && answer.all("location").is_empty(), "{path} {heads:?}");
            }
        }
    }
}

#[tokio::test]
async fn one_s_own_writes_pass() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let ours = format!("http://127.0.0.1:{port}");
    let own: [&[(&str, &str)]; 4] = [
        &[("Sec-Fetch-Site", "same-origin"), ("Origin", &ours)],
        &[("Origin", &ours)],
        &[("Sec-Fetch-Site", "none")],
        &[],
    ];
    for heads in own {
        let heads = [&[FORM], heads].concat();
        let answer = send(port, &request(port, "POST", "/preferences", &heads, b"lang=ko&back=/trends")).await.unwrap();
        assert_eq!(answer.status, 303, "{heads:?}");
        assert_eq!(answer.all("location"), ["/trends"]);
    }
}

#[tokio::test]
async fn reading_from_another_site_gives_that_site_nothing() {
    let site = Site::start(&[]).await;
    for path in ["/sf/place?ask[page]=0", "/sf/place?ask[days]=7", "/sf/trends?ask[metric]=nonsense"] {
        let answer = site
            .served
            .get(path)
            .header("Sec-Fetch-Site", "cross-site")
            .header("Origin", "https://evil.example.com")
            .header("Referer", "https://evil.example.com/page")
            .header("Accept", "text/html")
            .send()
            .await
            .unwrap();
        assert!(answer.headers().get("access-control-allow-origin").is_none(), "{path}");
        let to = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned()).unwrap_or_default();
        assert!(!to.contains("evil"), "{path} led to {to}");
        assert!(answer.status().as_u16() < 500, "{path}");
    }
}

#[tokio::test]
async fn preferences_are_kept_in_cookies_and_lead_only_to_addresses_of_ours() {
    let site = Site::start(&[]).await;
    let post = |body: String| site.served.post("/preferences").header(FORM.0, FORM.1).body(body).send();
    let answer = post("lang=ko&theme=dark&back=%2Ftrends%3Fmetric%3Dhota".into()).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["location"]),
        (303, &"/trends?metric=hota".parse().unwrap())
    );
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().map(|c| c.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    for (cookie, begin) in cookies.iter().zip(["gf_lang=ko;", "gf_theme=dark;"]) {
        assert!(cookie.starts_with(begin) && cookie.contains("Path=/") && cookie.contains("SameSite=Lax"), "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
    for bad in [
        "//evil.example.com",
        "https://evil.example.com",
        "/\\evil.example.com",
        "\\\\evil.example.com",
        "javascript:alert(1)",
        "/%0d%0aSet-Cookie: x=1",
        "%2F%2Fevil.example.com",
        "/\t/evil.example.com",
        "evil",
        "",
        "http:/evil.example.com",
    ] {
        let answer = post(format!("lang=en&back={}", crate::fleet::encode(bad))).await.unwrap();
        let to = answer.headers()["location"].to_str().unwrap().to_owned();
        let base = reqwest::Url::parse(&site.served.url("/")).unwrap();
        let end = base.join(&to).unwrap();
        assert_eq!(end.host_str(), Some("127.0.0.1"), "{bad} led to {to}");
        assert!(end.scheme() == "http" && answer.headers().get_all("set-cookie").iter().count() == 1, "{bad}");
    }
    for bad in ["lang=xx", "theme=pink", "", "back=/", "lang=", "%ff=%ff", "lang=en&lang=ko"] {
        let answer = post(bad.into()).await.unwrap();
        assert!((400..500).contains(&answer.status().as_u16()), "{bad}: {}", answer.status());
        assert!(answer.headers().get("set-cookie").is_none(), "{bad}");
    }
}
