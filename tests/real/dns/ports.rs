//! Where the DNS listens.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::daemons::free_port;

/// Where both programs listen.
#[derive(Clone, Debug)]
pub(super) struct Ports {
    pub(super) named: u16,
    pub(super) doh: u16,
    pub(super) console: u16,
    pub(super) silence: u16,
    pub(super) plain: Ipv4Addr,
}

impl Ports {
    pub(super) fn choose(silence: &UdpSocket) -> Self {
        Self {
            named: free_port(),
            doh: free_port(),
            console: free_port(),
            silence: silence.local_addr().unwrap().port(),
            plain: free_address(),
        }
    }

    pub(super) fn plain(&self) -> SocketAddr {
        (self.plain, 53).into()
    }
}

/// A loopback address with nobody on port 53, other than the ones that systems have a resolver on.
fn free_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Tests in other processes start elsewhere.
    let start = process::id().wrapping_mul(2_654_435_761);
    let candidates = std::iter::repeat_with(|| {
        let n = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let [_, _, high, low] = n.to_be_bytes();
        Ipv4Addr::new(127, high.max(1), low, 53)
    });
    let is_free = |address: &Ipv4Addr| {
        UdpSocket::bind((*address, 53)).is_ok() && TcpListener::bind((*address, 53)).is_ok()
    };
    let found = candidates.take(1_000).find(is_free);
    found.expect("root, a free port 53 on loopback")
}
