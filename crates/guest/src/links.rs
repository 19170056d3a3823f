//! The variables about links in mail that lead through us.

use mailer::link::{LinkKeys, MAX_PREVIOUS_KEYS};
use mailer::token_key::TokenKey;

use crate::config::{ConfigError, Variables};

/// The variables that [`link_keys`] reads.
pub const LINK_NAMES: [&str; 2] = ["link_key", "link_key_previous"];

/// The keys of links: `link_key`, which makes them, and those before it in `link_key_previous`.
///
/// # Errors
/// When a variable is malformed.
pub fn link_keys(variables: &Variables) -> Result<LinkKeys, ConfigError> {
    let current = variables.parse("link_key", TokenKey::parse)?;
    let previous = variables.parse("link_key_previous", previous)?;
    Ok(LinkKeys::new(current, previous))
}

fn previous(text: &str) -> Result<Vec<TokenKey>, String> {
    let texts: Vec<&str> = text.split_ascii_whitespace().collect();
    if texts.len() > MAX_PREVIOUS_KEYS {
        return Err(format!("expected at most {MAX_PREVIOUS_KEYS} keys"));
    }
    let keys = texts.into_iter().map(TokenKey::parse);
    let keys: Result<Vec<TokenKey>, _> = keys.collect();
    keys.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";

    #[track_caller]
    fn check(previous: &str, is_good: bool) {
        let values = [("link_key", KEY), ("link_key_previous", previous)];
        let found = link_keys(&Variables::of(&values));
        assert_eq!(found.is_ok(), is_good, "{previous}");
    }

    #[test]
    fn up_to_eight_keys_before_the_one_in_use_are_known() {
        check("", true);
        check(KEY, true);
        check(&format!(" {KEY}  {KEY}\n"), true);
        check(&[KEY; MAX_PREVIOUS_KEYS].join(" "), true);
        check(&[KEY; MAX_PREVIOUS_KEYS + 1].join(" "), false);
        check(&format!("{KEY},{KEY}"), false);
    }
}
