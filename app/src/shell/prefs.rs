//! What a visitor chose for themselves: language, theme, time zone. Kept in cookies, read on the server, so that nothing
//! flashes; changed in place once the page is hydrated.

use leptos::prelude::*;

use super::theme::Theme;
use crate::i18n::Lang;

/// The visitor's choices, reactive. `zone` counts the changes of the time zone, so that what shows times is asked for again.
#[derive(Debug, Clone, Copy)]
pub struct Prefs {
    pub lang: RwSignal<Lang>,
    pub theme: RwSignal<Theme>,
    pub zone: RwSignal<u32>,
    /// Who signed in.
    pub signed_in: StoredValue<Option<String>>,
}

impl Prefs {
    /// As the server knows them from the request; in the browser as the server wrote them into the page.
    #[must_use]
    pub fn provide() -> Self {
        let (lang, theme, signed_in) = initial();
        let signed_in = StoredValue::new(signed_in);
        let prefs = Self { lang: RwSignal::new(lang), theme: RwSignal::new(theme), zone: RwSignal::new(0), signed_in };
        provide_context(prefs);
        prefs
    }
}

#[cfg(feature = "ssr")]
fn initial() -> (Lang, Theme, Option<String>) {
    // While routes are listed at start-up there is no request.
    use_context::<super::context::Request>().map_or_else(Default::default, |r| {
        let signed_in = if r.signed_in { r.actor.name().map(str::to_owned) } else { None };
        (r.lang, r.theme, signed_in)
    })
}

#[cfg(not(feature = "ssr"))]
fn initial() -> (Lang, Theme, Option<String>) {
    let get = |name: &str| browser::root_attribute(name);
    (
        get("lang").and_then(|c| Lang::from_code(&c)).unwrap_or_default(),
        get("data-theme").and_then(|c| Theme::from_code(&c)).unwrap_or_default(),
        get("data-actor"),
    )
}

/// Keeps a choice for a year. On the server this does nothing: there, the form's own request does it.
pub fn save_preference(name: &str, value: &str) {
    #[cfg(target_arch = "wasm32")]
    browser::set_cookie(name, value);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (name, value);
}

/// Shows a choice on the page's root, where the style sheet looks.
pub fn apply_to_root(name: &str, value: &str) {
    #[cfg(target_arch = "wasm32")]
    browser::set_root_attribute(name, value);
    #[cfg(not(target_arch = "wasm32"))]
    let _ = (name, value);
}

/// Tells the server the browser's time zone, once. True when it did not know.
#[must_use]
pub fn send_time_zone() -> bool {
    #[cfg(target_arch = "wasm32")]
    return browser::send_time_zone();
    #[cfg(not(target_arch = "wasm32"))]
    false
}

#[cfg(target_arch = "wasm32")]
mod browser {
    //! The few calls into the browser.

    use leptos::prelude::document;
    use wasm_bindgen::JsCast;

    pub fn root_attribute(name: &str) -> Option<String> {
        document().document_element()?.get_attribute(name)
    }

    pub fn set_root_attribute(name: &str, value: &str) {
        if let Some(root) = document().document_element() {
            let _ = root.set_attribute(name, value);
        }
    }

    fn page() -> Option<web_sys::HtmlDocument> {
        document().dyn_into().ok()
    }

    pub fn set_cookie(name: &str, value: &str) {
        if let Some(page) = page() {
            let _ = page.set_cookie(&format!("{name}={value}; Path=/; Max-Age=31536000; SameSite=Lax"));
        }
    }

    pub fn send_time_zone() -> bool {
        let known = page().and_then(|p| p.cookie().ok()).is_some_and(|c| c.contains("gf_tz="));
        if known {
            return false;
        }
        let options =
            js_sys::Intl::DateTimeFormat::new(&js_sys::Array::new(), &js_sys::Object::new()).resolved_options();
        let zone = js_sys::Reflect::get(&options, &"timeZone".into()).ok().and_then(|z| z.as_string());
        let Some(zone) = zone.filter(|z| !z.is_empty()) else { return false };
        set_cookie("gf_tz", &zone);
        zone != "UTC"
    }
}

#[cfg(all(not(feature = "ssr"), not(target_arch = "wasm32")))]
mod browser {
    //! The `hydrate` half checked on a machine without the browser's target.
    pub fn root_attribute(_: &str) -> Option<String> {
        None
    }
}
