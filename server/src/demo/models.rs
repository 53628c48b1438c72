//! The registered models of the simulated fleet: which of its training runs became versions, and who made which of them the champion when.
//! Written once into our own registry, together with the log of that past.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use domain::{
    Result,
    evidence::Target,
    ports::{EmbeddedModels, ModelLocks, NewVersion, RegistryLog},
    registry::{
        Alias, EventAct, EventActor, ModelName, OperationKind, OutcomeKind, PromotionRequest, Reason, RegistryEvent,
        Stage, Standing, Version, VersionSet,
    },
    time::{DAY, MINUTE, Millis},
};
use serde_json::{Value, json};

use super::{
    fleet::{
        Fleet, Model, RTDETR_R18, RTDETR_R50, RTDETR_R50_NEXT, YOLOV8L, YOLOV8M, YOLOV10L, YOLOV10M, YOLOV10M_NEXT,
    },
    training::{TrainingRun, training_runs},
};

/// Says of a version that it is the demo's.
const SIMULATED: &str = "simulated";
/// How long it is waited for somebody who is at a model.
const WAIT: Duration = Duration::from_secs(10);
/// For how many days the demo's request can be approved.
const REQUEST_DAYS: i64 = 14;

/// Where the demo's models are written.
#[derive(Clone)]
pub struct DemoRegistry {
    pub models: Arc<dyn EmbeddedModels>,
    pub log: Arc<dyn RegistryLog>,
    pub locks: Arc<dyn ModelLocks>,
}

/// A registered model.
pub struct DemoModel {
    pub name: &'static str,
    /// Oldest first: the version of number `i + 1`.
    versions: &'static [Source],
    /// In order of time.
    past: &'static [Step],
}

/// The run that became a version.
#[derive(Clone, Copy)]
enum Source {
    /// The best one, of which the fleet's records are.
    Best(Model),
    /// One that ended so many tries before it, and never ran in the field.
    Before(Model, usize),
}

/// What somebody did, in days before the demo began.
struct Step {
    days: f64,
    who: &'static str,
    act: Act,
    version: u32,
    reason: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Act {
    Production,
    Staging,
    Challenger,
    Request,
}

const fn step(days: f64, who: &'static str, act: Act, version: u32, reason: &'static str) -> Step {
    Step { days, who, act, version, reason }
}

/// All of them. What became the champion when is what the records of the fleet say: see [`super::SCENARIOS`].
pub const MODELS: [DemoModel; 4] = [
    DemoModel {
        name: "detector-medium",
        versions: &[Source::Best(YOLOV8M), Source::Best(YOLOV10M), Source::Best(YOLOV10M_NEXT)],
        past: &[
            step(93.0, "minji", Act::Production, 1, "First detector of the gates of Customer A"),
            step(47.0, "jun", Act::Staging, 2, "Half the latency on the T4; to be seen at the gates"),
            step(40.0, "minji", Act::Production, 2, "Better at every gate of Customer A, at half the latency"),
            step(14.0, "sora", Act::Challenger, 3, "Trained on more of the field; runs in shadow on twelve sites"),
            step(0.1, "sora", Act::Request, 3, "Better at every site where both ran"),
        ],
    },
    DemoModel {
        name: "detector-large",
        versions: &[Source::Best(YOLOV8L), Source::Before(YOLOV10L, 1), Source::Best(YOLOV10L)],
        past: &[
            step(96.0, "jun", Act::Production, 1, "First detector of the docks of Customer B"),
            step(5.0, "jun", Act::Staging, 3, "A third less latency than yolov8l at the same accuracy"),
            step(4.0, "jun", Act::Production, 3, "As accurate in validation, and faster"),
        ],
    },
    DemoModel {
        name: "detector-transformer",
        versions: &[Source::Best(RTDETR_R50), Source::Before(RTDETR_R50_NEXT, 1), Source::Best(RTDETR_R50_NEXT)],
        past: &[
            step(97.0, "minji", Act::Production, 1, "Fewest switched identities of all detectors behind the tracker"),
            step(
                14.0,
                "minji",
                Act::Challenger,
                3,
                "Trained on the yards of Customer D; runs in shadow on twelve sites",
            ),
        ],
    },
    DemoModel {
        name: "counter",
        versions: &[Source::Before(RTDETR_R18, 2), Source::Before(RTDETR_R18, 1), Source::Best(RTDETR_R18)],
        past: &[
            step(95.5, "sora", Act::Staging, 2, "To be seen in the halls"),
            step(95.0, "sora", Act::Production, 3, "Counts within 3 % in the halls of Customer C"),
        ],
    },
];

impl DemoModel {
    /// The runs that its versions are made of, in order.
    pub fn runs<'r>(&self, runs: &'r [TrainingRun]) -> Vec<&'r TrainingRun> {
        let of = |source: &Source| {
            let (model, before) = match *source {
                Source::Best(model) => (model, 0),
                Source::Before(model, before) => (model, before),
            };
            let best = runs.iter().position(|r| r.made_version && r.model == model)?;
            // They were tried one after the other, the best one last.
            runs.get(best.checked_sub(before)?)
        };
        self.versions.iter().filter_map(of).collect()
    }

    /// What the registry knows of each version, in order.
    fn registered(&self, name: &ModelName, runs: &[TrainingRun]) -> Vec<NewVersion> {
        let of = |run: &TrainingRun| {
            let mut tags = vec![(SIMULATED, "true"), ("task", run.task())];
            // Of the others no record is: their architecture and version would lead to the records of the best one.
            if run.made_version {
                tags.extend([("model_architecture", run.model.architecture), ("model_version", run.model.version)]);
            }
            NewVersion {
                model: name.clone(),
                run: Some(run.id.clone()),
                source: format!("runs:/{}/model", run.id),
                description: match run.made_version {
                    true => format!("{} {} of the simulated fleet", run.model.architecture, run.model.version),
                    false => format!("{}: tried, never run in the field", run.name),
                },
                tags: tags.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
                created_by: run.user.to_owned(),
                at: run.end.unwrap_or(run.start).plus(10 * MINUTE),
            }
        };
        self.runs(runs).into_iter().map(of).collect()
    }

    /// How it stands when the demo begins.
    ///
    /// # Errors
    /// For a name or a number that is none.
    pub fn standing(&self, runs: &[TrainingRun], epoch: Millis) -> Result<Standing> {
        Ok(self.past_of(&ModelName::parse(self.name)?, runs, epoch)?.standing)
    }

    /// What happened to it, up to the moment when the demo begins.
    fn past_of<'n>(&self, name: &'n ModelName, runs: &[TrainingRun], epoch: Millis) -> Result<Past<'n>> {
        let versions = self.registered(name, runs);
        let mut past = Past { name, standing: Standing::default(), events: vec![], requests: vec![] };
        let (mut steps, mut registered) = (self.past.iter().peekable(), versions.iter().zip(1..).peekable());
        let when = |step: &Step| epoch.plus(-((step.days * DAY as f64) as i64));
        loop {
            let next_version = registered.peek().map(|(version, _)| version.at);
            match steps.peek() {
                Some(step) if next_version.is_none_or(|at| when(step) < at) => {
                    let at = when(step);
                    match step.act {
                        Act::Request => past.requests.push((at, step)),
                        _ => past.take(step, Version::new(step.version)?, at),
                    }
                    steps.next();
                }
                _ => {
                    let Some((version, number)) = registered.next() else { return Ok(past) };
                    past.registered(version, Version::new(number)?);
                }
            }
        }
    }
}

/// All models as they stand when the demo begins, for whoever writes them elsewhere: with each version its run.
#[must_use]
pub fn described(epoch: Millis) -> Value {
    let runs = training_runs(&Fleet::new(), epoch);
    let model = |model: &DemoModel| {
        let name = ModelName::parse(model.name).ok()?;
        let (past, versions) = (model.past_of(&name, &runs, epoch).ok()?, model.registered(&name, &runs));
        let version = |((new, run), number): ((&NewVersion, &TrainingRun), u32)| {
            let version = Version::new(number).ok()?;
            let aliases: Vec<_> = past.standing.aliases.iter().filter(|(_, v)| **v == version).map(|a| a.0).collect();
            let last: BTreeMap<_, _> = run.metrics.iter().filter_map(|(k, p)| Some((*k, p.last()?.value))).collect();
            // Its images are not told with it.
            let tags: BTreeMap<_, _> = run.tags.iter().filter(|t| t.0 != "mlflow.loggedImages").cloned().collect();
            Some(json!({
                "version": version, "stage": past.standing.stage(version), "aliases": aliases,
                "description": new.description, "tags": new.tags.iter().cloned().collect::<BTreeMap<_, _>>(),
                "run": {
                    "name": run.name, "experiment": run.experiment_name(), "user": run.user, "start": run.start.0,
                    "end": run.end.unwrap_or(run.start).0, "tags": tags,
                    "params": run.params.iter().cloned().collect::<BTreeMap<_, _>>(), "metrics": last,
                },
            }))
        };
        let versions: Vec<_> = versions.iter().zip(model.runs(&runs)).zip(1..).filter_map(version).collect();
        Some(json!({ "name": name, "versions": versions }))
    };
    json!({ "models": MODELS.iter().filter_map(model).collect::<Vec<_>>() })
}

impl DemoRegistry {
    /// Writes the models that are not there yet, with their past.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read or written.
    pub async fn write(&self, epoch: Millis) -> Result<()> {
        let runs = training_runs(&Fleet::new(), epoch);
        for model in &MODELS {
            let name = ModelName::parse(model.name)?;
            let Some(_lock) = self.locks.lock(&name, WAIT).await? else { continue };
            let there = self.models.all_models().await?;
            if there.iter().all(|m| m.name != name) {
                self.write_model(model, &name, &runs, epoch).await?;
            }
        }
        Ok(())
    }

    async fn write_model(
        &self,
        model: &DemoModel,
        name: &ModelName,
        runs: &[TrainingRun],
        epoch: Millis,
    ) -> Result<()> {
        let versions = model.registered(name, runs);
        let past = model.past_of(name, runs, epoch)?;
        // First the past, which ends with how the registry will stand: nobody takes what is written now for a change from outside.
        self.log.log_events(&past.events).await?;
        for (at, step) in &past.requests {
            self.ask(&past, step, *at, epoch).await?;
        }
        for version in &versions {
            self.models.add_version(version).await?;
        }
        for (version, stage) in &past.standing.stages {
            let at = past.events.last().map_or(epoch, |e| e.at);
            self.models.move_to_stage(name, *version, *stage, at).await?;
        }
        for (alias, version) in &past.standing.aliases {
            self.models.point_alias(name, alias, Some(*version)).await?;
        }
        Ok(())
    }

    async fn ask(&self, past: &Past<'_>, step: &Step, at: Millis, epoch: Millis) -> Result<()> {
        let version = Version::new(step.version)?;
        let request = PromotionRequest {
            model: past.name.clone(),
            version,
            to: Target::Production,
            expected: past.standing.champion(),
            asked_by: step.who.to_owned(),
            reason: Reason::parse(step.reason)?,
            asked: at,
            expires: epoch.plus(REQUEST_DAYS * DAY),
            evidence: None,
        };
        let mut event = past.event(at, EventAct::Requested, step.who, version);
        event.reason = Some(step.reason.to_owned());
        self.log.add_request(&request, &event).await.map(drop)
    }

    /// Deletes the demo's models, but for those to which somebody added a version. The log keeps what happened.
    ///
    /// # Errors
    /// `Unavailable` when the database cannot be read or written.
    pub async fn remove(&self) -> Result<()> {
        for model in self.models.all_models().await? {
            let ours = MODELS.iter().any(|m| m.name == model.name.as_str())
                && model.versions.values().all(|v| v.tags.get(SIMULATED).is_some_and(|t| t == "true"));
            if ours && let Some(_lock) = self.locks.lock(&model.name, WAIT).await? {
                self.models.delete_model(&model.name).await?;
            }
        }
        Ok(())
    }
}

/// The log of a model, as it comes about.
struct Past<'n> {
    name: &'n ModelName,
    standing: Standing,
    events: Vec<RegistryEvent>,
    /// What was asked for, and when.
    requests: Vec<(Millis, &'static Step)>,
}

impl Past<'_> {
    fn event(&self, at: Millis, act: EventAct, who: &str, version: Version) -> RegistryEvent {
        let actor = EventActor::Named(who.to_owned());
        RegistryEvent { version: Some(version), ..RegistryEvent::new(at, self.name.clone(), act, actor) }
    }

    fn registered(&mut self, new: &NewVersion, version: Version) {
        let mut event = self.event(new.at, EventAct::Registered, &new.created_by, version);
        event.before = version.number().gt(&1).then(|| self.standing.clone());
        self.standing.versions = VersionSet::of(self.standing.versions.iter().chain([version]));
        event.after = Some(self.standing.clone());
        self.events.push(event);
    }

    /// A change, as the protocol of promotions makes it.
    fn take(&mut self, step: &Step, version: Version, at: Millis) {
        let (kind, stage) = match step.act {
            Act::Production => (OperationKind::Promote(Target::Production), Some(Stage::Production)),
            Act::Staging => (OperationKind::Promote(Target::Staging), Some(Stage::Staging)),
            Act::Challenger | Act::Request => (OperationKind::SetChallenger, None),
        };
        let before = self.standing.clone();
        if step.act == Act::Production {
            if let Some(champion) = before.champion() {
                self.standing.aliases.insert(Alias::rollback(), champion);
            }
            self.standing.aliases.insert(Alias::champion(), version);
            self.standing.aliases.retain(|alias, v| *alias != Alias::challenger() || *v != version);
        } else if step.act == Act::Challenger {
            self.standing.aliases.insert(Alias::challenger(), version);
        }
        if let Some(stage) = stage {
            self.standing.stages.values_mut().filter(|s| **s == stage).for_each(|s| *s = Stage::Archived);
            self.standing.stages.insert(version, stage);
        }
        let ended = self.event(at, EventAct::Ended(kind, OutcomeKind::Applied), step.who, version);
        let (before, after) = (Some(before), Some(self.standing.clone()));
        self.events.push(RegistryEvent { reason: Some(step.reason.to_owned()), before, after, ..ended });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const EPOCH: Millis = Millis(1_795_000_000_000);

    fn version_of(model: &DemoModel, ran: Model) -> Option<u32> {
        let mut numbered = model.versions.iter().zip(1..);
        numbered.find(|(source, _)| matches!(source, Source::Best(m) if *m == ran)).map(|(_, number)| number)
    }

    #[test]
    fn each_model_has_three_versions_in_order_and_their_files_are_those_of_their_runs() {
        let runs = training_runs(&Fleet::new(), EPOCH);
        let mut tags = BTreeSet::new();
        for model in &MODELS {
            let name = ModelName::parse(model.name).expect("a name");
            let versions = model.registered(&name, &runs);
            assert!(versions.len() >= 3, "{name}");
            assert!(versions.is_sorted_by_key(|v| v.at), "{name}: numbers follow time");
            for version in &versions {
                let made = version.tags.iter().any(|(key, _)| key == "model_version");
                assert!(!made || tags.insert(version.tags.clone()), "{name}: tags lead to one version");
            }
        }
    }

    #[test]
    fn whoever_is_champion_by_the_registry_is_so_by_the_records_and_has_been_as_long() {
        let fleet = Fleet::new();
        for model in &MODELS {
            let promoted: Vec<(f64, u32)> =
                model.past.iter().filter(|s| s.act == Act::Production).map(|s| (s.days, s.version)).collect();
            assert!(model.past.is_sorted_by(|a, b| a.days >= b.days), "{}", model.name);
            for day in [89.0, 41.0, 39.0, 5.0, 3.0, 1.0] {
                let Some((_, champion)) = promoted.iter().rev().find(|(since, _)| *since >= day) else { continue };
                let running: BTreeSet<u32> = fleet
                    .zones
                    .iter()
                    .filter_map(|zone| version_of(model, zone.champion(-(day * DAY as f64) as i64)?))
                    .collect();
                assert!(running.contains(champion), "{} {champion}: {day} days ago {running:?} ran", model.name);
            }
        }
    }
}
