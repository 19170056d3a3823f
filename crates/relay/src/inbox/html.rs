//! HTML bodies, made ready for a frame that has no network.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// The most octets of pictures put into one body.
const MAX_INLINE_OCTETS: usize = 32 * 1024 * 1024;
/// The most links listed.
const MAX_LINKS: usize = 100;
/// The longest link listed.
const MAX_LINK_OCTETS: usize = 2_048;

/// A part that an HTML body may show by its Content-ID (RFC 2392).
#[derive(Clone, Copy, Debug)]
pub(super) struct InlinePart<'a> {
    pub(super) content_id: &'a str,
    /// A media type of [`INLINE_TYPES`].
    pub(super) media_type: &'static str,
    pub(super) content: &'a [u8],
}

/// Pictures that may stand in a body. An SVG picture runs no scripts when an `img` shows it.
const INLINE_TYPES: [&str; 8] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/bmp",
    "image/avif",
    "image/svg+xml",
    "image/x-icon",
];

/// Returns the media type in our own spelling, if it is a picture that may stand in a body.
pub(super) fn inline_type(media_type: &str) -> Option<&'static str> {
    INLINE_TYPES
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(media_type))
}

/// Puts the parts into the body in place of the `cid:` addresses that name them.
///
/// As `data:` addresses, so that the frame's policy can forbid every request, even those to the inbox itself.
pub(super) fn embed(html: &str, parts: &[InlinePart<'_>]) -> String {
    let mut embedded = String::with_capacity(html.len());
    let mut inline_octets = 0;
    let mut rest = html;
    let lower = html.to_ascii_lowercase();
    while let Some(at) = lower
        .get(html.len() - rest.len()..)
        .and_then(|lower| lower.find("cid:"))
    {
        let (before, found) = rest.split_at(at);
        embedded.push_str(before);
        let id_and_rest = found.get(4..).unwrap_or_default();
        let id = id_and_rest.get(..id_end(id_and_rest)).unwrap_or_default();
        rest = id_and_rest;
        let part = if starts_address(before) {
            find(parts, id)
        } else {
            None
        };
        match part {
            Some(part) if inline_octets + part.content.len() <= MAX_INLINE_OCTETS => {
                inline_octets += part.content.len();
                embedded.push_str(&format!("data:{};base64,", part.media_type));
                BASE64_STANDARD.encode_string(part.content, &mut embedded);
                rest = id_and_rest.get(id.len()..).unwrap_or_default();
            }
            _ => embedded.push_str(found.get(..4).unwrap_or_default()),
        }
    }
    embedded.push_str(rest);
    embedded
}

fn starts_address(before: &str) -> bool {
    before.ends_with(['"', '\'', '(', '=', ' ', '\t', '\r', '\n'])
}

fn id_end(text: &str) -> usize {
    text.find(|character: char| character.is_whitespace() || "\"'()<>".contains(character))
        .unwrap_or(text.len())
}

fn find<'a>(parts: &[InlinePart<'a>], id: &str) -> Option<InlinePart<'a>> {
    let decoded = percent_decode(id);
    parts
        .iter()
        .copied()
        .find(|part| part.content_id.as_bytes() == decoded)
}

/// Undoes percent-encoding; what is not an encoded octet stands for itself.
fn percent_decode(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut octets = text.as_bytes();
    while let Some((&first, rest)) = octets.split_first() {
        let digits = rest.get(..2).and_then(|digits| str::from_utf8(digits).ok());
        let octet = digits
            .filter(|digits| first == b'%' && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(octet.unwrap_or(first));
        octets = if octet.is_some() {
            rest.get(2..).unwrap_or_default()
        } else {
            rest
        };
    }
    decoded
}

/// Says whether the body seems to ask for something over the network when shown, so that the page can say that it is
/// left out. Only a hint: the frame's policy does not depend on it.
pub(super) fn wants_network(html: &str) -> bool {
    let lower = html.to_ascii_lowercase();
    ["src", "srcset", "background", "poster", "url("]
        .iter()
        .any(|place| {
            lower.match_indices(place).any(|(at, _)| {
                let value = lower.get(at + place.len()..).unwrap_or_default();
                let value = value.trim_start_matches([' ', '=', '"', '\'']);
                value.starts_with("http:") || value.starts_with("https:") || value.starts_with("//")
            })
        })
}

/// Lists the web addresses that the body links to, each once.
pub(super) fn links(html: &str) -> Vec<String> {
    let lower = html.to_ascii_lowercase();
    let mut links = Vec::new();
    for (at, _) in lower.match_indices("href") {
        let Some(link) = html.get(at + 4..).and_then(link_at) else {
            continue;
        };
        if !links.contains(&link) {
            links.push(link);
        }
        if links.len() == MAX_LINKS {
            break;
        }
    }
    links
}

fn link_at(text: &str) -> Option<String> {
    let value = text
        .trim_start()
        .strip_prefix('=')?
        .trim_start()
        .trim_start_matches(['"', '\''])
        .trim_start();
    let end =
        value.find(|character: char| character.is_whitespace() || "\"'<>".contains(character))?;
    let link = value
        .get(..end)
        .filter(|link| link.len() <= MAX_LINK_OCTETS)?;
    let lower = link.get(..8).unwrap_or(link).to_ascii_lowercase();
    (lower.starts_with("http://") || lower.starts_with("https://"))
        .then(|| link.replace("&amp;", "&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGO: InlinePart<'_> = InlinePart {
        content_id: "logo@x",
        media_type: "image/png",
        content: b"abc",
    };

    #[track_caller]
    fn check(html: &str, expected: &str) {
        assert_eq!(embed(html, &[LOGO]), expected);
    }

    #[test]
    fn known_content_ids_become_data_addresses() {
        check(
            r#"<img src="cid:logo@x">"#,
            r#"<img src="data:image/png;base64,YWJj">"#,
        );
        check(
            "<img src=CID:logo@x>",
            "<img src=data:image/png;base64,YWJj>",
        );
        check(
            "<img src='cid:logo%40x'>",
            "<img src='data:image/png;base64,YWJj'>",
        );
        check(
            "a{background:url(cid:logo@x)}",
            "a{background:url(data:image/png;base64,YWJj)}",
        );
        check(
            "é <img src=\"cid:logo@x\"> é",
            "é <img src=\"data:image/png;base64,YWJj\"> é",
        );
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        for html in [
            "",
            "cid:",
            "acid:logo@x",
            "\"cid:other@x\"",
            "\"cid:%4\"",
            "\"cid:%é0\"",
            "\"cid:",
            "no address",
            "cid:cid:cid:",
        ] {
            check(html, html);
        }
    }

    #[test]
    fn repeating_a_large_picture_does_not_multiply_it_without_end() {
        let content = vec![0; 10 << 20];
        let part = InlinePart {
            content: &content,
            ..LOGO
        };
        let embedded = embed(&"<img src='cid:logo@x'>".repeat(1_000), &[part]);
        assert_eq!(embedded.matches("data:").count(), 3);
        assert_eq!(embedded.matches("cid:logo@x").count(), 997);
    }

    #[test]
    fn only_pictures_are_embedded() {
        assert_eq!(inline_type("IMAGE/PNG"), Some("image/png"));
        assert_eq!(inline_type("text/html"), None);
        assert_eq!(inline_type("image/png; x=\""), None);
    }

    #[test]
    fn network_requests_are_noticed() {
        for html in [
            "<img src=\"https://x/\">",
            "<IMG SRC = http://x>",
            "url('//x')",
            "<td background=http://x>",
        ] {
            assert!(wants_network(html), "{html}");
        }
        for html in [
            "<a href=\"https://x/\">",
            "<img src=\"cid:x\">",
            "https://x",
            "",
        ] {
            assert!(!wants_network(html), "{html}");
        }
    }

    #[test]
    fn web_links_are_listed_once() {
        let html = "<a href=\"https://x/?a=1&amp;b=2\">1</a> <A HREF = 'HTTP://y'>2</a> <a href=javascript:alert(1)>3</a>
            <a href=\"https://x/?a=1&amp;b=2\">4</a> <a href='mailto:a@b'>5</a> href";
        assert_eq!(links(html), ["https://x/?a=1&b=2", "HTTP://y"]);
        let many: String = (0..1_000)
            .map(|n| format!("<a href='http://x/{n}'>"))
            .collect();
        assert_eq!(links(&many).len(), MAX_LINKS);
    }
}
