//! Whatever its parts hold, a rendered message keeps to the rules of transport.
#![no_main]

use envelope::AddrSpec;
use libfuzzer_sys::fuzz_target;
use message::{Attachment, ContentId, DisplayName, FieldBody, FieldName, FileName, HeaderField, Mailbox, MediaType, Message, MessageId, Subject, render};

type Input<'a> = (&'a str, &'a str, &'a str, &'a str, &'a str, &'a str, &'a str, &'a [u8]);

fuzz_target!(|input: Input<'_>| {
    let (name, subject, field_name, field_body, text, html, file, data) = input;
    let Ok(addr_spec) = AddrSpec::parse("a@example.com") else { return };
    let from = Mailbox { display_name: DisplayName::parse(name).ok(), addr_spec };
    let field = FieldName::parse(field_name).ok().zip(FieldBody::parse(field_body).ok());
    let fields: Vec<HeaderField> = field.map(|(name, body)| HeaderField { name, body }).into_iter().collect();
    let (Ok(subject), Ok(message_id)) = (Subject::parse(subject), MessageId::parse("<id@example.com>")) else { return };
    let attachment = FileName::parse(file).ok().zip(MediaType::parse(html).or(MediaType::parse("text/plain")).ok());
    let attachments: Vec<Attachment<'_>> = attachment
        .map(|(name, media_type)| Attachment { name, media_type, data, content_id: ContentId::parse(file).ok() })
        .into_iter()
        .collect();
    let to = [from.clone()];
    let message = Message {
        from,
        to: &to,
        cc: &[],
        reply_to: &[],
        subject,
        date: 0,
        message_id,
        fields: &fields,
        text: Some(text),
        html: Some(html),
        attachments: &attachments,
        smtputf8: false,
    };
    let Ok(bytes) = render(&message) else { return };
    assert!(bytes.is_ascii());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.ends_with("\r\n"));
    for line in text.split("\r\n") {
        assert!(line.len() <= 998 && !line.contains(['\r', '\n', '\0']) && !line.starts_with("From "));
    }
});
