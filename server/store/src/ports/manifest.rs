//! The lake's list of files. A commit is one transaction; a reader sees all of it or nothing. Compiled once a database: `super`
//! is its module.

use async_trait::async_trait;
use domain::{Result, changes::ChangeSet, ports::KeyValueStore, time::Millis};
use lake::ports::{LakeFile, Manifest, ManifestCommit, ManifestUpdate};
use sqlx::Transaction;

use super::{Db, Store, cannot, sql as own};
use crate::{
    error::Operation,
    rows::{FileRow, MAX_REMEMBERED_COMMITS, lake_file, signed},
    sql,
};

#[async_trait]
impl Manifest for Store {
    async fn generation(&self) -> Result<i64> {
        let generation = sqlx::query_scalar(sql::GENERATION).fetch_one(&self.pool).await;
        generation.map_err(|e| cannot(Operation::ReadManifest, &e))
    }

    async fn files(&self) -> Result<Vec<LakeFile>> {
        let rows: sqlx::Result<Vec<FileRow>> = sqlx::query_as(sql::FILES).fetch_all(&self.pool).await;
        Ok(rows.map_err(|e| cannot(Operation::ReadManifest, &e))?.into_iter().map(lake_file).collect())
    }

    async fn since(&self, generation: i64) -> Result<Option<ManifestUpdate>> {
        self.read_since(generation).await.map_err(|e| cannot(Operation::ReadManifest, &e))
    }

    async fn indexes(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
        let wanted = serde_json::to_string(ids).unwrap_or_default();
        let rows = sqlx::query_as(own::INDEXES).bind(wanted).fetch_all(&self.pool).await;
        rows.map_err(|e| cannot(Operation::ReadManifest, &e))
    }

    async fn last_seq(&self) -> Result<i64> {
        let seq = sqlx::query_scalar(sql::LAST_SEQ).fetch_one(&self.pool).await;
        seq.map_err(|e| cannot(Operation::ReadManifest, &e))
    }

    async fn commit(&self, change: ManifestCommit) -> Result<i64> {
        self.try_commit(&change).await.map_err(|e| cannot(Operation::WriteManifest, &e))
    }

    async fn failing(&self) -> Result<Vec<(String, Millis)>> {
        let rows: sqlx::Result<Vec<(String, i64)>> = sqlx::query_as(sql::FAILING).fetch_all(&self.pool).await;
        let rows = rows.map_err(|e| cannot(Operation::ReadLedger, &e))?;
        Ok(rows.into_iter().map(|(name, since)| (name, Millis(since))).collect())
    }
}

#[async_trait]
impl KeyValueStore for Store {
    async fn note(&self, key: &str) -> Result<Option<String>> {
        let value = sqlx::query_scalar(sql::NOTE).bind(key).fetch_optional(&self.pool).await;
        value.map_err(|e| cannot(Operation::ReadManifest, &e))
    }

    async fn set_value(&self, key: &str, value: Option<&str>) -> Result<()> {
        let query = match value {
            Some(v) => sqlx::query(sql::SET_NOTE).bind(key).bind(v),
            None => sqlx::query(sql::FORGET_NOTE).bind(key),
        };
        query.execute(&self.pool).await.map(drop).map_err(|e| cannot(Operation::WriteManifest, &e))
    }
}

impl Store {
    async fn try_commit(&self, change: &ManifestCommit) -> sqlx::Result<i64> {
        let mut tx = self.begin_write().await?;
        for id in &change.retire {
            sqlx::query(sql::RETIRE_FILE).bind(id).execute(&mut *tx).await?;
        }
        let mut published = vec![];
        for new in &change.publish {
            let f = &new.file;
            let id: i64 = sqlx::query_scalar(sql::PUBLISH_FILE)
                .bind(&f.path)
                .bind(i64::from(f.day.0))
                .bind(signed(f.rows))
                .bind(signed(f.bytes))
                .bind(f.from.0)
                .bind(f.to.0)
                .bind(signed(f.simulated))
                .bind(f.received.0)
                .bind(&new.index)
                .fetch_one(&mut *tx)
                .await?;
            published.push(id);
        }
        for delivery in &change.deliveries {
            Self::add_delivery(&mut tx, delivery).await?;
            if let Some(position) = &delivery.progress.position {
                Self::keep_position(&mut tx, position).await?;
            }
        }
        if change.forget_demo {
            sqlx::query(sql::FORGET_DEMO).execute(&mut *tx).await?;
        }
        if let Some(seq) = change.last_seq {
            sqlx::query(sql::SET_LAST_SEQ).bind(seq).execute(&mut *tx).await?;
        }
        let generation = Self::advance_generation(&mut tx, &published, &change.retire, &change.touched).await?;
        tx.commit().await?;
        Ok(generation)
    }

    /// The next generation, and what it is about.
    pub(super) async fn advance_generation(
        tx: &mut Transaction<'_, Db>,
        published: &[i64],
        retired: &[i64],
        touched: &ChangeSet,
    ) -> sqlx::Result<i64> {
        let generation: i64 = sqlx::query_scalar(sql::NEXT_GENERATION).fetch_one(&mut **tx).await?;
        sqlx::query(sql::ADD_CHANGE)
            .bind(generation)
            .bind(serde_json::to_string(published).unwrap_or_default())
            .bind(serde_json::to_string(retired).unwrap_or_default())
            .bind(serde_json::to_string(touched).unwrap_or_default())
            .execute(&mut **tx)
            .await?;
        sqlx::query(sql::FORGET_CHANGES).bind(generation - MAX_REMEMBERED_COMMITS).execute(&mut **tx).await?;
        Ok(generation)
    }

    /// All of one moment. `None` when a commit is missing, or cannot be read: then who follows reads everything.
    async fn read_since(&self, since: i64) -> sqlx::Result<Option<ManifestUpdate>> {
        let mut tx = self.begin_read().await?;
        let generation: i64 = sqlx::query_scalar(sql::GENERATION).fetch_one(&mut *tx).await?;
        let commits: Vec<(String, String)> = sqlx::query_as(sql::CHANGES_SINCE).bind(since).fetch_all(&mut *tx).await?;
        if generation < since || commits.len() as i64 != generation - since {
            return Ok(None);
        }
        let mut news = ManifestUpdate { generation, ..ManifestUpdate::default() };
        for (retired, touched) in commits {
            let read = (serde_json::from_str::<Vec<i64>>(&retired), serde_json::from_str(&touched));
            let (Ok(retired), Ok(touched)) = read else { return Ok(None) };
            news.retired.extend(retired);
            news.touched.push(touched);
        }
        let live: Vec<FileRow> = sqlx::query_as(own::PUBLISHED_SINCE).bind(since).fetch_all(&mut *tx).await?;
        news.published = live.into_iter().map(lake_file).collect();
        Ok(Some(news))
    }
}
