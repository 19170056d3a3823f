//! Names accepted messages to the sibling that signs and hands over, and to the log.

use std::rc::Rc;

use guest::{Level, SpinPorts, log};
use mailer::nudge::{Collector, MAX_NAMED};
use mailer::operation::OperationId;

use crate::config::Config;

/// Has `id` named soon, behind the answer. If this is lost, the tick finds the message in the journal.
pub(crate) fn dispatch(config: &Rc<Config>, ports: &Rc<SpinPorts>, id: OperationId) {
    if let Some(collector) = config.nudges.note(id) {
        guest::spawn(name(collector, Rc::clone(config), Rc::clone(ports)));
    }
}

async fn name(collector: Collector, config: Rc<Config>, ports: Rc<SpinPorts>) {
    let accepted = collector.collect(&*ports).await;
    config.log.tell_accepted();
    for ids in accepted.chunks(MAX_NAMED) {
        let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
        let url = format!("http://dispatch.spin.internal/dispatch/{}", ids.join(","));
        let failure = match spin_sdk::http::post(url, "").await {
            Ok(response) if response.status().is_success() => continue,
            Ok(response) => response.status().to_string(),
            Err(code) => code.to_string(),
        };
        log(
            Level::Error,
            "dispatch did not take all that was named; the tick will",
            &[("cause", &failure)],
        );
    }
}
