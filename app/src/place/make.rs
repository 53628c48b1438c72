//! Makes the page of a place: tiles, what needs attention, the course of the leading metric, what it is made of.

use domain::{
    Result,
    params::QueryParams,
    query::{MetricSelection, MetricSummary, SeriesBuckets, Summary, SummaryQuery, TrendQuery},
    scope::{Level, Scope},
    time::{DAY, Step, TimeRange},
};

use super::{
    attention::attention,
    children::{self, leading_metric},
    metrics,
    tiles::{self, LATENCY_METRIC},
    view::PlaceView,
    words,
};
use crate::{
    panels::{
        heatmap::{self, HeatmapLinks},
        models,
        trend::TrendChart,
    },
    shell::{
        addresses,
        context::{Request, Services},
        filters::device_filter,
        head::{PageAddress, head},
        no_data::empty_view,
        page_query::PageQuery,
    },
    ui::{
        chart::HeatmapView,
        links::{self, METRICS_PAGE},
    },
};

/// Sparklines show this much, or the range when that is longer.
const COURSE: i64 = 30 * DAY;

/// The page of the place that `params` names.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<PlaceView> {
    let a = PageQuery::read(services, request, params).await?;
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let course = course(&a)?;
    let query = SummaryQuery {
        sites: a.q.scope.level() == Level::Fleet,
        metrics: MetricSelection::Page(metrics::page(&a)),
        earlier_quantiles: MetricSelection::only([LATENCY_METRIC]),
        course: Some(course.clone()),
        ..a.q.summary()
    };
    let comparison = models::query(&a.q.scope, a.q.range);
    let (mut summary, comparison) = services.metrics.place(&query, &comparison).await?;
    let head = head(services, &a, &directory, PageAddress::Place, a.title(), summary.simulated).await;
    let lang = a.fmt.lang;
    let state = a.fmt.health(&summary.health);
    let filter = device_filter(&a, &directory, addresses::place_path(&a.q.scope), true);
    if summary.records == 0 {
        let empty = Some(empty_view(&a, &directory, summary.health.newest));
        return Ok(PlaceView {
            head,
            state,
            filter,
            empty,
            attention: None,
            attention_more: None,
            tiles: vec![],
            chart: None,
            heatmap: None,
            children: None,
            metrics: None,
            models: None,
        });
    }
    let leading = leading_metric(&summary.metrics);
    let chart = match leading {
        Some(m) => {
            let metric = a.metric(&m.metric);
            let query = TrendQuery {
                scope: a.q.scope.clone(),
                model: None,
                metric: m.metric.clone(),
                range: a.q.range,
                step: Step::for_range(&a.q.range, 120),
            };
            let (trend, earlier) = a.trend(services, &query).await?;
            let delta = a.fmt.change(m.change.as_ref(), &metric);
            let title = a.scope_text();
            let champions = a.champion_changes(services, &comparison.models).await;
            let chart = TrendChart { panel: a.panel(), metric: &metric, scope: &title, earlier, champions };
            let mut links = a.chart_links(&m.metric, query.step);
            links.details = Some(addresses::trends(&a.q.scope, &m.metric, &a.params));
            let earlier = a.earlier_title(&summary);
            Some(chart.view(&trend, delta.as_ref().filter(|d| d.told).map(|d| (d, &*earlier)), Some(links)))
        }
        None => None,
    };
    let heatmap = match a.q.scope.level() {
        Level::Customer => leading.and_then(|m| site_heatmap(&a, &summary, m, &course)),
        _ => None,
    };
    without_unfinished_day(&mut summary, &course, &a);
    let (attention, more) = attention(&a, &summary);
    let caption = match a.q.scope.level() {
        Level::Fleet => words::customers_worst_first(lang),
        Level::Customer => words::sites_worst_first(lang),
        Level::Site | Level::Zone => words::zones_worst_first(lang),
    };
    let children = if summary.children.is_empty() { None } else { Some(children::table(&a, &summary, caption)?) };
    Ok(PlaceView {
        tiles: tiles::headline_tiles(&a, &summary),
        metrics: Some(metrics::table(&a, &summary)?),
        models: a.models_table(&comparison),
        attention: (a.q.scope.level() < Level::Site).then_some(attention),
        attention_more: more,
        head,
        state,
        filter,
        empty: None,
        chart,
        heatmap,
        children,
    })
}

/// Over which time sparklines and the heatmap go. The days of a customer's sites are those of the calendar, so that a
/// cell is a day that one can name; elsewhere steps end with the range.
fn course(a: &PageQuery) -> Result<SeriesBuckets> {
    let ends_at = a.q.range.to();
    let length = a.q.range.length().max(COURSE);
    if a.q.scope.level() == Level::Customer {
        return heatmap::calendar_days(a.panel(), length.min(heatmap::MAX_HEATMAP_MS));
    }
    let range = TimeRange::new(ends_at.plus(-length), ends_at)?;
    Ok(SeriesBuckets::of_steps(range, Step::for_range(&range, 31)))
}

/// A day that is not half over would bend the end of every sparkline. The heatmap shows it all the same.
fn without_unfinished_day(s: &mut Summary, course: &SeriesBuckets, a: &PageQuery) {
    let Some((from, to)) = course.buckets().last().copied() else { return };
    if a.q.range.to().0 - from.0 >= (to.0 - from.0) / 2 {
        return;
    }
    let all = s.metrics.iter_mut().chain(s.children.iter_mut().flat_map(|c| &mut c.metrics));
    for m in all.filter(|m| m.course.len() > 1) {
        m.course.pop();
    }
}

/// The heatmap; each of its days leads to the page of the site on that day.
fn site_heatmap(a: &PageQuery, s: &Summary, leading: &MetricSummary, course: &SeriesBuckets) -> Option<HeatmapView> {
    let place = |scope: &Scope| addresses::place(scope, &a.params);
    let bucket = |scope: &Scope, from, to| {
        let mut params = a.params.clone();
        params.from = links::moment(from);
        params.to = links::moment(to);
        params.days = None;
        addresses::place(scope, &params)
    };
    let query = links::pairs(&a.params, &["page", METRICS_PAGE, "sort", "refresh", "kiosk"]);
    let links = HeatmapLinks { place: &place, bucket: &bucket, svg: links::href("/export/heat.svg", &query) };
    heatmap::heatmap_view(a.panel(), s, leading, course, &links)
}
