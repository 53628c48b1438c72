//! Who may do what. One question, asked by every route and every server function: `can(actor, action, object)`.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::Scope,
    sentences,
    text::Name,
};

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// Nobody known.
    Anonymous,
    /// Whoever reaches a server on which everybody may read and nobody may act.
    Viewer,
    /// Somebody who sees one customer and nothing that tells of others.
    Bound(Name),
    /// The person at this machine where only they can be, or whoever showed the operator's token.
    Operator,
}

impl Actor {
    /// The one customer of which it may know, where it is bound to one.
    #[must_use]
    pub fn customer(&self) -> Option<&Name> {
        match self {
            Self::Bound(customer) => Some(customer),
            Self::Anonymous | Self::Viewer | Self::Operator => None,
        }
    }
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

/// On what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// On something, before it is known on what: whether the actor may do it anywhere.
    Any,
    /// On what belongs to the installation as a whole.
    Installation,
    /// On the records of a scope.
    Scope(&'a Scope),
}

/// Whether `actor` may do `action` on `object`.
#[must_use]
pub fn can(actor: &Actor, action: Action, object: Object<'_>) -> bool {
    match (actor, action) {
        (Actor::Operator, _) => true,
        (Actor::Viewer, action) => !action.changes(),
        (Actor::Anonymous | Actor::Bound(_), Action::Probe | Action::SignIn | Action::SetPreference) => true,
        (Actor::Bound(customer), Action::ReadMetrics) => match object {
            Object::Any => true,
            Object::Installation => false,
            Object::Scope(scope) => scope.customer.as_ref() == Some(customer),
        },
        (Actor::Bound(_), Action::ReadSources | Action::WriteRecords) => false,
        (Actor::Anonymous, Action::ReadMetrics | Action::ReadSources | Action::WriteRecords) => false,
    }
}

/// [`can`] as a gate.
///
/// # Errors
/// [`crate::ErrorKind::Forbidden`] with the sentence that the visitor reads.
pub fn authorize(actor: &Actor, action: Action, object: Object<'_>) -> Result<()> {
    if can(actor, action, object) {
        return Ok(());
    }
    Err(Error::forbidden(match actor {
        Actor::Viewer => sentences::only_read(),
        Actor::Bound(customer) => sentences::bound(customer),
        Actor::Anonymous | Actor::Operator => sentences::sign_in(),
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
    fn whoever_is_bound_to_a_customer_reads_its_records_and_nothing_else() {
        let name = |t: &str| Name::parse(t).expect("a name");
        let of = |c: Option<&str>| Scope::parse(c, None, None, None, None).expect("a scope");
        let actor = Actor::Bound(name("acme"));
        for action in Action::ALL {
            let (own, other, all) = (of(Some("acme")), of(Some("zeta")), of(None));
            let reads = action == Action::ReadMetrics;
            let open = matches!(action, Action::Probe | Action::SignIn | Action::SetPreference);
            assert_eq!(can(&actor, action, Object::Scope(&own)), reads || open, "{action:?}");
            assert_eq!(can(&actor, action, Object::Any), reads || open, "{action:?}");
            for object in [Object::Scope(&other), Object::Scope(&all), Object::Installation] {
                assert_eq!(can(&actor, action, object), open, "{action:?} {object:?}");
            }
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
