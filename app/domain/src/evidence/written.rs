//! Numbers as they are written: answers with twelve significant digits, below which the order of sums could be seen, and sentences with as
//! many as a metric is shown with.

use serde::Serializer;

use crate::{error::Sentence, metric::Metric};

/// A number with twelve significant digits.
#[must_use]
pub fn twelve_digits(x: f64) -> f64 {
    format!("{x:.11e}").parse().unwrap_or(x)
}

/// For serde: a number with twelve significant digits.
///
/// # Errors
/// Those of the serializer.
pub fn twelve_digits_of<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_f64(twelve_digits(*x))
}

/// The same of what may be absent.
///
/// # Errors
/// Those of the serializer.
pub fn twelve_digits_or_null<S: Serializer>(x: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
    match x {
        Some(x) => twelve_digits_of(x, s),
        None => s.serialize_none(),
    }
}

/// For serde: a sentence in English, as programs get it.
///
/// # Errors
/// Those of the serializer.
pub fn in_english<S: Serializer>(sentence: &Sentence, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&sentence.en)
}

/// The same of several.
///
/// # Errors
/// Those of the serializer.
pub fn all_in_english<S: Serializer>(sentences: &[Sentence], s: S) -> Result<S::Ok, S::Error> {
    s.collect_seq(sentences.iter().map(|one| &one.en))
}

/// A difference in the digits of its metric, with its sign and unit: `−0.031`, `+2.5 ms`.
#[must_use]
pub fn signed(metric: &Metric, x: f64) -> String {
    let size = plain(metric, x.abs());
    let zero = !size.contains(|c: char| ('1'..='9').contains(&c));
    match (zero, x < 0.0) {
        (true, _) => size,
        (_, true) => format!("−{size}"),
        (_, false) => format!("+{size}"),
    }
}

/// A value in the digits of its metric, with its unit.
#[must_use]
pub fn plain(metric: &Metric, x: f64) -> String {
    let digits = usize::from(metric.precision);
    let size = x.abs();
    // What a metric's digits would hide is written with two of its own.
    let digits = if size > 0.0 && size < 10f64.powi(-(digits as i32)) / 2.0 {
        (1 - size.log10().floor() as i32).clamp(0, 12) as usize
    } else {
        digits
    };
    let blank = if metric.unit.is_empty() { "" } else { " " };
    let minus = if x < 0.0 { "−" } else { "" };
    format!("{minus}{size:.digits$}{blank}{}", metric.unit)
}

/// A share as a percentage without digits.
#[must_use]
pub fn percent(x: f64) -> String {
    format!("{:.0} %", x * 100.0)
}

/// A metric's name in both languages.
#[must_use]
pub fn label(metric: &Metric) -> Sentence {
    Sentence::named(&*metric.label, &*metric.label_ko)
}
