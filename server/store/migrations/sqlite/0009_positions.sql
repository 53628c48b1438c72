-- A position is its reader's own affair: what it wrote, as JSON, instead of a column for each number. Numbers of 64 bits are
-- signed, as they were in the columns.
CREATE TABLE position (
    id    INTEGER PRIMARY KEY,
    state TEXT    NOT NULL
) STRICT;
INSERT INTO position SELECT id, json_object(
    'path', path, 'device', device, 'inode', inode, 'offset', position, 'lines', lines, 'loose', loose, 'print', print,
    'size', size, 'changed', changed_ms, 'rejects', rejects, 'gone', gone_ms) FROM tail;
DROP TABLE tail;
ALTER TABLE position RENAME TO tail;
