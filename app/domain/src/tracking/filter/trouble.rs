//! What does not fit in a text, told with its place and an example.

use winnow::{
    ModalResult,
    error::{ErrMode, ParserError},
    stream::Stream,
};

use super::{
    ast::{MAX_DEPTH, MAX_FILTER},
    sentences,
};
use crate::{
    error::{Error, Sentence},
    tracking::{asked_sort::MAX_SORT_KEYS, column::Attribute},
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
    /// The field of forms that it is about: `filter`, `sort` or `columns`.
    pub field: &'static str,
}

/// What a text is to be.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Filter,
    Sort,
    Columns,
}

impl FilterError {
    /// The whole of what is wrong, with place and example.
    #[must_use]
    pub fn sentence(&self) -> Sentence {
        sentences::bad_filter(self.column, &self.why, self.example)
    }
}

impl From<FilterError> for Error {
    fn from(e: FilterError) -> Self {
        Self::bad_input(e.sentence()).at(e.field)
    }
}

pub(super) type Input<'a> = &'a str;
pub(super) type Parsed<T> = ModalResult<T, Trouble>;

/// What does not fit, and how many bytes were left where it stands.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    left: usize,
    what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
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
    NoNumberList,
    NoMixedList,
    NoColumn,
    ManyKeys,
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
pub(super) fn stop<T>(rest: &str, what: What) -> Parsed<T> {
    Err(ErrMode::Cut(Trouble { left: rest.len(), what }))
}

/// Reads a whole text by a parser.
pub(super) fn whole<T>(
    text: &str,
    kind: Kind,
    parser: impl FnOnce(&mut Input<'_>) -> Parsed<T>,
) -> Result<T, FilterError> {
    if text.len() > MAX_FILTER {
        return Err(told(text, kind, &Trouble { left: 0, what: What::Long }));
    }
    let mut input = text;
    parser(&mut input).map_err(|e| match e {
        ErrMode::Cut(t) | ErrMode::Backtrack(t) => told(text, kind, &t),
        ErrMode::Incomplete(_) => told(text, kind, &Trouble { left: 0, what: What::Other }),
    })
}

fn told(text: &str, kind: Kind, trouble: &Trouble) -> FilterError {
    let at = text.len() - trouble.left.min(text.len());
    let before = text.get(..at).unwrap_or(text);
    let (why, example) = match &trouble.what {
        What::Other | What::NoTest => (sentences::filter_no_test(), "metrics.f1 > 0.9"),
        What::Long => (sentences::filter_long(MAX_FILTER), "metrics.f1 > 0.9"),
        What::Deep => (sentences::filter_deep(MAX_DEPTH), "(params.a = 'x' OR params.b = 'y') AND metrics.f1 > 0.9"),
        What::NoJoin => (sentences::filter_no_join(), "metrics.f1 > 0.9 AND params.model = 'yolov8'"),
        What::NoComparison => (sentences::filter_no_comparison(), "params.model LIKE 'yolo%'"),
        What::NoNumber => (sentences::filter_no_number(), "metrics.loss < 1e-3"),
        What::NoText => (sentences::filter_no_text(), "tags.site = 'busan'"),
        What::NoValue => (sentences::filter_no_value(), "params.lr > 0.001 AND params.model = 'yolov8'"),
        What::NoList => (sentences::filter_no_list(), "tags.site IN ('busan', 'seoul')"),
        What::NoNumberList => (sentences::filter_no_number_list(), "metrics.epochs IN (50, 100)"),
        What::NoMixedList => (sentences::filter_no_mixed_list(), "params.lr IN (0.1, 0.01, 'auto')"),
        What::NoColumn => (sentences::filter_no_column(), "metrics.f1 > 0.9"),
        What::ManyKeys => (sentences::sort_many_keys(MAX_SORT_KEYS), "metrics.f1 > 0.9"),
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
    let (field, example) = match kind {
        Kind::Filter => ("filter", example),
        Kind::Sort => ("sort", "metrics.f1 desc"),
        Kind::Columns => ("columns", "metrics.f1, params.lr"),
    };
    FilterError { at, column: before.chars().count() + 1, why, example, field }
}
