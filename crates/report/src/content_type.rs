//! Content-Type: RFC 2045 section 5.1.

use alloc::string::String;

use crate::text::without_comments;

/// Longest boundary that counts as one, in octets. RFC 2046 section 5.1.1 allows 70; some MTAs write more.
pub const MAX_BOUNDARY_OCTETS: usize = 200;

/// What a body part is.
pub(crate) struct ContentType {
    /// Type and subtype in lower case, `text/plain` where there is none that can be read.
    pub(crate) media_type: String,
    /// What delimits its parts, if it has any.
    pub(crate) boundary: Option<String>,
}

impl Default for ContentType {
    fn default() -> Self {
        Self {
            media_type: String::from("text/plain"),
            boundary: None,
        }
    }
}

impl ContentType {
    pub(crate) fn parse(body: &str) -> Self {
        let body = without_comments(body);
        let (media_type, parameters) = body.split_once(';').unwrap_or((&body, ""));
        let media_type = media_type.trim().to_ascii_lowercase();
        if !media_type.contains('/') {
            return Self::default();
        }
        Self {
            media_type,
            boundary: boundary(parameters),
        }
    }

    pub(crate) fn is_multipart(&self) -> bool {
        self.media_type.starts_with("multipart/")
    }
}

fn boundary(mut parameters: &str) -> Option<String> {
    while let Some((name, rest)) = parameters.split_once('=') {
        let (value, rest) = split_value(rest.trim_start());
        let name = name.trim_matches(|c: char| c == ';' || c.is_whitespace());
        if name.eq_ignore_ascii_case("boundary") {
            let fits = !value.is_empty() && value.len() <= MAX_BOUNDARY_OCTETS;
            return fits.then_some(value);
        }
        parameters = rest;
    }
    None
}

/// Takes a value off, a quoted string or all up to the next semicolon.
fn split_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_once(';').unwrap_or((text, ""));
        return (String::from(value.trim_end()), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return (value, quoted.get(offset + 1..).unwrap_or_default()),
            '\\' => value.extend(characters.next().map(|(_, character)| character)),
            _ => value.push(character),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, media_type: &str, boundary: Option<&str>) {
        let found = ContentType::parse(body);
        assert_eq!(found.media_type, media_type);
        assert_eq!(found.boundary.as_deref(), boundary);
    }

    #[test]
    fn type_and_boundary_are_read() {
        check("Text/HTML; charset=x", "text/html", None);
        check(
            "multipart/report; report-type=delivery-status; boundary=\"a=_b;c\"",
            "multipart/report",
            Some("a=_b;c"),
        );
        check(
            "multipart/report; BOUNDARY=foo",
            "multipart/report",
            Some("foo"),
        );
        check(
            "multipart/mixed;boundary=----=_x ; a=b",
            "multipart/mixed",
            Some("----=_x"),
        );
        check(
            "multipart/x; a=\"b\\\"; boundary=no\"; boundary=yes",
            "multipart/x",
            Some("yes"),
        );
        check(
            "multipart/x (a; boundary=no); boundary = yes",
            "multipart/x",
            Some("yes"),
        );
    }

    #[test]
    fn what_cannot_be_read_is_plain_text() {
        check("", "text/plain", None);
        check("text", "text/plain", None);
        check("multipart/x; boundary=", "multipart/x", None);
        check("multipart/x; boundary=\"\"", "multipart/x", None);
        check("multipart/x; boundary", "multipart/x", None);
        check("multipart/x; boundary=\"open", "multipart/x", Some("open"));
        check(
            &alloc::format!("multipart/x; boundary={}", "b".repeat(201)),
            "multipart/x",
            None,
        );
    }
}
