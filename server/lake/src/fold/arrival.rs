//! Whether rows arrived in time to count.

use arrow::array::Array;

use super::{
    batch::RowBatch,
    plan::{BucketSpan, GroupingSet, Plan},
};

/// Whether a row arrived in time to count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ArrivedInTime {
    InTime,
    TooLate,
    /// By part of the grouping set.
    For(Box<[bool]>),
}

impl ArrivedInTime {
    pub(super) fn counts_in(&self, part: usize) -> bool {
        match self {
            Self::InTime => true,
            Self::TooLate => false,
            Self::For(parts) => parts[part],
        }
    }
}

pub(super) fn arrived_in_time(
    plan: &Plan,
    grouping: &GroupingSet,
    bucket_span: &BucketSpan,
    rows: &RowBatch<'_>,
    row: usize,
) -> ArrivedInTime {
    // Of a row that does not say when it arrived nothing speaks against it.
    let Some(received) = rows.received.filter(|r| r.is_valid(row)).map(|r| r.value(row)) else {
        return ArrivedInTime::InTime;
    };
    let filter = &plan.query.filter;
    if filter.known_at.is_some_and(|known| received > known.0) {
        return ArrivedInTime::TooLate;
    }
    let Some(within) = filter.received_within else { return ArrivedInTime::InTime };
    let in_time = |(part, bucket): (&domain::cells::QueryPart, &Option<u32>)| {
        let end = bucket.and_then(|s| part.buckets.bounds(s).1);
        end.is_none_or(|end| received <= end.0.saturating_add(within))
    };
    ArrivedInTime::For(plan.parts_of(grouping).zip(&bucket_span.buckets).map(in_time).collect())
}
