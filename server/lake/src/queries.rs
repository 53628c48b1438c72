//! The answers of [`domain::ports::MetricsStore`]: plans one pass over the rows and shapes what comes out.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
    sync::Arc,
};

use datafusion::arrow::array::RecordBatch;
use domain::{
    Error, Result,
    metric::Metric,
    query::{
        ChildSummary, Comparison, ComparisonQuery, EarlierQuantiles, FieldCell, FieldReport, LatestValue, MetricColumn,
        MetricSummary, ModelChange, ModelMetric, ModelSummary, Summary, SummaryQuery, Trend, TrendPoint, TrendQuery,
    },
    say,
    scope::{Level, Place, Scope},
    state::{DataState, Health},
    text::Name,
    time::{DAY, Millis, TimeRange},
};
use futures::StreamExt;
use tokio_util::task::AbortOnDropHandle;

use crate::{
    Lake,
    fold::{Devices, Fold, Group, GroupKey, Plan},
    metrics::chosen,
    scan::Rows,
    snapshot::{ByMetric, Snapshot, by_metric},
};

impl Lake {
    pub(crate) async fn answer_summary(&self, q: &SummaryQuery) -> Result<Summary> {
        let snapshot = self.snapshot();
        snapshot.directory.check(&q.scope)?;
        let looked_at: Vec<_> = [q.range, q.earlier].into_iter().chain(q.course.map(|c| c.0)).collect();
        let (metrics, present) = chosen(&snapshot, &q.metrics, &q.scope, &looked_at);
        let level = q.scope.level();
        let by_site = q.sites && level == Level::Fleet;
        let group_by: Vec<&'static str> = match (q.children, level) {
            _ if by_site => vec!["customer", "site"],
            (false, _) | (_, Level::Zone) => vec![],
            (_, Level::Fleet) => vec!["customer"],
            (_, Level::Customer) => vec!["site"],
            (_, Level::Site) => vec!["zone"],
        };
        let plan = Plan {
            metrics: metrics.iter().map(|(_, c)| c.clone()).collect(),
            group_by,
            places: true,
            devices: Devices::WhereItMatters,
            conditions: false,
            range: q.range,
            previous: Some(q.earlier),
            tails: metrics.iter().map(|(m, _)| q.earlier_quantiles.holds(&m.key)).collect(),
            course: q.course,
            steps: None,
        };
        let empty = Group::new(&plan);
        let (snapshot, mut groups) = self.fold(&q.scope, None, plan).await?;
        let health = snapshot.health(&q.scope, &q.range, q.now);
        let mut sites = Vec::new();
        if by_site {
            sites = std::mem::take(&mut groups).into_iter().collect();
            groups = merged_by_first(&sites);
        }
        let whole = groups.values().fold(empty, |mut whole, g| {
            whole.merge(g);
            whole
        });
        let shape = |group: Option<&Group>, health: &Health, expected: &ByMetric| {
            group.map_or_else(Vec::new, |g| shape_metrics(&snapshot, &metrics, g, health, expected))
        };
        let mut children = Vec::new();
        if q.children && level != Level::Zone {
            // Children are those with rows in one of the two periods and those that were expected to have some.
            let mut names: Vec<Name> = health.children.keys().cloned().collect();
            names.extend(groups.iter().filter(seen).filter_map(|(k, _)| Name::stored(k.first()?.as_deref()?).ok()));
            names.sort();
            names.dedup();
            for name in names {
                let group = groups.get(&vec![Some(Box::from(name.as_str()))]);
                let (own, expected) = health.children.get(&name).cloned().unwrap_or((Health::default(), [0; 64]));
                children.push(ChildSummary {
                    metrics: shape(group, &own, &expected),
                    simulated: group.is_some_and(is_simulated),
                    records: group.map_or(0, |g| g.rows),
                    health: own,
                    scope: q.scope.child(name),
                });
            }
        }
        let sites = if by_site { self::sites(q, &health.sites, sites, &shape) } else { vec![] };
        Ok(Summary {
            sites,
            scope: q.scope.clone(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: as_of(&snapshot, q.now),
            metrics: shape(Some(&whole), &health.whole, &health.expected),
            simulated: is_simulated(&whole),
            records: whole.rows,
            since: snapshot.since(&q.scope, q.earlier.from(), q.range.to()),
            present,
            health: health.whole,
            children,
        })
    }

    pub(crate) async fn answer_trend(&self, q: &TrendQuery) -> Result<Trend> {
        let snapshot = self.snapshot();
        snapshot.directory.check(&q.scope)?;
        let (metric, column) = snapshot.directory.metric(&q.metric)?;
        if let Some(model) = &q.model {
            snapshot.directory.check_model(model)?;
        }
        let plan = Plan {
            metrics: vec![column],
            group_by: vec![],
            places: false,
            devices: Devices::OfAll,
            conditions: false,
            range: q.range,
            previous: None,
            tails: vec![],
            course: None,
            steps: Some(q.step),
        };
        let (snapshot, groups) = self.fold(&q.scope, q.model.as_ref(), plan).await?;
        let first = q.step.floor(q.range.from()).0;
        // Nothing is grouped by: there is one, or none without rows.
        let steps = groups.values().flat_map(|g| g.steps.iter().enumerate());
        let points = steps
            .filter_map(|(bucket, cells)| {
                let a = cells.first()?;
                let [p50, p95, _] = a.quantiles()?;
                Some(TrendPoint {
                    t: Millis(first + bucket as i64 * q.step.ms()),
                    value: a.mean.value()?,
                    n: a.mean.n,
                    min: a.min?,
                    max: a.max?,
                    p50,
                    p95,
                })
            })
            .collect();
        Ok(Trend {
            scope: q.scope.clone(),
            metric: metric.key.into_owned(),
            unit: metric.unit.into_owned(),
            step: q.step.to_string(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: as_of(&snapshot, q.range.to()),
            simulated: groups.values().any(is_simulated),
            devices: groups.values().flat_map(|g| g.devices.iter().flatten()).map(ToString::to_string).collect(),
            points,
            changes: model_changes(&snapshot, &q.scope, &q.range),
        })
    }

    pub(crate) async fn answer_comparison(&self, q: &ComparisonQuery) -> Result<Comparison> {
        let snapshot = self.snapshot();
        snapshot.directory.check(&q.scope)?;
        let (metrics, _) = chosen(&snapshot, &q.metrics, &q.scope, &[q.range]);
        let plan = Plan {
            metrics: metrics.iter().map(|(_, c)| c.clone()).collect(),
            group_by: vec!["model_architecture", "model_version"],
            places: true,
            devices: Devices::WhereItMatters,
            conditions: true,
            range: q.range,
            previous: None,
            tails: vec![],
            course: None,
            steps: None,
        };
        let (snapshot, groups) = self.fold(&q.scope, None, plan).await?;
        let simulated = groups.values().any(is_simulated);
        let mut models: Vec<ModelSummary> = groups
            .into_iter()
            .filter(|(_, g)| g.rows > 0)
            .map(|(key, g)| ModelSummary {
                zones: g.zones.len() as u32,
                architecture: key.first().cloned().flatten().map(String::from),
                version: key.get(1).cloned().flatten().map(String::from),
                n: g.rows,
                first: g.first,
                last: g.last,
                devices: g.named.iter().filter(|d| !d.is_empty()).map(ToString::to_string).collect(),
                metrics: metrics
                    .iter()
                    .zip(g.current.iter().zip(&g.devices))
                    .filter(|(_, (a, _))| a.mean.n > 0)
                    .map(|((m, _), (a, devices))| {
                        let q = a.quantiles();
                        let shaped = ModelMetric {
                            value: a.mean.value(),
                            n: a.mean.n,
                            p50: q.map(|q| q[0]),
                            p95: q.map(|q| q[1]),
                            devices: mixed(devices),
                        };
                        (m.key.to_string(), shaped)
                    })
                    .collect(),
            })
            .collect();
        models.sort_by(|a, b| {
            b.n.cmp(&a.n).then_with(|| (&a.architecture, &a.version).cmp(&(&b.architecture, &b.version)))
        });
        Ok(Comparison {
            scope: q.scope.clone(),
            from: q.range.from(),
            to: q.range.to(),
            as_of: as_of(&snapshot, q.range.to()),
            simulated,
            models,
        })
    }

    pub(crate) async fn answer_field_report(&self, q: &ComparisonQuery) -> Result<FieldReport> {
        let snapshot = self.snapshot();
        snapshot.directory.check(&q.scope)?;
        let (metrics, present) = chosen(&snapshot, &q.metrics, &q.scope, &[q.range]);
        let plan = Plan {
            metrics: metrics.iter().map(|(_, c)| c.clone()).collect(),
            group_by: vec!["customer", "site", "zone", "model_architecture", "model_version"],
            places: false,
            devices: Devices::OfNone,
            conditions: true,
            range: q.range,
            previous: None,
            tails: vec![],
            course: None,
            steps: None,
        };
        let (snapshot, groups) = self.fold(&q.scope, None, plan).await?;
        let simulated = groups.values().any(is_simulated);
        let cells = groups.into_iter().filter(|(_, g)| g.rows > 0).filter_map(|(key, g)| {
            let part = |i: usize| key.get(i).cloned().flatten();
            let name = |i: usize| part(i).and_then(|t| Name::stored(&t).ok());
            Some(FieldCell {
                place: Place { customer: name(0)?, site: name(1), zone: name(2) },
                architecture: part(3).map(String::from),
                version: part(4).map(String::from),
                n: g.rows,
                first: g.first,
                last: g.last,
                days: g.days,
                devices: g.named,
                values: g.current,
            })
        });
        Ok(FieldReport {
            as_of: as_of(&snapshot, q.range.to()),
            simulated,
            cells: cells.collect(),
            metrics: metrics.into_iter().map(|m| m.0).collect(),
            present,
        })
    }

    /// One pass over the rows of a plan.
    async fn fold(
        &self,
        scope: &Scope,
        model: Option<&domain::scope::Model>,
        plan: Plan,
    ) -> Result<(Arc<Snapshot>, BTreeMap<GroupKey, Group>)> {
        let rows = Rows { scope, model, ranges: plan.reach(), columns: plan.columns(), only: None };
        let plan = Arc::new(plan);
        let (snapshot, parts) = self.pass(&rows, || Fold::new(Arc::clone(&plan))).await?;
        let mut whole = Fold::new(plan);
        parts.into_iter().for_each(|part| whole.merge(part));
        Ok((snapshot, whole.finish()))
    }

    /// Reads the rows on all cores; each core has a reader of its own. A file that turns out to be unreadable is noted and
    /// left out, and a file that a merge replaced meanwhile is looked up anew; both by beginning again with a fresh snapshot.
    pub(crate) async fn pass<P: Part>(
        &self,
        rows: &Rows<'_>,
        reader: impl Fn() -> P,
    ) -> Result<(Arc<Snapshot>, Vec<P>)> {
        let mut trouble = String::new();
        for tried in 0..4 {
            let turn = self.scans.acquire().await.map_err(|e| Error::internal("the lake is closed").with_detail(e))?;
            // Only now: what was looked up before the wait may be replaced by the end of it.
            let snapshot = self.snapshot();
            let read = self.pass_once(&snapshot, rows, &reader).await;
            // Others answer while this one finds out what is wrong.
            drop(turn);
            match read {
                Ok(parts) => return Ok((snapshot, parts)),
                Err(e) => {
                    tracing::warn!(error = %e, "a scan failed; looking for the file to blame");
                    trouble = e;
                    self.after_failed_scan(snapshot.touched(&rows.ranges), tried).await?;
                }
            }
        }
        Err(Error::unavailable(say!("the records cannot be read just now", "지금은 레코드를 읽을 수 없습니다"))
            .with_detail(trouble))
    }

    async fn pass_once<P: Part>(
        &self,
        snapshot: &Snapshot,
        rows: &Rows<'_>,
        reader: &impl Fn() -> P,
    ) -> std::result::Result<Vec<P>, String> {
        if let Some(reading) = self.resident.plan(&self.root, snapshot, rows) {
            return reading.read(reader).await;
        }
        let streams = self.engine().streams(snapshot, rows).await.map_err(|e| e.to_string())?;
        let parts = streams.into_iter().map(|mut stream| {
            let mut part = reader();
            // A question that is given up reads on for nobody.
            AbortOnDropHandle::new(tokio::spawn(async move {
                while let Some(batch) = stream.next().await {
                    part.take(&batch.map_err(|e| e.to_string())?)?;
                }
                Ok::<_, String>(part)
            }))
        });
        let mut whole = Vec::new();
        for part in futures::future::join_all(parts).await {
            whole.push(part.map_err(|e| e.to_string())??);
        }
        Ok(whole)
    }
}

/// What reads batches of rows on one core.
pub(crate) trait Part: Send + 'static {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String>;

    /// Takes the rows of these ranges, which ascend.
    fn take_some(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> std::result::Result<(), String> {
        chosen.iter().try_for_each(|rows| self.take(&batch.slice(rows.start, rows.len())))
    }
}

impl Part for Fold {
    fn take(&mut self, batch: &RecordBatch) -> std::result::Result<(), String> {
        self.add(batch, std::slice::from_ref(&(0..batch.num_rows())))
    }

    fn take_some(&mut self, batch: &RecordBatch, chosen: &[Range<usize>]) -> std::result::Result<(), String> {
        self.add(batch, chosen)
    }
}

/// Groups by the first part of their key alone.
fn merged_by_first(groups: &[(GroupKey, Group)]) -> BTreeMap<GroupKey, Group> {
    let mut merged: BTreeMap<GroupKey, Group> = BTreeMap::new();
    for (key, group) in groups {
        let first = key.iter().take(1).cloned().collect();
        merged.entry(first).and_modify(|g| g.merge(group)).or_insert_with(|| group.clone());
    }
    merged
}

pub(crate) fn as_of(snapshot: &Snapshot, otherwise: Millis) -> Millis {
    snapshot.as_of.unwrap_or(otherwise)
}

/// Whether a group had rows in the range or in the earlier period; those of its course alone make no child.
fn seen((_, group): &(&GroupKey, &Group)) -> bool {
    group.rows > 0 || group.before
}

/// Every site of the fleet: those with rows in one of the two periods, and those that were expected to have some.
fn sites(
    q: &SummaryQuery,
    health: &BTreeMap<(Name, Option<Name>), (Health, ByMetric)>,
    groups: Vec<(GroupKey, Group)>,
    shape: &impl Fn(Option<&Group>, &Health, &ByMetric) -> Vec<MetricSummary>,
) -> Vec<ChildSummary> {
    let name = |part: Option<&Option<Box<str>>>| Name::stored(part?.as_deref()?).ok();
    let mut found: BTreeMap<(Name, Option<Name>), Option<Group>> = health.keys().map(|k| (k.clone(), None)).collect();
    for (key, group) in groups {
        let Some(customer) = name(key.first()) else { continue };
        let site = (customer, name(key.get(1)));
        if seen(&(&key, &group)) || found.contains_key(&site) {
            found.insert(site, Some(group));
        }
    }
    found
        .into_iter()
        .map(|(key, group)| {
            let (own, expected) = health.get(&key).cloned().unwrap_or((Health::default(), [0; 64]));
            ChildSummary {
                metrics: shape(group.as_ref(), &own, &expected),
                simulated: group.as_ref().is_some_and(is_simulated),
                records: group.as_ref().map_or(0, |g| g.rows),
                health: own,
                scope: Scope { customer: Some(key.0), site: key.1, ..q.scope.clone() },
            }
        })
        .collect()
}

/// The devices whose numbers were put together; none where it was one.
fn mixed(devices: &BTreeSet<Box<str>>) -> Vec<String> {
    if devices.len() > 1 { devices.iter().map(ToString::to_string).collect() } else { vec![] }
}

fn is_simulated(group: &Group) -> bool {
    group.simulated.iter().any(|s| *s)
}

fn shape_metrics(
    snapshot: &Snapshot,
    metrics: &[(Metric, MetricColumn)],
    group: &Group,
    health: &Health,
    expected: &ByMetric,
) -> Vec<MetricSummary> {
    let mut shaped = Vec::new();
    for (m, (metric, column)) in metrics.iter().enumerate() {
        let (current, previous) = (&group.current[m], &group.previous[m]);
        let course: Vec<Option<f64>> = group.course.iter().map(|step| step[m].value()).collect();
        if current.mean.n == 0 && previous.n == 0 && course.iter().all(Option::is_none) {
            continue;
        }
        let sites_reporting = group.sites[m].len() as u32;
        // A metric for which there was no room in the count is expected where anything is.
        let sites_expected =
            by_metric(&snapshot.directory, column).map_or(health.sites_expected, |i| expected[i]).max(sites_reporting);
        let (value, before) = (current.mean.value(), previous.value());
        let quantiles = current.quantiles();
        let before_in_full = group.earlier[m].as_ref().and_then(|full| full.quantiles());
        shaped.push(MetricSummary {
            metric: metric.key.to_string(),
            unit: metric.unit.to_string(),
            direction: metric.direction,
            value,
            previous: before,
            delta: value.zip(before).map(|(v, b)| v - b),
            n: current.mean.n,
            weight: current.mean.w,
            sites_reporting,
            sites_expected,
            latest: current.latest.map(|l| LatestValue { value: l.value, timestamp: l.at }),
            p50: quantiles.map(|q| q[0]),
            p95: quantiles.map(|q| q[1]),
            p99: quantiles.map(|q| q[2]),
            earlier_quantiles: before_in_full.map(|q| EarlierQuantiles::new(q, quantiles)),
            // A metric that fell silent while its places still report other things is stale by itself.
            state: if current.mean.n == 0 && health.state == DataState::Ok { DataState::Stale } else { health.state },
            devices: mixed(&group.devices[m]),
            simulated: group.simulated[m],
            assumed: metric.assumed,
            course,
        });
    }
    shaped
}

/// Model versions that zones of the scope ran for the first time within the range; at most the twenty that reached the most
/// zones. A zone whose records all lie within the range has no "before" and counts for nothing.
fn model_changes(snapshot: &Snapshot, scope: &Scope, range: &TimeRange) -> Vec<ModelChange> {
    let runs = || {
        snapshot.first_runs.iter().filter(|(run, t)| {
            **t < range.to().0
                && scope.holds(&snapshot.places[run.place as usize])
                && scope.kind.takes(run.kind.as_deref())
                && scope.task.as_ref().is_none_or(|task| task.as_str() == &*run.task)
        })
    };
    let mut place_first: HashMap<u32, i64> = HashMap::new();
    for (run, t) in runs() {
        place_first.entry(run.place).and_modify(|first| *first = (*first).min(*t)).or_insert(*t);
    }
    let mut arrivals: Vec<(String, String, i64)> = runs()
        .filter(|(run, t)| **t >= range.from().0 && place_first.get(&run.place).is_some_and(|p| *p < **t))
        .map(|(run, t)| (run.architecture.to_string(), run.version.as_deref().unwrap_or("").to_owned(), *t))
        .collect();
    arrivals.sort();
    // A roll-out over several zones is one change as long as no day passes without a zone.
    let mut changes: Vec<(i64, i64, String, String, u32)> = Vec::new();
    for (architecture, version, t) in arrivals {
        match changes.last_mut() {
            Some((_, last, a, v, zones)) if *a == architecture && *v == version && t - *last <= DAY => {
                *last = t;
                *zones += 1;
            }
            _ => changes.push((t, t, architecture, version, 1)),
        }
    }
    let mut changes: Vec<ModelChange> = changes
        .into_iter()
        .map(|(t, _, architecture, version, zones)| ModelChange { t: Millis(t), architecture, version, zones })
        .collect();
    changes.sort_by_key(|c| std::cmp::Reverse(c.zones));
    changes.truncate(20);
    changes.sort_by_key(|c| c.t);
    changes
}
