//! Texts that are never printed.

/// A text that is never printed. An argument of this type also says `hide_env_values = true`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "set, {} bytes", self.0.len())
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;
    /// Takes any text: a complaint by the command line would print it. What it must be like is looked at in `check`.
    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
