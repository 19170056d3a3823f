//! The timer that Spin does not have, and the managed domain that the first mail needs.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::Method;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, sleep};

use super::{
    api::{Answer, Api, ApiError, admin, path_of},
    arguments::Tick,
    say,
};

/// How often an operation is looked at.
const POLL: Duration = Duration::from_millis(500);

/// How long the managed domain may take: its key is made by searching for primes, which may take a slow machine a while.
const PROVISIONING: Duration = Duration::from_secs(180);

/// Why there is no managed domain.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProvisioningError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("the managed domain could not be set up: {0}")]
    Refused(String),
    #[error("the managed domain was not ready after {} seconds; start again to go on", PROVISIONING.as_secs())]
    Timeout,
}

/// Runs `sendlet tick`.
pub(super) async fn run(arguments: Tick) -> Result<(), Box<dyn Error>> {
    let api = Api::new(arguments.operator.url.trim_end_matches('/'));
    let sender = provision(&api, &arguments.operator.admin_token).await?;
    say(format_args!("a sender address that works: {sender}"));
    say(format_args!(
        "ticking {} every {:?}; Ctrl-C ends it",
        arguments.operator.url, arguments.every
    ));
    every(&api, &arguments.operator.admin_token, arguments.every).await;
    Ok(())
}

/// Calls `POST /tick` for ever. Trouble is told when it begins and when it ends, not every second.
pub(super) async fn every(api: &Api, admin_token: &str, pause: Duration) {
    let mut interval = tokio::time::interval(pause);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble: Option<String> = None;
    loop {
        interval.tick().await;
        let now = tick_until_done(api, admin_token).await.err();
        if now != trouble {
            match &now {
                Some(error) => say(format_args!("the tick fails: {error}")),
                None => say("the tick works again"),
            }
            trouble = now;
        }
    }
}

/// Ticks again at once as long as there is more to do and something is being done: after an outage a step a second would take hours.
async fn tick_until_done(api: &Api, admin_token: &str) -> Result<(), String> {
    while tick(api, admin_token).await? {}
    Ok(())
}

/// Does one step. Says whether the next one is worth while now.
async fn tick(api: &Api, admin_token: &str) -> Result<bool, String> {
    let answer = api
        .call(Method::POST, "/tick", &admin(admin_token), Bytes::new())
        .await
        .map_err(|e| e.to_string())?;
    if !answer.status.is_success() {
        return Err(answer.complaint());
    }
    let more = answer.json.get("more").and_then(Value::as_bool);
    let attempted = answer.json.get("attempted").and_then(Value::as_u64);
    Ok(more == Some(true) && attempted.is_some_and(|attempted| attempted > 0))
}

/// Asks for the managed domain, waits until it is there, and returns a sender's address in it.
pub(super) async fn provision(api: &Api, admin_token: &str) -> Result<String, ProvisioningError> {
    tokio::time::timeout(PROVISIONING, wait_for_domain(api, admin_token))
        .await
        .map_err(|_| ProvisioningError::Timeout)?
}

async fn wait_for_domain(api: &Api, admin_token: &str) -> Result<String, ProvisioningError> {
    const DOMAIN: &str = "/domains/ManagedDomain";
    let fields = admin(admin_token);
    loop {
        let answer = api.call(Method::PUT, DOMAIN, &fields, Bytes::new()).await?;
        if let Some(operation) = answer.header("operation-location") {
            say("setting up a sender domain with a DKIM key (a few seconds, once) ...");
            // What was cut off, by a stop in the middle, is begun again.
            if follow(api, &path_of(operation), &fields).await? {
                break;
            }
        } else if answer.status.is_success() {
            break;
        } else {
            return Err(ProvisioningError::Refused(answer.complaint()));
        }
    }
    let domain = api.call(Method::GET, DOMAIN, &fields, Bytes::new()).await?;
    sender(&domain).ok_or_else(|| ProvisioningError::Refused(domain.complaint()))
}

/// Waits for the end of the operation. Says whether it succeeded.
async fn follow(
    api: &Api,
    path: &str,
    fields: &[(&str, String)],
) -> Result<bool, ProvisioningError> {
    loop {
        let answer = api.call(Method::GET, path, fields, Bytes::new()).await?;
        match answer.text(&["status"]) {
            Some("Succeeded") => return Ok(true),
            Some("Failed") => return Ok(false),
            Some("Running" | "NotStarted") => sleep(POLL).await,
            _ => return Err(ProvisioningError::Refused(answer.complaint())),
        }
    }
}

fn sender(domain: &Answer) -> Option<String> {
    let name = domain.text(&["fromSenderDomain"])?;
    let user = domain
        .json
        .get("senderUsernames")?
        .get(0)?
        .get("username")?
        .as_str()?;
    Some(format!("{user}@{name}"))
}
