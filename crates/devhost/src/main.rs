//! The program `sendlet`.

use std::process::ExitCode;

fn main() -> ExitCode {
    devhost::program::main()
}
