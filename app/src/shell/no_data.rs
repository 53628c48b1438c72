//! What stands on a page that has nothing to show.

use domain::{
    query::Directory,
    scope::Level,
    time::{DAY, Millis},
};

use super::{addresses, page_query::PageQuery};
use crate::{
    i18n::fill,
    ui::{empty::EmptyView, links, menu::Link},
};

/// Why there is nothing, and what to do.
pub fn empty(a: &PageQuery, directory: &Directory, newest_here: Option<Millis>) -> EmptyView {
    let t = a.fmt.texts();
    if directory.records == 0 {
        return EmptyView {
            title: t.empty_title.into(),
            text: t.empty_text.into(),
            commands: vec![
                (t.empty_do.into(), "guardianflow ingest metrics_2026-06-30.jsonl".into()),
                (t.empty_demo.into(), "guardianflow serve --demo 1".into()),
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
            let href = links::changed(&path, &a.ask, true, &around);
            (
                fill(t.empty_range_text, &[("newest", &a.fmt.moment(newest, a.q.now))]),
                Link { label: t.empty_range_do.into(), href, current: false },
            )
        }
        None => {
            let wide = [("from", Some("now-90d".to_owned())), ("to", None), ("days", None)];
            let href = links::changed(&path, &a.ask, true, &wide);
            let declared = &directory.declared;
            let place = a.q.scope.place();
            let text = match place.as_ref().and_then(|p| declared.facts(p)) {
                Some(facts) if facts.retired_at(a.q.now) => t.empty_retired,
                // Only what lies here and is named: nothing is said of a place between named ones.
                Some(_) if place.is_some_and(|p| declared.places().contains_key(&p)) => t.empty_expected,
                _ => t.empty_range_never,
            };
            (text.into(), Link { label: t.empty_widen.into(), href, current: false })
        }
    };
    EmptyView { title: t.empty_range_title.into(), text, commands: vec![], action: Some(action) }
}
