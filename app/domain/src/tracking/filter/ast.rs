//! What a filter is made of.

use crate::tracking::{
    column::{Attribute, Column},
    run::Text,
};

/// The longest text of a filter, in bytes.
pub const MAX_FILTER: usize = 4096;
/// How deep parentheses and `NOT` may be nested.
pub const MAX_DEPTH: usize = 32;

/// Which runs are wanted. The default one wants all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    pub root: Option<Expr>,
}

/// A part of a filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Two or more, all of which hold.
    And(Vec<Expr>),
    /// Two or more, of which one holds.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Test(Field, Test),
    /// In the name of the run, in any case.
    Word(Text),
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    Metric(Text),
    Param(Text),
    Tag(Text),
    Attribute(Attribute),
    /// Of any of the run's datasets.
    Dataset(DatasetPart),
    /// A key without a prefix: what it is depends on what runs have, see [`Filter::resolve`].
    Bare(Text),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatasetPart {
    Name,
    Digest,
    Context,
}

impl DatasetPart {
    pub const ALL: [Self; 3] = [Self::Name, Self::Digest, Self::Context];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Digest => "digest",
            Self::Context => "context",
        }
    }
}

/// What is asked of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// A text is read as a number first; one that is none does not pass.
    Number(Order, f64),
    Text(Match, Text),
    /// One of these texts, or with `false` none of them.
    In(bool, Vec<Text>),
    /// The same where numbers are among them: a text that reads as a number is equal to it.
    Among(bool, Vec<Listed>),
    /// Not there; with `false` there.
    Null(bool),
}

/// One entry of a list that has numbers.
#[derive(Debug, Clone, PartialEq)]
pub enum Listed {
    Text(Text),
    Number(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Greater,
    AtLeast,
    Equal,
    Unequal,
    AtMost,
    Less,
}

impl Order {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::AtMost => "<=",
            Self::Less => "<",
        }
    }

    #[must_use]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Greater => left > right,
            Self::AtLeast => left >= right,
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::AtMost => left <= right,
            Self::Less => left < right,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    Equal,
    Unequal,
    /// `%` is any text, `_` any character.
    Like,
    /// The same in any case.
    ILike,
}

impl Match {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::Unequal => "!=",
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
        }
    }
}

/// How a key without a prefix was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BareKey {
    pub key: Text,
    pub field: Field,
    /// What else it could have been.
    pub others: Vec<Field>,
}

impl BareKey {
    /// See [`Filter::resolve`].
    pub(in crate::tracking) fn of(key: &Text, known: impl Fn(&Field) -> bool) -> Self {
        let attribute = Attribute::parse(key).map(Field::Attribute);
        let kinds = [Field::Metric(key.clone()), Field::Param(key.clone()), Field::Tag(key.clone())];
        let mut there: Vec<Field> = kinds.into_iter().filter(known).chain(attribute).collect();
        let field = if there.is_empty() { Field::Metric(key.clone()) } else { there.remove(0) };
        Self { key: key.clone(), field, others: there }
    }
}

impl Field {
    /// The column that it is, if it is one.
    #[must_use]
    pub fn column(&self) -> Option<Column> {
        match self {
            Self::Metric(key) => Some(Column::metric(key)),
            Self::Param(key) => Some(Column::Param(key.clone())),
            Self::Tag(key) => Some(Column::Tag(key.clone())),
            Self::Attribute(attribute) => Some(Column::Attribute(*attribute)),
            Self::Dataset(_) | Self::Bare(_) => None,
        }
    }
}

impl Filter {
    /// Both filters.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let root = match (self.root, other.root) {
            (Some(a), Some(b)) => {
                let parts = |e| if let Expr::And(parts) = e { parts } else { vec![e] };
                Some(Expr::And(parts(a).into_iter().chain(parts(b)).collect()))
            }
            (a, b) => a.or(b),
        };
        Self { root }
    }

    /// Puts in the place of each key without a prefix what has that key: a metric, else a parameter, else a tag, else an attribute;
    /// `known` says whether there is one. A key that nothing has is taken for a metric, and no run passes. Also returns how each was
    /// understood.
    #[must_use]
    pub fn resolve(&self, known: impl Fn(&Field) -> bool) -> (Self, Vec<BareKey>) {
        let mut understood = vec![];
        let mut filter = self.clone();
        if let Some(root) = &mut filter.root {
            resolve(root, &known, &mut understood);
        }
        (filter, understood)
    }
}

fn resolve(expr: &mut Expr, known: &impl Fn(&Field) -> bool, understood: &mut Vec<BareKey>) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter_mut().for_each(|p| resolve(p, known, understood)),
        Expr::Not(inner) => resolve(inner, known, understood),
        Expr::Word(_) => {}
        Expr::Test(field, _) => {
            let Field::Bare(key) = field.clone() else { return };
            let bare = BareKey::of(&key, known);
            *field = bare.field.clone();
            if understood.iter().all(|u| u.key != key) {
                understood.push(bare);
            }
        }
    }
}
