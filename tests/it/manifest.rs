//! What `spin.toml` grants: each component as little as it needs. A change here is a change of what an intruder gets.

use std::collections::BTreeMap;

use devhost::{Component, Manifest};
use tests::manifest_path;

fn components() -> BTreeMap<String, Component> {
    Manifest::read(&manifest_path()).unwrap().components
}

#[test]
fn each_component_reaches_only_what_its_work_needs() {
    let found: Vec<(String, Vec<String>)> = components()
        .into_iter()
        .map(|(id, component)| (id, component.allowed_outbound_hosts))
        .collect();
    let expected = [
        // It alone reaches the relay; domains are looked at again by the tick.
        (
            "dispatch",
            vec![
                "{{ relay_url }}",
                "{{ doh_url }}",
                "http://notify.spin.internal",
            ],
        ),
        // It holds the master key, and asks the DNS and a sibling only.
        (
            "manage",
            vec!["{{ doh_url }}", "http://notify.spin.internal"],
        ),
        // Subscribers' endpoints are anywhere; it holds nothing but what signs for them.
        ("notify", vec!["https://*:*", "http://*:*"]),
        // It only reads.
        ("query", vec![]),
        // Applications reach it; it reaches nobody but its sibling.
        ("send", vec!["http://dispatch.spin.internal"]),
        // Whoever got mail reaches it; the same.
        ("track", vec!["http://notify.spin.internal"]),
        // Relays reach it, and whoever can write mail; the same.
        ("webhook", vec!["http://notify.spin.internal"]),
    ];
    let expected: Vec<(String, Vec<String>)> = expected
        .into_iter()
        .map(|(id, hosts)| {
            (
                id.to_owned(),
                hosts.into_iter().map(str::to_owned).collect(),
            )
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn every_component_has_the_default_store_and_no_other() {
    for (id, component) in components() {
        assert_eq!(component.key_value_stores, ["default"], "{id}");
    }
}

#[test]
fn each_secret_is_known_only_where_it_is_used() {
    let rows = [
        ("access_key_primary", vec!["query", "send"]),
        ("access_key_secondary", vec!["query", "send"]),
        ("admin_token", vec!["dispatch", "manage", "query"]),
        ("link_key", vec!["dispatch", "track"]),
        ("link_key_previous", vec!["dispatch", "track"]),
        ("master_key", vec!["dispatch", "manage"]),
        ("master_key_previous", vec!["dispatch", "manage"]),
        ("relay_event_secret", vec!["webhook"]),
        ("relay_token", vec!["dispatch"]),
        ("report_token", vec!["webhook"]),
        ("return_path_key", vec!["dispatch", "webhook"]),
        ("webhook_key", vec!["manage", "notify"]),
        ("suppression_hash_key", vec!["dispatch", "manage", "notify"]),
    ];
    let components = components();
    for (secret, expected) in rows {
        let knows = |(_, component): &(&String, &Component)| {
            component
                .variables
                .values()
                .any(|template| template.contains(secret))
        };
        let found: Vec<&str> = components
            .iter()
            .filter(knows)
            .map(|(id, _)| id.as_str())
            .collect();
        assert_eq!(found, expected, "{secret}");
    }
}

/// Every component of the manifest is driven by a test of this package; a new one needs a module here.
#[test]
fn there_is_no_component_without_a_test() {
    let found: Vec<String> = components().into_keys().collect();
    assert_eq!(
        found,
        [
            "dispatch", "manage", "notify", "query", "send", "track", "webhook"
        ]
    );
}
