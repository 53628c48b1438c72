//! The page of a place: tiles, what needs attention, the course of the leading metric, what it is made of.

use domain::{
    Result,
    ask::Ask,
    chart::sparkline,
    metric::{CATALOGUE, Change, Metric, built_in},
    query::{ChildSummary, Comparison, ComparisonQuery, MetricSummary, Summary, SummaryQuery, TrendQuery},
    scope::{Level, Scope},
    state::{DataState, Health},
    time::{DAY, Millis, Step, TimeRange},
};

use super::{
    charts,
    fmt::{Fmt, NONE, metric_of},
    links,
    tables::{self, Column, Key, Row},
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{AttentionView, Cell, ColumnView, Crumb, EmptyView, Head, Link, PlaceView, RangeBar, TableView, TileView},
};

/// Sparklines show this much, or the range when that is longer.
const COURSE: i64 = 30 * DAY;
/// At most so many lines under "needs attention".
const ATTENTION: usize = 6;

/// What the request's question comes to, read once.
pub struct Asked {
    pub ask: Ask,
    pub fmt: Fmt,
    pub now: Millis,
    pub range: TimeRange,
    pub scope: Scope,
}

impl Asked {
    /// # Errors
    /// What cannot be read.
    pub fn read(services: &Services, request: &Request, ask: Ask) -> Result<Self> {
        let now = services.clock.now();
        let zone = ask.time_zone(&request.zone)?;
        let range = ask.range(now, &zone)?;
        let scope = ask.scope()?;
        Ok(Self { fmt: Fmt { lang: request.lang, zone }, now, range, scope, ask })
    }

    /// The question with an absolute range, for links that must answer the same later.
    #[must_use]
    pub fn query(&self, metric: &str) -> Vec<(String, String)> {
        let mut ask = self.ask.clone();
        ask.metric = Some(metric.to_owned());
        links::pairs(&ask, &["sort", "page"])
    }
}

/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<PlaceView> {
    let a = Asked::read(services, request, ask)?;
    let directory = services.metrics.directory().await;
    directory.check(&a.scope)?;
    let course_range = TimeRange::new(a.range.to().plus(-a.range.length().max(COURSE)), a.range.to())?;
    let course = Some((course_range, Step::for_range(&course_range, 31)));
    let query = SummaryQuery {
        scope: a.scope.clone(),
        range: a.range,
        children: true,
        sites: a.scope.level() == Level::Fleet,
        course,
        now: a.now,
    };
    let comparison = ComparisonQuery { scope: a.scope.clone(), range: a.range };
    let (summary, comparison) =
        futures::future::join(services.metrics.summary(&query), services.metrics.comparison(&comparison)).await;
    let (summary, comparison) = (summary?, comparison?);
    let head = head(services, &a, &directory, title(&a), summary.simulated, summary.as_of, true).await;
    let t = a.fmt.texts();
    let state = a.fmt.health(&summary.health);
    if summary.metrics.iter().all(|m| m.n == 0) {
        let empty = Some(empty(&a, &directory, summary.health.newest));
        return Ok(PlaceView {
            head,
            state,
            empty,
            attention: None,
            attention_more: None,
            tiles: vec![],
            chart: None,
            children: None,
            metrics: None,
            models: None,
        });
    }
    let leading = leading(&summary.metrics);
    let chart = match leading {
        Some(m) => {
            let metric = metric_of(m);
            let trend = services
                .metrics
                .trend(&TrendQuery {
                    scope: a.scope.clone(),
                    model: None,
                    metric: m.metric.clone(),
                    range: a.range,
                    step: Step::for_range(&a.range, 120),
                })
                .await?;
            let delta = a.fmt.delta(m.delta, &metric);
            let details = links::trends(&a.scope, &m.metric, &a.ask);
            Some(charts::view(
                &a.fmt,
                &trend,
                &metric,
                &a.range,
                &title(&a),
                delta.as_ref(),
                &a.query(&m.metric),
                Some(details),
                a.now,
            )?)
        }
        None => None,
    };
    let (attention, more) = attention(&a, &summary);
    let caption = match a.scope.level() {
        Level::Fleet => t.customers_worst_first,
        Level::Customer => t.sites_worst_first,
        Level::Site | Level::Zone => t.zones_worst_first,
    };
    let children = if summary.children.is_empty() { None } else { Some(children(&a, &summary, caption)?) };
    Ok(PlaceView {
        tiles: tiles(&a, &summary),
        metrics: Some(metrics_table(&a, &summary)),
        models: models_table(&a, &comparison),
        attention: (a.scope.level() < Level::Site).then_some(attention),
        attention_more: more,
        head,
        state,
        empty: None,
        chart,
        children,
    })
}

/// The metric by which places are judged: mAP50, else the first one there is.
fn leading(metrics: &[MetricSummary]) -> Option<&MetricSummary> {
    metrics.iter().find(|m| m.metric == "mAP50").or_else(|| metrics.first())
}

fn title(a: &Asked) -> String {
    let name = [&a.scope.zone, &a.scope.site, &a.scope.customer].into_iter().flatten().next();
    name.map_or_else(|| a.fmt.texts().fleet.to_owned(), ToString::to_string)
}

/// What stands around every page that is about a scope and a range.
pub async fn head(
    services: &Services,
    a: &Asked,
    directory: &domain::query::Directory,
    title: String,
    simulated: bool,
    as_of: Millis,
    place_in_path: bool,
) -> Head {
    let t = a.fmt.texts();
    let path = if place_in_path { links::place_path(&a.scope) } else { "/trends".into() };
    let mut crumbs = Vec::new();
    let mut scope = Scope { task: a.scope.task.clone(), kind: a.scope.kind, ..Scope::default() };
    let to = |scope: &Scope| {
        if place_in_path {
            links::place(scope, &a.ask)
        } else {
            links::trends(scope, a.ask.get("metric").unwrap_or("mAP50"), &a.ask)
        }
    };
    crumbs.push(Crumb { label: t.fleet.into(), href: to(&scope), what: String::new(), siblings: vec![] });
    for (name, what) in [(&a.scope.customer, t.col_customer), (&a.scope.site, t.col_site), (&a.scope.zone, t.col_zone)]
    {
        let Some(name) = name else { break };
        let siblings = directory
            .children(&scope)
            .into_iter()
            .map(|s| Link { current: s == *name, href: to(&scope.child(s.clone())), label: s.to_string() })
            .collect();
        scope = scope.child(name.clone());
        crumbs.push(Crumb { label: name.to_string(), href: to(&scope), what: what.to_owned(), siblings });
    }
    Head {
        lang: a.fmt.lang,
        title,
        crumbs,
        range: Some(range_bar(a, &path, place_in_path)),
        as_of: fill(t.as_of, &[("time", &a.fmt.strftime(as_of, "%H:%M:%S %Z"))]),
        simulated,
        filling: (services.filling)(),
        failed_files: services.metrics.failed_files().await.len(),
    }
}

fn range_bar(a: &Asked, path: &str, place_in_path: bool) -> RangeBar {
    let t = a.fmt.texts();
    let link = |from: Option<String>, to: Option<String>| {
        links::changed(path, &a.ask, place_in_path, &[("from", from), ("to", to), ("days", None), ("page", None)])
    };
    let presets: [(&str, &str); 4] =
        [("now-24h", t.range_24h), ("now-7d", t.range_7d), ("now-30d", t.range_30d), ("now-90d", t.range_90d)];
    let open_end = a.ask.get("to").is_none_or(|to| to == "now");
    let from = match (a.ask.get("from"), a.ask.get("days")) {
        (Some(from), _) => from.to_owned(),
        (None, Some(days)) => format!("now-{days}d"),
        (None, None) if open_end => "now-7d".into(),
        _ => String::new(),
    };
    let current = presets.iter().find(|p| open_end && p.0 == from);
    let field = |m: Millis| a.fmt.strftime(m, "%Y-%m-%dT%H:%M");
    let label = current.map_or_else(
        || {
            let ends = [("from", &*a.fmt.moment(a.range.from(), a.now)), ("to", &a.fmt.moment(a.range.to(), a.now))];
            fill(t.range_custom, &ends)
        },
        |p| p.1.to_owned(),
    );
    let earlier = a.range.previous();
    let later_to = a.range.to().plus(a.range.length()).min(a.now);
    RangeBar {
        label,
        zone: fill(t.range_zone, &[("tz", &a.fmt.zone_name())]),
        presets: presets
            .iter()
            .map(|(from, label)| Link {
                label: (*label).to_owned(),
                href: link(Some((*from).to_owned()), None),
                current: current.is_some_and(|c| c.0 == *from),
            })
            .collect(),
        earlier: link(links::moment(earlier.from()), links::moment(earlier.to())),
        later: (a.range.to() < a.now)
            .then(|| link(links::moment(later_to.plus(-a.range.length())), links::moment(later_to))),
        from: field(a.range.from()),
        to: field(a.range.to()),
        action: path.to_owned(),
        hidden: {
            let mut without = vec!["from", "to", "days", "page"];
            if place_in_path {
                without.extend(["customer", "site", "zone"]);
            }
            links::pairs(&a.ask, &without)
        },
    }
}

/// Why there is nothing, and what to do.
pub fn empty(a: &Asked, directory: &domain::query::Directory, newest_here: Option<Millis>) -> EmptyView {
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
    let path = links::place_path(&a.scope);
    let newest = newest_here.or(directory.newest.filter(|_| a.scope.level() == Level::Fleet));
    let (text, action) = match newest {
        Some(newest) => {
            let around = [
                ("from", links::moment(newest.plus(-7 * DAY))),
                ("to", links::moment(newest.plus(1_000))),
                ("days", None),
            ];
            let href = links::changed(&path, &a.ask, true, &around);
            (
                fill(t.empty_range_text, &[("newest", &a.fmt.moment(newest, a.now))]),
                Link { label: t.empty_range_do.into(), href, current: false },
            )
        }
        None => {
            let wide = [("from", Some("now-90d".to_owned())), ("to", None), ("days", None)];
            let href = links::changed(&path, &a.ask, true, &wide);
            (t.empty_range_never.into(), Link { label: t.empty_widen.into(), href, current: false })
        }
    };
    EmptyView { title: t.empty_range_title.into(), text, commands: vec![], action: Some(action) }
}

fn tiles(a: &Asked, s: &Summary) -> Vec<TileView> {
    let t = a.fmt.texts();
    let has = |key: &str| s.metrics.iter().find(|m| m.metric == key && (m.n > 0 || m.previous.is_some()));
    let mut chosen: Vec<&MetricSummary> = Vec::new();
    for alternatives in
        [&["mAP50", "precision"][..], &["hota", "mAP50_95", "recall"], &["inference_time_ms"], &["fps"], &["gpu_util"]]
    {
        chosen.extend(alternatives.iter().find_map(|k| has(k)));
    }
    if chosen.is_empty() {
        chosen.extend(s.metrics.iter().take(5));
    }
    let versus = if a.range.length() % DAY == 0 {
        fill(t.vs_previous, &[("days", &a.fmt.span(a.range.length()))])
    } else {
        t.vs_period.to_owned()
    };
    let mut tiles: Vec<TileView> = chosen.into_iter().map(|m| tile(a, s, m, &versus)).collect();
    tiles.push(coverage_tile(a, s));
    tiles
}

fn tile(a: &Asked, s: &Summary, m: &MetricSummary, versus: &str) -> TileView {
    let t = a.fmt.texts();
    let metric = metric_of(m);
    // A latency is judged by its tail; its mean is in the table below.
    let tail = m.metric == "inference_time_ms";
    let (label, value) = if tail { (t.latency_p95.to_owned(), m.p95) } else { (a.fmt.label(&metric), m.value) };
    let mut foot = vec![fill(t.n, &[("n", &a.fmt.count(m.n))])];
    if a.scope.level() < Level::Site {
        foot.push(fill(t.sites_of, &[("n", &m.sites_reporting.to_string()), ("of", &m.sites_expected.to_string())]));
    }
    foot.push(a.fmt.age(m.latest.as_ref().map(|l| l.timestamp), a.now.min(s.to)));
    if m.devices.len() > 1 {
        foot.push(fill(t.mixed_devices, &[("n", &m.devices.len().to_string())]));
    }
    if m.assumed {
        foot.push(t.assumed.into());
    }
    TileView {
        label,
        help: a.fmt.definition(&metric),
        value: a.fmt.value(value, &metric),
        unit: metric.unit.to_owned(),
        delta: a.fmt.delta(m.delta, &metric),
        // The tail has no before: what is compared is the mean, and it says so.
        versus: if tail { fill(t.tile_mean, &[("value", &a.fmt.value(m.value, &metric))]) } else { versus.to_owned() },
        state: a.fmt.state(m.state),
        spark: sparkline(&m.course, 1),
        foot,
        simulated: m.simulated,
        href: links::trends(&a.scope, &m.metric, &a.ask),
    }
}

fn coverage_tile(a: &Asked, s: &Summary) -> TileView {
    let t = a.fmt.texts();
    let h = &s.health;
    let troubled = h.late + h.stale + h.failed;
    TileView {
        label: t.coverage.into(),
        help: t.coverage_help.into(),
        value: format!("{}/{}", h.sites_reporting, h.sites_expected),
        unit: t.col_sites.to_lowercase(),
        delta: None,
        versus: String::new(),
        state: a.fmt.state(h.state),
        spark: String::new(),
        foot: vec![
            if troubled == 0 { t.coverage_fine.into() } else { fill(t.coverage_late, &[("n", &troubled.to_string())]) },
            a.fmt.age(h.newest, a.now.min(s.to)),
        ],
        simulated: s.simulated,
        href: "/sources".into(),
    }
}

/// Sites that are late, silent or in error, and sites that got worse out of line with the others.
fn attention(a: &Asked, s: &Summary) -> (Vec<AttentionView>, Option<String>) {
    let t = a.fmt.texts();
    let sites: &[ChildSummary] = if a.scope.level() == Level::Fleet { &s.sites } else { &s.children };
    let name = |c: &ChildSummary| {
        [&c.scope.site, &c.scope.customer].into_iter().flatten().next().map_or_else(String::new, ToString::to_string)
    };
    let at = a.now.min(s.to);
    let mut found: Vec<(u8, f64, AttentionView)> = Vec::new();
    for c in sites {
        let place = name(c);
        let age = c.health.newest.map_or(0, |n| at.0 - n.0);
        let holes = [("place", place.as_str()), ("age", &a.fmt.span(age))];
        let (rank, text) = match c.health.state {
            DataState::SourceError => (0, fill(t.attention_failed, &holes)),
            DataState::Stale => (1, fill(t.attention_silent, &holes)),
            DataState::Late => (3, fill(t.attention_late, &holes)),
            DataState::Ok | DataState::NoDataExpected => continue,
        };
        found.push((
            rank,
            -(age as f64),
            AttentionView { text, href: links::place(&c.scope, &a.ask), state: Some(c.health.state) },
        ));
    }
    for key in ["mAP50", "inference_time_ms"] {
        let Some(i) = built_in(key) else { continue };
        for (c, delta, value, out_of_line) in outliers(sites, &CATALOGUE[i]) {
            let metric = &CATALOGUE[i];
            let shown = a.fmt.delta(Some(delta), metric).map_or_else(String::new, |d| {
                let unit = if metric.unit.is_empty() { String::new() } else { format!(" {}", metric.unit) };
                format!("{}{unit} {}", d.text, d.word)
            });
            let holes = [
                ("place", &*name(c)),
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

/// Children whose metric got worse by more than 2 % and by more than 3.5 robust deviations from how the others moved
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
        .filter(|(_, d, v)| metric.direction.read(*d) == Change::Worse && d.abs() > 0.02 * (v - d).abs())
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

fn child_name(c: &ChildSummary) -> String {
    [&c.scope.zone, &c.scope.site, &c.scope.customer]
        .into_iter()
        .flatten()
        .next()
        .map_or_else(String::new, ToString::to_string)
}

fn children(a: &Asked, s: &Summary, caption: &str) -> Result<TableView> {
    let t = a.fmt.texts();
    let leading = leading(&s.metrics).map(metric_of).unwrap_or_else(|| CATALOGUE[0].clone());
    let second =
        built_in("hota").map(|i| CATALOGUE[i].clone()).filter(|h| s.metrics.iter().any(|m| m.metric == *h.key));
    let name = match a.scope.level() {
        Level::Fleet => t.col_customer,
        Level::Customer => t.col_site,
        Level::Site | Level::Zone => t.col_zone,
    };
    let column = |key, label: &str, numeric| Column { key, label: label.to_owned(), numeric };
    let lead_label = a.fmt.label(&leading);
    let with_sites = a.scope.level() == Level::Fleet;
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
            let latency = get("inference_time_ms").and_then(|m| m.p95);
            let latency_metric = built_in("inference_time_ms").map(|i| &CATALOGUE[i]);
            let trend = |key: &str| Some(links::trends(&c.scope, key, &a.ask));
            let number = |text: String, href: Option<String>| Cell::Number { text, href };
            let h: &Health = &c.health;
            let n = c.metrics.iter().map(|m| m.n).max().unwrap_or(0);
            let mut cells = vec![
                Cell::Name {
                    text: child_name(c),
                    href: Some(links::place(&c.scope, &a.ask)),
                    state: Some(a.fmt.state(h.state)),
                },
                Cell::State(a.fmt.health(h)),
                number(a.fmt.value(lead.and_then(|m| m.value), &leading), trend(&leading.key)),
                Cell::Delta(a.fmt.delta(lead.and_then(|m| m.delta), &leading)),
            ];
            let mut keys = vec![
                Key::Text(child_name(c)),
                Key::Number(Some(f64::from(h.state as u8))),
                Key::Number(lead.and_then(|m| m.value)),
                Key::Number(lead.and_then(|m| m.delta)),
            ];
            if let Some(m) = &second {
                let value = get(&m.key).and_then(|m| m.value);
                cells.push(number(a.fmt.value(value, m), value.and_then(|_| trend(&m.key))));
                keys.push(Key::Number(value));
            }
            let shown = latency_metric.map_or_else(|| NONE.into(), |m| a.fmt.with_unit(latency, m));
            cells.push(number(shown, latency.and_then(|_| trend("inference_time_ms"))));
            keys.push(Key::Number(latency));
            cells.push(number(a.fmt.count(n), None));
            keys.push(Key::Number(Some(n as f64)));
            if with_sites {
                cells.push(number(format!("{}/{}", h.sites_reporting, h.sites_expected), None));
                keys.push(Key::Number(Some(f64::from(h.sites_reporting))));
            }
            cells.push(a.fmt.time_cell(h.newest, a.now.min(s.to)));
            keys.push(Key::Number(h.newest.map(|m| m.0 as f64)));
            cells.push(Cell::Spark(lead.map_or_else(String::new, |m| sparkline(&m.course, 1))));
            keys.push(Key::Number(None));
            Row { cells, keys }
        })
        .collect();
    let path = links::place_path(&a.scope);
    let at = tables::Place { path: &path, ask: &a.ask, in_path: true };
    let csv = links::href("/export/children.csv", &links::pairs(&a.ask, &["page", "metric", "model"]));
    tables::build(&a.fmt, caption.to_owned(), columns, rows, &at, Some(csv))
}

fn plain(label: &str, numeric: bool) -> ColumnView {
    ColumnView { label: label.to_owned(), numeric, sort: None, sorted: None }
}

/// Every metric of the scope, with all that is known of it.
fn metrics_table(a: &Asked, s: &Summary) -> TableView {
    let t = a.fmt.texts();
    let rows = s
        .metrics
        .iter()
        .map(|m| {
            let metric = metric_of(m);
            let number = |x: Option<f64>| Cell::Number { text: a.fmt.with_unit(x, &metric), href: None };
            let mut label = a.fmt.label(&metric);
            if m.devices.len() > 1 {
                label = format!("{label} · {}", fill(t.mixed_devices, &[("n", &m.devices.len().to_string())]));
            }
            if m.assumed {
                label = format!("{label} · {}", t.assumed);
            }
            vec![
                Cell::Name { text: label, href: Some(links::trends(&a.scope, &m.metric, &a.ask)), state: None },
                number(m.value),
                Cell::Delta(a.fmt.delta(m.delta, &metric)),
                number(m.p50),
                number(m.p95),
                Cell::Number { text: a.fmt.count(m.n), href: None },
                Cell::Number { text: format!("{}/{}", m.sites_reporting, m.sites_expected), href: None },
                a.fmt.time_cell(m.latest.as_ref().map(|l| l.timestamp), a.now.min(s.to)),
                Cell::State(a.fmt.state(m.state)),
            ]
        })
        .collect();
    TableView {
        caption: t.all_metrics.into(),
        columns: vec![
            plain(t.col_metric, false),
            plain(t.col_value, true),
            plain(t.col_delta, true),
            plain(t.col_p50, true),
            plain(t.col_p95, true),
            plain(t.col_n, true),
            plain(t.col_sites, true),
            plain(t.col_newest, true),
            plain(t.col_state, false),
        ],
        rows,
        csv: Some(links::href("/export/metrics.csv", &links::pairs(&a.ask, &["page", "sort", "metric", "model"]))),
        pager: None,
        foot: Some(t.compare_note.into()),
    }
}

/// Which models run here.
#[must_use]
pub fn models_table(a: &Asked, c: &Comparison) -> Option<TableView> {
    let t = a.fmt.texts();
    let named: Vec<_> = c.models.iter().filter(|m| m.architecture.is_some()).take(tables::PAGE_ROWS).collect();
    if named.is_empty() {
        return None;
    }
    let shown: Vec<Metric> = ["mAP50", "hota", "inference_time_ms"]
        .iter()
        .filter_map(|k| built_in(k))
        .map(|i| CATALOGUE[i].clone())
        .filter(|m| named.iter().any(|n| n.metrics.contains_key(&*m.key)))
        .collect();
    let mut columns = vec![plain(t.col_model, false), plain(t.col_zones, true)];
    columns.extend(shown.iter().map(|m| plain(&a.fmt.label(m), true)));
    columns.extend([plain(t.col_n, true), plain(t.col_since, true), plain(t.col_until, true)]);
    let rows = named
        .into_iter()
        .map(|m| {
            let name = format!("{} {}", m.architecture.as_deref().unwrap_or(NONE), m.version.as_deref().unwrap_or(""));
            let mut ask = a.ask.clone();
            ask.model = m.architecture.as_ref().map(|arch| match &m.version {
                Some(v) => format!("{arch}:{v}"),
                None => arch.clone(),
            });
            let mut query = links::pairs(
                &Ask { customer: None, site: None, zone: None, metric: Some("mAP50".into()), ..ask },
                &["sort", "page", "step"],
            );
            for (key, name) in [("customer", &a.scope.customer), ("site", &a.scope.site), ("zone", &a.scope.zone)] {
                query.extend(name.as_ref().map(|n| (key.to_owned(), n.to_string())));
            }
            let mut row = vec![
                Cell::Name { text: name.trim().to_owned(), href: Some(links::href("/trends", &query)), state: None },
                Cell::Number { text: a.fmt.count(u64::from(m.zones)), href: None },
            ];
            row.extend(shown.iter().map(|metric| Cell::Number {
                text: a.fmt.with_unit(m.metrics.get(&*metric.key).and_then(|x| x.value), metric),
                href: None,
            }));
            row.push(Cell::Number { text: a.fmt.count(m.n), href: None });
            row.push(Cell::Text(a.fmt.moment(m.first, a.now)));
            row.push(Cell::Text(a.fmt.moment(m.last, a.now)));
            row
        })
        .collect();
    Some(TableView {
        caption: t.models_here.into(),
        columns,
        rows,
        csv: Some(links::href("/export/models.csv", &links::pairs(&a.ask, &["page", "sort", "metric", "model"]))),
        pager: None,
        foot: None,
    })
}
