//! What these pages share: their context, links to models and versions, fields of forms, and words for stages, operations and standings.

use domain::{
    error::Sentence,
    ports::{RegistryKind, RegistryStatus},
    registry::{
        Alias, ModelName, OperationKind, RegistryModel, Stage, Standing, StandingChange, Target, Version, VersionStatus,
    },
    time::Millis,
};
use leptos::prelude::*;

use super::{words, write::SEEN};
use crate::{
    i18n::Lang,
    panels::tracking,
    shell::{addresses, context::Services, plain_query::PlainQuery, refused::Refused, top::Crumb},
    ui::fmt::{Fmt, NO_VALUE, capital},
};

/// What every page is made with.
pub(super) struct PageContext<'a> {
    pub services: &'a Services,
    pub a: PlainQuery,
    /// A form of this page that was refused.
    pub refused: Option<Refused>,
    /// Whether the visitor may change models.
    pub may: bool,
}

/// A page.
pub(super) struct Drawn {
    pub title: String,
    /// Below the list of models.
    pub crumbs: Vec<Crumb>,
    pub html: String,
}

/// Fields that can be seen: what is wrong with one is said beside it.
const SEEN_FIELDS: [&str; 4] = ["reason", "confirm", "override_policy", "version"];

impl PageContext<'_> {
    pub fn lang(&self) -> Lang {
        self.a.fmt.lang
    }

    /// What was sent in a field and refused.
    pub fn sent(&self, name: &str) -> Option<String> {
        let refused = self.refused.as_ref()?;
        refused.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone())
    }

    /// Whether the form with this act was refused.
    pub fn is_refused(&self, act: &str) -> bool {
        self.sent("act").is_some_and(|sent| sent == act)
    }

    /// Why a field was refused.
    pub fn fault_of(&self, name: &str) -> Option<String> {
        let e = &self.refused.as_ref()?.error;
        (e.field.as_deref() == Some(name)).then(|| self.lang().message(e.message.clone()))
    }

    /// Why a form was refused, where that is about no field that can be seen.
    pub fn fault(&self) -> Option<impl IntoView + use<>> {
        let e = &self.refused.as_ref()?.error;
        let registers = self.is_refused("register");
        let seen = |f: &str| SEEN_FIELDS.contains(&f) || (registers && matches!(f, "model" | "path"));
        let beside = e.field.as_deref().is_some_and(seen);
        let text = self.lang().message(e.message.clone());
        let lead = (e.field.as_deref() == Some(SEEN))
            .then(|| view! { <strong>{words::somebody_was_faster(self.lang())}</strong>" " });
        (!beside).then(|| view! { <p class="banner bad" role="alert">{lead}<bdi>{capital(&text)}</bdi>"."</p> })
    }

    /// Where the forms of this page are sent: to its own address.
    pub fn own_address(&self) -> String {
        self.a.with(&[("done", None), ("operation", None)])
    }
}

/// A sentence of an error as it stands by itself.
pub(super) fn said(lang: Lang, sentence: &Sentence) -> String {
    capital(lang.reason(sentence))
}

/// The crumb of a model.
pub(super) fn crumb(a: &PlainQuery, name: &ModelName) -> Crumb {
    Crumb { label: name.to_string(), href: a.to(&addresses::model(name.as_str())), ..Crumb::default() }
}

/// The crumb of this page.
pub(super) fn here(a: &PlainQuery, label: String) -> Crumb {
    Crumb { label, href: a.with(&[("done", None), ("operation", None)]), ..Crumb::default() }
}

/// A version as people write it.
pub(super) fn v(version: Version) -> String {
    format!("v{version}")
}

/// A version with the way to its page.
pub(super) fn version_link(a: &PlainQuery, model: &ModelName, version: Version) -> AnyView {
    let href = a.to(&addresses::model_version(model.as_str(), &version.to_string()));
    view! { <a href=href>{v(version)}</a> }.into_any()
}

/// Some versions with the ways to their pages; a dash for none.
pub(super) fn version_links(a: &PlainQuery, model: &ModelName, versions: &[Version]) -> AnyView {
    if versions.is_empty() {
        return NO_VALUE.into_any();
    }
    let one = |(i, version): (usize, &Version)| {
        let comma = (i > 0).then_some(", ");
        view! { {comma}{version_link(a, model, *version)} }
    };
    versions.iter().enumerate().map(one).collect_view().into_any()
}

/// Aliases of a version, as tags.
pub(super) fn alias_tags<'a>(aliases: impl IntoIterator<Item = &'a Alias>) -> AnyView {
    let tag = |alias: &Alias| view! { <span class="tag alias"><bdi>{alias.to_string()}</bdi></span> };
    aliases.into_iter().map(tag).collect_view().into_any()
}

/// A stage: shape, and MLflow's word, which is nobody's to translate.
pub(super) fn stage_mark(lang: Lang, stage: Stage) -> AnyView {
    let (class, mark) = match stage {
        Stage::None => return view! { <span class="quiet">{words::no_stage(lang)}</span> }.into_any(),
        Stage::Staging => ("mark running", "◐"),
        Stage::Production => ("mark finished", "●"),
        Stage::Archived => ("mark", "○"),
    };
    view! { <span class="status"><span class=class aria-hidden="true">{mark}</span>{stage.as_str()}</span> }.into_any()
}

/// Why a version cannot be used.
pub(super) fn status_tag(lang: Lang, status: VersionStatus) -> Option<AnyView> {
    let text = match status {
        VersionStatus::Ready => return None,
        VersionStatus::Pending => words::status_pending(lang),
        VersionStatus::Failed => words::status_failed(lang),
    };
    Some(view! { <span class="tag">{text}</span> }.into_any())
}

/// Something to look after: sign, colour and words.
pub(super) fn warning(text: String) -> AnyView {
    view! { <p class="banner late"><span class="mark late" aria-hidden="true">"▲ "</span><bdi>{text}</bdi></p> }
        .into_any()
}

/// Where the registry is, how old what is shown is, and what is wrong with it.
pub(super) fn registry_line(fmt: &Fmt, now: Millis, status: &RegistryStatus) -> AnyView {
    let lang = fmt.lang;
    let kind = match status.kind {
        RegistryKind::Mlflow => words::registry_mlflow(lang, &status.address),
        RegistryKind::Embedded => words::registry_embedded(lang).to_owned(),
    };
    let age = status.as_of.map_or_else(
        || words::registry_never(lang).to_owned(),
        |at| words::registry_as_of(lang, tracking::age(fmt, now.0 - at.0)),
    );
    let banner = status.error.as_ref().map(|why| {
        let why = said(lang, why);
        let text = match status.as_of {
            Some(at) => {
                words::registry_away(lang, fmt.strftime(at, "%Y-%m-%d %H:%M:%S %Z"), tracking::age(fmt, now.0 - at.0))
            }
            None => words::registry_away_never(lang).to_owned(),
        };
        view! { <p class="banner bad" role="status"><strong>{text}</strong>" "<bdi>{why}</bdi>"."</p> }
    });
    view! {
        <p class="lead quiet"><bdi>{kind}</bdi>" · "{age}</p>
        {banner}
    }
    .into_any()
}

/// What is done, as the name of an act.
pub(super) fn operation_word(lang: Lang, kind: OperationKind) -> &'static str {
    match kind {
        OperationKind::Promote(Target::Production) => words::act_promote_production(lang),
        OperationKind::Promote(Target::Staging) => words::act_promote_staging(lang),
        OperationKind::RollBack => words::act_roll_back(lang),
        OperationKind::SetChallenger => words::act_challenger(lang),
        OperationKind::Repair => words::act_repair(lang),
    }
}

/// How a standing became another one, in words.
pub(super) fn changes(lang: Lang, before: &Standing, after: &Standing) -> Vec<String> {
    let place = |version: Option<Version>| version.map_or_else(|| words::nobody(lang).to_owned(), v);
    let stage = |stage: Stage| if stage == Stage::None { words::no_stage(lang) } else { stage.as_str() };
    let told = |change: &StandingChange| match change {
        StandingChange::VersionAdded(version) => words::version_added(lang, v(*version)),
        StandingChange::VersionDeleted(version) => words::version_deleted(lang, v(*version)),
        StandingChange::AliasMoved { alias, from, to } => format!("{alias}: {} → {}", place(*from), place(*to)),
        StandingChange::StageMoved { version, from, to } => {
            format!("{}: {} → {}", v(*version), stage(*from), stage(*to))
        }
    };
    before.changes_to(after).iter().map(told).collect()
}

/// How `champion` and `Production` disagree; `None` where they do not.
pub(super) fn disagreement(lang: Lang, model: &RegistryModel) -> Option<String> {
    let champion = model.champion().filter(|_| model.disagrees())?;
    let production: Vec<String> = model.in_stage(Stage::Production).map(v).collect();
    Some(words::disagrees(lang, v(champion), production.join(", ")))
}

/// A text of several lines to type, with why it was refused.
pub(super) fn text_area(
    p: &PageContext<'_>,
    act: &str,
    label: &str,
    help: &str,
    usual: &str,
    required: bool,
) -> AnyView {
    let id = format!("{act}-reason");
    let refused = p.is_refused(act);
    let fault = p.fault_of("reason").filter(|_| refused);
    let value = p.sent("reason").filter(|_| refused).unwrap_or_else(|| usual.to_owned());
    let bad = fault.is_some().then_some("true");
    view! {
        <div class="field">
            <label for=id.clone()>{label.to_owned()}</label>
            <textarea id=id.clone() name="reason" rows="3" maxlength="4000" required=required aria-invalid=bad
                aria-describedby=format!("{id}-help")>{value}</textarea>
            {fault.map(|why| view! { <p class="fault" role="alert">{capital(&why)}</p> })}
            <small class="quiet" id=format!("{id}-help")>{help.to_owned()}</small>
        </div>
    }
    .into_any()
}

/// Hidden fields of a form.
pub(super) fn hidden(pairs: &[(&'static str, String)]) -> AnyView {
    pairs
        .iter()
        .map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> })
        .collect_view()
        .into_any()
}

/// Sites with the ways to their pages, the first of them; the others are counted.
pub(super) fn site_list(p: &PageContext<'_>, sites: &[(domain::scope::Scope, u64)], most: usize) -> AnyView {
    let lang = p.lang();
    let directory = p.services.metrics.directory();
    let name = |scope: &domain::scope::Scope| {
        if let Some(label) = directory.declared.label(scope) {
            return lang.name(label).to_owned();
        }
        [&scope.customer, &scope.site].into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" › ")
    };
    let one = |(scope, n): &(domain::scope::Scope, u64)| {
        let href = p.a.to(&addresses::place_path(scope));
        view! { <li><a href=href><bdi>{name(scope)}</bdi></a>" "<small class="quiet">{words::records(lang, p.a.fmt.count(*n))}</small></li> }
    };
    let shown: Vec<_> = sites.iter().take(most).map(one).collect();
    let rest =
        (sites.len() > most).then(|| view! { <li class="quiet">{words::and_more(lang, sites.len() - most)}</li> });
    view! { <ul class="site-list">{shown}{rest}</ul> }.into_any()
}
