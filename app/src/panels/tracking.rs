//! What pages of experiments and runs share: how the copy stands to MLflow, the status of a run, values, and lengths of time.

use domain::{
    error::Sentence,
    ports::{CopyStatus, TrackingKind},
    time::{DAY, HOUR, MINUTE, Millis, SECOND},
    tracking::{Run, RunStatus},
};
use leptos::prelude::*;

use super::words;
use crate::{
    i18n::Lang,
    ui::{
        empty::EmptyView,
        fmt::{Fmt, NO_VALUE},
    },
};

/// Characters without a shape.
const INVISIBLE: [char; 9] =
    ['\u{AD}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}', '\u{2060}', '\u{FEFF}', '\u{3164}'];
/// A copy older than this says so in a banner, although nothing failed.
const OLD: i64 = MINUTE;

/// A moment farther back is written as a date.
const OLD_MOMENT: i64 = 3 * DAY;

/// What is missing on an installation without experiments.
#[must_use]
pub fn no_source(lang: Lang) -> EmptyView {
    EmptyView {
        title: words::tracking_none_title(lang).into(),
        text: words::tracking_none_text(lang).into(),
        commands: vec![
            (
                words::tracking_none_server(lang).into(),
                "MLFLOW_TRACKING_URI=http://mlflow:5000 guardianflow serve".into(),
            ),
            (words::tracking_none_folder(lang).into(), "GF_MLRUNS=mlflow.db guardianflow serve".into()),
        ],
        action: None,
    }
}

/// Of when the copy is and of what, as one line.
#[must_use]
pub fn source_line(fmt: &Fmt, now: Millis, status: &CopyStatus) -> String {
    let lang = fmt.lang;
    let kind = match status.kind {
        TrackingKind::Server => {
            words::tracking_server(lang, status.version.as_deref().unwrap_or_default()).trim().to_owned()
        }
        TrackingKind::Folder => words::tracking_folder(lang).to_owned(),
        TrackingKind::Database => words::tracking_database(lang).to_owned(),
    };
    let age = status
        .as_of
        .map_or_else(|| words::tracking_never(lang).to_owned(), |t| words::tracking_as_of(lang, age(fmt, now.0 - t.0)));
    format!("{kind} {} · {age}", status.address)
}

/// Says when MLflow does not answer, and of when what is shown is then; that not everything was seen yet; and what to look after.
#[must_use]
pub fn banners(fmt: &Fmt, now: Millis, status: &CopyStatus) -> String {
    let lang = fmt.lang;
    let seconds = |t: Millis| fmt.strftime(t, "%H:%M:%S %Z");
    let failed = status.error.as_ref().map(|reason| {
        let reason = lang.reason(reason).to_owned();
        match status.as_of {
            Some(at) => (words::tracking_away(lang, seconds(at), age(fmt, now.0 - at.0)), reason),
            None => (words::tracking_away_never(lang).to_owned(), reason),
        }
    });
    let old = status
        .as_of
        .filter(|at| failed.is_none() && now.0 - at.0 > OLD)
        .map(|at| words::tracking_old(lang, age(fmt, now.0 - at.0)));
    let partial = (!status.complete && failed.is_none()).then(|| words::tracking_partial(lang));
    let warning = status.warning.as_ref().map(|w| lang.reason(w).to_owned());
    view! {
        {failed.map(|(text, reason)| view! { <p class="banner bad" role="status"><strong>{text}</strong>" "{reason}</p> })}
        {old.map(|text| view! { <p class="banner late" role="status">{text}</p> })}
        {partial.map(|text| view! { <p class="banner" role="status">{text}</p> })}
        {warning.map(|text| view! { <p class="banner late">{text}</p> })}
    }
    .to_html()
}

/// What of the address could not be read, and is taken as not given.
pub fn mistakes(lang: Lang, mistakes: &[Sentence]) -> impl IntoView + use<> {
    let said = |why: &Sentence| view! { <p class="banner bad" role="alert">{words::tracking_not_read(lang, why)}</p> };
    mistakes.iter().map(said).collect_view()
}

/// A length of time in the two units that count.
#[must_use]
pub fn duration(lang: Lang, ms: i64) -> String {
    let part = |n: i64, word: fn(Lang, &str) -> String| word(lang, &n.to_string());
    let (h, m, s) = (ms / HOUR, ms % HOUR / MINUTE, ms % MINUTE / SECOND);
    let short = |word: fn(Lang, &str) -> String| word;
    let hours = short(|lang, n| words::span_hours(lang, n));
    let minutes = short(|lang, n| words::span_minutes(lang, n));
    let seconds = short(|lang, n| words::span_seconds(lang, n));
    if h >= 100 {
        part(h / 24, |lang, n| words::span_days(lang, n))
    } else if h > 0 {
        format!("{} {}", part(h, hours), part(m, minutes))
    } else if m > 0 {
        format!("{} {}", part(m, minutes), part(s, seconds))
    } else if s > 0 || ms <= 0 {
        part(s.max(0), seconds)
    } else {
        words::span_millis(lang, ms)
    }
}

/// How long ago, from seconds on.
#[must_use]
pub fn age(fmt: &Fmt, ms: i64) -> String {
    if ms < 2 * MINUTE { duration(fmt.lang, ms.max(0) / SECOND * SECOND) } else { fmt.duration(ms) }
}

/// How long a run took, or has taken so far.
#[must_use]
pub fn run_duration(fmt: &Fmt, run: &Run, now: Millis) -> String {
    let Some(start) = run.start else { return NO_VALUE.into() };
    let end = match (run.end, run.status.is_over()) {
        (Some(end), _) => end,
        (None, false) => now,
        (None, true) => return NO_VALUE.into(),
    };
    if end < start { NO_VALUE.into() } else { duration(fmt.lang, end.0 - start.0) }
}

/// What a run is called; by its id where its name cannot be seen.
#[must_use]
pub fn run_name(run: &Run) -> String {
    let seen = |c: char| !c.is_whitespace() && !c.is_control() && !INVISIBLE.contains(&c);
    if run.name.chars().any(seen) { run.name.to_string() } else { run.id.to_string() }
}

/// The word of a status.
#[must_use]
pub fn status_word(lang: Lang, status: RunStatus) -> &'static str {
    match status {
        RunStatus::Running => words::run_running(lang),
        RunStatus::Scheduled => words::run_scheduled(lang),
        RunStatus::Finished => words::run_finished(lang),
        RunStatus::Failed => words::run_failed(lang),
        RunStatus::Killed => words::run_killed(lang),
    }
}

/// A status with its mark: shape, colour and word.
pub fn status_mark(lang: Lang, status: RunStatus) -> impl IntoView + use<> {
    let (class, mark) = match status {
        RunStatus::Running => ("mark running", "▶"),
        RunStatus::Scheduled => ("mark", "◷"),
        RunStatus::Finished => ("mark finished", "●"),
        RunStatus::Failed => ("mark failed", "✕"),
        RunStatus::Killed => ("mark failed", "■"),
    };
    view! { <span class="status"><span class=class aria-hidden="true">{mark}</span>{status_word(lang, status)}</span> }
}

/// A moment by its age, with the whole of it on demand.
pub fn moment(fmt: &Fmt, at: Option<Millis>, now: Millis) -> impl IntoView + use<> {
    match at {
        None => NO_VALUE.into_any(),
        Some(at) => {
            // What is long ago is told apart by its date.
            let away = now.0.saturating_sub(at.0);
            // A clock that goes ahead is not "just now" either.
            let is_old = !(-MINUTE..=OLD_MOMENT).contains(&away);
            let (iso, short) = (at.to_string(), if is_old { fmt.moment(at, now) } else { fmt.age(Some(at), now) });
            let full = fmt.strftime(at, "%Y-%m-%d %H:%M:%S %Z");
            view! { <time datetime=iso title=full>{short}</time> }.into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_the_units_that_count() {
        let texts = [0, 250, 1_500, 65_000, 3_725_000, 500 * HOUR].map(|ms| duration(Lang::En, ms));
        assert_eq!(texts, ["0 s", "250 ms", "1 s", "1 min 5 s", "1 h 2 min", "20 d"]);
    }
}
