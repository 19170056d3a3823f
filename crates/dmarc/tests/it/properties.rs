//! What holds for every input.

use dmarc::{Alignment, Record, is_aligned, is_public_suffix, organizational_domain, select};
use envelope::Domain;
use proptest::prelude::*;

fn domain() -> impl Strategy<Value = Domain> {
    let top = prop::sample::select(vec!["com", "co.uk", "c.ck", "example", "github.io"]);
    ("[a-z0-9]{1,5}(\\.[a-z0-9]{1,5}){0,3}", top)
        .prop_map(|(labels, top)| Domain::parse(&format!("{labels}.{top}")).unwrap())
}

fn tag() -> impl Strategy<Value = String> {
    let values = "(none|quarantine|reject|r|s|[0-9]{1,4}|mailto:[a-z@.!0-9]{1,9}|,| ){0,3}";
    (
        prop::sample::select(vec!["p", "sp", "adkim", "aspf", "pct", "rua", "ruf", "x"]),
        values,
    )
        .prop_map(|(name, value)| format!("{name}={value}"))
}

proptest! {
    #[test]
    fn the_organizational_domain_is_its_own(domain in domain()) {
        let found = organizational_domain(&domain);
        prop_assert_eq!(organizational_domain(&found), found.clone());
        let within = domain == found || domain.as_str().ends_with(&format!(".{found}"));
        prop_assert!(within);
        prop_assert!(domain == found || !is_public_suffix(&found));
    }

    #[test]
    fn strict_alignment_is_relaxed_alignment_too(a in domain(), b in domain()) {
        prop_assert_eq!(is_aligned(&a, &b, Alignment::Relaxed), is_aligned(&b, &a, Alignment::Relaxed));
        prop_assert!(is_aligned(&a, &a, Alignment::Strict) && is_aligned(&a, &a, Alignment::Relaxed));
        prop_assert!(!is_aligned(&a, &b, Alignment::Strict) || a == b);
    }

    #[test]
    fn a_printed_record_is_read_again(tags in prop::collection::vec(tag(), 0..6)) {
        if let Ok(record) = Record::parse(format!("v=DMARC1;{}", tags.join(";")).as_bytes()) {
            prop_assert_eq!(Record::parse(record.to_string().as_bytes()), Ok(record));
        }
    }

    #[test]
    fn no_octets_make_parsing_panic(octets in prop::collection::vec(any::<u8>(), 0..100)) {
        let with_version = [b"v=DMARC1;", octets.as_slice()].concat();
        let _ = Record::parse(&octets);
        let _ = Record::parse(&with_version);
        let _ = select([octets.as_slice(), with_version.as_slice()]);
    }
}
