//! Draws the comparison page.

use leptos::{either::Either, prelude::*};

use super::{
    view::{CompareView, ModelChip},
    words,
};
use crate::{
    i18n::Lang,
    shell::top::PageTop,
    ui::{
        chart::Picture,
        empty::Empty,
        form::{FilterView, Filters},
        icon::Icon,
        menu::Switch,
        table::Table,
    },
};

/// The page.
pub(super) fn draw(v: CompareView) -> impl IntoView {
    let lang = v.head.lang;
    let filter = FilterView { action: "/compare".into(), hidden: v.hidden, selects: v.selects };
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).into()/>
        <main id="main" tabindex="-1">
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {(!v.models.is_empty()).then(|| view! {
                <section class="card versus" aria-labelledby="finding">
                    <h2 id="finding">{v.finding}</h2>
                    <p class="quiet">{v.explained}</p>
                    <ul class="chips" aria-label=words::models(lang)>
                        {v.models.into_iter().map(|m| chip(lang, m)).collect_view()}
                    </ul>
                    {(!v.more.is_empty()).then(|| view! {
                        <details class="more-models">
                            <summary>{words::more(lang, v.more.len())}</summary>
                            <ul class="chips">{v.more.into_iter().map(|m| chip(lang, m)).collect_view()}</ul>
                        </details>
                    })}
                    <div class="switches">{v.choices.into_iter().map(|choices| view! { <Switch choices/> }).collect_view()}</div>
                </section>
                <Filters filter lang/>
            })}
            {v.verdict.map(|html| view! { <div inner_html=html></div> })}
            {v.table.map(|table| view! { <Table table lang/> })}
            {(!v.pictures.is_empty()).then(|| view! {
                <div class="pair">{v.pictures.into_iter().map(|picture| view! { <Picture picture lang/> }).collect_view()}</div>
            })}
            {v.sites.map(|table| view! { <Table table lang/> })}
        </main>
    }
}

/// A model: a click takes it in or out; the flag makes it the baseline.
fn chip(lang: Lang, m: ModelChip) -> impl IntoView {
    let says = if m.chosen { words::take_out(lang, &m.label) } else { words::take_in(lang, &m.label) };
    // What is read begins with what is seen, so that it can be spoken to.
    let name = format!("{} {} – {says}", m.label, m.n);
    let as_baseline = words::as_baseline(lang, &m.label);
    view! {
        <li class:chosen=m.chosen>
            {match m.toggle {
                Some(href) => Either::Left(view! {
                    <a data-noscroll="" href=href title=says aria-label=name aria-current=m.chosen.then_some("true")>
                        <bdi>{m.label}</bdi>" "<small>{m.n}</small>
                    </a>
                }),
                None => Either::Right(view! { <span><bdi>{m.label}</bdi>" "<small>{m.n}</small></span> }),
            }}
            {if m.baseline {
                Either::Left(view! { <em>{words::baseline(lang)}</em> })
            } else {
                Either::Right(m.as_baseline.map(|href| view! {
                    <a class="flag" data-noscroll="" href=href title=as_baseline.clone() aria-label=as_baseline><Icon name="flag"/></a>
                }))
            }}
        </li>
    }
}
