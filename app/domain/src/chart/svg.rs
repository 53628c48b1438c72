//! Draws a chart as SVG text. Lines live in a stretched inner picture, labels outside of it, so that one drawing is sharp
//! at every width. No `style` attribute is written: the page's policy forbids them.

use std::fmt::Write;

use super::{Chart, PIXEL_COLUMNS, Series, downsample};
use crate::time::{Millis, TimeRange};

/// Where colours come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourMode {
    /// Classes of the page: follows its theme.
    Page,
    /// Colours written into the file, for downloads, e-mail and images. Light theme.
    Resolved,
}

/// How wide the drawing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WidthMode {
    /// As wide as its place on the page; needs the classes of `style/chart.css`.
    Fluid,
    /// So many pixels.
    Fixed(u32),
}

/// Heights and margins in pixels, as in `style/components/chart.css`. The left margin holds value labels, the right one
/// the labels at line ends.
const TOP: f64 = 30.0;
const PLOT_HEIGHT: f64 = 184.0;
const BOTTOM: f64 = 28.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 64.0;
/// How large the dot of a lonely point is, as `.dot` in `style/components/chart.css`.
const DOT: f64 = 5.0;
/// Width of the stretched inner picture, in its own units.
const INNER: f64 = 1000.0;

const SERIES: [&str; 9] =
    ["#8b919c", "#577bed", "#b63d0e", "#559f90", "#952073", "#a29220", "#633eb0", "#458199", "#8e2931"];

/// One hue by lightness, as `--shade-0` to `--shade-6` of `style/tokens.css`.
const SHADES: [&str; 7] = ["#eaf0fd", "#d3dffb", "#b3c7f7", "#90abf1", "#6c8ee6", "#4a6fd0", "#2f4fa6"];

/// Draws the chart.
#[must_use]
pub fn svg(chart: &Chart, paint: ColourMode, size: WidthMode) -> String {
    let mut out = String::with_capacity(8_192);
    let scale = Scale::of(chart);
    let open = |out: &mut String, class: &str, width: &str, height: f64| {
        let _ = write!(out, r#"<svg class="{class}" width="{width}" height="{height}" role="img" aria-label=""#);
        escape(out, &chart.summary);
        out.push_str("\" xmlns=\"http://www.w3.org/2000/svg\"");
    };
    match size {
        // The picture is the plot alone; its margins are padding of the element around it.
        WidthMode::Fluid => {
            open(&mut out, "chart-svg", "100%", PLOT_HEIGHT);
            out.push_str(r#" overflow="visible">"#);
        }
        WidthMode::Fixed(w) => {
            open(&mut out, "chart-file", &w.to_string(), TOP + PLOT_HEIGHT + BOTTOM);
            out.push_str(r##" font-family="system-ui,sans-serif" font-size="12" fill="#5b6270">"##);
            let plot = (f64::from(w) - LEFT - RIGHT).max(50.0);
            let _ =
                write!(out, r#"<svg x="{LEFT}" y="{TOP}" width="{plot}" height="{PLOT_HEIGHT}" overflow="visible">"#);
        }
    }
    text(&mut out, &format!("-{LEFT}"), 12.0 - TOP, "start", "chart-axis-label", &chart.y.label);
    grid(&mut out, chart, &scale, paint);
    lines(&mut out, chart, &scale, paint);
    labels(&mut out, chart, &scale, paint);
    out.push_str(if matches!(size, WidthMode::Fixed(_)) { "</svg></svg>" } else { "</svg>" });
    out
}

/// A drawing of the page as a file of its own: `drawing` is fluid SVG of `height` px that names classes; they are resolved
/// by a style sheet inside of the file. Light theme.
#[must_use]
pub fn standalone_svg(drawing: &str, title: &str, legend: &[(String, u8)], width: u32, height: f64) -> String {
    const HEAD: f64 = 84.0;
    const FOOT: f64 = 48.0;
    let mut out = String::with_capacity(drawing.len() + 2_048);
    let plot = (f64::from(width) - LEFT - RIGHT).max(50.0);
    let _ = write!(
        out,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{}" font-family="system-ui,sans-serif" font-size="12"><style>text{{fill:#5b6270}}.title,.axis-name{{fill:#17191c}}.grid{{stroke:#e6e6e3}}.base{{stroke:#b9bcc2}}.line,.mark-dot{{fill:none;stroke-width:1.75}}"##,
        HEAD + height + FOOT
    );
    for (i, colour) in SERIES.iter().enumerate() {
        let _ = write!(out, ".s{i}{{stroke:{colour}}}");
    }
    for (i, colour) in SHADES.iter().enumerate() {
        let _ = write!(out, ".h{i}{{fill:{colour}}}");
    }
    out.push_str(r##"</style><rect width="100%" height="100%" fill="#ffffff"/>"##);
    text(&mut out, "16", 22.0, "start", "title", title);
    // Names in the colour of their lines, one after the other; the words' width is guessed from their letters.
    let mut x = 16.0;
    for (name, colour) in legend {
        let _ = write!(out, r##"<path class="line s{colour}" d="M{x:.0} 38h14"/>"##);
        text(&mut out, &format!("{:.0}", x + 19.0), 42.0, "start", "", name);
        x += 44.0 + 6.6 * name.chars().count() as f64;
    }
    let _ = write!(out, r#"<svg x="{LEFT}" y="{HEAD}" width="{plot}" height="{height}" overflow="visible">"#);
    out.push_str(drawing);
    out.push_str("</svg></svg>");
    out
}

/// A word-sized line without axes. `values` lie at equal distances; `None` is a gap. Empty text when nothing is known.
#[must_use]
pub fn sparkline(values: &[Option<f64>], colour: u8) -> String {
    let known: Vec<f64> = values.iter().flatten().copied().collect();
    let (Some(low), Some(high)) = (known.iter().copied().reduce(f64::min), known.iter().copied().reduce(f64::max))
    else {
        return String::new();
    };
    let spread = if high - low < 1e-12 { 1.0 } else { high - low };
    let x = |i: usize| i as f64 * 100.0 / (values.len().max(2) - 1) as f64;
    let y = |v: f64| if high - low < 1e-12 { 12.0 } else { 21.0 - 18.0 * (v - low) / spread };
    let mut d = String::new();
    let mut pen_down = false;
    for (i, v) in values.iter().enumerate() {
        match v {
            None => pen_down = false,
            Some(v) => {
                let alone = !pen_down && !matches!(values.get(i + 1), Some(Some(_)));
                let _ = write!(d, "{}{:.1} {:.1}", if pen_down { 'L' } else { 'M' }, x(i), y(*v));
                if alone {
                    d.push_str("h0");
                }
                pen_down = true;
            }
        }
    }
    let mut out =
        String::from(r#"<svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">"#);
    let _ = write!(out, r#"<path class="line s{colour}" d="{d}" vector-effect="non-scaling-stroke"/>"#);
    if let Some((i, v)) = values.iter().enumerate().rev().find_map(|(i, v)| v.map(|v| (i, v))) {
        let _ = write!(
            out,
            r#"<path class="dot s{colour}" d="M{:.1} {:.1}h0" vector-effect="non-scaling-stroke"/>"#,
            x(i),
            y(v)
        );
    }
    out.push_str("</svg>");
    out
}

struct Scale {
    range: TimeRange,
    low: f64,
    high: f64,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let low = chart.y.ticks.first().map_or(0.0, |t| t.0);
        let high = chart.y.ticks.last().map_or(1.0, |t| t.0);
        Self { range: chart.range, low, high: if high > low { high } else { low + 1.0 } }
    }
    /// 0..=1 over the range.
    fn x(&self, t: Millis) -> f64 {
        ((t.0 - self.range.from().0) as f64 / self.range.length() as f64).clamp(0.0, 1.0)
    }
    fn y(&self, v: f64) -> f64 {
        PLOT_HEIGHT * (1.0 - ((v - self.low) / (self.high - self.low)).clamp(-0.05, 1.05))
    }
}

fn grid(out: &mut String, chart: &Chart, scale: &Scale, paint: ColourMode) {
    for (i, (v, label)) in chart.y.ticks.iter().enumerate() {
        let y = scale.y(*v);
        let (class, colour) = if i == 0 { ("base", "#b9bcc2") } else { ("grid", "#e6e6e3") };
        let _ =
            write!(out, r#"<line x1="0" x2="100%" y1="{y:.1}" y2="{y:.1}" {}/>"#, stroke(paint, class, colour, 1.0));
        text(out, "-8", y + 4.0, "end", "tick", label);
    }
    for (i, (t, label)) in chart.x_ticks.iter().enumerate() {
        // Where it is narrow, every other word is left out.
        let class = if i % 2 == 1 { "tick spare" } else { "tick" };
        let x = scale.x(*t) * 100.0;
        let _ = write!(
            out,
            r#"<line x1="{x:.2}%" x2="{x:.2}%" y1="{PLOT_HEIGHT}" y2="{}" {}/>"#,
            PLOT_HEIGHT + 4.0,
            stroke(paint, "base", "#b9bcc2", 1.0)
        );
        text(out, &format!("{x:.2}%"), PLOT_HEIGHT + 20.0, "middle", class, label);
    }
}

fn lines(out: &mut String, chart: &Chart, scale: &Scale, paint: ColourMode) {
    let _ = write!(
        out,
        r#"<svg width="100%" height="{PLOT_HEIGHT}" viewBox="0 0 {INNER} {PLOT_HEIGHT}" preserveAspectRatio="none" overflow="visible">"#
    );
    for s in chart.series.iter().filter(|s| s.band.len() > 1) {
        let mut d = String::new();
        for (i, (t, _, high)) in s.band.iter().enumerate() {
            let _ = write!(d, "{}{:.1} {:.1}", if i == 0 { 'M' } else { 'L' }, scale.x(*t) * INNER, scale.y(*high));
        }
        for (t, low, _) in s.band.iter().rev() {
            let _ = write!(d, "L{:.1} {:.1}", scale.x(*t) * INNER, scale.y(*low));
        }
        let fill = match paint {
            ColourMode::Page => format!(r#"class="band s{}""#, s.colour),
            ColourMode::Resolved => format!(r#"fill="{}" fill-opacity="0.15" stroke="none""#, colour(s)),
        };
        let _ = write!(out, r#"<path {fill} d="{d}Z"/>"#);
    }
    for t in &chart.thresholds {
        let y = scale.y(t.value);
        let _ = write!(
            out,
            r#"<path {} stroke-dasharray="5 4" d="M0 {y:.1}H{INNER}"/>"#,
            stroke(paint, "threshold", "#c4291c", 1.5)
        );
    }
    // The present lies on top of what it is compared with.
    for s in chart.series.iter().filter(|s| s.is_earlier()).chain(chart.series.iter().filter(|s| !s.is_earlier())) {
        let (line, dots) = paths(s, scale);
        let (class, dash) = if s.is_earlier() {
            (format!("line earlier s{}", s.colour), r#" stroke-dasharray="4 3""#)
        } else {
            (format!("line s{}", s.colour), "")
        };
        let _ = write!(out, r#"<path {}{dash} d="{line}"/>"#, stroke(paint, &class, colour(s), 1.75));
        if !dots.is_empty() {
            let class = format!("dot s{}", s.colour);
            let _ = write!(out, r#"<path {} d="{dots}"/>"#, stroke(paint, &class, colour(s), DOT));
        }
    }
    for m in &chart.markers {
        let x = scale.x(m.at) * INNER;
        let _ = write!(out, r#"<path {} d="M{x:.1} -6V{PLOT_HEIGHT}"/>"#, stroke(paint, "marker", "#5b6270", 1.0));
    }
    out.push_str("</svg>");
}

/// The line of a series, whose pen is lifted at gaps, and the points between two gaps, which are no line but dots.
fn paths(series: &Series, scale: &Scale) -> (String, String) {
    let points = downsample(&series.points, &scale.range, PIXEL_COLUMNS);
    let (mut line, mut dots) = (String::with_capacity(points.len() * 12), String::new());
    let mut pen_down = false;
    for (i, p) in points.iter().enumerate() {
        let Some(v) = p.value else {
            pen_down = false;
            continue;
        };
        let (x, y) = (scale.x(p.at) * INNER, scale.y(v));
        let goes_on = points.get(i + 1).is_some_and(|next| next.value.is_some());
        if pen_down || goes_on {
            let _ = write!(line, "{}{x:.1} {y:.1}", if pen_down { 'L' } else { 'M' });
        } else {
            let _ = write!(dots, "M{x:.1} {y:.1}h0");
        }
        pen_down = goes_on;
    }
    (line, dots)
}

fn labels(out: &mut String, chart: &Chart, scale: &Scale, paint: ColourMode) {
    for t in &chart.thresholds {
        text(out, "100%", scale.y(t.value) - 5.0, "end", "threshold-label", &t.name);
    }
    let mut free_from = -1.0;
    for m in &chart.markers {
        let x = scale.x(m.at) * 100.0;
        // Flags that would lie on each other keep their line and lose their word.
        if x >= free_from {
            text(out, &format!("{x:.2}%"), -10.0, if x > 80.0 { "end" } else { "start" }, "marker-label", &m.label);
            free_from = x + 14.0;
        }
    }
    let mut ends: Vec<(f64, &Series)> = chart
        .series
        .iter()
        .filter(|s| !s.end_label.is_empty())
        .filter_map(|s| s.points.iter().rev().find_map(|p| p.value).map(|v| (scale.y(v), s)))
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut above = f64::NEG_INFINITY;
    for (y, s) in ends {
        let y = (y + 4.0).max(above + 14.0);
        above = y;
        let class = format!("end-label s{}", s.colour);
        match paint {
            ColourMode::Page => text_at_end(out, y, &format!(r#"class="{class}""#), &s.end_label),
            ColourMode::Resolved => text_at_end(out, y, &format!(r#"fill="{}""#, colour(s)), &s.end_label),
        }
    }
}

fn text_at_end(out: &mut String, y: f64, attributes: &str, words: &str) {
    let _ = write!(out, r#"<text x="100%" dx="8" y="{y:.1}" {attributes}>"#);
    escape(out, words);
    out.push_str("</text>");
}

fn text(out: &mut String, x: &str, y: f64, anchor: &str, class: &str, words: &str) {
    let _ = write!(out, r#"<text x="{x}" y="{y:.1}" text-anchor="{anchor}" class="{class}">"#);
    escape(out, words);
    out.push_str("</text>");
}

fn stroke(paint: ColourMode, class: &str, colour: &str, width: f64) -> String {
    match paint {
        ColourMode::Page => format!(r#"class="{class}" vector-effect="non-scaling-stroke""#),
        ColourMode::Resolved => {
            format!(
                r#"fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" vector-effect="non-scaling-stroke""#
            )
        }
    }
}

fn colour(series: &Series) -> &'static str {
    SERIES[usize::from(series.colour).min(SERIES.len() - 1)]
}

pub(super) fn escape(out: &mut String, words: &str) {
    for c in words.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{Axis, Marker, Point, Threshold};

    fn chart(points: Vec<(Millis, Option<f64>)>) -> Chart {
        let points = points.into_iter().map(|(at, value)| Point { at, value, n: 1 }).collect();
        Chart {
            step: 10,
            summary: "mAP50 <fell> & \"rose\"".into(),
            range: TimeRange::new(Millis(0), Millis(100)).expect("a range"),
            x_ticks: vec![(Millis(50), "noon".into())],
            y: Axis { label: "mAP50".into(), ticks: vec![(0.0, "0".into()), (1.0, "1".into())] },
            series: vec![Series {
                name: "a".into(),
                colour: 1,
                points,
                band: vec![],
                end_label: "0.5".into(),
                shift: 0,
            }],
            thresholds: vec![Threshold { name: "low".into(), value: 0.5 }],
            markers: vec![Marker { at: Millis(20), label: "v2".into() }],
        }
    }

    #[test]
    fn gaps_are_gaps_and_a_lonely_point_is_seen() {
        let c =
            chart(vec![(Millis(0), Some(0.0)), (Millis(10), Some(0.5)), (Millis(20), None), (Millis(90), Some(1.0))]);
        let drawn = svg(&c, ColourMode::Page, WidthMode::Fluid);
        assert!(
            drawn.contains(r#"class="line s1" vector-effect="non-scaling-stroke" d="M0.0 184.0L100.0 92.0"/>"#),
            "{drawn}"
        );
        assert!(drawn.contains(r#"class="dot s1" vector-effect="non-scaling-stroke" d="M900.0 0.0h0"/>"#), "{drawn}");
        let c = chart(vec![(Millis(0), None), (Millis(20), Some(0.5)), (Millis(40), None), (Millis(60), Some(0.5))]);
        let file = svg(&c, ColourMode::Resolved, WidthMode::Fixed(720));
        assert!(file.contains(r#"stroke-width="5""#) && file.contains(r#"d="M200.0 92.0h0M600.0 92.0h0""#), "{file}");
    }

    #[test]
    fn words_are_escaped_and_no_style_is_written() {
        let drawn = svg(&chart(vec![]), ColourMode::Page, WidthMode::Fluid);
        assert!(drawn.contains("mAP50 &lt;fell&gt; &amp; &quot;rose&quot;"));
        assert!(!drawn.contains("style="));
        let file = svg(&chart(vec![(Millis(1), Some(0.2))]), ColourMode::Resolved, WidthMode::Fixed(720));
        assert!(file.contains("#577bed") && !file.contains("var(") && file.contains(r#"width="604""#));
    }

    #[test]
    fn a_file_of_its_own_resolves_every_class() {
        let drawn =
            standalone_svg(r#"<svg class="heat"><rect class="h6"/></svg>"#, "a <b>", &[("m&".into(), 2)], 960, 220.0);
        assert!(
            drawn.contains(".h6{fill:#2f4fa6}") && drawn.contains("a &lt;b&gt;") && drawn.ends_with("</svg></svg>")
        );
        assert!(drawn.contains(r#"width="960" height="352""#), "{drawn}");
        assert!(drawn.contains(r#"class="line s2""#) && drawn.contains("m&amp;"));
    }

    #[test]
    fn a_sparkline_of_nothing_is_nothing_and_of_one_value_a_dot() {
        assert_eq!(sparkline(&[None, None], 1), "");
        assert!(sparkline(&[Some(1.0)], 1).contains("h0"));
        assert!(!sparkline(&[Some(1.0), Some(1.0), None, Some(1.0)], 1).contains("NaN"));
    }
}
