//! Group commit: requests that wait at the same time share one commit. Each is answered with its own counts, after its rows
//! are durable; while one commit is under way the next gathers, so many small requests cost a few commits a second.

use domain::{
    Error, ErrorKind, Result,
    ports::{AppendCounts, Batch},
};
use tokio::sync::{mpsc, oneshot};
use usecases::Ingestion;

use super::sentences;

/// Requests that may wait; more are sent away at once.
const WAITING: usize = 1_024;
/// Rows that go to the lake in one commit; a request that is larger has a commit of its own.
const ROWS: usize = 50_000;

/// The way into the lake for programs. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GroupCommitter {
    send: mpsc::Sender<Waiting>,
}

struct Waiting {
    batch: Batch,
    answer: oneshot::Sender<Result<AppendCounts>>,
    /// What goes with the batch until it is in the lake or will not be.
    _keep: Box<dyn Send>,
}

/// Why a batch was not taken.
#[derive(Debug)]
pub enum GroupCommitError {
    /// Too many wait already.
    Full,
    Failed(Error),
}

impl GroupCommitter {
    /// Starts the task that writes.
    #[must_use]
    pub fn start(ingestion: Ingestion) -> Self {
        let (send, receive) = mpsc::channel(WAITING);
        tokio::spawn(write(ingestion, receive));
        Self { send }
    }

    /// Takes a batch as a whole or not at all. Returns when it is durable. `keep` is dropped when the batch is no longer in
    /// memory, whether somebody still waits or not.
    ///
    /// # Errors
    /// When too many wait, or what cannot be written.
    pub async fn submit(
        &self,
        batch: Batch,
        keep: impl Send + 'static,
    ) -> std::result::Result<AppendCounts, GroupCommitError> {
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting { batch, answer, _keep: Box::new(keep) };
        self.send.try_send(waiting).map_err(|_| GroupCommitError::Full)?;
        match answered.await {
            Ok(outcome) => outcome.map_err(GroupCommitError::Failed),
            Err(e) => Err(GroupCommitError::Failed(Error::internal(sentences::writer_broke_off()).with_detail(e))),
        }
    }
}

async fn write(ingestion: Ingestion, mut receive: mpsc::Receiver<Waiting>) {
    let mut next = None;
    loop {
        let Some(first) = (match next.take() {
            Some(first) => Some(first),
            None => receive.recv().await,
        }) else {
            return;
        };
        let mut rows = first.batch.records.len();
        let mut group = vec![first];
        while let Ok(more) = receive.try_recv() {
            rows += more.batch.records.len();
            if rows > ROWS {
                next = Some(more);
                break;
            }
            group.push(more);
        }
        commit(&ingestion, group).await;
    }
}

async fn commit(ingestion: &Ingestion, group: Vec<Waiting>) {
    // Their records are shared, not copied.
    let batches = group.iter().map(|w| w.batch.clone()).collect();
    match append(ingestion, batches).await {
        Ok(counts) => {
            for (waiting, appended) in group.into_iter().zip(counts) {
                // Whoever has gone away is told nothing; the rows are in.
                let _ = waiting.answer.send(Ok(appended));
            }
        }
        // One that we cannot handle must not take the others with it.
        Err(e) if e.kind == ErrorKind::Internal && group.len() > 1 => {
            for Waiting { batch, answer, _keep } in group {
                let outcome = append(ingestion, vec![batch]).await;
                let _ = answer.send(outcome.map(|counts| counts.first().copied().unwrap_or_default()));
            }
        }
        Err(e) => group.into_iter().for_each(|w| drop(w.answer.send(Err(e.clone())))),
    }
}

/// In a task of its own, so that a panic below is an error of these requests and not the end of the writer.
async fn append(ingestion: &Ingestion, batches: Vec<Batch>) -> Result<Vec<AppendCounts>> {
    let ingestion = ingestion.clone();
    tokio::spawn(async move { ingestion.append_all(batches).await })
        .await
        .unwrap_or_else(|e| Err(Error::internal(sentences::writing_broke_off()).with_detail(e)))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use domain::{
        error::Sentence,
        ports::{RecordSink, RefusedCounts, SourceId},
    };
    use tokio::sync::Semaphore;

    use super::*;

    /// A sink that commits only when it is let; remembers how many batches each commit had.
    #[derive(Default)]
    struct Gated {
        commits: Mutex<Vec<usize>>,
        /// Where the records of each batch were.
        seen: Mutex<Vec<usize>>,
        gate: Option<Semaphore>,
    }

    #[async_trait]
    impl RecordSink for Gated {
        async fn append_all(&self, batches: Vec<Batch>) -> Result<Vec<AppendCounts>> {
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            let poison = |b: &Batch| b.source.name == "poison";
            if batches.iter().any(poison) {
                return Err(Error::internal(Sentence::only_english("this cannot be written")));
            }
            self.commits.lock().unwrap().push(batches.len());
            self.seen.lock().unwrap().extend(batches.iter().map(|b| Arc::as_ptr(&b.records) as usize));
            let counts = |b: &Batch| AppendCounts { taken: b.refused.values().sum(), ..AppendCounts::default() };
            Ok(batches.iter().map(counts).collect())
        }
        async fn compact(&self) -> Result<()> {
            Ok(())
        }
        async fn remove_simulated(&self) -> Result<u64> {
            Ok(0)
        }
    }

    fn batch(name: &str, n: u64) -> Batch {
        let source = SourceId { kind: "api".into(), name: name.into() };
        Batch { source, refused: RefusedCounts::from([("x".into(), n)]), ..Batch::default() }
    }

    #[tokio::test]
    async fn those_that_wait_share_a_commit_and_each_hears_its_own_counts() {
        let sink = Arc::new(Gated { gate: Some(Semaphore::new(0)), ..Gated::default() });
        let group = GroupCommitter::start(Ingestion::new(sink.clone()));
        let asked: Vec<_> = (0..100)
            .map(|n| {
                let group = group.clone();
                tokio::spawn(async move { group.submit(batch("x", n), ()).await.unwrap().taken })
            })
            .collect();
        tokio::task::yield_now().await;
        sink.gate.as_ref().unwrap().add_permits(1_000);
        for (n, asked) in (0..).zip(asked) {
            assert_eq!(asked.await.unwrap(), n);
        }
        let commits = sink.commits.lock().unwrap().clone();
        assert_eq!(commits.iter().sum::<usize>(), 100);
        assert!(commits.len() < 10, "{commits:?}");
    }

    #[tokio::test]
    async fn more_than_may_wait_are_sent_away_and_the_others_are_taken() {
        let sink = Arc::new(Gated { gate: Some(Semaphore::new(0)), ..Gated::default() });
        let group = GroupCommitter::start(Ingestion::new(sink.clone()));
        let ask = |n| {
            let group = group.clone();
            tokio::spawn(async move { group.submit(batch("x", n), ()).await })
        };
        let asked: Vec<_> = (0..3 * WAITING as u64).map(ask).collect();
        // Everybody has asked before anybody is answered.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        sink.gate.as_ref().unwrap().add_permits(1_000);
        let (mut taken, mut full) = (0, 0);
        for outcome in asked {
            match outcome.await.unwrap() {
                Ok(_) => taken += 1,
                Err(GroupCommitError::Full) => full += 1,
                Err(GroupCommitError::Failed(e)) => panic!("{e}"),
            }
        }
        assert!(taken >= WAITING && full > 0, "{taken} taken, {full} sent away");
        assert_eq!(sink.commits.lock().unwrap().iter().sum::<usize>(), taken);
    }

    #[tokio::test]
    async fn a_commit_shares_the_records_with_whoever_may_have_to_try_again() {
        let sink = Arc::new(Gated::default());
        let group = GroupCommitter::start(Ingestion::new(sink.clone()));
        let shared = batch("x", 1);
        let records = Arc::clone(&shared.records);
        let kept = Arc::new(());
        group.submit(shared, Arc::clone(&kept)).await.unwrap();
        assert_eq!(*sink.seen.lock().unwrap(), [Arc::as_ptr(&records) as usize], "not a copy");
        while Arc::strong_count(&kept) > 1 || Arc::strong_count(&records) > 1 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn one_that_cannot_be_written_does_not_take_the_others_with_it() {
        let sink = Arc::new(Gated::default());
        let group = GroupCommitter::start(Ingestion::new(sink));
        let asked: Vec<_> = ["a", "poison", "b"].map(|n| (n, group.clone())).into_iter().collect();
        let outcomes = futures::future::join_all(
            asked
                .into_iter()
                .map(|(name, group)| async move { (name, group.submit(batch(name, 1), ()).await.is_ok()) }),
        );
        assert_eq!(outcomes.await, [("a", true), ("poison", false), ("b", true)]);
    }
}
