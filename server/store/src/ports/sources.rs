//! The ledger of sources: what each delivered, when, and what was refused. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Result,
    changes::ChangeSet,
    error::Sentence,
    ports::{SourceId, SourceItem, SourceItems, SourceLedger, SourceReport},
    time::Millis,
};
use lake::ports::SourceDelivery;
use sqlx::{AssertSqlSafe, Transaction};

use super::{Db, Store, cannot};
use crate::{
    error::Operation,
    rows::{SourceRow, signed, source_report, unsigned, without_nul},
    sql,
};

/// Items of one statement: four parameters each, and SQLite takes 32,766 of them.
const ITEMS_AT_ONCE: usize = 500;

#[async_trait]
impl SourceItems for Store {
    async fn source_items(&self, source: &SourceId) -> Result<Vec<SourceItem>> {
        let rows: sqlx::Result<Vec<(String, String)>> =
            sqlx::query_as(sql::SOURCE_ITEMS).bind(&source.kind).bind(&source.name).fetch_all(&self.pool).await;
        let rows = rows.map_err(|e| cannot(Operation::ReadLedger, &e))?;
        Ok(rows.into_iter().map(|(key, state)| SourceItem { key, state }).collect())
    }
}

#[async_trait]
impl SourceLedger for Store {
    async fn sources(&self) -> Result<Vec<SourceReport>> {
        let broken = |e: sqlx::Error| cannot(Operation::ReadLedger, &e);
        let rows: Vec<SourceRow> = sqlx::query_as(sql::SOURCES).fetch_all(&self.pool).await.map_err(broken)?;
        let mut reports: Vec<SourceReport> = rows.into_iter().map(source_report).collect();
        let refused: Vec<(String, String, String, i64)> =
            sqlx::query_as(sql::REFUSED).fetch_all(&self.pool).await.map_err(broken)?;
        for (kind, name, reason, rows) in refused {
            if let Some(r) = reports.iter_mut().find(|r| r.source.kind == kind && r.source.name == name) {
                r.refused.insert(reason, unsigned(rows));
            }
        }
        Ok(reports)
    }

    async fn read_started(&self, source: &SourceId, at: Millis) -> Result<()> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteLedger, &e);
        let mut tx = self.begin_write().await.map_err(broken)?;
        touch(&mut tx, source, at).await.map_err(broken)?;
        forget_last_read(&mut tx, source).await.map_err(broken)?;
        tx.commit().await.map_err(broken)
    }

    async fn read_failed(&self, source: &SourceId, at: Millis, reason: &Sentence) -> Result<()> {
        self.mark(source, at, Some(reason), false).await.map_err(|e| cannot(Operation::WriteLedger, &e))
    }

    async fn read_finished(&self, source: &SourceId, at: Millis) -> Result<()> {
        self.mark(source, at, None, true).await.map_err(|e| cannot(Operation::WriteLedger, &e))
    }
}

impl Store {
    /// Adds one delivery to a source, as a part of the transaction that publishes its rows.
    pub(super) async fn add_delivery(tx: &mut Transaction<'_, Db>, d: &SourceDelivery) -> sqlx::Result<()> {
        touch(tx, &d.source, d.at).await?;
        if d.progress.anew {
            forget_last_read(tx, &d.source).await?;
        }
        if d.progress.caught_up {
            of(sql::CAUGHT_UP, tx, &d.source).await?;
        }
        // A file that grows was read, as far as it goes.
        if d.progress.caught_up || d.progress.position.is_some() {
            of(sql::NOT_FAILING, tx, &d.source).await?;
        }
        sqlx::query(sql::BOOK)
            .bind(signed(d.appended.taken))
            .bind(signed(d.appended.duplicate))
            .bind(signed(d.appended.corrected))
            .bind(signed(d.appended.withdrawn))
            .bind(d.newest.map(|m| m.0))
            .bind(&d.source.kind)
            .bind(&d.source.name)
            .execute(&mut **tx)
            .await?;
        for (reason, rows) in &d.refused {
            sqlx::query(sql::REFUSE)
                .bind(&d.source.kind)
                .bind(&d.source.name)
                .bind(reason)
                .bind(signed(*rows))
                .execute(&mut **tx)
                .await?;
        }
        Self::keep_items(tx, &d.source, &d.progress.items).await
    }

    /// Remembers what became of items, some hundreds with a statement.
    async fn keep_items(tx: &mut Transaction<'_, Db>, source: &SourceId, items: &[SourceItem]) -> sqlx::Result<()> {
        for items in items.chunks(ITEMS_AT_ONCE) {
            let statement = sql::of_rows(sql::KEEP_SOURCE_ITEMS, 4, items.len());
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for item in items {
                query = query.bind(&source.kind).bind(&source.name).bind(&item.key).bind(without_nul(&item.state));
            }
            // Statements of any number of rows would fill the cache of prepared ones.
            query.persistent(items.len() == ITEMS_AT_ONCE).execute(&mut **tx).await?;
        }
        Ok(())
    }

    async fn mark(&self, source: &SourceId, at: Millis, error: Option<&Sentence>, finished: bool) -> sqlx::Result<()> {
        let mut tx = self.begin_write().await?;
        touch(&mut tx, source, at).await?;
        let before: Option<i64> =
            sqlx::query_scalar(sql::FAILING_SINCE).bind(&source.kind).bind(&source.name).fetch_one(&mut *tx).await?;
        let failing = error.map(|_| before.unwrap_or(at.0));
        sqlx::query(sql::MARK)
            .bind(error.map(|e| without_nul(&e.en)))
            .bind(error.and_then(|e| e.ko.as_deref()).map(without_nul))
            .bind(i64::from(finished))
            .bind(failing)
            .bind(&source.kind)
            .bind(&source.name)
            .execute(&mut *tx)
            .await?;
        if before != failing {
            // States of places change with it, although no record has come.
            Self::advance_generation(&mut tx, &[], &[], &ChangeSet::everything()).await?;
        }
        tx.commit().await
    }
}

/// Executes a statement about one source.
async fn of(statement: &'static str, tx: &mut Transaction<'_, Db>, source: &SourceId) -> sqlx::Result<()> {
    sqlx::query(statement).bind(&source.kind).bind(&source.name).execute(&mut **tx).await.map(drop)
}

async fn forget_last_read(tx: &mut Transaction<'_, Db>, source: &SourceId) -> sqlx::Result<()> {
    of(sql::FORGET_LAST_READ, tx, source).await?;
    of(sql::FORGET_REFUSED, tx, source).await
}

async fn touch(tx: &mut Transaction<'_, Db>, source: &SourceId, at: Millis) -> sqlx::Result<()> {
    sqlx::query(sql::TOUCH_SOURCE).bind(&source.kind).bind(&source.name).bind(at.0).execute(&mut **tx).await.map(drop)
}
