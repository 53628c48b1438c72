//! `/trends`: how a metric moved, with the filters that choose what is drawn.

use leptos::{either::Either, prelude::*};

use super::loaded;
use crate::{
    api::trends::trends,
    i18n::Lang,
    ui::{chart::Chart, empty::Empty, form::GetForm, table::Table, top::Top, whole::whole},
    view::{SelectView, TrendsView},
};

#[component]
pub fn Trends() -> impl IntoView {
    loaded(trends, |view| whole(draw(view)))
}

fn draw(v: TrendsView) -> impl IntoView {
    let lang = v.head.lang;
    view! {
        <Top head=v.head state=None about=|t| t.about_trends/>
        <main id="main" tabindex="-1">
            {(!v.selects.is_empty()).then(|| filters("/trends", lang, v.hidden, v.selects))}
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.chart.map(|chart| view! { <Chart chart lang/> })}
            {v.worst.map(|table| view! { <Table table lang/> })}
            {v.models.map(|table| view! { <Table table lang/> })}
        </main>
    }
}

/// The form that chooses what a page shows; what it does not choose travels along.
pub fn filters(
    action: &str,
    lang: Lang,
    hidden: Vec<(String, String)>,
    selects: Vec<SelectView>,
) -> impl IntoView + use<> {
    let t = lang.texts();
    view! {
        <GetForm action=action.to_owned() class="filters" label=t.filter>
            {hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
            {selects.into_iter().map(select).collect_view()}
            <button class="button" type="submit">{t.filter_apply}</button>
        </GetForm>
    }
}

fn select(s: SelectView) -> impl IntoView {
    let chosen = s.chosen.clone();
    let options = s.options.into_iter().map(|(value, label)| {
        let selected = value == s.chosen && !s.typed;
        view! { <option value=value selected=selected>{label}</option> }
    });
    let options = options.collect_view();
    view! {
        <label>
            <span>{s.label}</span>
            {if s.typed {
                let list = format!("known-{}", s.name);
                Either::Left(view! {
                    <input name=s.name list=list.clone() value=chosen autocomplete="off" spellcheck="false"/>
                    <datalist id=list>{options}</datalist>
                })
            } else {
                Either::Right(view! { <select name=s.name>{options}</select> })
            }}
        </label>
    }
}
