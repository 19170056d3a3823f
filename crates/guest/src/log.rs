//! Log lines: one JSON object each on standard error, which the host collects.

use std::io::Write as _;

use serde_json::{Map, Value};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Error,
}

/// Writes one line. Neither `message` nor `fields` may hold addresses, subjects, bodies, tokens or keys.
pub fn log(level: Level, message: &str, fields: &[(&str, &str)]) {
    let level = match level {
        Level::Info => "info",
        Level::Error => "error",
    };
    let mut line = Map::new();
    line.insert("level".to_owned(), Value::from(level));
    line.insert("message".to_owned(), Value::from(message));
    line.extend(
        fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(*value))),
    );
    // Whole, since standard error has no buffer: each piece that is formatted would be a call of the host.
    let line = format!("{}\n", Value::Object(line));
    // A log that cannot be written is no reason to fail a request.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
