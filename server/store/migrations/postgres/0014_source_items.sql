-- How many rows a source has taken back, and what became of single items of a source, such as runs: text that their reader alone reads.
ALTER TABLE source ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;

CREATE TABLE source_item (
    kind  TEXT COLLATE "C" NOT NULL,
    name  TEXT COLLATE "C" NOT NULL,
    item  TEXT COLLATE "C" NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, name, item)
);
