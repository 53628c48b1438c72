//! What goes wrong around the product: processes killed at any moment, full disks, damaged files, ports in use.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says why and stops")]
#![allow(clippy::disallowed_methods, reason = "a test waits for what it started, and nobody waits for the test")]

#[path = "../support/fleet.rs"]
mod fleet;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/process.rs"]
mod process;

/// Runs every test on both databases. A test takes a folder that has no records.
macro_rules! on_both {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::process::Folder::new()).await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::process::Folder::with(crate::postgres::Database::durable())).await;
            })+
        }
    };
}

mod database;
mod disk;
mod files;
mod kills;
mod pages;
mod source_error;
mod tail;
mod tail_kills;
