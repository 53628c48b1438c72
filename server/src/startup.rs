//! The composition root: the only place that names concrete adapters.

use std::{
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use domain::{
    Error, Result,
    error::Sentence,
    ports::{Clock, Maintenance, ModelRegistry, RegistryKind, RunCatalog, TrackingKind, TrackingStore},
    time::Millis,
};
/// The most memory that columns of the lake are held in.
pub use lake::COLUMN_CACHE_BYTES;
use lake::{FolderObjects, Lake};
/// Tables as Parquet files.
pub use lake::{TableColumn, write_table};
/// What the job that copies experiments and runs is given.
pub use registry::copy::BackgroundCopy;
/// What `guardianflow doctor` says of a version of MLflow.
pub use registry::copy::warning as tracking_warning;
/// Where files of versions go that are registered here.
pub use registry::embedded::FolderId;
use registry::{
    FolderLocks, UnreadableStore,
    catalog::RegistryCopy,
    egress::AllowedReceivers,
    embedded::EmbeddedRegistry,
    folder::FolderStore,
    mlflow::{MlflowOptions, MlflowServer},
    webhooks::SignedSender,
};
use store::{FolderLock, Location, PostgresServer, StateStore};
/// What the commands about the database tell.
pub use store::{Inspection, Status as DatabaseStatus, TableCount, sqlite_version};

use crate::{
    config::{
        Secret, Settings,
        database::PostgresUrl,
        tracking::{self, TrackingSource},
    },
    demo,
    ingest::{ReadTable, TableRow},
    page_paths,
    ports::FilePositionStore,
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
pub struct AppServices {
    pub metrics: Arc<usecases::Metrics>,
    pub sources: Arc<usecases::Sources>,
    pub ingestion: usecases::Ingestion,
    pub simulated: usecases::DemoData,
    pub access: usecases::Access,
    pub views: usecases::Views,
    /// Verdicts, registered comparisons, plans.
    pub evidence: usecases::Evidence,
    /// Experiments and runs, out of the copy.
    pub runs: usecases::Tracking,
    /// Runs that become records.
    pub run_import: usecases::RunImport,
    /// For the job that copies them, and for commands; `None` where no MLflow is set.
    pub tracking: Option<Arc<BackgroundCopy>>,
    /// Models, their champions and how they are changed.
    pub models: usecases::Models,
    /// Who is told of what happens to models.
    pub webhooks: usecases::Webhooks,
    /// For the job that copies them, and for commands.
    pub registry: Arc<RegistryCopy>,
    /// Where the demo registers its models; `None` where models are in MLflow.
    pub demo_registry: Option<demo::DemoRegistry>,
    pub file_positions: Arc<dyn FilePositionStore>,
    pub clock: Arc<dyn Clock>,
    /// For the jobs that keep the lake in order.
    pub maintenance: Arc<dyn Maintenance>,
    pub tables: ReadTable,
    /// Keeps others from using the data folder with another database as long as we do.
    pub bound: Arc<FolderLock>,
    store: Arc<dyn StateStore>,
}

impl AppServices {
    /// Lets records belong to the versions of the registry as it was copied last, for commands that do not ask the registry.
    ///
    /// # Errors
    /// `Unavailable` when the copy or the records cannot be read.
    pub async fn link_records(&self) -> Result<()> {
        self.registry.load_kept().await?;
        self.maintenance.link(self.models.links()).await
    }

    /// Closes the database; later calls fail. A SQLite file that is not closed may lack what is in the `-wal` file beside it.
    pub async fn close(&self) {
        self.store.close().await;
    }
}

/// Opens everything below the data folder, and closes the database when `work` is done, for commands that end.
///
/// # Errors
/// Those of [`open`] and of `work`.
pub async fn with<T>(settings: &Settings, work: impl AsyncFnOnce(&AppServices) -> Result<T>) -> Result<T> {
    let services = open(settings).await?;
    let done = work(&services).await;
    services.close().await;
    done
}

/// Opens everything below the data folder.
///
/// # Errors
/// `Unavailable`, naming what cannot be opened or written.
pub async fn open(settings: &Settings) -> Result<AppServices> {
    make_folder(&settings.data.folder)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let location = location(settings)?;
    let store: Arc<dyn StateStore> = store::open(&location).await?;
    let folder = Arc::new(FolderObjects::at(&settings.data.folder));
    // Before the lake is opened: it deletes files that its manifest does not name.
    let bound = store::bind(store.as_ref(), &location, &settings.data.folder, async || {
        lake::list_lake_files(folder.as_ref()).await
    })
    .await?;
    let lake = Lake::open(folder.clone(), store.clone(), clock.clone()).await?;
    let lake = Arc::new(lake.with_metric_names(usize::from(settings.data.metric_names)));
    let ingestion = usecases::Ingestion::new(lake.clone());
    let tracking =
        tracking_store(settings)?.map(|original| Arc::new(BackgroundCopy::new(original, store.clone(), clock.clone())));
    let catalog = tracking.clone().map(|copy| copy as Arc<dyn RunCatalog>);
    let sources = usecases::Sources::new(store.clone());
    let runs = usecases::Tracking::new(catalog.clone(), clock.clone(), Some(lake.clone()));
    let original = model_registry(settings, store.clone(), clock.clone(), catalog)?;
    let registry = Arc::new(RegistryCopy::new(original.clone(), store.clone(), clock.clone()));
    let metrics = usecases::Metrics::new(lake.clone());
    let evidence = usecases::Evidence::new(metrics.clone(), store.clone(), clock.clone());
    let locks = Arc::new(FolderLocks::new(&settings.data.folder.join("locks")));
    let demo_registry = (original.kind() == RegistryKind::Embedded).then(|| demo::DemoRegistry {
        models: store.clone(),
        log: store.clone(),
        locks: locks.clone(),
    });
    let models = usecases::Models::new(usecases::models::ModelParts {
        registry: original,
        catalog: registry.clone(),
        log: store.clone(),
        locks,
        clock: clock.clone(),
        evidence: evidence.clone(),
    });
    let webhooks = usecases::Webhooks::new(usecases::webhooks::WebhookParts {
        outbox: store.clone(),
        sender: Arc::new(SignedSender::new(allowed_receivers(settings)?, &settings.data.folder)),
        clock: clock.clone(),
        retries: settings.webhooks.retries()?,
    });
    Ok(AppServices {
        evidence,
        models,
        webhooks,
        registry,
        demo_registry,
        metrics: Arc::new(metrics),
        run_import: usecases::RunImport::new(
            runs.clone(),
            ingestion.clone(),
            sources.clone(),
            store.clone(),
            clock.clone(),
        ),
        sources: Arc::new(sources),
        simulated: usecases::DemoData::new(ingestion.clone(), store.clone()),
        access: usecases::Access::new(store.clone(), store.clone(), store.clone(), clock.clone()),
        views: usecases::Views::new(store.clone(), clock.clone(), page_paths::measured()),
        runs,
        tracking,
        ingestion,
        file_positions: store.clone(),
        store,
        clock,
        maintenance: lake,
        tables: read_table,
        bound: Arc::new(bound),
    })
}

/// Where experiments and runs are read from: what is set, else the runs of the demo where there is one. Connects to nobody.
///
/// # Errors
/// `BadInput` when the settings cannot be used.
pub fn tracking_store(settings: &Settings) -> Result<Option<Arc<dyn TrackingStore>>> {
    match settings.tracking.source()? {
        Some(TrackingSource::Server(server)) => Ok(Some(Arc::new(mlflow_server(server)?))),
        Some(TrackingSource::Local(path)) => Ok(Some(local_store(&path))),
        None => {
            let folder = demo::mlruns_folder(&settings.data.folder);
            // It is filled with the demo; an empty one is no fault until then.
            if settings.demo.on {
                make_folder(&folder)?;
            }
            Ok(if is_there(&folder) { Some(Arc::new(FolderStore::open(&folder)?)) } else { None })
        }
    }
}

/// The private receivers of webhooks that the operator opened.
fn allowed_receivers(settings: &Settings) -> Result<AllowedReceivers> {
    let allowed = settings.tracking.egress_allow()?;
    AllowedReceivers::parse(&allowed.iter().map(|(host, port)| format!("{host}:{port}")).collect::<Vec<_>>().join(","))
}

/// Where models are: the MLflow server that is set, else our own registry. Connects to nobody.
fn model_registry(
    settings: &Settings,
    store: Arc<dyn StateStore>,
    clock: Arc<dyn Clock>,
    runs: Option<Arc<dyn RunCatalog>>,
) -> Result<Arc<dyn ModelRegistry>> {
    if let Some(TrackingSource::Server(server)) = settings.tracking.source()? {
        return Ok(Arc::new(mlflow_server(server)?));
    }
    let folder = model_files(&settings.data.folder);
    Ok(Arc::new(EmbeddedRegistry::new(store, clock, &folder, runs)))
}

/// The folder of a data folder with the files of versions that were registered here.
#[must_use]
pub fn model_files(data: &Path) -> std::path::PathBuf {
    data.join("models")
}

#[expect(clippy::disallowed_methods, reason = "one look, before the server serves anybody")]
fn is_there(folder: &Path) -> bool {
    std::fs::metadata(folder).is_ok()
}

/// A folder or a database file. One that cannot be opened is told of by its status, and keeps nobody from anything else.
pub(crate) fn local_store(path: &Path) -> Arc<dyn TrackingStore> {
    // The copy is kept under this name, wherever the server is started.
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    registry::embedded_store(&path).unwrap_or_else(|error| {
        let address = path.display().to_string();
        Arc::new(UnreadableStore { kind: TrackingKind::Database, address, error })
    })
}

fn mlflow_server(server: tracking::Server) -> Result<MlflowServer> {
    let text = |secret: &Secret| secret.expose().to_owned();
    MlflowServer::new(MlflowOptions {
        uri: text(&server.uri),
        username: server.username,
        password: server.password.as_ref().map(text),
        token: server.token.as_ref().map(text),
        headers: server.headers.0,
        ca_file: server.ca_file,
        ..MlflowOptions::default()
    })
}

/// The database of the settings.
fn location(settings: &Settings) -> Result<Location> {
    let Some(url) = settings.database.url()? else { return Ok(Location::Sqlite(settings.data.sqlite_file())) };
    let password = settings.database.password()?;
    let server = PostgresServer::parse(url.expose(), password.as_ref().map(Secret::expose))?;
    Ok(Location::Postgres(Box::new(server)))
}

/// Another database than that of the settings, by what follows `--to`.
fn other_location(settings: &Settings, to: &str) -> Result<Location> {
    if let Some(path) = to.strip_prefix("sqlite:") {
        return Ok(Location::Sqlite(path.into()));
    }
    let url = PostgresUrl::parse(to)?;
    let password = settings.database.password()?;
    let server = PostgresServer::parse(url.expose(), password.as_ref().map(Secret::expose))?;
    Ok(Location::Postgres(Box::new(server)))
}

/// What is in the database of the settings. Changes nothing.
///
/// # Errors
/// `NotFound` when there is none yet; `Unavailable` when it cannot be read.
pub async fn database_status(settings: &Settings) -> Result<DatabaseStatus> {
    store::status(&location(settings)?).await
}

/// Looks at the database as the server would use it, for `guardianflow doctor`. Makes and changes nothing.
///
/// # Errors
/// `BadInput` when the settings name none; `Unavailable`, naming it, when it cannot be reached or read.
pub async fn inspect_database(settings: &Settings) -> Result<Inspection> {
    let folder = FolderObjects::at(&settings.data.folder);
    store::inspect(&location(settings)?, &settings.data.folder, async || lake::list_lake_files(&folder).await).await
}

/// Copies the state into an empty database: `sqlite:` with a path, or a Postgres URL. Returns the rows of each table.
///
/// # Errors
/// `BadInput` when there is something in the target; `Unavailable`, naming what cannot be read or written.
pub async fn copy_database(settings: &Settings, to: &str) -> Result<Vec<TableCount>> {
    store::copy(&location(settings)?, &other_location(settings, to)?, &settings.data.folder).await
}

/// Writes the state down as one file. Returns the rows of each table.
///
/// # Errors
/// `Unavailable`, naming what cannot be read or written.
pub async fn back_up(settings: &Settings, to: &mut (dyn std::io::Write + Send)) -> Result<Vec<TableCount>> {
    store::backup(&location(settings)?, &settings.data.folder, to).await
}

/// Reads such a file into the database of the settings, which must be empty. Returns the rows of each table.
///
/// # Errors
/// `BadInput` when the file is damaged or there is something in the database; `Unavailable`, naming what cannot be written.
pub async fn restore(settings: &Settings, from: &Path) -> Result<Vec<TableCount>> {
    make_folder(&settings.data.folder)?;
    store::restore(from, &location(settings)?, &settings.data.folder).await
}

#[expect(clippy::disallowed_methods, reason = "before the server serves anybody")]
fn make_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| {
        Error::unavailable(Sentence::only_english(format!("cannot make the data folder {}: {e}", folder.display())))
    })
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
