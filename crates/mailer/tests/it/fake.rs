//! The world as the tests want it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use dkim::keygen::RsaKeySearch;
use envelope::{AddrSpec, Domain, Reply};
use mailer::access::{AccessKeys, BodyHash, Principal, SignedRequest};
use mailer::attempt::{AttemptError, Attempted, Dispatcher, Windows, attempt};
use mailer::budget::Budget;
use mailer::delivery::DeliveryState;
use mailer::domain::record::Algorithm;
use mailer::domain::{
    DomainKey, DomainRecord, Installation, KeyState, Management, SealedKey, SenderUsername,
    TrackingOrigin,
};
use mailer::handover::{Disposition, HandOverError, Handover, RecipientResult};
use mailer::keyring::{Keyring, MasterKey, MasterKeys};
use mailer::keys;
use mailer::link::LinkKeys;
use mailer::operation::OperationId;
use mailer::outbox::Outbox;
use mailer::ports::{Clock, Entropy, Gate, KeyValue, Relay, Scheduler, StoreError, Write};
use mailer::return_path::ReturnPathKeys;
use mailer::submission::{Draft, DraftMailbox, Policy, Submission};
use mailer::submit::{Accepted, Acceptor, Request, SubmitError, submit};
use mailer::time::Timestamp;
use mailer::token_key::TokenKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

pub(crate) const DOMAIN: &str = "a.mail.example";
pub(crate) const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Made once, since making it is slow without optimisation.
static SIGNING_KEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(11);
    let mut search = RsaKeySearch::new(2048).unwrap();
    let key = std::iter::repeat_with(|| search.step(&mut rng))
        .flatten()
        .next()
        .unwrap();
    key.to_pkcs8_der().unwrap().to_vec()
});

/// What happens to the world while somebody is about to increment a counter.
type Meanwhile = Box<dyn FnOnce(&World)>;

/// A map, a clock, a seeded generator. `fail_at` counts calls down to one that fails, `call_takes` is the time each call takes.
pub(crate) struct World {
    pub(crate) map: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) now: Cell<Timestamp>,
    rng: RefCell<ChaCha20Rng>,
    pub(crate) fail_at: Cell<Option<u32>>,
    pub(crate) set_manys: Cell<u32>,
    pub(crate) calls: Cell<u32>,
    pub(crate) call_takes: Cell<Duration>,
    pub(crate) set_many_takes: Cell<Duration>,
    pub(crate) loses_deletions: Cell<bool>,
    pub(crate) before_increment: RefCell<Option<Meanwhile>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            map: RefCell::default(),
            now: Cell::new(START),
            rng: RefCell::new(ChaCha20Rng::seed_from_u64(7)),
            fail_at: Cell::new(None),
            set_manys: Cell::new(0),
            calls: Cell::new(0),
            call_takes: Cell::new(Duration::ZERO),
            set_many_takes: Cell::new(Duration::ZERO),
            loses_deletions: Cell::new(false),
            before_increment: RefCell::default(),
        }
    }

    /// A world with one linked domain whose senders are DoNotReply and news.
    pub(crate) fn with_domain() -> Self {
        let world = Self::new();
        let domain = Domain::parse(DOMAIN).unwrap();
        let path = keys::dkim_key(&domain, "s1");
        let sealed = master_key().seal(&world, path.path(), &SIGNING_KEY);
        let key = DomainKey {
            selector: "s1".to_owned(),
            version: 1,
            record: String::new(),
            algorithm: Algorithm::RsaSha256,
            state: KeyState::Active,
            since: START,
            has_signed: true,
        };
        let news = SenderUsername {
            username: "news".to_owned(),
            display_name: Some("The News".to_owned()),
        };
        let record = DomainRecord {
            senders: vec![SenderUsername::default_sender(), news],
            keys: vec![key],
            ..DomainRecord::new(domain.clone(), Management::Managed, START)
        };
        let writes = vec![
            path.write(&SealedKey { version: 1, sealed }).unwrap(),
            keys::domain(&domain).write(&record).unwrap(),
        ];
        world.map.borrow_mut().extend(writes);
        world
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.set(self.now.get().plus(by));
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.map.borrow().contains_key(key)
    }

    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.map
            .borrow()
            .keys()
            .filter(|key| key.starts_with(prefix))
            .count()
    }

    /// An RSA key, as PKCS#8.
    pub(crate) fn signing_key(&self) -> Vec<u8> {
        SIGNING_KEY.clone()
    }

    fn call(&self) -> Result<(), StoreError> {
        self.calls.set(self.calls.get() + 1);
        self.advance(self.call_takes.get());
        match self.fail_at.get() {
            Some(0) => {
                self.fail_at.set(None);
                Err(StoreError::new("told to fail"))
            }
            Some(left) => {
                self.fail_at.set(Some(left - 1));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.now.get()
    }
}

impl Entropy for World {
    fn fill(&self, bytes: &mut [u8]) {
        self.rng.borrow_mut().fill_bytes(bytes);
    }
}

impl Scheduler for World {
    async fn yield_now(&self) {
        let mut yielded = false;
        std::future::poll_fn(|context| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }

    async fn sleep(&self, pause: Duration) {
        self.advance(pause);
        self.yield_now().await;
    }

    fn gate(&self) -> Gate {
        let (opener, opened) = futures::channel::oneshot::channel::<()>();
        Gate {
            opener: Box::new(opener),
            opened: Box::pin(async move {
                // Nothing is ever sent: the sender goes, and that is it.
                let _ = opened.await;
            }),
        }
    }
}

impl KeyValue for World {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call()?;
        Ok(self.map.borrow().get(key).cloned())
    }

    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        self.call()?;
        Ok(self.has(key))
    }

    /// The answer comes after others had their turn.
    async fn set(&self, write: Write) -> Result<(), StoreError> {
        self.set_many(vec![write]).await?;
        self.yield_now().await;
        Ok(())
    }

    async fn set_many(&self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.set_manys.set(self.set_manys.get() + 1);
        self.call()?;
        self.map.borrow_mut().extend(writes);
        self.advance(self.set_many_takes.get());
        Ok(())
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        self.call()?;
        // Locks have to be given back all the same.
        let is_lost = |key: &String| self.loses_deletions.get() && key.starts_with("dkim-key/");
        keys.iter().filter(|key| !is_lost(key)).for_each(|key| {
            self.map.borrow_mut().remove(key);
        });
        Ok(())
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let meanwhile = self.before_increment.take();
        if let Some(meanwhile) = meanwhile {
            meanwhile(self);
        }
        self.call()?;
        let mut map = self.map.borrow_mut();
        let before = map.get(key).map_or(0, |bytes| {
            i64::from_le_bytes(bytes.as_slice().try_into().unwrap())
        });
        map.insert(key.to_owned(), (before + delta).to_le_bytes().to_vec());
        Ok(before + delta)
    }
}

/// What the relay saw of one hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) key: String,
    pub(crate) reverse_path: String,
    pub(crate) recipients: Vec<String>,
    pub(crate) message: Vec<u8>,
}

/// Answers as scripted, then accepts everything.
#[derive(Default)]
pub(crate) struct ScriptedRelay {
    pub(crate) script: RefCell<Vec<Result<Vec<Disposition>, HandOverError>>>,
    pub(crate) seen: RefCell<Vec<Seen>>,
}

impl ScriptedRelay {
    pub(crate) fn answering(script: Vec<Result<Vec<Disposition>, HandOverError>>) -> Self {
        Self {
            script: RefCell::new(script),
            seen: RefCell::default(),
        }
    }
}

impl Relay for ScriptedRelay {
    async fn hand_over(
        &self,
        handover: Handover<'_>,
    ) -> Result<Vec<RecipientResult>, HandOverError> {
        let recipients: Vec<String> = handover
            .envelope
            .forward_paths()
            .iter()
            .map(ToString::to_string)
            .collect();
        let count = recipients.len();
        let message = handover.message;
        self.seen.borrow_mut().push(Seen {
            key: handover.idempotency_key,
            reverse_path: handover.envelope.reverse_path.to_string(),
            recipients,
            message,
        });
        let mut script = self.script.borrow_mut();
        let dispositions = if script.is_empty() {
            Ok(vec![Disposition::Accepted; count])
        } else {
            script.remove(0)
        };
        dispositions.map(|all| all.into_iter().map(result).collect())
    }
}

fn result(disposition: Disposition) -> RecipientResult {
    let text = match disposition {
        Disposition::Accepted => "250 2.0.0 taken",
        Disposition::Deferred => "450 4.2.1 later",
        Disposition::Rejected => "550 5.1.1 no such mailbox",
    };
    RecipientResult {
        disposition,
        reply: Reply::parse(text).unwrap(),
    }
}

pub(crate) fn reply(text: &str) -> Reply {
    Reply::parse(text).unwrap()
}

pub(crate) fn master_key() -> MasterKey {
    MasterKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap()
}

pub(crate) fn installation() -> Installation {
    Installation {
        base: Domain::parse("mail.example").unwrap(),
        sending_addresses: vec!["192.0.2.1".parse().unwrap()],
        bounce_host: Domain::parse("mx.mail.example").unwrap(),
        tracking_origin: TrackingOrigin::parse("https://links.mail.example").ok(),
    }
}

pub(crate) fn link_keys() -> LinkKeys {
    let key = TokenKey::parse("EBESExQVFhcYGRobHB0eHw==").unwrap();
    LinkKeys::new(key, Vec::new())
}

pub(crate) fn dispatcher() -> Dispatcher {
    Dispatcher {
        keyring: Keyring::new(MasterKeys {
            current: master_key(),
            previous: None,
        }),
        outbox: Outbox::default(),
        windows: Windows::new(Duration::from_secs(60)),
        smtputf8: false,
        installation: installation(),
        return_path_keys: ReturnPathKeys {
            current: TokenKey::parse("AAECAwQFBgcICQoLDA0ODw==").unwrap(),
            previous: Vec::new(),
        },
        suppressor: mailer::suppression::Suppressor::default(),
        link_keys: link_keys(),
        budget: Budget::new(1_000_000),
        copies: Budget::new(100),
    }
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(future)
}

/// A principal the only way there is: by a good signature.
pub(crate) fn principal() -> Principal {
    let keys = AccessKeys::parse(&["c2VjcmV0LWtleS1vZi0yNC1vY3RldHM="]).unwrap();
    let hash = BodyHash::of(b"").to_base64();
    let hosts = ["h".to_owned()];
    let string = format!("POST\n/\nd;h;{hash}");
    let authorization = crate::access::sign("c2VjcmV0LWtleS1vZi0yNC1vY3RldHM=", &string);
    let request = SignedRequest {
        method: "POST",
        path_and_query: "/",
        date: Some("d"),
        date_parsed: Some(START),
        content_hash: Some(&hash),
        authorization: Some(&authorization),
        hosts: &hosts,
    };
    keys.authorize(&request, START, Duration::from_secs(1))
        .unwrap()
        .check_body(&BodyHash::of(b""))
        .unwrap()
}

pub(crate) fn submission(to: &[&str]) -> Submission {
    let mailbox = |address: &&str| DraftMailbox {
        address: (*address).to_owned().into(),
        display_name: None,
    };
    let draft = Draft {
        sender_address: format!("news@{DOMAIN}").into(),
        subject: Some("Hello".into()),
        plain_text: Some("Hello, world".into()),
        to: to.iter().map(mailbox).collect(),
        ..Draft::default()
    };
    draft.check(Policy::default()).unwrap()
}

pub(crate) fn accept_as(
    world: &World,
    id: Option<&str>,
    body: &str,
    to: &[&str],
) -> Result<Accepted, SubmitError> {
    let request = Request {
        operation_id: id.map(|id| id.parse().unwrap()),
        body_hash: BodyHash::of(body.as_bytes()),
        submission: submission(to),
    };
    run(submit(world, &Acceptor::default(), &principal(), request))
}

/// Accepts a message the way an instance with `acceptor` does.
pub(crate) fn accept_with(world: &World, acceptor: &Acceptor) -> OperationId {
    let request = Request {
        operation_id: None,
        body_hash: BodyHash::of(b"body"),
        submission: submission(&["bob@example.com"]),
    };
    run(submit(world, acceptor, &principal(), request))
        .unwrap()
        .id
}

pub(crate) fn accept(world: &World, to: &[&str]) -> OperationId {
    accept_as(world, None, "body", to).unwrap().id
}

pub(crate) fn try_once(
    world: &World,
    relay: &ScriptedRelay,
    id: OperationId,
) -> Result<Attempted, AttemptError> {
    run(attempt(world, relay, &dispatcher(), id))
}

pub(crate) fn made(world: &World, relay: &ScriptedRelay, id: OperationId) -> DeliveryState {
    match try_once(world, relay, id).unwrap() {
        Attempted::Made { state, .. } => *state,
        other => panic!("expected an attempt, found {other:?}"),
    }
}

pub(crate) fn suppress(world: &World, address: &str) {
    let address = AddrSpec::parse(address).unwrap();
    let suppression = mailer::suppression::Suppression {
        notes: "test".to_owned(),
        ..mailer::suppression::Suppression::added(START)
    };
    let (key, value) = keys::suppression(&address).write(&suppression).unwrap();
    world.map.borrow_mut().insert(key, value);
}
