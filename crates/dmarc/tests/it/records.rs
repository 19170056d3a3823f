//! Sections 6.3, 6.4 and 6.6.3, with the records of appendix B.2.

use dmarc::{Alignment, Policy, Record, RecordError, limits, select};

/// A record that is printed as `expected`.
#[track_caller]
fn check(text: &str, expected: &str) {
    let found = Record::parse(text.as_bytes()).map(|record| record.to_string());
    assert_eq!(found.as_deref(), Ok(expected));
}

#[track_caller]
fn refuse(text: &str, expected: RecordError) {
    assert_eq!(Record::parse(text.as_bytes()), Err(expected));
}

#[test]
fn the_records_of_appendix_b_2_are_read() {
    let text = "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com";
    check(text, text);
    let text = "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com";
    check(text, text);
    let text = "v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@thirdparty.example.net";
    check(text, text);
    let text = "v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,\
        mailto:tld-test@thirdparty.example.net!10m; pct=25";
    let expected = "v=DMARC1; p=quarantine; pct=25; rua=mailto:dmarc-feedback@example.com,\
        mailto:tld-test@thirdparty.example.net!10m";
    check(text, expected);
}

#[test]
fn what_is_left_out_has_its_default() {
    let record = Record::parse(b"v=DMARC1;p=reject").unwrap();
    let expected = Record {
        policy: Policy::Reject,
        subdomain_policy: None,
        dkim_alignment: Alignment::Relaxed,
        spf_alignment: Alignment::Relaxed,
        percent: 100,
        rua: vec![],
        ruf: vec![],
    };
    assert_eq!(record, expected);
    assert_eq!(record.policy_for_subdomains(), Policy::Reject);
}

#[test]
fn every_tag_is_read_with_space_and_case_as_they_come() {
    let text = "v = DMARC1 ;\tP = Reject ; sp=NONE; ADKIM=S; aspf= s; pct=0 ; fo=1; rua=mailto:a@b.example ;";
    let expected = "v=DMARC1; p=reject; sp=none; adkim=s; aspf=s; pct=0; rua=mailto:a@b.example";
    check(text, expected);
    check(
        "v=DMARC1; rua=mailto:a@b.example; p=reject",
        "v=DMARC1; p=reject; rua=mailto:a@b.example",
    );
}

#[test]
fn values_without_a_meaning_are_passed_over() {
    let reject = |rest: &str| check(&format!("v=DMARC1; p=reject; {rest}"), "v=DMARC1; p=reject");
    for pct in ["101", "1000", "-1", "+5", "x", ""] {
        reject(&format!("pct={pct}"));
    }
    reject("adkim=x; aspf=");
    reject("nonsense; =; ;; x=y; x=y");
    reject("rua=; ruf=a@b.example, :x, 1x:y, mailto:");
}

#[test]
fn the_version_comes_first_and_is_exact() {
    for text in [
        "",
        "DMARC1",
        "v=DMARC2; p=none",
        "v=dmarc1; p=none",
        "p=none; v=DMARC1",
        " v=DMARC1; p=none",
        "v=DMARC1 p=none",
        "v=DMARC11; p=none",
    ] {
        refuse(text, RecordError::Version);
    }
}

#[test]
fn without_a_policy_there_is_none_unless_reports_are_wanted() {
    refuse("v=DMARC1", RecordError::MissingPolicy);
    refuse("v=DMARC1; sp=none", RecordError::MissingPolicy);
    refuse("v=DMARC1; p=deny", RecordError::Policy);
    refuse("v=DMARC1; p=reject; sp=deny", RecordError::SubdomainPolicy);
    refuse("v=DMARC1; p=deny; rua=nobody", RecordError::Policy);
    let none = "v=DMARC1; p=none; rua=mailto:a@b.example";
    check("v=DMARC1; rua=mailto:a@b.example", none);
    check("v=DMARC1; p=deny; rua=mailto:a@b.example", none);
    check("v=DMARC1; p=reject; sp=deny; rua=mailto:a@b.example", none);
}

#[test]
fn what_spoils_a_record_is_told_with_its_place() {
    refuse(
        "v=DMARC1; p=none; P=reject",
        RecordError::Duplicate { at: 17 },
    );
    refuse(
        "v=DMARC1; p=none; x=ü",
        RecordError::Octet {
            at: 20,
            found: 0xc3,
        },
    );
    refuse(
        "v=DMARC1; p=none\n",
        RecordError::Octet {
            at: 16,
            found: b'\n',
        },
    );
}

#[test]
fn a_record_has_a_maximum() {
    let mut text = String::from("v=DMARC1; p=none;");
    text.push_str(&" ".repeat(limits::MAX_RECORD - text.len()));
    assert!(Record::parse(text.as_bytes()).is_ok());
    text.push(' ');
    let found = limits::MAX_RECORD + 1;
    refuse(&text, RecordError::TooLong { found });
}

#[test]
fn one_text_of_a_name_is_its_record() {
    let selected = |texts: &[&[u8]]| {
        let found = select(texts.iter().copied());
        found.map(|record| record.map(|record| record.policy))
    };
    assert_eq!(selected(&[]), Ok(None));
    assert_eq!(
        selected(&[b"v=spf1 -all", b"\xff", b"v=DMARC2; p=none"]),
        Ok(None)
    );
    assert_eq!(
        selected(&[b"x", b"v=DMARC1; p=reject"]),
        Ok(Some(Policy::Reject))
    );
    let two: [&[u8]; 2] = [b"v=DMARC1; p=reject", b"v=DMARC1; p=reject"];
    assert_eq!(selected(&two), Err(RecordError::Multiple));
    assert_eq!(selected(&[b"v=DMARC1"]), Err(RecordError::MissingPolicy));
}
