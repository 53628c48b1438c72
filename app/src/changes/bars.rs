//! The picture: a bar a part around zero, with its interval. Positions are percentages, so that words are never stretched.

use domain::{chart::value_ticks, evidence::Part};
use leptos::prelude::*;

use super::split::Said;
use crate::ui::fmt::Fmt;

/// Ticks of the axis, about.
const TICKS: usize = 4;
/// An interval farther out than this many times the largest part is cut off: the bars would be too short to be compared.
const REACH: f64 = 2.0;

/// The axis of all bars.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    digits: u8,
}

impl Axis {
    /// `None` where there is nothing to draw.
    pub(super) fn of(parts: &[Part]) -> Option<Self> {
        let largest = parts.iter().map(|p| p.size.abs()).fold(0.0, f64::max);
        if !(largest > 0.0 && largest.is_finite()) {
            return None;
        }
        let reach = largest * REACH;
        let ends = parts.iter().flat_map(|p| [p.size, p.low.unwrap_or(0.0), p.high.unwrap_or(0.0)]);
        let ends = ends.map(|x| x.clamp(-reach, reach));
        let (low, high) = ends.fold((0.0, 0.0), |(l, h): (f64, f64), x| (l.min(x), h.max(x)));
        let (ticks, digits) = value_ticks(low, high, TICKS);
        let (first, last) = (*ticks.first()?, *ticks.last()?);
        Some(Self { low: first.min(low), high: last.max(high), ticks, digits })
    }

    /// Where a value lies, in per cent of the width.
    fn at(&self, x: f64) -> f64 {
        ((x - self.low) / (self.high - self.low) * 100.0).clamp(0.0, 100.0)
    }

    /// Whether a value lies within the picture.
    fn holds(&self, x: f64) -> bool {
        (self.low..=self.high).contains(&x)
    }

    /// The values along it.
    pub(super) fn labels(&self, fmt: &Fmt) -> impl IntoView + use<> {
        let last = self.ticks.len().saturating_sub(1);
        let label = |(i, x): (usize, &f64)| {
            let anchor = match i {
                0 => "start",
                _ if i == last => "end",
                _ => "middle",
            };
            let sign = if *x > 0.0 { "+" } else { "" };
            let text = format!("{sign}{}", fmt.decimal(*x, self.digits));
            // Few fit on a phone: the ends and zero.
            let class = (*x != 0.0 && i != 0 && i != last).then_some("spare");
            view! { <text class=class x=percent(self.at(*x)) y="12" text-anchor=anchor>{text}</text> }
        };
        let labels: Vec<_> = self.ticks.iter().enumerate().map(label).collect();
        view! { <svg class="part-axis" width="100%" height="16" aria-hidden="true">{labels}</svg> }
    }

    /// The bar of a part; what it says stands beside it in words.
    pub(super) fn bar(&self, part: &Part, said: Said) -> impl IntoView + use<> {
        let zero = self.at(0.0);
        let end = self.at(part.size);
        let (x, width) = (zero.min(end), (end - zero).abs());
        let whisker = part.low.zip(part.high).map(|(low, high)| {
            let caps = [low, high].into_iter().filter(|x| self.holds(*x));
            let caps: Vec<_> = caps
                .map(|x| view! { <rect class="cap" x=percent(self.at(x)) y="50%" width="1.5" height="8" transform="translate(-0.75 -4)"></rect> })
                .collect();
            view! { <line class="whisker" x1=percent(self.at(low)) x2=percent(self.at(high)) y1="50%" y2="50%"></line>{caps} }
        });
        let grid: Vec<_> = self
            .ticks
            .iter()
            .map(|x| {
                let class = if *x == 0.0 { "base" } else { "grid" };
                view! { <line class=class x1=percent(self.at(*x)) x2=percent(self.at(*x)) y1="0" y2="100%"></line> }
            })
            .collect();
        view! {
            <svg class="part-bar" width="100%" height="100%" aria-hidden="true">
                {grid}
                <rect class=format!("part {}", said.class()) x=percent(x) y="50%" width=percent(width) height="12" transform="translate(0 -6)"></rect>
                {whisker}
            </svg>
        }
    }
}

fn percent(x: f64) -> String {
    format!("{x:.2}%")
}

#[cfg(test)]
mod tests {
    use domain::{error::Sentence, evidence::PartKind, scope::Place, text::Name};

    use super::*;

    fn part(size: f64, low: f64, high: f64) -> Part {
        let place = Place { customer: Name::parse("a").expect("a name"), site: None, zone: None };
        let sentence = Sentence::named("x", "x");
        Part { kind: PartKind::Own, place, model: None, device: None, size, low: Some(low), high: Some(high), sentence }
    }

    #[test]
    fn zero_lies_in_every_picture_and_wide_intervals_are_cut() {
        let axis = Axis::of(&[part(-0.01, -0.012, -0.008), part(-0.004, -0.5, 0.5)]).expect("an axis");
        assert!(axis.low <= -0.012 && axis.low > -0.1 && axis.high >= 0.02 && axis.high < 0.1, "{axis:?}");
        assert!(axis.ticks.contains(&0.0) && axis.at(axis.low) == 0.0 && axis.at(axis.high) == 100.0);
        assert!(axis.holds(-0.012) && !axis.holds(-0.5));
    }

    #[test]
    fn nothing_is_no_picture() {
        assert_eq!(Axis::of(&[]), None);
        assert_eq!(Axis::of(&[part(0.0, 0.0, 0.0)]), None);
        assert_eq!(Axis::of(&[part(f64::NAN, 0.0, 0.0)]), None);
    }
}
