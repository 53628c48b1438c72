//! Reads the texts of filters and columns, with winnow. What is wrong is said of the first character that does not fit.

use winnow::{
    ModalResult, Parser,
    combinator::{alt, delimited, opt, terminated},
    error::{ErrMode, ParserError},
    stream::Stream,
    token::{literal, take_while},
};

use super::{DatasetPart, Expr, Field, Filter, MAX_DEPTH, MAX_FILTER, Match, Order, Test, matcher::number_of};
use crate::{
    error::{Error, Sentence},
    scope::clip_text,
    sentences,
    time::Millis,
    tracking::{
        column::{Attribute, Column, Reading, is_key_char},
        run::Text,
    },
};

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterError {
    /// Where, in bytes; the length of the text at its end.
    pub at: usize,
    /// The same in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub why: Sentence,
    /// Something similar that fits.
    pub example: &'static str,
}

impl FilterError {
    /// The field of forms that errors of filters name.
    pub const FIELD: &str = "filter";

    /// The whole of what is wrong, with place and example.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        sentences::bad_filter(self.column, &self.why, self.example)
    }
}

impl From<FilterError> for Error {
    fn from(e: FilterError) -> Self {
        Self::bad_input(e.sentence()).at(FilterError::FIELD)
    }
}

type Input<'a> = &'a str;
type Parsed<T> = ModalResult<T, Trouble>;

/// What does not fit, and how many bytes were left where it stands.
#[derive(Debug, Clone)]
struct Trouble {
    left: usize,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Something that a parser of winnow's did not find; said only where nobody knows better.
    Other,
    Long,
    Deep,
    NoTest,
    NoJoin,
    NoComparison,
    NoNumber,
    NoText,
    NoValue,
    NoList,
    NoColumn,
    NotOrdered,
    NotLike,
    BadTime,
    OpenQuote,
    OpenParenthesis,
    StrayParenthesis,
    NoAttribute(String),
    NoDatasetPart,
}

impl<'a> ParserError<Input<'a>> for Trouble {
    type Inner = Self;

    fn from_input(input: &Input<'a>) -> Self {
        Self { left: input.eof_offset(), what: What::Other }
    }

    fn into_inner(self) -> Result<Self, Self> {
        Ok(self)
    }
}

/// Stops reading: `what` does not fit at the beginning of the rest.
fn stop<T>(rest: &str, what: What) -> Parsed<T> {
    Err(ErrMode::Cut(Trouble { left: rest.len(), what }))
}

/// Reads a whole text by a parser.
fn whole<T>(text: &str, parser: impl FnOnce(&mut Input<'_>) -> Parsed<T>) -> Result<T, FilterError> {
    if text.len() > MAX_FILTER {
        return Err(told(text, &Trouble { left: 0, what: What::Long }));
    }
    let mut input = text;
    parser(&mut input).map_err(|e| match e {
        ErrMode::Cut(t) | ErrMode::Backtrack(t) => told(text, &t),
        ErrMode::Incomplete(_) => told(text, &Trouble { left: 0, what: What::Other }),
    })
}

fn told(text: &str, trouble: &Trouble) -> FilterError {
    let at = text.len() - trouble.left.min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let (why, example) = match &trouble.what {
        What::Other | What::NoTest => (sentences::filter_no_test(), "metrics.f1 > 0.9"),
        What::Long => (sentences::filter_long(MAX_FILTER), "metrics.f1 > 0.9"),
        What::Deep => (sentences::filter_deep(MAX_DEPTH), "(params.a = 'x' OR params.b = 'y') AND metrics.f1 > 0.9"),
        What::NoJoin => (sentences::filter_no_join(), "metrics.f1 > 0.9 AND params.model = 'yolov8'"),
        What::NoComparison => (sentences::filter_no_comparison(), "metrics.f1 >= 0.9, params.model LIKE 'yolo%'"),
        What::NoNumber => (sentences::filter_no_number(), "metrics.loss < 1e-3"),
        What::NoText => (sentences::filter_no_text(), "tags.site = 'busan'"),
        What::NoValue => (sentences::filter_no_value(), "params.lr > 0.001, params.model = 'yolov8'"),
        What::NoList => (sentences::filter_no_list(), "tags.site IN ('busan', 'seoul')"),
        What::NoColumn => (sentences::filter_no_column(), "metrics.f1"),
        What::NotOrdered => (sentences::filter_not_ordered(), "params.lr > 0.001"),
        What::NotLike => (sentences::filter_not_like(), "metrics.f1 > 0.9"),
        What::BadTime => (sentences::filter_bad_time(), "attributes.start_time > '2026-06-30T12:00:00Z'"),
        What::OpenQuote => (sentences::filter_open_quote(), "params.model = 'yolov8'"),
        What::OpenParenthesis => (sentences::filter_open_parenthesis(), "(metrics.f1 > 0.9 OR metrics.map > 0.5)"),
        What::StrayParenthesis => (sentences::filter_stray_parenthesis(), "(metrics.f1 > 0.9 OR metrics.map > 0.5)"),
        What::NoAttribute(got) => {
            let known = Attribute::ALL.map(Attribute::as_str).join(", ");
            (sentences::filter_no_attribute(got, known), "attributes.status = 'FINISHED'")
        }
        What::NoDatasetPart => (sentences::filter_no_dataset_part(), "dataset.name = 'coco'"),
    };
    FilterError { at, column: before.chars().count() + 1, why, example }
}

/// See [`Filter::parse`].
pub(super) fn filter(text: &str) -> Result<Filter, FilterError> {
    whole(text, |i| {
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
fn blanks(i: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace).void().parse_next(i)
}

/// A symbol with the blanks behind it.
fn symbol<'a>(wanted: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Trouble>> {
    (literal(wanted), blanks).void()
}

/// A keyword in any case, with the blanks behind it.
fn keyword<'a>(wanted: &'static str) -> impl Parser<Input<'a>, (), ErrMode<Trouble>> {
    let word = take_while(1.., is_key_char).verify(move |w: &str| w.eq_ignore_ascii_case(wanted));
    (word, blanks).void()
}

/// Whether a parser finds something. What it finds is taken; if not, everything stays.
fn taken<'a>(i: &mut Input<'a>, parser: impl Parser<Input<'a>, (), ErrMode<Trouble>>) -> Parsed<bool> {
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
fn quoted(i: &mut Input<'_>) -> Parsed<Text> {
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
fn field(i: &mut Input<'_>) -> Parsed<Field> {
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
        How::In(_) | How::Like(_) if numbers_only => stop(start, What::NotLike),
        How::In(is) => Ok(Test::In(is, list(i)?)),
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

/// `('a', 'b')`, at least one.
fn list(i: &mut Input<'_>) -> Parsed<Vec<Text>> {
    if !taken(i, symbol("("))? {
        return stop(i, What::NoList);
    }
    let mut texts = vec![];
    loop {
        if !i.starts_with(['\'', '"']) {
            return stop(i, What::NoList);
        }
        texts.push(quoted(i)?);
        if !taken(i, symbol(","))? {
            return if taken(i, symbol(")"))? { Ok(texts) } else { stop(i, What::NoList) };
        }
    }
}

/// Reads a column as [`Column`] prints it, such as `metrics.f1`, `best(metrics.f1)` or `params.lr`; a bare attribute is one too.
///
/// # Errors
/// Says what does not fit.
pub(in crate::tracking) fn column(text: &str) -> Result<Column, FilterError> {
    whole(text, |i| {
        blanks(i)?;
        let column = column_part(i)?;
        if i.is_empty() { Ok(column) } else { stop(i, What::NoColumn) }
    })
}

/// Columns with commas between them; a blank text has none.
pub(in crate::tracking) fn columns(text: &str) -> Result<Vec<Column>, FilterError> {
    whole(text, |i| {
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
    whole(text, |i| {
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
