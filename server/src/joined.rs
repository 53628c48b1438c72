//! Questions that are asked at the same time are answered once: when records come, every open page asks what all the others
//! ask. Nothing is kept: an answer lives until the last of those who wait for it has it.

use std::{
    collections::HashMap,
    fmt::Debug,
    path::Path,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use async_trait::async_trait;
use domain::{
    Result,
    ports::{FailedFile, MetricsStore},
    query::{
        Comparison, ComparisonQuery, Directory, FieldReport, Records, RecordsQuery, Summary, SummaryQuery, Trend,
        TrendQuery,
    },
    scope::Scope,
    time::{Day, TimeRange},
};
use tokio::sync::OnceCell;

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

    /// Who joins must not get an answer that is older than his question.
    async fn key(&self, query: &(impl Debug + Sync)) -> String {
        format!("{} {query:?}", self.inner.generation().await)
    }
}

struct UnderWay<T>(Mutex<HashMap<String, Weak<OnceCell<Result<T>>>>>);

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> UnderWay<T> {
    /// The answer of whoever asked first. When he gives up, the next in line asks.
    async fn join(&self, key: String, ask: impl Future<Output = Result<T>>) -> Result<T> {
        let cell = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, cell| cell.strong_count() > 0);
            let known = all.get(&key).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let cell = Arc::default();
                all.insert(key, Arc::downgrade(&cell));
                cell
            })
        };
        cell.get_or_init(|| ask).await.clone()
    }
}

#[async_trait]
impl MetricsStore for Joined {
    async fn summary(&self, query: &SummaryQuery) -> Result<Summary> {
        self.summaries.join(self.key(query).await, self.inner.summary(query)).await
    }
    async fn trend(&self, query: &TrendQuery) -> Result<Trend> {
        self.trends.join(self.key(query).await, self.inner.trend(query)).await
    }
    async fn comparison(&self, query: &ComparisonQuery) -> Result<Comparison> {
        self.comparisons.join(self.key(query).await, self.inner.comparison(query)).await
    }
    async fn field_report(&self, query: &ComparisonQuery) -> Result<FieldReport> {
        self.reports.join(self.key(query).await, self.inner.field_report(query)).await
    }
    async fn records(&self, query: &RecordsQuery) -> Result<Records> {
        self.records.join(self.key(query).await, self.inner.records(query)).await
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use domain::Error;
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn who_asks_meanwhile_shares_the_answer_and_who_asks_later_does_not() {
        let (all, asked, go) = (UnderWay::default(), AtomicUsize::new(0), Notify::new());
        let ask = async || {
            go.notified().await;
            Ok(asked.fetch_add(1, Ordering::Relaxed))
        };
        let three = futures::future::join_all((0..3).map(|_| all.join("q".into(), ask())));
        let other = all.join("another".into(), async { Err(Error::bad_input("no")) });
        let (three, other, ()) = futures::future::join3(three, other, async { go.notify_one() }).await;
        assert_eq!(three, [Ok(0), Ok(0), Ok(0)]);
        assert_eq!(other, Err(Error::bad_input("no")));
        go.notify_one();
        assert_eq!(all.join("q".into(), ask()).await, Ok(1), "nothing is kept");
    }

    #[tokio::test]
    async fn when_the_first_gives_up_the_next_asks() {
        let all = UnderWay::default();
        let first = all.join("q".into(), std::future::pending::<Result<u8>>());
        let second = all.join("q".into(), async { Ok(2) });
        let mut first = Box::pin(first);
        assert!(futures::poll!(&mut first).is_pending());
        let mut second = Box::pin(second);
        assert!(futures::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await, Ok(2));
    }
}
