//! Makes the page of statistics.

use domain::Result;
use leptos::prelude::*;

use super::{text::TEXT, words};
use crate::{
    i18n::Lang,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::{Crumb, PageHead},
    },
};

/// The page at an address.
///
/// # Errors
/// Unknown keys, and those that are given twice.
#[expect(clippy::unused_async, reason = "as all pages are made")]
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let a = PlainQuery::read(services, request, address, &[], &[])?;
    let lang = a.fmt.lang;
    let title = words::title(lang).to_owned();
    // The browser goes to a section by itself.
    let sections: Vec<_> = TEXT
        .sections
        .iter()
        .map(|(id, heading)| view! { <li><a href=format!("#{id}") rel="external">{heading.clone()}</a></li> })
        .collect();
    let html = view! {
        <p class="lead quiet">{words::lead(lang)}</p>
        {(lang != Lang::En).then(|| view! { <p class="banner">{words::in_english(lang)}</p> })}
        <div class="reading">
            <nav class="card contents" aria-label=words::contents(lang)>
                <h2>{words::contents(lang)}</h2>
                <ol lang="en">{sections}</ol>
            </nav>
            <article class="card prose" lang="en" inner_html=&*TEXT.html></article>
        </div>
    }
    .to_html();
    let crumb = Crumb { label: title.clone(), href: a.to(addresses::STATISTICS), ..Crumb::default() };
    let head = a.head(services, vec![crumb], title, addresses::events(None), 0);
    // It shows no record, so nothing of it grows old.
    Ok(DrawnView::new(PageHead { live: None, ..head }, words::about(lang), &html))
}
