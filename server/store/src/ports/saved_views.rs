//! Saved views, start pages, and the keys of writes that may be sent again. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{ChangeOutcome, CreateOutcome, IdempotencyKey, IdempotencyKeys, SavedViews},
    saved_view::{NewView, SavedView, ViewId, ViewName},
    time::Millis,
};
use sqlx::Transaction;

use super::{Db, Store, cannot};
use crate::{
    error::Operation,
    rows::{ViewRow, saved_view},
    sentences, sql,
};

#[async_trait]
impl SavedViews for Store {
    async fn views(&self, owner: Option<&str>) -> Result<Vec<SavedView>> {
        let rows: sqlx::Result<Vec<ViewRow>> = sqlx::query_as(sql::VIEWS).bind(owner).fetch_all(&self.pool).await;
        rows.map_err(|e| cannot(Operation::ReadViews, &e))?.into_iter().map(saved_view).collect()
    }

    async fn view(&self, id: ViewId) -> Result<Option<SavedView>> {
        let row: sqlx::Result<Option<ViewRow>> = sqlx::query_as(sql::VIEW).bind(id.0).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadViews, &e))?.map(saved_view).transpose()
    }

    async fn create(
        &self,
        new: &NewView,
        key: Option<&IdempotencyKey>,
        at: Millis,
        most: usize,
    ) -> Result<CreateOutcome<SavedView>> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteViews, &e);
        // Writers take turns, so that equal keys meet, and nobody has more views than one may have.
        let mut tx = self.begin_write().await.map_err(broken)?;
        if let Some(key) = key
            && let Some((request, answer)) = done_before(&mut tx, &new.owner, key).await.map_err(broken)?
        {
            if request != key.request {
                return Ok(CreateOutcome::OtherRequest);
            }
            let answer = serde_json::from_str(&answer)
                .map_err(|e| Error::internal(sentences::no_stored_answer()).with_detail(e))?;
            return Ok(CreateOutcome::Again(answer));
        }
        let (owned, taken): (i64, i64) = sqlx::query_as(sql::VIEWS_OF)
            .bind(new.name.as_str())
            .bind(&new.owner)
            .fetch_one(&mut *tx)
            .await
            .map_err(broken)?;
        if taken > 0 {
            return Ok(CreateOutcome::NameTaken);
        }
        if usize::try_from(owned).unwrap_or(usize::MAX) >= most {
            return Ok(CreateOutcome::TooMany);
        }
        let id = sqlx::query_scalar(sql::ADD_VIEW)
            .bind(&new.owner)
            .bind(new.name.as_str())
            .bind(new.link.as_str())
            .bind(i64::from(new.shared))
            .bind(at.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(broken)?;
        let view = SavedView {
            id: ViewId(id),
            name: new.name.clone(),
            link: new.link.clone(),
            shared: new.shared,
            owner: new.owner.clone(),
            created: at,
            changed: at,
        };
        if let Some(key) = key {
            let answer = serde_json::to_string(&view)
                .map_err(|e| Error::internal(sentences::no_answer_kept()).with_detail(e))?;
            keep_answer(&mut tx, &new.owner, key, &answer, at).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)?;
        Ok(CreateOutcome::New(view))
    }

    async fn change(&self, seen: &SavedView, name: &ViewName, shared: bool, at: Millis) -> Result<ChangeOutcome> {
        let changed = sqlx::query(sql::CHANGE_VIEW)
            .bind(name.as_str())
            .bind(i64::from(shared))
            .bind(at.0)
            .bind(seen.id.0)
            .bind(&seen.owner)
            .bind(i64::from(seen.shared))
            .execute(&self.pool)
            .await;
        match changed {
            Ok(done) => Ok(if done.rows_affected() > 0 { ChangeOutcome::Done } else { ChangeOutcome::Gone }),
            Err(sqlx::Error::Database(e)) if e.is_unique_violation() => Ok(ChangeOutcome::NameTaken),
            Err(e) => Err(cannot(Operation::WriteViews, &e)),
        }
    }

    async fn delete(&self, seen: &SavedView) -> Result<ChangeOutcome> {
        let deleted = sqlx::query(sql::DELETE_VIEW)
            .bind(seen.id.0)
            .bind(&seen.owner)
            .bind(i64::from(seen.shared))
            .execute(&self.pool)
            .await
            .map_err(|e| cannot(Operation::WriteViews, &e))?;
        Ok(if deleted.rows_affected() > 0 { ChangeOutcome::Done } else { ChangeOutcome::Gone })
    }

    async fn start(&self, owner: &str) -> Result<Option<SavedView>> {
        let row: sqlx::Result<Option<ViewRow>> =
            sqlx::query_as(sql::START_VIEW).bind(owner).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadViews, &e))?.map(saved_view).transpose()
    }

    async fn set_start(&self, owner: &str, view: Option<ViewId>) -> Result<ChangeOutcome> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteViews, &e);
        let Some(ViewId(id)) = view else {
            sqlx::query(sql::FORGET_START_VIEW).bind(owner).execute(&self.pool).await.map_err(broken)?;
            return Ok(ChangeOutcome::Done);
        };
        let set = sqlx::query(sql::SET_START_VIEW).bind(owner).bind(id).execute(&self.pool).await.map_err(broken)?;
        Ok(if set.rows_affected() > 0 { ChangeOutcome::Done } else { ChangeOutcome::Gone })
    }
}

#[async_trait]
impl IdempotencyKeys for Store {
    async fn forget_keys(&self, before: Millis) -> Result<u64> {
        let forgotten = sqlx::query(sql::FORGET_WRITE_KEYS).bind(before.0).execute(&self.pool).await;
        Ok(forgotten.map_err(|e| cannot(Operation::WriteViews, &e))?.rows_affected())
    }
}

/// What was asked with a key before, and the answer.
async fn done_before(
    tx: &mut Transaction<'_, Db>,
    owner: &str,
    key: &IdempotencyKey,
) -> sqlx::Result<Option<(Vec<u8>, String)>> {
    sqlx::query_as(sql::WRITE_KEY).bind(owner).bind(&key.key).fetch_optional(&mut **tx).await
}

/// Keeps an answer as a part of the transaction that did what was asked.
async fn keep_answer(
    tx: &mut Transaction<'_, Db>,
    owner: &str,
    key: &IdempotencyKey,
    answer: &str,
    at: Millis,
) -> sqlx::Result<()> {
    sqlx::query(sql::KEEP_WRITE_KEY)
        .bind(owner)
        .bind(&key.key)
        .bind(key.request.as_slice())
        .bind(answer)
        .bind(at.0)
        .execute(&mut **tx)
        .await
        .map(drop)
}
