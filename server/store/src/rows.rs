//! Rows as both databases give them, and numbers as both keep them.

use domain::{
    Error, Result,
    access::Role,
    error::Sentence,
    ports::{ComparisonId, KeptComparison, KeptPolicy, KeptVerdict, RefusedCounts, SourceId, SourceReport},
    saved_view::{SavedView, ViewId, ViewLink, ViewName},
    time::{Day, Millis},
    token::{ActiveToken, SecretHash, Session, SessionHolder, Token, TokenName},
};
use lake::ports::LakeFile;
use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::sentences;

/// So many commits are remembered: a process that is further behind reads everything.
pub const MAX_REMEMBERED_COMMITS: i64 = 1_000;

/// id, path, day, rows, bytes, from, to, simulated, received.
pub type FileRow = (i64, String, i64, i64, i64, i64, i64, i64, i64);

pub fn lake_file(row: FileRow) -> LakeFile {
    let (id, path, day, rows, bytes, from, to, simulated, received) = row;
    LakeFile {
        id,
        path,
        day: Day(i32::try_from(day).unwrap_or(0)),
        rows: unsigned(rows),
        bytes: unsigned(bytes),
        from: Millis(from),
        to: Millis(to),
        simulated: unsigned(simulated),
        received: Millis(received),
    }
}

/// kind, name, first, last, newest, taken, duplicate, corrected, withdrawn, error, its Korean words, finished.
pub type SourceRow = (String, String, i64, i64, Option<i64>, i64, i64, i64, i64, Option<String>, Option<String>, i64);

pub fn source_report(row: SourceRow) -> SourceReport {
    let (kind, name, first, last, newest, taken, duplicate, corrected, withdrawn, error, error_ko, finished) = row;
    SourceReport {
        source: SourceId { kind, name },
        first: Millis(first),
        last: Millis(last),
        newest: newest.map(Millis),
        taken: unsigned(taken),
        duplicate: unsigned(duplicate),
        corrected: unsigned(corrected),
        withdrawn: unsigned(withdrawn),
        refused: RefusedCounts::new(),
        error: error.map(|en| Sentence { en, ko: error_ko }),
        finished: finished != 0,
    }
}

/// name, role, created, last use, revoked.
pub type TokenRow = (String, String, i64, Option<i64>, Option<i64>);

pub fn token((name, role, created, last_use, revoked): TokenRow) -> Result<Token> {
    Ok(Token {
        name: TokenName::parse(&name).map_err(unreadable)?,
        role: Role::parse(&role).map_err(unreadable)?,
        created: Millis(created),
        last_use: last_use.map(Millis),
        revoked: revoked.map(Millis),
    })
}

/// id, name, role, hash.
pub type LiveTokenRow = (i64, String, String, Vec<u8>);

pub fn live_token((id, name, role, hash): LiveTokenRow) -> Result<ActiveToken> {
    Ok(ActiveToken {
        id,
        name: TokenName::parse(&name).map_err(unreadable)?,
        role: Role::parse(&role).map_err(unreadable)?,
        hash: hash_of(&hash)?,
    })
}

/// The token's id, name, role and hash; or the proof of the operator's token; and until when.
pub type SessionRow = (Option<i64>, Option<String>, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>, i64);

pub fn session(row: SessionRow) -> Result<Session> {
    let holder = match row {
        (.., Some(proof), _) => SessionHolder::Operator(hash_of(&proof)?),
        (Some(id), Some(name), Some(role), Some(hash), None, _) => {
            SessionHolder::Token(live_token((id, name, role, hash))?)
        }
        _ => return Err(unreadable("of nobody")),
    };
    Ok(Session { holder, expires: Millis(row.5) })
}

fn hash_of(bytes: &[u8]) -> Result<SecretHash> {
    bytes.try_into().map(SecretHash).map_err(unreadable)
}

/// What is stored was checked when it came in: other hands have changed it.
fn unreadable(why: impl ToString) -> Error {
    Error::internal(sentences::no_stored_token()).with_detail(why)
}

/// id, owner, name, link, shared, created, changed.
pub type ViewRow = (i64, String, String, String, i64, i64, i64);

pub fn saved_view((id, owner, name, link, shared, created, changed): ViewRow) -> Result<SavedView> {
    Ok(SavedView {
        id: ViewId(id),
        owner,
        name: ViewName::parse_stored(&name)?,
        link: ViewLink::stored(link),
        shared: shared != 0,
        created: Millis(created),
        changed: Millis(changed),
    })
}

/// id, registration, the superseded one, the superseding one, looks, the day of the last one, verdict, when that was made.
pub type ComparisonRow = (i64, String, Option<i64>, Option<i64>, i64, Option<i64>, Option<String>, Option<i64>);

pub fn comparison(
    (id, body, supersedes, superseded_by, looks, last_look, judged, made): ComparisonRow,
) -> Result<KeptComparison> {
    let registration =
        serde_json::from_str(&body).map_err(|e| Error::internal(sentences::no_stored_comparison(id)).with_detail(e))?;
    let judged = judged.zip(made).map(|(body, made)| verdict(id, &body, made));
    Ok(KeptComparison {
        id: ComparisonId(id),
        registration,
        supersedes: supersedes.map(ComparisonId),
        superseded_by: superseded_by.map(ComparisonId),
        looks: u32::try_from(looks).unwrap_or(u32::MAX),
        last_look: last_look.and_then(|day| i32::try_from(day).ok()).map(Day),
        verdict: judged.transpose()?,
    })
}

/// The verdict of a comparison.
pub fn verdict(id: i64, body: &str, made: i64) -> Result<KeptVerdict> {
    match serde_json::from_str(body) {
        Ok(judgement) => Ok(KeptVerdict { judgement, made: Millis(made) }),
        Err(e) => Err(Error::internal(sentences::no_stored_verdict(id)).with_detail(e)),
    }
}

/// model, policy, changed, by whom.
pub type PolicyRow = (String, String, i64, String);

pub fn policy((model, body, changed, changed_by): PolicyRow) -> Result<KeptPolicy> {
    match serde_json::from_str(&body) {
        Ok(policy) => Ok(KeptPolicy { model, policy, changed: Millis(changed), changed_by }),
        Err(e) => Err(Error::internal(sentences::no_stored_policy(&model)).with_detail(e)),
    }
}

/// The question of a comparison as it is looked for.
pub fn question_hash(question: &str) -> Vec<u8> {
    Sha256::digest(question.as_bytes()).to_vec()
}

/// A thing as JSON. What is kept for ever is read once before, so that nothing is kept that cannot be read: a number that is none, for one.
pub fn kept_json<T: Serialize + DeserializeOwned>(thing: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string(thing)?;
    serde_json::from_str::<T>(&text)?;
    Ok(text)
}

/// Databases store signed numbers; ours never come near the limit.
pub fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub fn unsigned(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

/// Text from outside: Postgres keeps no character zero.
pub fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
