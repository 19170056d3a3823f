//! What receivers think of a message: OpenDKIM and OpenDMARC as milters of a Postfix, and dkimpy on what was delivered.
//!
//! All of them ask a [`DnsServer`]. OpenDMARC checks SPF itself (`libspf2`) and takes DKIM's results from OpenDKIM.
//!
//! # Not supported
//! - SPF for clients at 127.0.0.0/8, which `libspf2` lets pass whatever the domain says. A client comes from elsewhere
//!   by a [`WayIn`]; Postfix takes no others here.
//! - SPF's other results from OpenDMARC, for which everything is fail but pass and none. [`Judges::pyspf`] has them.
//! - Errors of the DNS: OpenDKIM writes nothing at all then, so that [`Judgement::dkim`] is empty.
//! - Null reverse-paths, and clients with IPv6 addresses.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::eventually;
use tokio::sync::Mutex;

use crate::{
    authentication_results::{Finding, Outcome, findings},
    daemons::{Daemon, STARTS, free_port, is_listening, write_settings},
    dns::DnsServer,
    postfix::{Additions, DOMAIN, Postfix},
    smtp, tools,
    way_in::WayIn,
};

/// The name under which the milters write what they found, and which no message knows.
const SERVER: &str = "judges.example.test";

/// The mailbox for messages that are only to be judged.
const MAILBOX: &str = "judged";

/// The organizational domains of OpenDMARC.
const PUBLIC_SUFFIXES: &str = "/usr/share/publicsuffix/public_suffix_list.dat";

/// What is thought of one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) algorithm: String,
    pub(crate) result: Outcome,
}

/// What is thought of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The signatures from the top down, judged by OpenDKIM.
    pub(crate) dkim: Vec<Signature>,
    /// The same, judged by dkimpy, which knows no results but pass and fail.
    pub(crate) dkimpy: Vec<Signature>,
    pub(crate) spf: Outcome,
    pub(crate) dmarc: Outcome,
}

/// Who hands over a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    pub(crate) address: Ipv4Addr,
    pub(crate) mail_from: &'a str,
}

/// A Postfix whose milters judge. Dropping it ends all of them.
#[derive(Debug)]
pub(crate) struct Judges {
    postfix: Postfix,
    opendkim: Milter,
    opendmarc: Milter,
    resolver: SocketAddr,
    // One message at a time is in the mailbox.
    mailbox: Mutex<()>,
    folder: TempDir,
}

impl Judges {
    /// Starts judges that ask `dns`, and a Postfix with mailboxes for these users too.
    pub(crate) async fn start(users: &[String], dns: &DnsServer) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("sendlet-judges-")
            .tempdir()
            .unwrap();
        let resolver = dns.udp_addr();
        let opendkim = Milter::start(folder.path(), |port| opendkim(&folder, port, resolver)).await;
        let opendmarc =
            Milter::start(folder.path(), |port| opendmarc(&folder, port, resolver)).await;
        let mut mailboxes = users.to_vec();
        mailboxes.push(MAILBOX.to_owned());
        let settings = format!(
            "smtpd_milters = inet:127.0.0.1:{}, inet:127.0.0.1:{}\n\
             milter_default_action = tempfail\n\
             smtpd_upstream_proxy_protocol = haproxy\n\
             smtpd_peername_lookup = no\n",
            opendkim.port, opendmarc.port
        );
        let additions = Additions {
            main_cf: &settings,
            ..Additions::default()
        };
        Self {
            postfix: Postfix::start_with(&mailboxes, additions),
            opendkim,
            opendmarc,
            resolver,
            mailbox: Mutex::default(),
            folder,
        }
    }

    /// The Postfix, to look into its mailboxes.
    pub(crate) const fn postfix(&self) -> &Postfix {
        &self.postfix
    }

    /// Opens a way to the Postfix for clients at `address`.
    pub(crate) async fn way_in(&self, address: Ipv4Addr) -> WayIn {
        WayIn::open(address, self.postfix.port).await
    }

    /// Has a message judged as `client` would hand it over. Its lines are ended by CRLF.
    pub(crate) async fn judge(&self, message: &[u8], client: Client<'_>) -> Judgement {
        let _alone = self.mailbox.lock().await;
        let way_in = self.way_in(client.address).await;
        let recipient = format!("{MAILBOX}@{DOMAIN}");
        smtp::hand_over(way_in.port, client.mail_from, &recipient, message).await;
        let delivered = self.postfix.delivered(MAILBOX).await;
        self.postfix.empty(MAILBOX);
        self.judgement(&delivered).await
    }

    /// Reads what the milters wrote into a delivered message, and has dkimpy look at it too.
    pub(crate) async fn judgement(&self, delivered: &[u8]) -> Judgement {
        let findings = findings(delivered, SERVER);
        let of = |method: &str| {
            let mut found = findings.iter().filter(|finding| finding.method == method);
            let first = found.next().map(|finding| finding.result);
            first.unwrap_or_else(|| panic!("no {method} in {findings:?}\n{}", self.log()))
        };
        Judgement {
            dkim: findings.iter().filter_map(signature).collect(),
            dkimpy: self.dkimpy(delivered).await,
            spf: of("spf"),
            dmarc: of("dmarc"),
        }
    }

    /// What pyspf says of SPF, which has all results of RFC 7208.
    pub(crate) async fn pyspf(&self, client: Client<'_>) -> Outcome {
        let job = json!({
            "resolver": self.resolver.ip(),
            "address": client.address,
            "mail_from": client.mail_from,
            "helo": smtp::HELO,
        });
        let script = tools::script("python/spf_check.py");
        let result = tools::ask(&tools::python("1.1.0"), &script, &job).await;
        Outcome::parse(result.as_str().unwrap())
    }

    async fn dkimpy(&self, delivered: &[u8]) -> Vec<Signature> {
        let file = tempfile::NamedTempFile::new_in(&self.folder).unwrap();
        fs::write(file.path(), delivered).unwrap();
        let job = json!({"resolver": self.resolver.ip(), "file": file.path()});
        let script = tools::script("python/dkim_judge.py");
        let verdicts = tools::ask(&tools::python("1.1.0"), &script, &job).await;
        let text = |verdict: &Value, name: &str| verdict[name].as_str().unwrap().to_owned();
        let verdicts = verdicts.as_array().unwrap().iter();
        let signature = |verdict| Signature {
            domain: text(verdict, "domain"),
            selector: text(verdict, "selector"),
            algorithm: text(verdict, "algorithm"),
            result: Outcome::parse(&text(verdict, "result")),
        };
        verdicts.map(signature).collect()
    }

    /// What everybody here logged so far.
    pub(crate) fn log(&self) -> String {
        let milters = [&self.opendkim, &self.opendmarc].map(|milter| milter.program.log());
        format!("{}\n{}", milters.join("\n"), self.postfix.log())
    }
}

/// A message without signatures has a finding of DKIM's that names no domain.
fn signature(finding: &Finding) -> Option<Signature> {
    if finding.method != "dkim" {
        return None;
    }
    Some(Signature {
        domain: finding.property("header.d")?.to_owned(),
        selector: finding.property("header.s")?.to_owned(),
        algorithm: finding.property("header.a")?.to_owned(),
        result: finding.result,
    })
}

#[derive(Debug)]
struct Milter {
    program: Daemon,
    port: u16,
}

impl Milter {
    async fn start(folder: &Path, command: impl Fn(u16) -> Command) -> Self {
        let mut failures = Vec::new();
        for _ in 0..STARTS {
            let port = free_port();
            let log = folder.join(format!("{port}.log"));
            let mut program = Daemon::start(&mut command(port), log);
            let is_up = eventually("the milter listens", async || {
                if program.has_ended() {
                    return Some(false);
                }
                is_listening(port).await.then_some(true)
            });
            if is_up.await {
                return Self { program, port };
            }
            failures.push(program.log());
        }
        panic!("a milter does not start: {failures:#?}");
    }
}

/// OpenDKIM's own resolver is told to keep no answer, not even those with a time to live of 0, which it keeps for up to
/// a second.
fn opendkim(folder: &TempDir, port: u16, resolver: SocketAddr) -> Command {
    let unbound = format!(
        "server:\n  do-not-query-localhost: no\n  module-config: iterator\n\
         forward-zone:\n  name: .\n  forward-addr: {}\n  forward-no-cache: yes\n",
        resolver.ip()
    );
    let unbound = write_settings(folder.path(), "unbound.conf", &unbound);
    let settings = format!(
        "Mode v\n\
         Syslog no\n\
         Socket inet:{port}@127.0.0.1\n\
         AuthservID {SERVER}\n\
         ResolverConfiguration {}\n",
        unbound.display()
    );
    let settings = write_settings(folder.path(), "opendkim.conf", &settings);
    let mut command = Command::new(tools::installed("/usr/sbin/opendkim"));
    command.args(["-f", "-x"]).arg(settings);
    command
}

/// OpenDMARC asks whom the system's resolv.conf names, so that file is exchanged for it.
fn opendmarc(folder: &TempDir, port: u16, resolver: SocketAddr) -> Command {
    let folder = folder.path();
    let resolv_conf = format!("nameserver {}\n", resolver.ip());
    let resolv_conf = write_settings(folder, "resolv.conf", &resolv_conf);
    // Replaces the default, which is to leave out clients on this machine.
    let ignored = write_settings(folder, "ignored-hosts", "255.255.255.255\n");
    let settings = format!(
        "Syslog false\n\
         Socket inet:{port}@127.0.0.1\n\
         AuthservID {SERVER}\n\
         IgnoreHosts {}\n\
         PublicSuffixList {PUBLIC_SUFFIXES}\n\
         SPFIgnoreResults true\n\
         SPFSelfValidate true\n",
        ignored.display()
    );
    let settings = write_settings(folder, "opendmarc.conf", &settings);
    tools::installed(PUBLIC_SUFFIXES);
    let mut command = Command::new(tools::installed("/usr/sbin/opendmarc"));
    command
        .args(["-f", "-c"])
        .arg(settings)
        .env("LD_PRELOAD", resolv_wrapper())
        .env("RESOLV_WRAPPER_CONF", resolv_conf);
    command
}

/// Debian's `libresolv-wrapper`, below the folder of the machine's architecture.
fn resolv_wrapper() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap();
    let mut candidates = folders.map(|folder| folder.unwrap().path().join("libresolv_wrapper.so"));
    let found = candidates.find(|candidate| candidate.exists());
    found.expect("libresolv-wrapper: run scripts/install-test-tools.sh")
}
