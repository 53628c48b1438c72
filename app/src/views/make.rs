//! Makes the page of saved views and its forms.

use domain::{
    Error, Result,
    params::{QueryParams, decode, pairs},
    saved_view::{MAX_VIEW_NAME, SavedView, ViewId},
    scope::clip_text,
};
use usecases::{ActorViews, Views, new_key};

use super::{
    html::{self, FieldView, FormView, RowView},
    sentences,
    view::ViewsPage,
    words,
    write::LIST,
};
use crate::{
    i18n::Lang,
    shell::{
        context::{Request, Services},
        error::set_status,
        head::{PageAddress, plain_head},
        page_query::PageQuery,
        refused::Refused,
        top::{Crumb, PageHead},
    },
    ui::{empty::EmptyView, menu::Link},
};

/// The overview, whatever the visitor starts with: `/` alone leads to the start page.
const OVERVIEW: &str = "/?from=now-7d";

/// The pairs of the address, or those of a form that was refused.
struct Given(Vec<(String, String)>);

impl Given {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(k, _)| k == key).map(|(_, value)| &**value)
    }
    fn view(&self) -> Option<ViewId> {
        self.get("view")?.parse().ok().map(ViewId)
    }
}

/// What stands at an address: the list, or the form that `act` names. `refused` is the write that was sent there without a script.
///
/// # Errors
/// An address that cannot be read; a view that is not there, or that the visitor may not change; what the store does not answer.
pub async fn page(
    services: &Services,
    request: &Request,
    address: &str,
    refused: Option<Refused>,
) -> Result<ViewsPage> {
    let a = PageQuery::read(services, request, QueryParams::default()).await?;
    let (lang, views) = (a.fmt.lang, &*services.views);
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let given = Given(match &refused {
        Some(refused) => refused.fields.clone(),
        None => pairs(query)?,
    });
    let (title, form) = match given.get("act") {
        Some("save") => (words::save_title(lang), Some(save(views, lang, &given)?)),
        Some("change") => (words::change_title(lang), Some(change(views, lang, &given).await?)),
        Some("delete") => (words::delete_title(lang), Some(delete(views, lang, &given).await?)),
        _ => (words::title(lang), None),
    };
    let mut head = plain_head(services, &a, PageAddress::Installation(LIST), title.into(), false).await;
    // Nothing here grows old, and it is no view to be saved.
    (head.live, head.save) = (None, None);
    // Only now: until here the answer may have had another status.
    let fault = refused.map(|r| {
        set_status(r.error.kind);
        (r.error.field.unwrap_or_default(), lang.message(r.error.message))
    });
    let fault = fault.unwrap_or_default();
    if let Some(form) = form {
        let to_list =
            Crumb { label: words::title(lang).into(), href: LIST.into(), what: String::new(), siblings: vec![] };
        head.crumbs.insert(0, to_list);
        let (caption, foot, rows) = (String::new(), String::new(), vec![]);
        let (notes, form) = (html::notes(None, &fault, None, None), Some((new_key()?, html::form(form, &fault))));
        return Ok(ViewsPage { head, notes, caption, foot, rows, form });
    }
    list(head, views, &a, &given, &fault).await
}

/// What the address says was done.
fn outcome(lang: Lang, given: &Given, views: &[SavedView]) -> html::Note {
    let view = given.view().and_then(|id| views.iter().find(|v| v.id == id));
    let open = |view: &SavedView| vec![Link { label: words::open(lang).into(), ..to(view) }];
    match (given.get("done")?, view) {
        ("saved", Some(view)) => Some((words::saved(lang, view.name.as_str()), open(view))),
        ("changed", Some(view)) => Some((words::changed(lang, view.name.as_str()), open(view))),
        ("start", Some(view)) => Some((words::starts(lang, view.name.as_str()), open(view))),
        ("start", None) => Some((words::starts_overview(lang).into(), vec![])),
        ("deleted", _) => Some((words::deleted(lang).into(), vec![])),
        ("gone", _) => Some((words::gone(lang).into(), vec![])),
        _ => None,
    }
}

/// The page of all views that the visitor may see.
async fn list(
    head: PageHead,
    all: &Views,
    a: &PageQuery,
    given: &Given,
    fault: &html::FieldError,
) -> Result<ViewsPage> {
    let lang = a.fmt.lang;
    let ActorViews { views, start } = all.list().await?;
    let may_keep = all.may_keep(false);
    let foot = if may_keep { words::how(lang) } else { words::how_read(lang) };
    let overview = |label: &str| Link { label: label.into(), href: OVERVIEW.into(), current: false };
    let first = views.iter().find(|v| start == Some(v.id));
    // Not twice: it may have been chosen just now.
    let first = first.filter(|_| given.get("done") != Some("start"));
    let first = first.map(|v| (words::your_start(lang, v.name.as_str()), vec![overview(words::see_overview(lang))]));
    let empty = views.is_empty().then(|| EmptyView {
        title: words::none_title(lang).into(),
        text: foot.into(),
        commands: vec![],
        action: Some(overview(words::to_overview(lang))),
    });
    Ok(ViewsPage {
        head,
        notes: html::notes(outcome(lang, given, &views), fault, first, empty),
        caption: words::caption(lang, a.fmt.count(views.len() as u64)),
        foot: foot.into(),
        rows: views.iter().map(|v| html::row(row(all, a, v, may_keep, start == Some(v.id)))).collect(),
        form: None,
    })
}

fn to(v: &SavedView) -> Link {
    Link { label: v.name.as_str().into(), href: v.link.as_str().into(), current: false }
}

fn row(all: &Views, a: &PageQuery, v: &SavedView, may_keep: bool, is_start: bool) -> RowView {
    let (lang, name) = (a.fmt.lang, v.name.as_str());
    let link = |act: &str, label: &str, name: String| {
        (Link { label: label.into(), href: format!("{LIST}?act={act}&view={}", v.id.0), current: false }, name)
    };
    let change = || {
        vec![
            link("change", words::change(lang), words::change_name(lang, name)),
            link("delete", words::delete(lang), words::delete_name(lang, name)),
        ]
    };
    let (view, submit, label) = if is_start {
        (0, words::start_overview(lang), words::start_overview(lang).to_owned())
    } else {
        (v.id.0, words::start_with(lang), words::start_with_name(lang, name))
    };
    let choose = || FormView {
        hidden: vec![("act".into(), "start".into()), ("view".into(), view.to_string())],
        class: "act".into(),
        submit: submit.into(),
        name: label,
        ..FormView::default()
    };
    RowView {
        view: to(v),
        tag: is_start.then(|| words::is_start(lang).into()),
        address: readable(v),
        shared: v.shared,
        for_actor: if v.shared { words::shared(lang) } else { words::personal(lang) }.into(),
        saved: (
            format!("{} · {}", v.owner, a.fmt.age(Some(v.changed), a.q.now)),
            a.fmt.strftime(v.changed, "%Y-%m-%d %H:%M:%S %Z"),
        ),
        form: may_keep.then(choose),
        links: if all.may_change(v) { change() } else { vec![] },
    }
}

/// The address of a view with the names in it as they are.
fn readable(v: &SavedView) -> String {
    decode(v.link.as_str()).unwrap_or_else(|_| v.link.as_str().into())
}

fn cancel(lang: Lang, href: &str) -> Vec<Link> {
    vec![Link { label: words::cancel(lang).into(), href: href.into(), current: false }]
}

/// The form that saves the page whose address is given.
fn save(views: &Views, lang: Lang, given: &Given) -> Result<FormView> {
    if !views.may_keep(false) {
        return Err(Error::forbidden(sentences::sign_in_to_keep()));
    }
    let link = given.get("link").unwrap_or_default();
    // Back to where it was chosen, when that is an address of ours.
    let ours = link.starts_with('/') && !link.starts_with("//") && !link.contains('\\');
    let address = FieldView {
        name: "link",
        label: words::field_link(lang).into(),
        help: words::field_link_help(lang).into(),
        value: link.into(),
    };
    let shared = given.get("shared") == Some("true");
    Ok(FormView {
        hidden: vec![("act".into(), "save".into())],
        fields: vec![name_field(lang, given.get("name").unwrap_or_default()), address],
        submit: words::save(lang).into(),
        name: words::save(lang).into(),
        cancel: cancel(lang, if ours { link } else { LIST }),
        ..choice(views, lang, words::seen_by_me(lang).into(), shared)
    })
}

fn name_field(lang: Lang, value: &str) -> FieldView {
    FieldView {
        name: "name",
        label: words::field_name(lang).into(),
        help: words::field_name_help(lang, MAX_VIEW_NAME),
        value: value.into(),
    }
}

/// A form that asks whether a view is personal, or shared where the visitor may share.
fn choice(views: &Views, lang: Lang, personal: String, shared: bool) -> FormView {
    let may_share = views.may_keep(true);
    let all = may_share.then(|| ("true".to_owned(), words::seen_by_all(lang).to_owned()));
    FormView {
        question: words::field_seen_by(lang).into(),
        choices: [("false".to_owned(), personal)].into_iter().chain(all).collect(),
        chosen: (shared && may_share).to_string(),
        class: "button primary".into(),
        ..FormView::default()
    }
}

/// The form that changes a view.
async fn change(views: &Views, lang: Lang, given: &Given) -> Result<FormView> {
    let v = the_view(views, given).await?;
    let shared = given.get("shared").map_or(v.shared, |shared| shared == "true");
    let personal =
        if views.is_own(&v) { words::seen_by_me(lang).to_owned() } else { words::only_owner(lang, &v.owner) };
    Ok(FormView {
        hidden: vec![("act".into(), "change".into()), ("view".into(), v.id.0.to_string())],
        fields: vec![name_field(lang, given.get("name").unwrap_or(v.name.as_str()))],
        submit: words::keep_changes(lang).into(),
        name: words::keep_changes(lang).into(),
        cancel: cancel(lang, LIST),
        ..choice(views, lang, personal, shared)
    })
}

/// The query whether to delete a view.
async fn delete(views: &Views, lang: Lang, given: &Given) -> Result<FormView> {
    let v = the_view(views, given).await?;
    let name = v.name.as_str();
    let text = words::delete_text(lang, name, readable(&v));
    let more = v.shared.then(|| words::delete_shared(lang).to_owned());
    Ok(FormView {
        hidden: vec![("act".into(), "delete".into()), ("view".into(), v.id.0.to_string())],
        texts: [text].into_iter().chain(more).collect(),
        class: "button danger".into(),
        submit: words::delete_go(lang, name),
        name: words::delete_go(lang, name),
        cancel: cancel(lang, LIST),
        ..FormView::default()
    })
}

/// The view that is named, if the visitor may change it.
async fn the_view(views: &Views, given: &Given) -> Result<SavedView> {
    let Some(id) = given.view() else {
        return Err(Error::not_found(sentences::which_view(clip_text(given.get("view").unwrap_or_default()))));
    };
    views.changeable(id).await
}
