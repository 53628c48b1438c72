//! The comparison page: models side by side against a baseline, and where each wins. The arithmetic is `domain::compare`.

use domain::{
    Error, Result,
    ask::Ask,
    compare::{By, Contender, Field, Figure, MOST_MODELS, Places, Same, SiteContest},
    metric::{Change, Metric},
    model::ModelKey,
    query::{ComparisonQuery, Directory, FieldCell, FieldReport, MetricPage, Metrics, unknown_metric},
    say,
    scope::{Kind, clip},
};

use super::{
    fmt::{Fmt, NONE},
    links::{self, METRICS_PAGE},
    page::{Asked, Where, empty, head},
    place::put_together,
    tables::{self, plain},
    trends::{device_select, metric_select, select},
    versus,
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{Cell, Choices, CompareView, Link, ModelChip, SelectView, TableView, Way},
};

/// Models put side by side when none is named.
const USUAL_MODELS: usize = 4;
/// Models offered before the list is folded.
const OFFERED: usize = 12;

/// Which models the page compares.
struct Rules {
    baseline: ModelKey,
    chosen: Vec<ModelKey>,
}

/// Challengers are candidates: a comparison counts all types unless one is named.
async fn read(services: &Services, request: &Request, ask: Ask) -> Result<Asked> {
    Ok(Asked::read(services, request, ask).await?.or_kind(Kind::All))
}

/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<CompareView> {
    let a = read(services, request, ask).await?;
    let t = a.fmt.texts();
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let always = versus::METRICS.iter().copied().chain(a.q.metric.as_deref()).map(str::to_owned).collect();
    let metrics = Metrics::Page(MetricPage { always, ..tables::page_of_metrics(&a.q) });
    let report = services.metrics.field_report(&ComparisonQuery { metrics, ..a.q.comparison() }).await?;
    let head = head(services, &a, &directory, Where::Page("/compare"), t.compare_title.into(), report.simulated).await;
    let field = Field::of(&report, a.q.by);
    let rules = rules(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty());
    let Some(rules) = rules else {
        return Ok(CompareView {
            head,
            empty: Some(empty(&a, &directory, None)),
            finding: String::new(),
            explained: String::new(),
            models: vec![],
            more: vec![],
            choices: vec![],
            selects: vec![],
            hidden: vec![],
            table: None,
            sites: None,
            pictures: vec![],
        });
    };
    let contenders = field.contenders(&rules.baseline, &rules.chosen);
    let lead = lead(&a, &report)?;
    let chips: Vec<ModelChip> = field.models().into_iter().map(|(m, n)| chip(&a, &rules, &contenders, m, n)).collect();
    let (mut models, mut more) = (vec![], vec![]);
    for chip in chips {
        if chip.chosen || models.len() < OFFERED { models.push(chip) } else { more.push(chip) }
    }
    Ok(CompareView {
        head,
        empty: None,
        finding: finding(&a, &report, &contenders, lead),
        explained: explained(&a.fmt, &report.metrics[lead], &contenders, lead),
        models,
        more,
        choices: choices(&a),
        selects: selects(&a, &directory, &report, lead),
        hidden: links::pairs(&a.ask, &["metric", "task", "type", "device", "page", METRICS_PAGE, "sort"]),
        table: Some(table(&a, &report, &contenders)?),
        sites: Some(sites(&a, &report, &field, &contenders, lead)),
        pictures: versus::pictures(&a, &directory, &report, &field, &contenders, lead),
    })
}

/// What the question says of models; `None` when no model ran.
fn rules(a: &Asked, directory: &Directory, field: &Field<'_>) -> Result<Option<Rules>> {
    let ran = field.models();
    let known = |model: &ModelKey| -> Result<ModelKey> {
        directory.check_model(model)?;
        Ok(if a.q.by == By::Architecture { model.any_version() } else { model.clone() })
    };
    let named = a.q.models.iter().map(known).collect::<Result<Vec<ModelKey>>>()?;
    let Some(most) = ran.first() else { return Ok(None) };
    let baseline = match &a.q.baseline {
        Some(model) => known(model)?,
        // Where most records are is what runs today.
        None => named.iter().find(|m| ran.iter().any(|r| r.0 == *m)).unwrap_or(most.0).clone(),
    };
    if !ran.iter().any(|r| *r.0 == baseline) {
        return Err(Error::bad_input(say!(
            "“{got}” has no record in this range, so nothing can be compared with it",
            "“{got}”: 이 기간에 레코드가 없어 비교할 수 없습니다",
            got = clip(&key(&baseline))
        )));
    }
    let chosen: Vec<ModelKey> = if named.is_empty() {
        // Those that ran where the baseline ran say most.
        let mut others = field.challengers(&baseline);
        others.sort_by_key(|(_, shared, n)| std::cmp::Reverse((*shared, *n)));
        let meet = others.iter().filter(|c| c.1 > 0).count().max(1);
        others.into_iter().take(meet.min(USUAL_MODELS - 1)).map(|c| c.0.clone()).collect()
    } else {
        named.into_iter().filter(|m| *m != baseline).collect()
    };
    if chosen.len() >= MOST_MODELS {
        return Err(Error::bad_input(say!(
            "at most {MOST_MODELS} models can be put side by side",
            "모델은 최대 {MOST_MODELS}개까지 나란히 놓을 수 있습니다"
        )));
    }
    Ok(Some(Rules { baseline, chosen }))
}

/// The metric of the strip and of the finding: the one asked for, else mAP50, else the first there is.
fn lead(a: &Asked, report: &FieldReport) -> Result<usize> {
    let find = |key: &str| report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
    match &a.q.metric {
        Some(key) => find(key).ok_or_else(|| unknown_metric(key)),
        None => Ok(find("mAP50").unwrap_or(0)),
    }
}

/// The address of a model in a link.
fn key(m: &ModelKey) -> String {
    m.key()
}

/// A model as people read it.
pub fn name(m: &ModelKey) -> String {
    m.to_string()
}

fn here(a: &Asked, changes: &[(&str, Option<String>)]) -> String {
    links::changed("/compare", &a.ask, false, changes)
}

fn chip(a: &Asked, rules: &Rules, contenders: &[Contender], m: &ModelKey, n: u64) -> ModelChip {
    let t = a.fmt.texts();
    let side_by_side: Vec<&ModelKey> = std::iter::once(&rules.baseline).chain(&rules.chosen).collect();
    let chosen = contenders.iter().any(|c| c.model == *m);
    let base = rules.baseline == *m;
    let others: Vec<String> = side_by_side.iter().filter(|x| **x != m).map(|x| key(x)).collect();
    let with = side_by_side.iter().map(|x| key(x)).chain((!chosen).then(|| key(m))).collect::<Vec<_>>();
    let list = |models: Vec<String>| Some(models.join(",")).filter(|l| !l.is_empty());
    let room = side_by_side.len() < MOST_MODELS;
    ModelChip {
        label: name(m),
        n: fill(t.n, &[("n", &a.fmt.count(n))]),
        chosen,
        baseline: base,
        toggle: match (base, chosen) {
            (true, _) => None,
            (false, true) => Some(here(a, &[("models", list(others)), ("baseline", Some(key(&rules.baseline)))])),
            (false, false) => {
                room.then(|| here(a, &[("models", list(with)), ("baseline", Some(key(&rules.baseline)))]))
            }
        },
        as_baseline: (!base).then(|| {
            let all = side_by_side.iter().map(|x| key(x)).chain((!chosen && room).then(|| key(m))).collect();
            here(a, &[("baseline", Some(key(m))), ("models", list(all))])
        }),
    }
}

fn choices(a: &Asked) -> Vec<Choices> {
    let t = a.fmt.texts();
    let link = |label: &str, key: &'static str, value: Option<&str>, current: bool| Link {
        label: label.to_owned(),
        href: here(a, &[(key, value.map(str::to_owned))]),
        current,
    };
    let forget = |label: &str, value: Option<&str>, current: bool| Link {
        label: label.to_owned(),
        href: here(a, &[("by", value.map(str::to_owned)), ("models", None), ("baseline", None)]),
        current,
    };
    vec![
        Choices {
            label: t.compare_places.into(),
            links: vec![
                link(t.compare_same, "places", None, a.q.places == Places::Same),
                link(t.compare_all, "places", Some("all"), a.q.places == Places::All),
            ],
        },
        Choices {
            label: t.compare_by.into(),
            links: vec![
                forget(t.compare_version, None, a.q.by == By::Version),
                forget(t.compare_architecture, Some("architecture"), a.q.by == By::Architecture),
            ],
        },
        Choices {
            label: t.compare_rows.into(),
            links: vec![
                link(t.compare_rows_all, "diff", None, !a.q.diff),
                link(t.compare_rows_diff, "diff", Some("1"), a.q.diff),
            ],
        },
    ]
}

fn selects(a: &Asked, d: &Directory, report: &FieldReport, lead: usize) -> Vec<SelectView> {
    let t = a.fmt.texts();
    let metrics = report.present.iter().map(|key| (key.clone(), a.fmt.label(&a.metric(key))));
    let any = std::iter::once((String::new(), t.filter_any.to_owned()));
    let tasks = any.chain(d.tasks.iter().map(|x| (x.to_string(), x.to_string()))).collect();
    let kinds = [(Kind::Production, t.type_production), (Kind::Candidate, t.type_candidate), (Kind::All, t.type_all)]
        .map(|(k, label)| (k.as_str().to_owned(), label.to_owned()));
    let mut selects = vec![
        metric_select(a, t.compare_metric, metrics, report.metrics[lead].key.to_string()),
        select("task", t.filter_task, tasks, a.q.scope.task.as_ref().map_or_else(String::new, ToString::to_string)),
        select("type", t.filter_type, kinds.to_vec(), a.q.scope.kind.as_str().to_owned()),
    ];
    selects.extend(device_select(a, d));
    selects
}

/// On how many devices a model ran.
fn devices(r: &FieldReport, m: &ModelKey, by: By) -> usize {
    let of_it =
        |c: &&FieldCell| c.model.as_ref().is_some_and(|x| if by == By::Architecture { m.holds(x) } else { m == x });
    let named = r.cells.iter().filter(of_it).flat_map(|c| &c.devices).filter(|d| !d.is_empty());
    named.collect::<std::collections::BTreeSet<_>>().len()
}

/// One sentence: who leads in the metric, or that nobody can be compared.
fn finding(a: &Asked, r: &FieldReport, contenders: &[Contender], lead: usize) -> String {
    let t = a.fmt.texts();
    let metric = &r.metrics[lead];
    let Some((base, others)) = contenders.split_first() else { return String::new() };
    let label = a.fmt.label(metric);
    let best = others
        .iter()
        .filter_map(|c| Some((c, c.figures[lead].delta(a.q.places)?)))
        .max_by(|x, y| goodness(metric, x.1).total_cmp(&goodness(metric, y.1)));
    let Some((c, delta)) = best else {
        return fill(t.compare_finding_none, &[("metric", &label), ("baseline", &name(&base.model))]);
    };
    let shown = a
        .fmt
        .delta(Some(delta), base.figures[lead].value, metric)
        .map_or_else(String::new, |d| format!("{} {}", d.text(), d.word));
    let zones = match a.q.places {
        Places::Same => {
            let zones = c.figures[lead].same.map_or(0, |s| s.zones);
            fill(t.compare_shared, &[("n", &zones.to_string())])
        }
        Places::All => t.compare_everywhere.to_owned(),
    };
    fill(
        t.compare_finding,
        &[
            ("metric", &label),
            ("model", &name(&c.model)),
            ("delta", &shown),
            ("baseline", &name(&base.model)),
            ("where", &zones),
        ],
    )
}

/// Larger is better, whatever the metric's direction.
fn goodness(metric: &Metric, delta: f64) -> f64 {
    match metric.direction.read(delta) {
        Change::Better => delta.abs(),
        Change::Worse => -delta.abs(),
        Change::Neutral => 0.0,
    }
}

/// What the difference everywhere owes to where the models ran, where that is most; or that more than the model is another one.
fn explained(fmt: &Fmt, metric: &Metric, contenders: &[Contender], lead: usize) -> String {
    let t = fmt.texts();
    let mut found: Option<(&Contender, Same, f64, f64)> = None;
    // What rounds to nothing is no mix, and then what differs besides matters most.
    let weight =
        |same: &Same, mix: f64| (shown_mix(fmt, mix, metric).map_or(0.0, |_| mix.abs()), !same.like_with_like());
    for c in contenders.iter().skip(1) {
        let f = &c.figures[lead];
        if let (Some(same), Some(everywhere), Some(mix)) = (f.same, f.everywhere, f.mix())
            && found.as_ref().is_none_or(|(_, s, _, m)| weight(&same, mix) > weight(s, *m))
        {
            found = Some((c, same, everywhere, mix));
        }
    }
    let Some((c, same, everywhere, mix)) = found else { return t.compare_explained_short.to_owned() };
    let unlike = unlike(fmt, same.zones, same.other_days, same.other_devices);
    let mix = shown_mix(fmt, mix, metric);
    let text = match (&mix, &unlike) {
        (None, None) => return t.compare_explained_short.to_owned(),
        (Some(_), None) => t.compare_explained,
        (Some(_), Some(_)) => t.compare_explained_unlike,
        (None, Some(_)) => t.compare_unlike,
    };
    let signed = |d: f64| fmt.delta(Some(d), None, metric).map_or_else(String::new, |d| d.text());
    fill(
        text,
        &[
            ("model", &name(&c.model)),
            ("same", &signed(same.delta)),
            ("n", &same.zones.to_string()),
            ("everywhere", &signed(everywhere)),
            ("mix", mix.as_deref().unwrap_or_default()),
            ("unlike", unlike.as_deref().unwrap_or_default()),
        ],
    )
}

/// The part of a difference that is where the models ran; `None` where it rounds to nothing.
fn shown_mix(fmt: &Fmt, mix: f64, metric: &Metric) -> Option<String> {
    fmt.delta(Some(mix), None, metric).filter(|d| d.way != Way::Stayed).map(|d| d.text())
}

/// In how many shared zones more than the model is another one; `None` when in none.
fn unlike(fmt: &Fmt, zones: usize, days: usize, devices: usize) -> Option<String> {
    let t = fmt.texts();
    let text = match (days, devices) {
        (0, 0) => return None,
        (_, 0) => t.compare_unlike_days,
        (0, _) => t.compare_unlike_devices,
        _ => t.compare_unlike_both,
    };
    let holes = [("days", days), ("devices", devices), ("n", zones)].map(|(k, n)| (k, fmt.count(n as u64)));
    Some(fill(text, &holes.each_ref().map(|(k, n)| (*k, n.as_str()))))
}

/// Where a figure's difference everywhere is another one than at the same places: the two values there, and the rest.
fn beside(fmt: &Fmt, f: &Figure, metric: &Metric) -> Vec<String> {
    let t = fmt.texts();
    let Some((same, mix)) = f.same.zip(f.mix().and_then(|mix| shown_mix(fmt, mix, metric))) else { return vec![] };
    let (ours, base) = (fmt.value(Some(same.ours), metric), fmt.value(Some(same.base), metric));
    let rest = if same.like_with_like() { t.compare_mix } else { t.compare_mix_unlike };
    vec![fill(t.compare_same_values, &[("value", &ours), ("baseline", &base)]), fill(rest, &[("mix", &mix)])]
}

fn table(a: &Asked, r: &FieldReport, contenders: &[Contender]) -> Result<TableView> {
    let t = a.fmt.texts();
    let at = tables::Place { path: "/compare", q: &a.q, ask: &a.ask, in_path: false };
    let (skip, pager) = tables::turned(&a.fmt, &at, (METRICS_PAGE, a.q.metrics_page), r.present.len())?;
    let shown = &r.present[skip..r.present.len().min(skip + tables::PAGE_ROWS)];
    let mut columns = vec![plain(t.col_metric, false)];
    columns.extend(contenders.iter().enumerate().map(|(i, c)| {
        let label = if i == 0 { format!("{} · {}", name(&c.model), t.compare_baseline) } else { name(&c.model) };
        plain(&label, true)
    }));
    let on: Vec<usize> = contenders.iter().map(|c| devices(r, &c.model, a.q.by)).collect();
    let figure = |i: usize, f: &Figure, base: Option<f64>, metric: &Metric, c: &Contender| {
        let delta = if i == 0 { None } else { a.fmt.delta(f.delta(a.q.places), base, metric) };
        let mut small = vec![fill(t.n, &[("n", &a.fmt.count(f.n))])];
        if let (Some(p50), Some(p95)) = (f.p50, f.p95) {
            let ends = [a.fmt.value(Some(p50), metric), a.fmt.value(Some(p95), metric)];
            small.push(format!("p50 {} · p95 {}", ends[0], ends[1]));
        }
        if metric.depends_on_device() && on[i] > 1 {
            small.push(put_together(a, on[i]));
        }
        small.extend(beside(&a.fmt, f, metric));
        Cell::Figure {
            text: a.fmt.with_unit(f.value, metric),
            href: f.value.map(|_| {
                let ask = Ask { model: Some(key(&c.model)), ..a.ask.clone() };
                links::with_model(&a.q.scope, &metric.key, &ask)
            }),
            delta,
            small: if f.value.is_some() { small } else { vec![] },
        }
    };
    let mut ran = vec![Cell::Name { text: t.col_zones.into(), href: None, state: None }];
    ran.extend(contenders.iter().enumerate().map(|(i, c)| {
        let shared = (i > 0).then(|| fill(t.compare_shared_of, &[("n", &a.fmt.count(c.shared as u64))]));
        Cell::Figure {
            text: a.fmt.count(c.zones as u64),
            href: None,
            delta: None,
            small: shared.into_iter().chain(unlike(&a.fmt, c.shared, c.other_days, c.other_devices)).collect(),
        }
    }));
    let rows: Vec<Vec<Cell>> = r
        .metrics
        .iter()
        .enumerate()
        .filter(|(m, metric)| {
            let known = contenders.iter().any(|c| c.figures[*m].value.is_some());
            let differs = |c: &Contender| {
                a.fmt.delta(c.figures[*m].delta(a.q.places), None, metric).is_some_and(|d| d.way != Way::Stayed)
            };
            known && shown.iter().any(|key| metric.key == *key) && (!a.q.diff || contenders.iter().skip(1).any(differs))
        })
        .map(|(m, metric)| {
            let mut row = vec![Cell::Name { text: a.fmt.label(metric), href: None, state: None }];
            let base = contenders.first().and_then(|c| c.figures[m].value);
            row.extend(contenders.iter().enumerate().map(|(i, c)| figure(i, &c.figures[m], base, metric, c)));
            row
        })
        .collect();
    let query = links::pairs(&a.ask, &["page", METRICS_PAGE, "sort", "refresh", "kiosk", "metric"]);
    Ok(TableView {
        caption: t.compare_table.into(),
        columns,
        foot: Some(if rows.is_empty() { t.compare_no_difference.into() } else { t.compare_foot.into() }),
        rows: std::iter::once(ran).chain(rows).collect(),
        csv: Some(links::href("/export/compare.csv", &query)),
        pager,
    })
}

/// Where which model wins, site by site.
fn sites(a: &Asked, r: &FieldReport, field: &Field<'_>, contenders: &[Contender], lead: usize) -> TableView {
    let t = a.fmt.texts();
    let metric = &r.metrics[lead];
    let mut columns = vec![plain(t.col_site, false)];
    columns.extend(contenders.iter().map(|c| plain(&name(&c.model), true)));
    columns.push(plain(t.compare_best, false));
    let all: Vec<SiteContest> = field.sites(lead, contenders, a.q.places);
    let mut wins = vec![0usize; contenders.len()];
    all.iter().filter_map(|s| s.best).for_each(|b| wins[b] += 1);
    let rows = all
        .iter()
        .map(|s| {
            let customer = domain::scope::Scope {
                customer: Some(s.customer.clone()),
                site: None,
                zone: None,
                ..a.q.scope.clone()
            };
            let scope = domain::scope::Scope { site: s.site.clone(), ..customer.clone() };
            let site = s.site.as_ref().map_or_else(|| NONE.to_owned(), |_| a.name_of(&scope));
            let text = if a.q.scope.customer.is_none() { format!("{} · {site}", a.name_of(&customer)) } else { site };
            let mut cells =
                vec![Cell::Name { text, href: Some(links::scoped("/compare", &scope, &a.ask)), state: None }];
            cells.extend(s.figures.iter().enumerate().map(|(i, f)| Cell::Figure {
                text: a.fmt.with_unit(f.value, metric),
                href: None,
                delta: if i == 0 {
                    None
                } else {
                    a.fmt.delta(f.delta(a.q.places), s.figures.first().and_then(|f| f.value), metric)
                },
                small: beside(&a.fmt, f, metric),
            }));
            cells.push(Cell::Text(s.best.map_or_else(|| NONE.to_owned(), |b| name(&contenders[b].model))));
            cells
        })
        .collect();
    // Where only one of them can be judged nobody leads.
    let judged = |s: &SiteContest| s.figures.iter().filter_map(|f| f.rank(a.q.places)).count();
    let contests = all.iter().filter(|s| judged(s) > 1).count();
    let count = |n: usize| a.fmt.count(n as u64);
    let tally: Vec<String> = contenders
        .iter()
        .zip(&wins)
        .filter(|w| *w.1 > 0)
        .map(|(c, n)| fill(t.compare_wins, &[("model", &name(&c.model)), ("n", &count(*n)), ("of", &count(contests))]))
        .collect();
    let query = links::pairs(&a.ask, &["page", METRICS_PAGE, "sort", "refresh", "kiosk"]);
    TableView {
        caption: fill(t.compare_sites, &[("metric", &a.fmt.label(metric))]),
        columns,
        rows,
        csv: Some(links::href("/export/compare_sites.csv", &query)),
        pager: None,
        foot: (!tally.is_empty()).then(|| tally.join(" · ")),
    }
}

/// What the files behind the page need: the same comparison, unformatted.
pub struct Compared {
    pub report: FieldReport,
    pub contenders: Vec<Contender>,
    pub sites: Vec<SiteContest>,
    pub lead: usize,
    pub places: Places,
}

/// The comparison as data, for CSV.
///
/// # Errors
/// As [`page`].
pub async fn data(services: &Services, request: &Request, ask: Ask) -> Result<Compared> {
    let a = read(services, request, ask).await?;
    let directory = services.metrics.directory();
    let report = services.metrics.field_report(&a.q.comparison()).await?;
    let lead = if report.metrics.is_empty() { 0 } else { lead(&a, &report)? };
    let (contenders, sites) = {
        let field = Field::of(&report, a.q.by);
        match rules(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty()) {
            Some(rules) => {
                let contenders = field.contenders(&rules.baseline, &rules.chosen);
                let sites = field.sites(lead, &contenders, a.q.places);
                (contenders, sites)
            }
            None => (vec![], vec![]),
        }
    };
    Ok(Compared { report, contenders, sites, lead, places: a.q.places })
}

#[cfg(test)]
mod tests {
    use domain::{
        metric::{CATALOGUE, built_in},
        time::Millis,
    };
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Lang;

    fn metric(key: &str) -> Metric {
        CATALOGUE[built_in(key).expect("known")].clone()
    }

    #[test]
    fn what_is_better_does_not_depend_on_the_sign() {
        assert!(goodness(&metric("mAP50"), 0.1) > goodness(&metric("mAP50"), -0.2));
        assert!(goodness(&metric("inference_time_ms"), -1.0) > goodness(&metric("inference_time_ms"), 0.5));
    }

    /// A contender by its differences: at the same places, everywhere; and in how many of four zones days and devices differ.
    fn contender(text: &str, delta: f64, everywhere: f64, unlike: (usize, usize)) -> Contender {
        let same =
            Same { delta, ours: 0.5 + delta, base: 0.5, zones: 4, other_days: unlike.0, other_devices: unlike.1 };
        Contender {
            model: ModelKey::parse(text).expect("a model"),
            n: 8,
            zones: 4,
            shared: 4,
            other_days: unlike.0,
            other_devices: unlike.1,
            first: Millis(0),
            last: Millis(1),
            figures: vec![Figure { same: Some(same), everywhere: Some(everywhere), ..Figure::default() }],
        }
    }

    fn sentence(lang: Lang, others: &[Contender]) -> String {
        let all = [&[contender("a:1", 0.0, 0.0, (0, 0))], others].concat();
        explained(&Fmt { lang, zone: TimeZone::UTC }, &metric("inference_time_ms"), &all, 0)
    }

    #[test]
    fn the_rest_is_where_they_ran_only_where_nothing_else_differs() {
        let said = |unlike| sentence(Lang::En, &[contender("b:1", 2.0, -3.0, unlike)]);
        let begin = "b 1: ↑2.0 at the 4 zones where both ran, ↓3.0 everywhere. The rest (↓5.0) is ";
        assert_eq!(said((0, 0)), format!("{begin}where they ran."));
        let not = format!("{begin}not where they ran alone: ");
        assert_eq!(said((3, 0)), format!("{not}the days differ at 3 of 4 zones."));
        assert_eq!(said((0, 1)), format!("{not}the devices differ at 1 of 4 zones."));
        assert_eq!(said((3, 1)), format!("{not}the days differ at 3 and the devices at 1 of 4 zones."));
        let korean = sentence(Lang::Ko, &[contender("b:1", 2.0, -3.0, (3, 0))]);
        assert!(korean.contains("장소만의 차이가 아닙니다") && korean.contains("4곳 중 3곳"), "{korean}");
    }

    #[test]
    fn without_a_mix_it_is_said_all_the_same_that_days_or_devices_differ() {
        let like = contender("c:1", 1.0, 1.01, (0, 0));
        assert_eq!(sentence(Lang::En, std::slice::from_ref(&like)), Lang::En.texts().compare_explained_short);
        assert_eq!(sentence(Lang::En, &[]), Lang::En.texts().compare_explained_short);
        // Which of the two comes first does not matter, nor that the mix of the other is larger below what is shown.
        let unlike = contender("b:1", 1.0, 1.0, (2, 0));
        let said = "b 1: ↑1.0 at the 4 zones where both ran, but more than the model differs there: the days differ at 2 of 4 zones.";
        for others in [[like.clone(), unlike.clone()], [unlike, like]] {
            assert_eq!(sentence(Lang::En, &others), said);
        }
    }

    #[test]
    fn a_cell_says_the_two_values_behind_a_difference_that_the_others_do_not_show() {
        let fmt = Fmt { lang: Lang::En, zone: TimeZone::UTC };
        let lines =
            |everywhere, unlike| beside(&fmt, &contender("b:1", 0.02, everywhere, unlike).figures[0], &metric("mAP50"));
        assert_eq!(lines(-0.30, (0, 0)), ["same places 0.520, baseline 0.500", "where they ran ↓0.320"]);
        assert_eq!(lines(-0.30, (1, 0))[1], "where, when or on what they ran ↓0.320");
        assert!(lines(0.02, (1, 0)).is_empty());
    }
}
