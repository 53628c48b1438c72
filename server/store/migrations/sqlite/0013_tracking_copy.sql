-- Our copy of the experiments and runs of an MLflow, so that a restart shows them at once. There is one copy; its source is the address of
-- what was copied. A body is JSON packed with zstd.
CREATE TABLE tracking_copy (
    source   TEXT PRIMARY KEY,
    progress TEXT NOT NULL,
    as_of_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE tracking_experiment (
    id   TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE tracking_run (
    id   TEXT PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
