//! The lists that operators keep, and what they hold back.

use serde_json::{Value, json};
use tests::{Answer, Faults, Request, Setup, System};

use crate::customer::{as_operator, check};

/// Base64 of 16 octets.
const HASH_KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";
const PERSON: &str = "person@secret.example";

async fn put(system: &System, target: &str, body: &Value) -> Answer {
    system
        .client
        .call(as_operator("PUT", target).json(body))
        .await
}

async fn import(system: &System, target: &str, media_type: &str, file: String) -> Vec<Value> {
    let request: Request = as_operator("POST", target).field("content-type", media_type);
    let answer = system.client.call(request.body(file)).await.expect(200);
    let text = String::from_utf8(answer.body.to_vec()).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

async fn export(system: &System, target: &str) -> String {
    let answer = system.operate("GET", target).await.expect(200);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// All that the pages from `target` on have.
async fn all(system: &System, target: &str) -> Vec<Value> {
    let (mut target, mut values) = (target.to_owned(), Vec::new());
    loop {
        let page = system.operate("GET", &target).await.expect(200).json();
        values.extend(page["value"].as_array().unwrap().clone());
        match &page["nextLink"] {
            Value::String(next) => target = next.clone(),
            _ => return values,
        }
    }
}

fn lists(system: &System) -> String {
    format!("/domains/{}/suppressionLists", system.domain_name())
}

/// Where mail to each of `recipients` ends.
async fn statuses(system: &System, recipients: &[&str]) -> Vec<String> {
    let mut statuses = Vec::new();
    for recipient in recipients {
        let mut message = system.message("to find out");
        message["recipients"]["to"] = json!([{"address": recipient}]);
        let id = system.accepted(&message).await;
        let outcome = system.outcome(&id).await;
        statuses.push(outcome["status"].as_str().unwrap().to_owned());
    }
    statuses
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_resources_as_in_acs_and_each_holds_back_its_senders_mail() {
    let system = Setup::default().start().await;
    let base = lists(&system);
    let made = put(&system, &format!("{base}/all"), &json!({}))
        .await
        .expect(201)
        .json();
    assert_eq!(
        (&made["name"], &made["listName"]),
        (&json!("all"), &json!(""))
    );
    assert!(made["createdTimeStamp"].is_string() && made["lastUpdatedTimeStamp"].is_string());
    let list_name = json!({"listName": "DoNotReply"});
    put(&system, &format!("{base}/mine"), &list_name)
        .await
        .expect(201);
    put(&system, &format!("{base}/MINE"), &list_name)
        .await
        .expect(200);
    put(
        &system,
        &format!("{base}/news"),
        &json!({"listName": "news"}),
    )
    .await
    .expect(201);
    let names: Vec<Value> = all(&system, &base)
        .await
        .iter()
        .map(|list| list["name"].clone())
        .collect();
    assert_eq!(names, ["all", "mine", "news"]);

    for (list, email) in [
        ("all", "domain@example.com"),
        ("mine", "sender@example.com"),
        ("news", "other@example.com"),
    ] {
        let target = format!("{base}/{list}/suppressionListAddresses/a-1");
        let body = json!({"email": email, "firstName": "Ann", "lastName": "B", "notes": "asked"});
        let made = put(&system, &target, &body).await.expect(201).json();
        assert_eq!(
            (&made["email"], &made["firstName"]),
            (&json!(email), &json!("Ann"))
        );
        assert!(made["lastModified"].is_string());
        put(&system, &target, &body).await.expect(200);
        let got = system.operate("GET", &target).await.expect(200).json();
        assert_eq!(
            (&got["name"], &got["notes"]),
            (&json!("a-1"), &json!("asked"))
        );
    }
    put(
        &system,
        "/suppressions/everywhere%40example.com",
        &Value::Null,
    )
    .await;
    put(
        &system,
        "/suppressions/everywhere@example.com",
        &json!({"notes": "x"}),
    )
    .await;
    let recipients = [
        "domain@Example.com",
        "SENDER@example.com",
        "other@example.com",
        "everywhere@example.com",
    ];
    let expected = ["Failed", "Failed", "Succeeded", "Failed"];
    assert_eq!(statuses(&system, &recipients).await, expected);

    let explained =
        |sender: String| format!("/suppressions/sender@example.com:explain?sender={sender}");
    let explained = system
        .operate("GET", &explained(system.sender()))
        .await
        .expect(200)
        .json();
    assert_eq!(explained["isWrittenTo"], false);
    assert_eq!(
        (
            &explained["lists"][0]["scope"],
            &explained["lists"][0]["suppressionList"]
        ),
        (&json!("Sender"), &json!("mine"))
    );
    let free = system
        .operate("GET", "/suppressions/free@example.com:explain")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&free["isWrittenTo"], &free["lists"]),
        (&json!(true), &json!([]))
    );

    let address = format!("{base}/mine/suppressionListAddresses/a-1");
    system.operate("DELETE", &address).await.expect(200);
    system.operate("DELETE", &address).await.expect(204);
    check(
        &system.operate("GET", &address).await,
        (404, "SuppressionNotFound", Some("email")),
    );
    system
        .operate("DELETE", &format!("{base}/all"))
        .await
        .expect(200);
    system
        .operate("DELETE", &format!("{base}/all"))
        .await
        .expect(204);
    system
        .operate("DELETE", "/suppressions/EVERYWHERE@example.com")
        .await
        .expect(204);
    let gone = system
        .operate("DELETE", "/suppressions/everywhere@example.com")
        .await;
    check(&gone, (404, "SuppressionNotFound", Some("email")));
    assert_eq!(statuses(&system, &recipients).await, ["Succeeded"; 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_put_says_why() {
    let system = Setup::default().start().await;
    let base = lists(&system);
    put(&system, &format!("{base}/l"), &json!({"listName": "news"}))
        .await
        .expect(201);
    let entry = format!("{base}/l/suppressionListAddresses/a");
    let long = "x".repeat(1025);
    let rows = [
        (
            format!("{base}/a%20b"),
            json!({}),
            (400, "InvalidResourceName", Some("name")),
        ),
        (
            format!("{base}/a%0d%0ab"),
            json!({}),
            (400, "InvalidResourceName", Some("name")),
        ),
        (
            format!("{base}/{}", "a".repeat(254)),
            json!({}),
            (400, "InvalidResourceName", Some("name")),
        ),
        (
            format!("{base}/m"),
            json!({"listName": "a\r\nb"}),
            (400, "InvalidListName", Some("listName")),
        ),
        (
            format!("{base}/m"),
            json!({"listName": "NEWS"}),
            (409, "ListNameInUse", Some("listName")),
        ),
        (
            format!("{base}/l"),
            json!({"listName": "other"}),
            (409, "ListNameFixed", Some("listName")),
        ),
        (
            format!("{base}/m"),
            json!({"other": 1}),
            (400, "BadRequest", None),
        ),
        (
            entry.clone(),
            json!({}),
            (400, "InvalidEmailAddress", Some("email")),
        ),
        (
            entry.clone(),
            json!({"email": "a@b.example\r\nBcc: x@y.example"}),
            (400, "InvalidEmailAddress", Some("email")),
        ),
        (
            entry.clone(),
            json!({"email": "a@b.example", "firstName": "a\r\nb"}),
            (400, "BadRequest", Some("firstName")),
        ),
        (
            entry.clone(),
            json!({"email": "a@b.example", "notes": long}),
            (400, "BadRequest", Some("notes")),
        ),
        (
            format!("{base}/l/suppressionListAddresses/slot-1"),
            json!({"email": "a@b.example"}),
            (400, "InvalidResourceName", Some("name")),
        ),
        (
            format!("{base}/none/suppressionListAddresses/a"),
            json!({"email": "a@b.example"}),
            (404, "SuppressionListNotFound", Some("suppressionList")),
        ),
        (
            "/suppressions/nobody".to_owned(),
            json!({}),
            (400, "InvalidEmailAddress", Some("email")),
        ),
        (
            "/suppressions/a@b.example%0d%0a".to_owned(),
            json!({}),
            (400, "InvalidEmailAddress", Some("email")),
        ),
        (
            "/suppressions/%ff@b.example".to_owned(),
            json!({}),
            (400, "InvalidEmailAddress", Some("email")),
        ),
        (
            "/domains/none.example/suppressionLists/l".to_owned(),
            json!({}),
            (404, "DomainNotFound", Some("domain")),
        ),
    ];
    for (target, body, expected) in rows {
        check(&put(&system, &target, &body).await, expected);
    }
    put(&system, &entry, &json!({"email": "a@b.example"}))
        .await
        .expect(201);
    let other = format!("{base}/l/suppressionListAddresses/b");
    let twice = put(&system, &other, &json!({"email": "A@b.example"})).await;
    check(&twice, (409, "AddressAlreadyListed", Some("email")));
    let sender = system
        .operate("GET", "/suppressions/a@b.example:explain?sender=x")
        .await;
    check(&sender, (400, "InvalidEmailAddress", Some("sender")));
    let format = as_operator("POST", "/suppressions:import").body("x");
    check(
        &system.client.call(format).await,
        (400, "UnsupportedFormat", Some("format")),
    );
    for (method, target) in [
        ("PATCH", "/suppressions"),
        ("GET", "/suppressions:import"),
        ("POST", "/suppressions:export"),
        ("POST", "/suppressions/a@b.example:explain"),
    ] {
        check(
            &system.operate(method, target).await,
            (405, "MethodNotAllowed", None),
        );
    }
    let stranger = system
        .client
        .call(Request::new("GET", "/suppressions"))
        .await;
    check(&stranger, (401, "Unauthorized", None));
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_lines_are_imported_with_a_report_and_exported_again() {
    let system = Setup::default().start().await;
    let mut file = "email,firstName,notes\r\n".to_owned();
    for n in 0..20_000 {
        match n % 1_000 {
            7 => file.push_str("nobody,,\r\n"),
            _ => file.push_str(&format!("person{n}@example.com,Ann,\"row, {n}\"\r\n")),
        }
    }
    let told = import(&system, "/suppressions:import", "text/csv", file).await;
    assert!(told.len() >= 2, "progress is told of: {told:?}");
    assert_eq!(told[0]["status"], "Running");
    let report = told.last().unwrap();
    assert_eq!(report["status"], "Succeeded", "{report}");
    assert_eq!(
        (&report["rows"], &report["added"], &report["bad"]),
        (&json!(20_000), &json!(19_980), &json!(20))
    );
    assert_eq!(report["badLines"][0]["line"], 9);
    assert!(
        report["badLines"][0]["message"]
            .as_str()
            .unwrap()
            .contains("at sign")
    );

    let file = export(&system, "/suppressions:export?format=ndjson").await;
    assert_eq!(file.lines().count(), 19_980);
    let told = import(
        &system,
        "/suppressions:import?format=ndjson",
        "",
        file.clone(),
    )
    .await;
    let report = told.last().unwrap();
    assert_eq!(
        (&report["unchanged"], &report["bad"]),
        (&json!(19_980), &json!(0)),
        "{report}"
    );
    let base = lists(&system);
    put(&system, &format!("{base}/l"), &json!({}))
        .await
        .expect(201);
    let head: String = file
        .lines()
        .take(230)
        .map(|line| format!("{line}\n"))
        .collect();
    let target = format!("{base}/l:import");
    import(&system, &target, "application/x-ndjson", head).await;
    let listed = all(
        &system,
        &format!("{base}/l/suppressionListAddresses?top=100"),
    )
    .await;
    assert_eq!(listed.len(), 230);
    assert_eq!(listed[0]["name"], "slot-1");
    let csv = export(&system, &format!("{base}/l:export?format=csv")).await;
    assert_eq!(csv.lines().count(), 231);
    assert_eq!(all(&system, "/suppressions?top=100").await.len(), 19_980);
    assert_eq!(
        statuses(&system, &["PERSON19@example.com", "person7@example.com"]).await,
        ["Failed", "Succeeded"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_hash_key_the_lists_hold_no_address() {
    let system = Setup::default()
        .variable("suppression_hash_key", HASH_KEY)
        .start()
        .await;
    let target = format!("/suppressions/{PERSON}");
    let made = put(&system, &target, &json!({"notes": PERSON}))
        .await
        .expect(201)
        .json();
    let hash = made["hash"].as_str().unwrap().to_owned();
    assert_eq!(
        (hash.len(), &made["email"], &made["notes"]),
        (64, &Value::Null, &json!(""))
    );
    let base = lists(&system);
    put(&system, &format!("{base}/l"), &json!({}))
        .await
        .expect(201);
    let file = format!("email,notes\n2{PERSON},{PERSON}\n");
    import(&system, &format!("{base}/l:import"), "text/csv", file).await;
    if let Some(store) = system.store() {
        for (key, value) in store.entries() {
            let text = format!("{key} {}", String::from_utf8_lossy(&value));
            assert!(!text.contains("secret.example"), "{text}");
        }
    }
    let explained = system
        .operate("GET", &format!("{target}:explain"))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&explained["isWrittenTo"], &explained["lists"][0]["hash"]),
        (&json!(false), &json!(hash))
    );
    let listed = all(&system, "/suppressions").await;
    assert_eq!(listed[0]["hash"], json!(hash));
    let file = export(&system, "/suppressions:export?format=csv").await;
    assert!(file.contains(&hash) && !file.contains(PERSON), "{file}");
    let told = import(&system, "/suppressions:import", "text/csv", file).await;
    assert_eq!(told.last().unwrap()["unchanged"], 1, "{told:?}");
    assert_eq!(
        statuses(&system, &[PERSON, &format!("2{PERSON}")]).await,
        ["Failed", "Failed"]
    );
    system
        .operate("DELETE", &format!("/suppressions/{hash}"))
        .await
        .expect(204);
    assert_eq!(statuses(&system, &[PERSON]).await, ["Succeeded"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_key_that_lists_were_written_with_nothing_is_sent() {
    let first = Setup::default()
        .variable("suppression_hash_key", HASH_KEY)
        .start()
        .await;
    put(&first, &format!("/suppressions/{PERSON}"), &json!({}))
        .await
        .expect(201);
    let Some(store) = first.store().cloned() else {
        return;
    };
    drop(first);
    let second = Setup::default().store(&store).start().await;
    let refused = second.operate("GET", "/suppressions").await;
    check(&refused, (503, "ServiceUnavailable", None));
    let id = second.accepted(&second.message("kept back")).await;
    second.tick().await;
    assert_eq!(second.operation(&id).await.json()["status"], "Running");
    assert!(second.inbox().subjects().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_fails_the_request_and_cuts_off_what_is_streamed() {
    let system = Setup::default().start().await;
    let Some(store) = system.store() else { return };
    let base = lists(&system);
    put(&system, &format!("{base}/l"), &json!({}))
        .await
        .expect(201);
    store.set_faults(Faults::Writes);
    let unavailable = (503, "ServiceUnavailable", None);
    check(
        &put(&system, "/suppressions/a@b.example", &json!({})).await,
        unavailable,
    );
    check(
        &put(&system, &format!("{base}/m"), &json!({"listName": "m"})).await,
        unavailable,
    );
    let told = import(
        &system,
        "/suppressions:import",
        "text/csv",
        "email\na@b.example\n".to_owned(),
    )
    .await;
    let report = told.last().unwrap();
    assert_eq!(
        (&report["status"], &report["error"]["code"]),
        (&json!("Failed"), &json!("ServiceUnavailable"))
    );
    assert_eq!(report["added"], 0);
    store.set_faults(Faults::All);
    check(
        &system
            .operate("GET", "/suppressions/a@b.example:explain")
            .await,
        unavailable,
    );
    check(
        &system
            .operate("GET", "/suppressions:export?format=csv")
            .await,
        unavailable,
    );
    store.set_faults(Faults::None);
    system
        .operate("GET", "/suppressions/a@b.example")
        .await
        .expect(404);
}
