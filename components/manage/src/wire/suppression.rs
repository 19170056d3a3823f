//! Suppression lists, and what is on them.

use mailer::suppression::address::resource_name;
use mailer::suppression::import::Report;
use mailer::suppression::list::SuppressionList;
use mailer::suppression::lookup;
use mailer::suppression::{Kind, Name, Suppression};
use mailer::time::Timestamp;
use serde::Serialize;

/// A list of a domain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    name: String,
    list_name: String,
    created_time_stamp: String,
    last_updated_time_stamp: String,
}

impl From<&SuppressionList> for List {
    fn from(list: &SuppressionList) -> Self {
        Self {
            name: list.id.clone(),
            list_name: list.list_name.clone(),
            created_time_stamp: list.created_at.to_rfc3339(),
            last_updated_time_stamp: list.updated_at.to_rfc3339(),
        }
    }
}

/// The address of an entry, or what is kept of it.
fn email(name: &Name, entry: &Suppression) -> Option<String> {
    let clear = || (!name.is_hash()).then(|| name.as_str().to_owned());
    entry.email.clone().or_else(clear)
}

fn hash(name: &Name) -> Option<String> {
    name.is_hash().then(|| name.as_str().to_owned())
}

/// An address on a list of a domain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Address {
    name: String,
    email: Option<String>,
    /// What is kept where addresses are not.
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    first_name: String,
    last_name: String,
    notes: String,
    last_modified: String,
}

impl Address {
    pub(crate) fn new((name, entry): &(Name, Suppression)) -> Self {
        Self {
            name: resource_name(entry),
            email: email(name, entry),
            hash: hash(name),
            first_name: entry.first_name.clone(),
            last_name: entry.last_name.clone(),
            notes: entry.notes.clone(),
            last_modified: entry.modified_at.unwrap_or(entry.since).to_rfc3339(),
        }
    }
}

/// An address that nobody's mail goes to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suppressed {
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
    cause: &'static str,
    since: String,
    /// Null means for good.
    until: Option<String>,
    /// Whether it counts now; a lease may have lapsed.
    applies: bool,
    reply: Option<String>,
    event_id: Option<String>,
    message_id: Option<String>,
    first_name: String,
    last_name: String,
    notes: String,
}

impl Suppressed {
    pub(crate) fn new((name, entry): &(Name, Suppression), now: Timestamp) -> Self {
        Self {
            email: email(name, entry),
            hash: hash(name),
            cause: entry.kind.as_str(),
            since: entry.since.to_rfc3339(),
            until: entry.until.map(Timestamp::to_rfc3339),
            applies: entry.applies(now),
            reply: entry.reply.clone(),
            event_id: entry.event.clone(),
            message_id: entry.message.map(|id| id.to_string()),
            first_name: entry.first_name.clone(),
            last_name: entry.last_name.clone(),
            notes: entry.notes.clone(),
        }
    }
}

/// Why an address is written to or not.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation {
    is_written_to: bool,
    /// For people.
    reason: String,
    lists: Vec<Listed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    scope: &'static str,
    /// The list's name as a resource, if it is of a domain.
    suppression_list: Option<String>,
    reason: String,
    #[serde(flatten)]
    entry: Suppressed,
}

impl Explanation {
    pub(crate) fn new(found: lookup::Explanation, now: Timestamp) -> Self {
        let mut lists = Vec::with_capacity(found.listed.len());
        for listed in found.listed {
            let reason = reason(&listed.entry, now);
            lists.push(Listed {
                scope: listed.scope.as_str(),
                suppression_list: listed.list,
                reason,
                entry: Suppressed::new(&(listed.name, listed.entry), now),
            });
        }
        let counts = lists.iter().find(|listed| listed.entry.applies);
        let reason = match (counts, lists.first()) {
            (Some(listed), _) | (None, Some(listed)) => listed.reason.clone(),
            (None, None) => "It is on no list: it is written to.".to_owned(),
        };
        Self {
            is_written_to: found.is_written_to,
            reason,
            lists,
        }
    }
}

fn reason(entry: &Suppression, now: Timestamp) -> String {
    let what = match entry.kind {
        Kind::Added => "It was put on the list",
        Kind::Bounce => "Mail to it bounced",
        Kind::Complaint => "Its owner complained",
        Kind::Unsubscribed => "Its owner unsubscribed",
    };
    let since = entry.since.to_rfc3339();
    match entry
        .until
        .map(|until| (until.to_rfc3339(), entry.applies(now)))
    {
        None => format!("{what} on {since}: it is not written to until it is removed."),
        Some((until, true)) => format!("{what} on {since}: it is not written to until {until}."),
        Some((until, false)) => {
            format!("{what} on {since}, which ended on {until}: it is written to.")
        }
    }
}

/// How far an import is.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    status: &'static str,
    rows: u64,
    added: u64,
    updated: u64,
    unchanged: u64,
    bad: u64,
    /// Rows up to this line were written.
    line: u64,
    /// The first bad lines, when it has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    bad_lines: Option<Vec<BadLine>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ImportError>,
}

#[derive(Serialize)]
struct BadLine {
    line: u64,
    message: String,
}

#[derive(Serialize)]
struct ImportError {
    code: &'static str,
    message: String,
}

impl Progress {
    pub(crate) fn running(report: &Report) -> Self {
        Self {
            status: "Running",
            rows: report.rows,
            added: report.added,
            updated: report.updated,
            unchanged: report.unchanged,
            bad: report.bad,
            line: report.line,
            bad_lines: None,
            error: None,
        }
    }

    pub(crate) fn ended(report: &Report, error: Option<(&'static str, String)>) -> Self {
        let bad_lines = report.bad_lines.iter().map(|(line, error)| BadLine {
            line: *line,
            message: error.to_string(),
        });
        Self {
            status: if error.is_some() {
                "Failed"
            } else {
                "Succeeded"
            },
            bad_lines: Some(bad_lines.collect()),
            error: error.map(|(code, message)| ImportError { code, message }),
            ..Self::running(report)
        }
    }
}
