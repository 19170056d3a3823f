//! Where the names of endpoints lead: looked up when a subscription is made and before each notification, and refused if any of
//! the addresses is not one of the world's.
//!
//! The connection is made by the host, which looks the name up once more. A name whose answers change from one second to the next
//! (DNS rebinding) can so lead elsewhere than here was seen; a host that blocks private networks itself closes that gap.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use dns::{Name, Question, RecordData, RecordType, ResolveError, Resolver};
use futures::future::join;

use super::endpoint::{Endpoint, EndpointError, Reach, is_public};
use crate::ports::Clock;
use crate::time::Timestamp;

/// What DNS said is believed for at least this, so that a name is not looked up for each of a burst of notifications.
const SHORTEST_TTL: Duration = Duration::from_secs(5);
/// And for no longer than this.
const LONGEST_TTL: Duration = Duration::from_secs(300);
/// An instance remembers at most so many names; beyond that it starts anew.
const REMEMBERED: usize = 256;

/// What an instance knows of endpoints' names. Lives as long as the instance.
#[derive(Debug)]
pub struct Guard {
    reach: Reach,
    known: RefCell<BTreeMap<String, Known>>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    verdict: Result<(), EndpointError>,
    read_at: Timestamp,
    fresh_for: Duration,
}

impl Guard {
    /// A guard that knows no name yet.
    #[must_use]
    pub fn new(reach: Reach) -> Self {
        Self {
            reach,
            known: RefCell::default(),
        }
    }

    /// How far endpoints may be reached.
    #[must_use]
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Checks the URL, and what its name leads to. In development nothing is looked up.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub async fn check<R: Resolver>(
        &self,
        clock: &impl Clock,
        resolver: &R,
        endpoint: &Endpoint,
    ) -> Result<(), EndpointError> {
        endpoint.check(self.reach)?;
        match (self.reach, endpoint.host()) {
            (Reach::Anything, _) | (Reach::Public, None) => Ok(()),
            (Reach::Public, Some(name)) => self.check_name(clock, resolver, name).await,
        }
    }

    async fn check_name<R: Resolver>(
        &self,
        clock: &impl Clock,
        resolver: &R,
        name: &str,
    ) -> Result<(), EndpointError> {
        let now = clock.now();
        if let Some(known) = self.known.borrow().get(name)
            && now >= known.read_at
            && now.since(known.read_at) < known.fresh_for
        {
            return known.verdict;
        }
        let found = look_up(resolver, name).await?;
        let verdict = judge(&found.addresses);
        let mut known = self.known.borrow_mut();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(
            name.to_owned(),
            Known {
                verdict,
                read_at: now,
                fresh_for: found.ttl.clamp(SHORTEST_TTL, LONGEST_TTL),
            },
        );
        verdict
    }
}

struct Found {
    addresses: Vec<IpAddr>,
    ttl: Duration,
}

async fn look_up<R: Resolver>(resolver: &R, name: &str) -> Result<Found, EndpointError> {
    let name = Name::parse(name).map_err(|_| EndpointError::LocalName)?;
    let ask = async |record_type| {
        let question = Question {
            name: name.clone(),
            record_type,
        };
        resolver.resolve(&question).await
    };
    let (v4, v6) = join(ask(RecordType::A), ask(RecordType::Aaaa)).await;
    let mut found = Found {
        addresses: Vec::new(),
        ttl: LONGEST_TTL,
    };
    for answer in [v4, v6] {
        let answer = answer.map_err(|_: ResolveError| EndpointError::Unresolved)?;
        found
            .addresses
            .extend(answer.records.iter().filter_map(address));
        found.ttl = found.ttl.min(Duration::from_secs(answer.ttl.into()));
    }
    Ok(found)
}

fn address(record: &RecordData) -> Option<IpAddr> {
    match record {
        RecordData::A(address) => Some((*address).into()),
        RecordData::Aaaa(address) => Some((*address).into()),
        RecordData::Cname(_) | RecordData::Mx { .. } | RecordData::Ptr(_) | RecordData::Txt(_) => {
            None
        }
    }
}

/// All of them have to be public: which one is connected to is not ours to choose.
fn judge(addresses: &[IpAddr]) -> Result<(), EndpointError> {
    if addresses.is_empty() {
        return Err(EndpointError::NoAddress);
    }
    addresses
        .iter()
        .all(|address| is_public(*address))
        .then_some(())
        .ok_or(EndpointError::ResolvesToPrivate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(addresses: &[&str], expected: Result<(), EndpointError>) {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        assert_eq!(judge(&addresses), expected);
    }

    #[test]
    fn one_private_address_is_enough_to_refuse_a_name() {
        check(&["8.8.8.8"], Ok(()));
        check(&["8.8.8.8", "2606:4700::1111"], Ok(()));
        check(
            &["8.8.8.8", "10.0.0.1"],
            Err(EndpointError::ResolvesToPrivate),
        );
        check(&["8.8.8.8", "::1"], Err(EndpointError::ResolvesToPrivate));
        check(&["::ffff:8.8.8.8"], Err(EndpointError::ResolvesToPrivate));
        check(&[], Err(EndpointError::NoAddress));
    }
}
