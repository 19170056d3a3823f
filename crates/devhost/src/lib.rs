//! Serves `spin.toml` on wasmtime the way Spin 4.1 does, so that the same components run under `spin up` unchanged.
//!
//! [`Host`] is the library: it reads the manifest, compiles each component once per process, grants exactly what the
//! manifest grants and serves HTTP. The module `program` is the `sendlet` program around it.
//!
//! What a component may import: `wasi:cli`, `clocks`, `io`, `random` 0.2 and 0.3, `wasi:http@0.3.0`,
//! `spin:key-value@3.0.0`, `spin:variables@3.0.0` and `wasi:keyvalue@0.2.0-draft2`. It must export
//! `wasi:http/handler@0.3.0`.
//!
//! # Not supported
//! What Spin has and the application does not use: triggers other than HTTP, files, environment, TLS on the listening
//! port, `wasi:http@0.2` handlers, Wagi, `self` requests, stores other than `default`, the runtime-config file,
//! variable providers other than the environment, and component dependencies. A manifest that asks for one of them is
//! refused with the name of the key.

pub mod build;
mod host;
mod key_value;
mod limits;
pub mod log;
mod manifest;
mod outbound;
pub mod program;
mod routes;
mod variables;

pub use self::{
    host::{ComponentStats, Host, HostError, HostOptions},
    key_value::{KeyValue, KeyValueError, SqliteKeyValue},
    limits::Limits,
    log::{LogEvent, LogSink},
    manifest::{Component, Manifest, ManifestError},
    variables::{VariableError, Variables},
};
