//! Makes the page: what there is, what was not delivered, and the form that adds one.

use domain::{
    Result,
    ports::DeliveriesQuery,
    webhook::{Delivery, DeliveryState, PauseReason, Topic, WebhookSecret},
};
use leptos::prelude::*;
use usecases::webhooks::SeenWebhook;

use super::words;
use crate::{
    i18n::Lang,
    panels::tracking,
    shell::{
        addresses,
        context::{Request, Services},
        drawn::DrawnView,
        error::set_status,
        plain_query::PlainQuery,
        refused::Refused,
        top::Crumb,
    },
    ui::fmt::capital,
};

/// The keys of this page: what was done just now, and to which webhook.
const KEYS: [&str; 2] = ["done", "webhook"];
/// So many dead letters are listed.
const DEAD: usize = 50;
/// Fields beside which it is said what is wrong with them.
const FIELDS: [&str; 4] = ["url", "events", "model", "secret"];

struct Context {
    a: PlainQuery,
    refused: Option<Refused>,
    may: bool,
}

impl Context {
    fn lang(&self) -> Lang {
        self.a.fmt.lang
    }

    /// What was sent in a field of the form that adds a webhook, and refused.
    fn sent(&self, name: &str) -> Option<&str> {
        let fields = &self.refused.as_ref()?.fields;
        let of = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        if of("act") == Some("add") { of(name) } else { None }
    }

    fn adds(&self) -> bool {
        self.sent("act").is_some()
    }

    fn fault_of(&self, name: &str) -> Option<AnyView> {
        let e = &self.refused.as_ref()?.error;
        (e.field.as_deref() == Some(name)).then(|| {
            let why = capital(&self.lang().message(e.message.clone()));
            view! { <p class="fault" role="alert"><bdi>{why}</bdi></p> }.into_any()
        })
    }

    /// Why a form was refused, where that is said beside no field.
    fn fault(&self) -> Option<AnyView> {
        let e = &self.refused.as_ref()?.error;
        let beside = self.adds() && e.field.as_deref().is_some_and(|f| FIELDS.contains(&f));
        (!beside).then(|| {
            let why = capital(&self.lang().message(e.message.clone()));
            view! { <p class="banner bad" role="alert"><bdi>{why}</bdi>"."</p> }.into_any()
        })
    }

    /// What was done just now.
    fn outcome(&self) -> Option<AnyView> {
        let (lang, id) = (self.lang(), self.a.get("webhook")?.parse::<i64>().ok()?);
        let text = match self.a.get("done")? {
            "added" => words::done_added(lang, id),
            "tested" => words::done_tested(lang, id),
            "paused" => words::done_paused(lang, id),
            "resumed" => words::done_resumed(lang, id),
            "removed" => words::done_removed(lang, id),
            "replayed" => words::done_replayed(lang, id),
            _ => return None,
        };
        Some(view! { <p class="banner" role="status">{text}</p> }.into_any())
    }
}

/// The page.
///
/// # Errors
/// Unknown keys, and those that are given twice; what cannot be read just now.
pub async fn page(
    services: &Services,
    request: &Request,
    address: &str,
    refused: Option<Refused>,
) -> Result<DrawnView> {
    let a = PlainQuery::read(services, request, address, &KEYS, &[])?;
    let webhooks = &services.webhooks;
    let may = webhooks.may_change();
    let found = webhooks.list().await?;
    let dead = DeliveriesQuery { state: Some(DeliveryState::Dead), most: DEAD, ..DeliveriesQuery::default() };
    let dead = webhooks.deliveries(&dead).await?;
    // Whoever may set them and has no name cannot.
    let secret = if may { webhooks.new_secret().ok() } else { None };
    let p = Context { a, refused, may: secret.is_some() };
    if let Some(refused) = &p.refused {
        set_status(refused.error.kind);
    }
    let (a, lang) = (&p.a, p.lang());
    let none = found.is_empty().then(|| view! { <p class="quiet">{words::none(lang)}</p> });
    let note = (!p.may).then(|| view! { <p class="quiet">{words::only_operators(lang)}</p> });
    let html = view! {
        {p.fault()}
        {p.outcome()}
        {tracking::mistakes(lang, a.mistakes())}
        <p class="lead quiet">{words::lead(lang)}</p>
        {none}
        {(!found.is_empty()).then(|| list(&p, &found))}
        {(!dead.is_empty()).then(|| dead_letters(&p, &dead))}
        {secret.map(|secret| form(&p, &secret))}
        {note}
    }
    .to_html();
    let root = Crumb { label: words::models(lang).into(), href: a.to(addresses::MODELS), ..Crumb::default() };
    let here = Crumb { label: words::title(lang).into(), href: a.to(addresses::WEBHOOKS), ..Crumb::default() };
    let title = words::title(lang).to_owned();
    let mut head = a.head(services, vec![root, here], title, String::new(), services.models.generation());
    // What somebody types stays: the page is not drawn again by itself.
    (head.live, head.save) = (None, None);
    Ok(DrawnView::new(head, words::about(lang), &html))
}

fn topic_word(lang: Lang, topic: Topic) -> &'static str {
    match topic {
        Topic::Request => words::event_request(lang),
        Topic::Approval => words::event_approval(lang),
        Topic::Promotion => words::event_promotion(lang),
        Topic::Rollback => words::event_rollback(lang),
    }
}

/// A state by sign and words.
fn mark(class: &'static str, sign: &'static str, text: String) -> AnyView {
    view! { <span class="status"><span class=class aria-hidden="true">{sign}</span>{text}</span> }.into_any()
}

fn table(label: &str, heads: &[&'static str], rows: Vec<AnyView>) -> AnyView {
    let head = heads.iter().map(|label| view! { <th scope="col">{*label}</th> }).collect_view();
    view! {
        <div class="scroll" role="region" tabindex="0" aria-label=label.to_owned()>
            <table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
    .into_any()
}

fn list(p: &Context, found: &[SeenWebhook]) -> AnyView {
    let lang = p.lang();
    let mut heads = vec![
        words::col_number(lang),
        words::col_address(lang),
        words::col_events(lang),
        words::col_model(lang),
        words::col_state(lang),
        words::col_last(lang),
        words::col_waiting(lang),
        words::col_dead(lang),
    ];
    heads.extend(p.may.then(|| words::col_acts(lang)));
    let rows = found.iter().map(|seen| row(p, seen)).collect();
    let table = table(words::title(lang), &heads, rows);
    view! { <section class="card models" aria-label=words::title(lang)>{table}</section> }.into_any()
}

fn row(p: &Context, seen: &SeenWebhook) -> AnyView {
    let (lang, fmt, webhook) = (p.lang(), &p.a.fmt, &seen.webhook);
    let events = webhook.topics.iter().map(|t| view! { <div>{topic_word(lang, t)}</div> }).collect_view();
    let model = webhook.model.as_ref().map_or_else(|| words::all_models(lang).to_owned(), ToString::to_string);
    let state = match webhook.paused {
        None => mark("mark ok", "● ", words::on(lang).to_owned()),
        Some(PauseReason::Person) => mark("mark", "○ ", words::paused(lang).to_owned()),
        Some(PauseReason::Gone) => mark("mark late", "▲ ", words::gone(lang).to_owned()),
    };
    let last = seen.last.as_ref().map_or_else(
        || view! { <span class="quiet">{words::nothing_sent(lang)}</span> }.into_any(),
        |d| last_delivery(p, d),
    );
    let acts = p.may.then(|| view! { <td><div class="acts">{acts(p, seen)}</div></td> });
    view! {
        <tr>
            <td>{webhook.id.0}</td>
            <td><bdi>{seen.address.clone()}</bdi></td>
            <td>{events}</td>
            <td><bdi>{model}</bdi></td>
            <td>{state}</td>
            <td>{last}</td>
            <td>{fmt.count(webhook.pending)}</td>
            <td>{fmt.count(webhook.dead)}</td>
            {acts}
        </tr>
    }
    .into_any()
}

fn last_delivery(p: &Context, d: &Delivery) -> AnyView {
    let lang = p.lang();
    let (class, sign, text) = match d.state {
        DeliveryState::Sent => ("mark ok", "● ", words::sent(lang)),
        DeliveryState::Pending => ("mark running", "◐ ", words::pending(lang)),
        DeliveryState::Dead => ("mark bad", "✕ ", words::dead(lang)),
    };
    let why = d.error.as_ref().map(|e| view! { <div class="quiet"><bdi>{capital(lang.reason(e))}</bdi></div> });
    view! {
        {mark(class, sign, text.to_owned())}
        <div><small><code>{d.kind.clone()}</code>" "{tracking::moment(&p.a.fmt, d.tried, p.a.now)}</small></div>
        {why}
    }
    .into_any()
}

/// A button that does one thing to one webhook or delivery.
fn button(act: &'static str, id: i64, label: &'static str, name: String, class: &'static str) -> AnyView {
    view! {
        <form method="post" action=addresses::WEBHOOKS>
            <input type="hidden" name="act" value=act/>
            <input type="hidden" name="id" value=id.to_string()/>
            <button class=class type="submit" aria-label=name>{label}</button>
        </form>
    }
    .into_any()
}

fn acts(p: &Context, seen: &SeenWebhook) -> AnyView {
    let (lang, id) = (p.lang(), seen.webhook.id.0);
    let pause = match seen.webhook.paused {
        None => button("pause", id, words::pause(lang), words::pause_name(lang, id), "act"),
        Some(_) => button("resume", id, words::resume(lang), words::resume_name(lang, id), "act"),
    };
    view! {
        {button("test", id, words::test(lang), words::test_name(lang, id), "act")}
        {pause}
        <details>
            <summary>{words::remove(lang)}</summary>
            <form method="post" action=addresses::WEBHOOKS>
                <input type="hidden" name="act" value="remove"/>
                <input type="hidden" name="id" value=id.to_string()/>
                <button class="button danger" type="submit">{words::remove_go(lang, id)}</button>
            </form>
        </details>
    }
    .into_any()
}

fn dead_letters(p: &Context, dead: &[Delivery]) -> AnyView {
    let lang = p.lang();
    let mut heads = vec![
        words::col_number(lang),
        words::col_message(lang),
        words::col_model(lang),
        words::col_webhook(lang),
        words::col_happened(lang),
        words::col_attempts(lang),
        words::col_why(lang),
    ];
    heads.extend(p.may.then(|| words::col_acts(lang)));
    let row = |d: &Delivery| {
        let id = d.id.0;
        let why = d.error.as_ref().map(|e| capital(lang.reason(e)));
        let again = p.may.then(|| {
            let button = button("replay", id, words::replay(lang), words::replay_name(lang, id), "act");
            view! { <td>{button}</td> }
        });
        view! {
            <tr>
                <td>{id}</td>
                <td><code>{d.kind.clone()}</code></td>
                <td><bdi>{d.model.to_string()}</bdi></td>
                <td>{d.webhook.0}</td>
                <td>{tracking::moment(&p.a.fmt, Some(d.created), p.a.now)}</td>
                <td>{d.attempts}</td>
                <td><bdi>{why}</bdi></td>
                {again}
            </tr>
        }
        .into_any()
    };
    let table = table(words::dead_title(lang), &heads, dead.iter().map(row).collect());
    view! {
        <section class="card models" aria-labelledby="dead">
            <h2 id="dead">{words::dead_title(lang)}</h2>
            {table}
        </section>
    }
    .into_any()
}

/// A line to type into, with why it was refused.
fn field(p: &Context, name: &'static str, label: &'static str, help: &'static str, usual: &str) -> AnyView {
    let fault = p.fault_of(name);
    let value = p.sent(name).unwrap_or(usual).to_owned();
    let bad = fault.is_some().then_some("true");
    let required = matches!(name, "url" | "secret");
    let help_id = format!("{name}-help");
    view! {
        <div class="field">
            <label for=name>{label}</label>
            <input id=name name=name value=value required=required autocomplete="off" spellcheck="false" aria-invalid=bad
                aria-describedby=help_id.clone()/>
            {fault}
            <small class="quiet" id=help_id>{help}</small>
        </div>
    }
    .into_any()
}

/// The secret stands in the form, so that it is shown once and to nobody else: what is kept of it cannot be read back.
fn form(p: &Context, secret: &WebhookSecret) -> AnyView {
    let lang = p.lang();
    let tick = |topic: Topic| {
        let name = topic.as_str();
        let ticked = !p.adds() || p.sent(name).is_some();
        view! {
            <div><label><input type="checkbox" name=name value=name checked=ticked/>" "{topic_word(lang, topic)}</label></div>
        }
    };
    view! {
        <section class="card form decision" aria-labelledby="add">
            <h2 id="add">{words::add_title(lang)}</h2>
            <form method="post" action=addresses::WEBHOOKS>
                <input type="hidden" name="act" value="add"/>
                <div class="fields">
                    {field(p, "url", words::field_url(lang), words::field_url_help(lang), "")}
                    <fieldset class="field">
                        <legend>{words::field_events(lang)}</legend>
                        {Topic::ALL.map(tick).collect_view()}
                        {p.fault_of("events")}
                    </fieldset>
                    {field(p, "model", words::field_model(lang), words::field_model_help(lang), "")}
                    {field(p, "secret", words::field_secret(lang), words::field_secret_help(lang), &secret.0)}
                </div>
                <div class="acts"><button class="button primary" type="submit">{words::add(lang)}</button></div>
            </form>
        </section>
    }
    .into_any()
}
