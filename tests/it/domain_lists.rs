//! What is listed of customers' domains, page by page, and the usernames that may send.

use serde_json::{Value, json};
use tests::System;

use crate::customer::{Customer, SHOP, Stage, check};

/// Follows `nextLink` from `target` to the end and returns the pages.
async fn pages(system: &System, target: &str) -> Vec<Vec<Value>> {
    let mut target = target.to_owned();
    let mut pages = Vec::new();
    loop {
        assert!(pages.len() < 100, "the pages do not end");
        let page = system.operate("GET", &target).await.expect(200).json();
        pages.push(page["value"].as_array().unwrap().clone());
        match &page["nextLink"] {
            Value::String(next) => target = next.clone(),
            end => {
                assert_eq!(end, &Value::Null);
                return pages;
            }
        }
    }
}

fn names(pages: &[Vec<Value>], name: &str) -> Vec<String> {
    let values = pages.iter().flatten();
    values
        .map(|value| value[name].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn domains_are_listed_once_each_however_small_the_pages() {
    let customer = Customer::at(Stage::Published).await;
    let managed = customer
        .system
        .operate("GET", "/domains/ManagedDomain")
        .await;
    let managed = managed.text("/name").unwrap();
    for (top, count) in [("?top=1", 2), ("?top=2", 1), ("?top=100", 1), ("", 1)] {
        let pages = pages(&customer.system, &format!("/domains{top}")).await;
        assert_eq!(pages.len(), count, "{top}");
        assert_eq!(names(&pages, "name"), [managed.as_str(), SHOP], "{top}");
    }
    customer.call("DELETE", "").await.expect(204);
    let listed = pages(&customer.system, "/domains?top=1").await;
    assert_eq!(names(&listed, "name"), [managed]);
}

async fn put(customer: &Customer, username: &str, display_name: Option<&str>) -> (u16, Value) {
    let path = format!("/senderUsernames/{username}");
    let body = json!({ "displayName": display_name });
    let answer = customer.call_with("PUT", &path, &body).await;
    (answer.status, answer.json())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_sends_under_its_display_name_until_it_is_removed() {
    let customer = Customer::at(Stage::Verified).await;
    let (status, sender) = put(&customer, "News", Some("The News")).await;
    let expected = json!({"username": "News", "displayName": "The News"});
    assert_eq!((status, sender), (201, expected));
    let (status, sender) = put(&customer, "news", Some("The Shop")).await;
    let expected = json!({"username": "news", "displayName": "The Shop"});
    assert_eq!((status, &sender), (200, &expected), "in any letter case");
    let got = customer.call("GET", "/senderUsernames/NEWS").await;
    assert_eq!(got.expect(200).json(), expected);

    let message = customer.message("News", "from a username");
    customer.system.accepted(&message).await;
    let arrived = customer.system.inbox().arrival("from a username").await;
    let text = arrived.text().to_lowercase();
    assert!(text.contains("the shop"), "{text}");
    assert!(text.contains(&format!("<news@{SHOP}>")), "{text}");
    assert_eq!(customer.signatures(&arrived.source).len(), 2);

    let removed = customer.call("DELETE", "/senderUsernames/nEWS").await;
    removed.expect(204);
    let refused = (400, "InvalidSenderUserName", Some("senderAddress"));
    check(&customer.refusal("news").await, refused);
    let gone = (404, "SenderUsernameNotFound", Some("username"));
    for method in ["GET", "DELETE"] {
        check(&customer.call(method, "/senderUsernames/news").await, gone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_has_at_most_a_hundred_usernames_and_keeps_the_first() {
    let customer = Customer::at(Stage::Published).await;
    for n in 1..100 {
        let (status, _) = put(&customer, &format!("user{n}"), None).await;
        assert_eq!(status, 201, "{n}");
    }
    let (status, refused) = put(&customer, "user100", None).await;
    assert_eq!(status, 409);
    assert_eq!(refused["error"]["code"], "TooManySenderUsernames");
    let (status, _) = put(&customer, "user99", Some("Changed")).await;
    assert_eq!(status, 200, "one that is there takes no more room");
    let kept = customer.call("DELETE", "/senderUsernames/donotreply").await;
    check(&kept, (409, "DefaultSenderUsername", Some("username")));
    lists_all_usernames(&customer).await;
    lists_all_events(&customer).await;
    let removed = customer.call("DELETE", "/senderUsernames/user1").await;
    removed.expect(204);
    let (status, _) = put(&customer, "user100", None).await;
    assert_eq!(status, 201, "there is room again");
}

async fn lists_all_usernames(customer: &Customer) {
    let target = format!("/domains/{SHOP}/senderUsernames");
    let pages = pages(&customer.system, &target).await;
    assert!(pages.len() >= 2);
    let users = (1..100).map(|n| format!("user{n}"));
    let expected: Vec<String> = ["DoNotReply".to_owned()].into_iter().chain(users).collect();
    assert_eq!(names(&pages, "username"), expected);
}

async fn lists_all_events(customer: &Customer) {
    let target = format!("/domains/{SHOP}/history");
    let pages = pages(&customer.system, &target).await;
    assert!(pages.len() >= 2);
    let kinds = names(&pages, "kind");
    assert_eq!(kinds.last().map(String::as_str), Some("DomainAdded"));
    let times = names(&pages, "at");
    assert!(
        times.is_sorted_by(|later, earlier| later >= earlier),
        "the newest first"
    );
    let set = pages
        .iter()
        .flatten()
        .filter(|event| event["kind"] == "SenderSet");
    let mut set: Vec<&str> = set.map(|event| event["detail"].as_str().unwrap()).collect();
    set.reverse();
    let users = (1..100).map(|n| format!("user{n}"));
    let expected: Vec<String> = users.chain(["user99".to_owned()]).collect();
    assert_eq!(set, expected);
}
