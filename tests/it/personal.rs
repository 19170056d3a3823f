//! Copies of their own, as they arrive: links that lead where they should, tokens that name their recipient.

use mailer::domain::DomainRecord;
use mailer::link::{LinkKeys, Reader};
use mailer::{envelope::Domain, keys, token_key::TokenKey};
use serde_json::json;
use tests::{LINK_KEY, Setup, System, eventually};

const ORIGIN: &str = "https://links.example.net";

/// Has the managed domain track; nothing if the store cannot be seen.
fn track(system: &System) -> Option<()> {
    let store = system.store()?;
    let domain = Domain::parse(system.domain_name()).unwrap();
    let found: DomainRecord = store.record(&keys::domain(&domain)).unwrap();
    let tracking = DomainRecord {
        tracks_engagement: true,
        ..found
    };
    store.extend([keys::domain(&domain).write(&tracking).unwrap()]);
    Some(())
}

/// What follows `start` in a message whose soft line breaks are taken out, up to what no token has.
fn token<'a>(text: &'a str, start: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect(start);
    let is_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    rest.split(|c| !is_of_token(c)).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tracked_bulk_mail_arrives_as_a_copy_for_each_recipient() {
    let system = Setup::default()
        .variable("tracking_url", ORIGIN)
        .with_relay_events()
        .start()
        .await;
    let Some(()) = track(&system) else {
        return;
    };
    let to = [
        "a@example.com",
        "b@example.com",
        "delivered@simulator.test",
        "d@example.com",
    ];
    let html = "<p><a href=\"https://shop.example/?a=1&amp;b=2\">Shop</a></p>";
    let message = json!({
        "senderAddress": system.sender(),
        "headers": {"x-sendlet-topic": "news"},
        "content": {"subject": "news", "html": html},
        "recipients": {"to": to.map(|address| json!({"address": address}))},
    });
    let id = system.accepted(&message).await;
    let arrived = eventually("three copies arrive", async || {
        let messages = system.inbox().messages().await;
        (messages.len() == 3).then_some(messages)
    })
    .await;
    let keys = LinkKeys::new(TokenKey::parse(LINK_KEY).unwrap(), Vec::new());
    for captured in arrived {
        let [address] = captured.envelope_to.as_slice() else {
            panic!("expected one recipient, found {:?}", captured.envelope_to);
        };
        let place = to.iter().position(|to| address.contains(to)).unwrap();
        assert_eq!(captured.idempotency_key, format!("{id}.0.{place}"));
        let reader = Reader {
            message: id.parse().unwrap(),
            recipient: u8::try_from(place).unwrap(),
        };
        let text = captured.text().replace("=\r\n", "").replace("=3D", "=");
        let click = keys.verify_click(token(&text, &format!("href=\"{ORIGIN}/c/")));
        let click = click.expect("a link of ours");
        assert_eq!(click.reader, reader);
        assert_eq!(click.target, "https://shop.example/?a=1&b=2");
        let open = token(&text, &format!("src=\"{ORIGIN}/o/"));
        assert_eq!(keys.verify_open(open), Some(reader));
        let list = token(&text, &format!("\r\nList-Unsubscribe: <{ORIGIN}/u/"));
        assert_eq!(keys.verify_unsubscribe(list), Some(reader));
    }
    eventually("each is told of as delivered", async || {
        let answer = system.operate("GET", &format!("/messages/{id}")).await;
        let found = answer.expect(200).json();
        let recipients = found["recipients"].as_array().unwrap();
        recipients
            .iter()
            .all(|recipient| recipient["status"] == "Delivered")
            .then_some(())
    })
    .await;
}
