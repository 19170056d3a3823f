//! What the host reports while it runs.

use std::{fmt, io::Write as _, sync::Arc, time::Duration};

use http::{Method, StatusCode};

/// Receives every event. It is called on the threads that serve requests, so it must not wait.
pub type LogSink = Arc<dyn Fn(&LogEvent<'_>) + Send + Sync>;

/// One thing worth a line in the log. Queries and header fields are left out, since they may hold secrets.
#[derive(Clone, Debug)]
pub enum LogEvent<'a> {
    /// A request was answered.
    Request {
        /// The request's method.
        method: &'a Method,
        /// The request's path, without the query.
        path: &'a str,
        /// The status answered.
        status: StatusCode,
        /// The time from the end of the request's head to the head of the response.
        elapsed: Duration,
        /// The component that answered, or nothing when no route matched.
        component: Option<&'a str>,
    },
    /// A component wrote a line to its standard output or standard error.
    Guest {
        /// The component that wrote it.
        component: &'a str,
        /// The line, without its end.
        line: &'a str,
    },
    /// An instance trapped, ran too long or could not be started, or the host itself failed.
    Failure {
        /// The component concerned, or nothing when it is the host.
        component: Option<&'a str>,
        /// What happened.
        error: &'a str,
    },
}

impl fmt::Display for LogEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request {
                method,
                path,
                status,
                elapsed,
                component,
            } => {
                let millis = elapsed.as_secs_f64() * 1000.0;
                write!(
                    f,
                    "{method} {path} {} {millis:.1}ms {}",
                    status.as_u16(),
                    component.unwrap_or("-")
                )
            }
            Self::Guest { component, line } => write!(f, "{component}: {line}"),
            Self::Failure {
                component: Some(component),
                error,
            } => write!(f, "{component} failed: {error}"),
            Self::Failure {
                component: None,
                error,
            } => write!(f, "host: {error}"),
        }
    }
}

/// Returns a sink that writes each event to standard error as one line that starts with the time.
#[must_use]
pub fn to_stderr() -> LogSink {
    Arc::new(|event| {
        let line = format!("{} {event}\n", timestamp());
        // Nothing can be done, and nobody told, about a standard error that is closed.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    })
}

/// Returns a sink that keeps nothing.
#[must_use]
pub fn discard() -> LogSink {
    Arc::new(|_| {})
}

#[expect(clippy::disallowed_methods, reason = "the host reads the clock")]
fn timestamp() -> String {
    let now = std::time::SystemTime::now();
    let millis = now
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.subsec_millis());
    let date = httpdate::HttpDate::from(now).to_string();
    // `Sun, 06 Nov 1994 08:49:37 GMT`: the date is known to whoever watches, the time is not.
    let time = date.split(' ').nth(4).unwrap_or_default();
    format!("{time}.{millis:03}")
}
