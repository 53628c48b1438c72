//! Two thousand hostile requests: none is our fault, none writes across sites, and the server lives on.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    fleet::Site,
    process::run,
    wire::{request, send},
};

const REQUESTS: u64 = 2_000;
const AT_ONCE: u64 = 8;

/// Numbers that look random and are the same in each run (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % sides as u64) as usize
    }
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const KEYS: [&str; 26] = [
    "customer",
    "site",
    "zone",
    "task",
    "type",
    "model",
    "metric",
    "from",
    "to",
    "days",
    "step",
    "tz",
    "sort",
    "page",
    "back",
    "token",
    "lang",
    "ask",
    "ask[customer]",
    "ask[days]",
    "ask[from]",
    "ask[[[[[[",
    "ask[page][x]",
    "__proto__",
    "%00",
    "",
];

const VALUES: [&str; 46] = [
    "",
    "acme",
    "seoul-01",
    "mAP50",
    "7",
    "-1",
    "0",
    "1e309",
    "NaN",
    "99999999999999999999999999999999",
    "-9223372036854775808",
    "4294967296",
    "now",
    "now-7d",
    "now-100000y",
    "now+100000M",
    "now-1d/d",
    "now/ü",
    "now-",
    "-100000-01-01",
    "9999-12-31",
    "+262142-12-31T23:59:59Z",
    "2026-06-30T12:00:00[Asia/Seoul]",
    "1ms",
    "PT1H",
    "P9999999999Y",
    "-PT1H",
    "PT1H-1M",
    "1e3h",
    "../../../../etc/passwd",
    "..%2f..%2fetc",
    "%00",
    "a%00b",
    "%ff%fe",
    "%c0%af",
    "%u0041",
    "%E0%80%80",
    "%",
    "%%%25",
    "%0d%0aX:y",
    "%F0%9F%9A%80",
    "%E2%80%AE",
    "<script>alert(1)</script>",
    "'%20OR%201=1--",
    "Asia/Seoul",
    "{{7*7}}",
];

const METHODS: [&str; 12] =
    ["GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "TRACE", "X-\u{41}"];

const KINDS: [&str; 7] = [
    "application/x-www-form-urlencoded",
    "application/json",
    "text/plain",
    "multipart/form-data; boundary=x",
    "application/cbor",
    "application/x-www-form-urlencoded; charset=utf-7",
    "",
];

const ACCEPTS: [&str; 5] = ["text/html", "application/json", "*/*", "", "text/html;q=\u{1}"];

fn value(dice: &mut Dice) -> String {
    match dice.roll(8) {
        0 => "a".repeat(1 << dice.roll(14)),
        1 => "%5B".repeat(1 + dice.roll(200)),
        2 => (0..dice.roll(30)).map(|_| format!("%{:02x}", dice.roll(256))).collect(),
        _ => dice.pick(&VALUES).to_owned(),
    }
}

fn pairs(dice: &mut Dice) -> String {
    let n = dice.roll(5);
    let one = |dice: &mut Dice| {
        let glue = dice.pick(&["=", "=", "=", "", "=="]);
        format!("{}{glue}{}", dice.pick(&KEYS), value(dice))
    };
    (0..n).map(|_| one(dice)).collect::<Vec<_>>().join(dice.pick(&["&", "&", ";", "&&"]))
}

fn target(dice: &mut Dice, paths: &[String]) -> String {
    let mut path = match dice.roll(10) {
        0 => format!("/{}", value(dice)),
        1 => format!("{}/{}", paths[dice.roll(paths.len())], value(dice)),
        2 => format!("//{}", value(dice)),
        _ => paths[dice.roll(paths.len())].clone(),
    };
    while let Some((begin, rest)) = path.split_once('{').map(|(b, r)| (b.to_owned(), r.to_owned())) {
        let filling = if dice.roll(2) == 0 { "acme".to_owned() } else { value(dice) };
        path = format!("{begin}{filling}{}", rest.split_once('}').map_or("", |r| r.1));
    }
    match pairs(dice) {
        p if p.is_empty() => path,
        p => format!("{path}?{p}"),
    }
}

fn body(dice: &mut Dice) -> Vec<u8> {
    match dice.roll(7) {
        0 => vec![],
        1 => (0..dice.roll(400)).map(|_| dice.roll(256) as u8).collect(),
        2 => "[".repeat(dice.roll(5_000)).into_bytes(),
        3 => br#"{"ask":{"customer":["#.to_vec(),
        4 => vec![b'x'; dice.roll(3 << 20)],
        _ => pairs(dice).into_bytes(),
    }
}

#[derive(Debug)]
struct Shot {
    bytes: Vec<u8>,
    what: String,
    /// A write that comes from another site.
    foreign_write: bool,
}

fn shot(number: u64, port: u16, paths: &[String]) -> Shot {
    let mut dice = Dice(number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let method = dice.pick(&METHODS);
    let target = target(&mut dice, paths);
    let ours = format!("http://127.0.0.1:{port}");
    let foreign: [Vec<(&str, &str)>; 4] = [
        vec![("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example.com")],
        vec![("Sec-Fetch-Site", "same-site")],
        vec![("Origin", "null")],
        vec![("Origin", "https://evil.example.com"), ("Referer", "https://evil.example.com/x")],
    ];
    let own = vec![("Sec-Fetch-Site", "same-origin"), ("Origin", ours.as_str())];
    let is_foreign = dice.roll(2) == 0;
    let mut heads = if is_foreign { foreign[dice.roll(4)].clone() } else { own };
    heads.push(("Content-Type", dice.pick(&KINDS)));
    heads.push(("Accept", dice.pick(&ACCEPTS)));
    let (cookie, language, tag) = (value(&mut dice), value(&mut dice), value(&mut dice));
    let cookie = format!("gf_lang={cookie}; gf_tz={}; gf_session={tag}", dice.pick(&VALUES));
    heads.extend([
        ("Cookie", cookie.as_str()),
        ("Accept-Language", language.as_str()),
        ("If-None-Match", tag.as_str()),
    ]);
    match dice.roll(6) {
        0 => heads.push(("X-Forwarded-For", "203.0.113.9")),
        1 => heads.push(("Authorization", "Bearer %00")),
        2 => heads.push(("Accept-Encoding", "br;q=9, gzip;q=-1, \u{7f}")),
        3 => heads.push(("Range", "bytes=99999999999-1")),
        _ => {}
    }
    let body = if method == "GET" && dice.roll(4) > 0 { vec![] } else { body(&mut dice) };
    let what = format!("#{number} {method} {} foreign={is_foreign}", &target.chars().take(200).collect::<String>());
    let foreign_write = is_foreign && !matches!(method, "GET" | "HEAD" | "OPTIONS");
    Shot { bytes: request(port, method, &target, &heads, &body), what, foreign_write }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_hostile_requests_do_no_harm() {
    let mut site = Site::start(&[]).await;
    let port = site.served.port;
    let listed = run(&["routes", "--json"]).fine().json();
    let paths: Vec<String> =
        listed.as_array().unwrap().iter().map(|r| r["path"].as_str().unwrap().replace("{*file}", "{file}")).collect();
    let paths = Arc::new(paths);
    let before = site.served.json("/api/metrics/comparison?from=2026-01-01&to=2026-01-02").await;
    let begun = std::time::Instant::now();
    let shooters: Vec<_> = (0..AT_ONCE)
        .map(|lane| {
            let paths = Arc::clone(&paths);
            tokio::spawn(async move {
                let (mut counts, mut faults) = (BTreeMap::<u16, u64>::new(), Vec::new());
                for number in (lane..REQUESTS).step_by(AT_ONCE as usize) {
                    let shot = shot(number, port, &paths);
                    match send(port, &shot.bytes).await {
                        Err(e) => faults.push(format!("{}: {e}", shot.what)),
                        Ok(a) => {
                            *counts.entry(a.status).or_default() += 1;
                            let refused = (400..500).contains(&a.status);
                            let wrote = !a.all("set-cookie").is_empty();
                            if a.status >= 500 || (shot.foreign_write && (!refused || wrote)) {
                                faults.push(format!(
                                    "{}: {} {}",
                                    shot.what,
                                    a.status,
                                    a.body.chars().take(200).collect::<String>()
                                ));
                            }
                        }
                    }
                }
                (counts, faults)
            })
        })
        .collect();
    let (mut counts, mut faults) = (BTreeMap::<u16, u64>::new(), Vec::new());
    for shooter in shooters {
        let (c, f) = shooter.await.expect("a shooter that ends");
        c.into_iter().for_each(|(status, n)| *counts.entry(status).or_default() += n);
        faults.extend(f);
    }
    println!("{} hostile requests in {:?}: {counts:?}", counts.values().sum::<u64>(), begun.elapsed());
    site.served.lives_without_panic();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert_eq!(counts.values().sum::<u64>(), REQUESTS);
    // Afterwards everything is as before.
    assert_eq!(site.served.json("/api/metrics/comparison?from=2026-01-01&to=2026-01-02").await, before);
    assert_eq!(site.served.page("/").await.0, 200);
}
