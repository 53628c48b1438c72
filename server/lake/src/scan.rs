//! Reads the rows of a question: DataFusion finds the files' pages that matter, decodes and filters them on all cores.
//! What comes out are batches; the arithmetic is in `fold`.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::{
    arrow::{array::RecordBatch, compute::concat_batches, datatypes::SchemaRef},
    catalog::{Session, TableProvider},
    common::ScalarValue,
    datasource::{
        file_format::{FileFormat, parquet::ParquetFormat},
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder},
        table_schema::TableSchema,
    },
    error::DataFusionError,
    execution::{SendableRecordBatchStream, object_store::ObjectStoreUrl},
    logical_expr::{Expr, TableType, col, lit},
    physical_plan::ExecutionPlan,
    prelude::{SessionConfig, SessionContext},
};
use domain::{
    model::ModelKey,
    scope::{Kind, Scope},
    text::Name,
    time::{Millis, Ranges},
};
use object_store::{ObjectStore, limit::LimitStore};

use crate::{
    file::object,
    ports::LakeFile,
    schema::{SCHEMA, column},
    snapshot::Snapshot,
};

/// Which rows and which columns.
#[derive(Debug, Clone)]
pub struct Rows<'a> {
    pub scope: &'a Scope,
    /// By what its rows say themselves.
    pub model: Option<&'a ModelKey>,
    pub ranges: Ranges,
    /// Columns by name; order is kept.
    pub columns: Vec<&'static str>,
    /// Only the rows with these sequence numbers.
    pub only: Option<&'a [i64]>,
}

impl Rows<'_> {
    /// Columns that must hold a text, and the text.
    pub fn equal(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let scope = self.scope;
        let (tagged, registered) = match self.model {
            Some(ModelKey::Tagged(m)) => (Some(m), None),
            Some(ModelKey::Registered(r)) => (None, Some(r)),
            None => (None, None),
        };
        let equal: [(&str, Option<&Name>); 9] = [
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
        equal.into_iter().filter_map(|(name, value)| Some((name, value?.as_str())))
    }
}

/// The engine over the lake's objects.
#[derive(Clone)]
pub struct Engine {
    context: SessionContext,
}

/// Where the engine finds objects by their names.
const BASE: &str = "lake://objects";

impl Engine {
    /// # Errors
    /// In words.
    pub fn new(objects: Arc<dyn ObjectStore>) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let config =
            SessionConfig::new().with_target_partitions(threads).with_collect_statistics(false).with_batch_size(8_192);
        let context = SessionContext::new_with_config(config);
        let base = url::Url::parse(BASE).map_err(|e| e.to_string())?;
        // Reads take turns: each holds a thread of tokio's blocking pool, and each thread keeps memory that others freed.
        // Of a read of one range the turn covers the opening, of one of several the whole.
        context.register_object_store(&base, Arc::new(LimitStore::new(objects, threads)));
        Ok(Self { context })
    }

    /// Opens one stream per core over the rows; none when no file can hold any.
    ///
    /// # Errors
    /// What DataFusion says; the caller finds out which file is to blame.
    pub async fn streams(
        &self,
        snapshot: &Snapshot,
        rows: &Rows<'_>,
    ) -> Result<Vec<SendableRecordBatchStream>, DataFusionError> {
        let files: Vec<PartitionedFile> = snapshot.touched(&rows.ranges).map(|v| as_planned(&v.file)).collect();
        if files.is_empty() {
            return Ok(vec![]);
        }
        let frame = self.context.read_table(Arc::new(Planned { files }))?;
        frame.filter(condition(rows))?.select_columns(&rows.columns)?.execute_stream_partitioned().await
    }

    /// The rows of a batch in the lake's schema that a question asks for, with the columns that it wants; `None` without any.
    ///
    /// # Errors
    /// What DataFusion says.
    pub async fn choose(&self, batch: RecordBatch, rows: &Rows<'_>) -> Result<Option<RecordBatch>, DataFusionError> {
        let chosen = self.context.read_batch(batch)?.filter(condition(rows))?.select_columns(&rows.columns)?;
        let batches = chosen.collect().await?;
        let Some(first) = batches.first() else { return Ok(None) };
        let whole = concat_batches(&first.schema(), &batches)?;
        Ok(Some(whole).filter(|w| w.num_rows() > 0))
    }
}

/// Files that the manifest names, with their sizes: nothing is looked up before they are opened.
#[derive(Debug)]
struct Planned {
    files: Vec<PartitionedFile>,
}

fn as_planned(file: &LakeFile) -> PartitionedFile {
    PartitionedFile::new(object(&file.path), file.bytes)
}

#[async_trait]
impl TableProvider for Planned {
    fn schema(&self) -> SchemaRef {
        SCHEMA.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let format = ParquetFormat::default().with_options(state.table_options().parquet.clone());
        let source = format.file_source(TableSchema::from(SCHEMA.clone()));
        let groups = FileGroup::new(self.files.clone()).split_files(state.config().target_partitions());
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::parse(BASE)?, source)
            .with_file_groups(groups)
            .with_projection_indices(projection.cloned())?
            .with_limit(limit)
            .build();
        // Which keeps footers that it has read.
        format.create_physical_plan(state, config).await
    }
}

fn condition(rows: &Rows<'_>) -> Expr {
    let time = |t: Millis| lit(ScalarValue::TimestampMillisecond(Some(t.0), Some("UTC".into())));
    let within = rows.ranges.iter().map(|r| {
        let at = || col("timestamp");
        at().gt_eq(time(r.from())).and(at().lt(time(r.to())))
    });
    let mut all = within.reduce(Expr::or).unwrap_or_else(|| lit(false));
    let mut also = |e: Expr| all = all.clone().and(e);
    let text = |t: &str| lit(ScalarValue::Utf8View(Some(t.to_owned())));
    for (name, value) in rows.equal() {
        also(col(name).eq(text(value)));
    }
    if let Some(ModelKey::Tagged(_)) = rows.model {
        also(col("registered_model").is_null());
    }
    match rows.scope.kind {
        Kind::All => {}
        Kind::Production => {
            also(col("experiment_type").is_null().or(col("experiment_type").eq(text("production"))));
        }
        Kind::Candidate => also(col("experiment_type").eq(text("candidate"))),
    }
    if let Some(seqs) = rows.only {
        also(col("seq").in_list(seqs.iter().map(|s| lit(*s)).collect(), false));
    }
    all
}

/// The column of a catalogue metric, as the schema spells it.
pub fn metric_column(i: usize) -> &'static str {
    let name = domain::metric::CATALOGUE[i].column;
    debug_assert!(column(name) < SCHEMA.fields().len());
    name
}
