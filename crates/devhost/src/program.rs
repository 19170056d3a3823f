//! The `sendlet` program.
