//! Who looked, until it is written: a few at a time, each question once a day.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use domain::{
    Result,
    evidence::{Judgement, Registration},
    ports::{ComparisonId, Comparisons, RegisterOutcome},
    time::{Day, Millis},
};

/// So many looks wait at most; further ones are forgotten.
const MOST: usize = 10_000;

/// A look at a comparison.
#[derive(Debug, Clone)]
pub(super) struct Look {
    /// `None` where the look itself registers it.
    pub id: Option<ComparisonId>,
    pub registration: Registration,
    pub at: Millis,
    /// Made at the horizon, and not kept yet.
    pub verdict: Option<Judgement>,
}

impl Look {
    fn day(&self) -> Day {
        self.at.day()
    }
}

/// Looks that wait to be written, by question and day.
#[derive(Default)]
pub(super) struct Looks(Mutex<BTreeMap<(String, Day), Look>>);

impl Looks {
    pub(super) fn note(&self, look: Option<Look>) {
        let Some(look) = look else { return };
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (look.registration.question(), look.day());
        let room = waiting.len() < MOST;
        match waiting.get_mut(&key) {
            // The first look registers, whatever design later ones name; the verdict that stays is of its registration.
            Some(first) => {
                if first.id.is_none() && look.id.is_some() {
                    *first = look;
                } else if first.verdict.is_none() && first.registration == look.registration {
                    first.verdict = look.verdict;
                }
            }
            None if room => drop(waiting.insert(key, look)),
            None => {}
        }
    }

    pub(super) async fn write(&self, store: &dyn Comparisons) -> Result<()> {
        let waiting = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut waiting = waiting.into_iter();
        while let Some((key, look)) = waiting.next() {
            if let Err(e) = write(store, &look).await {
                // Those that came meanwhile are newer.
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                for (key, look) in std::iter::once((key, look)).chain(waiting) {
                    kept.entry(key).or_insert(look);
                }
                return Err(e);
            }
        }
        Ok(())
    }
}

async fn write(store: &dyn Comparisons, look: &Look) -> Result<()> {
    let id = match look.id {
        Some(id) => id,
        None => match store.register(&look.registration, None).await? {
            RegisterOutcome::New(id) => {
                tracing::info!(comparison = id.0, "a comparison was registered by its first look");
                id
            }
            RegisterOutcome::InForce(other) => other.id,
        },
    };
    store.note_look(id, look.day()).await?;
    if let Some(verdict) = &look.verdict {
        store.keep_verdict(id, verdict, look.at).await?;
    }
    Ok(())
}
