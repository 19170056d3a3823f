//! What a component may reach over HTTP, and how.
