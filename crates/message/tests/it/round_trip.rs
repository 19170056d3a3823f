//! What was put in comes out of an independent parser.

use mail_parser::{HeaderForm, MessageParser, MimeHeaders};
use message::Message;

use crate::fixture::{attachment, field, inline, mailbox, message, rendered};

pub(crate) const SCRIPTS: [&str; 15] = [
    "Ann Lee",
    "Lee, Ann",
    "Ann \"the\" \\ Lee",
    "Ann (Sales) <a@b>",
    "Jürgen Groß",
    "Ann Lee Jürgen",
    "李小龍",
    "日本語 と 한국어",
    "مرحبا بالعالم",
    "שלום עולם",
    "🧑‍🚀👩🏽‍🤝‍👩🏿🇺🇳",
    "e\u{301}\u{323} Z\u{335}\u{321}a\u{300}lgo",
    "=?utf-8?Q?not?=",
    "a=?utf-8?B?eA==?=b",
    "नमस्ते दुनिया, இது ஒரு நீண்ட பெயர், که در یک خط جا نمی‌شود, και δεν χωράει σε μία γραμμή",
];

#[track_caller]
pub(crate) fn check_name(name: &str) {
    let to = [
        mailbox(name, "bob@example.org"),
        mailbox(name, "carol@example.org"),
    ];
    let bytes = rendered(&Message {
        to: &to,
        text: Some(""),
        ..message()
    });
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let found = parsed.to().unwrap().as_list().unwrap();
    assert_eq!(found.len(), 2);
    for (found, expected) in found.iter().zip(&to) {
        assert_eq!(
            found.name(),
            expected
                .display_name
                .as_ref()
                .map(message::DisplayName::as_str)
        );
        assert_eq!(
            found.address(),
            Some(expected.addr_spec.to_string().as_str())
        );
    }
}

#[track_caller]
pub(crate) fn check_subject(subject: &str) {
    let checked = subject.parse().unwrap();
    let bytes = rendered(&Message {
        subject: checked,
        text: Some(""),
        ..message()
    });
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(parsed.subject().unwrap_or_default(), subject);
}

#[track_caller]
pub(crate) fn check_file_name(name: &str) {
    let attachments = [attachment(name, "application/pdf", b"x")];
    let bytes = rendered(&Message {
        text: Some(""),
        attachments: &attachments,
        ..message()
    });
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let found = parsed.attachment(0).unwrap();
    let expected = attachments[0].name.as_str();
    assert_eq!(found.attachment_name(), Some(expected));
    assert_eq!(found.contents(), b"x");
    // What a reader from before RFC 2231 sees, if it sees a name at all.
    let old = found.content_type().unwrap().attribute("name").unwrap();
    assert!(old == expected || old.starts_with("=?"), "{old}");
}

/// Bodies are sent alone and beside another part, which are encoded differently.
#[track_caller]
pub(crate) fn check_body(text: &str) {
    let expected = text
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace('\n', "\r\n");
    let alone = rendered(&Message {
        text: Some(text),
        ..message()
    });
    let parsed = MessageParser::new().parse(&alone).unwrap();
    assert_eq!(
        parsed.text_part(0).unwrap().text_contents(),
        Some(expected.as_str())
    );

    let both = rendered(&Message {
        text: Some(text),
        html: Some(text),
        ..message()
    });
    let parsed = MessageParser::new().parse(&both).unwrap();
    assert_eq!(
        parsed.text_part(0).unwrap().text_contents(),
        Some(expected.as_str())
    );
    assert_eq!(
        parsed.html_part(0).unwrap().text_contents(),
        Some(expected.as_str())
    );
}

#[test]
fn names_subjects_and_file_names_of_any_script_come_back() {
    for text in SCRIPTS {
        check_name(text);
        check_subject(text);
        check_subject(&text.repeat(5));
        check_file_name(&text.replace(['/', '\\'], "-"));
    }
}

#[test]
fn every_space_of_a_subject_comes_back() {
    for subject in [
        "",
        "a",
        " a",
        "a ",
        "  ",
        "a  b",
        " ü  ö ",
        "a ü",
        "ü a",
        "ü ö",
        "a ü ö b",
    ] {
        check_subject(subject);
    }
    check_subject(&"a".repeat(998));
    check_subject(&"word ".repeat(199));
}

#[test]
fn bodies_of_any_shape_come_back() {
    let long_line = "x".repeat(2000);
    let long_foreign_line = "語".repeat(2000);
    for body in [
        "",
        "a",
        "a\n",
        "a\r\nb\rc\nd",
        " ",
        "hi\r\n \t\r\n",
        "trailing \nspace\t\n\n\n",
        ".\n..\n...",
        "From me\n>From you\nFrom",
        "--\n--=_1_\n",
        "=3D=\n=20",
        "naïve\0\u{7f}\n",
        "\u{2028}\u{feff}",
        &long_line,
        &long_foreign_line,
    ] {
        check_body(body);
    }
    for text in SCRIPTS {
        check_body(text);
    }
}

#[test]
fn custom_fields_come_back() {
    for text in SCRIPTS {
        let fields = [field("X-Custom", text)];
        let bytes = rendered(&Message {
            fields: &fields,
            text: Some(""),
            ..message()
        });
        let parsed = MessageParser::new().parse(&bytes).unwrap();
        let found = parsed.header_as("X-Custom", HeaderForm::Text);
        assert_eq!(found[0].as_text(), Some(text));
    }
}

#[test]
fn data_comes_back_and_images_keep_their_identifiers() {
    let all: Vec<u8> = (0..=255).collect();
    let attachments = [
        attachment("a.bin", "application/octet-stream", &all),
        attachment("empty.txt", "text/plain", b""),
        attachment("lines.csv", "text/csv", b"a\nb\rc \r\n"),
        inline("logo.png", "logo@x", b"png"),
    ];
    let bytes = rendered(&Message {
        text: Some("a"),
        html: Some("b"),
        attachments: &attachments,
        ..message()
    });
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let mut found: Vec<_> = parsed
        .attachments()
        .map(|part| {
            (
                part.attachment_name().unwrap(),
                part.contents(),
                part.content_id(),
            )
        })
        .collect();
    found.sort_unstable();
    let expected: Vec<(&str, &[u8], Option<&str>)> = vec![
        ("a.bin", &all, None),
        ("empty.txt", b"", None),
        ("lines.csv", b"a\nb\rc \r\n", None),
        ("logo.png", b"png", Some("logo@x")),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_large_attachment_is_rendered_into_one_allocation() {
    let data = vec![7; 10_000_000];
    let attachments = [attachment("large.bin", "application/octet-stream", &data)];
    let bytes = rendered(&Message {
        text: Some("a"),
        attachments: &attachments,
        ..message()
    });
    assert!(
        bytes.capacity() < bytes.len() + 8192,
        "grown to {}",
        bytes.capacity()
    );
}

#[test]
fn a_thousand_recipients_fit() {
    let to: Vec<_> = (0..1000)
        .map(|index| mailbox("Jürgen", &format!("user{index}@example.org")))
        .collect();
    let bytes = rendered(&Message {
        to: &to,
        text: Some(""),
        ..message()
    });
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    assert_eq!(parsed.to().unwrap().as_list().unwrap().len(), 1000);
}

#[test]
fn no_line_breaks_inside_quotes() {
    let name = "minutes of the meeting, first and second part (2).pdf";
    let attachments = [attachment(
        name,
        "application/vnd.oasis.opendocument.text; title=\"a fairly long title\"",
        b"x",
    )];
    let bytes = rendered(&Message {
        text: Some(""),
        attachments: &attachments,
        ..message()
    });
    let text = String::from_utf8(bytes).unwrap();
    // Readers that unquote before they unfold would take the break for a part of the name.
    assert!(text.contains(&format!(" name=\"{name}\"")), "{text}");
    assert!(text.contains(&format!(" filename=\"{name}\"")), "{text}");
}
