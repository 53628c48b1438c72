//! The models that rows name, as numbers.

use domain::{
    cells::ModelSeen,
    model::{ModelKey, Said, Tags},
    text::Name,
};
use hashbrown::HashMap;

use super::{batch::Batch, plan::Plan};

/// The models that rows name; see [`domain::model`].
#[derive(Default)]
pub(super) struct Models {
    /// By what a row says, the number of its model; 0 for a row that says nothing.
    pub(super) said: HashMap<[Option<Box<str>>; 5], u32>,
    /// Model `i` has the number `i + 1`.
    pub(super) numbers: HashMap<ModelKey, u32>,
    pub(super) seen: Vec<ModelSeen>,
    /// By number, whether the question's filter takes it.
    pub(super) taken: Vec<bool>,
}

impl Models {
    /// The number of a row's model.
    pub(super) fn of(&mut self, plan: &Plan, rows: &Batch<'_>, row: usize) -> u32 {
        let [a, b, c, d, run] = std::array::from_fn(|i| rows.text(*plan.model.get(i)?, row));
        let said = [a, b, c, d, run].map(|t| t.map(Box::from));
        if let Some(number) = self.said.get(&said) {
            return *number;
        }
        let of = Said { registered_model: a, registered_version: b, architecture: c, version: d, run_id: run };
        let filter = &plan.query.filter;
        let number = filter.versions.key_of(&of).map_or(0, |(key, link)| {
            let name = |t: Option<&str>| t.and_then(|t| Name::stored(t).ok());
            let number = self.number(key, filter.models.as_slice());
            let tags = &mut self.seen[number as usize - 1].tags;
            tags.architectures.insert(name(c));
            tags.versions.insert(name(d));
            tags.links.insert(link);
            number
        });
        self.said.insert(said, number);
        number
    }

    pub(super) fn number(&mut self, key: ModelKey, wanted: &[ModelKey]) -> u32 {
        *self.numbers.entry(key).or_insert_with_key(|key| {
            self.taken.push(wanted.is_empty() || wanted.iter().any(|w| w.holds(key)));
            self.seen.push(ModelSeen { key: key.clone(), tags: Tags::default() });
            self.seen.len() as u32
        })
    }

    /// Whether the filter takes rows of a number; those of no model only when none is asked for.
    pub(super) fn takes(&self, number: u32, plan: &Plan) -> bool {
        number.checked_sub(1).map_or(plan.query.filter.models.is_empty(), |i| self.taken[i as usize])
    }
}

/// Numbers of the last few different rows: a champion and its challenger take turns, and to look a model up takes longer.
#[derive(Default)]
pub(super) struct Recent(Vec<(usize, u32)>);

impl Recent {
    pub(super) fn number(
        &mut self,
        rows: &Batch<'_>,
        columns: &[usize],
        row: usize,
        find: impl FnOnce() -> u32,
    ) -> u32 {
        let known = self.0.iter().find(|(other, _)| rows.same(columns, row, *other));
        known.map(|(_, number)| *number).unwrap_or_else(|| {
            let number = find();
            self.0.truncate(3);
            self.0.insert(0, (row, number));
            number
        })
    }
}
