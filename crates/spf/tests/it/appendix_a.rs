//! The examples of appendix A, with its zone. A.2 and A.3 follow the RFC without being its words.

use spf::SpfResult::{self, Fail, Pass};

use crate::setup;

const ZONE: &str = "
    example.com. MX 10 mail-a.example.com.
    example.com. MX 20 mail-b.example.com.
    example.com. A 192.0.2.10
    example.com. A 192.0.2.11
    amy.example.com. A 192.0.2.65
    bob.example.com. A 192.0.2.66
    mail-a.example.com. A 192.0.2.129
    mail-b.example.com. A 192.0.2.130
    www.example.com. CNAME example.com.
    example.org. MX 10 mail-c.example.org.
    mail-c.example.org. A 192.0.2.140
    10.2.0.192.in-addr.arpa. PTR example.com.
    11.2.0.192.in-addr.arpa. PTR example.com.
    65.2.0.192.in-addr.arpa. PTR amy.example.com.
    66.2.0.192.in-addr.arpa. PTR bob.example.com.
    129.2.0.192.in-addr.arpa. PTR mail-a.example.com.
    130.2.0.192.in-addr.arpa. PTR mail-b.example.com.
    140.2.0.192.in-addr.arpa. PTR mail-c.example.org.
    4.0.0.10.in-addr.arpa. PTR bob.example.com.";

/// Every address that the zone knows, and one it does not.
const HOSTS: [&str; 9] = [
    "192.0.2.10",
    "192.0.2.11",
    "192.0.2.65",
    "192.0.2.66",
    "192.0.2.129",
    "192.0.2.130",
    "192.0.2.140",
    "10.0.0.4",
    "203.0.113.1",
];

/// Who passes of [`HOSTS`]. All others fail.
#[track_caller]
fn check(record: &str, rest: &str, passing: &[&str]) {
    for host in HOSTS {
        let expected = if passing.contains(&host) { Pass } else { Fail };
        setup::check(record, &format!("{ZONE}\n{rest}"), host, expected);
    }
}

#[track_caller]
fn check_sender(zone: &str, ip: &str, sender: &str, expected: SpfResult) {
    let found = setup::evaluate_sender(zone, ip, sender);
    assert_eq!(found.result, expected, "{found:?}");
}

#[test]
fn a_1_simple_examples() {
    check("v=spf1 +all", "", &HOSTS);
    check("v=spf1 a -all", "", &["192.0.2.10", "192.0.2.11"]);
    check("v=spf1 a:example.org -all", "", &[]);
    check("v=spf1 mx -all", "", &["192.0.2.129", "192.0.2.130"]);
    check("v=spf1 mx:example.org -all", "", &["192.0.2.140"]);
    let all = ["192.0.2.129", "192.0.2.130", "192.0.2.140"];
    check("v=spf1 mx mx:example.org -all", "", &all);
    check("v=spf1 mx/30 mx:example.org/30 -all", "", &all);
    let within = &HOSTS[..6];
    check("v=spf1 ptr -all", "", within);
    check("v=spf1 ip4:192.0.2.128/28 -all", "", &all);
}

#[test]
fn a_2_one_domain_for_another() {
    let rest = "example.org TXT \"v=spf1 include:example.net mx -all\"\n\
        example.net TXT \"v=spf1 ip4:203.0.113.1 -all\"\n\
        la.example.org TXT \"v=spf1 redirect=example.org\"";
    let passing = &["192.0.2.140", "203.0.113.1"];
    check("v=spf1 include:example.org -all", rest, passing);
    check("v=spf1 redirect=example.org", rest, passing);
    check("v=spf1 redirect=la.example.org", rest, passing);
}

#[test]
fn a_3_addresses_of_users() {
    let record = "v=spf1 mx include:mobile-users._spf.%{d} include:remote-users._spf.%{d} -all";
    let rest = "mobile-users._spf.example.com TXT \"v=spf1 exists:%{l1r+}.%{d}\"
        mary.mobile-users._spf.example.com A 127.0.0.2
        remote-users._spf.example.com TXT \"v=spf1 exists:%{ir}.%{l1r+}.%{d}\"
        15.15.168.192.joel.remote-users._spf.example.com A 127.0.0.2";
    let zone = setup::with_record(record, &format!("{ZONE}\n{rest}"));
    check_sender(&zone, "203.0.113.1", "mary@example.com", Pass);
    check_sender(&zone, "203.0.113.1", "mary+list@example.com", Pass);
    check_sender(&zone, "203.0.113.1", "fred@example.com", Fail);
    check_sender(&zone, "192.168.15.15", "joel@example.com", Pass);
    check_sender(&zone, "192.168.15.16", "joel@example.com", Fail);
    check_sender(&zone, "192.0.2.129", "fred@example.com", Pass);
}

#[test]
fn a_4_several_conditions_at_once() {
    let record = "v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} +all";
    let rest = "ip4._spf.example.com TXT \"v=spf1 -ip4:192.0.2.0/24 +all\"\n\
        ptr._spf.example.com TXT \"v=spf1 -ptr:example.com +all\"";
    check(record, rest, &HOSTS[..6]);
}
