//! Makes the comparison page: models side by side against a baseline, and where each wins. The arithmetic is `domain::compare`.

use domain::{
    Result,
    compare::{ComparedModel, MAX_MODELS, ModelGrouping, ModelResults, PlacePairing},
    model::ModelKey,
    params::QueryParams,
    query::{ComparisonQuery, Directory, FieldReport, MetricPage, MetricSelection},
};

use super::{
    made_by, pictures,
    selection::{Selection, leading_metric, read_query, select_models},
    sentences::{headline, mix_explanation},
    tables, verdict,
    view::{CompareView, ModelChip},
    words,
};
use crate::{
    shell::{
        context::{Request, Services},
        filters::{device_select, kind_select, metric_select, select},
        head::{PageAddress, head},
        no_data::empty_view,
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

/// Keys that the page that picks does not know.
const PICK_LACKS: [&str; 9] = ["metric", "models", "places", "diff", "page", METRICS_PAGE, "sort", "refresh", "kiosk"];
/// Models offered before the list is folded.
const OFFERED: usize = 12;

/// The page of the models that `params` names.
///
/// # Errors
/// What cannot be read, is unknown, or cannot be answered just now.
pub async fn page(services: &Services, request: &Request, params: QueryParams) -> Result<CompareView> {
    let a = read_query(services, request, params).await?;
    let lang = a.fmt.lang;
    let directory = services.metrics.directory();
    directory.check(&a.q.scope)?;
    let always = pictures::METRICS.iter().copied().chain(a.q.metric.as_deref()).map(str::to_owned).collect();
    let metrics = MetricSelection::Page(MetricPage { always, ..build::page_of_metrics(&a.q) });
    let report = services.metrics.field_report(&ComparisonQuery { metrics, ..a.q.comparison() }).await?;
    let head =
        head(services, &a, &directory, PageAddress::Fixed("/compare"), words::title(lang).into(), report.simulated)
            .await;
    let field = ModelResults::of(&report, a.q.by);
    let selection = select_models(&a, &directory, &field)?.filter(|_| !report.metrics.is_empty());
    let Some(selection) = selection else {
        return Ok(CompareView {
            head,
            empty: Some(empty_view(&a, &directory, None)),
            finding: String::new(),
            explained: String::new(),
            models: vec![],
            more: vec![],
            choices: vec![],
            selects: vec![],
            hidden: vec![],
            verdict: None,
            table: None,
            sites: None,
            pictures: vec![],
        });
    };
    let mut compared_models = field.compared_models(&selection.baseline, &selection.chosen);
    field.judge(a.q.scope.level(), &mut compared_models);
    let leading_metric = leading_metric(&a, &report)?;
    let made_by = made_by::runs(services, &a, &compared_models.iter().map(|c| &c.model).collect::<Vec<_>>()).await;
    let chips: Vec<ModelChip> =
        field.models().into_iter().map(|(m, n)| chip(&a, &selection, &compared_models, m, n)).collect();
    let (mut models, mut more) = (vec![], vec![]);
    for chip in chips {
        if chip.chosen || models.len() < OFFERED { models.push(chip) } else { more.push(chip) }
    }
    let verdict = verdict::card(services, &a, &compared_models, &report.metrics[leading_metric]).await?;
    Ok(CompareView {
        head,
        empty: None,
        verdict,
        finding: headline(&a, &report, &compared_models, leading_metric),
        explained: mix_explanation(&a.fmt, &report.metrics[leading_metric], &compared_models, leading_metric),
        models,
        more,
        choices: choices(&a),
        selects: selects(&a, &directory, &report, leading_metric),
        hidden: links::pairs(&a.params, &["metric", "task", "type", "device", "page", METRICS_PAGE, "sort"]),
        table: Some(tables::metrics(&a, &report, &compared_models, made_by)?),
        sites: Some(tables::sites(&a, &report, &field, &compared_models, leading_metric)),
        pictures: pictures::pictures(a.panel(), &report, &field, &compared_models, leading_metric, a.q.places)
            .into_iter()
            .map(|picture| with_links(&a, picture))
            .collect(),
    })
}

fn here(a: &PageQuery, changes: &[(&str, Option<String>)]) -> String {
    links::with_changes("/compare", &a.params, false, changes)
}

fn chip(a: &PageQuery, selection: &Selection, compared_models: &[ComparedModel], m: &ModelKey, n: u64) -> ModelChip {
    let lang = a.fmt.lang;
    let side_by_side: Vec<&ModelKey> = std::iter::once(&selection.baseline).chain(&selection.chosen).collect();
    let chosen = compared_models.iter().any(|c| c.model == *m);
    let base = selection.baseline == *m;
    let others: Vec<String> = side_by_side.iter().filter(|x| **x != m).map(|x| x.key()).collect();
    let with = side_by_side.iter().map(|x| x.key()).chain((!chosen).then(|| m.key())).collect::<Vec<_>>();
    let list = |models: Vec<String>| Some(models.join(",")).filter(|l| !l.is_empty());
    let page_spec = side_by_side.len() < MAX_MODELS;
    ModelChip {
        label: m.to_string(),
        n: ui_words::n(lang, a.fmt.count(n)),
        chosen,
        baseline: base,
        toggle: match (base, chosen) {
            (true, _) => None,
            (false, true) => Some(here(a, &[("models", list(others)), ("baseline", Some(selection.baseline.key()))])),
            (false, false) => {
                page_spec.then(|| here(a, &[("models", list(with)), ("baseline", Some(selection.baseline.key()))]))
            }
        },
        as_baseline: (!base).then(|| {
            let all = side_by_side.iter().map(|x| x.key()).chain((!chosen && page_spec).then(|| m.key())).collect();
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
                link(words::same(lang), "places", None, a.q.places == PlacePairing::Same),
                link(words::all(lang), "places", Some("all"), a.q.places == PlacePairing::All),
            ],
        },
        Choices {
            label: words::by(lang).into(),
            links: vec![
                forget(words::version(lang), None, a.q.by == ModelGrouping::Version),
                forget(words::architecture(lang), Some("architecture"), a.q.by == ModelGrouping::Architecture),
            ],
        },
        Choices {
            label: words::choose(lang).into(),
            links: vec![Link {
                label: words::pick(lang).into(),
                href: links::href("/compare/pick", &links::pairs(&a.params, &PICK_LACKS)),
                current: false,
            }],
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

fn selects(a: &PageQuery, d: &Directory, report: &FieldReport, leading_metric: usize) -> Vec<SelectView> {
    let lang = a.fmt.lang;
    let metrics = report.present.iter().map(|key| (key.clone(), a.fmt.label(&a.metric(key))));
    let any = std::iter::once((String::new(), shell_words::filter_any(lang).to_owned()));
    let tasks = any.chain(d.tasks.iter().map(|x| (x.to_string(), x.to_string()))).collect();
    let mut selects = vec![
        metric_select(a, words::metric(lang), metrics, report.metrics[leading_metric].key.to_string()),
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
    let mut query = links::pairs(&a.params, &["page", METRICS_PAGE, "sort", "refresh", "kiosk"]);
    picture.tools.link = Some(links::href("/compare", &query));
    let name = picture.tools.file.trim_start_matches("models_");
    query.push(("picture".into(), name.to_owned()));
    picture.tools.svg = Some(links::href("/export/compare.svg", &query));
    picture
}
