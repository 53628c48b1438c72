-- How many rows a source has taken back, and what became of single items of a source, such as runs: text that their reader alone reads.
ALTER TABLE source ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;

CREATE TABLE source_item (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    item  TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, name, item)
) STRICT;
