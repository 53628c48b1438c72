//! Who may do what. One question, asked by every route and every server function: `can(actor, action, object)`.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    say,
};

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// Nobody known.
    Anonymous,
    /// Whoever reaches a server on which everybody may read and nobody may act.
    Viewer,
    /// The person at this machine where only they can be, or whoever showed the operator's token.
    Operator,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See numbers.
    ReadMetrics,
    /// See sources and what they refused.
    ReadSources,
    /// See whether the server lives.
    Probe,
    /// See the sign-in page, sign in or out, fetch the files that every page needs.
    SignIn,
    /// Change one's own language, theme and time zone.
    SetPreference,
    /// Send records.
    WriteRecords,
}

impl Action {
    pub const ALL: [Self; 6] =
        [Self::ReadMetrics, Self::ReadSources, Self::Probe, Self::SignIn, Self::SetPreference, Self::WriteRecords];

    /// Whether it changes what others see.
    #[must_use]
    pub fn changes(self) -> bool {
        match self {
            Self::ReadMetrics | Self::ReadSources | Self::Probe | Self::SignIn | Self::SetPreference => false,
            Self::WriteRecords => true,
        }
    }
}

/// On what. Tenants come with a later issue; today everything belongs to the installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object {
    Installation,
}

/// Whether `actor` may do `action` on `object`.
#[must_use]
pub fn can(actor: &Actor, action: Action, object: Object) -> bool {
    let Object::Installation = object;
    match (actor, action) {
        (Actor::Operator, _) => true,
        (Actor::Viewer, action) => !action.changes(),
        (Actor::Anonymous, Action::Probe | Action::SignIn | Action::SetPreference) => true,
        (Actor::Anonymous, Action::ReadMetrics | Action::ReadSources | Action::WriteRecords) => false,
    }
}

/// [`can`] as a gate.
///
/// # Errors
/// [`crate::ErrorKind::Forbidden`] with the sentence that the visitor reads.
pub fn authorize(actor: &Actor, action: Action, object: Object) -> Result<()> {
    if can(actor, action, object) {
        return Ok(());
    }
    Err(Error::forbidden(match actor {
        Actor::Viewer => say!(
            "this server can only be read: it has no operator token, so nobody can act on it",
            "이 서버는 읽기 전용입니다. 운영자 토큰이 없어 아무도 변경할 수 없습니다"
        ),
        Actor::Anonymous | Actor::Operator => say!("sign in to see this", "보려면 로그인하세요"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_sees_numbers_or_sends_records_without_signing_in() {
        for action in Action::ALL {
            assert!(can(&Actor::Operator, action, Object::Installation));
            let open = matches!(action, Action::Probe | Action::SignIn | Action::SetPreference);
            assert_eq!(can(&Actor::Anonymous, action, Object::Installation), open, "{action:?}");
        }
    }

    #[test]
    fn a_viewer_reads_everything_and_changes_nothing_that_others_see() {
        for action in Action::ALL {
            let allowed = authorize(&Actor::Viewer, action, Object::Installation);
            assert_eq!(allowed.is_ok(), action != Action::WriteRecords, "{action:?}");
            if let Err(e) = allowed {
                assert!(e.message.en.contains("only be read") && e.message.ko.is_some(), "{e:?}");
            }
        }
    }
}
