//! Events: told of in order, signed, again under the same id until they are taken, also by a relay that was started anew.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use relay::{CaptureOptions, EventOptions, Mode, Secret};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::sync::Notify;

use crate::harness::{MESSAGE, Running, start};

const SECRET: &str = "whsec_cmVsYXkgZXZlbnRzIGZvciB0ZXN0cyBvbmx5";

/// One request of the relay's.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    events: Value,
    is_signed: bool,
}

/// Answers as scripted, then 202.
#[derive(Clone, Default)]
struct Receiver {
    script: Arc<Mutex<Vec<u16>>>,
    told: Arc<Mutex<Vec<Told>>>,
    came: Arc<Notify>,
}

impl Receiver {
    /// Starts one, and returns its URL.
    async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let routes = Router::new().route("/hook", post(take));
        tokio::spawn(axum::serve(listener, routes.with_state(self.clone())).into_future());
        url
    }

    /// What it was told, once that is so much.
    async fn told(&self, count: usize) -> Vec<Told> {
        loop {
            let came = self.came.notified();
            let told = self.told.lock().unwrap().clone();
            if told.len() >= count {
                return told;
            }
            came.await;
        }
    }
}

async fn take(State(receiver): State<Receiver>, fields: HeaderMap, body: String) -> StatusCode {
    let field = |name: &str| fields[name].to_str().unwrap().to_owned();
    let id = field("webhook-id");
    let key = BASE64_STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{}.{body}", field("webhook-timestamp")).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    receiver.told.lock().unwrap().push(Told {
        is_signed: field("webhook-signature") == expected,
        events: serde_json::from_str::<Value>(&body).unwrap()["events"].clone(),
        id,
    });
    receiver.came.notify_one();
    let mut script = receiver.script.lock().unwrap();
    let status = if script.is_empty() {
        202
    } else {
        script.remove(0)
    };
    StatusCode::from_u16(status).unwrap()
}

async fn telling(state: &Path, url: &str) -> Running {
    let running = start(state, Mode::Capture(CaptureOptions::default())).await;
    let options = EventOptions {
        url: url.to_owned(),
        secret: Secret::parse(SECRET).unwrap(),
    };
    running.relay.post_events(&options).unwrap();
    running
}

#[tokio::test]
async fn what_is_kept_is_told_of_until_it_is_taken_and_once() {
    let receiver = Receiver::default();
    receiver.script.lock().unwrap().push(500);
    let url = receiver.serve().await;
    let state = tempfile::tempdir().unwrap();
    let running = telling(state.path(), &url).await;
    let to = ["c@d.example", "e@f.example"];
    running.hand_over("m.0", &to, MESSAGE.as_bytes()).await;
    // Repeated, it is the same event.
    running.hand_over("m.0", &to, MESSAGE.as_bytes()).await;
    let told = receiver.told(2).await;
    assert_eq!(told[0].id, told[1].id);
    for one in &told {
        assert!(one.is_signed);
        let events = one.events.as_array().unwrap();
        assert_eq!(events.len(), 2);
        for (event, to) in events.iter().zip(to) {
            let expected = json!({
                "type": "delivered", "idempotencyKey": "m.0", "recipient": to,
                "reply": "250 2.0.0 kept in the sandbox inbox", "at": event["at"],
            });
            assert_eq!(event, &expected);
        }
    }
    running.hand_over("n.0", &to[..1], MESSAGE.as_bytes()).await;
    let told = receiver.told(3).await;
    assert_eq!(told[2].events[0]["idempotencyKey"], "n.0");
    assert_ne!(told[2].id, told[0].id);
}

#[tokio::test]
async fn events_that_were_not_taken_outlive_the_relay() {
    let receiver = Receiver::default();
    receiver.script.lock().unwrap().push(503);
    let url = receiver.serve().await;
    let state = tempfile::tempdir().unwrap();
    let running = telling(state.path(), &url).await;
    running
        .hand_over("m.0", &["c@d.example"], MESSAGE.as_bytes())
        .await;
    receiver.told(1).await;
    running.relay.stop().await;
    let _again = telling(state.path(), &url).await;
    let told = receiver.told(2).await;
    assert_eq!(told[0].events, told[1].events);
}
