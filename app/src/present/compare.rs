//! The comparison page: models side by side against a baseline, and where each wins. The arithmetic is `domain::compare`.

use domain::{
    Error, Result,
    ask::Ask,
    compare::{By, Contender, Field, Figure, MOST_MODELS, Places, SiteContest},
    metric::{Change, Metric},
    query::{ComparisonQuery, Directory, FieldReport, MetricPage, Metrics, unknown_metric},
    say,
    scope::{Kind, Model, clip},
};

use super::{
    fmt::NONE,
    links::{self, METRICS_PAGE},
    page::{Asked, Where, empty, head},
    tables::{self, plain},
    trends::{metric_select, select},
    versus,
};
use crate::{
    api::{Request, Services},
    i18n::fill,
    view::{Cell, Choices, CompareView, Link, ModelChip, SelectView, TableView},
};

/// Models put side by side when none is named.
const USUAL_MODELS: usize = 4;
/// Models offered before the list is folded.
const OFFERED: usize = 12;

/// How the page compares, read from the question.
struct Rules {
    places: Places,
    by: By,
    diff: bool,
    baseline: Model,
    chosen: Vec<Model>,
}

/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, mut ask: Ask) -> Result<CompareView> {
    // Challengers are candidates: a comparison counts all types unless one is named.
    ask.kind.get_or_insert_with(|| Kind::All.as_str().to_owned());
    let a = Asked::read(services, request, ask).await?;
    let t = a.fmt.texts();
    let directory = services.metrics.directory().await;
    directory.check(&a.scope)?;
    let skip = (a.ask.page_of(METRICS_PAGE)? - 1).saturating_mul(tables::PAGE_ROWS);
    let always = versus::METRICS.iter().copied().chain(a.ask.get("metric")).map(str::to_owned).collect();
    let metrics = Metrics::Page(MetricPage { always, skip, take: tables::PAGE_ROWS });
    let report =
        services.metrics.field_report(&ComparisonQuery { scope: a.scope.clone(), range: a.range, metrics }).await?;
    let head = head(services, &a, &directory, Where::Page("/compare"), t.compare_title.into(), report.simulated).await;
    let by = a.ask.get("by").map(By::parse).transpose()?.unwrap_or_default();
    let field = Field::of(&report, by);
    let rules = rules(&a, &directory, &field, by)?.filter(|_| !report.metrics.is_empty());
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
        finding: finding(&a, &report, &contenders, lead, rules.places),
        explained: explained(&a, &report, &contenders, lead),
        models,
        more,
        choices: choices(&a, &rules),
        selects: selects(&a, &directory, &report, lead),
        hidden: links::pairs(&a.ask, &["metric", "task", "type", "page", METRICS_PAGE, "sort"]),
        table: Some(table(&a, &report, &contenders, &rules)?),
        sites: Some(sites(&a, &report, &field, &contenders, lead, rules.places)),
        pictures: versus::pictures(&a, &directory, &report, &field, &contenders, lead),
    })
}

/// What the question says of models; `None` when no model ran.
fn rules(a: &Asked, directory: &Directory, field: &Field<'_>, by: By) -> Result<Option<Rules>> {
    let places = a.ask.get("places").map(Places::parse).transpose()?.unwrap_or_default();
    let ran = field.models();
    let read = |text: &str| -> Result<Model> {
        let model = Model::parse(text)?;
        directory.check_model(&model)?;
        Ok(if by == By::Architecture { Model { version: None, ..model } } else { model })
    };
    let named: Vec<Model> = match a.ask.get("models") {
        Some(list) => list.split(',').filter(|m| !m.is_empty()).map(read).collect::<Result<_>>()?,
        None => vec![],
    };
    let Some(most) = ran.first() else { return Ok(None) };
    let baseline = match a.ask.get("baseline") {
        Some(text) => read(text)?,
        // Where most records are is what runs today.
        None => named.iter().find(|m| ran.iter().any(|r| r.0 == *m)).unwrap_or(most.0).clone(),
    };
    if !ran.iter().any(|r| *r.0 == baseline) {
        return Err(Error::bad_input(say!(
            "“{got}” has no record in this range, so nothing can be compared with it",
            "“{got}”: 이 기간에 레코드가 없어 비교할 수 없습니다",
            got = clip(&baseline.to_string())
        )));
    }
    let chosen: Vec<Model> = if named.is_empty() {
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
    Ok(Some(Rules { places, by, diff: a.ask.flag("diff")?, baseline, chosen }))
}

/// The metric of the strip and of the finding: the one asked for, else mAP50, else the first there is.
fn lead(a: &Asked, report: &FieldReport) -> Result<usize> {
    let find = |key: &str| report.metrics.iter().position(|m| m.key.eq_ignore_ascii_case(key));
    match a.ask.get("metric") {
        Some(key) => find(key).ok_or_else(|| unknown_metric(key)),
        None => Ok(find("mAP50").unwrap_or(0)),
    }
}

/// The address of a model in a link.
fn key(m: &Model) -> String {
    match &m.version {
        Some(v) => format!("{}:{v}", m.architecture),
        None => m.architecture.to_string(),
    }
}

/// A model as people read it.
pub fn name(m: &Model) -> String {
    m.version.as_ref().map_or_else(|| m.architecture.to_string(), |v| format!("{} {v}", m.architecture))
}

fn here(a: &Asked, changes: &[(&str, Option<String>)]) -> String {
    links::changed("/compare", &a.ask, false, changes)
}

fn chip(a: &Asked, rules: &Rules, contenders: &[Contender], m: &Model, n: u64) -> ModelChip {
    let t = a.fmt.texts();
    let side_by_side: Vec<&Model> = std::iter::once(&rules.baseline).chain(&rules.chosen).collect();
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

fn choices(a: &Asked, rules: &Rules) -> Vec<Choices> {
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
                link(t.compare_same, "places", None, rules.places == Places::Same),
                link(t.compare_all, "places", Some("all"), rules.places == Places::All),
            ],
        },
        Choices {
            label: t.compare_by.into(),
            links: vec![
                forget(t.compare_version, None, rules.by == By::Version),
                forget(t.compare_architecture, Some("architecture"), rules.by == By::Architecture),
            ],
        },
        Choices {
            label: t.compare_rows.into(),
            links: vec![
                link(t.compare_rows_all, "diff", None, !rules.diff),
                link(t.compare_rows_diff, "diff", Some("1"), rules.diff),
            ],
        },
    ]
}

fn selects(a: &Asked, d: &Directory, report: &FieldReport, lead: usize) -> Vec<SelectView> {
    let t = a.fmt.texts();
    let label =
        |key: &String| report.metrics.iter().find(|m| m.key == *key).map_or_else(|| key.clone(), |m| a.fmt.label(m));
    let metrics = report.present.iter().map(|key| (key.clone(), label(key)));
    let any = std::iter::once((String::new(), t.filter_any.to_owned()));
    let tasks = any.chain(d.tasks.iter().map(|x| (x.to_string(), x.to_string()))).collect();
    let kinds = [(Kind::Production, t.type_production), (Kind::Candidate, t.type_candidate), (Kind::All, t.type_all)]
        .map(|(k, label)| (k.as_str().to_owned(), label.to_owned()));
    vec![
        metric_select(a, t.compare_metric, metrics, report.metrics[lead].key.to_string()),
        select("task", t.filter_task, tasks, a.ask.get("task").unwrap_or_default().to_owned()),
        select("type", t.filter_type, kinds.to_vec(), a.scope.kind.as_str().to_owned()),
    ]
}

/// One sentence: who leads in the metric, or that nobody can be compared.
fn finding(a: &Asked, r: &FieldReport, contenders: &[Contender], lead: usize, places: Places) -> String {
    let t = a.fmt.texts();
    let metric = &r.metrics[lead];
    let Some((base, others)) = contenders.split_first() else { return String::new() };
    let label = a.fmt.label(metric);
    let best = others
        .iter()
        .filter_map(|c| Some((c, c.figures[lead].delta(places)?)))
        .max_by(|x, y| goodness(metric, x.1).total_cmp(&goodness(metric, y.1)));
    let Some((c, delta)) = best else {
        return fill(t.compare_finding_none, &[("metric", &label), ("baseline", &name(&base.model))]);
    };
    let shown = a.fmt.delta(Some(delta), metric).map_or_else(String::new, |d| format!("{} {}", d.text, d.word));
    let zones = match places {
        Places::Same => fill(t.compare_shared, &[("n", &c.figures[lead].shared.to_string())]),
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

/// Why the difference everywhere is another one than at the same places, where that matters most.
fn explained(a: &Asked, r: &FieldReport, contenders: &[Contender], lead: usize) -> String {
    let t = a.fmt.texts();
    let metric = &r.metrics[lead];
    let apart = contenders.iter().skip(1).filter_map(|c| {
        let f = &c.figures[lead];
        let (same, everywhere) = (f.same?, f.everywhere?);
        Some((c, f.shared, same, everywhere))
    });
    let widest = apart.max_by(|x, y| (x.2 - x.3).abs().total_cmp(&(y.2 - y.3).abs()));
    let signed = |d: f64| a.fmt.delta(Some(d), metric).map_or_else(String::new, |d| d.text);
    match widest {
        Some((c, shared, same, everywhere)) if signed(same) != signed(everywhere) => fill(
            t.compare_explained,
            &[
                ("model", &name(&c.model)),
                ("same", &signed(same)),
                ("n", &shared.to_string()),
                ("everywhere", &signed(everywhere)),
                ("mix", &signed(everywhere - same)),
            ],
        ),
        _ => t.compare_explained_short.to_owned(),
    }
}

fn table(a: &Asked, r: &FieldReport, contenders: &[Contender], rules: &Rules) -> Result<TableView> {
    let t = a.fmt.texts();
    let at = tables::Place { path: "/compare", ask: &a.ask, in_path: false };
    let (skip, pager) = tables::turned(&a.fmt, &at, METRICS_PAGE, r.present.len())?;
    let shown = &r.present[skip..r.present.len().min(skip + tables::PAGE_ROWS)];
    let mut columns = vec![plain(t.col_metric, false)];
    columns.extend(contenders.iter().enumerate().map(|(i, c)| {
        let label = if i == 0 { format!("{} · {}", name(&c.model), t.compare_baseline) } else { name(&c.model) };
        plain(&label, true)
    }));
    let figure = |i: usize, f: &Figure, metric: &Metric, c: &Contender| {
        let delta = if i == 0 { None } else { a.fmt.delta(f.delta(rules.places), metric) };
        let mut small = vec![fill(t.n, &[("n", &a.fmt.count(f.n))])];
        if let (Some(p50), Some(p95)) = (f.p50, f.p95) {
            let ends = [a.fmt.value(Some(p50), metric), a.fmt.value(Some(p95), metric)];
            small.push(format!("p50 {} · p95 {}", ends[0], ends[1]));
        }
        Cell::Figure {
            text: a.fmt.with_unit(f.value, metric),
            href: f.value.map(|_| {
                let ask = Ask { model: Some(key(&c.model)), ..a.ask.clone() };
                links::with_model(&a.scope, &metric.key, &ask)
            }),
            delta,
            small: if f.value.is_some() { small } else { vec![] },
        }
    };
    let mut ran = vec![Cell::Name { text: t.col_zones.into(), href: None, state: None }];
    ran.extend(contenders.iter().enumerate().map(|(i, c)| Cell::Figure {
        text: a.fmt.count(c.zones as u64),
        href: None,
        delta: None,
        small: if i == 0 { vec![] } else { vec![fill(t.compare_shared_of, &[("n", &a.fmt.count(c.shared as u64))])] },
    }));
    let rows: Vec<Vec<Cell>> = r
        .metrics
        .iter()
        .enumerate()
        .filter(|(m, metric)| {
            let known = contenders.iter().any(|c| c.figures[*m].value.is_some());
            let differs =
                |c: &Contender| a.fmt.delta(c.figures[*m].delta(rules.places), metric).is_some_and(|d| d.text != "±0");
            known
                && shown.iter().any(|key| metric.key == *key)
                && (!rules.diff || contenders.iter().skip(1).any(differs))
        })
        .map(|(m, metric)| {
            let mut row = vec![Cell::Name { text: a.fmt.label(metric), href: None, state: None }];
            row.extend(contenders.iter().enumerate().map(|(i, c)| figure(i, &c.figures[m], metric, c)));
            row
        })
        .collect();
    let query = links::pairs(&a.ask, &["page", METRICS_PAGE, "sort", "refresh", "kiosk", "metric"]);
    Ok(TableView {
        caption: t.compare_table.into(),
        columns,
        foot: Some(if rows.is_empty() { t.compare_no_difference.into() } else { t.compare_note.into() }),
        rows: std::iter::once(ran).chain(rows).collect(),
        csv: Some(links::href("/export/compare.csv", &query)),
        pager,
    })
}

/// Where which model wins, site by site.
fn sites(
    a: &Asked,
    r: &FieldReport,
    field: &Field<'_>,
    contenders: &[Contender],
    lead: usize,
    places: Places,
) -> TableView {
    let t = a.fmt.texts();
    let metric = &r.metrics[lead];
    let mut columns = vec![plain(t.col_site, false)];
    columns.extend(contenders.iter().map(|c| plain(&name(&c.model), true)));
    columns.push(plain(t.compare_best, false));
    let all: Vec<SiteContest> = field.sites(lead, contenders, places);
    let mut wins = vec![0usize; contenders.len()];
    all.iter().filter_map(|s| s.best).for_each(|b| wins[b] += 1);
    let rows = all
        .iter()
        .map(|s| {
            let site = s.site.as_ref().map_or_else(|| NONE.to_owned(), ToString::to_string);
            let text = if a.scope.customer.is_none() { format!("{} · {site}", s.customer) } else { site };
            let scope = domain::scope::Scope {
                customer: Some(s.customer.clone()),
                site: s.site.clone(),
                zone: None,
                ..a.scope.clone()
            };
            let mut cells =
                vec![Cell::Name { text, href: Some(links::scoped("/compare", &scope, &a.ask)), state: None }];
            cells.extend(s.figures.iter().enumerate().map(|(i, (value, delta))| Cell::Figure {
                text: a.fmt.with_unit(*value, metric),
                href: None,
                delta: if i == 0 { None } else { a.fmt.delta(*delta, metric) },
                small: vec![],
            }));
            cells.push(Cell::Text(s.best.map_or_else(|| NONE.to_owned(), |b| name(&contenders[b].model))));
            cells
        })
        .collect();
    let tally: Vec<String> = contenders
        .iter()
        .zip(&wins)
        .filter(|w| *w.1 > 0)
        .map(|(c, n)| fill(t.compare_wins, &[("model", &name(&c.model)), ("n", &n.to_string())]))
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
}

/// The comparison as data, for CSV.
///
/// # Errors
/// As [`page`].
pub async fn data(services: &Services, request: &Request, mut ask: Ask) -> Result<Compared> {
    ask.kind.get_or_insert_with(|| Kind::All.as_str().to_owned());
    let a = Asked::read(services, request, ask).await?;
    let directory = services.metrics.directory().await;
    let report = services
        .metrics
        .field_report(&ComparisonQuery { scope: a.scope.clone(), range: a.range, metrics: Metrics::All })
        .await?;
    let by = a.ask.get("by").map(By::parse).transpose()?.unwrap_or_default();
    let lead = if report.metrics.is_empty() { 0 } else { lead(&a, &report)? };
    let (contenders, sites) = {
        let field = Field::of(&report, by);
        match rules(&a, &directory, &field, by)?.filter(|_| !report.metrics.is_empty()) {
            Some(rules) => {
                let contenders = field.contenders(&rules.baseline, &rules.chosen);
                let sites = field.sites(lead, &contenders, rules.places);
                (contenders, sites)
            }
            None => (vec![], vec![]),
        }
    };
    Ok(Compared { report, contenders, sites, lead })
}

#[cfg(test)]
mod tests {
    use domain::metric::{CATALOGUE, built_in};

    use super::goodness;

    #[test]
    fn what_is_better_does_not_depend_on_the_sign() {
        let metric = |key: &str| CATALOGUE[built_in(key).expect("known")].clone();
        assert!(goodness(&metric("mAP50"), 0.1) > goodness(&metric("mAP50"), -0.2));
        assert!(goodness(&metric("inference_time_ms"), -1.0) > goodness(&metric("inference_time_ms"), 0.5));
    }
}
