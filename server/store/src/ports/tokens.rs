//! Named tokens and the sessions of those who signed in. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Result,
    access::Role,
    ports::{SessionStart, Sessions, Tokens},
    time::Millis,
    token::{ActiveToken, SecretHash, Session, Token, TokenName},
};
use sqlx::Transaction;

use super::{Db, Store, cannot};
use crate::{
    error::Operation,
    rows::{LiveTokenRow, SessionRow, TokenRow, live_token, session, token},
    sql,
};

#[async_trait]
impl Tokens for Store {
    async fn revision(&self) -> Result<i64> {
        sqlx::query_scalar(sql::REVISION).fetch_one(&self.pool).await.map_err(|e| cannot(Operation::ReadTokens, &e))
    }

    async fn add(&self, name: &TokenName, role: Role, hash: &SecretHash, at: Millis) -> Result<bool> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteTokens, &e);
        let mut tx = self.begin_write().await.map_err(broken)?;
        let added = sqlx::query(sql::ADD_TOKEN)
            .bind(name.as_str())
            .bind(role.as_str())
            .bind(hash.0.as_slice())
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(broken)?
            .rows_affected();
        if added > 0 {
            move_access(&mut tx).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)?;
        Ok(added > 0)
    }

    async fn list(&self) -> Result<Vec<Token>> {
        let rows: sqlx::Result<Vec<TokenRow>> = sqlx::query_as(sql::TOKENS).fetch_all(&self.pool).await;
        rows.map_err(|e| cannot(Operation::ReadTokens, &e))?.into_iter().map(token).collect()
    }

    async fn live(&self) -> Result<Vec<ActiveToken>> {
        let rows: sqlx::Result<Vec<LiveTokenRow>> = sqlx::query_as(sql::LIVE_TOKENS).fetch_all(&self.pool).await;
        rows.map_err(|e| cannot(Operation::ReadTokens, &e))?.into_iter().map(live_token).collect()
    }

    async fn find(&self, hash: &SecretHash) -> Result<Option<ActiveToken>> {
        let row: sqlx::Result<Option<LiveTokenRow>> =
            sqlx::query_as(sql::FIND_TOKEN).bind(hash.0.as_slice()).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadTokens, &e))?.map(live_token).transpose()
    }

    async fn revoke(&self, name: &TokenName, at: Millis) -> Result<bool> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteTokens, &e);
        let mut tx = self.begin_write().await.map_err(broken)?;
        let id: Option<i64> = sqlx::query_scalar(sql::REVOKE_TOKEN)
            .bind(at.0)
            .bind(name.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(broken)?;
        if let Some(id) = id {
            sqlx::query(sql::END_SESSIONS_OF).bind(id).execute(&mut *tx).await.map_err(broken)?;
            move_access(&mut tx).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)?;
        Ok(id.is_some())
    }

    async fn note_use(&self, uses: &[(i64, Millis)]) -> Result<()> {
        for (id, at) in uses {
            let noted = sqlx::query(sql::NOTE_USE).bind(at.0).bind(id).execute(&self.pool).await;
            noted.map_err(|e| cannot(Operation::WriteTokens, &e))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Sessions for Store {
    async fn begin(&self, hash: &SecretHash, of: &SessionStart, at: Millis, expires: Millis) -> Result<bool> {
        let query = match of {
            SessionStart::Token(id) => sqlx::query(sql::BEGIN_SESSION).bind(hash.0.as_slice()).bind(id),
            SessionStart::Operator(proof) => {
                sqlx::query(sql::BEGIN_OPERATOR_SESSION).bind(hash.0.as_slice()).bind(proof.0.as_slice())
            }
        };
        let begun = query.bind(at.0).bind(expires.0).execute(&self.pool).await;
        Ok(begun.map_err(|e| cannot(Operation::WriteSessions, &e))?.rows_affected() > 0)
    }

    async fn session(&self, hash: &SecretHash, now: Millis) -> Result<Option<Session>> {
        let row: sqlx::Result<Option<SessionRow>> =
            sqlx::query_as(sql::SESSION).bind(hash.0.as_slice()).bind(now.0).fetch_optional(&self.pool).await;
        row.map_err(|e| cannot(Operation::ReadSessions, &e))?.map(session).transpose()
    }

    async fn end(&self, hash: &SecretHash) -> Result<bool> {
        let broken = |e: sqlx::Error| cannot(Operation::WriteSessions, &e);
        let mut tx = self.begin_write().await.map_err(broken)?;
        let ended = sqlx::query(sql::END_SESSION).bind(hash.0.as_slice()).execute(&mut *tx).await.map_err(broken)?;
        let ended = ended.rows_affected() > 0;
        if ended {
            move_access(&mut tx).await.map_err(broken)?;
        }
        tx.commit().await.map_err(broken)?;
        Ok(ended)
    }

    async fn forget_expired(&self, now: Millis) -> Result<u64> {
        let forgotten = sqlx::query(sql::FORGET_SESSIONS).bind(now.0).execute(&self.pool).await;
        Ok(forgotten.map_err(|e| cannot(Operation::WriteSessions, &e))?.rows_affected())
    }
}

/// Tells whoever follows that somebody may do more or less than before.
async fn move_access(tx: &mut Transaction<'_, Db>) -> sqlx::Result<()> {
    sqlx::query(sql::MOVE_ACCESS).execute(&mut **tx).await.map(drop)
}
