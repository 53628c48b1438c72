//! The state as one portable file: JSON Lines packed with zstd. The first line says what is in it, then come the rows table by
//! table, and the last line is the SHA-256 of all lines before it.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use domain::{Error, Result, error::Sentence};
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    DatabaseIdentity, Location, binding, random, sentences,
    tables::{Cell, Column, ColumnType, TABLES, Table},
    transfer::{CopyTarget, TableCount, begin_read_of_folder},
};

const FORMAT: &str = "guardianflow state";
/// Grows when an older program could not read the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    /// Of the tables.
    schema: i64,
    /// The data folder, and the database that was written down.
    folder: String,
    database: String,
    tables: Vec<TableHeader>,
}

#[derive(Serialize, Deserialize)]
struct TableHeader {
    table: String,
    columns: Vec<String>,
    rows: u64,
    /// The last number given in the column `id`, where the database gives them.
    counter: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct Footer {
    sha256: String,
}

/// Writes all tables of a data folder's database, as they are at one moment.
///
/// # Errors
/// `Unavailable` when the database cannot be read, or the output takes no more.
pub async fn backup(from: &Location, folder: &Path, out: &mut (dyn Write + Send)) -> Result<Vec<TableCount>> {
    let unwritten = |e: io::Error| Error::unavailable(sentences::backup_not_written()).with_detail(e);
    let (mut source, identity) = begin_read_of_folder(from, folder).await?;
    let mut tables = vec![];
    for table in TABLES {
        tables.push(TableHeader {
            table: table.name.to_owned(),
            columns: table.columns.iter().map(|c| c.name.to_owned()).collect(),
            rows: source.count(table).await?,
            counter: if table.counter { Some(source.counter(table).await?) } else { None },
        });
    }
    let head = Header {
        format: FORMAT.to_owned(),
        version: VERSION,
        schema: from.newest_schema(),
        folder: identity.folder,
        database: identity.database,
        tables,
    };
    let mut packed = zstd::Encoder::new(out, 3).map_err(unwritten)?;
    let mut hash = Sha256::new();
    let mut line = |packed: &mut zstd::Encoder<'_, _>, value: &Value| {
        let text = format!("{value}\n");
        hash.update(text.as_bytes());
        packed.write_all(text.as_bytes())
    };
    line(&mut packed, &serde_json::json!(head)).map_err(unwritten)?;
    for table in TABLES {
        let mut rows = source.rows(table);
        while let Some(cells) = rows.try_next().await? {
            let cells: Vec<Value> = cells.into_iter().map(json).collect();
            line(&mut packed, &Value::from(cells)).map_err(unwritten)?;
        }
    }
    let tail = Footer { sha256: hex(&hash.finalize()) };
    writeln!(packed, "{}", serde_json::json!(tail)).map_err(unwritten)?;
    packed.finish().map_err(unwritten)?;
    Ok(head.tables.into_iter().map(|t| TableCount { table: t.table, rows: t.rows }).collect())
}

/// Reads a backup into an empty database, for this data folder. The file is read to its end before anything is written.
///
/// # Errors
/// `BadInput` when the file is none of ours, damaged or cut off, of another data folder, or the database is not empty; `Unavailable` when
/// something cannot be read or written. Then the database stays empty.
pub async fn restore(path: &Path, to: &Location, folder: &Path) -> Result<Vec<TableCount>> {
    let whole = BackupReader::begin(path, to)?;
    let found = (whole.head.folder.clone(), whole.head.database.clone());
    whole.read_to_end(path)?;
    let written = binding::read(folder).await?;
    if written.as_ref().is_some_and(|f| f.folder != found.0) {
        let (path, folder) = (path.display(), folder.display());
        return Err(Error::bad_input(sentences::other_backup(path, folder)));
    }
    let mut target = CopyTarget::open(to).await?;
    let mut reading = BackupReader::begin(path, to)?;
    while let Some((table, columns, cells)) = reading.row(path)? {
        target.tables.insert(table, &columns, cells).await?;
    }
    let mut counts = reading.counts();
    counts.extend(target.seed_missing(&counts).await?);
    for (head, table) in reading.head.tables.iter().filter_map(|h| Some((h, known(&h.table)?))) {
        if let Some(last) = head.counter.filter(|_| table.counter) {
            target.tables.set_counter(table, last).await?;
        }
    }
    // The folder takes it into use when it is opened, if it knows all files that are there.
    let in_use = match written {
        Some(f) => f.database,
        None => {
            let in_use = random::id()?;
            let id = binding::FolderId { folder: found.0.clone(), database: in_use.clone() };
            binding::write(folder, id).await?;
            in_use
        }
    };
    let identity = DatabaseIdentity { folder: found.0, database: random::id()?, copied_from: Some(in_use) };
    target.finish(&identity, &counts).await?;
    Ok(counts)
}

fn known(table: &str) -> Option<&'static Table> {
    TABLES.iter().find(|t| t.name == table)
}

/// A backup on its way in, line by line.
struct BackupReader {
    lines: BufReader<zstd::Decoder<'static, BufReader<File>>>,
    hash: Sha256,
    head: Header,
    /// The table whose rows come now, and how many of them have come.
    at: (usize, u64),
}

type BackupRow = (&'static Table, Vec<&'static Column>, Vec<Cell>);

impl BackupReader {
    #[expect(clippy::disallowed_methods, reason = "of the command line, which serves nobody meanwhile")]
    fn begin(path: &Path, to: &Location) -> Result<Self> {
        let unread = |e: io::Error| {
            Error::bad_input(sentences::backup_not_read(path.display(), &Sentence::from_io(&e))).with_detail(e)
        };
        let packed = zstd::Decoder::new(File::open(path).map_err(unread)?).map_err(unread)?;
        let (mut lines, mut hash) = (BufReader::new(packed), Sha256::new());
        let none_of_ours = |detail: String| {
            let path = path.display();
            Error::bad_input(sentences::no_backup(path)).with_detail(detail)
        };
        let line = line(&mut lines).map_err(|e| none_of_ours(e.to_string()))?;
        hash.update(&line);
        let head: Header = serde_json::from_slice(&line).map_err(|e| none_of_ours(e.to_string()))?;
        if head.format != FORMAT {
            return Err(none_of_ours(head.format));
        }
        let (found, ours) = (head.schema, to.newest_schema());
        if head.version > VERSION || found > ours {
            return Err(crate::error::schema_too_new(&path.display().to_string(), found, ours));
        }
        let fits = |h: &TableHeader| {
            known(&h.table).is_some_and(|t| h.columns.iter().all(|c| t.columns.iter().any(|k| k.name == *c)))
        };
        if !head.tables.iter().all(fits) {
            return Err(none_of_ours("a table or column that nobody knows".to_owned()));
        }
        Ok(Self { lines, hash, head, at: (0, 0) })
    }

    /// The next row; `None` at the end, when everything was there as it was written.
    fn row(&mut self, path: &Path) -> Result<Option<BackupRow>> {
        let damaged = |detail: String| {
            let path = path.display();
            Error::bad_input(sentences::backup_damaged(path)).with_detail(detail)
        };
        while self.head.tables.get(self.at.0).is_some_and(|t| t.rows == self.at.1) {
            self.at = (self.at.0 + 1, 0);
        }
        let line = line(&mut self.lines).map_err(|e| damaged(e.to_string()))?;
        let Some(of) = self.head.tables.get(self.at.0) else {
            let tail: Footer = serde_json::from_slice(&line).map_err(|e| damaged(e.to_string()))?;
            if tail.sha256 != hex(&self.hash.clone().finalize()) {
                return Err(damaged("the checksum is another".to_owned()));
            }
            // To the end of the packed stream, which has a frame of its own to close.
            return match self.lines.fill_buf() {
                Ok([]) => Ok(None),
                Ok(_) => Err(damaged("it goes on behind its end".to_owned())),
                Err(e) => Err(damaged(e.to_string())),
            };
        };
        self.hash.update(&line);
        self.at.1 += 1;
        let values: Vec<Value> = serde_json::from_slice(&line).map_err(|e| damaged(e.to_string()))?;
        let table = known(&of.table).ok_or_else(|| damaged(of.table.clone()))?;
        let columns: Vec<&'static Column> =
            of.columns.iter().filter_map(|c| table.columns.iter().find(|k| k.name == *c)).collect();
        let cells: Option<Vec<Cell>> =
            columns.iter().zip(&values).map(|(column, value)| cell(column.kind, value)).collect();
        match cells {
            Some(cells) if values.len() == columns.len() => Ok(Some((table, columns, cells))),
            _ => Err(damaged(format!("a row of {} is none", of.table))),
        }
    }

    fn read_to_end(mut self, path: &Path) -> Result<()> {
        while self.row(path)?.is_some() {}
        Ok(())
    }

    fn counts(&self) -> Vec<TableCount> {
        self.head.tables.iter().map(|t| TableCount { table: t.table.clone(), rows: t.rows }).collect()
    }
}

/// A line with its end.
fn line(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    from.read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

fn json(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Int(n) => n.into(),
        Cell::Text(text) => text.into(),
        Cell::Bytes(bytes) => hex(&bytes).into(),
    }
}

fn cell(kind: ColumnType, value: &Value) -> Option<Cell> {
    match (kind, value) {
        (_, Value::Null) => Some(Cell::Null),
        (ColumnType::Int, Value::Number(n)) => n.as_i64().map(Cell::Int),
        (ColumnType::Text, Value::String(text)) => Some(Cell::Text(text.clone())),
        (ColumnType::Bytes, Value::String(text)) => unhex(text).map(Cell::Bytes),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |n: u8| char::from(DIGITS[usize::from(n)]);
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_comes_back_as_it_was() {
        for (kind, value) in [
            (ColumnType::Int, Cell::Int(i64::MIN)),
            (ColumnType::Int, Cell::Int(i64::MAX)),
            (ColumnType::Text, Cell::Text("부산 \"x\"\n\u{0}".into())),
            (ColumnType::Bytes, Cell::Bytes((0..=255).collect())),
            (ColumnType::Bytes, Cell::Bytes(vec![])),
            (ColumnType::Text, Cell::Null),
        ] {
            let text = json(value.clone()).to_string();
            assert_eq!(cell(kind, &serde_json::from_str(&text).expect("JSON")), Some(value));
        }
        assert_eq!((unhex("0"), unhex("0g"), unhex("ü")), (None, None, None));
    }
}
