//! Accept-Language: no panic, and ranges of other languages behind make no difference.
#![no_main]

// A component is no library that could be depended on.
#[path = "../../src/language.rs"]
mod language;

use http::Request;
use language::Language;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let of = |text: &str| {
        let request = Request::builder().header("accept-language", text);
        request.body(()).ok().map(|request| Language::of(&request))
    };
    assert_eq!(of(text), of(&format!("{text},tlh;q=1")));
});
