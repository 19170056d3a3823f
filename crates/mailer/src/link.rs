//! Links in mail that lead through us: tokens that say whose copy of a message they are from, and that nobody else can make.
//!
//! A token is base64url without padding (RFC 4648 section 5) of
//!
//! | octets | what |
//! |---|---|
//! | 1 | which key |
//! | 16 | the message |
//! | 1 | the place in its list of recipients |
//! | 2 | clicks only: the number of the link, big-endian |
//! | n | clicks only: the target; `h` or `s` stand for its `http://` or `https://` |
//! | 10 | the start of HMAC-SHA256 over all before, and over what the token is for |
//!
//! The target is in the token and not looked up. So a link that was delivered leads where the message said for as long as its key is
//! kept, though the message is erased or the store is down, and following it costs no read. A redirect cannot lead anywhere else, since
//! only a rendering makes tokens. The price is length: four characters for three octets of the target.
//!
//! A forged token is refused in the same time wherever it is wrong, as far as a million measurements of each kind tell
//! (`examples/token_timing`: |t| < 4.5 wherever its MAC or what it says is wrong, and within 2 % whatever key it names).
//!
//! A target in a token is fit for a Location field: what RFC 3986 lets a URI consist of, and nothing else. One that is so already stays as
//! it is, to the octet. Others are written as browsers write them before they ask a server (WHATWG URL).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;
use percent_encoding::percent_decode_str;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use url::Url;
use uuid::Uuid;

use crate::operation::OperationId;
use crate::token_key::TokenKey;

/// The most octets of a target. Links to longer ones are left as they are.
pub const MAX_TARGET_OCTETS: usize = 1800;
/// The most characters of a token; nothing longer is looked at.
pub const MAX_TOKEN_CHARS: usize = (MAX_TARGET_OCTETS + FIXED_OCTETS).div_ceil(3) * 4;

/// Octets of a click's token besides its target's, which lose their scheme.
const FIXED_OCTETS: usize = 1 + READER_OCTETS + 2 + MAC_OCTETS;
const READER_OCTETS: usize = 17;
const MAC_OCTETS: usize = 10;
const KEY_ID_CONTEXT: &[u8] = b"sendlet link key id\0";
const SCHEMES: [(u8, &str); 2] = [(b's', "https://"), (b'h', "http://")];

/// Whose copy of which message a link is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reader {
    /// The message.
    pub message: OperationId,
    /// The place in its list of recipients.
    pub recipient: u8,
}

/// A link of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Click {
    /// Whose copy it is from.
    pub reader: Reader,
    /// Its number among the links of the message, from 0.
    pub link: u16,
    /// Where it leads, `http` or `https`; nothing but visible ASCII.
    pub target: String,
}

/// What a token is for; one for another thing is worth nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Open,
    Click,
    Unsubscribe,
}

impl Use {
    const fn context(self) -> &'static [u8] {
        match self {
            Self::Open => b"sendlet link 1 open\0",
            Self::Click => b"sendlet link 1 click\0",
            Self::Unsubscribe => b"sendlet link 1 unsubscribe\0",
        }
    }
}

/// The key that makes tokens, and those that did before and are still known.
#[derive(Debug, Clone)]
pub struct LinkKeys {
    current: (u8, TokenKey),
    // All that are known by their names, those with the current one's first. Names are so short that keys may share one.
    known: Vec<(u8, Vec<TokenKey>)>,
}

impl LinkKeys {
    /// `current` makes tokens, `previous` only know theirs.
    #[must_use]
    pub fn new(current: TokenKey, previous: Vec<TokenKey>) -> Self {
        let id = current.id(KEY_ID_CONTEXT);
        let mut known = vec![(id, vec![current.clone()])];
        for key in previous {
            let id = key.id(KEY_ID_CONTEXT);
            match known.iter_mut().find(|(known, _)| *known == id) {
                Some((_, keys)) => keys.push(key),
                None => known.push((id, vec![key])),
            }
        }
        Self {
            current: (id, current),
            known,
        }
    }

    /// The token of the tracking image in a copy.
    #[must_use]
    pub fn open(&self, reader: Reader) -> String {
        self.token(Use::Open, reader, &[])
    }

    /// The token that unsubscribes who got a copy.
    #[must_use]
    pub fn unsubscribe(&self, reader: Reader) -> String {
        self.token(Use::Unsubscribe, reader, &[])
    }

    /// The token of a link; none if its target is too long, neither `http` nor `https`, or nothing that a browser could follow.
    #[must_use]
    pub fn click(&self, reader: Reader, link: u16, target: &str) -> Option<String> {
        if target.len() > MAX_TARGET_OCTETS {
            return None;
        }
        let target = &*fit_for_location(target)?;
        let bare = |&(code, scheme): &(u8, &str)| {
            let (found, rest) = target.split_at_checked(scheme.len())?;
            found.eq_ignore_ascii_case(scheme).then_some((code, rest))
        };
        let (code, rest) = SCHEMES.iter().find_map(bare)?;
        let mut more = link.to_be_bytes().to_vec();
        more.push(code);
        more.extend_from_slice(rest.as_bytes());
        Some(self.token(Use::Click, reader, &more))
    }

    /// Whose copy the tracking image with this token is in.
    #[must_use]
    pub fn verify_open(&self, token: &str) -> Option<Reader> {
        let octets = self.verified(Use::Open, token)?;
        let (reader, rest) = split_reader(&octets)?;
        rest.is_empty().then_some(reader)
    }

    /// Who unsubscribes with this token.
    #[must_use]
    pub fn verify_unsubscribe(&self, token: &str) -> Option<Reader> {
        let octets = self.verified(Use::Unsubscribe, token)?;
        let (reader, rest) = split_reader(&octets)?;
        rest.is_empty().then_some(reader)
    }

    /// The link with this token.
    #[must_use]
    pub fn verify_click(&self, token: &str) -> Option<Click> {
        let octets = self.verified(Use::Click, token)?;
        let (reader, rest) = split_reader(&octets)?;
        let (link, rest) = rest.split_first_chunk()?;
        let (code, rest) = rest.split_first()?;
        let (_, scheme) = SCHEMES.iter().find(|(known, _)| known == code)?;
        let rest = std::str::from_utf8(rest).ok()?;
        // What `click` makes has no other; it is looked at again since a line break here would be a header field of its maker's choice.
        if !rest.bytes().all(|octet| octet.is_ascii_graphic()) {
            return None;
        }
        Some(Click {
            reader,
            link: u16::from_be_bytes(*link),
            target: format!("{scheme}{rest}"),
        })
    }

    /// The keys with this name; for the name of none the current one, so that it costs a MAC too. No branch depends on the name: it is no
    /// secret, but a branch that is foretold wrong takes longer than what must not be seen.
    fn named(&self, name: u8) -> Option<&[TokenKey]> {
        let places = self.known.iter().zip(0_u8..);
        let place = places.fold(0, |found, ((id, _), place)| {
            u8::conditional_select(&found, &place, id.ct_eq(&name))
        });
        let (_, keys) = self.known.get(usize::from(place))?;
        Some(keys)
    }

    fn token(&self, purpose: Use, reader: Reader, more: &[u8]) -> String {
        let (id, key) = &self.current;
        let mut octets = Vec::with_capacity(FIXED_OCTETS + more.len());
        octets.push(*id);
        octets.extend_from_slice(Uuid::from(reader.message).as_bytes());
        octets.push(reader.recipient);
        octets.extend_from_slice(more);
        let mac = key.mac(purpose.context(), &octets).finalize().into_bytes();
        octets.extend(mac.into_iter().take(MAC_OCTETS));
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// What a key of ours vouches for, without the key's name. Tokens consist of unreserved characters, and whoever writes those as `%XX`
    /// means the same (RFC 3986 section 6.2.2.2), so these are read once.
    fn verified(&self, purpose: Use, token: &str) -> Option<Vec<u8>> {
        if token.len() > 3 * MAX_TOKEN_CHARS {
            return None;
        }
        let token: Cow<'_, [u8]> = percent_decode_str(token).into();
        if token.len() > MAX_TOKEN_CHARS {
            return None;
        }
        let mut octets = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let tag = octets.split_off(octets.len().saturating_sub(MAC_OCTETS));
        let vouches = |key: &TokenKey| {
            let mac = key.mac(purpose.context(), &octets);
            tag.len() == MAC_OCTETS && mac.verify_truncated_left(&tag).is_ok()
        };
        // All of that name, whichever it is, and what they vouch for has their name in it.
        let keys = self.named(octets.first().copied()?)?.iter();
        let is_known = keys.fold(false, |is_known, key| is_known | vouches(key));
        is_known.then(|| octets.split_off(1))
    }
}

/// `target`, or if it holds what no URI does, how a browser would write it.
fn fit_for_location(target: &str) -> Option<Cow<'_, str>> {
    if target.bytes().all(is_uri_octet) {
        return Some(Cow::Borrowed(target));
    }
    let written = Url::parse(target).ok()?.to_string();
    let fits = written.len() <= MAX_TARGET_OCTETS && written.bytes().all(|o| o.is_ascii_graphic());
    fits.then_some(Cow::Owned(written))
}

/// RFC 3986 section 2: reserved, unreserved, and `%`.
const fn is_uri_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(
            octet,
            b'-' | b'.'
                | b'_'
                | b'~'
                | b':'
                | b'/'
                | b'?'
                | b'#'
                | b'['
                | b']'
                | b'@'
                | b'!'
                | b'$'
                | b'&'
                | b'\''
                | b'('
                | b')'
                | b'*'
                | b'+'
                | b','
                | b';'
                | b'='
                | b'%'
        )
}

fn split_reader(octets: &[u8]) -> Option<(Reader, &[u8])> {
    let (reader, rest) = octets.split_first_chunk::<READER_OCTETS>()?;
    let (message, recipient) = reader.split_first_chunk::<16>()?;
    let reader = Reader {
        message: Uuid::from_bytes(*message).into(),
        recipient: *recipient.first()?,
    };
    Some((reader, rest))
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;

    use super::*;

    fn key(octet: u8) -> TokenKey {
        TokenKey::parse(&STANDARD.encode([octet; 32])).expect("a key")
    }

    fn keys() -> LinkKeys {
        LinkKeys::new(key(1), Vec::new())
    }

    fn reader() -> Reader {
        Reader {
            message: "9f2c1a52-6f0b-4c7e-8f3e-0c5b1d1f2a34"
                .parse()
                .expect("a UUID"),
            recipient: 49,
        }
    }

    #[test]
    fn a_token_says_what_it_was_made_of() {
        let keys = keys();
        assert_eq!(keys.verify_open(&keys.open(reader())), Some(reader()));
        let unsubscribe = keys.unsubscribe(reader());
        assert_eq!(keys.verify_unsubscribe(&unsubscribe), Some(reader()));
        for target in [
            "https://a.example/?q=1&r=%C3%BC#x",
            "http://b.example",
            "HTTPS://C.example/",
        ] {
            let token = keys.click(reader(), 513, target).expect("a token");
            let click = keys.verify_click(&token).expect("it is ours");
            assert_eq!((click.reader, click.link), (reader(), 513));
            assert!(
                click.target.eq_ignore_ascii_case(target),
                "{}",
                click.target
            );
        }
    }

    #[test]
    fn whoever_escapes_a_token_once_means_the_same() {
        let keys = keys();
        let escaped = |token: &str| token.bytes().map(|octet| format!("%{octet:02x}")).collect();
        let open = keys.open(reader());
        let all: String = escaped(&open);
        assert_eq!(keys.verify_open(&all), Some(reader()));
        assert_eq!(keys.verify_open(&all.to_ascii_uppercase()), Some(reader()));
        let first = format!("%{:02X}{}", open.as_bytes()[0], &open[1..]);
        assert_eq!(keys.verify_open(&first), Some(reader()));
        for other in ["%", "%4", "%zz", "%2F", "%00", "%3D"] {
            assert_eq!(keys.verify_open(&format!("{open}{other}")), None, "{other}");
        }
        assert_eq!(keys.verify_open(&first.replace('%', "%25")), None, "twice");
        let longest = format!("http://{}", "x".repeat(MAX_TARGET_OCTETS - 7));
        let token = keys.click(reader(), 0, &longest).expect("a token");
        let all: String = escaped(&token);
        assert!(keys.verify_click(&all).is_some());
        assert_eq!(keys.verify_click(&format!("{all}%41")), None);
    }

    #[test]
    fn a_whole_link_is_short_for_a_usual_target() {
        let target =
            "https://shop.example.com/products/blue-shoes?utm_source=newsletter&utm_medium=email";
        let token = keys().click(reader(), 3, target).expect("a token");
        let link = format!("https://links.example.com/c/{token}");
        assert!(link.len() < 200, "{}: {link}", link.len());
    }

    #[test]
    fn a_token_for_one_thing_is_worth_nothing_for_another() {
        let keys = keys();
        let open = keys.open(reader());
        assert_eq!(keys.verify_unsubscribe(&open), None);
        assert_eq!(keys.verify_click(&open), None);
        assert_eq!(keys.verify_open(&keys.unsubscribe(reader())), None);
    }

    #[test]
    fn keys_that_made_tokens_before_are_known_until_they_are_taken_away() {
        let old = keys().open(reader());
        let rotated = LinkKeys::new(key(2), vec![key(3), key(1)]);
        assert_eq!(rotated.verify_open(&old), Some(reader()));
        assert_ne!(rotated.open(reader()), old);
        assert_eq!(LinkKeys::new(key(2), vec![key(3)]).verify_open(&old), None);
    }

    #[test]
    fn keys_that_share_a_name_are_all_known() {
        let name = |octet| key(octet).id(KEY_ID_CONTEXT);
        let pairs = (1..=255).flat_map(|one| (1..one).map(move |other| (one, other)));
        let mut alike = pairs.filter(|&(one, other)| name(one) == name(other));
        let (one, other) = alike.next().expect("255 keys, and 256 names");
        let tokens = [one, other].map(|octet| LinkKeys::new(key(octet), Vec::new()).open(reader()));
        for keys in [
            LinkKeys::new(key(one), vec![key(other)]),
            LinkKeys::new(key(other), vec![key(one)]),
            LinkKeys::new(key(0), vec![key(one), key(other)]),
        ] {
            for token in &tokens {
                assert_eq!(keys.verify_open(token), Some(reader()));
            }
        }
    }

    #[test]
    fn a_token_that_names_another_key_is_refused() {
        let keys = LinkKeys::new(key(1), vec![key(2)]);
        let mut octets = URL_SAFE_NO_PAD.decode(keys.open(reader())).expect("base64");
        for name in 0..=255 {
            let is_right = octets[0] == name;
            let mut renamed = octets.clone();
            renamed[0] = name;
            let found = keys.verify_open(&URL_SAFE_NO_PAD.encode(renamed));
            assert_eq!(found.is_some(), is_right, "{name}");
        }
        octets.truncate(MAC_OCTETS);
        assert_eq!(keys.verify_open(&URL_SAFE_NO_PAD.encode(octets)), None);
        assert_eq!(keys.verify_open(""), None);
    }

    #[track_caller]
    fn leads(target: &str, expected: &str) {
        let token = keys().click(reader(), 0, target);
        let click = token.and_then(|token| keys().verify_click(&token));
        let found = click.map(|click| click.target);
        let expected = (!expected.is_empty()).then(|| expected.to_owned());
        assert_eq!(found, expected, "{target:?}");
    }

    #[test]
    fn targets_are_fit_for_a_header_field_and_otherwise_left_as_they_are() {
        for same in [
            "https://a.example",
            "https://A.example:443/../%zz?a=[b]&c='d';#e",
            "http://user:pass@[::1]/",
        ] {
            leads(same, same);
        }
        leads("https://a.example/ü b", "https://a.example/%C3%BC%20b");
        leads(
            "https://bücher.example/\"<>",
            "https://xn--bcher-kva.example/%22%3C%3E",
        );
        leads(
            "https://a.example/\r\nSet-Cookie: x",
            "https://a.example/Set-Cookie:%20x",
        );
        leads(
            "https://a.example/\0\u{7f}\u{2028}",
            "https://a.example/%00%7F%E2%80%A8",
        );
        leads(
            "https://a.example\\@b.example/",
            "https://a.example/@b.example/",
        );
        leads("https://a b.example/", "");
        leads("https://[é]/", "");
        leads(&format!("https://a.example/{}", "é".repeat(600)), "");
    }

    #[test]
    fn other_schemes_and_long_targets_get_no_token() {
        let long = format!("https://a.example/{}", "x".repeat(MAX_TARGET_OCTETS));
        for target in [
            "javascript:alert(1)",
            "ftp://a.example",
            "//a.example",
            "",
            &long,
        ] {
            assert_eq!(keys().click(reader(), 0, target), None, "{target}");
        }
        let longest = format!("http://{}", "x".repeat(MAX_TARGET_OCTETS - 7));
        let token = keys().click(reader(), 0, &longest).expect("a token");
        assert!(token.len() <= MAX_TOKEN_CHARS);
        assert_eq!(keys().verify_click(&token).map(|c| c.target), Some(longest));
    }

    proptest! {
        #[test]
        fn what_was_changed_or_cut_anywhere_is_refused(at in 0_usize..200, octet: u8, cut in 1_usize..60) {
            let keys = keys();
            let token = keys.click(reader(), 0, "https://a.example/").expect("a token");
            let mut octets = URL_SAFE_NO_PAD.decode(&token).expect("base64");
            let at = at % octets.len();
            prop_assume!(octets[at] != octet);
            octets[at] = octet;
            prop_assert_eq!(keys.verify_click(&URL_SAFE_NO_PAD.encode(octets)), None);
            let shorter = token.get(..token.len().saturating_sub(cut)).unwrap_or_default();
            prop_assert_eq!(keys.verify_click(shorter), None);
        }

        #[test]
        fn whatever_the_target_it_leads_to_visible_ascii(rest in "(?s).{0,40}") {
            let token = keys().click(reader(), 0, &format!("https://a.example/{rest}"));
            if let Some(click) = token.and_then(|token| keys().verify_click(&token)) {
                prop_assert!(click.target.starts_with("https://"));
                prop_assert!(click.target.bytes().all(|octet| octet.is_ascii_graphic()));
            }
        }

        #[test]
        fn no_text_is_taken_for_a_token(text: String) {
            prop_assert_eq!(keys().verify_click(&text), None);
            prop_assert_eq!(keys().verify_open(&text), None);
            prop_assert_eq!(keys().verify_unsubscribe(&text), None);
        }
    }
}
