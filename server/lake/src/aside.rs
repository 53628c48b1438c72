//! Rows that a correction replaced. They are written before the commit and belong into `superseded/` only when it has come
//! about: until then they wait in `pending/`, under a name that says which file the commit publishes. Whoever takes the
//! lake's lock next looks there first, so that a crash at any moment leaves `superseded/` with the rows of commits that were,
//! and no others.

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
};

use domain::time::Day;

use crate::{day::path_of, file};

/// A file of rows that wait.
#[derive(Debug)]
pub struct Aside {
    path: PathBuf,
    /// The name that it gets.
    name: String,
    /// The lake file with which it was written.
    with: String,
}

impl Aside {
    /// The `n`th file of rows that wait for the lake file of this day and name.
    pub fn new(pending: &Path, day: Day, name: &str, n: usize) -> Self {
        Self {
            path: pending.join(format!("{day}+{name}+{n}.parquet")),
            name: format!("{day}-{name}-{n}.parquet"),
            with: path_of(day, name),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that wait, and what a crash left half written.
    pub fn all(pending: &Path) -> io::Result<(Vec<Self>, Vec<PathBuf>)> {
        let (mut waiting, mut others) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(pending)? {
            let path = entry?.path();
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            match *name.split('+').collect::<Vec<_>>() {
                [day, stem, end] if end.ends_with(".parquet") => {
                    waiting.push(Self { name: name.replace('+', "-"), with: format!("day={day}/{stem}.parquet"), path })
                }
                _ => others.push(path),
            }
        }
        Ok((waiting, others))
    }

    /// Rows of these days that were replaced by commits which a list of files knows: those that still wait, and then the others.
    /// One that is on its way from here to there meanwhile may come twice, or be gone under its first name.
    pub fn of_days(
        pending: &Path,
        superseded: &Path,
        named: &HashSet<String>,
        days: &HashSet<Day>,
    ) -> io::Result<Vec<PathBuf>> {
        let days: HashSet<String> = days.iter().map(ToString::to_string).collect();
        let of_day = |name: &str| name.get(..10).is_some_and(|day| days.contains(day));
        let waiting = Self::all(pending)?.0;
        let mut found: Vec<PathBuf> =
            waiting.into_iter().filter(|w| of_day(&w.name) && w.counts(named)).map(|w| w.path).collect();
        for entry in std::fs::read_dir(superseded)? {
            let entry = entry?;
            if of_day(&entry.file_name().to_string_lossy()) {
                found.push(entry.path());
            }
        }
        Ok(found)
    }

    /// Whether the commit for which it was written has come about.
    pub fn counts(&self, named: &HashSet<String>) -> bool {
        named.contains(&self.with)
    }

    /// Puts it where rows lie that were replaced.
    pub fn keep(&self, superseded: &Path) -> io::Result<()> {
        file::rename(&self.path, &superseded.join(&self.name))
    }

    /// Forgets it: nothing was replaced.
    pub fn drop(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}
