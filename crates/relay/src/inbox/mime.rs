//! Messages as the inbox shows them: decoded by `mail-parser`, and cut to what a page can show.

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};
use serde::{Deserialize, Serialize};

use super::html::{self, InlinePart};

/// The longest name, address list or subject in the list, in characters.
const MAX_LINE_CHARACTERS: usize = 500;
/// The longest text body shown, in octets.
const MAX_TEXT_OCTETS: usize = 1024 * 1024;
/// The most attachments listed.
const MAX_PARTS: usize = 500;
/// The most addresses read from the destination fields.
const MAX_ADDRESSES: usize = 2_000;

/// What the list says of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) attachments: usize,
}

impl Summary {
    pub(super) fn of(source: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(source) else {
            return Self::default();
        };
        Self {
            from: mailboxes(message.from()),
            to: mailboxes(message.to()),
            subject: cut(message.subject().unwrap_or_default()),
            attachments: message.attachments.len(),
        }
    }

    pub(super) fn search_text(&self) -> String {
        format!("{}\n{}\n{}", self.from, self.to, self.subject)
    }
}

/// The body of a message, and what hangs on it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Contents {
    text: Option<String>,
    text_cut: bool,
    html: Option<HtmlNotes>,
    attachments: Vec<Attachment>,
    /// Addresses of To, Cc and Bcc in lower case; the envelope is compared with them.
    #[serde(skip)]
    pub(super) destinations: Vec<String>,
}

#[derive(Debug, Serialize)]
struct HtmlNotes {
    wants_network: bool,
    links: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Attachment {
    part: usize,
    name: Option<String>,
    media_type: String,
    octets: usize,
    inline: bool,
}

impl Contents {
    pub(super) fn of(source: &[u8]) -> Self {
        let Some(message) = MessageParser::default().parse(source) else {
            return Self::default();
        };
        let text = text_body(&message);
        let html = html_body(&message);
        Self {
            text: text.map(|text| {
                text.get(..text.floor_char_boundary(MAX_TEXT_OCTETS))
                    .unwrap_or(text)
                    .to_owned()
            }),
            text_cut: text.is_some_and(|text| text.len() > MAX_TEXT_OCTETS),
            html: html.map(|html| HtmlNotes {
                wants_network: html::wants_network(html),
                links: html::links(html),
            }),
            attachments: attachments(&message),
            destinations: destinations(&message),
        }
    }
}

fn attachments(message: &Message<'_>) -> Vec<Attachment> {
    let ids = message
        .attachments
        .iter()
        .take(MAX_PARTS)
        .filter_map(|&id| usize::try_from(id).ok());
    ids.filter_map(|id| message.parts.get(id).map(|part| (id, part)))
        .map(|(id, part)| Attachment {
            part: id,
            name: part.attachment_name().map(cut),
            media_type: media_type(part),
            octets: part.contents().len(),
            inline: part.content_id().is_some(),
        })
        .collect()
}

fn destinations(message: &Message<'_>) -> Vec<String> {
    message
        .all_to()
        .chain(message.all_cc())
        .chain(message.all_bcc())
        .flat_map(Address::iter)
        .filter_map(|address| address.address())
        .take(MAX_ADDRESSES)
        .map(str::to_lowercase)
        .collect()
}

/// Returns the HTML body with its pictures, if there is one.
pub(super) fn framed_html(source: &[u8]) -> Option<String> {
    let message = MessageParser::default().parse(source)?;
    let parts: Vec<InlinePart<'_>> = message.parts.iter().filter_map(inline_part).collect();
    html_body(&message).map(|html| html::embed(html, &parts))
}

fn inline_part<'a>(part: &'a MessagePart<'_>) -> Option<InlinePart<'a>> {
    let media_type = html::inline_type(&media_type(part))?;
    Some(InlinePart {
        content_id: part.content_id()?,
        media_type,
        content: part.contents(),
    })
}

/// One part, ready to be saved.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SavedPart {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) content: Vec<u8>,
}

/// Returns a part by its number in `attachments`.
pub(super) fn saved_part(source: &[u8], part: usize) -> Option<SavedPart> {
    let message = MessageParser::default().parse(source)?;
    let id = u32::try_from(part).ok()?;
    if !message.attachments.contains(&id) {
        return None;
    }
    let found = message.parts.get(part)?;
    Some(SavedPart {
        name: found
            .attachment_name()
            .map_or_else(|| format!("part-{part}"), cut),
        media_type: media_type(found),
        content: found.contents().to_vec(),
    })
}

fn text_body<'a>(message: &'a Message<'_>) -> Option<&'a str> {
    message.text_bodies().find_map(|part| match &part.body {
        PartType::Text(text) => Some(text.as_ref()),
        _ => None,
    })
}

/// Returns a body that is HTML by itself: `mail-parser` would also turn text into HTML.
fn html_body<'a>(message: &'a Message<'_>) -> Option<&'a str> {
    message.html_bodies().find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.as_ref()),
        _ => None,
    })
}

fn media_type(part: &MessagePart<'_>) -> String {
    let fallback = if part.is_message() {
        "message/rfc822"
    } else {
        "application/octet-stream"
    };
    let Some(content_type) = part.content_type() else {
        return fallback.to_owned();
    };
    let essence = format!(
        "{}/{}",
        content_type.ctype(),
        content_type.subtype().unwrap_or("octet-stream")
    );
    let plain = essence
        .bytes()
        .all(|octet| octet.is_ascii_alphanumeric() || b"/.+-_".contains(&octet));
    if plain && essence.len() <= 127 {
        essence.to_ascii_lowercase()
    } else {
        fallback.to_owned()
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> String {
    let mut list = String::new();
    for mailbox in address.into_iter().flat_map(Address::iter) {
        if !list.is_empty() {
            list.push_str(", ");
        }
        match (mailbox.name(), mailbox.address()) {
            (Some(name), Some(address)) => list.push_str(&format!("{name} <{address}>")),
            (Some(one), None) | (None, Some(one)) => list.push_str(one),
            (None, None) => {}
        }
        if list.len() > 4 * MAX_LINE_CHARACTERS {
            break;
        }
    }
    cut(&list)
}

/// Cuts a line to what the list shows, with spaces in place of control characters.
fn cut(text: &str) -> String {
    let blank = |character: char| {
        if character.is_control() {
            ' '
        } else {
            character
        }
    };
    let mut shown: String = text.chars().map(blank).take(MAX_LINE_CHARACTERS).collect();
    if text.chars().nth(MAX_LINE_CHARACTERS).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const RICH: &str = "From: =?utf-8?q?=C3=89mile?= <e@x.example>\r\nTo: a@x.example, \"B\" <b@x.example>\r\n\
        Cc: C@X.example\r\nSubject: =?utf-8?B?8J+RiyBoaQ==?=\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=m\r\n\r\n\
        --m\r\nContent-Type: multipart/related; boundary=r\r\n\r\n\
        --r\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\nContent-Type: text/plain\r\n\r\nplain\r\n\
        --a\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<img src=\"cid:p@x\"><a href=\"https://l.example/\">l</a>\r\n--a--\r\n\
        --r\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\nContent-Transfer-Encoding: base64\r\n\r\nYWJj\r\n--r--\r\n\
        --m\r\nContent-Type: application/pdf; name=\"r.pdf\"\r\nContent-Disposition: attachment; filename*=utf-8''%C3%A9.pdf\r\n\r\nxyz\r\n--m--\r\n";

    #[test]
    fn summaries_are_decoded() {
        let expected = Summary {
            from: "Émile <e@x.example>".to_owned(),
            to: "a@x.example, B <b@x.example>".to_owned(),
            subject: "👋 hi".to_owned(),
            attachments: 2,
        };
        assert_eq!(Summary::of(RICH.as_bytes()), expected);
    }

    #[test]
    fn contents_have_both_bodies_and_the_parts() {
        let contents = Contents::of(RICH.as_bytes());
        assert_eq!(contents.text.as_deref().map(str::trim_end), Some("plain"));
        let html = contents.html.unwrap();
        assert_eq!(
            (html.wants_network, html.links),
            (false, vec!["https://l.example/".to_owned()])
        );
        let found: Vec<_> = contents
            .attachments
            .iter()
            .map(|part| {
                (
                    part.name.as_deref(),
                    part.media_type.as_str(),
                    part.octets,
                    part.inline,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                (None, "image/png", 3, true),
                (Some("é.pdf"), "application/pdf", 3, false)
            ]
        );
        assert_eq!(
            contents.destinations,
            ["a@x.example", "b@x.example", "c@x.example"]
        );
    }

    #[test]
    fn pictures_are_put_into_the_body() {
        let html = framed_html(RICH.as_bytes()).unwrap();
        assert!(
            html.starts_with("<img src=\"data:image/png;base64,YWJj\">"),
            "{html}"
        );
        assert_eq!(framed_html(b"Subject: x\r\n\r\nonly text\r\n"), None);
    }

    #[test]
    fn only_attachments_are_saved_by_number() {
        let contents = Contents::of(RICH.as_bytes());
        let pdf = contents.attachments.last().unwrap().part;
        let saved = saved_part(RICH.as_bytes(), pdf).unwrap();
        assert_eq!(
            (saved.name.as_str(), saved.content.as_slice()),
            ("é.pdf", b"xyz".as_slice())
        );
        assert_eq!(saved_part(RICH.as_bytes(), 0), None);
        assert_eq!(saved_part(RICH.as_bytes(), usize::MAX), None);
    }

    #[test]
    fn hostile_messages_are_cut_and_never_panic() {
        let ten_thousand_parts = format!(
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n{}--b--\r\n",
            "--b\r\nContent-Type: image/png\r\nContent-ID: <p@x>\r\n\r\nx\r\n".repeat(10_000)
        );
        assert_eq!(
            Contents::of(ten_thousand_parts.as_bytes())
                .attachments
                .len(),
            MAX_PARTS
        );
        let nested: String = (0..5_000)
            .map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n"))
            .collect();
        let long_text = format!("A: b\r\n\r\n{}", "é".repeat(MAX_TEXT_OCTETS));
        let subject = format!("Subject: {}\r\n\r\n", "x".repeat(1 << 20));
        for source in [
            nested.as_str(),
            &long_text,
            &subject,
            "",
            ":\r\n",
            "Content-Type: multipart/mixed\r\n\r\n--\r\n",
        ] {
            Summary::of(source.as_bytes());
            Contents::of(source.as_bytes());
            framed_html(source.as_bytes());
        }
        assert!(Contents::of(long_text.as_bytes()).text_cut);
        assert_eq!(
            Summary::of(subject.as_bytes()).subject.chars().count(),
            MAX_LINE_CHARACTERS + 1
        );
    }
}
