-- Who may sign in. Of tokens and of the secrets of sessions only the SHA-256 is kept. Times are UTC milliseconds.
CREATE TABLE access_state (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    -- Moves with every change after which somebody may do more or less than before.
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO access_state VALUES (1, 0);

-- Revoked tokens stay, so that it is known who had one.
CREATE TABLE token (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL,
    role       TEXT    NOT NULL CHECK (role IN ('viewer', 'operator')),
    hash       BLOB    NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_ms INTEGER NOT NULL,
    used_ms    INTEGER,
    revoked_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX token_live_name ON token (name) WHERE revoked_ms IS NULL;

-- A session of a token, or of the operator's token: that is not kept, but an HMAC by it of the session's secret.
CREATE TABLE session (
    hash       BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    token      INTEGER REFERENCES token (id),
    proof      BLOB    CHECK (length(proof) = 32),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL CHECK (expires_ms > created_ms),
    CHECK ((token IS NULL) <> (proof IS NULL))
) STRICT;
CREATE INDEX session_token ON session (token) WHERE token IS NOT NULL;
CREATE INDEX session_expires ON session (expires_ms);
