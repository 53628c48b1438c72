-- What each of the last commits did, so that whoever follows reads the difference and not the whole: numbers of files as JSON,
-- and which days, places and metrics it touched. A generation that has no row here has to be followed by reading everything.
CREATE TABLE lake_change (
    generation INTEGER PRIMARY KEY,
    published  TEXT    NOT NULL,
    retired    TEXT    NOT NULL,
    touched    TEXT    NOT NULL
) STRICT;
