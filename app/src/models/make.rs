//! Reads an address of these pages, and makes the one that stands there.

use domain::{Error, Result, params::decode, scope::clip_text};

use super::{
    common::{Drawn, PageContext},
    history, list, model, request, review, rollback, sentences, version, words,
    write::SEEN,
};
use crate::{
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        error::set_status,
        plain_query::PlainQuery,
        refused::Refused,
        top::Crumb,
    },
};
use leptos::prelude::*;

/// The keys of these pages.
const KEYS: [&str; 12] =
    ["q", "stage", "alias", "health", "page", "done", "operation", "version", "to", "at", "folder", "file"];

/// Which page an address is of.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    List,
    Model(String),
    Version(String, String),
    Promote(String),
    RollBack(String),
    History(String),
    Request(i64),
}

impl Place {
    fn read(path: &str) -> Result<Self> {
        let parts: Vec<String> =
            path.split('/').filter(|p| !p.is_empty()).skip(1).map(decode).collect::<Result<_>>()?;
        let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let of = |name: &str| name.to_owned();
        Ok(match texts[..] {
            [] => Self::List,
            [name] => Self::Model(of(name)),
            [name, "promote"] => Self::Promote(of(name)),
            [name, "rollback"] => Self::RollBack(of(name)),
            [name, "history"] => Self::History(of(name)),
            [name, "versions", version] => Self::Version(of(name), of(version)),
            ["requests", id] => {
                Self::Request(id.parse().map_err(|_| Error::bad_input(sentences::which_request(clip_text(id))))?)
            }
            _ => return Err(Error::not_found(sentences::no_such_page())),
        })
    }
}

/// The page at an address.
///
/// # Errors
/// Unknown keys, and those that are given twice; models, versions and requests that there are not; what cannot be read just now.
pub async fn page(
    services: &Services,
    request: &Request,
    address: &str,
    refused: Option<Refused>,
) -> Result<DrawnView> {
    let a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let place = Place::read(&a.path)?;
    let lang = a.fmt.lang;
    let mut p = PageContext { services, may: services.models.may_change(), refused, a };
    let is_list = place == Place::List;
    let shows_records = !matches!(place, Place::History(_));
    let drawn = match place {
        Place::List => list::page(&mut p).await?,
        Place::Model(name) => model::page(&mut p, &name).await?,
        Place::Version(name, version) => version::page(&mut p, &name, &version).await?,
        Place::Promote(name) => review::page(&mut p, &name).await?,
        Place::RollBack(name) => rollback::page(&mut p, &name).await?,
        Place::History(name) => history::page(&mut p, &name).await?,
        Place::Request(id) => request::page(&mut p, id).await?,
    };
    let Drawn { title, crumbs, html } = drawn;
    if let Some(refused) = &p.refused {
        if refused.error.field.as_deref() == Some(SEEN) {
            conflict();
        } else {
            set_status(refused.error.kind);
        }
    }
    let a = &p.a;
    let root = Crumb { label: words::title(lang).into(), href: a.to(addresses::MODELS), ..Crumb::default() };
    let crumbs = std::iter::once(root).chain(crumbs).collect();
    let html = view! {
        {p.fault()}
        {tracking::mistakes(lang, a.mistakes())}
    }
    .to_html()
        + &html;
    let mut head = a.head(services, crumbs, title, addresses::model_events(), services.models.generation());
    head.save = None;
    head.simulated = shows_records && services.metrics.directory().simulated > 0;
    if !is_list {
        // What somebody types stays, and a decision is made on what was read: the page is not drawn again by itself.
        head.live = None;
    }
    Ok(DrawnView::new(head, words::about(lang), &html))
}

/// Somebody was faster.
fn conflict() {
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(axum::http::StatusCode::CONFLICT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_by_its_segments_decoded_once() {
        let read = |path: &str| Place::read(path).expect("an address");
        assert_eq!(read("/models"), Place::List);
        assert_eq!(read("/models/a%20%22b%22"), Place::Model("a \"b\"".into()));
        assert_eq!(read("/models/%EA%B2%80%EC%B6%9C/promote"), Place::Promote("검출".into()));
        assert_eq!(read("/models/requests"), Place::Model("requests".into()));
        assert_eq!(read("/models/requests/7"), Place::Request(7));
        assert_eq!(read("/models/requests/history"), Place::History("requests".into()));
        assert_eq!(read("/models/m/versions/v3"), Place::Version("m".into(), "v3".into()));
        assert!(Place::read("/models/requests/x").is_err() && Place::read("/models/a/b/c/d").is_err());
    }
}
