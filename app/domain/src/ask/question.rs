//! A question as it is understood: every key in its type. What cannot be understood is refused here and nowhere else, whichever door
//! it came through and whether or not the answer depends on it.

use jiff::tz::TimeZone;

use super::Ask;
use crate::{
    compare::{By, Places},
    error::{Error, Result},
    model::ModelKey,
    query::{ComparisonQuery, Metrics, RecordsQuery, SummaryQuery, TrendQuery, WorstQuery},
    scope::{Kind, Scope, clip},
    sentences,
    time::{Against, DAY, Millis, Step, TimeRange, bad_days, parse_moment},
};

/// Days shown when a question names no range.
const DEFAULT_DAYS: u32 = 7;
/// Points of a trend when a question names no step.
const DEFAULT_POINTS: i64 = 300;
/// Rows of a ranking when a question names no limit, and at most.
const DEFAULT_LIMIT: usize = 10;
const MOST_ROWS: usize = 100;
/// The last page of a table that can be asked for.
const LAST_PAGE: usize = 1_000_000;

/// What is asked, whatever shows the answer. Made by [`Ask::read`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub scope: Scope,
    /// The type of records, where one is named.
    kind: Option<Kind>,
    /// The present moment, at which it is asked.
    pub now: Millis,
    /// The zone in which dates are read, and whether the question itself names it.
    pub zone: TimeZone,
    pub own_zone: bool,
    pub range: TimeRange,
    /// How the beginning of a range that ends now was said, such as `now-7d`.
    pub since: Option<String>,
    /// The earlier period that is shown beside, where one is.
    pub against: Option<Against>,
    pub step: Option<Step>,
    pub metric: Option<String>,
    pub model: Option<ModelKey>,
    /// Models put side by side; empty where none is named.
    pub models: Vec<ModelKey>,
    pub baseline: Option<ModelKey>,
    pub places: Places,
    pub by: By,
    /// Leaves out what does not differ.
    pub diff: bool,
    pub sort: Option<Sort>,
    /// Rows of a ranking.
    pub limit: usize,
    /// The pages of the table and of that of all metrics, from 1.
    pub page: usize,
    pub metrics_page: usize,
    pub refresh: Refresh,
    pub kiosk: bool,
}

/// By which column a table is sorted. Which there are, the table knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    pub column: String,
    pub descending: bool,
}

impl Sort {
    fn of(text: &str) -> Self {
        Self { column: text.strip_prefix('-').unwrap_or(text).to_owned(), descending: text.starts_with('-') }
    }
}

/// How often a page follows new records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refresh {
    /// As fast as they come.
    #[default]
    Auto,
    Off,
    FiveSeconds,
    HalfMinute,
    Minute,
}

impl Refresh {
    pub const ALL: [Self; 5] = [Self::Auto, Self::Off, Self::FiveSeconds, Self::HalfMinute, Self::Minute];

    /// # Errors
    /// Names the five accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| Error::bad_input(sentences::bad_refresh(Self::ALL.map(Self::as_str).join(", "), clip(text))))
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Off => "off",
            Self::FiveSeconds => "5s",
            Self::HalfMinute => "30s",
            Self::Minute => "1m",
        }
    }

    /// Its period in seconds, where it has one.
    #[must_use]
    pub fn seconds(self) -> Option<u32> {
        match self {
            Self::Auto | Self::Off => None,
            Self::FiveSeconds => Some(5),
            Self::HalfMinute => Some(30),
            Self::Minute => Some(60),
        }
    }
}

impl Ask {
    /// Reads every key, at the moment `now`. Dates are those of `fallback` where no time zone is named.
    ///
    /// # Errors
    /// `BadInput` for the first key that makes no sense. Whether there is a metric, a model or a column of that name, others know.
    pub fn read(&self, now: Millis, fallback: &TimeZone) -> Result<Question> {
        let scope = self.scope()?;
        let named = self.time_zone()?;
        let own_zone = named.is_some();
        let zone = named.unwrap_or_else(|| fallback.clone());
        let (range, since) = self.range(now, &zone)?;
        Ok(Question {
            kind: self.get("type").map(|_| scope.kind),
            scope,
            now,
            zone,
            own_zone,
            range,
            since,
            against: self.parsed("compare", Against::parse)?,
            step: self.parsed("step", Step::parse)?,
            metric: self.get("metric").map(str::to_owned),
            model: self.parsed("model", ModelKey::parse)?,
            models: self.models()?,
            baseline: self.parsed("baseline", ModelKey::parse)?,
            places: self.parsed("places", Places::parse)?.unwrap_or_default(),
            by: self.parsed("by", By::parse)?.unwrap_or_default(),
            diff: self.flag("diff")?,
            sort: self.get("sort").map(Sort::of),
            limit: self.limit()?,
            page: self.page_of("page")?,
            metrics_page: self.page_of("metrics_page")?,
            refresh: self.parsed("refresh", Refresh::parse)?.unwrap_or_default(),
            kiosk: self.flag("kiosk")?,
        })
    }

    fn parsed<T>(&self, key: &str, parse: fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(parse).transpose()
    }

    fn scope(&self) -> Result<Scope> {
        let get = |k| self.get(k);
        Scope::parse(get("customer"), get("site"), get("zone"), get("task"), get("type"))?.on(get("device"))
    }

    fn time_zone(&self) -> Result<Option<TimeZone>> {
        self.parsed("tz", |name| {
            if name == "UTC" {
                return Ok(TimeZone::UTC);
            }
            TimeZone::get(name).map_err(|e| {
                let text = sentences::no_time_zone(clip(name));
                Error::bad_input(text).with_detail(e)
            })
        })
    }

    /// `from` and `to`, or `days`, or the last seven days; and what was said of the beginning of a range that ends now.
    fn range(&self, now: Millis, tz: &TimeZone) -> Result<(TimeRange, Option<String>)> {
        let ago = |days: u32| format!("now-{days}d");
        let (from, to) = (self.get("from"), self.get("to"));
        if let Some(days) = self.get("days") {
            if from.is_some() || to.is_some() {
                return Err(Error::bad_input(sentences::days_or_range()));
            }
            let days = days.parse().map_err(|_| bad_days())?;
            return Ok((TimeRange::last_days(days, now)?, Some(ago(days))));
        }
        let end = to.map_or(Ok(now), |t| parse_moment(t, now, tz))?;
        let begin = match from {
            Some(text) => parse_moment(text, now, tz)?,
            None => end.plus(-i64::from(DEFAULT_DAYS) * DAY),
        };
        let open = to.is_none_or(|to| to == "now");
        let since = open.then(|| from.map_or_else(|| ago(DEFAULT_DAYS), str::to_owned));
        Ok((TimeRange::new(begin, end)?, since))
    }

    fn models(&self) -> Result<Vec<ModelKey>> {
        let list = self.get("models").unwrap_or_default();
        list.split(',').filter(|m| !m.is_empty()).map(ModelKey::parse).collect()
    }

    /// Whether a key that is on or off is on.
    fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(Error::bad_input(sentences::bad_flag(key, clip(other)))),
        }
    }

    fn limit(&self) -> Result<usize> {
        let Some(text) = self.get("limit") else { return Ok(DEFAULT_LIMIT) };
        text.parse()
            .ok()
            .filter(|l| (1..=MOST_ROWS).contains(l))
            .ok_or_else(|| Error::bad_input(sentences::bad_limit(MOST_ROWS, clip(text))))
    }

    /// The page of the table that is turned by `key`.
    fn page_of(&self, key: &str) -> Result<usize> {
        let Some(text) = self.get(key) else { return Ok(1) };
        text.parse()
            .ok()
            .filter(|p| (1..=LAST_PAGE).contains(p))
            .ok_or_else(|| Error::bad_input(sentences::bad_page(key, clip(text))))
    }
}

impl Question {
    /// The same about another type of records, where none is named.
    #[must_use]
    pub fn or_kind(mut self, kind: Kind) -> Self {
        self.scope.kind = self.kind.unwrap_or(kind);
        self
    }

    #[must_use]
    pub fn summary(&self) -> SummaryQuery {
        SummaryQuery {
            scope: self.scope.clone(),
            range: self.range,
            earlier: self.against.unwrap_or_default().of(&self.range),
            children: true,
            sites: false,
            metrics: Metrics::All,
            earlier_quantiles: Metrics::with_tail(),
            course: None,
            now: self.now,
        }
    }

    /// In the step that is named, else in the one that gives about [`DEFAULT_POINTS`] points.
    ///
    /// # Errors
    /// A missing metric, and a step that gives too many points: pages of other things carry it along and need not refuse it.
    pub fn trend(&self) -> Result<TrendQuery> {
        Ok(TrendQuery {
            scope: self.scope.clone(),
            model: self.model.clone(),
            metric: self.named_metric()?,
            range: self.range,
            step: match self.step {
                Some(step) => step.check(&self.range)?,
                None => Step::for_range(&self.range, DEFAULT_POINTS),
            },
        })
    }

    /// # Errors
    /// A missing metric.
    pub fn worst(&self) -> Result<WorstQuery> {
        Ok(WorstQuery {
            scope: self.scope.clone(),
            model: self.model.clone(),
            metric: self.named_metric()?,
            range: self.range,
            limit: self.limit,
        })
    }

    /// All types of records, unless one is named: challengers are candidates.
    #[must_use]
    pub fn comparison(&self) -> ComparisonQuery {
        let scope = self.clone().or_kind(Kind::All).scope;
        ComparisonQuery { scope, range: self.range, metrics: Metrics::All }
    }

    /// The rows behind a number: `take` of them, from the page that is asked for.
    #[must_use]
    pub fn records(&self, take: usize) -> RecordsQuery {
        RecordsQuery {
            scope: self.scope.clone(),
            model: self.model.clone(),
            metric: self.metric.clone(),
            range: self.range,
            skip: (self.page - 1).saturating_mul(take),
            take,
        }
    }

    fn named_metric(&self) -> Result<String> {
        self.metric.clone().ok_or_else(|| Error::bad_input(sentences::no_metric_named()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::KEYS, *};
    use crate::error::ErrorKind;

    const NOW: Millis = Millis(1_782_820_800_000);

    fn read(pairs: &[(&str, &str)]) -> Result<Question> {
        Ask::from_pairs(pairs.iter().copied(), KEYS)?.read(NOW, &TimeZone::UTC)
    }

    /// A key, what else has to be said, a text that is understood, and one that is refused, where there is one.
    type Example = (&'static str, &'static [(&'static str, &'static str)], &'static str, Option<&'static str>);

    const EXAMPLES: &[Example] = &[
        ("customer", &[], "acme", Some("a/b")),
        ("site", &[("customer", "acme")], "seoul-01", Some("..")),
        ("zone", &[("customer", "acme"), ("site", "s")], "gate-1", Some("a\\b")),
        ("task", &[], "detection", Some("a\u{0}")),
        ("type", &[], "candidate", Some("nonsense")),
        ("device", &[], "orin", Some(" orin")),
        ("model", &[], "models:/m/1", Some("yolov8m:")),
        ("metric", &[], "mAP50", None),
        ("models", &[], "a:1,b", Some("a:1,:1")),
        ("baseline", &[], "a:1", Some(":")),
        ("places", &[], "all", Some("moon")),
        ("by", &[], "architecture", Some("colour")),
        ("diff", &[], "1", Some("yes")),
        ("from", &[], "now-30d", Some("yesterday")),
        ("to", &[], "2026-06-08", Some("now-7q")),
        ("days", &[], "30", Some("-1")),
        ("step", &[], "PT1H", Some("1ms")),
        ("compare", &[], "week", Some("decade")),
        ("tz", &[], "Asia/Seoul", Some("Mars/Olympus")),
        ("sort", &[], "-value", None),
        ("limit", &[], "100", Some("101")),
        ("page", &[], "2", Some("0")),
        ("metrics_page", &[], "3", Some("x")),
        ("refresh", &[], "30s", Some("1ms")),
        ("kiosk", &[], "1", Some("please")),
    ];

    #[test]
    fn every_key_changes_the_question_and_its_nonsense_is_refused_in_both_languages() {
        assert_eq!(EXAMPLES.iter().map(|e| e.0).collect::<Vec<_>>(), KEYS);
        for (key, beside, good, bad) in EXAMPLES {
            let with = |text| read(&[beside, &[(*key, text)][..]].concat());
            let (plain, asked) = (read(beside).expect("understood"), with(good).expect(good));
            assert_ne!(asked, plain, "{key}={good} says nothing");
            assert_eq!(with(""), Ok(plain), "{key}: an empty text is none");
            let Some(bad) = bad else { continue };
            let refused = with(bad).expect_err(key);
            assert_eq!(refused.kind, ErrorKind::BadInput, "{key}={bad}");
            let korean = refused.message.ko.expect(key);
            assert!(korean.chars().any(|c| ('가'..='힣').contains(&c)), "{key}={bad}: {korean}");
        }
    }

    #[test]
    fn keys_are_read_as_their_types() {
        let model = |text| ModelKey::parse(text).expect("a model");
        let q = read(&[
            ("models", "a:1,,b"),
            ("baseline", "a:1"),
            ("model", "m"),
            ("places", "all"),
            ("by", "architecture"),
            ("diff", "1"),
            ("kiosk", "0"),
            ("sort", "-value"),
            ("limit", "20"),
            ("page", "2"),
            ("metrics_page", "3"),
            ("refresh", "1m"),
            ("compare", "year"),
            ("step", "1h"),
            ("tz", "Asia/Seoul"),
        ]);
        let q = q.expect("a question");
        assert_eq!((q.models.clone(), q.baseline.clone()), (vec![model("a:1"), model("b")], Some(model("a:1"))));
        assert_eq!(q.model, Some(model("m")));
        assert_eq!((q.places, q.by, q.diff, q.kiosk), (Places::All, By::Architecture, true, false));
        assert_eq!(q.sort, Some(Sort { column: "value".into(), descending: true }));
        assert_eq!((q.limit, q.page, q.metrics_page), (20, 2, 3));
        assert_eq!((q.refresh, q.refresh.seconds(), q.against), (Refresh::Minute, Some(60), Some(Against::Year)));
        assert_eq!((q.step.map(Step::ms), q.own_zone), (Some(3_600_000), true));
        assert_eq!(q.zone.iana_name(), Some("Asia/Seoul"));
        let rows = q.records(25);
        assert_eq!((rows.skip, rows.take, rows.model), (25, 25, Some(model("m"))));
    }

    #[test]
    fn what_is_not_said_has_one_meaning() {
        let q = read(&[]).expect("a question");
        assert_eq!((q.limit, q.page, q.metrics_page, q.own_zone), (DEFAULT_LIMIT, 1, 1, false));
        assert_eq!((q.refresh, q.places, q.by), (Refresh::Auto, Places::Same, By::Version));
        assert_eq!((q.against, q.sort.clone(), q.models.len()), (None, None, 0));
        assert_eq!(q.summary().earlier, q.range.previous());
        assert_eq!(q.records(25).skip, 0);
    }

    #[test]
    fn ranges_come_from_days_or_ends_but_not_both() {
        let range = |pairs: &[(&str, &str)]| read(pairs).map(|q| q.range);
        assert_eq!(range(&[]).map(|r| r.length()), Ok(7 * DAY));
        assert_eq!(range(&[("days", "30")]).map(|r| r.length()), Ok(30 * DAY));
        assert_eq!(range(&[("from", "now-2d")]).map(|r| (r.length(), r.to())), Ok((2 * DAY, NOW)));
        assert_eq!(range(&[("to", "2026-06-08"), ("tz", "Asia/Seoul")]).map(|r| r.length()), Ok(7 * DAY));
        for bad in [
            vec![("days", "7"), ("from", "now-1d")],
            vec![("days", "-1")],
            vec![("from", "now"), ("to", "now-1d")],
            vec![("from", "1900-01-01")],
        ] {
            assert!(range(&bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_range_that_ends_now_remembers_how_its_beginning_was_said() {
        let since = |pairs: &[(&str, &str)]| read(pairs).expect("a range").since;
        for (pairs, said) in [
            (&[][..], Some("now-7d")),
            (&[("to", "now")], Some("now-7d")),
            (&[("days", "30")], Some("now-30d")),
            (&[("from", "now-24h")], Some("now-24h")),
            (&[("from", "now-24h"), ("to", "now")], Some("now-24h")),
            (&[("from", "2026-06-01")], Some("2026-06-01")),
            (&[("to", "now-1d")], None),
            (&[("from", "now-7d"), ("to", "2026-06-29")], None),
        ] {
            assert_eq!(since(pairs).as_deref(), said, "{pairs:?}");
        }
    }

    #[test]
    fn words_of_few_choices_refuse_others() {
        assert_eq!(read(&[]).map(|q| q.refresh.as_str()), Ok("auto"));
        for refresh in Refresh::ALL {
            assert_eq!(Refresh::parse(refresh.as_str()), Ok(refresh));
        }
        assert!(read(&[("refresh", "1s")]).is_err());
        assert!(read(&[("compare", "decade")]).is_err());
        assert_eq!(read(&[("kiosk", "1")]).map(|q| q.kiosk), Ok(true));
        assert!(read(&[("kiosk", "yes")]).is_err());
    }

    #[test]
    fn a_comparison_counts_all_types_and_a_summary_production() {
        let q = read(&[]).expect("a question");
        assert_eq!(q.comparison().scope.kind, Kind::All);
        assert_eq!((q.summary().scope.kind, q.records(1).scope.kind), (Kind::Production, Kind::Production));
        assert_eq!(q.or_kind(Kind::All).summary().scope.kind, Kind::All);
        let named = read(&[("type", "candidate")]).expect("a question");
        assert_eq!(named.comparison().scope.kind, Kind::Candidate);
        assert_eq!(named.or_kind(Kind::All).scope.kind, Kind::Candidate);
        assert!(read(&[("tz", "Mars/Olympus")]).is_err());
    }

    #[test]
    fn a_trend_needs_its_metric_and_a_step_that_fits_its_range() {
        let q = |pairs| read(pairs).expect("a question");
        assert!(q(&[]).trend().is_err() && q(&[]).worst().is_err());
        let year = q(&[("metric", "hota"), ("step", "1s"), ("days", "365")]);
        assert!(year.trend().is_err_and(|e| e.message.ko.is_some_and(|ko| ko.contains("개의 점"))));
        assert_eq!((year.summary().range, year.worst().map(|w| w.limit)), (year.range, Ok(DEFAULT_LIMIT)));
        let trend = q(&[("metric", "hota"), ("step", "6h")]).trend().expect("a trend");
        assert_eq!((&*trend.metric, trend.step.to_string()), ("hota", "6h".into()));
    }

    /// A text of a key: anything, or a word that some key understands.
    fn word() -> impl Strategy<Value = Option<String>> {
        let known = EXAMPLES.iter().flat_map(|e| [Some(e.2), e.3]).flatten().map(str::to_owned).collect::<Vec<_>>();
        prop_oneof![3 => Just(None), 1 => "\\PC{0,20}".prop_map(Some), 1 => prop::sample::select(known).prop_map(Some)]
    }

    proptest! {
        #[test]
        fn no_texts_make_the_reader_panic(texts in prop::collection::vec(word(), KEYS.len()), now in 0i64..4_000_000_000_000) {
            let mut ask = Ask::default();
            for (key, text) in KEYS.iter().zip(texts) {
                ask.set(key, text);
            }
            if let Ok(q) = ask.read(Millis(now), &TimeZone::UTC) {
                let _ = (q.summary(), q.trend(), q.worst(), q.comparison(), q.records(usize::MAX));
            }
        }

        #[test]
        fn no_text_of_one_key_makes_the_reader_panic(key in prop::sample::select(KEYS), text in "\\PC{0,40}") {
            let mut ask = Ask::default();
            ask.set(key, Some(text));
            let _ = ask.read(NOW, &TimeZone::UTC);
        }
    }
}
