//! Queries that are asked at the same time are answered once: when records come, every open page asks what all the others
//! ask. Nothing is kept: an answer is dropped when the last waiter has it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use domain::{Error, Result};
use futures::future::{BoxFuture, FutureExt, WeakShared};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

type Answer<T> = BoxFuture<'static, Result<T>>;

/// Queries that are being answered, by what names them.
pub(crate) struct Coalescer<T>(Mutex<HashMap<String, WeakShared<Answer<T>>>>);

impl<T> Default for Coalescer<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> Coalescer<T> {
    /// The answer of the first caller's query. It runs as long as at least one caller waits for it.
    pub(crate) async fn join(&self, key: String, ask: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let answer = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, answer| answer.upgrade().is_some());
            all.get(&key).and_then(WeakShared::upgrade).unwrap_or_else(|| {
                let answer = async move {
                    let broke_off = |e| Err(Error::internal(crate::sentences::broke_off()).with_detail(e));
                    AbortOnDropHandle::new(tokio::spawn(ask.in_current_span())).await.unwrap_or_else(broke_off)
                };
                let answer = answer.boxed().shared();
                all.extend(answer.downgrade().map(|weak| (key, weak)));
                answer
            })
        };
        answer.await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use futures::{future::join3, poll};
    use tokio::{sync::Notify, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn who_asks_meanwhile_shares_the_answer_and_who_asks_later_does_not() {
        let (all, asked, go) = (Coalescer::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (asked, go) = (Arc::clone(&asked), Arc::clone(&go));
            async move {
                go.notified().await;
                Ok(asked.fetch_add(1, Ordering::Relaxed))
            }
        };
        let three = futures::future::join_all((0..3).map(|_| all.join("q".into(), ask())));
        let other =
            all.join("another".into(), async { Err(Error::bad_input(domain::error::Sentence::only_english("no"))) });
        let (three, other, ()) = join3(three, other, async { go.notify_one() }).await;
        assert_eq!(three, [Ok(0), Ok(0), Ok(0)]);
        assert_eq!(other, Err(Error::bad_input(domain::error::Sentence::only_english("no"))));
        go.notify_one();
        assert_eq!(all.join("q".into(), ask()).await, Ok(1), "nothing is kept");
    }

    #[tokio::test]
    async fn when_the_first_gives_up_the_work_goes_on_for_the_next_and_ends_with_the_last() {
        let all = Coalescer::default();
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let left = Arc::new(());
        let ask = {
            let (begun, go, left) = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&left));
            async move {
                begun.notify_one();
                go.notified().await;
                drop(left);
                Ok(1)
            }
        };
        let (mut first, mut second) =
            (Box::pin(all.join("q".into(), ask)), Box::pin(all.join("q".into(), async { Ok(2) })));
        assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
        begun.notified().await;
        drop(first);
        go.notify_one();
        assert_eq!(second.await, Ok(1));

        let kept = Arc::clone(&left);
        let mut alone = Box::pin(all.join("q".into(), async move {
            let _kept = kept;
            pending::<Result<u8>>().await
        }));
        assert!(poll!(&mut alone).is_pending());
        yield_now().await;
        drop(alone);
        while Arc::strong_count(&left) > 1 {
            yield_now().await;
        }
    }
}
