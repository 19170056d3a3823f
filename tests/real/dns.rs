//! A DNS of the test's own: BIND's `named` has the zones, and `dnsdist` in front of it speaks DNS over HTTPS (RFC 8484,
//! without TLS) and plain DNS, and misbehaves on demand.
//!
//! Plain DNS is on port 53 of a loopback address of its own, since the resolvers of other people's programs know no
//! other port.
//!
//! # Not supported
//! Recursion, so an alias into a zone that is not here stays unresolved. Names outside of the zones are refused.

mod front;
mod ports;
mod zones;

use std::{
    net::{SocketAddr, UdpSocket},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mail_auth::hickory_resolver::proto::{
    op::{Message, Query},
    rr::{Name, RData, RecordType},
};
use tempfile::TempDir;
use tests::eventually;
use tokio::time::timeout;

use crate::{
    daemons::{Daemon, STARTS, is_listening},
    dns::{ports::Ports, zones::Zones},
    tools,
};

pub(crate) use self::{front::Trouble, zones::txt};

/// How long one question waits for its answer before it is asked again.
const ANSWER: Duration = Duration::from_millis(500);

/// A running DNS. Dropping it ends both programs.
#[derive(Debug)]
pub(crate) struct DnsServer {
    named: Daemon,
    dnsdist: Daemon,
    ports: Ports,
    zones: Mutex<Zones>,
    folder: TempDir,
    // Receives the questions that get no answer.
    _silence: UdpSocket,
}

impl DnsServer {
    /// Starts a DNS with these zones: the origin, without a final dot, and the records in the form of RFC 1035,
    /// section 5. SOA and NS are added, and times to live are 0 where the text does not say otherwise.
    pub(crate) async fn start(zones: &[(&str, &str)]) -> Self {
        for program in ["/usr/sbin/named", "/usr/bin/dnsdist"] {
            tools::installed(program);
        }
        let mut failures = Vec::new();
        for _ in 0..STARTS {
            match Self::try_start(zones).await {
                Ok(server) => return server,
                Err(failure) => failures.push(failure),
            }
        }
        panic!("the DNS does not start, since port 53 is root's: {failures:#?}");
    }

    async fn try_start(zones: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("sendlet-dns-")
            .tempdir()
            .unwrap();
        let silence = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
        let ports = Ports::choose(&silence);
        let mut known = Zones::default();
        for (origin, records) in zones {
            known.set(folder.path(), origin, records);
        }
        known.write_settings(folder.path(), ports.named);
        let mut server = Self {
            named: zones::start_named(folder.path()),
            dnsdist: front::start_dnsdist(folder.path(), &ports),
            ports,
            zones: Mutex::new(known),
            folder,
            _silence: silence,
        };
        server.wait_for_start().await.map(|()| server)
    }

    async fn wait_for_start(&mut self) -> Result<(), String> {
        let wanted = self.zones().serials.clone();
        let ports = self.ports.clone();
        eventually("the DNS serves", async || {
            if self.named.has_ended() || self.dnsdist.has_ended() {
                return Some(Err(self.log()));
            }
            for (origin, serial) in &wanted {
                if served_serial(ports.plain(), origin).await != Some(*serial) {
                    return None;
                }
            }
            let is_up = is_listening(ports.doh).await && is_listening(ports.console).await;
            is_up.then_some(Ok(()))
        })
        .await
    }

    /// The origin of DNS over HTTPS. The path is `/dns-query`.
    pub(crate) fn doh_origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.doh)
    }

    /// Where plain DNS is, over UDP and TCP: port 53 of an address of its own.
    pub(crate) fn udp_addr(&self) -> SocketAddr {
        self.ports.plain()
    }

    /// Replaces the records of a zone, or adds a zone, and waits until they are served.
    pub(crate) async fn set_zone(&self, origin: &str, records: &str) {
        let serial = {
            let mut zones = self.zones();
            let serial = zones.set(self.folder.path(), origin, records);
            zones.write_settings(self.folder.path(), self.ports.named);
            serial
        };
        let named = SocketAddr::from(([127, 0, 0, 1], self.ports.named));
        let what = format!("serial {serial} of {origin}, whose records are\n{records}");
        eventually(&what, async || {
            // Asked for every time: a reload is lost on a server that is at the one before.
            self.named.reload();
            (served_serial(named, origin).await == Some(serial)).then_some(())
        })
        .await;
    }

    /// From now on has trouble with questions about `name` and all names below it, until [`Self::heal`].
    pub(crate) async fn trouble(&self, name: &str, trouble: Trouble) {
        let order = trouble.order(name, self.ports.doh);
        self.order(&order).await;
    }

    /// Has no trouble any more.
    pub(crate) async fn heal(&self) {
        self.order("clearRules()").await;
    }

    /// Gives dnsdist's console an order.
    async fn order(&self, order: &str) {
        let settings = self.folder.path().join("dnsdist.conf");
        let arguments = [
            "-C".as_ref(),
            settings.as_path(),
            "-e".as_ref(),
            order.as_ref(),
        ];
        let output = tools::run("/usr/bin/dnsdist".as_ref(), &arguments, "").await;
        // It ends well even when the order is not understood, but then it says so. Silence is consent.
        let is_silent = output.stdout.is_empty() && output.stderr.is_empty();
        assert!(output.status.success() && is_silent, "{order}: {output:?}");
    }

    /// What both programs said so far.
    pub(crate) fn log(&self) -> String {
        format!("{}\n{}", self.named.log(), self.dnsdist.log())
    }

    fn zones(&self) -> MutexGuard<'_, Zones> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The serial number of a zone that the server answers with, if it answers.
async fn served_serial(server: SocketAddr, origin: &str) -> Option<u32> {
    let mut question = Message::query();
    let origin = Name::from_ascii(format!("{origin}.")).unwrap();
    question.add_query(Query::query(origin, RecordType::SOA));
    let socket = tokio::net::UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
    socket.connect(server).await.ok()?;
    socket.send(&question.to_vec().unwrap()).await.ok()?;
    let mut buffer = [0; 4096];
    let length = timeout(ANSWER, socket.recv(&mut buffer)).await.ok()?.ok()?;
    let answer = Message::from_vec(&buffer[..length]).ok()?;
    match &answer.answers.first()?.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    }
}
