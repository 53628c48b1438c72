//! Pictures of models side by side as SVG: a scatter of two metrics, and parallel coordinates over several. Drawn in the
//! page's own classes; what they show is in the tables beside them.

use std::fmt::Write;

use super::{Axis, svg::escape};

/// Height of the plot in px; its margins are padding of the element around it.
pub const PLOT_HEIGHT: f64 = 220.0;

/// Two metrics against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// Read aloud in place of the picture: one sentence.
    pub summary: String,
    pub x: Axis,
    pub y: Axis,
    pub dots: Vec<ScatterPoint>,
    pub limits: Vec<ScatterLimit>,
}

/// A value that is not to be passed, as a dashed line across the picture; beyond the axis it lies at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct ScatterLimit {
    /// On the horizontal axis, else on the vertical one.
    pub across: bool,
    pub at: f64,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ScatterPoint {
    /// What it says on demand.
    pub name: String,
    /// Which group it belongs to: an index into names and colours.
    pub group: usize,
    pub colour: u8,
    pub x: f64,
    pub y: f64,
    /// The value upwards plus and minus this is its interval.
    pub half_width: Option<f64>,
    /// What stands beside it.
    pub label: Option<String>,
}

/// Several metrics side by side, one line a model; the better end of every axis is on top.
#[derive(Debug, Clone, PartialEq)]
pub struct ParallelCoordinates {
    pub summary: String,
    pub axes: Vec<ParallelAxis>,
    pub lines: Vec<ParallelLine>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ParallelAxis {
    pub label: String,
    /// The ends with their words: bottom, top.
    pub bottom: (f64, String),
    pub top: (f64, String),
    /// A range of values that is marked along the axis; its ends may lie beyond those of the axis.
    pub brush: Option<(f64, f64)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct ParallelLine {
    pub name: String,
    pub colour: u8,
    /// One an axis.
    pub values: Vec<Option<f64>>,
}

fn open(out: &mut String, class: &str, summary: &str) {
    let _ = write!(out, r#"<svg class="{class}" width="100%" height="{PLOT_HEIGHT}" role="img" aria-label=""#);
    escape(out, summary);
    out.push_str(r#"" overflow="visible">"#);
}

fn text(out: &mut String, place: &str, class: &str, words: &str) {
    let _ = write!(out, r#"<text {place} class="{class}">"#);
    escape(out, words);
    out.push_str("</text>");
}

/// 0..=1 between the ends of an axis, whichever way it runs.
fn part(v: f64, bottom: f64, top: f64) -> f64 {
    if (top - bottom).abs() < 1e-12 { 0.5 } else { ((v - bottom) / (top - bottom)).clamp(0.0, 1.0) }
}

/// How far from a place, in px, and at which end a text beside it begins: inside of the picture.
fn beside(percent: f64) -> (i32, &'static str) {
    if percent < 70.0 { (8, "start") } else { (-8, "end") }
}

fn ends(axis: &Axis) -> (f64, f64) {
    (axis.ticks.first().map_or(0.0, |t| t.0), axis.ticks.last().map_or(1.0, |t| t.0))
}

/// Draws the scatter.
#[must_use]
pub fn scatter_svg(s: &Scatter) -> String {
    let mut out = String::with_capacity(2_048 + s.dots.len() * 120);
    open(&mut out, "chart-svg", &s.summary);
    text(&mut out, r#"x="-52" y="-18" text-anchor="start""#, "chart-axis-label", &s.y.label);
    text(
        &mut out,
        &format!(r#"x="100%" y="{}" text-anchor="end""#, PLOT_HEIGHT + 38.0),
        "chart-axis-label",
        &s.x.label,
    );
    let ((left, right), (low, high)) = (ends(&s.x), ends(&s.y));
    for (i, (v, label)) in s.y.ticks.iter().enumerate() {
        let y = PLOT_HEIGHT * (1.0 - part(*v, low, high));
        let class = if i == 0 { "base" } else { "grid" };
        let _ = write!(out, r#"<line x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}" class="{class}"/>"#);
        text(&mut out, &format!(r#"x="-8" y="{:.1}" text-anchor="end""#, y + 4.0), "tick", label);
    }
    for (v, label) in &s.x.ticks {
        let x = part(*v, left, right) * 100.0;
        let _ = write!(
            out,
            r#"<line x1="{x:.2}%" x2="{x:.2}%" y1="{PLOT_HEIGHT}" y2="{}" class="base"/>"#,
            PLOT_HEIGHT + 4.0
        );
        text(&mut out, &format!(r#"x="{x:.2}%" y="{}" text-anchor="middle""#, PLOT_HEIGHT + 20.0), "tick", label);
    }
    for limit in &s.limits {
        if limit.across {
            let x = part(limit.at, left, right) * 100.0;
            let _ = write!(
                out,
                r#"<line x1="{x:.2}%" x2="{x:.2}%" y1="0" y2="{PLOT_HEIGHT}" class="threshold" stroke-dasharray="4 4"/>"#
            );
            text(
                &mut out,
                &format!(r#"x="{x:.2}%" dx="{}" y="12" text-anchor="{}""#, beside(x).0, beside(x).1),
                "threshold-label",
                &limit.label,
            );
        } else {
            let y = PLOT_HEIGHT * (1.0 - part(limit.at, low, high));
            let _ = write!(
                out,
                r#"<line x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}" class="threshold" stroke-dasharray="4 4"/>"#
            );
            text(
                &mut out,
                &format!(r#"x="4" y="{:.1}""#, if y < 20.0 { y + 14.0 } else { y - 5.0 }),
                "threshold-label",
                &limit.label,
            );
        }
    }
    let height = |v: f64| PLOT_HEIGHT * (1.0 - part(v, low, high));
    for d in &s.dots {
        let (x, y) = (part(d.x, left, right) * 100.0, height(d.y));
        if let Some(half) = d.half_width {
            let [top, bottom] = [d.y + half, d.y - half].map(height);
            let _ = write!(
                out,
                r#"<line x1="{x:.2}%" x2="{x:.2}%" y1="{top:.1}" y2="{bottom:.1}" class="line s{}"/>"#,
                d.colour
            );
        }
        if let Some(label) = &d.label {
            let (dx, anchor) = beside(x);
            text(
                &mut out,
                &format!(r#"x="{x:.2}%" dx="{dx}" y="{:.1}" text-anchor="{anchor}""#, y + 4.0),
                "end-label",
                label,
            );
        }
        let _ = write!(out, r#"<circle cx="{x:.2}%" cy="{y:.1}" r="4" class="mark-dot s{}"><title>"#, d.colour);
        escape(&mut out, &d.name);
        out.push_str("</title></circle>");
    }
    out.push_str("</svg>");
    out
}

/// Draws parallel coordinates. A line is broken where a model has no value.
#[must_use]
pub fn parallel_svg(p: &ParallelCoordinates) -> String {
    let mut out = String::with_capacity(2_048);
    open(&mut out, "chart-svg", &p.summary);
    let x = |i: usize| if p.axes.len() < 2 { 0.5 } else { i as f64 / (p.axes.len() - 1) as f64 };
    for (i, axis) in p.axes.iter().enumerate() {
        let at = x(i) * 100.0;
        let _ = write!(out, r#"<line x1="{at:.2}%" x2="{at:.2}%" y1="0" y2="{PLOT_HEIGHT}" class="base"/>"#);
        if let Some((low, high)) = axis.brush {
            let [from, to] = [low, high].map(|v| PLOT_HEIGHT * (1.0 - part(v, axis.bottom.0, axis.top.0)));
            let _ = write!(out, r#"<line x1="{at:.2}%" x2="{at:.2}%" y1="{from:.1}" y2="{to:.1}" class="brush"/>"#);
        }
        text(&mut out, &format!(r#"x="{at:.2}%" y="-22" text-anchor="middle""#), "axis-name", &axis.label);
        text(&mut out, &format!(r#"x="{at:.2}%" y="-7" text-anchor="middle""#), "tick", &axis.top.1);
        text(
            &mut out,
            &format!(r#"x="{at:.2}%" y="{}" text-anchor="middle""#, PLOT_HEIGHT + 16.0),
            "tick",
            &axis.bottom.1,
        );
    }
    let _ = write!(
        out,
        r#"<svg width="100%" height="{PLOT_HEIGHT}" viewBox="0 0 1000 {PLOT_HEIGHT}" preserveAspectRatio="none" overflow="visible">"#
    );
    for line in &p.lines {
        let mut d = String::new();
        let mut pen_down = false;
        for (i, (v, axis)) in line.values.iter().zip(&p.axes).enumerate() {
            let Some(v) = v else {
                pen_down = false;
                continue;
            };
            let y = PLOT_HEIGHT * (1.0 - part(*v, axis.bottom.0, axis.top.0));
            let _ = write!(d, "{}{:.1} {y:.1}", if pen_down { 'L' } else { 'M' }, x(i) * 1000.0);
            pen_down = true;
        }
        let _ =
            write!(out, r#"<path class="line s{}" vector-effect="non-scaling-stroke" d="{d}"><title>"#, line.colour);
        escape(&mut out, &line.name);
        out.push_str("</title></path>");
    }
    out.push_str("</svg></svg>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_end_is_on_top_whichever_way_the_axis_runs() {
        let axis = |bottom: f64, top: f64| ParallelAxis {
            label: "<x>".into(),
            bottom: (bottom, bottom.to_string()),
            top: (top, top.to_string()),
            brush: Some((f64::NEG_INFINITY, 0.5)),
        };
        let lines = vec![ParallelLine { name: "a".into(), colour: 1, values: vec![Some(1.0), Some(10.0), None] }];
        let drawn = parallel_svg(&ParallelCoordinates {
            summary: "s".into(),
            axes: vec![axis(0.0, 1.0), axis(30.0, 10.0), axis(0.0, 0.0)],
            lines,
        });
        assert!(drawn.contains(r#"d="M0.0 0.0L500.0 0.0""#), "{drawn}");
        // From the bottom of the first axis to its middle, and from the top of the second one, which runs the other way.
        assert!(drawn.contains(r#"y1="220.0" y2="110.0" class="brush""#), "{drawn}");
        assert!(drawn.contains("&lt;x&gt;") && !drawn.contains("style="));
    }

    #[test]
    fn dots_lie_within_their_axes() {
        let axis = Axis { label: "x".into(), ticks: vec![(0.0, "0".into()), (10.0, "10".into())] };
        let label = Some("<best>".into());
        let dot =
            ScatterPoint { name: "a".into(), group: 0, colour: 2, x: 5.0, y: 99.0, half_width: Some(94.0), label };
        let limits = vec![
            ScatterLimit { across: true, at: 8.0, label: "x ≤ 8".into() },
            ScatterLimit { across: false, at: -4.0, label: "y ≥ −4".into() },
        ];
        let drawn = scatter_svg(&Scatter { summary: "s".into(), x: axis.clone(), y: axis, dots: vec![dot], limits });
        assert!(drawn.contains(r#"cx="50.00%" cy="0.0""#), "{drawn}");
        // From the top of the picture down to 5, and limits at their places, the one below the axis at its end.
        assert!(drawn.contains(r#"y1="0.0" y2="110.0" class="line s2""#), "{drawn}");
        assert!(
            drawn.contains(r#"<line x1="80.00%" x2="80.00%" y1="0""#)
                && drawn.contains(r#"y1="220.0" y2="220.0" class="threshold" stroke-dasharray="4 4""#)
        );
        assert!(drawn.contains("&lt;best&gt;") && drawn.contains("y ≥ −4"));
    }
}
