//! The command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand};

/// Email as a service, on this machine.
#[derive(Debug, Parser)]
#[command(name = "sendlet", version, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) serve: Serve,
}

/// What to do; without a command the application is served.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Serves the application with a sandbox inbox (this is what happens without a command).
    Serve(Serve),
    /// Sends one mail through a running server.
    Send(Send),
    /// Prints a fresh set of secrets for `spin up`.
    Secrets,
    /// Calls a running server once in a while, for hosts without a timer such as `spin up`.
    Tick(Tick),
    /// Seals every private key with the present master key, after that was changed and the one before it named too.
    Reseal(Operator),
}

/// Options of `serve`.
#[derive(Args, Debug)]
pub(super) struct Serve {
    /// Where to serve; without it 127.0.0.1:3000, or a free port if that is taken.
    #[arg(long)]
    pub(super) listen: Option<SocketAddr>,
    /// Where to show the sandbox inbox; without it 127.0.0.1:8025, or a free port if that is taken.
    #[arg(long)]
    pub(super) inbox: Option<SocketAddr>,
    /// The folder for secrets, stored mail and compiled components.
    #[arg(long, default_value = ".sendlet")]
    pub(super) state: PathBuf,
    /// Where mail goes: `capture` for the sandbox inbox, or the URL of a relay.
    #[arg(long, default_value = "capture")]
    pub(super) relay: RelayChoice,
    /// Sets a variable of spin.toml; may be repeated.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = variable)]
    pub(super) variables: Vec<(String, String)>,
    /// The manifest.
    #[arg(long, default_value = "spin.toml")]
    pub(super) manifest: PathBuf,
    /// Serves the components as they were last built.
    #[arg(long)]
    pub(super) no_build: bool,
}

/// Where mail goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RelayChoice {
    /// The sandbox inbox.
    Capture,
    /// The relay with this origin.
    Url(String),
}

impl FromStr for RelayChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "capture" {
            return Ok(Self::Capture);
        }
        let url = url::Url::parse(text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/");
        let url = url.ok_or_else(|| {
            format!("expected 'capture' or an origin such as http://127.0.0.1:8025, found '{text}'")
        })?;
        Ok(Self::Url(url.as_str().trim_end_matches('/').to_owned()))
    }
}

/// Options of `send`.
#[derive(Args, Debug)]
pub(super) struct Send {
    /// An address to send to; may be repeated.
    #[arg(long, required = true)]
    pub(super) to: Vec<String>,
    /// The sender's address; without it the one that works from the start.
    #[arg(long)]
    pub(super) from: Option<String>,
    /// The subject.
    #[arg(long, default_value = "Hello from Sendlet")]
    pub(super) subject: String,
    /// The text; without it, and without --html, a line that says it worked.
    #[arg(long)]
    pub(super) text: Option<String>,
    /// The HTML.
    #[arg(long)]
    pub(super) html: Option<String>,
    /// A file to attach; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(super) attach: Vec<PathBuf>,
    /// How long to wait for the outcome, in seconds; 0 does not wait.
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    pub(super) wait: u64,
    /// `endpoint=...;accesskey=...` of the server; without it the one of the server started here.
    #[arg(long)]
    pub(super) connection_string: Option<String>,
    /// The state folder of the server started here.
    #[arg(long, default_value = ".sendlet")]
    pub(super) state: PathBuf,
}

/// Options of `tick`.
#[derive(Args, Debug)]
pub(super) struct Tick {
    #[command(flatten)]
    pub(super) operator: Operator,
    /// The time between two calls, such as 1s or 500ms.
    #[arg(long, default_value = "1s", value_parser = duration)]
    pub(super) every: Duration,
}

/// Whom to call as operator.
#[derive(Args, Debug)]
pub(super) struct Operator {
    /// The server's origin.
    #[arg(long, value_name = "http://HOST:PORT")]
    pub(super) url: String,
    /// The admin token.
    #[arg(long, env = "SPIN_VARIABLE_ADMIN_TOKEN", hide_env_values = true)]
    pub(super) admin_token: String,
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text
        .split_once('=')
        .ok_or_else(|| format!("expected NAME=VALUE, found '{text}'"))?;
    Ok((name.to_owned(), value.to_owned()))
}

fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected a time such as 1s or 500ms, found '{text}'");
    let (number, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let number: u64 = number.parse().map_err(|_| expected())?;
    match (number, unit) {
        (0, _) => Err(expected()),
        (_, "s" | "") => Ok(Duration::from_secs(number)),
        (_, "ms") => Ok(Duration::from_millis(number)),
        (_, _) => Err(expected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Arguments::command().debug_assert();
    }

    #[test]
    fn options_without_a_command_are_those_of_serve() {
        let arguments =
            Arguments::try_parse_from(["sendlet", "--no-build", "--variable", "a=b=c"]).unwrap();
        assert!(arguments.command.is_none() && arguments.serve.no_build);
        assert_eq!(
            arguments.serve.variables,
            [("a".to_owned(), "b=c".to_owned())]
        );
    }

    #[test]
    fn a_relay_is_a_word_or_an_origin() {
        assert_eq!("capture".parse(), Ok(RelayChoice::Capture));
        assert_eq!(
            "http://127.0.0.1:8025/".parse(),
            Ok(RelayChoice::Url("http://127.0.0.1:8025".into()))
        );
        for text in ["", "smtp://x", "http://x/path", "relay"] {
            assert!(text.parse::<RelayChoice>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        assert_eq!(duration("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(duration("2"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "s", "0s", "1h", "-1s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
