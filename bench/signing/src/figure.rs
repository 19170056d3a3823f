//! One measured figure, as a line that programs read.

use std::{fmt, str::FromStr};

/// A figure: microseconds for signatures, megabytes a second for bodies.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What is signed with, or what is hashed.
    pub subject: String,
    /// Which way of several.
    pub way: String,
    /// The figure itself.
    pub value: f64,
}

/// A line that is no [`Figure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedFigure;

impl Figure {
    pub(crate) fn new(subject: &str, way: &str, value: f64) -> Self {
        Self {
            subject: subject.to_owned(),
            way: way.to_owned(),
            value,
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\t{}\t{:.3}", self.subject, self.way, self.value)
    }
}

impl FromStr for Figure {
    type Err = MalformedFigure;

    fn from_str(line: &str) -> Result<Self, MalformedFigure> {
        let mut parts = line.split('\t');
        let (Some(subject), Some(way), Some(value), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MalformedFigure);
        };
        let value = value.parse().map_err(|_| MalformedFigure)?;
        Ok(Self::new(subject, way, value))
    }
}

impl fmt::Display for MalformedFigure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected subject, way and value with tabs between")
    }
}

impl std::error::Error for MalformedFigure {}
