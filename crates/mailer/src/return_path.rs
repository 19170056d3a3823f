//! Return paths that name what they are about and cannot be made by anybody else (VERP with a MAC).
//!
//! The local part is `b-` and the base32 of 30 octets, in lower case letters and digits, so it survives hosts that change letter case
//! and fits the 64 octets of RFC 5321 section 4.5.3.1.1:
//!
//! | octets | what |
//! |---|---|
//! | 1 | which key |
//! | 16 | the message |
//! | 1 | the place in its list of recipients |
//! | 2 | the day it expires, counted from 1970-01-01, big-endian |
//! | 10 | the start of HMAC-SHA256 over all before |
//!
//! Whoever receives a message sees its token, and could report on his own delivery with it; on nobody else's.
//!
//! The address to unsubscribe at has the same form behind `u-`. One is worth nothing as the other.

use std::iter;
use std::time::Duration;

use base32ct::{Base32Unpadded, Encoding as _};
use envelope::LocalPart;
use hmac::Mac as _;
use thiserror::Error;
use uuid::Uuid;

use crate::operation::OperationId;
use crate::time::Timestamp;
use crate::token_key::TokenKey;

/// How long after a message's acceptance reports about it are taken: 72 hours until it is handed over, and what queues may keep it.
pub const VALID_FOR: Duration = Duration::from_hours(24 * 30);
const CLAIM_OCTETS: usize = 20;
const MAC_OCTETS: usize = 10;
const TOKEN_OCTETS: usize = CLAIM_OCTETS + MAC_OCTETS;
const DAY: u64 = 24 * 60 * 60;
/// Keeps what says which key made an address apart from its MACs.
const KEY_ID_CONTEXT: &[u8] = b"sendlet return path key id\0";

/// What a return path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// The message.
    pub message: OperationId,
    /// The place in its list of recipients.
    pub recipient: u8,
    /// The last day it is good for, counted from 1970-01-01.
    pub expires_on: u16,
}

impl Token {
    /// The token for a recipient of a message that was accepted at `accepted_at`.
    #[must_use]
    pub fn new(message: OperationId, recipient: u8, accepted_at: Timestamp) -> Self {
        let day = accepted_at.plus(VALID_FOR).as_secs() / DAY;
        Self {
            message,
            recipient,
            expires_on: u16::try_from(day).unwrap_or(u16::MAX),
        }
    }
}

/// The key in use, and those before it.
#[derive(Debug, Clone)]
pub struct ReturnPathKeys {
    /// Makes tokens.
    pub current: TokenKey,
    /// Only check them.
    pub previous: Vec<TokenKey>,
}

/// What an address is for; one for another thing is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    ReturnPath,
    Unsubscribe,
}

impl Use {
    const fn prefix(self) -> &'static str {
        match self {
            Self::ReturnPath => "b-",
            Self::Unsubscribe => "u-",
        }
    }

    /// Keeps MACs apart from others that a key might ever be used for.
    const fn context(self) -> &'static [u8] {
        match self {
            Self::ReturnPath => b"sendlet return path 1\0",
            Self::Unsubscribe => b"sendlet unsubscribe address 1\0",
        }
    }
}

/// Why a local part is no return path of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ForeignReturnPath {
    /// It has another form.
    #[error("expected a return path made here")]
    Form,
    /// No key of ours made it.
    #[error("expected a return path made with our key")]
    Forged,
    /// Its day is over.
    #[error("expected a return path that has not expired")]
    Expired,
}

impl ReturnPathKeys {
    /// The local part that stands for `token` in a return path.
    #[must_use]
    pub fn local_part(&self, token: &Token) -> Option<LocalPart> {
        self.made(Use::ReturnPath, token)
    }

    /// The local part that stands for `token` in the address to unsubscribe at.
    #[must_use]
    pub fn unsubscribe_local_part(&self, token: &Token) -> Option<LocalPart> {
        self.made(Use::Unsubscribe, token)
    }

    /// What `local_part` names as a return path, whatever became of its letter case.
    ///
    /// # Errors
    /// When it was not made here, or is too old. Nothing may be believed that came to it then.
    pub fn verify(&self, local_part: &str, now: Timestamp) -> Result<Token, ForeignReturnPath> {
        let token = self.verified(Use::ReturnPath, local_part)?;
        if now.as_secs() / DAY > u64::from(token.expires_on) {
            return Err(ForeignReturnPath::Expired);
        }
        Ok(token)
    }

    /// Who unsubscribes at `local_part`, whatever became of its letter case. It does not expire: nobody is kept on a list because
    /// his mail is old.
    ///
    /// # Errors
    /// When it was not made here.
    pub fn verify_unsubscribe(&self, local_part: &str) -> Result<Token, ForeignReturnPath> {
        self.verified(Use::Unsubscribe, local_part)
    }

    fn made(&self, purpose: Use, token: &Token) -> Option<LocalPart> {
        let claim = claim(self.current.id(KEY_ID_CONTEXT), token);
        let mac = self.current.mac(purpose.context(), &claim);
        let mut octets = claim.to_vec();
        octets.extend(mac.finalize().into_bytes().into_iter().take(MAC_OCTETS));
        let text = Base32Unpadded::encode_string(&octets);
        LocalPart::parse(&format!("{}{text}", purpose.prefix())).ok()
    }

    fn verified(&self, purpose: Use, local_part: &str) -> Result<Token, ForeignReturnPath> {
        let octets = decode(purpose, local_part).ok_or(ForeignReturnPath::Form)?;
        let (claim, tag) = octets
            .split_first_chunk::<CLAIM_OCTETS>()
            .ok_or(ForeignReturnPath::Form)?;
        let vouches = |key: &TokenKey| {
            let mac = key.mac(purpose.context(), claim);
            claim.first() == Some(&key.id(KEY_ID_CONTEXT)) && mac.verify_truncated_left(tag).is_ok()
        };
        if !iter::once(&self.current).chain(&self.previous).any(vouches) {
            return Err(ForeignReturnPath::Forged);
        }
        token(claim).ok_or(ForeignReturnPath::Form)
    }
}

/// Whether `local_part` looks like one of ours, whoever made it.
pub(crate) fn has_form(local_part: &str) -> bool {
    let uses = [Use::ReturnPath, Use::Unsubscribe];
    uses.iter()
        .any(|&purpose| decode(purpose, local_part).is_some())
}

fn claim(key_id: u8, token: &Token) -> [u8; CLAIM_OCTETS] {
    let mut claim = [0; CLAIM_OCTETS];
    let parts = [key_id]
        .into_iter()
        .chain(*Uuid::from(token.message).as_bytes())
        .chain([token.recipient])
        .chain(token.expires_on.to_be_bytes());
    for (place, octet) in claim.iter_mut().zip(parts) {
        *place = octet;
    }
    claim
}

fn token(claim: &[u8; CLAIM_OCTETS]) -> Option<Token> {
    let (_, rest) = claim.split_first()?;
    let (message, rest) = rest.split_first_chunk::<16>()?;
    let (recipient, rest) = rest.split_first()?;
    Some(Token {
        message: Uuid::from_bytes(*message).into(),
        recipient: *recipient,
        expires_on: u16::from_be_bytes(*rest.first_chunk()?),
    })
}

fn decode(purpose: Use, local_part: &str) -> Option<[u8; TOKEN_OCTETS]> {
    let lower = local_part.to_ascii_lowercase();
    let text = lower.strip_prefix(purpose.prefix())?;
    let mut octets = [0; TOKEN_OCTETS];
    let found = Base32Unpadded::decode(text, &mut octets).ok()?.len();
    (found == TOKEN_OCTETS).then_some(octets)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn keys(octet: u8) -> ReturnPathKeys {
        ReturnPathKeys {
            current: TokenKey::parse(&STANDARD.encode([octet; 32])).expect("a key"),
            previous: Vec::new(),
        }
    }

    fn sample() -> Token {
        let message = "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34";
        Token::new(message.parse().expect("a UUID"), 49, NOW)
    }

    fn text(keys: &ReturnPathKeys) -> String {
        keys.local_part(&sample()).expect("fits").to_string()
    }

    #[test]
    fn a_token_fits_a_local_part_and_survives_any_letter_case() {
        let text = text(&keys(7));
        assert!(text.len() <= 64, "{text}");
        assert_eq!(text, text.to_ascii_lowercase());
        for form in [text.clone(), text.to_ascii_uppercase()] {
            assert_eq!(keys(7).verify(&form, NOW), Ok(sample()), "{form}");
        }
    }

    #[test]
    fn one_changed_character_is_a_forgery() {
        let text = text(&keys(7));
        for place in Use::ReturnPath.prefix().len()..text.len() {
            let other = if text.as_bytes().get(place) == Some(&b'a') {
                "b"
            } else {
                "a"
            };
            let mut forged = text.clone();
            forged.replace_range(place..=place, other);
            let found = keys(7).verify(&forged, NOW);
            assert!(found.is_err(), "{place}: {forged}");
        }
    }

    #[test]
    fn tokens_end_with_their_day_and_not_before() {
        let text = text(&keys(7));
        let last = NOW.plus(VALID_FOR);
        assert_eq!(keys(7).verify(&text, last), Ok(sample()));
        let next = last.plus(Duration::from_hours(24));
        let expired = Err(ForeignReturnPath::Expired);
        assert_eq!(keys(7).verify(&text, next), expired);
    }

    #[test]
    fn keys_before_the_current_one_are_good_while_they_are_named() {
        let forged = Err(ForeignReturnPath::Forged);
        let all = ReturnPathKeys {
            previous: vec![keys(8).current, keys(7).current],
            ..keys(9)
        };
        for known in [7, 8] {
            let text = text(&keys(known));
            assert_eq!(keys(9).verify(&text, NOW), forged);
            assert_eq!(all.verify(&text, NOW), Ok(sample()));
        }
    }

    #[test]
    fn the_address_to_unsubscribe_at_does_not_expire_and_is_no_return_path() {
        let keys = keys(7);
        let address = keys.unsubscribe_local_part(&sample()).expect("fits");
        let address = address.to_string();
        assert!(address.starts_with("u-") && address.len() == text(&keys).len());
        let shouted = address.to_ascii_uppercase();
        assert_eq!(keys.verify_unsubscribe(&shouted), Ok(sample()));
        let (form, forged) = (Err(ForeignReturnPath::Form), Err(ForeignReturnPath::Forged));
        assert_eq!(keys.verify(&address, NOW), form);
        assert_eq!(keys.verify_unsubscribe(&text(&keys)), form);
        let renamed = |text: &str, from: &str, to: &str| text.replacen(from, to, 1);
        assert_eq!(keys.verify(&renamed(&address, "u-", "b-"), NOW), forged);
        let other = renamed(&text(&keys), "b-", "u-");
        assert_eq!(keys.verify_unsubscribe(&other), forged);
    }

    #[test]
    fn nobody_else_makes_an_address_to_unsubscribe_at() {
        let address = keys(7).unsubscribe_local_part(&sample()).expect("fits");
        let forged = Err(ForeignReturnPath::Forged);
        assert_eq!(keys(8).verify_unsubscribe(&address.to_string()), forged);
    }

    #[track_caller]
    fn is_foreign(local_part: &str) {
        let form = Err(ForeignReturnPath::Form);
        assert_eq!(keys(7).verify(local_part, NOW), form, "{local_part}");
    }

    #[test]
    fn what_has_another_form_is_not_ours() {
        let text = text(&keys(7));
        is_foreign("");
        is_foreign("b-");
        is_foreign("donotreply");
        is_foreign(&text[1..]);
        is_foreign(&text[..text.len() - 1]);
        is_foreign(&format!("{text}a"));
        is_foreign(&text.replace("b-", "c-"));
        is_foreign(&format!("b-{}", "é".repeat(24)));
    }
}
