//! The log of models as people read it: an operation is one line, whoever did something outside is marked as such.

use std::collections::BTreeMap;

use domain::{
    ports::KeptRequest,
    registry::{EventAct, EventActor, LoggedEvent, OperationId, OutcomeKind, RegistryEvent, Target},
};
use leptos::prelude::*;

use super::{
    common::{PageContext, changes, operation_word, said, v, version_link},
    words,
};
use crate::{
    i18n::Lang,
    panels::{tracking::moment, verdict},
    shell::addresses,
    ui::fmt::NO_VALUE,
};

/// A line of the history: an event, or an operation from its beginning to its end.
pub(super) struct Line<'a> {
    /// What is told: of an operation its end, where it has ended.
    event: &'a RegistryEvent,
    /// The beginning of the operation.
    begun: Option<&'a RegistryEvent>,
}

/// Events, newest first, each operation once.
pub(super) fn lines(events: &[LoggedEvent]) -> Vec<Line<'_>> {
    let mut begun: BTreeMap<OperationId, &RegistryEvent> = BTreeMap::new();
    let mut lines: Vec<Line<'_>> = vec![];
    for event in events.iter().map(|e| &e.event) {
        match (&event.act, event.operation) {
            (EventAct::Begun(_), Some(id)) => {
                begun.insert(id, event);
                lines.push(Line { event, begun: Some(event) });
            }
            (EventAct::Ended(..), Some(id)) => {
                let first = begun.remove(&id);
                lines.retain(|l| !first.is_some_and(|f| std::ptr::eq(l.event, f)));
                lines.push(Line { event, begun: first });
            }
            _ => lines.push(Line { event, begun: None }),
        }
    }
    lines.reverse();
    lines
}

/// Who did something.
pub(super) fn who(lang: Lang, actor: &EventActor) -> AnyView {
    match actor {
        EventActor::Named(name) => view! { <bdi>{name.clone()}</bdi> }.into_any(),
        EventActor::Outside => view! { <em>{words::outside(lang)}</em> }.into_any(),
        EventActor::System => view! { {words::system(lang)} }.into_any(),
    }
}

/// What happened.
fn what(lang: Lang, event: &RegistryEvent) -> AnyView {
    let (text, state) = match &event.act {
        EventAct::FirstSeen => (words::what_first_seen(lang), None),
        EventAct::ChangedOutside => (words::what_changed_outside(lang), None),
        EventAct::Registered => (words::what_registered(lang), None),
        EventAct::Begun(kind) => (operation_word(lang, *kind), Some(words::pending(lang))),
        EventAct::Ended(kind, outcome) => {
            let state = match outcome {
                OutcomeKind::Applied => None,
                OutcomeKind::NotApplied => Some(words::not_applied(lang)),
                OutcomeKind::Overtaken => Some(words::overtaken(lang)),
            };
            (operation_word(lang, *kind), state)
        }
        EventAct::Requested => (words::what_requested(lang), None),
        EventAct::Approved => (words::what_approved(lang), None),
        EventAct::Rejected => (words::what_rejected(lang), None),
        EventAct::Withdrawn => (words::what_withdrawn(lang), None),
        EventAct::Expired => (words::what_expired(lang), None),
        EventAct::Described => (words::what_described(lang), None),
    };
    view! { {text}{state.map(|state| view! { " "<span class="tag">{state}</span> })} }.into_any()
}

/// Lines as a table.
pub(super) fn table(p: &PageContext<'_>, lines: &[Line<'_>], label: &'static str) -> impl IntoView + use<> {
    let lang = p.lang();
    let heads = [
        words::col_when(lang),
        words::col_what(lang),
        words::col_version(lang),
        words::col_who(lang),
        words::col_reason(lang),
        words::col_evidence(lang),
        words::col_change(lang),
    ];
    let rows: Vec<_> = lines.iter().map(|line| row(p, line)).collect();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=label>
            <table>
                <thead><tr>{heads.map(|head| view! { <th scope="col">{head}</th> }).collect_view()}</tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
}

fn row(p: &PageContext<'_>, line: &Line<'_>) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let event = line.event;
    let version = event.version.map_or_else(|| NO_VALUE.into_any(), |version| version_link(a, &event.model, version));
    let evidence = line.begun.and_then(|b| b.evidence.as_deref()).or(event.evidence.as_deref());
    let evidence = match evidence {
        Some(e) => view! { {verdict::word(lang, e.verdict)} }.into_any(),
        None => NO_VALUE.into_any(),
    };
    let moved = match (&event.before, &event.after) {
        (Some(before), Some(after)) => changes(lang, before, after),
        (None, Some(after)) => {
            let champion = after.champion().map(v);
            champion.map(|champion| words::champion_was(lang, champion)).into_iter().collect()
        }
        _ => vec![],
    };
    let moved: Vec<_> = moved.into_iter().map(|text| view! { <div><bdi>{text}</bdi></div> }).collect();
    let reason = event.reason.as_ref().or(line.begun.and_then(|b| b.reason.as_ref())).cloned().unwrap_or_default();
    let note = event.note.as_ref().map(|note| view! { <small class="quiet"><bdi>{said(lang, note)}</bdi></small> });
    let request = event.request.or(line.begun.and_then(|b| b.request)).map(|id| {
        view! { <small><a href=a.to(&addresses::model_request(id.0))>{words::request_n(lang, id.0)}</a></small> }
    });
    view! {
        <tr>
            <th scope="row">{moment(&a.fmt, Some(event.at), a.now)}</th>
            <td>{what(lang, event)}{request}</td>
            <td>{version}</td>
            <td>{who(lang, &event.actor)}</td>
            <td class="long"><bdi>{reason}</bdi>{note}</td>
            <td>{evidence}</td>
            <td>{moved}</td>
        </tr>
    }
}

/// What is asked for, with the way to where it is decided.
pub(super) fn request_line(p: &PageContext<'_>, kept: &KeptRequest) -> impl IntoView + use<> {
    let (a, lang, r) = (&p.a, p.lang(), &kept.request);
    let to = target_word(lang, r.to);
    let text = words::request_line(lang, r.model.as_str(), v(r.version), to);
    let by = words::asked_by(lang, &r.asked_by, a.fmt.moment(r.asked, a.now), a.fmt.moment(r.expires, a.now));
    view! {
        <li><a href=a.to(&addresses::model_request(kept.id.0))><bdi>{text}</bdi></a>" "<small class="quiet">{by}</small></li>
    }
}

/// Where a promotion leads.
pub(super) fn target_word(lang: Lang, to: Target) -> &'static str {
    match to {
        Target::Staging => words::to_staging(lang),
        Target::Production => words::to_production(lang),
    }
}
