//! What is known of the file of a metric: its last value and the extremes of its history. Lines are only ever added, so a file that
//! grew is read from where it ended.

use std::{
    cmp::Ordering,
    fs::{File, Metadata},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    time::SystemTime,
};

use domain::{
    time::Millis,
    tracking::{Extremes, MetricPoint, RunMetric, Text},
};

/// The longest line, in bytes. MLflow's own have some sixty, with a dataset some hundreds.
const LONGEST_LINE: u64 = 4096;

/// Tells whether a file has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    changed: Option<SystemTime>,
    size: u64,
}

impl Stamp {
    pub fn of(seen: &Metadata) -> Self {
        Self { changed: seen.modified().ok(), size: seen.len() }
    }
}

/// What was read of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct MetricFile {
    stamp: Option<Stamp>,
    /// Behind the last whole line.
    read_to: u64,
    /// Length and hash of that line: another one there means another file.
    tail: (u64, u64),
    last: Option<MetricPoint>,
    /// Smallest and largest value, NaN left out.
    range: Option<(f64, f64)>,
    points: u64,
}

impl MetricFile {
    pub fn is_fresh(&self, stamp: Stamp) -> bool {
        self.stamp == Some(stamp)
    }

    /// Reads what was added.
    ///
    /// # Errors
    /// When it cannot be read; then it is as it was.
    pub fn refresh(&mut self, mut file: File) -> io::Result<()> {
        let stamp = Stamp::of(&file.metadata()?);
        let mut seen = if self.continues(&mut file, stamp.size)? { self.clone() } else { Self::default() };
        file.seek(SeekFrom::Start(seen.read_to))?;
        each_line(BufReader::with_capacity(32 << 10, file), |line| {
            seen.read_to += line.len() as u64;
            seen.tail = (line.len() as u64, hash(line));
            if let Some(point) = parse_line(line) {
                seen.add(point);
            }
            true
        })?;
        seen.stamp = Some(stamp);
        *self = seen;
        Ok(())
    }

    /// Whether the file still begins with what was read.
    fn continues(&self, file: &mut File, size: u64) -> io::Result<bool> {
        if size < self.read_to {
            return Ok(false);
        }
        let mut line = vec![0; usize::try_from(self.tail.0).unwrap_or(0)];
        file.seek(SeekFrom::Start(self.read_to - self.tail.0))?;
        file.read_exact(&mut line)?;
        Ok(line.is_empty() || hash(&line) == self.tail.1)
    }

    fn add(&mut self, point: MetricPoint) {
        // The last value is that of the highest step, as in MLflow.
        if self.last.is_none_or(|last| order(&last, &point) != Ordering::Greater) {
            self.last = Some(point);
        }
        if !point.value.is_nan() {
            let (min, max) = self.range.unwrap_or((point.value, point.value));
            self.range = Some((min.min(point.value), max.max(point.value)));
        }
        self.points += 1;
    }

    /// `None` before the first whole line.
    pub fn metric(&self, key: &Text) -> Option<RunMetric> {
        let MetricPoint { step, timestamp, value } = self.last?;
        let extremes = self.range.map(|(min, max)| Extremes { min, max, points: self.points });
        Some(RunMetric { key: key.clone(), value, step, timestamp, extremes })
    }
}

/// The points of a file in the order in which they were logged: by timestamp and step. `None` when there are more than `most`.
///
/// # Errors
/// When it cannot be read.
pub(super) fn history(file: File, most: usize) -> io::Result<Option<Vec<MetricPoint>>> {
    let mut points = Vec::new();
    each_line(BufReader::with_capacity(256 << 10, file), |line| {
        points.extend(parse_line(line));
        points.len() <= most
    })?;
    points.sort_by_key(|p| (p.timestamp, p.step));
    Ok((points.len() <= most).then_some(points))
}

/// Hands on every whole line, with its end, until `take` says no. One that is being written has no end yet and is left for later, as is
/// everything behind a line that is none of MLflow's by its length.
fn each_line(mut reader: impl BufRead, mut take: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut line = Vec::with_capacity(128);
    loop {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') || !take(&line) {
            return Ok(());
        }
    }
}

/// `timestamp value [step [dataset digest]]`.
fn parse_line(line: &[u8]) -> Option<MetricPoint> {
    let text = std::str::from_utf8(line).ok()?;
    let mut parts = text.split_ascii_whitespace();
    let (timestamp, value) = (parts.next()?.parse().ok()?, parts.next()?.parse::<f64>().ok()?);
    let step = parts.next().map_or(Some(0), |s| s.parse().ok())?;
    // As MLflow's databases keep infinities.
    let value = if value.is_infinite() { f64::MAX.copysign(value) } else { value };
    Some(MetricPoint { step, timestamp: Millis(timestamp), value })
}

fn order(a: &MetricPoint, b: &MetricPoint) -> Ordering {
    let by_value = a.value.partial_cmp(&b.value).unwrap_or_else(|| b.value.is_nan().cmp(&a.value.is_nan()));
    (a.step, a.timestamp).cmp(&(b.step, b.timestamp)).then(by_value)
}

fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test waits for its own files")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_growing_file_is_read_once_and_a_torn_line_later() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loss");
        let mut known = MetricFile::default();
        let mut read = |text: &str| {
            fs::write(&path, text).expect("a file");
            known.refresh(File::open(&path).expect("a file")).expect("read");
            known.metric(&"loss".into()).map(|m| (m.value, m.step, m.extremes.map(|e| (e.min, e.max, e.points))))
        };
        assert_eq!(read(""), None);
        assert_eq!(read("5 0.5 0"), None, "it is being written");
        assert_eq!(read("5 0.5 0\n"), Some((0.5, 0, Some((0.5, 0.5, 1)))));
        assert_eq!(read("5 0.5 0\n6 0.25 1\n7 0.1"), Some((0.25, 1, Some((0.25, 0.5, 2)))));
        assert_eq!(read("5 0.5 0\n6 0.25 1\n7 0.125 2\n8 9 1\n"), Some((0.125, 2, Some((0.125, 9.0, 4)))));
        let other = "5 -1 0\nbroken\n9 nan 3\n10 -inf 2 a b\n";
        let expected = Some((-f64::MAX, -1.0, 3));
        assert!(read(other).is_some_and(|(value, step, range)| value.is_nan() && step == 3 && range == expected));
        assert_eq!(read("1 nan\n").map(|m| (m.1, m.2)), Some((0, None)), "a shorter file is another one");
    }

    #[test]
    fn a_history_is_in_order_of_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("loss");
        fs::write(&path, "9 3 3\n5 1 1\n5 0 0\n6 x 1\n7 2").expect("a file");
        let open = || File::open(&path).expect("a file");
        let values =
            |most| history(open(), most).expect("points").map(|p| p.iter().map(|p| p.value).collect::<Vec<_>>());
        assert_eq!((values(3), values(2)), (Some(vec![0.0, 1.0, 3.0]), None));
    }
}
