//! Messages that can be told apart where they arrive: each has a number in its subject, and in its text.

use std::net::SocketAddr;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::acs;
use crate::arrivals::number_behind;
use crate::systems::KEY;

/// Where the number goes.
const PLACE: &str = "@NUMBER@";
const SUBJECT: &str = "Benchmark ";
/// What the number stands behind in a rendered message.
const FIELD: &[u8] = b"\r\nSubject: Benchmark ";
/// Lines as newsletters have them.
const LINE: &str =
    "<tr><td style=\"color: #333\"><a href=\"https://example.com/\">See the offer</a></td></tr>\n";

/// What is to be sent.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    pub(crate) html_octets: usize,
    pub(crate) recipients: usize,
}

impl Message {
    /// To one recipient.
    pub(crate) const fn of(html_octets: usize) -> Self {
        Self {
            html_octets,
            recipients: 1,
        }
    }

    fn html(self) -> String {
        let mut html = format!("<p>Dear customer {PLACE},</p>\n<table>\n");
        while html.len() + LINE.len() <= self.html_octets {
            html.push_str(LINE);
        }
        html
    }

    fn to(self) -> Vec<Value> {
        (0..self.recipients)
            .map(|number| json!({ "address": recipient(number) }))
            .collect()
    }
}

/// Who is the recipient of this place in a message, counted from 0.
pub(crate) fn recipient(number: usize) -> String {
    format!("customer{number}@example.com")
}

/// A request's body but for the number.
pub(crate) struct Template {
    host: String,
    between_numbers: Vec<String>,
}

impl Template {
    pub(crate) fn new(message: &Message, sender: &str, address: SocketAddr) -> Self {
        let body = json!({
            "senderAddress": sender,
            "content": { "subject": format!("{SUBJECT}{PLACE}"), "html": message.html() },
            "recipients": { "to": message.to() },
        });
        let body = body.to_string();
        Self {
            host: address.to_string(),
            between_numbers: body.split(PLACE).map(str::to_owned).collect(),
        }
    }

    /// The request that posts the message of this number.
    pub(crate) fn request(&self, number: u64) -> Request<Full<Bytes>> {
        let body = self.between_numbers.join(&number.to_string());
        acs::send(&self.host, KEY, &Bytes::from(body))
    }
}

/// The number of a rendered message.
pub(crate) fn number(message: &[u8]) -> Option<u64> {
    number_behind(FIELD, message)
}
