//! Where the state is kept: a Postgres database, or SQLite in the data folder.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{Error, Result, error::Sentence};
use url::Url;

use super::{secret::Secret, sentences, subsystem::Subsystem};

/// What a URL may set behind its `?`; as libpq names it.
const PARAMETERS: [&str; 11] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "application_name",
    "options",
];

#[derive(Debug, Clone, Default, Args)]
#[group(skip)]
pub struct Database {
    /// Postgres database of the state, as postgres://user@host/name?sslmode=prefer [default: SQLite in the data folder]
    #[arg(
        id = "database_url",
        long = "database-url",
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    url: Option<Secret>,
    /// File that holds the password of that database and nothing else [default: as PGPASSFILE says]
    #[arg(
        id = "database_password_file",
        long = "database-password-file",
        env = "GF_DATABASE_PASSWORD_FILE",
        value_name = "FILE",
        global = true
    )]
    password_file: Option<PathBuf>,
}

/// The URL of a Postgres database that can be read. There may be a password in it: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(Url);

impl PostgresUrl {
    /// # Errors
    /// `BadInput`; the sentence repeats nothing that may be secret.
    pub fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text).map_err(|_| Error::bad_input(sentences::no_url()))?;
        let scheme = url.scheme();
        if !["postgres", "postgresql"].contains(&scheme) {
            return Err(Error::bad_input(sentences::other_scheme(scheme)));
        }
        if url.query_pairs().any(|(key, _)| key == "password") {
            return Err(Error::bad_input(sentences::password_in_url()));
        }
        if let Some((key, _)) = url.query_pairs().find(|(key, _)| !PARAMETERS.contains(&&**key)) {
            return Err(Error::bad_input(sentences::unknown_parameter(key, PARAMETERS.join(", "))));
        }
        Ok(Self(url))
    }

    /// The whole URL, for connecting.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }
}

/// Host and database alone.
impl std::fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let given = |key: &str| self.0.query_pairs().find(|(k, _)| k == key).map(|(_, v)| v.into_owned());
        let host = given("host").or_else(|| given("hostaddr")).or_else(|| self.0.host_str().map(str::to_owned));
        let database = given("dbname").unwrap_or_else(|| self.0.path().trim_start_matches('/').to_owned());
        let port = given("port").or_else(|| self.0.port().map(|p| p.to_string()));
        write!(f, "postgres: database {database} at {}", host.as_deref().unwrap_or("the default host"))?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl std::fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

impl Subsystem for Database {
    /// Of the URL the host and the database, and not even the length of what may be a password.
    fn shown(&self, _: &Path, id: &str) -> Option<String> {
        if id != "database_url" {
            return None;
        }
        Some(match self.url() {
            Ok(url) => url.map(|url| url.to_string()).unwrap_or_default(),
            Err(_) => "set, and no URL of a Postgres database".to_owned(),
        })
    }

    fn check(&self, _: &Path) -> Result<()> {
        self.url().map(drop)
    }
}

impl Database {
    /// The Postgres database of the settings; `None` means SQLite in the data folder.
    ///
    /// # Errors
    /// As [`PostgresUrl::parse`].
    pub fn url(&self) -> Result<Option<PostgresUrl>> {
        let set = self.url.as_ref().map(Secret::expose).filter(|url| !url.is_empty());
        set.map(PostgresUrl::parse).transpose()
    }

    /// The password of `GF_DATABASE_PASSWORD_FILE`.
    ///
    /// # Errors
    /// `BadInput`, naming the file, when it cannot be read or is empty.
    #[expect(clippy::disallowed_methods, reason = "asked once, before the server serves anybody")]
    pub fn password(&self) -> Result<Option<Secret>> {
        let Some(path) = &self.password_file else { return Ok(None) };
        let name = path.display();
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::bad_input(sentences::password_not_read(&name, &Sentence::from_io(&e))))?;
        let password = text.strip_suffix('\n').unwrap_or(&text);
        let password = password.strip_suffix('\r').unwrap_or(password);
        if password.is_empty() {
            return Err(Error::bad_input(sentences::password_empty(name)));
        }
        Ok(Some(Secret::of(password)))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test waits for its files")]
mod tests {
    use super::*;

    #[test]
    fn a_url_shows_host_and_database_and_nothing_else() {
        for (url, shown) in [
            ("postgres://me:s3cret@db.example.com/gf", "postgres: database gf at db.example.com"),
            ("postgresql://me@[::1]:5433/gf?sslmode=require", "postgres: database gf at [::1]:5433"),
            ("postgres:///gf?host=/run/postgresql&user=me", "postgres: database gf at /run/postgresql"),
            ("postgres://me@%2Frun%2Fpg/gf", "postgres: database gf at %2Frun%2Fpg"),
        ] {
            let url = PostgresUrl::parse(url).expect("a URL");
            assert_eq!((url.to_string(), format!("{url:?}")), (shown.to_owned(), shown.to_owned()));
        }
    }

    #[test]
    fn what_is_refused_repeats_no_secret() {
        for (url, why) in [
            ("mysql://me:s3cret@db/gf", "mysql"),
            ("sqlite:x.db", "sqlite"),
            ("s3cret", "is none"),
            ("postgres://me:s3cret@db:port/gf", "is none"),
            ("postgres://db/gf?passwrod=s3cret", "passwrod"),
            ("postgres://db/gf?password=s3cret", "GF_DATABASE_PASSWORD_FILE"),
        ] {
            let refused = PostgresUrl::parse(url).expect_err(url);
            let told = format!("{refused:?} {:?}", refused.detail);
            assert!(told.contains(why) && !told.contains("s3cret"), "{told}");
        }
    }

    #[test]
    fn a_password_file_ends_with_a_line_or_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("password");
        let database = Database { url: None, password_file: Some(path.clone()) };
        assert!(database.password().expect_err("no file").message.en.contains(&path.display().to_string()));
        for (text, expected) in [("s3cret", "s3cret"), ("s3cret\n", "s3cret"), (" s3 \r\n", " s3 ")] {
            std::fs::write(&path, text).expect("a file");
            assert_eq!(
                database.password().expect("a password").map(|p| p.expose().to_owned()).as_deref(),
                Some(expected)
            );
        }
        std::fs::write(&path, "\n").expect("a file");
        assert!(database.password().is_err());
    }
}
