//! The stages of MLflow.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::sentences;
use crate::{
    error::{Error, Result},
    scope::clip_text,
};

/// How far a version has come, in MLflow's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Stage {
    #[default]
    None,
    Staging,
    Production,
    Archived,
}

impl Stage {
    pub const ALL: [Self; 4] = [Self::None, Self::Staging, Self::Production, Self::Archived];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Staging => "Staging",
            Self::Production => "Production",
            Self::Archived => "Archived",
        }
    }

    /// # Errors
    /// Names the four, in whatever case they were written.
    pub fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|s| s.as_str().eq_ignore_ascii_case(text));
        found.ok_or_else(|| Error::bad_input(sentences::bad_stage(clip_text(text))))
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
