//! A query as it is understood: every key in its type. What cannot be understood is refused here and nowhere else, whichever interface
//! it came through and whether or not the answer depends on it.

use jiff::tz::TimeZone;

use super::QueryParams;
use crate::{
    compare::{ModelGrouping, PlacePairing},
    error::{Error, Result},
    model::ModelKey,
    query::{ChangesQuery, ComparisonQuery, MetricSelection, RecordsQuery, SummaryQuery, TrendQuery, WorstZonesQuery},
    scope::{ExperimentKind, Scope, clip_text},
    sentences,
    time::{DAY, EarlierPeriod, Millis, Step, TimeRange, bad_days, parse_moment},
    tracking::RunId,
};

/// Days shown when a query names no range.
const DEFAULT_DAYS: u32 = 7;
/// Points of a trend when a query names no step.
const DEFAULT_POINTS: i64 = 300;
/// Rows of a ranking when a query names no limit, and at most.
const DEFAULT_LIMIT: usize = 10;
const MAX_ROWS: usize = 100;

/// What is asked, whatever shows the answer. Made by [`QueryParams::read`] alone.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricsQuery {
    pub scope: Scope,
    /// The type of records, where one is named.
    kind: Option<ExperimentKind>,
    /// The present moment, at which it is asked.
    pub now: Millis,
    /// The zone in which dates are read, and whether the query itself names it.
    pub zone: TimeZone,
    pub own_zone: bool,
    pub range: TimeRange,
    /// How the beginning of a range that ends now was said, such as `now-7d`.
    pub since: Option<String>,
    /// The earlier period that is shown for comparison, where one is.
    pub against: Option<EarlierPeriod>,
    pub step: Option<Step>,
    pub metric: Option<String>,
    pub model: Option<ModelKey>,
    pub run: Option<RunId>,
    /// Models put side by side; empty where none is named.
    pub models: Vec<ModelKey>,
    pub baseline: Option<ModelKey>,
    pub places: PlacePairing,
    pub by: ModelGrouping,
    /// Leaves out what does not differ.
    pub diff: bool,
    pub sort: Option<Sort>,
    /// Rows of a ranking.
    pub limit: usize,
    /// The pages of the table and of that of all metrics, from 1.
    pub page: usize,
    pub metrics_page: usize,
    pub refresh: RefreshInterval,
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
pub enum RefreshInterval {
    /// As fast as they come.
    #[default]
    Auto,
    Off,
    FiveSeconds,
    HalfMinute,
    Minute,
}

impl RefreshInterval {
    pub const ALL: [Self; 5] = [Self::Auto, Self::Off, Self::FiveSeconds, Self::HalfMinute, Self::Minute];

    /// # Errors
    /// Names the five accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == text).ok_or_else(|| {
            Error::bad_input(sentences::bad_refresh(Self::ALL.map(Self::as_str).join(", "), clip_text(text)))
        })
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

impl QueryParams {
    /// Reads every key, at the moment `now`. Dates are those of `fallback` where no time zone is named.
    ///
    /// # Errors
    /// `BadInput` for the first key that makes no sense. Whether there is a metric, a model or a column of that name, others know.
    pub fn read(&self, now: Millis, fallback: &TimeZone) -> Result<MetricsQuery> {
        let scope = self.scope()?;
        let named = self.time_zone()?;
        let own_zone = named.is_some();
        let zone = named.unwrap_or_else(|| fallback.clone());
        let (range, since) = self.range(now, &zone)?;
        Ok(MetricsQuery {
            kind: self.get("type").map(|_| scope.kind),
            scope,
            now,
            zone,
            own_zone,
            range,
            since,
            against: self.parsed("compare", EarlierPeriod::parse)?,
            step: self.parsed("step", Step::parse)?,
            metric: self.get("metric").map(str::to_owned),
            model: self.parsed("model", ModelKey::parse)?,
            run: self.parsed("run", RunId::parse)?,
            models: self.models()?,
            baseline: self.parsed("baseline", ModelKey::parse)?,
            places: self.parsed("places", PlacePairing::parse)?.unwrap_or_default(),
            by: self.parsed("by", ModelGrouping::parse)?.unwrap_or_default(),
            diff: self.flag("diff")?,
            sort: self.get("sort").map(Sort::of),
            limit: self.limit()?,
            page: self.page_of("page")?,
            metrics_page: self.page_of("metrics_page")?,
            refresh: self.parsed("refresh", RefreshInterval::parse)?.unwrap_or_default(),
            kiosk: self.flag("kiosk")?,
        })
    }

    fn parsed<T>(&self, key: &str, parse: fn(&str) -> Result<T>) -> Result<Option<T>> {
        self.get(key).map(parse).transpose()
    }

    fn scope(&self) -> Result<Scope> {
        let get = |k| self.get(k);
        Scope::parse(get("customer"), get("site"), get("zone"), get("task"), get("type"))?.with_device(get("device"))
    }

    fn time_zone(&self) -> Result<Option<TimeZone>> {
        self.parsed("tz", |name| {
            if name == "UTC" {
                return Ok(TimeZone::UTC);
            }
            TimeZone::get(name).map_err(|e| {
                let text = sentences::no_time_zone(clip_text(name));
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
            None => Ok(false),
            Some(text) => super::flag(key, text),
        }
    }

    fn limit(&self) -> Result<usize> {
        self.get("limit").map_or(Ok(DEFAULT_LIMIT), |text| super::limit(text, MAX_ROWS))
    }

    /// The page of the table that is turned by `key`.
    fn page_of(&self, key: &str) -> Result<usize> {
        self.get(key).map_or(Ok(1), |text| super::page(key, text))
    }
}

impl MetricsQuery {
    /// The same about another type of records, where none is named.
    #[must_use]
    pub fn with_default_kind(mut self, kind: ExperimentKind) -> Self {
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
            metrics: MetricSelection::All,
            earlier_quantiles: MetricSelection::latencies(),
            course: None,
            changes: true,
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
    pub fn changes(&self) -> Result<ChangesQuery> {
        Ok(ChangesQuery {
            scope: self.scope.clone(),
            metric: self.named_metric()?,
            range: self.range,
            earlier: self.against.unwrap_or_default().of(&self.range),
        })
    }

    /// # Errors
    /// A missing metric.
    pub fn worst(&self) -> Result<WorstZonesQuery> {
        Ok(WorstZonesQuery {
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
        let scope = self.clone().with_default_kind(ExperimentKind::All).scope;
        ComparisonQuery { scope, range: self.range, metrics: MetricSelection::All }
    }

    /// The rows behind a number: `take` of them, from the page that is asked for.
    #[must_use]
    pub fn records(&self, take: usize) -> RecordsQuery {
        RecordsQuery {
            scope: self.scope.clone(),
            model: self.model.clone(),
            run: self.run.clone(),
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
mod tests;
