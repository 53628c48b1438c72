//! The frame around every page: the rail with the pages that exist, and the visitor's choices.

use leptos::{ev::MouseEvent, prelude::*};
use leptos_router::hooks::use_location;

use super::{
    page_spec::PageSpec,
    prefs::{self, Prefs},
    theme::Theme,
    words,
};
use crate::{i18n::Lang, ui::icon::Icon};

/// A theme of the switch: icon, its name.
type ThemeItem = (Theme, &'static str, fn(Lang) -> &'static str);

/// The longest query that the form of choices leads back to: more than any page takes.
const MAX_BACK: usize = 16_384;

#[component]
pub fn Frame(prefs: Prefs, page_list: &'static [&'static PageSpec], children: Children) -> impl IntoView {
    let lang = move || prefs.lang.get();
    let location = use_location();
    let path = location.pathname;
    // Effects run in the browser only.
    Effect::new(move |_| {
        if prefs::send_time_zone() {
            prefs.zone.update(|z| *z += 1);
        }
    });
    Effect::new(move |before: Option<()>| {
        location.pathname.track();
        location.search.track();
        if before.is_some() {
            close_menus();
        }
    });
    // On a wall nobody acts: the numbers alone are there.
    let kiosk = Memo::new(move |_| {
        location.search.try_get().unwrap_or_default().trim_start_matches('?').split('&').any(|pair| pair == "kiosk=1")
    });
    let current = move |page_spec: &PageSpec| page_spec.is_at(&path.get()).then_some("page");
    view! {
        <a class="skip" href="#main" rel="external">{move || words::skip(lang())}</a>
        <div class="frame" class:kiosk=kiosk>
            <nav class="rail" aria-label=move || words::nav_main(lang())>
                <a class="brand" href="/"><Icon name="shield-check"/><span>"GuardianFlow"</span></a>
                <ul>
                    {page_list.iter().filter_map(|page_spec| Some((page_spec, page_spec.navigation.as_ref()?))).map(|(page_spec, n)| view! {
                        <li>
                            <a href=page_spec.path() aria-current=move || current(page_spec)>
                                <Icon name=n.icon/><span>{move || (n.label)(prefs.lang.get())}</span>
                            </a>
                        </li>
                    }).collect_view()}
                </ul>
                <button type="button" class="find" data-act="palette"><Icon name="search"/><span>{move || words::palette_title(lang())}</span><kbd>"Ctrl K"</kbd></button>
                <Choices prefs/>
            </nav>
            <div class="content">
                {children()}
                // On a phone the rail has no room for them.
                <footer class="foot"><Choices prefs/></footer>
            </div>
        </div>
    }
}

/// Language and theme. Without a script a form does it and comes back; with one it happens in place.
#[component]
fn Choices(prefs: Prefs) -> impl IntoView {
    let lang = move || prefs.lang.get();
    let location = use_location();
    let back = move || {
        let (path, search) = (location.pathname.get(), location.search.get());
        // A query that long was refused, and is not sent along. In a browser it is not sent but read from the address.
        if search.is_empty() || (cfg!(feature = "ssr") && search.len() > MAX_BACK) {
            path
        } else {
            format!("{path}?{search}")
        }
    };
    let choose_lang = move |lang: Lang| {
        move |ev: MouseEvent| {
            ev.prevent_default();
            prefs::save_preference("gf_lang", lang.code());
            prefs::apply_to_root("lang", lang.code());
            prefs.lang.set(lang);
        }
    };
    let choose_theme = move |theme: Theme| {
        move |ev: MouseEvent| {
            ev.prevent_default();
            prefs::save_preference("gf_theme", theme.code());
            prefs::apply_to_root("data-theme", theme.code());
            prefs.theme.set(theme);
        }
    };
    let themes: [ThemeItem; 3] = [
        (Theme::System, "monitor", words::theme_system),
        (Theme::Light, "sun", words::theme_light),
        (Theme::Dark, "moon", words::theme_dark),
    ];
    view! {
        <form class="choices" method="post" action="/preferences">
            <input type="hidden" name="back" value=back/>
            <fieldset>
                <legend>{move || words::theme(lang())}</legend>
                {themes.map(|(theme, icon, name)| view! {
                    <button name="theme" value=theme.code() title=move || name(lang()) aria-label=move || name(lang())
                        aria-pressed=move || (prefs.theme.get() == theme).to_string() on:click=choose_theme(theme)>
                        <Icon name=icon/>
                    </button>
                }).collect_view()}
            </fieldset>
            <fieldset>
                <legend>{move || words::language(lang())}</legend>
                {[(Lang::En, "English", "EN"), (Lang::Ko, "한국어", "한")].map(|(lang, name, short)| view! {
                    <button name="lang" value=lang.code() lang=lang.code() title=name aria-label=format!("{short} {name}")
                        aria-pressed=move || (prefs.lang.get() == lang).to_string() on:click=choose_lang(lang)>
                        {short}
                    </button>
                }).collect_view()}
            </fieldset>
            {prefs.signed_in.get_value().map(|name| view! {
                <fieldset class="who">
                    <legend>{move || words::signed_in(lang())}</legend>
                    <bdi title=name.clone()>{name.clone()}</bdi>
                    <button class="sign-out" type="submit" formaction="/signout">{move || words::sign_out(lang())}</button>
                </fieldset>
            })}
        </form>
    }
}

/// Closes open menus, so that none hangs over the page to which one of its links led.
fn close_menus() {
    #[cfg(target_arch = "wasm32")]
    while let Ok(Some(menu)) = document().query_selector("details.menu[open]") {
        if menu.remove_attribute("open").is_err() {
            return;
        }
    }
}
