//! What an attempt hands over with: the message as it was read, the keys that sign it, and where reports go.

use std::rc::Rc;
use std::time::Duration;

use dkim::{
    AgentOrUserIdentifier, Canonicalization, SignedFields, Signer, SigningDomain, SigningKey,
    SigningOptions,
};
use envelope::{AddrSpec, Domain, Envelope, LocalPart, ReversePath};

use super::{Attempt, LEAST_PATIENCE, TIME_TO_RECORD, local_reply};
use crate::compose::{ComposeError, Composition};
use crate::delivery::{Addressees, HandedOver};
use crate::domain::{DEFAULT_SENDER, DomainRecord};
use crate::entropy::Rng;
use crate::handover::{HandOverError, Handover, RecipientResult};
use crate::keyring::KeyringError;
use crate::personal::{Copies, is_personal};
use crate::ports::{Clock, Entropy, KeyValue, Relay, Scheduler, StoreError};
use crate::return_path::Token;

/// How long after signing a signature is worth something: the time we try, and five days in the queues behind us.
const SIGNATURE_VALID_FOR: Duration = Duration::from_hours(24 * 8);

/// Everything that renderings of one attempt share.
pub(super) struct Desk<'a> {
    pub(super) composition: Composition<'a>,
    pub(super) domain: DomainRecord,
    signing: Vec<(SigningOptions, Rc<SigningKey>)>,
}

/// A signed message, on its way.
pub(super) struct Outgoing {
    pub(super) to: Addressees,
    pub(super) idempotency_key: String,
    pub(super) reverse_path: ReversePath,
    pub(super) links: u16,
    pub(super) message: Vec<u8>,
}

impl<P: Clock + Entropy + KeyValue + Scheduler, R: Relay> Attempt<'_, P, R> {
    /// Hands over to those with these indexes, and says how it ended for each.
    pub(super) async fn hand_over(
        &self,
        indexes: Vec<usize>,
    ) -> Result<Vec<HandedOver>, StoreError> {
        match self.hand_over_signed(&indexes).await {
            Ok(ends) => Ok(ends),
            Err(Unsigned::Store(error)) => Err(error),
            Err(Unsigned::Ended(error)) => Ok(vec![HandedOver {
                to: Addressees::Shared(indexes),
                reverse_path: None,
                links: 0,
                end: Err(error),
            }]),
        }
    }

    async fn hand_over_signed(&self, indexes: &[usize]) -> Result<Vec<HandedOver>, Unsigned> {
        let desk = self.desk().await?;
        // One that went to all and whose end is unknown is repeated so, whatever made it so.
        let is_shared = self.state.reverse_path.is_some() || !is_personal(&desk.composition);
        if is_shared {
            let outgoing = self.shared(&desk, indexes)?;
            return Ok(vec![self.deliver(outgoing).await]);
        }
        let sender = (&desk.domain, &self.dispatcher.installation);
        let copies = Copies::new(&desk.composition, &self.dispatcher.link_keys, sender);
        Ok(self.hand_over_copies(&desk, &copies, indexes).await)
    }

    async fn desk(&self) -> Result<Desk<'_>, Unsigned> {
        let keyring = &self.dispatcher.keyring;
        let domain = self.record.from.address.domain();
        let domain = keyring.domain(self.ports, domain).await?;
        let keys = keyring.signing_keys(self.ports, &domain).await?;
        let composition = Composition::read(self.record, self.content, self.dispatcher.smtputf8)
            .map_err(|_| refused(UNRENDERED))?;
        let mut signing = Vec::with_capacity(keys.len());
        for (selector, key) in keys {
            let options = self.signing_options(&domain.domain, &selector);
            let options =
                options.ok_or_else(|| unavailable("the signing key has no usable name"))?;
            signing.push((options, key));
        }
        Ok(Desk {
            composition,
            domain,
            signing,
        })
    }

    /// Signed as of its acceptance, so that a repeated hand-over is the same message to the octet, unless the keys were rotated meanwhile.
    fn signing_options(&self, domain: &Domain, selector: &str) -> Option<SigningOptions> {
        let domain: SigningDomain = domain.as_str().parse().ok()?;
        Some(SigningOptions {
            auid: Some(AgentOrUserIdentifier::of_domain(domain.clone())),
            domain,
            selector: selector.parse().ok()?,
            canonicalization: Canonicalization::RELAXED,
            signed_at: self.record.accepted_at.as_secs(),
            expires_at: Some(self.record.accepted_at.plus(SIGNATURE_VALID_FOR).as_secs()),
            signed_fields: SignedFields::Recommended,
        })
    }

    fn shared(&self, desk: &Desk<'_>, indexes: &[usize]) -> Result<Outgoing, HandOverError> {
        // The relay may have taken it with that one already. A key that changed since does no harm: the relay compares no octets.
        let unresolved = self.state.reverse_path.clone();
        Ok(Outgoing {
            to: Addressees::Shared(indexes.to_vec()),
            idempotency_key: format!("{}.{}", self.record.id, self.state.handover),
            reverse_path: unresolved.unwrap_or_else(|| self.reverse_path(&desk.domain)),
            links: 0,
            message: self.sign(desk, desk.composition.render())?,
        })
    }

    /// What was rendered, with the signatures of all keys above it.
    pub(super) fn sign(
        &self,
        desk: &Desk<'_>,
        rendered: Result<Vec<u8>, ComposeError>,
    ) -> Result<Vec<u8>, HandOverError> {
        let unsigned = rendered.map_err(|_| refused(UNRENDERED))?;
        let signers = desk.signing.iter();
        let signers = signers.map(|(options, key)| Signer { options, key });
        let signers: Vec<Signer<'_>> = signers.collect();
        let fields = dkim::sign_with_each(&unsigned, &signers, &mut Rng(self.ports))
            .map_err(|_| unavailable("the message could not be signed"))?;
        let mut signed = Vec::with_capacity(fields.len() + unsigned.len());
        signed.extend_from_slice(fields.as_bytes());
        signed.extend_from_slice(&unsigned);
        Ok(signed)
    }

    /// Takes `outgoing` to the relay, and says how that ended.
    pub(super) async fn deliver(&self, outgoing: Outgoing) -> HandedOver {
        let Outgoing {
            to,
            idempotency_key,
            reverse_path,
            links,
            message,
        } = outgoing;
        let end = match self.envelope(&to, &reverse_path) {
            Ok((envelope, return_paths)) => {
                let handover = Handover {
                    idempotency_key,
                    envelope: &envelope,
                    return_paths: &return_paths,
                    message,
                    patience: self.patience(),
                };
                let answer = self.relay.hand_over(handover).await;
                answer.and_then(|results| counted(results, to.indexes().len()))
            }
            Err(error) => Err(error),
        };
        HandedOver {
            to,
            reverse_path: Some(reverse_path),
            links,
            end,
        }
    }

    /// The envelope, and the return path of each recipient.
    fn envelope(
        &self,
        to: &Addressees,
        reverse_path: &ReversePath,
    ) -> Result<(Envelope, Vec<ReversePath>), HandOverError> {
        let indexes = to.indexes().iter();
        let forward_paths = indexes.clone().filter_map(|&n| self.recipients.get(n));
        let envelope = Envelope::new(reverse_path.clone(), forward_paths.cloned().collect());
        let envelope = envelope.map_err(|_| unavailable("the message goes to nobody"))?;
        let return_paths = indexes.map(|&n| self.return_path(reverse_path, n));
        Ok((envelope, return_paths.collect()))
    }

    /// How long a hand-over that begins now may take, so that its end can still be recorded.
    fn patience(&self) -> Duration {
        let left = self.window.ends_at.since(self.ports.now());
        left.saturating_sub(TIME_TO_RECORD)
    }

    /// Whether another hand-over can be made in this window.
    pub(super) fn has_time(&self) -> bool {
        self.patience() >= LEAST_PATIENCE
    }

    /// `DoNotReply` at the sender's return path, so that SPF is judged for a domain that is aligned with From, if that is verified.
    pub(super) fn reverse_path(&self, domain: &DomainRecord) -> ReversePath {
        let local_part = LocalPart::parse(DEFAULT_SENDER).ok();
        let domain = domain.return_path_now(&self.dispatcher.installation);
        let address = local_part
            .zip(domain)
            .and_then(|(local_part, domain)| AddrSpec::new(local_part, domain).ok());
        address.map_or(ReversePath::Null, ReversePath::Address)
    }

    /// Where reports about one recipient go: a path of its own at the domain of `reverse_path`.
    fn return_path(&self, reverse_path: &ReversePath, index: usize) -> ReversePath {
        let keys = &self.dispatcher.return_path_keys;
        let own = self.at_return_path(reverse_path, index, |token| keys.local_part(token));
        own.map_or_else(|| reverse_path.clone(), ReversePath::Address)
    }

    /// The address that `local_part` makes of a recipient's token, at the domain of `reverse_path`.
    pub(super) fn at_return_path(
        &self,
        reverse_path: &ReversePath,
        index: usize,
        local_part: impl FnOnce(&Token) -> Option<LocalPart>,
    ) -> Option<AddrSpec> {
        let domain = reverse_path.address()?.domain().clone();
        let recipient = u8::try_from(index).ok()?;
        let token = Token::new(self.record.id, recipient, self.record.accepted_at);
        AddrSpec::new(local_part(&token)?, domain).ok()
    }
}

const UNRENDERED: &str = "the message could not be rendered";

fn counted(
    results: Vec<RecipientResult>,
    expected: usize,
) -> Result<Vec<RecipientResult>, HandOverError> {
    if results.len() == expected {
        return Ok(results);
    }
    Err(HandOverError::Unknown {
        reply: local_reply(451, "the relay answered for another number of recipients"),
    })
}

/// The end of a hand-over that was not made, and may be later.
pub(super) fn unavailable(text: &str) -> HandOverError {
    HandOverError::Unavailable {
        retry_after: None,
        reply: local_reply(451, text),
    }
}

/// The end of a hand-over that can never be made.
pub(super) fn refused(text: &str) -> HandOverError {
    HandOverError::Refused {
        reply: local_reply(554, text),
    }
}

/// Why nothing was handed over to anybody.
enum Unsigned {
    Store(StoreError),
    Ended(HandOverError),
}

impl From<HandOverError> for Unsigned {
    fn from(error: HandOverError) -> Self {
        Self::Ended(error)
    }
}

impl From<KeyringError> for Unsigned {
    fn from(error: KeyringError) -> Self {
        let text = match error {
            KeyringError::Store(error) => return Self::Store(error),
            KeyringError::NoKey => "the sender domain has no signing key",
            KeyringError::Unseal(_) => "the signing key does not open with this master key",
            KeyringError::NotAKey => "the signing key is damaged",
        };
        Self::Ended(unavailable(text))
    }
}
