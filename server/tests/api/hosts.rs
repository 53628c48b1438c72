//! Only names of this server are answered: whoever rebinds a name to our address gets nothing.

use crate::{
    fleet::Site,
    wire::{request, send},
};

#[tokio::test]
async fn a_host_that_is_not_listed_is_refused_on_every_address() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let other = format!("127.0.0.1:{}", if port == 65_535 { 1 } else { port + 1 });
    for host in [
        "evil.example.com",
        &format!("evil.example.com:{port}"),
        "127.0.0.1",
        &other,
        "localhost.evil.com",
        "0.0.0.0",
        "[::1]",
        "::1",
        "",
        "a b",
        "127.0.0.1:x",
    ] {
        for (method, path) in [
            ("GET", "/"),
            ("GET", "/api/metrics/summary"),
            ("GET", "/healthz"),
            ("GET", "/sf/place"),
            ("POST", "/preferences"),
        ] {
            let answer = send(port, &request(port, method, path, &[("Host", host)], b"")).await.expect("an answer");
            assert!((400..500).contains(&answer.status), "{host} {path}: {}", answer.status);
            assert!(!answer.body.contains("acme"), "{host} {path} told something");
        }
    }
    for host in [format!("localhost:{port}"), format!("LOCALHOST:{port}"), format!("[::1]:{port}")] {
        let answer = send(port, &request(port, "GET", "/api/metrics/summary", &[("Host", &host)], b"")).await.unwrap();
        assert_eq!(answer.status, 200, "{host}");
    }
}

#[tokio::test]
async fn a_request_without_or_with_two_hosts_is_refused() {
    let site = Site::start(&[]).await;
    let port = site.served.port;
    let none = send(port, b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!((400..500).contains(&none.status), "{}", none.status);
    let ours = format!("127.0.0.1:{port}");
    for hosts in [["evil.example.com", &*ours], [&*ours, "evil.example.com"]] {
        let answer = send(port, &request(port, "GET", "/", &hosts.map(|h| ("Host", h)), b"")).await.unwrap();
        assert!((400..500).contains(&answer.status), "{hosts:?}: {}", answer.status);
    }
    // The address of the request goes before the header.
    let line = format!("GET http://evil.example.com/ HTTP/1.1\r\nHost: {ours}\r\nConnection: close\r\n\r\n");
    let answer = send(port, line.as_bytes()).await.unwrap();
    assert!((400..500).contains(&answer.status), "{}", answer.status);
}

#[tokio::test]
async fn gf_hosts_names_further_hosts_which_may_read_but_not_act() {
    let site = Site::start(&[("GF_HOSTS", "metrics.example.com, second.example.com:8443")]).await;
    let port = site.served.port;
    for (host, known) in [
        ("metrics.example.com", true),
        ("METRICS.example.com:443", true),
        ("second.example.com:8443", true),
        ("second.example.com:9", false),
        ("third.example.com", false),
        ("metrics.example.com.evil.com", false),
    ] {
        let page = send(port, &request(port, "GET", "/healthz", &[("Host", host)], b"")).await.unwrap();
        assert_eq!(page.status == 200, known, "{host}: {}", page.status);
        let api = send(port, &request(port, "GET", "/api/metrics/summary", &[("Host", host)], b"")).await.unwrap();
        assert_eq!(api.status, if known { 200 } else { 421 }, "{host}");
        let heads = [("Host", host), ("Content-Type", "application/x-ndjson")];
        let sent = send(port, &request(port, "POST", "/api/metrics/records", &heads, b"{}")).await.unwrap();
        assert_eq!(sent.status, if known { 403 } else { 421 }, "{host}");
    }
}
