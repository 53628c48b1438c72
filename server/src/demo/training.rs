//! The training runs of the simulated fleet: those that made its model versions, their repeats under other seeds, other learning rates
//! and batches, and some that went wrong. Numbers follow the published accuracy of the architectures (see `fleet`).

use std::f64::consts::{LN_2, TAU};

use domain::{
    time::{DAY, MINUTE, Millis},
    tracking::{MetricPoint, RunStatus},
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::{
    fleet::{
        Fleet, Model, RTDETR_R18, RTDETR_R50, RTDETR_R50_NEXT, Task, YOLOV8L, YOLOV8M, YOLOV10L, YOLOV10M,
        YOLOV10M_NEXT, Zone,
    },
    noise::{noise, normal, round},
};

/// An experiment of the demo.
pub struct Experiment {
    pub name: &'static str,
    pub note: &'static str,
    pub task: Task,
}

impl Experiment {
    /// As MLflow makes ids of experiments in a folder: 18 digits.
    pub fn id(&self) -> String {
        format!("{}", 100_000_000_000_000_000 + xxh3_64(self.name.as_bytes()) % 900_000_000_000_000_000)
    }
}

pub const EXPERIMENTS: [Experiment; 4] = [
    Experiment { name: "detection-training", note: "Detectors of the fleet, three seeds each", task: Task::Detection },
    Experiment { name: "tracking-training", note: "Detectors behind the trackers", task: Task::Tracking },
    Experiment { name: "counting-training", note: "Small detectors that count", task: Task::Counting },
    Experiment {
        name: "learning-rate-study",
        note: "How yolov10m depends on its learning rate: five seeds of each",
        task: Task::Detection,
    },
];

/// Which versions were made, in which experiment, for whom, and so many days before the demo began: before they ran anywhere.
const MADE: [(usize, Model, &str, i64); 8] = [
    (0, YOLOV8M, "Customer A", 95),
    (0, YOLOV8L, "Customer B", 97),
    (0, YOLOV10M, "Customer C", 94),
    (0, YOLOV10M_NEXT, "Customer A", 16),
    (0, YOLOV10L, "Customer B", 6),
    (1, RTDETR_R50, "Customer B", 98),
    (1, RTDETR_R50_NEXT, "Customer D", 17),
    (2, RTDETR_R18, "Customer C", 96),
];
const STUDY: usize = 3;

const EPOCH_LENGTH: i64 = 90_000;
const BATCH: u32 = 16;

/// Steps of the run that logs its loss at every step, and where it spikes.
const STEPS: i64 = 5_000;
const SPIKES: [i64; 6] = [61, 740, 1_523, 2_222, 3_501, 4_870];

/// A run, as it is written.
pub struct TrainingRun {
    pub id: String,
    /// Its place in [`EXPERIMENTS`].
    pub experiment: usize,
    pub name: String,
    pub user: &'static str,
    pub status: RunStatus,
    pub start: Millis,
    pub end: Option<Millis>,
    pub params: Vec<(&'static str, String)>,
    pub tags: Vec<(&'static str, String)>,
    pub metrics: Vec<(&'static str, Vec<MetricPoint>)>,
    pub model: Model,
    /// Whether the version of the model was made by it.
    pub made_version: bool,
    /// Whether it logged images of what it found in a validation picture.
    pub logs_images: bool,
}

impl TrainingRun {
    pub fn experiment_name(&self) -> &'static str {
        EXPERIMENTS[self.experiment].name
    }

    pub fn task(&self) -> &'static str {
        EXPERIMENTS[self.experiment].task.as_str()
    }
}

/// What is tried.
struct Recipe<'f> {
    experiment: usize,
    model: Model,
    customer: &'static str,
    place: Option<&'f Zone>,
    /// Factor on the usual learning rate.
    lr_factor: f64,
    batch: u32,
    seed: u64,
    end: Millis,
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    MadeVersion,
    Finished,
    /// Its loss became NaN.
    Diverged,
    OutOfMemory,
    Killed,
    Running,
    Spiking,
}

/// All runs. Those that are over ended before the demo began.
pub fn training_runs(fleet: &Fleet, epoch: Millis) -> Vec<TrainingRun> {
    let mut recipes = Vec::new();
    for (experiment, model, customer, days) in MADE {
        let task = EXPERIMENTS[experiment].task;
        let zones: Vec<&Zone> = fleet.zones.iter().filter(|z| z.customer == customer && z.task == task).collect();
        let made = epoch.plus(-days * DAY);
        // (factor on the learning rate, batch, seed), the best one last.
        let tries = [(0.5, 16), (2.0, 16), (1.0, 32), (1.0, 16)]
            .into_iter()
            .flat_map(|(lr, batch)| (1..=3u64).rev().map(move |seed| (lr, batch, seed)))
            .filter(|(_, batch, seed)| *batch == BATCH || *seed < 3);
        let tries: Vec<_> = tries.collect();
        for (i, (lr_factor, batch, seed)) in tries.iter().copied().enumerate() {
            let is_last = i + 1 == tries.len();
            recipes.push(Recipe {
                experiment,
                model,
                customer,
                // The whole customer's pictures, or those of one zone.
                place: if lr_factor == 1.0 { None } else { zones.get(i % zones.len().max(1)).copied() },
                lr_factor,
                batch,
                seed,
                end: made.plus(-((tries.len() - 1 - i) as i64) * 140 * MINUTE),
                outcome: if is_last { Outcome::MadeVersion } else { Outcome::Finished },
            });
        }
    }
    let gates: Vec<&Zone> =
        fleet.zones.iter().filter(|z| z.customer == "Customer A" && z.task == Task::Detection).collect();
    let other = |lr_factor: f64, batch: u32, seed: u64, end: i64, outcome: Outcome| Recipe {
        experiment: STUDY,
        model: YOLOV10M,
        customer: "Customer A",
        place: gates.get(seed as usize % gates.len().max(1)).copied(),
        lr_factor,
        batch,
        seed,
        end: epoch.plus(-end),
        outcome,
    };
    for (l, lr_factor) in [0.1, 0.3, 1.0, 3.0, 10.0].into_iter().enumerate() {
        recipes.extend((1..=5u64).map(|seed| {
            other(lr_factor, BATCH, seed, DAY + (l as i64 * 5 + seed as i64) * 150 * MINUTE, Outcome::Finished)
        }));
    }
    recipes.extend([
        other(30.0, BATCH, 1, DAY + 30 * MINUTE, Outcome::Diverged),
        other(30.0, BATCH, 2, DAY, Outcome::Diverged),
        other(1.0, 128, 1, 20 * 60 * MINUTE, Outcome::OutOfMemory),
        other(1.0, 96, 2, 19 * 60 * MINUTE, Outcome::OutOfMemory),
        other(1.0, BATCH, 9, 15 * 60 * MINUTE, Outcome::Killed),
        other(3.0, BATCH, 7, 9 * 60 * MINUTE, Outcome::Spiking),
        other(1.0, BATCH, 8, 0, Outcome::Running),
    ]);
    recipes.iter().map(Recipe::run).collect()
}

impl Recipe<'_> {
    /// Decides everything that varies.
    fn salt(&self) -> u64 {
        let model = format!("{}:{}", self.model.architecture, self.model.version);
        xxh3_64(format!("{model}/{}/{}/{}/{}", self.experiment, self.lr_factor, self.batch, self.seed).as_bytes())
    }

    /// The runs that made versions, and one seed of each learning rate of the study.
    fn logs_images(&self) -> bool {
        self.outcome == Outcome::MadeVersion
            || (self.experiment == STUDY && self.outcome == Outcome::Finished && self.seed == 1)
    }

    fn usual_lr(&self) -> f64 {
        if self.model.architecture.starts_with("yolo") { 0.01 } else { 0.0001 }
    }

    fn epochs(&self) -> i64 {
        let whole = if self.model.architecture.starts_with("yolo") { 60 } else { 48 };
        match self.outcome {
            Outcome::Diverged => 9,
            Outcome::OutOfMemory => 0,
            Outcome::Killed => 31,
            Outcome::Running => 26,
            _ => whole,
        }
    }

    fn run(&self) -> TrainingRun {
        let made_version = self.outcome == Outcome::MadeVersion;
        let lr = format!("{}", round(self.usual_lr() * self.lr_factor, 7));
        let Model { architecture, version, .. } = self.model;
        let name = if made_version {
            format!("{architecture}-{version}")
        } else {
            format!("{architecture}-lr{lr}-b{}-seed{}", self.batch, self.seed)
        };
        let length = match self.outcome {
            Outcome::Spiking => STEPS * 1_000,
            _ => (self.epochs() * EPOCH_LENGTH).max(MINUTE),
        };
        let start = self.end.plus(-length);
        let status = match self.outcome {
            Outcome::Diverged | Outcome::OutOfMemory => RunStatus::Failed,
            Outcome::Killed => RunStatus::Killed,
            Outcome::Running => RunStatus::Running,
            _ => RunStatus::Finished,
        };
        let user = ["minji", "jun", "sora"][(self.salt() % 3) as usize];
        TrainingRun {
            id: if made_version {
                self.model.run_id()
            } else {
                format!("{:032x}", xxh3_128(&self.salt().to_le_bytes()))
            },
            experiment: self.experiment,
            user,
            status,
            start,
            end: (self.outcome != Outcome::Running).then_some(self.end),
            params: self.params(lr),
            tags: self.tags(&name, user),
            metrics: self.metrics(start),
            model: self.model,
            made_version,
            logs_images: self.logs_images(),
            name,
        }
    }

    fn params(&self, lr: String) -> Vec<(&'static str, String)> {
        let is_yolo = self.model.architecture.starts_with("yolo");
        let planned = if is_yolo { "60" } else { "48" };
        let text = str::to_owned;
        vec![
            ("architecture", text(self.model.architecture)),
            ("lr", lr),
            ("batch", self.batch.to_string()),
            ("epochs", text(planned)),
            ("seed", self.seed.to_string()),
            ("optimizer", text(if is_yolo { "SGD" } else { "AdamW" })),
            ("momentum", text(if is_yolo { "0.937" } else { "0.9" })),
            ("weight_decay", text(if is_yolo { "0.0005" } else { "0.0001" })),
            ("imgsz", text("640")),
            ("warmup_epochs", text("3")),
            ("augment/mosaic", text(if is_yolo { "1.0" } else { "0.0" })),
            ("augment/hsv", text("0.015")),
        ]
    }

    fn tags(&self, name: &str, user: &str) -> Vec<(&'static str, String)> {
        let text = str::to_owned;
        let mut tags = vec![
            ("mlflow.runName", text(name)),
            ("mlflow.user", text(user)),
            ("mlflow.source.name", text("train.py")),
            ("mlflow.source.type", text("LOCAL")),
            ("mlflow.source.git.commit", format!("{:040x}", xxh3_128(self.model.version.as_bytes()))),
            ("customer", text(self.customer)),
            ("task", text(EXPERIMENTS[self.experiment].task.as_str())),
            ("simulated", text("true")),
        ];
        if let Some(zone) = self.place {
            tags.extend([("site", text(zone.site)), ("zone", text(zone.name))]);
        }
        if self.logs_images() {
            tags.push(("mlflow.loggedImages", text("True")));
        }
        if self.outcome == Outcome::MadeVersion {
            tags.push(("model_version", text(self.model.version)));
        }
        tags
    }

    /// Accuracy at the end: what the model reaches, less what a bad learning rate or batch costs.
    fn quality(&self) -> f64 {
        let doublings = self.lr_factor.ln() / LN_2;
        let batch = if self.batch == BATCH { 0.0 } else { 0.003 };
        self.model.ap + 0.06 - 0.0035 * doublings * doublings - batch + 0.004 * normal(&[self.salt(), 1])
    }

    fn metrics(&self, start: Millis) -> Vec<(&'static str, Vec<MetricPoint>)> {
        let (salt, epochs, quality) = (self.salt(), self.epochs(), self.quality());
        let points = |what: u64, digits: i32, value: &dyn Fn(f64, f64) -> f64| {
            (0..epochs)
                .map(|epoch| MetricPoint {
                    step: epoch,
                    timestamp: start.plus((epoch + 1) * EPOCH_LENGTH),
                    value: round(value(epoch as f64, normal(&[salt, what, epoch as u64])), digits),
                })
                .collect::<Vec<_>>()
        };
        let diverged = self.outcome == Outcome::Diverged;
        // Falls fast and then slowly; learning too fast, it grows until it is no number.
        let loss = |what: u64, floor: f64, height: f64| {
            points(what, 5, &move |e, jitter| match diverged {
                true if e >= 7.0 => f64::NAN,
                true => height * (0.4 + 0.9 * e * e),
                false => {
                    (floor + height * (0.75 * (-e / 5.0).exp() + 0.25 * (-e / 22.0).exp())) * (0.018 * jitter).exp()
                }
            })
        };
        let rising = |what: u64, end: f64| {
            points(what, 4, &move |e, jitter| {
                let learnt = if diverged { 0.1 } else { 1.0 - 0.9 * (-e / 9.0).exp() };
                (end * learnt + 0.006 * jitter).clamp(0.0, 1.0)
            })
        };
        let map50 = 0.36 + 0.86 * quality;
        let task = EXPERIMENTS[self.experiment].task;
        let mut metrics = vec![
            ("train/box_loss", loss(2, 0.62, 1.9)),
            ("train/cls_loss", loss(3, 0.41, 2.6)),
            ("val/box_loss", loss(4, 0.71 - 0.3 * (quality - 0.55), 1.7)),
            ("val/cls_loss", loss(5, 0.49 - 0.3 * (quality - 0.55), 2.3)),
            ("val/precision", rising(6, map50 + 0.05)),
            ("val/recall", rising(7, map50 - 0.02)),
            ("lr", points(8, 8, &|e, _| self.usual_lr() * self.lr_factor * (0.505 + 0.495 * (TAU * e / 120.0).cos()))),
            ("system/gpu_mem_mb", points(9, 0, &|_, jitter| self.model.gpu_mem_mb * 5.2 + 60.0 * jitter)),
        ];
        if task == Task::Counting {
            metrics.push(("val/count_mae", loss(10, 0.34, 3.1)));
        } else {
            metrics.extend([("val/mAP50", rising(11, map50)), ("val/mAP50_95", rising(12, quality))]);
        }
        if task == Task::Tracking {
            let ends = [("val/mota", 0.10), ("val/idf1", 0.06), ("val/hota", 0.15)];
            metrics.extend(ends.into_iter().zip(13..).map(|((key, less), what)| (key, rising(what, map50 - less))));
        }
        if matches!(self.outcome, Outcome::MadeVersion | Outcome::Finished) {
            let once = |value: f64| {
                vec![MetricPoint { step: epochs, timestamp: self.end.plus(-1_000), value: round(value, 3) }]
            };
            let latency = self.model.latency * 1.35 + 2.2 + 0.08 * normal(&[salt, 20]);
            metrics.extend([("system/inference_time_ms", once(latency)), ("system/fps", once(1_000.0 / latency))]);
        }
        if self.outcome == Outcome::Spiking {
            let at_step = |step: i64| {
                let calm = 0.6 + 2.4 * (-step as f64 / 700.0).exp() + 0.04 * noise(&[salt, 21, step as u64]);
                let value = if SPIKES.contains(&step) { calm + 24.0 } else { calm };
                MetricPoint { step, timestamp: start.plus(step * 1_000), value: round(value, 5) }
            };
            metrics.push(("train/loss", (0..STEPS).map(at_step).collect()));
        }
        metrics.retain(|(_, points)| !points.is_empty());
        metrics
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    const EPOCH: Millis = Millis(1_795_000_000_000);

    #[test]
    fn runs_are_as_many_as_promised_and_belong_to_the_fleet() {
        let fleet = Fleet::new();
        let runs = training_runs(&fleet, EPOCH);
        assert!((110..=130).contains(&runs.len()), "{}", runs.len());
        assert_eq!(runs.iter().map(|r| &r.id).collect::<HashSet<_>>().len(), runs.len(), "ids");
        assert!(
            runs.iter()
                .all(|r| r.id.len() == 32 && r.start < EPOCH && r.end.is_none_or(|end| end > r.start && end < EPOCH))
        );
        let mut count = BTreeMap::new();
        for run in &runs {
            *count.entry(run.status).or_insert(0) += 1;
        }
        let count = |status| count.get(&status).copied().unwrap_or(0);
        assert_eq!((count(RunStatus::Running), count(RunStatus::Failed), count(RunStatus::Killed)), (1, 4, 1));
        // Every model of the fleet was made by a run, and before it ran anywhere.
        for day in -90..=0 {
            for zone in &fleet.zones {
                for model in [zone.champion(day * DAY), zone.challenger(day * DAY)].into_iter().flatten() {
                    let maker = runs.iter().find(|r| r.made_version && r.model == model).expect("a run");
                    assert_eq!(maker.id, model.run_id());
                    assert!(maker.end.is_some_and(|end| end < EPOCH.plus(day * DAY)), "{}", maker.name);
                }
            }
        }
        for run in &runs {
            let place = |key: &str| run.tags.iter().find(|(k, _)| *k == key).map(|(_, v)| v.as_str());
            let there = fleet.zones.iter().any(|z| {
                place("customer") == Some(z.customer)
                    && place("site").is_none_or(|site| site == z.site)
                    && place("zone").is_none_or(|zone| zone == z.name)
            });
            assert!(there, "{:?}", run.tags);
        }
    }

    #[test]
    fn curves_learn_fail_and_spike() {
        let runs = training_runs(&Fleet::new(), EPOCH);
        let points = |run: &TrainingRun, key: &str| {
            run.metrics.iter().find(|(k, _)| *k == key).map(|(_, p)| p.iter().map(|p| p.value).collect::<Vec<_>>())
        };
        for run in runs.iter().filter(|r| r.status == RunStatus::Finished) {
            let loss = points(run, "val/box_loss").expect("a loss");
            assert!(loss[0] > 2.0 * loss[loss.len() - 1], "{}", run.name);
            assert!(run.metrics.iter().all(|(_, p)| p.iter().all(|p| p.value.is_finite() && p.timestamp < EPOCH)));
        }
        let broken: Vec<_> =
            runs.iter().filter_map(|r| points(r, "train/box_loss")).filter(|p| p.iter().any(|x| x.is_nan())).collect();
        assert_eq!(broken.len(), 2);
        let spiking = runs.iter().find_map(|r| points(r, "train/loss")).expect("a run");
        assert_eq!(spiking.iter().filter(|x| **x > 20.0).count(), SPIKES.len());
        // Of each learning rate of the study five seeds, and the usual one is the best.
        let mut by_lr: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for run in runs
            .iter()
            .filter(|r| r.experiment == STUDY && r.status == RunStatus::Finished && points(r, "train/loss").is_none())
        {
            let lr = run.params.iter().find(|(k, _)| *k == "lr").expect("a rate").1.clone();
            by_lr.entry(lr).or_default().extend(points(run, "val/mAP50").and_then(|p| p.last().copied()));
        }
        let means: BTreeMap<_, _> =
            by_lr.iter().map(|(lr, v)| (lr.as_str(), v.iter().sum::<f64>() / v.len() as f64)).collect();
        assert!(by_lr.values().all(|v| v.len() == 5), "{by_lr:?}");
        assert_eq!(means.iter().max_by(|a, b| a.1.total_cmp(b.1)).map(|m| *m.0), Some("0.01"), "{means:?}");
    }
}
