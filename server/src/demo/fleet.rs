//! Who is in the simulated fleet: customers, sites, zones, and which model each zone runs when.
//!
//! Accuracy and latency of the architectures are those published in one table, on one device: Wang et al., "YOLOv10:
//! Real-Time End-to-End Object Detection", NeurIPS 2024, arXiv:2405.14458, table 1 (COCO val2017 AP; end-to-end latency on
//! an NVIDIA T4 with TensorRT FP16). Field numbers are derived from them by a place's difficulty and by the scenarios.

use domain::time::DAY;
use xxhash_rust::xxh3::xxh3_128;

/// What happens in the fleet; times count from the moment the demo began.
pub const SCENARIOS: [&str; 6] = [
    "Customer A replaced yolov8m:1.0.0 by yolov10m:1.1.0 forty days ago: better everywhere",
    "Customer B replaced yolov8l:2.0.0 by yolov10l:1.0.0 four days ago: worse at night at the dark site Busan-2",
    "Customer C: Daegu-3 fell silent nine hours ago",
    "Customer D: latency at Incheon-1 creeps up by half a percent a day",
    "Customer D opened Jeju-1 twelve days ago, a hard site: the average falls although no place got worse",
    "Challengers in shadow for fourteen days: yolov10m:1.2.0 (better) and rtdetr-r50:1.1.0 (not decisive), on twelve sites each",
];

/// A model with its published base.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Model {
    pub architecture: &'static str,
    pub version: &'static str,
    /// AP on COCO val2017, 0..1.
    pub ap: f64,
    /// Milliseconds a frame.
    pub latency: f64,
    pub gpu_mem_mb: f64,
}

const fn model(architecture: &'static str, version: &'static str, ap: f64, latency: f64, gpu_mem_mb: f64) -> Model {
    Model { architecture, version, ap, latency, gpu_mem_mb }
}

impl Model {
    /// The id of the run that made it, as MLflow writes ids.
    #[must_use]
    pub fn run_id(&self) -> String {
        format!("{:032x}", xxh3_128(format!("{}:{}", self.architecture, self.version).as_bytes()))
    }
}

pub const YOLOV8M: Model = model("yolov8m", "1.0.0", 0.506, 9.50, 1_480.0);
pub const YOLOV8L: Model = model("yolov8l", "2.0.0", 0.529, 12.39, 2_050.0);
pub const YOLOV10M: Model = model("yolov10m", "1.1.0", 0.511, 4.74, 1_120.0);
/// The challenger: the same architecture, trained on more of the field.
pub const YOLOV10M_NEXT: Model = model("yolov10m", "1.2.0", 0.529, 4.74, 1_120.0);
pub const YOLOV10L: Model = model("yolov10l", "1.0.0", 0.532, 7.28, 1_560.0);
pub const RTDETR_R18: Model = model("rtdetr-r18", "1.0.0", 0.465, 4.58, 1_240.0);
pub const RTDETR_R50: Model = model("rtdetr-r50", "1.0.0", 0.531, 9.20, 2_310.0);
/// The other challenger: not decisively different.
pub const RTDETR_R50_NEXT: Model = model("rtdetr-r50", "1.1.0", 0.532, 9.15, 2_310.0);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    Detection,
    Tracking,
    Counting,
}

impl Task {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Detection => "detection",
            Self::Tracking => "tracking",
            Self::Counting => "counting",
        }
    }
}

/// One zone of the fleet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Zone {
    pub number: u64,
    pub customer: &'static str,
    pub site: &'static str,
    pub name: &'static str,
    pub task: Task,
    pub device: &'static str,
    /// Factor on the published latency.
    pub device_factor: f64,
    /// Subtracted from the accuracy: how hard the place is.
    pub hardness: f64,
}

#[derive(Debug, Clone)]
pub struct Fleet {
    pub zones: Vec<Zone>,
}

const A: &str = "Customer A";
const B: &str = "Customer B";
const C: &str = "Customer C";
const D: &str = "Customer D";
pub const LOW_LIGHT_SITE: &str = "Busan-2";
pub const SILENT_SITE: &str = "Daegu-3";
pub const DRIFTING_SITE: &str = "Incheon-1";
pub const NEW_SITE: &str = "Jeju-1";
/// When the new site opened, before the demo began.
const NEW_SITE_OPENED: i64 = -12 * DAY;

const SITES: [(&str, &[&str]); 4] = [
    (A, &["Seoul-1", "Seoul-2", "Seoul-3", "Suwon-1", "Suwon-2", "Goyang-1"]),
    (B, &["Busan-1", LOW_LIGHT_SITE, "Busan-3", "Ulsan-1", "Ulsan-2", "Gimhae-1"]),
    (C, &["Daegu-1", "Daegu-2", SILENT_SITE, "Gumi-1", "Pohang-1", "Andong-1"]),
    (D, &[DRIFTING_SITE, "Incheon-2", "Gwangju-1", "Gwangju-2", "Jeonju-1", "Yeosu-1", NEW_SITE]),
];
const ZONES: [(&str, Task); 5] = [
    ("Gate-1", Task::Detection),
    ("Dock-2", Task::Detection),
    ("Yard-3", Task::Tracking),
    ("Lane-4", Task::Tracking),
    ("Hall-5", Task::Counting),
];

impl Default for Fleet {
    fn default() -> Self {
        Self::new()
    }
}

impl Fleet {
    #[must_use]
    pub fn new() -> Self {
        let mut zones = Vec::new();
        for (customer, sites) in SITES {
            for (s, site) in sites.iter().enumerate() {
                for (z, (name, task)) in ZONES.iter().enumerate() {
                    let number = zones.len() as u64;
                    let (device, device_factor) =
                        if customer == C { ("NVIDIA Jetson AGX Orin", 2.2) } else { ("NVIDIA T4", 1.0) };
                    let hard = if *site == NEW_SITE { 0.15 } else { 0.0 };
                    let hardness = hard + 0.012 * ((s * 3 + z * 5) % 7) as f64 - 0.03;
                    zones.push(Zone { number, customer, site, name, task: *task, device, device_factor, hardness });
                }
            }
        }
        Self { zones }
    }
}

impl Zone {
    /// The model that serves the zone at `t`, in ms since the demo began (mostly negative); `None` when the zone is silent.
    pub fn champion(&self, t: i64) -> Option<Model> {
        if (self.site == SILENT_SITE && t >= -9 * DAY / 24) || (self.site == NEW_SITE && t < NEW_SITE_OPENED) {
            return None;
        }
        let own = match (self.customer, self.task) {
            (_, Task::Counting) => RTDETR_R18,
            (B, Task::Tracking) | (D, _) => RTDETR_R50,
            (A, _) if t < -40 * DAY => YOLOV8M,
            (A | C, _) => YOLOV10M,
            _ if t < -4 * DAY => YOLOV8L,
            _ => YOLOV10L,
        };
        Some(own)
    }

    /// The challenger that runs beside it in shadow.
    pub fn challenger(&self, t: i64) -> Option<Model> {
        if t < -14 * DAY || self.site == NEW_SITE {
            return None;
        }
        let champion = self.champion(t)?;
        if champion == YOLOV10M {
            Some(YOLOV10M_NEXT)
        } else if champion == RTDETR_R50 {
            Some(RTDETR_R50_NEXT)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_fleet_is_as_large_as_promised() {
        let fleet = Fleet::new();
        let count = |f: fn(&Zone) -> &'static str| fleet.zones.iter().map(f).collect::<BTreeSet<_>>().len();
        assert_eq!(count(|z| z.customer), 4);
        assert!(count(|z| z.site) >= 24);
        assert!(fleet.zones.len() >= 120);
        assert_eq!(count(|z| z.task.as_str()), 3);
        let architectures: BTreeSet<_> = fleet
            .zones
            .iter()
            .flat_map(|z| [-89, -1].map(|d| z.champion(d * DAY)))
            .flatten()
            .map(|m| m.architecture)
            .collect();
        assert_eq!(architectures.len(), 6);
    }

    #[test]
    fn each_challenger_shares_twelve_sites_with_its_champion() {
        let fleet = Fleet::new();
        for challenger in [YOLOV10M_NEXT, RTDETR_R50_NEXT] {
            let sites: BTreeSet<_> =
                fleet.zones.iter().filter(|z| z.challenger(-13 * DAY) == Some(challenger)).map(|z| z.site).collect();
            assert!(sites.len() >= 12, "{}: {sites:?}", challenger.version);
        }
    }
}
