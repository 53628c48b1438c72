//! Reads the rows of a query: DataFusion finds the files' pages that matter, decodes and filters them on all cores.
//! What comes out are batches; the arithmetic is in `fold`.

use std::sync::Arc;

use arrow::{
    array::{AsArray, RecordBatch},
    compute::filter_record_batch,
    datatypes::Schema,
};
use datafusion_common::{DataFusionError, ScalarValue};
use datafusion_datasource::{
    PartitionedFile, TableSchema, file_groups::FileGroup, file_scan_config::FileScanConfigBuilder,
    source::DataSourceExec,
};
use datafusion_datasource_parquet::{CachedParquetFileReaderFactory, source::ParquetSource};
use datafusion_execution::{
    SendableRecordBatchStream, TaskContext, config::SessionConfig, object_store::ObjectStoreUrl,
    runtime_env::RuntimeEnv,
};
use datafusion_expr::Operator;
use datafusion_physical_expr::{
    PhysicalExpr,
    expressions::{BinaryExpr, col, in_list, is_null, lit},
};
use datafusion_physical_plan::{
    ExecutionPlan, Partitioning, execute_stream_partitioned, filter::FilterExecBuilder, repartition::RepartitionExec,
};
use domain::{
    model::ModelKey,
    scope::{ExperimentKind, Scope},
    text::Name,
    time::{Millis, Ranges},
};
use object_store::{ObjectStore, limit::LimitStore};

use crate::{
    file::object_name,
    ports::LakeFile,
    schema::{SCHEMA, column_index},
    snapshot::Snapshot,
};

/// Which rows and which columns.
#[derive(Debug, Clone)]
pub struct ScanRequest<'a> {
    pub scope: &'a Scope,
    /// By what its rows say themselves.
    pub model: Option<&'a ModelKey>,
    pub ranges: Ranges,
    /// Columns by name; order is kept.
    pub columns: Vec<&'static str>,
    /// Only the rows with these sequence numbers.
    pub only: Option<&'a [i64]>,
}

impl ScanRequest<'_> {
    /// Columns that must hold a text, and the text.
    pub fn equality_conditions(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let scope = self.scope;
        let (tagged, registered) = match self.model {
            Some(ModelKey::Tagged(m)) => (Some(m), None),
            Some(ModelKey::Registered(r)) => (None, Some(r)),
            None => (None, None),
        };
        let equality_conditions: [(&str, Option<&Name>); 9] = [
            ("customer", scope.customer.as_ref()),
            ("site", scope.site.as_ref()),
            ("zone", scope.zone.as_ref()),
            ("task", scope.task.as_ref()),
            ("device", scope.device.as_ref()),
            ("model_architecture", tagged.map(|m| &m.architecture)),
            ("model_version", tagged.and_then(|m| m.version.as_ref())),
            ("registered_model", registered.map(|r| &r.name)),
            ("registered_version", registered.and_then(|r| r.version.as_ref())),
        ];
        equality_conditions.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())))
    }
}

/// DataFusion's scan over the lake's objects. Plans are put together here: a query is always files, a condition and
/// columns, so that neither SQL nor the optimizers are needed, which take longer to compile than all the rest.
#[derive(Clone)]
pub struct ScanEngine {
    context: Arc<TaskContext>,
    url: ObjectStoreUrl,
    /// How many streams a scan has.
    threads: usize,
}

/// Where the engine finds objects by their names.
const BASE: &str = "lake://objects";

impl ScanEngine {
    /// # Errors
    /// In words.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let config = SessionConfig::new().with_target_partitions(threads).with_batch_size(8_192);
        let url = ObjectStoreUrl::parse(BASE).map_err(|e| e.to_string())?;
        let runtime = RuntimeEnv::default();
        // Reads take turns: each holds a thread of tokio's blocking pool, and each thread keeps memory that others freed.
        // Of a read of one range the turn covers the opening, of one of several the whole.
        runtime.register_object_store(url.as_ref(), Arc::new(LimitStore::new(objects, threads)));
        let context = TaskContext::default().with_session_config(config).with_runtime(Arc::new(runtime));
        Ok(Self { context: Arc::new(context), url, threads })
    }

    /// Opens one stream per core over the rows; none when no file can hold any.
    ///
    /// # Errors
    /// What DataFusion says; the caller finds out which file is to blame.
    pub fn streams(
        &self,
        snapshot: &Snapshot,
        rows: &ScanRequest<'_>,
    ) -> Result<Vec<SendableRecordBatchStream>, DataFusionError> {
        let files: Vec<PartitionedFile> =
            snapshot.files_in(&rows.ranges).map(|v| to_partitioned_file(&v.file)).collect();
        if files.is_empty() {
            return Ok(vec![]);
        }
        execute_stream_partitioned(self.plan(files, rows)?, Arc::clone(&self.context))
    }

    /// Files that the manifest names, with their sizes: nothing is looked up before they are opened. What statistics
    /// rule out is not read; the condition is applied to the rest.
    fn plan(
        &self,
        files: Vec<PartitionedFile>,
        rows: &ScanRequest<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let config = self.context.session_config().options();
        let runtime = self.context.runtime_env();
        let footers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let mut source = ParquetSource::new(TableSchema::from(SCHEMA.clone()))
            .with_predicate(condition(rows, &SCHEMA)?)
            .with_parquet_file_reader_factory(Arc::new(footers));
        if let Some(bytes) = config.execution.parquet.metadata_size_hint {
            source = source.with_metadata_size_hint(bytes);
        }
        // First the columns that are asked for, then those that only the condition reads.
        let mut columns: Vec<usize> = rows.columns.iter().map(|name| column_index(name)).collect();
        for name in conditions(rows) {
            if !columns.contains(&column_index(name)) {
                columns.push(column_index(name));
            }
        }
        let scan = FileScanConfigBuilder::new(self.url.clone(), Arc::new(source))
            .with_file_groups(FileGroup::new(files).split_files(self.threads))
            .with_projection_indices(Some(columns))?
            .build();
        let mut plan: Arc<dyn ExecutionPlan> = DataSourceExec::from_data_source(scan);
        // Large files are read by several at once; one small file is read by one, and its rows are handed out in turns.
        if let Some(even) = plan.repartitioned(self.threads, config)? {
            plan = even;
        }
        if plan.properties().output_partitioning().partition_count() < self.threads {
            plan = Arc::new(RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(self.threads))?);
        }
        let filter = FilterExecBuilder::new(condition(rows, &plan.schema())?, plan)
            .with_batch_size(self.context.session_config().batch_size())
            .apply_projection(Some((0..rows.columns.len()).collect()))?;
        Ok(Arc::new(filter.build()?))
    }

    /// The rows of a batch in the lake's schema that a query asks for, with the columns that it wants; `None` without any.
    ///
    /// # Errors
    /// What DataFusion says.
    pub fn select_rows(batch: &RecordBatch, rows: &ScanRequest<'_>) -> Result<Option<RecordBatch>, DataFusionError> {
        let fits = condition(rows, &batch.schema())?.evaluate(batch)?.into_array(batch.num_rows())?;
        let columns: Vec<usize> = rows.columns.iter().map(|name| column_index(name)).collect();
        let chosen = filter_record_batch(&batch.project(&columns)?, fits.as_boolean())?;
        Ok(Some(chosen).filter(|c| c.num_rows() > 0))
    }
}

fn to_partitioned_file(file: &LakeFile) -> PartitionedFile {
    PartitionedFile::new(object_name(&file.path), file.bytes)
}

/// The columns that [`condition`] reads; some twice.
fn conditions<'r>(rows: &'r ScanRequest<'_>) -> impl Iterator<Item = &'static str> + use<'r> {
    let tagged = matches!(rows.model, Some(ModelKey::Tagged(_))).then_some("registered_model");
    let kind = (rows.scope.kind != ExperimentKind::All).then_some("experiment_type");
    let only = rows.only.map(|_| "seq");
    rows.equality_conditions().map(|(name, _)| name).chain(["timestamp"]).chain(tagged).chain(kind).chain(only)
}

type Condition = Arc<dyn PhysicalExpr>;

/// What is true of the rows that a query asks for, over batches of a schema. Literals have the types of the lake's columns.
fn condition(rows: &ScanRequest<'_>, schema: &Schema) -> Result<Condition, DataFusionError> {
    let both = |a: Condition, op: Operator, b: Condition| -> Condition { Arc::new(BinaryExpr::new(a, op, b)) };
    let time = |t: Millis| lit(ScalarValue::TimestampMillisecond(Some(t.0), Some("UTC".into())));
    let text = |t: &str| lit(ScalarValue::Utf8View(Some(t.to_owned())));
    let at = col("timestamp", schema)?;
    let within = rows.ranges.iter().map(|r| {
        let from = both(Arc::clone(&at), Operator::GtEq, time(r.from()));
        both(from, Operator::And, both(Arc::clone(&at), Operator::Lt, time(r.to())))
    });
    let mut all = within.reduce(|a, b| both(a, Operator::Or, b)).unwrap_or_else(|| lit(false));
    let mut also = |e: Condition| all = both(Arc::clone(&all), Operator::And, e);
    for (name, value) in rows.equality_conditions() {
        also(both(col(name, schema)?, Operator::Eq, text(value)));
    }
    if let Some(ModelKey::Tagged(_)) = rows.model {
        also(is_null(col("registered_model", schema)?)?);
    }
    let kind = |of: &str| Ok::<_, DataFusionError>(both(col("experiment_type", schema)?, Operator::Eq, text(of)));
    match rows.scope.kind {
        ExperimentKind::All => {}
        ExperimentKind::Production => {
            also(both(is_null(col("experiment_type", schema)?)?, Operator::Or, kind("production")?));
        }
        ExperimentKind::Candidate => also(kind("candidate")?),
    }
    if let Some(seqs) = rows.only {
        also(in_list(col("seq", schema)?, seqs.iter().map(|s| lit(*s)).collect(), &false, schema)?);
    }
    Ok(all)
}

/// The column of a catalogue metric, as the schema spells it.
pub fn metric_column(i: usize) -> &'static str {
    let name = domain::metric::CATALOGUE[i].column;
    debug_assert!(column_index(name) < SCHEMA.fields().len());
    name
}
