//! `{{unsubscribe_url}}`.

use std::ops::Range;

/// Those beyond this number are left as they are.
pub const MAX_PLACEHOLDERS: usize = 1000;

const OPENING: &str = "{{";
const NAME: &str = "unsubscribe_url";
const CLOSING: &str = "}}";
const SPACES: [char; 2] = [' ', '\t'];

/// Where it stands in a text, in order and apart from each other, within the limit.
pub(crate) fn find(text: &str) -> impl Iterator<Item = Range<usize>> {
    find_all(text).take(MAX_PLACEHOLDERS)
}

/// Whether there is one.
pub(crate) fn is_in(text: &str) -> bool {
    find_all(text).next().is_some()
}

fn find_all(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find(OPENING)?;
            if let Some(end) = end(text, start) {
                from = end;
                return Some(start..end);
            }
            // The second brace may be the first of another one.
            from = start + 1;
        }
    })
}

fn end(text: &str, start: usize) -> Option<usize> {
    let opened = text.get(start..)?.strip_prefix(OPENING)?;
    let named = opened.trim_start_matches(SPACES).strip_prefix(NAME)?;
    let rest = named.trim_start_matches(SPACES).strip_prefix(CLOSING)?;
    Some(text.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::{MAX_PLACEHOLDERS, find};

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = find(text).map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn braces_with_spaces_or_tabs_and_nothing_else() {
        const PLAIN: &str = "{{unsubscribe_url}}";
        check("", &[]);
        check(PLAIN, &[PLAIN]);
        check("a{{ unsubscribe_url\t}}b", &["{{ unsubscribe_url\t}}"]);
        check("{{unsubscribe_url}}{{unsubscribe_url}}", &[PLAIN, PLAIN]);
        check("{{{unsubscribe_url}}}", &[PLAIN]);
        check("{{{{unsubscribe_url}}", &[PLAIN]);
        check("{{ {{unsubscribe_url}}", &[PLAIN]);
        check("é{{unsubscribe_url}}é", &[PLAIN]);
        check("{{unsubscribe_url}", &[]);
        check("{{unsubscribe_url} }", &[]);
        check("{unsubscribe_url}}", &[]);
        check("{{unsubscribe_urls}}", &[]);
        check("{{\nunsubscribe_url}}", &[]);
        check("{{Unsubscribe_URL}}", &[]);
        check("{{", &[]);
    }

    #[test]
    fn there_is_a_limit() {
        let text = "{{unsubscribe_url}}".repeat(MAX_PLACEHOLDERS + 1);
        assert_eq!(find(&text).count(), MAX_PLACEHOLDERS);
    }
}
