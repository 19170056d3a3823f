//! The JSON of what recipients did with a message.

use std::collections::BTreeMap;

use mailer::engagement::VisitAction;
use mailer::engagement::tally::{Engagement, Judged, Links, Tally, Totals};
use mailer::time::Timestamp;
use serde::Serialize;

/// What all recipients did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    opens: Count,
    clicks: Count,
    links: Vec<Link>,
    /// Recipients who are unsubscribed.
    unsubscribed: u64,
}

/// What one recipient did.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Recipient {
    opens: Count,
    clicks: Count,
    links: Vec<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unsubscribed_by: Option<&'static str>,
    /// Visits and batches of them that were too many to be kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_kept: Option<u64>,
}

/// How often, by whom and when.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total: u64,
    /// Recipients who did it.
    unique: u64,
    human: u64,
    /// Recipients of whom it was a person.
    unique_human: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    by_audience: BTreeMap<&'static str, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_human: Option<String>,
}

/// Clicks on one link.
#[derive(Serialize)]
struct Link {
    link: u16,
    url: String,
    clicks: Count,
}

/// One request, as the timeline tells it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Visit {
    action: &'static str,
    event_id: String,
    recipient: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// How unsubscribing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'static str>,
    audience: &'static str,
    reason: &'static str,
    client: Client,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    /// A HEAD request, which counts nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_head: bool,
}

#[derive(Serialize)]
struct Client {
    family: &'static str,
    class: &'static str,
}

impl From<&Totals> for Message {
    fn from(totals: &Totals) -> Self {
        Self {
            opens: Count::from(&totals.opens),
            clicks: Count::from(&totals.clicks),
            links: links(&totals.links),
            unsubscribed: totals.unsubscribed,
        }
    }
}

impl From<&Engagement> for Recipient {
    fn from(found: &Engagement) -> Self {
        let since = found.unsubscribed;
        Self {
            opens: Count::from(&found.opens),
            clicks: Count::from(&found.clicks),
            links: links(&found.links),
            unsubscribed_at: since.map(|since| since.at.to_rfc3339()),
            unsubscribed_by: since.map(|since| since.by.name()),
            not_kept: (found.surplus > 0).then_some(found.surplus),
        }
    }
}

impl From<&Tally> for Count {
    fn from(tally: &Tally) -> Self {
        Self {
            total: tally.total,
            unique: tally.unique,
            human: tally.human,
            unique_human: tally.unique_human,
            by_audience: tally.by_audience.clone(),
            first: tally.first.map(Timestamp::to_rfc3339),
            last: tally.last.map(Timestamp::to_rfc3339),
            first_human: tally.first_human.map(Timestamp::to_rfc3339),
        }
    }
}

fn links(links: &Links) -> Vec<Link> {
    let link = |((link, url), tally): (&(u16, String), &Tally)| Link {
        link: *link,
        url: url.clone(),
        clicks: Count::from(tally),
    };
    links.iter().map(link).collect()
}

impl Visit {
    /// `visit` of the recipient with this address.
    pub(crate) fn new(recipient: String, visit: &Judged) -> Self {
        let Judged {
            event,
            fact,
            verdict,
        } = visit;
        let (action, link, url, by) = match &fact.action {
            VisitAction::Open => ("open", None, None, None),
            VisitAction::Click { link, target } => ("click", Some(*link), Some(target), None),
            VisitAction::Unsubscribe { by } => ("unsubscribe", None, None, Some(by.name())),
            VisitAction::Resubscribe => ("resubscribe", None, None, None),
        };
        Self {
            action,
            event_id: event.to_string(),
            recipient,
            link,
            url: url.cloned(),
            by,
            audience: verdict.audience.as_str(),
            reason: verdict.reason.as_str(),
            client: Client {
                family: verdict.client.family.as_str(),
                class: verdict.client.class.as_str(),
            },
            user_agent: fact.visitor.user_agent.clone(),
            is_head: fact.is_head,
        }
    }
}
