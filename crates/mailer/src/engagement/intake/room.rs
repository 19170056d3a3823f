//! Where new facts of a recipient are kept, and how many of them.

use std::collections::BTreeSet;

use audience::MAX_HEADS;

use super::said::wish_of;
use crate::engagement::chunk::{Fact, MAX_CHUNK_FACTS, MAX_CHUNKS, MAX_WISH_CHUNKS, is_erased};
use crate::keys;
use crate::link::Reader;
use crate::ports::{KeyValue, StoreError};

/// What is kept of a recipient's part of a batch. Wishes are, wherever there is room at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// Wishes and some of the others, in the chunk with this number.
    Chunk(u64),
    /// Wishes alone, in the chunk with this number: there are too many others.
    Wishes(u64),
    /// Nothing.
    Nowhere,
}

impl Room {
    /// That of the batch with `number` among the recipient's. A wish that changes nothing needs none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn take(
        store: &impl KeyValue,
        (reader, number): (Reader, u64),
        changes_wishes: bool,
    ) -> Result<Self, StoreError> {
        if number <= MAX_CHUNKS {
            return Ok(Self::Chunk(number));
        }
        if is_erased(number) || !changes_wishes {
            return Ok(Self::Nowhere);
        }
        let wish = keys::engagement_wish_count(reader).increment(store).await?;
        let wish = u64::try_from(wish).ok().filter(|n| *n <= MAX_WISH_CHUNKS);
        Ok(wish.map_or(Self::Nowhere, |wish| Self::Wishes(MAX_CHUNKS + wish)))
    }

    /// The number of the chunk.
    pub(super) const fn number(self) -> Option<u64> {
        match self {
            Self::Chunk(number) | Self::Wishes(number) => Some(number),
            Self::Nowhere => None,
        }
    }

    /// Where the facts are that are kept, of those behind the first `known`.
    pub(super) fn kept(self, facts: &[Fact], known: usize) -> BTreeSet<usize> {
        let is_kept = self.number().is_some();
        let (mut visits, mut heads) = self.most();
        let news = facts.iter().enumerate().skip(known);
        let kept = news.filter(|(_, fact)| {
            if wish_of(fact).is_some() {
                return is_kept;
            }
            let left = if fact.is_head {
                &mut heads
            } else {
                &mut visits
            };
            let next = left.checked_sub(1);
            *left = next.unwrap_or(0);
            next.is_some()
        });
        kept.map(|(index, _)| index).collect()
    }

    /// The most visits besides wishes, and the most HEAD requests: as many as tell of a scanner, and none instead of a person's visit.
    const fn most(self) -> (usize, usize) {
        match self {
            Self::Chunk(_) => (MAX_CHUNK_FACTS, MAX_HEADS),
            Self::Wishes(_) | Self::Nowhere => (0, 0),
        }
    }
}
