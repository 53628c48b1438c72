//! The curve of a metric of a run: its values by step or by wall clock, smoothed or not, on a linear or a logarithmic scale. However
//! many points there are, lowest and highest of each column of the picture are drawn.

use domain::{
    Result,
    chart::{Axis, Chart, ColourMode, Point, Series, WidthMode, downsample, svg, time_ticks, value_ticks},
    error::Error,
    metric::Metric,
    time::{MAX_RANGE_MS, Millis, TimeRange},
    tracking::MetricPoint,
};

use super::{sentences, words};
use crate::ui::{
    chart::{ChartView, PictureTools, option},
    fmt::Fmt,
};

/// About so many ticks on an axis.
const TICKS: usize = 5;
/// Columns of a small picture for which points are reduced.
pub(super) const COLUMNS: usize = 240;
/// Larger values cannot be put on one axis with their negatives: they count as infinite.
pub const MOST: f64 = f64::MAX / 16.0;
/// Weights of smoothing that are offered.
pub const SMOOTHING_WEIGHTS: [&str; 4] = ["0.6", "0.8", "0.9", "0.97"];
/// The largest weight of smoothing.
const MAX_SMOOTHING: f64 = 0.99;

/// What the horizontal axis says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CurveAxis {
    #[default]
    Step,
    /// When each value was logged.
    Time,
}

/// How curves are drawn, as an address says it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CurveStyle {
    pub axis: CurveAxis,
    pub log_scale: bool,
    /// Weight of what came before in an exponential moving average, 0 for none; below 1.
    pub smoothing: f64,
}

impl CurveStyle {
    /// Reads `axis`.
    ///
    /// # Errors
    /// Says what it may be, as the others do.
    pub fn read_axis(text: &str) -> Result<CurveAxis> {
        match text {
            "step" => Ok(CurveAxis::Step),
            "time" => Ok(CurveAxis::Time),
            other => Err(Error::bad_input(sentences::bad_axis(domain::scope::clip_text(other)))),
        }
    }

    /// Reads `scale`: whether it is logarithmic.
    ///
    /// # Errors
    /// As [`CurveStyle::read_axis`].
    pub fn read_scale(text: &str) -> Result<bool> {
        match text {
            "linear" => Ok(false),
            "log" => Ok(true),
            other => Err(Error::bad_input(sentences::bad_scale(domain::scope::clip_text(other)))),
        }
    }

    /// Reads `smooth`.
    ///
    /// # Errors
    /// As [`CurveStyle::read_axis`].
    pub fn read_smoothing(text: &str) -> Result<f64> {
        let weight = text.parse().ok().filter(|s| (0.0..=MAX_SMOOTHING).contains(s));
        weight.ok_or_else(|| Error::bad_input(sentences::bad_smoothing(MAX_SMOOTHING, domain::scope::clip_text(text))))
    }
}

/// Where a point stands on the axis of the chart, which counts in milliseconds. Steps count from the first one on; what spans more
/// than a chart may is divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Positions {
    axis: CurveAxis,
    pub first: i64,
    pub scale: i64,
    pub range: TimeRange,
}

impl Positions {
    pub(super) fn of(points: &[MetricPoint], axis: CurveAxis) -> Result<Self> {
        let all = points.iter().map(|p| position(p, axis));
        let ends =
            all.fold(None, |ends: Option<(i64, i64)>, x| Some(ends.map_or((x, x), |(a, b)| (a.min(x), b.max(x)))));
        let (low, high) = ends.unwrap_or((0, 1));
        let span = (i128::from(high) - i128::from(low)).max(1);
        let scale = i64::try_from(span / i128::from(MAX_RANGE_MS)).unwrap_or(i64::MAX - 1) + 1;
        // Moments stay moments where they can.
        let first = if axis == CurveAxis::Time && scale == 1 { 0 } else { low };
        let from = at(first, scale, low);
        let range = TimeRange::new(from, at(first, scale, high).max(from.plus(1)))?;
        Ok(Self { axis, first, scale, range })
    }

    pub(super) fn of_point(&self, p: &MetricPoint) -> Millis {
        at(self.first, self.scale, position(p, self.axis))
    }

    /// The step or the moment that stands at a place of the axis.
    fn value(&self, at: Millis) -> i64 {
        let x = i128::from(at.0) * i128::from(self.scale) + i128::from(self.first);
        i64::try_from(x).unwrap_or(i64::MAX)
    }

    pub(super) fn ticks(&self, fmt: &Fmt) -> Vec<(Millis, String)> {
        match self.axis {
            CurveAxis::Time if self.scale == 1 => {
                let ticks = time_ticks(&self.range, &fmt.zone, TICKS);
                let gap = ticks.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap_or(0);
                ticks.into_iter().map(|t| (t, fmt.tick(t, gap))).collect()
            }
            CurveAxis::Time => [self.range.from(), self.range.to()]
                .map(|t| (t, fmt.strftime(Millis(self.value(t)), "%Y-%m-%d")))
                .to_vec(),
            CurveAxis::Step => {
                let (low, high) = (self.value(self.range.from()), self.value(self.range.to()));
                let (ticks, _) = value_ticks(low as f64, high as f64, TICKS);
                let within = ticks.into_iter().filter(|t| (low as f64..=high as f64).contains(t) && t.fract() == 0.0);
                let within: Vec<f64> = within.collect();
                let places = within.iter().map(|t| at(self.first, self.scale, *t as i64));
                places.zip(step_labels(fmt, &within)).collect()
            }
        }
    }
}

fn at(first: i64, scale: i64, x: i64) -> Millis {
    let from_first = (i128::from(x) - i128::from(first)) / i128::from(scale);
    Millis(i64::try_from(from_first).unwrap_or(i64::MAX))
}

pub(super) fn position(p: &MetricPoint, axis: CurveAxis) -> i64 {
    match axis {
        CurveAxis::Step => p.step,
        CurveAxis::Time => p.timestamp.0,
    }
}

/// Steps from which on they are written short, or they would lie on each other.
const LONG_STEP: f64 = 1e6;
/// So many digits behind the point have powers of ten in the place of steps.
const STEP_DIGITS: usize = 3;

/// Steps beside the axis: whole, as powers of ten where they are large, and where these do not tell them apart as what is to be added to
/// the first one.
fn step_labels(fmt: &Fmt, steps: &[f64]) -> Vec<String> {
    if steps.iter().all(|s| s.abs() < LONG_STEP) {
        return steps.iter().map(|s| fmt.decimal(*s, 0)).collect();
    }
    let short = |s: f64, digits: usize| if s == 0.0 { "0".to_owned() } else { format!("{s:.digits$e}") };
    let exact = |digits: &usize| steps.iter().all(|s| short(*s, *digits).parse() == Ok(*s));
    if let Some(digits) = (0..=STEP_DIGITS).find(exact) {
        return steps.iter().map(|s| short(*s, digits).replace('-', "−")).collect();
    }
    let Some((first, others)) = steps.split_first() else { return vec![] };
    let further: Vec<f64> = others.iter().map(|s| s - first).collect();
    // Of what is still not told apart there are fewer each time.
    let further = step_labels(fmt, &further).into_iter().map(|label| format!("+{label}"));
    [scientific(*first)].into_iter().chain(further).collect()
}

/// The value that is drawn; `None` for what the scale has no place for: NaN, infinities (which MLflow keeps as the largest finite
/// numbers), and on a logarithmic scale what is not above zero.
pub(super) fn drawn(value: f64, log_scale: bool) -> Option<f64> {
    if !value.is_finite() || value.abs() > MOST || (log_scale && value <= 0.0) {
        return None;
    }
    Some(if log_scale { value.log10() } else { value })
}

/// The exponential moving average of values, without the pull to zero at its beginning. Gaps are passed over.
pub(super) fn smoothed(values: &[Option<f64>], weight: f64) -> Vec<Option<f64>> {
    let (mut mean, mut norm) = (0.0, 0.0);
    let smooth = |value: &Option<f64>| {
        let value = (*value)?;
        mean = mean * weight + value * (1.0 - weight);
        norm = norm * weight + (1.0 - weight);
        Some(mean / norm)
    };
    values.iter().map(smooth).collect()
}

/// The finished chart of a curve, of which `history` holds the extremes and `total` says how many points there are.
///
/// # Errors
/// None that a history can cause.
pub fn curve(
    fmt: &Fmt,
    metric: &Metric,
    history: &[MetricPoint],
    total: usize,
    style: CurveStyle,
    tools: PictureTools,
) -> Result<ChartView> {
    let lang = fmt.lang;
    let mut points = history.to_vec();
    // A step may be logged twice, and clocks jump: along the axis, and of what stands at one place as it was logged.
    points.sort_by_key(|p| position(p, style.axis));
    let positions = Positions::of(&points, style.axis)?;
    let values: Vec<Option<f64>> = points.iter().map(|p| drawn(p.value, style.log_scale)).collect();
    let line = |values: &[Option<f64>]| -> Vec<Point> {
        let line: Vec<Point> = points
            .iter()
            .zip(values)
            .map(|(p, value)| Point { at: positions.of_point(p), value: *value, n: 1 })
            .collect();
        downsample(&line, &positions.range, COLUMNS)
    };
    let shown = values.iter().flatten();
    let (low, high) = shown.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let y = value_axis(fmt, metric, (low, high), style.log_scale);
    let raw = line(&values);
    let name = fmt.label(metric);
    let last = points.last().map(|p| number(fmt, p.value)).unwrap_or_default();
    let series = |colour, points, end_label: &str, name: String| Series {
        name,
        colour,
        points,
        band: vec![],
        end_label: end_label.to_owned(),
        shift: 0,
    };
    let series = if style.smoothing > 0.0 {
        let smooth = line(&smoothed(&values, style.smoothing));
        vec![series(0, raw, "", name.clone()), series(1, smooth, &last, words::curve_smoothed(lang, style.smoothing))]
    } else {
        vec![series(1, raw, &last, name.clone())]
    };
    let chart = Chart {
        summary: summary(fmt, metric, &points, total, style),
        range: positions.range,
        step: 1,
        x_ticks: positions.ticks(fmt),
        y,
        series,
        thresholds: vec![],
        markers: vec![],
    };
    Ok(ChartView {
        title: name,
        summary: chart.summary.clone(),
        note: note(fmt, &points, style),
        svg: svg(&chart, ColourMode::Page, WidthMode::Fluid),
        option: option::lines(&chart),
        meta: option::curve_meta(
            fmt,
            &chart,
            metric,
            (style.axis == CurveAxis::Step).then_some((positions.first, positions.scale)),
        ),
        table: None,
        tools,
        simulated: false,
    })
}

/// Round values around what is drawn. On a logarithmic scale powers of ten.
pub(super) fn value_axis(fmt: &Fmt, metric: &Metric, (low, high): (f64, f64), log_scale: bool) -> Axis {
    let unit = &*metric.unit;
    let label = |text: String| if unit.is_empty() { text } else { format!("{text} ({unit})") };
    if log_scale {
        let (low, high) = if low <= high { (low.floor() as i32, high.ceil() as i32) } else { (0, 1) };
        let high = high.max(low + 1);
        let step = (high - low + TICKS as i32 - 1) / TICKS as i32;
        let ticks = (0..=(high - low + step - 1) / step).map(|i| low + i * step);
        let ticks = ticks.map(|e| (f64::from(e), number(fmt, 10f64.powi(e)))).collect();
        return Axis { label: label(words::curve_log(fmt.lang).to_owned()), ticks };
    }
    let (ticks, digits) = value_ticks(low, high, TICKS);
    Axis {
        label: label(String::new()).trim().to_owned(),
        ticks: ticks.into_iter().map(|v| (v, tick(fmt, v, digits))).collect(),
    }
}

/// An axis over values whose digits nobody chose: as many as tell its ticks apart.
#[must_use]
pub fn number_axis(fmt: &Fmt, label: String, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    let (ticks, digits) = value_ticks(low, high, TICKS);
    Axis { label, ticks: ticks.into_iter().map(|v| (v, tick(fmt, v, digits))).collect() }
}

/// A value beside the axis, short however large or small it is.
fn tick(fmt: &Fmt, v: f64, digits: u8) -> String {
    let size = v.abs();
    if v != 0.0 && (size >= 1e6 || (size < 1e-3 && digits > 4)) { scientific(v) } else { fmt.decimal(v, digits) }
}

/// A number whose digits nobody chose: four that count.
#[must_use]
pub fn number(fmt: &Fmt, v: f64) -> String {
    if v.is_nan() {
        return "NaN".into();
    }
    if v.abs() >= f64::MAX {
        return if v > 0.0 { "∞".into() } else { "−∞".into() };
    }
    if v == 0.0 {
        return "0".into();
    }
    let magnitude = v.abs().log10().floor();
    if !(-4.0..9.0).contains(&magnitude) {
        return scientific(v);
    }
    if v.fract() == 0.0 {
        return fmt.decimal(v, 0);
    }
    fmt.decimal(v, (3.0 - magnitude).clamp(0.0, 8.0) as u8)
}

/// A number beside another one of the same kind: to as many digits behind the point as that has, and to at least two that count.
#[must_use]
pub fn number_beside(fmt: &Fmt, v: f64, other: f64) -> String {
    let text = number(fmt, other);
    let Some((_, behind)) = text.split_once('.').filter(|_| !text.contains('e')) else { return number(fmt, v) };
    let two = if v == 0.0 { 0.0 } else { 1.0 - v.abs().log10().floor() };
    if two > MOST_DIGITS {
        return number(fmt, v);
    }
    fmt.decimal(v, (behind.len() as f64).max(two) as u8)
}

/// Smaller numbers are written with a power of ten.
const MOST_DIGITS: f64 = 6.0;

fn scientific(v: f64) -> String {
    format!("{v:.2e}").replace('-', "−")
}

/// One sentence that stands for the picture.
fn summary(fmt: &Fmt, metric: &Metric, points: &[MetricPoint], total: usize, style: CurveStyle) -> String {
    let lang = fmt.lang;
    let known: Vec<f64> = points.iter().map(|p| p.value).filter(|v| v.is_finite() && v.abs() <= MOST).collect();
    let ends = known.iter().copied().reduce(f64::min).zip(known.iter().copied().reduce(f64::max));
    let (Some((low, high)), Some(last)) = (ends, points.last()) else {
        return words::curve_empty(lang, fmt.label(metric));
    };
    let axis = match style.axis {
        CurveAxis::Step => words::curve_by_step(lang),
        CurveAxis::Time => words::curve_by_time(lang),
    };
    words::curve_sentence(
        lang,
        fmt.label(metric),
        axis,
        number(fmt, low),
        number(fmt, high),
        number(fmt, last.value),
        fmt.count(total as u64),
    )
}

/// What the picture leaves out.
fn note(fmt: &Fmt, points: &[MetricPoint], style: CurveStyle) -> String {
    let missing = points.iter().filter(|p| drawn(p.value, false).is_none()).count();
    let below =
        points.iter().filter(|p| drawn(p.value, false).is_some() && drawn(p.value, style.log_scale).is_none()).count();
    let count = |n: usize| fmt.count(n as u64);
    let notes = [
        (missing > 0).then(|| words::curve_missing(fmt.lang, count(missing))),
        (below > 0).then(|| words::curve_below(fmt.lang, count(below))),
    ];
    notes.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::i18n::Lang;

    fn fmt() -> Fmt {
        Fmt { lang: Lang::En, zone: TimeZone::UTC }
    }

    fn point(step: i64, timestamp: i64, value: f64) -> MetricPoint {
        MetricPoint { step, timestamp: Millis(timestamp), value }
    }

    fn draw(points: &[MetricPoint], style: CurveStyle) -> ChartView {
        curve(&fmt(), &Metric::uncatalogued("loss"), points, points.len(), style, PictureTools::default())
            .expect("a chart")
    }

    #[test]
    fn every_spike_of_a_long_history_is_drawn() {
        let points: Vec<_> = (0..50_000)
            .map(|s| point(s, s * 250, if s % 9_973 == 0 { 41.5 } else { 1.0 + (s % 7) as f64 * 0.1 }))
            .collect();
        let view = draw(&points, CurveStyle::default());
        let option: serde_json::Value = serde_json::from_str(&view.option).expect("JSON");
        let drawn = option["series"][0]["data"].as_array().expect("points");
        let spikes = drawn.iter().filter(|p| p[1].as_f64().is_some_and(|v| v > 40.0)).count();
        assert_eq!(spikes, 6);
        assert!(drawn.len() < COLUMNS * 5, "{}", drawn.len());
    }

    #[test]
    fn what_has_no_place_on_the_scale_is_left_out_and_said() {
        let points =
            [point(0, 0, f64::NAN), point(1, 1, f64::MAX), point(2, 2, -3.0), point(3, 3, 100.0), point(3, 4, 10.0)];
        let linear = draw(&points, CurveStyle::default());
        assert!(linear.note.starts_with('2') && !linear.note.contains("zero"), "{}", linear.note);
        let log = draw(&points, CurveStyle { log_scale: true, ..CurveStyle::default() });
        assert!(log.note.contains("zero") && log.svg.contains(">10<"), "{} {}", log.note, log.svg);
    }

    #[test]
    fn steps_and_clocks_of_any_size_make_a_chart() {
        let huge = draw(&[point(0, 0, 1e308), point(1, 1, -1e308), point(2, 2, 1.0)], CurveStyle::default());
        assert!(!huge.svg.contains("NaN") && !huge.svg.contains("inf"), "{}", huge.svg);
        for ends in [(i64::MIN, i64::MAX), (-5, -5), (0, 1), (i64::MAX - 1, i64::MAX)] {
            for axis in [CurveAxis::Step, CurveAxis::Time] {
                let points = [point(ends.0, ends.0, 1.0), point(ends.1, ends.1, 2.0)];
                let view = draw(&points, CurveStyle { axis, ..CurveStyle::default() });
                assert!(view.svg.starts_with("<svg"), "{ends:?} {axis:?}");
            }
        }
        assert!(draw(&[], CurveStyle::default()).svg.starts_with("<svg"));
    }

    #[test]
    fn steps_of_any_size_have_short_words_that_tell_them_apart() {
        let labels = |steps: &[f64]| step_labels(&fmt(), steps);
        assert_eq!(labels(&[0.0, 250_000.0, 500_000.0]), ["0", "250,000", "500,000"]);
        assert_eq!(labels(&[-1e6, 0.0, 1e6]), ["−1e6", "0", "1e6"]);
        assert_eq!(labels(&[2.5e15, 5e15, 7.5e15]), ["2.5e15", "5.0e15", "7.5e15"]);
        let large = 9_007_199_254_740_980.0;
        assert_eq!(labels(&[large, large + 4.0, large + 10.0]), ["9.01e15", "+4", "+10"]);
        let ends = [(0, 9_007_199_254_740_991), (i64::MIN, i64::MAX), (i64::MAX - 9, i64::MAX), (1_000_000, 1_000_007)];
        for (first, last) in ends {
            let points = [point(first, 0, 1.0), point(last, 1, 2.0)];
            let positions = Positions::of(&points, CurveAxis::Step).expect("positions");
            for (_, label) in positions.ticks(&fmt()) {
                assert!(label.chars().count() <= 9, "{first} to {last}: {label}");
            }
        }
    }

    #[test]
    fn smoothing_begins_at_the_first_value_and_passes_over_gaps() {
        let smooth = smoothed(&[Some(4.0), None, Some(4.0), Some(0.0)], 0.5);
        assert_eq!((smooth[0], smooth[1], smooth[2]), (Some(4.0), None, Some(4.0)));
        assert!(smooth[3].is_some_and(|v| v > 1.0 && v < 4.0));
    }

    #[test]
    fn numbers_have_the_digits_that_count() {
        let f = fmt();
        let texts =
            [0.0, 0.123_456, 12.345_6, 1234.5, 41_220.0, 3e-7, 2.5e12, f64::NAN, -f64::MAX].map(|v| number(&f, v));
        let pairs = [(0.014, 0.8305), (0.197, 117.5), (0.0009, 0.55), (1e-6, 0.8305), (33.0, 5795.0), (0.0, 0.5)];
        let beside = pairs.map(|(v, of)| number_beside(&f, v, of));
        assert_eq!(beside, ["0.0140", "0.20", "0.00090", "1.00e−6", "33", "0.0000"]);
        assert_eq!(texts, ["0", "0.1235", "12.35", "1,235", "41,220", "3.00e−7", "2.50e12", "NaN", "−∞"]);
    }
}
