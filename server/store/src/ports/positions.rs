//! How far files of the watched folder were taken. Positions with rows are written by the manifest's commit. Compiled once a
//! database: `super` is its module.

use async_trait::async_trait;
use domain::{Result, ports::ReadPosition};
use lake::ports::FilePositionStore;
use sqlx::Transaction;

use super::{Db, Store, cannot};
use crate::{error::Operation, sql};

#[async_trait]
impl FilePositionStore for Store {
    async fn positions(&self) -> Result<Vec<ReadPosition>> {
        let rows: sqlx::Result<Vec<(i64, String)>> = sqlx::query_as(sql::POSITIONS).fetch_all(&self.pool).await;
        let rows = rows.map_err(|e| cannot(Operation::ReadPositions, &e))?;
        Ok(rows.into_iter().map(|(id, state)| ReadPosition { id, state }).collect())
    }

    async fn keep(&self, positions: &[ReadPosition], forget: &[i64]) -> Result<()> {
        let broken = |e: sqlx::Error| cannot(Operation::WritePositions, &e);
        let mut tx = self.begin_write().await.map_err(broken)?;
        for id in forget {
            sqlx::query(sql::FORGET_POSITION).bind(id).execute(&mut *tx).await.map_err(broken)?;
        }
        for position in positions {
            Self::keep_position(&mut tx, position).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)
    }
}

impl Store {
    pub(super) async fn keep_position(tx: &mut Transaction<'_, Db>, p: &ReadPosition) -> sqlx::Result<()> {
        sqlx::query(sql::KEEP_POSITION).bind(p.id).bind(&p.state).execute(&mut **tx).await.map(drop)
    }
}
