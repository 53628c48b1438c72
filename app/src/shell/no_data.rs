//! The content of a page without data.

use domain::{
    query::Directory,
    scope::Level,
    time::{DAY, Millis},
};

use super::{addresses, page_query::PageQuery, words};
use crate::ui::{empty::EmptyView, links, menu::Link};

/// Why there is nothing, and what to do.
pub fn empty_view(a: &PageQuery, directory: &Directory, newest_here: Option<Millis>) -> EmptyView {
    let lang = a.fmt.lang;
    if directory.records == 0 {
        return EmptyView {
            title: words::empty_title(lang).into(),
            text: words::empty_text(lang).into(),
            commands: vec![
                (words::empty_do(lang).into(), "guardianflow ingest metrics_2026-06-30.jsonl".into()),
                (words::empty_demo(lang).into(), "guardianflow serve --demo 1".into()),
            ],
            action: None,
        };
    }
    let path = addresses::place_path(&a.q.scope);
    // What is known of a place's newest record is not known of a device's.
    let newest = newest_here.or(directory.newest.filter(|_| a.q.scope.level() == Level::Fleet));
    let newest = newest.filter(|_| a.q.scope.device.is_none());
    let (text, action) = match newest {
        Some(newest) => {
            let around = [
                ("from", links::moment(newest.plus(-7 * DAY))),
                ("to", links::moment(newest.plus(1_000))),
                ("days", None),
            ];
            let href = links::with_changes(&path, &a.params, true, &around);
            (
                words::empty_range_text(lang, a.fmt.moment(newest, a.q.now)),
                Link { label: words::empty_range_do(lang).into(), href, current: false },
            )
        }
        None => {
            let wide = [("from", Some("now-90d".to_owned())), ("to", None), ("days", None)];
            let href = links::with_changes(&path, &a.params, true, &wide);
            let declared = &directory.declared;
            let place = a.q.scope.place();
            let text = match place.as_ref().and_then(|p| declared.place_declaration(p)) {
                Some(facts) if facts.retired_at(a.q.now) => words::empty_retired(lang),
                // Only what lies here and is named: nothing is said of a place between named ones.
                Some(_) if place.is_some_and(|p| declared.places().contains_key(&p)) => words::empty_expected(lang),
                _ => words::empty_range_never(lang),
            };
            (text.into(), Link { label: words::empty_widen(lang).into(), href, current: false })
        }
    };
    EmptyView { title: words::empty_range_title(lang).into(), text, commands: vec![], action: Some(action) }
}
