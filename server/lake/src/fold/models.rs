//! The models that rows name, as numbers.

use domain::{
    cells::ModelNames,
    model::{ModelFields, ModelKey, ModelTagSummary},
    text::Name,
};
use hashbrown::HashMap;

use super::{batch::RowBatch, plan::Plan};

/// The models that rows name; see [`domain::model`].
#[derive(Default)]
pub(super) struct ModelInterner {
    /// By what a row says, the number of its model; 0 for a row that says nothing.
    pub(super) said: HashMap<[Option<Box<str>>; 5], u32>,
    /// Model `i` has the number `i + 1`.
    pub(super) numbers: HashMap<ModelKey, u32>,
    pub(super) seen: Vec<ModelNames>,
    /// By number, whether the query's filter takes it.
    pub(super) taken: Vec<bool>,
}

impl ModelInterner {
    /// The number of a row's model.
    pub(super) fn model_number(&mut self, plan: &Plan, rows: &RowBatch<'_>, row: usize) -> u32 {
        let [a, b, c, d, span] = std::array::from_fn(|i| rows.text(*plan.model.get(i)?, row));
        let said = [a, b, c, d, span].map(|t| t.map(Box::from));
        if let Some(number) = self.said.get(&said) {
            return *number;
        }
        let of = ModelFields { registered_model: a, registered_version: b, architecture: c, version: d, run_id: span };
        let filter = &plan.query.filter;
        let number = filter.versions.resolve(&of).map_or(0, |(key, link)| {
            let name = |t: Option<&str>| t.and_then(|t| Name::parse_stored(t).ok());
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
            self.taken.push(wanted.is_empty() || wanted.iter().any(|w| w.contains(key)));
            self.seen.push(ModelNames { key: key.clone(), tags: ModelTagSummary::default() });
            self.seen.len() as u32
        })
    }

    /// Whether the filter takes rows of a number; those of no model only when none is asked for.
    pub(super) fn includes(&self, number: u32, plan: &Plan) -> bool {
        number.checked_sub(1).map_or(plan.query.filter.models.is_empty(), |i| self.taken[i as usize])
    }
}

/// Numbers of the last few different rows: a champion and its challenger take turns, and to look a model up takes longer.
#[derive(Default)]
pub(super) struct RecentModels(Vec<(usize, u32)>);

impl RecentModels {
    pub(super) fn number(
        &mut self,
        rows: &RowBatch<'_>,
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
