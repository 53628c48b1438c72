//! The connection to Postgres is encrypted as `sslmode` says, and the password needs no URL.

use sqlx::Executor;
use store::{Location, PostgresServer};

use crate::postgres::Cluster;

async fn open(url: &str) -> domain::Result<()> {
    let location = Location::Postgres(PostgresServer::parse(url, Some("s3cret")).unwrap().into());
    store::open(&location).await.map(drop)
}

#[tokio::test]
async fn sslmode_decides_what_is_encrypted_and_who_is_believed() {
    let cluster = Cluster::encrypted();
    let database = cluster.database();
    let mut admin = database.connect().await;
    admin.execute("CREATE ROLE ours SUPERUSER LOGIN PASSWORD 's3cret'").await.unwrap();
    let (port, certificate) = cluster.by_tcp();
    let url =
        |host: &str, more: &str| format!("postgres://ours@{host}:{port}/{}?application_name=x{more}", database.name);
    for more in ["", "&sslmode=prefer", "&sslmode=require"] {
        open(&url("localhost", more)).await.unwrap();
        open(&url("127.0.0.1", more)).await.unwrap();
    }
    let full = format!("&sslmode=verify-full&sslrootcert={certificate}");
    open(&url("localhost", &full)).await.unwrap();
    for (host, more, why) in [
        // A certificate of another host, and one that nobody has signed.
        ("127.0.0.1", full.as_str(), "no encrypted connection"),
        ("localhost", "&sslmode=verify-full", "no encrypted connection"),
        // The server takes none that is not encrypted.
        ("localhost", "&sslmode=disable", "does not accept"),
    ] {
        let refused = open(&url(host, more)).await.expect_err(more);
        assert!(refused.message.en.contains(why), "{host} {more}: {refused:?}");
    }
}
