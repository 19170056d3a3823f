//! The command line.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// What a message costs.
#[derive(Debug, Parser)]
#[command(name = "bench")]
pub(crate) struct Arguments {
    /// What to measure; everything without it.
    part: Option<Part>,
    /// Measures for a tenth of the time, with a tenth of the messages: to see that it works, not for figures.
    #[arg(long)]
    quick: bool,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Part {
    /// Accepting, as a share of a bare write on the same host.
    Accept,
    /// Signatures and hashes in WebAssembly, against native code and OpenSSL.
    Sign,
    /// The whole way to the relay, against Node.js with nodemailer.
    Path,
    /// Events that come back, as a share of a bare write, and how soon subscribers are told.
    Events,
    /// Opens and clicks, as a share of doing nothing on the same host, and with a full store.
    Track,
    /// How cost grows with recipients, size and what is stored.
    Growth,
    /// What memory a long run needs.
    Memory,
    /// A long suppression list, in and out.
    Import,
}

impl Arguments {
    pub(crate) fn parts(&self) -> Vec<Part> {
        match self.part {
            Some(part) => vec![part],
            None => Part::value_variants().to_vec(),
        }
    }

    pub(crate) fn scale(&self) -> Scale {
        Scale {
            divisor: if self.quick { 10 } else { 1 },
        }
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    divisor: u16,
}

impl Scale {
    pub(crate) fn duration(self, full: Duration) -> Duration {
        full / u32::from(self.divisor)
    }

    /// At least one.
    pub(crate) fn count(self, full: usize) -> usize {
        (full / usize::from(self.divisor)).max(1)
    }
}
