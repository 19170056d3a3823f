//! No text that our keys did not make is a token, and none makes a parser panic. A target that gets a token comes back as a URL that
//! may stand in a header field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mailer::link::{LinkKeys, MAX_TOKEN_CHARS, Reader};
use mailer::token_key::TokenKey;

fuzz_target!(|text: &str| {
    let key = TokenKey::parse("AAECAwQFBgcICQoLDA0ODw==").expect("a key");
    let keys = LinkKeys::new(key, Vec::new());
    assert_eq!(keys.verify_open(text), None);
    assert_eq!(keys.verify_click(text), None);
    assert_eq!(keys.verify_unsubscribe(text), None);
    let reader = Reader {
        message: "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34".parse().expect("an id"),
        recipient: 1,
    };
    for target in [text.to_owned(), format!("https://{text}")] {
        if let Some(token) = keys.click(reader, 3, &target) {
            assert!(token.len() <= MAX_TOKEN_CHARS);
            let click = keys.verify_click(&token).expect("it is ours");
            assert_eq!((click.reader, click.link), (reader, 3));
            assert!(click.target.bytes().all(|octet| octet.is_ascii_graphic()));
        }
    }
});
