//! Things numbered in the order in which they came, and brought into another order at the end.

use domain::cells::{Dimension, GroupKey};
use hashbrown::HashMap;

/// Things numbered in the order in which they came.
#[derive(Debug)]
pub(super) struct Interner<T> {
    pub(super) numbers: HashMap<T, u32>,
    pub(super) all: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { numbers: HashMap::new(), all: vec![] }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    pub(super) fn intern(&mut self, thing: T) -> u32 {
        // Most often it is the one before.
        if self.all.last() == Some(&thing) {
            return self.all.len() as u32 - 1;
        }
        *self.numbers.entry(thing).or_insert_with_key(|thing| {
            self.all.push(thing.clone());
            self.all.len() as u32 - 1
        })
    }
}

impl Interner<Box<str>> {
    pub(super) fn intern_text(&mut self, text: &str) -> u32 {
        self.numbers.get(text).copied().unwrap_or_else(|| self.intern(text.into()))
    }
}

/// The same in order, each once, and by old place the new one.
pub(super) fn sort_and_remap<T, K: Ord>(all: Vec<T>, key: impl Fn(&T) -> K) -> (Vec<T>, Vec<u32>) {
    let mut numbers = vec![0; all.len()];
    let mut order: Vec<(usize, T)> = all.into_iter().enumerate().collect();
    order.sort_by_key(|(_, thing)| key(thing));
    let mut once: Vec<T> = Vec::with_capacity(order.len());
    for (old, thing) in order {
        if once.last().is_none_or(|last| key(last) != key(&thing)) {
            once.push(thing);
        }
        numbers[old] = once.len() as u32 - 1;
    }
    (once, numbers)
}

/// The same key where names and models have other numbers: `names` by old number, `models` by old number less one.
pub(super) fn remapped(key: &GroupKey, names: &[u32], models: &[u32]) -> GroupKey {
    let mut remapped = GroupKey::default();
    for by in Dimension::ALL {
        let Some(old) = key.dimension_code(by).checked_sub(1) else { continue };
        remapped.0[by as usize] = if by == Dimension::Model { models[old as usize] } else { names[old as usize] + 1 };
    }
    remapped
}
