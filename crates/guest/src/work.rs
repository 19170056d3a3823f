//! Names work to the sibling that does it.

use mailer::nudge::MAX_NAMED;

use crate::log::{Level, log};

/// Has `notify` do `items`, each `kind:id`. What is lost here, the tick finds in the journal.
pub async fn name_work(items: Vec<String>) {
    for items in items.chunks(MAX_NAMED) {
        let url = format!("http://notify.spin.internal/jobs/{}", items.join(","));
        let failure = match spin_sdk::http::post(url, "").await {
            Ok(response) if response.status().is_success() => continue,
            Ok(response) => response.status().to_string(),
            Err(code) => code.to_string(),
        };
        log(
            Level::Error,
            "notify did not take all that was named; the tick will name it again",
            &[("cause", &failure)],
        );
    }
}
