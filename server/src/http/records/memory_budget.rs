//! The memory budget of arriving records. Memory is reserved before it is used, given out in the order of asking, and given
//! back when what it was for is in the lake.

use std::sync::Arc;

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

/// A budget, in kilobytes.
#[derive(Debug, Clone)]
pub struct MemoryBudget {
    free: Arc<Semaphore>,
    all: usize,
}

/// A part of a budget; back in it when dropped.
#[derive(Debug)]
pub struct MemoryReservation {
    permit: OwnedSemaphorePermit,
    room: MemoryBudget,
}

/// Why a part does not grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverBudget {
    /// Others have it; they will give it back.
    Now,
    /// There is not so much at all.
    Ever,
}

fn kilobytes(bytes: usize) -> usize {
    bytes.div_ceil(1_024).max(1)
}

impl MemoryBudget {
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let all = kilobytes(bytes).min(u32::MAX as usize);
        Self { free: Arc::new(Semaphore::new(all)), all }
    }

    /// Kilobytes that nobody has.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// So many bytes, waited for until then; `None` when there were none. A request for more than there is gets all of it, and
    /// so has to wait until nobody else has any: a guess that is too high keeps nobody out for ever.
    pub async fn wait(&self, bytes: usize, until: Instant) -> Option<MemoryReservation> {
        let wanted = kilobytes(bytes).min(self.all) as u32;
        let permit = timeout_at(until, Arc::clone(&self.free).acquire_many_owned(wanted)).await.ok()?.ok()?;
        Some(MemoryReservation { permit, room: self.clone() })
    }
}

impl MemoryReservation {
    /// Gives back what is beyond so many bytes.
    pub fn shrink(&mut self, bytes: usize) {
        let spare = self.permit.num_permits().saturating_sub(kilobytes(bytes));
        drop(self.permit.split(spare));
    }

    /// Makes it at least so many bytes, without waiting: who has some and waits for more may wait for one who does the same.
    ///
    /// # Errors
    /// When there is not enough memory.
    pub fn grow(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let wanted = kilobytes(bytes);
        if wanted > self.room.all {
            return Err(OverBudget::Ever);
        }
        let missing = wanted.saturating_sub(self.permit.num_permits());
        if missing > 0 {
            let more = Arc::clone(&self.room.free).try_acquire_many_owned(missing as u32);
            self.permit.merge(more.map_err(|_| OverBudget::Now)?);
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that cannot go on says why and stops")]
mod tests {
    use std::time::Duration;

    use futures::poll;

    use super::*;

    const KB: usize = 1_024;

    fn soon() -> Instant {
        Instant::now() + Duration::from_millis(20)
    }

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(600)
    }

    #[tokio::test]
    async fn what_is_held_is_missing_until_it_is_given_back() {
        let room = MemoryBudget::new(10 * KB);
        let mut reservation = room.wait(4 * KB + 1, later()).await.unwrap();
        assert_eq!(room.free(), 5, "a part of a kilobyte counts as a whole one");
        reservation.shrink(2 * KB);
        assert_eq!(room.free(), 8);
        reservation.shrink(9 * KB);
        assert_eq!(room.free(), 8, "shrinking takes nothing");
        reservation.grow(2 * KB).unwrap();
        reservation.grow(6 * KB).unwrap();
        assert_eq!(room.free(), 4);
        drop(reservation);
        assert_eq!(room.free(), 10);
        drop(room.wait(0, later()).await.unwrap());
        assert_eq!(room.free(), 10);
    }

    #[tokio::test]
    async fn who_wants_more_than_there_is_gets_all_of_it_when_nobody_has_any() {
        let room = MemoryBudget::new(10 * KB);
        let other = room.wait(KB, later()).await.unwrap();
        assert!(room.wait(99 * KB, soon()).await.is_none(), "somebody has some");
        assert_eq!(room.free(), 9, "who gave up holds nothing");
        drop(other);
        let mut all = room.wait(99 * KB, later()).await.unwrap();
        assert_eq!(room.free(), 0);
        assert_eq!(all.grow(11 * KB), Err(OverBudget::Ever));
    }

    #[tokio::test]
    async fn growing_never_waits_and_room_is_given_in_the_order_of_asking() {
        let room = MemoryBudget::new(10 * KB);
        let (mut first, second) =
            (room.wait(4 * KB, later()).await.unwrap(), room.wait(5 * KB, later()).await.unwrap());
        assert_eq!(first.grow(6 * KB), Err(OverBudget::Now));
        assert_eq!(room.free(), 1, "what was held before is held still");
        let (mut large, mut small) = (Box::pin(room.wait(6 * KB, later())), Box::pin(room.wait(KB, later())));
        assert!(
            poll!(&mut large).is_pending() && poll!(&mut small).is_pending(),
            "a small one does not pass a large one"
        );
        drop(second);
        let large = large.await.unwrap();
        assert!(poll!(&mut small).is_pending());
        drop(large);
        small.await.unwrap();
    }
}
