//! SIGKILL at random moments. What got a 202 arrives exactly once, everything else at most once.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    pin::pin,
    process::Stdio,
    time::{Duration, SystemTime},
};

use devhost::{KeyValue as _, SqliteKeyValue};
use futures::future::join_all;
use mailer::{delivery::DeliveryState, keys};
use serde_json::json;
use tests::{
    API_VERSION, Client, HostKind, Inbox, Request, Signer, build_components, eventually,
    seed_domain,
};
use tokio::{
    process::{Child, Command},
    sync::watch,
    time::timeout,
};

const SENDS: usize = 300;
const CLIENTS: usize = 8;
/// How many sends begin between two kills, at least and below what.
const SENDS_OF_A_LIFE: (u64, u64) = (5, 40);
/// Within how many milliseconds after the last of these the process is killed, so that it is at any point of its work.
const LAST_MOMENTS: u64 = 20;
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

    fn sends(&mut self) -> usize {
        let (least, below) = SENDS_OF_A_LIFE;
        usize::try_from(least + self.roll() % (below - least)).unwrap()
    }

    fn last_moments(&mut self) -> Duration {
        Duration::from_millis(self.roll() % LAST_MOMENTS)
    }
}

/// Two addresses that stay the same over restarts.
struct Addresses {
    host: SocketAddr,
    relay: SocketAddr,
}

impl Addresses {
    /// Ports that are free now. They lie below those the system hands out by itself, so no other test gets them in
    /// between two lives of the process.
    fn free() -> Self {
        let mut free = (20_000..30_000_u16)
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
            .filter(|address| std::net::TcpListener::bind(address).is_ok());
        let mut next = || free.next().expect("a free port");
        Self {
            host: next(),
            relay: next(),
        }
    }
}

fn start(addresses: &Addresses, state: &Path) -> Child {
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(state.join("log"))
        .unwrap();
    Command::new(env!("CARGO_BIN_EXE_sendlet-under-test"))
        .arg(addresses.host.to_string())
        .arg(addresses.relay.to_string())
        .arg(state)
        .arg("1")
        .stdin(Stdio::null())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
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

/// What all clients share.
struct Load {
    address: SocketAddr,
    sender: String,
    seed: u64,
    /// How many sends have begun.
    begun: watch::Sender<usize>,
}

impl Load {
    /// One client: takes the next message until there is none, and returns those that got a 202.
    async fn client(&self) -> Vec<usize> {
        let client = Client::new(self.address);
        let mut accepted = Vec::new();
        loop {
            let n = self.begin();
            if n >= SENDS {
                return accepted;
            }
            answers(&client).await;
            // Every other client does as SDKs do and asks again with the same id; the rest never asks twice.
            let tries = if n.is_multiple_of(2) { TRIES } else { 1 };
            for _ in 0..tries {
                if self.send(&client, n).await {
                    accepted.push(n);
                    break;
                }
                answers(&client).await;
            }
        }
    }

    /// The number of the send that begins.
    fn begin(&self) -> usize {
        let mut number = 0;
        self.begun.send_modify(|begun| {
            number = *begun;
            *begun += 1;
        });
        number
    }

    /// Waits until so many more sends have begun.
    async fn advance(&self, sends: usize) {
        let mut begun = self.begun.subscribe();
        let wanted = *begun.borrow_and_update() + sends;
        begun.wait_for(|begun| *begun >= wanted).await.unwrap();
    }

    async fn send(&self, client: &Client, n: usize) -> bool {
        let message = json!({
            "senderAddress": self.sender,
            "content": {"subject": format!("kill {n}"), "plainText": "Hello."},
            "recipients": {"to": [{"address": "someone@example.com"}]},
        });
        let id = format!("{:016x}", Dice(self.seed).roll());
        let id = format!("{}-{}-4000-8000-{n:012x}", &id[..8], &id[8..12]);
        let request = Request::new("POST", &format!("/emails:send?api-version={API_VERSION}"));
        let request = request.json(&message).field("operation-id", &id);
        let request = Signer::new(&self.address.to_string()).sign(request);
        matches!(client.send(request).await, Ok(answer) if answer.status == 202)
    }
}

fn seed() -> u64 {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever repeats a run says so here"
    )]
    let given = std::env::var("SENDLET_KILL_SEED").ok();
    #[expect(clippy::disallowed_methods, reason = "another run, other moments")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = || u64::try_from(now.unwrap().as_nanos() & u128::from(u64::MAX)).unwrap();
    given.map_or_else(now, |text| {
        text.parse().expect("SENDLET_KILL_SEED: a number")
    })
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

/// Starts and kills the process until the clients are done, and returns what they got accepted and how often it died.
async fn kill_while_sending(
    addresses: &Addresses,
    state: &Path,
    load: &Load,
) -> (Vec<usize>, usize) {
    let mut clients = pin!(join_all((0..CLIENTS).map(|_| load.client())));
    let client = Client::new(addresses.host);
    let (mut dice, mut kills) = (Dice(load.seed), 0);
    loop {
        let mut process = start(addresses, state);
        let life = async {
            answers(&client).await;
            load.advance(dice.sends()).await;
            timeout(dice.last_moments(), process.wait()).await
        };
        let accepted = tokio::select! {
            accepted = &mut clients => Some(accepted),
            early = life => {
                assert!(early.is_err(), "it ended by itself: {early:?}");
                None
            }
        };
        process.kill().await.unwrap();
        kills += 1;
        if let Some(accepted) = accepted {
            return (accepted.concat(), kills);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_survives_every_kill_and_arrives_once() {
    if HostKind::chosen() != HostKind::Devhost {
        return;
    }
    tokio::task::spawn_blocking(build_components).await.unwrap();
    let state = tempfile::tempdir().unwrap();
    let addresses = Addresses::free();
    let load = Load {
        address: addresses.host,
        sender: prepare(state.path()).await,
        seed: seed(),
        begun: watch::Sender::new(0),
    };
    let seed = load.seed;
    let (accepted, kills) = kill_while_sending(&addresses, state.path(), &load).await;
    let what = format!(
        "SENDLET_KILL_SEED={seed}, {kills} kills, {} accepted",
        accepted.len()
    );
    assert!(kills >= 3 && accepted.len() > SENDS / 4, "too easy: {what}");

    let process = start(&addresses, state.path());
    answers(&Client::new(addresses.host)).await;
    let store = SqliteKeyValue::open(&state.path().join("store.db")).unwrap();
    eventually(
        &format!("every stored message is settled ({what})"),
        async || is_settled(&store).then_some(()),
    )
    .await;
    let mut arrived = BTreeMap::<String, usize>::new();
    for subject in Inbox::at(addresses.relay).subjects().await {
        *arrived.entry(subject).or_default() += 1;
    }
    drop(process);
    for n in accepted {
        assert_eq!(
            arrived.get(&format!("kill {n}")),
            Some(&1),
            "{n} was accepted ({what})"
        );
    }
    for (subject, count) in arrived {
        assert_eq!(count, 1, "'{subject}' arrived more than once ({what})");
    }
}
