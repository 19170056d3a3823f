//! RFC 3834, and the marks of mail programs.

use crate::{check, check_text};

#[test]
fn programs_mark_theirs() {
    check(
        "auto_reply/outlook.eml",
        "auto-reply from someone@tenant.example to order-1@sender.example",
    );
    check(
        "auto_reply/gmail.eml",
        "auto-reply from someone@gmail.example to order-1@sender.example",
    );
    check(
        "auto_reply/vacation.eml",
        "auto-reply from someone@unix.example to -",
    );
}

#[track_caller]
fn mark(field: &str, expected: bool) {
    let expected = if expected {
        "auto-reply from - to -"
    } else {
        "other"
    };
    check_text(&format!("{field}\n\ntext\n"), expected);
}

#[test]
fn marks_are_told_from_what_says_nothing() {
    mark("Auto-Submitted: auto-replied (vacation); x=y", true);
    mark("AUTO-SUBMITTED: Auto-Generated", true);
    mark("Auto-Submitted: no", false);
    mark("Auto-Submitted: (auto-replied) No ; a=b", false);
    mark("Auto-Submitted:", false);
    mark("Precedence: auto_reply", true);
    mark("Precedence: bulk", false);
    mark("X-Autoreply: yes", true);
    mark("X-Autoreply: no", false);
    mark("X-Autorespond: Re: x", true);
    mark("Subject: Out of office", false);
}

#[test]
fn a_servers_notice_is_no_answer() {
    for from in ["MAILER-DAEMON@mx.example", "Post <Postmaster@mx.example>"] {
        check_text(
            &format!("From: {from}\nAuto-Submitted: auto-replied\n\nx\n"),
            "other",
        );
    }
}
