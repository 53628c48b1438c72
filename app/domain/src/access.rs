//! Authorization. One check for every route and every server function: `can(actor, action, object)`.

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    scope::Scope,
    sentences,
    text::Name,
    token_name::{OPERATOR, TokenName},
};

/// What somebody with a name may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads everything, and keeps views of their own.
    Viewer,
    /// Does everything.
    Operator,
}

impl Role {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
        }
    }

    /// # Errors
    /// Names the two roles.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::Viewer, Self::Operator]
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| Error::bad_input(sentences::bad_role(crate::scope::clip_text(text))))
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Actor {
    /// An unknown actor.
    Anonymous,
    /// Whoever reaches a server on which everybody may read and nobody may act.
    Viewer,
    /// An actor that may see one customer only.
    Bound(Name),
    /// Whoever showed a named token, or signed in with it.
    Named { name: TokenName, role: Role },
    /// The person at this machine where only they can be, or whoever showed the operator's token.
    Operator,
}

impl Actor {
    /// The one customer of which it may know, where it is bound to one.
    #[must_use]
    pub fn customer(&self) -> Option<&Name> {
        match self {
            Self::Bound(customer) => Some(customer),
            Self::Anonymous | Self::Viewer | Self::Named { .. } | Self::Operator => None,
        }
    }

    /// Its name: in the log, and as the owner of what it keeps for itself. The person at this machine and whoever has the operator's
    /// token are one, called `operator`. Whoever cannot be told from others has none, and owns nothing.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Named { name, .. } => Some(name.as_str()),
            Self::Operator => Some(OPERATOR),
            Self::Anonymous | Self::Viewer | Self::Bound(_) => None,
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
    /// Whether the server process runs.
    Probe,
    /// See the sign-in page, sign in or out, fetch the files that every page needs.
    SignIn,
    /// Change one's own language, theme and time zone.
    SetPreference,
    /// Send records.
    WriteRecords,
    /// See saved views: shared ones and one's own.
    ReadViews,
    /// Keep, rename, share and delete saved views, and choose the page to start with.
    WriteViews,
    /// See experiments and runs, and the files that runs left. They tell of every customer.
    ReadRuns,
    /// Register comparisons, and set what models are judged by.
    WriteEvidence,
    /// See models, their versions and what happened to them. They tell of every customer.
    ReadModels,
    /// Register versions, promote, roll back, ask for it and decide on it; set who is told of it by webhooks.
    WriteModels,
}

impl Action {
    pub const ALL: [Self; 12] = [
        Self::ReadMetrics,
        Self::ReadSources,
        Self::Probe,
        Self::SignIn,
        Self::SetPreference,
        Self::WriteRecords,
        Self::ReadViews,
        Self::WriteViews,
        Self::ReadRuns,
        Self::WriteEvidence,
        Self::ReadModels,
        Self::WriteModels,
    ];

    /// Whether it changes what is kept.
    #[must_use]
    pub fn is_write(self) -> bool {
        match self {
            Self::ReadMetrics
            | Self::ReadSources
            | Self::Probe
            | Self::SignIn
            | Self::SetPreference
            | Self::ReadViews
            | Self::ReadRuns
            | Self::ReadModels => false,
            Self::WriteRecords | Self::WriteViews | Self::WriteEvidence | Self::WriteModels => true,
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
    /// On a saved view of this owner, which others see when it is shared.
    MetricsSnapshot { owner: &'a str, shared: bool },
}

/// Whether `actor` may do `action` on `object`.
#[must_use]
pub fn can(actor: &Actor, action: Action, object: Object<'_>) -> bool {
    if let Object::MetricsSnapshot { owner, shared } = object {
        return can(actor, action, Object::Any) && can_on_view(actor, action, owner, shared);
    }
    match (actor, action) {
        (Actor::Operator | Actor::Named { role: Role::Operator, .. }, _) => true,
        (Actor::Named { role: Role::Viewer, .. }, Action::WriteViews) => object != Object::Installation,
        (Actor::Viewer | Actor::Named { role: Role::Viewer, .. }, action) => !action.is_write(),
        (Actor::Anonymous | Actor::Bound(_), Action::Probe | Action::SignIn | Action::SetPreference) => true,
        (Actor::Bound(customer), Action::ReadMetrics) => match object {
            Object::Any | Object::MetricsSnapshot { .. } => true,
            Object::Installation => false,
            Object::Scope(scope) => scope.customer.as_ref() == Some(customer),
        },
        // Names and addresses of shared views tell of every customer.
        (
            Actor::Bound(_),
            Action::ReadSources
            | Action::WriteRecords
            | Action::ReadViews
            | Action::WriteViews
            | Action::ReadRuns
            | Action::WriteEvidence
            | Action::ReadModels
            | Action::WriteModels,
        ) => false,
        (
            Actor::Anonymous,
            Action::ReadMetrics
            | Action::ReadSources
            | Action::WriteRecords
            | Action::ReadViews
            | Action::WriteViews
            | Action::ReadRuns
            | Action::WriteEvidence
            | Action::ReadModels
            | Action::WriteModels,
        ) => false,
    }
}

/// A personal view is its owner's alone, whatever the role of others. A shared one is read by all who read views, and changed by
/// operators.
fn can_on_view(actor: &Actor, action: Action, owner: &str, shared: bool) -> bool {
    let own = actor.name() == Some(owner);
    if !shared {
        return own;
    }
    let operates = matches!(actor, Actor::Operator | Actor::Named { role: Role::Operator, .. });
    !action.is_write() || operates
}

/// Returns an error unless [`can`] allows it.
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
        Actor::Named { name, .. } => sentences::only_operators(name),
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
            assert_eq!(allowed.is_ok(), !action.is_write(), "{action:?}");
            if let Err(e) = allowed {
                assert!(e.message.en.contains("only be read") && e.message.ko.is_some(), "{e:?}");
            }
        }
    }

    fn named(name: &str, role: Role) -> Actor {
        Actor::Named { name: TokenName::parse(name).expect("a name"), role }
    }

    #[test]
    fn a_named_viewer_reads_everything_and_writes_nothing_but_views() {
        let kim = named("kim", Role::Viewer);
        for action in Action::ALL {
            let allowed = authorize(&kim, action, Object::Any);
            let writes = action.is_write() && action != Action::WriteViews;
            assert_eq!(allowed.is_ok(), !writes, "{action:?}");
            if let Err(e) = allowed {
                assert!(e.message.en.contains("kim") && e.message.ko.is_some(), "{e:?}");
            }
            assert!(can(&named("lee", Role::Operator), action, Object::Installation), "{action:?}");
        }
    }

    /// Against a table that says for each actor whose views it may read, and change.
    #[test]
    fn personal_views_are_their_owner_s_and_shared_ones_are_changed_by_operators() {
        let bound = Actor::Bound(Name::parse("acme").expect("a name"));
        // Actor; whether it reads and changes: its own, somebody else's personal one, a shared one of its own, of somebody else.
        let table = [
            (Actor::Anonymous, [[false; 4], [false; 4]]),
            (bound, [[false; 4], [false; 4]]),
            (Actor::Viewer, [[false, false, true, true], [false; 4]]),
            (named("kim", Role::Viewer), [[true, false, true, true], [true, false, false, false]]),
            (named("lee", Role::Operator), [[true, false, true, true]; 2]),
            (Actor::Operator, [[true, false, true, true]; 2]),
        ];
        for (actor, rights) in table {
            let own = actor.name().unwrap_or("nobody").to_owned();
            for (action, expected) in [Action::ReadViews, Action::WriteViews].into_iter().zip(rights) {
                let views = [(own.as_str(), false), ("other", false), (own.as_str(), true), ("other", true)];
                let got = views.map(|(owner, shared)| can(&actor, action, Object::MetricsSnapshot { owner, shared }));
                assert_eq!(got, expected, "{actor:?} {action:?}");
            }
        }
    }
}
