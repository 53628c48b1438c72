//! Writes the page of images: which image and step, and the images beside each other.

use domain::tracking::{ImageKind, Run, RunImage};
use leptos::prelude::*;

use super::{
    asked::Asked,
    view::{Absent, Content, Difference, Listed, Named, PAGE_IMAGES, Pane},
    words,
};
use crate::{
    panels::tracking::run_name,
    shell::{addresses, plain_query::PlainQuery},
    ui::{
        empty::{Empty, EmptyView},
        icon::Icon,
        links,
        menu::Link,
        pages::{self, Paging},
    },
};

/// So many names are offered; others are found by name.
const OFFERED: usize = 200;
/// From so many names on there is a field to find one.
const FIND_FROM: usize = 12;
/// So many runs say that their list is not whole.
const NOTES: usize = 3;
/// The largest file that is loaded as it is when somebody zooms in, in bytes.
const FULL_BYTES: u64 = 8 * 1024 * 1024;

/// Runs without any image.
pub(super) fn none(a: &PlainQuery, listed: &[Listed]) -> AnyView {
    let lang = a.fmt.lang;
    let run = listed.first().filter(|_| listed.len() == 1).map(|l| &l.run);
    let action = run.map(|run| Link {
        label: words::to_artifacts(lang).into(),
        href: links::href(&addresses::run(&run.id), &[("show".to_owned(), "artifacts".to_owned())]),
        current: false,
    });
    let empty = EmptyView {
        title: words::none_title(lang).into(),
        text: words::none_text(lang).into(),
        commands: vec![],
        action,
    };
    view! { {notes(a, listed)}<Empty empty/> }.into_any()
}

pub(super) fn content(a: &PlainQuery, asked: &Asked, c: &Content) -> AnyView {
    let lang = a.fmt.lang;
    let is_single = c.listed.len() == 1;
    let nothing = (!asked.find.is_empty() && !c.names.iter().any(|n| is_like(n, &asked.find)))
        .then(|| view! { <p class="quiet" role="status">{words::none_found(lang)}</p> });
    let base = c.panes.iter().find(|p| matches!(p.difference, Difference::Base)).map(|p| run_name(&p.run));
    let base = base.or_else(|| asked.diff.as_ref().and_then(|id| base_name(c, id.as_str())));
    let lead = (c.is_difference && !is_single)
        .then(|| view! { <p class="quiet"><bdi>{words::diff_lead(lang, base.unwrap_or_default())}</bdi></p> });
    let panes: Vec<_> = c.panes.iter().map(|p| pane(a, c, p)).collect();
    let class = match (panes.len(), c.is_sheet) {
        (1, false) => "images one",
        (2..=6, false) => "images few",
        _ => "images",
    };
    let label = if c.is_sheet { words::pages_steps(lang) } else { words::pages_runs(lang) };
    let paging = Paging { page: c.page, size: PAGE_IMAGES, total: c.total, label };
    view! {
        {notes(a, &c.listed)}
        {chooser(a, asked, c)}
        {nothing}
        {stepper(a, c, is_single)}
        {lead}
        <section class=class data-images="" aria-label=c.name.clone()>{panes}</section>
        {pages::pager(&a.fmt, &paging, |page| a.with(&[("page", page)]))}
    }
    .into_any()
}

fn base_name(c: &Content, id: &str) -> Option<String> {
    c.listed.iter().find(|l| l.run.id.as_str() == id).map(|l| run_name(&l.run))
}

fn is_like(named: &Named, find: &str) -> bool {
    named.name.to_lowercase().contains(&find.to_lowercase())
}

/// Of which runs not everything is known, and why.
fn notes(a: &PlainQuery, listed: &[Listed]) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let note = |l: &Listed| {
        let (images, run) = (l.images.as_ref().ok()?, run_name(&l.run));
        let text = match &images.trouble {
            Some(why) => words::trouble(lang, run, why),
            None if images.left_out > 0 => {
                let kept: usize = images.series.iter().map(|s| s.images.len()).sum();
                let count = |n: usize| a.fmt.count(n as u64);
                words::left_out(lang, run, count(kept), count(kept + images.left_out))
            }
            None if images.is_partial => words::partial(lang, run),
            None => return None,
        };
        Some(text)
    };
    let all: Vec<String> = listed.iter().filter_map(note).collect();
    let more = all.len().saturating_sub(NOTES);
    let more = (more > 0).then(|| view! { <p class="quiet">{words::more_notes(lang, more)}</p> });
    let shown =
        all.into_iter().take(NOTES).map(|text| view! { <p class="banner late" role="status"><bdi>{text}</bdi></p> });
    view! { {shown.collect_view()}{more} }
}

/// The choice of the image by its name.
fn chooser(a: &PlainQuery, asked: &Asked, c: &Content) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let all = c.listed.len();
    let option = |n: &Named| {
        let label = match (all, n.steps) {
            (1, 0 | 1) => n.name.clone(),
            (1, steps) => words::name_steps(lang, &*n.name, steps),
            _ => words::name_in(lang, &*n.name, n.runs, all),
        };
        view! { <option value=n.name.clone() selected=n.name == c.name>{label}</option> }
    };
    // The chosen one is always among them.
    let behind = c.names.iter().skip(OFFERED).find(|n| n.name == c.name);
    let options = c.names.iter().take(OFFERED).chain(behind).map(option).collect_view();
    let more = (c.names.len() > OFFERED).then(
        || view! { <span class="quiet">{words::more_names(lang, OFFERED, a.fmt.count(c.names_total as u64))}</span> },
    );
    let find = (c.names_total >= FIND_FROM).then(|| {
        view! { <label><span>{words::find(lang)}</span><input type="search" name="find" value=asked.find.clone() autocomplete="off" spellcheck="false"/></label> }
    });
    view! {
        <form class="filters" method="get" action=a.path.clone() aria-label=words::choose(lang)>
            {a.hidden_without(&["name", "find", "step", "page"])}
            <label class="wide"><span>{words::image(lang)}</span><select name="name" data-go="">{options}</select></label>
            {find}
            <button class="button" type="submit">{words::show(lang)}</button>
            {more}
        </form>
    }
}

/// The step of all images: links, a slider where scripts run, and a number to type.
fn stepper(a: &PlainQuery, c: &Content, is_single: bool) -> AnyView {
    let lang = a.fmt.lang;
    if c.steps.is_empty() {
        return view! { <div class="stepper"><span class="quiet">{words::no_steps(lang)}</span>{zoom(a)}</div> }
            .into_any();
    }
    let to = |step: i64| a.with(&[("step", Some(step.to_string())), ("page", None)]);
    let all = is_single.then(|| {
        let current = c.is_sheet.then_some("true");
        let href = a.with(&[("step", None), ("diff", None), ("page", None)]);
        view! { <a class="button" href=href aria-current=current>{words::all_steps(lang)}</a> }
    });
    let Some(step) = c.step else { return view! { <div class="stepper">{all}</div> }.into_any() };
    // Steps at or before the chosen one, and before it.
    let (upto, before) = (c.steps.partition_point(|s| *s <= step), c.steps.partition_point(|s| *s < step));
    let link = |to_step: Option<i64>, icon: &'static str, label: &'static str, key: &'static str| {
        match to_step {
        Some(s) => view! { <a class="step" data-noscroll="" data-step=key href=to(s) aria-label=label title=label><Icon name=icon/></a> }.into_any(),
        None => view! { <span class="step off" aria-hidden="true"><Icon name=icon/></span> }.into_any(),
    }
    };
    let previous = before.checked_sub(1).and_then(|i| c.steps.get(i)).copied();
    let next = c.steps.get(upto).copied();
    let end = |at: Option<&i64>, label: &'static str| {
        let href = at.filter(|s| **s != step).map(|s| to(*s));
        href.map(|href| view! { <a class="tool" data-noscroll="" href=href>{label}</a> })
    };
    let (last, at) = (c.steps.len().saturating_sub(1), upto.saturating_sub(1));
    let list = c.steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    // What a slider leads to, with the step in the place of a mark that stands in no address of ours.
    let pattern = a.with(&[("step", Some("STEP".to_owned())), ("page", None)]);
    let shown = words::step_of(lang, step, at + 1, c.steps.len());
    view! {
        <div class="stepper">
            <nav class="pager" aria-label=words::steps(lang)>
                {end(c.steps.first(), words::step_first(lang))}
                {link(previous, "chevron-left", words::step_previous(lang), "previous")}
                <output data-step-shown="">{shown}</output>
                {link(next, "chevron-right", words::step_next(lang), "next")}
                {end(c.steps.last(), words::step_last(lang))}
            </nav>
            <input type="range" class="scripted" min="0" max=last.to_string() value=at.to_string() data-steps=list data-href=pattern
                data-label=words::step(lang) aria-label=words::step(lang) aria-valuetext=step.to_string()/>
            <form method="get" action=a.path.clone()>
                {a.hidden_without(&["step", "page"])}
                <label><span class="said">{words::step(lang)}</span><input type="number" name="step" value=step.to_string()/></label>
                <button class="button" type="submit">{words::step_go(lang)}</button>
            </form>
            {all}
            {zoom(a)}
        </div>
    }
    .into_any()
}

fn zoom(a: &PlainQuery) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let button = |key: &'static str, sign: &'static str, label: &'static str| {
        // What is seen is a part of what is heard.
        let said = format!("{label} ({sign})");
        view! { <button class="button" type="button" data-zoom=key aria-label=said title=label>{sign}</button> }
    };
    view! {
        <span class="zoom scripted" role="group" aria-label=words::zoom(lang)>
            {button("out", "−", words::zoom_out(lang))}
            <button class="button" type="button" data-zoom="reset">{words::zoom_reset(lang)}</button>
            {button("in", "+", words::zoom_in(lang))}
            <small class="quiet">{words::keys(lang)}</small>
        </span>
    }
}

fn pane(a: &PlainQuery, c: &Content, p: &Pane) -> AnyView {
    let lang = a.fmt.lang;
    let run = run_name(&p.run);
    let (frame, notes) = match &p.shown {
        Ok(image) => (frame(a, c, p, image), image_notes(a, c, p, image)),
        Err(absent) => {
            let text = match absent {
                Absent::Unlisted(why) => words::unlisted(lang, why),
                Absent::NoSuchName => words::missing(lang).to_owned(),
                Absent::NotYet(first) => words::missing_before(lang, c.step.unwrap_or_default(), first),
            };
            (view! { <p class="absent quiet">{text}</p> }.into_any(), ().into_any())
        }
    };
    let title = (!c.is_sheet).then(|| view! { <a class="run" href=a.to(&addresses::run(&p.run.id)) title=run.clone()><bdi>{run.clone()}</bdi></a> });
    view! { <figure>{frame}<figcaption>{title}{notes}</figcaption></figure> }.into_any()
}

/// The step of an image in words.
fn step_words(a: &PlainQuery, c: &Content, image: &RunImage) -> String {
    let lang = a.fmt.lang;
    match (image.step, c.step) {
        (Some(step), Some(asked)) if step != asked => words::at_before(lang, step, asked),
        (Some(step), _) => words::at_step(lang, step),
        (None, _) => words::without_step(lang).to_owned(),
    }
}

/// Under an image: its step, how it is compared, and where it leads.
fn image_notes(a: &PlainQuery, c: &Content, p: &Pane, image: &RunImage) -> AnyView {
    let lang = a.fmt.lang;
    let step = step_words(a, c, image);
    let compared = match &p.difference {
        Difference::None | Difference::From(_, _, None) => None,
        Difference::Base => Some(words::diff_base(lang).to_owned()),
        Difference::From(_, _, Some([(w, h), (bw, bh)])) => Some(words::diff_sizes(lang, w, h, bw, bh)),
        Difference::Unknown => Some(words::diff_unknown(lang).to_owned()),
        Difference::NoBase => Some(words::diff_no_base(lang).to_owned()),
    };
    let frame = (image.kind == ImageKind::Gif).then(|| format!("GIF, {}", words::first_frame(lang)));
    let notes: Vec<String> = [Some(step.clone()), frame, compared].into_iter().flatten().collect();
    let open = {
        let label = words::open_of(lang, &*c.name, run_name(&p.run), &*step);
        view! { <a class="tool" href=addresses::run_file(&p.run.id, &image.path) aria-label=label>{words::open(lang)}</a> }
    };
    let single = c.listed.len() == 1;
    let diff = match (c.is_sheet || image.kind == ImageKind::Svg, &p.difference) {
        (true, _) => None,
        (_, Difference::None) if !single => Some((words::diff_from(lang), Some(p.run.id.to_string()))),
        (_, Difference::None) if image.step.is_some() => Some((words::diff_before(lang), Some(p.run.id.to_string()))),
        (_, Difference::None) => None,
        (_, Difference::Base) => Some((words::diff_off(lang), None)),
        _ if single => Some((words::diff_off(lang), None)),
        _ => Some((words::diff_from(lang), Some(p.run.id.to_string()))),
    };
    let diff = diff.map(|(label, id)| {
        let href = a.with(&[("diff", id)]);
        view! { <a class="tool" data-noscroll="" href=href>{label}</a> }
    });
    view! { <span class="quiet">{notes.join(" · ")}</span><span class="tools">{open}{diff}</span> }.into_any()
}

/// The image in a frame of its own; in a sheet it leads to its step.
fn frame(a: &PlainQuery, c: &Content, p: &Pane, image: &RunImage) -> AnyView {
    let lang = a.fmt.lang;
    if image.kind == ImageKind::Svg {
        return view! { <p class="absent quiet">{words::svg(lang)}</p> }.into_any();
    }
    let side = match (c.panes.len(), c.is_sheet) {
        (1, false) => 1280,
        (2..=6, false) => 640,
        _ => 320,
    };
    let run = run_name(&p.run);
    let alt = words::alt(lang, &*c.name, &*run, step_words(a, c, image));
    let own = |alt: String, class: Option<&'static str>| picture(a, &p.run, image, side, alt, class);
    if c.is_sheet {
        let href = a.with(&[("step", image.step.map(|s| s.to_string())), ("page", None)]);
        return view! { <a class="image-frame" href=href>{own(alt, None)}</a> }.into_any();
    }
    match &p.difference {
        Difference::From(base, below, _) => {
            let label = words::alt_diff(lang, &*c.name, &*run, run_name(base));
            view! {
                <div class="image-frame difference" data-frame="">
                    {picture(a, base, below, side, String::new(), None)}
                    {own(label, Some("laid-over"))}
                </div>
            }
            .into_any()
        }
        _ => view! { <div class="image-frame" data-frame="">{own(alt, None)}</div> }.into_any(),
    }
}

fn picture(
    a: &PlainQuery,
    run: &Run,
    image: &RunImage,
    side: u32,
    alt: String,
    class: Option<&'static str>,
) -> impl IntoView + use<> {
    let lang = a.fmt.lang;
    let path = ("path".to_owned(), image.path.to_string());
    let more = [("size".to_owned(), side.to_string()), ("words".to_owned(), lang.code().to_owned())];
    let src = links::href(&format!("/api/runs/{}/thumbnail", run.id), &[&[path.clone()][..], &more].concat());
    // What browsers draw, and is no more than a page may load.
    let is_drawn = matches!(image.kind, ImageKind::Png | ImageKind::Jpeg | ImageKind::WebP);
    let full = (is_drawn && image.size.is_some_and(|n| n <= FULL_BYTES))
        .then(|| links::href(&format!("/api/runs/{}/artifacts/file", run.id), &[path]));
    view! { <img class=class src=src alt=alt loading="lazy" draggable="false" data-full=full data-broken=words::broken(lang)/> }
}
