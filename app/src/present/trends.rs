//! The trends page: one metric, any scope, any model.

use domain::{
    Result,
    ask::Ask,
    metric::{CATALOGUE, Metric},
    model::ModelKey,
    query::{Directory, Metrics, SummaryQuery, Worst, WorstQuery},
    scope::{Kind, Level, Scope},
    text::Name,
};

use usecases::TrendsQuery;

use super::{
    charts::Drawing,
    fmt::NONE,
    links,
    page::{Asked, Where, empty, head},
    place::{models_query, models_table},
    tables::plain,
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{Cell, FilterView, SelectView, TableView, TrendsView},
};

/// So many metrics can be chosen from a list.
const MOST_OPTIONS: usize = 50;

/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<TrendsView> {
    let directory = services.metrics.directory();
    let first = directory.built_in.first().copied().unwrap_or(0);
    let a = Asked::read(services, request, ask).await?.or_metric(&CATALOGUE[first].key);
    directory.check(&a.q.scope)?;
    let t = a.fmt.texts();
    if directory.records == 0 {
        let head = head(services, &a, &directory, Where::Page("/trends"), t.nav_trends.into(), false).await;
        return Ok(TrendsView {
            head,
            empty: Some(empty(&a, &directory, None)),
            selects: vec![],
            hidden: vec![],
            chart: None,
            worst: None,
            models: None,
        });
    }
    let (metric, _) = directory.metric(a.q.metric.as_deref().unwrap_or_default())?;
    let query = a.q.trend()?;
    let summary = SummaryQuery {
        children: false,
        metrics: Metrics::only([&*metric.key]),
        earlier_quantiles: Metrics::none(),
        ..a.q.summary()
    };
    let comparison = models_query(&a);
    let worst = WorstQuery { limit: WORST, ..a.q.worst()? };
    let asked = TrendsQuery { trend: query, summary, models: comparison, worst };
    let (answer, earlier) =
        futures::future::join(services.metrics.trends(&asked), a.earlier_trend(services, &asked.trend)).await;
    let (usecases::Trends { trend, summary, models, worst }, earlier) = (answer?, earlier?);
    let query = asked.trend;
    // With a model chosen the scope's change is another one: then the title says none.
    let delta = summary
        .metrics
        .iter()
        .find(|m| m.metric == *metric.key && query.model.is_none())
        .and_then(|m| a.fmt.delta(m.delta, m.previous, &metric));
    let mut scope = a.scope_text();
    if let Some(m) = &query.model {
        scope = format!("{scope} · {m}");
    }
    let drawing = Drawing { fmt: &a.fmt, metric: &metric, range: a.q.range, scope: &scope, now: a.q.now, earlier };
    let mut links = a.chart_links(&metric.key, query.step);
    links.link = links::href("/trends", &links::pairs(&a.ask, &["sort", "page", links::METRICS_PAGE]));
    let earlier = a.earlier_title(&summary);
    let chart = drawing.view(&trend, delta.as_ref().map(|d| (d, &*earlier)), links);
    let nothing = trend.points.is_empty();
    Ok(TrendsView {
        head: head(services, &a, &directory, Where::Page("/trends"), t.nav_trends.into(), trend.simulated).await,
        empty: nothing.then(|| {
            let mut e = empty(&a, &directory, summary.health.newest);
            // The way on stays on this page.
            if let Some(action) = &mut e.action {
                action.href = links::changed(
                    "/trends",
                    &a.ask,
                    false,
                    &[("from", Some("now-90d".into())), ("to", None), ("days", None), ("model", None)],
                );
                action.label = t.empty_widen.into();
            }
            e
        }),
        selects: selects(&a, &directory, &metric.key),
        hidden: links::pairs(
            &a.ask,
            &["metric", "task", "type", "model", "device", "page", links::METRICS_PAGE, "sort"],
        ),
        chart: (!nothing).then_some(chart),
        worst: worst_table(&a, &metric, &worst),
        models: models_table(&a, &models),
    })
}

/// Rows of the table of worst zones.
const WORST: usize = 10;

/// Where the metric is worst, by zone and device. One alone is no ranking.
fn worst_table(a: &Asked, metric: &Metric, worst: &Worst) -> Option<TableView> {
    if worst.of < 2 || a.q.scope.level() == Level::Zone {
        return None;
    }
    let t = a.fmt.texts();
    let tail = if worst.quantile < 0.5 { "p5" } else { "p95" };
    let mut columns = vec![plain(t.col_place, false), plain(t.col_device, false)];
    columns.extend([tail, t.col_p50, t.col_value, t.col_n].map(|label| plain(label, true)));
    let rows = worst.rows.iter().map(|r| {
        let place = Scope {
            customer: Some(r.place.customer.clone()),
            site: r.place.site.clone(),
            zone: r.place.zone.clone(),
            ..a.q.scope.clone()
        };
        let device = r.device.as_ref().map(ToString::to_string);
        let mut ask = a.ask.clone();
        ask.device = device.clone().or(ask.device);
        let number = |x: f64, href| Cell::Number { text: a.fmt.with_unit(Some(x), metric), href };
        vec![
            Cell::Name { text: a.within(&place), href: Some(links::place(&place, &a.ask)), state: None },
            Cell::Text(device.unwrap_or_else(|| NONE.to_owned())),
            number(r.tail, Some(links::trends(&place, &metric.key, &ask))),
            number(r.p50, None),
            number(r.value, None),
            Cell::Number { text: a.fmt.count(r.n), href: None },
        ]
    });
    let without = ["page", links::METRICS_PAGE, "sort", "step", "refresh", "kiosk"];
    let mut ask = a.ask.clone();
    ask.metric = Some(metric.key.to_string());
    Some(TableView {
        caption: fill(t.worst_zones, &[("metric", &a.fmt.label(metric)), ("quantile", tail)]),
        columns,
        rows: rows.collect(),
        csv: Some(links::href("/export/worst_zones.csv", &links::pairs(&ask, &without))),
        pager: None,
        foot: Some(fill(
            t.worst_of,
            &[("shown", &a.fmt.count(worst.rows.len() as u64)), ("n", &a.fmt.count(worst.of as u64))],
        )),
    })
}

fn selects(a: &Asked, d: &Directory, metric: &str) -> Vec<SelectView> {
    let t = a.fmt.texts();
    let any = || (String::new(), t.filter_any.to_owned());
    let own = |text: String| (text.clone(), text);
    let built_in = d.built_in.iter().map(|i| (CATALOGUE[*i].key.to_string(), a.fmt.label(d.declared.built_in(*i))));
    let custom = (0..d.custom.len()).map(|i| d.custom_metric(i).0);
    let metrics = built_in.chain(custom.map(|m| (m.key.to_string(), a.fmt.label(&m))));
    let tasks = std::iter::once(any()).chain(d.tasks.iter().map(|x| own(x.to_string()))).collect();
    let models = std::iter::once(any()).chain(d.models.iter().take(200).map(|m| (m.key(), m.to_string()))).collect();
    let kinds = [(Kind::Production, t.type_production), (Kind::Candidate, t.type_candidate), (Kind::All, t.type_all)]
        .map(|(k, label)| (k.as_str().to_owned(), label.to_owned()));
    let task = a.q.scope.task.as_ref().map_or_else(String::new, ToString::to_string);
    let model = a.q.model.as_ref().map_or_else(String::new, ModelKey::key);
    let mut selects = vec![
        metric_select(a, t.filter_metric, metrics, metric.to_owned()),
        select("task", t.filter_task, tasks, task),
        select("model", t.filter_model, models, model),
        select("type", t.filter_type, kinds.to_vec(), a.q.scope.kind.as_str().to_owned()),
    ];
    selects.extend(device_select(a, d));
    selects
}

/// Devices that a choice offers.
const OFFERED: usize = 200;

/// The choice of a device, where the places of the scope have more than one or one is chosen.
pub fn device_select(a: &Asked, d: &Directory) -> Option<SelectView> {
    let t = a.fmt.texts();
    let mut known: Vec<String> = d.devices_in(&a.q.scope).take(OFFERED).map(ToString::to_string).collect();
    let chosen = a.q.scope.device.as_ref().map_or("", Name::as_str);
    if !chosen.is_empty() && !known.iter().any(|k| k == chosen) {
        known.push(chosen.to_owned());
    }
    let any = (String::new(), t.filter_any.to_owned());
    let options = std::iter::once(any).chain(known.into_iter().map(|k| (k.clone(), k)));
    let choice = select("device", t.filter_device, options.collect(), chosen.to_owned());
    (choice.options.len() > 2 || !choice.chosen.is_empty()).then_some(choice)
}

/// The same as a form of its own, for pages that filter by nothing else; its address is `action`.
pub fn device_filter(a: &Asked, d: &Directory, action: String, in_path: bool) -> Option<FilterView> {
    let mut without = vec!["device", "page", links::METRICS_PAGE, "sort"];
    if in_path {
        without.extend(["customer", "site", "zone"]);
    }
    let selects = vec![device_select(a, d)?];
    Some(FilterView { action, hidden: links::pairs(&a.ask, &without), selects })
}

/// One choice of a filter form: value and label of each option.
pub fn select(name: &str, label: &str, options: Vec<(String, String)>, chosen: String) -> SelectView {
    SelectView { name: name.into(), label: label.into(), options, chosen, typed: false }
}

/// The choice of a metric. Where there are too many to look through, its name is typed, and the first are proposed.
pub fn metric_select(
    a: &Asked,
    label: &str,
    metrics: impl Iterator<Item = (String, String)>,
    chosen: String,
) -> SelectView {
    let mut options: Vec<(String, String)> = metrics.collect();
    let n = options.len();
    if n <= MOST_OPTIONS {
        return select("metric", label, options, chosen);
    }
    options.truncate(MOST_OPTIONS);
    let label = fill(a.fmt.texts().filter_typed, &[("label", label), ("n", &a.fmt.count(n as u64))]);
    SelectView { typed: true, ..select("metric", &label, options, chosen) }
}
