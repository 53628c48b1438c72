//! What holds of the databases themselves: their tables, their statements, how they are opened, copied and refused.

use std::sync::Arc;

use domain::{
    ErrorKind,
    access::Role,
    ports::{
        AppendCounts, BeginOutcome, ChangeOutcome, CopyChanges, CreateOutcome, IdempotencyKey, RefusedCounts,
        SessionStart,
    },
    registry::{Alias, EventAct, OperationId, Outcome, OutcomeKind, RegistryEvent},
    saved_view::{NewView, ViewLink, ViewName},
    time::{Day, Millis},
    token::{SecretHash, TokenName},
};
use futures::future::join_all;
use lake::ports::{ManifestCommit, SourceDelivery};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use store::{ColumnType, Location, PostgresServer, StateStore, TABLES};

use crate::{
    comparisons, embedded_models,
    postgres::Database,
    registry_copies, registry_log,
    support::{LakeDir, on_postgres, on_sqlite, source},
    tracking_copies, webhooks,
};

suite!([on_sqlite = crate::support::on_sqlite, on_postgres = crate::support::on_postgres] [
    whoever_opens_it_at_once_finds_the_same_tables,
    tables_of_a_later_program_are_refused_by_both_versions,
    a_copy_has_every_row_and_its_source_stays_as_it_was,
    a_backup_comes_back_as_it_was,
    a_backup_of_an_earlier_program_has_what_a_new_database_has,
    a_damaged_backup_is_refused_before_anything_is_written,
    what_is_not_empty_takes_no_copy,
    one_status_says_what_is_there,
]);

/// The database of a test, without the store between.
pub enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Raw {
    pub async fn of(dir: &LakeDir) -> Self {
        match dir.location() {
            Location::Sqlite(path) => {
                Self::Sqlite(SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap())
            }
            Location::Postgres(_) => Self::Postgres(dir.postgres.as_ref().expect("a database").connect().await),
        }
    }

    pub async fn execute(&mut self, sql: &'static str) {
        match self {
            Self::Sqlite(c) => drop(c.execute(sql).await.unwrap()),
            Self::Postgres(c) => drop(c.execute(sql).await.unwrap()),
        }
    }

    /// What refuses it, if something does.
    pub async fn try_execute(&mut self, sql: &'static str) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(c) => c.execute(sql).await.map(drop),
            Self::Postgres(c) => c.execute(sql).await.map(drop),
        }
    }

    /// Table, column and type of everything in it.
    async fn columns(&mut self) -> Vec<[String; 3]> {
        match self {
            Self::Sqlite(c) => {
                let sql = "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'";
                let rows = sqlx::query(sql).fetch_all(c).await.unwrap();
                rows.iter().map(|r| [r.get(0), r.get(1), r.get(2)]).collect()
            }
            Self::Postgres(c) => {
                let sql = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT)
                           FROM information_schema.columns WHERE table_schema = current_schema()";
                let rows = sqlx::query(sql).fetch_all(c).await.unwrap();
                rows.iter().map(|r| [r.get(0), r.get(1), r.get(2)]).collect()
            }
        }
    }
}

#[tokio::test]
async fn the_list_of_tables_is_what_both_migrations_made() {
    let mut listed: Vec<[String; 3]> = TABLES
        .iter()
        .flat_map(|t| t.columns.iter().map(|c| [t.name.to_owned(), c.name.to_owned(), format!("{:?}", c.kind)]))
        .collect();
    listed.sort();
    // Not carried: a copy has numbers and migrations of its own, and SQLite's counters go by another way.
    let others = ["_sqlx_migrations", "data_folder", "sqlite_sequence"];
    for dir in [on_sqlite().await, on_postgres().await] {
        drop(dir.store().await);
        let mut found = Raw::of(&dir).await.columns().await;
        found.retain(|[table, ..]| !others.contains(&table.as_str()));
        for [_, _, kind] in &mut found {
            *kind = format!(
                "{:?}",
                match kind.as_str() {
                    "INTEGER" | "bigint" => ColumnType::Int,
                    "TEXT" | "text" => ColumnType::Text,
                    "BLOB" | "bytea" => ColumnType::Bytes,
                    other => panic!("no column may be {other}: the other database has none"),
                }
            );
        }
        found.sort();
        assert_eq!(found, listed, "a table or column is not in store::TABLES, or not in the migrations of both");
    }
}

#[tokio::test]
async fn every_statement_can_be_prepared_on_its_database() {
    let [sqlite, postgres] = store::statements();
    assert!(sqlite.len() > 50 && postgres.len() > 50);
    for (dir, statements) in [(on_sqlite().await, sqlite), (on_postgres().await, postgres)] {
        drop(dir.store().await);
        let mut raw = Raw::of(&dir).await;
        for (name, sql) in statements {
            let sql = sqlx::SqlSafeStr::into_sql_str(AssertSqlSafe(sql));
            let prepared = match &mut raw {
                Raw::Sqlite(c) => c.prepare(sql).await.map(drop),
                Raw::Postgres(c) => c.prepare(sql).await.map(drop),
            };
            assert!(prepared.is_ok(), "{name}: {prepared:?}");
        }
    }
}

/// No statement of the store stands anywhere but in the lists that are prepared above.
#[test]
fn every_statement_is_in_the_lists() {
    let words = regex::Regex::new(r#""\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP)\b"#).unwrap();
    let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("store/src");
    let mut folders = vec![src];
    let mut found = vec![];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let lists = ["sql.rs", "tables.rs"].iter().any(|name| path.ends_with(name));
            if path.is_dir() {
                folders.push(path);
            } else if !lists {
                let text = std::fs::read_to_string(&path).unwrap();
                // Of a module of a database what stands in its own list.
                let own = text.split_once("statements! {").and_then(|(a, b)| Some((a, b.split_once("\n    }")?.1)));
                let text = own.map_or(text.clone(), |(a, b)| format!("{a}{b}"));
                found.extend(words.is_match(&text).then_some(path));
            }
        }
    }
    assert_eq!(found, Vec::<std::path::PathBuf>::new());
}

async fn whoever_opens_it_at_once_finds_the_same_tables(dir: &LakeDir) {
    let stores = join_all((0..8).map(|_| dir.store())).await;
    for (store, n) in stores.iter().zip(1..) {
        assert_eq!(store.commit(ManifestCommit::default()).await.unwrap(), n);
    }
}

async fn tables_of_a_later_program_are_refused_by_both_versions(dir: &LakeDir) {
    drop(dir.store().await);
    let mut raw = Raw::of(dir).await;
    raw.execute("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) SELECT 9999, 'x', success, checksum, 0 FROM _sqlx_migrations WHERE version = 10").await;
    let refused = store::open(&dir.location()).await.err().expect("newer tables");
    let newest = store::status(&dir.location()).await.unwrap().program_schema;
    for said in [&refused.message.en, refused.message.ko.as_ref().unwrap()] {
        assert!(said.contains("9999") && said.contains(&newest.to_string()), "{said}");
    }
    assert_eq!(store::status(&dir.location()).await.unwrap().schema, Some(9999), "it can still be looked at");
    // It is the same for the next one: no lock was left behind.
    assert!(store::open(&dir.location()).await.is_err());
}

/// Something in every table, bound to the folder of the test. Returns what a number given next must be greater than.
async fn filled(dir: &LakeDir) -> i64 {
    let store = dir.store().await;
    let delivery = SourceDelivery {
        source: source("부산 'x' \"y\""),
        at: Millis(5),
        appended: AppendCounts { taken: 2, duplicate: 1, corrected: 1, withdrawn: 2 },
        refused: RefusedCounts::from([("missing".into(), 4)]),
        newest: Some(Millis(i64::MIN)),
        progress: domain::ports::ReadProgress {
            position: Some(domain::ports::ReadPosition { id: i64::MAX, state: "{\"path\":\"\\u0000\"}".into() }),
            items: vec![domain::ports::SourceItem { key: "run \u{1}".into(), state: "{\"a\0\":1}".into() }],
            ..Default::default()
        },
    };
    let files = ["day=1/a.parquet", "day=1/b.parquet", "day=1/c.parquet"].map(|path| {
        let mut file = crate::manifest::file(path);
        file.index = (0..=255).collect();
        file
    });
    store
        .commit(ManifestCommit {
            publish: files.into(),
            last_seq: Some(41),
            deliveries: vec![delivery],
            ..ManifestCommit::default()
        })
        .await
        .unwrap();
    let ids: Vec<i64> = store.files().await.unwrap().iter().map(|f| f.id).collect();
    // The last number is not in use any more, and is not to be given again.
    store.commit(ManifestCommit { retire: vec![ids[2]], ..ManifestCommit::default() }).await.unwrap();
    store.set_value("demo", Some("")).await.unwrap();
    store
        .read_failed(
            &source("/in/gone"),
            Millis(7),
            &domain::error::Sentence { en: "it is\0gone".to_owned(), ko: Some("없습니다".to_owned()) },
        )
        .await
        .unwrap();
    let name = TokenName::parse("김민수 'x'").unwrap();
    assert!(store.add(&name, Role::Operator, &SecretHash([0; 32]), Millis(1)).await.unwrap());
    assert!(store.begin(&SecretHash([1; 32]), &SessionStart::Token(1), Millis(2), Millis(i64::MAX)).await.unwrap());
    assert!(
        store
            .begin(&SecretHash([2; 32]), &SessionStart::Operator(SecretHash([3; 32])), Millis(2), Millis(9))
            .await
            .unwrap()
    );
    let view = NewView {
        name: ViewName::parse("아침 'x'").unwrap(),
        link: ViewLink::stored("/?days=1".into()),
        shared: true,
        owner: name.as_str().into(),
    };
    let key = IdempotencyKey { key: "a".into(), request: [255; 32] };
    let CreateOutcome::New(view) = store.create(&view, Some(&key), Millis(3), 9).await.unwrap() else {
        panic!("a new view")
    };
    assert_eq!(store.set_start(&view.owner, Some(view.id)).await.unwrap(), ChangeOutcome::Done);
    let copied = CopyChanges {
        experiments: vec![tracking_copies::experiment("1", "부산 'x'")],
        runs: vec![tracking_copies::run("a1", "n")],
        progress: "{}".into(),
        as_of: Millis(4),
        ..CopyChanges::default()
    };
    assert!(!store.save_copy(tracking_copies::SOURCE, &copied).await.unwrap(), "the first one");
    // One supersedes another, so that rows of the table refer to rows of the same table.
    let registration = |day| comparisons::registration("m:1", "m:2", day);
    let first = comparisons::new(store.register(&registration(0), None).await.unwrap());
    let second = comparisons::new(store.register(&registration(1), Some(first)).await.unwrap());
    store.note_look(second, Day(-1)).await.unwrap();
    store.keep_verdict(first, &comparisons::judgement(2), Millis(5)).await.unwrap();
    assert!(store.set_policy(&comparisons::policy("models:/검출기", 6), None).await.unwrap());
    fill_registry(&store).await;
    let found = async || Ok(vec!["day=1/a.parquet".to_owned(), "day=1/b.parquet".to_owned()]);
    drop(store::bind(&*store, &dir.location(), dir.path(), found).await.unwrap());
    ids[2]
}

/// Something in every table of the registry of models.
async fn fill_registry(store: &Arc<dyn StateStore>) {
    let (name, key) = (embedded_models::name("검출기 'x'"), registry_log::key("kim", "k", 255));
    let operation = registry_log::operation("검출기 'x'");
    let event = registry_log::moved("검출기 'x'", 5, 2);
    assert!(matches!(store.begin_operation(&operation, &event, Some(&key)).await.unwrap(), BeginOutcome::New(_)));
    // One that has ended, and is the last of its numbers.
    let BeginOutcome::New(ended) = store.begin_operation(&registry_log::operation("b"), &event, None).await.unwrap()
    else {
        panic!("a new operation")
    };
    let outcome = Outcome { kind: OutcomeKind::NotApplied, note: None };
    assert!(store.end_operation(ended, &outcome, Millis(6), &[registry_log::event("b", 6)]).await.unwrap());
    store.add_request(&registry_log::request("a", 7), &registry_log::event("a", 7)).await.unwrap();
    for url in ["https://a/", "https://b/"] {
        store.add_webhook(&webhooks::new(url, &[], None)).await.unwrap().expect("a webhook");
    }
    let asked = RegistryEvent { act: EventAct::Requested, ..registry_log::event("b", 8) };
    store.add_request(&registry_log::request("b", 8), &asked).await.unwrap();
    let claimed = store.claim_deliveries(Millis(9), Millis(19), 1).await.unwrap();
    assert!(store.finish_delivery(&claimed[0], &webhooks::failed(10, 11)).await.unwrap());
    for at in 1..=3 {
        store.add_version(&embedded_models::new(name.as_str(), at)).await.unwrap();
    }
    store.point_alias(&name, &Alias::champion(), Some(registry_log::version(2))).await.unwrap();
    // Its number is not to be given again.
    store.delete_version(&name, registry_log::version(3)).await.unwrap();
    let copied = [registry_copies::model("검출기 'x'", "d")];
    assert!(!store.save_models(registry_copies::SOURCE, &copied, &[], Millis(4)).await.unwrap(), "the first one");
}

/// Everything that the ports of the registry of models tell.
async fn told_of_registry(store: &Arc<dyn StateStore>) -> String {
    let key = registry_log::key("kim", "k", 255);
    let operations: Vec<_> = join_all((1..4).map(|id| store.operation(OperationId(id)))).await;
    format!(
        "{:?}",
        (
            (store.last_event().await.unwrap(), store.raw_events(0, 99).await.unwrap()),
            (operations, store.operation_of_key(&key).await.unwrap(), store.requests(None, false).await.unwrap()),
            (store.models_revision().await.unwrap(), store.all_models().await.unwrap()),
            store.load_models(registry_copies::SOURCE).await.unwrap(),
            (store.webhooks().await.unwrap(), store.last_deliveries().await.unwrap()),
        )
    )
}

/// The log, its numbers and those of versions go on where they were.
async fn registry_goes_on(store: &Arc<dyn StateStore>) {
    let last = store.last_event().await.unwrap();
    let event = registry_log::event("c", 9);
    store.log_events(std::slice::from_ref(&event)).await.unwrap();
    let raw = store.raw_events(0, 99).await.unwrap();
    assert_eq!((registry_log::broken(&raw), raw.len() as i64), (None, last + 1));
    let pending = store.pending_operations().await.unwrap();
    assert_eq!(pending.len(), 1);
    let begun = store.begin_operation(&registry_log::operation("b"), &event, None).await.unwrap();
    assert!(matches!(begun, BeginOutcome::New(id) if id.0 > pending[0].id.0 + 1), "{begun:?} was given before");
    assert!(store.add_request(&registry_log::request("c", 9), &event).await.unwrap().0 > 1);
    let version = store.add_version(&embedded_models::new("검출기 'x'", 9)).await.unwrap();
    assert_eq!(version.version, registry_log::version(4));
}

/// Everything that the ports tell.
async fn told(location: &Location) -> String {
    let store = store::open(location).await.unwrap();
    let files = store.files().await.unwrap();
    let ids: Vec<i64> = files.iter().map(|f| f.id).collect();
    let mut indexes = store.indexes(&ids).await.unwrap();
    indexes.sort();
    format!(
        "{:?}",
        (
            (store.generation().await.unwrap(), store.last_seq().await.unwrap(), files, indexes),
            (store.since(0).await.unwrap(), store.failing().await.unwrap(), store.sources().await.unwrap()),
            (store.positions().await.unwrap(), store.note("demo").await.unwrap(), store.note("other").await.unwrap()),
            (store.revision().await.unwrap(), store.list().await.unwrap(), store.live().await.unwrap()),
            (
                store.session(&SecretHash([1; 32]), Millis(3)).await,
                store.session(&SecretHash([2; 32]), Millis(3)).await
            ),
            (store.views(None).await.unwrap(), store.start("김민수 'x'").await.unwrap()),
            store.load_copy(tracking_copies::SOURCE).await.unwrap(),
            (store.comparisons().await.unwrap(), store.policies().await.unwrap()),
            told_of_registry(&store).await,
        )
    )
}

/// Empty databases of both kinds.
fn empty(dir: &LakeDir) -> (Vec<Location>, Database) {
    let database = Database::new();
    let url = database.url();
    let server = PostgresServer::parse(&url, None).unwrap();
    (vec![Location::Sqlite(dir.path().join("copy.sqlite")), Location::Postgres(server.into())], database)
}

async fn goes_on(location: &Location, last: i64) {
    let store = store::open(location).await.unwrap();
    store
        .commit(ManifestCommit { publish: vec![crate::manifest::file("new")], ..ManifestCommit::default() })
        .await
        .unwrap();
    let newest = store.files().await.unwrap().iter().map(|f| f.id).max().unwrap();
    assert!(newest > last, "{newest} was given before");
    let before = store.comparisons().await.unwrap()[0].id;
    let next = store.register(&comparisons::registration("m:1", "m:3", 0), None).await.unwrap();
    assert!(comparisons::new(next) > before, "its number was given before");
    registry_goes_on(&store).await;
    store.close().await;
}

async fn a_copy_has_every_row_and_its_source_stays_as_it_was(dir: &LakeDir) {
    let last = filled(dir).await;
    let before = told(&dir.location()).await;
    let (targets, _database) = empty(dir);
    for to in targets {
        let carried = store::copy(&dir.location(), &to, dir.path()).await.unwrap();
        assert!(carried.iter().all(|c| c.rows > 0) && carried.len() == TABLES.len(), "{carried:?}");
        assert_eq!(told(&to).await, before);
        assert_eq!(told(&dir.location()).await, before);
        goes_on(&to, last).await;
    }
}

async fn a_backup_comes_back_as_it_was(dir: &LakeDir) {
    let last = filled(dir).await;
    let before = told(&dir.location()).await;
    let mut bytes = vec![];
    let written = store::backup(&dir.location(), dir.path(), &mut bytes).await.unwrap();
    let path = dir.path().join("state.backup");
    std::fs::write(&path, &bytes).unwrap();
    let (targets, _database) = empty(dir);
    for to in targets {
        assert_eq!(store::restore(&path, &to, dir.path()).await.unwrap(), written);
        assert_eq!(told(&to).await, before);
        goes_on(&to, last).await;
        let refused = store::restore(&path, &to, dir.path()).await.unwrap_err();
        assert!(refused.message.en.contains("not empty"), "{refused}");
    }
    let elsewhere = on_sqlite().await;
    let _ = filled(&elsewhere).await;
    let (targets, _database) = empty(dir);
    let refused = store::restore(&path, &targets[1], elsewhere.path()).await.unwrap_err();
    assert!(refused.message.en.contains("another data folder"), "{refused}");
}

/// The registry of models came with version 16.
async fn a_backup_of_an_earlier_program_has_what_a_new_database_has(dir: &LakeDir) {
    filled(dir).await;
    let mut bytes = vec![];
    store::backup(&dir.location(), dir.path(), &mut bytes).await.unwrap();
    let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
    let mut lines = text.lines();
    let mut head: serde_json::Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let later = |table: &serde_json::Value| {
        let name = table["table"].as_str().unwrap();
        name != "model_policy"
            && ["model", "registry", "promotion", "webhook"].iter().any(|begin| name.starts_with(begin))
    };
    let mut rows = vec![];
    for table in head["tables"].as_array().unwrap() {
        let own: Vec<&str> = lines.by_ref().take(table["rows"].as_u64().unwrap() as usize).collect();
        rows.extend(own.into_iter().filter(|_| !later(table)));
    }
    head["tables"].as_array_mut().unwrap().retain(|table| !later(table));
    head["schema"] = 15.into();
    let text = format!("{head}\n{}\n", rows.join("\n"));
    let sha256: String = Sha256::digest(text.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let earlier = format!("{text}{}\n", serde_json::json!({ "sha256": sha256 }));
    let path = dir.path().join("earlier.backup");
    std::fs::write(&path, zstd::encode_all(earlier.as_bytes(), 3).unwrap()).unwrap();
    let (targets, _database) = empty(dir);
    for to in targets {
        store::restore(&path, &to, dir.path()).await.unwrap();
        let store = store::open(&to).await.unwrap();
        assert_eq!((store.last_event().await.unwrap(), store.models_revision().await.unwrap()), (0, 0));
        assert_eq!(store.comparisons().await.unwrap().len(), 2);
        fill_registry(&store).await;
        assert_eq!(registry_log::broken(&store.raw_events(0, 99).await.unwrap()), None);
        store.close().await;
    }
}

async fn a_damaged_backup_is_refused_before_anything_is_written(dir: &LakeDir) {
    filled(dir).await;
    let mut bytes = vec![];
    store::backup(&dir.location(), dir.path(), &mut bytes).await.unwrap();
    let path = dir.path().join("state.backup");
    let to = Location::Sqlite(dir.path().join("never.sqlite"));
    let mut damaged: Vec<(String, Vec<u8>)> = vec![("empty".into(), vec![]), ("other".into(), b"{}\n".to_vec())];
    for cut in [1, 9, bytes.len() / 3, bytes.len() / 2, bytes.len() - 5, bytes.len() - 1] {
        damaged.push((format!("cut at {cut}"), bytes[..cut].to_vec()));
    }
    let text = String::from_utf8(zstd::decode_all(&bytes[..]).unwrap()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let packed = |text: String| zstd::encode_all(text.as_bytes(), 3).unwrap();
    for (what, text) in [
        ("a number is another", text.replacen("41", "42", 1)),
        ("a row is missing", text.replacen(&format!("{}\n", lines[2]), "", 1)),
        ("a row is there twice", text.replacen(lines[2], &format!("{}\n{}", lines[2], lines[2]), 1)),
        ("it goes on", format!("{text}[1]\n")),
        ("the end is missing", text.replacen(lines[lines.len() - 1], "", 1)),
        ("a table is unknown", text.replacen("lake_note", "lake_nope", 1)),
    ] {
        assert!(text.lines().count() > 5);
        damaged.push((what.into(), packed(text)));
    }
    for (what, bytes) in damaged {
        std::fs::write(&path, bytes).unwrap();
        let refused = store::restore(&path, &to, dir.path()).await.expect_err(&what);
        assert_eq!(refused.kind, ErrorKind::BadInput, "{what}: {refused}");
        assert!(refused.message.en.contains("state.backup"), "{what}: {refused}");
        assert!(!dir.path().join("never.sqlite").exists(), "{what}: nothing is made");
    }
    std::fs::write(&path, packed(text.replacen("\"schema\":17", "\"schema\":9999", 1))).unwrap();
    assert!(store::restore(&path, &to, dir.path()).await.unwrap_err().message.en.contains("9999"));
    // An older one, without a table that came later: it is empty, and the rest is there.
    let head: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
    assert!(head["tables"].as_array().unwrap().iter().all(|t| t["rows"].as_u64() > Some(0)), "{head}");
}

async fn what_is_not_empty_takes_no_copy(dir: &LakeDir) {
    filled(dir).await;
    for other in [on_sqlite().await, on_postgres().await] {
        other.store().await.commit(ManifestCommit::default()).await.unwrap();
        let before = told(&other.location()).await;
        let refused = store::copy(&dir.location(), &other.location(), dir.path()).await.unwrap_err();
        assert!(refused.kind == ErrorKind::BadInput && refused.message.en.contains("not empty"), "{refused}");
        assert_eq!(told(&other.location()).await, before);
    }
    let refused = store::copy(&dir.location(), &dir.location(), dir.path()).await.unwrap_err();
    assert!(refused.message.en.contains("not empty"), "{refused}");
}

async fn one_status_says_what_is_there(dir: &LakeDir) {
    if let Location::Sqlite(path) = dir.location() {
        assert_eq!(store::status(&dir.location()).await.unwrap_err().kind, ErrorKind::NotFound);
        assert!(!path.exists(), "nothing is made by looking");
    } else {
        let status = store::status(&dir.location()).await.unwrap();
        assert_eq!((status.schema, status.tables.len()), (None, 0));
    }
    filled(dir).await;
    let status = store::status(&dir.location()).await.unwrap();
    assert_eq!((status.schema, status.program_schema), (Some(17), 17));
    let rows = |table: &str| status.tables.iter().find(|t| t.table == table).map(|t| t.rows);
    assert_eq!(
        (rows("lake_file"), rows("source"), rows("tail"), status.tables.len()),
        (Some(2), Some(2), Some(1), TABLES.len())
    );
    assert!(status.bytes > 8_192 && status.folder.is_some());
}

/// What somebody reads who cannot connect; nothing of it is a password.
async fn refusal(url: &str, password: Option<&str>) -> String {
    let server = PostgresServer::parse(url, password).unwrap();
    let refused = store::open(&Location::Postgres(server.clone().into())).await.err().expect("a refusal");
    let all = format!("{refused:?} {:?} {server:?} {server}", refused.detail);
    assert!(!all.contains("s3cret"), "{all}");
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert!(refused.message.ko.is_some());
    refused.message.en
}

#[tokio::test]
async fn whoever_cannot_use_postgres_reads_why_and_no_password() {
    let database = Database::new();
    let mut admin = database.connect().await;
    for sql in [
        "DO $$ BEGIN CREATE ROLE locked LOGIN PASSWORD 's3cret'; EXCEPTION WHEN OTHERS THEN NULL; END $$",
        "DO $$ BEGIN CREATE ROLE guest LOGIN; EXCEPTION WHEN OTHERS THEN NULL; END $$",
    ] {
        admin.execute(sql).await.unwrap();
    }
    let locked = database.url_as("locked");
    assert!(refusal(&locked, None).await.contains("password"));
    assert!(refusal(&locked, Some("s3cret-wrong")).await.contains("password"));
    assert!(refusal(&locked, Some("s3cret")).await.contains("may not"), "who may connect may not make tables");
    assert!(refusal(&database.url_as("guest"), None).await.contains("may not"));
    let gone = database.url().replacen(&database.name, "nothing", 1);
    assert!(refusal(&gone, None).await.contains("createdb"));
    // A port at which nobody is.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let begun = std::time::Instant::now();
    assert!(refusal(&format!("postgres://gf:s3cret@{free}/gf"), None).await.contains("cannot be reached"));
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    assert!(refusal("postgres://gf:s3cret@nowhere.invalid/gf", None).await.contains("cannot be reached"));
    let read_only = format!("{}&options=-cdefault_transaction_read_only=on", database.url());
    assert!(refusal(&read_only, None).await.contains("read-only"));
}

#[tokio::test]
async fn a_commit_that_cannot_be_written_says_so() {
    let dir = on_postgres().await;
    let store = dir.store().await;
    store.commit(ManifestCommit::default()).await.unwrap();
    let mut raw = Raw::of(&dir).await;
    raw.execute("DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || current_database() || ' SET default_transaction_read_only = on'; END $$").await;
    // Who is connected may go on writing, who connects anew may not: of the pool's connections it may be either.
    let written = store.commit(ManifestCommit::default()).await.is_ok();
    raw.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
    assert_eq!(store.generation().await, Ok(if written { 2 } else { 1 }), "a lost connection is made anew");
    let refused = store.commit(ManifestCommit::default()).await.unwrap_err();
    assert!(refused.message.en.contains("read-only"), "{refused}");
}
