//! Requests of those who got mail, as their browsers make them: links that they follow, and images that are fetched.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use devhost::{KeyValue as _, SqliteKeyValue};
use http::{Request, StatusCode};
use http_body_util::Full;
use mailer::journal::JournalEntry;
use mailer::keys::decode;
use mailer::link::{LinkKeys, Reader};
use mailer::token_key::TokenKey;

use crate::Failure;
use crate::connection::Exchange;
use crate::stock;
use crate::systems::link_key;

const TARGET: &str =
    "https://shop.example.com/products/blue-shoes?utm_source=newsletter&utm_medium=email";
const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
/// What `bench-guest` answers at once, and does nothing.
const NOTHING: Route = Route {
    prefix: "/jobs/",
    answer: StatusCode::ACCEPTED,
};

/// What it answers when it has written one small value.
const LEAST: Route = Route {
    prefix: "/least/",
    answer: StatusCode::ACCEPTED,
};

/// What is asked for.
#[derive(Clone, Copy)]
pub(crate) enum Asked {
    Click,
    Open,
}

#[derive(Clone, Copy)]
struct Route {
    prefix: &'static str,
    answer: StatusCode,
}

impl Asked {
    pub(crate) const ALL: [Self; 2] = [Self::Click, Self::Open];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Click => "GET /c",
            Self::Open => "GET /o",
        }
    }

    const fn route(self) -> Route {
        match self {
            Self::Click => Route {
                prefix: "/c/",
                answer: StatusCode::FOUND,
            },
            Self::Open => Route {
                prefix: "/o/",
                answer: StatusCode::OK,
            },
        }
    }

    fn token(self, keys: &LinkKeys, reader: Reader) -> String {
        match self {
            // A link without a token is not found, which ends the run.
            Self::Click => keys.click(reader, 0, TARGET).unwrap_or_default(),
            Self::Open => keys.open(reader),
        }
    }
}

/// Visits that are each about another message: those of a stock, one after the other.
pub(crate) struct Visits {
    asked: Asked,
    route: Route,
    keys: LinkKeys,
    next: AtomicUsize,
}

impl Visits {
    pub(crate) fn new(asked: Asked) -> Result<Arc<Self>, Failure> {
        Self::to(asked.route(), asked)
    }

    /// The same requests, to the octets of their tokens, to what does nothing.
    pub(crate) fn of_nothing(asked: Asked) -> Result<Arc<Self>, Failure> {
        Self::to(NOTHING, asked)
    }

    /// The same requests to what only writes.
    pub(crate) fn of_the_least(asked: Asked) -> Result<Arc<Self>, Failure> {
        Self::to(LEAST, asked)
    }

    fn to(route: Route, asked: Asked) -> Result<Arc<Self>, Failure> {
        Ok(Arc::new(Self {
            asked,
            route,
            keys: LinkKeys::new(TokenKey::parse(&link_key())?, Vec::new()),
            next: AtomicUsize::new(0),
        }))
    }

    /// What makes one request after the other, for whoever listens there.
    pub(crate) fn requests(
        self: &Arc<Self>,
        address: SocketAddr,
    ) -> impl Fn() -> Exchange + Send + 'static + use<> {
        let (visits, host) = (Arc::clone(self), address.to_string());
        move || Exchange {
            request: visits.request(&host),
            expected: visits.route.answer,
        }
    }

    fn request(&self, host: &str) -> Request<Full<Bytes>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let reader = Reader {
            message: stock::id(number).into(),
            recipient: 0,
        };
        let token = self.asked.token(&self.keys, reader);
        let request = Request::get(format!("{}{token}", self.route.prefix))
            .header("host", host)
            .header("user-agent", BROWSER)
            .header("accept", "*/*")
            .header("accept-language", "en-US,en;q=0.9");
        request.body(Full::default()).unwrap_or_default()
    }

    /// How many were made.
    pub(crate) fn made(&self) -> usize {
        self.next.load(Ordering::Relaxed)
    }
}

/// How many visits are in `store` and not taken in, and in how many batches.
pub(crate) fn stored(store: &SqliteKeyValue) -> Result<(usize, usize), Failure> {
    let (mut visits, mut batches) = (0, 0);
    let mut keys = store.keys()?;
    keys.retain(|key| key.starts_with("journal/") && key != "journal/tail");
    for key in keys {
        let octets = store.get(&key)?.unwrap_or_default();
        if let Some(batch) = decode::<JournalEntry>(&octets)?.visits {
            (visits, batches) = (visits + batch.visits.len(), batches + 1);
        }
    }
    Ok((visits, batches))
}
