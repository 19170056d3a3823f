//! The DKIM signature of what arrives, judged by our own verifier and by another project's.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    time::{Instant, SystemTime},
};

use mail_auth::{
    AuthenticatedMessage, DkimResult, MessageAuthenticator, Parameters, ResolverCache, Txt,
    common::{parse::TxtRecordParser as _, verify::DomainKey},
    hickory_resolver::config::{ResolverConfig, ResolverOpts},
};
use serde_json::json;
use tests::{Captured, Setup, System};

struct OneRecord<'a>(&'a str, &'a str);

impl dkim::KeyLookup for OneRecord<'_> {
    fn txt(&self, name: &str) -> Result<Option<Vec<u8>>, dkim::KeyLookupError> {
        Ok((name == self.0).then(|| self.1.as_bytes().to_vec()))
    }
}

/// The DNS as mail-auth sees it: one record and nothing else.
struct Cache(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Cache {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.0.get(name).cloned()
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: Instant) {}
}

#[expect(clippy::disallowed_methods, reason = "signatures expire")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap().as_secs()
}

fn verifies_here(system: &System, source: &[u8]) -> bool {
    let (name, record) = system.dkim_record();
    let verified = dkim::verify(source, &OneRecord(name, record), now()).unwrap();
    verified.len() == 1
        && verified.iter().all(|signature| {
            let domain = signature.domain.as_ref().map(ToString::to_string);
            signature.outcome.is_ok() && domain.as_deref() == Some(system.domain_name())
        })
}

async fn verifies_elsewhere(system: &System, source: &[u8]) -> bool {
    let (name, record) = system.dkim_record();
    let record = DomainKey::parse(record.as_bytes()).unwrap();
    let cache = Cache(HashMap::from([(
        format!("{name}.").into_boxed_str(),
        Txt::DomainKey(record.into()),
    )]));
    let message = AuthenticatedMessage::parse(source).unwrap();
    // Never asked: the cache knows the only name there is, and an empty list of servers knows nothing.
    let authenticator =
        MessageAuthenticator::new(ResolverConfig::default(), ResolverOpts::default()).unwrap();
    let parameters = Parameters::new(&message).with_txt_cache(&cache);
    let outputs = authenticator.verify_dkim(parameters).await;
    outputs.len() == 1
        && outputs
            .iter()
            .all(|output| *output.result() == DkimResult::Pass)
}

async fn check(system: &System, captured: &Captured) {
    let source = &captured.source;
    assert!(verifies_here(system, source), "{}", captured.text());
    assert!(
        verifies_elsewhere(system, source).await,
        "{}",
        captured.text()
    );
    // A verifier that passes everything would pass this too.
    let forged = captured.text().replacen("Subject: ", "Subject: Re: ", 1);
    assert!(!verifies_here(system, forged.as_bytes()));
    assert!(!verifies_elsewhere(system, forged.as_bytes()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_message_verifies_with_the_record_that_the_domain_shows() {
    let system = Setup::default().start().await;
    let long_line = "x".repeat(2_000);
    let bodies = [
        json!({"subject": "ascii", "plainText": "hello"}),
        json!({"subject": "eight bit ✉", "plainText": "Grüße\r\n", "html": "<p>Grüße 📬</p>"}),
        json!({"subject": "long lines", "plainText": long_line}),
        json!({"subject": "white space at the end", "plainText": "text \t \r\n\r\n \r\n"}),
        json!({"subject": "only white space", "html": " \n"}),
        json!({"subject": "dots and From", "plainText": ".\r\nFrom here\r\n..\r\n"}),
    ];
    for content in bodies {
        let subject = content["subject"].as_str().unwrap().to_owned();
        let mut message = system.message("");
        message["content"] = content;
        system.accepted(&message).await;
        let captured = system.inbox().arrival(&subject).await;
        check(&system, &captured).await;
        let longest = captured
            .source
            .split(|octet| *octet == b'\n')
            .map(<[u8]>::len)
            .max();
        assert!(
            longest.unwrap() <= 999,
            "a line of {longest:?} octets in '{subject}'"
        );
    }
}
