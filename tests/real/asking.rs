//! The DNS itself: it answers over HTTPS and without, and has exactly the trouble that is asked for.

use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, body::Bytes};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use mail_auth::hickory_resolver::proto::{
    op::{Message, Query, ResponseCode},
    rr::{Name, RData, RecordType},
};
use tokio::time::timeout;

use crate::dns::{DnsServer, Trouble, txt};

/// Asks for a text record over HTTPS.
async fn ask(dns: &DnsServer, name: &str) -> Result<Message, StatusCode> {
    let mut question = Message::query();
    let name = Name::from_ascii(format!("{name}.")).unwrap();
    question.add_query(Query::query(name, RecordType::TXT));
    let request = Request::post(format!("{}/dns-query", dns.doh_origin()))
        .header("content-type", "application/dns-message")
        .body(Full::<Bytes>::from(question.to_vec().unwrap()))
        .unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http();
    let answer = client.request(request).await.unwrap();
    if answer.status() != StatusCode::OK {
        return Err(answer.status());
    }
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Ok(Message::from_vec(&body).unwrap())
}

async fn texts(dns: &DnsServer, name: &str) -> Vec<String> {
    let answer = ask(dns, name).await.unwrap();
    let text = |data: &RData| match data {
        RData::TXT(text) => Some(String::from_utf8(text.txt_data.concat()).unwrap()),
        _ => None,
    };
    let answers = answer.answers.iter();
    answers.filter_map(|record| text(&record.data)).collect()
}

async fn code(dns: &DnsServer, name: &str) -> ResponseCode {
    ask(dns, name).await.unwrap().metadata.response_code
}

#[tokio::test(flavor = "multi_thread")]
async fn zones_are_served_and_replaced() {
    let dns = DnsServer::start(&[("example.com", "a TXT one"), ("example.net", "a TXT two")]).await;
    assert_eq!(texts(&dns, "a.example.com").await, ["one"]);
    assert_eq!(texts(&dns, "a.example.net").await, ["two"]);
    assert_eq!(code(&dns, "b.example.com").await, ResponseCode::NXDomain);
    assert_eq!(code(&dns, "a.example.org").await, ResponseCode::Refused);

    for n in 0..10 {
        dns.set_zone("example.com", &format!("a TXT {n}")).await;
        assert_eq!(texts(&dns, "a.example.com").await, [n.to_string()]);
    }
    dns.set_zone("example.org", "a TXT three").await;
    assert_eq!(texts(&dns, "a.example.org").await, ["three"]);
    assert_eq!(texts(&dns, "a.example.net").await, ["two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_any_size_and_octets_arrive_whole() {
    let quoted = r#"v=spf1 "a\b; c"  -all"#;
    let long = "0123456789".repeat(600);
    let zone = format!("quoted {}\nlong {}\n", txt(quoted), txt(&long));
    let dns = DnsServer::start(&[("example.com", &zone)]).await;
    assert_eq!(texts(&dns, "quoted.example.com").await, [quoted]);
    // More than UDP carries.
    assert_eq!(texts(&dns, "long.example.com").await, [long]);
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_is_with_one_name_and_ends() {
    let zone = "a TXT one\nb TXT two\n";
    let dns = DnsServer::start(&[("example.com", zone)]).await;
    for (trouble, expected) in [
        (Trouble::ServerFailure, ResponseCode::ServFail),
        (Trouble::Refused, ResponseCode::Refused),
    ] {
        dns.trouble("a.example.com", trouble).await;
        assert_eq!(code(&dns, "a.example.com").await, expected);
        assert_eq!(code(&dns, "x.a.example.com").await, expected);
        assert_eq!(texts(&dns, "b.example.com").await, ["two"]);
        dns.heal().await;
        assert_eq!(texts(&dns, "a.example.com").await, ["one"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_can_be_cut_off_dropped_and_held_back() {
    let dns = DnsServer::start(&[("example.com", "a TXT one\nb TXT two\n")]).await;
    dns.trouble("a.example.com", Trouble::Truncated).await;
    let answer = ask(&dns, "a.example.com").await.unwrap();
    assert!(answer.metadata.truncation && answer.answers.is_empty());
    dns.heal().await;

    dns.trouble("a.example.com", Trouble::Dropped).await;
    let status = ask(&dns, "a.example.com").await.unwrap_err();
    assert_eq!(status, StatusCode::FORBIDDEN);
    dns.heal().await;

    dns.trouble("a.example.com", Trouble::Silent).await;
    let wait = Duration::from_secs(3);
    let answer = timeout(wait, ask(&dns, "a.example.com")).await;
    assert!(answer.is_err(), "no answer at all");
    assert_eq!(texts(&dns, "b.example.com").await, ["two"]);
}

#[tokio::test(flavor = "multi_thread")]
#[expect(
    clippy::disallowed_methods,
    reason = "what is tested is how long it takes"
)]
async fn answers_can_be_slow() {
    let dns = DnsServer::start(&[("example.com", "a TXT one\nb TXT two\n")]).await;
    let by = Duration::from_millis(700);
    dns.trouble("a.example.com", Trouble::Slow(by)).await;
    let start = Instant::now();
    let (slow, other) = tokio::join!(texts(&dns, "a.example.com"), async {
        let found = texts(&dns, "b.example.com").await;
        (found, start.elapsed())
    });
    let took = start.elapsed();
    assert_eq!(slow, ["one"]);
    assert_eq!(other.0, ["two"]);
    assert!(took >= by && other.1 < took, "{took:?}, {:?}", other.1);
}
