//! Which domains may be held.

use envelope::{Domain, DomainError as ParseError};
use thiserror::Error;

use super::requirement::Installation;

/// The longest domain. The names of its records fit into 253 octets: `sendlet-ed-abcdefgh._domainkey.` goes in front.
pub const MAX_DOMAIN_OCTETS: usize = 221;

/// Why a domain cannot be held.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// It is no domain name.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// It is longer than [`MAX_DOMAIN_OCTETS`].
    #[error(
        "expected a domain of at most {MAX_DOMAIN_OCTETS} octets, since names of records go in front of it, found {0}"
    )]
    TooLong(usize),
    /// Everybody can register names below it.
    #[error("expected a domain somebody can own, found the public suffix {0}")]
    PublicSuffix(Domain),
    /// It belongs to the service.
    #[error(
        "expected a domain of your own, found {0}, which is this installation's base domain or below it"
    )]
    Reserved(Domain),
}

/// The domain that `text` names, if it may be held.
///
/// # Errors
/// See [`NameError`]; the domain in it is in A-labels, so that look-alike letters show.
pub fn admit(text: &str, installation: &Installation) -> Result<Domain, NameError> {
    let domain = Domain::parse(text)?;
    let octets = domain.as_str().len();
    if octets > MAX_DOMAIN_OCTETS {
        return Err(NameError::TooLong(octets));
    }
    if dmarc::is_public_suffix(&domain) {
        return Err(NameError::PublicSuffix(domain));
    }
    if is_within(&domain, &installation.base) {
        return Err(NameError::Reserved(domain));
    }
    Ok(domain)
}

/// Whether `domain` is `ancestor` or below it.
#[must_use]
pub fn is_within(domain: &Domain, ancestor: &Domain) -> bool {
    let prefix = domain.as_str().strip_suffix(ancestor.as_str());
    prefix.is_some_and(|prefix| prefix.is_empty() || prefix.ends_with('.'))
}
