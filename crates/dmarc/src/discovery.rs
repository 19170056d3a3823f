//! Finding the policy of a domain: RFC 7489 section 6.6.3.

use dns::{Name, Question, ResolveError, Resolver};
use envelope::Domain;

use crate::{Policy, Record, RecordError, organizational_domain, select};

/// A policy and where it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// What the domain wants.
    pub record: Record,
    /// Whether the record is that of the organizational domain, which is another than the one asked about.
    pub from_organizational: bool,
}

/// Why it is unknown what a domain wants.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiscoverError {
    /// The DNS does not say.
    #[error("expected the text of {name}, found no answer")]
    Resolve {
        /// The name asked about.
        name: Name,
        /// What the resolver says.
        #[source]
        source: ResolveError,
    },
    /// The record is malformed or not the only one. To a receiver there is no policy then.
    #[error("expected one good record of {name}, found otherwise")]
    Record {
        /// The name that has it.
        name: Name,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
}

impl Discovered {
    /// What is wanted for the domain asked about.
    #[must_use]
    pub fn policy(&self) -> Policy {
        if self.from_organizational {
            self.record.policy_for_subdomains()
        } else {
            self.record.policy
        }
    }
}

/// The policy for mail from a domain: its own, or else that of its organizational domain.
///
/// # Errors
/// [`DiscoverError`] where it is unknown, or what there is is of no use.
pub async fn discover<R: Resolver>(
    resolver: &R,
    from: &Domain,
) -> Result<Option<Discovered>, DiscoverError> {
    if let Some(record) = fetch(resolver, from).await? {
        return Ok(Some(Discovered {
            record,
            from_organizational: false,
        }));
    }
    let organizational = organizational_domain(from);
    if organizational == *from {
        return Ok(None);
    }
    let record = fetch(resolver, &organizational).await?;
    Ok(record.map(|record| Discovered {
        record,
        from_organizational: true,
    }))
}

async fn fetch<R: Resolver>(
    resolver: &R,
    domain: &Domain,
) -> Result<Option<Record>, DiscoverError> {
    // A domain so long that nothing fits below it has no record.
    let Ok(name) = Name::below("_dmarc", domain) else {
        return Ok(None);
    };
    let question = Question::txt(name);
    match resolver.resolve(&question).await {
        Ok(answer) => select(answer.texts()).map_err(|source| DiscoverError::Record {
            name: question.name,
            source,
        }),
        Err(source) => Err(DiscoverError::Resolve {
            name: question.name,
            source,
        }),
    }
}
