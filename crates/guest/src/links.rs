//! The variables about links in mail.

use mailer::link::LinkKeys;
use mailer::token_key::TokenKey;

use crate::config::{ConfigError, Variables};

/// The variables that [`link_keys`] reads.
pub const LINK_NAMES: [&str; 2] = ["link_key", "link_key_previous"];

/// The keys of links: `link_key`, and those before it that `link_key_previous` lists.
///
/// # Errors
/// When a variable is malformed.
pub fn link_keys(variables: &Variables) -> Result<LinkKeys, ConfigError> {
    let current = variables.parse("link_key", TokenKey::parse)?;
    let previous = variables.parse("link_key_previous", TokenKey::parse_previous)?;
    Ok(LinkKeys::new(current, previous))
}

#[cfg(test)]
mod tests {
    use mailer::link::Reader;
    use mailer::token_key::MAX_PREVIOUS_KEYS;

    use super::*;

    const KEYS: [&str; 2] = ["AAECAwQFBgcICQoLDA0ODw==", "EBESExQVFhcYGRobHB0eHw=="];

    fn keys(current: &str, previous: &str) -> Result<LinkKeys, ConfigError> {
        link_keys(&Variables::of(&[
            ("link_key", current),
            ("link_key_previous", previous),
        ]))
    }

    #[test]
    fn keys_before_the_current_one_are_listed_with_spaces_between() {
        let reader = Reader {
            message: "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse().unwrap(),
            recipient: 0,
        };
        let token = keys(KEYS[0], "").unwrap().open(reader);
        let listed = format!(" {}  {} ", KEYS[1], KEYS[0]);
        let rotated = keys(KEYS[1], &listed).unwrap();
        assert_eq!(rotated.verify_open(&token), Some(reader));
        assert_eq!(keys(KEYS[1], "").unwrap().verify_open(&token), None);
    }

    #[test]
    fn a_key_that_is_none_and_more_than_eight_are_refused() {
        assert!(keys("", "").is_err());
        assert!(keys(KEYS[0], "c2hvcnQ=").is_err());
        let eight = [KEYS[1]; MAX_PREVIOUS_KEYS].join(" ");
        assert!(keys(KEYS[0], &eight).is_ok());
        assert!(keys(KEYS[0], &format!("{eight} {}", KEYS[1])).is_err());
    }
}
