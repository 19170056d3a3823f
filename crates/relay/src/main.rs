//! The program `sendlet-relay`.
fn main() {}
