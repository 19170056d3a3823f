//! What is asked, and what comes out: RFC 7208 sections 2.6 and 4.

use alloc::string::String;
use core::net::IpAddr;

use dns::{Name, ResolveError, Resolver};
use envelope::Domain;

use crate::session::Session;
use crate::{LookupError, Qualifier};

/// Whose mail it is: the arguments of `check_host()`, section 4.1.
#[derive(Clone, Copy, Debug)]
pub struct CheckHost<'a> {
    /// The address of the client. An IPv4 address mapped to IPv6 is the IPv4 address.
    pub ip: IpAddr,
    /// Whose record decides: the domain of MAIL FROM, or that of HELO.
    pub domain: &'a Domain,
    /// `local-part@domain` of MAIL FROM, or `postmaster@` and the domain of HELO. Without a local part `postmaster`
    /// is taken (section 4.3).
    pub sender: &'a str,
    /// What the client said in HELO or EHLO.
    pub helo: &'a str,
}

/// Whether a host may send for a domain: section 2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpfResult {
    /// The domain says nothing.
    None,
    /// The domain says that it does not say.
    Neutral,
    /// It may.
    Pass,
    /// It may not.
    Fail,
    /// It probably may not.
    SoftFail,
    /// The DNS did not answer.
    TempError,
    /// The domain's records are wrong.
    PermError,
}

/// A result, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// Whether the host may send.
    pub result: SpfResult,
    /// How many terms asked the DNS.
    pub lookups: u32,
    /// How many questions had nothing as an answer.
    pub void_lookups: u32,
    /// The directive that matched, of the domain's record or the one it redirects to.
    pub matched: Option<String>,
    /// What made the result an error.
    pub error: Option<EvaluationError>,
}

/// Why a check had no other result than an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// A record could not be fetched or read.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// What a mechanism asks has no answer.
    #[error("expected an answer about {name}, found none")]
    Resolve {
        /// The name asked about.
        name: Name,
        /// What the resolver says.
        #[source]
        source: ResolveError,
    },
    /// What is included or redirected to has no record: sections 5.2 and 6.1.
    #[error("expected a record of {domain}, found none")]
    NoRecord {
        /// Whose record it should be.
        domain: Name,
    },
    /// What is included or redirected to is not a name once its macros are expanded.
    #[error("expected a name in the place of {domain_spec}, found something else")]
    Target {
        /// As the record has it.
        domain_spec: String,
    },
    /// More terms ask the DNS than section 4.6.4 allows.
    #[error(
        "expected at most {} terms that ask the DNS, found more",
        crate::limits::MAX_LOOKUPS
    )]
    TooManyLookups,
    /// More questions had nothing as an answer than section 4.6.4 allows.
    #[error(
        "expected at most {} void look-ups, found more",
        crate::limits::MAX_VOID_LOOKUPS
    )]
    TooManyVoidLookups,
    /// A domain has more mail exchanges than section 4.6.4 allows.
    #[error(
        "expected at most {} mail exchanges of {domain}, found more",
        crate::limits::MAX_EXCHANGES
    )]
    TooManyExchanges {
        /// Whose mail exchanges they are.
        domain: Name,
    },
}

impl EvaluationError {
    /// The result it makes: section 2.6.6 or 2.6.7.
    #[must_use]
    pub fn result(&self) -> SpfResult {
        match self {
            Self::Lookup(LookupError::Resolve { .. }) | Self::Resolve { .. } => {
                SpfResult::TempError
            }
            Self::Lookup(LookupError::Record { .. })
            | Self::NoRecord { .. }
            | Self::Target { .. }
            | Self::TooManyLookups
            | Self::TooManyVoidLookups
            | Self::TooManyExchanges { .. } => SpfResult::PermError,
        }
    }
}

impl From<Qualifier> for SpfResult {
    fn from(qualifier: Qualifier) -> Self {
        match qualifier {
            Qualifier::Pass => Self::Pass,
            Qualifier::Fail => Self::Fail,
            Qualifier::SoftFail => Self::SoftFail,
            Qualifier::Neutral => Self::Neutral,
        }
    }
}

/// Whether a host may send for a domain: section 4.
pub async fn check_host<R: Resolver>(resolver: &R, of: CheckHost<'_>) -> Evaluation {
    let mut session = Session::new(resolver, of);
    let found = session.check(Name::from(of.domain)).await;
    let (result, matched, error) = match found {
        Ok(found) => (found.result, found.matched, None),
        Err(error) => (error.result(), None, Some(error)),
    };
    Evaluation {
        result,
        lookups: session.lookups(),
        void_lookups: session.void_lookups(),
        matched,
        error,
    }
}
