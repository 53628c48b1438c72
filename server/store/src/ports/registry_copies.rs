//! Our copy of another registry of models. Compiled once a database: `super` is its module.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use domain::{
    Result,
    ports::RegistryCopies,
    registry::{ModelName, RegistryModel},
    time::Millis,
};
use sqlx::AssertSqlSafe;

use super::{Store, cannot};
use crate::{error::Operation, packed, sql};

/// Models of one statement: two parameters each, and SQLite takes 32,766 of them.
const MODELS_AT_ONCE: usize = 500;

#[async_trait]
impl RegistryCopies for Store {
    async fn load_models(&self, source: &str) -> Result<(Vec<RegistryModel>, Option<Millis>)> {
        let broken = |e: sqlx::Error| cannot(Operation::ReadRegistryCopy, &e);
        let mut tx = self.begin_read().await.map_err(broken)?;
        let as_of: Option<i64> =
            sqlx::query_scalar(sql::REGISTRY_COPY).bind(source).fetch_optional(&mut *tx).await.map_err(broken)?;
        let Some(as_of) = as_of else { return Ok((vec![], None)) };
        let bodies: Vec<Vec<u8>> = sqlx::query_scalar(sql::COPIED_MODELS).fetch_all(&mut *tx).await.map_err(broken)?;
        drop(tx);
        Ok((packed::unpack(bodies).await, Some(Millis(as_of))))
    }

    async fn save_models(
        &self,
        source: &str,
        changed: &[Arc<RegistryModel>],
        gone: &[ModelName],
        as_of: Millis,
    ) -> Result<bool> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteRegistryCopy, &e);
        // By name, so that two processes that save the same copy do not wait for each other in a circle; of one name the last.
        let changed: BTreeMap<&ModelName, &Arc<RegistryModel>> = changed.iter().map(|m| (&m.name, m)).collect();
        let rows = packed::pack(changed.into_values().cloned().collect(), |m| m.name.as_str()).await?;
        // It begins with a write. The row of the copy is taken first, so writers of it take turns; others go on.
        let mut tx = self.pool.begin().await.map_err(broken)?;
        let there = sqlx::query(sql::MOVE_REGISTRY_COPY)
            .bind(as_of.0)
            .bind(source)
            .execute(&mut *tx)
            .await
            .map_err(broken)?
            .rows_affected()
            > 0;
        if !there {
            for forget in [sql::FORGET_REGISTRY_COPIES, sql::FORGET_COPIED_MODELS] {
                sqlx::query(forget).execute(&mut *tx).await.map_err(broken)?;
            }
            sqlx::query(sql::BEGIN_REGISTRY_COPY).bind(source).bind(as_of.0).execute(&mut *tx).await.map_err(broken)?;
        }
        for name in gone {
            sqlx::query(sql::FORGET_COPIED_MODEL).bind(name.as_str()).execute(&mut *tx).await.map_err(broken)?;
        }
        for rows in rows.chunks(MODELS_AT_ONCE) {
            let statement = sql::of_rows(sql::KEEP_MODELS, 2, rows.len());
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for (name, body) in rows {
                query = query.bind(name).bind(body);
            }
            // Statements of any number of rows would fill the cache of prepared ones.
            query.persistent(rows.len() == MODELS_AT_ONCE).execute(&mut *tx).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)?;
        Ok(there)
    }
}
