//! Makes the comparison page: models side by side against a baseline, and where each wins. The arithmetic is `domain::compare`.

use domain::{
    Result,
    ask::Ask,
    compare::{By, Contender, Field, MOST_MODELS, Places},
    model::ModelKey,
    query::{ComparisonQuery, Directory, FieldReport, MetricPage, Metrics},
};

use super::{
    pictures,
    selection::{Selection, lead, read, select_models},
    sentences::{explained, finding},
    tables,
    view::{CompareView, ModelChip},
    words,
};
use crate::{
    shell::{
        context::{Request, Services},
        filters::{device_select, kind_select, metric_select, select},
        head::{PageAddress, head},
        no_data::empty,
        page_query::PageQuery,
        words as shell_words,
    },
    ui::{
        chart::PictureView,
        form::SelectView,
        links::{self, METRICS_PAGE},
        menu::{Choices, Link},
        table::build,
        words as ui_words,
    },
};

/// Models offered before the list is folded.
const OFFERED: usize = 12;

/// The page of the models that `ask` names.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, ask: Ask) -> Result<CompareView> {
    let a = read(services, request, ask).await?;
    let lang = a.fmt.lang;
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let always = pictures::METRICS.iter().copied().chain(a.q.metric.as_deref()).map(str::to_owned).collect();
    let metrics = Metrics::Page(MetricPage { always, ..build::page_of_metrics(&a.q) });
    let report = services.metrics.field_report(&ComparisonQuery { metrics, ..a.q.comparison() }).await?;
    let head =
        head(services, &a, &directory, PageAddress::Fixed("/compare"), words::title(lang).into(), report.simulated)
            .await;
    let field = Field::of(&report, a.q.by);
    let selection = select_models(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty());
    let Some(selection) = selection else {
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
    let contenders = field.contenders(&selection.baseline, &selection.chosen);
    let lead = lead(&a, &report)?;
    let chips: Vec<ModelChip> =
        field.models().into_iter().map(|(m, n)| chip(&a, &selection, &contenders, m, n)).collect();
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
        table: Some(tables::metrics(&a, &report, &contenders)?),
        sites: Some(tables::sites(&a, &report, &field, &contenders, lead)),
        pictures: pictures::pictures(a.panel(), &report, &field, &contenders, lead, a.q.places)
            .into_iter()
            .map(|picture| with_links(&a, picture))
            .collect(),
    })
}

fn here(a: &PageQuery, changes: &[(&str, Option<String>)]) -> String {
    links::changed("/compare", &a.ask, false, changes)
}

fn chip(a: &PageQuery, selection: &Selection, contenders: &[Contender], m: &ModelKey, n: u64) -> ModelChip {
    let lang = a.fmt.lang;
    let side_by_side: Vec<&ModelKey> = std::iter::once(&selection.baseline).chain(&selection.chosen).collect();
    let chosen = contenders.iter().any(|c| c.model == *m);
    let base = selection.baseline == *m;
    let others: Vec<String> = side_by_side.iter().filter(|x| **x != m).map(|x| x.key()).collect();
    let with = side_by_side.iter().map(|x| x.key()).chain((!chosen).then(|| m.key())).collect::<Vec<_>>();
    let list = |models: Vec<String>| Some(models.join(",")).filter(|l| !l.is_empty());
    let room = side_by_side.len() < MOST_MODELS;
    ModelChip {
        label: m.to_string(),
        n: ui_words::n(lang, a.fmt.count(n)),
        chosen,
        baseline: base,
        toggle: match (base, chosen) {
            (true, _) => None,
            (false, true) => Some(here(a, &[("models", list(others)), ("baseline", Some(selection.baseline.key()))])),
            (false, false) => {
                room.then(|| here(a, &[("models", list(with)), ("baseline", Some(selection.baseline.key()))]))
            }
        },
        as_baseline: (!base).then(|| {
            let all = side_by_side.iter().map(|x| x.key()).chain((!chosen && room).then(|| m.key())).collect();
            here(a, &[("baseline", Some(m.key())), ("models", list(all))])
        }),
    }
}

fn choices(a: &PageQuery) -> Vec<Choices> {
    let lang = a.fmt.lang;
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
            label: words::places(lang).into(),
            links: vec![
                link(words::same(lang), "places", None, a.q.places == Places::Same),
                link(words::all(lang), "places", Some("all"), a.q.places == Places::All),
            ],
        },
        Choices {
            label: words::by(lang).into(),
            links: vec![
                forget(words::version(lang), None, a.q.by == By::Version),
                forget(words::architecture(lang), Some("architecture"), a.q.by == By::Architecture),
            ],
        },
        Choices {
            label: words::rows(lang).into(),
            links: vec![
                link(words::rows_all(lang), "diff", None, !a.q.diff),
                link(words::rows_diff(lang), "diff", Some("1"), a.q.diff),
            ],
        },
    ]
}

fn selects(a: &PageQuery, d: &Directory, report: &FieldReport, lead: usize) -> Vec<SelectView> {
    let lang = a.fmt.lang;
    let metrics = report.present.iter().map(|key| (key.clone(), a.fmt.label(&a.metric(key))));
    let any = std::iter::once((String::new(), shell_words::filter_any(lang).to_owned()));
    let tasks = any.chain(d.tasks.iter().map(|x| (x.to_string(), x.to_string()))).collect();
    let mut selects = vec![
        metric_select(a, words::metric(lang), metrics, report.metrics[lead].key.to_string()),
        select(
            "task",
            shell_words::filter_task(lang),
            tasks,
            a.q.scope.task.as_ref().map_or_else(String::new, ToString::to_string),
        ),
        kind_select(a),
    ];
    selects.extend(device_select(a, d));
    selects
}

/// A picture with its file, and the page that shows it again.
fn with_links(a: &PageQuery, mut picture: PictureView) -> PictureView {
    let mut query = links::pairs(&a.ask, &["page", METRICS_PAGE, "sort", "refresh", "kiosk"]);
    picture.tools.link = Some(links::href("/compare", &query));
    let name = picture.tools.file.trim_start_matches("models_");
    query.push(("picture".into(), name.to_owned()));
    picture.tools.svg = Some(links::href("/export/compare.svg", &query));
    picture
}
