//! Where the tables are.

use std::{fmt, path::PathBuf, str::FromStr};

use domain::{Error, Result};
use sqlx::postgres::PgConnectOptions;

use crate::{postgres, sentences, sqlite};

/// A database, opened or not. Shown without user and password.
#[derive(Debug, Clone)]
pub enum Location {
    /// A file.
    Sqlite(PathBuf),
    Postgres(Box<PostgresServer>),
}

/// A database on a Postgres server, and who connects to it.
#[derive(Clone)]
pub struct PostgresServer {
    pub(crate) options: PgConnectOptions,
    name: String,
}

impl PostgresServer {
    /// From a URL as `psql` takes it. What it leaves out comes from libpq's variables (`PGHOST`, `PGUSER`, `PGPASSFILE` …); a
    /// password given here counts before all others.
    ///
    /// # Errors
    /// `BadInput` when it is no such URL. The sentence repeats nothing of it, for there may be a password in it.
    pub fn parse(url: &str, password: Option<&str>) -> Result<Self> {
        let options = PgConnectOptions::from_str(url).map_err(|e| {
            let why = match e {
                // Of a parameter's value; no part of the URL that may be secret.
                sqlx::Error::Configuration(e) => e.to_string(),
                _ => "it is no URL".to_owned(),
            };
            Error::bad_input(sentences::bad_url(why))
        })?;
        let options = match password {
            Some(password) => options.password(password),
            None => options,
        };
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => format!("{}:{}", options.get_host(), options.get_port()),
        };
        // As libpq does: a database is called like its user.
        let database = options.get_database().unwrap_or(options.get_username()).to_owned();
        Ok(Self { options, name: format!("database {database} at {host}") })
    }
}

impl fmt::Display for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(server) => write!(f, "{server}"),
        }
    }
}

impl Location {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// The version of the tables that this program makes.
    pub(crate) fn newest_schema(&self) -> i64 {
        let migrations = match self {
            Self::Sqlite(_) => &sqlite::MIGRATIONS,
            Self::Postgres(_) => &postgres::MIGRATIONS,
        };
        migrations.iter().map(|m| m.version).max().unwrap_or(0)
    }
}
