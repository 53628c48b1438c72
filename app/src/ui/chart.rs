//! A chart with everything that belongs to it: the finding, the picture, the sentence, the table, the files.

use leptos::prelude::*;

use super::{icon::Icon, table::Table};
use crate::{i18n::Lang, view::ChartView};

#[component]
pub fn Chart(chart: ChartView, lang: Lang) -> impl IntoView {
    let t = lang.texts();
    view! {
        <figure class="card chart">
            <h2>{chart.title}{chart.simulated.then(|| view! { <span class="simulated">{t.simulated}</span> })}</h2>
            <div class="drawing" inner_html=chart.svg></div>
            <figcaption>{chart.summary}" "<span class="quiet">{chart.note}</span></figcaption>
            <div class="under">
                {chart.table.map(|table| view! {
                    <details class="behind">
                        <summary><Icon name="table"/>{t.chart_table}</summary>
                        <Table table lang/>
                    </details>
                })}
                <footer>
                    {chart.details.map(|href| view! { <a class="tool" href=href><Icon name="chart-line"/>{t.details}</a> })}
                    {chart.svg_href.map(|href| view! {
                        <a class="tool" href=href rel="external" download><Icon name="download"/>{t.chart_svg}</a>
                    })}
                </footer>
            </div>
        </figure>
    }
}
