//! Which data folder the database belongs to. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::Result;

use super::{Store, cannot};
use crate::{DatabaseIdentity, StateStore, error::Operation, sql};

#[async_trait]
impl StateStore for Store {
    async fn identity(&self) -> Result<Option<DatabaseIdentity>> {
        let row = sqlx::query_as(sql::IDENTITY).fetch_optional(&self.pool).await;
        Ok(row.map_err(|e| cannot(Operation::ReadManifest, &e))?.map(DatabaseIdentity::from_row))
    }

    async fn set_identity(&self, identity: &DatabaseIdentity) -> Result<()> {
        sqlx::query(sql::SET_IDENTITY)
            .bind(&identity.folder)
            .bind(&identity.database)
            .bind(&identity.copied_from)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|e| cannot(Operation::WriteManifest, &e))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
