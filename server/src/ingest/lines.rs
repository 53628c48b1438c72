//! Reads one input, row by row. A line is never held beyond the size that a record may have, however long it is.
#![expect(clippy::disallowed_methods, reason = "files are read on blocking threads: all of this is called there")]

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{
    error::Sentence,
    ports::{Clock, ReceivedRecord},
    record::{MAX_LINE_BYTES, Record, Refusal},
};

use super::{
    chunk::{Chunk, ReadTable, parse},
    files::{Format, Input},
    refused_rows::RefusedRow,
    sentences,
};

/// Of a line that is too long, so much is kept for `rejected/`.
const LONG_LINE_PREFIX_BYTES: usize = 4_096;

/// Reads everything in chunks of about `batch` rows; `send` says whether to go on.
///
/// # Errors
/// Why the input cannot be read further, in words. What was handed over before stays.
pub fn read(
    input: &Input,
    tables: ReadTable,
    clock: &dyn Clock,
    batch: usize,
    mut send: impl FnMut(Chunk) -> bool,
) -> Result<(), Sentence> {
    match input {
        Input::Stdin => lines(std::io::stdin().lock(), &Arc::default(), clock, batch, send),
        Input::File { path, format: Format::Parquet, bytes } => {
            let mut chunk = Chunk { arrivals: vec![], refused: vec![], bytes: 0 };
            let mut alive = true;
            let read = tables(path, clock, &mut |rows| {
                for (line, record) in rows {
                    match record {
                        Ok(record) => chunk.arrivals.push(ReceivedRecord { record, line }),
                        Err((refusal, row)) => chunk.refused.push(RefusedRow { line, refusal, row }),
                    }
                }
                if chunk.rows() >= batch {
                    let full = std::mem::replace(&mut chunk, Chunk { arrivals: vec![], refused: vec![], bytes: 0 });
                    alive = send(full);
                }
                alive
            });
            chunk.bytes = *bytes;
            send(chunk);
            read
        }
        Input::File { path, format, .. } => {
            let file = File::open(path).map_err(|e| Sentence::from_io(&e))?;
            let read = Arc::new(AtomicU64::new(0));
            let counted = CountingReader { inner: file, read: read.clone() };
            match format {
                Format::LinesGz => {
                    let plain = flate2::read::MultiGzDecoder::new(BufReader::with_capacity(1 << 17, counted));
                    lines(BufReader::with_capacity(1 << 17, plain), &read, clock, batch, send)
                }
                Format::LinesZst => {
                    let plain = zstd::Decoder::new(counted).map_err(|e| Sentence::from_io(&e))?;
                    lines(BufReader::with_capacity(1 << 17, plain), &read, clock, batch, send)
                }
                _ => lines(BufReader::with_capacity(1 << 17, counted), &read, clock, batch, send),
            }
        }
    }
}

fn lines(
    reader: impl BufRead,
    read: &Arc<AtomicU64>,
    clock: &dyn Clock,
    batch: usize,
    mut send: impl FnMut(Chunk) -> bool,
) -> Result<(), Sentence> {
    let mut lines = LineReader::new(reader, 0);
    loop {
        let mut chunk = Chunk { arrivals: Vec::with_capacity(batch), refused: vec![], bytes: 0 };
        let mut end = false;
        let mut failure = None;
        while chunk.rows() < batch {
            match lines.find() {
                Ok(None) => {
                    end = true;
                    break;
                }
                Err(e) => {
                    failure = Some(sentences::after_line(lines.number, &Sentence::from_io(&e)));
                    break;
                }
                Ok(Some(found)) => lines.parse_into(found, clock, &mut chunk),
            }
        }
        chunk.bytes = read.load(Ordering::Relaxed);
        let alive = send(chunk);
        if let Some(failure) = failure {
            return Err(failure);
        }
        if end || !alive {
            return Ok(());
        }
    }
}

/// Cuts an input into lines; holds one at a time, and of that at most one byte more than a record may have.
pub struct LineReader<R> {
    reader: R,
    line: Vec<u8>,
    /// Lines found so far, counted on from where the reading began.
    pub number: u64,
}

/// A line that was found: its true length without its newline, and whether it had one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FoundLine {
    pub length: usize,
    pub whole: bool,
}

impl FoundLine {
    /// Bytes up to the next line.
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.length as u64 + u64::from(self.whole)
    }
}

impl<R: BufRead> LineReader<R> {
    pub fn new(reader: R, number: u64) -> Self {
        Self { reader, line: Vec::with_capacity(1_024), number }
    }

    /// Finds the next line; `None` at the end of the input.
    pub fn find(&mut self) -> std::io::Result<Option<FoundLine>> {
        let found = next_line(&mut self.reader, &mut self.line)?;
        self.number += u64::from(found.is_some());
        Ok(found)
    }

    /// Parses the line that was found last. An empty line is nothing.
    pub fn parse(&self, found: FoundLine, clock: &dyn Clock) -> Option<Result<Record, Refusal>> {
        if found.length > MAX_LINE_BYTES {
            let message = format!("the line has {} bytes, more than {MAX_LINE_BYTES}", found.length);
            return Some(Err(Refusal { code: "too_long", message }));
        }
        (!self.line.iter().all(u8::is_ascii_whitespace)).then(|| parse(&self.line, clock))
    }

    /// Parses the line that was found last, and puts it where it belongs.
    pub fn parse_into(&self, found: FoundLine, clock: &dyn Clock, chunk: &mut Chunk) {
        match self.parse(found, clock) {
            None => {}
            Some(Ok(record)) => chunk.arrivals.push(ReceivedRecord { record, line: self.number }),
            Some(Err(refusal)) => {
                let too_long = found.length > MAX_LINE_BYTES;
                let kept =
                    if too_long { &self.line[..LONG_LINE_PREFIX_BYTES.min(self.line.len())] } else { &self.line };
                let row = String::from_utf8_lossy(kept).into_owned();
                chunk.refused.push(RefusedRow { line: self.number, refusal, row });
            }
        }
    }

    /// Whether the line that was found last is a whole JSON object: more of it could only make it worse.
    pub fn is_complete(&self, found: FoundLine) -> bool {
        found.length <= MAX_LINE_BYTES
            && self.line.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<serde::de::IgnoredAny>(&self.line).is_ok()
    }
}

fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<Option<FoundLine>> {
    line.clear();
    let mut length = 0;
    loop {
        let available = match reader.fill_buf() {
            Ok(b) => b,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        if available.is_empty() {
            return Ok((length > 0).then_some(FoundLine { length, whole: false }));
        }
        let newline = available.iter().position(|b| *b == b'\n');
        let part = &available[..newline.unwrap_or(available.len())];
        let room = (MAX_LINE_BYTES + 1).saturating_sub(line.len());
        line.extend_from_slice(&part[..part.len().min(room)]);
        length += part.len();
        let used = part.len() + usize::from(newline.is_some());
        reader.consume(used);
        if newline.is_some() {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(Some(FoundLine { length, whole: true }));
        }
    }
}

/// Counts the bytes that were taken from a file, before they are unpacked.
struct CountingReader<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> Vec<(usize, usize)> {
        let mut reader = BufReader::with_capacity(7, text);
        let mut line = Vec::new();
        let mut found = Vec::new();
        while let Ok(Some(f)) = next_line(&mut reader, &mut line) {
            found.push((f.length, line.len()));
        }
        found
    }

    #[test]
    fn lines_are_cut_at_newlines_and_the_last_needs_none() {
        assert_eq!(all(b"abc\n\ndefghijklmn\r\nlast"), [(3, 3), (0, 0), (12, 11), (4, 4)]);
        assert_eq!(all(b""), []);
    }

    #[test]
    fn a_huge_line_is_counted_but_not_held() {
        let mut text = vec![b'x'; 10_000_000];
        text.extend_from_slice(b"\nnext");
        assert_eq!(all(&text), [(10_000_000, MAX_LINE_BYTES + 1), (4, 4)]);
    }
}
