//! The DNS records a domain has to publish, and the zone-file snippet that has them all.

use std::fmt::Write as _;
use std::net::IpAddr;

use envelope::Domain;

use super::record::{Algorithm, DomainKey, DomainRecord, KeyState, Management};
use super::tracking::TrackingOrigin;
use super::verification::RecordKind;

/// How long resolvers may keep our records, in seconds.
pub const TTL_SECS: u32 = 3600;
/// What the ownership record begins with.
pub const OWNERSHIP_PREFIX: &str = "sendlet-domain-verification=";
/// The label of the return path below a customer's domain, unless he names another.
pub const RETURN_PATH_LABEL: &str = "bounces";
/// The most octets of one character-string of a TXT record: RFC 1035 section 3.3.
const CHARACTER_STRING_OCTETS: usize = 255;

/// What an installation's own DNS says, and customers' records point to.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The domain that managed domains are below.
    pub base: Domain,
    /// The addresses mail leaves from; may be empty while the operator has not said.
    pub sending_addresses: Vec<IpAddr>,
    /// The host that takes reports for return paths.
    pub bounce_host: Domain,
    /// Where links of mail lead, unless its domain has a host of its own for that; `None` if the operator has not said.
    pub tracking_origin: Option<TrackingOrigin>,
}

/// One DNS record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsRecord {
    /// `TXT`, `MX` or `CNAME`.
    pub record_type: &'static str,
    /// The owner, without the final dot.
    pub name: String,
    /// TXT: the text in one piece. MX: preference and host. CNAME: the host.
    pub value: String,
}

impl DnsRecord {
    fn txt(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            record_type: "TXT",
            name: name.into(),
            value: value.into(),
        }
    }

    /// The line of a zone file: RFC 1035 section 5.1.
    #[must_use]
    pub fn to_zone_line(&self) -> String {
        let data = match self.record_type {
            "TXT" => quoted_strings(&self.value),
            _ => format!("{}.", self.value),
        };
        format!("{}. {TTL_SECS} IN {} {data}", self.name, self.record_type)
    }
}

impl Installation {
    /// The name whose SPF record has the addresses mail leaves from.
    #[must_use]
    pub fn spf_host(&self) -> String {
        format!("spf.{}", self.base)
    }

    /// The domain of return paths for domains without one of their own.
    #[must_use]
    pub fn return_path(&self) -> Option<Domain> {
        Domain::parse(&format!("{RETURN_PATH_LABEL}.{}", self.base)).ok()
    }

    /// What SPF of a domain that sends with this installation has to hold.
    #[must_use]
    pub fn spf_include(&self) -> String {
        format!("include:{}", self.spf_host())
    }

    fn spf(&self) -> String {
        format!("v=spf1 {} -all", self.spf_include())
    }

    /// The SPF record with the addresses themselves.
    fn own_spf(&self) -> String {
        let mut text = String::from("v=spf1");
        for address in &self.sending_addresses {
            // Writing to a String cannot fail.
            let _ = match address {
                IpAddr::V4(address) => write!(text, " ip4:{address}"),
                IpAddr::V6(address) => write!(text, " ip6:{address}"),
            };
        }
        text + " -all"
    }

    /// What the operator publishes once, for the base domain.
    #[must_use]
    pub fn base_records(&self) -> Vec<DnsRecord> {
        let mut records = vec![DnsRecord::txt(self.spf_host(), self.own_spf())];
        if let Some(name) = self.return_path() {
            records.extend(self.return_path_records(&name));
        }
        records.push(DnsRecord::txt(
            format!("_dmarc.{}", self.base),
            "v=DMARC1; p=reject",
        ));
        records
    }

    fn return_path_records(&self, name: &Domain) -> [DnsRecord; 2] {
        let mx = DnsRecord {
            record_type: "MX",
            name: name.to_string(),
            value: format!("10 {}", self.bounce_host),
        };
        [mx, DnsRecord::txt(name.as_str(), self.spf())]
    }
}

impl DomainRecord {
    /// The domain of its return path, once that is verified.
    #[must_use]
    pub fn wanted_return_path(&self) -> &Domain {
        // A managed domain is all the service's, so reports may come to it directly.
        self.return_path.as_ref().unwrap_or(&self.domain)
    }

    /// The domain that the return path of its mail has now.
    #[must_use]
    pub fn return_path_now(&self, installation: &Installation) -> Option<Domain> {
        if self.management == Management::Managed || self.is_verified(RecordKind::ReturnPath) {
            Some(self.wanted_return_path().clone())
        } else {
            installation.return_path()
        }
    }

    /// The key that a kind of record publishes.
    #[must_use]
    pub fn key_of(&self, kind: RecordKind) -> Option<&DomainKey> {
        match kind {
            RecordKind::Dkim => self.current_key(Algorithm::RsaSha256),
            RecordKind::Dkim2 => self.next_key(Algorithm::RsaSha256),
            RecordKind::DkimEd25519 => self.current_key(Algorithm::Ed25519Sha256),
            RecordKind::Domain
            | RecordKind::Spf
            | RecordKind::Dmarc
            | RecordKind::ReturnPath
            | RecordKind::Tracking => None,
        }
    }

    /// Whether the domain has records of this kind, or will when keys that are being made are there.
    #[must_use]
    pub fn publishes(&self, kind: RecordKind) -> bool {
        match kind {
            RecordKind::Domain => !self.ownership_token.is_empty(),
            RecordKind::Dkim | RecordKind::Dkim2 | RecordKind::DkimEd25519 => {
                self.making.is_some() || self.key_of(kind).is_some()
            }
            RecordKind::Tracking => self.tracking_host.is_some(),
            RecordKind::Spf | RecordKind::Dmarc | RecordKind::ReturnPath => true,
        }
    }

    /// The DNS records of one kind; none while its key is being made, or where none is needed.
    #[must_use]
    pub fn records_of(&self, kind: RecordKind, installation: &Installation) -> Vec<DnsRecord> {
        let name = self.domain.as_str();
        match kind {
            RecordKind::Domain if self.ownership_token.is_empty() => Vec::new(),
            RecordKind::Domain => {
                let value = format!("{OWNERSHIP_PREFIX}{}", self.ownership_token);
                vec![DnsRecord::txt(name, value)]
            }
            RecordKind::Spf => vec![DnsRecord::txt(name, installation.spf())],
            RecordKind::Dkim | RecordKind::Dkim2 | RecordKind::DkimEd25519 => self
                .key_of(kind)
                .map(|key| self.key_record(key))
                .into_iter()
                .collect(),
            RecordKind::Dmarc => vec![DnsRecord::txt(
                format!("_dmarc.{name}"),
                "v=DMARC1; p=quarantine",
            )],
            RecordKind::ReturnPath => self.return_path_records(installation),
            RecordKind::Tracking => self.tracking_record(installation).into_iter().collect(),
        }
    }

    fn return_path_records(&self, installation: &Installation) -> Vec<DnsRecord> {
        let name = self.wanted_return_path();
        let records = installation.return_path_records(name);
        // The SPF record is the domain's own where both are one name.
        let is_own = |record: &DnsRecord| name == &self.domain && record.record_type == "TXT";
        records
            .into_iter()
            .filter(|record| !is_own(record))
            .collect()
    }

    /// The alias of the installation's host, unless it has none.
    fn tracking_record(&self, installation: &Installation) -> Option<DnsRecord> {
        let host = self.tracking_host.as_ref()?;
        let ours = installation.tracking_host().filter(|ours| *ours != host)?;
        Some(DnsRecord {
            record_type: "CNAME",
            name: host.to_string(),
            value: ours.to_string(),
        })
    }

    /// The record that publishes `key`.
    #[must_use]
    pub fn key_record(&self, key: &DomainKey) -> DnsRecord {
        DnsRecord::txt(
            format!("{}._domainkey.{}", key.selector, self.domain),
            key.record.as_str(),
        )
    }

    /// A zone-file snippet with everything this domain publishes, and for a managed domain what its base domain does.
    #[must_use]
    pub fn zone(&self, installation: &Installation) -> String {
        let mut text = format!("; DNS records of {} for Sendlet\n", self.domain);
        for kind in RecordKind::ALL {
            let records = self.records_of(kind, installation);
            if !records.is_empty() {
                push_section(&mut text, &describe(kind), &records);
            }
        }
        // It is made only when asked for, and not verified on its own: the rotation itself looks at it.
        if let Some(next) = self.next_key(Algorithm::Ed25519Sha256) {
            push_section(
                &mut text,
                "the Ed25519 key that signs after its next rotation",
                &[self.key_record(next)],
            );
        }
        let retiring: Vec<DnsRecord> = self.keys_in(KeyState::Retiring).collect();
        if !retiring.is_empty() {
            push_section(
                &mut text,
                "retired key: leave it until it is revoked",
                &retiring,
            );
        }
        if self.management == Management::Managed {
            if installation.sending_addresses.is_empty() {
                text.push_str(
                    "\n; The addresses that mail leaves from are not known: set the variable sending_addresses.\n",
                );
            }
            push_section(
                &mut text,
                "once for all domains below the base domain",
                &installation.base_records(),
            );
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "; {} takes the reports, so it needs an address: an A or AAAA record of that host.",
                installation.bounce_host
            );
        }
        text
    }

    fn keys_in(&self, state: KeyState) -> impl Iterator<Item = DnsRecord> {
        self.keys
            .iter()
            .filter(move |key| key.state == state)
            .map(|key| self.key_record(key))
    }
}

fn describe(kind: RecordKind) -> String {
    let purpose = match kind {
        RecordKind::Domain => "proves that the domain is yours",
        RecordKind::Spf => {
            "lets this service send; if there is an SPF record already, add the include to it"
        }
        RecordKind::Dkim => "the key that signs",
        RecordKind::Dkim2 => "the key that signs after the next rotation",
        RecordKind::DkimEd25519 => "the Ed25519 key that signs beside the RSA key",
        RecordKind::Dmarc => "the domain's policy; any valid policy will do",
        RecordKind::ReturnPath => "where reports about undelivered mail go",
        RecordKind::Tracking => "the host that links in its mail lead through",
    };
    format!("{kind}: {purpose}")
}

fn push_section(text: &mut String, title: &str, records: &[DnsRecord]) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n; {title}");
    for record in records {
        let _ = writeln!(text, "{}", record.to_zone_line());
    }
}

/// The value as character-strings of at most 255 octets each.
fn quoted_strings(value: &str) -> String {
    let mut strings = Vec::new();
    let mut rest = value;
    loop {
        let (string, more) = split_at_octets(rest, CHARACTER_STRING_OCTETS);
        strings.push(quoted(string));
        if more.is_empty() {
            return strings.join(" ");
        }
        rest = more;
    }
}

fn split_at_octets(text: &str, octets: usize) -> (&str, &str) {
    let mut at = octets.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    text.split_at(at)
}

fn quoted(string: &str) -> String {
    let escaped = string.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}
