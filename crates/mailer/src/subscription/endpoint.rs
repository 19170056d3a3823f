//! Which URLs may be told of events: those of the world outside, and not what stands beside us.
//!
//! An endpoint is chosen by whoever may make subscriptions, and called from where we stand, so it must not lead to what only we can
//! reach: server-side request forgery. The URL is kept in the normalized form of the URL standard, so that what is called is what
//! was checked: `http://127.1/` and `http://0x7f000001/` are the address they mean.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

/// Longest URL of an endpoint, in octets.
pub const MAX_URL_OCTETS: usize = 1024;

/// Names that are never looked up in the DNS of the world.
const LOCAL_SUFFIXES: [&str; 6] = [
    "localhost",
    "local",
    "internal",
    "localdomain",
    "home.arpa",
    "onion",
];
/// Under which components reach each other: refused in development too.
const SIBLINGS: &str = "spin.internal";

/// How far endpoints may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only over HTTPS, and only addresses of the world.
    Public,
    /// Anything but our own siblings: for development.
    Anything,
}

/// Where notifications are posted: a normalized URL without user information and fragment.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Endpoint(Url);

impl fmt::Debug for Endpoint {
    /// Leaves out the query, which often holds a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({}, ..)", self.origin())
    }
}

/// Why a URL is no endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EndpointError {
    /// It is no URL.
    #[error("expected an absolute URL, found another text")]
    Syntax,
    /// It is longer than [`MAX_URL_OCTETS`].
    #[error("expected at most {MAX_URL_OCTETS} octets, found more")]
    TooLong,
    /// The scheme is another.
    #[error("expected https, found another scheme")]
    Scheme,
    /// There is a user name or password.
    #[error("expected no user name and no password in the URL, found some")]
    UserInformation,
    /// There is a fragment, which would not be sent.
    #[error("expected no fragment, found one")]
    Fragment,
    /// The host is an address that the world does not reach.
    #[error("expected a public address, found one that is private, local or reserved")]
    PrivateAddress,
    /// The host is a name that the world does not know.
    #[error("expected a name in the public DNS, found one that is local")]
    LocalName,
    /// The name leads to an address that the world does not reach.
    #[error(
        "expected a name that leads to public addresses, found one that leads to a private, local or reserved one"
    )]
    ResolvesToPrivate,
    /// The name has no address.
    #[error("expected a name with an address in the DNS, found none")]
    NoAddress,
    /// DNS did not say.
    #[error("expected an answer of DNS about the host, found none; try again")]
    Unresolved,
}

impl Endpoint {
    /// Parses a URL and checks all that can be seen in it.
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn parse(text: &str, reach: Reach) -> Result<Self, EndpointError> {
        let endpoint = Self::parse_form(text)?;
        endpoint.check(reach)?;
        Ok(endpoint)
    }

    fn parse_form(text: &str) -> Result<Self, EndpointError> {
        if text.len() > MAX_URL_OCTETS {
            return Err(EndpointError::TooLong);
        }
        let url = Url::parse(text).map_err(|_| EndpointError::Syntax)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(EndpointError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(EndpointError::UserInformation);
        }
        if url.fragment().is_some() {
            return Err(EndpointError::Fragment);
        }
        // Normalizing escapes, and that takes room.
        if url.as_str().len() > MAX_URL_OCTETS {
            return Err(EndpointError::TooLong);
        }
        Ok(Self(url))
    }

    /// Checks what can be seen in the URL; what its name leads to is checked by [`super::guard`].
    ///
    /// # Errors
    /// See [`EndpointError`].
    pub fn check(&self, reach: Reach) -> Result<(), EndpointError> {
        if self.host().is_some_and(|name| is_below(name, SIBLINGS)) {
            return Err(EndpointError::LocalName);
        }
        match reach {
            Reach::Anything => Ok(()),
            Reach::Public => self.check_public(),
        }
    }

    fn check_public(&self) -> Result<(), EndpointError> {
        if self.0.scheme() != "https" {
            return Err(EndpointError::Scheme);
        }
        match self.0.host() {
            Some(Host::Domain(name)) if is_local_name(name) => Err(EndpointError::LocalName),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(address)) if is_public(address.into()) => Ok(()),
            Some(Host::Ipv6(address)) if is_public(address.into()) => Ok(()),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => Err(EndpointError::PrivateAddress),
        }
    }

    /// The URL to post to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The host, if it is a name.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        match self.0.host() {
            Some(Host::Domain(name)) => Some(name),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => None,
        }
    }
}

impl TryFrom<String> for Endpoint {
    type Error = EndpointError;

    /// What was stored was checked when it was, and is again when it is called.
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse_form(&text)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> Self {
        endpoint.0.into()
    }
}

/// Whether a name is no name of the public DNS: of one label, or below a suffix that is kept for local use. A final dot, which would
/// hide the suffix, is taken off first.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    !name.contains('.') || LOCAL_SUFFIXES.iter().any(|suffix| is_below(name, suffix))
}

/// Whether `name`, lower-cased as the URL standard has it, is `suffix` or below it.
fn is_below(name: &str, suffix: &str) -> bool {
    let name = name.trim_end_matches('.');
    name.strip_suffix(suffix)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Whether an address is one of the world's: unicast, and not kept for private, local, shared, documentary or transitional use
/// (RFC 6890 and the registries it made).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    const RESERVED: [(Ipv4Addr, u32); 15] = [
        (Ipv4Addr::new(0, 0, 0, 0), 8),
        (Ipv4Addr::new(10, 0, 0, 0), 8),
        // Shared by carriers, RFC 6598.
        (Ipv4Addr::new(100, 64, 0, 0), 10),
        (Ipv4Addr::new(127, 0, 0, 0), 8),
        (Ipv4Addr::new(169, 254, 0, 0), 16),
        (Ipv4Addr::new(172, 16, 0, 0), 12),
        (Ipv4Addr::new(192, 0, 0, 0), 24),
        (Ipv4Addr::new(192, 0, 2, 0), 24),
        // Relays of 6to4, RFC 7526.
        (Ipv4Addr::new(192, 88, 99, 0), 24),
        (Ipv4Addr::new(192, 168, 0, 0), 16),
        // Benchmarks, RFC 2544.
        (Ipv4Addr::new(198, 18, 0, 0), 15),
        (Ipv4Addr::new(198, 51, 100, 0), 24),
        (Ipv4Addr::new(203, 0, 113, 0), 24),
        (Ipv4Addr::new(224, 0, 0, 0), 4),
        (Ipv4Addr::new(240, 0, 0, 0), 4),
    ];
    let bits = address.to_bits();
    !RESERVED
        .iter()
        .any(|(network, length)| (bits ^ network.to_bits()) >> (32 - length) == 0)
}

/// Only `2000::/3` is given out to the world, so loopback, link-local, unique local, multicast, IPv4-mapped and NAT64 addresses are
/// outside it; the rest is what is kept back inside.
fn is_public_v6(address: Ipv6Addr) -> bool {
    const RESERVED: [(Ipv6Addr, u32); 4] = [
        // Protocol assignments: Teredo, ORCHID, benchmarks.
        (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
        (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
        // 6to4 holds an IPv4 address.
        (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
        (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    ];
    const GLOBAL: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
    let within = |&(network, length): &(Ipv6Addr, u32)| {
        (address.to_bits() ^ network.to_bits()) >> (128 - length) == 0
    };
    within(&GLOBAL) && !RESERVED.iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn public(text: &str, expected: Result<&str, EndpointError>) {
        let parsed = Endpoint::parse(text, Reach::Public);
        assert_eq!(
            parsed.as_ref().map(Endpoint::as_str),
            expected.as_ref().copied()
        );
    }

    #[track_caller]
    fn refused(text: &str, error: EndpointError) {
        public(text, Err(error));
    }

    #[test]
    fn endpoints_are_in_the_world_and_over_https() {
        public(
            "https://hooks.example.com",
            Ok("https://hooks.example.com/"),
        );
        public(
            "HTTPS://Hooks.Example.com:443/a?code=b%20c",
            Ok("https://hooks.example.com/a?code=b%20c"),
        );
        public(
            "https://bücher.example/",
            Ok("https://xn--bcher-kva.example/"),
        );
        public("https://8.8.8.8:8443/", Ok("https://8.8.8.8:8443/"));
        public(
            "https://[2606:4700::1111]/",
            Ok("https://[2606:4700::1111]/"),
        );
        refused("http://hooks.example.com/", EndpointError::Scheme);
        refused("ftp://hooks.example.com/", EndpointError::Scheme);
        refused("file:///etc/passwd", EndpointError::Scheme);
        refused("hooks.example.com/a", EndpointError::Syntax);
        refused("/a", EndpointError::Syntax);
        refused("https://", EndpointError::Syntax);
        refused("https://a:99999/", EndpointError::Syntax);
        refused(
            "https://u@hooks.example.com/",
            EndpointError::UserInformation,
        );
        refused(
            "https://u:p@hooks.example.com/",
            EndpointError::UserInformation,
        );
        refused("https://hooks.example.com/#a", EndpointError::Fragment);
        refused(
            &format!("https://hooks.example.com/{}", "a".repeat(MAX_URL_OCTETS)),
            EndpointError::TooLong,
        );
        // Each takes three octets once it is escaped.
        refused(
            &format!("https://hooks.example.com/{}", "ü".repeat(400)),
            EndpointError::TooLong,
        );
    }

    #[test]
    fn addresses_that_only_we_reach_are_refused_however_they_are_written() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "017700000001",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "255.255.255.255",
            "[::]",
            "[::1]",
            "[::ffff:8.8.8.8]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[fe80::1]",
            "[fc00::1]",
            "[fd12:3456::1]",
            "[ff02::1]",
            "[2001:db8::1]",
            "[2001::1]",
            "[2002:7f00:1::1]",
            "[3fff::1]",
            "[100::1]",
        ] {
            refused(&format!("https://{host}/"), EndpointError::PrivateAddress);
        }
    }

    #[test]
    fn addresses_next_to_those_are_not() {
        for host in [
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2001:200::1]",
            "[2400::1]",
        ] {
            let url = format!("https://{host}/");
            public(&url, Ok(&url));
        }
    }

    #[test]
    fn names_that_only_we_know_are_refused() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "intranet",
            "printer.local",
            "printer.local.",
            "metadata.google.internal",
            "notify.spin.internal",
            "router.home.arpa",
        ] {
            refused(&format!("https://{host}/"), EndpointError::LocalName);
        }
        public("https://notlocal/", Err(EndpointError::LocalName));
        public("https://my-local.example/", Ok("https://my-local.example/"));
        public("https://notlocalhost.com/", Ok("https://notlocalhost.com/"));
    }

    #[test]
    fn development_reaches_all_but_our_siblings() {
        for url in [
            "http://127.0.0.1:8080/hook",
            "http://localhost:8080/",
            "http://hooks/",
            "https://[::1]/",
        ] {
            assert!(Endpoint::parse(url, Reach::Anything).is_ok(), "{url}");
        }
        for url in [
            "http://manage.spin.internal/",
            "http://Dispatch.Spin.Internal./tick",
        ] {
            let error = Endpoint::parse(url, Reach::Anything).err();
            assert_eq!(error, Some(EndpointError::LocalName), "{url}");
        }
    }

    #[test]
    fn debug_output_keeps_the_query_to_itself() {
        let endpoint = Endpoint::parse("https://a.example/x?code=secret", Reach::Public);
        assert_eq!(
            format!("{:?}", endpoint.unwrap()),
            "Endpoint(https://a.example, ..)"
        );
    }
}
