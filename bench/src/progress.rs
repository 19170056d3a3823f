//! What is going on, on standard error: a line that changes on a terminal, lines elsewhere.
#![expect(clippy::print_stderr, reason = "standard output is for the tables")]

use std::fmt::Display;
use std::io::{IsTerminal as _, stderr};

const CLEAR: &str = "\r\x1b[K";

/// Tells what is going on now.
pub(crate) fn show(what: impl Display) {
    if stderr().is_terminal() {
        eprint!("{CLEAR}{what}");
    } else {
        eprintln!("{what}");
    }
}

/// Makes room for other output.
pub(crate) fn clear() {
    if stderr().is_terminal() {
        eprint!("{CLEAR}");
    }
}
