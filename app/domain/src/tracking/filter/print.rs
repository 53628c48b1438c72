//! Filters as texts: what is printed reads as the same filter again.

use std::fmt;

use super::ast::{DatasetPart, Expr, Field, Filter, Listed, Test};
use crate::tracking::column::Key;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.fmt(f))
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(parts) => join(f, parts, " AND ", |p| matches!(p, Self::And(_) | Self::Or(_))),
            Self::Or(parts) => join(f, parts, " OR ", |p| matches!(p, Self::Or(_))),
            Self::Not(inner) if matches!(**inner, Self::And(_) | Self::Or(_)) => write!(f, "NOT ({inner})"),
            Self::Not(inner) => write!(f, "NOT {inner}"),
            Self::Test(field, test) => write!(f, "{field} {test}"),
            Self::Word(word) => Quoted(word).fmt(f),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Expr], by: &str, inner: impl Fn(&Expr) -> bool) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            f.write_str(by)?;
        }
        if inner(part) { write!(f, "({part})")? } else { write!(f, "{part}")? }
    }
    Ok(())
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Metric(key) => write!(f, "metrics.{}", Key(key)),
            Self::Param(key) => write!(f, "params.{}", Key(key)),
            Self::Tag(key) => write!(f, "tags.{}", Key(key)),
            Self::Attribute(a) => write!(f, "attributes.{}", a.as_str()),
            Self::Dataset(part) => write!(f, "dataset.{part}"),
            // Between back-ticks, so that neither a prefix nor a keyword is seen in it.
            Self::Bare(key) => write!(f, "`{}`", key.replace('`', "``")),
        }
    }
}

impl fmt::Display for DatasetPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // `{:?}` writes the shortest text that reads as the same number, with an exponent where it is far from 1.
            Self::Number(order, number) => write!(f, "{} {number:?}", order.as_str()),
            Self::Text(how, text) => write!(f, "{} {}", how.as_str(), Quoted(text)),
            Self::In(is, texts) => list(f, *is, texts.iter().map(|t| Quoted(t))),
            Self::Among(is, listed) => list(f, *is, listed.iter()),
            Self::Null(is) => f.write_str(if *is { "IS NULL" } else { "IS NOT NULL" }),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, is: bool, entries: impl Iterator<Item = impl fmt::Display>) -> fmt::Result {
    f.write_str(if is { "IN (" } else { "NOT IN (" })?;
    for (i, entry) in entries.enumerate() {
        write!(f, "{}{entry}", if i > 0 { ", " } else { "" })?;
    }
    f.write_str(")")
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text).fmt(f),
            Self::Number(number) => write!(f, "{number:?}"),
        }
    }
}

/// A text between quotes that it does not contain, where there are such.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains('\'') && !self.0.contains('"') {
            write!(f, "\"{}\"", self.0)
        } else {
            write!(f, "'{}'", self.0.replace('\'', "''"))
        }
    }
}
