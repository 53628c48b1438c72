//! A form that writes: without a script the browser sends it and is led on, or gets the page again (`server/src/http/forms.rs`); with
//! one it is sent in place, and what is refused is handed over. Leptos' `ActionForm` does the same, and weighs 12 KB of the browser's
//! program because it reads the fields into the function's arguments only to write them down again.

use leptos::{ev::SubmitEvent, prelude::*};
use leptos_router::hooks::use_navigate;

use super::{page_spec::Function, prefs::Prefs};

/// A form of a server function, with a key that makes it safe to send again, and the HTML that it holds. `refused` gets the field and the sentence, in the visitor's language.
pub fn write_form(function: &'static Function, key: String, html: String, refused: fn(&str, &str)) -> impl IntoView {
    let (navigate, prefs) = (use_navigate(), expect_context::<Prefs>());
    let submit = move |ev: SubmitEvent| {
        #[cfg(target_arch = "wasm32")]
        if let Some(fields) = crate::ui::form::query_of(&ev) {
            ev.prevent_default();
            let navigate = navigate.clone();
            leptos::task::spawn_local(async move {
                match browser::sent(function.path, fields).await {
                    Ok(to) => navigate(&to, leptos_router::NavigateOptions::default()),
                    Err(e) => {
                        let text = prefs.lang.get_untracked().message(e.message);
                        refused(e.field.as_deref().unwrap_or_default(), &text);
                    }
                }
            });
        }
        #[cfg(not(target_arch = "wasm32"))]
        let _ = (&ev, &navigate, prefs, refused);
    };
    view! {
        <form method="post" action=function.path on:submit=submit>
            <input type="hidden" name="key" value=key/>
            <div class="fields" inner_html=html></div>
        </form>
    }
}

#[cfg(target_arch = "wasm32")]
mod browser {
    //! The request.

    use server_fn::{
        client::{Client, browser::BrowserClient},
        error::{FromServerFnError, ServerFnErrorErr},
        request::{ClientReq, browser::BrowserRequest},
        response::{ClientRes, browser::BrowserResponse},
    };

    use crate::shell::error::PageError;

    /// Where what was done is seen.
    pub async fn sent(path: &str, fields: String) -> Result<String, PageError> {
        let kind = "application/x-www-form-urlencoded";
        let request = <BrowserRequest as ClientReq<PageError>>::try_new_post(path, kind, "application/json", fields)?;
        let answer = <BrowserClient as Client<PageError>>::send(request).await?;
        let status = <BrowserResponse as ClientRes<PageError>>::status(&answer);
        if status == 200 {
            return Ok(<BrowserResponse as ClientRes<PageError>>::location(&answer));
        }
        let body = <BrowserResponse as ClientRes<PageError>>::try_into_bytes(answer).await?;
        if body.is_empty() {
            return Err(PageError::from_server_fn_error(ServerFnErrorErr::Response(String::new())));
        }
        Err(PageError::de(body))
    }
}
