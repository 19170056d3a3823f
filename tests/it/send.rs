//! `POST /emails:send` and its polls.

use tests::Setup;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_sandbox() {
    let system = Setup::default().start().await;
    let id = system.accepted(&system.message("hello")).await;
    assert_eq!(system.outcome(&id).await["status"], "Succeeded");
    let captured = system.inbox().arrival("hello").await;
    assert_eq!(captured.envelope_to, ["someone@example.com"]);
}
