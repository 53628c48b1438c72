//! Draws the page of a place.

use leptos::{either::Either, prelude::*};

use super::{
    view::{AttentionView, PlaceView},
    words,
};
use crate::{
    i18n::Lang,
    shell::top::PageTop,
    ui::{
        chart::{Chart, HeatmapFigure},
        empty::Empty,
        form::Filters,
        icon::Icon,
        state::StateMark,
        table::Table,
        tile::Tile,
    },
};

/// The page.
pub(super) fn draw(v: PlaceView) -> impl IntoView {
    let lang = v.head.lang;
    let state = v.state.clone();
    let about: fn(Lang, &str) -> String = match v.head.crumbs.len() {
        ..2 => |lang, _| words::about_fleet(lang).into(),
        _ => |lang, title| words::about(lang, title),
    };
    view! {
        <PageTop head=v.head state=Some(state) about/>
        <main id="main" tabindex="-1">
            {v.filter.map(|f| view! { <Filters filter=f lang/> })}
            {v.empty.map(|e| view! { <Empty empty=e/> })}
            {v.attention.map(|a| attention(lang, a, v.attention_more))}
            {(!v.tiles.is_empty()).then(|| view! {
                <section class="tiles" aria-label=words::headlines(lang)>
                    {v.tiles.into_iter().map(|t| view! { <Tile tile=t lang/> }).collect_view()}
                </section>
            })}
            {v.children.map(|table| view! { <Table table lang/> })}
            {v.chart.map(|chart| view! { <Chart chart lang/> })}
            {v.heatmap.map(|heatmap| view! { <HeatmapFigure heatmap lang/> })}
            {v.models.map(|table| view! { <Table table lang/> })}
            {v.metrics.map(|table| view! { <Table table lang/> })}
        </main>
    }
}

/// What needs attention, most severe first.
fn attention(lang: Lang, items: Vec<AttentionView>, more: Option<String>) -> impl IntoView {
    let calm = items.is_empty();
    view! {
        <section class="attention" class:calm=calm aria-labelledby="attention">
            <h2 id="attention">{words::attention(lang)}</h2>
            {if calm {
                Either::Left(view! { <p><Icon name="circle-check"/>{words::attention_calm(lang)}</p> })
            } else {
                Either::Right(view! {
                    <ul>
                        {items.into_iter().map(|a| view! {
                            <li>
                                <a href=a.href>
                                    {match a.state {
                                        Some(state) => Either::Left(view! { <StateMark state/> }),
                                        None => Either::Right(view! { <span class="mark worse" aria-hidden="true">"◆"</span> }),
                                    }}
                                    {a.text}
                                </a>
                            </li>
                        }).collect_view()}
                        {more.map(|m| view! { <li class="more">{m}</li> })}
                    </ul>
                })
            }}
        </section>
    }
}
