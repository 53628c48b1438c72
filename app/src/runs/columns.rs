//! How a column of runs is called, and what a run has in it.

use domain::{
    metric::Direction,
    time::Millis,
    tracking::{Attribute, Column, Reading, Run, Value, exact_text},
};
use leptos::prelude::*;

use super::words;
use crate::{
    i18n::Lang,
    panels::{
        curve::number,
        tracking::{duration, moment, run_duration, status_mark},
    },
    shell::plain_query::PlainQuery,
    ui::fmt::NO_VALUE,
};

/// The name of a column, without its kind.
pub(super) fn name(lang: Lang, column: &Column) -> String {
    match column {
        Column::Attribute(attribute) => attribute_name(lang, *attribute).to_owned(),
        Column::Metric(key, _) | Column::Param(key) | Column::Tag(key) => key.to_string(),
    }
}

fn attribute_name(lang: Lang, attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::RunId => words::col_id(lang),
        Attribute::RunName => words::col_name(lang),
        Attribute::Status => words::col_status(lang),
        Attribute::StartTime => words::col_started(lang),
        Attribute::EndTime => words::col_ended(lang),
        Attribute::Duration => words::col_took(lang),
        Attribute::UserId => words::col_user(lang),
        Attribute::ArtifactUri => words::col_artifacts(lang),
        Attribute::ExperimentId => words::col_experiment(lang),
    }
}

/// What kind of column it is, small under its name: of a metric which value is shown, and which way is better.
pub(super) fn kind(a: &PlainQuery, column: &Column) -> String {
    let lang = a.fmt.lang;
    match column {
        Column::Attribute(_) => String::new(),
        Column::Param(_) => words::kind_param(lang).to_owned(),
        Column::Tag(_) => words::kind_tag(lang).to_owned(),
        Column::Metric(key, reading) => {
            let better = match a.metric_names.of(key).direction {
                Direction::HigherIsBetter => "↑",
                Direction::LowerIsBetter => "↓",
                Direction::Neither => "",
            };
            format!("{} {better}", reading_name(lang, *reading)).trim().to_owned()
        }
    }
}

pub(super) fn reading_name(lang: Lang, reading: Reading) -> &'static str {
    match reading {
        Reading::Last => words::reading_last(lang),
        Reading::Min => words::reading_min(lang),
        Reading::Max => words::reading_max(lang),
        Reading::Best => words::reading_best(lang),
    }
}

/// Whether it is set to the right.
pub(super) fn is_number(column: &Column) -> bool {
    match column {
        Column::Metric(..) => true,
        Column::Attribute(a) => matches!(a, Attribute::Duration),
        Column::Param(_) | Column::Tag(_) => false,
    }
}

/// Whether a click on its head shows the largest first.
pub(super) fn largest_first(a: &PlainQuery, column: &Column) -> bool {
    match column {
        Column::Metric(key, _) => !a.metric_names.of(key).lower_is_better(),
        Column::Attribute(a) => matches!(a, Attribute::StartTime | Attribute::EndTime),
        Column::Param(_) | Column::Tag(_) => false,
    }
}

/// What a run has of it.
pub(super) fn cell(a: &PlainQuery, column: &Column, run: &Run, now: Millis) -> AnyView {
    let lang = a.fmt.lang;
    let class = is_number(column).then_some("num");
    if *column == Column::Attribute(Attribute::Duration) {
        return view! { <td class=class>{run_duration(&a.fmt, run, now)}</td> }.into_any();
    }
    if let Column::Metric(key, reading) = &a.metric_names.settled(column) {
        let Some(metric) = run.metric(key) else { return view! { <td class=class>{NO_VALUE}</td> }.into_any() };
        let (value, as_asked) = reading.of(metric);
        let exact = exact_text(value);
        // Its history is not at hand: the last value stands in, and says so.
        let stand_in = (!as_asked).then(|| view! { " "<small class="quiet">{words::stand_in(lang)}</small> });
        return view! { <td class=class title=exact>{number(&a.fmt, value)}{stand_in}</td> }.into_any();
    }
    match column.value(run) {
        None => view! { <td class=class>{NO_VALUE}</td> }.into_any(),
        Some(Value::Status(status)) => view! { <td>{status_mark(lang, status)}</td> }.into_any(),
        Some(Value::Time(at)) => view! { <td>{moment(&a.fmt, Some(at), now)}</td> }.into_any(),
        Some(Value::Number(ms)) => view! { <td class=class>{duration(lang, ms as i64)}</td> }.into_any(),
        Some(Value::Text(text)) => {
            let text = text.to_owned();
            let title = (text.chars().count() > 40).then(|| text.clone());
            view! { <td title=title><bdi>{text}</bdi></td> }.into_any()
        }
    }
}
