//! Decode, one use case, encode; the work itself goes on behind the answer.

use std::rc::Rc;

use guest::{
    InFlight, Level, Problem, Request, Response, SpinPorts, empty, header, json, log, name_work,
};
use mailer::attempt::{AttemptError, Attempted, attempt};
use mailer::domain::recheck::{self, Chore};
use mailer::journal::{JournalItem, WorkKind};
use mailer::operation::OperationId;
use mailer::tick::{Ticked, tick as step};
use serde::Serialize;

use crate::config::Config;

/// Attempts one instance has under way. What comes beyond that is found by the tick.
const MAX_IN_FLIGHT: usize = 128;

/// `POST /dispatch/{id}`, or several with commas between.
pub(crate) async fn dispatch(ids: &str) -> Result<Response, Problem> {
    let ids: Result<Vec<OperationId>, _> = ids.split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| Problem::not_found())?;
    let config = Config::load().await?;
    for id in ids {
        let place = InFlight::begin(&config.in_flight, MAX_IN_FLIGHT).ok_or_else(|| {
            Problem::unavailable("as many attempts are under way as an instance makes")
        })?;
        guest::spawn(work(place, Rc::clone(&config), id));
    }
    Ok(empty(202))
}

/// `POST /tick`
pub(crate) async fn tick(request: &Request) -> Result<Response, Problem> {
    let config = Config::load().await?;
    config
        .admin_token
        .authorize(header(request, "authorization"))
        .ok_or_else(Problem::unauthorized)?;
    let ports = SpinPorts::open().await?;
    let budget = MAX_IN_FLIGHT.saturating_sub(config.in_flight.get());
    let (attempted, more) = match step(&*ports, config.dispatcher.windows, budget).await? {
        Ticked::Idle | Ticked::Busy => (0, false),
        Ticked::Stepped { attempts, more } => {
            let attempted = attempts.len();
            let is_message = |item: &JournalItem| item.kind == WorkKind::Message;
            let (messages, others): (Vec<_>, Vec<_>) = attempts.into_iter().partition(is_message);
            for item in &messages {
                // The budget left room for each.
                if let Some(place) = InFlight::begin(&config.in_flight, MAX_IN_FLIGHT) {
                    guest::spawn(work(place, Rc::clone(&config), item.id));
                }
            }
            if !others.is_empty() {
                guest::spawn(name_work(others.iter().map(ToString::to_string).collect()));
            }
            (attempted, more)
        }
    };
    for chore in recheck::scan(&*ports).await? {
        guest::spawn(look_after(Rc::clone(&config), chore));
    }
    json(200, &Report { attempted, more })
}

/// One chore about a sender domain. A later tick finds it again if it fails.
async fn look_after(config: Rc<Config>, chore: Chore) {
    let result = match SpinPorts::open().await {
        Ok(ports) => {
            let installation = &config.dispatcher.installation;
            let master_key = config.dispatcher.keyring.master_key();
            recheck::run(&*ports, &config.resolver, installation, master_key, &chore).await
        }
        Err(error) => Err(error.into()),
    };
    if let Err(error) = result {
        log(
            Level::Error,
            "a sender domain could not be looked after",
            &[("cause", &error.to_string())],
        );
    }
}

/// What a tick did.
#[derive(Serialize)]
struct Report {
    /// Messages, batches and notifications that are being attempted now.
    attempted: usize,
    /// Whether another tick would find work at once.
    more: bool,
}

/// One attempt. Whatever fails here is found again by the tick, so the log is all that has to be told.
async fn work(_place: InFlight, config: Rc<Config>, id: OperationId) {
    let result = match SpinPorts::open().await {
        Ok(ports) => attempt(&*ports, &config.relay, &config.dispatcher, id).await,
        Err(error) => Err(AttemptError::from(error)),
    };
    match result {
        Ok(Attempted::Made {
            batches,
            state,
            progress,
            sender,
            bypassed,
        }) => {
            if let Some(progress) = progress {
                config.log.progress(state.updated_at, id, &sender, progress);
            }
            if bypassed > 0 {
                tell_of_bypass(id, bypassed);
            }
            let names = batches.iter().map(|id| format!("batch:{id}")).collect();
            name_work(names).await;
        }
        Ok(Attempted::NotNow) => {}
        Ok(Attempted::Unknown) => log(
            Level::Error,
            "there is no such message",
            &[("id", &id.to_string())],
        ),
        Err(error) => log(
            Level::Error,
            "an attempt failed and will be made again",
            &[("id", &id.to_string()), ("cause", &error.to_string())],
        ),
    }
}

/// Mail that is owed goes to those too who want no other: that is not to go unseen.
fn tell_of_bypass(id: OperationId, recipients: usize) {
    log(
        Level::Info,
        "a transactional message went to recipients who had unsubscribed",
        &[
            ("id", &id.to_string()),
            ("recipients", &recipients.to_string()),
        ],
    );
}
