//! All tables, row by row, in one transaction: for copies, backups and `store status`. Compiled once a database: `super` is
//! its module.

use async_trait::async_trait;
use domain::Result;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use sqlx::{AssertSqlSafe, Pool, Row, Transaction};

use super::{Db, Store, cannot, set_counter, sql as own};
use crate::{
    DatabaseIdentity,
    error::Operation,
    rows::unsigned,
    sql,
    tables::{Cell, Column, ColumnType, Table},
    transfer::TableTransaction,
};

/// A transaction; what it wrote is undone when it is dropped without a commit.
pub(crate) struct SqlTransaction {
    tx: Transaction<'static, Db>,
    pool: Pool<Db>,
    name: String,
}

impl SqlTransaction {
    /// Reads one moment.
    pub(super) async fn reading(store: &Store, name: String) -> Result<Self> {
        let tx = store.begin_read().await.map_err(|e| cannot(Operation::Open(&name), &e))?;
        Ok(Self { tx, pool: store.pool.clone(), name })
    }

    /// Writes, and nobody else does.
    pub(crate) async fn writing(store: &Store, name: String) -> Result<Self> {
        let tx = store.begin_write().await.map_err(|e| cannot(Operation::Write(&name), &e))?;
        Ok(Self { tx, pool: store.pool.clone(), name })
    }

    fn cannot_read(&self, e: &sqlx::Error) -> domain::Error {
        cannot(Operation::Read(&self.name), e)
    }

    fn cannot_write(&self, e: &sqlx::Error) -> domain::Error {
        cannot(Operation::Write(&self.name), e)
    }
}

#[async_trait]
impl TableTransaction for SqlTransaction {
    async fn schema(&mut self) -> Result<Option<i64>> {
        if !self.tables().await?.iter().any(|name| name == "_sqlx_migrations") {
            return Ok(None);
        }
        let version = sqlx::query_scalar(sql::SCHEMA).fetch_one(&mut *self.tx).await;
        version.map_err(|e| self.cannot_read(&e))
    }

    async fn tables(&mut self) -> Result<Vec<String>> {
        let names = sqlx::query_scalar(own::TABLE_NAMES).fetch_all(&mut *self.tx).await;
        names.map_err(|e| self.cannot_read(&e))
    }

    async fn bytes(&mut self) -> Result<u64> {
        let bytes = sqlx::query_scalar(own::SIZE).fetch_one(&mut *self.tx).await;
        bytes.map(unsigned).map_err(|e| self.cannot_read(&e))
    }

    async fn identity(&mut self) -> Result<Option<DatabaseIdentity>> {
        let row = sqlx::query_as(sql::IDENTITY).fetch_optional(&mut *self.tx).await;
        Ok(row.map_err(|e| self.cannot_read(&e))?.map(DatabaseIdentity::from_row))
    }

    async fn count(&mut self, table: &Table) -> Result<u64> {
        let count = sqlx::query_scalar(AssertSqlSafe(table.count())).fetch_one(&mut *self.tx).await;
        count.map(unsigned).map_err(|e| self.cannot_read(&e))
    }

    fn rows<'a>(&'a mut self, table: &'static Table) -> BoxStream<'a, Result<Vec<Cell>>> {
        let Self { tx, name, .. } = self;
        let rows = sqlx::query(AssertSqlSafe(table.select())).fetch(&mut **tx);
        let rows = rows.and_then(move |row| async move {
            let cell = |(i, column): (usize, &Column)| -> sqlx::Result<Cell> {
                Ok(match column.kind {
                    ColumnType::Int => row.try_get::<Option<i64>, _>(i)?.map_or(Cell::Null, Cell::Int),
                    ColumnType::Text => row.try_get::<Option<String>, _>(i)?.map_or(Cell::Null, Cell::Text),
                    ColumnType::Bytes => row.try_get::<Option<Vec<u8>>, _>(i)?.map_or(Cell::Null, Cell::Bytes),
                })
            };
            table.columns.iter().enumerate().map(cell).collect::<sqlx::Result<Vec<Cell>>>()
        });
        rows.map_err(|e| cannot(Operation::Read(name), &e)).boxed()
    }

    async fn counter(&mut self, table: &Table) -> Result<i64> {
        let last = sqlx::query_scalar(own::COUNTER).bind(table.name).fetch_one(&mut *self.tx).await;
        last.map_err(|e| self.cannot_read(&e))
    }

    async fn insert(&mut self, table: &Table, columns: &[&Column], cells: Vec<Cell>) -> Result<()> {
        let mut query = sqlx::query(AssertSqlSafe(table.insert(columns)));
        for (cell, column) in cells.into_iter().zip(columns) {
            query = match (cell, column.kind) {
                (Cell::Int(n), _) => query.bind(n),
                (Cell::Text(text), _) => query.bind(text),
                (Cell::Bytes(bytes), _) => query.bind(bytes),
                (Cell::Null, ColumnType::Int) => query.bind(None::<i64>),
                (Cell::Null, ColumnType::Text) => query.bind(None::<String>),
                (Cell::Null, ColumnType::Bytes) => query.bind(None::<Vec<u8>>),
            };
        }
        query.execute(&mut *self.tx).await.map(drop).map_err(|e| self.cannot_write(&e))
    }

    async fn clear(&mut self, table: &Table) -> Result<()> {
        let cleared = sqlx::query(AssertSqlSafe(table.clear())).execute(&mut *self.tx).await;
        cleared.map(drop).map_err(|e| self.cannot_write(&e))
    }

    async fn set_counter(&mut self, table: &Table, last: i64) -> Result<()> {
        set_counter(&mut self.tx, table.name, last).await.map_err(|e| self.cannot_write(&e))
    }

    async fn set_identity(&mut self, identity: &DatabaseIdentity) -> Result<()> {
        let set = sqlx::query(sql::SET_IDENTITY)
            .bind(&identity.folder)
            .bind(&identity.database)
            .bind(&identity.copied_from)
            .execute(&mut *self.tx)
            .await;
        set.map(drop).map_err(|e| self.cannot_write(&e))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self { tx, pool, name } = *self;
        tx.commit().await.map_err(|e| cannot(Operation::Write(&name), &e))?;
        // With the last connection SQLite moves everything into the one file that people will move about.
        pool.close().await;
        Ok(())
    }
}
