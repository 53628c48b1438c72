//! The ports of who may sign in, and of what they keep for themselves.

use async_trait::async_trait;

use crate::{
    access::Role,
    error::Result,
    saved_view::{NewView, SavedView, ViewId, ViewName},
    time::Millis,
    token::{ActiveToken, SecretHash, Session, SessionHolder, Token, TokenName},
};

/// Named tokens. Of each only the hash is kept.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// A number that moves with every change after which somebody may do more or less than before: a token added or revoked, a
    /// session ended.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn revision(&self) -> Result<i64>;
    /// Adds a token. False when a live one has the name.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn add(&self, name: &TokenName, role: Role, hash: &SecretHash, at: Millis) -> Result<bool>;
    /// All tokens, revoked ones too, in the order in which they were added.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn list(&self) -> Result<Vec<Token>>;
    /// All that are not revoked.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn live(&self) -> Result<Vec<ActiveToken>>;
    /// The live token of a hash.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn find(&self, hash: &SecretHash) -> Result<Option<ActiveToken>>;
    /// Revokes the live token of a name and ends its sessions, in one transaction. False when there is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn revoke(&self, name: &TokenName, at: Millis) -> Result<bool>;
    /// Notes when tokens, by number, were used last. What is later already stays.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn note_use(&self, uses: &[(i64, Millis)]) -> Result<()>;
}

/// For what a session begins: a token by number, or the operator's token by the HMAC of the session's secret
/// ([`SessionHolder::Operator`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionStart {
    Token(i64),
    Operator(SecretHash),
}

impl From<&SessionHolder> for SessionStart {
    fn from(holder: &SessionHolder) -> Self {
        match holder {
            SessionHolder::Token(token) => Self::Token(token.id),
            SessionHolder::Operator(proof) => Self::Operator(*proof),
        }
    }
}

/// Sessions, found by the hash of the secret that their browser has.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins one that opens until `expires`. False when its token is not live any more.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn begin(&self, hash: &SecretHash, of: &SessionStart, at: Millis, expires: Millis) -> Result<bool>;
    /// The session, when it has not ended and its token is live.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn session(&self, hash: &SecretHash, now: Millis) -> Result<Option<Session>>;
    /// Ends one. False when there is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn end(&self, hash: &SecretHash) -> Result<bool>;
    /// Forgets those that are over. Returns how many.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn forget_expired(&self, now: Millis) -> Result<u64>;
}

/// The key by which a write that is sent again is known to be the same (`Idempotency-GroupKey`), with the SHA-256 of what it asks for. Keys of
/// different actors are different keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    pub key: String,
    pub request: [u8; 32],
}

/// What became of a write with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreateOutcome<T> {
    /// It was done now.
    New(T),
    /// It was done before, and this was the answer.
    Again(T),
    /// The key was used for another request. Nothing was done.
    OtherRequest,
    /// Nothing was done: the owner has something of this name.
    NameTaken,
    /// Nothing was done: the owner has as many as one may have.
    TooMany,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    Done,
    /// It is not there any more, or not as it was seen. Nothing was done.
    Gone,
    /// The owner has another of this name. Nothing was done.
    NameTaken,
}

/// Saved views. Who may read and change what, the use cases decide.
#[async_trait]
pub trait SavedViews: Send + Sync {
    /// The views of an owner and all shared ones, by name; without an owner the shared ones.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be read.
    async fn views(&self, owner: Option<&str>) -> Result<Vec<SavedView>>;
    /// A view, whoever it belongs to.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn view(&self, id: ViewId) -> Result<Option<SavedView>>;
    /// Keeps a view. With a key, that and the answer are kept in the same transaction: whoever asks again gets the same answer, also
    /// after the view was changed or deleted. What was not done is not kept.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn create(
        &self,
        view: &NewView,
        key: Option<&IdempotencyKey>,
        at: Millis,
        most: usize,
    ) -> Result<CreateOutcome<SavedView>>;
    /// Gives a view another name, and shares it or not, if it still has the owner and is as shared as it was seen.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn change(&self, seen: &SavedView, name: &ViewName, shared: bool, at: Millis) -> Result<ChangeOutcome>;
    /// Deletes a view on the same condition, and as somebody's start page.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn delete(&self, seen: &SavedView) -> Result<ChangeOutcome>;
    /// The view that somebody starts with, when it is theirs or shared.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    async fn start(&self, owner: &str) -> Result<Option<SavedView>>;
    /// Starts with a view, or with the overview. `Gone` when there is no such view.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn set_start(&self, owner: &str, view: Option<ViewId>) -> Result<ChangeOutcome>;
}

/// The keys of writes that were done.
#[async_trait]
pub trait IdempotencyKeys: Send + Sync {
    /// Forgets keys that are older. Returns how many.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    async fn forget_keys(&self, before: Millis) -> Result<u64>;
}
