//! The cells of one part while rows come in: columns of all groups in the order in which cells came about.

use domain::cells::{Cells, QueryPart, TimeBuckets};
use hashbrown::HashMap;

/// No cell.
pub const NO_CELL: u32 = u32::MAX;
/// Beyond so many buckets a group's are looked up instead of counted off.
const MAX_DENSE_BUCKETS: u32 = 1 << 16;
/// In the place of a site's hash: none yet.
const NO_SITE: u64 = u64::MAX;

#[derive(Debug)]
pub struct PartFold {
    pub cells: Cells,
    /// By cell, the group to which it belongs.
    pub group: Vec<u32>,
    /// By group, where the cell of a bucket is.
    at: Vec<At>,
    /// The first bucket that the part looks at, and how many there are.
    base: u32,
    buckets: u32,
    /// What was put last into the sets of sites and zones, by cell; and of sites by metric and cell: rows of a place lie
    /// together.
    last_place: Vec<(u64, u64)>,
    last_site: Vec<Vec<u64>>,
}

#[derive(Debug, Clone)]
enum At {
    Dense(Vec<u32>),
    SparseValues(HashMap<u32, u32>),
}

impl PartFold {
    pub fn new(part: &QueryPart) -> Self {
        let (base, last) = bounds(part, &part.buckets);
        Self {
            group: vec![],
            at: vec![],
            base,
            buckets: (last - base).saturating_add(1),
            last_place: vec![],
            last_site: part.metrics.iter().map(|_| vec![]).collect(),
            cells: Cells::for_part(part),
        }
    }

    /// The cell of a group in a bucket; made when there is none yet.
    pub fn cell(&mut self, group: u32, bucket: u32) -> u32 {
        let all = group as usize + 1;
        if self.at.len() < all {
            let none =
                if self.buckets <= MAX_DENSE_BUCKETS { At::Dense(vec![]) } else { At::SparseValues(HashMap::new()) };
            self.at.resize(all, none);
        }
        let next = self.group.len() as u32;
        let offset = bucket - self.base;
        let slot = match &mut self.at[group as usize] {
            At::Dense(cells) => {
                if cells.len() <= offset as usize {
                    cells.resize(offset as usize + 1, NO_CELL);
                }
                &mut cells[offset as usize]
            }
            At::SparseValues(cells) => cells.entry(offset).or_insert(NO_CELL),
        };
        if *slot == NO_CELL {
            *slot = next;
            self.group.push(group);
            self.cells.insert(next as usize, bucket);
            self.last_place.push((NO_SITE, NO_SITE));
            self.last_site.iter_mut().for_each(|m| m.push(NO_SITE));
        }
        *slot
    }

    /// Notes the place of a cell's rows.
    pub fn note_place(&mut self, cell: usize, site: u64, zone: u64) {
        let last = &mut self.last_place[cell];
        if let Some(sites) = &mut self.cells.sites
            && (last.0 != site || site == NO_SITE)
        {
            last.0 = site;
            sites[cell].insert(site);
        }
        if let Some(zones) = &mut self.cells.zones
            && (last.1 != zone || zone == NO_SITE)
        {
            last.1 = zone;
            zones[cell].insert(zone);
        }
    }

    /// Notes that a site reported a metric.
    pub fn note_site(&mut self, metric: usize, cell: usize, site: u64) {
        let last = &mut self.last_site[metric][cell];
        if let Some(sites) = &mut self.cells.metrics[metric].sites
            && (*last != site || site == NO_SITE)
        {
            *last = site;
            sites[cell].insert(site);
        }
    }

    /// Merges the cells of another core in, whose group `g` is `groups[g]` here.
    pub fn merge(&mut self, other: &Self, groups: &[u32]) {
        for (from, group) in other.group.iter().enumerate() {
            let cell = self.cell(groups[*group as usize], other.cells.buckets[from]);
            self.cells.merge_row(cell as usize, &other.cells, from);
        }
    }

    /// The cells of each group, in order of buckets.
    pub fn finish(mut self) -> Vec<(u32, Cells)> {
        let mut rows: Vec<Vec<usize>> = vec![vec![]; self.at.len()];
        for (cell, group) in self.group.iter().enumerate() {
            rows[*group as usize].push(cell);
        }
        let mut groups = vec![];
        for (group, mut rows) in rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            rows.sort_unstable_by_key(|r| self.cells.buckets[*r]);
            groups.push((group as u32, self.cells.take_rows(&rows)));
        }
        groups
    }
}

/// The first and the last bucket in which rows of a part may lie.
fn bounds(part: &QueryPart, buckets: &TimeBuckets) -> (u32, u32) {
    let first = part.ranges.iter().next().map_or(0, |r| buckets.bucket_of(r.from()));
    let last = part.ranges.iter().last().map_or(first, |r| buckets.bucket_of(r.to().plus(-1)));
    (first, last.max(first))
}
