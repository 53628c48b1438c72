//! Our copy of the registry of models: what pages, inference servers and the command line are answered from, whether the registry answers or not.
//! A change through us is read again into it before anybody is told that it was made.

mod current;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/catalog/sentences.rs"));
}
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Error, ErrorKind, Result,
    model::RegistryVersions,
    ports::{Clock, ModelCatalog, ModelRegistry, RegistryCopies, RegistryKind, RegistryStatus},
    registry::{ModelName, RegistryIndex, RegistryModel},
};
use tokio::time::{Instant, sleep, timeout};

use self::current::{Changes, Current};
use crate::copy::{Health, LATE_ANSWER, PROBE_INTERVAL, with_jitter};

/// How often MLflow is asked for all models, unless that takes long.
const LOOK: Duration = Duration::from_secs(2);
/// How often our own registry is asked whether anything changed.
const LOOK_AT_OURS: Duration = Duration::from_millis(300);
/// How often all versions are read: tags, texts and deletions of versions move nothing that a look would see.
const SWEEP: Duration = Duration::from_secs(30);
/// A registry is asked for a tenth of the time at most.
const SHARE: u32 = 10;
/// How long all models may take.
const LIST_DEADLINE: Duration = Duration::from_secs(60);
/// How long all versions may take: each of their pages has a deadline of its own.
const SWEEP_DEADLINE: Duration = Duration::from_secs(1_200);
/// So long a question goes on although the probe is not answered: our own may be what keeps the registry busy.
const GRACE: Duration = Duration::from_secs(15);
/// How long one model may take.
const MODEL_DEADLINE: Duration = Duration::from_secs(8);
/// Where versions of more models changed than this, all are read at once.
const MOST_SINGLE: usize = 20;
/// An empty list is believed when it came so many times in a row: a proxy that is badly set answers so too.
const BELIEVE_EMPTY: u32 = 3;
/// How often the age of the copy is saved while nothing changes.
const SAVE_AGE: Duration = Duration::from_secs(60);

/// Copies a [`ModelRegistry`]. [`RegistryCopy::run`] does the copying as long as it is polled.
pub struct RegistryCopy {
    original: Arc<dyn ModelRegistry>,
    copies: Arc<dyn RegistryCopies>,
    clock: Arc<dyn Clock>,
    current: Current,
    unsaved: Mutex<Unsaved>,
    health: Health,
    /// Whether the probe says that the registry does not answer.
    away: Mutex<bool>,
}

/// What differs from what is kept.
#[derive(Debug, Default)]
struct Unsaved {
    changed: BTreeMap<ModelName, Arc<RegistryModel>>,
    gone: BTreeSet<ModelName>,
}

/// How far copying has come, in one process.
#[derive(Default)]
struct Progress {
    revision: Option<i64>,
    swept: Option<Instant>,
    empty: u32,
    saved: Option<Instant>,
    /// How long the last list of models took.
    listed: Duration,
}

impl RegistryCopy {
    /// A copy of `original`, kept in `copies`.
    #[must_use]
    pub fn new(original: Arc<dyn ModelRegistry>, copies: Arc<dyn RegistryCopies>, clock: Arc<dyn Clock>) -> Self {
        let first = u64::try_from(clock.now().0).unwrap_or(1);
        Self {
            original,
            copies,
            clock,
            current: Current::new(first),
            unsaved: Mutex::default(),
            health: Health::new(),
            away: Mutex::default(),
        }
    }

    /// Shows the copy that was kept.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn load_kept(&self) -> Result<()> {
        let (models, as_of) = self.copies.load_models(self.original.address()).await?;
        if let Some(as_of) = as_of {
            self.current.put_all(models, 0, as_of);
        }
        Ok(())
    }

    /// Copies, for ever.
    pub async fn run(&self) {
        while let Err(e) = self.load_kept().await {
            tracing::warn!(error = %e, detail = ?e.detail, "the kept copy of models cannot be read; trying again");
            sleep(LOOK).await;
        }
        tokio::join!(Box::pin(self.probe()), Box::pin(self.copy()));
    }

    /// Tells within three seconds that the registry does not answer, whatever a list takes, and when it does again. One that is known to be slow
    /// is waited for.
    async fn probe(&self) {
        loop {
            let begun = Instant::now();
            let mut question = self.original.probe();
            let patience = self.health.patience();
            let answer = match timeout(patience, &mut question).await {
                Ok(answer) => Some(answer),
                Err(_) => {
                    self.failed(&self.silent(patience));
                    let late = timeout(LATE_ANSWER.saturating_sub(begun.elapsed()), question).await.ok();
                    if late.is_none() {
                        self.health.probe_failed();
                    }
                    late
                }
            };
            match answer {
                Some(Ok(())) => {
                    self.health.answered(begun.elapsed());
                    // What a look found wrong is the look's to take back.
                    if std::mem::take(&mut *self.away.lock().unwrap_or_else(PoisonError::into_inner)) {
                        self.current.set_error(None);
                    }
                }
                Some(Err(e)) => {
                    self.failed(&e);
                    self.health.probe_failed();
                }
                None => {}
            }
            sleep(with_jitter(PROBE_INTERVAL)).await;
        }
    }

    async fn copy(&self) {
        let mut progress = Progress::default();
        loop {
            // What was asked of a registry that went away is not waited for to its end.
            self.health.wait_until_not_open().await;
            tokio::select! {
                looked = self.look(&mut progress) => match looked {
                    Ok(()) => self.current.set_error(None),
                    Err(e) if !self.is_away() => self.look_failed(&e),
                    // The probe said why.
                    Err(_) => {}
                },
                () = self.stays_away() => {}
            }
            self.save(&mut progress).await;
            let pause = match self.original.kind() {
                // A sweep of all versions has its own share.
                RegistryKind::Mlflow => LOOK.max(progress.listed * SHARE),
                RegistryKind::Embedded => LOOK_AT_OURS,
            };
            sleep(with_jitter(pause)).await;
        }
    }

    /// Brings the copy up to date once, for a command that ends.
    ///
    /// # Errors
    /// `Unavailable` when neither the kept copy nor the registry can be read; otherwise the status says what is wrong.
    pub async fn refresh_for_command(&self) -> Result<()> {
        self.load_kept().await?;
        let mut progress = Progress::default();
        if let Err(e) = self.look(&mut progress).await {
            self.look_failed(&e);
            if self.current.seen().as_of.is_none() {
                return Err(e);
            }
        }
        self.save(&mut progress).await;
        Ok(())
    }

    /// Waits until the registry has not answered for a while.
    async fn stays_away(&self) {
        loop {
            self.health.wait_until_open().await;
            if timeout(GRACE, self.health.wait_until_closed()).await.is_err() {
                return;
            }
        }
    }

    fn is_away(&self) -> bool {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The probe failed.
    fn failed(&self, e: &Error) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.look_failed(e);
    }

    fn look_failed(&self, e: &Error) {
        if self.current.seen().error.as_ref() != Some(&e.message) {
            tracing::warn!(error = %e, detail = ?e.detail, "the registry of models cannot be read");
        }
        self.current.set_error(Some(e.message.clone()));
    }

    /// The answer to a question, if it comes in time.
    async fn ask<T>(&self, deadline: Duration, question: impl Future<Output = Result<T>>) -> Result<T> {
        timeout(deadline, question).await.unwrap_or_else(|_| Err(self.silent(deadline)))
    }

    fn silent(&self, waited: Duration) -> Error {
        Error::unavailable(sentences::silent(self.original.address(), waited.as_secs_f64()))
    }

    /// Looks for what changed.
    async fn look(&self, progress: &mut Progress) -> Result<()> {
        let now = self.clock.now();
        let revision = self.ask(MODEL_DEADLINE, self.original.revision()).await?;
        if revision.is_some() && revision == progress.revision {
            self.current.set_as_of(now);
            return Ok(());
        }
        let list = self.current.begin_list();
        let begun = Instant::now();
        let mut heads = self.ask(LIST_DEADLINE, self.original.heads()).await?;
        progress.listed = begun.elapsed();
        let known = self.current.seen().index;
        if heads.is_empty() && known.models().len() > 0 && progress.empty + 1 < BELIEVE_EMPTY {
            progress.empty += 1;
            return Ok(());
        }
        progress.empty = 0;
        let outdated: Vec<ModelName> = heads
            .iter()
            .filter(|head| {
                let old = known.model(&head.name);
                old.is_none_or(|old| {
                    old.updated != head.updated || head.aliases.values().any(|v| old.version(*v).is_none())
                })
            })
            .map(|head| head.name.clone())
            .collect();
        let sweep =
            revision.is_some() || progress.swept.is_none_or(|at| at.elapsed() >= SWEEP) || outdated.len() > MOST_SINGLE;
        let mut found = vec![];
        if sweep {
            let begun = Instant::now();
            found = self.ask(SWEEP_DEADLINE, self.original.versions(None)).await?;
            // The next one is due when this one has taken its share of the time.
            progress.swept = Some(begun + begun.elapsed() * SHARE);
        } else {
            for name in &outdated {
                found.extend(self.ask(MODEL_DEADLINE, self.original.versions(Some(name))).await?);
            }
        }
        for head in &mut heads {
            if !sweep
                && !outdated.contains(&head.name)
                && let Some(old) = known.model(&head.name)
            {
                head.versions = old.versions.clone();
            }
        }
        let heads = heads.into_iter().map(|head| (head.name.clone(), head)).collect();
        let models = crate::mlflow::assemble(heads, found);
        self.changed(self.current.put_all(models, list, now));
        progress.revision = revision;
        Ok(())
    }

    fn changed(&self, changes: Changes) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        for name in changes.gone {
            unsaved.changed.remove(&name);
            unsaved.gone.insert(name);
        }
        for model in changes.changed {
            unsaved.gone.remove(&model.name);
            unsaved.changed.insert(model.name.clone(), model);
        }
    }

    /// Keeps what changed. What cannot be kept is kept the next time.
    async fn save(&self, progress: &mut Progress) {
        let Some(as_of) = self.current.seen().as_of else { return };
        let Unsaved { changed, gone } =
            std::mem::take(&mut *self.unsaved.lock().unwrap_or_else(PoisonError::into_inner));
        let fresh = progress.saved.is_some_and(|at| at.elapsed() < SAVE_AGE);
        if changed.is_empty() && gone.is_empty() && fresh {
            return;
        }
        let (changed, gone): (Vec<_>, Vec<_>) = (changed.into_values().collect(), gone.into_iter().collect());
        match self.copies.save_models(self.original.address(), &changed, &gone, as_of).await {
            Ok(true) => progress.saved = Some(Instant::now()),
            // A copy of another registry was in its place: what was kept before is to be kept again.
            Ok(false) => {
                progress.saved = Some(Instant::now());
                let all = self.current.seen().index;
                let others = all.models().filter(|m| !changed.iter().any(|c| c.name == m.name)).cloned().collect();
                self.changed(Changes { changed: others, gone: vec![] });
            }
            Err(e) => {
                tracing::warn!(error = %e, detail = ?e.detail, "the copy of models is not kept; trying again");
                let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
                for model in changed.into_iter().filter(|m| !gone.contains(&m.name)) {
                    unsaved.changed.entry(model.name.clone()).or_insert(model);
                }
                unsaved.gone.extend(gone);
            }
        }
    }
}

#[async_trait]
impl ModelCatalog for RegistryCopy {
    fn index(&self) -> Arc<RegistryIndex> {
        self.current.seen().index
    }

    fn links(&self) -> Arc<RegistryVersions> {
        self.current.seen().links
    }

    fn status(&self) -> RegistryStatus {
        let seen = self.current.seen();
        RegistryStatus {
            kind: self.original.kind(),
            address: self.original.address().to_owned(),
            as_of: seen.as_of,
            error: seen.error,
        }
    }

    fn generation(&self) -> u64 {
        self.current.generation()
    }

    async fn wait_for_change(&self, seen: u64) -> u64 {
        self.current.wait_for_change(seen).await
    }

    async fn read_again(&self, name: &ModelName) -> Result<Option<Arc<RegistryModel>>> {
        let model = match self.ask(MODEL_DEADLINE, self.original.model(name)).await {
            Ok(model) => Some(Arc::new(model)),
            Err(e) if e.kind == ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if self.current.put(name, model.as_ref()) {
            let changed = model.iter().cloned().collect();
            let gone = if model.is_none() { vec![name.clone()] } else { vec![] };
            self.changed(Changes { changed, gone });
        }
        Ok(model)
    }
}
