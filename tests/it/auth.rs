//! Access keys: section 2 of the API's contract.

use std::time::Duration;

use tests::{ACCESS_KEY_SECONDARY, API_VERSION, Answer, PathForm, Request, Setup, Signer, System};

const OTHER_KEY: &str = "YW5vdGhlciBrZXkgdGhhdCBub2JvZHkgY29uZmlndXJlZA==";

/// A poll for nothing: 404 says that the caller was let in.
fn poll() -> Request {
    let id = "0f9a3c1e-5d7b-4c7a-9b11-3a64d5c0a1ff";
    Request::new(
        "GET",
        &format!("/emails/operations/{id}?api-version={API_VERSION}"),
    )
}

#[track_caller]
fn is_let_in(what: &str, answer: &Answer) {
    assert_eq!(answer.problem().0, 404, "{what}: {:?}", answer.body);
}

#[track_caller]
fn is_refused(what: &str, answer: &Answer) {
    let expected = (401, "Denied".to_owned(), None);
    assert_eq!(answer.problem(), expected, "{what}");
    assert!(
        answer.field("retry-after").is_none(),
        "SDKs would send it again"
    );
}

async fn signed_for(system: &System, host: &str) -> Answer {
    system.client.call(Signer::new(host).sign(poll())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_host_an_sdk_may_have_signed_is_taken() {
    let system = Setup::default()
        .variable(
            "public_url",
            "https://Mail.Example.com:8443/base http://b.example/",
        )
        .start()
        .await;
    let port = system.client.address().port();
    let authority = system.authority();
    let hosts = [
        (authority.as_str(), "as received"),
        ("127.0.0.1", "Java leaves the port out"),
        (
            "Mail.Example.com:8443/base",
            "Python keeps case, port and path of its endpoint",
        ),
        ("b.example", "another public name"),
    ];
    for (host, what) in hosts {
        is_let_in(what, &signed_for(&system, host).await);
    }
    let strangers = ["evil.example", "127.0.0.1:1", "", "mail.example.org"];
    for host in strangers {
        is_refused(host, &signed_for(&system, host).await);
    }
    let forwarded = poll().field("x-forwarded-host", "shown.example");
    let answer = system
        .client
        .call(Signer::new("shown.example").sign(forwarded))
        .await;
    is_let_in("what the proxy says the caller wrote", &answer);
    let named = poll().field("host", "named.example");
    let answer = system
        .client
        .call(Signer::new("named.example:80").sign(named))
        .await;
    is_let_in("the default port written out", &answer);
    let named = poll().field("host", &format!("named.example:{port}"));
    let answer = system
        .client
        .call(Signer::new("named.example").sign(named))
        .await;
    is_let_in("a name, without its port", &answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_keys_are_taken_and_no_other() {
    let system = Setup::default().start().await;
    let with = |key: &str| system.client.call(system.signer().key(key).sign(poll()));
    is_let_in("the secondary key", &with(ACCESS_KEY_SECONDARY).await);
    is_refused("a wrong key", &with(OTHER_KEY).await);
    is_refused("an empty key", &with("").await);
    let message = system.message("with a wrong key");
    let request = system
        .signer()
        .key(OTHER_KEY)
        .sign(system.submission(&message));
    is_refused("a message", &system.client.call(request).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn old_python_signs_the_path_without_its_slash() {
    let system = Setup::default().start().await;
    let signer = system.signer().path(PathForm::WithoutSlash);
    is_let_in(
        "without its slash",
        &system.client.call(signer.sign(poll())).await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_may_differ_by_fifteen_minutes() {
    let system = Setup::default().start().await;
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let call = |signer: Signer| system.client.call(signer.sign(poll()));
    is_let_in(
        "14 minutes late",
        &call(system.signer().late(minutes(14))).await,
    );
    is_let_in(
        "14 minutes early",
        &call(system.signer().early(minutes(14))).await,
    );
    is_refused(
        "16 minutes late",
        &call(system.signer().late(minutes(16))).await,
    );
    is_refused(
        "16 minutes early",
        &call(system.signer().early(minutes(16))).await,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_signature_may_be_missing_or_of_another_request() {
    let system = Setup::default().start().await;
    let signed = system.signer().sign(poll());
    for name in ["authorization", "x-ms-date", "x-ms-content-sha256"] {
        let answer = system.client.call(signed.clone().without(name)).await;
        is_refused(name, &answer);
    }
    let changed = |change: &dyn Fn(&mut Request)| {
        let mut request = signed.clone();
        change(&mut request);
        system.client.call(request)
    };
    is_refused(
        "another query",
        &changed(&|r| r.target.push_str("&a=b")).await,
    );
    is_refused(
        "another date",
        &changed(&|r| {
            *r = r
                .clone()
                .without("x-ms-date")
                .field("x-ms-date", "Wed, 13 Apr 2022 18:09:12 GMT");
        })
        .await,
    );
    is_refused(
        "no date at all",
        &changed(&|r| {
            *r = r
                .clone()
                .without("x-ms-date")
                .field("x-ms-date", "yesterday");
        })
        .await,
    );
    is_refused(
        "another scheme",
        &changed(&|r| {
            *r = r
                .clone()
                .without("authorization")
                .field("authorization", "Bearer x");
        })
        .await,
    );
    let mut message = system
        .signer()
        .sign(system.submission(&system.message("good")));
    message.body = system.message("evil").to_string().into();
    is_refused("another body", &system.client.call(message).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_signature_is_no_replay() {
    let system = Setup::default().start().await;
    // JavaScript signs once and sends the same fields again with each retry.
    let signed = system.signer().sign(poll());
    for _ in 0..3 {
        is_let_in(
            "the same fields again",
            &system.client.call(signed.clone()).await,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_should_have_been_signed_is_told_only_when_asked_for() {
    let silent = Setup::default().start().await;
    let answer = signed_for(&silent, "evil.example").await;
    let text = answer.text("/error/message").unwrap();
    assert!(
        !text.contains("x-ms-date") && !text.contains("GET"),
        "{text}"
    );
    let explaining = Setup::default()
        .variable("explain_auth", "true")
        .start()
        .await;
    let answer = signed_for(&explaining, "evil.example").await;
    is_refused("explained", &answer);
    let text = answer.text("/error/message").unwrap();
    assert!(text.contains("/emails/operations/"), "{text}");
    assert!(text.contains(&explaining.authority()), "{text}");
}

/// The answer comes although the body never does.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_refused_before_their_body_is_read() {
    let system = Setup::default().start().await;
    let head = Request::new("POST", &format!("/emails:send?api-version={API_VERSION}"))
        .field("host", &system.authority())
        .field("content-type", "application/json")
        .field("connection", "close")
        .field("content-length", "9000000")
        .head();
    let (answer, _) = system.client.flood(&format!("{head}\r\n"), b"", 0).await;
    is_refused("an unsigned request", &answer);
}
