//! The serialized forms, which stored records depend on.
#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed, as it should"
)]

use envelope::{AddrSpec, Domain, EnhancedStatusCode, Envelope, LocalPart, Reply, ReversePath};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Debug;

#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, expected: &str) {
    assert_eq!(serde_json::to_string(value).unwrap(), expected);
    assert_eq!(&serde_json::from_str::<T>(expected).unwrap(), value);
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug>(json: &str, expected: &str) {
    let error = serde_json::from_str::<T>(json).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn checked_types_are_stored_as_text() {
    let address = AddrSpec::parse("Ann@Bücher.example").unwrap();
    check(&address, r#""Ann@xn--bcher-kva.example""#);
    check(&Domain::parse("EXAMPLE.com").unwrap(), r#""example.com""#);
    check(&LocalPart::parse("\"a b\"").unwrap(), r#""\"a b\"""#);
    check(&ReversePath::Null, r#""<>""#);
    check(&EnhancedStatusCode::parse("5.1.1").unwrap(), r#""5.1.1""#);
    let envelope = Envelope::new(ReversePath::Null, vec![address]).unwrap();
    check(
        &envelope,
        r#"{"reverse_path":"<>","forward_paths":["Ann@xn--bcher-kva.example"]}"#,
    );
    let reply = Reply::parse("550 5.1.1 no such user").unwrap();
    check(
        &reply,
        r#"{"code":550,"enhanced":"5.1.1","text":"no such user"}"#,
    );
}

#[test]
fn what_is_read_is_checked_again() {
    refuses::<AddrSpec>(r#""ann""#, "expected an at sign, found the end at offset 3");
    refuses::<Envelope>(
        r#"{"reverse_path":"<>","forward_paths":[]}"#,
        "expected at least one forward path, found none",
    );
    refuses::<Reply>(
        r#"{"code":600,"enhanced":null,"text":""}"#,
        "expected a reply code from 200 to 599, found 600",
    );
    let reply: Reply =
        serde_json::from_str(r#"{"code":250,"enhanced":null,"text":"a\r\nb"}"#).unwrap();
    assert_eq!(reply.text(), "a  b");
}
