//! Fleets with known truth.

use domain::{
    aggregate::WeightedMean,
    evidence::{Basis, Cells, DaySums, Design, GuardRails, Question, RegisteredBy, Registration, Series, Side},
    metric::{CATALOGUE, Metric},
    model::ModelKey,
    scope::{Place, Scope},
    text::Name,
    time::{DAY, Day, Millis},
};

/// SplitMix64, and normal numbers by Box and Muller.
pub struct Random(u64);

impl Random {
    pub fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995)
    }

    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub fn name(of: &str, number: u32) -> Name {
    Name::parse(&format!("{of}{number:03}")).expect("a name")
}

pub fn metric() -> Metric {
    CATALOGUE[0].clone()
}

/// What is simulated: a challenger that differs by `effect` at a typical site.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub sites: u32,
    pub customers: u32,
    /// The first customers have more sites than the last.
    pub skewed: bool,
    pub design: Design,
    /// The length of the registered period; a site takes part in 3 days and more of it, unless all do in all.
    pub days: u32,
    pub whole_days: bool,
    pub effect: f64,
    /// Between sites, and of a site's difference on one day.
    pub site_sd: f64,
    pub day_sd: f64,
    /// Of a side's neighbouring days at a site.
    pub correlation: f64,
    /// The logarithm's standard deviation of a site's samples.
    pub unequal: f64,
    /// What all sites did since the start, besides.
    pub shock: f64,
    pub customer_shock: f64,
    /// Records missing at random (2 %), days of outage of both sides (3 %) and of one (1 % each).
    pub missing: bool,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            sites: 12,
            customers: 1,
            skewed: false,
            design: Design::Concurrent,
            days: 14,
            whole_days: false,
            effect: 0.01,
            site_sd: 0.02,
            day_sd: 0.03,
            correlation: 0.0,
            unequal: 0.0,
            shock: 0.0,
            customer_shock: 0.0,
            missing: false,
        }
    }
}

/// The first day of the challenger.
const START: i32 = 20_000;

impl Fleet {
    /// No effect, all sites on all days, and records missing.
    pub fn nothing() -> Self {
        Self { effect: 0.0, whole_days: true, missing: true, ..Self::default() }
    }

    pub fn question(&self, day: u32) -> Question {
        let start = Day(START).start();
        let at = |days: u32| start.plus(i64::from(days) * DAY);
        let model = |key: &str| ModelKey::parse(key).expect("a model");
        Question {
            registration: Registration {
                champion: model("old:1"),
                challenger: model("new:2"),
                scope: Scope::default(),
                primary: "mAP50".into(),
                start,
                horizon: at(self.days),
                margin: None,
                minimum_effect: None,
                share: None,
                registered_at: Millis(start.0 - 1),
                registered_by: RegisteredBy::FirstLook,
                design: Some(self.design),
                claims: vec![],
                rails: GuardRails::default(),
            },
            metrics: vec![metric()],
            basis: Basis::Records,
            changes: vec![],
            as_of: at(day),
            looks: day,
        }
    }

    pub fn cells(&self, random: &mut Random) -> Cells {
        let shocks: Vec<f64> = (0..self.customers).map(|_| self.customer_shock * random.normal()).collect();
        let untreated = if self.design == Design::DifferenceInDifferences { self.sites } else { 0 };
        let rows: Vec<Series> = (0..self.sites + untreated)
            .flat_map(|s| {
                let at = f64::from(s % self.sites) / f64::from(self.sites);
                let at = if self.skewed { at.powf(1.8) } else { at };
                let customer = (at * f64::from(self.customers)) as u32;
                let shock = shocks[customer as usize];
                let place = Place { customer: name("c", customer), site: Some(name("s", s)), zone: None };
                self.site(random, &place, shock, s >= self.sites)
            })
            .collect();
        Cells::new(1, rows)
    }

    fn site(&self, random: &mut Random, place: &Place, shock: f64, untreated: bool) -> [Series; 2] {
        let base = 0.7 + 0.05 * random.normal();
        let effect = self.effect + self.site_sd * random.normal() + shock;
        let first = if self.whole_days { 0 } else { (random.unit() * f64::from(self.days - 2)) as u32 };
        let traffic = 96.0 * (self.unequal * random.normal()).exp();
        // Half the variance of a difference lies on either side.
        let sd = self.day_sd / 2f64.sqrt();
        let mut days = [vec![], vec![]];
        let mut noise = [sd * random.normal(), sd * random.normal()];
        let from = if self.design == Design::Concurrent { 0 } else { -(self.days as i32) };
        for day in from..self.days as i32 {
            let both = 0.02 * random.normal();
            let out = if self.missing { random.unit() } else { 1.0 };
            for (side, days) in days.iter_mut().enumerate() {
                let began = day >= if self.design == Design::Concurrent || side == 1 { first as i32 } else { from };
                let there = match (self.design, side) {
                    (Design::Concurrent, _) => began,
                    (_, 0) => untreated || day < 0,
                    (_, _) => !untreated && began && day >= 0,
                };
                noise[side] = self.correlation * noise[side]
                    + (1.0 - self.correlation * self.correlation).sqrt() * sd * random.normal();
                let lost = if self.missing { 0.02 * random.unit() * 2.0 } else { 0.0 };
                let silent = out < 0.03 || (0.03 + 0.01 * side as f64..0.04 + 0.01 * side as f64).contains(&out);
                if !there || silent {
                    continue;
                }
                let records = (traffic * (1.0 - lost)).round().max(1.0);
                let weight = records * (self.unequal * 0.3 * random.normal()).exp();
                let later = if day >= 0 { self.shock } else { 0.0 };
                let x = base + both + noise[side] + later + if side == 1 { effect } else { 0.0 };
                // What an untreated site does by itself scatters as a treated one's difference does.
                let x = if untreated && day >= 0 { x + effect - self.effect } else { x };
                let value = WeightedMean { n: records as u64, w: weight, wx: weight * x };
                let sums = DaySums { day: Day(START + day), records: records as u64, hours: 0, values: vec![value] };
                days.push(sums);
            }
        }
        let [champion, challenger] = days;
        let of = |side, days| Series { side, place: place.clone(), task: None, device: None, days };
        [of(Side::Champion, champion), of(Side::Challenger, challenger)]
    }
}
