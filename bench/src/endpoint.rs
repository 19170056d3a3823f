//! Where messages go in, whoever takes them.

use std::net::SocketAddr;

use crate::message::{Message, Template};

/// Something that takes messages as Azure Communication Services does.
#[derive(Clone)]
pub(crate) struct Endpoint {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    pub(crate) sender: String,
    /// The processes it runs in besides our own.
    pub(crate) processes: Vec<u32>,
}

impl Endpoint {
    /// What makes requests for such messages.
    pub(crate) fn template(&self, message: &Message) -> Template {
        Template::new(message, &self.sender, self.address)
    }
}
