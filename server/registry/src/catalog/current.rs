//! The copy as readers see it.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use domain::{
    error::Sentence,
    model::RegistryVersions,
    registry::{ModelName, RegistryIndex, RegistryModel},
    time::Millis,
};
use tokio::sync::watch;

/// What readers see.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub index: Arc<RegistryIndex>,
    pub links: Arc<RegistryVersions>,
    pub as_of: Option<Millis>,
    pub error: Option<Sentence>,
}

#[derive(Debug, Default)]
struct State {
    seen: Seen,
    /// How often a single model was read; with each the number of its last reading.
    readings: u64,
    read: BTreeMap<ModelName, u64>,
}

pub struct Current {
    state: RwLock<State>,
    generation: watch::Sender<u64>,
}

/// What a list changed.
#[derive(Debug, Default)]
pub struct Changes {
    pub changed: Vec<Arc<RegistryModel>>,
    pub gone: Vec<ModelName>,
}

impl Current {
    pub fn new(first: u64) -> Self {
        Self { state: RwLock::default(), generation: watch::Sender::new(first) }
    }

    pub fn seen(&self) -> Seen {
        self.state.read().unwrap_or_else(PoisonError::into_inner).seen.clone()
    }

    pub fn generation(&self) -> u64 {
        *self.generation.borrow()
    }

    pub async fn wait_for_change(&self, seen: u64) -> u64 {
        let mut moves = self.generation.subscribe();
        // The sender is `self`: it outlives the wait.
        moves.wait_for(|now| *now != seen).await.map_or(seen, |now| *now)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> (bool, T)) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let (moved, result) = change(&mut state);
        drop(state);
        if moved {
            self.generation.send_modify(|g| *g += 1);
        }
        result
    }

    pub fn set_error(&self, error: Option<Sentence>) {
        self.change(|state| {
            let moved = state.seen.error != error;
            state.seen.error = error;
            (moved, ())
        });
    }

    /// Nothing changed until this moment.
    pub fn set_as_of(&self, at: Millis) {
        self.change(|state| {
            state.seen.as_of = state.seen.as_of.max(Some(at));
            (false, ())
        });
    }

    /// A number to be given to [`Current::put_all`]: what was read of single models since is newer than the list.
    pub fn begin_list(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).readings
    }

    /// Takes over the list of all models, which was begun at `begun`. Returns what changed.
    pub fn put_all(&self, models: Vec<RegistryModel>, begun: u64, as_of: Millis) -> Changes {
        self.change(|state| {
            let before = Arc::clone(&state.seen.index);
            let newer = |name: &ModelName| state.read.get(name).is_some_and(|reading| *reading > begun);
            let mut changes = Changes::default();
            let mut listed = BTreeMap::new();
            for model in models.into_iter().filter(|m| !newer(&m.name)) {
                let old = before.model(&model.name).filter(|old| ***old == model);
                let kept = old.cloned().unwrap_or_else(|| {
                    let model = Arc::new(model);
                    changes.changed.push(Arc::clone(&model));
                    model
                });
                listed.insert(kept.name.clone(), kept);
            }
            for old in before.models() {
                if newer(&old.name) {
                    listed.insert(old.name.clone(), Arc::clone(old));
                } else if !listed.contains_key(&old.name) {
                    changes.gone.push(old.name.clone());
                }
            }
            // Readings before this list are in it.
            state.read.retain(|_, reading| *reading > begun);
            state.seen.as_of = state.seen.as_of.max(Some(as_of));
            let moved = !changes.changed.is_empty() || !changes.gone.is_empty();
            if moved {
                state.show(RegistryIndex::of(listed.into_values()));
            }
            (moved, changes)
        })
    }

    /// Takes over a single model as it was just read; `None` when there is none of the name. True when that changed anything.
    pub fn put(&self, name: &ModelName, model: Option<&Arc<RegistryModel>>) -> bool {
        self.change(|state| {
            state.readings += 1;
            let reading = state.readings;
            state.read.insert(name.clone(), reading);
            if state.seen.index.model(name).map(|m| &**m) == model.map(|m| &**m) {
                return (false, false);
            }
            let mut index = (*state.seen.index).clone();
            match model {
                Some(model) => index.put(Arc::clone(model)),
                None => index.remove(name),
            }
            state.show(index);
            (true, true)
        })
    }
}

impl State {
    fn show(&mut self, index: RegistryIndex) {
        let links = index.links();
        if links != *self.seen.links {
            self.seen.links = Arc::new(links);
        }
        self.seen.index = Arc::new(index);
    }
}
