//! Numbers as they are written: answers with twelve significant digits, below which the order of sums could be seen, and sentences with as
//! many as a metric is shown with. Places as sentences call them.

use serde::Serializer;

use crate::{error::Sentence, metric::Metric, scope::Place};

/// A number with so many significant digits.
fn rounded(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits - 1).parse().unwrap_or(x)
}

/// A number with twelve significant digits.
#[must_use]
pub fn twelve_digits(x: f64) -> f64 {
    rounded(x, 12)
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

/// What is kept as JSON and read again years later. A reader of JSON may miss a number's last bit; rounding it once more brings it back, since
/// it was rounded before it was kept.
macro_rules! kept {
    ($number:ident, $or_null:ident, $digits:literal) => {
        /// For serde (`with`): a number of so many significant digits.
        pub mod $number {
            use serde::{Deserialize, Deserializer, Serializer};

            pub fn serialize<S: Serializer>(x: &f64, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_f64(super::rounded(*x, $digits))
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
                f64::deserialize(d).map(|x| super::rounded(x, $digits))
            }
        }

        /// The same of what may be absent.
        pub mod $or_null {
            use serde::{Deserialize, Deserializer, Serializer};

            pub fn serialize<S: Serializer>(x: &Option<f64>, s: S) -> Result<S::Ok, S::Error> {
                match x {
                    Some(x) => super::$number::serialize(x, s),
                    None => s.serialize_none(),
                }
            }

            pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
                Option::<f64>::deserialize(d).map(|x| x.map(|x| super::rounded(x, $digits)))
            }
        }
    };
}

kept!(twelve, twelve_or_null, 12);
// What has to add up to 1e-12 is kept with more than it is written with.
kept!(fifteen, fifteen_or_null, 15);

/// A number with fifteen significant digits.
#[must_use]
pub fn fifteen_digits(x: f64) -> f64 {
    rounded(x, 15)
}

/// A place by its deepest name.
#[must_use]
pub fn place_name(place: &Place) -> &str {
    place.zone.as_ref().or(place.site.as_ref()).unwrap_or(&place.customer).as_str()
}

/// A place by its deepest name, and the customer whose it is.
#[must_use]
pub fn place_of_customer(place: &Place) -> String {
    match place.site {
        Some(_) => format!("{} ({})", place_name(place), place.customer),
        None => place.customer.to_string(),
    }
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
