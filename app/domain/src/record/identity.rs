//! What tells a record from all others.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::Error as _};

use super::{Record, TEXT_FIELDS};
use crate::{scope::Place, text::Name, time::Millis};

/// The text fields of an identity, in the order of [`TEXT_FIELDS`].
pub const IDENTITY_FIELDS: [&str; 11] = [
    "run_id",
    "customer",
    "site",
    "zone",
    "task",
    "experiment_type",
    "model_architecture",
    "model_version",
    "device",
    "registered_model",
    "registered_version",
];

/// The moment of a record and its fields of [`IDENTITY_FIELDS`]. Of two records with the same identity the later one corrects
/// the earlier one. A field that is absent differs from every other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordIdentity {
    timestamp: Millis,
    fields: [Option<Name>; IDENTITY_FIELDS.len()],
}

impl RecordIdentity {
    #[must_use]
    pub fn timestamp(&self) -> Millis {
        self.timestamp
    }

    /// The value of a field; `None` when it is absent, and of what is no field of an identity.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Name> {
        IDENTITY_FIELDS.iter().position(|f| *f == name).and_then(|i| self.fields[i].as_ref())
    }

    /// Where the record was made; `None` only of one that names no customer, which none does that was taken.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let name = |field| self.field(field).cloned();
        Some(Place { customer: name("customer")?, site: name("site"), zone: name("zone") })
    }

    /// All fields in order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Option<&Name>)> {
        IDENTITY_FIELDS.into_iter().zip(self.fields.iter().map(Option::as_ref))
    }
}

impl Record {
    #[must_use]
    pub fn identity(&self) -> RecordIdentity {
        let field = |name: &str| TEXT_FIELDS.iter().position(|f| *f == name).and_then(|i| self.texts[i].clone());
        RecordIdentity { timestamp: self.timestamp, fields: IDENTITY_FIELDS.map(field) }
    }
}

/// As it is written down: without the fields that are absent.
#[derive(Serialize, Deserialize)]
struct Written {
    timestamp: i64,
    #[serde(flatten)]
    fields: BTreeMap<String, String>,
}

impl Serialize for RecordIdentity {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let fields = self.fields().filter_map(|(field, name)| Some((field.to_owned(), name?.to_string()))).collect();
        Written { timestamp: self.timestamp.0, fields }.serialize(s)
    }
}

impl<'de> Deserialize<'de> for RecordIdentity {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut written = Written::deserialize(d)?;
        let mut fields: [Option<Name>; IDENTITY_FIELDS.len()] = Default::default();
        for (field, slot) in IDENTITY_FIELDS.iter().zip(&mut fields) {
            if let Some(text) = written.fields.remove(*field) {
                *slot = Some(Name::parse_stored(&text).map_err(D::Error::custom)?);
            }
        }
        Ok(Self { timestamp: Millis(written.timestamp), fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(more: &str) -> Record {
        let line = format!(
            r#"{{"timestamp":"2026-06-30T11:00:00.123Z","customer":"acme","task":"detection","run_name":"n","detection":{{"mAP50":0.5}}{more}}}"#
        );
        Record::parse_line(line.as_bytes(), Millis(1_800_000_000_000)).expect("a record")
    }

    #[test]
    fn it_holds_what_tells_records_apart_and_nothing_else() {
        let plain = record("").identity();
        assert_eq!(record(r#","experiment_name":"e","note":1"#).identity(), plain);
        for field in IDENTITY_FIELDS.iter().filter(|f| !["customer", "task", "zone"].contains(f)) {
            let other = record(&format!(r#","{field}":"x""#)).identity();
            assert_ne!(other, plain, "{field}");
            assert_eq!(other.field(field).map(Name::as_str), Some("x"));
        }
        assert_eq!((plain.field("run_name"), plain.field("nothing")), (None, None));
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let identity = record(r#","site":"s 1","zone":"부산","device":"d""#).identity();
        let text = serde_json::to_string(&identity).expect("JSON");
        assert!(!text.contains("null") && text.contains("부산"), "{text}");
        assert_eq!(serde_json::from_str::<RecordIdentity>(&text).expect("an identity"), identity);
    }
}
