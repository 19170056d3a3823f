//! The pages to unsubscribe on, in headless Chromium: as a phone shows them, without JavaScript, by the keyboard, and as a screen reader
//! hears them.

use std::fs;

use mailer::{
    link::{LinkKeys, Reader},
    token_key::TokenKey,
};
use serde_json::{Value, json};
use tests::{LINK_KEY, Setup, System, eventually};

use crate::tools::{self, Conversation};

/// A language that a browser asks for, the one it gets, and what the page asks then.
const LANGUAGES: [(&str, &str, &str); 6] = [
    ("en-GB", "en", "Unsubscribe?"),
    ("de-AT", "de", "Abbestellen?"),
    ("fr-CA", "fr", "Se désabonner\u{a0}?"),
    ("es-MX", "es", "¿Cancelar la suscripción?"),
    ("ja-JP", "ja", "配信を停止しますか？"),
    // One that we don't have.
    ("nb-NO", "en", "Unsubscribe?"),
];

async fn pages(system: &System, message: &str) -> Conversation {
    let folder = tools::folder().join("unsubscribing");
    fs::create_dir_all(&folder).unwrap();
    let keys = LinkKeys::new(TokenKey::parse(LINK_KEY).unwrap(), Vec::new());
    let reader = Reader {
        message: message.parse().unwrap(),
        recipient: 0,
    };
    let url = format!(
        "http://{}/u/{}",
        system.authority(),
        keys.unsubscribe(reader)
    );
    let job = json!({
        "chromium": tools::installed("/usr/bin/chromium"),
        "folder": folder,
        "broken": format!("{url}x"),
        "url": url,
        "languages": LANGUAGES.map(|(asked, ..)| asked),
    });
    let script = tools::script("node/unsubscribe.mjs");
    Conversation::start(&tools::node(), &script, &job).await
}

/// What a screen reader has of the pages in English.
fn heard(domain: &str) -> Value {
    let page = |heading: &str, (before, after): (&str, &str), label: &str| {
        format!(
            "- main:
  - heading \"{heading}\" [level=1]
  - paragraph:
    - text: {before}
    - strong: {domain}
    - text: {after}
  - paragraph: Sent to z***@example.com
  - button \"{label}\""
        )
    };
    json!({
        "question": page(
            "Unsubscribe?",
            ("Would you like to stop receiving these emails from", "\"?\""),
            "Unsubscribe",
        ),
        "done": page(
            "You are unsubscribed",
            (
                "You will not get these emails from",
                "any more. If this was a mistake, you can take it back.",
            ),
            "Subscribe again",
        ),
        "back": page(
            "You are subscribed again",
            ("You will keep getting these emails from", "."),
            "Unsubscribe",
        ),
    })
}

/// Every press of a button was recorded, and logged once.
async fn are_recorded(system: &System) {
    let pressed = |wish: &str| {
        let column = format!("\"EngagementType\":\"{wish}\"");
        let log = system.log();
        log.iter().filter(|line| line.contains(&column)).count()
    };
    let all = (LANGUAGES.len(), LANGUAGES.len());
    eventually("every wish is logged", async || {
        ((pressed("Unsubscribe"), pressed("Resubscribe")) == all).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_a_phone_a_keyboard_or_a_screen_reader_can_unsubscribe_in_his_language() {
    let system = Setup::default().start().await;
    let mut message = system.message("News");
    message["recipients"] = json!({"to": [{"address": "zoe@example.com"}]});
    let id = system.accepted(&message).await;
    let mut reader = pages(&system, &id).await;
    for (asked, lang, question) in LANGUAGES {
        let seen = reader.next().await;
        assert_eq!(
            (&seen["locale"], &seen["cookies"]),
            (&json!(asked), &json!(0))
        );
        assert_eq!(seen["wrong"], json!([]), "{asked}");
        for (name, page) in seen["pages"].as_object().unwrap() {
            assert_eq!(page["lang"], lang, "{asked}: {name}");
        }
        assert_eq!(seen["pages"]["question"]["title"], question);
        if lang == "en" {
            let expected = heard(system.domain_name());
            for name in ["question", "done", "back"] {
                assert_eq!(seen["pages"][name]["heard"], expected[name], "{name}");
            }
        }
    }
    are_recorded(&system).await;
}
