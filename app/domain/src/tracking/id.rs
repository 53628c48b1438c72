//! Ids of experiments and runs. They stand in addresses and in questions to MLflow, so only harmless letters are accepted.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
};

/// The longest id, in bytes. MLflow's own have at most 32.
const MAX_ID: usize = 64;

/// Letters, digits, `_` and `-`: nothing that a path, a query or a filter would read in another way.
fn is_id(text: &str) -> bool {
    (1..=MAX_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

macro_rules! id {
    ($(#[$doc:meta])+ $name:ident, $refusal:ident) => {
        $(#[$doc])+
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// # Errors
            /// `BadInput` when the text cannot be an id.
            pub fn parse(text: &str) -> Result<Self> {
                if is_id(text) { Ok(Self(text.into())) } else { Err(Error::bad_input(sentences::$refusal(clip_text(text)))) }
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.to_string()
            }
        }
    };
}

id!(
    /// The id of an experiment, such as `12`.
    ExperimentId, bad_experiment_id
);
id!(
    /// The id of a run: 32 hexadecimal digits as MLflow makes them.
    RunId, bad_run_id
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_nothing_that_an_address_or_a_filter_would_read_otherwise() {
        for text in ["0", "723514", "9f0c", "a_b-C", &"x".repeat(MAX_ID)] {
            assert_eq!(RunId::parse(text).as_ref().map(RunId::as_str), Ok(text));
        }
        for text in ["", "..", "%2e%2e", "a/b", "a'b", "a b", "a\0", "é", "\u{202E}", &"x".repeat(MAX_ID + 1)] {
            let refused = ExperimentId::parse(text).expect_err(text);
            assert!(refused.message.ko.is_some(), "{refused:?}");
        }
    }
}
