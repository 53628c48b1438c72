//! What goes wrong around the product: processes killed at any moment, full disks, damaged files, ports in use.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]
#![allow(clippy::disallowed_methods, reason = "a test waits for what it started, and nobody waits for the test")]

#[path = "../support/fake_mlflow.rs"]
mod fake_mlflow;
#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/mlflow.rs"]
mod mlflow;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/process.rs"]
mod process;
#[path = "../support/soak.rs"]
mod soak;

/// Runs every test on both databases, as often as `make soak` says. A test takes a folder that has no records.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                for repetition in 0..crate::soak::times().into() {
                    super::$test(crate::process::Folder::new().repeated(repetition)).await;
                }
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                for repetition in 0..crate::soak::times().into() {
                    let database = crate::postgres::Database::durable();
                    super::$test(crate::process::Folder::with(database).repeated(repetition)).await;
                }
            })+
        }
    };
}

mod database;
mod disk;
mod files;
mod kills;
mod pages;
mod promotion_asks;
mod promotion_child;
mod promotion_faults;
mod promotion_kills;
mod promotion_proxy;
mod promotion_races;
mod source_error;
mod tail;
mod tail_kills;
