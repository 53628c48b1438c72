//! Whether experiments and runs can be read: the MLflow server, or what MLflow wrote to a disk.

use std::time::Duration;

use domain::{Error, ErrorKind, ports::TrackingKind};

use super::finding::Finding;
use crate::{
    config::Settings,
    startup::{self, tracking_warning},
};

const NAME: &str = "mlflow";
/// How long one question may take.
const TIMEOUT: Duration = Duration::from_secs(10);
const SERVER: &str = "Correct MLFLOW_TRACKING_URI and what goes with it (`guardianflow config` shows what is set), or unset it to go \
    without experiments and runs.";
const LOCAL: &str =
    "Correct GF_MLRUNS, and let the server's user read what it names: a folder mlruns, or a database file mlflow.db.";

/// Asks the source one question.
pub async fn checks(settings: &Settings) -> Vec<Finding> {
    // What is wrong with the settings is told with them.
    let Ok(source) = settings.tracking.source() else { return vec![] };
    if source.is_none() {
        return vec![Finding::ok(NAME, "none is set: experiments and runs are not shown")];
    }
    let store = match startup::tracking_store(settings) {
        Ok(Some(store)) => store,
        Ok(None) => return vec![],
        Err(e) => return vec![judge(TrackingKind::Server, "", Err(e))],
    };
    let answer = match tokio::time::timeout(TIMEOUT, store.probe()).await {
        Ok(answer) => answer,
        Err(_) => {
            let seen = format!("{} does not answer within {} seconds", store.address(), TIMEOUT.as_secs());
            return vec![Finding::error(NAME, seen, cure(store.kind()))];
        }
    };
    vec![judge(store.kind(), store.address(), answer)]
}

fn cure(kind: TrackingKind) -> &'static str {
    if kind == TrackingKind::Server { SERVER } else { LOCAL }
}

fn judge(kind: TrackingKind, address: &str, answer: Result<Option<String>, Error>) -> Finding {
    match answer {
        // The sentence names the cure already; this says where.
        Err(e) if e.kind == ErrorKind::BadInput => Finding::error(NAME, e.to_string(), SERVER),
        Err(e) => Finding::error(NAME, e.to_string(), cure(kind)),
        Ok(version) => {
            let said = version.as_deref().map_or_else(String::new, |v| format!(", version {v}"));
            match tracking_warning(kind, version.as_deref()) {
                Some(warning) => Finding::warning(NAME, format!("{address} answers{said}"), warning.en),
                None => Finding::ok(NAME, format!("{address} answers{said}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::error::Sentence;

    use super::*;
    use crate::doctor::CheckStatus::{self, Error as Broken, Ok as Fine, Warning};

    #[test]
    fn a_source_is_judged_by_its_answer() {
        let state = |kind, answer| -> CheckStatus { judge(kind, "http://mlflow:5000", answer).state };
        let version = |v: &str| Ok(Some(v.to_owned()));
        assert_eq!(state(TrackingKind::Server, version("3.17.2")), Fine);
        assert_eq!(state(TrackingKind::Server, version("2.9.0")), Warning);
        assert_eq!(state(TrackingKind::Folder, Ok(None)), Fine);
        let away = || Err(Error::unavailable(Sentence::only_english("nothing listens")));
        let found = [TrackingKind::Server, TrackingKind::Folder].map(|kind| judge(kind, "x", away()));
        assert!(found.iter().all(|f| f.state == Broken && f.seen == "nothing listens"));
        assert!(found[0].cure.as_deref().is_some_and(|c| c.contains("MLFLOW_TRACKING_URI")));
        assert!(found[1].cure.as_deref().is_some_and(|c| c.contains("GF_MLRUNS")));
    }
}
