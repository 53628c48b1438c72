//! Fleets with known truth.

use domain::{
    aggregate::WeightedMean,
    evidence::{Basis, Cells, DaySums, Design, GuardRails, Question, Rail, RegisteredBy, Registration, Series, Side},
    metric::{CATALOGUE, Metric, built_in},
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

    /// Hours of a day, a bit each, of which each is one with this probability.
    pub fn hours(&mut self, probability: f64) -> u32 {
        (0..24).fold(0, |all, hour| all | u32::from(self.unit() < probability) << hour)
    }

    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

pub fn name(of: &str, number: u32) -> Name {
    Name::parse(&format!("{of}{number:03}")).expect("a name")
}

pub fn metric_of(key: &str) -> Metric {
    CATALOGUE[built_in(key).expect("a built-in metric")].clone()
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
    /// What all sites did since a day, besides; and on each day for itself (standard deviation).
    pub shock: f64,
    pub shock_day: i32,
    pub daily_shock: f64,
    pub customer_shock: f64,
    /// Sites without the challenger, in difference in differences; as many as with it where nothing is said.
    pub untreated: Option<u32>,
    /// The champion stays at a site until the challenger comes there, and untreated sites move on days of their own.
    pub staggered: bool,
    /// The sites of a customer begin on the same day.
    pub together: bool,
    /// Metrics beside the primary, each with a guard-rail of this margin and this true difference.
    pub rails: Vec<(&'static str, f64, f64)>,
    /// The other metrics are claimed superior as well.
    pub claimed: bool,
    /// Hours with records are known: 3 % are missing of both sides, 2 % of each.
    pub hours: bool,
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
            shock_day: 0,
            daily_shock: 0.0,
            customer_shock: 0.0,
            untreated: None,
            staggered: false,
            together: false,
            rails: vec![],
            claimed: false,
            hours: false,
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
                claims: if self.claimed { self.rails.iter().map(|r| r.0.to_owned()).collect() } else { vec![] },
                rails: self
                    .rails
                    .iter()
                    .fold(GuardRails::default(), |all, (key, margin, _)| all.with(None, key, Rail::Margin(*margin))),
            },
            metrics: std::iter::once("mAP50").chain(self.rails.iter().map(|r| r.0)).map(metric_of).collect(),
            basis: Basis::Records,
            changes: vec![],
            as_of: at(day),
            looks: day,
        }
    }

    pub fn cells(&self, random: &mut Random) -> Cells {
        Cells::new(1 + self.rails.len(), self.rows(random))
    }

    pub fn rows(&self, random: &mut Random) -> Vec<Series> {
        let shocks: Vec<f64> = (0..self.customers).map(|_| self.customer_shock * random.normal()).collect();
        let daily: Vec<f64> = (0..3 * self.days)
            .map(|_| if self.daily_shock > 0.0 { self.daily_shock * random.normal() } else { 0.0 })
            .collect();
        let with_untreated = self.design == Design::DifferenceInDifferences;
        let untreated = if with_untreated { self.untreated.unwrap_or(self.sites) } else { 0 };
        (0..self.sites + untreated)
            .flat_map(|s| {
                let at = f64::from(s % self.sites) / f64::from(self.sites);
                let at = if self.skewed { at.powf(1.8) } else { at };
                let customer = (at * f64::from(self.customers)) as u32;
                let shock = shocks[customer as usize];
                let place = Place { customer: name("c", customer), site: Some(name("s", s)), zone: None };
                self.site(random, &place, shock, s >= self.sites, &daily)
            })
            .collect()
    }

    /// The same records in other rows, in another order.
    pub fn recut(random: &mut Random, rows: &[Series]) -> Vec<Series> {
        let mut pieces = vec![];
        for (series, day) in rows.iter().flat_map(|s| s.days.iter().map(move |d| (s, d))) {
            let share = random.unit();
            let first = |v: &WeightedMean| WeightedMean { n: v.n / 2, w: v.w * share, wx: v.wx * share };
            let rest = |v: &WeightedMean| {
                let first = first(v);
                WeightedMean { n: v.n - first.n, w: v.w - first.w, wx: v.wx - first.wx }
            };
            let of = |records: u64, values: Vec<WeightedMean>| Series {
                days: vec![DaySums { records, values, ..day.clone() }],
                ..series.clone()
            };
            let piece = |side: bool| {
                let values = day.values.iter();
                if side {
                    of(day.records / 2, values.map(first).collect())
                } else {
                    of(day.records - day.records / 2, values.map(rest).collect())
                }
            };
            pieces.extend([(random.unit(), piece(true)), (random.unit(), piece(false))]);
        }
        pieces.sort_by(|a, b| a.0.total_cmp(&b.0));
        pieces.into_iter().map(|p| p.1).collect()
    }

    fn site(&self, random: &mut Random, place: &Place, shock: f64, untreated: bool, daily: &[f64]) -> [Series; 2] {
        let metrics = 1 + self.rails.len();
        let mut draw = |sd: f64| -> Vec<f64> { (0..metrics).map(|_| sd * random.normal()).collect() };
        let base: Vec<f64> = draw(0.05).iter().map(|x| 0.7 + x).collect();
        let site = draw(self.site_sd);
        let of_metric = |m: usize| if m == 0 { self.effect + shock } else { self.rails[m - 1].2 };
        // Half the variance of a difference lies on either side.
        let sd = self.day_sd / 2f64.sqrt();
        let mut noise = [draw(sd), draw(sd)];
        let first = if self.whole_days { 0 } else { (random.unit() * f64::from(self.days - 2)) as i32 };
        let first =
            if self.together { 2 * place.customer.as_str()[1..].parse::<i32>().expect("a number") } else { first };
        let traffic = 96.0 * (self.unequal * random.normal()).exp();
        let mut days = [vec![], vec![]];
        let from = if self.design == Design::Concurrent { 0 } else { -(self.days as i32) };
        for day in from..self.days as i32 {
            let both = 0.02 * random.normal() + daily[(day + self.days as i32) as usize];
            let out = if self.missing { random.unit() } else { 1.0 };
            let dark = if self.hours { random.hours(0.03) } else { 0 };
            for (side, days) in days.iter_mut().enumerate() {
                let leaves = if self.staggered { first } else { 0 };
                let there = match (self.design, side) {
                    (Design::Concurrent, _) => day >= first,
                    (_, 0) => untreated || day < leaves,
                    (_, _) => !untreated && day >= first,
                };
                let kept = (1.0 - self.correlation * self.correlation).sqrt();
                noise[side].iter_mut().for_each(|x| *x = self.correlation * *x + kept * sd * random.normal());
                let lost = if self.missing { 0.02 * random.unit() * 2.0 } else { 0.0 };
                let hours = if self.hours { !(dark | random.hours(0.02)) & 0xFF_FFFF } else { 0 };
                let silent = out < 0.03 || (0.03 + 0.01 * side as f64..0.04 + 0.01 * side as f64).contains(&out);
                if !there || silent {
                    continue;
                }
                let records = (traffic * (1.0 - lost)).round().max(1.0);
                let weight = records * (self.unequal * 0.3 * random.normal()).exp();
                let value = |m: usize| {
                    let later = if day >= self.shock_day { self.shock } else { 0.0 };
                    let effect = if side == 1 { of_metric(m) + site[m] } else { 0.0 };
                    // What an untreated site does by itself scatters as a treated one's difference does.
                    let moves = untreated && day >= leaves;
                    let own = if moves { site[m] + if m == 0 { shock } else { 0.0 } } else { 0.0 };
                    let x = base[m] + both + noise[side][m] + later + effect + own;
                    WeightedMean { n: records as u64, w: weight, wx: weight * x }
                };
                let values = (0..metrics).map(value).collect();
                days.push(DaySums { day: Day(START + day), records: records as u64, hours, values });
            }
        }
        let [champion, challenger] = days;
        let of = |side, days| Series { side, place: place.clone(), task: None, device: None, days };
        [of(Side::Champion, champion), of(Side::Challenger, challenger)]
    }
}
