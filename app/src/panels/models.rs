//! Which models run at a place.

use domain::{
    metric::Metric,
    model::ModelKey,
    query::{Comparison, ComparisonQuery, MetricSelection},
    scope::Scope,
    time::TimeRange,
};

use super::{PanelContext, devices::cell_with_devices, words};
use crate::ui::table::{
    Cell, TableView,
    build::{PAGE_ROWS, plain_column},
};

/// The metrics that [`table`] shows.
const OF_MODELS: [&str; 3] = ["mAP50", "hota", "inference_time_ms"];

/// What [`table`] needs to be known.
#[must_use]
pub fn query(scope: &Scope, range: TimeRange) -> ComparisonQuery {
    ComparisonQuery { scope: scope.clone(), range, metrics: MetricSelection::only(OF_MODELS) }
}

/// Where the table leads.
pub struct ModelLinks<'a> {
    /// The page of a model.
    pub model: &'a dyn Fn(&ModelKey) -> String,
    /// The rows of a model, which lead to the run that made it.
    pub records: &'a dyn Fn(&ModelKey) -> String,
    /// The file with all of it.
    pub csv: String,
}

/// Which models run here.
#[must_use]
pub fn table(panel: PanelContext<'_>, c: &Comparison, links: Option<&ModelLinks<'_>>) -> Option<TableView> {
    let fmt = panel.fmt;
    let lang = fmt.lang;
    let named: Vec<_> = c.models.iter().filter_map(|m| Some((m.key()?, m))).take(PAGE_ROWS).collect();
    if named.is_empty() {
        return None;
    }
    let shown: Vec<Metric> = OF_MODELS
        .iter()
        .map(|k| panel.metric(k))
        .filter(|m| named.iter().any(|(_, n)| n.metrics.contains_key(&*m.key)))
        .collect();
    let mut columns = vec![plain_column(words::col_model(lang), false), plain_column(words::col_zones(lang), true)];
    columns.extend(shown.iter().map(|m| plain_column(&fmt.label(m), true)));
    columns.extend([
        plain_column(words::col_n(lang), true),
        plain_column(words::col_since(lang), true),
        plain_column(words::col_until(lang), true),
    ]);
    let rows = named
        .into_iter()
        .map(|(key, m)| {
            let mut row = vec![
                Cell::Name { text: key.to_string(), href: links.map(|l| (l.model)(&key)), state: None },
                Cell::Number { text: fmt.count(u64::from(m.zones)), href: None },
            ];
            row.extend(shown.iter().map(|metric| {
                let known = m.metrics.get(&*metric.key);
                let text = fmt.with_unit(known.and_then(|x| x.value), metric);
                cell_with_devices(fmt, text, None, known.map_or(0, |x| x.devices.len()))
            }));
            row.push(Cell::Number { text: fmt.count(m.n), href: links.map(|l| (l.records)(&key)) });
            row.push(Cell::Text(fmt.moment(m.first, panel.now)));
            row.push(Cell::Text(fmt.moment(m.last, panel.now)));
            row
        })
        .collect();
    Some(TableView {
        caption: words::models_here(lang).into(),
        columns,
        rows,
        csv: links.map(|l| l.csv.clone()),
        pager: None,
        foot: None,
    })
}
