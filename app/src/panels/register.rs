//! The form that registers what a run left as a version of a model.

use leptos::prelude::*;

use super::words;
use crate::i18n::Lang;

/// So many models are offered by name.
const OFFERED: usize = 200;

/// What the form is made with.
#[derive(Debug, Clone)]
pub struct RegisterForm {
    pub lang: Lang,
    /// Where it is sent.
    pub action: &'static str,
    pub run: String,
    /// What stands in its fields.
    pub model: String,
    pub path: String,
    pub description: String,
    /// The field that was refused, and why.
    pub fault: Option<(String, String)>,
}

impl RegisterForm {
    /// The form; `models` are the names of those that there are.
    pub fn draw<'n>(self, models: impl Iterator<Item = &'n str>) -> AnyView {
        let Self { lang, action, run, model, path, description, fault } = self;
        let options: Vec<_> =
            models.take(OFFERED).map(|name| view! { <option value=name.to_owned()></option> }).collect();
        let open = fault.is_some();
        let why = |name: &str| fault.as_ref().filter(|(field, _)| field == name).map(|(_, why)| why.clone());
        let field = |name: &'static str,
                     label: &'static str,
                     help: &'static str,
                     value: String,
                     list: Option<&'static str>| {
            let (id, why) = (format!("register-{name}"), why(name));
            let bad = why.is_some().then_some("true");
            view! {
                <div class="field">
                    <label for=id.clone()>{label}</label>
                    <input id=id.clone() name=name value=value list=list autocomplete="off" spellcheck="false" aria-invalid=bad
                        aria-describedby=format!("{id}-help")/>
                    {why.map(|why| view! { <p class="fault" role="alert"><bdi>{why}</bdi></p> })}
                    <small class="quiet" id=format!("{id}-help")>{help}</small>
                </div>
            }
        };
        let model = field(
            "model",
            words::register_model(lang),
            words::register_model_help(lang),
            model,
            Some("register-models"),
        );
        let path = field("path", words::register_path(lang), words::register_path_help(lang), path, None);
        let text = field("reason", words::register_text(lang), words::register_text_help(lang), description, None);
        view! {
            <section class="card registering" aria-labelledby="register">
                <h2 id="register">{words::register(lang)}</h2>
                <details open=open>
                    <summary>{words::register_open(lang)}</summary>
                    <form method="post" action=action>
                        <input type="hidden" name="act" value="register"/>
                        <input type="hidden" name="run" value=run/>
                        <datalist id="register-models">{options}</datalist>
                        <div class="fields">{model}{path}{text}</div>
                        <div class="acts"><button class="button">{words::register_do(lang)}</button></div>
                    </form>
                </details>
            </section>
        }
        .into_any()
    }
}
