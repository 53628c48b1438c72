//! How far files of the watched folder were taken, in SQLite. Positions with rows are written by the manifest's commit.

use async_trait::async_trait;
use domain::{
    Result,
    ports::{Tail, TailLedger},
    time::Millis,
};
use sqlx::{Row, Sqlite, Transaction};

use crate::{SqliteStore, cannot};

#[async_trait]
impl TailLedger for SqliteStore {
    async fn tails(&self) -> Result<Vec<Tail>> {
        let rows = sqlx::query(
            "SELECT id, path, device, inode, position, lines, loose, print, size, changed_ms, rejects, gone_ms
             FROM tail ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|e| cannot("read how far files were taken", &e))?;
        // Inodes, devices and hashes use all 64 bits.
        let bits = |r: &sqlx::sqlite::SqliteRow, i: usize| r.get::<i64, _>(i).cast_unsigned();
        Ok(rows
            .iter()
            .map(|r| Tail {
                id: r.get(0),
                path: r.get(1),
                device: bits(r, 2),
                inode: bits(r, 3),
                offset: bits(r, 4),
                lines: bits(r, 5),
                loose: bits(r, 6),
                print: bits(r, 7),
                size: bits(r, 8),
                changed: Millis(r.get(9)),
                rejects: bits(r, 10),
                gone: r.get::<Option<i64>, _>(11).map(Millis),
            })
            .collect())
    }

    async fn keep(&self, tails: &[Tail], forget: &[i64]) -> Result<()> {
        let broken = |e: sqlx::Error| cannot("write how far files were taken", &e);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        for id in forget {
            sqlx::query("DELETE FROM tail WHERE id = ?").bind(id).execute(&mut *tx).await.map_err(broken)?;
        }
        for tail in tails {
            Self::keep_tail(&mut tx, tail).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)
    }
}

impl SqliteStore {
    pub(crate) async fn keep_tail(tx: &mut Transaction<'_, Sqlite>, t: &Tail) -> sqlx::Result<()> {
        sqlx::query("INSERT OR REPLACE INTO tail VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
            .bind(t.id)
            .bind(&t.path)
            .bind(t.device.cast_signed())
            .bind(t.inode.cast_signed())
            .bind(t.offset.cast_signed())
            .bind(t.lines.cast_signed())
            .bind(t.loose.cast_signed())
            .bind(t.print.cast_signed())
            .bind(t.size.cast_signed())
            .bind(t.changed.0)
            .bind(t.rejects.cast_signed())
            .bind(t.gone.map(|m| m.0))
            .execute(&mut **tx)
            .await
            .map(|_| ())
    }
}
