//! The log of the registry of models, what is being done to models, and what is asked for. Compiled once a database: `super` is its module.

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{BeginOutcome, EventsQuery, KeptOperation, KeptRequest, OperationKey, RawEvent, RegistryLog},
    registry::{
        LoggedEvent, ModelName, Operation, OperationId, Outcome, PromotionRequest, RegistryEvent, RequestId,
        RequestState, Target, Version, chain_input,
    },
    time::Millis,
    webhook::Message,
};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Executor, Transaction};

use super::{Db, Store, cannot, webhooks::add_deliveries};
use crate::{
    error::Operation as Doing,
    registry_rows::{self as rows, EventRow, OperationRow, RequestRow},
    rows::kept_json,
    sentences, sql,
};

/// Events of one statement: six parameters each, and SQLite takes 32,766 of them.
const EVENTS_AT_ONCE: usize = 500;

fn unread(e: sqlx::Error) -> Error {
    cannot(Doing::ReadRegistryLog, &e)
}

fn unwritten(e: sqlx::Error) -> Error {
    cannot(Doing::WriteRegistryLog, &e)
}

#[async_trait]
impl RegistryLog for Store {
    async fn begin_operation(
        &self,
        operation: &Operation,
        event: &RegistryEvent,
        key: Option<&OperationKey>,
    ) -> Result<BeginOutcome> {
        let model = &operation.model;
        let body =
            kept_json(operation).map_err(|e| Error::internal(sentences::no_operation_kept(model)).with_detail(e))?;
        let (mut tx, last) = self.begin_registry_write().await.map_err(unwritten)?;
        if let Some(key) = key
            && let Some(before) = begun_before(&mut *tx, key).await.map_err(unwritten)?
        {
            return before.outcome(key);
        }
        let pending: Option<OperationRow> = sqlx::query_as(sql::PENDING_OPERATION)
            .bind(model.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(unwritten)?;
        if let Some(row) = pending {
            return Ok(BeginOutcome::Pending(Box::new(rows::operation(row)?)));
        }
        let id: i64 = sqlx::query_scalar(sql::BEGIN_OPERATION)
            .bind(model.as_str())
            .bind(key.map(|k| k.owner.as_str()))
            .bind(key.map(|k| k.key.key.as_str()))
            .bind(key.map(|k| k.key.request.to_vec()))
            .bind(body)
            .bind(operation.begun.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(unwritten)?;
        let id = OperationId(id);
        append(&mut tx, last, &[RegistryEvent { operation: Some(id), ..event.clone() }], None).await?;
        tx.commit().await.map_err(unwritten)?;
        Ok(BeginOutcome::New(id))
    }

    async fn end_operation(
        &self,
        id: OperationId,
        outcome: &Outcome,
        at: Millis,
        events: &[RegistryEvent],
    ) -> Result<bool> {
        let outcome =
            kept_json(outcome).map_err(|e| Error::internal(sentences::no_outcome_kept(id.0)).with_detail(e))?;
        let (mut tx, last) = self.begin_registry_write().await.map_err(unwritten)?;
        let ended = sqlx::query(sql::END_OPERATION)
            .bind(id.0)
            .bind(outcome)
            .bind(at.0)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        append(&mut tx, last, events, None).await?;
        tx.commit().await.map_err(unwritten)?;
        Ok(true)
    }

    async fn operation(&self, id: OperationId) -> Result<Option<KeptOperation>> {
        let row: Option<OperationRow> =
            sqlx::query_as(sql::OPERATION).bind(id.0).fetch_optional(&self.pool).await.map_err(unread)?;
        row.map(rows::operation).transpose()
    }

    async fn operation_of_key(&self, key: &OperationKey) -> Result<Option<BeginOutcome>> {
        begun_before(&self.pool, key).await.map_err(unread)?.map(|before| before.outcome(key)).transpose()
    }

    async fn pending_operations(&self) -> Result<Vec<KeptOperation>> {
        let found: Vec<OperationRow> =
            sqlx::query_as(sql::PENDING_OPERATIONS).fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::operations(found))
    }

    async fn log_events(&self, events: &[RegistryEvent]) -> Result<()> {
        if events.is_empty() {
            return Ok(());
        }
        let (mut tx, last) = self.begin_registry_write().await.map_err(unwritten)?;
        append(&mut tx, last, events, None).await?;
        tx.commit().await.map_err(unwritten)
    }

    async fn events(&self, query: &EventsQuery) -> Result<Vec<LoggedEvent>> {
        let last = match query.to {
            None => i64::MAX,
            // Up to and without.
            Some(to) => match to.0.checked_sub(1) {
                Some(last) => last,
                None => return Ok(vec![]),
            },
        };
        let statement = match (&query.model, query.from, query.to) {
            (Some(_), ..) => sql::EVENTS_OF,
            (None, None, None) => sql::EVENTS,
            _ => sql::EVENTS_BETWEEN,
        };
        let mut asked = sqlx::query_as(statement)
            .bind(query.after)
            .bind(i64::from(query.only_moves))
            .bind(query.most.and_then(|n| i64::try_from(n).ok()).unwrap_or(i64::MAX));
        if statement != sql::EVENTS {
            asked = asked.bind(query.from.map_or(i64::MIN, |m| m.0)).bind(last);
        }
        if let Some(model) = &query.model {
            asked = asked.bind(model.as_str());
        }
        let found: Vec<EventRow> = asked.fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::events(found))
    }

    async fn last_standings(&self) -> Result<Vec<LoggedEvent>> {
        let found: Vec<EventRow> = sqlx::query_as(sql::LAST_STANDINGS).fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::events(found))
    }

    async fn last_standing(&self, model: &ModelName) -> Result<Option<LoggedEvent>> {
        let found: Option<EventRow> =
            sqlx::query_as(sql::LAST_STANDING).bind(model.as_str()).fetch_optional(&self.pool).await.map_err(unread)?;
        Ok(rows::events(found.into_iter().collect()).pop())
    }

    async fn last_event(&self) -> Result<i64> {
        sqlx::query_scalar(sql::LAST_EVENT).fetch_one(&self.pool).await.map_err(unread)
    }

    async fn raw_events(&self, after: i64, most: usize) -> Result<Vec<RawEvent>> {
        let found: Vec<(i64, String, String, i64, i64, Vec<u8>)> = sqlx::query_as(sql::RAW_EVENTS)
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await
            .map_err(unread)?;
        let raw =
            |(number, body, model, at, moves, hash)| RawEvent { number, body, model, at, moves: moves != 0, hash };
        Ok(found.into_iter().map(raw).collect())
    }

    async fn add_request(&self, request: &PromotionRequest, event: &RegistryEvent) -> Result<RequestId> {
        let unkept = |e| Error::internal(sentences::no_request_kept()).with_detail(e);
        let body = kept_json(request).map_err(unkept)?;
        let state = kept_json(&RequestState::Open).map_err(unkept)?;
        let (mut tx, last) = self.begin_registry_write().await.map_err(unwritten)?;
        let id: i64 = sqlx::query_scalar(sql::ADD_REQUEST)
            .bind(request.model.as_str())
            .bind(1_i64)
            .bind(body)
            .bind(state)
            .bind(request.asked.0)
            .bind(request.expires.0)
            .fetch_one(&mut *tx)
            .await
            .map_err(unwritten)?;
        let id = RequestId(id);
        let asked = Some((request.to, request.expected));
        append(&mut tx, last, &[RegistryEvent { request: Some(id), ..event.clone() }], asked).await?;
        tx.commit().await.map_err(unwritten)?;
        Ok(id)
    }

    async fn requests(&self, model: Option<&ModelName>, only_open: bool) -> Result<Vec<KeptRequest>> {
        let asked = match model {
            None => sqlx::query_as(sql::REQUESTS).bind(i64::from(only_open)),
            Some(model) => sqlx::query_as(sql::REQUESTS_OF).bind(i64::from(only_open)).bind(model.as_str()),
        };
        let found: Vec<RequestRow> = asked.fetch_all(&self.pool).await.map_err(unread)?;
        Ok(rows::requests(found))
    }

    async fn request(&self, id: RequestId) -> Result<Option<KeptRequest>> {
        let row: Option<RequestRow> =
            sqlx::query_as(sql::REQUEST).bind(id.0).fetch_optional(&self.pool).await.map_err(unread)?;
        row.map(rows::request).transpose()
    }

    async fn end_request(&self, id: RequestId, state: &RequestState, event: &RegistryEvent) -> Result<bool> {
        let text = kept_json(state).map_err(|e| Error::internal(sentences::no_request_kept()).with_detail(e))?;
        let (mut tx, last) = self.begin_registry_write().await.map_err(unwritten)?;
        let ended = sqlx::query(sql::END_REQUEST)
            .bind(id.0)
            .bind(i64::from(state.is_open()))
            .bind(text)
            .execute(&mut *tx)
            .await
            .map_err(unwritten)?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        let row: Option<RequestRow> =
            sqlx::query_as(sql::REQUEST).bind(id.0).fetch_optional(&mut *tx).await.map_err(unwritten)?;
        // One that cannot be read ends as well.
        let asked = row.and_then(|row| rows::request(row).ok()).map(|kept| (kept.request.to, kept.request.expected));
        append(&mut tx, last, std::slice::from_ref(event), asked).await?;
        tx.commit().await.map_err(unwritten)?;
        Ok(true)
    }
}

impl Store {
    /// A transaction in which nobody else writes to the log, and the number of the last event. It begins with a write, so that no reader
    /// turned writer meets a conflict half way.
    pub(super) async fn begin_registry_write(&self) -> sqlx::Result<(Transaction<'static, Db>, i64)> {
        let mut tx = self.pool.begin().await?;
        let last = sqlx::query_scalar(sql::TAKE_REGISTRY).fetch_one(&mut *tx).await?;
        Ok((tx, last))
    }
}

/// Adds events behind the last one, and puts what webhooks are told of them into the outbox. `asked` is what their request asks for.
async fn append(
    tx: &mut Transaction<'_, Db>,
    last: i64,
    events: &[RegistryEvent],
    asked: Option<(Target, Option<Version>)>,
) -> Result<()> {
    let (mut number, mut previous) = (last, hash_of(tx, last).await?);
    let mut messages = vec![];
    for events in events.chunks(EVENTS_AT_ONCE) {
        let statement = sql::of_rows(sql::LOG_EVENTS, 6, events.len());
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for event in events {
            let model = &event.model;
            let body = kept_json(event).map_err(|e| Error::internal(sentences::no_event_kept(model)).with_detail(e))?;
            number += 1;
            previous = Sha256::digest(chain_input(&previous, number, &body)).into();
            messages.extend(Message::of(event, number, &previous, asked).map(|message| (event, message)));
            query = query
                .bind(number)
                .bind(model.as_str())
                .bind(event.at.0)
                .bind(i64::from(event.after.is_some()))
                .bind(body)
                .bind(previous.to_vec());
        }
        // Statements of any number of rows would fill the cache of prepared ones.
        let persistent = matches!(events.len(), 1 | EVENTS_AT_ONCE);
        query.persistent(persistent).execute(&mut **tx).await.map_err(unwritten)?;
    }
    for (event, message) in messages {
        add_deliveries(tx, event, &message).await.map_err(unwritten)?;
    }
    sqlx::query(sql::MOVE_LAST_EVENT).bind(number).execute(&mut **tx).await.map(drop).map_err(unwritten)
}

/// The hash of an event; zeros before the first.
async fn hash_of(tx: &mut Transaction<'_, Db>, number: i64) -> Result<[u8; 32]> {
    if number == 0 {
        return Ok([0; 32]);
    }
    let hash: Option<Vec<u8>> =
        sqlx::query_scalar(sql::EVENT_HASH).bind(number).fetch_optional(&mut **tx).await.map_err(unwritten)?;
    let hash = hash.and_then(|h| h.try_into().ok());
    hash.ok_or_else(|| Error::internal(sentences::no_event_before(number)))
}

/// As [`OperationRow`], with what was asked.
type KeyRow = (i64, String, Option<String>, Option<i64>, Vec<u8>);

/// An operation that was begun with a key, and what was asked then.
struct Begun {
    row: OperationRow,
    request: Vec<u8>,
}

impl Begun {
    fn outcome(self, key: &OperationKey) -> Result<BeginOutcome> {
        if self.request != key.key.request {
            return Ok(BeginOutcome::OtherRequest);
        }
        Ok(BeginOutcome::Again(Box::new(rows::operation(self.row)?)))
    }
}

async fn begun_before<'e>(db: impl Executor<'e, Database = Db>, key: &OperationKey) -> sqlx::Result<Option<Begun>> {
    let found: Option<KeyRow> =
        sqlx::query_as(sql::OPERATION_OF_KEY).bind(&key.owner).bind(&key.key.key).fetch_optional(db).await?;
    Ok(found.map(|(id, body, outcome, ended, request)| Begun { row: (id, body, outcome, ended), request }))
}
