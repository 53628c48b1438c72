//! The minutes of one day with records.

use std::sync::Arc;

use domain::time::{DAY, MINUTE};

const IN_A_DAY: usize = (DAY / MINUTE) as usize;
const WORDS: usize = IN_A_DAY.div_ceil(64);
/// More minutes than these take less room as bits.
const FEW: usize = WORDS * 4;

/// Gathers minutes of a day.
#[derive(Debug, Clone)]
pub struct MinuteCollector([u64; WORDS]);

impl Default for MinuteCollector {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

impl MinuteCollector {
    /// Adds minutes of the day, below 1,440; others are none.
    pub fn extend(&mut self, minutes: &[u16]) {
        for m in minutes.iter().map(|m| usize::from(*m)).filter(|m| *m < IN_A_DAY) {
            self.0[m / 64] |= 1 << (m % 64);
        }
    }

    fn iter(&self) -> impl Iterator<Item = u16> {
        bits(&self.0)
    }

    pub fn to_set(&self) -> MinuteSet {
        let n: u32 = self.0.iter().map(|w| w.count_ones()).sum();
        if n as usize > FEW { MinuteSet::Bits(Arc::new(self.0)) } else { MinuteSet::Few(self.iter().collect()) }
    }
}

/// A set of minutes of a day, in at most 184 bytes. Shared: a place that gains a day keeps the others as they are.
#[derive(Debug, Clone)]
pub enum MinuteSet {
    Few(Arc<[u16]>),
    Bits(Arc<[u64; WORDS]>),
}

impl Default for MinuteSet {
    fn default() -> Self {
        Self::Few(Arc::new([]))
    }
}

impl MinuteSet {
    /// Ascending.
    pub fn iter(&self) -> Box<dyn Iterator<Item = u16> + '_> {
        match self {
            Self::Few(minutes) => Box::new(minutes.iter().copied()),
            Self::Bits(words) => Box::new(bits(words)),
        }
    }

    pub fn bytes(&self) -> usize {
        match self {
            Self::Few(minutes) => size_of_val(&**minutes),
            Self::Bits(words) => size_of_val(&**words),
        }
    }
}

fn bits(words: &[u64; WORDS]) -> impl Iterator<Item = u16> {
    words.iter().enumerate().flat_map(|(i, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let metric_bit = (left != 0).then(|| left.trailing_zeros())?;
            left &= left - 1;
            Some((i * 64) as u16 + metric_bit as u16)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_in_once_and_in_order(minutes in prop::collection::vec(0u16..1_600, 0..400)) {
            let mut gathered = MinuteCollector::default();
            minutes.chunks(7).for_each(|part| gathered.extend(part));
            let mut expected: Vec<u16> = minutes.into_iter().filter(|m| *m < 1_440).collect();
            expected.sort_unstable();
            expected.dedup();
            let to_set = gathered.to_set();
            prop_assert_eq!(to_set.iter().collect::<Vec<_>>(), expected);
            prop_assert!(to_set.bytes() <= 184);
        }
    }
}
