//! The contract of the ports, run on every adapter: what each promises is checked here once, not per adapter.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]

#[path = "../support/mod.rs"]
mod support;

/// Runs every test on every adapter: `suite!([name = how to open it, …] [tests, …])`. A new adapter is one more entry.
/// A test takes what `open` gives, by reference.
macro_rules! suite {
    ([$($adapter:ident = $open:path),+ $(,)?] $tests:tt) => { $(suite!(@one $adapter $open, $tests);)+ };
    (@one $adapter:ident $open:path, [$($test:ident),+ $(,)?]) => {
        mod $adapter {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&$open().await).await;
                }
            )+
        }
    };
}

mod answers;
mod batches;
mod bent;
mod doubt;
mod durability;
mod foreign;
mod healing;
mod health;
mod lake_files;
mod ledger;
mod manifest;
mod merging;
mod places;
mod random;
mod reference;
mod roundtrip;
mod rows;
mod sink;
mod stream;
mod tails;
