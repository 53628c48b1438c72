-- Addresses of pages that somebody gave a name. The owner is the name of an actor, not of one of its tokens: whoever gets a new
-- token under the same name keeps their views.
CREATE TABLE saved_view (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    link       TEXT    NOT NULL,
    shared     INTEGER NOT NULL CHECK (shared IN (0, 1)),
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    UNIQUE (owner, name)
) STRICT;
CREATE INDEX saved_view_shared ON saved_view (name) WHERE shared = 1;

CREATE TABLE start_view (
    owner   TEXT    PRIMARY KEY,
    view_id INTEGER NOT NULL REFERENCES saved_view (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX start_view_of ON start_view (view_id);

-- Writes that may be sent again: by actor and key the SHA-256 of what was asked, and the answer as JSON.
CREATE TABLE write_key (
    owner   TEXT    NOT NULL,
    key     TEXT    NOT NULL,
    request BLOB    NOT NULL CHECK (length(request) = 32),
    answer  TEXT    NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT;
CREATE INDEX write_key_at ON write_key (at_ms);
