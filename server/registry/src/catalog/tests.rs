//! The copy of a registry that is slow, wrong, or changed while it is read; `server/tests/contract` holds real registries to their port. Time is
//! tokio's, held still: it jumps to when something is due.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::{ArtifactBody, Clock, ModelCatalog, ModelRegistry, NewVersion, RegistryCopies, RegistryKind},
    registry::{Alias, ModelName, ModelVersion, RegistryModel, Stage, Version, VersionStatus},
    time::Millis,
    tracking::{ArtifactEntry, ArtifactPath, ByteRange},
};
use tokio::{
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use super::{BELIEVE_EMPTY, LOOK, LOOK_AT_OURS, RegistryCopy, SWEEP};

/// A clock that goes as tokio's does.
struct TokioClock(Instant);

impl Clock for TokioClock {
    fn now(&self) -> Millis {
        Millis(1_000_000 + self.0.elapsed().as_millis() as i64)
    }
}

/// What is wrong with the registry.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Fault {
    #[default]
    None,
    Away,
    Hangs,
    /// It answers as a proxy does that leads to another MLflow.
    Empty,
}

#[derive(Debug, Default)]
struct State {
    models: BTreeMap<ModelName, RegistryModel>,
    revision: i64,
    fault: Fault,
    /// How long a list of models lies on its way.
    slow: Duration,
    heads_asked: u32,
}

/// A registry that shows each fault on purpose.
struct Original {
    kind: RegistryKind,
    begun: Instant,
    state: Mutex<State>,
}

impl Original {
    fn new(kind: RegistryKind) -> Arc<Self> {
        Arc::new(Self { kind, begun: Instant::now(), state: Mutex::default() })
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn break_with(&self, fault: Fault) {
        self.state().fault = fault;
    }
    /// Somebody changes a model.
    fn change(&self, model: &str, change: impl FnOnce(&mut RegistryModel)) {
        let mut state = self.state();
        change(state.models.entry(name(model)).or_insert_with(|| RegistryModel {
            name: name(model),
            description: String::new(),
            tags: BTreeMap::new(),
            created: Millis(1),
            updated: Millis(1),
            aliases: BTreeMap::new(),
            versions: BTreeMap::new(),
        }));
        state.revision += 1;
    }
    fn add(&self, model: &str, number: u32) {
        self.change(model, |m| {
            m.versions.insert(v(number), Arc::new(version(number)));
            m.updated = Millis(m.updated.0 + 1);
        });
    }
    fn champion(&self, model: &str, number: u32) {
        self.change(model, |m| m.aliases.extend([(Alias::champion(), v(number))]));
    }
    async fn answered<T>(&self, answer: impl Fn(&State) -> Result<T>) -> Result<T> {
        let fault = self.state().fault;
        match fault {
            Fault::Away => Err(Error::unavailable(Sentence::named("nothing listens", "없음"))),
            Fault::Hangs => std::future::pending().await,
            Fault::None | Fault::Empty => answer(&self.state()),
        }
    }
}

#[async_trait]
impl ModelRegistry for Original {
    fn kind(&self) -> RegistryKind {
        self.kind
    }
    fn address(&self) -> &str {
        "http://mlflow:5000"
    }
    async fn probe(&self) -> Result<()> {
        self.answered(|_| Ok(())).await
    }
    async fn revision(&self) -> Result<Option<i64>> {
        self.answered(|state| Ok((self.kind == RegistryKind::Embedded).then_some(state.revision))).await
    }
    async fn heads(&self) -> Result<Vec<RegistryModel>> {
        self.state().heads_asked += 1;
        let head = |m: &RegistryModel| RegistryModel { versions: BTreeMap::new(), ..m.clone() };
        let heads = self.answered(|state| match state.fault {
            Fault::Empty => Ok(vec![]),
            _ => Ok(state.models.values().map(head).collect()),
        });
        let heads = heads.await?;
        let slow = self.state().slow;
        sleep(slow).await;
        Ok(heads)
    }
    async fn versions(&self, model: Option<&ModelName>) -> Result<Vec<(ModelName, ModelVersion)>> {
        let of = |m: &RegistryModel| m.versions.values().map(|v| (m.name.clone(), (**v).clone())).collect::<Vec<_>>();
        self.answered(|state| {
            let asked = state.models.values().filter(|m| model.is_none_or(|name| m.name == *name));
            Ok(asked.flat_map(of).collect())
        })
        .await
    }
    async fn model(&self, name: &ModelName) -> Result<RegistryModel> {
        let missing = || Error::not_found(Sentence::named("no such model", "모델 없음"));
        self.answered(|state| state.models.get(name).cloned().ok_or_else(missing)).await
    }
    async fn alias(&self, _: &ModelName, _: &Alias) -> Result<Option<Version>> {
        unreachable!("a copy reads")
    }
    async fn set_alias(&self, _: &ModelName, _: &Alias, _: Version) -> Result<()> {
        unreachable!("a copy reads")
    }
    async fn delete_alias(&self, _: &ModelName, _: &Alias) -> Result<()> {
        unreachable!("a copy reads")
    }
    async fn set_stage(&self, _: &ModelName, _: Version, _: Stage) -> Result<()> {
        unreachable!("a copy reads")
    }
    async fn set_tag(&self, _: &ModelName, _: Version, _: &str, _: &str) -> Result<()> {
        unreachable!("a copy reads")
    }
    async fn set_description(&self, _: &ModelName, _: Version, _: &str) -> Result<()> {
        unreachable!("a copy reads")
    }
    async fn register(&self, _: &NewVersion) -> Result<ModelVersion> {
        unreachable!("a copy reads")
    }
    async fn artifacts(&self, _: &ModelName, _: &ModelVersion, _: &ArtifactPath) -> Result<Vec<ArtifactEntry>> {
        unreachable!("a copy reads no files")
    }
    async fn artifact(
        &self,
        _: &ModelName,
        _: &ModelVersion,
        _: &ArtifactPath,
        _: Option<ByteRange>,
    ) -> Result<ArtifactBody> {
        unreachable!("a copy reads no files")
    }
}

/// Where copies are kept, which may refuse to.
#[derive(Default)]
struct Copies {
    kept: Mutex<(BTreeMap<ModelName, RegistryModel>, Option<Millis>)>,
    full: Mutex<bool>,
}

impl Copies {
    fn champion(&self, model: &str) -> Option<u32> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.0.get(&name(model))?.champion().map(Version::number)
    }
    fn names(&self) -> Vec<String> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).0.keys().map(ToString::to_string).collect()
    }
    fn set_full(&self, full: bool) {
        *self.full.lock().unwrap_or_else(PoisonError::into_inner) = full;
    }
}

#[async_trait]
impl RegistryCopies for Copies {
    async fn load_models(&self, _: &str) -> Result<(Vec<RegistryModel>, Option<Millis>)> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((kept.0.values().cloned().collect(), kept.1))
    }
    async fn save_models(
        &self,
        _: &str,
        changed: &[Arc<RegistryModel>],
        gone: &[ModelName],
        as_of: Millis,
    ) -> Result<bool> {
        if *self.full.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(Error::unavailable(Sentence::named("the disk is full", "디스크 가득 참")));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let before = kept.1.replace(as_of).is_some();
        kept.0.retain(|name, _| !gone.contains(name));
        kept.0.extend(changed.iter().map(|m| (m.name.clone(), (**m).clone())));
        Ok(before)
    }
}

fn name(text: &str) -> ModelName {
    ModelName::parse(text).expect("a name")
}

fn v(number: u32) -> Version {
    Version::new(number).expect("a version")
}

fn version(number: u32) -> ModelVersion {
    ModelVersion {
        version: v(number),
        run: None,
        source: "s3://models/m".into(),
        stage: Stage::None,
        status: VersionStatus::Ready,
        status_message: String::new(),
        description: String::new(),
        tags: BTreeMap::new(),
        created: Millis(1),
        updated: Millis(1),
        created_by: String::new(),
    }
}

/// A copy that is running.
struct Running {
    copy: Arc<RegistryCopy>,
    task: AbortHandle,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(original: &Arc<Original>, copies: &Arc<Copies>) -> Self {
        let clock = Arc::new(TokioClock(original.begun));
        let copy = Arc::new(RegistryCopy::new(original.clone(), copies.clone(), clock));
        let running = Arc::clone(&copy);
        let task = tokio::spawn(async move { running.run().await }).abort_handle();
        Self { copy, task }
    }
    /// The same after it has copied for the first time.
    async fn settled(original: &Arc<Original>, copies: &Arc<Copies>) -> Self {
        let running = Self::start(original, copies);
        let generation = running.copy.generation();
        running.copy.wait_for_change(generation).await;
        running
    }
    fn champion(&self, model: &str) -> Option<u32> {
        self.copy.index().model(&name(model))?.champion().map(Version::number)
    }
    fn names(&self) -> Vec<String> {
        self.copy.index().models().map(|m| m.name.to_string()).collect()
    }
    fn error(&self) -> Option<String> {
        self.copy.status().error.map(|e| e.en)
    }
}

/// Longer than a pause with its jitter.
fn past(pause: Duration) -> Duration {
    pause * 2
}

/// An MLflow with a model of two versions of which the first is the champion.
fn filled(kind: RegistryKind) -> Arc<Original> {
    let original = Original::new(kind);
    original.add("detector", 1);
    original.add("detector", 2);
    original.champion("detector", 1);
    original
}

#[tokio::test(start_paused = true)]
async fn a_change_by_others_is_shown_within_a_look() {
    for (kind, look) in [(RegistryKind::Mlflow, LOOK), (RegistryKind::Embedded, LOOK_AT_OURS)] {
        let (original, copies) = (filled(kind), Arc::default());
        let r = Running::settled(&original, &copies).await;
        assert_eq!(r.champion("detector"), Some(1));
        // An alias moves nothing else.
        original.champion("detector", 2);
        sleep(past(look)).await;
        assert_eq!(r.champion("detector"), Some(2), "{kind:?}");
        original.add("detector", 3);
        original.add("다른 모델", 1);
        sleep(past(look)).await;
        assert!(r.copy.index().model(&name("detector")).expect("a model").version(v(3)).is_some(), "{kind:?}");
        assert_eq!(r.names(), ["detector", "다른 모델"]);
        original.change("detector", |m| m.aliases.clear());
        original.state().models.remove(&name("다른 모델"));
        sleep(past(look)).await;
        assert_eq!((r.champion("detector"), r.names()), (None, vec!["detector".to_owned()]), "{kind:?}");
        assert_eq!(copies.names(), ["detector"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_of_a_version_is_shown_within_a_sweep_of_mlflow() {
    let original = filled(RegistryKind::Mlflow);
    let r = Running::settled(&original, &Arc::default()).await;
    original.change("detector", |m| {
        let mut tagged = version(2);
        tagged.tags.insert("team".into(), "a".into());
        m.versions.insert(v(2), Arc::new(tagged));
    });
    sleep(SWEEP + past(LOOK)).await;
    assert_eq!(r.copy.index().model(&name("detector")).expect("a model").version(v(2)).expect("it").tags["team"], "a");
}

#[tokio::test(start_paused = true)]
async fn our_own_registry_is_read_only_when_its_revision_moves() {
    let original = filled(RegistryKind::Embedded);
    let r = Running::settled(&original, &Arc::default()).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(original.state().heads_asked, 1);
    let as_of = r.copy.status().as_of.expect("a moment");
    assert!(as_of.0 > 1_058_000, "nothing changed until now: {as_of:?}");
}

#[tokio::test(start_paused = true)]
async fn the_kept_copy_is_shown_at_the_next_start_although_the_registry_is_away() {
    let (original, copies) = (filled(RegistryKind::Mlflow), Arc::new(Copies::default()));
    drop(Running::settled(&original, &copies).await);
    sleep(past(LOOK)).await;
    let r = Running::settled(&original, &copies).await;
    sleep(past(LOOK)).await;
    let as_of = r.copy.status().as_of;
    drop(r);
    original.break_with(Fault::Away);
    original.champion("detector", 2);
    let r = Running::start(&original, &copies);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(r.champion("detector"), Some(1));
    assert!(r.copy.status().as_of.is_some_and(|now| Some(now) <= as_of), "of when it was true");
    sleep(Duration::from_secs(10)).await;
    assert_eq!((r.champion("detector"), r.error().is_some()), (Some(1), true));
    original.break_with(Fault::None);
    sleep(past(LOOK)).await;
    assert_eq!((r.champion("detector"), r.error()), (Some(2), None));
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_is_believed_when_it_came_three_times_in_a_row() {
    let original = filled(RegistryKind::Mlflow);
    let copies = Arc::new(Copies::default());
    let r = Running::settled(&original, &copies).await;
    let until_asked = async |more: u32| {
        let asked = original.state().heads_asked + more;
        while original.state().heads_asked < asked {
            sleep(Duration::from_millis(50)).await;
        }
        sleep(Duration::from_millis(50)).await;
    };
    original.break_with(Fault::Empty);
    until_asked(BELIEVE_EMPTY - 1).await;
    assert_eq!(r.champion("detector"), Some(1));
    // A list in between that is not empty begins the count anew.
    original.break_with(Fault::None);
    until_asked(1).await;
    original.break_with(Fault::Empty);
    until_asked(BELIEVE_EMPTY - 1).await;
    assert_eq!((r.champion("detector"), copies.champion("detector")), (Some(1), Some(1)));
    until_asked(1).await;
    assert!(r.names().is_empty() && copies.names().is_empty());
    original.break_with(Fault::None);
    until_asked(1).await;
    assert_eq!(r.champion("detector"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_said_while_the_registry_is_away_and_the_copy_stays() {
    for kind in [RegistryKind::Mlflow, RegistryKind::Embedded] {
        let original = filled(kind);
        let r = Running::settled(&original, &Arc::default()).await;
        for (fault, says) in [(Fault::Away, "nothing listens"), (Fault::Hangs, "does not answer within")] {
            sleep(past(LOOK)).await;
            let generation = r.copy.generation();
            original.break_with(fault);
            // The probe is out every second and waits for three at most.
            let told = timeout(Duration::from_secs(5), r.copy.wait_for_change(generation)).await;
            assert!(told.is_ok_and(|now| now > generation), "{kind:?} {fault:?}");
            let as_of = r.copy.status().as_of;
            let told = r.copy.generation();
            sleep(Duration::from_secs(100)).await;
            assert_eq!(r.copy.generation(), told, "one outage is told once");
            assert!(r.error().is_some_and(|e| e.contains(says)), "{kind:?} {:?}", r.error());
            assert_eq!((r.champion("detector"), r.copy.status().as_of), (Some(1), as_of));
            original.break_with(Fault::None);
            // Whoever waits for it is told within a probe and a look, whatever was asked before.
            sleep(Duration::from_secs(6) + past(LOOK)).await;
            assert_eq!(r.error(), None, "{kind:?} {fault:?}");
            assert!(r.copy.status().as_of > as_of, "{kind:?} {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_read_again_is_shown_at_once() {
    let (original, copies) = (filled(RegistryKind::Mlflow), Arc::new(Copies::default()));
    let r = Running::settled(&original, &copies).await;
    let detector = name("detector");
    let generation = r.copy.generation();
    original.champion("detector", 2);
    let read = r.copy.read_again(&detector).await.expect("an answer").expect("a model");
    assert_eq!((read.champion(), r.champion("detector")), (Some(v(2)), Some(2)));
    assert!(r.copy.generation() > generation);
    // Nothing moves where nothing has changed.
    let generation = r.copy.generation();
    assert!(r.copy.read_again(&detector).await.expect("an answer").is_some());
    assert_eq!(r.copy.generation(), generation);
    original.break_with(Fault::Away);
    let refused = r.copy.read_again(&detector).await.expect_err("it is away");
    assert_eq!((refused.kind, r.champion("detector")), (ErrorKind::Unavailable, Some(2)));
    original.break_with(Fault::Hangs);
    let refused = r.copy.read_again(&detector).await.expect_err("it hangs");
    assert_eq!((refused.kind, r.champion("detector")), (ErrorKind::Unavailable, Some(2)));
    original.break_with(Fault::None);
    original.state().models.clear();
    assert_eq!(r.copy.read_again(&detector).await, Ok(None));
    assert!(r.names().is_empty());
    sleep(Duration::from_secs(10)).await;
    assert!(copies.names().is_empty(), "what was read again is kept too");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_under_way_undoes_nothing_that_was_read_since() {
    let original = filled(RegistryKind::Mlflow);
    let r = Running::settled(&original, &Arc::default()).await;
    original.state().slow = Duration::from_secs(5);
    let asked = original.state().heads_asked;
    while original.state().heads_asked == asked {
        sleep(Duration::from_millis(50)).await;
    }
    // The list was read, and lies on its way with the old champion.
    original.champion("detector", 2);
    original.add("new", 1);
    for model in ["detector", "new"] {
        r.copy.read_again(&name(model)).await.expect("an answer");
    }
    for _ in 0..80 {
        sleep(Duration::from_millis(100)).await;
        assert_eq!((r.champion("detector"), r.names().len()), (Some(2), 2));
    }
    // What others do after that is shown.
    original.champion("detector", 1);
    sleep(Duration::from_secs(120)).await;
    assert_eq!(r.champion("detector"), Some(1));
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_kept_is_kept_later() {
    let (original, copies) = (filled(RegistryKind::Mlflow), Arc::new(Copies::default()));
    copies.set_full(true);
    let r = Running::settled(&original, &copies).await;
    original.add("second", 1);
    sleep(past(LOOK)).await;
    assert_eq!((r.names().len(), copies.names().len()), (2, 0));
    copies.set_full(false);
    sleep(past(LOOK)).await;
    assert_eq!((copies.names(), copies.champion("detector")), (vec!["detector".into(), "second".into()], Some(1)));
}
