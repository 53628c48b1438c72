//! The ledger of sources in SQLite: what each delivered, when, and what was refused.

use async_trait::async_trait;
use domain::{
    Result,
    changes::Touched,
    error::Sentence,
    ports::{RefusedCounts, SourceId, SourceLedger, SourceReport},
    time::Millis,
};
use lake::ports::Delivery;
use sqlx::{Row, Sqlite, Transaction};

use super::{SqliteStore, cannot, signed, unsigned};

#[async_trait]
impl SourceLedger for SqliteStore {
    async fn sources(&self) -> Result<Vec<SourceReport>> {
        let broken = |e: sqlx::Error| cannot("read the ledger of sources", &e);
        let rows = sqlx::query(
            "SELECT kind, name, first_ms, last_ms, newest_ms, taken, duplicate, corrected, error, error_ko, finished,
                    (SELECT coalesce(sum(rows), 0) FROM source_refused r WHERE (r.kind, r.name) = (s.kind, s.name)) AS bad
             FROM source s ORDER BY error IS NULL, bad = 0, last_ms DESC, name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(broken)?;
        let mut reports: Vec<SourceReport> = rows
            .iter()
            .map(|r| SourceReport {
                source: SourceId { kind: r.get(0), name: r.get(1) },
                first: Millis(r.get(2)),
                last: Millis(r.get(3)),
                newest: r.get::<Option<i64>, _>(4).map(Millis),
                taken: unsigned(r.get(5)),
                duplicate: unsigned(r.get(6)),
                corrected: unsigned(r.get(7)),
                refused: RefusedCounts::new(),
                error: r.get::<Option<String>, _>(8).map(|en| Sentence { en, ko: r.get(9) }),
                finished: r.get::<i64, _>(10) != 0,
            })
            .collect();
        let refused: Vec<(String, String, String, i64)> =
            sqlx::query_as("SELECT kind, name, reason, rows FROM source_refused")
                .fetch_all(&self.pool)
                .await
                .map_err(broken)?;
        for (kind, name, reason, rows) in refused {
            if let Some(r) = reports.iter_mut().find(|r| r.source.kind == kind && r.source.name == name) {
                r.refused.insert(reason, unsigned(rows));
            }
        }
        Ok(reports)
    }

    async fn begun(&self, source: &SourceId, at: Millis) -> Result<()> {
        let broken = |e: sqlx::Error| cannot("write the ledger of sources", &e);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        touch(&mut tx, source, at).await.map_err(broken)?;
        forget_last_read(&mut tx, source).await.map_err(broken)?;
        tx.commit().await.map_err(broken)
    }

    async fn failed(&self, source: &SourceId, at: Millis, reason: &Sentence) -> Result<()> {
        self.mark(source, at, Some(reason), false).await
    }

    async fn finished(&self, source: &SourceId, at: Millis) -> Result<()> {
        self.mark(source, at, None, true).await
    }
}

impl SqliteStore {
    /// Adds one delivery to a source, as a part of the transaction that publishes its rows.
    pub(crate) async fn book(tx: &mut Transaction<'_, Sqlite>, d: &Delivery) -> sqlx::Result<()> {
        touch(tx, &d.source, d.at).await?;
        if d.progress.anew {
            forget_last_read(tx, &d.source).await?;
        }
        if d.progress.caught_up {
            sqlx::query("UPDATE source SET error = NULL, finished = 1 WHERE kind = ? AND name = ?")
                .bind(&d.source.kind)
                .bind(&d.source.name)
                .execute(&mut **tx)
                .await?;
        }
        // A file that grows was read, as far as it goes.
        if d.progress.caught_up || d.progress.position.is_some() {
            sqlx::query("UPDATE source SET failing_ms = NULL WHERE kind = ? AND name = ?")
                .bind(&d.source.kind)
                .bind(&d.source.name)
                .execute(&mut **tx)
                .await?;
        }
        sqlx::query(
            "UPDATE source SET taken = taken + ?, duplicate = duplicate + ?, corrected = corrected + ?,
                    newest_ms = max(coalesce(newest_ms, ?4), coalesce(?4, newest_ms))
             WHERE kind = ?5 AND name = ?6",
        )
        .bind(signed(d.appended.taken))
        .bind(signed(d.appended.duplicate))
        .bind(signed(d.appended.corrected))
        .bind(d.newest.map(|m| m.0))
        .bind(&d.source.kind)
        .bind(&d.source.name)
        .execute(&mut **tx)
        .await?;
        for (reason, rows) in &d.refused {
            sqlx::query(
                "INSERT INTO source_refused VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET rows = rows + ?4",
            )
            .bind(&d.source.kind)
            .bind(&d.source.name)
            .bind(reason)
            .bind(signed(*rows))
            .execute(&mut **tx)
            .await?;
        }
        Ok(())
    }

    async fn mark(&self, source: &SourceId, at: Millis, error: Option<&Sentence>, finished: bool) -> Result<()> {
        let broken = |e: sqlx::Error| cannot("write the ledger of sources", &e);
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(broken)?;
        touch(&mut tx, source, at).await.map_err(broken)?;
        let before: Option<i64> = sqlx::query_scalar("SELECT failing_ms FROM source WHERE kind = ? AND name = ?")
            .bind(&source.kind)
            .bind(&source.name)
            .fetch_one(&mut *tx)
            .await
            .map_err(broken)?;
        let failing = error.map(|_| before.unwrap_or(at.0));
        sqlx::query(
            "UPDATE source SET error = ?, error_ko = ?, finished = ?, failing_ms = ? WHERE kind = ? AND name = ?",
        )
        .bind(error.map(|e| &e.en))
        .bind(error.and_then(|e| e.ko.as_ref()))
        .bind(i64::from(finished))
        .bind(failing)
        .bind(&source.kind)
        .bind(&source.name)
        .execute(&mut *tx)
        .await
        .map_err(broken)?;
        if before != failing {
            // States of places change with it, although no record has come.
            Self::move_on(&mut tx, &[], &[], &Touched::all()).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)
    }
}

async fn forget_last_read(tx: &mut Transaction<'_, Sqlite>, source: &SourceId) -> sqlx::Result<()> {
    sqlx::query("UPDATE source SET duplicate = 0, error = NULL, finished = 0 WHERE kind = ? AND name = ?")
        .bind(&source.kind)
        .bind(&source.name)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM source_refused WHERE kind = ? AND name = ?")
        .bind(&source.kind)
        .bind(&source.name)
        .execute(&mut **tx)
        .await
        .map(|_| ())
}

async fn touch(tx: &mut Transaction<'_, Sqlite>, source: &SourceId, at: Millis) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO source (kind, name, first_ms, last_ms) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT DO UPDATE SET last_ms = max(last_ms, ?3)",
    )
    .bind(&source.kind)
    .bind(&source.name)
    .bind(at.0)
    .execute(&mut **tx)
    .await
    .map(|_| ())
}
