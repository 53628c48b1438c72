//! Runs become records: which are new, corrected or moved since they were looked at last, and which make no record and why. A plan says so
//! and changes nothing; an import does it, and is safe to repeat.

mod item;
mod plan;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    Error, Result,
    access::{Action, Actor, Object, authorize},
    error::Sentence,
    mapping::RunMapping,
    normalization::nfc,
    ports::{AppendCounts, Batch, Clock, ReadProgress, ReceivedRecord, SourceId, SourceItem, SourceItems},
    record::RecordIdentity,
};

pub use self::plan::{ImportPlan, LEFT_OUT, PlanCounts, PlannedRun, PlannedStep, StepKind};
use self::{
    item::ItemState,
    plan::{Candidate, Planner},
};
use crate::{Ingestion, Sources, Tracking, sentences};

/// Fewer records are taken back without a question, however many of all they are.
const MANY: u64 = 20;
/// Runs that go to the lake in one commit.
const RUNS_AT_ONCE: usize = 5_000;

/// Under which name runs of MLflow deliver: wherever MLflow is, its runs stay the same.
#[must_use]
pub fn mlflow_source() -> SourceId {
    SourceId { kind: "mlflow".to_owned(), name: "mlflow".to_owned() }
}

/// The use case, for one actor.
#[derive(Clone)]
pub struct RunImport {
    actor: Actor,
    runs: Tracking,
    ingestion: Ingestion,
    sources: Sources,
    items: Arc<dyn SourceItems>,
    clock: Arc<dyn Clock>,
    is_copy: bool,
}

/// What an import came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// What was planned, which an import does as a whole.
    pub counts: PlanCounts,
    /// What the lake said of it.
    pub appended: AppendCounts,
}

impl Imported {
    /// Runs whose record was there already: those that have not changed, and those that the lake knew.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.counts.unchanged + self.appended.duplicate
    }
}

impl RunImport {
    /// For the operator; see [`RunImport::for_actor`].
    #[must_use]
    pub fn new(
        runs: Tracking,
        ingestion: Ingestion,
        sources: Sources,
        items: Arc<dyn SourceItems>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { actor: Actor::Operator, runs, ingestion, sources, items, clock, is_copy: false }
    }

    /// The same over a copy that is followed in the background. What somebody else has imported may be newer than it: then it waits. And
    /// what would take most records back is left to a person.
    #[must_use]
    pub fn of_copy(self) -> Self {
        Self { is_copy: true, ..self }
    }

    /// The same for another actor.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self {
            actor: actor.clone(),
            runs: self.runs.for_actor(actor),
            ingestion: self.ingestion.for_actor(actor),
            sources: self.sources.for_actor(actor),
            ..self.clone()
        }
    }

    /// What an import would do now. `experiments`, by name or id, narrow what the mapping takes; at most `examples` runs of a kind are
    /// given.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not see sources and runs, `NotFound` where no MLflow is set and for an unknown experiment,
    /// `Unavailable` when what was imported cannot be read.
    pub async fn plan(&self, mapping: &RunMapping, experiments: &[String], examples: usize) -> Result<ImportPlan> {
        authorize(&self.actor, Action::ReadSources, Object::Installation)?;
        let (candidates, status) = self.candidates(mapping, experiments)?;
        let items = self.states().await?;
        let planner = self.planner(mapping);
        let documents = candidates.iter().map(Candidate::document);
        let unfound = if candidates.is_empty() { vec![] } else { mapping.record.unfound(documents) };
        let mut plan = ImportPlan { counts: PlanCounts::default(), status, examples: BTreeMap::new(), unfound };
        for candidate in candidates {
            let step = planner.step(&candidate, items.get(candidate.run.id.as_str()));
            plan.note(&candidate, step, examples);
        }
        Ok(plan)
    }

    /// Takes what is new, corrects and moves what has changed, and withdraws what makes no record any more; a run and what takes its place
    /// in one commit.
    ///
    /// # Errors
    /// As [`RunImport::plan`]; `Forbidden` when the actor may not send records, `Unavailable` when they cannot be written.
    pub async fn import(&self, mapping: &RunMapping, experiments: &[String]) -> Result<Imported> {
        self.ingestion.authorize()?;
        let (candidates, _) = self.candidates(mapping, experiments)?;
        let items = self.states().await?;
        let planner = self.planner(mapping);
        let mut imported = Imported::default();
        let mut changed = vec![];
        for candidate in candidates {
            let known = items.get(candidate.run.id.as_str());
            let step = planner.step(&candidate, known);
            imported.counts.add(&step);
            if step.changes_something() {
                changed.push((candidate, step));
            }
        }
        let there = items.values().filter(|item| item.record.is_some()).count() as u64;
        let withdrawn = imported.counts.withdrawn;
        if self.is_copy && withdrawn >= MANY && withdrawn * 2 > there {
            return Err(Error::unavailable(sentences::import_would_withdraw(withdrawn, there)));
        }
        let source = mlflow_source();
        if changed.is_empty() {
            self.sources.read_finished(&source, self.clock.now()).await?;
            return Ok(imported);
        }
        let last = changed.len().div_ceil(RUNS_AT_ONCE) - 1;
        let mut changed = changed.into_iter();
        for n in 0..=last {
            let mut batch = Batch { source: source.clone(), ..Batch::default() };
            let (mut records, mut withdrawn): (Vec<ReceivedRecord>, Vec<RecordIdentity>) = (vec![], vec![]);
            let mut states = vec![];
            for (candidate, step) in changed.by_ref().take(RUNS_AT_ONCE) {
                let state = planner.state(&candidate, &step, items.get(candidate.run.id.as_str()));
                states.extend(
                    state.map(|state| SourceItem { key: candidate.run.id.to_string(), state: state.to_text() }),
                );
                let (record, gone) = step.into_rows();
                records.extend(record.map(|record| ReceivedRecord { record, line: 0 }));
                withdrawn.extend(gone);
            }
            batch.records = records.into();
            batch.withdrawn = withdrawn.into();
            // Of all runs, not of those that have changed: what the last read refused is forgotten with the first part.
            if n == 0 {
                batch.refused = imported.counts.refused_by_code();
            }
            batch.progress = ReadProgress { anew: n == 0, caught_up: n == last, items: states, position: None };
            for appended in self.ingestion.append_all(vec![batch]).await? {
                imported.appended.taken += appended.taken;
                imported.appended.duplicate += appended.duplicate;
                imported.appended.corrected += appended.corrected;
                imported.appended.withdrawn += appended.withdrawn;
            }
        }
        Ok(imported)
    }

    /// Notes why nothing could be imported, on the source.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub async fn note_failure(&self, why: &Sentence) -> Result<()> {
        self.sources.read_failed(&mlflow_source(), self.clock.now(), why).await
    }

    fn planner<'m>(&self, mapping: &'m RunMapping) -> Planner<'m> {
        Planner::new(mapping, self.clock.now(), nfc, self.is_copy)
    }

    /// The runs that the mapping and the question take.
    fn candidates(
        &self,
        mapping: &RunMapping,
        experiments: &[String],
    ) -> Result<(Vec<Candidate>, domain::ports::CopyStatus)> {
        let (index, status) = self.runs.copied()?;
        let mut chosen = vec![];
        for name in experiments {
            chosen.push(self.runs.experiment(name)?.id.clone());
        }
        let wanted = index.experiments().filter(|e| {
            let is_chosen = chosen.is_empty() || chosen.contains(&e.experiment.id);
            is_chosen
                && e.experiment.lifecycle == domain::tracking::Lifecycle::Active
                && mapping.takes(&e.experiment.name)
        });
        let mut candidates = vec![];
        for home in wanted {
            for run in home.runs() {
                let made = self.runs.known_products(run);
                candidates.push(Candidate { run: run.clone(), experiment: home.experiment.clone(), made });
            }
        }
        Ok((candidates, status))
    }

    async fn states(&self) -> Result<BTreeMap<String, ItemState>> {
        let items = self.items.source_items(&mlflow_source()).await?;
        // What cannot be read is worked at anew.
        Ok(items.into_iter().filter_map(|item| Some((item.key, ItemState::of_text(&item.state)?))).collect())
    }
}
