//! A chart with everything that belongs to it: the finding, the picture, the sentence, the table, the files. The picture is
//! complete as it is; the element around it (`app/elements/chart.ts`) makes it interactive where a browser can.

#[cfg(feature = "ssr")]
pub mod option;

use leptos::{html::custom, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    icon::Icon,
    menu::Link,
    table::{Table, TableView},
};
use crate::{i18n::Lang, ui::words};

/// A chart with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChartView {
    /// The finding where there is one.
    pub title: String,
    /// One sentence that says what the picture shows.
    pub summary: String,
    pub note: String,
    pub svg: String,
    /// For the element that makes it interactive: the ECharts option, and what it must know beside, both JSON.
    pub option: String,
    pub meta: String,
    pub table: Option<TableView>,
    pub tools: PictureTools,
    pub simulated: bool,
}

/// The files of a picture and its links; each may be absent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PictureTools {
    pub svg: Option<String>,
    /// The stem of downloaded files' names.
    pub file: String,
    /// The page that shows it again.
    pub link: Option<String>,
    /// Where the same is looked at more closely.
    pub details: Option<String>,
}

/// A picture whose table stands elsewhere on the page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PictureView {
    pub title: String,
    pub summary: String,
    pub svg: String,
    /// As in [`ChartView`].
    pub option: String,
    pub meta: String,
    /// Name and colour of each group.
    pub legend: Vec<(String, u8)>,
    pub tools: PictureTools,
}

/// Rows by days in one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatmapView {
    pub title: String,
    pub summary: String,
    /// Names and addresses of the rows, from top to bottom.
    pub rows: Vec<Link>,
    pub svg: String,
    /// The ends of the scale: palest, strongest.
    pub scale: (String, String),
    pub table: TableView,
    pub tools: PictureTools,
}

#[component]
pub fn Chart(chart: ChartView, lang: Lang) -> impl IntoView {
    view! {
        <figure class="card chart">
            <h2>{chart.title}{chart.simulated.then(|| view! { <span class="simulated">{words::simulated(lang)}</span> })}</h2>
            {drawing(chart.option, chart.meta, "drawing", chart.svg)}
            <div class="under">
                {chart.table.map(|table| view! { <TableBehind table lang/> })}
                <ToolLinks tools=chart.tools lang/>
            </div>
            <figcaption>{chart.summary}" "<span class="quiet">{chart.note}</span></figcaption>
        </figure>
    }
}

/// The SVG within the element that makes it interactive. Its name is written in capitals because that is what a browser
/// says of it: Leptos compares the two, and would put a new element in place of one whose name looks changed.
fn drawing(option: String, meta: String, class: &'static str, svg: String) -> impl IntoView {
    custom("GF-CHART")
        .attr("data-option", option)
        .attr("data-meta", meta)
        .child(view! { <div class=class inner_html=svg></div> })
}

/// The files of a picture, and where it is found again. What needs a script is hidden without one.
#[component]
fn ToolLinks(tools: PictureTools, lang: Lang) -> impl IntoView {
    let png = tools.svg.clone().map(|href| (href, format!("{}.png", tools.file)));
    view! {
        <footer>
            {tools.details.map(|href| view! { <a class="tool" href=href><Icon name="chart-line"/>{words::details(lang)}</a> })}
            {tools.svg.map(|href| view! {
                <a class="tool" href=href rel="external" download><Icon name="download"/>{words::chart_svg(lang)}</a>
            })}
            {png.map(|(href, name)| view! {
                <button type="button" class="tool" data-act="png" data-href=href data-name=name><Icon name="image"/><span>"PNG"</span></button>
            })}
            {tools.link.map(|href| view! {
                <button type="button" class="tool" data-act="copy-link" data-href=href data-done=words::copied(lang)><Icon name="link"/><span>{words::copy_link(lang)}</span></button>
            })}
        </footer>
    }
}

/// A picture whose table stands elsewhere on the page.
#[component]
pub fn Picture(picture: PictureView, lang: Lang) -> impl IntoView {
    let title = picture.title.clone();
    view! {
        <figure class="card chart">
            <h2>{picture.title}</h2>
            <ul class="legend">
                {picture.legend.into_iter().map(|(name, colour)| view! {
                    <li><svg class="swatch" aria-hidden="true" width="14" height="8"><line class=format!("line s{colour}") x1="0" x2="14" y1="4" y2="4"></line></svg><bdi>{name}</bdi></li>
                }).collect_view()}
            </ul>
            <div class="scroll-x" role="region" tabindex="0" aria-label=title>
                {drawing(picture.option, picture.meta, "drawing tall", picture.svg)}
            </div>
            <div class="under"><span></span><ToolLinks tools=picture.tools lang/></div>
            <figcaption>{picture.summary}</figcaption>
        </figure>
    }
}

/// The table behind a picture.
#[component]
fn TableBehind(table: TableView, lang: Lang) -> impl IntoView {
    view! {
        <details class="behind">
            <summary><Icon name="table"/>{words::chart_table(lang)}</summary>
            <Table table lang/>
        </details>
    }
}

/// Rows by days; each row's name and each cell is a link.
#[component]
pub fn HeatmapFigure(heatmap: HeatmapView, lang: Lang) -> impl IntoView {
    view! {
        <figure class="card chart">
            <h2>{heatmap.title}</h2>
            <div class="strip">
                <ul>
                    {heatmap.rows.into_iter().map(|r| view! { <li><a href=r.href><bdi>{r.label}</bdi></a></li> }).collect_view()}
                </ul>
                <div inner_html=heatmap.svg></div>
            </div>
            <div class="shades" role="group" aria-label=words::heat_scale(lang)>
                <span>{heatmap.scale.0}</span>
                <svg class="icon-shades" aria-hidden="true" width="98" height="10" inner_html=shades()></svg>
                <span>{heatmap.scale.1}</span>
                <span class="quiet">{words::heat_gap(lang)}</span>
            </div>
            <div class="under"><TableBehind table=heatmap.table lang/><ToolLinks tools=heatmap.tools lang/></div>
            <figcaption>{heatmap.summary}</figcaption>
        </figure>
    }
}

/// The steps of lightness, from palest to strongest.
fn shades() -> String {
    (0..7).map(|i| format!(r#"<rect class="h{i}" x="{}" y="0" width="14" height="10"/>"#, i * 14)).collect()
}
