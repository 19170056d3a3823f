//! What a server offers in its reply to `EHLO` (RFC 5321, section 4.1.1.1).

/// The service extensions this client knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extensions {
    pub(crate) eight_bit_mime: bool,
    pub(crate) smtputf8: bool,
    pub(crate) pipelining: bool,
    pub(crate) starttls: bool,
    /// Whether delivery status notifications may be asked for (RFC 3461).
    pub(crate) dsn: bool,
    /// Whether sizes may be declared (RFC 1870).
    pub(crate) size: bool,
    /// The largest message taken, when the server says one.
    pub(crate) max_message_octets: Option<u64>,
    pub(crate) auth_plain: bool,
    pub(crate) auth_login: bool,
}

impl Extensions {
    /// Reads the lines of the reply; unknown keywords and malformed parameters are ignored.
    pub(super) fn parse(lines: &[String]) -> Self {
        let mut extensions = Self::default();
        // The first line is the server's name and greeting.
        for line in lines.iter().skip(1) {
            extensions.add(line.get(4..).unwrap_or_default());
        }
        extensions
    }

    fn add(&mut self, line: &str) {
        let mut words = line.split_ascii_whitespace();
        match words
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase()
            .as_str()
        {
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "PIPELINING" => self.pipelining = true,
            "STARTTLS" => self.starttls = true,
            "DSN" => self.dsn = true,
            "SIZE" => {
                self.size = true;
                // Zero means that there is no fixed maximum (RFC 1870, section 4).
                self.max_message_octets = words
                    .next()
                    .and_then(|word| word.parse().ok())
                    .filter(|&octets| octets > 0);
            }
            "AUTH" => {
                for mechanism in words {
                    self.auth_plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                    self.auth_login |= mechanism.eq_ignore_ascii_case("LOGIN");
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &Extensions) {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(&Extensions::parse(&lines), expected);
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        check(
            &[
                "250-mx.example",
                "250-pipelining",
                "250-SIZE 10240000",
                "250-StartTLS",
                "250-dsn",
                "250-AUTH plain LOGIN",
                "250-8BITMIME",
                "250-X-OTHER a b",
                "250 SMTPUTF8",
            ],
            &Extensions {
                eight_bit_mime: true,
                smtputf8: true,
                pipelining: true,
                starttls: true,
                dsn: true,
                size: true,
                max_message_octets: Some(10_240_000),
                auth_plain: true,
                auth_login: true,
            },
        );
    }

    #[test]
    fn the_first_line_offers_nothing() {
        check(&["250 PIPELINING"], &Extensions::default());
        check(&["250-STARTTLS", "250"], &Extensions::default());
    }

    #[test]
    fn a_size_of_zero_or_nonsense_is_no_limit() {
        for line in [
            "250 SIZE",
            "250 SIZE 0",
            "250 SIZE much",
            "250 SIZE 99999999999999999999999",
        ] {
            check(
                &["250-x", line],
                &Extensions {
                    size: true,
                    ..Extensions::default()
                },
            );
        }
    }
}
