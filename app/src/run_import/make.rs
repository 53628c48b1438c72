//! Makes the page of an import: its plan, made anew from the copy and what is remembered of each run.

use domain::{
    Error, Result,
    declarations::DeclarationFile,
    mapping::UnfoundRule,
    record::RecordIdentity,
    scope::{Scope, clip_text},
};
use leptos::prelude::*;
use usecases::run_import::{ImportPlan, PlannedRun, PlannedStep, StepKind};

use super::{sentences, words};
use crate::{
    i18n::Lang,
    panels::{
        refusals::reason_of,
        tracking::{self, moment, run_name, status_word},
    },
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{
        empty::Empty,
        fmt::{NO_VALUE, capital},
        pages::{self, Paging},
    },
};

/// So many runs are on a page.
const PAGE_ROWS: usize = 50;
/// So many of a kind can be turned to; `guardianflow import mlflow --dry-run --json` lists more.
const MOST_ROWS: usize = 1_000;
const KEYS: [&str; 2] = ["show", "page"];

/// The page of what an import would do.
///
/// # Errors
/// Unknown keys, and those that are given twice; what cannot be read just now. What of the keys cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let title = words::title(lang).to_owned();
    let html = match services.runs.status()? {
        None => view! { <Empty empty=tracking::no_source(lang)/> }.to_html(),
        Some(_) => content(services, &mut a).await?,
    };
    let crumb = |label: String, href: String| Crumb { label, href, ..Crumb::default() };
    let crumbs = vec![
        crumb(words::sources(lang).into(), a.to(addresses::SOURCES)),
        crumb(title.clone(), a.to(addresses::RUN_IMPORT)),
    ];
    let head = a.head(services, crumbs, title, addresses::run_events(), generation);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

async fn content(services: &Services, a: &mut PlainQuery) -> Result<String> {
    let lang = a.fmt.lang;
    let show = a.understand("show", |text| {
        StepKind::parse(text).ok_or_else(|| {
            let known = StepKind::ALL.map(StepKind::as_str).join(", ");
            Error::bad_input(sentences::bad_show(known, clip_text(text)))
        })
    });
    let mut page = a.understand("page", pages::read).unwrap_or(1);
    let mapping = (services.mappings)().mlflow;
    let plan = services.run_import.plan(&mapping, &[], MOST_ROWS).await?;
    let kind = show.unwrap_or_else(|| first_kind(&plan));
    let total = usize::try_from(plan.counts.of(kind)).unwrap_or(usize::MAX).min(MOST_ROWS);
    if page > 1 && (page - 1) * PAGE_ROWS >= total {
        a.refuse("page", sentences::no_page(total, page));
        page = 1;
    }
    let a = &*a;
    let runs = plan.examples.get(&kind).map_or(&[][..], Vec::as_slice);
    let rows: Vec<_> = runs.iter().skip((page - 1) * PAGE_ROWS).take(PAGE_ROWS).map(|r| row(a, r)).collect();
    let paging = Paging { page, size: PAGE_ROWS, total, label: words::pages(lang) };
    let pager = pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]));
    let more = (plan.counts.of(kind) > MOST_ROWS as u64).then(|| {
        view! { <span class="quiet">{words::more(lang, a.fmt.count(MOST_ROWS as u64))}</span> }
    });
    let heads = [words::col_run(lang), words::col_experiment(lang), words::col_ended(lang), words::col_what(lang)];
    let table = if rows.is_empty() {
        view! { <p class="quiet">{words::nothing(lang, kind_word(lang, kind))}</p> }.into_any()
    } else {
        view! {
            <section class="card runs" aria-label=kind_word(lang, kind)>
                <div class="scroll" role="region" tabindex="0" aria-label=kind_word(lang, kind)>
                    <table>
                        <thead><tr>{heads.map(|label| view! { <th scope="col">{label}</th> }).collect_view()}</tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
                <footer>{pager}{more}</footer>
            </section>
        }
        .into_any()
    };
    let html = view! {
        <p class="lead">
            {words::summary(lang, a.fmt.count(plan.counts.runs))}" "
            <span class="quiet">{tracking::source_line(&a.fmt, a.now, &plan.status)}</span>
        </p>
        <div class="notes" inner_html=tracking::banners(&a.fmt, a.now, &plan.status)></div>
        {tracking::mistakes(lang, a.mistakes())}
        {kinds(a, &plan, kind)}
        {rules(services, a, mapping.import)}
        {unfound(a, &plan)}
        {reasons(a, &plan)}
        <h2>{capital(kind_word(lang, kind))}</h2>
        {table}
    };
    Ok(html.to_html())
}

/// What there is most to see of: what would change, then what is refused.
fn first_kind(plan: &ImportPlan) -> StepKind {
    StepKind::ALL.into_iter().find(|kind| plan.counts.of(*kind) > 0).unwrap_or(StepKind::New)
}

/// What of the rules leads nowhere: folded, since of the built-in ones many do.
fn unfound(a: &PlainQuery, plan: &ImportPlan) -> Option<impl IntoView + use<>> {
    let rule = |rule: &UnfoundRule| view! { <li><bdi>{format!("{}: {}", rule.of, rule.paths.join(", "))}</bdi></li> };
    let rules: Vec<_> = plan.unfound.iter().map(rule).collect();
    (!rules.is_empty()).then(|| {
        view! {
            <details class="more">
                <summary>{words::unfound(a.fmt.lang, rules.len())}</summary>
                <ul class="quiet paths">{rules}</ul>
            </details>
        }
    })
}

fn kind_word(lang: Lang, kind: StepKind) -> &'static str {
    match kind {
        StepKind::New => words::kind_new(lang),
        StepKind::Corrected => words::kind_corrected(lang),
        StepKind::Moved => words::kind_moved(lang),
        StepKind::Withdrawn => words::kind_withdrawn(lang),
        StepKind::Refused => words::kind_refused(lang),
        StepKind::LeftOut => words::kind_left_out(lang),
        StepKind::Unchanged => words::kind_unchanged(lang),
    }
}

/// How many runs become what; each count leads to its runs.
fn kinds(a: &PlainQuery, plan: &ImportPlan, shown: StepKind) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let one = |kind: StepKind| {
        let href = a.with(&[("show", Some(kind.as_str().to_owned())), ("page", None)]);
        let current = (kind == shown).then_some("true");
        view! { <a href=href aria-current=current>{kind_word(lang, kind)}<small>{a.fmt.count(plan.counts.of(kind))}</small></a> }
    };
    view! {
        <dl class="facets" aria-label=words::kinds(lang)>
            <div><dt>{words::kinds(lang)}</dt><dd>{StepKind::ALL.map(one).collect_view()}</dd></div>
        </dl>
    }
}

/// By which rules, and who imports.
fn rules(services: &Services, a: &PlainQuery, import: bool) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let file = (services.written)().into_iter().find(|f| f.kind == DeclarationFile::Sources);
    let rules = match file.filter(|f| f.read.is_some()) {
        Some(file) => words::rules_of_file(lang, file.path),
        None => words::rules_built_in(lang).to_owned(),
    };
    let taking = if import { words::taken_by_itself(lang) } else { words::taken_by_command(lang) };
    let command = "guardianflow import mlflow";
    view! { <p>{rules}" "{taking}" "{(!import).then(|| view! { <code>{command}</code> })}</p> }
}

/// Why runs make no record, counted.
fn reasons(a: &PlainQuery, plan: &ImportPlan) -> Option<impl IntoView + use<>> {
    let lang = a.fmt.lang;
    let refused = plan.counts.refused.iter().map(|(code, n)| (reason_of(lang, code).to_owned(), *n));
    let left_out = plan
        .counts
        .left_out
        .iter()
        .map(|(status, n)| (format!("{}: {}", words::kind_left_out(lang), status_word(lang, *status)), *n));
    let rows: Vec<_> = refused
        .chain(left_out)
        .map(|(why, n)| view! { <tr><th scope="row">{why}</th><td class="num">{a.fmt.count(n)}</td></tr> })
        .collect();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="card runs" aria-label=words::reasons(lang)>
                <h2>{words::reasons(lang)}</h2>
                <table>
                    <thead><tr><th scope="col">{words::col_reason(lang)}</th><th scope="col" class="num">{words::col_runs(lang)}</th></tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </section>
        }
    })
}

fn row(a: &PlainQuery, planned: &PlannedRun) -> impl IntoView + use<> {
    let run = &planned.run;
    let experiment = a.to(&addresses::experiment(&planned.experiment.id));
    view! {
        <tr>
            <th scope="row"><a href=a.to(&addresses::run(&run.id))><bdi>{run_name(run)}</bdi></a></th>
            <td><a href=experiment><bdi>{planned.experiment.name.to_string()}</bdi></a></td>
            <td>{moment(&a.fmt, run.end, a.now)}</td>
            <td>{what(a, planned)}</td>
        </tr>
    }
}

/// Where the record is, what changes, or why there is none.
fn what(a: &PlainQuery, planned: &PlannedRun) -> AnyView {
    let lang = a.fmt.lang;
    match &planned.step {
        PlannedStep::Moved { record, from } => {
            let to = record.identity();
            let name = |name: Option<&domain::text::Name>| name.map_or(NO_VALUE.to_owned(), ToString::to_string);
            let changes: Vec<_> = to
                .fields()
                .zip(from.fields())
                .filter(|((_, new), (_, old))| new != old)
                .map(|((field, new), (_, old))| {
                    view! { <div><code>{field}</code>" "<bdi>{name(old)}</bdi>" → "<bdi>{name(new)}</bdi></div> }
                })
                .collect();
            let time = (to.timestamp() != from.timestamp()).then(|| {
                let [old, new] = [from.timestamp(), to.timestamp()].map(|at| a.fmt.strftime(at, "%Y-%m-%d %H:%M:%S %Z"));
                view! { <div>{old}" → "{new}</div> }
            });
            view! { {changes}{time} }.into_any()
        }
        PlannedStep::Withdrawn { why, from } => {
            view! { {place(from)}" "<span class="quiet">{why.message.clone()}</span> }.into_any()
        }
        step => match (step.record(), step.refusal()) {
            (Some(record), _) => place(&record.identity()).into_any(),
            (None, Some((code, message))) => {
                view! { {reason_of(lang, code).to_owned()}" "<span class="quiet"><bdi>{message.to_owned()}</bdi></span> }.into_any()
            }
            (None, None) => status_word(lang, planned.run.status).into_any(),
        },
    }
}

/// A place of the fleet; it may have no records yet.
fn place(identity: &RecordIdentity) -> AnyView {
    let names = ["customer", "site", "zone"].map(|field| identity.field(field).map(ToString::to_string));
    let scope = Scope::parse(names[0].as_deref(), names[1].as_deref(), names[2].as_deref(), None, None);
    let task = identity.field("task").map_or_else(String::new, |task| format!(" · {task}"));
    let text = names.into_iter().flatten().collect::<Vec<_>>().join(" › ");
    match scope {
        Ok(scope) => view! { <a href=addresses::place_path(&scope)><bdi>{text}</bdi></a><bdi>{task}</bdi> }.into_any(),
        Err(_) => view! { <bdi>{text}</bdi><bdi>{task}</bdi> }.into_any(),
    }
}
