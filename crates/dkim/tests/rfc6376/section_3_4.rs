//! Canonicalization: expected values are what the text of the section says.

use dkim::{Algo, BodyHash, BodyHasher};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

use crate::setup::{NOW, PAIRS, Zone, judge, options, signed};

/// The hash must be that of the canonical body, and count its octets.
#[track_caller]
fn check_body(algo: Algo, body: &str, canonical: &str) {
    let found = BodyHash::of(algo, body.as_bytes());
    let expected: [u8; 32] = Sha256::digest(canonical).into();
    assert_eq!(found.digest(), &expected, "{algo} {body:?}");
    assert_eq!(
        found.canonical_length(),
        canonical.len() as u64,
        "{algo} {body:?}"
    );
}

#[track_caller]
fn check_simple(body: &str, canonical: &str) {
    check_body(Algo::Simple, body, canonical);
}

#[track_caller]
fn check_relaxed(body: &str, canonical: &str) {
    check_body(Algo::Relaxed, body, canonical);
}

#[test]
fn simple_body_ends_in_exactly_one_crlf() {
    check_simple("", "\r\n");
    check_simple("\r\n", "\r\n");
    check_simple("\r\n\r\n\r\n", "\r\n");
    check_simple("abc", "abc\r\n");
    check_simple("abc\r\n", "abc\r\n");
    check_simple("abc\r\n\r\n", "abc\r\n");
    check_simple("\r\n\r\nabc\r\n\r\nd\r\n", "\r\n\r\nabc\r\n\r\nd\r\n");
}

#[test]
fn simple_body_keeps_white_space_lines() {
    check_simple(" \r\n", " \r\n");
    check_simple("hi\r\n \t\r\n", "hi\r\n \t\r\n");
    check_simple("hi \r\n \t\r\n\r\n", "hi \r\n \t\r\n");
}

#[test]
fn relaxed_body_that_is_empty_stays_empty() {
    check_relaxed("", "");
    check_relaxed("\r\n", "");
    check_relaxed("\r\n\r\n", "");
    check_relaxed(" ", "");
    check_relaxed(" \r\n", "");
    check_relaxed(" \t\r\n\t\r\n", "");
}

#[test]
fn relaxed_body_loses_space_at_line_ends_and_empty_lines_at_its_end() {
    check_relaxed("hi\r\n \t\r\n", "hi\r\n");
    check_relaxed("abc", "abc\r\n");
    check_relaxed("abc \t", "abc\r\n");
    check_relaxed("abc\r\n ", "abc\r\n");
    check_relaxed("a \t b\t\r\n", "a b\r\n");
    check_relaxed(" \t a\r\n", " a\r\n");
    check_relaxed(" \r\n\r\na\r\n \r\nb\r\n", "\r\n\r\na\r\n\r\nb\r\n");
}

#[test]
fn a_bare_cr_or_lf_is_an_octet_like_any_other() {
    check_simple("a\rb\nc\r", "a\rb\nc\r\r\n");
    check_relaxed("a \rb \n\r\r\n", "a \rb \n\r\r\n");
    let place = |body: &[u8]| BodyHash::of(Algo::Relaxed, body).bare_line_break();
    assert_eq!(place(b"a\r\n\r\n"), None);
    assert_eq!(place(b"a\r\nb\nc\r"), Some(4));
    assert_eq!(place(b"ab\rc"), Some(2));
    assert_eq!(place(b"ab\r"), Some(2));
    assert_eq!(place(b"\r\r\n"), Some(0));
}

#[test]
fn bodies_longer_than_a_block_are_hashed_whole() {
    let line = format!("{}\r\n", "x".repeat(9000));
    check_simple(&line, &line);
    let words = "word word\r\n".repeat(2000);
    check_relaxed(&words.replace(' ', " \t"), &words);
    let empty = "\r\n".repeat(5000);
    check_relaxed(&format!("{empty}x"), &format!("{empty}x\r\n"));
}

/// The message of section 3.4.5; the fields alone are tested beside the code.
#[test]
fn example_bodies_of_section_3_4_5() {
    let body = " C \r\nD \t E\r\n\r\n\r\n";
    check_relaxed(body, " C\r\nD E\r\n");
    check_simple(body, " C \r\nD \t E\r\n");
}

#[test]
fn empty_bodies_have_the_hashes_the_section_prints() {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let hash = |algo| STANDARD.encode(BodyHash::of(algo, b"").digest());
    assert_eq!(
        hash(Algo::Simple),
        "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="
    );
    assert_eq!(
        hash(Algo::Relaxed),
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    );
}

/// The rules of sections 3.4.3 and 3.4.4 as they are written, over a body at hand whole.
fn by_the_book(algo: Algo, body: &str) -> String {
    let lines = body.split("\r\n").map(|line| match algo {
        Algo::Simple => line.to_owned(),
        Algo::Relaxed => {
            let mut text = line.replace('\t', " ");
            while text.contains("  ") {
                text = text.replace("  ", " ");
            }
            text.trim_end_matches(' ').to_owned()
        }
    });
    let text = lines.collect::<Vec<_>>().join("\r\n");
    let mut rest = text.as_str();
    while let Some(shorter) = rest.strip_suffix("\r\n") {
        rest = shorter;
    }
    match (rest, algo) {
        ("", Algo::Relaxed) => String::new(),
        _ => format!("{rest}\r\n"),
    }
}

fn algo() -> impl Strategy<Value = Algo> {
    prop_oneof![Just(Algo::Simple), Just(Algo::Relaxed)]
}

/// Bodies of little else than what canonicalization cares for.
fn body() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("\r\n"),
        Just(" "),
        Just("\t"),
        Just("a"),
        Just("word"),
        Just("a line longer than eight octets\r\n"),
        Just("\r\n\r\n"),
        Just("\u{1}\u{b}\u{c}"),
        Just("\u{e9}")
    ];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_stream_agrees_with_the_book(algo in algo(), body in body()) {
        check_body(algo, &body, &by_the_book(algo, &body));
    }

    #[test]
    fn chunks_of_any_size_give_the_same_hash(
        algo in algo(),
        body in "[ \t\r\na]{0,60}",
        cuts in prop::collection::vec(1_usize..9, 1..20),
    ) {
        let mut hasher = BodyHasher::new(algo);
        let mut rest = body.as_bytes();
        for cut in cuts.iter().cycle() {
            let (chunk, left) = rest.split_at((*cut).min(rest.len()));
            hasher.update(chunk);
            rest = left;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(hasher.finish(), BodyHash::of(algo, body.as_bytes()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_signed_verifies_under_all_canonicalizations(
        body in "[ -~\t\r\n\u{80}-\u{ff}]{0,200}",
        subject in "[ -~]{0,60}",
        pair in 0_usize..4,
    ) {
        let body = body.replace(['\r', '\n'], "\r\n");
        let message = format!("From: a@example.com\r\nSubject: {subject}\r\n\r\n{body}");
        let message = signed(&message, &options(PAIRS[pair]));
        prop_assert_eq!(judge(message.as_bytes(), &Zone::of_key(), NOW).outcome, Ok(()));
    }
}
