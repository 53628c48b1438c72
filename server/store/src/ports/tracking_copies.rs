//! Our copy of experiments and runs. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Result,
    ports::{CopyChanges, KeptCopy, TrackingCopies},
    time::Millis,
    tracking::{Experiment, Run, TextPool},
};
use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Transaction};

use super::{Db, Store, cannot};
use crate::{error::Operation, packed, sql};

/// Rows of one statement: two parameters each, and SQLite takes 32,766 of them.
const ROWS_AT_ONCE: usize = 500;

#[async_trait]
impl TrackingCopies for Store {
    async fn load_copy(&self, source: &str) -> Result<KeptCopy> {
        let broken = |e: sqlx::Error| cannot(Operation::ReadCopy, &e);
        let mut tx = self.begin_read().await.map_err(broken)?;
        let found: Option<(String, i64)> =
            sqlx::query_as(sql::COPY).bind(source).fetch_optional(&mut *tx).await.map_err(broken)?;
        let Some((progress, as_of)) = found else { return Ok(KeptCopy::default()) };
        let bodies: Vec<Vec<u8>> =
            sqlx::query_scalar(sql::COPIED_EXPERIMENTS).fetch_all(&mut *tx).await.map_err(broken)?;
        let mut kept = KeptCopy {
            experiments: packed::unpack::<Experiment>(bodies).await,
            runs: vec![],
            progress,
            as_of: Some(Millis(as_of)),
        };
        // Texts are shared part by part: all runs with texts of their own take several times the memory.
        let mut texts = TextPool::default();
        let mut rows = sqlx::query_scalar::<_, Vec<u8>>(sql::COPIED_RUNS).fetch(&mut *tx).try_chunks(2_000);
        while let Some(bodies) = rows.try_next().await.map_err(|e| broken(e.1))? {
            let runs = packed::unpack::<Run>(bodies).await;
            kept.runs.extend(runs.into_iter().map(|run| texts.share_run(run)));
        }
        Ok(kept)
    }

    async fn save_copy(&self, source: &str, changes: &CopyChanges) -> Result<bool> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteCopy, &e);
        // In the order of ids, so that two processes that save the same copy do not wait for each other in a circle.
        let mut experiments = changes.experiments.clone();
        experiments.sort_by(|a, b| a.id.cmp(&b.id));
        experiments.dedup_by(|a, b| a.id == b.id);
        let mut runs = changes.runs.clone();
        runs.sort_by(|a, b| a.id.cmp(&b.id));
        runs.dedup_by(|a, b| a.id == b.id);
        let experiments = packed::pack(experiments, |e| e.id.as_str()).await?;
        let runs = packed::pack(runs, |r| r.id.as_str()).await?;
        // It begins with a write. The row of the copy is taken first, so writers of it take turns; others go on.
        let mut tx = self.pool.begin().await.map_err(broken)?;
        let there = sqlx::query(sql::MOVE_COPY)
            .bind(&changes.progress)
            .bind(changes.as_of.0)
            .bind(source)
            .execute(&mut *tx)
            .await
            .map_err(broken)?
            .rows_affected()
            > 0;
        if !there {
            for forget in [sql::FORGET_COPIES, sql::FORGET_COPIED_EXPERIMENTS, sql::FORGET_COPIED_RUNS] {
                sqlx::query(forget).execute(&mut *tx).await.map_err(broken)?;
            }
            sqlx::query(sql::BEGIN_COPY)
                .bind(source)
                .bind(&changes.progress)
                .bind(changes.as_of.0)
                .execute(&mut *tx)
                .await
                .map_err(broken)?;
        }
        let experiments_gone = changes.removed_experiments.iter().map(|id| id.as_str());
        forget(&mut tx, sql::FORGET_COPIED_EXPERIMENT, experiments_gone).await.map_err(broken)?;
        forget(&mut tx, sql::FORGET_COPIED_RUN, changes.removed_runs.iter().map(|id| id.as_str()))
            .await
            .map_err(broken)?;
        keep(&mut tx, sql::KEEP_EXPERIMENTS, experiments).await.map_err(broken)?;
        keep(&mut tx, sql::KEEP_RUNS, runs).await.map_err(broken)?;
        tx.commit().await.map_err(broken)?;
        Ok(there)
    }
}

async fn forget(
    tx: &mut Transaction<'_, Db>,
    statement: &'static str,
    ids: impl Iterator<Item = &str>,
) -> sqlx::Result<()> {
    for id in ids {
        sqlx::query(statement).bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Adds rows, or replaces them by id. `one` is the statement for a single row.
async fn keep(tx: &mut Transaction<'_, Db>, one: &'static str, rows: Vec<(String, Vec<u8>)>) -> sqlx::Result<()> {
    for rows in rows.chunks(ROWS_AT_ONCE) {
        let statement = sql::of_rows(one, 2, rows.len());
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for (id, body) in rows {
            query = query.bind(id).bind(body);
        }
        // Statements of any number of rows would fill the cache of prepared ones.
        query.persistent(rows.len() == ROWS_AT_ONCE).execute(&mut **tx).await?;
    }
    Ok(())
}
