//! Which images runs have: listed when somebody asks, and remembered for a short while.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::{coalescer::Coalescer, sentences};
use domain::{
    Error, ErrorKind, Result,
    error::Sentence,
    ports::RunCatalog,
    tracking::{ArtifactPath, ImageKind, ImageSeries, Run, RunId, image_series, thin_out},
};

/// Folders below the root are looked into so deep.
const MOST_LEVELS: usize = 2;
/// So many folders of a run are listed.
const MOST_FOLDERS: usize = 100;
/// So many files of a run are looked at.
const MOST_FILES: usize = 100_000;
/// So many images of a run are kept.
const MOST_IMAGES: usize = 12_000;
/// What is not listed by then is left out.
const DEADLINE: Duration = Duration::from_secs(8);
/// A list is asked for again after this, sooner while its run runs.
const AGE: Duration = Duration::from_secs(60);
const AGE_RUNNING: Duration = Duration::from_secs(10);
/// So many images are remembered of all runs together.
const MOST_REMEMBERED: usize = 150_000;
/// The images of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunImages {
    /// By name.
    pub series: Vec<ImageSeries>,
    /// Images that were found and are not among them, because there are too many.
    pub left_out: usize,
    /// There are folders that were not looked into: too deep, too many, or too slow.
    pub is_partial: bool,
    /// Why a folder could not be listed.
    pub trouble: Option<Sentence>,
}

impl RunImages {
    #[must_use]
    pub fn series(&self, name: &str) -> Option<&ImageSeries> {
        self.series.iter().find(|s| s.name == name)
    }

    fn count(&self) -> usize {
        self.series.iter().map(|s| s.images.len()).sum()
    }
}

/// Lists that were asked for, and those that are being asked for.
#[derive(Default)]
pub(super) struct ImageLists {
    known: Mutex<HashMap<RunId, (Instant, Arc<RunImages>)>>,
    asked: Coalescer<Arc<RunImages>>,
}

impl ImageLists {
    pub(super) fn known(&self, run: &Run) -> Option<Arc<RunImages>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let age = if run.status.is_over() { AGE } else { AGE_RUNNING };
        known.get(&run.id).filter(|(at, _)| at.elapsed() < age).map(|(_, images)| images.clone())
    }

    /// The images of a run: those that are remembered, else what the original lists. Who asks meanwhile shares the answer.
    pub(super) async fn of(&self, catalog: Arc<dyn RunCatalog>, run: &Run) -> Result<Arc<RunImages>> {
        if let Some(known) = self.known(run) {
            return Ok(known);
        }
        let id = run.id.clone();
        let look = async move { Ok(Arc::new(look(&*catalog, &id).await?)) };
        let images = self.asked.join(run.id.to_string(), look).await?;
        if images.trouble.is_none() {
            self.remember(&run.id, &images);
        }
        Ok(images)
    }

    fn remember(&self, run: &RunId, images: &Arc<RunImages>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (at, _)| at.elapsed() < AGE);
        // One more for each run: an empty list takes memory too.
        let total: usize = known.values().map(|(_, images)| images.count() + 1).sum();
        if total + images.count() >= MOST_REMEMBERED {
            known.clear();
        }
        known.insert(run.clone(), (Instant::now(), images.clone()));
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
