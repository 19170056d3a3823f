//! Bodies of plain text, where only the unsubscribe link differs.

use std::borrow::Cow;

use crate::placeholder;

/// Whether `{{unsubscribe_url}}` stands in a body, of plain text or HTML.
#[must_use]
pub fn asks_for_url(body: &str) -> bool {
    placeholder::is_in(body)
}

/// Puts `url` as it is wherever `{{unsubscribe_url}}` stands in a body of plain text, up to [`MAX_PLACEHOLDERS`] times.
///
/// [`MAX_PLACEHOLDERS`]: crate::limits::MAX_PLACEHOLDERS
#[must_use]
pub fn fill<'t>(text: &'t str, url: &str) -> Cow<'t, str> {
    let mut filled = String::new();
    let mut from = 0;
    for range in placeholder::find(text) {
        filled.push_str(text.get(from..range.start).unwrap_or_default());
        filled.push_str(url);
        from = range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    filled.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(filled)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{asks_for_url, fill};

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(fill(text, "https://u.example/?a&b"), expected);
    }

    #[test]
    fn the_url_is_not_encoded() {
        check("", "");
        check("Bye.\r\n", "Bye.\r\n");
        check(
            "Bye: {{unsubscribe_url}}.\r\n",
            "Bye: https://u.example/?a&b.\r\n",
        );
        check(
            "{{unsubscribe_url}}{{ unsubscribe_url }}",
            "https://u.example/?a&bhttps://u.example/?a&b",
        );
    }

    #[test]
    fn a_text_without_placeholder_is_not_copied() {
        assert!(matches!(fill("{{name}}", ""), Cow::Borrowed(_)));
        assert!(!asks_for_url("{{name}}"));
        assert!(asks_for_url("<p>{{ unsubscribe_url }}"));
    }

    #[test]
    fn what_is_filled_in_is_not_filled_again() {
        assert_eq!(
            fill("<{{unsubscribe_url}}>", "{{unsubscribe_url}}"),
            "<{{unsubscribe_url}}>"
        );
    }
}
