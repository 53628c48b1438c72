-- How far each file of the watched folder has been taken. Moves in the transaction that publishes the rows.
CREATE TABLE tail (
    id         INTEGER PRIMARY KEY,
    path       TEXT    NOT NULL,
    device     INTEGER NOT NULL,
    inode      INTEGER NOT NULL,
    -- Bytes and lines up to the next line; bytes behind it taken as a last line without a newline.
    position   INTEGER NOT NULL,
    lines      INTEGER NOT NULL,
    loose      INTEGER NOT NULL,
    -- Hash of the first bytes, as many as were taken but at most 1024; unsigned, kept as signed.
    print      INTEGER NOT NULL,
    size       INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    rejects    INTEGER NOT NULL,
    gone_ms    INTEGER
) STRICT;
