//! Is the challenger better? A question, the registration that it is judged by, and the verdict. Who looks is noted behind the answer, like a line of
//! an access log: the registration of a first look, the day of the look, and the verdict of the horizon.

mod looks;
mod plan;
mod sides;

use std::sync::Arc;

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize, can},
    evidence::{
        Basis, DEFAULT_DAYS, Design, GuardRails, Judgement, LEAST_DAYS, MOST_DAYS, MetricRow, ModelPolicy, Question,
        RegisteredBy, Registration, Side, days_before, device_changes, judge, metric_rows,
    },
    model::ModelKey,
    ports::{Clock, ComparisonId, Comparisons, KeptComparison, KeptPolicy, RegisterOutcome},
    reducers::evidence::ranges,
    scope::{ExperimentKind, Scope, clip_text},
    text::Name,
    time::{DAY, MAX_RANGE_MS, MIN_TIMESTAMP, Millis, TimeRange},
};

use self::looks::{Look, Looks};
pub use self::plan::{PlanAnswer, PlanQuestion};
use crate::{Metrics, coalescer::Coalescer, sentences};

/// The metric that decides where nobody names one.
pub const USUAL_PRIMARY: &str = "mAP50";

/// Who is compared with whom, where, and by what.
#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceQuestion {
    pub champion: ModelKey,
    pub challenger: ModelKey,
    /// Place, task and device; the type of records is no part of it.
    pub scope: Scope,
    /// The key of the primary metric; [`USUAL_PRIMARY`] where nobody names one.
    pub metric: Option<String>,
    /// The design in which numbers are shown, and in which a first look registers.
    pub design: Option<Design>,
    /// What numbers are shown of; the registered period where nobody says. The verdict does not depend on it.
    pub shown: Option<TimeRange>,
}

/// What the challenger's records are: where each of its sites has one, days after it came, they are results of runs and no series.
fn basis(cells: &domain::evidence::Cells, registration: &Registration, now: Millis) -> Basis {
    let records = |site: domain::evidence::SiteSeries<'_>| -> u64 {
        site.of(Side::Challenger).flat_map(|s| &s.days).map(|day| day.records).sum()
    };
    let of_sites: Vec<u64> = cells.sites().map(records).filter(|n| *n > 0).collect();
    let long = registration.horizon.min(now).0.saturating_sub(registration.start.0) >= LEAST_DAYS * DAY;
    if long && !of_sites.is_empty() && of_sites.iter().all(|n| *n == 1) {
        Basis::RunsWithoutRepeats
    } else {
        Basis::Records
    }
}

/// What is to be noted of an answer; `None` where the challenger has no record yet, so that there is nothing to register.
fn look(answer: &EvidenceAnswer, at: Millis) -> Option<Look> {
    let kept = answer.kept.as_ref();
    let begun = kept.is_some() || answer.registration.start < at;
    begun.then(|| Look {
        id: kept.map(|k| k.id),
        registration: answer.registration.clone(),
        at,
        verdict: answer.made.clone(),
    })
}

/// Reads a design as addresses write it.
///
/// # Errors
/// Names the three.
pub fn read_design(text: &str) -> Result<Design> {
    match text {
        "concurrent" => Ok(Design::Concurrent),
        "before_after" => Ok(Design::BeforeAfter),
        "difference_in_differences" => Ok(Design::DifferenceInDifferences),
        _ => Err(Error::bad_input(sentences::bad_design(clip_text(text))).at("design")),
    }
}

/// What is known.
#[derive(Debug, Clone)]
pub struct EvidenceAnswer {
    pub judgement: Judgement,
    /// As it is judged by, whether it is kept already or is about to be.
    pub registration: Registration,
    /// What is kept of it; `None` before the first look is noted, and where there is nothing to register: the challenger has no record.
    pub kept: Option<KeptComparison>,
    /// Whole and begun days until the horizon.
    pub days_left: u32,
    /// The design of the shown numbers, where it is another one than that of the verdict.
    pub shown_design: Option<Design>,
    /// The verdict of the horizon, where this look made it.
    made: Option<Judgement>,
}

/// When a comparison that somebody registers ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    At(Millis),
    /// So many days behind its start, which may be the moment at which it is registered.
    Days(u32),
}

/// What somebody asks to be registered.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NewRegistration {
    /// From now on, where nobody says.
    pub start: Option<Millis>,
    /// By the model's policy, where nobody says.
    pub horizon: Option<End>,
    pub margin: Option<f64>,
    pub minimum_effect: Option<f64>,
    pub share: Option<f64>,
    pub claims: Vec<String>,
    /// The comparison in whose place it comes.
    pub supersedes: Option<ComparisonId>,
}

/// Evidence, as far as one actor may see it.
#[derive(Clone)]
pub struct Evidence {
    metrics: Metrics,
    shared: Arc<Shared>,
}

struct Shared {
    store: Arc<dyn Comparisons>,
    clock: Arc<dyn Clock>,
    looks: Looks,
    judged: Coalescer<EvidenceAnswer>,
}

impl Evidence {
    /// For the operator; see [`Evidence::for_actor`].
    #[must_use]
    pub fn new(metrics: Metrics, store: Arc<dyn Comparisons>, clock: Arc<dyn Clock>) -> Self {
        let shared = Shared { store, clock, looks: Looks::default(), judged: Coalescer::default() };
        Self { metrics, shared: Arc::new(shared) }
    }

    /// The same for somebody else.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { metrics: self.metrics.for_actor(actor), shared: Arc::clone(&self.shared) }
    }

    fn actor(&self) -> &Actor {
        self.metrics.actor()
    }

    /// Whether the actor may register comparisons over a scope.
    #[must_use]
    pub fn may_register(&self, scope: &Scope) -> bool {
        can(self.actor(), Action::WriteEvidence, Object::Scope(scope))
    }

    /// Judges a challenger, and has the look noted ([`Evidence::write_looks`]).
    ///
    /// # Errors
    /// `NotFound` for unknown places and models, `BadInput` for a metric that is unknown or has no better end and for a model held against itself,
    /// `Forbidden` for a scope that holds more than the actor may see, `Unavailable` when records or registrations cannot be read.
    pub async fn judge(&self, q: &EvidenceQuestion) -> Result<EvidenceAnswer> {
        self.metrics.authorize(&q.scope)?;
        let now = self.shared.clock.now();
        let key = self.metrics.key(&q.scope, q);
        let (this, asked) = (self.clone(), q.clone());
        let answer = self.shared.judged.join(key, async move { this.answer(&asked, now).await }).await?;
        self.shared.looks.note(look(&answer, now));
        Ok(answer)
    }

    /// Writes down who looked since the last time. Looks that cannot be written are kept for the next time, as far as there is room.
    ///
    /// # Errors
    /// `Unavailable` when they cannot be written.
    pub async fn write_looks(&self) -> Result<()> {
        self.shared.looks.write(&*self.shared.store).await
    }

    async fn answer(&self, q: &EvidenceQuestion, now: Millis) -> Result<EvidenceAnswer> {
        let asked = self.asked(q, now)?;
        let kept = self.shared.store.in_force(&asked.question()).await?;
        let (registration, came) = match &kept {
            Some(kept) => {
                let start = kept.registration.start;
                // Who registered by hand may have let the challenger run before.
                let came = match kept.registration.registered_by {
                    RegisteredBy::FirstLook => Some(start),
                    // Only what it did before the start matters.
                    RegisteredBy::Actor(_) => self.first_record(q, start.min(now)).await?,
                };
                (kept.registration.clone(), came)
            }
            None => {
                let came = self.first_record(q, now).await?;
                let policy = self.policy_in(&asked.challenger, &q.scope).await?;
                let since = came.unwrap_or(now);
                let first = Registration::first_look(
                    asked.champion,
                    asked.challenger,
                    asked.scope,
                    &asked.primary,
                    since,
                    now,
                    policy.rails,
                    policy.days,
                );
                (Registration { design: q.design, ..first }.check(None)?, came)
            }
        };
        let all_rails = registration.rails.clone();
        let rails = self.known_rails(registration.rails, &q.scope);
        let registration = Registration { rails, ..registration };
        let looks = kept.as_ref().map_or(0, |k| k.looks + u32::from(k.last_look != Some(now.day()))).max(1);
        let mut judgement = match kept.as_ref().and_then(|k| k.verdict.clone()) {
            Some(verdict) => {
                let judgement = Judgement { looks, ..verdict.judgement };
                self.narrowed(judgement, &all_rails, &registration.scope)
            }
            None => self.judgement(&registration, came, now, looks).await?,
        };
        let unkept = kept.as_ref().is_none_or(|k| k.verdict.is_none());
        let made = (unkept && !judgement.provisional).then(|| judgement.clone());
        let mut shown_design = None;
        let other = q.design.filter(|d| *d != judgement.design);
        if q.shown.is_some() || other.is_some() {
            let design = other.unwrap_or(judgement.design);
            judgement.metrics = self.shown(q, &registration, design, now).await?;
            shown_design = other;
        }
        let days_left = registration.days_left(now);
        Ok(EvidenceAnswer { judgement, registration, kept, days_left, shown_design, made })
    }

    /// The question as a registration would ask it, with names as the records have them.
    fn asked(&self, q: &EvidenceQuestion, now: Millis) -> Result<Registration> {
        let directory = self.metrics.directory();
        let (champion, challenger) = (directory.model(&q.champion)?, directory.model(&q.challenger)?);
        if champion != challenger && (champion.contains(&challenger) || challenger.contains(&champion)) {
            return Err(Error::bad_input(sentences::one_holds_the_other(&champion, &challenger)).at("challenger"));
        }
        let metric = q.metric.as_deref().unwrap_or(USUAL_PRIMARY);
        let (metric, column) = directory.metric(metric).map_err(|e| e.at("metric"))?;
        if domain::evidence::sign(&metric).is_none() {
            return Err(Error::bad_input(sentences::no_better_end(&metric.label)).at("metric"));
        }
        let primary = directory.key(&column);
        let scope = Scope { kind: ExperimentKind::All, ..q.scope.clone() };
        let rails = ModelPolicy::default().rails;
        Registration::first_look(champion, challenger, scope, &primary, now, now, rails, DEFAULT_DAYS).check(None)
    }

    async fn judgement(
        &self,
        registration: &Registration,
        came: Option<Millis>,
        now: Millis,
        looks: u32,
    ) -> Result<Judgement> {
        let runner = self.metrics.query_runner();
        let Some(ranges) = ranges(registration, came, now) else {
            let question = self.question(registration, vec![], now, looks);
            return judge(&question, &domain::evidence::Cells::new(question.metrics.len(), []));
        };
        let chosen = sides::metrics_of(&runner, registration, &ranges.all())?;
        let found = sides::load(&runner, registration, &ranges.all(), Some(ranges.period), &chosen).await?;
        let days = ranges.period.from().day()..days_before(ranges.period.to());
        let metrics = chosen.metrics.iter().map(|(metric, _)| metric.clone()).collect();
        let mut question = self.question(registration, metrics, now, looks);
        question.changes = device_changes(&found.cells, &days);
        question.basis = basis(&found.cells, registration, now);
        let judgement = judge(&question, &found.cells)?;
        Ok(found.quantiles.iter().fold(judgement, |j, q| j.with_quantile(&q.metric, q.q, &q.difference)))
    }

    fn question(
        &self,
        registration: &Registration,
        mut metrics: Vec<domain::metric::Metric>,
        now: Millis,
        looks: u32,
    ) -> Question {
        if metrics.is_empty() {
            metrics.extend(self.metrics.directory().metric(&registration.primary).map(|m| m.0));
        }
        Question {
            registration: registration.clone(),
            metrics,
            basis: Basis::Records,
            changes: vec![],
            as_of: now,
            looks,
        }
    }

    /// The numbers of another time, or in another design, than those of the verdict.
    async fn shown(
        &self,
        q: &EvidenceQuestion,
        registration: &Registration,
        design: Design,
        now: Millis,
    ) -> Result<Vec<MetricRow>> {
        let runner = self.metrics.query_runner();
        let as_shown = match q.shown {
            Some(shown) => Registration { start: shown.from(), horizon: shown.to(), ..registration.clone() },
            None => registration.clone(),
        };
        let Some(ranges) = ranges(&as_shown, None, now) else { return Ok(vec![]) };
        let chosen = sides::metrics_of(&runner, registration, &ranges.all())?;
        let found = sides::load(&runner, registration, &ranges.all(), None, &chosen).await?;
        let metrics = chosen.metrics.iter().map(|(metric, _)| metric.clone()).collect();
        let days = ranges.period.from().day()..days_before(ranges.period.to());
        metric_rows(&self.question(registration, metrics, now, 1), design, &found.cells, &days)
    }

    /// When the challenger's records before a moment begin in the scope, as far back as a question may reach.
    async fn first_record(&self, q: &EvidenceQuestion, until: Millis) -> Result<Option<Millis>> {
        let within = TimeRange::new(MIN_TIMESTAMP.max(until.plus(-MAX_RANGE_MS)), until)?;
        let scope = Scope { kind: ExperimentKind::All, ..q.scope.clone() };
        sides::first_record(&self.metrics.query_runner(), &q.challenger, scope, within).await
    }

    /// Registers a comparison.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `BadInput` for a registration that is none ([`Registration::check`]), and where another one of the same question is
    /// in force that it does not name; otherwise as [`Evidence::judge`].
    pub async fn register(&self, q: &EvidenceQuestion, new: &NewRegistration) -> Result<KeptComparison> {
        self.metrics.authorize(&q.scope)?;
        authorize(self.actor(), Action::WriteEvidence, Object::Scope(&q.scope))?;
        let now = self.shared.clock.now();
        let asked = self.asked(q, now)?;
        let policy = self.policy_in(&q.challenger, &q.scope).await?;
        let directory = self.metrics.directory();
        let claim = |key: &String| directory.metric(key).map(|(_, column)| directory.key(&column));
        let old = match new.supersedes {
            Some(id) => Some(self.comparison(id).await?),
            None => None,
        };
        let start = new.start.unwrap_or(now);
        let horizon = match new.horizon {
            Some(End::At(at)) => at,
            Some(End::Days(days)) => start.plus(i64::from(days) * DAY),
            None => start.plus(policy.days * DAY),
        };
        let actor = self.actor().name().and_then(|name| Name::parse(name).ok());
        let registration = Registration {
            start,
            horizon,
            margin: new.margin,
            minimum_effect: new.minimum_effect,
            share: new.share,
            design: q.design,
            claims: new.claims.iter().map(claim).collect::<Result<_>>()?,
            rails: policy.rails,
            registered_at: now,
            registered_by: actor.map_or(RegisteredBy::FirstLook, RegisteredBy::Actor),
            ..asked
        };
        let registration = registration.check(old.as_ref().map(|o| &o.registration))?;
        let id = match self.shared.store.register(&registration, new.supersedes).await? {
            RegisterOutcome::New(id) => id,
            RegisterOutcome::InForce(other) => {
                return Err(Error::bad_input(sentences::registered_already(other.id.0)).at("supersedes"));
            }
        };
        tracing::info!(actor = self.actor().name(), comparison = id.0, "a comparison was registered");
        self.comparison(id).await
    }

    /// A registered comparison.
    ///
    /// # Errors
    /// `NotFound` for one that there is none of, or that the actor may not see; `Unavailable` when it cannot be read.
    pub async fn comparison(&self, id: ComparisonId) -> Result<KeptComparison> {
        let found = self.shared.store.comparison(id).await?;
        found.filter(|c| self.sees(c)).ok_or_else(|| Error::not_found(sentences::no_comparison(id.0)))
    }

    /// All registered comparisons that the actor may see, newest first.
    ///
    /// # Errors
    /// `Forbidden` for whoever sees no numbers; `Unavailable` when they cannot be read.
    pub async fn comparisons(&self) -> Result<Vec<KeptComparison>> {
        authorize(self.actor(), Action::ReadMetrics, Object::Any)?;
        let mut all = self.shared.store.comparisons().await?;
        all.retain(|c| self.sees(c));
        Ok(all)
    }

    fn sees(&self, kept: &KeptComparison) -> bool {
        can(self.actor(), Action::ReadMetrics, Object::Scope(&kept.registration.scope))
    }

    /// What the versions of a model are judged by.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn policy_of(&self, model: &ModelKey) -> Result<ModelPolicy> {
        Ok(self.kept_policy(model).await?.map_or_else(ModelPolicy::default, |kept| kept.policy))
    }

    /// The same as far as it can hold in a scope. Metrics that the actor may not know of are none of its rails.
    async fn policy_in(&self, model: &ModelKey, scope: &Scope) -> Result<ModelPolicy> {
        let policy = self.policy_of(model).await?;
        Ok(ModelPolicy { rails: self.known_rails(policy.rails, scope), ..policy })
    }

    fn known_rails(&self, rails: GuardRails, scope: &Scope) -> GuardRails {
        let directory = self.metrics.directory();
        let bound = self.actor().customer().is_some();
        rails.within(scope, |metric| !bound || directory.metric(metric).is_ok_and(|(_, column)| directory.has(&column)))
    }

    /// A judgement that somebody else's look made, without what the actor may not know of.
    fn narrowed(&self, mut judgement: Judgement, rails: &GuardRails, scope: &Scope) -> Judgement {
        if self.actor().customer().is_none() {
            return judgement;
        }
        let known = self.known_rails(rails.clone(), scope);
        let hidden = |metric: &str| !known.names(metric);
        let unknown: Vec<String> = rails.metrics().filter(|m| hidden(m)).map(str::to_owned).collect();
        judgement.guard_rails.retain(|rail| !unknown.contains(&rail.metric));
        judgement.notes.retain(|note| !unknown.iter().any(|metric| note.en.contains(metric.as_str())));
        judgement
    }

    /// What was set for a model; `None` where nobody set anything.
    ///
    /// # Errors
    /// As [`Evidence::policy_of`].
    pub async fn kept_policy(&self, model: &ModelKey) -> Result<Option<KeptPolicy>> {
        self.shared.store.policy(&model.any_version().key()).await
    }

    /// Whether the actor may set policies.
    #[must_use]
    pub fn may_set_policies(&self) -> bool {
        can(self.actor(), Action::WriteEvidence, Object::Installation)
    }

    /// Sets what the versions of a model are judged by, in place of what was changed at `seen` last. Comparisons that are registered keep what they
    /// were registered with.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `BadInput` for a number of days that no comparison runs, and where somebody else changed it meanwhile;
    /// `Unavailable` when it cannot be written.
    pub async fn set_policy(&self, model: &ModelKey, policy: ModelPolicy, seen: Option<Millis>) -> Result<KeptPolicy> {
        authorize(self.actor(), Action::WriteEvidence, Object::Installation)?;
        let model = self.metrics.directory().model(model)?;
        if !(LEAST_DAYS..=MOST_DAYS).contains(&policy.days) {
            return Err(Error::bad_input(sentences::bad_policy_days(LEAST_DAYS, MOST_DAYS)).at("days"));
        }
        // The moment tells versions apart, so it never stands still.
        let changed = seen.map_or(self.shared.clock.now(), |seen| self.shared.clock.now().max(seen.plus(1)));
        let changed_by = self.actor().name().unwrap_or_default().to_owned();
        let new = KeptPolicy { model: model.any_version().key(), policy, changed, changed_by };
        if !self.shared.store.set_policy(&new, seen).await? {
            return Err(Error::bad_input(sentences::policy_changed(&new.model)).at("seen"));
        }
        tracing::info!(actor = new.changed_by, model = new.model, "a policy was set");
        Ok(new)
    }
}
