//! The contract of the ports, run on every adapter: what each promises is checked here once, not per adapter.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]
#![allow(clippy::disallowed_methods, reason = "a test waits for what it started, and nobody waits for the test")]

#[path = "../support/fake_mlflow.rs"]
mod fake_mlflow;
#[path = "../support/mlflow.rs"]
mod mlflow;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/soak.rs"]
mod soak;
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
mod cells;
mod comparisons;
mod databases;
mod declared;
mod demo_runs;
mod devices;
mod doubt;
mod durability;
mod edges;
mod embedded_models;
mod encrypted;
mod filters;
mod first_seen;
mod foreign;
mod healing;
mod health;
mod hostile_mlflow;
mod jobs;
mod lake_files;
mod ledger;
mod manifest;
mod merging;
mod mlflow_connection;
mod model_registry;
mod names;
mod objects;
mod places;
mod random;
mod reference;
mod registered;
mod registries;
mod registry_copies;
mod registry_log;
mod roundtrip;
mod rows;
mod run_import;
mod saved_views;
mod sessions;
mod sink;
mod spelling;
mod stream;
mod tails;
mod tokens;
mod topics;
mod tracking_copies;
mod tracking_store;
mod webhooks;
mod withdrawn;
