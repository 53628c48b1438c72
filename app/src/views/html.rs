//! Writes the content of the page, on the server alone.

use leptos::prelude::*;

use crate::ui::{
    empty::{Empty, EmptyView},
    icon::Icon,
    menu::Link,
};

/// A saved view.
#[derive(Debug)]
pub(super) struct RowView {
    pub view: Link,
    /// Says that the visitor starts with it.
    pub tag: Option<String>,
    /// The address as people read it.
    pub address: String,
    pub shared: bool,
    pub for_actor: String,
    /// By whom and when; with the whole moment.
    pub saved: (String, String),
    /// The form that starts with it.
    pub form: Option<FormView>,
    /// Where else it can be acted upon, each with its name for those who listen.
    pub links: Vec<(Link, String)>,
}

/// A form that writes.
#[derive(Debug, Default)]
pub(super) struct FormView {
    pub hidden: Vec<(String, String)>,
    /// What it asks, in paragraphs.
    pub texts: Vec<String>,
    pub fields: Vec<FieldView>,
    /// Personal or shared: the query, values with their labels, and the value that is chosen.
    pub question: String,
    pub choices: Vec<(String, String)>,
    pub chosen: String,
    /// The button: its class, its text, and its name for those who listen.
    pub class: String,
    pub submit: String,
    pub name: String,
    pub cancel: Vec<Link>,
}

/// A line of text to type.
#[derive(Debug)]
pub(super) struct FieldView {
    pub name: &'static str,
    pub label: String,
    pub help: String,
    pub value: String,
}

/// What was refused: the field, or none, and why; empty when nothing was.
pub(super) type FieldError = (String, String);

/// Sentences with where they lead: what was done, what the visitor starts with.
pub(super) type Note = Option<(String, Vec<Link>)>;

/// What stands above the list or the form.
pub(super) fn notes(done: Note, fault: &FieldError, start: Note, empty: Option<EmptyView>) -> String {
    let general = fault.0.is_empty().then(|| fault.1.clone());
    view! {
        {done.map(|(text, links)| view! {
            <p class="banner done" role="status"><Icon name="circle-check"/><span>{text}{all(links)}</span></p>
        })}
        <p class="banner bad" id="-fault" role="alert">{general.filter(|text| !text.is_empty())}</p>
        {start.map(|(text, links)| view! { <p class="lead">{text}{all(links)}</p> })}
        {empty.map(|empty| view! { <Empty empty/> })}
    }
    .to_html()
}

fn all(links: Vec<Link>) -> impl IntoView {
    links.into_iter().map(|to| view! { " "<a href=to.href><bdi>{to.label}</bdi></a> }).collect_view()
}

/// A view of the list, and its form.
pub(super) fn row(r: RowView) -> (String, String) {
    let html = view! {
        <div class="what">
            <p><a href=r.view.href><bdi>{r.view.label}</bdi></a>{r.tag.map(|tag| view! { " "<span class="tag">{tag}</span> })}</p>
            <small class="quiet"><bdi>{r.address}</bdi></small>
        </div>
        <span class="seen-by"><Icon name=if r.shared { "users" } else { "lock" }/>{r.for_actor}</span>
        <span class="quiet" title=r.saved.1>{r.saved.0}</span>
        <div class="acts">
            {r.links.into_iter().map(|(to, name)| view! { <a class="act" href=to.href aria-label=name>{to.label}</a> }).collect_view()}
        </div>
    };
    (html.to_html(), r.form.map_or_else(String::new, |f| form(f, &FieldError::default())))
}

/// What a form holds.
pub(super) fn form(f: FormView, fault: &FieldError) -> String {
    let choices: Vec<_> = f
        .choices
        .into_iter()
        .map(|(value, label)| {
            let checked = value == f.chosen;
            view! { <label><input type="radio" name="shared" value=value checked=checked/>{label}</label> }
        })
        .collect();
    view! {
        {f.hidden.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value/> }).collect_view()}
        {f.texts.into_iter().map(|text| view! { <p>{text}</p> }).collect_view()}
        {f.fields.into_iter().map(|field| text(field, fault)).collect_view()}
        {(!choices.is_empty()).then(|| view! {
            <fieldset class="choice"><legend>{f.question}</legend>{choices}{said("shared", fault)}</fieldset>
        })}
        <div class="acts">
            <button class=f.class aria-label=f.name>{f.submit}</button>
            {f.cancel.into_iter().map(|to| view! { <a class="button" href=to.href>{to.label}</a> }).collect_view()}
        </div>
    }
    .to_html()
}

fn text(field: FieldView, fault: &FieldError) -> impl IntoView + use<> {
    let name = field.name;
    let is_bad = (fault.0 == name).then_some("true");
    view! {
        <label for=name>{field.label}</label>
        <input id=name name=name value=field.value autocomplete="off" spellcheck="false" aria-invalid=is_bad
            aria-describedby=format!("{name}-fault {name}-help")/>
        {said(name, fault)}
        <small class="quiet" id=format!("{name}-help")>{field.help}</small>
    }
}

/// Why a field was refused; the browser's program writes it there too ([`super::draw`]).
fn said(name: &'static str, fault: &FieldError) -> impl IntoView + use<> {
    let text = (fault.0 == name).then(|| fault.1.clone());
    view! { <p class="fault" id=format!("{name}-fault") role="alert">{text}</p> }
}
