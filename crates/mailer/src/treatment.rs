//! What is decided for a message when it is accepted: whether it is tracked, and what it owes those who do not want more of its kind.
//!
//! An application says so in header fields, which every SDK can set and no mail carries: `x-sendlet-bulk`, `x-sendlet-topic` and
//! `x-sendlet-transactional`. What it does not say, its domain does.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::DomainRecord;

/// What these header fields begin with.
pub const ORDER_PREFIX: &str = "x-sendlet-";
const BULK: &str = "x-sendlet-bulk";
const TOPIC: &str = "x-sendlet-topic";
const TRANSACTIONAL: &str = "x-sendlet-transactional";
const MAX_TOPIC_CHARS: usize = 64;

/// What a message is about, for those who want no more of that only: letters, digits, `.`, `_` and `-`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Topic(String);

/// The text is no topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected 1 to {MAX_TOPIC_CHARS} ASCII letters, digits, dots, hyphens or underscores")]
pub struct ParseTopicError;

impl Topic {
    /// The topic `text`, in any letter case.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn parse(text: &str) -> Result<Self, ParseTopicError> {
        let fits = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-');
        let is_topic = (1..=MAX_TOPIC_CHARS).contains(&text.len()) && text.bytes().all(fits);
        let lower = || Self(text.to_ascii_lowercase());
        is_topic.then(lower).ok_or(ParseTopicError)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Topic {
    type Error = ParseTopicError;

    fn try_from(text: String) -> Result<Self, ParseTopicError> {
        Self::parse(&text)
    }
}

impl From<Topic> for String {
    fn from(topic: Topic) -> Self {
        topic.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an application said in header fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orders {
    /// It is bulk mail, or is not.
    pub bulk: Option<bool>,
    /// What it is about. Mail with a topic is bulk mail.
    pub topic: Option<Topic>,
    /// It goes to those too who unsubscribed.
    pub transactional: bool,
}

/// A header field that orders nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OrderError {
    /// No such order.
    #[error("expected x-sendlet-bulk, x-sendlet-topic or x-sendlet-transactional")]
    Unknown,
    /// Neither true nor false.
    #[error("expected true or false")]
    Word,
    /// Not a topic.
    #[error(transparent)]
    Topic(#[from] ParseTopicError),
    /// Two orders that exclude each other.
    #[error("transactional mail can neither be bulk mail nor have a topic")]
    Contradiction,
}

impl Orders {
    /// Takes the order of the field `lower`, its name in lower case.
    ///
    /// # Errors
    /// When it is none, or contradicts another.
    pub fn take(&mut self, lower: &str, value: &str) -> Result<(), OrderError> {
        let value = value.trim();
        match lower {
            BULK => self.bulk = Some(switch(value)?),
            TOPIC => self.topic = Some(Topic::parse(value)?),
            TRANSACTIONAL => self.transactional = switch(value)?,
            _ => return Err(OrderError::Unknown),
        }
        let is_bulk = self.bulk == Some(true) || self.topic.is_some();
        let contradicts =
            (self.transactional && is_bulk) || (self.bulk == Some(false) && self.topic.is_some());
        if contradicts {
            return Err(OrderError::Contradiction);
        }
        Ok(())
    }
}

fn switch(value: &str) -> Result<bool, OrderError> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(OrderError::Word),
    }
}

/// What was decided for a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treatment {
    /// Its links and a pixel tell of opens and clicks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tracked: bool,
    /// It says how to unsubscribe (RFC 2369, RFC 8058).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bulk: bool,
    /// It goes to those too who unsubscribed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transactional: bool,
    /// What those who unsubscribe want no more of; none for all of the sender's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<Topic>,
}

impl Treatment {
    /// What `orders` and the sender's domain come to, for a message that is to be tracked unless `tracking_disabled`.
    #[must_use]
    pub fn of(orders: Orders, tracking_disabled: bool, domain: &DomainRecord) -> Self {
        let by_default = domain.bulk_by_default && !orders.transactional;
        Self {
            tracked: domain.tracks_engagement && !tracking_disabled,
            bulk: orders.bulk.unwrap_or(by_default) || orders.topic.is_some(),
            transactional: orders.transactional,
            topic: orders.topic,
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(
        fields: &[(&str, &str)],
        expected: Result<(Option<bool>, Option<&str>, bool), OrderError>,
    ) {
        let mut orders = Orders::default();
        let taken = fields
            .iter()
            .try_for_each(|(name, value)| orders.take(name, value));
        let found = taken.map(|()| {
            let topic = orders.topic.as_ref().map(Topic::as_str);
            (orders.bulk, topic, orders.transactional)
        });
        assert_eq!(found, expected, "{fields:?}");
    }

    #[test]
    fn orders_are_words_that_do_not_contradict_each_other() {
        check(&[], Ok((None, None, false)));
        check(&[(BULK, " True ")], Ok((Some(true), None, false)));
        check(
            &[(TOPIC, "Weekly-News")],
            Ok((None, Some("weekly-news"), false)),
        );
        check(&[(TRANSACTIONAL, "true")], Ok((None, None, true)));
        check(&[(BULK, "yes")], Err(OrderError::Word));
        check(&[(TOPIC, "a b")], Err(OrderError::Topic(ParseTopicError)));
        check(&[("x-sendlet-other", "true")], Err(OrderError::Unknown));
        for other in [(BULK, "true"), (TOPIC, "news")] {
            let both = [(TRANSACTIONAL, "true"), other];
            check(&both, Err(OrderError::Contradiction));
            check(&[both[1], both[0]], Err(OrderError::Contradiction));
        }
        check(
            &[(BULK, "false"), (TOPIC, "news")],
            Err(OrderError::Contradiction),
        );
    }
}
