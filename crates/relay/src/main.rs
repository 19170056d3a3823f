//! The program `sendlet-relay`: the relay with a command line.

use std::{error::Error, fs, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand, ValueEnum};
use relay::{
    CaptureOptions, Credentials, EventOptions, Log, Mode, Notify, Relay, RelayOptions, Secret,
    SmtpOptions, TlsPolicy,
};
use tokio::signal::unix::{SignalKind, signal};

/// The variable that holds the token when no file is named.
const TOKEN_VARIABLE: &str = "SENDLET_RELAY_TOKEN";

/// Takes finished messages over HTTP, and keeps them in a sandbox inbox or hands them to an MTA.
#[derive(Debug, Parser)]
#[command(version)]
struct CommandLine {
    /// The address to serve on.
    #[arg(long, default_value = "127.0.0.1:8025")]
    listen: SocketAddr,
    /// The folder for the relay's database.
    #[arg(long, default_value = "relay-state")]
    state: PathBuf,
    /// A file with the bearer token; without it the token is read from the variable `SENDLET_RELAY_TOKEN`.
    #[arg(long)]
    token_file: Option<PathBuf>,
    /// Where what becomes of messages is posted, such as `https://mail.example.com/webhooks/relay`.
    #[arg(long, requires = "events_secret_file")]
    events_url: Option<String>,
    /// A file with the secret that signs those events.
    #[arg(long, requires = "events_url")]
    events_secret_file: Option<PathBuf>,
    #[command(subcommand)]
    mode: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Keeps messages and shows them on a page.
    Capture(CaptureArguments),
    /// Hands messages to an MTA, and answers with its replies.
    Smtp(SmtpArguments),
}

#[derive(Args, Debug)]
struct CaptureArguments {
    /// How many messages are kept.
    #[arg(long, default_value_t = 1_000)]
    keep: usize,
    /// A name under which browsers may open the page, beside localhost and literal addresses; may be repeated.
    #[arg(long = "host-name")]
    host_names: Vec<String>,
}

#[derive(Args, Debug)]
struct SmtpArguments {
    /// The MTA, as host:port.
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port)]
    to: (String, u16),
    /// When the connection is encrypted.
    #[arg(long, value_enum, default_value_t = Tls::Opportunistic)]
    tls: Tls,
    /// The MTA delivers into mailboxes itself, so what it takes has arrived.
    #[arg(long)]
    last: bool,
    /// What an MTA that offers DSN is asked to report, about recipients with a return path of their own. With success in it each mail
    /// makes a report, so the MTA handles twice the mail; without it nobody hears that a mail arrived, and its state stays
    /// `OutForDelivery` or `Deferred`. With `--last` success is not asked for.
    #[arg(long, value_enum, default_value_t = Reports::SuccessFailureDelay)]
    notify: Reports,
    /// The name said in EHLO.
    #[arg(long, default_value = "[127.0.0.1]")]
    hello: String,
    /// The account at the MTA.
    #[arg(long, requires = "password_file")]
    user: Option<String>,
    /// A file with the account's password.
    #[arg(long, requires = "user")]
    password_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tls {
    /// When the MTA offers it, with any certificate.
    Opportunistic,
    /// Always, with a valid certificate.
    Required,
    /// Never.
    None,
}

/// When the MTA reports.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Reports {
    /// When a mail arrived, failed or is late.
    #[value(name = "success,failure,delay")]
    SuccessFailureDelay,
    /// When a mail failed or is late.
    #[value(name = "failure,delay")]
    FailureDelay,
}

fn main() -> ExitCode {
    let log = Log::to_stderr();
    match run(CommandLine::parse(), &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log.line(&describe(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(command_line: CommandLine, log: &Log) -> Result<(), Box<dyn Error>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let events = event_options(&command_line)?;
    let relay = Relay::start(options(command_line, log.clone())?).await?;
    if let Some(events) = events {
        relay.post_events(&events)?;
    }
    log.line(&format!("the relay serves on http://{}/", relay.address()));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    log.line("the relay ends");
    relay.stop().await;
    Ok(())
}

fn event_options(command_line: &CommandLine) -> Result<Option<EventOptions>, Box<dyn Error>> {
    let (Some(url), Some(file)) = (&command_line.events_url, &command_line.events_secret_file)
    else {
        return Ok(None);
    };
    Ok(Some(EventOptions {
        url: url.clone(),
        secret: secret_in(file)?,
    }))
}

fn options(command_line: CommandLine, log: Log) -> Result<RelayOptions, Box<dyn Error>> {
    let mode = match command_line.mode {
        Command::Capture(arguments) => Mode::Capture(CaptureOptions {
            keep: arguments.keep,
            host_names: arguments.host_names,
            ..CaptureOptions::default()
        }),
        Command::Smtp(arguments) => Mode::Smtp(smtp_options(arguments)?),
    };
    Ok(RelayOptions {
        listen: command_line.listen,
        token: token(command_line.token_file)?,
        state: command_line.state,
        mode,
        log,
    })
}

fn smtp_options(arguments: SmtpArguments) -> Result<SmtpOptions, Box<dyn Error>> {
    let (host, port) = arguments.to;
    let tls = match arguments.tls {
        Tls::Opportunistic => TlsPolicy::Opportunistic,
        Tls::Required => TlsPolicy::Required,
        Tls::None => TlsPolicy::None,
    };
    let notify = match arguments.notify {
        Reports::SuccessFailureDelay => Notify::SuccessFailureDelay,
        Reports::FailureDelay => Notify::FailureDelay,
    };
    let credentials = match (arguments.user, arguments.password_file) {
        (Some(user), Some(file)) => Some(Credentials {
            user,
            password: secret_in(&file)?,
        }),
        _ => None,
    };
    Ok(SmtpOptions {
        tls,
        hello: arguments.hello,
        credentials,
        notify,
        is_last: arguments.last,
        ..SmtpOptions::to(&host, port)
    })
}

fn token(file: Option<PathBuf>) -> Result<Secret, Box<dyn Error>> {
    if let Some(file) = file {
        return secret_in(&file);
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "the command line's documented alternative to a token file"
    )]
    let token = std::env::var(TOKEN_VARIABLE);
    let token =
        token.map_err(|_| format!("expected a token in --token-file or {TOKEN_VARIABLE}"))?;
    Ok(Secret::parse(&token).map_err(|error| format!("{TOKEN_VARIABLE}: {error}"))?)
}

fn secret_in(file: &std::path::Path) -> Result<Secret, Box<dyn Error>> {
    let text = fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    Ok(Secret::parse(&text).map_err(|error| format!("{}: {error}", file.display()))?)
}

/// Reads `host:port`, an IPv6 address in brackets.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let expected = || format!("expected host:port, found {text}");
    let (host, port) = text.rsplit_once(':').ok_or_else(expected)?;
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    if host.is_empty() || (bare.is_none() && host.contains(':')) {
        return Err(expected());
    }
    Ok((
        bare.unwrap_or(host).to_owned(),
        port.parse().map_err(|_| expected())?,
    ))
}

/// Writes an error with what caused it.
fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        CommandLine::command().debug_assert();
    }

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, u16)>) {
        let found = host_and_port(text).ok();
        assert_eq!(found, expected.map(|(host, port)| (host.to_owned(), port)));
    }

    #[test]
    fn hosts_and_ports_are_told_apart() {
        check("mx.example:25", Some(("mx.example", 25)));
        check("[::1]:2525", Some(("::1", 2525)));
        check("127.0.0.1:587", Some(("127.0.0.1", 587)));
        for wrong in ["mx.example", ":25", "::1:25", "mx:70000", "mx:"] {
            check(wrong, None);
        }
    }
}
