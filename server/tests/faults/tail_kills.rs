//! A server that is killed again and again while runners append: what is in the end is exactly what was written.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{
    process::Folder,
    tail::{Watched, append, rows},
};

on_both![ten_kills_during_appends_neither_lose_nor_double];

async fn ten_kills_during_appends_neither_lose_nor_double(folder: Folder) {
    let Watched { folder, served } = Watched::start_in(folder).await;
    let (folder, stop) = (Arc::new(folder), Arc::new(AtomicBool::new(false)));
    let written = Arc::new(AtomicI64::new(0));
    let writer = {
        let (folder, stop, written) = (folder.clone(), stop.clone(), written.clone());
        std::thread::spawn(move || {
            let mut i = 0;
            while !stop.load(Ordering::Relaxed) {
                // Two files; in one of them every line comes in two halves, and every hundredth is bad.
                let line = rows("a", i..i + 1);
                let (x, y) = line.split_at(line.len() / 3);
                append(&folder, "in/a.jsonl", x);
                append(&folder, "in/b.jsonl", rows("b", i..i + 3));
                append(&folder, "in/a.jsonl", y);
                if i % 300 == 0 {
                    append(&folder, "in/a.jsonl", "bad\n");
                }
                i += 3;
                written.store(i, Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    };
    let mut served = Some(served);
    for round in 0..10u64 {
        tokio::time::sleep(Duration::from_millis(250 + 97 * round)).await;
        served.take().expect("a server").kill();
        served = Some(Watched::serve(&folder).await);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    let folder = Arc::into_inner(folder).expect("the writer has ended");
    let w = Watched { folder, served: served.expect("a server") };
    let steps = written.load(Ordering::Relaxed) / 3;
    let (a, b, bad) = (steps as u64, 3 * steps as u64, (steps as u64).div_ceil(100));
    let begun = Instant::now();
    while w.n().await != a + b {
        assert!(begun.elapsed() < Duration::from_secs(20), "{} of {}\n{}", w.n().await, a + b, w.served.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{} lines were written during ten kills", a + b + bad);
    // Positions moved with the rows: no line was read twice, not even to be dropped as a duplicate.
    w.settles("in/a.jsonl", [a, 0, 0, bad]).await;
    w.settles("in/b.jsonl", [b, 0, 0, 0]).await;
    assert_eq!(w.folder.rejected().len() as u64, bad);
}
