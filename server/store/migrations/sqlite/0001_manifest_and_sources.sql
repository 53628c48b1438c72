-- The lake's list of files, and the ledger of sources. Times are UTC milliseconds, days are days since 1970-01-01.
CREATE TABLE lake_state (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    generation INTEGER NOT NULL,
    last_seq   INTEGER NOT NULL
) STRICT;
INSERT INTO lake_state VALUES (1, 0, 0);

CREATE TABLE lake_file (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    path        TEXT    NOT NULL UNIQUE,
    day         INTEGER NOT NULL,
    rows        INTEGER NOT NULL CHECK (rows > 0),
    bytes       INTEGER NOT NULL,
    from_ms     INTEGER NOT NULL,
    to_ms       INTEGER NOT NULL CHECK (to_ms >= from_ms),
    simulated   INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,
    place_index BLOB    NOT NULL
) STRICT;

CREATE TABLE lake_note (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE source (
    kind      TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    first_ms  INTEGER NOT NULL,
    last_ms   INTEGER NOT NULL,
    newest_ms INTEGER,
    taken     INTEGER NOT NULL DEFAULT 0,
    duplicate INTEGER NOT NULL DEFAULT 0,
    corrected INTEGER NOT NULL DEFAULT 0,
    error     TEXT,
    finished  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, name)
) STRICT;

CREATE TABLE source_refused (
    kind   TEXT    NOT NULL,
    name   TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    rows   INTEGER NOT NULL,
    PRIMARY KEY (kind, name, reason),
    FOREIGN KEY (kind, name) REFERENCES source (kind, name) ON DELETE CASCADE
) STRICT;
