//! Feedback: RFC 5965, with the types of RFC 6430 (not-spam) and RFC 6591 (auth-failure).

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use envelope::AddrSpec;

use crate::ReportError;
use crate::delivery::{MAX_RECIPIENTS, mta};
use crate::field::{Fields, Singles};
use crate::recipient::bare_address;
use crate::text::without_comments;

/// What a mailbox provider tells of a message, most often that the recipient calls it spam.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedbackReport {
    /// Feedback-Type (section 3.1).
    pub feedback_type: FeedbackType,
    /// User-Agent: what made the report (section 3.1).
    pub user_agent: String,
    /// Version, as it stands there: `1`, or `0.1` of the drafts (section 3.1).
    pub version: String,
    /// Original-Envelope-Id (section 3.2).
    pub original_envelope_id: Option<String>,
    /// Original-Mail-From (section 3.2); none for the null path too.
    pub original_mail_from: Option<AddrSpec>,
    /// Original-Rcpt-To (section 3.2), at most [`MAX_RECIPIENTS`]. Providers leave it out or redact it (RFC 6590).
    pub original_rcpt_to: Vec<AddrSpec>,
    /// Arrival-Date or, of the drafts, Received-Date, as it stands there (section 3.2).
    pub arrival_date: Option<String>,
    /// Reporting-MTA, its name (section 3.2).
    pub reporting_mta: Option<String>,
    /// Source-IP: from where the message came (section 3.2).
    pub source_ip: Option<IpAddr>,
    /// Incidents: how many the report stands for (section 3.2), 1 where it does not say.
    pub incidents: u32,
    /// Message-ID of the returned message, without angle brackets.
    pub original_message_id: Option<String>,
}

/// What a report is about: section 7.3 and the registry of feedback types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackType {
    /// Unwanted mail.
    Abuse,
    /// SPF, DKIM or DMARC failed (RFC 6591).
    AuthFailure,
    /// Fraud or phishing.
    Fraud,
    /// Not spam, though it was taken for it (RFC 6430).
    NotSpam,
    /// A virus was found.
    Virus,
    /// Another type, in lower case.
    Other(String),
}

impl FeedbackType {
    fn parse(body: &str) -> Self {
        let name = without_comments(body).trim().to_ascii_lowercase();
        match name.as_str() {
            "abuse" => Self::Abuse,
            "auth-failure" => Self::AuthFailure,
            "fraud" => Self::Fraud,
            "not-spam" => Self::NotSpam,
            "virus" => Self::Virus,
            _ => Self::Other(name),
        }
    }

    /// The word of the registry, or what stands there, in lower case.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Abuse => "abuse",
            Self::AuthFailure => "auth-failure",
            Self::Fraud => "fraud",
            Self::NotSpam => "not-spam",
            Self::Virus => "virus",
            Self::Other(name) => name,
        }
    }
}

const NAMES: [&str; 10] = [
    "Feedback-Type",
    "User-Agent",
    "Version",
    "Original-Envelope-Id",
    "Original-Mail-From",
    "Arrival-Date",
    "Received-Date",
    "Reporting-MTA",
    "Source-IP",
    "Incidents",
];

impl FeedbackReport {
    /// Reads the content of a feedback part.
    pub(crate) fn parse(content: &[u8]) -> Result<Self, ReportError> {
        let fields = Singles::read(content, &NAMES);
        let required = |name| fields.line(name).ok_or(ReportError::MissingField { name });
        let date = fields.line("Arrival-Date");
        Ok(Self {
            feedback_type: FeedbackType::parse(&required("Feedback-Type")?),
            user_agent: required("User-Agent")?,
            version: required("Version")?,
            original_envelope_id: fields.identifier("Original-Envelope-Id"),
            original_mail_from: address(&fields, "Original-Mail-From"),
            original_rcpt_to: original_rcpt_to(content),
            arrival_date: date.or_else(|| fields.line("Received-Date")),
            reporting_mta: mta(&fields, "Reporting-MTA"),
            source_ip: source_ip(&fields),
            incidents: incidents(&fields).unwrap_or(1),
            original_message_id: None,
        })
    }
}

fn address<const N: usize>(fields: &Singles<'_, N>, name: &str) -> Option<AddrSpec> {
    bare_address(&without_comments(&fields.get(name)?.text()))
}

fn original_rcpt_to(content: &[u8]) -> Vec<AddrSpec> {
    Fields::new(content)
        .filter(|field| field.is("Original-Rcpt-To"))
        .filter_map(|field| bare_address(&without_comments(&field.text())))
        .take(MAX_RECIPIENTS)
        .collect()
}

fn source_ip<const N: usize>(fields: &Singles<'_, N>) -> Option<IpAddr> {
    let body = without_comments(&fields.get("Source-IP")?.text());
    body.trim().trim_matches(['[', ']']).parse().ok()
}

fn incidents<const N: usize>(fields: &Singles<'_, N>) -> Option<u32> {
    let body = without_comments(&fields.get("Incidents")?.text());
    body.trim().parse().ok()
}
