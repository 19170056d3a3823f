//! `allowed_outbound_hosts`, read and applied as Spin does: `scheme://host[:port]`, with `*` for any scheme, any host, any
//! port or as the first label of a host, port ranges `a..b` (without `b`), and networks such as `10.0.0.0/8`.
//!
//! # Not supported
//! `self`, and lists in braces, which Spin does not support either.

use std::{net::IpAddr, ops::Range};

use url::Url;

/// The domain under which components reach each other.
const SIBLINGS: &str = ".spin.internal";

/// The hosts one component may send requests to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedHosts(Vec<AllowedHost>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct AllowedHost {
    /// A scheme, or nothing for any.
    scheme: Option<String>,
    host: Host,
    /// Ports, or nothing for any.
    ports: Option<Range<u32>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Any,
    /// The suffix starts with a dot.
    Under(String),
    Exact(String),
    Network(IpAddr, u32),
}

impl AllowedHosts {
    /// Reads the entries, whose templates have been expanded.
    ///
    /// # Errors
    /// The first entry that is malformed, and what is wrong with it.
    pub(crate) fn parse(entries: &[String]) -> Result<Self, (String, &'static str)> {
        let parsed = entries.iter().map(|entry| {
            AllowedHost::parse(entry.trim()).map_err(|reason| (entry.clone(), reason))
        });
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Tells whether a request to this URL may be sent.
    pub(crate) fn allows(&self, url: &str) -> bool {
        let Ok(url) = Url::parse(url) else {
            return false;
        };
        self.0.iter().any(|allowed| allowed.allows(&url))
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<Self, &'static str> {
        let (scheme, rest) = entry
            .split_once("://")
            .ok_or("expected '<scheme>://<host>[:<port>]'")?;
        let (host, port) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let (port, path) = port.split_once('/').unwrap_or((port, ""));
        if !path.is_empty() {
            return Err("expected no path");
        }
        Ok(Self {
            scheme: parse_scheme(scheme)?,
            host: Host::parse(host)?,
            ports: parse_ports(port, scheme)?,
        })
    }

    fn allows(&self, url: &Url) -> bool {
        let port = url.port_or_known_default().map(u32::from);
        self.scheme
            .as_deref()
            .is_none_or(|scheme| scheme == url.scheme())
            && url.host_str().is_some_and(|host| self.host.allows(host))
            && self
                .ports
                .as_ref()
                .is_none_or(|ports| port.is_some_and(|port| ports.contains(&port)))
    }
}

impl Host {
    fn parse(host: &str) -> Result<Self, &'static str> {
        if let Some(network) = parse_network(host) {
            return Ok(network);
        }
        // `http://host/` is taken for `http://host`.
        let host = host.trim().trim_end_matches('/');
        match host {
            "*" => Ok(Self::Any),
            "" => Err("expected a host"),
            "self" | "self.alt" => {
                Err("expected a host other than 'self', which this host does not support")
            }
            _ if host.contains('/') => Err("expected no path"),
            _ if host.starts_with('{') => Err("expected one host, found a list"),
            _ => match host.strip_prefix("*.") {
                Some(domain) if !domain.contains('*') => Ok(Self::Under(format!(".{domain}"))),
                None if !host.contains('*') => Ok(Self::Exact(host.to_owned())),
                Some(_) | None => Err("expected '*' as the whole host or as its first label only"),
            },
        }
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Under(suffix) => host.ends_with(suffix),
            Self::Exact(exact) => exact == host,
            Self::Network(network, prefix) => host
                .parse()
                .is_ok_and(|address| within(address, *network, *prefix)),
        }
    }
}

fn parse_scheme(scheme: &str) -> Result<Option<String>, &'static str> {
    match scheme {
        "*" => Ok(None),
        "" => Err("expected a scheme"),
        _ if scheme.chars().all(char::is_alphabetic) => Ok(Some(scheme.to_owned())),
        _ => Err("expected a scheme of letters"),
    }
}

fn parse_ports(ports: &str, scheme: &str) -> Result<Option<Range<u32>>, &'static str> {
    const NUMBER: &str = "expected a port number or a range of them";
    let number = |text: &str| text.parse::<u16>().map(u32::from).map_err(|_| NUMBER);
    match ports {
        "*" => return Ok(None),
        "" => {
            return known_port(scheme)
                .map(|port| Some(port..port + 1))
                .ok_or("expected a port, since the scheme has none of its own");
        }
        _ => {}
    }
    if let Some((start, end)) = ports.split_once("..") {
        return Ok(Some(number(start)?..number(end)?));
    }
    number(ports).map(|port| Some(port..port + 1))
}

fn known_port(scheme: &str) -> Option<u32> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        _ => None,
    }
}

fn parse_network(host: &str) -> Option<Host> {
    let (address, prefix) = host.split_once('/')?;
    let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse::<u32>().ok()?);
    let longest = if address.is_ipv4() { 32 } else { 128 };
    (prefix <= longest).then_some(Host::Network(address, prefix))
}

fn within(address: IpAddr, network: IpAddr, prefix: u32) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let different = u32::from(address) ^ u32::from(network);
            different.checked_shr(32 - prefix).unwrap_or(0) == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let different = u128::from(address) ^ u128::from(network);
            different.checked_shr(128 - prefix).unwrap_or(0) == 0
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Returns the component a host name such as `dispatch.spin.internal` means.
pub(crate) fn sibling(host: &str) -> Option<&str> {
    host.strip_suffix(SIBLINGS)
        .filter(|component| !component.is_empty() && !component.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, allowed: &[&str], refused: &[&str]) {
        let hosts = AllowedHosts::parse(&[entry.to_owned()]).unwrap();
        for url in allowed {
            assert!(hosts.allows(url), "{entry} should allow {url}");
        }
        for url in refused {
            assert!(!hosts.allows(url), "{entry} should refuse {url}");
        }
    }

    #[test]
    fn without_entries_nothing_is_allowed() {
        assert!(!AllowedHosts::default().allows("http://example.com/"));
    }

    #[test]
    fn scheme_host_and_port_must_all_match() {
        check(
            "http://example.com",
            &[
                "http://example.com/",
                "http://example.com:80/x?y",
                "http://EXAMPLE.com/",
            ],
            &[
                "https://example.com/",
                "http://example.com:8080/",
                "http://example.com.evil/",
                "http://x.example.com/",
            ],
        );
        check(
            "http://127.0.0.1:8025",
            &["http://127.0.0.1:8025/v1"],
            &["http://127.0.0.1/", "http://127.0.0.2:8025/"],
        );
        check(
            "https://example.com/",
            &["https://example.com/"],
            &["http://example.com/"],
        );
    }

    #[test]
    fn user_information_does_not_pass_for_a_host() {
        check(
            "http://example.com",
            &[],
            &[
                "http://example.com@evil.test/",
                "http://evil.test/example.com",
            ],
        );
    }

    #[test]
    fn wildcards_stand_for_any_scheme_label_or_port() {
        check(
            "*://example.com:*",
            &["http://example.com:1/", "https://example.com/"],
            &["http://example.org/"],
        );
        check(
            "https://*.example.com",
            &["https://a.b.example.com/"],
            &["https://example.com/", "https://aexample.com/"],
        );
        check("*://*:*", &["http://a:1/", "https://b/"], &["not a url"]);
    }

    #[test]
    fn a_port_range_leaves_out_its_end() {
        check(
            "http://a:8000..8002",
            &["http://a:8000/", "http://a:8001/"],
            &["http://a:8002/", "http://a:7999/"],
        );
    }

    #[test]
    fn networks_hold_addresses_not_names() {
        check(
            "http://10.0.0.0/8:80",
            &["http://10.1.2.3/"],
            &["http://11.0.0.1/", "http://localhost/"],
        );
        check(
            "http://0.0.0.0/0:*",
            &["http://1.2.3.4:5/"],
            &["http://example.com/"],
        );
    }

    #[test]
    fn siblings_are_allowed_by_name() {
        check(
            "http://dispatch.spin.internal",
            &["http://dispatch.spin.internal/x"],
            &["http://send.spin.internal/"],
        );
        assert_eq!(sibling("dispatch.spin.internal"), Some("dispatch"));
        for host in [
            "spin.internal",
            ".spin.internal",
            "a.b.spin.internal",
            "dispatch.spin.internal.evil",
        ] {
            assert_eq!(sibling(host), None, "{host}");
        }
    }

    #[test]
    fn malformed_entries_are_refused() {
        for entry in [
            "",
            "*",
            "example.com",
            "http://",
            "http://a/path",
            "http://a:80/path",
            "http://a:x",
            "ftp://a",
            "http://a.*",
            "http://self",
            "h1://a:1",
        ] {
            assert!(AllowedHosts::parse(&[entry.to_owned()]).is_err(), "{entry}");
        }
    }
}
