//! Makes the trends page: one metric, any scope, any model.

use domain::{
    Result,
    metric::{CATALOGUE, Metric},
    params::QueryParams,
    query::{Directory, MetricSelection, SummaryQuery, WorstZones, WorstZonesQuery},
    scope::{Level, Scope},
};
use usecases::TrendsQuery;

use super::{view::TrendsView, words};
use crate::{
    panels::{models, trend::TrendChart, words as panel_words},
    shell::{
        addresses,
        context::{Request, Services},
        filters::{device_select, kind_select, metric_select, select},
        head::{PageAddress, head},
        no_data::empty_view,
        page_query::PageQuery,
        words as shell_words,
    },
    ui::{
        fmt::NO_VALUE,
        form::SelectView,
        links,
        table::{Cell, TableView, build::plain_column},
    },
};

/// The page of the metric that `params` names.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<TrendsView> {
    let directory = services.metrics.directory();
    let first = directory.built_in.first().copied().unwrap_or(0);
    let a = PageQuery::read(services, request, params).await?.with_default_metric(&CATALOGUE[first].key);
    directory.check(&a.q.scope)?;
    let lang = a.fmt.lang;
    if directory.records == 0 {
        let head =
            head(services, &a, &directory, PageAddress::Fixed("/trends"), words::label(lang).into(), false).await;
        return Ok(TrendsView {
            head,
            empty: Some(empty_view(&a, &directory, None)),
            selects: vec![],
            hidden: vec![],
            change: None,
            chart: None,
            worst: None,
            models: None,
        });
    }
    let (metric, _) = directory.metric(a.q.metric.as_deref().unwrap_or_default())?;
    let query = a.q.trend()?;
    let summary = SummaryQuery {
        children: false,
        metrics: MetricSelection::only([&*metric.key]),
        earlier_quantiles: MetricSelection::none(),
        ..a.q.summary()
    };
    let comparison = models::query(&a.q.scope, a.q.range);
    let worst = WorstZonesQuery { limit: WORST, ..a.q.worst()? };
    let asked = TrendsQuery { trend: query, summary, models: comparison, worst };
    let (answer, earlier) =
        futures::future::join(Box::pin(services.metrics.trends(&asked)), a.earlier_trend(services, &asked.trend)).await;
    let (usecases::Trends { trend, summary, models, worst }, earlier) = (answer?, earlier?);
    let query = asked.trend;
    // With a model chosen the scope's change is another one: then the title says none.
    let delta = summary
        .metrics
        .iter()
        .find(|m| m.metric == *metric.key && query.model.is_none())
        .and_then(|m| a.taken_apart(&a.q.scope, m.change.as_ref(), &metric));
    let mut scope = a.scope_text();
    if let Some(m) = &query.model {
        scope = format!("{scope} · {m}");
    }
    let champions = a.champion_changes(services, &models.models).await;
    let chart = TrendChart { panel: a.panel(), metric: &metric, scope: &scope, earlier, champions };
    let mut links = a.chart_links(&metric.key, query.step);
    links.link = Some(links::href("/trends", &links::pairs(&a.params, &["sort", "page", links::METRICS_PAGE])));
    let earlier = a.earlier_title(&summary);
    let change = delta.clone().map(|delta| (words::change(lang, &earlier), delta));
    let chart = chart.view(&trend, delta.as_ref().filter(|d| d.told).map(|d| (d, &*earlier)), Some(links));
    let nothing = trend.points.is_empty();
    Ok(TrendsView {
        head: head(services, &a, &directory, PageAddress::Fixed("/trends"), words::label(lang).into(), trend.simulated)
            .await,
        empty: nothing.then(|| {
            let mut e = empty_view(&a, &directory, summary.health.newest);
            // The way on stays on this page.
            if let Some(action) = &mut e.action {
                action.href = links::with_changes(
                    "/trends",
                    &a.params,
                    false,
                    &[("from", Some("now-90d".into())), ("to", None), ("days", None), ("model", None)],
                );
                action.label = shell_words::empty_widen(lang).into();
            }
            e
        }),
        selects: selects(&a, &directory, &metric.key),
        hidden: links::pairs(
            &a.params,
            &["metric", "task", "type", "model", "device", "page", links::METRICS_PAGE, "sort"],
        ),
        change: change.filter(|_| !nothing),
        chart: (!nothing).then_some(chart),
        worst: worst_table(&a, &metric, &worst),
        models: a.models_table(&models),
    })
}

/// Rows of the table of worst zones.
const WORST: usize = 10;

/// Where the metric is worst, by zone and device. One alone is no ranking.
fn worst_table(a: &PageQuery, metric: &Metric, worst: &WorstZones) -> Option<TableView> {
    if worst.of < 2 || a.q.scope.level() == Level::Zone {
        return None;
    }
    let lang = a.fmt.lang;
    let tail = if worst.quantile < 0.5 { "p5" } else { "p95" };
    let mut columns =
        vec![plain_column(panel_words::col_place(lang), false), plain_column(panel_words::col_device(lang), false)];
    columns.extend(
        [tail, panel_words::col_p50(lang), panel_words::col_value(lang), panel_words::col_n(lang)]
            .map(|label| plain_column(label, true)),
    );
    let rows = worst.rows.iter().map(|r| {
        let place = Scope {
            customer: Some(r.place.customer.clone()),
            site: r.place.site.clone(),
            zone: r.place.zone.clone(),
            ..a.q.scope.clone()
        };
        let device = r.device.as_ref().map(ToString::to_string);
        let mut params = a.params.clone();
        params.device = device.clone().or(params.device);
        let number = |x: f64, href| Cell::Number { text: a.fmt.with_unit(Some(x), metric), href };
        vec![
            Cell::Name { text: a.panel().within(&place), href: Some(addresses::place(&place, &a.params)), state: None },
            Cell::Text(device.unwrap_or_else(|| NO_VALUE.to_owned())),
            number(r.tail, Some(addresses::trends(&place, &metric.key, &params))),
            number(r.p50, None),
            number(r.value, None),
            Cell::Number { text: a.fmt.count(r.n), href: None },
        ]
    });
    let without = ["page", links::METRICS_PAGE, "sort", "step", "refresh", "kiosk"];
    let mut params = a.params.clone();
    params.metric = Some(metric.key.to_string());
    Some(TableView {
        caption: words::worst_zones(lang, a.fmt.label(metric), tail),
        columns,
        rows: rows.collect(),
        csv: Some(links::href("/export/worst_zones.csv", &links::pairs(&params, &without))),
        pager: None,
        foot: Some(words::worst_of(lang, a.fmt.count(worst.rows.len() as u64), a.fmt.count(worst.of as u64))),
    })
}

fn selects(a: &PageQuery, d: &Directory, metric: &str) -> Vec<SelectView> {
    let lang = a.fmt.lang;
    let any = || (String::new(), shell_words::filter_any(lang).to_owned());
    let own = |text: String| (text.clone(), text);
    let built_in = d.built_in.iter().map(|i| (CATALOGUE[*i].key.to_string(), a.fmt.label(d.declared.built_in(*i))));
    let custom = (0..d.custom.len()).map(|i| d.custom_metric(i).0);
    let metrics = built_in.chain(custom.map(|m| (m.key.to_string(), a.fmt.label(&m))));
    let tasks = std::iter::once(any()).chain(d.tasks.iter().map(|x| own(x.to_string()))).collect();
    let models = std::iter::once(any()).chain(d.models.iter().take(200).map(|m| (m.key(), m.to_string()))).collect();
    let task = a.q.scope.task.as_ref().map_or_else(String::new, ToString::to_string);
    let model = a.q.model.as_ref().map_or_else(String::new, |model| d.links.canonical(model).key());
    let mut selects = vec![
        metric_select(a, words::filter_metric(lang), metrics, metric.to_owned()),
        select("task", shell_words::filter_task(lang), tasks, task),
        select("model", words::filter_model(lang), models, model),
        kind_select(a),
    ];
    selects.extend(device_select(a, d));
    selects
}
