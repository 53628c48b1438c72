//! The answer to the question which one: numbers, and sentences.

use domain::{
    choice::{Front, Limit, LimitSide, Pick, Standing, front, pick},
    error::Sentence,
    metric::{Direction, Metric},
};

use crate::sentences;

/// A measure by which candidates are chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct PickMeasure {
    /// As limits and answers call it.
    pub key: String,
    pub metric: Metric,
    pub direction: Direction,
}

impl PickMeasure {
    /// Whether the largest value is the best one. Of a measure of which nothing is known the largest counts.
    #[must_use]
    pub fn highest(&self) -> bool {
        self.direction != Direction::LowerIsBetter
    }
}

/// What a candidate has of a measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PickedValue {
    pub value: f64,
    /// Over how many records; 1 for the value of a run.
    pub n: u64,
    /// Over how many sites the interval is; 0 where there is none.
    pub sites: u64,
    /// The mean over sites plus and minus this is its 95 % interval by Student's t.
    pub half_width: Option<f64>,
}

/// One that can be chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct PickCandidate {
    pub name: String,
    /// The id of the run, or the key of the model.
    pub id: String,
    /// By measure.
    pub values: Vec<Option<PickedValue>>,
}

/// Which one, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct PickAnswer {
    /// The first one is what is chosen by, the second one what it costs where that was asked for; then those of limits.
    pub measures: Vec<PickMeasure>,
    pub limits: Vec<Limit>,
    pub candidates: Vec<PickCandidate>,
    pub pick: Pick,
    /// By the first and the second measure; all unknown where there is no second one.
    pub fronts: Vec<Front>,
    /// The answer in words: which one, and what binds or would have to give.
    pub sentences: Vec<Sentence>,
}

impl PickAnswer {
    pub(super) fn of(measures: Vec<PickMeasure>, limits: Vec<Limit>, candidates: Vec<PickCandidate>) -> Self {
        let values: Vec<Vec<Option<f64>>> =
            candidates.iter().map(|c| c.values.iter().map(|v| v.map(|v| v.value)).collect()).collect();
        let highest = measures.first().is_none_or(PickMeasure::highest);
        let pick = pick(&values, &limits, 0, highest);
        let better = |measure: usize, value: f64| {
            if measures.get(measure).is_none_or(PickMeasure::highest) { value } else { -value }
        };
        let point = |values: &Vec<Option<f64>>| {
            let [x, y] = [1, 0].map(|m| values.get(m).copied().flatten().map(|v| better(m, v)));
            x.zip(y)
        };
        let fronts = front(&values.iter().map(point).collect::<Vec<_>>());
        let mut answer = Self { measures, limits, candidates, pick, fronts, sentences: vec![] };
        answer.sentences = answer.told();
        answer
    }

    /// What a candidate has of a measure.
    #[must_use]
    pub fn value(&self, candidate: usize, measure: usize) -> Option<f64> {
        self.candidates.get(candidate)?.values.get(measure).copied().flatten().map(|v| v.value)
    }

    /// The candidates as they are listed: those that keep to all limits, then those that break one, then those of which that is not known;
    /// within each the best first, and what has no value last.
    #[must_use]
    pub fn ranked(&self) -> Vec<usize> {
        let class = |at: usize| match self.pick.standings[at] {
            Standing::Meets => 0,
            Standing::Breaks(_) => 1,
            Standing::Unknown(_) => 2,
        };
        let highest = self.measures.first().is_none_or(PickMeasure::highest);
        let rank = |at: usize| self.value(at, 0).map_or(f64::INFINITY, |v| if highest { -v } else { v });
        let mut order: Vec<usize> = (0..self.candidates.len()).collect();
        order.sort_by(|x, y| class(*x).cmp(&class(*y)).then(rank(*x).total_cmp(&rank(*y))));
        order
    }

    fn told(&self) -> Vec<Sentence> {
        let name = |candidate: usize| self.candidates.get(candidate).map_or("", |c| &*c.name);
        let value = |candidate: usize, measure: usize| {
            self.value(candidate, measure).map_or_else(|| "–".to_owned(), |v| self.number(measure, v))
        };
        let key = |measure: usize| self.measures.get(measure).map_or("", |m| &*m.key);
        let meets = self.pick.standings.iter().filter(|s| **s == Standing::Meets).count();
        let mut told = vec![];
        match self.pick.best {
            Some(best) => {
                told.push(match self.limits.is_empty() {
                    true => sentences::pick_best_of_all(name(best), meets, key(0), value(best, 0)),
                    false => sentences::pick_best(name(best), meets, self.candidates.len(), key(0), value(best, 0)),
                });
                for binding in &self.pick.binding {
                    let limit = &self.limits[binding.limit];
                    let (instead, its) = (name(binding.instead), value(binding.instead, limit.measure));
                    told.push(sentences::pick_binds(self.limit_text(limit), instead, value(binding.instead, 0), its));
                }
                if self.pick.binding.is_empty() && !self.limits.is_empty() {
                    told.push(sentences::pick_nothing_binds());
                }
            }
            None if self.pick.nearest.is_empty() => told.push(match self.candidates.is_empty() {
                true => sentences::pick_no_candidate(),
                false => sentences::pick_no_values(key(0)),
            }),
            None => {
                told.push(sentences::pick_none(self.candidates.len()));
                for near in &self.pick.nearest {
                    let gives = near.gives.iter().map(|(limit, needed)| {
                        let limit = &self.limits[*limit];
                        let given = Limit { bound: *needed, ..*limit };
                        format!("{} → {}", self.limit_text(limit), self.limit_text(&given))
                    });
                    let gives = gives.collect::<Vec<_>>().join(", ");
                    told.push(sentences::pick_gives(gives, name(near.candidate), value(near.candidate, 0)));
                }
            }
        }
        let unknown = self.pick.standings.iter().filter(|s| matches!(s, Standing::Unknown(_))).count();
        if unknown > 0 && unknown < self.candidates.len() {
            told.push(sentences::pick_unknown(unknown));
        }
        told
    }

    /// A limit as people write it.
    #[must_use]
    pub fn limit_text(&self, limit: &Limit) -> String {
        let key = self.measures.get(limit.measure).map_or("", |m| &*m.key);
        let sign = match limit.side {
            LimitSide::AtMost => "≤",
            LimitSide::AtLeast => "≥",
        };
        format!("{key} {sign} {}", self.number(limit.measure, limit.bound))
    }

    /// A value of a measure with its unit, in as many digits as tell something.
    #[must_use]
    pub fn number(&self, measure: usize, value: f64) -> String {
        let unit = self.measures.get(measure).map_or("", |m| &*m.metric.unit);
        let number = told_bound(value);
        if unit.is_empty() { number } else { format!("{number} {unit}") }
    }
}

/// A number in at most five digits that count.
#[must_use]
pub fn told_bound(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..12.0).contains(&magnitude) {
        return format!("{value:.3e}");
    }
    let digits = (4.0 - magnitude).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}
