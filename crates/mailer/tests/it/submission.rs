//! The rules about a request's content, each with the property that is blamed.

use mailer::submission::{Draft, DraftAttachment, DraftMailbox, Policy, Submission};

fn mailbox(address: &str) -> DraftMailbox<'_> {
    DraftMailbox {
        address: address.into(),
        display_name: None,
    }
}

fn good<'a>() -> Draft<'a> {
    Draft {
        sender_address: "news@example.com".into(),
        subject: Some("s".into()),
        plain_text: Some("t".into()),
        to: vec![mailbox("bob@example.org")],
        ..Draft::default()
    }
}

fn attachment<'a>(
    name: &'a str,
    content_type: &'a str,
    base64: &'a str,
    content_id: Option<&'a str>,
) -> DraftAttachment<'a> {
    DraftAttachment {
        name: name.into(),
        content_type: content_type.into(),
        content_in_base64: base64.into(),
        content_id: content_id.map(Into::into),
    }
}

fn with_headers<'a>(headers: &[(&'a str, &'a str)]) -> Draft<'a> {
    Draft {
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        ..good()
    }
}

#[track_caller]
fn refused(draft: &Draft<'_>, property: &str, text: &str) {
    let invalid = draft.check(Policy::default()).expect_err("refused");
    assert_eq!(invalid.property, property);
    assert!(invalid.to_string().contains(text), "{invalid}");
}

#[track_caller]
fn accepted(draft: &Draft<'_>) -> Submission {
    draft.check(Policy::default()).expect("accepted")
}

#[test]
fn what_is_missing_is_named() {
    refused(
        &Draft {
            sender_address: "".into(),
            ..good()
        },
        "senderAddress",
        "expected a value",
    );
    refused(
        &Draft {
            subject: None,
            ..good()
        },
        "content.subject",
        "expected a value",
    );
    refused(
        &Draft {
            plain_text: None,
            ..good()
        },
        "content",
        "plainText or html",
    );
    refused(
        &Draft {
            plain_text: Some("".into()),
            html: Some("".into()),
            ..good()
        },
        "content",
        "plainText or html",
    );
    refused(
        &Draft {
            to: vec![],
            ..good()
        },
        "recipients",
        "at least one",
    );
    accepted(&Draft {
        to: vec![],
        bcc: vec![mailbox("x@example.org")],
        ..good()
    });
    accepted(&Draft {
        subject: Some("".into()),
        ..good()
    });
}

#[test]
fn fifty_recipients_are_the_most() {
    let many = |n| {
        (0..n)
            .map(|i| DraftMailbox {
                address: format!("u{i}@example.org").into(),
                display_name: None,
            })
            .collect()
    };
    accepted(&Draft {
        to: many(20),
        cc: many(20),
        bcc: many(10),
        ..good()
    });
    refused(
        &Draft {
            to: many(20),
            cc: many(20),
            bcc: many(11),
            ..good()
        },
        "recipients",
        "at most 50 entries, found 51",
    );
}

#[test]
fn bad_addresses_are_blamed_where_they_stand() {
    for bad in [
        "",
        "bob",
        "@example.org",
        "bob@",
        "bob@localhost",
        "a b@example.org",
        "bob@exa mple.org",
        "bob@example.org\r\n",
        "<bob@example.org>",
    ] {
        refused(
            &Draft {
                cc: vec![mailbox("ok@example.org"), mailbox(bad)],
                ..good()
            },
            "recipients.cc[1].address",
            "",
        );
    }
    refused(
        &Draft {
            sender_address: "News <news@example.com>".into(),
            ..good()
        },
        "senderAddress",
        "",
    );
    refused(
        &Draft {
            reply_to: vec![mailbox("x")],
            ..good()
        },
        "replyTo[0].address",
        "",
    );
}

#[test]
fn local_parts_outside_ascii_need_a_relay_that_takes_them() {
    let draft = Draft {
        to: vec![mailbox("用户@例子.example")],
        ..good()
    };
    refused(&draft, "recipients.to[0].address", "SMTPUTF8");
    assert!(draft.check(Policy { smtputf8: true }).is_ok());
    let domain_only = accepted(&Draft {
        to: vec![mailbox("bob@bücher.example")],
        ..good()
    });
    assert_eq!(
        domain_only.to[0].addr_spec.to_string(),
        "bob@xn--bcher-kva.example"
    );
}

#[test]
fn line_breaks_are_refused_everywhere() {
    for evil in ["x\r\nBcc: a@b.example", "x\nY", "x\ry", "x\0y"] {
        refused(
            &Draft {
                subject: Some(evil.into()),
                ..good()
            },
            "content.subject",
            "",
        );
        refused(
            &Draft {
                sender_display_name: Some(evil.into()),
                ..good()
            },
            "senderDisplayName",
            "",
        );
        let to = DraftMailbox {
            address: "b@example.org".into(),
            display_name: Some(evil.into()),
        };
        refused(
            &Draft {
                to: vec![to],
                ..good()
            },
            "recipients.to[0].displayName",
            "",
        );
        refused(&with_headers(&[("X-A", evil)]), "headers.X-A", "");
        let names = with_headers(&[(evil, "v")]);
        assert!(names.check(Policy::default()).is_err());
        let file = Draft {
            attachments: vec![attachment(evil, "text/plain", "AA==", None)],
            ..good()
        };
        refused(&file, "attachments[0].name", "");
        let kind = Draft {
            attachments: vec![attachment("a.txt", evil, "AA==", None)],
            ..good()
        };
        refused(&kind, "attachments[0].contentType", "");
        let id = Draft {
            attachments: vec![attachment("a.txt", "text/plain", "AA==", Some(evil))],
            ..good()
        };
        refused(&id, "attachments[0].contentId", "");
    }
}

#[test]
fn header_fields_that_are_ours_are_refused_and_others_kept() {
    for ours in [
        "From",
        "bcc",
        "DATE",
        "DKIM-Signature",
        "Received",
        "Return-Path",
        "Content-Type",
        "MIME-Version",
        "Sender",
    ] {
        refused(
            &with_headers(&[(ours, "v")]),
            &format!("headers.{ours}"),
            "cannot be set",
        );
    }
    refused(&with_headers(&[("X A", "v")]), "headers.X A", "");
    refused(
        &with_headers(&[("X-A", "1"), ("x-a", "2")]),
        "headers.x-a",
        "twice",
    );
    let kept = accepted(&with_headers(&[
        ("List-Unsubscribe", "<https://example.com/u>"),
        ("X-Priority", "1"),
        ("References", "<a@b.example>"),
    ]));
    assert_eq!(kept.fields.len(), 3);
}

#[test]
fn reserved_headers_are_orders_and_not_fields() {
    let order = with_headers(&[("x-ms-acsemail-suppress-invalid-attachment", "TRUE")]);
    assert!(accepted(&order).fields.is_empty());
    refused(
        &with_headers(&[("x-ms-acsemail-validate-message-id", "maybe")]),
        "headers.x-ms-acsemail-validate-message-id",
        "",
    );
    refused(
        &with_headers(&[("X-MS-ACSEmail-Other", "true")]),
        "headers.X-MS-ACSEmail-Other",
        "known",
    );
}

#[test]
fn a_message_id_is_kept_when_good_and_replaced_or_refused_when_not() {
    let good = accepted(&with_headers(&[("Message-ID", " <a.b@example.com> ")]));
    assert_eq!(good.message_id.unwrap().to_string(), "<a.b@example.com>");
    assert!(!good.message_id_is_unique);
    assert_eq!(
        accepted(&with_headers(&[("message-id", "nonsense")])).message_id,
        None
    );
    let validate = ("x-ms-acsemail-validate-message-id", "true");
    refused(
        &with_headers(&[("Message-ID", "nonsense"), validate]),
        "headers.Message-ID",
        "expected a Message-ID",
    );
    assert!(
        accepted(&with_headers(&[
            validate,
            ("Message-ID", "<a@example.com>")
        ]))
        .message_id_is_unique
    );
}

#[test]
fn bad_attachments_fail_the_message_or_are_dropped_on_demand() {
    let bad = [
        (
            attachment("a.exe", "application/pdf", "AA==", None),
            "attachments[1]",
        ),
        (
            attachment("a.pdf", "application/octet-stream", "AA==", None),
            "attachments[1]",
        ),
        (
            attachment("a.pdf", "application/pdf", "not base64", None),
            "attachments[1].contentInBase64",
        ),
        (
            attachment("a.pdf", "application/pdf", "AA", None),
            "attachments[1].contentInBase64",
        ),
    ];
    for (bad, property) in bad {
        let mut draft = Draft {
            attachments: vec![attachment("ok.txt", "text/plain", "AA==", None), bad],
            ..good()
        };
        refused(&draft, property, "");
        draft.headers = vec![(
            "x-ms-acsemail-suppress-invalid-attachment".into(),
            "true".into(),
        )];
        assert_eq!(accepted(&draft).attachments.len(), 1);
    }
}

#[test]
fn a_content_id_stands_once_unless_the_caller_insists() {
    let pair = vec![
        attachment("a.png", "image/png", "AA==", Some("logo")),
        attachment("b.png", "image/png", "AA==", Some("logo")),
    ];
    let mut draft = Draft {
        attachments: pair,
        ..good()
    };
    refused(&draft, "attachments[1].contentId", "another attachment");
    draft.headers = vec![(
        "x-ms-acsemail-ignore-duplicate-content-id".into(),
        "true".into(),
    )];
    assert_eq!(accepted(&draft).attachments.len(), 2);
}
