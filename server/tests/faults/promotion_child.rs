//! A process that changes a model and is killed on the way: the test binary itself, started again with a job to do. It opens the real store and the
//! real registry, and counts the calls that change anything; before or behind the one that it was told, it kills itself.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use domain::{
    Result,
    ports::{
        ArtifactBody, BeginOutcome, Clock, EventsQuery, KeptOperation, KeptRequest, ModelRegistry, NewVersion,
        OperationKey, RawEvent, RegistryKind, RegistryLog,
    },
    registry::{
        Alias, LoggedEvent, ModelName, ModelVersion, Operation, OperationId, Outcome, PromotionRequest, RegistryEvent,
        RegistryModel, RequestId, RequestState, Stage, Version,
    },
    time::Millis,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};
use lake::{FolderObjects, Lake};
use registry::{
    FolderLocks,
    catalog::RegistryCopy,
    embedded::EmbeddedRegistry,
    mlflow::{MlflowOptions, MlflowServer},
};
use serde::{Deserialize, Serialize};
use server::startup::SystemClock;
use store::{Location, PostgresServer, StateStore};
use usecases::{
    Models,
    models::{Attempt, ModelParts, PromotionInput, RollbackInput},
};

/// Holds the job of a child.
const JOB: &str = "GF_TEST_JOB";
/// Begins a line of a child that names a call.
const CALL: &str = "call: ";

/// Where the state and the models are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Place {
    pub data: PathBuf,
    /// `None` for SQLite in the data folder.
    pub database: Option<String>,
    /// `None` for our own registry.
    pub mlflow: Option<String>,
}

/// What is done to a model whose champion is 2, whose versions are 1 to 4, of which 3 is the challenger and 4 is in Staging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// 3 becomes the champion.
    Promote,
    /// 1 becomes the champion again.
    RollBack,
    /// 3 comes into Staging.
    Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    Before,
    Behind,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub place: Place,
    pub model: String,
    pub what: What,
    /// At which call it is killed, from 1 on, and whether the call is made before; `None` to live.
    pub killed: Option<(u32, When)>,
}

/// What became of a child.
#[derive(Debug)]
pub struct ChildRan {
    /// The calls that change something, as far as it came.
    pub calls: Vec<String>,
    pub signal: Option<i32>,
    pub success: bool,
    pub said: String,
}

/// Everything that changes models, opened in this process.
pub struct Opened {
    pub store: Arc<dyn StateStore>,
    pub registry: Arc<dyn ModelRegistry>,
    pub copy: Arc<RegistryCopy>,
    pub models: Models,
}

impl Opened {
    pub async fn at(place: &Place, steps: Option<Arc<Steps>>) -> Self {
        std::fs::create_dir_all(&place.data).expect("a folder");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let location = match &place.database {
            Some(url) => Location::Postgres(PostgresServer::parse(url, None).expect("a URL").into()),
            None => Location::Sqlite(place.data.join("guardianflow.db")),
        };
        let store = store::open(&location).await.expect("a database");
        let folder = Arc::new(FolderObjects::at(&place.data));
        let lake = Lake::open(folder, store.clone(), clock.clone()).await.expect("a lake");
        let registry: Arc<dyn ModelRegistry> = match &place.mlflow {
            Some(uri) => Arc::new(
                MlflowServer::new(MlflowOptions { uri: uri.clone(), ..MlflowOptions::default() }).expect("an address"),
            ),
            None => Arc::new(EmbeddedRegistry::new(store.clone(), clock.clone(), &place.data.join("models"), None)),
        };
        let steps = steps.unwrap_or_default();
        let registry: Arc<dyn ModelRegistry> = Arc::new(Stepped { inner: registry, steps: steps.clone() });
        let log: Arc<dyn RegistryLog> =
            Arc::new(Stepped { inner: store.clone() as Arc<dyn RegistryLog>, steps: steps.clone() });
        let copy = Arc::new(RegistryCopy::new(registry.clone(), store.clone(), clock.clone()));
        let metrics = usecases::Metrics::new(Arc::new(lake));
        let models = Models::new(ModelParts {
            registry: registry.clone(),
            catalog: copy.clone(),
            log,
            locks: Arc::new(FolderLocks::new(&place.data.join("locks"))),
            clock: clock.clone(),
            evidence: usecases::Evidence::new(metrics, store.clone(), clock),
        });
        copy.refresh_for_command().await.expect("a registry that answers");
        Self { store, registry, copy, models }
    }

    /// What a job does.
    pub async fn work(&self, model: &str, what: What) -> Result<Attempt> {
        let champion = self.models.model(model).expect("the model").champion().map(|v| v.to_string());
        let promotion = |to: &str| PromotionInput {
            version: "3".into(),
            to: to.into(),
            expected: champion.clone(),
            reason: "it is better".into(),
            ..PromotionInput::default()
        };
        match what {
            What::Promote => self.models.promote(model, &promotion("production")).await,
            What::Stage => self.models.promote(model, &promotion("staging")).await,
            What::RollBack => {
                let input =
                    RollbackInput { expected: champion, reason: "it is worse".into(), ..RollbackInput::default() };
                self.models.roll_back(model, &input).await
            }
        }
    }
}

/// Counts calls that change something, and ends the process at one of them.
#[derive(Debug, Default)]
pub struct Steps {
    count: AtomicU32,
    killed: Option<(u32, When)>,
    told: bool,
}

impl Steps {
    fn die() {
        let own = rustix::process::getpid();
        let _ = rustix::process::kill_process(own, rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }

    async fn call<T>(&self, name: String, call: impl Future<Output = Result<T>>) -> Result<T> {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if self.told {
            println!("{CALL}{name}");
        }
        if self.killed == Some((number, When::Before)) {
            Self::die();
        }
        let done = call.await;
        if self.killed == Some((number, When::Behind)) {
            Self::die();
        }
        done
    }
}

struct Stepped<T: ?Sized> {
    steps: Arc<Steps>,
    inner: Arc<T>,
}

#[async_trait]
impl ModelRegistry for Stepped<dyn ModelRegistry> {
    fn kind(&self) -> RegistryKind {
        self.inner.kind()
    }
    fn address(&self) -> &str {
        self.inner.address()
    }
    async fn probe(&self) -> Result<()> {
        self.inner.probe().await
    }
    async fn revision(&self) -> Result<Option<i64>> {
        self.inner.revision().await
    }
    async fn heads(&self) -> Result<Vec<RegistryModel>> {
        self.inner.heads().await
    }
    async fn versions(&self, model: Option<&ModelName>) -> Result<Vec<(ModelName, ModelVersion)>> {
        self.inner.versions(model).await
    }
    async fn model(&self, name: &ModelName) -> Result<RegistryModel> {
        self.inner.model(name).await
    }
    async fn alias(&self, model: &ModelName, alias: &Alias) -> Result<Option<Version>> {
        self.inner.alias(model, alias).await
    }
    async fn set_alias(&self, model: &ModelName, alias: &Alias, version: Version) -> Result<()> {
        self.steps.call(format!("alias {alias} to {version}"), self.inner.set_alias(model, alias, version)).await
    }
    async fn delete_alias(&self, model: &ModelName, alias: &Alias) -> Result<()> {
        self.steps.call(format!("alias {alias} deleted"), self.inner.delete_alias(model, alias)).await
    }
    async fn set_stage(&self, model: &ModelName, version: Version, stage: Stage) -> Result<()> {
        self.steps.call(format!("{version} to {stage}"), self.inner.set_stage(model, version, stage)).await
    }
    async fn set_tag(&self, model: &ModelName, version: Version, key: &str, value: &str) -> Result<()> {
        let name = key.trim_start_matches("guardianflow.");
        self.steps.call(format!("tag {name} of {version}"), self.inner.set_tag(model, version, key, value)).await
    }
    async fn set_description(&self, model: &ModelName, version: Version, text: &str) -> Result<()> {
        self.steps.call("description".into(), self.inner.set_description(model, version, text)).await
    }
    async fn register(&self, new: &NewVersion) -> Result<ModelVersion> {
        self.steps.call("register".into(), self.inner.register(new)).await
    }
    async fn artifacts(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        folder: &ArtifactPath,
    ) -> Result<Vec<ArtifactEntry>> {
        self.inner.artifacts(model, version, folder).await
    }
    async fn artifact(
        &self,
        model: &ModelName,
        version: &ModelVersion,
        file: &ArtifactPath,
        range: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        self.inner.artifact(model, version, file, range).await
    }
}

#[async_trait]
impl RegistryLog for Stepped<dyn RegistryLog> {
    async fn begin_operation(
        &self,
        operation: &Operation,
        event: &RegistryEvent,
        key: Option<&OperationKey>,
    ) -> Result<BeginOutcome> {
        self.steps.call("log: begun".into(), self.inner.begin_operation(operation, event, key)).await
    }
    async fn end_operation(
        &self,
        id: OperationId,
        outcome: &Outcome,
        at: Millis,
        events: &[RegistryEvent],
    ) -> Result<bool> {
        self.steps.call("log: ended".into(), self.inner.end_operation(id, outcome, at, events)).await
    }
    async fn operation(&self, id: OperationId) -> Result<Option<KeptOperation>> {
        self.inner.operation(id).await
    }
    async fn operation_of_key(&self, key: &OperationKey) -> Result<Option<BeginOutcome>> {
        self.inner.operation_of_key(key).await
    }
    async fn pending_operations(&self) -> Result<Vec<KeptOperation>> {
        self.inner.pending_operations().await
    }
    async fn log_events(&self, events: &[RegistryEvent]) -> Result<()> {
        self.steps.call("log: seen".into(), self.inner.log_events(events)).await
    }
    async fn events(&self, query: &EventsQuery) -> Result<Vec<LoggedEvent>> {
        self.inner.events(query).await
    }
    async fn last_standings(&self) -> Result<Vec<LoggedEvent>> {
        self.inner.last_standings().await
    }
    async fn last_standing(&self, model: &ModelName) -> Result<Option<LoggedEvent>> {
        self.inner.last_standing(model).await
    }
    async fn last_event(&self) -> Result<i64> {
        self.inner.last_event().await
    }
    async fn raw_events(&self, after: i64, most: usize) -> Result<Vec<RawEvent>> {
        self.inner.raw_events(after, most).await
    }
    async fn add_request(&self, request: &PromotionRequest, event: &RegistryEvent) -> Result<RequestId> {
        self.inner.add_request(request, event).await
    }
    async fn requests(&self, model: Option<&ModelName>, only_open: bool) -> Result<Vec<KeptRequest>> {
        self.inner.requests(model, only_open).await
    }
    async fn request(&self, id: RequestId) -> Result<Option<KeptRequest>> {
        self.inner.request(id).await
    }
    async fn end_request(&self, id: RequestId, state: &RequestState, event: &RegistryEvent) -> Result<bool> {
        self.inner.end_request(id, state, event).await
    }
}

impl Job {
    /// Starts a child with this job, and waits until it is dead.
    pub fn run(&self, binary: &Path) -> ChildRan {
        use std::os::unix::process::ExitStatusExt;
        let mut command: Command = crate::process::clean(binary);
        command.args(["promotion_child::a_child_does_its_job_as_far_as_it_comes", "--exact", "--nocapture"]);
        command.env(JOB, serde_json::to_string(self).expect("JSON"));
        let output = command.output().expect("a child");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        // The harness may write before it on the same line.
        let calls = text.lines().filter_map(|l| Some(l.split_once(CALL)?.1.to_owned())).collect();
        let said = format!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
        ChildRan { calls, signal: output.status.signal(), success: output.status.success(), said }
    }
}

#[tokio::test]
async fn a_child_does_its_job_as_far_as_it_comes() {
    let Ok(job) = std::env::var(JOB) else { return };
    let job: Job = serde_json::from_str(&job).expect("a job");
    let steps = Arc::new(Steps { count: AtomicU32::default(), killed: job.killed, told: true });
    let opened = Opened::at(&job.place, Some(steps)).await;
    let done = opened.work(&job.model, job.what).await.expect("a registry that answers");
    let Attempt::Done(done) = done else { panic!("{done:?}") };
    assert!(done.outcome.is_some(), "{done:?}");
}
