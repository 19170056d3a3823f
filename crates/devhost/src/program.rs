//! The `sendlet` program: the host with a sandbox relay, a timer, secrets and a message to a newcomer.

mod api;
mod arguments;
mod banner;
mod connection;
mod inbox;
mod reseal;
mod secrets;
mod send;
mod serve;
mod shown;
mod state;
mod tick;

use std::{error::Error, fmt::Display, io::Write as _, process::ExitCode};

use clap::Parser as _;

use self::arguments::{Arguments, Command};

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    match arguments.command {
        None => serve::run(arguments.serve).await,
        Some(Command::Serve(serve)) => serve::run(serve).await,
        Some(Command::Send(send)) => send::run(send).await,
        Some(Command::Secrets) => secrets::print_fresh(),
        Some(Command::Tick(tick)) => tick::run(tick).await,
        Some(Command::Reseal(operator)) => reseal::run(operator).await,
    }
}

/// Tells the user something on standard error.
fn say(message: impl Display) {
    // Nobody can be told about a standard error that is closed.
    let _ = writeln!(std::io::stderr().lock(), "{message}");
}

/// Writes a result to standard output.
fn print(text: impl Display) -> std::io::Result<()> {
    writeln!(std::io::stdout().lock(), "{text}")
}
