//! A map of rows by days as SVG: one hue by lightness, gaps as gaps, each cell a link. Drawn in the page's own classes.

use std::fmt::Write;

use super::svg::escape;

/// Rows of cells over the same columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// Read aloud in place of the picture: one sentence.
    pub summary: String,
    /// Words under the columns; empty ones are left out.
    pub columns: Vec<String>,
    pub rows: Vec<HeatRow>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct HeatRow {
    pub label: String,
    pub href: String,
    /// One a column: value, what it says on demand, where it leads. `None` is a gap.
    pub cells: Vec<Option<(f64, String, String)>>,
}

/// Steps of lightness, from `h0` to `h6`.
const SHADES: f64 = 7.0;
const ROW: f64 = 22.0;
const LABEL: f64 = 20.0;

/// Its height in px.
#[must_use]
pub fn heat_height(rows: usize) -> f64 {
    ROW * rows as f64 + LABEL
}

/// Draws the map. The lowest value is the palest when `high_is_strong`, else the strongest: strong is what needs a look.
#[must_use]
pub fn heat_svg(heat: &Heat, high_is_strong: bool) -> String {
    let values = || heat.rows.iter().flat_map(|r| r.cells.iter().flatten()).map(|c| c.0);
    let (Some(low), Some(high)) = (values().reduce(f64::min), values().reduce(f64::max)) else { return String::new() };
    let columns = heat.columns.len().max(1) as f64;
    let height = heat_height(heat.rows.len());
    let mut out = String::with_capacity(heat.rows.len() * heat.columns.len() * 120);
    let _ = write!(out, r#"<svg class="heat" width="100%" height="{height}" role="group" aria-label=""#);
    escape(&mut out, &heat.summary);
    out.push_str(r#"" overflow="visible">"#);
    for (r, row) in heat.rows.iter().enumerate() {
        let y = r as f64 * ROW;
        for (c, cell) in row.cells.iter().enumerate() {
            let Some((value, words, href)) = cell else { continue };
            let part = if high > low { (value - low) / (high - low) } else { 0.5 };
            let part = if high_is_strong { part } else { 1.0 - part };
            let shade = (part * SHADES).floor().clamp(0.0, SHADES - 1.0);
            out.push_str(r#"<a href=""#);
            escape(&mut out, href);
            let _ = write!(
                out,
                r#"" tabindex="-1"><rect class="h{shade}" x="{:.3}%" y="{y}" width="{:.3}%" height="{}"><title>"#,
                c as f64 * 100.0 / columns,
                100.0 / columns,
                ROW - 2.0
            );
            escape(&mut out, words);
            out.push_str("</title></rect></a>");
        }
    }
    for (c, label) in heat.columns.iter().enumerate().filter(|(_, l)| !l.is_empty()) {
        let _ = write!(
            out,
            r#"<text x="{:.3}%" y="{}" text-anchor="middle" class="tick">"#,
            (c as f64 + 0.5) * 100.0 / columns,
            height - 4.0
        );
        escape(&mut out, label);
        out.push_str("</text>");
    }
    out.push_str("</svg>");
    out
}

/// The map with the names of its rows at its left, for files; on pages they stand beside it as links.
#[must_use]
pub fn heat_with_names(drawing: &str, names: &[&str]) -> String {
    let mut out = String::from(r#"<svg x="60" width="94%" overflow="visible">"#);
    out.push_str(drawing);
    out.push_str("</svg>");
    for (i, name) in names.iter().enumerate() {
        let _ = write!(out, r#"<text x="50" y="{}" text-anchor="end">"#, ROW * i as f64 + 14.0);
        escape(&mut out, name);
        out.push_str("</text>");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(cells: Vec<Option<f64>>) -> Heat {
        let columns = cells.iter().map(|_| String::new()).collect();
        let cells = cells.into_iter().map(|v| v.map(|v| (v, "<b>".to_owned(), "/?a=1&b".to_owned()))).collect();
        Heat { summary: "s".into(), columns, rows: vec![HeatRow { label: "a".into(), href: "/".into(), cells }] }
    }

    #[test]
    fn gaps_are_gaps_and_the_worst_is_the_strongest() {
        let drawn = heat_svg(&heat(vec![Some(0.0), None, Some(1.0)]), false);
        assert_eq!(drawn.matches("<rect").count(), 2);
        let strong = drawn.find(r#"class="h6" x="0.000%""#);
        assert!(strong.is_some() && drawn.contains(r#"class="h0" x="66.667%""#), "{drawn}");
        assert!(heat_svg(&heat(vec![Some(0.0), None, Some(1.0)]), true).contains(r#"class="h0" x="0.000%""#));
        assert!(drawn.contains("&lt;b&gt;") && drawn.contains("/?a=1&amp;b") && !drawn.contains("style="));
    }

    #[test]
    fn nothing_and_equal_values_are_drawn_plainly() {
        assert_eq!(heat_svg(&heat(vec![None, None]), true), "");
        assert!(heat_svg(&heat(vec![Some(2.0), Some(2.0)]), true).contains(r#"class="h3""#));
    }
}
