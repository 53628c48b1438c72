//! The page on which a model is rolled back: where that leads, whether that version can be used, and one button.

use domain::{
    ErrorKind, Result,
    registry::{LivePeriod, ROLLBACK, RegistryModel, Stage},
    scope::ExperimentKind,
};
use leptos::prelude::*;
use usecases::models::RollbackReview;

use super::{
    change::{Row, affected, now_and_after, readers},
    common::{Drawn, PageContext, crumb, here, hidden, registry_line, said, text_area, v},
    field::{self, FieldRecords},
    words,
};
use crate::{shell::addresses, ui::fmt::capital};

pub(super) async fn page(p: &mut PageContext<'_>, name: &str) -> Result<Drawn> {
    let services = p.services;
    let model = services.models.model(name)?;
    let title = words::roll_back_title(p.lang(), model.name.as_str());
    let crumbs = vec![crumb(&p.a, &model.name), here(&p.a, words::act_roll_back(p.lang()).to_owned())];
    let review = match services.models.review_rollback(name).await {
        Ok(review) => review,
        Err(e) if e.kind == ErrorKind::BadInput => {
            let (a, lang) = (&p.a, p.lang());
            let html = view! {
                {registry_line(&a.fmt, a.now, &services.models.status())}
                <section class="card"><h2>{words::nowhere(lang)}</h2><p><bdi>{capital(&lang.message(e.message))}</bdi>"."</p>
                    <footer><a href=a.to(&addresses::model_history(model.name.as_str()))>{words::whole_history(lang)}</a></footer></section>
            };
            return Ok(Drawn { title, crumbs, html: html.to_html() });
        }
        Err(e) => return Err(e),
    };
    let records = field::load(services, p.a.now, ExperimentKind::All).await?;
    let key = usecases::new_key()?;
    let p = &*p;
    let (a, lang) = (&p.a, p.lang());
    let target = review.target.version;
    let files = match (&review.unusable, review.files_checked) {
        (Some(why), _) => {
            view! { <p class="banner bad" role="alert"><strong>{words::unusable(lang, v(target))}</strong>" "<bdi>{said(lang, why)}</bdi>"."</p> }.into_any()
        }
        (None, true) => {
            view! { <p><span class="mark ok" aria-hidden="true">"● "</span>{words::files_read(lang)}</p> }.into_any()
        }
        (None, false) => view! { <p class="quiet">{words::files_unchecked(lang)}</p> }.into_any(),
    };
    let rows = rows(&review.model, &review, p);
    let decision = if p.may {
        form(p, &review, &records, key).into_any()
    } else {
        view! { <p class="quiet">{words::only_operators(lang)}</p> }.into_any()
    };
    let html = view! {
        {registry_line(&a.fmt, a.now, &services.models.status())}
        <section class="card" aria-labelledby="target">
            <h2 id="target">{words::leads_to(lang, v(target))}</h2>
            <p><bdi>{about(p, &review, &records)}</bdi></p>
            {files}
        </section>
        {now_and_after(p, &review.model, &rows)}
        {decision}
        <section class="card" aria-labelledby="affected">
            <h2 id="affected">{words::affected(lang)}</h2>
            {affected(p, review.model.champion().and_then(|champion| records.version(&review.model.name, champion)))}
            {readers(p, &review.readers)}
        </section>
    }
    .to_html();
    Ok(Drawn { title, crumbs, html })
}

/// "v12, live 3 May – 19 May, mAP50 0.81 ± 0.02, 14 sites", as far as that is known.
fn about(p: &PageContext<'_>, review: &RollbackReview, records: &FieldRecords) -> String {
    let (fmt, lang) = (&p.a.fmt, p.lang());
    let at = |at| fmt.moment(at, p.a.now);
    let period = |live: &LivePeriod| match live.to {
        // From when on is not known.
        Some(to) if live.since_before => words::live_until(lang, at(to)),
        Some(to) => words::live_between(lang, at(live.from), at(to)),
        None => words::live_from(lang, at(live.from)),
    };
    let target = &review.target;
    let period = target.live.as_ref().map_or_else(|| words::by_alias(lang).to_owned(), period);
    let mut parts = vec![v(target.version), period];
    if let Some(seen) = records.version(&review.model.name, target.version) {
        parts.extend(seen.value.as_ref().map(|value| field::figure(fmt, value)));
        parts.push(words::n_sites(lang, seen.sites.len()));
    }
    parts.join(", ")
}

fn rows(model: &RegistryModel, review: &RollbackReview, p: &PageContext<'_>) -> Vec<Row> {
    let (lang, target) = (p.lang(), review.target.version);
    vec![
        (words::row_champion(lang), model.champion().into_iter().collect(), vec![target]),
        (words::row_production(lang), model.in_stage(Stage::Production).collect(), vec![target]),
        (
            words::row_rollback(lang),
            model.alias(ROLLBACK).into_iter().collect(),
            review.target.next.into_iter().collect(),
        ),
    ]
}

fn form(p: &PageContext<'_>, review: &RollbackReview, records: &FieldRecords, key: String) -> impl IntoView + use<> {
    let (lang, model, target) = (p.lang(), &review.model, review.target.version);
    let from = model.champion().map_or_else(|| words::nobody(lang).to_owned(), v);
    let usual = words::roll_back_reason(lang, from, about(p, review, records));
    let fields = hidden(&[
        ("act", "rollback".to_owned()),
        ("model", model.name.to_string()),
        ("version", target.to_string()),
        ("expected", model.champion().map(|c| c.to_string()).unwrap_or_default()),
        ("key", key),
    ]);
    let back = p.a.to(&addresses::model(model.name.as_str()));
    let button = review.unusable.is_none().then(|| {
        view! { <button class="button primary" type="submit">{words::roll_back_to(lang, v(target))}</button> }
    });
    view! {
        <section class="card form decision" aria-labelledby="decide">
            <h2 id="decide">{words::decide(lang)}</h2>
            <form method="post" action=p.own_address()>
                {fields}
                <div class="fields">{text_area(p, "rollback", words::reason(lang), words::reason_help(lang), &usual, true)}</div>
                <div class="acts">{button}<a class="button" href=back>{words::cancel(lang)}</a></div>
            </form>
        </section>
    }
}
