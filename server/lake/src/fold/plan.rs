//! A question about cells as the fold works on it: which columns it reads, and which parts want what of which metric.

use std::collections::BTreeSet;

use domain::{
    cells::{CellsQuery, Detail, Dimension},
    query::MetricColumn,
    time::{DAY, Millis, Ranges},
};

/// What is to be folded.
#[derive(Debug)]
pub struct Plan {
    pub query: CellsQuery,
    /// Every metric of any part, once.
    pub metrics: Vec<Metric>,
    /// The different ways to group, and by part which of them it is.
    pub groupings: Vec<Vec<Dimension>>,
    pub grouping: Vec<usize>,
    /// Whether rows are told apart by these, beside what they are grouped by.
    pub places: bool,
    pub devices: bool,
    pub models: bool,
    pub runs: bool,
    /// Whether it matters when rows arrived.
    pub arrivals: bool,
}

/// A metric, and which parts want it.
#[derive(Debug)]
pub struct Metric {
    pub column: MetricColumn,
    pub wants: Vec<Want>,
    /// Whether a part wants more than means.
    pub spread: bool,
    /// Whether a part wants the newest value.
    pub latest: bool,
}

/// Part, and place among its metrics.
#[derive(Debug, Clone, Copy)]
pub struct Want {
    pub part: usize,
    pub at: usize,
}

impl Plan {
    pub fn new(query: CellsQuery) -> Self {
        let mut plan = Self {
            metrics: vec![],
            groupings: vec![],
            grouping: vec![],
            places: query.filter.on.is_some(),
            devices: !query.filter.devices.is_empty(),
            models: !query.filter.models.is_empty(),
            runs: false,
            arrivals: query.filter.known_at.is_some() || query.filter.received_within.is_some(),
            query,
        };
        let mut known: std::collections::HashMap<MetricColumn, usize> = std::collections::HashMap::new();
        for (number, part) in plan.query.parts.iter().enumerate() {
            let grouping = plan.groupings.iter().position(|g| *g == part.group_by).unwrap_or_else(|| {
                plan.groupings.push(part.group_by.clone());
                plan.groupings.len() - 1
            });
            plan.grouping.push(grouping);
            plan.places |= part.noted.sites || part.noted.zones || part.metrics.iter().any(|w| w.sites);
            plan.devices |= part.noted.devices || part.metrics.iter().any(|w| w.devices);
            plan.models |= part.group_by.contains(&Dimension::Model);
            for (at, wanted) in part.metrics.iter().enumerate() {
                let m = *known.entry(wanted.column.clone()).or_insert_with(|| {
                    let column = wanted.column.clone();
                    plan.metrics.push(Metric { column, wants: vec![], spread: false, latest: false });
                    plan.metrics.len() - 1
                });
                let metric = &mut plan.metrics[m];
                metric.wants.push(Want { part: number, at });
                metric.spread |= wanted.detail > Detail::Means;
                metric.latest |= wanted.latest;
            }
        }
        plan.runs = plan.models && plan.query.filter.versions.knows_runs();
        plan
    }

    /// Columns of text whose values tell rows apart.
    pub fn texts(&self) -> Vec<&'static str> {
        let mut columns: Vec<&'static str> = vec![];
        if self.places {
            columns.extend(["customer", "site", "zone"]);
        }
        for by in self.groupings.iter().flatten() {
            columns.extend(match by {
                Dimension::Customer => Some("customer"),
                Dimension::Site => Some("site"),
                Dimension::Zone => Some("zone"),
                Dimension::Task => Some("task"),
                Dimension::Device => Some("device"),
                Dimension::Model => None,
            });
        }
        if self.models {
            columns.extend(MODEL);
        }
        if self.runs {
            columns.push(RUN);
        }
        if self.devices {
            columns.push("device");
        }
        once(columns)
    }

    /// The columns that the fold reads.
    pub fn columns(&self) -> Vec<&'static str> {
        let mut columns = vec!["timestamp", "seq", "samples", "simulated"];
        columns.extend(self.texts());
        if self.arrivals {
            columns.push("received_at");
        }
        columns.extend(self.metrics.iter().map(|m| super::source_column(&m.column)));
        once(columns)
    }

    /// Everything that any part looks at, and nothing between.
    pub fn reach(&self) -> Ranges {
        self.query.reach()
    }
}

/// What a row says of its model, in the order of [`domain::model::Said`].
pub const MODEL: [&str; 4] = ["registered_model", "registered_version", "model_architecture", "model_version"];
pub const RUN: &str = "run_id";

fn once(mut columns: Vec<&'static str>) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    columns.retain(|c| seen.insert(*c));
    columns
}

/// From when until before when every part has the same stretch, at least, and which; `None` for a part that does not look there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Span {
    pub from: i64,
    pub to: i64,
    pub stretches: Vec<Option<u32>>,
}

impl Span {
    pub fn of(plan: &Plan, at: Millis) -> Self {
        let (mut from, mut to) = (i64::MIN, i64::MAX);
        let mut narrow = |begin: i64, end: i64| {
            for edge in [begin, end] {
                if edge <= at.0 { from = from.max(edge) } else { to = to.min(edge) }
            }
        };
        if plan.query.filter.on.is_some() {
            let day = at.0.div_euclid(DAY) * DAY;
            narrow(day, day + DAY);
        }
        let mut stretch = |part: &domain::cells::Part| {
            part.ranges.iter().for_each(|r| narrow(r.from().0, r.to().0));
            let stretch = part.ranges.contains(at).then(|| part.edges.stretch(at))?;
            let (begin, end) = part.edges.bounds(stretch);
            narrow(begin.map_or(i64::MIN, |t| t.0), end.map_or(i64::MAX, |t| t.0));
            Some(stretch)
        };
        let stretches = plan.query.parts.iter().map(&mut stretch).collect();
        Self { from, to, stretches }
    }
}
