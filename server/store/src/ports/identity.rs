//! Which data folder the database belongs to. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::Result;

use super::{Store, cannot};
use crate::{Identity, State, error::Doing, sql};

#[async_trait]
impl State for Store {
    async fn identity(&self) -> Result<Option<Identity>> {
        let row = sqlx::query_as(sql::IDENTITY).fetch_optional(&self.pool).await;
        Ok(row.map_err(|e| cannot(Doing::ReadManifest, &e))?.map(Identity::from_row))
    }

    async fn set_identity(&self, identity: &Identity) -> Result<()> {
        sqlx::query(sql::SET_IDENTITY)
            .bind(&identity.folder)
            .bind(&identity.database)
            .bind(&identity.copied_from)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(|e| cannot(Doing::WriteManifest, &e))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
