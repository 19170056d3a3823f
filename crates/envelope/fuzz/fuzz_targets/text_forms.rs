//! Every text form: what parses prints as something that parses to the same.
#![no_main]

use envelope::{AddrSpec, EnhancedStatusCode, Reply, ReversePath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = AddrSpec::parse(text) {
        assert_eq!(AddrSpec::parse(&address.to_string()), Ok(address.clone()));
        assert!(AddrSpec::parse(&address.canonical()).is_ok());
    }
    if let Ok(path) = ReversePath::parse(text) {
        assert_eq!(ReversePath::parse(&path.to_string()), Ok(path));
    }
    if let Ok(code) = EnhancedStatusCode::parse(text) {
        assert_eq!(EnhancedStatusCode::parse(&code.to_string()), Ok(code));
    }
    if let Ok(reply) = Reply::parse(text) {
        assert!(Reply::parse(&reply.to_string()).is_ok());
    }
});
