//! How commands print: a table for people, JSON or CSV for programs.

use clap::Args;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use domain::{Error, Result, error::Sentence};
use serde::Serialize;

#[derive(Debug, Clone, Copy, Args)]
#[group(multiple = false)]
pub struct Format {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print CSV
    #[arg(long)]
    pub csv: bool,
}

/// Columns with their alignment, and rows of cells.
#[derive(Debug, Default)]
pub struct OutputTable {
    pub head: Vec<(&'static str, Align)>,
    pub rows: Vec<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// A heading with the alignment of its column.
pub type Head = (String, Align);

impl Format {
    /// Prints `value` as JSON or `rows` as CSV or as a table.
    ///
    /// # Errors
    /// When standard output is closed for other reasons than that nobody reads on.
    pub fn print(&self, value: &impl Serialize, rows: &OutputTable) -> Result<()> {
        let head: Vec<Head> = rows.head.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect();
        self.print_table(value, &head, &rows.rows)
    }

    /// The same with headings that are known when it runs.
    ///
    /// # Errors
    /// As [`Format::print`].
    pub fn print_table(&self, value: &impl Serialize, head: &[Head], rows: &[Vec<String>]) -> Result<()> {
        if self.json {
            return print_json(value);
        }
        if self.csv {
            let head: Vec<&str> = head.iter().map(|h| h.0.as_str()).collect();
            return print(&crate::http::csv::to_csv(&head, rows));
        }
        print(&table(head, rows))
    }
}

/// Prints a value as JSON.
///
/// # Errors
/// As [`Format::print`].
pub fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|e| Error::internal(Sentence::only_english("cannot print")).with_detail(e))?;
    print(&text)
}

/// Prints a text and a line end; a reader that has gone away is no error.
pub fn print(text: &str) -> Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{}", text.trim_end_matches('\n')) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::unavailable(Sentence::only_english(format!("cannot print: {e}"))))
        }
        _ => Ok(()),
    }
}

/// Text for a terminal, without what would steer it: control characters and marks of direction are written out.
#[must_use]
pub fn harmless(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// The most characters of a name or a value in a table: one that is longer would push everything else out of sight.
const MAX_CELL: usize = 60;

/// The beginning of a text that somebody else wrote, for a table.
#[must_use]
pub fn clipped(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_CELL - 1).chain(['…']).collect(),
    }
}

/// A table for people.
#[must_use]
pub fn table(head: &[Head], rows: &[Vec<String>]) -> String {
    let mut table = plain_table(head);
    for row in rows {
        table.add_row(row.iter().map(|cell| harmless(cell)));
    }
    table.trim_fmt()
}

/// A table without rows, as all tables of the command line look.
#[must_use]
pub fn plain_table(head: &[Head]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().map(|h| harmless(&h.0)));
    for (i, (_, align)) in head.iter().enumerate() {
        if let (Some(column), Align::Right) = (table.column_mut(i), *align) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Align, MAX_CELL, clipped, harmless, table};

    #[test]
    fn a_long_name_keeps_its_beginning() {
        assert_eq!(clipped("short"), "short");
        let (longest, longer) = ("é".repeat(MAX_CELL), "é".repeat(5_000));
        assert_eq!(clipped(&longest), longest);
        assert_eq!(clipped(&longer), format!("{}…", "é".repeat(MAX_CELL - 1)));
    }

    #[test]
    fn nothing_steers_the_terminal_and_wide_letters_take_two_columns() {
        assert_eq!(harmless("a\x1b[31m\u{202E}b\n"), "a\\u{1b}[31m\\u{202e}b\\n");
        assert_eq!(harmless("부산 é 🚀"), "부산 é 🚀");
        let head = [("name".to_owned(), Align::Left), ("n".to_owned(), Align::Right)];
        let drawn = table(&head, &[vec!["부산".into(), "1".into()], vec!["abcd".into(), "22".into()]]);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines[1].replace("부산", "abcd"), lines[2].replace("22", " 1"));
    }
}
