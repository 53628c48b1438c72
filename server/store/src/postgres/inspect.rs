//! Read-only inspection of a database.

use domain::Result;
use sqlx::{Connection, PgConnection};

use super::{cannot, connect, options, seen, sql};
use crate::{PostgresServer, error::Operation, inspection::DatabaseInspection};

pub(crate) async fn inspect(server: &PostgresServer) -> Result<DatabaseInspection> {
    let name = server.to_string();
    let mut db = connect(&options(server), &name).await?;
    let looked = look(&mut db).await;
    let _ = db.close().await;
    looked.map_err(|e| cannot(Operation::Read(&name), &e))
}

async fn look(db: &mut PgConnection) -> sqlx::Result<DatabaseInspection> {
    let version: String = sqlx::query_scalar(sql::VERSION).fetch_one(&mut *db).await?;
    let read_only: bool = sqlx::query_scalar(sql::READ_ONLY).fetch_one(&mut *db).await?;
    let may_create: bool = sqlx::query_scalar(sql::MAY_CREATE).fetch_one(&mut *db).await?;
    let tables = seen::tables(&mut *db).await?;
    let fault = match (read_only, may_create) {
        (true, _) => Some("it is read-only: a standby, or default_transaction_read_only is set"),
        // Whose tables are made needs no more rights.
        (_, false) if tables.schema != Some(tables.program_schema) => {
            Some("this user may not make tables there: grant CREATE on the schema (grant all on schema public to USER)")
        }
        _ => None,
    };
    Ok(DatabaseInspection {
        kept_by: format!("Postgres {version}"),
        fault: fault.map(str::to_owned),
        tables: Some(tables),
    })
}
