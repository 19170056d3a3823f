//! How recipients appear where operators read of them: in clear, masked, or hashed.

use envelope::AddrSpec;
use thiserror::Error;

use crate::hash_key::HashKey;
use crate::return_path;

/// What stands for an address in a text that is not ours, such as a server's reply.
const SOME_ADDRESS: &str = "[address]";
/// What may stand around an address in such a text.
const AROUND: [char; 16] = [
    '<', '>', '(', ')', '[', ']', '{', '}', ',', ';', ':', '"', '\'', '`', '=', '|',
];

/// How much of a recipient is shown.
#[derive(Debug, Clone)]
pub enum Disclosure {
    /// The address.
    Clear,
    /// The first character of the local part, and the domain.
    Masked,
    /// The hash of the address, the same in every line, in 64 hexadecimal digits.
    Hashed(HashKey),
}

/// The word or the key is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseDisclosureError {
    /// Another word.
    #[error("expected clear, masked or hashed")]
    Word,
    /// Hashed, and no key to do it with.
    #[error("hashed needs log_hash_key: at least 16 octets in base64")]
    NoKey,
}

impl Disclosure {
    /// From the word `clear`, `masked` or `hashed`, and the key that the last needs.
    ///
    /// # Errors
    /// When it is another word, or the key is missing.
    pub fn parse(word: &str, key: Option<HashKey>) -> Result<Self, ParseDisclosureError> {
        match word {
            "clear" => Ok(Self::Clear),
            "masked" => Ok(Self::Masked),
            "hashed" => key.map(Self::Hashed).ok_or(ParseDisclosureError::NoKey),
            _ => Err(ParseDisclosureError::Word),
        }
    }

    /// What is shown of `address`.
    #[must_use]
    pub fn address(&self, address: &AddrSpec) -> String {
        match self {
            Self::Clear => address.to_string(),
            Self::Masked => masked(address),
            Self::Hashed(key) => key.hash(&address.canonical()),
        }
    }

    /// `text`, which somebody else wrote, without the addresses in it; of those that are shown in clear, without ours that have a token.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        match self {
            Self::Clear => without(text, is_ours),
            // The white space of a quoted local part (RFC 5321 section 4.1.2) hides where the address begins.
            Self::Masked | Self::Hashed(_) if text.contains("\"@") => SOME_ADDRESS.to_owned(),
            Self::Masked | Self::Hashed(_) => without(text, |word| word.contains('@')),
        }
    }
}

/// Whether a word has an address with one of our tokens, which servers quote. Nobody needs it who reads the log.
fn is_ours(word: &str) -> bool {
    let local_part = word.split_once('@').map(|(local_part, _)| local_part);
    local_part.is_some_and(return_path::has_form)
}

fn masked(address: &AddrSpec) -> String {
    let local_part = address.local_part().to_string();
    // A quoted local part begins with the quote (RFC 5321 section 4.1.2).
    let first = local_part.chars().find(|&c| c != '"');
    let first = first.map(String::from).unwrap_or_default();
    format!("{first}***@{}", address.domain())
}

/// `text` with [`SOME_ADDRESS`] for each word that `hides`.
fn without(text: &str, hides: impl Fn(&str) -> bool) -> String {
    let is_around = |c: char| c.is_whitespace() || AROUND.contains(&c);
    let words = text.split_inclusive(is_around);
    let shown = words.map(|word| {
        let bare = word.trim_end_matches(is_around);
        let around = word.strip_prefix(bare).unwrap_or_default();
        if hides(bare) {
            format!("{SOME_ADDRESS}{around}")
        } else {
            word.to_owned()
        }
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(word: &str, address: &str, expected: &str) {
        let key = HashKey::parse("AAECAwQFBgcICQoLDA0ODw==").unwrap();
        let disclosure = Disclosure::parse(word, key).unwrap();
        let address = AddrSpec::parse(address).unwrap();
        assert_eq!(disclosure.address(&address), expected);
    }

    #[test]
    fn an_address_is_shown_as_the_word_says() {
        check("clear", "Ann@Example.com", "Ann@example.com");
        check("masked", "Ann@Example.com", "A***@example.com");
        check("masked", "ö@example.com", "ö***@example.com");
        check("masked", "\"a b\"@example.com", "a***@example.com");
        let hash = "078e42de7cd8ec90dd41918db0ecb1728c1a1c4ce1097c28c360656eb2ab0911";
        check("hashed", "Ann@Example.com", hash);
    }

    #[test]
    fn hashing_needs_a_key_and_other_words_are_refused() {
        let refused = |word| Disclosure::parse(word, None).unwrap_err();
        assert_eq!(refused("hashed"), ParseDisclosureError::NoKey);
        for word in ["", "Clear", "none"] {
            assert_eq!(refused(word), ParseDisclosureError::Word);
        }
    }

    #[test]
    fn replies_are_shown_without_the_addresses_in_them() {
        let text = |text| Disclosure::Masked.text(text);
        for (reply, expected) in [
            ("User unknown", "User unknown"),
            (
                "<ann@example.com>: no such user",
                "<[address]>: no such user",
            ),
            (
                "rcpt=ann@example.com,\tsee help@x",
                "rcpt=[address],\tsee [address]",
            ),
            ("\"ann smith\"@example.com is full", "[address]"),
            ("ann+tag@bücher.example", "[address]"),
            ("", ""),
        ] {
            assert_eq!(text(reply), expected);
        }
    }

    #[test]
    fn in_clear_all_is_shown_but_tokens() {
        let token = format!("b-{}", "a7".repeat(24));
        let reply = format!("<{token}@bounces.example> may not write to <ann@example.com>");
        let expected = "<[address]> may not write to <ann@example.com>";
        assert_eq!(Disclosure::Clear.text(&reply), expected);
    }
}
