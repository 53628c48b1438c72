//! The page of a place: tiles, what needs attention, the course of the leading metric, what it is made of.

use domain::{
    Result,
    ask::Ask,
    chart::sparkline,
    metric::{Change, Metric},
    query::{
        ChildSummary, Comparison, ComparisonQuery, Course, MetricPage, MetricSummary, Metrics, Summary, SummaryQuery,
        TrendQuery,
    },
    scope::Level,
    state::{DataState, Health},
    time::{Against, DAY, Step, TimeRange},
};

use super::{
    charts::Drawing,
    heat,
    links::{self, METRICS_PAGE},
    page::{Asked, Where, empty, head},
    tables::{self, Column, Key, Row, plain},
    trends::device_filter,
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{AttentionView, Cell, PlaceView, TableView, TileView},
};

/// Sparklines show this much, or the range when that is longer.
const COURSE: i64 = 30 * DAY;
/// The metric whose tile shows its tail.
const TAIL: &str = "inference_time_ms";
/// The metrics of the tiles; of each list the first there is.
const TILES: [&[&str]; 5] =
    [&["mAP50", "precision"], &["hota", "mAP50_95", "recall"], &[TAIL], &["fps"], &["gpu_util"]];
/// At most so many lines under "needs attention".
const ATTENTION: usize = 6;

/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<PlaceView> {
    let a = Asked::read(services, request, ask).await?;
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let course = course(&a)?;
    let query = SummaryQuery {
        sites: a.q.scope.level() == Level::Fleet,
        metrics: Metrics::Page(metrics_page(&a)),
        earlier_quantiles: Metrics::only([TAIL]),
        course: Some(course.clone()),
        ..a.q.summary()
    };
    let comparison = models_query(&a);
    let (mut summary, comparison) = services.metrics.place(&query, &comparison).await?;
    let head = head(services, &a, &directory, Where::Place, a.title(), summary.simulated).await;
    let t = a.fmt.texts();
    let state = a.fmt.health(&summary.health);
    let filter = device_filter(&a, &directory, links::place_path(&a.q.scope), true);
    if summary.records == 0 {
        let empty = Some(empty(&a, &directory, summary.health.newest));
        return Ok(PlaceView {
            head,
            state,
            filter,
            empty,
            attention: None,
            attention_more: None,
            tiles: vec![],
            chart: None,
            heat: None,
            children: None,
            metrics: None,
            models: None,
        });
    }
    let leading = leading(&summary.metrics);
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
            let delta = a.fmt.delta(m.delta, m.previous, &metric);
            let title = a.scope_text();
            let drawing =
                Drawing { fmt: &a.fmt, metric: &metric, range: a.q.range, scope: &title, now: a.q.now, earlier };
            let mut links = a.chart_links(&m.metric, query.step);
            links.details = Some(links::trends(&a.q.scope, &m.metric, &a.ask));
            let earlier = a.earlier_title(&summary);
            Some(drawing.view(&trend, delta.as_ref().map(|d| (d, &*earlier)), links))
        }
        None => None,
    };
    let heat = match a.q.scope.level() {
        Level::Customer => leading.and_then(|m| heat::strip(&a, &summary, m, &course)),
        _ => None,
    };
    without_unfinished_day(&mut summary, &course, &a);
    let (attention, more) = attention(&a, &summary);
    let caption = match a.q.scope.level() {
        Level::Fleet => t.customers_worst_first,
        Level::Customer => t.sites_worst_first,
        Level::Site | Level::Zone => t.zones_worst_first,
    };
    let children = if summary.children.is_empty() { None } else { Some(children(&a, &summary, caption)?) };
    Ok(PlaceView {
        tiles: tiles(&a, &summary),
        metrics: Some(metrics_table(&a, &summary)?),
        models: models_table(&a, &comparison),
        attention: (a.q.scope.level() < Level::Site).then_some(attention),
        attention_more: more,
        head,
        state,
        filter,
        empty: None,
        chart,
        heat,
        children,
    })
}

/// Over which time sparklines and the heat strip go. The days of a customer's sites are those of the calendar, so that a
/// cell is a day that one can name; elsewhere steps end with the range.
fn course(a: &Asked) -> Result<Course> {
    let ends_at = a.q.range.to();
    let length = a.q.range.length().max(COURSE);
    if a.q.scope.level() == Level::Customer {
        return heat::days(a, length.min(heat::LONGEST));
    }
    let range = TimeRange::new(ends_at.plus(-length), ends_at)?;
    Ok(Course::of_steps(range, Step::for_range(&range, 31)))
}

/// A day that is not half over would bend the end of every sparkline. The heat strip shows it all the same.
fn without_unfinished_day(s: &mut Summary, course: &Course, a: &Asked) {
    let Some((from, to)) = course.stretches().last().copied() else { return };
    if a.q.range.to().0 - from.0 >= (to.0 - from.0) / 2 {
        return;
    }
    let all = s.metrics.iter_mut().chain(s.children.iter_mut().flat_map(|c| &mut c.metrics));
    for m in all.filter(|m| m.course.len() > 1) {
        m.course.pop();
    }
}

/// The metric by which places are judged: mAP50, else the first one there is.
fn leading(metrics: &[MetricSummary]) -> Option<&MetricSummary> {
    metrics.iter().find(|m| m.metric == "mAP50").or_else(|| metrics.first())
}

fn tiles(a: &Asked, s: &Summary) -> Vec<TileView> {
    let t = a.fmt.texts();
    let has = |key: &str| s.metrics.iter().find(|m| m.metric == key && (m.n > 0 || m.previous.is_some()));
    let mut chosen: Vec<&MetricSummary> = Vec::new();
    for alternatives in TILES {
        chosen.extend(alternatives.iter().find_map(|k| has(k)));
    }
    if chosen.is_empty() {
        chosen.extend(s.metrics.iter().take(TILES.len()));
    }
    let versus = match a.q.against {
        Some(Against::Week) => t.vs_week.to_owned(),
        Some(Against::Year) => t.vs_year.to_owned(),
        _ if a.q.range.length() % DAY == 0 => fill(t.vs_previous, &[("days", &a.fmt.span(a.q.range.length()))]),
        _ => t.vs_period.to_owned(),
    };
    let versus = versus + &a.earlier_note(s);
    let mut tiles: Vec<TileView> = chosen.into_iter().map(|m| tile(a, s, m, &versus)).collect();
    tiles.push(coverage_tile(a, s));
    tiles
}

fn tile(a: &Asked, s: &Summary, m: &MetricSummary, versus: &str) -> TileView {
    let t = a.fmt.texts();
    let metric = a.metric(&m.metric);
    // A latency is judged by its tail; its mean is in the table below.
    let (label, value, delta, before) = if m.metric == TAIL {
        let earlier = m.earlier_quantiles;
        (t.latency_p95.to_owned(), m.p95, earlier.and_then(|q| q.delta_p95), earlier.map(|q| q.previous_p95))
    } else {
        (a.fmt.label(&metric), m.value, m.delta, m.previous)
    };
    let mut foot = vec![fill(t.n, &[("n", &a.fmt.count(m.n))])];
    if a.q.scope.level() < Level::Site {
        foot.push(fill(t.sites_of, &[("n", &m.sites_reporting.to_string()), ("of", &m.sites_expected.to_string())]));
    }
    foot.push(a.fmt.age(m.latest.as_ref().map(|l| l.timestamp), a.q.now.min(s.to)));
    if m.devices.len() > 1 {
        foot.push(put_together(a, m.devices.len()));
    }
    if m.assumed {
        foot.push(t.assumed.into());
    }
    TileView {
        label,
        help: a.fmt.definition(&metric),
        value: a.fmt.value(value, &metric),
        unit: metric.unit.to_string(),
        delta: a.fmt.delta(delta, before, &metric),
        versus: versus.to_owned(),
        state: a.fmt.metric_state(m, &s.health),
        // The course is that of the mean: beside a tail it would say something else than the number.
        spark: if m.metric == TAIL { String::new() } else { sparkline(&m.course, 1) },
        foot,
        simulated: m.simulated,
        href: links::trends(&a.q.scope, &m.metric, &a.ask),
    }
}

/// So many devices are behind a number.
pub fn put_together(a: &Asked, devices: usize) -> String {
    fill(a.fmt.texts().mixed_devices, &[("n", &a.fmt.count(devices as u64))])
}

/// A number that depends on the device, with how many were put together.
fn of_devices(a: &Asked, text: String, href: Option<String>, devices: usize) -> Cell {
    match devices {
        0 | 1 => Cell::Number { text, href },
        n => Cell::Figure { text, href, delta: None, small: vec![put_together(a, n)] },
    }
}

fn coverage_tile(a: &Asked, s: &Summary) -> TileView {
    let t = a.fmt.texts();
    let h = &s.health;
    let troubled = h.troubled();
    TileView {
        label: t.coverage.into(),
        help: t.coverage_help.into(),
        value: format!("{}/{}", h.sites_reporting, h.sites_expected),
        unit: t.col_sites.to_lowercase(),
        delta: None,
        versus: String::new(),
        state: a.fmt.health(h),
        spark: String::new(),
        foot: vec![
            if troubled == 0 { t.coverage_fine.into() } else { fill(t.coverage_late, &[("n", &troubled.to_string())]) },
            a.fmt.age(h.newest, a.q.now.min(s.to)),
        ],
        simulated: s.simulated,
        href: "/sources".into(),
    }
}

/// Sites that are late, silent or in error, and sites that got worse out of line with the others.
fn attention(a: &Asked, s: &Summary) -> (Vec<AttentionView>, Option<String>) {
    let t = a.fmt.texts();
    let sites: &[ChildSummary] = if a.q.scope.level() == Level::Fleet { &s.sites } else { &s.children };
    let at = a.q.now.min(s.to);
    let mut found: Vec<(u8, f64, AttentionView)> = Vec::new();
    for c in sites {
        let place = a.name_of(&c.scope);
        let h = &c.health;
        // One that is expected and never came has been silent longest.
        let age = h.newest.map_or(i64::MAX, |n| at.0 - n.0);
        let holes = [("place", &*place), ("age", &a.fmt.span(age)), ("state", &a.fmt.health(h).label)];
        let (rank, text) = match h.state {
            DataState::SourceError => (0, t.attention_failed),
            DataState::Stale if h.newest.is_none() => (1, t.attention_never),
            DataState::Stale => (1, t.attention_silent),
            DataState::Late => (3, t.attention_late),
            DataState::Ok | DataState::NoDataExpected => continue,
        };
        // The newest record of a site is of a zone that is well, where one is.
        let text = fill(if h.gravest() < h.places { t.attention_some } else { text }, &holes);
        // What is to be done about a source is said where the sources are.
        let href = if h.state == DataState::SourceError { "/sources".into() } else { links::place(&c.scope, &a.ask) };
        found.push((rank, -(age as f64), AttentionView { text, href, state: Some(h.state) }));
    }
    for key in ["mAP50", "inference_time_ms"] {
        let metric = &a.metric(key);
        for (c, delta, value, out_of_line) in outliers(sites, metric) {
            let shown = a.fmt.delta(Some(delta), Some(value - delta), metric).map_or_else(String::new, |d| {
                let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
                format!("{}{unit} {}", d.text(), d.word)
            });
            let holes = [
                ("place", &*a.name_of(&c.scope)),
                ("metric", &a.fmt.label(metric)),
                ("value", &a.fmt.with_unit(Some(value), metric)),
                ("delta", &shown),
            ];
            let view = AttentionView {
                text: fill(t.attention_fell, &holes),
                href: links::place(&c.scope, &a.ask),
                state: None,
            };
            found.push((2, -out_of_line, view));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let more = found.len().saturating_sub(ATTENTION);
    let views = found.into_iter().take(ATTENTION).map(|f| f.2).collect();
    (views, (more > 0).then(|| fill(t.attention_more, &[("n", &more.to_string())])))
}

/// Children whose metric got worse by what matters and by more than 3.5 robust deviations from how the others moved
/// (median and median absolute deviation; Iglewicz and Hoaglin 1993).
fn outliers<'s>(sites: &'s [ChildSummary], metric: &Metric) -> Vec<(&'s ChildSummary, f64, f64, f64)> {
    let moved: Vec<(&ChildSummary, f64, f64)> = sites
        .iter()
        .filter_map(|c| {
            let m = c.metrics.iter().find(|m| m.metric == *metric.key)?;
            Some((c, m.delta?, m.value?))
        })
        .collect();
    let median = |mut v: Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v.get(v.len() / 2).copied()
    };
    let Some(middle) = median(moved.iter().map(|m| m.1).collect()) else { return vec![] };
    let Some(spread) = median(moved.iter().map(|m| (m.1 - middle).abs()).collect()) else { return vec![] };
    if moved.len() < 3 {
        return vec![];
    }
    moved
        .into_iter()
        .filter(|(_, d, v)| metric.direction.read(*d) == Change::Worse && metric.matters(*d, Some(v - d)))
        .map(|(c, d, v)| (c, d, v, (d - middle).abs() / (1.4826 * spread).max(1e-9)))
        .filter(|o| o.3 > 3.5)
        .collect()
}

/// Worst first: by state, then by the largest worsening of mAP50 (else of the first metric present).
#[must_use]
pub fn worst_first(children: &[ChildSummary]) -> Vec<&ChildSummary> {
    let worsening = |c: &ChildSummary| {
        leading(&c.metrics)
            .and_then(|m| {
                let d = m.delta?;
                Some(if m.direction.read(1.0) == Change::Worse { d } else { -d })
            })
            .unwrap_or(f64::NEG_INFINITY)
    };
    let mut sorted: Vec<&ChildSummary> = children.iter().collect();
    sorted.sort_by(|a, b| b.health.state.cmp(&a.health.state).then_with(|| worsening(b).total_cmp(&worsening(a))));
    sorted
}

fn children(a: &Asked, s: &Summary, caption: &str) -> Result<TableView> {
    let t = a.fmt.texts();
    let leading = a.metric(leading(&s.metrics).map_or("mAP50", |m| &m.metric));
    let second = Some(a.metric("hota")).filter(|h| s.metrics.iter().any(|m| m.metric == *h.key));
    let latency_metric = a.metric("inference_time_ms");
    let name = match a.q.scope.level() {
        Level::Fleet => t.col_customer,
        Level::Customer => t.col_site,
        Level::Site | Level::Zone => t.col_zone,
    };
    let column = |key, label: &str, numeric| Column { key, label: label.to_owned(), numeric };
    let lead_label = a.fmt.label(&leading);
    let with_sites = a.q.scope.level() == Level::Fleet;
    let mut columns = vec![
        column("name", name, false),
        column("state", t.col_state, false),
        column("value", &lead_label, true),
        column("delta", t.col_delta, true),
    ];
    if let Some(m) = &second {
        columns.push(column("second", &a.fmt.label(m), true));
    }
    columns.push(column("latency", t.col_latency, true));
    columns.push(column("n", t.col_n, true));
    if with_sites {
        columns.push(column("sites", t.col_sites, true));
    }
    columns.push(column("newest", t.col_newest, true));
    columns.push(column("", &fill(t.col_30d, &[("metric", &lead_label)]), false));
    let rows = worst_first(&s.children)
        .into_iter()
        .map(|c| {
            let get = |key: &str| c.metrics.iter().find(|m| m.metric == key);
            let lead = get(&leading.key);
            let latency = get(TAIL).and_then(|m| m.p95);
            let devices = get(TAIL).map_or(0, |m| m.devices.len());
            let trend = |key: &str| Some(links::trends(&c.scope, key, &a.ask));
            let number = |text: String, href: Option<String>| Cell::Number { text, href };
            let h: &Health = &c.health;
            let n = c.records;
            let mut cells = vec![
                Cell::Name {
                    text: a.name_of(&c.scope),
                    href: Some(links::place(&c.scope, &a.ask)),
                    state: Some(a.fmt.state(h.state)),
                },
                Cell::State(a.fmt.health(h)),
                number(a.fmt.value(lead.and_then(|m| m.value), &leading), trend(&leading.key)),
                Cell::Delta(a.fmt.delta(lead.and_then(|m| m.delta), lead.and_then(|m| m.previous), &leading)),
            ];
            let mut keys = vec![
                Key::Text(a.name_of(&c.scope)),
                Key::Number(Some(f64::from(h.state as u8))),
                Key::Number(lead.and_then(|m| m.value)),
                Key::Number(lead.and_then(|m| m.delta)),
            ];
            if let Some(m) = &second {
                let value = get(&m.key).and_then(|m| m.value);
                cells.push(number(a.fmt.value(value, m), value.and_then(|_| trend(&m.key))));
                keys.push(Key::Number(value));
            }
            let shown = a.fmt.with_unit(latency, &latency_metric);
            cells.push(of_devices(a, shown, latency.and_then(|_| trend(TAIL)), devices));
            keys.push(Key::Number(latency));
            cells.push(number(a.fmt.count(n), None));
            keys.push(Key::Number(Some(n as f64)));
            if with_sites {
                cells.push(number(format!("{}/{}", h.sites_reporting, h.sites_expected), None));
                keys.push(Key::Number(Some(f64::from(h.sites_reporting))));
            }
            cells.push(a.fmt.time_cell(h.newest, a.q.now.min(s.to)));
            keys.push(Key::Number(h.newest.map(|m| m.0 as f64)));
            cells.push(Cell::Spark(lead.map_or_else(String::new, |m| sparkline(&m.course, 1))));
            keys.push(Key::Number(None));
            Row { cells, keys }
        })
        .collect();
    let path = links::place_path(&a.q.scope);
    let at = tables::Place { path: &path, q: &a.q, ask: &a.ask, in_path: true };
    let csv = links::href("/export/children.csv", &links::pairs(&a.ask, &["page", METRICS_PAGE, "metric", "model"]));
    tables::build(&a.fmt, caption.to_owned(), columns, rows, &at, Some(csv))
}

/// What a page with a table of all metrics asks for: that table's page, and the metrics that stand elsewhere on the page.
fn metrics_page(a: &Asked) -> MetricPage {
    let always = TILES.iter().copied().flatten().map(|key| (*key).to_owned()).collect();
    MetricPage { always, ..tables::page_of_metrics(&a.q) }
}

/// Every metric of the scope, with all that is known of it, a page at a time.
fn metrics_table(a: &Asked, s: &Summary) -> Result<TableView> {
    let t = a.fmt.texts();
    let path = links::place_path(&a.q.scope);
    let at = tables::Place { path: &path, q: &a.q, ask: &a.ask, in_path: true };
    let (skip, pager) = tables::turned(&a.fmt, &at, (METRICS_PAGE, a.q.metrics_page), s.present.len())?;
    let shown = &s.present[skip..s.present.len().min(skip + tables::PAGE_ROWS)];
    let rows = s
        .metrics
        .iter()
        .filter(|m| shown.contains(&m.metric))
        .map(|m| {
            let metric = a.metric(&m.metric);
            let number = |x: Option<f64>| Cell::Number { text: a.fmt.with_unit(x, &metric), href: None };
            let mut label = a.fmt.label(&metric);
            if m.devices.len() > 1 {
                label = format!("{label} · {}", put_together(a, m.devices.len()));
            }
            if m.assumed {
                label = format!("{label} · {}", t.assumed);
            }
            vec![
                Cell::Name { text: label, href: Some(links::trends(&a.q.scope, &m.metric, &a.ask)), state: None },
                number(m.value),
                number(m.previous),
                Cell::Delta(a.fmt.delta(m.delta, m.previous, &metric)),
                number(m.p50),
                number(m.p95),
                Cell::Number { text: a.fmt.count(m.n), href: None },
                Cell::Number { text: format!("{}/{}", m.sites_reporting, m.sites_expected), href: None },
                a.fmt.time_cell(m.latest.as_ref().map(|l| l.timestamp), a.q.now.min(s.to)),
                Cell::State(a.fmt.metric_state(m, &s.health)),
            ]
        })
        .collect();
    Ok(TableView {
        caption: t.all_metrics.into(),
        columns: vec![
            plain(t.col_metric, false),
            plain(t.col_value, true),
            plain(a.earlier_head(), true),
            plain(t.col_delta, true),
            plain(t.col_p50, true),
            plain(t.col_p95, true),
            plain(t.col_n, true),
            plain(t.col_sites, true),
            plain(t.col_newest, true),
            plain(t.col_state, false),
        ],
        rows,
        csv: Some(csv_of("/export/metrics.csv", a)),
        pager,
        foot: Some(t.compare_note.into()),
    })
}

/// The file of a table that is all of it, however it is turned.
fn csv_of(path: &str, a: &Asked) -> String {
    links::href(path, &links::pairs(&a.ask, &["page", METRICS_PAGE, "sort", "metric", "model"]))
}

/// The metrics that [`models_table`] shows.
const OF_MODELS: [&str; 3] = ["mAP50", "hota", "inference_time_ms"];

/// What [`models_table`] needs to be known.
#[must_use]
pub fn models_query(a: &Asked) -> ComparisonQuery {
    ComparisonQuery { scope: a.q.scope.clone(), range: a.q.range, metrics: Metrics::only(OF_MODELS) }
}

/// Which models run here.
#[must_use]
pub fn models_table(a: &Asked, c: &Comparison) -> Option<TableView> {
    let t = a.fmt.texts();
    let named: Vec<_> = c.models.iter().filter_map(|m| Some((m.key()?, m))).take(tables::PAGE_ROWS).collect();
    if named.is_empty() {
        return None;
    }
    let shown: Vec<Metric> = OF_MODELS
        .iter()
        .map(|k| a.metric(k))
        .filter(|m| named.iter().any(|(_, n)| n.metrics.contains_key(&*m.key)))
        .collect();
    let mut columns = vec![plain(t.col_model, false), plain(t.col_zones, true)];
    columns.extend(shown.iter().map(|m| plain(&a.fmt.label(m), true)));
    columns.extend([plain(t.col_n, true), plain(t.col_since, true), plain(t.col_until, true)]);
    let rows = named
        .into_iter()
        .map(|(key, m)| {
            let mut ask = a.ask.clone();
            ask.model = Some(key.key());
            let href = links::with_model(&a.q.scope, "mAP50", &ask);
            let mut row = vec![
                Cell::Name { text: key.to_string(), href: Some(href), state: None },
                Cell::Number { text: a.fmt.count(u64::from(m.zones)), href: None },
            ];
            row.extend(shown.iter().map(|metric| {
                let known = m.metrics.get(&*metric.key);
                let text = a.fmt.with_unit(known.and_then(|x| x.value), metric);
                of_devices(a, text, None, known.map_or(0, |x| x.devices.len()))
            }));
            row.push(Cell::Number { text: a.fmt.count(m.n), href: None });
            row.push(Cell::Text(a.fmt.moment(m.first, a.q.now)));
            row.push(Cell::Text(a.fmt.moment(m.last, a.q.now)));
            row
        })
        .collect();
    Some(TableView {
        caption: t.models_here.into(),
        columns,
        rows,
        csv: Some(csv_of("/export/models.csv", a)),
        pager: None,
        foot: None,
    })
}
