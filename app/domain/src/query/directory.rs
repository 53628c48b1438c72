//! Everything known by name.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    custom_metrics::{CustomMetrics, MetricsOverLimit},
    declarations::Declarations,
    error::{Error, Result},
    metric::{CATALOGUE, Metric, MetricColumn, built_in},
    model::{ModelKey, RegisteredModel, RegistryVersions},
    scope::{Place, Scope, clip_text},
    sentences,
    text::Name,
    time::Millis,
};

/// Everything known by name: for filters, switchers and "does this exist".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Directory {
    pub places: Vec<Place>,
    pub tasks: Vec<Name>,
    pub models: Vec<ModelKey>,
    /// Devices, each with the places of its records.
    pub devices: Arc<BTreeMap<Name, BTreeSet<Place>>>,
    /// There are files from before devices were noted: their records may name others.
    pub more_devices: bool,
    /// There are files from before registered models were noted: their records may name others.
    pub more_models: bool,
    /// Model versions in the order in which they first appeared: what their colours follow.
    pub models_by_age: Vec<ModelKey>,
    /// Metrics outside of the catalogue, as `group.leaf`.
    pub custom: CustomMetrics,
    /// Those over the limit.
    pub beyond: MetricsOverLimit,
    /// Catalogue metrics that at least one record has, by catalogue index.
    pub built_in: Vec<usize>,
    /// The declarations of places and metrics. Places that are named there are among `places`.
    pub declared: Arc<Declarations>,
    /// To which version of a registry rows belong that name a run or an architecture.
    pub links: Arc<RegistryVersions>,
    /// Whether versions that only links name are hidden, as from whoever is bound to one customer.
    pub hides_linked: bool,
    /// How many records there are, and of these simulated.
    pub records: u64,
    pub simulated: u64,
    pub oldest: Option<Millis>,
    pub newest: Option<Millis>,
}

/// A metric that nobody knows, as an error.
#[must_use]
pub fn unknown_metric(key: &str) -> Error {
    Error::bad_input(sentences::unknown_metric(clip_text(key)))
}

impl Directory {
    /// Refuses a scope that names something unknown.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], naming the unknown thing.
    pub fn check(&self, scope: &Scope) -> Result<()> {
        if let Some(task) = &scope.task
            && !self.tasks.contains(task)
        {
            return Err(Error::not_found(sentences::unknown_task(clip_text(task.as_str()))));
        }
        if let Some(device) = &scope.device
            && !self.more_devices
            && !self.devices.contains_key(device)
        {
            return Err(Error::not_found(sentences::unknown_device(clip_text(device.as_str()))));
        }
        if scope.customer.is_none() || self.places.iter().any(|p| scope.contains(p)) {
            return Ok(());
        }
        let unknown = match (&scope.zone, &scope.site, &scope.customer) {
            (Some(z), Some(_), _) if self.places.iter().any(|p| Scope { zone: None, ..scope.clone() }.contains(p)) => {
                sentences::unknown_zone(clip_text(z.as_str()))
            }
            (_, Some(s), _) if self.places.iter().any(|p| Some(&p.customer) == scope.customer.as_ref()) => {
                sentences::unknown_site(clip_text(s.as_str()))
            }
            (_, _, Some(c)) => sentences::unknown_customer(clip_text(c.as_str())),
            _ => return Ok(()),
        };
        Err(Error::not_found(unknown))
    }

    /// Finds a model that records name, by the name that its rows are counted under: of an architecture with its version that is registered, the registered version.
    ///
    /// # Errors
    /// [`crate::ErrorKind::NotFound`], naming what no record names.
    pub fn model(&self, asked: &ModelKey) -> Result<ModelKey> {
        let model = self.links.canonical(asked);
        let linked = |r: &RegisteredModel| self.more_models || (!self.hides_linked && self.links.knows(r));
        if self.models.iter().any(|m| model.contains(m)) || model.registered().is_some_and(linked) {
            return Ok(model);
        }
        Err(Error::not_found(sentences::unknown_model(clip_text(&asked.key()))))
    }

    /// Takes over which rows belong to which version of a registry, and names models by it.
    pub fn link(&mut self, links: Arc<RegistryVersions>) {
        for models in [&mut self.models, &mut self.models_by_age] {
            let mut seen = BTreeSet::new();
            let named: Vec<ModelKey> = models.iter().map(|m| links.canonical(m)).collect();
            *models = named.into_iter().filter(|m| seen.insert(m.clone())).collect();
        }
        self.links = links;
    }

    /// The devices of a scope's places, sorted.
    pub fn devices_in(&self, scope: &Scope) -> impl Iterator<Item = &Name> {
        self.devices.iter().filter(|(_, places)| places.iter().any(|p| scope.contains(p))).map(|(device, _)| device)
    }

    /// The names one level below the scope, sorted.
    #[must_use]
    pub fn children(&self, scope: &Scope) -> Vec<Name> {
        let mut names: Vec<Name> =
            self.places.iter().filter(|p| scope.contains(p)).filter_map(|p| scope.child_of(p)).cloned().collect();
        names.sort();
        names.dedup();
        names
    }

    /// Finds a metric by its key: a catalogue key in any case, a leaf name that only one group has, or `group.leaf`.
    ///
    /// # Errors
    /// Unknown, or a leaf that more than one group has.
    pub fn metric(&self, key: &str) -> Result<(Metric, MetricColumn)> {
        if let Some(i) = built_in(key) {
            return Ok((self.declared.built_in(i).clone(), MetricColumn::BuiltIn(i)));
        }
        match self.custom.find(key)[..] {
            [place] => Ok(self.custom_metric(place)),
            [a, b, ..] => {
                Err(Error::bad_input(sentences::several_groups(clip_text(key), &self.custom[a], &self.custom[b])))
            }
            [] if !self.beyond.names.find(key).is_empty() => {
                Err(Error::bad_input(sentences::beyond_cap(clip_text(key), self.beyond.cap)))
            }
            [] => Err(unknown_metric(key)),
        }
    }

    /// The metric at a place of [`Directory::custom`].
    #[must_use]
    pub fn custom_metric(&self, place: usize) -> (Metric, MetricColumn) {
        let full = &self.custom[place];
        (self.declared.custom(full, self.custom.key(place)), MetricColumn::Custom(full.clone()))
    }

    /// As [`Directory::metric`], for queries on records: they also hold the metrics over the limit. Those
    /// that are not remembered are found by their full name.
    ///
    /// # Errors
    /// Unknown, or a leaf that more than one group has.
    pub fn metric_of_records(&self, key: &str) -> Result<(Metric, MetricColumn)> {
        let known = self.metric(key);
        if known.is_ok() || !self.custom.find(key).is_empty() {
            return known;
        }
        let full = match self.beyond.names.find(key)[..] {
            [place] => self.beyond.names[place].clone(),
            [] if self.beyond.more && key.contains('.') => key.to_owned(),
            _ => return known,
        };
        Ok((self.declared.custom(&full, &full), MetricColumn::Custom(full)))
    }

    /// A metric by the key that an answer gave it.
    #[must_use]
    pub fn metric_of_answer(&self, key: &str) -> Metric {
        self.metric_of_records(key).map_or_else(|_| Metric::uncatalogued(key), |m| m.0)
    }

    /// Whether any record has the metric.
    #[must_use]
    pub fn has(&self, column: &MetricColumn) -> bool {
        match column {
            MetricColumn::BuiltIn(i) => self.built_in.contains(i),
            MetricColumn::Custom(full) => self.custom.index_of(full).is_some(),
        }
    }

    /// The shortest key of a metric.
    #[must_use]
    pub fn key(&self, column: &MetricColumn) -> String {
        match column {
            MetricColumn::BuiltIn(i) => CATALOGUE[*i].key.to_string(),
            MetricColumn::Custom(full) => self.key_of(full),
        }
    }

    /// The shortest key of a metric outside of the catalogue: its leaf, or `group.leaf` where leaves collide.
    #[must_use]
    pub fn key_of(&self, full: &str) -> String {
        self.custom.index_of(full).map_or(full, |place| self.custom.key(place)).to_owned()
    }
}

#[cfg(test)]
mod tests;
