//! Forms: no panic; what orders something says so in plain sight, and other fields before it make no difference.
#![no_main]

// A component is no library that could be depended on.
#[path = "../../src/form.rs"]
mod form;

use form::order;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Option<&str>, &[u8])| {
    let (content_type, body) = input;
    let found = order(content_type, body);
    if content_type.is_none() {
        let more = [b"x=y&", body].concat();
        assert_eq!(order(None, &more), found);
    }
    if let Some(found) = found {
        assert!(["unsubscribe", "resubscribe"].contains(&found.value()));
        assert!(body.len() >= "action=unsubscribe".len());
    }
});
