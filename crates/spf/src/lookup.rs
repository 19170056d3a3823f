//! Fetching the record of a domain: RFC 7208 section 4.4.

use dns::{Name, Question, ResolveError, Resolver};

use crate::{Record, RecordError, select};

/// Why it is unknown what a domain's record says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// The DNS does not say.
    #[error("expected the record of {domain}, found no answer")]
    Resolve {
        /// Whose record it is.
        domain: Name,
        /// What the resolver says.
        #[source]
        source: ResolveError,
    },
    /// The record is malformed, or not the only one.
    #[error("expected one good record of {domain}, found otherwise")]
    Record {
        /// Whose record it is.
        domain: Name,
        /// What is wrong with it.
        #[source]
        source: RecordError,
    },
}

/// The record of a domain, if it has one.
pub(crate) async fn fetch<R: Resolver>(
    resolver: &R,
    domain: &Name,
) -> Result<Option<Record>, LookupError> {
    let answer = resolver.resolve(&Question::txt(domain.clone())).await;
    let answer = answer.map_err(|source| LookupError::Resolve {
        domain: domain.clone(),
        source,
    })?;
    select(answer.texts()).map_err(|source| LookupError::Record {
        domain: domain.clone(),
        source,
    })
}
