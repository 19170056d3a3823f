//! SIGKILL at random moments, while clients send: what the process promised before it died holds after.
//!
//! `SENDLET_KILL_SEED` repeats the moments of a run, `SENDLET_KILLS` has the process die so often.

mod events;
mod messages;

use std::{
    net::SocketAddr,
    path::Path,
    pin::pin,
    process::Stdio,
    time::{Duration, SystemTime},
};

use devhost::{KeyValue as _, SqliteKeyValue};
use futures::future::join_all;
use mailer::{delivery::DeliveryState, keys};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{API_VERSION, Client, Request, Signer, build_components, eventually, seed_domain};
use tokio::{
    process::{Child, Command},
    sync::{Semaphore, watch},
    time::timeout,
};

const CLIENTS: usize = 8;
/// How many sends begin between two kills, at least and below what.
const SENDS_OF_A_LIFE: (u64, u64) = (5, 40);
/// So many more may begin until the process is killed, so that some are on their way then.
const SENDS_IN_PASSING: usize = 16;
/// A client that keeps its Operation-Id asks so often.
const TRIES: usize = 4;

/// A small generator (`SplitMix64`), so that a seed repeats the moments of a run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end).unwrap()).unwrap()
    }

    fn sends(&mut self) -> usize {
        let (least, below) = SENDS_OF_A_LIFE;
        usize::try_from(least + self.roll() % (below - least)).unwrap()
    }

    fn moments(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.roll() % u64::try_from(most.as_millis()).unwrap())
    }
}

/// Two addresses that stay the same over restarts.
struct Addresses {
    host: SocketAddr,
    relay: SocketAddr,
}

impl Addresses {
    /// Ports that are free now. They lie below those the system hands out by itself, and each test looks in a range of its own, so
    /// no other test gets them in between two lives of the process.
    fn free(ports: std::ops::Range<u16>) -> Self {
        let mut free = ports
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .filter(|address| std::net::TcpListener::bind(address).is_ok());
        let mut next = || free.next().expect("a free port");
        Self {
            host: next(),
            relay: next(),
        }
    }
}

/// What is killed: a process with everything in it, at addresses and on a store that outlive it.
struct Mortal {
    addresses: Addresses,
    state: TempDir,
    /// In the managed domain, which its store has.
    sender: String,
    seed: u64,
}

impl Mortal {
    async fn prepare(ports: std::ops::Range<u16>) -> Self {
        tokio::task::spawn_blocking(build_components).await.unwrap();
        let state = tempfile::tempdir().unwrap();
        Self {
            addresses: Addresses::free(ports),
            sender: prepare(state.path()).await,
            state,
            seed: seed(),
        }
    }

    fn start(&self) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.state.path().join("log"))
            .unwrap();
        Command::new(env!("CARGO_BIN_EXE_sendlet-under-test"))
            .arg(self.addresses.host.to_string())
            .arg(self.addresses.relay.to_string())
            .arg(self.state.path())
            .arg("1")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    fn client(&self) -> Client {
        Client::new(self.addresses.host)
    }

    fn store(&self) -> SqliteKeyValue {
        SqliteKeyValue::open(&self.state.path().join("store.db")).unwrap()
    }

    /// Starts and kills the process so often while `work` goes on, each time within a moment after some sends of `load` have begun.
    /// Then lets `work` end, and returns a process that lives, and what came of the work.
    async fn die<T>(
        &self,
        kills: usize,
        load: &Load,
        mut moment: impl FnMut(&mut Dice) -> Duration,
        work: impl Future<Output = T>,
    ) -> (Child, T) {
        let mut work = pin!(work);
        let client = self.client();
        let mut dice = Dice(self.seed);
        for _ in 0..kills {
            let mut process = self.start();
            let life = async {
                answers(&client).await;
                load.advance(dice.sends()).await;
                timeout(moment(&mut dice), process.wait()).await
            };
            let early = tokio::select! {
                _ = &mut work => panic!("nothing is sent any more"),
                early = life => early,
            };
            assert!(early.is_err(), "it ended by itself: {early:?}");
            process.kill().await.unwrap();
        }
        let process = self.start();
        load.allowed.close();
        let done = work.await;
        (process, done)
    }
}

/// Prepares a state folder whose store has a managed domain, and returns a sender in it.
async fn prepare(state: &Path) -> String {
    let store = SqliteKeyValue::open(&state.join("store.db")).unwrap();
    let entries: Vec<(String, Vec<u8>)> = seed_domain().await.into_iter().collect();
    let domain = entries
        .iter()
        .find_map(|(key, _)| key.strip_prefix("domain/"));
    let sender = format!("DoNotReply@{}", domain.unwrap());
    store.set_many(&entries).unwrap();
    sender
}

async fn answers(client: &Client) {
    eventually("the process serves", async || {
        let health = Request::new("GET", "/.well-known/spin/health");
        client
            .send(health)
            .await
            .ok()
            .filter(|answer| answer.status == 200)
    })
    .await;
}

/// Asks until the answer has this status, or often enough: whoever keeps an id asks again as SDKs do, others never ask twice.
async fn promised(client: &Client, wanted: u16, tries: usize, make: impl Fn() -> Request) -> bool {
    for _ in 0..tries {
        answers(client).await;
        if matches!(client.send(make()).await, Ok(answer) if answer.status == wanted) {
            return true;
        }
    }
    false
}

/// What is sent, and how far that has come.
struct Load {
    address: SocketAddr,
    sender: String,
    seed: u64,
    recipients: fn(usize) -> Vec<String>,
    /// A permit for each send. Closed when there are to be no more.
    allowed: Semaphore,
    progress: watch::Sender<Progress>,
}

#[derive(Default)]
struct Progress {
    /// How many sends have begun.
    begun: usize,
    /// How many may begin before the next kill is near.
    wanted: usize,
    /// Those that got a 202.
    accepted: Vec<usize>,
    has_ended: bool,
}

impl Load {
    fn of(mortal: &Mortal, recipients: fn(usize) -> Vec<String>) -> Self {
        Self {
            address: mortal.addresses.host,
            sender: mortal.sender.clone(),
            seed: mortal.seed,
            recipients,
            allowed: Semaphore::new(SENDS_IN_PASSING),
            progress: watch::Sender::default(),
        }
    }

    /// Sends until no more is allowed.
    async fn run(&self) {
        join_all((0..CLIENTS).map(|_| self.client())).await;
        self.progress
            .send_modify(|progress| progress.has_ended = true);
    }

    /// One client: takes the next message until there is none.
    async fn client(&self) {
        let client = Client::new(self.address);
        while let Ok(permit) = self.allowed.acquire().await {
            permit.forget();
            let n = self.begin();
            let tries = if n.is_multiple_of(2) { TRIES } else { 1 };
            if promised(&client, 202, tries, || self.request(n)).await {
                self.progress
                    .send_modify(|progress| progress.accepted.push(n));
            }
        }
    }

    /// The number of the send that begins.
    fn begin(&self) -> usize {
        let mut number = 0;
        self.progress.send_modify(|progress| {
            number = progress.begun;
            progress.begun += 1;
        });
        number
    }

    /// Waits until so many more sends have begun.
    async fn advance(&self, sends: usize) {
        let mut progress = self.progress.subscribe();
        let mut wanted = 0;
        self.progress.send_modify(|progress| {
            progress.wanted += sends;
            wanted = progress.wanted;
        });
        self.allowed.add_permits(sends);
        let has_begun = |progress: &Progress| progress.begun >= wanted;
        progress.wait_for(has_begun).await.unwrap();
    }

    /// Those that got a 202.
    fn accepted(&self) -> Vec<usize> {
        self.progress.borrow().accepted.clone()
    }

    /// At most so many of them behind the first `told`, once there are any; none when there will be none.
    async fn accepted_behind(&self, told: usize, most: usize) -> Vec<usize> {
        let mut progress = self.progress.subscribe();
        let has_more = |progress: &Progress| progress.accepted.len() > told || progress.has_ended;
        let progress = progress.wait_for(has_more).await.unwrap();
        let behind = progress.accepted.iter().skip(told).take(most);
        behind.copied().collect()
    }

    /// The id of message `n`.
    fn id(&self, n: usize) -> String {
        let id = format!("{:016x}", Dice(self.seed).roll());
        format!("{}-{}-4000-8000-{n:012x}", &id[..8], &id[8..12])
    }

    fn request(&self, n: usize) -> Request {
        let recipients = (self.recipients)(n).into_iter();
        let to: Vec<Value> = recipients
            .map(|address| json!({"address": address}))
            .collect();
        let message = json!({
            "senderAddress": self.sender,
            "content": {"subject": format!("kill {n}"), "plainText": "Hello."},
            "recipients": {"to": to},
        });
        let request = Request::new("POST", &format!("/emails:send?api-version={API_VERSION}"));
        let request = request.json(&message).field("operation-id", &self.id(n));
        Signer::new(&self.address.to_string()).sign(request)
    }
}

fn given(name: &str) -> Option<u64> {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever repeats a run, or wants a longer one, says so here"
    )]
    let given = std::env::var(name).ok()?;
    Some(
        given
            .parse()
            .unwrap_or_else(|_| panic!("{name}: expected a number, found {given}")),
    )
}

fn seed() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "another run, other moments")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = || u64::try_from(now.unwrap().as_nanos() & u128::from(u64::MAX)).unwrap();
    given("SENDLET_KILL_SEED").unwrap_or_else(now)
}

/// How often the process dies.
fn kills(usually: usize) -> usize {
    given("SENDLET_KILLS").map_or(usually, |kills| usize::try_from(kills).unwrap())
}

/// Whether every message in the store is settled, so that nothing more can be handed over.
fn is_settled(store: &SqliteKeyValue) -> bool {
    let keys = store.keys().unwrap();
    let ids = keys.iter().filter_map(|key| key.strip_prefix("message/"));
    let mut ids = ids.filter(|rest| !rest.contains('/'));
    ids.all(|id| {
        let key = keys::state(id.parse().unwrap());
        let bytes = store.get(key.path()).unwrap();
        let state: Option<DeliveryState> = bytes.map(|bytes| keys::decode(&bytes).unwrap());
        state.is_some_and(|state| state.due_at.is_none())
    })
}
