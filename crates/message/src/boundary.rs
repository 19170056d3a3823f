//! Boundaries of multiparts (RFC 2046 section 5.1.1), derived from what is rendered.

/// Makes the boundaries of one message.
///
/// All start with `=_`, which neither quoted-printable nor base64 can contain, so only text that is sent as it is
/// could hold one; the token is chosen so that none of the message's text does.
pub(crate) struct Boundaries {
    token: String,
    made: usize,
}

impl Boundaries {
    /// Derives a token from `seed`, the first in a fixed order that is in none of `texts`.
    pub(crate) fn new(seed: &str, texts: &[&str]) -> Self {
        let is_free = |token: &String| !texts.iter().any(|text| text.contains(token.as_str()));
        // A text of n octets can hold n of 2^64 tokens, so this ends long before the range does.
        let mut tokens = (0..=u64::MAX).map(|attempt| token(seed, attempt));
        Self {
            token: tokens.find(is_free).unwrap_or_default(),
            made: 0,
        }
    }

    /// The next boundary, unlike any other of this message.
    pub(crate) fn next(&mut self) -> String {
        self.made += 1;
        format!("=_{}_{}", self.made, self.token)
    }
}

fn token(seed: &str, attempt: u64) -> String {
    let octets = seed.bytes().chain(attempt.to_be_bytes());
    format!("{:016x}", octets.fold(FNV_OFFSET, fnv_1a))
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// One step of FNV-1a, which spreads well enough where nothing is at stake but brevity.
fn fnv_1a(hash: u64, octet: u8) -> u64 {
    (hash ^ u64::from(octet)).wrapping_mul(FNV_PRIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boundaries_are_the_same_for_the_same_message_and_differ_within_it() {
        let mut boundaries = Boundaries::new("<a@b>", &[]);
        let mut again = Boundaries::new("<a@b>", &[]);
        let (first, second) = (boundaries.next(), boundaries.next());
        assert_eq!(first, again.next());
        assert_ne!(first, second);
        assert_ne!(first, Boundaries::new("<c@b>", &[]).next());
    }

    #[test]
    fn a_boundary_in_the_text_is_not_used() {
        let taken = [token("<a@b>", 0), token("<a@b>", 1)];
        let text = taken.join("\n--=_1_");
        let boundaries = Boundaries::new("<a@b>", &["", &text]);
        assert_eq!(boundaries.token, token("<a@b>", 2));
    }
}
