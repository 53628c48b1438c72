//! The choices of filter forms: metric, type, device.

use domain::{query::Directory, scope::ExperimentKind, text::Name};

use super::{page_query::PageQuery, words};
use crate::ui::{
    form::{FilterView, SelectView},
    links,
};

/// So many metrics can be chosen from a list.
const MAX_OPTIONS: usize = 50;
/// Devices that a choice offers.
const OFFERED: usize = 200;

/// One choice of a filter form: value and label of each option.
#[must_use]
pub fn select(name: &str, label: &str, options: Vec<(String, String)>, chosen: String) -> SelectView {
    SelectView { name: name.into(), label: label.into(), options, chosen, typed: false }
}

/// The choice of a metric. Where there are too many to look through, its name is typed, and the first are proposed.
pub fn metric_select(
    a: &PageQuery,
    label: &str,
    metrics: impl Iterator<Item = (String, String)>,
    chosen: String,
) -> SelectView {
    let mut options: Vec<(String, String)> = metrics.collect();
    let n = options.len();
    if n <= MAX_OPTIONS {
        return select("metric", label, options, chosen);
    }
    options.truncate(MAX_OPTIONS);
    let label = words::filter_typed(a.fmt.lang, label, a.fmt.count(n as u64));
    SelectView { typed: true, ..select("metric", &label, options, chosen) }
}

/// The choice of what is counted: production, candidates, or all.
#[must_use]
pub fn kind_select(a: &PageQuery) -> SelectView {
    let lang = a.fmt.lang;
    let kinds = [
        (ExperimentKind::Production, words::type_production(lang)),
        (ExperimentKind::Candidate, words::type_candidate(lang)),
        (ExperimentKind::All, words::type_all(lang)),
    ]
    .map(|(k, label)| (k.as_str().to_owned(), label.to_owned()));
    select("type", words::filter_type(lang), kinds.to_vec(), a.q.scope.kind.as_str().to_owned())
}

/// The choice of a device, where the places of the scope have more than one or one is chosen.
#[must_use]
pub fn device_select(a: &PageQuery, d: &Directory) -> Option<SelectView> {
    let lang = a.fmt.lang;
    let mut known: Vec<String> = d.devices_in(&a.q.scope).take(OFFERED).map(ToString::to_string).collect();
    let chosen = a.q.scope.device.as_ref().map_or("", Name::as_str);
    if !chosen.is_empty() && !known.iter().any(|k| k == chosen) {
        known.push(chosen.to_owned());
    }
    let any = (String::new(), words::filter_any(lang).to_owned());
    let options = std::iter::once(any).chain(known.into_iter().map(|k| (k.clone(), k)));
    let choice = select("device", words::filter_device(lang), options.collect(), chosen.to_owned());
    (choice.options.len() > 2 || !choice.chosen.is_empty()).then_some(choice)
}

/// The same as a form of its own, for pages that filter by nothing else; its address is `action`.
#[must_use]
pub fn device_filter(a: &PageQuery, d: &Directory, action: String, in_path: bool) -> Option<FilterView> {
    let mut without = vec!["device", "page", links::METRICS_PAGE, "sort"];
    if in_path {
        without.extend(["customer", "site", "zone"]);
    }
    let selects = vec![device_select(a, d)?];
    Some(FilterView { action, hidden: links::pairs(&a.params, &without), selects })
}
