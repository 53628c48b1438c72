//! What could not be done, and why, in the words of the product. Each database knows which of its codes mean what.

use domain::{Error, error::Sentence};

use crate::sentences;

/// What was to be done.
#[derive(Debug, Clone, Copy)]
pub enum Operation<'a> {
    ReadManifest,
    WriteManifest,
    ReadLedger,
    WriteLedger,
    ReadPositions,
    WritePositions,
    ReadTokens,
    WriteTokens,
    ReadSessions,
    WriteSessions,
    ReadViews,
    WriteViews,
    ReadCopy,
    WriteCopy,
    ReadComparisons,
    WriteComparisons,
    ReadPolicies,
    WritePolicies,
    ReadRegistryLog,
    WriteRegistryLog,
    ReadModels,
    WriteModels,
    ReadRegistryCopy,
    WriteRegistryCopy,
    ReadWebhooks,
    WriteWebhooks,
    /// By the database's name.
    Open(&'a str),
    Prepare(&'a str),
    Read(&'a str),
    Write(&'a str),
}

/// Why it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureCause {
    ReadOnly,
    /// The same of a file.
    ReadOnlyFile,
    Full,
    Busy,
    Damaged,
    NotOpened,
    Disk,
    Unreachable,
    Interrupted,
    NotReady,
    Password,
    NoDatabase,
    NotAllowed,
    TooMany,
    Tls,
    Refused,
}

impl Operation<'_> {
    fn failed(self, why: &Sentence) -> Sentence {
        match self {
            Self::ReadManifest => sentences::cannot_read_manifest(why),
            Self::WriteManifest => sentences::cannot_write_manifest(why),
            Self::ReadLedger => sentences::cannot_read_ledger(why),
            Self::WriteLedger => sentences::cannot_write_ledger(why),
            Self::ReadPositions => sentences::cannot_read_positions(why),
            Self::WritePositions => sentences::cannot_write_positions(why),
            Self::ReadTokens => sentences::cannot_read_tokens(why),
            Self::WriteTokens => sentences::cannot_write_tokens(why),
            Self::ReadSessions => sentences::cannot_read_sessions(why),
            Self::WriteSessions => sentences::cannot_write_sessions(why),
            Self::ReadViews => sentences::cannot_read_views(why),
            Self::WriteViews => sentences::cannot_write_views(why),
            Self::ReadCopy => sentences::cannot_read_copy(why),
            Self::WriteCopy => sentences::cannot_write_copy(why),
            Self::ReadComparisons => sentences::cannot_read_comparisons(why),
            Self::WriteComparisons => sentences::cannot_write_comparisons(why),
            Self::ReadPolicies => sentences::cannot_read_policies(why),
            Self::WritePolicies => sentences::cannot_write_policies(why),
            Self::ReadRegistryLog => sentences::cannot_read_registry_log(why),
            Self::WriteRegistryLog => sentences::cannot_write_registry_log(why),
            Self::ReadModels => sentences::cannot_read_models(why),
            Self::WriteModels => sentences::cannot_write_models(why),
            Self::ReadRegistryCopy => sentences::cannot_read_registry_copy(why),
            Self::WriteRegistryCopy => sentences::cannot_write_registry_copy(why),
            Self::ReadWebhooks => sentences::cannot_read_webhooks(why),
            Self::WriteWebhooks => sentences::cannot_write_webhooks(why),
            Self::Open(name) => sentences::cannot_open(name, why),
            Self::Prepare(name) => sentences::cannot_prepare(name, why),
            Self::Read(name) => sentences::cannot_read(name, why),
            Self::Write(name) => sentences::cannot_write(name, why),
        }
    }
}

impl FailureCause {
    fn sentence(self) -> Sentence {
        match self {
            Self::ReadOnly => sentences::read_only(),
            Self::ReadOnlyFile => sentences::read_only_file(),
            Self::Full => sentences::full(),
            Self::Busy => sentences::busy(),
            Self::Damaged => sentences::damaged(),
            Self::NotOpened => sentences::not_opened(),
            Self::Disk => sentences::disk(),
            Self::Unreachable => sentences::unreachable(),
            Self::Interrupted => sentences::interrupted(),
            Self::NotReady => sentences::not_ready(),
            Self::Password => sentences::password(),
            Self::NoDatabase => sentences::no_database(),
            Self::NotAllowed => sentences::not_allowed(),
            Self::TooMany => sentences::too_many(),
            Self::Tls => sentences::no_tls(),
            Self::Refused => sentences::refused(),
        }
    }
}

/// The error, with what the database said for the log.
pub fn operation_error(doing: Operation<'_>, why: FailureCause, e: impl ToString) -> Error {
    Error::unavailable(doing.failed(&why.sentence())).with_detail(e)
}

/// The tables are of a later program.
pub fn schema_too_new(name: &str, found: i64, ours: i64) -> Error {
    Error::unavailable(sentences::newer_schema(name, found, ours))
}
