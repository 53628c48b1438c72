//! Whether the original answers: a cheap question every second, and a breaker that keeps all other questions back while it does not.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use super::pace::with_jitter;

/// How long after the last answer it is asked again. With [`PROBE_DEADLINE`] an original that is killed or frozen is known after
/// 2.5 s at most.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(1_000);
/// How long the cheap question may take.
pub const PROBE_DEADLINE: Duration = Duration::from_millis(1_500);
/// How long a late answer to it is waited for: an original that is slow, and not away, is copied too.
pub const LATE_ANSWER: Duration = Duration::from_secs(6);
/// So many probes in a row fail before the breaker opens.
const FAILURES_TO_OPEN: u32 = 2;
/// The longest time between two probes while the breaker is open.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What is known of the original.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Nothing was asked yet.
    Unknown,
    /// It answers; everything may be asked.
    Closed,
    /// It does not; only one probe at a time is sent.
    Open,
}

#[derive(Debug)]
struct Probes {
    failures: u32,
    /// When the original answered last.
    answered: Option<Instant>,
    /// How long the last answer to a probe took.
    took: Duration,
}

/// The breaker with the failures behind it.
#[derive(Debug)]
pub struct Health {
    probes: Mutex<Probes>,
    breaker: watch::Sender<Breaker>,
}

impl Health {
    pub fn new() -> Self {
        let probes = Mutex::new(Probes { failures: 0, answered: None, took: Duration::ZERO });
        Self { probes, breaker: watch::Sender::new(Breaker::Unknown) }
    }

    pub fn is_open(&self) -> bool {
        *self.breaker.borrow() == Breaker::Open
    }

    /// Waits until the original answers; returns at once while it does.
    pub async fn wait_until_closed(&self) {
        // The sender is `self`: it outlives the wait.
        let _ = self.breaker.subscribe().wait_for(|b| *b == Breaker::Closed).await;
    }

    /// Waits while the original is known not to answer.
    pub async fn wait_until_not_open(&self) {
        let _ = self.breaker.subscribe().wait_for(|b| *b != Breaker::Open).await;
    }

    /// Waits until the breaker opens.
    pub async fn wait_until_open(&self) {
        let _ = self.breaker.subscribe().wait_for(|b| *b == Breaker::Open).await;
    }

    /// A probe was answered after so long: there is no need for another one for a while.
    pub fn answered(&self, took: Duration) {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        *probes = Probes { failures: 0, answered: Some(Instant::now()), took };
        self.set(Breaker::Closed);
    }

    /// How long a probe may take before the original is said to be away: one that is known to be slow gets twice its time.
    pub fn patience(&self) -> Duration {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        (probes.took * 2).clamp(PROBE_DEADLINE, LATE_ANSWER)
    }

    /// How long it takes to answer a small question, where that is long.
    pub fn slow(&self) -> Option<Duration> {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        Some(probes.took).filter(|took| *took >= PROBE_DEADLINE)
    }

    /// A question other than a probe was answered. This closes no breaker that is open: that is up to a probe.
    pub fn answered_copying(&self) {
        if *self.breaker.borrow() == Breaker::Closed {
            let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
            probes.answered = Some(Instant::now());
        }
    }

    /// A probe failed. Returns how long to wait before the next one.
    pub fn probe_failed(&self) -> Duration {
        let mut probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.failures = probes.failures.saturating_add(1);
        probes.answered = None;
        if probes.failures >= FAILURES_TO_OPEN {
            self.set(Breaker::Open);
        }
        let pause = PROBE_INTERVAL.saturating_mul(2_u32.saturating_pow(probes.failures.saturating_sub(1)));
        with_jitter(pause.min(LONGEST_PAUSE))
    }

    /// How long until the next probe is due; zero when it is.
    pub fn until_probe(&self) -> Duration {
        let probes = self.probes.lock().unwrap_or_else(PoisonError::into_inner);
        probes.answered.map_or(Duration::ZERO, |at| PROBE_INTERVAL.saturating_sub(at.elapsed()))
    }

    fn set(&self, breaker: Breaker) {
        self.breaker.send_if_modified(|now| std::mem::replace(now, breaker) != breaker);
    }
}
