//! Whether the database can be read, is whole, has the tables that this program knows, and is that of the data folder.

use std::{fs, io::ErrorKind};

use domain::{Result, time::Millis};

use super::finding::Finding;
use crate::{
    config::Settings,
    startup::{self, Inspection},
};

const NAME: &str = "database";
const RESTORE: &str = "Stop the server, keep a copy of the whole data folder, move the damaged database away, and bring a backup back: \
    `guardianflow store restore FILE`. The Parquet files in lake/ are not touched by this.";
const CONNECT: &str = "See to it that the database server runs and can be reached from here, and that DATABASE_URL and \
    GF_DATABASE_PASSWORD_FILE are right: `guardianflow config` shows host and database, and psql with the same URL must work.";

const RIGHTS: &str =
    "Name the primary server in DATABASE_URL, and a user that owns the database or may make tables in it.";

/// The findings, and the time of the newest record.
#[expect(clippy::disallowed_methods, reason = "one look, by a command that serves nobody")]
pub async fn checks(settings: &Settings) -> (Vec<Finding>, Option<Millis>) {
    // What is wrong with the URL is told with the settings.
    let Ok(url) = settings.database.url() else { return (vec![], None) };
    let folder = match fs::metadata(&settings.data.folder) {
        Ok(m) => m.is_dir(),
        Err(e) => e.kind() == ErrorKind::NotFound,
    };
    if !folder {
        return (vec![], None);
    }
    let looked = startup::inspect_database(settings).await;
    let newest = looked.as_ref().ok().and_then(|l| l.newest_record);
    (vec![judge(&looked, url.is_some())], newest)
}

fn judge(looked: &Result<Inspection>, on_server: bool) -> Finding {
    let seen = match looked {
        Ok(seen) => seen,
        Err(e) if on_server => return Finding::error(NAME, e.to_string(), CONNECT),
        Err(e) => {
            let cure = format!("If this user may not read it, give it to them (chown). If it is damaged: {RESTORE}");
            return Finding::error(NAME, e.to_string(), cure);
        }
    };
    let (by, ours) = (&seen.kept_by, seen.program_schema);
    if let Some(fault) = &seen.fault {
        return Finding::error(NAME, format!("{by}: {fault}"), if on_server { RIGHTS } else { RESTORE });
    }
    if seen.unfinished {
        return Finding::error(NAME, format!("{by}: a change of its tables broke off"), RESTORE);
    }
    if let Some(version) = seen.schema.filter(|v| *v > ours) {
        let seen = format!(
            "{by}: its tables have version {version}, and this program knows them up to {ours}: a newer GuardianFlow has opened it"
        );
        return Finding::error(NAME, seen, "Use that newer version, or a backup from before.");
    }
    if let Some(e) = &seen.refused {
        return Finding::error(
            NAME,
            format!("{by}: {e}"),
            "Correct DATABASE_URL or GF_DATA: the database and the data folder belong together.",
        );
    }
    match seen.schema {
        None => Finding::ok(NAME, format!("{by}: there are no tables yet; the server makes them")),
        Some(version) if version < ours => Finding::warning(
            NAME,
            format!("{by}: its tables have version {version}; the next start brings them to {ours}"),
            "Keep a copy (`guardianflow store backup FILE` of the earlier release, or the whole data folder) if you may want to go back.",
        ),
        Some(version) => {
            Finding::ok(NAME, format!("{by}: it can be read, is whole, and has tables of version {version}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::CheckStatus::{self, Error, Ok as Fine, Warning};

    #[test]
    fn a_database_is_judged_by_what_is_seen() {
        let good = || Inspection { schema: Some(9), program_schema: 9, ..Inspection::default() };
        let state = |seen: Inspection| judge(&Ok(seen), false).state;
        let found: [CheckStatus; 7] = [
            state(good()),
            state(Inspection { schema: None, ..good() }),
            state(Inspection { schema: Some(8), ..good() }),
            state(Inspection { schema: Some(10), ..good() }),
            state(Inspection { unfinished: true, ..good() }),
            state(Inspection { fault: Some("it is damaged: row 7 missing".into()), ..good() }),
            state(Inspection {
                refused: Some(domain::Error::unavailable(domain::error::Sentence::only_english("of another folder"))),
                ..good()
            }),
        ];
        assert_eq!(found, [Fine, Fine, Warning, Error, Error, Error, Error]);
        let gone = Err(domain::Error::unavailable(domain::error::Sentence::only_english("cannot read x")));
        assert!(judge(&gone, true).cure.is_some_and(|c| c.contains("DATABASE_URL")));
        assert!(judge(&gone, false).cure.is_some_and(|c| c.contains("store restore")));
    }
}
