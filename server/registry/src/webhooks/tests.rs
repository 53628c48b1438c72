//! Signatures are what receivers verify, and secrets are read under their key and for their address alone.
#![expect(clippy::disallowed_methods, reason = "tests serve nobody")]

use super::*;

fn sender(data: &Path) -> SignedSender {
    SignedSender::new(AllowedReceivers::default(), data)
}

#[test]
fn a_message_is_signed_as_receivers_verify_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let secret = sender(folder.path()).new_secret().expect("a secret");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time");
    let now = Millis(i64::try_from(now.as_millis()).expect("a moment"));
    let body = "{\"type\":\"model.promoted\",\"reason\":\"더 낫습니다\"}";
    let headers = signed(&secret, "msg_1", now, body).expect("headers");
    let verifier = standardwebhooks::Webhook::new(&secret.0).expect("a secret");
    assert!(verifier.verify(body.as_bytes(), &headers).is_ok());
    assert!(verifier.verify(b"{}", &headers).is_err(), "another body");
    let mut other = headers.clone();
    other.insert("webhook-id", HeaderValue::from_static("msg_2"));
    assert!(verifier.verify(body.as_bytes(), &other).is_err(), "another id");
    let late = signed(&secret, "msg_1", now.plus(-600 * SECOND), body).expect("headers");
    assert!(verifier.verify(body.as_bytes(), &late).is_err(), "an old one");
    // The example of the specification.
    let known = WebhookSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
    let at = Millis(1_614_265_330_000);
    let headers = signed(&known, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, "{\"test\": 2432232314}").expect("headers");
    assert_eq!(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    assert_eq!(headers["webhook-timestamp"], "1614265330");
    assert_eq!(headers["content-type"], "application/json");
}

#[test]
fn a_secret_is_twenty_four_to_sixty_four_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let sender = sender(folder.path());
    let of = |n: usize| format!("whsec_{}", STANDARD.encode(vec![7_u8; n]));
    for n in [24, 32, 64] {
        assert!(sender.check_secret(&format!(" {} ", of(n))).is_ok(), "{n}");
    }
    for text in [of(23), of(65), "whsec_".into(), "whsec_*".into(), of(32)[6..].to_owned(), String::new()] {
        let refused = sender.check_secret(&text).expect_err("no secret");
        assert!(refused.message.ko.is_some() && refused.field == Some("secret"));
        assert!(text.len() < 10 || !format!("{refused:?}").contains(&text), "{refused:?}");
    }
    assert!(sender.check_secret(&sender.new_secret().expect("a secret").0).is_ok());
}

#[test]
fn addresses_are_refused_with_their_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let allowed = AllowedReceivers::parse("127.0.0.1:8080").expect("receivers");
    let sender = SignedSender::new(allowed, folder.path());
    assert_eq!(sender.check_url(" HTTPS://Hooks.Example.com/a#b ").as_deref(), Ok("https://hooks.example.com/a"));
    assert_eq!(sender.check_url("http://127.0.0.1:8080/a").as_deref(), Ok("http://127.0.0.1:8080/a"));
    let long = format!("https://example.com/{}", "x".repeat(MAX_URL));
    for (url, part) in [
        ("https://127.0.0.1/", "private"),
        ("https://[::1]/", "private"),
        ("http://example.com/", "https only"),
        ("https://example.com:8443/", "443"),
        ("https://kim:pw@example.com/", "signed"),
        ("hooks", "“hooks”"),
        (&long, "1500"),
    ] {
        let refused = sender.check_url(url).expect_err(url);
        assert!(refused.message.en.contains(part) && refused.message.ko.is_some(), "{url}: {refused}");
        assert_eq!((refused.kind, refused.field), (domain::ErrorKind::BadInput, Some("url")));
    }
}

#[tokio::test]
async fn a_secret_is_opened_under_its_key_for_its_address_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (sender(folder.path()), sender(folder.path()));
    let secret = one.new_secret().expect("a secret");
    // Two that need the key at once use the same.
    let (a, b) = tokio::join!(one.seal(&secret, "https://a/"), two.seal(&secret, "https://a/"));
    let (a, b) = (a.expect("sealed"), b.expect("sealed"));
    assert!(a != b && !String::from_utf8_lossy(&a.0).contains(&secret.0[6..20]));
    for (sealed, by) in [(&a, &two), (&b, &one)] {
        assert_eq!(by.key.open(sealed, "https://a/").await.as_ref(), Ok(&secret));
        let moved = by.key.open(sealed, "https://b/").await.expect_err("another address");
        assert!(moved.message.en.contains("changed"), "{moved}");
    }
    let mut cut = a.clone();
    cut.0.truncate(20);
    assert!(one.key.open(&cut, "https://a/").await.is_err());
    let names: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").flatten().map(|e| e.file_name()).collect();
    assert_eq!(names, ["webhook.key"]);
    let path = folder.path().join("webhook.key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&path, "0".repeat(64)).expect("written");
    let other = one.key.open(&a, "https://a/").await.expect_err("another key");
    assert!(other.message.en.contains("another key") && other.message.ko.is_some(), "{other}");
    std::fs::write(&path, "nonsense").expect("written");
    assert!(one.seal(&secret, "https://a/").await.is_err(), "a key is not made anew over what is there");
    std::fs::remove_file(&path).expect("removed");
    assert!(one.key.open(&a, "https://a/").await.is_err());
    assert!(!path.exists(), "reading makes no key");
}
