//! CSV as RFC 4180 has it. Cells that a spreadsheet would run as a formula are made text.

/// Rows below a head.
#[must_use]
pub fn text(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    line(&mut out, head.iter().copied());
    for row in rows {
        line(&mut out, row.iter().map(String::as_str));
    }
    out
}

fn line<'a>(out: &mut String, cells: impl Iterator<Item = &'a str>) {
    for (i, cell) in cells.enumerate() {
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
    use super::text;

    #[test]
    fn cells_are_quoted_where_needed_and_never_run() {
        let rows = vec![vec!["a,b".into(), "say \"x\"".into(), "=1+1".into(), "-0.5".into(), "-x".into()]];
        assert_eq!(text(&["h"], &rows), "h\r\n\"a,b\",\"say \"\"x\"\"\",\"'=1+1\",-0.5,\"'-x\"\r\n");
    }
}
