//! What `dnsdist` is told.

use std::{path::Path, process::Command, time::Duration};

use super::ports::Ports;
use crate::daemons::{Daemon, write_settings};

/// Opens dnsdist's console, which listens on the loopback address only.
const CONSOLE_KEY: &str = "b25seSBmb3IgdGVzdHMsIG9uIGxvb3BiYWNrIDEyNy4=";

/// What goes wrong with questions about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// SERVFAIL.
    ServerFailure,
    /// REFUSED.
    Refused,
    /// TC, and no records, over every transport.
    Truncated,
    /// HTTP status 403 over HTTPS, no answer over UDP and TCP.
    Dropped,
    /// No answer for a minute, with the connection left open.
    Silent,
    /// The right answer, this late. Not over TCP.
    Slow(Duration),
}

impl Trouble {
    /// What to tell dnsdist, where this is about `name` and all names below it, and DNS over HTTPS is on port `doh`.
    pub(super) fn order(self, name: &str, doh: u16) -> String {
        let rule = format!("makeRule(\"{name}.\")");
        let doh = format!("DSTPortRule({doh})");
        match self {
            Self::ServerFailure => format!("addAction({rule}, RCodeAction(DNSRCode.SERVFAIL))"),
            Self::Refused => format!("addAction({rule}, RCodeAction(DNSRCode.REFUSED))"),
            Self::Truncated => format!("addAction({rule}, LuaAction(truncated))"),
            Self::Dropped => format!("addAction({rule}, DropAction())"),
            Self::Silent => format!("addAction({rule}, PoolAction(\"silent\"))"),
            // Only answers over UDP can be held back, so what came over HTTPS is asked again over UDP.
            Self::Slow(by) => format!(
                "addAction(AndRule({{{rule}, {doh}}}), PoolAction(\"again\")) \
                 addAction(AndRule({{{rule}, NotRule({doh})}}), DelayAction({}))",
                by.as_millis()
            ),
        }
    }
}

/// Starts `dnsdist` with its settings in this folder, in `dnsdist.conf`.
pub(super) fn start_dnsdist(folder: &Path, ports: &Ports) -> Daemon {
    let settings = write_settings(folder, "dnsdist.conf", &dnsdist_conf(ports));
    let mut command = Command::new("/usr/bin/dnsdist");
    command.args(["--supervised", "--disable-syslog", "-C"]);
    Daemon::start(command.arg(settings), folder.join("dnsdist.log"))
}

/// Servers are said to be up, since probing them would make starting depend on when the probes are sent.
fn dnsdist_conf(ports: &Ports) -> String {
    let Ports {
        named,
        doh,
        console,
        silence,
        plain,
    } = ports;
    format!(
        "setSecurityPollSuffix(\"\")
setKey(\"{CONSOLE_KEY}\")
controlSocket(\"127.0.0.1:{console}\")
setLocal(\"{plain}:53\")
addDOHLocal(\"127.0.0.1:{doh}\", nil, nil, \"/dns-query\")
setUDPTimeout(60)
newServer({{address=\"127.0.0.1:{named}\"}}):setUp()
newServer({{address=\"127.0.0.1:{silence}\", pool=\"silent\"}}):setUp()
newServer({{address=\"{plain}:53\", pool=\"again\"}}):setUp()
function truncated(dq)
  dq.dh:setQR(true)
  dq.dh:setTC(true)
  return DNSAction.HeaderModify, \"\"
end
"
    )
}
