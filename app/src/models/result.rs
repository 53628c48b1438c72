//! What became of an operation, with the registry as it was read behind it.

use domain::{
    Result,
    registry::{OperationId, OperationState, OutcomeKind, RegistryModel, Stage},
};
use leptos::prelude::*;

use super::{
    common::{PageContext, operation_word, said, v},
    words,
};
use crate::shell::addresses;

/// The banner of the operation that the address names; nothing where it names none of this model.
pub(super) async fn banner(p: &mut PageContext<'_>, model: &RegistryModel) -> Result<Option<AnyView>> {
    let lang = p.lang();
    let id = p.a.understand("operation", |text| {
        let bad = || domain::Error::bad_input(super::sentences::which_operation(domain::scope::clip_text(text)));
        text.parse().map(OperationId).map_err(|_| bad())
    });
    let Some(id) = id else { return Ok(None) };
    let kept = match p.services.models.operation(id).await {
        Ok(kept) if kept.operation.model == model.name => kept,
        _ => {
            p.a.refuse("operation", super::sentences::which_operation(id.0.to_string()));
            return Ok(None);
        }
    };
    let act = operation_word(lang, kept.operation.kind);
    let what = words::done_what(lang, act, v(kept.operation.version), &kept.operation.actor);
    let note =
        |note: &Option<domain::error::Sentence>| note.as_ref().map(|n| view! { " "<bdi>{said(lang, n)}</bdi>"." });
    let production: Vec<String> = model.in_stage(Stage::Production).map(v).collect();
    let none = || words::nobody(lang).to_owned();
    // What is not known is not said.
    let now = p.services.models.status().error.is_none().then(|| {
        words::registry_says(
            lang,
            model.champion().map_or_else(none, v),
            if production.is_empty() { none() } else { production.join(", ") },
            model.alias(domain::registry::ROLLBACK).map_or_else(none, v),
        )
    });
    let again = p.a.with(&[]);
    Ok(Some(match &kept.state {
        OperationState::Pending => view! {
            <p class="banner late" role="status"><strong>{what}": "{words::pending(lang)}</strong>" "{words::pending_text(lang)}" "
                <a href=again>{words::look_again(lang)}</a></p>
        }
        .into_any(),
        OperationState::Ended(outcome) => match outcome.kind {
            OutcomeKind::Applied => {
                let champion = kept.operation.kind.moves_champion() && model.champion() == Some(kept.operation.version);
                let back = (p.may && champion && model.alias(domain::registry::ROLLBACK).is_some()).then(|| {
                    let href = p.a.to(&addresses::model_rollback(model.name.as_str()));
                    view! { " "<a class="button" href=href>{words::roll_back_button(lang)}</a> }
                });
                view! {
                    <div class="banner done" role="status"><p><span class="mark ok" aria-hidden="true">"✓ "</span><strong>{what}": "{words::applied(lang)}</strong>" "
                        {now}{note(&outcome.note)}</p>{back}</div>
                }
                .into_any()
            }
            OutcomeKind::Overtaken => view! {
                <p class="banner bad" role="alert"><strong>{what}": "{words::overtaken(lang)}</strong>{note(&outcome.note)}" "{now}</p>
            }
            .into_any(),
            OutcomeKind::NotApplied => view! {
                <p class="banner bad" role="alert"><strong>{what}": "{words::not_applied(lang)}</strong>{note(&outcome.note)}" "{now}</p>
            }
            .into_any(),
        },
    }))
}
