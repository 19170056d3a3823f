//! Operations: what the caller polls after a 202.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

use crate::delivery::Outcome;
use crate::keys::{self, Record};
use crate::ports::{Entropy, KeyValue, StoreError};

/// Names one accepted message: the Operation-Id the caller chose, or a random one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct OperationId(Uuid);

/// The text is not a UUID in its hyphenated form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected a UUID such as 9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34")]
pub struct ParseOperationIdError;

impl OperationId {
    /// A fresh random id.
    #[must_use]
    pub fn random(entropy: &impl Entropy) -> Self {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes);
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The id of what is stored as the journal entry `next` under `number`: a UUID of version 8 (RFC 9562 section 5.8), which has room for
    /// 60 and 62 bits of them.
    pub(crate) fn of_place(number: u64, next: u64) -> Self {
        let number = (number >> 12 << 16) | (number & 0xfff);
        let bytes = (u128::from(number) << 64 | u128::from(next)).to_be_bytes();
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// The number and the entry under it, if this is [such an id](Self::of_place). An id that was derived from something else may look like
    /// one; it leads nowhere then.
    pub(crate) fn place(self) -> Option<(u64, u64)> {
        const VERSION: usize = 8;
        let (high, low) = self.0.as_u64_pair();
        let number = (high >> 16 << 12) | (high & 0xfff);
        (self.0.get_version_num() == VERSION).then_some((number, low & (u64::MAX >> 2)))
    }
}

impl From<Uuid> for OperationId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<OperationId> for Uuid {
    fn from(id: OperationId) -> Self {
        id.0
    }
}

impl FromStr for OperationId {
    type Err = ParseOperationIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const HYPHENATED: usize = 36;
        if text.len() != HYPHENATED {
            return Err(ParseOperationIdError);
        }
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| ParseOperationIdError)
    }
}

impl TryFrom<String> for OperationId {
    type Error = ParseOperationIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<OperationId> for String {
    fn from(id: OperationId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl Record for OperationId {
    const VERSION: u32 = 1;
}

/// Where the operation `id` stands, or `None` when nothing was accepted under it.
///
/// # Errors
/// When the store does not answer.
pub async fn outcome(
    store: &impl KeyValue,
    id: OperationId,
) -> Result<Option<Outcome>, StoreError> {
    if let Some(state) = keys::state(id).read(store).await? {
        return Ok(Some(state.outcome()));
    }
    let accepted = store.exists(keys::message(id).path()).await?;
    Ok(accepted.then_some(Outcome::Running))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<OperationId>().ok().map(|id| id.to_string());
        assert_eq!(parsed.as_deref(), expected);
    }

    #[test]
    fn an_id_of_a_place_tells_the_place() {
        let most = (u64::MAX >> 4, u64::MAX >> 2);
        for place in [(0, 0), (1, 0), (1, 1), (0xfff, 63), (0x1000, 64), most] {
            let id = OperationId::of_place(place.0, place.1);
            assert_eq!(id.place(), Some(place));
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        let random = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse::<OperationId>();
        assert_eq!(random.unwrap().place(), None);
    }

    #[test]
    fn only_hyphenated_uuids_are_ids_and_letter_case_does_not_matter() {
        check(
            "9F2C1A52-6f0b-4c7e-8f3e-0c5b1d1f2a34",
            Some("9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34"),
        );
        check("9f2c1a526f0b4c7e8f3e0c5b1d1f2a34", None);
        check("{9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34}", None);
        check("urn:uuid:9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34", None);
        check("../../journal/tail", None);
        check("", None);
    }
}
