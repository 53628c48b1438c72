//! Reads columns and sort orders, with the keys of filters.

use winnow::{
    Parser,
    combinator::{opt, terminated},
    token::take_while,
};

use super::{
    ast::Field,
    parse::{blanks, field, keyword, symbol, taken},
    trouble::{FilterError, Input, Kind, Parsed, What, stop, whole},
};
use crate::tracking::column::{Attribute, Column, Reading, is_key_char};

/// Reads a column as [`Column`] prints it, such as `metrics.f1`, `best(metrics.f1)` or `params.lr`; a bare attribute is one too.
///
/// # Errors
/// Says what does not fit.
pub(in crate::tracking) fn column(text: &str) -> Result<Column, FilterError> {
    whole(text, Kind::Columns, |i| {
        blanks(i)?;
        let column = column_part(i)?;
        if i.is_empty() { Ok(column) } else { stop(i, What::NoColumn) }
    })
}

/// Columns with commas between them; a blank text has none.
pub(in crate::tracking) fn columns(text: &str) -> Result<Vec<Column>, FilterError> {
    whole(text, Kind::Columns, |i| {
        blanks(i)?;
        let mut columns = vec![];
        while !i.is_empty() {
            columns.push(column_part(i)?);
            if !taken(i, symbol(","))? && !i.is_empty() {
                return stop(i, What::NoColumn);
            }
        }
        Ok(columns)
    })
}

fn column_part(i: &mut Input<'_>) -> Parsed<Column> {
    let start = *i;
    let reading = terminated(take_while(1.., |c: char| c.is_ascii_alphabetic()), symbol("("));
    let reading = opt(reading.verify_map(Reading::parse)).parse_next(i)?;
    let at = *i;
    let field = if at.chars().next().is_some_and(is_key_char) { field(i)? } else { return stop(at, What::NoColumn) };
    let column = match (field, reading) {
        (Field::Metric(key), reading) => Column::Metric(key, reading.unwrap_or_default()),
        (Field::Param(key), None) => Column::Param(key),
        (Field::Tag(key), None) => Column::Tag(key),
        (Field::Attribute(a), None) => Column::Attribute(a),
        (Field::Bare(key), None) => match Attribute::parse(&key) {
            Some(a) => Column::Attribute(a),
            None => return stop(start, What::NoColumn),
        },
        _ => return stop(at, What::NoColumn),
    };
    blanks(i)?;
    if reading.is_some() && !taken(i, symbol(")"))? {
        return stop(i, What::OpenParenthesis);
    }
    Ok(column)
}

/// A column and whether it is sorted downwards, if that is said: `metrics.f1 desc`, `-metrics.f1`.
pub(in crate::tracking) fn sort(text: &str) -> Result<(Column, Option<bool>), FilterError> {
    whole(text, Kind::Sort, |i| {
        blanks(i)?;
        let minus = taken(i, symbol("-"))?;
        let column = column_part(i)?;
        let order = if taken(i, keyword("DESC"))? {
            Some(true)
        } else if taken(i, keyword("ASC"))? {
            Some(false)
        } else {
            None
        };
        match (i.is_empty(), order) {
            (false, _) => stop(i, What::NoColumn),
            (true, Some(_)) if minus => stop(text, What::NoColumn),
            (true, order) => Ok((column, order.or(minus.then_some(true)))),
        }
    })
}
