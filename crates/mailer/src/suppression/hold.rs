//! The right to change what lists have of some addresses.
//!
//! An entry is read, changed and written over as a whole, so whoever does that holds the address meanwhile, on whatever list it is: else a
//! lease that was decided before a complaint would be written over it. Addresses fall into [`SECTIONS`] sections by the hash of their name,
//! and a section is what is held: so an import holds the addresses of its hundreds of rows with some increments.
//!
//! Nothing deadlocks: sections are taken in the order of their numbers, all that somebody needs at once, and the lock of a domain's lists
//! before them. Who dies with a section holds up the others until its window ends, as with every [`Claim`].

use std::collections::BTreeSet;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::error::SuppressionError;
use super::identity::Name;
use super::shelf::Changes;
use crate::domain::claim::Claim;
use crate::keys;
use crate::ports::{Clock, KeyValue, Scheduler, StoreError};
use crate::time::Timestamp;

/// How many sections there are: of fewer more would wait for each other, and of more an import would pay more.
const SECTIONS: u8 = 8;
/// How long a section can be held, at least: see [`crate::attempt::Windows`].
const HOLDS: Duration = Duration::from_secs(5);
/// Nothing is written when less than this is left, as writes may be slow.
const MARGIN: Duration = Duration::from_secs(1);
/// How long those wait who can come again.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);
/// The pause between two looks at a section that somebody else holds.
const PAUSE: Duration = Duration::from_millis(20);

/// Sections that are held. It has to be given back; dropped, it holds others up until its window ends.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    claims: Vec<Claim>,
}

impl Hold {
    /// Holds every address that is stored under one of `names`. `None` if that took longer than `patience`.
    pub(super) async fn take<P: Clock + KeyValue + Scheduler>(
        ports: &P,
        names: impl IntoIterator<Item = &Name>,
        patience: Duration,
    ) -> Result<Option<Self>, StoreError> {
        let sections: BTreeSet<u8> = names.into_iter().map(section).collect();
        let sections: Vec<u8> = sections.into_iter().collect();
        let mut hold = Self::default();
        let mut waited = Duration::ZERO;
        while let Some(&section) = sections.get(hold.claims.len()) {
            let counter = |window| keys::suppression_section(section, window);
            if let Some(claim) = Claim::take(ports, HOLDS, counter).await? {
                hold.claims.push(claim);
                continue;
            }
            if waited >= patience {
                hold.release(ports).await;
                return Ok(None);
            }
            ports.sleep(PAUSE).await;
            waited += PAUSE;
            if !hold.lasts(ports.now()) {
                // The first ones end while it waits for another: it begins anew.
                std::mem::take(&mut hold).release(ports).await;
            }
        }
        Ok(Some(hold))
    }

    /// Does so for one request.
    ///
    /// # Errors
    /// [`SuppressionError::Busy`] after [`PATIENCE`], or when the store does not answer.
    pub(super) async fn of<P: Clock + KeyValue + Scheduler>(
        ports: &P,
        names: impl IntoIterator<Item = &Name>,
    ) -> Result<Self, SuppressionError> {
        let hold = Self::take(ports, names, PATIENCE).await?;
        hold.ok_or(SuppressionError::Busy)
    }

    /// Whether there is time to write.
    pub(crate) fn lasts(&self, now: Timestamp) -> bool {
        let last = now.plus(MARGIN);
        self.claims.iter().all(|claim| last < claim.ends_at)
    }

    /// Makes the changes that were decided, if there is time to, and lets others in. If they fail, they may be on their way yet, so the
    /// addresses stay held until the window ends.
    pub(super) async fn make<P: Clock + KeyValue, T>(
        self,
        ports: &P,
        decided: Result<(T, Changes), SuppressionError>,
    ) -> Result<T, SuppressionError> {
        let decided = match decided {
            Ok(_) if !self.lasts(ports.now()) => Err(SuppressionError::Busy),
            decided => decided,
        };
        let given = match decided {
            Ok((given, changes)) => {
                changes.apply(ports).await?;
                Ok(given)
            }
            Err(error) => Err(error),
        };
        self.release(ports).await;
        given
    }

    /// Lets others in.
    pub(crate) async fn release<P: Clock + KeyValue>(self, ports: &P) {
        Claim::release_all(self.claims, ports).await;
    }
}

/// The section of the addresses that are stored under `name`.
fn section(name: &Name) -> u8 {
    let [first, ..]: [u8; 32] = Sha256::digest(name.as_str()).into();
    first % SECTIONS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_spread_over_all_sections() {
        let names = (0..1000).filter_map(|n| Name::parse_hash(&format!("{n:064x}")));
        let sections: BTreeSet<u8> = names.map(|name| section(&name)).collect();
        assert_eq!(sections, (0..SECTIONS).collect());
    }
}
