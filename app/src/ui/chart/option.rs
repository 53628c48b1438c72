//! The ECharts option of a chart, made with charming, and what the chart's element must know beside it. The option draws
//! exactly what the SVG draws: the same reduced points on the same scale; axes stay those of the SVG.

use charming::{
    component::{Axis as EAxis, Grid, ParallelAxis as EParallelAxis, ParallelCoordinate},
    datatype::{CompositeValue, DataPoint, DataPointItem, NumericValue},
    element::{AxisType, LineStyle, LineStyleType, NameLocation, Symbol},
    series::{Line, Parallel as EParallel, Scatter as EScatter},
};
use domain::{
    chart::{Axis, Chart, PIXEL_COLUMNS, ParallelCoordinates, Point, Scatter, Series, downsample},
    metric::Metric,
};
use serde::Serialize;

use crate::{ui::fmt::Fmt, ui::words};

/// The option of lines over time, as JSON. Times are UTC milliseconds; each point is time, value (`"-"` for a gap), n.
#[must_use]
pub fn lines(chart: &Chart) -> String {
    let ends = (chart.y.ticks.first().map_or(0.0, |t| t.0), chart.y.ticks.last().map_or(1.0, |t| t.0));
    let axis =
        |min: CompositeValue, max: CompositeValue| EAxis::new().type_(AxisType::Value).show(false).min(min).max(max);
    let mut whole = charming::Chart::new()
        .animation(false)
        .x_axis(axis(whole_number(chart.range.from().0), whole_number(chart.range.to().0)))
        .y_axis(axis(number(ends.0), number(ends.1)));
    for s in &chart.series {
        whole = whole.series(line(chart, s));
    }
    serde_json::to_string(&whole).unwrap_or_default()
}

fn line(chart: &Chart, s: &Series) -> Line {
    let mut style = LineStyle::new().width(1.75);
    if s.is_earlier() {
        style = style.type_(LineStyleType::Dashed);
    }
    let points: Vec<DataPoint> = downsample(&s.points, &chart.range, PIXEL_COLUMNS).iter().map(point).collect();
    Line::new().name(s.name.clone()).data(points).show_symbol(false).symbol(Symbol::Circle).line_style(style)
}

fn point(p: &Point) -> DataPoint {
    let value = p.value.map_or_else(|| CompositeValue::from("-"), number);
    DataPoint::from(CompositeValue::Array(vec![whole_number(p.at.0), value, whole_number(p.n as i64)]))
}

/// Seven digits: more than any screen shows, and half the bytes.
fn number(x: f64) -> CompositeValue {
    CompositeValue::Number(NumericValue::Float(short(x)))
}

fn short(x: f64) -> f64 {
    format!("{x:.6e}").parse().unwrap_or(x)
}

fn whole_number(n: i64) -> CompositeValue {
    CompositeValue::Number(NumericValue::Integer(n))
}

/// Where the SVG of such pictures has its plot: the padding of `.drawing.tall` in `style/components/chart.css`, in px.
const MARGINS: [i64; 4] = [44, 64, 44, 52];

/// The option of a scatter: one series a group, so that a model can be told from the others.
#[must_use]
pub fn scatter(s: &Scatter, groups: &[String]) -> String {
    let axis = |a: &Axis| {
        let ends = (a.ticks.first().map_or(0.0, |t| t.0), a.ticks.last().map_or(1.0, |t| t.0));
        EAxis::new().type_(AxisType::Value).name(a.label.clone()).min(number(ends.0)).max(number(ends.1))
    };
    let [top, right, bottom, left] = MARGINS;
    let mut whole = charming::Chart::new()
        .animation(false)
        .grid(Grid::new().left(left).right(right).top(top).bottom(bottom))
        .x_axis(axis(&s.x).name_location(NameLocation::Middle).name_gap(28))
        .y_axis(axis(&s.y));
    for (g, name) in groups.iter().enumerate() {
        let dots: Vec<DataPoint> = s
            .dots
            .iter()
            .filter(|d| d.group == g)
            .map(|d| DataPointItem::new(CompositeValue::Array(vec![number(d.x), number(d.y)])).name(d.name.clone()))
            .map(DataPoint::Item)
            .collect();
        whole = whole.series(EScatter::new().name(name.clone()).symbol_size(8).data(dots));
    }
    serde_json::to_string(&whole).unwrap_or_default()
}

/// The option of parallel coordinates: one series a line. Dragging along an axis picks lines.
#[must_use]
pub fn parallel(p: &ParallelCoordinates) -> String {
    let [top, right, bottom, left] = MARGINS;
    let place = ParallelCoordinate::new().left(left).right(right).top(top).bottom(bottom);
    let mut whole = charming::Chart::new().animation(false).parallel(place);
    for (i, axis) in p.axes.iter().enumerate() {
        let (bottom, top) = (axis.bottom.0, axis.top.0);
        whole = whole.parallel_axis(
            EParallelAxis::new()
                .dim(i as f64)
                .name(axis.label.clone())
                .inverse(bottom > top)
                // Above, whichever end that is.
                .name_location(if bottom > top { NameLocation::Start } else { NameLocation::End })
                .min(short(bottom.min(top)))
                .max(short(bottom.max(top))),
        );
    }
    for line in &p.lines {
        let values: Vec<CompositeValue> =
            line.values.iter().map(|v| v.map_or_else(|| CompositeValue::from("-"), number)).collect();
        let data = vec![DataPoint::from(CompositeValue::Array(values))];
        whole = whole.series(
            EParallel::new().name(line.name.clone()).line_style(LineStyle::new().width(2).opacity(1.0)).data(data),
        );
    }
    let mut option = serde_json::to_value(&whole).unwrap_or_default();
    // Labels at the ends alone, as the drawing has them: those between would lie under the lines. `charming` lacks it.
    let axes = option.get_mut("parallelAxis").and_then(serde_json::Value::as_array_mut);
    for (axis, drawn) in axes.into_iter().flatten().zip(&p.axes) {
        let span = short((short(drawn.top.0) - short(drawn.bottom.0)).abs());
        if span > 0.0 {
            axis["interval"] = span.into();
        }
    }
    option.to_string()
}

/// The element's side of a picture whose option is used as it is.
#[must_use]
pub fn picture_meta(fmt: &Fmt, colours: &[u8]) -> String {
    serde_json::json!({
        "kind": "raw", "lang": fmt.lang.code(), "colours": colours, "words": { "reset": words::chart_reset(fmt.lang) },
    })
    .to_string()
}

/// What the element needs beside the option; see `app/elements/chart.ts`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    from: i64,
    to: i64,
    step: i64,
    digits: u8,
    unit: &'a str,
    lang: &'static str,
    zone: String,
    /// By series: the palette's number, whether it is dashed, how far its points were moved.
    colours: Vec<u8>,
    dashed: Vec<bool>,
    shift: Vec<i64>,
    records: Option<String>,
    zoom: bool,
    /// Where the axis counts steps: the first one, and how many stand for a unit of the axis.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<(i64, i64)>,
    words: LabelTexts,
}

#[derive(Serialize)]
struct LabelTexts {
    /// Empty where every point is one value.
    n: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    step: String,
    none: &'static str,
    hint: &'static str,
}

/// The element's side of a chart, as JSON. A chart without rows behind it (`records`) has no range to zoom into either.
#[must_use]
pub fn line_chart_meta(fmt: &Fmt, chart: &Chart, metric: &Metric, records: Option<String>) -> String {
    let meta = meta(fmt, chart, metric, records);
    serde_json::to_string(&meta).unwrap_or_default()
}

/// The same for the curve of a run, whose points are single values: with as many digits as a reader needs to tell them apart. `steps`
/// where the axis counts steps: the first one, and how many stand for a unit of the axis.
#[must_use]
pub fn curve_meta(fmt: &Fmt, chart: &Chart, metric: &Metric, steps: Option<(i64, i64)>) -> String {
    let mut meta = meta(fmt, chart, metric, None);
    let ends = (chart.y.ticks.first().map_or(0.0, |t| t.0), chart.y.ticks.last().map_or(1.0, |t| t.0));
    let span = (ends.1 - ends.0).abs().max(1e-9);
    meta.digits = (3.0 - span.log10().floor()).clamp(0.0, 12.0) as u8;
    meta.steps = steps;
    meta.words.n = String::new();
    meta.words.step = words::step(fmt.lang, "{n}");
    serde_json::to_string(&meta).unwrap_or_default()
}

fn meta<'a>(fmt: &Fmt, chart: &Chart, metric: &'a Metric, records: Option<String>) -> Meta<'a> {
    let lang = fmt.lang;
    Meta {
        from: chart.range.from().0,
        to: chart.range.to().0,
        step: chart.step,
        digits: metric.precision,
        unit: &metric.unit,
        lang: fmt.lang.code(),
        zone: fmt.zone_name(),
        colours: chart.series.iter().map(|s| s.colour).collect(),
        dashed: chart.series.iter().map(Series::is_earlier).collect(),
        shift: chart.series.iter().map(|s| s.shift).collect(),
        zoom: records.is_some(),
        records,
        steps: None,
        words: LabelTexts {
            n: words::n(lang, "{n}"),
            step: String::new(),
            none: words::chart_none_here(lang),
            hint: words::chart_hint(lang),
        },
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        chart::{Axis, Chart, Point, Series},
        time::{Millis, TimeRange},
    };
    use jiff::tz::TimeZone;
    use serde_json::Value;

    use super::*;
    use crate::i18n::Lang;

    fn chart() -> Chart {
        let points = vec![Point::new(Millis(1_000), 0.123_456_789, 3), Point::gap(Millis(2_000))];
        let series = |shift| Series {
            name: "a \"b\"".into(),
            colour: 1,
            points: points.clone(),
            band: vec![],
            end_label: String::new(),
            shift,
        };
        Chart {
            summary: String::new(),
            range: TimeRange::new(Millis(0), Millis(10_000)).expect("a range"),
            step: 1_000,
            x_ticks: vec![],
            y: Axis { label: String::new(), ticks: vec![(0.0, "0".into()), (0.2, "0.2".into())] },
            series: vec![series(0), series(500)],
            thresholds: vec![],
            markers: vec![],
        }
    }

    #[test]
    fn the_option_holds_the_scale_and_the_points_of_the_picture() {
        let c = chart();
        let v: Value = serde_json::from_str(&lines(&c)).expect("JSON");
        assert_eq!(v["xAxis"]["max"], 10_000);
        assert_eq!(v["yAxis"]["max"], 0.2);
        assert_eq!(v["series"][0]["data"], serde_json::json!([[1000, 0.1234568, 3], [2000, "-", 0]]));
        assert_eq!(v["series"][1]["lineStyle"]["type"], "dashed");
        assert_eq!(v["animation"], false);
    }

    #[test]
    fn a_chart_without_rows_behind_it_cannot_be_zoomed() {
        let fmt = Fmt { lang: Lang::Ko, zone: TimeZone::UTC };
        let metric = Metric::uncatalogued("x");
        let c = chart();
        let v: Value = serde_json::from_str(&line_chart_meta(&fmt, &c, &metric, None)).expect("JSON");
        assert_eq!(
            (&v["zoom"], &v["records"], &v["shift"]),
            (&Value::Bool(false), &Value::Null, &serde_json::json!([0, 500]))
        );
        assert_eq!(v["lang"], "ko");
    }
}
