//! What becomes of a message: RFC 7489 sections 4.2 and 6.6.2.

use envelope::Domain;

use crate::{Discovered, Policy, is_aligned};

/// Who vouches for a message.
#[derive(Clone, Copy, Debug)]
pub struct Authenticated<'a> {
    /// The domain for which SPF passes.
    pub spf: Option<&'a Domain>,
    /// The domains (`d=`) whose DKIM signatures verify.
    pub dkim: &'a [Domain],
}

/// Whether somebody aligned vouches for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DmarcResult {
    /// Somebody does.
    Pass,
    /// Nobody does.
    Fail,
}

/// A result, and how it came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether SPF passes for an aligned domain.
    pub spf_aligned: bool,
    /// Whether a signature of an aligned domain verifies.
    pub dkim_aligned: bool,
    /// Pass if either is so.
    pub result: DmarcResult,
    /// What the domain wants done: nothing if the message passes. Whether `pct` spares it is not considered.
    pub disposition: Policy,
}

/// Applies a policy to a message from a domain.
#[must_use]
pub fn evaluate(from: &Domain, policy: &Discovered, auth: &Authenticated<'_>) -> Verdict {
    let record = &policy.record;
    let spf_aligned = auth
        .spf
        .is_some_and(|domain| is_aligned(from, domain, record.spf_alignment));
    let dkim_aligned = auth
        .dkim
        .iter()
        .any(|domain| is_aligned(from, domain, record.dkim_alignment));
    let (result, disposition) = if spf_aligned || dkim_aligned {
        (DmarcResult::Pass, Policy::None)
    } else {
        (DmarcResult::Fail, policy.policy())
    };
    Verdict {
        spf_aligned,
        dkim_aligned,
        result,
        disposition,
    }
}
