//! The `sendlet` program.

fn main() {}
