//! What receivers are told, as Standard Webhooks has it: a type, a moment, and what happened.

use serde_json::{Value, json};

use super::Topic;
use crate::{
    evidence::Target,
    registry::{EventAct, EventActor, OperationKind, OutcomeKind, RegistryEvent, Stage, Standing, Version},
    time::Millis,
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageType {
    Requested,
    Approved,
    Rejected,
    Promoted,
    RolledBack,
}

impl MessageType {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "model.promotion.requested",
            Self::Approved => "model.promotion.approved",
            Self::Rejected => "model.promotion.rejected",
            Self::Promoted => "model.promoted",
            Self::RolledBack => "model.rolled_back",
        }
    }

    #[must_use]
    pub fn topic(self) -> Topic {
        match self {
            Self::Requested => Topic::Request,
            Self::Approved | Self::Rejected => Topic::Approval,
            Self::Promoted => Topic::Promotion,
            Self::RolledBack => Topic::Rollback,
        }
    }

    /// What an event of the log is told as; `None` for those that nobody is told of.
    #[must_use]
    pub fn of(event: &RegistryEvent) -> Option<Self> {
        match event.act {
            EventAct::Requested => Some(Self::Requested),
            EventAct::Approved => Some(Self::Approved),
            EventAct::Rejected => Some(Self::Rejected),
            EventAct::Ended(OperationKind::Promote(_), OutcomeKind::Applied) => Some(Self::Promoted),
            EventAct::Ended(OperationKind::RollBack, OutcomeKind::Applied) => Some(Self::RolledBack),
            _ => None,
        }
    }
}

/// A message for all webhooks that want it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The `webhook-id`: no two events have the same, in any installation.
    pub id: String,
    pub kind: MessageType,
    pub body: String,
}

impl Message {
    /// The message of an event with its number and its hash in the log. `asked` is what a request asks for: its target and the champion that
    /// was seen.
    #[must_use]
    pub fn of(
        event: &RegistryEvent,
        number: i64,
        hash: &[u8; 32],
        asked: Option<(Target, Option<Version>)>,
    ) -> Option<Self> {
        let kind = MessageType::of(event)?;
        let target = match event.act {
            EventAct::Ended(OperationKind::Promote(target), _) => Some(target),
            EventAct::Ended(OperationKind::RollBack, _) => Some(Target::Production),
            _ => asked.map(|a| a.0),
        };
        let from = match (&event.before, target) {
            (Some(before), Some(target)) => holder(before, target),
            _ => asked.filter(|a| a.0 == Target::Production).and_then(|a| a.1),
        };
        let actor = match &event.actor {
            EventActor::Named(name) => name,
            EventActor::Outside => "outside",
            EventActor::System => "system",
        };
        let data = json!({
            "event": number,
            "model": event.model,
            "version": event.version,
            "target": target.map(Target::as_str),
            "from": from,
            "to": event.version,
            "actor": actor,
            "reason": event.reason,
            "operation": event.operation,
            "request": event.request,
            "verdict": event.evidence.as_ref().map(|e| e.verdict),
        });
        let id = hash[..16].iter().map(|b| format!("{b:02x}")).collect::<String>();
        Some(Self { id: format!("msg_{id}"), kind, body: body(kind.as_str(), event.at, &data) })
    }
}

/// Which version was where a promotion leads.
fn holder(standing: &Standing, target: Target) -> Option<Version> {
    match target {
        Target::Production => standing.champion(),
        Target::Staging => standing.stages.iter().rev().find(|(_, stage)| **stage == Stage::Staging).map(|s| *s.0),
    }
}

fn body(kind: &str, at: Millis, data: &Value) -> String {
    json!({ "type": kind, "timestamp": at, "data": data }).to_string()
}

/// What a test sends.
#[must_use]
pub fn test_message(at: Millis, actor: &str) -> String {
    body("webhook.test", at, &json!({ "actor": actor }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Alias, ModelName, OperationId};

    fn event(act: EventAct) -> RegistryEvent {
        let name = ModelName::parse("검출 \"b\"").expect("a name");
        let mut event = RegistryEvent::new(Millis(1_500), name, act, EventActor::Named("김민수".into()));
        event.version = Version::new(8).ok();
        event.reason = Some("'better'\0".into());
        event
    }

    #[test]
    fn what_was_applied_and_asked_is_told_and_nothing_else() {
        let (promote, to) = (OperationKind::Promote(Target::Production), Target::Staging);
        let told = [
            (EventAct::Requested, "model.promotion.requested", "request"),
            (EventAct::Approved, "model.promotion.approved", "approval"),
            (EventAct::Rejected, "model.promotion.rejected", "approval"),
            (EventAct::Ended(promote, OutcomeKind::Applied), "model.promoted", "promotion"),
            (EventAct::Ended(OperationKind::Promote(to), OutcomeKind::Applied), "model.promoted", "promotion"),
            (EventAct::Ended(OperationKind::RollBack, OutcomeKind::Applied), "model.rolled_back", "rollback"),
        ];
        for (act, kind, topic) in told {
            let found = MessageType::of(&event(act.clone())).expect("a message");
            assert_eq!((found.as_str(), found.topic().as_str()), (kind, topic), "{act:?}");
        }
        for act in [
            EventAct::FirstSeen,
            EventAct::ChangedOutside,
            EventAct::Begun(promote),
            EventAct::Ended(promote, OutcomeKind::NotApplied),
            EventAct::Ended(promote, OutcomeKind::Overtaken),
            EventAct::Ended(OperationKind::SetChallenger, OutcomeKind::Applied),
            EventAct::Withdrawn,
            EventAct::Expired,
        ] {
            assert_eq!(MessageType::of(&event(act.clone())), None, "{act:?}");
        }
    }

    #[test]
    fn a_message_says_what_moved_where_and_who_did_it() {
        let mut promoted = event(EventAct::Ended(OperationKind::Promote(Target::Production), OutcomeKind::Applied));
        let mut before = Standing::default();
        before.aliases.insert(Alias::champion(), Version::new(7).expect("a version"));
        promoted.before = Some(before);
        promoted.operation = Some(OperationId(3));
        let message = Message::of(&promoted, 12, &[171; 32], None).expect("a message");
        assert_eq!(message.id, format!("msg_{}", "ab".repeat(16)));
        let body: Value = serde_json::from_str(&message.body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "type": "model.promoted", "timestamp": "1970-01-01T00:00:01.5Z",
                "data": {
                    "event": 12, "model": "검출 \"b\"", "version": "8", "target": "production", "from": "7", "to": "8",
                    "actor": "김민수", "reason": "'better'\0", "operation": 3, "request": null, "verdict": null,
                },
            })
        );
        let asked = Some((Target::Production, Version::new(6).ok()));
        let requested = Message::of(&event(EventAct::Requested), 1, &[0; 32], asked).expect("a message");
        let body: Value = serde_json::from_str(&requested.body).expect("JSON");
        assert_eq!((&body["data"]["from"], &body["data"]["target"]), (&json!("6"), &json!("production")));
    }
}
