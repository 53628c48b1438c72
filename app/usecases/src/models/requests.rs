//! Asking for a promotion, and deciding on it.

use domain::{
    Error, Result,
    error::Sentence,
    ports::KeptRequest,
    registry::{
        EventAct, EventActor, KeptEvidence, ModelName, OutcomeKind, PromotionRequest, Reason, RegistryEvent, RequestId,
        RequestState, Target,
    },
    time::DAY,
};

use super::sentences;
use super::{
    Models,
    promotion::{PromotionInput, parse_expected},
    protocol::{Attempt, Conflict, Performed},
};

/// A request as somebody sees it who decides.
#[derive(Debug, Clone)]
pub struct RequestReview {
    pub kept: KeptRequest,
    /// What is known now.
    pub evidence: Option<KeptEvidence>,
    /// Whether the verdict is another one than when it was asked.
    pub changed: bool,
    /// Why the actor cannot approve it; `None` where it can.
    pub not_by_you: Option<Sentence>,
}

/// What became of an approval.
#[derive(Debug, Clone)]
pub enum ApprovalOutcome {
    Promoted(Box<Performed>),
    /// Nothing was promoted, and the request is open still.
    Conflict(Conflict),
}

impl Models {
    fn request_event(&self, request: &PromotionRequest, act: EventAct, actor: EventActor) -> RegistryEvent {
        let mut event = RegistryEvent::new(self.now(), request.model.clone(), act, actor);
        event.version = Some(request.version);
        event
    }

    /// Asks for a promotion.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `BadInput` for what cannot be asked for, and where the same is asked for already; `NotFound`; `Unavailable` when it cannot be written.
    pub async fn request(&self, name: &str, input: &PromotionInput) -> Result<KeptRequest> {
        let actor = self.changes_as()?;
        let (model, found) = self.version(name, &input.version)?;
        let (to, reason) = (Target::parse(&input.to)?, Reason::parse(&input.reason)?);
        let expected = parse_expected(input.expected.as_deref())?;
        if model.champion() != expected {
            let now = model.champion().map_or_else(sentences::no_champion, sentences::champion_is);
            let seen = expected.map_or_else(sentences::no_champion, sentences::champion_is);
            return Err(Error::bad_input(sentences::overtaken(&now, &seen)).at("expected"));
        }
        let open = self.open_requests(Some(&model.name)).await?;
        if let Some(same) = open.iter().find(|r| r.request.version == found.version && r.request.to == to) {
            return Err(Error::bad_input(sentences::asked_already(&same.request.asked_by, same.id.0)));
        }
        let (policy, now) = (self.policy(&model.name).await?, self.now());
        let evidence = self.evidence_for(&model, found.version).await?;
        let request = PromotionRequest {
            model: model.name.clone(),
            version: found.version,
            to,
            expected,
            asked_by: actor.clone(),
            reason,
            asked: now,
            expires: now.plus(policy.request_days * DAY),
            evidence,
        };
        let mut event = self.request_event(&request, EventAct::Requested, EventActor::Named(actor.clone()));
        event.reason = Some(request.reason.as_str().to_owned());
        event.evidence = request.evidence.clone().map(Box::new);
        let id = self.log().add_request(&request, &event).await?;
        tracing::info!(actor, request = id.0, model = %request.model, version = %request.version, "a promotion was asked for");
        Ok(KeptRequest { id, request, state: RequestState::Open })
    }

    /// A request, with what is known now.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models; `NotFound`; `Unavailable` when it cannot be read.
    pub async fn review_request(&self, id: RequestId) -> Result<RequestReview> {
        self.may_read()?;
        let kept = self.kept_request(id).await?;
        let evidence = match self.protocol().catalog.index().model(&kept.request.model) {
            Some(model) if kept.state.is_open() => self.evidence_for(model, kept.request.version).await?,
            _ => None,
        };
        let verdict = |e: &Option<KeptEvidence>| e.as_ref().map(|e| e.verdict);
        // What was not known when it was asked has not changed.
        let known = kept.request.evidence.is_some();
        let changed = known && kept.state.is_open() && verdict(&kept.request.evidence) != verdict(&evidence);
        let not_by_you = self.refusal_to_approve(&kept.request).await?;
        Ok(RequestReview { kept, evidence, changed, not_by_you })
    }

    async fn kept_request(&self, id: RequestId) -> Result<KeptRequest> {
        self.log().request(id).await?.ok_or_else(|| Error::not_found(sentences::no_request(id.0)))
    }

    /// Why the actor cannot approve a request.
    async fn refusal_to_approve(&self, request: &PromotionRequest) -> Result<Option<Sentence>> {
        let Ok(actor) = self.changes_as() else { return Ok(Some(sentences::only_operators_approve())) };
        let four_eyes =
            self.policy(&request.model).await?.needs_second(request.to, request.evidence.as_ref().map(|e| e.verdict));
        Ok((four_eyes && actor == request.asked_by).then(|| sentences::not_your_own_request(&actor)))
    }

    async fn open_request(&self, id: RequestId) -> Result<KeptRequest> {
        let kept = self.kept_request(id).await?;
        if !kept.state.is_open() {
            return Err(Error::bad_input(sentences::decided_already(id.0)));
        }
        if kept.request.expires <= self.now() {
            return Err(Error::bad_input(sentences::request_expired(id.0, kept.request.expires.in_words())));
        }
        Ok(kept)
    }

    /// Approves a request, and promotes what was asked for.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not, and for the asker where somebody else has to; `BadInput` for a request that is decided or over; otherwise as
    /// [`Models::promote`].
    pub async fn approve(&self, id: RequestId, comment: &str) -> Result<ApprovalOutcome> {
        let actor = self.changes_as()?;
        let kept = self.open_request(id).await?;
        if let Some(why) = self.refusal_to_approve(&kept.request).await? {
            return Err(Error::forbidden(why));
        }
        let comment =
            if comment.trim().is_empty() { String::new() } else { Reason::parse(comment)?.as_str().to_owned() };
        let model = self.model(kept.request.model.as_str())?;
        let evidence = self.evidence_for(&model, kept.request.version).await?;
        let reason = Reason::parse(kept.request.reason.as_str())?;
        let done = match self.promote_approved(&kept.request, id, reason, evidence).await? {
            Attempt::Conflict(conflict) => return Ok(ApprovalOutcome::Conflict(conflict)),
            // An approval has no key.
            Attempt::OtherRequest => return Err(Error::internal(crate::sentences::broke_off())),
            Attempt::Done(done) => done,
        };
        if done.outcome.as_ref().is_some_and(|o| o.kind == OutcomeKind::NotApplied) {
            // Nothing happened: it can be approved again.
            return Ok(ApprovalOutcome::Promoted(done));
        }
        let state =
            RequestState::Approved { by: actor.clone(), at: self.now(), comment: comment.clone(), operation: done.id };
        let mut event = self.request_event(&kept.request, EventAct::Approved, EventActor::Named(actor));
        (event.request, event.operation) = (Some(id), Some(done.id));
        event.reason = Some(comment).filter(|c| !c.is_empty());
        self.log().end_request(id, &state, &event).await?;
        Ok(ApprovalOutcome::Promoted(done))
    }

    /// Rejects a request, or takes one's own back.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not; `BadInput` without a comment, and for a request that is decided or over; `NotFound`; `Unavailable` when it cannot be
    /// written.
    pub async fn reject(&self, id: RequestId, comment: &str) -> Result<KeptRequest> {
        let actor = self.changes_as()?;
        let kept = self.open_request(id).await?;
        let own = kept.request.asked_by == actor;
        let comment =
            if own && comment.trim().is_empty() { String::new() } else { Reason::parse(comment)?.as_str().to_owned() };
        let at = self.now();
        let (act, state) = if own {
            (EventAct::Withdrawn, RequestState::Withdrawn { at })
        } else {
            (EventAct::Rejected, RequestState::Rejected { by: actor.clone(), at, comment: comment.clone() })
        };
        let mut event = self.request_event(&kept.request, act, EventActor::Named(actor));
        event.request = Some(id);
        event.reason = Some(comment).filter(|c| !c.is_empty());
        if !self.log().end_request(id, &state, &event).await? {
            return Err(Error::bad_input(sentences::decided_already(id.0)));
        }
        Ok(KeptRequest { state, ..kept })
    }

    /// All requests of a model, newest first.
    ///
    /// # Errors
    /// As [`Models::past`].
    pub async fn requests(&self, model: Option<&ModelName>) -> Result<Vec<KeptRequest>> {
        self.may_read()?;
        self.log().requests(model, false).await
    }

    /// Ends requests whose time is over.
    pub(super) async fn expire_requests(&self) -> Result<()> {
        let now = self.now();
        for kept in self.log().requests(None, true).await? {
            if kept.request.expires <= now {
                let mut event = self.request_event(&kept.request, EventAct::Expired, EventActor::System);
                event.request = Some(kept.id);
                self.log().end_request(kept.id, &RequestState::Expired, &event).await?;
            }
        }
        Ok(())
    }
}
