//! The best candidate under limits.

/// Which side of a limit is allowed. The limit itself is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitSide {
    AtMost,
    AtLeast,
}

/// A limit on one measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// The number of the measure among a candidate's values.
    pub measure: usize,
    pub side: LimitSide,
    pub bound: f64,
}

impl Limit {
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        match self.side {
            LimitSide::AtMost => value <= self.bound,
            LimitSide::AtLeast => value >= self.bound,
        }
    }

    /// By how much the limit would have to give for a value; 0 where it holds.
    fn give(&self, value: f64) -> f64 {
        match self.side {
            LimitSide::AtMost => (value - self.bound).max(0.0),
            LimitSide::AtLeast => (self.bound - value).max(0.0),
        }
    }
}

/// How a candidate stands to the limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    Meets,
    /// The numbers of the limits that it breaks.
    Breaks(Vec<usize>),
    /// The numbers of the measures that it would need and lacks; it may break limits besides.
    Unknown(Vec<usize>),
}

/// A limit without which another candidate would be the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The number of the limit.
    pub limit: usize,
    /// The candidate that would be best without it.
    pub instead: usize,
}

/// What would have to give where no candidate meets the limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Nearest {
    pub candidate: usize,
    /// The numbers of the limits that would have to give, with what each would have to be at least.
    pub gives: Vec<(usize, f64)>,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Pick {
    /// `None` where no candidate meets the limits and has the measure that is asked for.
    pub best: Option<usize>,
    /// Of each candidate.
    pub standings: Vec<Standing>,
    /// In the order of the limits.
    pub binding: Vec<Binding>,
    /// Where there is no best one: each limit that is enough by itself with what it would have to be, else the one candidate with the fewest
    /// limits to give.
    pub nearest: Vec<Nearest>,
}

/// Picks the candidate with the best value of a measure among those that meet all limits. Of equal ones the first counts. Values are by
/// candidate and measure; what is NaN or infinite is as missing.
#[must_use]
pub fn pick(candidates: &[Vec<Option<f64>>], limits: &[Limit], objective: usize, highest: bool) -> Pick {
    let value = |candidate: usize, measure: usize| -> Option<f64> {
        let value = candidates.get(candidate)?.get(measure).copied().flatten();
        value.filter(|v| v.is_finite())
    };
    let standing = |candidate: usize| {
        let mut needs: Vec<usize> = limits.iter().map(|l| l.measure).chain([objective]).collect();
        needs.retain(|m| value(candidate, *m).is_none());
        needs.sort_unstable();
        needs.dedup();
        if !needs.is_empty() {
            return Standing::Unknown(needs);
        }
        let broken: Vec<usize> = broken(limits, |m| value(candidate, m));
        if broken.is_empty() { Standing::Meets } else { Standing::Breaks(broken) }
    };
    let standings: Vec<Standing> = (0..candidates.len()).map(standing).collect();
    let better = |a: f64, b: f64| if highest { a > b } else { a < b };
    let best_of = |fits: &dyn Fn(&Standing) -> bool| -> Option<(usize, f64)> {
        let fitting = standings.iter().enumerate().filter(|(_, s)| fits(s));
        let valued = fitting.filter_map(|(candidate, _)| Some((candidate, value(candidate, objective)?)));
        valued.reduce(|best, one| if better(one.1, best.1) { one } else { best })
    };
    let best = best_of(&|s| *s == Standing::Meets);
    let without = |limit: usize| {
        best_of(&|s| match s {
            Standing::Meets => true,
            Standing::Breaks(broken) => broken.as_slice() == [limit],
            Standing::Unknown(_) => false,
        })
    };
    let binding = |limit: usize| {
        let (instead, x) = without(limit)?;
        best.is_some_and(|(_, b)| better(x, b)).then_some(Binding { limit, instead })
    };
    let binding = (0..limits.len()).filter_map(binding).collect();
    let nearest = if best.is_some() { vec![] } else { nearest(limits, &standings, &value) };
    Pick { best: best.map(|b| b.0), standings, binding, nearest }
}

fn broken(limits: &[Limit], value: impl Fn(usize) -> Option<f64>) -> Vec<usize> {
    let breaks = |limit: &Limit| value(limit.measure).is_some_and(|v| !limit.holds(v));
    limits.iter().enumerate().filter(|(_, limit)| breaks(limit)).map(|(i, _)| i).collect()
}

fn nearest(limits: &[Limit], standings: &[Standing], value: &dyn Fn(usize, usize) -> Option<f64>) -> Vec<Nearest> {
    let broken = |candidate: usize| match standings.get(candidate) {
        Some(Standing::Breaks(broken)) => broken.as_slice(),
        _ => &[],
    };
    let candidates = || (0..standings.len()).filter(|c| !broken(*c).is_empty());
    let give = |candidate: usize, limit: usize| {
        value(candidate, limits[limit].measure).map_or(f64::INFINITY, |v| limits[limit].give(v))
    };
    let told = |candidate: usize| {
        let gives = broken(candidate).iter().filter_map(|l| Some((*l, value(candidate, limits[*l].measure)?)));
        Nearest { candidate, gives: gives.collect() }
    };
    let least = |limit: usize| {
        let alone = candidates().filter(|c| broken(*c) == [limit]);
        alone.min_by(|a, b| give(*a, limit).total_cmp(&give(*b, limit)))
    };
    let single: Vec<Nearest> = (0..limits.len()).filter_map(least).map(told).collect();
    if !single.is_empty() {
        return single;
    }
    // As a share of the limit, so that milliseconds and points can be added.
    let share = |candidate: usize| -> f64 {
        let of = |l: &usize| give(candidate, *l) / limits[*l].bound.abs().max(f64::MIN_POSITIVE);
        broken(candidate).iter().map(of).sum()
    };
    let fewest = candidates()
        .min_by(|a, b| broken(*a).len().cmp(&broken(*b).len()).then_with(|| share(*a).total_cmp(&share(*b))));
    fewest.map(told).into_iter().collect()
}
