//! A form that asks by GET: without a script the browser sends it, with one the router goes there in place.
//! (The router's own form lower-cases its address, and names of places are in ours.)

use leptos::{either::Either, ev::SubmitEvent, prelude::*};
use serde::{Deserialize, Serialize};

use super::words;
use crate::i18n::Lang;

/// A form that filters what a page shows: where it leads, what it keeps, what it chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterView {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    pub selects: Vec<SelectView>,
}

/// One choice of a filter form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectView {
    pub name: String,
    pub label: String,
    pub options: Vec<(String, String)>,
    pub chosen: String,
    /// It is typed, and the options are proposals: there are more.
    pub typed: bool,
}

/// A form that asks by GET.
#[component]
pub fn GetForm(
    action: String,
    #[prop(optional)] class: &'static str,
    #[prop(optional)] label: &'static str,
    children: Children,
) -> impl IntoView {
    let to = action.clone();
    let navigate = leptos_router::hooks::use_navigate();
    let submit = move |ev: SubmitEvent| {
        if let Some(query) = query_of(&ev) {
            ev.prevent_default();
            let stay = leptos_router::NavigateOptions { scroll: false, ..Default::default() };
            navigate(&format!("{to}?{query}"), stay);
        }
    };
    view! {
        <form method="get" action=action class=class aria-label=(!label.is_empty()).then_some(label) on:submit=submit>
            {children()}
        </form>
    }
}

/// What travels along with a form.
pub fn hidden_fields(pairs: Vec<(String, String)>) -> impl IntoView {
    pairs.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()
}

/// The form that chooses what a page shows; what it does not choose travels along.
#[component]
pub fn Filters(filter: FilterView, lang: Lang) -> impl IntoView {
    view! {
        <GetForm action=filter.action class="filters" label=words::filter(lang)>
            {hidden_fields(filter.hidden)}
            {filter.selects.into_iter().map(select).collect_view()}
            <button class="button" type="submit">{words::filter_apply(lang)}</button>
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

/// The fields of a submitted form as a query string; `None` where there is no browser.
pub(crate) fn query_of(ev: &SubmitEvent) -> Option<String> {
    #[cfg(target_arch = "wasm32")]
    {
        use wasm_bindgen::JsCast;
        let form = ev.target()?.dyn_into::<web_sys::HtmlFormElement>().ok()?;
        let data = web_sys::FormData::new_with_form(&form).ok()?;
        let query = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?;
        Some(query.to_string().into())
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        let _ = ev;
        None
    }
}
