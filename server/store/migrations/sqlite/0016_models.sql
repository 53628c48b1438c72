-- The registry of models: the log of what happened to models, what is being done to them, what is asked for, our own registry, and our copy of
-- another one.

-- Whoever writes to the log or to our own registry takes this row first, so that writers take turns.
CREATE TABLE registry_head (
    only_row        INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- The number of the last event; 0 before the first.
    last_event      INTEGER NOT NULL,
    -- Moves with every change to our own registry.
    models_revision INTEGER NOT NULL
) STRICT;
INSERT INTO registry_head VALUES (1, 0, 0);

-- Events are only ever added. Numbers have no gap. The hash is the SHA-256 over the hash of the event before (zeros for the first), the number
-- (8 bytes, the highest first) and the text, so that a change to any of them shows.
CREATE TABLE registry_event (
    number INTEGER PRIMARY KEY CHECK (number > 0),
    model  TEXT    NOT NULL,
    at_ms  INTEGER NOT NULL,
    -- 1 where it says how the model stands afterwards.
    moves  INTEGER NOT NULL CHECK (moves IN (0, 1)),
    -- The event as JSON.
    body   TEXT    NOT NULL,
    hash   BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX registry_event_model ON registry_event (model, number);
CREATE INDEX registry_event_standing ON registry_event (model, number) WHERE moves = 1;
CREATE INDEX registry_event_at ON registry_event (at_ms);

CREATE TRIGGER registry_event_stays BEFORE UPDATE ON registry_event
BEGIN
    SELECT RAISE(ABORT, 'events of the registry are only ever added');
END;
CREATE TRIGGER registry_event_is_kept BEFORE DELETE ON registry_event
BEGIN
    SELECT RAISE(ABORT, 'events of the registry are only ever added');
END;

-- What was begun through us. Of a model one is pending at most; the same key begins one.
CREATE TABLE registry_operation (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    model    TEXT    NOT NULL,
    -- 1 until it has ended.
    pending  INTEGER CHECK (pending = 1),
    owner    TEXT,
    key      TEXT,
    -- The SHA-256 of what was asked with the key.
    request  BLOB CHECK (length(request) = 32),
    -- The operation and its outcome as JSON.
    body     TEXT    NOT NULL,
    outcome  TEXT,
    begun_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    CHECK ((pending IS NULL) = (outcome IS NOT NULL) AND (outcome IS NULL) = (ended_ms IS NULL)),
    CHECK ((owner IS NULL) = (key IS NULL) AND (key IS NULL) = (request IS NULL))
) STRICT;
CREATE UNIQUE INDEX registry_operation_pending ON registry_operation (model) WHERE pending = 1;
CREATE UNIQUE INDEX registry_operation_key ON registry_operation (owner, key) WHERE key IS NOT NULL;

CREATE TABLE promotion_request (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    model      TEXT    NOT NULL,
    -- 1 until it has ended.
    open       INTEGER NOT NULL CHECK (open IN (0, 1)),
    -- The request and what became of it as JSON.
    body       TEXT    NOT NULL,
    state      TEXT    NOT NULL,
    asked_ms   INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX promotion_request_model ON promotion_request (model, id);

-- Our own registry. Tags are an object of JSON; stage and status are words.
CREATE TABLE model (
    name         TEXT    PRIMARY KEY,
    description  TEXT    NOT NULL,
    tags         TEXT    NOT NULL,
    created_ms   INTEGER NOT NULL,
    updated_ms   INTEGER NOT NULL,
    -- The largest number that a version was ever given: none is given twice.
    last_version INTEGER NOT NULL
) STRICT;

CREATE TABLE model_version (
    model          TEXT    NOT NULL REFERENCES model (name),
    version        INTEGER NOT NULL CHECK (version > 0),
    run            TEXT,
    source         TEXT    NOT NULL,
    stage          TEXT    NOT NULL,
    status         TEXT    NOT NULL,
    status_message TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    tags           TEXT    NOT NULL,
    created_ms     INTEGER NOT NULL,
    updated_ms     INTEGER NOT NULL,
    created_by     TEXT    NOT NULL,
    PRIMARY KEY (model, version)
) STRICT;

CREATE TABLE model_alias (
    model   TEXT    NOT NULL,
    alias   TEXT    NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (model, alias),
    FOREIGN KEY (model, version) REFERENCES model_version (model, version) ON DELETE CASCADE
) STRICT;
CREATE INDEX model_alias_of ON model_alias (model, version);

-- Our copy of another registry, so that a restart shows it at once. There is one copy; its source is the address of what was copied. A body is
-- JSON packed with zstd.
CREATE TABLE registry_copy (
    source   TEXT PRIMARY KEY,
    as_of_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE registry_copy_model (
    name TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
