//! Reads columns and sort orders, with the keys of filters.

use winnow::{
    Parser,
    combinator::{opt, terminated},
    token::take_while,
};

use super::{
    ast::Field,
    parse::{blanks, field, keyword, quoted, symbol, taken},
    trouble::{FilterError, Input, Kind, Parsed, What, stop, whole},
};
use crate::tracking::{
    asked_sort::{AskedColumn, AskedKey, MAX_SORT_KEYS},
    column::{Attribute, Column, Reading, is_key_char},
    run::Text,
};

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
    let field = match at.chars().next() {
        Some('`' | '"') if reading.is_some() => Field::Bare(quoted(i)?),
        Some(c) if is_key_char(c) => field(i)?,
        _ => return stop(at, What::NoColumn),
    };
    let column = match (field, reading) {
        (Field::Metric(key), reading) => Column::Metric(key, reading.unwrap_or_default()),
        (Field::Param(key), None) => Column::Param(key),
        (Field::Tag(key), None) => Column::Tag(key),
        (Field::Attribute(a), None) => Column::Attribute(a),
        (Field::Bare(key), None) => match Attribute::parse(&key) {
            Some(a) => Column::Attribute(a),
            None => return stop(start, What::NoColumn),
        },
        // Nothing but a metric has several values.
        (Field::Bare(key), Some(reading)) => Column::Metric(key, reading),
        _ => return stop(at, What::NoColumn),
    };
    blanks(i)?;
    if reading.is_some() && !taken(i, symbol(")"))? {
        return stop(i, What::OpenParenthesis);
    }
    Ok(column)
}

/// The keys of an order: `metrics.f1 desc`, `-f1`, `best(val/mAP50), params.lr`. A blank text has none.
pub(in crate::tracking) fn sort(text: &str) -> Result<Vec<AskedKey>, FilterError> {
    whole(text, Kind::Sort, |i| {
        blanks(i)?;
        let mut keys = vec![];
        while !i.is_empty() {
            if keys.len() >= MAX_SORT_KEYS {
                return stop(i, What::ManyKeys);
            }
            keys.push(sort_key(i)?);
            if !taken(i, symbol(","))? && !i.is_empty() {
                return stop(i, What::NoColumn);
            }
        }
        Ok(keys)
    })
}

fn sort_key(i: &mut Input<'_>) -> Parsed<AskedKey> {
    let start = *i;
    let minus = taken(i, symbol("-"))?;
    let by = match bare(i)? {
        Some(key) => AskedColumn::Bare(key),
        None => AskedColumn::Known(column_part(i)?),
    };
    let order = if taken(i, keyword("DESC"))? {
        Some(true)
    } else if taken(i, keyword("ASC"))? {
        Some(false)
    } else {
        None
    };
    if minus && order.is_some() {
        return stop(start, What::NoColumn);
    }
    Ok(AskedKey { by, descending: order.or(minus.then_some(true)) })
}

/// A key without a prefix or reading, as filters have them.
fn bare(i: &mut Input<'_>) -> Parsed<Option<Text>> {
    let start = *i;
    let key = match start.chars().next() {
        Some('`' | '"') => Some(quoted(i)?),
        Some(c) if is_key_char(c) => match field(i)? {
            Field::Bare(key) => Some(key),
            _ => None,
        },
        _ => None,
    };
    blanks(i)?;
    // What stands before a parenthesis is a reading.
    let found = key.filter(|key| !key.is_empty() && !i.starts_with('('));
    if found.is_none() {
        *i = start;
    }
    Ok(found)
}
