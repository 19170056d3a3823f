//! The grammar: sections 3, 4.5, 4.6, 5, 6, 7.1 and 12.

use spf::{Qualifier, Record, RecordError, limits, select};

use crate::setup::domain;

/// A record that is printed as `expected`.
#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(
        Record::parse(text.as_bytes()).unwrap().to_string(),
        expected
    );
}

/// A record that is printed as it is.
#[track_caller]
fn same(text: &str) {
    check(text, text);
}

#[track_caller]
fn refuse(text: &str, expected: RecordError) {
    assert_eq!(Record::parse(text.as_bytes()), Err(expected));
}

#[test]
fn terms_are_parted_by_spaces() {
    same("v=spf1");
    check("v=spf1 ", "v=spf1");
    check("V=sPf1   MX  -ALL ", "v=spf1 mx -all");
    refuse("v=spf1\ta", RecordError::Version);
    refuse("v=spf10", RecordError::Version);
    refuse("", RecordError::Version);
    refuse("v=spf1 a\ta", RecordError::Octet { at: 8, found: 9 });
    refuse("v=spf1 ü", RecordError::Octet { at: 7, found: 0xc3 });
}

#[test]
fn every_mechanism_is_read() {
    same("v=spf1 all -all ~all ?all");
    check("v=spf1 +all", "v=spf1 all");
    same("v=spf1 include:_spf.example.com a a:b.example a:b.example/24 a/24//64 a//64");
    same("v=spf1 mx mx:b.example/0//0 ptr ptr:b.example exists:%{ir}.b.example");
    same("v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::1 ip6:2001:db8::/32");
    check("v=spf1 a/32//128", "v=spf1 a");
    // A slash that parts the value of a macro starts no prefix length.
    same("v=spf1 a:%{d/} mx:b.%{l1r/}/24//64");
}

#[test]
fn names_of_mechanisms_are_known() {
    refuse("v=spf1 moo", RecordError::Mechanism { at: 7 });
    refuse("v=spf1 a -moo:b.example", RecordError::Mechanism { at: 10 });
    refuse("v=spf1 --all", RecordError::Mechanism { at: 8 });
    refuse("v=spf1 -", RecordError::Mechanism { at: 8 });
    refuse("v=spf1 1x=y", RecordError::Mechanism { at: 7 });
    refuse("v=spf1 =y", RecordError::Mechanism { at: 7 });
    // A modifier has no qualifier.
    refuse(
        "v=spf1 -redirect=b.example",
        RecordError::Mechanism { at: 7 },
    );
}

#[test]
fn mechanisms_have_their_arguments() {
    refuse("v=spf1 all:b.example", RecordError::Argument { at: 10 });
    refuse("v=spf1 all/8", RecordError::Argument { at: 10 });
    refuse("v=spf1 include", RecordError::Argument { at: 14 });
    refuse("v=spf1 exists", RecordError::Argument { at: 13 });
    refuse("v=spf1 include:", RecordError::Domain { at: 15 });
    refuse("v=spf1 a:", RecordError::Domain { at: 9 });
    refuse("v=spf1 a:/24", RecordError::Domain { at: 9 });
    refuse("v=spf1 ptr:", RecordError::Domain { at: 11 });
    refuse("v=spf1 ptr/24", RecordError::Argument { at: 10 });
    refuse(
        "v=spf1 include:b.example/24",
        RecordError::Domain { at: 15 },
    );
    refuse("v=spf1 ip4", RecordError::Argument { at: 10 });
    refuse("v=spf1 ip4/24", RecordError::Argument { at: 10 });
}

#[test]
fn domains_end_in_a_top_label_or_a_macro() {
    same("v=spf1 a:b.example. a:%{d} a:b_c.%{d2} a:1.2.3-4 a:b/c.example a:foo:8080.example");
    for text in [
        "museum",
        "museum.",
        "b.123",
        "b.-c",
        "b.c-",
        "b.example:8080",
        "b..",
        "%{d}x",
        "b.c_d",
    ] {
        refuse(&format!("v=spf1 a:{text}"), RecordError::Domain { at: 9 });
    }
}

#[test]
fn macros_are_whole() {
    same("v=spf1 exists:%{s}%{L1}%{o2r}%{d99R}%{i.-+,/_=}%%%_%-%{v}%{p}%{h}");
    for text in [
        "%", "%a.b", "%{", "%{}", "%{d", "%{x}", "%{d0}", "%{d00}", "%{dr2}", "%{d.x}", "%{ü}",
        "%{c}", "%{r}", "%{T}", "%(d)",
    ] {
        let record = format!("v=spf1 exists:{text}.example");
        let expected = if text == "%{ü}" {
            RecordError::Octet {
                at: 16,
                found: 0xc3,
            }
        } else {
            RecordError::Macro { at: 14 }
        };
        refuse(&record, expected);
    }
    // Numbers have no maximum.
    same("v=spf1 exists:%{d99999999999999999999999}");
}

#[test]
fn prefix_lengths_are_numbers_in_their_range() {
    for text in [
        "/33", "/", "//", "/24/", "/24//129", "///64", "/024", "/-1", "/+1", "/1x", "//064",
    ] {
        let found = Record::parse(format!("v=spf1 a{text}").as_bytes());
        assert!(
            matches!(found, Err(RecordError::Prefix { .. })),
            "{text}: {found:?}"
        );
    }
    refuse("v=spf1 ip4:192.0.2.0/33", RecordError::Prefix { at: 20 });
    refuse("v=spf1 ip4:192.0.2.0/", RecordError::Prefix { at: 20 });
    refuse("v=spf1 ip6:2001:db8::/129", RecordError::Prefix { at: 21 });
    refuse("v=spf1 a:b.example/24//129", RecordError::Prefix { at: 21 });
}

#[test]
fn addresses_are_of_their_family() {
    for text in [
        "ip4:192.0.2",
        "ip4:192.0.2.256",
        "ip4:2001:db8::1",
        "ip4:",
        "ip6:192.0.2.1",
        "ip6:",
        "ip6:2001:db8:::1",
    ] {
        refuse(&format!("v=spf1 {text}"), RecordError::Address { at: 11 });
    }
}

#[test]
fn modifiers_come_once_and_unknown_ones_mean_nothing() {
    same("v=spf1 redirect=b.example exp=e.%{d}");
    check(
        "v=spf1 x=%{c} redirect=b.example x-1.y_z= -all",
        "v=spf1 -all redirect=b.example",
    );
    refuse(
        "v=spf1 redirect=a.b redirect=a.b",
        RecordError::Duplicate { at: 20 },
    );
    refuse("v=spf1 exp=a.b EXP=a.b", RecordError::Duplicate { at: 15 });
    refuse("v=spf1 redirect=", RecordError::Domain { at: 16 });
    refuse("v=spf1 exp=", RecordError::Domain { at: 11 });
    refuse("v=spf1 x=%", RecordError::Macro { at: 9 });
}

#[test]
fn a_record_has_a_maximum() {
    let mut text = String::from("v=spf1");
    text.push_str(&" ".repeat(limits::MAX_RECORD - text.len()));
    assert!(Record::parse(text.as_bytes()).is_ok());
    text.push(' ');
    let found = limits::MAX_RECORD + 1;
    refuse(&text, RecordError::TooLong { found });
}

#[test]
fn one_text_of_a_domain_is_its_record() {
    let selected = |texts: &[&str]| {
        let found = select(texts.iter().map(|text| text.as_bytes()));
        found.map(|record| record.map(|record| record.to_string()))
    };
    assert_eq!(selected(&[]), Ok(None));
    assert_eq!(
        selected(&["google-site-verification=x", "v=spf2.0/pra"]),
        Ok(None)
    );
    let record = Ok(Some("v=spf1 -all".to_owned()));
    assert_eq!(selected(&["x", "v=spf1 -all"]), record);
    assert_eq!(
        selected(&["v=spf1 -all", "v=spf1 moo"]),
        Err(RecordError::Multiple)
    );
    assert_eq!(
        selected(&["v=spf1 moo"]),
        Err(RecordError::Mechanism { at: 7 })
    );
}

#[test]
fn what_all_says_is_told() {
    let all = |text: &str| Record::parse(text.as_bytes()).unwrap().all_qualifier();
    assert_eq!(all("v=spf1 a"), None);
    assert_eq!(all("v=spf1 a ~all"), Some(Qualifier::SoftFail));
    assert_eq!(all("v=spf1 -all +all"), Some(Qualifier::Fail));
}

#[test]
fn what_is_included_is_told() {
    let includes = |text: &str| {
        let record = Record::parse(text.as_bytes()).unwrap();
        record.includes(&domain("spf.example.com"))
    };
    assert!(includes("v=spf1 include:spf.example.com -all"));
    assert!(includes("v=spf1 a +include:SPF.Example.com. -all"));
    assert!(!includes("v=spf1 -include:spf.example.com"));
    assert!(!includes("v=spf1 ?include:spf.example.com"));
    assert!(!includes("v=spf1 -all include:spf.example.com"));
    assert!(!includes(
        "v=spf1 include:example.com include:%{d} redirect=spf.example.com"
    ));
    let record = Record::parse(b"v=spf1 include:_spf.example.com").unwrap();
    assert!(record.includes_name(&dns::Name::parse("_spf.example.com").unwrap()));
}
