//! Whether a tracking host is an alias of ours: RFC 1034 section 3.6.2.
//!
//! Only CNAME records count. Addresses that equal ours today are no alias: they stay behind when ours change.

use dns::{Name, RecordData, RecordType, Resolver};
use envelope::Domain;

use super::{Doubt, Judged, Looked, Observer};
use crate::domain::verification::{Fault, FaultCode};

/// Aliases that may stand between a tracking host and ours: each costs a question of ours, and of every reader's resolver.
const MAX_ALIASES: usize = 4;

impl<R: Resolver> Observer<'_, R> {
    pub(super) async fn tracking(&self) -> Judged {
        let ours = self.installation.tracking_host();
        let (Some(host), Some(ours)) = (&self.record.tracking_host, ours) else {
            return Err(Doubt::Unknown(Fault::new(
                FaultCode::NoTrackingUrl,
                "expected a host for the CNAME record to lead to, found none: the variable tracking_url has to name one",
            )));
        };
        if host == ours {
            let remark =
                format!("{host} is the host of tracking_url itself, so it needs no record");
            return Ok(Some(remark));
        }
        self.follow_aliases(host, ours).await
    }

    async fn follow_aliases(&self, host: &Domain, ours: &Domain) -> Judged {
        let mut passed: Vec<Name> = Vec::new();
        loop {
            let name = passed.last().map_or(host.as_str(), Name::as_str);
            let looked = self.look(name, RecordType::Cname).await?;
            match aliased(&looked).as_slice() {
                [] if passed.is_empty() => return Err(self.no_alias(&looked, ours).await),
                [alias] if alias.as_str() == ours.as_str() => {
                    return Ok(detour(host, ours, &passed));
                }
                [alias] if passed.len() < MAX_ALIASES => passed.push((*alias).clone()),
                [] => return Err(elsewhere(host, ours, &passed)),
                [alias] => {
                    passed.push((*alias).clone());
                    return Err(elsewhere(host, ours, &passed));
                }
                several => {
                    let found = listed(several.iter().copied());
                    let message =
                        format!("expected one CNAME record at {name}, found several: {found}");
                    return Err(Doubt::refuted(FaultCode::MultipleRecords, message));
                }
            }
        }
    }

    /// Says what is there instead, since those who serve DNS like to turn aliases into addresses.
    async fn no_alias(&self, looked: &Looked, ours: &Domain) -> Doubt {
        let name = &looked.name;
        for record_type in [RecordType::A, RecordType::Aaaa] {
            // It only explains, so an answer that does not come is no fault of the record.
            let Ok(found) = self.look(name, record_type).await else {
                continue;
            };
            if let Some(address) = found.answer.records.first().and_then(address) {
                let message = format!(
                    "expected the CNAME record {ours} at {name}, found the address {address} and no CNAME record: a proxy before the host has to be switched off, and aliases must not be flattened"
                );
                return Doubt::refuted(FaultCode::RecordNotFound, message);
            }
        }
        looked.missing(&format!("the CNAME record {ours}"))
    }
}

/// The names that a name is an alias of, which has to be one.
fn aliased(looked: &Looked) -> Vec<&Name> {
    looked.answer.records.iter().filter_map(alias).collect()
}

fn alias(data: &RecordData) -> Option<&Name> {
    match data {
        RecordData::Cname(name) => Some(name),
        RecordData::A(_)
        | RecordData::Aaaa(_)
        | RecordData::Mx { .. }
        | RecordData::Ptr(_)
        | RecordData::Txt(_) => None,
    }
}

fn address(data: &RecordData) -> Option<String> {
    match data {
        RecordData::A(address) => Some(address.to_string()),
        RecordData::Aaaa(address) => Some(address.to_string()),
        RecordData::Cname(_) | RecordData::Mx { .. } | RecordData::Ptr(_) | RecordData::Txt(_) => {
            None
        }
    }
}

fn detour(host: &Domain, ours: &Domain, passed: &[Name]) -> Option<String> {
    (!passed.is_empty()).then(|| {
        let passed = listed(passed);
        format!(
            "{host} leads to {ours} by way of {passed}: whoever holds those holds the links too"
        )
    })
}

fn elsewhere(host: &Domain, ours: &Domain, passed: &[Name]) -> Doubt {
    let message = format!(
        "expected the CNAME record {ours} at {host}, found one that leads to {}",
        listed(passed)
    );
    Doubt::refuted(FaultCode::RecordMismatch, message)
}

fn listed<'a>(names: impl IntoIterator<Item = &'a Name>) -> String {
    let names: Vec<&str> = names.into_iter().map(Name::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dns::zone::{Zone, ready};

    use super::super::observe;
    use crate::domain::verification::{Finding, FindingResult, RecordKind};
    use crate::domain::{DomainRecord, Installation, Management, TrackingOrigin};
    use crate::time::Timestamp;
    use envelope::Domain;

    const HOST: &str = "links.shop.example.com";

    fn domain(text: &str) -> Domain {
        Domain::parse(text).unwrap()
    }

    fn observed(zone: &str, host: &str, tracking_url: Option<&str>) -> Finding {
        let now = Timestamp::from_millis(0);
        let mut record = DomainRecord::new(domain("shop.example.com"), Management::Customer, now);
        record.tracking_host = Some(domain(host));
        let installation = Installation {
            base: domain("mail.example"),
            sending_addresses: Vec::new(),
            bounce_host: domain("mx.mail.example"),
            tracking_origin: tracking_url.map(|url| TrackingOrigin::parse(url).unwrap()),
        };
        let zone = Zone::parse(zone).unwrap();
        let look = observe(&zone, &record, &installation, RecordKind::Tracking);
        ready(look).unwrap()
    }

    /// The zone has to give this, with the TTL of the zone's answers, or none where DNS did not say.
    #[track_caller]
    fn check(zone: &str, expected: &str) {
        let found = observed(zone, HOST, Some("https://links.example.net"));
        let (text, ttl) = match found.result {
            FindingResult::Confirmed(remark) => (remark.unwrap_or_default(), 300),
            FindingResult::Refuted(fault) => {
                (format!("{}: {}", fault.code.as_str(), fault.message), 300)
            }
            FindingResult::Unknown(fault) => (format!("{}?", fault.code.as_str()), 0),
        };
        assert_eq!(text, expected);
        assert_eq!(found.ttl, Duration::from_secs(ttl));
    }

    #[test]
    fn an_alias_of_our_host_is_right_and_nothing_else_is() {
        check("links.shop.example.com CNAME Links.Example.Net.", "");
        check(
            "links.shop.example.com CNAME other.example.net",
            "RecordMismatch: expected the CNAME record links.example.net at links.shop.example.com, found one that leads to other.example.net",
        );
        check(
            "links.shop.example.com CNAME notlinks.example.net\nlinks.example.net A 192.0.2.1",
            "RecordMismatch: expected the CNAME record links.example.net at links.shop.example.com, found one that leads to notlinks.example.net",
        );
        check(
            "links.shop.example.com CNAME links.example.net\nlinks.shop.example.com CNAME b.example",
            "MultipleRecords: expected one CNAME record at links.shop.example.com, found several: links.example.net, b.example",
        );
        check(
            "shop.example.com A 192.0.2.1",
            "DomainDoesNotExist: expected the CNAME record links.example.net at links.shop.example.com, found no such name in DNS",
        );
        check(
            "links.shop.example.com TXT \"x\"",
            "RecordNotFound: expected the CNAME record links.example.net at links.shop.example.com, found none",
        );
    }

    #[test]
    fn addresses_are_no_alias_even_if_they_are_ours() {
        let told = "RecordNotFound: expected the CNAME record links.example.net at links.shop.example.com, found the address";
        let rest = "and no CNAME record: a proxy before the host has to be switched off, and aliases must not be flattened";
        check(
            "links.shop.example.com A 192.0.2.1\nlinks.example.net A 192.0.2.1",
            &format!("{told} 192.0.2.1 {rest}"),
        );
        check(
            "links.shop.example.com AAAA 2001:db8::1",
            &format!("{told} 2001:db8::1 {rest}"),
        );
    }

    /// `length` aliases one after the other, the last of which is one of `end`.
    fn chain(length: usize, end: &str) -> String {
        let name = |n| match n {
            0 => HOST.to_owned(),
            n if n == length => end.to_owned(),
            n => format!("a{n}.example"),
        };
        let lines = (0..length).map(|n| format!("{} CNAME {}\n", name(n), name(n + 1)));
        lines.collect()
    }

    #[test]
    fn aliases_of_aliases_are_followed_a_few_steps() {
        check(
            &chain(2, "links.example.net"),
            "links.shop.example.com leads to links.example.net by way of a1.example: whoever holds those holds the links too",
        );
        check(
            &chain(5, "links.example.net"),
            "links.shop.example.com leads to links.example.net by way of a1.example, a2.example, a3.example, a4.example: whoever holds those holds the links too",
        );
        let told = "RecordMismatch: expected the CNAME record links.example.net at links.shop.example.com, found one that leads to";
        check(
            &chain(6, "links.example.net"),
            &format!("{told} a1.example, a2.example, a3.example, a4.example, a5.example"),
        );
        check(
            &chain(2, "b.example"),
            &format!("{told} a1.example, b.example"),
        );
        check(
            &chain(1, HOST),
            &format!("{told} {HOST}, {HOST}, {HOST}, {HOST}, {HOST}"),
        );
    }

    #[test]
    fn a_dns_that_does_not_answer_says_nothing_of_the_host() {
        check("links.shop.example.com SERVFAIL", "DnsServerFailure?");
        check("links.shop.example.com TIMEOUT", "DnsTimeout?");
        let behind = "links.shop.example.com CNAME a.example\na.example SERVFAIL";
        check(behind, "DnsServerFailure?");
    }

    #[test]
    fn without_a_host_of_ours_there_is_nothing_to_look_for() {
        for url in [
            None,
            Some("http://127.0.0.1:3000"),
            Some("http://localhost"),
        ] {
            let alias = "links.shop.example.com CNAME links.example.net";
            let found = observed(alias, HOST, url).result;
            let FindingResult::Unknown(fault) = found else {
                panic!("expected nothing certain, found {found:?}");
            };
            assert_eq!(fault.code.as_str(), "NoTrackingUrl");
        }
    }

    #[test]
    fn our_own_host_below_the_domain_needs_no_record() {
        let found = observed("", HOST, Some("https://links.shop.example.com"));
        assert!(matches!(found.result, FindingResult::Confirmed(Some(_))));
    }
}
