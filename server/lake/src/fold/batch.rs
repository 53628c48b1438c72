//! A batch of rows as the fold looks at it, and the spans of rows that belong to the same cells.

use std::{borrow::Cow, ops::Range};

use arrow::{
    array::{Array, AsArray, BooleanArray, PrimitiveArray, RecordBatch},
    datatypes::{Float64Type, Int64Type, TimestampMillisecondType},
};
use domain::time::Millis;

use super::{
    columns::column_named,
    part::NO_CELL,
    plan::Plan,
    text::{TextColumn, hash},
};

/// What a row says that the row before it did not: something else of its group, its place, its model, its device, or of where it
/// came from.
pub(super) const GROUP_CHANGED: u8 = 1;

pub(super) const PLACE_CHANGED: u8 = 2;

pub(super) const MODEL_CHANGED: u8 = 4;

pub(super) const DEVICE_CHANGED: u8 = 8;

pub(super) const SIMULATED_CHANGED: u8 = 16;

/// Rows one after the other that belong to the same cells, and were measured on the same device. Files are sorted by place and
/// time, so there are few.
pub(super) struct RowSpan {
    pub(super) rows: Range<usize>,
    pub(super) simulated: bool,
    /// Hashes of the rows' site and of their zone.
    pub(super) site: u64,
    pub(super) zone: u64,
    /// Whether each is newer than the one before.
    pub(super) ascending: bool,
}

/// The spans of a batch in a grouping set, and of each the cell in every part of it.
pub(super) struct RowSpans {
    pub(super) all: Vec<RowSpan>,
    pub(super) parts: usize,
    pub(super) cells: Vec<u32>,
}

impl RowSpans {
    /// The cell to which a span belongs in a part of the grouping set; `None` where the part does not look at it.
    #[inline]
    pub(super) fn cell(&self, span: usize, part: usize) -> Option<usize> {
        let cell = self.cells[span * self.parts + part];
        (cell != NO_CELL).then_some(cell as usize)
    }
}

/// Of a batch, what every metric needs.
pub(super) struct RowBatch<'a> {
    pub(super) times: &'a [i64],
    pub(super) seqs: &'a [i64],
    pub(super) weights: Cow<'a, [f64]>,
    pub(super) simulated: &'a BooleanArray,
    pub(super) received: Option<&'a PrimitiveArray<TimestampMillisecondType>>,
    /// Columns of text, in the order of [`Plan::texts`].
    pub(super) texts: Vec<TextColumn<'a>>,
}

impl<'a> RowBatch<'a> {
    pub(super) fn of(batch: &'a RecordBatch, plan: &Plan) -> Result<Self, String> {
        let find = |name| column_named(batch, name);
        let weights = find("samples")?.as_primitive::<Float64Type>();
        Ok(Self {
            times: find("timestamp")?.as_primitive::<TimestampMillisecondType>().values(),
            seqs: find("seq")?.as_primitive::<Int64Type>().values(),
            // A record that does not say on how many samples it stands counts once.
            weights: match weights.null_count() {
                0 => Cow::Borrowed(weights.values()),
                _ => weights.iter().map(|w| w.unwrap_or(1.0)).collect(),
            },
            simulated: find("simulated")?.as_boolean(),
            received: if plan.arrivals { Some(find("received_at")?.as_primitive()) } else { None },
            texts: plan.texts.iter().map(|name| find(name).and_then(TextColumn::of)).collect::<Result<_, String>>()?,
        })
    }

    /// The oldest and the newest moment; `None` without rows.
    pub(super) fn time_bounds(&self) -> Option<(Millis, Millis)> {
        let time_bounds =
            self.times.iter().fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(*t), last.max(*t)));
        (!self.times.is_empty()).then_some((Millis(time_bounds.0), Millis(time_bounds.1)))
    }

    pub(super) fn text(&self, column: usize, row: usize) -> Option<&'a str> {
        self.texts[column].get(row)
    }

    pub(super) fn is_simulated(&self, row: usize) -> bool {
        self.simulated.is_valid(row) && self.simulated.value(row)
    }

    pub(super) fn mark_simulated(&self, changes: &mut [u8]) {
        let all = self.simulated.true_count();
        if all == 0 || (all == self.simulated.len() && self.simulated.null_count() == 0) {
            return;
        }
        for (row, change) in changes.iter_mut().enumerate().skip(1) {
            *change |= SIMULATED_CHANGED * u8::from(self.is_simulated(row) != self.is_simulated(row - 1));
        }
    }

    /// Whether each of these rows is newer than the one before.
    pub(super) fn is_ascending(&self, rows: &Range<usize>) -> bool {
        let (times, seqs) = (&self.times[rows.clone()], &self.seqs[rows.clone()]);
        times.windows(2).zip(seqs.windows(2)).all(|(t, s)| (t[0], s[0]) <= (t[1], s[1]))
    }

    /// Whether two rows say the same in these columns.
    pub(super) fn same(&self, columns: &[usize], row: usize, other: usize) -> bool {
        columns.iter().all(|c| self.texts[*c].same(row, other))
    }

    pub(super) fn hash(&self, columns: &[usize], row: usize) -> u64 {
        hash(columns.iter().map(|c| &self.texts[*c]), row)
    }
}

/// How many there are up to the first that does not hold, the first of all apart.
pub(super) fn common_prefix_len<T>(all: &[T], contains: impl Fn(&T) -> bool) -> usize {
    all.iter().skip(1).position(|one| !contains(one)).map_or(all.len(), |n| n + 1)
}
