//! Rows that a correction replaced, and rows that were withdrawn. They are written before the commit and belong into `superseded/`
//! only when it has come about: until then they wait in `pending/`, under a name that says by which file one can see that. The next
//! holder of the lake's lock looks there first, so that a crash at any moment leaves `superseded/` with the rows of commits that
//! were, and no others.

use std::{collections::HashSet, io};

use domain::time::{Day, Millis};

use crate::{
    day_writer::lake_path,
    file::{PENDING_FOLDER, SUPERSEDED_FOLDER},
    objects::{BlockingObjects, Objects},
};

/// In the name of an object: these rows were withdrawn, at the moment that follows.
const WITHDRAWN: &str = "withdrawn";
/// The same, while it waits, where nothing of the file is left: there is no other file by which one could see the commit.
const EMPTIED: &str = "emptied";

/// An object of rows that wait.
#[derive(Debug)]
pub struct PendingRows {
    /// The name that it has, and the one that it gets.
    object: String,
    name: String,
    /// The lake file that tells whether the commit has come about: by being there, or by not being there any more.
    with: String,
    gone: bool,
}

impl PendingRows {
    /// The `n`th object of rows that corrections replaced; they wait for the lake file of this day and name.
    pub fn replaced(day: Day, name: &str, n: usize) -> Self {
        Self::of(day, name, n, None, false)
    }

    /// The `n`th object of rows that are withdrawn at a moment. They wait for a lake file of this day and name to be there, or, with
    /// `emptied`, for it to be gone.
    pub fn withdrawn(day: Day, name: &str, n: usize, at: Millis, emptied: bool) -> Self {
        Self::of(day, name, n, Some(at), emptied)
    }

    fn of(day: Day, name: &str, n: usize, withdrawn: Option<Millis>, gone: bool) -> Self {
        let how = if gone { EMPTIED } else { WITHDRAWN };
        let [waiting, later] = [how, WITHDRAWN].map(|how| withdrawn.map(|at| format!("{how}{}", at.0)));
        let end = |mark: &str, how: Option<String>| how.map_or_else(String::new, |how| format!("{mark}{how}"));
        Self {
            object: format!("{PENDING_FOLDER}/{day}+{name}+{n}{}.parquet", end("+", waiting)),
            name: format!("{day}-{name}-{n}{}.parquet", end("-", later)),
            with: lake_path(day, name),
            gone,
        }
    }

    pub fn object(&self) -> &str {
        &self.object
    }

    /// Of the objects that wait those that are what they should be, and the names of others.
    pub fn parse_names(waiting: impl IntoIterator<Item = String>) -> (Vec<Self>, Vec<String>) {
        let (mut known, mut others) = (Vec::new(), Vec::new());
        for object in waiting {
            match Self::parse(&object) {
                Some(rows) => known.push(rows),
                None => others.push(object),
            }
        }
        (known, others)
    }

    fn parse(object: &str) -> Option<Self> {
        let name = object.rsplit('/').next()?.strip_suffix(".parquet")?;
        let (day, stem, gone) = match *name.split('+').collect::<Vec<_>>() {
            [day, stem, _] => (day, stem, false),
            [day, stem, _, how] => (day, stem, how.starts_with(EMPTIED)),
            _ => return None,
        };
        let later = name.replace('+', "-").replace(EMPTIED, WITHDRAWN);
        let with = format!("day={day}/{stem}.parquet");
        Some(Self { object: object.to_owned(), name: format!("{later}.parquet"), with, gone })
    }

    /// When the rows of an object were withdrawn; `None` of rows that were corrected.
    pub fn withdrawn_at(object: &str) -> Option<Millis> {
        let end = object.rsplit('/').next()?.strip_suffix(".parquet")?.rsplit(['+', '-']).next()?;
        let at = end.strip_prefix(WITHDRAWN).or_else(|| end.strip_prefix(EMPTIED))?;
        at.parse().ok().map(Millis)
    }

    /// Objects of rows that were replaced or withdrawn by commits which a list of files knows, as far as `wanted` by day and by
    /// when they were withdrawn: those that still wait, and then the others.
    /// One that is on its way from here to there meanwhile may come twice, or be gone under its first name.
    pub fn pending_and_superseded(
        objects: &BlockingObjects,
        named: &HashSet<String>,
        wanted: impl Fn(Day, Option<Millis>) -> bool,
    ) -> io::Result<Vec<String>> {
        let wanted = |object: &str| {
            let day = object.rsplit('/').next().and_then(|name| name.get(..10)).and_then(Day::parse);
            day.is_some_and(|day| wanted(day, Self::withdrawn_at(object)))
        };
        let names = |folder| Ok::<_, io::Error>(objects.list(folder)?.into_iter().map(|o| o.0));
        let waiting = Self::parse_names(names(PENDING_FOLDER)?).0;
        let mut found: Vec<String> =
            waiting.into_iter().filter(|w| wanted(&w.object) && w.is_committed(named)).map(|w| w.object).collect();
        found.extend(names(SUPERSEDED_FOLDER)?.filter(|o| wanted(o)));
        Ok(found)
    }

    /// Whether the commit for which it was written has come about.
    pub fn is_committed(&self, named: &HashSet<String>) -> bool {
        named.contains(&self.with) != self.gone
    }

    /// Puts it where rows lie that count no longer.
    ///
    /// # Errors
    /// What the storage says.
    pub async fn publish(&self, objects: &dyn Objects) -> io::Result<()> {
        objects.rename(&self.object, &format!("{SUPERSEDED_FOLDER}/{}", self.name)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_waiting_rows_are_read_as_they_were_written() {
        let at = Millis(1_782_820_800_000);
        for rows in [
            PendingRows::replaced(Day(20_634), "1782-ab", 0),
            PendingRows::withdrawn(Day(20_634), "1782-ab", 1, at, false),
            PendingRows::withdrawn(Day(20_634), "1782-ab", 2, at, true),
        ] {
            let (known, others) = PendingRows::parse_names([rows.object.clone(), "pending/x".to_owned()]);
            assert_eq!(others, ["pending/x"]);
            let read = known.first().expect("rows");
            assert_eq!((&read.name, &read.with, read.gone), (&rows.name, &rows.with, rows.gone));
            let moments = [&rows.object, &rows.name].map(|name| PendingRows::withdrawn_at(name));
            assert_eq!(moments, [Some(at).filter(|_| !rows.object.ends_with("+0.parquet")); 2]);
            assert!(!rows.name.contains(EMPTIED), "{}", rows.name);
            assert_eq!(rows.is_committed(&HashSet::from([rows.with.clone()])), !rows.gone);
        }
    }
}
