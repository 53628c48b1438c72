//! Units of measured values, and how one becomes another.

/// What is measured. Units of one dimension become each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    Time,
    /// Parts of a whole.
    Share,
    Memory,
    Rate,
}

/// A unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Unit {
    /// As it is written.
    pub name: &'static str,
    pub dimension: Dimension,
    /// How much of the smallest unit of its dimension it is: a whole number, so that conversions are exact where they can be.
    size: u64,
}

const fn unit(name: &'static str, dimension: Dimension, size: u64) -> Unit {
    Unit { name, dimension, size }
}

/// All of them.
const UNITS: [Unit; 21] = [
    unit("ns", Dimension::Time, 1),
    unit("us", Dimension::Time, 1_000),
    unit("µs", Dimension::Time, 1_000),
    unit("ms", Dimension::Time, 1_000_000),
    unit("s", Dimension::Time, 1_000_000_000),
    unit("min", Dimension::Time, 60_000_000_000),
    unit("h", Dimension::Time, 3_600_000_000_000),
    unit("percent", Dimension::Share, 1),
    unit("%", Dimension::Share, 1),
    Unit::RATIO,
    unit("B", Dimension::Memory, 1),
    unit("kB", Dimension::Memory, 1_000),
    unit("KiB", Dimension::Memory, 1 << 10),
    unit("MB", Dimension::Memory, 1_000_000),
    unit("MiB", Dimension::Memory, 1 << 20),
    unit("GB", Dimension::Memory, 1_000_000_000),
    unit("GiB", Dimension::Memory, 1 << 30),
    unit("fps", Dimension::Rate, 60),
    unit("1/s", Dimension::Rate, 60),
    unit("Hz", Dimension::Rate, 60),
    unit("1/min", Dimension::Rate, 1),
];

impl Unit {
    /// Parts of one.
    pub const RATIO: Self = unit("ratio", Dimension::Share, 100);

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        UNITS.into_iter().find(|unit| unit.name == text)
    }

    /// The names of all units, or of one dimension's.
    #[must_use]
    pub fn names(of: Option<Dimension>) -> Vec<&'static str> {
        UNITS.iter().filter(|unit| of.is_none_or(|d| unit.dimension == d)).map(|unit| unit.name).collect()
    }
}

/// From one unit to another of the same dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conversion {
    from: Unit,
    to: Unit,
}

impl Conversion {
    /// `None` between units that measure different things.
    #[must_use]
    pub fn new(from: Unit, to: Unit) -> Option<Self> {
        (from.dimension == to.dimension).then_some(Self { from, to })
    }

    /// To fifteen digits: 0.612 is 61.2 %, and not 61.199999999999996 %.
    #[must_use]
    pub fn apply(self, value: f64) -> f64 {
        let (from, to) = (self.from.size as f64, self.to.size as f64);
        let exact = if from >= to { value * (from / to) } else { value / (to / from) };
        if from == to { value } else { format!("{exact:.14e}").parse().unwrap_or(exact) }
    }
}
