//! How much of the machine a component may use, and for how long.

use std::time::Duration;

/// The bounds the host holds its components and its clients to.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The linear memory one instance may have, in bytes. A component that asks for more sees its allocation fail.
    pub memory_bytes: usize,
    /// The requests one instance answers before it is replaced.
    pub requests_per_instance: usize,
    /// The requests one instance works on at once.
    pub concurrent_requests_per_instance: usize,
    /// How long an instance without work is kept.
    pub idle_instance: Duration,
    /// How long a request may take until its response begins, and how long work may go on after the response, or after a
    /// client last took something of it.
    pub request: Duration,
    /// The requests worked on at once in the whole host, each until its response begins.
    pub concurrent_requests: usize,
    /// How long a request waits to be one of them.
    pub place: Duration,
    /// How long a client may take to send the head of a request.
    pub request_head: Duration,
    /// How long each 16 KiB of a request's body, or what is left of it, may keep a component waiting until the response begins.
    pub body_pause: Duration,
    /// How long running requests and work after responses may go on once the host is told to stop.
    pub stop: Duration,
}

impl Default for Limits {
    /// Returns Spin's defaults for instances, and bounds of our own where Spin has none.
    fn default() -> Self {
        Self {
            memory_bytes: 256 * 1024 * 1024,
            requests_per_instance: 128,
            concurrent_requests_per_instance: 16,
            idle_instance: Duration::from_secs(1),
            request: Duration::from_secs(120),
            concurrent_requests: 1024,
            place: Duration::from_secs(1),
            request_head: Duration::from_secs(30),
            body_pause: Duration::from_secs(15),
            stop: Duration::from_secs(5),
        }
    }
}
