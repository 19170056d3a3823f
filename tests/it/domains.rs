//! `/domains`: the operator's plane.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::join_all;
use serde_json::{Value, json};
use tests::{ADMIN_TOKEN, Request, Setup, System, eventually};

const MANAGED: &str = "/domains/ManagedDomain";

/// `SEQUENCE { INTEGER 0, SEQUENCE { OID rsaEncryption`: how every RSA key in PKCS#8 goes on after its length.
const PKCS8: &[u8] = &[
    0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01,
];

async fn made(system: &System, id: &str) {
    eventually("the domain is made", async || {
        let target = format!("/domains/operations/{id}");
        let answer = system.operate("GET", &target).await.expect(200);
        match answer.text("/status").unwrap().as_str() {
            "Running" => {
                assert!(answer.field("retry-after").is_some());
                None
            }
            status => {
                assert_eq!(status, "Succeeded");
                assert!(answer.field("retry-after").is_none());
                Some(())
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_sees_domains() {
    let system = Setup::default().start().await;
    let wrong = format!("Bearer {ADMIN_TOKEN}x");
    let targets = [
        ("GET", "/domains"),
        ("PUT", MANAGED),
        ("GET", MANAGED),
        ("GET", "/domains/x"),
        ("GET", "/domains/operations/x"),
        ("PATCH", "/domains"),
        ("GET", "/domains/a/b/c"),
    ];
    for (method, target) in targets {
        for value in ["", "Bearer", "Bearer ", &wrong, ADMIN_TOKEN] {
            let request = Request::new(method, target).field("authorization", value);
            let answer = system.client.call(request).await;
            assert_eq!(
                answer.problem(),
                (401, "Unauthorized".into(), None),
                "{method} {target} {value}"
            );
        }
        // An application's signature opens nothing here.
        let signed = system.call(Request::new(method, target)).await;
        assert_eq!(signed.status, 401, "{method} {target}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_domain_is_made_once_however_many_ask() {
    let system = Setup::default().without_domain().start().await;
    assert_eq!(system.operate("GET", MANAGED).await.problem().0, 404);
    assert_eq!(
        system.operate("GET", "/domains").await.json()["value"],
        json!([])
    );
    let asked = join_all((0..5).map(|_| system.operate("PUT", MANAGED))).await;
    let mut ids: Vec<String> = Vec::new();
    for answer in asked {
        match answer.status {
            202 => {
                let id = answer.text("/id").unwrap();
                let location = answer.field("operation-location").unwrap();
                assert_eq!(
                    location,
                    format!("http://{}/domains/operations/{id}", system.authority())
                );
                assert!(answer.field("retry-after").unwrap().parse::<u64>().unwrap() >= 1);
                assert_eq!(answer.text("/status").as_deref(), Some("Running"));
                ids.push(id);
            }
            // Those who came between the claim and its record may be told to come again.
            status => assert_eq!(status, 503, "{answer:?}"),
        }
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "one operation for all");
    made(&system, &ids[0]).await;
    let again = system.operate("PUT", MANAGED).await.expect(200).json();
    let listed = system.operate("GET", "/domains").await.expect(200).json();
    assert_eq!(listed["value"], json!([again]));
    shows_what_an_operator_needs(&again);
    let name = again["name"].as_str().unwrap();
    let one = system
        .operate("GET", &format!("/domains/{name}"))
        .await
        .expect(200);
    assert_eq!(one.json(), again);
    sends(&system, name).await;
    keeps_its_key_sealed(&system);
}

fn shows_what_an_operator_needs(domain: &Value) {
    let name = domain["name"].as_str().unwrap();
    let (guid, parent) = name.split_once('.').unwrap();
    assert_eq!((guid.len(), parent), (36, "mail.sendlet.example"));
    assert_eq!(domain["senderUsernames"][0]["username"], "DoNotReply");
    assert_eq!(domain["linked"], true);
    let dkim = &domain["verificationRecords"]["DKIM"];
    assert_eq!(dkim["type"], "TXT");
    assert!(
        dkim["name"]
            .as_str()
            .unwrap()
            .ends_with(&format!("._domainkey.{name}"))
    );
    assert!(dkim["value"].as_str().unwrap().starts_with("v=DKIM1;"));
}

async fn sends(system: &System, domain: &str) {
    let message = json!({
        "senderAddress": format!("donotreply@{}", domain.to_uppercase()),
        "content": {"subject": "from a new domain", "plainText": "hello"},
        "recipients": {"to": [{"address": "a@example.com"}]},
    });
    let id = system.accepted(&message).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    let captured = system.inbox().arrival("from a new domain").await;
    assert!(captured.text().contains(&format!("d={domain}")));
}

/// What another component, or a stolen backup, can read of the private key: nothing.
fn keeps_its_key_sealed(system: &System) {
    let Some(store) = system.store() else { return };
    let is_in =
        |haystack: &[u8], needle: &[u8]| haystack.windows(needle.len()).any(|w| w == needle);
    assert!(
        store
            .entries()
            .keys()
            .any(|key| key.starts_with("dkim-key/"))
    );
    for (key, value) in store.entries() {
        assert!(
            !is_in(&value, PKCS8) && !is_in(&value, b"PRIVATE KEY"),
            "{key}"
        );
        // In base64 a run of octets looks one of three ways, by where it stands among the groups of three.
        for shift in 0..3_usize {
            let padded = [vec![0; shift], PKCS8.to_vec()].concat();
            let text = STANDARD.encode(padded);
            let whole = text.get(4..20).unwrap();
            assert!(!is_in(&value, whole.as_bytes()), "{key}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let system = Setup::default().start().await;
    let rows = [
        ("GET", "/domains/other.example", 404, "DomainNotFound"),
        ("GET", "/domains/not%20a%20domain", 400, "InvalidDomain"),
        ("GET", "/domains/operations/x", 404, "NotFound"),
        (
            "GET",
            "/domains/operations/0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff",
            404,
            "NotFound",
        ),
        ("GET", "/domains/a/b/c", 404, "NotFound"),
        ("POST", "/domains", 405, "MethodNotAllowed"),
        ("DELETE", MANAGED, 409, "DomainIsManaged"),
        ("PATCH", "/domains/other.example", 404, "DomainNotFound"),
        ("POST", MANAGED, 405, "MethodNotAllowed"),
    ];
    for (method, target, status, code) in rows {
        let answer = system.operate(method, target).await;
        let problem = answer.problem();
        assert_eq!(
            (problem.0, problem.1.as_str()),
            (status, code),
            "{method} {target}"
        );
        assert_eq!(answer.field("allow").is_some(), status == 405);
    }
}
