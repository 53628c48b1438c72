//! Numbers, dates and words as people read them; the one place where they are formatted.

use domain::{
    metric::{ChangeVerdict, Metric},
    query::MetricSummary,
    state::{DataState, Health},
    time::{DAY, HOUR, MINUTE, Millis},
};
use jiff::tz::TimeZone;

use super::{
    delta::{DeltaView, Movement},
    state::StateView,
    words,
};
use crate::i18n::Lang;

/// Formats for one request.
#[derive(Debug, Clone)]
pub struct Fmt {
    pub lang: Lang,
    pub zone: TimeZone,
}

pub const NO_VALUE: &str = "–";

/// A sentence or word that begins a line. An address that it begins with stays as it is.
#[must_use]
pub fn capital(text: &str) -> String {
    if text.starts_with("http://") || text.starts_with("https://") {
        return text.to_owned();
    }
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

impl Fmt {
    /// 41220 as "41,220".
    #[must_use]
    pub fn count(&self, n: u64) -> String {
        grouped(&n.to_string())
    }

    /// A number with so many digits after the point, thousands grouped. A real minus sign.
    #[must_use]
    pub fn decimal(&self, x: f64, digits: u8) -> String {
        // Two pages may add the same numbers up in another order: what lies half-way between two texts reads the same on both.
        let nudge = (x.abs() * 1e-12).min(1e-6 * 0.1_f64.powi(i32::from(digits)));
        let text = format!("{:.*}", usize::from(digits), x.abs() + nudge);
        let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(w, r)| (w, Some(r)));
        let mut out = grouped(whole);
        if let Some(r) = rest {
            out.push('.');
            out.push_str(r);
        }
        let zero = out.chars().all(|c| matches!(c, '0' | '.' | ','));
        if x < 0.0 && !zero { format!("−{out}") } else { out }
    }

    #[must_use]
    pub fn value(&self, x: Option<f64>, metric: &Metric) -> String {
        x.map_or_else(|| NO_VALUE.into(), |x| self.decimal(x, metric.precision))
    }

    /// With its unit behind.
    #[must_use]
    pub fn with_unit(&self, x: Option<f64>, metric: &Metric) -> String {
        let value = self.value(x, metric);
        match &*metric.unit {
            _ if x.is_none() => value,
            "" => value,
            "%" | "×" => format!("{value}{}", metric.unit),
            unit => format!("{value} {unit}"),
        }
    }

    /// "30 Jun 12:34", with the year when it is another than `now`'s.
    #[must_use]
    pub fn moment(&self, at: Millis, now: Millis) -> String {
        self.strftime(
            at,
            match (self.lang, self.year(at) == self.year(now)) {
                (Lang::En, true) => "%-d %b %H:%M",
                (Lang::En, false) => "%-d %b %Y %H:%M",
                (Lang::Ko, true) => "%-m월 %-d일 %H:%M",
                (Lang::Ko, false) => "%Y년 %-m월 %-d일 %H:%M",
            },
        )
    }

    #[must_use]
    pub fn date(&self, at: Millis) -> String {
        self.strftime(
            at,
            match self.lang {
                Lang::En => "%-d %b",
                Lang::Ko => "%-m월 %-d일",
            },
        )
    }

    /// A label of a time axis whose ticks lie `gap` ms apart.
    #[must_use]
    pub fn tick(&self, at: Millis, gap: i64) -> String {
        if gap < DAY {
            self.strftime(at, "%H:%M")
        } else if gap < 80 * DAY {
            self.date(at)
        } else {
            let format = match self.lang {
                Lang::En => "%b %Y",
                Lang::Ko => "%Y년 %-m월",
            };
            self.strftime(at, format)
        }
    }

    fn year(&self, at: Millis) -> String {
        self.strftime(at, "%Y")
    }

    #[must_use]
    pub fn strftime(&self, at: Millis, format: &str) -> String {
        jiff::Timestamp::from_millisecond(at.0)
            .map_or_else(|_| at.to_string(), |t| t.to_zoned(self.zone.clone()).strftime(format).to_string())
    }

    /// The zone's name, as shown beside times.
    #[must_use]
    pub fn zone_name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    /// A length of time in its largest whole unit.
    #[must_use]
    pub fn duration(&self, ms: i64) -> String {
        let lang = self.lang;
        let n = |unit: i64| (ms / unit).to_string();
        if ms >= 2 * DAY {
            words::days(lang, n(DAY))
        } else if ms == DAY {
            words::day(lang).to_owned()
        } else if ms >= 2 * HOUR {
            words::hours(lang, n(HOUR))
        } else if ms >= HOUR {
            words::hour(lang).to_owned()
        } else if ms < 2 * MINUTE {
            words::minute(lang).to_owned()
        } else {
            words::minutes(lang, n(MINUTE))
        }
    }

    #[must_use]
    pub fn age(&self, newest: Option<Millis>, at: Millis) -> String {
        let lang = self.lang;
        match newest {
            None => words::age_never(lang).to_owned(),
            Some(n) if at.0 - n.0 < MINUTE => words::age_now(lang).to_owned(),
            Some(n) => words::age(lang, self.duration(at.0 - n.0)),
        }
    }

    #[must_use]
    pub fn state(&self, state: DataState) -> StateView {
        let lang = self.lang;
        let (label, help) = match state {
            DataState::Ok => (words::state_ok(lang), words::state_ok_help(lang)),
            DataState::Late => (words::state_late(lang), words::state_late_help(lang)),
            DataState::Stale => (words::state_stale(lang), words::state_stale_help(lang)),
            DataState::NoDataExpected => (words::state_none(lang), words::state_none_help(lang)),
            DataState::SourceError => (words::state_error(lang), words::state_error_help(lang)),
        };
        StateView { state, label: label.to_owned(), help: help.to_owned() }
    }

    /// The state of a scope with the count behind it, "2 of 12 late"; the word alone only where it holds for all places.
    #[must_use]
    pub fn health(&self, h: &Health) -> StateView {
        let mut view = self.state(h.state);
        if h.places_in_worst_state() == h.places {
            return view;
        }
        let lang = self.lang;
        let count = |n: u32| self.count(u64::from(n));
        let of = count(h.places);
        view.label = words::state_count(lang, count(h.places_in_worst_state()), &of, &view.label);
        let all = words::state_counts(lang, &of, count(h.late), count(h.stale), count(h.failed));
        view.help = format!("{} {all}", view.help);
        view
    }

    /// The state of one metric of a scope: that of the scope's places, unless the metric itself fell silent.
    #[must_use]
    pub fn metric_state(&self, m: &MetricSummary, h: &Health) -> StateView {
        if m.n == 0 { self.state(m.state) } else { self.health(h) }
    }

    /// A difference that is not judged: how much, which way, and no colour. `None` when there is nothing to compare.
    #[must_use]
    pub fn difference(&self, delta: Option<f64>, metric: &Metric) -> Option<DeltaView> {
        let (way, size) = self.movement(delta?, metric);
        let word = if way == Movement::Stayed { words::unchanged(self.lang) } else { words::not_judged(self.lang) };
        Some(DeltaView {
            way,
            size,
            change: ChangeVerdict::Neutral,
            tells: false,
            told: false,
            word: word.into(),
            note: String::new(),
            sentence: words::not_judged_help(self.lang).into(),
            href: None,
            how: None,
        })
    }

    pub(crate) fn movement(&self, d: f64, metric: &Metric) -> (Movement, String) {
        let size = self.decimal(d.abs(), metric.precision);
        if size.chars().all(|c| matches!(c, '0' | '.')) {
            return (Movement::Stayed, "0".into());
        }
        (if d > 0.0 { Movement::Up } else { Movement::Down }, size)
    }

    /// With its sign: "+0.012", "−0.004", "0.000".
    #[must_use]
    pub fn signed(&self, d: f64, metric: &Metric) -> String {
        let text = self.decimal(d, metric.precision);
        if d > 0.0 && self.movement(d, metric).0 == Movement::Up { format!("+{text}") } else { text }
    }

    #[must_use]
    pub fn label(&self, metric: &Metric) -> String {
        match self.lang {
            Lang::En => metric.label.to_string(),
            Lang::Ko => metric.label_ko.to_string(),
        }
    }

    #[must_use]
    pub fn definition(&self, metric: &Metric) -> String {
        match self.lang {
            Lang::En => metric.definition.to_string(),
            Lang::Ko => metric.definition_ko.to_string(),
        }
    }
}

fn grouped(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use domain::metric::CATALOGUE;

    use super::*;

    fn fmt(lang: Lang) -> Fmt {
        Fmt { lang, zone: TimeZone::UTC }
    }

    #[test]
    fn numbers_are_grouped_and_minus_is_a_minus() {
        let f = fmt(Lang::En);
        assert_eq!(f.count(1_234_567), "1,234,567");
        assert_eq!(f.decimal(-1234.5, 1), "−1,234.5");
        assert_eq!(f.decimal(-0.0001, 3), "0.000");
        // The same records, added up in another order.
        assert_eq!(f.decimal(0.802_499_999_999_999_1, 3), f.decimal(0.802_499_999_999_999_7, 3));
        assert_eq!(f.decimal(0.802_499_999, 3), "0.802");
        assert_eq!(
            (f.decimal(8_589_934_592.0, 3), f.decimal(1_000.0, 9)),
            ("8,589,934,592.000".into(), "1,000.000000000".into())
        );
        assert_eq!(f.value(None, &CATALOGUE[0]), "–");
    }

    #[test]
    fn a_difference_that_nobody_judged_has_an_arrow_and_no_colour() {
        let f = fmt(Lang::En);
        let word = |d: f64, i: usize| f.difference(Some(d), &CATALOGUE[i]).map(|v| (v.text(), v.change, v.word));
        assert_eq!(word(-0.041, 0), Some(("↓0.041".into(), ChangeVerdict::Neutral, "not judged".into())));
        assert_eq!(word(0.0001, 0), Some(("±0".into(), ChangeVerdict::Neutral, "unchanged".into())));
        assert_eq!(f.difference(None, &CATALOGUE[0]), None);
        let signed = |d: f64| f.signed(d, &CATALOGUE[0]);
        assert_eq!([signed(0.012), signed(-0.004), signed(0.0001)], ["+0.012", "−0.004", "0.000"]);
    }

    #[test]
    fn the_word_of_a_state_stands_alone_only_where_it_holds_for_all_places() {
        let of = |places, late, stale| {
            let state = if stale > 0 { DataState::Stale } else { DataState::Late };
            let h = Health { state, places, late, stale, ..Health::default() };
            [Lang::En, Lang::Ko].map(|l| fmt(l).health(&h).label)
        };
        assert_eq!(of(1_250, 3, 5), ["5 of 1,250 stale", "1,250곳 중 5곳 중단"]);
        assert_eq!(of(12, 2, 0), ["2 of 12 late", "12곳 중 2곳 지연"]);
        assert_eq!(of(12, 0, 12), ["stale", "중단"]);
        assert_eq!(of(1, 1, 0), ["late", "지연"]);
        let partly = fmt(Lang::En).health(&Health {
            state: DataState::Stale,
            places: 9,
            late: 2,
            stale: 1,
            ..Health::default()
        });
        assert!(partly.help.contains("2 late") && partly.help.contains("1 stale"), "{}", partly.help);
        assert_eq!(fmt(Lang::En).health(&Health { state: DataState::Ok, places: 9, ..Health::default() }).label, "ok");
    }

    #[test]
    fn times_are_shown_in_zone_and_language() {
        let at = Millis::parse("2026-06-30T15:30:00Z").expect("a time");
        let seoul = Fmt { lang: Lang::Ko, zone: TimeZone::get("Asia/Seoul").expect("bundled") };
        assert_eq!(seoul.moment(at, at), "7월 1일 00:30");
        assert_eq!(fmt(Lang::En).moment(at, at.plus(400 * DAY)), "30 Jun 2026 15:30");
        assert_eq!(fmt(Lang::En).age(Some(at), at.plus(5 * HOUR)), "5 hours ago");
    }
}
