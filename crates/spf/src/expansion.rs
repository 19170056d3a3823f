//! Expanding macros: RFC 7208 section 7.3.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::IpAddr;

use dns::{Name, limits::MAX_NAME};

use crate::DomainSpec;
use crate::domain_spec::{Letter, Macro, Part};

/// What macros stand for.
pub(crate) struct Values<'a> {
    pub(crate) local_part: &'a str,
    pub(crate) sender_domain: &'a str,
    pub(crate) domain: &'a str,
    pub(crate) address: IpAddr,
    pub(crate) validated_name: &'a str,
    pub(crate) helo: &'a str,
}

impl DomainSpec {
    /// The name it stands for. None where the result is no name.
    pub(crate) fn expand(&self, values: &Values<'_>) -> Option<Name> {
        let mut text = String::new();
        for part in self.parts() {
            match part {
                Part::Literal(literal) => text.push_str(literal),
                Part::Macro(found) => text.push_str(&found.expand(values)),
            }
        }
        Name::parse_printable(shortened(&text)).ok()
    }

    /// The name it stands for in the record of `domain`. None where that depends on the sender, or is no name.
    pub(crate) fn expand_static(&self, domain: &Name) -> Option<Name> {
        let values = Values {
            local_part: "",
            sender_domain: "",
            domain: domain.as_str(),
            address: IpAddr::V4(core::net::Ipv4Addr::UNSPECIFIED),
            validated_name: "",
            helo: "",
        };
        self.is_static().then(|| self.expand(&values)).flatten()
    }
}

impl Macro {
    fn expand(&self, values: &Values<'_>) -> String {
        let value = values.of(self.letter);
        let mut parts: Vec<&str> = value.split(|c| self.delimiters.contains(c)).collect();
        if self.is_reversed {
            parts.reverse();
        }
        let left_out = parts.len().saturating_sub(self.kept);
        let kept = parts.get(left_out..).unwrap_or_default().join(".");
        if self.is_escaped {
            escaped(&kept)
        } else {
            kept
        }
    }
}

impl Values<'_> {
    fn of(&self, letter: Letter) -> String {
        match letter {
            Letter::Sender => format!("{}@{}", self.local_part, self.sender_domain),
            Letter::LocalPart => self.local_part.to_string(),
            Letter::SenderDomain => self.sender_domain.to_string(),
            Letter::Domain => self.domain.to_string(),
            Letter::Address => dotted(self.address),
            Letter::ValidatedName => self.validated_name.to_string(),
            Letter::AddressFamily => family(self.address).to_string(),
            Letter::Helo => self.helo.to_string(),
            // No domain has these.
            Letter::ExplanationOnly => String::new(),
        }
    }
}

fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "in-addr",
        IpAddr::V6(_) => "ip6",
    }
}

/// Octets in decimal, or half octets in hexadecimal, with dots between them.
fn dotted(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let halves = address.octets().into_iter().flat_map(|o| [o >> 4, o & 15]);
            let digits: Vec<String> = halves.map(|half| format!("{half:x}")).collect();
            digits.join(".")
        }
    }
}

/// Everything but the unreserved characters of RFC 3986 section 2.3 as percent and two digits.
fn escaped(text: &str) -> String {
    let mut found = String::new();
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_' | b'~') {
            found.push(char::from(octet));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(found, "%{octet:02X}");
        }
    }
    found
}

/// Takes labels off the left until the rest is short enough for the DNS.
fn shortened(text: &str) -> &str {
    let mut text = text.strip_suffix('.').unwrap_or(text);
    while text.len() > MAX_NAME {
        let Some((_, rest)) = text.split_once('.') else {
            break;
        };
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values {
        local_part: "strong-bad",
        sender_domain: "email.example.com",
        domain: "email.example.com",
        address: IpAddr::V4(core::net::Ipv4Addr::new(192, 0, 2, 3)),
        validated_name: "mx.example.org",
        helo: "mta.example.net",
    };

    /// Expands what is no domain too, by its parts.
    fn expanded(text: &str, values: &Values<'_>) -> String {
        let spec = DomainSpec::parse(&format!("{text}%{{d}}"), 0).unwrap();
        let macros = spec.parts().iter().map(|part| match part {
            Part::Literal(literal) => literal.clone(),
            Part::Macro(found) => found.expand(values),
        });
        let all: String = macros.collect();
        all.strip_suffix(values.domain).unwrap().to_string()
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(expanded(text, &VALUES), expected);
    }

    /// The table of section 7.4.
    #[test]
    fn the_examples_of_the_rfc_expand_as_it_says() {
        check("%{s}", "strong-bad@email.example.com");
        check("%{o}", "email.example.com");
        check("%{d}", "email.example.com");
        check("%{d4}", "email.example.com");
        check("%{d3}", "email.example.com");
        check("%{d2}", "example.com");
        check("%{d1}", "com");
        check("%{dr}", "com.example.email");
        check("%{d2r}", "example.email");
        check("%{l}", "strong-bad");
        check("%{l-}", "strong.bad");
        check("%{lr}", "strong-bad");
        check("%{lr-}", "bad.strong");
        check("%{l1r-}", "strong");
        let with_address = "%{ir}.%{v}._spf.%{d2}";
        check(with_address, "3.2.0.192.in-addr._spf.example.com");
        check("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com");
        let all = "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}";
        check(all, "bad.strong.lp.3.2.0.192.in-addr._spf.example.com");
        let some = "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}";
        check(some, "3.2.0.192.in-addr.strong.lp._spf.example.com");
        let trusted = "%{d2}.trusted-domains.example.net";
        check(trusted, "example.com.trusted-domains.example.net");
    }

    #[test]
    fn an_ipv6_address_expands_to_its_half_octets() {
        let values = Values {
            address: "2001:db8::cb01".parse().unwrap(),
            ..VALUES
        };
        let expected = "1.0.b.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.\
            _spf.example.com";
        assert_eq!(expanded("%{ir}.%{v}._spf.%{d2}", &values), expected);
    }

    #[test]
    fn other_letters_delimiters_and_signs_expand() {
        check("%{h}.%{p}", "mta.example.net.mx.example.org");
        check("%{i}", "192.0.2.3");
        check("%{S}", "strong-bad%40email.example.com");
        check("%%%_%-", "% %20");
        check("%{s2.-+,/_=}", "example.com");
    }

    #[test]
    fn names_that_are_too_long_lose_labels_on_the_left() {
        let label = "a".repeat(60);
        let long = [label.as_str(); 5].join(".");
        assert_eq!(shortened(&long), [label.as_str(); 4].join("."));
        assert_eq!(shortened("a.example."), "a.example");
    }
}
