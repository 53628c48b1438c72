//! Records on their way in, and the simulated fleet.

use std::sync::Arc;

use domain::{
    Result,
    access::{Action, Actor, Object, authorize},
    ports::{AppendCounts, Batch, DEMO_SOURCE, KeyValueStore, ReceivedRecord, RecordSink, RefusedCounts, SourceId},
    time::Millis,
};

/// Taking records, for actors who may: of every customer, since a record says itself whose it is.
#[derive(Clone)]
pub struct Ingestion {
    actor: Actor,
    sink: Arc<dyn RecordSink>,
}

impl Ingestion {
    /// For the operator; see [`Ingestion::for_actor`].
    #[must_use]
    pub fn new(sink: Arc<dyn RecordSink>) -> Self {
        Self { actor: Actor::Operator, sink }
    }

    /// The same for another actor.
    #[must_use]
    pub fn for_actor(&self, actor: &Actor) -> Self {
        Self { actor: actor.clone(), ..self.clone() }
    }

    /// Whether records may be taken at all.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not send any.
    pub fn authorize(&self) -> Result<()> {
        authorize(&self.actor, Action::WriteRecords, Object::Installation)
    }

    /// Takes several batches, all of them or none. The counts are each batch's own, in the order given.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not send any; `Unavailable`, naming what cannot be written.
    pub async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<AppendCounts>> {
        self.authorize()?;
        self.sink.append_all(batches).await
    }

    /// Takes what a source brings.
    ///
    /// # Errors
    /// As [`Ingestion::append_all`].
    pub async fn append(
        &self,
        source: &SourceId,
        records: Vec<ReceivedRecord>,
        refused: &RefusedCounts,
    ) -> Result<AppendCounts> {
        self.authorize()?;
        self.sink.append(source, records, refused).await
    }

    /// Merges small files in bounded steps.
    ///
    /// # Errors
    /// As [`Ingestion::append_all`].
    pub async fn compact(&self) -> Result<()> {
        self.authorize()?;
        self.sink.compact().await
    }
}

/// What is noted: when the demo began, down to which moment its past is filled, up to which moment it has grown.
const EPOCH: &str = "demo_epoch";
const FILLED_FROM: &str = "demo_filled_from";
const GROWN_TO: &str = "demo_grown_to";

/// The simulated fleet: its records, and how far they reach.
#[derive(Clone)]
pub struct DemoData {
    ingestion: Ingestion,
    notes: Arc<dyn KeyValueStore>,
}

impl DemoData {
    #[must_use]
    pub fn new(ingestion: Ingestion, notes: Arc<dyn KeyValueStore>) -> Self {
        Self { ingestion, notes }
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
    /// As [`DemoData::set_filled_from`].
    pub async fn set_epoch(&self, now: Millis) -> Result<()> {
        self.note(EPOCH, Some(now)).await
    }

    /// Down to which moment its past is in.
    ///
    /// # Errors
    /// As [`DemoData::epoch`].
    pub async fn filled_from(&self) -> Result<Option<Millis>> {
        self.moment(FILLED_FROM).await
    }

    /// Notes down to which moment its past is in.
    ///
    /// # Errors
    /// `Forbidden` when the actor may not send records; `Unavailable` when it cannot be written.
    pub async fn set_filled_from(&self, from: Millis) -> Result<()> {
        self.note(FILLED_FROM, Some(from)).await
    }

    /// Up to which moment it has grown.
    ///
    /// # Errors
    /// As [`DemoData::epoch`].
    pub async fn grown_to(&self) -> Result<Option<Millis>> {
        self.moment(GROWN_TO).await
    }

    /// Notes up to which moment it has grown.
    ///
    /// # Errors
    /// As [`DemoData::set_filled_from`].
    pub async fn set_grown_to(&self, to: Millis) -> Result<()> {
        self.note(GROWN_TO, Some(to)).await
    }

    /// Takes some of its records.
    ///
    /// # Errors
    /// As [`Ingestion::append_all`].
    pub async fn append(&self, records: Vec<ReceivedRecord>) -> Result<AppendCounts> {
        let source = SourceId { kind: "demo".into(), name: DEMO_SOURCE.into() };
        self.ingestion.append(&source, records, &RefusedCounts::new()).await
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`DemoData::set_filled_from`].
    pub async fn clear(&self) -> Result<()> {
        for key in [EPOCH, FILLED_FROM, GROWN_TO] {
            self.note(key, None).await?;
        }
        Ok(())
    }

    /// Deletes all simulated records. Returns how many.
    ///
    /// # Errors
    /// As [`Ingestion::append_all`].
    pub async fn delete_records(&self) -> Result<u64> {
        self.ingestion.authorize()?;
        self.ingestion.sink.remove_simulated().await
    }

    /// Puts what was taken in order.
    ///
    /// # Errors
    /// As [`Ingestion::append_all`].
    pub async fn compact(&self) -> Result<()> {
        self.ingestion.compact().await
    }

    async fn moment(&self, key: &str) -> Result<Option<Millis>> {
        Ok(self.notes.note(key).await?.and_then(|t| t.parse().ok()).map(Millis))
    }

    async fn note(&self, key: &str, moment: Option<Millis>) -> Result<()> {
        self.ingestion.authorize()?;
        self.notes.set_value(key, moment.map(|m| m.0.to_string()).as_deref()).await
    }
}
