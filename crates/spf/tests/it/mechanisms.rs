//! What matches whom: sections 5 and 7.

use spf::SpfResult::{Fail, Neutral, Pass, PermError};

use crate::setup::{check, evaluate, with_record};

const HOST: &str = "192.0.2.1";
const HOST6: &str = "2001:db8::1";

#[test]
fn networks_match_by_their_prefix() {
    check("v=spf1 ip4:192.0.2.0/31 -all", "", HOST, Pass);
    check("v=spf1 ip4:192.0.2.0/32 -all", "", HOST, Fail);
    check("v=spf1 ip4:192.0.2.0 -all", "", HOST, Fail);
    check("v=spf1 ip4:10.0.0.0/0 -all", "", HOST, Pass);
    check("v=spf1 ip4:0.0.0.0/0 -all", "", HOST6, Fail);
    check("v=spf1 ip6:2001:db8::/32 -all", "", HOST6, Pass);
    check("v=spf1 ip6:2001:db8::2/127 -all", "", HOST6, Fail);
    check("v=spf1 ip6:2001:db8::/127 -all", "", HOST6, Pass);
    check("v=spf1 ip6:::/0 -all", "", HOST6, Pass);
    check("v=spf1 ip6:::/0 -all", "", HOST, Fail);
}

#[test]
fn a_mapped_address_is_an_ipv4_address() {
    check("v=spf1 ip4:192.0.2.1 -all", "", "::ffff:192.0.2.1", Pass);
    check(
        "v=spf1 ip6:::ffff:c000:201 -all",
        "",
        "::ffff:192.0.2.1",
        Fail,
    );
}

#[test]
fn addresses_of_a_domain_match_in_their_family() {
    let zone = "b.example A 192.0.2.9\nb.example AAAA 2001:db8::9";
    check("v=spf1 a:b.example -all", zone, "192.0.2.9", Pass);
    check("v=spf1 a:b.example -all", zone, HOST, Fail);
    check("v=spf1 a:b.example/24 -all", zone, HOST, Pass);
    check("v=spf1 a:b.example/24 -all", zone, HOST6, Fail);
    check("v=spf1 a:b.example//64 -all", zone, HOST6, Pass);
    check("v=spf1 a:b.example/24//64 -all", zone, HOST6, Pass);
    check("v=spf1 a:b.example//64 -all", zone, HOST, Fail);
    check(
        "v=spf1 a:www.b.example -all",
        "www.b.example CNAME b.example\nb.example A 192.0.2.1",
        HOST,
        Pass,
    );
}

#[test]
fn mail_exchanges_match_by_their_addresses() {
    let zone = "example.com MX 10 m.example\nexample.com MX 0 .\nm.example A 192.0.2.1\n\
        m.example AAAA 2001:db8::1";
    check("v=spf1 mx -all", zone, HOST, Pass);
    check("v=spf1 mx -all", zone, HOST6, Pass);
    check("v=spf1 mx -all", zone, "192.0.2.2", Fail);
    check("v=spf1 mx/24 -all", zone, "192.0.2.2", Pass);
    // Section 5.4: the address of a domain without mail exchanges is none.
    check("v=spf1 mx -all", "example.com A 192.0.2.1", HOST, Fail);
}

#[test]
fn a_name_of_the_address_counts_if_it_has_the_address() {
    let reverse = "1.2.0.192.in-addr.arpa PTR";
    let zone = format!("{reverse} h.example.com\nh.example.com A 192.0.2.1");
    check("v=spf1 ptr -all", &zone, HOST, Pass);
    check("v=spf1 ptr:other.example -all", &zone, HOST, Fail);
    check("v=spf1 ptr:ample.com -all", &zone, HOST, Fail);
    let zone = format!("{reverse} h.example.com\nh.example.com A 192.0.2.2");
    check("v=spf1 ptr -all", &zone, HOST, Fail);
    let zone = format!(
        "{reverse} b.example.com\n{reverse} h.example.com\nb.example.com TIMEOUT\nh.example.com A 192.0.2.1"
    );
    check("v=spf1 ptr -all", &zone, HOST, Pass);
    check(
        "v=spf1 ptr -all",
        "1.2.0.192.in-addr.arpa TIMEOUT",
        HOST,
        Fail,
    );
}

#[test]
fn only_ten_names_of_the_address_are_looked_at() {
    let others: String = (0..10)
        .map(|n| format!("1.2.0.192.in-addr.arpa PTR h{n}.other.example\n"))
        .collect();
    let last = "1.2.0.192.in-addr.arpa PTR h.example.com\nh.example.com A 192.0.2.1\n";
    check("v=spf1 ptr -all", &format!("{others}{last}"), HOST, Fail);
    check("v=spf1 ptr -all", &format!("{last}{others}"), HOST, Pass);
}

#[test]
fn exists_asks_for_an_ipv4_address_always() {
    let zone = "b.example A 127.0.0.2\nc.example AAAA 2001:db8::1";
    check("v=spf1 exists:b.example -all", zone, HOST, Pass);
    check("v=spf1 exists:b.example -all", zone, HOST6, Pass);
    check("v=spf1 exists:c.example -all", zone, HOST6, Fail);
}

#[test]
fn macros_make_names() {
    let exists = |spec: &str, name: &str, ip, expected| {
        let record = format!("v=spf1 exists:{spec} -all");
        check(&record, &format!("{name} A 127.0.0.2"), ip, expected);
    };
    exists(
        "%{ir}.%{v}._spf.%{d2}",
        "1.2.0.192.in-addr._spf.example.com",
        HOST,
        Pass,
    );
    exists("%{h}.%{d}", "mta.example.net.example.com", HOST, Pass);
    exists("%{l1r-}.%{d}", "strong.example.com", HOST, Pass);
    exists("%{s}.local", "strong-bad@example.com.local", HOST, Pass);
    let reverse = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.x";
    exists("%{ir}.%{v}.x", reverse, HOST6, Pass);
    // Spaces and empty labels are in no name.
    exists("%{d}%_.x", "example.com.x", HOST, Fail);
    exists("%{d}..x", "example.com.x", HOST, Fail);
}

#[test]
fn the_validated_name_prefers_the_domain_itself() {
    let names = |names: &[&str]| -> String {
        let lines =
            |name: &&str| format!("1.2.0.192.in-addr.arpa PTR {name}\n{name} A 192.0.2.1\n");
        names.iter().map(lines).collect()
    };
    let p = |zone: &str, name: &str| {
        let zone = format!("{zone}\n{name}.p A 127.0.0.2");
        check("v=spf1 exists:%{p}.p -all", &zone, HOST, Pass);
    };
    p(
        &names(&["other.example", "h.example.com", "example.com"]),
        "example.com",
    );
    p(&names(&["other.example", "h.example.com"]), "h.example.com");
    p(&names(&["other.example"]), "other.example");
    p("1.2.0.192.in-addr.arpa PTR lie.example", "unknown");
    p("1.2.0.192.in-addr.arpa TIMEOUT", "unknown");
}

#[test]
fn a_target_that_is_no_name_matches_nothing_or_spoils_the_record() {
    let long = "a".repeat(64);
    check(&format!("v=spf1 a:{long}.example ?all"), "", HOST, Neutral);
    check(&format!("v=spf1 mx:{long}.example ?all"), "", HOST, Neutral);
    check(
        &format!("v=spf1 ptr:{long}.example ?all"),
        "",
        HOST,
        Neutral,
    );
    check(
        &format!("v=spf1 include:{long}.example ?all"),
        "",
        HOST,
        PermError,
    );
    check(
        &format!("v=spf1 redirect={long}.example"),
        "",
        HOST,
        PermError,
    );
    let found = evaluate(
        &with_record(&format!("v=spf1 a:{long}.example ?all"), ""),
        HOST,
    );
    assert_eq!((found.lookups, found.void_lookups), (1, 0));
}
