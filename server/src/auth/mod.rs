//! Who is calling: by the operator's token, by a named token, or by the session of one. What that allows, `domain::access` says.
//!
//! With a token one signs in with it, wherever one is; programs send it as a bearer token. A request does not tell whether a
//! proxy passed it on: with the defaults of many, it comes from loopback, names our own address, and says nothing of its
//! sender. So nobody is believed to be at this machine once something says that others may come: see [`AnonymousAccess`].

mod authenticator;
mod credential_cache;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/auth/sentences.rs"));
}

use domain::access::Actor;

use crate::config::Settings;

pub use self::authenticator::{Authenticator, SignIn};

/// Who somebody is that shows neither a token nor a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnonymousAccess {
    /// There is an operator's token, or there ever was a named one: nobody, also on loopback.
    Nobody,
    /// There are names under which others call, and no token: somebody who may read.
    Viewer,
    /// Neither: the operator, when the request comes from this machine. Not for use behind a proxy.
    Local,
}

impl AnonymousAccess {
    /// What settings alone say: where there ever was a named token, it is nobody whatever they say.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        if settings.serve.operator_token.is_some() {
            Self::Nobody
        } else if settings.serve.names_hosts() {
            Self::Viewer
        } else {
            Self::Local
        }
    }
}

/// What a request showed to say who sent it. It holds the secret itself, so it is never printed.
#[derive(Clone, Default)]
pub enum PresentedCredential {
    #[default]
    Nothing,
    /// The secret of a session.
    Session(String),
    /// A bearer token.
    Token(String),
}

/// Who sent a request, where a layer of this program in front of the authentication layer knows it: nothing that is sent can say so.
#[derive(Debug, Clone)]
pub struct PreAuthenticated(pub Actor);
