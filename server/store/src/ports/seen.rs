//! Inspection of the tables, whichever version they have. Compiled once a database: `super` is its module.

use domain::time::Millis;
use sqlx::Database;

use super::{Db, MIGRATIONS, sql as own};
use crate::{DatabaseIdentity, binding, inspection::TablesInspection, sql};

/// Reads what there is and changes nothing.
pub(super) async fn tables(db: &mut <Db as Database>::Connection) -> sqlx::Result<TablesInspection> {
    let names: Vec<String> = sqlx::query_scalar(own::TABLE_NAMES).fetch_all(&mut *db).await?;
    let has = |table: &str| names.iter().any(|t| t == table);
    let mut seen = TablesInspection {
        program_schema: MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0),
        ..TablesInspection::default()
    };
    if has("_sqlx_migrations") {
        seen.schema = sqlx::query_scalar(sql::SCHEMA).fetch_one(&mut *db).await?;
        seen.unfinished = sqlx::query_scalar::<_, i64>(sql::UNFINISHED).fetch_one(&mut *db).await? > 0;
    }
    // Tables of a newer program may have other columns.
    if seen.schema.is_none_or(|version| version > seen.program_schema) || seen.unfinished {
        return Ok(seen);
    }
    let newest: Option<i64> = sqlx::query_scalar(sql::NEWEST_RECORD).fetch_one(&mut *db).await?;
    seen.newest_record = newest.map(Millis);
    seen.generation = sqlx::query_scalar(sql::GENERATION).fetch_one(&mut *db).await?;
    seen.files = sqlx::query_scalar(sql::FILE_NAMES).fetch_all(&mut *db).await?;
    if seen.schema >= Some(binding::IDENTITY_SCHEMA_VERSION) {
        seen.identity = sqlx::query_as(sql::IDENTITY).fetch_optional(&mut *db).await?.map(DatabaseIdentity::from_row);
    }
    Ok(seen)
}
