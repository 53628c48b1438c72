//! The lake's list of files in SQLite. A commit is one transaction; a reader sees all of it or nothing.

use async_trait::async_trait;
use domain::{
    Result,
    changes::Touched,
    ports::Notes,
    time::{Day, Millis},
};
use lake::ports::{Change, LakeFile, Manifest, News};
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};

use super::{SqliteStore, cannot, signed, unsigned};

#[async_trait]
impl Manifest for SqliteStore {
    async fn generation(&self) -> Result<i64> {
        sqlx::query_scalar("SELECT generation FROM lake_state")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| cannot("read the manifest", &e))
    }

    async fn files(&self) -> Result<Vec<LakeFile>> {
        let rows = sqlx::query(
            "SELECT id, path, day, rows, bytes, from_ms, to_ms, simulated, received_ms FROM lake_file ORDER BY id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|e| cannot("read the manifest", &e))?;
        Ok(rows.iter().map(file).collect())
    }

    async fn since(&self, generation: i64) -> Result<Option<News>> {
        self.read_since(generation).await.map_err(|e| cannot("read the manifest", &e))
    }

    async fn indexes(&self, ids: &[i64]) -> Result<Vec<(i64, Vec<u8>)>> {
        let wanted = serde_json::to_string(ids).unwrap_or_default();
        sqlx::query_as("SELECT id, place_index FROM lake_file WHERE id IN (SELECT value FROM json_each(?))")
            .bind(wanted)
            .fetch_all(&self.pool)
            .await
            .map_err(|e| cannot("read the manifest", &e))
    }

    async fn last_seq(&self) -> Result<i64> {
        sqlx::query_scalar("SELECT last_seq FROM lake_state")
            .fetch_one(&self.pool)
            .await
            .map_err(|e| cannot("read the manifest", &e))
    }

    async fn commit(&self, change: Change) -> Result<i64> {
        self.try_commit(&change).await.map_err(|e| cannot("write the manifest", &e))
    }

    async fn failing(&self) -> Result<Vec<(String, Millis)>> {
        // A file that was read by hand and in the watched folder too is as its later read has left it.
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT name, max(failing_ms) FROM source s
             WHERE failing_ms IS NOT NULL AND kind IN ('file', 'folder') AND NOT EXISTS (
                 SELECT 1 FROM source o WHERE o.name = s.name AND o.kind IN ('file', 'folder')
                 AND o.failing_ms IS NULL AND o.last_ms > s.last_ms)
             GROUP BY name ORDER BY name",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(|e| cannot("read the ledger of sources", &e))?;
        Ok(rows.into_iter().map(|(name, since)| (name, Millis(since))).collect())
    }
}

#[async_trait]
impl Notes for SqliteStore {
    async fn note(&self, key: &str) -> Result<Option<String>> {
        sqlx::query_scalar("SELECT value FROM lake_note WHERE key = ?")
            .bind(key)
            .fetch_optional(&self.pool)
            .await
            .map_err(|e| cannot("read the manifest", &e))
    }

    async fn set_note(&self, key: &str, value: Option<&str>) -> Result<()> {
        let query = match value {
            Some(v) => sqlx::query("INSERT INTO lake_note VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2")
                .bind(key)
                .bind(v),
            None => sqlx::query("DELETE FROM lake_note WHERE key = ?1").bind(key),
        };
        query.execute(&self.pool).await.map(|_| ()).map_err(|e| cannot("write the manifest", &e))
    }
}

/// So many commits are remembered: whoever looked longer ago than that reads everything.
const KEPT: i64 = 1_000;

fn file(r: &SqliteRow) -> LakeFile {
    LakeFile {
        id: r.get(0),
        path: r.get(1),
        day: Day(i32::try_from(r.get::<i64, _>(2)).unwrap_or(0)),
        rows: unsigned(r.get(3)),
        bytes: unsigned(r.get(4)),
        from: Millis(r.get(5)),
        to: Millis(r.get(6)),
        simulated: unsigned(r.get(7)),
        received: Millis(r.get(8)),
    }
}

impl SqliteStore {
    async fn try_commit(&self, change: &Change) -> sqlx::Result<i64> {
        // IMMEDIATE: take the write lock first, so that no reader-turned-writer meets a conflict half way.
        let mut tx = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        for id in &change.retire {
            sqlx::query("DELETE FROM lake_file WHERE id = ?").bind(id).execute(&mut *tx).await?;
        }
        let mut published = vec![];
        for new in &change.publish {
            let f = &new.file;
            let inserted = sqlx::query(
                "INSERT INTO lake_file (path, day, rows, bytes, from_ms, to_ms, simulated, received_ms, place_index)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&f.path)
            .bind(i64::from(f.day.0))
            .bind(signed(f.rows))
            .bind(signed(f.bytes))
            .bind(f.from.0)
            .bind(f.to.0)
            .bind(signed(f.simulated))
            .bind(f.received.0)
            .bind(&new.index)
            .execute(&mut *tx)
            .await?;
            published.push(inserted.last_insert_rowid());
        }
        for delivery in &change.deliveries {
            Self::book(&mut tx, delivery).await?;
            if let Some(position) = &delivery.progress.position {
                Self::keep_position(&mut tx, position).await?;
            }
        }
        if change.forget_demo {
            sqlx::query("DELETE FROM source WHERE kind = 'demo'").execute(&mut *tx).await?;
        }
        if let Some(seq) = change.last_seq {
            sqlx::query("UPDATE lake_state SET last_seq = ?").bind(seq).execute(&mut *tx).await?;
        }
        let generation = Self::move_on(&mut tx, &published, &change.retire, &change.touched).await?;
        tx.commit().await?;
        Ok(generation)
    }

    /// The next generation, and what it is about.
    pub(crate) async fn move_on(
        tx: &mut Transaction<'_, Sqlite>,
        published: &[i64],
        retired: &[i64],
        touched: &Touched,
    ) -> sqlx::Result<i64> {
        let generation: i64 =
            sqlx::query_scalar("UPDATE lake_state SET generation = generation + 1 RETURNING generation")
                .fetch_one(&mut **tx)
                .await?;
        sqlx::query("INSERT INTO lake_change VALUES (?, ?, ?, ?)")
            .bind(generation)
            .bind(serde_json::to_string(published).unwrap_or_default())
            .bind(serde_json::to_string(retired).unwrap_or_default())
            .bind(serde_json::to_string(touched).unwrap_or_default())
            .execute(&mut **tx)
            .await?;
        sqlx::query("DELETE FROM lake_change WHERE generation <= ?").bind(generation - KEPT).execute(&mut **tx).await?;
        Ok(generation)
    }

    /// All of one moment. `None` when a commit is missing, or cannot be read: then who follows reads everything.
    async fn read_since(&self, since: i64) -> sqlx::Result<Option<News>> {
        let mut tx = self.pool.begin().await?;
        let generation: i64 = sqlx::query_scalar("SELECT generation FROM lake_state").fetch_one(&mut *tx).await?;
        let commits: Vec<(String, String)> =
            sqlx::query_as("SELECT retired, touched FROM lake_change WHERE generation > ? ORDER BY generation")
                .bind(since)
                .fetch_all(&mut *tx)
                .await?;
        if generation < since || commits.len() as i64 != generation - since {
            return Ok(None);
        }
        let mut news = News { generation, ..News::default() };
        for (retired, touched) in commits {
            let read = (serde_json::from_str::<Vec<i64>>(&retired), serde_json::from_str(&touched));
            let (Ok(retired), Ok(touched)) = read else { return Ok(None) };
            news.retired.extend(retired);
            news.touched.push(touched);
        }
        let live = sqlx::query(
            "SELECT id, path, day, rows, bytes, from_ms, to_ms, simulated, received_ms FROM lake_file WHERE id IN (
                 SELECT value FROM lake_change, json_each(published) WHERE generation > ?) ORDER BY id",
        );
        news.published = live.bind(since).fetch_all(&mut *tx).await?.iter().map(file).collect();
        Ok(Some(news))
    }
}
