//! The names of tokens, which are those of whoever has them.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::clip_text,
    sentences,
    text::Name,
};

/// The name of whoever has the operator's token, or is at a machine where only they can be. No named token is called so.
pub const OPERATOR: &str = "operator";
/// The longest name of a token, in characters.
pub const MAX_TOKEN_NAME: usize = 64;

/// The name of a token: of whoever has it. One line of printable text, in one spelling (NFC, which is seen to where it comes in).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(Name);

impl TokenName {
    /// # Errors
    /// Says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self> {
        let name = Name::parse(text).map_err(|why| Error::bad_input(sentences::bad_token_name(&why.sentence())))?;
        if text.chars().count() > MAX_TOKEN_NAME {
            return Err(Error::bad_input(sentences::long_token_name(MAX_TOKEN_NAME)));
        }
        if text.eq_ignore_ascii_case(OPERATOR) {
            return Err(Error::bad_input(sentences::operator_s_name(clip_text(text))));
        }
        Ok(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl std::fmt::Display for TokenName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for TokenName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<TokenName> for String {
    fn from(name: TokenName) -> Self {
        name.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_tokens_are_one_printable_line_of_at_most_64_characters() {
        for text in ["kim", "김민수", "ci runner #2", &"가".repeat(MAX_TOKEN_NAME)] {
            assert_eq!(TokenName::parse(text).as_ref().map(TokenName::as_str), Ok(text));
        }
        for text in ["", " kim", "kim ", "a\nb", "\u{202E}mik", "\u{200E}", &"x".repeat(MAX_TOKEN_NAME + 1), "Operator"]
        {
            let refused = TokenName::parse(text).expect_err(text);
            assert!(refused.message.ko.is_some(), "{refused:?}");
        }
    }
}
