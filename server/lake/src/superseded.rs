//! Rows that a correction replaced. They are written before the commit and belong into `superseded/` only when it has come
//! about: until then they wait in `pending/`, under a name that says which file the commit publishes. The next holder of the
//! lake's lock next looks there first, so that a crash at any moment leaves `superseded/` with the rows of commits that were,
//! and no others.

use std::{collections::HashSet, io};

use domain::time::Day;

use crate::{
    day_writer::lake_path,
    file::{PENDING_FOLDER, SUPERSEDED_FOLDER},
    objects::{BlockingObjects, Objects},
};

/// An object of rows that wait.
#[derive(Debug)]
pub struct PendingRows {
    /// The name that it has, and the one that it gets.
    object: String,
    name: String,
    /// The lake file with which it was written.
    with: String,
}

impl PendingRows {
    /// The `n`th object of rows that wait for the lake file of this day and name.
    pub fn new(day: Day, name: &str, n: usize) -> Self {
        Self {
            object: format!("{PENDING_FOLDER}/{day}+{name}+{n}.parquet"),
            name: format!("{day}-{name}-{n}.parquet"),
            with: lake_path(day, name),
        }
    }

    pub fn object(&self) -> &str {
        &self.object
    }

    /// Of the objects that wait those that are what they should be, and the names of others.
    pub fn parse_names(waiting: impl IntoIterator<Item = String>) -> (Vec<Self>, Vec<String>) {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for object in waiting {
            let name = object.rsplit('/').next().unwrap_or_default().to_owned();
            match *name.split('+').collect::<Vec<_>>() {
                [day, stem, end] if end.ends_with(".parquet") => {
                    let with = format!("day={day}/{stem}.parquet");
                    known.push(Self { name: name.replace('+', "-"), with, object });
                }
                _ => others.push(object),
            }
        }
        (known, others)
    }

    /// Rows of these days that were replaced by commits which a list of files knows: those that still wait, and then the others.
    /// One that is on its way from here to there meanwhile may come twice, or be gone under its first name.
    pub fn pending_and_superseded(
        objects: &BlockingObjects,
        named: &HashSet<String>,
        days: &HashSet<Day>,
    ) -> io::Result<Vec<String>> {
        let days: HashSet<String> = days.iter().map(ToString::to_string).collect();
        let of_day = |name: &str| name.get(..10).is_some_and(|day| days.contains(day));
        let names = |folder| Ok::<_, io::Error>(objects.list(folder)?.into_iter().map(|o| o.0));
        let waiting = Self::parse_names(names(PENDING_FOLDER)?).0;
        let mut found: Vec<String> =
            waiting.into_iter().filter(|w| of_day(&w.name) && w.is_committed(named)).map(|w| w.object).collect();
        found.extend(names(SUPERSEDED_FOLDER)?.filter(|o| o.rsplit('/').next().is_some_and(of_day)));
        Ok(found)
    }

    /// Whether the commit for which it was written has come about.
    pub fn is_committed(&self, named: &HashSet<String>) -> bool {
        named.contains(&self.with)
    }

    /// Puts it where rows lie that were replaced.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn publish(&self, objects: &dyn Objects) -> io::Result<()> {
        objects.rename(&self.object, &format!("{SUPERSEDED_FOLDER}/{}", self.name)).await
    }
}
