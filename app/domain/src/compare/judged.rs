//! Which differences between models are more than noise: the same zones on the same device held against each other, clustered by the first level of places that has five
//! where both ran. Days are no help here: each model ran on its own.

use super::{ComparedModel, ModelResults, SiteComparison, zone_pairs};
use crate::{
    aggregate::WeightedMean,
    change::Delta,
    evidence::{DailyMeans, PlaceMeans, colours, delta},
    metric::Metric,
    model::ModelKey,
    query::MetricChange,
    scope::{Level, Place},
};

/// Whether a model ran on one device in a place.
fn one_device(ran: &super::ZoneResult<'_>) -> bool {
    ran.devices.len() < 2
}

impl ModelResults<'_> {
    /// Says of every difference to the baseline, which comes first, whether it is more than noise; the models are compared over a scope on this
    /// level. What is coloured is coloured as one table.
    pub fn judge(&self, level: Level, compared_models: &mut [ComparedModel]) {
        let Some((base, others)) = compared_models.split_first_mut() else { return };
        let mut table: Vec<(usize, usize, Delta)> = vec![];
        for (i, c) in others.iter().enumerate() {
            for metric in 0..c.figures.len() {
                table.push((i, metric, self.difference(&base.model, &c.model, metric, level, |_| true)));
            }
        }
        let cells: Vec<(&Metric, Delta)> = table.iter().map(|t| (&self.report.metrics[t.1], t.2)).collect();
        for ((i, metric, delta), colour) in table.iter().zip(colours(&cells)) {
            others[*i].figures[*metric].judged = Some(MetricChange { delta: *delta, colour });
        }
    }

    /// The same of the sites of one metric.
    pub fn judge_sites(&self, metric: usize, compared_models: &[ComparedModel], sites: &mut [SiteComparison]) {
        let Some((base, others)) = compared_models.split_first() else { return };
        let mut table: Vec<(usize, usize, Delta)> = vec![];
        for (s, site) in sites.iter().enumerate() {
            for (i, c) in others.iter().enumerate() {
                let here = |p: &Place| p.customer == site.customer && p.site == site.site;
                table.push((s, i + 1, self.difference(&base.model, &c.model, metric, Level::Site, here)));
            }
        }
        let kind = &self.report.metrics[metric];
        let cells: Vec<(&Metric, Delta)> = table.iter().map(|t| (kind, t.2)).collect();
        for ((s, i, delta), colour) in table.iter().zip(colours(&cells)) {
            if let Some(figure) = sites[*s].figures.get_mut(*i) {
                figure.judged = Some(MetricChange { delta: *delta, colour });
            }
        }
    }

    fn difference(
        &self,
        base: &ModelKey,
        model: &ModelKey,
        metric: usize,
        level: Level,
        counts: impl Fn(&Place) -> bool,
    ) -> Delta {
        let of = |key: &ModelKey| self.models.iter().find(|m| m.0 == *key).map(|m| &m.1);
        let zones = of(model).zip(of(base)).map_or_else(Vec::new, |(ours, base)| zone_pairs(ours, base));
        let mean =
            |ran: Option<&super::ZoneResult<'_>>| ran.map_or_else(WeightedMean::default, |r| *r.values[metric].mean());
        let places: Vec<PlaceMeans> = zones
            .iter()
            // Where a model ran on several devices, or the two on different ones, a difference is not the model's alone.
            .filter(|z| {
                counts(z.place) && z.ours.is_none_or(one_device) && z.base.is_none_or(one_device) && !z.other_devices
            })
            .map(|z| PlaceMeans {
                place: z.place.clone(),
                task: None,
                device: None,
                before: mean(z.base),
                after: mean(z.ours),
            })
            .collect();
        delta(level, &places, &DailyMeans::default())
    }
}
