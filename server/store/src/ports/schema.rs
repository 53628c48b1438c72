//! Bringing the tables up to date. Compiled once a database: `super` is its module.

use domain::Result;
use sqlx::{Database, migrate::MigrateError};

use super::{Db, MIGRATIONS, cannot};
use crate::{
    error::{self, FailureCause, Operation},
    sql,
};

/// Applies the migrations that are missing. The caller makes sure that one process does so at a time.
pub(super) async fn migrate(connection: &mut <Db as Database>::Connection, name: &str) -> Result<()> {
    match MIGRATIONS.run(&mut *connection).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(missing)) => {
            let found: sqlx::Result<Option<i64>> = sqlx::query_scalar(sql::SCHEMA).fetch_one(&mut *connection).await;
            let ours = MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0);
            Err(error::schema_too_new(name, found.ok().flatten().unwrap_or(missing), ours))
        }
        Err(MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _)) => {
            Err(cannot(Operation::Prepare(name), &e))
        }
        Err(e) => Err(error::operation_error(Operation::Prepare(name), FailureCause::Refused, e)),
    }
}
