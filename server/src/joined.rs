//! Questions that are asked at the same time are answered once: when records come, every open page asks what all the others
//! ask. Nothing is kept: an answer lives until the last of those who wait for it has it.

use std::{
    collections::HashMap,
    fmt::Debug,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use domain::{
    Error, Result,
    ports::{FailedFile, MetricsStore},
    query::{
        Comparison, ComparisonQuery, Directory, FieldReport, Records, RecordsQuery, Summary, SummaryQuery, Trend,
        TrendQuery,
    },
    scope::Scope,
    time::{Day, TimeRange},
};
use futures::future::{BoxFuture, FutureExt, WeakShared};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// A store whose equal questions share an answer while it is worked out.
pub struct Joined {
    inner: Arc<dyn MetricsStore>,
    summaries: UnderWay<Summary>,
    trends: UnderWay<Trend>,
    comparisons: UnderWay<Comparison>,
    reports: UnderWay<FieldReport>,
    records: UnderWay<Records>,
}

impl Joined {
    #[must_use]
    pub fn new(inner: Arc<dyn MetricsStore>) -> Self {
        Self {
            inner,
            summaries: UnderWay::default(),
            trends: UnderWay::default(),
            comparisons: UnderWay::default(),
            reports: UnderWay::default(),
            records: UnderWay::default(),
        }
    }

    /// The answer to a question, worked out by `ask` unless somebody asked it already. Who joins must not get an answer
    /// that is older than his question: the generation is part of it, and so is what was written down about places and metrics.
    async fn join<Q, T, F>(
        &self,
        all: &UnderWay<T>,
        query: &Q,
        ask: impl FnOnce(Arc<dyn MetricsStore>, Q) -> F,
    ) -> Result<T>
    where
        Q: Debug + Clone + Sync,
        T: Clone + Send + Sync + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let (records, declared) = (self.inner.generation().await, self.inner.directory().await.declared.revision());
        let key = format!("{records} {declared} {query:?}");
        all.join(key, ask(Arc::clone(&self.inner), query.clone())).await
    }
}

type Answer<T> = BoxFuture<'static, Result<T>>;

struct UnderWay<T>(Mutex<HashMap<String, WeakShared<Answer<T>>>>);

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone + Send + Sync + 'static> UnderWay<T> {
    /// The answer of whoever asked first. It is worked out as long as somebody waits for it, whoever that is.
    async fn join(&self, key: String, ask: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let answer = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, answer| answer.upgrade().is_some());
            all.get(&key).and_then(WeakShared::upgrade).unwrap_or_else(|| {
                let answer = async move {
                    let broke_off = |e| Err(Error::internal("a question broke off").with_detail(e));
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

#[async_trait]
impl MetricsStore for Joined {
    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.join(&self.summaries, query, |store, q| async move { store.summary(&q).await }).await
    }
    async fn trend(&self, query: &TrendQuery) -> Result<Trend> {
        self.join(&self.trends, query, |store, q| async move { store.trend(&q).await }).await
    }
    async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison> {
        self.join(&self.comparisons, query, |store, q| async move { store.comparison(&q).await }).await
    }
    async fn field_report(&self, query: &ComparisonQuery) -> Result<FieldReport> {
        self.join(&self.reports, query, |store, q| async move { store.field_report(&q).await }).await
    }
    async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.join(&self.records, query, |store, q| async move { store.records(&q).await }).await
    }
    async fn directory(&self) -> Arc<Directory> {
        self.inner.directory().await
    }
    async fn volume(&self) -> Vec<(Day, u64)> {
        self.inner.volume().await
    }
    async fn generation(&self) -> i64 {
        self.inner.generation().await
    }
    async fn failed_files(&self) -> Vec<FailedFile> {
        self.inner.failed_files().await
    }
    async fn export(&self, scope: &Scope, range: TimeRange, to: &Path) -> Result<u64> {
        self.inner.export(scope, range, to).await
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
    };

    use futures::{future::join3, poll};
    use tokio::{sync::Notify, task::yield_now};

    use super::*;

    #[tokio::test]
    async fn who_asks_meanwhile_shares_the_answer_and_who_asks_later_does_not() {
        let (all, asked, go) = (UnderWay::default(), Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (asked, go) = (Arc::clone(&asked), Arc::clone(&go));
            async move {
                go.notified().await;
                Ok(asked.fetch_add(1, Ordering::Relaxed))
            }
        };
        let three = futures::future::join_all((0..3).map(|_| all.join("q".into(), ask())));
        let other = all.join("another".into(), async { Err(Error::bad_input("no")) });
        let (three, other, ()) = join3(three, other, async { go.notify_one() }).await;
        assert_eq!(three, [Ok(0), Ok(0), Ok(0)]);
        assert_eq!(other, Err(Error::bad_input("no")));
        go.notify_one();
        assert_eq!(all.join("q".into(), ask()).await, Ok(1), "nothing is kept");
    }

    #[tokio::test]
    async fn when_the_first_gives_up_the_work_goes_on_for_the_next_and_ends_with_the_last() {
        let all = UnderWay::default();
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
