//! `/api/runs/{id}/thumbnail`: an image of a run, made small.

use app::i18n::Lang;
use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    Error,
    params::known_pairs,
    scope::clip_text,
    tracking::{ArtifactPath, is_immutable},
};
use xxhash_rust::xxh3::xxh3_64;

use super::{Answer, is_known, needed, not_modified, text};
use crate::{
    http::{ActorServices, AppState, problem::Problem, sentences},
    thumbnails::{NoThumbnail, SIDES, Thumbnail, placeholder},
};

/// The side where nobody says one.
const SIDE: u32 = 320;
/// What a browser may do with it beyond drawing: nothing.
const POLICY: &str = "default-src 'none'; sandbox";

/// The image at `path`, in a square of `size`. With `words=en|ko` an image that cannot be drawn is answered by a picture that says why:
/// pages ask so, because what browsers show in the place of an error says nothing.
pub async fn thumbnail(
    State(state): State<AppState>,
    ActorServices(s): ActorServices,
    Path(id): Path<String>,
    RawQuery(q): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let pairs = known_pairs(q.as_deref().unwrap_or_default(), &["path", "size", "words"])?;
    let path = ArtifactPath::parse(needed(&pairs, "path")?)?;
    let side = text(&pairs, "size").map(read_side).transpose()?.unwrap_or(SIDE);
    let words = text(&pairs, "words").map(read_language).transpose()?;
    let run = s.runs.run(&id)?.run;
    match (state.thumbnails.get(&s.runs, &run, &path, side).await, words) {
        (Ok(thumbnail), _) => Ok(drawn(&headers, &path, &thumbnail)),
        (Err(why), Some(lang)) => Ok(told(lang.reason(why.sentence()))),
        (Err(NoThumbnail::Refused(why)), None) => Err(Problem::with_sentence(StatusCode::UNPROCESSABLE_ENTITY, why)),
        (Err(NoThumbnail::Failed(e)), None) => Err(e.into()),
    }
}

fn read_side(text: &str) -> domain::Result<u32> {
    let side = text.parse().ok().filter(|side| SIDES.contains(side));
    let known = SIDES.map(|side| side.to_string()).join(", ");
    side.ok_or_else(|| Error::bad_input(sentences::bad_side(known, clip_text(text))))
}

fn read_language(text: &str) -> domain::Result<Lang> {
    Lang::from_code(text).ok_or_else(|| Error::bad_input(sentences::bad_words(clip_text(text))))
}

fn drawn(headers: &HeaderMap, path: &ArtifactPath, thumbnail: &Thumbnail) -> Response {
    let etag = format!("\"{:016x}\"", xxh3_64(&thumbnail.bytes));
    let kept = if is_immutable(path) { "private, max-age=31536000, immutable" } else { "private, no-cache" };
    if is_known(headers, &etag) {
        let mut answer = not_modified(etag);
        answer.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static(kept));
        return answer;
    }
    let (width, height) = thumbnail.original;
    let heads = [
        (header::CONTENT_TYPE, thumbnail.kind.to_owned()),
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::CACHE_CONTROL, kept.to_owned()),
        // It is packed already.
        (header::CONTENT_ENCODING, "identity".to_owned()),
        (header::ETAG, etag),
        (HeaderName::from_static("x-image-size"), format!("{width}x{height}")),
        (HeaderName::from_static("x-first-frame"), thumbnail.is_first_frame.to_string()),
    ];
    (heads, thumbnail.bytes.clone()).into_response()
}

/// A picture of words. It is kept by nobody: the next time it may be an image.
fn told(why: &str) -> Response {
    let heads = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (heads, placeholder(why)).into_response()
}
