//! A Postfix that takes everything and finds out later, as README.md sets one up for reports.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

use crate::{
    bounces::{destination::Destination, reporter::Reporter},
    daemons::free_port,
    postfix::{Additions, Postfix},
};

/// The domain that [`Destination`] takes mail for.
pub(crate) const ELSEWHERE: &str = "elsewhere.test";

/// The domain whose server is never there.
pub(crate) const DEAD: &str = "dead.test";

/// Mail to return paths, whatever their domain.
const TRANSPORT: &str = "/^[bu]-[a-z2-7]{48}@/ sendlet:\n";
const RECIPIENTS: &str = "/^[bu]-[a-z2-7]{48}@/ OK\n";

/// Postfix with what it sends to and what it brings reports with.
#[derive(Debug)]
pub(crate) struct Mta {
    pub(crate) postfix: Postfix,
    pub(crate) destination: Destination,
    pub(crate) reporter: Reporter,
    /// The port for strangers: for them, Postfix is the MX of return paths and nothing else.
    pub(crate) strangers_port: u16,
    // Bound, so that the port is nobody else's, and not listening, so that connections are refused.
    _dead: TcpSocket,
}

impl Mta {
    /// Starts it with a mailbox for `known`, and more lines for `main.cf`.
    pub(crate) async fn start(settings: &str) -> Self {
        let destination = Destination::start().await;
        let dead = TcpSocket::new_v4().unwrap();
        dead.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let dead_port = dead.local_addr().unwrap().port();
        let reporter = Reporter::new();
        let routes = format!(
            "{ELSEWHERE} smtp:[127.0.0.1]:{}\n{DEAD} smtp:[127.0.0.1]:{dead_port}\n",
            destination.port
        );
        let main_cf = main_cf(&reporter, &routes) + settings;
        let strangers_port = free_port();
        let additions = Additions {
            main_cf: &main_cf,
            master_cf: &master_cf(&reporter, strangers_port),
        };
        Self {
            postfix: Postfix::start_with(&["known".to_owned()], additions),
            destination,
            reporter,
            strangers_port,
            _dead: dead,
        }
    }

    /// Whether Postfix had something to this address, and is done with all of it.
    pub(crate) fn is_done_with(&self, address: &str) -> bool {
        let log = self.postfix.log();
        let to = format!("to=<{address}>");
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(&to)).collect();
        let is_removed = |line: &&str| {
            let id = line.split(": ").nth(1).unwrap_or_default();
            log.contains(&format!(" {id}: removed"))
        };
        !lines.is_empty() && lines.iter().all(is_removed)
    }
}

/// The local domain's mailboxes are looked up by the delivery agent, which makes it bounce what smtpd would have refused.
fn main_cf(reporter: &Reporter, routes: &str) -> String {
    let transport = reporter.write("transport", TRANSPORT);
    let routes = reporter.write("routes", routes);
    format!(
        "smtpd_reject_unlisted_recipient = no
transport_maps = regexp:{}, texthash:{}
sendlet_destination_recipient_limit = 1
smtp_dns_support_level = disabled
smtp_host_lookup = native
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
",
        transport.display(),
        routes.display()
    )
}

fn master_cf(reporter: &Reporter, strangers_port: u16) -> String {
    let recipients = reporter.write("recipients", RECIPIENTS);
    format!(
        "smtp unix - - n - - smtp
sendlet unix - n n - 10 pipe
  user=nobody argv={} {} ${{recipient}}
127.0.0.1:{strangers_port} inet n - n - - smtpd
  -o mynetworks=
  -o smtpd_recipient_restrictions=
  -o {{ smtpd_relay_restrictions = check_recipient_access regexp:{}, permit_mynetworks, reject_unauth_destination }}
",
        reporter.script().display(),
        reporter.settings().display(),
        recipients.display()
    )
}
