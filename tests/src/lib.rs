//! The harness of the black-box tests: the real components, served, with a relay behind them and a client in front.
//!
//! A test starts a [`System`] with [`Setup`], calls it over HTTP as an application would, and looks at what reached the
//! relay: the sandbox's [`Inbox`], or a [`ScriptedRelay`] that misbehaves on demand, as a [`Subscriber`] of events does. DNS is what it tells a [`DohServer`].
//! The components run on `devhost` in this process, or on the `spin` program when the environment says
//! `SENDLET_TEST_HOST=spin` ([`HostKind`]).
//!
//! Everything has a port and a folder of its own, so tests run side by side. Nothing here sleeps for a fixed time: what
//! takes a while is waited for with [`eventually`].
//!
//! # Not supported
//! On the `spin` program a test cannot see into the store ([`System::store`]); tests that must return early there.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a harness that cannot do its work ends the test"
)]

mod client;
mod doh;
mod domain;
mod host;
mod inbox;
mod misbehaving;
mod scripted;
mod secrets;
mod signer;
mod store;
mod subscriber;
mod system;
mod ticker;
mod wait;

pub use self::{
    client::{Answer, Client, ClientError, Request},
    doh::{DohServer, Trouble},
    domain::seed_domain,
    host::{HostKind, build_components, manifest_path, state_folder},
    inbox::{Captured, Inbox},
    scripted::{Behaviour, HandedOver, ScriptedRelay},
    secrets::{
        ACCESS_KEY_PRIMARY, ACCESS_KEY_SECONDARY, ADMIN_TOKEN, LINK_KEY, MASTER_KEY,
        RELAY_EVENT_SECRET, RELAY_TOKEN, REPORT_TOKEN, RETURN_PATH_KEY, WEBHOOK_KEY, variables,
    },
    signer::{PathForm, Signer},
    store::{Faults, TestStore},
    subscriber::{Consent, Manner, Received, Subscriber},
    system::{API_VERSION, Setup, System},
    ticker::Ticker,
    wait::{PATIENCE, eventually},
};
