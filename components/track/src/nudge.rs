//! Names batches of visits to the sibling that takes them in.

use std::rc::Rc;

use guest::{SpinPorts, name_work};
use mailer::nudge::{Collector, Nudges};
use mailer::operation::OperationId;

/// Has the batch `id` named soon, behind the answer. If this is lost, the tick finds it in the journal.
pub(crate) fn notify(nudges: &Rc<Nudges>, ports: &Rc<SpinPorts>, id: OperationId) {
    if let Some(collector) = nudges.note(id) {
        guest::spawn(name(collector, Rc::clone(ports)));
    }
}

async fn name(collector: Collector, ports: Rc<SpinPorts>) {
    let ids = collector.collect(&*ports).await;
    name_work(ids.iter().map(|id| format!("visits:{id}")).collect()).await;
}
