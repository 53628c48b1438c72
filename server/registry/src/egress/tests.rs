//! Addresses inside are refused however they are spelled, and receivers that were opened are asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;

/// A listener that counts who connects.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n")
                    .await;
            });
        }
    });
    (port, count)
}

/// Answers with what it is told, whatever the name is.
struct Names(Vec<Vec<SocketAddr>>, AtomicUsize);

impl Resolve for Names {
    fn resolve(&self, _: Name) -> Resolving {
        let turn = self.1.fetch_add(1, Ordering::SeqCst);
        let answer = self.0[turn % self.0.len()].clone();
        Box::pin(async move { public_only(answer) })
    }
}

/// Ways to write an address inside of a network, or to lead there.
const INSIDE: [&str; 63] = [
    "https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0177.0x0.1/",
    "https://127.255.255.254/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://127.0.0.1./",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.1\\@example.com/",
    "https://0/",
    "https://0.0.0.0/",
    "https://0.1.2.3/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://a.localhost/",
    "https://loc%61lhost/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:169.254.169.254]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[64:ff9b:1::1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001::1]/",
    "https://[2001:db8::1]/",
    "https://[3fff::1]/",
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fd12:3456::1]/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://100.64.0.1/",
    "https://100.127.255.255/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
];

#[tokio::test]
async fn no_spelling_of_an_address_inside_is_asked() {
    let (port, connections) = canary().await;
    let egress = EnteredEgress::new(AllowedReceivers::default()).expect("a client");
    for address in INSIDE {
        let refused = egress.post(address, HeaderMap::new(), "x").await;
        assert_eq!(refused, Err(Failure::Refused(Refusal::Inside)), "{address}");
    }
    // The same hosts at a port where somebody listens, by either scheme.
    for address in INSIDE {
        let host = Url::parse(address).expect("a URL").host_str().expect("a host").to_owned();
        for scheme in ["http", "https"] {
            let refused = egress.post(&format!("{scheme}://{host}:{port}/"), HeaderMap::new(), "x").await;
            assert!(matches!(refused, Err(Failure::Refused(_))), "{scheme} {host}: {refused:?}");
        }
    }
    let other = [
        ("http://example.com/", Refusal::NoHttps),
        ("ftp://example.com/", Refusal::NoHttps),
        ("file:///etc/passwd", Refusal::NoUrl),
        ("gopher://127.0.0.1/", Refusal::NoHttps),
        ("https://example.com:8443/", Refusal::OtherPort),
        ("https://user@example.com/", Refusal::Credentials),
        ("https://example.com:443@127.0.0.1/", Refusal::Credentials),
        ("//127.0.0.1/", Refusal::NoUrl),
        ("127.0.0.1", Refusal::NoUrl),
        ("", Refusal::NoUrl),
    ];
    for (address, refusal) in other {
        assert_eq!(egress.check(address), Err(Failure::Refused(refusal)), "{address}");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_even_in_part_is_not_asked() {
    let (port, connections) = canary().await;
    let at = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), port);
    let both = vec![at("8.8.8.8"), at("127.0.0.1")];
    let names = Arc::new(Names(vec![both, vec![at("127.0.0.1")], vec![]], AtomicUsize::new(0)));
    let egress = EnteredEgress::resolving_by(AllowedReceivers::default(), names.clone()).expect("a client");
    for _ in 0..1_000 {
        let refused = egress.post("https://hooks.example.com/", HeaderMap::new(), "x").await;
        assert_eq!(refused, Err(Failure::Refused(Refusal::Inside)));
    }
    assert_eq!((names.1.load(Ordering::SeqCst), connections.load(Ordering::SeqCst)), (1_000, 0));
}

#[tokio::test]
async fn an_opened_receiver_is_asked_and_its_redirect_not_followed() {
    let (port, connections) = canary().await;
    let (other, strangers) = canary().await;
    let allowed = AllowedReceivers::parse(&format!(" localhost:{port}, 127.0.0.1:{port},")).expect("receivers");
    let egress = EnteredEgress::new(allowed).expect("a client");
    for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.1"] {
        let answer = egress.post(&format!("http://{host}:{port}/hook"), HeaderMap::new(), "x").await;
        assert_eq!(answer.map(|s| s.as_u16()), Ok(307), "{host}");
        let refused = egress.post(&format!("http://{host}:{other}/hook"), HeaderMap::new(), "x").await;
        assert!(matches!(refused, Err(Failure::Refused(_))), "{host}: {refused:?}");
    }
    let refused = egress.post(&format!("http://127.0.0.2:{port}/hook"), HeaderMap::new(), "x").await;
    assert_eq!(refused, Err(Failure::Refused(Refusal::NoHttps)));
    assert_eq!((connections.load(Ordering::SeqCst), strangers.load(Ordering::SeqCst)), (4, 0));
}

#[test]
fn an_opened_receiver_is_a_host_and_a_port() {
    for text in ["", " , ", "a.example:8443", "[::1]:80,10.0.0.1:443", "münchen.example:1"] {
        assert!(AllowedReceivers::parse(text).is_ok(), "{text}");
    }
    for text in [
        "a.example",
        "a.example:",
        "a.example:0",
        "a.example:99999",
        "http://a:80",
        "a/b:80",
        "u@a:80",
        "a:80/x",
        ":80",
    ] {
        let refused = AllowedReceivers::parse(text).expect_err(text);
        assert!(refused.message.ko.is_some(), "{text}");
    }
}

#[test]
fn public_addresses_are_public() {
    for ip in
        ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
    {
        assert!(is_public(ip.parse().expect("an address")), "{ip}");
    }
}
