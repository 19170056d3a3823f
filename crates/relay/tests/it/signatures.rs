//! DKIM results, with keys from outside.

use std::{future::Future, pin::Pin, sync::Arc};

use relay::{CaptureOptions, DkimKeys, KeyLookup, Mode};

use crate::harness::{MESSAGE, capture, start};

/// A signature that parses and fits nothing.
const SIGNED: &str = "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=b.example; s=sel;\r\n\
    \th=from:to:subject; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\n";

struct Fixed(KeyLookup);

impl DkimKeys for Fixed {
    fn record<'a>(&'a self, name: &'a str) -> Pin<Box<dyn Future<Output = KeyLookup> + Send + 'a>> {
        assert_eq!(name, "sel._domainkey.b.example");
        Box::pin(async { self.0.clone() })
    }
}

async fn check(found: KeyLookup, expected: &str) {
    let state = tempfile::tempdir().unwrap();
    let options = CaptureOptions {
        keys: Arc::new(Fixed(found)),
        ..CaptureOptions::default()
    };
    let relay = start(state.path(), Mode::Capture(options)).await;
    let id = relay
        .captured("k", format!("{SIGNED}{MESSAGE}").as_bytes())
        .await;
    let report = relay.dkim(id).await;
    assert_eq!(report["status"], expected, "{report}");
    assert_eq!(report["signatures"][0]["domain"], "b.example");
    assert_eq!(
        relay.get("/api/messages").await.json()["messages"][0]["dkim"],
        expected
    );
}

#[tokio::test]
async fn wrong_signatures_fail() {
    check(KeyLookup::NotFound, "fail").await;
    check(KeyLookup::Found("v=DKIM1; p=".to_owned()), "fail").await;
}

#[tokio::test]
async fn unsigned_messages_say_so() {
    let (relay, _state) = capture().await;
    let id = relay.captured("k", MESSAGE.as_bytes()).await;
    assert_eq!(relay.dkim(id).await["status"], "none");
}
