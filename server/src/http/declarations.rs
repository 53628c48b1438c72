//! `GET /api/places` and `GET /api/metrics/catalogue`: what is known of places and metrics by name, with what people have
//! written down about them, and the status of the two files.

use axum::Json;
use domain::{
    declarations::{DeclarationFile, DeclarationFileState, LocalizedText},
    metric::{Aggregation, Direction, Metric, SmallestEffect},
    query::Directory,
    scope::{Place, Scope},
    text::Name,
    time::{HOUR, MINUTE, Millis, SECOND},
};
use serde::Serialize;

use super::ActorServices;

/// A place, by the names of its records.
#[derive(Debug, Serialize)]
pub struct PlaceRow {
    pub customer: Name,
    pub site: Option<Name>,
    pub zone: Option<Name>,
    /// The names to show; those of the records where nobody gave another.
    pub name: LocalizedText,
    pub time_zone: Option<String>,
    /// As an ISO 8601 duration; `None` where the median of the past counts.
    pub cadence: Option<String>,
    /// Whether nothing is expected of it now, and from when on where a moment was said.
    pub retired: bool,
    pub retired_since: Option<Millis>,
    /// Whether places.yaml names it.
    pub named: bool,
}

#[derive(Debug, Serialize)]
pub struct Places {
    pub places: Vec<PlaceRow>,
    pub file: Option<DeclarationFileState>,
}

/// A metric with everything that is known of it.
#[derive(Debug, Serialize)]
pub struct MetricRow {
    pub metric: String,
    pub label: LocalizedText,
    pub unit: String,
    pub direction: Direction,
    /// Lowest and highest; `None` is no end.
    pub range: [Option<f64>; 2],
    pub aggregation: Aggregation,
    pub precision: u8,
    /// A change that is just large enough to matter.
    pub smallest_effect: EffectRow,
    pub definition: LocalizedText,
    pub origin: MetricOrigin,
    /// True when the direction was guessed from the name.
    pub assumed: bool,
    /// Whether any record has it.
    pub seen: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectRow {
    Size(f64),
    Share(f64),
}

/// Where what is known of a metric comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricOrigin {
    BuiltIn,
    /// Described or changed in metrics.yaml.
    File,
    /// Brought by records alone.
    Records,
}

#[derive(Debug, Serialize)]
pub struct Catalogue {
    pub metrics: Vec<MetricRow>,
    /// Those that came after the limit: they are in their records alone. Missing where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub beyond_limit: Option<BeyondLimit>,
    pub file: Option<DeclarationFileState>,
}

#[derive(Debug, Serialize)]
pub struct BeyondLimit {
    pub limit: usize,
    /// As far as they are remembered.
    pub names: Vec<String>,
    /// Whether there are others.
    pub more: bool,
}

pub async fn places(ActorServices(s): ActorServices) -> Json<Places> {
    let directory = s.metrics.directory();
    Json(places_of(&directory, s.clock.now(), &(s.written)()))
}

pub async fn catalogue(ActorServices(s): ActorServices) -> Json<Catalogue> {
    let directory = s.metrics.directory();
    Json(catalogue_of(&directory, &(s.written)()))
}

fn file(states: &[DeclarationFileState], kind: DeclarationFile) -> Option<DeclarationFileState> {
    states.iter().find(|f| f.kind == kind).cloned()
}

/// Every place that records or the file name, in order.
#[must_use]
pub fn places_of(d: &Directory, now: Millis, states: &[DeclarationFileState]) -> Places {
    let all: std::collections::BTreeSet<&Place> = d.places.iter().chain(d.declared.places().keys()).collect();
    let row = |p: &Place| {
        let scope = Scope {
            customer: Some(p.customer.clone()),
            site: p.site.clone(),
            zone: p.zone.clone(),
            ..Scope::default()
        };
        let own = p.zone.as_ref().or(p.site.as_ref()).unwrap_or(&p.customer);
        let facts = d.declared.place_declaration(p);
        PlaceRow {
            customer: p.customer.clone(),
            site: p.site.clone(),
            zone: p.zone.clone(),
            name: d
                .declared
                .label(&scope)
                .cloned()
                .unwrap_or_else(|| LocalizedText { en: own.to_string(), ko: own.to_string() }),
            time_zone: facts.and_then(|f| f.time_zone.as_deref()).map(str::to_owned),
            cadence: facts.and_then(|f| f.cadence).map(iso),
            retired: facts.is_some_and(|f| f.retired_at(now)),
            retired_since: facts.and_then(|f| f.retired).filter(|since| since.0 > i64::MIN),
            named: d.declared.places().contains_key(p),
        }
    };
    Places { places: all.into_iter().map(row).collect(), file: file(states, DeclarationFile::Places) }
}

/// Built-in metrics, those of the file, and those that records alone have brought.
#[must_use]
pub fn catalogue_of(d: &Directory, states: &[DeclarationFileState]) -> Catalogue {
    let built_in = (0..domain::metric::BUILT_IN_COUNT).map(|i| {
        let metric = d.declared.built_in(i);
        let origin = if *metric == domain::metric::CATALOGUE[i] { MetricOrigin::BuiltIn } else { MetricOrigin::File };
        row(metric, origin, d.built_in.contains(&i))
    });
    let mut rows: Vec<MetricRow> = built_in.collect();
    let mut met = std::collections::BTreeSet::new();
    for (place, full) in d.custom.iter().enumerate() {
        let (metric, _) = d.custom_metric(place);
        let described = d.declared.declared_metric(full);
        met.extend(described.map(|m| m.key.clone()));
        rows.push(row(&metric, if described.is_some() { MetricOrigin::File } else { MetricOrigin::Records }, true));
    }
    let waiting = d.declared.metrics().skip(domain::metric::BUILT_IN_COUNT).filter(|m| !met.contains(&m.key));
    rows.extend(waiting.map(|m| row(m, MetricOrigin::File, false)));
    let b = &d.beyond;
    let some = !b.names.is_empty() || b.more;
    let beyond_limit = some.then(|| BeyondLimit { limit: b.cap, names: b.names.to_vec(), more: b.more });
    Catalogue { metrics: rows, beyond_limit, file: file(states, DeclarationFile::Metrics) }
}

fn row(m: &Metric, origin: MetricOrigin, seen: bool) -> MetricRow {
    let finite = |x: f64| Some(x).filter(|x| x.is_finite());
    MetricRow {
        metric: m.key.to_string(),
        label: LocalizedText { en: m.label.to_string(), ko: m.label_ko.to_string() },
        unit: m.unit.to_string(),
        direction: m.direction,
        range: [finite(m.range.0), finite(m.range.1)],
        aggregation: m.aggregation,
        precision: m.precision,
        smallest_effect: match m.smallest_effect() {
            SmallestEffect::Size(size) => EffectRow::Size(size),
            SmallestEffect::Share(share) => EffectRow::Share(share),
        },
        definition: LocalizedText { en: m.definition.to_string(), ko: m.definition_ko.to_string() },
        origin,
        assumed: m.assumed,
        seen,
    }
}

/// A length of time in ms as an ISO 8601 duration, in hours and smaller: what a day is, need not be said.
fn iso(ms: i64) -> String {
    let (hours, minutes, seconds) = (ms / HOUR, ms % HOUR / MINUTE, ms % MINUTE / SECOND);
    let part = |n: i64, unit: char| if n == 0 { String::new() } else { format!("{n}{unit}") };
    format!("PT{}{}{}", part(hours, 'H'), part(minutes, 'M'), part(seconds, 'S'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_as_they_can_be_read_again() {
        for (ms, text) in [(MINUTE, "PT1M"), (90 * MINUTE, "PT1H30M"), (24 * HOUR, "PT24H"), (HOUR + SECOND, "PT1H1S")]
        {
            assert_eq!(iso(ms), text);
            assert_eq!(domain::time::Step::parse(text).map(domain::time::Step::ms), Ok(ms));
        }
    }
}
