//! A map of rows by days as SVG: one hue by lightness, gaps as gaps, each cell a link. Drawn in the page's own classes.

use std::fmt::Write;

use super::svg::escape;

/// Rows of cells over the same columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Heatmap {
    /// Read aloud in place of the picture: one sentence.
    pub summary: String,
    /// Words under the columns; empty ones are left out.
    pub columns: Vec<String>,
    pub rows: Vec<HeatmapRow>,
    /// The last column is not over: what it has so far is shown, and does not stretch the scale.
    pub open: bool,
}

impl Heatmap {
    /// The cells that the scale is made of: those of columns that are over, where there are any.
    pub fn cells_in_scale(&self) -> impl Iterator<Item = &HeatmapCell> {
        let last = self.columns.len().saturating_sub(1);
        let of = |r: &HeatmapRow, i: usize| r.cells.get(i).is_some_and(Option::is_some);
        let closed = self.open && self.rows.iter().any(|r| (0..last).any(|i| of(r, i)));
        let until = if closed { last } else { usize::MAX };
        self.rows.iter().flat_map(move |r| r.cells.iter().take(until).flatten())
    }

    /// The lowest and the highest value of the scale; `None` without cells.
    #[must_use]
    pub fn scale(&self) -> Option<(f64, f64)> {
        let values = || self.cells_in_scale().map(|c| c.0);
        values().reduce(f64::min).zip(values().reduce(f64::max))
    }
}

/// Value, what it says on demand, where it leads.
pub type HeatmapCell = (f64, String, String);

#[derive(Debug, Clone, PartialEq)]
pub struct HeatmapRow {
    pub label: String,
    pub href: String,
    /// One a column. `None` is a gap.
    pub cells: Vec<Option<HeatmapCell>>,
}

/// Steps of lightness, from `h0` to `h6`.
const SHADES: f64 = 7.0;
const ROW: f64 = 22.0;
const LABEL: f64 = 20.0;

/// Its height in px.
#[must_use]
pub fn heatmap_height(rows: usize) -> f64 {
    ROW * rows as f64 + LABEL
}

/// Draws the map. The lowest value is the palest when `high_is_strong`, else the strongest: strong is what needs a look.
#[must_use]
pub fn heatmap_svg(heatmap: &Heatmap, high_is_strong: bool) -> String {
    let Some((low, high)) = heatmap.scale() else { return String::new() };
    let columns = heatmap.columns.len().max(1) as f64;
    let height = heatmap_height(heatmap.rows.len());
    let mut out = String::with_capacity(heatmap.rows.len() * heatmap.columns.len() * 120);
    let _ = write!(out, r#"<svg class="heat" width="100%" height="{height}" role="group" aria-label=""#);
    escape(&mut out, &heatmap.summary);
    out.push_str(r#"" overflow="visible">"#);
    for (r, row) in heatmap.rows.iter().enumerate() {
        let y = r as f64 * ROW;
        for (c, cell) in row.cells.iter().enumerate() {
            let Some((value, words, href)) = cell else { continue };
            // What is not over may lie beyond the scale, also where all that is over is the same.
            let part = match high > low {
                true => ((value - low) / (high - low)).clamp(0.0, 1.0),
                false if *value == low => 0.5,
                false => f64::from(u8::from(*value > low)),
            };
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
    let labels = || heatmap.columns.iter().enumerate().filter(|(_, l)| !l.is_empty());
    let all = labels().count();
    for (i, (c, label)) in labels().enumerate() {
        // On a phone there is room for every other one, counted from the last; that one would stand out of the picture.
        let class = if (all - 1 - i).is_multiple_of(2) { "tick" } else { "tick spare" };
        let (x, anchor) = if c + 1 == heatmap.columns.len() {
            (100.0, "end")
        } else {
            ((c as f64 + 0.5) * 100.0 / columns, "middle")
        };
        let _ = write!(out, r#"<text x="{x:.3}%" y="{}" text-anchor="{anchor}" class="{class}">"#, height - 4.0);
        escape(&mut out, label);
        out.push_str("</text>");
    }
    out.push_str("</svg>");
    out
}

/// The map with the names of its rows at its left, for files; on pages they stand beside it as links.
#[must_use]
pub fn heatmap_with_row_names(drawing: &str, names: &[&str]) -> String {
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

    fn heatmap(cells: Vec<Option<f64>>) -> Heatmap {
        let columns = cells.iter().map(|_| String::new()).collect();
        let cells = cells.into_iter().map(|v| v.map(|v| (v, "<b>".to_owned(), "/?a=1&b".to_owned()))).collect();
        Heatmap {
            summary: "s".into(),
            columns,
            rows: vec![HeatmapRow { label: "a".into(), href: "/".into(), cells }],
            open: false,
        }
    }

    #[test]
    fn gaps_are_gaps_and_the_worst_is_the_strongest() {
        let drawn = heatmap_svg(&heatmap(vec![Some(0.0), None, Some(1.0)]), false);
        assert_eq!(drawn.matches("<rect").count(), 2);
        let strong = drawn.find(r#"class="h6" x="0.000%""#);
        assert!(strong.is_some() && drawn.contains(r#"class="h0" x="66.667%""#), "{drawn}");
        assert!(heatmap_svg(&heatmap(vec![Some(0.0), None, Some(1.0)]), true).contains(r#"class="h0" x="0.000%""#));
        assert!(drawn.contains("&lt;b&gt;") && drawn.contains("/?a=1&amp;b") && !drawn.contains("style="));
    }

    #[test]
    fn a_day_that_is_not_over_does_not_stretch_the_scale() {
        let open = Heatmap { open: true, ..heatmap(vec![Some(0.8), Some(0.9), Some(0.1)]) };
        assert!(open.cells_in_scale().map(|c| c.0).eq([0.8, 0.9]));
        assert!(heatmap_svg(&open, true).contains(r#"class="h0" x="66.667%""#), "it is drawn all the same");
        let level = Heatmap { open: true, ..heatmap(vec![Some(0.9), Some(0.1)]) };
        assert!(heatmap_svg(&level, false).contains(r#"class="h6" x="50.000%""#), "it is worse than all before");
        let alone = Heatmap { open: true, ..heatmap(vec![None, Some(0.1)]) };
        assert_eq!(alone.cells_in_scale().count(), 1, "alone it is better than nothing");
    }

    #[test]
    fn every_other_label_gives_way_on_a_phone_and_the_last_ends_with_the_picture() {
        let columns = ["a", "b", "c"].map(String::from).to_vec();
        let drawn = heatmap_svg(&Heatmap { columns, ..heatmap(vec![Some(0.0), Some(0.5), Some(1.0)]) }, true);
        assert_eq!(
            (drawn.matches("tick spare").count(), drawn.matches(r#"text-anchor="end""#).count()),
            (1, 1),
            "{drawn}"
        );
    }

    #[test]
    fn nothing_and_equal_values_are_drawn_plainly() {
        assert_eq!(heatmap_svg(&heatmap(vec![None, None]), true), "");
        assert!(heatmap_svg(&heatmap(vec![Some(2.0), Some(2.0)]), true).contains(r#"class="h3""#));
    }
}
