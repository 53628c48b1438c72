//! Files of runs, streamed through us. They were written by somebody else: nothing of them runs in our origin.

use app::ui::links::encode;
use axum::{
    body::Body,
    extract::{Path, RawQuery},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    ErrorKind,
    params::known_pairs,
    ports::ArtifactBody,
    text::visible,
    tracking::{ArtifactPath, ByteRange},
};
use futures::StreamExt;
use serde_json::json;
use usecases::Tracking;

use super::{Answer, needed, text};
use crate::http::{ActorServices, problem::Problem, sentences};

/// What a browser may show of it if it is made to: nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// What is in a folder of a run's artifacts.
pub async fn list(ActorServices(s): ActorServices, Path(id): Path<String>, RawQuery(q): RawQuery) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["path"])?;
    let folder = ArtifactPath::parse(text(&pairs, "path").unwrap_or_default())?;
    let entries = s.runs.artifacts(&id, &folder).await?;
    let files: Vec<_> =
        entries.iter().map(|e| json!({ "path": e.path, "is_folder": e.is_folder, "size": e.size })).collect();
    Ok(axum::Json(json!({ "path": folder, "files": files })).into_response())
}

/// A file of a run, or the part of it that `Range` names.
pub async fn file(
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["path"])?;
    let path = ArtifactPath::parse(needed(&pairs, "path")?)?;
    let range = headers.get(header::RANGE).and_then(|r| r.to_str().ok()).and_then(ByteRange::parse);
    match send_file(&path, range, s.runs.artifact(&id, &path, range).await) {
        Err(problem) if problem.status == StatusCode::RANGE_NOT_SATISFIABLE => {
            Ok(with_end(problem, &s.runs, &id, &path).await)
        }
        answer => answer,
    }
}

/// Sends a file that somebody else wrote, or the part of it that was asked for.
fn send_file(path: &ArtifactPath, range: Option<ByteRange>, body: domain::Result<ArtifactBody>) -> Answer {
    let body = match body {
        Ok(body) => body,
        Err(e) if range.is_some() && e.kind == ErrorKind::BadInput => {
            return Err(Problem::with_sentence(StatusCode::RANGE_NOT_SATISFIABLE, sentences::no_such_range()));
        }
        Err(e) => return Err(e.into()),
    };
    let mut response = Response::new(Body::from_stream(body.bytes.map(|piece| piece.inspect_err(log))));
    let heads = response.headers_mut();
    let disposition = format!("attachment; filename*=UTF-8''{}", encode(&saved_as(path.file_name())));
    let mut set = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            heads.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, content_type(path.file_name()));
    set(header::CONTENT_DISPOSITION, &disposition);
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CACHE_CONTROL, "private, no-cache");
    // As it is: files are large, and mostly packed already.
    set(header::CONTENT_ENCODING, "identity");
    let length = match (body.range, body.size) {
        (Some((from, end)), size) => {
            let size = size.map_or_else(|| "*".to_owned(), |s| s.to_string());
            set(header::CONTENT_RANGE, &format!("bytes {from}-{}/{size}", end.saturating_sub(1)));
            Some(end.saturating_sub(from))
        }
        (None, size) => size,
    };
    if let Some(length) = length {
        set(header::CONTENT_LENGTH, &length.to_string());
    }
    if body.range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// Says where a file ends before a range begins, where that is known.
async fn with_end(problem: Problem, runs: &Tracking, id: &str, path: &ArtifactPath) -> Response {
    let mut response = problem.into_response();
    let folder = path.parent().unwrap_or_default();
    let listed = runs.artifacts(id, &folder).await.unwrap_or_default();
    let size = listed.iter().find(|e| e.path == *path).and_then(|e| e.size);
    if let Some(range) = size.and_then(|size| HeaderValue::from_str(&format!("bytes */{size}")).ok()) {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

/// The name under which a browser saves a file: nothing in it makes it look like another, or like a path.
fn saved_as(name: &str) -> String {
    visible(name).replace(['\\', '\n', '\r', '\t'], "_")
}

fn log(e: &domain::Error) {
    tracing::warn!(error = %e, detail = e.detail, "an artifact broke off");
}

/// What a file may be taken for: pictures that are nothing but pictures, plain text, else bytes.
fn content_type(name: &str) -> &'static str {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    match ending.as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "txt" | "log" | "md" | "csv" | "tsv" | "json" | "yaml" | "yml" | "toml" | "py" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::{content_type, saved_as};

    #[test]
    fn a_saved_file_is_called_what_it_looks_like() {
        assert_eq!(saved_as("\u{202E}txt.exe"), "_u{202e}txt.exe");
        assert_eq!(saved_as("a\\b\nc\u{1b}.txt"), "a_b_c␛.txt");
        assert_eq!(saved_as("보고서 1.txt"), "보고서 1.txt");
    }

    #[test]
    fn nothing_that_a_browser_would_run_keeps_its_type() {
        for name in
            ["x.html", "x.HTM", "x.svg", "x.xml", "x.xhtml", "x.js", "x.pdf", "MLmodel", "", "png", "x.png.html"]
        {
            assert_eq!(content_type(name), "application/octet-stream", "{name}");
        }
        assert_eq!((content_type("a.PNG"), content_type("b.json")), ("image/png", "text/plain; charset=utf-8"));
    }
}
