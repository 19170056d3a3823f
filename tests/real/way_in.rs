//! A way into an MTA for clients of any address, though all of them are on this machine.
//!
//! Puts a line of HAProxy's PROXY protocol, version 1, in front of what the client sends. The MTA has to expect it.

use std::net::Ipv4Addr;

use tokio::{
    io::{AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A port of 127.0.0.1 through which every client comes from one address. Dropping it closes the port.
#[derive(Debug)]
pub(crate) struct WayIn {
    pub(crate) port: u16,
    server: JoinHandle<()>,
}

impl WayIn {
    /// Opens a way to the MTA at port `to` of 127.0.0.1.
    pub(crate) async fn open(client: Ipv4Addr, to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self {
            port: listener.local_addr().unwrap().port(),
            server: tokio::spawn(serve(listener, client, to)),
        }
    }
}

impl Drop for WayIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, client: Ipv4Addr, to: u16) {
    while let Ok((mut inner, peer)) = listener.accept().await {
        tokio::spawn(async move {
            let mut outer = TcpStream::connect(("127.0.0.1", to)).await?;
            let line = format!("PROXY TCP4 {client} 127.0.0.1 {} {to}\r\n", peer.port());
            outer.write_all(line.as_bytes()).await?;
            copy_bidirectional(&mut inner, &mut outer).await
        });
    }
}
