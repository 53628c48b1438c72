//! Where a value stands in a document: a small part of JSON Path. `$` is the whole, `.name` or `["name"]` a key, `[0]` an element.

use std::fmt;

/// Deeper than anybody writes.
const MAX_STEPS: usize = 16;

/// A path. It leads to one place, or to none.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JsonPath(Vec<PathStep>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathStep {
    Key(String),
    Index(usize),
}

/// Why a text is no path, and the character at which it is none, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PathError {
    pub at: usize,
    pub why: PathFault,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathFault {
    /// It begins with something else than `$`.
    Begin,
    /// Behind a dot belongs a name.
    Name,
    /// Between brackets belongs a number, or a name in quotes.
    Bracket,
    /// Neither a dot nor a bracket.
    Other,
    /// Too many steps.
    Long,
}

impl JsonPath {
    /// Reads a path. Keys behind a dot end at the next dot or bracket, so `$.metrics.val/mAP50` needs no quotes.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        let fault = |rest: &str, why| {
            let at = text.chars().count() - rest.chars().count() + 1;
            Err(PathError { at, why })
        };
        let Some(mut rest) = text.strip_prefix('$') else { return fault(text, PathFault::Begin) };
        let mut steps = vec![];
        while !rest.is_empty() {
            if steps.len() == MAX_STEPS {
                return fault(rest, PathFault::Long);
            }
            if let Some(behind) = rest.strip_prefix('.') {
                let end = behind.find(['.', '[']).unwrap_or(behind.len());
                let name = &behind[..end];
                if name.is_empty() || name.contains([']', '"', '\'']) {
                    return fault(behind, PathFault::Name);
                }
                steps.push(PathStep::Key(name.to_owned()));
                rest = &behind[end..];
            } else if let Some(behind) = rest.strip_prefix('[') {
                let Some((step, left)) = bracket(behind) else { return fault(behind, PathFault::Bracket) };
                steps.push(step);
                rest = left;
            } else {
                return fault(rest, PathFault::Other);
            }
        }
        Ok(Self(steps))
    }

    #[must_use]
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// The keys of which it consists; `None` where an element is among its steps.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<&str>> {
        self.0.iter().map(|step| if let PathStep::Key(key) = step { Some(key.as_str()) } else { None }).collect()
    }
}

/// What stands between brackets, and what follows them.
fn bracket(text: &str) -> Option<(PathStep, &str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let (name, rest) = text[1..].split_once(quote)?;
        return Some((PathStep::Key(name.to_owned()), rest.strip_prefix(']')?));
    }
    let (digits, rest) = text.split_once(']')?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    Some((PathStep::Index(digits.parse().ok().filter(|_| plain)?), rest))
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in &self.0 {
            match step {
                PathStep::Key(key) if !key.is_empty() && !key.contains(['.', '[', ']', '"', '\'']) => {
                    write!(f, ".{key}")?
                }
                PathStep::Key(key) if key.contains('"') => write!(f, "['{key}']")?,
                PathStep::Key(key) => write!(f, "[\"{key}\"]")?,
                PathStep::Index(n) => write!(f, "[{n}]")?,
            }
        }
        Ok(())
    }
}
