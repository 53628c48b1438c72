//! Files of runs: listed one folder at a time, and handed on as they come.

use std::{collections::HashSet, time::Duration};

use domain::{
    error::{Error, Result},
    ports::ArtifactBody,
    registry::ModelVersion,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange, RunId},
};
use futures::stream::{self, StreamExt};
use reqwest::{
    Response, StatusCode,
    header::{CONTENT_RANGE, HeaderMap, RANGE},
};

use super::{
    MlflowServer,
    explain::says_missing,
    sentences,
    wire::{ArtifactsPage, ErrorBody, WireFile, once},
};
use crate::egress::{Answer, Failure, read_up_to};

/// How much of an error is read, in bytes.
const MAX_ERROR: usize = 64 * 1024;

impl MlflowServer {
    /// MLflow answers alike for an empty folder, for a file and for nothing, and it leaves out the size of an empty file as it does one
    /// that its storage does not tell: the folder around tells both apart.
    pub(super) async fn list_artifacts(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        // MLflow looks for another name than this then, and finds nothing.
        if folder.as_str().chars().any(char::is_control) {
            return Err(Error::not_found(sentences::no_plain_file(folder)));
        }
        let mut entries = self.entries(run, folder).await?;
        let has_sizes = |entries: &[ArtifactEntry]| entries.iter().any(|e| e.size.is_some());
        let lacks_sizes = |entries: &[ArtifactEntry]| entries.iter().any(|e| !e.is_folder && e.size.is_none());
        let mut sizes_are_told = has_sizes(&entries);
        if let Some(parent) = folder.parent()
            && (entries.is_empty() || (lacks_sizes(&entries) && !sizes_are_told))
        {
            let around = self.entries(run, &parent).await?;
            match around.iter().find(|e| e.path == *folder) {
                Some(e) if e.is_folder => {}
                Some(_) => return Err(Error::not_found(sentences::is_file(folder))),
                None => return Err(Error::not_found(sentences::no_folder(folder))),
            }
            sizes_are_told = has_sizes(&around);
        }
        if sizes_are_told {
            entries.iter_mut().filter(|e| !e.is_folder && e.size.is_none()).for_each(|e| e.size = Some(0));
        }
        Ok(entries)
    }

    /// What is in a folder of a version's files, wherever MLflow keeps them.
    pub(super) async fn list_version_artifacts(
        &self,
        version: &ModelVersion,
        folder: &ArtifactPath,
    ) -> Result<Vec<ArtifactEntry>> {
        match source_of(version) {
            Source::LoggedModel(id) => self.logged_model_entries(&id, folder).await,
            Source::Run(run, root) => {
                let below = if folder.is_root() { root.clone() } else { root.join(folder)? };
                let entries = self.list_artifacts(&run, &below).await?;
                let inside = |e: ArtifactEntry| Some(ArtifactEntry { path: e.path.below(&root)?, ..e });
                Ok(entries.into_iter().filter_map(inside).collect())
            }
            Source::Elsewhere => {
                Err(Error::bad_input(sentences::not_listed(domain::scope::clip_text(&version.source))))
            }
        }
    }

    async fn logged_model_entries(&self, id: &str, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let mut url = self.url("api/2.0/mlflow/logged-models", &[]);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.push(id).push("artifacts").push("directories");
        }
        if !folder.is_root() {
            url.query_pairs_mut().append_pair("artifact_directory_path", folder.as_str());
        }
        let answer = self.send(self.request(reqwest::Method::GET, url)).await.map_err(|f| self.failed(f))?;
        if says_missing(&answer) {
            return Err(Error::not_found(sentences::no_files()));
        }
        let page: ArtifactsPage = self.read(&answer)?;
        let mut entries: Vec<_> = page.files.into_iter().filter_map(|file| entry(file, folder)).collect();
        entries.sort();
        Ok(entries)
    }

    /// What MLflow lists in a folder.
    async fn entries(&self, run: &RunId, folder: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        let (mut all, mut seen, mut token) = (vec![], HashSet::new(), String::new());
        loop {
            let mut query = vec![("run_id", run.as_str())];
            for (key, value) in [("path", folder.as_str()), ("page_token", &token)] {
                if !value.is_empty() {
                    query.push((key, value));
                }
            }
            let request = self.get("api/2.0/mlflow/artifacts/list", &query);
            let answer = self.send(request).await.map_err(|f| self.failed(f))?;
            if says_missing(&answer) {
                return Err(Error::not_found(sentences::no_run(run)));
            }
            if says_refused_path(&answer) {
                return Err(Error::not_found(sentences::no_plain_file(folder)));
            }
            let page: ArtifactsPage = self.read(&answer)?;
            let mut new: Vec<_> = page.files.into_iter().filter_map(|file| entry(file, folder)).collect();
            once(&mut new, &mut seen, |e| e.path.clone());
            let next =
                super::store::next_token(&token, page.next_page_token, new.len()).ok_or_else(|| self.endless())?;
            all.append(&mut new);
            match next {
                Some(next) => token = next,
                None => break,
            }
        }
        all.sort();
        Ok(all)
    }

    /// `/get-artifact` serves files that MLflow keeps and files that lie in a bucket alike.
    pub(super) async fn open_artifact(
        &self,
        run: &RunId,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        self.open_file("get-artifact", &[("run_id", run.as_str()), ("path", file.as_str())], file, range).await
    }

    /// A file by the call that hands it out.
    pub(super) async fn open_file(
        &self,
        call: &'static str,
        query: &[(&str, &str)],
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        let mut response = self.file_response(call, query, range).await?;
        if let (StatusCode::RANGE_NOT_SATISFIABLE, Some(ByteRange::Last(1..))) = (response.status(), range)
            && size_of_unsatisfied(response.headers()).is_some_and(|size| size > 0)
        {
            // More of its last bytes than it has are all of it (RFC 9110); MLflow's web server knows that not.
            response = self.file_response(call, query, Some(ByteRange::From(0, None))).await?;
        }
        let (size, range) = match response.status() {
            StatusCode::OK => (response.content_length(), None),
            StatusCode::PARTIAL_CONTENT => {
                let (range, size) =
                    content_range(response.headers()).ok_or_else(|| self.nonsense("a part of a file that is none"))?;
                (size, Some(range))
            }
            StatusCode::RANGE_NOT_SATISFIABLE => return Err(Error::bad_input(sentences::behind_end(file))),
            status => {
                let body = tokio::time::timeout(self.timeouts.call, read_up_to(&mut response, MAX_ERROR)).await;
                let body = body.ok().and_then(|b| b.ok()).unwrap_or_default();
                let answer = Answer { status, headers: std::mem::take(response.headers_mut()), body };
                return Err(match () {
                    () if says_missing(&answer) => Error::not_found(sentences::no_file(file)),
                    () if says_refused_path(&answer) => Error::not_found(sentences::no_plain_file(file)),
                    () => self.refused(&answer),
                });
            }
        };
        Ok(ArtifactBody { size, range, bytes: self.pieces(response) })
    }

    async fn file_response(
        &self,
        call: &'static str,
        query: &[(&str, &str)],
        range: Option<ByteRange>,
    ) -> Result<Response> {
        let mut request = self.get(call, query);
        if let Some(range) = range {
            request = request.header(RANGE, range.header());
        }
        let late = || Error::unavailable(sentences::timed_out(&self.address, self.timeouts.file.as_secs_f32()));
        let response = tokio::time::timeout(self.timeouts.file, request.send()).await.map_err(|_| late())?;
        response.map_err(|e| self.failed(e.into()))
    }

    /// The pieces of a file; the last one is an error when it breaks off.
    fn pieces(&self, response: Response) -> stream::BoxStream<'static, Result<Vec<u8>>> {
        let cut = self.failed(Failure::CutOff("a file".into()));
        let late = Error::unavailable(sentences::timed_out(&self.address, self.timeouts.piece.as_secs_f32()));
        let patience: Duration = self.timeouts.piece;
        stream::unfold((Some(response), cut, late), move |(response, cut, late)| async move {
            let mut response = response?;
            match tokio::time::timeout(patience, response.chunk()).await {
                Ok(Ok(Some(piece))) => Some((Ok(Vec::from(piece)), (Some(response), cut, late))),
                Ok(Ok(None)) => None,
                Ok(Err(e)) => Some((Err(cut.clone().with_detail(e.without_url())), (None, cut, late))),
                Err(_) => Some((Err(late.clone()), (None, cut, late))),
            }
        })
        .boxed()
    }
}

/// Where the files of a version are.
enum Source {
    /// By the id of a model that a run logged.
    LoggedModel(String),
    /// In a folder of a run's artifacts.
    Run(RunId, ArtifactPath),
    /// Somewhere that MLflow does not list.
    Elsewhere,
}

fn source_of(version: &ModelVersion) -> Source {
    let source = version.source.trim_end_matches('/');
    if let Some(id) = source.strip_prefix("models:/").filter(|id| id.starts_with("m-") && !id.contains('/')) {
        return Source::LoggedModel(id.to_owned());
    }
    let of_run = |run: &str, path: &str| Some(Source::Run(RunId::parse(run).ok()?, ArtifactPath::parse(path).ok()?));
    if let Some((run, path)) = source.strip_prefix("runs:/").map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        return of_run(run, path).unwrap_or(Source::Elsewhere);
    }
    // As MLflow lays artifacts of runs out: …/RUN/artifacts/PATH.
    let beside_run = version.run.as_deref().and_then(|run| {
        let (_, path) = source.split_once(&format!("/{run}/artifacts"))?;
        of_run(run, path.trim_start_matches('/'))
    });
    beside_run.unwrap_or(Source::Elsewhere)
}

/// What has a name that could lead elsewhere is not shown: it could not be asked for.
fn entry(file: WireFile, folder: &ArtifactPath) -> Option<ArtifactEntry> {
    let path = ArtifactPath::parse(&file.path).ok().filter(|p| p.parent().as_ref() == Some(folder))?;
    let size = file.file_size.filter(|_| !file.is_dir).and_then(|n| u64::try_from(n).ok());
    Some(ArtifactEntry { path, size, is_folder: file.is_dir })
}

/// Whether MLflow will not look at a path: a folder where a file is asked for, or a name that it takes for an attack.
fn says_refused_path(answer: &Answer) -> bool {
    answer.status == StatusCode::BAD_REQUEST && ErrorBody::of(&answer.body).code == "INVALID_PARAMETER_VALUE"
}

/// First byte and one behind the last, and the size of the whole file: `bytes 5-9/20`.
fn content_range(headers: &HeaderMap) -> Option<((u64, u64), Option<u64>)> {
    let (range, size) = headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.split_once('-')?;
    let (first, end) = (first.parse::<u64>().ok()?, last.parse::<u64>().ok()?.checked_add(1)?);
    let size = if size == "*" { None } else { Some(size.parse::<u64>().ok()?) };
    (first < end && size.is_none_or(|size| end <= size)).then_some(((first, end), size))
}

/// The size of a file in which a part was not found: `bytes */20`.
fn size_of_unsatisfied(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes */")?.parse().ok()
}
