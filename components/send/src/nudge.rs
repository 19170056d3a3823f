//! Names accepted messages to the sibling that signs and hands over, and to the log.

use std::rc::Rc;

use guest::{SpinPorts, name_messages};
use mailer::nudge::Collector;
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
    name_messages(&accepted).await;
}
