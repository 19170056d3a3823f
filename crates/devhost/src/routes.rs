//! Which component answers a path.
