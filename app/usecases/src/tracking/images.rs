//! The images of runs, and their sizes.

use std::{sync::Arc, time::Duration};

use domain::{
    Error, Result,
    tracking::{ArtifactPath, ByteRange, Run, image_size},
};
use futures::StreamExt;

use super::{RunImages, Tracking};
use crate::sentences;

/// MLflow's client sets it on runs with logged images.
const LOGGED_IMAGES: &str = "mlflow.loggedImages";
/// How long the lists of several runs are waited for; of so many at once.
const DEADLINE_OF_ALL: Duration = Duration::from_secs(12);
const AT_ONCE: usize = 4;
/// Enough of a file to hold the size of its image.
const HEAD: u64 = 64 * 1024;
const HEAD_DEADLINE: Duration = Duration::from_secs(3);

impl Tracking {
    /// The images of a run. Waits for the original, unless it was asked a short while ago.
    ///
    /// # Errors
    /// As [`Tracking::artifacts`].
    pub async fn images(&self, run: &Run) -> Result<Arc<RunImages>> {
        let catalog = self.catalog()?.clone();
        self.shared.images.of(catalog, run).await
    }

    /// The images of several runs, each as [`Tracking::images`] gives them, within one deadline for all.
    pub async fn images_of(&self, runs: &[Arc<Run>]) -> Vec<Result<Arc<RunImages>>> {
        let until = tokio::time::Instant::now() + DEADLINE_OF_ALL;
        let late = |_| Err(Error::unavailable(sentences::files_not_listed(DEADLINE_OF_ALL.as_secs())));
        let ask =
            |run: Arc<Run>| async move { tokio::time::timeout_at(until, self.images(&run)).await.unwrap_or_else(late) };
        futures::stream::iter(runs.to_vec()).map(ask).buffered(AT_ONCE).collect().await
    }

    /// The sizes of images, each as [`Tracking::image_size`] gives it.
    pub async fn image_sizes(&self, images: Vec<(Arc<Run>, ArtifactPath)>) -> Vec<Option<(u32, u32)>> {
        let ask = |(run, path): (Arc<Run>, ArtifactPath)| async move { self.image_size(&run, &path).await };
        futures::stream::iter(images).map(ask).buffered(AT_ONCE).collect().await
    }

    /// Whether a run has images, as far as that is known without asking.
    #[must_use]
    pub fn has_images(&self, run: &Run) -> Option<bool> {
        if run.tag(LOGGED_IMAGES).is_some_and(|v| v.eq_ignore_ascii_case("true")) {
            return Some(true);
        }
        self.shared.images.known(run).map(|images| !images.series.is_empty())
    }

    /// Width and height of an image, where the beginning of its file says it in time.
    pub async fn image_size(&self, run: &Run, file: &ArtifactPath) -> Option<(u32, u32)> {
        let read = async {
            let body = self.artifact(run.id.as_str(), file, Some(ByteRange::From(0, Some(HEAD - 1)))).await.ok()?;
            let (mut head, mut bytes) = (vec![], body.bytes);
            while head.len() < HEAD as usize {
                let Some(Ok(piece)) = bytes.next().await else { break };
                head.extend_from_slice(&piece);
            }
            image_size(&head)
        };
        tokio::time::timeout(HEAD_DEADLINE, read).await.ok().flatten()
    }
}
