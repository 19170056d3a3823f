//! Does one thing for each path and answers with what came of it, as text.

use std::{cell::Cell, pin::pin, time::Duration};

use bytes::Bytes;
use futures::{
    future::{Either, select},
    stream,
};
use http_body::Frame;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use spin_sdk::{
    experimental::wasi::keyvalue::{atomics, batch, store},
    http::{IntoResponse, Request},
    http_service,
    key_value::Store,
    variables, wasip3,
};

thread_local! {
    /// How many requests this instance has seen.
    static SEEN: Cell<u32> = const { Cell::new(0) };
    /// Whether a request waits for another one.
    static ASLEEP: Cell<bool> = const { Cell::new(false) };
    static RUNG: Cell<bool> = const { Cell::new(false) };
}

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    SEEN.set(SEEN.get() + 1);
    let path = request.uri().path().to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    if path == "/pieces" {
        return http::Response::builder().body(pieces(query)).map_err(|error| error.to_string());
    }
    let (status, text) = match answer(&path, &query, request).await {
        Ok(text) => (200, text),
        Err(text) => (418, text),
    };
    http::Response::builder()
        .status(status)
        .header("content-length", text.len())
        .body(Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync())
        .map_err(|error| error.to_string())
}

async fn answer(path: &str, query: &str, request: Request) -> Result<String, String> {
    match path {
        "/seen" => Ok(SEEN.get().to_string()),
        "/uri" => Ok(format!("{} {:?}", request.uri(), request.headers().get("host"))),
        "/echo" => body(request).await,
        "/patient" => patient(query, request).await,
        "/variable" => variables::get(query).await.map_err(debug),
        "/spin/set-get" => {
            let store = Store::open_default().await.map_err(debug)?;
            store.set("k", query).await.map_err(debug)?;
            let value = store.get("k").await.map_err(debug)?;
            Ok(String::from_utf8(value.unwrap_or_default()).map_err(debug)?)
        }
        "/spin/open" => Store::open(query).await.map(|_| "opened".to_owned()).map_err(debug),
        "/spin/keys" => {
            let store = Store::open_default().await.map_err(debug)?;
            let mut keys = store.get_keys().await.collect().await.map_err(debug)?;
            keys.sort();
            Ok(keys.join(","))
        }
        "/spin/concurrent" => concurrent_gets().await,
        "/wasi/open" => store::open(query).map(|_| "opened".to_owned()).map_err(debug),
        "/wasi/set-many" => {
            let bucket = store::open("default").map_err(debug)?;
            let entries = [("a".to_owned(), vec![1]), ("b".to_owned(), vec![2])];
            batch::set_many(&bucket, &entries).map_err(debug)?;
            Ok(format!("{:?}", (bucket.get("a").map_err(debug)?, bucket.get("b").map_err(debug)?)))
        }
        "/wasi/increment" => {
            let bucket = store::open("default").map_err(debug)?;
            atomics::increment(&bucket, query, 1).map(|sum| sum.to_string()).map_err(debug)
        }
        "/wasi/swap" => swap(),
        "/fetch" => fetch(query).await,
        "/after" => {
            let key = query.to_owned();
            wit_bindgen::spawn(async move {
                wasip3::clocks::monotonic_clock::wait_for(50_000_000).await;
                let store = Store::open_default().await.unwrap();
                store.set(key, "written after the response").await.unwrap();
            });
            Ok("spawned".to_owned())
        }
        "/sleep" => Ok(sleep_until_rung().await),
        "/ring" => ring(),
        "/trap" => panic!("asked to"),
        "/spin" => busy(query),
        "/grow" => grow(query),
        "/print" => {
            println!("a line from the guest");
            Ok(String::new())
        }
        _ => Err(format!("no such path: {path}")),
    }
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}

async fn body(request: Request) -> Result<String, String> {
    let bytes = request.into_body().collect().await.map_err(debug)?.to_bytes();
    Ok(format!("{} bytes", bytes.len()))
}

/// Reads the body for so many milliseconds at most.
async fn patient(millis: &str, request: Request) -> Result<String, String> {
    let nanos = 1_000_000 * millis.parse::<u64>().map_err(debug)?;
    let timer = pin!(wasip3::clocks::monotonic_clock::wait_for(nanos));
    match select(pin!(body(request)), timer).await {
        Either::Left((read, _)) => read,
        Either::Right(_) => Ok("late".to_owned()),
    }
}

/// Two pieces, and then the end, a trap, an error, or nothing ever.
fn pieces(end: String) -> UnsyncBoxBody<Bytes, String> {
    let pieces = stream::unfold(0, move |count| {
        let end = end.clone();
        async move {
            if count < 2 {
                return Some((Ok(Frame::data(Bytes::from_static(b"piece"))), count + 1));
            }
            match end.as_str() {
                "end" => None,
                "trap" => panic!("asked to"),
                "error" => Some((Err("asked to".to_owned()), 3)),
                // An hour, since a component that waits for nothing at all traps.
                _ => {
                    wasip3::clocks::monotonic_clock::wait_for(3_600_000_000_000).await;
                    None
                }
            }
        }
    });
    StreamBody::new(pieces).boxed_unsync()
}

async fn concurrent_gets() -> Result<String, String> {
    let store = Store::open_default().await.map_err(debug)?;
    let gets = (0..8).map(|index| store.get(format!("missing/{index}")));
    let found = futures::future::join_all(gets).await;
    Ok(found.iter().filter(|value| matches!(value, Ok(None))).count().to_string())
}

fn swap() -> Result<String, String> {
    let bucket = store::open("default").map_err(debug)?;
    let first = atomics::Cas::new(&bucket, "swapped").map_err(debug)?;
    let second = atomics::Cas::new(&bucket, "swapped").map_err(debug)?;
    first.current().map_err(debug)?;
    second.current().map_err(debug)?;
    let won = atomics::swap(first, b"first").is_ok();
    let Err(atomics::CasError::CasFailed(fresh)) = atomics::swap(second, b"second") else {
        return Err("the second swap did not lose".to_owned());
    };
    let retried = atomics::swap(fresh, b"second").is_ok();
    Ok(format!("{won} {retried}"))
}

async fn fetch(url: &str) -> Result<String, String> {
    let request = spin_sdk::http::get(url).await;
    let response = request.map_err(debug)?;
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.map_err(debug)?.to_bytes();
    Ok(format!("{status} {}", String::from_utf8_lossy(&bytes)))
}

/// Waits for another request in this very instance. It looks again and again, since the runtime of components has no
/// way for one task to wake another that works with today's hosts.
async fn sleep_until_rung() -> String {
    ASLEEP.set(true);
    while !RUNG.replace(false) {
        wasip3::clocks::monotonic_clock::wait_for(1_000_000).await;
    }
    "woken".to_owned()
}

fn ring() -> Result<String, String> {
    if !ASLEEP.replace(false) {
        return Err("nobody sleeps here".to_owned());
    }
    RUNG.set(true);
    Ok("rung".to_owned())
}

/// Computes for so many seconds without ever waiting.
fn busy(seconds: &str) -> Result<String, String> {
    let length = Duration::from_secs(seconds.parse().map_err(debug)?);
    let start = std::time::Instant::now();
    while start.elapsed() < length {
        std::hint::spin_loop();
    }
    Ok("done".to_owned())
}

fn grow(mebibytes: &str) -> Result<String, String> {
    let mebibytes: usize = mebibytes.parse().map_err(debug)?;
    let mut memory: Vec<u8> = Vec::new();
    memory.try_reserve_exact(mebibytes << 20).map_err(debug)?;
    memory.resize(mebibytes << 20, 1);
    Ok(std::hint::black_box(&memory).len().to_string())
}
