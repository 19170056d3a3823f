//! What holds for every input.

use proptest::prelude::*;
use spf::{Record, SpfResult};

use crate::setup::{evaluate_sender, with_record};

fn term() -> impl Strategy<Value = String> {
    let spec =
        "(%\\{[sldiovhp]([1-9][0-9]?)?r?[-.+]?\\}|[a-z_]{1,5}|\\.|%%|%_){0,4}(\\.example|%\\{d\\})";
    let mechanism = prop_oneof![
        Just("all".to_owned()),
        (
            prop::sample::select(vec!["include", "exists", "ptr", "a", "mx"]),
            spec
        )
            .prop_map(|(name, spec)| format!("{name}:{spec}")),
        (prop::sample::select(vec!["a", "mx"]), 0u8..=32, 0u8..=128)
            .prop_map(|(name, ip4, ip6)| format!("{name}/{ip4}//{ip6}")),
        (any::<std::net::Ipv4Addr>(), 0u8..=32).prop_map(|(ip, n)| format!("ip4:{ip}/{n}")),
        (any::<std::net::Ipv6Addr>(), 0u8..=128).prop_map(|(ip, n)| format!("ip6:{ip}/{n}")),
    ];
    ("[-+~?]?", mechanism).prop_map(|(sign, mechanism)| format!("{sign}{mechanism}"))
}

fn record() -> impl Strategy<Value = String> {
    prop::collection::vec(term(), 0..8).prop_map(|terms| format!("v=spf1 {}", terms.join(" ")))
}

proptest! {
    #[test]
    fn a_printed_record_is_read_again(text in record()) {
        let record = Record::parse(text.as_bytes()).unwrap();
        let again = Record::parse(record.to_string().as_bytes());
        prop_assert_eq!(again, Ok(record));
    }

    #[test]
    fn no_octets_make_parsing_panic(octets in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Record::parse(&octets);
        let _ = Record::parse(&[b"v=spf1 ", octets.as_slice()].concat());
    }

    #[test]
    fn no_terms_make_parsing_panic(terms in "[-+~?:/=%{}.a-z0-9 ]{0,60}") {
        let _ = Record::parse(format!("v=spf1 {terms}").as_bytes());
    }

    #[test]
    fn a_check_ends_whatever_the_record_and_the_sender(text in record(), sender in "\\PC{0,40}", ip in any::<std::net::IpAddr>()) {
        let found = evaluate_sender(&with_record(&text, "a.example A 192.0.2.1"), &ip.to_string(), &sender);
        prop_assert!(found.lookups <= 10 && found.void_lookups <= 2);
        prop_assert_eq!(found.error.is_some(), found.result == SpfResult::PermError);
        prop_assert!(found.result != SpfResult::None);
    }
}
