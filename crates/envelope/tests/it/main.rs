//! Rules that hold for every input, tried with many.

mod properties;
#[cfg(feature = "serde")]
mod serialized;
