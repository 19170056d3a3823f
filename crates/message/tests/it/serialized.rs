//! The serialized forms, which stored records depend on.

use message::{HeaderField, Mailbox, MediaType};

use crate::fixture::{field, mailbox};

#[test]
fn checked_types_are_stored_as_text() {
    let stored = serde_json::to_string(&mailbox("Jürgen", "j@example.com")).unwrap();
    assert_eq!(
        stored,
        r#"{"display_name":"Jürgen","addr_spec":"j@example.com"}"#
    );
    let read: Mailbox = serde_json::from_str(&stored).unwrap();
    assert_eq!(read, mailbox("Jürgen", "j@example.com"));

    let stored = serde_json::to_string(&field("X-A", "b")).unwrap();
    assert_eq!(stored, r#"{"name":"X-A","body":"b"}"#);
    assert_eq!(
        serde_json::from_str::<HeaderField>(&stored).unwrap(),
        field("X-A", "b")
    );
}

#[test]
fn what_is_read_is_checked_again() {
    assert!(serde_json::from_str::<HeaderField>(r#"{"name":"X","body":"a\r\nBcc: b"}"#).is_err());
    assert!(serde_json::from_str::<MediaType>(r#""text""#).is_err());
}
