//! Pages of a list that the server draws: reading which one is asked for, and turning them.

use domain::{Error, Result, scope::clip_text};
use leptos::prelude::*;

use super::{fmt::Fmt, icon::Icon, sentences, words};

/// Reads `page=`, from 1.
///
/// # Errors
/// Anything else.
pub fn read(text: Option<&str>) -> Result<usize> {
    let Some(text) = text else { return Ok(1) };
    // Far more than anybody turns, and the first row of it can still be counted.
    let page = text.parse().ok().filter(|p| (1..=1_000_000).contains(p));
    page.ok_or_else(|| Error::bad_input(sentences::bad_page(clip_text(text))))
}

/// Which part of a list is shown.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// From 1.
    pub page: usize,
    pub size: usize,
    pub total: usize,
    /// What is turned, for those who listen.
    pub label: &'static str,
}

/// Turns to the page before and after, where there are several. `to` makes the address of a page from its `page=`.
pub fn pager(fmt: &Fmt, paging: &Paging, to: impl Fn(Option<String>) -> String) -> Option<AnyView> {
    let Paging { page, size, total, label } = *paging;
    if total <= size {
        return None;
    }
    let lang = fmt.lang;
    let to = |page: usize| to((page > 1).then(|| page.to_string()));
    let first = (page - 1) * size + 1;
    let step = |href: Option<String>, label: &'static str, icon: &'static str| match href {
        Some(href) => {
            view! { <a class="step" data-noscroll="" href=href aria-label=label title=label><Icon name=icon/></a> }
                .into_any()
        }
        None => view! { <span class="step off" aria-hidden="true"><Icon name=icon/></span> }.into_any(),
    };
    Some(
        view! {
            <nav class="pager" aria-label=label>
                {step((page > 1).then(|| to(page - 1)), words::page_previous(lang), "chevron-left")}
                <span>{words::page_of(lang, first, total.min(page * size), fmt.count(total as u64))}</span>
                {step((page * size < total).then(|| to(page + 1)), words::page_next(lang), "chevron-right")}
            </nav>
        }
        .into_any(),
    )
}
