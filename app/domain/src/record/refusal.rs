//! Why a record is refused, and the rules of its single values.

use serde_json::Value;

use crate::{
    metric::CATALOGUE,
    scope::clip_text,
    time::{MAX_CLOCK_LEAD_MS, MIN_TIMESTAMP, Millis},
};

/// Why a record was refused. `code` groups reasons for counting; the message is for the person who repairs the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    pub code: &'static str,
    pub message: String,
}

impl Refusal {
    /// Every code there is.
    pub const CODES: [&str; 13] = [
        "too_long",
        "invalid_utf8",
        "invalid_json",
        "not_an_object",
        "missing",
        "wrong_type",
        "bad_name",
        "bad_time",
        "too_old",
        "future",
        "not_finite",
        "out_of_range",
        "no_metric",
    ];
}

pub(super) fn refuse<T>(code: &'static str, message: impl Into<String>) -> Result<T, Refusal> {
    debug_assert!(Refusal::CODES.contains(&code), "{code} is listed");
    Err(Refusal { code, message: message.into() })
}

pub(super) fn parse_timestamp(text: &str, now: Millis) -> Result<Millis, Refusal> {
    let at = match Millis::parse(text) {
        Ok(at) => at,
        // The calendar ends a little before the year 9999 does, and that day is how some people write "never".
        Err(_)
            if text.starts_with("9999-12-3")
                && text.get(..19).is_some_and(|t| t.parse::<jiff::civil::DateTime>().is_ok()) =>
        {
            return refuse(
                "future",
                format!("{} lies more than 24 hours ahead of this server's clock", clip_text(text)),
            );
        }
        Err(e) => return refuse("bad_time", e.message.en),
    };
    check_window(at, now)?;
    Ok(at)
}

pub(super) fn check_window(at: Millis, now: Millis) -> Result<(), Refusal> {
    if at < MIN_TIMESTAMP {
        return refuse("too_old", format!("{at} lies before the year 2000"));
    }
    if at > now.plus(MAX_CLOCK_LEAD_MS) {
        return refuse("future", format!("{at} lies more than 24 hours ahead of this server's clock"));
    }
    Ok(())
}

pub(super) fn in_range(i: usize, x: f64, field: &str) -> Result<f64, Refusal> {
    let metric = &CATALOGUE[i];
    if !x.is_finite() {
        return refuse("not_finite", format!("{field} is not finite"));
    }
    if !metric.accepts(x) {
        let (low, high) = metric.range;
        return refuse("out_of_range", format!("{field} is {x}, outside of {low} to {high}"));
    }
    Ok(x)
}

pub(super) fn json_type(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Number(_) => "a number".into(),
        Value::String(s) => format!("the text “{}”", clip_text(s)),
        Value::Array(_) => "a list".into(),
        Value::Object(_) => "an object".into(),
    }
}
