//! Which records a query is about: a place, a task, a model and the kind of experiment.

use serde::{Deserialize, Serialize};

use crate::{
    error::Sentence,
    error::{Error, Result},
    sentences,
    text::{InvalidName, Name},
};

/// Which records count, by `experiment_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentKind {
    /// `production` or absent: field health.
    #[default]
    Production,
    /// `candidate`: challengers, canaries, shadows.
    Candidate,
    All,
}

impl ExperimentKind {
    /// # Errors
    /// Names the three accepted words.
    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "production" => Ok(Self::Production),
            "candidate" => Ok(Self::Candidate),
            "all" => Ok(Self::All),
            _ => Err(Error::bad_input(sentences::bad_kind(clip_text(text)))),
        }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Candidate => "candidate",
            Self::All => "all",
        }
    }

    /// Whether a record with this `experiment_type` counts.
    #[must_use]
    pub fn includes(self, experiment_type: Option<&str>) -> bool {
        match self {
            Self::All => true,
            Self::Production => experiment_type.is_none_or(|t| t == "production"),
            Self::Candidate => experiment_type == Some("candidate"),
        }
    }
}

/// A model by its tags: an architecture, and one version of it or all.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Model {
    pub architecture: Name,
    pub version: Option<Name>,
}

impl Model {
    /// Parses `architecture` or `architecture:version`.
    ///
    /// # Errors
    /// Says what is wrong with the name.
    pub fn parse(text: &str) -> Result<Self> {
        let (architecture, version) = match text.split_once(':') {
            Some((a, v)) => (a, Some(v)),
            None => (text, None),
        };
        let name = |t: &str| {
            let bad = |e: InvalidName| sentences::bad_model(clip_text(text), &e.sentence());
            Name::parse_stored(t).map_err(|e| Error::bad_input(bad(e)))
        };
        Ok(Self { architecture: name(architecture)?, version: version.map(name).transpose()? })
    }
}

impl Model {
    /// Its tags as texts.
    #[must_use]
    pub fn tags(&self) -> ModelTags<'_> {
        ModelTags { architecture: self.architecture.as_str(), version: self.version.as_ref().map(Name::as_str) }
    }

    /// As [`ModelTags::key`].
    #[must_use]
    pub fn key(&self) -> String {
        self.tags().key()
    }
}

/// As people read it: `architecture version`.
impl std::fmt::Display for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.tags().fmt(f)
    }
}

/// A model's tags as they stand in a row: the one place where they are put into words and addresses.
#[derive(Debug, Clone, Copy)]
pub struct ModelTags<'a> {
    pub architecture: &'a str,
    pub version: Option<&'a str>,
}

impl ModelTags<'_> {
    /// As addresses, the command line and [`Model::parse`] write it: `architecture:version`.
    #[must_use]
    pub fn key(&self) -> String {
        let version = self.version.filter(|v| !v.is_empty());
        version.map_or_else(|| self.architecture.to_owned(), |v| format!("{}:{v}", self.architecture))
    }
}

impl std::fmt::Display for ModelTags<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.architecture)?;
        self.version.filter(|v| !v.is_empty()).map_or(Ok(()), |v| write!(f, " {v}"))
    }
}

/// Where a record was made. A record without a site belongs to the customer as a whole, and so on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub customer: Name,
    pub site: Option<Name>,
    pub zone: Option<Name>,
}

impl Place {
    /// Whether `other` is this place or lies within it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.customer == other.customer
            && (self.site.is_none() || self.site == other.site)
            && (self.zone.is_none() || self.zone == other.zone)
    }

    /// The place, its site, its customer.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        let site = self.zone.as_ref().map(|_| Self { zone: None, ..self.clone() });
        let customer = self.site.as_ref().map(|_| Self { customer: self.customer.clone(), site: None, zone: None });
        [Some(self.clone()), site, customer].into_iter().flatten()
    }
}

/// What a query is about. `None` is open. A zone is only named together with its site and customer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Scope {
    pub customer: Option<Name>,
    pub site: Option<Name>,
    pub zone: Option<Name>,
    pub task: Option<Name>,
    /// Only records that name this device. Which places are expected, and their state, does not depend on it.
    pub device: Option<Name>,
    #[serde(rename = "type")]
    pub kind: ExperimentKind,
}

/// The level a scope stands on, by the deepest place it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Fleet,
    Customer,
    Site,
    Zone,
}

impl Scope {
    /// Builds a scope from what a query said; empty texts count as open.
    ///
    /// # Errors
    /// A site without its customer or a zone without its site, or a text that is no name.
    pub fn parse(
        customer: Option<&str>,
        site: Option<&str>,
        zone: Option<&str>,
        task: Option<&str>,
        kind: Option<&str>,
    ) -> Result<Self> {
        let scope = Self {
            customer: name(sentences::bad_customer, customer, Name::parse_stored_place)?,
            site: name(sentences::bad_site, site, Name::parse_stored_place)?,
            zone: name(sentences::bad_zone, zone, Name::parse_stored_place)?,
            task: name(sentences::bad_task, task, Name::parse_stored)?,
            device: None,
            kind: kind.filter(|k| !k.is_empty()).map_or(Ok(ExperimentKind::default()), ExperimentKind::parse)?,
        };
        if scope.site.is_some() && scope.customer.is_none() {
            return Err(Error::bad_input(sentences::site_alone()));
        }
        if scope.zone.is_some() && scope.site.is_none() {
            return Err(Error::bad_input(sentences::zone_alone()));
        }
        Ok(scope)
    }

    /// The same scope, of one device where one is named; an empty text counts as open.
    ///
    /// # Errors
    /// A text that is no name.
    pub fn with_device(self, device: Option<&str>) -> Result<Self> {
        Ok(Self { device: name(sentences::bad_device, device, Name::parse_stored)?, ..self })
    }

    #[must_use]
    pub fn level(&self) -> Level {
        match (&self.customer, &self.site, &self.zone) {
            (None, ..) => Level::Fleet,
            (_, None, _) => Level::Customer,
            (_, _, None) => Level::Site,
            _ => Level::Zone,
        }
    }

    /// The deepest place that the scope names; `None` for the fleet.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let customer = self.customer.clone()?;
        Some(Place { customer, site: self.site.clone(), zone: self.zone.clone() })
    }

    /// Whether the scope holds this place.
    #[must_use]
    pub fn contains(&self, place: &Place) -> bool {
        fn fits(asked: Option<&Name>, have: Option<&Name>) -> bool {
            asked.is_none() || asked == have
        }
        fits(self.customer.as_ref(), Some(&place.customer))
            && fits(self.site.as_ref(), place.site.as_ref())
            && fits(self.zone.as_ref(), place.zone.as_ref())
    }

    /// The name of the scope's child that holds `place`; `None` where the place lies at the scope's own level.
    #[must_use]
    pub fn child_of<'a>(&self, place: &'a Place) -> Option<&'a Name> {
        match self.level() {
            Level::Fleet => Some(&place.customer),
            Level::Customer => place.site.as_ref(),
            Level::Site => place.zone.as_ref(),
            Level::Zone => None,
        }
    }

    /// The scope one level down.
    #[must_use]
    pub fn child(&self, name: Name) -> Self {
        let mut child = self.clone();
        match self.level() {
            Level::Fleet => child.customer = Some(name),
            Level::Customer => child.site = Some(name),
            Level::Site | Level::Zone => child.zone = Some(name),
        }
        child
    }
}

fn name(
    bad: fn(&Sentence) -> Sentence,
    text: Option<&str>,
    parse: fn(&str) -> std::result::Result<Name, InvalidName>,
) -> Result<Option<Name>> {
    text.filter(|t| !t.is_empty()).map(|t| parse(t).map_err(|e| Error::bad_input(bad(&e.sentence())))).transpose()
}

/// At most 40 characters of a text for an error sentence, so that a sentence stays one.
#[must_use]
pub fn clip_text(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if text.chars().count() > 40 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_needs_its_customer_and_a_zone_its_site() {
        assert!(Scope::parse(None, Some("s"), None, None, None).is_err());
        assert!(Scope::parse(Some("c"), None, Some("z"), None, None).is_err());
        let zone = Scope::parse(Some("c"), Some("s"), Some("z"), None, None).expect("a whole place");
        assert_eq!(zone.level(), Level::Zone);
        assert!(
            zone.clone().with_device(Some("a\u{0}")).is_err()
                && zone.with_device(Some("")).is_ok_and(|s| s.device.is_none())
        );
        assert_eq!(Scope::parse(Some(""), None, None, None, None).expect("open").level(), Level::Fleet);
    }

    #[test]
    fn a_model_is_read_with_a_space_and_addressed_with_a_colon() {
        let model = Model::parse("yolov8m:1.1.0").expect("a model");
        assert_eq!((model.to_string(), model.key()), ("yolov8m 1.1.0".into(), "yolov8m:1.1.0".into()));
        assert_eq!(Model::parse(&model.key()).expect("its own key"), model);
        let any = Model::parse("yolov8m").expect("an architecture");
        assert_eq!((any.to_string(), any.key()), ("yolov8m".into(), "yolov8m".into()));
        assert_eq!(ModelTags { architecture: "a", version: Some("") }.to_string(), "a");
    }

    #[test]
    fn an_absent_experiment_type_counts_as_production() {
        assert!(ExperimentKind::Production.includes(None) && ExperimentKind::Production.includes(Some("production")));
        assert!(!ExperimentKind::Production.includes(Some("candidate")) && !ExperimentKind::Candidate.includes(None));
        assert!(ExperimentKind::All.includes(Some("benchmark")));
    }
}
