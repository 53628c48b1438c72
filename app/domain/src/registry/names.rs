//! Names of models, their versions and their aliases, as MLflow 3.17.2 takes them.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::sentences;
use crate::{
    error::{Error, Result},
    model::RegisteredModel,
    scope::clip_text,
    text::{InvalidName, Name},
};

/// The version that inference servers use.
pub const CHAMPION: &str = "champion";
/// The version that is to become the champion.
pub const CHALLENGER: &str = "challenger";
/// The version that a rollback leads to.
pub const ROLLBACK: &str = "rollback";
/// The longest alias, in characters.
pub const MAX_ALIAS: usize = 255;

/// The name of a registered model. It stands in one segment of an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModelName(Name);

impl ModelName {
    /// The name of a model that there is, or that is asked for.
    ///
    /// # Errors
    /// `BadInput` for what no registry has: an empty name, one that MLflow refuses, and one that no address could lead to.
    pub fn parse(text: &str) -> Result<Self> {
        Self::checked(text, Name::parse_stored_place)
    }

    /// The name of a new model.
    ///
    /// # Errors
    /// As [`ModelName::parse`]; also for marks that turn letters around.
    pub fn parse_new(text: &str) -> Result<Self> {
        Self::checked(text, Name::parse_place)
    }

    fn checked(text: &str, parse: fn(&str) -> std::result::Result<Name, InvalidName>) -> Result<Self> {
        // MLflow takes a name for a path as well: what would lead upwards is none.
        if text.contains(['/', ':']) || text.starts_with("..") || text == "." {
            return Err(Error::bad_input(sentences::model_name_for_paths(clip_text(text))));
        }
        let name = parse(text).map_err(|why| Error::bad_input(sentences::bad_model_name(&why.sentence())))?;
        Ok(Self(name))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// A version of it, as records name it.
    #[must_use]
    pub fn version(&self, version: Version) -> RegisteredModel {
        RegisteredModel { name: self.0.clone(), version: Some(version.name()) }
    }

    /// All of its versions, as records name them.
    #[must_use]
    pub fn any_version(&self) -> RegisteredModel {
        RegisteredModel { name: self.0.clone(), version: None }
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TryFrom<String> for ModelName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<ModelName> for String {
    fn from(name: ModelName) -> Self {
        name.0.into()
    }
}

/// The number of a version; the first one is 1, and no number is given twice. Programs read it as text, as MLflow writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Version(u32);

impl Version {
    /// # Errors
    /// `BadInput` for what is no number from 1 on.
    pub fn new(number: u32) -> Result<Self> {
        if number == 0 { Err(Error::bad_input(sentences::bad_version("0"))) } else { Ok(Self(number)) }
    }

    /// Reads `7`, and `v7` as people write it.
    ///
    /// # Errors
    /// `BadInput` for what is no number from 1 on.
    pub fn parse(text: &str) -> Result<Self> {
        let digits = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let number = Some(digits).filter(|d| d.bytes().all(|b| b.is_ascii_digit())).and_then(|d| d.parse().ok());
        number.filter(|n| *n > 0).map(Self).ok_or_else(|| Error::bad_input(sentences::bad_version(clip_text(text))))
    }

    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    fn name(self) -> Name {
        // Digits are a name.
        Name::parse_stored(&self.0.to_string()).unwrap_or_else(|_| unreachable!("digits are a name"))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TryFrom<String> for Version {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Version> for String {
    fn from(version: Version) -> Self {
        version.0.to_string()
    }
}

/// A name that points to one version of a model. `Champion` and `champion` are two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Alias(Arc<str>);

impl Alias {
    /// # Errors
    /// `BadInput` for what MLflow refuses: other than letters, digits, `_` and `-`, more than 255 of them, and what stands for versions itself
    /// (`latest`, `v7`).
    pub fn parse(text: &str) -> Result<Self> {
        let letters = text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'));
        if text.is_empty() || !letters || text.chars().count() > MAX_ALIAS {
            return Err(Error::bad_input(sentences::bad_alias(clip_text(text), MAX_ALIAS)));
        }
        let number = text.strip_prefix(['v', 'V']).is_some_and(|n| !n.is_empty() && n.chars().all(char::is_numeric));
        if number || text.to_lowercase() == "latest" {
            return Err(Error::bad_input(sentences::reserved_alias(clip_text(text))));
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn champion() -> Self {
        Self(CHAMPION.into())
    }

    #[must_use]
    pub fn challenger() -> Self {
        Self(CHALLENGER.into())
    }

    #[must_use]
    pub fn rollback() -> Self {
        Self(ROLLBACK.into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that maps by alias are asked with a text.
impl std::borrow::Borrow<str> for Alias {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Alias {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Alias {
    type Error = Error;
    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<Alias> for String {
    fn from(alias: Alias) -> Self {
        alias.0.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_model_is_called_as_mlflow_would_call_it() {
        for text in ["yolov8m", "객체 탐지", "a b-c_d.e", "...x".trim_start_matches('.'), "x..", "'; DROP TABLE"] {
            assert_eq!(ModelName::parse_new(text).as_ref().map(ModelName::as_str), Ok(text));
        }
        for text in ["", " ", "a/b", "a:b", ".", "..", "..x", "a\\b", "a\nb", "\u{202E}x", " a", &"x".repeat(257)] {
            assert!(ModelName::parse_new(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_version_is_a_number_from_one_on_and_a_text_for_programs() {
        for (text, number) in [("7", 7), ("v7", 7), ("V12", 12), ("4294967295", u32::MAX)] {
            assert_eq!(Version::parse(text).map(Version::number), Ok(number));
        }
        for text in ["", "v", "0", "-1", "1.0", "+1", "4294967296", "vv7", "７"] {
            assert!(Version::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(serde_json::to_string(&Version(7)).ok().as_deref(), Some("\"7\""));
    }

    #[test]
    fn an_alias_holds_what_mlflow_takes_and_stands_for_no_version() {
        for text in ["champion", "Champion", "a_b-c", "챔피언", "v", "version7", "v7x"] {
            assert_eq!(Alias::parse(text).as_ref().map(Alias::as_str), Ok(text));
        }
        for text in ["", "a b", "a.b", "latest", "LATEST", "v7", "V12", "a/b", &"x".repeat(MAX_ALIAS + 1)] {
            assert!(Alias::parse(text).is_err(), "{text:?}");
        }
    }
}
