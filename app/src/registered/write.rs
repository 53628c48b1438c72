//! What the forms of the page do, and where that leads.

use std::str::FromStr;

use domain::{
    Error, Result,
    evidence::{GuardRails, ModelPolicy, Rail},
    model::ModelKey,
    params::QueryParams,
    ports::ComparisonId,
    scope::{Place, clip_text},
    time::{Millis, parse_moment},
};
use jiff::tz::TimeZone;
use usecases::evidence::{End, EvidenceQuestion, NewRegistration};

use super::sentences;
use crate::{
    shell::{addresses::REGISTERED, context::Services},
    ui::links::href,
};

/// A form as it was sent.
pub(super) struct SubmittedForm {
    pub champion: String,
    pub challenger: String,
    /// Customer, site, zone, task, device.
    pub place: [String; 5],
    pub metric: String,
    pub start: String,
    pub days: String,
    pub margin: String,
    pub minimum_effect: String,
    pub supersedes: String,
    /// `margin`, `limit`, `off`, or `inherit`.
    pub rail: String,
    pub bound: String,
    /// When the policy was changed last, in ms; empty where nobody set one.
    pub seen: String,
}

/// Does what a form asks for, and says where it is seen that it was done.
pub(super) async fn write(services: &Services, act: &str, sent: SubmittedForm) -> Result<String> {
    match act {
        "register" => register(services, &sent).await,
        "rail" => rail(services, &sent).await,
        "days" => days(services, &sent).await,
        other => Err(Error::bad_input(sentences::which_act(clip_text(other)))),
    }
}

/// A number of a field; `None` where it is empty.
fn number<T: FromStr>(text: &str, field: &'static str) -> Result<Option<T>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| Error::bad_input(sentences::no_number(clip_text(text))).at(field))
}

fn model(text: &str, field: &'static str) -> Result<ModelKey> {
    if text.trim().is_empty() {
        return Err(Error::bad_input(sentences::name_it()).at(field));
    }
    ModelKey::parse(text.trim()).map_err(|e| e.at(field))
}

async fn register(services: &Services, sent: &SubmittedForm) -> Result<String> {
    let now = services.clock.now();
    let some = |text: &String| Some(text.trim().to_owned()).filter(|t| !t.is_empty());
    let [customer, site, zone, task, device] = sent.place.each_ref().map(some);
    let metric = some(&sent.metric);
    let params = QueryParams { customer, site, zone, task, device, metric, ..QueryParams::default() };
    let asked = params.read(now, &TimeZone::UTC)?;
    let question = EvidenceQuestion {
        champion: model(&sent.champion, "champion")?,
        challenger: model(&sent.challenger, "challenger")?,
        scope: asked.scope.clone(),
        metric: asked.metric.clone(),
        design: None,
        shown: None,
    };
    let start = some(&sent.start).map(|t| parse_moment(&t, now, &TimeZone::UTC).map_err(|e| e.at("start")));
    let start = start.transpose()?;
    let days: Option<u32> = number(&sent.days, "days")?;
    let new = NewRegistration {
        start,
        horizon: days.map(End::Days),
        margin: number(&sent.margin, "margin")?,
        minimum_effect: number(&sent.minimum_effect, "minimum_effect")?,
        share: None,
        claims: vec![],
        supersedes: number(&sent.supersedes, "supersedes")?.map(ComparisonId),
    };
    // Its field is called otherwise here.
    let renamed = |e: Error| if e.field == Some("horizon") { e.at("days") } else { e };
    let kept = services.evidence.register(&question, &new).await.map_err(renamed)?;
    Ok(href(REGISTERED, &[("done".to_owned(), "registered".to_owned()), ("id".to_owned(), kept.id.0.to_string())]))
}

fn seen(sent: &SubmittedForm) -> Result<Option<Millis>> {
    Ok(number::<i64>(&sent.seen, "seen")?.map(Millis))
}

async fn set(services: &Services, model: &ModelKey, policy: ModelPolicy, sent: &SubmittedForm) -> Result<String> {
    services.evidence.set_policy(model, policy, seen(sent)?).await?;
    let pairs = [("done", "rail".to_owned()), ("model", model.any_version().key())];
    Ok(href(REGISTERED, &pairs.map(|(key, value)| (key.to_owned(), value))))
}

async fn rail(services: &Services, sent: &SubmittedForm) -> Result<String> {
    let model = model(&sent.champion, "champion")?;
    let old = services.evidence.policy_of(&model).await?;
    let directory = services.metrics.directory();
    let (_, column) = directory.metric(sent.metric.trim()).map_err(|e| e.at("metric"))?;
    let metric = directory.key(&column);
    let [customer, site, zone, ..] = sent.place.each_ref().map(|t| Some(t.trim()).filter(|t| !t.is_empty()));
    let scope = domain::scope::Scope::parse(customer, site, zone, None, None).map_err(|e| e.at("customer"))?;
    directory.check(&scope).map_err(|e| e.at("customer"))?;
    let place =
        scope.customer.clone().map(|customer| Place { customer, site: scope.site.clone(), zone: scope.zone.clone() });
    let bound = || -> Result<f64> {
        let found = number::<f64>(&sent.bound, "bound")?.filter(|b| b.is_finite() && *b >= 0.0);
        found.ok_or_else(|| Error::bad_input(sentences::bad_bound()).at("bound"))
    };
    let rails: GuardRails = match &*sent.rail {
        "margin" => old.rails.with(place, &metric, Rail::Margin(bound()?)),
        "limit" => old.rails.with(place, &metric, Rail::DeviceLimit(bound()?)),
        "off" => old.rails.with(place, &metric, Rail::Off),
        "inherit" => old.rails.without(place.as_ref(), &metric),
        other => return Err(Error::bad_input(sentences::which_rail(clip_text(other))).at("rail")),
    };
    set(services, &model, ModelPolicy { rails, ..old }, sent).await
}

async fn days(services: &Services, sent: &SubmittedForm) -> Result<String> {
    let model = model(&sent.champion, "champion")?;
    let old = services.evidence.policy_of(&model).await?;
    let days = number::<i64>(&sent.days, "days")?.unwrap_or(old.days);
    set(services, &model, ModelPolicy { days, ..old }, sent).await
}
