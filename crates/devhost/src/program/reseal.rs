//! `sendlet reseal`: after a change of the master key, every private key is sealed with the new one.

use std::error::Error;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use super::{
    api::{Answer, Api},
    arguments::Operator,
    say,
};

const FIRST: &str = "/keys:reseal";

/// Runs `sendlet reseal`. Telling how far it is after each page, since there may be many domains; it can be repeated.
pub(super) async fn run(arguments: Operator) -> Result<(), Box<dyn Error>> {
    let api = Api::new(arguments.url.trim_end_matches('/'));
    let fields = [("authorization", format!("Bearer {}", arguments.admin_token))];
    let (mut keys, mut changed, mut failed) = (0, 0, 0);
    let mut next = Some(FIRST.to_owned());
    while let Some(path) = next {
        let answer = api.call(Method::POST, &path, &fields, Bytes::new()).await?;
        if !answer.status.is_success() {
            return Err(format!("the server refused: {}", answer.complaint()).into());
        }
        keys += number(&answer, "keys");
        changed += number(&answer, "changed");
        failed += number(&answer, "failed");
        say(format_args!("{keys} keys looked at, {changed} sealed anew"));
        next = answer.text(&["nextLink"]).map(str::to_owned);
    }
    if failed > 0 {
        return Err(format!(
            "{failed} keys open with neither master_key nor master_key_previous. Set \
             master_key_previous to the key they were sealed with and repeat this, or import or make new keys for them"
        )
        .into());
    }
    say("done: the variable master_key_previous may be emptied");
    Ok(())
}

fn number(answer: &Answer, field: &str) -> u64 {
    answer.json.get(field).and_then(Value::as_u64).unwrap_or(0)
}
