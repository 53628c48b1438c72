//! Small pictures of the images that runs left. Files were written by somebody else: how much is read, how large an image may be, how
//! many are decoded at once and how many wait is bounded, and nothing of them ever runs.

mod decode;
mod placeholder;
mod sentences {
    include!(concat!(env!("OUT_DIR"), "/thumbnails/sentences.rs"));
}

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{
    Error, Result,
    error::Sentence,
    tracking::{ArtifactPath, ImageKind, Run, RunId, image_size, is_immutable},
};
use futures::StreamExt;
use moka::{policy::EvictionPolicy, sync::Cache};
use tokio::{
    sync::Semaphore,
    time::{timeout, timeout_at},
};
use usecases::Tracking;

pub use self::{decode::Thumbnail, placeholder::placeholder};

/// The sides that a thumbnail may have, in pixels.
pub const SIDES: [u32; 4] = [160, 320, 640, 1280];
/// So much of a file is read, in bytes.
const MOST_BYTES: usize = 32 << 20;
/// So many files are read at once, and no more wait than this.
const READERS: usize = 4;
const MOST_WAITING: usize = 200;
/// Memory for decoding, in MB: one very large image, or two of the usual size.
const DECODING_MB: u32 = 256;
/// How long a file may take to come, and a request to be its turn.
const READING: Duration = Duration::from_secs(12);
const WAITING: Duration = Duration::from_secs(10);
/// Memory for thumbnails, in bytes.
const CACHE_BYTES: u64 = 64 << 20;
/// A file may be written anew under the same path: then its thumbnail is made anew after this.
const AGE: Duration = Duration::from_secs(60);

/// Why there is no thumbnail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoThumbnail {
    /// The file is none that can be drawn: asking again does not help.
    Refused(Sentence),
    Failed(Error),
}

impl NoThumbnail {
    #[must_use]
    pub fn sentence(&self) -> &Sentence {
        match self {
            Self::Refused(why) => why,
            Self::Failed(e) => &e.message,
        }
    }
}

type Made = std::result::Result<Arc<Thumbnail>, Sentence>;

/// Makes thumbnails, and remembers those that were made.
pub struct Thumbnails {
    made: Cache<(RunId, ArtifactPath, u32), (Instant, Made)>,
    readers: Semaphore,
    waiting: AtomicUsize,
    decoding: Arc<Semaphore>,
}

impl Default for Thumbnails {
    fn default() -> Self {
        let bytes = |made: &Made| made.as_ref().map_or(0, |t| t.bytes.len()) + 512;
        Self {
            made: Cache::builder()
                .max_capacity(CACHE_BYTES)
                .weigher(move |_, (_, made)| u32::try_from(bytes(made)).unwrap_or(u32::MAX))
                .eviction_policy(EvictionPolicy::lru())
                .build(),
            readers: Semaphore::new(READERS),
            waiting: AtomicUsize::new(0),
            decoding: Arc::new(Semaphore::new(DECODING_MB as usize)),
        }
    }
}

impl Thumbnails {
    /// A picture of an artifact that fits into a square of `side` pixels.
    ///
    /// # Errors
    /// [`NoThumbnail::Refused`] when the file is no image, is broken or too large; else as [`Tracking::artifact`], and `Unavailable` when
    /// too many wait.
    pub async fn get(
        &self,
        runs: &Tracking,
        run: &Run,
        path: &ArtifactPath,
        side: u32,
    ) -> std::result::Result<Arc<Thumbnail>, NoThumbnail> {
        match ImageKind::of(path.file_name()) {
            None => return Err(NoThumbnail::Refused(sentences::no_image(path.file_name()))),
            Some(ImageKind::Svg) => return Err(NoThumbnail::Refused(sentences::svg())),
            Some(_) => {}
        }
        let key = (run.id.clone(), path.clone(), side);
        if let Some((at, made)) = self.made.get(&key)
            && (is_immutable(path) || at.elapsed() < AGE)
        {
            return made.map_err(NoThumbnail::Refused);
        }
        let made = self.make(runs, run, path, side).await.map_err(NoThumbnail::Failed)?;
        self.made.insert(key, (Instant::now(), made.clone()));
        made.map_err(NoThumbnail::Refused)
    }

    /// `Err` for what may be better next time.
    async fn make(&self, runs: &Tracking, run: &Run, path: &ArtifactPath, side: u32) -> Result<Made> {
        let busy = || Error::unavailable(sentences::busy());
        let place = Waiting::begin(&self.waiting).ok_or_else(busy)?;
        let _reader = timeout(WAITING, self.readers.acquire()).await.map_err(|_| busy())?.map_err(|_| busy())?;
        let bytes = match read(runs, run, path).await? {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Err(why)),
        };
        let Some((width, height)) = image_size(&bytes) else { return Ok(Err(sentences::broken())) };
        let pixels = u64::from(width) * u64::from(height);
        if pixels > decode::MOST_PIXELS {
            return Ok(Err(decode::too_many_pixels(width, height)));
        }
        // Four bytes a pixel, and never less than half: two at a time.
        let need = u32::try_from((pixels * 4) >> 20).unwrap_or(DECODING_MB).clamp(DECODING_MB / 2, DECODING_MB);
        let memory = timeout(WAITING, Arc::clone(&self.decoding).acquire_many_owned(need)).await;
        let memory = memory.map_err(|_| busy())?.map_err(|_| busy())?;
        drop(place);
        let work = move || {
            // Whoever asked may be gone; the memory is taken until this ends.
            let _memory = memory;
            decode::thumbnail(&bytes, side)
        };
        let made = tokio::task::spawn_blocking(work).await;
        let made = made.map_err(|e| Error::internal(sentences::broke_off()).with_detail(e))?;
        Ok(made.map(Arc::new))
    }
}

/// The whole of a file; the inner error for one that is too large.
async fn read(runs: &Tracking, run: &Run, path: &ArtifactPath) -> Result<std::result::Result<Vec<u8>, Sentence>> {
    let too_large = || Ok(Err(sentences::too_many_bytes(MOST_BYTES >> 20)));
    let late = |_| Error::unavailable(sentences::late(READING.as_secs()));
    let until = tokio::time::Instant::now() + READING;
    let body = timeout_at(until, runs.artifact(run.id.as_str(), path, None)).await.map_err(late)??;
    if body.size.is_some_and(|n| n > MOST_BYTES as u64) {
        return too_large();
    }
    let (mut bytes, mut pieces) = (vec![], body.bytes);
    while let Some(piece) = timeout_at(until, pieces.next()).await.map_err(late)? {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > MOST_BYTES {
            return too_large();
        }
    }
    Ok(Ok(bytes))
}

/// A place among those that wait.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Option<Self> {
        let place = Self(count);
        // When there are too many already, the place is given back by dropping it.
        (count.fetch_add(1, Ordering::Relaxed) < MOST_WAITING).then_some(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_wait_than_may_and_places_are_given_back() {
        let count = AtomicUsize::new(0);
        let places: Vec<_> = (0..MOST_WAITING).map(|_| Waiting::begin(&count).expect("a place")).collect();
        assert!(Waiting::begin(&count).is_none());
        drop(places);
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
