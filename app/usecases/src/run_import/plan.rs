//! Which run becomes what: compared with what is remembered of it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use domain::{
    mapping::UnfoundRule,
    mapping::{RunDocument, RunMapping, RunParts},
    ports::{CopyStatus, MadeByRun, RefusedCounts},
    record::{NameNormalizer, Record, RecordIdentity, Refusal},
    time::Millis,
    tracking::{Experiment, Run, RunStatus},
};
use sha2::{Digest, Sha256};

use super::item::{ItemState, WrittenRecord, WrittenRefusal};

/// Why runs are left out that are no fault: they may finish yet, or never did.
pub const LEFT_OUT: &str = "not_finished";
/// Grows when the same run under the same mapping becomes another record.
const FORMAT: u8 = 1;

/// A run that may become a record.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub run: Arc<Run>,
    pub experiment: Arc<Experiment>,
    /// What it made, where that is known.
    pub made: Option<Arc<MadeByRun>>,
}

impl Candidate {
    /// As the rules see it.
    pub fn document(&self) -> RunDocument<'_> {
        let made = self.made.as_deref().and_then(|made| match made.versions.as_slice() {
            [one] => Some((&*one.model, &*one.version)),
            _ => None,
        });
        RunDocument(RunParts { run: &self.run, experiment: &self.experiment, made })
    }
}

/// What happens to a run.
#[derive(Debug, Clone, PartialEq)]
pub enum PlannedStep {
    /// Its first record.
    New(Record),
    /// The record says something else now.
    Corrected(Record),
    /// Another identity, such as another site: the old row is withdrawn with it.
    Moved {
        record: Record,
        from: RecordIdentity,
    },
    /// It makes no record any more: the old row is withdrawn.
    Withdrawn {
        why: Refusal,
        from: RecordIdentity,
    },
    /// As it was looked at before.
    Unchanged,
    /// Something of it has changed that its record does not show.
    Same(Record),
    Refused(Refusal),
    /// As it was refused before.
    RefusedStill(WrittenRefusal),
    LeftOut(RunStatus),
}

/// The kinds of steps that a plan gives examples of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StepKind {
    New,
    Corrected,
    Moved,
    Withdrawn,
    Refused,
    LeftOut,
    Unchanged,
}

impl StepKind {
    pub const ALL: [Self; 7] =
        [Self::New, Self::Corrected, Self::Moved, Self::Withdrawn, Self::Refused, Self::LeftOut, Self::Unchanged];

    /// As addresses and programs write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Corrected => "corrected",
            Self::Moved => "moved",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::LeftOut => LEFT_OUT,
            Self::Unchanged => "unchanged",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl PlannedStep {
    #[must_use]
    pub fn kind(&self) -> StepKind {
        match self {
            Self::New(_) => StepKind::New,
            Self::Corrected(_) => StepKind::Corrected,
            Self::Moved { .. } => StepKind::Moved,
            Self::Withdrawn { .. } => StepKind::Withdrawn,
            Self::Unchanged | Self::Same(_) => StepKind::Unchanged,
            Self::Refused(_) | Self::RefusedStill(_) => StepKind::Refused,
            Self::LeftOut(_) => StepKind::LeftOut,
        }
    }

    /// Whether there is something to write.
    pub fn changes_something(&self) -> bool {
        !matches!(self, Self::Unchanged | Self::RefusedStill(_) | Self::LeftOut(_))
    }

    /// The row that comes and the one that goes.
    pub fn into_rows(self) -> (Option<Record>, Option<RecordIdentity>) {
        match self {
            Self::New(record) | Self::Corrected(record) => (Some(record), None),
            Self::Moved { record, from } => (Some(record), Some(from)),
            Self::Withdrawn { from, .. } => (None, Some(from)),
            _ => (None, None),
        }
    }

    /// Why there is no record.
    #[must_use]
    pub fn refusal(&self) -> Option<(&str, &str)> {
        match self {
            Self::Refused(why) | Self::Withdrawn { why, .. } => Some((why.code, &why.message)),
            Self::RefusedStill(why) => Some((&why.code, &why.message)),
            _ => None,
        }
    }

    /// The record that counts then.
    #[must_use]
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::New(record) | Self::Corrected(record) | Self::Same(record) | Self::Moved { record, .. } => {
                Some(record)
            }
            _ => None,
        }
    }
}

/// How many runs become what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanCounts {
    pub runs: u64,
    pub new: u64,
    pub corrected: u64,
    pub moved: u64,
    /// Of those that are refused, as many had a record.
    pub withdrawn: u64,
    pub unchanged: u64,
    /// By reason code.
    pub refused: BTreeMap<String, u64>,
    /// Not finished, by status.
    pub left_out: BTreeMap<RunStatus, u64>,
}

impl PlanCounts {
    pub fn add(&mut self, step: &PlannedStep) {
        self.runs += 1;
        match step.kind() {
            StepKind::New => self.new += 1,
            StepKind::Corrected => self.corrected += 1,
            StepKind::Moved => self.moved += 1,
            StepKind::Withdrawn => self.withdrawn += 1,
            StepKind::Unchanged => self.unchanged += 1,
            StepKind::Refused | StepKind::LeftOut => {}
        }
        if let Some((code, _)) = step.refusal() {
            *self.refused.entry(code.to_owned()).or_default() += 1;
        }
        if let PlannedStep::LeftOut(status) = step {
            *self.left_out.entry(*status).or_default() += 1;
        }
    }

    #[must_use]
    pub fn refused_total(&self) -> u64 {
        self.refused.values().sum()
    }

    #[must_use]
    pub fn left_out_total(&self) -> u64 {
        self.left_out.values().sum()
    }

    /// Of one kind; of refused runs those that had no record.
    #[must_use]
    pub fn of(&self, kind: StepKind) -> u64 {
        match kind {
            StepKind::New => self.new,
            StepKind::Corrected => self.corrected,
            StepKind::Moved => self.moved,
            StepKind::Withdrawn => self.withdrawn,
            StepKind::Refused => self.refused_total() - self.withdrawn,
            StepKind::LeftOut => self.left_out_total(),
            StepKind::Unchanged => self.unchanged,
        }
    }

    pub fn refused_by_code(&self) -> RefusedCounts {
        self.refused.clone()
    }
}

/// What an import would do.
#[derive(Debug, Clone)]
pub struct ImportPlan {
    pub counts: PlanCounts,
    pub status: CopyStatus,
    /// By kind, some of the runs.
    pub examples: BTreeMap<StepKind, Vec<PlannedRun>>,
    /// Rules that lead nowhere in any of the runs: what was misspelled, or what nobody logs.
    pub unfound: Vec<UnfoundRule>,
}

/// A run of a plan.
#[derive(Debug, Clone)]
pub struct PlannedRun {
    pub run: Arc<Run>,
    pub experiment: Arc<Experiment>,
    pub step: PlannedStep,
}

impl ImportPlan {
    pub fn note(&mut self, candidate: &Candidate, step: PlannedStep, examples: usize) {
        self.counts.add(&step);
        let kept = self.examples.entry(step.kind()).or_default();
        if kept.len() < examples {
            kept.push(PlannedRun { run: candidate.run.clone(), experiment: candidate.experiment.clone(), step });
        }
    }
}

/// Makes records of runs, and compares them with what is remembered.
pub struct Planner<'m> {
    mapping: &'m RunMapping,
    /// Fingerprint of what a record is made by.
    rules: u64,
    now: Millis,
    spelling: NameNormalizer,
    /// The runs are a copy that may be older than what somebody else has imported.
    is_copy: bool,
}

/// A copy that shows an earlier state of a run than was imported is behind for no longer than this; then the run was changed back.
const BEHIND_MS: i64 = 15 * 60_000;

impl<'m> Planner<'m> {
    pub fn new(mapping: &'m RunMapping, now: Millis, spelling: NameNormalizer, is_copy: bool) -> Self {
        let mut rules = DefaultHasher::new();
        (FORMAT, &mapping.record).hash(&mut rules);
        Self { mapping, rules: rules.finish(), now, spelling, is_copy }
    }

    pub fn step(&self, candidate: &Candidate, known: Option<&ItemState>) -> PlannedStep {
        if candidate.run.status != RunStatus::Finished {
            return PlannedStep::LeftOut(candidate.run.status);
        }
        let made = made_names(candidate, known);
        if known.is_some_and(|known| self.is_behind(candidate, made.as_ref(), known)) {
            return PlannedStep::Unchanged;
        }
        if let Some(known) = known.filter(|known| known.seen == self.seen(candidate, made.as_ref())) {
            match &known.refused {
                // Of a moment that lies ahead of the clock time alone decides.
                Some(why) if why.code != "future" => return PlannedStep::RefusedStill(why.clone()),
                Some(_) => {}
                None => return PlannedStep::Unchanged,
            }
        }
        let before = known.and_then(|known| known.record.as_ref());
        match (self.record(candidate, made.as_ref()), before) {
            (Ok(record), None) => PlannedStep::New(record),
            (Ok(record), Some(before)) if record.identity() != before.identity => {
                PlannedStep::Moved { record, from: before.identity.clone() }
            }
            (Ok(record), Some(before)) if content(&record) == before.content => PlannedStep::Same(record),
            (Ok(record), Some(_)) => PlannedStep::Corrected(record),
            (Err(why), None) => PlannedStep::Refused(why),
            (Err(why), Some(before)) => PlannedStep::Withdrawn { why, from: before.identity.clone() },
        }
    }

    /// Whether the copy still shows what the run was before somebody else imported it: the command reads MLflow anew, a server's copy
    /// of old runs follows within a sweep.
    fn is_behind(&self, candidate: &Candidate, made: Option<&(String, String)>, known: &ItemState) -> bool {
        // Of most runs there is no earlier state: theirs are not worked out twice.
        if !self.is_copy || known.earlier.is_empty() || self.now.0 - known.since >= BEHIND_MS {
            return false;
        }
        let run = run_fingerprint(candidate, made);
        known.run != run && known.earlier.contains(&run)
    }

    /// What is to be remembered of a step beside what was known; `None` where that stays.
    pub fn state(&self, candidate: &Candidate, step: &PlannedStep, known: Option<&ItemState>) -> Option<ItemState> {
        let record = step.record().map(|r| WrittenRecord { identity: r.identity(), content: content(r) });
        let refused =
            step.refusal().map(|(code, message)| WrittenRefusal { code: code.to_owned(), message: message.to_owned() });
        // The names that were taken over from what was known are in the record.
        let before = record.clone().map(|record| ItemState { record: Some(record), ..ItemState::default() });
        let made = made_names(candidate, before.as_ref());
        step.changes_something().then(|| {
            let run = run_fingerprint(candidate, made.as_ref());
            let since = known.filter(|known| known.run == run).map_or(self.now.0, |known| known.since);
            let earlier = ItemState::earlier_than(&run, known);
            ItemState { seen: self.seen(candidate, made.as_ref()), run, earlier, since, record, refused }
        })
    }

    fn record(&self, candidate: &Candidate, made: Option<&(String, String)>) -> Result<Record, Refusal> {
        let Candidate { run, experiment, .. } = candidate;
        let made = made.map(|(model, version)| (model.as_str(), version.as_str()));
        let document = RunDocument(RunParts { run, experiment, made });
        self.mapping.record.record_of_run(&document, self.now, self.spelling)
    }

    /// Fingerprint of all that a record is made of.
    fn seen(&self, candidate: &Candidate, made: Option<&(String, String)>) -> String {
        let mut hash = DefaultHasher::new();
        (self.rules, run_fingerprint(candidate, made)).hash(&mut hash);
        format!("{:016x}", hash.finish())
    }
}

/// Fingerprint of a run and of what it made.
fn run_fingerprint(candidate: &Candidate, made: Option<&(String, String)>) -> String {
    let Candidate { run, experiment, .. } = candidate;
    let mut hash = DefaultHasher::new();
    (made, run.end, run.start, run.status.as_str()).hash(&mut hash);
    (&*run.name, &*run.user, &*run.artifact_uri, &run.params, &run.tags).hash(&mut hash);
    (&*experiment.name, &experiment.tags, run.metrics.len()).hash(&mut hash);
    run.metrics.iter().for_each(|m| (&*m.key, m.value.to_bits()).hash(&mut hash));
    run.datasets.iter().for_each(|d| (&*d.name, &*d.digest, &*d.context, &*d.source).hash(&mut hash));
    format!("{:016x}", hash.finish())
}

/// The registered model and version that a run made. What was copied of it is forgotten now and then: what its record says stays until
/// something else is known.
fn made_names(candidate: &Candidate, known: Option<&ItemState>) -> Option<(String, String)> {
    match &candidate.made {
        // A run that made several names none of them.
        Some(made) => match made.versions.as_slice() {
            [one] => Some((one.model.to_string(), one.version.to_string())),
            _ => None,
        },
        None => {
            let identity = &known?.record.as_ref()?.identity;
            let name = |field| identity.field(field).map(ToString::to_string);
            name("registered_model").zip(name("registered_version"))
        }
    }
}

/// Fingerprint of what a record says beside its identity.
fn content(record: &Record) -> String {
    let mut text = String::new();
    for name in record.texts() {
        let _ = writeln!(text, "{:?}", name.as_ref().map(ToString::to_string));
    }
    for value in record.built_in() {
        let _ = writeln!(text, "{:?}", value.map(f64::to_bits));
    }
    for (name, value) in record.custom() {
        let _ = writeln!(text, "{name:?} {}", value.to_bits());
    }
    let samples = record.samples().map(f64::to_bits);
    let _ = write!(text, "{samples:?} {} {:?}", record.simulated(), record.extra());
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
