//! One description of a chart, from which every renderer draws: the SVG of the page today, other renderers later.
//! It holds data and finished labels; colours are numbers of the palette in `style/tokens.css`.

mod reduce;
mod svg;
mod ticks;

pub use reduce::reduce;
pub use svg::{Paint, Size, sparkline, svg};
pub use ticks::{time_ticks, value_ticks};

use crate::time::{Millis, TimeRange};

/// Values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Read aloud in place of the picture: one sentence.
    pub summary: String,
    pub range: TimeRange,
    /// Moments on the time axis with their labels.
    pub x_ticks: Vec<(Millis, String)>,
    pub y: Axis,
    pub series: Vec<Series>,
    /// Dashed lines with the name of their rule.
    pub thresholds: Vec<Threshold>,
    /// Small flags on top, such as a model that went live.
    pub markers: Vec<Marker>,
}

/// The value axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Metric and unit, written above the axis.
    pub label: String,
    /// Round values with their labels, from low to high; the first and the last bound the drawing.
    pub ticks: Vec<(f64, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub name: String,
    /// 1 to 8 from the palette; 0 is the grey "other".
    pub colour: u8,
    /// In order of time; `None` is a gap.
    pub points: Vec<(Millis, Option<f64>)>,
    /// An interval around the line: time, low, high.
    pub band: Vec<(Millis, f64, f64)>,
    /// Written at the end of the line.
    pub end_label: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    pub name: String,
    pub value: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Marker {
    pub at: Millis,
    pub label: String,
}
