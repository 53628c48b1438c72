//! Images among the artifacts of runs: which there are, listed when somebody asks and remembered for a short while.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::{
    Error, ErrorKind, Result,
    ports::RunCatalog,
    tracking::{ArtifactPath, ByteRange, ImageKind, Run, RunId, image_series, image_size, thin_out},
};
use futures::StreamExt;

use super::{Tracking, image_lists::RunImages};
use crate::sentences;

/// MLflow's client sets it on runs with logged images.
const LOGGED_IMAGES: &str = "mlflow.loggedImages";
/// Folders below the root are looked into so deep.
const MOST_LEVELS: usize = 2;
/// So many folders of a run are listed.
const MOST_FOLDERS: usize = 100;
/// So many files of a run are looked at.
const MOST_FILES: usize = 100_000;
/// So many images of a run are kept.
const MOST_IMAGES: usize = 2_000;
/// What is not listed by then is left out.
const DEADLINE: Duration = Duration::from_secs(8);
/// The same for the images of several runs, of which so many are asked about at once.
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
        if let Some(known) = self.shared.images.known(run) {
            return Ok(known);
        }
        let id = run.id.clone();
        let look = async move { Ok(Arc::new(look(&*catalog, &id).await?)) };
        let images = self.shared.images.asked.join(run.id.to_string(), look).await?;
        if images.trouble.is_none() {
            self.shared.images.remember(&run.id, &images);
        }
        Ok(images)
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

/// Lists the folders of a run, those of a level before the ones below, and takes the images out of them.
async fn look(catalog: &dyn RunCatalog, run: &RunId) -> Result<RunImages> {
    let until = tokio::time::Instant::now() + DEADLINE;
    let (mut files, mut found) = (vec![], RunImages::default());
    let mut folders = VecDeque::from([(ArtifactPath::default(), 0)]);
    let mut listed = 0;
    while let Some((folder, level)) = folders.pop_front() {
        if listed > MOST_FOLDERS {
            found.is_partial = true;
            break;
        }
        let entries = match tokio::time::timeout_at(until, catalog.artifacts(run, &folder)).await {
            Ok(Ok(entries)) => entries,
            Ok(Err(e)) if level == 0 => return Err(e),
            // Gone since its parent was listed.
            Ok(Err(e)) if e.kind == ErrorKind::NotFound => continue,
            Ok(Err(e)) => {
                found.trouble = Some(e.message);
                found.is_partial = true;
                break;
            }
            Err(_) if level == 0 => return Err(Error::unavailable(sentences::files_not_listed(DEADLINE.as_secs()))),
            Err(_) => {
                found.is_partial = true;
                break;
            }
        };
        listed += 1;
        for entry in entries {
            if !entry.is_folder {
                let is_image = ImageKind::of(entry.path.file_name()).is_some();
                if is_image && files.len() < MOST_FILES {
                    files.push(entry);
                } else {
                    found.is_partial |= is_image;
                }
            } else if level < MOST_LEVELS {
                folders.push_back((entry.path, level + 1));
            } else {
                found.is_partial = true;
            }
        }
    }
    found.series = image_series(&files);
    found.left_out = thin_out(&mut found.series, MOST_IMAGES);
    Ok(found)
}
