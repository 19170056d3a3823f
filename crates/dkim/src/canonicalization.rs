//! How a message is normalised before it is hashed: RFC 6376 section 3.4.

use core::fmt;

/// One canonicalization algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algo {
    /// Tolerates almost no change: sections 3.4.1 and 3.4.3.
    Simple,
    /// Tolerates refolding and changed runs of white space: sections 3.4.2 and 3.4.4.
    Relaxed,
}

/// The pair of algorithms of the `c=` tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canonicalization {
    /// For the header fields.
    pub header: Algo,
    /// For the body.
    pub body: Algo,
}

impl Canonicalization {
    /// What this project signs with: relaxed for header and body.
    pub const RELAXED: Self = Self {
        header: Algo::Relaxed,
        body: Algo::Relaxed,
    };
}

impl fmt::Display for Algo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Simple => "simple",
            Self::Relaxed => "relaxed",
        })
    }
}

impl fmt::Display for Canonicalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.header, self.body)
    }
}
