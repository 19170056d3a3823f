//! `/subscriptions`.

use std::time::Duration;

use guest::{Level, Problem, Request, Response, SpinPorts, empty, json, log, name_work};
use mailer::domain::DEFAULT_SENDER;
use mailer::envelope::AddrSpec;
use mailer::keys;
use mailer::notification::dead::{self, Selection};
use mailer::notification::trial;
use mailer::operation::OperationId;
use mailer::ports::Clock as _;
use mailer::subscription::edit::{self, Change, Rotation};
use mailer::subscription::secret::Secret;
use mailer::subscription::{EventType, SubscriptionError, SubscriptionId, load};
use mailer::time::Timestamp;

use super::{origin, read_json, skip_token};
use crate::config::Config;
use crate::refusal::{endpoint, no_subscription, of_subscription, redelivering};
use crate::wire::{
    DeadLetter, Named, NewSubscription, Page, Redeliver, RotateSecret, Subscription,
    SubscriptionPatch, SubscriptionPost, Trial,
};

/// `GET /subscriptions`: all of them, since they are few.
pub(crate) async fn list() -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    let found = load(&*ports).await?;
    let now = ports.now();
    let values = found.all.iter();
    let values = values.map(|subscription| Subscription::new(subscription, None, now));
    json(200, &Page::new(values.collect(), None))
}

/// `POST /subscriptions`
pub(crate) async fn create(request: Request, config: &Config) -> Result<Response, Problem> {
    let origin = origin(&request);
    let mut body: SubscriptionPost = read_json(request).await?;
    let secret = parse_secret(body.secret.take().as_ref())?;
    let ports = SpinPorts::open().await?;
    let change = checked(&ports, config, body.into_request()).await?;
    let (made, secret) = edit::create(&*ports, &config.webhook_key, change, secret)
        .await
        .map_err(of_subscription)?;
    ask(made.id, &origin).await;
    let subscription = read(&ports, made.id).await?;
    let secret = secret.as_str();
    json(
        201,
        &NewSubscription {
            subscription,
            secret,
        },
    )
}

/// `GET /subscriptions/{id}`
pub(crate) async fn get(id: &str) -> Result<Response, Problem> {
    let ports = SpinPorts::open().await?;
    json(200, &read(&ports, parse(id)?).await?)
}

/// `PATCH /subscriptions/{id}`
pub(crate) async fn patch(
    request: Request,
    config: &Config,
    id: &str,
) -> Result<Response, Problem> {
    let (id, origin) = (parse(id)?, origin(&request));
    let body: SubscriptionPatch = read_json(request).await?;
    let ports = SpinPorts::open().await?;
    let change = checked(&ports, config, body.into()).await?;
    let (_, is_to_be_asked) = edit::update(&*ports, id, change)
        .await
        .map_err(of_subscription)?;
    if is_to_be_asked {
        ask(id, &origin).await;
    }
    json(200, &read(&ports, id).await?)
}

/// `DELETE /subscriptions/{id}`
pub(crate) async fn delete(id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let ports = SpinPorts::open().await?;
    edit::remove(&*ports, id).await.map_err(of_subscription)?;
    Ok(empty(204))
}

/// `POST /subscriptions/{id}:pause`
pub(crate) async fn pause(id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let ports = SpinPorts::open().await?;
    edit::pause(&*ports, id).await.map_err(of_subscription)?;
    json(200, &read(&ports, id).await?)
}

/// `POST /subscriptions/{id}:resume`
pub(crate) async fn resume(id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let ports = SpinPorts::open().await?;
    edit::resume(&*ports, id).await.map_err(of_subscription)?;
    json(200, &read(&ports, id).await?)
}

/// `POST /subscriptions/{id}:rotateSecret`
pub(crate) async fn rotate_secret(
    request: Request,
    config: &Config,
    id: &str,
) -> Result<Response, Problem> {
    let id = parse(id)?;
    let body: RotateSecret = read_json(request).await?;
    let rotation = Rotation {
        secret: parse_secret(body.secret.as_ref())?,
        overlap: body.old_secret_seconds.map(Duration::from_secs),
    };
    let ports = SpinPorts::open().await?;
    let (_, secret) = edit::rotate_secret(&*ports, &config.webhook_key, id, rotation)
        .await
        .map_err(of_subscription)?;
    let subscription = read(&ports, id).await?;
    let secret = secret.as_str();
    json(
        200,
        &NewSubscription {
            subscription,
            secret,
        },
    )
}

/// `POST /subscriptions/{id}:removeOldSecret`
pub(crate) async fn remove_old_secret(id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let ports = SpinPorts::open().await?;
    edit::remove_old_secret(&*ports, id)
        .await
        .map_err(of_subscription)?;
    json(200, &read(&ports, id).await?)
}

/// `POST /subscriptions/{id}:validate`
pub(crate) async fn validate(request: &Request, id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let ports = SpinPorts::open().await?;
    // Before its sibling is asked, which would only say that something went wrong.
    read(&ports, id).await?;
    ask(id, &origin(request)).await;
    json(200, &read(&ports, id).await?)
}

/// `POST /subscriptions/{id}:test`
pub(crate) async fn test(request: Request, config: &Config, id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let body: Trial = read_json(request).await?;
    let count = body.events.unwrap_or(1);
    if !(1..=trial::MAX_EVENTS).contains(&count) {
        let message = format!("Expected a number from 1 to {}.", trial::MAX_EVENTS);
        return Err(Problem::new(400, "BadRequest", message).with_target("events"));
    }
    let address = format!("{DEFAULT_SENDER}@{}", config.installation.base);
    let address = AddrSpec::parse(&address).map_err(Problem::internal)?;
    let trial = trial::Trial {
        address: &address,
        event_type: event_type(body.event_type.as_deref())?,
        count,
    };
    let ports = SpinPorts::open().await?;
    let notifications = trial::try_out(&*ports, &config.outbox, id, trial)
        .await
        .map_err(of_subscription)?;
    name(&notifications).await;
    json(202, &Named::new(&notifications, None))
}

fn event_type(name: Option<&str>) -> Result<EventType, Problem> {
    let Some(name) = name else {
        return Ok(EventType::DeliveryReport);
    };
    EventType::parse(name).ok_or_else(|| {
        let names = EventType::ALL.map(EventType::name).join(", ");
        let message = format!("Expected eventType to be one of {names}.");
        Problem::new(400, "InvalidEventType", message).with_target("eventType")
    })
}

/// `GET /subscriptions/{id}/deadLetters`
pub(crate) async fn dead_letters(request: &Request, id: &str) -> Result<Response, Problem> {
    let id = parse(id)?;
    let before = skip_token(request)?;
    let ports = SpinPorts::open().await?;
    load(&*ports).await?.find(id).ok_or_else(no_subscription)?;
    let page = dead::page(&*ports, id, before).await?;
    let letters = page.letters.iter();
    let values = letters.map(|(letter, notification)| DeadLetter::new(letter, notification));
    let next = page
        .next_before
        .map(|before| format!("/subscriptions/{id}/deadLetters?skipToken={before}"));
    json(200, &Page::new(values.collect(), next))
}

/// `POST /subscriptions/{id}:redeliver`
pub(crate) async fn redeliver(
    request: Request,
    config: &Config,
    id: &str,
) -> Result<Response, Problem> {
    let id = parse(id)?;
    let before = skip_token(&request)?;
    let selection = selection(&read_json(request).await?)?;
    let ports = SpinPorts::open().await?;
    let done = dead::redeliver(&*ports, &config.outbox, id, selection, before)
        .await
        .map_err(redelivering)?;
    name(&done.notifications).await;
    let next = done
        .next_before
        .map(|before| format!("/subscriptions/{id}:redeliver?skipToken={before}"));
    json(202, &Named::new(&done.notifications, next))
}

fn selection(body: &Redeliver) -> Result<Selection, Problem> {
    let wrong =
        |target: &str, message: &str| Problem::new(400, "BadRequest", message).with_target(target);
    let time = |text: &str, target: &str| {
        Timestamp::parse_rfc3339(text)
            .ok_or_else(|| wrong(target, "Expected a time such as 2026-11-24T16:39:12Z."))
    };
    match (&body.notification, &body.from, &body.to, body.all) {
        (Some(id), None, None, None) => id.parse().map(Selection::One).map_err(|_| {
            wrong(
                "notification",
                "Expected the id of a notification, as deadLetters has it.",
            )
        }),
        (None, Some(from), Some(to), None) => Ok(Selection::Range {
            from: time(from, "from")?,
            to: time(to, "to")?,
        }),
        (None, None, None, Some(true)) => Ok(Selection::All),
        _ => Err(Problem::new(
            400,
            "BadRequest",
            "Expected either notification, or from and to, or all to be true.",
        )),
    }
}

/// The change, with what the endpoint's name leads to looked up.
async fn checked(
    ports: &SpinPorts,
    config: &Config,
    request: edit::Request,
) -> Result<Change, Problem> {
    let change = request
        .check(config.guard.reach())
        .map_err(of_subscription)?;
    if let Some(url) = change.endpoint() {
        config
            .guard
            .check(ports, &config.resolver, url)
            .await
            .map_err(endpoint)?;
    }
    Ok(change)
}

fn parse(id: &str) -> Result<SubscriptionId, Problem> {
    id.parse().map_err(|_| no_subscription())
}

fn parse_secret(text: Option<&zeroize::Zeroizing<String>>) -> Result<Option<Secret>, Problem> {
    text.map(|text| Secret::parse(text))
        .transpose()
        .map_err(|error| of_subscription(SubscriptionError::from(error)))
}

/// The subscription as it is now, with what is known of its endpoint.
async fn read(ports: &SpinPorts, id: SubscriptionId) -> Result<Subscription, Problem> {
    let found = load(ports).await?;
    let found = found.find(id).ok_or_else(no_subscription)?;
    let health = keys::subscription_health(id).read(ports).await?;
    let health = health.unwrap_or_default();
    Ok(Subscription::new(found, Some(&health), ports.now()))
}

/// Has the sibling that reaches endpoints ask this one. What it came to stands in the record; if the sibling could not, the
/// subscription goes on awaiting validation.
async fn ask(id: SubscriptionId, origin: &str) {
    let url = format!("http://notify.spin.internal/validate/{id}");
    call(url, origin.to_owned()).await;
}

/// Names notifications to the sibling that delivers them. If this is lost, the tick finds them in the journal.
async fn name(notifications: &[OperationId]) {
    let items = notifications.iter().map(|id| format!("notification:{id}"));
    name_work(items.collect()).await;
}

async fn call(url: String, body: String) {
    let failure = match spin_sdk::http::post(url, body).await {
        Ok(response) if response.status().is_success() => return,
        Ok(response) => response.status().to_string(),
        Err(code) => code.to_string(),
    };
    log(
        Level::Error,
        "notify did not do what it was asked",
        &[("cause", &failure)],
    );
}
