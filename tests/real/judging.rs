//! The judges themselves: they agree with the RFC, pass what is right, and see what is not.

use std::{net::Ipv4Addr, sync::LazyLock};

use dkim::{
    Algo, Canonicalization, SignedFields, SigningKey, SigningOptions, keygen::RsaKeySearch, sign,
};
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng as _};

use crate::{
    authentication_results::Outcome,
    dns::{DnsServer, Trouble, txt},
    judges::{Client, Judgement, Judges, Signature},
    smtp,
};

/// An address of RFC 5737 that the zones allow to send.
const ALLOWED: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// One that they do not.
const STRANGER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

const MESSAGE: &str = "From: Ann <ann@example.com>\r\nTo: judged@example.test\r\nSubject: Words\r\n\
    Date: Tue, 14 Nov 2023 22:13:20 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n.Hello.\r\n";

/// A client at `address` that sends in the name of the zone that the tests have.
const fn ann(address: Ipv4Addr) -> Client<'static> {
    Client {
        address,
        mail_from: "bounces@example.com",
    }
}

fn key(seed: u64) -> SigningKey {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut search = RsaKeySearch::new(2048).unwrap();
    let mut steps = std::iter::repeat_with(|| search.step(&mut rng));
    steps.find_map(|found| found).unwrap()
}

static KEY: LazyLock<SigningKey> = LazyLock::new(|| key(1));
static OTHER_KEY: LazyLock<SigningKey> = LazyLock::new(|| key(2));

fn signed() -> Vec<u8> {
    signed_with(&KEY, MESSAGE.as_bytes())
}

/// A message behind its signature by `s1._domainkey.example.com`.
pub(crate) fn signed_with(key: &SigningKey, message: &[u8]) -> Vec<u8> {
    let options = SigningOptions {
        domain: "example.com".parse().unwrap(),
        selector: "s1".parse().unwrap(),
        auid: None,
        canonicalization: Canonicalization {
            header: Algo::Relaxed,
            body: Algo::Relaxed,
        },
        signed_at: 1_700_000_000,
        expires_at: None,
        signed_fields: SignedFields::Recommended,
    };
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let field = sign(message, &options, key, &mut rng).unwrap();
    [field.as_bytes(), message].concat()
}

/// The zone of a domain that allows one address, with this key.
fn zone(key: &SigningKey) -> String {
    format!(
        "@ TXT \"v=spf1 ip4:{ALLOWED} -all\"\n_dmarc TXT \"v=DMARC1; p=reject\"\ns1._domainkey {}\n",
        txt(key.public_key_record())
    )
}

/// What is to be thought of the message that [`signed`] returns.
fn judgement([dkim, spf, dmarc]: [Outcome; 3]) -> Judgement {
    let signature = |result| Signature {
        domain: "example.com".to_owned(),
        selector: "s1".to_owned(),
        algorithm: "rsa-sha256".to_owned(),
        result,
    };
    Judgement {
        dkim: vec![signature(dkim)],
        dkimpy: vec![signature(dkim)],
        spf,
        dmarc,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_aligned_pass_is_enough_and_without_any_a_message_fails() {
    use Outcome::{Fail, Pass};
    let dns = DnsServer::start(&[("example.com", &zone(&KEY))]).await;
    let judges = Judges::start(&[], &dns).await;
    let message = signed();
    let judge = async |address| judges.judge(&message, ann(address)).await;

    assert_eq!(judge(ALLOWED).await, judgement([Pass, Pass, Pass]));
    assert_eq!(judge(STRANGER).await, judgement([Pass, Fail, Pass]));
    // The key in the zone is another, at once, since nobody may keep the one before.
    dns.set_zone("example.com", &zone(&OTHER_KEY)).await;
    assert_eq!(judge(ALLOWED).await, judgement([Fail, Pass, Pass]));
    assert_eq!(judge(STRANGER).await, judgement([Fail, Fail, Fail]));
    // And back, so that what failed before was the key.
    dns.set_zone("example.com", &zone(&KEY)).await;
    assert_eq!(judge(STRANGER).await, judgement([Pass, Fail, Pass]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_key_is_seen_at_once() {
    // One answer after the other, and each may be kept for long, so that a judge who keeps any is found out.
    let lasting = |records: &str| format!("$TTL 300\n{records}");
    let dns = DnsServer::start(&[("example.com", &lasting(&zone(&KEY)))]).await;
    let judges = Judges::start(&[], &dns).await;
    let message = signed();
    let dkim = async || judges.judge(&message, ann(STRANGER)).await.dkim;
    let all = |result| judgement([result, Outcome::None, Outcome::None]).dkim;
    assert_eq!(dkim().await, all(Outcome::Pass));
    for (records, expected) in [
        ("", Outcome::Fail),
        ("s1._domainkey TXT \"v=DKIM1; p=\"", Outcome::Fail),
        ("s1._domainkey TXT \"v=DKIM1; p=@@\"", Outcome::PermError),
        (zone(&KEY).as_str(), Outcome::Pass),
    ] {
        dns.set_zone("example.com", &lasting(records)).await;
        assert_eq!(dkim().await, all(expected), "{records}");
    }
    dns.trouble("s1._domainkey.example.com", Trouble::ServerFailure)
        .await;
    assert_eq!(dkim().await, [], "OpenDKIM is silent when the DNS fails");
}

#[tokio::test(flavor = "multi_thread")]
async fn spf_has_these_results() {
    use Outcome::{Fail, Neutral, None, Pass, PermError, SoftFail, TempError};
    let dns = DnsServer::start(&[("example.com", "")]).await;
    let judges = Judges::start(&[], &dns).await;
    for (record, opendmarc, pyspf) in [
        ("v=spf1 ip4:192.0.2.1 -all", Pass, Pass),
        ("v=spf1 -all", Fail, Fail),
        ("v=spf1 ~all", Fail, SoftFail),
        ("v=spf1 ?all", Fail, Neutral),
        ("v=spf1 nonsense -all", Fail, PermError),
        ("something else", None, None),
    ] {
        dns.set_zone("example.com", &format!("@ TXT \"{record}\""))
            .await;
        let client = ann(ALLOWED);
        let judgement = judges.judge(MESSAGE.as_bytes(), client).await;
        let found = (judgement.spf, judges.pyspf(client).await);
        assert_eq!(found, (opendmarc, pyspf), "{record}");
    }
    dns.trouble("example.com", Trouble::ServerFailure).await;
    assert_eq!(judges.pyspf(ann(ALLOWED)).await, TempError);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_in_anybodys_mailbox_was_judged() {
    let dns = DnsServer::start(&[("example.com", &zone(&KEY))]).await;
    let judges = Judges::start(&["bob".to_owned()], &dns).await;
    let way_in = judges.way_in(ALLOWED).await;
    let message = signed();
    smtp::hand_over(
        way_in.port,
        "bounces@example.com",
        "bob@example.test",
        &message,
    )
    .await;
    let delivered = judges.postfix().delivered("bob").await;
    assert!(delivered.ends_with(&message), "unchanged");
    let expected = judgement([Outcome::Pass; 3]);
    assert_eq!(judges.judgement(&delivered).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_without_records_has_nothing_to_pass() {
    let dns = DnsServer::start(&[("example.com", "")]).await;
    let judges = Judges::start(&[], &dns).await;
    let expected = Judgement {
        dkim: Vec::new(),
        dkimpy: Vec::new(),
        spf: Outcome::None,
        dmarc: Outcome::None,
    };
    let found = judges.judge(MESSAGE.as_bytes(), ann(ALLOWED)).await;
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_of_rfc_8463_passes_with_both_algorithms() {
    let ed25519 = include_str!("../../crates/dkim/tests/vectors/rfc8463-appendix-a-ed25519.txt");
    let rsa = include_str!("../../crates/dkim/tests/vectors/rfc8463-appendix-a-rsa.txt");
    let zone = format!(
        "brisbane._domainkey {}\ntest._domainkey {}\n_dmarc TXT \"v=DMARC1; p=none\"\n",
        txt(ed25519.trim()),
        txt(rsa.trim())
    );
    let dns = DnsServer::start(&[("football.example.com", &zone)]).await;
    let judges = Judges::start(&[], &dns).await;
    let message = include_bytes!("../../crates/dkim/tests/vectors/rfc8463-appendix-a.eml");
    let found = judges.judge(message, ann(STRANGER)).await;

    let signature = |selector: &str, algorithm: &str| Signature {
        domain: "football.example.com".to_owned(),
        selector: selector.to_owned(),
        algorithm: algorithm.to_owned(),
        result: Outcome::Pass,
    };
    let both = vec![
        signature("brisbane", "ed25519-sha256"),
        signature("test", "rsa-sha256"),
    ];
    assert_eq!((found.dkim, found.dkimpy), (both.clone(), both));
    assert_eq!(found.dmarc, Outcome::Pass);
}
