//! One description of a chart, from which every renderer draws: the SVG of the page and of files, and the ECharts option
//! (`app::ui::chart::option`). It holds data and finished labels; colours are numbers of the palette in `style/tokens.css`.

mod downsample;
mod heatmap;
mod model_charts;
mod svg;
mod ticks;

pub use downsample::{PIXEL_COLUMNS, downsample};
pub use heatmap::{Heatmap, HeatmapRow, heatmap_height, heatmap_svg, heatmap_with_row_names};
pub use model_charts::{
    PLOT_HEIGHT as VERSUS_PLOT, ParallelAxis, ParallelCoordinates, ParallelLine, Scatter, ScatterLimit, ScatterPoint,
    parallel_svg, scatter_svg,
};
pub use svg::{ColourMode, WidthMode, sparkline, standalone_svg, svg};
pub use ticks::{time_ticks, value_ticks};

use crate::time::{Millis, TimeRange};

/// Values over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Read aloud in place of the picture: one sentence.
    pub summary: String,
    pub range: TimeRange,
    /// How much time a point stands for, in ms.
    pub step: i64,
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
    /// In order of time.
    pub points: Vec<Point>,
    /// An interval around the line: time, low, high.
    pub band: Vec<(Millis, f64, f64)>,
    /// Written at the end of the line.
    pub end_label: String,
    /// How far its points were moved along the axis, in ms: an earlier period laid over this one.
    pub shift: i64,
}

impl Series {
    /// Another period than the axis says.
    #[must_use]
    pub fn is_earlier(&self) -> bool {
        self.shift != 0
    }
}

/// One point of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: Millis,
    /// `None` is a gap.
    pub value: Option<f64>,
    /// Records behind the value.
    pub n: u64,
}

impl Point {
    #[must_use]
    pub fn new(at: Millis, value: f64, n: u64) -> Self {
        Self { at, value: Some(value), n }
    }
    #[must_use]
    pub fn gap(at: Millis) -> Self {
        Self { at, value: None, n: 0 }
    }
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
