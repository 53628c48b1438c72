//! CSV as RFC 4180 has it. Cells that a spreadsheet would run as a formula are made text.

use domain::{
    query::{Trend, TrendPoint, WorstZone, WorstZones},
    text::visible,
};

/// The columns of a trend, in files and on the command line.
pub const TREND_COLUMNS: [&str; 7] = ["t", "value", "n", "min", "max", "p50", "p95"];

/// The points of a trend, unrounded.
#[must_use]
pub fn trend_rows(trend: &Trend) -> Vec<Vec<String>> {
    let row = |p: &TrendPoint| {
        let mut row = vec![p.t.to_string(), p.value.to_string(), p.n.to_string()];
        row.extend([p.min, p.max, p.p50, p.p95].map(|x| x.to_string()));
        row
    };
    trend.points.iter().map(row).collect()
}

/// The columns of the worst zones, in files and on the command line; the fifth is named after its quantile.
#[must_use]
pub fn worst_columns(worst: &WorstZones) -> [&'static str; 8] {
    let tail = if worst.quantile < 0.5 { "p5" } else { "p95" };
    ["customer", "site", "zone", "device", tail, "p50", "value", "n"]
}

/// The worst zones, each number as `number` writes it.
#[must_use]
pub fn worst_rows(worst: &WorstZones, number: impl Fn(f64) -> String) -> Vec<Vec<String>> {
    let text = |name: Option<&domain::text::Name>| name.map_or_else(String::new, ToString::to_string);
    let row = |r: &WorstZone| {
        let names = [Some(&r.place.customer), r.place.site.as_ref(), r.place.zone.as_ref(), r.device.as_ref()];
        names.map(text).into_iter().chain([r.tail, r.p50, r.value].map(&number)).chain([r.n.to_string()]).collect()
    };
    worst.rows.iter().map(row).collect()
}

/// Rows below a head.
#[must_use]
pub fn to_csv(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    line(&mut out, head.iter().copied());
    for row in rows {
        line(&mut out, row.iter().map(String::as_str));
    }
    out
}

fn line<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (i, cell) in cells.enumerate() {
        // Programs that read CSV break at control characters, and NUL ends a cell for some.
        let cell = &*visible(cell);
        if i > 0 {
            out.push(',');
        }
        // `=cmd()` in a name must stay a name; a number may begin with its sign.
        let formula =
            cell.starts_with(['=', '@', '\t', '\r']) || (cell.starts_with(['+', '-']) && cell.parse::<f64>().is_err());
        if formula || cell.contains([',', '"', '\n', '\r']) {
            out.push('"');
            if formula {
                out.push('\'');
            }
            out.push_str(&cell.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(cell);
        }
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::to_csv;

    #[test]
    fn control_characters_are_shown() {
        let rows = vec![vec!["a\0\u{7}b".into(), "two\nlines".into(), "\u{1b}[31m".into()]];
        assert_eq!(to_csv(&["\u{1}"], &rows), "␁\r\na␀␇b,\"two\nlines\",␛[31m\r\n");
    }

    #[test]
    fn cells_are_quoted_where_needed_and_never_run() {
        let rows = vec![vec!["a,b".into(), "say \"x\"".into(), "=1+1".into(), "-0.5".into(), "-x".into()]];
        assert_eq!(to_csv(&["h"], &rows), "h\r\n\"a,b\",\"say \"\"x\"\"\",\"'=1+1\",-0.5,\"'-x\"\r\n");
    }
}
