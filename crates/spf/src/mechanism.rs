//! Mechanisms: RFC 7208 section 5.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{DomainSpec, RecordError};

/// What is compared with the client's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Matches always: section 5.1.
    All,
    /// Matches if the check of another domain passes: section 5.2.
    Include(DomainSpec),
    /// Matches the addresses of a domain: section 5.3.
    A {
        /// The current one if left out.
        domain: Option<DomainSpec>,
        /// How much of an address counts.
        prefixes: Prefixes,
    },
    /// Matches the addresses of a domain's mail exchanges: section 5.4.
    Mx {
        /// The current one if left out.
        domain: Option<DomainSpec>,
        /// How much of an address counts.
        prefixes: Prefixes,
    },
    /// Matches if the client's address has a name in the domain: section 5.5, which says not to use it.
    Ptr(Option<DomainSpec>),
    /// Matches an IPv4 network: section 5.6.
    Ip4 {
        /// An address of the network.
        network: Ipv4Addr,
        /// At most 32.
        prefix: u8,
    },
    /// Matches an IPv6 network: section 5.6.
    Ip6 {
        /// An address of the network.
        network: Ipv6Addr,
        /// At most 128.
        prefix: u8,
    },
    /// Matches if a name has an IPv4 address: section 5.7.
    Exists(DomainSpec),
}

/// How many leading bits of an address count: `dual-cidr-length`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefixes {
    /// Of an IPv4 address, at most 32.
    pub ip4: u8,
    /// Of an IPv6 address, at most 128.
    pub ip6: u8,
}

const IP4_BITS: u8 = 32;
const IP6_BITS: u8 = 128;

const WHOLE: Prefixes = Prefixes {
    ip4: IP4_BITS,
    ip6: IP6_BITS,
};

impl Mechanism {
    /// Reads a mechanism without its qualifier, which starts `at` octets into the record.
    pub(crate) fn parse(text: &str, at: usize) -> Result<Self, RecordError> {
        let (name, rest) = text.split_at(text.find([':', '/']).unwrap_or(text.len()));
        let at_rest = at + name.len();
        match name.to_ascii_lowercase().as_str() {
            "all" if rest.is_empty() => Ok(Self::All),
            "all" => Err(RecordError::Argument { at: at_rest }),
            "include" => domain(rest, at_rest).map(Self::Include),
            "exists" => domain(rest, at_rest).map(Self::Exists),
            "a" => hosts(rest, at_rest).map(|(domain, prefixes)| Self::A { domain, prefixes }),
            "mx" => hosts(rest, at_rest).map(|(domain, prefixes)| Self::Mx { domain, prefixes }),
            "ptr" if rest.is_empty() => Ok(Self::Ptr(None)),
            "ptr" => domain(rest, at_rest).map(Some).map(Self::Ptr),
            "ip4" => ip4(rest, at_rest),
            "ip6" => ip6(rest, at_rest),
            _ => Err(RecordError::Mechanism { at }),
        }
    }

    /// Whether it is one of those whose number section 4.6.4 limits.
    pub(crate) fn asks_dns(&self) -> bool {
        match self {
            Self::Include(_) | Self::A { .. } | Self::Mx { .. } | Self::Ptr(_) => true,
            Self::Exists(_) => true,
            Self::All | Self::Ip4 { .. } | Self::Ip6 { .. } => false,
        }
    }

    /// Whether it matches every address of a family, given that its names have any.
    pub(crate) fn matches_whole_family(&self) -> bool {
        match self {
            Self::All => true,
            Self::A { prefixes, .. } | Self::Mx { prefixes, .. } => {
                prefixes.ip4 == 0 || prefixes.ip6 == 0
            }
            Self::Ip4 { prefix, .. } | Self::Ip6 { prefix, .. } => *prefix == 0,
            Self::Include(_) | Self::Ptr(_) | Self::Exists(_) => false,
        }
    }
}

impl Prefixes {
    /// Whether two addresses are of one family and agree in as many bits.
    pub(crate) fn agree(self, a: IpAddr, b: IpAddr) -> bool {
        match (a, b) {
            (IpAddr::V4(a), IpAddr::V4(b)) => in_ip4(a, b, self.ip4),
            (IpAddr::V6(a), IpAddr::V6(b)) => in_ip6(a, b, self.ip6),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

pub(crate) fn in_ip4(address: Ipv4Addr, network: Ipv4Addr, prefix: u8) -> bool {
    let rest = u32::from(IP4_BITS.saturating_sub(prefix));
    // A shift by all bits leaves nothing to differ.
    let difference = address.to_bits() ^ network.to_bits();
    difference.checked_shr(rest).unwrap_or_default() == 0
}

pub(crate) fn in_ip6(address: Ipv6Addr, network: Ipv6Addr, prefix: u8) -> bool {
    let rest = u32::from(IP6_BITS.saturating_sub(prefix));
    let difference = address.to_bits() ^ network.to_bits();
    difference.checked_shr(rest).unwrap_or_default() == 0
}

/// `":" domain-spec`
fn domain(rest: &str, at: usize) -> Result<DomainSpec, RecordError> {
    let text = rest.strip_prefix(':').ok_or(RecordError::Argument { at })?;
    DomainSpec::parse(text, at + 1)
}

/// `[ ":" domain-spec ] [ dual-cidr-length ]`
fn hosts(rest: &str, at: usize) -> Result<(Option<DomainSpec>, Prefixes), RecordError> {
    // A domain may hold slashes too, but not behind its last dot or macro.
    let tail_at = rest.rfind(['.', '}']).unwrap_or(0);
    let tail = rest.get(tail_at..).unwrap_or_default();
    let slash = tail.find('/').map_or(rest.len(), |slash| tail_at + slash);
    let (name, prefix) = rest.split_at(slash);
    let spec = match name {
        "" => None,
        name => Some(domain(name, at)?),
    };
    Ok((spec, dual_prefix(prefix, at + slash)?))
}

/// `[ "/" ip4 ] [ "//" ip6 ]`
fn dual_prefix(text: &str, at: usize) -> Result<Prefixes, RecordError> {
    let (ip4, ip6) = match text.split_once("//") {
        Some((ip4, ip6)) => (ip4, Some(ip6)),
        None => (text, None),
    };
    let ip6_at = at + ip4.len();
    let mut prefixes = WHOLE;
    if !ip4.is_empty() {
        let digits = ip4.strip_prefix('/').ok_or(RecordError::Prefix { at })?;
        prefixes.ip4 = prefix_length(digits, IP4_BITS, at)?;
    }
    if let Some(digits) = ip6 {
        prefixes.ip6 = prefix_length(digits, IP6_BITS, ip6_at)?;
    }
    Ok(prefixes)
}

fn ip4(rest: &str, at: usize) -> Result<Mechanism, RecordError> {
    let (network, prefix) = network(rest, IP4_BITS, at)?;
    let network = network
        .parse()
        .map_err(|_| RecordError::Address { at: at + 1 })?;
    Ok(Mechanism::Ip4 { network, prefix })
}

fn ip6(rest: &str, at: usize) -> Result<Mechanism, RecordError> {
    let (network, prefix) = network(rest, IP6_BITS, at)?;
    let network = network
        .parse()
        .map_err(|_| RecordError::Address { at: at + 1 })?;
    Ok(Mechanism::Ip6 { network, prefix })
}

/// `":" address [ "/" prefix ]`
fn network(rest: &str, bits: u8, at: usize) -> Result<(&str, u8), RecordError> {
    let text = rest.strip_prefix(':').ok_or(RecordError::Argument { at })?;
    let Some((address, digits)) = text.split_once('/') else {
        return Ok((text, bits));
    };
    let prefix = prefix_length(digits, bits, at + 1 + address.len())?;
    Ok((address, prefix))
}

fn prefix_length(digits: &str, max: u8, at: usize) -> Result<u8, RecordError> {
    let has_leading_zero = digits.len() > 1 && digits.starts_with('0');
    let is_number = digits.bytes().all(|octet| octet.is_ascii_digit());
    let length = digits.parse().ok().filter(|&length| length <= max);
    match length {
        Some(length) if is_number && !has_leading_zero => Ok(length),
        _ => Err(RecordError::Prefix { at }),
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Include(domain) => write!(f, "include:{domain}"),
            Self::A { domain, prefixes } => write_hosts(f, "a", domain.as_ref(), *prefixes),
            Self::Mx { domain, prefixes } => write_hosts(f, "mx", domain.as_ref(), *prefixes),
            Self::Ptr(None) => f.write_str("ptr"),
            Self::Ptr(Some(domain)) => write!(f, "ptr:{domain}"),
            Self::Ip4 { network, prefix } => {
                write!(f, "ip4:{network}")?;
                write_prefix(f, "/", *prefix, IP4_BITS)
            }
            Self::Ip6 { network, prefix } => {
                write!(f, "ip6:{network}")?;
                write_prefix(f, "/", *prefix, IP6_BITS)
            }
            Self::Exists(domain) => write!(f, "exists:{domain}"),
        }
    }
}

fn write_hosts(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    domain: Option<&DomainSpec>,
    prefixes: Prefixes,
) -> fmt::Result {
    f.write_str(name)?;
    if let Some(domain) = domain {
        write!(f, ":{domain}")?;
    }
    write_prefix(f, "/", prefixes.ip4, IP4_BITS)?;
    write_prefix(f, "//", prefixes.ip6, IP6_BITS)
}

fn write_prefix(f: &mut fmt::Formatter<'_>, slash: &str, prefix: u8, all: u8) -> fmt::Result {
    if prefix == all {
        return Ok(());
    }
    write!(f, "{slash}{prefix}")
}
