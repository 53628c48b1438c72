//! A request to promote: what is asked, what was known then and is known now, and who decides.

use domain::{
    Result,
    registry::{RequestId, RequestState},
};
use leptos::prelude::*;

use super::{
    change::evidence,
    common::{Drawn, PageContext, crumb, here, hidden, registry_line, said, v, version_link, warning},
    past::target_word,
    words,
};
use crate::{
    panels::{tracking::moment, verdict},
    ui::fmt::{NO_VALUE, capital},
};

pub(super) async fn page(p: &mut PageContext<'_>, id: i64) -> Result<Drawn> {
    let services = p.services;
    let review = services.models.review_request(RequestId(id)).await?;
    let (kept, r) = (&review.kept, &review.kept.request);
    let model = services.models.index()?.model(&r.model).cloned();
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let title = words::request_title(lang, id, r.model.as_str(), v(r.version), target_word(lang, r.to));
    let done = match a.get("done") {
        Some("asked") => Some(words::is_asked(lang)),
        Some("decided") => Some(words::is_decided(lang)),
        _ => None,
    };
    let is_over = kept.state.is_open() && r.expires <= a.now;
    let state = match &kept.state {
        RequestState::Open if is_over => words::state_expired(lang).to_owned(),
        RequestState::Open => words::state_open(lang, a.fmt.moment(r.expires, a.now)),
        RequestState::Approved { by, at, .. } => words::state_approved(lang, by, a.fmt.moment(*at, a.now)),
        RequestState::Rejected { by, at, .. } => words::state_rejected(lang, by, a.fmt.moment(*at, a.now)),
        RequestState::Withdrawn { at } => words::state_withdrawn(lang, a.fmt.moment(*at, a.now)),
        RequestState::Expired => words::state_expired(lang).to_owned(),
    };
    let comment = match &kept.state {
        RequestState::Approved { comment, .. } | RequestState::Rejected { comment, .. } if !comment.is_empty() => {
            Some(comment.clone())
        }
        _ => None,
    };
    let then = r.evidence.as_ref().map_or_else(
        || NO_VALUE.into_any(),
        |e| {
            view! { {verdict::word(lang, e.verdict)}<small class="quiet"><bdi>{lang.reason(&e.sentence).to_owned()}</bdi></small> }
                .into_any()
        },
    );
    let changed = review.changed.then(|| {
        let before = r.evidence.as_ref().map_or(NO_VALUE, |e| verdict::word(lang, e.verdict));
        let now = review.evidence.as_ref().map_or(NO_VALUE, |e| verdict::word(lang, e.verdict));
        warning(words::evidence_changed(lang, before, now))
    });
    let moved = model.as_ref().filter(|m| kept.state.is_open() && m.champion() != r.expected).map(|m| {
        let none = || words::nobody(lang).to_owned();
        warning(words::champion_moved(lang, r.expected.map_or_else(none, v), m.champion().map_or_else(none, v)))
    });
    let now = model
        .as_ref()
        .filter(|_| kept.state.is_open())
        .map(|model| evidence(p, model, r.version, review.evidence.as_ref()));
    let decision = (kept.state.is_open() && !is_over).then(|| match (&review.not_by_you, p.may) {
        (_, false) => view! { <p class="quiet">{words::only_operators(lang)}</p> }.into_any(),
        (Some(why), true) => view! {
            <p class="banner" role="status"><bdi>{said(lang, why)}</bdi>"."</p>
            {form(p, id, false)}
        }
        .into_any(),
        (None, true) => form(p, id, true).into_any(),
    });
    let facts = [
        (words::col_model(lang), view! { <bdi>{r.model.to_string()}</bdi> }.into_any()),
        (words::col_version(lang), version_link(a, &r.model, r.version)),
        (words::target(lang), target_word(lang, r.to).into_any()),
        (
            words::asked_for_by(lang),
            view! { <bdi>{r.asked_by.clone()}</bdi>", "{moment(&a.fmt, Some(r.asked), a.now)} }.into_any(),
        ),
        (words::reason(lang), view! { <bdi class="quoted">{r.reason.as_str().to_owned()}</bdi> }.into_any()),
        (words::champion_then(lang), r.expected.map_or_else(|| NO_VALUE.into_any(), |c| version_link(a, &r.model, c))),
        (words::evidence_then(lang), then),
        (words::state(lang), view! { <strong><bdi>{state}</bdi></strong> }.into_any()),
    ];
    let comment =
        comment.map(|text| view! { <dt>{words::comment(lang)}</dt><dd><bdi class="quoted">{text}</bdi></dd> });
    let html = view! {
        {registry_line(&a.fmt, a.now, &services.models.status())}
        {done.map(|text| view! { <p class="banner done" role="status"><span class="mark ok" aria-hidden="true">"✓ "</span>{text}</p> })}
        <section class="card" aria-labelledby="asked">
            <h2 id="asked">{words::asked(lang)}</h2>
            <dl class="facts">
                {facts.into_iter().map(|(what, value)| view! { <dt>{what}</dt><dd>{value}</dd> }).collect_view()}
                {comment}
            </dl>
        </section>
        {changed}
        {moved}
        {now}
        {decision}
    }
    .to_html();
    let crumbs = vec![crumb(a, &r.model), here(a, words::request_n(lang, id))];
    Ok(Drawn { title, crumbs, html })
}

/// Approving, or rejecting and taking back, with a comment.
fn form(p: &PageContext<'_>, id: i64, may_approve: bool) -> impl IntoView + use<> {
    let lang = p.lang();
    let fault = p.fault_of("reason");
    let bad = fault.is_some().then_some("true");
    let approve = may_approve.then(|| {
        view! { <button class="button primary" type="submit" name="act" value="approve">{words::approve(lang)}</button> }
    });
    let reject = if may_approve { words::reject(lang) } else { words::withdraw(lang) };
    view! {
        <section class="card form decision" aria-labelledby="decide">
            <h2 id="decide">{words::decide(lang)}</h2>
            <form method="post" action=p.own_address()>
                {hidden(&[("request", id.to_string())])}
                <div class="fields">
                    <div class="field">
                        <label for="comment">{words::comment(lang)}</label>
                        <textarea id="comment" name="reason" rows="3" maxlength="4000" aria-invalid=bad aria-describedby="comment-help">{p.sent("reason").unwrap_or_default()}</textarea>
                        {fault.map(|why| view! { <p class="fault" role="alert">{capital(&why)}</p> })}
                        <small class="quiet" id="comment-help">{words::comment_help(lang)}</small>
                    </div>
                </div>
                <div class="acts">{approve}<button class="button" type="submit" name="act" value="reject">{reject}</button></div>
            </form>
        </section>
    }
}
