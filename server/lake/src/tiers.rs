//! Which files of a day are merged when rows are added to it. Small ones with small ones: a big file is rewritten only when
//! about half as much has come together, so that a stream of small commits costs each row a few rewrites and not hundreds.

/// A day with fewer files is left as it is.
const FEW: usize = 8;
/// A day never has more files than this.
const MOST: usize = 16;
/// While there is room for another file, no merge makes one with more rows than this: whoever waits for the commit would
/// wait for the merge.
const CALM: u64 = 200_000;

/// Of the files of a day, given by their rows, those that are merged with `fresh` new rows. Empty when the new rows get a
/// file of their own.
pub fn to_merge(rows: &[u64], fresh: u64) -> Vec<usize> {
    if rows.len() < FEW {
        return vec![];
    }
    let mut smallest: Vec<usize> = (0..rows.len()).collect();
    smallest.sort_by_key(|i| rows[*i]);
    let needed = (rows.len() + 1).saturating_sub(MOST);
    let mut gathered = fresh;
    let mut taken = Vec::new();
    for i in smallest {
        let cheap = rows[i] <= 2 * gathered && (needed > 0 || gathered + rows[i] <= CALM);
        if !cheap && taken.len() >= needed {
            break;
        }
        gathered += rows[i];
        taken.push(i);
    }
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Adds one commit to a day and returns the rows that were rewritten for it.
    fn commit(day: &mut Vec<u64>, fresh: u64) -> u64 {
        let merged = to_merge(day, fresh);
        let rewritten: u64 = merged.iter().map(|i| day[*i]).sum();
        let mut kept: Vec<u64> =
            day.iter().enumerate().filter(|(i, _)| !merged.contains(i)).map(|(_, rows)| *rows).collect();
        kept.push(fresh + rewritten);
        *day = kept;
        rewritten
    }

    #[test]
    fn few_files_stay_and_small_ones_go_together() {
        assert_eq!(to_merge(&[5; 7], 5), Vec::<usize>::new());
        assert_eq!(to_merge(&[100_000, 1, 1, 1, 1, 1, 1, 1], 1), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(to_merge(&[900, 800, 700, 600, 500, 400, 300, 200], 1), Vec::<usize>::new());
    }

    #[test]
    fn ten_thousand_single_rows_are_rewritten_a_few_times_each() {
        let mut day = vec![100_000];
        let rewritten: u64 = (0..10_000).map(|_| commit(&mut day, 1)).sum();
        assert_eq!(day.iter().sum::<u64>(), 110_000);
        assert!(rewritten < 10_000 * 12, "{rewritten}");
        assert!(day.contains(&100_000), "the big file was left alone");
    }

    #[test]
    fn big_merges_are_rare_under_a_long_burst() {
        let mut day = vec![];
        let rewritten: Vec<u64> = (0..7_200).map(|_| commit(&mut day, 2_500)).collect();
        assert!(rewritten.iter().filter(|r| **r > CALM).count() < 20, "half an hour of 10,000 rows a second");
        assert!(rewritten.iter().sum::<u64>() < 8 * 7_200 * 2_500, "each row is rewritten a few times");
    }

    proptest! {
        #[test]
        fn no_row_is_lost_and_files_stay_few(commits in prop::collection::vec(1u64..50_000, 1..300)) {
            let mut day = Vec::new();
            for fresh in &commits {
                commit(&mut day, *fresh);
                prop_assert!(day.len() <= MOST);
            }
            prop_assert_eq!(day.iter().sum::<u64>(), commits.iter().sum::<u64>());
        }
    }
}
