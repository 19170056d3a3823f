//! Names work to the siblings that do it. What is lost here, the tick finds in the journal.

use std::rc::Rc;

use mailer::journal::WorkKind;
use mailer::nudge::{MAX_NAMED, Nudges};
use mailer::operation::OperationId;
use spin_sdk::wasip3::spawn;

use crate::log::{Level, log};
use crate::ports::SpinPorts;

/// Where a sibling takes what it is to do.
struct Sibling {
    /// What stands before the names, which have commas between.
    url: &'static str,
    /// What the log says when it took nothing.
    complaint: &'static str,
}

const NOTIFY: Sibling = Sibling {
    url: "http://notify.spin.internal/jobs/",
    complaint: "notify did not take all that was named; the tick will name it again",
};
const DISPATCH: Sibling = Sibling {
    url: "http://dispatch.spin.internal/dispatch/",
    complaint: "dispatch did not take all that was named; the tick will",
};

/// Has `notify` do `items`, each `kind:id`.
pub async fn name_work(items: Vec<String>) {
    name(&NOTIFY, &items).await;
}

/// Has `dispatch` attempt messages.
pub async fn name_messages(ids: &[OperationId]) {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    name(&DISPATCH, &ids).await;
}

/// Has `notify` do the work `id` soon, behind the answer, together with what is noted meanwhile: a request each would cost as much as
/// storing does. All that is noted in `nudges` has to be of this kind.
pub fn name_soon(kind: WorkKind, nudges: &Rc<Nudges>, ports: &Rc<SpinPorts>, id: OperationId) {
    if let Some(collector) = nudges.note(id) {
        let ports = Rc::clone(ports);
        spawn(async move {
            let ids = collector.collect(&*ports).await;
            name_work(ids.iter().map(|id| format!("{kind}:{id}")).collect()).await;
        });
    }
}

async fn name(sibling: &Sibling, names: &[String]) {
    for names in names.chunks(MAX_NAMED) {
        let url = format!("{}{}", sibling.url, names.join(","));
        let failure = match spin_sdk::http::post(url, "").await {
            Ok(response) if response.status().is_success() => continue,
            Ok(response) => response.status().to_string(),
            Err(code) => code.to_string(),
        };
        log(Level::Error, sibling.complaint, &[("cause", &failure)]);
    }
}
