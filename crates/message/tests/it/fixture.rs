//! Messages to start from.

use envelope::AddrSpec;
use message::{Attachment, ContentId, FileName, HeaderField, Mailbox, MediaType, Message, render};

pub(crate) fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox {
        display_name: (!name.is_empty()).then(|| name.parse().unwrap()),
        addr_spec: AddrSpec::parse(address).unwrap(),
    }
}

pub(crate) fn field(name: &str, body: &str) -> HeaderField {
    HeaderField {
        name: name.parse().unwrap(),
        body: body.parse().unwrap(),
    }
}

pub(crate) fn attachment<'a>(name: &str, media_type: &str, data: &'a [u8]) -> Attachment<'a> {
    Attachment {
        name: FileName::parse(name).unwrap(),
        media_type: MediaType::parse(media_type).unwrap(),
        data,
        content_id: None,
    }
}

pub(crate) fn inline<'a>(name: &str, content_id: &str, data: &'a [u8]) -> Attachment<'a> {
    Attachment {
        content_id: Some(ContentId::parse(content_id).unwrap()),
        ..attachment(name, "image/png", data)
    }
}

pub(crate) fn message() -> Message<'static> {
    Message {
        from: mailbox("", "ann@example.com"),
        to: &[],
        cc: &[],
        reply_to: &[],
        subject: "Hello".parse().unwrap(),
        date: 1_795_462_065,
        message_id: "<1.a@example.com>".parse().unwrap(),
        fields: &[],
        text: None,
        html: None,
        attachments: &[],
        smtputf8: false,
    }
}

/// The bytes, after every rule that holds for all messages.
#[track_caller]
pub(crate) fn rendered(message: &Message<'_>) -> Vec<u8> {
    let bytes = render(message).unwrap();
    assert_eq!(bytes, render(message).unwrap(), "not deterministic");
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.ends_with("\r\n"), "last line not ended");
    assert!(message.smtputf8 || text.is_ascii(), "not seven bits");
    assert!(!text.contains('\0'), "NUL");
    let (fields, _) = text.split_once("\r\n\r\n").unwrap();
    for line in text.split("\r\n") {
        assert!(!line.contains(['\r', '\n']), "bare CR or LF in {line:?}");
        assert!(line.len() <= 998, "line of {} octets", line.len());
        assert!(!line.ends_with([' ', '\t']), "white space ends {line:?}");
        assert!(!line.starts_with("From "), "mailbox separator {line:?}");
    }
    for line in fields.split("\r\n") {
        assert!(!line.trim().is_empty(), "header line of white space");
        let breaks = line
            .trim_start()
            .split_once(": ")
            .map_or(line.trim_start(), |(_, body)| body);
        assert!(
            line.len() <= 78 || !breaks.contains(' '),
            "could be folded: {line:?}"
        );
    }
    bytes
}
