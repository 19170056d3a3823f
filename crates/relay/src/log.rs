//! Where the relay's log lines go.

use std::{fmt, io::Write as _, sync::Arc};

/// A receiver of log lines: each one sentence with its figures, and never an address, a subject or a token.
#[derive(Clone)]
pub struct Log(Arc<dyn Fn(&str) + Send + Sync>);

impl Log {
    /// Gives every line, without a line ending, to `receive`.
    pub fn new(receive: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self(Arc::new(receive))
    }

    /// Writes every line to standard error.
    #[must_use]
    pub fn to_stderr() -> Self {
        // A closed standard error must not end the service, and there is no other place to report it to.
        Self::new(|line| drop(writeln!(std::io::stderr().lock(), "{line}")))
    }

    /// Forgets every line.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Gives one line to the receiver.
    pub fn line(&self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Log")
    }
}
