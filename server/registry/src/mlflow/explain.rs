//! What is wrong with MLflow, in a sentence with the cure. What it says itself may hold SQL and addresses: that is for the log.

use domain::error::{Error, Result};
use reqwest::{
    StatusCode,
    header::{HOST, LOCATION},
};
use serde::Deserialize;

use super::{Credentials, MlflowServer, sentences, wire::ErrorBody};
use crate::egress::{Answer, Failure};

/// How much of an answer the log gets, in characters.
const LOGGED: usize = 400;

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(4 * LOGGED)]).chars().take(LOGGED).collect()
}

/// Whether an answer says that there is no such run, experiment or file, as only MLflow says it.
pub fn says_missing(answer: &Answer) -> bool {
    answer.status == StatusCode::NOT_FOUND && ErrorBody::of(&answer.body).code == "RESOURCE_DOES_NOT_EXIST"
}

/// Whether an answer says that MLflow does not know the call: an older version.
pub fn says_unknown_call(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) && !says_missing(answer)
}

impl MlflowServer {
    /// Why there is no answer.
    pub(super) fn failed(&self, failure: Failure) -> Error {
        let at = &self.address;
        let seconds = |d: std::time::Duration| d.as_secs_f32();
        let sentence = match &failure {
            Failure::UnknownName(_) => sentences::unknown_name(at),
            Failure::NobodyListens => sentences::nobody_listens(at),
            Failure::ConnectTimedOut => sentences::not_reached(at, seconds(self.timeouts.connect)),
            Failure::TimedOut(waited) => sentences::timed_out(at, seconds(*waited)),
            Failure::Tls(_) => sentences::not_trusted(at),
            Failure::Lost(_) | Failure::CutOff(_) => sentences::cut_off(at),
            Failure::TooLarge(most) => sentences::too_large(at, most >> 20),
            Failure::Refused(_) | Failure::Other(_) => sentences::unreachable(at),
        };
        Error::unavailable(sentence).with_detail(failure)
    }

    /// Why an answer is no success.
    pub(super) fn refused(&self, answer: &Answer) -> Error {
        let at = &self.address;
        let status = answer.status.as_u16();
        let said = String::from_utf8_lossy(&answer.body[..answer.body.len().min(1024)]);
        let sentence = match answer.status {
            StatusCode::FORBIDDEN if said.contains("Invalid Host header") => sentences::host_refused(at, self.host()),
            StatusCode::UNAUTHORIZED if matches!(self.credentials, Credentials::Nobody) => {
                sentences::no_credentials(at)
            }
            StatusCode::UNAUTHORIZED => sentences::wrong_credentials(at),
            StatusCode::FORBIDDEN => sentences::no_permission(at),
            s if s.is_redirection() => sentences::redirected(at),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if !says_missing(answer) => {
                sentences::unknown_call(at)
            }
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => sentences::busy(at, status),
            s if s.is_server_error() => sentences::broken(at, status),
            _ => sentences::not_understood(at, status),
        };
        let location = answer.headers.get(LOCATION).and_then(|v| v.to_str().ok()).unwrap_or_default();
        Error::unavailable(sentence).with_detail(format!("{status} {location} {}", excerpt(&answer.body)))
    }

    /// What a success holds.
    pub(super) fn read<'a, T: Deserialize<'a>>(&self, answer: &'a Answer) -> Result<T> {
        if !answer.status.is_success() {
            return Err(self.refused(answer));
        }
        serde_json::from_slice(&answer.body).map_err(|e| {
            let html = answer.body.trim_ascii_start().starts_with(b"<");
            let sentence = match e.classify() {
                _ if html => crate::sentences::not_an_mlflow(&self.address),
                serde_json::error::Category::Eof if !answer.body.is_empty() => sentences::cut_off(&self.address),
                _ => sentences::nonsense(&self.address),
            };
            Error::unavailable(sentence).with_detail(format!("{e} in {}", excerpt(&answer.body)))
        })
    }

    /// What has the form of an answer of MLflow and cannot be one.
    pub(super) fn nonsense(&self, detail: impl std::fmt::Display) -> Error {
        Error::unavailable(sentences::nonsense(&self.address)).with_detail(detail)
    }

    pub(super) fn endless(&self) -> Error {
        Error::unavailable(sentences::endless(&self.address))
    }

    /// Host and port as they stand in the header.
    fn host(&self) -> String {
        if let Some(given) = self.headers.get(HOST).and_then(|v| v.to_str().ok()) {
            return given.to_owned();
        }
        let host = self.base.host_str().unwrap_or_default();
        self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}
