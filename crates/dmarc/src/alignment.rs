//! Which domains belong together: RFC 7489 sections 3.1 and 3.2.

use envelope::Domain;

use crate::Alignment;

/// The domain that somebody registered, of which this one is a part: section 3.2.
///
/// A domain that is a public suffix itself is its own. The whole public suffix list counts, the names that companies
/// entered for their customers too. A top-level domain that is not on the list is a public suffix.
#[must_use]
pub fn organizational_domain(domain: &Domain) -> Domain {
    let registered = psl::domain_str(domain.as_str());
    let found = registered.and_then(|registered| Domain::parse(registered).ok());
    found.unwrap_or_else(|| domain.clone())
}

/// Whether anybody can register names directly below this one.
#[must_use]
pub fn is_public_suffix(domain: &Domain) -> bool {
    psl::domain_str(domain.as_str()).is_none()
}

/// Whether a domain that SPF or DKIM vouches for stands for the one in the field From: section 3.1.
#[must_use]
pub fn is_aligned(from: &Domain, authenticated: &Domain, mode: Alignment) -> bool {
    match mode {
        Alignment::Strict => from == authenticated,
        Alignment::Relaxed => organizational_domain(from) == organizational_domain(authenticated),
    }
}
