//! Named tokens, by which people and programs show who they are, and the sessions of those who signed in with one.

use serde::{Deserialize, Serialize};

pub use crate::token_name::{MAX_TOKEN_NAME, OPERATOR, TokenName};
use crate::{
    access::{Actor, Role},
    time::Millis,
};

/// The SHA-256 of a token or of the secret of a session: what is kept of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl std::fmt::Debug for SecretHash {
    /// Not its digits: whoever reads the log cannot look for them in the database.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash")
    }
}

/// A token as it is listed; nothing in it lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub name: TokenName,
    pub role: Role,
    pub created: Millis,
    /// When a request came with it last, or with one of its sessions; to the minute.
    pub last_use: Option<Millis>,
    /// Since when it opens nothing.
    pub revoked: Option<Millis>,
}

/// A token that is not revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveToken {
    /// Given by the store; never used again.
    pub id: i64,
    pub name: TokenName,
    pub role: Role,
    pub hash: SecretHash,
}

impl ActiveToken {
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Named { name: self.name.clone(), role: self.role }
    }
}

/// Somebody who signed in, until then at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub holder: SessionHolder,
    pub expires: Millis,
}

/// What a session was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionHolder {
    /// A named token, as it is now.
    Token(ActiveToken),
    /// The operator's token: an HMAC by it of the session's secret. Another operator's token does not give the same.
    Operator(SecretHash),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_written_anywhere() {
        assert_eq!(format!("{:?}", SecretHash([171; 32])), "SecretHash");
    }
}
