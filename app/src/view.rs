//! What pages are made of, finished: numbers and dates are formatted, links are written. Made on the server in the
//! request's language and time zone, drawn on both sides; the browser formats nothing.

use domain::{metric::Change, state::DataState};
use serde::{Deserialize, Serialize};

use crate::i18n::Lang;

/// A view on its way to the browser: JSON within a JSON string. Pages come by two ways, inside the first HTML and as answers
/// of server functions, which read JSON with two readers; so each view is decoded by one piece of code instead of two, and
/// the browser's half is a fifth smaller.
#[derive(Debug, Clone, PartialEq)]
pub struct Sent<T>(pub T);

impl<T: Serialize> Serialize for Sent<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&text)
    }
}

impl<'de, T: serde::de::DeserializeOwned> Deserialize<'de> for Sent<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        serde_json::from_str(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What stands around the content of every page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    pub lang: Lang,
    /// The title of the page, and of the browser's window.
    pub title: String,
    pub crumbs: Vec<Crumb>,
    pub range: Option<RangeBar>,
    /// The earlier periods that can be shown beside.
    pub against: Option<Choices>,
    pub live: Live,
    pub simulated: bool,
    /// Days of the demo that are in, while it is being filled.
    pub filling: Option<i64>,
    pub failed_files: usize,
}

/// One step of the way from the fleet to here, with what lies beside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Crumb {
    pub label: String,
    pub href: String,
    /// What kind of thing it is, for the switcher's name.
    pub what: String,
    pub siblings: Vec<Link>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    pub label: String,
    pub href: String,
    pub current: bool,
}

/// Some ways on, of which one is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    pub label: String,
    pub links: Vec<Link>,
}

/// How a page follows new records; see `app/elements/live.ts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// Without a script: as of when the page is.
    pub text: String,
    /// The server's clock when it answered, and the length of the range, in ms.
    pub at: i64,
    pub range: i64,
    /// The generation of the records that the page shows, for the stream of events.
    pub generation: i64,
    /// The address of the stream that tells when there are newer ones.
    pub feed: String,
    /// Whether the range ends now.
    pub open: bool,
    pub refresh: String,
    /// Texts, as JSON.
    pub words: String,
    pub choices: Vec<Link>,
}

/// The time picker: where we are, where one can go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RangeBar {
    pub label: String,
    pub zone: String,
    /// Other time zones that lie near at hand.
    pub zones: Vec<Link>,
    pub presets: Vec<Link>,
    pub earlier: String,
    pub later: Option<String>,
    /// The ends as a `datetime-local` field wants them.
    pub from: String,
    pub to: String,
    /// The page's address without its query, and the query's other pairs.
    pub action: String,
    pub hidden: Vec<(String, String)>,
}

/// A data state with its words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateView {
    pub state: DataState,
    pub label: String,
    pub help: String,
}

/// A change against the period before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaView {
    pub way: Way,
    /// How much, without a sign.
    pub size: String,
    pub change: Change,
    /// Whether it is large enough to matter.
    pub matters: bool,
    /// "better", "worse": the colour in a word.
    pub word: String,
}

/// Where to a number moved, as it is shown: what rounds to nothing stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    Up,
    Down,
    Stayed,
}

impl DeltaView {
    /// With its arrow.
    #[must_use]
    pub fn text(&self) -> String {
        let arrow = match self.way {
            Way::Up => '↑',
            Way::Down => '↓',
            Way::Stayed => '±',
        };
        format!("{arrow}{}", self.size)
    }
}

/// One headline number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TileView {
    pub label: String,
    pub help: String,
    pub value: String,
    pub unit: String,
    pub delta: Option<DeltaView>,
    pub versus: String,
    pub state: StateView,
    pub spark: String,
    pub foot: Vec<String>,
    pub simulated: bool,
    pub href: String,
}

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
    /// A number with its difference, and in small print on what it stands.
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

/// A chart with everything that stands under it.
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
    pub tools: Tools,
    pub simulated: bool,
}

/// Nothing to show, why, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmptyView {
    pub title: String,
    pub text: String,
    /// Commands to type, with the sentence before each.
    pub commands: Vec<(String, String)>,
    pub action: Option<Link>,
}

/// A place of the fleet, or the fleet: `/`, customers, sites and zones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceView {
    pub head: Head,
    pub state: StateView,
    pub filter: Option<FilterView>,
    pub empty: Option<EmptyView>,
    pub attention: Option<Vec<AttentionView>>,
    pub attention_more: Option<String>,
    pub tiles: Vec<TileView>,
    pub chart: Option<ChartView>,
    pub heat: Option<HeatView>,
    pub children: Option<TableView>,
    pub metrics: Option<TableView>,
    pub models: Option<TableView>,
}

/// Sites by days in one metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeatView {
    pub title: String,
    pub summary: String,
    /// Names and addresses of the rows, from top to bottom.
    pub rows: Vec<Link>,
    pub svg: String,
    /// The ends of the scale: palest, strongest.
    pub scale: (String, String),
    pub table: TableView,
    pub tools: Tools,
}

/// What can be taken along of a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tools {
    pub svg: Option<String>,
    /// The stem of downloaded files' names.
    pub file: String,
    /// The page that shows it again.
    pub link: Option<String>,
    /// Where the same is looked at more closely.
    pub details: Option<String>,
}

/// Something that needs somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttentionView {
    pub text: String,
    pub href: String,
    /// A data state, or `None` for a number that got worse.
    pub state: Option<DataState>,
}

/// `/trends`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrendsView {
    pub head: Head,
    pub empty: Option<EmptyView>,
    pub selects: Vec<SelectView>,
    /// Pairs that the form keeps.
    pub hidden: Vec<(String, String)>,
    pub chart: Option<ChartView>,
    pub worst: Option<TableView>,
    pub models: Option<TableView>,
}

/// A form that filters what a page shows: where it leads, what it keeps, what it chooses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FilterView {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    pub selects: Vec<SelectView>,
}

/// One choice of a filter form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SelectView {
    pub name: String,
    pub label: String,
    pub options: Vec<(String, String)>,
    pub chosen: String,
    /// It is typed, and the options are proposals: there are more.
    pub typed: bool,
}

/// `/compare`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompareView {
    pub head: Head,
    pub empty: Option<EmptyView>,
    /// One sentence: who leads.
    pub finding: String,
    /// Why places matter.
    pub explained: String,
    /// Models that can be put side by side; `more` are folded away.
    pub models: Vec<ModelChip>,
    pub more: Vec<ModelChip>,
    pub choices: Vec<Choices>,
    pub selects: Vec<SelectView>,
    pub hidden: Vec<(String, String)>,
    pub table: Option<TableView>,
    pub sites: Option<TableView>,
    pub pictures: Vec<PictureView>,
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
    pub tools: Tools,
}

/// A model that can be put beside others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelChip {
    pub label: String,
    pub n: String,
    pub chosen: bool,
    pub baseline: bool,
    /// Takes it in or out; `None` for the baseline and when there is no room.
    pub toggle: Option<String>,
    pub as_baseline: Option<String>,
}

/// `/records`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordsView {
    pub head: Head,
    pub filter: Option<FilterView>,
    pub empty: Option<EmptyView>,
    pub summary: String,
    pub table: Option<TableView>,
}

/// `/sources`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourcesView {
    pub head: Head,
    pub empty: Option<EmptyView>,
    pub summary: String,
    /// What runs beside requests and is in trouble.
    pub jobs: Option<TableView>,
    pub failed: Option<TableView>,
    /// The files in which people have written down names and expectations.
    pub written: Option<TableView>,
    /// Metrics that are in their records and nowhere else.
    pub beyond: Option<TableView>,
    pub sources: Option<TableView>,
    pub volume: Option<ChartView>,
}
