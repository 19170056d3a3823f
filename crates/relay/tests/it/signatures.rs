//! DKIM results, with keys from outside.

use std::{future::Future, pin::Pin, sync::Arc};

use relay::{CaptureOptions, DkimKeys, KeyLookup, Mode};
use serde_json::Value;

use crate::harness::{MESSAGE, capture, start};

struct Fixed(KeyLookup);

impl DkimKeys for Fixed {
    fn record<'a>(&'a self, name: &'a str) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
        assert_eq!(name, "sel._domainkey.b.example");
        Box::pin(async { self.0.clone() })
    }
}

/// A signed message and the record of its key.
fn signed() -> (String, String) {
    let mut rng: rand_chacha::ChaCha8Rng = rand_core::SeedableRng::seed_from_u64(1);
    let mut search = dkim::keygen::RsaKeySearch::new(2048).unwrap();
    let key = loop {
        if let Some(key) = search.step(&mut rng) {
            break key;
        }
    };
    let options = dkim::SigningOptions {
        domain: "b.example".parse().unwrap(),
        selector: "sel".parse().unwrap(),
        auid: None,
        canonicalization: dkim::Canonicalization::RELAXED,
        signed_at: 1_700_000_000,
        expires_at: None,
        signed_fields: dkim::SignedFields::Recommended,
    };
    let field = dkim::sign(MESSAGE.as_bytes(), &options, &key, &mut rng).unwrap();
    (
        format!("{field}{MESSAGE}"),
        key.public_key_record().to_owned(),
    )
}

/// Captures a message where look-ups end as `found`, and returns the report on it.
async fn report(message: &str, found: KeyLookup) -> Value {
    let state = tempfile::tempdir().unwrap();
    let options = CaptureOptions {
        keys: Arc::new(Fixed(found)),
        ..CaptureOptions::default()
    };
    let relay = start(state.path(), Mode::Capture(options)).await;
    let id = relay.captured("k", message.as_bytes()).await;
    let report = relay.dkim(id).await;
    let listed = relay.get("/api/messages").await.json();
    assert_eq!(listed["messages"][0]["dkim"], report["status"]);
    report
}

#[tokio::test]
async fn signatures_are_judged_with_the_keys_given() {
    let (message, record) = signed();
    let passed = report(&message, KeyLookup::Found(record.clone())).await;
    assert_eq!(passed["status"], "pass", "{passed}");
    let signature = &passed["signatures"][0];
    assert_eq!(signature["domain"], "b.example");
    assert_eq!(signature["selector"], "sel");
    assert_eq!(signature["signed_at"], 1_700_000_000);
    assert_eq!(signature["reason"], Value::Null);

    let changed = message.replace("hello", "hullo");
    for (message, found, status, reason) in [
        (
            &changed,
            KeyLookup::Found(record),
            "fail",
            "the body differs",
        ),
        (&message, KeyLookup::NotFound, "fail", "found none"),
        (
            &message,
            KeyLookup::Found("nonsense".to_owned()),
            "fail",
            "unusable key record: ",
        ),
        (
            &message,
            KeyLookup::NotChecked,
            "unchecked",
            "nothing here knows public keys",
        ),
        (
            &message,
            KeyLookup::Failed("no answer".to_owned()),
            "unchecked",
            "no answer",
        ),
    ] {
        let found = report(message, found).await;
        assert_eq!(found["status"], status, "{found}");
        let text = found["signatures"][0]["reason"].as_str().unwrap();
        assert!(text.contains(reason), "{text}");
    }
}

#[tokio::test]
async fn unsigned_messages_say_so() {
    let (relay, _state) = capture().await;
    let id = relay.captured("k", MESSAGE.as_bytes()).await;
    assert_eq!(relay.dkim(id).await["status"], "none");
}

#[tokio::test]
async fn messages_that_were_not_checked_before_the_end_are_checked_after_it() {
    struct Never;
    impl DkimKeys for Never {
        fn record<'a>(
            &'a self,
            _name: &'a str,
        ) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
            Box::pin(std::future::pending())
        }
    }
    let (message, record) = signed();
    let state = tempfile::tempdir().unwrap();
    let with = |keys: Arc<dyn DkimKeys>| {
        Mode::Capture(CaptureOptions {
            keys,
            ..CaptureOptions::default()
        })
    };
    let relay = start(state.path(), with(Arc::new(Never))).await;
    let id = relay.captured("k", message.as_bytes()).await;
    relay.relay.stop().await;
    let relay = start(
        state.path(),
        with(Arc::new(Fixed(KeyLookup::Found(record)))),
    )
    .await;
    assert_eq!(relay.dkim(id).await["status"], "pass");
}
