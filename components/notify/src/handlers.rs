//! Decode, one use case, encode; the work itself goes on behind the answer.

use std::rc::Rc;

use guest::{InFlight, Level, Problem, Request, Response, SpinPorts, empty, log, read_body, text};
use mailer::digest::{Digested, Digester, digest};
use mailer::engagement;
use mailer::engagement::intake::Told;
use mailer::journal::WorkKind;
use mailer::notification::attempt;
use mailer::notification::attempt::{AttemptError, Attempted};
use mailer::operation::OperationId;
use mailer::ports::StoreError;
use mailer::subscription::validation::{self, ValidationCode};
use mailer::subscription::{SubscriptionError, SubscriptionId};

use crate::config::Config;
use crate::endpoint::Endpoints;

/// Pieces of work one instance has in hand, four times what one endpoint that hangs can hold up. What comes beyond that is found by the
/// tick.
const MAX_IN_FLIGHT: usize = 512;
/// The origin that a sibling was called at.
const MAX_ORIGIN_OCTETS: usize = 512;

/// `POST /jobs/{kind}:{id}`, or several with commas between.
pub(crate) async fn work(items: &str) -> Result<Response, Problem> {
    let items: Option<Vec<(WorkKind, OperationId)>> = items.split(',').map(item).collect();
    let items = items.ok_or_else(Problem::not_found)?;
    let config = Config::load().await?;
    for (kind, id) in items {
        let place = InFlight::begin(&config.in_flight, MAX_IN_FLIGHT).ok_or_else(|| {
            Problem::unavailable("as much work is under way as an instance takes")
        })?;
        let config = Rc::clone(&config);
        match kind {
            WorkKind::Notification => guest::spawn(notify(place, config, id)),
            WorkKind::Batch => guest::spawn(take_in(place, config, id)),
            WorkKind::Visits => guest::spawn(take_visits_in(place, config, id)),
            WorkKind::Message => return Err(Problem::not_found()),
        }
    }
    Ok(empty(202))
}

fn item(text: &str) -> Option<(WorkKind, OperationId)> {
    let (kind, id) = text.split_once(':')?;
    let kind = match kind {
        "notification" => WorkKind::Notification,
        "batch" => WorkKind::Batch,
        "visits" => WorkKind::Visits,
        _ => return None,
    };
    Some((kind, id.parse().ok()?))
}

/// `POST /validate/{id}`: the handshake. Its body is the origin that the operator called, for the link where no other is configured.
pub(crate) async fn validate(request: Request, id: &str) -> Result<Response, Problem> {
    let id = parse_id(id)?;
    let body = read_body(request, MAX_ORIGIN_OCTETS).await?;
    let called_at = String::from_utf8(body)
        .ok()
        .and_then(|text| guest::origin(&text).ok());
    let config = Config::load().await?;
    let ports = SpinPorts::open().await?;
    let subscriptions = mailer::subscription::load(&*ports).await?;
    let subscription = subscriptions.find(id).ok_or_else(no_subscription)?;
    let endpoint = &subscription.endpoint;
    let guard = &config.notifier.guard;
    guard
        .check(&*ports, &config.resolver, endpoint)
        .await
        .map_err(|error| {
            Problem::new(400, "InvalidEndpoint", error.to_string()).with_target("endpointUrl")
        })?;
    let public_url = config.public_url.as_ref().or(called_at.as_ref());
    let endpoints = endpoints(&config, &ports, public_url.map(String::as_str));
    validation::validate(&*ports, &endpoints, id)
        .await
        .map_err(refusal)?;
    config.notifier.subscriptions.forget();
    Ok(empty(204))
}

/// `GET /subscriptions/validate?id={id}&code={code}`: the link. All that does not confirm looks the same.
pub(crate) async fn confirm(request: &Request) -> Result<Response, Problem> {
    let query = request.uri().query().unwrap_or_default();
    let value = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find_map(|(key, value)| (key == name).then(|| value.into_owned()))
    };
    let id = value("id").and_then(|id| id.parse::<SubscriptionId>().ok());
    let code = value("code").and_then(|code| ValidationCode::parse(&code));
    let (id, code) = id.zip(code).ok_or_else(no_validation)?;
    let ports = SpinPorts::open().await?;
    validation::confirm(&*ports, id, code)
        .await
        .map_err(|error| match error {
            SubscriptionError::NotFound => no_validation(),
            error => refusal(error),
        })?;
    Ok(text(200, "The subscription is validated.\n"))
}

fn endpoints<'a>(
    config: &'a Config,
    ports: &'a SpinPorts,
    public_url: Option<&'a str>,
) -> Endpoints<'a> {
    Endpoints {
        ports,
        source: &config.source,
        timeout: config.timeout,
        public_url,
    }
}

fn parse_id(text: &str) -> Result<SubscriptionId, Problem> {
    text.parse().map_err(|_| no_subscription())
}

fn no_subscription() -> Problem {
    Problem::new(
        404,
        "SubscriptionNotFound",
        "There is no such subscription.",
    )
}

fn no_validation() -> Problem {
    let message = "There is no validation under way with this id and code.";
    Problem::new(404, "NotFound", message)
}

fn refusal(error: SubscriptionError) -> Problem {
    match error {
        SubscriptionError::Store(error) => error.into(),
        SubscriptionError::NotFound => no_subscription(),
        SubscriptionError::Busy => Problem::unavailable(error),
        error => Problem::internal(error),
    }
}

/// Takes in a batch of events, and delivers what comes of it.
async fn take_in(_place: InFlight, config: Rc<Config>, id: OperationId) {
    let digester = digester(&config);
    let result = match SpinPorts::open().await {
        Ok(ports) => digest(&*ports, &digester, id).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(Digested::Done(taken)) => {
            config.log.updates(&taken.updates);
            deliver(&config, taken.notifications);
        }
        Ok(Digested::NotNow | Digested::Unknown) => {}
        Err(error) => not_taken_in(id, &error),
    }
}

/// Takes in a batch of visits, and delivers what comes of it.
async fn take_visits_in(_place: InFlight, config: Rc<Config>, id: OperationId) {
    let digester = digester(&config);
    let result = match SpinPorts::open().await {
        Ok(ports) => engagement::intake::take_in(&*ports, &digester, id).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(Digested::Done(told)) => {
            config.log.engagements(&told.engaged);
            warn(id, &told);
            deliver(&config, told.notifications);
        }
        Ok(Digested::NotNow | Digested::Unknown) => {}
        Err(error) => not_taken_in(id, &error),
    }
}

/// Tells operators of what did not go as usual.
fn warn(id: OperationId, told: &Told) {
    let id = id.to_string();
    for domain in &told.fell_back {
        log(
            Level::Error,
            "there is no room for another suppression list; who unsubscribed is on the one for all senders",
            &[("id", &id), ("domain", domain.as_str())],
        );
    }
    if told.foreign + told.surplus > 0 {
        let (foreign, surplus) = (told.foreign.to_string(), told.surplus.to_string());
        log(
            Level::Info,
            "visits were not kept: of things that do not exist, too many, or of who was erased",
            &[("id", &id), ("foreign", &foreign), ("surplus", &surplus)],
        );
    }
}

fn digester(config: &Config) -> Digester<'_> {
    Digester {
        outbox: &config.notifier.outbox,
        windows: config.notifier.windows,
        subscriptions: &config.notifier.subscriptions,
        suppressor: &config.suppressor,
        turns: &config.turns,
    }
}

fn deliver(config: &Rc<Config>, notifications: Vec<OperationId>) {
    for notification in notifications {
        // What is beyond the places of the instance is found by the tick.
        if let Some(place) = InFlight::begin(&config.in_flight, MAX_IN_FLIGHT) {
            guest::spawn(notify(place, Rc::clone(config), notification));
        }
    }
}

fn not_taken_in(id: OperationId, error: &StoreError) {
    log(
        Level::Error,
        "a batch of events could not be taken in and will be again",
        &[("id", &id.to_string()), ("cause", &error.to_string())],
    );
}

/// One attempt to deliver a notification. Whatever fails here is found again by the tick, so the log is all that has to be told.
async fn notify(_place: InFlight, config: Rc<Config>, id: OperationId) {
    let result = match SpinPorts::open().await {
        Ok(ports) => {
            let endpoints = endpoints(&config, &ports, None);
            attempt(&*ports, &config.resolver, &endpoints, &config.notifier, id).await
        }
        Err(error) => Err(AttemptError::from(error)),
    };
    match result {
        Ok(Attempted::Made(outcome)) if !outcome.is_success() => log(
            Level::Info,
            "a notification was not delivered",
            &[("id", &id.to_string()), ("outcome", outcome.name())],
        ),
        Ok(Attempted::Made(_) | Attempted::Settled | Attempted::NotNow | Attempted::Unknown) => {}
        Err(error) => log(
            Level::Error,
            "a notification could not be attempted and will be again",
            &[("id", &id.to_string()), ("cause", &error.to_string())],
        ),
    }
}
