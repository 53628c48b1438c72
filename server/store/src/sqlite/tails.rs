//! How far files of the watched folder were taken, in SQLite. Positions with rows are written by the manifest's commit.

use async_trait::async_trait;
use domain::{Result, ports::Position};
use lake::ports::TailLedger;
use sqlx::{Sqlite, Transaction};

use super::{SqliteStore, cannot};

#[async_trait]
impl TailLedger for SqliteStore {
    async fn positions(&self) -> Result<Vec<Position>> {
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, state FROM tail ORDER BY id")
            .fetch_all(&self.pool)
            .await
            .map_err(|e| cannot("read how far files were taken", &e))?;
        Ok(rows.into_iter().map(|(id, state)| Position { id, state }).collect())
    }

    async fn keep(&self, positions: &[Position], forget: &[i64]) -> Result<()> {
        let broken = |e: sqlx::Error| cannot("write how far files were taken", &e);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        for id in forget {
            sqlx::query("DELETE FROM tail WHERE id = ?").bind(id).execute(&mut *tx).await.map_err(broken)?;
        }
        for position in positions {
            Self::keep_position(&mut tx, position).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)
    }
}

impl SqliteStore {
    pub(crate) async fn keep_position(tx: &mut Transaction<'_, Sqlite>, p: &Position) -> sqlx::Result<()> {
        sqlx::query("INSERT OR REPLACE INTO tail VALUES (?, ?)")
            .bind(p.id)
            .bind(&p.state)
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }
}
