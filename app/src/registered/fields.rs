//! Fields of the forms of this page.

use leptos::prelude::*;

use crate::shell::{plain_query::PlainQuery, refused::Refused};

/// What stands in a field of a form.
pub(super) struct Fields<'a> {
    pub a: &'a PlainQuery,
    pub refused: Option<&'a Refused>,
}

impl Fields<'_> {
    /// What was sent and refused, else what the address says.
    pub(super) fn value(&self, name: &str) -> String {
        let sent =
            self.refused.and_then(|r| r.fields.iter().find(|(key, _)| key == name)).map(|(_, value)| value.clone());
        sent.unwrap_or_else(|| self.a.get(name).unwrap_or_default().to_owned())
    }

    /// Why the field was refused.
    pub(super) fn fault(&self, name: &str) -> Option<String> {
        let e = &self.refused?.error;
        (e.field.as_deref() == Some(name)).then(|| self.a.fmt.lang.message(e.message.clone()))
    }
}

/// A line of text to type, with why it was refused.
pub(super) fn text_field(
    fields: &Fields<'_>,
    form: &str,
    name: &'static str,
    label: &str,
    help: &str,
) -> impl IntoView + use<> {
    let id = format!("{form}-{name}");
    let fault = fields.fault(name);
    let bad = fault.is_some().then_some("true");
    view! {
        <div class="field">
            <label for=id.clone()>{label.to_owned()}</label>
            <input id=id.clone() name=name value=fields.value(name) autocomplete="off" spellcheck="false" aria-invalid=bad
                aria-describedby=format!("{id}-help")/>
            {fault.map(|why| view! { <p class="fault" role="alert">{why}</p> })}
            <small class="quiet" id=format!("{id}-help")>{help.to_owned()}</small>
        </div>
    }
}
