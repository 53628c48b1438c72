//! The document around the app, made on the server only.

use leptos::prelude::*;
use leptos_meta::MetaTags;

use super::context::{Request, Services};
use crate::ui::icon::SPRITE;

/// The document around what `app` draws.
pub fn document<V: IntoView>(options: LeptosOptions, app: impl Fn() -> V) -> impl IntoView {
    let request = use_context::<Request>();
    let lang = request.as_ref().map_or("en", |r| r.lang.code());
    let theme = request.as_ref().map_or("system", |r| r.theme.code());
    let files = use_context::<Services>().map(|s| s.files).unwrap_or_default();
    let nonce = leptos::nonce::use_nonce();
    // In the page, so that the first picture waits for nothing; where it was not built for that, as a file.
    let style = match files.style.clone() {
        Some(css) => view! { <style id="style" nonce=nonce.clone() inner_html=css></style> }.into_any(),
        None => view! { <leptos_meta::HashedStylesheet options=options.clone() id="style"/> }.into_any(),
    };
    let signed_in = request.as_ref().is_some_and(|r| r.signed_in).then_some("");
    let actor = request.as_ref().filter(|r| r.signed_in).and_then(|r| r.actor.name().map(str::to_owned));
    view! {
        <!DOCTYPE html>
        <html lang=lang data-theme=theme data-signed-in=signed_in data-actor=actor>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content="light dark"/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                {reload().map(|html| view! { <noscript inner_html=html></noscript> })}
                {style}
                <AutoReload options/>
                <script
                    nonce=nonce
                    data-elements=files.elements.clone()
                    data-script=files.script.clone()
                    data-program=files.program.clone()
                    inner_html=include_str!("../start.js")
                ></script>
                <MetaTags/>
            </head>
            <body>
                {app()}
                <div hidden inner_html=SPRITE></div>
            </body>
        </html>
    }
}

/// Without a script the page comes again after a while, when its address asks for that.
fn reload() -> Option<String> {
    let request = use_context::<axum::http::request::Parts>()?;
    let pairs = domain::params::pairs(request.uri.query()?).ok()?;
    let refresh = &pairs.iter().find(|p| p.0 == "refresh")?.1;
    let seconds = domain::params::RefreshInterval::parse(refresh).ok()?.seconds()?;
    Some(format!(r#"<meta http-equiv="refresh" content="{seconds}">"#))
}
