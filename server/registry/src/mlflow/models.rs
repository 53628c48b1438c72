//! The registry of models, answered and changed by MLflow's REST. There is no comparison and no precondition in it: whoever changes something
//! holds the lock of the model among ours, and looks afterwards what became of it.

use std::{
    collections::{BTreeMap, HashSet},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    error::{Error, Result},
    ports::{ArtifactBody, ModelRegistry, NewVersion, RegistryKind},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version},
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::json;

use super::{
    MAX_BODY, MlflowServer,
    explain::says_missing,
    sentences,
    store::next_token,
    wire::{ErrorBody, once},
    wire_models::{ModelsPage, OneModel, OneVersion, VersionsPage, assemble},
};
use crate::egress::{self, Answer, Limits};

/// Models and versions that are asked for at once.
const MODELS_PAGE: &str = "1000";
const VERSIONS_PAGE: &str = "5000";
/// How long one of the small questions and changes may take.
const CALL: Duration = Duration::from_secs(4);

/// A name as the text of a filter; `None` for one that no quotes can hold.
fn quoted(name: &str) -> Option<String> {
    let quote = ['\'', '"'].into_iter().find(|q| !name.contains(*q))?;
    Some(format!("{quote}{name}{quote}"))
}

impl MlflowServer {
    /// Sends what changes something, once: nobody knows of a request without an answer whether it was heard.
    async fn change(&self, request: RequestBuilder) -> Result<Answer> {
        let limits = Limits { total: CALL.min(self.timeouts.call), body: MAX_BODY };
        egress::ask(request, limits).await.map_err(|f| self.failed(f))
    }

    /// A small question, sent again when its connection was lost.
    async fn small(&self, request: RequestBuilder) -> Result<Answer> {
        let limits = Limits { total: CALL.min(self.timeouts.call), body: MAX_BODY };
        self.send_within(request, limits).await.map_err(|f| self.failed(f))
    }

    /// What MLflow says to a change. What it refuses for what we ask is told apart from what it cannot do just now.
    fn changed(&self, answer: &Answer, model: &ModelName) -> Result<()> {
        if answer.status.is_success() {
            return Ok(());
        }
        if says_missing(answer) {
            return Err(Error::not_found(sentences::no_version(model)));
        }
        let refused = self.refused(answer);
        Err(match answer.status {
            StatusCode::FORBIDDEN if !refused.message.en.contains("--allowed-hosts") => {
                Error::forbidden(sentences::may_not_change(&self.address))
                    .with_detail(refused.detail.unwrap_or_default())
            }
            s if s.is_client_error() && s != StatusCode::TOO_MANY_REQUESTS && s != StatusCode::REQUEST_TIMEOUT => {
                Error::bad_input(sentences::change_refused(&self.address))
                    .with_detail(refused.detail.unwrap_or_default())
            }
            _ => refused,
        })
    }

    fn changing(&self, method: Method, path: &'static str, body: &serde_json::Value) -> RequestBuilder {
        self.request(method, self.url(path, &[])).json(body)
    }

    /// All pages of models.
    async fn all_heads(&self) -> Result<BTreeMap<ModelName, RegistryModel>> {
        let (mut all, mut seen, mut token) = (BTreeMap::new(), HashSet::new(), String::new());
        loop {
            let mut query = vec![("max_results", MODELS_PAGE)];
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let request = self.get("api/2.0/mlflow/registered-models/search", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            let page: ModelsPage = self.read(&answer)?;
            let mut new = page.registered_models;
            once(&mut new, &mut seen, |m| m.name.clone());
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.extend(new.into_iter().filter_map(|m| m.into_domain()).map(|m| (m.name.clone(), m)));
            match next {
                Some(next) => token = next,
                None => break,
            }
        }
        if all.is_empty() {
            // Nothing is no proof: other programs answer so too.
            self.prove().await?;
        }
        Ok(all)
    }

    async fn search_versions(&self, filter: Option<&str>) -> Result<Vec<(ModelName, ModelVersion)>> {
        let (mut all, mut seen, mut token) = (vec![], HashSet::new(), String::new());
        loop {
            let mut query = vec![("max_results", VERSIONS_PAGE)];
            query.extend(filter.map(|filter| ("filter", filter)));
            if !token.is_empty() {
                query.push(("page_token", &token));
            }
            let request = self.get("api/2.0/mlflow/model-versions/search", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            let page: VersionsPage = self.read(&answer)?;
            let mut new: Vec<_> = page.model_versions.into_iter().filter_map(|v| v.into_domain()).collect();
            once(&mut new, &mut seen, |(name, v)| (name.clone(), v.version));
            let next = next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.append(&mut new);
            match next {
                Some(next) => token = next,
                None => return Ok(all),
            }
        }
    }
}

#[async_trait]
impl ModelRegistry for MlflowServer {
    fn kind(&self) -> RegistryKind {
        RegistryKind::Mlflow
    }

    fn address(&self) -> &str {
        &self.address
    }

    async fn probe(&self) -> Result<()> {
        let request = self.get("api/2.0/mlflow/registered-models/search", &[("max_results", "1")]);
        let answer = self.small(request).await?;
        let page: ModelsPage = self.read(&answer)?;
        if page.registered_models.is_empty() { self.prove().await } else { Ok(()) }
    }

    async fn revision(&self) -> Result<Option<i64>> {
        Ok(None)
    }

    async fn heads(&self) -> Result<Vec<RegistryModel>> {
        Ok(self.all_heads().await?.into_values().collect())
    }

    async fn versions(&self, model: Option<&ModelName>) -> Result<Vec<(ModelName, ModelVersion)>> {
        let Some(model) = model else { return self.search_versions(None).await };
        let filter = quoted(model.as_str()).map(|name| format!("name = {name}"));
        let mut found = self.search_versions(filter.as_deref()).await?;
        found.retain(|(name, _)| name == model);
        Ok(found)
    }

    async fn model(&self, name: &ModelName) -> Result<RegistryModel> {
        let request = self.get("api/2.0/mlflow/registered-models/get", &[("name", name.as_str())]);
        let answer = self.small(request).await?;
        if says_missing(&answer) {
            return Err(Error::not_found(sentences::no_model(name)));
        }
        let head: OneModel = self.read(&answer)?;
        let head = head.registered_model.into_domain().filter(|m| m.name == *name);
        let head = head.ok_or_else(|| Error::not_found(sentences::no_model(name)))?;
        let versions = self.versions(Some(name)).await?;
        let mut whole = assemble(BTreeMap::from([(name.clone(), head)]), versions);
        whole.pop().ok_or_else(|| Error::not_found(sentences::no_model(name)))
    }

    async fn alias(&self, model: &ModelName, alias: &Alias) -> Result<Option<Version>> {
        let query = [("name", model.as_str()), ("alias", alias.as_str())];
        let answer = self.small(self.get("api/2.0/mlflow/registered-models/alias", &query)).await?;
        if says_missing(&answer) {
            return Err(Error::not_found(sentences::no_model(model)));
        }
        // That there is none is a 400.
        if answer.status == StatusCode::BAD_REQUEST && ErrorBody::of(&answer.body).code == "INVALID_PARAMETER_VALUE" {
            return Ok(None);
        }
        let found: OneVersion = self.read(&answer)?;
        Version::parse(&found.model_version.version).map(Some).map_err(|_| self.nonsense("an alias of no version"))
    }

    async fn set_alias(&self, model: &ModelName, alias: &Alias, version: Version) -> Result<()> {
        let body = json!({"name": model, "alias": alias, "version": version});
        let request = || self.changing(Method::POST, "api/2.0/mlflow/registered-models/alias", &body);
        let answer = self.change(request()).await?;
        // A new alias that two set at once: one of them meets the other's row. It was not set by us, so it is safe to ask again.
        if answer.status == StatusCode::BAD_REQUEST && ErrorBody::of(&answer.body).code == "BAD_REQUEST" {
            return self.changed(&self.change(request()).await?, model);
        }
        self.changed(&answer, model)
    }

    async fn delete_alias(&self, model: &ModelName, alias: &Alias) -> Result<()> {
        let body = json!({"name": model, "alias": alias});
        let request = self.changing(Method::DELETE, "api/2.0/mlflow/registered-models/alias", &body);
        self.changed(&self.change(request).await?, model)
    }

    async fn set_stage(&self, model: &ModelName, version: Version, stage: Stage) -> Result<()> {
        // MLflow's own archiving of the others fails on Postgres with psycopg 3, and leaves two behind when two do it at once.
        let body = json!({"name": model, "version": version, "stage": stage, "archive_existing_versions": false});
        let request = self.changing(Method::POST, "api/2.0/mlflow/model-versions/transition-stage", &body);
        self.changed(&self.change(request).await?, model)
    }

    async fn set_tag(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()> {
        let body = json!({"name": model, "version": version, "key": key, "value": value});
        let request = self.changing(Method::POST, "api/2.0/mlflow/model-versions/set-tag", &body);
        self.changed(&self.change(request).await?, model)
    }

    async fn set_description(&self, model: &ModelName, version: Version, text: &str) -> Result<()> {
        let body = json!({"name": model, "version": version, "description": text});
        let request = self.changing(Method::PATCH, "api/2.0/mlflow/model-versions/update", &body);
        self.changed(&self.change(request).await?, model)
    }

    async fn register(&self, _new: &NewVersion) -> Result<ModelVersion> {
        Err(Error::bad_input(sentences::register_in_mlflow(&self.address)))
    }

    async fn artifacts(
        &self,
        _model: &ModelName,
        version: &ModelVersion,
        folder: &ArtifactPath,
    ) -> Result<Vec<ArtifactEntry>> {
        self.list_version_artifacts(version, folder).await
    }

    async fn artifact(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        let number = version.version.to_string();
        let query = [("name", model.as_str()), ("version", &number), ("path", file.as_str())];
        self.open_file("model-versions/get-artifact", &query, file, range).await
    }
}
