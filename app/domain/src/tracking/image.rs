//! Images among the artifacts of a run: which files are images, and which are the same one at different steps.

use std::collections::BTreeMap;

use super::{ArtifactEntry, ArtifactPath};

/// The folder into which `mlflow.log_image(image, key=…, step=…)` writes.
const LOGGED: &str = "images";
/// Words before a number that make it a step.
const STEP_WORDS: [&str; 6] = ["step", "epoch", "iteration", "iter", "itr", "ep"];
/// More digits are no step.
const MAX_DIGITS: usize = 18;

/// What a file says that it is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageKind {
    Png,
    Jpeg,
    Gif,
    WebP,
    Bmp,
    /// Text that may hold scripts: it is never drawn.
    Svg,
}

impl ImageKind {
    #[must_use]
    pub fn of(file_name: &str) -> Option<Self> {
        let end = file_name.rsplit_once('.')?.1.to_ascii_lowercase();
        Some(match &*end {
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "gif" => Self::Gif,
            "webp" => Self::WebP,
            "bmp" => Self::Bmp,
            "svg" => Self::Svg,
            _ => return None,
        })
    }
}

/// What is read from the path of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ImageName {
    /// What it has in common with the same image at other steps, and in other runs.
    name: String,
    step: Option<i64>,
    kind: ImageKind,
    /// When it was logged, in ms, where the path says so.
    logged: Option<i64>,
    /// The small copy that MLflow writes beside a logged image.
    is_small_copy: bool,
}

impl ImageName {
    fn of(path: &ArtifactPath) -> Option<Self> {
        let kind = ImageKind::of(path.file_name())?;
        if let Some(logged) = Self::logged(path, kind) {
            return Some(logged);
        }
        let (name, step) = without_step(path.as_str());
        Some(Self { name, step, kind, logged: None, is_small_copy: false })
    }

    /// `images/<key>+step+<n>+timestamp+<ms>+<uuid>.png`, and the same with `+compressed.webp`; `%` before MLflow 3.11. A slash of the
    /// key is written as `~`, and was as `#`.
    fn logged(path: &ArtifactPath, kind: ImageKind) -> Option<Self> {
        let (folder, file) = path.as_str().split_once('/')?;
        let (stem, _) = file.rsplit_once('.').filter(|_| folder == LOGGED)?;
        ['+', '%'].into_iter().find_map(|separator| {
            let parts: Vec<&str> = stem.split(separator).collect();
            let (key, step, logged, rest) = match parts.as_slice() {
                [key, "step", step, "timestamp", logged, _, rest @ ..] => (key, step, logged, rest),
                _ => return None,
            };
            let is_small_copy = match rest {
                [] => false,
                ["compressed"] => true,
                _ => return None,
            };
            let name = key.replace(['~', '#'], "/");
            Some(Self { name, step: Some(step.parse().ok()?), kind, logged: Some(logged.parse().ok()?), is_small_copy })
        })
    }
}

/// A path with `*` in the place of its step: of a number behind a word such as `epoch`, or of a file's whole name. The last one counts.
fn without_step(path: &str) -> (String, Option<i64>) {
    let stem_from = path.rfind('/').map_or(0, |i| i + 1);
    let stem_to = path.rfind('.').filter(|i| *i > stem_from).unwrap_or(path.len());
    let whole = path.get(stem_from..stem_to).unwrap_or_default();
    let place =
        if is_number(whole) { Some((stem_from, stem_to)) } else { step_place(path.get(..stem_to).unwrap_or(path)) };
    let found = place.and_then(|(from, to)| {
        let step = path.get(from..to)?.parse().ok()?;
        Some((format!("{}*{}", path.get(..from)?, path.get(to..)?), Some(step)))
    });
    found.unwrap_or_else(|| (path.to_owned(), None))
}

fn is_number(text: &str) -> bool {
    (1..=MAX_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// Where the last number stands that follows a word for steps: `epoch_003`, `step-100`, `iter=5`, `ep7`.
fn step_place(text: &str) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let mut end = bytes.len();
    while end > 0 {
        let is_digit = |i: &usize| bytes.get(*i).is_some_and(u8::is_ascii_digit);
        let to = (0..end).rev().find(is_digit)? + 1;
        let from = (0..to).rev().find(|i| !is_digit(i)).map_or(0, |i| i + 1);
        let behind = bytes.get(to).is_none_or(|b| !b.is_ascii_alphanumeric());
        let before = text.get(..from)?;
        let before = before.strip_suffix(['_', '-', '=', '.', ' ']).unwrap_or(before);
        if behind && to - from <= MAX_DIGITS && ends_with_step_word(before) {
            return Some((from, to));
        }
        end = from;
    }
    None
}

fn ends_with_step_word(text: &str) -> bool {
    STEP_WORDS.iter().any(|word| {
        let Some(at) = text.len().checked_sub(word.len()) else { return false };
        let fits = text.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(word));
        fits && text.get(..at).and_then(|t| t.chars().next_back()).is_none_or(|c| !c.is_alphanumeric())
    })
}

/// An image of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunImage {
    pub path: ArtifactPath,
    /// Of the file, in bytes, where it is known.
    pub size: Option<u64>,
    pub kind: ImageKind,
    /// `None` where the path has none.
    pub step: Option<i64>,
    /// Its path is used once: what it holds does not change.
    pub is_immutable: bool,
}

/// Images of a run that have the same name, by their steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSeries {
    pub name: String,
    /// Each step once; one without a step is the only one.
    pub images: Vec<RunImage>,
}

impl ImageSeries {
    /// The image at a step, or at the nearest one before it; the last one where no step is asked for. An image without a step is the same
    /// at all of them.
    #[must_use]
    pub fn at(&self, step: Option<i64>) -> Option<&RunImage> {
        let Some(step) = step else { return self.images.last() };
        self.images.iter().rev().find(|image| image.step.is_none_or(|s| s <= step))
    }

    pub fn steps(&self) -> impl Iterator<Item = i64> {
        self.images.iter().filter_map(|image| image.step)
    }
}

/// The images among files, by name. Of several of one name and step the one that was logged last counts; MLflow's small copies only
/// where there is nothing else.
#[must_use]
pub fn image_series<'a>(files: impl IntoIterator<Item = &'a ArtifactEntry>) -> Vec<ImageSeries> {
    let mut found: BTreeMap<(String, Option<i64>), (ImageName, &ArtifactEntry)> = BTreeMap::new();
    for file in files.into_iter().filter(|f| !f.is_folder) {
        let Some(name) = ImageName::of(&file.path) else { continue };
        let key = (name.name.clone(), name.step);
        let rank = |n: &ImageName| (!n.is_small_copy, n.logged);
        match found.get(&key) {
            Some((other, _)) if rank(other) >= rank(&name) => {}
            _ => drop(found.insert(key, (name, file))),
        }
    }
    let mut series: Vec<ImageSeries> = vec![];
    for ((name, step), (parsed, file)) in found {
        let path = file.path.clone();
        let image = RunImage { path, size: file.size, kind: parsed.kind, step, is_immutable: is_immutable(&file.path) };
        match series.last_mut().filter(|s| s.name == name) {
            Some(last) => last.images.push(image),
            None => series.push(ImageSeries { name, images: vec![image] }),
        }
    }
    series
}

/// Whether a path was made for one image and is used for no other: MLflow writes a UUID into those of logged images.
#[must_use]
pub fn is_immutable(path: &ArtifactPath) -> bool {
    ImageName::of(path).is_some_and(|name| name.logged.is_some())
}

/// Leaves at most `most` images. Names with several steps come before those with one; of each name as many as of the others, short ones whole
/// and of long ones some that lie evenly from the first to the last step. Returns how many were left out.
pub fn thin_out(series: &mut Vec<ImageSeries>, most: usize) -> usize {
    let count = |series: &[ImageSeries]| series.iter().map(|s| s.images.len()).sum::<usize>();
    let total = count(series);
    if total <= most {
        return 0;
    }
    if series.len() > most {
        // The order of names stays.
        series.sort_by_key(|s| s.images.len() < 2);
        series.truncate(most);
        series.sort_by(|x, y| x.name.cmp(&y.name));
    }
    let share = share(series, most);
    for one in series.iter_mut().filter(|s| s.images.len() > share) {
        let n = one.images.len();
        // First and last stay, where there is room for two.
        let kept: Vec<usize> = (0..share).map(|i| if share == 1 { n - 1 } else { i * (n - 1) / (share - 1) }).collect();
        let mut index = 0;
        one.images.retain(|_| {
            index += 1;
            kept.binary_search(&(index - 1)).is_ok()
        });
    }
    total - count(series)
}

/// The largest number of images a name, at least one, with which all together are at most so many.
fn share(series: &[ImageSeries], most: usize) -> usize {
    let mut lengths: Vec<usize> = series.iter().map(|s| s.images.len()).collect();
    lengths.sort_unstable();
    let mut left = most;
    for (at, length) in lengths.iter().enumerate() {
        let equal = left / (lengths.len() - at);
        if *length > equal {
            return equal.max(1);
        }
        left -= length;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> ArtifactPath {
        ArtifactPath::parse(text).expect("a path")
    }

    fn files(paths: &[&str]) -> Vec<ArtifactEntry> {
        paths.iter().map(|p| ArtifactEntry { path: path(p), size: Some(1), is_folder: false }).collect()
    }

    const UUID: &str = "4d5f3b1e-0000-4000-8000-1234567890ab";

    #[test]
    fn name_and_step_are_read_from_paths() {
        let logged = |text: &str| text.replace("UUID", UUID);
        for (text, name, step) in [
            ("images/val~pred+step+10+timestamp+1782777600000+UUID.png", "val/pred", Some(10)),
            ("images/val#pred%step%0%timestamp%1%UUID.png", "val/pred", Some(0)),
            ("images/dogs+step+-3+timestamp+1+UUID+compressed.webp", "dogs", Some(-3)),
            // Not as MLflow writes them.
            ("images/dogs+step+x+timestamp+1+UUID.png", "images/dogs+step+x+timestamp+1+UUID.png", None),
            ("other/dogs+step+3+timestamp+1+UUID.png", "other/dogs+step+3+timestamp+1+UUID.png", None),
            ("val_batch0_pred.jpg", "val_batch0_pred.jpg", None),
            ("predictions/epoch_003.png", "predictions/epoch_*.png", Some(3)),
            ("plots/step-100.png", "plots/step-*.png", Some(100)),
            ("plots/step100_loss.PNG", "plots/step*_loss.PNG", Some(100)),
            ("Epoch 7.webp", "Epoch *.webp", Some(7)),
            ("ep07.gif", "ep*.gif", Some(7)),
            ("global_step=5.bmp", "global_step=*.bmp", Some(5)),
            ("epoch_2/iter_30/mask.png", "epoch_2/iter_*/mask.png", Some(30)),
            ("epoch_2/mask.png", "epoch_*/mask.png", Some(2)),
            ("preds/000120.png", "preds/*.png", Some(120)),
            ("7.svg", "*.svg", Some(7)),
            ("footstep3.png", "footstep3.png", None),
            ("step3d.png", "step3d.png", None),
            ("step_1234567890123456789.png", "step_1234567890123456789.png", None),
            ("img_12.png", "img_12.png", None),
            ("스텝_5_step_6.png", "스텝_5_step_*.png", Some(6)),
        ] {
            let (text, name) = (logged(text), logged(name));
            let read = ImageName::of(&path(&text)).expect(&text);
            assert_eq!((read.name, read.step), (name, step), "{text}");
        }
        for none in ["model/MLmodel", "notes.md", "png", "a.png.txt", "epoch_3/weights.pt"] {
            assert_eq!(ImageName::of(&path(none)), None, "{none}");
        }
    }

    #[test]
    fn a_step_is_there_once_and_small_copies_count_only_alone() {
        let entry = |key: &str, step: i64, at: i64, uuid: &str, end: &str| {
            format!("images/{key}+step+{step}+timestamp+{at}+{uuid}{end}")
        };
        let (old, new) = (entry("a", 1, 5, "u1", ".png"), entry("a", 1, 6, "u2", ".png"));
        let (copy, alone) = (entry("a", 1, 9, "u2", "+compressed.webp"), entry("a", 2, 9, "u3", "+compressed.webp"));
        let listed = files(&[&copy, &new, &old, &alone, "plots/loss.png", "plots/x.txt"]);
        let series = image_series(&listed);
        let of = |s: &ImageSeries| -> Vec<(Option<i64>, String, bool)> {
            s.images.iter().map(|i| (i.step, i.path.to_string(), i.is_immutable)).collect()
        };
        let names: Vec<&str> = series.iter().map(|s| &*s.name).collect();
        assert_eq!(names, ["a", "plots/loss.png"]);
        assert_eq!(of(&series[0]), [(Some(1), new, true), (Some(2), alone, true)]);
        assert_eq!(of(&series[1]), [(None, "plots/loss.png".to_owned(), false)]);
    }

    #[test]
    fn who_lacks_a_step_shows_the_nearest_one_before() {
        let series = &image_series(&files(&["p/epoch_10.png", "p/epoch_2.png", "p/epoch_30.png"]))[0];
        let at = |step: Option<i64>| series.at(step).and_then(|i| i.step);
        assert_eq!(
            [at(None), at(Some(30)), at(Some(29)), at(Some(2)), at(Some(1)), at(Some(99))],
            [Some(30), Some(30), Some(10), Some(2), None, Some(30)]
        );
        let still = &image_series(&files(&["loss.png"]))[0];
        assert!(still.at(Some(-5)).is_some() && still.at(None).is_some());
    }

    #[test]
    fn many_are_thinned_out_evenly_and_both_ends_stay() {
        let names: Vec<String> = (0..10_000).map(|i| format!("p/step_{i}.png")).chain(["one.png".to_owned()]).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut series = image_series(&files(&names));
        let left_out = thin_out(&mut series, 2_000);
        let kept: usize = series.iter().map(|s| s.images.len()).sum();
        assert!((1_990..=2_001).contains(&kept) && left_out == 10_001 - kept, "{kept}");
        let steps: Vec<i64> = series[1].steps().collect();
        assert_eq!((series[0].name.as_str(), steps[0], steps[steps.len() - 1]), ("one.png", 0, 9_999));
        assert!(steps.windows(2).all(|w| (1..=6).contains(&(w[1] - w[0]))), "evenly");
        let names: Vec<String> = (0..3_000).map(|i| format!("sample {i}x.png")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut series = image_series(&files(&names));
        assert_eq!((thin_out(&mut series, 2_000), series.len()), (1_000, 2_000));
    }
}
