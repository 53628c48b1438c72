//! The tables that make up the state: what `store copy`, `backup` and `restore` carry. A test compares the list with the
//! migrations of both databases, so no table or column can be forgotten here.
//!
//! No column holds a secret as it is: what somebody could sign in with is kept as a hash, and what webhooks are signed with is encrypted with
//! a key that is in no database.

/// A table and its columns.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static [Column],
    /// The order in which rows are read: by its primary key.
    pub key: &'static str,
    /// Numbers in its column `id` are given by the database, and never twice.
    pub counter: bool,
    /// The row that a new database has in it.
    pub seed: Option<&'static [i64]>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
}

/// INTEGER, TEXT, BLOB of SQLite; BIGINT, TEXT, BYTEA of Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Int,
    Text,
    Bytes,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

const fn int(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Int }
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Text }
}

const fn bytes(name: &'static str) -> Column {
    Column { name, kind: ColumnType::Bytes }
}

const fn table(name: &'static str, key: &'static str, columns: &'static [Column]) -> Table {
    Table { name, columns, key, counter: false, seed: None }
}

/// All of them, those first that others refer to. `data_folder` is none of them: a copy is a database of its own.
pub static TABLES: &[Table] = &[
    Table {
        seed: Some(&[1, 0, 0]),
        ..table("lake_state", "only_row", &[int("only_row"), int("generation"), int("last_seq")])
    },
    Table {
        counter: true,
        ..table(
            "lake_file",
            "id",
            &[
                int("id"),
                text("path"),
                int("day"),
                int("rows"),
                int("bytes"),
                int("from_ms"),
                int("to_ms"),
                int("simulated"),
                int("received_ms"),
                bytes("place_index"),
            ],
        )
    },
    table("lake_change", "generation", &[int("generation"), text("published"), text("retired"), text("touched")]),
    table("lake_note", "key", &[text("key"), text("value")]),
    table(
        "source",
        "kind, name",
        &[
            text("kind"),
            text("name"),
            int("first_ms"),
            int("last_ms"),
            int("newest_ms"),
            int("taken"),
            int("duplicate"),
            int("corrected"),
            text("error"),
            text("error_ko"),
            int("finished"),
            int("failing_ms"),
            int("withdrawn"),
        ],
    ),
    table("source_item", "kind, name, item", &[text("kind"), text("name"), text("item"), text("state")]),
    table("source_refused", "kind, name, reason", &[text("kind"), text("name"), text("reason"), int("rows")]),
    table("tail", "id", &[int("id"), text("state")]),
    Table { seed: Some(&[1, 0]), ..table("access_state", "only_row", &[int("only_row"), int("revision")]) },
    Table {
        counter: true,
        ..table(
            "token",
            "id",
            &[
                int("id"),
                text("name"),
                text("role"),
                bytes("hash"),
                int("created_ms"),
                int("used_ms"),
                int("revoked_ms"),
            ],
        )
    },
    table("session", "hash", &[bytes("hash"), int("token"), bytes("proof"), int("created_ms"), int("expires_ms")]),
    Table {
        counter: true,
        ..table(
            "saved_view",
            "id",
            &[
                int("id"),
                text("owner"),
                text("name"),
                text("link"),
                int("shared"),
                int("created_ms"),
                int("changed_ms"),
            ],
        )
    },
    table("start_view", "owner", &[text("owner"), int("view_id")]),
    table("write_key", "owner, key", &[text("owner"), text("key"), bytes("request"), text("answer"), int("at_ms")]),
    table("tracking_copy", "source", &[text("source"), text("progress"), int("as_of_ms")]),
    table("tracking_experiment", "id", &[text("id"), bytes("body")]),
    table("tracking_run", "id", &[text("id"), bytes("body")]),
    // A comparison supersedes one with a smaller number, which is there before it.
    Table {
        counter: true,
        ..table(
            "comparison",
            "id",
            &[int("id"), bytes("question"), int("supersedes"), text("body"), int("registered_ms")],
        )
    },
    table("comparison_look", "comparison, day", &[int("comparison"), int("day")]),
    table("comparison_verdict", "comparison", &[int("comparison"), text("body"), int("made_ms")]),
    table("model_policy", "model", &[text("model"), text("body"), int("changed_ms"), text("changed_by")]),
    Table {
        seed: Some(&[1, 0, 0]),
        ..table("registry_head", "only_row", &[int("only_row"), int("last_event"), int("models_revision")])
    },
    // Its rows can neither be changed nor deleted: it is never cleared.
    table(
        "registry_event",
        "number",
        &[int("number"), text("model"), int("at_ms"), int("moves"), text("body"), bytes("hash")],
    ),
    Table {
        counter: true,
        ..table(
            "registry_operation",
            "id",
            &[
                int("id"),
                text("model"),
                int("pending"),
                text("owner"),
                text("key"),
                bytes("request"),
                text("body"),
                text("outcome"),
                int("begun_ms"),
                int("ended_ms"),
            ],
        )
    },
    Table {
        counter: true,
        ..table(
            "promotion_request",
            "id",
            &[int("id"), text("model"), int("open"), text("body"), text("state"), int("asked_ms"), int("expires_ms")],
        )
    },
    table(
        "model",
        "name",
        &[text("name"), text("description"), text("tags"), int("created_ms"), int("updated_ms"), int("last_version")],
    ),
    table(
        "model_version",
        "model, version",
        &[
            text("model"),
            int("version"),
            text("run"),
            text("source"),
            text("stage"),
            text("status"),
            text("status_message"),
            text("description"),
            text("tags"),
            int("created_ms"),
            int("updated_ms"),
            text("created_by"),
        ],
    ),
    table("model_alias", "model, alias", &[text("model"), text("alias"), int("version")]),
    table("registry_copy", "source", &[text("source"), int("as_of_ms")]),
    table("registry_copy_model", "name", &[text("name"), bytes("body")]),
    Table {
        counter: true,
        ..table(
            "webhook",
            "id",
            &[
                int("id"),
                text("url"),
                int("events"),
                text("model"),
                bytes("secret"),
                text("paused"),
                int("created_ms"),
                text("created_by"),
            ],
        )
    },
    Table {
        counter: true,
        ..table(
            "webhook_delivery",
            "id",
            &[
                int("id"),
                int("webhook"),
                text("message"),
                text("model"),
                text("kind"),
                text("body"),
                text("state"),
                int("attempts"),
                int("created_ms"),
                int("due_ms"),
                text("lease"),
                int("lease_ms"),
                int("tried_ms"),
                int("status"),
                text("error"),
            ],
        )
    },
];

impl Table {
    pub(crate) fn select(&self) -> String {
        let columns: Vec<&str> = self.columns.iter().map(|c| c.name).collect();
        format!("SELECT {} FROM {} ORDER BY {}", columns.join(", "), self.name, self.key)
    }

    pub(crate) fn count(&self) -> String {
        format!("SELECT count(*) FROM {}", self.name)
    }

    pub(crate) fn insert(&self, columns: &[&Column]) -> String {
        let names: Vec<&str> = columns.iter().map(|c| c.name).collect();
        let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
        format!("INSERT INTO {} ({}) VALUES ({})", self.name, names.join(", "), places.join(", "))
    }

    pub(crate) fn clear(&self) -> String {
        format!("DELETE FROM {}", self.name)
    }
}

/// The statements that are made of the list.
pub fn statements() -> impl Iterator<Item = (String, String)> {
    TABLES.iter().flat_map(|t| {
        let all: Vec<&Column> = t.columns.iter().collect();
        [("select", t.select()), ("count", t.count()), ("insert", t.insert(&all)), ("clear", t.clear())]
            .map(|(what, text)| (format!("{what} {}", t.name), text))
    })
}
