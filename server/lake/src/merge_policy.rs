//! Which files of a day are merged, by their rows. Small ones with small ones, so that a stream of small commits costs each row
//! a few rewrites and not hundreds. A commit merges only as much as nobody notices who waits for it; the rest is merged beside
//! it, a bounded number of rows at a time (`compact`).

/// No merge makes a file with more rows than this: two row groups. One with half of them is left alone.
pub const MAX_MERGED_ROWS: u64 = 262_144;
/// So many rows a commit may rewrite to keep files few: requests that wait for the commit wait for the merge.
pub const MAX_COMMIT_REWRITE_ROWS: u64 = 50_000;
/// A day with fewer files below that is left as it is by a commit.
const MIN_FILES_FOR_COMMIT_MERGE: usize = 8;
/// With more such files than this, whatever can be merged is worth merging.
const ALWAYS_MERGE_ABOVE_FILES: usize = 16;
/// So many files make a merge that runs in the background worth its commit, since each makes every open page ask again.
const MIN_BACKGROUND_MERGE_FILES: usize = 4;
/// No merge has more files than this open.
const MAX_OPEN_FILES: usize = 32;

/// The files that are not left alone, smallest first.
fn open(rows: &[u64]) -> Vec<usize> {
    let mut open: Vec<usize> = (0..rows.len()).filter(|i| rows[*i] < MAX_MERGED_ROWS / 2).collect();
    open.sort_by_key(|i| rows[*i]);
    open
}

/// Of the files of a day those that are merged with `fresh` new rows within a commit, which may rewrite `room` rows. Empty when
/// the new rows get a file of their own.
pub fn files_to_merge_in_commit(rows: &[u64], fresh: u64, room: u64) -> Vec<usize> {
    let open = open(rows);
    if open.len() < MIN_FILES_FOR_COMMIT_MERGE {
        return vec![];
    }
    let mut rewritten = 0;
    let fits = |i: &usize| {
        let cheap = rows[*i] <= 2 * (fresh + rewritten) && rewritten + rows[*i] <= room;
        rewritten += rows[*i];
        cheap
    };
    open.into_iter().take_while(fits).collect()
}

/// Of the files of a day those that are worth merging in the background: the longest run in which none is much larger than those
/// before it together.
pub fn files_to_merge_in_background(rows: &[u64]) -> Vec<usize> {
    let open = open(rows);
    let runs = (0..open.len()).map(|first| -> Vec<usize> {
        let mut sum = 0;
        let fits = |i: &&usize| {
            let fits = (sum == 0 || rows[**i] <= 2 * sum) && sum + rows[**i] <= MAX_MERGED_ROWS;
            sum += rows[**i];
            fits
        };
        open[first..].iter().take(MAX_OPEN_FILES).take_while(fits).copied().collect()
    });
    let worth = |run: &Vec<usize>| {
        let sum: u64 = run.iter().map(|i| rows[*i]).sum();
        let many = run.len() >= MIN_BACKGROUND_MERGE_FILES
            && (sum >= MAX_COMMIT_REWRITE_ROWS / 2 || open.len() > ALWAYS_MERGE_ABOVE_FILES);
        many || run.len() > 1 && sum >= MAX_MERGED_ROWS / 2
    };
    runs.filter(worth).max_by_key(Vec::len).unwrap_or_default()
}

/// Of the files of a day those that are merged when it is to have as few as it can.
pub fn files_to_merge_fully(rows: &[u64]) -> Vec<usize> {
    let mut sum = 0;
    let fits = |i: &usize| {
        sum += rows[*i];
        sum <= MAX_MERGED_ROWS
    };
    let chosen: Vec<usize> = open(rows).into_iter().take(MAX_OPEN_FILES).take_while(fits).collect();
    if chosen.len() > 1 { chosen } else { vec![] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes one file of the chosen and of so many rows more. Returns how many rows were rewritten.
    fn merge(day: &mut Vec<u64>, chosen: &[usize], fresh: u64) -> u64 {
        let rewritten: u64 = chosen.iter().map(|i| day[*i]).sum();
        let mut kept: Vec<u64> =
            day.iter().enumerate().filter(|(i, _)| !chosen.contains(i)).map(|(_, rows)| *rows).collect();
        kept.push(fresh + rewritten);
        *day = kept;
        rewritten
    }

    /// Adds one commit to a day and returns the rows that were rewritten for it.
    fn commit(day: &mut Vec<u64>, fresh: u64) -> u64 {
        let chosen = files_to_merge_in_commit(day, fresh, MAX_COMMIT_REWRITE_ROWS);
        merge(day, &chosen, fresh)
    }

    /// Merges in the background for as long as there is something to merge. Returns the rows rewritten by each merge.
    fn compact(day: &mut Vec<u64>, choose: fn(&[u64]) -> Vec<usize>) -> Vec<u64> {
        std::iter::from_fn(|| {
            let chosen = choose(day);
            (!chosen.is_empty()).then(|| merge(day, &chosen, 0))
        })
        .collect()
    }

    #[test]
    fn few_files_stay_and_small_ones_go_together() {
        assert_eq!(files_to_merge_in_commit(&[5; 7], 5, MAX_COMMIT_REWRITE_ROWS), Vec::<usize>::new());
        assert_eq!(
            files_to_merge_in_commit(&[100_000, 1, 1, 1, 1, 1, 1, 1], 1, MAX_COMMIT_REWRITE_ROWS),
            [1, 2, 3, 4, 5, 6, 7]
        );
        assert_eq!(
            files_to_merge_in_commit(&[900, 800, 700, 600, 500, 400, 300, 200], 1, MAX_COMMIT_REWRITE_ROWS),
            Vec::<usize>::new()
        );
        assert_eq!(files_to_merge_in_background(&[1, 1, 1, 1]), Vec::<usize>::new(), "a commit will see to these");
        assert_eq!(files_to_merge_in_background(&[50_000, 9, 50_000, 50_000, 50_000]), [0, 2, 3, 4]);
        assert_eq!(
            files_to_merge_in_background(&[90_000, 80_000, 1]),
            [1, 0],
            "which is worth it for what comes of it"
        );
        assert_eq!(files_to_merge_fully(&[MAX_MERGED_ROWS, 3, 1, 2]), [2, 3, 1]);
    }

    #[test]
    fn ten_thousand_single_rows_are_rewritten_a_few_times_each() {
        let mut day = vec![100_000];
        let rewritten: u64 = (0..10_000)
            .map(|_| commit(&mut day, 1) + compact(&mut day, files_to_merge_in_background).iter().sum::<u64>())
            .sum();
        assert_eq!(day.iter().sum::<u64>(), 110_000);
        assert!(rewritten < 10_000 * 12, "{rewritten}");
        assert!(day.contains(&100_000), "the big file was left alone");
    }

    #[test]
    fn a_long_burst_rewrites_each_row_a_few_times_and_leaves_full_files() {
        let mut day = vec![];
        let mut rewritten = 0;
        for _ in 0..7_200 {
            rewritten += commit(&mut day, 2_500);
            rewritten += compact(&mut day, files_to_merge_in_background).iter().sum::<u64>();
        }
        assert!(rewritten < 8 * 7_200 * 2_500, "half an hour of 10,000 rows a second: {rewritten}");
        assert!(day.len() < 2 * 7_200 * 2_500 / MAX_MERGED_ROWS as usize, "{} files", day.len());
    }

    proptest! {
        #[test]
        fn no_merge_is_large_no_row_is_lost_and_files_stay_few(commits in prop::collection::vec(1u64..120_000, 1..300)) {
            let mut day = Vec::new();
            for fresh in &commits {
                prop_assert!(commit(&mut day, *fresh) <= MAX_COMMIT_REWRITE_ROWS);
                prop_assert!(compact(&mut day, files_to_merge_in_background).iter().all(|rows| *rows <= MAX_MERGED_ROWS));
                prop_assert!(open(&day).len() <= 2 * ALWAYS_MERGE_ABOVE_FILES);
            }
            let all = commits.iter().sum::<u64>();
            prop_assert_eq!(day.iter().sum::<u64>(), all);
            prop_assert!(compact(&mut day, files_to_merge_fully).iter().all(|rows| *rows <= MAX_MERGED_ROWS));
            prop_assert_eq!(day.iter().sum::<u64>(), all);
            prop_assert!(day.len() as u64 <= 2 * all / MAX_MERGED_ROWS + 1, "{:?}", day);
        }
    }
}
