-- Registered comparisons. A row is never changed: another one takes its place and names it. In force is the one that no other names. The question
-- is kept as the SHA-256 of its text: names are long, and an index takes only so many bytes. Of each question one names no other, and one is named
-- by one at most: so they are a chain, whoever writes at the same time.
CREATE TABLE comparison (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    question      BLOB    NOT NULL CHECK (length(question) = 32),
    supersedes    INTEGER UNIQUE REFERENCES comparison (id),
    -- The registration as JSON.
    body          TEXT    NOT NULL,
    registered_ms INTEGER NOT NULL,
    CHECK (supersedes < id)
) STRICT;
CREATE UNIQUE INDEX comparison_first ON comparison (question) WHERE supersedes IS NULL;
CREATE INDEX comparison_question ON comparison (question);

-- On which days, counted from 1970-01-01 UTC, somebody looked.
CREATE TABLE comparison_look (
    comparison INTEGER NOT NULL REFERENCES comparison (id),
    day        INTEGER NOT NULL,
    PRIMARY KEY (comparison, day)
) STRICT;

-- The judgement as JSON; made once, and it stays.
CREATE TABLE comparison_verdict (
    comparison INTEGER PRIMARY KEY REFERENCES comparison (id),
    body       TEXT    NOT NULL,
    made_ms    INTEGER NOT NULL
) STRICT;

-- What the versions of a model are judged by, as JSON; the model is a key without a version.
CREATE TABLE model_policy (
    model      TEXT    PRIMARY KEY,
    body       TEXT    NOT NULL,
    -- Moves with every change, also with two in one millisecond: whoever changes it names the one that they saw.
    changed_ms INTEGER NOT NULL,
    changed_by TEXT    NOT NULL
) STRICT;
