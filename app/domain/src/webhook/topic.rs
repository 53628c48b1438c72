//! What a webhook tells of.

use std::fmt;

use super::sentences;
use crate::{
    error::{Error, Result},
    scope::clip_text,
};

/// One kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// A promotion is asked for.
    Request,
    /// A request is approved or rejected.
    Approval,
    /// A promotion is applied.
    Promotion,
    /// A rollback is applied.
    Rollback,
}

impl Topic {
    pub const ALL: [Self; 4] = [Self::Request, Self::Approval, Self::Promotion, Self::Rollback];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Approval => "approval",
            Self::Promotion => "promotion",
            Self::Rollback => "rollback",
        }
    }

    /// Its bit in [`Topics::bits`].
    #[must_use]
    pub fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Some kinds of events, at least one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Topics(u8);

impl Topics {
    pub const EVERY: Self = Self(0b1111);

    /// Reads names of topics, and `all`; all where none is named.
    ///
    /// # Errors
    /// `BadInput`, naming what is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let mut bits = 0;
        for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
            bits |= match (name, Topic::ALL.into_iter().find(|t| t.as_str() == name)) {
                ("all", _) => Self::EVERY.0,
                (_, Some(topic)) => topic.bit(),
                (_, None) => {
                    let known = Topic::ALL.map(Topic::as_str).join(", ");
                    return Err(Error::bad_input(sentences::bad_topic(clip_text(name), known)).at("events"));
                }
            };
        }
        Ok(if bits == 0 { Self::EVERY } else { Self(bits) })
    }

    /// As they are kept.
    #[must_use]
    pub fn of_bits(bits: i64) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| *bits > 0 && *bits <= Self::EVERY.0).map(Self)
    }

    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    #[must_use]
    pub fn has(self, topic: Topic) -> bool {
        self.0 & topic.bit() != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Topic> {
        Topic::ALL.into_iter().filter(move |t| self.has(*t))
    }

    /// Their names, in order.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Topic::as_str).collect()
    }
}

impl fmt::Debug for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_by_name_and_none_means_all() {
        let read = |text: &str| Topics::parse(text.split(','));
        assert_eq!(read(""), Ok(Topics::EVERY));
        assert_eq!(read("all"), Ok(Topics::EVERY));
        let two = read("rollback, promotion").expect("topics");
        assert_eq!(two.names(), ["promotion", "rollback"]);
        assert_eq!(Topics::of_bits(i64::from(two.bits())), Some(two));
        assert!(two.has(Topic::Rollback) && !two.has(Topic::Request));
        for bits in [0, 16, -1, i64::MAX] {
            assert_eq!(Topics::of_bits(bits), None);
        }
        let refused = read("promotion,deletion").expect_err("no topic");
        assert!(refused.message.en.contains("deletion") && refused.message.korean().contains("deletion"), "{refused}");
    }
}
