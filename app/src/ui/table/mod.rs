//! A table as the server made it: sorted, cut to a page, with the links that do it again.

#[cfg(feature = "ssr")]
pub mod build;

use leptos::{either::Either, prelude::*};
use serde::{Deserialize, Serialize};

use super::{
    delta::{Delta, DeltaView},
    hydration::hydrated_synchronously,
    icon::Icon,
    state::{StateMark, StateView},
};
use crate::{i18n::Lang, ui::words};

/// A table that a server made: sorted, cut to a page, with the links that sort and turn it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableView {
    pub caption: String,
    pub columns: Vec<ColumnView>,
    pub rows: Vec<Vec<Cell>>,
    pub csv: Option<String>,
    pub pager: Option<Pager>,
    pub foot: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnView {
    pub label: String,
    pub numeric: bool,
    /// Where sorting by it leads; `None` when it cannot be sorted.
    pub sort: Option<String>,
    /// `ascending` or `descending` when the table is sorted by it.
    pub sorted: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pager {
    pub label: String,
    pub previous: Option<String>,
    pub next: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// The head of its row: a name with where it leads, and its state.
    Name {
        text: String,
        href: Option<String>,
        state: Option<StateView>,
    },
    Text(String),
    /// A name that is not the head of its row.
    Link {
        text: String,
        href: String,
    },
    /// A number with what it is made of when known.
    Number {
        text: String,
        href: Option<String>,
    },
    /// A number with its difference, and in small print what it is based on.
    Figure {
        text: String,
        href: Option<String>,
        delta: Option<DeltaView>,
        /// A line each.
        small: Vec<String>,
    },
    Delta(Option<DeltaView>),
    State(StateView),
    /// A moment, short, with the whole of it on demand.
    Time {
        /// RFC 3339, for machines.
        at: String,
        short: String,
        full: String,
    },
    /// SVG of a word-sized line.
    Spark(String),
}

#[component]
pub fn Table(table: TableView, lang: Lang) -> impl IntoView {
    let numeric: Vec<bool> = table.columns.iter().map(|c| c.numeric).collect();
    let caption = table.caption.clone();
    view! {
        <section class="card">
            <h2>{table.caption}</h2>
            <div class="scroll" role="region" tabindex="0" aria-label=caption>
                <table>
                    <thead>
                        <tr>{table.columns.into_iter().map(|c| head(lang, c)).collect_view()}</tr>
                    </thead>
                    <tbody>
                        {table.rows.into_iter().map(|row| view! {
                            <tr>{row.into_iter().zip(numeric.clone()).map(|(c, n)| cell(c, n)).collect_view()}</tr>
                        }).collect_view()}
                    </tbody>
                </table>
            </div>
            <footer>
                {table.foot.map(|f| view! { <span class="quiet">{f}</span> })}
                {table.pager.map(|p| { let label = p.label.clone(); view! {
                    <nav class="pager" aria-label=label>
                        {turn(p.previous, words::page_previous(lang), "chevron-left")}
                        <span>{p.label}</span>
                        {turn(p.next, words::page_next(lang), "chevron-right")}
                    </nav>
                }})}
                {table.csv.map(|href| view! {
                    <a class="tool" href=href rel="external" download><Icon name="download"/>{words::csv_table(lang)}</a>
                })}
            </footer>
        </section>
    }
}

fn head(lang: Lang, c: ColumnView) -> impl IntoView {
    let class = c.numeric.then_some("num");
    let arrow = match c.sorted.as_deref() {
        Some("ascending") => "▲",
        Some(_) => "▼",
        None => "",
    };
    let title = words::sort_by(lang, &c.label);
    view! {
        <th scope="col" class=class aria-sort=c.sorted>
            {match c.sort {
                Some(href) => Either::Left(view! { <a data-noscroll="" href=href title=title>{c.label}{(!arrow.is_empty()).then(|| view! { <span class="arrow" aria-hidden="true">{arrow}</span> })}</a> }),
                None => Either::Right(c.label),
            }}
        </th>
    }
}

fn turn(href: Option<String>, label: &'static str, icon: &'static str) -> impl IntoView {
    match href {
        Some(href) => Either::Left(
            view! { <a class="step" data-noscroll="" href=href aria-label=label title=label><Icon name=icon/></a> },
        ),
        None => Either::Right(view! { <span class="step off" aria-hidden="true"><Icon name=icon/></span> }),
    }
}

fn cell(c: Cell, numeric: bool) -> AnyView {
    let class = numeric.then_some("num");
    match c {
        Cell::Name { text, href, state } => {
            let mark = state.map(|s| view! { <StateMark state=s.state/> });
            let name = match href {
                Some(href) => Either::Left(view! { <a href=href><bdi>{text}</bdi></a> }),
                None => Either::Right(view! { <bdi>{text}</bdi> }),
            };
            hydrated_synchronously(view! { <th scope="row">{mark}{name}</th> })
        }
        Cell::Text(text) => {
            // A short one stays on its line, and a sentence does not become a tower of words.
            let length = match text.chars().count() {
                _ if numeric => "num",
                ..=24 => "short",
                25..=48 => "",
                _ => "long",
            };
            hydrated_synchronously(view! { <td class=length><bdi>{text}</bdi></td> })
        }
        Cell::Link { text, href } => {
            hydrated_synchronously(view! { <td class="name"><a href=href><bdi>{text}</bdi></a></td> })
        }
        Cell::Number { text, href: Some(href) } => {
            hydrated_synchronously(view! { <td class=class><a href=href>{text}</a></td> })
        }
        Cell::Number { text, href: None } => hydrated_synchronously(view! { <td class=class>{text}</td> }),
        Cell::Figure { text, href, delta, small } => {
            let value = match href {
                Some(href) => Either::Left(view! { <a href=href>{text}</a> }),
                None => Either::Right(text),
            };
            hydrated_synchronously(view! {
                <td class="num figure">
                    {value}{delta.map(|delta| view! { " "<Delta delta/> })}
                    {small.into_iter().map(|s| view! { <small class="quiet">{s}</small> }).collect_view()}
                </td>
            })
        }
        Cell::Delta(Some(d)) => hydrated_synchronously(view! { <td class=class><Delta delta=d/></td> }),
        Cell::Delta(None) => hydrated_synchronously(view! { <td class=class>"–"</td> }),
        Cell::State(s) => hydrated_synchronously(
            view! { <td><span class="state" title=s.help><StateMark state=s.state/>{s.label}</span></td> },
        ),
        Cell::Time { at, short, full } => {
            hydrated_synchronously(view! { <td class=class><time datetime=at title=full>{short}</time></td> })
        }
        Cell::Spark(svg) => hydrated_synchronously(view! { <td class="spark-cell" inner_html=svg></td> }),
    }
}
