//! `POST /tick`: who may, and what it picks up.

use std::fs;

use serde_json::Value;
use tests::{ADMIN_TOKEN, Request, Setup, eventually, manifest_path};

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_ticks() {
    let system = Setup::default().without_ticks().start().await;
    let wrong = format!("Bearer {ADMIN_TOKEN}x");
    let rows = [
        None,
        Some("Bearer "),
        Some(ADMIN_TOKEN),
        Some(wrong.as_str()),
        Some("Basic YTpi"),
    ];
    for authorization in rows {
        let request = Request::new("POST", "/tick");
        let request = match authorization {
            Some(value) => request.field("authorization", value),
            None => request,
        };
        let answer = system.client.call(request).await;
        assert_eq!(
            answer.problem(),
            (401, "Unauthorized".into(), None),
            "{authorization:?}"
        );
    }
    assert_eq!(system.tick().await["attempted"], 0);
}

/// Writes a manifest under which `send` may reach nobody, so that every nudge of `dispatch` is lost.
fn mute_manifest(folder: &std::path::Path) -> std::path::PathBuf {
    let manifest = manifest_path();
    let target = manifest.parent().unwrap().join("target");
    let text = fs::read_to_string(&manifest).unwrap();
    let nudge = r#"["http://dispatch.spin.internal"]"#;
    assert_eq!(
        text.matches(nudge).count(),
        1,
        "the manifest grants send its sibling"
    );
    let text = text
        .replace(nudge, "[]")
        .replace("\"target/", &format!("\"{}/", target.display()));
    let path = folder.join("spin.toml");
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_nudge_was_lost_is_delivered_by_the_tick() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = mute_manifest(folder.path());
    let system = Setup::default()
        .manifest(&manifest)
        .without_ticks()
        .start()
        .await;
    let id = system.accepted(&system.message("nobody was told")).await;
    eventually("the nudge is refused", async || {
        let told = |line: &String| line.contains("dispatch did not take all that was named");
        system.log().iter().any(told).then_some(())
    })
    .await;
    assert_eq!(system.operation(&id).await.json()["status"], "Running");
    assert!(system.inbox().subjects().await.is_empty());
    // Young entries are left to the direct path, so it is not the first tick that does it.
    eventually("a tick attempts it", async || {
        (system.tick().await["attempted"] == 1).then_some(())
    })
    .await;
    system.inbox().arrival("nobody was told").await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
}

#[tokio::test(flavor = "multi_thread")]
async fn ticks_at_the_same_time_deliver_once() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = mute_manifest(folder.path());
    let system = Setup::default()
        .manifest(&manifest)
        .without_ticks()
        .start()
        .await;
    for n in 0..20 {
        system.accepted(&system.message(&format!("m{n}"))).await;
    }
    eventually("all are delivered", async || {
        futures::future::join_all((0..6).map(|_| system.tick())).await;
        (system.inbox().subjects().await.len() >= 20).then_some(())
    })
    .await;
    let more: Vec<Value> = futures::future::join_all((0..6).map(|_| system.tick())).await;
    assert_eq!(more.len(), 6);
    let mut subjects = system.inbox().subjects().await;
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 20);
    assert_eq!(system.inbox().subjects().await.len(), 20);
}
