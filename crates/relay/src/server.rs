//! The listening socket: connections on hyper, bounded in number, header size and time.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};

use crate::MAX_RECIPIENTS;

/// How many connections are open at once; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1_024;
/// How many request fields are read: a forward-path and a return path for each recipient, and those that clients and proxies add.
const MAX_FIELDS: usize = 2 * MAX_RECIPIENTS + 100;
/// How many octets of request fields are read: two thousand addresses of 254 octets fit.
const MAX_HEAD_OCTETS: usize = 1024 * 1024;
/// How long the request fields may take, counted from the end of the request before.
const HEAD_LIMIT: Duration = Duration::from_secs(60);
/// How long open connections may take to end.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Serves until `stopping` turns true, then lets open requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    mut stopping: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let (stream, slot) = tokio::select! {
            // A sender that is gone means that the relay was dropped.
            _ = stopping.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let connection = http(stream, routes.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            // A connection that breaks is the client's affair; what the request did was logged by itself.
            drop(connection.await);
            drop(slot);
        });
    }
    drop(listener);
    // What is still open after this ends with the runtime.
    drop(timeout(STOP_LIMIT, graceful.shutdown()).await);
}

type Connection = http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

fn http(stream: TcpStream, routes: Router) -> Connection {
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_headers(MAX_FIELDS)
        .max_buf_size(MAX_HEAD_OCTETS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
}

/// Waits for a free slot, then for a connection.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) if stream.set_nodelay(true).is_ok() => return (stream, slot),
            Ok(_) => {}
            // Out of file descriptors, most likely: trying again at once would only burn the processor.
            Err(_) => sleep(Duration::from_millis(100)).await,
        }
    }
}
