//! Reads filters, with winnow. What is wrong is said of the first character that does not fit.

use winnow::{
    Parser,
    combinator::{alt, delimited, opt, terminated},
    error::ErrMode,
    token::{literal, take_while},
};

use super::{
    ast::{DatasetPart, Expr, Field, Filter, Listed, MAX_DEPTH, Match, Order, Test},
    matcher::number_of,
    trouble::{FilterError, Input, Kind, Parsed, Trouble, What, stop, whole},
};
use crate::{
    scope::clip_text,
    time::Millis,
    tracking::{
        column::{Attribute, is_key_char},
        run::Text,
    },
};

/// See [`Filter::parse`].
pub(super) fn filter(text: &str) -> Result<Filter, FilterError> {
    whole(text, Kind::Filter, |i| {
        blanks(i)?;
        if i.is_empty() {
            return Ok(Filter::default());
        }
        let root = any_of(i, 0)?;
        match i.chars().next() {
            None => Ok(Filter { root: Some(root) }),
            Some(')') => stop(i, What::StrayParenthesis),
            Some(_) => stop(i, What::NoJoin),
        }
    })
}

/// Blanks, which may stand everywhere between words.
pub(super) fn blanks(i: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(i)
}

/// A symbol with the blanks behind it.
pub(super) fn symbol<'a>(wanted: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Trouble>> {
    (literal(wanted), blanks).void()
}

/// A keyword in any case, with the blanks behind it.
pub(super) fn keyword<'a>(wanted: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Trouble>> {
    let word = take_while(1.., is_key_char).verify(move |w: &str| w.eq_ignore_ascii_case(wanted));
    (word, blanks).void()
}

/// Whether a parser finds something. What it finds is taken; if not, everything stays.
pub(super) fn taken<'a>(i: &mut Input<'a>, parser: impl Parser<Input<'a>, (), ErrMode<Trouble>>) -> Parsed<bool> {
    opt(parser).map(|found| found.is_some()).parse_next(i)
}

fn any_of(i: &mut Input<'_>, depth: usize) -> Parsed<Expr> {
    let mut parts = vec![all_of(i, depth)?];
    while taken(i, keyword("OR"))? {
        parts.push(all_of(i, depth)?);
    }
    Ok(joined(parts, Expr::Or))
}

fn all_of(i: &mut Input<'_>, depth: usize) -> Parsed<Expr> {
    let mut parts = vec![one(i, depth)?];
    loop {
        let start = *i;
        if taken(i, keyword("AND"))? {
            parts.push(one(i, depth)?);
        } else if matches!(parts.last(), Some(Expr::Word(_))) && begins_word(start) {
            // Words of a name may follow each other; with a test among them an AND is missing.
            match one(i, depth)? {
                word @ Expr::Word(_) => parts.push(word),
                _ => return stop(start, What::NoJoin),
            }
        } else {
            return Ok(joined(parts, Expr::And));
        }
    }
}

fn joined(mut parts: Vec<Expr>, join: impl Fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

fn begins_word(rest: &str) -> bool {
    let word = rest.split(|c| !is_key_char(c)).next().unwrap_or_default();
    let quoted = rest.starts_with(['\'', '"']);
    quoted || (!word.is_empty() && !["OR", "NOT"].iter().any(|k| word.eq_ignore_ascii_case(k)))
}

/// A test, a word, or a part between parentheses; `depth` is how many of these are open.
fn one(i: &mut Input<'_>, depth: usize) -> Parsed<Expr> {
    if depth > MAX_DEPTH {
        return stop(i, What::Deep);
    }
    if taken(i, keyword("NOT"))? {
        return Ok(Expr::Not(Box::new(one(i, depth + 1)?)));
    }
    if taken(i, symbol("("))? {
        let inner = any_of(i, depth + 1)?;
        return match (taken(i, symbol(")"))?, i.is_empty()) {
            (true, _) => Ok(inner),
            (false, true) => stop(i, What::OpenParenthesis),
            (false, false) => stop(i, What::NoJoin),
        };
    }
    test_or_word(i)
}

fn test_or_word(i: &mut Input<'_>) -> Parsed<Expr> {
    let start = *i;
    let field = match start.chars().next() {
        Some('\'') => return word(start, quoted(i)?),
        Some('"' | '`') => Field::Bare(quoted(i)?),
        Some(c) if is_key_char(c) => field(i)?,
        _ => return stop(start, What::NoTest),
    };
    blanks(i)?;
    match (opt(comparison).parse_next(i)?, field) {
        (Some(how), field) => {
            let test = value(i, &field, how)?;
            Ok(Expr::Test(field, test))
        }
        (None, Field::Bare(text)) if !start.starts_with('`') => word(start, text),
        (None, _) => stop(i, What::NoComparison),
    }
}

fn word(start: &str, text: Text) -> Parsed<Expr> {
    let reserved = ["AND", "OR", "NOT", "IN", "IS", "LIKE", "ILIKE", "NULL"];
    let keyword = reserved.iter().any(|k| text.eq_ignore_ascii_case(k)) && !start.starts_with(['\'', '"']);
    if text.is_empty() || keyword { stop(start, What::NoTest) } else { Ok(Expr::Word(text)) }
}

/// A text between quotes or back-ticks, with the blanks behind it. The quote itself is written twice.
pub(super) fn quoted(i: &mut Input<'_>) -> Parsed<Text> {
    let start = *i;
    let Some(quote) = start.chars().next() else { return stop(start, What::OpenQuote) };
    let inside = start.get(quote.len_utf8()..).unwrap_or_default();
    let mut text = String::new();
    let mut rest = inside;
    loop {
        let Some((part, after)) = rest.split_once(quote) else { return stop(start, What::OpenQuote) };
        text.push_str(part);
        match after.strip_prefix(quote) {
            Some(more) => {
                text.push(quote);
                rest = more;
            }
            None => {
                *i = after;
                blanks(i)?;
                return Ok(text.into());
            }
        }
    }
}

/// A key, with or without a prefix.
pub(super) fn field(i: &mut Input<'_>) -> Parsed<Field> {
    let start = *i;
    let name = |c: char| c.is_ascii_alphabetic();
    let prefix: Option<&str> = opt(terminated(take_while(1.., name), '.')).parse_next(i)?;
    let kind: fn(Text) -> Field = match prefix {
        Some("metrics" | "metric") => Field::Metric,
        Some("params" | "param" | "parameters" | "parameter") => Field::Param,
        Some("tags" | "tag") => Field::Tag,
        Some("attributes" | "attribute" | "attr" | "run") => {
            let at = *i;
            let key = key(i)?;
            let known = Attribute::parse(&key).map(Field::Attribute);
            return known.map_or_else(|| stop(at, What::NoAttribute(clip_text(&key))), Ok);
        }
        Some("dataset" | "datasets") => {
            let at = *i;
            let key = key(i)?;
            let part = DatasetPart::ALL.into_iter().find(|p| p.as_str() == &*key).map(Field::Dataset);
            return part.map_or_else(|| stop(at, What::NoDatasetPart), Ok);
        }
        _ => {
            *i = start;
            return take_while(1.., is_key_char).map(|key: &str| Field::Bare(key.into())).parse_next(i);
        }
    };
    key(i).map(kind)
}

/// A key behind its prefix: plain, or between back-ticks or double quotes. `mAP50(B)` is a plain one.
fn key(i: &mut Input<'_>) -> Parsed<Text> {
    let start = *i;
    if start.starts_with(['`', '"']) {
        let key = quoted(i)?;
        return if key.is_empty() { stop(start, What::NoColumn) } else { Ok(key) };
    }
    let head = delimited('(', take_while(0.., char::is_alphanumeric), ')');
    let plain = (take_while(1.., is_key_char), opt(head)).take();
    let found: Option<&str> = opt(plain).parse_next(i)?;
    found.map_or_else(|| stop(start, What::NoColumn), |key| Ok(key.into()))
}

/// How something is compared.
#[derive(Debug, Clone, Copy)]
enum How {
    Order(Order),
    Like(Match),
    In(bool),
    Null(bool),
}

fn comparison(i: &mut Input<'_>) -> Parsed<How> {
    let symbols = alt((
        symbol(">=").value(How::Order(Order::AtLeast)),
        symbol("<=").value(How::Order(Order::AtMost)),
        symbol("!=").value(How::Order(Order::Unequal)),
        symbol("==").value(How::Order(Order::Equal)),
        symbol(">").value(How::Order(Order::Greater)),
        symbol("<").value(How::Order(Order::Less)),
        symbol("=").value(How::Order(Order::Equal)),
    ));
    let words = alt((
        keyword("LIKE").value(How::Like(Match::Like)),
        keyword("ILIKE").value(How::Like(Match::ILike)),
        keyword("IN").value(How::In(true)),
        (keyword("NOT"), keyword("IN")).value(How::In(false)),
        (keyword("IS"), keyword("NULL")).value(How::Null(true)),
        (keyword("IS"), keyword("NOT"), keyword("NULL")).value(How::Null(false)),
    ));
    alt((symbols, words)).parse_next(i)
}

/// What a field is compared with.
fn value(i: &mut Input<'_>, field: &Field, how: How) -> Parsed<Test> {
    let attribute = match field {
        Field::Attribute(a) => Some(*a),
        Field::Bare(key) => Attribute::parse(key),
        _ => None,
    };
    let is_time = matches!(attribute, Some(Attribute::StartTime | Attribute::EndTime));
    let numbers_only = matches!(field, Field::Metric(_)) || attribute.is_some_and(Attribute::is_number);
    let texts_only = matches!(field, Field::Dataset(_)) || attribute.is_some_and(|a| !a.is_number());
    let start = *i;
    let is_text = start.starts_with(['\'', '"']);
    match how {
        How::Null(is) => Ok(Test::Null(is)),
        How::Like(_) if numbers_only => stop(start, What::NotLike),
        How::In(is) => list(i, !numbers_only, !texts_only).map(|listed| test_of_list(is, listed)),
        How::Like(_) if !is_text => stop(start, What::NoText),
        How::Like(how) => Ok(Test::Text(how, quoted(i)?)),
        How::Order(order) if is_text && is_time => {
            let time = moment(&quoted(i)?);
            time.map_or_else(|| stop(start, What::BadTime), |t| Ok(Test::Number(order, t.0 as f64)))
        }
        How::Order(_) if is_text && numbers_only => stop(start, What::NoNumber),
        How::Order(order) if is_text => {
            let text = quoted(i)?;
            match order {
                Order::Equal => Ok(Test::Text(Match::Equal, text)),
                Order::Unequal => Ok(Test::Text(Match::Unequal, text)),
                _ => stop(start, What::NotOrdered),
            }
        }
        How::Order(order) => match number(i)? {
            Some(_) if texts_only => stop(start, What::NoText),
            Some(number) => Ok(Test::Number(order, number)),
            None if numbers_only => stop(start, What::NoNumber),
            None if texts_only => stop(start, What::NoText),
            None => stop(start, What::NoValue),
        },
    }
}

/// A finite number that ends where a word would.
fn number(i: &mut Input<'_>) -> Parsed<Option<f64>> {
    let word = opt(terminated(take_while(1.., is_key_char), blanks)).parse_next(i)?;
    Ok(word.and_then(|w: &str| number_of(w)).filter(|x| x.is_finite()))
}

fn moment(text: &str) -> Option<Millis> {
    Millis::parse(text).or_else(|_| Millis::parse(&format!("{text}T00:00:00Z"))).ok()
}

/// `('a', 0.1)`, at least one, of the kinds that may stand there.
fn list(i: &mut Input<'_>, texts: bool, numbers: bool) -> Parsed<Vec<Listed>> {
    let wrong = || match (texts, numbers) {
        (true, false) => What::NoList,
        (false, _) => What::NoNumberList,
        (true, true) => What::NoMixedList,
    };
    if !taken(i, symbol("("))? {
        return stop(i, wrong());
    }
    let mut listed = vec![];
    loop {
        let start = *i;
        listed.push(match start.starts_with(['\'', '"']) {
            true if texts => Listed::Text(quoted(i)?),
            true => return stop(start, wrong()),
            false => match number(i)? {
                Some(x) if numbers => Listed::Number(x),
                _ => return stop(start, wrong()),
            },
        });
        if !taken(i, symbol(","))? {
            return if taken(i, symbol(")"))? { Ok(listed) } else { stop(i, wrong()) };
        }
    }
}

fn test_of_list(is: bool, listed: Vec<Listed>) -> Test {
    let text = |l: &Listed| if let Listed::Text(t) = l { Some(t.clone()) } else { None };
    match listed.iter().map(text).collect::<Option<Vec<Text>>>() {
        Some(texts) => Test::In(is, texts),
        None => Test::Among(is, listed),
    }
}
