//! Asking the MTA for delivery status notifications ([RFC 3461]), so that somebody says what became of what it took.
//!
//! # Not supported
//! - `RET=FULL`: a report needs the message's header section at most, and we have the message.
//! - `NOTIFY=NEVER`, and asking about recipients that share a return path.
//!
//! [RFC 3461]: https://www.rfc-editor.org/rfc/rfc3461

use std::fmt::Write as _;

use envelope::AddrSpec;

use crate::Notify;

/// The longest `ENVID`, in characters as they are sent (RFC 3461, section 4.4).
const MAX_ENVID_CHARACTERS: usize = 100;

/// What is asked for with one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// When reports are made.
    pub(super) notify: Notify,
    /// What reports call the transaction by: visible ASCII.
    pub(super) envelope_id: &'a str,
}

impl Request<'_> {
    /// The parameters of `MAIL`, each with a space before it (RFC 3461, sections 4.3 and 4.4). There is no `ENVID` where it would be
    /// too long.
    pub(super) fn of_mail(self) -> String {
        let envelope_id = xtext(self.envelope_id);
        if (1..=MAX_ENVID_CHARACTERS).contains(&envelope_id.len()) {
            format!(" RET=HDRS ENVID={envelope_id}")
        } else {
            " RET=HDRS".to_owned()
        }
    }

    /// The parameters of `RCPT`, each with a space before it (RFC 3461, sections 4.1 and 4.2).
    ///
    /// `ORCPT` may have 500 characters, and lines may be longer by them; what the longest address comes to is less than half.
    pub(super) fn of_rcpt(self, recipient: &AddrSpec) -> String {
        let address = recipient.to_string();
        let typed = if recipient.needs_smtputf8() {
            format!("utf-8;{}", utf8_xtext(&address))
        } else {
            format!("rfc822;{}", xtext(&address))
        };
        format!(" NOTIFY={} ORCPT={typed}", self.notify.keywords())
    }
}

/// Encodes as xtext (RFC 3461, section 4): what is not visible ASCII, `+` and `=` become `+` and two digits.
fn xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for octet in text.bytes() {
        if is_plain(char::from(octet)) {
            encoded.push(char::from(octet));
        } else {
            // Writing to a string never fails.
            let _ = write!(encoded, "+{octet:02X}");
        }
    }
    encoded
}

/// Encodes as utf-8-addr-xtext (RFC 6533, section 3), which is ASCII: what xtext encodes, and `\`, become `\x{}` with the code point.
fn utf8_xtext(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) && character != '\\' {
            encoded.push(character);
        } else {
            // Writing to a string never fails.
            let _ = write!(encoded, "\\x{{{:02X}}}", u32::from(character));
        }
    }
    encoded
}

fn is_plain(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '+' | '=')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: Request<'static> = Request {
        notify: Notify::SuccessFailureDelay,
        envelope_id: "4f0c.1",
    };

    #[track_caller]
    fn check_mail(envelope_id: &str, expected: &str) {
        let request = Request {
            envelope_id,
            ..REQUEST
        };
        assert_eq!(request.of_mail(), expected);
    }

    #[test]
    fn a_transaction_is_named_where_the_name_is_short_enough() {
        check_mail("4f0c.1", " RET=HDRS ENVID=4f0c.1");
        check_mail("a+b=c", " RET=HDRS ENVID=a+2Bb+3Dc");
        check_mail("", " RET=HDRS");
        check_mail(&"x".repeat(101), " RET=HDRS");
        check_mail(&"+".repeat(34), " RET=HDRS");
        let longest = "x".repeat(100);
        check_mail(&longest, &format!(" RET=HDRS ENVID={longest}"));
    }

    #[track_caller]
    fn check_rcpt(notify: Notify, recipient: &str, expected: &str) {
        let request = Request { notify, ..REQUEST };
        let recipient = AddrSpec::parse(recipient).unwrap();
        assert_eq!(request.of_rcpt(&recipient), expected);
    }

    #[test]
    fn a_recipient_is_named_as_he_was_given() {
        let all = Notify::SuccessFailureDelay;
        check_rcpt(
            all,
            "Ann+news@d.example",
            " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;Ann+2Bnews@d.example",
        );
        check_rcpt(
            Notify::FailureDelay,
            r#""a b"@d.example"#,
            r#" NOTIFY=FAILURE,DELAY ORCPT=rfc822;"a+20b"@d.example"#,
        );
        check_rcpt(
            all,
            "jörg+x@bücher.example",
            r" NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=utf-8;j\x{F6}rg\x{2B}x@xn--bcher-kva.example",
        );
    }

    /// The octets that xtext stands for, or none if it is not xtext.
    fn decoded(xtext: &str) -> Option<Vec<u8>> {
        let mut octets = xtext.bytes();
        let mut decoded = Vec::new();
        while let Some(octet) = octets.next() {
            decoded.push(match octet {
                b'+' => {
                    let digits = [octets.next()?, octets.next()?];
                    let is_digit = |digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F');
                    if !digits.into_iter().all(is_digit) {
                        return None;
                    }
                    u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
                }
                b'!'..=b'~' if octet != b'=' => octet,
                _ => return None,
            });
        }
        Some(decoded)
    }

    fn addresses() -> impl Strategy<Value = AddrSpec> {
        let quoted = "[ -~]{1,62}|[ -~¡-\u{10FFFF}]{1,31}".prop_map(|content: String| {
            format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""))
        });
        let domain = "([a-z0-9]{1,60}\\.){1,4}example";
        (quoted, domain).prop_filter_map("too long", |(local_part, domain)| {
            AddrSpec::parse(&format!("{local_part}@{domain}")).ok()
        })
    }

    proptest! {
        #[test]
        fn xtext_can_be_read_again(text in ".{0,100}") {
            prop_assert_eq!(decoded(&xtext(&text)), Some(text.into_bytes()));
        }

        /// RFC 3461, section 4.4: with the longest path and all other parameters `MAIL` stays below the 512 octets of RFC 5321.
        #[test]
        fn an_envelope_id_never_breaks_the_command(envelope_id in ".{0,200}") {
            let parameters = Request { envelope_id: &envelope_id, ..REQUEST }.of_mail();
            prop_assert!(parameters.len() <= " RET=HDRS ENVID=".len() + 100);
            prop_assert!(parameters.bytes().all(|octet| octet == b' ' || octet.is_ascii_graphic()));
            prop_assert_eq!(parameters.matches(' ').count(), parameters.matches('=').count());
        }

        /// RFC 3461, section 4.2, and RFC 6533, section 3.
        #[test]
        fn an_original_recipient_never_breaks_the_command(recipient in addresses()) {
            let parameters = REQUEST.of_rcpt(&recipient);
            let (notify, typed) = parameters.split_once(" ORCPT=").unwrap();
            prop_assert_eq!(notify, " NOTIFY=SUCCESS,FAILURE,DELAY");
            prop_assert!(typed.len() <= 500);
            let (address_type, address) = typed.split_once(';').unwrap();
            if address_type == "rfc822" {
                prop_assert_eq!(decoded(address), Some(recipient.to_string().into_bytes()));
            } else {
                prop_assert_eq!(address_type, "utf-8");
                let is_qchar = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'+' | b'=');
                prop_assert!(address.bytes().all(is_qchar));
            }
        }
    }
}
