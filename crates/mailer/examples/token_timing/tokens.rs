//! Tokens that are wrong in one place each, and a check that tells how wrong they are.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mailer::link::{LinkKeys, Reader};
use mailer::token_key::TokenKey;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use sha2::Sha256;
use uuid::Uuid;

const MAC_OCTETS: usize = 10;

/// Where a token is wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    AnyMac,
    Fixed,
    FirstOctet,
    LastOctet,
    Message,
    Recipient,
    End,
    NoKey,
    PreviousKey,
    Ours,
}

impl Kind {
    /// Whether its time must say nothing at all. That of the others may tell what who sends it knows: its text, the name of a key that
    /// stands in it, or from the answer that it is ours.
    pub(crate) const fn is_secret(self) -> bool {
        match self {
            Self::AnyMac | Self::FirstOctet | Self::LastOctet => true,
            Self::Message | Self::Recipient | Self::End => true,
            Self::Fixed | Self::NoKey | Self::PreviousKey | Self::Ours => false,
        }
    }
}

/// All of them; the first is what the others are compared with.
pub(crate) const KINDS: [(Kind, &str); 10] = [
    (Kind::AnyMac, "a random MAC"),
    (Kind::Fixed, "a random MAC, the same token each time"),
    (Kind::FirstOctet, "the first octet of the MAC"),
    (Kind::LastOctet, "the last octet of the MAC"),
    (Kind::Message, "the message"),
    (Kind::Recipient, "the recipient"),
    (Kind::End, "the last octet before the MAC"),
    (Kind::NoKey, "a key that is none"),
    (Kind::PreviousKey, "a previous key"),
    (Kind::Ours, "nothing"),
];

/// What tokens are for.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Open,
    Click,
}

/// Makes tokens of all kinds.
pub(crate) struct Maker {
    pub(crate) keys: LinkKeys,
    /// Under the current key.
    pub(crate) mac: Hmac<Sha256>,
    previous_id: u8,
    /// For each use.
    fixed: [String; 2],
}

impl Maker {
    pub(crate) fn new(rng: &mut ChaCha8Rng) -> Result<Self, Box<dyn Error>> {
        let [mut secret, mut previous] = [[0; 32]; 2];
        rng.fill_bytes(&mut secret);
        rng.fill_bytes(&mut previous);
        let previous = TokenKey::parse(&STANDARD.encode(previous))?;
        let current = TokenKey::parse(&STANDARD.encode(secret))?;
        let of_previous = LinkKeys::new(previous.clone(), Vec::new());
        let token = URL_SAFE_NO_PAD.decode(of_previous.open(reader(rng))).ok();
        let mut maker = Self {
            keys: LinkKeys::new(current, vec![previous]),
            mac: Hmac::new_from_slice(&secret)?,
            previous_id: token
                .and_then(|token| token.first().copied())
                .ok_or("no key id")?,
            fixed: [String::new(), String::new()],
        };
        let fixed = [Use::Open, Use::Click].map(|purpose| maker.token(purpose, Kind::AnyMac, rng));
        maker.fixed = fixed.map(Option::unwrap_or_default);
        Ok(maker)
    }

    /// One that is wrong as `kind` says, otherwise random, and as long as all for this use.
    pub(crate) fn token(&self, purpose: Use, kind: Kind, rng: &mut ChaCha8Rng) -> Option<String> {
        let token = self.ours(purpose, rng)?;
        let mut octets = URL_SAFE_NO_PAD.decode(token).ok()?;
        let end = octets.len().checked_sub(MAC_OCTETS)?;
        match kind {
            Kind::Ours | Kind::Fixed => {}
            Kind::AnyMac => rng.fill_bytes(octets.get_mut(end..)?),
            Kind::FirstOctet => *octets.get_mut(end)? ^= 1,
            Kind::LastOctet => *octets.last_mut()? ^= 1,
            Kind::Message => *octets.get_mut(1)? ^= 1,
            Kind::Recipient => *octets.get_mut(17)? ^= 1,
            Kind::End => *octets.get_mut(end.checked_sub(1)?)? ^= 1,
            Kind::NoKey => *octets.first_mut()? ^= 1,
            Kind::PreviousKey => *octets.first_mut()? = self.previous_id,
        }
        Some(match (kind, purpose, &self.fixed) {
            (Kind::Fixed, Use::Open, [open, _]) => open.clone(),
            (Kind::Fixed, Use::Click, [_, click]) => click.clone(),
            _ => URL_SAFE_NO_PAD.encode(octets),
        })
    }

    fn ours(&self, purpose: Use, rng: &mut ChaCha8Rng) -> Option<String> {
        let reader = reader(rng);
        match purpose {
            Use::Open => Some(self.keys.open(reader)),
            Use::Click => {
                let target = format!("https://shop.example.com/offers/{:016x}", rng.next_u64());
                self.keys.click(reader, 7, &target)
            }
        }
    }
}

fn reader(rng: &mut ChaCha8Rng) -> Reader {
    let mut id = [0; 16];
    rng.fill_bytes(&mut id);
    let [recipient, ..] = rng.next_u32().to_le_bytes();
    Reader {
        message: Uuid::from_bytes(id).into(),
        recipient,
    }
}

/// What must not be done: whether a click's token is ours, by a comparison that takes longer the more octets are right.
pub(crate) fn stops_early(key: &Hmac<Sha256>, token: &str) -> bool {
    let octets = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    let (claim, tag) = octets.split_at(octets.len().saturating_sub(MAC_OCTETS));
    let mut mac = key.clone();
    mac.update(b"sendlet link 1 click\0");
    mac.update(claim);
    let right = mac.finalize().into_bytes();
    tag.len() == MAC_OCTETS && tag.iter().zip(right).all(|(found, right)| *found == right)
}
