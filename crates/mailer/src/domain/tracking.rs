//! Where the links in a domain's mail lead: to the installation's own origin, or to a host of the domain's that is an alias of it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use envelope::Domain;
use thiserror::Error;

use super::edit::DomainError;
use super::name::is_within;
use super::record::DomainRecord;
use super::requirement::Installation;
use super::verification::RecordKind;

/// A text that is no origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("expected an origin such as https://links.example.net, without a path, found another text")]
pub struct OriginError;

/// The origin that readers' links lead to: scheme, host and port (RFC 6454 section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingOrigin {
    scheme: &'static str,
    host: Host,
    // Invariant: not the scheme's own.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    Name(Domain),
    // An address, or `localhost`: for development.
    Local(String),
}

impl TrackingOrigin {
    /// Reads an origin; a slash at its end is passed over, and letter case and the scheme's own port mean nothing.
    ///
    /// # Errors
    /// When there is anything else: another scheme, user information, a path.
    pub fn parse(text: &str) -> Result<Self, OriginError> {
        let (scheme, rest) = text.split_once("://").ok_or(OriginError)?;
        let (scheme, own_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => ("http", 80),
            "https" => ("https", 443),
            _ => return Err(OriginError),
        };
        let (host, port) = split_port(rest.strip_suffix('/').unwrap_or(rest))?;
        Ok(Self {
            scheme,
            host: Host::parse(host).ok_or(OriginError)?,
            port: port.filter(|port| *port != own_port),
        })
    }

    /// The host, if DNS can have an alias of it.
    #[must_use]
    pub const fn host(&self) -> Option<&Domain> {
        match &self.host {
            Host::Name(domain) => Some(domain),
            Host::Local(_) => None,
        }
    }

    /// The same at another host: an alias has the port of what it is an alias of.
    fn at(&self, host: &Domain) -> Self {
        Self {
            host: Host::Name(host.clone()),
            ..self.clone()
        }
    }
}

impl fmt::Display for TrackingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl Host {
    fn parse(text: &str) -> Option<Self> {
        let inside = |text: &'_ str| Some(text.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        if let Some(address) = inside(text) {
            let address: Ipv6Addr = address.parse().ok()?;
            return Some(Self::Local(format!("[{address}]")));
        }
        if text.eq_ignore_ascii_case("localhost") {
            return Some(Self::Local("localhost".to_owned()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Local(address.to_string()));
        }
        Domain::parse(text).ok().map(Self::Name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(domain) => domain.fmt(f),
            Self::Local(text) => f.write_str(text),
        }
    }
}

/// A host and the port behind it; colons within brackets are the host's.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), OriginError> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            // `parse` would take a sign.
            let is_number = port.bytes().all(|octet| octet.is_ascii_digit());
            let port = port.parse().ok().filter(|_| is_number);
            port.map(|port| (host, Some(port))).ok_or(OriginError)
        }
        _ => Ok((authority, None)),
    }
}

impl Installation {
    /// The host that tracking hosts of domains are aliases of.
    #[must_use]
    pub fn tracking_host(&self) -> Option<&Domain> {
        self.tracking_origin.as_ref()?.host()
    }
}

impl DomainRecord {
    /// Where links in mail that is sent now lead, without a slash at the end: through the domain's own host once that is verified, else
    /// through the installation's. `None`: nowhere, so nothing is tracked.
    #[must_use]
    pub fn link_origin(&self, installation: &Installation) -> Option<String> {
        let is_verified = self.is_verified(RecordKind::Tracking);
        let own = self.tracking_host.as_ref().filter(|_| is_verified);
        match (own, &installation.tracking_origin) {
            (Some(host), Some(origin)) => Some(origin.at(host).to_string()),
            (Some(host), None) => Some(format!("https://{host}")),
            (None, origin) => origin.as_ref().map(ToString::to_string),
        }
    }
}

/// The host that `text` names, if it may be a tracking host of `domain`: one below it, which can have a CNAME record.
///
/// # Errors
/// [`DomainError::TrackingHost`].
pub(super) fn tracking_host(domain: &Domain, text: &str) -> Result<Domain, DomainError> {
    Domain::parse(text)
        .ok()
        .filter(|host| is_within(host, domain) && host != domain)
        .ok_or_else(|| DomainError::TrackingHost(domain.clone()))
}

/// Whether return path and tracking host are two names, as they have to be.
///
/// # Errors
/// [`DomainError::OneHostForTwo`].
pub(super) fn check_hosts(
    return_path: Option<&Domain>,
    tracking_host: Option<&Domain>,
) -> Result<(), DomainError> {
    // RFC 1034 section 3.6.2: where a CNAME record is, no other may be, and a return path has two.
    if tracking_host.is_some() && tracking_host == return_path {
        return Err(DomainError::OneHostForTwo);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Management;
    use crate::domain::verification::{Status, Verification};
    use crate::time::Timestamp;

    #[track_caller]
    fn check(text: &str, shown: &str, host: Option<&str>) {
        let origin = TrackingOrigin::parse(text).unwrap();
        assert_eq!(origin.to_string(), shown);
        assert_eq!(origin.host().map(Domain::as_str), host);
        assert_eq!(TrackingOrigin::parse(shown), Ok(origin));
    }

    #[test]
    fn an_origin_is_read_in_any_spelling() {
        let host = Some("links.example.net");
        check(
            "https://links.example.net",
            "https://links.example.net",
            host,
        );
        check(
            "HTTPS://Links.Example.Net:443/",
            "https://links.example.net",
            host,
        );
        check(
            "http://links.example.net:80",
            "http://links.example.net",
            host,
        );
        let shown = "http://links.example.net:443";
        check(shown, shown, host);
        let alabel = "xn--bcher-kva.example";
        check(
            "https://bücher.example",
            &format!("https://{alabel}"),
            Some(alabel),
        );
        check("http://127.0.0.1:3000", "http://127.0.0.1:3000", None);
        check("http://[0:0::1]:3000/", "http://[::1]:3000", None);
        check("http://[::1]", "http://[::1]", None);
        check("http://LocalHost:3000", "http://localhost:3000", None);
    }

    #[test]
    fn what_is_more_than_an_origin_is_refused() {
        for text in [
            "",
            "links.example.net",
            "//links.example.net",
            "ftp://links.example.net",
            "https://",
            "https:///",
            "https://:443",
            "https://links",
            "https://links.example.net/c",
            "https://links.example.net//",
            "https://links.example.net?a",
            "https://links.example.net#a",
            "https://links.example.net:",
            "https://links.example.net:+1",
            "https://links.example.net:65536",
            "https://links.example.net:1:2",
            "https://me@links.example.net",
            "https://links.example.net\\c",
            "https://links.example.net\r\nx",
            "https://*.example.net",
            "https://::1",
            "https://[::1",
            "https://[::1]x",
            "https://[127.0.0.1]",
            "https://a\"b.example",
        ] {
            assert_eq!(TrackingOrigin::parse(text), Err(OriginError), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn an_origin_that_is_shown_is_read_as_the_same(text in "(https?://)?[a-zA-Z0-9.:@/\\[\\]ü-]{0,24}") {
            if let Ok(origin) = TrackingOrigin::parse(&text) {
                let shown = origin.to_string();
                proptest::prop_assert!(!shown.ends_with('/') && !shown.contains('@'));
                proptest::prop_assert_eq!(TrackingOrigin::parse(&shown), Ok(origin));
            }
        }
    }

    fn record(host: &str) -> DomainRecord {
        let domain = Domain::parse("shop.example.com").unwrap();
        let now = Timestamp::from_millis(0);
        let mut record = DomainRecord::new(domain, Management::Customer, now);
        record.tracking_host = Some(Domain::parse(host).unwrap());
        record
    }

    fn installation(origin: Option<&str>) -> Installation {
        Installation {
            base: Domain::parse("mail.example").unwrap(),
            sending_addresses: Vec::new(),
            bounce_host: Domain::parse("mx.mail.example").unwrap(),
            tracking_origin: origin.map(|text| TrackingOrigin::parse(text).unwrap()),
        }
    }

    #[track_caller]
    fn leads(status: Status, origin: Option<&str>, expected: Option<&str>) {
        let mut record = record("links.shop.example.com");
        let verification = Verification {
            status,
            ..Verification::requested(Timestamp::from_millis(0))
        };
        record
            .verifications
            .insert(RecordKind::Tracking, verification);
        let found = record.link_origin(&installation(origin));
        assert_eq!(found.as_deref(), expected, "{status:?}");
    }

    #[test]
    fn links_lead_through_the_domains_own_host_only_while_it_is_verified() {
        let ours = Some("http://links.example.net:8080");
        let own = Some("http://links.shop.example.com:8080");
        leads(Status::Verified, ours, own);
        leads(
            Status::Verified,
            None,
            Some("https://links.shop.example.com"),
        );
        for status in [
            Status::VerificationRequested,
            Status::VerificationInProgress,
            Status::VerificationFailed,
            Status::CancellationRequested,
        ] {
            leads(status, ours, ours);
            leads(status, None, None);
        }
        let mut without = record("links.shop.example.com");
        without.tracking_host = None;
        assert_eq!(without.link_origin(&installation(None)), None);
        let verified = Verification::seen(Timestamp::from_millis(0));
        without.verifications.insert(RecordKind::Tracking, verified);
        assert_eq!(without.link_origin(&installation(ours)).as_deref(), ours);
    }

    #[test]
    fn a_tracking_host_is_below_its_domain() {
        let domain = Domain::parse("shop.example.com").unwrap();
        let parse = |text: &str| tracking_host(&domain, text).ok();
        let found = parse("Links.Shop.Example.COM");
        assert_eq!(found.unwrap().as_str(), "links.shop.example.com");
        let found = parse("bücher.shop.example.com");
        assert_eq!(found.unwrap().as_str(), "xn--bcher-kva.shop.example.com");
        let long = format!("{}.shop.example.com", "a.".repeat(120));
        let label = format!("{}.shop.example.com", "a".repeat(64));
        for text in [
            "",
            "shop.example.com",
            "SHOP.example.com",
            "example.com",
            "links.example.com",
            "linksshop.example.com",
            "links.shop.example.com.other.example",
            "links.shop.example.com.",
            "*.shop.example.com",
            ".shop.example.com",
            "a_b.shop.example.com",
            "a/b.shop.example.com",
            "https://links.shop.example.com",
            "links.shop.example.com:443",
            "a\r\nb.shop.example.com",
            "192.0.2.1",
            &long,
            &label,
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
