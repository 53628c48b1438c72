//! The chart of a trend: its description, the drawing, the sentence that says the same, and the table behind.

use domain::{
    chart::{Axis, Chart, ColourMode, Marker, Point, Series, WidthMode, svg, time_ticks, value_ticks},
    metric::{Aggregation, Metric},
    query::{ModelChange, Trend, TrendPoint},
    time::{DAY, Millis},
};

use super::{PanelContext, words};
use crate::ui::{
    chart::{ChartView, PictureTools, option},
    delta::{DeltaView, Movement},
    links,
    table::{
        Cell, TableView,
        build::{PAGE_ROWS, plain_column},
    },
    words as ui_words,
};

/// Devices that the sentence of a chart names.
const NAMED: usize = 6;
/// Value ticks that a chart should have.
const TICKS: usize = 5;

/// What a chart of a trend is put together from, beside the trend itself.
pub struct TrendChart<'a> {
    pub panel: PanelContext<'a>,
    pub metric: &'a Metric,
    /// The place in words, with the device and the model where they are chosen.
    pub scope: &'a str,
    /// The period that is laid over it.
    pub earlier: Option<EarlierTrend>,
    /// When champions of registered models changed.
    pub champions: Vec<ChampionChange>,
}

/// A version that became the champion of a registered model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChampionChange {
    pub at: Millis,
    pub model: String,
    /// `None` where there is none any more.
    pub version: Option<String>,
    /// Whether it was by a rollback.
    pub back: bool,
}

impl ChampionChange {
    fn marker(&self) -> Marker {
        let arrow = if self.back { '↩' } else { '→' };
        let version = self.version.as_deref().unwrap_or("–");
        Marker { at: self.at, label: format!("{} {arrow} {version}", self.model) }
    }

    /// Whether records say the same: zones that run it from about then on.
    fn is_told_by(&self, change: &ModelChange) -> bool {
        change.registered_model.as_deref() == Some(&self.model)
            && change.registered_version == self.version
            && (change.t.0 - self.at.0).abs() <= DAY
    }
}

/// An earlier period, drawn on the axis of the present one.
pub struct EarlierTrend {
    pub trend: Trend,
    /// How far back it lies, in ms.
    pub shift: i64,
    /// "a week earlier".
    pub name: String,
}

impl TrendChart<'_> {
    /// Describes a trend. Steps without records that lie between steps with records are gaps when records usually come
    /// every step.
    #[must_use]
    pub fn describe(&self, trend: &Trend) -> Chart {
        let (fmt, metric) = (self.panel.fmt, self.metric);
        let step = step_of(trend);
        let tail = metric.aggregation == Aggregation::WeightedMeanAndTail;
        let value = |p: &TrendPoint| p.value;
        let earlier = self.earlier.as_ref();
        let every = whole_steps(&trend.points).iter().chain(earlier.iter().flat_map(|e| whole_steps(&e.trend.points)));
        let values = every.flat_map(|p| [Some(p.value), tail.then_some(p.p95)]).flatten();
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (ticks, digits) = value_ticks(low, high, TICKS);
        let digits = digits.max(if trend.points.is_empty() { metric.precision } else { 0 });
        let x = time_ticks(&self.panel.range, &fmt.zone, 7);
        let gap = x.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap_or(0);
        let label = match &*metric.unit {
            "" => fmt.label(metric),
            unit => format!("{} ({unit})", fmt.label(metric)),
        };
        let last = whole_steps(&trend.points).last();
        let mean_label = last.map_or_else(String::new, |p| {
            let v = fmt.decimal(p.value, metric.precision);
            if tail { format!("{} {v}", words::chart_mean(fmt.lang)) } else { v }
        });
        let mut series = vec![Series {
            name: if tail {
                format!("{} {}", fmt.label(metric), words::chart_mean(fmt.lang))
            } else {
                fmt.label(metric)
            },
            colour: 1,
            points: self.line(trend, 0, value),
            band: vec![],
            end_label: mean_label,
            shift: 0,
        }];
        if tail {
            series.push(Series {
                name: "p95".into(),
                colour: 2,
                points: self.line(trend, 0, |p| p.p95),
                band: vec![],
                end_label: last.map_or_else(String::new, |p| format!("p95 {}", fmt.decimal(p.p95, metric.precision))),
                shift: 0,
            });
        }
        if let Some(e) = earlier {
            series.push(Series {
                name: e.name.clone(),
                colour: 0,
                points: self.line(&e.trend, e.shift, value),
                band: vec![],
                end_label: String::new(),
                shift: e.shift,
            });
        }
        Chart {
            summary: self.sentence(trend),
            range: self.panel.range,
            step,
            x_ticks: x.into_iter().map(|t| (t, fmt.tick(t, gap))).collect(),
            y: Axis { label, ticks: ticks.into_iter().map(|v| (v, fmt.decimal(v, digits))).collect() },
            series,
            thresholds: vec![],
            markers: self.markers(trend),
        }
    }

    /// What records tell of models that came, and the registry of champions, in order of time; what both tell once.
    fn markers(&self, trend: &Trend) -> Vec<Marker> {
        let of_records = trend.changes.iter().filter(|c| !self.champions.iter().any(|e| e.is_told_by(c)));
        let of_records = of_records.map(|c| Marker { at: c.t, label: c.name() });
        let mut markers: Vec<Marker> = self.champions.iter().map(ChampionChange::marker).chain(of_records).collect();
        markers.sort_by_key(|m| m.at);
        markers
    }

    /// The points of a line, moved by `shift`, with gaps.
    fn line(&self, trend: &Trend, shift: i64, value: fn(&TrendPoint) -> f64) -> Vec<Point> {
        let step = step_of(trend);
        let mut gaps: Vec<i64> = trend.points.windows(2).map(|w| w[1].t.0 - w[0].t.0).collect();
        gaps.sort_unstable();
        let usual = gaps.get(gaps.len() / 2).copied().unwrap_or(step).max(step);
        let mut points: Vec<Point> = Vec::with_capacity(trend.points.len());
        for p in whole_steps(&trend.points) {
            // A point stands in the middle of its step, and never outside of the range.
            let at = Millis(p.t.0 + step / 2 + shift).max(self.panel.range.from()).min(self.panel.range.to());
            if let Some(before) = points.last().map(|b| b.at)
                && at.0 - before.0 > usual * 5 / 2
            {
                points.push(Point::gap(before.plus(usual)));
            }
            points.push(Point::new(at, value(p), p.n));
        }
        points
    }

    fn sentence(&self, trend: &Trend) -> String {
        let (fmt, metric) = (self.panel.fmt, self.metric);
        let lang = fmt.lang;
        let (from, to) =
            (fmt.moment(self.panel.range.from(), self.panel.now), fmt.moment(self.panel.range.to(), self.panel.now));
        let label = fmt.label(metric);
        let means = |t: &Trend| whole_steps(&t.points).iter().map(|p| p.value).collect::<Vec<_>>();
        let now = means(trend);
        let (Some(low), Some(high), Some(last)) =
            (now.iter().copied().reduce(f64::min), now.iter().copied().reduce(f64::max), now.last())
        else {
            return words::chart_empty(lang, label, self.scope, from, to);
        };
        let [low, high, last] = [low, high, *last].map(|v| fmt.with_unit(Some(v), metric));
        let n = fmt.count(trend.points.iter().map(|p| p.n).sum());
        let mut sentence = words::chart_sentence(lang, label, self.scope, from, to, low, high, last, n);
        if let Some(e) = &self.earlier {
            let before = means(&e.trend);
            let ends = before.iter().copied().reduce(f64::min).zip(before.iter().copied().reduce(f64::max));
            sentence.push(' ');
            sentence.push_str(&match ends {
                Some((low, high)) => {
                    let (low, high) = (fmt.with_unit(Some(low), metric), fmt.with_unit(Some(high), metric));
                    words::chart_earlier(lang, &e.name, &low, &high)
                }
                None => words::chart_earlier_empty(lang, &e.name),
            });
        }
        if metric.depends_on_device() && trend.devices.len() > 1 {
            let mut names = trend.devices.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
            if trend.devices.len() > NAMED {
                names.push_str(", …");
            }
            let n = fmt.count(trend.devices.len() as u64);
            sentence.push(' ');
            sentence.push_str(&words::chart_devices(lang, &n, &names));
        }
        sentence
    }

    /// The finished chart of a trend. `delta` is what its title says, with the period that it is compared to. Without `links`
    /// nothing of it leads anywhere.
    #[must_use]
    pub fn view(&self, trend: &Trend, delta: Option<(&DeltaView, &str)>, links: Option<ChartLinks>) -> ChartView {
        let (fmt, metric) = (self.panel.fmt, self.metric);
        let lang = fmt.lang;
        let chart = self.describe(trend);
        let label = fmt.label(metric);
        let sized = |d: &DeltaView| {
            if metric.unit.is_empty() { d.size.clone() } else { format!("{} {}", d.size, metric.unit) }
        };
        let title = match delta {
            // As the tile beside it reads: noise, or too small to matter.
            Some((d, against)) => match d.way {
                Movement::Down if d.tells => words::chart_fell(lang, label, sized(d), against),
                Movement::Up if d.tells => words::chart_rose(lang, label, sized(d), against),
                _ => words::chart_steady(lang, label, against),
            },
            None => words::chart_of(lang, label),
        };
        let ChartLinks { query, link, details, records } = links.unwrap_or_default();
        ChartView {
            title,
            summary: chart.summary.clone(),
            note: words::chart_steps(lang, fmt.duration(chart.step)),
            svg: svg(&chart, ColourMode::Page, WidthMode::Fluid),
            option: option::lines(&chart),
            table: (!trend.points.is_empty()).then(|| self.points_table(trend, query.as_deref(), records.as_deref())),
            meta: option::line_chart_meta(fmt, &chart, metric, records),
            tools: PictureTools {
                svg: query.as_deref().map(|q| links::href("/export/trend.svg", q)),
                file: metric.key.to_string(),
                link,
                details,
            },
            simulated: trend.simulated,
        }
    }

    /// The newest points, each with the way to its rows in `records`; all of them are in the CSV.
    fn points_table(&self, trend: &Trend, query: Option<&[(String, String)]>, records: Option<&str>) -> TableView {
        let (fmt, metric) = (self.panel.fmt, self.metric);
        let lang = fmt.lang;
        let step = step_of(trend).max(1);
        let before: Option<std::collections::HashMap<i64, f64>> = self
            .earlier
            .as_ref()
            .map(|e| e.trend.points.iter().map(|p| ((p.t.0 + e.shift).div_euclid(step), p.value)).collect());
        let number = |x: f64| Cell::Number { text: fmt.value(Some(x), metric), href: None };
        let rows = trend.points.iter().rev().take(PAGE_ROWS).map(|p| {
            let mut row = vec![Cell::Text(fmt.strftime(p.t, "%Y-%m-%d %H:%M")), number(p.value)];
            if let Some(before) = &before {
                let x = before.get(&p.t.0.div_euclid(step)).copied();
                row.push(Cell::Number { text: fmt.value(x, metric), href: None });
            }
            // To the second, as links have it: the end is rounded up.
            let end = p.t.plus(step + 999).min(self.panel.range.to().plus(999));
            let href = records.and_then(|to| {
                let (from, to_end) = (links::moment(p.t.max(self.panel.range.from()))?, links::moment(end)?);
                let mark = if to.contains('?') { '&' } else { '?' };
                Some(format!("{to}{mark}from={}&to={}", links::encode(&from), links::encode(&to_end)))
            });
            row.push(Cell::Number { text: fmt.count(p.n), href });
            row.extend([p.min, p.max, p.p50, p.p95].map(number));
            row
        });
        let mut columns = vec![plain_column(words::col_time(lang), false), plain_column(words::col_value(lang), true)];
        columns.extend(self.earlier.as_ref().map(|e| plain_column(&e.name, true)));
        columns.extend(
            [
                words::col_n(lang),
                words::col_min(lang),
                words::col_max(lang),
                words::col_p50(lang),
                words::col_p95(lang),
            ]
            .map(|c| plain_column(c, true)),
        );
        let foot = (trend.points.len() > PAGE_ROWS).then(|| {
            let last = PAGE_ROWS.to_string();
            ui_words::page_of(lang, "1", &last, fmt.count(trend.points.len() as u64))
        });
        TableView {
            caption: fmt.label(metric),
            rows: rows.collect(),
            columns,
            csv: query.map(|q| links::href("/export/trend.csv", q)),
            pager: None,
            foot,
        }
    }
}

/// Where a chart leads.
#[derive(Debug, Clone, Default)]
pub struct ChartLinks {
    /// The query, for files.
    pub query: Option<Vec<(String, String)>>,
    /// The page that shows it again.
    pub link: Option<String>,
    /// Where the same is looked at more closely.
    pub details: Option<String>,
    /// The rows behind a point, without `from` and `to`.
    pub records: Option<String>,
}

/// The points that a line shows. A step that the range cuts off, or that is not over yet, stands for few records: where it
/// has less than half of what is usual it would bend the end of the line, so it is left to the table.
fn whole_steps(points: &[TrendPoint]) -> &[TrendPoint] {
    let mut counts: Vec<u64> = points.iter().map(|p| p.n).collect();
    counts.sort_unstable();
    let usual = counts.get(counts.len() / 2).copied().unwrap_or(0);
    let cut = |p: Option<&TrendPoint>| points.len() > 2 && p.is_some_and(|p| p.n * 2 < usual);
    let from = usize::from(cut(points.first()));
    let to = points.len() - usize::from(cut(points.last()));
    &points[from..to]
}

fn step_of(trend: &Trend) -> i64 {
    trend.step.ms()
}

#[cfg(test)]
mod tests {
    use domain::{
        query::Directory,
        scope::Scope,
        time::{Step, TimeRange},
    };

    use super::*;
    use crate::{i18n::Lang, ui::fmt::Fmt};

    #[test]
    fn steps_that_are_cut_off_do_not_bend_the_line() {
        let point = |t: i64, n| TrendPoint { t: Millis(t), value: 0.5, n, min: 0.5, max: 0.5, p50: 0.5, p95: 0.5 };
        let points = |counts: &[u64]| -> Vec<TrendPoint> { (0..).zip(counts).map(|(t, n)| point(t, *n)).collect() };
        let shown = |counts: &[u64]| whole_steps(&points(counts)).iter().map(|p| p.n).collect::<Vec<_>>();
        assert_eq!(shown(&[10, 200, 200, 200, 3]), [200, 200, 200]);
        assert_eq!(shown(&[200, 3, 200, 200, 150]), [200, 3, 200, 200, 150], "only the ends are ever cut off");
        assert_eq!(shown(&[1, 1, 1]), [1, 1, 1], "where records are few each of them is seen");
        assert_eq!(shown(&[9, 1]), [9, 1]);
    }

    /// An answer as the use case gives it, and what panels are made with: no request, no services, no page.
    #[test]
    fn a_chart_is_made_without_a_page() {
        let at = |minute: i64| Millis(1_782_820_800_000 + minute * 60_000);
        let point = |m, value| TrendPoint { t: at(m), value, n: 4, min: 0.7, max: 0.9, p50: value, p95: 0.9 };
        let change = |(t, version): (i64, &str)| ModelChange {
            t: at(t),
            architecture: "yolo".into(),
            version: String::new(),
            registered_model: Some("fleet".into()),
            registered_version: Some(version.into()),
            zones: 1,
        };
        let trend = Trend {
            scope: Scope::default(),
            metric: "mAP50".into(),
            unit: String::new(),
            step: Step::for_range(&TimeRange::new(at(0), at(180)).expect("a range"), 3),
            from: at(0),
            to: at(180),
            as_of: at(180),
            simulated: false,
            devices: vec![],
            points: vec![point(0, 0.8), point(60, 0.7), point(120, 0.9)],
            changes: [(61, "2"), (70, "3")].map(change).into(),
        };
        // The records tell of it a little later; of the other one the registry knows nothing.
        let promoted = ChampionChange { at: at(60), model: "fleet".into(), version: Some("2".into()), back: false };
        let back = ChampionChange { at: at(150), version: Some("1".into()), back: true, ..promoted.clone() };
        let champions = vec![promoted, back];
        let fmt = Fmt { lang: Lang::Ko, zone: jiff::tz::TimeZone::get("Asia/Seoul").expect("bundled") };
        let (directory, scope) = (Directory::default(), Scope::default());
        let range = TimeRange::new(at(0), at(180)).expect("a range");
        let panel = PanelContext { fmt: &fmt, directory: &directory, scope: &scope, range, now: at(180) };
        let metric = panel.metric("mAP50");
        let chart = TrendChart { panel, metric: &metric, scope: &panel.scope_text(), earlier: None, champions };
        let labels: Vec<_> = chart.describe(&trend).markers.into_iter().map(|m| m.label).collect();
        assert_eq!(labels, ["fleet → 2", "fleet 3", "fleet ↩ 1"]);
        let view = chart.view(&trend, None, None);
        assert!(view.svg.starts_with("<svg") && view.summary.contains("최저 0.700, 최고 0.900"), "{}", view.summary);
        assert!(view.summary.contains("6월 30일 21:00"), "in the zone and language that were given: {}", view.summary);
        let table = view.table.expect("a table");
        assert_eq!((table.rows.len(), table.csv), (3, None));
        assert_eq!(view.tools, PictureTools { file: "mAP50".into(), ..PictureTools::default() });
        let meta: serde_json::Value = serde_json::from_str(&view.meta).expect("JSON");
        assert_eq!((&meta["records"], &meta["zoom"]), (&serde_json::Value::Null, &false.into()));
    }
}
