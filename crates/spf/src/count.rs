//! What a record costs at worst, told without a client: RFC 7208 section 4.6.4.

use alloc::boxed::Box;
use alloc::vec::Vec;

use dns::{Name, Resolver};
use envelope::Domain;

use crate::lookup::fetch;
use crate::{DomainSpec, LookupError, Mechanism, Qualifier, Record};

/// Most records that are fetched for one count. A record within the limits needs ten.
pub const MAX_WALKED_RECORDS: usize = 30;

/// What a record costs if nothing matches before its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookups {
    /// How many terms ask the DNS, in the record and those it includes and redirects to. More than
    /// [`MAX_LOOKUPS`](crate::limits::MAX_LOOKUPS) make it worthless.
    pub terms: u32,
    /// The names that are included or redirected to so that whom their records let pass passes, unless something before
    /// them decides: each once, in the order they are met.
    pub passing_targets: Vec<Name>,
    /// Whether some `+all`, or a network of prefix length 0, lets everybody pass.
    pub all_pass_reachable: bool,
    /// Whether a record was left out because its name depends on the sender. Then the rest is a lower bound.
    pub has_unknown_targets: bool,
}

/// Why a record's cost is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// A record could not be fetched or read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What is included or redirected to has no record.
    #[error("expected a record of {domain}, found none")]
    NoRecord {
        /// Whose record it should be.
        domain: Name,
    },
    /// A record leads back to itself.
    #[error("expected records that end, found a loop through {domain}")]
    Loop {
        /// Where the loop closes.
        domain: Name,
    },
    /// There are more than [`MAX_WALKED_RECORDS`].
    #[error("expected at most {MAX_WALKED_RECORDS} records, found more")]
    TooManyRecords,
}

/// Walks all that a record includes and redirects to.
///
/// # Errors
/// [`CountError`], where a check would be an error too, or cannot be told to be none.
pub async fn count_lookups<R: Resolver>(
    resolver: &R,
    domain: &Domain,
    record: &Record,
) -> Result<Lookups, CountError> {
    let mut walk = Walk {
        resolver,
        path: alloc::vec![Name::from(domain)],
        fetched: 0,
        found: Lookups::default(),
    };
    walk.record(record, Reach::Passes).await?;
    Ok(walk.found)
}

/// Whether what passes in a record makes the first one pass too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Passes,
    DoesNot,
}

struct Walk<'a, R> {
    resolver: &'a R,
    /// From the first record to the current one.
    path: Vec<Name>,
    fetched: usize,
    found: Lookups,
}

impl<R: Resolver> Walk<'_, R> {
    async fn record(&mut self, record: &Record, reach: Reach) -> Result<(), CountError> {
        for directive in record.reachable() {
            self.found.terms += u32::from(directive.mechanism.asks_dns());
            if reach == Reach::Passes && directive.passes_everyone() {
                self.found.all_pass_reachable = true;
            }
            if let Mechanism::Include(spec) = &directive.mechanism {
                let reach = match directive.qualifier {
                    Qualifier::Pass => reach,
                    Qualifier::Fail | Qualifier::SoftFail | Qualifier::Neutral => Reach::DoesNot,
                };
                if let Some(target) = self.known_target(spec) {
                    self.descend(target, reach).await?;
                }
            }
        }
        if let Some(spec) = record.effective_redirect() {
            self.found.terms += 1;
            if let Some(target) = self.known_target(spec) {
                self.descend(target, reach).await?;
            }
        }
        Ok(())
    }

    fn known_target(&mut self, spec: &DomainSpec) -> Option<Name> {
        let domain = self.path.last()?;
        let target = spec.expand_static(domain);
        self.found.has_unknown_targets |= target.is_none();
        target
    }

    fn note_passing(&mut self, target: &Name) {
        if !self.found.passing_targets.contains(target) {
            self.found.passing_targets.push(target.clone());
        }
    }

    async fn descend(&mut self, target: Name, reach: Reach) -> Result<(), CountError> {
        if reach == Reach::Passes {
            self.note_passing(&target);
        }
        if self.path.contains(&target) {
            return Err(CountError::Loop { domain: target });
        }
        if self.fetched == MAX_WALKED_RECORDS {
            return Err(CountError::TooManyRecords);
        }
        self.fetched += 1;
        let Some(record) = fetch(self.resolver, &target).await? else {
            return Err(CountError::NoRecord { domain: target });
        };
        self.path.push(target);
        // A future that holds itself needs a box. The limit on records is one on their depth too.
        Box::pin(self.record(&record, reach)).await?;
        self.path.pop();
        Ok(())
    }
}
