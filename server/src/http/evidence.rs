//! Evidence: `/api/evidence`, its registrations, plans and policies, and `/api/changes`; and what `guardianflow models … --json` prints.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, RawQuery},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use domain::{
    Error, Result,
    evidence::{
        Answer as JudgementAnswer, ChangesAnswer, Design, GuardRails, Judgement, ModelPolicy, Plan, PromotionRule,
        Rail, Registration, Verdict,
    },
    model::ModelKey,
    normalization::nfc,
    params::{MetricsQuery, QueryParams, known_pairs},
    ports::{ComparisonId, KeptComparison, KeptPolicy},
    query::ChangesQuery,
    registry::Target,
    scope::{Place, Scope},
    time::{Millis, parse_moment},
};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use usecases::evidence::{
    End, EvidenceAnswer, EvidenceQuestion, NewRegistration, PlanAnswer, PlanQuestion, read_design,
};

use super::{
    ActorServices,
    api::{Answer, read_params},
    problem::Problem,
    sentences, views,
};

/// The keys of an evidence question.
const EVIDENCE: [&str; 13] = [
    "champion",
    "challenger",
    "customer",
    "site",
    "zone",
    "task",
    "device",
    "metric",
    "design",
    "from",
    "to",
    "days",
    "tz",
];
const PLAN: [&str; 11] =
    ["champion", "customer", "site", "zone", "task", "device", "metric", "effect", "sites", "days", "tz"];
const CHANGES: [&str; 12] =
    ["customer", "site", "zone", "task", "type", "device", "metric", "days", "from", "to", "compare", "tz"];

/// A judgement, and the registration that it is made by.
#[derive(Serialize)]
pub struct EvidenceJson<'a> {
    #[serde(flatten)]
    judgement: JudgementAnswer<'a>,
    /// `null` before the first look is noted.
    comparison: Option<ComparisonId>,
    registered_by: &'a domain::evidence::RegisteredBy,
    registered_at: Millis,
    days_left: u32,
    /// The design of the numbers in `metrics`, where it is another one than that of the verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    shown_design: Option<Design>,
}

impl<'a> EvidenceJson<'a> {
    #[must_use]
    pub fn of(answer: &'a EvidenceAnswer) -> Self {
        Self {
            judgement: answer.judgement.answer(),
            comparison: answer.kept.as_ref().map(|k| k.id),
            registered_by: &answer.registration.registered_by,
            registered_at: answer.registration.registered_at,
            days_left: answer.days_left,
            shown_design: answer.shown_design,
        }
    }
}

/// A registered comparison as programs see it.
#[derive(Serialize)]
pub struct ComparisonJson<'a> {
    id: ComparisonId,
    champion: String,
    challenger: String,
    customer: &'a Option<domain::text::Name>,
    site: &'a Option<domain::text::Name>,
    zone: &'a Option<domain::text::Name>,
    task: &'a Option<domain::text::Name>,
    device: &'a Option<domain::text::Name>,
    metric: &'a str,
    start: Millis,
    horizon: Millis,
    margin: Option<f64>,
    minimum_effect: Option<f64>,
    share: Option<f64>,
    design: Option<Design>,
    claims: &'a [String],
    registered_at: Millis,
    registered_by: &'a domain::evidence::RegisteredBy,
    supersedes: Option<ComparisonId>,
    superseded_by: Option<ComparisonId>,
    looks: u32,
    /// Of the horizon, where it was made.
    verdict: Option<Verdict>,
    sentence: Option<&'a str>,
}

impl<'a> ComparisonJson<'a> {
    #[must_use]
    pub fn of(kept: &'a KeptComparison) -> Self {
        let r: &Registration = &kept.registration;
        let judgement: Option<&Judgement> = kept.verdict.as_ref().map(|v| &v.judgement);
        Self {
            id: kept.id,
            champion: r.champion.key(),
            challenger: r.challenger.key(),
            customer: &r.scope.customer,
            site: &r.scope.site,
            zone: &r.scope.zone,
            task: &r.scope.task,
            device: &r.scope.device,
            metric: &r.primary,
            start: r.start,
            horizon: r.horizon,
            margin: r.margin,
            minimum_effect: r.minimum_effect,
            share: r.share,
            design: r.design,
            claims: &r.claims,
            registered_at: r.registered_at,
            registered_by: &r.registered_by,
            supersedes: kept.supersedes,
            superseded_by: kept.superseded_by,
            looks: kept.looks,
            verdict: judgement.map(|j| j.verdict),
            sentence: judgement.map(|j| &*j.sentence.en),
        }
    }
}

/// A plan as programs see it.
#[derive(Serialize)]
pub struct PlanJson<'a> {
    metric: &'a str,
    effect: f64,
    sites: u32,
    days: u32,
    sites_now: u32,
    customers_now: u32,
    from: Millis,
    to: Millis,
    sentence: String,
    plan: Option<&'a Plan>,
}

impl<'a> PlanJson<'a> {
    #[must_use]
    pub fn of(answer: &'a PlanAnswer) -> Self {
        Self {
            metric: &answer.metric.key,
            effect: answer.effect,
            sites: answer.sites,
            days: answer.days,
            sites_now: answer.sites_now,
            customers_now: answer.customers_now,
            from: answer.range.from(),
            to: answer.range.to(),
            sentence: answer.sentence().en,
            plan: answer.plan.as_ref(),
        }
    }
}

/// A change, taken apart, as programs see it.
#[derive(Serialize)]
pub struct ChangesJson<'a> {
    #[serde(flatten)]
    changes: ChangesAnswer<'a>,
    metric: &'a str,
    from: Millis,
    to: Millis,
    earlier_from: Millis,
    earlier_to: Millis,
    as_of: Millis,
}

impl<'a> ChangesJson<'a> {
    #[must_use]
    pub fn of(q: &'a ChangesQuery, changes: &'a domain::evidence::Changes, as_of: Option<Millis>) -> Self {
        Self {
            changes: changes.answer(),
            metric: &q.metric,
            from: q.range.from(),
            to: q.range.to(),
            earlier_from: q.earlier.from(),
            earlier_to: q.earlier.to(),
            as_of: as_of.unwrap_or(q.range.to()),
        }
    }
}

/// Reads a question of texts, as addresses and bodies hold them.
fn read_question(
    q: &MetricsQuery,
    champion: Option<&str>,
    challenger: Option<&str>,
    design: Option<&str>,
    shown: bool,
) -> Result<EvidenceQuestion> {
    Ok(EvidenceQuestion {
        champion: model(champion, "champion")?,
        challenger: model(challenger, "challenger")?,
        scope: q.scope.clone(),
        metric: q.metric.clone(),
        design: design.map(read_design).transpose()?,
        shown: shown.then_some(q.range),
    })
}

fn model(text: Option<&str>, field: &'static str) -> Result<ModelKey> {
    let text = text.filter(|t| !t.is_empty());
    let text = text.ok_or_else(|| Error::bad_input(sentences::no_model_named(field)).at(field))?;
    ModelKey::parse(&nfc(text).unwrap_or_else(|| text.to_owned())).map_err(|e| e.at(field))
}

/// Those of a query string that are keys of pages, and how to find the others.
fn split(query: Option<&str>, known: &[&str]) -> Result<(QueryParams, impl Fn(&str) -> Option<String>)> {
    let pairs = known_pairs(query.unwrap_or_default(), known)?;
    let ours = ["champion", "challenger", "design", "effect", "sites"];
    let rest = pairs.iter().filter(|(key, _)| !ours.contains(&&**key)).map(|(k, v)| (&**k, &**v));
    let params = QueryParams::from_pairs(rest, known)?;
    let get = move |key: &str| pairs.iter().find(|(k, v)| k == key && !v.is_empty()).map(|p| p.1.clone());
    Ok((params, get))
}

/// Is the challenger better?
pub async fn evidence(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let (params, get) = split(q.as_deref(), &EVIDENCE)?;
    let shown = ["from", "to", "days"].iter().any(|key| get(key).is_some());
    let query = params.read(s.clock.now(), &TimeZone::UTC)?;
    let (champion, challenger, design) = (get("champion"), get("challenger"), get("design"));
    let question = read_question(&query, champion.as_deref(), challenger.as_deref(), design.as_deref(), shown)?;
    let answer = s.evidence.judge(&question).await?;
    Ok(Json(EvidenceJson::of(&answer)).into_response())
}

/// All registered comparisons, newest first.
pub async fn registrations(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    known_pairs(q.as_deref().unwrap_or_default(), &[])?;
    let all = s.evidence.comparisons().await?;
    let comparisons: Vec<ComparisonJson<'_>> = all.iter().map(ComparisonJson::of).collect();
    Ok(Json(serde_json::json!({ "comparisons": comparisons })).into_response())
}

/// One of them.
pub async fn registration(ActorServices(s): ActorServices, Path(id): Path<String>) -> Answer {
    let id = id.parse().map(ComparisonId);
    let id = id.map_err(|_| Problem::with_sentence(StatusCode::NOT_FOUND, sentences::no_such_comparison()))?;
    Ok(Json(ComparisonJson::of(&s.evidence.comparison(id).await?)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    champion: String,
    challenger: String,
    customer: Option<String>,
    site: Option<String>,
    zone: Option<String>,
    task: Option<String>,
    device: Option<String>,
    metric: Option<String>,
    /// Moments as addresses write them: RFC 3339, a date, `now-1d`.
    start: Option<String>,
    horizon: Option<String>,
    /// Instead of `horizon`.
    days: Option<u32>,
    margin: Option<f64>,
    minimum_effect: Option<f64>,
    share: Option<f64>,
    design: Option<String>,
    #[serde(default)]
    claims: Vec<String>,
    supersedes: Option<ComparisonId>,
}

/// Registers a comparison.
pub async fn register(ActorServices(s): ActorServices, headers: HeaderMap, body: Bytes) -> Answer {
    let new: Register = views::json(&headers, &body)?;
    let now = s.clock.now();
    let spelled = |text: Option<String>| text.map(|t| nfc(&t).unwrap_or(t));
    let params = QueryParams {
        customer: spelled(new.customer),
        site: spelled(new.site),
        zone: spelled(new.zone),
        task: spelled(new.task),
        device: spelled(new.device),
        metric: spelled(new.metric),
        ..QueryParams::default()
    };
    let query = params.read(now, &TimeZone::UTC)?;
    let question = read_question(&query, Some(&new.champion), Some(&new.challenger), new.design.as_deref(), false)?;
    let moment = |text: &Option<String>, field| {
        let read = |t: &String| parse_moment(t, now, &TimeZone::UTC).map_err(|e| e.at(field));
        text.as_ref().map(read).transpose()
    };
    let (start, horizon) = (moment(&new.start, "start")?, moment(&new.horizon, "horizon")?);
    if new.days.is_some() && new.horizon.is_some() {
        return Err(Error::bad_input(sentences::days_or_horizon()).at("days").into());
    }
    let wanted = NewRegistration {
        start,
        horizon: horizon.map(End::At).or(new.days.map(End::Days)),
        margin: new.margin,
        minimum_effect: new.minimum_effect,
        share: new.share,
        claims: new.claims,
        supersedes: new.supersedes,
    };
    let kept = s.evidence.register(&question, &wanted).await?;
    Ok((StatusCode::CREATED, Json(ComparisonJson::of(&kept))).into_response())
}

/// What so many sites and days would show.
pub async fn plan(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let (mut params, get) = split(q.as_deref(), &PLAN)?;
    // How long the shadow is to run, and no range of records.
    params.days = None;
    let query = params.read(s.clock.now(), &TimeZone::UTC)?;
    let question = read_plan(&query, &get)?;
    Ok(Json(PlanJson::of(&s.evidence.plan(&question).await?)).into_response())
}

fn read_plan(q: &MetricsQuery, get: &impl Fn(&str) -> Option<String>) -> Result<PlanQuestion> {
    let whole = |key: &'static str| {
        let read = |t: String| t.parse().map_err(|_| Error::bad_input(sentences::no_whole_number(key)).at(key));
        get(key).map(read).transpose()
    };
    let effect = |t: String| t.parse().map_err(|_| Error::bad_input(sentences::no_number_in("effect")).at("effect"));
    Ok(PlanQuestion {
        champion: model(get("champion").as_deref(), "champion")?,
        scope: q.scope.clone(),
        metric: q.metric.clone(),
        effect: get("effect").map(effect).transpose()?,
        sites: whole("sites")?,
        days: whole("days")?,
    })
}

/// What a change is made of.
pub async fn changes(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let query = read_params(q.as_deref(), &CHANGES)?.read(s.clock.now(), &TimeZone::UTC)?.changes()?;
    let changes = s.metrics.changes(&query).await?;
    Ok(Json(ChangesJson::of(&query, &changes, s.metrics.view().as_of())).into_response())
}

/// What a model is judged by, as programs see it.
#[derive(Serialize)]
struct PolicyJson {
    model: String,
    days: i64,
    guard_rails: Vec<RailJson>,
    /// `advise`, `require` or `second`: what evidence means for a promotion to production.
    promotion: PromotionRule,
    /// Where a promotion needs somebody else's approval.
    approval: Vec<Target>,
    request_days: i64,
    /// `null` where nobody set anything.
    changed: Option<Millis>,
    changed_by: Option<String>,
}

/// A guard-rail of a place, or of everywhere.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RailJson {
    metric: String,
    #[serde(default)]
    customer: Option<String>,
    #[serde(default)]
    site: Option<String>,
    #[serde(default)]
    zone: Option<String>,
    /// `{"margin": 0.01}`, `{"device_limit": 30}` or `"off"`.
    rail: Rail,
}

impl PolicyJson {
    fn of(model: &ModelKey, kept: Option<KeptPolicy>) -> Self {
        let (changed, changed_by) = (kept.as_ref().map(|k| k.changed), kept.as_ref().map(|k| k.changed_by.clone()));
        let policy = kept.map_or_else(ModelPolicy::default, |k| k.policy);
        let rail = |(place, metric, rail): (Option<&Place>, &str, Rail)| RailJson {
            metric: metric.to_owned(),
            customer: place.map(|p| p.customer.to_string()),
            site: place.and_then(|p| p.site.as_ref()).map(ToString::to_string),
            zone: place.and_then(|p| p.zone.as_ref()).map(ToString::to_string),
            rail,
        };
        Self {
            model: model.any_version().key(),
            days: policy.days,
            guard_rails: policy.rails.levels().map(rail).collect(),
            promotion: policy.promotion,
            approval: policy.approval.clone(),
            request_days: policy.request_days,
            changed,
            changed_by,
        }
    }
}

/// What a model is judged by.
pub async fn policy(ActorServices(s): ActorServices, RawQuery(q): RawQuery) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["model"])?;
    let model = model(pairs.first().map(|p| &*p.1), "model")?;
    s.metrics.check_visible(&Scope::default())?;
    s.metrics.directory().model(&model)?;
    Ok(Json(PolicyJson::of(&model, s.evidence.kept_policy(&model).await?)).into_response())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPolicy {
    model: String,
    #[serde(default)]
    days: Option<i64>,
    /// All of them: what is not named has no guard-rail. Those there are where they are left out.
    #[serde(default)]
    guard_rails: Option<Vec<RailJson>>,
    #[serde(default)]
    promotion: Option<PromotionRule>,
    #[serde(default)]
    approval: Option<Vec<Target>>,
    #[serde(default)]
    request_days: Option<i64>,
    /// `changed` of what is replaced, so that nobody's change is lost.
    #[serde(default)]
    seen: Option<String>,
}

/// Sets what a model is judged by.
pub async fn set_policy(ActorServices(s): ActorServices, headers: HeaderMap, body: Bytes) -> Answer {
    let new: SetPolicy = views::json(&headers, &body)?;
    let model = model(Some(&new.model), "model")?;
    let old = s.evidence.policy_of(&model).await?;
    let mut rails = old.rails;
    if let Some(given) = new.guard_rails {
        rails = GuardRails::none();
        let directory = s.metrics.directory();
        for rail in given {
            let (_, column) = directory.metric(&rail.metric).map_err(|e| e.at("guard_rails"))?;
            let parts = [&rail.customer, &rail.site, &rail.zone].map(|t| t.as_deref());
            let scope = Scope::parse(parts[0], parts[1], parts[2], None, None).map_err(|e| e.at("guard_rails"))?;
            directory.check(&scope).map_err(|e| e.at("guard_rails"))?;
            let place = scope.customer.map(|customer| Place { customer, site: scope.site, zone: scope.zone });
            let bad = match rail.rail {
                Rail::Margin(margin) => !(margin.is_finite() && margin >= 0.0),
                Rail::DeviceLimit(limit) => !limit.is_finite(),
                Rail::Off => false,
            };
            if bad {
                return Err(Error::bad_input(sentences::bad_rail(&rail.metric)).at("guard_rails").into());
            }
            rails = rails.with(place, &directory.key(&column), rail.rail);
        }
    }
    let seen =
        new.seen.map(|t| parse_moment(&t, s.clock.now(), &TimeZone::UTC).map_err(|e| e.at("seen"))).transpose()?;
    let policy = ModelPolicy {
        rails,
        days: new.days.unwrap_or(old.days),
        promotion: new.promotion.unwrap_or(old.promotion),
        approval: new.approval.unwrap_or(old.approval),
        request_days: new.request_days.unwrap_or(old.request_days),
    };
    let kept = s.evidence.set_policy(&model, policy, seen).await?;
    Ok(Json(PolicyJson::of(&model, Some(kept))).into_response())
}
