//! Makes the page of images: which image of which run is shown, and beside what.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    Result,
    scope::clip_text,
    tracking::{ImageKind, Run, RunImage},
};
use leptos::prelude::*;

use super::{
    asked::{Asked, KEYS},
    html, sentences,
    view::{Absent, Content, Difference, Listed, Named, PAGE_IMAGES, Pane},
    words,
};
use crate::{
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        plain_query::PlainQuery,
        top::Crumb,
    },
    ui::{
        empty::{Empty, EmptyView},
        menu::Link,
    },
};

/// So many runs that there are not are named.
const MOST_UNKNOWN: usize = 3;
/// Steps that the slider tells apart.
const MOST_STEPS: usize = 2_000;

/// The page at an address.
///
/// # Errors
/// Runs of which there is none; unknown keys, and those that are given twice. What of them cannot be read is said on the page.
pub async fn page(services: &Services, request: &Request, address: &str) -> Result<DrawnView> {
    let mut a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let lang = a.fmt.lang;
    let generation = services.runs.generation();
    let asked = Asked::read(&mut a);
    let Some(status) = services.runs.status()? else {
        let title = words::crumb(lang).to_owned();
        let html = view! { <Empty empty=tracking::no_source(lang)/> }.to_html();
        let head = a.head(services, crumbs(&a, None, &title), title, addresses::run_events(), generation);
        return Ok(DrawnView::new(head, words::about(lang), &html));
    };
    let (mut runs, mut unknown) = (vec![], vec![]);
    for id in &asked.ids {
        match services.runs.run(id.as_str()) {
            Ok(found) => runs.push(found),
            Err(e) => unknown.push(e),
        }
    }
    if runs.is_empty() && !unknown.is_empty() {
        return Err(unknown.swap_remove(0));
    }
    let title = match runs.as_slice() {
        [] => words::crumb(lang).to_owned(),
        [one] => words::title_one(lang, tracking::run_name(&one.run)),
        several => words::title_several(lang, several.len()),
    };
    let crumbs = crumbs(
        &a,
        runs.first().map(|r| &*r.experiment).filter(|e| runs.iter().all(|r| r.experiment.id == e.id)),
        &title,
    );
    let runs: Vec<Arc<Run>> = runs.into_iter().map(|r| r.run).collect();
    let content = if runs.is_empty() { no_runs(&a) } else { content(services, &mut a, &asked, runs).await };
    let unknown = unknown.iter().take(MOST_UNKNOWN);
    let unknown = unknown
        .map(|e| view! { <p class="banner bad" role="alert">{words::unknown(lang, &e.message)}</p> })
        .collect_view();
    let banners = tracking::banners(&a.fmt, a.now, &status);
    let html = view! {
        <p class="lead quiet">{tracking::source_line(&a.fmt, a.now, &status)}</p>
        <div class="notes" inner_html=banners></div>
        {tracking::mistakes(lang, a.mistakes())}
        {unknown}
        {content}
    };
    let head = a.head(services, crumbs, title, addresses::run_events(), generation);
    Ok(DrawnView::new(head, words::about(lang), &html.to_html()))
}

fn crumbs(a: &PlainQuery, experiment: Option<&domain::tracking::Experiment>, title: &str) -> Vec<Crumb> {
    let crumb = |label: String, href: String| Crumb { label, href, ..Crumb::default() };
    let home = experiment.map(|e| crumb(e.name.to_string(), a.to(&addresses::experiment(&e.id))));
    let first = crumb(words::experiments(a.fmt.lang).into(), a.to(addresses::EXPERIMENTS));
    let here = crumb(title.to_owned(), a.with(&[]));
    [Some(first), home, Some(here)].into_iter().flatten().collect()
}

fn no_runs(a: &PlainQuery) -> AnyView {
    let lang = a.fmt.lang;
    let action = Link { label: words::experiments(lang).into(), href: a.to(addresses::EXPERIMENTS), current: false };
    let empty = EmptyView {
        title: words::no_runs_title(lang).into(),
        text: words::no_runs_text(lang).into(),
        commands: vec![],
        action: Some(action),
    };
    view! { <Empty empty/> }.into_any()
}

async fn content(services: &Services, a: &mut PlainQuery, asked: &Asked, runs: Vec<Arc<Run>>) -> AnyView {
    let images = services.runs.images_of(&runs).await;
    let listed: Vec<Listed> = runs.into_iter().zip(images).map(|(run, images)| Listed { run, images }).collect();
    let all = names(&listed);
    if all.is_empty() && listed.iter().all(|l| l.images.is_ok()) {
        return html::none(a, &listed);
    }
    let name = chosen(a, asked, &all);
    let names_total = all.len();
    let is_like = |n: &Named| asked.find.is_empty() || n.name.to_lowercase().contains(&asked.find.to_lowercase());
    let names = all.into_iter().filter(|n| is_like(n) || n.name == name).collect();
    let steps = steps(&listed, &name);
    let is_sheet = listed.len() == 1 && asked.step.is_none() && steps.len() > 1;
    let step = if is_sheet || steps.is_empty() { None } else { asked.step.or(steps.last().copied()) };
    if steps.is_empty() {
        a.forget("step");
    }
    let total = if is_sheet { steps.len() } else { listed.len() };
    let mut page = asked.page;
    if page > 1 && (page - 1) * PAGE_IMAGES >= total {
        a.refuse("page", sentences::no_page(total, page));
        page = 1;
    }
    let diff = asked.diff.as_ref().filter(|_| !is_sheet);
    let base = diff.and_then(|id| {
        let found = listed.iter().find(|l| l.run.id == *id);
        if found.is_none() {
            a.refuse("diff", sentences::no_diff(id));
        }
        found
    });
    let skip = (page - 1) * PAGE_IMAGES;
    let mut panes = if is_sheet {
        let run = &listed[0].run;
        let series = listed[0].images.as_ref().ok().and_then(|i| i.series(&name));
        let images = series.map(|s| s.images.as_slice()).unwrap_or_default().iter().skip(skip).take(PAGE_IMAGES);
        images.map(|i| Pane { run: run.clone(), shown: Ok(i.clone()), difference: Difference::None }).collect()
    } else {
        listed.iter().skip(skip).take(PAGE_IMAGES).map(|l| pane(l, &name, step)).collect::<Vec<_>>()
    };
    if let Some(base) = base {
        compare(services, base, &name, step, &mut panes).await;
    }
    let is_difference = base.is_some();
    html::content(
        a,
        asked,
        &Content { listed, names, names_total, name, steps, step, is_sheet, panes, page, total, is_difference },
    )
}

/// Names that most runs have first, and of these the ones with steps.
fn names(listed: &[Listed]) -> Vec<Named> {
    let mut all: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for series in listed.iter().filter_map(|l| l.images.as_ref().ok()).flat_map(|i| &i.series) {
        let (runs, steps) = all.entry(&series.name).or_default();
        *runs += 1;
        *steps = (*steps).max(series.steps().count());
    }
    let mut all: Vec<Named> =
        all.into_iter().map(|(name, (runs, steps))| Named { name: name.to_owned(), runs, steps }).collect();
    all.sort_by(|x, y| (y.runs, y.steps > 1).cmp(&(x.runs, x.steps > 1)).then_with(|| x.name.cmp(&y.name)));
    all
}

/// The name that is asked for, else the first one that is looked for.
fn chosen(a: &mut PlainQuery, asked: &Asked, all: &[Named]) -> String {
    if let Some(name) = &asked.name {
        // While nothing is listed nobody knows better.
        if all.is_empty() || all.iter().any(|n| n.name == *name) {
            return name.clone();
        }
        a.refuse("name", sentences::no_name(clip_text(name)));
    }
    let find = asked.find.to_lowercase();
    let found = all.iter().find(|n| n.name.to_lowercase().contains(&find)).or(all.first());
    found.map(|n| n.name.clone()).unwrap_or_default()
}

/// All steps of a name, thinned out evenly where there are very many.
fn steps(listed: &[Listed], name: &str) -> Vec<i64> {
    let series = listed.iter().filter_map(|l| l.images.as_ref().ok()?.series(name));
    let all: Vec<i64> = series.flat_map(|s| s.steps()).collect::<BTreeSet<_>>().into_iter().collect();
    let n = all.len();
    if n <= MOST_STEPS {
        return all;
    }
    (0..MOST_STEPS).filter_map(|i| all.get(i * (n - 1) / (MOST_STEPS - 1)).copied()).collect()
}

fn pane(listed: &Listed, name: &str, step: Option<i64>) -> Pane {
    let shown = match &listed.images {
        Err(e) => Err(Absent::Unlisted(e.message.clone())),
        Ok(images) => match images.series(name) {
            None => Err(Absent::NoSuchName),
            Some(series) => series.at(step).cloned().ok_or_else(|| Absent::NotYet(series.steps().min().unwrap_or(0))),
        },
    };
    Pane { run: listed.run.clone(), shown, difference: Difference::None }
}

/// Lays the panes over the image of a base. Of a single run that is its image at the step before.
async fn compare(services: &Services, base: &Listed, name: &str, step: Option<i64>, panes: &mut [Pane]) {
    let is_single = matches!(&*panes, [one] if one.run.id == base.run.id);
    let series = base.images.as_ref().ok().and_then(|i| i.series(name));
    let here = series.and_then(|s| s.at(step));
    let below = match (is_single, here) {
        (true, Some(here)) => {
            here.step.and_then(|s| series?.images.iter().rev().find(|i| i.step.is_some_and(|t| t < s)))
        }
        (true, None) => None,
        (false, here) => here,
    };
    let can_be_drawn = |image: &RunImage| image.kind != ImageKind::Svg;
    let Some(below) = below.filter(|i| can_be_drawn(i)) else {
        panes.iter_mut().for_each(|p| p.difference = Difference::NoBase);
        return;
    };
    let own = panes.iter().map(|p| (p.run.clone(), p.shown.as_ref().map_or(&below.path, |i| &i.path).clone()));
    let asked = std::iter::once((base.run.clone(), below.path.clone())).chain(own).collect();
    let mut sizes = services.runs.image_sizes(asked).await.into_iter();
    let base_size = sizes.next().flatten();
    for (pane, size) in panes.iter_mut().zip(sizes) {
        let is_base = !is_single && pane.run.id == base.run.id;
        let is_drawn = pane.shown.as_ref().is_ok_and(can_be_drawn);
        pane.difference = match (is_base, is_drawn, size, base_size) {
            (true, ..) => Difference::Base,
            (_, false, ..) => Difference::None,
            (_, _, Some(size), Some(other)) => {
                Difference::From(base.run.clone(), below.clone(), (size != other).then_some([size, other]))
            }
            _ => Difference::Unknown,
        };
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        error::Sentence,
        tracking::{ArtifactEntry, ArtifactPath, image_series},
    };
    use usecases::tracking::RunImages;

    use super::*;

    fn images(paths: &[&str]) -> Arc<RunImages> {
        let entry =
            |p: &&str| ArtifactEntry { path: ArtifactPath::parse(p).expect("a path"), size: None, is_folder: false };
        let files: Vec<_> = paths.iter().map(entry).collect();
        Arc::new(RunImages { series: image_series(&files), ..RunImages::default() })
    }

    fn listed(images: Result<Arc<RunImages>>) -> Listed {
        let id = domain::tracking::RunId::parse("a").expect("an id");
        let run = Run {
            id,
            experiment: domain::tracking::ExperimentId::parse("1").expect("an id"),
            name: "a".into(),
            user: "".into(),
            status: domain::tracking::RunStatus::Finished,
            start: None,
            end: None,
            artifact_uri: "".into(),
            lifecycle: domain::tracking::Lifecycle::Active,
            metrics: vec![],
            params: vec![],
            tags: vec![],
            datasets: vec![],
        };
        Listed { run: Arc::new(run), images }
    }

    #[test]
    fn what_most_runs_have_over_steps_is_offered_first() {
        let all = [
            listed(Ok(images(&["loss.png", "p/epoch_1.png", "p/epoch_2.png", "own.png"]))),
            listed(Ok(images(&["loss.png", "p/epoch_2.png", "p/epoch_5.png"]))),
            listed(Err(domain::Error::unavailable(Sentence::only_english("away")))),
        ];
        let shown: Vec<_> = names(&all).into_iter().map(|n| (n.name, n.runs, n.steps)).collect();
        assert_eq!(shown, [("p/epoch_*.png".into(), 2, 2), ("loss.png".into(), 2, 0), ("own.png".into(), 1, 0)]);
        assert_eq!(steps(&all, "p/epoch_*.png"), [1, 2, 5]);
    }

    #[test]
    fn a_place_without_an_image_says_why() {
        let ok = listed(Ok(images(&["p/epoch_3.png"])));
        assert!(matches!(pane(&ok, "p/epoch_*.png", Some(9)).shown, Ok(image) if image.step == Some(3)));
        assert!(matches!(pane(&ok, "p/epoch_*.png", Some(2)).shown, Err(Absent::NotYet(3))));
        assert!(matches!(pane(&ok, "q.png", Some(2)).shown, Err(Absent::NoSuchName)));
        let away = listed(Err(domain::Error::unavailable(Sentence::only_english("away"))));
        assert!(matches!(pane(&away, "q.png", None).shown, Err(Absent::Unlisted(_))));
    }
}
