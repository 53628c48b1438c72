//! The composition root: the only place that names concrete adapters.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use domain::{
    Error, Result,
    error::Sentence,
    ports::{Clock, Upkeep},
    time::Millis,
};
/// How far a file was taken is kept beside the rows that were taken of it.
pub use lake::ports::{Tail, TailLedger};
use lake::{Folder, Lake};
use store::SqliteStore;

use crate::{
    config::Settings,
    ingest::{ReadTable, TableRow},
};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock behind the port")]
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        Millis(i64::try_from(since).unwrap_or(i64::MAX))
    }
}

/// All use cases and what runs beside them, connected.
#[derive(Clone)]
pub struct Parts {
    pub metrics: Arc<usecases::Metrics>,
    pub sources: Arc<usecases::Sources>,
    pub taking: usecases::Taking,
    pub simulated: usecases::Simulated,
    pub tails: Arc<dyn TailLedger>,
    pub clock: Arc<dyn Clock>,
    /// For the jobs that keep the lake in order.
    pub upkeep: Arc<dyn Upkeep>,
    pub tables: ReadTable,
}

/// Opens everything below the data folder.
///
/// # Errors
/// `Unavailable`, naming what cannot be opened or written.
pub async fn open(settings: &Settings) -> Result<Parts> {
    make_folder(&settings.data.folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = Arc::new(SqliteStore::open(&settings.data.database()).await?);
    let lake = Lake::open(Arc::new(Folder::at(&settings.data.folder)), store.clone(), clock.clone()).await?;
    let lake = Arc::new(lake.with_metric_names(usize::from(settings.data.metric_names)));
    let taking = usecases::Taking::new(lake.clone());
    Ok(Parts {
        metrics: Arc::new(usecases::Metrics::new(lake.clone())),
        sources: Arc::new(usecases::Sources::new(store.clone())),
        simulated: usecases::Simulated::new(taking.clone(), store.clone()),
        taking,
        tails: store,
        clock,
        upkeep: lake,
        tables: read_table,
    })
}

#[expect(clippy::disallowed_methods, reason = "before the server serves anybody")]
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|e| Error::unavailable(format!("cannot make the data folder {}: {e}", folder.display())))
}

/// [`ReadTable`], by the lake's own reader.
fn read_table(
    path: &Path,
    clock: &dyn Clock,
    take: &mut dyn FnMut(Vec<TableRow>) -> bool,
) -> std::result::Result<(), Sentence> {
    let take = |rows: Vec<lake::ParquetRow>| take(rows.into_iter().map(|r| (r.line, r.record)).collect());
    lake::read_parquet_source(path, || clock.now(), take).map(drop)
}
