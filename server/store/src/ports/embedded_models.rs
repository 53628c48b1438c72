//! Our own registry of models. Compiled once a database: `super` is its module.

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{EmbeddedModels, NewVersion},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version, VersionStatus},
    time::Millis,
};
use sqlx::Transaction;

use super::{Db, Store, cannot};
use crate::{
    error::Operation,
    registry_rows::{AliasRow, ModelRow, VersionRow, models, unreadable_model, version_number, word},
    rows::{kept_json, without_nul},
    sentences, sql,
};

fn unread(e: sqlx::Error) -> Error {
    cannot(Operation::ReadModels, &e)
}

fn unwritten(e: sqlx::Error) -> Error {
    cannot(Operation::WriteModels, &e)
}

#[async_trait]
impl EmbeddedModels for Store {
    async fn models_revision(&self) -> Result<i64> {
        sqlx::query_scalar(sql::MODELS_REVISION).fetch_one(&self.pool).await.map_err(unread)
    }

    async fn all_models(&self) -> Result<Vec<RegistryModel>> {
        let mut tx = self.begin_read().await.map_err(unread)?;
        let heads: Vec<ModelRow> = sqlx::query_as(sql::MODELS).fetch_all(&mut *tx).await.map_err(unread)?;
        let versions: Vec<VersionRow> =
            sqlx::query_as(sql::MODEL_VERSIONS).fetch_all(&mut *tx).await.map_err(unread)?;
        let aliases: Vec<AliasRow> = sqlx::query_as(sql::MODEL_ALIASES).fetch_all(&mut *tx).await.map_err(unread)?;
        models(heads, versions, aliases)
    }

    async fn one_model(&self, name: &ModelName) -> Result<RegistryModel> {
        let mut tx = self.begin_read().await.map_err(unread)?;
        let name = name.as_str();
        let head: Vec<ModelRow> = sqlx::query_as(sql::MODEL).bind(name).fetch_all(&mut *tx).await.map_err(unread)?;
        let versions: Vec<VersionRow> =
            sqlx::query_as(sql::VERSIONS_OF_MODEL).bind(name).fetch_all(&mut *tx).await.map_err(unread)?;
        let aliases: Vec<AliasRow> =
            sqlx::query_as(sql::ALIASES_OF_MODEL).bind(name).fetch_all(&mut *tx).await.map_err(unread)?;
        models(head, versions, aliases)?.pop().ok_or_else(|| Error::not_found(sentences::no_such_model(name)))
    }

    async fn add_version(&self, new: &NewVersion) -> Result<ModelVersion> {
        let model = new.model.as_str();
        let tags: BTreeMap<String, String> = new.tags.iter().cloned().collect();
        let packed_tags = tags_of(model, &tags)?;
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let number: i64 = sqlx::query_scalar(sql::NEXT_VERSION)
            .bind(model)
            .bind(new.at.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(unwritten)?;
        let version = ModelVersion {
            version: version_number(model, number)?,
            run: new.run.as_deref().map(without_nul),
            source: without_nul(&new.source),
            stage: Stage::None,
            status: VersionStatus::Ready,
            status_message: String::new(),
            description: without_nul(&new.description),
            tags,
            created: new.at,
            updated: new.at,
            created_by: without_nul(&new.created_by),
        };
        sqlx::query(sql::ADD_VERSION)
            .bind(model)
            .bind(number)
            .bind(&version.run)
            .bind(&version.source)
            .bind(version.stage.as_str())
            .bind(word(&version.status))
            .bind(&version.status_message)
            .bind(&version.description)
            .bind(packed_tags)
            .bind(new.at.0)
            .bind(&version.created_by)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        tx.commit().await.map_err(unwritten)?;
        Ok(version)
    }

    async fn point_alias(&self, model: &ModelName, alias: &Alias, version: Option<Version>) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let query = match version {
            Some(_) => sqlx::query(sql::POINT_ALIAS),
            None => sqlx::query(sql::DELETE_ALIAS),
        };
        let query = query.bind(model.as_str()).bind(alias.as_str());
        let query = match version {
            Some(version) => query.bind(i64::from(version.number())),
            None => query,
        };
        let done = query.execute(&mut *tx).await.map_err(unwritten)?.rows_affected() > 0;
        match (done, version) {
            (true, _) => tx.commit().await.map_err(unwritten),
            (false, Some(version)) => Err(no_version(model, version)),
            // There was none of the name: nothing has changed.
            (false, None) => {
                let head: Option<ModelRow> =
                    sqlx::query_as(sql::MODEL).bind(model.as_str()).fetch_optional(&mut *tx).await.map_err(unread)?;
                head.map(drop).ok_or_else(|| Error::not_found(sentences::no_such_model(model)))
            }
        }
    }

    async fn move_to_stage(&self, model: &ModelName, version: Version, stage: Stage, at: Millis) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let moved = sqlx::query(sql::MOVE_STAGE)
            .bind(model.as_str())
            .bind(i64::from(version.number()))
            .bind(stage.as_str())
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if moved.rows_affected() == 0 {
            return Err(no_version(model, version));
        }
        touch(&mut tx, model, at).await?;
        tx.commit().await.map_err(unwritten)
    }

    async fn tag_version(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let kept: Option<String> = sqlx::query_scalar(sql::VERSION_TAGS)
            .bind(model.as_str())
            .bind(i64::from(version.number()))
            .fetch_optional(&mut *tx)
            .await
            .map_err(unwritten)?;
        let kept = kept.ok_or_else(|| no_version(model, version))?;
        let mut tags: BTreeMap<String, String> =
            serde_json::from_str(&kept).map_err(|e| unreadable_model(model.as_str(), e))?;
        tags.insert(key.to_owned(), value.to_owned());
        sqlx::query(sql::SET_VERSION_TAGS)
            .bind(model.as_str())
            .bind(i64::from(version.number()))
            .bind(tags_of(model.as_str(), &tags)?)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        tx.commit().await.map_err(unwritten)
    }

    async fn describe_version(&self, model: &ModelName, version: Version, text: &str, at: Millis) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let described = sqlx::query(sql::DESCRIBE_VERSION)
            .bind(model.as_str())
            .bind(i64::from(version.number()))
            .bind(without_nul(text))
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if described.rows_affected() == 0 {
            return Err(no_version(model, version));
        }
        tx.commit().await.map_err(unwritten)
    }

    async fn delete_version(&self, model: &ModelName, version: Version) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        let deleted = sqlx::query(sql::DELETE_VERSION)
            .bind(model.as_str())
            .bind(i64::from(version.number()))
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if deleted.rows_affected() == 0 {
            return Err(no_version(model, version));
        }
        touch(&mut tx, model, Millis(i64::MIN)).await?;
        tx.commit().await.map_err(unwritten)
    }

    async fn delete_model(&self, model: &ModelName) -> Result<()> {
        let mut tx = self.begin_models_write().await.map_err(unwritten)?;
        // Its aliases go with its versions.
        sqlx::query(sql::DELETE_VERSIONS).bind(model.as_str()).execute(&mut *tx).await.map_err(unwritten)?;
        let deleted = sqlx::query(sql::DELETE_MODEL).bind(model.as_str()).execute(&mut *tx).await.map_err(unwritten)?;
        if deleted.rows_affected() == 0 {
            return Err(Error::not_found(sentences::no_such_model(model.as_str())));
        }
        tx.commit().await.map_err(unwritten)
    }
}

impl Store {
    /// A transaction in which nobody else changes models, with the next revision. It begins with a write, so that no reader turned writer
    /// meets a conflict half way; a revision without a change is given up with the transaction.
    async fn begin_models_write(&self) -> sqlx::Result<Transaction<'static, Db>> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(sql::MOVE_MODELS).execute(&mut *tx).await?;
        Ok(tx)
    }
}

/// Moves the moment of a model's last change to `at`, or by a millisecond where that is not later.
async fn touch(tx: &mut Transaction<'_, Db>, model: &ModelName, at: Millis) -> Result<()> {
    let touched = sqlx::query(sql::TOUCH_MODEL).bind(model.as_str()).bind(at.0).execute(&mut **tx).await;
    touched.map(drop).map_err(unwritten)
}

fn tags_of(model: &str, tags: &BTreeMap<String, String>) -> Result<String> {
    kept_json(tags).map_err(|e| Error::internal(sentences::no_model_kept(model)).with_detail(e))
}

fn no_version(model: &ModelName, version: Version) -> Error {
    Error::not_found(sentences::no_such_model_version(model, version))
}
