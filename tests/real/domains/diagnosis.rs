//! What `:diagnose` foretells is what others conclude of the mail that is sent then.

use std::collections::BTreeMap;

use futures::future::join;
use serde_json::Value;

use super::{
    customer::{SENDING, SHOP, replaced},
    mailing::{Mailing, client, return_path},
};
use crate::{authentication_results::Outcome, judges::Signature};

/// Zones by what stands in the place of the snippet's lines that begin so. Every selector begins with the service's name.
const ZONES: &[(&str, &[(&str, &str)])] = &[
    ("all is well", &[]),
    (
        "the return path's SPF lets nobody send",
        &[(RETURN_PATH_SPF, "bounces.shop TXT \"v=spf1 -all\"")],
    ),
    (
        "the return path's SPF is weak about others",
        &[(
            RETURN_PATH_SPF,
            "bounces.shop TXT \"v=spf1 ip4:192.0.2.9 ~all\"",
        )],
    ),
    (
        "the return path's SPF is malformed",
        &[(RETURN_PATH_SPF, "bounces.shop TXT \"v=spf1 nonsense -all\"")],
    ),
    (
        "the return path's SPF includes what is not there",
        &[(
            RETURN_PATH_SPF,
            "bounces.shop TXT \"v=spf1 include:nowhere.example.com include:spf.mail.sendlet.example -all\"",
        )],
    ),
    ("the return path has no SPF", &[(RETURN_PATH_SPF, "")]),
    ("the RSA key is gone", &[("<DKIM>._", "")]),
    ("all keys are gone", &[("sendlet", "")]),
    (
        "all keys are gone, and SPF lets nobody send",
        &[
            ("sendlet", ""),
            (RETURN_PATH_SPF, "bounces.shop TXT \"v=spf1 -all\""),
        ],
    ),
    ("alignment is strict", &[("_dmarc.", STRICT)]),
    (
        "alignment is strict, and all keys are gone",
        &[("_dmarc.", STRICT), ("sendlet", "")],
    ),
    (
        "the policy is the organization's",
        &[("_dmarc.", "_dmarc TXT \"v=DMARC1; p=none; sp=reject\"")],
    ),
    (
        "the policy is malformed",
        &[("_dmarc.", "_dmarc.shop TXT \"v=DMARC1; p=bogus\"")],
    ),
    ("there is no policy", &[("_dmarc.", "")]),
];

const RETURN_PATH_SPF: &str = "bounces.shop.example.com. 3600 IN TXT";
const STRICT: &str = "_dmarc.shop TXT \"v=DMARC1; p=reject; adkim=s; aspf=s\"";

/// What is told or found of one mail, in words that both sides have.
#[derive(Debug, PartialEq, Eq)]
struct Conclusion {
    spf: Outcome,
    /// Whether the signature with the key of each selector passes.
    dkim: BTreeMap<String, bool>,
    dmarc: Outcome,
}

impl Conclusion {
    fn is_well(&self) -> bool {
        let is_signed = self.dkim.values().all(|passes| *passes);
        is_signed && (self.spf, self.dmarc) == (Outcome::Pass, Outcome::Pass)
    }
}

fn foretold(diagnosis: &Value) -> Conclusion {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let [spf] = &diagnosis["spf"].as_array().unwrap()[..] else {
        panic!("expected one sending address, found {diagnosis}");
    };
    let keys = diagnosis["dkim"].as_array().unwrap().iter();
    Conclusion {
        spf: Outcome::parse(&text(&spf["result"])),
        dkim: keys
            .map(|key| (text(&key["selector"]), key["result"] == "pass"))
            .collect(),
        dmarc: Outcome::parse(&text(&diagnosis["dmarc"]["result"])),
    }
}

fn passes(signatures: &[Signature]) -> BTreeMap<String, bool> {
    let result = |found: &Signature| (found.selector.clone(), found.result == Outcome::Pass);
    signatures.iter().map(result).collect()
}

/// Sends a mail and has everybody judge it.
async fn concluded(mailing: &Mailing) -> Conclusion {
    let delivered = mailing.deliver(SHOP, "ann").await;
    let sender = return_path(&delivered);
    let judges = &mailing.judges;
    let (judgement, spf) = join(
        judges.judgement(&delivered),
        judges.pyspf(client(SENDING, &sender)),
    )
    .await;
    let dkim = passes(&judgement.dkim);
    assert_eq!(dkim, passes(&judgement.dkimpy));
    assert_eq!(spf == Outcome::Pass, judgement.spf == Outcome::Pass);
    Conclusion {
        spf,
        dkim,
        dmarc: judgement.dmarc,
    }
}

/// Asks for three names that are not there, where two may be missing: RFC 7208, section 4.6.4. OpenDMARC's SPF lets that
/// pass, so that only pyspf judges it.
async fn names_that_are_missing_are_counted(mailing: &Mailing) {
    let spf = "bounces.shop TXT \"v=spf1 a:1.example.com a:2.example.com a:3.example.com \
        include:spf.mail.sendlet.example -all\"";
    let customer = &mailing.customer;
    let zone = replaced(&customer.zone().await, RETURN_PATH_SPF, spf);
    customer.publish(&zone).await;
    let diagnosis = customer.call("GET", ":diagnose").await.expect(200);
    let sender = format!("DoNotReply@bounces.{SHOP}");
    let concluded = mailing.judges.pyspf(client(SENDING, &sender)).await;
    assert_eq!(foretold(&diagnosis.json()).spf, concluded);
    assert_eq!(concluded, Outcome::PermError);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diagnosis_foretells_what_judges_conclude() {
    let mailing = Mailing::verified(&["ann"]).await;
    let customer = &mailing.customer;
    let zone = customer.zone().await;
    let selector = customer.selector("DKIM").await;
    let mut seen = Vec::new();
    let mut errors = Vec::new();
    for (what, changes) in ZONES {
        let zone = changes.iter().fold(zone.clone(), |zone, (prefix, with)| {
            let prefix = prefix.replace("<DKIM>", &selector);
            replaced(&zone, &prefix, with)
        });
        customer.publish(&zone).await;
        let (diagnosis, concluded) =
            join(customer.call("GET", ":diagnose"), concluded(&mailing)).await;
        let diagnosis = diagnosis.expect(200).json();
        let foretold = foretold(&diagnosis);
        if foretold != concluded {
            errors.push(format!(
                "{what}: foretold {foretold:?}, concluded {concluded:?}: {diagnosis}"
            ));
        }
        let advice = diagnosis["advice"].as_array().unwrap();
        assert_eq!(
            advice.is_empty(),
            concluded.is_well(),
            "{what}: {diagnosis}"
        );
        seen.push(concluded.dmarc);
    }
    assert!(errors.is_empty(), "{errors:#?}");
    // Judges who always say the same would agree with a diagnosis that does.
    for outcome in [Outcome::Pass, Outcome::Fail, Outcome::None] {
        assert!(seen.contains(&outcome), "{seen:?}");
    }
    names_that_are_missing_are_counted(&mailing).await;
}
