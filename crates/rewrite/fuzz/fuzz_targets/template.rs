//! Any body: unchanged unless it is asked for, and what is put in is there, once a place, and the same links again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rewrite::{Hole, Policy, Template, text};

const URL: &str = "https://t.example/?a&b=\"";
const MARK: &str = "\u{E0FF}";

fuzz_target!(|html: &str| {
    let template = Template::parse(html, &Policy::default()).expect("inputs are short");
    assert_eq!(template.render(&mut |_| None), html);
    if !html.contains(MARK) {
        let mut places = 0;
        let copy = template.render(&mut |_| {
            places += 1;
            Some(MARK.to_owned())
        });
        assert_eq!(copy.matches(MARK).count(), places);
    }
    let copy = template.render(&mut |hole| (hole != Hole::UnsubscribeUrl).then(|| URL.to_owned()));
    let again = Template::parse(&copy, &Policy::default()).expect("copies are short");
    assert_eq!(again.links().len(), template.links().len());
    assert!(again.links().iter().all(|link| link.target == URL));
    let _ = text::fill(html, URL);
});
