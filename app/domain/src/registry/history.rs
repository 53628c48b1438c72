//! What follows from the log of a model: what was live when, and where a rollback leads.

use std::collections::BTreeSet;

use super::{
    event::{EventAct, RegistryEvent},
    model::{RegistryModel, VersionStatus},
    names::{ROLLBACK, Version},
    operation::{OperationKind, OutcomeKind},
    standing::Standing,
};
use crate::{evidence::Target, time::Millis};

/// A time in which a version was the champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LivePeriod {
    pub version: Version,
    pub from: Millis,
    /// `None` while it is.
    pub to: Option<Millis>,
    /// Whether it was the champion already when we first looked, so that it may have been before `from`.
    pub since_before: bool,
}

/// Where a rollback leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollbackTarget {
    pub version: Version,
    /// When it was the champion last; `None` where that was before we looked, and somebody else's alias `rollback` says so alone.
    pub live: Option<LivePeriod>,
    /// Where the next one would lead: the alias `rollback` afterwards.
    pub next: Option<Version>,
}

/// How a model stood at a moment, by its events in order; `None` before it was first looked at.
#[must_use]
pub fn standing_at<'a>(events: impl IntoIterator<Item = &'a RegistryEvent>, at: Millis) -> Option<&'a Standing> {
    events.into_iter().take_while(|e| e.at <= at).filter_map(|e| e.after.as_ref()).last()
}

/// When which version was the champion, in order.
#[must_use]
pub fn champion_periods<'a>(events: impl IntoIterator<Item = &'a RegistryEvent>) -> Vec<LivePeriod> {
    let mut periods: Vec<LivePeriod> = vec![];
    for event in events {
        let Some(after) = &event.after else { continue };
        let (champion, open) = (after.champion(), periods.last_mut().filter(|p| p.to.is_none()));
        if open.as_ref().map(|p| p.version) == champion {
            continue;
        }
        if let Some(open) = open {
            open.to = Some(event.at);
        }
        let since_before = event.act == EventAct::FirstSeen;
        periods.extend(champion.map(|version| LivePeriod { version, from: event.at, to: None, since_before }));
    }
    periods
}

/// Versions that a rollback led away from, as long as nobody made them champion again.
fn rolled_back_from<'a>(events: impl IntoIterator<Item = &'a RegistryEvent>) -> BTreeSet<Version> {
    let mut gone = BTreeSet::new();
    for event in events {
        let (before, after) = (event.before.as_ref(), event.after.as_ref());
        let (from, to) = (before.and_then(Standing::champion), after.and_then(Standing::champion));
        match &event.act {
            EventAct::Ended(OperationKind::RollBack, OutcomeKind::Applied) => {
                gone.extend(from.filter(|v| to != Some(*v)))
            }
            EventAct::Ended(OperationKind::Promote(Target::Production), OutcomeKind::Applied)
            | EventAct::ChangedOutside
                if from != to =>
            {
                if let Some(to) = to {
                    gone.remove(&to);
                }
            }
            _ => {}
        }
    }
    gone
}

/// The version that a rollback leads to: the last other champion that still exists and is ready, and that no rollback led away from since. `events` are those of the
/// model, in order.
#[must_use]
pub fn rollback_target(events: &[RegistryEvent], model: &RegistryModel) -> Option<RollbackTarget> {
    let periods = champion_periods(events);
    let gone = rolled_back_from(events);
    let current = model.champion();
    let usable = |version: &Version| {
        let ready = model.version(*version).is_some_and(|v| v.status == VersionStatus::Ready);
        ready && Some(*version) != current && !gone.contains(version)
    };
    let mut targets = periods.iter().rev().filter(|p| usable(&p.version));
    let Some(live) = targets.next().copied() else {
        // What happened before we looked is not in the log: others may have said where to go back to.
        let version = model.alias(ROLLBACK).filter(usable)?;
        return Some(RollbackTarget { version, live: None, next: None });
    };
    let next = targets.map(|p| p.version).find(|v| *v != live.version);
    Some(RollbackTarget { version: live.version, live: Some(live), next })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use super::{super::event::EventActor, *};
    use crate::registry::{Alias, ModelName, ModelVersion, Stage, VersionSet};

    fn v(n: u32) -> Version {
        Version::new(n).expect("a version")
    }

    fn model(champion: Option<u32>, versions: impl IntoIterator<Item = u32>) -> RegistryModel {
        let version = |n| {
            let version = ModelVersion {
                version: v(n),
                run: None,
                source: String::new(),
                stage: Stage::None,
                status: VersionStatus::Ready,
                status_message: String::new(),
                description: String::new(),
                tags: BTreeMap::new(),
                created: Millis(0),
                updated: Millis(0),
                created_by: String::new(),
            };
            (v(n), Arc::new(version))
        };
        RegistryModel {
            name: ModelName::parse("m").expect("a name"),
            description: String::new(),
            tags: BTreeMap::new(),
            created: Millis(0),
            updated: Millis(0),
            aliases: champion.map(|c| (Alias::champion(), v(c))).into_iter().collect(),
            versions: versions.into_iter().map(version).collect(),
        }
    }

    fn standing(champion: Option<u32>) -> Standing {
        Standing {
            aliases: champion.map(|c| (Alias::champion(), v(c))).into_iter().collect(),
            stages: BTreeMap::new(),
            versions: VersionSet::default(),
        }
    }

    const PROMOTED: EventAct = EventAct::Ended(OperationKind::Promote(Target::Production), OutcomeKind::Applied);
    const ROLLED_BACK: EventAct = EventAct::Ended(OperationKind::RollBack, OutcomeKind::Applied);

    /// Each step: what happened, and the champion afterwards.
    fn log(steps: &[(EventAct, Option<u32>)]) -> Vec<RegistryEvent> {
        let mut champion = None;
        let event = |(i, (act, after)): (usize, &(EventAct, Option<u32>))| {
            let at = Millis(i64::try_from(i).expect("few") * 10);
            let name = ModelName::parse("m").expect("a name");
            let mut event = RegistryEvent::new(at, name, act.clone(), EventActor::System);
            (event.before, event.after) = (Some(standing(champion)), Some(standing(*after)));
            champion = *after;
            event
        };
        steps.iter().enumerate().map(event).collect()
    }

    #[test]
    fn a_rollback_leads_to_the_last_other_champion_and_a_second_one_further_back() {
        let mut steps =
            vec![(EventAct::FirstSeen, Some(1)), (PROMOTED, Some(2)), (PROMOTED, Some(3)), (PROMOTED, Some(4))];
        let target = |steps: &[_], champion, versions: &[u32]| {
            let found = rollback_target(&log(steps), &model(Some(champion), versions.iter().copied()));
            found.map(|t| (t.version.number(), t.next.map(Version::number)))
        };
        assert_eq!(target(&steps, 4, &[1, 2, 3, 4]), Some((3, Some(2))));
        // A version that is gone is none.
        assert_eq!(target(&steps, 4, &[1, 2, 4]), Some((2, Some(1))));
        steps.push((ROLLED_BACK, Some(3)));
        assert_eq!(target(&steps, 3, &[1, 2, 3, 4]), Some((2, Some(1))));
        steps.push((ROLLED_BACK, Some(2)));
        assert_eq!(target(&steps, 2, &[1, 2, 3, 4]), Some((1, None)));
        steps.push((ROLLED_BACK, Some(1)));
        assert_eq!(target(&steps, 1, &[1, 2, 3, 4]), None);
        // Promoted again it is a target again, also when somebody outside did so.
        steps.extend([(PROMOTED, Some(3)), (EventAct::ChangedOutside, Some(4)), (PROMOTED, Some(2))]);
        assert_eq!(target(&steps, 2, &[1, 2, 3, 4]), Some((4, Some(3))));
    }

    #[test]
    fn what_was_live_is_known_from_the_first_look_on() {
        let events = log(&[
            (EventAct::FirstSeen, Some(1)),
            (PROMOTED, Some(2)),
            (EventAct::ChangedOutside, None),
            (PROMOTED, Some(2)),
        ]);
        let champion = |at| standing_at(&events, Millis(at)).map(Standing::champion);
        assert_eq!(champion(-1), None);
        assert_eq!(
            [champion(0), champion(9), champion(10), champion(25), champion(99)],
            [Some(Some(v(1))), Some(Some(v(1))), Some(Some(v(2))), Some(None), Some(Some(v(2)))]
        );
        let periods = champion_periods(&events);
        let told: Vec<_> =
            periods.iter().map(|p| (p.version.number(), p.from.0, p.to.map(|t| t.0), p.since_before)).collect();
        assert_eq!(told, [(1, 0, Some(10), true), (2, 10, Some(20), false), (2, 30, None, false)]);
    }

    #[test]
    fn where_the_log_knows_nobody_the_alias_of_others_leads_back() {
        let with_alias = |version: u32| {
            let mut model = model(Some(2), 1..=3);
            model.aliases.insert(Alias::rollback(), v(version));
            model
        };
        let target = |model: &RegistryModel| rollback_target(&[], model);
        assert_eq!(target(&with_alias(1)), Some(RollbackTarget { version: v(1), live: None, next: None }));
        // To the champion itself, to a version that is gone, and to nowhere.
        assert_eq!([target(&with_alias(2)), target(&with_alias(9)), target(&model(Some(2), 1..=3))], [None; 3]);
    }
}
