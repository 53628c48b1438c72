//! The one error of the product. It knows no transport: HTTP statuses and exit codes are chosen at the edge.

use std::{fmt, io};

use serde::{Deserialize, Serialize};

use crate::sentences;

pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong, in the terms of whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The query cannot be understood or is not allowed to be so large.
    BadInput,
    /// The thing asked for is not known.
    NotFound,
    /// The actor may not do this.
    Forbidden,
    /// A part that is needed does not answer just now; asking again may help.
    Unavailable,
    /// Our own fault.
    Internal,
}

/// What a person reads, in the languages of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sentence {
    pub en: String,
    /// Missing where no page shows it: see [`Sentence::only_english`].
    pub ko: Option<String>,
}

impl Sentence {
    /// A name that people wrote down in both languages.
    #[must_use]
    pub fn named(en: impl Into<String>, ko: impl Into<String>) -> Self {
        Self { en: en.into(), ko: Some(ko.into()) }
    }

    /// A sentence that no page shows: what operators read in terminals and logs, and programs in answers of REST. Everything
    /// that a visitor of a page, or of a file behind one, may meet comes from a `sentences.toml` and has both languages.
    #[must_use]
    pub fn only_english(en: impl Into<String>) -> Self {
        Self { en: en.into(), ko: None }
    }

    /// The Korean words, or the English ones where there are no others.
    #[must_use]
    pub fn korean(&self) -> &str {
        self.ko.as_deref().unwrap_or(&self.en)
    }

    /// Why the operating system refused. What it rarely says is left in its own words.
    #[must_use]
    pub fn from_io(e: &io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::NotFound => sentences::not_there(),
            io::ErrorKind::PermissionDenied => sentences::permission_denied(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => sentences::disk_full(),
            io::ErrorKind::FileTooLarge => sentences::file_too_large(),
            io::ErrorKind::ReadOnlyFilesystem => sentences::read_only(),
            io::ErrorKind::UnexpectedEof => sentences::cut_off(),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => sentences::damaged(e),
            _ => sentences::system(e),
        }
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.en)
    }
}

/// An error with the sentence that the user may read, and apart from it what only the log may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: ErrorKind,
    /// Shown to the user. A sentence; names the input.
    pub message: Sentence,
    /// Written to the log only. Never leaves the server.
    pub detail: Option<String>,
    /// The field of a form that it is about.
    pub field: Option<&'static str>,
}

impl Error {
    fn new(kind: ErrorKind, message: Sentence) -> Self {
        Self { kind, message, detail: None, field: None }
    }
    pub fn bad_input(message: Sentence) -> Self {
        Self::new(ErrorKind::BadInput, message)
    }
    pub fn not_found(message: Sentence) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }
    pub fn forbidden(message: Sentence) -> Self {
        Self::new(ErrorKind::Forbidden, message)
    }
    pub fn unavailable(message: Sentence) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }
    pub fn internal(message: Sentence) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
    /// Says which field of a form it is about.
    #[must_use]
    pub fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
    /// Adds what only the log may read.
    #[must_use]
    pub fn with_detail(mut self, detail: impl ToString) -> Self {
        self.detail = Some(detail.to_string());
        self
    }
}
