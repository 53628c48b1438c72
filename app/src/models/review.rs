//! The page on which a promotion is decided: what is, what would be, what speaks for it, and who is affected.

use domain::{
    Result,
    evidence::{PromotionRule, Verdict},
    registry::{ROLLBACK, RegistryModel, Stage, Target, Version},
    scope::ExperimentKind,
};
use leptos::prelude::*;
use usecases::models::PromotionReview;

use super::{
    change::{affected, evidence, now_and_after, readers},
    common::{Drawn, PageContext, crumb, here, hidden, registry_line, said, text_area, v, warning},
    field,
    past::target_word,
    versions::PAGE_ROWS,
    words,
};
use crate::{
    shell::addresses,
    ui::fmt::{NO_VALUE, capital},
};

pub(super) async fn page(p: &mut PageContext<'_>, name: &str) -> Result<Drawn> {
    let services = p.services;
    let model = services.models.model(name)?;
    // A form that was refused is about what was sent.
    for key in ["version", "to"] {
        if let Some(sent) = p.sent(key).filter(|sent| !sent.is_empty()) {
            p.a.put(key, sent);
        }
    }
    let to = p.a.understand("to", Target::parse).unwrap_or(Target::Production);
    let asked = p.a.understand("version", Version::parse);
    let usual =
        || model.challenger().or_else(|| model.versions.keys().rev().copied().find(|n| Some(*n) != model.champion()));
    let version = asked.or_else(usual).or_else(|| model.champion());
    let Some(version) = version else {
        let html = view! { <p class="quiet">{words::no_versions(p.lang())}</p> }.to_html();
        return Ok(Drawn { title: model.name.to_string(), crumbs: vec![crumb(&p.a, &model.name)], html });
    };
    let review = services.models.review(name, &version.to_string(), to.as_str()).await?;
    let records = field::load(services, p.a.now, ExperimentKind::default()).await?;
    let key = usecases::new_key()?;
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let already = match to {
        Target::Production => model.champion() == Some(version) && !model.disagrees(),
        Target::Staging => model.champion() == Some(version) || model.in_stage(Stage::Staging).eq([version]),
    };
    let title = match to {
        Target::Production => words::promote_title_production(lang, model.name.as_str(), v(version)),
        Target::Staging => words::promote_title_staging(lang, model.name.as_str(), v(version)),
    };
    let of_champion = model.champion().and_then(|champion| records.version(&model.name, champion));
    let decision = if already {
        view! { <p class="banner" role="status">{words::already(lang, v(version))}</p> }.into_any()
    } else if p.may {
        form(p, &review, key).into_any()
    } else {
        view! { <p class="quiet">{words::only_operators(lang)}</p> }.into_any()
    };
    let html = view! {
        {registry_line(&a.fmt, a.now, &services.models.status())}
        {choose(p, &model, version, to)}
        {review.warnings.iter().map(|why| warning(said(lang, why))).collect_view()}
        {change(p, &model, version, to)}
        {evidence(p, &model, version, review.evidence.as_ref())}
        <section class="card" aria-labelledby="affected">
            <h2 id="affected">{words::affected(lang)}</h2>
            {affected(p, of_champion)}
            {readers(p, &review.readers)}
        </section>
        {policy(p, &review)}
        {decision}
    }
    .to_html();
    let crumbs = vec![crumb(a, &model.name), here(a, words::promoting(lang).to_owned())];
    Ok(Drawn { title, crumbs, html })
}

/// The form that chooses another version or another target.
fn choose(p: &PageContext<'_>, model: &RegistryModel, version: Version, to: Target) -> impl IntoView + use<> {
    let lang = p.lang();
    let options: Vec<_> = model
        .versions
        .keys()
        .rev()
        .take(PAGE_ROWS)
        .map(|n| view! { <option value=n.to_string() selected=*n == version>{v(*n)}</option> })
        .collect();
    let targets =
        Target::ALL.map(|t| view! { <option value=t.as_str() selected=t == to>{target_word(lang, t)}</option> });
    view! {
        <form class="filters" method="get" action=addresses::model_promote(model.name.as_str()) aria-label=words::choose(lang)>
            {p.a.hidden_without(&["version", "to", "done", "operation"])}
            <label><span>{words::col_version(lang)}</span><select name="version" data-go="">{options}</select></label>
            <label><span>{words::target(lang)}</span><select name="to" data-go="">{targets.collect_view()}</select></label>
            <button class="button" type="submit">{words::show(lang)}</button>
        </form>
    }
}

/// What is, and what would be.
fn change(p: &PageContext<'_>, model: &RegistryModel, version: Version, to: Target) -> impl IntoView + use<> {
    let lang = p.lang();
    let champion: Vec<Version> = model.champion().into_iter().collect();
    let staged = |stage: Stage| model.in_stage(stage).collect::<Vec<_>>();
    let (production, staging) = (staged(Stage::Production), staged(Stage::Staging));
    let challenger: Vec<Version> = model.challenger().into_iter().collect();
    let rollback: Vec<Version> = model.alias(ROLLBACK).into_iter().collect();
    let without = |all: &[Version]| all.iter().copied().filter(|n| *n != version).collect::<Vec<_>>();
    let rows = match to {
        Target::Production => {
            let back = if champion == [version] { rollback.clone() } else { champion.clone() };
            vec![
                (words::row_champion(lang), champion, vec![version]),
                (words::row_production(lang), production, vec![version]),
                (words::row_staging(lang), staging.clone(), without(&staging)),
                (words::col_challenger(lang), challenger.clone(), without(&challenger)),
                (words::row_rollback(lang), rollback, back),
            ]
        }
        Target::Staging => vec![
            (words::row_champion(lang), champion.clone(), champion),
            (words::row_production(lang), production.clone(), without(&production)),
            (words::row_staging(lang), staging, vec![version]),
        ],
    };
    now_and_after(p, model, &rows)
}

/// What the model's policy says, and what it means for this promotion.
fn policy(p: &PageContext<'_>, review: &PromotionReview) -> impl IntoView + use<> {
    let lang = p.lang();
    let rule = match review.policy.promotion {
        PromotionRule::Advise => words::policy_advise(lang),
        PromotionRule::Require => words::policy_require(lang),
        PromotionRule::Second => words::policy_second(lang),
    };
    let approval = review.needs_approval.then(|| words::policy_approval(lang, target_word(lang, review.to)));
    let blocked = review
        .blocked
        .as_ref()
        .map(|why| view! { <p class="banner bad" role="status"><strong>{words::blocked(lang)}</strong>" "<bdi>{said(lang, why)}</bdi>"."</p> });
    let against = review.evidence.as_ref().is_some_and(|e| matches!(e.verdict, Verdict::Worse | Verdict::Unhealthy));
    let against = (against && review.blocked.is_none()).then(|| warning(words::speaks_against(lang).to_owned()));
    view! {
        <section class="card" aria-labelledby="policy">
            <h2 id="policy">{words::policy(lang)}</h2>
            <p>{rule}" "{approval}</p>
            {blocked}
            {against}
        </section>
    }
}

/// The decision.
fn form(p: &PageContext<'_>, review: &PromotionReview, key: String) -> impl IntoView + use<> {
    let (lang, model, version) = (p.lang(), &review.model, review.version);
    let act = if review.needs_approval || (review.blocked.is_some() && review.policy.promotion == PromotionRule::Second)
    {
        "ask"
    } else {
        "promote"
    };
    let refused = p.refused.is_some();
    let production = review.to == Target::Production && act == "promote";
    let fault = p.fault_of("confirm");
    let confirm = production.then(|| {
        let bad = fault.is_some().then_some("true");
        let value = p.sent("confirm").unwrap_or_default();
        view! {
            <div class="field">
                <label for="confirm">{words::confirm(lang, model.name.as_str())}</label>
                <input id="confirm" name="confirm" value=value required=true autocomplete="off" autocapitalize="off" spellcheck="false" aria-invalid=bad
                    aria-describedby="confirm-help"/>
                {fault.map(|why| view! { <p class="fault" role="alert">{capital(&why)}</p> })}
                <small class="quiet" id="confirm-help">{words::confirm_help(lang)}</small>
            </div>
        }
    });
    let overridable = act == "promote" && review.blocked.is_some() && review.policy.promotion == PromotionRule::Require;
    let unsure = p.fault_of("override_policy");
    let over = overridable.then(|| {
        let chosen = p.sent("override_policy").is_some();
        view! {
            <div class="choice">
                <label><input type="checkbox" name="override_policy" value="true" checked=chosen/>{words::override_it(lang)}</label>
                {unsure.map(|why| view! { <p class="fault" role="alert">{capital(&why)}</p> })}
            </div>
        }
    });
    let button = match (act, review.to) {
        ("ask", _) => words::ask_for(lang, v(version)),
        (_, Target::Production) => words::make_champion(lang, v(version)),
        (_, Target::Staging) => words::bring_to_staging(lang, v(version)),
    };
    let instead = (act == "promote").then(|| {
        view! { <button class="button" type="submit" name="act" value="ask" formnovalidate=true>{words::ask_instead(lang)}</button> }
    });
    let expected = model.champion().map(|c| c.to_string()).unwrap_or_default();
    let fields = hidden(&[
        ("model", model.name.to_string()),
        ("version", version.to_string()),
        ("to", review.to.as_str().to_owned()),
        ("expected", expected),
        ("key", key),
    ]);
    let back = p.a.to(&addresses::model(model.name.as_str()));
    let seen = model.champion().map_or_else(|| NO_VALUE.to_owned(), v);
    let typed = p.sent("act").unwrap_or_else(|| act.to_owned());
    let typed = if refused { typed } else { act.to_owned() };
    view! {
        <section class="card form decision" aria-labelledby="decide">
            <h2 id="decide">{words::decide(lang)}</h2>
            <form method="post" action=p.own_address()>
                {fields}
                <div class="fields">
                    {text_area(p, &typed, words::reason(lang), words::reason_help(lang), "", true)}
                    {confirm}
                </div>
                {over}
                <p class="quiet">{words::seen_champion(lang, seen)}</p>
                <div class="acts">
                    <button class="button primary" type="submit" name="act" value=act>{button}</button>
                    {instead}
                    <a class="button" href=back>{words::cancel(lang)}</a>
                </div>
            </form>
        </section>
    }
}
