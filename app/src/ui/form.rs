//! A form that asks by GET: without a script the browser sends it, with one the router goes there in place.
//! (The router's own form lower-cases its address, and names of places are in ours.)

use leptos::{ev::SubmitEvent, prelude::*};

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

/// The fields of a submitted form as a query string; `None` where there is no browser.
fn query_of(ev: &SubmitEvent) -> Option<String> {
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
