//! The migrations of a database, compiled in. sqlx's `migrate!` does the same, but compiles both databases a second time for
//! its macros.

use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// The files of a folder of `migrations/`, each named `NNNN_what_it_does.sql`, as a lazy [`Migrator`].
macro_rules! migrations {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        std::sync::LazyLock::new(|| {
            $crate::migrations::migrator(&[
                $(($name, include_str!(concat!("../../migrations/", $folder, "/", $name, ".sql")))),+
            ])
        })
    };
}
pub(crate) use migrations;

/// A migrator over `(name, text)`. What sqlx remembers of a migration that ran is as its own macro has it: number,
/// description and the hash of the text.
pub fn migrator(files: &[(&'static str, &'static str)]) -> Migrator {
    let migrations = files.iter().map(|(name, text)| {
        let (number, what) = name.split_once('_').unwrap_or((name, ""));
        // A name without a number is first; the test below finds it.
        let number = number.parse().unwrap_or(0);
        Migration::new(number, what.replace('_', " ").into(), MigrationType::Simple, SqlStr::from_static(text), false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    async fn folder_holds(name: &str, compiled: &Migrator) {
        let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name);
        let read = Migrator::new(folder).await.unwrap();
        let all = |m: &Migrator| -> Vec<(i64, String, Vec<u8>, bool)> {
            m.iter().map(|m| (m.version, m.description.to_string(), m.checksum.to_vec(), m.no_tx)).collect()
        };
        assert_eq!(all(compiled), all(&read));
        assert!(!all(compiled).is_empty());
    }

    #[tokio::test]
    async fn every_file_of_the_folder_is_compiled_in_as_sqlx_would_read_it() {
        folder_holds("sqlite", &crate::sqlite::MIGRATIONS).await;
        folder_holds("postgres", &crate::postgres::MIGRATIONS).await;
    }
}
