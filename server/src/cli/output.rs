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

impl Format {
    /// Prints `value` as JSON or `rows` as CSV or as a table.
    ///
    /// # Errors
    /// When standard output is closed for other reasons than that nobody reads on.
    pub fn print(&self, value: &impl Serialize, rows: &OutputTable) -> Result<()> {
        let text = if self.json {
            serde_json::to_string_pretty(value)
                .map_err(|e| Error::internal(Sentence::only_english("cannot print")).with_detail(e))?
        } else if self.csv {
            let head: Vec<&str> = rows.head.iter().map(|h| h.0).collect();
            crate::http::csv::to_csv(&head, &rows.rows)
        } else {
            table(rows)
        };
        print(&text)
    }
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

fn table(rows: &OutputTable) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(rows.head.iter().map(|h| h.0));
    for row in &rows.rows {
        table.add_row(row);
    }
    for (i, (_, align)) in rows.head.iter().enumerate() {
        if let (Some(column), Align::Right) = (table.column_mut(i), *align) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
