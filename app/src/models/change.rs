//! What stands on the pages of decisions: what would change, what speaks for it, and who asked lately.

use domain::{
    evidence::SiteRow,
    model::ModelKey,
    registry::{KeptEvidence, RegistryModel, Version},
    scope::Scope,
};
use leptos::prelude::*;
use usecases::models::Reader;

use super::{
    common::{PageContext, said, site_list, version_links},
    field::{self, FieldVersion},
    words,
};
use crate::{
    panels::{
        tracking::moment,
        verdict::{self, VerdictTable},
    },
    shell::addresses,
};

/// So many sites are named.
const SITES: usize = 12;

/// What is about to change, how it is, and how it would be.
pub(super) type Row = (&'static str, Vec<Version>, Vec<Version>);

/// What is, and what would be, side by side. What changes is strong and has a sign.
pub(super) fn now_and_after(p: &PageContext<'_>, model: &RegistryModel, rows: &[Row]) -> impl IntoView + use<> {
    let (a, lang) = (&p.a, p.lang());
    let row = |(what, now, after): &Row| {
        let moved = now != after;
        let new = version_links(a, &model.name, after);
        let new = if moved {
            view! { <strong><span aria-hidden="true">"→ "</span>{new}</strong> }.into_any()
        } else {
            view! { {new}" "<small class="quiet">{words::stays(lang)}</small> }.into_any()
        };
        view! { <tr><th scope="row">{*what}</th><td>{version_links(a, &model.name, now)}</td><td>{new}</td></tr> }
    };
    let rows: Vec<_> = rows.iter().map(row).collect();
    view! {
        <section class="card now-after" aria-labelledby="change">
            <h2 id="change">{words::what_changes(lang)}</h2>
            <div class="scroll" role="region" tabindex="0" aria-label=words::what_changes(lang)>
                <table>
                    <thead><tr><th scope="col">{words::col_what(lang)}</th><th scope="col">{words::now(lang)}</th><th scope="col">{words::after(lang)}</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
}

/// What speaks for it.
pub(super) fn evidence(
    p: &PageContext<'_>,
    model: &RegistryModel,
    version: Version,
    kept: Option<&KeptEvidence>,
) -> AnyView {
    let (a, lang) = (&p.a, p.lang());
    // A comparison of versions without records would be none.
    let judged = kept.is_some_and(|k| k.judgement.is_some());
    let compare = model.champion().filter(|champion| *champion != version && judged).map(|champion| {
        let [champion, challenger] = [champion, version].map(|n| ModelKey::Registered(model.name.version(n)));
        view! { <a class="tool" href=addresses::model_comparison(&champion, &challenger)>{words::whole_comparison(lang)}</a> }
    });
    let how =
        view! { <a class="tool" href=format!("{}#verdict", a.to(addresses::STATISTICS))>{words::how_judged(lang)}</a> };
    let Some(kept) = kept else {
        return view! {
            <section class="card verdict" aria-labelledby="verdict">
                <h2 id="verdict">{words::no_evidence(lang)}</h2>
                <p class="quiet">{words::no_evidence_why(lang)}</p>
            </section>
        }
        .into_any();
    };
    let directory = p.services.metrics.directory();
    let judged = kept.judgement.as_ref().map(|judgement| {
        let table = VerdictTable { fmt: &a.fmt, directory: &directory, judgement, statistics: addresses::STATISTICS };
        let metric = directory.metric_of_answer(&judgement.primary);
        let worse = |s: &SiteRow| {
            let scope = Scope { customer: Some(s.customer.clone()), site: s.site.clone(), ..Scope::default() };
            let name = [&scope.customer, &scope.site].into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>();
            let size = a.fmt.signed(s.difference, &metric);
            view! { <li><a href=a.to(&addresses::place_path(&scope))><bdi>{name.join(" › ")}</bdi></a>" "{size}</li> }
        };
        let sites: Vec<_> = judgement.worse_sites.iter().take(5).map(worse).collect();
        let sites = (!sites.is_empty()).then(|| {
            let head = words::worse_sites(lang, judgement.worse_sites.len());
            view! { <div class="sites"><h3>{head}</h3><ul>{sites}</ul></div> }
        });
        let notes: Vec<_> = judgement.notes.iter().map(|n| view! { <li><bdi>{said(lang, n)}</bdi></li> }).collect();
        let notes = (!notes.is_empty()).then(|| {
            view! { <details><summary>{words::notes(lang, judgement.notes.len())}</summary><ul class="notes-list">{notes}</ul></details> }
        });
        let provisional = judgement.provisional.then(|| view! { <p class="quiet">{words::provisional_until(lang, a.fmt.moment(judgement.horizon, a.now))}</p> });
        view! { {verdict::table(table)}{sites}{provisional}{notes} }
    });
    view! {
        <section class="card verdict" aria-labelledby="verdict">
            <p class="verdict-head">{verdict::badge(lang, kept.verdict)}</p>
            <h2 id="verdict"><bdi>{lang.reason(&kept.sentence).to_owned()}</bdi></h2>
            {judged}
            <footer>{compare}{how}</footer>
        </section>
    }
    .into_any()
}

/// Where the present champion runs, by its records.
pub(super) fn affected(p: &PageContext<'_>, of_champion: Option<&FieldVersion>) -> AnyView {
    let lang = p.lang();
    match of_champion {
        Some(seen) => view! {
            <p>{words::affected_sites(lang, seen.sites.len(), field::DAYS)}</p>
            {site_list(p, &seen.sites, SITES)}
        }
        .into_any(),
        None => view! { <p class="quiet">{words::affected_none(lang, field::DAYS)}</p> }.into_any(),
    }
}

/// Who asked lately for the champion or a stage through us.
pub(super) fn readers(p: &PageContext<'_>, readers: &[Reader]) -> AnyView {
    let (a, lang) = (&p.a, p.lang());
    if readers.is_empty() {
        return view! { <p class="quiet">{words::readers_none(lang)}</p> }.into_any();
    }
    let row = |r: &Reader| {
        view! {
            <tr>
                <th scope="row"><bdi>{r.name.clone()}</bdi></th>
                <td>{format!("v{}", r.version)}</td>
                <td>{moment(&a.fmt, Some(r.last), a.now)}</td>
                <td class="num">{a.fmt.count(r.times)}</td>
            </tr>
        }
    };
    let rows: Vec<_> = readers.iter().map(row).collect();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=words::readers(lang)>
            <table>
                <thead><tr>
                    <th scope="col">{words::readers(lang)}</th>
                    <th scope="col">{words::reader_version(lang)}</th>
                    <th scope="col">{words::reader_last(lang)}</th>
                    <th scope="col" class="num">{words::reader_times(lang)}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
