//! Parsers never panic, and what they accept they accept again as printed.

use envelope::{
    AddrSpec, Domain, EnhancedStatusCode, LocalPart, MAX_ADDR_SPEC_OCTETS, MAX_REPLY_TEXT_CHARS,
    Reply, ReversePath,
};
use proptest::prelude::*;

/// Texts that are close to right, and texts that are not.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-cA-C0-9.\"\\\\@ü語<>\\[\\] \r\n-]{0,40}",
        "(\"[ -~]{0,10}\"|[a-z.]{1,10}|[a-zü]{1,5})@[a-zA-Zü語.-]{1,30}",
        "[245]\\.[0-9]{1,4}\\.[0-9]{1,4}",
        "[2-5][0-9]{2}[ -]([245]\\.[0-9]\\.[0-9] )?\\PC{0,20}(\r\n)?",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn addresses_are_printed_as_they_are_parsed(text in text()) {
        if let Ok(address) = AddrSpec::parse(&text) {
            let printed = address.to_string();
            prop_assert!(printed.len() <= MAX_ADDR_SPEC_OCTETS);
            prop_assert!(!printed.chars().any(char::is_control));
            prop_assert!(address.domain().as_str().is_ascii());
            prop_assert_eq!(AddrSpec::parse(&printed), Ok(address.clone()));
            let canonical = AddrSpec::parse(&address.canonical()).unwrap();
            prop_assert_eq!(canonical.canonical(), address.canonical());
        }
    }

    #[test]
    fn domains_and_local_parts_are_printed_as_they_are_parsed(text in text()) {
        if let Ok(domain) = Domain::parse(&text) {
            prop_assert_eq!(Domain::parse(domain.as_str()), Ok(domain.clone()));
            prop_assert_eq!(Domain::parse(&domain.to_unicode()), Ok(domain));
        }
        if let Ok(local_part) = LocalPart::parse(&text) {
            prop_assert_eq!(LocalPart::parse(&local_part.to_string()), Ok(local_part));
        }
    }

    #[test]
    fn paths_codes_and_replies_are_printed_as_they_are_parsed(text in text()) {
        if let Ok(path) = ReversePath::parse(&text) {
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }
        if let Ok(code) = EnhancedStatusCode::parse(&text) {
            prop_assert_eq!(code.to_string(), text.clone());
        }
        if let Ok(reply) = Reply::parse(&text) {
            prop_assert!(reply.text().chars().count() <= MAX_REPLY_TEXT_CHARS);
            prop_assert!(!reply.text().chars().any(char::is_control));
        }
    }
}
