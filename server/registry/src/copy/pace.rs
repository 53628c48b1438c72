//! How long to wait before the next try.

use std::time::Duration;

/// A duration that is up to a fifth shorter, by chance: so that several servers do not ask at the same moments.
pub fn with_jitter(time: Duration) -> Duration {
    // Without random numbers there is no jitter, which does no harm.
    let chance = getrandom::u32().unwrap_or(0);
    time.mul_f64(1.0 - f64::from(chance) / f64::from(u32::MAX) / 5.0)
}

/// Exponential back-off: 2 s, 4 s, 8 s … up to `most`, each with jitter.
#[derive(Debug)]
pub struct Backoff {
    failures: u32,
    most: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_secs(2);

    pub const fn up_to(most: Duration) -> Self {
        Self { failures: 0, most }
    }

    pub fn worked(&mut self) {
        self.failures = 0;
    }

    /// The pause after one more failure.
    pub fn failed(&mut self) -> Duration {
        let pause = Self::FIRST.saturating_mul(2_u32.saturating_pow(self.failures)).min(self.most);
        self.failures = self.failures.saturating_add(1);
        with_jitter(pause)
    }

    pub fn is_failing(&self) -> bool {
        self.failures > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_most_and_begin_again_when_it_worked() {
        let mut backoff = Backoff::up_to(Duration::from_secs(30));
        for expected in [2.0, 4.0, 8.0, 16.0, 30.0, 30.0] {
            let pause = backoff.failed().as_secs_f64();
            assert!((expected * 0.8..=expected).contains(&pause), "{pause} s instead of {expected} s");
        }
        backoff.worked();
        assert!(!backoff.is_failing() && backoff.failed() <= Backoff::FIRST);
    }
}
