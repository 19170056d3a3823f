//! Mail from a customer's domain on its whole way: accepted, signed, relayed, received by a Postfix, and judged there.

use std::net::Ipv4Addr;

use serde_json::{Value, json};
use tests::{Setup, eventually};

use super::customer::{BASE, Customer, SENDING, SHOP, ZONE};
use crate::{
    authentication_results::Outcome,
    dns::DnsServer,
    judges::{Client, Judgement, Judges, Signature},
    postfix::DOMAIN,
    relays::RunningRelay,
    way_in::WayIn,
};

/// An address of RFC 5737 that nobody allows to send.
pub(super) const STRANGER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

/// A customer, and judges who get his mail from [`SENDING`].
pub(super) struct Mailing {
    // Ends before what it needs does.
    pub(super) customer: Customer,
    _relay: RunningRelay,
    _way_in: WayIn,
    pub(super) judges: Judges,
}

impl Mailing {
    /// Starts with mailboxes for these users. Nothing of the customer's is published.
    pub(super) async fn start(users: &[&str]) -> Self {
        let dns = DnsServer::start(&[(ZONE, ""), (BASE, "")]).await;
        let users: Vec<String> = users.iter().map(|user| (*user).to_owned()).collect();
        let judges = Judges::start(&users, &dns).await;
        let way_in = judges.way_in(SENDING).await;
        let relay = RunningRelay::to_mta(way_in.port).await;
        let origin = format!("http://{}", relay.relay.address());
        Self {
            customer: Customer::start(dns, Setup::default().relay(&origin)).await,
            _relay: relay,
            _way_in: way_in,
            judges,
        }
    }

    /// As [`Self::start`], with the snippet published and verified.
    pub(super) async fn verified(users: &[&str]) -> Self {
        let mailing = Self::start(users).await;
        mailing.customer.publish_all().await;
        mailing.customer.verify().await;
        mailing
    }

    /// Sends a message from a domain's default sender to a user, and takes it out of the mailbox.
    pub(super) async fn deliver(&self, domain: &str, user: &str) -> Vec<u8> {
        let message = json!({
            "senderAddress": format!("DoNotReply@{domain}"),
            "content": {"subject": "Words", "plainText": "Hello.\n"},
            "recipients": {"to": [{"address": format!("{user}@{DOMAIN}")}]},
        });
        let id = self.accepted(&message).await;
        let outcome = self.customer.system.outcome(&id).await;
        assert_eq!(outcome["status"], "Succeeded", "{}", self.judges.log());
        let postfix = self.judges.postfix();
        let delivered = postfix.delivered(user).await;
        postfix.empty(user);
        delivered
    }

    /// What was verified a moment ago may be refused for another second.
    async fn accepted(&self, message: &Value) -> String {
        eventually("mail is accepted", async || {
            let answer = self.customer.system.send(message).await;
            if answer.status == 404 {
                assert_eq!(answer.problem().1, "DomainNotVerified");
                return None;
            }
            answer.expect(202).text("/id")
        })
        .await
    }
}

/// A delivered message without what receivers put above our signatures.
pub(super) fn original(delivered: &[u8]) -> Vec<u8> {
    let start = b"DKIM-Signature:";
    let at = delivered.windows(start.len()).position(|w| w == start);
    delivered[at.unwrap()..].to_vec()
}

/// The address that a delivered message's reports go to.
#[track_caller]
pub(super) fn return_path(delivered: &[u8]) -> String {
    let text = String::from_utf8_lossy(delivered);
    let field = text.strip_prefix("Return-Path: <").unwrap();
    field.split('>').next().unwrap().to_owned()
}

/// Somebody who hands on a message under the return path that it had.
pub(super) const fn client(address: Ipv4Addr, mail_from: &str) -> Client<'_> {
    Client { address, mail_from }
}

/// The selectors that the customer's mail is signed with.
pub(super) struct Selectors {
    pub(super) rsa: String,
    pub(super) ed25519: String,
}

impl Selectors {
    pub(super) async fn of(customer: &Customer) -> Self {
        Self {
            rsa: customer.selector("DKIM").await,
            ed25519: customer.selector("DKIMEd25519").await,
        }
    }

    /// What is thought of a message with these two signatures.
    pub(super) fn judgement(&self, [dkim, spf, dmarc]: [Outcome; 3]) -> Judgement {
        let signature = |selector: &str, algorithm: &str| Signature {
            domain: SHOP.to_owned(),
            selector: selector.to_owned(),
            algorithm: algorithm.to_owned(),
            result: dkim,
        };
        let signatures = vec![
            signature(&self.rsa, "rsa-sha256"),
            signature(&self.ed25519, "ed25519-sha256"),
        ];
        Judgement {
            dkim: signatures.clone(),
            dkimpy: signatures,
            spf,
            dmarc,
        }
    }
}
