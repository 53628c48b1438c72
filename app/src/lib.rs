//! What people see. Compiled twice: for the server (`ssr`), where pages are made whole, and for the browser (`hydrate`),
//! where they come alive. Nothing here can name a database, a file or a socket.

#![recursion_limit = "512"]
// Component macros make functions that take what they are given by value.
#![allow(clippy::must_use_candidate, clippy::needless_pass_by_value)]

pub mod api;
pub mod i18n;
pub mod pages;
#[cfg(feature = "ssr")]
pub mod present;
pub mod ui;
pub mod view;

use leptos::prelude::*;
#[cfg(feature = "ssr")]
use leptos_meta::MetaTags;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{Route, Router, Routes},
    path,
};

use crate::{
    pages::{Compare, NotFound, Place, Records, Sources, Trends},
    ui::{frame::Frame, prefs::Prefs},
};

/// The document around the app. Made on the server only.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let request = use_context::<api::Request>();
    let lang = request.as_ref().map_or("en", |r| r.lang.code());
    let theme = request.as_ref().map_or("system", |r| r.theme.code());
    let files = use_context::<api::Services>().map(|s| s.files).unwrap_or_default();
    let nonce = leptos::nonce::use_nonce();
    // In the page, so that the first picture waits for nothing; where it was not built for that, as a file.
    let style = match files.style.clone() {
        Some(css) => view! { <style id="style" nonce=nonce.clone() inner_html=css></style> }.into_any(),
        None => view! { <leptos_meta::HashedStylesheet options=options.clone() id="style"/> }.into_any(),
    };
    let signed_in = request.as_ref().is_some_and(|r| r.signed_in).then_some("");
    view! {
        <!DOCTYPE html>
        <html lang=lang data-theme=theme data-signed-in=signed_in>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {again().map(|html| view! { <noscript inner_html=html></noscript> })}
                {style}
                <AutoReload options/>
                <script
                    nonce=nonce
                    data-elements=files.elements.clone()
                    data-script=files.script.clone()
                    data-program=files.program.clone()
                    inner_html=include_str!("start.js")
                ></script>
                <MetaTags/>
            </head>
            <body>
                <App/>
                <div hidden inner_html=ui::icon::SPRITE></div>
            </body>
        </html>
    }
}

/// Without a script the page comes again after a while, when its address asks for that.
#[cfg(feature = "ssr")]
fn again() -> Option<String> {
    let request = use_context::<axum::http::request::Parts>()?;
    let pairs = domain::ask::pairs(request.uri.query()?).ok()?;
    let asked = &pairs.iter().find(|p| p.0 == "refresh")?.1;
    let seconds = domain::ask::Refresh::parse(asked).ok()?.seconds()?;
    Some(format!(r#"<meta http-equiv="refresh" content="{seconds}">"#))
}

/// The routes. Pages are resolved as a whole before they are sent: what they show never waits for a script.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let prefs = Prefs::provide();
    view! {
        <Title formatter=window_title/>
        <Router>
            <Frame prefs=prefs>
                <Routes fallback=NotFound>
                    <Route path=path!("/") view=Place ssr=SsrMode::Async/>
                    <Route path=path!("/customers/:customer") view=Place ssr=SsrMode::Async/>
                    <Route path=path!("/customers/:customer/sites/:site") view=Place ssr=SsrMode::Async/>
                    <Route path=path!("/customers/:customer/sites/:site/zones/:zone") view=Place ssr=SsrMode::Async/>
                    <Route path=path!("/trends") view=Trends ssr=SsrMode::Async/>
                    <Route path=path!("/compare") view=Compare ssr=SsrMode::Async/>
                    <Route path=path!("/records") view=Records ssr=SsrMode::Async/>
                    <Route path=path!("/sources") view=Sources ssr=SsrMode::Async/>
                </Routes>
            </Frame>
        </Router>
    }
}

/// The title of the browser's window. On the server it becomes HTML, which leptos_meta does not escape.
fn window_title(page: String) -> String {
    let title = if page.is_empty() { "GuardianFlow".to_owned() } else { format!("{page} · GuardianFlow") };
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;") } else { title }
}
