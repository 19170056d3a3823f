//! DKIM results for the inbox: the only place that knows the `dkim` crate.

use std::{
    error::Error,
    sync::{Arc, Weak},
    time::Duration,
};

use dkim::{KeyLookupError, ReceivedSignature, VerifiedSignature};
use serde::Serialize;
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};

use super::Inbox;
use crate::{DkimKeys, KeyLookup, clock, store::StoreError};

/// How long to wait for one key record.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
/// How long to pause when the database fails.
const PAUSE: Duration = Duration::from_secs(5);

/// What became of a message's signatures.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Report {
    /// The best there is.
    status: Status,
    /// Why there is nothing to judge.
    note: Option<String>,
    signatures: Vec<Signature>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    None,
    Unchecked,
    Fail,
    Pass,
}

/// What became of one signature (RFC 6376, section 3.9).
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Signature {
    status: Status,
    domain: Option<String>,
    selector: Option<String>,
    key_name: Option<String>,
    signed_at: Option<u64>,
    signed_fields: Vec<String>,
    testing: bool,
    reason: Option<String>,
}

/// Checks the signatures of every message that waits for it, one after the other, as long as the inbox lives.
pub(super) async fn check_all(
    inbox: Weak<Inbox>,
    unchecked: Arc<Notify>,
    mut stopping: watch::Receiver<bool>,
) {
    // A look-up can take long, and the end must not wait for it: what was not checked is found again after a restart.
    tokio::select! {
        _ = stopping.wait_for(|stop| *stop) => {}
        () = keep_checking(inbox, unchecked) => {}
    }
}

async fn keep_checking(inbox: Weak<Inbox>, unchecked: Arc<Notify>) {
    loop {
        let Some(alive) = inbox.upgrade() else { return };
        let checked = check_next(&alive).await;
        if let Err(error) = &checked {
            alive
                .log
                .line(&format!("signatures could not be checked: {error}"));
        }
        drop(alive);
        match checked {
            Ok(true) => {}
            Ok(false) => unchecked.notified().await,
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Checks one message; says whether there was one.
async fn check_next(inbox: &Inbox) -> Result<bool, StoreError> {
    let Some(kept) = inbox.store.next_unchecked().await? else {
        return Ok(false);
    };
    let report = check(kept.source, inbox.options.keys.as_ref()).await;
    let json = serde_json::to_string(&report).unwrap_or_else(|_| "null".to_owned());
    inbox.store.set_dkim(kept.listed.id, json).await?;
    inbox.events.message(kept.listed.id);
    Ok(true)
}

async fn check(source: Vec<u8>, keys: &dyn DkimKeys) -> Report {
    // Hashing a large body takes a while, so it is done off the async threads.
    let read = tokio::task::spawn_blocking(move || dkim::signatures(&source)).await;
    let signatures = match read {
        Ok(Ok(signatures)) => signatures,
        Ok(Err(error)) => return unreadable(with_sources(&error)),
        Err(_) => return unreadable("the message could not be read".to_owned()),
    };
    let mut judged = Vec::with_capacity(signatures.len());
    for signature in signatures {
        judged.push(judge(signature, keys).await);
    }
    let status = judged
        .iter()
        .map(|signature| signature.status)
        .max()
        .unwrap_or(Status::None);
    Report {
        status,
        note: None,
        signatures: judged,
    }
}

fn unreadable(note: String) -> Report {
    Report {
        status: Status::Fail,
        note: Some(note),
        signatures: Vec::new(),
    }
}

async fn judge(signature: ReceivedSignature, keys: &dyn DkimKeys) -> Signature {
    let key_name = signature.key_name().map(str::to_lowercase);
    let found = match &key_name {
        Some(name) => look_up(keys, name).await,
        None => KeyLookup::NotFound,
    };
    let now = u64::try_from(clock::now_ms() / 1_000).unwrap_or_default();
    let verified = match &found {
        KeyLookup::Found(record) => signature.verify_with(Ok(Some(record.as_bytes())), now),
        KeyLookup::NotFound => signature.verify_with(Ok(None), now),
        KeyLookup::NotChecked | KeyLookup::Failed(_) => {
            signature.verify_with(Err(KeyLookupError), now)
        }
    };
    describe(verified, key_name, &found)
}

async fn look_up(keys: &dyn DkimKeys, name: &str) -> KeyLookup {
    let found = timeout(LOOKUP_LIMIT, keys.record(name)).await;
    found.unwrap_or_else(|_| KeyLookup::Failed("no answer within ten seconds".to_owned()))
}

fn describe(verified: VerifiedSignature, key_name: Option<String>, found: &KeyLookup) -> Signature {
    let (status, reason) = match (&verified.outcome, found) {
        (Ok(()), _) => (Status::Pass, None),
        (Err(dkim::VerifyError::KeyUnavailable), KeyLookup::NotChecked) => (
            Status::Unchecked,
            Some("nothing here knows public keys, so signatures are not checked".to_owned()),
        ),
        (Err(error @ dkim::VerifyError::KeyUnavailable), KeyLookup::Failed(why)) => {
            (Status::Unchecked, Some(format!("{error}: {why}")))
        }
        (Err(error), _) => (Status::Fail, Some(with_sources(error))),
    };
    Signature {
        status,
        domain: verified.domain.map(|domain| domain.to_string()),
        selector: verified.selector.map(|selector| selector.to_string()),
        key_name,
        signed_at: verified.signed_at,
        signed_fields: verified.signed_fields,
        testing: verified.testing,
        reason,
    }
}

/// Writes an error with what caused it.
fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NoKeys;

    #[tokio::test]
    async fn unsigned_and_unreadable_messages_say_so() {
        let report = check(b"From: a@b.example\r\n\r\nhi\r\n".to_vec(), &NoKeys).await;
        assert_eq!((report.status, report.signatures.len()), (Status::None, 0));
        let report = check(b"\xff\xfe".to_vec(), &NoKeys).await;
        assert_eq!(report.status, Status::Fail);
        assert!(report.note.is_some());
    }

    #[tokio::test]
    async fn a_malformed_signature_fails_with_its_reason() {
        let report = check(
            b"DKIM-Signature: v=9\r\nFrom: a@b.example\r\n\r\nhi\r\n".to_vec(),
            &NoKeys,
        )
        .await;
        let signature = report.signatures.first().unwrap();
        assert_eq!(signature.status, Status::Fail);
        assert!(signature.reason.is_some());
    }
}
