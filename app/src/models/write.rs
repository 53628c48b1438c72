//! What the forms of these pages do, and where that is seen.

use domain::{
    Error, ErrorKind, Result,
    ports::NewVersion,
    registry::{ModelName, OperationId, RequestId, Target},
    scope::clip_text,
    time::Millis,
};
use usecases::models::{ApprovalOutcome, Attempt, Conflict, PromotionInput, RollbackInput};

use super::sentences;
use crate::{
    shell::{addresses, context::Services},
    ui::links,
};

/// A form as it was sent.
pub(super) struct SubmittedForm {
    pub model: String,
    pub version: String,
    pub to: String,
    pub expected: String,
    pub reason: String,
    /// The name of the model, typed again.
    pub confirm: String,
    pub override_policy: String,
    pub key: String,
    pub request: String,
    pub run: String,
    pub path: String,
}

/// The field of a form that a conflict is told at: the champion that somebody saw.
pub(super) const SEEN: &str = "expected";

/// Does what a form asks for, and says where it is seen that it was done.
pub(super) async fn write(services: &Services, act: &str, sent: SubmittedForm) -> Result<String> {
    let models = &services.models;
    match act {
        "promote" => {
            let to = Target::parse(&sent.to)?;
            if to == Target::Production && sent.confirm.trim() != sent.model {
                return Err(Error::bad_input(sentences::not_confirmed(clip_text(&sent.model))).at("confirm"));
            }
            let attempt = models.promote(&sent.model, &promotion(&sent)).await.map_err(at_override)?;
            done(&sent.model, "promoted", attempt)
        }
        "ask" => {
            let kept = models.request(&sent.model, &promotion(&sent)).await?;
            Ok(request(kept.id, "asked"))
        }
        "challenger" => {
            let attempt = models.set_challenger(&sent.model, &sent.version, &sent.reason).await?;
            done(&sent.model, "challenger", attempt)
        }
        "repair" => {
            let attempt = models.repair(&sent.model, Some(&sent.expected), &sent.reason).await?;
            done(&sent.model, "repaired", attempt)
        }
        "rollback" => {
            let input = RollbackInput {
                expected: Some(sent.expected.clone()),
                version: Some(sent.version.clone()).filter(|v| !v.is_empty()),
                reason: sent.reason.clone(),
                key: Some(sent.key.clone()),
            };
            done(&sent.model, "rolled_back", models.roll_back(&sent.model, &input).await?)
        }
        "approve" => match models.approve(request_id(&sent)?, &sent.reason).await? {
            ApprovalOutcome::Promoted(done) => Ok(result(done.operation.model.as_str(), "approved", Some(done.id))),
            ApprovalOutcome::Conflict(conflict) => Err(overtaken(conflict)),
        },
        "reject" => {
            let kept = models.reject(request_id(&sent)?, &sent.reason).await?;
            Ok(request(kept.id, "decided"))
        }
        "register" => register(services, &sent).await,
        other => Err(Error::bad_input(sentences::which_act(clip_text(other)))),
    }
}

fn promotion(sent: &SubmittedForm) -> PromotionInput {
    PromotionInput {
        version: sent.version.clone(),
        to: sent.to.clone(),
        expected: Some(sent.expected.clone()),
        reason: sent.reason.clone(),
        override_policy: !sent.override_policy.is_empty(),
        key: Some(sent.key.clone()).filter(|k| !k.is_empty()),
    }
}

/// The field is called otherwise here.
fn at_override(e: Error) -> Error {
    if e.field == Some("override") { e.at("override_policy") } else { e }
}

fn request_id(sent: &SubmittedForm) -> Result<RequestId> {
    sent.request
        .parse()
        .map(RequestId)
        .map_err(|_| Error::bad_input(sentences::which_request(clip_text(&sent.request))))
}

fn overtaken(conflict: Conflict) -> Error {
    Error::bad_input(conflict.sentence).at(SEEN)
}

fn done(model: &str, what: &str, attempt: Attempt) -> Result<String> {
    match attempt {
        Attempt::Done(done) => Ok(result(model, what, Some(done.id))),
        Attempt::Conflict(conflict) => Err(overtaken(conflict)),
        Attempt::OtherRequest => Err(Error::bad_input(sentences::sent_before())),
    }
}

fn result(model: &str, what: &str, operation: Option<OperationId>) -> String {
    let pairs = [("done", Some(what.to_owned())), ("operation", operation.map(|id| id.0.to_string()))];
    let pairs: Vec<_> = pairs.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
    links::href(&addresses::model(model), &pairs)
}

fn request(id: RequestId, what: &str) -> String {
    links::href(&addresses::model_request(id.0), &[("done".to_owned(), what.to_owned())])
}

/// Registers what a run left as a version of a model.
async fn register(services: &Services, sent: &SubmittedForm) -> Result<String> {
    let model = ModelName::parse_new(sent.model.trim()).map_err(|e| e.at("model"))?;
    let run = services.runs.run(&sent.run).map_err(|e| e.at("run"))?.run;
    let path = domain::tracking::ArtifactPath::parse(sent.path.trim()).map_err(|e| e.at("path"))?;
    let new = NewVersion {
        model,
        run: Some(run.id.to_string()),
        source: format!("runs:/{}/{path}", run.id).trim_end_matches('/').to_owned(),
        description: sent.reason.trim().to_owned(),
        tags: vec![],
        created_by: String::new(),
        at: Millis(0),
    };
    let kept = services
        .models
        .register(&new)
        .await
        .map_err(|e| if e.kind == ErrorKind::BadInput && e.field.is_none() { e.at("model") } else { e })?;
    let pairs = [("done".to_owned(), "registered".to_owned())];
    Ok(links::href(&addresses::model_version(new.model.as_str(), &kept.version.to_string()), &pairs))
}
