//! Whether rows arrived in time to count.

use arrow::array::Array;

use super::{
    batch::Batch,
    plan::{Lane, Plan, Span},
};

/// Whether a row arrived in time to count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrived {
    InTime,
    TooLate,
    /// By part of the lane.
    For(Box<[bool]>),
}

impl Arrived {
    pub(super) fn counts_in(&self, part: usize) -> bool {
        match self {
            Self::InTime => true,
            Self::TooLate => false,
            Self::For(parts) => parts[part],
        }
    }
}

pub(super) fn arrival(plan: &Plan, lane: &Lane, span: &Span, rows: &Batch<'_>, row: usize) -> Arrived {
    // Of a row that does not say when it arrived nothing speaks against it.
    let Some(received) = rows.received.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else {
        return Arrived::InTime;
    };
    let filter = &plan.query.filter;
    if filter.known_at.is_some_and(|known| received > known.0) {
        return Arrived::TooLate;
    }
    let Some(within) = filter.received_within else { return Arrived::InTime };
    let in_time = |(part, stretch): (&domain::cells::Part, &Option<u32>)| {
        let end = stretch.and_then(|s| part.edges.bounds(s).1);
        end.is_none_or(|end| received <= end.0.saturating_add(within))
    };
    Arrived::For(plan.parts_of(lane).zip(&span.stretches).map(in_time).collect())
}
