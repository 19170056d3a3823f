//! Exact bytes of whole messages.

use message::{Message, RenderError, render};

use crate::fixture::{attachment, field, inline, mailbox, message, rendered};

macro_rules! snapshot {
    ($name:literal, $message:expr) => {
        let bytes = rendered(&$message);
        // `rendered` has seen to it that every LF follows a CR.
        let text = String::from_utf8(bytes).unwrap().replace("\r\n", "\n");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false, snapshot_path => "../snapshots" }, {
            insta::assert_snapshot!($name, text);
        });
    };
}

#[test]
fn text_alone_is_one_part() {
    let to = [mailbox("Bob", "bob@example.org")];
    snapshot!(
        "text_alone",
        Message {
            to: &to,
            text: Some("Hello, Bob.\n"),
            ..message()
        }
    );
}

#[test]
fn html_alone_is_one_part() {
    let to = [mailbox("Bob", "bob@example.org")];
    snapshot!(
        "html_alone",
        Message {
            to: &to,
            html: Some("<p>Grüße, Bob \n"),
            ..message()
        }
    );
}

#[test]
fn recipients_nobody_may_see_are_undisclosed() {
    snapshot!(
        "undisclosed",
        Message {
            text: Some("Hello.\n"),
            ..message()
        }
    );
}

#[test]
fn both_bodies_are_alternatives() {
    let cc = [mailbox("", "carol@example.org")];
    snapshot!(
        "alternative",
        Message {
            cc: &cc,
            text: Some("Hello"),
            html: Some("<p>Hello"),
            ..message()
        }
    );
}

#[test]
fn everything_at_once_is_mixed_of_alternative_of_related() {
    let from = mailbox("Ünïcode \"Ann\" 李", "ann@bücher.example");
    let to: Vec<_> = (0..4)
        .map(|index| mailbox("Smith, Bob", &format!("bob{index}@example.org")))
        .collect();
    let reply_to = [
        mailbox("Help Desk", "help@example.com"),
        mailbox("", "\"a b\"@example.com"),
    ];
    let fields = [
        field(
            "List-Unsubscribe",
            "<https://example.com/unsubscribe?token=0123456789012345678901234567890123456789>, <mailto:u@example.com>",
        ),
        field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        field("X-Note", "größer als 5 < 6"),
        field("X-Empty", ""),
    ];
    let attachments = [
        attachment("report.pdf", "application/pdf", &[0; 60]),
        inline("logo.png", "logo", b"png"),
        attachment(
            "Bericht für das dritte Quartal – 第三四半期の報告書 – final (2).csv",
            "text/csv; charset=utf-8; name=old.csv",
            b"a\nb\r",
        ),
    ];
    snapshot!(
        "everything",
        Message {
            from,
            to: &to,
            reply_to: &reply_to,
            subject:
                "🎉 Une très longue ligne de sujet qui ne tient pas dans une seule ligne du message"
                    .parse()
                    .unwrap(),
            fields: &fields,
            text: Some("日本語のテキスト\n"),
            html: Some("<img src=\"cid:logo\">\n"),
            attachments: &attachments,
            ..message()
        }
    );
}

#[test]
fn an_image_without_html_is_an_attachment() {
    let attachments = [inline("logo.png", "logo", b"")];
    snapshot!(
        "image_without_html",
        Message {
            text: Some("see logo\n"),
            attachments: &attachments,
            ..message()
        }
    );
}

#[test]
fn utf8_local_parts_are_written_only_where_allowed() {
    let to = [mailbox("", "用户@example.com")];
    let mut message = Message {
        to: &to,
        text: Some(""),
        ..message()
    };
    assert_eq!(render(&message), Err(RenderError::NeedsSmtputf8));
    message.smtputf8 = true;
    snapshot!("smtputf8", message);
}

#[track_caller]
fn refuses(message: &Message<'_>, expected: &str) {
    assert_eq!(render(message).unwrap_err().to_string(), expected);
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    refuses(&message(), "expected a text or html body, found neither");
    let fields = [field("X-Fine", "1"), field("BCC", "bob@example.org")];
    refuses(
        &Message {
            fields: &fields,
            text: Some(""),
            ..message()
        },
        "expected header fields of the caller's own, found BCC",
    );
    let attachments = [attachment("a.eml", "message/rfc822", b"")];
    refuses(
        &Message {
            attachments: &attachments,
            text: Some(""),
            ..message()
        },
        "expected attachments of single media types, found message/rfc822",
    );
}
