//! Makes the page of what changed.

use domain::{
    Result,
    evidence::{Changes, Part, PartKind},
    metric::{CATALOGUE, Metric},
    model::ModelKey,
    params::QueryParams,
    query::{ChangesQuery, Directory, MetricSelection, MetricSummary, Summary, SummaryQuery},
    scope::Scope,
    time::{DAY, EarlierPeriod},
};
use leptos::prelude::*;

use super::{
    bars::Axis,
    split::{Said, Split, colour_limit, digits_of_parts, fold},
    words,
};
use crate::{
    i18n::Lang,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        filters::{device_select, kind_select, metric_select, select},
        head::{PageAddress, head},
        no_data::empty_view,
        page_query::PageQuery,
        plain_query::PlainQuery,
        top::{Crumb, PageHead},
        words as shell_words,
    },
    ui::{
        delta::Movement,
        empty::Empty,
        fmt::{Fmt, NO_VALUE},
        form::{SelectView, hidden_fields},
        links,
        menu::{Choices, Link},
        words as ui_words,
    },
};

/// The keys of the page.
const KEYS: [&str; 11] =
    ["customer", "site", "zone", "task", "type", "device", "metric", "days", "from", "to", "compare"];
/// What is looked at when nobody says, if it is measured.
const USUAL: &str = "mAP50";
/// Rows of the table behind the picture.
const LISTED: usize = 500;

/// The page at an address.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let mut params = QueryParams::default();
    for key in KEYS.into_iter().chain(["tz", "refresh", "kiosk"]) {
        params.set(key, a.get(key).map(str::to_owned));
    }
    let directory = services.metrics.directory();
    let usual = usual_metric(&directory);
    let a = PageQuery::read(services, request, params).await?.with_default_metric(&usual);
    directory.check(&a.q.scope)?;
    services.metrics.check_visible(&a.q.scope)?;
    let (html, simulated) = if directory.records == 0 {
        (view! { <Empty empty=empty_view(&a, &directory, None)/> }.to_html(), false)
    } else {
        content(services, &a, &directory).await?
    };
    let title = words::title(a.fmt.lang).to_owned();
    let about = words::about(a.fmt.lang, a.title());
    let mut head =
        head(services, &a, &directory, PageAddress::Fixed(addresses::CHANGES), title.clone(), simulated).await;
    // Upwards it is the same page, of more; the place itself has its own.
    if let Some(place) = head.crumbs.last_mut() {
        place.href = addresses::place(&a.q.scope, &a.params);
    }
    let href = links::with_changes(addresses::CHANGES, &a.params, false, &[]);
    head.crumbs.push(Crumb { label: title, href, ..Crumb::default() });
    Ok(DrawnView::new(PageHead { against: Some(against(&a)), ..head }, &about, &html))
}

/// mAP50 where it is measured, else the first metric that is.
fn usual_metric(directory: &Directory) -> String {
    let keys: Vec<&str> = directory.built_in.iter().map(|i| &*CATALOGUE[*i].key).collect();
    let first = keys.iter().find(|key| **key == USUAL).or(keys.first()).map(|key| (*key).to_owned());
    let custom = || (!directory.custom.is_empty()).then(|| directory.custom_metric(0).0.key.to_string());
    first.or_else(custom).unwrap_or_else(|| USUAL.to_owned())
}

/// The earlier periods that the range can be held against. There always is one.
fn against(a: &PageQuery) -> Choices {
    let lang = a.fmt.lang;
    let chosen = a.q.against.unwrap_or_default();
    let choices = [
        (EarlierPeriod::Previous, None, shell_words::against_previous(lang)),
        (EarlierPeriod::Week, Some("week"), shell_words::against_week(lang)),
        (EarlierPeriod::Year, Some("year"), shell_words::against_year(lang)),
    ];
    let link = |(period, key, label): (EarlierPeriod, Option<&str>, &str)| Link {
        label: label.to_owned(),
        href: links::with_changes(addresses::CHANGES, &a.params, false, &[("compare", key.map(str::to_owned))]),
        current: period == chosen,
    };
    Choices { label: a.earlier_head().to_owned(), links: choices.map(link).into() }
}

/// What is shown of a metric that changed.
struct Shown<'a> {
    a: &'a PageQuery,
    metric: &'a Metric,
    /// The same with digits enough for parts, which are smaller than what they are parts of.
    fine: &'a Metric,
    /// The mean before.
    before: Option<f64>,
    /// Of [`split::colour_limit`].
    limit: f64,
}

async fn content(services: &Services, a: &PageQuery, directory: &Directory) -> Result<(String, bool)> {
    let lang = a.fmt.lang;
    let (metric, _) = directory.metric(a.q.metric.as_deref().unwrap_or_default())?;
    let query = a.q.changes()?;
    let summary = SummaryQuery {
        children: false,
        metrics: MetricSelection::only([&*metric.key]),
        earlier_quantiles: MetricSelection::none(),
        changes: false,
        ..a.q.summary()
    };
    let (changes, summary) =
        futures::future::join(services.metrics.changes(&query), Box::pin(services.metrics.summary(&summary))).await;
    let (changes, summary) = (changes?, summary?);
    let known = summary.metrics.iter().find(|m| m.metric == *metric.key);
    let (now, before) = (known.and_then(|m| m.value), known.and_then(|m| m.previous));
    let form = form(a, directory, &metric.key);
    if now.is_none() && before.is_none() {
        let mut empty = empty_view(a, directory, summary.health.newest);
        // The way on stays on this page.
        if let Some(action) = &mut empty.action {
            let wide = [("from", Some("now-90d".to_owned())), ("to", None), ("days", None)];
            action.href = links::with_changes(addresses::CHANGES, &a.params, false, &wide);
            action.label = shell_words::empty_widen(lang).into();
        }
        return Ok((view! { {form}<Empty empty/> }.to_html(), summary.simulated));
    }
    let digits = digits_of_parts(&changes.parts, metric.precision);
    let fine = Metric { precision: digits, ..metric.clone() };
    let shown = Shown { a, metric: &metric, fine: &fine, before, limit: colour_limit(&changes.parts) };
    let parts = changes.change.map(|_| parts(&shown, &changes));
    let method = parts.is_some().then(|| {
        let more = view! { <a href=section_of_statistics(a)>{words::method_more(lang)}</a> };
        view! { <p class="quiet">{words::method(lang)}" "{more}</p> }
    });
    let (values, headline) = (values(&shown, known, &summary, &query), headline(&shown, &changes, now));
    let html = view! {
        {form}
        <section class="card changed" aria-labelledby="finding">
            <h2 id="finding"><bdi>{headline}</bdi></h2>
            <p class="quiet">{values}</p>
            {parts}
            <p class="quiet">{ways_on(a, &a.q.scope, &metric, None)}</p>
        </section>
        {method}
    };
    Ok((html.to_html(), summary.simulated))
}

/// How a change is taken apart.
fn section_of_statistics(a: &PageQuery) -> String {
    let kept = links::pairs(&QueryParams { tz: a.params.tz.clone(), ..QueryParams::default() }, &[]);
    format!("{}#what-changed", links::href(addresses::STATISTICS, &kept))
}

fn form(a: &PageQuery, d: &Directory, metric: &str) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let built_in = d.built_in.iter().map(|i| (CATALOGUE[*i].key.to_string(), a.fmt.label(d.declared.built_in(*i))));
    let custom = (0..d.custom.len()).map(|i| d.custom_metric(i).0);
    let metrics = built_in.chain(custom.map(|m| (m.key.to_string(), a.fmt.label(&m))));
    let any = std::iter::once((String::new(), shell_words::filter_any(lang).to_owned()));
    let tasks = any.chain(d.tasks.iter().map(|x| (x.to_string(), x.to_string()))).collect();
    let task = a.q.scope.task.as_ref().map_or_else(String::new, ToString::to_string);
    let mut selects = vec![
        metric_select(a, words::metric(lang), metrics, metric.to_owned()),
        select("task", shell_words::filter_task(lang), tasks, task),
        kind_select(a),
    ];
    selects.extend(device_select(a, d));
    // What is typed goes by the button alone.
    let typed = selects.iter().any(|s| s.typed);
    let button = view! { <button class="button" type="submit">{words::apply(lang)}</button> };
    let button = if typed { button.into_any() } else { view! { <noscript>{button}</noscript> }.into_any() };
    let hidden = links::pairs(&a.params, &["metric", "task", "type", "device"]);
    view! {
        <form class="filters" method="get" action=addresses::CHANGES aria-label=words::question(lang)>
            {hidden_fields(hidden)}
            {selects.into_iter().map(field).collect_view()}
            {button}
        </form>
    }
}

fn field(s: SelectView) -> impl IntoView {
    let options = s.options.iter().map(|(value, label)| {
        view! { <option value=value.clone() selected=*value == s.chosen && !s.typed>{label.clone()}</option> }
    });
    let options = options.collect_view();
    let field = if s.typed {
        let list = format!("known-{}", s.name);
        view! {
            <input name=s.name list=list.clone() value=s.chosen autocomplete="off" spellcheck="false"/>
            <datalist id=list>{options}</datalist>
        }
        .into_any()
    } else {
        view! { <select name=s.name data-go="">{options}</select> }.into_any()
    };
    view! { <label><span>{s.label}</span>{field}</label> }
}

/// A size with its sign and unit.
fn signed(fmt: &Fmt, x: f64, metric: &Metric) -> String {
    let text = fmt.signed(x, metric);
    match &*metric.unit {
        "" => text,
        "%" | "×" => format!("{text}{}", metric.unit),
        unit => format!("{text} {unit}"),
    }
}

/// Which way a size goes, as it is shown.
fn movement(fmt: &Fmt, x: f64, metric: &Metric) -> Movement {
    fmt.difference(Some(x), metric).map_or(Movement::Unknown, |d| d.way)
}

/// The earlier period, in a sentence.
fn period(a: &PageQuery) -> String {
    let lang = a.fmt.lang;
    match a.q.against.unwrap_or_default() {
        EarlierPeriod::Previous if a.q.range.length() == DAY => words::day_before(lang).to_owned(),
        EarlierPeriod::Previous => words::length_before(lang, a.fmt.duration(a.q.range.length())),
        EarlierPeriod::Week => words::week_before(lang).to_owned(),
        EarlierPeriod::Year => words::year_before(lang).to_owned(),
    }
}

/// The whole change and how it splits, or why there is none.
fn headline(shown: &Shown<'_>, changes: &Changes, now: Option<f64>) -> String {
    let Shown { a, metric, fine, before, .. } = *shown;
    let (lang, fmt) = (a.fmt.lang, &a.fmt);
    let (label, place, period) = (fmt.label(metric), a.scope_text(), period(a));
    let Some(change) = changes.change else {
        return if now.is_some() {
            words::none_before(lang, label, place, fmt.with_unit(now, metric), period)
        } else {
            words::none_now(lang, label, place, period, fmt.with_unit(before, metric))
        };
    };
    let split = Split::of(&changes.parts);
    let (same, mix) = (signed(fmt, split.same, fine), signed(fmt, split.mix, fine));
    let size = fmt.with_unit(Some(change.abs()), fine);
    match movement(fmt, change, fine) {
        Movement::Down => words::fell(lang, label, place, size, period, same, mix),
        Movement::Up => words::rose(lang, label, place, size, period, same, mix),
        Movement::Stayed | Movement::Unknown => words::stayed(lang, label, place, period, same, mix),
    }
}

/// Both means, of how many records and when.
fn values(shown: &Shown<'_>, known: Option<&MetricSummary>, summary: &Summary, q: &ChangesQuery) -> String {
    let Shown { a, metric, before, .. } = *shown;
    let (lang, fmt) = (a.fmt.lang, &a.fmt);
    let moment = |at| fmt.moment(at, a.q.now);
    let [from, to] = [q.range.from(), q.range.to()].map(moment);
    let periods = words::periods(lang, from, to, moment(q.earlier.from()), moment(q.earlier.to()));
    let values = before.zip(known.and_then(|m| m.value)).map(|(before, now)| {
        let [before, now] = [before, now].map(|x| fmt.with_unit(Some(x), metric));
        format!("{} ", words::values(lang, before, now, fmt.count(known.map_or(0, |m| m.n))))
    });
    let newest = words::newest(lang, moment(summary.as_of));
    format!("{}{periods} {newest}{}", values.unwrap_or_default(), a.earlier_note(summary))
}

/// The picture, and the table of all parts behind it.
fn parts(shown: &Shown<'_>, changes: &Changes) -> impl IntoView + use<> {
    let Shown { a, metric, fine, .. } = *shown;
    let (lang, fmt) = (a.fmt.lang, &a.fmt);
    let (drawn, rest) = fold(&changes.parts, |size| movement(fmt, size, fine) != Movement::Stayed);
    let picture = Axis::of(drawn).map(|axis| {
        let lines: Vec<_> = drawn.iter().map(|p| line(shown, &axis, p)).collect();
        view! {
            {legend(shown, drawn)}
            <div class="parts-head" aria-hidden="true">{axis.labels(fmt)}<span>{words::interval(lang)}</span></div>
            <ol class="parts" aria-label=words::parts(lang)>{lines}</ol>
        }
    });
    let nothing =
        picture.is_none().then(|| view! { <p class="quiet">{words::nothing_large(lang, fmt.label(metric))}</p> });
    let summary = if rest.is_empty() {
        words::as_table(lang).to_owned()
    } else {
        let sum = signed(fmt, rest.iter().map(|p| p.size).sum(), fine);
        words::smaller(lang, fmt.count(rest.len() as u64), sum)
    };
    let behind = (!changes.parts.is_empty()).then(|| {
        view! { <details class="more"><summary>{summary}</summary>{table(shown, changes)}</details> }
    });
    view! { {picture}{nothing}{behind} }
}

/// What the colours of the drawn parts mean.
fn legend(shown: &Shown<'_>, drawn: &[Part]) -> impl IntoView + use<> {
    let lang = shown.a.fmt.lang;
    let classes: Vec<&str> = drawn.iter().map(|p| said(shown, p).class()).collect();
    let entries = [
        ("better", words::legend_better(lang)),
        ("worse", words::legend_worse(lang)),
        ("plain", words::legend_plain(lang)),
        ("mix", words::legend_mix(lang)),
    ];
    let entry = |(class, text): (&'static str, &'static str)| {
        view! { <li><svg class="swatch" aria-hidden="true" width="14" height="10"><rect class=format!("part {class}") x="1" y="1" width="12" height="8"></rect></svg>{text}</li> }
    };
    let entries: Vec<_> = entries.into_iter().filter(|e| classes.contains(&e.0)).map(entry).collect();
    view! { <ul class="legend">{entries}</ul> }
}

fn said(shown: &Shown<'_>, part: &Part) -> Said {
    Said::of(part, shown.metric, shown.before, shown.limit)
}

fn said_word(lang: Lang, said: Said) -> &'static str {
    match said {
        Said::Better => ui_words::better(lang),
        Said::Worse => ui_words::worse(lang),
        Said::Changed => ui_words::changed(lang),
        Said::Noise => ui_words::within_noise(lang),
        Said::Small => ui_words::too_small(lang),
        Said::TooFew => ui_words::too_few(lang),
        Said::Mix => words::kind_mix(lang),
    }
}

fn kind_word(lang: Lang, kind: PartKind) -> &'static str {
    match kind {
        PartKind::Own => words::kind_own(lang),
        PartKind::Model => words::kind_model(lang),
        PartKind::Device => words::kind_device(lang),
        PartKind::Mix => words::kind_mix(lang),
    }
}

/// Where a part is, with what else the page is about.
fn scope_of(a: &PageQuery, part: &Part) -> Scope {
    let place = part.place.clone();
    Scope { customer: Some(place.customer), site: place.site, zone: place.zone, ..a.q.scope.clone() }
}

/// A part: its sentence, its bar, its interval, and where to look on.
fn line(shown: &Shown<'_>, axis: &Axis, part: &Part) -> impl IntoView + use<> {
    let Shown { a, metric, fine, .. } = *shown;
    let lang = a.fmt.lang;
    let said = said(shown, part);
    let interval = match part.low.zip(part.high) {
        Some((low, high)) => a.fmt.interval(low, high, fine),
        None => words::no_interval(lang).to_owned(),
    };
    let kind = kind_word(lang, part.kind);
    let word = (part.kind != PartKind::Mix).then(|| {
        view! { " · "<span class=format!("judged {}", said.class())>{said_word(lang, said)}</span> }
    });
    let sentence = lang.reason(&part.sentence).to_owned();
    view! {
        <li>
            <p class="said-of"><bdi>{sentence}</bdi></p>
            <div class="bar-of">{axis.bar(part, said)}</div>
            <p class="interval-of">{interval}</p>
            <p class="ways quiet">{kind}{word}" · "{ways_on(a, &scope_of(a, part), metric, Some(part))}</p>
        </li>
    }
}

/// The page of a place, the trend of the metric there, and models side by side where these are what changed.
fn ways_on(a: &PageQuery, scope: &Scope, metric: &Metric, part: Option<&Part>) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let name = match part {
        Some(_) => a.name_of(scope),
        None => a.title(),
    };
    let label = words::trend_of(lang, a.fmt.label(metric), &name);
    let compare = part.is_some_and(|p| p.kind == PartKind::Model).then(|| {
        let label = words::compare_at(lang, &name);
        view! { " · "<a href=both_periods(a, scope, metric) aria-label=label>{words::compare(lang)}</a> }
    });
    view! {
        <a href=addresses::place(scope, &a.params)><bdi>{name}</bdi></a>" · "
        <a href=addresses::trends(scope, &metric.key, &a.params) aria-label=label>{words::trend(lang)}</a>
        {compare}
    }
}

/// The models of a place over both periods.
fn both_periods(a: &PageQuery, scope: &Scope, metric: &Metric) -> String {
    let params = QueryParams {
        from: links::moment(a.earlier().from()),
        to: links::moment(a.q.range.to()),
        days: None,
        compare: None,
        metric: Some(metric.key.to_string()),
        ..a.params.clone()
    };
    addresses::with_scope("/compare", scope, &params)
}

fn table(shown: &Shown<'_>, changes: &Changes) -> impl IntoView + use<> {
    let Shown { a, fine, .. } = *shown;
    let (lang, fmt) = (a.fmt.lang, &a.fmt);
    let number = |x: Option<f64>| x.map_or_else(|| NO_VALUE.to_owned(), |x| fmt.signed(x, fine));
    let row = |p: &Part| {
        let scope = scope_of(a, p);
        let name = Some(a.panel().within(&scope)).filter(|n| !n.is_empty()).unwrap_or_else(|| a.name_of(&scope));
        let model = p.model.as_deref().map(|m| ModelKey::parse(m).map_or_else(|_| m.to_owned(), |m| m.to_string()));
        let device = p.device.as_ref().map(ToString::to_string);
        view! {
            <tr>
                <th scope="row"><a href=addresses::place(&scope, &a.params)><bdi>{name}</bdi></a></th>
                <td>{kind_word(lang, p.kind)}</td>
                <td><bdi>{model.unwrap_or_else(|| NO_VALUE.to_owned())}</bdi></td>
                <td><bdi>{device.unwrap_or_else(|| NO_VALUE.to_owned())}</bdi></td>
                <td class="num">{number(Some(p.size))}</td>
                <td class="num">{p.low.zip(p.high).map_or_else(|| NO_VALUE.to_owned(), |(low, high)| fmt.interval(low, high, fine))}</td>
                <td>{said_word(lang, said(shown, p))}</td>
            </tr>
        }
    };
    let rows: Vec<_> = changes.parts.iter().take(LISTED).map(row).collect();
    let all = changes.parts.len();
    let more = (all > LISTED).then(|| {
        let text = words::not_listed(lang, fmt.count(LISTED as u64), fmt.count(all as u64));
        view! { <p class="quiet">{text}</p> }
    });
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=words::as_table(lang)>
            <table>
                <thead><tr>
                    <th scope="col">{words::col_place(lang)}</th>
                    <th scope="col">{words::col_kind(lang)}</th>
                    <th scope="col">{words::col_model(lang)}</th>
                    <th scope="col">{words::col_device(lang)}</th>
                    <th scope="col" class="num">{words::col_size(lang)}</th>
                    <th scope="col" class="num">{words::interval(lang)}</th>
                    <th scope="col">{words::col_said(lang)}</th>
                </tr></thead>
                <tbody>{rows}</tbody>
                <tfoot><tr>
                    <th scope="row">{words::total(lang)}</th><td></td><td></td><td></td>
                    <td class="num">{number(changes.change)}</td><td></td><td></td>
                </tr></tfoot>
            </table>
        </div>
        {more}
    }
}
