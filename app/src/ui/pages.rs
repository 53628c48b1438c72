//! Pages of a list that the server draws: reading which one is asked for, and turning them.

use domain::{Error, Result, scope::clip_text};
use leptos::prelude::*;

use super::{fmt::Fmt, icon::Icon, sentences, words};

/// Far more than anybody turns, and the first row of it can still be counted.
const MOST: usize = 1_000_000;

/// Reads `page=`, from 1. A page behind all others is one of them, however large its number.
///
/// # Errors
/// What is no such number.
pub fn read(text: &str) -> Result<usize> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let page = if is_number { Some(text.parse().unwrap_or(MOST).min(MOST)) } else { None };
    page.filter(|p| *p > 0).ok_or_else(|| Error::bad_input(sentences::bad_page(clip_text(text))))
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

#[cfg(test)]
mod tests {
    use super::{MOST, read};

    #[test]
    fn a_page_is_a_number_from_one_on() {
        for (text, page) in [("1", 1), ("07", 7), ("1000001", MOST), ("99999999999999999999999999", MOST)] {
            assert_eq!(read(text).ok(), Some(page), "{text}");
        }
        for text in ["", "0", "00", "-1", "+1", "1.5", "x", "１"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
