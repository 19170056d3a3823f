//! Transparency (RFC 5321, section 4.5.2): a line that starts with a dot gets a second one.

/// Returns `message` with its dots doubled, ready for everything but the final dot.
///
/// The message must end with CRLF, which the relay checks of every message it takes; so the final dot needs no line
/// break in front, and the message arrives with exactly the octets that were signed.
pub(super) fn stuff(message: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(message.len() + message.len() / 64);
    for line in message.split_inclusive(|&octet| octet == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(
            String::from_utf8(stuff(message.as_bytes())).unwrap(),
            expected
        );
    }

    #[test]
    fn only_dots_at_the_start_of_a_line_are_doubled() {
        check("a.b\r\n", "a.b\r\n");
        check(".\r\n", "..\r\n");
        check("a\r\n.\r\nb\r\n", "a\r\n..\r\nb\r\n");
        check("..a\r\n", "...a\r\n");
        check("a\r\n\r\n", "a\r\n\r\n");
        check("", "");
    }
}
