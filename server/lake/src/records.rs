//! The rows behind a number: first which ones, by a pass over few columns, then these rows whole. No arithmetic here.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, RecordBatch, StringViewArray},
    datatypes::{Float64Type, Int64Type, TimestampMillisecondType},
};
use domain::{
    Error, Result,
    model::{ModelFields, ModelKey, RegistryVersions},
    query::{MetricColumn, RecordRow, Records, RecordsQuery},
    time::{Millis, TimeRange},
};

use crate::{
    Lake,
    cells::BatchConsumer,
    fold::{MODEL_COLUMNS, RUN_ID_COLUMN, column_named, metric_source_column, values_of},
    scan::ScanRequest,
    sentences,
};

/// So far one can page; beyond, the range has to be narrowed.
const DEEPEST: usize = 100_000;
/// Shown where no metric is named, as far as there are any.
const DEFAULT_METRICS: [&str; 3] = ["mAP50", "hota", "inference_time_ms"];

impl Lake {
    pub(crate) async fn answer_records(&self, q: &RecordsQuery) -> Result<Records> {
        let snapshot = self.snapshot();
        let directory = &snapshot.directory;
        directory.check(&q.scope)?;
        let links = Arc::clone(&directory.links);
        let model = q.model.as_ref().map(|model| directory.model(model)).transpose()?;
        let metrics = match &q.metric {
            Some(key) => vec![directory.metric_of_records(key)?],
            None => DEFAULT_METRICS
                .iter()
                .filter_map(|k| directory.metric(k).ok())
                .filter(|m| matches!(m.1, MetricColumn::BuiltIn(i) if directory.built_in.contains(&i)))
                .collect(),
        };
        if q.skip.saturating_add(q.take) > DEEPEST {
            return Err(Error::bad_input(sentences::too_deep(DEEPEST)));
        }
        let columns: Vec<MetricColumn> = metrics.iter().map(|m| m.1.clone()).collect();
        let wanted = q.metric.as_ref().and_then(|_| columns.first().cloned());
        let mut head = vec!["timestamp", "seq", "simulated"];
        head.extend(wanted.as_ref().map(metric_source_column));
        head.extend(q.run.as_ref().map(|_| "run_id"));
        // What rows say themselves does not tell where a registry says more: each is looked at.
        let of_model = model.clone().filter(|_| !links.is_empty()).map(|model| (model, Arc::clone(&links)));
        if of_model.is_some() {
            let missing = MODEL_COLUMNS.into_iter().chain([RUN_ID_COLUMN]).filter(|name| !head.contains(name));
            head.extend(missing.collect::<Vec<_>>());
        }
        let says = model.as_ref().filter(|model| links.may_be_found_by(model));
        let rows = ScanRequest { scope: &q.scope, model: says, ranges: q.range.into(), columns: head, only: None };
        let keep = q.skip + q.take;
        let run = q.run.as_ref().map(|id| id.as_str().to_owned());
        let found = || NewestRows {
            wanted: wanted.clone(),
            run: run.clone(),
            model: of_model.clone(),
            keep,
            total: 0,
            simulated: false,
            keys: Vec::new(),
        };
        let (_, parts) = self.scan_rows(&rows, found).await?;
        let mut newest = found();
        parts.into_iter().for_each(|p| newest.merge(p));
        let keys: Vec<(i64, i64)> = newest.sorted().into_iter().skip(q.skip).collect();
        let rows = self.whole_rows(q, &columns, &keys).await?;
        Ok(Records {
            scope: q.scope.clone(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: snapshot.as_of.unwrap_or(q.range.to()),
            total: newest.total,
            simulated: newest.simulated,
            metrics: metrics.into_iter().map(|m| m.0.key.into_owned()).collect(),
            rows,
        })
    }

    /// The rows of these keys (timestamp, sequence number), newest first.
    async fn whole_rows(
        &self,
        q: &RecordsQuery,
        metrics: &[MetricColumn],
        keys: &[(i64, i64)],
    ) -> Result<Vec<RecordRow>> {
        let (Some(newest), Some(oldest)) = (keys.first(), keys.last()) else { return Ok(vec![]) };
        let seqs: Vec<i64> = keys.iter().map(|k| k.1).collect();
        let mut columns = vec![
            "timestamp",
            "seq",
            "customer",
            "site",
            "zone",
            "task",
            "experiment_type",
            "model_architecture",
            "model_version",
            "registered_model",
            "registered_version",
            "device",
            "run_id",
            "samples",
            "source",
            "line",
            "received_at",
            "simulated",
        ];
        for m in metrics {
            let name = metric_source_column(m);
            if !columns.contains(&name) {
                columns.push(name);
            }
        }
        let range = TimeRange::new(Millis(oldest.0), Millis(newest.0 + 1))?;
        let rows = ScanRequest { scope: &q.scope, model: None, ranges: range.into(), columns, only: Some(&seqs) };
        let (_, parts) = self.scan_rows(&rows, || FullRows { metrics: metrics.to_vec(), rows: vec![] }).await?;
        let mut rows: Vec<(i64, RecordRow)> = parts.into_iter().flat_map(|p| p.rows).collect();
        rows.sort_by_key(|(seq, r)| std::cmp::Reverse((r.timestamp, *seq)));
        Ok(rows.into_iter().map(|r| r.1).collect())
    }
}

/// The newest rows seen so far, by timestamp and sequence number.
struct NewestRows {
    /// Rows without this metric do not count.
    wanted: Option<MetricColumn>,
    /// Rows that do not name this run do not count.
    run: Option<String>,
    /// Rows that do not belong to this model do not count.
    model: Option<(ModelKey, Arc<RegistryVersions>)>,
    keep: usize,
    total: u64,
    simulated: bool,
    keys: Vec<(i64, i64)>,
}

impl NewestRows {
    fn merge(&mut self, other: Self) {
        self.total += other.total;
        self.simulated |= other.simulated;
        self.keys.extend(other.keys);
    }

    fn sorted(&mut self) -> Vec<(i64, i64)> {
        self.cut();
        std::mem::take(&mut self.keys)
    }

    fn cut(&mut self) {
        self.keys.sort_unstable_by(|a, b| b.cmp(a));
        self.keys.truncate(self.keep);
    }
}

impl BatchConsumer for NewestRows {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String> {
        let times = column_named(batch, "timestamp")?.as_primitive::<TimestampMillisecondType>();
        let seqs = column_named(batch, "seq")?.as_primitive::<Int64Type>();
        let simulated = column_named(batch, "simulated")?.as_boolean();
        let note = |row: usize| {
            self.total += 1;
            self.simulated |= simulated.is_valid(row) && simulated.value(row);
            self.keys.push((times.value(row), seqs.value(row)));
        };
        let values = self.wanted.as_ref().map(|m| values_of(batch, m)).transpose()?;
        let of_run = self
            .run
            .clone()
            .map(|run| Ok::<_, String>((column_named(batch, "run_id")?.as_string_view(), run)))
            .transpose()?;
        let named = |r: &usize| of_run.as_ref().is_none_or(|(ids, run)| ids.is_valid(*r) && ids.value(*r) == run);
        let of_model = self.model.clone().map(|(model, links)| RowsOfModel::new(batch, model, links)).transpose()?;
        let belongs = |r: &usize| of_model.as_ref().is_none_or(|rows| rows.include(*r));
        let has_value = |r: &usize| values.as_ref().is_none_or(|v| v.is_valid(*r));
        (0..batch.num_rows()).filter(has_value).filter(named).filter(belongs).for_each(note);
        // Cut now and then, so that memory holds what is asked for and not what there is.
        if self.keys.len() > 2 * self.keep + 65_536 {
            self.cut();
        }
        Ok(())
    }
}

/// The rows of a batch that belong to a model.
struct RowsOfModel<'b> {
    /// Registered model and version, architecture and version, run.
    columns: [&'b StringViewArray; 5],
    model: ModelKey,
    links: Arc<RegistryVersions>,
}

impl<'b> RowsOfModel<'b> {
    fn new(batch: &'b RecordBatch, model: ModelKey, links: Arc<RegistryVersions>) -> std::result::Result<Self, String> {
        let text = |name| Ok::<_, String>(column_named(batch, name)?.as_string_view());
        let [a, b, c, d] = MODEL_COLUMNS;
        Ok(Self { columns: [text(a)?, text(b)?, text(c)?, text(d)?, text(RUN_ID_COLUMN)?], model, links })
    }

    fn include(&self, row: usize) -> bool {
        let [registered_model, registered_version, architecture, version, run_id] =
            self.columns.map(|c| c.is_valid(row).then(|| c.value(row)));
        let said = ModelFields { registered_model, registered_version, architecture, version, run_id };
        self.links.resolve(&said).is_some_and(|(key, _)| self.model.contains(&key))
    }
}

/// Rows with all that is shown of them.
struct FullRows {
    metrics: Vec<MetricColumn>,
    rows: Vec<(i64, RecordRow)>,
}

impl BatchConsumer for FullRows {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String> {
        let mut values: Vec<Vec<Option<f64>>> = vec![vec![None; self.metrics.len()]; batch.num_rows()];
        for (m, metric) in self.metrics.iter().enumerate() {
            for (row, x) in values_of(batch, metric)?.iter().enumerate() {
                values[row][m] = x;
            }
        }
        let text = |name: &str, row: usize| -> std::result::Result<Option<String>, String> {
            let column = column_named(batch, name)?.as_string_view();
            Ok(column.is_valid(row).then(|| column.value(row).to_owned()))
        };
        let moment = |name: &str, row: usize| -> std::result::Result<Option<Millis>, String> {
            let column = column_named(batch, name)?.as_primitive::<TimestampMillisecondType>();
            Ok(column.is_valid(row).then(|| Millis(column.value(row))))
        };
        let whole = |name: &str, row: usize| -> std::result::Result<Option<i64>, String> {
            let column = column_named(batch, name)?.as_primitive::<Int64Type>();
            Ok(column.is_valid(row).then(|| column.value(row)))
        };
        let samples = column_named(batch, "samples")?.as_primitive::<Float64Type>();
        let simulated = column_named(batch, "simulated")?.as_boolean();
        for (row, values) in values.into_iter().enumerate() {
            let record = RecordRow {
                timestamp: moment("timestamp", row)?.unwrap_or(Millis(0)),
                customer: text("customer", row)?.unwrap_or_default(),
                site: text("site", row)?,
                zone: text("zone", row)?,
                task: text("task", row)?.unwrap_or_default(),
                experiment_type: text("experiment_type", row)?,
                architecture: text("model_architecture", row)?,
                version: text("model_version", row)?,
                registered_model: text("registered_model", row)?,
                registered_version: text("registered_version", row)?,
                device: text("device", row)?,
                run_id: text("run_id", row)?,
                samples: samples.is_valid(row).then(|| samples.value(row)),
                values,
                source: text("source", row)?,
                line: whole("line", row)?,
                received_at: moment("received_at", row)?,
                simulated: simulated.is_valid(row) && simulated.value(row),
            };
            self.rows.push((whole("seq", row)?.unwrap_or(0), record));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::metric::CATALOGUE;

    use super::DEFAULT_METRICS;

    #[test]
    fn leading_metrics_are_in_the_catalogue() {
        assert!(DEFAULT_METRICS.iter().all(|k| CATALOGUE.iter().any(|m| m.key == *k)));
    }
}
