//! Which rows and columns a query takes of what is held.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array},
    buffer::BooleanBuffer,
    compute::{SlicesIterator, and, filter_record_batch, is_null, kernels::cmp::eq, or_kleene, prep_null_mask_filter},
    datatypes::{Schema, SchemaRef, TimestampMillisecondType},
    error::ArrowError,
};
use domain::{
    model::ModelKey,
    scope::ExperimentKind,
    time::{Millis, Ranges},
};

use super::{MAP_ENTRY_BYTES, held_field, width};
use crate::{scan::ScanRequest, snapshot::IndexedFile};

/// Ranges of rows that are shorter on average are copied together.
const LONG: usize = 16;

/// Rows that a query wants: of a batch those of the ranges, which ascend.
pub(super) struct SelectedRows {
    pub(super) batch: RecordBatch,
    pub(super) ranges: Vec<Range<usize>>,
}

impl SelectedRows {
    pub(super) fn all(batch: RecordBatch) -> Self {
        let all = 0..batch.num_rows();
        Self { batch, ranges: vec![all] }
    }
}

/// Which rows and columns a query wants; what `ScanRequest` says, to keep.
pub(super) struct RowSelection {
    pub(super) ranges: Ranges,
    pub(super) equality_conditions: Vec<(&'static str, String)>,
    /// Only rows that name no registered model.
    pub(super) unregistered: bool,
    pub(super) kind: ExperimentKind,
    pub(super) schema: SchemaRef,
    /// Columns to read: those wanted and those by which rows are chosen.
    pub(super) needs: Vec<&'static str>,
}

impl RowSelection {
    pub(super) fn of(rows: &ScanRequest<'_>) -> Self {
        let equality_conditions: Vec<_> =
            rows.equality_conditions().map(|(name, value)| (name, value.to_owned())).collect();
        let mut needs = rows.columns.clone();
        needs.push("timestamp");
        needs.extend(equality_conditions.iter().map(|e| e.0));
        if rows.scope.kind != ExperimentKind::All {
            needs.push("experiment_type");
        }
        let unregistered = matches!(rows.model, Some(ModelKey::Tagged(_)));
        if unregistered {
            needs.push("registered_model");
        }
        let mut seen = HashSet::new();
        needs.retain(|n| seen.insert(*n));
        let fields: Vec<_> = rows.columns.iter().map(|n| held_field(n)).collect();
        Self {
            ranges: rows.ranges.clone(),
            equality_conditions,
            unregistered,
            kind: rows.scope.kind,
            schema: Arc::new(Schema::new(fields)),
            needs,
        }
    }

    pub(super) fn row_bytes(&self) -> usize {
        self.needs.iter().filter_map(|n| width(n)).sum()
    }

    /// The bytes of what is in a file's maps, about, where they are wanted. An older index does not say how much that is: at
    /// most every metric in every row.
    pub(super) fn map_bytes(&self, view: &IndexedFile) -> usize {
        if !self.needs.contains(&"metrics") {
            return 0;
        }
        let most = || view.file.rows as usize * view.index.custom.len();
        MAP_ENTRY_BYTES * view.index.values.map_or_else(most, |n| n as usize)
    }

    /// The wanted rows among `length` rows from `from`; `None` when there are none.
    pub(super) fn batch(
        &self,
        view: &IndexedFile,
        columns: &HashMap<&'static str, Option<ArrayRef>>,
        from: usize,
        length: usize,
    ) -> Result<Option<SelectedRows>, ArrowError> {
        let part = |name: &str| columns.get(name).and_then(Option::as_ref).map(|a| a.slice(from, length));
        let mut masks: Vec<BooleanArray> = Vec::new();
        if !self.ranges.contains_all(view.file.from, view.file.to) {
            let Some(times) = part("timestamp") else { return Ok(None) };
            let times = times.as_primitive::<TimestampMillisecondType>();
            let inside = BooleanBuffer::collect_bool(length, |i| self.ranges.contains(Millis(times.value(i))));
            masks.push(BooleanArray::new(inside, None));
        }
        for (name, value) in &self.equality_conditions {
            let Some(texts) = part(name) else { return Ok(None) };
            masks.push(eq(&texts, &StringArray::new_scalar(value))?);
        }
        if self.unregistered
            && let Some(registered) = part("registered_model")
        {
            masks.push(is_null(&registered)?);
        }
        if self.kind != ExperimentKind::All {
            match (part("experiment_type"), self.kind) {
                (Some(kinds), ExperimentKind::Candidate) => {
                    masks.push(eq(&kinds, &StringArray::new_scalar("candidate"))?)
                }
                (Some(kinds), _) => {
                    masks.push(or_kleene(&is_null(&kinds)?, &eq(&kinds, &StringArray::new_scalar("production"))?)?);
                }
                (None, ExperimentKind::Candidate) => return Ok(None),
                (None, _) => {}
            }
        }
        let mask = masks.into_iter().map(Ok).reduce(|a, b| and(&a?, &b?)).transpose()?;
        let chosen = mask.as_ref().map_or(length, BooleanArray::true_count);
        if chosen == 0 {
            return Ok(None);
        }
        let fields = self.schema.fields().iter();
        let arrays = fields.map(|f| part(f.name()).unwrap_or_else(|| new_null_array(f.data_type(), length)));
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect())?;
        let Some(mask) = mask.filter(|_| chosen < length) else { return Ok(Some(SelectedRows::all(batch))) };
        let mask = if mask.null_count() > 0 { prep_null_mask_filter(&mask) } else { mask };
        let ranges: Vec<Range<usize>> = SlicesIterator::new(&mask).map(|(from, to)| from..to).collect();
        // Files are sorted so that rows which are chosen together lie together, and need not be copied; older ones are not.
        if ranges.len() * LONG <= chosen {
            return Ok(Some(SelectedRows { batch, ranges }));
        }
        filter_record_batch(&batch, &mask).map(SelectedRows::all).map(Some)
    }
}
