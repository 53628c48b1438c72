//! Promotions and rollbacks as somebody sees them before they decide: what is, what would be, what speaks for it and who is affected.

use std::sync::Arc;

use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    evidence::{ModelPolicy, PromotionRule, Verdict},
    model::ModelKey,
    ports::{IdempotencyKey, OperationKey},
    registry::{
        KeptEvidence, ModelName, OperationKind, Reason, RegistryModel, RequestId, RollbackTarget, Target, Version,
        VersionStatus,
    },
    scope::{ExperimentKind, Scope},
    tracking::{ArtifactPath, ByteRange},
};
use sha2::{Digest, Sha256};

use super::sentences;
use super::{
    Models,
    protocol::{Attempt, Wanted},
    readers::Reader,
};
use crate::evidence::EvidenceQuestion;

/// The longest key of a write, in characters.
const MAX_KEY: usize = 255;

/// So long a page waits to hear whether files are there.
const MAX_LOOK: std::time::Duration = std::time::Duration::from_millis(800);

/// What a promotion is asked for with.
#[derive(Debug, Clone, Default)]
pub struct PromotionInput {
    pub version: String,
    pub to: String,
    /// The champion that the asker saw; empty for none.
    pub expected: Option<String>,
    pub reason: String,
    /// Whether a policy that asks for better evidence is overridden: the reason says why.
    pub override_policy: bool,
    pub key: Option<String>,
}

/// What a rollback is asked for with.
#[derive(Debug, Clone, Default)]
pub struct RollbackInput {
    pub expected: Option<String>,
    /// The version that the asker was told; `None` for wherever it leads.
    pub version: Option<String>,
    pub reason: String,
    pub key: Option<String>,
}

/// What somebody has to know before a promotion.
#[derive(Debug, Clone)]
pub struct PromotionReview {
    pub model: Arc<RegistryModel>,
    pub version: Version,
    pub to: Target,
    pub evidence: Option<KeptEvidence>,
    pub policy: ModelPolicy,
    /// Why the policy does not let it happen without more; `None` where it does.
    pub blocked: Option<Sentence>,
    /// Whether somebody else has to approve it.
    pub needs_approval: bool,
    /// Who read the champion or the stage through us lately.
    pub readers: Vec<Reader>,
    /// Why it cannot be done at all, such as files that are gone.
    pub warnings: Vec<Sentence>,
}

/// What somebody has to know before a rollback.
#[derive(Debug, Clone)]
pub struct RollbackReview {
    pub model: Arc<RegistryModel>,
    pub target: RollbackTarget,
    /// Why the target cannot be used; `None` when its files can be read.
    pub unusable: Option<Sentence>,
    /// Whether its files could be looked at.
    pub files_checked: bool,
    pub readers: Vec<Reader>,
}

impl Models {
    fn key(&self, key: Option<&str>, request: &serde_json::Value) -> Result<Option<OperationKey>> {
        let Some(key) = key.filter(|key| !key.is_empty()) else { return Ok(None) };
        if key.len() > MAX_KEY || !key.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Error::bad_input(crate::sentences::bad_key(MAX_KEY)));
        }
        let request = Sha256::digest(request.to_string().as_bytes()).into();
        let owner = self.actor.name().unwrap_or_default().to_owned();
        Ok(Some(OperationKey { owner, key: IdempotencyKey { key: key.to_owned(), request } }))
    }

    /// What a promotion would do, and what speaks for it.
    ///
    /// # Errors
    /// As [`Models::version`]; `BadInput` for a target that is none.
    pub async fn review(&self, name: &str, version: &str, to: &str) -> Result<PromotionReview> {
        let (model, found) = self.version(name, version)?;
        let to = Target::parse(to)?;
        let evidence = self.evidence_for(&model, found.version).await?;
        let policy = self.policy(&model.name).await?;
        let mut warnings = vec![];
        if found.status != VersionStatus::Ready {
            warnings.push(sentences::version_not_ready(found.version, &model.name));
        } else if let Err(e) = self.check_files(&model.name, found.version).await {
            warnings.push(e.message);
        }
        let blocked = blocked_by(&policy, to, evidence.as_ref());
        let readers = self.readers_of(&model.name);
        let needs_approval = policy.needs_approval(to);
        Ok(PromotionReview {
            version: found.version,
            model,
            to,
            evidence,
            policy,
            blocked,
            needs_approval,
            readers,
            warnings,
        })
    }

    /// What speaks for a version as the next champion; `None` where it is the champion, or there is none.
    pub(super) async fn evidence_for(&self, model: &RegistryModel, version: Version) -> Result<Option<KeptEvidence>> {
        let Some(champion) = model.champion().filter(|c| *c != version) else { return Ok(None) };
        let at = self.now();
        let question = EvidenceQuestion {
            champion: ModelKey::Registered(model.name.version(champion)),
            challenger: ModelKey::Registered(model.name.version(version)),
            scope: Scope { kind: ExperimentKind::All, ..Scope::default() },
            metric: None,
            design: None,
            shown: None,
        };
        let unknown = |sentence| Some(KeptEvidence { verdict: Verdict::NotDecisive, sentence, judgement: None, at });
        match self.shared.evidence.for_actor(&self.actor).judge(&question).await {
            Ok(answer) => Ok(Some(KeptEvidence {
                verdict: answer.judgement.verdict,
                sentence: answer.judgement.sentence.clone(),
                judgement: Some(answer.judgement),
                at,
            })),
            Err(e) if e.kind == ErrorKind::NotFound => Ok(unknown(sentences::no_records_of_both(champion, version))),
            Err(e) if e.kind == ErrorKind::Unavailable => Ok(unknown(e.message)),
            Err(e) => Err(e),
        }
    }

    pub(super) async fn policy(&self, model: &ModelName) -> Result<ModelPolicy> {
        self.shared.evidence.policy_of(&ModelKey::Registered(model.any_version())).await
    }

    /// Whether the files of a version are there: its first file, of which one byte is read. `Ok(false)` where nobody but their owner can look.
    pub(super) async fn check_files(&self, name: &ModelName, version: Version) -> Result<bool> {
        let registry = &self.protocol().registry;
        let Some(found) = self.protocol().catalog.index().model(name).and_then(|m| m.version(version).cloned()) else {
            return Err(Error::not_found(sentences::no_such_version(name, version)));
        };
        let mut folder = ArtifactPath::default();
        // The first file, however deep; a few levels are enough.
        for _ in 0..8 {
            let entries = match registry.artifacts(name, &found, &folder).await {
                Err(e) if e.kind == ErrorKind::BadInput => return Ok(false),
                entries => entries?,
            };
            if let Some(file) = entries.iter().find(|e| !e.is_folder) {
                let range = file.size.filter(|size| *size > 0).map(|_| ByteRange::From(0, Some(0)));
                let mut body = registry.artifact(name, &found, &file.path, range).await?;
                return match futures::StreamExt::next(&mut body.bytes).await {
                    Some(Err(e)) => Err(e),
                    _ => Ok(true),
                };
            }
            match entries.into_iter().next() {
                Some(next) => folder = next.path,
                None => break,
            }
        }
        Err(Error::not_found(sentences::version_without_files(version, name)))
    }

    /// Why the files of a version cannot be read; `None` where they can, and where nobody but their owner can look or the registry does not say in time.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not see models.
    pub async fn missing_files(&self, name: &ModelName, version: Version) -> Result<Option<Sentence>> {
        self.may_read()?;
        if self.status().error.is_some() {
            return Ok(None);
        }
        let looked = tokio::time::timeout(MAX_LOOK, self.check_files(name, version)).await;
        Ok(match looked {
            Ok(Err(e)) if e.kind == ErrorKind::NotFound => Some(e.message),
            _ => None,
        })
    }

    /// Promotes a version, where policy and evidence allow it.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not, and where somebody else has to approve it; `BadInput` for what cannot be done or a policy does not allow;
    /// `NotFound`; `Unavailable` while the registry does not answer.
    pub async fn promote(&self, name: &str, input: &PromotionInput) -> Result<Attempt> {
        let actor = self.changes_as()?;
        let (model, found) = self.version(name, &input.version)?;
        let to = Target::parse(&input.to)?;
        let reason = Reason::parse(&input.reason)?;
        let expected = parse_expected(input.expected.as_deref())?;
        let request = serde_json::json!(["promote", name, found.version, to, expected, reason]);
        let key = self.key(input.key.as_deref(), &request)?;
        self.must_answer()?;
        let policy = self.policy(&model.name).await?;
        if policy.needs_approval(to) {
            return Err(Error::forbidden(sentences::needs_approval(&model.name, to.as_str())));
        }
        let evidence = self.evidence_for(&model, found.version).await?;
        if let Some(blocked) = blocked_by(&policy, to, evidence.as_ref())
            && !(input.override_policy && policy.promotion == PromotionRule::Require)
        {
            return Err(Error::bad_input(blocked).at("override"));
        }
        self.carry_out(Wanted {
            model: model.name.clone(),
            kind: OperationKind::Promote(to),
            version: Some(found.version),
            expected,
            reason,
            actor,
            key,
            evidence,
            request: None,
        })
        .await
    }

    /// Promotes what was asked for and approved.
    pub(super) async fn promote_approved(
        &self,
        request: &domain::registry::PromotionRequest,
        id: RequestId,
        reason: Reason,
        evidence: Option<KeptEvidence>,
    ) -> Result<Attempt> {
        let actor = self.changes_as()?;
        self.must_answer()?;
        self.carry_out(Wanted {
            model: request.model.clone(),
            kind: OperationKind::Promote(request.to),
            version: Some(request.version),
            expected: request.expected,
            reason,
            actor,
            key: None,
            evidence,
            request: Some(id),
        })
        .await
    }

    async fn carry_out(&self, wanted: Wanted) -> Result<Attempt> {
        // Not given up when the asker goes away: what was begun is brought to its end.
        let protocol = self.protocol().clone();
        let done = tokio::spawn(async move { protocol.perform(&wanted).await });
        done.await.map_err(|e| Error::internal(crate::sentences::broke_off()).with_detail(e))?
    }

    /// Names the version that is to become the champion.
    ///
    /// # Errors
    /// As [`Models::promote`].
    pub async fn set_challenger(&self, name: &str, version: &str, reason: &str) -> Result<Attempt> {
        let actor = self.changes_as()?;
        let (model, found) = self.version(name, version)?;
        let reason = Reason::parse(reason)?;
        self.must_answer()?;
        let expected = self.protocol().registry.model(&model.name).await?.champion();
        self.carry_out(Wanted {
            model: model.name.clone(),
            kind: OperationKind::SetChallenger,
            version: Some(found.version),
            expected,
            reason,
            actor,
            key: None,
            evidence: None,
            request: None,
        })
        .await
    }

    /// Makes the stage `Production` that of the champion.
    ///
    /// # Errors
    /// As [`Models::promote`].
    pub async fn repair(&self, name: &str, expected: Option<&str>, reason: &str) -> Result<Attempt> {
        let actor = self.changes_as()?;
        let model = self.model(name)?;
        let (reason, expected) = (Reason::parse(reason)?, parse_expected(expected)?);
        self.must_answer()?;
        self.carry_out(Wanted {
            model: model.name.clone(),
            kind: OperationKind::Repair,
            version: model.champion(),
            expected,
            reason,
            actor,
            key: None,
            evidence: None,
            request: None,
        })
        .await
    }

    /// Where a rollback would lead, and whether that can be used.
    ///
    /// # Errors
    /// As [`Models::model`]; `BadInput` when there is nowhere to roll back to.
    pub async fn review_rollback(&self, name: &str) -> Result<RollbackReview> {
        let model = self.model(name)?;
        let target = self.past(&model.name).await?.rollback;
        let target = target.ok_or_else(|| Error::bad_input(sentences::nowhere_to_roll_back(&model.name)))?;
        let (unusable, files_checked) = match self.check_files(&model.name, target.version).await {
            Ok(checked) => (None, checked),
            Err(e) => (Some(e.message), true),
        };
        let readers = self.readers_of(&model.name);
        Ok(RollbackReview { model, target, unusable, files_checked, readers })
    }

    /// Makes the last champion that can be used the champion again.
    ///
    /// # Errors
    /// As [`Models::promote`]; `BadInput` where the target's files cannot be read.
    pub async fn roll_back(&self, name: &str, input: &RollbackInput) -> Result<Attempt> {
        let actor = self.changes_as()?;
        let model = self.model(name)?;
        let reason = Reason::parse(&input.reason)?;
        let expected = parse_expected(input.expected.as_deref())?;
        let version = input.version.as_deref().map(Version::parse).transpose()?;
        let request = serde_json::json!(["roll_back", name, version, expected, reason]);
        let key = self.key(input.key.as_deref(), &request)?;
        self.must_answer()?;
        // A rollback is urgent: only what makes it useless stops it.
        if let Some(target) = self.protocol().rollback_of(&model).await?
            && let Err(e) = self.check_files(&model.name, target.version).await
        {
            return Err(if e.kind == ErrorKind::NotFound { Error::bad_input(e.message) } else { e });
        }
        self.carry_out(Wanted {
            model: model.name.clone(),
            kind: OperationKind::RollBack,
            version,
            expected,
            reason,
            actor,
            key,
            evidence: None,
            request: None,
        })
        .await
    }

    /// What was known when an operation was begun.
    ///
    /// # Errors
    /// As [`Models::past`].
    pub async fn evidence_of(&self, id: domain::registry::OperationId) -> Result<Option<KeptEvidence>> {
        let model = self.operation(id).await?.operation.model;
        let begun = self.past(&model).await?.events.into_iter().find(|e| e.event.operation == Some(id));
        Ok(begun.and_then(|e| e.event.evidence).map(|e| *e))
    }
}

/// The champion that somebody saw; nothing, or an empty text, for none.
pub(super) fn parse_expected(text: Option<&str>) -> Result<Option<Version>> {
    text.filter(|t| !t.is_empty()).map(|t| Version::parse(t).map_err(|e| e.at("expected"))).transpose()
}

/// Why a policy does not let a promotion happen on this evidence.
fn blocked_by(policy: &ModelPolicy, to: Target, evidence: Option<&KeptEvidence>) -> Option<Sentence> {
    // Staging is where evidence comes from, and a first champion has nobody to be compared with.
    let evidence = evidence.filter(|_| to == Target::Production)?;
    let speaks_for = matches!(evidence.verdict, Verdict::Better | Verdict::NotWorse);
    let speaks_against = matches!(evidence.verdict, Verdict::Worse | Verdict::Unhealthy);
    match policy.promotion {
        PromotionRule::Advise => None,
        PromotionRule::Require if speaks_for => None,
        PromotionRule::Require => Some(sentences::policy_requires(&evidence.sentence)),
        PromotionRule::Second if !speaks_against => None,
        PromotionRule::Second => Some(sentences::policy_wants_a_second(&evidence.sentence)),
    }
}
