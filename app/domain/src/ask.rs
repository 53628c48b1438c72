//! A question as it arrives, in texts: from a URL, a form or the command line. Turned into queries here and nowhere else,
//! so that every door understands the same words and refuses the same nonsense.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Result},
    model::ModelKey,
    query::{ComparisonQuery, Metrics, RecordsQuery, SummaryQuery, TrendQuery, WorstQuery},
    say,
    scope::{Scope, clip},
    time::{Against, DAY, Millis, Step, TimeRange, parse_moment},
};

/// Days shown when a question names no range.
pub const DEFAULT_DAYS: u32 = 7;
/// Points of a trend when a question names no step.
pub const DEFAULT_POINTS: i64 = 300;
/// Rows of a ranking when a question names no limit, and at most.
pub const DEFAULT_LIMIT: usize = 10;
pub const MOST_ROWS: usize = 100;
/// How often a page follows new records; the first is what holds when nothing is said.
pub const REFRESH: [&str; 5] = ["auto", "off", "5s", "30s", "1m"];

/// Makes [`Ask`] with a field a key, and the list of keys, from one table.
macro_rules! words {
    ($($(#[$doc:meta])* $field:ident = $key:literal,)*) => {
        /// The words of a question, all optional. These are the keys of URLs: short, documented, the same everywhere.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Ask {
            $($(#[$doc])* #[serde(rename = $key)] pub $field: Option<String>,)*
        }

        /// The keys of [`Ask`], in the order in which links write them.
        pub const KEYS: &[&str] = &[$($key),*];

        impl Ask {
            /// The field of a key; an empty text is none.
            #[must_use]
            pub fn get(&self, key: &str) -> Option<&str> {
                let field = match key {
                    $($key => &self.$field,)*
                    _ => return None,
                };
                field.as_deref().filter(|t| !t.is_empty())
            }

            /// Sets the field of a key; false when there is no such key.
            pub fn set(&mut self, key: &str, value: Option<String>) -> bool {
                let field = match key {
                    $($key => &mut self.$field,)*
                    _ => return false,
                };
                *field = value;
                true
            }
        }
    };
}

words! {
    customer = "customer",
    site = "site",
    zone = "zone",
    task = "task",
    /// `production` (default), `candidate` or `all`.
    kind = "type",
    /// Only what was measured on it.
    device = "device",
    /// `architecture` or `architecture:version`.
    model = "model",
    metric = "metric",
    /// Models put side by side, separated by commas.
    models = "models",
    /// The model to which the others are compared.
    baseline = "baseline",
    /// Whether a comparison counts `same` places (default) or `all`.
    places = "places",
    /// Whether models are told apart by `version` (default) or `architecture`.
    by = "by",
    /// `1` leaves out what does not differ.
    diff = "diff",
    /// Absolute or relative; see [`parse_moment`].
    from = "from",
    to = "to",
    /// A range that ends now; instead of `from` and `to`.
    days = "days",
    step = "step",
    /// The earlier period that is shown beside: `previous`, `week` or `year`.
    compare = "compare",
    /// An IANA time zone such as `Asia/Seoul`.
    tz = "tz",
    /// A column, with `-` in front for descending.
    sort = "sort",
    /// How many rows at most.
    limit = "limit",
    /// From 1.
    page = "page",
    /// The page of the table of all metrics, from 1.
    metrics_page = "metrics_page",
    /// How often a page follows new records: `auto` (default), `off`, `5s`, `30s`, `1m`.
    refresh = "refresh",
    /// `1` leaves out everything but the numbers, for screens on a wall.
    kiosk = "kiosk",
}

/// Pairs of a query string, decoded, in their order.
///
/// # Errors
/// A pair that is no UTF-8, or a key that is given twice: it could be read either way.
pub fn pairs(query: &str) -> Result<Vec<(String, String)>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for pair in query.trim_start_matches('?').split('&').filter(|p| !p.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (decode(&key.replace('+', " "))?, decode(&value.replace('+', " "))?);
        if pairs.iter().any(|(k, _)| *k == key) {
            return Err(given_twice(&key));
        }
        pairs.push((key, value));
    }
    Ok(pairs)
}

/// A part of an address, decoded.
///
/// # Errors
/// One that is no UTF-8.
pub fn decode(text: &str) -> Result<String> {
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8();
    decoded
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Error::bad_input(say!("the address is not UTF-8", "주소가 UTF-8로 적혀 있지 않습니다")))
}

fn given_twice(key: &str) -> Error {
    Error::bad_input(say!("“{key}” is given twice", "“{key}”이(가) 두 번 주어졌습니다", key = clip(key)))
}

impl Ask {
    /// Reads pairs of a query string, already decoded.
    ///
    /// # Errors
    /// A key that is given twice, or one that is not among `known`.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>, known: &[&str]) -> Result<Self> {
        let mut ask = Self::default();
        let mut seen: Vec<String> = Vec::new();
        for (key, value) in pairs {
            if seen.iter().any(|s| s == key) {
                return Err(given_twice(key));
            }
            if !known.contains(&key) || !ask.set(key, Some(value.to_owned())) {
                return Err(Error::bad_input(say!(
                    "“{got}” is not known here; known are {known}",
                    "“{got}”: 여기서 쓸 수 없는 항목입니다. 쓸 수 있는 항목: {known}",
                    got = clip(key),
                    known = known.join(", ")
                )));
            }
            seen.push(key.to_owned());
        }
        Ok(ask)
    }

    /// # Errors
    /// See [`Scope::parse`].
    pub fn scope(&self) -> Result<Scope> {
        let get = |k| self.get(k);
        Scope::parse(get("customer"), get("site"), get("zone"), get("task"), get("type"))?.on(get("device"))
    }

    /// The zone in which dates are read: `tz`, else `fallback`.
    ///
    /// # Errors
    /// A zone that nobody knows.
    pub fn time_zone(&self, fallback: &TimeZone) -> Result<TimeZone> {
        match self.get("tz") {
            None => Ok(fallback.clone()),
            Some("UTC") => Ok(TimeZone::UTC),
            Some(name) => TimeZone::get(name).map_err(|e| {
                let text =
                    say!("no time zone is called “{got}”", "이름이 “{got}”인 시간대가 없습니다", got = clip(name));
                Error::bad_input(text).with_detail(e)
            }),
        }
    }

    /// The range: `from` and `to`, or `days`, or the last seven days.
    ///
    /// # Errors
    /// Times that cannot be read, or that make no range.
    pub fn range(&self, now: Millis, tz: &TimeZone) -> Result<TimeRange> {
        if let Some(days) = self.get("days") {
            if self.get("from").is_some() || self.get("to").is_some() {
                return Err(Error::bad_input(say!(
                    "say either days, or from and to",
                    "days, 또는 from과 to 중 한쪽만 쓰세요"
                )));
            }
            let days = days.parse().map_err(|_| crate::time::bad_days())?;
            return TimeRange::last_days(days, now);
        }
        let to = self.get("to").map_or(Ok(now), |t| parse_moment(t, now, tz))?;
        let from = match self.get("from") {
            Some(text) => parse_moment(text, now, tz)?,
            None => to.plus(-i64::from(DEFAULT_DAYS) * DAY),
        };
        TimeRange::new(from, to)
    }

    /// Which earlier period is compared with, where one is.
    ///
    /// # Errors
    /// Another word than `previous`, `week` or `year`.
    pub fn against(&self) -> Result<Option<Against>> {
        self.get("compare").map(Against::parse).transpose()
    }

    /// How often the page follows new records.
    ///
    /// # Errors
    /// Another word than those of [`REFRESH`].
    pub fn refresh(&self) -> Result<&'static str> {
        let asked = self.get("refresh").unwrap_or(REFRESH[0]);
        REFRESH.into_iter().find(|r| *r == asked).ok_or_else(|| {
            Error::bad_input(say!(
                "refresh is one of {known}, not “{got}”",
                "refresh는 {known} 중 하나입니다. 받은 값: “{got}”",
                known = REFRESH.join(", "),
                got = clip(asked)
            ))
        })
    }

    /// Whether a key that is on or off is on.
    ///
    /// # Errors
    /// Another word than `1` or `0`.
    pub fn flag(&self, key: &str) -> Result<bool> {
        match self.get(key) {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(Error::bad_input(say!(
                "{key} is 1 or 0, not “{got}”",
                "{key}: 1 또는 0이어야 합니다. 받은 값: “{got}”",
                got = clip(other)
            ))),
        }
    }

    /// The step, or the one that gives about [`DEFAULT_POINTS`] points.
    ///
    /// # Errors
    /// A step that cannot be read, or that gives too many points.
    pub fn step_for(&self, range: &TimeRange) -> Result<Step> {
        match self.get("step") {
            Some(text) => Step::parse(text)?.check(range),
            None => Ok(Step::for_range(range, DEFAULT_POINTS)),
        }
    }

    /// # Errors
    /// What cannot be read.
    pub fn summary(&self, now: Millis, tz: &TimeZone) -> Result<SummaryQuery> {
        let range = self.range(now, &self.time_zone(tz)?)?;
        let earlier = self.against()?.unwrap_or_default().of(&range);
        Ok(SummaryQuery {
            scope: self.scope()?,
            range,
            earlier,
            children: true,
            sites: false,
            metrics: Metrics::All,
            earlier_quantiles: Metrics::with_tail(),
            course: None,
            now,
        })
    }

    /// # Errors
    /// What cannot be read; a missing `metric`.
    pub fn trend(&self, now: Millis, tz: &TimeZone) -> Result<TrendQuery> {
        let range = self.range(now, &self.time_zone(tz)?)?;
        Ok(TrendQuery {
            scope: self.scope()?,
            model: self.get("model").map(ModelKey::parse).transpose()?,
            metric: self.metric()?,
            step: self.step_for(&range)?,
            range,
        })
    }

    /// The metric that a question is about.
    fn metric(&self) -> Result<String> {
        self.get("metric").map(str::to_owned).ok_or_else(|| {
            Error::bad_input(say!("say which metric, for example metric=mAP50", "지표를 지정하세요. 예: metric=mAP50"))
        })
    }

    /// # Errors
    /// What cannot be read; a missing `metric`; a limit that is not in 1..=100.
    pub fn worst(&self, now: Millis, tz: &TimeZone) -> Result<WorstQuery> {
        let limit = self.get("limit").map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok());
        let limit = limit.filter(|l| (1..=MOST_ROWS).contains(l)).ok_or_else(|| {
            Error::bad_input(say!(
                "limit is a number from 1 to {most}, not “{got}”",
                "limit은 1에서 {most}까지의 수입니다. 받은 값: “{got}”",
                most = MOST_ROWS,
                got = clip(self.get("limit").unwrap_or_default())
            ))
        })?;
        let range = self.range(now, &self.time_zone(tz)?)?;
        Ok(WorstQuery {
            scope: self.scope()?,
            model: self.get("model").map(ModelKey::parse).transpose()?,
            metric: self.metric()?,
            range,
            limit,
        })
    }

    /// Comparisons count all types unless one is named.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn comparison(&self, now: Millis, tz: &TimeZone) -> Result<ComparisonQuery> {
        let range = self.range(now, &self.time_zone(tz)?)?;
        let all = Self { kind: Some(self.get("type").unwrap_or("all").to_owned()), ..self.clone() };
        Ok(ComparisonQuery { scope: all.scope()?, range, metrics: Metrics::All })
    }

    /// The rows behind a number: of all types unless one is named. `take` of them, from the page that is asked for.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn records(&self, now: Millis, tz: &TimeZone, take: usize) -> Result<RecordsQuery> {
        let range = self.range(now, &self.time_zone(tz)?)?;
        let skip = (self.page_number()? - 1).saturating_mul(take);
        Ok(RecordsQuery {
            scope: self.scope()?,
            model: self.get("model").map(ModelKey::parse).transpose()?,
            metric: self.get("metric").map(str::to_owned),
            range,
            skip,
            take,
        })
    }

    /// The page asked for, from 1.
    ///
    /// # Errors
    /// A text that is no such number.
    pub fn page_number(&self) -> Result<usize> {
        self.page_of("page")
    }

    /// The same of the table that is turned by another key.
    ///
    /// # Errors
    /// A text that is no such number.
    pub fn page_of(&self, key: &str) -> Result<usize> {
        match self.get(key) {
            None => Ok(1),
            Some(t) => t.parse().ok().filter(|p| (1..=1_000_000).contains(p)).ok_or_else(|| {
                Error::bad_input(say!(
                    "{key} is a number from 1, not “{got}”",
                    "{key}: 1 이상의 수여야 합니다. 받은 값: “{got}”",
                    got = clip(t)
                ))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = Millis(1_782_820_800_000);

    fn ask(pairs: &[(&str, &str)]) -> Result<Ask> {
        Ask::from_pairs(pairs.iter().copied(), KEYS)
    }

    #[test]
    fn every_key_is_read_and_written_back() {
        for key in KEYS {
            assert_eq!(ask(&[(*key, "x")]).expect("known").get(key), Some("x"));
        }
    }

    #[test]
    fn twice_and_unknown_are_refused() {
        assert!(ask(&[("days", "1"), ("days", "2")]).is_err());
        assert!(ask(&[("custmer", "acme")]).is_err());
    }

    #[test]
    fn a_query_is_decoded_once_and_refused_where_it_could_be_read_in_two_ways_or_in_none() {
        let texts =
            |query: &str| pairs(query).map(|p| p.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join("|"));
        assert_eq!(texts("?a=1&b=%20x+y&c&&d=%2525"), Ok("a=1|b= x y|c=|d=%25".to_owned()));
        for bad in ["a=%ff", "%ff=1", "a=1&a=1", "a=1&%61=2"] {
            assert!(texts(bad).is_err_and(|e| e.message.ko.is_some()), "{bad}");
        }
    }

    #[test]
    fn ranges_come_from_days_or_ends_but_not_both() {
        let range = |pairs: &[(&str, &str)]| ask(pairs).and_then(|a| a.range(NOW, &TimeZone::UTC));
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
    fn words_of_few_choices_refuse_others() {
        assert_eq!(ask(&[]).and_then(|a| a.refresh()), Ok("auto"));
        assert!(ask(&[("refresh", "1s")]).and_then(|a| a.refresh()).is_err());
        assert!(ask(&[("compare", "decade")]).and_then(|a| a.against()).is_err());
        assert_eq!(ask(&[("kiosk", "1")]).and_then(|a| a.flag("kiosk")), Ok(true));
        assert!(ask(&[("kiosk", "yes")]).and_then(|a| a.flag("kiosk")).is_err());
    }

    #[test]
    fn a_comparison_counts_all_types_and_a_summary_production() {
        let a = Ask::default();
        assert_eq!(a.comparison(NOW, &TimeZone::UTC).map(|q| q.scope.kind), Ok(crate::scope::Kind::All));
        assert_eq!(a.summary(NOW, &TimeZone::UTC).map(|q| q.scope.kind), Ok(crate::scope::Kind::Production));
        assert!(a.trend(NOW, &TimeZone::UTC).is_err());
        assert!(ask(&[("tz", "Mars/Olympus")]).and_then(|a| a.summary(NOW, &TimeZone::UTC)).is_err());
    }
}
