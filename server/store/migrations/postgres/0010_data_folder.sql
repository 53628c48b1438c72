-- Which data folder this database belongs to, a number of its own, and that of the database of which it is a copy. The folder
-- holds the first two in folder.json: no database is used with records that it does not know (docs/adr/0007).
CREATE TABLE data_folder (
    only_row    BIGINT  PRIMARY KEY CHECK (only_row = 1),
    folder_id   TEXT NOT NULL,
    database_id TEXT NOT NULL,
    copied_from TEXT
);
