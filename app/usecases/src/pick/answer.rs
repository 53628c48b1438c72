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
    pub(super) fn of(mut measures: Vec<PickMeasure>, limits: Vec<Limit>, candidates: Vec<PickCandidate>) -> Self {
        // Where nothing says which way is better, a limit does: nobody forbids what is good.
        for (at, measure) in measures.iter_mut().enumerate().filter(|(_, m)| m.direction == Direction::Neither) {
            let mut sides = limits.iter().filter(|l| l.measure == at).map(|l| l.side);
            if let Some(side) = sides.next().filter(|side| sides.all(|s| s == *side)) {
                measure.direction = match side {
                    LimitSide::AtMost => Direction::LowerIsBetter,
                    LimitSide::AtLeast => Direction::HigherIsBetter,
                };
            }
        }
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
                told.extend(self.not_apart(best));
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
                false => {
                    let asked = std::iter::once(0).chain(self.limits.iter().map(|l| l.measure));
                    let lacks = |m: &usize| (0..self.candidates.len()).all(|c| self.value(c, *m).is_none());
                    match asked.clone().find(lacks) {
                        Some(measure) => sentences::pick_none_has(key(measure)),
                        None => sentences::pick_no_values(key(0)),
                    }
                }
            }),
            None => {
                told.push(sentences::pick_none(self.candidates.len()));
                for near in &self.pick.nearest {
                    let given = |(limit, needed): &(usize, f64)| {
                        let limit = &self.limits[*limit];
                        let wider = self.told_limit(limit, told_bound_of(*needed, limit.side));
                        sentences::pick_given(wider, self.number(limit.measure, limit.bound))
                    };
                    let gives: Vec<Sentence> = near.gives.iter().map(given).collect();
                    let of = |text: fn(&Sentence) -> &str| {
                        let gives = gives.iter().map(text).collect::<Vec<_>>().join(", ");
                        sentences::pick_gives(gives, name(near.candidate), value(near.candidate, 0))
                    };
                    let (en, ko) = (of(|s| &s.en).en, of(|s| s.ko.as_deref().unwrap_or(&s.en)).ko);
                    told.push(Sentence { en, ko });
                }
            }
        }
        let judged = self.measures.iter().take(if self.fronts.iter().any(|f| *f != Front::Unknown) { 2 } else { 1 });
        for measure in judged.filter(|m| m.direction == Direction::Neither) {
            told.push(sentences::pick_either_way(&*measure.key));
        }
        let unknown = self.pick.standings.iter().filter(|s| matches!(s, Standing::Unknown(_))).count();
        if unknown > 0 && unknown < self.candidates.len() {
            told.push(sentences::pick_unknown(unknown));
        }
        told
    }

    /// Of which other one that keeps to the limits the best cannot be told apart: their intervals overlap.
    fn not_apart(&self, best: usize) -> Option<Sentence> {
        let ends = |candidate: usize| {
            let v = self.candidates.get(candidate)?.values.first().copied().flatten()?;
            v.half_width.map(|w| (v.value - w, v.value + w))
        };
        let (low, high) = ends(best)?;
        let meets = |at: &usize| *at != best && self.pick.standings[*at] == Standing::Meets;
        let next = self.ranked().into_iter().find(meets)?;
        let overlap = ends(next).is_some_and(|(l, h)| l <= high && low <= h);
        overlap.then(|| {
            sentences::pick_not_apart(
                &*self.candidates[next].name,
                self.number(0, self.value(next, 0).unwrap_or(f64::NAN)),
            )
        })
    }

    /// A limit as people write it.
    #[must_use]
    pub fn limit_text(&self, limit: &Limit) -> String {
        self.told_limit(limit, told_bound(limit.bound))
    }

    fn told_limit(&self, limit: &Limit, bound: String) -> String {
        let key = self.measures.get(limit.measure).map_or("", |m| &*m.key);
        let sign = match limit.side {
            LimitSide::AtMost => "≤",
            LimitSide::AtLeast => "≥",
        };
        format!("{key} {sign} {}", self.with_unit(limit.measure, bound))
    }

    fn with_unit(&self, measure: usize, number: String) -> String {
        let unit = self.measures.get(measure).map_or("", |m| &*m.metric.unit);
        if unit.is_empty() { number } else { format!("{number} {unit}") }
    }

    /// A value of a measure with its unit, in as many digits as tell something.
    #[must_use]
    pub fn number(&self, measure: usize, value: f64) -> String {
        self.with_unit(measure, told_bound(value))
    }

    /// Half the width of a value's interval, to as many digits behind the point as the value has.
    #[must_use]
    pub fn half_width(v: &PickedValue) -> Option<String> {
        let width = v.half_width?;
        Some(decimals(v.value).map_or_else(|| told_bound(width), |digits| format!("{width:.digits$}")))
    }
}

/// So many digits of a number count.
const DIGITS: f64 = 5.0;

/// The digits behind the point of a number that is told, where it is told in full.
fn decimals(value: f64) -> Option<usize> {
    let magnitude = if value == 0.0 { 0.0 } else { value.abs().log10().floor() };
    (-DIGITS..12.0).contains(&magnitude).then(|| (DIGITS - 1.0 - magnitude).clamp(0.0, 9.0) as usize)
}

/// A number in at most five digits that count.
#[must_use]
pub fn told_bound(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let Some(digits) = decimals(value) else { return format!("{value:.3e}") };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

/// A bound that this value keeps to, in as few digits as [`told_bound`] has: rounded away from the value where it must be.
pub(super) fn told_bound_of(value: f64, side: LimitSide) -> String {
    let keeps = |text: &str| {
        text.parse::<f64>().is_ok_and(|bound| match side {
            LimitSide::AtMost => value <= bound,
            LimitSide::AtLeast => value >= bound,
        })
    };
    let rounded = told_bound(value);
    if keeps(&rounded) {
        return rounded;
    }
    let step = 10f64.powi(-(decimals(value).unwrap_or_default() as i32));
    let moved = told_bound(if side == LimitSide::AtMost { value + step } else { value - step });
    if decimals(value).is_some() && keeps(&moved) { moved } else { value.to_string() }
}
