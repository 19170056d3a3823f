//! Copies of their own for all recipients of an attempt, some at once.

use std::collections::VecDeque;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::Attempt;
use super::desk::{Desk, Outgoing, refused, unavailable};
use crate::budget::Share;
use crate::delivery::{Addressees, HandedOver};
use crate::handover::HandOverError;
use crate::link::Reader;
use crate::personal::{Copies, Holder};
use crate::ports::{Clock, Entropy, KeyValue, Relay, Scheduler};

/// The most copies of one message that are under way at once.
const AT_ONCE: usize = 8;

/// What is held while a copy is under way: memory, and a place. The first of an attempt has what the attempt holds.
type Room<'a> = Option<(Share<'a>, Share<'a>)>;

/// The copies of an attempt that are not under way yet.
struct Round {
    waiting: VecDeque<usize>,
    // Why no more of them are begun.
    stop: Option<HandOverError>,
}

impl Round {
    /// A relay that takes nothing now is asked for nothing more.
    fn heed(&mut self, end: &HandedOver) {
        if let Err(error @ HandOverError::Unavailable { .. }) = &end.end {
            self.stop = Some(error.clone());
        }
    }

    /// The ends of those whose turn did not come.
    fn left_out(self) -> impl Iterator<Item = HandedOver> {
        let end = move |index| {
            Some(HandedOver {
                to: Addressees::Personal(index),
                reverse_path: None,
                links: 0,
                end: Err(self.stop.clone()?),
            })
        };
        self.waiting.into_iter().filter_map(end)
    }
}

impl<P: Clock + Entropy + KeyValue + Scheduler, R: Relay> Attempt<'_, P, R> {
    /// Hands each his copy, and says how it ended.
    pub(super) async fn hand_over_copies(
        &self,
        desk: &Desk<'_>,
        copies: &Copies<'_>,
        indexes: &[usize],
    ) -> Vec<HandedOver> {
        let mut round = Round {
            waiting: self.in_turn(indexes).into(),
            stop: None,
        };
        let mut under_way = FuturesUnordered::new();
        let mut ends = Vec::with_capacity(indexes.len());
        loop {
            while let Some((index, room)) = self.next_copy(&mut round, under_way.len()) {
                under_way.push(self.hand_over_copy(desk, copies, index, room));
            }
            let Some(end) = under_way.next().await else {
                break;
            };
            round.heed(&end);
            ends.push(end);
        }
        ends.extend(round.left_out());
        ends
    }

    /// The next whose copy can be begun now.
    fn next_copy(&self, round: &mut Round, under_way: usize) -> Option<(usize, Room<'_>)> {
        if round.stop.is_some() || round.waiting.is_empty() {
            return None;
        }
        if !self.has_time() {
            round.stop = Some(unavailable("the attempt had no time left"));
            return None;
        }
        let room = self.room(under_way)?;
        Some((round.waiting.pop_front()?, room))
    }

    /// Those whose last hand-over has no known end come last: they may be what takes long, and keep nobody else waiting then.
    fn in_turn(&self, indexes: &[usize]) -> Vec<usize> {
        let is_open = |index: &usize| {
            let own = self.state.recipients.get(*index);
            own.is_some_and(|own| own.reverse_path.is_some())
        };
        let mut indexes = indexes.to_vec();
        indexes.sort_by_key(is_open);
        indexes
    }

    /// Room for another copy, if there is any beside those that are under way.
    fn room(&self, under_way: usize) -> Option<Room<'_>> {
        match under_way {
            0 => Some(None),
            AT_ONCE.. => None,
            _ => {
                let octets = self.record.content_octets();
                let memory = self.dispatcher.budget.take_now(octets)?;
                Some(Some((memory, self.dispatcher.copies.take_now(1)?)))
            }
        }
    }

    async fn hand_over_copy(
        &self,
        desk: &Desk<'_>,
        copies: &Copies<'_>,
        index: usize,
        _room: Room<'_>,
    ) -> HandedOver {
        match self.copy(desk, copies, index) {
            Ok(outgoing) => self.deliver(outgoing).await,
            Err(error) => HandedOver {
                to: Addressees::Personal(index),
                reverse_path: None,
                links: 0,
                end: Err(error),
            },
        }
    }

    fn copy(
        &self,
        desk: &Desk<'_>,
        copies: &Copies<'_>,
        index: usize,
    ) -> Result<Outgoing, HandOverError> {
        let own = self.state.recipients.get(index);
        let unresolved = own.and_then(|own| own.reverse_path.clone());
        let reverse_path = unresolved.unwrap_or_else(|| self.reverse_path(&desk.domain));
        let keys = &self.dispatcher.return_path_keys;
        let unsubscribe_address = self.at_return_path(&reverse_path, index, |token| {
            keys.unsubscribe_local_part(token)
        });
        let message = self.record.id;
        let recipient = u8::try_from(index).map_err(|_| refused(TOO_MANY))?;
        let reader = Reader { message, recipient };
        let holder = Holder {
            reader,
            unsubscribe_address,
        };
        let handover = own.map_or(0, |own| own.handover);
        Ok(Outgoing {
            to: Addressees::Personal(index),
            idempotency_key: format!("{message}.{handover}.{index}"),
            message: self.sign(desk, copies.render(&holder))?,
            links: copies.links(),
            reverse_path,
        })
    }
}

/// Nothing is accepted for so many.
const TOO_MANY: &str = "the message has more recipients than can be told apart";
