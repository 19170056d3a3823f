//! What a component may reach over HTTP, and how.

mod allowed;
mod client;

pub(crate) use self::{
    allowed::{AllowedHosts, sibling},
    client::Client,
};
