//! Records on their way in, and the simulated fleet.

use std::sync::Arc;

use domain::{
    Result,
    access::{Action, Actor, Object, authorize},
    ports::{Appended, Arrival, Batch, DEMO, Notes, RecordSink, RefusedCounts, SourceId},
    time::Millis,
};

/// Taking records, by whoever may: of every customer, since a record says itself whose it is.
#[derive(Clone)]
pub struct Taking {
    actor: Actor,
    sink: Arc<dyn RecordSink>,
}

impl Taking {
    /// For the operator; see [`Taking::seen_by`].
    #[must_use]
    pub fn new(sink: Arc<dyn RecordSink>) -> Self {
        Self { actor: Actor::Operator, sink }
    }

    /// The same for somebody else, who may do less.
    #[must_use]
    pub fn seen_by(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// Whether records may be taken at all.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not send any.
    pub fn allow(&self) -> Result<()> {
        authorize(&self.actor, Action::WriteRecords, Object::Installation)
    }

    /// Takes several batches, all of them or none. The counts are each batch's own, in the order given.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not send any; `Unavailable`, naming what cannot be written.
    pub async fn batches(&self, batches: Vec<Batch>) -> Result<Vec<Appended>> {
        self.allow()?;
        self.sink.append_all(batches).await
    }

    /// Takes what a source brings.
    ///
    /// # Errors
    /// As [`Taking::batches`].
    pub async fn records(&self, source: &SourceId, records: Vec<Arrival>, refused: &RefusedCounts) -> Result<Appended> {
        self.allow()?;
        self.sink.append(source, records, refused).await
    }

    /// Puts what was taken in order, in steps that keep nobody waiting.
    ///
    /// # Errors
    /// As [`Taking::batches`].
    pub async fn tidy(&self) -> Result<()> {
        self.allow()?;
        self.sink.tidy().await
    }
}

/// What is noted: when the demo began, down to which moment its past is filled, up to which moment it has grown.
const EPOCH: &str = "demo_epoch";
const FILLED_FROM: &str = "demo_filled_from";
const GROWN_TO: &str = "demo_grown_to";

/// The simulated fleet: its records, and how far they reach.
#[derive(Clone)]
pub struct Simulated {
    taking: Taking,
    notes: Arc<dyn Notes>,
}

impl Simulated {
    #[must_use]
    pub fn new(taking: Taking, notes: Arc<dyn Notes>) -> Self {
        Self { taking, notes }
    }

    /// When it began; `None` when there is none.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be read.
    pub async fn epoch(&self) -> Result<Option<Millis>> {
        self.moment(EPOCH).await
    }

    /// Begins it.
    ///
    /// # Errors
    /// As [`Simulated::fill`].
    pub async fn begin(&self, now: Millis) -> Result<()> {
        self.note(EPOCH, Some(now)).await
    }

    /// Down to which moment its past is in.
    ///
    /// # Errors
    /// As [`Simulated::epoch`].
    pub async fn filled_from(&self) -> Result<Option<Millis>> {
        self.moment(FILLED_FROM).await
    }

    /// Notes down to which moment its past is in.
    ///
    /// # Errors
    /// `Forbidden` for whoever may not send records; `Unavailable` when it cannot be written.
    pub async fn fill(&self, from: Millis) -> Result<()> {
        self.note(FILLED_FROM, Some(from)).await
    }

    /// Up to which moment it has grown.
    ///
    /// # Errors
    /// As [`Simulated::epoch`].
    pub async fn grown_to(&self) -> Result<Option<Millis>> {
        self.moment(GROWN_TO).await
    }

    /// Notes up to which moment it has grown.
    ///
    /// # Errors
    /// As [`Simulated::fill`].
    pub async fn grow(&self, to: Millis) -> Result<()> {
        self.note(GROWN_TO, Some(to)).await
    }

    /// Takes some of its records.
    ///
    /// # Errors
    /// As [`Taking::batches`].
    pub async fn take(&self, records: Vec<Arrival>) -> Result<Appended> {
        let source = SourceId { kind: "demo".into(), name: DEMO.into() };
        self.taking.records(&source, records, &RefusedCounts::new()).await
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`Simulated::fill`].
    pub async fn end(&self) -> Result<()> {
        for key in [EPOCH, FILLED_FROM, GROWN_TO] {
            self.note(key, None).await?;
        }
        Ok(())
    }

    /// Deletes all simulated records. Returns how many.
    ///
    /// # Errors
    /// As [`Taking::batches`].
    pub async fn delete(&self) -> Result<u64> {
        self.taking.allow()?;
        self.taking.sink.remove_simulated().await
    }

    /// Puts what was taken in order.
    ///
    /// # Errors
    /// As [`Taking::batches`].
    pub async fn tidy(&self) -> Result<()> {
        self.taking.tidy().await
    }

    async fn moment(&self, key: &str) -> Result<Option<Millis>> {
        Ok(self.notes.note(key).await?.and_then(|t| t.parse().ok()).map(Millis))
    }

    async fn note(&self, key: &str, moment: Option<Millis>) -> Result<()> {
        self.taking.allow()?;
        self.notes.set_note(key, moment.map(|m| m.0.to_string()).as_deref()).await
    }
}
