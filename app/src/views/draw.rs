//! Draws the page of saved views around its HTML, and says beside its field what was refused; nothing typed is lost.

use leptos::prelude::*;

use super::{function::WRITE, view::ViewsPage, words};
use crate::{
    shell::{top::PageTop, write_form::write_form},
    ui::hydration::hydrated_synchronously,
};

/// The page.
pub(super) fn draw(v: ViewsPage) -> impl IntoView {
    view! {
        <PageTop head=v.head state=None about=|lang, _| words::about(lang).to_owned()/>
        <main id="main" tabindex="-1">
            <div class="notes" inner_html=v.notes></div>
            {(!v.rows.is_empty()).then(|| view! {
                <section class="card views" aria-labelledby="caption">
                    <h2 id="caption">{v.caption}</h2>
                    <ul>
                        {v.rows.into_iter().map(|(row, form)| view! {
                            <li><div class="row" inner_html=row></div>{sent(String::new(), form)}</li>
                        }).collect_view()}
                    </ul>
                    <footer><span class="quiet">{v.foot}</span></footer>
                </section>
            })}
            {v.form.map(|(key, form)| view! { <div class="card form">{sent(key, form)}</div> })}
        </main>
    }
}

/// A form with what it holds.
fn sent(key: String, html: String) -> AnyView {
    hydrated_synchronously(write_form(&WRITE, key, html, show))
}

/// Says why a field, or, by an empty name, the form was refused.
fn show(field: &str, text: &str) {
    #[cfg(target_arch = "wasm32")]
    for name in ["name", "link", "shared", ""] {
        let is_it = name == field;
        if let Some(place) = document().get_element_by_id(&format!("{name}-fault")) {
            place.set_text_content(is_it.then_some(text));
        }
        if let Some(input) = document().get_element_by_id(name) {
            let _ = if is_it {
                input.set_attribute("aria-invalid", "true")
            } else {
                input.remove_attribute("aria-invalid")
            };
        }
    }
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (field, text);
}
