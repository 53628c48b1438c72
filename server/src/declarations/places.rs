//! `places.yaml`: customers with their sites and zones; how each is called, its time zone, how often it reports,
//! and whether it still does. Schema: docs/schema/places.schema.json.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    declarations::PlaceDeclaration,
    scope::{Place, clip_text},
    text::Name,
    time::{MINUTE, Millis, Step},
};
use jiff::tz::TimeZone;

use super::{
    fields::{Fields, entries, label, text, wrong_type},
    sentences,
    yaml::{Entry, Node, Result, Value, YamlError},
};

/// What one level of places may say, and the key of the level below.
const LEVELS: [(&str, &[&str]); 3] = [
    ("customers", &["name", "time_zone", "cadence", "retired", "sites"]),
    ("sites", &["name", "time_zone", "cadence", "retired", "zones"]),
    ("zones", &["name", "time_zone", "cadence", "retired"]),
];

/// Reads what the file says.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(node: &Node) -> Result<BTreeMap<Place, PlaceDeclaration>> {
    let mut found = BTreeMap::new();
    let fields = Fields::of(node, &[LEVELS[0].0])?;
    if let Some(customers) = fields.get(LEVELS[0].0) {
        level(0, customers, None, &PlaceDeclaration::default(), &mut found)?;
    }
    Ok(found)
}

/// The places of one level, each followed by what lies in it.
fn level(
    depth: usize,
    node: &Node,
    within: Option<&Place>,
    above: &PlaceDeclaration,
    found: &mut BTreeMap<Place, PlaceDeclaration>,
) -> Result<()> {
    for entry in entries(node)? {
        let name = name(entry)?;
        let place = match within.cloned() {
            None => Place { customer: name, site: None, zone: None },
            Some(p) if p.site.is_none() => Place { site: Some(name), ..p },
            Some(p) => Place { zone: Some(name), ..p },
        };
        let fields = Fields::of(&entry.value, LEVELS[depth].1)?;
        let facts = facts(&fields, above)?;
        if let Some((below, _)) = LEVELS.get(depth + 1)
            && let Some(node) = fields.get(below)
        {
            level(depth + 1, node, Some(&place), &facts, found)?;
        }
        found.insert(place, facts);
    }
    Ok(())
}

fn name(entry: &Entry) -> Result<Name> {
    Name::parse_place(&entry.key)
        .map_err(|e| YamlError::at(entry.line, sentences::bad_name(clip_text(&entry.key), &e.sentence())))
}

fn facts(fields: &Fields<'_>, above: &PlaceDeclaration) -> Result<PlaceDeclaration> {
    let time_zone = fields.read("time_zone", time_zone)?.or_else(|| above.time_zone.clone());
    Ok(PlaceDeclaration {
        label: fields.read("name", |node| label(node, None))?,
        cadence: fields.read("cadence", cadence)?.or(above.cadence),
        retired: match fields.get("retired") {
            Some(node) => retired(node, time_zone.as_deref())?,
            None => above.retired,
        },
        time_zone,
    })
}

/// An IANA name, as its own people write it.
fn time_zone(node: &Node) -> Result<Arc<str>> {
    let given = text(node)?;
    let known = TimeZone::get(given).ok();
    known
        .as_ref()
        .and_then(TimeZone::iana_name)
        .map(Arc::from)
        .ok_or_else(|| YamlError::at(node.line, sentences::no_time_zone(clip_text(given))))
}

/// A length of time as the step of a trend is written.
fn cadence(node: &Node) -> Result<i64> {
    let given = text(node)?;
    match Step::parse(given) {
        Ok(step) if step.ms() >= MINUTE => Ok(step.ms()),
        _ => Err(YamlError::at(node.line, sentences::no_cadence(clip_text(given)))),
    }
}

/// `true`, or the day (in the place's own time zone) or moment from which on nothing is expected.
fn retired(node: &Node, zone: Option<&str>) -> Result<Option<Millis>> {
    let given = match &node.value {
        Value::Bool(true) => return Ok(Some(Millis(i64::MIN))),
        Value::Bool(false) => return Ok(None),
        Value::Text(text) => text,
        _ => return Err(wrong_type(node, &sentences::flag_or_date())),
    };
    let zone = zone.and_then(|z| TimeZone::get(z).ok()).unwrap_or(TimeZone::UTC);
    let day = given.parse::<jiff::civil::Date>().ok().filter(|_| given.len() == 10);
    let midnight = day.and_then(|d| d.to_zoned(zone).ok()).map(|z| Millis(z.timestamp().as_millisecond()));
    midnight
        .or_else(|| Millis::parse(given).ok())
        .map(Some)
        .ok_or_else(|| YamlError::at(node.line, sentences::bad_retired(clip_text(given))))
}

#[cfg(test)]
mod tests {
    use domain::time::{DAY, HOUR};

    use super::*;
    use crate::declarations::yaml::parse;

    fn places(text: &str) -> Result<BTreeMap<Place, PlaceDeclaration>> {
        read(&parse(text)?)
    }

    fn fault(text: &str) -> (usize, String) {
        places(text).map_err(|f| (f.line, f.reason.en)).expect_err("a fault")
    }

    fn of<'a>(all: &'a BTreeMap<Place, PlaceDeclaration>, text: &str) -> &'a PlaceDeclaration {
        let mut parts = text.split('/').map(|t| Name::parse(t).expect("a name"));
        let place = Place { customer: parts.next().expect("a customer"), site: parts.next(), zone: parts.next() };
        all.get(&place).unwrap_or_else(|| panic!("{text} is not in {all:?}"))
    }

    #[test]
    fn what_is_said_of_a_place_holds_below_unless_said_again() {
        let all = places(
            "customers:
  acme:
    name: {en: Acme Corp, ko: 에이크미}
    time_zone: asia/seoul
    cadence: 1h
    sites:
      seoul-01:
        name: Seoul
        zones:
          gate-1:
          gate-2: {cadence: PT15M, time_zone: UTC}
      old: {retired: 2026-06-01, zones: {a: , b: {retired: false}}}
  '123': {}
",
        )
        .expect("places");
        assert_eq!(all.len(), 8);
        let label = |p: &str| of(&all, p).label.as_ref().map(|l| (l.en.clone(), l.ko.clone()));
        assert_eq!(label("acme"), Some(("Acme Corp".into(), "에이크미".into())));
        assert_eq!(label("acme/seoul-01"), Some(("Seoul".into(), "Seoul".into())), "one text is for both languages");
        assert_eq!(label("acme/seoul-01/gate-1"), None, "a name is the place's own");
        let facts = |p: &str| (of(&all, p).time_zone.as_deref(), of(&all, p).cadence);
        assert_eq!(facts("acme/seoul-01/gate-1"), (Some("Asia/Seoul"), Some(HOUR)));
        assert_eq!(facts("acme/seoul-01/gate-2"), (Some("UTC"), Some(HOUR / 4)));
        assert_eq!(facts("123"), (None, None));
        // The day begins by the place's own clock.
        let since = Millis::parse("2026-05-31T15:00:00Z").ok();
        assert_eq!((of(&all, "acme/old").retired, of(&all, "acme/old/a").retired), (since, since));
        assert_eq!((of(&all, "acme/old/b").retired, of(&all, "acme").retired), (None, None));
    }

    #[test]
    fn nothing_is_an_answer() {
        for text in ["", "customers:", "customers: {}"] {
            assert_eq!(places(text), Ok(BTreeMap::new()), "{text:?}");
        }
    }

    #[test]
    fn every_fault_is_said_with_its_line() {
        let of = |field: &str| fault(&format!("customers:\n  acme:\n    name: A\n    {field}\n"));
        assert_eq!(
            of("colour: red"),
            (4, "“colour” is not known here; there is name, time_zone, cadence, retired, sites".into())
        );
        assert_eq!(of("time_zone: Mars/Olympus"), (4, "no time zone is called “Mars/Olympus”".into()));
        assert_eq!(of("time_zone: 9"), (4, "here belongs a text, not a number (quote it: \"…\")".into()));
        for bad in ["soon", "30", "30s", "0m", "400d", "-1h", "1.5h"] {
            assert!(of(&format!("cadence: \"{bad}\"")).1.contains("is no cadence"), "{bad}");
        }
        assert_eq!(of("cadence: 30"), (4, "here belongs a text, not a number (quote it: \"…\")".into()));
        for bad in ["yes", "2026-13-01", "now-7d", "2026-06-01 12:00", "2026-6-1"] {
            assert!(of(&format!("retired: {bad}")).1.contains("is neither true"), "{bad}");
        }
        assert_eq!(of("retired: 1"), (4, "here belongs true, false or a date, not a number".into()));
        assert_eq!(of("sites: [a]"), (4, "here belongs a mapping (key: value), not a list".into()));
        assert_eq!(of("zones: {}").0, 4, "zones are of sites");
        assert_eq!(of("name: again"), (4, "“name” is given twice; first on line 3".into()));
        assert_eq!(of("sites:\n      s1: {}\n      s1: {}"), (6, "“s1” is given twice; first on line 5".into()));
        assert_eq!(of("sites:\n      a/b: {}").0, 5);
        assert_eq!(of("sites:\n      ' ': {}").0, 5);
        assert_eq!(of("sites:\n      s:\n        zones:\n          z:\n            sites: {}").0, 8);
        assert_eq!(fault("- a").0, 1);
        assert_eq!(fault("places: {}").1, "“places” is not known here; there is customers");
        assert_eq!(fault("customers:\n  a:\n    name: {fr: A}").0, 3);
        assert_eq!(fault("customers:\n  a:\n    name: {}").1, "say en, ko or both");
        assert_eq!(fault("customers:\n  a:\n    name: \"\"").1, "the text is empty");
    }

    #[test]
    fn every_reason_is_said_in_korean_too() {
        for text in ["a: 1", "customers: 5", "customers:\n  a: {cadence: x}", "customers:\n  a: {retired: x}", "a: *b"]
        {
            let reason = places(text).expect_err(text).reason;
            assert!(reason.korean().chars().any(|c| ('가'..='힣').contains(&c)), "{reason:?}");
        }
    }

    #[test]
    fn a_cadence_is_a_minute_to_a_year() {
        let of =
            |text: &str| places(&format!("customers: {{a: {{cadence: {text}}}}}")).expect(text).into_values().next();
        for (text, ms) in [("1m", MINUTE), ("90m", 90 * MINUTE), ("1w", 7 * DAY), ("P1D", DAY), ("366d", 366 * DAY)] {
            assert_eq!(of(text).and_then(|f| f.cadence), Some(ms), "{text}");
        }
    }
}
