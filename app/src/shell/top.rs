//! The top of a page: breadcrumbs with siblings, the time picker, and banners when needed.

use leptos::{either::Either, html::custom, prelude::*};
use leptos_meta::Title;
use serde::{Deserialize, Serialize};

use super::words;
use crate::{
    i18n::Lang,
    ui::{
        about::PageDescription,
        form::GetForm,
        icon::Icon,
        menu::{Choices, Link, LinkList},
        state::{StateMark, StateView},
        words as ui_words,
    },
};

/// Everything on a page except its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PageHead {
    pub lang: Lang,
    /// The title of the page, and of the browser's window.
    pub title: String,
    pub crumbs: Vec<Crumb>,
    pub range: Option<RangeBar>,
    /// The earlier periods that can be shown for comparison.
    pub against: Option<Choices>,
    /// `None` on a page that shows nothing of records.
    pub live: Option<LiveUpdates>,
    /// Where this page, as it is, is saved under a name; `None` for those who keep no views.
    pub save: Option<String>,
    pub simulated: bool,
    /// Days of the demo that are in, while it is being filled.
    pub filling: Option<i64>,
    pub failed_files: usize,
}

/// A breadcrumb: one level from the fleet to this page, with its siblings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Crumb {
    pub label: String,
    pub href: String,
    /// What kind of thing it is, for the switcher's name.
    pub what: String,
    pub siblings: Vec<Link>,
}

/// How a page follows new records; see `app/elements/live.ts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LiveUpdates {
    /// Without a script: as of when the page is.
    pub text: String,
    /// The server's clock when it answered, and the length of the range, in ms.
    pub at: i64,
    pub range: i64,
    /// The generation of the records that the page shows, for the stream of events.
    pub generation: i64,
    /// The address of the stream that tells when there are newer ones.
    pub feed: String,
    /// Whether the range ends now.
    pub open: bool,
    pub refresh: String,
    /// Texts, as JSON.
    pub words: String,
    pub choices: Vec<Link>,
}

/// The time picker: where we are, where one can go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RangeBar {
    pub label: String,
    pub zone: String,
    /// Other time zones that lie near at hand.
    pub zones: Vec<Link>,
    pub presets: Vec<Link>,
    pub earlier: String,
    pub later: Option<String>,
    /// The ends as a `datetime-local` field wants them.
    pub from: String,
    pub to: String,
    /// The page's address without its query, and the query's other pairs.
    pub action: String,
    pub hidden: Vec<(String, String)>,
}

/// `about` is the sentence that says what kind of page it is, given its title.
#[component]
pub fn PageTop(head: PageHead, state: Option<StateView>, about: impl Fn(Lang, &str) -> String) -> impl IntoView {
    let lang = head.lang;
    let about = if cfg!(feature = "ssr") { about(lang, &head.title) } else { String::new() };
    let last = head.crumbs.len().saturating_sub(1);
    view! {
        <Title text=head.title.clone()/>
        {PageDescription(about)}
        <header class="top">
            <nav class="crumbs" aria-label=words::breadcrumb(lang)>
                <ol>
                    {head.crumbs.into_iter().enumerate().map(|(i, c)| view! { <li>{crumb(lang, c, i == last)}</li> }).collect_view()}
                </ol>
            </nav>
            {state.map(|s| view! {
                <span class="state" title=s.help><StateMark state=s.state/>{s.label}</span>
            })}
            {head.save.map(|href| view! {
                <a class="keep" href=href title=words::save_view(lang)><Icon name="bookmark"/><span>{words::save_view(lang)}</span></a>
            })}
            {head.live.map(|l| live(lang, l))}
            {head.against.map(|c| view! {
                <details class="menu against">
                    <summary>{c.label}<Icon name="chevron-down"/></summary>
                    <LinkList links=c.links/>
                </details>
            })}
            {head.range.map(|r| range_bar(lang, r))}
        </header>
        {(head.failed_files > 0).then(|| view! {
            <p class="banner bad" role="status">
                {words::failed_banner(lang, head.failed_files)}" "<a href="/sources">{words::failed_more(lang)}</a>
            </p>
        })}
        {head.simulated.then(|| view! {
            <p class="banner">
                <strong>{ui_words::simulated(lang)}</strong>" "{words::simulated_banner(lang)}" "<span class="quiet">{words::simulated_remove(lang)}</span>
                {head.filling.map(|d| format!(" {}", words::filling_banner(lang, d)))}
            </p>
        })}
    }
}

/// How old the page is, and how it follows new records. The words change in `app/elements/live.ts`; without a script a page
/// that was asked to follow comes again by itself: see `shell/document.rs`.
fn live(lang: Lang, l: LiveUpdates) -> impl IntoView {
    // In capitals: see `ui/chart`.
    let element = custom("GF-LIVE")
        .attr("data-at", l.at.to_string())
        .attr("data-generation", l.generation.to_string())
        .attr("data-feed", l.feed)
        .attr("data-range", l.range.to_string())
        .attr("data-refresh", l.refresh)
        .attr("data-open", l.open.to_string())
        .attr("data-words", l.words)
        .child(l.text);
    view! {
        <details class="menu follow">
            <summary title=words::refresh(lang)>
                {element}
                <Icon name="chevron-down"/>
            </summary>
            <LinkList links=l.choices/>
        </details>
    }
}

fn crumb(lang: Lang, c: Crumb, last: bool) -> impl IntoView {
    let switch = words::switch_to(lang, &c.what);
    let many = c.siblings.len() > 1;
    view! {
        {if last {
            Either::Left(view! { <h1><bdi>{c.label}</bdi></h1> })
        } else {
            Either::Right(view! { <a href=c.href><bdi>{c.label}</bdi></a> })
        }}
        {many.then(|| view! {
            <details class="menu">
                <summary aria-label=switch.clone() title=switch><Icon name="chevrons-up-down"/></summary>
                <ul>
                    {c.siblings.into_iter().map(|s| view! {
                        <li><a href=s.href aria-current=s.current.then_some("true")><bdi>{s.label}</bdi></a></li>
                    }).collect_view()}
                </ul>
            </details>
        })}
    }
}

fn range_bar(lang: Lang, r: RangeBar) -> impl IntoView {
    view! {
        <div class="range" role="group" aria-label=words::range(lang)>
            <a class="step" data-noscroll="" data-key="earlier" href=r.earlier title=words::range_earlier(lang) aria-label=words::range_earlier(lang)><Icon name="chevron-left"/></a>
            <details class="menu">
                <summary><Icon name="calendar-clock"/>{r.label}<Icon name="chevron-down"/></summary>
                <div class="panel">
                    <LinkList links=r.presets/>
                    <GetForm action=r.action>
                        {r.hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
                        <label><span>{words::range_from(lang)}</span><input type="datetime-local" name="from" value=r.from required/></label>
                        <label><span>{words::range_to(lang)}</span><input type="datetime-local" name="to" value=r.to required/></label>
                        <p class="quiet">{r.zone}</p>
                        {r.zones.into_iter().map(|z| view! {
                            <p><a data-noscroll="" href=z.href>{z.label}</a></p>
                        }).collect_view()}
                        <button class="button primary" type="submit">{words::range_apply(lang)}</button>
                    </GetForm>
                </div>
            </details>
            {match r.later {
                Some(href) => Either::Left(view! {
                    <a class="step" data-noscroll="" data-key="later" href=href title=words::range_later(lang) aria-label=words::range_later(lang)><Icon name="chevron-right"/></a>
                }),
                None => Either::Right(view! { <span class="step off" aria-hidden="true"><Icon name="chevron-right"/></span> }),
            }}
        </div>
    }
}
