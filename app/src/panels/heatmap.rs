//! The heatmap of a customer: its sites by days in the leading metric, with the table behind.

use domain::{
    Error, Result,
    chart::{Heatmap, HeatmapRow, heatmap_svg},
    metric::ChangeVerdict,
    query::{ChildSummary, MetricSummary, SeriesBuckets, Summary},
    scope::Scope,
    time::{DAY, Millis},
};

use super::{PanelContext, sentences, words};
use crate::ui::{
    chart::{HeatmapView, PictureTools},
    fmt::NO_VALUE,
    menu::Link,
    table::{Cell, TableView, build::plain_column},
};

/// More days than this are too narrow to be hit.
pub const MAX_HEATMAP_MS: i64 = 92 * DAY;
/// Days of the table behind; the picture shows all.
const TABLE_DAYS: usize = 14;

/// Whole days of the visitor's calendar that end with the range, from midnight to midnight also where the clock is changed.
///
/// # Errors
/// When the range goes beyond the calendar.
pub fn calendar_days(panel: PanelContext<'_>, length: i64) -> Result<SeriesBuckets> {
    let zone = &panel.fmt.zone;
    let date = |at: Millis| jiff::Timestamp::from_millisecond(at.0).map(|t| t.to_zoned(zone.clone()).date());
    let days = (length + DAY - 1) / DAY;
    let midnights = || -> std::result::Result<Vec<Millis>, jiff::Error> {
        let last = date(panel.range.to().plus(-1))?;
        (0..=days)
            .map(|back| {
                let day = last.checked_add(jiff::Span::new().try_days(1 - back)?)?;
                Ok(Millis(day.to_zoned(zone.clone())?.timestamp().as_millisecond()))
            })
            .collect()
    };
    let midnights = midnights().map_err(|e| Error::bad_input(sentences::beyond_calendar()).with_detail(e))?;
    SeriesBuckets::between(&midnights)
}

/// Where the heatmap links to.
pub struct HeatmapLinks<'a> {
    /// The page of a place.
    pub place: &'a dyn Fn(&Scope) -> String,
    /// The page of a place from one moment to another.
    pub bucket: &'a dyn Fn(&Scope, Millis, Millis) -> String,
    /// The picture as a file.
    pub svg: String,
}

/// The heatmap; `None` where there is nothing to distinguish.
#[must_use]
pub fn heatmap_view(
    panel: PanelContext<'_>,
    s: &Summary,
    leading: &MetricSummary,
    course: &SeriesBuckets,
    links: &HeatmapLinks<'_>,
) -> Option<HeatmapView> {
    let lang = panel.fmt.lang;
    let metric = panel.metric(&leading.metric);
    let label = panel.fmt.label(&metric);
    let days = course.buckets();
    let start = |i: usize| days[i].0;
    let count = days.len();
    let mut sites: Vec<(&ChildSummary, &MetricSummary)> = s
        .children
        .iter()
        .filter_map(|c| Some((c, c.metrics.iter().find(|m| m.metric == leading.metric)?)))
        .filter(|(_, m)| m.course.iter().any(Option::is_some))
        .collect();
    sites.sort_by_key(|(c, _)| c.scope.site.clone());
    if sites.is_empty() {
        return None;
    }
    let day_of = |c: &ChildSummary, i: usize| {
        (links.bucket)(&c.scope, start(i), days[i].1.min(panel.now.max(start(i).plus(1_000))))
    };
    let name =
        |c: &ChildSummary| c.scope.site.as_ref().map_or_else(|| NO_VALUE.to_owned(), |_| panel.name_of(&c.scope));
    let shown = |v: f64| panel.fmt.with_unit(Some(v), &metric);
    let row = |(c, m): &(&ChildSummary, &MetricSummary)| HeatmapRow {
        label: name(c),
        href: (links.place)(&c.scope),
        cells: (0..count)
            .map(|i| {
                let v = m.course.get(i).copied().flatten()?;
                Some((v, format!("{} · {} · {label} {}", name(c), panel.fmt.date(start(i)), shown(v)), day_of(c, i)))
            })
            .collect(),
    };
    let rows: Vec<HeatmapRow> = sites.iter().map(row).collect();
    let columns =
        (0..count)
            .map(|i| {
                if (count - 1 - i).is_multiple_of(count.div_ceil(7)) { panel.fmt.date(start(i)) } else { String::new() }
            })
            .collect();
    let heatmap = Heatmap { summary: String::new(), columns, rows, open: course.range.to() > panel.now };
    // Strong is what needs a look: the worst, or the most of what has no direction.
    let high_is_strong = metric.direction.judge(1.0) != ChangeVerdict::Better;
    let (low, high) = heatmap.scale()?;
    let (pale, strong) = if high_is_strong { (low, high) } else { (high, low) };
    let worst = heatmap.cells_in_scale().find(|c| c.0 == strong).map(|c| c.1.clone()).unwrap_or_default();
    let summary = words::heat_sentence(
        lang,
        &label,
        panel.fmt.count(heatmap.rows.len() as u64),
        panel.fmt.count(count as u64),
        shown(low),
        shown(high),
        &worst,
    );
    let heatmap = Heatmap { summary, ..heatmap };
    let first = count.saturating_sub(TABLE_DAYS);
    let mut columns = vec![plain_column(words::col_site(lang), false)];
    columns.extend((first..count).map(|i| plain_column(&panel.fmt.date(start(i)), true)));
    let table = TableView {
        caption: words::heat_title(lang, &label),
        columns,
        rows: heatmap
            .rows
            .iter()
            .map(|r| {
                let mut cells = vec![Cell::Name { text: r.label.clone(), href: Some(r.href.clone()), state: None }];
                cells.extend(r.cells[first..].iter().map(|c| match c {
                    Some((v, _, href)) => {
                        Cell::Number { text: panel.fmt.value(Some(*v), &metric), href: Some(href.clone()) }
                    }
                    None => Cell::Number { text: NO_VALUE.into(), href: None },
                }));
                cells
            })
            .collect(),
        csv: None,
        pager: None,
        foot: (first > 0).then(|| words::heat_table_days(lang, TABLE_DAYS)),
    };
    Some(HeatmapView {
        title: words::heat_title(lang, &label),
        summary: heatmap.summary.clone(),
        rows: heatmap
            .rows
            .iter()
            .map(|r| Link { label: r.label.clone(), href: r.href.clone(), current: false })
            .collect(),
        svg: heatmap_svg(&heatmap, high_is_strong),
        scale: (shown(pale), shown(strong)),
        table,
        tools: PictureTools {
            svg: Some(links.svg.clone()),
            file: format!("{}_by_day", leading.metric),
            link: Some((links.place)(panel.scope)),
            details: None,
        },
    })
}
