//! Registered comparisons, and what models are judged by. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Error, Result,
    evidence::{Judgement, Registration},
    ports::{ComparisonId, Comparisons, KeptComparison, KeptPolicy, KeptVerdict, RegisterOutcome},
    time::{Day, Millis},
};

use super::{Store, cannot};
use crate::{
    error::Operation,
    rows::{ComparisonRow, PolicyRow, comparison, kept_json, policy, question_hash, verdict},
    sentences, sql,
};

#[async_trait]
impl Comparisons for Store {
    async fn in_force(&self, question: &str) -> Result<Option<KeptComparison>> {
        let row: sqlx::Result<Option<ComparisonRow>> =
            sqlx::query_as(sql::IN_FORCE).bind(question_hash(question)).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadComparisons, &e))?.map(comparison).transpose()
    }

    async fn comparison(&self, id: ComparisonId) -> Result<Option<KeptComparison>> {
        let row: sqlx::Result<Option<ComparisonRow>> =
            sqlx::query_as(sql::COMPARISON).bind(id.0).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadComparisons, &e))?.map(comparison).transpose()
    }

    async fn comparisons(&self) -> Result<Vec<KeptComparison>> {
        let rows: sqlx::Result<Vec<ComparisonRow>> = sqlx::query_as(sql::COMPARISONS).fetch_all(&self.pool).await;
        let rows = rows.map_err(|e| cannot(Operation::ReadComparisons, &e))?;
        // One that cannot be read does not hide the others; asked for by itself, it says why.
        let readable = rows.into_iter().filter_map(|row| {
            let (id, read) = (row.0, comparison(row));
            let left_out = |e: &Error| {
                tracing::warn!(comparison = id, error = %e, detail = ?e.detail, "a comparison is left out of the list");
            };
            read.inspect_err(left_out).ok()
        });
        Ok(readable.collect())
    }

    async fn register(&self, registration: &Registration, supersedes: Option<ComparisonId>) -> Result<RegisterOutcome> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteComparisons, &e);
        let body =
            kept_json(registration).map_err(|e| Error::internal(sentences::no_comparison_kept()).with_detail(e))?;
        let question = question_hash(&registration.question());
        let mut tx = self.begin_write().await.map_err(broken)?;
        let insert = match supersedes {
            None => sqlx::query_scalar(sql::REGISTER).bind(question.clone()),
            Some(id) => sqlx::query_scalar(sql::SUPERSEDE).bind(question.clone()).bind(id.0),
        };
        let id: Option<i64> =
            insert.bind(body).bind(registration.registered_at.0).fetch_optional(&mut *tx).await.map_err(broken)?;
        if let Some(id) = id {
            tx.commit().await.map_err(broken)?;
            return Ok(RegisterOutcome::New(ComparisonId(id)));
        }
        let row: Option<ComparisonRow> =
            sqlx::query_as(sql::IN_FORCE).bind(question).fetch_optional(&mut *tx).await.map_err(broken)?;
        match (row, supersedes) {
            (Some(row), _) => Ok(RegisterOutcome::InForce(Box::new(comparison(row)?))),
            // There is none of the question: the superseded one is of another, or unknown.
            (None, Some(id)) => Err(Error::not_found(sentences::nothing_superseded(id.0))),
            (None, None) => Err(Error::internal(sentences::no_comparison_kept())),
        }
    }

    async fn note_look(&self, id: ComparisonId, day: Day) -> Result<()> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteComparisons, &e);
        let day = i64::from(day.0);
        // Most looks are not the first of their day: reading does not wait for whoever writes.
        let noted: i64 =
            sqlx::query_scalar(sql::LOOK).bind(id.0).bind(day).fetch_one(&self.pool).await.map_err(broken)?;
        if noted == 0 {
            sqlx::query(sql::NOTE_LOOK).bind(id.0).bind(day).execute(&self.pool).await.map_err(broken)?;
        }
        Ok(())
    }

    async fn keep_verdict(&self, id: ComparisonId, judgement: &Judgement, at: Millis) -> Result<KeptVerdict> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteComparisons, &e);
        let body =
            kept_json(judgement).map_err(|e| Error::internal(sentences::no_verdict_kept(id.0)).with_detail(e))?;
        let mut tx = self.begin_write().await.map_err(broken)?;
        sqlx::query(sql::KEEP_VERDICT).bind(id.0).bind(body).bind(at.0).execute(&mut *tx).await.map_err(broken)?;
        let there: Option<(String, i64)> =
            sqlx::query_as(sql::VERDICT).bind(id.0).fetch_optional(&mut *tx).await.map_err(broken)?;
        tx.commit().await.map_err(broken)?;
        let (body, made) = there.ok_or_else(|| Error::not_found(sentences::no_such_comparison(id.0)))?;
        verdict(id.0, &body, made)
    }

    async fn policy(&self, model: &str) -> Result<Option<KeptPolicy>> {
        let row: sqlx::Result<Option<PolicyRow>> =
            sqlx::query_as(sql::POLICY).bind(model).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadPolicies, &e))?.map(policy).transpose()
    }

    async fn policies(&self) -> Result<Vec<KeptPolicy>> {
        let rows: sqlx::Result<Vec<PolicyRow>> = sqlx::query_as(sql::POLICIES).fetch_all(&self.pool).await;
        let rows = rows.map_err(|e| cannot(Operation::ReadPolicies, &e))?;
        // As with comparisons.
        let readable = rows.into_iter().filter_map(|row| {
            let left_out = |e: &Error| {
                tracing::warn!(error = %e, detail = ?e.detail, "a policy is left out of the list");
            };
            policy(row).inspect_err(left_out).ok()
        });
        Ok(readable.collect())
    }

    async fn set_policy(&self, new: &KeptPolicy, seen: Option<Millis>) -> Result<bool> {
        let body = kept_json(&new.policy)
            .map_err(|e| Error::internal(sentences::no_policy_kept(&new.model)).with_detail(e))?;
        let query = match seen {
            None => sqlx::query(sql::ADD_POLICY),
            Some(_) => sqlx::query(sql::CHANGE_POLICY),
        };
        let query = query.bind(&new.model).bind(body).bind(new.changed.0).bind(&new.changed_by);
        let query = match seen {
            None => query,
            Some(seen) => query.bind(seen.0),
        };
        let set = query.execute(&self.pool).await.map_err(|e| cannot(Operation::WritePolicies, &e))?;
        Ok(set.rows_affected() > 0)
    }
}
