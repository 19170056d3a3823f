//! Replies: only what is terminal is hard or spam, spam blames no address, and case makes no difference.
#![no_main]

use envelope::{EnhancedStatusCode, ReplyCode, StatusClass};
use libfuzzer_sys::fuzz_target;
use report::classify;

fuzz_target!(|input: (u16, u8, u8, u16, &str)| {
    let (code, class, subject, detail, text) = input;
    let code = ReplyCode::new(code % 1024).ok();
    let class = match class % 4 {
        0 => None,
        1 => Some(StatusClass::Success),
        2 => Some(StatusClass::Transient),
        _ => Some(StatusClass::Permanent),
    };
    let status = class
        .and_then(|class| EnhancedStatusCode::new(class, u16::from(subject) % 9, detail % 1000));
    let found = classify(code, status, text);
    assert!(found.terminal || !found.hard_bounce);
    assert!(found.terminal || !found.spam);
    assert!(found.hard_bounce && !found.spam || !found.may_suppress());
    if text.len() <= 1000 {
        assert_eq!(classify(code, status, &text.to_ascii_uppercase()), found);
    }
});
