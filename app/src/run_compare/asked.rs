//! What the address of a comparison asks for.

use domain::{
    Error, Result,
    scope::clip_text,
    tracking::{Column, search::AskedSort},
};

use super::sentences;
use crate::{panels::curve::CurveStyle, shell::plain_query::PlainQuery, ui::pages};

/// The keys of the page. Those of the list of runs whose form leads here are known and mean nothing.
pub(super) const KEYS: [&str; 24] = [
    "ids",
    "without",
    "baseline",
    "metric",
    "diff",
    "layout",
    "find",
    "sort",
    "page",
    "curve",
    "axis",
    "scale",
    "smooth",
    "x",
    "y",
    "brush_of",
    "brush_low",
    "brush_high",
    "filter",
    "cols",
    "reading",
    "group",
    "rows",
    "edit",
];
/// Keys that may come several times.
pub(super) const LISTS: [&str; 2] = ["pick", "brush"];
/// Keys of the list of runs.
const ELSEWHERE: [&str; 6] = ["filter", "cols", "reading", "group", "rows", "edit"];

/// How the table lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// A column for each run.
    Columns,
    /// A row for each run.
    Rows,
}

/// Runs of whose column values lie outside of this are greyed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Brush {
    pub column: Column,
    pub low: f64,
    pub high: f64,
}

pub(super) struct Asked {
    pub runs: Vec<String>,
    pub baseline: Option<String>,
    pub metric: Option<String>,
    /// Rows on which all runs agree are hidden.
    pub differing: bool,
    /// `None` for what suits their number.
    pub layout: Option<Layout>,
    pub find: String,
    pub sort: Option<AskedSort>,
    pub page: usize,
    pub curve: Option<String>,
    pub style: CurveStyle,
    pub x: Option<Column>,
    pub y: Option<Column>,
    pub brushes: Vec<Brush>,
}

impl Asked {
    /// What cannot be read is taken out of the query and said on the page. Runs that a form selected are put to the others, so that
    /// every link of the page names all of them in one key.
    pub(super) fn read(a: &mut PlainQuery) -> Self {
        ELSEWHERE.iter().for_each(|key| a.forget(key));
        let listed = a.get("ids").unwrap_or_default().to_owned();
        let listed = listed.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned);
        let mut runs: Vec<String> = listed.chain(a.all("pick").map(str::to_owned)).collect();
        let mut seen = std::collections::HashSet::new();
        runs.retain(|id| seen.insert(id.clone()));
        a.forget("pick");
        // One that a button takes out; ids of the address may be the beginnings of whole ones.
        if let Some(out) = a.get("without").map(str::to_owned) {
            runs.retain(|id| !out.starts_with(&**id));
            if a.get("baseline").is_some_and(|b| out.starts_with(b)) {
                a.forget("baseline");
            }
        }
        a.forget("without");
        a.put("ids", runs.join(","));
        let brushes = brushes(a);
        Self {
            runs,
            baseline: a.get("baseline").map(str::to_owned),
            metric: a.get("metric").map(str::to_owned),
            differing: a
                .understand("diff", |text| match text {
                    "1" => Ok(()),
                    other => Err(Error::bad_input(sentences::bad_diff(clip_text(other)))),
                })
                .is_some(),
            layout: a.understand("layout", |text| match text {
                "columns" => Ok(Layout::Columns),
                "rows" => Ok(Layout::Rows),
                other => Err(Error::bad_input(sentences::bad_layout(clip_text(other)))),
            }),
            find: a.looked_for("find"),
            sort: a.understand("sort", |text| Ok(AskedSort::parse(text)?)),
            page: a.understand("page", pages::read).unwrap_or(1),
            curve: a.get("curve").map(str::to_owned),
            style: CurveStyle {
                axis: a.understand("axis", CurveStyle::read_axis).unwrap_or_default(),
                log_scale: a.understand("scale", CurveStyle::read_scale).unwrap_or_default(),
                smoothing: a.understand("smooth", CurveStyle::read_smoothing).unwrap_or_default(),
            },
            x: a.understand("x", |text| Ok(Column::parse(text)?)),
            y: a.understand("y", |text| Ok(Column::parse(text)?)),
            brushes,
        }
    }
}

/// The brushes of the address, with the one that the fields of a form ask for in the place of that of its column.
fn brushes(a: &mut PlainQuery) -> Vec<Brush> {
    let field = |key: &str| a.get(key).unwrap_or_default().trim().to_owned();
    let [of, low, high] = ["brush_of", "brush_low", "brush_high"].map(field);
    let asked = (!low.is_empty() || !high.is_empty()).then(|| format!("{of}:{low}..{high}"));
    let texts: Vec<String> = a.all("brush").map(str::to_owned).chain(asked).collect();
    let mut found: Vec<Brush> = vec![];
    for text in texts {
        match brush(&text) {
            Ok(brush) => {
                found.retain(|b| b.column != brush.column);
                found.push(brush);
            }
            Err(e) => a.refuse("brush", e.message),
        }
    }
    if low.is_empty() && high.is_empty() {
        found.retain(|b| b.column.to_string() != of);
    }
    ["brush", "brush_of", "brush_low", "brush_high"].iter().for_each(|key| a.forget(key));
    found.iter().for_each(|b| a.push("brush", b.written()));
    found
}

/// Reads `params.lr:0.001..0.1`; an end that is left out is open.
fn brush(text: &str) -> Result<Brush> {
    let bad = || Error::bad_input(sentences::bad_brush(clip_text(text)));
    let (column, range) = text.rsplit_once(':').ok_or_else(bad)?;
    let (low, high) = range.split_once("..").ok_or_else(bad)?;
    let end = |text: &str, open: f64| match text.trim() {
        "" => Ok(open),
        text => text.parse::<f64>().ok().filter(|v| !v.is_nan()).ok_or_else(bad),
    };
    let (low, high) = (end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?);
    Ok(Brush { column: Column::parse(column)?, low: low.min(high), high: high.max(low) })
}

impl Brush {
    /// As the address writes it.
    pub(super) fn written(&self) -> String {
        let end = |v: f64| if v.is_finite() { v.to_string() } else { String::new() };
        format!("{}:{}..{}", self.column, end(self.low), end(self.high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_brush_is_read_as_it_is_written() {
        for text in ["params.lr:0.001..0.1", "metrics.val/mAP50:..0.5", "params.`a b`:1.."] {
            assert_eq!(brush(text).map(|b| b.written()).ok().as_deref(), Some(text));
        }
        assert_eq!(brush("params.lr:2..1").map(|b| (b.low, b.high)).ok(), Some((1.0, 2.0)));
        for text in ["params.lr", "params.lr:1", "params.lr:a..b", "nonsense.x:1..2", "params.lr:NaN..1"] {
            assert!(brush(text).is_err(), "{text}");
        }
    }
}
