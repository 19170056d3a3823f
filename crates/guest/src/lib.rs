//! What every component shares: the ports of `mailer` on the Spin SDK, and answers over HTTP.
//!
//! A component's `lib.rs` is an entry point that calls [`answer`] with what its route table came to. Handlers use `?` on
//! [`Problem`], which is the one place that decides what a caller is told and what only the log sees.

mod applications;
mod attempts;
mod body;
mod config;
mod doh;
mod exchange;
mod in_flight;
mod installation;
mod links;
mod log;
mod object;
mod operation_log;
mod page;
mod ports;
mod problem;
mod relay;
mod respond;
mod return_paths;
mod shared;
mod webhooks;
mod work;

pub use applications::{
    APPLICATION_NAMES, Applications, PublicUrl, applications, authorize, denial, first,
    forwarded_host, host,
};
pub use attempts::{ATTEMPT_NAME, attempt_timeout};
pub use body::{MAX_BODY_OCTETS, Next, Pieces, read_body, read_start, stated_length};
pub use config::{ConfigError, Variables};
pub use doh::DohClient;
pub use exchange::{Answered, ExchangeError, exchange};
pub use in_flight::InFlight;
pub use installation::{INSTALLATION_NAMES, installation, master_keys, origin, resolver};
pub use links::{LINK_NAMES, link_keys};
pub use log::{Level, log};
pub use object::Object;
pub use operation_log::{OPERATION_LOG_NAMES, OperationLog, SendMail, operation_log};
pub use page::{MAX_PAGE, page_size};
pub use ports::SpinPorts;
pub use problem::Problem;
pub use relay::RelayClient;
pub use respond::{
    AnswerBody, Response, answer, empty, header, json, stream, text, whole, with_header,
};
pub use return_paths::{RETURN_PATH_NAMES, return_path_keys};
pub use shared::{Shared, shared};
pub use spin_sdk::http::Request;
pub use spin_sdk::wasip3::spawn;
pub use webhooks::{WEBHOOK_NAMES, reach, webhook_key};
pub use work::{name_messages, name_soon, name_work};
