//! What holds for every input.

use proptest::prelude::*;
use report::limits::{MAX_DIAGNOSTIC_OCTETS, MAX_RECIPIENTS};
use report::{Action, Report, classify, read};

use crate::vectors::ALL;

/// A vector with a stretch of it replaced.
fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let message = prop::sample::select(ALL).prop_map(|(_, text)| text.as_bytes().to_vec());
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..20),
        "[ \\n:;()<>\"=+-]{0,8}".prop_map(String::into_bytes),
        prop::sample::select(ALL).prop_map(|(_, text)| text.as_bytes().to_vec()),
    ];
    (message, any::<prop::sample::Index>(), 0_usize..60, piece).prop_map(
        |(mut message, at, length, piece)| {
            let start = at.index(message.len());
            let end = (start + length).min(message.len());
            message.splice(start..end, piece);
            message
        },
    )
}

fn with_crlf(message: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = message.split(|&octet| octet == b'\n').collect();
    lines.join(&b"\r\n"[..])
}

proptest! {
    #[test]
    fn no_octets_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        let _: Result<_, _> = read(&octets);
    }

    #[test]
    fn line_ends_make_no_difference(mut message in mutated()) {
        message.retain(|octet| *octet != b'\r');
        prop_assert_eq!(read(&message), read(&with_crlf(&message)));
    }

    #[test]
    fn what_is_read_keeps_to_the_limits(message in mutated()) {
        let Ok(Report::Delivery(report)) = read(&message) else { return Ok(()) };
        prop_assert!(!report.recipients.is_empty() && report.recipients.len() <= MAX_RECIPIENTS);
        for recipient in &report.recipients {
            prop_assert!(recipient.diagnostic.len() <= MAX_DIAGNOSTIC_OCTETS);
            prop_assert!(!recipient.diagnostic.contains(char::is_control));
            let found = recipient.classification;
            prop_assert_eq!(found.map(|found| found.terminal), match recipient.action {
                Action::Failed => Some(true),
                Action::Delayed => Some(false),
                Action::Delivered | Action::Relayed | Action::Expanded => None,
            });
            let holds_for_good = found.is_some_and(|found| found.hard_bounce || found.spam);
            prop_assert!(recipient.action == Action::Failed || !holds_for_good);
        }
    }

    #[test]
    fn what_is_cut_off_never_makes_up_a_recipient(path in prop::sample::select(ALL), at in any::<prop::sample::Index>()) {
        // A line that is cut may name another address; whole lines may not.
        let lines: Vec<&str> = path.1.split_inclusive('\n').collect();
        let cut = lines[..at.index(lines.len())].concat();
        let Ok(Report::Delivery(report)) = read(cut.as_bytes()) else { return Ok(()) };
        let Ok(Report::Delivery(whole)) = read(path.1.as_bytes()) else { return Err(TestCaseError::fail("whole")) };
        for recipient in report.recipients {
            let known = whole.recipients.iter().any(|known| known.final_recipient == recipient.final_recipient);
            prop_assert!(known, "{:?}", recipient);
        }
    }

    #[test]
    fn hard_and_spam_are_terminal(code in 200_u16..600, class in 0..4, subject in 0_u16..9, detail in 0_u16..400, text in ".{0,60}|(rejected as spam| |user unknown|virus found){0,3}") {
        let code = envelope::ReplyCode::new(code).ok();
        let status = format!("{class}.{subject}.{detail}").parse().ok();
        for found in [classify(code, status, &text), classify(None, status, &text), classify(code, None, &text)] {
            prop_assert!(found.terminal || !found.hard_bounce);
            prop_assert!(found.terminal || !found.spam);
            prop_assert!(found.hard_bounce && !found.spam || !found.may_suppress());
        }
    }

    #[test]
    fn case_and_spacing_of_words_make_no_difference(text in "(User unknown|blocked using|quota| |\\t|a){0,6}") {
        let spaced = text.replace(' ', " \r\n ").to_uppercase();
        prop_assert_eq!(classify(None, None, &text), classify(None, None, &spaced));
    }
}
