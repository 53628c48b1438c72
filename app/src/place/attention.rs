//! What needs attention: sites that are late, silent or in error, and sites that got worse by more than noise.

use domain::{
    change::Colour,
    query::{ChildSummary, Summary},
    scope::Level,
    state::DataState,
};

use super::{view::AttentionView, words};
use crate::shell::{
    addresses::{self, SOURCES},
    page_query::PageQuery,
};

/// At most so many lines under "needs attention".
const ATTENTION: usize = 6;

/// The most severe first, and how many more there are. Sites that are late, silent or in error, and sites that got worse at the same places, by more
/// than noise and by what matters.
pub(super) fn attention(a: &PageQuery, s: &Summary) -> (Vec<AttentionView>, Option<String>) {
    let lang = a.fmt.lang;
    let sites: &[ChildSummary] = if a.q.scope.level() == Level::Fleet { &s.sites } else { &s.children };
    let at = a.q.now.min(s.to);
    let mut found: Vec<(u8, f64, AttentionView)> = Vec::new();
    for c in sites {
        let place = a.name_of(&c.scope);
        let h = &c.health;
        // One that is expected and never came has been silent longest.
        let age = h.newest.map_or(i64::MAX, |n| at.0 - n.0);
        let span = a.fmt.duration(age);
        let (rank, text) = match h.state {
            DataState::SourceError => (0, words::attention_failed(lang, &place, &span)),
            DataState::Stale if h.newest.is_none() => (1, words::attention_never(lang, &place)),
            DataState::Stale => (1, words::attention_silent(lang, &place, &span)),
            DataState::Late => (3, words::attention_late(lang, &place, &span)),
            DataState::Ok | DataState::NoDataExpected => continue,
        };
        // The newest record of a site is of a zone that is well, where one is.
        let some = h.places_in_worst_state() < h.places;
        let text = if some { words::attention_some(lang, &place, a.fmt.health(h).label) } else { text };
        // What is to be done about a source is said where the sources are.
        let href =
            if h.state == DataState::SourceError { SOURCES.into() } else { addresses::place(&c.scope, &a.params) };
        found.push((rank, -(age as f64), AttentionView { text, href, state: Some(h.state) }));
    }
    for key in ["mAP50", "inference_time_ms"] {
        let metric = &a.metric(key);
        for c in sites {
            let Some(m) = c.metrics.iter().find(|m| m.metric == *metric.key) else { continue };
            let Some(change) = m.change.filter(|change| change.colour == Colour::Worse) else { continue };
            let shown = a.fmt.change(Some(&change), metric).map_or_else(String::new, |d| {
                let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
                format!("{}{unit} {}", d.text(), d.word)
            });
            let (place, value) = (a.name_of(&c.scope), a.fmt.with_unit(m.value, metric));
            let view = AttentionView {
                text: words::attention_fell(lang, place, a.fmt.label(metric), value, shown),
                href: addresses::place(&c.scope, &a.params),
                state: None,
            };
            // Metrics are held against each other in units of what matters.
            let matters = metric.smallest_effect().of(change.delta.before.unwrap_or(0.0));
            let size = change.delta.same.map_or(0.0, f64::abs) / matters.max(f64::MIN_POSITIVE);
            found.push((2, -size, view));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let more = found.len().saturating_sub(ATTENTION);
    let views = found.into_iter().take(ATTENTION).map(|f| f.2).collect();
    (views, (more > 0).then(|| words::attention_more(lang, more)))
}
